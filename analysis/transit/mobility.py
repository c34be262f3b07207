"""The mobility a transit time would mean, and its dependence on the field."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.constants import VACUUM_PERMITTIVITY
from analysis.curves import FloatArray
from analysis.estimate import GOOD, Estimate, Verdict
from analysis.straight_line import fit_straight_line

SPACE_CHARGE_FRONT_FACTOR = 0.786
"""Arrival of the front of a space-charge-limited transient in units of L²/(μV) (Many, Rakavy 1962) [1]."""


@dataclass(frozen=True, kw_only=True)
class TransitMobility:
    """A mobility under the claim that a delay time is a transit time.

    Parameters
    ----------
    mobility : [m² V⁻¹ s⁻¹]
    electric_field : (V - V_bi)/L [V m⁻¹]
    convention : which voltage, length and front factor it was computed with, in words
    """

    mobility: Estimate
    electric_field: float
    convention: str


def transit_mobility(
    delay_time: Estimate,
    thickness: Estimate | float,
    voltage: float,
    built_in_voltage: float = 0.0,
    front_factor: float = 1.0,
    *,
    instrument_delay: float = 0.0,
) -> TransitMobility:
    """Mobility from a transit time, μ = L²/(τ (V - V_bi)) (Li et al. 2024, eq. 3, which prints V).

    Parameters
    ----------
    delay_time : [s]
    thickness : length crossed [m]; the standard error of an Estimate becomes a systematic error
    voltage : across the device [V]
    built_in_voltage : [V]; zero gives eq. 3 as printed
    front_factor : 1, or 0.786 for a space-charge-limited front [1]
    instrument_delay : RC and generator delay subtracted from the delay time [s]

    Returns
    -------
    TransitMobility

    Raises
    ------
    ValueError
        A voltage not above the built-in voltage, or an instrument delay not below the delay time.

    Examples
    --------
    >>> at_4_volt = transit_mobility(Estimate(value=49.6e-6), 95e-9, 4.0, built_in_voltage=2.0)
    >>> f"{at_4_volt.mobility.value:.1e}"
    '9.1e-11'
    """
    length = thickness if isinstance(thickness, Estimate) else Estimate(value=thickness)
    layer_voltage = voltage - built_in_voltage
    if not layer_voltage > 0:
        raise ValueError(f"voltage {voltage:g} V is not above built_in_voltage {built_in_voltage:g} V")
    transit_time = delay_time.value - instrument_delay
    if not math.isnan(transit_time) and transit_time <= 0:
        raise ValueError(
            f"delay_time {delay_time.value:.3g} s is not above instrument_delay {instrument_delay:.3g} s"
        )
    scale = front_factor * length.value**2 / layer_voltage
    mobility = scale / transit_time
    interval = delay_time.confidence_interval
    relative_length_error = (length.standard_error or 0.0) / length.value
    return TransitMobility(
        mobility=Estimate(
            value=mobility,
            standard_error=None
            if delay_time.standard_error is None
            else mobility * delay_time.standard_error / transit_time,
            systematic_error=2 * mobility * relative_length_error if relative_length_error else None,
            confidence_interval=None if interval is None else _inverted(interval, instrument_delay, scale),
            verdict=delay_time.verdict,
        ),
        electric_field=layer_voltage / length.value,
        convention=_convention(length.value, built_in_voltage, front_factor),
    )


def _inverted(interval: tuple[float, float], instrument_delay: float, scale: float) -> tuple[float, float]:
    low, high = (max(limit - instrument_delay, 0.0) for limit in interval)
    return scale / high if high > 0 else math.inf, scale / low if low > 0 else math.inf


def _convention(thickness: float, built_in_voltage: float, front_factor: float) -> str:
    voltage = "V" if built_in_voltage == 0 else f"V - {built_in_voltage:g} V"
    return f"{voltage} over {thickness * 1e9:g} nm, front factor {front_factor:g}"


def charging_time(resistance: float, area: float, thickness: float, relative_permittivity: float) -> float:
    """Time constant of charging the film through what is in series with it, τ = R ε A/L.

    Parameters
    ----------
    resistance : generator (50 Ω) plus contacts [Ω]
    area : electrode overlap [m²]
    thickness : of all layers between the electrodes [m]
    relative_permittivity : [1]

    Returns
    -------
    float
        [s], for `transit_mobility`'s ``instrument_delay`` or to show that it does not matter

    Examples
    --------
    >>> f"{charging_time(100.0, 4e-6, 95e-9, 4.0):.2e}"
    '1.49e-07'
    """
    return resistance * relative_permittivity * VACUUM_PERMITTIVITY * area / thickness


@dataclass(frozen=True, kw_only=True)
class FieldDependence:
    """ln μ against E^½: the Poole-Frenkel line.

    Parameters
    ----------
    zero_field_mobility : its intercept [m² V⁻¹ s⁻¹]
    field_coefficient : γ, its slope [(m/V)^½]
    verdict : of the line
    """

    zero_field_mobility: Estimate
    field_coefficient: Estimate
    verdict: Verdict


def fit_field_dependence(
    electric_field: Sequence[float], mobility: Sequence[float], mobility_error: Sequence[float] | None = None
) -> FieldDependence:
    """Fit ln μ = ln μ(0) + γ E^½ to transit mobilities.

    Parameters
    ----------
    electric_field : (n,) [V m⁻¹]
    mobility : (n,) [m² V⁻¹ s⁻¹]; values that are not finite or not above zero are left out
    mobility_error : (n,) standard errors [m² V⁻¹ s⁻¹]

    Returns
    -------
    FieldDependence
    """
    field = np.asarray(electric_field, dtype=np.float64)
    mu: FloatArray = np.asarray(mobility, dtype=np.float64)
    usable = np.isfinite(mu) & (mu > 0) & (field > 0)
    error = None
    if mobility_error is not None:
        error = np.asarray(mobility_error, dtype=np.float64)
        usable &= np.isfinite(error) & (error > 0)
        error = error[usable] / mu[usable]
    if len(np.unique(field[usable])) < 3:
        advice = f"{int(usable.sum())} usable mobilities are too few; measure at three or more amplitudes."
        nothing = Estimate(value=math.nan, verdict=Verdict(word="too_few_points", advice=advice))
        return FieldDependence(
            zero_field_mobility=nothing, field_coefficient=nothing, verdict=nothing.verdict
        )
    line = fit_straight_line(np.sqrt(field[usable]), np.log(mu[usable]), error)
    scale = math.sqrt(max(line.reduced_chi_square, 1.0)) if line.errors_known else 1.0
    zero_field = math.exp(line.intercept)
    return FieldDependence(
        zero_field_mobility=Estimate(
            value=zero_field, standard_error=zero_field * line.intercept_standard_error * scale
        ),
        field_coefficient=Estimate(value=line.slope, standard_error=line.slope_standard_error * scale),
        verdict=GOOD,
    )
