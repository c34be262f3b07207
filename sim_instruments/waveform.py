"""What a function generator drives out of one channel, as the wiring sees it."""

import math
from dataclasses import dataclass
from typing import Literal, Protocol

Shape = Literal["pulse", "sine", "ramp", "noise", "steady"]


@dataclass(frozen=True, kw_only=True)
class Waveform:
    """An electromotive force behind a source resistance.

    Parameters
    ----------
    shape : rectangular pulses (squares among them) or another course between low and high
    low, high : of the electromotive force, that is into an open circuit [V]
    period, width : start to start, and time at `high` [s]
    cycles : how many periods in a burst; infinite runs on
    repeats_every : burst to burst [s]; infinite is one burst only
    resistance : of the source [Ω]
    """

    shape: Shape = "pulse"
    low: float
    high: float
    period: float
    width: float
    cycles: float = math.inf
    repeats_every: float = math.inf
    resistance: float = 50.0

    @property
    def duty_cycle(self) -> float:
        """Share of a period at the high level [1]; half where the course is not rectangular."""
        return min(self.width / self.period, 1.0) if self.shape == "pulse" else 0.5


class GeneratorTerminals(Protocol):
    """The sample as one channel of the generator sees it."""

    def drive(self, waveform: Waveform | None, *, start: float) -> None:
        """Put out a waveform from a time on the bench's clock [s]; None lets go."""


class OpenChannel:
    """A channel with nothing connected."""

    def drive(self, waveform: Waveform | None, *, start: float) -> None:
        """Take no notice."""
