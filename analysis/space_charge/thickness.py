"""Does the current scale with thickness as space charge demands?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.curves import FloatArray, JVCurve, read_only
from analysis.estimate import GOOD, Estimate, Verdict
from analysis.space_charge.points import usable_points
from analysis.straight_line import fit_straight_line

COLLAPSE_TOLERANCE = 0.3
"""Largest deviation of the thickness exponent from 3 that is called space charge [1]."""

_MINIMUM_FIELDS = 3


@dataclass(frozen=True, kw_only=True)
class ThicknessScaling:
    """How J depends on thickness, at equal voltage and at equal field.

    Parameters
    ----------
    thickness : (m,) of the curves [m]
    voltage : (n,) at which J L³ was compared [V]
    exponent : p of J ∝ L^-p at equal voltage, mean over the voltages; 3 for the quadratic law [1]
    spread : (n,) highest over lowest J L³ at each voltage [1]; 1 where the curves collapse
    electric_field : (k,) at which J L was compared [V m⁻¹]
    field_exponent : p of J ∝ L^-p at equal mean field; 1 for any mobility that depends on the field only [1]
    verdict : whether J L³ collapses
    """

    thickness: FloatArray
    voltage: FloatArray
    exponent: Estimate
    spread: FloatArray
    electric_field: FloatArray
    field_exponent: Estimate
    verdict: Verdict


def fit_thickness_scaling(
    curves: Sequence[JVCurve], *, built_in_voltage: float = 0.0, points: int = 15
) -> ThicknessScaling:
    """Compare J L³ of several thicknesses at equal V - V_bi, and J L at equal (V - V_bi)/L.

    Parameters
    ----------
    curves : at one temperature, two thicknesses or more
    built_in_voltage : [V]
    points : voltages and fields to compare at, over the range all curves share

    Returns
    -------
    ThicknessScaling

    Raises
    ------
    ValueError
        For fewer than two thicknesses, or curves of different temperatures.
    """
    thickness = np.array([curve.thickness for curve in curves])
    if len(np.unique(thickness)) < 2:
        raise ValueError("thickness scaling needs curves of two or more thicknesses")
    temperatures = [curve.temperature for curve in curves]
    if max(temperatures) - min(temperatures) > 1:
        told = ", ".join(f"{kelvin:g}" for kelvin in sorted(set(temperatures)))
        raise ValueError(
            f"the curves were measured at different temperatures ({told} K); compare them one by one"
        )
    logs = [_log_curve(curve, built_in_voltage) for curve in curves]
    voltage, at_voltage = _at_common(logs, np.zeros(len(curves)), points)
    field, at_field = _at_common(logs, np.log(thickness), points)
    scaled = at_voltage + 3 * np.log(thickness)[:, None]
    exponent = _mean_exponent(thickness, at_voltage)
    return ThicknessScaling(
        thickness=read_only(thickness, "thickness"),
        voltage=read_only(voltage, "voltage"),
        exponent=exponent,
        spread=read_only(np.exp(np.ptp(scaled, axis=0)) if len(voltage) else [], "spread"),
        electric_field=read_only(field, "electric_field"),
        field_exponent=_mean_exponent(thickness, at_field),
        verdict=_verdict(exponent, len(voltage)),
    )


def _log_curve(curve: JVCurve, built_in_voltage: float) -> tuple[FloatArray, FloatArray]:
    kept, _ = usable_points(curve, built_in_voltage)
    voltage, current = curve.voltage[kept] - built_in_voltage, curve.current_density[kept]
    order = np.argsort(voltage, kind="stable")
    return np.log(voltage[order]), np.log(current[order])


def _at_common(
    logs: Sequence[tuple[FloatArray, FloatArray]], log_scale: FloatArray, points: int
) -> tuple[FloatArray, FloatArray]:
    """Abscissae V/scale that all curves reach, over at most a decade, and ln J of each there: (m, n)."""
    if any(len(log_voltage) < 2 for log_voltage, _ in logs):
        return np.empty(0), np.empty((len(logs), 0))
    low = max(x[0] - shift for (x, _), shift in zip(logs, log_scale, strict=True))
    high = min(x[-1] - shift for (x, _), shift in zip(logs, log_scale, strict=True))
    low = max(low, high - math.log(10))
    if not low < high:
        return np.empty(0), np.empty((len(logs), 0))
    grid = np.linspace(low, high, points)
    rows = [np.interp(grid + shift, x, y) for (x, y), shift in zip(logs, log_scale, strict=True)]
    return np.exp(grid), np.stack(rows)


def _mean_exponent(thickness: FloatArray, log_current: FloatArray) -> Estimate:
    """Mean over the columns of minus the slope of ln J against ln L.

    Neighbouring columns tell the same, so the error is their scatter.
    """
    if log_current.shape[1] < _MINIMUM_FIELDS:
        return Estimate(value=math.nan, verdict=_too_narrow())
    slopes = [-fit_straight_line(np.log(thickness), column).slope for column in log_current.T]
    return Estimate(value=float(np.mean(slopes)), standard_error=float(np.std(slopes, ddof=1)))


def _too_narrow() -> Verdict:
    return Verdict(word="too_few_points", advice="The curves share no range; measure them over equal V/L.")


def _verdict(exponent: Estimate, count: int) -> Verdict:
    if count < _MINIMUM_FIELDS:
        return _too_narrow()
    scatter = exponent.standard_error or 0.0
    why = "the mobility depends on field or density, or the current is not bulk-limited."
    if abs(exponent.value - 3) > COLLAPSE_TOLERANCE:
        told = f"J falls with thickness to the power {exponent.value:.2f} at equal voltage, not 3"
    elif scatter > COLLAPSE_TOLERANCE:
        told = f"The power with which J falls with thickness changes by {scatter:.2f} from voltage to voltage"
    else:
        return GOOD
    return Verdict(word="not_straight", advice=f"{told}: {why}")
