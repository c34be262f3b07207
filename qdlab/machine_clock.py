"""The computer's own clock, for everything that is not simulated."""

import time
from datetime import UTC, datetime


class MachineClock:
    """Durations from the monotonic clock, stamps from the system's."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never steps."""
        return time.monotonic()

    def utc(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)

    def wait(self, seconds: float) -> None:
        """Sleep."""
        if seconds > 0:
            time.sleep(seconds)
