"""One exchange at a time, each reply proven to be its question's; lost connections found and recognised."""

import itertools
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instruments.errors import ConnectionFailed, InstrumentError, ReplyError
from instruments.link import SLICE, Line, Link, parse_identity

FAULTS = ("late", "lost", "doubled", "garbled", "cut", "unplugged")


def test_a_question_carries_a_number_that_its_answer_brings_back(open_line, box):
    line = open_line()
    assert line.ask("NUM? 5") == "5"
    (message,) = box.received
    number = message.removeprefix("*ESE ").partition(";")[0]
    assert message == f"*ESE {number};NUM? 5;*ESE?"


def test_no_question_follows_that_for_the_name_in_one_message(open_line, box):
    """IEEE 488.2 lets a name end with its message only; a strict box gives error -440 for the number."""
    line = open_line()
    assert "," in line.ask("*IDN?")
    name, proof = box.received
    assert name == "*IDN?" and proof.startswith("*ESE ") and proof.endswith(";*ESE?")


def test_two_questions_in_a_row_carry_different_numbers(open_line, box):
    line = open_line()
    line.ask("NUM? 5")
    line.ask("NUM? 5")
    assert box.received[0] != box.received[1]


def test_a_box_that_takes_one_question_at_a_time_is_asked_for_the_number_afterwards(open_line, box):
    line = open_line(tagged=False)
    assert line.ask("NUM? 5") == "5"
    assert box.received[0] == "NUM? 5"
    assert box.received[1].endswith(";*ESE?")


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_one_disturbed_reply_is_healed_by_asking_again(open_line, box, script, fault, tagged):
    line = open_line(tagged=tagged)
    script([fault])
    assert line.ask("NUM? 5") == "5"
    assert line.ask("NUM? 6") == "6"
    assert line.disturbances >= 1


# without a number in the reply a cut one cannot be told from a whole one; drivers read their settings back
@pytest.mark.parametrize(
    ("tagged", "faults_met"), [(True, FAULTS), (False, ("late", "lost", "doubled", "unplugged"))]
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_reply_is_taken_for_that_of_another_question(fresh_line, tagged, faults_met, data):
    line, box = fresh_line(tagged=tagged)
    box.faults.extend(data.draw(st.lists(st.sampled_from(("", "", "", *faults_met)), max_size=40)))
    for index in range(20):
        try:
            assert line.ask(f"NUM? {index}") == str(index)
        except InstrumentError:
            continue


def test_a_line_is_drained_and_proven_after_a_time_out(open_line, box, script):
    line = open_line()
    clears = box.clears
    script(["late"])
    with pytest.raises(ConnectionFailed, match="not answered"):
        line.ask("NUM? 5", timeout=0.5, repeatable=False)
    assert not line.trusted
    assert line.ask("NUM? 6") == "6"
    assert line.trusted
    assert box.clears > clears


def test_a_time_out_on_one_line_makes_its_neighbours_on_the_bus_prove_themselves(
    open_line, box, script, clock
):
    first = open_line()
    second = Line(first.link, "OTHER", box.open)
    second.open()
    script(["lost"])
    with pytest.raises(ConnectionFailed):
        first.ask("NUM? 1", timeout=0.1, repeatable=False)
    assert not second.trusted
    assert second.ask("NUM? 2") == "2"


def test_no_wait_is_longer_than_a_slice_and_the_run_may_be_abandoned_between_them(open_line, script, clock):
    line = open_line()
    moments = []

    def stop_the_third_time() -> None:
        moments.append(clock.now)
        if len(moments) == 3:
            raise KeyboardInterrupt

    line.link.on_slice = stop_the_third_time
    script(["lost"])
    start = clock.now
    with pytest.raises(KeyboardInterrupt):
        line.ask("NUM? 1", timeout=60.0)
    assert moments == pytest.approx([start + SLICE, start + 2 * SLICE, start + 3 * SLICE])
    assert not line.trusted


def test_each_wait_is_announced_before_it_begins_and_none_is_longer_than_a_slice(open_line, script):
    line = open_line()
    announced = []
    line.link.on_deadline = announced.append
    line.ask("NUM? 1", timeout=12.0)
    assert announced == [SLICE]
    announced.clear()
    script(["lost"])
    with pytest.raises(ConnectionFailed):
        line.ask("NUM? 1", timeout=60.0, repeatable=False)
    assert announced == pytest.approx([SLICE] * 300)


def test_draining_a_box_that_chatters_for_long_is_no_silence(open_line, box, clock):
    line = open_line()
    cable = line._transport
    cable.replies.extend((b"1.234", clock.now + 0.09 * piece) for piece in range(200))
    announced = [clock.now]
    line.link.on_deadline = lambda seconds: announced.append(clock.now)
    line.link.distrust()
    assert line.ask("NUM? 1") == "1"
    assert clock.now > 18.0
    assert max(after - before for before, after in itertools.pairwise(announced)) <= SLICE + 1e-9


def test_a_message_that_a_serial_line_takes_long_for_is_announced_with_its_time(open_line):
    line = open_line()
    announced = []
    line.link.on_deadline = announced.append
    line.write("NUM " + "1.234567," * 100)
    assert max(announced) > 904 * 10 / 9600


def test_nothing_but_the_name_is_asked_before_the_box_is_recognised(box, clock):
    box.identity = "OTHER,MODEL 9,99,1"
    line = Line(Link("bus", clock=clock), "BOX", box.open, models=("BOX",))
    with pytest.raises(ConnectionFailed, match=r"OTHER 9, serial 99.* answers where BOX was expected"):
        line.open()
    assert box.received == ["*IDN?"]


def test_another_serial_number_after_a_reconnection_is_refused_before_anything_is_written(
    open_line, box, script
):
    line = open_line()
    script(["unplugged"])
    box.identity = "MAKER,MODEL BOX,SN:18,1.0"
    with pytest.raises(ConnectionFailed, match="serial 18"):
        line.ask("NUM? 1")
    after = box.received[1:]
    assert set(after) == {"*IDN?"}


def test_a_box_that_was_switched_off_and_on_has_lost_its_settings(open_line, box, script):
    line = open_line()
    script(["unplugged"])
    box.power_cycle()
    with pytest.raises(ConnectionFailed, match="settings are gone"):
        line.ask("NUM? 1")


def test_a_reconnected_box_goes_on_where_it_was(open_line, box, script):
    line = open_line()
    script(["unplugged"])
    assert line.ask("NUM? 1") == "1"
    assert line.reconnections == 1


def test_off_is_the_first_thing_sent_and_asks_nothing(open_line, box):
    line = open_line()
    line.send_off(["OUTP OFF"])
    assert box.received == ["OUTP OFF"]


def test_off_clears_a_box_that_owes_a_reply(open_line, box, script):
    line = open_line()
    script(["lost"])
    with pytest.raises(ConnectionFailed):
        line.ask("NUM? 1", timeout=0.1, repeatable=False)
    box.received.clear()
    clears = box.clears
    line.send_off(["OUTP OFF"])
    assert box.received == ["OUTP OFF"]
    assert box.clears == clears + 1


def test_off_opens_a_lost_connection_again(open_line, box, script):
    line = open_line()
    script(["unplugged"])
    with pytest.raises(InstrumentError):
        line.ask("NUM? 1", repeatable=False)
    box.received.clear()
    line.send_off(["OUTP OFF"])
    assert box.received == ["OUTP OFF"]
    assert line.ask("NUM? 2") == "2"
    assert box.received[1:3] == ["OUTP OFF", "*IDN?"]  # off once more, then who it is


def test_off_from_another_thread_ends_a_long_wait(open_line, box, script, clock):
    line = open_line()
    script(["lost"])
    waiting, outcome = threading.Event(), []
    line.link.on_slice = waiting.set

    def measure() -> None:
        try:
            line.ask("NUM? 1", timeout=1e7)
        except ConnectionFailed as failure:
            outcome.append(str(failure))

    thread = threading.Thread(target=measure)
    thread.start()
    assert waiting.wait(10)
    line.send_off(["OUTP OFF"])
    thread.join(10)
    assert outcome == ["BOX: the exchange was abandoned to switch off"]
    assert "OUTP OFF" in box.received


def test_a_dead_box_is_reported_after_a_bounded_number_of_attempts(open_line, script, clock):
    line = open_line()
    script(["lost"] * 1000)
    with pytest.raises(ConnectionFailed):
        line.ask("NUM? 1", timeout=1.0)
    assert clock.now < 60


def test_the_log_holds_every_byte_both_ways(open_line):
    line = open_line()
    log = []
    line.link.on_io = log.append
    line.ask("NUM? 7")
    assert [
        (entry.direction, entry.text.partition(";")[2 if entry.direction == "out" else 0]) for entry in log
    ] == [
        ("out", "NUM? 7;*ESE?"),
        ("in", "7"),
    ]


def test_text_that_is_no_ascii_is_no_reply(open_line, script):
    line = open_line()
    script(["garbled"])
    with pytest.raises(ReplyError, match="no text a box sends"):
        line.ask("NUM? 123456", repeatable=False)


@pytest.mark.parametrize("reply", ["", "a,b,c", "a,b,c,d,e", "KEITHLEY,,1,2", "+1.0,+2.0,,"])
def test_what_is_no_identity_is_refused(reply):
    with pytest.raises(ReplyError):
        parse_identity(reply)


def test_an_off_that_may_not_have_been_obeyed_is_said_again_after_every_clear(open_line, box, script):
    line = open_line()
    script(["lost"])
    with pytest.raises(ConnectionFailed):
        line.ask("NUM? 1", timeout=0.1, repeatable=False)
    line.send_off(["OUTP OFF"])
    box.received.clear()  # a device clear empties the input buffer of a box, off included
    line.ask("NUM? 2")
    assert box.received[0] == "OUTP OFF"
    box.received.clear()
    line.link.distrust()
    line.ask("NUM? 3")
    assert "OUTP OFF" not in box.received  # confirmed by the answer before
