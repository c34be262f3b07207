"""Lists of set points: linear, logarithmic, shuffled by a written-down seed."""

import math
import random
from collections.abc import Sequence
from typing import TypeVar

MAXIMUM_POINTS = 100_000

T = TypeVar("T")


def linear_points(start: float, stop: float, step: float) -> list[float]:
    """Values from `start` to `stop` inclusive, `step` apart; the sign of `step` does not matter.

    Examples
    --------
    >>> linear_points(4.0, 5.5, 0.5)
    [4.0, 4.5, 5.0, 5.5]
    >>> linear_points(0.2, 0.0, 0.1)
    [0.2, 0.1, 0.0]
    """
    if step == 0 or not math.isfinite(step):
        raise ValueError(f"step {step:g} gives no list of points; make it other than zero")
    intervals = abs(stop - start) / abs(step)
    count = math.floor(intervals + 1e-9) + 1
    _require_sensible(count)
    signed = math.copysign(step, stop - start)
    return [_tidy(start + index * signed) for index in range(count)]


def evenly_spaced_points(start: float, stop: float, points: int) -> list[float]:
    """As many values as asked for, from `start` to `stop` inclusive."""
    _require_sensible(points)
    if points == 1:
        return [start]
    return [_tidy(start + (stop - start) * index / (points - 1)) for index in range(points)]


def logarithmic_points(start: float, stop: float, points_per_decade: float) -> list[float]:
    """Values from `start` to `stop` inclusive with equal ratios, at least this many to a decade.

    Examples
    --------
    >>> logarithmic_points(1.0, 100.0, 1)
    [1.0, 10.0, 100.0]
    """
    if not start * stop > 0:
        raise ValueError(
            f"a logarithmic list from {start:g} to {stop:g} would pass zero; start and stop need one sign"
        )
    if not points_per_decade > 0:
        raise ValueError(f"points_per_decade {points_per_decade:g}: it must be above zero")
    decades = math.log10(stop / start)
    intervals = max(1, math.ceil(abs(decades) * points_per_decade - 1e-9))
    _require_sensible(intervals + 1)
    ratios = (10 ** (decades * index / intervals) for index in range(intervals + 1))
    return [float(f"{start * ratio:.6g}") for ratio in ratios]


def shuffled(points: Sequence[T], *, seed: int | str) -> list[T]:
    """The same points in a random order that the seed fixes for ever."""
    order = list(points)
    random.Random(seed).shuffle(order)
    return order


def _tidy(value: float) -> float:
    """Twelve digits: 0.3 V, not 0.30000000000000004 V."""
    return float(f"{value:.12g}")


def _require_sensible(count: int) -> None:
    if not 1 <= count <= MAXIMUM_POINTS:
        raise ValueError(f"{count} points; ask for 1 to {MAXIMUM_POINTS}")
