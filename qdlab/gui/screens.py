"""Where the window's screens come from: a recorded session at some pace, or what a bench's runner records."""

import math
from pathlib import Path
from typing import Protocol

from qdlab.live import session as live
from qdlab.live.planned import planned_of
from qdlab.live.session import SessionScreen
from qdlab.lock import is_held, read_lock
from qdlab.records import RunFeed
from qdlab.replay import Replay

PORTION = 2000  # events between two pictures at unlimited speed
AHEAD = 2000  # events folded ahead of time between two pictures


class Screens(Protocol):
    """Moves on with time; every screen is a finished picture."""

    def advance(self, elapsed: float) -> SessionScreen:
        """The screen after this many more seconds on the wall."""

    @property
    def position(self) -> tuple[float, str]:
        """How far along [1], and the same in words."""


class ReplayScreens:
    """A recorded session; pause, step and seek are those of `Replay`."""

    def __init__(self, replay: Replay[SessionScreen], *, speed: float = 100.0) -> None:
        self.replay = replay
        self.speed = speed

    def advance(self, elapsed: float) -> SessionScreen:
        """Go on by the recorded pace times the speed; at unlimited speed by a portion at a time."""
        replay = self.replay
        replay.look_ahead(AHEAD)
        if replay.paused:
            return replay.screen
        if math.isinf(self.speed):
            return replay.step(PORTION)
        return replay.advance(elapsed * self.speed)

    def play(self, playing: bool) -> None:
        """Play or pause; playing at the end starts over."""
        if not playing:
            self.replay.pause()
            return
        if self.replay.at_end:
            self.replay.seek(0)
        self.replay.resume()

    def set_speed(self, speed: float) -> None:
        """Recorded pace times this; infinite is as fast as it goes."""
        self.speed = speed

    def seek(self, share: float) -> None:
        """Go to a share of the events [1]."""
        self.replay.seek(round(share * len(self.replay)))

    @property
    def position(self) -> tuple[float, str]:
        replay = self.replay
        share = replay.position / len(replay) if len(replay) else 1.0
        words = (
            f"{_clock(replay.time)} of {_clock(replay.duration)}, event {replay.position} of {len(replay)}"
        )
        return share, words


class BenchScreens:
    """Follows the session that a bench's runner is writing, and the next one when that begins."""

    def __init__(self, bench: str, runtime: Path) -> None:
        self._bench = bench
        self._runtime = runtime
        self._path: Path | None = None
        self._feed: RunFeed | None = None
        self._screen = live.initial({})

    def advance(self, elapsed: float) -> SessionScreen:
        """Fold what was recorded since the last look."""
        path = self._new_session()
        if path is not None:
            self._path, self._feed = path, RunFeed(path, follow=True)
            planned = planned_of(self._feed.plan)
            self._screen = live.initial(self._feed.devices, self._feed.identities, planned)
        for event in self._feed.poll() if self._feed is not None else ():
            self._screen = live.fold(self._screen, event)
        return self._screen

    @property
    def path(self) -> Path | None:
        """The session followed; None before the first."""
        return self._path

    @property
    def position(self) -> tuple[float, str]:
        if self._path is None:
            return 0.0, f"no run on bench {self._bench} yet"
        return 1.0, self._path.name

    def _new_session(self) -> Path | None:
        """The folder a living runner writes into, where it is another one than before."""
        owner = read_lock(self._bench, self._runtime)
        if owner is None or not owner.session or Path(owner.session) == self._path:
            return None
        return Path(owner.session) if is_held(self._bench, self._runtime) else None


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
