"""What an operator chose instead of a rule: notes in the journal, in force for everyone who reads them."""

import math

import pytest

from qdlab.events import JournalEntry
from qdlab.live.overrides import Choice, Overrides, fold, straight_part_choice, window_choice


def entry(choice: Choice) -> JournalEntry:
    return JournalEntry(
        sequence=1,
        time=1.0,
        utc="2026-01-01T00:00:01Z",
        level="note",
        text=choice.text,
        details=choice.details,
    )


def test_the_last_choice_of_a_window_holds_until_it_is_given_back_to_the_rule() -> None:
    chosen = Overrides()
    for window in ((0.5, 1.0), (0.6, 1.2)):
        chosen = fold(chosen, entry(window_choice("0001", window)))
    assert chosen.windows == {"0001": (0.6, 1.2)}
    assert fold(chosen, entry(window_choice("0001", None))).windows == {}


def test_a_straight_part_is_known_by_its_run_and_amplitude_and_told_in_microseconds() -> None:
    choice = straight_part_choice(("0010", 4.5), (60e-6, 300e-6))
    assert choice.text == "straight part of 0010 at 4.5 V: 60 to 300 µs, chosen by hand"
    assert fold(Overrides(), entry(choice)).straight_parts == {("0010", 4.5): (60e-6, 300e-6)}


@pytest.mark.parametrize(
    "chosen",
    [
        [2.0, 10**400],
        [2.0, 1.0],
        [0.0, 1.0],
        [1.0],
        "1 to 2",
        [math.nan, 1.0],
        {"low": 1.0},
        [1.0, "2"],
        [True, None],
    ],
)
def test_a_choice_that_cannot_be_used_changes_nothing(chosen: object) -> None:
    before = Overrides(windows={"0001": (0.5, 1.0)})
    broken = Choice(text="x", details={"override": "quadratic window", "run": "0001", "range": chosen})
    assert fold(before, entry(broken)) == before


def test_an_ordinary_note_is_no_choice() -> None:
    assert fold(Overrides(), entry(Choice(text="lamp on", details={}))) == Overrides()
