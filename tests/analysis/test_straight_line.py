"""Weighted lines against closed forms and counted coverage."""

import math

import numpy as np
import pytest

from analysis.straight_line import fit_straight_line


def test_exact_points_give_their_line_back() -> None:
    x = np.array([1.0, 2.0, 5.0, 7.0])
    line = fit_straight_line(x, 3.0 - 2.0 * x)
    assert line.slope == pytest.approx(-2.0)
    assert line.intercept == pytest.approx(3.0)
    assert line.x_intercept().value == pytest.approx(1.5)


def test_known_errors_give_the_textbook_covariance() -> None:
    x, error = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.1, 0.4])
    line = fit_straight_line(x, 1 + x, error)
    design = np.stack([np.ones(4), x], axis=1) / error[:, None]
    np.testing.assert_allclose(line.covariance, np.linalg.inv(design.T @ design), rtol=1e-12)


def test_unknown_errors_are_taken_from_the_scatter() -> None:
    x = np.arange(6.0)
    y = x + np.array([1, -1, 1, -1, 1, -1]) * 0.1
    line = fit_straight_line(x, y)
    expected = np.polyfit(x, y, 1, cov=True)[1]
    assert line.slope_standard_error == pytest.approx(math.sqrt(expected[0, 0]))


def test_two_points_say_nothing_about_their_error() -> None:
    line = fit_straight_line([1.0, 2.0], [1.0, 3.0])
    assert line.x_intercept().confidence_interval == (-math.inf, math.inf)


def test_an_offset_common_to_all_points_moves_the_axis_crossing_by_offset_over_slope() -> None:
    x, error = np.array([1.0, 2.0, 4.0]), np.full(3, 0.01)
    alone = fit_straight_line(x, 2.0 * x - 1.0, error)
    line = fit_straight_line(x, 2.0 * x - 1.0, error, shared_error=[np.full(3, 0.3)])
    assert (line.slope, line.intercept) == (alone.slope, alone.intercept)
    assert line.slope_standard_error == pytest.approx(alone.slope_standard_error)
    expected = math.hypot(alone.x_intercept().standard_error, 0.3 / 2.0)
    assert line.x_intercept().standard_error == pytest.approx(expected)


def test_fieller_interval_is_unbounded_where_the_slope_is_lost_in_noise() -> None:
    line = fit_straight_line([0.0, 1.0, 2.0], [1.0, 1.1, 1.0], [1.0, 1.0, 1.0])
    intercept = line.x_intercept()
    assert intercept.confidence_interval == (-math.inf, math.inf)
    assert intercept.verdict.word == "not_identifiable"


def test_fieller_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(20240901)
    x = np.linspace(1.0, 3.0, 8)
    covered = 0
    trials = 1000
    for _ in range(trials):
        line = fit_straight_line(x, 2.0 * (x - 0.7) + rng.normal(0, 0.3, 8))
        low, high = line.x_intercept().confidence_interval
        covered += low <= 0.7 <= high
    assert 0.935 <= covered / trials <= 0.965


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        ([1.0, 1.0], [1.0, 2.0], None, "two distinct x"),
        ([1.0, 2.0], [1.0], None, "as many"),
        ([1.0, np.nan], [1.0, 2.0], None, "not finite"),
        ([1.0, 2.0], [1.0, 2.0], [0.1, 0.0], "above zero"),
    ],
)
def test_what_makes_no_line_is_refused(x: list, y: list, error: list | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_straight_line(x, y, error)
