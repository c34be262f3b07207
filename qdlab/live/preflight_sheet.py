"""The pre-flight sheet: what a careful colleague would look at before Start, in words and three verdicts."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qdlab.campaign import simulated_devices
from qdlab.config import BenchConfig, PlanConfig, plan_problems, planned_procedures, steps_with_keys
from qdlab.config.plan import in_words
from qdlab.config.steps import STEP_MODELS, TemperatureSweepStep
from qdlab.errors import ConfigError
from qdlab.preflight import (
    cut_pulse_remarks,
    refuse_what_cannot_be_made_safe,
    room_for,
    temperature_remarks,
    untested_pixels,
    warm_up_remarks,
)

LineVerdict = Literal["good", "look", "stop"]
"""good: as it should be; look: a person should know this; stop: to be put right before anything starts"""


@dataclass(frozen=True, kw_only=True)
class SheetLine:
    """One thing that was looked at: what it is, the verdict, and what was found with the way out."""

    title: str
    verdict: LineVerdict
    words: str


@dataclass(frozen=True, kw_only=True)
class BenchFacts:
    """What is known of the bench now.

    Parameters
    ----------
    boxes : who answered, by role; None while nobody has asked
    trouble : why the bench does not answer; empty where it does
    busy : what it does already; empty where it is free
    sleep_warning : why the computer may fall asleep; empty where it will not
    """

    boxes: Mapping[str, str] | None = None
    trouble: str = ""
    busy: str = ""
    sleep_warning: str = ""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """All that was looked at before a plan may start."""

    lines: tuple[SheetLine, ...]

    @property
    def may_start(self) -> bool:
        return all(line.verdict != "stop" for line in self.lines)

    @property
    def words(self) -> str:
        """The sheet in one sentence."""
        stops = sum(line.verdict == "stop" for line in self.lines)
        looks = len(self.warnings)
        if stops:
            return f"Not yet: {stops} of {len(self.lines)} must be put right first."
        if looks:
            return f"It may start; {looks} of {len(self.lines)} deserve a look first."
        return "Everything is as it should be."

    @property
    def warnings(self) -> tuple[str, ...]:
        """What whoever starts it accepts, for the session's journal."""
        return tuple(f"{line.title}: {line.words}" for line in self.lines if line.verdict == "look")

    @property
    def start_words(self) -> str:
        """What starting it means, as its button says it."""
        looks = len(self.warnings)
        return f"Start with {looks} warning{'s' if looks > 1 else ''}" if looks else "Start"


def facts_of(hello: Mapping[str, Any], *, sleep_warning: str | None) -> BenchFacts:
    """What a runner's greeting says about its bench."""
    busy = ""
    if hello.get("state") == "running":
        busy = f"{hello.get('owner', 'somebody')} runs a plan on it"
    boxes = {role: str(box["identity"]) for role, box in (hello.get("boxes") or {}).items()}
    return BenchFacts(boxes=boxes, busy=busy, sleep_warning=sleep_warning or "")


def make_sheet(plan: PlanConfig, bench: BenchConfig, output: Path, facts: BenchFacts) -> Sheet:
    """Look at everything; asks the disk for its room, and nothing else."""
    lines = (
        _limits(plan, bench),
        _boxes(plan, bench, facts),
        *_procedures_of_others(plan, bench),
        *_devices(plan, bench),
        *_pulses(plan, bench),
        _atmosphere(plan),
        _temperatures(plan),
        _warm_up(bench),
        _disk(plan, output),
        _sleep(facts),
    )
    return Sheet(lines=lines)


def _limits(plan: PlanConfig, bench: BenchConfig) -> SheetLine:
    problems = list(plan_problems(plan, bench_limits=bench.limits))
    if problems:
        return _line("Limits", "stop", *map(str, problems))
    return _line("Limits", "good", "every step stays within the limits of bench, plan and device")


def _boxes(plan: PlanConfig, bench: BenchConfig, facts: BenchFacts) -> SheetLine:
    if facts.trouble:
        return _line("Boxes", "stop", f"{facts.trouble}; switch it on, look at its cable, then check again")
    if facts.busy:
        return _line("Boxes", "stop", f"the bench is in use: {facts.busy}; wait for its end, or stop it")
    missing = sorted(_needed_roles(plan) - set(bench.instruments)) if bench.kind == "hardware" else []
    if missing:
        names = " and ".join(map(in_words, missing))
        return _line("Boxes", "stop", f"the plan needs a {names}; add it to the bench file")
    if bench.kind == "simulation":
        return _line("Boxes", "good", "simulated boxes stand in; nothing real is energised")
    if facts.boxes is None:
        return _line("Boxes", "stop", "asking the boxes who they are …")
    return _line("Boxes", "good", *(f"{in_words(role)}: {who}" for role, who in facts.boxes.items()))


def _procedures_of_others(plan: PlanConfig, bench: BenchConfig) -> Iterator[SheetLine]:
    """Only where one of them may not run on real boxes."""
    if bench.kind != "hardware" or not _procedures(plan):
        return
    try:
        refuse_what_cannot_be_made_safe(plan)
    except ConfigError as refusal:
        yield _line("Procedures", "stop", str(refusal))


def _pulses(plan: PlanConfig, bench: BenchConfig) -> Iterator[SheetLine]:
    """Only where a reading of pulsed light cuts a pulse."""
    remarks = cut_pulse_remarks(plan, bench) if _procedures(plan) else []
    if remarks:
        yield _line("Pulses", "look", *remarks)


def _needed_roles(plan: PlanConfig) -> set[str]:
    roles = {role for planned in _procedures(plan) for role in planned.step.procedure_class.roles}
    if any(isinstance(step, TemperatureSweepStep) for _, step in steps_with_keys(plan.steps)):
        roles.add("temperature_controller")
    return roles


def _procedures(plan: PlanConfig) -> list[Any]:
    try:
        return planned_procedures(plan)
    except ConfigError:
        # told under Limits already
        return []


def _devices(plan: PlanConfig, bench: BenchConfig) -> Iterator[SheetLine]:
    if bench.kind == "simulation":
        try:
            simulated_devices(plan)
        except ConfigError as problem:
            yield _line("Devices", "stop", str(problem))
            return
    remarks = untested_pixels(plan) if _procedures(plan) else []
    if remarks:
        yield _line("Devices", "look", *remarks)
    else:
        yield _line("Devices", "good", ", ".join(device.identifier for device in plan.devices.values()))


def _atmosphere(plan: PlanConfig) -> SheetLine:
    if plan.atmosphere is None:
        return _line("Atmosphere", "look", "none stated; give gas and dew point, so that the record says it")
    dew_point = plan.atmosphere.dew_point
    if dew_point is None:
        return _line("Atmosphere", "look", f"{plan.atmosphere.gas}, dew point not stated")
    return _line("Atmosphere", "good", f"{plan.atmosphere.gas}, dew point {dew_point:g} K")


def _temperatures(plan: PlanConfig) -> SheetLine:
    remarks = temperature_remarks(plan)
    if remarks:
        return _line("Temperature", "look", *remarks)
    visited = [
        setpoint
        for _, step in steps_with_keys(plan.steps)
        if isinstance(step, TemperatureSweepStep)
        for setpoint in step.visits
    ]
    if not visited:
        return _line("Temperature", "good", "the plan leaves it as it is")
    return _line(
        "Temperature",
        "good",
        f"{len(visited)} set points, {min(visited):g} K to {max(visited):g} K, warm end",
    )


def _warm_up(bench: BenchConfig) -> SheetLine:
    remarks = warm_up_remarks(bench)
    if remarks:
        return _line("Warm-up", "look", *remarks)
    return _line("Warm-up", "good", "this bench asks for none")


def _disk(plan: PlanConfig, output: Path) -> SheetLine:
    try:
        room = room_for(plan, output)
    except ConfigError:
        return _line("Disk", "stop", "what the plan needs is not known while its steps are wrong")
    if not room.enough:
        return _line("Disk", "stop", f"{room}; make room, or choose another folder for the sessions")
    return _line("Disk", "good", f"{output}: {room}")


def _sleep(facts: BenchFacts) -> SheetLine:
    if facts.sleep_warning:
        return _line("Sleep", "look", facts.sleep_warning)
    return _line("Sleep", "good", "the computer is kept awake while a plan runs")


def _line(title: str, verdict: LineVerdict, *words: str) -> SheetLine:
    return SheetLine(title=title, verdict=verdict, words="\n".join(map(_as_shown, words)))


def _as_shown(text: str) -> str:
    """Steps and kinds of steps as the window calls them: ``step 3`` for ``steps[2]``, ``pixel check``."""
    counted = re.sub(r"\bsteps\[(\d+)\]", lambda found: f"step {int(found[1]) + 1}", text)
    kinds = "|".join(kind for kind in STEP_MODELS if "_" in kind)
    return re.sub(rf"\b({kinds})\b", lambda found: in_words(found[0]), counted.replace(".step ", "."))
