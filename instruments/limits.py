"""The envelope: how far a box may go with the device now connected. Files can only tighten it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from instruments.errors import LimitError

SOURCE_RESISTANCE = 50.0
"""Output resistance of a pulse generator [Ω]; with it the energy of a pulse is bounded whatever the load."""

FASTEST_LINE = 60.0
"""Mains [Hz] at which a conversion is shortest, and a sweep that the box runs by itself fastest."""

_UNITS = {
    "maximum_voltage": "V",
    "maximum_current": "A",
    "maximum_current_density": "A/m²",
    "maximum_field": "V/m",
    "maximum_power_density": "W/m²",
    "maximum_slew": "V/s",
    "maximum_step": "V",
    "maximum_dwell": "s",
    "maximum_pulse_energy": "J",
    "maximum_duty_cycle": "",
    "maximum_temperature": "K",
    "maximum_temperature_rate": "K/s",
}


@dataclass(frozen=True, kw_only=True)
class Demand:
    """The most that a box, set as it is, can do to the device once its output is on.

    None says that a quantity does not apply to this box; NaN that it applies and is not known, which no
    envelope admits.

    voltage : largest magnitude at the terminals [V]
    current : largest magnitude the box lets through [A]
    level : voltage at the terminals now, output state included [V]
    step : largest step between neighbouring points of a sweep the box runs by itself [V]
    slew : fastest change of a sweep the box runs by itself [V/s]
    pulse_width, pulse_period : of a pulse train [s]
    temperature : set point [K]
    temperature_rate : of the set point [K/s]
    """

    voltage: float | None = None
    current: float | None = None
    level: float | None = None
    step: float | None = None
    slew: float | None = None
    pulse_width: float | None = None
    pulse_period: float | None = None
    temperature: float | None = None
    temperature_rate: float | None = None


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """Largest values a device may be exposed to; None is "not limited".

    Parameters
    ----------
    maximum_voltage : magnitude of the applied voltage [V]
    maximum_current, maximum_current_density : what the source meter may let through [A], [A m⁻²]
    maximum_field : voltage over thickness [V m⁻¹]
    maximum_power_density : largest power over area, averaged over a pulse period [W m⁻²]
    maximum_slew, maximum_step : of the voltage while the output is on [V s⁻¹], [V]
    maximum_dwell : longest stay at one voltage while the output is on [s]
    maximum_pulse_energy : what one pulse can deliver from 50 Ω into any load [J]
    maximum_duty_cycle : pulse width over pulse period [1]
    minimum_temperature, maximum_temperature, maximum_temperature_rate : of the set point [K], [K], [K s⁻¹]
    area, thickness : of the device [m²], [m]; without them a limit on a density or a field admits nothing
    """

    maximum_voltage: float | None = None
    maximum_current: float | None = None
    maximum_current_density: float | None = None
    maximum_field: float | None = None
    maximum_power_density: float | None = None
    maximum_slew: float | None = None
    maximum_step: float | None = None
    maximum_dwell: float | None = None
    maximum_pulse_energy: float | None = None
    maximum_duty_cycle: float | None = None
    minimum_temperature: float | None = None
    maximum_temperature: float | None = None
    maximum_temperature_rate: float | None = None
    area: float | None = None
    thickness: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{field.name} = {value!r} must be a positive number or None")

    def tightened(self, other: "Envelope") -> "Envelope":
        """The stricter of both, limit by limit; of two areas or thicknesses the smaller."""
        values: dict[str, float | None] = {}
        for field in fields(self):
            ours, theirs = getattr(self, field.name), getattr(other, field.name)
            if ours is None or theirs is None:
                values[field.name] = theirs if ours is None else ours
            else:
                values[field.name] = (max if field.name.startswith("minimum") else min)(ours, theirs)
        return Envelope(**values)

    @property
    def voltage_limit(self) -> float:
        """Largest magnitude of the voltage, by `maximum_voltage` and `maximum_field` [V]."""
        by_field = _product(self.maximum_field, self.thickness)
        return min(_or_infinite(self.maximum_voltage), by_field)

    @property
    def current_limit(self) -> float:
        """Largest magnitude of the current, by `maximum_current` and `maximum_current_density` [A]."""
        by_density = _product(self.maximum_current_density, self.area)
        return min(_or_infinite(self.maximum_current), by_density)

    def violations(self, demand: Demand) -> Mapping[str, str]:
        """Quantity -> sentence, for everything in a demand that leaves the envelope."""
        found = {}
        for name, value, limit, where in self._limits(demand):
            if value is None or limit is None or math.isinf(limit):
                continue
            if not value <= limit * (1 + 1e-9):
                found[name] = _sentence(name, value, limit, where)
        lowest = self.minimum_temperature
        if demand.temperature is not None and lowest is not None and not demand.temperature >= lowest:
            found["minimum_temperature"] = (
                f"temperature {demand.temperature:g} K is below minimum_temperature {lowest:g} K"
            )
        return found

    def check_step(self, start: float, stop: float, duration: float) -> None:
        """Refuse a change of voltage by more than `maximum_step` or faster than `maximum_slew`.

        Parameters
        ----------
        start, stop : voltage at the terminals before and after [V]
        duration : since the last change [s]
        """
        step = abs(stop - start)
        if self.maximum_step is not None and not step <= self.maximum_step * (1 + 1e-9):
            raise LimitError(
                f"a step from {start:g} V to {stop:g} V exceeds maximum_step {self.maximum_step:g} V; "
                "approach it in smaller steps"
            )
        if self.maximum_slew is not None and not step <= self.maximum_slew * duration * (1 + 1e-9):
            raise LimitError(
                f"{start:g} V to {stop:g} V in {duration:.3g} s is faster than maximum_slew "
                f"{self.maximum_slew:g} V/s; wait longer between steps or make them smaller"
            )

    def check_dwell(self, duration: float) -> None:
        """Refuse to stay at one voltage longer than `maximum_dwell`."""
        if self.maximum_dwell is not None and duration > self.maximum_dwell:
            raise LimitError(
                f"the output stayed {duration:.3g} s at one voltage, longer than maximum_dwell "
                f"{self.maximum_dwell:g} s; it was switched off"
            )

    def _limits(self, demand: Demand) -> list[tuple[str, float | None, float | None, str]]:
        """Rows of name, demanded value, limit, and how the value comes about."""
        voltage, width, period = demand.voltage, demand.pulse_width, demand.pulse_period
        duty = None if width is None or period is None else _over(width, period)
        # the most a source of 50 Ω can deliver is into 50 Ω: (V/2)² / 50 Ω
        pulse_power = (
            None if voltage is None or width is None else voltage * voltage / (4 * SOURCE_RESISTANCE)
        )
        pulse_energy = None if pulse_power is None or width is None else pulse_power * width
        mean_power = None if pulse_power is None or duty is None else pulse_power * duty
        if voltage is not None and demand.current is not None:
            mean_power = voltage * demand.current
        return [
            ("maximum_voltage", voltage, self.maximum_voltage, "voltage"),
            ("maximum_field", _ratio(voltage, self.thickness), self.maximum_field, "voltage over thickness"),
            ("maximum_current", demand.current, self.maximum_current, "current let through"),
            (
                "maximum_current_density",
                _ratio(demand.current, self.area),
                self.maximum_current_density,
                "current let through over area",
            ),
            (
                "maximum_power_density",
                _ratio(mean_power, self.area),
                self.maximum_power_density,
                "largest power over area",
            ),
            ("maximum_step", demand.step, self.maximum_step, "step within the sweep"),
            ("maximum_slew", demand.slew, self.maximum_slew, "slew within the sweep"),
            ("maximum_pulse_energy", pulse_energy, self.maximum_pulse_energy, "largest energy of a pulse"),
            ("maximum_duty_cycle", duty, self.maximum_duty_cycle, "pulse width over pulse period"),
            ("maximum_temperature", demand.temperature, self.maximum_temperature, "temperature"),
            (
                "maximum_temperature_rate",
                demand.temperature_rate,
                self.maximum_temperature_rate,
                "rate of the temperature",
            ),
        ]


def known(value: float | None) -> float:
    """A value of a demand that applies; NaN where nobody knows it."""
    return math.nan if value is None else value


def largest(values: Iterable[float]) -> float:
    """Largest magnitude; NaN where one is not known."""
    magnitudes = [abs(value) for value in values]
    return math.nan if any(math.isnan(value) for value in magnitudes) else max(magnitudes, default=0.0)


def _sentence(name: str, value: float, limit: float, where: str) -> str:
    unit = _UNITS[name]
    if math.isnan(value):
        return f"{where} is not known, but {name} {_shown(limit, unit)} is to be kept"
    return f"{where} {_shown(value, unit)} exceeds {name} {_shown(limit, unit)}"


def _shown(value: float, unit: str) -> str:
    return f"{value:g} {unit}".rstrip()


def _over(value: float, divisor: float) -> float:
    return math.inf if divisor == 0 else value / divisor


def _ratio(value: float | None, divisor: float | None) -> float | None:
    """NaN, which no limit admits, where the device's area or thickness was not given."""
    if value is None:
        return None
    return math.nan if divisor is None else value / divisor


def _product(value: float | None, factor: float | None) -> float:
    return math.inf if value is None or factor is None else value * factor


def _or_infinite(value: float | None) -> float:
    return math.inf if value is None else value
