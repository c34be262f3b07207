"""Declared parameters: printed in full, read back by PyMeasure, refused where they make no sense."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
from pymeasure.experiment import Results

from procedures.base import BenchProcedure, Choice, Count, Quantity, QuantityList, Switch
from procedures.conditioning import Conditioning
from procedures.jv_sweep import JVSweep
from procedures.pixel_check import PixelCheck
from procedures.points import logarithmic_points, shuffled
from procedures.tel_series import TELSeriesMeasurement

PROCEDURES = (JVSweep, TELSeriesMeasurement, PixelCheck, Conditioning)


class Example(BenchProcedure):
    """Every kind of parameter."""

    kind = "example"
    file_name = "Example"
    DATA_COLUMNS = ["Voltage (V)"]

    width = Quantity("Width", "s", default=1e-6, above=0.0)
    optional = Quantity("Optional", "A")
    widths = QuantityList("Widths", "s", default=(1e-6, 2e-6))
    count = Count("Count", default=3, minimum=1)
    switch = Switch("Switch", default=True)
    choice = Choice("Choice", ("up", "down"), default="up")


def test_numbers_are_printed_with_every_digit() -> None:
    example = Example()
    example.set_parameters({"width": 1.234567890123e-07, "widths": [0.1 + 0.2]})
    assert example.header_parameters() == {
        "Width": "1.234567890123e-07 s",
        "Optional": "none",
        "Widths": "[0.30000000000000004] s",
        "Count": "3",
        "Switch": "True",
        "Choice": "up",
    }


def test_pymeasure_reads_back_what_was_printed(tmp_path: Path) -> None:
    example = Example()
    values = {
        "width": 1.234567890123e-07,
        "widths": (3e-6, 1e-3),
        "count": 7,
        "switch": False,
        "choice": "down",
    }
    example.set_parameters(values)
    path = tmp_path / "run.csv"
    header = ["#Procedure: <Example>", "#Parameters:"]
    header += [f"#\t{name}: {text}" for name, text in example.header_parameters().items()]
    path.write_text("\n".join([*header, "#Data:", "Voltage (V)", "1.0", ""]), encoding="utf-8")
    loaded = Results.load(str(path), procedure_class=Example).procedure
    assert {name: getattr(loaded, name) for name in values} == values
    assert loaded.optional is None


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -1.0, "wide"])
def test_a_value_that_cannot_be_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        Example().set_parameters({"width": value})


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_procedures_are_built_without_arguments_and_say_what_they_are(
    procedure: type[BenchProcedure],
) -> None:
    built = procedure()
    assert built.kind and built.file_name and built.roles
    assert built.source in built.roles
    assert built.result_column in built.DATA_COLUMNS
    assert procedure.__doc__
    names = [parameter.name for parameter in procedure.declared_parameters().values()]
    assert len(set(names)) == len(names)


def test_a_shuffled_order_is_fixed_by_its_seed() -> None:
    points = [float(index) for index in range(20)]
    assert shuffled(points, seed=4) == shuffled(points, seed=4)
    assert shuffled(points, seed=4) != shuffled(points, seed=5)
    assert sorted(shuffled(points, seed=4)) == points


def test_logarithmic_points_have_equal_ratios_and_both_ends() -> None:
    points = logarithmic_points(0.05, 7.0, 24)
    assert (points[0], points[-1]) == (0.05, 7.0)
    ratios = [b / a for a, b in pairwise(points)]
    assert max(ratios) == pytest.approx(min(ratios), rel=1e-4)


def test_a_logarithmic_list_through_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="would pass zero"):
        logarithmic_points(-1.0, 1.0, 10)
