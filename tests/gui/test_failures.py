"""An exception in a slot: a sentence on the screen, a line in the log, and everything goes on."""

import ast
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PyQt6 import sip
from PyQt6.QtCore import QCoreApplication, QObject
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QDockWidget, QMenu
from pytestqt.qtbot import QtBot

import qdlab.gui
from qdlab.gui.app import Emergency, open_bench_window, open_replay_window
from qdlab.gui.bench_window import BenchWindow
from qdlab.gui.box_card import BoxCard
from qdlab.gui.browser import SessionBrowser
from qdlab.gui.builder import PlanBuilder
from qdlab.gui.closing import ClosingQuestion
from qdlab.gui.comparison import ComparisonWindow
from qdlab.gui.device_form import DeviceDialogue, StackForm
from qdlab.gui.docks import DockWindow
from qdlab.gui.errands import Errand
from qdlab.gui.export_dialogue import ExportDialogue
from qdlab.gui.failures import Failures
from qdlab.gui.main_window import MainWindow
from qdlab.gui.panels.cards import CardsPanel
from qdlab.gui.panels.disorder import DisorderPanel
from qdlab.gui.panels.jv import JVPanel
from qdlab.gui.panels.laws import ArrheniusPanel, FieldPanel
from qdlab.gui.panels.log import LogPanel
from qdlab.gui.panels.tel import TELPanel
from qdlab.gui.panels.temperature import TemperaturePanel
from qdlab.gui.preflight import PreflightSheet
from qdlab.gui.queue_keeper import QueueKeeper
from qdlab.gui.queue_panel import QueuePanel
from qdlab.gui.run_list import RunList
from qdlab.gui.runner_link import RunnerLink
from qdlab.gui.step_form import StepForm
from qdlab.gui.step_tree import StepTree
from qdlab.gui.theme import LIGHT
from qdlab.gui.transport import TransportBar
from qdlab.gui.worker import ScreenWorker
from qdlab.live import session as live
from qdlab.live.bench import BenchScreen, BoxScreen
from qdlab.live.picture import Picture
from qdlab.live.plan_draft import Draft
from qdlab.live.plan_queue import PlanQueue, added
from qdlab.records import open_session

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PATIENCE = 60_000  # [ms]; an upper bound for a busy machine, not a wait

Act = Callable[[Any], object]
EMPTY = Picture(screen=live.initial({}))

# where the exception is planted, and what a person or a thread does that leads there
IN_EVERY_WINDOW: list[tuple[type, str, Act]] = [
    (Emergency, "switch_off", lambda window: window.emergency.click()),
    (MainWindow, "show_off", lambda window: window._opened.emergency.told.emit("2400 OFF confirmed 84 ms")),
    (MainWindow, "show_picture", lambda window: window._opened.worker.picture_ready.emit(EMPTY)),
    (LogPanel, "_filter_changed", lambda window: window.log.words.setText("soak")),
    (MainWindow, "redraw", lambda window: window.docks.findChild(QDockWidget).visibilityChanged.emit(True)),
    (JVPanel, "_choose_quantity", lambda window: window.jv.quantity.setCurrentIndex(1)),
    (JVPanel, "_redraw", lambda window: window.jv.runs.chosen_changed.emit()),
    (JVPanel, "_record", lambda window: window.jv.record.clicked.emit()),
    (JVPanel, "_drag", lambda window: window.jv.region.sigRegionChangeFinished.emit(window.jv.region)),
    (RunList, "_tick_changed", lambda window: window.jv.runs.itemChanged.emit(None)),
    (ScreenWorker, "use_window", lambda window: window.jv.window_chosen.emit("run", None)),
    (TELPanel, "_redraw", lambda window: window.tel.series.ticked_changed.emit()),
    (TELPanel, "_drag", lambda window: window.tel.region.sigRegionChangeFinished.emit(window.tel.region)),
    (TELPanel, "_set_range", lambda window: window.tel.near.click()),
    (TELPanel, "_record", lambda window: window.tel.record.clicked.emit()),
    (ScreenWorker, "use_straight_part", lambda window: window.tel.part_chosen.emit(("run", 4.0), None)),
    (FieldPanel, "_redraw", lambda window: window.field.printed.click()),
    (TemperaturePanel, "_choose_view", lambda window: window.temperature.view.setCurrentIndex(1)),
    (FieldPanel, "_choose_units", lambda window: window.field.unit.setCurrentIndex(1)),
    (ArrheniusPanel, "_choose_unit", lambda window: window.arrhenius.unit.setCurrentIndex(1)),
    (ArrheniusPanel, "_redraw", lambda window: window.arrhenius.gaussian.click()),
    (MainWindow, "browse", lambda window: menu_action(window, "Sessions…").trigger()),
    (MainWindow, "ask_for_note", lambda window: menu_action(window, "Note…").trigger()),
    (MainWindow, "write_report", lambda window: menu_action(window, "Report…").trigger()),
    (MainWindow, "export", lambda window: menu_action(window, "Export…").trigger()),
    (ExportDialogue, "begin", lambda window: window.export().write.click()),
    (ExportDialogue, "give_up_writing", lambda window: window.export().give_up.clicked.emit()),
    (ExportDialogue, "_ask_for_folder", lambda window: window.export().other.click()),
    (ExportDialogue, "_open_folder", lambda window: window.export().show_folder.click()),
    (MainWindow, "note", lambda window: window.ask_for_note().textValueSelected.emit("x")),
    (MainWindow, "open_session", lambda window: window.browse().chosen.emit(Path("elsewhere"))),
    (SessionBrowser, "_choose", lambda window: window.browse().table.cellActivated.emit(0, 0)),
    (SessionBrowser, "_selected", lambda window: window.browse().table.itemSelectionChanged.emit()),
    (SessionBrowser, "compare_chosen", lambda window: window.browse().compare.clicked.emit()),
    (ComparisonWindow, "copy_text", lambda window: ComparisonWindow([], LIGHT, window).copy.click()),
    (SessionBrowser, "_ask_for_folder", lambda window: window.browse().other.click()),
    (DisorderPanel, "_show_chosen", lambda window: window.disorder.device.currentTextChanged.emit("")),
    (CardsPanel, "_want", lambda window: window.cards.list.itemActivated.emit(None)),
    (CardsPanel, "copy_text", lambda window: window.cards.copy.click()),
    (MainWindow, "show_points", lambda window: window.cards.wanted.emit(None)),
    (MainWindow, "give_up_report", lambda window: window.give_up.click()),
    (ScreenWorker, "give_up_fit", lambda window: window.disorder.give_up.click()),
    (ScreenWorker, "fit_again", lambda window: window.disorder.again.click()),
    (JVPanel, "_emit", lambda window: window.jv.rule.clicked.emit()),
    (TELPanel, "_emit", lambda window: window.tel.rule.clicked.emit()),
    (JVPanel, "ask_for_window", lambda window: menu_action(window, "Quadratic window…").trigger()),
    (TELPanel, "ask_for_part", lambda window: menu_action(window, "Straight part…").trigger()),
    (MainWindow, "record", lambda window: window.jv.record_wanted.emit("run", None)),
    (MainWindow, "record", lambda window: window.tel.record_wanted.emit(("run", 4.0), None)),
    (MainWindow, "show_box", lambda window: box_shown(window)),
]
IN_A_REPLAY: list[tuple[type, str, Act]] = [
    (ScreenWorker, "wish", lambda window: window._opened.bar.step_requested.emit(1)),
    (TransportBar, "go_step", lambda window: menu_action(window, "One event back").trigger()),
    (TransportBar, "change_speed", lambda window: menu_action(window, "Faster").trigger()),
    (TransportBar, "_slid", lambda window: window._opened.bar.slider.setValue(17)),
    (TransportBar, "_play_toggled", lambda window: window._opened.bar.play.click()),
    (TransportBar, "_speed_changed", lambda window: window._opened.bar.speed.setCurrentText("max")),
    (TransportBar, "show_position", lambda window: window._opened.worker.moved.emit(0.5, "half way")),
]
ON_A_BENCH: list[tuple[type, str, Act]] = [
    (BenchWindow, "choose_plan", lambda window: window._panel.open.click()),
    (BenchWindow, "build_plan", lambda window: window._panel.new.click()),
    (BenchWindow, "_keep_unfinished", lambda window: window.build_plan().left.emit(None)),
    (BenchWindow, "edit_plan", lambda window: window._panel.edit_wanted.emit(1)),
    (BenchWindow, "prepare", lambda window: window._panel.start_wanted.emit()),
    (QueueKeeper, "keep", lambda window: window._panel.changed.emit(PlanQueue())),
    (BenchWindow, "_skip_steps", lambda window: window._panel.skips_changed.emit(Draft())),
    (RunnerLink, "command", lambda window: window._bar.run.commanded.emit("abort")),
    (BenchWindow, "_show_hello", lambda window: window._link.attached.emit({})),
    (BenchWindow, "_show_trouble", lambda window: window._link.unreachable.emit("no answer")),
    (BenchWindow, "_show_state", lambda window: window._link.changed.emit({})),
    (BenchWindow, "_show_progress", lambda window: window._link.progressed.emit({})),
    (BenchWindow, "_show_health", lambda window: window._link.healthy.emit(None)),
    (BenchWindow, "_show_end", lambda window: window._link.ended.emit({})),
    (BenchWindow, "_show_refusal", lambda window: window._link.not_started.emit("busy")),
    (BenchWindow, "_show_gone", lambda window: window._link.detached.emit()),
    (BenchWindow, "_show_guardian", lambda window: window._link.guardian_said.emit(None)),
    (BenchWindow, "_take_queue", lambda window: window._keeper.found.emit(PlanQueue())),
    (BenchWindow, "_lose_queue", lambda window: window._keeper.taken.emit("another")),
    (BenchWindow, "start_next", lambda window: waiting_sheet(window).start_wanted.emit()),
    (BenchWindow, "_look", lambda window: start_asked_for(window)),
    (
        BenchWindow,
        "ask_about_closing",
        lambda window: menu_action(window, "When the window closes…").trigger(),
    ),
    (BenchWindow, "_keep_closing", lambda window: window.ask_about_closing().answered.emit("ends", False)),
    (BenchWindow, "_stay", lambda window: window.ask_about_closing().finished.emit(0)),
    (BenchWindow, "_close_as", lambda window: close_while_busy(window)),
    (BenchWindow, "_acknowledge", lambda window: window._bar.trip.buttons["Seen"].click()),
    (BenchWindow, "_resume", lambda window: window._bar.resume.buttons["Resume"].click()),
    (BenchWindow, "_show_unfinished", lambda window: window._bar.resume.buttons["Show it"].click()),
    (BenchWindow, "_offer_resume", lambda window: window._bar.resume.buttons["Not now"].click()),
    (BenchWindow, "enqueue", lambda window: window.build_plan().queued.emit(Draft())),
    (BenchWindow, "_change", lambda window: plan_edited(window)),
    (BenchWindow, "_record_failure", lambda window: window.failures.told.emit("no reason given")),
    (QueuePanel, "_edit", lambda window: window._panel.tree.itemDoubleClicked.emit(None, 0)),
    (QueuePanel, "_shift", lambda window: window._panel.up.clicked.emit()),
    (QueuePanel, "_duplicate", lambda window: window._panel.duplicate.clicked.emit()),
    (QueuePanel, "_skip", lambda window: window._panel.skip.clicked.emit()),
    (QueuePanel, "_remove", lambda window: window._panel.remove.clicked.emit()),
    (PlanBuilder, "add_step", lambda window: window.build_plan().findChild(QMenu).actions()[0].trigger()),
    (BenchWindow, "_close_if_wanted", lambda window: window._link.detached.emit()),
    (ClosingQuestion, "_answer", lambda window: window.ask_about_closing().buttons()[0].click()),
    (BenchWindow, "ask_for_note", lambda window: window._bar.run.note.click()),
    (BenchWindow, "write_report", lambda window: window._bar.run.report.click()),
    (DockWindow, "forget", lambda window: menu_action(window, "All panels as at first").trigger()),
    (BenchWindow, "make_safe", lambda window: box_card(window).safe_wanted.emit()),
    (QueuePanel, "_dragged", lambda window: window._panel.tree.dragged.emit(1, 0)),
    (QueuePanel, "_policy_chosen", lambda window: window._panel.on_failure.textActivated.emit("")),
    (PlanBuilder, "_settings_changed", lambda window: window.build_plan().name.textEdited.emit("")),
    (PlanBuilder, "_dragged", lambda window: window.build_plan().tree.dragged.emit((0,), (1,))),
    (PlanBuilder, "_step_changed", lambda window: window.build_plan().form.changed.emit({})),
    (BenchWindow, "describe_device", lambda window: menu_action(window, "Describe a device…").trigger()),
    (
        BenchWindow,
        "_keep_unfinished_device",
        lambda window: window.describe_device().left.emit(None),
    ),
    (BenchWindow, "_describe_for", lambda window: window.build_plan().device_wanted.emit("")),
    (DeviceDialogue, "_device_changed", lambda window: window.describe_device().form.changed.emit({})),
    (DeviceDialogue, "_limits_changed", lambda window: window.describe_device().limits.changed.emit({})),
    (DeviceDialogue, "_stack_changed", lambda window: window.describe_device().stack.changed.emit(())),
    (StackForm, "_add", lambda window: window.describe_device().stack.add.click()),
    (StackForm, "_typed", lambda window: window.describe_device().stack.rows[0].active.click()),
    (StepForm, "_typed", lambda window: step_added(window).inputs["repeats"].setText("2")),
    (StepForm, "_show_rows", lambda window: window.build_plan().form.every.click()),
    (
        StepTree,
        "_current_changed",
        lambda window: window.build_plan().tree.currentItemChanged.emit(None, None),
    ),
]
ELSEWHERE = {
    "add_device_file": "is handed a device's file once that is saved",
    "keep_window": "answers an errand, as in the test of one below",
    "keep_straight_part": "answers an errand, as in the test of one below",
    "play": "is called in the worker's thread, as in the test of a wish below",
    "seek": "is called in the worker's thread, as in the test of a wish below",
    "set_speed": "is called in the worker's thread, as in the test of a wish below",
    "_next_thumbnails": "is met by the test of a timer below",
    "picture_drawn": "is called from the moment a window opens",
    "_take_turn": "is met by the tests of drawing in turns",
    "show_failure": "is what tells of it",
    "_show": "answers an errand, as in the test of one below",
    "_choose": "is planted above, in other widgets of that name",
    "check": "is met by the test of a check below",
    "_show_possible": "makes the queue's panel",
    "_say": "tells what an errand died of",
    "close": "is Qt's own",
    "answered": "answers an errand, as in the test of one below",
}


def menu_action(window: MainWindow, text: str) -> QAction:
    return next(action for action in window.findChildren(QAction) if action.text() == text)


def waiting_sheet(window: BenchWindow) -> PreflightSheet:
    """The pre-flight sheet of a plan that waits."""
    window._panel.show_queue(added(PlanQueue(), Draft()))
    sheet = window.prepare()
    assert sheet is not None
    return sheet


def step_chosen(builder: PlanBuilder) -> None:
    builder.tree.currentItemChanged.emit(None, None)


def start_asked_for(window: BenchWindow) -> None:
    window._panel.show_queue(added(PlanQueue(), Draft()))
    window._panel.start.click()


def box_card(window: BenchWindow) -> BoxCard:
    box = BoxScreen(role="source_meter", identity="2400")
    window.show_picture(
        replace(EMPTY, screen=replace(EMPTY.screen, bench=BenchScreen(boxes={box.role: box})))
    )
    card = window.show_box("source_meter")
    assert card is not None
    return card


def box_shown(window: MainWindow) -> None:
    """A click on the chip of a box that a picture has brought."""
    box = BoxScreen(role="source_meter", identity="2400")
    window.show_picture(
        replace(EMPTY, screen=replace(EMPTY.screen, bench=BenchScreen(boxes={box.role: box})))
    )
    window.chips["source_meter"].clicked.emit()


def plan_edited(window: BenchWindow) -> None:
    window._panel.show_queue(added(PlanQueue(), Draft()))
    window.edit_plan(1).queued.emit(Draft())


def close_while_busy(window: BenchWindow) -> None:
    window._bar.run.abort.setEnabled(True)
    window.close()


def step_added(window: BenchWindow) -> StepForm:
    builder = window.build_plan()
    builder.add_step("jv_sweep")
    return builder.form


@contextmanager
def planted(monkeypatch: pytest.MonkeyPatch, owner: type, slot: str) -> Iterator[None]:
    """A method that raises, from before the window connects it."""

    def raising(*arguments: object) -> None:
        raise RuntimeError(f"planted in {slot}")

    with monkeypatch.context() as patch:
        patch.setattr(owner, slot, raising)
        yield


def requires_a_dialogue_and_a_log_line(window: MainWindow, act: Act, slot: str, log: list[Any]) -> None:
    window._opened.worker.stop()  # whatever it found meanwhile is not what this is about
    log.clear()
    act(window)
    QCoreApplication.processEvents()
    assert window.failure_box is not None and window.failure_box.text() == f"planted in {slot}"
    assert window.failure_box.isVisible() and not window.failure_box.isModal()
    assert any(f"planted in {slot}" in str(record.exc_info) for record in log)


@pytest.mark.parametrize(("owner", "slot", "act"), IN_EVERY_WINDOW + IN_A_REPLAY)
def test_an_exception_in_a_slot_of_a_replay_is_told_and_ends_nothing(
    qtbot: QtBot,
    session: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: type,
    slot: str,
    act: Act,
) -> None:
    with planted(monkeypatch, owner, slot):
        window = open_replay_window(session)
        qtbot.addWidget(window)
        requires_a_dialogue_and_a_log_line(window, act, slot, caplog.records)
        window.leave()


@pytest.mark.parametrize(("owner", "slot", "act"), ON_A_BENCH)
def test_an_exception_in_a_slot_of_a_bench_window_is_told_and_ends_nothing(
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: type,
    slot: str,
    act: Act,
) -> None:
    monkeypatch.setattr(RunnerLink, "attach", lambda link: None)  # no runner is started for this
    with planted(monkeypatch, owner, slot):
        window = open_bench_window("sim", "sim", tmp_path, mode="SIMULATION", output=tmp_path)
        qtbot.addWidget(window)
        requires_a_dialogue_and_a_log_line(window, act, slot, caplog.records)
        window.leave()


def test_every_slot_of_the_window_has_had_an_exception_planted() -> None:
    planted_slots = {slot for _, slot, _ in IN_EVERY_WINDOW + IN_A_REPLAY + ON_A_BENCH}
    assert connected_methods() <= planted_slots | set(ELSEWHERE)


def connected_methods() -> set[str]:
    """Every method that a line of the window connects to a signal, found in its source; signals are none.

    What a lambda calls counts, and so does what is handed to a maker of buttons or menu entries.
    """
    methods, connected = set(), set()
    for path in Path(qdlab.gui.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                methods.add(node.name)
            elif isinstance(node, ast.Call) and name_of(node.func) in CONNECTS:
                connected |= {name for part in handed_over(node) for name in called_by(part)}
    return connected & methods


CONNECTS = {"connect", "singleShot", "on", "_button", "MenuEntry"}


def handed_over(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def called_by(part: ast.expr) -> set[str]:
    """The method a slot is, or those that a lambda calls."""
    if isinstance(part, ast.Attribute):
        return {part.attr}
    calls = [node for node in ast.walk(part) if isinstance(node, ast.Call)]
    return {node.func.attr for node in calls if isinstance(node.func, ast.Attribute)}


def name_of(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def test_a_failure_while_a_run_goes_on_stands_in_its_journal_once(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, output = tmp_path / "runtime", tmp_path / "sessions"
    monkeypatch.setenv("QDLAB_RUNTIME_DIR", str(runtime))
    with planted(monkeypatch, JVPanel, "_choose_quantity"):
        window = open_bench_window("sim", "sim", runtime, mode="SIMULATION", output=output)
        qtbot.addWidget(window)
        assert isinstance(window, BenchWindow)
        window.open_plan(EXAMPLES / "plan-jv.toml")
        qtbot.waitUntil(lambda: bool(window._panel.queue.plans), timeout=PATIENCE)
        runs: list[Any] = []
        ended: list[Any] = []
        window._link.progressed.connect(lambda progress: runs.append(progress))
        window._link.ended.connect(lambda told: ended.append(told))
        window.start_next()
        qtbot.waitUntil(lambda: bool(runs), timeout=PATIENCE)
        for choice in (1, 2, 0):
            window.jv.quantity.setCurrentIndex(choice)
        qtbot.waitUntil(lambda: bool(ended), timeout=PATIENCE)
    assert window.failure_box is not None and window.failure_box.text() == "planted in _choose_quantity"
    (session,) = output.iterdir()
    found = open_session(session)
    assert (ended[0]["end"], found.end) == ("finished", "finished")
    told = [entry for entry in found.journal if "planted in" in entry.text]
    assert [entry.text for entry in told] == ["the window failed: planted in _choose_quantity"]
    runner = window._link._started
    window._link.command("quit")
    assert runner is not None
    runner.wait(timeout=30)
    window.leave()


def test_a_wish_that_fails_is_told_and_the_next_is_fulfilled(qtbot: QtBot) -> None:
    class Still:
        position = (0.0, "")

        def advance(self, elapsed: float) -> live.SessionScreen:
            return live.initial({})

    def dies(screens: object) -> None:
        raise RuntimeError("planted in a wish")

    worker = ScreenWorker(Still())
    told: list[str] = []
    done: list[str] = []
    worker.failed.connect(told.append)
    worker.wish(dies)
    worker.wish(lambda screens: done.append("next"))
    worker._turn_or_tell()
    worker._turn_or_tell()
    assert done == ["next"]
    assert len(told) == 1 and "planted in a wish" in told[0]


def test_an_exception_in_a_timer_of_a_dialogue_is_told(
    qtbot: QtBot, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_replay_window(session)
    qtbot.addWidget(window)
    with planted(monkeypatch, SessionBrowser, "_next_thumbnails"):
        window.browse()
        qtbot.waitUntil(lambda: window.failure_box is not None, timeout=PATIENCE)
    assert window.failure_box is not None and window.failure_box.text() == "planted in _next_thumbnails"
    window.leave()


def test_an_exception_in_a_thread_is_told_too(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> None:
    def dies() -> None:
        raise RuntimeError("planted in a thread")

    failures = Failures()
    failures.catch()
    try:
        with qtbot.waitSignal(failures.told) as told, caplog.at_level(logging.ERROR):
            threading.Thread(target=dies).start()
    finally:
        failures.let_go()
    assert "planted in a thread" in told.args[0]


def test_the_interpreter_has_its_hooks_back_once_the_window_is_closed(qtbot: QtBot, session: Path) -> None:
    before = sys.excepthook, threading.excepthook
    window = open_replay_window(session)
    qtbot.addWidget(window)
    assert (sys.excepthook, threading.excepthook) != before
    window.close()
    assert (sys.excepthook, threading.excepthook) == before


def test_a_screen_that_fails_is_told_once_and_tried_again(qtbot: QtBot) -> None:
    class Failing:
        position = (0.0, "")
        turns = 0

        def advance(self, elapsed: float) -> live.SessionScreen:
            self.turns += 1
            if self.turns < 3:
                raise RuntimeError("planted in a screen")
            return live.initial({})

    worker = ScreenWorker(Failing())
    told: list[str] = []
    worker.failed.connect(told.append)
    with qtbot.waitSignal(worker.picture_ready):
        worker.start()
    worker.stop()
    assert len(told) == 1 and "planted in a screen" in told[0]


def test_an_errand_that_fails_becomes_a_sentence(qtbot: QtBot) -> None:
    def dies() -> None:
        raise RuntimeError("planted in an errand")

    parent = QObject()
    errand = Errand(dies, parent)
    with qtbot.waitSignal(errand.failed) as failed:
        errand.start()
    assert failed.args == ["planted in an errand"]


def test_an_exception_while_a_form_is_checked_leaves_the_window(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_bench_window("sim", "sim", tmp_path, mode="SIMULATION", output=tmp_path)
    qtbot.addWidget(window)
    builder = window.build_plan()

    def raising(*arguments: object, **more: object) -> None:
        raise RuntimeError("planted in a check")

    monkeypatch.setattr("qdlab.gui.builder.check", raising)
    builder._soon.timeout.emit()
    assert window.failure_box is not None and window.failure_box.text() == "planted in a check"
    window.close()


def test_an_answer_to_a_dialogue_that_was_closed_meanwhile_is_nobodys_failure(qtbot: QtBot) -> None:
    failures, told = Failures(), []
    failures.told.connect(told.append)
    closed = threading.Event()
    parent = QObject()
    errand = Errand(lambda: closed.wait(10), parent)
    failures.catch()
    try:
        errand.start()
        sip.delete(parent)
        closed.set()
        errand._thread.join(timeout=10)
        QCoreApplication.processEvents()
    finally:
        failures.let_go()
    assert sip.isdeleted(errand) and not told
