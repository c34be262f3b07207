"""The drift-diffusion solver: accuracy, robustness and speed, with devsim beside it on the same curve.

The device is the hole-only diode of Li et al. (2024) with sigma 0.12 eV, a 2.8 nm, 110 nm: sixty voltages to
7 V. Times are medians of several runs after the first. devsim solves the same equations with the same caps
and contacts on 200 cells, refined at the contacts.
"""

import csv
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from analysis.constants import BOLTZMANN_CONSTANT, electronvolt, nanometre
from analysis.drift_diffusion import (
    EGDM,
    BarrierContacts,
    ConstantMobility,
    OhmicContacts,
    TransportProblem,
    solve_many,
)
from analysis.drift_diffusion.solution import Accuracy, Statistics
from benchmarks._timing import median_time

SEED = 20241103
VOLTAGE = np.linspace(7 / 60, 7, 60)
MODEL = EGDM(disorder_width=0.12 * electronvolt, hopping_distance=2.8 * nanometre, mobility_prefactor=6e-8)
FILM = TransportProblem(
    mobility=MODEL, temperature=297.0, thickness=110 * nanometre, relative_permittivity=4.0
)
TEMPERATURES = np.linspace(217, 297, 9)

Row = dict[str, str]


def measure(full: bool = False) -> list[Row]:
    """The figures; with `full`, ten thousand random devices instead of five hundred."""
    return [*_accuracy(), _robustness(10_000 if full else 500), *_speed(), _first_call(), _import_time()]


def _row(figure: str, goal: str, measured: str, peer: str = "") -> Row:
    return {"figure": figure, "goal": goal, "measured": measured, "peer": peer}


def _accuracy() -> list[Row]:
    folder = _reference_folder()
    goals: dict[Accuracy, str] = {"standard": "1e-3", "fine": "1e-4"}
    if folder is None:
        return [_row("error against reference tables", "1e-3", "tables not found; set QDLAB_REFERENCE_DATA")]
    rows = []
    for accuracy, goal in goals.items():
        errors = {
            name: max(
                float(np.max(np.abs(solution.current_density / expected - 1)))
                for (_, _, expected), solution in zip(
                    cases,
                    solve_many([(voltage, problem) for voltage, problem, _ in cases], accuracy=accuracy),
                    strict=True,
                )
            )
            for name, cases in _references(folder).items()
        }
        told = ", ".join(f"{name} {error:.1e}" for name, error in errors.items())
        rows.append(_row(f"largest error, {accuracy}", goal, told))
    return rows


Case = tuple[np.ndarray, TransportProblem, np.ndarray]


def _reference_folder() -> Path | None:
    beside = Path(__file__).resolve().parents[2] / "shared" / "reference"
    folder = Path(os.environ.get("QDLAB_REFERENCE_DATA", beside))
    return folder if folder.is_dir() else None


def _references(folder: Path) -> dict[str, list[Case]]:
    constant = np.array(_rows(folder / "constant_mobility_exact.csv"), dtype=float)
    exact = replace(FILM, mobility=ConstantMobility(value=4.4e-11, site_density=MODEL.site_density))
    cases: dict[str, list[Case]] = {"exact": [(constant[:, 0], exact, constant[:, 1])]}
    table = np.array(_rows(folder / "egdm_reference.csv"), dtype=float)
    kinds: dict[float, Statistics] = {0.0: "gaussian", 1.0: "classical"}
    for kind, name in kinds.items():
        cases[f"EGDM {name}"] = [
            (part[:, 2], replace(FILM, temperature=temperature, statistics=name), part[:, 3])
            for temperature in (217.0, 257.0, 297.0)
            for part in [table[(table[:, 0] == kind) & (table[:, 1] == temperature)]]
        ]
    cases["TQ1"] = _felekidis(
        folder / "dd_reference_TQ1_pristine.csv", 160, 0.0927, 1.93, 3.12e9, 0.057, 0.127
    )
    cases["TQ1:PC71BM"] = _felekidis(
        folder / "dd_reference_TQ1_PC71BM_1-1.csv", 110, 0.0922, 1.75, 4.22e9, 0.069, 0.1
    )
    return cases


def _rows(path: Path) -> list[list[str]]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [row for row in csv.reader(lines) if row[0] not in ("V", "material")]


def _felekidis(
    path: Path,
    thickness: float,
    width: float,
    distance: float,
    rate: float,
    injecting: float,
    extracting: float,
) -> list[Case]:
    rows = _rows(path)
    temperature, voltage = (np.array([float(row[k]) for row in rows]) for k in (1, 2))
    cases = []
    for factor, column in ((0.87, 9), (1.0, 10)):
        expected = np.array([float(row[column]) for row in rows])
        for one in np.unique(temperature):
            problem = TransportProblem(
                mobility=EGDM.from_felekidis(
                    disorder_width=width * electronvolt,
                    hopping_distance=distance * nanometre,
                    attempt_rate=rate,
                    c1=factor,
                ),
                temperature=float(one),
                thickness=thickness * nanometre,
                relative_permittivity=3.6,
                contacts=BarrierContacts(
                    injecting=injecting * electronvolt, extracting=extracting * electronvolt
                ),
            )
            chosen = temperature == one
            cases.append((voltage[chosen], problem, expected[chosen]))
    return cases


def random_problem(generator: np.random.Generator) -> TransportProblem:
    """1.8 to 8 kT of disorder, 40 to 300 nm, 150 to 350 K, barriers to 0.3 eV, built-in voltages to 2 V."""
    temperature = generator.uniform(150, 350)
    caps = generator.integers(2)
    model = EGDM(
        disorder_width=generator.uniform(1.801, 8) * BOLTZMANN_CONSTANT * temperature,
        hopping_distance=generator.uniform(1, 4) * nanometre,
        mobility_prefactor=1e-7,
        reduced_field_cap=2.0 if caps else None,
        density_cap=0.1 if caps else None,
    )
    barrier, built_in = generator.uniform(0, 0.3) * electronvolt, generator.uniform(0, 2)
    with_barriers = generator.integers(2)
    return TransportProblem(
        mobility=model,
        temperature=temperature,
        thickness=generator.uniform(40, 300) * nanometre,
        relative_permittivity=generator.uniform(2, 10),
        contacts=BarrierContacts(injecting=barrier, extracting=barrier + built_in * electronvolt)
        if with_barriers
        else OhmicContacts(),
        built_in_voltage=0.0 if with_barriers else built_in,
        statistics="gaussian" if generator.integers(2) else "classical",
    )


def _robustness(count: int) -> Row:
    generator = np.random.default_rng(SEED)
    voltage = np.concatenate([np.linspace(-10, -0.5, 20), np.linspace(0.5, 10, 20)])
    solutions = solve_many([(voltage, random_problem(generator)) for _ in range(count)])
    whole = sum(not solution.advice for solution in solutions)
    silent = sum(
        bool(np.any(np.isfinite(solution.current_density) != solution.converged)) for solution in solutions
    )
    return _row(
        f"random devices that converge at all 40 voltages from -10 to 10 V (seed {SEED})",
        "99.9 %, the others say so",
        f"{whole} of {count}; numbers without convergence: {silent}",
    )


def _speed() -> list[Row]:
    nine = [replace(FILM, temperature=temperature) for temperature in TEMPERATURES]

    def solve(problems: list[TransportProblem], sensitivities: bool) -> None:
        for solution in solve_many([(VOLTAGE, film) for film in problems], sensitivities=sensitivities):
            dict(solution.sensitivities)  # all of them: each is computed when first looked at

    def curve(sensitivities: bool = False) -> None:
        solve([FILM], sensitivities)

    def campaign(sensitivities: bool = False) -> None:
        solve(nine, sensitivities)

    one, one_s = median_time(curve, 9), median_time(lambda: curve(True), 9)
    all_, all_s = median_time(campaign, 9), median_time(lambda: campaign(True), 9)
    return [
        _row("60 voltages at 297 K", "5 ms; 50 times devsim", f"{one * 1e3:.1f} ms") | _devsim(one),
        _row("9 temperatures x 60 voltages", "40 ms", f"{all_ * 1e3:.1f} ms"),
        _row("with sensitivities, 60 voltages", "1.5 times", f"{one_s / one:.2f} times"),
        _row("with sensitivities, 9 x 60", "1.5 times", f"{all_s / all_:.2f} times"),
    ]


def _first_call() -> Row:
    """In a fresh process with an empty compiler cache, and in a second one with the cache filled."""
    script = (
        "import time; started = time.perf_counter()\n"
        "from benchmarks.drift_diffusion import FILM, VOLTAGE, solve_many\n"
        "solve_many([(VOLTAGE, FILM)]); print(time.perf_counter() - started)"
    )
    with tempfile.TemporaryDirectory() as cache:
        seconds = [
            float(
                subprocess.run(
                    [sys.executable, "-c", script],
                    env={**os.environ, "NUMBA_CACHE_DIR": cache},
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
            )
            for _ in range(2)
        ]
    return _row(
        "first call, compilation included; with the cache filled",
        "10 s",
        f"{seconds[0]:.1f} s; {seconds[1]:.1f} s",
    )


def _import_time() -> Row:
    script = (
        "import sys, time; started = time.perf_counter()\n"
        "import analysis.drift_diffusion, analysis.disorder_fit\n"
        "print(time.perf_counter() - started, 'numba' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    seconds, compiler = told.split()
    return _row(
        "import without solving; compiler imported", "no compiler", f"{float(seconds):.2f} s; {compiler}"
    )


def _devsim(ours: float) -> Row:
    """devsim's time for the same curve and how many times ours that is, or why there is none."""
    script = "from benchmarks._devsim import main; main()"
    environment = {"DEVSIM_MATH_LIBS": "libopenblas.so.0", **os.environ}
    try:
        run = subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["no output"]
        return {"peer": f"devsim did not run: {lines[-1]}"}
    except subprocess.TimeoutExpired:
        return {"peer": "devsim took more than 300 s"}
    seconds, last = (float(word) for word in run.stdout.split()[-2:])
    current = solve_many([(VOLTAGE, FILM)])[0].current_density[-1]
    return {
        "peer": f"devsim {seconds:.2f} s, J(7 V) {last / current - 1:+.1%} off ours",
        "ratio": f"{seconds / ours:.0f}",
    }


if __name__ == "__main__":
    for row in measure("--full" in sys.argv):
        print(" | ".join(row.values()))
