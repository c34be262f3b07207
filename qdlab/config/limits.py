"""What must never be exceeded, tightened from level to level; each limit remembers the level that set it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from instruments.limits import Envelope
from qdlab.config.fields import (
    Amperes,
    AmperesPerSquareMetre,
    DutyCycle,
    Joules,
    Kelvins,
    KelvinsPerSecond,
    Seconds,
    Strict,
    Volts,
    VoltsPerMetre,
    VoltsPerSecond,
    WattsPerSquareMetre,
)


class LimitsConfig(Strict):
    """What must never be exceeded; what is missing does not limit, and files only tighten."""

    maximum_voltage: Volts | None = None
    maximum_current: Amperes | None = None
    maximum_current_density: AmperesPerSquareMetre | None = None
    maximum_field: VoltsPerMetre | None = None
    maximum_power_density: WattsPerSquareMetre | None = None
    maximum_slew: VoltsPerSecond | None = None
    maximum_step: Volts | None = None
    maximum_dwell: Seconds | None = None
    maximum_pulse_energy: Joules | None = None
    maximum_duty_cycle: DutyCycle | None = None
    minimum_temperature: Kelvins | None = None
    maximum_temperature: Kelvins | None = None
    maximum_temperature_rate: KelvinsPerSecond | None = None

    def tightened(self, other: "LimitsConfig") -> "LimitsConfig":
        """The tighter of the two for each limit."""
        tighter = {}
        for name in type(self).model_fields:
            values = [value for value in (getattr(self, name), getattr(other, name)) if value is not None]
            if values:
                tighter[name] = max(values) if name.startswith("minimum_") else min(values)
        return LimitsConfig.model_construct(**tighter)

    def to_envelope(self, *, area: float | None = None, thickness: float | None = None) -> Envelope:
        """The limits as the Doors apply them to a device of this area [m²] and thickness [m]."""
        return Envelope(area=area, thickness=thickness, **dict(self))


DEFAULT_LIMITS = LimitsConfig.model_construct(
    maximum_voltage=20.0,  # twice what a film of 100 nm survives
    maximum_current=0.1,
    maximum_duty_cycle=0.5,
    minimum_temperature=4.0,
    maximum_temperature=400.0,
    maximum_temperature_rate=0.5,
)


@dataclass(frozen=True, kw_only=True)
class ResolvedLimits:
    """The tightest of each limit, and the level that set it."""

    limits: LimitsConfig
    origin: Mapping[str, str]


def resolve_limits(levels: Iterable[tuple[str, LimitsConfig]]) -> ResolvedLimits:
    """Limits from the widest level to the narrowest: (name, limits) pairs, each of which can only tighten."""
    resolved = LimitsConfig()
    origin: dict[str, str] = {}
    for name, limits in levels:
        tightened = resolved.tightened(limits)
        for limit in LimitsConfig.model_fields:
            if getattr(tightened, limit) != getattr(resolved, limit):
                origin[limit] = name
        resolved = tightened
    return ResolvedLimits(limits=resolved, origin=origin)
