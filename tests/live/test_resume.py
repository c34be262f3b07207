"""The question about a session that did not finish, and that its answer resumes that very session."""

from pathlib import Path

import pytest
import tomli_w

from qdlab.campaign import open_campaign_session, run_campaign, simulated_devices
from qdlab.config import PlanConfig, load_device, load_plan
from qdlab.control import Control, Progress
from qdlab.events import Event, RowRecorded
from qdlab.live.resume import resume_question
from qdlab.records import Session, open_session
from qdlab.simulators import open_simulated_bench
from qdlab.unfinished import find_unfinished

SWEEP = {"kind": "jv_sweep", "voltages": ["1 V", "2 V"], "settling_time": "10 ms"}
COLD = {
    "kind": "temperature_sweep",
    "temperatures": ["297 K", "294 K", "291 K"],
    "ramp_rate": "0.2 K/s",
    "window": "10 s",
    "steps": [SWEEP],
}


def recorded(plan: PlanConfig, folder: Path, *, rows: int) -> Session:
    """A session aborted after so many rows."""
    control, seen = Control(), [0]

    def listen(what: Event | Progress) -> None:
        seen[0] += isinstance(what, RowRecorded)
        if seen[0] == rows:
            control.abort()

    bench = open_simulated_bench(seed=1, devices=simulated_devices(plan))
    writer = open_campaign_session(folder, plan, bench)
    return open_session(run_campaign(plan, bench, writer, control=control, listener=listen).session)


def a_plan(project_root: Path, *steps: dict) -> PlanConfig:
    device = load_device(project_root / "examples" / "device-hole-only.toml").to_document()
    return PlanConfig.model_validate({"name": "cold", "devices": {"film": device}, "steps": list(steps)})


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (1, "0 of 4 temperatures were done; resume at 297 K?"),
        (3, "1 of 4 temperatures was done; resume at 294 K?"),
        (5, "2 of 4 temperatures were done; resume at 291 K?"),
        (7, "3 of 4 temperatures were done; resume at 297 K?"),
    ],
)
def test_it_says_how_many_temperatures_were_done_and_where_it_would_go_on(
    project_root: Path, tmp_path: Path, rows: int, sentence: str
) -> None:
    question = resume_question(recorded(a_plan(project_root, COLD), tmp_path, rows=rows))
    assert question is not None and question.sentence == sentence


def test_without_temperatures_it_counts_measurements(project_root: Path, tmp_path: Path) -> None:
    question = resume_question(recorded(a_plan(project_root, SWEEP, SWEEP, SWEEP), tmp_path, rows=3))
    assert question is not None
    assert question.sentence == "1 of 3 measurements was done; resume with J-V sweep (steps[1])?"


def test_the_plan_of_the_question_finds_its_session_again(project_root: Path, tmp_path: Path) -> None:
    session = recorded(a_plan(project_root, COLD), tmp_path, rows=3)
    question = resume_question(session)
    assert question is not None
    file = tmp_path / "plan.toml"
    file.write_text(tomli_w.dumps(question.plan), encoding="utf-8", newline="\n")
    assert find_unfinished(tmp_path, load_plan(file)).path == session.path


def test_nothing_is_asked_about_a_finished_session(project_root: Path, tmp_path: Path) -> None:
    assert resume_question(recorded(a_plan(project_root, SWEEP), tmp_path, rows=99)) is None
