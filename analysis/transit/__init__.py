"""Delay time from a pulse-width series of electroluminescence, and the mobility a transit time would mean.

The time-averaged light of pulses much longer than the delay grows linearly with their width, I ∝ (τ_pulse -
τ_d): the *delay time* is where the asymptote of the noise-free curve meets the axis. It is data: onset delay
plus finite rise minus afterglow. That it is a *transit time* is a claim, made by `transit_mobility`.

`onset` holds the model and its interval, `delay` the rule which points count and the verdict, `mobility` what
is claimed: three rooms, because the data and the claim must not be mixed up.
"""

from analysis.transit.delay import UNTRUSTED_FLAGS, DelayFit, fit_delay_time
from analysis.transit.mobility import (
    SPACE_CHARGE_FRONT_FACTOR,
    FieldDependence,
    TransitMobility,
    charging_time,
    fit_field_dependence,
    transit_mobility,
)
from analysis.transit.onset import LARGEST_DISPERSION, OnsetFit, fit_onset

__all__ = [
    "LARGEST_DISPERSION",
    "SPACE_CHARGE_FRONT_FACTOR",
    "UNTRUSTED_FLAGS",
    "DelayFit",
    "FieldDependence",
    "OnsetFit",
    "TransitMobility",
    "charging_time",
    "fit_delay_time",
    "fit_field_dependence",
    "fit_onset",
    "transit_mobility",
]
