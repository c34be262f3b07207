"""Drawing in turns: the event loop gets in between, and one piece that fails stops no other."""

import pytest
from PyQt6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from qdlab.gui.turns import Turns


def test_the_event_loop_has_its_turn_between_two_pieces(qtbot: QtBot) -> None:
    parent, done = QObject(), []
    turns = Turns(parent)
    with qtbot.waitSignal(turns.done):
        turns.begin([lambda number=number: done.append(number) for number in range(3)])
        QTimer.singleShot(0, lambda: done.append("a click"))
    assert done[-1] == 2 and "a click" in done[:2]


def test_a_newer_picture_takes_the_place_of_what_still_waits(qtbot: QtBot) -> None:
    parent, done = QObject(), []
    turns = Turns(parent)
    with qtbot.waitSignal(turns.done):
        turns.begin([lambda: done.append("old")])
        turns.begin([lambda: done.append("new")])
    assert done == ["new"]


def test_a_piece_that_fails_leaves_the_others_their_turns(qtbot: QtBot) -> None:
    parent, done = QObject(), []
    turns = Turns(parent)

    def dies() -> None:
        raise RuntimeError("planted in a piece")

    with qtbot.captureExceptions() as caught, qtbot.waitSignal(turns.done):
        turns.begin([dies, lambda: done.append("drawn")])
    assert done == ["drawn"] and len(caught) == 1


@pytest.mark.parametrize("count", [0, 1])
def test_whoever_waits_is_told_even_where_nothing_is_to_be_drawn(qtbot: QtBot, count: int) -> None:
    parent = QObject()
    turns = Turns(parent)
    with qtbot.waitSignal(turns.done):
        turns.begin([lambda: None] * count)
