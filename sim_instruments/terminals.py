"""What a box sees at its terminals: the other side is the wiring and the sample.

Boxes own accuracy, noise, ranges and time; terminals own the physics. A reading asks its terminals for *true*
values over the aperture [start, start + duration] on the bench's clock.
"""

import math
from typing import Literal, Protocol

SourceKind = Literal["voltage", "current"]


class SourceTerminals(Protocol):
    """The sample as a source meter's HI and LO see it."""

    def output(self, *, on: bool, source: SourceKind, level: float, limit: float) -> float:
        """Apply a level, or let go; return the voltage now at the terminals [V].

        Called at every change of the output: on and off, source function, level, limit.

        Parameters
        ----------
        on : whether the output is on; off, the source rests at level zero
        source : which quantity is forced
        level : the true forced value [V] or [A]
        limit : compliance on the other quantity [A] or [V]; zero is an open relay, the sample left alone
        """

    def measure(
        self, *, source: SourceKind, level: float, limit: float, start: float, duration: float
    ) -> tuple[float, float]:
        """Return the true mean voltage [V] and current [A] over an aperture, compliance resolved.

        In compliance the limited quantity has exactly the magnitude `limit`.

        Parameters
        ----------
        source, level, limit : as in `output`
        start, duration : the aperture on the bench's clock [s]
        """


class LightTerminals(Protocol):
    """The photodiode as an electrometer sees it."""

    @property
    def resistance(self) -> float:
        """Resistance an ohmmeter sees between the inputs [Ω]."""

    def mean_current(self, start: float, duration: float) -> float:
        """Return the true current averaged over an aperture, pulses and their beat included [A]."""

    def peak_current(self, start: float, duration: float) -> float:
        """Return the current of largest magnitude within an aperture, signed [A]."""

    def open_voltage(self, start: float, duration: float) -> float:
        """Return the mean voltage the photodiode gives without current [V]."""


class OpenSource:
    """Nothing connected to a source meter: no current flows."""

    def output(self, *, on: bool, source: SourceKind, level: float, limit: float) -> float:
        """Return the forced voltage, or the voltage limit when a current is forced into nothing [V]."""
        return (
            self.measure(source=source, level=level, limit=limit, start=0.0, duration=0.0)[0] if on else 0.0
        )

    def measure(
        self, *, source: SourceKind, level: float, limit: float, start: float, duration: float
    ) -> tuple[float, float]:
        """Return (level, 0 A), or the voltage limit when a current is forced into nothing."""
        if source == "voltage" or level == 0:
            return (level, 0.0)
        return (limit if level > 0 else -limit, 0.0)


class Dark:
    """Nothing connected to an electrometer: no current."""

    resistance = math.inf

    def mean_current(self, start: float, duration: float) -> float:
        """Return 0 A."""
        return 0.0

    def peak_current(self, start: float, duration: float) -> float:
        """Return 0 A."""
        return 0.0

    def open_voltage(self, start: float, duration: float) -> float:
        """Return 0 V."""
        return 0.0
