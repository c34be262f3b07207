"""Occupation of a Gaussian density of states, tabulated for the solver."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from analysis.curves import FloatArray

_TABLE_STEP = 1 / 16  # in kT: cubic Hermite interpolation is then good to 1e-9
_ENERGY_STRIDE = 8  # energies every 0.5 kT: the trapezoidal rule on the Fermi function is then exact to 1e-16
_TAIL = 10  # standard deviations of the Gaussian beyond which nothing is left
_HIGHEST_LEVEL = 12  # in kT above the centre; contacts lie at the centre or below


class OccupationTable(NamedTuple):
    """ln c with its slopes on an even grid of Fermi levels, in kT from the Gaussian's centre.

    c is the integral of exp(-e²/2s²)/sqrt(2 pi s²) / (1 + exp(e - level)) over the energy e. Below the grid
    it is Boltzmann's, ln c = level + s²/2.

    Parameters
    ----------
    start, step : of the grid
    values : (n, 4) ln c, d ln c/d level, d ln c/ds, d² ln c/(d level ds)
    """

    start: float
    step: float
    values: FloatArray


@lru_cache(maxsize=64)
def occupation_table(reduced_disorder: float) -> OccupationTable:
    """The table for one reduced disorder s = sigma/kT [1]; the last 64 are remembered.

    Occupations are taken relative to Boltzmann's, which keeps deep levels from underflowing: in z = e/s the
    weight becomes exp(-(z + s)²/2) / (1 + exp(level - e)). The sums over energies are convolutions on the
    grid of levels.
    """
    s, stride = reduced_disorder, _ENERGY_STRIDE
    deepest = math.ceil(2 * (s**2 + _TAIL * s))
    z = np.arange(-deepest, math.ceil(2 * _TAIL * s) + 1) * (stride * _TABLE_STEP / s)
    weight = np.exp(-((z + s) ** 2) / 2) * (z[1] - z[0]) / math.sqrt(2 * math.pi)
    start = -math.ceil(1.5 * s**2 + 25)
    count = int((_HIGHEST_LEVEL - start) / _TABLE_STEP) + 1
    # level - e on the grid that all pairs of a level and an energy fall on
    lowest = start - z[-1] * s
    difference = lowest + _TABLE_STEP * np.arange(count + stride * (len(z) - 1))
    empty = expit(-difference)
    level = start + _TABLE_STEP * np.arange(count)

    def summed(weights: FloatArray, function: FloatArray) -> FloatArray:
        total = np.empty(count)
        for offset in range(stride):
            total[offset::stride] = np.convolve(function[offset::stride], weights, mode="valid")
        return total

    occupied = summed(weight, empty)
    slope = summed(weight, empty**2) / occupied
    in_disorder = -summed(weight * z, empty**2) / occupied
    mixed = -summed(weight * z, empty**2 * (2 * empty - 1)) / occupied - slope * in_disorder
    return OccupationTable(
        start=float(start),
        step=_TABLE_STEP,
        values=np.column_stack([level + s**2 / 2 + np.log(occupied), slope, in_disorder, mixed]),
    )
