"""Replay: the recorded events through the live pipeline, at any pace and in both directions."""

import dataclasses
from pathlib import Path

import pytest

from benchmarks.records import campaigns, hostile, trials
from benchmarks.records.trials import StepClock
from qdlab.events import Event, RunEnded
from qdlab.live.planned import planned_of
from qdlab.live.session import SessionScreen, folded
from qdlab.records import RunFeed, SessionWriter, device_to_document
from qdlab.records.storage import DISK
from qdlab.replay import CHECKPOINT_DISTANCE, Replay, open_replay


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, _ = campaigns.run_until_stopped(campaigns.SHORT_SWEEP, DISK, tmp_path_factory.mktemp("campaign"))
    assert path is not None
    return path


def test_a_replay_ends_where_live_ended_bit_for_bit(campaign: Path) -> None:
    feed = RunFeed(campaign)
    live = folded(feed.devices, feed.events(), planned=planned_of(feed.plan))
    replay = open_replay(campaign)
    for _ in replay.play():
        pass
    assert replay.at_end
    assert len(live.jv.finished) == 3
    for one, other in zip(live.jv.finished, replay.screen.jv.finished, strict=True):
        assert one.started == other.started
        assert [row.values for row in one.rows] == [row.values for row in other.rows]
        assert (one.fit is None) == (other.fit is None)
        if one.fit is not None and other.fit is not None:
            assert repr(one.fit.zero_field_mobility) == repr(other.fit.zero_field_mobility)
    assert live.temperature == replay.screen.temperature
    assert live.journal == replay.screen.journal


def count(seen: tuple[int, ...], event: Event) -> tuple[int, ...]:
    """A pipeline whose screen is what it has seen."""
    return (*seen, getattr(event, "sequence", -1))


def test_seeking_and_stepping_give_what_going_through_gives(campaign: Path) -> None:
    events = list(RunFeed(campaign).events())
    screens: list[tuple[int, ...]] = [()]
    for event in events:
        screens.append(count(screens[-1], event))
    replay: Replay[tuple[int, ...]] = Replay(events, (), count)
    for position in (5, 3, len(events), 0, 17, 16, 18, len(events) + 99, -3):
        inside = min(max(position, 0), len(events))
        assert replay.seek(position) == screens[inside]
        assert replay.position == inside
    assert replay.step(4) == screens[4]
    assert replay.step(-1) == screens[3]


def replay_of_times(count: int) -> tuple[Replay[float], list[float]]:
    """A replay whose screen is the sum of the times 0, 1, 2 ... so far, and every time it folded."""
    events = [RunEnded(run="a", end="finished", rows=0, time=float(number)) for number in range(count)]
    folded_events: list[float] = []

    def note(total: float, event: Event) -> float:
        folded_events.append(event.time)
        return total + event.time

    return Replay(events, 0.0, note), folded_events


def test_going_back_far_starts_at_a_screen_kept_on_the_way() -> None:
    replay, folded_events = replay_of_times(3500)
    replay.seek(3500)
    folded_events.clear()
    assert replay.seek(2100) == sum(range(2100))
    assert len(folded_events) == 2100 % CHECKPOINT_DISTANCE


def test_a_seek_to_where_nobody_has_been_starts_at_a_screen_folded_ahead() -> None:
    replay, folded_events = replay_of_times(3500)
    for _ in range(4):
        replay.look_ahead(1500)
    assert (replay.position, replay.screen) == (0, 0.0)
    assert sorted(set(folded_events)) == [float(number) for number in range(3500)]
    folded_events.clear()
    replay.look_ahead(1500)
    assert not folded_events
    assert replay.seek(3400) == sum(range(3400))
    assert len(folded_events) == 3400 % CHECKPOINT_DISTANCE
    assert replay.seek(1001) == sum(range(1001))


def test_time_passes_at_any_speed_and_stands_still_while_paused(campaign: Path) -> None:
    replay = open_replay(campaign)
    replay.seek_time(10.0)
    assert replay.time == 10.0
    replay.pause()
    replay.advance(100.0)
    assert replay.time == 10.0
    replay.resume()
    replay.advance(2.5)
    assert replay.time == 12.5
    assert all(event.time <= 12.5 for event in replay.events[: replay.position])
    assert all(event.time > 12.5 for event in replay.events[replay.position :])
    replay.advance(1e9)
    assert replay.at_end


@pytest.mark.parametrize("speed", [1.0, 250.0])
def test_playing_takes_the_recorded_time_over_the_speed(campaign: Path, speed: float) -> None:
    clock = StepClock()
    clock.seconds = 0.0
    replay = open_replay(campaign)
    for _ in replay.play(clock, speed=speed):
        pass
    assert clock.seconds == pytest.approx((replay.duration - replay.events[0].time) / speed)


def test_an_interrupted_session_replays_as_far_as_it_goes(interrupted_session: Path) -> None:
    replay: Replay[SessionScreen] = open_replay(interrupted_session)
    screen = replay.seek(len(replay))
    assert [end.end for end in screen.ended] == ["finished", "stopped", "interrupted"]
    assert len(screen.jv.finished[-1].rows) == 2


def test_an_empty_replay_is_at_its_end() -> None:
    replay = Replay((), "nothing", lambda screen, event: "something")
    assert replay.at_end
    assert replay.advance(10.0) == replay.step() == replay.seek_time(5.0) == "nothing"


def test_replaying_opens_no_port_and_writes_nothing(campaign: Path) -> None:
    """The audit hook sees every file, socket and process; modules loaded on first use are Python's own."""
    before = {
        file: (file.read_bytes(), file.stat().st_mtime_ns) for file in campaign.rglob("*") if file.is_file()
    }
    open_replay(campaign).seek(10)
    with hostile.GUARD.watching(campaign) as events:
        replay = open_replay(campaign)
        for _ in replay.play():
            pass
    assert [event for event in events if not event.startswith(("import", "compile", "exec", "marshal"))] == []
    assert {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in before} == before


def test_a_device_of_unknown_permittivity_is_shown_without_a_fit(tmp_path: Path) -> None:
    layer = dataclasses.replace(trials.DEVICE.layers[0], relative_permittivity=None)
    device = dataclasses.replace(trials.DEVICE, layers=(layer,))
    document = {"devices": [device_to_document(device)]}
    session = SessionWriter.create(tmp_path, name="unknown", document=document, clock=StepClock())
    trials.record_two_runs(session)
    session.close()
    replay = open_replay(session.path)
    screen = replay.seek(len(replay))
    assert [run.fit for run in screen.jv.finished] == [None, None]
