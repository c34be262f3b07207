"""The printed numbers, and the notes computed through from them."""

import math

import pytest

from analysis.constants import electronvolt
from analysis.estimate import Estimate
from analysis.published import felekidis2018, li2024
from analysis.space_charge import mott_gurney_current_density, murgatroyd_current_density
from analysis.transit import transit_mobility

KT_297 = 8.617333262e-5 * 297  # eV


def test_printed_activation_energy_and_prefactor_give_the_rounded_mobility() -> None:
    energy = li2024.ACTIVATION_ENERGY.value / electronvolt
    mobility = li2024.HIGH_TEMPERATURE_MOBILITY.value * math.exp(-energy / KT_297)
    assert mobility == pytest.approx(3.65e-11, rel=0.005)
    assert li2024.ZERO_FIELD_MOBILITY.value == 4.4e-11


def test_assumed_length_and_built_in_voltage_give_the_printed_field_to_four_digits() -> None:
    field = (4.0 - li2024.BUILT_IN_VOLTAGE.value) / li2024.TRANSIT_LENGTH.value
    assert math.sqrt(field) / 10 == pytest.approx(458.8, abs=0.05)
    assert math.sqrt(li2024.TRANSIT_ROOT_FIELD.value) == pytest.approx(4588.0)


def test_printed_transit_mobility_means_a_delay_of_49_6_microseconds() -> None:
    delay = li2024.TRANSIT_LENGTH.value**2 / (li2024.TRANSIT_MOBILITY.value * 2.0)
    assert delay == pytest.approx(49.6e-6, rel=1e-3)
    told = transit_mobility(Estimate(value=delay), li2024.TRANSIT_LENGTH.value, 4.0, 2.0)
    assert told.mobility.value == pytest.approx(9.1e-11, rel=1e-9)


def test_assumed_murgatroyd_coefficient_gives_about_five_times_the_quadratic_law() -> None:
    length = 110e-9
    voltage = li2024.TRANSIT_ROOT_FIELD.value * length
    gamma = li2024.MURGATROYD_COEFFICIENT.value
    ratio = murgatroyd_current_density(voltage, 1e-11, gamma, length, 4.0) / mott_gurney_current_density(
        voltage, 1e-11, length, 4.0
    )
    assert ratio == pytest.approx(li2024.FIELD_RATIO.value, rel=0.01)


def test_every_printed_number_says_where_and_every_assumption_says_why() -> None:
    printed = [number for number in vars(li2024).values() if isinstance(number, li2024.Printed)]
    assert len(printed) == 8 and all(number.where for number in printed)
    assert all(assumed.reason for assumed in li2024.ASSUMPTIONS)
    names = {note.word for note in li2024.CONSISTENCY_NOTES}
    assert names <= {"agrees", "rounding", "assumption needed", "does not follow"}


def test_published_built_in_voltage_is_the_difference_of_barriers_where_the_text_defines_it_so() -> None:
    for series in felekidis2018.PUBLISHED_SERIES:
        assert series.injection_barriers[0] > series.injection_barriers[1]
        assert len(series.temperatures) == 6


def test_published_disorder_lies_in_the_range_of_repeated_fits() -> None:
    low, high = felekidis2018.TQ1_PC71BM_REPEATED_FITS.disorder_width
    assert low <= felekidis2018.TQ1_PC71BM.disorder_width <= high
