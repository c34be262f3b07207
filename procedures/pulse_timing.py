"""How pulses and readings fit together: a reading holds whole pulses, and pulses outlast the reading.

At 50 Hz one power-line cycle is exactly 20 pulses of 1 ms, at 60 Hz 16.67; an aperture that cuts a pulse
reads more or less light with the phase it happens to begin at.
"""

import math
from collections.abc import Callable
from typing import TypeVar

from instruments.errors import InstrumentError
from instruments.roles import Clock, PulseGenerator

Reading = TypeVar("Reading")

SHORTEST_APERTURE = 0.1  # [s]
MOST_CYCLES = 10  # of an electrometer's aperture
MARGIN = 1.1  # a burst's duration over the longest reading's


def whole_cycles(pulse_period: float, line_frequency: float) -> float:
    """Fewest line cycles of at least 0.1 s that hold whole pulses [1]; where none do, just 0.1 s."""
    fewest = math.ceil(SHORTEST_APERTURE * line_frequency)
    fitting = (n for n in range(fewest, MOST_CYCLES + 1) if _is_whole(n / line_frequency / pulse_period))
    return float(next(fitting, fewest))


def cut_pulse_remark(power_line_cycles: float, pulse_period: float, line_frequency: float) -> str | None:
    """What to say of an aperture that cuts a pulse; None where it holds whole ones."""
    pulses = power_line_cycles / line_frequency / pulse_period
    if _is_whole(pulses):
        return None
    better = whole_cycles(pulse_period, line_frequency)
    fits = _is_whole(better / line_frequency / pulse_period)
    way_out = f"{better:g} line cycles" if fits else "a period that fits into whole line cycles"
    return (
        f"a reading of {power_line_cycles:g} line cycles at {line_frequency:g} Hz holds {pulses:.4g} pulses: "
        f"it varies by up to {1 / pulses:.1%} with where it begins; use {way_out}"
    )


def _is_whole(pulses: float) -> bool:
    return pulses >= 1 and abs(pulses - round(pulses)) <= 1e-6 * pulses


class Bursts:
    """Counted bursts, each a little longer than a reading; what they outlast is learned from the readings.

    The generator ends a burst by itself: whatever becomes of this computer, that is how long pulses go on.

    Parameters
    ----------
    generator : it may also pulse freely; then nothing is counted
    clock : that readings are timed with
    pulse_period : [s]
    expected : duration of the first reading [s]
    """

    def __init__(
        self, generator: PulseGenerator, clock: Clock, *, pulse_period: float, expected: float
    ) -> None:
        self._generator, self._clock, self._longest = generator, clock, expected
        self.pulse_period = pulse_period

    def during(self, read: Callable[[], Reading]) -> Reading:
        """What `read` gives while pulses come; read again, in a longer burst, where it outlasted them.

        Returns once the burst is over.
        """
        if not self._generator.counts_pulses:
            return read()
        needed = self._longest
        while True:
            pulses = self._pulses(needed)
            duration = pulses * self.pulse_period
            asked = self._clock.monotonic()
            self._generator.start_burst(pulses)
            started = self._clock.monotonic()
            reading = read()
            now = self._clock.monotonic()
            self._clock.wait(max(started + duration - now, 0.0))
            # the burst began after we asked for it, so within this time it cannot have ended
            if now - asked <= duration:
                self._longest = max(self._longest, now - asked)
                return reading
            needed = 1.5 * (now - asked)

    def _pulses(self, needed: float) -> int:
        pulses = math.ceil(MARGIN * needed / self.pulse_period)
        if pulses > self._generator.longest_burst:
            raise InstrumentError(
                f"a reading takes {needed:.3g} s, longer than the longest burst of "
                f"{self._generator.longest_burst * self.pulse_period:.3g} s; read fewer times a point, or "
                'let the generator pulse freely: bursts = "never" in the bench file'
            )
        return pulses
