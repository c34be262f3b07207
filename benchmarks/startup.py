"""How long a person waits before the program says something."""

import statistics
import subprocess
import sys
import time


def measure(full: bool = False) -> list[dict[str, str]]:
    """Time of whole processes, interpreter included; the bare interpreter stands beside it."""
    trials = 50 if full else 10
    help_times = _times([sys.executable, "-P", "-m", "qdlab", "--help"], trials)
    bare = _times([sys.executable, "-P", "-c", "pass"], trials)
    return [
        {
            "figure": f"qdlab --help, {trials} starts",
            "goal": "< 0.5 s",
            "measured": f"median {statistics.median(help_times):.3f} s, worst {max(help_times):.3f} s",
            "peer": f"bare interpreter {statistics.median(bare):.3f} s",
        }
    ]


def _times(command: list[str], trials: int) -> list[float]:
    times = []
    for _ in range(trials):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - started)
    return times
