"""A plan against its devices and limits, before anything moves; refusals name key, value, way out."""

from collections.abc import Iterator
from dataclasses import dataclass

from procedures.base import BenchProcedure, ConnectedDevice
from qdlab.config.limits import LimitsConfig, ResolvedLimits
from qdlab.config.plan import PlanConfig, PlannedProcedure, limits_for, planned_procedures, steps_with_keys
from qdlab.config.steps import TemperatureSweepStep
from qdlab.errors import ConfigError


def check_plan(plan: PlanConfig, *, bench_limits: LimitsConfig | None = None, file: str = "plan") -> None:
    """Refuse a plan that cannot be carried out or would leave the limits; names file, key and the way out."""
    try:
        for planned in planned_procedures(plan):
            _check_procedure(plan, planned, bench_limits)
        for key, step in steps_with_keys(plan.steps):
            if isinstance(step, TemperatureSweepStep):
                _refuse_beyond(limits_for(plan, None, bench_limits), _asked_of_cryostat(step, key))
                _check_dew_point(plan, step, key)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """One value a step asks for, and the limit it must respect; NaN asks nothing."""

    key: str
    words: str
    value: float
    unit: str
    limit: str


def _check_procedure(plan: PlanConfig, planned: PlannedProcedure, bench_limits: LimitsConfig | None) -> None:
    name = planned.connection.device
    device = plan.devices[name].to_connected()
    procedure = planned.step.make()
    for problem in procedure.problems(device):
        raise ConfigError(f"{planned.key}.{problem.parameter}: {problem.message}")
    _refuse_beyond(limits_for(plan, name, bench_limits), _asked_of_device(procedure, device, planned.key))


def _refuse_beyond(resolved: ResolvedLimits, asked: Iterator[_Asked]) -> None:
    for one in asked:
        limit = getattr(resolved.limits, one.limit)
        if limit is None:
            continue
        lowest = one.limit.startswith("minimum_")
        if one.value < limit * (1 - 1e-9) if lowest else one.value > limit * (1 + 1e-9):
            raise ConfigError(
                f"{one.key}: {one.words} {_shown(one.value, one.unit)} is {'below' if lowest else 'above'} "
                f"{one.limit} {_shown(limit, one.unit)} of {resolved.origin[one.limit]}; "
                f"{'raise' if lowest else 'lower'} it, or change the limit there"
            )


def _asked_of_device(procedure: BenchProcedure, device: ConnectedDevice, key: str) -> Iterator[_Asked]:
    demand = procedure.demand(device)
    rows = [
        (demand.voltage_parameter, "voltage", demand.voltage, "V", "maximum_voltage"),
        (demand.voltage_parameter, "field", demand.voltage / device.thickness, "V/m", "maximum_field"),
        (demand.current_parameter, "compliance", demand.current, "A", "maximum_current"),
        (
            demand.current_parameter,
            "compliance",
            demand.current / device.area,
            "A/m**2",
            "maximum_current_density",
        ),
        (
            demand.current_parameter,
            "power at compliance",
            demand.voltage * demand.current / device.area,
            "W/m**2",
            "maximum_power_density",
        ),
        ("pulse_widths", "duty cycle", demand.duty_cycle, "", "maximum_duty_cycle"),
        ("settling_time", "dwell", demand.dwell, "s", "maximum_dwell"),
    ]
    for parameter, words, value, unit, limit in rows:
        yield _Asked(key=f"{key}.{parameter}", words=words, value=value, unit=unit, limit=limit)


def _asked_of_cryostat(step: TemperatureSweepStep, key: str) -> Iterator[_Asked]:
    coldest, hottest = min(step.temperatures), max(step.temperatures)
    rows = [
        ("temperatures", "temperature", coldest, "K", "minimum_temperature"),
        ("temperatures", "temperature", hottest, "K", "maximum_temperature"),
        ("ramp_rate", "rate", step.ramp_rate, "K/s", "maximum_temperature_rate"),
    ]
    for parameter, words, value, unit, limit in rows:
        yield _Asked(key=f"{key}.{parameter}", words=words, value=value, unit=unit, limit=limit)


def _check_dew_point(plan: PlanConfig, step: TemperatureSweepStep, key: str) -> None:
    dew_point = plan.atmosphere.dew_point if plan.atmosphere is not None else None
    coldest = min(step.temperatures)
    if dew_point is not None and coldest <= dew_point:
        raise ConfigError(
            f"{key}.temperatures: {coldest:g} K is not above the dew point of {dew_point:g} K stated in "
            "atmosphere.dew_point; dry the atmosphere or leave that temperature out"
        )


def _shown(value: float, unit: str) -> str:
    return f"{value:.4g} {unit}".strip()
