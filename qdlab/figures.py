"""Figures in publication style, from analysis types to matplotlib figures; no pyplot, no state, no files.

Lab units live here, on the axes: V, mA cm⁻², µs, nA and (V/cm)^½.
"""

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, StrMethodFormatter

from analysis.arrhenius import ArrheniusFit
from analysis.curves import JVCurve, TELSeries
from analysis.estimate import Estimate
from analysis.space_charge import SpaceChargeFit, mott_gurney_current_density
from analysis.transit import DelayFit

MILLIAMPERE_PER_SQUARE_CENTIMETRE = 10.0  # [A m⁻²]
WIDTH, HEIGHT = 4.6, 3.5  # [inch]

_STYLE: Any = {
    "font.size": 9,
    "font.family": "DejaVu Sans",
    "axes.linewidth": 0.8,
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
}


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


def temperature_colour(temperature: float, low: float = 200.0, high: float = 300.0) -> tuple[float, ...]:
    """Blue when cold, yellow-brown when warm; told apart by the colour-blind (cividis)."""
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
    for curve, fit in zip(curves, fits, strict=True):
        colour = temperature_colour(curve.temperature, low, high)
        _draw_curve(axes, curve, colour, label=f"{curve.temperature:.0f} K")
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
    axes.legend(loc="upper left")


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
            error = None if one.light_current_error is None else one.light_current_error / scale
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


def arrhenius_figure(
    temperatures: npt.ArrayLike,
    mobilities: Sequence[Estimate],
    fit: ArrheniusFit | None,
    *,
    name: str = "$\\mu(0)$",
) -> Figure:
    """Zero-field mobility (log) against 1000/T with the Arrhenius line (the counterpart of Fig. 5)."""
    with publication_style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        temperature = np.asarray(temperatures, dtype=float)
        for x, estimate in zip(1000 / temperature, mobilities, strict=True):
            axes.errorbar(x, estimate.value, yerr=_error_bar(estimate), fmt="o", color="C0", capsize=2)
        if fit is not None and math.isfinite(fit.activation_energy.value) and len(temperature):
            line = np.linspace((1000 / temperature).min() - 0.05, (1000 / temperature).max() + 0.05, 50)
            axes.plot(line, fit.at(1000 / line), "--", color="0.4", label="Arrhenius")
            axes.legend(loc="upper right")
        axes.set_yscale("log")
        _label_within_decades(axes.yaxis)
        axes.set_xlabel("1000/$T$ (K$^{-1}$)")
        axes.set_ylabel(f"{name} (m$^2$ V$^{{-1}}$ s$^{{-1}}$)")
    return figure


def disorder_figure(curves: Sequence[JVCurve], models: Sequence[tuple[npt.NDArray, npt.NDArray]]) -> Figure:
    """Measured J-V at all temperatures with the EGDM curves through them (the counterpart of Fig. 6).

    Parameters
    ----------
    curves : measured
    models : for each curve, voltage [V] and current density [A m⁻²] of the model
    """
    with publication_style():
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.subplots()
        low, high = _temperature_span(curves)
        for curve, (voltage, current_density) in zip(curves, models, strict=True):
            colour = temperature_colour(curve.temperature, low, high)
            _draw_curve(axes, curve, colour, label=f"{curve.temperature:.0f} K")
            positive = (voltage > 0) & (current_density > 0)
            axes.plot(
                voltage[positive],
                current_density[positive] / MILLIAMPERE_PER_SQUARE_CENTIMETRE,
                "-",
                color=colour,
                lw=1.0,
            )
        _log_log(axes)
        axes.set_xlabel("Voltage $V$ (V)")
        axes.set_ylabel("Current density $J$ (mA cm$^{-2}$)")
        axes.legend(loc="upper left", title="lines: EGDM", title_fontsize=7)
    return figure


def residual_figure(curves: Sequence[JVCurve], models: Sequence[tuple[npt.NDArray, npt.NDArray]]) -> Figure:
    """Deviation of the measured current from the model, one strip per temperature [%]."""
    with publication_style():
        figure = Figure(figsize=(WIDTH, HEIGHT * 0.8), layout="constrained")
        axes = figure.subplots()
        low, high = _temperature_span(curves)
        for curve, (voltage, current_density) in zip(curves, models, strict=True):
            order = np.argsort(voltage)
            model = np.interp(
                curve.voltage, voltage[order], current_density[order], left=np.nan, right=np.nan
            )
            shown = (curve.current_density > 0) & (model > 0)
            axes.plot(
                curve.voltage[shown],
                100 * (curve.current_density[shown] / model[shown] - 1),
                ".-",
                lw=0.6,
                color=temperature_colour(curve.temperature, low, high),
                label=f"{curve.temperature:.0f} K",
            )
        axes.axhline(0, color="0.6", lw=0.6)
        axes.set_xscale("log")
        _label_within_decades(axes.xaxis)
        axes.set_xlabel("Voltage $V$ (V)")
        axes.set_ylabel("$J/J_{EGDM} - 1$ (%)")
        axes.legend(loc="best", ncols=2)
    return figure


def _draw_curve(axes: Axes, curve: JVCurve, colour: tuple[float, ...], *, label: str) -> None:
    flagged = np.array([bool(words - {"down", "remeasured"}) for words in curve.flags])
    positive = (curve.voltage > 0) & (curve.current_density > 0)
    shown = curve.current_density / MILLIAMPERE_PER_SQUARE_CENTIMETRE
    good = positive & ~flagged
    axes.plot(curve.voltage[good], shown[good], "o", color=colour, mfc="none", mew=0.8, label=label)
    if (bad := positive & flagged).any():
        axes.plot(curve.voltage[bad], shown[bad], "x", color=colour)


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
    mantissa, _, exponent = f"{value:.0e}".partition("e")
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
