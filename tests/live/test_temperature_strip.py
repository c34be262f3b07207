"""Where a temperature is on its way, told from telemetry and from what the run calls stable."""

import math
from collections.abc import Iterable

import pytest

from procedures import columns
from procedures.temperature_sweep import StabilityRule
from qdlab.events import JournalEntry, TelemetryRecorded
from qdlab.live.temperature import TemperatureScreen, fold

RULE = StabilityRule(tolerance=0.1, window=60.0, soak=120.0)


def reading(time: float, setpoint: float, stage: float) -> TelemetryRecorded:
    values = {
        columns.TEMPERATURE_SETPOINT: setpoint,
        columns.STAGE_TEMPERATURE: stage,
        columns.SAMPLE_TEMPERATURE: stage + 0.02,
        columns.HEATER_OUTPUT: 0.4,
    }
    return TelemetryRecorded(sequence=1, time=time, utc="", values=values, flags=frozenset())


def stable(time: float) -> JournalEntry:
    text = "stable at 277 K"
    return JournalEntry(sequence=2, time=time, utc="", level="state", text=text, details={})


def after(events: Iterable[TelemetryRecorded | JournalEntry]) -> TemperatureScreen:
    screen = TemperatureScreen(rule=RULE)
    for event in events:
        screen = fold(screen, event)
    return screen


RAMP = [reading(10.0 * n, 297.0 - n, 297.2 - n) for n in range(21)]
ARRIVAL = [reading(210.0, 277.0, 277.3), reading(220.0, 277.0, 277.05)]
REST = [reading(230.0 + 10 * n, 277.0, 277.01) for n in range(17)]


def test_a_setpoint_on_the_move_is_a_ramp_and_one_at_rest_is_settled_into() -> None:
    assert after(RAMP).state == "ramping"
    assert after([*RAMP, ARRIVAL[0]]).state == "settling"
    assert math.isnan(after([*RAMP, ARRIVAL[0]]).remaining)


def test_the_countdown_runs_from_the_arrival_in_the_band_through_window_and_soak() -> None:
    arrived = after([*RAMP, *ARRIVAL])
    assert (arrived.state, arrived.remaining) == ("settling", 180.0)
    later = after([*RAMP, *ARRIVAL, *REST[:7]])
    assert later.state == "soaking"
    assert later.remaining == pytest.approx(180.0 - 70.0)


def test_readings_and_countdown_come_first_where_room_is_short() -> None:
    words = after([*RAMP, *ARRIVAL]).words
    assert words.startswith("stage 277.05 K, set 277.00 K, ≥ 180 s to go, heater")


def test_leaving_the_band_starts_the_countdown_again() -> None:
    screen = after([*RAMP, *ARRIVAL, *REST, reading(400.0, 277.0, 277.5), reading(410.0, 277.0, 277.0)])
    assert (screen.state, screen.remaining) == ("settling", 180.0)


def test_stable_is_what_the_run_says_and_lost_is_leaving_the_band_afterwards() -> None:
    there = [*RAMP, *ARRIVAL, *REST, stable(391.0)]
    assert after(there).state == "STABLE"
    assert after([*there, reading(400.0, 277.0, 277.4)]).state == "LOST"
    assert after([*there, reading(400.0, 276.0, 277.0)]).state == "ramping"


def test_the_words_tell_drift_and_readings_with_their_units() -> None:
    words = after(RAMP).words
    assert "stage 277.20 K" in words and "sample 277.22 K" in words and "-6.00 K/min" in words


def test_readings_at_one_moment_tell_no_drift() -> None:
    words = after([reading(10.0, 297.0, 297.0)] * 3).words
    assert "stage 297.00 K" in words and "K/min" not in words
