"""The level of a source meter, moved no faster than allowed; and how long a reading takes."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from instruments.roles import SourceMeter
from procedures.base import USUAL_LINE_FREQUENCY, Surroundings

APERTURES_PER_READING = 4  # auto-zero and both quantities sensed: the 2400's manual, and benches agree
MESSAGE_TIME = 0.03  # [s] a point on GPIB, besides its apertures
MOVE_INTERVAL = 0.05  # [s] between the steps of a slow move


def reading_time(power_line_cycles: float, filter_count: int) -> float:
    """About how long the source meter takes for one reading [s]."""
    aperture = power_line_cycles / USUAL_LINE_FREQUENCY
    return APERTURES_PER_READING * aperture * filter_count + MESSAGE_TIME


@dataclass(kw_only=True)
class VoltageLevel:
    """Moves the voltage on the injecting contact [V] within the allowed slew [V/s] and step [V]."""

    source: SourceMeter
    wait: Callable[[float], None]
    slew: float
    step: float
    polarity: int
    level: float = 0.0

    @classmethod
    def of(cls, source: SourceMeter, surroundings: Surroundings) -> "VoltageLevel":
        """The level of a source within what its surroundings allow."""
        return cls(
            source=source,
            wait=(surroundings.waiting or surroundings.bench.clock).wait,
            slew=surroundings.allowed_slew,
            step=surroundings.allowed_step,
            polarity=surroundings.device.polarity,
        )

    def start(self) -> None:
        """Switch on at 0 V."""
        self.source.voltage = 0.0
        self.source.switch_on()

    def move_to(self, voltage: float) -> None:
        distance = voltage - self.level
        largest = self.step if math.isinf(self.slew) else min(self.step, self.slew * MOVE_INTERVAL)
        steps = 1 if math.isinf(largest) else max(1, math.ceil(abs(distance) / largest - 1e-9))
        start = self.level
        for index in range(1, steps + 1):
            if math.isfinite(self.slew):
                self.wait(abs(distance) / steps / self.slew)
            target = voltage if index == steps else start + distance * index / steps
            self.source.voltage = self.polarity * target
            self.level = target
