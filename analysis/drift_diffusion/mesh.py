"""Where the nodes lie: dense at the contacts, even in between."""

import math

import numpy as np

from analysis.curves import FloatArray

_EVENNESS = 12.0  # nodes spread evenly against those of a factor e in the distance from a contact
_ROUGH_STEPS = 100  # of a table, from either contact to the middle, that the map is looked up in first
_NEWTON_STEPS = 3  # from there to the last digit


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

    def mapped(place: FloatArray) -> FloatArray:
        return _EVENNESS * place + np.log1p(place / first) + np.log((1 + last) / (1 + last - place))

    half = np.linspace(0, 1, _ROUGH_STEPS)
    from_first = first * np.expm1(half * math.log1p(0.5 / first))
    from_last = 1 - last * np.expm1(half[-2::-1] * math.log1p(0.5 / last))
    rough = np.concatenate([from_first, from_last])
    place = np.interp(target, mapped(rough), rough)
    for _ in range(_NEWTON_STEPS):
        slope = _EVENNESS + 1 / (first + place) + 1 / (1 + last - place)
        place = place - (mapped(place) - target) / slope
    return np.concatenate([[0.0], place, [1.0]])
