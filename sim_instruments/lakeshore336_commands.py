"""What a Lake Shore 336 or 335 answers: its command tables; the handlers are methods of `lakeshore336`.

[D] and [M] are the tags of the facts' sources; [?] marks what is assumed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sim_instruments.scpi import Command, Number, Parameter, Reply, ScpiBox, ScpiError, Text

PID_DEFAULT = (50.0, 20.0, 0.0)
HEATER_DEFAULT = (2, 2, 1.0, 2)
ALARM_DEFAULT = (0, 1000.0, 0.0, 0.0, 0, 1, 1)
RELAY_DEFAULT = (0, "A", 0)


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

    def values_of(box: Any, key: tuple[Any, ...]) -> tuple[Any, ...]:
        return box.settings.get((header, *key), default)

    def keep(box: Any, *values: Any) -> None:
        key, new = values[: len(by)], values[len(by) :]
        old = values_of(box, key)
        new += (None,) * (len(old) - len(new))
        box.settings[header, *key] = tuple(o if n is None else n for o, n in zip(old, new, strict=True))
        if after is not None:
            after(box, *key)

    def answer(box: Any, *key: Any) -> str:
        values = values_of(box, key)
        return ",".join(field.reply(value, box) for field, value in zip(fields, values, strict=True))

    return Command(header, meaning=meaning, source=source, takes=takes, asks=by, set=keep, query=answer)


_CLIENTS = "[D] PyMeasure, lakeshore, QCoDeS, InstrumentKit"
_LAKESHORE = "[D] lakeshore 1.10"
_MANUAL_340 = "[M] 340 p. 137, 372 p. 185"
_PANEL = "without effect on the simulation"


def _readings(convert: Callable[[float], float]) -> Callable[..., Reply]:
    return lambda box, letter="0": box.answer_readings(letter, convert)


def _diode_voltage(kelvin: float) -> float:
    """Sensor units: a silicon diode falls by about 2.3 mV for each kelvin [V]."""
    return max(0.519 + (300.0 - kelvin) * 2.3e-3, 0.0)


def _curve_point(box: Any, curve: int, index: int) -> str:
    sensor, kelvin = box.settings.get(("CRVPT", curve, index), (0.0, 0.0))
    return f"{sensor:+.5f},{kelvin:+.3f}"


def _set_curve_point(box: Any, curve: int, index: int, *point: float) -> None:
    if len(point) < 2:
        raise ScpiError(-109)
    box.settings["CRVPT", curve, index] = point[:2]


def _soft_calibrate(box: Any, standard: int, curve: int, serial: str, *points: float) -> None:
    if len(points) < 2 or len(points) % 2:
        raise ScpiError(-109)
    _delete_curve(box, curve)
    box.settings["CRVHDR", curve] = (f"SCAL_{standard}", serial, 2, 325.0, 1)
    for index, (kelvin, sensor) in enumerate(zip(points[::2], points[1::2], strict=True), 1):
        box.settings["CRVPT", curve, index] = (sensor, kelvin)


def _factory_settings(box: Any, code: int) -> None:
    box.settings.clear()
    box.reset()


def _delete_curve(box: Any, curve: int) -> None:
    for key in [key for key in box.settings if isinstance(key, tuple) and key[1:2] == (curve,)]:
        if key[0] in ("CRVPT", "CRVHDR"):
            del box.settings[key]


def _set_operation_enable(box: Any, mask: int) -> None:
    box.operation_status.enable = mask


def _operation_condition(box: Any) -> int:
    box.update_operation_status()
    return box.operation_status.condition


def _operation_event(box: Any) -> int:
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
        source=_CLIENTS + "; [?] `setpoint_latency`, `setpoint_query_follows_ramp`",
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
        "SCAL",
        meaning=f"Curve of one to three points beside a standard one, with serial number; {_PANEL}",
        source="[D] socs",
        takes=(whole(1, 20), whole(21, 59), Label(bare=True, length=10), *(VALUE,) * 6),
        set=_soft_calibrate,
    ),
    Command(
        "DFLT",
        meaning="Factory settings, by the code 99",
        source="[M] 336 ch. 6 [?]",
        takes=(whole(99, 99),),
        set=_factory_settings,
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

COMMANDS_336: tuple[Command, ...] = (
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


COMMANDS_335: tuple[Command, ...] = (
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
