"""The generated list of what each box answers."""

import pytest

from sim_instruments.clock import SimClock
from sim_instruments.keithley2400 import Keithley2400
from sim_instruments.keithley6514 import Keithley6514
from sim_instruments.scpi import CommandTable, command_page, spellings
from sim_instruments.wiring import STANDS_IN, SimBench


@pytest.fixture(params=[box.name for boxes in STANDS_IN.values() for box in boxes])
def table(request: pytest.FixtureRequest) -> CommandTable:
    return SimBench(devices={}, instead=[request.param]).boxes[request.param].table


def test_every_command_says_what_it_means_and_where_that_is_written(table):
    for command in table.commands:
        assert command.meaning and command.source, command.header
        assert command.set or command.query, command.header


def test_no_spelling_belongs_to_two_commands(table):
    seen: dict[str, str] = {}
    for command in table.commands:
        for spelling, _ in spellings(command.header):
            assert seen.setdefault(spelling, command.header) == command.header, spelling
            seen[spelling] = command.header


@pytest.mark.parametrize(
    ("make_box", "switches"),
    [
        (
            Keithley2400,
            [
                "reads_with_output_off",
                "configure_resets_compliance",
                "stays_at_last_level",
                "zero_state_measures",
            ],
        ),
        (Keithley6514, ["zero_check_after_reset", "delays_automatically"]),
    ],
)
def test_the_page_names_the_switches_of_what_is_assumed(make_box, switches):
    page = command_page(make_box(clock=SimClock()))
    for switch in [*switches, "answers_while_running"]:
        assert f"[?] {switch}" in page
        assert make_box(clock=SimClock(), **{switch: True}) is not None
    assert page.startswith("# What keithley")
