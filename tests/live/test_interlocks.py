"""The interlock bar: words and colours of the same meaning, and what a tripped interlock tells."""

from typing import Any

import pytest

from qdlab.events import JournalEntry, JournalLevel, TelemetryRecorded
from qdlab.live import bench, temperature
from qdlab.live.bench import BenchScreen
from qdlab.live.interlocks import InterlockItem, InterlockScreen, interlocks
from qdlab.live.temperature import TemperatureScreen
from qdlab.protocol import GuardianReport, Health

WELL = Health(guardian=0.1, armed=True, awake=True, free=212e9, envelope={"maximum_voltage": 8.0})
IDENTITIES = {"source_meter": "KEITHLEY,MODEL 2400,1234567,C30", "light_meter": "KEITHLEY,MODEL 6514,1,A"}


def entry(level: JournalLevel, text: str, **details: Any) -> JournalEntry:
    return JournalEntry(
        sequence=1, time=1.0, utc="2026-11-22T12:00:03.250Z", level=level, text=text, details=details
    )


def folded(*entries: JournalEntry) -> BenchScreen:
    screen = bench.initial(IDENTITIES)
    for one in entries:
        screen = bench.fold(screen, one)
    return screen


def shown(screen: BenchScreen | None = None, health: Health | None = WELL, **more: Any) -> InterlockScreen:
    return interlocks(screen or BenchScreen(), TemperatureScreen(), health, **more)


def item(screen: InterlockScreen, name: str) -> InterlockItem:
    return next(one for one in screen.items if one.name == name)


@pytest.mark.parametrize(
    ("name", "change", "kind", "words"),
    [
        ("envelope", {}, "good", "8 V"),
        ("heartbeat", {}, "good", "armed"),
        ("heartbeat", {"armed": False}, "good", "stands by"),
        ("heartbeat", {"guardian": 1.5}, "alarm", "silent for 1.5 s"),
        ("disk", {}, "good", "212 GB free"),
        ("disk", {"free": 9e8}, "active", "900 MB free"),
        ("disk", {"free": 5e6}, "alarm", "5 MB free"),
        ("disk", {"free": None}, "idle", "not recording"),
        ("sleep", {}, "good", "kept awake"),
        ("sleep", {"awake": False}, "active", "may fall asleep"),
        ("sleep", {"awake": None}, "idle", "no plan runs"),
    ],
)
def test_each_interlock_says_how_it_is(name: str, change: dict[str, Any], kind: str, words: str) -> None:
    found = item(shown(health=Health(**{**vars(WELL), **change})), name)
    assert (found.kind, found.words) == (kind, words)


def test_without_a_runner_nothing_is_claimed() -> None:
    assert {one.kind for one in shown(health=None).items} == {"idle"}


def test_the_temperature_is_that_of_the_stage() -> None:
    event = TelemetryRecorded(
        sequence=1,
        time=0.0,
        utc="",
        values={"Stage temperature (K)": 257.04, "Temperature setpoint (K)": 257.0},
        flags=frozenset(),
    )
    screen = interlocks(BenchScreen(), temperature.fold(TemperatureScreen(), event), WELL)
    assert item(screen, "temperature").words == "257.0 K"


def test_a_tripped_limit_names_rule_value_time_and_what_was_switched_off() -> None:
    screen = shown(
        folded(
            entry("state", "outputs off", reports=["2400 OFF confirmed 84 ms"]),
            entry(
                "error",
                "failed: voltage 9 V exceeds maximum_voltage 8 V",
                interlock="envelope",
            ),
        )
    )
    assert item(screen, "envelope").words == "TRIPPED"
    assert screen.alarm == (
        "Limits tripped at 12:00:03 UTC: failed: voltage 9 V exceeds maximum_voltage 8 V. "
        "Switched off: 2400 OFF confirmed 84 ms."
    )


def test_a_trip_that_was_acknowledged_is_not_shown_again() -> None:
    one = folded(entry("error", "failed: no space", interlock="disk"))
    assert shown(one).alarm and not shown(one, seen=1).alarm
    assert item(shown(one, seen=1), "disk").words == "212 GB free"


def test_what_the_guardian_did_is_told_before_and_after_it_stands_in_the_journal() -> None:
    reports = [
        GuardianReport(text="the runner died: switching everything off"),
        GuardianReport(text="2400 OFF confirmed 3 ms"),
        GuardianReport(text="done"),
    ]
    at_once = shown(health=None, guardian=reports)
    assert at_once.alarm == (
        "Guardian tripped: the runner died: switching everything off. Switched off: 2400 OFF confirmed 3 ms."
    )
    text = "the runner died: switching everything off; 2400 OFF confirmed 3 ms"
    later = shown(folded(entry("guardian", text)), health=None, guardian=reports)
    assert len(later.trips) == 1 and "12:00:03" in later.alarm


def test_a_temperature_left_out_trips_and_switches_nothing_off() -> None:
    screen = shown(
        folded(
            entry("state", "outputs off", reports=["2400 OFF confirmed 84 ms"]),
            entry("warning", "217 K was not reached within 3600 s: skipped", interlock="temperature"),
        )
    )
    assert item(screen, "temperature").kind == "alarm" and "Switched off" not in screen.alarm


def test_an_error_is_kept_with_the_box_it_names() -> None:
    screen = folded(entry("error", "failed: 6514 does not answer"))
    assert "6514 does not answer" in screen.boxes["light_meter"].last_error
    assert screen.boxes["source_meter"].last_error == ""
