"""Mobility models against their printed formulas."""

import math

import numpy as np
import pytest

from analysis.constants import BOLTZMANN_CONSTANT, ELEMENTARY_CHARGE, electronvolt
from analysis.drift_diffusion import EGDM, ConstantMobility, PooleFrenkelMobility

TEMPERATURE = 290.0


def model(reduced_disorder=4.0, **changes):
    arguments = {
        "disorder_width": reduced_disorder * BOLTZMANN_CONSTANT * TEMPERATURE,
        "hopping_distance": 2e-9,
        "mobility_prefactor": 1e-7,
    }
    return EGDM(**{**arguments, **changes})


def test_mobility_of_an_empty_film_at_rest_is_the_prefactor_times_the_gaussian_factor():
    found = model().mobility(0.0, 0.0, TEMPERATURE)
    assert found == pytest.approx(1e-7 * math.exp(-0.42 * 16), rel=1e-12)


def test_density_factor_is_pasveers():
    """At s = 4: exp[6 (2c)^delta] with delta = 2 [ln 12 - ln(ln 4)]/16."""
    delta = 2 * (math.log(12) - math.log(math.log(4))) / 16
    density = 0.01 / (2e-9) ** 3
    found = model().mobility(density, 0.0, TEMPERATURE) / model().mobility(0.0, 0.0, TEMPERATURE)
    assert found == pytest.approx(math.exp(6 * 0.02**delta), rel=1e-12)


def test_field_factor_is_pasveers_with_the_one_outside_the_root():
    """At s = 4 and e E a = sigma: exp{0.44 (8 - 2.2) [sqrt(1.8) - 1]}."""
    field = 4 * BOLTZMANN_CONSTANT * TEMPERATURE / (ELEMENTARY_CHARGE * 2e-9)
    found = model().mobility(0.0, field, TEMPERATURE) / model().mobility(0.0, 0.0, TEMPERATURE)
    assert found == pytest.approx(math.exp(0.44 * 5.8 * (math.sqrt(1.8) - 1)), rel=1e-12)


def test_caps_stop_the_growth():
    capped, free = model(), model(reduced_field_cap=None, density_cap=None)
    sites = capped.site_density
    assert capped.mobility(0.3 * sites, 0.0, TEMPERATURE) == capped.mobility(0.1 * sites, 0.0, TEMPERATURE)
    assert free.mobility(0.3 * sites, 0.0, TEMPERATURE) > free.mobility(0.1 * sites, 0.0, TEMPERATURE)
    assert capped.mobility(0.0, 1e10, TEMPERATURE) == capped.mobility(0.0, 2e10, TEMPERATURE)


def test_felekidis_prefactor_is_attempt_rate_times_distance_squared_over_width_in_electronvolt():
    """c1 nu0 a²/sigma: 0.87 4.22e9 (1.75e-9)²/0.0922 = 1.219e-7 m²/Vs."""
    found = EGDM.from_felekidis(
        disorder_width=0.0922 * electronvolt, hopping_distance=1.75e-9, attempt_rate=4.22e9, c1=0.87
    )
    assert found.mobility_prefactor == pytest.approx(1.21949e-7, rel=1e-5)
    assert found.zero_density_coefficient == 0.44
    assert found.density_cap is None


def test_mobility_takes_arrays_of_density_and_field():
    found = model().mobility(np.array([0.0, 1e24]), np.array([[0.0], [1e7]]), TEMPERATURE)
    assert found.shape == (2, 2)
    assert np.all(np.diff(found, axis=0) > 0)
    assert np.all(np.diff(found, axis=1) > 0)


def test_poole_frenkel_mobility_rises_with_the_root_of_the_field():
    found = PooleFrenkelMobility(zero_field_mobility=1e-10, field_coefficient=4e-4)
    assert found.mobility(0.0, 1e8, 300.0) == pytest.approx(1e-10 * math.exp(4.0))


def test_constant_mobility_is_constant():
    assert ConstantMobility(value=2e-9).mobility(1e24, 1e8, 250.0) == pytest.approx(2e-9)


@pytest.mark.parametrize("name", ["disorder_width", "hopping_distance", "mobility_prefactor", "density_cap"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_numbers_that_cannot_be_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        model(**{name: value})


def test_too_little_disorder_is_refused():
    with pytest.raises(ValueError, match=r"1\.50 kT"):
        model(reduced_disorder=1.5).law(TEMPERATURE)
