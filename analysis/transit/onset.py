"""Light against pulse width with its whole onset: the asymptote's intercept, free of the curvature before it.

Carriers that arrive after a time T emit for the rest of the pulse, so the light per pulse is b E[(w - T)+],
whose asymptote b (w - τ_d) has the mean arrival time τ_d as its intercept. A straight line through long
pulses sits on the rest of the onset's curvature, which no lack-of-fit test sees in noise: with arrival times
spread by half, most 95 % intervals of such lines miss the truth. Here the arrival times are spread
log-normally, or rise exponentially after a dead time, with a relative width between none and
`LARGEST_DISPERSION`; the interval of τ_d holds every value that *some* of these makes compatible with the
data. Where the data know the onset it is narrow, where they do not it covers them all.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit

from analysis.curves import FloatArray

LARGEST_DISPERSION = 0.6
"""Largest standard deviation of ln(arrival time) considered [1]."""

Onset = Literal["log-normal", "exponential"]

OFFSET_DRIFT = 0.02
"""Standard deviation of a linear drift of the background over a series, relative to the largest light [1]."""

_LARGEST_TAIL = (
    0.5  # of an exponential rise, in delay times; at two of these it leaves as much as the log-normal
)
_SMALLEST_DISPERSION = 1e-6  # as sharp as no dispersion, without its kink
_FLOOR_RATIOS = np.geomspace(
    1e-3, 3.0, 12
)  # constant part of the noise against its part proportional to light
_ONSETS: tuple[Onset, ...] = ("log-normal", "exponential")
_ROUNDING = 1e-20  # relative variance below which noise is rounding
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, kw_only=True)
class OnsetFit:
    """An onset through a pulse-width series.

    Parameters
    ----------
    delay_time : intercept of the asymptote [s]
    standard_error : [s]
    confidence_interval : 95 % [s]; infinite limits where the data set none
    slope, slope_standard_error : of the asymptote [A s⁻¹]
    onset : which shape fits better
    dispersion : standard deviation of ln(arrival time), or the exponential part of the delay time [1]
    residual : (n,) light less model, in standard deviations of the noise [1]
    relative_scatter : root mean square of light less model, relative to the largest light [1]
    """

    delay_time: float
    standard_error: float
    confidence_interval: tuple[float, float]
    slope: float
    slope_standard_error: float
    onset: Onset
    dispersion: float
    residual: FloatArray
    relative_scatter: float


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """Weighted least squares in which everything but delay time and dispersion has been projected out.

    `projector` turns light into weighted light less the best background, of which each part is held by its
    prior standard deviation `held`; `scatter` is the variance per weight.
    """

    width: FloatArray
    light: FloatArray
    background: npt.NDArray[np.float64]  # (n, m): constant and drift, and the errors points share
    held: FloatArray  # (m,), infinite where it is free
    smoother: npt.NDArray[np.float64]  # (n, n): light less signal -> background
    projector: npt.NDArray[np.float64]
    projected_light: FloatArray
    total: float


def fit_onset(
    width: FloatArray,
    light: FloatArray,
    light_error: FloatArray | None = None,
    *,
    shared_error: FloatArray | None = None,
    with_background: bool,
) -> OnsetFit:
    """Fit delay time, slope and dispersion of the onset, and a drifting background if asked to.

    Parameters
    ----------
    width : (n,) in the order of measurement [s]; five points or more
    light : (n,) [A], not all zero
    light_error : (n,) standard errors [A]; smoothed over the series, since errors from a few readings are
        noisy
    shared_error : (k, n) errors that points have in common, a row for each cause [A]; each cause is a
        background known to be zero to within its row (generalised least squares)
    with_background : fit a constant and a linear drift of the background too

    Returns
    -------
    OnsetFit
    """
    unit = float(np.max(np.abs(light)))
    light, light_error = light / unit, None if light_error is None else light_error / unit
    shared = np.zeros((0, len(width))) if shared_error is None else shared_error / unit
    free = 5 if with_background else 3
    degrees = max(len(width) - free, 1)
    problem = _first_problem(width, light, with_background, shared)
    least = _refined_minimum(problem, _coarse_minimum(problem), reach=1.25, zooms=2)
    for _ in range(3):
        model = _model(problem, least)
        shape, scatter = _noise_law(light - model.total, model.signal, light_error, degrees)
        problem = _reweighted(problem, shape, scatter)
        least = _minimum_of(problem, least.delay, least.onset, reach=1.12, zooms=2)
    least = _refined_minimum(problem, least.delay, reach=1.12, zooms=6)
    model = _model(problem, least)
    scatter = max(least.chi_square / degrees, _ROUNDING if light_error is None else 1.0)
    delay_error, slope_error = _linear_errors(problem, least, model.slope, scatter)
    quantile = float(stdtrit(degrees, 0.975))
    interval = _profile_interval(problem, least, delay_error, quantile**2 * scatter)
    return OnsetFit(
        delay_time=least.delay,
        standard_error=delay_error,
        confidence_interval=interval,
        slope=model.slope * unit,
        slope_standard_error=slope_error * unit,
        onset=least.onset,
        dispersion=least.dispersion,
        residual=(light - model.total) / np.sqrt(shape * scatter),
        relative_scatter=float(np.sqrt(np.mean((light - model.total) ** 2))),
    )


def onset_light(
    width: FloatArray, delay_time: FloatArray, dispersion: FloatArray, onset: Onset = "log-normal"
) -> npt.NDArray[np.float64]:
    """Light per pulse for unit slope, E[(w - T)+] with arrival times T of mean `delay_time`: (k, n) [s].

    Parameters
    ----------
    width : (n,) [s]
    delay_time : (k,) [s]
    dispersion : (k,) above zero: standard deviation of ln T, or the exponential part of the delay time [1]
    onset : "log-normal", or "exponential": a dead time, then an exponential rise
    """
    tau, s = delay_time[:, None], dispersion[:, None]
    u = width / tau
    if onset == "exponential":
        since = np.maximum(u - (1 - s), 0.0)
        light: npt.NDArray[np.float64] = tau * (since + s * np.expm1(-since / s))
        return light
    d = np.log(u) / s
    return tau * (u * ndtr(d + s / 2) - ndtr(d - s / 2))


def _first_problem(
    width: FloatArray, light: FloatArray, with_background: bool, shared: FloatArray
) -> _Problem:
    largest = float(np.max(np.abs(light)))
    parts, held = list(shared), [1.0] * len(shared)
    if with_background:
        order = np.linspace(-0.5, 0.5, len(width))
        parts = [np.ones(len(width)), order, *parts]
        held = [math.inf, OFFSET_DRIFT * largest, *held]
    empty = _Problem(
        width=width,
        light=light,
        background=np.array(parts).reshape(len(parts), len(width)).T.copy(),
        held=np.array(held),
        smoother=np.zeros((0, 0)),
        projector=np.zeros((0, 0)),
        projected_light=light,
        total=0.0,
    )
    return _reweighted(empty, light**2 + (0.05 * largest) ** 2, 1e-4)


def _reweighted(problem: _Problem, shape: FloatArray, scatter: float) -> _Problem:
    """The problem with noise of variance `scatter * shape`; the background is held by its prior."""
    weight, z, light = 1 / shape, problem.background, problem.light
    smoother = np.zeros((len(light), len(light)))
    if z.shape[1]:
        normal = (z.T * weight) @ z + np.diag(scatter / problem.held**2)
        smoother = z @ np.linalg.solve(normal, z.T * weight)
    projector = weight[:, None] * (np.eye(len(light)) - smoother)
    projected = projector @ light
    return replace(
        problem,
        smoother=smoother,
        projector=projector,
        projected_light=projected,
        total=float(light @ projected),
    )


def _chi_square(problem: _Problem, delay: FloatArray, dispersion: FloatArray, onset: Onset) -> FloatArray:
    """Weighted sum of squares at (k,) delay times and dispersions, slope and background at their best."""
    g = onset_light(problem.width, delay, dispersion, onset)
    overlap = g @ problem.projected_light
    norm = np.einsum("kn,kn->k", g @ problem.projector, g)
    explained = np.where(overlap > 0, overlap**2 / np.maximum(norm, 1e-300), 0.0)
    return problem.total - explained


def _profile(problem: _Problem, delay: FloatArray, onset: Onset) -> tuple[FloatArray, FloatArray]:
    """Least sum of squares over the dispersion at each delay time, and that dispersion.

    Golden sections find the valley, parabolas its bottom: precise data know the dispersion to 1e-4.
    """

    def at(dispersion: FloatArray) -> FloatArray:
        return _chi_square(problem, delay, dispersion, onset)

    largest = LARGEST_DISPERSION if onset == "log-normal" else _LARGEST_TAIL
    low, high = np.full(len(delay), _SMALLEST_DISPERSION), np.full(len(delay), largest)
    inner, outer = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_inner, at_outer = at(inner), at(outer)
    for _ in range(6):
        left = at_inner < at_outer
        low, high = np.where(left, low, inner), np.where(left, outer, high)
        fresh = np.where(left, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        at_fresh = at(fresh)
        inner, outer = np.where(left, fresh, outer), np.where(left, inner, fresh)
        at_inner, at_outer = np.where(left, at_fresh, at_outer), np.where(left, at_inner, at_fresh)
    dispersion, lowest = np.where(at_inner < at_outer, inner, outer), np.minimum(at_inner, at_outer)
    for edge in (_SMALLEST_DISPERSION, largest):
        there = at(np.full(len(delay), edge))
        dispersion, lowest = np.where(there < lowest, edge, dispersion), np.minimum(there, lowest)
    step = 0.5 * (high - low)
    for _ in range(2):
        below = np.clip(dispersion - step, _SMALLEST_DISPERSION, largest - 2 * step)
        left_value, middle, right_value = at(below), at(below + step), at(below + 2 * step)
        curvature = left_value - 2 * middle + right_value
        shift = np.where(
            curvature > 0, 0.5 * (left_value - right_value) / np.where(curvature > 0, curvature, 1), 0
        )
        vertex = np.clip(below + step * (1 + shift), _SMALLEST_DISPERSION, largest)
        there = at(vertex)
        dispersion, lowest = np.where(there < lowest, vertex, dispersion), np.minimum(there, lowest)
        step = step / 8
    return lowest, dispersion


def _coarse_minimum(problem: _Problem) -> float:
    """The delay time of least misfit on a coarse grid."""
    longest = problem.width.max()
    delays = np.geomspace(min(0.5 * problem.width.min(), 0.01 * longest), 0.9 * longest, 50)
    dispersions = np.array([0.02, 0.15, 0.3, 0.45, 0.6])
    pairs = np.array([(tau, s) for tau in delays for s in dispersions])
    return float(pairs[int(np.argmin(_chi_square(problem, pairs[:, 0], pairs[:, 1], "log-normal"))), 0])


@dataclass(frozen=True, kw_only=True)
class _Minimum:
    delay: float
    dispersion: float
    onset: Onset
    chi_square: float


def _refined_minimum(problem: _Problem, near: float, *, reach: float, zooms: int) -> _Minimum:
    """The better onset's minimum, within a factor `reach` of a delay time."""
    minima = (_minimum_of(problem, near, onset, reach=reach, zooms=zooms) for onset in _ONSETS)
    return min(minima, key=lambda one: one.chi_square)


def _minimum_of(problem: _Problem, near: float, onset: Onset, *, reach: float, zooms: int) -> _Minimum:
    grid = near * np.geomspace(1 / reach, reach, 13)
    for _ in range(zooms):
        lowest, dispersion = _profile(problem, grid, onset)
        best = int(np.argmin(lowest))
        found = _Minimum(
            delay=float(grid[best]),
            dispersion=float(dispersion[best]),
            onset=onset,
            chi_square=float(lowest[best]),
        )
        below, above = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        grid = np.linspace(below, above, 9)
    return found


@dataclass(frozen=True, kw_only=True)
class _Model:
    slope: float
    signal: FloatArray  # without background
    total: FloatArray


def _model(problem: _Problem, least: _Minimum) -> _Model:
    g = onset_light(problem.width, np.array([least.delay]), np.array([least.dispersion]), least.onset)[0]
    slope = float(g @ problem.projected_light) / max(float(g @ problem.projector @ g), 1e-300)
    signal = slope * g
    return _Model(slope=slope, signal=signal, total=signal + problem.smoother @ (problem.light - signal))


def _noise_law(
    residual: FloatArray, signal: FloatArray, light_error: FloatArray | None, degrees: int
) -> tuple[FloatArray, float]:
    """Variance of each point as ``scatter * shape``, with shape = signal² + (q max signal)².

    The ratio q is the likeliest for the residuals, or the best for given errors, which are smoothed by it;
    with few points given errors are kept as they are.
    """
    if light_error is not None and len(residual) < 8:
        return light_error**2, 1.0
    shapes = signal**2 + (_FLOOR_RATIOS[:, None] * np.max(np.abs(signal))) ** 2
    if light_error is not None:
        difference = np.log(light_error**2) - np.log(shapes)
        best = int(np.argmin(np.var(difference, axis=1)))
        return shapes[best] * float(np.mean(light_error**2 / shapes[best])), 1.0
    squares = np.sum(residual**2 / shapes, axis=1) + _ROUNDING
    best = int(np.argmin(np.sum(np.log(shapes), axis=1) + len(residual) * np.log(squares)))
    return shapes[best], float(squares[best]) / degrees


def _linear_errors(problem: _Problem, least: _Minimum, slope: float, scatter: float) -> tuple[float, float]:
    """Standard errors of delay time and slope from the curvature at the minimum."""
    step, delay = 1e-4 * least.delay, least.delay
    spread = min(max(least.dispersion, 0.05), _LARGEST_TAIL)

    def light(tau: float, s: float) -> FloatArray:
        return onset_light(problem.width, np.array([tau]), np.array([s]), least.onset)[0]

    jacobian = np.stack(
        [
            slope * (light(delay + step, spread) - light(delay - step, spread)) / (2 * step),
            light(delay, spread),
            slope * (light(delay, spread + 1e-3) - light(delay, spread - 1e-3)) / 2e-3,
        ],
        axis=1,
    )
    covariance = np.linalg.pinv(jacobian.T @ problem.projector @ jacobian, hermitian=True) * scatter
    return math.sqrt(max(covariance[0, 0], 0.0)), math.sqrt(max(covariance[1, 1], 0.0))


def _profile_interval(
    problem: _Problem, least: _Minimum, standard_error: float, threshold: float
) -> tuple[float, float]:
    """Delay times at which the profile has risen by `threshold`; infinite where it never does."""
    delay = least.delay
    if not threshold > 0:
        return delay, delay
    unit = min(max(standard_error, 1e-4 * delay), 0.3 * delay)
    steps = unit * np.array([0.5, 1.0, 1.4, 1.7, 2.0, 2.4, 2.8, 3.3, 4.0, 6.0, 10.0, 20.0, 50.0])
    limits = []
    for sign in (-1.0, 1.0):
        delays = delay + sign * steps
        delays = delays[(delays > 1e-3 * delay) & (delays < 2 * problem.width.max())]
        lowest = np.minimum(*(_profile(problem, delays, onset)[0] for onset in _ONSETS))
        rise = np.sqrt(np.maximum(lowest - least.chi_square, 0.0) / threshold)
        beyond = np.flatnonzero(rise > 1)
        if len(beyond) == 0:
            limits.append(sign * math.inf)
            continue
        first = int(beyond[0])
        inner, below = (delay, 0.0) if first == 0 else (float(delays[first - 1]), float(rise[first - 1]))
        limits.append(inner + (float(delays[first]) - inner) * (1 - below) / (float(rise[first]) - below))
    return limits[0], limits[1]
