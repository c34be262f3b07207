"""Closed forms: Mott-Gurney, Murgatroyd, and how far diffusion lifts the current above them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.constants import VACUUM_PERMITTIVITY
from analysis.curves import JVCurve

MURGATROYD_FACTOR = 0.891
"""Numerical factor of Murgatroyd's approximation (J. Phys. D 3, 151 (1970)) [1]."""

TYPICAL_SITE_DENSITY = 4.56e25
"""One site per (2.8 nm)³, the hopping distance of Li et al. 2024 [m⁻³]."""


def mott_gurney_current_density(
    voltage: Any, mobility: float, thickness: float, relative_permittivity: float
) -> npt.NDArray[np.float64]:
    """Trap-free space-charge-limited current density, J = 9/8 ε μ V²/L³ (Li et al. 2024, eq. 1).

    Parameters
    ----------
    voltage : (n,) across the layer [V]; the current takes its sign
    mobility : [m² V⁻¹ s⁻¹]
    thickness : [m]
    relative_permittivity : [1]

    Returns
    -------
    (n,) current density [A m⁻²]

    Examples
    --------
    >>> round(float(mott_gurney_current_density(1.0, 4.4e-11, 110e-9, 4.0)), 4)
    1.3172
    """
    mu, L, eps = mobility, thickness, relative_permittivity * VACUUM_PERMITTIVITY
    voltage = np.asarray(voltage, dtype=np.float64)
    return 9 / 8 * eps * mu * voltage * np.abs(voltage) / L**3


def murgatroyd_current_density(
    voltage: Any,
    zero_field_mobility: float,
    field_coefficient: float,
    thickness: float,
    relative_permittivity: float,
) -> npt.NDArray[np.float64]:
    """Space-charge-limited current density with a Poole-Frenkel mobility, Murgatroyd's approximation.

    J = 9/8 ε μ(0) V²/L³ exp(0.891 γ √(V/L)) (Murgatroyd, J. Phys. D 3, 151 (1970)).

    Parameters
    ----------
    voltage : (n,) across the layer, zero or more [V]
    zero_field_mobility : [m² V⁻¹ s⁻¹]
    field_coefficient : γ [(m/V)^½]
    thickness : [m]
    relative_permittivity : [1]

    Returns
    -------
    (n,) current density [A m⁻²]
    """
    voltage = np.asarray(voltage, dtype=np.float64)
    quadratic = mott_gurney_current_density(voltage, zero_field_mobility, thickness, relative_permittivity)
    return quadratic * np.exp(MURGATROYD_FACTOR * field_coefficient * np.sqrt(np.abs(voltage) / thickness))


def diffusion_enhancement(
    voltage: Any,
    temperature: float,
    thickness: float,
    relative_permittivity: float,
    site_density: float = TYPICAL_SITE_DENSITY,
) -> npt.NDArray[np.float64]:
    """Exact J/J_MG of a trap-free diode of constant mobility between two ohmic contacts [1].

    Parameters
    ----------
    voltage : (n,) above zero [V]
    temperature : [K]
    thickness : [m]
    relative_permittivity : [1]
    site_density : both contacts hold half of it [m⁻³]; 1 nm sites in place of 2.8 nm raise the current by 3 %

    Returns
    -------
    (n,) above 1: 9.0 at 0.1 V and 1.19 at 7 V for 110 nm at 297 K
    """
    from analysis.drift_diffusion import ConstantMobility, OhmicContacts, solve_current_density

    voltage = np.asarray(voltage, dtype=np.float64)
    mobility = 1e-10  # any: both currents are proportional to it
    exact = solve_current_density(
        voltage,
        mobility=ConstantMobility(value=mobility, site_density=site_density),
        temperature=temperature,
        thickness=thickness,
        relative_permittivity=relative_permittivity,
        contacts=OhmicContacts(),
    ).current_density
    return exact / mott_gurney_current_density(voltage, mobility, thickness, relative_permittivity)


def permittivity_of(curve: JVCurve, given: float | None) -> float:
    """The relative permittivity given, else the curve's own [1]; ValueError where neither is known."""
    permittivity = given if given is not None else curve.relative_permittivity
    if permittivity is None:
        raise ValueError("relative_permittivity is not known; give it, for example relative_permittivity=3.6")
    if not permittivity >= 1:
        raise ValueError(f"relative_permittivity {permittivity!r}: it must be 1 or more")
    return permittivity
