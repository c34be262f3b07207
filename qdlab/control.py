"""The reins of a running campaign (stop, abort, pause, answer), and what it says of its progress."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from instruments.roles import Clock

LONGEST_SLICE = 0.2  # [s]; a wait on real hardware is cut into pieces no longer than this


class Aborted(Exception):
    """Somebody, or an interlock, asked for an end now, not after the point."""

    def __init__(self, reason: str, interlock: str | None = None) -> None:
        super().__init__(reason)
        self.interlock = interlock


class Stopped(Exception):
    """Somebody asked for an end after the point, and the point is done."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What the operator is asked to do; the campaign goes on once it is answered."""

    text: str
    device: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a campaign is.

    Parameters
    ----------
    step : the step in words
    key : of the step in the plan's file; empty before the first
    visit : which set point of a temperature sweep, from 0
    state : what happens now ("settling at 257 K, 0.04 K to go")
    points_done, points_planned : [1]
    elapsed, remaining : on the bench's clock [s]; remaining is an estimate
    prompt : what the operator is asked to do; None while nobody is waited for
    """

    step: str
    key: str = ""
    visit: int = 0
    state: str
    points_done: int
    points_planned: int
    elapsed: float
    remaining: float
    prompt: Prompt | None = None

    @property
    def share(self) -> float:
        """Part of the planned points that is done [1]."""
        return min(self.points_done / self.points_planned, 1.0) if self.points_planned else 0.0


class Control:
    """The reins of one campaign; any thread may pull them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._stop = False
        self._abort_reason: str | None = None
        self._interlock: str | None = None
        self._paused = False
        self._answer: str | None = None
        self._skipped: frozenset[str] = frozenset()

    def stop_after_point(self) -> None:
        """End safely once the present point is recorded."""
        with self._changed:
            self._stop = True
            self._changed.notify_all()

    def abort(self, reason: str = "the operator aborted", *, interlock: str | None = None) -> None:
        """End safely now; `interlock` is the one that asks for it."""
        with self._changed:
            self._abort_reason, self._interlock = reason, interlock
            self._changed.notify_all()

    def pause(self) -> None:
        """Hold before the next procedure, outputs off."""
        with self._changed:
            self._paused = True

    def go_on(self) -> None:
        """End a pause."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def answer_prompt(self, answer: str = "done") -> None:
        """Tell the campaign that what it asked for is done."""
        with self._changed:
            self._answer = answer
            self._changed.notify_all()

    def skip(self, keys: Iterable[str]) -> None:
        """Pass over these steps of the plan, and no others, unless they have begun already."""
        self._skipped = frozenset(keys)

    def skips(self, key: str) -> bool:
        """Whether a step is to be passed over."""
        return key in self._skipped

    @property
    def stop_requested(self) -> bool:
        return self._stop

    @property
    def paused(self) -> bool:
        return self._paused

    def check(self) -> None:
        """Raises Aborted where somebody asked for that."""
        if self._abort_reason is not None:
            raise Aborted(self._abort_reason, self._interlock)

    def open_prompt(self) -> None:
        """Forget an answer that nobody asked for; before the prompt is shown."""
        with self._changed:
            self._answer = None

    def wait_for_answer(self, beat: Callable[[], None]) -> str:
        """The operator's answer to the open prompt; `beat` is called every slice of the wait."""
        self._wait_until(lambda: self._answer is not None, beat)
        with self._changed:
            answer, self._answer = self._answer, None
        return answer or ""

    def wait_while_paused(self, beat: Callable[[], None]) -> None:
        self._wait_until(lambda: not self._paused, beat)

    def _wait_until(self, done: Callable[[], bool], beat: Callable[[], None]) -> None:
        while True:
            self.check()
            with self._changed:
                if self._stop:
                    raise Stopped("the operator stopped")
                if done():
                    return
                self._changed.wait(LONGEST_SLICE)
            beat()


class InterruptibleClock:
    """A bench's clock whose waits end at an abort, and which beats while it waits on real time."""

    def __init__(self, clock: Clock, control: Control, *, beat: Callable[[], None], simulated: bool) -> None:
        self._clock, self._control, self._beat = clock, control, beat
        self._slice = float("inf") if simulated else LONGEST_SLICE
        self.monotonic = clock.monotonic
        self.utc = clock.utc

    def wait(self, seconds: float) -> None:
        """Let this many seconds pass; raises Aborted."""
        self._control.check()
        while seconds > 0:
            part = min(seconds, self._slice)
            self._beat()
            self._clock.wait(part)
            self._control.check()
            seconds -= part
