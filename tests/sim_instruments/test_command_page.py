"""The generated list of what each box answers."""

from collections.abc import Callable
from functools import partial

import pytest

from sim_instruments.clock import SimClock
from sim_instruments.cryostat import Cryostat
from sim_instruments.keithley2400 import Keithley2400
from sim_instruments.keithley6514 import Keithley6514
from sim_instruments.lakeshore336 import Lakeshore335, Lakeshore336
from sim_instruments.mfg2230m import MFG2230M
from sim_instruments.scpi import ScpiBox, command_page, spellings


def controller(model: type[Lakeshore336], clock: SimClock) -> Lakeshore336:
    return model(clock=clock, cryostat=Cryostat(clock=clock))


BOXES: list[Callable[..., ScpiBox]] = [
    Keithley2400,
    Keithley6514,
    MFG2230M,
    partial(controller, Lakeshore336),
    partial(controller, Lakeshore335),
]


@pytest.mark.parametrize("make_box", BOXES)
def test_every_command_says_what_it_means_and_where_that_is_written(make_box):
    for command in make_box(clock=SimClock()).table.commands:
        assert command.meaning and command.source, command.header
        assert command.set or command.query, command.header


@pytest.mark.parametrize("make_box", BOXES)
def test_no_spelling_belongs_to_two_commands(make_box):
    seen: dict[str, str] = {}
    for command in make_box(clock=SimClock()).table.commands:
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
