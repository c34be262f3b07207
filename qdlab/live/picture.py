"""What the panels draw: arrays, lines and cards, worked out from a session's screen.

It happens outside the window's thread. A `Picture` holds nothing that would still have to be analysed: a
widget hands its arrays to the plot and its words to the labels. `PictureMaker` remembers what finished runs
came to, so that a picture costs what is new.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.arrhenius import ArrheniusFit
from analysis.constants import electronvolt, microsecond, nanometre
from analysis.curves import FloatArray, JVCurve, TELSeries
from analysis.device import Device
from analysis.estimate import Estimate, Verdict
from analysis.space_charge import LocalSlope, SpaceChargeFit, local_slope, mott_gurney_current_density
from analysis.transit import DelayFit
from qdlab.live.disorder import DisorderScreen, FitFinished
from qdlab.live.jv import JVRun, JVScreen
from qdlab.live.session import SessionScreen
from qdlab.live.tel import TELRun, TELScreen
from qdlab.pulsed import analyse_tel

Line = tuple[FloatArray, FloatArray]
SLOPE_POINTS = 7


@dataclass(frozen=True, kw_only=True)
class JVTrace:
    """One sweep: the curve, which points are flagged or on the way back, its slope and quadratic law."""

    run: str
    curve: JVCurve
    flagged: np.ndarray
    back: np.ndarray
    slope: LocalSlope | None
    fit: SpaceChargeFit | None
    law: Line | None
    running: bool

    @property
    def label(self) -> str:
        return f"{self.curve.temperature:.0f} K"


@dataclass(frozen=True, kw_only=True)
class TELTrace:
    """One pulse amplitude: the series, its delay time, and the line down to the axis."""

    series: TELSeries
    delay: DelayFit | None
    line: Line | None

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
        self._traces: dict[tuple[str, int], JVTrace | None] = {}
        self._series: dict[tuple[str, int], tuple[tuple[TELTrace, ...], FieldPicture | None]] = {}

    def draw(self, screen: SessionScreen) -> Picture:
        """The picture of a screen."""
        traces = tuple(trace for run in screen.jv.runs if (trace := self._trace(screen.jv, run)) is not None)
        newest = screen.tel.runs[-1] if screen.tel.runs else None
        series, field = ((), None) if newest is None else self._tel(newest, screen.devices)
        disorder = self._disorder(screen.disorder)
        arrhenius = _arrhenius(screen.jv, traces, self._planned)
        return Picture(
            screen=screen,
            jv=traces,
            tel=series,
            field=field,
            arrhenius=arrhenius,
            disorder=disorder,
            cards=tuple(_cards(screen, traces, series)),
        )

    def _trace(self, screen: JVScreen, run: JVRun) -> JVTrace | None:
        key = (run.started.run, len(run.rows) if run.ended is None else -1)
        if key not in self._traces:
            if run.ended is not None:
                self._forget(run.started.run)
            self._traces[key] = _jv_trace(run, screen.devices[run.started.device])
        return self._traces[key]

    def _tel(
        self, run: TELRun, devices: Mapping[str, Device]
    ) -> tuple[tuple[TELTrace, ...], FieldPicture | None]:
        key = (run.started.run, len(run.rows))
        if key not in self._series:
            traces = tuple(_tel_traces(run))
            self._series = {key: (traces, _field(traces, devices[run.started.device]))}
        return self._series[key]

    def _disorder(self, screen: DisorderScreen) -> DisorderPicture | None:
        """The newest fit; the same object for the same fit, so that a panel can tell."""
        newest = next(reversed(list(screen.fits.values())), None)
        if newest is not self._fit:
            self._fit = newest
            self._disorder_picture = None if newest is None else _disorder_picture(newest)
        return self._disorder_picture

    def _forget(self, run: str) -> None:
        for key in [key for key in self._traces if key[0] == run]:
            del self._traces[key]


def _jv_trace(run: JVRun, device: Device) -> JVTrace | None:
    curve = run.curve(device)
    if curve is None:
        return None
    built_in = device.built_in_voltage.value
    slope = local_slope(curve, built_in_voltage=built_in) if len(curve) >= SLOPE_POINTS else None
    return JVTrace(
        run=run.started.run,
        curve=curve,
        flagged=np.array([bool(words - {"down", "remeasured"}) for words in curve.flags], dtype=bool),
        back=curve.flagged("down"),
        slope=slope,
        fit=run.fit,
        law=None if run.fit is None else _quadratic_law(curve, run.fit, built_in),
        running=run.ended is None,
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


def _tel_traces(run: TELRun) -> Iterable[TELTrace]:
    delays = {series.pulse_amplitude: delay for series, delay in TELScreen.fits_of(run)}
    for series in run.series():
        delay = delays.get(series.pulse_amplitude)
        yield TELTrace(
            series=series, delay=delay, line=None if delay is None else _to_the_axis(series, delay)
        )


def _to_the_axis(series: TELSeries, delay: DelayFit) -> Line | None:
    used = np.asarray(delay.used, dtype=bool)
    start = delay.delay_time.value
    if not math.isfinite(start) or not used.any():
        return None
    ends = np.array([start, float(series.pulse_width[used].max())])
    return ends, delay.slope.value * (ends - start)


def _field(traces: Sequence[TELTrace], device: Device) -> FieldPicture | None:
    timed = [trace.series for trace in traces if trace.delay is not None]
    if not timed:
        return None
    analysis = analyse_tel(timed, device)
    known = [one for one in analysis.amplitudes if one.transit is not None]
    if not known:
        return None
    fields = np.array([one.transit.electric_field for one in known if one.transit is not None])
    law = analysis.field_dependence
    line = None
    if law is not None and math.isfinite(law.field_coefficient.value):
        along = np.linspace(fields.min(), fields.max(), 20)
        line = (
            np.sqrt(along),
            law.zero_field_mobility.value * np.exp(law.field_coefficient.value * np.sqrt(along)),
        )
    return FieldPicture(
        root_field=np.sqrt(fields),
        mobility=tuple(one.transit.mobility for one in known if one.transit is not None),
        good=np.array([one.delay.verdict.is_good for one in known], dtype=bool),
        line=line,
    )


def _arrhenius(
    screen: JVScreen, traces: Sequence[JVTrace], planned: Sequence[float]
) -> ArrheniusPicture | None:
    points = [
        (trace.curve.temperature, trace.fit.zero_field_mobility)
        for trace in traces
        if trace.fit is not None and math.isfinite(trace.fit.zero_field_mobility.value)
    ]
    measured = [trace.curve.temperature for trace in traces]
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
            yield Card(
                title=f"μ(0), {trace.label}",
                value=f"{trace.fit.zero_field_mobility} m²/Vs",
                detail=f"slope {trace.fit.slope}, {low:.2g}-{high:.2g} V, {int(trace.fit.used.sum())} points",
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
