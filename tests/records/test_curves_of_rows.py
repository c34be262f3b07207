import math

import pytest

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


def light(
    width: float, current: float, *, kind: float = 0.0, error: float = 2e-12, temperature: float = 297.0
) -> RowRecorded:
    values = {
        columns.PULSE_AMPLITUDE: 5.0,
        columns.PULSE_WIDTH: width,
        columns.LIGHT_CURRENT: current,
        columns.LIGHT_CURRENT_ERROR: error,
        columns.BACKGROUND_CURRENT: 7e-11,
        columns.POINT_KIND: kind,
        columns.SAMPLE_TEMPERATURE: temperature,
    }
    return RowRecorded(
        run="0001", sequence=2, time=1.0, utc="2026-01-01T00:00:00Z", values=values, flags=frozenset()
    )


def test_the_background_a_procedure_has_subtracted_is_not_subtracted_again() -> None:
    (series,) = tel_series_of_rows(STARTED, [light(1e-5, 1e-9), light(2e-5, 3e-9)])
    assert series.light_current.tolist() == [1e-9, 3e-9]


def test_repeats_become_their_mean_with_its_standard_error() -> None:
    (series,) = tel_series_of_rows(STARTED, [light(1e-5, 1e-9), light(1e-5, 2e-9)])
    assert series.light_current.tolist() == pytest.approx([1.5e-9])
    assert series.light_current_error is not None
    assert series.light_current_error.tolist() == pytest.approx([2e-12 / 2**0.5])


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
