"""Lake Shore 336 temperature controller: output 1 heats the cold finger, input A is the stage, B the sample.

The 335 speaks the same words. Headers as in the maker's own Python driver and QCoDeS; a set point ramps from
where it is, at a rate in K/min (340 manual p. 137, 372 manual p. 185).
"""

import math
from dataclasses import dataclass
from typing import Any

from pymeasure.instruments.validators import strict_range

from instruments.door import Door, Shadow, command, number, numbers, one_of, query, whole
from instruments.driver import Driver, HeaterEnd, SafeEnd, read_number, read_numbers
from instruments.errors import InstrumentError, ReplyError, SettingNotTaken
from instruments.limits import Demand, known

LOWEST, HIGHEST = 4.0, 400.0
"""Set points this driver takes [K]."""

ROOM_TEMPERATURE_AND_MORE = 320.0
"""Highest temperature [K] where no envelope says another."""

_HEADROOM = 5.0  # K above the highest set point, for overshoot
_MINUTE = 60.0
_SLOWEST, _FASTEST = 0.1 / _MINUTE, 100.0 / _MINUTE  # K/s
_KELVIN = 1  # of INTYPE's units; 2 is °C, 3 the sensor's own
_READING_FAULTS = {
    1: "invalid",
    16: "too cold for its sensor",
    32: "too hot for its sensor",
    64: "zero",
    128: "over",
}
_COMMAND_ERROR, _EXECUTION_ERROR, _QUERY_ERROR = 32, 16, 4


@dataclass(frozen=True, kw_only=True)
class HeaterState(Shadow):
    """What output 1 is believed to be set to; as made, after ``*RST``."""

    heater_range: int | None = 0
    ramping: int | None = None
    rate: float | None = None
    setpoint: float | None = None

    @property
    def energised(self) -> bool:
        return self.heater_range != 0

    def needs_token(self, before: Shadow) -> bool:
        # tokens are for what touches the device; a heater stays within the envelope and the controller's own
        # limit, has its own policy at the end, and must be free to lead a cold stage home when disarmed
        return False

    def demand(self) -> Demand:
        return Demand(temperature=self.setpoint, temperature_rate=self._rate() if self.energised else None)

    def _rate(self) -> float | None:
        """Rate of the set point [K/s]; a step where it does not ramp."""
        if self.setpoint is None:
            return None
        if self.ramping is None or self.rate is None:
            return math.nan
        return self.rate / _MINUTE if self.ramping and self.rate > 0 else math.inf


class LakeShore336(Driver):
    """Lake Shore 336 or 335.

    Parameters
    ----------
    adapter : a `Door`, or anything PyMeasure takes
    heater_range : range to switch the heater on in (1 low, 2 medium, 3 high)
    temperature_limit : at which the controller itself cuts its heaters [K]; unless given, 5 K above what the
        envelope allows
    """

    MODELS = ("336", "335")
    RESET_STATE = HeaterState()
    OFF = ("RANGE 1,0",)
    OFF_QUERY = "RANGE? 1"
    OFF_ANSWER = "0"
    OFF_WORD = "heater OFF"
    HEADERS = (
        query("KRDG", one_of("A", "B"), replies=number),
        query("RDGST", one_of("A", "B"), replies=number),
        query("INTYPE", one_of("A", "B"), replies=numbers),
        command("SETP", one_of("1"), number, changes=(None, "setpoint")),
        query("SETP", one_of("1"), replies=number),
        command("RAMP", one_of("1"), whole, number, changes=(None, "ramping", "rate")),
        query("RAMP", one_of("1"), replies=numbers),
        query("RAMPST", one_of("1"), replies=number),
        command("RANGE", one_of("1"), whole, changes=(None, "heater_range"), switches=True),
        query("RANGE", one_of("1"), adopts="heater_range", replies=whole),
        query("HTR", one_of("1"), replies=number),
        query("HTRST", one_of("1"), replies=number),
        command("OUTMODE", one_of("1"), one_of("1"), one_of("1"), one_of("0")),
        query("OUTMODE", one_of("1"), replies=numbers),
        command("TLIMIT", one_of("A", "B"), number),
        query("TLIMIT", one_of("A", "B"), replies=number),
    )

    def __init__(
        self,
        adapter: Any,
        name: str = "Lake Shore 336",
        *,
        heater_range: int = 3,
        temperature_limit: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(adapter, name, **kwargs)
        self.working_range = heater_range
        self._temperature_limit = temperature_limit

    @property
    def temperature_limit(self) -> float:
        """Get the temperature at which the controller is told to cut its heaters [K]."""
        if self._temperature_limit is not None:
            return self._temperature_limit
        allowed = self.adapter.envelope.maximum_temperature if isinstance(self.adapter, Door) else None
        return (ROOM_TEMPERATURE_AND_MORE if allowed is None else allowed) + _HEADROOM

    @property
    def stage_temperature(self) -> float:
        """Measure the temperature of the stage, input A [K]."""
        return self._kelvin("A")

    @property
    def sample_temperature(self) -> float:
        """Measure the temperature of the sample, input B [K]."""
        return self._kelvin("B")

    @property
    def setpoint(self) -> float:
        """Control the set point of output 1 [K] (float from 4 to 400); the moving one is read in a ramp."""
        return read_number(self.ask("SETP? 1"))

    @setpoint.setter
    def setpoint(self, temperature: float) -> None:
        self.write(f"SETP 1,{strict_range(temperature, (LOWEST, HIGHEST)):.3f}")

    @property
    def ramp(self) -> tuple[bool, float]:
        """Control whether the set point ramps, and its rate [K/s] (bool, float from 0.0017 to 1.6)."""
        on, rate = read_numbers(self.ask("RAMP? 1"), 2, box=self.name)
        return bool(on), rate / _MINUTE

    @ramp.setter
    def ramp(self, value: tuple[bool, float]) -> None:
        on, rate = value
        # a rate of zero would be a step
        strict_range(rate, (_SLOWEST if on else 0.0, _FASTEST))
        self.write(f"RAMP 1,{int(on)},{_per_minute(rate):.1f}")

    @property
    def is_ramping(self) -> bool:
        """Get whether the set point still moves (bool)."""
        return read_number(self.ask("RAMPST? 1")) == 1

    @property
    def heater_range(self) -> int:
        """Control the heater range (int, 0 off, 1 low, 2 medium, 3 high)."""
        return int(read_number(self.ask("RANGE? 1")))

    @heater_range.setter
    def heater_range(self, heater_range: int) -> None:
        self.write(f"RANGE 1,{int(strict_range(heater_range, (0, 3)))}")

    @property
    def heater_output(self) -> float:
        """Measure the share of the heater range in use [1]."""
        return read_number(self.ask("HTR? 1")) / 100

    @property
    def heater_fault(self) -> str:
        """Get what is wrong with the heater (str, empty for nothing)."""
        fault = int(read_number(self.ask("HTRST? 1")))
        return {0: "", 1: "heater open", 2: "heater shorted"}.get(fault, f"heater fault {fault}")

    def set_up(self) -> None:
        """Closed loop of output 1 on input A with a temperature limit; a heater that is on stays on.

        Nothing is reset: a cryostat that holds its temperature over night must not lose it to a new session.
        """
        self.write("*CLS")
        self._check_units()
        self.write("OUTMODE 1,1,1,0")
        for letter in "AB":
            self.write(f"TLIMIT {letter},{self.temperature_limit:.3f}")
        self.verify(
            closed_loop_on_stage=True, stage_limit=self.temperature_limit, sample_limit=self.temperature_limit
        )
        if self.heater_fault:
            raise InstrumentError(f"{self.name}: {self.heater_fault}; check the heater's cable")

    @property
    def closed_loop_on_stage(self) -> bool:
        """Get whether output 1 controls input A and stays off after a power failure (bool)."""
        return read_numbers(self.ask("OUTMODE? 1"), 3, box=self.name) == [1.0, 1.0, 0.0]

    @property
    def stage_limit(self) -> float:
        """Get the stage's temperature at which the controller cuts its heaters [K]."""
        return read_number(self.ask("TLIMIT? A"))

    @property
    def sample_limit(self) -> float:
        """Get the sample's temperature at which the controller cuts its heaters [K]."""
        return read_number(self.ask("TLIMIT? B"))

    def ramp_to(self, temperature: float, *, rate: float) -> None:
        """Move the set point at a rate, and switch the heater on if it is off.

        Parameters
        ----------
        temperature : where to [K]
        rate : how fast [K/s]
        """
        strict_range(temperature, (LOWEST, HIGHEST))
        if self.heater_range == 0:
            # a ramp starts at the present set point, wherever that was left: put it where the stage is
            self.ramp = (False, 0.0)
            self.setpoint = self.stage_temperature
        self.ramp = (True, rate)
        self.verify(ramp_rate=_per_minute(rate) / _MINUTE)
        self.setpoint = temperature
        if self.heater_range == 0:
            self.heater_range = self.working_range
            self.verify(heater_range=self.working_range)

    @property
    def ramp_rate(self) -> float:
        """Get the rate of the set point [K/s]; infinite where it does not ramp."""
        on, rate = self.ramp
        return rate if on and rate > 0 else math.inf

    def safe_end(self, heater_end: HeaterEnd) -> SafeEnd:
        """How the heater ends: it holds, ramps to room temperature, or goes off."""
        if heater_end.policy == "off":
            return super().safe_end(heater_end)
        if heater_end.policy == "hold":
            return SafeEnd(messages=(), word="holds its temperature")
        temperature, rate = heater_end.temperature, heater_end.rate
        return SafeEnd(
            messages=(f"RAMP 1,1,{_per_minute(max(rate, _SLOWEST)):.1f}", f"SETP 1,{temperature:.3f}"),
            # the set point that is asked for is the moving one; that it answers proves that it has obeyed
            query="*OPC?",
            expected="1",
            word=f"ramps to {temperature:g} K",
        )

    def check_errors(self) -> list[str]:
        """Get what the event status register complains about, and clear it."""
        status = int(read_number(self.ask("*ESR?")))
        names = {
            _COMMAND_ERROR: "command error",
            _EXECUTION_ERROR: "execution error",
            _QUERY_ERROR: "query error",
        }
        return [name for bit, name in names.items() if status & bit]

    def _check_units(self) -> None:
        """Refuse a controller that takes set points in anything but kelvin: 217 would mean 217 °C."""
        for letter in "AB":
            unit = read_numbers(self.ask(f"INTYPE? {letter}"), 5, box=self.name)[-1]
            if unit != _KELVIN:
                words = {2.0: "°C"}.get(unit, "the sensor's own unit")
                raise SettingNotTaken(
                    f"{self.name}: input {letter} counts in {words}; set its preferred units to kelvin "
                    "(INPUT SETUP on its front panel)"
                )

    def _kelvin(self, letter: str) -> float:
        """One reading [K]; a sensor that is lost answers zero, and says so only in its status."""
        status = int(read_number(self.ask(f"RDGST? {letter}")))
        if status:
            faults = ", ".join(name for bit, name in _READING_FAULTS.items() if status & bit)
            raise ReplyError(
                f"{self.name}: the reading of input {letter} is {faults or status}; check the sensor"
            )
        return known(read_number(self.ask(f"KRDG? {letter}")))


def _per_minute(rate: float) -> float:
    """A rate [K/s] in K/min to the tenth that the box knows, never faster than asked for."""
    return math.floor(rate * _MINUTE * 10 + 1e-6) / 10
