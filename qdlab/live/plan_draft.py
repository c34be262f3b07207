"""A plan while a person puts it together: steps that can be moved, what is wrong where, what it will take.

Everything here is a pure function of a frozen `Draft`; a draft need not hold as a plan yet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from procedures.base import NO_COST, Cost
from qdlab.config import (
    LimitsConfig,
    PlanConfig,
    PlanProblem,
    load_device,
    plan_problems,
    read_toml,
    step_costs,
)
from qdlab.errors import ConfigError
from qdlab.live.forms import problem_words
from qdlab.live.plan_form import FIRST_TABLES, holds_steps

Key = tuple[int, ...]
"""Where a step stands: its number, then its number inside that step, and so on."""


@dataclass(frozen=True, kw_only=True)
class DraftStep:
    """One step as it stands in a file: its kind, its settings, and the steps inside it."""

    kind: str
    table: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple["DraftStep", ...] = ()
    skip: bool = False

    def to_document(self) -> dict[str, Any]:
        document: dict[str, Any] = {"kind": self.kind, **self.table}
        if self.skip:
            document["skip"] = True
        if holds_steps(self.kind):
            document["steps"] = [step.to_document() for step in self.steps]
        return document


@dataclass(frozen=True, kw_only=True)
class DraftDevice:
    """A device of the plan: its table, and the file that came from; empty where it stood in the plan."""

    table: Mapping[str, Any]
    file: str = ""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A plan that may still be wrong.

    Parameters
    ----------
    settings : of the plan file, besides name, devices and steps: operator, atmosphere, limits, on_failure
    """

    name: str = "New plan"
    settings: Mapping[str, Any] = field(default_factory=dict)
    devices: Mapping[str, DraftDevice] = field(default_factory=dict)
    steps: tuple[DraftStep, ...] = ()

    def to_document(self, *, with_files: bool = False) -> dict[str, Any]:
        """The plan as a file holds it; devices are named by their files, or stand in it themselves."""
        devices: dict[str, Any] = {
            name: device.file if with_files and device.file else dict(device.table)
            for name, device in self.devices.items()
        }
        settings = {key: value for key, value in self.settings.items() if value not in ("", None, {})}
        steps = [step.to_document() for step in self.steps]
        return {"name": self.name, **settings, "devices": devices, "steps": steps}

    def to_toml(self) -> str:
        """The text of a plan file."""
        return tomli_w.dumps(self.to_document(with_files=True))


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What is wrong with a draft, and what it will take.

    Parameters
    ----------
    problems : of single settings and steps
    general : of the plan as a whole, in sentences
    costs : of each step at all its visits, by its key; empty while the draft is no plan
    """

    problems: tuple[PlanProblem, ...] = ()
    general: tuple[str, ...] = ()
    costs: Mapping[str, Cost] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the plan could be carried out."""
        return not self.problems and not self.general

    @property
    def total(self) -> Cost:
        return sum(self.costs.values(), NO_COST)

    def of_step(self, key: Key) -> dict[str, str]:
        """What is wrong with one step, first things first, by setting; the empty one for all of it."""
        here = file_key(key)
        found: dict[str, str] = {}
        for one in self.problems:
            if one.step == here:
                found.setdefault(one.parameter, one.message.strip(" ."))
        return found

    def cost_of(self, key: Key) -> Cost:
        """What one step will take with everything inside it."""
        here = file_key(key)
        inside = [cost for each, cost in self.costs.items() if each == here or each.startswith(f"{here}.")]
        return sum(inside, NO_COST)


def check(draft: Draft, *, bench_limits: LimitsConfig | None = None) -> Checked:
    """What is wrong with a draft on a bench with these limits, and what it will take."""
    general = [
        words
        for words, missing in (
            ("give the plan a name", not draft.name.strip()),
            ("add a device", not draft.devices),
            ("add a step", not draft.steps),
        )
        if missing
    ]
    if general:
        return Checked(general=tuple(general))
    try:
        plan = PlanConfig.model_validate(draft.to_document())
    except ValidationError as error:
        found = [_located(one) for one in error.errors(include_url=False)]
        return Checked(
            problems=tuple(one for one in found if one.step),
            general=tuple(f"{one.parameter}: {one.message}" for one in found if not one.step),
        )
    problems = tuple(plan_problems(plan, bench_limits=bench_limits))
    return Checked(problems=problems, costs={} if problems else step_costs(plan))


def _located(error: Any) -> PlanProblem:
    """The step and the setting a refusal is about."""
    step, parameter = "", []
    parts = list(error["loc"])
    while parts:
        part = parts.pop(0)
        if part == "steps" and parts and isinstance(parts[0], int):
            step = ".".join(filter(None, (step, f"steps[{parts.pop(0)}]")))
            # the next part is the step's kind, which tells pydantic's alternatives apart
            parts = parts[1:]
        else:
            parameter.append(str(part))
    words = problem_words(error)
    if step and parameter[:1] == ["steps"]:
        return PlanProblem(step=step, parameter="", message=" holds no step yet; add one inside")
    name = parameter[0] if step and parameter else ".".join(parameter)
    return PlanProblem(step=step, parameter=name, message=words)


# Files


def read_draft(path: Path) -> Draft:
    """A plan file to be edited, with the device files it names; raises ConfigError."""
    return draft_of(read_toml(path), folder=path.parent)


def read_device(path: Path) -> tuple[str, DraftDevice]:
    """A device file under the name a plan can give it; raises ConfigError."""
    return path.stem, DraftDevice(table=load_device(path).to_document(), file=str(path.resolve()))


def draft_of(document: Mapping[str, Any], *, folder: Path = Path()) -> Draft:
    """The draft of a plan's document; device files are looked for in `folder`.

    Raises
    ------
    ConfigError : it is no plan at all, or a device file cannot be read
    """
    rest = dict(document)
    devices, steps = rest.pop("devices", {}), rest.pop("steps", [])
    if not isinstance(devices, Mapping) or not isinstance(steps, list):
        raise ConfigError("this is no plan: it needs a table [devices] and tables [[steps]]")
    return Draft(
        name=str(rest.pop("name", "")),
        settings=rest,
        devices={name: _device_of(value, folder) for name, value in devices.items()},
        steps=tuple(map(_step_of, steps)),
    )


def _device_of(value: Any, folder: Path) -> DraftDevice:
    if isinstance(value, str):
        return read_device(folder / value)[1]
    return DraftDevice(table=value)


def _step_of(document: Any) -> DraftStep:
    if not isinstance(document, Mapping) or not isinstance(document.get("kind"), str):
        raise ConfigError("this is no plan: a step says its kind")
    rest = dict(document)
    kind, inside, skip = rest.pop("kind"), rest.pop("steps", []), rest.pop("skip", False)
    try:
        holds = holds_steps(kind)
    except KeyError:
        raise ConfigError(f"this plan has a step of an unknown kind {kind!r}") from None
    if not holds and inside:
        raise ConfigError(f"this is no plan: {kind!r} holds no steps")
    return DraftStep(kind=kind, table=rest, steps=tuple(map(_step_of, inside)), skip=bool(skip))


# Steps


def new_step(kind: str) -> DraftStep:
    """A step as it begins, to be changed."""
    inside = (new_step("jv_sweep"),) if holds_steps(kind) else ()
    return DraftStep(kind=kind, table=FIRST_TABLES.get(kind, {}), steps=inside)


def file_key(key: Key) -> str:
    """Where a step stands, as messages say it: ``steps[2].steps[0]``."""
    return ".".join(f"steps[{number}]" for number in key)


def step_at(draft: Draft, key: Key) -> DraftStep:
    """The step that stands there."""
    steps = draft.steps
    for number in key[:-1]:
        steps = steps[number].steps
    return steps[key[-1]]


def all_keys(draft: Draft) -> list[Key]:
    """Where steps stand, in the order of the file."""
    found: list[Key] = []

    def collect(steps: tuple[DraftStep, ...], inside: Key) -> None:
        for number, step in enumerate(steps):
            found.append((*inside, number))
            collect(step.steps, (*inside, number))

    collect(draft.steps, ())
    return found


def changed(draft: Draft, key: Key, step: DraftStep) -> Draft:
    """With another step there."""
    return _with_siblings(draft, key, lambda steps, at: (*steps[:at], step, *steps[at + 1 :]))


def inserted(draft: Draft, key: Key, step: DraftStep) -> Draft:
    """With a step put in there; what stood there comes after it."""
    return _with_siblings(draft, key, lambda steps, at: (*steps[:at], step, *steps[at:]))


def removed(draft: Draft, key: Key) -> Draft:
    """Without the step there."""
    return _with_siblings(draft, key, lambda steps, at: (*steps[:at], *steps[at + 1 :]))


def duplicated(draft: Draft, key: Key) -> Draft:
    """With the step there twice."""
    return inserted(draft, key, step_at(draft, key))


def skipped(draft: Draft, key: Key) -> Draft:
    """With the step there passed over, or not any longer."""
    step = step_at(draft, key)
    return changed(draft, key, replace(step, skip=not step.skip))


def moved(draft: Draft, key: Key, to: Key) -> Draft:
    """With the step put where another stands, or behind the last; a step cannot go into itself."""
    if to[: len(key)] == key or key == to:
        return draft
    step = step_at(draft, key)
    without = removed(draft, key)
    # the numbers behind the hole have become smaller by one
    depth = len(key) - 1
    if len(to) > depth and to[:depth] == key[:depth] and to[depth] > key[depth]:
        to = (*to[:depth], to[depth] - 1, *to[depth + 1 :])
    return inserted(without, to, step)


def neighbour(draft: Draft, key: Key, by: int) -> Key | None:
    """The place one up (-1) or down (+1) among the steps beside it; None at the end."""
    siblings = draft.steps if len(key) == 1 else step_at(draft, key[:-1]).steps
    number = key[-1] + by
    return (*key[:-1], number) if 0 <= number < len(siblings) else None


def shifted(draft: Draft, key: Key, by: int) -> tuple[Draft, Key]:
    """With the step one up (-1) or down (+1), and where it stands then."""
    other = neighbour(draft, key, by)
    if other is None:
        return draft, key
    step, beside = step_at(draft, key), step_at(draft, other)
    return changed(changed(draft, other, step), key, beside), other


_Change = Callable[[tuple[DraftStep, ...], int], tuple[DraftStep, ...]]


def _with_siblings(draft: Draft, key: Key, change: _Change) -> Draft:
    return replace(draft, steps=_changed_steps(draft.steps, key, change))


def _changed_steps(steps: tuple[DraftStep, ...], key: Key, change: _Change) -> tuple[DraftStep, ...]:
    first, *rest = key
    if not rest:
        return change(steps, first)
    inside = _changed_steps(steps[first].steps, tuple(rest), change)
    return (*steps[:first], replace(steps[first], steps=inside), *steps[first + 1 :])
