"""A recorded session through the live pipeline again: at any pace, forwards and backwards, step by step.

A replay reads the session's files and nothing else: it opens no port, and it writes nothing.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from instruments.roles import Clock
from qdlab.collector import collector_at_rest
from qdlab.events import Event
from qdlab.records import RunFeed

if TYPE_CHECKING:
    from qdlab.live.session import SessionScreen

Screen = TypeVar("Screen")
CHECKPOINT_DISTANCE = 1000


class Replay(Generic[Screen]):
    """A position in a list of events, and the screen as it was when that many had happened.

    Screens never change once made, so one is kept every thousand events: going back costs at most the folding
    of a thousand, and so does every jump to where the replay has been before.

    Parameters
    ----------
    events : in the order they happened
    initial : the screen before the first of them
    fold : the live pipeline: screen and event to screen
    """

    def __init__(
        self, events: Iterable[Event], initial: Screen, fold: Callable[[Screen, Event], Screen]
    ) -> None:
        self.events = tuple(events)
        self.screen = initial
        self.position = 0
        self.paused = False
        self._fold = fold
        self._times = _rising(event.time for event in self.events)
        self._now = self._times[0] if self._times else 0.0
        self._checkpoints = [initial]

    def __len__(self) -> int:
        return len(self.events)

    @property
    def at_end(self) -> bool:
        """Whether every event has happened."""
        return self.position == len(self.events)

    @property
    def time(self) -> float:
        """Where the replay is [s] since the session began."""
        return self._now

    @property
    def duration(self) -> float:
        """Time of the last event [s] since the session began."""
        return self._times[-1] if self._times else 0.0

    def pause(self) -> None:
        """`advance` does nothing until `resume`; `step` and `seek` still do."""
        self.paused = True

    def resume(self) -> None:
        """Let `advance` go on."""
        self.paused = False

    def step(self, count: int = 1) -> Screen:
        """Go on by some events, or back by a negative number of them."""
        return self.seek(self.position + count)

    def seek(self, position: int) -> Screen:
        """Go to the screen after so many events; past either end is that end."""
        target = min(max(position, 0), len(self.events))
        nearest = min(target // CHECKPOINT_DISTANCE, len(self._checkpoints) - 1)
        if target < self.position or nearest * CHECKPOINT_DISTANCE > self.position:
            self.position, self.screen = nearest * CHECKPOINT_DISTANCE, self._checkpoints[nearest]
        with collector_at_rest():
            self._go_through(target)
        if self.events:
            self._now = self._times[max(target - 1, 0)]
        return self.screen

    def look_ahead(self, count: int) -> None:
        """Fold some events past the farthest screen kept, and keep others on the way; nothing moves."""
        start = (len(self._checkpoints) - 1) * CHECKPOINT_DISTANCE
        screen = self._checkpoints[-1]
        if start + CHECKPOINT_DISTANCE > len(self.events):
            return  # no other screen is to be kept
        with collector_at_rest():
            for number, event in enumerate(self.events[start : start + count], start=start + 1):
                screen = self._fold(screen, event)
                if number % CHECKPOINT_DISTANCE == 0:
                    self._checkpoints.append(screen)

    def _go_through(self, target: int) -> None:
        for event in self.events[self.position : target]:
            self.screen = self._fold(self.screen, event)
            self.position += 1
            if self.position == len(self._checkpoints) * CHECKPOINT_DISTANCE:
                self._checkpoints.append(self.screen)

    def seek_time(self, seconds: float) -> Screen:
        """Go to the screen as it was at a time [s] since the session began."""
        screen = self.seek(bisect_right(self._times, seconds))
        self._now = min(max(seconds, self._times[0]), self.duration) if self._times else 0.0
        return screen

    def advance(self, seconds: float) -> Screen:
        """Let this much of the session's time pass [s], unless paused: elapsed time times the speed."""
        return self.screen if self.paused else self.seek_time(self._now + seconds)

    def play(self, clock: Clock | None = None, *, speed: float = 1.0) -> Iterator[Screen]:
        """The screens that follow, each when it is due at `speed` times the recorded pace, or at once."""
        while not self.at_end:
            due = self._times[self.position]
            if clock is not None:
                clock.wait(max(due - self._now, 0.0) / speed)
            yield self.step()


def open_replay(path: Path) -> "Replay[SessionScreen]":
    """The replay of a session's folder through the live screens.

    Raises
    ------
    NotASession, RecordError : there is none, or a line of it cannot be believed
    """
    from qdlab.live import session as live
    from qdlab.live.planned import planned_of

    with collector_at_rest():
        feed = RunFeed(path)
        initial = live.initial(feed.devices, feed.identities, planned_of(feed.plan))
        return Replay(feed.events(), initial, live.fold)


def _rising(times: Iterable[float]) -> list[float]:
    """Times that never fall, whatever the file says: a seek must find its place."""
    return list(accumulate(times, max, initial=-math.inf))[1:]
