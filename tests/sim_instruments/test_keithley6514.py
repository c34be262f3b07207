"""The simulated 6514 against the manual's words and the physics of an aperture."""

import itertools
import math

import pytest

from sim_instruments.clock import SimClock
from sim_instruments.keithley6514 import Keithley6514

OVERFLOW = 9.9e37


@pytest.fixture
def box(electrometer):
    electrometer.receive(b"SENS:FUNC 'CURR';:FORM:ELEM READ")
    return electrometer


def read(box, message: str = "READ?") -> float:
    return float(box.receive(message.encode()).split(b",")[0])


def error(box) -> int:
    return int(box.receive(b"SYST:ERR?").split(b",")[0])


def readings(box, count: int) -> list[float]:
    box.receive(f"TRIG:COUN {count}".encode())
    values = [float(value) for value in box.receive(b"READ?").split(b",")]
    box.receive(b"TRIG:COUN 1")
    return values


def spread(values: list[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


class PulseTrain:
    """Rectangular light pulses, integrated exactly over an aperture."""

    def __init__(self, height: float, width: float, period: float) -> None:
        self.height, self.width, self.period = height, width, period

    def _charge(self, time: float) -> float:
        whole, rest = divmod(time, self.period)
        return self.height * (whole * self.width + min(rest, self.width))

    def mean_current(self, start: float, duration: float) -> float:
        return (self._charge(start + duration) - self._charge(start)) / duration

    def peak_current(self, start: float, duration: float) -> float:
        return self.height


def test_reading_time_and_status_come_in_this_order_by_default(electrometer):
    electrometer.receive(b"CONF:CURR")
    values = electrometer.receive(b"READ?").split(b",")
    assert len(values) == 3 and all(value[:1] in b"+-" for value in values)
    assert electrometer.receive(b"FORM:ELEM?;:SENS:FUNC?") == b'READ,TIME,STAT;"CURR:DC"'


@pytest.mark.parametrize("function", ["'CURR'", '"CURR:DC"', "'CURRENT:DC'", "'current'"])
def test_a_function_is_named_in_any_of_its_forms(electrometer, function):
    electrometer.receive(f"FUNC {function}".encode())
    assert electrometer.receive(b"FUNC?") == b'"CURR:DC"'


@pytest.mark.parametrize(
    ("value", "full_scale"), [(3e-9, 21e-9), (2.1e-9, 2.1e-9), (-0.021, 0.021), (0, 21e-12)]
)
def test_a_range_is_the_lowest_that_holds_the_expected_reading(box, value, full_scale):
    box.receive(f"CURR:RANG {value}".encode())
    assert float(box.receive(b"CURR:RANG?")) == pytest.approx(full_scale)
    assert box.receive(b"CURR:RANG:AUTO?") == b"0"


def test_auto_range_stays_between_its_limits(box, light):
    light.mean = 3e-9
    assert read(box) == pytest.approx(3e-9, rel=0.01)
    assert float(box.receive(b"CURR:RANG?")) == pytest.approx(21e-9)
    box.receive(b"CURR:RANG:AUTO:LLIM 1E-6")
    read(box)
    assert float(box.receive(b"CURR:RANG?")) == pytest.approx(2.1e-6)


def test_a_current_beyond_the_range_overflows_with_the_sentinel_and_its_bits(box, light):
    light.mean = 3e-9
    box.receive(b"CURR:RANG 2E-9;:FORM:ELEM READ,STAT")
    value, status = (float(item) for item in box.receive(b"READ?").split(b","))
    assert value == OVERFLOW and int(status) & 1
    assert int(box.receive(b"STAT:MEAS?")) & 1 << 7


def test_peaks_beyond_the_range_are_cut_off_without_a_sign(box, light):
    light.mean, light.crest = 1e-9, 42.0
    box.receive(b"CURR:RANG 2E-8;:FORM:ELEM READ,STAT")
    value, status = (float(item) for item in box.receive(b"READ?").split(b","))
    assert value == pytest.approx(0.5e-9, rel=0.02) and status == 0
    box.receive(b"CURR:RANG 2E-6")
    assert read(box) == pytest.approx(1e-9, abs=0.6e-9)
    trusting = Keithley6514(clock=SimClock(), terminals=light, clips_peaks=False)
    trusting.receive(b"CONF:CURR;:CURR:RANG 2E-8")
    assert read(trusting) == pytest.approx(1e-9, rel=0.02)


def test_whole_periods_in_an_aperture_read_the_same_and_broken_ones_beat():
    """20 ms hold exactly 20 pulses of 1 ms at 50 Hz; 16.67 ms at 60 Hz do not."""
    train = PulseTrain(height=100e-9, width=100e-6, period=1e-3)

    def scatter(mains: float) -> float:
        box = Keithley6514(clock=SimClock(), seed=1, terminals=train, mains_frequency=mains)
        box.receive(b"CONF:CURR;:CURR:RANG 2E-7;:CURR:NPLC 1;:FORM:ELEM READ;:TRIG:DEL 0.0003")
        box.clock.wait(1.0)
        return spread(readings(box, 40)) / 10e-9

    assert scatter(50.0) < 1e-3
    assert scatter(60.0) > 1e-2


def test_a_reading_lasts_its_aperture_and_asks_the_light_for_it(box, light):
    box.receive(b"CURR:RANG 2E-8;:CURR:NPLC 5;:SYST:AZER OFF")
    light.apertures.clear()
    start = box.clock.monotonic()
    read(box)
    assert [duration for _, duration in light.apertures] == [pytest.approx(0.1)]
    assert box.clock.monotonic() - start == pytest.approx(0.1 + 10e-3, rel=0.05), (
        "and the delay of the 20 nA range"
    )


def test_zero_correct_takes_the_offset_away_until_the_box_has_warmed_up(box, light):
    light.mean = 0.0
    box.receive(b"CURR:RANG 2E-9;:SYST:ZCH ON")
    cold = read(box)
    box.receive(b"SYST:ZCOR:ACQ;:SYST:ZCOR ON")
    corrected = read(box)
    assert abs(cold) > 1e-13 and abs(corrected) < abs(cold) / 5
    box.receive(b"SYST:ZCH OFF")
    box.clock.wait(3600.0)
    assert abs(read(box)) > 1e-13
    box.receive(b"SYST:ZCH ON;:SYST:ZCOR:ACQ;:SYST:ZCH OFF")
    box.clock.wait(1.0)
    assert abs(read(box)) < 1e-13


def test_zero_check_hides_the_light_and_its_release_settles(box, light):
    light.mean = 1e-9
    box.receive(b"CURR:RANG 2E-9;:CURR:NPLC 0.1;:TRIG:DEL 0;:SYST:AZER OFF;:SYST:ZCH ON;:FORM:ELEM READ,STAT")
    value, status = (float(item) for item in box.receive(b"READ?").split(b","))
    assert abs(value) < 1e-11 and int(status) & 1 << 9
    box.receive(b"FORM:ELEM READ;:SYST:ZCH OFF")
    first = read(box)
    box.clock.wait(1.0)
    assert first < 0.9e-9 < read(box)


def test_the_zero_is_acquired_only_with_zero_check_on(box):
    box.receive(b"SYST:ZCOR:ACQ")
    assert error(box) == -221
    box.receive(b"SYST:ZCH ON;:SYST:ZCOR ON")
    assert error(box) == 0 and box.receive(b"SYST:ZCH?;:SYST:ZCOR?") == b"1;1"


def test_zero_check_after_reset_is_a_named_assumption(light):
    assert Keithley6514(clock=SimClock(), terminals=light).receive(b"*RST;:SYST:ZCH?") == b"0"
    careful = Keithley6514(clock=SimClock(), terminals=light, zero_check_after_reset=True)
    assert careful.receive(b"*RST;:SYST:ZCH?") == b"1"


def test_the_automatic_delay_costs_the_settling_time_of_the_range(light):
    for automatic, seconds in ((True, 2.5 + 0.3), (False, 0.3)):
        box = Keithley6514(clock=SimClock(), terminals=light, delays_automatically=automatic)
        box.receive(b"CONF:CURR;:CURR:RANG 2E-11")
        start = box.clock.monotonic()
        box.receive(b"READ?")
        assert box.clock.monotonic() - start == pytest.approx(seconds, rel=0.02)


def test_filters_make_readings_quieter_and_slower(box):
    box.receive(b"CURR:RANG 2E-8;:CURR:NPLC 1")
    plain = spread(readings(box, 60))
    start = box.clock.monotonic()
    box.receive(b"AVER:COUN 16;:AVER:TCON REP;:AVER ON")
    averaged = spread(readings(box, 20))
    assert averaged < plain / 2.5
    assert (box.clock.monotonic() - start) / 20 > 16 * 0.02
    box.receive(b"AVER:TCON MOV")
    start = box.clock.monotonic()
    moving = readings(box, 60)
    assert spread(moving[16:]) < plain / 2 and (box.clock.monotonic() - start) / 60 < 0.1
    box.receive(b"AVER OFF;:MED:RANK 5;:MED ON")
    assert spread(readings(box, 60)[11:]) < plain / 1.5


def test_whole_power_line_cycles_remove_the_hum(box):
    box.receive(b"CURR:RANG 2E-8;:SYST:AZER OFF;:CURR:NPLC 1")
    box.clock.wait(1.0)
    quiet = spread(readings(box, 40))
    box.receive(b"CURR:NPLC 0.5")
    assert spread(readings(box, 40)) > 5 * quiet


def test_fetch_repeats_and_needs_a_reading(box):
    assert box.receive(b"FETC?") is None and error(box) == -230
    value = box.receive(b"READ?")
    assert box.receive(b"FETC?;:SENS:DATA?") == value + b";" + value


def test_the_buffer_takes_readings_and_its_statistics_agree(box):
    box.receive(b"TRAC:POIN 8;FEED SENS;FEED:CONT NEXT;:TRIG:COUN 8;:INIT")
    assert int(box.receive(b"*OPC?")) == 1
    assert int(box.receive(b"STAT:MEAS?")) & (1 << 8 | 1 << 9) == (1 << 8 | 1 << 9)
    stored = [float(value) for value in box.receive(b"TRAC:DATA?").split(b",")]
    assert len(stored) == 8
    assert read(box, "CALC3:FORM SDEV;:CALC3:DATA?") == pytest.approx(spread(stored), rel=1e-3)
    assert read(box, "CALC3:FORM MAX;:CALC3:DATA?") == max(stored)


def test_reset_leaves_the_buffer_alone(box):
    box.receive(b"TRAC:POIN 3;FEED SENS;FEED:CONT NEXT;:TRIG:COUN 3;:READ?")
    box.receive(b"*RST")
    assert box.receive(b"TRAC:POIN?;:TRAC:POIN:ACT?") == b"3;3"


def test_timer_arms_keep_their_interval(box):
    box.receive(b"ARM:SOUR TIM;:ARM:TIM 0.5;:ARM:COUN 4;:CURR:RANG 2E-8;:FORM:ELEM TIME")
    stamps = [float(value) for value in box.receive(b"READ?").split(b",")]
    assert [b - a for a, b in itertools.pairwise(stamps)] == pytest.approx([0.5] * 3, abs=0.011)


def test_null_limits_and_mathematics(box, light):
    light.mean = 5e-9
    box.receive(b"CURR:RANG 2E-8;:CALC:KMAT:MMF 2;MBF 1E-9;:CALC:STAT ON;:READ?")
    assert read(box, "CALC:DATA?") == pytest.approx(11e-9, rel=0.01)
    box.receive(b"CALC2:NULL:ACQ;STAT ON;:READ?")
    assert abs(read(box, "CALC2:DATA?")) < 1e-11
    box.receive(b"CALC2:LIM1:UPP 1E-9;LOW -1E-9;STAT ON;:READ?")
    assert box.receive(b"CALC2:LIM1:FAIL?") == b"0" and int(box.receive(b"STAT:MEAS:COND?")) & 1 << 5
    light.mean = 8e-9
    box.receive(b"READ?")
    assert box.receive(b"CALC2:LIM1:FAIL?") == b"1" and int(box.receive(b"STAT:MEAS:COND?")) & 1 << 2


def test_as_a_coulombmeter_it_integrates_from_the_release_of_zero_check(box, light):
    light.mean = 1e-9
    box.receive(b"SYST:ZCH ON;:FUNC 'CHAR';:CHAR:RANG 2E-7")
    assert abs(read(box)) < 1e-10
    box.receive(b"SYST:ZCH OFF")
    start = box.clock.monotonic()
    box.clock.wait(60.0)
    charge = read(box)
    assert charge == pytest.approx(1e-9 * (box.clock.monotonic() - start), rel=0.01)
    box.clock.wait(200.0)
    assert read(box) == OVERFLOW, "260 nC on the 200 nC range"
    box.receive(b"SYST:ZCH ON;ZCH OFF")
    assert read(box) < 2e-9


def test_automatic_discharge_begins_anew_at_its_level(box, light):
    light.mean = 1e-9
    box.receive(b"FUNC 'CHAR';:CHAR:RANG 2E-7;:CHAR:ADIS:LEV 5E-8;:CHAR:ADIS ON;:SYST:ZCH ON;ZCH OFF")
    seen = []
    for _ in range(12):
        box.clock.wait(10.0)
        seen.append(read(box))
    assert max(seen) < 5.1e-8 and sum(b < a for a, b in itertools.pairwise(seen)) == 2
    assert box.receive(b"CHAR:ADIS:LEV?") == b"5.000000E-08"


def test_charge_ranges_keep_to_their_group(box, light):
    light.mean = 0.0
    box.receive(b"FUNC 'CHAR';:CHAR:RANG:AUTO ON")
    read(box)
    assert float(box.receive(b"CHAR:RANG?")) == pytest.approx(2.1e-6)
    box.receive(b"CHAR:RANG:AUTO:LGR LOW")
    read(box)
    assert float(box.receive(b"CHAR:RANG?")) == pytest.approx(2.1e-8)


def test_as_a_voltmeter_and_ohmmeter_it_sees_what_is_at_its_input(box, light):
    light.mean = 1e-9
    box.receive(b"FUNC 'VOLT'")
    assert read(box) == pytest.approx(1e-9 * light.resistance, rel=0.02)
    assert float(box.receive(b"VOLT:RANG?")) == pytest.approx(2.1)
    box.receive(b"FUNC 'RES'")
    assert read(box) == pytest.approx(light.resistance, rel=0.01)
    assert float(box.receive(b"RES:RANG?")) == pytest.approx(2.1e8)
    box.receive(b"SYST:ZCH ON;:FUNC 'VOLT'")
    assert abs(read(box)) < 2e-3


def test_external_feedback_without_an_element_saturates(box):
    box.receive(b"FUNC 'VOLT';:VOLT:XFE ON;:FORM:ELEM READ,STAT")
    value, status = (float(item) for item in box.receive(b"READ?").split(b","))
    assert value == OVERFLOW and int(status) & 1
    box.receive(b"VOLT:XFE OFF")
    assert read(box) < OVERFLOW


def test_an_open_input_is_more_ohms_than_it_can_tell():
    open_input = Keithley6514(clock=SimClock())
    open_input.receive(b"CONF:RES;:FORM:ELEM READ")
    assert read(open_input) == OVERFLOW


def test_another_function_forgets_what_the_one_before_had_shown(box, light):
    light.mean = 1e-12
    box.receive(b"FUNC 'VOLT'")
    read(box)
    box.receive(b"CONF:CURR")
    assert read(box) == pytest.approx(1e-12, rel=0.05)


def test_readings_are_told_in_per_cent_of_a_reference(box, light):
    light.mean = 4e-9
    box.receive(b"CURR:RANG 2E-8;:READ?;:CALC:KMAT:PERC:ACQ;:CALC:FORM PERC;:CALC:STAT ON")
    light.mean = 5e-9
    box.receive(b"READ?")
    assert read(box, "CALC:DATA?") == pytest.approx(25.0, abs=0.2)


def test_ranges_go_up_and_down_by_one(box):
    box.receive(b"CURR:RANG 2E-9;RANG UP")
    assert float(box.receive(b"CURR:RANG?")) == pytest.approx(21e-9)
    box.receive(b"CURR:RANG 2E-11;RANG DOWN")
    assert float(box.receive(b"CURR:RANG?")) == pytest.approx(21e-12)


def test_correcting_the_input_current_takes_whatever_flows_for_nothing(box, light):
    light.mean = 3e-10
    box.receive(b"CURR:RANG 2E-9;:CAL:UNPR:IOFF;:SYST:ZCH ON;:SYST:ZCOR ON;:SYST:ZCH OFF")
    box.clock.wait(1.0)
    assert abs(read(box)) < 1e-12
    light.mean = 4e-10
    assert read(box) == pytest.approx(1e-10, rel=0.05)


def test_damping_is_quieter_and_slower(box, light):
    box.receive(b"CURR:RANG 2E-8;:CURR:NPLC 1;:SYST:AZER OFF")
    box.clock.wait(1.0)
    plain = spread(readings(box, 40))
    box.receive(b"CURR:DAMP ON")
    assert spread(readings(box, 40)) < 0.8 * plain
    light.mean = 1e-8
    box.receive(b"TRIG:DEL 0")
    remainders = []
    for damping in (b"OFF", b"ON"):
        box.receive(b"CURR:DAMP " + damping + b";:SYST:ZCH ON")
        read(box)
        box.clock.wait(1.0)
        read(box)
        box.receive(b"SYST:ZCH OFF")
        remainders.append(1 - read(box) / light.mean)
    assert remainders[1] > remainders[0] + 0.1


@pytest.mark.parametrize("message", ["OUTP?", "SOUR:VOLT 1", "RANG?", "CURR:PROT 1"])
def test_what_only_a_source_meter_has_is_an_undefined_header(box, message):
    box.receive(message.encode())
    assert error(box) == -113
