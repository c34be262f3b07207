"""What a Keithley 2400 answers: its command table; the handlers are methods of `keithley2400.Keithley2400`.

Page numbers are those of the manual 2400S-900-01 rev. K; tags as in `keithley`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sim_instruments.keithley2400_ranges import (
    AUTO_SOURCE_DELAY,
    DEFAULT_RANGE,
    FUNCTION_REPLIES,
    LIMIT_NUMBERS,
    MEMORY_LOCATIONS,
    RANGES,
    Quantity,
    function_name,
    range_for,
    range_of,
)
from sim_instruments.keithley_commands import (
    BUFFER_COMMANDS,
    DIGITAL_COMMANDS,
    PATTERN,
    READING_COMMANDS,
    STATUS_COMMANDS,
    SYSTEM_COMMANDS,
    RangeNumber,
    calibration_commands,
    format_commands,
    limit_patterns,
    trigger_commands,
)
from sim_instruments.scpi import (
    Choice,
    Command,
    Number,
    Raw,
    ScpiBox,
    ScpiError,
    Switch,
    Text,
    control,
)

ELEMENTS = ("VOLTage", "CURRent", "RESistance", "TIME", "STATus")
SOURCE_PAGE, SENSE_PAGE, CHAPTER = "[M] p. 362-367", "[M] p. 367-373", "[M] ch. 18"
FIRMWARE = "[R] command table of firmware C34; not in the manual"
LAST_DELAY = 9999.998  # [s] ([M] quick guide, table 15)


@dataclass(frozen=True)
class Named(Number):
    """A number, or a word that stands for one.

    Parameters
    ----------
    word, stands_for : in capitals, and its value
    """

    word: str = ""
    stands_for: float = 0.0

    def convert(self, text: str, box: ScpiBox) -> Any:
        """Return the number."""
        return self.stands_for if text.upper() == self.word else super().convert(text, box)


def _source_commands(quantity: Quantity, node: str, maximum: float) -> tuple[Command, ...]:
    """SOURce:VOLTage or SOURce:CURRent."""
    base = f":SOURce[1]:{node}"
    number = Number(-maximum, maximum, default=0)
    unit = "V" if quantity == "VOLT" else "A"

    def kept(name: str, after: Callable[..., None] | None = None) -> Command:
        return control(
            f"{base}:{name}",
            number,
            default=0.0,
            key=f"{quantity} {name.lower()}",
            after=after,
            meaning=f"{name.capitalize()} of the {node.lower()} sweep [{unit}]",
            source=SOURCE_PAGE,
        )

    return (
        Command(
            f"{base}[:LEVel][:IMMediate][:AMPLitude]",
            meaning=f"Fixed level [{unit}]; the range follows where it is automatic",
            source=SOURCE_PAGE,
            takes=(number,),
            set=lambda box, level: box.set_level(quantity, level),
            query=lambda box: float(box.settings[f"{quantity} level"]),
            keys=(f"{quantity} level",),
            default=0.0,
        ),
        control(
            f"{base}[:LEVel]:TRIGgered[:AMPLitude]",
            number,
            default=0.0,
            key=f"{quantity} triggered level",
            meaning=f"Level that a trigger brings: kept, not acted on [{unit}]",
            source=CHAPTER,
        ),
        control(
            f"{base}[:LEVel]:TRIGgered:SFACtor",
            Number(-999999, 999999, default=1),
            default=1.0,
            meaning="Factor of the triggered level: kept, not acted on",
            source=CHAPTER,
        ),
        control(
            f"{base}[:LEVel]:TRIGgered:SFACtor:STATe",
            Switch(),
            default=False,
            meaning="Factor of the triggered level in use: kept, not acted on",
            source=CHAPTER,
        ),
        Command(
            f"{base}:RANGe",
            meaning=f"Source range: the lowest that holds the value, automatic off [{unit}]",
            source=SOURCE_PAGE,
            takes=(RangeNumber(-maximum, maximum, default=DEFAULT_RANGE[quantity].full_scale),),
            set=lambda box, value: box.set_source_range(quantity, value),
            query=lambda box: range_of(quantity, box.settings[f"{quantity} source range"]).full_scale,
            keys=(f"{quantity} source range",),
            default=DEFAULT_RANGE[quantity].nominal,
        ),
        Command(
            f"{base}:RANGe:AUTO",
            meaning="Source range follows the level",
            source=SOURCE_PAGE,
            takes=(Switch(),),
            set=lambda box, on: box.set_source_range_auto(quantity, on),
            query=lambda box: box.settings[f"{quantity} source range auto"],
            keys=(f"{quantity} source range auto",),
            default=True,
        ),
        control(
            f"{base}:MODE",
            Choice("FIXed", "LIST", "SWEep"),
            default="FIX",
            key=f"{quantity} mode",
            meaning="Fixed level, list or sweep; [?] stays_at_last_level: where it is afterwards",
            source=CHAPTER,
        ),
        kept("STARt", lambda box: box.sweep_end_changed(quantity)),
        kept("STOP", lambda box: box.sweep_end_changed(quantity)),
        Command(
            f"{base}:STEP",
            meaning=f"Step of the sweep; sets the number of points [{unit}]",
            source=CHAPTER,
            takes=(number,),
            set=lambda box, step: box.set_step(quantity, step),
            query=lambda box: float(box.settings[f"{quantity} step"]),
            keys=(f"{quantity} step",),
            default=0.0,
        ),
        Command(
            f"{base}:CENTer",
            meaning=f"Middle of the sweep [{unit}]",
            source=CHAPTER,
            takes=(number,),
            set=lambda box, value: box.set_centre(quantity, centre=value),
            query=lambda box: (box.settings[f"{quantity} start"] + box.settings[f"{quantity} stop"]) / 2,
        ),
        Command(
            f"{base}:SPAN",
            meaning=f"Width of the sweep [{unit}]",
            source=CHAPTER,
            takes=(Number(-2 * maximum, 2 * maximum, default=0),),
            set=lambda box, value: box.set_centre(quantity, span=value),
            query=lambda box: float(box.settings[f"{quantity} stop"] - box.settings[f"{quantity} start"]),
        ),
        Command(
            f":SOURce[1]:LIST:{node}",
            meaning=f"Levels of the list, up to 100 in one message [{unit}]",
            source=CHAPTER,
            takes=(Number(-maximum, maximum, repeated=True),),
            set=lambda box, *levels: box.set_list(quantity, levels),
            query=lambda box: ",".join(
                box.format_number(level) for level in box.settings[f"{quantity} list"]
            ),
            keys=(f"{quantity} list",),
            default=(0.0,),
        ),
        Command(
            f":SOURce[1]:LIST:{node}:APPend",
            meaning="More levels, 2500 altogether",
            source=CHAPTER,
            takes=(Number(-maximum, maximum, repeated=True),),
            set=lambda box, *levels: box.set_list(quantity, levels, append=True),
        ),
        Command(
            f":SOURce[1]:LIST:{node}:POINts",
            meaning="Levels in the list",
            source=CHAPTER,
            query=lambda box: len(box.settings[f"{quantity} list"]),
        ),
        control(
            f":SOURce[1]:LIST:{node}:STARt",
            Number(1, 100, default=1, integer=True),
            default=1,
            key=f"{quantity} list start",
            meaning="Where an upward run through the list begins; it goes on from the first level",
            source="[M] p. 18-93",
        ),
    )


def _sense_commands(quantity: Quantity, node: str, maximum: float) -> tuple[Command, ...]:
    """SENSe:VOLTage or SENSe:CURRent; PROTection is the compliance when the other quantity is sourced."""
    base = f"[:SENSe[1]]:{node}[:DC]"
    unit = "V" if quantity == "VOLT" else "A"
    default = DEFAULT_RANGE[quantity]
    lowest = RANGES[quantity][0]
    return (
        Command(
            f"{base}:RANGe[:UPPer]",
            meaning=f"Measurement range: the lowest that holds the value, automatic off [{unit}]",
            source=SENSE_PAGE,
            takes=(RangeNumber(-maximum, maximum, default=default.full_scale),),
            set=lambda box, value: box.set_sense_range(quantity, value),
            query=lambda box: box.sense_range(quantity).full_scale,
            keys=(f"{quantity} sense range",),
            default=default.nominal,
        ),
        Command(
            f"{base}:RANGe:AUTO",
            meaning="Measurement range follows the reading",
            source=SENSE_PAGE,
            takes=(Switch(),),
            set=lambda box, on: box.set_sense_range_auto(quantity, on),
            query=lambda box: box.settings[f"{quantity} sense auto"],
            keys=(f"{quantity} sense auto",),
            default=True,
        ),
        control(
            f"{base}:RANGe:AUTO:LLIMit",
            Number(-maximum, maximum, default=lowest.nominal),
            default=lowest.nominal,
            key=f"{quantity} lower limit",
            meaning=f"Lowest range of the automatic [{unit}]",
            source=SENSE_PAGE,
        ),
        Command(
            f"{base}:RANGe:AUTO:ULIMit",
            meaning=f"Highest range of the automatic: that of the compliance [{unit}]",
            source=SENSE_PAGE,
            query=lambda box: range_for(quantity, box.settings[f"{quantity} protection"]).full_scale,
        ),
        control(
            f"{base}:NPLCycles",
            Number(0.01, 10, default=1),
            default=1.0,
            key="nplc",
            meaning="Aperture in power line cycles, one for all functions",
            source="[M] p. 370; global [D]",
        ),
        Command(
            f"{base}:PROTection[:LEVel]",
            meaning=f"Compliance [{unit}]; its sign does not matter",
            source=SENSE_PAGE,
            takes=(Number(-maximum, maximum, default=default.full_scale),),
            set=lambda box, value: box.set_protection(quantity, value),
            query=lambda box: float(box.settings[f"{quantity} protection"]),
            keys=(f"{quantity} protection",),
            default=default.full_scale,
        ),
        Command(
            f"{base}:PROTection:TRIPped",
            meaning="Whether the compliance limits now",
            source=SENSE_PAGE,
            query=lambda box: box.sourced != quantity and box.in_compliance(),
        ),
        control(
            f"{base}:PROTection:RSYNchronize",
            Switch(),
            default=False,
            key="range follows compliance",
            meaning="A fixed measurement range follows the compliance, one setting for both",
            source=CHAPTER,
        ),
    )


def _kept(
    header: str, parameter: Any, default: Any, key: str, meaning: str, source: str = CHAPTER
) -> Command:
    return control(header, parameter, default=default, key=key or header, meaning=meaning, source=source)


def _quoted(names: Any) -> str:
    return (
        ",".join(f'"{FUNCTION_REPLIES[name]}"' for name in ("VOLT", "CURR", "RES") if name in names) or '""'
    )


def _functions_off(box: Any) -> frozenset[str]:
    return frozenset(FUNCTION_REPLIES) - box.settings["functions"]


FUNCTION_COMMANDS = (
    Command(
        "[:SENSe[1]]:FUNCtion[:ON]",
        meaning="Functions to measure, quoted",
        source="[M] p. 367",
        takes=(Text(repeated=True),),
        set=lambda box, *names: box.set_functions(names),
        query=lambda box: _quoted(box.settings["functions"]),
        keys=("functions",),
        default=frozenset(["CURR"]),
    ),
    Command(
        "[:SENSe[1]]:FUNCtion:OFF",
        meaning="Functions not to measure, quoted",
        source=CHAPTER,
        takes=(Text(repeated=True),),
        set=lambda box, *names: box.set_functions(names, on=False),
        query=lambda box: _quoted(_functions_off(box)),
    ),
    Command(
        "[:SENSe[1]]:FUNCtion[:ON]:ALL",
        meaning="Measure all",
        source=CHAPTER,
        set=lambda box: box.set_all_functions(True),
    ),
    Command(
        "[:SENSe[1]]:FUNCtion:OFF:ALL",
        meaning="Measure none",
        source=CHAPTER,
        set=lambda box: box.set_all_functions(False),
    ),
    Command(
        "[:SENSe[1]]:FUNCtion[:ON]:COUNt",
        meaning="Functions measured",
        source=CHAPTER,
        query=lambda box: len(box.settings["functions"]),
    ),
    Command(
        "[:SENSe[1]]:FUNCtion:OFF:COUNt",
        meaning="Functions not measured",
        source=CHAPTER,
        query=lambda box: len(_functions_off(box)),
    ),
    Command(
        "[:SENSe[1]]:FUNCtion:STATe",
        meaning="Whether a function is measured",
        source=CHAPTER,
        asks=(Text(),),
        query=lambda box, name: function_name(name) in box.settings["functions"],
    ),
    _kept(
        "[:SENSe[1]]:FUNCtion:CONCurrent", Switch(), True, "concurrent", "Measure several functions at once"
    ),
)

OHMS_COMMANDS = (
    _kept(
        "[:SENSe[1]]:RESistance:MODE",
        Choice("MANual", "AUTO"),
        "AUTO",
        "ohms mode",
        "Ohms with own test current",
    ),
    Command(
        "[:SENSe[1]]:RESistance:RANGe[:UPPer]",
        meaning="Ohms range: the lowest that holds the value, automatic off [ohm]",
        source=SENSE_PAGE,
        takes=(RangeNumber(0, 210e6, default=210e3),),
        set=lambda box, value: box.set_ohms_range(value),
        query=lambda box: float(box.settings["ohms range"]),
        keys=("ohms range",),
        default=210e3,
    ),
    _kept("[:SENSe[1]]:RESistance:RANGe:AUTO", Switch(), True, "ohms auto", "Ohms range follows the reading"),
    _kept(
        "[:SENSe[1]]:RESistance:RANGe:AUTO:LLIMit",
        Number(0, 210e6),
        21.0,
        "",
        "Lowest ohms range of the automatic [ohm]",
    ),
    _kept(
        "[:SENSe[1]]:RESistance:RANGe:AUTO:ULIMit",
        Number(0, 210e6),
        210e6,
        "",
        "Highest ohms range of the automatic [ohm]",
    ),
    _kept(
        "[:SENSe[1]]:RESistance:NPLCycles",
        Number(0.01, 10, default=1),
        1.0,
        "nplc",
        "Aperture, one for all functions",
    ),
    _kept(
        "[:SENSe[1]]:RESistance:OCOMpensated",
        Switch(),
        False,
        "offset compensation",
        "Offset-compensated ohms: flagged, not acted on",
    ),
)

EXPRESSIONS = "[M] p. 18-26 to 18-31"
LIMIT = ":CALCulate2:LIMit{" + "|".join(str(number) for number in LIMIT_NUMBERS) + "}"
BOUNDED_LIMIT = LIMIT.replace("{1|", "{")
BIG = Number(-9.999999e20, 9.999999e20)


def _branch(outcome: str, key: str, source: str) -> Command:
    """Where a memory sweep goes on after a test; 0 is the next location."""

    def answer(box: Any) -> str:
        return str(box.settings[key]) if box.settings[key] else "NEXT"

    return Command(
        f":CALCulate2:CLIMits:{outcome}:SMLocation",
        meaning=f"Location a memory sweep goes on from after a {outcome.lower()}, or NEXT",
        source=source,
        takes=(Named(1, MEMORY_LOCATIONS, integer=True, word="NEXT", stands_for=0),),
        set=lambda box, location: box.settings.update({key: location}),
        query=answer,
        keys=(key,),
        default=0,
    )


CALCULATE_COMMANDS = (
    Command(
        ":CALCulate[1]:MATH[:EXPRession]:NAME",
        meaning="Select an expression, or begin one of up to five of one's own; quoted or not",
        source=EXPRESSIONS,
        takes=(Text(bare=True),),
        set=lambda box, name: box.name_expression(name),
        query=lambda box: f'"{box.settings["math name"]}"',
        keys=("math name",),
        default="POWER",
    ),
    Command(
        ":CALCulate[1]:MATH[:EXPRession][:DEFine]",
        meaning="Formula of the expression named before: (VOLT * CURR), vectors as VOLT[0]",
        source=EXPRESSIONS,
        takes=(Raw(),),
        set=lambda box, text: box.expressions.define(box.settings["math name"], text),
        query=lambda box: box.expressions.formula(box.settings["math name"]).text,
    ),
    Command(
        ":CALCulate[1]:MATH[:EXPRession]:CATalog",
        meaning="Names of the expressions",
        source=EXPRESSIONS,
        query=lambda box: ",".join(f'"{name}"' for name in box.expressions.names),
    ),
    Command(
        ":CALCulate[1]:MATH[:EXPRession]:DELete[:SELected]",
        meaning="Forget an expression of one's own",
        source=EXPRESSIONS,
        takes=(Text(bare=True),),
        set=lambda box, name: box.delete_expression(name),
    ),
    Command(
        ":CALCulate[1]:MATH[:EXPRession]:DELete:ALL",
        meaning="Forget all expressions of one's own",
        source=EXPRESSIONS,
        set=lambda box: box.delete_expressions(),
    ),
    _kept(
        ":CALCulate[1]:MATH[:EXPRession]:BINDex",
        Choice("AUTO", "TCOunt"),
        "AUTO",
        "",
        "How vectors are filled: kept, not acted on",
        FIRMWARE,
    ),
    _kept(":CALCulate[1]:MATH:UNITs", Text(), "", "", "Unit of the expression, shown on the panel"),
    _kept(":CALCulate[1]:STATe", Switch(), False, "math", "Expression on"),
    Command(
        ":CALCulate[1]:DATA",
        meaning="Results of the expression over the last run",
        source=CHAPTER,
        query=lambda box: box.calculation(1),
    ),
    Command(
        ":CALCulate[1]:DATA:LATest",
        meaning="Last result of the expression",
        source=CHAPTER,
        query=lambda box: box.calculation(1, latest=True),
    ),
    _kept(
        ":CALCulate2:FEED",
        Choice(
            "CALCulate1", "VOLTage", "CURRent", "RESistance", aliases={"CALC": "CALC1", "CALCULATE": "CALC1"}
        ),
        "VOLT",
        "limit feed",
        "What null and limits work on",
    ),
    _kept(":CALCulate2:NULL:OFFSet", BIG, 0.0, "null offset", "Offset subtracted"),
    _kept(":CALCulate2:NULL:STATe", Switch(), False, "null", "Null on"),
    Command(
        ":CALCulate2:NULL:ACQuire",
        meaning="Take the last value as offset",
        source=CHAPTER,
        set=lambda box: box.acquire_null(),
    ),
    Command(
        ":CALCulate2:DATA",
        meaning="The last run's values, nulled",
        source=CHAPTER,
        query=lambda box: box.calculation(2),
    ),
    Command(
        ":CALCulate2:DATA:LATest",
        meaning="The last value, nulled",
        source=CHAPTER,
        query=lambda box: box.calculation(2, latest=True),
    ),
    _kept(
        f"{LIMIT}:STATe",
        Switch(),
        False,
        "limit state",
        "Limit tested; 1 is the compliance test",
        "[M] p. 288",
    ),
    Command(
        f"{LIMIT}:FAIL",
        meaning="Whether the last reading failed",
        source="[M] p. 288",
        query=lambda box, number: box.limit_failed(number),
    ),
    _kept(
        ":CALCulate2:LIMit[1]:COMPliance:FAIL",
        Choice("IN", "OUT"),
        "IN",
        "compliance fails",
        "Fail in or out of compliance",
    ),
    _kept(f"{BOUNDED_LIMIT}:UPPer[:DATA]", BIG, 1.0, "limit upper", "Upper limit"),
    _kept(f"{BOUNDED_LIMIT}:LOWer[:DATA]", BIG, -1.0, "limit lower", "Lower limit"),
    *limit_patterns(BOUNDED_LIMIT),
    _kept(
        f"{BOUNDED_LIMIT}:PASS:SOURce2",
        PATTERN,
        15,
        "limit pass pattern",
        "Digital output when passed",
    ),
    _branch("PASS", "pass location", "[M] p. 10-10"),
    _branch("FAIL", "fail location", FIRMWARE),
    _kept(
        ":CALCulate2:LIMit[1]:COMPliance:SOURce2",
        PATTERN,
        15,
        "compliance pattern",
        "Digital output when the compliance test fails",
    ),
    _kept(":CALCulate2:LIMit4:STATe", Switch(), False, "", "Contact check tested: kept, not acted on"),
    _kept(":CALCulate2:LIMit4:SOURce2", PATTERN, 15, "", "Digital output when the contact check fails"),
    Command(
        ":CALCulate2:LIMit4:FAIL",
        meaning="Whether the contact check failed: never, nothing is checked",
        source=CHAPTER,
        query=lambda box: False,
    ),
    *DIGITAL_COMMANDS,
    _kept(
        ":SOURce2:BSIZe",
        Number(3, 4, integer=True),
        4,
        "",
        "Lines of the digital output: 3 or 4; 16 would need a 2499-DIGIO, p. 18-102",
    ),
    _kept(":CALCulate2:CLIMits:MODE", Choice("GRADing", "SORTing"), "GRAD", "", "What the limits are for"),
)

MEMORY = "[M] p. 323, 18-93"
LOCATION = Number(1, MEMORY_LOCATIONS, default=1, integer=True)


def _refuse_pulses(box: Any, shape: str) -> None:
    if shape == "PULS":
        raise ScpiError(-221)


COMMANDS: tuple[Command, ...] = (
    *_source_commands("VOLT", "VOLTage", 210.0),
    *_source_commands("CURR", "CURRent", 1.05),
    Command(
        ":SOURce[1]:FUNCtion[:MODE]",
        meaning="What is forced, or MEM: a sweep through source memory",
        source="[M] p. 362, 18-93",
        takes=(Choice("VOLTage", "CURRent", "MEMory"),),
        set=lambda box, function: box.set_source_function(function),
        query=lambda box: "MEM" if box.settings["memory sweep"] else box.settings["source function"],
        keys=("source function",),
        default="VOLT",
    ),
    Command(
        ":SOURce[1]:FUNCtion:SHAPe",
        meaning="Shape of the output; pulses are the 2430's (-221)",
        source=CHAPTER + "; the code [?]",
        takes=(Choice("DC", "PULSe"),),
        set=_refuse_pulses,
        query=lambda box: "DC",
    ),
    _kept(":SOURce[1]:PULSe:WIDTh", Number(1.5e-4, 5e-3), 1.5e-4, "", "Pulse width of the 2430: kept [s]"),
    _kept(":SOURce[1]:PULSe:DELay", Number(0, LAST_DELAY), 0.0, "", "Pulse delay of the 2430: kept [s]"),
    Command(
        ":SOURce[1]:MEMory:SAVE",
        meaning="Save the settings in a source memory location",
        source=MEMORY,
        takes=(LOCATION,),
        set=lambda box, location: box.save_memory(location),
    ),
    Command(
        ":SOURce[1]:MEMory:RECall",
        meaning="Back to the settings of a source memory location",
        source=MEMORY,
        takes=(LOCATION,),
        set=lambda box, location: box.recall_memory(location),
    ),
    _kept(":SOURce[1]:MEMory:POINts", LOCATION, 1, "memory points", "Locations of a memory sweep", MEMORY),
    _kept(":SOURce[1]:MEMory:STARt", LOCATION, 1, "memory start", "Where a memory sweep begins", MEMORY),
    _kept(
        ":SOURce[1]:LIST:DIRection",
        Choice("UP", "DOWn"),
        "UP",
        "list direction",
        "From the list's first level to its last, or back",
        "[M] p. 18-93",
    ),
    Command(
        ":SOURce[1]:DELay",
        meaning="Delay between source and measurement [s]; automatic off",
        source="[M] p. 367; value after *RST [D], the manual says 0",
        takes=(Number(0, LAST_DELAY, default=0),),
        set=lambda box, value: box.settings.update({"source delay": value, "source delay auto": False}),
        query=lambda box: float(box.settings["source delay"]),
        keys=("source delay",),
        default=AUTO_SOURCE_DELAY,
    ),
    _kept(":SOURce[1]:DELay:AUTO", Switch(), True, "source delay auto", "Delay chosen by the box"),
    Command(
        ":SOURce[1]:CLEar[:IMMediate]",
        meaning="Output off",
        source=CHAPTER,
        set=lambda box: box.switch(False),
    ),
    _kept(":SOURce[1]:CLEar:AUTO", Switch(), False, "auto off", "Output on only for the measurement"),
    _kept(
        ":SOURce[1]:CLEar:AUTO:MODE",
        Choice("ALWays", "TCOunt"),
        "ALW",
        "auto off mode",
        "Off after each reading, or after the run",
    ),
    Command(
        ":SOURce[1]:VOLTage:PROTection[:LEVel]",
        meaning="Over-voltage limit of the source [V]",
        source="[M] ch. 18; [?] steps 20 to 160 V, 500 is none",
        takes=(Named(0, 500, default=500, word="NONE", stands_for=500.0),),
        set=lambda box, value: box.set_over_voltage_limit(value),
        query=lambda box: float(box.settings["over-voltage limit"]),
        keys=("over-voltage limit",),
        default=500.0,
    ),
    Command(
        ":SOURce[1]:VOLTage:PROTection:TRIPped",
        meaning="Whether the over-voltage limit limits now",
        source=CHAPTER,
        query=lambda box: box.over_voltage_trips(),
    ),
    _kept(
        ":SOURce[1]:SWEep:SPACing",
        Choice("LINear", "LOGarithmic"),
        "LIN",
        "sweep spacing",
        "Spacing of the points",
    ),
    Command(
        ":SOURce[1]:SWEep:POINts",
        meaning="Points of the sweep; sets the step",
        source="[M] p. 323",
        takes=(Number(2, 2500, default=2500, integer=True),),
        set=lambda box, count: box.set_points(count),
        query=lambda box: box.settings["sweep points"],
        keys=("sweep points",),
        default=2500,
    ),
    _kept(
        ":SOURce[1]:SWEep:DIRection",
        Choice("UP", "DOWn"),
        "UP",
        "sweep direction",
        "From start to stop, or back",
    ),
    _kept(
        ":SOURce[1]:SWEep:RANGing",
        Choice("BEST", "AUTO", "FIXed"),
        "BEST",
        "sweep ranging",
        "Source range during a sweep",
    ),
    _kept(
        ":SOURce[1]:SWEep:CABort",
        Choice("NEVer", "EARLy", "LATE"),
        "NEV",
        "compliance abort",
        "End the sweep in compliance",
    ),
    *_sense_commands("VOLT", "VOLTage", 210.0),
    *_sense_commands("CURR", "CURRent", 1.05),
    *FUNCTION_COMMANDS,
    *OHMS_COMMANDS,
    _kept("[:SENSe[1]]:AVERage[:STATe]", Switch(), False, "filter", "Average readings"),
    _kept(
        "[:SENSe[1]]:AVERage:TCONtrol",
        Choice("REPeat", "MOVing"),
        "REP",
        "filter type",
        "Repeating or moving average",
    ),
    _kept("[:SENSe[1]]:NPLCycles", Number(0.01, 10, default=1), 1.0, "nplc", "Aperture", FIRMWARE),
    _kept(
        "[:SENSe[1]]:CURRent[:DC]:RANGe:HOLDoff",
        Switch(),
        False,
        "",
        "Current range held off in memory sweeps: kept, not acted on",
    ),
    _kept(
        "[:SENSe[1]]:CURRent[:DC]:RANGe:HOLDoff:DELay",
        Number(0, 999.9999),
        0.0,
        "",
        "Delay of the hold-off: kept, not acted on [s]",
    ),
    _kept(
        "[:SENSe[1]]:AVERage:COUNt",
        Number(1, 100, default=10, integer=True),
        10,
        "filter count",
        "Readings averaged",
    ),
    Command(
        ":OUTPut[1][:STATe]",
        meaning="Output on or off; off waits for a running measurement",
        source="[M] p. 354",
        takes=(Switch(),),
        set=lambda box, on: box.switch(on),
        query=lambda box: box.is_on,
    ),
    control(
        ":OUTPut[1]:SMODe",
        Choice("HIMPedance", "NORMal", "ZERO", "GUARd"),
        default="NORM",
        key="off state",
        meaning="What off means: relay open, or resting at 0 V or 0 A within a limit",
        source="[M] p. 254-256, p. 362; READ? in ZERO: [?] zero_state_measures",
        after=lambda box: box.apply(),
    ),
    _kept(
        ":OUTPut[1]:ENABle|INTerlock[:STATe]",
        Switch(),
        False,
        "enable line used",
        "The output-enable line is obeyed",
    ),
    Command(
        ":OUTPut[1]:ENABle|INTerlock:TRIPped",
        meaning="Whether the output-enable line lets the output on",
        source=CHAPTER,
        query=lambda box: box.enable_line_closed or not box.settings["enable line used"],
    ),
    Command(
        ":ROUTe:TERMinals",
        meaning="Front or rear terminals; changing them switches the output off",
        source="[M] ch. 18",
        takes=(Choice("FRONt", "REAR"),),
        set=lambda box, side: box.set_terminals(side),
        query=lambda box: box.settings["terminals"],
        keys=("terminals",),
        default="FRON",
    ),
    *(
        command
        for node, name in (("VOLTage[:DC]", "VOLT"), ("CURRent[:DC]", "CURR"), ("RESistance", "RES"))
        for command in (
            Command(
                f":CONFigure:{node}",
                meaning="One-shot settings for this function, and the output on",
                source="[M] p. 301; compliance too: [?] configure_resets_compliance",
                set=lambda box, name=name: box.configure(name),
            ),
            Command(
                f":MEASure:{node}",
                meaning="CONFigure and READ?: switches the output on",
                source="[M] p. 302; +803 with the output off: [?] reads_with_output_off",
                query=lambda box, name=name: box.measure_once(name),
            ),
        )
    ),
    Command(
        ":CONFigure",
        meaning="The function configured",
        source="[M] p. 301",
        query=lambda box: box.configured(),
    ),
    Command(
        ":MEASure", meaning="READ? as configured", source="[M] p. 302", query=lambda box: box.measure_once()
    ),
    *READING_COMMANDS,
    *BUFFER_COMMANDS,
    *CALCULATE_COMMANDS,
    Command(
        ":CALCulate3:DATA",
        meaning="Statistic of the stored voltages, currents and resistances",
        source=CHAPTER,
        query=lambda box: box.buffer_statistic(
            [index for index, name in enumerate(("VOLT", "CURR", "RES")) if name in box.settings["elements"]]
        ),
    ),
    *trigger_commands(
        arm_sources=Choice("IMMediate", "TLINk", "TIMer", "MANual", "BUS", "NSTest", "PSTest", "BSTest"),
        trigger_sources=Choice("IMMediate", "TLINk"),
        trigger_outputs=Choice("SOURce", "DELay", "SENSe", "NONE", repeated=True),
    ),
    _kept(
        ":TRIGger[:SEQuence[1]][:TCONfigure][:ASYNchronous]:INPut",
        Choice("SOURce", "DELay", "SENSe", "NONE", repeated=True),
        ("NONE",),
        "",
        "Trigger input events: kept, not acted on",
    ),
    *format_commands(ELEMENTS),
    *STATUS_COMMANDS,
    *SYSTEM_COMMANDS,
    _kept(":SYSTem:RSENse", Switch(), False, "four wire", "Four-wire sensing"),
    Command(
        ":SYSTem:GUARd",
        meaning="Guard mode; OHMS and the 1 A range exclude each other (+827, +828)",
        source="[M] p. 2-13, 18-105",
        takes=(Choice("OHMS", "CABLe"),),
        set=lambda box, kind: box.set_guard(kind),
        query=lambda box: box.settings["guard"],
        keys=("guard",),
        default="CABL",
    ),
    Command(
        ":SYSTem:BEEPer[:IMMediate]",
        meaning="Sound a tone: frequency [Hz], duration [s]",
        source="[D]",
        takes=(Number(65, 2e6), Number(0, 7.9)),
        set=lambda box, *_: None,
    ),
    _kept(":SYSTem:BEEPer:STATe", Switch(), True, "", "Sounds allowed"),
    Command(
        ":SYSTem:MEMory:INITialize",
        meaning="Empty lists and buffer",
        source=CHAPTER,
        set=lambda box: box.initialise_memory(),
    ),
    control(
        ":SYSTem:MEP[:STATe]",
        Switch(),
        initial=True,
        meaning="SCPI protocol on GPIB; the other one is not implemented",
        source="[D]",
    ),
    _kept(":SYSTem:CCHeck[:STATe]", Switch(), False, "", "Contact check: kept, not acted on"),
    _kept(":SYSTem:CCHeck:RESistance", Number(2, 50), 50.0, "", "Its threshold, 2, 15 or 50 ohm: kept [ohm]"),
    control(":SYSTem:MEP:HOLDoff", Switch(), initial=False, meaning="Bus hold-off: kept", source=FIRMWARE),
    _kept(":SYSTem:RCType", Choice("SMOoth", "FAST"), "SMO", "", "How ranges change: kept", FIRMWARE),
    _kept(":SYSTem:FCONtrol", Choice("ALWays", "OUTPut"), "ALW", "", "Fan: kept", FIRMWARE),
    Command(
        ":SYSTem:FRSWitch",
        meaning="1 front terminals, 0 rear",
        source=FIRMWARE,
        query=lambda box: box.settings["terminals"] == "FRON",
    ),
    _kept(":SYSTem:AZERo:CACHing[:STATe]", Switch(), True, "", "Zeros kept for each aperture: kept"),
    *(
        Command(f":SYSTem:AZERo:CACHing:{word}", meaning=meaning, source=CHAPTER, set=lambda box: None)
        for word, meaning in (
            ("RESet", "Forget the zeros: no effect"),
            ("REFResh", "Take them anew: no effect"),
        )
    ),
    Command(
        ":SYSTem:AZERo:CACHing:NPLCycles",
        meaning="Apertures whose zeros are kept",
        source=CHAPTER,
        query=lambda box: box.format_number(float(box.settings["nplc"])),
    ),
    _kept(
        ":TRIGger[:SEQuence[1]]:DELay:AUTO", Switch(), False, "", "Automatic trigger delay: kept", FIRMWARE
    ),
    _kept(
        ":TRIGger:SEQuence2:SOURce",
        Choice("IMMediate", "CCHeck"),
        "IMM",
        "",
        "Trigger of the contact check: kept, not acted on",
    ),
    _kept(":TRIGger:SEQuence2:TOUT", Number(0, 99999.99), 0.0, "", "Its time-out: kept, not acted on [s]"),
    *calibration_commands("KI002400"),
    Command(
        ":SYSTem:TIME",
        meaning="Seconds of the time stamp [s]",
        source="[M] p. 355",
        query=lambda box: f"{(box.clock.monotonic() - box.time_zero) % 100000.0:.2f}",
    ),
    _kept(
        ":SYSTem:RCMode",
        Choice("SINGle", "MULTiple"),
        "SING",
        "",
        "When auto-range changes: kept, not acted on",
    ),
    _kept(
        ":SOURce[1]:SOAK",
        Number(0, 9999.999),
        0.0,
        "",
        "Soak time of multiple auto-range: kept, not acted on [s]",
    ),
    Command(
        ":SYSTem:RNUMber:RESet", meaning="Reading numbers from zero", source=CHAPTER, set=lambda box: None
    ),
)
