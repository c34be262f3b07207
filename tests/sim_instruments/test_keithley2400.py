"""The simulated 2400 against its manual: reset table, ranges, compliance, CONFigure, sweeps, stores."""

import itertools
import math
import struct

import pytest

from sim_instruments.clock import SimClock
from sim_instruments.keithley2400 import Keithley2400

NOT_MEASURED = 9.91e37
COMPLIANCE, RANGE_COMPLIANCE = 1 << 3, 1 << 16


@pytest.fixture
def box(source_meter):
    return source_meter


def ask(box, message: str) -> list[float]:
    return [float(value) for value in box.receive(message.encode()).replace(b";", b",").split(b",")]


def error(box) -> int:
    return int(box.receive(b"SYST:ERR?").split(b",")[0])


def source_volts(box, volts: float = 1.0, **settings: object) -> None:
    box.receive(f"SOUR:VOLT {volts};:SENS:FUNC:CONC ON;:SENS:FUNC 'VOLT','CURR';:OUTP ON".encode())


@pytest.mark.parametrize(
    ("query", "reply"),
    [
        ("OUTP?;:OUTP:SMOD?;:ROUT:TERM?", "0;NORM;FRON"),
        ("SENS:CURR:RANG?;:SENS:CURR:RANG:AUTO?;:SENS:CURR:PROT?", "1.050000E-04;1;1.050000E-04"),
        ("SENS:VOLT:RANG?;:SENS:VOLT:RANG:AUTO?;:SENS:VOLT:PROT?", "2.100000E+01;1;2.100000E+01"),
        ("SENS:CURR:NPLC?;:SENS:RES:MODE?;:SENS:RES:RANG?", "1.000000E+00;AUTO;2.100000E+05"),
        ("SENS:AVER?;:SENS:AVER:TCON?;:SENS:AVER:COUN?", "0;REP;10"),
        ("SOUR:FUNC?;:SOUR:DEL?;:SOUR:DEL:AUTO?;:SOUR:CLE:AUTO?", "VOLT;1.000000E-03;1;0"),
        ("SOUR:VOLT?;:SOUR:VOLT:RANG?;:SOUR:VOLT:RANG:AUTO?", "0.000000E+00;2.100000E+01;1"),
        ("SOUR:CURR?;:SOUR:CURR:RANG?;:SOUR:CURR:RANG:AUTO?", "0.000000E+00;1.050000E-04;1"),
        ("SOUR:SWE:SPAC?;POIN?;DIR?;RANG?;CAB?", "LIN;2500;UP;BEST;NEV"),
        ("TRIG:COUN?;:ARM:COUN?;:TRIG:DEL?;:SYST:AZER?", "1;1;0.000000E+00;1"),
        ("SENS:FUNC?;:FORM:ELEM?", '"CURR:DC";VOLT,CURR,RES,TIME,STAT'),
    ],
)
def test_reset_puts_back_the_values_of_the_manuals_tables(box, query, reply):
    box.receive(b"SOUR:VOLT 3;:SENS:CURR:PROT 0.01;:SENS:CURR:NPLC 5;:SENS:AVER ON;:OUTP ON;*RST")
    assert box.receive(query.encode()) == reply.encode()
    assert error(box) == 0


def test_elements_come_out_in_their_own_order(box):
    source_volts(box)
    box.receive(b"FORM:ELEM STAT, CURRENT ,VOLT")
    volts, amps, status = ask(box, "READ?")
    assert volts == pytest.approx(1.0, rel=2e-3) and amps == pytest.approx(1e-4, rel=2e-3)
    assert int(status) & (1 << 14), "sourcing voltage"


def test_a_quantity_that_is_only_sourced_is_told_as_programmed_and_one_that_is_neither_as_not_measured(box):
    box.receive(b"SOUR:VOLT 1;:OUTP ON")
    volts, _, ohms, *_ = ask(box, "READ?")
    assert volts == 1.0 and ohms == NOT_MEASURED


def test_readings_lie_within_the_one_year_accuracy(box):
    source_volts(box)
    box.receive(b"FORM:ELEM VOLT,CURR")
    volts, amps = ask(box, "READ?")
    assert abs(volts - 1.0) < 0.02e-2 + 600e-6 + 0.012e-2 + 300e-6
    assert abs(amps - volts / 10e3) < 0.025e-2 * 1e-4 + 6e-9 + 300e-6 / 10e3


def test_reading_without_output_is_refused_and_gives_no_reply(box):
    assert box.receive(b"READ?") is None
    assert error(box) == 803
    permissive = Keithley2400(clock=SimClock(), reads_with_output_off=True)
    assert permissive.receive(b"READ?") is not None


def test_measure_and_configure_switch_the_output_on_and_forget_the_compliance(box):
    box.receive(b"SENS:CURR:PROT 1E-3;:SENS:CURR:NPLC 10;:ARM:COUN 3;:SYST:AZER OFF")
    assert box.receive(b"MEAS:CURR?") is not None
    assert (
        box.receive(b"OUTP?;:SENS:CURR:PROT?;NPLC?;:ARM:COUN?;:SYST:AZER?")
        == b"1;1.050000E-04;1.000000E+00;1;1"
    )
    box.receive(b"*RST;:CONF:VOLT")
    assert box.receive(b"OUTP?;:CONF?") == b'1;"VOLT:DC"'


def test_the_witness_sees_every_change_of_the_output(box):
    seen = []
    box.witness = lambda _, on, volts: seen.append((on, round(volts, 2)))
    box.receive(b"SENS:CURR:PROT 1E-3;:SOUR:VOLT 2;:OUTP ON;:SOUR:VOLT 3;:OUTP ON;:OUTP OFF;:SOUR:VOLT 4")
    assert seen == [(True, 2.0), (True, 3.0), (False, 0.0)]


def test_real_compliance_limits_and_is_flagged(box):
    box.receive(b"SENS:CURR:PROT 5E-5")
    source_volts(box)
    volts, amps, _, _, status = ask(box, "READ?")
    assert amps == pytest.approx(5e-5, rel=1e-3) and volts == pytest.approx(0.5, rel=1e-3)
    assert int(status) & COMPLIANCE and not int(status) & RANGE_COMPLIANCE
    assert box.receive(b"SENS:CURR:PROT:TRIP?") == b"1"
    assert int(box.receive(b"STAT:MEAS:COND?")) & 1 << 14


def test_the_over_voltage_limit_holds_the_source_back(box, resistor):
    resistor.ohms = 1e9
    box.receive(b"SOUR:VOLT:PROT 20;:SENS:FUNC 'VOLT';:SOUR:VOLT 60;:OUTP ON;:FORM:ELEM VOLT,STAT")
    volts, status = ask(box, "READ?")
    assert volts == pytest.approx(20, rel=1e-2) and int(status) & 1 << 4
    assert box.receive(b"SOUR:VOLT:PROT:TRIP?") == b"1" and int(box.receive(b"STAT:MEAS:COND?")) & 1 << 13


def test_a_fixed_range_below_the_compliance_limits_by_itself(box):
    box.receive(b"SENS:CURR:PROT 1E-3;:SENS:CURR:RANG 1E-5")
    source_volts(box)
    _, amps, _, _, status = ask(box, "READ?")
    assert amps == pytest.approx(1.05e-5, rel=1e-3)
    assert int(status) & RANGE_COMPLIANCE and not int(status) & COMPLIANCE


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("SENS:VOLT:RANG 2", 823),
        ("SENS:CURR:RANG 1E-3", 824),
        ("SENS:CURR:RANG 1E-4;:SENS:CURR:PROT 5E-8", 822),
        ("SENS:CURR:PROT 1;:SOUR:VOLT:RANG 200", 826),
        ("SOUR:VOLT:RANG 200;:SENS:CURR:PROT 1", 826),
        ("SENS:FUNC 'RES';:SOUR:VOLT 1", 825),
        ("OUTP:ENAB ON", 0),
        ("SENS:CURR:PROT 1E-10", -222),
        ("SOUR:VOLT:RANG 2;:SOUR:VOLT 5", -222),
        ("SOUR:VOLT 300", -222),
        ("TRIG:COUN 100;:ARM:COUN 100", -222),
        ("ARM:COUN INF;:OUTP ON;:READ?", 830),
        ("ARM:SOUR BUS;:OUTP ON;:READ?", -214),
        ("FETC?", -230),
        ("TRAC:DATA?", -230),
        ("TRAC:FEED:CONT NEXT;:TRAC:CLE", 800),
        ("TRAC:FEED:CONT NEXT;:TRAC:POIN 5", 800),
        ("*TRG", -211),
        ("*RCL 3", 0),
        ("*RCL 5", -222),
        ("CALC:MATH:NAME 'VARALPHA';:CALC:STAT ON;:OUTP ON;:READ?;:CALC:DATA?", 801),
    ],
)
def test_conflicts_have_the_manuals_errors(box, message, code):
    box.receive(message.encode())
    assert error(box) == code


def test_an_open_enable_line_and_heat_keep_the_output_off(box):
    box.enable_line_closed = False
    box.receive(b"OUTP ON;:OUTP OFF;:OUTP:ENAB ON;:OUTP ON")
    assert (error(box), box.is_on) == (802, False)
    box.enable_line_closed, box.too_hot = True, True
    box.receive(b"OUTP ON")
    assert (error(box), box.is_on) == (810, False)
    assert int(box.receive(b"STAT:MEAS:COND?")) == 1 << 11 | 1 << 12, "line asserted, too hot"


def test_auto_range_follows_the_current_up_to_the_compliance(box, resistor):
    resistor.ohms = 1e7
    source_volts(box)
    box.receive(b"READ?")
    assert box.receive(b"SENS:CURR:RANG?") == b"1.050000E-06"
    resistor.ohms = 20e3
    box.receive(b"READ?")
    assert box.receive(b"SENS:CURR:RANG?;:SENS:CURR:RANG:AUTO:ULIM?") == b"1.050000E-04;1.050000E-04"


def test_a_linear_sweep_steps_through_its_points_in_one_read(box):
    box.receive(b"SOUR:VOLT:STAR 0;STOP 2;STEP 0.5;MODE SWE;:SENS:CURR:PROT 1E-3;:SENS:FUNC 'VOLT','CURR'")
    assert box.receive(b"SOUR:SWE:POIN?") == b"5"
    box.receive(b"TRIG:COUN 5;:FORM:ELEM VOLT,CURR;:OUTP ON")
    readings = ask(box, "READ?")
    assert readings[::2] == pytest.approx([0, 0.5, 1, 1.5, 2], abs=3e-3)
    assert readings[1::2] == pytest.approx([0, 5e-5, 1e-4, 1.5e-4, 2e-4], abs=3e-7)
    box.receive(b"SOUR:SWE:DIR DOWN")
    assert ask(box, "READ?")[::2] == pytest.approx([2, 1.5, 1, 0.5, 0], abs=3e-3)


def test_points_give_the_step_and_a_logarithmic_sweep_its_ratio(box):
    box.receive(b"SOUR:VOLT:STAR 0.1;STOP 10;MODE SWE;:SOUR:SWE:POIN 3;SPAC LOG")
    assert float(box.receive(b"SOUR:VOLT:STEP?")) == pytest.approx(4.95)
    box.receive(b"TRIG:COUN 3;:FORM:ELEM VOLT;:SENS:CURR:PROT 1E-2;:OUTP ON")
    assert ask(box, "READ?") == pytest.approx([0.1, 1, 10])


def test_a_list_is_sourced_and_appended_to(box):
    box.receive(
        b"SOUR:LIST:VOLT 1,3;:SOUR:LIST:VOLT:APP 2;:SOUR:VOLT:MODE LIST;:TRIG:COUN 3;:FORM:ELEM VOLT;:OUTP ON"
    )
    assert box.receive(b"SOUR:LIST:VOLT:POIN?") == b"3"
    assert ask(box, "READ?") == pytest.approx([1, 3, 2])
    box.receive(b"SOUR:LIST:VOLT " + b",".join([b"1"] * 101))
    assert error(box) == -223


def test_a_sweep_may_end_at_the_first_point_in_compliance(box):
    box.receive(
        b"SOUR:VOLT:STAR 0;STOP 4;STEP 1;MODE SWE;:TRIG:COUN 5;:FORM:ELEM VOLT;:SENS:CURR:PROT 1.5E-4"
    )
    box.receive(b"SOUR:SWE:CAB LATE;:OUTP ON")
    assert len(ask(box, "READ?")) == 3
    box.receive(b"SOUR:SWE:CAB EARL")
    assert len(ask(box, "READ?")) == 2


def test_auto_output_off_switches_on_only_for_the_measurement(box, resistor):
    box.receive(b"SOUR:VOLT 1;:SOUR:CLE:AUTO ON;:TRIG:COUN 2")
    assert box.receive(b"READ?") is not None and box.receive(b"OUTP?") == b"0"
    states = [on for on, _ in resistor.calls]
    assert states.count(True) == 2 and not states[-1]


def test_auto_output_off_may_wait_for_the_trigger_count(box, resistor):
    box.receive(b"SOUR:VOLT 1;:SOUR:CLE:AUTO ON;:SOUR:CLE:AUTO:MODE TCO;:TRIG:COUN 3;:ARM:COUN 2;:READ?")
    states = [on for on, _ in resistor.calls]
    assert states.count(True) == 2, "on once for each pass of the arm layer"


def test_output_off_waits_for_a_running_measurement_unless_the_box_is_cleared(box):
    source_volts(box)
    box.receive(b"SENS:CURR:NPLC 10;:TRIG:COUN 10;:INIT")
    start = box.clock.monotonic()
    box.receive(b"OUTP OFF")
    assert box.clock.monotonic() - start > 8.0
    box.receive(b"OUTP ON;:INIT")
    start = box.clock.monotonic()
    box.clear()
    box.receive(b"OUTP OFF")
    assert box.clock.monotonic() - start < 0.01 and not box.is_on


def test_a_bus_trigger_that_never_comes_holds_everything_back_until_abort(box):
    source_volts(box)
    box.receive(b"ARM:SOUR BUS;:INIT;:OUTP OFF")
    assert box.is_on and int(box.receive(b"STAT:OPER:COND?")) == 1 << 6
    box.receive(b"ABOR")
    assert not box.is_on
    box.receive(b"OUTP ON;:INIT;*TRG")
    assert box.receive(b"*OPC?") == b"1" and box.receive(b"FETC?") is not None


@pytest.mark.parametrize("message", [b"*RST", b"SYST:PRES", b"*SAV 1;*RCL 1"])
def test_a_reset_acts_during_a_run_and_forgets_what_waits(box, message):
    """Manual p. 16-3: *RST, *RCL and SYSTem:PRESet are executed within the trigger layers."""
    source_volts(box)
    box.receive(b"*SAV 1;:ARM:SOUR BUS;:INIT;:SOUR:VOLT 5;:OUTP ON")
    box.receive(message.replace(b"*SAV 1;", b""))
    assert box.is_idle() and not box.is_on
    assert box.receive(b"OUTP?;:SYST:ERR?") == b'0;0,"No error"'


def test_a_fixed_source_range_cuts_a_sweep_off(box):
    """The example of manual p. 10-13: on the 2 V range the points 1 to 5 V become 1, 2, 2.1, 2.1, 2.1 V."""
    box.receive(b"SENS:CURR:PROT 1E-2;:SOUR:VOLT:RANG 2;STAR 1;STOP 5;STEP 1;MODE SWE;:SOUR:SWE:RANG FIX")
    box.receive(b"SENS:FUNC 'VOLT';:FORM:ELEM VOLT;:TRIG:COUN 5;:OUTP ON")
    assert ask(box, "READ?") == pytest.approx([1, 2, 2.1, 2.1, 2.1], abs=3e-3)


def test_source_ranges_go_up_and_down_by_one(box):
    assert box.receive(b"SOUR:VOLT:RANG UP;RANG?;RANG DOWN;RANG DOWN;RANG?") == b"2.100000E+02;2.100000E+00"


def test_a_fixed_measurement_range_may_follow_the_compliance(box):
    box.receive(b"SENS:CURR:PROT 1E-3;:SENS:CURR:RANG 1E-3;:SENS:VOLT:PROT:RSYN ON;:SENS:CURR:PROT 5E-7")
    assert box.receive(b"SENS:CURR:RANG?;:SENS:CURR:PROT:RSYN?;:SYST:ERR?") == b'1.050000E-06;1;0,"No error"'


def test_reading_with_a_trigger_that_never_comes_stays_silent_until_abort(box):
    source_volts(box)
    assert box.receive(b"TRIG:SOUR TLIN;:READ?") is None
    assert box.receive(b"SOUR:VOLT?") is None
    assert box.receive(b"ABOR") == b"1.000000E+00", "what had to wait is answered, READ? is not repeated"
    assert error(box) == 0 and box.is_idle()


def test_status_is_answered_while_a_measurement_runs_unless_told_otherwise(box):
    source_volts(box)
    box.receive(b"*CLS;*OPC;:SENS:CURR:NPLC 10;:INIT;*OPC")
    before = box.clock.monotonic()
    assert int(box.receive(b"*ESR?")) & 1 == 1, "*OPC before INIT"
    assert int(box.receive(b"STAT:OPER:COND?")) & 1 << 10 == 0
    assert box.clock.monotonic() - before < 0.01
    box.clock.wait(1.0)
    assert int(box.receive(b"STAT:OPER:COND?")) & 1 << 10
    assert int(box.receive(b"*ESR?")) & 1


def test_the_buffer_fills_once_reports_itself_and_gives_statistics(box):
    source_volts(box)
    box.receive(b"STAT:PRES;*CLS;*SRE 1;:STAT:MEAS:ENAB 512;:TRAC:CLE;:TRAC:POIN 5;:TRIG:COUN 5")
    box.receive(b"FORM:ELEM VOLT,CURR,RES,TIME")
    box.receive(b"TRAC:FEED SENSE;FEED:CONT NEXT;:INIT")
    assert int(box.receive(b"*STB?")) & 65 == 0
    box.clock.wait(5.0)
    assert int(box.receive(b"*STB?")) & 65 == 65
    assert box.receive(b"TRAC:POIN:ACT?;:TRAC:FEED:CONT?") == b"5;NEV"
    stored = ask(box, "TRAC:DATA?")
    volts, stamps = stored[::4], stored[3::4]
    assert stamps[0] == 0 and all(b > a for a, b in itertools.pairwise(stamps))
    box.receive(b"TRAC:TST:FORM DELT")
    assert ask(box, "TRAC:DATA?")[7::4] == pytest.approx([stamps[1]] * 4, abs=2e-3)
    mean, *_ = ask(box, "CALC3:FORM MEAN;:CALC3:DATA?")
    deviation, *_ = ask(box, "CALC3:FORM SDEV;:CALC3:DATA?")
    assert mean == pytest.approx(math.fsum(volts) / 5, rel=1e-6)
    assert deviation == pytest.approx(math.sqrt(math.fsum((v - mean) ** 2 for v in volts) / 4), abs=2e-6)
    low, *_ = ask(box, "CALC3:FORM MIN;:CALC3:DATA?")
    peak, *_ = ask(box, "CALC3:FORM PKPK;:CALC3:DATA?")
    assert (low, peak) == (pytest.approx(min(volts)), pytest.approx(max(volts) - min(volts), abs=1e-6))


def test_time_stamps_wrap_after_a_hundred_thousand_seconds(box):
    source_volts(box)
    box.receive(b"FORM:ELEM TIME")
    box.clock.wait(99_999.95 - box.clock.monotonic())
    assert ask(box, "READ?")[0] < 1.0
    box.clock.wait(50.0)
    box.receive(b"SYST:TIME:RES")
    assert ask(box, "READ?")[0] < 1.0


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ("SENS:CURR:NPLC 1", 4 * 0.02),
        ("SENS:CURR:NPLC 1;:SYST:AZER OFF", 2 * 0.02),
        ("SENS:CURR:NPLC 1;:SENS:AVER:COUN 10;:SENS:AVER ON;:SOUR:DEL 0.05", 0.83),
        ("SENS:CURR:NPLC 10;:SENS:AVER:COUN 100;:SENS:AVER ON", 80.0),
        ("SENS:CURR:NPLC 0.01;:SYST:AZER OFF", 0.0037),
    ],
)
def test_a_reading_takes_as_long_as_its_settings_say(box, settings, seconds):
    """0.83 s: measured on a real one (1 NPLC, ten averages, 50 ms delay); 80 s: the longest there is."""
    source_volts(box)
    box.receive(settings.encode())
    start = box.clock.monotonic()
    box.receive(b"READ?")
    assert box.clock.monotonic() - start == pytest.approx(seconds, rel=0.12)


def test_averaging_and_aperture_make_readings_quieter(box):
    def spread(settings: bytes) -> float:
        box.receive(b"*RST;:SENS:CURR:PROT 1E-3;:SENS:CURR:RANG 1E-3;:FORM:ELEM CURR;:SOUR:VOLT 1;:OUTP ON")
        box.receive(settings)
        readings = [ask(box, "READ?")[0] for _ in range(40)]
        mean = math.fsum(readings) / 40
        return math.sqrt(math.fsum((value - mean) ** 2 for value in readings) / 39)

    fast, normal, slow = (
        spread(b"SENS:CURR:NPLC 0.1"),
        spread(b""),
        spread(b"SENS:AVER:COUN 25;:SENS:AVER ON"),
    )
    assert fast > 2 * normal > 6 * slow


def test_four_functions_of_resistance(box, resistor):
    box.receive(b"SENS:FUNC 'RES';:FORM:ELEM RES;:OUTP ON")
    for ohms in (100.0, 10e3, 5e6):
        resistor.ohms = ohms
        assert ask(box, "READ?")[0] == pytest.approx(ohms, rel=5e-3)
    resistor.ohms = 1e12
    box.receive(b"FORM:ELEM RES,STAT")
    ohms, status = ask(box, "READ?")
    assert ohms == 9.9e37 and int(status) & 1


def test_limits_and_null_work_on_the_fed_value(box):
    source_volts(box)
    box.receive(b"CALC2:FEED VOLT;:CALC2:LIM2:UPP 0.9;STAT ON;:READ?")
    assert box.receive(b"CALC2:LIM2:FAIL?") == b"1" and int(box.receive(b"STAT:MEAS:COND?")) & 0b100
    box.receive(b"CALC2:NULL:ACQ;STAT ON;:READ?")
    assert box.receive(b"CALC2:LIM2:FAIL?") == b"0" and abs(ask(box, "CALC2:DATA?")[0]) < 1e-3
    box.receive(b"CALC:MATH:NAME POWER;:CALC:STAT ON;:READ?")
    assert ask(box, "CALC:DATA?")[0] == pytest.approx(1e-4, rel=2e-3)


def test_a_moving_filter_is_quick_and_starts_anew_with_the_source(box):
    source_volts(box)
    box.receive(b"FORM:ELEM CURR;:SENS:AVER:TCON MOV;COUN 20;:SENS:AVER ON")
    start = box.clock.monotonic()
    readings = [ask(box, "READ?")[0] for _ in range(40)]
    assert box.clock.monotonic() - start < 40 * 0.1
    assert max(readings[20:]) - min(readings[20:]) < max(readings[:20]) - min(readings[:20])
    box.receive(b"SOUR:VOLT 0.5")
    assert ask(box, "READ?")[0] == pytest.approx(5e-5, rel=5e-3)


def test_trouble_within_a_run_ends_it_and_is_told_by_the_error_queue(box):
    box.receive(b"SOUR:CLE:AUTO ON;:OUTP:ENAB ON")
    box.enable_line_closed = False
    box.receive(b"INIT")
    box.clock.wait(1.0)
    assert box.is_idle() and error(box) == 802
    box.receive(b"SOUR:VOLT:STAR -1;STOP 1;MODE SWE;:SOUR:SWE:SPAC LOG;:INIT")
    assert error(box) == -221


def test_limits_on_a_result_that_is_not_there_yet_do_no_harm(box):
    source_volts(box)
    box.receive(b"CALC:MATH:NAME 'VARALPHA';:CALC2:FEED CALC1;LIM2:STAT ON;:TRIG:COUN 2")
    assert box.receive(b"READ?") is not None and error(box) == 0


def test_switching_off_after_a_sweep_forgets_its_last_level(box):
    box.receive(b"SENS:CURR:PROT 1E-2;:SOUR:VOLT 0.5;:SOUR:VOLT:STAR 1;STOP 3;MODE SWE;:SOUR:SWE:POIN 3")
    seen = []
    box.witness = lambda _, on, volts: seen.append(round(volts, 1))
    box.receive(b"TRIG:COUN 3;:OUTP ON;:READ?;:OUTP OFF;:OUTP ON")
    assert seen == [0.5, 1.0, 2.0, 3.0, 0.0, 0.5]


def test_binary_readings_are_singles_in_the_byte_order_asked_for(box):
    source_volts(box)
    box.receive(b"FORM:ELEM VOLT;:FORM REAL,32")
    reply = box.receive(b"READ?")
    assert reply[:2] == b"#0" and struct.unpack(">f", reply[2:])[0] == pytest.approx(1.0, rel=2e-3)


def test_status_registers_are_printed_in_the_base_asked_for(box):
    assert box.receive(b"STAT:MEAS:ENAB 512;ENAB?;:FORM:SREG HEX;:STAT:MEAS:ENAB?") == b"512;#H200"
    # "any register in the status structure" (2400 manual, p. 15-6): those of the common commands too
    assert box.receive(b"*ESE 44;*ESE?;:FORM:SREG OCT;*ESE?;:FORM:SREG BIN;*ESE?") == b"#H2C;#Q54;#B101100"
    box.receive(b"*CLS;NONSENSE")
    assert (
        box.receive(b"*SRE #H20;*SRE?;*STB?;*ESR?;:FORM:SREG ASC;*ESR?") == b"#B100000;#B1110100;#B100000;0"
    )


def test_settings_can_be_saved_and_recalled(box):
    box.receive(b"SOUR:VOLT 2;*SAV 1;*RST;*RCL 1")
    assert box.receive(b"SOUR:VOLT?") == b"2.000000E+00" and not box.is_on


def test_two_boxes_of_one_seed_read_the_same(resistor):
    readings = []
    for seed in (5, 5, 6):
        box = Keithley2400(clock=SimClock(), seed=seed, terminals=resistor)
        source_volts(box)
        readings.append(box.receive(b"READ?"))
    assert readings[0] == readings[1] != readings[2]


def test_after_a_power_cycle_the_output_is_off_and_the_power_on_bit_set(box):
    source_volts(box)
    box.receive(b"*CLS")
    box.power_on()
    assert not box.is_on and box.receive(b"*ESR?;:SOUR:VOLT?") == b"128;0.000000E+00"
