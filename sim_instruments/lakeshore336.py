"""A stand-in for the Lake Shore 336 temperature controller, with the 335 as a dialect of it.

Output 1 heats the cryostat; input A reads the stage's sensor, input B one beside the sample. Lake Shore's
commands are not SCPI: words without a tree, a query's question mark may touch its parameter, and errors show
in ``*ESR?`` only.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sim_instruments.clock import Clock
from sim_instruments.cryostat import ControlMode, Cryostat
from sim_instruments.scpi import Command, Number, Parameter, Reply, ScpiBox, ScpiError, Text

MODES: dict[int, ControlMode] = {0: "off", 1: "closed_loop", 2: "closed_loop", 3: "open_loop"}
FULL_CURRENTS = (0.0, 0.707, 1.0, 1.141, 2.0)  # [A], by the index of HTRSET; 0 is the user's own value
INVALID, UNDER, OVER, SENSOR_ZERO, SENSOR_OVER = 1, 16, 32, 64, 128  # bits of RDGST?
RAMP_DONE, NEW_READING, ALARMING = 8, 16, 1  # bits of OPST?


@dataclass(frozen=True)
class Field(Number):
    """A number as Lake Shore prints it: sign, leading zeros, fixed places; an empty one keeps its value.

    Parameters
    ----------
    form : format specification of the reply
    """

    form: str = "d"

    def convert(self, text: str, box: ScpiBox) -> float | int | None:  # type: ignore[override]
        return None if text == "" else super().convert(text, box)

    def reply(self, value: Any, box: ScpiBox) -> str:
        return format(int(value) if self.integer else value, self.form)


@dataclass(frozen=True)
class Label(Text):
    """A text of limited length, answered without quotes and padded, as the 336 does."""

    length: int = 15

    def reply(self, value: Any, box: ScpiBox) -> str:
        return str(value)[: self.length].ljust(self.length)


@dataclass(frozen=True)
class Input(Parameter):
    """A sensor input by its letter; with `every`, 0 stands for all of them."""

    every: bool = False

    def convert(self, text: str, box: ScpiBox) -> str:
        letter = text.strip().upper()
        if letter in INPUTS[box.name] or (self.every and letter in ("0", "")):
            return letter or "0"
        raise ScpiError(-224)

    def describe(self) -> str:
        return "A|B|C|D" + ("|0" if self.every else "")


INPUTS = {"lakeshore336": "ABCD", "lakeshore335": "AB"}
OUTPUT = Field(1, 4, integer=True, out_of_range=-224)
WHOLE = Field(integer=True)
SWITCH = Field(0, 1, integer=True)


def _integer(low: int, high: int, form: str = "d") -> Field:
    return Field(low, high, integer=True, form=form)


def kept(
    header: str,
    *fields: Parameter,
    by: Parameter | None = None,
    default: tuple[Any, ...],
    meaning: str,
    source: str,
    after: Callable[..., None] | None = None,
) -> Command:
    """A command that keeps some values, for each output or input where `by` names them.

    Parameters
    ----------
    fields : what is kept
    by : the output or input it is kept for
    default : values before anybody set them
    after : called with the box, and the output or input, once they have changed
    """

    def values_of(box: "Lakeshore336", key: tuple[Any, ...]) -> tuple[Any, ...]:
        return box.settings.get((header, *key), default)

    def keep(box: "Lakeshore336", *values: Any) -> None:
        key, new = (values[:1], values[1:]) if by else ((), values)
        old = values_of(box, key)
        new += (None,) * (len(old) - len(new))
        box.settings[header, *key] = tuple(o if n is None else n for o, n in zip(old, new, strict=True))
        if after is not None:
            after(box, *key)

    def answer(box: "Lakeshore336", *key: Any) -> str:
        return ",".join(
            field.reply(value, box) for field, value in zip(fields, values_of(box, key), strict=True)
        )

    selector = (by,) if by else ()
    return Command(
        header,
        meaning=meaning,
        source=source,
        takes=(*selector, *fields),
        asks=selector,
        set=keep,
        query=answer,
    )


class Lakeshore336(ScpiBox):
    """The controller on a cryostat, as the last user left it: output 1 holding 297 K in its high range.

    Parameters
    ----------
    clock, seed : as of every box
    cryostat : what output 1 heats and inputs A and B read
    """

    name = "lakeshore336"
    identity = "LSCI,MODEL336,336SIM1/#######,2.9"
    terminator = b"\r\n"
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
        self._old_setpoint = (-1.0, 0.0)
        self._latched: set[tuple[str, str]] = set()
        self._extremes: dict[str, tuple[float, float]] = {}
        super().__init__(clock=clock, seed=seed)
        self._ranges[1] = 3
        self._apply_heater()
        cryostat.settle()

    def reset(self) -> None:
        """``*RST`` and power-up: heaters off unless OUTMODE says otherwise, the rest is remembered ([?])."""
        super().reset()
        for output in self._ranges:
            if not self._kept("OUTMODE", output, (1, 1, 0))[2]:
                self._ranges[output] = 0
        self._apply_heater()

    def format_number(self, value: float) -> str:
        return f"{value:+08.3f}"

    # readings

    def kelvin(self, letter: str) -> float | None:
        """One reading of an input [K]; None where it has no valid sensor."""
        measure = {"A": self.cryostat.measure_stage, "B": self.cryostat.measure_sample}.get(letter)
        if measure is None or self.cryostat.sensor_lost:
            return None
        reading = measure()
        low, high = self._extremes.get(letter, (reading, reading))
        self._extremes[letter] = (min(low, reading), max(high, reading))
        return reading

    def reading_status(self, letter: str) -> int:
        """Bits of RDGST?."""
        if letter not in "AB":
            return INVALID
        return SENSOR_OVER if self.cryostat.sensor_lost else 0

    def answer_readings(self, letter: str, convert: Callable[[float], float]) -> str:
        """The reading of an input, or of all for 0; an input without a sensor answers zero."""
        letters = INPUTS[self.name] if letter == "0" else letter
        readings = (self.kelvin(each) for each in letters)
        return ",".join(
            self.format_number(convert(kelvin) if kelvin is not None else 0.0) for kelvin in readings
        )

    def alarm_state(self, letter: str) -> tuple[bool, bool]:
        """High and low alarm of an input."""
        on, high, low, _, latching, *_ = self._kept("ALARM", letter, ALARM_DEFAULT)
        kelvin = self.kelvin(letter)
        if not on or kelvin is None:
            return False, False
        for which, state in (("high", kelvin > high), ("low", kelvin < low)):
            if state and latching:
                self._latched.add((letter, which))
        return (
            kelvin > high or (letter, "high") in self._latched,
            kelvin < low or (letter, "low") in self._latched,
        )

    # the loop

    def set_setpoint(self, output: int, kelvin: float) -> None:
        self._old_setpoint = (self.clock.monotonic(), self.setpoint(output))
        self.settings["SETP", output] = kelvin
        if output == 1:
            self.cryostat.control(setpoint=kelvin)

    def setpoint(self, output: int) -> float:
        """What SETP? answers [K]."""
        written, before = self._old_setpoint
        if written >= 0 and self.clock.monotonic() < written + self.setpoint_latency:
            return before
        if output == 1 and self.setpoint_query_follows_ramp:
            return self.cryostat.moving_setpoint
        return float(self.settings.get(("SETP", output), 297.0 if output == 1 else 0.0))

    def set_range(self, output: int, heater_range: int) -> None:
        if heater_range > (3 if output <= 2 else 1):
            raise ScpiError(-222)
        self._ranges[output] = heater_range
        self._apply_heater()

    def heater_range(self, output: int) -> int:
        """The heater range in use; 0 once a temperature limit has cut the heaters."""
        if self.cryostat.limit_tripped:
            self._ranges = dict.fromkeys(self._ranges, 0)
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

    def _apply_heater(self) -> None:
        mode, control_input, _ = self._kept("OUTMODE", 1, (1, 1, 0))
        power = {0: 0.0, 1: 0.01, 2: 0.1, 3: 1.0}[self._ranges[1]] * self._full_power()
        closed_without_sensor = MODES.get(mode) == "closed_loop" and control_input not in (1, 2)
        self.cryostat.reset_limit()
        self.cryostat.control(
            mode="off" if closed_without_sensor else MODES.get(mode, "off"), maximum_power=power
        )

    def _apply_loop(self, output: int) -> None:
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

    def _apply_limit(self, letter: str) -> None:
        if letter == "A":
            self.cryostat.control(temperature_limit=self._kept("TLIMIT", "A", (0.0,))[0])


PID_DEFAULT = (50.0, 20.0, 0.0)
HEATER_DEFAULT = (2, 2, 1.0, 2)
ALARM_DEFAULT = (0, 1000.0, 0.0, 0.0, 0, 1, 1)

_PRESENT_DRIVERS = "[D] lakeshore 1.10; QCoDeS"
_MANUAL_340 = "[M] 340 p. 137, 372 p. 185"


def _readings(convert: Callable[[float], float]) -> Callable[..., Reply]:
    return lambda box, letter="0": box.answer_readings(letter, convert)


def _diode_voltage(kelvin: float) -> float:
    """Sensor units: a silicon diode falls by about 2.3 mV for each kelvin [V]."""
    return max(0.519 + (300.0 - kelvin) * 2.3e-3, 0.0)


def _ramp(box: Lakeshore336, output: int) -> None:
    box._apply_loop(output)


Lakeshore336.commands = (
    Command(
        "KRDG",
        meaning="Reading of an input [K]; 0 for all",
        source="[D] all four clients",
        asks=(Input(every=True, optional=True),),
        query=_readings(lambda kelvin: kelvin),
    ),
    Command(
        "CRDG",
        meaning="Reading of an input [°C]",
        source="[D] PyMeasure, lakeshore",
        asks=(Input(every=True, optional=True),),
        query=_readings(lambda kelvin: kelvin - 273.15),
    ),
    Command(
        "SRDG",
        meaning="Reading of an input in sensor units [V]",
        source="[D] PyMeasure, lakeshore",
        asks=(Input(every=True, optional=True),),
        query=_readings(_diode_voltage),
    ),
    Command(
        "RDGST",
        meaning="Status of a reading: 1 invalid, 16 under, 32 over, 64 zero, 128 sensor over",
        source="[M] 331 p. 133",
        asks=(Input(),),
        query=lambda box, letter: f"{box.reading_status(letter):03d}",
    ),
    Command(
        "SETP",
        meaning="Set point of an output [K]",
        source="[D] all four clients",
        takes=(OUTPUT, Field(0, 1505)),
        asks=(OUTPUT,),
        set=lambda box, o, kelvin: box.set_setpoint(o, kelvin),
        query=lambda box, o: box.setpoint(o),
    ),
    kept(
        "RAMP",
        SWITCH,
        Field(0, 100, form="+06.1f"),
        by=OUTPUT,
        default=(0, 0.0),
        after=_ramp,
        meaning="Ramp on or off, rate [K/min]; 0 steps",
        source=_MANUAL_340,
    ),
    Command(
        "RAMPST",
        meaning="1 while the set point moves",
        source=_MANUAL_340,
        asks=(OUTPUT,),
        query=lambda box, o: int(o == 1 and box.cryostat.is_ramping),
    ),
    Command(
        "RANGE",
        meaning="Heater range: 0 off, 1 low, 2 medium, 3 high",
        source="[D] all four clients",
        takes=(OUTPUT, _integer(0, 3)),
        asks=(OUTPUT,),
        set=lambda box, o, r: box.set_range(o, r),
        query=lambda box, o: box.heater_range(o),
    ),
    Command(
        "HTR",
        meaning="Heater output [%]",
        source="[D] all four clients",
        asks=(_integer(1, 2),),
        query=lambda box, o: f"{box.heater_percent() if o == 1 else 0.0:+06.1f}",
    ),
    Command(
        "HTRST",
        meaning="Heater fault: 0 none, 1 open load, 2 short",
        source=_PRESENT_DRIVERS,
        asks=(_integer(1, 2),),
        query=lambda box, o: int(o == 2 or box.cryostat.heater_broken),
    ),
    kept(
        "PID",
        Field(0, 1000, form="+07.1f"),
        Field(0, 1000, form="+07.1f"),
        Field(0, 200, form="+07.1f"),
        by=OUTPUT,
        default=PID_DEFAULT,
        after=_ramp,
        meaning="Proportional, integral, derivative",
        source=_PRESENT_DRIVERS,
    ),
    kept(
        "MOUT",
        Field(0, 100, form="+07.2f"),
        by=OUTPUT,
        default=(0.0,),
        after=_ramp,
        meaning="Manual output [%]",
        source=_PRESENT_DRIVERS,
    ),
    kept(
        "OUTMODE",
        _integer(0, 5),
        _integer(0, 8),
        SWITCH,
        by=OUTPUT,
        default=(1, 1, 0),
        after=lambda box, o: box._apply_heater(),
        meaning="Mode, control input, heater on after power-up",
        source=_PRESENT_DRIVERS,
    ),
    kept(
        "HTRSET",
        _integer(1, 2),
        _integer(0, 4),
        Field(0, 2, form="+.3f"),
        _integer(1, 2),
        by=_integer(1, 2),
        default=HEATER_DEFAULT,
        after=lambda box, o: box._apply_heater(),
        meaning="Heater: 1 25 Ω or 2 50 Ω, full current by index, by the user [A], display 1 current 2 power",
        source=_PRESENT_DRIVERS,
    ),
    kept(
        "TLIMIT",
        Field(0, 1505, form="+08.3f"),
        by=Input(),
        default=(0.0,),
        after=lambda box, letter: box._apply_limit(letter),
        meaning="Temperature that switches all heaters off [K]; 0 is none",
        source=_PRESENT_DRIVERS,
    ),
    kept(
        "ALARM",
        SWITCH,
        Field(form="+08.3f"),
        Field(form="+08.3f"),
        Field(form="+08.3f"),
        SWITCH,
        SWITCH,
        SWITCH,
        by=Input(),
        default=ALARM_DEFAULT,
        meaning="On, high, low, dead band, latching, audible, visible",
        source=_PRESENT_DRIVERS,
    ),
    Command(
        "ALARMST",
        meaning="High and low alarm of an input",
        source=_PRESENT_DRIVERS,
        asks=(Input(),),
        query=lambda box, letter: ",".join(str(int(state)) for state in box.alarm_state(letter)),
    ),
    Command(
        "ALMRST",
        meaning="Forget latched alarms",
        source=_PRESENT_DRIVERS,
        set=lambda box: box._latched.clear(),
    ),
)


class Lakeshore335(Lakeshore336):
    """The 335: two inputs, two outputs, the same words."""

    name = "lakeshore335"
    identity = "LSCI,MODEL335,335SIM1/#######,1.5"
