"""A weighted straight line with its covariance, and where it meets the axis."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit  # scipy.stats takes longer to load than a fit to run

from analysis.curves import FloatArray, read_only
from analysis.estimate import Estimate, Verdict


@dataclass(frozen=True, kw_only=True)
class StraightLineFit:
    """The line ``y = intercept + slope * x`` found by weighted least squares.

    Parameters
    ----------
    slope, intercept : in units of y/x and y
    covariance : (2, 2), of (intercept, slope) in that order
    residual : (n,) y minus the line
    degrees_of_freedom : n - 2; 0 for two points, and then nothing is known about the errors
    reduced_chi_square : against `y_error` where that was given; NaN otherwise or without degrees of freedom
    errors_known : whether `y_error` was given; otherwise the covariance is scaled by the residuals
    """

    slope: float
    intercept: float
    covariance: npt.NDArray[np.float64]
    residual: FloatArray
    degrees_of_freedom: int
    reduced_chi_square: float
    errors_known: bool

    @property
    def intercept_standard_error(self) -> float:
        return math.sqrt(self.covariance[0, 0])

    @property
    def slope_standard_error(self) -> float:
        return math.sqrt(self.covariance[1, 1])

    def at(self, x: Any) -> npt.NDArray[np.float64]:
        """The line's y at x."""
        return self.intercept + self.slope * np.asarray(x, dtype=np.float64)

    def quantile(self, confidence: float = 0.95) -> float:
        """Two-sided quantile that goes with the covariance: Student's where the scatter was estimated."""
        tail = 0.5 + confidence / 2
        degrees = math.inf if self.errors_known else self.degrees_of_freedom
        return float(stdtrit(degrees, tail)) if degrees > 0 else math.inf

    def x_intercept(self, confidence: float = 0.95) -> Estimate:
        """Where the line meets y = 0.

        The standard error is the delta method's; the interval is Fieller's (1954), which is asymmetric and
        becomes unbounded where the slope is not distinguishable from zero.

        Returns
        -------
        Estimate
            In units of x, with ``confidence_interval``; infinite limits and a verdict where it is unbounded.
        """
        a, b = self.intercept, self.slope
        (v_a, v_ab), (_, v_b) = self.covariance
        if b == 0:
            return Estimate(
                value=math.nan,
                confidence_interval=(-math.inf, math.inf),
                verdict=Verdict(word="not_identifiable", advice="The line is flat and never meets the axis."),
            )
        x0 = -a / b
        standard_error = math.sqrt(max(v_a + 2 * x0 * v_ab + x0**2 * v_b, 0.0)) / abs(b)
        interval = self._fieller_interval(confidence)
        bounded = all(math.isfinite(limit) for limit in interval)
        advice = "The slope is not distinguishable from zero, so the intercept's interval is unbounded."
        verdict = Verdict() if bounded else Verdict(word="not_identifiable", advice=advice)
        return Estimate(
            value=x0, standard_error=standard_error, confidence_interval=interval, verdict=verdict
        )

    def _fieller_interval(self, confidence: float) -> tuple[float, float]:
        """All x at which the line's y is compatible with zero: (a + b x)² <= t² var(a + b x)."""
        t = self.quantile(confidence)
        if not math.isfinite(t):
            return -math.inf, math.inf
        a, b = self.intercept, self.slope
        (v_a, v_ab), (_, v_b) = self.covariance
        quadratic, linear, constant = b**2 - t**2 * v_b, a * b - t**2 * v_ab, a**2 - t**2 * v_a
        if quadratic <= 0:
            return -math.inf, math.inf
        half_width = math.sqrt(max(linear**2 - quadratic * constant, 0.0)) / quadratic
        centre = float(-linear / quadratic)
        return centre - half_width, centre + half_width


def fit_straight_line(
    x: Any, y: Any, y_error: Any = None, *, relative_weight: Any = None, shared_error: Any = None
) -> StraightLineFit:
    """Fit a straight line by weighted least squares.

    Parameters
    ----------
    x, y : (n,) finite values, n >= 2, at least two distinct x
    y_error : (n,) standard errors of y, taken as known; None: the covariance is scaled by the residuals
    relative_weight : (n,) weights of which only the ratios are known; used where `y_error` is None
    shared_error : (k, n) errors that values of y have in common, a row for each cause; the line is the same,
        its covariance holds them too

    Returns
    -------
    StraightLineFit

    Raises
    ------
    ValueError
        For fewer than two distinct x, values that are not finite, or errors that are not above zero.

    Examples
    --------
    >>> line = fit_straight_line([1.0, 2.0, 3.0], [0.0, 2.0, 4.0])
    >>> round(line.slope, 9), round(line.x_intercept().value, 9)
    (2.0, 1.0)
    """
    x, y = read_only(x, "x"), read_only(y, "y")
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} and y {len(y)} values; they must be as many")
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise ValueError("x or y holds values that are not finite; drop those points first")
    if len(np.unique(x)) < 2:
        raise ValueError("a straight line needs at least two distinct x")
    weight = _weights(len(x), y_error, relative_weight)

    total = weight.sum()
    x_mean, y_mean = (weight * x).sum() / total, (weight * y).sum() / total
    centred = x - x_mean
    spread = (weight * centred**2).sum()
    slope = (weight * centred * (y - y_mean)).sum() / spread
    intercept = y_mean - slope * x_mean
    residual = y - intercept - slope * x

    def line_through(y: FloatArray) -> FloatArray:
        slope = (weight * centred * y).sum() / spread
        return np.array([(weight * y).sum() / total - slope * x_mean, slope])

    slope_variance = 1 / spread
    covariance = np.array(
        [
            [1 / total + x_mean**2 * slope_variance, -x_mean * slope_variance],
            [-x_mean * slope_variance, slope_variance],
        ]
    )
    degrees_of_freedom = len(x) - 2
    scatter = (weight * residual**2).sum() / degrees_of_freedom if degrees_of_freedom else math.nan
    errors_known = y_error is not None
    if not errors_known:
        covariance = covariance * scatter if degrees_of_freedom else np.zeros((2, 2))
    for error in () if shared_error is None else shared_error:
        moved = line_through(error)
        covariance = covariance + np.outer(moved, moved)
    covariance.setflags(write=False)
    return StraightLineFit(
        slope=float(slope),
        intercept=float(intercept),
        covariance=covariance,
        residual=read_only(residual, "residual"),
        degrees_of_freedom=degrees_of_freedom,
        reduced_chi_square=float(scatter) if errors_known else math.nan,
        errors_known=errors_known,
    )


def _weights(count: int, y_error: Any, relative_weight: Any) -> FloatArray:
    if y_error is None and relative_weight is None:
        return np.ones(count)
    name = "y_error" if y_error is not None else "relative_weight"
    given = read_only(y_error if y_error is not None else relative_weight, name)
    if len(given) != count:
        raise ValueError(f"{name} has {len(given)} values for {count} points")
    if not np.all(np.isfinite(given) & (given > 0)):
        raise ValueError(f"{name} holds values that are not above zero")
    return given**-2.0 if y_error is not None else given
