"""The temperature strip of a night: bounded, and with every spike in it."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qdlab.live.strip import PER_STRETCH, RECENT, STRETCHES, Reading, Strip, thinned_out

DAY = 43_200  # readings, one every two seconds


def reading(number: int) -> Reading:
    """A slow swing; a spike of a single reading in every quantity, each at a time of its own."""
    kelvin = 297.0 - 40.0 * math.sin(number / 5000)
    spike = {111: "stage", 20_002: "sample", 30_003: "heater", 40_004: "setpoint"}.get(number)
    calm = Reading(2.0 * number, kelvin, kelvin + 0.02, math.nan, 0.4)
    return calm if spike is None else calm._replace(**{spike: 999.0})


def strip_of(readings: int) -> list[Strip]:
    strips = [Strip()]
    for number in range(readings):
        strips.append(strips[-1].appended(reading(number)))
    return strips


def test_a_day_takes_no_more_room_than_its_first_hours_and_the_last_hour_is_there_in_full() -> None:
    sizes = [len(strip) for strip in strip_of(DAY)]
    assert max(sizes) <= 2 * RECENT + STRETCHES * PER_STRETCH
    assert max(sizes[DAY // 2 :]) <= 1.1 * max(sizes[DAY // 4 : DAY // 2])
    last = strip_of(DAY)[-1].columns()
    assert last[0, -1800:].tolist() == [2.0 * number for number in range(DAY - 1800, DAY)]


def test_a_spike_of_a_single_reading_is_still_there_a_day_later_and_nothing_that_was_not_read() -> None:
    time, setpoint, stage, sample, heater = strip_of(DAY)[-1].columns()
    assert [time[values == 999.0].tolist() for values in (stage, sample, heater, setpoint)] == [
        [222.0],
        [40_004.0],
        [60_006.0],
        [80_008.0],
    ]
    read = [reading(round(at / 2.0)) for at in time]
    assert np.array_equal(np.array(read).T, [time, setpoint, stage, sample, heater], equal_nan=True)
    assert np.all(np.diff(time) > 0) and time[0] == 0.0


def test_every_hour_keeps_its_lowest_and_highest_value() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(297.0, 1.0, DAY)
    strip = Strip()
    for number, kelvin in enumerate(values.tolist()):
        strip = strip.appended(Reading(2.0 * number, 297.0, kelvin, math.nan, 0.4))
    time, _, stage, _, _ = strip.columns()
    for hour in range(24):
        recorded = values[hour * 1800 : (hour + 1) * 1800]
        # stretches are powers of two long, and one of them may lie across the end of an hour
        shown = stage[(time >= 3600 * hour - 256) & (time < 3600 * (hour + 1) + 256)]
        assert shown.max() >= recorded.max() and shown.min() <= recorded.min()


def test_an_earlier_strip_keeps_its_readings_when_a_later_one_is_thinned_out() -> None:
    strips = strip_of(2 * RECENT + 10)
    before = strips[RECENT]
    assert before.columns()[0].tolist() == [2.0 * number for number in range(RECENT)]
    again = strips[2 * RECENT - 1].appended(reading(2 * RECENT - 1))
    assert again == strips[2 * RECENT]


@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), st.one_of(st.floats(4, 400), st.just(math.nan))), min_size=1, max_size=60
    )
)
@settings(max_examples=50, deadline=None)
def test_whatever_the_clock_does_the_extremes_are_kept_in_the_order_they_came(
    told: list[tuple[float, float]],
) -> None:
    readings = [Reading(time, 297.0, kelvin, math.nan, 0.0) for time, kelvin in told]
    kept = thinned_out(readings)
    places = [next(n for n, one in enumerate(readings) if one is found) for found in kept]
    assert places == sorted(places)
    finite = [one.stage for one in readings if math.isfinite(one.stage)]
    shown = [one.stage for one in kept if math.isfinite(one.stage)]
    assert (max(shown, default=None), min(shown, default=None)) == (
        max(finite, default=None),
        min(finite, default=None),
    )
