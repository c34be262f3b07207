"""Delay times against series with a known asymptote; mobilities against closed forms."""

import math

import numpy as np
import pytest

from analysis.curves import TELSeries
from analysis.estimate import Estimate
from analysis.transit import charging_time, fit_delay_time, fit_field_dependence, transit_mobility

MICROSECOND = 1e-6


def straight_series(widths: np.ndarray, delay: float = 20e-6, noise: float = 0.0, seed: int = 1) -> TELSeries:
    light = 1e-3 * np.maximum(widths - delay, 0.0)
    light = light * (1 + np.random.default_rng(seed).normal(0, noise, len(widths)) if noise else 1)
    return TELSeries(pulse_width=widths, light_current=light, pulse_amplitude=5.0, temperature=297.0)


def test_delay_time_is_found_from_three_straight_points() -> None:
    fit = fit_delay_time(straight_series(np.array([50e-6, 60e-6, 70e-6])))
    assert fit.delay_time.value == pytest.approx(20e-6, rel=1e-6)
    assert fit.verdict.word == "pulses_too_short"


def test_two_points_are_too_few_and_no_exception() -> None:
    fit = fit_delay_time(straight_series(np.array([50e-6, 60e-6])))
    assert fit.verdict.word == "too_few_points"
    assert math.isnan(fit.delay_time.value)


def test_printed_grid_to_100_microseconds_cannot_support_a_delay_of_50_microseconds() -> None:
    fit = fit_delay_time(straight_series(np.arange(10, 101, 10) * MICROSECOND, delay=49.6e-6, noise=0.01))
    assert fit.verdict.word == "pulses_too_short"
    assert "add pulses" in fit.verdict.advice


def test_extension_to_300_microseconds_supports_it() -> None:
    widths = np.concatenate([np.arange(10, 101, 10), np.arange(120, 301, 20)]) * MICROSECOND
    fit = fit_delay_time(straight_series(widths, delay=49.6e-6, noise=0.01))
    assert fit.verdict.word == "good"
    assert abs(fit.delay_time.value - 49.6e-6) < 4 * fit.delay_time.standard_error
    assert fit.straight_part[0] >= 2 * 49.6e-6 * 0.95


def test_operators_straight_part_is_used_and_recorded() -> None:
    series = straight_series(np.arange(10, 301, 10) * MICROSECOND, noise=0.01)
    fit = fit_delay_time(series, straight_part=(100e-6, 200e-6))
    assert fit.chosen_by == "operator"
    assert fit.straight_part == pytest.approx((100e-6, 200e-6))
    assert fit.used.sum() == 11
    low, high = fit.delay_time.confidence_interval
    assert low <= 20e-6 <= high and high - low < 20e-6


def test_mobility_is_length_squared_over_delay_and_voltage() -> None:
    told = transit_mobility(Estimate(value=10e-6, standard_error=1e-6), 100e-9, 4.0)
    assert told.mobility.value == pytest.approx(1e-14 / (10e-6 * 4.0))
    assert told.mobility.standard_error == pytest.approx(0.1 * told.mobility.value)
    assert told.electric_field == pytest.approx(4e7)


def test_built_in_voltage_front_factor_and_instrument_delay_enter_as_named() -> None:
    told = transit_mobility(Estimate(value=11e-6), 100e-9, 4.0, 2.0, 0.786, instrument_delay=1e-6)
    assert told.mobility.value == pytest.approx(0.786 * 1e-14 / (10e-6 * 2.0))
    assert "V - 2 V" in told.convention and "0.786" in told.convention


def test_thickness_error_is_systematic_and_doubled() -> None:
    told = transit_mobility(Estimate(value=10e-6), Estimate(value=100e-9, standard_error=5e-9), 4.0)
    assert told.mobility.systematic_error == pytest.approx(0.1 * told.mobility.value)


def test_interval_of_the_mobility_is_the_inverted_interval_of_the_delay() -> None:
    told = transit_mobility(Estimate(value=10e-6, confidence_interval=(8e-6, math.inf)), 100e-9, 4.0)
    assert told.mobility.confidence_interval == pytest.approx((0.0, 1e-14 / (8e-6 * 4.0)))


@pytest.mark.parametrize(("voltage", "built_in"), [(2.0, 2.0), (1.0, 2.0)])
def test_a_voltage_below_the_built_in_voltage_is_refused(voltage: float, built_in: float) -> None:
    with pytest.raises(ValueError, match="built_in_voltage"):
        transit_mobility(Estimate(value=1e-5), 95e-9, voltage, built_in)


def test_field_dependence_gives_zero_field_mobility_and_coefficient_back() -> None:
    field = np.linspace(1e7, 5e7, 7)
    fit = fit_field_dependence(field, 2e-11 * np.exp(3.9e-4 * np.sqrt(field)))
    assert fit.field_coefficient.value == pytest.approx(3.9e-4, rel=1e-9)
    assert fit.zero_field_mobility.value == pytest.approx(2e-11, rel=1e-9)


def test_two_amplitudes_make_no_field_dependence() -> None:
    assert fit_field_dependence([1e7, 2e7], [1e-11, 2e-11]).verdict.word == "too_few_points"


def test_charging_a_small_pixel_through_a_hundred_ohm_is_far_below_its_delay() -> None:
    # 4 mm² of 95 nm with relative permittivity 4 is 1.5 nF
    assert charging_time(100.0, 4e-6, 95e-9, 4.0) == pytest.approx(1.5e-9 * 100, rel=0.01)
