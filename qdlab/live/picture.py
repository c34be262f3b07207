"""What the panels draw: arrays, lines and cards, worked out from a session's screen.

It happens outside the window's thread. A `Picture` holds nothing that would still have to be analysed: a
widget hands its arrays to the plot and its words to the labels. `PictureMaker` remembers what finished runs
came to, so that a picture costs what is new.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.arrhenius import ArrheniusFit
from analysis.constants import electronvolt, microsecond, nanometre
from analysis.curves import FloatArray, JVCurve, TELSeries
from analysis.device import Device
from analysis.estimate import Estimate, Verdict
from analysis.space_charge import (
    LocalSlope,
    SpaceChargeFit,
    detect_noise_floor,
    fit_space_charge,
    local_slope,
    mott_gurney_current_density,
)
from analysis.transit import DelayFit
from qdlab.live.disorder import DisorderScreen, FitFinished
from qdlab.live.jv import JVRun, JVScreen
from qdlab.live.session import SessionScreen
from qdlab.live.tel import MINIMUM_POINTS, TELRun
from qdlab.pulsed import AmplitudeResult, analyse_amplitude, field_dependence_of

Line = tuple[FloatArray, FloatArray]
Window = tuple[float, float]
SLOPE_POINTS = 7
SHOWN_SWEEPS = 16  # newest ones; more than can be told apart by colour anyway
REMEMBERED_SERIES = 512


@dataclass(frozen=True, kw_only=True)
class JVTrace:
    """One sweep: the curve, which points are flagged or on the way back, its slope and quadratic law.

    Parameters
    ----------
    number : its place among the sweeps of the session, which chooses the colour
    label : temperature, and the device where the session has several
    floor : below this the meter's noise and offset rule [A m⁻²]; NaN where it does not show
    by_hand : the quadratic window was dragged in this window, and stands nowhere else
    """

    run: str
    number: int
    label: str
    curve: JVCurve
    flagged: np.ndarray
    back: np.ndarray
    slope: LocalSlope | None
    fit: SpaceChargeFit | None
    law: Line | None
    floor: float
    running: bool
    by_hand: bool = False


@dataclass(frozen=True, kw_only=True)
class TELTrace:
    """One pulse amplitude: the series, its delay time, and the line down to the axis."""

    series: TELSeries
    result: AmplitudeResult | None
    line: Line | None

    @property
    def delay(self) -> DelayFit | None:
        return None if self.result is None else self.result.delay

    @property
    def used(self) -> np.ndarray:
        if self.delay is None:
            return np.zeros(len(self.series), dtype=bool)
        return np.asarray(self.delay.used, dtype=bool)


@dataclass(frozen=True, kw_only=True)
class FieldPicture:
    """Transit mobility against the root of the field; `line` is the Poole-Frenkel law."""

    root_field: FloatArray
    mobility: tuple[Estimate, ...]
    good: np.ndarray
    line: Line | None


@dataclass(frozen=True, kw_only=True)
class ArrheniusPicture:
    """Zero-field mobility against 1000/T; pending set points have no mobility yet."""

    inverse_temperature: FloatArray
    mobility: tuple[Estimate, ...]
    line: Line | None
    pending: FloatArray


@dataclass(frozen=True, kw_only=True)
class ParameterRow:
    """One parameter of the disorder fit in its three columns, in lab units, as text."""

    name: str
    value: str
    systematic: str
    model_range: str
    verdict: str


@dataclass(frozen=True, kw_only=True)
class DisorderPicture:
    """All temperatures of one device with the fitted curves, residuals and parameters."""

    device: str
    curves: tuple[JVCurve, ...]
    models: tuple[Line, ...]
    residuals: tuple[Line, ...]
    parameters: tuple[ParameterRow, ...]
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Card:
    """One result in words: `value` as it would stand in a paper, `detail` how it came about."""

    title: str
    value: str
    detail: str
    verdict: Verdict

    @property
    def text(self) -> str:
        """The card as text for the clipboard."""
        return f"{self.title}: {self.value} ({self.detail}; {self.verdict})"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Everything the window draws at one moment."""

    screen: SessionScreen
    jv: tuple[JVTrace, ...] = ()
    tel: tuple[TELTrace, ...] = ()
    field: FieldPicture | None = None
    arrhenius: ArrheniusPicture | None = None
    disorder: DisorderPicture | None = None
    cards: tuple[Card, ...] = ()


class PictureMaker:
    """Draws screens; what a finished run came to is worked out once.

    Parameters
    ----------
    planned_temperatures : set points of the plan [K], shown as pending until measured
    """

    def __init__(self, planned_temperatures: Sequence[float] = ()) -> None:
        self._planned = tuple(planned_temperatures)
        self._fit: FitFinished | None = None
        self._disorder_picture: DisorderPicture | None = None
        self._windows: dict[str, Window] = {}
        self._traces: dict[str, tuple[tuple[object, ...], JVTrace | None]] = {}
        self._results: dict[tuple[str, float], tuple[TELSeries, AmplitudeResult]] = {}

    def use_window(self, run: str, window: Window | None) -> None:
        """Read one sweep in this quadratic window [V] from now on; None gives it back to the rule."""
        if window is None:
            self._windows.pop(run, None)
        else:
            self._windows[run] = window

    def draw(self, screen: SessionScreen) -> Picture:
        """The picture of a screen."""
        traces = tuple(self._sweeps(screen.jv))
        newest = screen.tel.runs[-1] if screen.tel.runs else None
        series = () if newest is None else tuple(self._series(newest, screen.devices[newest.started.device]))
        return Picture(
            screen=screen,
            jv=traces,
            tel=series,
            field=_field([one.result for one in series if one.result is not None]),
            arrhenius=_arrhenius(screen.jv, self._planned),
            disorder=self._disorder(screen.disorder),
            cards=tuple(_cards(screen, traces, series)),
        )

    def _sweeps(self, screen: JVScreen) -> Iterable[JVTrace]:
        runs = list(enumerate(screen.runs))
        names = _short_names([run.started.device for _, run in runs])
        seen: Counter[str] = Counter()
        for number, run in runs[-SHOWN_SWEEPS:]:
            trace = self._trace(screen, run, number)
            if trace is None:
                continue
            label = ", ".join(filter(None, (trace.label, names[run.started.device])))
            seen[label] += 1
            yield replace(trace, label=label if seen[label] == 1 else f"{label} ({seen[label]})")

    def _trace(self, screen: JVScreen, run: JVRun, number: int) -> JVTrace | None:
        name = run.started.run
        window = self._windows.get(name)
        state = (len(run.rows), run.ended, window)
        if name not in self._traces or self._traces[name][0] != state:
            trace = _jv_trace(run, screen.devices[run.started.device], number, window)
            self._traces[name] = (state, trace)
        return self._traces[name][1]

    def _series(self, run: TELRun, device: Device) -> Iterable[TELTrace]:
        for series in run.series():
            result = self._result(run, series, device) if len(series) >= MINIMUM_POINTS else None
            line = None if result is None else _to_the_axis(series, result.delay)
            yield TELTrace(series=series, result=result, line=line)

    def _result(self, run: TELRun, series: TELSeries, device: Device) -> AmplitudeResult:
        """What a series came to, worked out again only where it has grown."""
        key = (run.started.run, series.pulse_amplitude)
        known = self._results.get(key)
        if known is None or not _same_points(known[0], series):
            known = (series, analyse_amplitude(series, device))
            self._results.pop(key, None)
            self._results[key] = known
            while len(self._results) > REMEMBERED_SERIES:
                del self._results[next(iter(self._results))]
        return known[1]

    def _disorder(self, screen: DisorderScreen) -> DisorderPicture | None:
        """The newest fit; the same object for the same fit, so that a panel can tell."""
        newest = next(reversed(list(screen.fits.values())), None)
        if newest is not self._fit:
            self._fit = newest
            self._disorder_picture = None if newest is None else _disorder_picture(newest)
        return self._disorder_picture


def _jv_trace(run: JVRun, device: Device, number: int, window: Window | None) -> JVTrace | None:
    curve = run.curve(device)
    if curve is None:
        return None
    built_in, fit = device.built_in_voltage.value, run.fit
    if fit is not None and window is not None:
        fit = fit_space_charge(curve, built_in_voltage=built_in, window=window)
    return JVTrace(
        run=run.started.run,
        number=number,
        label=f"{curve.temperature:.0f} K",
        curve=curve,
        flagged=np.array([bool(words - {"down", "remeasured"}) for words in curve.flags], dtype=bool),
        back=curve.flagged("down"),
        slope=_slope(curve, built_in) if fit is None else fit.local,
        fit=fit,
        law=None if fit is None else _quadratic_law(curve, fit, built_in),
        floor=_noise_floor(curve),
        running=run.ended is None,
        by_hand=window is not None,
    )


def _short_names(devices: Iterable[str]) -> dict[str, str]:
    """What tells the devices of a plot apart: their identifiers without the parts common to all of them."""
    parts = {device: device.split("/") for device in devices}
    common = set.intersection(*map(set, parts.values())) if parts else set()
    return {device: "/".join(part for part in found if part not in common) for device, found in parts.items()}


def _slope(curve: JVCurve, built_in_voltage: float) -> LocalSlope | None:
    return local_slope(curve, built_in_voltage=built_in_voltage) if len(curve) >= SLOPE_POINTS else None


def _noise_floor(curve: JVCurve) -> float:
    """The floor the meter brings along, else the largest reading that shows no more than noise [A m⁻²]."""
    if curve.current_density_floor > 0:
        return curve.current_density_floor
    noise = np.abs(curve.current_density[detect_noise_floor(curve)])
    return float(noise.max()) if noise.size else math.nan


def _same_points(one: TELSeries, other: TELSeries) -> bool:
    return np.array_equal(one.pulse_width, other.pulse_width) and np.array_equal(
        one.light_current, other.light_current
    )


def _quadratic_law(curve: JVCurve, fit: SpaceChargeFit, built_in_voltage: float) -> Line | None:
    if fit.window is None or curve.relative_permittivity is None:
        return None
    low, high = fit.window
    voltage = np.geomspace(low / 1.5, high * 1.5, 30)
    law = mott_gurney_current_density(
        voltage - built_in_voltage,
        fit.zero_field_mobility.value,
        curve.thickness,
        curve.relative_permittivity,
    )
    return voltage, law


def _to_the_axis(series: TELSeries, delay: DelayFit) -> Line | None:
    used = np.asarray(delay.used, dtype=bool)
    start = delay.delay_time.value
    if not math.isfinite(start) or not used.any():
        return None
    ends = np.array([start, float(series.pulse_width[used].max())])
    return ends, delay.slope.value * (ends - start)


def _field(results: Sequence[AmplitudeResult]) -> FieldPicture | None:
    known = [(one, one.transit) for one in results if one.transit is not None]
    if not known:
        return None
    fields = np.array([transit.electric_field for _, transit in known])
    law = field_dependence_of(results)
    line = None
    if law is not None and math.isfinite(law.field_coefficient.value):
        along = np.linspace(fields.min(), fields.max(), 20)
        line = (
            np.sqrt(along),
            law.zero_field_mobility.value * np.exp(law.field_coefficient.value * np.sqrt(along)),
        )
    return FieldPicture(
        root_field=np.sqrt(fields),
        mobility=tuple(transit.mobility for _, transit in known),
        good=np.array([one.delay.verdict.is_good for one, _ in known], dtype=bool),
        line=line,
    )


def _arrhenius(screen: JVScreen, planned: Sequence[float]) -> ArrheniusPicture | None:
    curves = [(run.whole, run.fit) for run in screen.finished if run.whole is not None]
    points = [
        (curve.temperature, fit.zero_field_mobility)
        for curve, fit in curves
        if fit is not None and math.isfinite(fit.zero_field_mobility.value)
    ]
    measured = [curve.temperature for curve, _ in curves]
    pending = [kelvin for kelvin in planned if all(abs(kelvin - one) > 1.5 for one in measured)]
    if not points and not pending:
        return None
    fit = next(iter(screen.arrhenius.values()), None)
    return ArrheniusPicture(
        inverse_temperature=np.array([1000 / kelvin for kelvin, _ in points]),
        mobility=tuple(mobility for _, mobility in points),
        line=None if fit is None else _arrhenius_line(fit, [kelvin for kelvin, _ in points] + pending),
        pending=np.array([1000 / kelvin for kelvin in pending]),
    )


def _arrhenius_line(fit: ArrheniusFit, temperatures: Sequence[float]) -> Line | None:
    if not math.isfinite(fit.activation_energy.value):
        return None
    inverse = np.linspace(1000 / max(temperatures), 1000 / min(temperatures), 20)
    return inverse, fit.at(1000 / inverse)


_UNITS: Mapping[str, tuple[str, float]] = {
    "disorder_width": ("σ (meV)", 1e3 / electronvolt),
    "hopping_distance": ("a (nm)", 1 / nanometre),
    "mobility_prefactor": ("μ₀ (m²/Vs)", 1.0),
    "attempt_rate": ("ν₀ (1/s)", 1.0),
    "built_in_voltage": ("V_bi (V)", 1.0),
    "injecting_barrier": ("φ₁ (meV)", 1e3 / electronvolt),
    "extracting_barrier": ("φ₂ (meV)", 1e3 / electronvolt),
}


def _disorder_picture(finished: FitFinished) -> DisorderPicture:
    fit = finished.fit
    return DisorderPicture(
        device=finished.device,
        curves=tuple(one.curve for one in fit.curves),
        models=tuple((one.curve.voltage, one.model) for one in fit.curves),
        residuals=tuple((one.curve.voltage, 100 * np.expm1(one.residual)) for one in fit.curves),
        parameters=tuple(_parameter_row(name, found) for name, found in fit.parameters.items()),
        verdict=fit.verdict,
    )


def _parameter_row(name: str, found: Estimate) -> ParameterRow:
    label, factor = _UNITS.get(name, (name, 1.0))
    shown = found.scaled(factor)
    spread = "-" if shown.model_range is None else "{:.4g} to {:.4g}".format(*shown.model_range)
    return ParameterRow(
        name=label,
        value=str(shown),
        systematic="-" if shown.systematic_error is None else f"± {shown.systematic_error:.2g}",
        model_range=spread,
        verdict=found.verdict.word.replace("_", " "),
    )


def _cards(screen: SessionScreen, traces: Sequence[JVTrace], series: Sequence[TELTrace]) -> Iterable[Card]:
    for trace in reversed(traces):
        if trace.fit is not None and trace.fit.window is not None:
            low, high = trace.fit.window
            chosen = ", window by hand" if trace.by_hand else ""
            yield Card(
                title=f"μ(0), {trace.label}",
                value=f"{trace.fit.zero_field_mobility} m²/Vs",
                detail=f"slope {trace.fit.slope}, {low:.2g}-{high:.2g} V,"
                f" {trace.fit.used.sum()} points{chosen}",
                verdict=trace.fit.verdict,
            )
            break
    for device, law in screen.jv.arrhenius.items():
        yield Card(
            title="Activation energy",
            value=f"{law.activation_energy.scaled(1 / electronvolt)} eV",
            detail=f"{len(law.temperature)} temperatures, {device}",
            verdict=law.verdict,
        )
    for finished in screen.disorder.fits.values():
        width = finished.fit.parameters.get("disorder_width")
        if width is not None:
            yield Card(
                title="Disorder width σ (EGDM)",
                value=f"{width.scaled(1e3 / electronvolt)} meV",
                detail=f"{finished.curves} curves, {finished.device}",
                verdict=finished.fit.verdict,
            )
    for one in series:
        if one.delay is not None:
            yield Card(
                title=f"τ_d, {one.series.label}",
                value=f"{one.delay.delay_time.scaled(1 / microsecond)} µs",
                detail=f"{int(one.used.sum())} of {len(one.series)} widths used",
                verdict=one.delay.verdict,
            )
