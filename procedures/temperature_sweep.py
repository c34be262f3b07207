"""From one temperature to the next: ramp, settle, soak, and what to do when it does not settle."""

import math
from collections import deque
from dataclasses import dataclass
from statistics import median, stdev
from typing import Literal

TimeOutPolicy = Literal["skip", "wait", "stop"]


@dataclass(frozen=True, kw_only=True)
class StabilityRule:
    """When a temperature counts as stable: over a window, median near the set point and small scatter.

    The rule of Lab::Measurement's stabiliser. A window does not take an overshoot for arrival.

    Parameters
    ----------
    tolerance : of the window's median from the set point [K]
    standard_deviation : of the window [K]
    window : [s]
    interval : between readings [s]
    soak : stay stable for this long before measuring [s]
    timeout : to reach stability [s]
    """

    tolerance: float = 0.1
    standard_deviation: float = 0.05
    window: float = 60.0
    interval: float = 2.0
    soak: float = 0.0
    timeout: float = 3600.0

    @property
    def readings(self) -> int:
        """How many readings fill the window."""
        return max(3, math.ceil(self.window / self.interval))


class StabilityWindow:
    """The last readings, and whether they are stable at a set point."""

    def __init__(self, rule: StabilityRule, setpoint: float) -> None:
        self._rule = rule
        self._setpoint = setpoint
        self._readings: deque[float] = deque(maxlen=rule.readings)

    def add(self, temperature: float) -> None:
        self._readings.append(temperature)

    @property
    def distance(self) -> float:
        """Median of the window from the set point [K]."""
        return abs(median(self._readings) - self._setpoint) if self._readings else math.inf

    @property
    def is_stable(self) -> bool:
        full = len(self._readings) == self._readings.maxlen
        return (
            full
            and self.distance < self._rule.tolerance
            and stdev(self._readings) < self._rule.standard_deviation
        )
