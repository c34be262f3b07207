"""How long a person waits before the program says something."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from qdlab.launch import start_runner
from qdlab.protocol import Client


def measure(full: bool = False) -> list[dict[str, str]]:
    """Time of whole processes, interpreter included; the bare interpreter stands beside it."""
    trials = 50 if full else 10
    help_times = _times([sys.executable, "-P", "-m", "qdlab", "--help"], trials)
    bare = _times([sys.executable, "-P", "-c", "pass"], trials)
    runners = _runner_times(20 if full else 5)
    return [
        {
            "figure": f"qdlab --help, {trials} starts",
            "goal": "< 0.5 s",
            "measured": f"median {statistics.median(help_times):.3f} s, worst {max(help_times):.3f} s",
            "peer": f"bare interpreter {statistics.median(bare):.3f} s",
        },
        {
            "figure": f"a runner for the simulated bench, {len(runners)} starts: ready, guarded",
            "goal": "",
            "measured": f"median {statistics.median(runners):.2f} s, worst {max(runners):.2f} s",
        },
    ]


def _runner_times(trials: int) -> list[float]:
    times = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["QDLAB_RUNTIME_DIR"] = os.environ["QDLAB_LOG_DIR"] = folder
        for _ in range(trials):
            started = time.perf_counter()
            facts, process = start_runner("sim", owner="benchmark")
            times.append(time.perf_counter() - started)
            with Client.attach(facts) as client:
                client.request("quit")
            process.wait()
    return times


def _times(command: list[str], trials: int) -> list[float]:
    times = []
    for _ in range(trials):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - started)
    return times
