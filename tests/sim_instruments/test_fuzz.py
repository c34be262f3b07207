"""Whatever a box is sent: no exception, no reply out of turn, nothing switched on by accident.

A small number of messages here; 10^5 for each box in `benchmarks/simulators.py`.
"""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim_instruments.clock import SimClock
from sim_instruments.fuzzing import Judge, random_message
from sim_instruments.keithley2400 import Keithley2400
from sim_instruments.keithley6514 import Keithley6514
from sim_instruments.scpi import CommandTable, ScpiBox, spellings

BOXES: list[Callable[..., ScpiBox]] = [Keithley2400, Keithley6514]
few = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("make_box", BOXES)
@few
@given(random=st.randoms(use_true_random=False))
def test_no_message_brings_a_box_out_of_step(make_box, random):
    box = make_box(clock=SimClock())
    judge = Judge(box, lambda: int(getattr(box, "is_on", False)))
    for _ in range(30):
        judge.send(random_message(box, random))
    judge.check_pairing()
    judge.check_registers()


@pytest.mark.parametrize("make_box", BOXES)
@few
@given(message=st.binary(max_size=80))
def test_bytes_of_any_kind_are_survived(make_box, message):
    judge = Judge(make_box(clock=SimClock()))
    judge.send(message)
    judge.check_pairing()


@few
@given(text=st.text(max_size=60))
def test_a_message_is_parsed_the_same_every_time(text):
    table: CommandTable = Keithley2400(clock=SimClock()).table
    assert table.parse(text) == table.parse(text)


@pytest.mark.parametrize("make_box", BOXES)
def test_every_setting_reads_back_as_it_was_written(make_box):
    """Written back as read, no setting of a fresh box is refused or changed."""
    box = make_box(clock=SimClock())
    for command in box.table.commands:
        if command.set is None or command.query is None or len(command.takes) != 1 or command.asks:
            continue
        spelling = min((spelling for spelling, _ in spellings(command.header)), key=len)
        value = box.receive(f"{spelling}?".encode())
        assert value is not None, command.header
        box.receive(f"{spelling} ".encode() + value)
        box.errors.clear()
        assert box.receive(f"{spelling}?".encode()) == value, command.header
