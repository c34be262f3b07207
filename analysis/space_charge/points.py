"""Which points of a curve deserve no trust, each with the reason by name."""

import math

import numpy as np

from analysis.curves import JVCurve
from analysis.space_charge.slope import BoolArray

DISQUALIFYING_FLAGS = frozenset({"compliance", "overflow", "outside-temperature", "noise-floor", "breakdown"})
"""Point flags that keep a reading out of a fit."""


def usable_points(curve: JVCurve, built_in_voltage: float) -> tuple[BoolArray, tuple[tuple[float, str], ...]]:
    """Points with a logarithm and without a disqualifying flag, and the reason for each one dropped."""
    reasons: dict[int, str] = {}
    for index, (voltage, current, words) in enumerate(
        zip(curve.voltage, curve.current_density, curve.flags, strict=True)
    ):
        if not math.isfinite(current):
            reasons[index] = "no reading"
        elif voltage <= built_in_voltage:
            reasons[index] = "not above the built-in voltage"
        elif current <= max(curve.current_density_floor, 0.0):
            reasons[index] = "not above the meter's floor"
        elif words & DISQUALIFYING_FLAGS:
            reasons[index] = " ".join(sorted(words & DISQUALIFYING_FLAGS))
    kept = np.array([index not in reasons for index in range(len(curve))], dtype=bool)
    return kept, tuple((float(curve.voltage[index]), reason) for index, reason in reasons.items())
