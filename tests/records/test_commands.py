"""`qdlab verify`, `note` and `replay`: what they print, and their exit status."""

import json
from pathlib import Path

import pytest

from qdlab.cli import run_command_line
from qdlab.records import open_session


def test_verify_of_an_intact_session_exits_0(
    closed_session: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["verify", str(closed_session)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "0001-JVSweep-B1-S2-P3: 6 rows, finished"
    assert "intact, finished; 2 runs, 10 rows" in lines[-1]


def test_verify_of_an_interrupted_session_says_so_and_exits_0(
    interrupted_session: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["verify", str(interrupted_session)]) == 0
    assert "intact, interrupted; 3 runs, 12 rows" in capsys.readouterr().out


def test_verify_names_the_first_bad_line_and_exits_1(
    closed_session: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = closed_session / "runs" / "0001-JVSweep-B1-S2-P3.csv"
    run.write_bytes(run.read_bytes().replace(b",0.5,", b",0.7,"))
    assert run_command_line(["verify", str(closed_session)]) == 1
    assert f"damaged: runs/{run.name}: line 20 does not match its check" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["verify", "replay", "note"])
def test_what_is_no_session_exits_2_in_one_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        assert run_command_line([command, str(path), *(["text"] if command == "note" else [])]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_damaged_session_is_not_replayed(closed_session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = closed_session / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"warm", b"cold"))
    assert run_command_line(["replay", str(closed_session)]) == 1
    assert "line 2 does not match its check" in capsys.readouterr().err


def test_replay_prints_runs_and_results(closed_session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["replay", str(closed_session), "--speed", "max"]) == 0
    out = capsys.readouterr().out
    assert "0002-JVSweep-B1-S2-P3: 4 rows, stopped: operator asked" in out
    assert "0001-JVSweep-B1-S2-P3: zero_field_mobility" in out
    assert "note: cold finger at 297 K, µ-meter warm" in out


@pytest.mark.parametrize("speed", ["fast", "0", "-1", "nan"])
def test_a_speed_is_max_or_a_number_above_zero(
    closed_session: Path, capsys: pytest.CaptureFixture[str], speed: str
) -> None:
    assert run_command_line(["replay", str(closed_session), f"--speed={speed}"]) == 2
    assert "neither max nor a number above zero" in capsys.readouterr().err


def test_a_note_is_in_the_journal(closed_session: Path) -> None:
    assert run_command_line(["note", str(closed_session), "pixel 3 scratched at 1 µm"]) == 0
    assert open_session(closed_session).journal[-1].text == "pixel 3 scratched at 1 µm"
    assert run_command_line(["verify", str(closed_session)]) == 0
    last = (closed_session / "journal.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert json.loads(last)["level"] == "note"
