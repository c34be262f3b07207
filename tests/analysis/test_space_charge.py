"""Space-charge laws against closed forms; windows against curves whose slope is known."""

import math

import numpy as np
import pytest

from analysis.curves import JVCurve
from analysis.space_charge import (
    common_window,
    fit_space_charge,
    local_slope,
    mott_gurney_current_density,
    murgatroyd_current_density,
)

VOLTAGE = np.geomspace(0.1, 10.0, 60)
THICKNESS = 500e-9
MOBILITY = 1e-10


def curve_of(
    current_density: np.ndarray,
    *,
    noise: float = 0.0,
    seed: int = 1,
    voltage: np.ndarray = VOLTAGE,
    **options: object,
) -> JVCurve:
    scatter = np.exp(np.random.default_rng(seed).normal(0, noise, len(voltage))) if noise else 1.0
    return JVCurve(
        voltage=voltage,
        current_density=current_density * scatter,
        temperature=297.0,
        thickness=THICKNESS,
        relative_permittivity=3.0,
        **options,
    )


def quadratic_curve(**options: object) -> JVCurve:
    return curve_of(mott_gurney_current_density(VOLTAGE, MOBILITY, THICKNESS, 3.0), **options)


def test_mott_gurney_is_nine_eighths_of_permittivity_mobility_and_voltage_squared_over_length_cubed() -> None:
    expected = 9 / 8 * 3.0 * 8.8541878128e-12 * 1e-10 * 4.0 / (500e-9) ** 3
    assert mott_gurney_current_density(2.0, 1e-10, 500e-9, 3.0) == pytest.approx(expected)
    assert mott_gurney_current_density(-2.0, 1e-10, 500e-9, 3.0) == pytest.approx(-expected)


def test_murgatroyd_multiplies_by_its_exponential() -> None:
    quadratic = mott_gurney_current_density(4.0, 1e-10, 1e-7, 3.0)
    ratio = murgatroyd_current_density(4.0, 1e-10, 3e-4, 1e-7, 3.0) / quadratic
    assert ratio == pytest.approx(math.exp(0.891 * 3e-4 * math.sqrt(4e7)))


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.7])
def test_local_slope_of_a_power_law_is_its_exponent_everywhere(exponent: float) -> None:
    uneven = np.sort(np.random.default_rng(7).uniform(0.05, 9.0, 40))
    found = local_slope(curve_of(uneven**exponent, voltage=uneven))
    np.testing.assert_allclose(found.slope, exponent, rtol=1e-6)


def test_local_slope_error_covers_the_truth_as_often_as_it_says() -> None:
    inside = []
    for seed in range(60):
        found = local_slope(quadratic_curve(noise=0.02, seed=seed))
        inside.append(np.abs(found.slope - 2) <= found.quantile * found.standard_error)
    assert 0.92 <= np.mean(inside) <= 0.98


def test_currents_at_or_below_zero_are_left_out_and_not_folded() -> None:
    current = mott_gurney_current_density(VOLTAGE, MOBILITY, THICKNESS, 3.0).copy()
    current[:5] *= -1
    assert len(local_slope(curve_of(current)).voltage) == 55


def test_quadratic_curve_gives_its_mobility_back() -> None:
    fit = fit_space_charge(quadratic_curve(noise=0.01), correct_diffusion=False)
    assert fit.window is not None and fit.window[1] / fit.window[0] > 5
    assert abs(fit.zero_field_mobility.value - MOBILITY) < 4 * fit.zero_field_mobility.standard_error
    assert fit.slope.value == pytest.approx(2.0, abs=0.02)


def test_noise_cannot_make_a_window() -> None:
    fit = fit_space_charge(quadratic_curve(noise=0.6), correct_diffusion=False)
    assert fit.window is None
    assert "scatter" in fit.why
    assert math.isnan(fit.zero_field_mobility.value)


@pytest.mark.parametrize(("exponent", "told"), [(1.2, "never 2"), (3.0, "never as low as 2")])
def test_no_window_is_an_answer_that_says_why(exponent: float, told: str) -> None:
    fit = fit_space_charge(curve_of(VOLTAGE**exponent), correct_diffusion=False)
    assert fit.window is None and told in fit.why
    assert fit.verdict.word == "not_straight"


def test_given_window_is_used_and_its_slope_still_judged() -> None:
    fit = fit_space_charge(curve_of(VOLTAGE**3.0), window=(1.0, 3.0), correct_diffusion=False)
    assert fit.window == (1.0, 3.0)
    assert fit.verdict.word == "not_straight"
    assert fit.slope.value == pytest.approx(3.0)


def test_points_at_compliance_are_dropped_by_name() -> None:
    flags = tuple(frozenset({"compliance"}) if volt > 8 else frozenset() for volt in VOLTAGE)
    fit = fit_space_charge(quadratic_curve(flags=flags), correct_diffusion=False)
    assert fit.window is not None and fit.window[1] <= 8
    assert {reason for _, reason in fit.left_out} == {"compliance"}


def test_common_window_is_where_every_curve_is_quadratic() -> None:
    early = np.where(VOLTAGE < 4, VOLTAGE**2, VOLTAGE**4 / 16)
    late = np.where(VOLTAGE > 1, VOLTAGE**2, VOLTAGE)
    shared = common_window([curve_of(early), curve_of(late)])
    assert shared is not None
    assert 0.8 < shared[0] < 2 and 2.5 < shared[1] < 4.5
    assert common_window([curve_of(early), curve_of(VOLTAGE**3)]) is None


def test_common_errors_are_systematic_and_cubed_in_the_thickness() -> None:
    fit = fit_space_charge(
        quadratic_curve(), correct_diffusion=False, relative_thickness_error=0.05, relative_area_error=0.02
    )
    assert fit.zero_field_mobility.systematic_error / fit.zero_field_mobility.value == pytest.approx(
        math.hypot(0.15, 0.02)
    )


def test_unknown_permittivity_is_asked_for() -> None:
    curve = JVCurve(voltage=VOLTAGE, current_density=VOLTAGE**2, temperature=297.0, thickness=1e-7)
    with pytest.raises(ValueError, match="relative_permittivity"):
        fit_space_charge(curve)
