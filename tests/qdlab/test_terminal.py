"""What `qdlab run` shows for the messages of a runner."""

import io
import json
from datetime import datetime

import pytest
from rich.console import Console
from rich.live import Live

from qdlab.durations import format_duration, format_estimate
from qdlab.protocol import Message
from qdlab.sizes import format_size
from qdlab.terminal import JsonDisplay, LiveDisplay, PlainDisplay

PROGRESS = Message(
    kind="progress",
    body={
        "step": "jv sweep at 257 K",
        "key": "steps[1].steps[0]",
        "state": "settling at 257 K, 0.04 K to go",
        "points_done": 30,
        "points_planned": 120,
        "elapsed": 60.0,
        "remaining": 5400.0,
        "share": 0.25,
        "prompt": None,
    },
)
STARTED = Message(kind="event", body={"event": "RunStarted", "run": "0001"})
ROW = Message(
    kind="event",
    body={
        "event": "RowRecorded",
        "values": {"Voltage (V)": 4.5, "Current (A)": 1.23456789e-5, "Light current (A)": None},
        "flags": ["compliance"],
    },
)
ENDED = Message(
    kind="ended",
    body={
        "end": "failed",
        "reason": "2400: no answer",
        "session": "sessions/curve",
        "off_reports": [
            {"message": "2400 OFF confirmed 84 ms"},
            {"message": "MFG no answer: switch it off by hand"},
        ],
    },
)


def drawn(*messages: Message) -> str:
    """The text of a live display after these messages, without its bars."""
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    with Live(console=console, auto_refresh=False) as live:
        display = LiveDisplay(live, {"steps[0]": 3, "steps[1].steps[0]": 57})
        for message in messages:
            display.show(message)
        live.refresh()
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_display_shows_state_share_remaining_time_and_the_last_reading() -> None:
    text = drawn(PROGRESS, STARTED, ROW)
    assert "settling at 257 K, 0.04 K to go" in text
    assert "1 h 29 min to go" in text
    assert "26%" in text  # 31 of 120 points
    assert "Voltage 4.5 V   Current 1.2346e-05 A   compliance" in text


def test_the_step_starts_again_with_every_run() -> None:
    text = drawn(PROGRESS, STARTED, ROW, ROW, STARTED, ROW)
    assert " 2%" in text  # 1 of 57 points


def test_what_is_off_comes_before_how_it_ended() -> None:
    lines = [line.strip() for line in drawn(ENDED).splitlines() if line.strip()]
    assert lines[:4] == [
        "2400 OFF confirmed 84 ms",
        "MFG no answer: switch it off by hand",
        "failed (2400: no answer)",
        "sessions/curve",
    ]


def test_without_a_terminal_a_line_is_printed_when_something_changes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = PlainDisplay()
    for message in (PROGRESS, PROGRESS, ROW, ENDED):
        display.show(message)
    assert capsys.readouterr().out.splitlines() == [
        " 25%  jv sweep at 257 K: settling at 257 K, 0.04 K to go",
        "2400 OFF confirmed 84 ms",
        "MFG no answer: switch it off by hand",
        "failed (2400: no answer)",
        "sessions/curve",
    ]


def test_for_programs_every_message_is_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    display = JsonDisplay()
    display.show(ROW)
    display.say("stopping after this point")
    printed = capsys.readouterr()
    assert json.loads(printed.out)["values"]["Light current (A)"] is None
    assert "stopping" in printed.err


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (61, "1 min 01 s"), (3599.7, "1 h 00 min"), (3725, "1 h 02 min")],
)
def test_a_duration_is_said_as_people_say_it(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 MB"), (5e5, "0.5 MB"), (64e6, "64 MB"), (999.7e6, "1 GB"), (2.125e12, "2.12 TB")],
)
def test_an_amount_of_disk_is_said_to_three_digits(size: float, text: str) -> None:
    assert format_size(size) == text


def test_an_estimate_says_when_it_ends_unless_the_time_is_simulated() -> None:
    now = datetime(2026, 11, 22, 22, 30)
    assert format_estimate(7200, now=now) == "about 2 h 00 min; begun now it ends tomorrow at 00:30"
    assert format_estimate(61, now=None) == "about 1 min 01 s of simulated time"
