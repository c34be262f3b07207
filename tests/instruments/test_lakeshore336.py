"""Lake Shore 336: bytes as its maker's driver and QCoDeS send them, a heater that is never lost silently."""

import math

import pytest
from pymeasure.test import expected_protocol

from instruments.driver import HeaterEnd
from instruments.errors import InstrumentError, ReplyError, SettingNotTaken
from instruments.lakeshore336 import LakeShore336
from instruments.limits import Envelope


@pytest.mark.parametrize(
    ("name", "query", "reply", "value"),
    [
        ("setpoint", "SETP? 1", "+297.000", 297.0),
        ("ramp", "RAMP? 1", "1,+003.0", (True, 0.05)),
        ("ramp_rate", "RAMP? 1", "0,+003.0", math.inf),
        ("is_ramping", "RAMPST? 1", "1", True),
        ("heater_range", "RANGE? 1", "2", 2),
        ("heater_output", "HTR? 1", "+045.5", 0.455),
        ("heater_fault", "HTRST? 1", "1", "heater open"),
        ("stage_limit", "TLIMIT? A", "+0325.000", 325.0),
        ("sample_limit", "TLIMIT? B", "+0325.000", 325.0),
        ("closed_loop_on_stage", "OUTMODE? 1", "1,1,0", True),
    ],
)
def test_a_property_is_read_as_the_maker_does(name, query, reply, value):
    with expected_protocol(LakeShore336, [(query, reply)]) as controller:
        assert getattr(controller, name) == (value if isinstance(value, str) else pytest.approx(value))


@pytest.mark.parametrize(
    ("name", "value", "command"),
    [
        ("setpoint", 277.0, "SETP 1,277.000"),
        ("ramp", (True, 0.05), "RAMP 1,1,3.0"),
        ("heater_range", 3, "RANGE 1,3"),
    ],
)
def test_a_property_is_set_as_the_maker_does(name, value, command):
    with expected_protocol(LakeShore336, [(command, None)]) as controller:
        setattr(controller, name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("setpoint", 3.0),
        ("setpoint", 500.0),
        ("setpoint", math.nan),
        ("heater_range", 4),
        ("ramp", (True, 2.0)),
        ("ramp", (True, 0.0)),
        ("ramp", (True, 0.0016)),
    ],
)
def test_a_value_beyond_the_driver_is_refused_before_a_byte_is_sent(name, value):
    with expected_protocol(LakeShore336, []) as controller, pytest.raises(ValueError):
        setattr(controller, name, value)


def test_a_temperature_comes_with_its_sensor_asked_first():
    with expected_protocol(LakeShore336, [("RDGST? B", "000"), ("KRDG? B", "+217.345")]) as controller:
        assert controller.sample_temperature == 217.345


@pytest.mark.parametrize(("status", "word"), [("128", "over"), ("016", "too cold"), ("001", "invalid")])
def test_a_lost_sensor_is_no_temperature(status, word):
    asked = [("RDGST? A", status)]
    with expected_protocol(LakeShore336, asked) as controller, pytest.raises(ReplyError, match=word):
        _ = controller.stage_temperature


def test_setting_up_leaves_a_heater_that_holds_its_temperature_alone(simulated):
    controller = simulated.temperature_controller
    before = (controller.heater_range, controller.setpoint)
    controller.set_up()
    assert (controller.heater_range, controller.setpoint) == before == (3, 297.0)
    assert simulated.temperature_controller.stage_limit == 325.0


def test_the_controllers_own_limit_lies_just_above_what_the_envelope_allows(simulated):
    simulated.use_envelope(Envelope(maximum_temperature=300.0))
    simulated.temperature_controller.set_up()
    assert simulated.temperature_controller.stage_limit == 305.0


def test_a_ramp_from_a_cold_start_begins_at_the_stage(simulated):
    controller = simulated.temperature_controller
    simulated.arm_for_test()
    controller.off()
    simulated.clock.wait(600.0)
    stage = controller.stage_temperature
    controller.ramp_to(250.0, rate=0.1)
    assert controller.heater_range == 3
    simulated.clock.wait(1.0)  # SETP? answers the old value for a moment
    assert controller.setpoint == pytest.approx(stage, abs=1.0)


def test_a_ramp_arrives(simulated):
    controller = simulated.temperature_controller
    simulated.use_envelope(Envelope(minimum_temperature=200.0, maximum_temperature_rate=0.1))
    controller.ramp_to(277.0, rate=0.05)
    simulated.clock.wait(200.0)
    assert controller.is_ramping
    assert controller.setpoint == pytest.approx(287.0, abs=1.0)
    simulated.clock.wait(1500.0)
    assert controller.sample_temperature == pytest.approx(277.0, abs=0.5)


def test_a_broken_heater_is_told_at_set_up(simulated):
    simulated.simulation.cryostat.heater_broken = True
    with pytest.raises(InstrumentError, match="heater open"):
        simulated.temperature_controller.set_up()


@pytest.mark.parametrize(
    ("policy", "messages"),
    [("hold", ()), ("off", ("RANGE 1,0",)), ("ramp", ("RAMP 1,1,3.0", "SETP 1,297.000"))],
)
def test_each_policy_ends_by_writing_only(policy, messages):
    with expected_protocol(LakeShore336, []) as controller:
        end = HeaterEnd(policy=policy, temperature=297.0, rate=0.05)
        assert controller.safe_end(end).messages == messages


def test_a_ramp_is_never_faster_than_asked_for_though_the_box_knows_tenths_only():
    with expected_protocol(LakeShore336, [("RAMP 1,1,0.7", None)]) as controller:
        controller.ramp = (True, 0.79 / 60)


@pytest.mark.parametrize(("unit", "words"), [(2, "°C"), (3, "the sensor's own unit")])
@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_controller_that_does_not_count_in_kelvin_is_refused_before_it_is_told_anything(
    simulated, letter, unit, words
):
    simulated.simulation.lakeshore336.receive(f"INTYPE {letter},1,0,0,0,{unit}".encode())
    log = []
    simulated.on_io = log.append
    with pytest.raises(SettingNotTaken, match=f"input {letter} counts in {words}; set its preferred units"):
        simulated.temperature_controller.set_up()
    assert not any("OUTMODE" in entry.text or "TLIMIT" in entry.text for entry in log)


def test_refused_commands_are_told_by_the_event_status():
    with expected_protocol(LakeShore336, [("*ESR?", "48")]) as controller:
        assert controller.check_errors() == ["command error", "execution error"]
