"""Many sessions as one summary: outliers, and the spread of each level told from that of the level below."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from analysis.constants import electronvolt
from qdlab.batch import Outcome
from qdlab.batch_tables import summary_tables, write_summary
from qdlab.summary import Group, Summary, summarise

MILLIELECTRONVOLT = electronvolt / 1000


def number(value: float, error: float | None, word: str = "good") -> dict[str, Any]:
    return {"value": value, "standard_error": error, "verdict": {"word": word, "advice": ""}}


def outcome(session: str, device: str, **parameters: dict[str, Any]) -> Outcome:
    """A session in which one device's disorder fit found these parameters."""
    fit = {"parameters": parameters, "verdict": {"word": "good", "advice": ""}}
    found = {"jv": {"disorder": fit, "layers": []}, "tel": [], "drift": None}
    return Outcome(session=Path(session), results={"devices": {device: found}})


def widths(values: Iterable[tuple[str, str, float]], error: float = 0.1) -> Summary:
    """Of (session, device, disorder width in meV), each with the same error."""
    return summarise(
        [
            outcome(
                session, device, disorder_width=number(meV * MILLIELECTRONVOLT, error * MILLIELECTRONVOLT)
            )
            for session, device, meV in values
        ]
    )


def levels(summary: Summary) -> dict[tuple[str, str], Group]:
    return {(group.level, group.name): group for group in summary.groups}


def test_a_value_far_from_all_others_has_a_star() -> None:
    found = [119.0, 119.5, 120.0, 120.5, 121.0, 150.0]
    summary = widths((f"session{index}", "a/b/1", width) for index, width in enumerate(found))
    assert summary.outlying["disorder_width"] == {5}
    console = Console(width=120)
    with console.capture() as capture:
        console.print(*summary_tables(summary))
    assert "150.00(10)*" in capture.get() and "121.00(10)*" not in capture.get()
    assert widths([("s", "a/b/1", width) for width in found[-3:]]).outlying["disorder_width"] == set()


def test_every_value_can_be_told_whose_it_is_on_a_terminal_of_80_columns() -> None:
    session = "20260101T000000Z-Charge-transport-in-blue-quantum-dots"
    names = ("disorder_width", "hopping_distance", "mobility_prefactor")
    values = {name: number(1e-20 * (index + 1), 1e-22) for index, name in enumerate(names)}
    devices = ("a-rather-long-batch-name/substrate-1/pixel-1", "a-rather-long-batch-name/substrate-1/pixel-2")
    summary = summarise([outcome(session, device, **values) for device in devices])
    console = Console(width=80)
    with console.capture() as capture:
        console.print(*summary_tables(summary))
    told = capture.get()
    assert max(map(len, told.splitlines())) <= 80 and "…" not in told
    for place, device in enumerate(devices, start=1):
        rows = [line.split() for line in told.splitlines() if line.split()[:1] == [str(place)]]
        assert rows[0][1] == session[: len(rows[0][1])] and rows[0][2] == device[: len(rows[0][2])]
        assert rows[1][3] == "3.000(10)e-20"


def test_each_level_holds_the_means_of_the_level_below() -> None:
    summary = widths(
        [
            ("day1", "A/1/1", 119.0),
            ("day2", "A/1/1", 121.0),
            ("day1", "A/1/2", 124.0),
            ("day1", "A/2/1", 110.0),
            ("day1", "A/2/2", 114.0),
            ("day1", "B/1/1", 130.0),
        ],
        error=0.01,
    )
    found = levels(summary)
    assert list(found) == [
        ("sessions", "A/1/1"),
        ("pixels", "A/1"),
        ("pixels", "A/2"),
        ("substrates", "A"),
        ("batches", ""),
    ]
    device = found["sessions", "A/1/1"]
    assert device.mean.value / MILLIELECTRONVOLT == pytest.approx(120.0)
    # standard deviation of 119 and 121, less the error of each
    assert device.between[0] == pytest.approx(math.sqrt(2 - 0.01**2))
    substrate = found["pixels", "A/1"].spread
    assert substrate.values / MILLIELECTRONVOLT == pytest.approx([120.0, 124.0])
    assert substrate.standard_errors / MILLIELECTRONVOLT == pytest.approx([1.0, 0.01], rel=1e-3)
    assert len(found["batches", ""].spread) == 2


def test_scatter_from_day_to_day_is_not_taken_for_spread_between_pixels() -> None:
    """Pixels that are equal, each measured on 40 days that scatter: the days spread, the pixels not."""
    chance = np.random.default_rng(3)
    summary = widths(
        (f"day{day}", f"A/1/{pixel}", 120 + 2 * chance.standard_normal())
        for pixel in range(4)
        for day in range(40)
    )
    found = levels(summary)
    days = [found["sessions", f"A/1/{pixel}"].between[0] for pixel in range(4)]
    assert days == pytest.approx([2.0] * 4, rel=0.3)
    _, low, high = found["pixels", "A/1"].between
    assert low == 0.0 and high < 2.0


def test_mobilities_spread_by_factors() -> None:
    found = [1e-12, 2e-12, 4e-12]
    summary = summarise(
        [
            outcome("s", f"A/1/{index}", mobility_prefactor=number(mu, mu / 1000))
            for index, mu in enumerate(found)
        ]
    )
    (group,) = summary.groups
    assert group.mean.value == pytest.approx(2e-12)
    assert group.between[0] == pytest.approx(2.0, rel=1e-3)
    assert group.texts()[3].startswith("×/÷ 2.00 (")


def test_what_is_no_number_is_left_out_of_the_means_and_counted() -> None:
    summary = summarise(
        [
            outcome("a", "A/1/1", hopping_distance=number(2e-9, 1e-11)),
            outcome("b", "A/1/1", hopping_distance=number(3e-9, 1e-9, "not_identifiable")),
            outcome("c", "A/1/1", hopping_distance=number(3e-9, None)),
            outcome("f", "A/1/1", hopping_distance=number(3e-9, 1e-11, "pulses_too_short")),
            outcome("d", "A/1/1", hopping_distance=number(2.2e-9, 1e-11)),
            Outcome(session=Path("e"), results=None, problem="torn"),
        ]
    )
    (group,) = summary.groups
    assert group.spread.values.tolist() == [2e-9, 2.2e-9]
    assert summary.left_out == {"hopping_distance": 3}
    assert [row.problem for row in summary.rows] == ["", "", "", "", "", "torn"]


def test_a_name_without_substrate_is_compared_with_the_batches_only() -> None:
    found = levels(widths([("s", "film", 120.0), ("s", "A/1/1", 121.0), ("t", "film", 120.5)]))
    assert list(found) == [("sessions", "film"), ("batches", "")]


def test_mobilities_are_compared_at_the_temperature_that_most_devices_share() -> None:
    def device(*temperatures: float) -> Outcome:
        curves = [
            {"temperature": kelvin, "zero_field_mobility": number(kelvin * 1e-13, 1e-14)}
            for kelvin in temperatures
        ]
        layer = {"curves": curves, "arrhenius": {"activation_energy": number(math.nan, None)}}
        layer["arrhenius"]["activation_energy"]["value"] = None
        found = {"jv": {"disorder": None, "layers": [layer]}, "tel": [], "drift": None}
        return Outcome(session=Path("s"), results={"devices": {"A/1/1": found}})

    summary = summarise([device(217.0, 296.9, 297.2), device(297.1), device(310.0)])
    assert [quantity.symbol for quantity in summary.quantities] == ["μ(0), 297 K"]
    shown = [row.values.get("zero_field_mobility") for row in summary.rows]
    assert [None if one is None else one.value for one in shown] == [296.9 * 1e-13, 297.1 * 1e-13, None]


def test_no_cell_of_a_summary_is_a_formula(tmp_path: Path) -> None:
    write_summary(
        summarise([Outcome(session=Path("=1+1"), results=None, problem="@SUM(A1)")]), tmp_path / "s.csv"
    )
    assert (tmp_path / "s.csv").read_text(encoding="utf-8").splitlines()[1] == "'=1+1,,failed,'@SUM(A1)"
