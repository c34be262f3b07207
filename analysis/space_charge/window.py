"""The window in which a curve is quadratic, and the mobility read in it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.constants import thermal_voltage
from analysis.curves import FloatArray, JVCurve
from analysis.estimate import GOOD, Estimate, Verdict
from analysis.space_charge.laws import diffusion_enhancement, mott_gurney_current_density, permittivity_of
from analysis.space_charge.points import usable_points
from analysis.space_charge.slope import SLOPE_TOLERANCE, BoolArray, LocalSlope, local_slope
from analysis.straight_line import fit_straight_line

MINIMUM_SPAN = 1.4
"""Shortest window worth the name, as the ratio of its last to its first voltage [1]."""

MINIMUM_WINDOW_POINTS = 4
"""Fewest points in a window."""

DIFFUSION_FREE_VOLTAGE = 20
"""A window starts no lower than this many kT/q: below, diffusion carries most of the current [1]."""

NEGLIGIBLE_DIFFUSION = 0.1
"""Diffusion current in the window above which a Mott-Gurney mobility is not called good [1]."""


@dataclass(frozen=True, kw_only=True)
class SpaceChargeFit:
    """What one curve says about the zero-field mobility through the quadratic law.

    Parameters
    ----------
    window : lowest and highest voltage used [V]; None where the curve is nowhere quadratic
    used : (n,) which points of the curve were used
    zero_field_mobility : Mott-Gurney mobility [m² V⁻¹ s⁻¹]; its model range is what moved windows give
    corrected_mobility : the same, divided by the exact constant-mobility J/J_MG (diffusion) [m² V⁻¹ s⁻¹]
    diffusion_enhancement : mean exact J/J_MG in the window [1]; NaN where not computed
    slope : d ln J/d ln V over the window [1]
    local : the local slope along the whole curve
    left_out : voltages that were not considered [V], each with the reason
    verdict : of the plain mobility
    why : how the window was found, or why there is none
    """

    window: tuple[float, float] | None
    used: BoolArray
    zero_field_mobility: Estimate
    corrected_mobility: Estimate
    diffusion_enhancement: float
    slope: Estimate
    local: LocalSlope
    left_out: tuple[tuple[float, str], ...]
    verdict: Verdict
    why: str


def fit_space_charge(
    curve: JVCurve,
    *,
    relative_permittivity: float | None = None,
    built_in_voltage: float = 0.0,
    window: tuple[float, float] | None = None,
    slope_tolerance: float = SLOPE_TOLERANCE,
    minimum_span: float = MINIMUM_SPAN,
    correct_diffusion: bool = True,
    relative_thickness_error: float | None = None,
    relative_area_error: float | None = None,
    relative_permittivity_error: float | None = None,
) -> SpaceChargeFit:
    """Read a mobility from the part of a curve that follows the quadratic law, J = 9/8 ε μ (V - V_bi)²/L³.

    The window is the longest contiguous run of points whose local slope is *shown* to be 2 (its 95 % interval
    lies inside 2 ± `slope_tolerance`), at least `minimum_span` wide and above 20 kT/q. Noise cannot make a
    window longer.

    Parameters
    ----------
    curve : one temperature, one device
    relative_permittivity : [1]; default: the curve's own
    built_in_voltage : subtracted from the voltage [V]
    window : use these voltages [V] instead of finding them; the verdict still judges the slope there
    slope_tolerance : [1]
    minimum_span : last over first layer voltage of a window [1]
    correct_diffusion : compute the exact constant-mobility current, which needs the solver
    relative_thickness_error, relative_area_error, relative_permittivity_error : standard errors common to all
        points [1]; they enter the mobility's systematic error as 3, 1 and 1 times themselves

    Returns
    -------
    SpaceChargeFit

    Raises
    ------
    ValueError
        No relative permittivity anywhere, or a window that is not a rising pair of voltages.
    """
    permittivity = permittivity_of(curve, relative_permittivity)
    kept, left_out = usable_points(curve, built_in_voltage)
    local = local_slope(curve.select(kept), built_in_voltage=built_in_voltage)
    if window is not None:
        _require_rising(window)
        why = "The window was given."
    else:
        lowest = built_in_voltage + DIFFUSION_FREE_VOLTAGE * thermal_voltage(curve.temperature)
        window = _longest_window(local, local.within(slope_tolerance), built_in_voltage, lowest, minimum_span)
        why = _why(local, window, slope_tolerance, lowest, minimum_span)
    if window is None:
        return _without_window(curve, local, left_out, why)
    used = kept & (curve.voltage >= window[0]) & (curve.voltage <= window[1])
    if used.sum() < 2:
        return _without_window(curve, local, left_out, f"{why} It holds {used.sum()} usable points.")

    layer_voltage = curve.voltage - built_in_voltage
    log_mobility = _log_mobility(curve, layer_voltage, permittivity)
    common_error = _common_error(relative_thickness_error, relative_area_error, relative_permittivity_error)
    enhancement = np.full(int(used.sum()), math.nan)
    if correct_diffusion:
        enhancement = diffusion_enhancement(
            layer_voltage[used], curve.temperature, curve.thickness, permittivity
        )
    slope = _slope_over(curve, used, layer_voltage)
    corrected = _corrected(
        layer_voltage[used], log_mobility[used], enhancement, common_error, slope_tolerance
    )
    verdict = _plain_verdict(slope, slope_tolerance, float(np.mean(enhancement)), corrected)
    plain = _mean_mobility(log_mobility[used], common_error, verdict)
    return SpaceChargeFit(
        window=window,
        used=used,
        zero_field_mobility=_with_moved_windows(
            plain, log_mobility, kept, curve.voltage, window, built_in_voltage
        ),
        corrected_mobility=corrected,
        diffusion_enhancement=float(np.mean(enhancement)),
        slope=slope,
        local=local,
        left_out=left_out,
        verdict=verdict,
        why=why,
    )


def common_window(
    curves: Sequence[JVCurve],
    *,
    built_in_voltage: float = 0.0,
    slope_tolerance: float = SLOPE_TOLERANCE,
    minimum_span: float = MINIMUM_SPAN,
) -> tuple[float, float] | None:
    """The longest voltage window in which *every* curve is quadratic [V], or None.

    One window for all temperatures compares mobilities at one field; it is a stricter demand than one window
    each.
    """
    if not curves:
        return None
    intervals = [_quadratic_runs(curve, built_in_voltage, slope_tolerance) for curve in curves]
    shared = intervals[0]
    for runs in intervals[1:]:
        shared = [
            (max(a[0], b[0]), min(a[1], b[1]))
            for a in shared
            for b in runs
            if min(a[1], b[1]) > max(a[0], b[0])
        ]
    wide = [run for run in shared if _span(run, built_in_voltage) >= minimum_span]
    return max(wide, key=lambda run: _span(run, built_in_voltage), default=None)


def _require_rising(window: tuple[float, float]) -> None:
    if not window[0] < window[1]:
        raise ValueError(
            f"window {window[0]!r} to {window[1]!r} V: the second voltage must be the higher one"
        )


def _span(window: tuple[float, float], built_in_voltage: float) -> float:
    low, high = window[0] - built_in_voltage, window[1] - built_in_voltage
    return high / low if low > 0 else math.inf


def _runs(voltage: FloatArray, inside: BoolArray) -> list[tuple[float, float, int]]:
    """Contiguous true stretches: first and last voltage, and number of points."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
    return [
        (float(voltage[a]), float(voltage[b - 1]), int(b - a))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]


def _longest_window(
    local: LocalSlope, inside: BoolArray, built_in_voltage: float, lowest: float, minimum_span: float
) -> tuple[float, float] | None:
    runs = _runs(local.voltage, inside & (local.voltage >= lowest))
    windows = [(low, high) for low, high, count in runs if count >= MINIMUM_WINDOW_POINTS]
    wide = [window for window in windows if _span(window, built_in_voltage) >= minimum_span]
    return max(wide, key=lambda window: _span(window, built_in_voltage), default=None)


def _quadratic_runs(curve: JVCurve, built_in_voltage: float, tolerance: float) -> list[tuple[float, float]]:
    kept, _ = usable_points(curve, built_in_voltage)
    local = local_slope(curve.select(kept), built_in_voltage=built_in_voltage)
    lowest = built_in_voltage + DIFFUSION_FREE_VOLTAGE * thermal_voltage(curve.temperature)
    runs = _runs(local.voltage, local.within(tolerance) & (local.voltage >= lowest))
    return [(low, high) for low, high, _ in runs]


def _why(
    local: LocalSlope,
    found: tuple[float, float] | None,
    tolerance: float,
    lowest: float,
    minimum_span: float,
) -> str:
    above = local.voltage >= lowest
    if not above.any():
        return f"There are too few usable points above {lowest:.2f} V (20 kT/q) for a local slope."
    if found is not None:
        return (
            f"The slope's 95 % interval lies inside 2 ± {tolerance:g} from {found[0]:.3g} to {found[1]:.3g} "
            f"V, "
            "the longest such run."
        )
    slope, error = local.slope[above], local.quantile[above] * local.standard_error[above]
    if np.median(error) > tolerance:
        return f"The readings scatter too much: the slope is known to ± {np.median(error):.2g} only."
    if slope.max() < 2 - tolerance:
        return f"The slope reaches {slope.max():.2f} at most and never 2."
    if slope.min() > 2 + tolerance:
        return f"The slope is {slope.min():.2f} at least above {lowest:.2f} V: never as low as 2."
    return (
        f"The slope passes through 2 but does not stay inside 2 ± {tolerance:g} over a factor "
        f"{minimum_span:g} in voltage."
    )


def _without_window(
    curve: JVCurve, local: LocalSlope, left_out: tuple[tuple[float, str], ...], why: str
) -> SpaceChargeFit:
    verdict = Verdict(
        word="too_few_points" if len(local.voltage) == 0 else "not_straight",
        advice=f"{why} Fit the whole curve with a mobility model instead.",
    )
    nothing = Estimate(value=math.nan, verdict=verdict)
    return SpaceChargeFit(
        window=None,
        used=np.zeros(len(curve), dtype=bool),
        zero_field_mobility=nothing,
        corrected_mobility=nothing,
        diffusion_enhancement=math.nan,
        slope=nothing,
        local=local,
        left_out=left_out,
        verdict=verdict,
        why=why,
    )


def _log_mobility(curve: JVCurve, layer_voltage: FloatArray, permittivity: float) -> FloatArray:
    unit = mott_gurney_current_density(layer_voltage, 1.0, curve.thickness, permittivity)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.log(curve.current_density / unit)


def _slope_over(curve: JVCurve, used: BoolArray, layer_voltage: FloatArray) -> Estimate:
    if len(np.unique(layer_voltage[used])) < 3:
        return Estimate(value=math.nan, verdict=Verdict(word="too_few_points", advice="Use a wider window."))
    line = fit_straight_line(np.log(layer_voltage[used]), np.log(curve.current_density[used]))
    return Estimate(value=line.slope, standard_error=line.slope_standard_error)


def _common_error(thickness: float | None, area: float | None, permittivity: float | None) -> float | None:
    """Relative systematic error of a mobility that goes as L³/(A ε) [1]."""
    if thickness is None and area is None and permittivity is None:
        return None
    return math.hypot(3 * (thickness or 0.0), area or 0.0, permittivity or 0.0)


def _plain_verdict(slope: Estimate, tolerance: float, enhancement: float, corrected: Estimate) -> Verdict:
    if not abs(slope.value - 2) <= tolerance:
        return Verdict(word="not_straight", advice=f"The slope in the window is {slope.value:.2f}, not 2.")
    if enhancement - 1 > NEGLIGIBLE_DIFFUSION:
        bias = f"Diffusion makes this Mott-Gurney mobility about {100 * (enhancement - 1):.0f} % high"
        way_out = "use the corrected one." if corrected.verdict.is_good else "fit the whole curve."
        return Verdict(word="outside_validity", advice=f"{bias}; {way_out}")
    return GOOD


def _mean_mobility(log_mobility: FloatArray, common_error: float | None, verdict: Verdict) -> Estimate:
    mean = math.exp(float(np.mean(log_mobility)))
    relative = float(np.std(log_mobility, ddof=1)) / math.sqrt(len(log_mobility))
    return Estimate(
        value=mean,
        standard_error=mean * relative,
        systematic_error=None if common_error is None else mean * common_error,
        verdict=verdict,
    )


def _corrected(
    layer_voltage: FloatArray,
    log_mobility: FloatArray,
    enhancement: FloatArray,
    common_error: float | None,
    tolerance: float,
) -> Estimate:
    """The mobility without the diffusion current; the slope that is left must be 2 as well."""
    if not np.all(np.isfinite(enhancement)):
        advice = "The diffusion correction was not computed."
        return Estimate(value=math.nan, verdict=Verdict(word="undecided", advice=advice))
    corrected = log_mobility - np.log(enhancement)
    slope = 2.0
    if len(np.unique(layer_voltage)) > 1:
        slope += fit_straight_line(np.log(layer_voltage), corrected).slope
    verdict = GOOD
    if abs(slope - 2) > tolerance:
        verdict = Verdict(
            word="not_straight",
            advice=f"Without diffusion the slope is {slope:.2f}: the mobility depends on field or density.",
        )
    return _mean_mobility(corrected, common_error, verdict)


def _with_moved_windows(
    plain: Estimate,
    log_mobility: FloatArray,
    kept: BoolArray,
    voltage: FloatArray,
    window: tuple[float, float],
    built_in_voltage: float,
) -> Estimate:
    """The estimate with the range it takes if the window moves by half its log length either way."""
    low, high = window[0] - built_in_voltage, window[1] - built_in_voltage
    if low <= 0:
        return plain
    half = math.sqrt(high / low)
    values = [plain.value]
    for factor in (1 / half, half):
        inside = (
            kept
            & (voltage - built_in_voltage >= low * factor)
            & (voltage - built_in_voltage <= high * factor)
        )
        if inside.any():
            values.append(math.exp(float(np.mean(log_mobility[inside]))))
    return Estimate(
        value=plain.value,
        standard_error=plain.standard_error,
        systematic_error=plain.systematic_error,
        model_range=(min(values), max(values)),
        verdict=plain.verdict,
    )
