"""MFG-2230M: bytes as in its maker's own driver, and pulses that never leave 0 V to the amplitude."""

import pytest
from pymeasure.test import expected_protocol

from instruments.errors import SettingNotTaken
from instruments.mfg2230m import MFG2230M

PROPERTIES = [
    ("output_on", True, "OUTP1 1", "OUTP1?", "1"),
    ("load", "INF", "OUTP1:LOAD INF", "OUTP1:LOAD?", "INF"),
    ("function", "PULS", "SOUR1:FUNC PULS", "SOUR1:FUNC?", "PULS"),
    ("unit", "VPP", "SOUR1:VOLT:UNIT VPP", "SOUR1:VOLT:UNIT?", "VPP"),
    ("amplitude", 7.0, "SOUR1:AMP 7", "SOUR1:AMP?", "+7.0000E+00"),
    ("offset", 3.5, "SOUR1:DCO 3.5", "SOUR1:DCO?", "+3.5000E+00"),
    ("pulse_period", 1e-3, "SOUR1:PULS:PER 0.001", "SOUR1:PULS:PER?", "+1.0000E-03"),
    ("pulse_width", 2e-6, "SOUR1:PULS:WIDT 2e-06", "SOUR1:PULS:WIDT?", "+2.0000E-06"),
]


@pytest.mark.parametrize(("name", "value", "set_command", "get_command", "reply"), PROPERTIES)
def test_a_property_is_set_and_read_as_its_makers_driver_does(name, value, set_command, get_command, reply):
    with expected_protocol(MFG2230M, [(set_command, None), (get_command, reply)]) as generator:
        setattr(generator, name, value)
        assert getattr(generator, name) == value


@pytest.mark.parametrize(
    ("name", "value"), [("amplitude", 11.0), ("load", "DEF"), ("function", "SIN"), ("pulse_width", 0.0)]
)
def test_a_value_beyond_the_driver_is_refused_before_a_byte_is_sent(name, value):
    with expected_protocol(MFG2230M, []) as generator, pytest.raises(ValueError):
        setattr(generator, name, value)


@pytest.mark.parametrize(
    ("pulse", "message"),
    [
        (
            {"pulse_amplitude": 4.0, "pulse_width": 1.2e-3, "pulse_period": 1e-3},
            "pulse_width 0.0012 s is not shorter",
        ),
        ({"pulse_amplitude": -4.0, "pulse_width": 1e-5, "pulse_period": 1e-3}, "exchange the leads"),
        ({"pulse_amplitude": 12.0, "pulse_width": 1e-5, "pulse_period": 1e-3}, "pulse_amplitude 12 V"),
    ],
)
def test_an_impossible_pulse_is_refused_before_a_byte_is_sent(pulse, message):
    with expected_protocol(MFG2230M, []) as generator, pytest.raises(ValueError, match=message):
        generator.configure_pulse(**pulse)


def test_the_output_is_off_before_anything_of_a_pulse_changes(simulated):
    log = []
    simulated.on_io = log.append
    simulated.pulse_generator.configure_pulse(pulse_amplitude=4.0, pulse_width=1e-5, pulse_period=1e-3)
    assert log[0].text == "OUTP1 OFF"


def test_going_from_seven_to_four_volts_shows_no_other_level(simulated):
    generator = simulated.pulse_generator
    simulated.arm_for_test()
    seen = []
    simulated.simulation.mfg2230m.witness = lambda box, on, volts: seen.append((on, volts))
    for amplitude in (7.0, 4.0, 5.5):
        generator.configure_pulse(pulse_amplitude=amplitude, pulse_width=5e-5, pulse_period=1e-3)
        generator.switch_on()
        generator.set_pulse_width(1e-4)
    assert {volts for on, volts in seen if on} == {7.0, 4.0, 5.5}


@pytest.mark.parametrize(("first", "then"), [((9e-4, 1e-3), (1e-5, 2e-5)), ((1e-5, 2e-5), (9e-4, 1e-3))])
def test_period_and_width_are_set_in_the_order_that_the_box_takes(simulated, first, then):
    generator = simulated.pulse_generator
    for pulse_width, pulse_period in (first, then):
        generator.configure_pulse(pulse_amplitude=4.0, pulse_width=pulse_width, pulse_period=pulse_period)
        assert generator.pulse_width == pytest.approx(pulse_width)
    assert generator.check_errors() == []


def test_a_load_that_is_not_taken_refuses_the_run(simulated, monkeypatch):
    box = simulated.simulation.mfg2230m
    change = type(box).change

    def deaf_for_the_load(self, number, **changes):
        changes.pop("load", None)
        change(self, number, **changes)

    simulated.pulse_generator.write("*RST")
    monkeypatch.setattr(type(box), "change", deaf_for_the_load)
    with pytest.raises(SettingNotTaken, match="load is 'DEF' instead of 'INF'"):
        simulated.pulse_generator.set_up()


def test_light_follows_the_pulse(simulated):
    simulated.arm_for_test()
    generator, meter = simulated.pulse_generator, simulated.light_meter
    meter.configure(current_range=2e-7)
    meter.zero_correct()
    generator.configure_pulse(pulse_amplitude=6.0, pulse_width=5e-5, pulse_period=1e-3)
    dark = meter.read_light().current
    generator.switch_on()
    short = meter.read_light().current
    generator.set_pulse_width(2e-4)
    long = meter.read_light().current
    assert abs(dark) < 1e-11 < short < long
