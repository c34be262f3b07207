"""Run a fresh device in: hold it at a voltage and watch the current until it no longer moves."""

import math
from collections.abc import Iterator
from typing import ClassVar

from instruments.limits import Demand
from procedures import columns
from procedures.base import (
    BenchProcedure,
    ConnectedDevice,
    Cost,
    PointKey,
    Problem,
    Quantity,
    Row,
    SourceRole,
)
from procedures.voltage_level import VoltageLevel, reading_time


class Conditioning(BenchProcedure):
    """Hold a voltage for a duration, reading the current at intervals; end before that once it is stable.

    A current that the compliance limits is as steady as the source, and says nothing of the device.
    """

    kind: ClassVar[str] = "conditioning"
    file_name: ClassVar[str] = "Conditioning"
    roles: ClassVar[tuple[str, ...]] = ("source_meter",)
    source: ClassVar[SourceRole | None] = "source_meter"
    result_column: ClassVar[str] = columns.CONDITIONING_CURRENT
    resumable: ClassVar[bool] = False

    DATA_COLUMNS = [
        columns.ELAPSED,
        columns.CONDITIONING_VOLTAGE,
        columns.CONDITIONING_CURRENT,
        *columns.TEMPERATURES,
    ]

    voltage = Quantity("Voltage", "V", default=1.0)
    duration = Quantity("Duration", "s", default=600.0, above=0.0, maximum=7 * 86400.0)
    interval = Quantity("Interval", "s", default=5.0, above=0.0, maximum=3600.0)
    stability_tolerance = Quantity(
        "Stability tolerance", "1", above=0.0, maximum=1.0, description="Relative change over ten readings"
    )
    compliance_current = Quantity("Compliance current", "A", default=0.01, minimum=1e-9, maximum=1.05)
    power_line_cycles = Quantity("Power line cycles", "1", default=1.0, minimum=0.01, maximum=10.0)

    compared_readings: ClassVar[int] = 10

    def problems(self, device: ConnectedDevice) -> Iterator[Problem]:
        if self.interval > self.duration:
            yield Problem(parameter="interval", message="is longer than duration; lower it")

    def demand(self, device: ConnectedDevice) -> Demand:
        return Demand(voltage=abs(self.voltage), current=self.compliance_current)

    def longest_dwell(self) -> float:
        return float(self.duration)

    def parameter_behind(self, limit: str) -> str:
        if limit in ("maximum_voltage", "maximum_field"):
            return "voltage"
        return "duration" if limit == "maximum_dwell" else "compliance_current"

    def cost(self, device: ConnectedDevice) -> Cost:
        current = self.compliance_current
        if device.typical_current is not None:
            current = min(current, abs(device.typical_current(self.voltage)))
        charge = current * self.duration
        return Cost(
            points=math.ceil(self.duration / self.interval),
            duration=self.duration,
            charge=charge,
            energy=charge * abs(self.voltage),
        )

    @classmethod
    def point_key(cls, row: Row) -> PointKey:
        return (row[columns.ELAPSED],)

    def startup(self) -> None:
        self.source_meter.configure(
            compliance_current=self.compliance_current,
            maximum_voltage=abs(self.voltage),
            power_line_cycles=self.power_line_cycles,
        )

    def execute(self) -> None:
        level = VoltageLevel.of(self.source_meter, self.surroundings)
        level.start()
        level.move_to(self.voltage)
        began = self.clock.monotonic()
        currents: list[float] = []
        while (elapsed := self.clock.monotonic() - began) < self.duration:
            currents.append(self._read(elapsed))
            if self.should_stop() or self._is_stable(currents):
                break
            self.clock.wait(max(self.interval - reading_time(self.power_line_cycles, 1), 0.0))
        level.move_to(0.0)

    def _read(self, elapsed: float) -> float:
        """Record the current; gives it, or NaN where it is not the device's own [A]."""
        reading = self.source_meter.read_point()
        current = self.device.polarity * reading.current
        self.record(
            {
                columns.ELAPSED: elapsed,
                columns.CONDITIONING_VOLTAGE: self.voltage,
                columns.CONDITIONING_CURRENT: current,
            },
            reading.flags,
        )
        return math.nan if reading.flags & {"compliance", "range-compliance"} else current

    def _is_stable(self, currents: list[float]) -> bool:
        if self.stability_tolerance is None or len(currents) < self.compared_readings:
            return False
        recent = currents[-self.compared_readings :]
        if not all(map(math.isfinite, recent)):
            return False
        stable = max(recent) - min(recent) <= self.stability_tolerance * abs(recent[-1])
        if stable:
            self.end_early(f"stable to {self.stability_tolerance:g} over {self.compared_readings} readings")
        return stable
