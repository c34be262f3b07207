"""Figures in publication style, from analysis types to matplotlib figures; no pyplot, no state, no files.

Lab units live here, on the axes: V, mA cm⁻², µs, nA and (V/cm)^½.
"""

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, StrMethodFormatter

from analysis.arrhenius import ArrheniusFit
from analysis.curves import JVCurve, TELSeries
from analysis.disorder_fit import CurveResiduals
from analysis.estimate import Estimate
from analysis.space_charge import DISQUALIFYING_FLAGS, SpaceChargeFit, mott_gurney_current_density
from analysis.transit import DelayFit

MILLIAMPERE_PER_SQUARE_CENTIMETRE = 10.0  # [A m⁻²]
WIDTH, HEIGHT = 4.6, 3.5  # [inch]

_STYLE: Any = {
    "font.size": 9,
    "font.family": "DejaVu Sans",
    "axes.linewidth": 0.8,
    "axes.formatter.use_mathtext": True,  # 10⁻¹¹ above an axis, not 1e-11
    "axes.spines.top": True,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "svg.hashsalt": "qdlab",
    "svg.fonttype": "path",
    "mathtext.default": "regular",
    "pdf.fonttype": 42,  # text stays text, which journals ask for
}

MANY = 7  # entries of a legend beyond which it takes two columns


@contextmanager
def publication_style() -> Iterator[None]:
    """Fonts, ticks and lines of a printed column."""
    with mpl.rc_context(_STYLE):
        yield


def to_svg(figure: Figure) -> str:
    """The figure as an ``<svg>`` element, the same text for the same figure."""
    buffer = io.StringIO()
    with publication_style():
        FigureCanvasSVG(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def write_vector_files(figure: Figure, stem: Path) -> list[Path]:
    """The figure as SVG and as PDF beside it, the same bytes for the same figure; the files written.

    Parameters
    ----------
    figure : as drawn
    stem : the path without its ending
    """
    svg, pdf = (stem.with_name(stem.name + ending) for ending in (".svg", ".pdf"))
    svg.write_text(to_svg(figure) + "\n", encoding="utf-8", newline="\n")
    with publication_style():
        FigureCanvasPdf(figure)
        figure.savefig(pdf, format="pdf", metadata={"CreationDate": None}, bbox_inches="tight")
    return [svg, pdf]


def temperature_colour(temperature: float, low: float = 200.0, high: float = 300.0) -> tuple[float, ...]:
    """Blue when cold, yellow-brown when warm; told apart by the colour-blind (plasma)."""
    share = 0.0 if high == low else (temperature - low) / (high - low)
    return colormaps["plasma"](0.05 + 0.8 * min(max(share, 0.0), 1.0))


def draw_current_density(
    axes: Axes,
    curves: Sequence[JVCurve],
    fits: Sequence[SpaceChargeFit | None],
    *,
    built_in_voltage: float = 0.0,
) -> None:
    """log J against log V with the quadratic law through each window (the counterpart of Fig. 2a)."""
    low, high = _temperature_span(curves)
    for curve, fit, label in zip(curves, fits, curve_labels(curves), strict=True):
        colour = temperature_colour(curve.temperature, low, high)
        _draw_curve(axes, curve, colour, label=label)
        if fit is None or fit.window is None or not math.isfinite(fit.zero_field_mobility.value):
            continue
        voltage = np.geomspace(max(curve.voltage[curve.voltage > 0].min(), 0.05), curve.voltage.max(), 100)
        law = mott_gurney_current_density(
            np.maximum(voltage - built_in_voltage, 1e-9),
            fit.zero_field_mobility.value,
            curve.thickness,
            curve.relative_permittivity or 1.0,
        )
        axes.plot(voltage, law / MILLIAMPERE_PER_SQUARE_CENTIMETRE, "--", color="0.35", lw=0.9)
        axes.axvspan(*fit.window, color=colour, alpha=0.12, lw=0)
    _log_log(axes)
    axes.set_xlabel("Voltage $V$ (V)")
    axes.set_ylabel("Current density $J$ (mA cm$^{-2}$)")
    axes.legend(loc="upper left", ncols=1 if len(curves) <= MANY else 2)


def current_density_figure(
    curves: Sequence[JVCurve], fits: Sequence[SpaceChargeFit | None], *, built_in_voltage: float = 0.0
) -> Figure:
    """The counterpart of Fig. 2a of Li et al. 2024."""
    with publication_style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        draw_current_density(figure.subplots(), curves, fits, built_in_voltage=built_in_voltage)
    return figure


def delay_figure(series: Sequence[TELSeries], fits: Sequence[DelayFit]) -> Figure:
    """Light current against pulse width with lines drawn to the axis (the counterpart of Fig. 3)."""
    with publication_style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        span = [one.pulse_amplitude for one in series]
        unit, scale = _current_unit(
            max((float(np.nanmax(one.light_current)) for one in series), default=1e-9)
        )
        for one, fit in zip(series, fits, strict=True):
            colour = temperature_colour(one.pulse_amplitude, min(span), max(span))
            width, light = one.pulse_width * 1e6, one.light_current / scale
            used = np.asarray(fit.used, dtype=bool)
            error = None if one.total_error is None else one.total_error / scale
            for mask, marker in ((used, "o"), (~used, "x")):
                if mask.any():
                    axes.errorbar(
                        width[mask],
                        light[mask],
                        yerr=None if error is None else error[mask],
                        fmt=marker,
                        color=colour,
                        mfc="white" if marker == "o" else colour,
                        elinewidth=0.7,
                        label=f"{one.pulse_amplitude:g} V" if marker == "o" or not used.any() else None,
                    )
            if math.isfinite(fit.delay_time.value) and used.any():
                start = fit.delay_time.value
                line = np.array([start, one.pulse_width[used].max()])
                axes.plot(line * 1e6, fit.slope.value * (line - start) / scale, "-", color=colour, lw=0.9)
        axes.axhline(0, color="0.6", lw=0.6)
        axes.set_xlim(left=0)
        axes.set_xlabel(r"Pulse width $\tau_{pulse}$ (µs)")
        axes.set_ylabel(f"Light current $I_{{out}}$ ({unit})")
        axes.legend(loc="upper left", title="circles used, crosses not", title_fontsize=7)
    return figure


def field_dependence_figure(
    fields: npt.ArrayLike,
    mobilities: Sequence[Estimate],
    *,
    good: Sequence[bool],
    guide: tuple[npt.NDArray, npt.NDArray] | None = None,
    published: tuple[float, float] | None = None,
) -> Figure:
    """Transit mobility (log) against the root of the field (the counterpart of Fig. 4).

    Parameters
    ----------
    fields : (n,) [V m⁻¹]
    mobilities : n estimates [m² V⁻¹ s⁻¹]
    good : whether each delay time may be trusted; others are drawn hollow
    guide : field [V m⁻¹] and mobility of the fitted line
    published : (field, mobility) printed in the paper
    """
    with publication_style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        root = np.sqrt(np.asarray(fields, dtype=float) / 100)
        for x, estimate, trusted in zip(root, mobilities, good, strict=True):
            axes.errorbar(
                x,
                estimate.value,
                yerr=_error_bar(estimate),
                fmt="o",
                color="C0",
                mfc="C0" if trusted else "white",
                capsize=2,
            )
        if guide is not None:
            axes.plot(
                np.sqrt(guide[0] / 100), guide[1], "--", color="0.4", label="$\\ln\\mu$ linear in $E^{1/2}$"
            )
        if published is not None:
            axes.plot(
                math.sqrt(published[0] / 100), published[1], "*", color="C3", ms=9, label="printed, 4 V"
            )
        axes.set_yscale("log")
        _label_within_decades(axes.yaxis)
        axes.set_xlabel("$E^{1/2}$ ((V cm$^{-1}$)$^{1/2}$)")
        axes.set_ylabel(r"Transit mobility (m$^2$ V$^{-1}$ s$^{-1}$)")
        if guide is not None or published is not None:
            axes.legend(loc="upper left", title="hollow: not to be trusted", title_fontsize=7)
    return figure


@dataclass(frozen=True, kw_only=True)
class MobilitySeries:
    """Mobilities against temperature: (n,) [K], n estimates [m² V⁻¹ s⁻¹], and the law through them if any."""

    label: str
    temperature: Sequence[float]
    mobility: Sequence[Estimate]
    law: ArrheniusFit | None = None


def arrhenius_figure(series: Sequence[MobilitySeries]) -> Figure:
    """Zero-field mobilities (log) against 1000/T with their Arrhenius lines (the counterpart of Fig. 5)."""
    with publication_style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        labels = list(dict.fromkeys(one.label for one in series))
        told: set[str] = set()
        for one in series:
            number = labels.index(one.label)
            colour, filled = f"C{number % 10}", number % 2 == 0
            inverse = 1000 / np.asarray(one.temperature, dtype=float)
            for index, (x, estimate) in enumerate(zip(inverse, one.mobility, strict=True)):
                axes.errorbar(
                    x,
                    estimate.value,
                    yerr=_error_bar(estimate),
                    fmt="osD^v"[number // 2 % 5],
                    color=colour,
                    mfc=colour if filled else "white",
                    capsize=2,
                    label=one.label if index == 0 and one.label not in told else None,
                )
            told.add(one.label)
            if one.law is not None and math.isfinite(one.law.activation_energy.value):
                line = np.linspace(inverse.min() - 0.05, inverse.max() + 0.05, 50)
                axes.plot(line, one.law.at(1000 / line), "--", color=colour, lw=0.8)
        axes.set_yscale("log")
        _label_within_decades(axes.yaxis)
        axes.set_xlabel("1000/$T$ (K$^{-1}$)")
        axes.set_ylabel("$\\mu(0)$ (m$^2$ V$^{-1}$ s$^{-1}$)")
        title = "dashed: Arrhenius" if any(one.law for one in series) else None
        axes.legend(loc="upper right", title=title, title_fontsize=7)
    return figure


def thickness_figure(curves: Sequence[JVCurve], *, built_in_voltage: float = 0.0) -> Figure:
    """J L³ against V - V_bi of several thicknesses (the counterpart of Fig. 2b)."""
    with publication_style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        low, high = min(curve.thickness for curve in curves), max(curve.thickness for curve in curves)
        for curve in curves:
            voltage = curve.voltage - built_in_voltage
            shown = (voltage > 0) & (curve.current_density > 0)
            axes.plot(
                voltage[shown],
                curve.current_density[shown] * curve.thickness**3,
                "o",
                mfc="none",
                mew=0.8,
                color=temperature_colour(curve.thickness, low, high),
                label=f"{curve.thickness * 1e9:.4g} nm, {curve.temperature:.0f} K",
            )
        _log_log(axes)
        axes.set_xlabel("$V - V_{bi}$ (V)")
        axes.set_ylabel("$J\\,L^3$ (A m)")
        axes.legend(loc="upper left")
    return figure


def disorder_figure(curves: Sequence[CurveResiduals]) -> Figure:
    """Measured J-V at all temperatures with the EGDM curves through them (the counterpart of Fig. 6)."""
    with publication_style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        measured = [one.curve for one in curves]
        low, high = _temperature_span(measured)
        for one, label in zip(curves, curve_labels(measured), strict=True):
            colour = temperature_colour(one.curve.temperature, low, high)
            used = np.array([not reason for reason in one.left_out], dtype=bool)
            _draw_points(axes, one.curve, used, colour, label=label)
            order = np.argsort(one.curve.voltage, kind="stable")
            order = order[used[order] & (one.model[order] > 0)]
            model = one.model[order] / MILLIAMPERE_PER_SQUARE_CENTIMETRE
            axes.plot(one.curve.voltage[order], model, "-", color=colour, lw=1.0)
        _log_log(axes)
        axes.set_xlabel("Voltage $V$ (V)")
        axes.set_ylabel("Current density $J$ (mA cm$^{-2}$)")
        title = "lines EGDM, crosses not fitted" if any(any(one.left_out) for one in curves) else "lines EGDM"
        axes.legend(loc="upper left", title=title, title_fontsize=7, ncols=1 if len(curves) <= MANY else 2)
    return figure


def residual_figure(curves: Sequence[CurveResiduals]) -> Figure:
    """Deviation of the measured current from the model, a line a curve [%]."""
    with publication_style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        measured = [one.curve for one in curves]
        low, high = _temperature_span(measured)
        for one, label in zip(curves, curve_labels(measured), strict=True):
            deviation = relative_deviation(one)
            shown = np.isfinite(deviation)
            axes.plot(
                one.curve.voltage[shown],
                100 * deviation[shown],
                ".-",
                lw=0.6,
                color=temperature_colour(one.curve.temperature, low, high),
                label=label,
            )
        axes.axhline(0, color="0.6", lw=0.6)
        axes.set_xscale("log")
        _label_within_decades(axes.xaxis)
        axes.set_xlabel("Voltage $V$ (V)")
        axes.set_ylabel("$J/J_{EGDM} - 1$ (%)")
        axes.legend(loc="best", ncols=2)
    return figure


def residual_map_figure(curves: Sequence[CurveResiduals]) -> Figure:
    """The same deviations as a map of voltage and curve, red above the model and blue below."""
    with publication_style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        deviations = [100 * relative_deviation(one) for one in curves]
        largest = max(
            (float(np.nanmax(np.abs(one))) for one in deviations if np.isfinite(one).any()), default=1
        )
        drawn = None
        for row, (one, deviation) in enumerate(zip(curves, deviations, strict=True)):
            shown = np.isfinite(deviation) & (one.curve.voltage > 0)
            order = np.flatnonzero(shown)[np.argsort(one.curve.voltage[shown], kind="stable")]
            if len(order) < 2:
                continue
            edges = _edges(np.log(one.curve.voltage[order]))
            drawn = axes.pcolormesh(
                np.exp(edges),
                [row - 0.5, row + 0.5],
                deviation[order][np.newaxis, :],
                cmap="RdBu_r",
                vmin=-largest,
                vmax=largest,
                edgecolors="face",
                lw=0.2,
            )
        axes.set_xscale("log")
        _label_within_decades(axes.xaxis)
        axes.set_yticks(range(len(curves)), curve_labels([one.curve for one in curves]))
        axes.tick_params(which="both", left=False, right=False)
        axes.set_xlabel("Voltage $V$ (V)")
        if drawn is not None:
            figure.colorbar(drawn, ax=axes, label="$J/J_{EGDM} - 1$ (%)")
    return figure


@dataclass(frozen=True, kw_only=True)
class ComparedValues:
    """Values of one quantity side by side in the unit of `heading`: n labels and estimates, their mean."""

    heading: str
    labels: Sequence[str]
    values: Sequence[Estimate]
    outlying: Sequence[bool]
    mean: Estimate | None
    logarithmic: bool = False


def compared_figure(compared: ComparedValues) -> Figure:
    """Values of many devices or sessions with their errors, in order, around the mean of all."""
    with publication_style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        for place, (value, far) in enumerate(zip(compared.values, compared.outlying, strict=True)):
            axes.errorbar(
                place,
                value.value,
                yerr=_error_bar(value),
                fmt="*" if far else "o",
                color="C3" if far else "C0",
                ms=8 if far else 3.5,
                capsize=2,
            )
        mean, limits = compared.mean, axes.get_ylim()
        if mean is not None:
            low, high = mean.confidence_interval or (mean.value, mean.value)
            axes.axhspan(low, high, color="0.85", lw=0, zorder=0)
            axes.axhline(mean.value, color="0.4", lw=0.8, label="mean and its 95 % interval")
            axes.legend(loc="best")
        shown = [one.value for one in compared.values]
        logarithmic = compared.logarithmic and max(shown) > 3 * min(shown)
        if logarithmic:
            axes.set_yscale("log")
            limits = (0.7 * min(shown), 1.4 * max(shown))
        # the mean of two batches may have an interval of decades; the values are what is looked at
        axes.set_ylim(*limits)
        if logarithmic:
            _label_within_decades(axes.yaxis)
        every = max(1, math.ceil(len(compared.labels) / 12))
        places = range(0, len(compared.labels), every)
        axes.set_xticks(
            places, [compared.labels[place] for place in places], rotation=60, ha="right", fontsize=6
        )
        axes.set_xlim(-0.7, len(compared.labels) - 0.3)
        axes.set_ylabel(compared.heading)
    return figure


def relative_deviation(one: CurveResiduals) -> npt.NDArray[np.float64]:
    """(n,) measured over modelled current, less one [1]; NaN where the point plays no part in the fit."""
    used = np.array([not reason for reason in one.left_out], dtype=bool) & (one.model > 0)
    found = np.full(len(one.curve), np.nan)
    found[used] = one.curve.current_density[used] / one.model[used] - 1
    return found


def curve_labels(curves: Sequence[JVCurve]) -> list[str]:
    """The temperature of each, with the thickness where there are several, with a number where repeated."""
    several = len({curve.thickness for curve in curves}) > 1
    labels: list[str] = []
    seen: dict[str, int] = {}
    for curve in curves:
        label = f"{curve.temperature:.0f} K" + (f", {curve.thickness * 1e9:.4g} nm" if several else "")
        seen[label] = seen.get(label, 0) + 1
        labels.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return labels


def _edges(middle: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n + 1,) borders half way between (n,) ascending middles."""
    half = np.diff(middle) / 2
    return np.concatenate([[middle[0] - half[0]], middle[:-1] + half, [middle[-1] + half[-1]]])


def _draw_curve(axes: Axes, curve: JVCurve, colour: tuple[float, ...], *, label: str) -> None:
    good = np.array([not (words & DISQUALIFYING_FLAGS) for words in curve.flags], dtype=bool)
    _draw_points(axes, curve, good, colour, label=label)


def _draw_points(
    axes: Axes, curve: JVCurve, used: npt.NDArray[np.bool_], colour: tuple[float, ...], *, label: str
) -> None:
    """Circles where a point is used, crosses where not; what is not positive has no place on a log axis."""
    positive = (curve.voltage > 0) & (curve.current_density > 0)
    shown = curve.current_density / MILLIAMPERE_PER_SQUARE_CENTIMETRE
    good, bad = positive & used, positive & ~used
    axes.plot(curve.voltage[good], shown[good], "o", color=colour, mfc="none", mew=0.8, label=label)
    if bad.any():
        axes.plot(curve.voltage[bad], shown[bad], "x", color=colour, ms=2.5, mew=0.6, alpha=0.6)


def _log_log(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    _label_within_decades(axes.xaxis)
    _label_within_decades(axes.yaxis)


def _label_within_decades(axis: Axis) -> None:
    """Tick labels at 2 and 5 as well, where the data span little more than a decade."""
    low, high = axis.get_view_interval()
    axis.set_minor_formatter(NullFormatter())
    if low > 0 and high / low < 50:
        axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
        plain = low > 1e-3 and high < 1e4
        axis.set_major_formatter(StrMethodFormatter("{x:g}") if plain else FuncFormatter(_power_of_ten))


def _power_of_ten(value: float, position: int | None = None) -> str:
    """``5·10⁻¹²`` as matplotlib writes it."""
    mantissa, _, exponent = f"{value:.1e}".replace(".0e", "e").partition("e")
    power = f"10^{{{int(exponent)}}}"
    return f"${power}$" if mantissa == "1" else rf"${mantissa}\times{power}$"


def _error_bar(estimate: Estimate) -> npt.NDArray | None:
    if estimate.confidence_interval is not None and all(
        math.isfinite(v) for v in estimate.confidence_interval
    ):
        low, high = estimate.confidence_interval
        return np.array([[max(estimate.value - low, 0.0)], [max(high - estimate.value, 0.0)]])
    if estimate.standard_error is not None and math.isfinite(estimate.standard_error):
        return np.array([[1.96 * estimate.standard_error]] * 2)
    return None


def _current_unit(largest: float) -> tuple[str, float]:
    for unit, scale in (("mA", 1e-3), ("µA", 1e-6), ("nA", 1e-9)):
        if largest >= scale:
            return unit, scale
    return "pA", 1e-12


def _temperature_span(curves: Sequence[JVCurve]) -> tuple[float, float]:
    temperatures = [curve.temperature for curve in curves] or [297.0]
    return min(temperatures), max(temperatures)
