"""Transient electroluminescence: time-averaged light against pulse width, one series per pulse amplitude."""

import math
from collections.abc import Iterator
from typing import ClassVar

from procedures import columns
from procedures.base import (
    BenchProcedure,
    Choice,
    ConnectedDevice,
    Cost,
    Count,
    Demand,
    PointKey,
    Problem,
    Quantity,
    QuantityList,
    Row,
    SourceRole,
    Switch,
)

POWER_LINE_FREQUENCY = 50.0  # [Hz]; only durations are estimated with it
SETTING_TIME = 0.15  # [s] the generator takes to settle after amplitude and offset, and its messages


class TELSeriesMeasurement(BenchProcedure):
    """Pulse the device and average its light, for every width at every amplitude."""

    kind: ClassVar[str] = "tel_series"
    file_name: ClassVar[str] = "TELSeries"
    roles: ClassVar[tuple[str, ...]] = ("pulse_generator", "light_meter")
    source: ClassVar[SourceRole | None] = "pulse_generator"

    DATA_COLUMNS = [
        columns.PULSE_AMPLITUDE,
        columns.PULSE_WIDTH,
        columns.PULSE_PERIOD,
        columns.DEVICE_VOLTAGE,
        columns.LIGHT_CURRENT,
        columns.LIGHT_CURRENT_ERROR,
        columns.BACKGROUND_CURRENT,
        columns.POINT_KIND,
        columns.REPEAT,
        *columns.TEMPERATURES,
    ]

    pulse_amplitudes = QuantityList("Pulse amplitudes", "V", above=0.0)
    pulse_widths = QuantityList("Pulse widths", "s", above=0.0)
    extension_widths = QuantityList(
        "Extension widths",
        "s",
        default=(),
        above=0.0,
        description="More widths, their rows labelled as extension",
    )
    pulse_period = Quantity("Pulse period", "s", default=1e-3, above=0.0)
    order = Choice("Order", ("listed", "random"), default="listed")
    random_seed = Count("Random seed", default=1)
    repeats = Count("Repeats", default=3, minimum=1, maximum=1000)
    readings = Count(
        "Readings",
        default=4,
        minimum=1,
        maximum=1000,
        description="Per point; their scatter is its standard error",
    )
    light_current_range = Quantity(
        "Light current range", "A", above=0.0, maximum=0.02, description="Fixed; left out, chosen by the peak"
    )
    power_line_cycles = Quantity("Power line cycles", "1", default=5.0, minimum=0.01, maximum=10.0)
    filter_count = Count("Filter count", default=1, minimum=1, maximum=100)
    settling_time = Quantity("Settling time", "s", default=0.05, minimum=0.0, maximum=3600.0)
    zero_correct = Switch("Zero correct", default=True)
    background = Switch("Background", default=True, description="With the output off, before each amplitude")
    pickup_amplitude = Quantity(
        "Pickup amplitude", "V", above=0.0, description="Pulses below the light threshold at the same widths"
    )
    reference_every = Count(
        "Reference every", default=10, description="Points between two reference pulses; 0 for none"
    )
    double_period = Switch("Double period", default=True, description="Light must halve at twice the period")
    source_resistance = Quantity("Source resistance", "ohm", default=50.0, minimum=0.0)

    def problems(self, device: ConnectedDevice) -> Iterator[Problem]:
        for name in ("pulse_amplitudes", "pulse_widths"):
            if not getattr(self, name):
                yield Problem(parameter=name, message="is missing or empty; list at least one")
        for name in ("pulse_widths", "extension_widths"):
            widest = max(getattr(self, name) or (), default=0.0)
            if widest >= self.pulse_period:
                yield Problem(
                    parameter=name,
                    message=f"pulse_width {_milliseconds(widest)} is not shorter than pulse_period "
                    f"{_milliseconds(self.pulse_period)}; lower the last point or lengthen the period",
                )
        if self.pickup_amplitude is not None and self.pickup_amplitude >= min(
            self.pulse_amplitudes or (math.inf,)
        ):
            yield Problem(
                parameter="pickup_amplitude",
                message=f"{self.pickup_amplitude:g} V is not below the lowest pulse amplitude; "
                "choose one at which the device is dark",
            )

    def demand(self, device: ConnectedDevice) -> Demand:
        widest = max((*self.pulse_widths, *self.extension_widths))
        highest = max(self.pulse_amplitudes)
        return Demand(
            voltage=highest,
            voltage_parameter="pulse_amplitudes",
            pulse_width=widest,
            duty_cycle=widest / self.pulse_period,
        )

    def cost(self, device: ConnectedDevice) -> Cost:
        widths = (*self.pulse_widths, *self.extension_widths)
        reading = (
            self.settling_time
            + self.readings * self.power_line_cycles * self.filter_count / POWER_LINE_FREQUENCY
        )
        points = len(self.pulse_amplitudes) * len(widths) * self.repeats
        return Cost(points=points, duration=points * reading + len(self.pulse_amplitudes) * SETTING_TIME)

    @classmethod
    def point_key(cls, row: Row) -> PointKey:
        return (
            row[columns.PULSE_AMPLITUDE],
            row[columns.PULSE_WIDTH],
            row[columns.PULSE_PERIOD],
            row[columns.POINT_KIND],
            row[columns.REPEAT],
        )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:g} ms"
