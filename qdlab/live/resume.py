"""What to ask about a session that did not finish: "3 of 9 temperatures were done; resume at 257 K?" """

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qdlab.campaign.places import Earlier, Place
from qdlab.config import (
    PlanConfig,
    ProcedureStep,
    RepeatUntilStableStep,
    StepConfig,
    TemperatureSweepStep,
    plan_from_document,
    why_not_resumed,
)
from qdlab.errors import ConfigError
from qdlab.live.plan_form import title_of
from qdlab.records import Session


@dataclass(frozen=True, kw_only=True)
class ResumeQuestion:
    """A session that could go on.

    Parameters
    ----------
    sentence : how far it got and where it would go on
    session : its folder
    plan : document of the plan it follows
    """

    sentence: str
    session: Path
    name: str
    plan: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Measurement:
    place: Place
    step: ProcedureStep
    sweep: str = ""


def resume_question(session: Session) -> ResumeQuestion | None:
    """What to ask about a session; None where it has finished, or nothing of it is missing."""
    document = session.document.get("plan")
    if session.end == "finished" or not isinstance(document, dict):
        return None
    try:
        plan = plan_from_document(document)
    except ConfigError:
        # written by another version: it can be read, but not gone on with
        return None
    earlier = Earlier(session)
    measurements = list(_measurements(plan.steps, Place()))
    done = [earlier.is_finished(one.place) for one in measurements]
    if all(done):
        return None
    first = measurements[done.index(False)]
    words = _temperatures(measurements, done, first) if first.sweep else _measured(done, first)
    words = " ".join([words, *_anew(plan, earlier, measurements)])
    return ResumeQuestion(sentence=words, session=session.path, name=plan.name, plan=plan.to_document())


def _anew(plan: PlanConfig, earlier: Earlier, measurements: list[_Measurement]) -> Iterator[str]:
    """What was begun and cannot be gone on with, one sentence each."""
    devices = {device.identifier: device for device in plan.devices.values()}
    for one in measurements:
        begun = earlier.begun(one.place)
        if begun is not None and begun.header.device in devices:
            why = why_not_resumed(one.step, devices[begun.header.device])
            if why:
                yield f"{begun.name} ({len(begun.rows)} rows) is measured anew: {why}."


def _temperatures(measurements: list[_Measurement], done: list[bool], first: _Measurement) -> str:
    visits: dict[int, bool] = {}
    for one, finished in zip(measurements, done, strict=True):
        if one.sweep == first.sweep:
            visits[one.place.visit] = visits.get(one.place.visit, True) and finished
    count = sum(visits.values())
    were = "was" if count == 1 else "were"
    return f"{count} of {len(visits)} temperatures {were} done; resume at {first.place.setpoint:g} K?"


def _measured(done: list[bool], first: _Measurement) -> str:
    count = sum(done)
    were = "was" if count == 1 else "were"
    what = f"{title_of(first.step.kind)} ({first.place.key})"
    return f"{count} of {len(done)} measurements {were} done; resume with {what}?"


def _measurements(steps: Sequence[StepConfig], place: Place, sweep: str = "") -> Iterator[_Measurement]:
    """Every measurement a plan asks for; of repeats, whose number nobody knows, only the first."""
    for index, step in enumerate(steps):
        here = place.step(index)
        if step.skip:
            continue
        if isinstance(step, ProcedureStep):
            yield _Measurement(place=here, step=step, sweep=sweep)
        elif isinstance(step, TemperatureSweepStep):
            for visit, setpoint in enumerate(step.visits):
                at = replace(here, visit=visit, setpoint=setpoint, tolerance=step.tolerance)
                yield from _measurements(step.steps, at, here.key)
        elif isinstance(step, RepeatUntilStableStep):
            yield from _measurements(step.steps, replace(here, repeat=0), sweep)
