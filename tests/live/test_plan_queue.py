"""The queue of plans: order, policies after a failure, and coming back after a restart."""

import json
from pathlib import Path

import pytest

from qdlab.errors import ConfigError
from qdlab.live import plan_queue as queues
from qdlab.live.plan_draft import Draft, new_step, read_draft
from qdlab.live.plan_queue import PlanQueue


def of(*names: str) -> PlanQueue:
    queue = PlanQueue()
    for name in names:
        queue = queues.added(queue, Draft(name=name, steps=(new_step("note"),)))
    return queue


def names(queue: PlanQueue) -> list[str]:
    return [plan.draft.name for plan in queue.plans]


def states(queue: PlanQueue) -> list[str]:
    return [plan.state for plan in queue.plans]


def ran(queue: PlanQueue, end: str) -> PlanQueue:
    assert queue.next is not None
    return queues.ended(
        queues.started(queue, queue.next.number), end=end, reason="because", session="/data/s1"
    )


def test_plans_are_reordered_duplicated_skipped_and_removed() -> None:
    queue = of("a", "b", "c")
    assert names(queues.shifted(queue, 3, -1)) == ["a", "c", "b"]
    assert names(queues.moved(queue, 1, 9)) == ["b", "c", "a"]
    assert names(queues.duplicated(queue, 1)) == ["a", "a", "b", "c"]
    assert names(queues.removed(queue, 2)) == ["a", "c"]
    over = queues.skipped(queue, 1)
    assert over.next is not None and over.next.draft.name == "b"
    assert queues.skipped(over, 1) == queue


def test_what_has_begun_is_neither_moved_nor_changed_nor_removed() -> None:
    queue = queues.started(of("a", "b", "c"), 1)
    assert names(queues.moved(queue, 1, 2)) == ["a", "b", "c"]
    assert names(queues.moved(queue, 3, 0)) == ["a", "c", "b"]
    assert queues.edited(queue, 1, Draft(name="z")) == queue
    assert queues.skipped(queue, 1) == queue
    assert queues.removed(queue, 1) == queue


@pytest.mark.parametrize(
    ("policy", "end", "going", "state"),
    [
        ("stop", "finished", True, "finished"),
        ("stop", "failed", False, "failed"),
        ("skip", "failed", True, "failed"),
        ("retry", "failed", True, "waiting"),
        ("skip", "aborted", False, "aborted"),
        ("retry", "stopped", False, "stopped"),
    ],
)
def test_after_an_end_the_queue_goes_on_or_stops_as_its_policy_says(
    policy: str, end: str, going: bool, state: str
) -> None:
    queue = ran(PlanQueue(plans=of("a", "b").plans, on_failure=policy), end)
    assert (queue.going, queue.plans[0].state) == (going, state)


def test_a_plan_tried_again_resumes_its_session_and_is_not_tried_a_third_time() -> None:
    queue = ran(PlanQueue(plans=of("a", "b").plans, on_failure="retry"), "failed")
    again = queue.next
    assert again is not None and again.resumes and again.session == "/data/s1"
    queue = ran(queue, "failed")
    assert (states(queue), queue.going) == (["failed", "waiting"], False)


def test_the_queue_stops_when_nothing_is_left() -> None:
    assert not ran(of("a"), "finished").going


def test_a_window_that_comes_back_learns_what_became_of_the_running_plan() -> None:
    queue = queues.recording(queues.started(of("a", "b"), 1), "/data/s1")
    last = {"end": "finished", "reason": "", "session": "/data/s1"}
    assert states(queues.attached(queue, {"state": "running", "session": "/data/s1"})) == [
        "running",
        "waiting",
    ]
    assert states(queues.attached(queue, {"state": "idle", "ended": last})) == ["finished", "waiting"]
    stranger = {"state": "idle", "ended": {**last, "session": "/data/s9"}}
    assert states(queues.attached(queue, stranger)) == ["interrupted", "waiting"]
    gone = queues.lost(queue)
    assert (states(gone), gone.going) == (["interrupted", "waiting"], False)


def test_the_queue_is_the_same_after_a_restart(tmp_path: Path, project_root: Path) -> None:
    paper = read_draft(project_root / "examples" / "plan-paper.toml")
    queue = queues.started(queues.added(of("µ-Plan", "b"), paper), 1)
    file = tmp_path / "queue.json"
    assert queues.read_queue(file) == PlanQueue()
    queues.write_queue(file, queue)
    queues.write_queue(file, queue)
    assert queues.read_queue(file) == queue
    assert [path.name for path in tmp_path.iterdir()] == ["queue.json"]


@pytest.mark.parametrize(
    "change", [{"format": 9}, {"on_failure": "dance"}, {"plans": [{}]}, {"plans": 3}, {"going": None, "x": 1}]
)
def test_a_file_that_is_no_queue_is_refused_with_its_name(tmp_path: Path, change: dict) -> None:
    document = queues.to_document(of("a")) | change
    if "x" in change:
        del document["plans"]
    file = tmp_path / "queue.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"queue\.json"):
        queues.read_queue(file)
