"""Keithley 6514: bytes as in the command table of manual 6514-901-01 rev. D, readings as it sends them."""

import math

import pytest
from pymeasure.test import expected_protocol

from instruments.errors import ReplyError
from instruments.keithley6514 import Keithley6514

PROPERTIES = [
    ("zero_check", True, ":SYST:ZCH 1", ":SYST:ZCH?", "1"),
    ("zero_correct_on", False, ":SYST:ZCOR 0", ":SYST:ZCOR?", "0"),
    ("current_range", 2e-9, ":CURR:RANG 2e-09", ":CURR:RANG?", "2.000000E-09"),
    ("range_is_auto", False, ":CURR:RANG:AUTO 0", ":CURR:RANG:AUTO?", "0"),
    ("power_line_cycles", 5.0, ":CURR:NPLC 5", ":CURR:NPLC?", "5.00"),
    ("filter_on", True, ":AVER 1", ":AVER?", "1"),
    ("filter_count", 20, ":AVER:COUN 20", ":AVER:COUN?", "20"),
    ("filter_type", "REP", ":AVER:TCON REP", ":AVER:TCON?", "REP"),
    ("line_frequency_setting", 60, ":SYST:LFR 60", ":SYST:LFR?", "60"),
]


@pytest.mark.parametrize(("name", "value", "set_command", "get_command", "reply"), PROPERTIES)
def test_a_property_is_set_and_read_as_the_manual_says(name, value, set_command, get_command, reply):
    with expected_protocol(Keithley6514, [(set_command, None), (get_command, reply)]) as meter:
        setattr(meter, name, value)
        assert getattr(meter, name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("current_range", 0.03),
        ("power_line_cycles", 0.001),
        ("filter_count", 0),
        ("function", "VOLT"),
        ("line_frequency_setting", 55),
    ],
)
def test_a_value_beyond_the_box_is_refused_before_a_byte_is_sent(name, value):
    with expected_protocol(Keithley6514, []) as meter, pytest.raises(ValueError):
        setattr(meter, name, value)


def test_off_shunts_the_input():
    with expected_protocol(Keithley6514, [(":SYST:ZCH ON", None), (":SYST:ZCH?", "1")]) as meter:
        meter.off()
        assert meter.output_is_off


def test_a_reading_as_a_real_one_sent_it():
    raw = "-7.334216E-06,+1.252302E+04,+0.000000E+00"
    with expected_protocol(Keithley6514, [(":READ?", raw)]) as meter:
        reading = meter.read_light()
    assert reading.current == -7.334216e-06
    assert reading.flags == frozenset()


@pytest.mark.parametrize("status", ["+1.000000E+00", "+0.000000E+00"])
def test_overflow_is_flagged_and_never_a_number(status):
    with expected_protocol(Keithley6514, [(":READ?", f"+9.900000E+37,+1.0E+00,{status}")]) as meter:
        reading = meter.read_light()
    assert math.isnan(reading.current)
    assert reading.flags == {"overflow"}


@pytest.mark.parametrize("reply", ["1", "+1.0E-09", "+1.0E-09,+1.0E+00,x", "+1.0E-09A,+1.0E+00,+0.0E+00", ""])
def test_garbage_is_no_reading(reply):
    with expected_protocol(Keithley6514, [(":READ?", reply)]) as meter, pytest.raises(ReplyError):
        meter.read_light()


def test_the_zero_is_taken_with_the_input_shunted_and_subtracted_with_it_open():
    ritual = [
        (":SYST:ZCH 1", None),
        (":SYST:ZCOR 0", None),
        (":INIT", None),
        ("*OPC?", "1"),
        (":SYST:ZCOR:ACQ", None),
        (":SYST:ZCOR 1", None),
        (":SYST:ZCH 0", None),
        (":SYST:ZCOR?", "1"),
        (":SYST:ZCH?", "0"),
    ]
    with expected_protocol(Keithley6514, ritual) as meter:
        meter.zero_correct()


def test_zero_correction_takes_the_offset_away(simulated):
    meter = simulated.light_meter
    meter.configure(current_range=2e-9)
    meter.zero_correct()
    assert meter.zero_correct_on
    assert not meter.zero_check
    assert abs(meter.read_light().current) < 1e-11


def test_a_fixed_range_that_is_too_small_overflows(simulated):
    simulated.arm_for_test()
    simulated.pulse_generator.configure_pulse(pulse_amplitude=7.0, pulse_width=3e-4, pulse_period=1e-3)
    meter = simulated.light_meter
    meter.configure(current_range=2e-11)
    meter.zero_correct()
    simulated.pulse_generator.switch_on()
    simulated.pulse_generator.start_burst(10_000)
    reading = meter.read_light()
    assert "overflow" in reading.flags
    assert math.isnan(reading.current)
