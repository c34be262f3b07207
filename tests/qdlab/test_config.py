"""Bench, plan and device files: what is accepted, and the one line that tells what is not."""

from pathlib import Path

import pytest

from analysis.estimate import Estimate
from procedures.jv_sweep import JVSweep
from qdlab.config import (
    DEFAULT_LIMITS,
    LimitsConfig,
    check_plan,
    load_bench,
    load_device,
    load_plan,
    plan_cost,
    plan_from_document,
    planned_procedures,
    resolve_limits,
    steps,
    waiting_time,
)
from qdlab.config.fields import read_points
from qdlab.errors import ConfigError

DEVICE = """
identifier = "batch/substrate/1"
active_layers = ["QD"]
area = { value = "4 mm2", standard_error = "0.1 mm2" }

[[layers]]
material = "QD"
thickness = "110 nm"
relative_permittivity = 4.0
"""

PLAN = """
name = "a plan"

[devices]
film = "film.toml"

[[steps]]
kind = "jv_sweep"
voltages = { start = "0 V", stop = "7 V", step = "0.1 V" }
settling_time = "0.1 s"
compliance_current = "20 mA"
"""

PULSES = """
name = "pulses"

[devices]
film = "film.toml"

[[steps]]
kind = "tel_series"
pulse_amplitudes = ["4 V"]
pulse_widths = ["2 us", "100 us"]
pulse_period = "1 ms"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "film.toml").write_text(DEVICE, encoding="utf-8")
    return tmp_path


def write(folder: Path, text: str, name: str = "plan.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        load_plan(write(folder, text))
    message = str(refused.value)
    assert message.startswith(str(folder / "plan.toml"))
    assert "\n" not in message
    return message.removeprefix(f"{folder / 'plan.toml'}: ")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "settling_time",
            "setling_time",
            "steps[0] has an unknown key 'setling_time'; did you mean 'settling_time'?",
        ),
        (
            '"0.1 s"',
            "0.1",
            "steps[0].settling_time = 0.1: has no unit",
        ),
        ('"0.1 s"', '"0.1 V"', "steps[0].settling_time = '0.1 V': 'V' cannot be turned into 's'"),
        ('"0.1 s"', '"-1 s"', "steps[0].settling_time = '-1 s': must be 0 s or more"),
        ('"0.1 s"', '"nan s"', "steps[0].settling_time = 'nan s': is not a number with a unit"),
        ('"20 mA"', '"2 A"', "steps[0].compliance_current = '2 A': must be 1.05 A or less"),
        ("jv_sweep", "jv_swep", "steps[0].kind = 'jv_swep': is not one of operator,"),
        ('kind = "jv_sweep"', "", "steps[0].kind is missing"),
        (
            'settling_time = "0.1 s"',
            'direction = "upp"',
            "steps[0].direction = 'upp': is not one of up, down, up_down; did you mean 'up'?",
        ),
        ('settling_time = "0.1 s"', "repeats = 0", "steps[0].repeats = 0: must be 1 or more"),
        ('settling_time = "0.1 s"', 'repeats = "3"', "steps[0].repeats = '3': is not a whole number"),
        ('settling_time = "0.1 s"', "repeats = true", "steps[0].repeats = True: is not a whole number"),
        ('step = "0.1 V"', 'stp = "0.1 V"', "steps[0].voltages has an unknown key 'stp'"),
        ('step = "0.1 V"', 'step = "0 V"', "steps[0].voltages step 0 gives no list of points"),
        ('step = "0.1 V"', 'step = "1 nV"', "steps[0].voltages 7000000001 points; ask for 1 to 100000"),
        (
            'step = "0.1 V"',
            "points = 20000",
            "steps[0].voltages: 20000 points are more than a run file's header holds; divide them over",
        ),
        (
            '{ start = "0 V", stop = "7 V", step = "0.1 V" }',
            '["1 V", 2]',
            "steps[0].voltages = ['1 V', 2]: 2 has no unit",
        ),
        (
            '{ start = "0 V", stop = "7 V", step = "0.1 V" }',
            "[]",
            "steps[0].voltages: is empty; list at least one point",
        ),
        (
            '{ start = "0 V", stop = "7 V", step = "0.1 V" }',
            '["1 V", "1000 mV"]',
            "steps[0].voltages: holds 1 V twice",
        ),
        (
            'voltages = { start = "0 V", stop = "7 V", step = "0.1 V" }',
            "",
            "steps[0].voltages: is needed, or fields in its place",
        ),
        ('name = "a plan"', "", "name is missing; add it"),
        ('name = "a plan"', "name = 3", "name = 3: must be a valid string"),
        ('name = "a plan"', 'nmae = "a plan"', "the file has an unknown key 'nmae'; did you mean 'name'?"),
        ("film.toml", "flim.toml", "there is no such file"),
        ("[devices]", "[devices", "is not TOML"),
    ],
)
def test_a_plan_that_cannot_be_used_is_refused_in_one_line(
    folder: Path, old: str, new: str, told: str
) -> None:
    if "flim" in new:
        with pytest.raises(ConfigError, match=told):
            load_plan(write(folder, PLAN.replace(old, new)))
    else:
        assert refusal(folder, PLAN.replace(old, new)).startswith(told)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"110 nm"', '"0 nm"', "layers[0].thickness = '0 nm': must be above 0 m"),
        ('"110 nm"', "110", "layers[0].thickness = 110: has no unit"),
        ('"110 nm"', '"110 furlong2"', "layers[0].thickness = '110 furlong2': "),
        ('thickness = "110 nm"', "", "layers[0].thickness is missing"),
        ('["QD"]', '["TFB"]', "the file active layer 'TFB'"),
        ("4.0", "0.5", "layers[0].relative_permittivity = 0.5: must be 1 or more"),
        ('"4 mm2"', '"-4 mm2"', "area has value = '-4 mm2': must be above 0 m**2"),
        ('"0.1 mm2"', '"0.1 mm"', "area has standard_error = '0.1 mm': 'mm' cannot be turned into 'm**2'"),
    ],
)
def test_a_device_that_cannot_be_is_refused_in_one_line(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    path = write(tmp_path, DEVICE.replace(old, new), "film.toml")
    with pytest.raises(ConfigError) as refused:
        load_device(path)
    assert str(refused.value).removeprefix(f"{path}: ").startswith(told)


def test_a_pulse_wider_than_its_period_is_refused_with_the_way_out(folder: Path) -> None:
    told = refusal(folder, PULSES.replace('"100 us"', '"1.2 ms"'))
    assert told == (
        "steps[0].pulse_widths: pulse_width 1.2 ms is not shorter than pulse_period 1 ms; "
        "lower the last point or lengthen the period"
    )


def test_a_voltage_above_the_limit_names_the_level_that_set_it(folder: Path) -> None:
    assert refusal(folder, PLAN.replace('"7 V"', '"70 V"')) == (
        "steps[0].voltages: voltage 70 V exceeds maximum_voltage 20 V of qdlab's defaults; "
        "change this value, or the limit there"
    )
    limited = PLAN.replace("[devices]", '[limits]\nmaximum_voltage = "3 V"\n[devices]')
    assert "3 V of the plan" in refusal(folder, limited)
    (folder / "film.toml").write_text(DEVICE + '[limits]\nmaximum_field = "1e7 V/m"\n', encoding="utf-8")
    assert "of device 'film'" in refusal(folder, PLAN)


def test_the_bench_can_forbid_what_the_plan_allows(folder: Path) -> None:
    plan = load_plan(write(folder, PLAN))
    with pytest.raises(ConfigError, match=r"maximum_current 0\.001 A of the bench"):
        check_plan(plan, bench_limits=LimitsConfig(maximum_current="1 mA"), file="plan.toml")


def test_limits_only_tighten_whatever_a_later_level_says() -> None:
    loose = LimitsConfig(maximum_voltage="50 V", maximum_slew="2 V/s", minimum_temperature="2 K")
    tight = LimitsConfig(maximum_voltage="5 V", minimum_temperature="200 K")
    resolved = resolve_limits([("defaults", DEFAULT_LIMITS), ("loose", loose), ("tight", tight)])
    assert resolved.limits.maximum_voltage == 5.0
    assert resolved.limits.minimum_temperature == 200.0
    assert resolved.limits.maximum_slew == 2.0
    assert resolved.limits.maximum_duty_cycle == DEFAULT_LIMITS.maximum_duty_cycle
    assert resolved.origin["maximum_voltage"] == "tight"
    assert resolved.origin["maximum_slew"] == "loose"


def test_a_step_that_needs_another_instrument_than_the_connected_one_is_refused(folder: Path) -> None:
    both = PLAN + PULSES[PULSES.index("[[steps]]") :]
    assert refusal(folder, both) == (
        "steps[1] tel_series needs the pulse generator, but 'film' is connected to the source meter; "
        'put an operator step with source = "pulse_generator" before it'
    )
    reconnect = '[[steps]]\nkind = "operator"\ntext = "over"\ndevice = "film"\nsource = "pulse_generator"\n'
    plan = load_plan(write(folder, PLAN + reconnect + PULSES[PULSES.index("[[steps]]") :]))
    assert [planned.connection.source for planned in planned_procedures(plan)] == [
        "source_meter",
        "pulse_generator",
    ]


def test_an_operator_step_names_a_known_device_and_its_source(folder: Path) -> None:
    step = '[[steps]]\nkind = "operator"\ntext = "over"\ndevice = "{}"\n'
    assert "is not one of the plan's devices (film)" in refusal(folder, PLAN + step.format("flim"))
    assert "steps[1].source is missing" in refusal(folder, PLAN + step.format("film"))


def test_a_temperature_below_the_dew_point_is_refused(folder: Path) -> None:
    sweep = PLAN.replace(
        "[[steps]]",
        '[atmosphere]\ngas = "air"\ndew_point = "285 K"\n\n'
        '[[steps]]\nkind = "temperature_sweep"\ntemperatures = ["297 K", "277 K"]\n[[steps.steps]]',
    )
    assert "277 K is not above the dew point of 285 K" in refusal(folder, sweep)


def test_a_sweep_is_held_against_the_temperatures_of_the_devices_it_takes_along(folder: Path) -> None:
    sweep = PLAN.replace(
        "[[steps]]",
        '[[steps]]\nkind = "temperature_sweep"\ntemperatures = ["297 K", "277 K"]\n[[steps.steps]]',
    )
    load_plan(write(folder, sweep))
    with (folder / "film.toml").open("a", encoding="utf-8") as device:
        device.write('[limits]\nmaximum_temperature = "280 K"\n')
    told = refusal(folder, sweep)
    assert told.startswith(
        "steps[0].temperatures: temperature 297 K exceeds maximum_temperature 280 K of device"
    )


def test_a_plan_survives_the_way_through_its_document(project_root: Path) -> None:
    plan = load_plan(project_root / "examples" / "plan-paper.toml")
    assert plan_from_document(plan.to_document()) == plan


def test_quantities_reach_the_procedure_in_si_and_in_full(folder: Path) -> None:
    plan = load_plan(write(folder, PULSES.replace('"2 us"', '"2.123456789012 us"')))
    procedure = planned_procedures(plan)[0].step.make()
    assert procedure.pulse_widths == (2.123456789012e-6, 1e-4)
    assert procedure.header_parameters()["Pulse widths"] == "[2.123456789012e-06;0.0001] s"


def test_an_estimate_is_a_text_or_a_table(folder: Path) -> None:
    device = load_device(folder / "film.toml").to_device()
    assert device.area == Estimate(value=4e-6, standard_error=1e-7)
    assert device.thickness.value == 110e-9


@pytest.mark.parametrize(
    ("table", "points"),
    [
        ({"start": "4 V", "stop": "5 V", "step": "500 mV"}, [4.0, 4.5, 5.0]),
        ({"start": "1 V", "stop": "0 V", "step": "0.5 V"}, [1.0, 0.5, 0.0]),
        ({"start": "0 V", "stop": "1 V", "points": 3}, [0.0, 0.5, 1.0]),
        ({"start": "1 mV", "stop": "1 V", "points_per_decade": 1}, [0.001, 0.01, 0.1, 1.0]),
        (["1 V", "20 mV"], [1.0, 0.02]),
    ],
)
def test_set_points_are_a_list_or_a_table(table: object, points: list[float]) -> None:
    assert read_points(table, "V") == points


def test_what_a_plan_will_take_is_told_before_anything_moves(project_root: Path) -> None:
    plan = load_plan(project_root / "examples" / "plan-paper.toml")
    check, sweep, _, curve, pulses = plan_cost(plan)
    assert check[1].points == 3
    assert sweep[0].visits == 6
    assert sweep[1].points == 6 * len(sweep[0].step.voltages)
    assert curve[1].points == 29
    assert pulses[1].points >= 7 * 18 * 3
    # four ramps of 20 K and one of 80 K at 6 K/min, six windows and soaks
    assert waiting_time(plan) == pytest.approx(1600 + 6 * 180)


def test_sim_is_a_bench_without_a_file() -> None:
    assert load_bench("sim").kind == "simulation"


def test_a_hardware_bench_needs_an_instrument(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one table"):
        load_bench(write(tmp_path, 'name = "lab"\nkind = "hardware"\n', "bench.toml"))


def test_installed_packages_can_add_procedures_and_a_broken_one_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", logger="qdlab")

    class Impedance(JVSweep):
        """Another measurement."""

        kind = "impedance"
        file_name = "Impedance"

    class Entry:
        def __init__(self, value: str, loaded: object) -> None:
            self.value, self._loaded = value, loaded

        def load(self) -> object:
            if isinstance(self._loaded, Exception):
                raise self._loaded
            return self._loaded

    offered = [
        Entry("good:Impedance", Impedance),
        Entry("broken:Thing", ImportError("no module named broken")),
        Entry("odd:int", int),
        Entry("double:JVSweep", JVSweep),
    ]
    monkeypatch.setattr(steps, "entry_points", lambda group: offered)
    assert [procedure.kind for procedure in steps.known_procedures()][-1] == "impedance"
    assert len(steps.known_procedures()) == len(steps.OWN_PROCEDURES) + 1
    told = caplog.text
    assert all(name in told for name in ("broken:Thing", "odd:int", "double:JVSweep"))
    step = steps.procedure_step(Impedance).model_validate({"kind": "impedance", "voltages": ["1 V"]})
    assert step.make().voltages == (1.0,)
