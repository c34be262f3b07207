"""Before anything else: is the pixel connected, not shorted, and the right way round?"""

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


class PixelCheck(BenchProcedure):
    """Read the current at 0 V and at a low voltage of both signs; with a polarity voltage, there too.

    The low-voltage conductance is the difference of both signs, so that the meter's offset plays no part. A
    short, an open contact or a reversed pixel ends all measuring on the device. The generator has no
    compliance: this check comes before it is connected.
    """

    kind: ClassVar[str] = "pixel_check"
    file_name: ClassVar[str] = "PixelCheck"
    roles: ClassVar[tuple[str, ...]] = ("source_meter",)
    source: ClassVar[SourceRole | None] = "source_meter"
    result_column: ClassVar[str] = columns.PROBE_CURRENT
    resumable: ClassVar[bool] = False

    DATA_COLUMNS = [columns.PROBE_VOLTAGE, columns.PROBE_CURRENT, *columns.TEMPERATURES]

    probe_voltage = Quantity("Probe voltage", "V", default=0.1, above=0.0, maximum=1.0)
    polarity_voltage = Quantity(
        "Polarity voltage", "V", above=0.0, description="Left out, the polarity is not checked"
    )
    least_rectification = Quantity(
        "Least rectification", "1", default=3.0, minimum=1.0, description="Forward over reverse current"
    )
    settling_time = Quantity("Settling time", "s", default=0.5, minimum=0.0, maximum=60.0)
    power_line_cycles = Quantity("Power line cycles", "1", default=10.0, minimum=0.01, maximum=10.0)
    compliance_current = Quantity("Compliance current", "A", default=1e-3, minimum=1e-9, maximum=0.1)
    short_resistance = Quantity(
        "Short resistance", "ohm", default=1e3, above=0.0, description="Less than this is a short"
    )
    open_resistance = Quantity(
        "Open resistance", "ohm", default=1e11, above=0.0, description="More than this is an open contact"
    )
    largest_dark_current = Quantity(
        "Largest dark current", "A", default=1e-8, above=0.0, description="At 0 V; more than this is told"
    )

    def problems(self, device: ConnectedDevice) -> Iterator[Problem]:
        if self.short_resistance >= self.open_resistance:
            yield Problem(parameter="short_resistance", message="is not below open_resistance; lower it")

    def demand(self, device: ConnectedDevice) -> Demand:
        return Demand(
            voltage=max(self.probe_voltage, self.polarity_voltage or 0.0), current=self.compliance_current
        )

    def longest_dwell(self) -> float:
        return float(self.settling_time + reading_time(self.power_line_cycles, 1))

    def parameter_behind(self, limit: str) -> str:
        if limit in ("maximum_voltage", "maximum_field"):
            return "probe_voltage" if self.polarity_voltage is None else "polarity_voltage"
        return "settling_time" if limit == "maximum_dwell" else "compliance_current"

    def cost(self, device: ConnectedDevice) -> Cost:
        points = 3 if self.polarity_voltage is None else 5
        duration = points * self.longest_dwell()
        voltage = max(self.probe_voltage, self.polarity_voltage or 0.0)
        charge = self.compliance_current * duration
        return Cost(points=points, duration=duration, charge=charge, energy=charge * voltage)

    @classmethod
    def point_key(cls, row: Row) -> PointKey:
        return (row[columns.PROBE_VOLTAGE],)

    def startup(self) -> None:
        self.source_meter.configure(
            compliance_current=self.compliance_current,
            maximum_voltage=max(self.probe_voltage, self.polarity_voltage or 0.0),
            power_line_cycles=self.power_line_cycles,
        )

    def execute(self) -> None:
        self._level = VoltageLevel.of(self.source_meter, self.surroundings)
        self._level.start()
        dark, _ = self._read(0.0)
        if not abs(dark) <= self.largest_dark_current:
            self.announce(f"{dark:.2g} A at 0 V: light on the pixel, or an offset of the meter")
        forward, limited_forward = self._read(self.probe_voltage)
        reverse, limited_in_reverse = self._read(-self.probe_voltage)
        limited = limited_forward or limited_in_reverse
        reason = self._fault(forward, reverse, limited=limited) or self._polarity_fault()
        self._level.move_to(0.0)
        if reason:
            self.end_early(reason, device_failed=True)
        else:
            self.announce(f"pixel in order, {self._resistance(forward, reverse):.2g} ohm at low voltage")

    def _fault(self, forward: float, reverse: float, *, limited: bool) -> str:
        """What is wrong at low voltage; empty for nothing.

        Parameters
        ----------
        forward, reverse : currents [A]
        limited : one of them by the compliance
        """
        resistance = self._resistance(forward, reverse)
        if math.isnan(resistance):
            return f"no current could be read at {self.probe_voltage:g} V; check meter and cables"
        if limited or resistance < self.short_resistance:
            return f"shorted: {resistance:.2g} ohm at {self.probe_voltage:g} V"
        if not resistance < self.open_resistance:
            return f"open: {resistance:.2g} ohm at {self.probe_voltage:g} V; check the contact"
        return ""

    def _polarity_fault(self) -> str:
        if self.polarity_voltage is None:
            return ""
        forward = abs(self._read(self.polarity_voltage)[0])
        reverse = abs(self._read(-self.polarity_voltage)[0])
        if forward >= self.least_rectification * reverse:
            return ""
        return (
            f"reversed: {forward:.2g} A forward, {reverse:.2g} A in reverse at {self.polarity_voltage:g} V; "
            "exchange the leads, or correct the device's positive_terminal"
        )

    def _resistance(self, forward: float, reverse: float) -> float:
        """From the difference of both signs, which an offset does not touch [ohm]."""
        conductance = abs(forward - reverse) / (2 * self.probe_voltage)
        return math.inf if conductance == 0 else 1 / conductance

    def _read(self, voltage: float) -> tuple[float, bool]:
        """The current [A], and whether the compliance limits it."""
        self._level.move_to(voltage)
        self.clock.wait(self.settling_time)
        reading = self.source_meter.read_point()
        current = self.device.polarity * reading.current
        self.record({columns.PROBE_VOLTAGE: voltage, columns.PROBE_CURRENT: current}, reading.flags)
        limited = "compliance" in reading.flags or abs(current) >= 0.99 * self.compliance_current
        return current, limited
