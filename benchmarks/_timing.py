"""How long a call takes."""

import statistics
import time
from collections.abc import Callable


def median_time(run: Callable[[], object], runs: int = 5) -> float:
    """Median of some runs after a first one that does not count [s]."""
    run()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times)
