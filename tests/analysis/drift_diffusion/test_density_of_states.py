"""The Gaussian density of states against its limits and an independent quadrature."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from analysis.drift_diffusion.density_of_states import occupation_table


def occupied(level, s):
    """Fraction of a Gaussian density of states below the Fermi level, by adaptive quadrature."""

    def density(z):
        return math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / (1 + math.exp(s * z - level))

    edges = np.linspace(-s - 10, 10, 40)
    return sum(quad(density, *pair, epsabs=0, epsrel=1e-13)[0] for pair in pairwise(edges))


def looked_up(table, level):
    return table.values[round((level - table.start) / table.step)]


@pytest.mark.parametrize("s", [1.8, 4.0, 8.0])
@pytest.mark.parametrize("level", [-20.0, -5.0, 0.0, 3.0])
def test_occupation_and_its_slopes_are_the_integrals(s, level):
    value, in_level, in_disorder, _ = looked_up(occupation_table(s), level)
    step = 1e-4
    by_level = (math.log(occupied(level + step, s)) - math.log(occupied(level - step, s))) / (2 * step)
    by_disorder = (math.log(occupied(level, s + step)) - math.log(occupied(level, s - step))) / (2 * step)
    assert value == pytest.approx(math.log(occupied(level, s)), abs=1e-12)
    assert in_level == pytest.approx(by_level, abs=1e-7)
    assert in_disorder == pytest.approx(by_disorder, abs=1e-7)


def test_fermi_level_at_the_centre_fills_half_of_the_states():
    assert looked_up(occupation_table(5.0), 0.0)[0] == pytest.approx(math.log(0.5), abs=1e-13)


def test_deep_levels_follow_boltzmann():
    table = occupation_table(6.0)
    assert table.values[0, 0] == pytest.approx(table.start + 18.0, abs=1e-9)
    assert table.values[0, 1] == pytest.approx(1.0, abs=1e-9)
