"""How often intervals of delay times called *good* hold the truth, and how wide they are.

Each series is 28 widths from 2 to 300 µs in rising order; a reading is the mean of three repeats and brings
their standard error. Noise is a fraction of the reading (per repeat) plus 0.2 % of the largest light; arrival
times are log-normal; a drift is a background that rises linearly, by that part of the largest light, over the
series. The oracle is told dispersion and noise, and fits slope, delay time and the same drifting background;
the bound beside it is told the noise only, and is the least that anything honest about the dispersion
reaches.

Beside the grid: series as recorded whose background dominates, one dark reading and one pickup for three
repeats of every width, which no averaging makes smaller.
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
from procedures import columns
from qdlab.events import RowRecorded, RunStarted
from qdlab.records.curves import tel_series_of_rows

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


@dataclass(frozen=True, kw_only=True)
class Background:
    """A series whose background is uncertain: errors relative to the largest light [1], widths [s]."""

    name: str
    dispersion: float
    dark_error: float
    pickup_error: float
    widths: tuple[float, ...]
    delay_time: float = 20e-6
    own_error: float = 0.003


LATE_WIDTHS = tuple(width * 1e-6 for width in (30, 40, 50, 60, 70, 80, *range(100, 201, 20), 240, 280))
BACKGROUNDS = (
    Background(name="dark", dispersion=0.0, dark_error=0.01, pickup_error=0.0, widths=LATE_WIDTHS),
    Background(name="dark", dispersion=0.3, dark_error=0.01, pickup_error=0.0, widths=LATE_WIDTHS),
    Background(name="pickup", dispersion=0.0, dark_error=0.0, pickup_error=0.01, widths=LATE_WIDTHS),
    Background(
        name="dark and pickup", dispersion=0.2, dark_error=0.01, pickup_error=0.01, widths=LATE_WIDTHS
    ),
    Background(
        name="dark, onset seen", dispersion=0.3, dark_error=0.01, pickup_error=0.0, widths=tuple(WIDTHS)
    ),
)
_STARTED = RunStarted(
    run="0001", procedure="TELSeries", device="diode", parameters={}, columns=(), sequence=1, time=0.0
)


def rows_of(case: Background, generator: np.random.Generator) -> list[RowRecorded]:
    """Rows as a series records them: its background was read once for all repeats."""
    light = onset_light(
        np.array(case.widths), np.array([case.delay_time]), np.array([max(case.dispersion, 1e-3)])
    )[0]
    largest = float(light.max())
    own, dark, pickup = (largest * error for error in (case.own_error, case.dark_error, case.pickup_error))
    background = dark * generator.standard_normal() + pickup * generator.standard_normal(len(light))
    told = {
        columns.PULSE_AMPLITUDE: 5.0,
        columns.SAMPLE_TEMPERATURE: 297.0,
        columns.LIGHT_CURRENT_ERROR: math.hypot(own, dark, pickup),
        columns.DARK_ERROR: dark,
        columns.PICKUP_ERROR: pickup,
    }
    return [
        RowRecorded(
            run="0001",
            sequence=2,
            time=0.0,
            utc="",
            values={**told, columns.PULSE_WIDTH: float(width), columns.LIGHT_CURRENT: float(reading)},
            flags=frozenset(),
        )
        for _ in range(REPEATS)
        for width, reading in zip(
            case.widths, light - background + own * generator.standard_normal(len(light)), strict=True
        )
    ]


def background_coverage(case: Background, trials: int) -> tuple[int, int]:
    """How many series are called good, and how many of their intervals hold the delay time."""
    generator = np.random.default_rng([SEED, BACKGROUNDS.index(case)])
    good = covered = 0
    for _ in range(trials):
        (series,) = tel_series_of_rows(_STARTED, rows_of(case, generator))
        delay = fit_delay_time(series).delay_time
        if delay.verdict.is_good and delay.confidence_interval is not None:
            low, high = delay.confidence_interval
            good += 1
            covered += low <= case.delay_time <= high
    return good, covered


def measure(full: bool = False) -> list[dict[str, str]]:
    """Rows for the benchmark table: 4000 trials a cell in full, 40 otherwise."""
    trials = 4000 if full else 40
    return summarise(run_grid(trials)) + measure_backgrounds(trials)


def measure_backgrounds(trials: int) -> list[dict[str, str]]:
    """Rows for the series whose background dominates."""
    with ProcessPoolExecutor(os.cpu_count()) as executor:
        found = list(executor.map(background_coverage, BACKGROUNDS, [trials] * len(BACKGROUNDS)))
    return [
        {
            "figure": f"delay time, uncertain background ({case.name}, dispersion {case.dispersion:g}): "
            f"coverage of {good} intervals called good of {trials}, seed {SEED}",
            "goal": f">= {GOAL_COVERAGE:.0%}",
            "measured": f"{covered / good:.1%}" if good else "none good",
            "peer": "",
        }
        for case, (good, covered) in zip(BACKGROUNDS, found, strict=True)
    ]


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

    trials = 4000 if "--full" in sys.argv[1:] else 40
    outcomes = run_grid(trials)
    for outcome in outcomes:
        share = outcome.good / outcome.trials
        widths = f"width {outcome.width_ratio:.2f} of the oracle's, {outcome.bound_ratio:.2f} of the bound's"
        print(f"{_name(outcome.cell)}: coverage {outcome.coverage:.3f}, good {share:.3f}, {widths}")
    for row in summarise(outcomes) + measure_backgrounds(trials):
        print(f"{row['figure']}: {row['measured']} (goal {row['goal']})")


if __name__ == "__main__":
    main()
