"""A plan on the simulated bench: what is recorded, how it ends, and that the outputs are off then."""

import gc
import itertools
import math
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.records.trials import DIODE, FILM
from instruments.bench import Bench
from instruments.driver import HeaterEnd
from instruments.errors import InstrumentError
from procedures import columns
from procedures.jv_sweep import JVSweep
from qdlab.campaign import (
    CampaignResult,
    Listener,
    open_campaign_session,
    run_campaign,
    simulated_devices,
)
from qdlab.campaign.places import KnownCurrents, Measured
from qdlab.config import PlanConfig, step_costs
from qdlab.control import Control, Progress
from qdlab.events import JournalEntry, RowRecorded, RunEnded, RunStarted
from qdlab.records import Session, SessionWriter, open_session, verify_session
from qdlab.records.curves import jv_curves, rows_that_count
from qdlab.simulators import open_simulated_bench
from sim_instruments.cryostat import CryostatSpec
from sim_instruments.faults import Fault
from sim_instruments.wiring import SimBench

SWEEP = {"kind": "jv_sweep", "voltages": ["1 V", "2 V", "3 V"], "settling_time": "10 ms"}
PULSES = {
    "kind": "tel_series",
    "pulse_amplitudes": ["4 V", "5 V"],
    "pulse_widths": ["50 us", "100 us"],
    "repeats": 1,
    "readings": 1,
    "light_current_range": "2 uA",
    "reference_every": 0,
}
TO_GENERATOR = {
    "kind": "operator",
    "text": "generator to the diode",
    "device": "diode",
    "source": "pulse_generator",
}


def a_plan(*steps: dict[str, Any], **more: Any) -> PlanConfig:
    plan = {"name": "test", "devices": {"film": FILM, "diode": DIODE}, "steps": list(steps), **more}
    return PlanConfig.model_validate(plan)


def temperature_sweep(*temperatures: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "temperature_sweep",
        "temperatures": list(temperatures),
        "ramp_rate": "0.2 K/s",
        "window": "20 s",
        "steps": [SWEEP],
        **more,
    }


class Witness:
    """Notes every output that goes on or off, at the boxes themselves."""

    def __init__(self, simulation: SimBench) -> None:
        self.on: dict[str, bool] = {}
        self.went_on = 0
        for box in simulation.boxes.values():
            box.witness = self.note

    def note(self, box: Any, on: bool, volts: float) -> None:
        self.went_on += on and not self.on.get(box.name, False)
        self.on[box.name] = on

    @property
    def all_off(self) -> bool:
        return not any(self.on.values())


class Lab:
    """A simulated bench, a folder, and one campaign after the other."""

    def __init__(self, folder: Path, *, seed: int = 1, simulation: SimBench | None = None) -> None:
        self.folder = folder
        self.plan = a_plan(SWEEP)
        self.simulation = simulation or SimBench(seed=seed, devices=simulated_devices(self.plan))
        self.witness = Witness(self.simulation)
        self.bench: Bench = open_simulated_bench(simulation=self.simulation)

    def run(
        self,
        plan: PlanConfig,
        *,
        control: Control | None = None,
        listener: Listener | None = None,
        writer: SessionWriter | None = None,
        resume_from: Session | None = None,
    ) -> CampaignResult:
        writer = writer or open_campaign_session(self.folder, plan, self.bench)
        return run_campaign(
            plan, self.bench, writer, control=control, listener=listener, resume_from=resume_from
        )


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def voltages(session: Session) -> list[float]:
    return [float(voltage) for run in session.runs for voltage in run.rows[columns.VOLTAGE]]


def test_a_finished_campaign_is_an_intact_session_with_every_row(lab: Lab) -> None:
    result = lab.run(a_plan(SWEEP, TO_GENERATOR, PULSES))
    assert (result.end, result.reason) == ("finished", "")
    assert result.all_off
    assert lab.witness.all_off and lab.witness.went_on > 0
    session = open_session(result.session)
    assert [run.header.procedure for run in session.runs] == ["JVSweep", "TELSeries"]
    assert [run.end for run in session.runs] == ["finished", "finished"]
    assert session.runs[0].rows[columns.VOLTAGE].tolist() == [1.0, 2.0, 3.0]
    assert verify_session(result.session).intact
    assert session.document["bench"]["clock"] == "simulated"
    assert session.document["simulation"]["seed"] == 1
    assert [run.header.conditions["Source"] for run in session.runs] == ["source_meter", "pulse_generator"]


def test_listeners_hear_what_is_on_the_disk(lab: Lab) -> None:
    heard: list[Any] = []
    result = lab.run(a_plan(SWEEP), listener=heard.append)
    rows = [event for event in heard if isinstance(event, RowRecorded)]
    assert [row.sequence for row in rows] == open_session(result.session).runs[0].rows.sequence.tolist()
    assert sum(isinstance(event, RunStarted) for event in heard) == 1
    assert sum(isinstance(event, RunEnded) for event in heard) == 1
    last = [event for event in heard if isinstance(event, Progress)][-1]
    assert last.points_planned == 3


def test_while_a_temperature_is_approached_the_display_names_the_sweep_and_that_temperature(lab: Lab) -> None:
    heard: list[Any] = []
    lab.run(a_plan(temperature_sweep("297 K", "287 K")), listener=heard.append)
    told = [
        (event.step, event.key, event.visit)
        for event in heard
        if isinstance(event, Progress) and event.state.startswith(("ramping", "settling"))
    ]
    assert list(dict.fromkeys(told)) == [
        ("temperature sweep at 297 K", "steps[0]", 0),
        ("temperature sweep at 287 K", "steps[0]", 1),
        ("temperature sweep at 297 K", "steps[0]", 2),
    ]


def test_a_procedure_that_sleeps_without_our_clock_is_waited_for_as_long_as_it_says(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced: list[float] = []
    lab.bench.on_deadline = announced.append
    monkeypatch.setattr(JVSweep, "longest_silence", 7.0)
    lab.run(a_plan(SWEEP))
    measuring = announced[announced.index(7.0) : len(announced) - announced[::-1].index(7.0)]
    assert len(measuring) > 10 and set(measuring) == {7.0}
    assert max(announced[-3:]) < 7.0


def test_a_broken_screen_does_not_stop_the_measurement(lab: Lab) -> None:
    def broken(event: object) -> None:
        raise RuntimeError("the screen fell off the wall")

    result = lab.run(a_plan(SWEEP), listener=broken)
    assert result.end == "finished"
    warnings = [entry.text for entry in open_session(result.session).journal if entry.level == "warning"]
    assert warnings == ["a listener failed and is not told any more: the screen fell off the wall"]


def test_stop_ends_after_the_point_that_is_being_measured(lab: Lab) -> None:
    control = Control()

    def stop_at_two(event: object) -> None:
        if isinstance(event, RowRecorded) and event.values[columns.VOLTAGE] == 2.0:
            control.stop_after_point()

    result = lab.run(a_plan(SWEEP, SWEEP), control=control, listener=stop_at_two)
    assert result.end == "stopped"
    session = open_session(result.session)
    assert voltages(session) == [1.0, 2.0]
    assert session.runs[0].end == "stopped"
    assert lab.witness.all_off


def test_abort_ends_at_once_and_says_why(lab: Lab) -> None:
    control = Control()

    def abort(event: object) -> None:
        if isinstance(event, RowRecorded):
            control.abort("smoke")

    result = lab.run(a_plan(SWEEP), control=control, listener=abort)
    assert (result.end, result.reason) == ("aborted", "smoke")
    session = open_session(result.session)
    assert session.runs[0].end == "aborted"
    assert len(session.runs[0].rows) == 1
    assert lab.witness.all_off


def test_an_operator_step_switches_off_disarms_and_mounts_the_device(lab: Lab) -> None:
    armed: list[bool] = []

    def look(event: object) -> None:
        if isinstance(event, JournalEntry) and event.level == "prompt":
            armed.append(lab.bench.armed or not lab.witness.all_off)

    result = lab.run(a_plan(SWEEP, TO_GENERATOR, PULSES), listener=look)
    assert result.end == "finished"
    assert armed == [False]
    assert lab.simulation.mounted["mfg2230m"] == "li2024/light-emitting/1"


def test_rows_out_of_temperature_are_flagged(lab: Lab) -> None:
    plan = a_plan(temperature_sweep("297 K", measure_first_again=False))

    def warm_up(event: object) -> None:
        if isinstance(event, RunStarted):
            lab.simulation.cryostat.control(setpoint=310.0)
            lab.simulation.clock.wait(600.0)

    result = lab.run(plan, listener=warm_up)
    run = open_session(result.session).runs[0]
    assert all("outside-temperature" in flags for flags in run.rows.flags)


def test_a_temperature_sweep_measures_the_first_temperature_again_and_tells_the_drift(lab: Lab) -> None:
    result = lab.run(a_plan(temperature_sweep("297 K", "287 K")))
    session = open_session(result.session)
    stages = [float(run.rows[columns.STAGE_TEMPERATURE][0]) for run in session.runs]
    assert stages == pytest.approx([297.0, 287.0, 297.0], abs=0.1)
    drift = next(entry for entry in session.journal if entry.text.startswith("drift at 297 K"))
    assert abs(drift.details["drift"]) < 0.03
    assert len(session.telemetry[0].rows) > 10


def breaks_the_heater(lab: Lab) -> Listener:
    """A listener that breaks the heater once the boxes are set up."""

    def listen(event: object) -> None:
        if isinstance(event, JournalEntry) and event.text == "connected":
            lab.simulation.cryostat.heater_broken = True

    return listen


def test_a_temperature_that_is_not_reached_is_skipped_and_named(lab: Lab) -> None:
    plan = a_plan(temperature_sweep("310 K", "305 K", timeout="60 s", warm_end=False))
    result = lab.run(plan, listener=breaks_the_heater(lab))
    session = open_session(result.session)
    assert result.end == "finished"
    assert not session.runs
    assert any("310 K was not reached" in entry.text for entry in session.journal if entry.level == "warning")


def test_the_time_out_policy_stop_ends_the_plan(lab: Lab) -> None:
    plan = a_plan(temperature_sweep("310 K", "297 K", timeout="60 s", on_timeout="stop"), SWEEP)
    result = lab.run(plan, listener=breaks_the_heater(lab))
    assert result.end == "stopped"
    assert "310 K was not reached" in result.reason


def test_overshoot_is_not_arrival(tmp_path: Path) -> None:
    devices = simulated_devices(a_plan(SWEEP))
    simulation = SimBench(seed=1, devices=devices, cryostat=CryostatSpec(sensor_lag=15.0))
    simulation.cryostat.control(proportional=150.0, integral=80.0)
    lab = Lab(tmp_path, simulation=simulation)
    result = lab.run(a_plan(temperature_sweep("297 K", "277 K", measure_first_again=False)))
    for run in open_session(result.session).runs:
        stage = run.rows[columns.STAGE_TEMPERATURE]
        assert abs(stage - run.header.conditions["Temperature setpoint"]).max() < 0.15


def test_repeat_until_stable_ends_once_nothing_changes(lab: Lab) -> None:
    plan = a_plan({"kind": "repeat_until_stable", "tolerance": 0.05, "maximum_repeats": 5, "steps": [SWEEP]})
    session = open_session(lab.run(plan).session)
    assert len(session.runs) == 2
    assert any(entry.text == "stable after 2 repeats" for entry in session.journal)


def test_a_step_whose_points_cannot_be_compared_is_not_stable(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = itertools.cycle([0.0, math.nan])
    monkeypatch.setattr(Measured, "change_from", lambda self, earlier: next(changes))
    steps = [SWEEP, SWEEP]
    plan = a_plan({"kind": "repeat_until_stable", "tolerance": 0.05, "maximum_repeats": 3, "steps": steps})
    session = open_session(lab.run(plan).session)
    assert len(session.runs) == 6
    assert any(entry.text == "not stable after 3 repeats" for entry in session.journal)


def test_a_plan_that_leaves_the_bench_s_limits_is_refused_before_anything_is_energised(lab: Lab) -> None:
    plan = a_plan({**SWEEP, "voltages": ["1 V", "30 V"]})
    result = lab.run(plan)
    assert result.end == "failed"
    assert "voltage 30 V exceeds maximum_voltage 20 V" in result.reason
    assert lab.witness.went_on == 0


def test_the_same_seed_gives_the_same_rows(tmp_path: Path) -> None:
    def rows(name: str) -> str:
        lab = Lab(tmp_path / name, seed=5)
        session = open_session(lab.run(a_plan(SWEEP, TO_GENERATOR, PULSES)).session)
        return repr([run.rows[column].tolist() for run in session.runs for column in run.header.columns])

    assert rows("first") == rows("second")


def test_an_hour_of_settling_leaves_no_memory_behind(lab: Lab) -> None:
    plan = a_plan(temperature_sweep(*["297 K", "292 K"] * 4, soak="400 s", measure_first_again=False))
    sizes: list[tuple[float, int]] = []

    def listen(event: object) -> None:
        if isinstance(event, RunEnded):
            gc.collect()
            sizes.append((event.time, tracemalloc.get_traced_memory()[0]))

    tracemalloc.start()
    try:
        assert lab.run(plan, listener=listen).end == "finished"
    finally:
        tracemalloc.stop()
    assert sizes[-1][0] > 3600
    assert sizes[-1][1] - sizes[3][1] < 200_000


# Resuming


def interrupt_at(row: int) -> tuple[Control, Listener]:
    """A control and a listener that aborts it at that row."""
    control = Control()
    count = 0

    def listen(event: object) -> None:
        nonlocal count
        if isinstance(event, RowRecorded):
            count += 1
            if count == row:
                control.abort("interrupted by the test")

    return control, listen


@pytest.mark.parametrize("row", [1, 2, 3, 4, 6, 8])
def test_resuming_measures_exactly_what_is_missing(lab: Lab, row: int) -> None:
    plan = a_plan(temperature_sweep("297 K", "287 K", "277 K", warm_end=False))
    control, listener = interrupt_at(row)
    result = lab.run(plan, control=control, listener=listener)
    assert result.end == "aborted"
    earlier = open_session(result.session)
    writer = SessionWriter.resume(result.session, clock=lab.bench.clock)
    assert lab.run(plan, writer=writer, resume_from=earlier).end == "finished"
    session = open_session(result.session)
    assert verify_session(result.session).intact
    planned = [
        (visit, voltage)
        for run in session.runs
        if "Check after resume" not in run.header.conditions
        for visit, voltage in [(run.header.conditions["Visit"], float(v)) for v in run.rows[columns.VOLTAGE]]
    ]
    assert sorted(planned) == [(visit, v) for visit in range(4) for v in (1.0, 2.0, 3.0)]
    assert lab.witness.all_off


def test_a_resumed_run_names_its_predecessor(lab: Lab) -> None:
    plan = a_plan(SWEEP)
    control, listener = interrupt_at(1)
    result = lab.run(plan, control=control, listener=listener)
    earlier = open_session(result.session)
    writer = SessionWriter.resume(result.session, clock=lab.bench.clock)
    lab.run(plan, writer=writer, resume_from=earlier)
    first, second = open_session(result.session).runs
    assert second.header.predecessor == first.name
    assert second.rows[columns.VOLTAGE].tolist() == [2.0, 3.0]


def resumed(lab: Lab, plan: PlanConfig, *, row: int) -> Session:
    """The session of a plan that was interrupted at a row and gone on with to its end."""
    control, listener = interrupt_at(row)
    result = lab.run(plan, control=control, listener=listener)
    assert result.end == "aborted"
    earlier = open_session(result.session)
    writer = SessionWriter.resume(result.session, clock=lab.bench.clock)
    assert lab.run(plan, writer=writer, resume_from=earlier).end == "finished"
    assert verify_session(result.session).intact
    return open_session(result.session)


CONDITIONING = {"kind": "conditioning", "voltage": "1 V", "duration": "30 s", "interval": "5 s"}


def test_a_procedure_that_cannot_be_gone_on_with_is_measured_anew_and_nothing_counts_twice(lab: Lab) -> None:
    session = resumed(lab, a_plan(CONDITIONING, SWEEP), row=3)
    first, second, _ = session.runs
    assert (len(first.rows), first.end) == (3, "aborted")
    assert (second.header.supersedes, second.header.predecessor) == (first.name, None)
    assert second.rows[columns.ELAPSED][0] == pytest.approx(0.0, abs=1.0)
    assert rows_that_count(session) == [*second.recorded_rows(), *session.runs[2].recorded_rows()]
    (note,) = [entry for entry in session.journal if "superseded" in entry.details]
    assert note.text == (
        "steps[0] is measured anew: a conditioning cannot be gone on with; "
        f"{first.name} (3 rows) is superseded"
    )


def test_a_device_marked_not_resumable_is_measured_anew(lab: Lab) -> None:
    aging = {**FILM, "resumable": False}
    plan = a_plan(SWEEP, SWEEP, devices={"film": aging, "diode": DIODE})
    session = resumed(lab, plan, row=5)
    finished, begun, anew = session.runs
    assert anew.header.supersedes == begun.name
    assert anew.rows[columns.VOLTAGE].tolist() == [1.0, 2.0, 3.0]
    assert rows_that_count(session) == [*finished.recorded_rows(), *anew.recorded_rows()]
    assert any(f"{FILM['identifier']!r} is marked not resumable" in entry.text for entry in session.journal)


def test_a_run_interrupted_again_and_again_is_superseded_each_time(lab: Lab) -> None:
    plan = a_plan(CONDITIONING)
    control, listener = interrupt_at(2)
    path = lab.run(plan, control=control, listener=listener).session
    for row in (3, 1, 99):
        control, listener = interrupt_at(row)
        earlier = open_session(path)
        writer = SessionWriter.resume(path, clock=lab.bench.clock)
        lab.run(plan, control=control, listener=listener, writer=writer, resume_from=earlier)
    session = open_session(path)
    assert [len(run.rows) for run in session.runs[:3]] == [2, 3, 1]
    assert [run.header.supersedes for run in session.runs[1:]] == [run.name for run in session.runs[:3]]
    assert rows_that_count(session) == session.runs[3].recorded_rows()


def test_the_time_to_go_forgets_what_earlier_steps_took_longer(lab: Lab) -> None:
    """Settling is not known beforehand: a sweep of temperatures took longer than planned."""
    plan = a_plan(temperature_sweep("297 K", "217 K", warm_end=False), {"kind": "wait", "duration": "600 s"})
    told: list[Progress] = []
    lab.run(plan, listener=lambda what: told.append(what) if isinstance(what, Progress) else None)
    planned = sum(cost.duration for cost in step_costs(plan).values())
    waits = [progress for progress in told if progress.key == "steps[1]"]
    assert waits[0].elapsed > planned - 600.0
    assert waits[0].remaining == pytest.approx(600.0)
    assert all(each.remaining >= 600.0 for each in told if each.key.startswith("steps[0]"))
    assert told[0].remaining == pytest.approx(planned)


def test_after_a_resume_the_first_temperature_is_measured_again(lab: Lab) -> None:
    plan = a_plan(temperature_sweep("297 K", "287 K", "277 K", warm_end=False))
    control, listener = interrupt_at(5)
    result = lab.run(plan, control=control, listener=listener)
    earlier = open_session(result.session)
    writer = SessionWriter.resume(result.session, clock=lab.bench.clock)
    lab.run(plan, writer=writer, resume_from=earlier)
    session = open_session(result.session)
    again = [run for run in session.runs if "Check after resume" in run.header.conditions]
    assert [run.header.conditions["Temperature setpoint"] for run in again] == [297.0]
    assert sum(entry.text.startswith("drift at 297 K") for entry in session.journal) == 2


def test_without_what_a_resume_checked_a_table_of_rows_holds_each_point_once(lab: Lab) -> None:
    sweep = temperature_sweep("297 K", "287 K", "277 K", warm_end=False, measure_first_again=False)
    plan = a_plan(sweep)
    control, listener = interrupt_at(5)
    result = lab.run(plan, control=control, listener=listener)
    earlier = open_session(result.session)
    lab.run(plan, writer=SessionWriter.resume(result.session, clock=lab.bench.clock), resume_from=earlier)
    rows = rows_that_count(open_session(result.session))
    points = [
        (round(row.values[columns.STAGE_TEMPERATURE]), row.values[columns.VOLTAGE])
        for row in rows
        if "resume-check" not in row.flags
    ]
    assert sorted(points) == [(kelvin, volts) for kelvin in (277, 287, 297) for volts in (1.0, 2.0, 3.0)]
    assert len(rows) == len(points) + 3


def test_a_device_that_failed_is_left_alone_now_and_after_a_resume(lab: Lab) -> None:
    plan = a_plan({"kind": "pixel_check"}, SWEEP, {"kind": "wait", "duration": "1 s"}, SWEEP)
    lab.simulation.unmount(source="keithley2400")
    lab.simulation.mount = lambda *arguments, **more: None  # type: ignore[method-assign]
    control = Control()

    def stop_in_the_wait(event: object) -> None:
        if isinstance(event, Progress) and event.state.startswith("waiting"):
            control.stop_after_point()

    result = lab.run(plan, control=control, listener=stop_in_the_wait)
    assert result.end == "stopped"
    earlier = open_session(result.session)
    writer = SessionWriter.resume(result.session, clock=lab.bench.clock)
    assert lab.run(plan, writer=writer, resume_from=earlier).end == "finished"
    session = open_session(result.session)
    assert [run.header.procedure for run in session.runs] == ["PixelCheck"]
    assert sum("skipped: open:" in entry.text for entry in session.journal) == 3


# Whatever happens, the outputs are off


EVERYTHING = a_plan(
    temperature_sweep(
        "297 K", measure_first_again=False, warm_end=False, probe_voltage="0.1 V", window="6 s"
    ),
    TO_GENERATOR,
    PULSES,
)


class Planted(Exception):
    """A fault of nobody's."""


class Fuse:
    """Counts calls and raises at one of them."""

    def __init__(self, at: float, problem: Callable[[], BaseException]) -> None:
        self.at, self.problem, self.calls = at, problem, 0

    def burn(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise self.problem()


def with_fuse_in_every_cable(folder: Path, fuse: Fuse) -> Lab:
    """A lab whose every message to and from a box may blow the fuse."""
    simulation = SimBench(seed=1, devices=simulated_devices(EVERYTHING))
    transport = simulation.transport

    def fused(box: str) -> Any:
        cable = transport(box)
        write, read = cable.write, cable.read

        def fused_write(data: bytes) -> None:
            fuse.burn()
            write(data)

        def fused_read(timeout: float) -> bytes:
            fuse.burn()
            return read(timeout)

        cable.write, cable.read = fused_write, fused_read
        return cable

    simulation.transport = fused
    return Lab(folder, simulation=simulation)


def count_calls(folder: Path) -> int:
    fuse = Fuse(math.inf, Planted)
    lab = with_fuse_in_every_cable(folder, fuse)
    assert lab.run(EVERYTHING).end == "finished"
    return fuse.calls


@pytest.mark.parametrize(
    "problem", [Planted, lambda: TimeoutError("no answer"), lambda: OSError("unplugged"), KeyboardInterrupt]
)
def test_a_fault_at_any_instrument_call_leaves_every_output_off(
    tmp_path: Path, problem: Callable[[], BaseException]
) -> None:
    calls = count_calls(tmp_path / "whole")
    for at in range(1, calls, 83):
        fuse = Fuse(math.inf, problem)
        lab = with_fuse_in_every_cable(tmp_path / str(at), fuse)
        writer = open_campaign_session(lab.folder, EVERYTHING, lab.bench)
        fuse.at = fuse.calls + at
        result = lab.run(EVERYTHING, writer=writer)
        assert lab.witness.all_off, f"call {at}: {result}"
        assert result.end in ("finished", "failed", "aborted")
        assert result.end == "finished" or result.reason
        assert open_session(result.session).end == result.end


def test_a_fault_at_any_row_leaves_every_output_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from qdlab.records import RunWriter

    write_many = RunWriter.write_many
    for at in range(1, 12):
        fuse = Fuse(at, lambda: Planted("row"))

        def fused(self: RunWriter, rows: Any, fuse: Fuse = fuse) -> Any:
            fuse.burn()
            return write_many(self, rows)

        monkeypatch.setattr(RunWriter, "write_many", fused)
        lab = Lab(tmp_path / str(at))
        result = lab.run(EVERYTHING)
        assert lab.witness.all_off
        assert result.end == "failed" and result.reason == "Planted: row"


def test_a_fault_in_teardown_still_switches_everything_off(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from procedures.jv_sweep import JVSweep

    def broken(self: JVSweep) -> None:
        raise Planted("teardown")

    monkeypatch.setattr(JVSweep, "shutdown", broken)
    result = lab.run(a_plan(SWEEP))
    assert result.end == "failed" and "teardown" in result.reason
    assert lab.witness.all_off


def test_a_full_disk_ends_as_failed_storage_with_the_outputs_off_first(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qdlab.records.appended_file import AppendedFile

    order: list[str] = []
    safe = lab.bench.safe
    monkeypatch.setattr(lab.bench, "safe", lambda: order.append("off") or safe())
    append = AppendedFile.append
    fuse = Fuse(8, lambda: OSError(28, "No space left on device"))

    def full(self: AppendedFile, data: bytes) -> None:
        try:
            fuse.burn()
        except OSError:
            order.append("disk")
            raise
        append(self, data)

    writer = open_campaign_session(lab.folder, lab.plan, lab.bench)
    monkeypatch.setattr(AppendedFile, "append", full)
    result = lab.run(lab.plan, writer=writer)
    assert result.end == "failed"
    assert result.reason.startswith("storage: ")
    assert order[:2] == ["disk", "off"]
    assert lab.witness.all_off


@pytest.mark.parametrize(
    ("kind", "box"),
    [
        ("late_reply", "keithley2400"),
        ("lost_reply", "keithley6514"),
        ("doubled_reply", "keithley2400"),
        ("garbled_reply", "mfg2230m"),
        ("one_behind", "keithley2400"),
        ("overflow_reading", "keithley6514"),
        ("hung", "mfg2230m"),
        ("unplugged", "lakeshore336"),
        ("replaced", "keithley6514"),
        ("power_cycle", "keithley2400"),
        ("load_lost", "mfg2230m"),
        ("device_shorted", "keithley2400"),
        ("sensor_lost", "lakeshore336"),
        ("never_settles", "lakeshore336"),
    ],
)
def test_a_fault_of_the_catalogue_is_healed_flagged_or_ends_safely_with_its_cause(
    lab: Lab, kind: str, box: str
) -> None:
    writer = open_campaign_session(lab.folder, EVERYTHING, lab.bench)
    lab.simulation.inject(box, Fault(kind, nth=30))
    result = lab.run(EVERYTHING, writer=writer)
    assert lab.witness.all_off
    assert result.end in ("finished", "failed")
    assert result.end == "finished" or result.reason
    session = open_session(result.session)
    values = [run.rows[columns.CURRENT] for run in session.runs if columns.CURRENT in run.rows]
    assert all(abs(value) < 1.0 or math.isnan(value) for column in values for value in column)


@pytest.fixture
def first_sweep_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from procedures.jv_sweep import JVSweep

    fuse = Fuse(1, lambda: InstrumentError("2400 does not answer"))
    execute = JVSweep.execute

    def fused(self: JVSweep) -> None:
        fuse.burn()
        execute(self)

    monkeypatch.setattr(JVSweep, "execute", fused)


@pytest.mark.usefixtures("first_sweep_fails")
@pytest.mark.parametrize(
    ("policy", "end", "voltages_measured"),
    [
        (None, "failed", []),
        ("skip", "failed", [4.0, 5.0]),
        ("retry", "finished", [1.0, 2.0, 3.0, 4.0, 5.0]),
    ],
)
def test_after_a_failed_measurement_the_plan_ends_goes_on_or_tries_once_more(
    lab: Lab, policy: str | None, end: str, voltages_measured: list[float]
) -> None:
    second = {**SWEEP, "voltages": ["4 V", "5 V"]}
    more = {} if policy is None else {"on_failure": policy}
    result = lab.run(a_plan(SWEEP, second, **more))
    assert result.end == end
    assert lab.witness.all_off
    session = open_session(result.session)
    assert voltages(session) == voltages_measured
    assert policy != "skip" or result.reason == "steps[0] failed and was passed over"


def fail_at_row(monkeypatch: pytest.MonkeyPatch, row: int) -> None:
    """From now on the source meter does not answer when a sweep's row of this number is due, once."""
    fuse = Fuse(row, lambda: InstrumentError("2400 does not answer"))
    record = JVSweep.record

    def fused(self: JVSweep, *arguments: Any) -> None:
        fuse.burn()
        record(self, *arguments)

    monkeypatch.setattr(JVSweep, "record", fused)


def test_trying_once_more_goes_on_with_the_points_that_the_failure_left(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_at_row(monkeypatch, 3)
    heard: list[Progress] = []
    result = lab.run(
        a_plan(SWEEP, on_failure="retry"),
        listener=lambda what: heard.append(what) if isinstance(what, Progress) else None,
    )
    assert result.end == "finished"
    session = open_session(result.session)
    first, second = session.runs
    assert (first.end, second.header.predecessor) == ("failed", first.name)
    assert voltages(session) == [1.0, 2.0, 3.0]
    assert [row.values[columns.VOLTAGE] for row in rows_that_count(session)] == [1.0, 2.0, 3.0]
    assert max(one.points_done for one in heard) <= 3


def test_a_resumed_measurement_that_is_tried_once_more_counts_and_names_what_it_measures(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = a_plan(temperature_sweep("297 K", warm_end=False), on_failure="retry")
    control, listener = interrupt_at(1)
    path = lab.run(plan, control=control, listener=listener).session
    fail_at_row(monkeypatch, 2)
    heard: list[Any] = []
    earlier = open_session(path)
    writer = SessionWriter.resume(path, clock=lab.bench.clock)
    lab.run(plan, writer=writer, resume_from=earlier, listener=heard.append)
    assert voltages(open_session(path)) == [1.0, 2.0, 3.0]
    progress = [event for event in heard if isinstance(event, Progress)]
    # one before the interruption, one before the failure
    assert progress[-1].points_done == 2
    keys = [event.key for event in progress if event.state == "measuring"]
    assert set(keys) == {"steps[0].steps[0]"} and len(keys) > 1


@pytest.mark.usefixtures("first_sweep_fails")
def test_after_a_failure_the_temperature_is_reached_again_before_the_plan_goes_on(lab: Lab) -> None:
    result = lab.run(a_plan(temperature_sweep("290 K"), on_failure="retry"))
    assert result.end == "finished"
    session = open_session(result.session)
    stage = session.runs[-1].rows[columns.STAGE_TEMPERATURE]
    assert stage == pytest.approx(290.0, abs=0.1)
    assert [entry.text for entry in session.journal].count("stable at 290 K") == 2


def test_what_the_operator_skips_or_the_plan_leaves_out_is_not_measured(lab: Lab) -> None:
    control = Control()
    control.skip(["steps[1]"])
    steps = [{**SWEEP, "voltages": [f"{n} V"]} for n in (1, 2, 3, 4)]
    result = lab.run(a_plan(*steps[:2], {**steps[2], "skip": True}, steps[3]), control=control)
    assert result.end == "finished"
    assert voltages(open_session(result.session)) == [1.0, 4.0]


def test_a_bench_that_measures_no_temperature_takes_the_rooms_and_says_so(lab: Lab) -> None:
    del lab.bench.stations["temperature_controller"]
    lab.bench.heater_end = HeaterEnd(temperature=294.5)
    result = lab.run(a_plan(SWEEP))
    session = open_session(result.session)
    (curve,) = jv_curves(session)
    assert curve.temperature == 294.5
    assert len(curve) == 3
    told = [entry.text for entry in session.journal if entry.level == "warning"]
    assert any("294.5 K" in text and "room_temperature" in text for text in told)


def test_a_known_curve_holds_only_what_the_device_itself_let_through() -> None:
    """In compliance the current is the source's, at a voltage that was not reached."""
    known = KnownCurrents()
    for voltage, current, flags in (
        (1.0, 1e-6, frozenset()),
        (2.0, 4e-6, frozenset({"remeasured"})),
        (3.0, 5e-6, frozenset({"compliance"})),
        (4.0, 1e-2, frozenset({"breakdown"})),
    ):
        known.add("film", {columns.VOLTAGE: voltage, columns.CURRENT: current}, flags)
    curve = known.curve("film")
    assert curve is not None
    assert [curve(voltage) for voltage in (1.0, 1.5, 2.0)] == pytest.approx([1e-6, 2.5e-6, 4e-6])
    assert curve(0.5) == 1e-6
    assert curve(4.0) == pytest.approx(1.6e-5)  # Mott and Gurney's square law
