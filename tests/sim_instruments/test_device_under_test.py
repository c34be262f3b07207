"""The sample's imperfections, each against its closed form."""

import math

import pytest

from analysis.constants import electronvolt, thermal_voltage
from sim_instruments.conduction import EmittingDiode, Murgatroyd
from sim_instruments.device_under_test import Sample, SampleSpec
from sim_instruments.emission import Emission

FILM = Murgatroyd(thickness=110e-9, relative_permittivity=4.0, zero_field_mobility=4.4e-11)
DIODE = EmittingDiode(
    thickness=95e-9,
    relative_permittivity=4.0,
    reference_mobility=9.1e-11,
    reference_field=2.0 / 95e-9,
    built_in_voltage=2.0,
)
AREA = 4e-6


def pixel(**changes: object) -> Sample:
    return Sample(SampleSpec(**({"identifier": "test/1", "conduction": FILM, "area": AREA} | changes)))  # type: ignore[arg-type]


def plain_current(voltage: float) -> float:
    return AREA * FILM.current_density(voltage, 297.0)


def test_a_pixel_carries_its_current_density_times_its_area() -> None:
    assert pixel().force_voltage(3.0, 297.0) == (3.0, pytest.approx(plain_current(3.0)))


def test_current_at_a_forced_current_gives_the_same_point() -> None:
    voltage, current = pixel().force_current(plain_current(3.0), 297.0, limit=20.0)
    assert (voltage, current) == (pytest.approx(3.0), pytest.approx(plain_current(3.0)))


def test_compliance_holds_the_current_at_the_limit() -> None:
    limit = plain_current(2.0)
    voltage, current = pixel().force_voltage(5.0, 297.0, limit=limit)
    assert current == limit
    assert voltage == pytest.approx(2.0)
    voltage, current = pixel().force_voltage(-5.0, 297.0, limit=limit)
    assert (voltage, current) == (pytest.approx(-2.0), -limit)


def test_a_forced_current_stops_at_the_voltage_limit() -> None:
    assert pixel().force_current(1.0, 297.0, limit=4.0) == (4.0, pytest.approx(plain_current(4.0)))


def test_series_resistance_takes_its_share_of_the_voltage() -> None:
    sample = pixel(series_resistance=500.0)
    layer = 4.0
    terminal = layer + 500.0 * plain_current(layer)
    assert sample.force_voltage(terminal, 297.0)[1] == pytest.approx(plain_current(layer))
    assert sample.layer_voltage(terminal, 297.0) == pytest.approx(layer)


def test_leakage_flows_beside_the_layer() -> None:
    leaky = pixel(leakage_conductance=1e-7)
    assert leaky.force_voltage(-0.5, 297.0)[1] == pytest.approx(plain_current(-0.5) - 0.5e-7)


def test_shallow_traps_scale_the_current_and_stretch_the_transit() -> None:
    trapped = Sample(
        SampleSpec(identifier="t", conduction=DIODE, area=AREA, emission=Emission(), trap_factor=0.25)
    )
    assert trapped.force_voltage(4.0, 297.0)[1] == pytest.approx(
        0.25 * AREA * DIODE.current_density(4.0, 297.0)
    )
    pulse = trapped.light_pulse(4.0, 297.0, width=1e-4, period=1e-3)
    assert pulse.transit_time == pytest.approx(4 * DIODE.transit_time(4.0, 297.0))
    assert trapped.truth()["transit_time"][4.0] > 4 * DIODE.transit_time(4.0, 297.0)


def test_self_heating_raises_the_current_by_its_activation_energy() -> None:
    law = Murgatroyd(
        thickness=110e-9,
        relative_permittivity=4.0,
        zero_field_mobility=4.4e-11,
        activation_energy=0.3 * electronvolt,
    )
    cold = AREA * law.current_density(7.0, 297.0)
    hot = pixel(conduction=law, thermal_resistance=2000.0).force_voltage(7.0, 297.0)[1]
    heating = 2000.0 * 7.0 * hot
    expected = cold * math.exp(-0.3 * (1 / thermal_voltage(297.0 + heating) - 1 / thermal_voltage(297.0)))
    assert heating > 1.0
    assert hot == pytest.approx(expected)


def test_pulses_heat_by_their_share_of_the_time_only() -> None:
    law = Murgatroyd(
        thickness=110e-9,
        relative_permittivity=4.0,
        zero_field_mobility=4.4e-11,
        activation_energy=0.3 * electronvolt,
    )
    sample = pixel(conduction=law, thermal_resistance=2000.0)
    cold, pulsed = (sample.force_voltage(7.0, 297.0, duty_cycle=share)[1] for share in (0.0, 0.1))
    assert cold == pytest.approx(AREA * law.current_density(7.0, 297.0))
    warm = 297.0 + 0.1 * 2000.0 * 7.0 * pulsed
    assert pulsed == pytest.approx(AREA * law.current_density(7.0, warm))


def test_telling_the_truth_leaves_the_pixel_whole() -> None:
    spec = SampleSpec(
        identifier="q", conduction=DIODE, area=AREA, emission=Emission(), breakdown_field=5.0 / 95e-9
    )
    sample = Sample(spec)
    truth = sample.truth()
    assert len(truth["delay_time"]) == 7
    assert truth["breakdown_field"] == 5.0 / 95e-9
    assert "ageing_charge" not in truth
    assert sample.defect == "none"


def test_charge_ages_current_and_light_alike() -> None:
    sample = Sample(
        SampleSpec(identifier="q", conduction=DIODE, area=AREA, emission=Emission(), ageing_charge=2.0)
    )
    current, light = sample.force_voltage(5.0, 297.0)[1], sample.steady_light(5.0, 297.0)
    sample.age(-0.01, 50.0)
    sample.age(0.01, 150.0)
    assert sample.charge_passed == pytest.approx(2.0)
    assert sample.force_voltage(5.0, 297.0)[1] == pytest.approx(current / math.e)
    assert sample.steady_light(5.0, 297.0) == pytest.approx(light / math.e)


def test_a_drifting_brightness_moves_the_light_and_leaves_the_current() -> None:
    sample = Sample(
        SampleSpec(identifier="q", conduction=DIODE, area=AREA, emission=Emission(brightness_drift=-1e-4))
    )
    assert sample.steady_light(5.0, 297.0, time=3600.0) == pytest.approx(
        (1 - 0.36) * sample.steady_light(5.0, 297.0)
    )


def test_light_is_the_current_times_its_yield_and_needs_forward_voltage() -> None:
    sample = Sample(
        SampleSpec(identifier="q", conduction=DIODE, area=AREA, emission=Emission(photocurrent_yield=2e-3))
    )
    assert sample.steady_light(5.0, 297.0) == pytest.approx(2e-3 * AREA * DIODE.current_density(5.0, 297.0))
    assert sample.steady_light(-5.0, 297.0) == 0.0
    assert pixel().steady_light(5.0, 297.0) == 0.0


def test_a_field_beyond_the_breakdown_field_breaks_the_pixel_for_good() -> None:
    sample = pixel(breakdown_field=5.0 / 110e-9, short_resistance=40.0)
    assert sample.force_voltage(4.99, 297.0)[1] == pytest.approx(plain_current(4.99))
    assert sample.force_voltage(5.01, 297.0)[1] == pytest.approx(5.01 / 40.0)
    assert sample.force_voltage(0.1, 297.0)[1] == pytest.approx(0.1 / 40.0)


def test_a_current_density_beyond_the_breakdown_breaks_it_too_but_compliance_protects_it() -> None:
    limit = plain_current(4.0)
    sample = pixel(breakdown_current_density=limit / AREA * 1.01)
    sample.force_voltage(9.0, 297.0, limit=limit)
    assert sample.defect == "none"
    sample.force_voltage(9.0, 297.0)
    assert sample.defect == "short"


def test_an_open_pixel_carries_nothing_and_takes_the_voltage_limit() -> None:
    sample = pixel()
    sample.defect = "open"
    assert sample.force_voltage(5.0, 297.0) == (5.0, 0.0)
    assert sample.force_current(1e-6, 297.0, limit=21.0)[0] == 21.0


def test_thickness_scatters_from_pixel_to_pixel_and_repeats_with_the_seed() -> None:
    spec = SampleSpec(identifier="s", conduction=FILM, area=AREA, thickness_scatter=0.05)
    made = [Sample(spec, seed=seed).conduction.thickness for seed in range(300)]
    assert Sample(spec, seed=7).conduction.thickness == made[7]
    mean = sum(made) / 300
    assert mean == pytest.approx(110e-9, rel=0.01)
    assert math.sqrt(sum((m - mean) ** 2 for m in made) / 300) == pytest.approx(5.5e-9, rel=0.15)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"area": 0.0}, "area"),
        ({"trap_factor": 1.5}, "trap_factor"),
        ({"series_resistance": -1.0}, "series_resistance"),
        ({"emission": Emission()}, "EmittingDiode"),
    ],
)
def test_impossible_samples_are_refused(changes: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        pixel(**changes)
