"""A stand-in for the GW Instek MFG-2230M function generator: its two AFG channels, as its maker's own driver
speaks to it.

The manual was not at hand: the table follows GW Instek's published driver and bench notes of the same family,
and says where it guesses. What matters on the bench is kept: amplitude and offset are separate writes that
settle one after the other, their meaning and limits hang on the load setting, and ``APPLy`` switches the
output on.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from sim_instruments.clock import Clock
from sim_instruments.scpi import Choice, Command, Number, Parameter, Raw, ScpiBox, ScpiError, Switch, control
from sim_instruments.waveform import GeneratorTerminals, OpenChannel, Shape, Waveform

SOURCE_RESISTANCE = 50.0  # [Ω]
LARGEST_SWING = 20.0  # [V] peak to peak, open circuit
LARGEST_LEVEL = 10.0  # [V] offset and half the swing together, open circuit

VENDOR = "[V] GW Instek weblab-instrument, MFG22X0"
FAMILY = "[D] pylablib, AFG-2225"

SHAPES: dict[str, Shape] = {
    "SIN": "sine",
    "SQU": "pulse",
    "RAMP": "ramp",
    "PULS": "pulse",
    "NOIS": "noise",
    "USER": "noise",
}
# swing over effective value, for VRMS and DBM [1]
CREST = {"SIN": 2 * math.sqrt(2), "SQU": 2.0, "PULS": 2.0, "RAMP": 2 * math.sqrt(3), "NOIS": 6.0, "USER": 2.0}

FREQUENCY_UNITS = {"HZ": 1.0, "KHZ": 1e3, "MHZ": 1e-3}  # MHZ is millihertz whatever the case ([D])
TIME_UNITS = {"S": 1.0, "MS": 1e-3, "US": 1e-6, "NS": 1e-9}
VOLTAGE_UNITS = {"V": 1.0, "VPP": 1.0, "MV": 1e-3, "MVPP": 1e-3, "VRMS": 1.0, "DBM": 1.0}


@dataclass(frozen=True, kw_only=True)
class Channel:
    """Settings of one channel; voltages are those of the open circuit, whatever the load setting shows.

    The values are those after ``*RST`` ([?], as the AFG-2225's front panel).
    """

    function: str = "SIN"
    frequency: float = 1e3
    swing: float = 6.0
    offset: float = 0.0
    unit: str = "VPP"
    load: str = "DEF"
    width: float = 5e-4
    duty: float = 50.0
    symmetry: float = 50.0
    phase: float = 0.0
    burst: bool = False
    burst_mode: str = "TRIG"
    burst_cycles: float = 1.0
    burst_period: float = 1e-2
    trigger_source: str = "IMM"
    trigger_slope: str = "POS"
    gate_polarity: str = "NORM"
    on: bool = False

    @property
    def shown(self) -> float:
        """Shown over open-circuit voltage: a 50 Ω load setting halves what is shown."""
        return 1.0 if self.load == "INF" else 0.5

    def check(self) -> None:
        """Refuse what the hardware cannot put out, or what contradicts itself."""
        if not 2e-3 <= self.swing <= LARGEST_SWING:
            raise ScpiError(-222)
        if abs(self.offset) + self.swing / 2 > LARGEST_LEVEL * (1 + 1e-9):
            raise ScpiError(-221)
        if self.function == "PULS" and not 0 < self.width < 1 / self.frequency:
            raise ScpiError(-221)
        if self.unit == "DBM" and self.load == "INF":
            raise ScpiError(-221)

    def waveform(self) -> Waveform:
        """What comes out while the channel is on."""
        period = 1 / self.frequency
        width = period * self.duty / 100 if self.function == "SQU" else self.width
        low, high = self.offset - self.swing / 2, self.offset + self.swing / 2
        running = Waveform(
            shape=SHAPES[self.function],
            low=low,
            high=high,
            period=period,
            width=width,
            resistance=SOURCE_RESISTANCE,
        )
        if not self.burst:
            return running
        if self.trigger_source == "IMM":
            return replace(running, cycles=self.burst_cycles, repeats_every=self.burst_period)
        return replace(running, cycles=self.burst_cycles)

    def waiting(self) -> Waveform:
        """What comes out before a burst is triggered: the low level."""
        low = self.offset - self.swing / 2
        return replace(
            self.waveform(), shape="steady", low=low, high=low, cycles=math.inf, repeats_every=math.inf
        )


class MFG2230M(ScpiBox):
    """The generator; channel 1 is wired to the pixel.

    Parameters
    ----------
    clock, seed : as of every box
    terminals : what each channel drives
    """

    name = "mfg2230m"
    identity = "GW INSTEK,MFG-2230M,SN:SIM00001,V1.00"
    stops_at_error = False
    processing_time = 0.002

    settling_time = 0.05
    """Time a new amplitude or offset needs to appear [s]; ``*OPC?`` waits for it ([?] 10 to 100 ms)."""

    deaf_while_busy = False
    """Whether queries go unanswered while settling, as an AFG-2225 was seen to do ([D])."""

    def __init__(
        self, *, clock: Clock, seed: int = 0, terminals: dict[int, GeneratorTerminals] | None = None
    ) -> None:
        self.terminals = {1: OpenChannel(), 2: OpenChannel()} | (terminals or {})
        self.channels = {1: Channel(), 2: Channel()}
        self._settled_at = -math.inf
        self._announced = (False, 0.0)
        self._saved: dict[int, dict[int, Channel]] = {}
        super().__init__(clock=clock, seed=seed)

    def reset(self) -> None:
        """``*RST``: outputs off, 1 kHz sine."""
        super().reset()
        for number in self.channels:
            self.put(number, Channel())

    def receive(self, message: bytes) -> bytes | None:
        reply = super().receive(message)
        return None if self.deaf_while_busy and not self.is_idle() else reply

    def is_idle(self) -> bool:
        """Whether the output has settled."""
        return self.clock.monotonic() >= self._settled_at

    def finish(self) -> None:
        """Wait until the output has settled."""
        self.clock.wait(self._settled_at - self.clock.monotonic())

    def format_number(self, value: float) -> str:
        return f"{value:+.4E}"

    def format_error(self, code: int) -> str:
        return f"{code:+d}, '{self.error_text(code)}.'"

    def change(self, number: int, **changes: Any) -> None:
        """Change settings of a channel together, or refuse them together."""
        self.put(number, replace(self.channels[number], **changes))

    def put(self, number: int, new: Channel) -> None:
        """Take a channel's settings over; the output follows, new levels once they have settled."""
        new.check()
        before, now = self.channels[number], self.clock.monotonic()
        self.channels[number] = new
        if (new.swing, new.offset) != (before.swing, before.offset):
            self._settled_at = now + self.settling_time
        if new.on and new != before:
            waits = new.burst and new.trigger_source != "IMM"
            waveform = new.waiting() if waits else new.waveform()
            self.terminals[number].drive(waveform, start=max(now, self._settled_at))
        elif before.on and not new.on:
            self.terminals[number].drive(None, start=now)
        self._announce()

    def _announce(self) -> None:
        """Tell the witness of the outputs together: on if one is, at the largest open-circuit voltage."""
        volts = [abs(c.offset) + c.swing / 2 for c in self.channels.values() if c.on]
        now = (bool(volts), max(volts, default=0.0))
        if now != self._announced:
            self._announced = now
            self.announce_output(*now)

    def trigger(self, number: int) -> None:
        """Start a burst."""
        channel = self.channels[number]
        if not (channel.on and channel.burst) or channel.trigger_source == "IMM":
            raise ScpiError(-211)
        self.terminals[number].drive(channel.waveform(), start=max(self.clock.monotonic(), self._settled_at))

    def set_amplitude(self, number: int, value: float) -> None:
        """Take an amplitude in the channel's unit and for its load setting."""
        channel = self.channels[number]
        self.change(number, swing=_to_swing(value, channel) / channel.shown)

    def amplitude(self, number: int) -> float:
        """The amplitude in the channel's unit and for its load setting."""
        channel = self.channels[number]
        return _from_swing(channel.swing * channel.shown, channel)

    def set_offset(self, number: int, value: float) -> None:
        self.change(number, offset=value / self.channels[number].shown)

    def offset(self, number: int) -> float:
        channel = self.channels[number]
        return channel.offset * channel.shown

    def apply(self, number: int, function: str, *values: float) -> None:
        """APPLy: function, then frequency, amplitude and offset as far as given; the output goes on."""
        channel = replace(self.channels[number], function=function)
        frequency, amplitude, offset = (*values, None, None, None)[:3]
        if frequency is not None:
            channel = replace(channel, frequency=frequency, width=min(channel.width, 0.5 / frequency))
        if amplitude is not None:
            channel = replace(channel, swing=_to_swing(amplitude, channel) / channel.shown)
        if offset is not None:
            channel = replace(channel, offset=offset / channel.shown)
        self.put(number, replace(channel, on=True))

    def applied(self, number: int) -> str:
        """What APPLy? answers."""
        channel = self.channels[number]
        values = (channel.frequency, self.amplitude(number), self.offset(number))
        return f'"{channel.function} ' + ",".join(self.format_number(value) for value in values) + '"'

    def save(self, slot: int) -> None:
        self._saved[slot] = dict(self.channels)

    def recall(self, slot: int) -> None:
        """``*RCL``: settings come back, outputs stay off."""
        for number, channel in self._saved.get(slot, {}).items():
            self.put(number, replace(channel, on=False))


def _to_swing(value: float, channel: Channel) -> float:
    """Volts peak to peak from a value in the channel's unit."""
    if channel.unit == "VPP":
        return value
    effective = math.sqrt(1e-3 * SOURCE_RESISTANCE * 10 ** (value / 10)) if channel.unit == "DBM" else value
    return effective * CREST[channel.function]


def _from_swing(swing: float, channel: Channel) -> float:
    """A value in the channel's unit from volts peak to peak."""
    if channel.unit == "VPP":
        return swing
    effective = swing / CREST[channel.function]
    return 10 * math.log10(effective**2 / (1e-3 * SOURCE_RESISTANCE)) if channel.unit == "DBM" else effective


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
_FUNCTIONS = Choice("SINusoid", "SQUare", "RAMP", "PULSe", "NOISe", "USER")

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

MFG2230M.commands = (
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
        source=VENDOR,
        takes=(_VOLTS,),
        set=MFG2230M.set_amplitude,
        query=MFG2230M.amplitude,
    ),
    Command(
        "SOURce{1|2}:DCOffset",
        meaning="Offset for the set load [V]",
        source=VENDOR,
        takes=(_VOLTS,),
        set=MFG2230M.set_offset,
        query=MFG2230M.offset,
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
        source=VENDOR,
    ),
    Command("OUTPut{1|2}:TRIGger", meaning="Trigger a burst", source=FAMILY, set=MFG2230M.trigger),
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
        query=MFG2230M.applied,
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
        set=MFG2230M.save,
    ),
    Command(
        "*RCL",
        meaning="Recall settings; outputs off",
        source=FAMILY,
        takes=(Number(0, 9, integer=True),),
        set=MFG2230M.recall,
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
