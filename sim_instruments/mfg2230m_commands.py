"""What an MFG-2230M answers: its command table; the handlers are methods of `mfg2230m.MFG2230M`.

[V] is code published by GW Instek, [D] another driver, [R] a note from the bench, [?] assumed; the manual was
not at hand.
"""

from sim_instruments.scpi import Choice, Command, Number, Parameter, Raw, Switch, control

VENDOR = "[V] GW Instek weblab-instrument, MFG22X0"
FAMILY = "[D] pylablib, AFG-2225"

FREQUENCY_UNITS = {"HZ": 1.0, "KHZ": 1e3, "MHZ": 1e-3}  # MHZ is millihertz whatever the case ([D])
TIME_UNITS = {"S": 1.0, "MS": 1e-3, "US": 1e-6, "NS": 1e-9}
VOLTAGE_UNITS = {"V": 1.0, "VPP": 1.0, "MV": 1e-3, "MVPP": 1e-3, "VRMS": 1.0, "DBM": 1.0}


def _setting(header: str, attribute: str, parameter: Parameter, *, meaning: str, source: str) -> Command:
    """A command that keeps one attribute of a channel."""
    return Command(
        header,
        meaning=meaning,
        source=source,
        takes=(parameter,),
        set=lambda box, number, value: box.change(number, **{attribute: value}),
        query=lambda box, number: parameter.reply(getattr(box.channels[number], attribute), box),
    )


_VOLTS = Number(-1e3, 1e3, units=VOLTAGE_UNITS)
_HERTZ = Number(1e-6, 30e6, units=FREQUENCY_UNITS)
_SECONDS = Number(20e-9, 1e6, units=TIME_UNITS)
_PERCENT = Number(0, 100, units={"%": 1.0, "PCT": 1.0})
_BOUND = Choice("MINimum", "MAXimum", optional=True)
"""A query for a bound, which hangs on load, unit and the channel's other level."""
_FUNCTIONS = Choice(
    "SINusoid", "SQUare", "RAMP", "PULSe", "NOISe", "USER", aliases={"ARB": "USER"}
)  # ARB [D]

_HERTZ_APPLIED = Number(1e-6, 30e6, units=FREQUENCY_UNITS, default=1e3, optional=True)
_VOLTS_APPLIED = Number(-1e3, 1e3, units=VOLTAGE_UNITS, default=0.0, optional=True)


def _apply(word: str, function: str) -> Command:
    return Command(
        f"SOURce{{1|2}}:APPLy:{word}",
        meaning="Function, frequency, amplitude, offset; switches the output ON",
        source="[R] AFG-2125 notes",
        takes=(_HERTZ_APPLIED, _VOLTS_APPLIED, _VOLTS_APPLIED),
        set=lambda box, number, *values: box.apply(number, function, *values),
    )


_INTERNAL = Choice("INTernal", "EXTernal")
_COURSE = Choice("SINusoid", "SQUare", "TRIangle", "UPRamp", "DNRamp")
_MODULATION: tuple[tuple[str, Parameter, object, str], ...] = (
    *(
        (f"{kind}:{leaf}", parameter, default, meaning)
        for kind in ("AM", "FM", "PM", "FSKey", "SUM")
        for leaf, parameter, default, meaning in (
            ("STATe", Switch(), False, "Modulation on or off"),
            ("SOURce", _INTERNAL, "INT", "Where the modulation comes from"),
            ("INTernal:FUNCtion", _COURSE, "SIN", "Course of the internal modulation"),
            ("INTernal:FREQuency", Number(2e-3, 20e3, units=FREQUENCY_UNITS), 100.0, "Its frequency [Hz]"),
        )
    ),
    ("AM:DEPTh", Number(0, 120), 100.0, "Depth of amplitude modulation [%]"),
    ("FM:DEViation", _HERTZ, 100.0, "Deviation of frequency modulation [Hz]"),
    ("PM:DEViation", Number(0, 360), 180.0, "Deviation of phase modulation [°]"),
    ("FSKey:FREQuency", _HERTZ, 100.0, "Second frequency [Hz]"),
    ("FSKey:INTernal:RATE", Number(2e-3, 1e6, units=FREQUENCY_UNITS), 10.0, "Rate of its keying [Hz]"),
    ("SUM:AMPLitude", Number(0, 100), 50.0, "Share of the added wave [%]"),
    ("SWEep:STATe", Switch(), False, "Frequency sweep on or off"),
    ("SWEep:SPACing", Choice("LINear", "LOGarithmic"), "LIN", "Spacing of the sweep"),
    ("SWEep:SOURce", Choice("IMMediate", "EXTernal", "MANual"), "IMM", "What starts a sweep"),
    ("SWEep:RATE", Number(2e-3, 1e3, units=FREQUENCY_UNITS), 1.0, "Sweeps for each second [Hz]"),
    ("FREQuency:STARt", _HERTZ, 100.0, "Where a sweep starts [Hz]"),
    ("FREQuency:STOP", _HERTZ, 1e3, "Where a sweep stops [Hz]"),
    ("FREQuency:CENTer", _HERTZ, 550.0, "Centre of a sweep [Hz]"),
    ("FREQuency:SPAN", Number(0, 30e6, units=FREQUENCY_UNITS), 900.0, "Span of a sweep [Hz]"),
    ("MARKer[:STATe]", Switch(), False, "Marker on or off"),
    ("MARKer:FREQuency", _HERTZ, 550.0, "Where the marker stands [Hz]"),
)
MODULATION_COMMANDS = tuple(
    control(
        f"SOURce{{1|2}}:{header}",
        parameter,
        default=default,
        meaning=f"{meaning}; kept, without effect on the simulated output",
        source=VENDOR,
    )
    for header, parameter, default, meaning in _MODULATION
)
"""What GW Instek's driver can also say; nothing of it is used for pulses."""

COMMANDS: tuple[Command, ...] = (
    _setting("SOURce{1|2}:FUNCtion[:SHAPe]", "function", _FUNCTIONS, meaning="Waveform", source=VENDOR),
    Command(
        "SOURce{1|2}:FREQuency",
        meaning="Frequency [Hz]",
        source=VENDOR,
        takes=(_HERTZ,),
        set=lambda box, n, hertz: box.change(n, frequency=hertz),
        query=lambda box, n: box.channels[n].frequency,
    ),
    Command(
        "SOURce{1|2}:AMPlitude",
        meaning="Amplitude for the set load, peak to peak [V]",
        source=VENDOR + "; [?] settles in `settling_time`",
        takes=(_VOLTS,),
        asks=(_BOUND,),
        set=lambda box, number, volts: box.set_amplitude(number, volts),
        query=lambda box, number, bound="": box.amplitude(number, bound),
    ),
    Command(
        "SOURce{1|2}:DCOffset",
        meaning="Offset for the set load [V]",
        source=VENDOR + "; [?] settles in `settling_time`",
        takes=(_VOLTS,),
        asks=(_BOUND,),
        set=lambda box, number, volts: box.set_offset(number, volts),
        query=lambda box, number, bound="": box.offset(number, bound),
    ),
    _setting(
        "SOURce{1|2}:VOLTage:UNIT",
        "unit",
        Choice("VPP", "VRMS", "DBM"),
        meaning="Unit of the amplitude",
        source=VENDOR,
    ),
    Command(
        "SOURce{1|2}:PULSe:PERiod",
        meaning="Pulse period [s]",
        source=VENDOR,
        takes=(_SECONDS,),
        set=lambda box, n, seconds: box.change(n, frequency=1 / seconds),
        query=lambda box, n: 1 / box.channels[n].frequency,
    ),
    _setting("SOURce{1|2}:PULSe:WIDTh", "width", _SECONDS, meaning="Pulse width [s]", source=VENDOR),
    _setting(
        "SOURce{1|2}:SQUare:DCYCle", "duty", _PERCENT, meaning="Duty cycle of the square [%]", source=VENDOR
    ),
    _setting(
        "SOURce{1|2}:RAMP:SYMMetry", "symmetry", _PERCENT, meaning="Symmetry of the ramp [%]", source=VENDOR
    ),
    _setting("SOURce{1|2}:PHASe", "phase", Number(-180, 180), meaning="Phase [°]", source=FAMILY),
    Command(
        "SOURce{1|2}:PHASe:SYNChronize|SYNC",
        meaning="Align the channels' phases",
        source=FAMILY,
        set=lambda box, n: None,
    ),
    _setting("OUTPut{1|2}[:STATe]", "on", Switch(), meaning="Output on or off", source=VENDOR),
    _setting("SOURce{1|2}:OUTPut", "on", Switch(), meaning="Output on or off", source="[R] AFG-2125 notes"),
    _setting(
        "OUTPut{1|2}:LOAD",
        "load",
        Choice("DEFault", "INFinity"),
        meaning="Load that amplitude and offset are meant for: DEF 50 Ω or INF",
        source=VENDOR + "; [?] the open circuit keeps its voltage, what is shown changes",
    ),
    Command(
        "OUTPut{1|2}:TRIGger",
        meaning="Trigger a burst",
        source=FAMILY,
        set=lambda box, number: box.trigger(number),
    ),
    Command("*TRG", meaning="Trigger a burst of channel 1", source=FAMILY, set=lambda box: box.trigger(1)),
    *(
        _apply(word, function)
        for word, function in (
            ("SINusoid", "SIN"),
            ("SQUare", "SQU"),
            ("RAMP", "RAMP"),
            ("PULSe", "PULS"),
            ("NOISe", "NOIS"),
            ("USER", "USER"),
        )
    ),
    Command(
        "SOURce{1|2}:APPLy",
        meaning="Function, frequency, amplitude and offset in quotes",
        source=FAMILY,
        query=lambda box, number: box.applied(number),
    ),
    _setting(
        "SOURce{1|2}:BURSt[:STATe]", "burst", Switch(), meaning="Counted bursts on or off", source=FAMILY
    ),
    _setting(
        "SOURce{1|2}:BURSt:MODE",
        "burst_mode",
        Choice("TRIGgered", "GATed"),
        meaning="Burst mode",
        source=FAMILY,
    ),
    _setting(
        "SOURce{1|2}:BURSt:NCYCles",
        "burst_cycles",
        Number(1, 65535, infinite=True),
        meaning="Pulses in a burst",
        source=FAMILY,
    ),
    _setting(
        "SOURce{1|2}:BURSt:INTernal:PERiod",
        "burst_period",
        Number(1e-6, 500, units=TIME_UNITS),
        meaning="Burst to burst, internally triggered [s]",
        source=FAMILY,
    ),
    _setting(
        "SOURce{1|2}:BURSt:TRIGger:SOURce",
        "trigger_source",
        Choice("IMMediate", "EXTernal", "BUS", "MANual"),
        meaning="What starts a burst",
        source=FAMILY,
    ),
    _setting(
        "SOURce{1|2}:BURSt:TRIGger:SLOPe",
        "trigger_slope",
        Choice("POSitive", "NEGative"),
        meaning="Edge",
        source=FAMILY,
    ),
    _setting(
        "SOURce{1|2}:BURSt:GATE:POLarity",
        "gate_polarity",
        Choice("NORMal", "INVerted"),
        meaning="Gate",
        source=FAMILY,
    ),
    Command(
        "*SAV",
        meaning="Save the settings",
        source=FAMILY,
        takes=(Number(0, 9, integer=True),),
        set=lambda box, slot: box.save(slot),
    ),
    Command(
        "*RCL",
        meaning="Recall settings; outputs off",
        source=FAMILY,
        takes=(Number(0, 9, integer=True),),
        set=lambda box, slot: box.recall(slot),
    ),
    Command(
        "*LRN",
        meaning="Function, frequency, unit, levels and pulse width of both channels as commands; "
        "they bring them back after *RST, once the load is set",
        source=FAMILY + "; its form [?]",
        query=lambda box: box.learned(),
    ),
    Command("SYSTem:REMote", meaning="Front panel locked", source=VENDOR, set=lambda box: None),
    Command("SYSTem:LOCal", meaning="Front panel free", source=VENDOR, set=lambda box: None),
    Command(
        "DISPlay", meaning="Display on or off", source=VENDOR, takes=(Switch(),), set=lambda box, on: None
    ),
    Command(
        "SOURce{1|2}:SWEep:TIME",
        meaning="Duration of a sweep [s]; the question is never answered",
        source="[R] AFG-2125 notes",
        takes=(_SECONDS,),
        set=lambda box, number, seconds: None,
    ),
    Command(
        "SOURce{1|2}:DATA:DAC",
        meaning="Points of the user's waveform; taken, without effect",
        source=FAMILY,
        takes=(Choice("VOLATILE"), Raw(repeated=True)),
        set=lambda box, number, *points: None,
    ),
    *MODULATION_COMMANDS,
)
