"""Occupation of a Gaussian density of states, tabulated for the solver."""

import math
from functools import lru_cache

import numpy as np

from analysis.curves import FloatArray

_ENERGY_STEP = 0.5  # in kT: the trapezoidal rule on the Fermi function is then exact to 1e-16
_TABLE_STEP = 1 / 16  # in kT: cubic Hermite interpolation is then good to 1e-9


def gaussian_log_occupation(fermi_level: FloatArray, reduced_disorder: float) -> FloatArray:
    """Logarithm of the occupied fraction of a Gaussian density of states.

    The integral of exp(-e²/2s²)/sqrt(2 pi s²) / (1 + exp(e - fermi_level)) over the energy e.

    Parameters
    ----------
    fermi_level : (n,) above the Gaussian's centre, in kT
    reduced_disorder : s = sigma/kT [1]
    """
    return _moments(fermi_level, reduced_disorder)[0]


class OccupationTable:
    """ln c, its slopes in the Fermi level and its slope in s on an even grid of Fermi levels.

    Below the grid the occupation is Boltzmann's, ln c = fermi_level + s²/2; contacts never lie above it.

    Attributes
    ----------
    start, step : of the grid, in kT
    values : (n, 4) ln c, d ln c/d level, d ln c/ds, d² ln c/(d level ds)
    """

    def __init__(self, reduced_disorder: float) -> None:
        s = reduced_disorder
        self.step = _TABLE_STEP
        self.start = -math.ceil(1.5 * s**2 + 25)
        levels = np.arange(self.start, 12 + self.step, self.step)
        self.values = np.column_stack(_moments(levels, s))


@lru_cache(maxsize=64)
def occupation_table(reduced_disorder: float) -> OccupationTable:
    """The table for one reduced disorder s [1]; the last 64 are remembered."""
    return OccupationTable(reduced_disorder)


def _moments(level: FloatArray, s: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """ln c with d/d level, d/ds and d²/(d level ds), all from one quadrature.

    Energies are s z with z standard normal. Terms are weighted relative to exp(level + s²/2), which keeps deep
    levels from underflowing: exp(-z²/2) exp(level - s z)/(exp(level - s z) + 1) has its weight at z = -s.
    """
    z = np.arange(-(s**2) - 10 * s, 10 * s + _ENERGY_STEP, _ENERGY_STEP) / s
    shifted = level[:, None] - s * z[None, :]
    filled = 1 / (1 + np.exp(-shifted))
    empty = 1 / (1 + np.exp(shifted))
    weight = _ENERGY_STEP / s / math.sqrt(2 * math.pi)
    log_scale = level + s**2 / 2
    boltzmann = np.exp(-((z + s) ** 2) / 2) * weight
    bounded = (
        boltzmann[None, :] * empty
    )  # exp(-z²/2) exp(level - s z)/(1 + exp(level - s z)) / exp(log_scale)
    occupation = bounded.sum(axis=1)
    slope = (bounded * empty).sum(axis=1)
    in_disorder = -(bounded * empty * z).sum(axis=1)
    mixed = -(bounded * empty * (empty - filled) * z).sum(axis=1)
    first = slope / occupation
    second = in_disorder / occupation
    return log_scale + np.log(occupation), first, second, mixed / occupation - first * second
