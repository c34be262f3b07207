"""From one temperature to the next: ramp, settle, soak; stable means the sensor and a probe current."""

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

from instruments.roles import Clock, TemperatureController

TimeOutPolicy = Literal["skip", "wait", "stop"]
Phase = Literal["ramping", "settling", "probing", "soaking", "stable", "timed out"]


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
    timeout : to reach stability once the ramp is over [s]
    probe_tolerance : relative change between two probe currents that counts as settled [1]
    probe_interval : between them [s]
    """

    tolerance: float = 0.1
    standard_deviation: float = 0.05
    window: float = 60.0
    interval: float = 2.0
    soak: float = 0.0
    timeout: float = 3600.0
    probe_tolerance: float = 0.01
    probe_interval: float = 30.0

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
        if not full or self.distance >= self._rule.tolerance:
            return False
        return self._standard_deviation() < self._rule.standard_deviation

    def _standard_deviation(self) -> float:
        """In floats: `statistics.stdev` computes with fractions, which a night of readings feels."""
        mean = fmean(self._readings)
        squares = sum((temperature - mean) ** 2 for temperature in self._readings)
        return math.sqrt(squares / (len(self._readings) - 1))


@dataclass(frozen=True, kw_only=True)
class Settling:
    """Where a temperature is on its way: phase, stage temperature [K], distance to the set point [K]."""

    phase: Phase
    setpoint: float
    stage_temperature: float
    distance: float

    def __str__(self) -> str:
        if self.phase == "ramping":
            return f"ramping to {self.setpoint:g} K, {self.distance:.1f} K to go"
        if self.phase == "settling":
            return f"settling at {self.setpoint:g} K, {self.distance:.2f} K to go"
        return f"{self.phase} at {self.setpoint:g} K"


def settle(
    controller: TemperatureController,
    clock: Clock,
    rule: StabilityRule,
    setpoint: float,
    *,
    ramp_rate: float,
    probe: Callable[[], float] | None = None,
) -> Iterator[Settling]:
    """Ramp to a set point and wait until it is stable: one step a reading, the last one tells the outcome.

    A loss of stability while probing or soaking starts the wait again. The time-out counts from the expected
    end of the ramp.

    Parameters
    ----------
    controller, clock : the bench's
    rule : what stable means
    setpoint : [K]
    ramp_rate : [K/s]
    probe : measures a small current through the device [A]; None where the sensor alone decides
    """
    start = controller.stage_temperature
    controller.ramp_to(setpoint, rate=ramp_rate)
    ramp_end = clock.monotonic() + abs(setpoint - start) / ramp_rate
    deadline = ramp_end + rule.timeout
    window = StabilityWindow(rule, setpoint)
    probed: float | None = None
    settled_since: float | None = None
    next_probe = 0.0
    while True:
        clock.wait(rule.interval)
        temperature = controller.stage_temperature
        window.add(temperature)
        now = clock.monotonic()

        def at(phase: Phase, temperature: float = temperature) -> Settling:
            distance = abs(temperature - setpoint)
            return Settling(phase=phase, setpoint=setpoint, stage_temperature=temperature, distance=distance)

        if now > deadline:
            yield at("timed out")
            return
        if now < ramp_end:
            yield at("ramping")
            continue
        if not window.is_stable:
            probed, settled_since = None, None
            yield at("settling")
            continue
        if probe is not None and settled_since is None:
            if now < next_probe:
                yield at("probing")
                continue
            current, before = probe(), probed
            probed, next_probe = current, now + rule.probe_interval
            # a current that could not be read is NaN, which has not settled either
            if before is None or not abs(current - before) <= rule.probe_tolerance * abs(current):
                yield at("probing")
                continue
        if settled_since is None:
            settled_since = now
        if now - settled_since < rule.soak:
            yield at("soaking")
            continue
        yield at("stable")
        return
