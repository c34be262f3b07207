"""The question about a session that did not finish, and that its answer resumes that very session."""

from pathlib import Path

import pytest
import tomli_w

from qdlab.campaign import (
    open_campaign_session,
    resume_campaign_session,
    run_campaign,
    simulated_devices,
)
from qdlab.cli import run_command_line
from qdlab.config import BenchConfig, LimitsConfig, PlanConfig, load_device, load_plan
from qdlab.control import Control, Progress
from qdlab.errors import ConfigError, RecordError
from qdlab.events import Event, RowRecorded
from qdlab.live.resume import resume_question
from qdlab.records import Session, open_session
from qdlab.simulators import open_simulated_bench
from qdlab.unfinished import find_unfinished, is_next_to_resume
from sim_instruments.wiring import SimBench

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


def test_what_cannot_be_gone_on_with_is_named(project_root: Path, tmp_path: Path) -> None:
    hold = {"kind": "conditioning", "voltage": "1 V", "duration": "30 s", "interval": "5 s"}
    question = resume_question(recorded(a_plan(project_root, hold, SWEEP), tmp_path, rows=3))
    assert question is not None
    assert question.sentence == (
        "0 of 2 measurements were done; resume with Conditioning (steps[0])? "
        "0001-Conditioning-li2024-hole-only-1 (3 rows) is measured anew: "
        "a conditioning cannot be gone on with."
    )


def test_a_dry_run_says_where_it_would_go_on_and_what_begins_anew(
    project_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hold = {"kind": "conditioning", "voltage": "1 V", "duration": "30 s", "interval": "5 s"}
    plan = a_plan(project_root, hold, SWEEP)
    session = recorded(plan, tmp_path, rows=3)
    before = sorted(tmp_path.rglob("*"))
    file = tmp_path / "plan.toml"
    file.write_text(tomli_w.dumps(plan.to_document()), encoding="utf-8", newline="\n")
    resume = ["run", str(file), "--bench", "sim", "--output", str(tmp_path), "--dry-run", "--resume"]
    told = "note: steps[0] begins anew after an interruption: a conditioning cannot be gone on with\n"
    assert run_command_line(resume) == 0
    printed = capsys.readouterr().out
    assert told in printed and "(3 rows) is measured anew" in printed and session.path.name in printed
    assert sorted(tmp_path.rglob("*")) == sorted([*before, file])


def test_only_the_latest_unfinished_session_of_a_plan_is_next(project_root: Path, tmp_path: Path) -> None:
    plan = a_plan(project_root, SWEEP)
    first, second = (recorded(plan, tmp_path, rows=1) for _ in range(2))
    assert not is_next_to_resume(first, plan)
    assert is_next_to_resume(second, plan)
    whole = recorded(plan, tmp_path, rows=99)
    assert not is_next_to_resume(whole, plan)
    assert is_next_to_resume(second, plan)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"steps": [{**SWEEP, "voltages": ["1 V", "2 V", "3 V"]}]},
            'plan.steps[0].voltages[2]: nothing -> "3',
        ),
        ({"operator": "Curie"}, 'plan.operator: "" -> "Curie"'),
        ({"limits": {"maximum_voltage": "4 V"}}, 'plan.limits.maximum_voltage: nothing -> "4'),
    ],
)
def test_a_changed_plan_is_refused_with_the_difference(
    project_root: Path, tmp_path: Path, change: dict, told: str
) -> None:
    session = recorded(a_plan(project_root, SWEEP), tmp_path, rows=1)
    changed = PlanConfig.model_validate({**session.document["plan"], **change})
    with pytest.raises(ConfigError, match="leave out --resume") as refused:
        find_unfinished(tmp_path, changed)
    assert told in str(refused.value) and session.path.name in str(refused.value)


def test_a_changed_device_is_refused_with_the_difference(project_root: Path, tmp_path: Path) -> None:
    session = recorded(a_plan(project_root, SWEEP), tmp_path, rows=1)
    document = {**session.document["plan"]}
    film = {**document["devices"]["film"], "identifier": "li2024/hole-only/2"}
    with pytest.raises(
        ConfigError, match=r"plan\.devices\.film\.identifier: .*hole-only/1.* -> .*hole-only/2"
    ):
        find_unfinished(tmp_path, PlanConfig.model_validate({**document, "devices": {"film": film}}))


def test_a_changed_bench_is_refused_with_the_difference(project_root: Path, tmp_path: Path) -> None:
    plan = a_plan(project_root, SWEEP)
    session = recorded(plan, tmp_path, rows=1)
    before = [file.read_bytes() for file in sorted(session.path.rglob("*")) if file.is_file()]
    limits = LimitsConfig.model_validate({"maximum_current": "1 mA"})
    with pytest.raises(ConfigError, match=r'limits\.film\.maximum_current: "0\.1 A" -> "0\.001 A"'):
        find_unfinished(tmp_path, plan, BenchConfig(name="sim", kind="simulation", limits=limits))
    with pytest.raises(ConfigError, match=r'bench\.name: "sim" -> "other"'):
        find_unfinished(tmp_path, plan, BenchConfig(name="other", kind="simulation"))
    other_noise = open_simulated_bench(seed=2, devices=simulated_devices(plan))
    with pytest.raises(ConfigError, match=r"simulation\.seed: 1 -> 2"):
        resume_campaign_session(session, plan, other_noise)
    simulation = SimBench(seed=1, devices=simulated_devices(plan))
    box = simulation.boxes["keithley2400"]
    box.identity = box.identity.replace("1248014", "7654321")  # type: ignore[misc]
    exchanged = open_simulated_bench(simulation=simulation)
    with pytest.raises(ConfigError, match=r"bench\.identities\.source_meter: .*1248014.* -> .*7654321"):
        resume_campaign_session(session, plan, exchanged)
    assert [file.read_bytes() for file in sorted(session.path.rglob("*")) if file.is_file()] == before
    same = open_simulated_bench(seed=1, devices=simulated_devices(plan))
    resume_campaign_session(session, plan, same).close()


def test_a_damaged_session_of_the_plan_is_told_and_not_passed_over(
    project_root: Path, tmp_path: Path
) -> None:
    plan = a_plan(project_root, SWEEP)
    recorded(plan, tmp_path, rows=1)
    journal = recorded(plan, tmp_path, rows=1).path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"connected", b"cannected"))
    with pytest.raises(RecordError, match=r"journal\.jsonl: line \d"):
        find_unfinished(tmp_path, plan)


def test_nothing_is_asked_about_a_finished_session(project_root: Path, tmp_path: Path) -> None:
    assert resume_question(recorded(a_plan(project_root, SWEEP), tmp_path, rows=99)) is None
