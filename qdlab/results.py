"""What a session amounts to: every device's J-V and TEL analysis, from the same screens a window shows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.conventions import ConventionName
from analysis.curves import JVCurve
from analysis.device import Device
from analysis.estimate import Estimate
from analysis.trapping import MobilityComparison, compare_mobilities
from qdlab.live.session import SessionScreen, fold, initial
from qdlab.measured import JVAnalysis, analyse_jv, relative_change
from qdlab.pulsed import TELAnalysis, analyse_tel
from qdlab.records import RunFeed

MINIMUM_POINTS = 5
SAME_TEMPERATURE = 1.5  # [K]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The reference condition, measured again: how the current changed.

    Parameters
    ----------
    temperature : of the reference [K]
    relative_change : median of J_last/J_first - 1 over the common voltages [1]
    """

    temperature: float
    relative_change: float

    def to_dict(self) -> dict[str, object]:
        return {"temperature": self.temperature, "relative_change": self.relative_change}


@dataclass(frozen=True, kw_only=True)
class DeviceResults:
    """One device of a session; what was not measured is None or empty."""

    device: Device
    jv: JVAnalysis | None
    tel: tuple[TELAnalysis, ...]
    drift: Drift | None

    def to_dict(self) -> dict[str, object]:
        """Glossary keys, SI values, Estimates as objects."""
        return {
            "jv": None if self.jv is None else self.jv.to_dict(),
            "tel": [one.to_dict() for one in self.tel],
            "drift": None if self.drift is None else self.drift.to_dict(),
        }


@dataclass(frozen=True, kw_only=True, repr=False)
class SessionResults:
    """Results by device identifier.

    Parameters
    ----------
    devices : by identifier
    comparison : drift or effective mobility, where a session has a hole-only and a light-emitting device
    """

    devices: Mapping[str, DeviceResults]
    comparison: MobilityComparison | None = None

    def __repr__(self) -> str:
        lines = [f"results of {len(self.devices)} devices; qdlab.show prints them"]
        for name, device in self.devices.items():
            told = [] if device.jv is None else [repr(device.jv)]
            told += [f"{len(one.amplitudes)} pulse series" for one in device.tel]
            lines.append(f"  {name}: {', '.join(told) or 'nothing'}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, object]:
        """Glossary keys, SI values, Estimates as objects."""
        return {
            "devices": {name: device.to_dict() for name, device in self.devices.items()},
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
        }


def analyse_recorded(
    path: Path, *, convention: ConventionName = "li2024", with_model_range: bool = True
) -> SessionResults:
    """Analyse a recorded session, as its own screens show it.

    Raises
    ------
    RecordError : a line that cannot be believed, or no session there
    """
    feed = RunFeed(path)
    screen = initial(feed.devices)
    for event in feed.events():
        screen = fold(screen, event)
    return analyse_screen(screen, convention=convention, with_model_range=with_model_range)


def analyse_screen(
    screen: SessionScreen, *, convention: ConventionName = "li2024", with_model_range: bool = True
) -> SessionResults:
    """Analyse everything a session's screens hold.

    A device without a stated relative permittivity has no J-V analysis: mobilities need it. Nor has one that
    was pulsed for its light: it is bipolar, and the single-carrier laws would misread its current.
    """
    devices = {
        name: DeviceResults(
            device=device,
            jv=_jv(screen, device, convention, with_model_range),
            tel=_tel(screen, device),
            drift=_drift(screen.jv.curves(name)),
        )
        for name, device in screen.devices.items()
    }
    return SessionResults(devices=devices, comparison=_comparison(devices.values()))


def _comparison(devices: Iterable[DeviceResults]) -> MobilityComparison | None:
    """The longest good delay time against the space-charge mobility at its temperature."""
    known = list(devices)
    for tel in (one for device in known for one in device.tel):
        good = [one for one in tel.amplitudes if one.delay.verdict.is_good]
        mobility = _space_charge_mobility(known, tel.temperature)
        if good and mobility is not None:
            slowest = max(good, key=lambda one: one.delay.delay_time.value)
            series = slowest.series
            voltage = series.pulse_amplitude if series.device_voltage is None else series.device_voltage
            return compare_mobilities(slowest.delay.delay_time, voltage, *mobility)
    return None


def _space_charge_mobility(
    devices: Sequence[DeviceResults], temperature: float
) -> tuple[Estimate, Estimate] | None:
    """Zero-field mobility and field coefficient of Murgatroyd's law, where it describes a film there."""
    for fit in (layer.murgatroyd for device in devices if device.jv for layer in device.jv.layers):
        near = int(np.argmin(np.abs(fit.temperature - temperature)))
        if abs(fit.temperature[near] - temperature) < SAME_TEMPERATURE and fit.verdict.is_good:
            return fit.zero_field_mobility[near], fit.field_coefficient[near]
    return None


def _jv(
    screen: SessionScreen, device: Device, convention: ConventionName, with_model_range: bool
) -> JVAnalysis | None:
    sweeps = [
        (run.started.run, curve)
        for run in screen.jv.finished
        if run.started.device == device.identifier
        and (curve := run.curve) is not None
        and len(curve) >= MINIMUM_POINTS
    ]
    curves = [curve for _, curve in sweeps]
    permittivity = device.relative_permittivity
    emits_light = any(run.started.device == device.identifier for run in screen.tel.runs)
    if not curves or permittivity is None or emits_light:
        return None
    return analyse_jv(
        curves,
        relative_permittivity=permittivity.value,
        convention=convention,
        built_in_voltage=device.built_in_voltage.value,
        with_disorder=len({round(curve.temperature) for curve in curves}) > 1,
        with_model_range=with_model_range,
        windows=[screen.overrides.windows.get(run) for run, _ in sweeps],
    )


def _tel(screen: SessionScreen, device: Device) -> tuple[TELAnalysis, ...]:
    return tuple(
        analyse_tel(series, device, _straight_parts(screen, run.started.run))
        for run in screen.tel.runs
        if run.started.device == device.identifier and (series := run.series())
    )


def _straight_parts(screen: SessionScreen, run: str) -> dict[float, tuple[float, float]]:
    """What the operator chose for the series of a run, by pulse amplitude."""
    chosen = screen.overrides.straight_parts
    return {amplitude: part for (name, amplitude), part in chosen.items() if name == run}


def _drift(curves: Sequence[JVCurve]) -> Drift | None:
    """Last against first curve at the first one's temperature; None where there is only one."""
    again = [curve for curve in curves if abs(curve.temperature - curves[0].temperature) < SAME_TEMPERATURE]
    if len(again) < 2:
        return None
    change = relative_change(again[0], again[-1])
    return None if change is None else Drift(temperature=again[0].temperature, relative_change=change)
