"""Temperature laws against data made with CODATA numbers, written out here."""

import numpy as np
import pytest

from analysis.arrhenius import fit_arrhenius

ELECTRONVOLT = 1.602176634e-19
KT_PER_KELVIN = 8.617333262e-5  # eV
KELVIN = np.array([217.0, 237.0, 257.0, 277.0, 297.0])


def arrhenius_mobility(energy: float = 0.30, kelvin: np.ndarray = KELVIN) -> np.ndarray:
    return 4.5e-6 * np.exp(-energy / (KT_PER_KELVIN * kelvin))


def gaussian_mobility(width: float = 0.09, kelvin: np.ndarray = KELVIN) -> np.ndarray:
    return 1e-7 * np.exp(-((2 * width / (3 * KT_PER_KELVIN * kelvin)) ** 2))


def noisy(mobility: np.ndarray, relative: float, seed: int) -> np.ndarray:
    return mobility * np.exp(np.random.default_rng(seed).normal(0, relative, len(mobility)))


def test_activation_energy_and_prefactor_come_back() -> None:
    fit = fit_arrhenius(KELVIN, arrhenius_mobility())
    assert fit.activation_energy.value / ELECTRONVOLT == pytest.approx(0.30, rel=1e-6)
    assert fit.high_temperature_mobility.value == pytest.approx(4.5e-6, rel=1e-6)
    assert fit.at(297.0) == pytest.approx(4.5e-6 * np.exp(-0.30 / (KT_PER_KELVIN * 297)), rel=1e-6)


def test_disorder_width_comes_back_from_the_gaussian_law() -> None:
    fit = fit_arrhenius(KELVIN, gaussian_mobility())
    assert fit.disorder_width.value / ELECTRONVOLT == pytest.approx(0.09, rel=1e-6)
    assert fit.gaussian_prefactor.value == pytest.approx(1e-7, rel=1e-5)


def test_standard_error_covers_the_truth_as_often_as_it_says() -> None:
    inside = 0
    trials = 400
    truth = arrhenius_mobility()
    for seed in range(trials):
        fit = fit_arrhenius(KELVIN, noisy(truth, 0.05, seed), 0.05 * truth)
        low, high = fit.activation_energy.confidence_interval
        inside += low <= 0.30 * ELECTRONVOLT <= high
    assert 0.93 <= inside / trials <= 0.99


def test_the_law_that_made_clean_data_is_preferred() -> None:
    arrhenius = fit_arrhenius(KELVIN, noisy(arrhenius_mobility(), 0.01, 1), 0.01 * arrhenius_mobility())
    gaussian = fit_arrhenius(KELVIN, noisy(gaussian_mobility(), 0.01, 1), 0.01 * gaussian_mobility())
    assert (arrhenius.preferred, gaussian.preferred) == ("arrhenius", "gaussian")


def test_noisy_data_prefer_neither_law() -> None:
    noisy_mobility = noisy(arrhenius_mobility(), 0.3, 3)
    assert fit_arrhenius(KELVIN, noisy_mobility, 0.3 * noisy_mobility).preferred == "undecided"


def test_one_wrong_temperature_is_named() -> None:
    mobility = noisy(arrhenius_mobility(), 0.01, 5)
    mobility[0] *= 1.6
    fit = fit_arrhenius(KELVIN, mobility, 0.01 * mobility)
    assert fit.verdict.word != "good"
    assert int(np.argmax(np.abs(fit.influence))) == 0
    assert "217 K" in fit.verdict.advice


def test_a_cold_offset_of_three_kelvin_moves_the_energy_by_fifteen_millielectronvolt() -> None:
    fit = fit_arrhenius(KELVIN, arrhenius_mobility(), temperature_offset_error=3.0)
    assert fit.activation_energy.systematic_error / ELECTRONVOLT == pytest.approx(0.0155, abs=0.001)


def test_a_common_thickness_error_moves_the_prefactor_only() -> None:
    fit = fit_arrhenius(KELVIN, arrhenius_mobility(), relative_common_error=0.14)
    assert fit.high_temperature_mobility.systematic_error == pytest.approx(0.14 * 4.5e-6, rel=1e-3)
    assert fit.activation_energy.systematic_error is None


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_temperatures_are_a_verdict_that_says_why(count: int) -> None:
    fit = fit_arrhenius(KELVIN[:count], arrhenius_mobility()[:count])
    assert fit.verdict.word == "too_few_points"
    assert np.isnan(fit.activation_energy.value)
    assert "3 or more" in fit.verdict.advice


def test_missing_mobilities_are_left_out() -> None:
    mobility = arrhenius_mobility()
    mobility[2] = np.nan
    assert len(fit_arrhenius(KELVIN, mobility).temperature) == 4


def test_a_mobility_that_falls_on_warming_has_no_disorder_width() -> None:
    fit = fit_arrhenius(KELVIN, 1 / arrhenius_mobility())
    assert fit.disorder_width.verdict.word == "outside_validity"


@pytest.mark.parametrize(("drift", "word"), [(0.01, "good"), (-0.2, "drifting")])
def test_a_sample_that_changed_meanwhile_blocks_good(drift: float, word: str) -> None:
    assert fit_arrhenius(KELVIN, arrhenius_mobility(), relative_drift=drift).verdict.word == word


def test_a_shift_that_is_sure_but_tiny_names_no_temperature() -> None:
    mobility = arrhenius_mobility()
    mobility[0] *= 1.001
    assert fit_arrhenius(KELVIN, mobility, 1e-5 * mobility).verdict.word != "undecided"
