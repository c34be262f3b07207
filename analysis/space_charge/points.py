"""Which points of a curve deserve no trust: one detector per cause, each returning a mask.

A detector says what it saw; `mark_points` writes it into the curve's flags, and `DISQUALIFYING_FLAGS` says
which of these keep a point out of a fit. Readings are never altered.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from analysis.constants import VACUUM_PERMITTIVITY, thermal_voltage
from analysis.curves import FloatArray, JVCurve
from analysis.estimate import GOOD, Verdict
from analysis.space_charge.laws import permittivity_of
from analysis.space_charge.slope import BoolArray, local_slope

DISQUALIFYING_FLAGS = frozenset(
    {
        "compliance",
        "overflow",
        "outside-temperature",
        "noise-floor",
        "offset",
        "breakdown",
        "range-switch",
        "hysteresis",
    }
)
"""Point flags that keep a reading out of a fit."""

SAME_CURRENT = 5e-4
"""Relative difference below which two readings are the same clamped current [1]."""

OHMIC_START = 8
"""A diode is ohmic up to a few kT/q; points beyond this many say nothing of an offset [1]."""

_MARGIN = 3  # gaps at either end where the slope around is one-sided
NOISE_FLAGS = frozenset({"noise-floor", "offset"})
_NOISY_SHARE = 0.25  # of a curve's readings
_STEP = 0.02  # smallest jump of ln J called one
_NOISE_LIMIT = 0.1  # scatter of ln J above which noise rules
_BREAKDOWN = 1.0  # jump of ln J between neighbours


def usable_points(
    curve: JVCurve, built_in_voltage: float = 0.0
) -> tuple[BoolArray, tuple[tuple[float, str], ...]]:
    """Points with a logarithm and no disqualifying flag, and voltage and reason for each one dropped."""
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


def mark_points(curves: Sequence[JVCurve], words: Collection[str] | None = None) -> list[JVCurve]:
    """The curves with what the detectors saw added to their points' flags; what was flagged before stays.

    Points at compliance, overflow or after a breakdown are not shown to the other detectors.

    Parameters
    ----------
    curves : one series
    words : which of the other detectors to ask; None: all
    """
    ceiling = common_ceiling(curves)
    return [_marked(curve, ceiling, words) for curve in curves]


def _marked(curve: JVCurve, ceiling: float | None, words: Collection[str] | None) -> JVCurve:
    first = {"compliance": detect_compliance(curve, ceiling), "breakdown": detect_breakdown(curve)}
    clean = ~(first["compliance"] | first["breakdown"]) & np.isfinite(curve.current_density)
    rest = curve.select(clean)
    detectors: dict[str, Callable[[JVCurve], BoolArray]] = {
        "noise-floor": detect_noise_floor,
        "offset": detect_offset,
        "range-switch": detect_range_switch,
        "series-resistance": detect_series_resistance,
        "hysteresis": detect_hysteresis,
    }
    found = dict(first)
    for word, detector in detectors.items():
        if words is None or word in words:
            found[word] = np.zeros(len(curve), dtype=bool)
            found[word][clean] = detector(rest)
    flags = tuple(
        before | {word for word, mask in found.items() if mask[index]}
        for index, before in enumerate(curve.flags)
    )
    return replace(curve, flags=flags)


def judge_noise(curves: Sequence[JVCurve]) -> Verdict:
    """Whether most of the marked curves lose more than a quarter of their readings to noise or offset."""
    lost = {
        curve.temperature: float(np.mean([bool(words & NOISE_FLAGS) for words in curve.flags]))
        for curve in curves
        if len(curve)
    }
    noisy = [kelvin for kelvin, share in lost.items() if share > _NOISY_SHARE]
    if not lost or len(noisy) <= len(lost) / 2:
        return GOOD
    told = ", ".join(f"{kelvin:g}" for kelvin in noisy)
    return Verdict(
        word="undecided",
        advice=(
            f"The series is noisy: at {told} K more than {100 * _NOISY_SHARE:.0f} % of the readings are "
            f"lost in noise "
            "or offset; measure it again with a longer integration and a corrected zero."
        ),
    )


def common_ceiling(curves: Sequence[JVCurve]) -> float | None:
    """The current density at which two or more curves end, or one stays: the source's compliance [A m⁻²].

    Curves of one temperature end at the same current anyway, where a sweep was repeated; they count once.
    """
    ends: list[tuple[float, float]] = []
    for curve in curves:
        current = np.abs(curve.current_density[np.isfinite(curve.current_density)])
        if len(current):
            highest = float(current.max())
            if np.sum(current >= highest * (1 - SAME_CURRENT)) > 1:
                return highest
            ends.append((highest, curve.temperature))
    for ceiling, _ in sorted(ends, reverse=True):
        met = {round(kelvin) for end, kelvin in ends if abs(end - ceiling) <= SAME_CURRENT * ceiling}
        if len(met) >= 2:
            return ceiling
    return None


def detect_compliance(curve: JVCurve, ceiling: float | None = None) -> BoolArray:
    """Points the source held at its current limit: flagged so, or at the ceiling that curves share.

    Parameters
    ----------
    curve : one curve
    ceiling : [A m⁻²], from `common_ceiling`; default: found from this curve alone
    """
    flagged = np.array(["compliance" in words for words in curve.flags], dtype=bool)
    ceiling = common_ceiling([curve]) if ceiling is None else ceiling
    if ceiling is None:
        return flagged
    with np.errstate(invalid="ignore"):
        clamped: BoolArray = flagged | (np.abs(curve.current_density) >= ceiling * (1 - SAME_CURRENT))
    return clamped


def detect_breakdown(curve: JVCurve) -> BoolArray:
    """Points from a jump by a factor e on, where the curve stays there: a short, or an open pixel."""
    found = np.zeros(len(curve), dtype=bool)
    index = _rising_branch(curve)
    if len(index) < 8:
        return found
    excess = _step_excess(curve.voltage[index], curve.current_density[index])
    noise = _running_noise(excess)
    for step in range(3, len(excess) - 1):
        # a wild reading jumps there and back; a breakdown stays
        stays = min(abs(excess[step] + excess[step + 1]), abs(excess[step] + excess[step - 1])) > _BREAKDOWN
        if abs(excess[step]) > max(_BREAKDOWN, 8 * noise[step]) and stays:
            found[index[step + 1] :] = True
            break
    return found


def detect_range_switch(curve: JVCurve) -> BoolArray:
    """Points on either side of a jump of ln J that the smooth curve around it does not explain.

    The jump between neighbours, less what the median slope of the eleven gaps around it predicts, must exceed
    2 % and six times the usual scatter of such jumps nearby.
    """
    found = np.zeros(len(curve), dtype=bool)
    index = _rising_branch(curve)
    if len(index) < 15:
        return found
    excess = _step_excess(curve.voltage[index], curve.current_density[index])
    jumps = np.flatnonzero(np.abs(excess) > np.maximum(_STEP, 6 * _running_noise(excess)))
    jumps = jumps[(jumps >= _MARGIN) & (jumps < len(excess) - _MARGIN)]
    found[index[jumps]] = True
    found[index[jumps + 1]] = True
    return found


def detect_noise_floor(curve: JVCurve) -> BoolArray:
    """Points at low voltage where ln J scatters by more than 10 %, and all below them or below the floor."""
    with np.errstate(invalid="ignore"):
        found: BoolArray = np.abs(curve.current_density) <= curve.current_density_floor
    index = _rising_branch(curve)
    if len(index) < 15:
        return found
    excess = _step_excess(curve.voltage[index], curve.current_density[index])
    noise = _running_noise(excess) / math.sqrt(2)
    noisy = np.flatnonzero(noise > _NOISE_LIMIT)
    if len(noisy) and noisy[0] <= len(noise) // 4:
        quiet = np.flatnonzero(noise <= _NOISE_LIMIT)
        end = quiet[0] if len(quiet) and noisy[0] < quiet[0] else noisy[-1]
        found[index[: end + 1]] = True
    return found


def detect_offset(curve: JVCurve) -> BoolArray:
    """Points where the current at 0 V makes up more than a fifth of the reading, or has turned its sign.

    The lowest readings of an ohmic start, J = J0 + g V, give the offset J0; it counts beyond four standard
    errors. A curve that begins further up than a few kT/q has no ohmic start, and tells nothing of an offset.
    """
    found: BoolArray = (curve.voltage > 0) & (curve.current_density < 0)
    low = np.argsort(np.abs(curve.voltage), kind="stable")
    low = low[np.isfinite(curve.current_density[low])][:8]
    highest = OHMIC_START * thermal_voltage(curve.temperature)
    if len(low) < 8 or np.ptp(curve.voltage[low]) == 0 or np.abs(curve.voltage[low]).max() > highest:
        return found
    design = np.stack([np.ones(8), curve.voltage[low]], axis=1)
    inverse = np.linalg.pinv(design)
    offset, conductance = inverse @ curve.current_density[low]
    residual = curve.current_density[low] - design @ np.array([offset, conductance])
    error = math.sqrt(float(np.sum(residual**2)) / 6 * float(np.sum(inverse[0] ** 2)))
    if abs(offset) > 4 * error and abs(offset) > 1e-12 * float(np.nanmax(np.abs(curve.current_density))):
        with np.errstate(invalid="ignore"):
            found |= np.abs(curve.current_density) < 5 * abs(offset)
    return found


def detect_leakage(
    curve: JVCurve, mobility: float, *, relative_permittivity: float | None = None, factor: float = 3.0
) -> BoolArray:
    """Points of an ohmic start that carry more than a trap-free film can: a path beside it.

    A symmetric diode's low-voltage current is J = 4π² (kT/q) ε μ V/L³ (Wetzelaer and Blom, PRB 89, 241201
    (2014)).

    Parameters
    ----------
    curve : one curve
    mobility : from its quadratic range [m² V⁻¹ s⁻¹]
    relative_permittivity : [1]; default: the curve's own
    factor : how much more [1]
    """
    found = np.zeros(len(curve), dtype=bool)
    permittivity = permittivity_of(curve, relative_permittivity) * VACUUM_PERMITTIVITY
    v_t = thermal_voltage(curve.temperature)
    expected = 4 * math.pi**2 * v_t * permittivity * mobility * curve.voltage / curve.thickness**3
    local = local_slope(curve)
    ohmic = set(local.voltage[np.abs(local.slope - 1) + local.quantile * local.standard_error < 0.3])
    for index, voltage in enumerate(curve.voltage):
        found[index] = voltage in ohmic and curve.current_density[index] > factor * expected[index]
    return found


def detect_series_resistance(curve: JVCurve, series_resistance_area: float | None = None) -> BoolArray:
    """Points where a resistor in series takes the voltage.

    With the resistance known: where J R A exceeds 5 % of V. Without: at the end of the curve, where the slope
    has fallen by 0.3 from its peak to below 2 and keeps falling, as only a resistor makes it.

    Parameters
    ----------
    curve : one curve
    series_resistance_area : series resistance times electrode area [Ω m²]
    """
    if series_resistance_area is not None:
        with np.errstate(invalid="ignore"):
            known: BoolArray = curve.current_density * series_resistance_area > 0.05 * np.abs(curve.voltage)
        return known
    found = np.zeros(len(curve), dtype=bool)
    local = local_slope(curve)
    if len(local.voltage) < 10:
        return found
    peak = int(np.argmax(local.slope))
    upper = local.slope + local.quantile * local.standard_error
    fallen = (upper < local.slope[peak] - 0.3) & (upper < 2) & (np.arange(len(upper)) > peak)
    start = _last_run(fallen & (np.gradient(local.slope) < 0))
    if start is None:
        return found
    with np.errstate(invalid="ignore"):
        return curve.voltage >= local.voltage[start]


def detect_hysteresis(
    curve: JVCurve, *, capacitance_per_area: float = 0.0, ramp_rate: float = 0.0, tolerance: float = 0.05
) -> BoolArray:
    """Points of the way back that differ from the way up by more than charging the film explains.

    Charging takes C dV/dt in both directions, twice that between them; only what exceeds it counts.

    Parameters
    ----------
    curve : points of the way back flagged "down"
    capacitance_per_area : [F m⁻²]
    ramp_rate : |dV/dt| [V s⁻¹]
    tolerance : relative [1]
    """
    down = np.array(["down" in words for words in curve.flags], dtype=bool)
    found = np.zeros(len(curve), dtype=bool)
    finite = np.isfinite(curve.current_density)
    up = np.flatnonzero(~down & finite)
    if not down.any() or len(up) < 2:
        return found
    order = up[np.argsort(curve.voltage[up], kind="stable")]
    expected = np.interp(curve.voltage, curve.voltage[order], curve.current_density[order])
    displacement = 2 * capacitance_per_area * ramp_rate
    difference = np.abs(curve.current_density - expected)
    inside = (curve.voltage >= curve.voltage[order[0]]) & (curve.voltage <= curve.voltage[order[-1]])
    with np.errstate(invalid="ignore"):
        different = (
            difference > tolerance * np.abs(expected) + 1.5 * displacement + curve.current_density_floor
        )
    found[down & inside & different] = True
    return found


def detect_self_heating(curve: JVCurve, thermal_resistance_area: float, limit: float = 0.5) -> BoolArray:
    """Points where the film's own power warms it by more than `limit`.

    Parameters
    ----------
    curve : one curve
    thermal_resistance_area : thermal resistance to the stage times electrode area [K m² W⁻¹]
    limit : [K]
    """
    power = np.abs(curve.current_density * curve.voltage)
    with np.errstate(invalid="ignore"):
        warm: BoolArray = power * thermal_resistance_area > limit
    return warm


def _rising_branch(curve: JVCurve) -> np.ndarray:
    """Indices of readings with a logarithm on the way up, in order of voltage."""
    down = np.array(["down" in words for words in curve.flags], dtype=bool)
    with np.errstate(invalid="ignore"):
        index = np.flatnonzero((curve.voltage > 0) & (curve.current_density > 0) & ~down)
    index = index[np.argsort(curve.voltage[index], kind="stable")]
    distinct = np.append(True, np.diff(curve.voltage[index]) > 0) if len(index) else index.astype(bool)
    return index[distinct]


def _step_excess(voltage: FloatArray, current: FloatArray) -> FloatArray:
    """Rise of ln J between neighbours less what the median slope of the eleven gaps around predicts."""
    log_step, rise = np.diff(np.log(voltage)), np.diff(np.log(current))
    slope = rise / log_step
    half = 5
    padded = np.pad(slope, half, mode="reflect", reflect_type="odd") if len(slope) > half else slope
    if len(slope) <= half:
        return rise - np.median(slope) * log_step
    median = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
    return rise - median * log_step


def _running_noise(excess: FloatArray) -> FloatArray:
    """Robust scatter of the excess over the 21 gaps around each, never below the digits of a text file."""
    half = 10
    padded = np.pad(excess, half, constant_values=np.nan)
    near = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    noise = 1.4826 * _known_median(np.abs(near - _known_median(near)[:, None]))
    return np.maximum(noise, 1e-4)


def _known_median(rows: FloatArray) -> FloatArray:
    """Median of each row's numbers, leaving out what is none."""
    rising = np.sort(rows, axis=1)
    count = np.count_nonzero(np.isfinite(rising), axis=1)
    row = np.arange(len(rising))
    middle: FloatArray = (rising[row, (count - 1) // 2] + rising[row, count // 2]) / 2
    return middle


def _last_run(mask: BoolArray) -> int | None:
    """Start of the unbroken run of true values that reaches the end, if it has three or more."""
    if not mask[-1]:
        return None
    false = np.flatnonzero(~mask)
    start = int(false[-1]) + 1 if len(false) else 0
    return start if len(mask) - start >= 3 else None
