"""A step as a form: fields, what is wrong beside each, and the way into a file and back."""

from pathlib import Path

import pytest

from procedures.jv_sweep import JVSweep
from qdlab.config import load_plan, read_toml
from qdlab.live.forms import texts_of_table
from qdlab.live.plan_form import (
    FIRST_TABLES,
    form_fields,
    holds_steps,
    problems,
    purpose_of,
    step_kinds,
    step_table,
    summary,
)


def test_the_fields_are_the_parameters_the_procedure_declares() -> None:
    fields = {field.key: field for field in form_fields("jv_sweep")}
    assert list(fields) == list(JVSweep.declared_parameters())
    assert (fields["settling_time"].unit, fields["settling_time"].default) == ("s", "0.1")
    assert fields["direction"].choices == ("up", "down", "up_down")


def test_a_step_that_is_no_procedure_has_the_fields_of_its_model() -> None:
    fields = {field.key: field for field in form_fields("temperature_sweep")}
    assert (fields["temperatures"].unit, fields["temperatures"].shape) == ("K", "points")
    assert (fields["ramp_rate"].unit, fields["ramp_rate"].default) == ("K/min", "6")
    assert fields["on_timeout"].choices == ("skip", "wait", "stop")
    assert (fields["measure_first_again"].choices, fields["measure_first_again"].default) == (
        ("yes", "no"),
        "yes",
    )
    assert fields["soak"].hint
    assert {"steps", "kind", "skip"}.isdisjoint(fields)
    assert holds_steps("temperature_sweep") and not holds_steps("jv_sweep")


@pytest.mark.parametrize("kind", step_kinds())
def test_every_kind_of_step_says_what_it_does(kind: str) -> None:
    assert purpose_of(kind).endswith(".") and len(purpose_of(kind)) < 110


@pytest.mark.parametrize("kind", step_kinds())
def test_what_a_new_step_begins_with_is_right(kind: str) -> None:
    assert problems(kind, texts_of_table(form_fields(kind), FIRST_TABLES.get(kind, {}))) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [("2000", "1.05 A or less"), ("5 V", "V"), ("much", "number"), ("20 mA", ""), ("0.02", "")],
)
def test_a_limit_or_a_wrong_unit_is_told_beside_its_field(text: str, says: str) -> None:
    found = problems("jv_sweep", {"compliance_current": text})
    assert (says in found["compliance_current"]) if says else (found == {})


def test_what_is_missing_is_said_to_be_needed() -> None:
    assert problems("operator", {"text": ""}) == {"text": "is needed"}
    assert problems("temperature_sweep", {"temperatures": ""}) == {"temperatures": "is needed"}
    assert set(problems("temperature_sweep", {"temperatures": "297", "window": "0", "soak": "5 K"})) == {
        "window",
        "soak",
    }


@pytest.mark.parametrize(
    "text", ["0 .. 7 step 0.1", "0.1 .. 7 points 70", "0.4 .. 7 per decade 36", "4, 5, 6000 mV", ""]
)
def test_set_points_come_back_from_the_file_as_they_were_typed(text: str) -> None:
    table = step_table("jv_sweep", {"voltages": text})
    assert texts_of_table(form_fields("jv_sweep"), table)["voltages"] == text
    assert problems("jv_sweep", {"voltages": text}) == {}


def test_every_step_of_the_examples_survives_its_form(project_root: Path) -> None:
    for file in (project_root / "examples").glob("plan-*.toml"):
        steps = list(read_toml(file)["steps"])
        read = list(load_plan(file).steps)
        while steps:
            table, wanted = steps.pop(0), read.pop(0)
            steps += table.pop("steps", [])
            kind = table.pop("kind")
            nested = getattr(wanted, "steps", [])
            read += nested
            again = {"kind": kind, **step_table(kind, texts_of_table(form_fields(kind), table))}
            if nested:
                again["steps"] = [step.to_document() for step in nested]
            assert type(wanted).model_validate(again) == wanted


def test_a_bare_number_takes_the_unit_of_its_field_and_a_negative_amplitude_is_refused() -> None:
    assert step_table("tel_series", {"pulse_amplitudes": "4, 5"}) == {"pulse_amplitudes": ["4 V", "5 V"]}
    assert "pulse_amplitudes" in problems("tel_series", {"pulse_amplitudes": "4, -5"})


def test_a_step_is_summed_up_in_one_line() -> None:
    assert summary("jv_sweep", FIRST_TABLES["jv_sweep"]) == "J-V sweep  0 .. 7 step 0.1 V"
    assert summary("operator", {"text": "Connect pixel 3"}) == "Ask the operator: Connect pixel 3"
    assert summary("pixel_check", {}) == "Pixel check"


def test_a_field_shows_and_takes_the_unit_people_say() -> None:
    table = {"pulse_widths": ["2 us", "2e-5 s", "0.1 ms"], "pulse_period": "0.002 s"}
    texts = texts_of_table(form_fields("tel_series"), table)
    assert (texts["pulse_widths"], texts["pulse_period"]) == ("2, 20, 100", "2")
    again = step_table("tel_series", texts)
    assert again["pulse_widths"] == ["2 µs", "20 µs", "100 µs"] and again["pulse_period"] == "2 ms"
    assert problems("tel_series", {**texts, "pulse_amplitudes": "4"}) == {}
