"""Keithley 2400: bytes as in the command table of manual 2400S-900-01 rev. K, readings as it sends them."""

import math

import pytest
from pymeasure.test import expected_protocol

from instruments.errors import ReplyError, SettingNotTaken
from instruments.keithley2400 import Keithley2400, SourceState, linear, logarithmic
from sim_instruments.faults import Fault

PROPERTIES = [
    ("output_on", True, ":OUTP 1", ":OUTP?", "1"),
    ("output_off_state", "HIMP", ":OUTP:SMOD HIMP", ":OUTP:SMOD?", "HIMP"),
    ("source_function", "VOLT", ":SOUR:FUNC VOLT", ":SOUR:FUNC?", "VOLT"),
    ("source_mode", "LIST", ":SOUR:VOLT:MODE LIST", ":SOUR:VOLT:MODE?", "LIST"),
    ("auto_off", False, ":SOUR:CLE:AUTO 0", ":SOUR:CLE:AUTO?", "0"),
    ("voltage", -1.25, ":SOUR:VOLT:LEV -1.25", ":SOUR:VOLT:LEV?", "-1.250000E+00"),
    ("source_range", 20.0, ":SOUR:VOLT:RANG 20", ":SOUR:VOLT:RANG?", "2.000000E+01"),
    ("over_voltage_limit", 20.0, ":SOUR:VOLT:PROT 20", ":SOUR:VOLT:PROT?", "2.000000E+01"),
    ("source_delay", 0.05, ":SOUR:DEL 0.05", ":SOUR:DEL?", "5.000000E-02"),
    ("compliance_current", 1e-3, ":SENS:CURR:PROT 0.001", ":SENS:CURR:PROT?", "1.000000E-03"),
    ("current_range", 1e-4, ":SENS:CURR:RANG 0.0001", ":SENS:CURR:RANG?", "1.000000E-04"),
    ("current_range_is_auto", True, ":SENS:CURR:RANG:AUTO 1", ":SENS:CURR:RANG:AUTO?", "1"),
    ("power_line_cycles", 0.1, ":SENS:CURR:NPLC 0.1", ":SENS:CURR:NPLC?", "0.10"),
    ("filter_on", True, ":SENS:AVER 1", ":SENS:AVER?", "1"),
    ("filter_count", 10, ":SENS:AVER:COUN 10", ":SENS:AVER:COUN?", "10"),
    ("filter_type", "REP", ":SENS:AVER:TCON REP", ":SENS:AVER:TCON?", "REP"),
    ("four_wire", True, ":SYST:RSEN 1", ":SYST:RSEN?", "1"),
    ("trigger_count", 60, ":TRIG:COUN 60", ":TRIG:COUN?", "60"),
    ("sweep_start", 0.1, ":SOUR:VOLT:STAR 0.1", ":SOUR:VOLT:STAR?", "1.000000E-01"),
    ("sweep_stop", 7.0, ":SOUR:VOLT:STOP 7", ":SOUR:VOLT:STOP?", "7.000000E+00"),
    ("sweep_points", 61, ":SOUR:SWE:POIN 61", ":SOUR:SWE:POIN?", "61"),
    ("sweep_spacing", "LOG", ":SOUR:SWE:SPAC LOG", ":SOUR:SWE:SPAC?", "LOG"),
    ("sweep_abort", "EARL", ":SOUR:SWE:CAB EARL", ":SOUR:SWE:CAB?", "EARL"),
]


@pytest.mark.parametrize(("name", "value", "set_command", "get_command", "reply"), PROPERTIES)
def test_a_property_is_set_and_read_as_the_manual_says(name, value, set_command, get_command, reply):
    with expected_protocol(Keithley2400, [(set_command, None), (get_command, reply)]) as source:
        setattr(source, name, value)
        assert getattr(source, name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("voltage", 211.0),
        ("voltage", math.nan),
        ("compliance_current", 2.0),
        ("compliance_current", 0.0),
        ("power_line_cycles", 11),
        ("filter_count", 101),
        ("trigger_count", 2501),
        ("source_delay", -1.0),
        ("source_function", "CURR"),
        ("output_on", "ON"),
    ],
)
def test_a_value_beyond_the_box_is_refused_before_a_byte_is_sent(name, value):
    with expected_protocol(Keithley2400, []) as source, pytest.raises(ValueError):
        setattr(source, name, value)


def test_making_the_driver_says_nothing():
    with expected_protocol(Keithley2400, []):
        pass


def test_off_is_one_write():
    with expected_protocol(Keithley2400, [(":OUTP OFF", None)]) as source:
        source.off()


def test_a_reading_is_voltage_current_time_and_status():
    raw = "+5.000800E-01,+1.407510E-06,+1.905000E+00,+2.253200E+04"
    with expected_protocol(Keithley2400, [(":READ?", raw)]) as source:
        reading = source.read_point()
    assert (reading.voltage, reading.current, reading.instrument_time) == (0.50008, 1.40751e-06, 1.905)
    assert reading.flags == frozenset()
    assert reading.raw == raw


@pytest.mark.parametrize(
    ("status", "flags"),
    [
        (1 << 3, {"compliance"}),
        (1 << 16, {"range-compliance"}),
        (1 << 4, {"over-voltage"}),
        (1 << 0, {"overflow"}),
        ((1 << 3) | (1 << 14), {"compliance"}),
    ],
)
def test_a_status_word_becomes_flags(status, flags):
    with expected_protocol(Keithley2400, [(":READ?", f"+1.0E+00,+1.0E-03,+1.0E+00,{status:.6E}")]) as source:
        assert source.read_point().flags == flags


@pytest.mark.parametrize("sentinel", ["+9.9E37", "+9.910000E+37", "-9.9E37"])
def test_a_sentinel_is_never_a_number(sentinel):
    with expected_protocol(Keithley2400, [(":READ?", f"+1.0E+00,{sentinel},+1.0E+00,+0.0E+00")]) as source:
        reading = source.read_point()
    assert math.isnan(reading.current)
    assert "invalid" in reading.flags
    assert sentinel in reading.raw


@pytest.mark.parametrize(
    "reply",
    [
        "+1.0E+00,+1.0E-03,+1.0E+00",
        "+1.0E+00,+1.0E-03,+1.0E+00,+0.0E+00,+1.0E+00",
        "+1.0E+00,nan,+1.0E+00,+0.0E+00",
        "+1.0E+00,1.0E-03 A,+1.0E+00,+0.0E+00",
        "+1.0E+00,+1.0E-03,+1.0E+00,+5.0E-01",
        "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1248014,C30",
        "1",
        "",
    ],
)
def test_garbage_is_no_reading(reply):
    with expected_protocol(Keithley2400, [(":READ?", reply)]) as source, pytest.raises(ReplyError):
        source.read_point()


def test_a_setting_the_box_did_not_take_is_named_with_both_values():
    pairs = [
        (":SENS:CURR:PROT?", "1.050000E-04"),
        (":SYST:ERR?", '+824,"Cannot exceed"'),
        (":SYST:ERR?", '0,"No error"'),
    ]
    told = r"compliance_current is 0.000105 instead of 0.02.*\+824"
    with expected_protocol(Keithley2400, pairs) as source, pytest.raises(SettingNotTaken, match=told):
        source.verify(compliance_current=0.02)


def test_errors_about_the_line_are_not_errors_of_the_box():
    pairs = [
        (":SYST:ERR?", '-420,"Query UNTERMINATED"'),
        (":SYST:ERR?", '-222,"Parameter data out of range"'),
        (":SYST:ERR?", '+0,"No error"'),
    ]
    with expected_protocol(Keithley2400, pairs) as source:
        assert source.check_errors() == ['-222 "Parameter data out of range"']


def test_reading_time_grows_to_eighty_seconds(simulated):
    source = simulated.source_meter
    source.configure(compliance_current=0.01, maximum_voltage=8.0, power_line_cycles=10.0, filter_count=100)
    assert source.reading_time > 80.0
    simulated.arm_for_test()
    source.voltage = 1.0
    source.switch_on()
    before = simulated.clock.monotonic()
    assert source.read_point().current > 0
    assert simulated.clock.monotonic() - before == pytest.approx(80.0, rel=0.02)


def test_a_point_is_measured_with_both_quantities_sensed(simulated):
    source = simulated.source_meter
    source.configure(compliance_current=0.01, maximum_voltage=8.0)
    simulated.arm_for_test()
    source.voltage = 2.0
    source.switch_on()
    reading = source.read_point()
    assert reading.voltage == pytest.approx(2.0, abs=3e-3)
    assert reading.voltage != 2.0
    assert 1e-6 < reading.current < 1e-3


def test_a_level_that_was_not_taken_is_set_again_and_the_point_flagged(simulated):
    source = simulated.source_meter
    source.configure(compliance_current=0.01, maximum_voltage=8.0)
    simulated.arm_for_test()
    source.switch_on()
    simulated.simulation.inject("keithley2400", Fault("setting_ignored", matching=rb"VOLT:LEV"))
    source.voltage = 2.0
    reading = source.read_point()
    assert reading.voltage == pytest.approx(2.0, abs=5e-3)
    assert "remeasured" in reading.flags


def test_a_level_that_is_never_taken_ends_the_run(simulated):
    source = simulated.source_meter
    source.configure(compliance_current=0.01, maximum_voltage=8.0)
    simulated.arm_for_test()
    source.switch_on()
    simulated.simulation.inject("keithley2400", Fault("settings_locked"))
    source.voltage = 2.0
    with pytest.raises(SettingNotTaken, match="where 2 V was set"):
        source.read_point()


def test_an_output_that_went_off_by_itself_is_named_as_the_cause(simulated):
    source = simulated.source_meter
    source.configure(compliance_current=0.01, maximum_voltage=8.0)
    simulated.arm_for_test()
    source.switch_on()
    simulated.simulation.inject("keithley2400", Fault("output_drops"))
    source.voltage = 2.0
    with pytest.raises(ReplyError, match="OUTPUT off"):
        source.read_point()


def test_compliance_is_flagged_and_told(simulated):
    source = simulated.source_meter
    source.configure(compliance_current=1e-4, maximum_voltage=8.0)
    simulated.arm_for_test()
    source.voltage = 7.0
    source.switch_on()
    reading = source.read_point()
    assert "compliance" in reading.flags
    assert reading.current == pytest.approx(1e-4, rel=1e-2)
    assert source.compliance_tripped


def test_a_fixed_range_below_the_compliance_is_flagged_as_range_compliance(simulated):
    source = simulated.source_meter
    source.configure(compliance_current=1e-2, maximum_voltage=8.0, current_range=1e-5)
    simulated.arm_for_test()
    source.voltage = 7.0
    source.switch_on()
    assert "range-compliance" in source.read_point().flags


@pytest.mark.parametrize("kind", ["list", "linear", "logarithmic"])
def test_a_hardware_sweep_measures_every_point_and_leaves_the_output_off(simulated, kind):
    source = simulated.source_meter
    source.configure(compliance_current=0.01, maximum_voltage=8.0, power_line_cycles=0.1)
    simulated.arm_for_test()
    if kind == "list":
        expected = [0.05 * index for index in range(130)]
        readings = source.sweep(expected, settling_time=0.01)
    elif kind == "linear":
        expected = linear(0.0, 5.0, 51)
        readings = source.sweep_linear(0.0, 5.0, 51, settling_time=0.01)
    else:
        expected = logarithmic(0.1, 5.0, 30)
        readings = source.sweep_logarithmic(0.1, 5.0, 30, settling_time=0.01)
    assert [reading.voltage for reading in readings] == pytest.approx(expected, abs=5e-3)
    assert source.output_is_off
    assert source.source_mode == "FIX"
    assert source.trigger_count == 1


def test_a_hardware_sweep_is_ended_by_the_box_at_its_first_reading_in_compliance(simulated):
    source = simulated.source_meter
    source.configure(compliance_current=1e-6, maximum_voltage=8.0, power_line_cycles=0.1)
    simulated.arm_for_test()
    levels = [0.1 * index for index in range(60)]
    whole = source.sweep(levels, settling_time=0.01)
    assert len(whole) == 60
    first = next(index for index, reading in enumerate(whole) if "compliance" in reading.flags)
    ended = source.sweep(levels, settling_time=0.01, stop_at_compliance=True)
    assert 0 < len(ended) == first + 1 < 60
    assert "compliance" in ended[-1].flags
    assert source.output_is_off


def test_a_hardware_sweep_takes_about_the_boxes_own_time(simulated):
    source = simulated.source_meter
    source.configure(compliance_current=0.01, maximum_voltage=8.0, power_line_cycles=0.1)
    simulated.arm_for_test()
    begin = simulated.clock.monotonic()
    readings = source.sweep_linear(0.0, 5.0, 100, settling_time=0.01)
    ours = simulated.clock.monotonic() - begin
    box = readings[-1].instrument_time - readings[0].instrument_time
    assert ours < 1.1 * box * 100 / 99


def test_a_sweep_is_off_whatever_interrupts_it(simulated, monkeypatch):
    source = simulated.source_meter
    source.configure(compliance_current=0.01, maximum_voltage=8.0)
    simulated.arm_for_test()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(source, "_fetch_sweep", interrupted)
        with pytest.raises(KeyboardInterrupt):
            source.sweep([1.0, 2.0], settling_time=0.01)
    assert simulated.simulation.keithley2400.is_on is False
    assert source.source_mode == "FIX"


@pytest.mark.parametrize("voltages", [[], [0.0] * 2501])
def test_a_sweep_the_box_cannot_hold_is_refused(simulated, voltages):
    with pytest.raises(ValueError, match="1 to 2500"):
        simulated.source_meter.sweep(voltages, settling_time=0.0)


def test_a_logarithmic_sweep_does_not_cross_zero(simulated):
    with pytest.raises(ValueError, match="crosses 0 V"):
        simulated.source_meter.sweep_logarithmic(-1.0, 1.0, 10, settling_time=0.0)


def test_the_shadow_knows_the_largest_voltage_of_what_the_box_would_do_by_itself():
    assert SourceState(mode="LIST", listed=(1.0, -3.0)).demand().voltage == 3.0
    assert SourceState(mode="SWE", start=0.0, stop=-6.0, points=7).demand().step == pytest.approx(1.0)
    assert SourceState(
        mode="SWE", spacing="LOG", start=0.1, stop=10.0, points=3
    ).demand().voltage == pytest.approx(10)
    assert math.isnan(SourceState(mode="LIST", listed=None).demand().voltage)
