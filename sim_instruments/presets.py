"""Pixels ready to be mounted: the paper's, relatives of them that obey other laws, and sealed ones.

The paper's devices are those of `analysis.published.li2024`. Assumed, because not printed: relative
permittivity, area, built-in voltage, EGDM prefactor, the length in eq. 3, the field dependence of the light's
delay, and everything about the light besides its delay. Their relatives differ in one thing each, so that an
analysis meets data that its model did not make. Sealed ones were drawn once and tell their truth with
``--reveal`` only.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from analysis.constants import electronvolt, microsecond, millisecond, nanometre
from analysis.published import li2024
from sim_instruments.conduction import DriftDiffusion, EmittingDiode, Murgatroyd
from sim_instruments.device_under_test import SampleSpec
from sim_instruments.emission import Emission

# Poole-Frenkel slope of ln mu against sqrt(E) [(m/V)^1/2]: from 4 to 7 V, sqrt(E) grows by 2667 (V/m)^1/2 and
# the mobility 2.5-fold, about the guide of the paper's Fig. 4.
TRANSIT_FIELD_COEFFICIENT = 3.4e-4

_SEALED_SEED = 20240142


def hole_only_film(thickness: float) -> DriftDiffusion:
    """The paper's EGDM film of a thickness [m]."""
    return DriftDiffusion(
        thickness=thickness,
        relative_permittivity=li2024.RELATIVE_PERMITTIVITY.value,
        disorder_width=li2024.DISORDER_WIDTH.value,
        hopping_distance=li2024.HOPPING_DISTANCE.value,
        mobility_prefactor=li2024.MOBILITY_PREFACTOR.value,
    )


def hole_only(thickness: float) -> SampleSpec:
    """The paper's hole-only pixel with a film of a thickness [m], for our drift-diffusion solver."""
    return SampleSpec(
        identifier=f"li2024/hole-only/{thickness / nanometre:g}nm",
        conduction=hole_only_film(thickness),
        area=li2024.HOLE_ONLY_AREA.value,
        capacitance=1.3e-9,
        breakdown_field=4e8,
    )


def light_emitting() -> SampleSpec:
    """The paper's light-emitting pixel: 9.1e-11 m² V⁻¹ s⁻¹ at 4 V, so light comes 49.6 µs after the onset."""
    return SampleSpec(
        identifier="li2024/light-emitting/1",
        conduction=EmittingDiode(
            thickness=li2024.TRANSIT_LENGTH.value,
            relative_permittivity=li2024.RELATIVE_PERMITTIVITY.value,
            reference_mobility=li2024.TRANSIT_MOBILITY.value,
            reference_field=li2024.TRANSIT_ROOT_FIELD.value,
            field_coefficient=TRANSIT_FIELD_COEFFICIENT,
            activation_energy=li2024.ACTIVATION_ENERGY.value,
            built_in_voltage=li2024.BUILT_IN_VOLTAGE.value,
        ),
        area=li2024.HOLE_ONLY_AREA.value,
        emission=Emission(photocurrent_yield=1e-3, dispersion=0.15, flicker=4e-3),
        capacitance=1.5e-9,
        leakage_conductance=1e-10,
        breakdown_field=4e8,
    )


def murgatroyd_film() -> Murgatroyd:
    """The law that gives the paper's "about five times" at the field of its 4 V point (Fig. 2a)."""
    return Murgatroyd(
        thickness=110 * nanometre,
        relative_permittivity=li2024.RELATIVE_PERMITTIVITY.value,
        zero_field_mobility=li2024.ZERO_FIELD_MOBILITY.value,
        activation_energy=li2024.ACTIVATION_ENERGY.value,
        field_coefficient=li2024.MURGATROYD_COEFFICIENT.value,
    )


def worn_hole_only() -> SampleSpec:
    """A hole-only pixel with what real ones have: contacts, leakage, heat, wear, a soft spot."""
    return replace(
        hole_only(110 * nanometre),
        series_resistance=80.0,
        leakage_conductance=2e-9,
        thermal_resistance=300.0,
        thickness_scatter=0.03,
        ageing_charge=0.5,
        breakdown_field=1.1e8,
        charging_time=5 * millisecond,
    )


def slow_light() -> SampleSpec:
    """A light-emitting pixel whose light is far from a step: dispersion, rise, afterglow, memory, drift."""
    emission = Emission(
        photocurrent_yield=1e-3,
        dispersion=0.4,
        rise_time=3 * microsecond,
        afterglow_fraction=0.2,
        afterglow_time=5 * microsecond,
        memory_fraction=0.05,
        memory_time=1 * millisecond,
        flicker=5e-3,
        brightness_drift=-1e-5,
    )
    return replace(light_emitting(), emission=emission, series_resistance=60.0, ageing_charge=20.0)


def sealed_hole_only() -> SampleSpec:
    """A hole-only pixel nobody knows."""
    random = np.random.default_rng(_SEALED_SEED)
    film = replace(
        hole_only_film(random.uniform(80, 130) * nanometre),
        disorder_width=random.uniform(0.09, 0.13) * electronvolt,
        hopping_distance=random.uniform(1.6, 3.0) * nanometre,
        mobility_prefactor=10 ** random.uniform(-8.0, -7.0),
    )
    return replace(hole_only(film.thickness), identifier="sealed/1/1", conduction=film, sealed=True)


def sealed_light_emitting() -> SampleSpec:
    """A light-emitting pixel nobody knows."""
    random = np.random.default_rng(_SEALED_SEED + 1)
    spec = light_emitting()
    assert isinstance(spec.conduction, EmittingDiode)
    diode = replace(
        spec.conduction,
        reference_mobility=10 ** random.uniform(-10.5, -9.5),
        field_coefficient=random.uniform(1e-4, 5e-4),
    )
    emission = Emission(dispersion=random.uniform(0.1, 0.4), flicker=2e-3)
    return replace(spec, identifier="sealed/1/2", conduction=diode, emission=emission, sealed=True)


def _relative(**changes: object) -> Callable[[], SampleSpec]:
    """The 110 nm pixel with another film."""
    return lambda: replace(
        hole_only(110 * nanometre),
        conduction=replace(hole_only_film(110 * nanometre), **changes),  # type: ignore[arg-type]
    )


PRESETS: dict[str, Callable[[], SampleSpec]] = {
    "li2024-hole-only-63.5nm": lambda: hole_only(63.5 * nanometre),
    "li2024-hole-only-110nm": lambda: hole_only(110 * nanometre),
    "li2024-hole-only-130nm": lambda: hole_only(130 * nanometre),
    "li2024-qled": light_emitting,
    "hole-only-murgatroyd": lambda: replace(hole_only(110 * nanometre), conduction=murgatroyd_film()),
    "hole-only-gaussian-statistics": _relative(statistics="gaussian"),
    "hole-only-c2-0.44": _relative(zero_density_coefficient=0.44),
    "hole-only-barrier": _relative(barriers=(0.1 * electronvolt, 0.3 * electronvolt)),
    "hole-only-trapped": lambda: replace(hole_only(110 * nanometre), trap_factor=0.1),
    "hole-only-worn": worn_hole_only,
    "qled-slow-light": slow_light,
    "qled-trapped": lambda: replace(light_emitting(), trap_factor=0.5),
    "sealed-hole-only": sealed_hole_only,
    "sealed-qled": sealed_light_emitting,
}
"""Name of a preset -> what makes it."""


def preset(name: str) -> SampleSpec:
    """The pixel known by a name."""
    if name not in PRESETS:
        raise ValueError(f"no sample preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]()
