"""A plan against its devices and limits, before anything moves; refusals name key, value, way out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from instruments.limits import Demand
from procedures.base import BenchProcedure, Problem
from qdlab.config.limits import LimitsConfig, ResolvedLimits
from qdlab.config.plan import (
    PlanConfig,
    PlannedProcedure,
    StepMisplaced,
    limits_for,
    planned_procedures,
    steps_with_keys,
)
from qdlab.config.steps import TemperatureSweepStep
from qdlab.errors import ConfigError
from qdlab.records.run_file import LONGEST_PARAMETER


@dataclass(frozen=True, kw_only=True)
class PlanProblem:
    """Why a plan cannot be carried out.

    Parameters
    ----------
    step : key of the step in the file
    parameter : of that step; empty where the step as a whole is wrong
    message : value, what is wrong, the way out
    """

    step: str
    parameter: str
    message: str

    def __str__(self) -> str:
        return self.step + (f".{self.parameter}: {self.message}" if self.parameter else self.message)


def check_plan(plan: PlanConfig, *, bench_limits: LimitsConfig | None = None, file: str = "plan") -> None:
    """Refuse a plan that cannot be carried out or would leave the limits; names file, key and the way out."""
    for problem in plan_problems(plan, bench_limits=bench_limits):
        raise ConfigError(f"{file}: {problem}")


def plan_problems(plan: PlanConfig, *, bench_limits: LimitsConfig | None = None) -> Iterator[PlanProblem]:
    """Everything `check_plan` would refuse; of steps that stand in the wrong place only the first."""
    try:
        procedures = planned_procedures(plan)
    except StepMisplaced as misplaced:
        procedures = []
        yield PlanProblem(step=misplaced.key, parameter="", message=misplaced.sentence)
    for planned in procedures:
        yield from _procedure_problems(plan, planned, bench_limits)
    for key, step in steps_with_keys(plan.steps):
        if isinstance(step, TemperatureSweepStep):
            devices = {each.connection.device for each in procedures if each.key.startswith(f"{key}.")}
            yield from _temperature_problems(plan, step, key, bench_limits, sorted(devices))
            yield from _dew_point_problems(plan, step, key)


def _procedure_problems(
    plan: PlanConfig, planned: PlannedProcedure, bench_limits: LimitsConfig | None
) -> Iterator[PlanProblem]:
    name = planned.connection.device
    device = plan.devices[name].to_connected()
    procedure = planned.step.make()
    wrong = [*procedure.problems(device), *_too_long(procedure)]
    for problem in wrong:
        yield PlanProblem(step=planned.key, parameter=problem.parameter, message=problem.message)
    if wrong:
        return
    resolved = limits_for(plan, name, bench_limits)
    envelope = resolved.limits.to_envelope(area=device.area, thickness=device.thickness)
    violations = dict(envelope.violations(procedure.demand(device)))
    dwell, longest = procedure.longest_dwell(), resolved.limits.maximum_dwell
    if longest is not None and dwell > longest:
        violations["maximum_dwell"] = f"dwell {dwell:.3g} s exceeds maximum_dwell {longest:g} s"
    for limit, sentence in violations.items():
        yield _beyond(planned.key, procedure.parameter_behind(limit), sentence, limit, resolved)


def _too_long(procedure: BenchProcedure) -> Iterator[Problem]:
    """Parameters that the header of a run file could not hold."""
    for name in procedure.declared_parameters():
        text = str(procedure.parameter_objects()[name])
        if len(text) > LONGEST_PARAMETER:
            points = text.count(";") + 1
            message = (
                f"{points} points are more than a run file's header holds; divide them over several steps"
            )
            yield Problem(parameter=name, message=message)


def _temperature_problems(
    plan: PlanConfig,
    step: TemperatureSweepStep,
    key: str,
    bench_limits: LimitsConfig | None,
    devices: Sequence[str],
) -> Iterator[PlanProblem]:
    demands = [("temperatures", Demand(temperature=temperature)) for temperature in step.temperatures]
    demands += [("end_temperature", Demand(temperature=step.end_temperature))] if step.warm_end else []
    demands += [("ramp_rate", Demand(temperature_rate=step.ramp_rate))]
    told: set[tuple[str, str]] = set()
    for device in (None, *devices):
        resolved = limits_for(plan, device, bench_limits)
        for parameter, demand in demands:
            for limit, sentence in resolved.limits.to_envelope().violations(demand).items():
                if (parameter, sentence) not in told:
                    told.add((parameter, sentence))
                    yield _beyond(key, parameter, sentence, limit, resolved)


def _beyond(step: str, parameter: str, sentence: str, limit: str, resolved: ResolvedLimits) -> PlanProblem:
    message = f"{sentence} of {resolved.origin[limit]}; change this value, or the limit there"
    return PlanProblem(step=step, parameter=parameter, message=message)


def _dew_point_problems(plan: PlanConfig, step: TemperatureSweepStep, key: str) -> Iterator[PlanProblem]:
    dew_point = plan.atmosphere.dew_point if plan.atmosphere is not None else None
    coldest = min(step.temperatures)
    if dew_point is not None and coldest <= dew_point:
        message = (
            f"{coldest:g} K is not above the dew point of {dew_point:g} K stated in "
            "atmosphere.dew_point; dry the atmosphere or leave that temperature out"
        )
        yield PlanProblem(step=key, parameter="temperatures", message=message)
