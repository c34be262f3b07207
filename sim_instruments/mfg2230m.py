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
from sim_instruments.mfg2230m_commands import COMMANDS
from sim_instruments.scpi import ScpiBox, ScpiError
from sim_instruments.waveform import GeneratorTerminals, OpenChannel, Shape, Waveform

SOURCE_RESISTANCE = 50.0  # [Ω]
SMALLEST_SWING = 2e-3  # [V] peak to peak, open circuit
LARGEST_SWING = 20.0  # [V] peak to peak, open circuit
LARGEST_LEVEL = 10.0  # [V] offset and half the swing together, open circuit

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
        if not SMALLEST_SWING * (1 - 1e-9) <= self.swing <= LARGEST_SWING * (1 + 1e-9):
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

    def waiting(self, level: float) -> Waveform:
        """What comes out before a burst is triggered: a level [V]."""
        return replace(
            self.waveform(), shape="steady", low=level, high=level, cycles=math.inf, repeats_every=math.inf
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
    commands = COMMANDS
    stops_at_error = False
    takes_blocks = True
    processing_time = 0.002

    settling_time = 0.05
    """Time a new amplitude or offset needs to appear [s]; ``*OPC?`` waits for it ([?] 10 to 100 ms)."""

    rests_at_offset = False
    """Whether the output waits for a burst at its offset and not at its low level ([?])."""

    deaf_while_busy = False
    """Whether queries go unanswered while settling, as an AFG-2225 was seen to do ([D])."""

    def __init__(
        self, *, clock: Clock, seed: int = 0, terminals: dict[int, GeneratorTerminals] | None = None
    ) -> None:
        self.terminals = {1: OpenChannel(), 2: OpenChannel()} | (terminals or {})
        self.channels = {1: Channel(), 2: Channel()}
        self._settled_at = -math.inf
        self._announced = (False, 0.0)
        self._burst_ends = {1: -math.inf, 2: -math.inf}
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
            low = new.offset - new.swing / 2
            resting = new.waiting(new.offset if self.rests_at_offset else low)
            self.terminals[number].drive(
                resting if waits else new.waveform(), start=max(now, self._settled_at)
            )
            self._burst_ends[number] = -math.inf
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
        """Start a burst; one that is running is not disturbed."""
        channel, now = self.channels[number], self.clock.monotonic()
        waits = channel.on and channel.burst and channel.trigger_source != "IMM"
        if not waits or now < self._burst_ends[number]:
            raise ScpiError(-211)
        start = max(now, self._settled_at)
        self.terminals[number].drive(channel.waveform(), start=start)
        self._burst_ends[number] = start + channel.burst_cycles / channel.frequency

    def set_amplitude(self, number: int, value: float) -> None:
        """Take an amplitude in the channel's unit and for its load setting."""
        channel = self.channels[number]
        self.change(number, swing=_to_swing(value, channel) / channel.shown)

    def amplitude(self, number: int, bound: str = "") -> float:
        """The amplitude, or its MIN or MAX, in the channel's unit and for its load setting."""
        channel = self.channels[number]
        swing = {"MIN": SMALLEST_SWING, "MAX": LARGEST_SWING}.get(bound, channel.swing)
        return _from_swing(swing * channel.shown, channel)

    def set_offset(self, number: int, value: float) -> None:
        self.change(number, offset=value / self.channels[number].shown)

    def offset(self, number: int, bound: str = "") -> float:
        """The offset, or what is left for it beside the amplitude."""
        channel = self.channels[number]
        room = LARGEST_LEVEL - channel.swing / 2
        return {"MIN": -room, "MAX": room}.get(bound, channel.offset) * channel.shown

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

    def learned(self) -> str:
        """What ``*LRN?`` answers."""
        return ";".join(
            f":SOUR{number}:{leaf} {value}"
            for number, channel in self.channels.items()
            for leaf, value in (
                ("FUNC", channel.function),
                ("FREQ", self.format_number(channel.frequency)),
                ("VOLT:UNIT", channel.unit),
                ("AMP", self.format_number(self.amplitude(number))),
                ("DCO", self.format_number(self.offset(number))),
                ("PULS:WIDT", self.format_number(channel.width)),
            )
        )

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
