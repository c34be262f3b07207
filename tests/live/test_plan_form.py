from pathlib import Path

import pytest
import tomli_w

from procedures.jv_sweep import JVSweep
from procedures.tel_series import TELSeriesMeasurement
from qdlab.config import load_plan
from qdlab.live.plan_form import form_fields, plan_document, problems, procedures


def test_the_fields_are_the_parameters_the_procedure_declares() -> None:
    fields = {field.key: field for field in form_fields(JVSweep)}
    assert list(fields) == list(JVSweep.declared_parameters())
    assert (fields["settling_time"].unit, fields["settling_time"].default) == ("s", "0.1")
    assert fields["direction"].choices == ("up", "down", "up_down")


@pytest.mark.parametrize("kind", list(procedures()))
def test_a_form_nobody_touched_is_right(kind: str) -> None:
    procedure = procedures()[kind]
    assert problems(procedure, {field.key: field.default for field in form_fields(procedure)}) == {}


@pytest.mark.parametrize(
    ("text", "says"), [("2", "1.05 A or less"), ("5 V", "V"), ("much", "number"), ("20 mA", ""), ("0.02", "")]
)
def test_a_limit_or_a_wrong_unit_is_told_beside_its_field(text: str, says: str) -> None:
    found = problems(JVSweep, {"compliance_current": text})
    assert (says in found["compliance_current"]) if says else (found == {})


def test_what_the_form_writes_is_a_plan(tmp_path: Path, project_root: Path) -> None:
    texts = {"voltages": "0 .. 2 step 0.5", "settling_time": "50 ms", "hardware_sweep": "yes", "repeats": "2"}
    device = project_root / "examples" / "device-hole-only.toml"
    file = tmp_path / "plan.toml"
    file.write_text(tomli_w.dumps(plan_document("One", device, JVSweep, texts)), encoding="utf-8")
    (step,) = load_plan(file).steps
    assert (step.voltages, step.settling_time, step.hardware_sweep) == ((0.0, 0.5, 1.0, 1.5, 2.0), 0.05, True)
    assert step.repeats == 2


def test_a_list_with_commas_takes_the_unit_of_its_field() -> None:
    assert problems(TELSeriesMeasurement, {"pulse_amplitudes": "4, 5, 6000 mV"}) == {}
    assert "pulse_amplitudes" in problems(TELSeriesMeasurement, {"pulse_amplitudes": "4, -5"})
