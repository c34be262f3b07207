"""The J-V screen: every sweep so far, the space-charge fit of those that ended, and Arrhenius over them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from analysis.arrhenius import ArrheniusFit
from analysis.curves import JVCurve
from analysis.device import Device
from analysis.disorder_fit import CommonErrors
from analysis.space_charge import SpaceChargeFit, fit_space_charge, judge_noise, mark_points
from procedures import columns
from qdlab.events import Event, RowRecorded, RunEnded, RunStarted
from qdlab.live.changed import changed
from qdlab.live.going_on import gone_on_with
from qdlab.live.growing import Growing
from qdlab.live.overrides import Window
from qdlab.measured import current_drift, temperature_laws
from qdlab.records.curves import jv_curve, jv_point
from qdlab.records.resume import joined_rows

MINIMUM_POINTS = 5
ERRORS = CommonErrors()


@dataclass(frozen=True, kw_only=True)
class JVRun:
    """One sweep: its rows so far; once it ended, its whole curve and what is found in it.

    What is found is worked out when somebody first asks: a replay passes by most sweeps without a look.

    Parameters
    ----------
    earlier : rows of the sweep that this one goes on with
    whole : as recorded; None while it goes on
    """

    started: RunStarted
    device: Device
    earlier: tuple[RowRecorded, ...] = ()
    rows: Growing[RowRecorded] = field(default_factory=Growing)
    ended: RunEnded | None = None
    whole: JVCurve | None = None

    @property
    def curve(self) -> JVCurve | None:
        """The measured curve so far; None before the first usable row."""
        return jv_curve(self.started, self.counted, self.device) if self.ended is None else self.whole

    @cached_property
    def marked(self) -> JVCurve | None:
        """The whole curve with what the detectors saw in its flags; None where it has too few points."""
        if self.whole is None or len(self.whole) < MINIMUM_POINTS:
            return None
        (marked,) = mark_points([self.whole])
        return marked

    @cached_property
    def fit(self) -> SpaceChargeFit | None:
        """The mobility from the quadratic window of the marked curve."""
        if self.marked is None or self.marked.relative_permittivity is None:
            return None
        return space_charge_of(self.marked, self.device)

    @property
    def counted(self) -> Sequence[RowRecorded]:
        """The rows of the whole sweep, every point once."""
        return joined_rows([self.earlier, self.rows], jv_point) if self.earlier else self.rows


@dataclass(frozen=True, kw_only=True)
class JVScreen:
    """Sweeps in the order they began; the last may still be running."""

    devices: Mapping[str, Device]
    finished: tuple[JVRun, ...] = ()
    running: JVRun | None = None

    @property
    def runs(self) -> tuple[JVRun, ...]:
        return self.finished if self.running is None else (*self.finished, self.running)

    def curves(self, device: str) -> list[JVCurve]:
        """Finished curves of one device, in the order measured."""
        found = [run.curve for run in self.finished if run.started.device == device]
        return [curve for curve in found if curve is not None]

    @property
    def arrhenius(self) -> dict[str, ArrheniusFit]:
        """The temperature laws of each device, where three temperatures have a mobility; worked out anew."""
        laws = {device: self._temperature_laws(device) for device in self.devices}
        return {device: law for device, law in laws.items() if law is not None}

    def _temperature_laws(self, device: str) -> ArrheniusFit | None:
        known = [
            (run.marked, run.fit)
            for run in self.finished
            if run.started.device == device and run.marked is not None and run.fit is not None
        ]
        return temperature_laws_of([curve for curve, _ in known], [fit for _, fit in known])


def is_jv(started: RunStarted) -> bool:
    """Whether a run's rows make a J-V curve: told by its columns, not by the name of its procedure."""
    return columns.VOLTAGE in started.columns and columns.CURRENT in started.columns


def fold(screen: JVScreen, event: Event) -> JVScreen:
    """The screen after one more event."""
    running = screen.running
    if isinstance(event, RunStarted):
        return _started(screen, event) if is_jv(event) else screen
    if running is None or getattr(event, "run", None) != running.started.run:
        return screen
    if isinstance(event, RowRecorded):
        return changed(screen, running=changed(running, rows=running.rows.appended(event)))
    if isinstance(event, RunEnded):
        whole = replace(running, ended=event, whole=running.curve)
        return replace(screen, finished=(*screen.finished, whole), running=None)
    return screen


def _started(screen: JVScreen, started: RunStarted) -> JVScreen:
    """A sweep that was interrupted is shown as a part of the one that goes on with it, or not any more."""
    finished, earlier = gone_on_with(started, screen.finished)
    device = screen.devices[started.device]
    running = JVRun(started=started, device=device, earlier=() if earlier is None else tuple(earlier.counted))
    return replace(screen, finished=finished, running=running)


def space_charge_of(curve: JVCurve, device: Device, window: Window | None = None) -> SpaceChargeFit:
    """The mobility from the quadratic window of a marked curve, or from one chosen by hand [V]."""
    return fit_space_charge(
        curve,
        built_in_voltage=device.built_in_voltage.value,
        window=window,
        relative_thickness_error=ERRORS.thickness,
        relative_area_error=ERRORS.area,
        relative_permittivity_error=ERRORS.relative_permittivity,
    )


def temperature_laws_of(curves: Sequence[JVCurve], fits: Sequence[SpaceChargeFit]) -> ArrheniusFit | None:
    """The temperature laws of one device's zero-field mobilities, from three temperatures on."""
    known = [
        (curve, fit)
        for curve, fit in zip(curves, fits, strict=True)
        if math.isfinite(fit.zero_field_mobility.value)
    ]
    if len({round(curve.temperature) for curve, _ in known}) < 3:
        return None
    measured = [curve for curve, _ in known]
    return temperature_laws(
        [curve.temperature for curve in measured],
        [fit.zero_field_mobility for _, fit in known],
        ERRORS,
        judge_noise(measured),
        current_drift(curves),
    )
