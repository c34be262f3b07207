"""Current against voltage, point by point or as one hardware sweep; stops at compliance and at breakdown."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from instruments.errors import InstrumentError
from instruments.limits import FASTEST_LINE, Demand
from instruments.roles import SourceReading
from procedures import columns
from procedures.base import (
    BenchProcedure,
    Choice,
    ConnectedDevice,
    Cost,
    Count,
    PointKey,
    Problem,
    Quantity,
    QuantityList,
    Row,
    SourceRole,
    Switch,
)
from procedures.voltage_level import VoltageLevel, reading_time

MOST_POINTS_OF_A_SWEEP = 2500  # the memory of a 2400


@dataclass(frozen=True, kw_only=True)
class JVPoint:
    """One point of a sweep: voltage on the injecting contact [V], +1 outwards or -1 back, repeat."""

    voltage: float
    direction: int
    repeat: int

    @property
    def key(self) -> PointKey:
        return (self.voltage, float(self.direction), float(self.repeat))


class JVSweep(BenchProcedure):
    """Sweep the voltage, measure the current, and come back to 0 V by the allowed slew.

    Voltages are positive on the injecting contact; the device's polarity turns them into what the terminals
    see. A point in compliance ends the sweep, unless told otherwise. So does a breakdown: a jump of the
    current that is still there when a lower voltage, measured before, is measured once more. The box's own
    sweep ends at compliance too, but is probed only once it is over.
    """

    kind: ClassVar[str] = "jv_sweep"
    file_name: ClassVar[str] = "JVSweep"
    roles: ClassVar[tuple[str, ...]] = ("source_meter",)
    source: ClassVar[SourceRole | None] = "source_meter"
    result_column: ClassVar[str] = columns.CURRENT

    DATA_COLUMNS = [
        columns.VOLTAGE,
        columns.MEASURED_VOLTAGE,
        columns.CURRENT,
        columns.CURRENT_DENSITY,
        columns.SWEEP_DIRECTION,
        columns.REPEAT,
        *columns.TEMPERATURES,
    ]

    voltages = QuantityList("Voltages", "V", description="Positive on the injecting contact; or give fields")
    fields = QuantityList("Fields", "V/m", description="Voltage over thickness, instead of voltages")
    direction = Choice("Direction", ("up", "down", "up_down"), default="up", description="Up is as listed")
    polarity = Choice(
        "Polarity",
        ("forward", "reverse", "both"),
        default="forward",
        description="Both: a loop, forward first",
    )
    repeats = Count("Repeats", default=1, minimum=1, maximum=1000)
    settling_time = Quantity("Settling time", "s", default=0.1, minimum=0.0, maximum=3600.0)
    settle_until_stable = Switch(
        "Settle until stable", default=False, description="Read until two readings agree within the tolerance"
    )
    stability_tolerance = Quantity("Stability tolerance", "1", default=0.01, above=0.0, maximum=1.0)
    maximum_settling_time = Quantity("Maximum settling time", "s", default=30.0, above=0.0, maximum=86400.0)
    power_line_cycles = Quantity("Power line cycles", "1", default=1.0, minimum=0.01, maximum=10.0)
    filter_count = Count("Filter count", default=1, minimum=1, maximum=100)
    current_range = Quantity(
        "Current range", "A", above=0.0, maximum=1.05, description="Fixed for the sweep; left out, automatic"
    )
    compliance_current = Quantity("Compliance current", "A", default=0.01, minimum=1e-9, maximum=1.05)
    compliance_current_density = Quantity(
        "Compliance current density",
        "A/m**2",
        above=0.0,
        description="The tighter of the two compliances holds",
    )
    hardware_sweep = Switch(
        "Hardware sweep",
        default=False,
        description="The source meter steps by itself; all points, then the rows",
    )
    stop_at_compliance = Switch("Stop at compliance", default=True)
    breakdown_factor = Quantity(
        "Breakdown factor",
        "1",
        default=20.0,
        above=1.0,
        description="Rise of the current between two points that calls for a probe at a lower voltage",
    )

    def points(self, device: ConnectedDevice) -> list[JVPoint]:
        """Every point in the order it is measured."""
        outward = self._outward_voltages(device)
        branches = {
            "forward": [outward],
            "reverse": [[-voltage for voltage in outward]],
            "both": [outward, [-voltage for voltage in outward]],
        }[self.polarity]
        points: list[JVPoint] = []
        for repeat in range(self.repeats):
            for branch in branches:
                if self.direction in ("up", "up_down"):
                    points += [JVPoint(voltage=v, direction=1, repeat=repeat) for v in branch]
                if self.direction in ("down", "up_down"):
                    points += [JVPoint(voltage=v, direction=-1, repeat=repeat) for v in reversed(branch)]
        return points

    def compliance(self, device: ConnectedDevice) -> float:
        """The compliance current that holds [A]: the tighter of current and current density times area."""
        if self.compliance_current_density is None:
            return self.compliance_current
        return min(float(self.compliance_current), float(self.compliance_current_density) * device.area)

    def problems(self, device: ConnectedDevice) -> Iterator[Problem]:
        if (self.voltages is None) == (self.fields is None):
            yield Problem(
                parameter="voltages", message="is needed, or fields in its place; give exactly one of the two"
            )
            return
        chosen = "voltages" if self.fields is None else "fields"
        values = self._outward_voltages(device)
        if not values:
            yield Problem(parameter=chosen, message="is empty; list at least one point")
        if len(set(values)) < len(values):
            twice = next(value for value in values if values.count(value) > 1)
            yield Problem(
                parameter=chosen,
                message=f"holds {twice:g} V twice; list each once, direction and repeats measure again",
            )
        if self.current_range is not None and self.current_range < self.compliance(device):
            yield Problem(
                parameter="current_range",
                message=f"{self.current_range:g} A is below the compliance of {self.compliance(device):g} A; "
                "raise the range or lower the compliance",
            )
        if self.hardware_sweep and self.settle_until_stable:
            yield Problem(
                parameter="hardware_sweep",
                message="cannot settle until stable; switch one of the two off",
            )
        points = len(self.points(device))
        if self.hardware_sweep and points > MOST_POINTS_OF_A_SWEEP:
            yield Problem(
                parameter=chosen,
                message=f"gives {points} points; one hardware sweep holds {MOST_POINTS_OF_A_SWEEP}",
            )

    def demand(self, device: ConnectedDevice) -> Demand:
        voltages = [point.voltage for point in self.points(device)]
        highest = max(map(abs, voltages), default=0.0)
        if not self.hardware_sweep or not voltages:
            return Demand(voltage=highest, current=self.compliance(device))
        # point by point we move within slew and step; the box by itself jumps from level to level
        steps = [abs(after - before) for before, after in pairwise(voltages)]
        duration = self.settling_time + self.power_line_cycles / FASTEST_LINE
        return Demand(
            voltage=highest,
            current=self.compliance(device),
            step=max([abs(voltages[0]), *steps]),
            slew=max(steps) / duration if steps else None,
        )

    def parameter_behind(self, limit: str) -> str:
        if limit in ("maximum_voltage", "maximum_field"):
            return "voltages" if self.fields is None else "fields"
        if limit in ("maximum_step", "maximum_slew"):
            return "hardware_sweep"
        if limit == "maximum_dwell":
            return "maximum_settling_time" if self.settle_until_stable else "settling_time"
        return (
            "compliance_current" if self.compliance_current_density is None else "compliance_current_density"
        )

    def longest_dwell(self) -> float:
        waiting = self.maximum_settling_time if self.settle_until_stable else self.settling_time
        return float(waiting + reading_time(self.power_line_cycles, self.filter_count))

    def cost(self, device: ConnectedDevice) -> Cost:
        points = self.points(device)
        dwell = self.settling_time + reading_time(self.power_line_cycles, self.filter_count)
        currents = [self._expected_current(point.voltage, device) for point in points]
        return Cost(
            points=len(points),
            duration=len(points) * dwell,
            charge=sum(currents) * dwell,
            energy=sum(i * abs(point.voltage) for i, point in zip(currents, points, strict=True)) * dwell,
        )

    @classmethod
    def point_key(cls, row: Row) -> PointKey:
        return (row[columns.VOLTAGE], row[columns.SWEEP_DIRECTION], row[columns.REPEAT])

    def startup(self) -> None:
        points = self.points(self.device)
        self.source_meter.configure(
            compliance_current=self.compliance(self.device),
            maximum_voltage=max(abs(point.voltage) for point in points),
            current_range=self.current_range,
            power_line_cycles=self.power_line_cycles,
            filter_count=self.filter_count,
        )

    def execute(self) -> None:
        points = self.points_left()
        if not points:
            return
        if self.hardware_sweep:
            self._sweep_in_hardware(points)
        else:
            self._step_through(points)

    def points_left(self) -> list[JVPoint]:
        """The points of this sweep that the run it resumes does not hold."""
        done = {self.point_key(row) for row, _ in self.surroundings.done}
        return [point for point in self.points(self.device) if point.key not in done]

    def _step_through(self, points: Sequence[JVPoint]) -> None:
        level = VoltageLevel.of(self.source_meter, self.surroundings)
        level.start()
        watch = BreakdownWatch(factor=self.breakdown_factor)
        for point in points:
            level.move_to(point.voltage)
            reading, flags = self._settled_reading()
            suspicious = watch.is_jump(point.voltage, reading.current)
            if suspicious:
                flags = flags | self._probe_for_breakdown(level, watch)
            else:
                flags = flags | watch.drop_flags(point.voltage, reading.current)
                watch.remember(point.voltage, reading.current)
            self.record(self._row(point, reading), flags)
            if self._must_end(point, flags) or self.should_stop():
                break
        level.move_to(0.0)

    def _sweep_in_hardware(self, points: Sequence[JVPoint]) -> None:
        polarity = self.device.polarity
        readings = self.source_meter.sweep(
            [polarity * point.voltage for point in points],
            settling_time=self.settling_time,
            stop_at_compliance=self.stop_at_compliance,
        )
        # fewer than asked for where compliance ended the sweep
        measured = list(zip(points, readings, strict=False))
        flags = self._record_sweep(measured)
        for (point, _), of_point in zip(measured, flags, strict=True):
            if self._must_end(point, of_point):
                return
        if len(readings) < len(points):
            raise InstrumentError(
                f"the source meter gave {len(readings)} readings of a sweep of {len(points)} points without "
                "being in compliance; measure the others by resuming"
            )

    def _record_sweep(self, measured: Sequence[tuple[JVPoint, SourceReading]]) -> list[frozenset[str]]:
        """Record a sweep as soon as it is read; gives its flags.

        Points from a jump on wait for one probe, which tells whether they are of the same device; whatever
        becomes of the probe, they are recorded too.
        """
        watch = BreakdownWatch(factor=self.breakdown_factor)
        flags, jump = _flags_until_jump(measured, watch)
        rows = [self._row(point, reading) for point, reading in measured]
        try:
            self.record_together(list(zip(rows[:jump], flags[:jump], strict=True)))
            if jump < len(rows) and "breakdown" in self._probe_after_sweep(watch):
                flags[jump:] = [each - {"jump"} | {"breakdown"} for each in flags[jump:]]
        finally:
            if jump < len(rows):
                self.record_together(list(zip(rows[jump:], flags[jump:], strict=True)))
        return flags

    def _probe_after_sweep(self, watch: "BreakdownWatch") -> frozenset[str]:
        level = VoltageLevel.of(self.source_meter, self.surroundings)
        try:
            level.start()
            found = self._probe_for_breakdown(level, watch)
            level.move_to(0.0)
        finally:
            # before anything else is done, whatever became of the probe
            self.source_meter.off()
        return found

    def _settled_reading(self) -> tuple[SourceReading, frozenset[str]]:
        self.clock.wait(self.settling_time)
        reading = self.source_meter.read_point()
        if not self.settle_until_stable:
            return reading, reading.flags
        started = self.clock.monotonic()
        while self.clock.monotonic() - started < self.maximum_settling_time:
            earlier = reading.current
            self.clock.wait(self.settling_time)
            reading = self.source_meter.read_point()
            if abs(reading.current - earlier) <= self.stability_tolerance * abs(reading.current):
                return reading, reading.flags
        return reading, reading.flags | {"unsettled"}

    def _probe_for_breakdown(self, level: VoltageLevel, watch: "BreakdownWatch") -> frozenset[str]:
        """One reading at a lower voltage that was measured before: is the jump still there?"""
        voltage = watch.probe_voltage
        level.move_to(voltage)
        self.clock.wait(self.settling_time)
        probed = self.source_meter.read_point()
        if watch.persists(voltage, probed.current):
            return frozenset({"breakdown"})
        return frozenset({"jump"})

    def _must_end(self, point: JVPoint, flags: frozenset[str]) -> bool:
        if "breakdown" in flags:
            self.end_early(f"breakdown at {point.voltage:g} V", device_failed=True)
            return True
        if "compliance" in flags and self.stop_at_compliance:
            self.end_early(f"compliance reached at {point.voltage:g} V")
            return True
        return False

    def _row(self, point: JVPoint, reading: SourceReading) -> Row:
        polarity = self.device.polarity
        current = polarity * reading.current
        return {
            columns.VOLTAGE: point.voltage,
            columns.MEASURED_VOLTAGE: polarity * reading.voltage,
            columns.CURRENT: current,
            columns.CURRENT_DENSITY: current / self.device.area,
            columns.SWEEP_DIRECTION: float(point.direction),
            columns.REPEAT: float(point.repeat),
        }

    def _outward_voltages(self, device: ConnectedDevice) -> list[float]:
        if self.fields is not None:
            return [float(f"{field * device.thickness:.12g}") for field in self.fields]
        return list(self.voltages or ())

    def _expected_current(self, voltage: float, device: ConnectedDevice) -> float:
        compliance = self.compliance(device)
        if device.typical_current is None:
            return compliance
        return min(compliance, abs(device.typical_current(voltage)))


def _flags_until_jump(
    measured: Sequence[tuple[JVPoint, SourceReading]], watch: "BreakdownWatch"
) -> tuple[list[frozenset[str]], int]:
    """Every reading's flags with drops and the first jump, and where that is; their number without one."""
    flags = [reading.flags for _, reading in measured]
    for index, (point, reading) in enumerate(measured):
        if watch.is_jump(point.voltage, reading.current):
            flags[index] |= {"jump"}
            return flags, index
        flags[index] |= watch.drop_flags(point.voltage, reading.current)
        watch.remember(point.voltage, reading.current)
    return flags, len(measured)


class BreakdownWatch:
    """Knows the good points so far, and tells a jump from a curve and a breakdown from a jump."""

    def __init__(self, *, factor: float) -> None:
        self._factor = factor
        self._good: list[tuple[float, float]] = []

    def remember(self, voltage: float, current: float) -> None:
        if math.isfinite(current) and voltage != 0:
            self._good.append((voltage, abs(current)))

    def is_jump(self, voltage: float, current: float) -> bool:
        """Whether the current rose by more than the factor over the last good point of the same sign.

        Steps of more than a factor two in voltage are never a jump: an exponential turn-on does the same.
        """
        if not self._good or not math.isfinite(current):
            return False
        last_voltage, last_current = self._good[-1]
        comparable = 0 < voltage / last_voltage <= 2
        return comparable and last_current > 0 and abs(current) > self._factor * last_current

    def drop_flags(self, voltage: float, current: float) -> frozenset[str]:
        """Whether the current fell by more than the factor although the voltage did not: a contact opened."""
        if not self._good or abs(voltage) < abs(self._good[-1][0]) or voltage * self._good[-1][0] <= 0:
            return frozenset()
        return frozenset({"drop"}) if self._factor * abs(current) < self._good[-1][1] else frozenset()

    @property
    def probe_voltage(self) -> float:
        """The good voltage nearest to half of the last good one."""
        last = self._good[-1][0]
        return min(self._good, key=lambda point: abs(point[0] - last / 2))[0]

    def persists(self, voltage: float, current: float) -> bool:
        """Whether the current at a voltage measured before is several times what it was, or unreadable."""
        before = min((i for v, i in self._good if v == voltage), default=math.nan)
        return not abs(current) <= math.sqrt(self._factor) * before
