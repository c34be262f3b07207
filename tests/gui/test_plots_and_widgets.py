from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QTextDocument
from PyQt6.QtWidgets import QDialog, QWidget
from pytestqt.qtbot import QtBot

from qdlab.gui.plots import DecadeAxis, Plot, Style
from qdlab.gui.run_bar import RunBar
from qdlab.gui.theme import LIGHT
from qdlab.gui.transport import TransportBar
from qdlab.gui.widgets import (
    EmergencyButton,
    PlainLabel,
    Question,
    ask_for_range,
    plain_tip,
    range_refusal,
    read_range,
)
from qdlab.live.marks import Mark

BLACK = Style(colour="#000000")


def test_a_logarithmic_plot_leaves_out_what_has_no_logarithm(qtbot: QtBot) -> None:
    plot = Plot(x="V (V)", y="J (A)", log_x=True, log_y=True)
    qtbot.addWidget(plot)
    plot.draw_points("run", [0.0, 0.1, 1.0, 10.0], [1.0, -1.0, 100.0, np.nan], BLACK)
    x, y = plot.drawn("run")
    assert x.tolist() == [0.0]
    assert y.tolist() == [2.0]


@pytest.mark.parametrize(
    ("position", "label"), [(0.0, "1"), (-1.0, "0.1"), (3.0, "10³"), (-6.0, "10⁻⁶"), (np.log10(5), "5")]
)
def test_decades_are_labelled_with_the_quantity_itself(qtbot: QtBot, position: float, label: str) -> None:
    axis = DecadeAxis("bottom")
    assert axis.tickStrings([position], 1.0, 1.0) == [label]


def test_the_pointer_is_told_what_it_is_near_in_the_axes_own_units(qtbot: QtBot) -> None:
    plot = Plot(x="Voltage V (V)", y="J (mA cm⁻²)", log_x=True, log_y=True)
    qtbot.addWidget(plot)
    plot.resize(600, 400)
    plot.show()
    plot.draw_points("run", [0.1, 1.0, 10.0], [1e-6, 1e-4, 1e-2], BLACK, hint="297 K")
    plot.plotItem.vb.updateAutoRange()
    at_point = plot.plotItem.vb.mapViewToScene(QPointF(0.0, -4.0))
    assert plot.words_at(at_point) == "297 K: 1 V, 0.0001 mA cm⁻²"
    beside = plot.plotItem.vb.mapViewToScene(QPointF(0.5, -5.0))
    assert plot.words_at(beside) == "3.162 V, 1e-05 mA cm⁻²"
    assert plot.words_at(QPointF(-5.0, -5.0)) == ""


def test_of_points_with_hints_of_their_own_the_pointer_is_told_that_of_the_nearest(qtbot: QtBot) -> None:
    plot = Plot(x="1000/T (1/K)", y="μ (1)", log_y=True)
    qtbot.addWidget(plot)
    plot.resize(600, 400)
    plot.show()
    plot.draw_points("film", [3.0, 3.5, 4.0], [1.0, -1.0, 100.0], BLACK, hint=["333 K", "286 K", "250 K"])
    plot.plotItem.vb.updateAutoRange()
    assert plot.words_at(plot.plotItem.vb.mapViewToScene(QPointF(4.0, 2.0))).startswith("250 K: 4")


def test_the_way_back_of_a_sweep_is_drawn_in_a_view_zoomed_into_as_well(qtbot: QtBot) -> None:
    plot = Plot(x="Voltage V (V)", y="J (A)")
    qtbot.addWidget(plot)
    plot.resize(600, 400)
    plot.show()
    voltage = np.linspace(7.0, 0.0, 71)
    plot.draw_points("down", voltage, voltage**2, BLACK)
    plot.plotItem.setXRange(2.0, 3.0, padding=0.0)
    shown, _ = plot._items["down"].getData()
    assert {2.1, 2.5, 2.9} <= set(np.round(shown, 6).tolist())


def test_a_long_line_is_thinned_out_and_keeps_its_highest_point(qtbot: QtBot) -> None:
    plot = Plot(x="t (min)", y="T (K)")
    qtbot.addWidget(plot)
    plot.resize(600, 400)
    plot.show()
    kelvin = np.full(50_000, 297.0)
    kelvin[31_415] = 300.0
    plot.draw_points("stage", np.arange(50_000.0), kelvin, replace(BLACK, symbol=None, line=True))
    plot.plotItem.setXRange(0.0, 50_000.0, padding=0.0)
    shown, height = plot._items["stage"].getData()
    assert len(shown) < 10_000 and height.max() == 300.0


def test_curves_that_are_gone_are_removed(qtbot: QtBot) -> None:
    plot = Plot(x="x", y="y")
    qtbot.addWidget(plot)
    plot.draw_points("old", [1, 2], [1, 2], BLACK)
    plot.draw_points("new", [1, 2], [1, 2], BLACK)
    plot.forget({"new"})
    assert plot.keys == {"new"}


def test_what_drew_a_curve_that_is_gone_draws_the_next_one_in_its_own_style(qtbot: QtBot) -> None:
    plot = Plot(x="x", y="y")
    qtbot.addWidget(plot)
    plot.resize(600, 400)
    plot.show()
    line = Style(colour="#ff0000", symbol=None, line=True, on_top=True)
    plot.draw_points("old", [1, 2, 90], [1, 2, 90], line)
    old = plot._items["old"]
    plot.forget(set())
    assert not old.isVisible() and plot.keys == set()
    plot.draw_points("new", [1, 2, 3], [1, 2, 3], BLACK, hint="new")
    (new,) = plot._items.values()
    assert new is old and new.isVisible() and new.zValue() == 0
    assert new.opts["symbol"] == "o" and new.opts["pen"] is None
    assert plot.drawn("new")[0].tolist() == [1, 2, 3]
    plot.plotItem.vb.updateAutoRange()
    assert plot.plotItem.vb.viewRange()[0][1] < 4  # the old points count no more
    plot.draw_points("new", [1, 2, 3], [1, 2, 3], replace(BLACK, filled=True), hint="new")
    assert plot.words_at(plot.plotItem.vb.mapViewToScene(QPointF(2.0, 2.0))).startswith("new: 2")
    assert len([item for item in plot.plotItem.items if item.isVisible()]) == 1


def test_text_from_a_file_is_never_taken_for_markup(qtbot: QtBot) -> None:
    label = PlainLabel("<img src='/etc/passwd'>")
    qtbot.addWidget(label)
    assert label.textFormat() == Qt.TextFormat.PlainText


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("0.6 1.2", (0.6, 1.2)),
        ("0,6 to 1,2", (0.6, 1.2)),
        ("6e-1; 1.2", (0.6, 1.2)),
        ("1.2 0.6", None),
        ("0 1", None),
        ("1 nan", None),
        ("1", None),
        ("", None),
    ],
)
def test_a_range_typed_by_hand_is_two_rising_numbers_or_nothing(
    text: str, ends: tuple[float, float] | None
) -> None:
    assert read_range(text) == ends


def test_a_device_named_like_markup_stands_in_legend_and_tooltip_as_it_is(qtbot: QtBot) -> None:
    name = "<img src='/etc/passwd'>"
    plot = Plot(x="x", y="y")
    qtbot.addWidget(plot)
    plot.draw_points("device", [1, 2], [1, 2], replace(BLACK, label=name))
    ((_, label),) = plot.legend.items
    assert label.item.toPlainText() == name
    tip = QTextDocument()
    tip.setHtml(plain_tip(name + "\nsecond line"))
    assert tip.toPlainText() == name + "\nsecond line"


def test_emergency_off_answers_to_a_click_and_to_f12(qtbot: QtBot) -> None:
    window = QWidget()
    button = EmergencyButton(LIGHT, window)
    qtbot.addWidget(window)
    window.show()
    pressed: list[int] = []
    button.pressed_now.connect(lambda: pressed.append(1))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.keyClick(window, Qt.Key.Key_F12)
    assert len(pressed) == 2


def test_the_transport_bar_says_what_a_person_wants(qtbot: QtBot) -> None:
    bar = TransportBar(LIGHT)
    qtbot.addWidget(bar)
    said: list[object] = []
    bar.play_toggled.connect(said.append)
    bar.speed_chosen.connect(said.append)
    bar.step_requested.connect(lambda count: said.append(("step", count)))
    bar.play.click()
    bar.speed.setCurrentText("max")
    bar.step.click()
    bar.back.click()
    assert said == [False, float("inf"), ("step", 1), ("step", -1)]


def test_a_click_on_a_mark_goes_to_its_event(qtbot: QtBot) -> None:
    note = Mark(share=0.25, kind="note", text="note: lamp off")
    bar = TransportBar(LIGHT, [note])
    qtbot.addWidget(bar)
    bar.resize(1000, 40)
    bar.show()
    place = QPoint(round(bar.marks._place(0.25)), 7)
    with qtbot.waitSignal(bar.sought) as sought:
        qtbot.mouseClick(bar.marks, Qt.MouseButton.LeftButton, pos=place)
    assert sought.args == [0.25]


def test_the_bar_shows_where_the_replay_is(qtbot: QtBot) -> None:
    bar = TransportBar(LIGHT)
    qtbot.addWidget(bar)
    bar.show_position(0.5, "half way")
    assert bar.slider.value() == bar.slider.maximum() // 2
    assert bar.position.text() == "half way"


def test_emergency_off_stays_enabled_beside_a_dialogue(qtbot: QtBot) -> None:
    window = QWidget()
    button = EmergencyButton(LIGHT, window)
    qtbot.addWidget(window)
    window.show()
    dialogue = QDialog(window)
    dialogue.setModal(True)
    dialogue.show()
    pressed: list[int] = []
    button.pressed_now.connect(lambda: pressed.append(1))
    qtbot.keyClick(dialogue, Qt.Key.Key_F12)
    assert button.isEnabled() and pressed == [1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not two numbers"),
        ("0.6 V to 1.8 V", "without a unit"),
        ("1", "is not two numbers"),
        ("1.8 0.6", "1.8 to 0.6 does not rise; write the lower end first"),
        ("0 2", "0 is not above zero"),
        ("1 inf", "is not two numbers"),
        ("0.6 to 1.8", ""),
    ],
)
def test_a_range_that_cannot_be_taken_says_why(text: str, says: str) -> None:
    assert says in range_refusal(text)
    assert (read_range(text) is None) == bool(says)


def test_a_question_stays_open_and_says_why_until_its_answer_can_be_taken(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    taken: list[tuple[float, float]] = []
    question = ask_for_range(parent, "Window (V):", (0.5, 2.0), chosen=taken.append)
    question.setTextValue("2 1")
    question.accept()
    assert question.isVisible() and "does not rise" in question.labelText() and not taken
    question.setTextValue("1,5 to 2")
    question.accept()
    assert not question.isVisible() and taken == [(1.5, 2.0)]


def test_an_empty_note_is_not_sent(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    note = Question(parent, "Note", "What?", refusal=lambda text: "" if text.strip() else "nothing yet")
    sent: list[str] = []
    note.textValueSelected.connect(sent.append)
    note.show()
    note.setTextValue("  ")
    note.accept()
    assert note.isVisible() and "nothing yet" in note.labelText() and not sent


def test_a_plan_that_takes_longer_than_estimated_says_so(qtbot: QtBot) -> None:
    bar = RunBar()
    qtbot.addWidget(bar)
    progress = {"step": "tel series", "state": "measuring", "share": 0.59, "remaining": 450.0}
    bar.show_progress(progress)
    assert bar.remaining.text() == "about 7 min 30 s to go"
    bar.show_progress({**progress, "remaining": 0.0})
    assert bar.remaining.text() == "takes longer than estimated"
