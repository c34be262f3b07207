"""What a Keithley 6514 answers: its command table; the handlers are methods of `keithley6514.Keithley6514`.

Page numbers are those of the manual 6514-901-01 rev. D; tags as in `keithley`.
"""

from typing import Any

from sim_instruments.keithley6514_ranges import DEFAULT_RANGES, FUNCTIONS, RANGES
from sim_instruments.keithley_commands import (
    BUFFER_COMMANDS,
    DIGITAL_COMMANDS,
    READING_COMMANDS,
    STATUS_COMMANDS,
    SYSTEM_COMMANDS,
    RangeNumber,
    calibration_commands,
    format_commands,
    limit_patterns,
    trigger_commands,
)
from sim_instruments.scpi import Choice, Command, Number, Parameter, Switch, Text, control

ELEMENTS = ("READing", "TIME", "STATus")
BIG = Number(-9.99999e20, 9.99999e20)
DEFAULT_NPLC = 5.0  # [S] 6485: 5 at 50 Hz
TREE = "[D]"


def _kept(
    header: str, parameter: Parameter, default: Any, key: str, meaning: str, source: str = TREE
) -> Command:
    return control(header, parameter, default=default, key=key or header, meaning=meaning, source=source)


def _function_commands(function: str, node: str, unit: str) -> tuple[Command, ...]:
    """Range and aperture of one function."""
    ranges = [item.nominal for item in RANGES[function]]
    base, top = f"[:SENSe[1]]:{node}", 1.05 * ranges[-1]
    number = Number(-top, top, default=ranges[-1])
    return (
        Command(
            f"{base}:RANGe[:UPPer]",
            meaning=f"Range: the lowest that holds the expected reading, automatic off [{unit}]",
            source="[M] p. 98; reply with its 5 % over-range [?]",
            takes=(RangeNumber(-top, top, default=ranges[-1]),),
            set=lambda box, value: box.set_range(function, value),
            query=lambda box: box.full_scale(function),
            keys=(f"{function} range",),
            default=DEFAULT_RANGES[function],
        ),
        _kept(
            f"{base}:RANGe:AUTO", Switch(), True, f"{function} auto", "Range follows the reading", "[M] p. 98"
        ),
        _kept(
            f"{base}:RANGe:AUTO:ULIMit",
            number,
            ranges[-1],
            f"{function} upper limit",
            f"Highest range of the automatic [{unit}]",
            "[M] p. 98",
        ),
        _kept(
            f"{base}:RANGe:AUTO:LLIMit",
            number,
            ranges[0],
            f"{function} lower limit",
            f"Lowest range of the automatic [{unit}]",
            "[M] p. 98",
        ),
        _kept(
            f"{base}:NPLCycles",
            Number(0.01, 10, default=DEFAULT_NPLC),
            DEFAULT_NPLC,
            "nplc",
            "Aperture in power line cycles, one for all functions",
        ),
    )


def _measure_commands(function: str, node: str) -> tuple[Command, ...]:
    return (
        Command(
            f":CONFigure:{node}",
            meaning="One-shot settings for this function",
            source="[D]",
            set=lambda box: box.configure(function),
        ),
        Command(
            f":MEASure:{node}",
            meaning="CONFigure and READ?",
            source="[D]",
            query=lambda box: box.measure_once(function),
        ),
    )


NODES: tuple[tuple[str, str, str], ...] = (
    ("VOLT", "VOLTage[:DC]", "V"),
    ("CURR", "CURRent[:DC]", "A"),
    ("RES", "RESistance", "ohm"),
    ("CHAR", "CHARge", "C"),
)

COMMANDS: tuple[Command, ...] = (
    Command(
        "[:SENSe[1]]:FUNCtion[:ON]",
        meaning="Function, quoted",
        source="[R]",
        takes=(Text(),),
        set=lambda box, name: box.set_function(name),
        query=lambda box: f'"{FUNCTIONS[box.function]}"',
        keys=("function",),
        default="VOLT",
    ),
    *(command for function, node, unit in NODES for command in _function_commands(function, node, unit)),
    *(command for function, node, _ in NODES for command in _measure_commands(function, node)),
    Command(
        ":CONFigure",
        meaning="The function configured",
        source="[D]",
        query=lambda box: f'"{FUNCTIONS[box.function]}"',
    ),
    Command(":MEASure", meaning="READ? as configured", source="[D]", query=lambda box: box.measure_once()),
    _kept(
        "[:SENSe[1]]:CURRent[:DC]:DAMPing",
        Switch(),
        False,
        "damping",
        "Slower, quieter ammeter; [?] by how much",
        "[S] 6517B",
    ),
    _kept(
        "[:SENSe[1]]:CHARge:ADIScharge[:STATe]",
        Switch(),
        False,
        "auto discharge",
        "The charge starts anew from zero at a level",
        "[M] p. 92",
    ),
    _kept(
        "[:SENSe[1]]:CHARge:ADIScharge:LEVel",
        Number(-2.1e-5, 2.1e-5, default=2e-6),
        2e-6,
        "discharge level",
        "Level of the automatic discharge [C]",
        "[M] p. 92",
    ),
    _kept(
        "[:SENSe[1]]:CHARge:RANGe:AUTO:LGRoup",
        Choice("HIGH", "LOW"),
        "HIGH",
        "charge group",
        "Ranges auto-range keeps to: 2 and 20 uC, or 20 and 200 nC",
        "[S] 6517B",
    ),
    *(
        _kept(
            f"[:SENSe[1]]:{node}:GUARd", Switch(), False, "", "Driven guard; no cable leaks here", "[S] 6517B"
        )
        for node in ("VOLTage[:DC]", "RESistance")
    ),
    _kept(
        "[:SENSe[1]]:VOLTage[:DC]:XFEedback",
        Switch(),
        False,
        "external feedback",
        "External feedback: with no element connected the amplifier saturates, readings overflow",
        "[M] table D-1; header [?]",
    ),
    _kept(
        "[:SENSe[1]]:MEDian[:STATe]",
        Switch(),
        False,
        "median",
        "Median filter, before the average",
        "[M] p. 102",
    ),
    _kept(
        "[:SENSe[1]]:MEDian:RANK",
        Number(1, 5, default=1, integer=True),
        1,
        "median rank",
        "Median of 2 rank + 1",
        "[M] p. 102",
    ),
    _kept("[:SENSe[1]]:AVERage[:STATe]", Switch(), False, "average", "Digital filter", "[M] p. 102"),
    _kept(
        "[:SENSe[1]]:AVERage:TCONtrol",
        Choice("MOVing", "REPeat"),
        "REP",
        "average type",
        "Moving or repeating filter",
        "[M] p. 102",
    ),
    _kept(
        "[:SENSe[1]]:AVERage:COUNt",
        Number(1, 100, default=10, integer=True),
        10,
        "average count",
        "Conversions averaged",
        "[M] p. 102",
    ),
    Command(
        ":SYSTem:ZCHeck[:STATe]",
        meaning="Zero check: the input is shunted, readings show the offset",
        source="[M] p. 81; after *RST: [?] zero_check_after_reset",
        takes=(Switch(),),
        set=lambda box, on: box.set_zero_check(on),
        query=lambda box: box.settings["zero check"],
        keys=("zero check",),
        initial=False,
    ),
    Command(
        ":SYSTem:ZCORrect[:STATe]",
        meaning="Subtract the acquired zero",
        source="[M] p. 81",
        takes=(Switch(),),
        set=lambda box, on: box.set_zero_correct(on),
        query=lambda box: box.settings["zero correct"],
        keys=("zero correct",),
        default=False,
    ),
    Command(
        ":SYSTem:ZCORrect:ACQuire",
        meaning="Acquire the zero; zero check must be on",
        source="[D]; -221 otherwise [?]",
        set=lambda box: box.acquire_zero(),
    ),
    *READING_COMMANDS,
    *BUFFER_COMMANDS,
    Command(
        ":CALCulate3:DATA",
        meaning="Statistic of the stored readings",
        source="[M] p. 115",
        query=lambda box: box.buffer_statistic([0]),
    ),
    _kept(
        ":CALCulate[1]:FORMat",
        Choice("MXB", "PERCent", "RECiprocal", "LOG10"),
        "MXB",
        "math format",
        "Calculation: mX+b, per cent of a reference, 1/X or log X",
        "[D] comet: MXB and PERC; the others [S]",
    ),
    _kept(":CALCulate[1]:KMATh:MMFactor", BIG, 1.0, "math m", "m of mX+b", "[S]"),
    _kept(":CALCulate[1]:KMATh:MBFactor", BIG, 0.0, "math b", "b of mX+b", "[S]"),
    _kept(":CALCulate[1]:KMATh:MUNits", Text(bare=True), "X", "", "Unit of mX+b", "[S]"),
    _kept(":CALCulate[1]:KMATh:PERCent", BIG, 1.0, "math reference", "Reference of per cent", "[S] 6517B"),
    Command(
        ":CALCulate[1]:KMATh:PERCent:ACQuire",
        meaning="Take the last reading as reference",
        source="[S] 6517B",
        set=lambda box: box.acquire_reference(),
    ),
    _kept(":CALCulate[1]:STATe", Switch(), False, "math", "Calculation on", "[S]"),
    Command(
        ":CALCulate[1]:DATA[:LATest]",
        meaning="The last readings, calculated",
        source="[S]",
        query=lambda box: box.calculation("CALC1"),
    ),
    _kept(
        ":CALCulate2:FEED",
        Choice("SENSe", "CALCulate1", aliases={"SENS1": "SENS", "SENSE1": "SENS", "CALC": "CALC1"}),
        "SENS",
        "calculate 2 feed",
        "What null and limits work on",
        "[S]",
    ),
    _kept(
        ":CALCulate2:NULL:OFFSet",
        BIG,
        0.0,
        "null offset",
        "Offset subtracted",
        "[S]",
    ),
    _kept(":CALCulate2:NULL:STATe", Switch(), False, "null", "Null on", "[S]"),
    Command(
        ":CALCulate2:NULL:ACQuire",
        meaning="Take the last reading as offset",
        source="[S]",
        set=lambda box: box.acquire_null(),
    ),
    _kept(
        ":CALCulate2:LIMit{1|2}:UPPer[:DATA]",
        BIG,
        1.0,
        "limit upper",
        "Upper limit",
        "[M] p. 196",
    ),
    _kept(
        ":CALCulate2:LIMit{1|2}:LOWer[:DATA]",
        BIG,
        -1.0,
        "limit lower",
        "Lower limit",
        "[M] p. 196",
    ),
    _kept(":CALCulate2:LIMit{1|2}:STATe", Switch(), False, "limit state", "Limit tested", "[M] p. 196"),
    Command(
        ":CALCulate2:LIMit{1|2}:FAIL",
        meaning="Whether the last reading lay outside",
        source="[M] p. 196",
        query=lambda box, number: box.limit_failed(number),
    ),
    Command(
        ":CALCulate2:DATA[:LATest]",
        meaning="The last readings, nulled",
        source="[S]",
        query=lambda box: box.calculation("CALC2"),
    ),
    *trigger_commands(
        arm_sources=Choice(
            "IMMediate", "TIMer", "BUS", "TLINk", "STESt", "PSTest", "NSTest", "BSTest", "MANual"
        ),
        trigger_sources=Choice("IMMediate", "TLINk"),
        trigger_outputs=Choice("SENSe", "NONE", repeated=True),
        last_line=6,
        delay_set=lambda box: box.settings.update({"trigger delay auto": False}),
    ),
    _kept(
        ":TRIGger[:SEQuence[1]]:DELay:AUTO",
        Switch(),
        True,
        "trigger delay auto",
        "Delay of the range's own settling; after *RST: [?] delays_automatically",
        "[M] p. 123",
    ),
    *limit_patterns(":CALCulate2:LIMit{1|2}"),
    *DIGITAL_COMMANDS,
    *calibration_commands("KI006514"),
    Command(
        ":CALibration:UNPRotected:VOFFset",
        meaning="Correct the preamplifier's offset, zero check on",
        source="[M] p. 93 names the procedure; header [?]",
        set=lambda box: box.correct_offset(),
    ),
    Command(
        ":CALibration:UNPRotected:IOFFset",
        meaning="Correct the input current: whatever flows in now is taken as nothing",
        source="[M] p. 81, 93 name the procedure; header [?]",
        set=lambda box: box.correct_bias(),
    ),
    *format_commands(ELEMENTS),
    *STATUS_COMMANDS,
    *SYSTEM_COMMANDS,
)
