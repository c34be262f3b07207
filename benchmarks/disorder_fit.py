"""The disorder fit: how long it takes, whether its intervals hold the truth, what it makes of real curves.

Synthetic data: sigma 0.12 eV, a 2.8 nm, 110 nm, 217 to 297 K, 60 voltages to 7 V, 2 % noise. Measured data:
the sample curves of Felekidis et al. (2018), their conventions, our selection of points and theirs.
"""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analysis.constants import electronvolt, nanometre
from analysis.conventions import CONVENTIONS
from analysis.curves import JVCurve
from analysis.disorder_fit import DisorderFit, fit_disorder
from analysis.disorder_model import transport_problem
from analysis.drift_diffusion import solve_many
from analysis.published import felekidis2018
from analysis.space_charge import select_points
from benchmarks._timing import median_time

SEED = 20240917
TRUTH = {
    "disorder_width": 0.12 * electronvolt,
    "hopping_distance": 2.8 * nanometre,
    "mobility_prefactor": 6e-8,
}
TEMPERATURES = np.linspace(217, 297, 9)
VOLTAGE = np.linspace(7 / 60, 7, 60)
GOAL_COVERAGE = 0.95

Row = dict[str, str]


def measure(full: bool = False) -> list[Row]:
    """The figures; with `full`, four hundred fits for the coverage instead of forty."""
    return [*_times(), _coverage(400 if full else 40), *_measured()]


def _row(figure: str, goal: str, measured: str, peer: str = "") -> Row:
    return {"figure": figure, "goal": goal, "measured": measured, "peer": peer}


def synthetic(
    temperatures: Sequence[float], generator: np.random.Generator, voltage: np.ndarray = VOLTAGE
) -> list[JVCurve]:
    """Curves of the true device with 2 % noise."""
    curves = []
    for temperature in temperatures:
        problem = transport_problem(CONVENTIONS["li2024"], TRUTH, float(temperature), 110 * nanometre, 4.0)
        exact = solve_many([(voltage, problem)])[0].current_density
        curves.append(
            JVCurve(
                voltage=voltage,
                current_density=exact * (1 + 0.02 * generator.standard_normal(len(voltage))),
                temperature=float(temperature),
                thickness=110 * nanometre,
                relative_permittivity=4.0,
            )
        )
    return curves


def _times() -> list[Row]:
    curves = synthetic(TEMPERATURES, np.random.default_rng(SEED))
    cold = median_time(lambda: fit_disorder(curves, with_model_range=False))
    whole = median_time(lambda: fit_disorder(curves), runs=3)
    shorter = [*curves[:-1], curves[-1].select(np.arange(60) < 59)]
    running = fit_disorder(shorter, with_model_range=False)
    live = median_time(lambda: running.refit(curves))
    return [
        _row("9 x 60 points, 3 parameters, cold, covariance included", "0.5 s", f"{cold:.2f} s"),
        _row("the same with the model range", "", f"{whole:.2f} s"),
        _row("one more point in a running fit", "50 ms", f"{live * 1e3:.0f} ms"),
    ]


def _coverage(trials: int) -> Row:
    generator = np.random.default_rng(SEED)
    inside = dict.fromkeys(TRUTH, 0)
    for _ in range(trials):
        curves = synthetic((257.0, 277.0, 297.0), generator, np.linspace(0.35, 7, 20))
        fit = fit_disorder(curves, with_model_range=False, with_systematic=False)
        for name, estimate in fit.parameters.items():
            error = estimate.standard_error
            inside[name] += error is not None and abs(estimate.value - TRUTH[name]) < 1.96 * error
    told = ", ".join(f"{name} {count / trials:.1%}" for name, count in inside.items())
    return _row(
        f"95 % statistical intervals that hold the truth ({trials} fits, seed {SEED})",
        f"{GOAL_COVERAGE:.0%}",
        told,
    )


def _measured() -> list[Row]:
    folder = Path(
        os.environ.get(
            "QDLAB_MEASURED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data" / "felekidis2018"
        )
    )
    if not folder.is_dir():
        return [_row("published disorder found again", "5 %, 10 %", "no curves; set QDLAB_MEASURED_DATA")]
    rows = []
    for published, pattern in (
        (felekidis2018.TQ1_PRISTINE, "HOMO_TQ1_pristine*"),
        (felekidis2018.TQ1_PC71BM, "HOMO_TQ1-PCBM71*"),
    ):
        curves = _felekidis_curves(folder, pattern)
        ours = fit_disorder(curves, convention="felekidis2018", with_model_range=False)
        selection = felekidis2018.DRIFT_DIFFUSION_SELECTION
        theirs = [curve.select(select_points(curve, selection)) for curve in curves]
        selected = fit_disorder(
            theirs,
            convention="felekidis2018",
            with_model_range=False,
            voltage_window=(0.0, 99.0),
            robust=False,
        )
        for label, fit in (("our points", ours), ("their points", selected)):
            rows.append(
                _row(
                    f"{published.material}, {label}: sigma, a, barriers",
                    "5 %, 10 %, not_identifiable",
                    _against(fit, published.disorder_width, published.hopping_distance),
                )
            )
        rows.append(
            _row(
                f"{published.material}: sum of (Δ log10 J)² per temperature, their points",
                f"{1.5 * published.mean_square_misfit:.3f}",
                f"{selected.mean_square_misfit:.3f}, of which {_between_temperatures(selected):.3f} by whole "
                f"curves too high or too low; the printed parameters themselves "
                f"{_printed_misfit(theirs, published):.3f}",
                f"printed {published.mean_square_misfit}",
            )
        )
    return rows


def _against(fit: DisorderFit, width: float, distance: float) -> str:
    found = fit.parameters
    return (
        f"{found['disorder_width'].value / width - 1:+.1%}, "
        f"{found['hopping_distance'].value / distance - 1:+.1%}, "
        f"{found['injecting_barrier'].verdict.word}"
    )


def _between_temperatures(fit: DisorderFit) -> float:
    """The part of the misfit that goes when each curve may be shifted as a whole: no law of T takes it."""
    shifts = []
    for entry in fit.curves:
        known = np.isfinite(entry.model)
        off = np.log10(entry.model[known] / entry.curve.current_density[known])
        shifts.append(len(off) * float(np.mean(off)) ** 2)
    return float(np.mean(shifts))


def _printed_misfit(curves: Sequence[JVCurve], published: felekidis2018.PublishedSeries) -> float:
    extracting, injecting = published.injection_barriers
    values = {
        "disorder_width": published.disorder_width,
        "hopping_distance": published.hopping_distance,
        "attempt_rate": published.attempt_rate,
        "injecting_barrier": injecting,
        "extracting_barrier": extracting,
    }
    sums = []
    for curve in curves:
        problem = transport_problem(
            CONVENTIONS["felekidis2018"], values, curve.temperature, curve.thickness, 3.6
        )
        model = solve_many([(curve.voltage, problem)])[0].current_density
        sums.append(float(np.sum(np.log10(model / curve.current_density) ** 2)))
    return float(np.mean(sums))


def _felekidis_curves(folder: Path, pattern: str) -> list[JVCurve]:
    curves = []
    for path in sorted(folder.glob(pattern)):
        voltage, current = np.loadtxt(path).T
        named = re.search(r"_(\d+)nm_(\d+)K", path.name)
        assert named is not None
        thickness, temperature = named.groups()
        curves.append(
            JVCurve(
                voltage=voltage,
                current_density=current * 10,
                temperature=float(temperature),
                thickness=float(thickness) * nanometre,
                relative_permittivity=felekidis2018.RELATIVE_PERMITTIVITY,
            )
        )
    return curves


if __name__ == "__main__":
    for row in measure("--full" in sys.argv):
        print(" | ".join(row.values()))
