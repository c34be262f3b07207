"""The drift-or-effective verdict: a conclusion only where every assumption agrees."""

import json

import pytest

from analysis.estimate import Estimate, Verdict
from analysis.trapping import compare_mobilities

# 49.6 µs at 4 V means 9.1e-11 m²/Vs over 95 nm with V - 2 V, 3.6e-12 over 30 nm with V and front 0.786
DELAY = Estimate(value=49.6e-6, standard_error=0.5e-6, confidence_interval=(48.6e-6, 50.6e-6))


def mobility(value: float) -> Estimate:
    return Estimate(value=value, standard_error=0.03 * value)


def test_the_papers_numbers_are_undecided_over_all_assumptions() -> None:
    found = compare_mobilities(DELAY, 4.0, mobility(4.4e-11))
    assert found.conclusion == "undecided" and found.verdict.word == "undecided"
    assert len(found.assumed) == 12
    low, high = found.ratio_range
    assert low == pytest.approx(0.786 * (30e-9) ** 2 / (49.6e-6 * 4) / 4.4e-11, rel=1e-6)
    assert high == pytest.approx((95e-9) ** 2 / (49.6e-6 * 2) / 4.4e-11, rel=1e-6)


def test_a_known_length_and_built_in_voltage_can_show_equal_mobilities() -> None:
    found = compare_mobilities(DELAY, 4.0, mobility(8e-11), lengths=[95e-9], built_in_voltages=[2.0])
    assert found.conclusion == "drift" and found.verdict.is_good


def test_a_space_charge_mobility_far_below_all_transit_mobilities_is_effective() -> None:
    found = compare_mobilities(DELAY, 4.0, mobility(1e-12))
    assert found.conclusion == "effective" and found.verdict.is_good


def test_the_space_charge_mobility_is_taken_at_the_field_of_the_transit() -> None:
    gamma = Estimate(value=3.94e-4, standard_error=0.0)
    found = compare_mobilities(
        DELAY, 4.0, mobility(1e-11), gamma, lengths=[95e-9], built_in_voltages=[2.0], front_factors=[1.0]
    )
    # (2 V / 95 nm)^1/2 = 4588 (V/m)^1/2, exp(3.94e-4 * 4588) = 6.10
    assert found.assumed[0].space_charge_mobility.value == pytest.approx(6.10e-11, rel=2e-3)


def test_a_wide_interval_decides_nothing() -> None:
    vague = Estimate(value=49.6e-6, confidence_interval=(15e-6, 150e-6))
    found = compare_mobilities(vague, 4.0, mobility(8e-11), lengths=[95e-9], built_in_voltages=[2.0])
    assert found.conclusion == "undecided"


def test_a_delay_time_that_is_not_good_passes_its_verdict_on() -> None:
    short = Estimate(value=49.6e-6, verdict=Verdict(word="pulses_too_short", advice="Lengthen them."))
    assert compare_mobilities(short, 4.0, mobility(1e-12)).verdict.word == "pulses_too_short"


def test_a_built_in_voltage_above_the_voltage_is_left_out() -> None:
    assert len(compare_mobilities(DELAY, 1.5, mobility(1e-11)).assumed) == 6
    with pytest.raises(ValueError, match="built_in_voltage"):
        compare_mobilities(DELAY, 1.5, mobility(1e-11), built_in_voltages=[2.0])


def test_a_comparison_is_plain_json() -> None:
    found = compare_mobilities(DELAY, 4.0, mobility(4.4e-11)).to_dict()
    assert json.loads(json.dumps(found))["conclusion"] == "undecided"
    assert len(found["assumed"]) == 12
