"""A stand-in for the Lake Shore 336 temperature controller, with the 335 as a dialect of it.

Output 1 heats the cryostat; input A reads the stage's sensor, input B one beside the sample. Lake Shore's
commands are not SCPI: words without a tree, a query's question mark may touch its parameter, and errors show
in ``*ESR?`` only.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sim_instruments.clock import Clock
from sim_instruments.cryostat import ControlMode, Cryostat
from sim_instruments.scpi import (
    Command,
    Number,
    Parameter,
    Reply,
    ScpiBox,
    ScpiError,
    StatusRegister,
    Text,
)

MODES: dict[int, ControlMode] = {0: "off", 1: "closed_loop", 2: "closed_loop", 3: "open_loop"}
FULL_CURRENTS = (0.0, 0.707, 1.0, 1.141, 2.0)  # [A], by the index of HTRSET; 0 is the user's own value
INVALID, SENSOR_OVER = 1, 128  # bits of RDGST?
ALARMING, SENSOR_OVERLOAD, RAMP_DONE, NEW_READING = 1, 2, 8, 16  # bits of OPST?


@dataclass(frozen=True)
class Field(Number):
    """A number as Lake Shore prints it: sign, leading zeros, fixed places.

    Parameters
    ----------
    form : format specification of the reply
    kept_when_empty : left empty, it keeps its value: None
    """

    form: str = "d"
    kept_when_empty: bool = False

    def convert(self, text: str, box: ScpiBox) -> float | int | None:  # type: ignore[override]
        return None if self.kept_when_empty and text == "" else super().convert(text, box)

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


def whole(low: float, high: float, form: str = "d", *, optional: bool = False) -> Field:
    """A whole number within bounds."""
    return Field(low, high, integer=True, form=form, optional=optional)


INPUTS = {"lakeshore336": "ABCD", "lakeshore335": "AB"}
INPUT = Input()
OUTPUT = whole(1, 4)
HEATER = whole(1, 2)
SWITCH = whole(0, 1)
KELVIN = Field(0, 1505, form="+08.3f")
VALUE = Field(form="+08.3f", optional=True)
GAIN = Field(0, 1000, form="+07.1f")
PERCENT = Field(0, 100, form="+07.2f")


def kept(
    header: str,
    *fields: Parameter,
    by: tuple[Parameter, ...] = (),
    default: tuple[Any, ...],
    meaning: str,
    source: str,
    after: Callable[..., None] | None = None,
) -> Command:
    """A command that keeps some values, for each output or input where `by` names them.

    Parameters
    ----------
    fields : what is kept
    by : the output, input or curve it is kept for
    default : values before anybody set them
    after : called with the box, and what `by` named, once they have changed
    """

    takes = (*by, *(replace(f, kept_when_empty=True) if isinstance(f, Field) else f for f in fields))

    def values_of(box: "Lakeshore336", key: tuple[Any, ...]) -> tuple[Any, ...]:
        return box.settings.get((header, *key), default)

    def keep(box: "Lakeshore336", *values: Any) -> None:
        key, new = values[: len(by)], values[len(by) :]
        old = values_of(box, key)
        new += (None,) * (len(old) - len(new))
        box.settings[header, *key] = tuple(o if n is None else n for o, n in zip(old, new, strict=True))
        if after is not None:
            after(box, *key)

    def answer(box: "Lakeshore336", *key: Any) -> str:
        values = values_of(box, key)
        return ",".join(field.reply(value, box) for field, value in zip(fields, values, strict=True))

    return Command(header, meaning=meaning, source=source, takes=takes, asks=by, set=keep, query=answer)


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


PID_DEFAULT = (50.0, 20.0, 0.0)
HEATER_DEFAULT = (2, 2, 1.0, 2)
ALARM_DEFAULT = (0, 1000.0, 0.0, 0.0, 0, 1, 1)
RELAY_DEFAULT = (0, "A", 0)

_CLIENTS = "[D] PyMeasure, lakeshore, QCoDeS, InstrumentKit"
_LAKESHORE = "[D] lakeshore 1.10"
_MANUAL_340 = "[M] 340 p. 137, 372 p. 185"
_PANEL = "without effect on the simulation"


def _readings(convert: Callable[[float], float]) -> Callable[..., Reply]:
    return lambda box, letter="0": box.answer_readings(letter, convert)


def _diode_voltage(kelvin: float) -> float:
    """Sensor units: a silicon diode falls by about 2.3 mV for each kelvin [V]."""
    return max(0.519 + (300.0 - kelvin) * 2.3e-3, 0.0)


def _curve_point(box: "Lakeshore336", curve: int, index: int) -> str:
    sensor, kelvin = box.settings.get(("CRVPT", curve, index), (0.0, 0.0))
    return f"{sensor:+.5f},{kelvin:+.3f}"


def _set_curve_point(box: "Lakeshore336", curve: int, index: int, *point: float) -> None:
    if len(point) < 2:
        raise ScpiError(-109)
    box.settings["CRVPT", curve, index] = point[:2]


def _delete_curve(box: "Lakeshore336", curve: int) -> None:
    for key in [key for key in box.settings if isinstance(key, tuple) and key[1:2] == (curve,)]:
        if key[0] in ("CRVPT", "CRVHDR"):
            del box.settings[key]


def _set_operation_enable(box: "Lakeshore336", mask: int) -> None:
    box.operation_status.enable = mask


def _operation_condition(box: "Lakeshore336") -> int:
    box.update_operation_status()
    return box.operation_status.condition


def _operation_event(box: "Lakeshore336") -> int:
    box.update_operation_status()
    return box.operation_status.read_event()


TEMPERATURE_COMMANDS = (
    Command(
        "KRDG",
        meaning="Reading of an input [K]; 0 for all",
        source=_CLIENTS,
        asks=(Input(every=True, optional=True),),
        query=_readings(lambda kelvin: kelvin),
    ),
    Command(
        "CRDG",
        meaning="Reading of an input [°C]",
        source=_CLIENTS,
        asks=(Input(every=True, optional=True),),
        query=_readings(lambda kelvin: kelvin - 273.15),
    ),
    Command(
        "SRDG",
        meaning="Reading of an input in sensor units [V]",
        source=_CLIENTS,
        asks=(Input(every=True, optional=True),),
        query=_readings(_diode_voltage),
    ),
    Command(
        "RDGST",
        meaning="Status of a reading: 1 invalid, 16 under, 32 over, 64 zero, 128 sensor over",
        source="[M] 331 p. 133",
        asks=(INPUT,),
        query=lambda box, letter: f"{box.reading_status(letter):03d}",
    ),
    Command(
        "MDAT",
        meaning="Lowest and highest reading of an input [K]",
        source=_LAKESHORE,
        asks=(INPUT,),
        query=lambda box, letter: box.extremes(letter),
    ),
    Command(
        "MNMXRST",
        meaning="Forget lowest and highest readings",
        source=_LAKESHORE,
        set=lambda box: box.lowest_and_highest.clear(),
    ),
    Command(
        "TEMP",
        meaning="Temperature of the thermocouple block [K]",
        source=_LAKESHORE,
        query=lambda box: box.format_number(300.0),
    ),
    kept(
        "INNAME", Label(bare=True), by=(INPUT,), default=("",), meaning="Name of an input", source=_LAKESHORE
    ),
    kept(
        "INTYPE",
        whole(0, 5),
        SWITCH,
        whole(0, 8),
        SWITCH,
        whole(1, 3),
        by=(INPUT,),
        default=(1, 0, 0, 0, 1),
        meaning=f"Sensor type, autorange, range, compensation, unit; {_PANEL}",
        source=_LAKESHORE,
    ),
    kept(
        "INCRV",
        whole(0, 59),
        by=(INPUT,),
        default=(2,),
        meaning=f"Curve of an input; {_PANEL}",
        source=_LAKESHORE,
    ),
    kept(
        "DIOCUR",
        SWITCH,
        by=(INPUT,),
        default=(0,),
        meaning=f"Diode current 10 µA or 1 mA; {_PANEL}",
        source=_LAKESHORE,
    ),
    kept(
        "FILTER",
        SWITCH,
        whole(2, 64),
        whole(1, 10),
        by=(INPUT,),
        default=(0, 10, 2),
        meaning=f"Filter on, points, window [%]; {_PANEL}",
        source=_LAKESHORE,
    ),
    kept(
        "TLIMIT",
        KELVIN,
        by=(INPUT,),
        default=(0.0,),
        after=lambda box, letter: box.apply_limit(letter),
        meaning="Temperature that switches all heaters off [K]; 0 is none",
        source=_LAKESHORE,
    ),
    kept(
        "ALARM",
        SWITCH,
        VALUE,
        VALUE,
        VALUE,
        whole(0, 1, optional=True),
        whole(0, 1, optional=True),
        whole(0, 1, optional=True),
        by=(INPUT,),
        default=ALARM_DEFAULT,
        meaning="On, high, low, dead band [K], latching, audible, visible",
        source=_LAKESHORE,
    ),
    Command(
        "ALARMST",
        meaning="High and low alarm of an input",
        source=_LAKESHORE,
        asks=(INPUT,),
        query=lambda box, letter: ",".join(str(int(state)) for state in box.alarm_state(letter)),
    ),
    Command("ALMRST", meaning="Forget latched alarms", source=_LAKESHORE, set=lambda box: box.alarms.clear()),
    kept(
        "RELAY",
        whole(0, 2),
        Input(optional=True),
        whole(0, 2, optional=True),
        by=(HEATER,),
        default=RELAY_DEFAULT,
        meaning="Off, on or by an alarm; of which input; low, high or both",
        source=_LAKESHORE,
    ),
    Command(
        "RELAYST",
        meaning="1 while a relay is on",
        source=_LAKESHORE,
        asks=(HEATER,),
        query=lambda box, relay: box.relay_is_on(relay),
    ),
)

LOOP_COMMANDS = (
    Command(
        "SETP",
        meaning="Set point of an output [K]",
        source=_CLIENTS,
        takes=(OUTPUT, KELVIN),
        asks=(OUTPUT,),
        set=lambda box, output, kelvin: box.set_setpoint(output, kelvin),
        query=lambda box, output: box.setpoint(output),
    ),
    kept(
        "RAMP",
        SWITCH,
        Field(0, 100, form="+06.1f"),
        by=(OUTPUT,),
        default=(0, 0.0),
        after=lambda box, output: box.apply_loop(output),
        meaning="Ramp on or off, rate [K/min]; 0 steps",
        source=_MANUAL_340,
    ),
    Command(
        "RAMPST",
        meaning="1 while the set point moves",
        source=_MANUAL_340,
        asks=(OUTPUT,),
        query=lambda box, output: int(output == 1 and box.cryostat.is_ramping),
    ),
    Command(
        "RANGE",
        meaning="Heater range: 0 off, 1 low, 2 medium, 3 high",
        source=_CLIENTS,
        takes=(OUTPUT, whole(0, 3)),
        asks=(OUTPUT,),
        set=lambda box, output, heater_range: box.set_range(output, heater_range),
        query=lambda box, output: box.range(output),
    ),
    Command(
        "HTR",
        meaning="Heater output [%]",
        source=_CLIENTS,
        asks=(HEATER,),
        query=lambda box, output: f"{box.heater_percent() if output == 1 else 0.0:+06.1f}",
    ),
    Command(
        "HTRST",
        meaning="Heater fault: 0 none, 1 open load, 2 short",
        source=_LAKESHORE,
        asks=(HEATER,),
        query=lambda box, output: int(output == 2 or box.cryostat.heater_broken),
    ),
    Command(
        "AOUT",
        meaning="Analog output [%]",
        source=_LAKESHORE,
        asks=(whole(3, 4),),
        query=lambda box, output: "+000.0",
    ),
    kept(
        "PID",
        GAIN,
        GAIN,
        Field(0, 200, form="+07.1f"),
        by=(OUTPUT,),
        default=PID_DEFAULT,
        after=lambda box, output: box.apply_loop(output),
        meaning="Proportional, integral, derivative",
        source=_LAKESHORE,
    ),
    kept(
        "MOUT",
        PERCENT,
        by=(OUTPUT,),
        default=(0.0,),
        after=lambda box, output: box.apply_loop(output),
        meaning="Manual output [%]",
        source=_LAKESHORE,
    ),
    kept(
        "OUTMODE",
        whole(0, 5),
        whole(0, 8),
        SWITCH,
        by=(OUTPUT,),
        default=(1, 1, 0),
        after=lambda box, output: box.apply_heater(),
        meaning="Mode, control input, on after power-up",
        source=_LAKESHORE,
    ),
    kept(
        "ANALOG",
        whole(0, 8),
        whole(1, 3),
        VALUE,
        VALUE,
        SWITCH,
        by=(OUTPUT,),
        default=(1, 1, 1e3, 0.0, 0),
        meaning=f"Monitor output: input, unit, high, low, polarity; {_PANEL}",
        source=_LAKESHORE,
    ),
    kept(
        "WARMUP",
        SWITCH,
        PERCENT,
        by=(OUTPUT,),
        default=(0, 100.0),
        meaning=f"Warm-up supply; {_PANEL}",
        source=_LAKESHORE,
    ),
    kept(
        "ZONE",
        KELVIN,
        GAIN,
        GAIN,
        GAIN,
        PERCENT,
        whole(0, 3),
        whole(0, 8),
        Field(0, 100, form="+06.1f"),
        by=(HEATER, whole(1, 10)),
        default=(0.0, 50.0, 20.0, 0.0, 0.0, 0, 1, 0.1),
        meaning=f"Zone table; {_PANEL}",
        source=_LAKESHORE,
    ),
    Command(
        "ATUNE",
        meaning="Autotune an output; not started here, TUNEST? says so",
        source=_LAKESHORE,
        takes=(OUTPUT, whole(0, 2)),
        set=lambda box, output, mode: None,
    ),
    Command(
        "TUNEST", meaning="Tuning, output, error, stage", source=_LAKESHORE, query=lambda box: "0,1,0,00"
    ),
)

PANEL_COMMANDS = (
    Command(
        "OPST",
        meaning="Operation condition: 1 alarm, 2 overload, 8 ramp done, 16 new reading",
        source=_LAKESHORE,
        query=_operation_condition,
    ),
    Command(
        "OPSTR", meaning="Operation events; reading clears them", source=_LAKESHORE, query=_operation_event
    ),
    Command(
        "OPSTE",
        meaning="Operation event enable",
        source=_LAKESHORE,
        takes=(whole(0, 255),),
        set=_set_operation_enable,
        query=lambda box: f"{box.operation_status.enable:03d}",
    ),
    kept(
        "CRVHDR",
        Label(bare=True),
        Label(bare=True, length=10),
        whole(1, 4),
        KELVIN,
        whole(1, 2),
        by=(whole(1, 59),),
        default=("", "", 2, 325.0, 1),
        meaning=f"Header of a curve; {_PANEL}",
        source=_LAKESHORE,
    ),
    Command(
        "CRVPT",
        meaning=f"Point of a curve; {_PANEL}",
        source=_LAKESHORE,
        takes=(whole(1, 59), whole(1, 200), VALUE, VALUE, VALUE),
        asks=(whole(1, 59), whole(1, 200)),
        set=_set_curve_point,
        query=_curve_point,
    ),
    Command(
        "CRVDEL", meaning="Delete a user curve", source=_LAKESHORE, takes=(whole(21, 59),), set=_delete_curve
    ),
    kept(
        "DISPFLD",
        whole(0, 12),
        whole(0, 6),
        by=(whole(1, 8),),
        default=(1, 1),
        meaning=f"What a field of the display shows; {_PANEL}",
        source=_LAKESHORE,
    ),
    kept(
        "LOCK",
        SWITCH,
        whole(0, 999, "03d"),
        default=(0, 123),
        meaning=f"Keypad lock, code; {_PANEL}",
        source=_LAKESHORE,
    ),
    kept(
        "MODE",
        whole(0, 2),
        default=(0,),
        meaning=f"Local, remote, remote and locked; {_PANEL}",
        source=_LAKESHORE,
    ),
    kept("LEDS", SWITCH, default=(1,), meaning=f"Front panel lights; {_PANEL}", source=_LAKESHORE),
    kept("IEEE", whole(1, 30), default=(12,), meaning=f"GPIB address; {_PANEL}", source=_LAKESHORE),
)

ETHERNET_COMMANDS = (
    kept("INTSEL", whole(0, 2), default=(1,), meaning=f"USB, Ethernet or GPIB; {_PANEL}", source=_LAKESHORE),
    kept(
        "NET",
        SWITCH,
        SWITCH,
        *(Label(bare=True, length=n) for n in (15, 15, 15, 15, 15, 15, 64, 32)),
        default=(
            1,
            0,
            "127.0.0.1",
            "255.0.0.0",
            "0.0.0.0",
            "0.0.0.0",
            "0.0.0.0",
            "LSCI-336",
            "",
            "simulated",
        ),
        meaning=f"Network settings; {_PANEL}",
        source=_LAKESHORE,
    ),
    Command(
        "NETID",
        meaning="Network state",
        source=_LAKESHORE,
        query=lambda box: "1,127.0.0.1,255.0.0.0,0.0.0.0,0.0.0.0,0.0.0.0,00:00:00:00:00:00,LSCI-336,local",
    ),
    kept(
        "WEBLOG",
        Label(bare=True),
        Label(bare=True),
        default=("user", "user"),
        meaning=f"Login of the web page; {_PANEL}",
        source=_LAKESHORE,
    ),
)

Lakeshore336.commands = (
    *TEMPERATURE_COMMANDS,
    *LOOP_COMMANDS,
    *PANEL_COMMANDS,
    *ETHERNET_COMMANDS,
    kept("BRIGT", whole(1, 32), default=(28,), meaning=f"Contrast; {_PANEL}", source=_LAKESHORE),
    kept(
        "HTRSET",
        whole(1, 2),
        whole(0, 4),
        Field(0, 2, form="+.3f"),
        whole(1, 2),
        by=(HEATER,),
        default=HEATER_DEFAULT,
        after=lambda box, output: box.apply_heater(),
        meaning="Heater: 1 25 Ω or 2 50 Ω, full current by index, by the user [A], display 1 current 2 power",
        source=_LAKESHORE,
    ),
    kept(
        "DISPLAY",
        whole(0, 10),
        whole(0, 8, optional=True),
        whole(0, 4, optional=True),
        default=(4, 0, 1),
        meaning=f"What the display shows; {_PANEL}",
        source=_LAKESHORE,
    ),
)


class Lakeshore335(Lakeshore336):
    """The 335: two inputs, two outputs, no network; heaters are set up with one value more."""

    name = "lakeshore335"
    identity = "LSCI,MODEL335,335SIM1/#######,1.5"


Lakeshore335.commands = (
    *TEMPERATURE_COMMANDS,
    *LOOP_COMMANDS,
    *PANEL_COMMANDS,
    kept("BRIGT", whole(0, 3), default=(3,), meaning=f"Brightness; {_PANEL}", source=_LAKESHORE),
    kept(
        "HTRSET",
        SWITCH,
        whole(1, 2),
        whole(0, 4),
        Field(0, 2, form="+.3f"),
        whole(1, 2),
        by=(HEATER,),
        default=(0, *HEATER_DEFAULT),
        after=lambda box, output: box.apply_heater(),
        meaning="Heater: current or voltage, 25 or 50 Ω, full current by index or user [A], display",
        source=_LAKESHORE,
    ),
    kept(
        "DISPLAY", whole(0, 10), default=(4,), meaning=f"What the display shows; {_PANEL}", source=_LAKESHORE
    ),
    kept(
        "POLARITY",
        SWITCH,
        by=(whole(2, 2, optional=True),),
        default=(0,),
        meaning=f"Polarity of output 2; {_PANEL}",
        source=_LAKESHORE,
    ),
    kept(
        "EMUL",
        SWITCH,
        whole(0, 1, optional=True),
        default=(0, 0),
        meaning=f"Emulate a 331; {_PANEL}",
        source=_LAKESHORE,
    ),
)
