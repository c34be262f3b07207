"""Several measured values of one quantity: their mean, and the spread that their own errors do not explain.

The random-effects model: each value is the common mean, plus its own departure (standard deviation
`between`), plus the error of its measurement (its standard error). The departures' variance is the maximum
of the restricted likelihood (REML; Viechtbauer, J. Educ. Behav. Stat. 30, 261 (2005)), its interval the
variances under which the weighted scatter is no surprise (Q profile; Viechtbauer, Stat. Med. 26, 37
(2007)), and the mean's error follows the scatter found (Knapp and Hartung, Stat. Med. 22, 2693 (2003)).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtri, stdtrit

from analysis.curves import FloatArray, read_only
from analysis.estimate import GOOD, Estimate, Verdict

_SEARCH = 400
"""Variances tried before the best one is refined."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Mean and spread of values that each have an error of their own.

    Parameters
    ----------
    values, standard_errors : (n,) as given
    mean : with its standard error and 95 % interval (Student's, n - 1 degrees of freedom)
    between : standard deviation of what the errors do not explain, with its 95 % interval; zero where they
        explain all of it
    within : the error of one value, typical of them all (the root of Higgins and Thompson's variance)
    share : part of the variance of one value that is between, not error [1]
    verdict : whether the two can be told apart
    """

    values: FloatArray
    standard_errors: FloatArray
    mean: Estimate
    between: Estimate
    within: float
    share: float
    verdict: Verdict

    def __len__(self) -> int:
        return len(self.values)


def fit_spread(values: Any, standard_errors: Any) -> Spread:
    """Tell the spread between values from the uncertainty of each.

    Parameters
    ----------
    values : (n,) finite, n >= 2
    standard_errors : (n,) of each, above zero, in the same unit

    Returns
    -------
    Spread

    Raises
    ------
    ValueError
        For fewer than two values, values that are not finite, or errors that are not above zero.

    Examples
    --------
    >>> found = fit_spread([9.0, 10.0, 11.0], [0.1, 0.1, 0.1])
    >>> round(found.mean.value, 9), round(found.between.value, 3)
    (10.0, 0.995)
    """
    values, errors = read_only(values, "values"), read_only(standard_errors, "standard_errors")
    if len(values) != len(errors):
        raise ValueError(f"{len(values)} values have {len(errors)} standard errors; each needs its own")
    if len(values) < 2:
        raise ValueError("a spread needs two values or more")
    if not np.all(np.isfinite(values)):
        raise ValueError("values hold some that are not finite; leave those out")
    if not np.all(np.isfinite(errors) & (errors > 0)):
        raise ValueError("standard_errors hold some that are not above zero; leave those values out")
    # in units of the smallest error, so that variances are neither tiny nor huge
    unit = float(errors.min())
    y, v = (values - values.mean()) / unit, (errors / unit) ** 2
    between = _most_likely(y, v)
    low, high = _interval(y, v)
    within = math.sqrt(_typical(v))
    share = between / (between + within**2)
    verdict = _verdict(len(values), low, high)
    return Spread(
        values=values,
        standard_errors=errors,
        mean=_mean(values, y, v, between, unit),
        between=Estimate(
            value=unit * math.sqrt(between),
            confidence_interval=(unit * math.sqrt(low), unit * math.sqrt(high)),
            verdict=verdict,
        ),
        within=unit * within,
        share=share,
        verdict=verdict,
    )


def _verdict(count: int, low: float, high: float) -> Verdict:
    if low > 0:
        return GOOD
    if high == 0:
        advice = f"The {count} values agree better than their errors let expect; the errors may be too large."
    else:
        advice = (
            "The errors alone can explain the scatter; only the upper limit of the spread means something."
        )
    return Verdict(word="undecided", advice=advice)


def _mean(values: FloatArray, y: FloatArray, v: FloatArray, between: float, unit: float) -> Estimate:
    weight = 1 / (v + between)
    mean = float((weight * y).sum() / weight.sum())
    freedom = len(y) - 1
    scatter = float((weight * (y - mean) ** 2).sum()) / freedom
    # never below what the errors alone say: two values may agree by chance
    error = unit * math.sqrt(max(scatter, 1.0) / weight.sum())
    centre = float(values.mean()) + unit * mean
    reach = float(stdtrit(freedom, 0.975)) * error
    return Estimate(value=centre, standard_error=error, confidence_interval=(centre - reach, centre + reach))


def _excess(between: float, y: FloatArray, v: FloatArray) -> float:
    """The weighted sum of squares under a variance between; falls with it from Cochran's Q to zero."""
    weight = 1 / (v + between)
    mean = (weight * y).sum() / weight.sum()
    return float((weight * (y - mean) ** 2).sum())


def _likelihood(between: float, y: FloatArray, v: FloatArray) -> float:
    """Twice the restricted log-likelihood, but for a constant."""
    weight = 1 / (v + between)
    return float(np.log(weight).sum() - math.log(weight.sum())) - _excess(between, y, v)


def _slope(between: float, y: FloatArray, v: FloatArray) -> float:
    """Derivative of the restricted log-likelihood in the variance, by the largest weight squared."""
    weight = 1 / (v + between)
    mean = (weight * y).sum() / weight.sum()
    derivative = (weight**2 * (y - mean) ** 2).sum() - weight.sum() + (weight**2).sum() / weight.sum()
    return float(derivative / weight.max() ** 2)


def _most_likely(y: FloatArray, v: FloatArray) -> float:
    """The variance between at the highest restricted likelihood, which may have several maxima."""
    largest = float(len(y) * np.ptp(y) ** 2 + v.max())
    grid = np.concatenate([[0.0], np.geomspace(1e-6, largest, _SEARCH)])
    best = int(np.argmax([_likelihood(variance, y, v) for variance in grid]))
    if best == 0:
        return 0.0
    low, high = float(grid[best - 1]), float(grid[min(best + 1, len(grid) - 1)])
    if _slope(low, y, v) > 0 > _slope(high, y, v):
        return _root(lambda variance: _slope(variance, y, v), low, high)
    return float(grid[best])


def _interval(y: FloatArray, v: FloatArray) -> tuple[float, float]:
    """The variances between under which the scatter lies inside its central 95 %."""
    freedom = len(y) - 1
    low, high = (_where_excess_is(float(chdtri(freedom, upper_tail)), y, v) for upper_tail in (0.025, 0.975))
    return low, high


def _where_excess_is(wanted: float, y: FloatArray, v: FloatArray) -> float:
    if _excess(0.0, y, v) <= wanted:
        return 0.0
    high = float(v.max())
    while _excess(high, y, v) > wanted:
        high *= 4
    return _root(lambda variance: _excess(variance, y, v) - wanted, 0.0, high)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    from scipy.optimize import brentq  # 0.2 s that a window need not wait for

    return float(brentq(function, low, high, xtol=1e-12, rtol=1e-12))


def _typical(v: FloatArray) -> float:
    """Higgins and Thompson (Stat. Med. 21, 1539 (2002)): the variance that all values might have."""
    weight = 1 / v
    return float((len(v) - 1) * weight.sum() / (weight.sum() ** 2 - (weight**2).sum()))
