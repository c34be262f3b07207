"""Bench, plan and device files: TOML in, checked as a whole at the door, errors that name file, key, value.

A quantity is text with a unit, everywhere. A step of a plan is `kind` and the parameters of that procedure,
by the procedure's own names; nothing about a parameter is written down twice. Limits only tighten: defaults,
bench, plan, device.
"""

from qdlab.config.bench import SIMULATED_BENCH, BenchConfig, HeaterConfig, InstrumentConfig
from qdlab.config.checks import PlanProblem, check_plan, plan_problems
from qdlab.config.device import DeviceConfig, LayerConfig
from qdlab.config.files import load_bench, load_device, load_plan, plan_from_document, read_toml
from qdlab.config.limits import DEFAULT_LIMITS, LimitsConfig, ResolvedLimits, resolve_limits
from qdlab.config.plan import (
    Connection,
    FailurePolicy,
    PlanConfig,
    PlannedProcedure,
    first_connection,
    limits_for,
    plan_cost,
    planned_procedures,
    step_costs,
    steps_with_keys,
    waiting_time,
    why_not_resumed,
)
from qdlab.config.steps import (
    NoteStep,
    OperatorStep,
    ProcedureStep,
    RepeatUntilStableStep,
    StepConfig,
    TemperatureSweepStep,
    WaitStep,
)

__all__ = [
    "DEFAULT_LIMITS",
    "SIMULATED_BENCH",
    "BenchConfig",
    "Connection",
    "DeviceConfig",
    "FailurePolicy",
    "HeaterConfig",
    "InstrumentConfig",
    "LayerConfig",
    "LimitsConfig",
    "NoteStep",
    "OperatorStep",
    "PlanConfig",
    "PlanProblem",
    "PlannedProcedure",
    "ProcedureStep",
    "RepeatUntilStableStep",
    "ResolvedLimits",
    "StepConfig",
    "TemperatureSweepStep",
    "WaitStep",
    "check_plan",
    "first_connection",
    "limits_for",
    "load_bench",
    "load_device",
    "load_plan",
    "plan_cost",
    "plan_from_document",
    "plan_problems",
    "planned_procedures",
    "read_toml",
    "resolve_limits",
    "step_costs",
    "steps_with_keys",
    "waiting_time",
    "why_not_resumed",
]
