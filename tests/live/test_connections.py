"""What a new step needs to be connected, and what every step of a draft meets."""

from dataclasses import replace
from pathlib import Path

import pytest

from qdlab.live.connections import connection_before, connections, with_new_step
from qdlab.live.plan_draft import Draft, DraftStep, check, new_step, read_device, read_draft


@pytest.fixture
def two(project_root: Path) -> Draft:
    files = [project_root / "examples" / f"device-{name}.toml" for name in ("hole-only", "light-emitting")]
    devices = dict(map(read_device, files))
    return Draft(devices=devices, steps=(new_step("temperature_sweep"),))


def test_pulses_are_put_behind_the_temperatures_with_the_question_they_need(two: Draft) -> None:
    draft, key = with_new_step(two, (0, 1), new_step("tel_series"))
    assert [step.kind for step in draft.steps] == ["temperature_sweep", "operator", "tel_series"]
    assert key == (2,)
    question = draft.steps[1].table
    assert (question["device"], question["source"]) == ("device-light-emitting", "pulse_generator")
    assert check(draft).holds


def test_a_plan_of_pulses_alone_asks_nobody(two: Draft) -> None:
    draft, key = with_new_step(replace(two, steps=()), (0,), new_step("tel_series"))
    assert key == (0,) and check(draft).holds


def test_one_more_sweep_asks_nobody(two: Draft) -> None:
    draft, key = with_new_step(two, (0, 1), new_step("jv_sweep"))
    assert key == (0, 1) and [step.kind for step in draft.steps[0].steps] == ["jv_sweep", "jv_sweep"]


def test_a_sweep_after_pulses_asks_for_the_source_meter_on_the_same_pixel(two: Draft) -> None:
    pulsed, _ = with_new_step(two, (0, 1), new_step("tel_series"))
    draft, key = with_new_step(pulsed, (3,), new_step("jv_sweep"))
    assert key == (4,) and draft.steps[3].table["source"] == "source_meter"
    assert draft.steps[3].table["device"] == "device-light-emitting"
    assert check(draft).holds


def test_every_measurement_knows_its_device_as_the_plan_itself_does(project_root: Path) -> None:
    draft = read_draft(project_root / "examples" / "plan-paper.toml")
    met = {key: (found.device, found.source) for key, found in connections(draft).items()}
    assert met[1,] == met[2, 0] == ("hole-only", "source_meter")
    assert met[4,] == met[5,] == ("light-emitting", "source_meter")
    assert met[7,] == ("light-emitting", "pulse_generator")


def test_a_question_that_is_skipped_connects_nothing(two: Draft) -> None:
    ask = DraftStep(
        kind="operator",
        table={"text": "x", "device": "device-light-emitting", "source": "pulse_generator"},
        skip=True,
    )
    before = connection_before(replace(two, steps=(ask, *two.steps)), (1,))
    assert before is not None and before.source == "source_meter"
