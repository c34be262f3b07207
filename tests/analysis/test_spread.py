"""Spread between values told from the error of each: closed forms, and a published data set."""

import numpy as np
import pytest
from scipy.stats import chi2
from scipy.stats import t as student_t

from analysis.spread import fit_spread

# Colditz et al., JAMA 271, 698 (1994): 13 trials of a vaccine; cases and the rest, vaccinated and not.
TRIALS = np.array(
    [
        (4, 119, 11, 128),
        (6, 300, 29, 274),
        (3, 228, 11, 209),
        (62, 13536, 248, 12619),
        (33, 5036, 47, 5761),
        (180, 1361, 372, 1079),
        (8, 2537, 10, 619),
        (505, 87886, 499, 87892),
        (29, 7470, 45, 7232),
        (17, 1699, 65, 1600),
        (186, 50448, 141, 27197),
        (5, 2493, 3, 2338),
        (27, 16886, 29, 17825),
    ],
    dtype=float,
)


def test_a_published_data_set_gives_its_published_spread() -> None:
    """Viechtbauer, J. Stat. Softw. 36(3) (2010), its log risk ratios: REML and Q profile."""
    a, b, c, d = TRIALS.T
    ratio = np.log((a / (a + b)) / (c / (c + d)))
    variance = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    found = fit_spread(ratio, np.sqrt(variance))
    assert found.mean.value == pytest.approx(-0.7145, abs=5e-5)
    assert found.between.value**2 == pytest.approx(0.3132, abs=5e-5)
    low, high = found.between.confidence_interval or (0.0, 0.0)
    assert (low**2, high**2) == (pytest.approx(0.1197, abs=5e-5), pytest.approx(1.1115, abs=5e-5))
    assert found.share == pytest.approx(0.9222, abs=5e-5)


def test_equal_errors_have_a_closed_form() -> None:
    values, error = np.array([3.0, 4.5, 4.0, 7.0, 5.5]), 0.6
    found = fit_spread(values, np.full(5, error))
    scatter = values.var(ddof=1)
    assert found.mean.value == pytest.approx(values.mean())
    assert found.mean.standard_error == pytest.approx(np.sqrt(scatter / 5))
    reach = student_t.ppf(0.975, 4) * np.sqrt(scatter / 5)
    assert found.mean.confidence_interval == pytest.approx((values.mean() - reach, values.mean() + reach))
    assert found.between.value == pytest.approx(np.sqrt(scatter - error**2))
    limits = [np.sqrt(4 * scatter / chi2.ppf(probability, 4) - error**2) for probability in (0.975, 0.025)]
    assert found.between.confidence_interval == pytest.approx(limits)
    assert found.within == pytest.approx(error) and found.verdict.is_good


def test_scatter_that_the_errors_explain_is_no_spread() -> None:
    found = fit_spread([10.0, 10.1, 9.95], [0.2, 0.2, 0.2])
    assert found.between.value == 0.0 and found.verdict.word == "undecided"
    assert found.mean.standard_error == pytest.approx(0.2 / np.sqrt(3))
    assert found.between.confidence_interval is not None and found.between.confidence_interval[0] == 0.0


def test_the_unit_does_not_matter() -> None:
    values, errors = np.array([1.0, 1.4, 0.7, 1.1]), np.array([0.05, 0.2, 0.1, 0.01])
    one, other = fit_spread(values, errors), fit_spread(values * 1e-12, errors * 1e-12)
    assert other.mean.value == pytest.approx(one.mean.value * 1e-12)
    assert other.between.value == pytest.approx(one.between.value * 1e-12)


def test_the_interval_holds_the_true_spread_as_often_as_it_says() -> None:
    chance = np.random.default_rng(8)
    trials, inside = 200, 0
    for _ in range(trials):
        errors = chance.uniform(0.5, 2.0, 8)
        values = 5 + 1.5 * chance.standard_normal(8) + errors * chance.standard_normal(8)
        low, high = fit_spread(values, errors).between.confidence_interval or (0.0, 0.0)
        inside += low <= 1.5 <= high
    # 95 % of 200, and three standard deviations of that count either way
    assert 180 < inside < 200


@pytest.mark.parametrize(
    ("values", "errors", "told"),
    [
        ([1.0], [0.1], "two values"),
        ([1.0, 2.0], [0.1], "each needs its own"),
        ([1.0, np.nan], [0.1, 0.1], "not finite"),
        ([1.0, 2.0], [0.1, 0.0], "above zero"),
    ],
)
def test_what_has_no_spread_is_refused(values: list[float], errors: list[float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        fit_spread(values, errors)
