"""The light's closed forms against brute-force integration, and the delay time they promise."""

import math

import numpy as np
import pytest

from sim_instruments.emission import Emission, Photodiode, arrived_fraction, light_integral, light_level

TRANSIT = 49.6e-6


@pytest.mark.parametrize("dispersion", [0.0, 0.15, 0.5])
@pytest.mark.parametrize("rise_time", [0.0, 4e-6])
def test_the_integral_is_the_integral_of_the_level(dispersion: float, rise_time: float) -> None:
    times = np.linspace(0.0, 200e-6, 20001)
    levels = np.array([light_level(t, TRANSIT, dispersion, rise_time) for t in times])
    cumulative = np.concatenate(([0.0], np.cumsum((levels[1:] + levels[:-1]) / 2) * (times[1] - times[0])))
    for index in (3000, 5000, 9000, 20000):
        closed = light_integral(times[index], TRANSIT, dispersion, rise_time)
        assert closed == pytest.approx(cumulative[index], abs=1e-8)


def test_the_rise_is_the_arrivals_smeared_by_an_exponential() -> None:
    rise, dispersion, time = 5e-6, 0.4, 60e-6
    delays = np.linspace(0.0, time, 200001)
    arrived = np.array([arrived_fraction(time - v, TRANSIT, dispersion) for v in delays[::50]])
    weights = np.exp(-delays[::50] / rise) / rise
    assert light_level(time, TRANSIT, dispersion, rise) == pytest.approx(
        np.trapezoid(arrived * weights, delays[::50]), rel=1e-5
    )


def test_the_transit_time_is_the_mean_of_the_arrivals() -> None:
    times = np.linspace(0.0, 2e-3, 200001)
    late = np.array([1 - arrived_fraction(t, TRANSIT, 0.5) for t in times])
    assert np.trapezoid(late, times) == pytest.approx(TRANSIT, rel=1e-4)


@pytest.mark.parametrize("dispersion", [0.0, 0.2, 0.5])
def test_the_asymptote_against_pulse_width_meets_the_axis_at_the_delay_time(dispersion: float) -> None:
    emission = Emission(dispersion=dispersion, rise_time=3e-6, afterglow_fraction=0.2, afterglow_time=5e-6)

    def light(width: float) -> float:
        pulse = emission.pulse(transit_time=TRANSIT, width=width, period=1.0)
        return pulse.integral(1.0)

    far, farther = 5e-3, 6e-3
    slope = (light(farther) - light(far)) / (farther - far)
    assert far - light(far) / slope == pytest.approx(emission.delay_time(TRANSIT), rel=1e-6)
    assert emission.delay_time(TRANSIT) == pytest.approx(TRANSIT + 3e-6 - 0.2 * 5e-6)


def test_a_period_holds_all_the_light_of_its_pulse_afterglow_included() -> None:
    emission = Emission(afterglow_fraction=0.3, afterglow_time=50e-6)
    pulse = emission.pulse(transit_time=10e-6, width=60e-6, period=100e-6)
    assert pulse.integral(100e-6) == pytest.approx(50e-6 + 0.3 * 50e-6)
    assert pulse.level(110e-6) == pytest.approx(0.3 * math.exp(-1.0))


def test_memory_shortens_the_transit_of_a_dense_train_and_not_of_a_sparse_one() -> None:
    emission = Emission(memory_fraction=0.1, memory_time=1e-3)
    dense = emission.pulse(transit_time=TRANSIT, width=100e-6, period=1e-3)
    sparse = emission.pulse(transit_time=TRANSIT, width=100e-6, period=1.0)
    assert dense.transit_time == pytest.approx(TRANSIT * (1 - 0.1 * math.exp(-0.9)))
    assert sparse.transit_time == pytest.approx(TRANSIT)


def test_a_train_gives_as_much_light_as_its_pulses_together() -> None:
    pulse = Emission().pulse(transit_time=20e-6, width=50e-6, period=1e-3)
    assert pulse.integral_of_train(20e-3) == pytest.approx(20 * 30e-6)
    assert pulse.integral_of_train(20e-3 + 40e-6) == pytest.approx(20 * 30e-6 + 20e-6)


def test_a_photodiode_saturates() -> None:
    assert Photodiode(saturation_current=1e-6).photocurrent(1e-6) == pytest.approx(0.5e-6)
    assert Photodiode().photocurrent(1e-6) == 1e-6


@pytest.mark.parametrize(
    "changes",
    [{"afterglow_fraction": 1.0}, {"memory_fraction": -0.1}, {"memory_time": 0.0}, {"dispersion": -1.0}],
)
def test_impossible_emissions_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        Emission(**changes)


def test_an_open_photodiode_shows_the_shunts_voltage_in_the_dark_and_the_junctions_in_the_light() -> None:
    eye = Photodiode(shunt_resistance=1e8, junction_current=1e-11)
    assert eye.open_voltage(1e-12) == pytest.approx(1e-12 * 1e8, rel=0.05)
    for photocurrent in (1e-6, 1e-5):
        volts = eye.open_voltage(photocurrent)
        carried = volts / 1e8 + 1e-11 * math.expm1(volts / 0.0257)
        assert carried == pytest.approx(photocurrent, rel=1e-6)
    decade = eye.open_voltage(1e-5) - eye.open_voltage(1e-6)
    assert decade == pytest.approx(0.0257 * math.log(10), rel=0.02)
