"""Nothing leaves that was not declared, nothing that breaks the envelope, nothing that energises unarmed."""

import re

import pytest

from instruments.door import Door, arming_token, number, switch
from instruments.errors import (
    ConnectionFailed,
    LimitError,
    NotArmedError,
    ReplyError,
    SettingNotTaken,
)
from instruments.keithley2400 import Keithley2400
from instruments.lakeshore336 import LakeShore336
from instruments.limits import Envelope
from instruments.link import Line, Link
from instruments.mfg2230m import MFG2230M
from sim_instruments.faults import Fault
from sim_instruments.wiring import SimBench

TAG = re.compile(r"^\*ESE \d+;|;\*ESE\?$")
ENVELOPE = Envelope(maximum_voltage=7.0, maximum_current=0.01)


BOXES = {Keithley2400: "keithley2400", MFG2230M: "mfg2230m", LakeShore336: "lakeshore336"}


@pytest.fixture
def simulation():
    return SimBench(seed=1)


@pytest.fixture
def clock(simulation):
    return simulation.clock


@pytest.fixture
def sent():
    """What leaves, without the numbers that questions carry."""
    return []


@pytest.fixture
def open_door(simulation, sent):
    def open_it(driver=Keithley2400, envelope=ENVELOPE):
        link = Link("bus", clock=simulation.clock)
        line = Line(link, "BOX", lambda: simulation.transport(BOXES[driver]))
        line.open()
        link.on_io = lambda entry: entry.direction == "out" and sent.append(TAG.sub("", entry.text))
        return Door(
            line,
            headers=driver.HEADERS,
            reset_state=driver.RESET_STATE,
            off=driver.OFF,
            envelope=envelope,
        )

    return open_it


@pytest.fixture
def armed(open_door):
    """A source meter's Door after its reset, armed."""
    door = open_door()
    door.write("*RST")
    door.token = arming_token("test")
    return door


@pytest.mark.parametrize(
    "message",
    [
        ":MEAS:CURR?",
        ":CONF:CURR",
        "CONFIGURE:VOLTAGE",
        ":SOUR:CURR 1",
        ":SOUR:FUNC CURR",
        ":SOURC:VOLT 1",  # neither the short nor the long form
        ":SOUR:VOLT MAX",
        ":SOUR:VOLT 1e999",
        ":SOUR:VOLT nan",
        ":SOUR:VOLT 1_0",
        ":SOUR:VOLT ١",
        ":SOUR:VOLT 1,2",
        ":SOUR:VOLT",
        ":OUTP 2",
        ":OUTP",
        "VOLT 1;",
        "",
        ":SOUR:VOLT 1\n:OUTP ON",
        ":SOUR:VOLT 1\r:OUTP ON",
        ":SOUR:VOLT 1;RANG 20",  # goes on from a path
        ":SOUR:VOLT?;:OUTP?",
        ":SYST:PRES",
        "*RCL 1",
        "*TRG",
        ":OUTP\t1",
    ],
)
def test_what_is_not_declared_or_not_understood_does_not_leave(armed, sent, message):
    sent.clear()
    with pytest.raises(LimitError):
        armed.write(message)
    assert sent == []


@pytest.mark.parametrize(
    "message",
    [
        ":SOUR:VOLT 1.5",
        "sour:volt 1.5",
        ":SOURCE:VOLTAGE:LEVEL:IMMEDIATE:AMPLITUDE +1.5E0",
        ":sour:volt:ampl 1.5",
        ":SOUR:VOLT 1.5;:SENS:CURR:PROT 1e-3",
    ],
)
def test_full_short_and_long_forms_leave(armed, message):
    armed.write(message)
    assert armed.state.level == 1.5


def test_a_level_beyond_the_envelope_does_not_leave_even_with_the_output_off(armed, sent):
    sent.clear()
    with pytest.raises(LimitError, match=r"voltage 7.5 V exceeds maximum_voltage 7 V"):
        armed.write(":SOUR:VOLT 7.5")
    with pytest.raises(LimitError, match="maximum_current"):
        armed.write(":SENS:CURR:PROT 0.02")
    with pytest.raises(LimitError, match="maximum_voltage"):
        armed.write(":SOUR:VOLT:MODE LIST;:SOUR:LIST:VOLT 1,2,9")
    assert sent == []
    assert armed.state.level == 0.0


def test_a_message_is_refused_for_what_it_leads_through_not_only_for_its_end(armed, sent):
    sent.clear()
    with pytest.raises(LimitError):
        armed.write(":SOUR:VOLT 9;:OUTP ON;:SOUR:VOLT 0")
    assert sent == []


def test_nothing_is_energised_without_a_token(open_door, sent):
    door = open_door()
    door.write("*RST")
    sent.clear()
    for message in (":OUTP ON", "OUTPUT:STATE 1", ":SOUR:CLE:AUTO ON;:INIT"):
        with pytest.raises(NotArmedError):
            door.write(message)
    assert sent == []


def test_a_token_counts_only_while_somebody_stands_by(armed):
    standing_by = True
    armed.token = arming_token("test", valid=lambda: standing_by)
    armed.write(":OUTP ON")
    standing_by = False
    with pytest.raises(NotArmedError, match="nobody stands by"):
        armed.write(":SOUR:VOLT 1")


def test_before_a_reset_the_output_may_be_on_and_nothing_about_it_may_change(open_door, sent):
    door = open_door()
    with pytest.raises(NotArmedError):
        door.write(":SOUR:VOLT 1")
    door.token = arming_token("test")
    with pytest.raises(LimitError, match="not known"):
        door.write(":OUTP ON")
    assert sent == []


def test_a_reading_counts_as_energising_where_the_box_switches_its_output_for_it(armed, sent):
    armed.write(":SOUR:CLE:AUTO 1")
    armed.token = None
    with pytest.raises(NotArmedError):
        armed.write(":READ?")
    armed.write(":SOUR:CLE:AUTO 0")
    assert ":READ?" not in sent


def test_off_passes_always_and_first(open_door, sent, simulation):
    door = open_door()
    simulation.inject("keithley2400", Fault("lost_reply", matching=rb"\?", times=50))
    with pytest.raises(ConnectionFailed):
        door.ask_within(0.1, "*OPC?")
    sent.clear()
    door.write(":OUTP OFF")
    assert sent == [":OUTP OFF"]  # no reset before, no token, no envelope asked


def test_a_message_that_was_not_confirmed_leaves_its_settings_unknown(armed, sent, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise ConnectionFailed("gone")

    with monkeypatch.context() as patch:
        patch.setattr(armed.line, "write", broken)
        with pytest.raises(ConnectionFailed):
            armed.write(":SOUR:VOLT 3")
    assert armed.state.level is None
    with pytest.raises(LimitError, match="not known"):
        armed.write(":OUTP ON")
    armed.write(":SOUR:VOLT 2")
    armed.write(":OUTP ON")


def test_what_the_box_did_not_take_is_found_before_it_is_energised(armed, sent, simulation):
    simulation.inject("keithley2400", Fault("setting_ignored", matching=rb"PROT"))
    armed.write(":SENS:CURR:PROT 1e-3")
    sent.clear()
    with pytest.raises(SettingNotTaken, match=r"compliance current is 1.050000E-04 where 0.001 was set"):
        armed.write(":OUTP ON")
    assert ":OUTP ON" not in sent
    armed.write(":OUTP ON")  # what the box does is known now, and allowed


@pytest.mark.parametrize("believed_on", [False, True])
def test_a_box_that_lost_its_power_is_not_switched_on_again(armed, sent, simulation, believed_on):
    armed.write(":SENS:CURR:PROT 1e-3")
    armed.write(":OUTP ON")
    if not believed_on:
        armed.write(":OUTP OFF")
    simulation.keithley2400.power_on()
    sent.clear()
    with pytest.raises(ConnectionFailed, match="its settings are gone"):
        armed.write(":OUTP ON")
    assert ":OUTP ON" not in sent
    with pytest.raises(LimitError, match="not known"):
        armed.write(":OUTP ON")


def test_what_was_read_back_before_is_not_asked_for_again(armed, sent):
    armed.write(":SOUR:VOLT 1")
    armed.write(":OUTP ON")
    armed.write(":OUTP OFF")
    sent.clear()
    armed.write(":SOUR:VOLT 2")
    armed.write(":OUTP ON")
    assert sent == [":SOUR:VOLT 2", "*ESR?", ":SOUR:VOLT?", ":OUTP ON"]


def test_levels_in_a_row_cost_no_questions(armed, sent):
    armed.write(":OUTP ON")
    sent.clear()
    for level in (1, 2, 3):
        armed.write(f":SOUR:VOLT {level}")
    assert sent == [":SOUR:VOLT 1", ":SOUR:VOLT 2", ":SOUR:VOLT 3"]


@pytest.mark.parametrize("points", [0, 1, 2501, 10**11])
def test_a_sweep_of_impossible_length_is_neither_computed_nor_started(armed, points):
    armed.write(":SOUR:SWE:POIN 10")
    armed.write(f":SOUR:SWE:POIN {points}")
    armed.write(":SOUR:CLE:AUTO 1")
    armed.write(":SOUR:VOLT:MODE SWE")
    with pytest.raises(LimitError, match="not known"):
        armed.write(":INIT")


def test_a_setting_and_the_output_in_one_message_are_refused(armed, sent):
    sent.clear()
    with pytest.raises(LimitError, match="a message of its own"):
        armed.write(":SOUR:VOLT 3;:OUTP ON")
    assert ":SOUR:VOLT 3;:OUTP ON" not in sent


def test_steps_and_slew_are_judged_by_the_clock(open_door, clock):
    door = open_door(envelope=Envelope(maximum_step=1.0, maximum_slew=10.0))
    door.write("*RST")
    door.token = arming_token("test")
    door.write(":OUTP ON")
    clock.wait(0.1)
    door.write(":SOUR:VOLT 1")
    with pytest.raises(LimitError, match="maximum_step"):
        door.write(":SOUR:VOLT 2.5")
    with pytest.raises(LimitError, match="maximum_slew"):
        door.write(":SOUR:VOLT 2")
    clock.wait(0.1)
    door.write(":SOUR:VOLT 2")
    door.write(":SOUR:VOLT 0")  # as abrupt as off, which is always allowed


def test_switching_on_at_a_level_is_a_step_from_zero(open_door):
    door = open_door(envelope=Envelope(maximum_step=1.0))
    door.write("*RST")
    door.token = arming_token("test")
    door.write(":SOUR:VOLT 3")
    with pytest.raises(LimitError, match="maximum_step"):
        door.write(":OUTP ON")


def test_an_output_that_stayed_too_long_is_switched_off_and_the_next_message_refused(open_door, sent, clock):
    door = open_door(envelope=Envelope(maximum_dwell=10.0))
    door.write("*RST")
    door.token = arming_token("test")
    door.write(":SOUR:VOLT 3")
    door.write(":OUTP ON")
    clock.wait(11.0)
    sent.clear()
    with pytest.raises(LimitError, match="maximum_dwell"):
        door.write(":SOUR:VOLT 3.1")
    assert sent == [":OUTP OFF"]


def test_the_envelope_cannot_change_under_an_output_that_is_on(armed):
    armed.write(":OUTP ON")
    with pytest.raises(LimitError, match="switch it off"):
        armed.envelope = Envelope()
    armed.write(":OUTP OFF")
    armed.envelope = Envelope(maximum_voltage=1.0)
    with pytest.raises(LimitError):
        armed.write(":SOUR:VOLT 2")


def test_pulses_are_judged_by_both_their_levels_and_by_the_load_they_are_set_for(open_door):
    door = open_door(MFG2230M, Envelope(maximum_voltage=7.0, maximum_duty_cycle=0.1))
    door.write("*RST")
    door.token = arming_token("test")
    for message in (
        "SOUR1:FUNC PULS",
        "SOUR1:VOLT:UNIT VPP",
        "SOUR1:PULS:PER 1e-3",
        "SOUR1:PULS:WIDT 5e-5",
        "OUTP1:LOAD INF",
        "SOUR1:AMP 7",
        "SOUR1:DCO 3.5",
    ):
        door.write(message)
    door.write("OUTP1 ON")
    for message in (
        "SOUR1:DCO 3.6",
        "SOUR1:AMP 7.2",
        "SOUR1:PULS:WIDT 2e-4",
        "OUTP1:LOAD DEF",
        "SOUR1:AMP 3 VRMS",
    ):
        with pytest.raises(LimitError):
            door.write(message)


def test_a_generator_whose_load_was_never_set_is_not_switched_on(open_door):
    door = open_door(MFG2230M, Envelope())
    door.write("*RST")
    door.token = arming_token("test")
    door.write("SOUR1:AMP 4")
    door.write("SOUR1:DCO 2")
    with pytest.raises(LimitError, match="not known"):
        door.write("OUTP1 ON")


def test_the_set_point_keeps_to_its_limits_and_its_rate(open_door):
    door = open_door(
        LakeShore336,
        Envelope(minimum_temperature=200.0, maximum_temperature=310.0, maximum_temperature_rate=0.1),
    )
    door.write("RANGE 1,0")
    door.token = arming_token("test")
    with pytest.raises(LimitError, match="maximum_temperature"):
        door.write("SETP 1,320")
    with pytest.raises(LimitError, match="minimum_temperature"):
        door.write("SETP 1,100")
    door.write("SETP 1,250")
    with pytest.raises(LimitError, match="maximum_temperature_rate"):
        door.write("RANGE 1,3")  # not ramping: the set point would step
    door.write("RAMP 1,1,5.0")
    door.write("RANGE 1,3")
    with pytest.raises(LimitError, match="maximum_temperature_rate"):
        door.write("RAMP 1,1,7.0")


def test_a_heater_needs_no_token_but_knows_its_limits(open_door):
    door = open_door(LakeShore336, Envelope(maximum_temperature=310.0))
    door.write("RANGE 1,0")
    door.write("RAMP 1,1,3.0")
    door.write("SETP 1,295")
    door.write("RANGE 1,3")
    with pytest.raises(LimitError):
        door.write("SETP 1,311")


def test_raw_bytes_are_neither_written_nor_read(armed):
    with pytest.raises(LimitError):
        armed.write_bytes(b":OUTP ON\n")
    with pytest.raises(ReplyError):
        armed.read_bytes(1)
    with pytest.raises(ReplyError):
        armed.read()


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", "١", "0x10", "1e", "", "1 2", "+-1", "1.2.3"])
def test_only_decimal_numbers_are_numbers(text):
    with pytest.raises(ValueError, match="number"):
        number(text)


@pytest.mark.parametrize("text", ["2", "yes", "", "01"])
def test_only_four_words_are_a_switch(text):
    with pytest.raises(ValueError, match="neither"):
        switch(text)
