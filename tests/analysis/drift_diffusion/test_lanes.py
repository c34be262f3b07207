"""Eight numbers computed with as one: its functions against NumPy's."""

import math

import numpy as np
import pytest
from numba import njit

from analysis.drift_diffusion.lanes import WIDTH, exp, in_lanes, log, where


@njit
def both(numbers, exponentials, logarithms):
    x, exponential, logarithm = in_lanes(numbers), in_lanes(exponentials), in_lanes(logarithms)
    for i in range(len(x)):
        exponential[i] = exp(x[i])
        logarithm[i] = where(x[i] > 0.0, log(abs(x[i])), math.nan)


def exponential_and_logarithm(numbers):
    lanes = np.resize(np.asarray(numbers, dtype=float), (-(-len(numbers) // WIDTH), WIDTH))
    found = np.empty((2, *lanes.shape))
    both(lanes, *found)
    return found.reshape(2, -1)[:, : len(numbers)]


def test_exponential_and_logarithm_are_good_to_the_last_digit_but_one():
    numbers = np.concatenate([np.linspace(-707, 709, 5000), np.geomspace(1e-300, 700, 3000)])
    exponential, logarithm = exponential_and_logarithm(numbers)
    np.testing.assert_allclose(exponential, np.exp(numbers), rtol=5e-16)
    positive = numbers > 0
    np.testing.assert_allclose(
        logarithm[positive], np.log(numbers[positive]), rtol=5e-16, atol=np.finfo(float).eps
    )
    assert np.all(np.isnan(logarithm[~positive]))


@pytest.mark.parametrize(
    ("number", "expected"), [(-1000.0, 0.0), (-math.inf, 0.0), (math.nan, math.nan), (0.0, 1.0)]
)
def test_exponential_vanishes_far_below_and_keeps_what_is_no_number(number, expected):
    beside = np.full(WIDTH, 1.0)
    beside[3] = number
    exponential, _ = exponential_and_logarithm(beside)
    assert exponential[3] == pytest.approx(expected, nan_ok=True)
    np.testing.assert_allclose(np.delete(exponential, 3), math.e, rtol=5e-16)
