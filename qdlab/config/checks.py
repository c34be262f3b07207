"""A plan against its devices and limits, before anything moves; refusals name key, value, way out."""

from instruments.limits import Demand
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
                _check_temperatures(plan, step, key, bench_limits)
                _check_dew_point(plan, step, key)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


def _check_procedure(plan: PlanConfig, planned: PlannedProcedure, bench_limits: LimitsConfig | None) -> None:
    name = planned.connection.device
    device = plan.devices[name].to_connected()
    procedure = planned.step.make()
    for problem in procedure.problems(device):
        raise ConfigError(f"{planned.key}.{problem.parameter}: {problem.message}")
    resolved = limits_for(plan, name, bench_limits)
    envelope = resolved.limits.to_envelope(area=device.area, thickness=device.thickness)
    violations = dict(envelope.violations(procedure.demand(device)))
    dwell, longest = procedure.longest_dwell(), resolved.limits.maximum_dwell
    if longest is not None and dwell > longest:
        violations["maximum_dwell"] = f"dwell {dwell:.3g} s exceeds maximum_dwell {longest:g} s"
    for limit, sentence in violations.items():
        raise _beyond(f"{planned.key}.{procedure.parameter_behind(limit)}", sentence, limit, resolved)


def _check_temperatures(
    plan: PlanConfig, step: TemperatureSweepStep, key: str, bench_limits: LimitsConfig | None
) -> None:
    resolved = limits_for(plan, None, bench_limits)
    envelope = resolved.limits.to_envelope()
    for temperature in step.temperatures:
        for limit, sentence in envelope.violations(Demand(temperature=temperature)).items():
            raise _beyond(f"{key}.temperatures", sentence, limit, resolved)
    for limit, sentence in envelope.violations(Demand(temperature_rate=step.ramp_rate)).items():
        raise _beyond(f"{key}.ramp_rate", sentence, limit, resolved)


def _beyond(key: str, sentence: str, limit: str, resolved: ResolvedLimits) -> ConfigError:
    return ConfigError(
        f"{key}: {sentence} of {resolved.origin[limit]}; change this value, or the limit there"
    )


def _check_dew_point(plan: PlanConfig, step: TemperatureSweepStep, key: str) -> None:
    dew_point = plan.atmosphere.dew_point if plan.atmosphere is not None else None
    coldest = min(step.temperatures)
    if dew_point is not None and coldest <= dew_point:
        raise ConfigError(
            f"{key}.temperatures: {coldest:g} K is not above the dew point of {dew_point:g} K stated in "
            "atmosphere.dew_point; dry the atmosphere or leave that temperature out"
        )
