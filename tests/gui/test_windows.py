"""The window as a person meets it: a replay, and a plan executed on the simulated bench by a runner."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QSettings, Qt
from PyQt6.QtGui import QAction, QDesktopServices, QGuiApplication
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QComboBox,
    QDockWidget,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenuBar,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from qdlab.config import load_device, load_plan
from qdlab.gui import app
from qdlab.gui.app import open_bench_window, open_replay_window
from qdlab.gui.bench_window import BenchWindow
from qdlab.gui.closing import ClosingQuestion, remembered
from qdlab.gui.device_form import DeviceDialogue
from qdlab.gui.main_window import MainWindow
from qdlab.gui.widgets import PlainLabel
from qdlab.live import plan_draft as drafts
from qdlab.live import plan_queue as queues
from qdlab.live.device_draft import devices_folder, saved_devices
from qdlab.live.overrides import window_choice
from qdlab.live.picture import PictureMaker
from qdlab.live.plan_draft import read_draft
from qdlab.live.session import SessionScreen
from qdlab.paths import data_directory, runtime_directory
from qdlab.records import open_session, verify_session
from qdlab.replay import Replay, open_replay

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PATIENCE = 60_000  # [ms]; an upper bound for a busy machine, not a wait


@pytest.fixture
def replay(qtbot: QtBot, session: Path) -> Iterator[MainWindow]:
    window = open_replay_window(session)
    qtbot.addWidget(window)
    window.show()
    yield window
    window.close()


def test_the_window_is_ready_before_what_it_may_need_later_is_loaded(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from qdlab.gui.app import application, open_bench_window\n"
        "folder = Path(sys.argv[1])\n"
        "window = open_bench_window('sim', 'sim', folder, mode='SIMULATION', output=folder)\n"
        "window.show()\n"
        "application().processEvents()\n"
        "later = {'pandas', 'pyarrow', 'h5py', 'numba', 'scipy.optimize', 'scipy.interpolate'}\n"
        "print(window.isVisible(), sorted(later & set(sys.modules)), flush=True)\n"
        "window.close()\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-P", "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert outcome.stdout.split("\n")[0] == "True []", outcome.stderr


def test_a_replay_says_so_and_draws_the_whole_sweep(qtbot: QtBot, replay: MainWindow) -> None:
    assert replay.mode_word.text() == "REPLAY"
    replay._opened.bar.speed.setCurrentText("max")
    qtbot.waitUntil(lambda: bool(replay.cards.list.count()), timeout=PATIENCE)
    (points,) = [key for key in replay.jv.plot.keys if key.endswith(" up")]
    voltage, current_density = replay.jv.plot.drawn(points)
    assert len(voltage) in (70, 71)  # 0 V has a logarithm only where the meter's offset makes it positive
    assert voltage[-70:] == pytest.approx(np.log10(np.linspace(0.1, 7, 70)), abs=0.01)
    assert np.all(np.diff(current_density[-70:]) > 0)


def test_stepping_a_paused_replay_moves_one_event_on(qtbot: QtBot, replay: MainWindow) -> None:
    bar = replay._opened.bar
    bar.play.click()
    moved: list[str] = []
    replay._opened.worker.moved.connect(lambda share, words: moved.append(words))
    bar.sought.emit(0.0)
    bar.step.click()
    bar.step.click()
    qtbot.waitUntil(lambda: bool(moved) and "event 2 of" in moved[-1], timeout=PATIENCE)


def test_the_keys_of_a_replay_play_step_and_go_to_the_end(qtbot: QtBot, replay: MainWindow) -> None:
    bar = replay._opened.bar
    replay.activateWindow()
    moved: list[str] = []
    replay._opened.worker.moved.connect(lambda share, words: moved.append(words))
    qtbot.keyClick(replay, Qt.Key.Key_Space)
    assert bar.play.text() == "Play"
    qtbot.keyClick(replay, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: bool(moved) and "event 0 of" in moved[-1], timeout=PATIENCE)
    qtbot.keyClick(replay, Qt.Key.Key_Right)
    qtbot.keyClick(replay, Qt.Key.Key_Right)
    qtbot.keyClick(replay, Qt.Key.Key_Left)
    qtbot.waitUntil(lambda: "event 1 of" in moved[-1], timeout=PATIENCE)
    qtbot.keyClick(replay, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: bool(replay.cards.list.count()), timeout=PATIENCE)


def test_a_window_dragged_by_hand_is_refitted_and_given_back(qtbot: QtBot, replay: MainWindow) -> None:
    replay._opened.bar.end.click()
    qtbot.waitUntil(lambda: replay.jv.region.isVisible(), timeout=PATIENCE)
    by_rule = replay.jv.words.text()
    replay.jv.region.setRegion((np.log10(2.0), np.log10(4.0)))
    qtbot.waitUntil(lambda: "chosen here" in replay.jv.words.text(), timeout=PATIENCE)
    assert "2-4 V" in replay.jv.words.text()
    qtbot.mouseClick(replay.jv.rule, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: replay.jv.words.text() == by_rule, timeout=PATIENCE)


def test_a_window_dragged_and_recorded_is_in_force_when_the_session_is_opened_again(
    qtbot: QtBot, session: Path, tmp_path: Path
) -> None:
    own = shutil.copytree(session, tmp_path / session.name)
    window = open_replay_window(own)
    qtbot.addWidget(window)
    window.show()
    window._opened.bar.end.click()
    qtbot.waitUntil(lambda: window.jv.region.isVisible(), timeout=PATIENCE)
    assert not window.jv.record.isEnabled()
    window.jv.region.setRegion((np.log10(2.0), np.log10(4.0)))
    qtbot.waitUntil(window.jv.record.isEnabled, timeout=PATIENCE)
    window.jv.record.click()
    qtbot.waitUntil(lambda: "as the journal says" in window.jv.words.text(), timeout=PATIENCE)
    assert not window.jv.record.isEnabled()
    window.close()
    assert verify_session(own).intact
    again = open_replay(own)
    (trace,) = PictureMaker().draw(again.seek(len(again))).jv
    assert trace.by_hand and not trace.unrecorded
    assert trace.fit is not None and trace.fit.window == pytest.approx((2.0, 4.0))


def test_a_click_on_a_card_marks_the_points_behind_it_and_copies_it_as_text(
    qtbot: QtBot, replay: MainWindow
) -> None:
    replay._opened.bar.end.click()
    qtbot.waitUntil(lambda: bool(replay.cards.list.count()), timeout=PATIENCE)
    (row,) = [row for row, card in enumerate(replay.cards._shown) if card.place == "jv"]
    item = replay.cards.list.item(row)
    place = replay.cards.list.visualItemRect(item).center()
    qtbot.mouseClick(replay.cards.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert replay.jv.runs.chosen == replay.cards._shown[row].key
    assert any(key.endswith(" used") for key in replay.jv.plot.keys)
    replay.cards.copy.click()
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None and clipboard.text() == replay.cards._shown[row].text


def test_a_sweep_that_is_not_ticked_is_not_drawn_and_is_still_there(qtbot: QtBot, replay: MainWindow) -> None:
    replay._opened.bar.end.click()
    qtbot.waitUntil(lambda: replay.jv.runs.count() == 1, timeout=PATIENCE)
    qtbot.waitUntil(lambda: bool(replay.jv.plot.keys), timeout=PATIENCE)
    replay.jv.runs.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert not replay.jv.plot.keys
    replay.jv.runs.item(0).setCheckState(Qt.CheckState.Checked)
    assert replay.jv.plot.keys


def test_a_note_is_written_and_the_report_opened(
    qtbot: QtBot, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = shutil.copytree(session, tmp_path / session.name)
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: not opened.append(url.toLocalFile()))
    window = open_replay_window(own)
    qtbot.addWidget(window)
    window.note("the lamp was on")
    window.write_report()
    qtbot.waitUntil(lambda: opened == [(own / "report.html").as_posix()], timeout=PATIENCE)
    qtbot.waitUntil(lambda: "the lamp was on" in [entry.text for entry in open_session(own).journal])
    window.close()


def test_the_browser_lists_the_sessions_of_a_folder_and_opens_one(
    qtbot: QtBot, replay: MainWindow, session: Path
) -> None:
    browser = replay.browse()
    qtbot.waitUntil(lambda: browser.table.rowCount() == 1, timeout=PATIENCE)
    assert browser.table.item(0, 5).text() == "finished"
    assert not browser.isModal()
    browser.chosen.disconnect()
    with qtbot.waitSignal(browser.chosen) as chosen:
        browser.table.cellActivated.emit(0, 0)
    assert chosen.args == [session]


def test_another_session_is_read_beside_the_window_and_forgotten_once_its_own_is_closed(
    qtbot: QtBot, replay: MainWindow, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_in: list[threading.Thread] = []

    def read(path: Path) -> Replay[SessionScreen]:
        read_in.append(threading.current_thread())
        return open_replay(path)

    monkeypatch.setattr(app, "open_replay", read)
    replay.open_session(session)
    qtbot.waitUntil(lambda: len(app._others) == 1, timeout=PATIENCE)
    assert read_in and threading.main_thread() not in read_in
    (other,) = app._others
    assert other.isVisible() and other.windowTitle() == replay.windowTitle()
    other.close()
    qtbot.waitUntil(lambda: not app._others, timeout=PATIENCE)


def test_a_folder_that_is_no_session_is_told_when_it_is_opened(
    qtbot: QtBot, replay: MainWindow, tmp_path: Path
) -> None:
    replay.open_session(tmp_path)
    qtbot.waitUntil(lambda: replay.failure_box is not None, timeout=PATIENCE)
    assert replay.failure_box is not None and str(tmp_path) in replay.failure_box.text()


def test_the_red_button_of_a_replay_says_that_nothing_is_connected(qtbot: QtBot, replay: MainWindow) -> None:
    with qtbot.waitSignal(replay._opened.emergency.told, timeout=PATIENCE) as told:
        qtbot.mouseClick(replay.emergency, Qt.MouseButton.LeftButton)
    assert "nothing is connected" in told.args[0]


def test_the_columns_keep_their_shares_until_somebody_moves_a_line(qtbot: QtBot, replay: MainWindow) -> None:
    dock = replay.docks.findChild(QDockWidget, "dock TEL")
    for width in (1366, 2560):
        replay.resize(width, 768)
        qtbot.waitUntil(lambda width=width: abs(dock.width() - 0.42 * width) < 20)
    assert not replay.docks.state()
    qtbot.mousePress(replay.docks, Qt.MouseButton.LeftButton)
    assert replay.docks.state()


def test_the_log_shows_what_its_filter_takes_and_everything_again_without_it(
    qtbot: QtBot, replay: MainWindow
) -> None:
    replay._opened.bar.end.click()
    qtbot.waitUntil(lambda: replay.log.list.count() > 2, timeout=PATIENCE)
    every = replay.log.list.count()
    replay.log.words.setText("session OPENED")
    assert replay.log.list.count() == 1
    replay.log.words.clear()
    assert replay.log.list.count() == every


def test_a_dialogue_leaves_the_red_button_to_be_seen(replay: MainWindow) -> None:
    replay.resize(1366, 768)
    browser = replay.browse()
    covered = browser.frameGeometry()
    button = replay.emergency
    top_left = button.mapToGlobal(button.rect().topLeft())
    assert not covered.intersects(button.rect().translated(top_left))


def controls(window: QWidget) -> list[QWidget]:
    """What a person presses, chooses or types into; Qt's own parts of other widgets left out."""
    kinds = (QAbstractButton, QComboBox, QLineEdit, QAbstractSlider, QAbstractItemView, QPlainTextEdit)
    return [
        widget
        for widget in window.findChildren(QWidget)
        if isinstance(widget, kinds)
        and widget.window() is window
        and not isinstance(widget, QScrollBar | QHeaderView)
        and not isinstance(widget.parent(), QComboBox | QLineEdit | QMenuBar | QTabBar)
        and not widget.objectName().startswith("qt_")
    ]


BY_KEY = {
    "Emergency off: every output off now",
    "Pause",
    "◀ Step",
    "Step ▶",
    "End",
    "Speed of the replay",
    "Position in the session",
}
"""Controls with keys of their own, which a focus on them would only take away."""


def requires_every_control_to_be_named_explained_and_reached(window: QWidget) -> None:
    for widget in controls(window):
        text = widget.text() if isinstance(widget, QAbstractButton) else ""
        name = widget.accessibleName() or text
        assert name, f"{type(widget).__name__} {widget.objectName()!r} in {window.windowTitle()} has no name"
        assert widget.toolTip(), f"{name} in {window.windowTitle()} does not say what it does"
        by_tab = bool(widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value)
        assert by_tab or name in BY_KEY, f"{name} in {window.windowTitle()} is not reached by the keyboard"


def test_every_control_of_a_replay_has_a_name_an_explanation_and_a_key(replay: MainWindow) -> None:
    for window in (replay, replay.browse(), replay.export()):
        assert window is not None
        requires_every_control_to_be_named_explained_and_reached(window)
    speed = replay._opened.bar.speed
    keys = {action.text(): action for action in replay.findChildren(QAction)}
    keys["Slower"].trigger()
    assert speed.currentText() == "10"
    for _ in range(5):
        keys["Faster"].trigger()
    assert speed.currentText() == "max"


def test_every_label_takes_its_text_as_plain_text(replay: MainWindow) -> None:
    own = [label for label in replay.findChildren(QLabel) if type(label).__module__.startswith("qdlab")]
    assert own
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in own)


@pytest.fixture
def bench_window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BenchWindow]:
    monkeypatch.setenv("QDLAB_RUNTIME_DIR", str(tmp_path / "runtime"))
    window = open_bench_window(
        "sim", "sim", runtime_directory(), mode="SIMULATION", output=tmp_path / "sessions"
    )
    # not given to qtbot: it would close the window before the runner has been told to end
    window.show()
    yield window
    end(window)


def end(window: BenchWindow) -> None:
    """Have the runner end that this window started, and close the window."""
    runner = window._link._started
    if runner is not None:
        window._link.command("quit")
        if not window.isVisible():  # it has let go of its runner already
            runner.terminate()
        runner.wait(timeout=30)
    window.leave()


def start(qtbot: QtBot, window: BenchWindow) -> None:
    """Look at the pre-flight sheet, and start from there."""
    sheet = window.prepare()
    assert sheet is not None
    qtbot.waitUntil(sheet.start.isEnabled, timeout=PATIENCE)
    qtbot.mouseClick(sheet.start, Qt.MouseButton.LeftButton)


def states(window: BenchWindow) -> list[str]:
    return [plan.state for plan in window._panel.queue.plans]


def test_a_queue_is_measured_plan_after_plan_and_ends_with_outputs_off(
    qtbot: QtBot, bench_window: BenchWindow
) -> None:
    window = bench_window
    window.open_plan(EXAMPLES / "plan-jv.toml")
    qtbot.waitUntil(lambda: states(window) == ["waiting"], timeout=PATIENCE)
    window._panel.tree.setCurrentItem(window._panel.tree.topLevelItem(0))
    window._panel.duplicate.click()
    start(qtbot, window)
    qtbot.waitUntil(lambda: states(window) == ["finished", "finished"], timeout=PATIENCE)
    qtbot.waitUntil(lambda: bool(window.cards.list.count()), timeout=PATIENCE)
    qtbot.waitUntil(lambda: "OFF confirmed" in window.chips["source_meter"].words, timeout=PATIENCE)
    qtbot.waitUntil(lambda: window._bar.interlocks.words["heartbeat"].text() == "stands by", timeout=PATIENCE)
    assert window.mode_word.text() == "SIMULATION"
    card = window.show_box("source_meter")
    assert card is not None and "2400" in card.rows["Identity"].text()
    assert card.rows["Address"].text() == "simulated"
    card.close()


def test_the_warnings_accepted_at_the_start_stand_in_the_journal(
    qtbot: QtBot, bench_window: BenchWindow, tmp_path: Path
) -> None:
    window = bench_window
    window.open_plan(EXAMPLES / "plan-jv.toml")
    qtbot.waitUntil(lambda: states(window) == ["waiting"], timeout=PATIENCE)
    start(qtbot, window)
    assert window._sheet is not None
    shown = [label.text() for label in window._sheet.findChildren(PlainLabel)]
    qtbot.waitUntil(lambda: states(window) == ["finished"], timeout=PATIENCE)
    (session,) = (tmp_path / "sessions").iterdir()
    told = [entry.text.partition("started in spite of: ") for entry in open_session(session).journal]
    accepted = [warning.partition(": ")[2] for _, said, warning in told if said]
    assert len(accepted) == shown.count("LOOK") > 0
    assert set(accepted) <= set(shown)


def test_a_plan_that_was_aborted_is_offered_again_and_resumed_to_its_end(
    qtbot: QtBot, bench_window: BenchWindow, tmp_path: Path
) -> None:
    window = bench_window
    window.open_plan(EXAMPLES / "plan-tq1-like.toml")
    qtbot.waitUntil(lambda: states(window) == ["waiting"], timeout=PATIENCE)
    with qtbot.waitSignal(
        window._link.progressed, timeout=PATIENCE, check_params_cb=lambda progress: progress["visit"] == 2
    ):
        start(qtbot, window)
    window._bar.run.abort.click()
    qtbot.waitUntil(lambda: states(window) == ["aborted"], timeout=PATIENCE)
    qtbot.waitUntil(window._bar.resume.isVisible, timeout=PATIENCE)
    assert "of 7 temperatures were done; resume at" in window._bar.resume.words.text()
    window._bar.resume.buttons["Resume"].click()
    assert window._sheet is not None
    qtbot.waitUntil(window._sheet.start.isEnabled, timeout=PATIENCE)
    window._sheet.start.click()
    qtbot.waitUntil(lambda: states(window) == ["aborted", "finished"], timeout=PATIENCE)
    assert len(list((tmp_path / "sessions").iterdir())) == 1


def test_a_run_goes_on_without_its_window_and_the_next_window_finds_it(
    qtbot: QtBot, bench_window: BenchWindow, tmp_path: Path
) -> None:
    first = bench_window
    measuring(qtbot, first)
    assert not first.close()
    assert not first.close()
    (question,) = first.findChildren(ClosingQuestion)
    assert first.isVisible() and question.isVisible() and not question.isModal()
    press(question, "Let it go on")
    assert not first.isVisible()
    second = open_bench_window("sim", "sim", runtime_directory(), mode="SIMULATION", output=tmp_path)
    qtbot.addWidget(second)
    qtbot.waitUntil(lambda: states(second) == ["running"] or states(second) == ["finished"], timeout=PATIENCE)
    qtbot.waitUntil(lambda: second._picture is not None and second._picture.screen.rows > 0, timeout=PATIENCE)
    second._link._started = first._link._started
    end(second)


def test_what_becomes_of_a_run_at_closing_is_asked_once_and_remembered(
    qtbot: QtBot, bench_window: BenchWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    monkeypatch.setattr(bench_window, "_opened", replace(bench_window._opened, settings=settings))
    measuring(qtbot, bench_window)
    bench_window.close()
    question = bench_window.findChild(ClosingQuestion)
    press(question, "End it safely")
    qtbot.waitUntil(lambda: not bench_window.isVisible(), timeout=PATIENCE)
    assert remembered(settings) == "ends"
    (session,) = (tmp_path / "sessions").iterdir()
    assert open_session(session).end == "aborted"


def test_a_question_answered_with_stay_closes_nothing_when_it_is_asked_from_the_menu_later(
    qtbot: QtBot, bench_window: BenchWindow
) -> None:
    measuring(qtbot, bench_window)
    bench_window.close()
    press(bench_window.ask_about_closing(), "Stay")
    press(bench_window.ask_about_closing(), "Let it go on")
    assert bench_window.isVisible()
    bench_window._link.command("abort")


def press(question: ClosingQuestion, words: str) -> None:
    """Press the button of these words."""
    next(button for button in question.buttons() if button.text() == words).click()


def measuring(qtbot: QtBot, window: BenchWindow) -> None:
    """Begin a long plan, and wait until it measures."""
    window.open_plan(EXAMPLES / "plan-tq1-like.toml")
    qtbot.waitUntil(lambda: states(window) == ["waiting"], timeout=PATIENCE)
    with qtbot.waitSignal(window._link.progressed, timeout=PATIENCE):
        start(qtbot, window)


def test_a_plan_beyond_the_limits_cannot_be_started(qtbot: QtBot, bench_window: BenchWindow) -> None:
    window = bench_window
    window.open_plan(EXAMPLES / "plan-jv.toml")
    qtbot.waitUntil(lambda: states(window) == ["waiting"], timeout=PATIENCE)
    draft = window._panel.queue.plans[0].draft
    table = {**draft.steps[0].table, "voltages": ["15 V"]}
    window._change(
        queues.edited(
            window._panel.queue, 1, drafts.changed(draft, (0,), replace(draft.steps[0], table=table))
        )
    )
    sheet = window.prepare()
    assert sheet is not None
    qtbot.waitUntil(lambda: sheet.words.text().startswith("Not yet"), timeout=PATIENCE)
    assert not sheet.start.isEnabled()


def test_a_builder_says_what_is_wrong_while_typing_and_its_plan_comes_into_the_queue(
    qtbot: QtBot, bench_window: BenchWindow, tmp_path: Path
) -> None:
    window = bench_window
    builder = window.build_plan()
    builder.add_device_file(EXAMPLES / "device-hole-only.toml")
    qtbot.waitUntil(lambda: builder.devices.text() == "device-hole-only", timeout=PATIENCE)
    builder.add_step("temperature_sweep")
    builder.tree.setCurrentItem(builder.tree._items[0, 0])
    voltages = builder.form.inputs["voltages"]
    voltages.clear()
    qtbot.keyClicks(voltages, "0 .. 12 step 1")
    assert not builder.enqueue.isEnabled()
    qtbot.waitUntil(lambda: "maximum_field" in builder.form.said["voltages"].text(), timeout=PATIENCE)
    voltages.setText("0 .. 2 step 0.5")
    builder.form.inputs["repeats"].setText("1000000")
    assert "1000 or less" in builder.form.said["repeats"].text()
    builder.form.inputs["repeats"].setText("2")
    qtbot.waitUntil(builder.enqueue.isEnabled, timeout=PATIENCE)
    assert "of simulated time" in builder.estimate.text()
    builder.save_file(tmp_path / "plan.toml")
    qtbot.waitUntil(lambda: "saved as" in builder.words.text(), timeout=PATIENCE)
    (sweep,) = load_plan(tmp_path / "plan.toml").steps
    assert sweep.steps[0].voltages == (0.0, 0.5, 1.0, 1.5, 2.0)
    builder.enqueue.click()
    assert [plan.draft.name for plan in window._panel.queue.plans] == ["New plan"]


def test_a_device_is_described_in_forms_and_comes_into_the_plan_that_is_being_built(
    qtbot: QtBot, bench_window: BenchWindow
) -> None:
    builder = bench_window.build_plan()
    builder.device_wanted.emit("")
    dialogue = builder.findChild(DeviceDialogue)
    assert dialogue is not None and not dialogue.save.isEnabled()
    film = dialogue.stack.rows[0].inputs
    for entry, text in (
        (dialogue.form.inputs["identifier"], "B3/2/px1"),
        (dialogue.form.inputs["area"], "4 +- 0.1"),
        (film["material"], "QD"),
        (film["thickness"], "11 nA"),
        (film["relative_permittivity"], "4"),
    ):
        qtbot.keyClicks(entry, text)
    assert "'nA'" in dialogue.stack.rows[0].problem.text() and not dialogue.save.isEnabled()
    film["thickness"].setText("110")
    assert "90.9 kV/cm" in dialogue.words.text()
    qtbot.mouseClick(dialogue.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: builder.devices.text() == "B3-2-px1", timeout=PATIENCE)
    kept = Path(builder.draft.devices["B3-2-px1"].file)
    assert kept in saved_devices(devices_folder(data_directory()))
    assert load_device(kept).area.standard_error == pytest.approx(0.1e-6)

    builder.device_wanted.emit("B3-2-px1")
    again = builder.findChildren(DeviceDialogue)[-1]
    again.form.inputs["area"].setText("9")
    again.save.click()
    qtbot.waitUntil(lambda: builder.draft.devices["B3-2-px1"].table["area"]["value"] == "9e-06 m**2")


def test_every_control_of_a_bench_window_has_a_name_an_explanation_and_a_key(
    qtbot: QtBot, bench_window: BenchWindow
) -> None:
    builder = bench_window.build_plan(read_draft(EXAMPLES / "plan-paper.toml"))
    device = bench_window.describe_device()
    bench_window.enqueue(builder.draft)
    sheet = bench_window.prepare()
    assert sheet is not None
    qtbot.waitUntil(sheet.start.isEnabled, timeout=PATIENCE)
    for window in (bench_window, builder, device, sheet):
        requires_every_control_to_be_named_explained_and_reached(window)


def tabbed_through(first: QWidget, count: int) -> list[str]:
    """Names of what Tab reaches one after the other, what is hidden or takes no Tab left out."""
    QCoreApplication.processEvents()  # what was built just now is to be seen
    names: list[str] = []
    widget = first
    while len(names) < count:
        if widget.isVisible() and widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value:
            names.append(widget.accessibleName() or getattr(widget, "text", lambda: "")())
        following = widget.nextInFocusChain()
        assert following is not None
        widget = following
    return names


def test_tab_goes_from_the_device_through_its_films_to_its_limits(bench_window: BenchWindow) -> None:
    dialogue = bench_window.describe_device()
    dialogue.stack.add.click()
    names = tabbed_through(dialogue.form.inputs["identifier"], 28)
    assert names[:2] == ["Identifier", "Area [mm²]"] and names[8] == "Add film"
    films = [name for name in names if "from the bottom" in name]
    assert (
        films[0] == "Material of film 2 from the bottom" and films[5] == "Material of film 1 from the bottom"
    )
    assert names.index(films[-1]) < names.index("Maximum voltage [V]")


def test_tab_goes_from_a_step_chosen_into_its_form(bench_window: BenchWindow) -> None:
    builder = bench_window.build_plan()
    builder.add_step("jv_sweep")
    names = tabbed_through(builder.form.every, 3)
    assert names[0] == "All settings" and names[1].startswith("Voltages")


def test_a_device_left_unfinished_is_there_again(bench_window: BenchWindow) -> None:
    dialogue = bench_window.describe_device()
    dialogue.form.inputs["identifier"].setText("half")
    dialogue.close()
    assert bench_window.describe_device().form.inputs["identifier"].text() == "half"


def test_what_load_and_clear_replaced_can_be_had_back(qtbot: QtBot, bench_window: BenchWindow) -> None:
    builder = bench_window.build_plan()
    builder.add_step("note")
    builder.form.inputs["text"].setText("half a plan")
    begun = builder.draft
    builder.load_file(EXAMPLES / "plan-jv.toml")
    qtbot.waitUntil(lambda: builder.draft != begun, timeout=PATIENCE)
    builder.clear.click()
    assert not builder.draft.steps
    builder.undo.click()
    assert builder.draft.steps and builder.draft != begun
    builder.undo.click()
    assert builder.draft == begun

    dialogue = bench_window.describe_device()
    dialogue.form.inputs["identifier"].setText("B3")
    half = dialogue.draft
    dialogue.load_file(EXAMPLES / "device-hole-only.toml")
    qtbot.waitUntil(dialogue.save.isEnabled, timeout=PATIENCE)
    dialogue.undo.click()
    assert dialogue.draft == half and dialogue.form.inputs["identifier"].text() == "B3"


def test_a_field_says_inside_that_it_is_needed_and_nothing_moves_when_it_is_filled(
    bench_window: BenchWindow,
) -> None:
    dialogue = bench_window.describe_device()
    area = dialogue.form.inputs["area"]
    assert area.placeholderText() == "needed, e.g. 4 ± 0.1"
    assert dialogue.form.said["area"].text() == ""
    area.setText("4 A")
    assert "'A' cannot be turned into" in dialogue.form.said["area"].text()


def test_a_plan_left_unfinished_is_there_again_until_it_is_queued_or_saved(bench_window: BenchWindow) -> None:
    builder = bench_window.build_plan()
    builder.add_step("note")
    begun = builder.draft
    builder.close()
    for _ in range(2):
        again = bench_window.build_plan()
        assert again.draft == begun
        again.close()
    again = bench_window.build_plan()
    again._saved(again.draft, EXAMPLES / "elsewhere.toml")
    again.close()
    assert not bench_window.build_plan().draft.steps


def test_the_queue_is_there_again_in_the_next_window_and_only_one_window_keeps_it(
    qtbot: QtBot, bench_window: BenchWindow, tmp_path: Path
) -> None:
    def another() -> BenchWindow:
        return open_bench_window("sim", "sim", runtime_directory(), mode="SIMULATION", output=tmp_path)

    bench_window.open_plan(EXAMPLES / "plan-jv.toml")
    qtbot.waitUntil(lambda: states(bench_window) == ["waiting"], timeout=PATIENCE)
    second = another()
    qtbot.addWidget(second)
    qtbot.waitUntil(lambda: not second._panel.isEnabled(), timeout=PATIENCE)
    assert "Another window" in second._panel.total.text()
    second.close()
    bench_window._keeper.let_go()
    third = another()
    qtbot.addWidget(third)
    qtbot.waitUntil(lambda: states(third) == ["waiting"], timeout=PATIENCE)
    third.close()


def test_a_prompt_of_the_runner_is_a_card_whose_button_answers_it(
    qtbot: QtBot, bench_window: BenchWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(bench_window._link, "command", sent.append)
    progress = {"step": "operator", "state": "waiting", "share": 0.1, "remaining": 60.0, "key": "steps[0]"}
    card = bench_window._bar.prompt
    bench_window._link.progressed.emit({**progress, "prompt": {"text": "connect pixel 3, cover closed"}})
    assert card.isVisible() and card.words.text() == "connect pixel 3, cover closed"
    card.buttons["Continue"].click()
    assert sent == ["answer"]
    bench_window._link.progressed.emit({**progress, "prompt": None})
    assert not card.isVisible()


def test_a_step_is_dragged_to_its_place(qtbot: QtBot, bench_window: BenchWindow) -> None:
    builder = bench_window.build_plan(read_draft(EXAMPLES / "plan-paper.toml"))
    builder.tree.dragged.emit((1,), (0,))
    assert [step.kind for step in builder.draft.steps[:2]] == ["pixel_check", "operator"]


def test_a_note_during_a_run_goes_through_the_runner(
    bench_window: BenchWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(bench_window._link, "command", lambda word, text="": sent.append((word, text)))
    bench_window._bar.run.abort.setEnabled(True)
    bench_window.note(" the lamp was on ")
    assert sent == [("note", "the lamp was on")]


def test_a_choice_recorded_during_a_run_goes_through_the_runner_with_its_numbers(
    bench_window: BenchWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(bench_window._link, "command", lambda word, **more: sent.append((word, more)))
    bench_window._bar.run.abort.setEnabled(True)
    choice = window_choice("0002", (0.6, 1.2))
    bench_window.record(choice, lambda: None)
    assert sent == [("note", {"text": choice.text, "details": dict(choice.details)})]


def test_an_order_with_nothing_running_is_answered_with_a_sentence(
    qtbot: QtBot, bench_window: BenchWindow
) -> None:
    with qtbot.waitSignal(bench_window._link.refused, timeout=PATIENCE) as refused:
        bench_window._link.command("stop")
    assert refused.args == ["nothing is running on this bench"]


WINDOW = """
import sys
from pathlib import Path
from qdlab.gui.app import open_bench_window, run_window
from qdlab.paths import data_directory, runtime_directory

plan, sessions = map(Path, sys.argv[1:])
window = open_bench_window("sim", "sim", runtime_directory(), mode="SIMULATION", output=sessions)
window._link.start_plan(plan, sessions)
sys.exit(run_window(window))
"""


def test_a_run_survives_the_kill_of_its_window_and_a_new_window_can_end_it(
    qtbot: QtBot, bench_window: BenchWindow, tmp_path: Path
) -> None:
    plan = EXAMPLES / "plan-tq1-like.toml"
    words = [sys.executable, "-P", "-c", WINDOW, str(plan), str(tmp_path / "sessions")]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as window:
        qtbot.waitUntil(lambda: bench_window._bar.run.is_busy, timeout=PATIENCE)
        window.kill()
    with qtbot.waitSignal(bench_window._link.progressed, timeout=PATIENCE):
        pass
    with qtbot.waitSignal(bench_window._link.ended, timeout=PATIENCE) as ended:
        bench_window._bar.run.abort.click()
    assert ended.args[0]["end"] in ("aborted", "finished")
    assert verify_session(Path(ended.args[0]["session"])).intact
    bench_window._link.command("quit")
    qtbot.waitSignal(bench_window._link.detached, timeout=PATIENCE).wait()
