"""Where the nodes lie: dense at the contacts, even in between."""

import math

import numpy as np

from analysis.curves import FloatArray

_EVENNESS = 12.0  # nodes spread evenly against those of a factor e in the distance from a contact
_MOST_STEPS = 80


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
    # Newton's method within a bracket: the map is monotonic, its slope largest at the contacts
    low, high = np.zeros_like(target), np.ones_like(target)
    place = np.full_like(target, 0.5)
    for _ in range(_MOST_STEPS):
        off = _EVENNESS * place + np.log1p(place / first) - np.log1p((1 - place) / last)
        off += math.log1p(1 / last) - target
        if np.max(np.abs(off)) < 1e-13 * total:
            break
        low, high = np.where(off < 0, place, low), np.where(off < 0, high, place)
        step = place - off / (_EVENNESS + 1 / (place + first) + 1 / (1 - place + last))
        place = np.where((step > low) & (step < high), step, (low + high) / 2)
    return np.concatenate([[0.0], place, [1.0]])
