"""The slope of ln J against ln V along a curve, with its standard error."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from analysis.curves import FloatArray, JVCurve, read_only

BoolArray = npt.NDArray[np.bool_]

SLOPE_TOLERANCE = 0.2
"""Half-width of the band around 2 that the local slope's interval must lie inside [1]."""

_CENTRES = 256  # points worked out at a time; their neighbourhoods are held in memory at once


@dataclass(frozen=True, kw_only=True)
class LocalSlope:
    """d ln J / d ln V along a curve, with its standard error.

    Parameters
    ----------
    voltage : (n,) rising [V]
    slope : (n,) [1]
    standard_error : (n,) [1]
    log_scatter : (n,) standard deviation of ln J about the local curve [1]
    quantile : (n,) Student quantile that turns a standard error into a 95 % interval [1]
    """

    voltage: FloatArray
    slope: FloatArray
    standard_error: FloatArray
    log_scatter: FloatArray
    quantile: FloatArray

    def within(self, tolerance: float = SLOPE_TOLERANCE) -> BoolArray:
        """Where the whole 95 % interval of the slope lies inside 2 ± tolerance (an equivalence test)."""
        return np.abs(self.slope - 2) + self.quantile * self.standard_error <= tolerance


def local_slope(
    curve: JVCurve,
    *,
    built_in_voltage: float = 0.0,
    bandwidth: float = 0.3,
    minimum_points: int = 7,
) -> LocalSlope:
    """The slope of ln J against ln V by local quadratic regression; uneven spacing and noise are welcome.

    Each point's neighbours within `bandwidth`, or its `minimum_points` nearest where those reach further, are
    fitted with tricube weights; the scatter about the local curve gives the error, where the curve does not
    bring one. Points at or below zero volts or current have no logarithm and are left out, not folded.

    Parameters
    ----------
    curve : with more than `minimum_points` usable points, else an empty result
    built_in_voltage : subtracted from the voltage [V]
    bandwidth : half-width of the neighbourhood in ln V [1]
    minimum_points : smallest neighbourhood, 5 or more

    Returns
    -------
    LocalSlope
        At the usable points, in order of rising voltage.
    """
    if minimum_points < 5:
        raise ValueError(
            f"minimum_points {minimum_points} is below 5, which a local parabola with an error needs"
        )
    layer_voltage = curve.voltage - built_in_voltage
    usable = (layer_voltage > 0) & (curve.current_density > 0) & np.isfinite(curve.current_density)
    order = np.flatnonzero(usable)[np.argsort(layer_voltage[usable], kind="stable")]
    voltage, current = layer_voltage[order], curve.current_density[order]
    if len(np.unique(voltage)) < minimum_points:
        empty = np.empty(0)
        return LocalSlope(voltage=empty, slope=empty, standard_error=empty, log_scatter=empty, quantile=empty)

    log_voltage, log_current = np.log(voltage), np.log(current)
    portions = [
        _slope_operators(log_voltage, log_voltage[first : first + _CENTRES], bandwidth, minimum_points)
        for first in range(0, len(log_voltage), _CENTRES)
    ]
    values, slopes = (np.vstack(rows) for rows in zip(*portions, strict=True))
    residual = log_current - values @ log_current
    scatter, degrees = _pooled_scatter(log_voltage, residual, np.diag(values))
    error = scatter
    if curve.current_density_error is not None:
        error, degrees = curve.current_density_error[order] / current, np.full(len(order), math.inf)
    return LocalSlope(
        voltage=read_only(voltage + built_in_voltage, "voltage"),
        slope=read_only(slopes @ log_current, "slope"),
        standard_error=read_only(np.sqrt(slopes**2 @ error**2), "standard_error"),
        log_scatter=read_only(scatter, "log_scatter"),
        quantile=read_only(stdtrit(degrees, 0.975), "quantile"),
    )


def _slope_operators(
    x: FloatArray, centres: FloatArray, bandwidth: float, minimum_points: int
) -> tuple[FloatArray, FloatArray]:
    """Rows that, multiplied with y, give the local parabola's value and slope at each centre.

    The normal equations are 3 x 3 in -1 < u < 1, where squaring their condition costs nothing that matters.
    """
    distance = np.abs(x - centres[:, None])
    nearest = np.partition(distance, minimum_points - 1, axis=1)[:, minimum_points - 1]
    reach = np.maximum(bandwidth, 1.0001 * nearest)[:, None]
    u = (x - centres[:, None]) / reach
    weight = np.maximum(1 - (distance / reach) ** 3, 0.0) ** 3
    design = np.stack([np.ones_like(u), u, u**2], axis=1)
    weighted = design * weight[:, None, :]
    hat = np.linalg.pinv(weighted @ design.transpose(0, 2, 1), rcond=1e-12, hermitian=True) @ weighted
    return hat[:, 0], hat[:, 1] / reach


def _pooled_scatter(
    x: FloatArray, residual: FloatArray, leverage: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Standard deviation of ln J about the local curve over 15 points, and its degrees of freedom."""
    count = min(15, len(x))
    scatter, degrees = np.empty(len(x)), np.empty(len(x))
    for index, centre in enumerate(x):
        nearest = np.argpartition(np.abs(x - centre), count - 1)[:count]
        degrees[index] = max(np.sum(1 - leverage[nearest]), 1.0)
        scatter[index] = math.sqrt(np.sum(residual[nearest] ** 2) / degrees[index])
    return scatter, degrees
