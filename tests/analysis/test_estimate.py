import math

import pytest

from analysis.estimate import Estimate, Verdict, format_with_uncertainty


@pytest.mark.parametrize(
    ("value", "standard_error", "shown"),
    [
        (4.42e-11, 1.3e-12, "4.42(13)e-11"),
        (0.3, 0.012, "0.300(12)"),
        (100.0, 23.0, "100(23)"),
        (12345.0, 1200.0, "1.23(12)e+04"),
        (0.0995, 0.00099, "0.09950(99)"),
        (9.996, 0.0996, "10.00(10)"),
        (5.0, None, "5"),
        (math.nan, 1.0, "-"),
    ],
)
def test_a_value_is_rounded_by_its_standard_error(value: float, standard_error: float, shown: str) -> None:
    assert format_with_uncertainty(value, standard_error) == shown


def test_another_unit_scales_the_value_and_every_uncertainty() -> None:
    energy = Estimate(
        value=2.0,
        standard_error=0.1,
        systematic_error=0.2,
        model_range=(1.0, 3.0),
        confidence_interval=(1.5, 2.5),
    )
    assert energy.scaled(-10) == Estimate(
        value=-20.0,
        standard_error=1.0,
        systematic_error=2.0,
        model_range=(-30.0, -10.0),
        confidence_interval=(-25.0, -15.0),
    )


def test_what_is_not_finite_becomes_null_in_json() -> None:
    unbounded = Estimate(value=math.nan, confidence_interval=(0.0, math.inf))
    document = unbounded.to_dict()
    assert document["value"] is None
    assert document["confidence_interval"] == [0.0, None]
    assert document["verdict"] == {"word": "good", "advice": ""}


def test_a_negative_uncertainty_is_refused() -> None:
    with pytest.raises(ValueError, match="standard_error -1"):
        Estimate(value=1.0, standard_error=-1)


def test_a_word_that_is_no_verdict_is_refused() -> None:
    with pytest.raises(ValueError, match="excellent"):
        Verdict(word="excellent")  # type: ignore[arg-type]
