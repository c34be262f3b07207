"""Pixels that exist in the literature, ready to be mounted: printed numbers where there are any, assumed ones
named.

The paper's devices (`analysis.published.li2024`). Assumed, because not printed: relative permittivity, area,
built-in voltage, EGDM prefactor, the length in eq. 3, the field dependence of the light's delay, and
everything about the light besides its delay. The sealed preset was drawn once and is told by ``--reveal``
only.
"""

from collections.abc import Callable

from analysis.constants import nanometre
from analysis.published import li2024
from sim_instruments.conduction import DriftDiffusion, EmittingDiode
from sim_instruments.device_under_test import SampleSpec
from sim_instruments.emission import Emission

# Poole-Frenkel slope of ln mu against sqrt(E) [(m/V)^1/2]: from 4 to 7 V, sqrt(E) grows by 2667 (V/m)^1/2 and
# the mobility 2.5-fold, about the guide of the paper's Fig. 4.
TRANSIT_FIELD_COEFFICIENT = 3.4e-4


def li2024_hole_only(thickness: float) -> SampleSpec:
    """The paper's hole-only pixel with a film of this thickness [m], for our drift-diffusion solver."""
    return SampleSpec(
        identifier=f"li2024/hole-only/{thickness / nanometre:g}nm",
        conduction=DriftDiffusion(
            thickness=thickness,
            relative_permittivity=li2024.RELATIVE_PERMITTIVITY.value,
            disorder_width=li2024.DISORDER_WIDTH.value,
            hopping_distance=li2024.HOPPING_DISTANCE.value,
            mobility_prefactor=li2024.MOBILITY_PREFACTOR.value,
        ),
        area=li2024.HOLE_ONLY_AREA.value,
        capacitance=1.3e-9,
        breakdown_field=4e8,
    )


def li2024_qled() -> SampleSpec:
    """The paper's light-emitting pixel: 9.1e-11 m² V⁻¹ s⁻¹ at 4 V, so light comes 49.6 µs after the onset."""
    return SampleSpec(
        identifier="li2024/qled/1",
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
        emission=Emission(photocurrent_yield=1e-3, dispersion=0.15, flicker=2e-3),
        capacitance=1.5e-9,
        leakage_conductance=1e-10,
        breakdown_field=4e8,
    )


PRESETS: dict[str, Callable[[], SampleSpec]] = {
    "li2024-hole-only-63.5nm": lambda: li2024_hole_only(63.5 * nanometre),
    "li2024-hole-only-110nm": lambda: li2024_hole_only(110 * nanometre),
    "li2024-hole-only-130nm": lambda: li2024_hole_only(130 * nanometre),
    "li2024-qled": li2024_qled,
}


def preset(name: str) -> SampleSpec:
    """The pixel known by a name."""
    if name not in PRESETS:
        raise ValueError(f"no sample preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]()
