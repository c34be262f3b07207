"""Plan files, and what a plan comes to: the device of each step, whether it may, what it will take."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pydantic import Field

from procedures.base import NO_COST, Cost, SourceRole
from qdlab.config.device import DeviceConfig
from qdlab.config.fields import Kelvins, Strict
from qdlab.config.limits import DEFAULT_LIMITS, LimitsConfig, ResolvedLimits, resolve_limits
from qdlab.config.steps import (
    OperatorStep,
    ProcedureStep,
    RepeatUntilStableStep,
    Step,
    StepConfig,
    TemperatureSweepStep,
    WaitStep,
)
from qdlab.errors import ConfigError

FailurePolicy = Literal["stop", "skip", "retry"]


class AtmosphereConfig(Strict):
    """What surrounds the device; below its dew point water condenses."""

    gas: str
    dew_point: Kelvins | None = None


class PlanConfig(Strict):
    """What to do, with which devices, within which limits.

    `on_failure` says what follows when a box fails during a measurement: the end, the next step, or one more
    try and then the end. Outputs are off in between; a box that does not confirm that means the end whatever
    was chosen.
    """

    name: str = Field(min_length=1)
    operator: str = ""
    on_failure: FailurePolicy = "stop"
    atmosphere: AtmosphereConfig | None = None
    limits: LimitsConfig = LimitsConfig()
    devices: dict[str, DeviceConfig] = Field(min_length=1)
    steps: list[Step] = Field(min_length=1)


class StepMisplaced(ConfigError):
    """A step cannot stand where it does: its key in the file, and the rest of the sentence."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(f"{key}{sentence}")
        self.key, self.sentence = key, sentence


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Which device of the plan is between the clips, and which instrument feeds it."""

    device: str
    source: SourceRole


@dataclass(frozen=True, kw_only=True)
class PlannedProcedure:
    """One procedure of a plan with where it stands in the file, what it measures, and how often."""

    key: str
    step: ProcedureStep
    connection: Connection
    visits: int = 1


def first_connection(plan: PlanConfig) -> Connection | None:
    """What is connected when the plan begins: the first device, fed by what the first procedure needs.

    None where the plan begins with an operator step that says it.
    """
    for _, step in steps_with_keys(plan.steps):
        if isinstance(step, OperatorStep) and step.device is not None:
            return None
        if isinstance(step, ProcedureStep) and step.procedure_class.source is not None:
            return Connection(device=next(iter(plan.devices)), source=step.procedure_class.source)
    return None


def planned_procedures(plan: PlanConfig) -> list[PlannedProcedure]:
    """Every procedure of a plan in order, each with the device connected by then.

    Raises
    ------
    ConfigError : a step measures with an instrument that is not the one connected
    """
    found: list[PlannedProcedure] = []
    _collect(plan, plan.steps, "steps", first_connection(plan), 1, found)
    return found


def limits_for(
    plan: PlanConfig, device: str | None, bench_limits: LimitsConfig | None = None
) -> ResolvedLimits:
    """The limits that hold for one device of a plan: defaults, bench, plan, device, each only tightening."""
    levels = [("qdlab's defaults", DEFAULT_LIMITS)]
    if bench_limits is not None:
        levels.append(("the bench", bench_limits))
    levels.append(("the plan", plan.limits))
    if device is not None:
        levels.append((f"device {device!r}", plan.devices[device].limits))
    return resolve_limits(levels)


def why_not_resumed(step: ProcedureStep, device: DeviceConfig) -> str:
    """Why an interrupted measurement is repeated from its beginning; empty where it is gone on with."""
    if not step.procedure_class.resumable:
        return f"a {step.describe()} cannot be gone on with"
    if device.resumable is False:
        return f"device {device.identifier!r} is marked not resumable"
    return ""


def plan_cost(plan: PlanConfig) -> list[tuple[PlannedProcedure, Cost]]:
    """What each procedure of a plan will take, at all its visits."""
    costs = []
    for planned in planned_procedures(plan):
        device = plan.devices[planned.connection.device].to_connected()
        one = planned.step.make().cost(device)
        costs.append((planned, one.times(planned.visits)))
    return costs


def waiting_time(plan: PlanConfig) -> float:
    """Time for waits, ramps, windows and soaks [s]; settling beyond a full window is not known beforehand."""
    return sum(cost.duration for cost in _all_costs(plan, {}).values())


def step_costs(plan: PlanConfig) -> dict[str, Cost]:
    """What each step will take at all its visits, waits included, by its key; nested steps have their own."""
    return _all_costs(plan, {planned.key: cost for planned, cost in plan_cost(plan)})


def _all_costs(plan: PlanConfig, measuring: Mapping[str, Cost]) -> dict[str, Cost]:
    found: dict[str, Cost] = {}
    _add_costs(plan.steps, "steps", 1, measuring, found)
    return found


def _add_costs(
    steps: Sequence[StepConfig],
    key: str,
    visits: int,
    measuring: Mapping[str, Cost],
    found: dict[str, Cost],
) -> None:
    for here, step in _active(steps, key):
        waiting = Cost(points=0, duration=_waiting(step)).times(visits)
        found[here] = measuring.get(here, NO_COST) + waiting
        if isinstance(step, TemperatureSweepStep):
            _add_costs(step.steps, f"{here}.steps", visits * len(step.visits), measuring, found)
        elif isinstance(step, RepeatUntilStableStep):
            _add_costs(step.steps, f"{here}.steps", visits * step.maximum_repeats, measuring, found)


def _waiting(step: StepConfig) -> float:
    """Of one visit, without what is nested [s]."""
    if isinstance(step, WaitStep):
        return step.duration
    if isinstance(step, TemperatureSweepStep):
        visits = [step.start_temperature, *step.visits]
        ways = sum(abs(after - before) for before, after in pairwise(visits))
        if step.warm_end:
            ways += abs(step.end_temperature - visits[-1])
        return ways / step.ramp_rate + len(step.visits) * (step.window + step.soak)
    if isinstance(step, RepeatUntilStableStep):
        return step.pause * (step.maximum_repeats - 1)
    return 0.0


def steps_with_keys(steps: Sequence[StepConfig], key: str = "steps") -> Iterator[tuple[str, StepConfig]]:
    """Every step that is not skipped, nested ones too, with where it stands in the file."""
    for here, step in _active(steps, key):
        yield here, step
        if isinstance(step, TemperatureSweepStep | RepeatUntilStableStep):
            yield from steps_with_keys(step.steps, f"{here}.steps")


def _active(steps: Sequence[StepConfig], key: str) -> Iterator[tuple[str, StepConfig]]:
    for index, step in enumerate(steps):
        if not step.skip:
            yield f"{key}[{index}]", step


def _collect(
    plan: PlanConfig,
    steps: Sequence[StepConfig],
    key: str,
    connection: Connection | None,
    visits: int,
    found: list[PlannedProcedure],
) -> Connection | None:
    for here, step in _active(steps, key):
        if isinstance(step, OperatorStep) and step.device is not None:
            connection = _connect(plan, step, here)
        elif isinstance(step, ProcedureStep):
            found.append(
                PlannedProcedure(
                    key=here, step=step, connection=_needed(step, connection, here), visits=visits
                )
            )
        elif isinstance(step, TemperatureSweepStep):
            connection = _collect(
                plan, step.steps, f"{here}.steps", connection, visits * len(step.visits), found
            )
        elif isinstance(step, RepeatUntilStableStep):
            repeats = visits * step.maximum_repeats
            connection = _collect(plan, step.steps, f"{here}.steps", connection, repeats, found)
    return connection


def _connect(plan: PlanConfig, step: OperatorStep, key: str) -> Connection:
    assert step.device is not None
    if step.device not in plan.devices:
        raise StepMisplaced(
            key, f".device = {step.device!r} is not one of the plan's devices ({', '.join(plan.devices)})"
        )
    if step.source is None:
        raise StepMisplaced(
            key, f".source is missing; say what feeds {step.device!r}: source_meter or pulse_generator"
        )
    return Connection(device=step.device, source=step.source)


def _needed(step: ProcedureStep, connection: Connection | None, key: str) -> Connection:
    source = step.procedure_class.source
    if connection is None:
        raise StepMisplaced(key, " measures before an operator step has connected a device; add that step")
    if source is not None and source != connection.source:
        raise StepMisplaced(
            key,
            f" {step.kind} needs the {in_words(source)}, but {connection.device!r} is connected to the "
            f'{in_words(connection.source)}; put an operator step with source = "{source}" before it',
        )
    return connection


def in_words(role: str) -> str:
    """A role as a person says it."""
    return role.replace("_", " ")
