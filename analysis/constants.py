"""CODATA constants under our names, and the unit multipliers numbers meet at the edges."""

from scipy import constants as _codata

BOLTZMANN_CONSTANT: float = _codata.Boltzmann  # [J K⁻¹]
ELEMENTARY_CHARGE: float = _codata.elementary_charge  # [C]
VACUUM_PERMITTIVITY: float = _codata.epsilon_0  # [F m⁻¹]

nanometre: float = 1e-9  # [m]
square_millimetre: float = 1e-6  # [m²]
microsecond: float = 1e-6  # [s]
millisecond: float = 1e-3  # [s]
electronvolt: float = ELEMENTARY_CHARGE  # [J]


def thermal_voltage(temperature: float) -> float:
    """Thermal voltage kT/q [V] at a temperature [K]."""
    return BOLTZMANN_CONSTANT * temperature / ELEMENTARY_CHARGE
