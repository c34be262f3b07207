"""What is remarked on a plan before anything moves."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from qdlab.config import SIMULATED_BENCH, BenchConfig, PlanConfig, load_plan
from qdlab.errors import ConfigError
from qdlab.preflight import expected_size, preflight

DEVICE = {
    "identifier": "1",
    "layers": [{"material": "QD", "thickness": "110 nm"}],
    "active_layers": ["QD"],
    "area": "4 mm2",
}
PULSES = {"kind": "tel_series", "pulse_amplitudes": ["4 V"], "pulse_widths": ["2 us"]}
CHECK = {"kind": "pixel_check"}
OVER = {"kind": "operator", "text": "over", "device": "d", "source": "pulse_generator"}


def plan(*steps: dict[str, object], **more: object) -> PlanConfig:
    return PlanConfig.model_validate({"name": "p", "devices": {"d": DEVICE}, "steps": list(steps), **more})


def sweep(*temperatures: str, **more: object) -> dict[str, object]:
    return {"kind": "temperature_sweep", "temperatures": list(temperatures), "steps": [CHECK], **more}


def test_the_paper_s_plan_raises_no_remark(project_root: Path, tmp_path: Path) -> None:
    assert (
        preflight(load_plan(project_root / "examples" / "plan-paper.toml"), SIMULATED_BENCH, tmp_path) == []
    )


def test_pulses_on_a_pixel_that_was_not_tested_for_shorts_are_remarked(tmp_path: Path) -> None:
    (remark,) = preflight(plan(PULSES), SIMULATED_BENCH, tmp_path)
    assert remark.startswith("steps[0]: 'd' gets pulses without a test for shorts")
    assert preflight(plan(CHECK, OVER, PULSES), SIMULATED_BENCH, tmp_path) == []


def test_cold_without_a_stated_atmosphere_is_remarked(tmp_path: Path) -> None:
    (remark,) = preflight(plan(sweep("297 K", "217 K")), SIMULATED_BENCH, tmp_path)
    assert "water condenses below the dew point" in remark
    dry = plan(sweep("297 K", "217 K"), atmosphere={"gas": "nitrogen", "dew_point": "200 K"})
    assert preflight(dry, SIMULATED_BENCH, tmp_path) == []


def test_a_sweep_that_would_hide_drift_or_ends_cold_is_remarked(tmp_path: Path) -> None:
    remarks = preflight(
        plan(sweep("297 K", "287 K", measure_first_again=False, warm_end=False)), SIMULATED_BENCH, tmp_path
    )
    assert [remark.partition(": ")[2][:30] for remark in remarks] == [
        "the first temperature is not m",
        "ends cold; do not open the cry",
    ]


def test_a_bench_that_needs_warming_up_says_so(tmp_path: Path) -> None:
    bench = BenchConfig.model_validate({"name": "lab", "kind": "simulation", "warm_up": "1 h"})
    assert preflight(plan(CHECK), bench, tmp_path) == [
        "the boxes of bench 'lab' are exact once they have been on for 60 minutes"
    ]


def test_a_full_disk_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1_000_000))
    output = tmp_path / "not" / "there" / "yet"
    with pytest.raises(ConfigError, match="1 MB free, about 64 MB needed"):
        preflight(plan(CHECK), SIMULATED_BENCH, output)
    assert not output.parent.exists()


def test_the_paper_s_session_is_a_megabyte_at_most(project_root: Path) -> None:
    assert 1e5 < expected_size(load_plan(project_root / "examples" / "plan-paper.toml")) < 1e6


def test_a_reading_that_cuts_a_pulse_at_this_mains_is_remarked(tmp_path: Path) -> None:
    bench = BenchConfig.model_validate({"name": "lab", "kind": "simulation", "line_frequency": 60})
    (remark,) = preflight(plan(CHECK, OVER, {**PULSES, "power_line_cycles": 5.0}), bench, tmp_path)
    assert remark.startswith("steps[2]: a reading of 5 line cycles at 60 Hz holds 83.33 pulses")
    assert preflight(plan(CHECK, OVER, PULSES), bench, tmp_path) == []


def test_a_step_that_needs_a_box_the_bench_does_not_have_is_refused_before_anything_moves(
    tmp_path: Path,
) -> None:
    bench = BenchConfig.model_validate(
        {
            "name": "lab",
            "instruments": {"source_meter": {"driver": "keithley2400", "resource": "GPIB0::24::INSTR"}},
        }
    )
    assert preflight(plan(CHECK), bench, tmp_path) == []
    with pytest.raises(
        ConfigError, match=r"steps\[2\]: tel series needs a pulse generator and a light meter, which"
    ):
        preflight(plan(CHECK, OVER, PULSES), bench, tmp_path)
    with pytest.raises(ConfigError, match=r"steps\[0\]: temperature sweep needs a temperature controller"):
        preflight(plan(sweep("297 K")), bench, tmp_path)
