"""A stand-in for the Lake Shore 336 temperature controller, with the 335 as a dialect of it.

Output 1 heats the cryostat; input A reads the stage's sensor, input B one beside the sample. Lake Shore's
commands are not SCPI: words without a tree, a query's question mark may touch its parameter, and errors show
in ``*ESR?`` only.
"""

import math
import re
from collections.abc import Callable
from typing import Any

from sim_instruments.clock import Clock
from sim_instruments.cryostat import ControlMode, Cryostat
from sim_instruments.lakeshore336_commands import (
    ALARM_DEFAULT,
    COMMANDS_335,
    COMMANDS_336,
    HEATER_DEFAULT,
    INPUTS,
    PID_DEFAULT,
    RELAY_DEFAULT,
)
from sim_instruments.scpi import ScpiBox, ScpiError, StatusRegister

MODES: dict[int, ControlMode] = {0: "off", 1: "closed_loop", 2: "closed_loop", 3: "open_loop"}
FULL_CURRENTS = (0.0, 0.707, 1.0, 1.141, 2.0)  # [A], by the index of HTRSET; 0 is the user's own value
INVALID, SENSOR_OVER = 1, 128  # bits of RDGST?
ALARMING, SENSOR_OVERLOAD, RAMP_DONE, NEW_READING = 1, 2, 8, 16  # bits of OPST?


class Lakeshore336(ScpiBox):
    """The controller on a cryostat, as the last user left it: output 1 holding 297 K in its high range.

    Parameters
    ----------
    clock, seed : as of every box
    cryostat : what output 1 heats and inputs A and B read
    """

    name = "lakeshore336"
    identity = "LSCI,MODEL336,336SIM1/#######,2.9"
    commands = COMMANDS_336
    terminator = b"\r\n"
    gpib_address = 12  # [?] from the factory
    stops_at_error = False
    input_limit = 1024
    processing_time = 0.01
    unit_pattern = re.compile(
        r"(?P<header>:?\*?[A-Za-z]+)(?P<query>\?)?\s*(?P<arguments>[\x20-\x7e]*)$", re.ASCII
    )

    setpoint_latency = 0.05
    """Time after SETP during which SETP? answers the old value [s]; [?] QCoDeS waits 0.5 s for it."""

    setpoint_query_follows_ramp = True
    """Whether SETP? answers the moving set point during a ramp; [?] the likelier reading."""

    def __init__(self, *, clock: Clock, seed: int = 0, cryostat: Cryostat) -> None:
        self.cryostat = cryostat
        self._ranges = {1: 0, 2: 0, 3: 0, 4: 0}
        self._written: dict[int, tuple[float, float]] = {}
        self.operation_status = StatusRegister()
        self.alarms: set[tuple[str, str]] = set()
        self.lowest_and_highest: dict[str, tuple[float, float]] = {}
        super().__init__(clock=clock, seed=seed)
        self._ranges[1] = 3
        self.apply_heater()
        cryostat.settle()

    def reset(self) -> None:
        """``*RST`` and power-up: heaters off unless OUTMODE says otherwise, the rest is remembered ([?])."""
        super().reset()
        for output in self._ranges:
            if not self._kept("OUTMODE", output, (1, 1, 0))[2]:
                self._ranges[output] = 0
        self.apply_heater()

    def report(self, code: int) -> None:
        """There is no error queue; an error only sets its bit in the event status register."""
        self.event_status |= self.event_bit(code)

    def clear_events(self) -> None:
        self.operation_status.event = 0

    def summary_bits(self) -> int:
        self.update_operation_status()
        return 128 if self.operation_status.summary else 0

    def update_operation_status(self) -> None:
        """Bring the operation condition register up to date."""
        alarms = any(any(self.alarm_state(letter)) for letter in "AB")
        for bit, state in (
            (ALARMING, alarms),
            (SENSOR_OVERLOAD, self.cryostat.sensor_lost),
            (RAMP_DONE, not self.cryostat.is_ramping),
            (NEW_READING, True),
        ):
            self.operation_status.set_condition(bit, state)

    def format_number(self, value: float) -> str:
        return f"{value:+08.3f}"

    # readings

    def kelvin(self, letter: str) -> float | None:
        """One reading of an input [K]; None where it has no valid sensor."""
        measure = {"A": self.cryostat.measure_stage, "B": self.cryostat.measure_sample}.get(letter)
        if measure is None or self.reading_status(letter):
            return None
        reading = measure()
        low, high = self.lowest_and_highest.get(letter, (reading, reading))
        self.lowest_and_highest[letter] = (min(low, reading), max(high, reading))
        return reading

    def reading_status(self, letter: str) -> int:
        """Bits of RDGST?."""
        if letter not in "AB":
            return INVALID
        return SENSOR_OVER if letter == "A" and self.cryostat.sensor_lost else 0

    def answer_readings(self, letter: str, convert: Callable[[float], float]) -> str:
        """The reading of an input, or of all for 0; an input without a sensor answers zero."""
        letters = INPUTS[self.name] if letter == "0" else letter
        readings = (self.kelvin(each) for each in letters)
        return ",".join(
            self.format_number(convert(kelvin) if kelvin is not None else 0.0) for kelvin in readings
        )

    def extremes(self, letter: str) -> str:
        """What MDAT? answers: lowest and highest reading since they were forgotten."""
        low, high = self.lowest_and_highest.get(letter, (self.kelvin(letter) or 0.0,) * 2)
        return f"{self.format_number(low)},{self.format_number(high)}"

    def relay_is_on(self, relay: int) -> bool:
        """State of an alarm relay."""
        mode, letter, which = self._kept("RELAY", relay, RELAY_DEFAULT)
        if mode != 2:
            return bool(mode)
        high, low = self.alarm_state(letter)
        return (low, high, low or high)[which]

    def alarm_state(self, letter: str) -> tuple[bool, bool]:
        """High and low alarm of an input; one that does not latch ends a dead band inside its limit."""
        on, high, low, dead_band, latching, *_ = self._kept("ALARM", letter, ALARM_DEFAULT)
        kelvin = self.kelvin(letter)
        if not on or kelvin is None:
            return False, False
        for alarm, excess in (((letter, "high"), kelvin - high), ((letter, "low"), low - kelvin)):
            if excess > 0:
                self.alarms.add(alarm)
            elif not latching and excess < -dead_band:
                self.alarms.discard(alarm)
        return (letter, "high") in self.alarms, (letter, "low") in self.alarms

    # the loop

    def set_setpoint(self, output: int, kelvin: float) -> None:
        self._written[output] = (self.clock.monotonic(), self.setpoint(output))
        self.settings["SETP", output] = kelvin
        if output == 1:
            self.cryostat.control(setpoint=kelvin)

    def setpoint(self, output: int) -> float:
        """What SETP? answers [K]."""
        written, before = self._written.get(output, (-math.inf, 0.0))
        if self.clock.monotonic() < written + self.setpoint_latency:
            return before
        if output == 1 and self.setpoint_query_follows_ramp:
            return self.cryostat.moving_setpoint
        return float(self.settings.get(("SETP", output), 297.0 if output == 1 else 0.0))

    def set_range(self, output: int, heater_range: int) -> None:
        if heater_range > (3 if output <= 2 else 1):
            raise ScpiError(-222)
        self._notice_limit()
        self._ranges[output] = heater_range
        self.apply_heater()

    def range(self, output: int) -> int:
        """The heater range in use; 0 once a temperature limit has cut the heaters."""
        self._notice_limit()
        return self._ranges[output]

    def heater_percent(self) -> float:
        """Output 1 as displayed: % of full power, or of full current [%]."""
        output = self.cryostat.heater_output
        in_current = self._kept("HTRSET", 1, HEATER_DEFAULT)[-1] == 1
        return 10.0 * output**0.5 if in_current else output

    def _kept(self, header: str, key: Any, default: tuple[Any, ...]) -> tuple[Any, ...]:
        return self.settings.get((header, key), default)

    def _full_power(self) -> float:
        resistance, index, user_current, _ = self._kept("HTRSET", 1, HEATER_DEFAULT)[-4:]
        current = FULL_CURRENTS[index] or user_current
        return {1: 25.0, 2: 50.0}[resistance] * current**2

    def _notice_limit(self) -> None:
        """A temperature limit that was passed has switched every heater off."""
        if self.cryostat.limit_tripped:
            self._ranges = dict.fromkeys(self._ranges, 0)
            self.cryostat.reset_limit()

    def apply_heater(self) -> None:
        """Bring mode, control input and heater range of output 1 to the cold finger."""
        self._notice_limit()
        mode, control_input, _ = self._kept("OUTMODE", 1, (1, 1, 0))
        name = MODES.get(mode, "off")
        if name == "closed_loop" and control_input not in (1, 2):
            name = "off"
        share = {0: 0.0, 1: 0.01, 2: 0.1, 3: 1.0}[self._ranges[1]]
        self.cryostat.control(
            mode=name, on_sample=control_input == 2, maximum_power=share * self._full_power()
        )

    def apply_loop(self, output: int) -> None:
        """Bring ramp, PID and manual output to the cold finger."""
        if output != 1:
            return
        ramping, rate = self._kept("RAMP", 1, (0, 0.0))
        p, i, d = self._kept("PID", 1, PID_DEFAULT)
        self.cryostat.control(
            ramp_rate=rate / 60 if ramping else 0.0,
            proportional=p,
            integral=i,
            derivative=d,
            manual_output=self._kept("MOUT", 1, (0.0,))[0],
        )

    def apply_limit(self, letter: str) -> None:
        """Bring a temperature limit to the cold finger."""
        limit = self._kept("TLIMIT", letter, (0.0,))[0]
        if letter in "AB":
            self.cryostat.control(**{{"A": "stage_limit", "B": "sample_limit"}[letter]: limit})


class Lakeshore335(Lakeshore336):
    """The 335: two inputs, two outputs, no network; heaters are set up with one value more."""

    name = "lakeshore335"
    identity = "LSCI,MODEL335,335SIM1/#######,1.5"
    commands = COMMANDS_335
