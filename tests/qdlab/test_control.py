"""The reins of a campaign: answers, pauses, stops and aborts, from any thread."""

from datetime import UTC, datetime

import pytest

from qdlab import control as module
from qdlab.control import Aborted, Control, InterruptibleClock, Progress, Stopped


@pytest.fixture(autouse=True)
def no_real_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_SLICE", 0.001)


class CountedClock:
    """Notes every wait it is asked for."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return sum(self.waits)

    def utc(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)


def test_a_prompt_waits_for_its_answer() -> None:
    control = Control()
    control.open_prompt()
    assert control.wait_for_answer(lambda: control.answer_prompt("pixel 3 connected")) == "pixel 3 connected"


def test_an_answer_nobody_asked_for_does_not_pass_the_next_prompt() -> None:
    control = Control()
    control.answer_prompt("too early")
    control.open_prompt()
    assert control.wait_for_answer(lambda: control.answer_prompt("now")) == "now"


def test_stop_and_abort_end_the_wait_for_an_answer() -> None:
    stopped, aborted = Control(), Control()
    with pytest.raises(Stopped):
        stopped.wait_for_answer(stopped.stop_after_point)
    with pytest.raises(Aborted, match="fire"):
        aborted.wait_for_answer(lambda: aborted.abort("fire"))


def test_a_pause_holds_until_somebody_goes_on() -> None:
    control = Control()
    control.pause()
    assert control.paused
    control.wait_while_paused(control.go_on)
    assert not control.paused


def test_a_wait_on_real_time_is_sliced_and_beats() -> None:
    clock, control = CountedClock(), Control()
    beats: list[int] = []
    InterruptibleClock(clock, control, beat=lambda: beats.append(1), simulated=False).wait(0.0035)
    assert sum(clock.waits) == pytest.approx(0.0035)
    assert max(clock.waits) <= 0.001
    assert len(beats) == len(clock.waits)


def test_a_wait_ends_at_an_abort() -> None:
    clock, control = CountedClock(), Control()
    waiting = InterruptibleClock(clock, control, beat=lambda: control.abort(), simulated=False)
    with pytest.raises(Aborted, match="the operator aborted"):
        waiting.wait(60.0)
    assert len(clock.waits) == 1


def test_a_simulated_wait_is_one_step() -> None:
    clock = CountedClock()
    InterruptibleClock(clock, Control(), beat=lambda: None, simulated=True).wait(3600.0)
    assert clock.waits == [3600.0]


@pytest.mark.parametrize(
    ("done", "planned", "share"), [(0, 10, 0.0), (5, 10, 0.5), (12, 10, 1.0), (0, 0, 0.0)]
)
def test_progress_is_a_share_of_the_planned_points(done: int, planned: int, share: float) -> None:
    progress = Progress(
        step="", state="", points_done=done, points_planned=planned, elapsed=0.0, remaining=0.0
    )
    assert progress.share == share
