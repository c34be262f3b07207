"""What a session's plan still asks for: temperatures for J-V sweeps, and when one is reached."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from procedures.jv_sweep import JVSweep
from procedures.temperature_sweep import StabilityRule
from qdlab.config import (
    ProcedureStep,
    RepeatUntilStableStep,
    StepConfig,
    TemperatureSweepStep,
    plan_from_document,
)
from qdlab.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The temperature part of a plan.

    Parameters
    ----------
    temperatures : at which J-V sweeps are to be measured, each once [K]
    rule : when a temperature counts as reached
    """

    temperatures: tuple[float, ...] = ()
    rule: StabilityRule = field(default_factory=StabilityRule)


def planned_of(document: object) -> Planned:
    """From the plan as a session holds it; nothing is planned where there is none that can be read."""
    if not isinstance(document, dict):
        return Planned()
    try:
        plan = plan_from_document(document)
    except ConfigError:
        return Planned()
    sweeps = [step for step in _active(plan.steps) if isinstance(step, TemperatureSweepStep)]
    if not sweeps:
        return Planned()
    measured = [kelvin for sweep in sweeps if _has_jv(sweep.steps) for kelvin in sweep.visits]
    return Planned(
        temperatures=tuple(dict.fromkeys(measured)),
        rule=sweeps[0].rule,
    )


def _has_jv(steps: Sequence[StepConfig]) -> bool:
    return any(isinstance(step, ProcedureStep) and step.kind == JVSweep.kind for step in _active(steps))


def _active(steps: Sequence[StepConfig]) -> Iterator[StepConfig]:
    """Steps that are not skipped, with those nested in them."""
    for step in steps:
        if step.skip:
            continue
        yield step
        if isinstance(step, TemperatureSweepStep | RepeatUntilStableStep):
            yield from _active(step.steps)
