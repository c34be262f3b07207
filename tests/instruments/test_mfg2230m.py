"""MFG-2230M: bytes as in its maker's own driver, and pulses that never leave 0 V to the amplitude."""

import pytest
from pymeasure.test import expected_protocol

from instruments.door import arming_token
from instruments.errors import NotArmedError, SettingNotTaken
from instruments.mfg2230m import MFG2230M
from qdlab.simulators import open_simulated_bench
from sim_instruments.faults import Fault
from sim_instruments.scpi import CommandTable

PROPERTIES = [
    ("output_on", True, "OUTP1 1", "OUTP1?", "1"),
    ("load", "INF", "OUTP1:LOAD INF", "OUTP1:LOAD?", "INF"),
    ("function", "PULS", "SOUR1:FUNC PULS", "SOUR1:FUNC?", "PULS"),
    ("unit", "VPP", "SOUR1:VOLT:UNIT VPP", "SOUR1:VOLT:UNIT?", "VPP"),
    ("amplitude", 7.0, "SOUR1:AMP 7", "SOUR1:AMP?", "+7.0000E+00"),
    ("offset", 3.5, "SOUR1:DCO 3.5", "SOUR1:DCO?", "+3.5000E+00"),
    ("pulse_period", 1e-3, "SOUR1:PULS:PER 0.001", "SOUR1:PULS:PER?", "+1.0000E-03"),
    ("pulse_width", 2e-6, "SOUR1:PULS:WIDT 2e-06", "SOUR1:PULS:WIDT?", "+2.0000E-06"),
    ("in_bursts", True, "SOUR1:BURS:STAT 1", "SOUR1:BURS:STAT?", "1"),
    ("burst_mode", "TRIG", "SOUR1:BURS:MODE TRIG", "SOUR1:BURS:MODE?", "TRIG"),
    ("burst_trigger", "MAN", "SOUR1:BURS:TRIG:SOUR MAN", "SOUR1:BURS:TRIG:SOUR?", "MAN"),
    ("burst_pulses", 500, "SOUR1:BURS:NCYC 500", "SOUR1:BURS:NCYC?", "+5.0000E+02"),
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
    generator.start_burst(3000)
    short = meter.read_light().current
    generator.set_pulse_width(2e-4)
    generator.start_burst(3000)
    long = meter.read_light().current
    assert abs(dark) < 1e-11 < short < long


# Counted bursts


def without_bursts(box):
    known = [command for command in box.table.commands if "BURSt" not in command.header]
    box.table = CommandTable(known, box.unit_pattern)


def pulsing(bench, pulses):
    """Pulses of 5 V and 50 µs each millisecond, in one burst."""
    bench.arm_for_test()
    bench.pulse_generator.configure_pulse(pulse_amplitude=5.0, pulse_width=5e-5, pulse_period=1e-3)
    bench.pulse_generator.switch_on()
    bench.pulse_generator.start_burst(pulses)


def test_a_burst_ends_by_itself_though_nobody_says_anything_any_more(simulated):
    terminals = simulated.simulation.generator
    pulsing(simulated, 300)
    assert terminals.voltage() == pytest.approx(5.0, rel=0.01)
    sample = terminals.sample
    simulated.clock.wait(3600.0)
    terminals.drive(None, start=simulated.clock.monotonic())
    charge = sample.charge_passed
    assert terminals.voltage() == 0.0
    free = open_simulated_bench(seed=7)
    free.pulse_generator.__init__(free.pulse_generator.adapter, bursts="never")
    free.set_up()
    free.arm_for_test = lambda: free.arm(token=arming_token("test"))
    pulsing(free, 300)
    free.clock.wait(0.3)
    free.simulation.generator.drive(None, start=free.clock.monotonic())
    assert charge == pytest.approx(free.simulation.generator.sample.charge_passed, rel=0.05)


def test_the_output_waits_for_its_burst_at_zero_volts_and_every_burst_needs_leave(simulated):
    pulsing(simulated, 10)
    simulated.clock.wait(1.0)
    assert simulated.simulation.generator.voltage() == 0.0
    simulated.disarm()
    with pytest.raises(NotArmedError):
        simulated.pulse_generator.start_burst(10)


def test_a_lost_trigger_is_sent_again(simulated):
    pulsing(simulated, 10)
    simulated.clock.wait(1.0)
    simulated.simulation.inject("mfg2230m", Fault("lost_message", matching=b"OUTP1:TRIG"))
    simulated.pulse_generator.start_burst(5000)
    assert simulated.simulation.generator.voltage() == pytest.approx(5.0, rel=0.01)


def test_a_box_without_bursts_is_refused_unless_the_bench_says_otherwise(simulated):
    without_bursts(simulated.simulation.mfg2230m)
    with pytest.raises(SettingNotTaken, match=r"takes no counted bursts.*-113.*bursts = \"never\""):
        simulated.pulse_generator.set_up()


@pytest.mark.parametrize("policy", ["prefer", "never"])
def test_a_box_may_pulse_freely_where_the_bench_says_so_and_it_is_remarked(simulated, policy):
    without_bursts(simulated.simulation.mfg2230m)
    generator = simulated.pulse_generator
    generator.__init__(generator.adapter, bursts=policy)
    generator.set_up()
    assert not generator.counts_pulses
    assert "if the computer dies, it goes on pulsing" in simulated.remarks[0]
    pulsing(simulated, 10)
    simulated.clock.wait(60.0)
    assert simulated.simulation.generator.voltage() == pytest.approx(5.0, rel=0.01)
    assert generator.check_errors() == []


@pytest.fixture
def deaf_for_bursts(simulated, monkeypatch):
    """The box answers every message and takes no burst setting, without a word."""
    box = simulated.simulation.mfg2230m
    change = type(box).change

    def without_burst(self, number, **changes):
        changes.pop("burst", None)
        change(self, number, **changes)

    monkeypatch.setattr(type(box), "change", without_burst)


@pytest.mark.usefixtures("deaf_for_bursts")
def test_a_burst_setting_the_box_does_not_take_refuses_the_run(simulated):
    with pytest.raises(SettingNotTaken, match="in_bursts is False instead of True"):
        simulated.pulse_generator.set_up()


@pytest.mark.usefixtures("deaf_for_bursts")
def test_a_box_that_takes_no_burst_setting_without_a_word_may_pulse_freely_too(simulated):
    generator = simulated.pulse_generator
    generator.__init__(generator.adapter, bursts="prefer")
    generator.set_up()
    assert not generator.counts_pulses
    assert "takes no counted bursts" in simulated.remarks[0]
    pulsing(simulated, 10)
    simulated.clock.wait(60.0)
    assert simulated.simulation.generator.voltage() == pytest.approx(5.0, rel=0.01)
