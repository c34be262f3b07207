"""What a reading of the simulated sample costs, and an hour of its cold finger."""

import statistics
import time
from collections.abc import Callable

import numpy as np

from sim_instruments.clock import SimClock
from sim_instruments.conduction import CurrentTable, DriftDiffusion
from sim_instruments.cryostat import Cryostat
from sim_instruments.presets import preset
from sim_instruments.wiring import SimBench

SEED = 20260101
TEMPERATURES = (297.0, 283.3, 257.2, 231.9, 217.0)
VOLTAGES = np.linspace(0.05, 9.5, 60)


def seconds_each(action: Callable[[int], object], count: int) -> float:
    """Median cost of an action over five rounds [s]."""
    rounds = []
    for _ in range(5):
        start = time.perf_counter()
        for number in range(count):
            action(number)
        rounds.append((time.perf_counter() - start) / count)
    return statistics.median(rounds)


def hole_only_reading() -> float:
    """One true operating point of the hole-only pixel, its tables made [s]."""
    sample = SimBench(seed=SEED).samples["li2024/hole-only/1"]
    sample.force_voltage(1.0, 297.0)
    return seconds_each(lambda number: sample.force_voltage(0.005 * (number % 1000), 297.0), 5000)


def light_reading() -> float:
    """One mean photocurrent of a pulse train [s]."""
    bench = SimBench(seed=SEED)
    generator = bench.transport("mfg2230m")
    generator.write(
        b"OUTP1:LOAD INF;:SOUR1:FUNC PULS;PULS:PER 1ms;WIDT 100us;:SOUR1:AMP 4;DCO 2;:OUTP1 ON;*WAI"
    )
    return seconds_each(lambda number: bench.light.mean_current(1.0, 0.1), 2000)


def table_error() -> float:
    """Largest relative difference between the table and the solver it stands for [1]."""
    film = preset("li2024-hole-only-110nm").conduction
    assert isinstance(film, DriftDiffusion)
    table = CurrentTable(film)
    errors = [
        abs(table.current_density(voltage, temperature) / solved - 1)
        for temperature in TEMPERATURES
        for voltage, solved in zip(VOLTAGES, film.solve(VOLTAGES, temperature), strict=True)
    ]
    return max(errors)


def ten_hours_of_cold_finger() -> float:
    """A sweep from 297 to 217 K and a night at it [s]."""
    clock = SimClock()
    cryostat = Cryostat(clock=clock)
    start = time.perf_counter()
    cryostat.control(setpoint=217.0, ramp_rate=5 / 60)
    for _ in range(600):
        clock.wait(60.0)
        cryostat.measure_stage()
    return time.perf_counter() - start


def measure(*, full: bool) -> list[dict[str, str]]:
    return [
        {
            "figure": "operating point of the hole-only pixel",
            "goal": "microseconds",
            "measured": f"{1e6 * hole_only_reading():.1f} µs",
        },
        {
            "figure": "mean light of a pulse train",
            "goal": "microseconds",
            "measured": f"{1e6 * light_reading():.0f} µs",
        },
        {
            "figure": f"table against solver, {len(TEMPERATURES)} temperatures x {len(VOLTAGES)} voltages",
            "goal": "< 2e-4",
            "measured": f"{table_error():.1e}",
        },
        {
            "figure": "ten simulated hours of the cold finger",
            "goal": "milliseconds an hour",
            "measured": f"{1e3 * ten_hours_of_cold_finger() / 10:.0f} ms an hour",
        },
    ]
