"""One set of disorder parameters for current-voltage curves at many temperatures and thicknesses.

Least squares with the drift-diffusion solver and its exact derivatives. What is uncertain is told in three
columns that are never added: the scatter of the points, errors common to all points, and the choice of the
model.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from analysis.constants import BOLTZMANN_CONSTANT, ELEMENTARY_CHARGE, electronvolt, nanometre
from analysis.conventions import CONVENTIONS, Convention, ConventionName
from analysis.curves import FloatArray, JVCurve
from analysis.disorder_model import (
    KINDS,
    TYPICAL,
    Model,
    Points,
    permittivity_of,
    select_points,
    transport_problem,
)
from analysis.drift_diffusion import JVSolution, solve_many
from analysis.drift_diffusion.mobility import VALID_REDUCED_DISORDER
from analysis.drift_diffusion.solution import Statistics
from analysis.estimate import GOOD, Estimate, Verdict
from analysis.least_squares import Minimum, minimise, robust_scale
from analysis.space_charge.points import NOISE_FLAGS, common_ceiling, judge_noise, mark_points

_START_POINTS = 6  # per curve, while looking for the right valley
_BEST_STARTS = 3
_ALTERNATIVE_POINTS = 12  # per curve, for refits under other models
_OUTLIER_THRESHOLD = 6.0  # of the scatter about the neighbours
_TOO_CORRELATED = 0.995
_FEWEST_POINTS_PER_PARAMETER = 3
_BARRIERS = ("injecting_barrier", "extracting_barrier")
_BELOW = "below the range the model describes"
_OUTLIER = "outlier"
_SOFT = (_BELOW, _OUTLIER)
_CORE = 0.3  # of a curve's highest voltage; above it space charge rules, if anywhere
_DEPARTURE = (
    2.0  # of the scatter in the core: further off for three points running, the model no longer holds
)
_LINEAR_REACH = 0.5  # standard errors that a refit may move before all curves are solved anew


@dataclass(frozen=True, kw_only=True)
class CommonErrors:
    """Standard errors common to all points, of devices and thermometer.

    Parameters
    ----------
    thickness, area, relative_permittivity : relative [1]
    temperature : offset [K]
    """

    thickness: float = 0.05
    area: float = 0.05
    relative_permittivity: float = 0.1
    temperature: float = 1.0


@dataclass(frozen=True, kw_only=True)
class CurveResiduals:
    """What the fit makes of one curve, point by point.

    Attributes
    ----------
    curve : as measured
    model : (n,) current density of the fit [A m⁻²]; NaN where left out
    residual : (n,) measured minus model in ln current density, linear near the floor; NaN where left out
    weight : (n,) Huber's weight, 0 to 1; NaN where left out
    left_out : (n,) why a point plays no part; empty where it does
    """

    curve: JVCurve
    model: FloatArray
    residual: FloatArray
    weight: FloatArray
    left_out: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """A refit under another model; `values` by parameter, SI."""

    name: str
    values: dict[str, float]
    reduced_chi_square: float
    converged: bool


@dataclass(frozen=True, kw_only=True)
class Start:
    """One start of the search and where it led; values by parameter, SI."""

    start: dict[str, float]
    end: dict[str, float]
    cost: float


@dataclass(frozen=True, kw_only=True)
class DisorderFit:
    """Disorder parameters with three kinds of uncertainty, and everything needed to doubt them.

    Attributes
    ----------
    parameters : the free ones by glossary name, SI
    fixed : the others, SI
    covariance, correlation : (p, p) of the free parameters in the order of `parameters`; statistical only
    verdict : one word and advice for the whole fit; each parameter has its own too
    reduced_chi_square : weighted sum of squares over degrees of freedom [1]
    mean_square_misfit : sum of (Δ log10 J)² over the points that take part, over the number of temperatures,
        as Felekidis et al. print it [1]
    curves : residuals point by point, with what was left out and why
    alternatives : refits under other models
    starts : where each start of the search ended
    systematic_shifts : by cause, what one standard error of it does to each parameter, SI
    conventions : the model in words
    """

    parameters: dict[str, Estimate]
    fixed: dict[str, float]
    covariance: FloatArray
    correlation: FloatArray
    verdict: Verdict
    reduced_chi_square: float
    mean_square_misfit: float
    curves: tuple[CurveResiduals, ...]
    alternatives: tuple[Alternative, ...]
    starts: tuple[Start, ...]
    systematic_shifts: dict[str, dict[str, float]]
    conventions: tuple[str, ...]
    options: "FitOptions"
    model: Model = field(repr=False)
    minimum: Minimum | None = field(repr=False)

    @property
    def convention(self) -> Convention:
        """How the model is written."""
        return self.model.convention

    @property
    def values(self) -> dict[str, float]:
        """All parameters, free and fixed, SI."""
        return self.fixed | {name: estimate.value for name, estimate in self.parameters.items()}

    def current_density(
        self,
        voltage: npt.ArrayLike,
        temperature: float,
        thickness: float,
        relative_permittivity: float | None = None,
    ) -> JVSolution:
        """The fitted model's curve at any voltage [V], temperature [K] and thickness [m]."""
        permittivity = self.values.get("relative_permittivity", relative_permittivity)
        if permittivity is None:
            permittivity = permittivity_of(self.curves[0].curve, self.values)
        problem = transport_problem(self.convention, self.values, temperature, thickness, permittivity)
        return solve_many([(voltage, problem)])[0]

    def refit(self, curves: Sequence[JVCurve]) -> "DisorderFit":
        """The fit of more points or curves, started from this one; without the model range.

        Curves that did not change enter with their last linearisation while the parameters stay within half a
        standard error of it: a point added to a running measurement costs the solution of one curve.
        """
        options = replace(self.options, with_model_range=False)
        quick = _linear_refit(self, curves, options)
        start = self.values if self.minimum is not None else None
        return quick or _fit(curves, options, self.convention, start)

    def leave_one_temperature_out(self) -> dict[float, dict[str, float]]:
        """The free parameters' values without each temperature [K] in turn, SI."""
        temperatures = sorted({entry.curve.temperature for entry in self.curves})
        if len(temperatures) < 2:
            return {}
        model, values = self.model, self.values
        found = {}
        for left_out in temperatures:
            rest = [points for points in model.points if points.curve.temperature != left_out]
            end = _descend(model.changed(points=rest), values)
            found[left_out] = _only(model.changed(points=rest).values(end.position), model.free)
        return found

    def profile(self, name: str, values: Sequence[float]) -> FloatArray:
        """Cost of the best fit with one parameter held at each value (SI), less the fit's own.

        In units in which 1 is one standard error of the scatter, 3.84 the 95 % bound.
        """
        model, best = self.model, self.values
        scale = max(1.0, self.reduced_chi_square)
        rest = [other for other in model.free if other != name]
        start_cost = _descend(model, best).cost
        costs = []
        for value in values:
            held = model.changed(free=rest, fixed={**model.fixed, name: value})
            costs.append((_descend(held, {**best, name: value}).cost - start_cost) / scale)
        return np.array(costs)

    def bootstrap(self, trials: int, seed: int) -> dict[str, FloatArray]:
        """The free parameters' values refitted to resampled points, (trials,) each, SI.

        Points are drawn with replacement within each curve, from a generator with this seed.
        """
        generator = np.random.default_rng(seed)
        model, values = self.model, self.values
        drawn = []
        for _ in range(trials):
            resampled = [points.resampled(generator) for points in model.points]
            trial = model.changed(points=resampled)
            drawn.append(trial.values(_descend(trial, values).position))
        return {name: np.array([entry[name] for entry in drawn]) for name in model.free}

    def to_dict(self) -> dict[str, object]:
        """Plain numbers for JSON, SI, by glossary names."""
        return {
            "parameters": {name: estimate.to_dict() for name, estimate in self.parameters.items()},
            "fixed": dict(self.fixed),
            "covariance": self.covariance.tolist(),
            "correlation": self.correlation.tolist(),
            "verdict": self.verdict.to_dict(),
            "reduced_chi_square": self.reduced_chi_square,
            "mean_square_misfit": self.mean_square_misfit,
            "systematic_shifts": self.systematic_shifts,
            "conventions": list(self.conventions),
            "alternatives": [
                {
                    "name": entry.name,
                    "values": entry.values,
                    "reduced_chi_square": entry.reduced_chi_square,
                    "converged": entry.converged,
                }
                for entry in self.alternatives
            ],
            "points_left_out": [
                {
                    "curve": entry.curve.label,
                    "temperature": entry.curve.temperature,
                    "thickness": entry.curve.thickness,
                    "voltage": float(voltage),
                    "reason": reason,
                }
                for entry in self.curves
                for voltage, reason in zip(entry.curve.voltage, entry.left_out, strict=True)
                if reason
            ],
        }


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """What was asked of the fit beside the curves."""

    free: tuple[str, ...]
    fixed: dict[str, float]
    relative_error: float
    voltage_window: tuple[float, float] | None
    robust: bool
    with_model_range: bool
    with_systematic: bool
    common_errors: CommonErrors


def fit_disorder(
    curves: Sequence[JVCurve],
    *,
    free: Sequence[str] | None = None,
    fixed: Mapping[str, float] | None = None,
    convention: ConventionName | Convention = "li2024",
    statistics: Statistics | None = None,
    relative_error: float = 0.02,
    voltage_window: tuple[float, float] | None = None,
    robust: bool = True,
    with_model_range: bool = True,
    with_systematic: bool = True,
    common_errors: CommonErrors | None = None,
    start: Mapping[str, float] | None = None,
) -> DisorderFit:
    """Fit the extended Gaussian disorder model to curves at several temperatures and thicknesses.

    Residuals are in ln J and go over smoothly to linear ones near each curve's floor; points far off their
    neighbours are left out and told. The search starts from several places found from the data, unless one is
    given.

    Parameters
    ----------
    curves : measured curves [V], [A m⁻²], each with temperature [K], thickness [m] and relative_permittivity
        [1]
    free : parameters to be found, of disorder_width, hopping_distance, mobility_prefactor (attempt_rate for
        felekidis2018), relative_permittivity, built_in_voltage or injecting_barrier and extracting_barrier,
        series_resistance_area; None: the first three, and both barriers for felekidis2018
    fixed : values of others, SI
    convention : "li2024", "felekidis2018" or one of your own
    statistics : "classical" or "gaussian"; None: the convention's
    relative_error : of a reading where the curve brings no errors of its own [1]
    voltage_window : points outside play no part [V]; None: each curve from where the model describes it,
        found by fitting its upper part first and going down while the misfit stays within the scatter there
    robust : Huber's weights, and points far off their neighbours left out; False: plain least squares of all
        points
    with_model_range : refit under other models, for each parameter's `model_range`
    with_systematic : propagate `common_errors` into each parameter's systematic error
    common_errors : of thickness, area, permittivity and temperature, the same for all points; None: the usual
    start : values to start from instead of searching, SI

    Returns
    -------
    DisorderFit

    Raises
    ------
    ValueError
        Without curves, or for an unknown parameter name, naming the known ones.
    """
    chosen = convention if isinstance(convention, Convention) else _convention(convention)
    if statistics is not None:
        chosen = replace(chosen, statistics=statistics)
    options = FitOptions(
        free=_free_names(free, chosen, fixed or {}),
        fixed=dict(fixed or {}),
        relative_error=relative_error,
        voltage_window=voltage_window,
        robust=robust,
        with_model_range=with_model_range,
        with_systematic=with_systematic,
        common_errors=common_errors or CommonErrors(),
    )
    if not curves:
        raise ValueError("no curves to fit; give at least one JVCurve")
    return _fit(curves, options, chosen, start)


def _convention(name: str) -> Convention:
    if name not in CONVENTIONS:
        raise ValueError(f"convention {name!r} is not one of {', '.join(CONVENTIONS)}")
    return CONVENTIONS[name]


def _free_names(
    free: Sequence[str] | None, convention: Convention, fixed: Mapping[str, float]
) -> tuple[str, ...]:
    for name in [*(free or ()), *fixed]:
        if name not in KINDS:
            raise ValueError(f"parameter {name!r} is not one of {', '.join(KINDS)}")
    if free is None:
        free = ["disorder_width", "hopping_distance", convention.prefactor]
        free += _BARRIERS if convention.barriers else []
        free = [name for name in free if name not in fixed]
    both = sorted(set(free) & set(fixed))
    if both:
        raise ValueError(f"{', '.join(both)} cannot be free and fixed at once; leave it out of one")
    missing = {"disorder_width", "hopping_distance", convention.prefactor} - set(free) - set(fixed)
    if missing:
        raise ValueError(f"{', '.join(sorted(missing))} must be among the free or the fixed parameters")
    return tuple(free)


def _fit(
    curves: Sequence[JVCurve], options: FitOptions, convention: Convention, start: Mapping[str, float] | None
) -> DisorderFit:
    window = options.voltage_window or (0.0, math.inf)
    ceiling = common_ceiling(curves)
    selected = [select_points(curve, options.relative_error, window, ceiling) for curve in curves]
    model = Model(
        convention=convention,
        free=options.free,
        fixed=_with_contacts(options, convention),
        points=[points for points in selected if len(points.index)],
    )
    count = sum(len(points.index) for points in selected)
    if count < _FEWEST_POINTS_PER_PARAMETER * len(model.free):
        return _without_fit(selected, model, options, count)
    core = (
        model if options.voltage_window else model.changed(points=[_core(points) for points in model.points])
    )
    starts = () if start else _search(core)
    best = {**model.fixed, **(start or min(starts, key=lambda entry: entry.cost).end)}
    if options.voltage_window is None:
        model, best = _extended(model, core, best)
    end = _descend(model, best, robust=options.robust)
    if options.robust:
        tidied = [
            _without_outliers(*pair) for pair in zip(model.points, model.split(end.residual), strict=True)
        ]
        if sum(len(points.index) for points in tidied) < len(end.residual):
            model = model.changed(points=tidied)
            end = _descend(model, model.values(end.position))
    fit = _report(model, end, _with_the_unusable(model.points, selected), options, starts)
    noise = judge_noise(mark_points(curves, NOISE_FLAGS))
    return fit if noise.is_good else replace(fit, verdict=noise)


def _linear_refit(fit: DisorderFit, curves: Sequence[JVCurve], options: FitOptions) -> DisorderFit | None:
    """One Gauss-Newton step with only the changed curves solved; None where that does not reach."""
    if fit.minimum is None or not fit.minimum.converged:
        return None
    model, minimum, window = fit.model, fit.minimum, options.voltage_window or (0.0, math.inf)
    rows = zip(model.points, model.split(minimum.residual), model.split(minimum.jacobian), strict=True)
    known = {_content(points.curve): (points, residual, jacobian) for points, residual, jacobian in rows}
    if 2 * sum(_content(curve) in known for curve in curves) < len(curves):
        return None
    ordered = []
    for curve in curves:
        if _content(curve) in known:
            ordered.append(known[_content(curve)])
            continue
        points = _as_before(fit, select_points(curve, options.relative_error, window))
        residual, jacobian = np.empty(0), np.empty((0, len(model.free)))
        if len(points.index):
            residual, jacobian = model.changed(points=[points]).evaluate(minimum.expanded_at)
            residual = residual + jacobian @ minimum.moved
        ordered.append((points, residual, jacobian))
    both = model.changed(points=[points for points, _, _ in ordered if len(points.index)])
    residual, jacobian = (np.concatenate([entry[k] for entry in ordered]) for k in (1, 2))
    end = minimum.stepped(residual, jacobian, *both.bounds(), robust=options.robust)
    if end is None or end.reach > _LINEAR_REACH:
        return None
    shifts = fit.systematic_shifts if options.with_systematic else {}
    return _report(both, end, [points for points, _, _ in ordered], options, fit.starts, shifts)


def _content(curve: JVCurve) -> tuple[float, float, bytes, bytes]:
    """What tells one measured curve from another, also after a journey to another process."""
    return curve.temperature, curve.thickness, curve.voltage.tobytes(), curve.current_density.tobytes()


def _as_before(fit: DisorderFit, points: Points) -> Points:
    """What was left out of an earlier, shorter state of the same curve stays left out."""
    for entry in fit.curves:
        shorter = entry.curve
        if (shorter.temperature, shorter.thickness) != (points.curve.temperature, points.curve.thickness):
            continue
        voltages = {
            voltage
            for voltage, reason in zip(shorter.voltage, entry.left_out, strict=True)
            if reason in _SOFT
        }
        return points.leaving_out(np.isin(points.voltage, list(voltages)), _BELOW)
    return points


def _core(points: Points) -> Points:
    """The upper part of a curve."""
    voltage = points.voltage
    return points.leaving_out(voltage < _CORE * voltage.max(), _BELOW)


def _extended(model: Model, core: Model, values: Mapping[str, float]) -> tuple[Model, dict[str, float]]:
    """The points the model describes: from the core down, until three points running depart from it."""
    thin = core.thinned(_ALTERNATIVE_POINTS)
    end = _descend(thin, values, tolerance=0.1)
    found = thin.values(end.position)
    scatter = max(1.0, robust_scale(end.residual))
    residuals = model.split(model.residuals(model.solve(found, sensitivities=False)))
    extended = []
    for points, residual in zip(model.points, residuals, strict=True):
        order = np.argsort(points.voltage, kind="stable")
        off = ~(np.abs(residual[order]) < _DEPARTURE * scatter)
        off[points.voltage[order] >= _CORE * points.voltage.max()] = False
        running = off[:-2] & off[1:-1] & off[2:] if len(off) > 2 else off[:0]
        lowest = np.flatnonzero(running)[-1] + 3 if np.any(running) else 0
        below = np.zeros(len(off), dtype=np.bool_)
        below[order[:lowest]] = True
        extended.append(points.leaving_out(below, _BELOW))
    return model.changed(points=extended), found


def _with_the_unusable(used: Sequence[Points], selected: Sequence[Points]) -> list[Points]:
    """The points of all curves again, also of those without a usable one."""
    taking_part = iter(used)
    return [next(taking_part) if len(points.index) else points for points in selected]


def _with_contacts(options: FitOptions, convention: Convention) -> dict[str, float]:
    """The fixed values, with a typical barrier where the convention has barriers and none is given."""
    fixed = dict(options.fixed)
    named = set(options.free) | set(fixed)
    if convention.barriers or named & set(_BARRIERS):
        for name in set(_BARRIERS) - named:
            fixed[name] = TYPICAL[name]
    return fixed


def _search(model: Model) -> tuple[Start, ...]:
    """Descend from the best places of a grid around what the temperature dependence suggests."""
    thin = model.thinned(_START_POINTS).changed(accuracy="rough")
    candidates = []
    for values in _grid(thin):
        residual = thin.residuals(thin.solve(values, sensitivities=False))
        shift = float(np.nanmedian(residual * thin.errors()))  # the model is proportional to its prefactor
        if not math.isfinite(shift):
            continue
        shifted = {
            **values,
            model.convention.prefactor: values[model.convention.prefactor] * math.exp(-shift),
        }
        candidates.append((float(np.nanmedian(np.abs(residual * thin.errors() - shift))), shifted))
    candidates.sort(key=lambda entry: entry[0])
    found = []
    for _, values in candidates[:_BEST_STARTS]:
        end = _descend(thin, values, tolerance=0.1)
        found.append(
            Start(
                start=_only(values, model.free),
                end=_only(thin.values(end.position), model.free),
                cost=end.cost,
            )
        )
    if not found:
        values = next(iter(_grid(thin)))
        found.append(Start(start=_only(values, model.free), end=_only(values, model.free), cost=math.inf))
    return tuple(found)


def _grid(model: Model) -> Iterator[dict[str, float]]:
    """Disorder widths about the one the temperature dependence suggests, with three hopping distances."""
    typical = {name: TYPICAL[name] for name in model.free if name in TYPICAL}
    widths = [model.fixed["disorder_width"]] if "disorder_width" in model.fixed else _likely_widths(model)
    distances = [1.3 * nanometre, 1.9 * nanometre, 2.8 * nanometre]
    if "hopping_distance" in model.fixed:
        distances = [model.fixed["hopping_distance"]]
    permittivity = model.points[0].curve.relative_permittivity or 3.5
    for width in widths:
        for distance in distances:
            yield {
                **typical,
                "relative_permittivity": permittivity,
                "disorder_width": width,
                "hopping_distance": distance,
                model.convention.prefactor: 1e-7
                if model.convention.prefactor == "mobility_prefactor"
                else 1e10,
            } | model.fixed


def _likely_widths(model: Model) -> list[float]:
    """From the fall of ln J L³ with 1/(kT)² at the lowest common voltage; 0.1 eV with one temperature only.

    Field and density flatten that fall of 4/9 sigma², least at the lowest voltage: 0.16 to 0.37 sigma² are
    left for 0.07 to 0.12 eV and 1.3 to 2.8 nm.
    """
    lowest = max(points.voltage.min() for points in model.points)
    inverse, height = [], []
    for points in model.points:
        order = np.argsort(points.voltage)
        value = np.interp(lowest, points.voltage[order], points.current_density[order])
        if value > 0:
            inverse.append((BOLTZMANN_CONSTANT * points.curve.temperature) ** -2)
            height.append(math.log(value * points.curve.thickness**3))
    central = 0.1 * electronvolt
    if len(set(inverse)) > 1:
        slope = np.polyfit(inverse, height, 1)[0]
        central = math.sqrt(max(-slope, 0.0) / 0.2) if slope < 0 else central
    lower, upper = (bound * electronvolt for bound in (0.06, 0.18))
    return sorted({min(max(central * factor, lower), upper) for factor in (0.8, 1.0, 1.25)})


def _descend(
    model: Model, values: Mapping[str, float], *, tolerance: float = 3e-3, robust: bool = True
) -> Minimum:
    lower, upper = model.bounds()
    return minimise(model.evaluate, model.position(values), lower, upper, tolerance=tolerance, robust=robust)


def _only(values: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    return {name: values[name] for name in names}


def _without_outliers(points: Points, residual: FloatArray) -> Points:
    """Leave out points whose residual is far from the median of their six neighbours'.

    Against the neighbours, not against the model: where the model is wrong, whole stretches are off and no
    point is to blame for it.
    """
    if len(residual) < 7:
        return points
    order = np.argsort(points.voltage, kind="stable")
    ordered = residual[order]
    padded = np.concatenate([ordered[3:0:-1], ordered, ordered[-2:-5:-1]])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 7)
    off = ordered - np.median(np.delete(windows, 3, axis=1), axis=1)
    scatter = max(1.0, robust_scale(off))
    strange = np.zeros(len(residual), dtype=bool)
    strange[order] = np.abs(off) > _OUTLIER_THRESHOLD * scatter
    return points.leaving_out(strange, _OUTLIER) if np.any(strange) else points


def _report(
    model: Model,
    end: Minimum,
    points: Sequence[Points],
    options: FitOptions,
    starts: tuple[Start, ...],
    shifts: dict[str, dict[str, float]] | None = None,
) -> DisorderFit:
    values = model.values(end.position)
    freedom = max(1, int(np.count_nonzero(np.isfinite(end.residual))) - len(model.free))
    chi_square = end.cost / freedom
    scale = model.scale(values)
    covariance = _covariance(end) * np.outer(scale, scale) * max(1.0, chi_square)
    errors = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / np.outer(errors, errors)
    if shifts is None:
        shifts = (
            _systematic_shifts(model, end, values, options.common_errors) if options.with_systematic else {}
        )
    alternatives = _alternatives(model, values) if options.with_model_range and end.converged else ()
    parameters = {}
    for k, name in enumerate(model.free):
        others = [entry.values[name] for entry in alternatives if entry.converged]
        parameters[name] = Estimate(
            value=values[name],
            # an error wider than what is searched says that nothing is known; its size says nothing more
            standard_error=min(float(errors[k]), KINDS[name].highest - KINDS[name].lowest),
            systematic_error=math.hypot(*(causes[name] for causes in shifts.values())) if shifts else None,
            model_range=(min([values[name], *others]), max([values[name], *others])) if others else None,
            verdict=_parameter_verdict(model, end, k, values, errors, correlation),
        )
    parameters |= _barriers_not_told(parameters)
    return DisorderFit(
        parameters=parameters,
        fixed=dict(model.fixed),
        covariance=covariance,
        correlation=correlation,
        verdict=_fit_verdict(model, end, parameters, values),
        reduced_chi_square=chi_square,
        mean_square_misfit=_mean_square_misfit(model, end),
        curves=_curve_residuals(model, end, points),
        alternatives=alternatives,
        starts=starts,
        systematic_shifts=shifts,
        conventions=tuple(_sentences(model, options)),
        options=options,
        model=model,
        minimum=end,
    )


def _covariance(end: Minimum) -> FloatArray:
    """Of the coordinates, at unit scatter; what a bound holds is kept out of the others' covariance."""
    normal = end.normal_matrix()
    covariance = _inverse(normal)
    moving = ~end.at_bound
    if np.all(moving) or not np.any(moving):
        return covariance
    found = np.diag(np.diag(covariance))
    found[np.ix_(moving, moving)] = _inverse(normal[np.ix_(moving, moving)])
    return found


def _inverse(matrix: FloatArray) -> FloatArray:
    """Inverse of a normal matrix, scaled first; infinite variances where it is singular."""
    size = np.sqrt(np.diag(matrix))
    if not np.all(size > 0) or not np.all(np.isfinite(matrix)):
        return np.diag(np.full(len(size), np.inf))
    scaled = matrix / np.outer(size, size)
    if np.linalg.cond(scaled) > 1e14:
        return np.diag(np.full(len(size), np.inf))
    return np.linalg.inv(scaled) / np.outer(size, size)


def _systematic_shifts(
    model: Model, end: Minimum, values: Mapping[str, float], common: CommonErrors
) -> dict[str, dict[str, float]]:
    """By cause, what one standard error of it does to each free parameter: the fit's linear response."""
    names = ("thickness", "area", "relative_permittivity", "temperature")
    columns = model.columns(model.solved(end.position), values, names)
    known = np.isfinite(end.residual)
    weighted = end.jacobian[known] * end.weight[known, None]
    covariance = _covariance(end)
    covariance[end.at_bound] = 0.0  # held by their bounds, whatever the thickness
    response = -covariance @ weighted.T
    scale = model.scale(values)
    found = {}
    for k, name in enumerate(names):
        if name in model.free:
            continue
        error = getattr(common, name)
        unit = np.ones(len(end.residual))
        if name in ("thickness", "relative_permittivity"):
            unit = np.concatenate(
                [
                    np.full(
                        len(points.index),
                        points.curve.thickness
                        if name == "thickness"
                        else permittivity_of(points.curve, values),
                    )
                    for points in model.points
                ]
            )
        shift = response @ (columns[:, k] * unit * error)[known] * scale
        found[name] = dict(zip(model.free, shift.tolist(), strict=True))
    return found


def _alternatives(model: Model, values: Mapping[str, float]) -> tuple[Alternative, ...]:
    """Refits under other models, on thinned curves; their shifts are taken to the full fit."""
    thin = model.thinned(_ALTERNATIVE_POINTS)
    base = thin.values(_descend(thin, values, tolerance=1e-2).position)
    found = []
    for name, other in _other_models(thin, values):
        end = _descend(other, {**values, **other.fixed}, tolerance=1e-2)
        refitted = other.values(end.position)
        freedom = max(1, len(end.residual) - len(model.free))
        shifted = {
            free: values[free] * refitted[free] / base[free]
            if KINDS[free].logarithmic
            else values[free] + refitted[free] - base[free]
            for free in model.free
        }
        found.append(
            Alternative(
                name=name, values=shifted, reduced_chi_square=end.cost / freedom, converged=end.converged
            )
        )
    return tuple(found)


def _other_models(model: Model, values: Mapping[str, float]) -> Iterator[tuple[str, Model]]:
    convention = model.convention
    other_c2 = 0.44 if convention.zero_density_coefficient == 0.42 else 0.42
    yield f"c2 = {other_c2}", model.changed(convention=replace(convention, zero_density_coefficient=other_c2))
    other_statistics: Statistics = "gaussian" if convention.statistics == "classical" else "classical"
    yield (
        f"{other_statistics} Einstein relation",
        model.changed(convention=replace(convention, statistics=other_statistics)),
    )
    if convention.reduced_field_cap is None and convention.density_cap is None:
        yield (
            "with caps",
            model.changed(convention=replace(convention, reduced_field_cap=2.0, density_cap=0.1)),
        )
    else:
        yield (
            "without caps",
            model.changed(convention=replace(convention, reduced_field_cap=None, density_cap=None)),
        )
    if "injecting_barrier" not in values and "built_in_voltage" not in model.free:
        drop = model.fixed.get("built_in_voltage", 0.0) * ELEMENTARY_CHARGE
        barrier = TYPICAL["injecting_barrier"]
        fixed = {name: value for name, value in model.fixed.items() if name != "built_in_voltage"}
        fixed |= {"injecting_barrier": barrier, "extracting_barrier": barrier + drop}
        yield (
            "barriers of 0.1 eV",
            model.changed(fixed=fixed),
        )
    edge = VALID_REDUCED_DISORDER[1]
    warm = [
        points
        for points in model.points
        if values["disorder_width"] <= edge * BOLTZMANN_CONSTANT * points.curve.temperature
    ]
    temperatures = {points.curve.temperature for points in warm}
    if len(warm) < len(model.points) and len(temperatures) > 1:
        yield f"without temperatures where sigma/kT > {edge:.0f}", model.changed(points=warm)


def _parameter_verdict(
    model: Model,
    end: Minimum,
    k: int,
    values: Mapping[str, float],
    errors: FloatArray,
    correlation: FloatArray,
) -> Verdict:
    name = model.free[k]
    kind = KINDS[name]
    known = errors[k] / values[name] if kind.logarithmic else errors[k]
    if not known <= kind.resolution:
        return Verdict(
            word="not_identifiable",
            advice="not told by these curves; fix what is not, or measure other thicknesses or temperatures",
        )
    partners = [
        other for j, other in enumerate(model.free) if j != k and abs(correlation[k, j]) > _TOO_CORRELATED
    ]
    if partners:
        return Verdict(
            word="not_identifiable",
            advice=f"only a combination of {name} and {', '.join(partners)} is known (correlation above "
            f"{_TOO_CORRELATED}); fix one, or measure another thickness",
        )
    if end.at_bound[k]:
        return Verdict(word="at_bound", advice=f"{name} ended at the edge of its search range")
    return GOOD


def _barriers_not_told(parameters: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """The barrier that looked known while the other is not: currents tell their difference, V_bi, better.

    What a bound holds is kept out of the others' covariance, so its error is of that difference only.
    """
    barriers = {name: parameters[name] for name in _BARRIERS if name in parameters}
    told = {name: estimate for name, estimate in barriers.items() if estimate.verdict == GOOD}
    if len(barriers) < 2 or len(told) != 1:
        return {}
    ((name, estimate),) = told.items()
    (other,) = barriers.keys() - told.keys()
    advice = f"its error holds only if {other} is right, and these curves do not tell that; fix {other}"
    return {name: replace(estimate, verdict=Verdict(word="not_identifiable", advice=advice))}


def _fit_verdict(
    model: Model, end: Minimum, parameters: Mapping[str, Estimate], values: Mapping[str, float]
) -> Verdict:
    if not end.converged:
        return Verdict(
            word="not_converged", advice="no minimum was reached; fix some parameters or start elsewhere"
        )
    for word in ("at_bound", "not_identifiable"):
        concerned = [name for name, estimate in parameters.items() if estimate.verdict.word == word]
        if concerned:
            return Verdict(
                word=word, advice=f"{', '.join(concerned)}: {parameters[concerned[0]].verdict.advice}"
            )
    low, high = VALID_REDUCED_DISORDER
    reduced = {
        points.curve.temperature: values["disorder_width"] / (BOLTZMANN_CONSTANT * points.curve.temperature)
        for points in model.points
    }
    outside = [
        f"{temperature:.4g} K ({s:.1f})" for temperature, s in sorted(reduced.items()) if not low <= s <= high
    ]
    if outside:
        return Verdict(
            word="outside_validity",
            advice=f"sigma/kT lies outside {low:.0f} to {high:.0f} at {', '.join(outside)}; "
            "fit once more without these temperatures and compare",
        )
    return GOOD


def _mean_square_misfit(model: Model, end: Minimum) -> float:
    """Sum over a temperature's points of (Δ log10 J)², averaged over the temperatures."""
    squares: dict[float, float] = {}
    for points, residual in zip(model.points, model.split(end.residual), strict=True):
        with np.errstate(invalid="ignore", divide="ignore"):
            off = np.log10(points.modelled(residual) / points.current_density)
        temperature = points.curve.temperature
        squares[temperature] = squares.get(temperature, 0.0) + float(np.nansum(off**2))
    return float(np.mean(list(squares.values())))


def _curve_residuals(model: Model, end: Minimum, points: Sequence[Points]) -> tuple[CurveResiduals, ...]:
    taking_part = iter(zip(model.split(end.residual), model.split(end.weight), strict=True))
    found = []
    for entry in points:
        columns = np.full((3, len(entry.curve)), np.nan)
        if len(entry.index):
            residual, weight = next(taking_part)
            columns[:, entry.index] = entry.modelled(residual), -residual * entry.error, weight
        found.append(
            CurveResiduals(
                curve=entry.curve,
                model=columns[0],
                residual=columns[1],
                weight=columns[2],
                left_out=entry.left_out,
            )
        )
    return tuple(found)


def _sentences(model: Model, options: FitOptions) -> list[str]:
    common = options.common_errors
    return [
        *model.convention.sentences(),
        f"errors common to all points: thickness {common.thickness:.0%}, area {common.area:.0%}, "
        f"relative permittivity {common.relative_permittivity:.0%}, temperature {common.temperature:g} K",
    ]


def _without_fit(points: Sequence[Points], model: Model, options: FitOptions, count: int) -> DisorderFit:
    """What there is to say before there are enough points."""
    verdict = Verdict(
        word="too_few_points",
        advice=f"{count} usable points for {len(model.free)} parameters; measure at least "
        f"{_FEWEST_POINTS_PER_PARAMETER} per parameter",
    )
    size = len(model.free)
    return DisorderFit(
        parameters={name: Estimate(value=math.nan, verdict=verdict) for name in model.free},
        fixed=dict(model.fixed),
        covariance=np.full((size, size), np.nan),
        correlation=np.full((size, size), np.nan),
        verdict=verdict,
        reduced_chi_square=math.nan,
        mean_square_misfit=math.nan,
        curves=tuple(
            CurveResiduals(
                curve=entry.curve,
                model=np.full(len(entry.curve), np.nan),
                residual=np.full(len(entry.curve), np.nan),
                weight=np.full(len(entry.curve), np.nan),
                left_out=entry.left_out,
            )
            for entry in points
        ),
        alternatives=(),
        starts=(),
        systematic_shifts={},
        conventions=tuple(_sentences(model, options)),
        options=options,
        model=model,
        minimum=None,
    )
