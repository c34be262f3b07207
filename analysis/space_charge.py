"""Space-charge-limited current: Mott-Gurney, Murgatroyd-Gill, local slope, and where the law holds.

A number from here is only as good as the window it was read in, so every fit says which points it used, why
there is no window where there is none, and what the mobility becomes if the window moves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student_t

from analysis.constants import VACUUM_PERMITTIVITY, thermal_voltage
from analysis.curves import FloatArray, JVCurve, read_only
from analysis.estimate import GOOD, Estimate, Verdict
from analysis.straight_line import fit_straight_line

BoolArray = npt.NDArray[np.bool_]

MURGATROYD_FACTOR = 0.891
"""Numerical factor of Murgatroyd's approximation (J. Phys. D 3, 151 (1970)) [1]."""

SLOPE_TOLERANCE = 0.2
"""Half-width of the band around 2 that the local slope's interval must lie inside [1]."""

MINIMUM_SPAN = 1.4
"""Shortest window worth the name, as the ratio of its last to its first voltage [1]."""

TYPICAL_SITE_DENSITY = 4.56e25
"""One site per (2.8 nm)³, the hopping distance of Li et al. 2024 [m⁻³]."""

MINIMUM_WINDOW_POINTS = 4
"""Fewest points in a window."""

DIFFUSION_FREE_VOLTAGE = 20
"""A window starts no lower than this many kT/q: below, diffusion carries most of the current [1]."""

NEGLIGIBLE_DIFFUSION = 0.1
"""Diffusion current in the window above which a Mott-Gurney mobility is not called good [1]."""


def mott_gurney_current_density(
    voltage: Any, mobility: float, thickness: float, relative_permittivity: float
) -> npt.NDArray[np.float64]:
    """Trap-free space-charge-limited current density, J = 9/8 ε μ V²/L³ (Li et al. 2024, eq. 1).

    Parameters
    ----------
    voltage : (n,) across the layer [V]; the current takes its sign
    mobility : [m² V⁻¹ s⁻¹]
    thickness : [m]
    relative_permittivity : [1]

    Returns
    -------
    (n,) current density [A m⁻²]

    Examples
    --------
    >>> round(float(mott_gurney_current_density(1.0, 4.4e-11, 110e-9, 4.0)), 4)
    1.3172
    """
    mu, L, eps = mobility, thickness, relative_permittivity * VACUUM_PERMITTIVITY
    voltage = np.asarray(voltage, dtype=np.float64)
    return 9 / 8 * eps * mu * voltage * np.abs(voltage) / L**3


def murgatroyd_current_density(
    voltage: Any,
    zero_field_mobility: float,
    field_coefficient: float,
    thickness: float,
    relative_permittivity: float,
) -> npt.NDArray[np.float64]:
    """Space-charge-limited current density with a Poole-Frenkel mobility, Murgatroyd's approximation.

    J = 9/8 ε μ(0) V²/L³ exp(0.891 γ √(V/L)) (Murgatroyd, J. Phys. D 3, 151 (1970)).

    Parameters
    ----------
    voltage : (n,) across the layer, zero or more [V]
    zero_field_mobility : [m² V⁻¹ s⁻¹]
    field_coefficient : γ [(m/V)^½]
    thickness : [m]
    relative_permittivity : [1]

    Returns
    -------
    (n,) current density [A m⁻²]
    """
    voltage = np.asarray(voltage, dtype=np.float64)
    quadratic = mott_gurney_current_density(voltage, zero_field_mobility, thickness, relative_permittivity)
    return quadratic * np.exp(MURGATROYD_FACTOR * field_coefficient * np.sqrt(np.abs(voltage) / thickness))


@dataclass(frozen=True, kw_only=True)
class LocalSlope:
    """d ln J / d ln V along a curve, with its standard error.

    Parameters
    ----------
    voltage : (n,) rising [V]
    slope : (n,) [1]
    standard_error : (n,) [1]
    log_scatter : (n,) standard deviation of ln J about the local curve [1]
    quantile : (n,) Student quantile that turns a standard error into a 95 % interval [1]
    """

    voltage: FloatArray
    slope: FloatArray
    standard_error: FloatArray
    log_scatter: FloatArray
    quantile: FloatArray

    def within(self, tolerance: float = SLOPE_TOLERANCE) -> BoolArray:
        """Where the whole 95 % interval of the slope lies inside 2 ± tolerance (an equivalence test)."""
        return np.abs(self.slope - 2) + self.quantile * self.standard_error <= tolerance


def local_slope(
    curve: JVCurve,
    *,
    built_in_voltage: float = 0.0,
    bandwidth: float = 0.3,
    minimum_points: int = 7,
) -> LocalSlope:
    """The slope of ln J against ln V by local quadratic regression; uneven spacing and noise are welcome.

    Each point's neighbours within `bandwidth`, or its `minimum_points` nearest where those reach further, are
    fitted with tricube weights; the scatter about the local curve gives the error, where the curve does not
    bring one. Points at or below zero volts or current have no logarithm and are left out, not folded.

    Parameters
    ----------
    curve : with more than `minimum_points` usable points, else an empty result
    built_in_voltage : subtracted from the voltage [V]
    bandwidth : half-width of the neighbourhood in ln V [1]
    minimum_points : smallest neighbourhood, 5 or more

    Returns
    -------
    LocalSlope
        At the usable points, in order of rising voltage.
    """
    if minimum_points < 5:
        raise ValueError(
            f"minimum_points {minimum_points} is below 5, which a local parabola with an error needs"
        )
    layer_voltage = curve.voltage - built_in_voltage
    usable = (layer_voltage > 0) & (curve.current_density > 0) & np.isfinite(curve.current_density)
    order = np.flatnonzero(usable)[np.argsort(layer_voltage[usable], kind="stable")]
    voltage, current = layer_voltage[order], curve.current_density[order]
    if len(np.unique(voltage)) < minimum_points:
        empty = np.empty(0)
        return LocalSlope(voltage=empty, slope=empty, standard_error=empty, log_scatter=empty, quantile=empty)

    log_voltage, log_current = np.log(voltage), np.log(current)
    operators = [_slope_operator(log_voltage, centre, bandwidth, minimum_points) for centre in log_voltage]
    values, slopes = (np.stack(rows) for rows in zip(*operators, strict=True))
    residual = log_current - values @ log_current
    scatter, degrees = _pooled_scatter(log_voltage, residual, np.diag(values))
    error = scatter
    if curve.current_density_error is not None:
        error, degrees = curve.current_density_error[order] / current, np.full(len(order), math.inf)
    return LocalSlope(
        voltage=read_only(voltage + built_in_voltage, "voltage"),
        slope=read_only(slopes @ log_current, "slope"),
        standard_error=read_only(np.sqrt(slopes**2 @ error**2), "standard_error"),
        log_scatter=read_only(scatter, "log_scatter"),
        quantile=read_only(student_t.ppf(0.975, degrees), "quantile"),
    )


def _slope_operator(
    x: FloatArray, centre: float, bandwidth: float, minimum_points: int
) -> tuple[FloatArray, FloatArray]:
    """Rows that, multiplied with y, give the local parabola's value and slope at `centre`."""
    distance = np.abs(x - centre)
    reach = max(bandwidth, 1.0001 * np.partition(distance, minimum_points - 1)[minimum_points - 1])
    near = distance < reach
    u, weight = (x[near] - centre) / reach, (1 - (distance[near] / reach) ** 3) ** 3
    design = np.stack([np.ones_like(u), u, u**2], axis=1)
    hat = np.linalg.pinv(design * np.sqrt(weight)[:, None]) * np.sqrt(weight)
    value, slope = np.zeros(len(x)), np.zeros(len(x))
    value[near], slope[near] = hat[0], hat[1] / reach
    return value, slope


def _pooled_scatter(
    x: FloatArray, residual: FloatArray, leverage: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Standard deviation of ln J about the local curve over 15 points, and its degrees of freedom."""
    count = min(15, len(x))
    scatter, degrees = np.empty(len(x)), np.empty(len(x))
    for index, centre in enumerate(x):
        nearest = np.argpartition(np.abs(x - centre), count - 1)[:count]
        degrees[index] = max(np.sum(1 - leverage[nearest]), 1.0)
        scatter[index] = math.sqrt(np.sum(residual[nearest] ** 2) / degrees[index])
    return scatter, degrees


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
    permittivity = _permittivity(curve, relative_permittivity)
    kept, left_out = _usable_points(curve, built_in_voltage)
    local = local_slope(curve.select(kept), built_in_voltage=built_in_voltage)
    if window is not None:
        _require_rising(window)
        chosen, why = window, "The window was given."
    else:
        lowest = built_in_voltage + DIFFUSION_FREE_VOLTAGE * thermal_voltage(curve.temperature)
        found = _longest_window(local, local.within(slope_tolerance), built_in_voltage, lowest, minimum_span)
        why = _why(local, found, slope_tolerance, lowest, minimum_span)
        if found is None:
            return _without_window(curve, local, left_out, why)
        chosen = found

    used = kept & (curve.voltage >= chosen[0]) & (curve.voltage <= chosen[1])
    if used.sum() < 2:
        return _without_window(curve, local, left_out, f"{why} It holds {used.sum()} usable points.")
    layer_voltage = curve.voltage - built_in_voltage
    log_mobility = _log_mobility(curve, layer_voltage, permittivity)
    slope = _slope_over(curve, used, layer_voltage)
    common_error = _common_error(relative_thickness_error, relative_area_error, relative_permittivity_error)

    enhancement = np.full(len(curve), math.nan)
    if correct_diffusion:
        enhancement[used] = diffusion_enhancement(
            layer_voltage[used], curve.temperature, curve.thickness, permittivity
        )
    mean_enhancement = float(np.mean(enhancement[used]))
    verdict = _window_verdict(slope, slope_tolerance, mean_enhancement)
    plain = _mean_mobility(log_mobility[used], common_error, verdict)
    return SpaceChargeFit(
        window=chosen,
        used=used,
        zero_field_mobility=_with_moved_windows(
            plain, log_mobility, kept, curve.voltage, chosen, built_in_voltage
        ),
        corrected_mobility=_corrected(
            log_mobility[used], enhancement[used], common_error, slope, slope_tolerance
        ),
        diffusion_enhancement=mean_enhancement,
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


def diffusion_enhancement(
    voltage: Any,
    temperature: float,
    thickness: float,
    relative_permittivity: float,
    site_density: float = TYPICAL_SITE_DENSITY,
) -> npt.NDArray[np.float64]:
    """Exact J/J_MG of a trap-free diode of constant mobility between two ohmic contacts [1].

    Parameters
    ----------
    voltage : (n,) above zero [V]
    temperature : [K]
    thickness : [m]
    relative_permittivity : [1]
    site_density : both contacts hold half of it [m⁻³]; it matters by percents below 0.1 V only

    Returns
    -------
    (n,) above 1: 9.0 at 0.1 V and 1.19 at 7 V for 110 nm at 297 K
    """
    from analysis.drift_diffusion import ConstantMobility, OhmicContacts, solve_current_density

    voltage = np.asarray(voltage, dtype=np.float64)
    mobility = 1e-10  # any: both currents are proportional to it
    exact = solve_current_density(
        voltage,
        mobility=ConstantMobility(value=mobility, site_density=site_density),
        temperature=temperature,
        thickness=thickness,
        relative_permittivity=relative_permittivity,
        contacts=OhmicContacts(),
    ).current_density
    return exact / mott_gurney_current_density(voltage, mobility, thickness, relative_permittivity)


def _permittivity(curve: JVCurve, given: float | None) -> float:
    permittivity = given if given is not None else curve.relative_permittivity
    if permittivity is None:
        raise ValueError("relative_permittivity is not known; give it, for example relative_permittivity=3.6")
    if not permittivity >= 1:
        raise ValueError(f"relative_permittivity {permittivity!r}: it must be 1 or more")
    return permittivity


def _require_rising(window: tuple[float, float]) -> None:
    if not window[0] < window[1]:
        raise ValueError(
            f"window {window[0]!r} to {window[1]!r} V: the second voltage must be the higher one"
        )


def _usable_points(
    curve: JVCurve, built_in_voltage: float
) -> tuple[BoolArray, tuple[tuple[float, str], ...]]:
    """Points with a logarithm and without a disqualifying flag, and the reason for each one dropped."""
    reasons: dict[int, str] = {}
    for index, (voltage, current, words) in enumerate(
        zip(curve.voltage, curve.current_density, curve.flags, strict=True)
    ):
        if not math.isfinite(current):
            reasons[index] = "no reading"
        elif voltage <= built_in_voltage:
            reasons[index] = "not above the built-in voltage"
        elif current <= max(curve.current_density_floor, 0.0):
            reasons[index] = "not above the meter's floor"
        elif words & DISQUALIFYING_FLAGS:
            reasons[index] = " ".join(sorted(words & DISQUALIFYING_FLAGS))
    kept = np.array([index not in reasons for index in range(len(curve))], dtype=bool)
    return kept, tuple((float(curve.voltage[index]), reason) for index, reason in reasons.items())


DISQUALIFYING_FLAGS = frozenset({"compliance", "overflow", "outside-temperature", "noise-floor", "breakdown"})
"""Point flags that keep a reading out of a fit."""


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
    kept, _ = _usable_points(curve, built_in_voltage)
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


def _window_verdict(slope: Estimate, tolerance: float, enhancement: float) -> Verdict:
    if not abs(slope.value - 2) <= tolerance:
        return Verdict(word="not_straight", advice=f"The slope in the window is {slope.value:.2f}, not 2.")
    if enhancement - 1 > NEGLIGIBLE_DIFFUSION:
        return Verdict(
            word="outside_validity",
            advice=(
                f"Diffusion makes this Mott-Gurney mobility about {100 * (enhancement - 1):.0f} % high; "
                "use the corrected one or fit the whole curve."
            ),
        )
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
    log_mobility: FloatArray,
    enhancement: FloatArray,
    common_error: float | None,
    slope: Estimate,
    tolerance: float,
) -> Estimate:
    if not np.all(np.isfinite(enhancement)):
        advice = "The diffusion correction was not computed."
        return Estimate(value=math.nan, verdict=Verdict(word="undecided", advice=advice))
    verdict = _window_verdict(slope, tolerance, 1.0)
    return _mean_mobility(log_mobility - np.log(enhancement), common_error, verdict)


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
