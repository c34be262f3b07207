"""What boxes see at their terminals."""

import math

import pytest

from sim_instruments.clock import SimClock
from sim_instruments.conduction import EmittingDiode, Murgatroyd
from sim_instruments.connections import GeneratorWiring, Mounted, PhotodiodeWiring, SourceMeterWiring
from sim_instruments.cryostat import Cryostat
from sim_instruments.device_under_test import Sample, SampleSpec
from sim_instruments.emission import Emission, Photodiode
from sim_instruments.waveform import Waveform

PERIOD = 1e-3
FILM = SampleSpec(
    identifier="film",
    conduction=Murgatroyd(thickness=110e-9, relative_permittivity=4.0, zero_field_mobility=4.4e-11),
    area=4e-6,
    capacitance=1.5e-9,
    charging_time=2e-3,
)
DIODE = EmittingDiode(
    thickness=95e-9,
    relative_permittivity=4.0,
    reference_mobility=9.1e-11,
    reference_field=2.0 / 95e-9,
    built_in_voltage=2.0,
)
GLOWING = SampleSpec(
    identifier="glowing", conduction=DIODE, area=4e-6, emission=Emission(photocurrent_yield=1e-3)
)


class Place:
    """Both sources and a photodiode on one clock, without noise."""

    def __init__(self, photodiode: Photodiode | None = None) -> None:
        eye = photodiode or Photodiode(dark_current=0.0)
        self.clock = SimClock()
        cryostat = Cryostat(clock=self.clock, noise=False)
        self.source_meter = SourceMeterWiring(clock=self.clock, cryostat=cryostat)
        self.generator = GeneratorWiring(clock=self.clock, cryostat=cryostat, photodiode=eye)
        self.light = PhotodiodeWiring(
            photodiode=eye, source_meter=self.source_meter, generator=self.generator, noise=False
        )
        self.glowing = Sample(GLOWING)

    def pulses(
        self, *, high: float = 4.0, low: float = 0.0, width: float = 100e-6, **changes: float
    ) -> Waveform:
        """Connect the glowing pixel to the generator and drive it from now on, without source resistance."""
        self.generator.connect(Mounted(sample=self.glowing))
        waveform = Waveform(low=low, high=high, period=PERIOD, width=width, resistance=0.0, **changes)
        self.generator.drive(waveform, start=self.clock.monotonic())
        return waveform


TRANSIT = DIODE.transit_time(4.0, 297.0)
PLATEAU = 1e-3 * 4e-6 * DIODE.current_density(4.0, 297.0)


def test_the_source_meter_reads_its_pixel_with_the_sign_of_the_wiring() -> None:
    place = Place()
    sample = Sample(FILM)
    expected = sample.force_voltage(3.0, 297.0)[1]
    place.source_meter.connect(Mounted(sample=sample))
    assert place.source_meter.measure(source="voltage", level=3.0, limit=0.1, start=1.0, duration=0.02) == (
        3.0,
        pytest.approx(expected),
    )
    place.source_meter.connect(Mounted(sample=sample, reversed=True))
    assert place.source_meter.measure(source="voltage", level=3.0, limit=0.1, start=2.0, duration=0.02)[
        1
    ] == (pytest.approx(expected))


def test_a_reversed_diode_blocks() -> None:
    place = Place()
    for reversed_, expected in ((False, PLATEAU / 1e-3), (True, 0.0)):
        place.source_meter.connect(Mounted(sample=place.glowing, reversed=reversed_))
        _, current = place.source_meter.measure(
            source="voltage", level=4.0, limit=0.1, start=0.0, duration=0.02
        )
        assert abs(current) == pytest.approx(expected, abs=1e-15)


def test_a_step_charges_the_capacitance_with_its_time_constant() -> None:
    place = Place()
    place.source_meter.connect(Mounted(sample=Sample(FILM)))
    place.source_meter.output(on=True, source="voltage", level=0.0, limit=0.1)
    place.clock.wait(1.0)
    place.source_meter.output(on=True, source="voltage", level=2.0, limit=0.1)
    steady = Sample(FILM).force_voltage(2.0, 297.0)[1]
    for start, duration in ((1.0, 1e-3), (1.004, 2e-3)):
        _, current = place.source_meter.measure(
            source="voltage", level=2.0, limit=0.1, start=start, duration=duration
        )
        begin, end = (start - 1.0) / 2e-3, (start - 1.0 + duration) / 2e-3
        charge = 1.5e-9 * 2.0 * (math.exp(-begin) - math.exp(-end))
        assert current - steady == pytest.approx(charge / duration, rel=1e-6)


def test_without_a_pixel_no_current_flows() -> None:
    place = Place()
    assert place.source_meter.measure(source="voltage", level=5.0, limit=0.1, start=0.0, duration=0.02) == (
        5.0,
        0.0,
    )
    assert place.source_meter.output(on=True, source="current", level=1e-3, limit=20.0) == 20.0
    assert place.source_meter.output(on=False, source="current", level=1e-3, limit=20.0) == 0.0


def test_charge_through_the_pixel_is_current_times_time_while_the_output_is_on() -> None:
    place = Place()
    sample = Sample(FILM)
    place.source_meter.connect(Mounted(sample=sample))
    place.source_meter.output(on=True, source="voltage", level=3.0, limit=0.1)
    place.clock.wait(100.0)
    place.source_meter.output(on=False, source="voltage", level=0.0, limit=0.1)
    place.clock.wait(100.0)
    place.source_meter.output(on=True, source="voltage", level=0.0, limit=0.1)
    assert sample.charge_passed == pytest.approx(100.0 * sample.force_voltage(3.0, 297.0)[1])


def test_mean_light_over_whole_periods_is_plateau_times_lit_share() -> None:
    place = Place()
    place.pulses()
    place.clock.wait(0.1)
    for width in (2e-6, 60e-6, 100e-6, 300e-6):
        place.pulses(width=width)
        lit = max(width - TRANSIT, 0.0)
        assert place.light.mean_current(place.clock.monotonic(), 0.02) == pytest.approx(
            PLATEAU * lit / PERIOD, abs=1e-20
        )


def test_at_60_hertz_one_cycle_holds_16_or_17_pulses() -> None:
    """PHYSICS.md 3: 16.67 pulses of 1 ms in one power-line cycle; the aperture's phase decides."""
    place = Place()
    place.pulses(width=200e-6)
    charge = PLATEAU * (200e-6 - TRANSIT)

    def pulses_in(aperture: float, start: float) -> float:
        return place.light.mean_current(start, aperture) * aperture / charge

    assert pulses_in(1 / 60, 0.0) == pytest.approx(17.0)
    assert pulses_in(1 / 60, 0.3 * PERIOD) == pytest.approx(16.0)
    assert pulses_in(1 / 50, 0.0) == pytest.approx(20.0)
    assert pulses_in(1 / 50, 0.3 * PERIOD) == pytest.approx(20.0)


def test_source_resistance_takes_its_share_of_the_pulse() -> None:
    place = Place()
    place.generator.connect(Mounted(sample=place.glowing))
    place.generator.drive(Waveform(low=0.0, high=7.0, period=PERIOD, width=3e-4), start=0.0)
    device = place.generator.voltage()
    assert 7.0 - device == pytest.approx(50.0 * 4e-6 * DIODE.current_density(device, 297.0))
    assert 0.02 < 7.0 - device < 0.2


def test_light_at_double_period_is_half_unless_the_pixel_remembers() -> None:
    def ratio(spec: SampleSpec) -> float:
        place = Place()
        place.glowing = Sample(spec)
        place.pulses(width=100e-6)
        single = place.light.mean_current(0.0, 0.02)
        place.generator.drive(
            Waveform(low=0.0, high=4.0, period=2e-3, width=100e-6, resistance=0.0), start=0.0
        )
        return place.light.mean_current(0.0, 0.02) / single

    assert ratio(GLOWING) == pytest.approx(0.5)
    remembering = Emission(photocurrent_yield=1e-3, memory_fraction=0.2, memory_time=1e-3)
    assert ratio(SampleSpec(identifier="m", conduction=DIODE, area=4e-6, emission=remembering)) < 0.48


def test_what_was_driven_before_still_counts_in_an_aperture_that_looks_back() -> None:
    place = Place()
    place.pulses(width=300e-6)
    place.generator.drive(None, start=0.010)
    expected = 10 * PLATEAU * (300e-6 - TRANSIT) / 0.02
    assert place.light.mean_current(0.0, 0.02) == pytest.approx(expected)
    assert place.light.mean_current(0.010, 0.02) == 0.0


def test_a_burst_gives_its_pulses_and_no_more_and_may_repeat() -> None:
    place = Place()
    place.pulses(width=300e-6, cycles=5)
    charge = PLATEAU * (300e-6 - TRANSIT)
    assert place.light.mean_current(0.0, 0.1) == pytest.approx(5 * charge / 0.1)
    place.pulses(width=300e-6, cycles=5, repeats_every=0.02)
    assert place.light.mean_current(0.0, 0.1) == pytest.approx(25 * charge / 0.1)


def test_after_a_burst_nothing_is_driven_and_the_pixel_ages_no_further() -> None:
    place, free = Place(), Place()
    place.pulses(width=300e-6, cycles=50)
    free.pulses(width=300e-6)
    free.clock.wait(0.05)
    place.clock.wait(0.049)
    assert place.generator.voltage() == 4.0
    place.clock.wait(100.0)
    assert place.generator.voltage() == 0.0
    for each in (place, free):
        each.generator.drive(None, start=each.clock.monotonic())
    assert place.glowing.charge_passed == pytest.approx(free.glowing.charge_passed)
    assert free.glowing.charge_passed > 0


def test_a_level_left_above_turn_on_glows_between_the_pulses() -> None:
    """PHYSICS.md 3: 7 -> 4 V written one after the other can leave DC."""
    place = Place()
    place.pulses(low=3.0, high=4.0, width=100e-6)
    dc = 1e-3 * 4e-6 * DIODE.current_density(3.0, 297.0)
    expected = dc + (PLATEAU - dc) * (100e-6 - TRANSIT) / PERIOD
    assert place.light.mean_current(0.0, 0.02) == pytest.approx(expected)


def test_an_inverted_pulse_gives_no_light() -> None:
    place = Place()
    place.pulses(low=-4.0, high=0.0)
    assert place.light.mean_current(0.0, 0.02) == 0.0


def test_pickup_comes_with_every_pulse_whatever_its_width() -> None:
    place = Place(Photodiode(dark_current=0.0, pickup_charge=1e-15))
    for width in (2e-6, 20e-6):
        place.pulses(high=1.0, width=width)
        assert place.light.mean_current(0.0, 0.02) == pytest.approx(1e-15 / PERIOD)


def test_the_peak_is_the_light_at_the_end_of_a_pulse() -> None:
    place = Place()
    place.pulses(width=100e-6)
    assert place.light.peak_current(0.0, 0.02) == pytest.approx(PLATEAU)
    assert place.light.peak_current(200e-6, 700e-6) == 0.0
    place.pulses(width=20e-6)
    assert place.light.peak_current(0.0, 0.02) == 0.0


def test_a_saturated_photodiode_shows_less() -> None:
    place = Place(Photodiode(dark_current=0.0, saturation_current=PLATEAU))
    place.pulses(width=100e-6)
    assert place.light.peak_current(0.0, 0.02) == pytest.approx(PLATEAU / 2)


def test_the_photodiode_also_sees_a_pixel_on_the_source_meter() -> None:
    place = Place(Photodiode(dark_current=1e-12))
    place.source_meter.connect(Mounted(sample=place.glowing))
    place.source_meter.output(on=True, source="voltage", level=4.0, limit=0.1)
    assert place.light.mean_current(0.0, 0.02) == pytest.approx(1e-12 + PLATEAU)


def test_pulses_age_the_pixel_by_their_share_of_the_time() -> None:
    place = Place()
    place.pulses(width=100e-6)
    place.clock.wait(1000.0)
    place.generator.drive(None, start=place.clock.monotonic())
    assert place.glowing.charge_passed == pytest.approx(0.1 * PLATEAU / 1e-3 * 1000.0)
