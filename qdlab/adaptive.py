"""What makes a TEL series adaptive: when its delay time is known well enough, and which width is next.

`procedures` asks two Protocols, here they are filled from the analysis.
"""

from collections.abc import Sequence

import numpy as np

from analysis.curves import FloatArray, TELSeries
from analysis.transit import DelayFit, fit_delay_time
from procedures.base import BenchProcedure, MeasuredLight, NextPoint, StopRule
from procedures.tel_series import TELSeriesMeasurement

Measured = Sequence[tuple[float, ...]]


class DelayTimeKnown:
    """Whether the 95 % interval of the delay time reaches no further than asked to either side [s]."""

    def __init__(self, precision: float) -> None:
        self._precision = precision

    def __call__(self, measured: Measured) -> bool:
        delay = fit_measured(measured).delay_time
        if not delay.verdict.is_good or delay.confidence_interval is None:
            return False
        low, high = delay.confidence_interval
        return max(high - delay.value, delay.value - low) <= self._precision


class ShortensInterval:
    """The width at which one more reading shortens the intercept's interval most.

    Among the widths beyond two delay times, on the straight line through them: with n readings, their mean
    width and the sum of squares S about it, the intercept's variance goes as 1/n + (mean - intercept)²/S.
    """

    def __init__(self, widths: Sequence[float]) -> None:
        self._widths = sorted(set(widths))

    def __call__(self, measured: Measured) -> float | None:
        delay = fit_measured(measured).delay_time.value
        straight = [width for width in self._widths if width >= 2 * delay]
        if len(straight) < 2:
            return self._least_measured(measured)
        read = np.array([width for width, *_ in measured if width >= 2 * delay])
        return min(straight, key=lambda width: _intercept_variance(np.append(read, width), delay))

    def _least_measured(self, measured: Measured) -> float:
        counts = [sum(width == read for read, *_ in measured) for width in self._widths]
        return self._widths[counts.index(min(counts))]


def rules_for(procedure: BenchProcedure) -> tuple[NextPoint | None, StopRule | None]:
    """What a procedure asks while it measures; nothing for those that follow their list."""
    if not isinstance(procedure, TELSeriesMeasurement):
        return None, None
    widths = (*procedure.pulse_widths, *procedure.extension_widths)
    precision = procedure.intercept_precision
    return ShortensInterval(widths), None if precision is None else DelayTimeKnown(precision)


def _intercept_variance(width: np.ndarray, delay: float) -> float:
    """In units of the reading's variance over the squared slope [1]."""
    spread = float(np.sum((width - width.mean()) ** 2))
    return 1 / len(width) + (float(width.mean()) - delay) ** 2 / spread if spread > 0 else np.inf


def fit_measured(measured: Measured) -> DelayFit:
    """Delay time from the points so far, each a `MeasuredLight` or its first three."""
    readings = [MeasuredLight(*one) for one in measured]
    width, light, error, dark, pickup = (np.array(column) for column in zip(*readings, strict=True))
    known = np.all(np.isfinite(error)) and np.all(error > 0)
    return fit_delay_time(
        TELSeries(
            pulse_width=width,
            light_current=light,
            light_current_error=error if known else None,
            shared_error=_shared_error(width, dark, pickup),
            pulse_amplitude=1.0,
            temperature=1.0,
        )
    )


def _shared_error(width: FloatArray, dark: FloatArray, pickup: FloatArray) -> FloatArray | None:
    """(k, n) what points have in common [A]: all of them the dark reading, those of one width the pickup."""
    causes = [dark, *(np.where(width == one, pickup, 0.0) for one in np.unique(width))]
    rows = [row for row in causes if np.any(row)]
    return np.array(rows) if rows else None
