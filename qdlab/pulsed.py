"""What pulse series of one device amount to: delay times, transit mobilities, their field dependence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from analysis.curves import TELSeries
from analysis.device import Device
from analysis.transit import (
    DelayFit,
    FieldDependence,
    TransitMobility,
    fit_delay_time,
    fit_field_dependence,
    transit_mobility,
)

EXTENSION = "extension"  # flag of pulse widths beyond the printed grid


@dataclass(frozen=True, kw_only=True)
class AmplitudeResult:
    """One pulse amplitude.

    Parameters
    ----------
    series : all measured widths
    delay : from all of them
    printed_grid_delay : from the widths that are no extension; None where there is no extension
    transit : mobility with V - V_bi; None where the delay time is unknown or V does not exceed V_bi
    transit_as_printed : the same with plain V, as eq. 3 of Li et al. 2024 is printed
    """

    series: TELSeries
    delay: DelayFit
    printed_grid_delay: DelayFit | None
    transit: TransitMobility | None
    transit_as_printed: TransitMobility | None


@dataclass(frozen=True, kw_only=True)
class TELAnalysis:
    """All amplitudes of one device at one temperature."""

    device: str
    temperature: float
    amplitudes: tuple[AmplitudeResult, ...]
    field_dependence: FieldDependence | None

    def to_dict(self) -> dict[str, object]:
        """Glossary keys, SI values, Estimates as objects."""
        return {
            "temperature": self.temperature,
            "series": [_amplitude_to_dict(result) for result in self.amplitudes],
            "field_dependence": None
            if self.field_dependence is None
            else {
                "zero_field_mobility": self.field_dependence.zero_field_mobility.to_dict(),
                "field_coefficient": self.field_dependence.field_coefficient.to_dict(),
                "verdict": self.field_dependence.verdict.to_dict(),
            },
        }


def analyse_tel(
    series: Sequence[TELSeries],
    device: Device,
    straight_parts: Mapping[float, tuple[float, float]] = MappingProxyType({}),
) -> TELAnalysis:
    """Delay time and transit mobility at every amplitude of one device, and ln mobility against E^½.

    The field dependence uses the amplitudes whose delay time is *good* only.

    Parameters
    ----------
    straight_parts : pulse amplitude [V] -> shortest and longest width [s] chosen by the operator
    """
    amplitudes = tuple(
        analyse_amplitude(one, device, straight_part=straight_parts.get(one.pulse_amplitude))
        for one in series
    )
    return TELAnalysis(
        device=device.identifier,
        temperature=float(np.median([one.temperature for one in series])),
        amplitudes=amplitudes,
        field_dependence=field_dependence_of(amplitudes),
    )


def analyse_amplitude(
    series: TELSeries, device: Device, *, straight_part: tuple[float, float] | None = None
) -> AmplitudeResult:
    """Delay time and transit mobility at one amplitude.

    Parameters
    ----------
    straight_part : shortest and longest width [s] chosen by the operator; None leaves it to the rule
    """
    delay = fit_delay_time(series, straight_part=straight_part)
    extension = series.flagged(EXTENSION)
    built_in = device.built_in_voltage.value
    return AmplitudeResult(
        series=series,
        delay=delay,
        printed_grid_delay=fit_delay_time(series.select(~extension)) if extension.any() else None,
        transit=_transit(series, delay, device, built_in),
        transit_as_printed=_transit(series, delay, device, 0.0),
    )


def _transit(
    series: TELSeries, delay: DelayFit, device: Device, built_in_voltage: float
) -> TransitMobility | None:
    voltage = series.pulse_amplitude if series.device_voltage is None else series.device_voltage
    if not delay.delay_time.value > 0 or voltage <= built_in_voltage:
        return None
    return transit_mobility(delay.delay_time, device.thickness, voltage, built_in_voltage)


def field_dependence_of(amplitudes: Sequence[AmplitudeResult]) -> FieldDependence | None:
    """Ln mobility against E^½ over the amplitudes with a good delay time; None below three of them."""
    good = [one.transit for one in amplitudes if one.delay.verdict.is_good]
    known = [one for one in good if one is not None and math.isfinite(one.mobility.value)]
    if len(known) < 3:
        return None
    return fit_field_dependence(
        [one.electric_field for one in known],
        [one.mobility.value for one in known],
        [one.mobility.standard_error or math.nan for one in known],
    )


def _amplitude_to_dict(result: AmplitudeResult) -> dict[str, object]:
    return {
        "pulse_amplitude": result.series.pulse_amplitude,
        "device_voltage": result.series.device_voltage,
        "delay_time": result.delay.delay_time.to_dict(),
        "delay_time_on_printed_grid": None
        if result.printed_grid_delay is None
        else result.printed_grid_delay.delay_time.to_dict(),
        "transit_mobility": None if result.transit is None else result.transit.mobility.to_dict(),
        "transit_mobility_as_printed": None
        if result.transit_as_printed is None
        else result.transit_as_printed.mobility.to_dict(),
        "electric_field": None if result.transit is None else result.transit.electric_field,
        "why": result.delay.why,
        "verdict": result.delay.verdict.to_dict(),
    }
