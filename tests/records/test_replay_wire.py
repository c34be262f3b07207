"""Recorded instrument traffic through today's drivers and procedures."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from benchmarks.records import hostile
from benchmarks.records.campaigns import SHORT_SWEEP
from benchmarks.records.trials import DIODE, FILM
from instruments.bench import HeaterEnd
from instruments.limits import Envelope
from instruments.link import CONNECTION_LOST, DISTURBED
from qdlab.campaign import (
    Listener,
    open_campaign_session,
    resume_campaign_session,
    run_campaign,
    simulated_devices,
)
from qdlab.cli import run_command_line
from qdlab.config import PlanConfig
from qdlab.config.steps import OWN_PROCEDURES
from qdlab.control import Control
from qdlab.errors import ConfigError
from qdlab.events import RowRecorded
from qdlab.records import open_session, verify_session
from qdlab.replay_wire import replay_wire
from qdlab.simulators import open_simulated_bench
from qdlab.traffic import read_traffic, traffic_kept
from sim_instruments.faults import Fault
from sim_instruments.wiring import SimBench

SWEEP = {"kind": "jv_sweep", "voltages": ["1 V", "2 V", "3 V"], "settling_time": "10 ms"}
HOLD = {"kind": "conditioning", "voltage": "1 V", "duration": "20 s", "interval": "5 s"}
EVERY_PROCEDURE = PlanConfig.model_validate(
    {
        "name": "every procedure",
        "devices": {"diode": DIODE},
        "steps": [
            {"kind": "pixel_check"},
            HOLD,
            SWEEP,
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


def a_plan(*steps: dict) -> PlanConfig:
    return PlanConfig.model_validate({"name": "wire", "devices": {"film": FILM}, "steps": list(steps)})


def record(
    folder: Path,
    plan: PlanConfig,
    control: Control | None = None,
    *,
    listener: Listener | None = None,
    earlier: Path | None = None,
    kept: bool = True,
    simulation: SimBench | None = None,
) -> Path:
    """Run, or go on with, a plan on a simulated bench set in a way of its own, with its traffic kept."""
    bench = open_simulated_bench(
        seed=11,
        devices=simulated_devices(plan),
        simulation=simulation,
        envelope=Envelope(maximum_slew=50.0, maximum_step=1.0),
        heater_end=HeaterEnd(policy="ramp", temperature=296.0, rate=0.1),
        line_frequency=60,
    )
    before = None if earlier is None else open_session(earlier)
    if before is None:
        session = open_campaign_session(folder, plan, bench)
    else:
        session = resume_campaign_session(before, plan, bench)
    with traffic_kept(bench, session) if kept else nullcontext():
        run_campaign(plan, bench, session, control=control, listener=listener, resume_from=before)
    return session.path


def ended_by(pull: Callable[[Control], None], row: int) -> dict[str, Any]:
    """A control, and a listener that pulls it at that row."""
    control, seen = Control(), [0]

    def listen(what: object) -> None:
        seen[0] += isinstance(what, RowRecorded)
        if seen[0] == row:
            pull(control)

    return {"control": control, "listener": listen}


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("sweep"), a_plan(SWEEP))


def log_of(session: Path) -> Path:
    return session / "io" / "0001.jsonl"


def edited(session: Path, old: str, new: str) -> None:
    """Change the recording, once: the code of today then differs from it there."""
    log = log_of(session)
    text = log.read_text(encoding="utf-8")
    assert old in text
    log.write_text(text.replace(old, new, 1), encoding="utf-8", newline="\n")


@pytest.mark.parametrize("plan", [SHORT_SWEEP, EVERY_PROCEDURE], ids=lambda plan: plan.name)
def test_the_same_code_says_the_same_and_measures_the_same_bits(tmp_path: Path, plan: PlanConfig) -> None:
    session = record(tmp_path, plan)
    assert verify_session(session).intact
    before = {file: file.read_bytes() for file in session.rglob("*") if file.is_file()}
    with hostile.GUARD.watching(session) as events:
        replayed = replay_wire(session)
    ports = ("socket.", "subprocess.", "os.posix_spawn", "os.fork", "os.exec", "ctypes.", "open /dev")
    assert [event for event in events if event.startswith(ports)] == []
    (part,) = replayed.parts
    assert part.divergence == ""
    assert replayed.is_identical
    assert part.messages > 100
    assert part.rows == part.recorded_rows == sum(len(run.rows) for run in open_session(session).runs)
    assert {file: file.read_bytes() for file in session.rglob("*") if file.is_file()} == before


def test_the_first_message_that_differs_is_named(tmp_path: Path) -> None:
    session = record(tmp_path, a_plan(SWEEP))
    voltage = next(one.text for one in read_traffic(log_of(session)) if one.text == ":SOUR:VOLT:LEV 2")
    edited(session, voltage, f"{voltage}.5")
    replayed = replay_wire(session)
    assert not replayed.is_identical
    assert f"sent {voltage!r} to 2400 where the recording has" in replayed.parts[0].divergence


def test_a_reply_that_differs_shows_in_the_rows(tmp_path: Path) -> None:
    session = record(tmp_path, a_plan(SWEEP))
    reading = open_session(session).runs[0].rows["Current (A)"][1]
    messages = read_traffic(log_of(session))
    reply = next(one.text for one in messages if f"{reading:.6e}".split("e")[0][:6] in one.text)
    edited(session, json.dumps(reply), json.dumps(reply.replace("E-", "E-1", 1)))
    assert replay_wire(session).parts[0].differing_rows


def test_a_recording_that_a_kill_cut_off_is_followed_to_its_end(tmp_path: Path, sweep: Path) -> None:
    session = record(tmp_path, a_plan(SWEEP))
    log = log_of(session)
    content = log.read_bytes()
    log.write_bytes(content[: len(content) // 2])
    (part,) = replay_wire(session).parts
    assert part.exhausted
    assert "the recording ends before" in part.divergence
    assert not part.differing_rows
    assert 0 < part.messages < replay_wire(sweep).parts[0].messages


def test_every_procedure_that_ships_is_followed() -> None:
    kinds = {step.kind for step in EVERY_PROCEDURE.steps}
    assert {procedure.kind for procedure in OWN_PROCEDURES} <= kinds


@pytest.mark.parametrize(
    ("step", "pull", "end"),
    [(SWEEP, Control.stop_after_point, "stopped"), (HOLD, Control.abort, "aborted")],
)
def test_every_part_of_a_session_that_was_gone_on_with_is_followed(
    tmp_path: Path, step: dict, pull: Callable[[Control], None], end: str
) -> None:
    plan = a_plan(SWEEP, step, SWEEP)
    session = record(tmp_path, plan, **ended_by(pull, 5))
    record(tmp_path, plan, earlier=session)
    assert verify_session(session).intact
    replayed = replay_wire(session)
    assert [part.file for part in replayed.parts] == ["io/0001.jsonl", "io/0002.jsonl"]
    assert [part.divergence for part in replayed.parts] == ["", ""]
    assert replayed.is_identical
    assert [part.end for part in replayed.parts] == [end, "finished"]
    assert sum(part.rows for part in replayed.parts) == verify_session(session).rows


@pytest.mark.parametrize("kind", ["garbled_reply", "lost_reply", "unplugged", "unplugged_for_good"])
def test_a_fault_of_the_line_happens_again(tmp_path: Path, kind: str) -> None:
    """The whole catalogue at every box in `benchmarks`."""
    plan = a_plan(SWEEP)
    simulation = SimBench(seed=11, devices=simulated_devices(plan))
    simulation.inject("keithley2400", Fault(kind, nth=15))
    session = record(tmp_path, plan, simulation=simulation)
    messages = read_traffic(log_of(session))
    assert any(one.text.startswith((DISTURBED, CONNECTION_LOST)) for one in messages)
    (part,) = replay_wire(session).parts
    assert (part.divergence, part.end) == ("", open_session(session).end)
    assert part.is_identical


def test_a_part_that_was_killed_before_a_box_was_spoken_to_has_nothing_to_follow(tmp_path: Path) -> None:
    plan = a_plan(SWEEP)
    bench = open_simulated_bench(seed=11, devices=simulated_devices(plan))
    session = open_campaign_session(tmp_path, plan, bench)
    with traffic_kept(bench, session):
        session.abandon()
    replayed = replay_wire(session.path)
    assert replayed.is_identical
    assert [(part.messages, part.exhausted) for part in replayed.parts] == [(0, True)]


def test_a_part_that_was_not_recorded_is_counted(tmp_path: Path) -> None:
    plan = a_plan(SWEEP, SWEEP)
    session = record(tmp_path, plan, kept=False, **ended_by(Control.abort, 2))
    record(tmp_path, plan, earlier=session)
    replayed = replay_wire(session)
    assert (replayed.unrecorded, replayed.is_identical) == (1, True)
    assert replayed.parts[0].rows == 4


def test_what_the_operator_skipped_is_skipped_again(tmp_path: Path) -> None:
    control = Control()
    control.skip(["steps[1]"])
    replayed = replay_wire(record(tmp_path, a_plan(SWEEP, HOLD, SWEEP), control))
    assert replayed.is_identical and replayed.parts[0].rows == 6


def test_a_session_without_recorded_traffic_says_how_to_have_it(closed_session: Path) -> None:
    with pytest.raises(ConfigError, match="--record-io"):
        replay_wire(closed_session)


def test_the_command_tells_same_from_different(
    sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["replay", str(sweep), "--through-drivers"]) == 0
    assert "messages to the boxes as recorded, 3 rows" in capsys.readouterr().out
    other = record(tmp_path, a_plan(SWEEP))
    edited(other, ":SOUR:VOLT:LEV 3", ":SOUR:VOLT:LEV 3.5")
    assert run_command_line(["replay", str(other), "--through-drivers"]) == 1
    assert "where the recording has" in capsys.readouterr().out
