"""What a campaign costs beyond the boxes' own time, a night of temperatures, faults at instrument calls."""

import math
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np

from benchmarks.records.trials import DIODE, FILM
from qdlab.adaptive import DelayTimeKnown, ShortensInterval, fit_measured
from qdlab.campaign import CampaignResult, open_campaign_session, run_campaign, simulated_devices
from qdlab.config import PlanConfig
from qdlab.events import RowRecorded
from qdlab.records.storage import Disk
from qdlab.simulators import open_simulated_bench
from sim_instruments.emission import Emission
from sim_instruments.wiring import SimBench

Trial = TypeVar("Trial")


def plan_of(*steps: dict[str, Any]) -> PlanConfig:
    return PlanConfig.model_validate(
        {"name": "benchmark", "devices": {"film": FILM, "diode": DIODE}, "steps": list(steps)}
    )


def sweep_of(points: int, **more: Any) -> dict[str, Any]:
    voltages = {"start": "0.5 V", "stop": "5 V", "points": points}
    return {"kind": "jv_sweep", "voltages": voltages, "settling_time": "10 ms", **more}


EVERYTHING = plan_of(
    {"kind": "pixel_check"},
    {
        "kind": "temperature_sweep",
        "temperatures": ["297 K"],
        "window": "6 s",
        "probe_voltage": "0.1 V",
        "steps": [sweep_of(3)],
    },
    {"kind": "conditioning", "voltage": "1 V", "duration": "2 s", "interval": "1 s"},
    sweep_of(3, hardware_sweep=True),
    {"kind": "operator", "text": "over", "device": "diode", "source": "pulse_generator"},
    {
        "kind": "tel_series",
        "pulse_amplitudes": ["4 V", "5 V"],
        "pulse_widths": ["50 us", "100 us"],
        "repeats": 1,
        "readings": 1,
        "pickup_amplitude": "1 V",
    },
)


NOISE = 5e-10  # [A] of one reading, beside 1e-7 A at the widest pulse


class Cables:
    """The cables of a simulated bench, with the time spent beyond them, and a fuse."""

    def __init__(self, simulation: SimBench) -> None:
        self.seconds, self.calls = 0.0, 0
        self.blow_at = 0
        self.problem: Callable[[], BaseException] = RuntimeError
        self._transport = simulation.transport
        simulation.transport = self._cable  # type: ignore[method-assign]

    def _cable(self, box: str) -> Any:
        cable = self._transport(box)
        cable.write, cable.read = self._timed(cable.write), self._timed(cable.read)  # type: ignore[method-assign]
        return cable

    def _timed(self, exchange: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.calls += 1
            if self.calls == self.blow_at:
                raise self.problem()
            started = time.perf_counter()
            try:
                return exchange(*arguments)
            finally:
                self.seconds += time.perf_counter() - started

        return call


def run(
    plan: PlanConfig, *, prepare: Callable[[SimBench, Cables], None] | None = None, **more: Any
) -> CampaignResult:
    """One campaign on a fresh simulated bench, in a folder that is thrown away."""
    simulation = SimBench(seed=1, devices=simulated_devices(plan))
    cables = Cables(simulation)
    with tempfile.TemporaryDirectory() as folder:
        bench = open_simulated_bench(simulation=simulation)
        session = open_campaign_session(Path(folder), plan, bench)
        if prepare is not None:
            prepare(simulation, cables)
        return run_campaign(plan, bench, session, **more)


def overhead_per_point(points: int) -> tuple[float, float]:
    """Median wall time from row to row less what the boxes took, and the disk's share of it [s]."""
    cables: list[Cables] = []
    stamps: list[tuple[float, float, float]] = []
    synced = 0.0
    sync = Disk.sync

    def timed_sync(self: Disk, handle: int) -> None:
        nonlocal synced
        started = time.perf_counter()
        sync(self, handle)
        synced += time.perf_counter() - started

    def listen(event: object) -> None:
        if isinstance(event, RowRecorded):
            stamps.append((time.perf_counter(), cables[0].seconds, synced))

    with patch.object(Disk, "sync", timed_sync):
        run(
            plan_of(sweep_of(points)),
            prepare=lambda _, all_cables: cables.append(all_cables),
            listener=listen,
        )
    steps = [[after - before for before, after in zip(*pair, strict=True)] for pair in pairwise(stamps)]
    return median(wall - boxes for wall, boxes, _ in steps), median(disk for _, _, disk in steps)


def night(hours: float) -> dict[str, float]:
    """A temperature sweep of so many simulated hours: wall time, rows, memory grown in its second half."""
    visits = max(4, round(hours * 2))
    temperatures = [f"{297 - 10 * (index % 9)} K" for index in range(visits)]
    step = {
        "kind": "temperature_sweep",
        "temperatures": temperatures,
        "soak": "1500 s",
        "warm_end": False,
        "measure_first_again": False,
        "steps": [sweep_of(60)],
    }
    seen: list[tuple[float, float]] = []

    def listen(event: object) -> None:
        if isinstance(event, RowRecorded):
            seen.append((event.time, _resident()))

    started, processor = time.perf_counter(), time.process_time()
    result = run(plan_of(step), listener=listen)
    assert result.end == "finished", result
    half = seen[len(seen) // 2][1]
    return {
        "hours": seen[-1][0] / 3600,
        "seconds": time.perf_counter() - started,
        "processor": time.process_time() - processor,
        "rows": len(seen),
        "growth": seen[-1][1] - half,
    }


def planted_faults(step: int, problem: type[BaseException]) -> dict[str, float]:
    """A fault at every so-many-th instrument call of every procedure.

    Gives trials, outputs left on, and how long after the fault those that were on went off (99 %).
    """
    begun: list[tuple[Cables, int]] = []
    run(EVERYTHING, prepare=lambda _, cables: begun.append((cables, cables.calls)))
    cables, calls_before = begun[0]
    places = range(1, cables.calls - calls_before + 1, step)
    found = on_all_processors(partial(_planted_fault, problem), places, name=problem.__name__)
    durations = [seconds for _, off_after in found for seconds in off_after]
    return {
        "trials": len(found),
        "left_on": sum(left_on for left_on, _ in found),
        "p99": quantile(durations, 0.99),
    }


def _planted_fault(problem: type[BaseException], at: int) -> tuple[bool, list[float]]:
    """Whether an output was left on, and how long after the fault those that were on went off [s]."""
    witness = _Witness(problem)
    with patch.object(Disk, "sync", lambda *_: None):  # what is looked at are the outputs, not the disk
        result = run(EVERYTHING, prepare=partial(witness.watch, at=at))
    # a fault that was healed within the run switches nothing off
    return any(witness.on.values()), [] if result.end == "finished" else witness.off_after


def on_all_processors(trial: Callable[[int], Trial], numbers: Sequence[int], *, name: str) -> list[Trial]:
    """What a trial of each number gives, in their order; every hundredth is told."""
    found: list[Trial] = []
    with ProcessPoolExecutor(os.cpu_count()) as executor:
        for one in executor.map(trial, numbers, chunksize=8):
            found.append(one)
            if len(found) % 100 == 0:
                print(f"{name}: {len(found)} of {len(numbers)}", file=sys.stderr, flush=True)
    return found


def quantile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed; NaN of none."""
    return sorted(values)[round(share * (len(values) - 1))] if values else math.nan


class _Witness:
    """Sees at the boxes which outputs are on, and when they went off after the fault."""

    def __init__(self, problem: Callable[[], BaseException]) -> None:
        self._problem = problem
        self._fault: float | None = None
        self._on_at_fault: set[str] = set()
        self.on: dict[str, bool] = {}
        self.off_after: list[float] = []

    def watch(self, simulation: SimBench, cables: Cables, at: int) -> None:
        self._clock = simulation.clock
        cables.blow_at, cables.problem = cables.calls + at, self._blow
        for box in simulation.boxes.values():
            box.witness = self._note

    def _blow(self) -> BaseException:
        self._fault = self._clock.monotonic()
        self._on_at_fault = {name for name, on in self.on.items() if on}
        return self._problem()

    def _note(self, box: Any, on: bool, volts: float) -> None:
        self.on[box.name] = on
        if self._fault is not None and not on and box.name in self._on_at_fault:
            self._on_at_fault.discard(box.name)
            self.off_after.append(self._clock.monotonic() - self._fault)


WIDTHS = [2e-6, 5e-6, 10e-6, 20e-6, 40e-6, 60e-6, 80e-6, 100e-6, 120e-6]


def adaptive_coverage(trials: int, *, adaptive: bool) -> dict[str, float]:
    """Series of a dispersed onset that end once the delay time is known to 0.6 µs.

    Without `adaptive` the widths come round and round; with it each is chosen. Gives how many were called
    good, the share of their intervals that hold the delay time, and the readings spent (median).
    """
    name = "widths chosen" if adaptive else "widths in turn"
    found = on_all_processors(partial(_series_ended_early, adaptive), range(trials), name=name)
    held = [one for one, _ in found if one is not None]
    readings = [count for _, count in found]
    return {"good": len(held), "held": sum(held) / max(len(held), 1), "readings": median(readings)}


def _series_ended_early(adaptive: bool, seed: int) -> tuple[bool | None, int]:
    """Whether the interval holds the delay time, None where it is not called good; and readings spent."""
    emission = Emission(dispersion=0.2)
    truth = emission.delay_time(20e-6)
    generator = np.random.default_rng([11, seed])

    def light(width: float) -> tuple[float, float, float]:
        pulse = emission.pulse(transit_time=20e-6, width=width, period=1e-3)
        clean = 1e-6 * pulse.integral_of_train(1e-3) / 1e-3
        return width, clean + NOISE * generator.standard_normal(), NOISE

    known, choose = DelayTimeKnown(6e-7), ShortensInterval(WIDTHS)
    measured = [light(width) for _ in range(3) for width in WIDTHS]
    while not known(measured) and len(measured) < 100:
        width = choose(measured) if adaptive else WIDTHS[len(measured) % len(WIDTHS)]
        assert width is not None
        measured.append(light(width))
    delay = fit_measured(measured).delay_time
    if not delay.verdict.is_good or delay.confidence_interval is None:
        return None, len(measured)
    low, high = delay.confidence_interval
    return low <= truth <= high, len(measured)


def measure(full: bool = False) -> list[dict[str, str]]:
    """Rows of the benchmark table; in full each is told as soon as it is known."""
    rows = []
    for row in _figures(full):
        rows.append({**row, "peer": ""})
        if full:
            print(f"{row['figure']}: {row['measured']}", file=sys.stderr, flush=True)
    return rows


def _figures(full: bool) -> Iterator[dict[str, str]]:
    overhead, disk = overhead_per_point(500 if full else 100)
    yield {
        "figure": "overhead per point, instrument time excluded",
        "goal": "< 2 ms",
        "measured": f"{overhead * 1e3:.2f} ms, {disk * 1e3:.2f} ms of it the disk's sync",
    }
    long = night(10.0 if full else 2.0)
    yield {
        "figure": f"temperature sweep of {long['hours']:.1f} simulated hours, {long['rows']:.0f} rows",
        "goal": "10 h in < 60 s",
        "measured": f"{long['seconds']:.1f} s, {long['processor']:.1f} s of the processor's",
    }
    yield {
        "figure": "memory grown over its second half",
        "goal": "flat",
        "measured": f"{long['growth'] / 1e6:.1f} MB",
    }
    for name, problem in (
        ("exception", RuntimeError),
        ("time-out", TimeoutError),
        ("Ctrl-C", KeyboardInterrupt),
    ):
        faults = planted_faults(1 if full else 40, problem)
        took = "all healed" if math.isnan(faults["p99"]) else f"{faults['p99'] * 1e3:.0f} ms"
        yield {
            "figure": f"{name} at {faults['trials']:.0f} instrument calls: left on; off after, p99",
            "goal": "0; 50 ms",
            "measured": f"{faults['left_on']:.0f}; {took}",
        }
    for name, adaptive in (("in turn", False), ("chosen", True)) if full else ():
        coverage = adaptive_coverage(200, adaptive=adaptive)
        yield {
            "figure": f"series ended early, widths {name}: intervals of {coverage['good']:.0f} good ones",
            "goal": "at least 93 % hold",
            "measured": f"{coverage['held']:.0%} hold, {coverage['readings']:.0f} readings",
        }


def _resident() -> float:
    """Largest resident memory of this process so far [byte]."""
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
