"""The sample: a pixel with a life, richer than the model it is analysed with.

`SampleSpec` says what was made; `Sample` is what became of it: charge passed, ageing, breakdown. Voltages and
currents are positive on the injecting contact; which wire goes there is the wiring's business.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from sim_instruments.conduction import (
    ROOM_TEMPERATURE,
    Conduction,
    ConductionLaw,
    CurrentTable,
    DriftDiffusion,
    EmittingDiode,
)
from sim_instruments.emission import Emission, LightPulse

Defect = Literal["none", "short", "open"]

TOLD_TEMPERATURES = (297.0, 277.0, 257.0, 237.0, 217.0)  # [K]
TOLD_AMPLITUDES = (4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0)  # [V]
GENERATOR_RESISTANCE = 50.0  # [Ω]


@dataclass(frozen=True, kw_only=True)
class SampleSpec:
    """What one pixel is made of.

    Parameters
    ----------
    identifier : "batch/substrate/pixel"
    conduction : the law its layer follows
    area : electrode overlap [m²]
    emission : how it glows; None for a pixel without light
    trap_factor : free over total carriers; scales the current and stretches the transit [1]
    series_resistance : electrodes and contacts [Ω]
    leakage_conductance : beside the layer [S]
    capacitance : geometric [F]; charging it after a step takes `charging_time`
    charging_time : of source, cable and slow polarisation [s]
    thermal_resistance : self-heating over the dissipated power [K W⁻¹]
    thickness_scatter : standard deviation of the made thickness about the nominal one, relative [1]
    ageing_charge : charge after which current and light have fallen to 1/e [C]; infinite is ageless
    breakdown_field : mean field that breaks the layer for good [V m⁻¹]
    breakdown_current_density : [A m⁻²]
    short_resistance : of a broken or shorted pixel [Ω]
    sealed : its truth is told by ``--reveal`` only
    """

    identifier: str
    conduction: ConductionLaw
    area: float
    emission: Emission | None = None
    trap_factor: float = 1.0
    series_resistance: float = 0.0
    leakage_conductance: float = 0.0
    capacitance: float = 0.0
    charging_time: float = 1e-3
    thermal_resistance: float = 0.0
    thickness_scatter: float = 0.0
    ageing_charge: float = math.inf
    breakdown_field: float = math.inf
    breakdown_current_density: float = math.inf
    short_resistance: float = 20.0
    sealed: bool = False

    def __post_init__(self) -> None:
        for name in ("area", "charging_time", "ageing_charge", "breakdown_field", "short_resistance"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} {getattr(self, name)!r} of {self.identifier!r} must be above zero")
        for name in ("series_resistance", "leakage_conductance", "capacitance", "thermal_resistance"):
            if not getattr(self, name) >= 0:
                raise ValueError(
                    f"{name} {getattr(self, name)!r} of {self.identifier!r} must be zero or more"
                )
        if not 0 < self.trap_factor <= 1:
            raise ValueError(
                f"trap_factor {self.trap_factor!r} of {self.identifier!r} must lie above 0, up to 1"
            )
        if self.emission is not None and not isinstance(self.conduction, EmittingDiode):
            raise ValueError(f"{self.identifier!r} emits light: its conduction must be an EmittingDiode")


class Sample:
    """One pixel as it is now.

    Parameters
    ----------
    spec : what it is made of
    seed : draws the made thickness and the flicker
    identifier : on this bench; the spec's own unless given
    """

    most_self_heating = 150.0  # [K]; beyond, a real pixel is gone

    def __init__(self, spec: SampleSpec, *, seed: int = 0, identifier: str = "") -> None:
        self.spec = spec
        self.seed = seed
        self.identifier = identifier or spec.identifier
        self._random = np.random.default_rng([seed, *self.identifier.encode()])
        self.conduction = _as_made(spec, self._random)
        self._law: Conduction = (
            CurrentTable(self.conduction) if isinstance(self.conduction, DriftDiffusion) else self.conduction
        )
        self.defect: Defect = "none"
        self.charge_passed = 0.0
        self._faded = 1.0

    @property
    def age_factor(self) -> float:
        """What ageing has left of current and light [1]."""
        return self._faded * math.exp(-self.charge_passed / self.spec.ageing_charge)

    def fade(self, share: float) -> None:
        """Lose a share of current and light at once [1]."""
        self._faded *= 1 - share

    def age(self, current: float, seconds: float) -> None:
        """Let a current flow for a time; negative and positive charge age alike."""
        self.charge_passed += abs(current) * max(seconds, 0.0)

    def force_voltage(
        self,
        voltage: float,
        temperature: float,
        *,
        limit: float = math.inf,
        resistance: float = 0.0,
        duty_cycle: float = 1.0,
    ) -> tuple[float, float]:
        """Voltage [V] and current [A] at a source that forces a voltage.

        What flows then may break the pixel.

        Parameters
        ----------
        voltage, temperature : forced [V], of the stage it lies on [K]
        limit : largest current the source gives [A]
        resistance : of the source [Ω]
        duty_cycle : share of the time it is forced, for the heat it leaves [1]
        """
        return self._unbroken(
            lambda point: point.at_voltage(voltage, limit), temperature, resistance, duty_cycle
        )

    def force_current(self, current: float, temperature: float, *, limit: float) -> tuple[float, float]:
        """Voltage [V] and current [A] at a source that forces a current with at most `limit` volts."""
        return self._unbroken(lambda point: point.at_current(current, limit), temperature, 0.0, 1.0)

    def layer_voltage(
        self, voltage: float, temperature: float, *, resistance: float = 0.0, duty_cycle: float = 1.0
    ) -> float:
        """Voltage across the layer [V] with a voltage forced as in `force_voltage`."""
        _, current = self.force_voltage(voltage, temperature, resistance=resistance, duty_cycle=duty_cycle)
        return voltage - current * (self.spec.series_resistance + resistance)

    def steady_light(
        self, voltage: float, temperature: float, *, time: float = 0.0, duty_cycle: float = 1.0
    ) -> float:
        """Steady photocurrent [A] at a layer voltage [V], its brightness drifted until a time [s]."""
        emission = self.spec.emission
        if emission is None or self.defect != "none" or voltage <= 0:
            return 0.0
        brightness = max(1 + emission.brightness_drift * time, 0.0)
        feeding = self.layer_current(voltage, temperature, duty_cycle)
        return max(emission.photocurrent_yield * feeding * brightness, 0.0)

    def light_pulse(self, voltage: float, temperature: float, *, width: float, period: float) -> LightPulse:
        """How the light of a pulse to a layer voltage [V] rises and falls."""
        emission, diode = self.spec.emission, self.conduction
        assert emission is not None and isinstance(diode, EmittingDiode)
        transit_time = diode.transit_time(voltage, temperature) / self.spec.trap_factor
        return emission.pulse(transit_time=transit_time, width=width, period=period)

    def truth(self) -> dict[str, Any]:
        """What was put in, SI, by glossary names; over temperature [K] or pulse amplitude [V] as dicts.

        What is infinite, such as the breakdown field of a pixel that does not break, is left out.
        """
        spec, law = self.spec, self.conduction
        told: dict[str, Any] = {"law": type(law).__name__}
        told |= {field.name: getattr(law, field.name) for field in fields(law)}
        numbers = {
            f.name: getattr(spec, f.name)
            for f in fields(spec)
            if isinstance(f.default, float) or f.name == "area"
        }
        told |= {name: value for name, value in numbers.items() if math.isfinite(value)}
        if isinstance(law, DriftDiffusion):
            told["zero_field_mobility"] = {T: law.zero_field_mobility(T) for T in TOLD_TEMPERATURES}
        if isinstance(law, EmittingDiode) and spec.emission is not None:
            unbreakable = replace(spec, breakdown_field=math.inf, breakdown_current_density=math.inf)
            told |= _told_light(
                Sample(unbreakable, seed=self.seed, identifier=self.identifier), law, spec.emission
            )
        return told

    def flicker(self) -> float:
        """Brightness of one reading relative to the mean [1]; drawn anew at each call."""
        emission = self.spec.emission
        if emission is None or emission.flicker == 0:
            return 1.0
        return 1 + emission.flicker * float(self._random.standard_normal())

    def layer_current(self, voltage: float, temperature: float, duty_cycle: float = 1.0) -> float:
        """Current [A] at a layer voltage [V], self-heated until temperature and power agree."""
        spec, factor = self.spec, self.spec.area * self.spec.trap_factor * self.age_factor
        leakage = spec.leakage_conductance * voltage
        current = factor * self._law.current_density(voltage, temperature) + leakage
        if spec.thermal_resistance == 0:
            return current
        for _ in range(20):
            heating = spec.thermal_resistance * duty_cycle * voltage * current
            hot = temperature + min(heating, self.most_self_heating)
            before, current = current, factor * self._law.current_density(voltage, hot) + leakage
            if abs(current - before) <= 1e-9 * abs(current):
                break
        return current

    def _unbroken(
        self,
        operate: Callable[["_Circuit"], tuple[float, float]],
        temperature: float,
        resistance: float,
        duty_cycle: float,
    ) -> tuple[float, float]:
        """The operating point; where it exceeds what the layer bears, the one after the breakdown."""
        circuit = _Circuit(
            sample=self,
            temperature=temperature,
            resistance=resistance + self.spec.series_resistance,
            duty_cycle=duty_cycle,
        )
        voltage, current = operate(circuit)
        if self.defect == "none" and self._exceeds(voltage - current * circuit.resistance, current):
            self.defect = "short"
            voltage, current = operate(circuit)
        return voltage, current

    def _exceeds(self, layer_voltage: float, current: float) -> bool:
        too_high_field = abs(layer_voltage) > self.spec.breakdown_field * self.conduction.thickness
        return too_high_field or abs(current) > self.spec.breakdown_current_density * self.spec.area


@dataclass(frozen=True, kw_only=True)
class _Circuit:
    """A sample in series with a resistance [Ω], at a temperature [K] and a duty cycle [1]."""

    sample: Sample
    temperature: float
    resistance: float
    duty_cycle: float

    def at_voltage(self, voltage: float, limit: float) -> tuple[float, float]:
        """Voltage and current with a voltage forced; the current stays within the limit."""
        current = self.current(voltage)
        if abs(current) <= limit:
            return voltage, current
        return self.at_current(math.copysign(limit, current), abs(voltage))

    def at_current(self, current: float, limit: float) -> tuple[float, float]:
        """Voltage and current with a current forced; the voltage stays within the limit."""
        if current == 0:
            return 0.0, 0.0
        end = math.copysign(limit, current)
        at_end = self.current(end)
        if abs(at_end) <= abs(current):
            return end, at_end
        return _root(lambda voltage: self.current(voltage) - current, end, at_start=-current), current

    def current(self, voltage: float) -> float:
        """Current with a voltage across sample and resistance."""
        if self.sample.defect == "open" or voltage == 0:
            return 0.0
        if self.sample.defect == "short":
            return voltage / (self.resistance + self.sample.spec.short_resistance)
        if self.resistance == 0:
            return self._through_layer(voltage)
        layer_voltage = _root(
            lambda layer: layer + self.resistance * self._through_layer(layer) - voltage,
            voltage,
            at_start=-voltage,
        )
        return self._through_layer(layer_voltage)

    def _through_layer(self, voltage: float) -> float:
        return self.sample.layer_current(voltage, self.temperature, self.duty_cycle)


def _told_light(sample: Sample, diode: EmittingDiode, emission: Emission) -> dict[str, Any]:
    """Transit and delay of pulses from the generator's 50 Ω, by amplitude [V], at 297 K."""
    told: dict[str, Any] = {field.name: getattr(emission, field.name) for field in fields(emission)}
    voltages = {
        amplitude: sample.layer_voltage(
            amplitude, ROOM_TEMPERATURE, resistance=GENERATOR_RESISTANCE, duty_cycle=0.0
        )
        for amplitude in TOLD_AMPLITUDES
    }
    mobility = {a: diode.mobility(v, ROOM_TEMPERATURE) for a, v in voltages.items()}
    transit = {a: diode.transit_time(v, ROOM_TEMPERATURE) for a, v in voltages.items()}
    theta = sample.spec.trap_factor
    return told | {
        "device_voltage": voltages,
        "transit_mobility": {a: theta * value for a, value in mobility.items()},
        "transit_time": {a: value / theta for a, value in transit.items()},
        "delay_time": {a: emission.delay_time(value / theta) for a, value in transit.items()},
    }


def _as_made(spec: SampleSpec, random: np.random.Generator) -> ConductionLaw:
    """The conduction law with the thickness this very pixel got."""
    if spec.thickness_scatter == 0:
        return spec.conduction
    thickness = spec.conduction.thickness * (1 + spec.thickness_scatter * float(random.standard_normal()))
    return replace(spec.conduction, thickness=thickness)


def _root(function: Callable[[float], float], end: float, *, at_start: float) -> float:
    """Zero between 0 and `end` of a function that changes sign there (Illinois' method), to rounding."""
    other, at_other = 0.0, at_start
    latest, at_latest = end, function(end)
    for _ in range(100):
        if at_latest == 0 or abs(latest - other) < 1e-15 * abs(end):
            break
        new = latest - at_latest * (latest - other) / (at_latest - at_other)
        at_new = function(new)
        if (at_new > 0) != (at_latest > 0):
            other, at_other = latest, at_latest
        else:
            at_other /= 2
        settled = abs(new - latest) < 1e-15 * abs(end)
        latest, at_latest = new, at_new
        if settled:
            break
    return latest
