"""Conduction laws against closed forms, and the table against the solver it stands for."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from analysis.constants import VACUUM_PERMITTIVITY, electronvolt, nanometre, thermal_voltage
from sim_instruments.conduction import CurrentTable, DriftDiffusion, EmittingDiode, Murgatroyd

FILM = DriftDiffusion(
    thickness=110 * nanometre,
    relative_permittivity=4.0,
    disorder_width=0.12 * electronvolt,
    hopping_distance=2.8 * nanometre,
    mobility_prefactor=2.6e-8,
)
DIODE = EmittingDiode(
    thickness=95 * nanometre,
    relative_permittivity=4.0,
    reference_mobility=9.1e-11,
    reference_field=2.0 / 95e-9,
    field_coefficient=3.4e-4,
    built_in_voltage=2.0,
)


def test_without_field_dependence_murgatroyd_is_mott_gurney() -> None:
    law = Murgatroyd(thickness=110e-9, relative_permittivity=4.0, zero_field_mobility=4.4e-11)
    expected = 9 / 8 * VACUUM_PERMITTIVITY * 4.0 * 4.4e-11 * 3.0**2 / 110e-9**3
    assert law.current_density(3.0, 297.0) == pytest.approx(expected)
    assert law.current_density(-3.0, 297.0) == pytest.approx(-expected)


def test_murgatroyd_at_the_papers_field_is_five_times_the_quadratic_law() -> None:
    """PHYSICS: gamma = 3.94e-4 (m/V)^1/2 gives the printed "about five times" at 2.105e7 V/m."""
    quadratic = Murgatroyd(thickness=110e-9, relative_permittivity=4.0, zero_field_mobility=4.4e-11)
    enhanced = Murgatroyd(
        thickness=110e-9, relative_permittivity=4.0, zero_field_mobility=4.4e-11, field_coefficient=3.94e-4
    )
    voltage = 2.105e7 * 110e-9
    assert enhanced.current_density(voltage, 297.0) / quadratic.current_density(
        voltage, 297.0
    ) == pytest.approx(5.0, rel=0.01)


def test_activation_energy_shows_between_two_temperatures() -> None:
    law = Murgatroyd(
        thickness=1e-7,
        relative_permittivity=4.0,
        zero_field_mobility=1e-10,
        activation_energy=0.3 * electronvolt,
    )
    ratio = law.current_density(2.0, 217.0) / law.current_density(2.0, 297.0)
    assert ratio == pytest.approx(math.exp(-0.3 * (1 / thermal_voltage(217.0) - 1 / thermal_voltage(297.0))))


def test_transit_time_at_four_volts_is_the_papers() -> None:
    assert DIODE.transit_time(4.0, 297.0) == pytest.approx(49.6e-6, rel=2e-3)
    assert DIODE.transit_time(1.9, 297.0) == math.inf


def test_a_diode_far_above_turn_on_follows_mott_gurney_with_its_field_dependent_mobility() -> None:
    expected = 9 / 8 * VACUUM_PERMITTIVITY * 4.0 * DIODE.mobility(7.0, 297.0) * 5.0**2 / 95e-9**3
    assert DIODE.current_density(7.0, 297.0) == pytest.approx(expected, rel=1e-9)
    assert DIODE.current_density(0.0, 297.0) == 0.0
    assert abs(DIODE.current_density(-5.0, 297.0)) < 1e-20


def test_below_turn_on_a_diode_falls_by_e_squared_for_each_thermal_voltage() -> None:
    kt = thermal_voltage(297.0)
    ratio = DIODE.current_density(1.7, 297.0) / DIODE.current_density(1.7 - kt, 297.0)
    assert ratio == pytest.approx(math.e**2, rel=1e-3)


@pytest.mark.parametrize("temperature", [297.0, 283.3, 217.4])
def test_the_table_agrees_with_the_solver_to_two_parts_in_ten_thousand(temperature: float) -> None:
    voltage = np.array([0.013, 0.11, 0.47, 1.13, 2.9, 4.77, 6.83, 9.3])
    solved = FILM.solve(voltage, temperature)
    table = CurrentTable(FILM)
    assert [table.current_density(v, temperature) for v in voltage] == pytest.approx(solved, rel=2e-4)
    assert table.current_density(-4.77, temperature) == pytest.approx(-solved[5], rel=2e-4)


def test_the_prefactor_of_the_paper_preset_shows_the_printed_mobility_in_its_quadratic_range() -> None:
    voltage = np.linspace(0.5, 1.5, 41)
    mobility = FILM.solve(voltage, 297.0) * 110e-9**3 / (9 / 8 * VACUUM_PERMITTIVITY * 4.0 * voltage**2)
    assert mobility.min() == pytest.approx(4.4e-11, rel=0.01)


@dataclass(frozen=True)
class CountedOhm:
    """A resistor that counts how often it is solved."""

    solved_at: list[float]
    thickness: float = 1e-7
    built_in_voltage: float = 0.0

    def solve(self, voltage: np.ndarray, temperature: float) -> np.ndarray:
        self.solved_at.append(temperature)
        return voltage * math.exp(-1000.0 / temperature)


def test_a_table_solves_each_temperature_once_and_only_those_it_needs() -> None:
    law = CountedOhm([])
    table = CurrentTable(law)
    for voltage in (0.5, 1.0, 2.0):
        assert table.current_density(voltage, 252.0) == pytest.approx(
            voltage * math.exp(-1000.0 / 252.0), rel=1e-9
        )
    assert sorted(law.solved_at) == [245.0, 250.0, 255.0, 260.0]


def test_beyond_its_ends_a_table_goes_on_smoothly() -> None:
    table = CurrentTable(CountedOhm([]), highest_voltage=5.0)
    assert table.current_density(40.0, 300.0) == pytest.approx(40.0 * math.exp(-1000.0 / 300.0), rel=1e-6)
    assert table.current_density(1e-6, 300.0) == pytest.approx(1e-6 * math.exp(-1000.0 / 300.0), rel=1e-6)
    assert table.current_density(1.0, 77.0) == pytest.approx(math.exp(-1000.0 / 180.0), rel=1e-6)


@pytest.mark.parametrize(
    ("law", "changes"),
    [
        (FILM, {"thickness": 0.0}),
        (FILM, {"mobility_prefactor": -1.0}),
        (FILM, {"statistics": "fermi"}),
        (DIODE, {"reference_field": math.nan}),
    ],
)
def test_impossible_films_are_refused(
    law: DriftDiffusion | EmittingDiode, changes: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        replace(law, **changes)  # type: ignore[arg-type]
