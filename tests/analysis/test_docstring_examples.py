"""Every example in a docstring of the analysis runs."""

import doctest
import importlib

import pytest

MODULES = (
    "analysis.arrhenius",
    "analysis.space_charge.laws",
    "analysis.straight_line",
    "analysis.transit.delay",
    "analysis.transit.mobility",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.attempted > 0 and outcome.failed == 0
