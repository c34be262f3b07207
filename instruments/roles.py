"""What procedures may ask of a box, whoever made it: Protocols, and the facts that travel with a reading.

Every method that talks may raise `instruments.errors.InstrumentError`. Everything is SI.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """Where durations, stamps and waits come from; a simulated bench brings its own."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never steps."""

    def utc(self) -> datetime:
        """Now, aware, in UTC; for stamps only."""

    def wait(self, seconds: float) -> None:
        """Let this many seconds pass."""


LONGEST_REPLY = 1_000_000
"""Most bytes of one reply: more than any box sends, little enough to hold."""


@runtime_checkable
class Transport(Protocol):
    """Bytes to and from one box: a VISA session, a Prologix address, or a simulated box."""

    def write(self, data: bytes) -> None:
        """Send one program message, terminator not included."""

    def read(self, timeout: float) -> bytes:
        """One reply without its terminator; raises TimeoutError after `timeout` seconds of silence."""

    def clear(self) -> None:
        """Device clear where the bus has one; always empties what was received."""

    def close(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a box answers to ``*IDN?``."""

    maker: str
    model: str
    serial: str
    firmware: str

    def __str__(self) -> str:
        return f"{self.maker} {self.model}, serial {self.serial}, firmware {self.firmware}"


@dataclass(frozen=True, kw_only=True)
class SourceReading:
    """One point of a source meter.

    voltage [V] and current [A] are NaN where the box sent a sentinel; `flags` are words of the run file
    ("compliance", "range-compliance", "overflow", "invalid"); `raw` is the reply as received.
    """

    voltage: float
    current: float
    flags: frozenset[str] = frozenset()
    instrument_time: float = float("nan")
    raw: str = ""


@dataclass(frozen=True, kw_only=True)
class LightReading:
    """One reading of a light meter: current averaged over its aperture [A], NaN with a flag if invalid."""

    current: float
    flags: frozenset[str] = frozenset()
    raw: str = ""


class Box(Protocol):
    """What every box on the bench offers."""

    @property
    def identity(self) -> Identity: ...

    def set_up(self) -> None:
        """Reset to a known state that energises nothing, then verify it by read-back."""

    def off(self) -> None:
        """Send output off; write-only, the first thing sent, never a question."""

    @property
    def output_is_off(self) -> bool:
        """Output state as the box reads it back."""

    def check_errors(self) -> Sequence[str]:
        """The box's error queue, emptied."""


class SourceMeter(Box, Protocol):
    """Sources a voltage, limits and measures the current."""

    def configure(
        self,
        *,
        compliance_current: float,
        maximum_voltage: float,
        current_range: float | None = None,
        power_line_cycles: float = 1.0,
        filter_count: int = 1,
        four_wire: bool = False,
    ) -> None:
        """Settings for one curve, verified by read-back before arming. `current_range` None is auto."""

    voltage: float
    """Level of the source [V]; the output need not be on."""

    def switch_on(self) -> None:
        """Switch the output on at the present level; needs an armed run."""

    def read_point(self) -> SourceReading:
        """One reading at the present level; the output must be on. Never energises."""

    def sweep(
        self, voltages: Sequence[float], *, settling_time: float, stop_at_compliance: bool = False
    ) -> list[SourceReading]:
        """One hardware list sweep; output on only while it lasts.

        Where it stops at compliance, the point in compliance is the last one given.
        """

    @property
    def compliance_tripped(self) -> bool: ...


BurstPolicy = Literal["require", "prefer", "never"]
"""Whether a generator has to count its pulses, should where it can, or pulses freely."""


class PulseGenerator(Box, Protocol):
    """Rectangular pulses from 0 V to an amplitude."""

    def configure_pulse(self, *, pulse_amplitude: float, pulse_width: float, pulse_period: float) -> None:
        """Set and verify pulses 0 -> amplitude into a high-impedance load, with the output off."""

    def set_pulse_width(self, pulse_width: float) -> None:
        """Change the width alone [s]."""

    @property
    def counts_pulses(self) -> bool:
        """Whether pulses come in counted bursts only, each started by `start_burst`."""

    @property
    def longest_burst(self) -> int:
        """Most pulses of one burst [1]."""

    def switch_on(self) -> None:
        """Switch the output on; it pulses, or rests at 0 V until a burst is started. Needs an armed run."""

    def start_burst(self, pulses: int) -> None:
        """Send so many pulses and rest again; where pulses are not counted, they run on as they do."""


class LightMeter(Box, Protocol):
    """Time-averaged photocurrent."""

    def configure(
        self, *, current_range: float, power_line_cycles: float = 5.0, filter_count: int = 1
    ) -> None:
        """One fixed range for a series, chosen by the peak; verified by read-back."""

    def zero_correct(self) -> None:
        """The zero-check ritual: check on, acquire, correct on, check off."""

    def read_light(self) -> LightReading: ...


class TemperatureController(Box, Protocol):
    """Holds a cold finger at a set point."""

    @property
    def stage_temperature(self) -> float: ...

    @property
    def sample_temperature(self) -> float: ...

    setpoint: float
    """Temperature asked for [K]."""

    def ramp_to(self, temperature: float, *, rate: float) -> None:
        """Move the set point at a rate [K/s] and switch the heater to its working range."""

    @property
    def heater_output(self) -> float:
        """Share of the heater range in use [1]."""


@runtime_checkable
class NextPoint(Protocol):
    """Chooses the next point of an adaptive series from what was measured; None ends it.

    Each point begins with where it was measured, what was read and its standard error.
    """

    def __call__(self, measured: Sequence[tuple[float, ...]]) -> float | None: ...
