"""What the Keithley 2400 and 6514 answer alike; the handlers are methods of `keithley.KeithleyBox`.

Page numbers and tags as in `keithley`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from sim_instruments.keithley import (
    CALIBRATION_LOCKED,
    DISPLAY_WIDTHS,
    OVERFLOW,
    KeithleyBox,
)
from sim_instruments.scpi import (
    Choice,
    Command,
    Number,
    Parameter,
    Raw,
    ScpiBox,
    ScpiError,
    Switch,
    Text,
    control,
    short_form,
)


class RangeNumber(Number):
    """A value the range must hold, or UP or DOWN."""

    def convert(self, text: str, box: ScpiBox) -> Any:
        """Return the number or the word."""
        word = text.upper()
        return word if word in ("UP", "DOWN") else super().convert(text, box)


def _set_enable(name: str) -> Callable[..., None]:
    def set_enable(box: KeithleyBox, mask: int) -> None:
        getattr(box, name).enable = mask

    return set_enable


def _status_register(node: str, name: str, meaning: str) -> tuple[Command, ...]:
    source = "[M] 2400 p. 288, 6514 p. 196; during a run: [?] answers_while_running"
    return (
        Command(
            f":STATus:{node}[:EVENt]",
            meaning=f"Read and clear the {meaning} events",
            source=source,
            query=lambda box: box.format_register(getattr(box, name).read_event()),
            immediate=True,
        ),
        Command(
            f":STATus:{node}:CONDition",
            meaning=f"The {meaning} conditions now",
            source=source,
            query=lambda box: box.format_register(getattr(box, name).condition),
            immediate=True,
        ),
        Command(
            f":STATus:{node}:ENABle",
            meaning=f"Enable mask of the {meaning} events",
            source=source,
            takes=(Number(0, 65535, integer=True),),
            set=_set_enable(name),
            query=lambda box: box.format_register(getattr(box, name).enable),
            immediate=True,
        ),
    )


def _check_counts(layer: str) -> Callable[[KeithleyBox, float], None]:
    """The product of the two counts may not exceed the store (2500 on the 2400)."""
    other = "trigger count" if layer == "arm count" else "arm count"

    def set_count(box: KeithleyBox, count: float) -> None:
        product = count * box.settings[other]
        if math.isfinite(product) and product > box.store_size:
            raise ScpiError(-222)
        box.settings[layer] = count

    return set_count


def _count(layer: str) -> Callable[[KeithleyBox], str]:
    def answer(box: KeithleyBox) -> str:
        count = box.settings[f"{layer} count"]
        return f"{OVERFLOW:+.6E}" if count == math.inf else str(int(count))

    return answer


def trigger_commands(
    *,
    arm_sources: Parameter,
    trigger_sources: Parameter,
    trigger_outputs: Parameter,
    last_line: int = 4,
    delay_set: Callable[[Any], None] | None = None,
) -> tuple[Command, ...]:
    """Return the ARM, TRIGger and INITiate subsystems; only events and trigger lines differ between boxes."""
    source = "[M] 2400 ch. 18; [D]"
    lines = Number(1, last_line, integer=True)
    count = Number(1, 2500, default=1, integer=True, infinite=True)
    bypass = Choice("ACCeptor", "SOURce")
    arm, trigger = ":ARM[:SEQuence[1]][:LAYer[1]]", ":TRIGger[:SEQuence[1]]"
    return (
        Command(
            f"{arm}:COUNt",
            meaning="Passes through the arm layer",
            source=source,
            takes=(count,),
            set=_check_counts("arm count"),
            query=_count("arm"),
            keys=("arm count",),
            default=1,
        ),
        Command(
            f"{trigger}:COUNt",
            meaning="Readings in each pass; counts multiplied at most 2500",
            source=source,
            takes=(Number(1, 2500, default=1, integer=True),),
            set=_check_counts("trigger count"),
            query=_count("trigger"),
            keys=("trigger count",),
            default=1,
        ),
        control(
            f"{arm}:SOURce", arm_sources, default="IMM", key="arm source", meaning="Arm event", source=source
        ),
        control(
            f"{trigger}:SOURce",
            trigger_sources,
            default="IMM",
            key="trigger source",
            meaning="Trigger event",
            source=source,
        ),
        control(
            f"{arm}:TIMer",
            Number(0.001, 99999.99, default=0.1),
            default=0.1,
            key="arm timer",
            meaning="Interval of the timer source [s]",
            source=source,
        ),
        control(
            f"{trigger}:DELay",
            Number(0, 999.9999, default=0),
            default=0.0,
            key="trigger delay",
            meaning="Delay of the trigger layer [s]",
            after=delay_set,
            source=source,
        ),
        control(
            f"{arm}[:TCONfigure]:DIRection",
            bypass,
            default="ACC",
            key="arm bypass",
            meaning="SOURce passes the arm layer without its event the first time",
            source=source,
        ),
        control(
            f"{trigger}[:TCONfigure]:DIRection",
            bypass,
            default="ACC",
            key="trigger bypass",
            meaning="SOURce passes the trigger layer without its event the first time",
            source=source,
        ),
        control(
            f"{arm}[:TCONfigure][:ASYNchronous]:ILINe",
            lines,
            default=1,
            meaning="Arm input line",
            source=source,
        ),
        control(
            f"{arm}[:TCONfigure][:ASYNchronous]:OLINe",
            lines,
            default=2,
            meaning="Arm output line",
            source=source,
        ),
        control(
            f"{trigger}[:TCONfigure][:ASYNchronous]:ILINe",
            lines,
            default=1,
            meaning="Trigger input line",
            source=source,
        ),
        control(
            f"{trigger}[:TCONfigure][:ASYNchronous]:OLINe",
            lines,
            default=2,
            meaning="Trigger output line",
            source=source,
        ),
        control(
            f"{arm}[:TCONfigure][:ASYNchronous]:OUTPut",
            Choice("TENTer", "TEXit", "TRIGger", "NONE", repeated=True),
            default=("NONE",),
            meaning="Arm output events: kept, not acted on",
            source=source,
        ),
        control(
            f"{trigger}[:TCONfigure][:ASYNchronous]:OUTPut",
            trigger_outputs,
            default=("NONE",),
            meaning="Trigger output events: kept, not acted on",
            source=source,
        ),
        Command(f"{trigger}:CLEar", meaning="Forget pending triggers", source=source, set=lambda box: None),
        Command(
            ":INITiate[:IMMediate]",
            meaning="Start the trigger model",
            source="[M] 2400 p. 304",
            set=KeithleyBox.initiate,
        ),
        ABORT,
        TRIGGER,
    )


ABORT = Command(
    ":ABORt",
    meaning="Back to idle, at once",
    source="[M] 2400 p. 301",
    set=lambda box: box.abort(),
    immediate=True,
)
TRIGGER = Command(
    "*TRG", meaning="Bus trigger", source="IEEE 488.2", set=lambda box: box.trigger(), immediate=True
)


def _set_while_inactive(key: str) -> Callable[[KeithleyBox, Any], None]:
    def set_value(box: KeithleyBox, value: Any) -> None:
        box.check_storage_inactive()
        box.settings[key] = value

    return set_value


def _ignore(*_: Any) -> None:
    """A command that has no effect a program can see."""


READING_COMMANDS: tuple[Command, ...] = (
    Command(
        ":READ",
        meaning="ABORt, INITiate, FETCh?",
        source="[M] 2400 p. 304; its output off: [?] reads_with_output_off",
        query=KeithleyBox.read,
    ),
    Command(
        ":FETCh",
        meaning="Readings of the last run",
        source="[M] 2400 p. 302, 6514 p. 81",
        query=KeithleyBox.fetch,
    ),
    Command(
        "[:SENSe[1]]:DATA[:LATest]",
        meaning="The last reading, without a trigger",
        source="[M] 6514 p. 81",
        query=KeithleyBox.latest,
    ),
)

BUFFER_COMMANDS: tuple[Command, ...] = (
    Command(
        ":TRACe|DATA:DATA",
        meaning="The stored readings",
        source="[M] 6514 p. 115",
        query=KeithleyBox.buffer_contents,
    ),
    Command(
        ":TRACe|DATA:CLEar",
        meaning="Empty the buffer",
        source="[M] 6514 p. 115",
        set=KeithleyBox.clear_buffer,
    ),
    Command(
        ":TRACe|DATA:FREE",
        meaning="Bytes free and bytes reserved",
        source="[M] 6514 p. 115; [?] assumption: 16 bytes a reading",
        query=lambda box: f"{16 * (box.store_size - len(box.buffer))}, {16 * len(box.buffer)}",
    ),
    Command(
        ":TRACe|DATA:POINts",
        meaning="Size of the buffer",
        source="[M] 6514 p. 115, 2400 p. 323",
        takes=(Number(1, lambda box: box.store_size, default=100, integer=True),),
        set=_set_while_inactive("buffer points"),
        query=lambda box: box.settings["buffer points"],
        keys=("buffer points",),
        initial=100,
    ),
    Command(
        ":TRACe|DATA:POINts:ACTual",
        meaning="Readings stored",
        source="[M] 6514 p. 115",
        query=lambda box: len(box.buffer),
    ),
    Command(
        ":TRACe|DATA:FEED",
        meaning="What is stored: raw readings or CALCulate results",
        source="[M] 6514 p. 115",
        takes=(
            Choice(
                "SENSe",
                "CALCulate1",
                "CALCulate2",
                "NONE",
                aliases={"SENS1": "SENS", "SENSE1": "SENS", "CALC": "CALC1"},
            ),
        ),
        set=_set_while_inactive("buffer feed"),
        query=lambda box: "SENS1" if box.settings["buffer feed"] == "SENS" else box.settings["buffer feed"],
        keys=("buffer feed",),
        initial="SENS",
    ),
    Command(
        ":TRACe|DATA:FEED:CONTrol",
        meaning="NEXT fills the buffer once, NEVer stops",
        source="[M] 6514 p. 115",
        takes=(Choice("NEXT", "NEVer"),),
        set=KeithleyBox.set_buffer_control,
        query=lambda box: box.settings["buffer control"],
        keys=("buffer control",),
        initial="NEV",
    ),
    Command(
        ":TRACe|DATA:TSTamp:FORMat",
        meaning="Stored time stamps absolute or as steps",
        source="[M] 6514 p. 115, p. 216",
        takes=(Choice("ABSolute", "DELTa"),),
        set=_set_while_inactive("buffer times"),
        query=lambda box: box.settings["buffer times"],
        keys=("buffer times",),
        initial="ABS",
    ),
    control(
        ":CALCulate3:FORMat",
        Choice("MEAN", "SDEViation", "MAXimum", "MINimum", "PKPK"),
        default="MEAN",
        key="statistic",
        meaning="Statistic of the stored readings",
        source="[M] 6514 p. 115",
    ),
)

STATUS_COMMANDS: tuple[Command, ...] = (
    *_status_register("MEASurement", "measurement_status", "measurement"),
    *_status_register("OPERation", "operation_status", "operation"),
    *_status_register("QUEStionable", "questionable_status", "questionable"),
    Command(
        ":STATus:PRESet",
        meaning="Clear the enables of the three registers",
        source="[M] 2400 ch. 18",
        set=KeithleyBox.preset_status,
        immediate=True,
    ),
    Command(
        ":STATus:QUEue[:NEXT]",
        meaning="Oldest error, removed from the queue",
        source="[M] 2400 ch. 18",
        query=lambda box: box.format_error(box.pop_error()),
        immediate=True,
    ),
    Command(
        ":STATus:QUEue:CLEar",
        meaning="Empty the error queue",
        source="[M] 2400 ch. 18",
        set=lambda box: box.errors.clear(),
        immediate=True,
    ),
    Command(
        ":STATus:QUEue:ENABle",
        meaning="Codes that may enter the queue, as (-110:-222,-410); no others",
        source="[M] 2400 ch. 18",
        takes=(Raw(repeated=True),),
        set=KeithleyBox.enable_messages,
        query=lambda box: box.enabled_messages(),
    ),
    Command(
        ":STATus:QUEue:DISable",
        meaning="Codes that may not enter the queue",
        source="[M] 2400 ch. 18",
        takes=(Raw(repeated=True),),
        set=KeithleyBox.disable_messages,
        query=lambda box: box.enabled_messages(False),
    ),
)


def _all_errors(box: KeithleyBox) -> str:
    entries = [box.format_error(box.pop_error()) for _ in range(len(box.errors))]
    return ",".join(entries) or box.format_error(0)


SYSTEM_COMMANDS: tuple[Command, ...] = (
    Command(
        ":SYSTem:ERRor:ALL",
        meaning="Every error, removed",
        source="[M] 2400 ch. 18",
        query=_all_errors,
        immediate=True,
    ),
    Command(
        ":SYSTem:ERRor:COUNt",
        meaning="Errors in the queue",
        source="[M] 2400 ch. 18",
        query=lambda box: len(box.errors),
        immediate=True,
    ),
    Command(
        ":SYSTem:ERRor:CODE[:NEXT]",
        meaning="Oldest error's code alone, removed",
        source="[M] 2400 ch. 18",
        query=lambda box: box.pop_error(),
        immediate=True,
    ),
    Command(
        ":SYSTem:ERRor:CODE:ALL",
        meaning="Every error's code, removed",
        source="[M] 2400 ch. 18",
        query=lambda box: ",".join(str(box.pop_error()) for _ in range(len(box.errors))) or "0",
        immediate=True,
    ),
    Command(
        ":SYSTem:CLEar",
        meaning="Empty the error queue",
        source="[M] 2400 ch. 18",
        set=lambda box: box.errors.clear(),
        immediate=True,
    ),
    Command(
        ":SYSTem:PRESet",
        meaning="Front-panel defaults: as *RST here",
        source="[?]",
        set=lambda box: box.reset(),
        immediate=True,
    ),
    Command(
        ":SYSTem:TIME:RESet",
        meaning="Time stamps from zero",
        source="[M] 6514 p. 216",
        set=lambda box: setattr(box, "time_zero", box.clock.monotonic()),
    ),
    control(
        ":SYSTem:TIME:RESet:AUTO",
        Switch(),
        default=False,
        meaning="Time stamps from zero at each run",
        source="[M] 2400 ch. 18",
        key="time reset",
    ),
    control(
        ":SYSTem:POSetup",
        Choice("RST", "PRESet", *(f"SAV{n}" for n in range(5))),
        initial="PRES",
        key="power-on state",
        meaning="State at power-on: the defaults, or saved settings with the output off",
        source="[M] 2400 ch. 18",
    ),
    Command(
        ":SYSTem:KEY",
        meaning="Press a key of the front panel: no effect",
        source="[M] 2400 ch. 18",
        takes=(Number(1, 31, integer=True),),
        set=_ignore,
        query=lambda box: 0,
    ),
    Command(":SYSTem:LOCal", meaning="Front panel on (RS-232)", source="[S]", set=_ignore),
    Command(":SYSTem:REMote", meaning="Front panel off (RS-232)", source="[S]", set=_ignore),
    Command(
        ":SYSTem:RWLock|LLOCkout",
        meaning="Front panel locked (RS-232)",
        source="[S]",
        set=_ignore,
        takes=(Switch(optional=True),),
    ),
    control(
        ":SYSTem:LFRequency",
        Choice("50", "60", aliases={"50.0": "50", "60.0": "60"}),
        initial="50",
        key="line frequency",
        meaning="Power line frequency [Hz]",
        source="[D]",
    ),
    control(
        ":SYSTem:LFRequency:AUTO",
        Switch(),
        initial=True,
        key="line frequency auto",
        meaning="Line frequency found at power-on",
        source="[D]",
    ),
    control(
        ":SYSTem:AZERo[:STATe]",
        Switch(extra={"ONCE": False}),
        default=True,
        key="auto zero",
        meaning="Auto-zero; ONCE measures zero now and switches it off",
        source="[M] 2400 ch. 18",
    ),
    Command(
        "*SAV",
        meaning="Remember the settings",
        source="IEEE 488.2",
        takes=(Number(0, 4, integer=True),),
        set=KeithleyBox.save,
    ),
    Command(
        "*RCL",
        meaning="Back to remembered settings",
        source="IEEE 488.2",
        takes=(Number(0, 4, integer=True),),
        set=KeithleyBox.recall,
        immediate=True,
    ),
    control(
        ":DISPlay:ENABle", Switch(), initial=True, meaning="Front panel display", source="[M] 2400 ch. 18"
    ),
    control(
        ":DISPlay[:WINDow{1|2}]:TEXT[:DATA]",
        Text(),
        initial="",
        meaning="Message in the upper (1) or lower (2) line",
        source="[M]",
    ),
    control(
        ":DISPlay[:WINDow{1|2}]:TEXT:STATe",
        Switch(),
        initial=False,
        meaning="Message shown",
        source="[M]",
    ),
    Command(
        ":DISPlay[:WINDow{1|2}]:DATA",
        meaning="What the upper (1) or lower (2) line shows: its message",
        source="[M]; without one: [?] nothing",
        query=lambda box, line: '"' + box.shown_text(line) + '"',
    ),
    Command(
        ":DISPlay[:WINDow{1|2}]:ATTRibutes",
        meaning="Which characters of a line blink: none",
        source="[M]",
        query=lambda box, line: '"' + "0" * DISPLAY_WIDTHS[line] + '"',
    ),
    control(":DISPlay:DIGits", Number(4, 7, integer=True), initial=6, meaning="Digits shown", source="[M]"),
    Command(
        ":DISPlay:CNDisplay", meaning="Show source and measurement", source="[M] 2400 ch. 18", set=_ignore
    ),
)


def format_commands(elements: Sequence[str]) -> tuple[Command, ...]:
    """Return the FORMat subsystem for a box with these reading elements."""
    names = tuple(short_form(element) for element in elements)
    choice = Choice(*elements, repeated=True)

    def set_elements(box: KeithleyBox, *chosen: str) -> None:
        box.settings["elements"] = chosen

    return (
        Command(
            ":FORMat:ELEMents[:SENSe[1]]",
            meaning="Elements of a reading; always sent in this order",
            source="[M] 6514 p. 115, 2400 p. 354; order [D]",
            takes=(choice,),
            set=set_elements,
            query=lambda box: ",".join(name for name in names if name in box.settings["elements"]),
            keys=("elements",),
            default=names,
        ),
        Command(
            ":FORMat[:DATA]",
            meaning="ASCii text, or IEEE-754 singles after #0; text only on a serial line (+701)",
            source="[M] 6514 p. 216, 2400 p. B-6",
            takes=(Choice("ASCii", "REAL", "SREal"), Number(32, 32, optional=True, integer=True)),
            set=KeithleyBox.set_data_format,
            query=lambda box: box.settings["data format"],
            keys=("data format",),
            default="ASC",
        ),
        control(
            ":FORMat:BORDer",
            Choice("NORMal", "SWAPped"),
            default="NORM",
            key="byte order",
            meaning="Byte order of binary readings",
            source="[M] 2400 ch. 18",
        ),
        control(
            ":FORMat:SOURce2",
            Choice("ASCii", "HEXadecimal", "OCTal", "BINary"),
            default="ASC",
            meaning="How the digital output is printed: kept, not acted on",
            source="[M] 2400 ch. 18",
        ),
        control(
            ":FORMat:ELEMents:CALCulate",
            Choice("CALC", "TIME", "STATus", repeated=True),
            default=("CALC",),
            key="calculation elements",
            meaning="Elements of a CALCulate result; the 6514 sends the result alone",
            source="[M] 2400 ch. 18",
        ),
        control(
            ":FORMat:SREGister",
            Choice("ASCii", "HEXadecimal", "OCTal", "BINary"),
            default="ASC",
            key="register format",
            meaning="How status registers are printed, those of *ESE?, *ESR?, *SRE? and *STB? too",
            source="[M] 2400 p. 15-6",
        ),
    )


# --- limits' digital output, calibration ------------------------------------------------------------

PATTERN = Number(0, 15, integer=True)


def _pattern(header: str, key: str, meaning: str) -> Command:
    return control(header, PATTERN, default=15, key=key, meaning=meaning, source="[M] 2400 ch. 18")


def limit_patterns(limit: str) -> tuple[Command, ...]:
    """Return the digital outputs of the limits whose header is `limit`."""
    return (
        _pattern(f"{limit}:UPPer:SOURce2", "limit upper pattern", "Digital output when above"),
        _pattern(f"{limit}:LOWer:SOURce2", "limit lower pattern", "Digital output when below"),
    )


DIGITAL_COMMANDS: tuple[Command, ...] = (
    _pattern(":CALCulate2:CLIMits:PASS:SOURce2", "pass pattern", "Digital output when all pass"),
    _pattern(":CALCulate2:CLIMits:FAIL:SOURce2", "fail pattern", "Digital output when one fails"),
    control(
        ":CALCulate2:CLIMits:BCONtrol",
        Choice("IMMediate", "END"),
        default="IMM",
        meaning="When the digital output follows: kept, not acted on",
        source="[M] 2400 ch. 18",
    ),
    control(
        ":CALCulate2:CLIMits:CLEar:AUTO",
        Switch(),
        default=True,
        meaning="Limits forgotten when a run starts: kept, not acted on",
        source="[M] 2400 ch. 18",
    ),
    Command(
        ":CALCulate2:CLIMits:CLEar[:IMMediate]",
        meaning="Forget limit results",
        source="[M] 2400 ch. 18",
        set=lambda box: box.forget_limits(),
    ),
    _pattern(":SOURce2:TTL[:LEVel][:DEFault]", "digital output", "Digital output lines"),
    Command(
        ":SOURce2:TTL[:LEVel]:ACTual",
        meaning="Digital output lines now",
        source="[M] 2400 ch. 18",
        query=lambda box: box.settings["digital output"],
    ),
    control(
        ":SOURce2:TTL4:MODE",
        Choice("EOTest", "BUSY"),
        default="EOT",
        meaning="What line 4 tells: kept, not acted on",
        source="[M] 2400 ch. 18",
    ),
    control(
        ":SOURce2:TTL4:BSTate",
        Switch(extra={"HIGH": True, "LOW": False}),
        default=False,
        meaning="Line 4 when busy: kept, not acted on",
        source="[M] 2400 ch. 18",
    ),
    control(
        ":SOURce2:CLEar:AUTO",
        Switch(),
        default=False,
        meaning="Digital output back to its default after a test: kept, not acted on",
        source="[M] 2400 ch. 18",
    ),
    control(
        ":SOURce2:CLEar:AUTO:DELay",
        Number(0, 60),
        default=1e-4,
        meaning="Length of the digital output's pulse: kept, not acted on [s]",
        source="[M] 2400 ch. 18",
    ),
    Command(
        ":SOURce2:CLEar[:IMMediate]",
        meaning="Digital output back to its default",
        source="[M] 2400 ch. 18",
        set=_ignore,
    ),
)


def calibration_commands(code: str) -> tuple[Command, ...]:
    """Return the CALibration subsystem of a box that this code unlocks."""
    source = "[M] 2400 service manual, ch. 2; [?] only that it is locked"

    def unlock(box: KeithleyBox, text: str) -> None:
        if text != code:
            raise ScpiError(-221)
        box.settings["calibration unlocked"] = True

    def lock(box: KeithleyBox) -> None:
        box.settings["calibration unlocked"] = False

    def while_unlocked(box: KeithleyBox, *_: Any) -> None:
        if not box.settings["calibration unlocked"]:
            raise ScpiError(CALIBRATION_LOCKED)

    base = ":CALibration:PROTected"
    return (
        Command(f"{base}:CODE", meaning="Unlock, quoted", source=source, takes=(Text(),), set=unlock),
        Command(
            f"{base}:LOCK",
            meaning="Lock calibration; 1 while it is unlocked",
            source=source,
            set=lock,
            query=lambda box: box.settings["calibration unlocked"],
            keys=("calibration unlocked",),
            initial=False,
        ),
        Command(f"{base}:COUNt", meaning="Times it was calibrated", source=source, query=lambda box: 1),
        *(
            Command(
                f"{base}:{word}",
                meaning=f"{meaning}; +509 while locked, no effect otherwise",
                source=source,
                takes=(Raw(repeated=True, optional=True),),
                set=while_unlocked,
                query=None if answer is None else (lambda box, answer=answer: answer),
            )
            for word, meaning, answer in (
                ("SAVE", "Save what was calibrated", None),
                ("DATE", "Date of calibration", "2006,3,17"),
                ("NDUE", "When it is due again", "2007,3,17"),
                ("SENSe", "Calibrate a measurement", None),
                ("SOURce", "Calibrate the source", None),
            )
        ),
        *(
            Command(
                f"{base}:{word}:DATA",
                meaning="Constants of calibration",
                source=source,
                query=lambda box: "+0.000000E+00,+1.000000E+00,+1.000000E+00",
            )
            for word in ("SENSe", "SOURce")
        ),
    )
