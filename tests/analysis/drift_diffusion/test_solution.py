"""The solver against closed forms, independent programs and the symmetries of the equations."""

import csv
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq

from analysis.constants import (
    BOLTZMANN_CONSTANT,
    ELEMENTARY_CHARGE,
    VACUUM_PERMITTIVITY,
    electronvolt,
    nanometre,
    thermal_voltage,
)
from analysis.drift_diffusion import (
    EGDM,
    BarrierContacts,
    ConstantMobility,
    PooleFrenkelMobility,
    TransportProblem,
    solve_current_density,
    solve_many,
)
from analysis.drift_diffusion.solution import extrapolate, solve_on_meshes
from benchmarks.drift_diffusion import random_problem

PAPER = EGDM(disorder_width=0.12 * electronvolt, hopping_distance=2.8 * nanometre, mobility_prefactor=6e-8)
PAPER_FILM = TransportProblem(
    mobility=PAPER, temperature=297.0, thickness=110 * nanometre, relative_permittivity=4.0
)
CONSTANT_FILM = replace(
    PAPER_FILM, mobility=ConstantMobility(value=4.4e-11, site_density=(2.8 * nanometre) ** -3)
)
SKEWED_FILM = replace(
    PAPER_FILM,
    contacts=BarrierContacts(injecting=0.1 * electronvolt, extracting=0.35 * electronvolt),
)
REFERENCE_ERROR = {"standard": 1e-3, "fine": 1e-4}


def current_density(problem, voltage, accuracy="standard"):
    solution = solve_many([(voltage, problem)], accuracy=accuracy)[0]
    assert set(solution.status) == {"converged"}, solution.advice
    return solution.current_density


def table(path: Path) -> list[list[str]]:
    """The rows of a reference table below its heading."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = list(csv.reader(lines))
    return [row for row in rows if row[0] != "V" and row[0] != "material"]


def largest_error(found, expected):
    return float(np.max(np.abs(found / expected - 1)))


@pytest.mark.parametrize("accuracy", ["standard", "fine"])
def test_constant_mobility_agrees_with_the_exact_airy_solution(reference_data, accuracy):
    voltage, exact, _ = np.array(table(reference_data / "constant_mobility_exact.csv"), dtype=float).T
    assert (
        largest_error(current_density(CONSTANT_FILM, voltage, accuracy), exact)
        < REFERENCE_ERROR[accuracy] / 10
    )


@pytest.mark.parametrize("accuracy", ["standard", "fine"])
@pytest.mark.parametrize("statistics", ["classical", "gaussian"])
@pytest.mark.parametrize("temperature", [217.0, 257.0, 297.0])
def test_egdm_agrees_with_an_independent_solver(reference_data, temperature, statistics, accuracy):
    rows = np.array(table(reference_data / "egdm_reference.csv"), dtype=float)
    model = {"gaussian": 0, "classical": 1}[statistics]
    chosen = rows[(rows[:, 0] == model) & (rows[:, 1] == temperature)]
    problem = replace(PAPER_FILM, temperature=temperature, statistics=statistics)
    found = current_density(problem, chosen[:, 2], accuracy)
    assert largest_error(found, chosen[:, 3]) < REFERENCE_ERROR[accuracy]


@pytest.mark.parametrize("accuracy", ["standard", "fine"])
@pytest.mark.parametrize(
    ("file", "thickness", "barriers", "width", "rate", "distance"),
    [
        ("dd_reference_TQ1_pristine.csv", 160, (0.127, 0.057), 0.0927, 3.12e9, 1.93),
        ("dd_reference_TQ1_PC71BM_1-1.csv", 110, (0.1, 0.069), 0.0922, 4.22e9, 1.75),
    ],
)
@pytest.mark.parametrize(("prefactor", "column"), [(0.87, 9), (1.0, 10)])
def test_felekidis_conventions_agree_with_their_program(
    reference_data, file, thickness, barriers, width, rate, distance, prefactor, column, accuracy
):
    rows = table(reference_data / file)
    temperature, voltage, expected = (np.array([float(row[k]) for row in rows]) for k in (1, 2, column))
    model = EGDM.from_felekidis(
        disorder_width=width * electronvolt,
        hopping_distance=distance * nanometre,
        attempt_rate=rate,
        c1=prefactor,
    )
    first, second = (barrier * electronvolt for barrier in barriers)
    for one in np.unique(temperature):
        problem = TransportProblem(
            mobility=model,
            temperature=one,
            thickness=thickness * nanometre,
            relative_permittivity=3.6,
            contacts=BarrierContacts(injecting=second, extracting=first),
        )
        chosen = temperature == one
        found = current_density(problem, voltage[chosen], accuracy)
        assert largest_error(found, expected[chosen]) < REFERENCE_ERROR[accuracy]


def test_ohmic_current_at_low_voltage_is_that_of_the_exact_profile():
    """2K²/cos²(K/2) = q L² p0/(eps V_t) gives J/V = 4K²/(1 + sin K/K) eps mu V_t/L³."""
    model, length = CONSTANT_FILM.mobility, CONSTANT_FILM.thickness
    permittivity = CONSTANT_FILM.relative_permittivity * VACUUM_PERMITTIVITY
    volt = thermal_voltage(CONSTANT_FILM.temperature)
    contact = ELEMENTARY_CHARGE * length**2 * model.site_density / 2 / (permittivity * volt)
    k = brentq(lambda k: 2 * k**2 / math.cos(k / 2) ** 2 - contact, 1.0, math.pi - 1e-9)
    slope = 4 * k**2 / (1 + math.sin(k) / k) * permittivity * model.value * volt / length**3
    assert current_density(CONSTANT_FILM, [1e-6])[0] / 1e-6 == pytest.approx(slope, rel=1e-5)


def test_diffusion_fades_and_leaves_the_mott_gurney_current_at_very_high_voltage():
    problem = replace(CONSTANT_FILM, thickness=3e-5)
    permittivity = problem.relative_permittivity * VACUUM_PERMITTIVITY
    voltage = np.array([10.0, 100.0, 1000.0])
    law = 9 / 8 * permittivity * 4.4e-11 * voltage**2 / problem.thickness**3
    excess = current_density(problem, voltage) / law - 1
    assert np.all(np.diff(excess) < 0)
    assert 0 < excess[-1] < 1e-2


@pytest.mark.parametrize("problem", [PAPER_FILM, SKEWED_FILM, replace(SKEWED_FILM, statistics="gaussian")])
def test_no_voltage_drives_no_current(problem):
    at_rest, near = current_density(problem, [0.0, 1e-12])
    assert at_rest == 0.0
    assert near == pytest.approx(1e-6 * current_density(problem, [1e-6])[0], rel=1e-4)


def test_image_force_keeps_the_equilibrium_and_raises_the_current():
    barriers = BarrierContacts(
        injecting=0.25 * electronvolt, extracting=0.35 * electronvolt, image_force=True
    )
    lowered = current_density(replace(PAPER_FILM, contacts=barriers), [0.0, 2.0])
    plain = current_density(replace(PAPER_FILM, contacts=replace(barriers, image_force=False)), [2.0])
    assert lowered[0] == 0.0
    assert lowered[1] > 1.5 * plain[0]


@pytest.mark.parametrize("statistics", ["classical", "gaussian"])
def test_mirrored_device_carries_the_mirrored_current(statistics):
    contacts = SKEWED_FILM.contacts
    mirrored = BarrierContacts(injecting=contacts.extracting, extracting=contacts.injecting)
    voltage = np.array([-3.0, -0.2, 0.1, 1.0, 4.0])
    straight = current_density(replace(SKEWED_FILM, statistics=statistics), voltage)
    mirror = current_density(replace(SKEWED_FILM, statistics=statistics, contacts=mirrored), -voltage)
    np.testing.assert_allclose(mirror, -straight, rtol=1e-12)


def test_symmetric_device_carries_the_same_current_both_ways():
    voltage = np.array([0.01, 0.5, 3.0, 7.0])
    np.testing.assert_allclose(
        current_density(PAPER_FILM, -voltage), -current_density(PAPER_FILM, voltage), rtol=1e-6
    )


def test_current_is_proportional_to_the_mobility_prefactor():
    doubled = replace(PAPER_FILM, mobility=replace(PAPER, mobility_prefactor=12e-8))
    voltage = [0.01, 1.0, 7.0]
    np.testing.assert_allclose(
        current_density(doubled, voltage), 2 * current_density(PAPER_FILM, voltage), rtol=1e-12
    )


@pytest.mark.parametrize("problem", [PAPER_FILM, replace(PAPER_FILM, statistics="gaussian"), SKEWED_FILM])
def test_flux_is_the_same_through_every_cell(problem):
    """Finer meshes and lower voltages end at rounding: contact cells carry 10⁷ times the net flux."""
    films = solve_on_meshes(problem, [2.0, 4.0, 7.0], cells=48, meshes=1)
    assert np.max(films.variation) < 1e-8


@pytest.mark.parametrize("problem", [CONSTANT_FILM, PAPER_FILM, replace(PAPER_FILM, statistics="gaussian")])
def test_error_falls_with_the_square_of_the_spacing(problem):
    flux = solve_on_meshes(problem, [0.1, 2.0, 5.0], cells=1536, meshes=4).flux
    limit = extrapolate(flux)
    error = np.abs(flux / limit[:, None] - 1)
    order = np.log2(error[:, :-1] / error[:, 1:])
    assert np.all(order[:, -1] > 1.85), order


def test_voltages_come_back_in_the_order_they_were_asked_for():
    voltage = np.array([3.0, -1.0, 0.5, 3.0, 0.0])
    found = current_density(PAPER_FILM, voltage)
    one_by_one = [current_density(PAPER_FILM, [each])[0] for each in voltage]
    np.testing.assert_allclose(found, one_by_one, rtol=1e-3)
    assert found[0] == found[3]


def test_built_in_voltage_between_ohmic_contacts_equals_a_difference_of_barriers():
    """Classically an ohmic contact holds half the sites: a barrier of kT ln 2."""
    barrier = BOLTZMANN_CONSTANT * 297.0 * math.log(2)
    by_barriers = replace(
        PAPER_FILM, contacts=BarrierContacts(injecting=barrier, extracting=barrier + 0.5 * electronvolt)
    )
    by_voltage = replace(PAPER_FILM, built_in_voltage=0.5)
    voltage = [-1.0, 0.2, 3.0]
    np.testing.assert_allclose(
        current_density(by_voltage, voltage), current_density(by_barriers, voltage), rtol=1e-9
    )


def test_series_resistance_takes_its_share_of_the_voltage():
    with_resistance = replace(PAPER_FILM, series_resistance_area=2e-3)
    voltage = np.array([-5.0, 0.5, 3.0, 7.0])
    found = current_density(with_resistance, voltage)
    np.testing.assert_allclose(found, current_density(PAPER_FILM, voltage - 2e-3 * found), rtol=1e-6)


SENSITIVE_FILMS = {
    "ohmic": replace(PAPER_FILM, built_in_voltage=0.3, series_resistance_area=1e-3),
    "barriers": SKEWED_FILM,
    "image force": replace(
        PAPER_FILM,
        contacts=BarrierContacts(
            injecting=0.2 * electronvolt, extracting=0.25 * electronvolt, image_force=True
        ),
    ),
    "gaussian": replace(PAPER_FILM, statistics="gaussian", built_in_voltage=0.3),
    "poole-frenkel": replace(
        PAPER_FILM,
        mobility=PooleFrenkelMobility(
            zero_field_mobility=1e-10, field_coefficient=4e-4, site_density=PAPER.site_density
        ),
    ),
}


@pytest.mark.parametrize("film", SENSITIVE_FILMS)
def test_sensitivities_are_the_slopes_of_the_current(film):
    problem, voltage = SENSITIVE_FILMS[film], np.array([-1.0, 0.1, 1.0, 6.0])
    solution = solve_many([(voltage, problem)], accuracy="fine", sensitivities=True)[0]
    for name, value in problem.parameters.items():
        step = 1e-3 * (abs(value) or 0.1)
        above, below = (
            current_density(problem.with_parameters(**{name: value + change}), voltage, "fine")
            for change in (step, -step)
        )
        by_difference = (above - below) / (2 * step)
        scale = np.abs(solution.current_density) / (abs(value) or 0.1)
        np.testing.assert_allclose(
            solution.sensitivities[name] / scale, by_difference / scale, rtol=5e-3, atol=5e-3, err_msg=name
        )


def test_sensitivity_to_the_permittivity_reaches_down_to_that_of_nothing():
    empty, nearly = (
        solve_many([([4.0], replace(PAPER_FILM, relative_permittivity=value))], sensitivities=True)[0]
        for value in (1.0, 1.001)
    )
    rise = (nearly.current_density - empty.current_density) / 1e-3
    np.testing.assert_allclose(empty.sensitivities["relative_permittivity"], rise, rtol=2e-3)


def test_what_is_no_solution_has_no_sensitivities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.drift_diffusion.solution._MOST_EXTRAPOLATED", 1e-9)
    solution = solve_many([([1.0, 4.0], PAPER_FILM)], sensitivities=True)[0]
    assert solution.status == ("mesh_too_coarse",) * 2 and np.all(np.isnan(solution.current_density))
    for name, change in solution.sensitivities.items():
        assert np.all(np.isnan(change)), name


def test_many_devices_at_once_give_what_each_gives_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def pool(workers: int) -> ThreadPoolExecutor:
        asked.append(workers)
        return ThreadPoolExecutor(workers)

    monkeypatch.setattr("analysis.drift_diffusion.solution.ThreadPoolExecutor", pool)
    problems = [replace(PAPER_FILM, temperature=temperature) for temperature in (217.0, 257.0, 297.0)]
    together = solve_many([([0.5, 5.0], problem) for problem in problems], threads=2)
    assert asked == [2]
    for problem, solution in zip(problems, together, strict=True):
        np.testing.assert_array_equal(solution.current_density, current_density(problem, [0.5, 5.0]))


def test_three_hundred_random_devices_all_converge():
    generator = np.random.default_rng(20241103)
    jobs = [(np.array([-10.0, -1.0, 0.5, 2.0, 5.0, 10.0]), random_problem(generator)) for _ in range(300)]
    solutions = solve_many(jobs)
    stuck = [solution.advice for solution in solutions if solution.advice]
    assert stuck == []
    for voltage_and_problem, solution in zip(jobs, solutions, strict=True):
        rising = np.diff(solution.current_density) > 0
        assert np.all(rising), voltage_and_problem


def test_a_hopeless_device_says_so_instead_of_giving_a_number():
    hopeless = TransportProblem(
        mobility=PooleFrenkelMobility(zero_field_mobility=1e-10, field_coefficient=0.3),
        temperature=200.0,
        thickness=50 * nanometre,
        relative_permittivity=3.0,
    )
    solution = solve_many([([20.0], hopeless)])[0]
    assert solution.status[0] != "converged"
    assert math.isnan(solution.current_density[0])
    assert solution.verdict.word == "not_converged"
    assert solution.advice


def test_disorder_outside_the_formulas_range_is_reported():
    solution = solve_current_density(
        [1.0], mobility=PAPER, temperature=217.0, thickness=110e-9, relative_permittivity=4.0
    )
    assert solution.verdict.word == "outside_validity"
    assert "217 K" in solution.verdict.advice


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"temperature": 0.0}, "temperature 0.0 K"),
        ({"thickness": -1e-9}, "thickness -1e-09 m"),
        ({"relative_permittivity": 0.5}, "relative_permittivity 0.5"),
        ({"statistics": "fermi"}, "statistics 'fermi'"),
        ({"series_resistance_area": -1.0}, "series_resistance_area -1.0"),
        ({"accuracy": "perfect"}, "accuracy 'perfect'"),
        (
            {"contacts": SKEWED_FILM.contacts, "built_in_voltage": 1.0},
            "built_in_voltage 1.0 V beside barriers",
        ),
        ({"mobility": ConstantMobility(value=1e-10), "statistics": "gaussian"}, "disorder_width"),
        ({"temperature": 900.0}, "needs 1.8 kT or more"),
    ],
)
def test_impossible_arguments_are_refused_by_name_and_value(changes, told):
    arguments = {"mobility": PAPER, "temperature": 297.0, "thickness": 110e-9, "relative_permittivity": 4.0}
    with pytest.raises(ValueError, match=told.replace("(", r"\(")):
        solve_current_density([1.0], **{**arguments, **changes})


def test_voltages_that_are_not_numbers_are_refused():
    with pytest.raises(ValueError, match="voltage"):
        solve_many([([1.0, math.nan], PAPER_FILM)])


def test_no_more_threads_are_used_than_the_environment_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(workers: int) -> None:
        raise AssertionError(f"{workers} threads")

    monkeypatch.setattr("analysis.drift_diffusion.solution.ThreadPoolExecutor", refuse)
    monkeypatch.setattr("analysis.drift_diffusion.solution._POINTS_PER_THREAD", 1)
    jobs = [([1.0], PAPER_FILM), ([2.0], PAPER_FILM)]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert len(solve_many(jobs, accuracy="rough")) == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with pytest.raises(AssertionError, match="2 threads"):
        solve_many(jobs, accuracy="rough")
