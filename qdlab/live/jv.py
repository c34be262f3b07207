"""The J-V screen: every sweep so far, its space-charge fit as soon as it ends, and Arrhenius over them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from analysis.arrhenius import ArrheniusFit, fit_arrhenius
from analysis.curves import JVCurve
from analysis.device import Device
from analysis.space_charge import SpaceChargeFit, fit_space_charge
from procedures import columns
from qdlab.events import Event, RowRecorded, RunEnded, RunStarted
from qdlab.live.going_on import gone_on_with
from qdlab.live.growing import Growing
from qdlab.records.curves import jv_curve, jv_point
from qdlab.records.resume import joined_rows

MINIMUM_POINTS = 5


@dataclass(frozen=True, kw_only=True)
class JVRun:
    """One sweep: its rows so far; once it ended, its whole curve and what was found in it.

    earlier : rows of the sweep that this one goes on with
    """

    started: RunStarted
    earlier: tuple[RowRecorded, ...] = ()
    rows: Growing[RowRecorded] = field(default_factory=Growing)
    ended: RunEnded | None = None
    whole: JVCurve | None = None
    fit: SpaceChargeFit | None = None

    def curve(self, device: Device) -> JVCurve | None:
        """The measured curve so far; None before the first usable row."""
        return jv_curve(self.started, self.counted, device) if self.ended is None else self.whole

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
    arrhenius: Mapping[str, ArrheniusFit] = field(default_factory=dict)

    @property
    def runs(self) -> tuple[JVRun, ...]:
        return self.finished if self.running is None else (*self.finished, self.running)

    def curves(self, device: str) -> list[JVCurve]:
        """Finished curves of one device, in the order measured."""
        found = [run.curve(self.devices[device]) for run in self.finished if run.started.device == device]
        return [curve for curve in found if curve is not None]


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
        return replace(screen, running=replace(running, rows=running.rows.appended(event)))
    if isinstance(event, RunEnded):
        curve = running.curve(screen.devices[running.started.device])
        return _ended(screen, replace(running, ended=event, whole=curve))
    return screen


def _started(screen: JVScreen, started: RunStarted) -> JVScreen:
    """A sweep that was interrupted is shown as a part of the one that goes on with it, or not any more."""
    finished, earlier = gone_on_with(started, screen.finished)
    running = JVRun(started=started, earlier=() if earlier is None else tuple(earlier.counted))
    return replace(screen, finished=finished, running=running)


def _ended(screen: JVScreen, run: JVRun) -> JVScreen:
    device = screen.devices[run.started.device]
    curve = run.whole
    known = curve is not None and curve.relative_permittivity is not None
    if curve is not None and known and len(curve) >= MINIMUM_POINTS:
        run = replace(run, fit=fit_space_charge(curve, built_in_voltage=device.built_in_voltage.value))
    screen = replace(screen, finished=(*screen.finished, run), running=None)
    return replace(screen, arrhenius={**screen.arrhenius, **_arrhenius(screen, device)})


def _arrhenius(screen: JVScreen, device: Device) -> dict[str, ArrheniusFit]:
    """Zero-field mobility against temperature of one device, once three temperatures have a window."""
    points = []
    for run in screen.finished:
        if run.started.device != device.identifier or run.fit is None or run.fit.window is None:
            continue
        curve = run.curve(device)
        mobility = run.fit.zero_field_mobility
        if curve is not None and math.isfinite(mobility.value):
            points.append((curve.temperature, mobility.value, mobility.standard_error or math.nan))
    if len({round(temperature) for temperature, _, _ in points}) < 3:
        return {}
    temperatures, mobilities, errors = zip(*points, strict=True)
    return {device.identifier: fit_arrhenius(temperatures, mobilities, errors)}
