"""Zero-field mobility and field dependence of many curves at once, by Murgatroyd's and Gill's laws."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.constants import BOLTZMANN_CONSTANT, electronvolt, thermal_voltage
from analysis.curves import FloatArray, JVCurve, read_only
from analysis.estimate import GOOD, Estimate, Verdict
from analysis.published.felekidis2018 import PointSelection
from analysis.space_charge.laws import MURGATROYD_FACTOR, mott_gurney_current_density, permittivity_of
from analysis.space_charge.points import usable_points
from analysis.space_charge.slope import BoolArray, local_slope
from analysis.straight_line import StraightLineFit, fit_straight_line

LOWEST_BUILT_IN_VOLTAGE = -1.0
"""Lower end of the search for a built-in voltage [V]."""

LOWEST_SLOPE = 1.8
"""A curve is followed from where its slope has risen to this for good [1]; the law itself starts at 2."""

LARGE_MISFIT = 0.1
"""Root mean square deviation of ln J above which the law does not describe the curves [1]."""


@dataclass(frozen=True, kw_only=True)
class MurgatroydFit:
    """J = 9/8 ε μ(0) (V - V_bi)²/L³ exp(0.891 γ √((V - V_bi)/L)) through all curves, one V_bi for all.

    Parameters
    ----------
    temperature : (n,) of the curves [K]
    zero_field_mobility : one per curve [m² V⁻¹ s⁻¹]
    field_coefficient : γ, one per curve [(m/V)^½]
    built_in_voltage : common [V]
    disorder_width, gaussian_prefactor : σ [J] and μ* [m² V⁻¹ s⁻¹] of μ(0) = μ* exp(-(2σ/3kT)²)
    gill_coefficient, gill_temperature : B [J (m/V)^½] and T0 [K] of γ = B(1/kT - 1/kT0)
    used : one mask per curve
    root_mean_square : of the deviations of ln J [1]
    constrained : whether the temperature laws were imposed rather than fitted afterwards
    verdict : of the whole
    """

    temperature: FloatArray
    zero_field_mobility: tuple[Estimate, ...]
    field_coefficient: tuple[Estimate, ...]
    built_in_voltage: Estimate
    disorder_width: Estimate
    gaussian_prefactor: Estimate
    gill_coefficient: Estimate
    gill_temperature: Estimate
    used: tuple[BoolArray, ...]
    root_mean_square: float
    constrained: bool
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class _Data:
    """The used points of all curves, end to end."""

    voltage: FloatArray
    log_current: FloatArray
    length: FloatArray
    log_unit: FloatArray  # ln of the Mott-Gurney current at 1 V and unit mobility
    curve: np.ndarray  # which curve a point belongs to
    temperature: FloatArray  # of the curves


Design = Callable[[_Data, FloatArray], FloatArray]


def select_points(curve: JVCurve, selection: PointSelection) -> BoolArray:
    """Which points a published rule keeps; the slope at a point looks back, the curvature looks ahead.

    That reading of the curvature reproduces the published numbers to the printed digits.
    """
    voltage, current = curve.voltage, np.abs(curve.current_density)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_voltage, log_current = np.log10(voltage), np.log10(current)
        slope = np.append(math.nan, np.diff(log_current) / np.diff(log_voltage))
        curvature = np.append(np.diff(slope) / np.diff(log_voltage), math.nan)
        high = voltage >= selection.minimum_voltage
        steep = slope >= selection.slope_target
        bent = curvature >= selection.minimum_curvature
        if (high & steep & bent).sum() < selection.minimum_points:
            if (high & steep).sum() < selection.minimum_points:
                steep = slope >= selection.fallback_slope
            if (high & bent).sum() < selection.minimum_points:
                bent = np.ones(len(voltage), dtype=bool)
    kept: BoolArray = high & steep & bent & (current > 0) & np.isfinite(current)
    return kept


def rising_points(curve: JVCurve) -> BoolArray:
    """Usable points above 20 kT/q from where the slope has risen to `LOWEST_SLOPE` and stays there."""
    kept, _ = usable_points(curve, 0.0)
    kept &= curve.voltage >= 20 * thermal_voltage(curve.temperature)
    local = local_slope(curve.select(kept))
    below = local.voltage[local.slope < LOWEST_SLOPE]
    if len(local.voltage) and len(below) < len(local.voltage) / 2:
        lowest = max((volt for volt in below if volt < np.median(local.voltage)), default=0.0)
        kept &= curve.voltage > lowest
    return kept


def fit_murgatroyd(
    curves: Sequence[JVCurve],
    *,
    relative_permittivity: float | None = None,
    built_in_voltage: float | None = None,
    constrained: bool = False,
    selection: PointSelection | None = None,
    used: Sequence[BoolArray] | None = None,
) -> MurgatroydFit:
    """Fit Murgatroyd's law to curves of one device at several temperatures.

    Unweighted least squares of ln J. Free: μ(0) and γ of every curve, afterwards straight lines of ln μ(0)
    against 1/T² and, after Gill, of γ against 1/T. Constrained: those laws hold exactly and only their four
    constants are fitted. Everything but the built-in voltage is linear.

    Parameters
    ----------
    curves : one or more, the temperature laws need three temperatures
    relative_permittivity : [1]; default: the curves' own
    built_in_voltage : [V]; None: fitted, one for all curves
    constrained : impose the temperature laws
    selection : a published rule for which points take part; default: `rising_points`
    used : which points take part, one mask per curve, where that is known already; overrules `selection`

    Returns
    -------
    MurgatroydFit
        With a verdict instead of an exception where points or temperatures are too few.
    """
    if used is None:
        used = [
            rising_points(curve) if selection is None else select_points(curve, selection) for curve in curves
        ]
    used = tuple(used)
    temperature = np.array([curve.temperature for curve in curves])
    enough = constrained <= (len(np.unique(temperature)) >= 3)
    distinct = [_distinct_voltages(curve.voltage[mask]) for curve, mask in zip(curves, used, strict=True)]
    if not curves or not enough or min(distinct) < 4:
        return _nothing(temperature, used, constrained)
    data = _gathered(curves, used, relative_permittivity)
    design = _constrained_design if constrained else _free_design
    best, voltage_error = _built_in_voltage(data, design, built_in_voltage)
    parameters, covariance, scatter = (_solved if constrained else _solved_by_curve)(data, design, best)
    if constrained:
        laws = _laws_of_constrained(parameters, covariance)
        mobility, coefficient = _curves_of_constrained(temperature, parameters, covariance)
    else:
        mobility, coefficient = _curves_of_free(parameters, covariance)
        laws = _laws_of_free(temperature, mobility, coefficient)
    verdict = _verdict(scatter)
    return MurgatroydFit(
        temperature=read_only(temperature, "temperature"),
        zero_field_mobility=mobility,
        field_coefficient=coefficient,
        built_in_voltage=_judged_built_in_voltage(best, voltage_error),
        disorder_width=laws[0],
        gaussian_prefactor=laws[1],
        gill_coefficient=laws[2],
        gill_temperature=laws[3],
        used=used,
        root_mean_square=scatter,
        constrained=constrained,
        verdict=verdict,
    )


def _distinct_voltages(voltage: FloatArray) -> int:
    """How many voltages above zero differ by more than 0.1 %: readings at one voltage make no line."""
    ordered = np.log(np.sort(voltage[voltage > 0]))
    return int(np.sum(np.diff(ordered, prepend=-math.inf) > 1e-3))


def _gathered(
    curves: Sequence[JVCurve], used: Sequence[BoolArray], relative_permittivity: float | None
) -> _Data:
    def joined(pieces: list[FloatArray]) -> FloatArray:
        return read_only(np.concatenate(pieces), "points")

    units = [
        math.log(
            float(
                mott_gurney_current_density(1.0, 1.0, c.thickness, permittivity_of(c, relative_permittivity))
            )
        )
        for c in curves
    ]
    counts = [int(mask.sum()) for mask in used]
    return _Data(
        voltage=joined([curve.voltage[mask] for curve, mask in zip(curves, used, strict=True)]),
        log_current=joined(
            [np.log(curve.current_density[mask]) for curve, mask in zip(curves, used, strict=True)]
        ),
        length=read_only(np.repeat([curve.thickness for curve in curves], counts), "length"),
        log_unit=read_only(np.repeat(units, counts), "log_unit"),
        curve=np.repeat(np.arange(len(curves)), counts),
        temperature=read_only([curve.temperature for curve in curves], "temperature"),
    )


def _free_design(data: _Data, root_field: FloatArray) -> FloatArray:
    """Columns ln μ(0) of each curve, then γ of each curve."""
    belongs = data.curve[:, None] == np.arange(len(data.temperature))
    return np.hstack([belongs, belongs * (MURGATROYD_FACTOR * root_field)[:, None]])


def _constrained_design(data: _Data, root_field: FloatArray) -> FloatArray:
    """Columns ln μ*, (2σ/3)² [eV²], B [eV (m/V)^½] and B/kT0 [(m/V)^½]."""
    inverse = electronvolt / (BOLTZMANN_CONSTANT * data.temperature[data.curve])
    field = MURGATROYD_FACTOR * root_field
    return np.stack([np.ones_like(inverse), -(inverse**2), field * inverse, -field], axis=1)


def _residual(
    data: _Data, design: Design, built_in_voltage: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Parameters, residual of ln J and the design at one built-in voltage."""
    layer_voltage = data.voltage - built_in_voltage
    target = data.log_current - data.log_unit - 2 * np.log(layer_voltage)
    matrix = design(data, np.sqrt(layer_voltage / data.length))
    parameters = np.linalg.lstsq(matrix, target, rcond=None)[0]
    return parameters, target - matrix @ parameters, matrix


def _misfit_of_lines(data: _Data, built_in_voltage: float) -> float:
    """The same sum of squares where every curve has a straight line of its own, without solving for all."""
    layer_voltage = data.voltage - built_in_voltage
    y = data.log_current - data.log_unit - 2 * np.log(layer_voltage)
    x = np.sqrt(layer_voltage / data.length)
    count = np.bincount(data.curve)

    def about_mean(values: FloatArray) -> FloatArray:
        centred: FloatArray = values - (np.bincount(data.curve, values) / count)[data.curve]
        return centred

    x, y = about_mean(x), about_mean(y)
    slope = np.bincount(data.curve, x * y) / np.bincount(data.curve, x * x)
    return float(np.sum((y - slope[data.curve] * x) ** 2))


def _built_in_voltage(data: _Data, design: Design, given: float | None) -> tuple[float, float | None]:
    """The built-in voltage of least misfit and its standard error, from the curvature of the misfit."""
    if given is not None:
        return given, None
    from scipy.optimize import minimize_scalar  # 0.2 s that a window need not wait for

    def misfit(candidate: float) -> float:
        if design is _free_design:
            return _misfit_of_lines(data, candidate)
        return float(np.sum(_residual(data, design, candidate)[1] ** 2))

    highest = float(data.voltage.min()) * 0.95
    found = float(
        minimize_scalar(
            misfit, bounds=(LOWEST_BUILT_IN_VOLTAGE, highest), method="bounded", options={"xatol": 1e-7}
        ).x
    )
    step = min(0.02, (highest - found) / 2, (found - LOWEST_BUILT_IN_VOLTAGE) / 2)
    curvature = (misfit(found + step) - 2 * misfit(found) + misfit(found - step)) / step**2
    unknowns = design(data, data.voltage).shape[1]
    degrees = max(len(data.voltage) - unknowns - 1, 1)
    if curvature <= 0:
        return found, None
    return found, math.sqrt(2 * misfit(found) / degrees / curvature)


def _judged_built_in_voltage(value: float, standard_error: float | None) -> Estimate:
    """The law has no diffusion current; a fit makes up for it with a negative built-in voltage."""
    if value > -0.1 or (standard_error is not None and value > -3 * standard_error):
        return Estimate(value=value, standard_error=standard_error)
    advice = "A negative one stands in for the diffusion current, which the law leaves out."
    verdict = Verdict(word="outside_validity", advice=advice)
    return Estimate(value=value, standard_error=standard_error, verdict=verdict)


def _solved(data: _Data, design: Design, built_in_voltage: float) -> tuple[FloatArray, FloatArray, float]:
    parameters, residual, matrix = _residual(data, design, built_in_voltage)
    degrees = max(len(residual) - len(parameters) - 1, 1)
    covariance = np.linalg.pinv(matrix.T @ matrix) * float(np.sum(residual**2)) / degrees
    return parameters, covariance, math.sqrt(float(np.mean(residual**2)))


def _solved_by_curve(
    data: _Data, design: Design, built_in_voltage: float
) -> tuple[FloatArray, FloatArray, float]:
    """The same where curves share nothing but the built-in voltage, which is then one small problem each."""
    count = len(data.temperature)
    parameters, covariance = np.zeros(2 * count), np.zeros((2 * count, 2 * count))
    squares = 0.0
    for number in range(count):
        mine = data.curve == number
        one = _Data(
            voltage=data.voltage[mine],
            log_current=data.log_current[mine],
            length=data.length[mine],
            log_unit=data.log_unit[mine],
            curve=np.zeros(int(mine.sum()), dtype=int),
            temperature=data.temperature[number : number + 1],
        )
        found, residual, matrix = _residual(one, design, built_in_voltage)
        places = [number, count + number]
        parameters[places] = found
        covariance[np.ix_(places, places)] = np.linalg.pinv(matrix.T @ matrix)
        squares += float(np.sum(residual**2))
    degrees = max(len(data.voltage) - 2 * count - 1, 1)
    return parameters, covariance * squares / degrees, math.sqrt(squares / len(data.voltage))


def _factor(log_value: float, log_error: float) -> Estimate:
    value = math.exp(log_value)
    return Estimate(value=value, standard_error=value * log_error)


def _curves_of_free(
    parameters: FloatArray, covariance: FloatArray
) -> tuple[tuple[Estimate, ...], tuple[Estimate, ...]]:
    error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    half = len(parameters) // 2
    mobility = tuple(
        _factor(value, sigma) for value, sigma in zip(parameters[:half], error[:half], strict=True)
    )
    coefficient = tuple(
        Estimate(value=float(value), standard_error=float(sigma))
        for value, sigma in zip(parameters[half:], error[half:], strict=True)
    )
    return mobility, coefficient


def _curves_of_constrained(
    temperature: FloatArray, parameters: FloatArray, covariance: FloatArray
) -> tuple[tuple[Estimate, ...], tuple[Estimate, ...]]:
    mobility, coefficient = [], []
    for kelvin in temperature:
        inverse = electronvolt / (BOLTZMANN_CONSTANT * kelvin)
        row = np.array([1.0, -(inverse**2), 0.0, 0.0])
        mobility.append(_factor(float(row @ parameters), math.sqrt(row @ covariance @ row)))
        row = np.array([0.0, 0.0, inverse, -1.0])
        coefficient.append(
            Estimate(value=float(row @ parameters), standard_error=math.sqrt(row @ covariance @ row))
        )
    return tuple(mobility), tuple(coefficient)


def _laws_of_free(
    temperature: FloatArray, mobility: tuple[Estimate, ...], coefficient: tuple[Estimate, ...]
) -> tuple[Estimate, Estimate, Estimate, Estimate]:
    """Unweighted straight lines, as published: scatter about the laws outweighs the points' own errors."""
    if len(np.unique(temperature)) < 3:
        few = Verdict(word="too_few_points", advice="The temperature laws need three or more temperatures.")
        nothing = Estimate(value=math.nan, verdict=few)
        return nothing, nothing, nothing, nothing
    inverse = electronvolt / (BOLTZMANN_CONSTANT * temperature)
    gaussian = fit_straight_line(inverse**2, [math.log(one.value) for one in mobility])
    gill = fit_straight_line(inverse, [one.value for one in coefficient])
    width = _width(-gaussian.slope, gaussian.slope_standard_error)
    prefactor = _factor(gaussian.intercept, gaussian.intercept_standard_error)
    return width, prefactor, *_gill(gill)


def _laws_of_constrained(
    parameters: FloatArray, covariance: FloatArray
) -> tuple[Estimate, Estimate, Estimate, Estimate]:
    error = np.sqrt(np.diag(covariance))
    gill = StraightLineFit(
        slope=float(parameters[2]),
        intercept=-float(parameters[3]),
        covariance=np.array([[covariance[3, 3], -covariance[2, 3]], [-covariance[2, 3], covariance[2, 2]]]),
        residual=read_only([], "residual"),
        degrees_of_freedom=0,
        reduced_chi_square=math.nan,
        errors_known=True,
    )
    return _width(parameters[1], error[1]), _factor(parameters[0], error[0]), *_gill(gill)


def _width(square: float, error: float) -> Estimate:
    """σ [J] from (2σ/3)² [eV²]."""
    if square <= 0:
        advice = "The zero-field mobility does not rise with temperature; there is no disorder width."
        return Estimate(value=math.nan, verdict=Verdict(word="outside_validity", advice=advice))
    return Estimate(
        value=1.5 * math.sqrt(square) * electronvolt,
        standard_error=1.5 * error / (2 * math.sqrt(square)) * electronvolt,
    )


def _gill(line: StraightLineFit) -> tuple[Estimate, Estimate]:
    """B [J (m/V)^½] and T0 [K] from the line of γ against 1/kT [eV⁻¹]: it meets the axis at 1/kT0."""
    coefficient = Estimate(
        value=line.slope * electronvolt, standard_error=line.slope_standard_error * electronvolt
    )
    meeting = line.x_intercept()
    if not (math.isfinite(meeting.value) and meeting.value > 0):
        advice = "The field coefficient does not vanish at any temperature; Gill's law does not apply."
        return coefficient, Estimate(value=math.nan, verdict=Verdict(word="outside_validity", advice=advice))
    kelvin = electronvolt / (BOLTZMANN_CONSTANT * meeting.value)
    relative = (meeting.standard_error or 0.0) / meeting.value
    return coefficient, Estimate(value=kelvin, standard_error=kelvin * relative)


def _verdict(scatter: float) -> Verdict:
    if scatter <= LARGE_MISFIT:
        return GOOD
    return Verdict(
        word="not_straight",
        advice=f"The law misses the curves by {100 * scatter:.0f} % on average; fit a mobility model.",
    )


def _nothing(temperature: FloatArray, used: tuple[BoolArray, ...], constrained: bool) -> MurgatroydFit:
    verdict = Verdict(
        word="too_few_points",
        advice="Each curve needs usable points at four voltages"
        + (" and the temperature laws three temperatures." if constrained else "."),
    )
    nothing = Estimate(value=math.nan, verdict=verdict)
    return MurgatroydFit(
        temperature=read_only(temperature, "temperature"),
        zero_field_mobility=(nothing,) * len(temperature),
        field_coefficient=(nothing,) * len(temperature),
        built_in_voltage=nothing,
        disorder_width=nothing,
        gaussian_prefactor=nothing,
        gill_coefficient=nothing,
        gill_temperature=nothing,
        used=used,
        root_mean_square=math.nan,
        constrained=constrained,
        verdict=verdict,
    )
