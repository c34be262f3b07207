"""Before a plan moves anything: what a careful colleague would remark, and whether the disk has room."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from procedures.pulse_timing import cut_pulse_remark
from procedures.tel_series import TELSeriesMeasurement
from qdlab.config import (
    BenchConfig,
    PlanConfig,
    TemperatureSweepStep,
    plan_cost,
    planned_procedures,
    steps_with_keys,
    waiting_time,
)
from qdlab.config.plan import in_words
from qdlab.config.steps import StepConfig
from qdlab.errors import ConfigError
from qdlab.sizes import format_size

ROW_SIZE = 300  # [byte] of a run file, generously
TELEMETRY_SIZE = 150  # [byte] every ten seconds
TELEMETRY_INTERVAL = 10.0  # [s]
RESERVE = 64_000_000  # [byte] that stay free beside what the plan writes
LITTLE = 1e9  # [byte]; a disk with less than this is filling up
FREEZING = 273.15  # [K]


def preflight(plan: PlanConfig, bench: BenchConfig | None, output: Path) -> list[str]:
    """Remarks on a plan that can be carried out, in sentences.

    Parameters
    ----------
    plan : checked already
    bench : it is to run on; None where its file is not at hand
    output : folder the session goes into; need not exist

    Raises
    ------
    ConfigError : the disk has no room for what the plan would record, the bench lacks a box a step needs,
        or a procedure is not safe on hardware
    """
    if bench is not None and bench.kind == "hardware":
        refuse_missing_boxes(plan, bench.instruments)
        refuse_what_cannot_be_made_safe(plan)
    room = room_for(plan, output)
    if not room.enough:
        raise ConfigError(f"{output}: {room}; make room, or choose another --output")
    return [
        *untested_pixels(plan),
        *temperature_remarks(plan),
        *warm_up_remarks(bench),
        *cut_pulse_remarks(plan, bench),
    ]


def refuse_missing_boxes(plan: PlanConfig, available: Collection[str]) -> None:
    """Raises ConfigError for a step that needs an instrument the bench does not have, by role."""
    needed: list[tuple[str, StepConfig, tuple[str, ...]]] = [
        (planned.key, planned.step, planned.step.procedure_class.roles)
        for planned in planned_procedures(plan)
    ]
    needed += [
        (key, step, ("temperature_controller",))
        for key, step in steps_with_keys(plan.steps)
        if isinstance(step, TemperatureSweepStep)
    ]
    for key, step, roles in needed:
        missing = [in_words(role) for role in roles if role not in available]
        if missing:
            raise ConfigError(
                f"{key}: {step.describe()} needs a {' and a '.join(missing)}, which the bench does not have; "
                "add it to the bench file, or leave the step out"
            )


def refuse_what_cannot_be_made_safe(plan: PlanConfig) -> None:
    """Raises ConfigError for a procedure that may not run on a bench of real boxes."""
    for planned in planned_procedures(plan):
        reason = planned.step.procedure_class.why_not_on_hardware()
        if reason:
            raise ConfigError(f"{planned.key}: {planned.step.kind} is not run on a hardware bench: {reason}")


def expected_size(plan: PlanConfig) -> float:
    """About how much a plan will write [byte]."""
    costs = [cost for _, cost in plan_cost(plan)]
    duration = waiting_time(plan) + sum(cost.duration for cost in costs)
    return sum(cost.points for cost in costs) * ROW_SIZE + duration / TELEMETRY_INTERVAL * TELEMETRY_SIZE


@dataclass(frozen=True, kw_only=True)
class Room:
    """What is free on a disk, and what a plan needs of it with its reserve [byte]."""

    free: float
    needed: float

    @property
    def enough(self) -> bool:
        return self.free >= self.needed

    def __str__(self) -> str:
        return f"{format_size(self.free)} free, about {format_size(self.needed)} needed with the reserve"


def room_for(plan: PlanConfig, output: Path) -> Room:
    """The room on the disk of a folder, which need not exist yet."""
    folder = next(path for path in (output, *output.resolve().parents) if path.is_dir())
    return Room(free=shutil.disk_usage(folder).free, needed=expected_size(plan) + RESERVE)


def untested_pixels(plan: PlanConfig) -> list[str]:
    """The generator limits no current: a pixel is tested for shorts before it gets pulses."""
    tested: set[str] = set()
    remarks = []
    for planned in planned_procedures(plan):
        device = planned.connection.device
        if planned.connection.source == "source_meter":
            tested.add(device)
        elif device not in tested:
            tested.add(device)
            remarks.append(
                f"{planned.key}: {device!r} gets pulses without a test for shorts; the generator limits "
                "no current, so put a pixel_check with the source meter before it"
            )
    return remarks


def temperature_remarks(plan: PlanConfig) -> list[str]:
    """What a careful colleague says about cold, moisture and drift."""
    remarks = []
    for key, step in steps_with_keys(plan.steps):
        if not isinstance(step, TemperatureSweepStep):
            continue
        if plan.atmosphere is None and min(step.temperatures) < FREEZING:
            remarks.append(
                f"{key}: {min(step.temperatures):g} K and no atmosphere stated; water condenses below the "
                "dew point, so state atmosphere.gas and atmosphere.dew_point"
            )
        if len(step.temperatures) > 1 and step.visits[-1] != step.visits[0]:
            remarks.append(f"{key}: the first temperature is not measured again, so drift would stay unseen")
        if not step.warm_end:
            remarks.append(f"{key}: ends cold; do not open the cryostat before it is warm")
    return remarks


def cut_pulse_remarks(plan: PlanConfig, bench: BenchConfig | None) -> list[str]:
    """Readings of pulsed light that do not hold whole pulses at the mains of the bench."""
    if bench is None:
        return []
    remarks = []
    for planned in planned_procedures(plan):
        procedure = planned.step.make()
        if isinstance(procedure, TELSeriesMeasurement):
            cycles = procedure.aperture(bench.line_frequency)
            remark = cut_pulse_remark(cycles, procedure.pulse_period, bench.line_frequency)
            remarks += [f"{planned.key}: {remark}"] if remark else []
    return remarks


def warm_up_remarks(bench: BenchConfig | None) -> list[str]:
    """How long the boxes have to be on before they are exact."""
    if bench is None or not bench.warm_up:
        return []
    minutes = bench.warm_up / 60
    return [f"the boxes of bench {bench.name!r} are exact once they have been on for {minutes:g} minutes"]
