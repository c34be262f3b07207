"""Murgatroyd's and Gill's laws against curves made by them, and against published fits of real curves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.curves import JVCurve
from analysis.published import felekidis2018
from analysis.space_charge import fit_murgatroyd, murgatroyd_current_density

ELECTRONVOLT = 1.602176634e-19
KT = 8.617333262e-5  # eV/K
KELVIN = (200.0, 230.0, 260.0, 290.0)
WIDTH, PREFACTOR, GILL, GILL_KELVIN, BUILT_IN = 0.09, 2e-7, 2.5e-5, 400.0, 0.2
VOLTAGE = np.geomspace(1.0, 8.0, 40)


def series(noise: float = 0.0) -> list[JVCurve]:
    generator = np.random.default_rng(3)
    curves = []
    for kelvin in KELVIN:
        mobility = PREFACTOR * np.exp(-((2 * WIDTH / (3 * KT * kelvin)) ** 2))
        gamma = GILL * (1 / (KT * kelvin) - 1 / (KT * GILL_KELVIN))
        current = murgatroyd_current_density(VOLTAGE - BUILT_IN, mobility, gamma, 100e-9, 3.0)
        curves.append(
            JVCurve(
                voltage=VOLTAGE,
                current_density=current * np.exp(generator.normal(0, noise, len(VOLTAGE))),
                temperature=kelvin,
                thickness=100e-9,
                relative_permittivity=3.0,
            )
        )
    return curves


@pytest.mark.parametrize("constrained", [False, True])
def test_every_constant_comes_back(constrained: bool) -> None:
    fit = fit_murgatroyd(series(), constrained=constrained)
    assert fit.built_in_voltage.value == pytest.approx(BUILT_IN, abs=1e-4)
    assert fit.disorder_width.value / ELECTRONVOLT == pytest.approx(WIDTH, rel=1e-4)
    assert fit.gaussian_prefactor.value == pytest.approx(PREFACTOR, rel=1e-3)
    assert fit.gill_coefficient.value / ELECTRONVOLT == pytest.approx(GILL, rel=1e-3)
    assert fit.gill_temperature.value == pytest.approx(GILL_KELVIN, rel=1e-3)
    assert fit.verdict.is_good


@pytest.mark.parametrize("constrained", [False, True])
def test_constants_of_noisy_curves_lie_within_four_standard_errors(constrained: bool) -> None:
    fit = fit_murgatroyd(series(noise=0.01), constrained=constrained)
    for found, truth in (
        (fit.disorder_width, WIDTH * ELECTRONVOLT),
        (fit.gaussian_prefactor, PREFACTOR),
        (fit.gill_coefficient, GILL * ELECTRONVOLT),
        (fit.built_in_voltage, BUILT_IN),
    ):
        assert abs(found.value - truth) < 4 * found.standard_error


def test_two_temperatures_give_mobilities_but_no_laws() -> None:
    fit = fit_murgatroyd(series()[:2])
    assert np.isfinite(fit.zero_field_mobility[0].value)
    assert fit.disorder_width.verdict.word == "too_few_points"
    assert fit_murgatroyd(series()[:2], constrained=True).verdict.word == "too_few_points"


def test_curves_without_points_are_a_verdict() -> None:
    assert fit_murgatroyd([]).verdict.word == "too_few_points"


@pytest.mark.parametrize("built_in_voltage", [None, 0.0])
@pytest.mark.parametrize(
    "voltage",
    [[5.0] * 4, [5.0, 5.001, 4.999, 5.0005], [2.0, 5.0, 5.0, 2.0], [2.0, 3.0, 5.0, 5.0]],
    ids=["one", "one as measured", "two", "three"],
)
def test_four_readings_at_fewer_voltages_are_a_verdict(
    voltage: list[float], built_in_voltage: float | None
) -> None:
    """Mobility, field coefficient and built-in voltage are not in them; one voltage gave 0 / 0."""
    curves = [
        replace(curve, voltage=np.array(voltage), current_density=np.array(voltage) ** 2, flags=())
        for curve in series()
    ]
    used = [np.ones(4, dtype=bool)] * len(curves)
    for constrained in (False, True):
        fit = fit_murgatroyd(curves, used=used, built_in_voltage=built_in_voltage, constrained=constrained)
        assert fit.verdict.word == "too_few_points" and "four voltages" in fit.verdict.advice
        assert np.isnan(fit.zero_field_mobility[0].value)


def test_a_law_that_misses_the_curves_is_not_good() -> None:
    curves = [
        JVCurve(
            voltage=one.voltage,
            current_density=one.current_density * np.where(VOLTAGE > 3, 3.0, 1.0),
            temperature=one.temperature,
            thickness=one.thickness,
            relative_permittivity=3.0,
        )
        for one in series()
    ]
    assert fit_murgatroyd(curves).verdict.word == "not_straight"


def test_published_numbers_come_back_within_two_percent_under_the_published_selection(
    measured_data: Path,
) -> None:
    published = felekidis2018.TQ1_PC71BM
    curves = []
    for kelvin in published.temperatures:
        table = np.loadtxt(measured_data / f"HOMO_TQ1-PCBM71_1-1_110nm_{kelvin:.0f}K.txt")
        curves.append(
            JVCurve(
                voltage=table[:, 0],
                current_density=10 * table[:, 1],
                temperature=kelvin,
                thickness=published.thickness,
                relative_permittivity=felekidis2018.RELATIVE_PERMITTIVITY,
            )
        )
    fit = fit_murgatroyd(curves, selection=felekidis2018.ANALYTICAL_SELECTION)
    assert fit.disorder_width.value == pytest.approx(published.murgatroyd_disorder_width, rel=0.02)
    assert fit.gaussian_prefactor.value == pytest.approx(published.gaussian_prefactor, rel=0.02)
    assert fit.built_in_voltage.value == pytest.approx(published.built_in_voltage, rel=0.02)
    assert fit.gill_coefficient.value == pytest.approx(published.gill_coefficient, rel=0.02)
    assert fit.gill_temperature.value == pytest.approx(published.gill_temperature, rel=0.02)
