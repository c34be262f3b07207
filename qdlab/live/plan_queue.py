"""The queue of plans: what comes next, what became of the others, and how it is kept between days.

A queued plan holds its devices itself, so that it can be carried out though a file has moved. Pure functions;
only `read_queue` and `write_queue` touch the disk.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from qdlab.config import FailurePolicy
from qdlab.errors import ConfigError
from qdlab.live.plan_draft import Draft, DraftDevice, draft_of
from qdlab.records.manifest import replace_file

PlanState = Literal[
    "waiting", "skipped", "running", "finished", "stopped", "aborted", "failed", "interrupted"
]

FORMAT = 1
LARGEST = 20_000_000  # [byte]
OPEN_STATES = frozenset({"waiting", "skipped"})
"""States in which a plan has not begun, and may still be changed."""


@dataclass(frozen=True, kw_only=True)
class QueuedPlan:
    """One plan of the queue.

    Parameters
    ----------
    number : tells it from the others for as long as it is in the queue
    state, words : where it is, and why it ended
    session : folder of its session; empty before it began
    resumes : it goes on with that session
    tries : how often it was started
    """

    number: int
    draft: Draft
    state: PlanState = "waiting"
    words: str = ""
    session: str = ""
    resumes: bool = False
    tries: int = 0

    @property
    def may_change(self) -> bool:
        """Whether it has not begun."""
        return self.state in OPEN_STATES


@dataclass(frozen=True, kw_only=True)
class PlanQueue:
    """Plans in the order they are carried out.

    Parameters
    ----------
    on_failure : what follows when a plan failed: an end, the next plan, or one more try and then an end
    going : the next plan begins by itself when one has ended
    """

    plans: tuple[QueuedPlan, ...] = ()
    on_failure: FailurePolicy = "stop"
    going: bool = False

    @property
    def running(self) -> QueuedPlan | None:
        return next((plan for plan in self.plans if plan.state == "running"), None)

    @property
    def next(self) -> QueuedPlan | None:
        """The plan to be carried out next."""
        return next((plan for plan in self.plans if plan.state == "waiting"), None)

    def plan(self, number: int) -> QueuedPlan:
        """The plan of that number; raises KeyError."""
        for plan in self.plans:
            if plan.number == number:
                return plan
        raise KeyError(number)


# Changes by a person


def added(queue: PlanQueue, draft: Draft, *, session: str = "", after: int | None = None) -> PlanQueue:
    """With one more plan at the end, or behind another; with a session it resumes that one."""
    number = 1 + max((plan.number for plan in queue.plans), default=0)
    plan = QueuedPlan(number=number, draft=draft, session=session, resumes=bool(session))
    at = len(queue.plans) if after is None else _place(queue, after) + 1
    return replace(queue, plans=(*queue.plans[:at], plan, *queue.plans[at:]))


def edited(queue: PlanQueue, number: int, draft: Draft) -> PlanQueue:
    """With another draft for a plan that has not begun."""
    return _changed_open(queue, number, lambda plan: replace(plan, draft=draft, resumes=False, session=""))


def redrafted(queue: PlanQueue, number: int, draft: Draft) -> PlanQueue:
    """With the draft of a running plan as it is now, steps that were passed over included."""
    return _changed(queue, number, lambda plan: replace(plan, draft=draft))


def duplicated(queue: PlanQueue, number: int) -> PlanQueue:
    """With the plan once more behind itself, to be carried out afresh."""
    return added(queue, queue.plan(number).draft, after=number)


def skipped(queue: PlanQueue, number: int) -> PlanQueue:
    """With a plan that has not begun passed over, or not any longer."""
    other: Mapping[PlanState, PlanState] = {"waiting": "skipped", "skipped": "waiting"}
    return _changed_open(queue, number, lambda plan: replace(plan, state=other[plan.state]))


def removed(queue: PlanQueue, number: int) -> PlanQueue:
    """Without a plan; one that is running stays."""
    return replace(
        queue, plans=tuple(plan for plan in queue.plans if plan.number != number or plan.state == "running")
    )


def moved(queue: PlanQueue, number: int, to: int) -> PlanQueue:
    """With a plan that has not begun at another place, but never before one that has."""
    plan = queue.plan(number)
    if not plan.may_change:
        return queue
    others = [other for other in queue.plans if other.number != number]
    begun = [place for place, other in enumerate(others, start=1) if not other.may_change]
    at = max(min(to, len(others)), max(begun, default=0))
    return replace(queue, plans=(*others[:at], plan, *others[at:]))


def shifted(queue: PlanQueue, number: int, by: int) -> PlanQueue:
    """With a plan that has not begun one place up (-1) or down (+1)."""
    return moved(queue, number, max(_place(queue, number) + by, 0))


# What happens to it


def started(queue: PlanQueue, number: int) -> PlanQueue:
    """The plan begins; the queue is going from now on."""
    begun = _changed(
        queue,
        number,
        lambda plan: replace(plan, state="running", words="", tries=plan.tries + 1),
    )
    return replace(begun, going=True)


def recording(queue: PlanQueue, session: str) -> PlanQueue:
    """The running plan's session has begun."""
    running = queue.running
    if running is None:
        return queue
    return _changed(queue, running.number, lambda plan: replace(plan, session=session))


def ended(queue: PlanQueue, *, end: str, reason: str, session: str) -> PlanQueue:
    """The running plan is over; the queue goes on, or stops, as its policy says.

    What an operator stopped or aborted stops the queue, whatever the policy.
    """
    running = queue.running
    if running is None:
        return queue
    state: Any = end if end in get_args(PlanState) else "failed"
    words = f"{state}: {reason}" if reason else state
    over = replace(running, state=state, words=words, session=session or running.session)
    going = queue.going and (state == "finished" or (state == "failed" and queue.on_failure == "skip"))
    if state == "failed" and queue.on_failure == "retry" and running.tries < 2:
        over = replace(
            over, state="waiting", words=f"tried again after: {reason}", resumes=bool(over.session)
        )
        going = queue.going
    changed = _changed(queue, running.number, lambda plan: over)
    return replace(changed, going=going and changed.next is not None)


def refused(queue: PlanQueue, sentence: str) -> PlanQueue:
    """The running plan could not begin after all; it waits, with the reason, and so does the queue."""
    running = queue.running
    if running is None:
        return queue
    waits = replace(running, state="waiting", words=sentence, tries=max(running.tries - 1, 0))
    return replace(_changed(queue, running.number, lambda plan: waits), going=False)


def lost(queue: PlanQueue) -> PlanQueue:
    """No runner carries out the plan said to be running: it ended while nobody looked, or was killed."""
    running = queue.running
    if running is None:
        return queue
    words = "interrupted: its runner is gone; what was measured is safe"
    gone = _changed(
        queue,
        running.number,
        lambda plan: replace(plan, state="interrupted", words=words),
    )
    return replace(gone, going=False)


def attached(queue: PlanQueue, hello: Mapping[str, Any]) -> PlanQueue:
    """What a runner says it is doing, to a window that was not there meanwhile."""
    if hello.get("state") == "running":
        return recording(queue, str(hello.get("session") or ""))
    running, last = queue.running, hello.get("ended")
    if running is not None and last and running.session in ("", last["session"]):
        over = ended(queue, end=last["end"], reason=last.get("reason", ""), session=last["session"])
        # whoever opens a window finds a bench at rest; the next plan begins when a person says so
        return replace(over, going=False)
    return lost(queue)


def _changed(queue: PlanQueue, number: int, change: Callable[[QueuedPlan], QueuedPlan]) -> PlanQueue:
    return replace(
        queue, plans=tuple(change(plan) if plan.number == number else plan for plan in queue.plans)
    )


def _changed_open(queue: PlanQueue, number: int, change: Callable[[QueuedPlan], QueuedPlan]) -> PlanQueue:
    """With a change to a plan that has not begun; one that has stays."""
    return _changed(queue, number, lambda plan: change(plan) if plan.may_change else plan)


def _place(queue: PlanQueue, number: int) -> int:
    return next(place for place, plan in enumerate(queue.plans) if plan.number == number)


# Kept between days


def read_queue(path: Path) -> PlanQueue:
    """The queue as it was; an empty one where there is no file. Raises ConfigError for any other file."""
    try:
        if path.stat().st_size > LARGEST:
            raise ConfigError(f"{path}: larger than {LARGEST} bytes; this is no queue")
        return from_document(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return PlanQueue()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise ConfigError(f"{path}: cannot be read as a queue ({problem}); move it away to begin") from None


def write_queue(path: Path, queue: PlanQueue) -> None:
    """Put the queue in the place of the one on the disk, in one step."""
    replace_file(path, json.dumps(to_document(queue), ensure_ascii=False, indent=1).encode())


def to_document(queue: PlanQueue) -> dict[str, Any]:
    """The queue as plain JSON."""
    plans = [
        {
            **{
                name: getattr(plan, name)
                for name in ("number", "state", "words", "session", "resumes", "tries")
            },
            "plan": plan.draft.to_document(),
            "files": {name: device.file for name, device in plan.draft.devices.items()},
        }
        for plan in queue.plans
    ]
    return {"format": FORMAT, "on_failure": queue.on_failure, "going": queue.going, "plans": plans}


def from_document(document: Mapping[str, Any]) -> PlanQueue:
    """The queue of a document; raises ValueError, KeyError or TypeError for what is none."""
    if document["format"] != FORMAT:
        raise ValueError(f"its format {document['format']!r} is newer than this program")
    if document["on_failure"] not in get_args(FailurePolicy):
        raise ValueError(f"on_failure = {document['on_failure']!r}")
    return PlanQueue(
        plans=tuple(map(_plan_of, document["plans"])),
        on_failure=document["on_failure"],
        going=bool(document["going"]),
    )


def _plan_of(document: Mapping[str, Any]) -> QueuedPlan:
    if document["state"] not in get_args(PlanState):
        raise ValueError(f"state = {document['state']!r}")
    try:
        draft = draft_of(document["plan"])
    except ConfigError as problem:
        raise ValueError(str(problem)) from None
    files = document["files"]
    devices = {
        name: DraftDevice(table=device.table, file=str(files.get(name, "")))
        for name, device in draft.devices.items()
    }
    return QueuedPlan(
        number=int(document["number"]),
        draft=replace(draft, devices=devices),
        state=document["state"],
        words=str(document["words"]),
        session=str(document["session"]),
        resumes=bool(document["resumes"]),
        tries=int(document["tries"]),
    )
