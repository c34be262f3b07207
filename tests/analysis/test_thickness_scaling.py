"""Thickness scaling against laws whose exponent is known."""

import numpy as np
import pytest

from analysis.curves import JVCurve
from analysis.space_charge import (
    fit_thickness_scaling,
    mott_gurney_current_density,
    murgatroyd_current_density,
)

THICKNESSES = (63.5e-9, 110e-9, 130e-9)
VOLTAGE = np.geomspace(0.5, 8.0, 30)


def curve(thickness: float, current_density: np.ndarray, temperature: float = 297.0) -> JVCurve:
    return JVCurve(
        voltage=VOLTAGE, current_density=current_density, temperature=temperature, thickness=thickness
    )


def test_quadratic_curves_collapse_with_the_third_power() -> None:
    curves = [curve(L, mott_gurney_current_density(VOLTAGE, 1e-10, L, 4.0)) for L in THICKNESSES]
    scaling = fit_thickness_scaling(curves)
    assert scaling.exponent.value == pytest.approx(3.0)
    np.testing.assert_allclose(scaling.spread, 1.0, rtol=1e-9)
    assert scaling.verdict.is_good


def test_a_built_in_voltage_is_taken_off_first() -> None:
    curves = [curve(L, mott_gurney_current_density(VOLTAGE - 0.4, 1e-10, L, 4.0)) for L in THICKNESSES]
    # linear interpolation of ln J between the points costs a little where J falls to zero
    assert fit_thickness_scaling(curves, built_in_voltage=0.4).exponent.value == pytest.approx(3.0, abs=0.01)


def test_a_field_dependent_mobility_falls_faster_at_equal_voltage_and_as_one_over_length_at_equal_field() -> (
    None
):
    curves = [curve(L, murgatroyd_current_density(VOLTAGE, 1e-11, 5e-4, L, 4.0)) for L in THICKNESSES]
    scaling = fit_thickness_scaling(curves)
    assert scaling.exponent.value > 3.5 and scaling.verdict.word == "not_straight"
    assert scaling.spread[-1] > 2
    assert scaling.field_exponent.value == pytest.approx(1.0, abs=1e-3)


def test_curves_without_a_common_range_say_so() -> None:
    low, high = VOLTAGE < 1.5, VOLTAGE > 2
    curves = [curve(L, mott_gurney_current_density(VOLTAGE, 1e-10, L, 4.0)) for L in THICKNESSES[:2]]
    scaling = fit_thickness_scaling([curves[0].select(low), curves[1].select(high)])
    assert scaling.verdict.word == "too_few_points"


def test_one_thickness_or_two_temperatures_are_refused() -> None:
    with pytest.raises(ValueError, match="two or more thicknesses"):
        fit_thickness_scaling([curve(1e-7, VOLTAGE**2)])
    with pytest.raises(ValueError, match="different temperatures"):
        fit_thickness_scaling([curve(1e-7, VOLTAGE**2), curve(2e-7, VOLTAGE**2, 277.0)])


def test_an_exponent_of_three_on_average_is_not_called_one_that_is_not_three() -> None:
    """J L³ of the thicker film lies above at low voltage and below at high voltage, by as much."""
    voltage = np.geomspace(1.0, 10.0, 21)
    tilt = (voltage / np.sqrt(10.0)) ** 0.5
    curves = [
        JVCurve(voltage=voltage, current_density=density, temperature=300.0, thickness=thickness)
        for thickness, density in ((1e-7, voltage**2 * tilt), (2e-7, voltage**2 / 8 / tilt))
    ]
    found = fit_thickness_scaling(curves)
    assert found.exponent.value == pytest.approx(3.0, abs=0.01)
    assert found.verdict.word == "not_straight" and "from voltage to voltage" in found.verdict.advice
