"""Many recorded campaigns analysed again, each with its disorder fit: how many a minute, and on two cores.

The campaigns are one of the simulated bench (five temperatures of the paper's film), recorded again and again
with scatter of its own in every reading.
"""

import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.records.trials import FILM
from procedures import columns
from qdlab.batch import Outcome, analyse_sessions, process_pool
from qdlab.campaign import open_campaign_session, run_campaign, simulated_devices
from qdlab.config import PlanConfig
from qdlab.machine_clock import MachineClock
from qdlab.records import Session, SessionWriter, open_session
from qdlab.simulators import open_simulated_bench

SCATTER = 0.005  # of every reading of the current [1]
PLAN = {
    "name": "benchmark",
    "devices": {"film": FILM},
    "steps": [
        {
            "kind": "temperature_sweep",
            "temperatures": ["297 K", "277 K", "257 K", "237 K", "217 K"],
            "steps": [
                {
                    "kind": "jv_sweep",
                    "voltages": {"start": "0.4 V", "stop": "7 V", "points_per_decade": 25},
                    "compliance_current": "20 mA",
                }
            ],
        }
    ],
}


def measure(full: bool = False) -> list[dict[str, str]]:
    """Rows of the benchmark table."""
    count = 300 if full else 24
    with tempfile.TemporaryDirectory() as folder:
        sessions = record_campaigns(Path(folder), count)
        # the first pool compiles what is not compiled yet
        analyse_sessions(sessions[:1], process_pool(1), with_model_range=False)
        _, _, first = timed(sessions[:1], 1)
        one, alone, busy_alone = timed(sessions, 1)
        two, shared, busy_shared = timed(sessions, 2)
    campaign = (busy_alone - first) / (count - 1)
    start = first - campaign
    beside = (busy_shared - 2 * start) / count
    failed = sum(outcome.results is None for outcome in one)
    same = sum(told(first) == told(second) for first, second in zip(one, two, strict=True))
    return [
        {
            "figure": f"{count} recorded campaigns analysed again with disorder fits, by 1 and 2 processes",
            "goal": "",
            "measured": f"{60 * count / alone:.0f} and {60 * count / shared:.0f} a minute, {failed} failed",
        },
        {
            "figure": "scaling from 1 to 2 processes, their start included",
            "goal": "75 % of perfect",
            "measured": f"{alone / shared / 2:.0%}",
        },
        {
            # what the wall clock would say if nothing else ran here
            "figure": "processor time a campaign, alone and beside another process; to start a process",
            "goal": "",
            "measured": f"{campaign:.2f} s and {beside:.2f} s; {start:.1f} s; so scaling can be "
            f"{(start + count * campaign) / (2 * start + count * beside):.0%}",
        },
        {
            "figure": "results identical for 1 and 2 processes",
            "goal": f"{count} of {count}",
            "measured": f"{same} of {count}",
        },
    ]


def record_campaigns(folder: Path, count: int) -> list[Path]:
    """That many sessions of the same sweeps, each with other scatter."""
    plan = PlanConfig.model_validate(PLAN)
    bench = open_simulated_bench(seed=1, devices=simulated_devices(plan))
    campaign = run_campaign(plan, bench, open_campaign_session(folder / "first", plan, bench))
    measured = open_session(campaign.session)
    return [record_again(measured, folder, seed) for seed in range(count)]


def record_again(measured: Session, folder: Path, seed: int) -> Path:
    """The session's runs in a new session, their currents scattered."""
    scatter = np.random.default_rng(seed)
    facts = {key: value for key, value in measured.document.items() if key != "session"}
    writer = SessionWriter.create(folder, name=f"campaign {seed}", document=facts, clock=MachineClock())
    for run in measured.runs:
        again = writer.open_run(run.header)
        factors = 1 + SCATTER * scatter.standard_normal(len(run.rows))
        again.write_many(
            [
                ({**row.values, columns.CURRENT: row.values[columns.CURRENT] * factor}, row.flags)
                for row, factor in zip(run.recorded_rows(), factors.tolist(), strict=True)
            ]
        )
        again.end("finished")
    writer.close()
    return writer.path


def timed(sessions: list[Path], jobs: int) -> tuple[list[Outcome], float, float]:
    """Outcomes, how long they took, and the processor time of the processes that made them [s]."""
    started, before = time.perf_counter(), os.times()
    outcomes = analyse_sessions(sessions, process_pool(jobs), with_model_range=False)
    took, after = time.perf_counter() - started, os.times()
    return outcomes, took, sum(after[2:4]) - sum(before[2:4])


def told(outcome: Outcome) -> str:
    """An outcome as text, every digit of it."""
    return json.dumps([outcome.session.name, outcome.results, outcome.problem])
