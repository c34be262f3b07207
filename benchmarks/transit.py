"""How often intervals of delay times called *good* hold the truth, and how wide they are.

Each series is 28 widths from 2 to 300 µs in rising order; a reading is the mean of three repeats and brings
their standard error. Noise is a fraction of the reading (per repeat) plus 0.2 % of the largest light; arrival
times are log-normal; a drift is a background that rises linearly, by that part of the largest light, over the
series. The oracle is told dispersion and noise, and fits slope, delay time and the same drifting background;
the bound beside it is told the noise only, and is the least that anything honest about the dispersion
reaches.
"""

import math
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np

from analysis.curves import FloatArray, TELSeries
from analysis.transit import fit_delay_time
from analysis.transit.onset import OFFSET_DRIFT, onset_light

WIDTHS = np.array([2, 4, 7, 10, 15, 20, 25, *range(30, 101, 10), *range(120, 301, 20)]) * 1e-6
REPEATS = 3
NOISE_FLOOR = 0.002
GOAL_COVERAGE = 0.93
GOAL_WIDTH = 1.5
SEED = 20240917


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One corner of the grid: true delay time [s], dispersion, noise per repeat and offset drift [1]."""

    delay_time: float
    dispersion: float
    noise: float
    drift: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one cell's trials."""

    cell: Cell
    trials: int
    good: int
    covered: int
    width_ratio: float  # median width over the oracle's
    bound_ratio: float  # median width over the bound's, which does not know the dispersion

    @property
    def coverage(self) -> float:
        """Share of the good ones whose interval holds the truth; NaN where none was good."""
        return self.covered / self.good if self.good else math.nan


GRID = tuple(
    Cell(delay_time=delay, dispersion=dispersion, noise=noise, drift=drift)
    for delay, dispersion, noise, drift in product(
        (5e-6, 20e-6, 70e-6), (0.0, 0.25, 0.5), (0.005, 0.03, 0.1), (0.0, 0.01)
    )
)


def simulate_series(cell: Cell, generator: np.random.Generator) -> TELSeries:
    """One noisy series of a cell, light in units of its slope."""
    light, scatter = _light_and_scatter(cell)
    drift = cell.drift * light.max() * np.linspace(-0.5, 0.5, len(WIDTHS))
    readings = light + drift + scatter * generator.standard_normal((REPEATS, len(WIDTHS)))
    return TELSeries(
        pulse_width=WIDTHS,
        light_current=readings.mean(axis=0),
        light_current_error=readings.std(axis=0, ddof=1) / math.sqrt(REPEATS),
        pulse_amplitude=5.0,
        temperature=297.0,
    )


def _light_and_scatter(cell: Cell) -> tuple[FloatArray, FloatArray]:
    """Noise-free light, and the standard deviation of one repeat."""
    light = onset_light(WIDTHS, np.array([cell.delay_time]), np.array([max(cell.dispersion, 1e-3)]))[0]
    return light, np.hypot(cell.noise * light, NOISE_FLOOR * light.max())


def oracle_width(cell: Cell, *, told_dispersion: bool = True) -> float:
    """Width of the oracle's 95 % interval [s], from its Fisher information."""
    light, scatter = _light_and_scatter(cell)
    tau, s = cell.delay_time, max(cell.dispersion, 0.01)

    def derivative(delay_step: float, dispersion_step: float) -> FloatArray:
        ahead, behind = (
            onset_light(WIDTHS, np.array([tau + sign * delay_step]), np.array([s + sign * dispersion_step]))[
                0
            ]
            for sign in (1, -1)
        )
        return (ahead - behind) / (2 * (delay_step or dispersion_step))

    order = np.linspace(-0.5, 0.5, len(WIDTHS))
    columns = [derivative(1e-4 * tau, 0.0), light, np.ones_like(light), order]
    if not told_dispersion:
        columns.append(derivative(0.0, 1e-3))
    weighted = np.stack(columns, axis=1) / (scatter / math.sqrt(REPEATS))[:, None]
    information = weighted.T @ weighted
    information[3, 3] += (OFFSET_DRIFT * light.max()) ** -2
    return 2 * 1.96 * math.sqrt(np.linalg.inv(information)[0, 0])


def run_cell(cell: Cell, trials: int) -> Outcome:
    """Fit `trials` simulated series of one cell; the seed depends on the cell only."""
    generator = np.random.default_rng([SEED, GRID.index(cell) if cell in GRID else len(GRID)])
    widths, good, covered = [], 0, 0
    for _ in range(trials):
        delay = fit_delay_time(simulate_series(cell, generator)).delay_time
        if not delay.verdict.is_good or delay.confidence_interval is None:
            continue
        low, high = delay.confidence_interval
        good += 1
        covered += low <= cell.delay_time <= high
        widths.append(high - low)
    width = float(np.median(widths)) if widths else math.nan
    return Outcome(
        cell=cell,
        trials=trials,
        good=good,
        covered=covered,
        width_ratio=width / oracle_width(cell),
        bound_ratio=width / oracle_width(cell, told_dispersion=False),
    )


def run_grid(trials: int, cells: Sequence[Cell] = GRID) -> list[Outcome]:
    """Every cell, on all processors."""
    with ProcessPoolExecutor(os.cpu_count()) as executor:
        return list(executor.map(run_cell, cells, [trials] * len(cells)))


def measure(full: bool = False) -> list[dict[str, str]]:
    """Rows for the benchmark table: 4000 trials a cell in full, 40 otherwise."""
    return summarise(run_grid(4000 if full else 40))


def summarise(outcomes: Sequence[Outcome]) -> list[dict[str, str]]:
    """Worst coverage, share called good and width against the oracle over all cells."""
    judged = [outcome for outcome in outcomes if outcome.good]
    worst = min(judged, key=lambda outcome: outcome.coverage)
    ratios = [outcome.width_ratio for outcome in judged]
    bounds = [outcome.bound_ratio for outcome in judged]
    wide = [outcome for outcome in judged if outcome.width_ratio > GOAL_WIDTH]
    shares = [outcome.good / outcome.trials for outcome in outcomes]
    trials = outcomes[0].trials
    told = f"{len(outcomes)} cells, {trials} trials each, seed {SEED}"
    return [
        {
            "figure": f"delay time: worst coverage of 95 % intervals called good ({told})",
            "goal": f">= {GOAL_COVERAGE:.0%}",
            "measured": f"{worst.coverage:.1%} ({_name(worst.cell)})",
            "peer": "",
        },
        {
            "figure": "delay time: share of series called good, lowest and median cell",
            "goal": "reported",
            "measured": f"{min(shares):.0%}, {np.median(shares):.0%}",
            "peer": "",
        },
        {
            "figure": "delay time: median interval width against the oracle, median and widest cell",
            "goal": f"<= {GOAL_WIDTH}",
            "measured": f"{np.median(ratios):.2f}, {max(ratios):.2f}; above in {len(wide)} cells",
            "peer": "1 (told dispersion and noise)",
        },
        {
            "figure": "delay time: the same against the bound that is told the noise only",
            "goal": "reported",
            "measured": f"{np.median(bounds):.2f}, {max(bounds):.2f}",
            "peer": "1 (told noise)",
        },
    ]


def _name(cell: Cell) -> str:
    delay = f"{cell.delay_time * 1e6:g} µs"
    return f"{delay}, dispersion {cell.dispersion:g}, noise {cell.noise:.1%}, drift {cell.drift:.0%}"


def main() -> None:
    """Print every cell and the summary; ``--full`` for 4000 trials a cell."""
    import sys

    outcomes = run_grid(4000 if "--full" in sys.argv[1:] else 40)
    for outcome in outcomes:
        share = outcome.good / outcome.trials
        widths = f"width {outcome.width_ratio:.2f} of the oracle's, {outcome.bound_ratio:.2f} of the bound's"
        print(f"{_name(outcome.cell)}: coverage {outcome.coverage:.3f}, good {share:.3f}, {widths}")
    for row in summarise(outcomes):
        print(f"{row['figure']}: {row['measured']} (goal {row['goal']})")


if __name__ == "__main__":
    main()
