"""Adaptive TEL series: stopping at a precision, choosing the next width, and what intervals then hold."""

import numpy as np
import pytest

from qdlab.adaptive import DelayTimeKnown, ShortensInterval, fit_measured

DELAY = 20e-6
WIDTHS = [10e-6, 20e-6, 40e-6, 60e-6, 80e-6, 100e-6, 120e-6]


def light(width: float, noise: float, generator: np.random.Generator) -> tuple[float, float, float]:
    """One reading of a sharp onset at 20 µs, 1 nA at 100 µs beyond it."""
    clean = 1e-9 * max(width - DELAY, 0.0) / 100e-6
    return width, clean + noise * generator.standard_normal(), noise


def passes(count: int, noise: float, seed: int = 1) -> list[tuple[float, float, float]]:
    generator = np.random.default_rng(seed)
    return [light(width, noise, generator) for _ in range(count) for width in WIDTHS]


def test_a_series_counts_as_known_only_at_the_asked_precision() -> None:
    measured = passes(4, 2e-12)
    assert DelayTimeKnown(2e-6)(measured)
    assert not DelayTimeKnown(1e-8)(measured)


def test_a_delay_time_is_never_known_better_than_the_dark_reading_lets_it_be() -> None:
    # no pulse before the delay shows the background
    measured = [reading for reading in passes(12, 2e-12) if reading[0] > DELAY]
    # an offset of 5 pA common to all moves the crossing by 5 pA / (1 nA / 100 µs) = 0.5 µs, readings or not
    with_dark = [(*reading, 5e-12) for reading in measured]
    assert DelayTimeKnown(9e-7)(measured)
    assert not DelayTimeKnown(9e-7)(with_dark)
    assert DelayTimeKnown(2e-6)(with_dark)


def test_a_series_whose_pulses_are_too_short_is_never_known() -> None:
    short = [reading for reading in passes(4, 1e-12) if reading[0] <= 40e-6]
    assert not DelayTimeKnown(1.0)(short)


def test_the_next_width_is_an_end_of_the_straight_part() -> None:
    choose = ShortensInterval(WIDTHS)
    measured = passes(1, 2e-12)
    chosen = []
    generator = np.random.default_rng(2)
    for _ in range(10):
        width = choose(measured)
        assert width is not None and width >= 2 * DELAY
        chosen.append(width)
        measured.append(light(width, 2e-12, generator))
    assert set(chosen) <= {40e-6, 60e-6, 120e-6}
    assert 40e-6 in chosen and 120e-6 in chosen


def test_without_a_straight_part_the_least_measured_width_is_next() -> None:
    choose = ShortensInterval([10e-6, 20e-6])
    generator = np.random.default_rng(3)
    measured = [light(width, 1e-12, generator) for width in (10e-6, 20e-6, 20e-6)]
    assert choose(measured) == 10e-6


@pytest.mark.parametrize("adaptive", [False, True])
def test_intervals_of_series_that_ended_early_still_hold_the_truth(adaptive: bool) -> None:
    trials, held, ended = 20, 0, 0
    for seed in range(trials):
        generator = np.random.default_rng(100 + seed)
        choose, known = ShortensInterval(WIDTHS), DelayTimeKnown(8e-7)
        measured = [light(width, 4e-12, generator) for _ in range(3) for width in WIDTHS]
        while not known(measured) and len(measured) < 80:
            width = choose(measured) if adaptive else WIDTHS[len(measured) % len(WIDTHS)]
            assert width is not None
            measured.append(light(width, 4e-12, generator))
        ended += len(measured) < 80
        low, high = interval(measured)
        held += low <= DELAY <= high
    assert ended > trials / 2
    assert held / trials >= 0.9


def interval(measured: list[tuple[float, float, float]]) -> tuple[float, float]:
    found = fit_measured(measured).delay_time.confidence_interval
    assert found is not None
    return found
