"""Time for the stand-ins: simulated seconds, the machine's, or the machine's run faster.

A box never sleeps: it asks its clock to `wait`. On a `SimClock` that advances a number, so hours pass in
milliseconds and every run is the same; on a `RealClock` or `ScaledClock` the thread really waits.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""UTC at simulated second zero."""


class WaitCut(Exception):
    """A wait for a running measurement was cut short by an ABORt that came in the meantime."""


class Clock(Protocol):
    """What every box and every sample asks for the time."""

    def monotonic(self) -> float:
        """Seconds since the bench was switched on [s]."""

    def utc(self) -> datetime:
        """The date and time in UTC."""

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass [s]; zero or less returns at once."""


class SimClock:
    """Simulated seconds: `wait` advances them and returns at once.

    Examples
    --------
    >>> clock = SimClock()
    >>> clock.wait(3600.0)
    >>> clock.monotonic(), clock.utc().isoformat()
    (3600.0, '2026-01-01T01:00:00+00:00')
    """

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        """Simulated seconds since the bench was switched on [s]."""
        return self._now

    def utc(self) -> datetime:
        """The fixed epoch plus the simulated seconds."""
        return EPOCH + timedelta(seconds=self._now)

    def wait(self, seconds: float) -> None:
        """Advance by `seconds` [s]."""
        if seconds > 0:
            self._now += seconds


class ScaledClock:
    """The machine's clock, run `speed` times faster, from the same fixed epoch as `SimClock`.

    Parameters
    ----------
    speed : simulated seconds per second of the machine [1]
    """

    def __init__(self, speed: float) -> None:
        if not speed > 0:
            raise ValueError(f"speed {speed!r} of the clock: it must be above zero")
        self.speed = speed
        self._start = time.monotonic()

    def monotonic(self) -> float:
        """Scaled seconds since the bench was switched on [s]."""
        return (time.monotonic() - self._start) * self.speed

    def utc(self) -> datetime:
        """The fixed epoch plus the scaled seconds."""
        return EPOCH + timedelta(seconds=self.monotonic())

    def wait(self, seconds: float) -> None:
        """Sleep until `seconds` of this clock have passed [s]."""
        if seconds > 0:
            time.sleep(seconds / self.speed)


class RealClock(ScaledClock):
    """The machine's clock: one simulated second a second, and the machine's own UTC."""

    def __init__(self) -> None:
        super().__init__(1.0)

    def utc(self) -> datetime:
        """The machine's date and time."""
        return datetime.now(UTC)
