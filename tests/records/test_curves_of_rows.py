import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.transit import fit_delay_time
from procedures import columns
from qdlab.events import RowRecorded, RunStarted
from qdlab.records.curves import tel_series_of_rows

STARTED = RunStarted(
    run="0001",
    procedure="TELSeries",
    device="a/b/1",
    parameters={},
    columns=(columns.PULSE_WIDTH, columns.LIGHT_CURRENT),
    sequence=1,
    time=0.0,
)
COMMON = {"dark": columns.DARK_ERROR, "pickup": columns.PICKUP_ERROR}


def light(
    width: float,
    current: float,
    *,
    kind: float = 0.0,
    error: float = 2e-12,
    temperature: float = 297.0,
    run: str = "0001",
    **more: float,
) -> RowRecorded:
    values = {
        columns.PULSE_AMPLITUDE: 5.0,
        columns.PULSE_WIDTH: width,
        columns.LIGHT_CURRENT: current,
        columns.LIGHT_CURRENT_ERROR: error,
        columns.BACKGROUND_CURRENT: 7e-11,
        columns.POINT_KIND: kind,
        columns.SAMPLE_TEMPERATURE: temperature,
        **{COMMON[name]: value for name, value in more.items()},
    }
    return RowRecorded(
        run=run, sequence=2, time=1.0, utc="2026-01-01T00:00:00Z", values=values, flags=frozenset()
    )


def test_the_background_a_procedure_has_subtracted_is_not_subtracted_again() -> None:
    (series,) = tel_series_of_rows(STARTED, [light(1e-5, 1e-9), light(2e-5, 3e-9)])
    assert series.light_current.tolist() == [1e-9, 3e-9]


def test_repeats_become_their_mean_with_its_standard_error() -> None:
    (series,) = tel_series_of_rows(STARTED, [light(1e-5, 1e-9), light(1e-5, 2e-9)])
    assert series.light_current.tolist() == pytest.approx([1.5e-9])
    assert series.light_current_error is not None
    assert series.light_current_error.tolist() == pytest.approx([2e-12 / 2**0.5])


def test_repeats_average_their_own_error_but_not_that_of_what_was_subtracted_from_all_of_them() -> None:
    # 3, 4 and 12 make 13: own, pickup and dark
    repeats = [light(1e-5, 1e-9, error=13e-12, pickup=4e-12, dark=12e-12) for _ in range(9)]
    (series,) = tel_series_of_rows(STARTED, [*repeats, light(2e-5, 3e-9, error=5e-12, dark=3e-12)])
    assert series.light_current_error is not None and series.shared_error is not None
    assert series.light_current_error.tolist() == pytest.approx([math.hypot(3e-12 / 3, 4e-12), 4e-12])
    assert series.shared_error.tolist() == [pytest.approx([12e-12, 3e-12])]


def test_two_parts_of_a_series_bring_the_errors_of_their_own_backgrounds() -> None:
    rows = [light(1e-5, 1e-9, error=5e-12, dark=3e-12, run=run) for run in ("0001", "0002")]
    (series,) = tel_series_of_rows(STARTED, [*rows, light(2e-5, 3e-9, error=5e-12, dark=3e-12)])
    assert series.shared_error is not None
    assert series.shared_error.tolist() == [pytest.approx([1.5e-12, 3e-12]), pytest.approx([1.5e-12, 0.0])]


@pytest.mark.parametrize("more", [{}, {"dark": 0.0, "pickup": 0.0}], ids=["not recorded", "zero"])
def test_a_background_without_error_of_its_own_leaves_the_points_independent(more: dict[str, float]) -> None:
    (series,) = tel_series_of_rows(STARTED, [light(1e-5, 1e-9, **more) for _ in range(4)])
    assert series.shared_error is None
    assert series.total_error is not None
    assert series.total_error.tolist() == pytest.approx([1e-12])


def series_with_background(generator: np.random.Generator) -> list[RowRecorded]:
    """Three repeats of pulses beyond a sharp delay of 20 µs; the dark reading is off by 1 % of the light."""
    widths = np.array([30, 40, 50, 60, 70, 80, 100, 120, 140, 160, 180, 200, 240, 280]) * 1e-6
    clean, own, dark = 1e-9 * (widths - 20e-6) / 260e-6, 3e-12, 1e-11
    subtracted = dark * generator.standard_normal()
    return [
        light(width, current + own * generator.standard_normal() - subtracted, error=total, dark=dark)
        for total in [math.hypot(own, dark)] * 3
        for width, current in zip(widths, clean, strict=True)
    ]


def test_intervals_hold_the_delay_time_where_the_background_is_the_largest_error() -> None:
    """Taken as independent, the dark reading's error left half of the intervals without the truth."""
    generator, held, trials = np.random.default_rng(20261127), 0, 60
    widths: list[float] = []
    for _ in range(trials):
        (series,) = tel_series_of_rows(STARTED, series_with_background(generator))
        delay = fit_delay_time(series).delay_time
        assert delay.confidence_interval is not None
        low, high = delay.confidence_interval
        if delay.verdict.is_good:
            widths.append(high - low)
            held += low <= 20e-6 <= high
    assert len(widths) > trials / 2
    # so few trials know a share of 95 % to 3 %
    assert held / len(widths) >= 0.95 - 0.06
    # nothing that knows the offset of all points to 10 pA can do better than offset / slope to either side
    assert np.median(widths) < 1.5 * 2 * 1.96 * 1e-11 / (1e-9 / 260e-6)


def test_of_repeats_those_that_are_flagged_as_wrong_do_not_count() -> None:
    good, wrong = light(1e-5, 1e-9), replace(light(1e-5, 5e-9), flags=frozenset({"outside-temperature"}))
    clipped = replace(light(2e-5, 3e-9), flags=frozenset({"clipped"}))
    reference = replace(light(2e-5, 9e-9, kind=1.0), flags=frozenset({"zero-check"}))
    (series,) = tel_series_of_rows(STARTED, [good, wrong, clipped, reference])
    assert series.light_current.tolist() == [1e-9, 3e-9]
    assert series.flags == (frozenset(), {"clipped"})
    assert series.reference_light is None


def test_references_backgrounds_and_checks_are_no_points_of_the_series() -> None:
    rows = [light(1e-5, 1e-9), *(light(2e-5, 9e-9, kind=kind) for kind in (1.0, 2.0, 3.0, 4.0))]
    (series,) = tel_series_of_rows(STARTED, rows)
    assert series.pulse_width.tolist() == [1e-5]
    assert series.reference_light is not None and series.reference_light.tolist() == [9e-9]


def test_a_width_that_is_none_is_no_point() -> None:
    rows = [light(0.0, 1e-9), light(-1e-5, 1e-9), light(math.inf, 1e-9), light(2e-5, 3e-9)]
    (series,) = tel_series_of_rows(STARTED, rows)
    assert series.pulse_width.tolist() == [2e-5]


@pytest.mark.parametrize("temperature", [math.nan, 0.0, -1e308])
def test_a_series_on_a_bench_that_measures_no_temperature_is_none(temperature: float) -> None:
    assert tel_series_of_rows(STARTED, [light(1e-5, 1e-9, temperature=temperature)]) == []
