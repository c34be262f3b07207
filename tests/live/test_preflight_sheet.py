"""The pre-flight sheet: what is green, what deserves a look, and what keeps Start disabled."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from procedures.jv_sweep import JVSweep
from qdlab.config import SIMULATED_BENCH, BenchConfig, LimitsConfig, PlanConfig, load_plan
from qdlab.live.preflight_sheet import BenchFacts, Sheet, facts_of, make_sheet

GOOD = BenchFacts(boxes={})
HARDWARE = BenchConfig.model_validate(
    {
        "name": "lab",
        "warm_up": "1 h",
        "instruments": {"source_meter": {"driver": "keithley2400", "resource": "GPIB0::24::INSTR"}},
    }
)


@pytest.fixture
def paper(project_root: Path) -> PlanConfig:
    return load_plan(project_root / "examples" / "plan-paper.toml")


@pytest.fixture
def one_curve(project_root: Path) -> PlanConfig:
    return load_plan(project_root / "examples" / "plan-jv.toml")


def verdicts(sheet: Sheet) -> Mapping[str, str]:
    return {line.title: line.verdict for line in sheet.lines}


def words(sheet: Sheet, title: str) -> str:
    return next(line.words for line in sheet.lines if line.title == title)


def test_a_good_plan_on_a_simulated_bench_may_start(paper: PlanConfig, tmp_path: Path) -> None:
    sheet = make_sheet(paper, SIMULATED_BENCH, tmp_path, GOOD)
    assert set(verdicts(sheet).values()) == {"good"}
    assert sheet.may_start and sheet.words == "Everything is as it should be."
    assert "dew point 200 K" in words(sheet, "Atmosphere")
    assert words(sheet, "Temperature").startswith("6 set points, 217 K to 297 K")


def test_the_start_says_how_many_warnings_it_starts_with(paper: PlanConfig, tmp_path: Path) -> None:
    asleep = replace(GOOD, sleep_warning="the computer may fall asleep")
    assert make_sheet(paper, SIMULATED_BENCH, tmp_path, GOOD).start_words == "Start"
    assert make_sheet(paper, SIMULATED_BENCH, tmp_path, asleep).start_words == "Start with 1 warning"
    # neither the gas nor, for the cold, its dew point are stated then
    no_gas = paper.model_copy(update={"atmosphere": None})
    assert make_sheet(no_gas, SIMULATED_BENCH, tmp_path, asleep).start_words == "Start with 3 warnings"


@pytest.mark.parametrize(
    ("title", "bench", "facts", "says"),
    [
        ("Limits", {"limits": LimitsConfig(maximum_voltage="3 V")}, {}, "exceeds maximum_voltage"),
        ("Boxes", {}, {"trouble": "2400 does not answer"}, "look at its cable"),
        ("Boxes", {}, {"busy": "anna runs a plan"}, "stop it"),
    ],
)
def test_what_must_be_put_right_keeps_the_plan_from_starting(
    one_curve: PlanConfig, tmp_path: Path, title: str, bench: dict[str, Any], facts: dict[str, str], says: str
) -> None:
    sheet = make_sheet(one_curve, SIMULATED_BENCH.model_copy(update=bench), tmp_path, replace(GOOD, **facts))
    assert verdicts(sheet)[title] == "stop" and says in words(sheet, title)
    assert not sheet.may_start and sheet.words.startswith("Not yet: 1 of")


def test_boxes_are_named_once_they_answered_and_awaited_before(one_curve: PlanConfig, tmp_path: Path) -> None:
    waiting = make_sheet(one_curve, HARDWARE, tmp_path, BenchFacts())
    assert not waiting.may_start and "asking" in words(waiting, "Boxes")
    hello = {"state": "idle", "boxes": {"source_meter": {"identity": "KEITHLEY 2400 123"}}}
    found = make_sheet(one_curve, HARDWARE, tmp_path, facts_of(hello, sleep_warning=None))
    assert found.may_start and words(found, "Boxes") == "source meter: KEITHLEY 2400 123"
    assert "60 minutes" in words(found, "Warm-up") and verdicts(found)["Warm-up"] == "look"


def test_an_instrument_the_plan_needs_and_the_bench_lacks_is_named(paper: PlanConfig, tmp_path: Path) -> None:
    sheet = make_sheet(paper, HARDWARE, tmp_path, GOOD)
    assert "light meter and pulse generator and temperature controller" in words(sheet, "Boxes")
    assert not sheet.may_start


def test_a_full_disk_stops_and_says_what_is_free(
    one_curve: PlanConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2_000_000))
    sheet = make_sheet(one_curve, SIMULATED_BENCH, tmp_path / "later", GOOD)
    assert verdicts(sheet)["Disk"] == "stop" and words(sheet, "Disk").startswith("2 MB free")


def test_a_runner_that_measures_for_somebody_else_is_busy() -> None:
    assert (
        facts_of({"state": "running", "owner": "anna"}, sleep_warning=None).busy == "anna runs a plan on it"
    )


def test_a_reading_that_cuts_a_pulse_at_this_mains_deserves_a_look(paper: PlanConfig, tmp_path: Path) -> None:
    steps = [
        step.model_copy(update={"power_line_cycles": 5.0}) if step.kind == "tel_series" else step
        for step in paper.steps
    ]
    at_sixty = SIMULATED_BENCH.model_copy(update={"line_frequency": 60})
    cutting = paper.model_copy(update={"steps": steps})
    sheet = make_sheet(cutting, at_sixty, tmp_path, GOOD)
    assert verdicts(sheet)["Pulses"] == "look" and sheet.may_start
    assert "holds 83.33 pulses" in words(sheet, "Pulses")
    assert "Pulses" not in verdicts(make_sheet(paper, at_sixty, tmp_path, GOOD))


def test_a_procedure_that_is_not_safe_on_real_boxes_keeps_the_plan_from_starting(
    one_curve: PlanConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JVSweep, "why_not_on_hardware", lambda: "it has no Door")
    sheet = make_sheet(one_curve, HARDWARE, tmp_path, GOOD)
    assert verdicts(sheet)["Procedures"] == "stop" and not sheet.may_start
    assert "Procedures" not in verdicts(make_sheet(one_curve, SIMULATED_BENCH, tmp_path, GOOD))


def test_the_sheet_calls_steps_as_the_window_does(paper: PlanConfig, tmp_path: Path) -> None:
    document = paper.to_document()
    document["steps"] = [step for step in document["steps"] if step["kind"] in ("operator", "tel_series")]
    sheet = make_sheet(PlanConfig.model_validate(document), SIMULATED_BENCH, tmp_path, GOOD)
    (devices,) = (line for line in sheet.lines if line.title == "Devices")
    assert devices.verdict == "look" and "step 4" in devices.words and "pixel check" in devices.words
