"""The demo: the paper's campaign on the simulated bench, and that the truth comes back from it."""

from pathlib import Path

import pytest

from analysis.estimate import Estimate, Verdict
from qdlab.campaign import open_campaign_session, run_campaign, simulated_devices
from qdlab.commands.demo import print_table
from qdlab.config import load_plan
from qdlab.demo import DemoFailed, DemoResult, Recovered, demo_plan, run_demo
from qdlab.events import RowRecorded
from qdlab.records import open_session, verify_session
from qdlab.simulators import open_simulated_bench


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    return run_demo(tmp_path_factory.mktemp("demo"), seed=0)


def named(demo: DemoResult, label: str) -> Recovered:
    return next(one for one in demo.quantities if one.label.startswith(label))


def test_every_quantity_comes_back_or_its_verdict_says_why_it_cannot(demo: DemoResult) -> None:
    for one in demo.quantities:
        assert one.agrees or one.verdict.advice, f"{one.label}: {one.deviation:.1f} standard errors"


def test_the_disorder_parameters_come_back_within_three_standard_errors(demo: DemoResult) -> None:
    for label in ("Disorder width", "Hopping distance", "Mobility prefactor", "Mobility at p = 0"):
        assert named(demo, label).agrees


def test_pulses_to_100_microseconds_are_too_short_at_4_volt_and_the_extension_mends_it(
    demo: DemoResult,
) -> None:
    assert named(demo, "Delay time, 4 V, to 100 µs").verdict.word == "pulses_too_short"
    extended = named(demo, "Delay time, 4 V, to 300 µs")
    assert extended.verdict.is_good and extended.agrees


def test_the_mott_gurney_mobility_is_the_paper_s_and_says_that_diffusion_makes_it_high(
    demo: DemoResult,
) -> None:
    mobility = named(demo, "Mott-Gurney mobility")
    assert mobility.printed is not None
    assert mobility.recovered.value == pytest.approx(mobility.printed, rel=0.05)
    assert "Diffusion" in mobility.verdict.advice


def test_one_session_holds_two_devices_and_is_intact(demo: DemoResult) -> None:
    session = open_session(demo.session)
    assert set(session.devices) == {"li2024/hole-only/1", "li2024/light-emitting/1"}
    assert session.end == "finished"
    sweeps = [run for run in session.runs if run.header.procedure == "JVSweep"]
    setpoints = [run.header.conditions.get("Temperature setpoint") for run in sweeps]
    assert setpoints == [297.0, 277.0, 257.0, 237.0, 217.0, 297.0, None]


def test_the_report_is_one_file_beside_the_session(demo: DemoResult) -> None:
    text = demo.report.read_text(encoding="utf-8")
    assert demo.report == demo.session / "report.html"
    assert "Disorder width" in text
    assert verify_session(demo.session).intact


def test_the_same_seed_measures_the_same_numbers(demo: DemoResult, tmp_path: Path) -> None:
    plan = demo_plan()
    bench = open_simulated_bench(seed=0, devices=simulated_devices(plan))
    again = run_campaign(plan, bench, open_campaign_session(tmp_path, plan, bench)).session

    def rows(path: Path) -> list[str]:
        return [repr(run.rows.values) for run in open_session(path).runs]

    assert rows(again) == rows(demo.session)


def test_the_table_fits_a_terminal_and_names_what_is_not_good(
    demo: DemoResult, capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.console import Console

    print_table(Console(width=80), demo)
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    assert "pulses_too_short" in told and "add pulses up to" in " ".join(told.split())


def test_a_stopped_demo_says_so(tmp_path: Path) -> None:
    from qdlab.control import Control

    control = Control()

    def stop(event: object) -> None:
        if isinstance(event, RowRecorded):
            control.stop_after_point()

    with pytest.raises(DemoFailed, match="ended stopped: the operator stopped"):
        run_demo(tmp_path, listener=stop, control=control)


def test_the_demo_s_plan_is_the_example_s(project_root: Path) -> None:
    assert demo_plan() == load_plan(project_root / "examples" / "plan-paper.toml")


def test_the_smallest_example_runs(project_root: Path, tmp_path: Path) -> None:
    plan = load_plan(project_root / "examples" / "plan-jv.toml")
    bench = open_simulated_bench(devices=simulated_devices(plan))
    result = run_campaign(plan, bench, open_campaign_session(tmp_path, plan, bench))
    assert result.end == "finished"
    assert len(open_session(result.session).runs[0].rows) == 71


@pytest.mark.parametrize(
    ("error", "verdict", "accounted"),
    [(0.5, Verdict(), True), (0.1, Verdict(), False), (0.1, Verdict(word="drifting", advice="Wait."), True)],
)
def test_a_number_off_by_more_than_three_standard_errors_needs_a_reason(
    error: float, verdict: Verdict, accounted: bool
) -> None:
    one = Recovered(
        name="delay_time",
        label="Delay time",
        unit="s",
        scale=1.0,
        put_in=1.0,
        recovered=Estimate(value=2.0, standard_error=error),
        printed=None,
        verdict=verdict,
    )
    assert one.is_accounted_for is accounted
