"""Where the nodes lie: dense at the contacts, even in between."""

import math

import numpy as np

from analysis.curves import FloatArray

_EVENNESS = 12.0  # nodes spread evenly against those of a factor e in the distance from a contact


def graded_mesh(cells: int, injecting_scale: float, extracting_scale: float) -> FloatArray:
    """Node positions from 0 to 1 with their spacing following the distance from either contact.

    Next to an ohmic contact the density falls as 1/(1 + x/scale)², scale being its Debye length: it is smooth
    in ln(1 + x/scale), and so is the mesh. A smooth map of an even grid keeps the order of convergence, and a
    mesh of twice as many cells holds all nodes of this one.

    Parameters
    ----------
    cells : number of cells [1]
    injecting_scale, extracting_scale : of the contacts' layers, in film thicknesses [1]

    Returns
    -------
    positions : (cells + 1,) in film thicknesses
    """
    first, last = injecting_scale, extracting_scale
    total = _EVENNESS + math.log1p(1 / first) + math.log1p(1 / last)
    target = total * np.linspace(0, 1, cells + 1)[1:-1]
    # bracketed by the whole film and bisected to start with, then polished
    low, high = np.zeros_like(target), np.ones_like(target)
    for _ in range(60):
        middle = (low + high) / 2
        value = (
            _EVENNESS * middle
            + np.log1p(middle / first)
            + math.log1p(1 / last)
            - np.log1p((1 - middle) / last)
        )
        low, high = np.where(value < target, middle, low), np.where(value < target, high, middle)
    return np.concatenate([[0.0], (low + high) / 2, [1.0]])
