"""Recorded instrument traffic through today's drivers and procedures."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks.records.campaigns import SHORT_SWEEP
from qdlab.campaign import open_campaign_session, run_campaign, simulated_devices
from qdlab.cli import run_command_line
from qdlab.config import PlanConfig
from qdlab.control import Control
from qdlab.errors import ConfigError
from qdlab.records import open_session, verify_session
from qdlab.replay_wire import read_wire_log, replay_wire
from qdlab.simulators import open_simulated_bench

DIODE = {
    "identifier": "li2024/light-emitting/1",
    "layers": [{"material": "stack", "thickness": "95 nm"}],
    "active_layers": ["stack"],
    "area": "4 mm2",
    "built_in_voltage": "2 V",
    "simulated_as": "li2024-qled",
}
EVERY_PROCEDURE = PlanConfig.model_validate(
    {
        "name": "every procedure",
        "devices": {"diode": DIODE},
        "steps": [
            {"kind": "pixel_check"},
            {"kind": "jv_sweep", "voltages": ["1 V", "2 V", "3 V"], "settling_time": "10 ms"},
            {"kind": "jv_sweep", "voltages": ["1 V", "2 V"], "hardware_sweep": True},
            {"kind": "operator", "text": "generator", "device": "diode", "source": "pulse_generator"},
            {
                "kind": "tel_series",
                "pulse_amplitudes": ["5 V"],
                "pulse_widths": ["50 us", "100 us"],
                "light_current_range": "2 uA",
            },
        ],
    }
)


def record(folder: Path, plan: PlanConfig, control: Control | None = None) -> Path:
    """Run a plan on the simulated bench with its traffic kept."""
    bench = open_simulated_bench(seed=11, devices=simulated_devices(plan))
    session = open_campaign_session(folder, plan, bench)
    (session.path / "io").mkdir()
    with (session.path / "io" / "0001.jsonl").open("x", encoding="utf-8", newline="\n", buffering=1) as log:

        def take(exchanged: Any) -> None:
            if not log.closed:
                log.write(json.dumps(asdict(exchanged), ensure_ascii=False) + "\n")

        bench.on_io = take
        run_campaign(plan, bench, session, control=control)
    return session.path


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("sweep"), SHORT_SWEEP)


def edited(session: Path, old: str, new: str) -> None:
    """Change the recording, once: the code of today then differs from it there."""
    log = session / "io" / "0001.jsonl"
    text = log.read_text(encoding="utf-8")
    assert old in text
    log.write_text(text.replace(old, new, 1), encoding="utf-8", newline="\n")


@pytest.mark.parametrize("plan", [SHORT_SWEEP, EVERY_PROCEDURE], ids=lambda plan: plan.name)
def test_the_same_code_says_the_same_and_measures_the_same_bits(tmp_path: Path, plan: PlanConfig) -> None:
    session = record(tmp_path, plan)
    assert verify_session(session).intact
    before = {file: file.read_bytes() for file in session.rglob("*") if file.is_file()}
    replayed = replay_wire(session)
    assert replayed.divergence == ""
    assert replayed.is_identical
    assert replayed.messages > 100
    assert replayed.rows == replayed.recorded_rows == sum(len(run.rows) for run in open_session(session).runs)
    assert {file: file.read_bytes() for file in session.rglob("*") if file.is_file()} == before


def test_the_first_message_that_differs_is_named(tmp_path: Path) -> None:
    session = record(tmp_path, SHORT_SWEEP)
    voltage = next(one.text for one in read_wire_log(session) if one.text == ":SOUR:VOLT:LEV 2")
    edited(session, voltage, f"{voltage}.5")
    replayed = replay_wire(session)
    assert not replayed.is_identical
    assert f"sent {voltage!r} where the recording has" in replayed.divergence
    assert "to 2400 at" in replayed.divergence


def test_a_reply_that_differs_shows_in_the_rows(tmp_path: Path) -> None:
    session = record(tmp_path, SHORT_SWEEP)
    reading = open_session(session).runs[0].rows["Current (A)"][1]
    reply = next(one.text for one in read_wire_log(session) if f"{reading:.6e}".split("e")[0][:6] in one.text)
    edited(session, json.dumps(reply), json.dumps(reply.replace("E-", "E-1", 1)))
    assert replay_wire(session).differing_rows


def test_a_recording_that_a_kill_cut_off_is_followed_to_its_end(tmp_path: Path, sweep: Path) -> None:
    session = record(tmp_path, SHORT_SWEEP)
    log = session / "io" / "0001.jsonl"
    content = log.read_bytes()
    log.write_bytes(content[: len(content) // 2])
    replayed = replay_wire(session)
    assert replayed.exhausted
    assert "the recording ends before" in replayed.divergence
    assert not replayed.differing_rows
    assert 0 < replayed.messages < replay_wire(sweep).messages


def test_a_session_without_recorded_traffic_says_how_to_have_it(closed_session: Path) -> None:
    with pytest.raises(ConfigError, match="--record-io"):
        replay_wire(closed_session)


def test_the_command_tells_same_from_different(
    sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["replay", str(sweep), "--through-drivers"]) == 0
    assert "messages to the boxes as recorded, 9 rows" in capsys.readouterr().out
    other = record(tmp_path, SHORT_SWEEP)
    edited(other, ":SOUR:VOLT:LEV 3", ":SOUR:VOLT:LEV 3.5")
    assert run_command_line(["replay", str(other), "--through-drivers"]) == 1
    assert "where the recording has" in capsys.readouterr().out
