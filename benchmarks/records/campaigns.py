"""A whole campaign on the simulated bench, stopped anywhere and gone on with until it is complete."""

import contextlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.records.faults import MachineStops, StoppingDisk
from benchmarks.records.trials import FILM
from qdlab.campaign import run_campaign, session_document, simulated_devices
from qdlab.config import PlanConfig
from qdlab.records import SessionWriter, open_session, verify_session
from qdlab.records.curves import jv_point
from qdlab.records.resume import final_rows, final_runs, run_chain
from qdlab.records.storage import Storage
from qdlab.simulators import open_simulated_bench

CHECK = "Check after resume"
Points = Counter[tuple[float, ...]]


def sweep_plan(temperatures: list[str], voltages: list[str]) -> PlanConfig:
    """A J-V sweep at every temperature, and again at the first one."""
    sweep = {
        "kind": "temperature_sweep",
        "temperatures": temperatures,
        "ramp_rate": "0.2 K/s",
        "window": "20 s",
        "steps": [{"kind": "jv_sweep", "voltages": voltages, "settling_time": "10 ms"}],
    }
    return PlanConfig.model_validate({"name": "sweep", "devices": {"film": FILM}, "steps": [sweep]})


LONG_SWEEP = sweep_plan(["297 K", "277 K", "257 K", "237 K", "217 K"], ["1 V", "2 V", "3 V", "4 V"])
SHORT_SWEEP = sweep_plan(["297 K", "290 K"], ["1 V", "2 V", "3 V"])


@dataclass(frozen=True)
class Trial:
    """A campaign that was stopped some times and then complete.

    points : (visit of a temperature, voltage, direction, repeat) -> how often it stands in the final tables
    repeated : rows measured again that an earlier run held already
    lost : acknowledged rows that are gone
    findings : of verify, at every stage
    """

    points: Points
    repeated: int
    lost: int
    findings: tuple[str, ...]


def whole_campaign(plan: PlanConfig, folder: Path) -> tuple[int, Points]:
    """The campaign without a stop: calls the recorder makes of the disk, and the final points."""
    disk = StoppingDisk(at=1 << 60)
    path, _ = run_until_stopped(plan, disk, folder)
    assert path is not None
    return disk.calls, final_points(path)


def run_until_stopped(
    plan: PlanConfig, disk: Storage, folder: Path, earlier: Path | None = None
) -> tuple[Path | None, int]:
    """Run, or resume, a campaign until its end or the machine's: the session, and rows acknowledged."""
    bench = open_simulated_bench(seed=5, devices=simulated_devices(plan))
    session: SessionWriter | None = None
    heard = Counter[str]()
    with contextlib.suppress(MachineStops):
        if earlier is None:
            document = session_document(plan, bench)
            session = SessionWriter.create(
                folder, name=plan.name, document=document, clock=bench.clock, storage=disk
            )
            before = None
        else:
            before = open_session(earlier)
            session = SessionWriter.resume(earlier, clock=bench.clock, storage=disk)
        run_campaign(
            plan,
            bench,
            session,
            listener=lambda event: heard.update([type(event).__name__]),
            resume_from=before,
        )
    if session is not None:
        with contextlib.suppress(MachineStops):
            session.abandon()
    return (earlier if session is None else session.path), heard["RowRecorded"]


def stopped_and_resumed(plan: PlanConfig, folder: Path, stops: list[int], random: Random) -> Trial:
    """Stop the campaign at these calls, one after the other, cut the power each time, then let it finish."""
    findings: list[str] = []
    acknowledged, path = 0, None
    for at in [*stops, 1 << 60]:
        disk = StoppingDisk(at=at)
        earlier = path if path is not None and is_worth_resuming(path) else None
        path, rows = run_until_stopped(plan, disk, folder, earlier)
        disk.cut_power(random)
        acknowledged += rows
        if path is not None and is_worth_resuming(path):
            findings += verify_session(path).findings
    assert path is not None
    session = open_session(path)
    recorded = sum(len(run.rows) for run in session.runs)
    points = final_points(path)
    in_checks = sum(len(run.rows) for run in session.runs if CHECK in run.header.conditions)
    return Trial(
        points=points,
        repeated=recorded - in_checks - sum(points.values()),
        lost=max(acknowledged - recorded, 0),
        findings=tuple(findings),
    )


def is_worth_resuming(path: Path) -> bool:
    """Whether anything had been written that a campaign could go on from."""
    return (path / "session.toml").exists() and (path / "journal.jsonl").exists()


def final_points(path: Path) -> Points:
    """Every point of the final tables, without the checks made after a resume."""
    runs = [run for run in open_session(path).runs if CHECK not in run.header.conditions]
    found: Points = Counter()
    for run in final_runs(runs):
        for row in final_rows(run_chain(runs, run), jv_point):
            found[(run.header.conditions["Visit"], *jv_point(row.values))] += 1
    return found
