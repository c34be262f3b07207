"""The window as a person meets it: a replay, and a plan executed on the simulated bench by a runner."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from qdlab.gui.app import BenchWindow, open_bench_window, open_replay_window
from qdlab.gui.main_window import MainWindow
from qdlab.records import open_session

PATIENCE = 60_000  # [ms]; an upper bound for a busy machine, not a wait


@pytest.fixture
def replay(qtbot: QtBot, session: Path) -> Iterator[MainWindow]:
    window = open_replay_window(session)
    qtbot.addWidget(window)
    window.show()
    yield window
    window.close()


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
    qtbot.waitUntil(lambda: "dragged here" in replay.jv.words.text(), timeout=PATIENCE)
    assert "2-4 V" in replay.jv.words.text()
    qtbot.mouseClick(replay.jv.rule, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: replay.jv.words.text() == by_rule, timeout=PATIENCE)


def test_a_note_is_written_and_the_report_opened(
    qtbot: QtBot, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = shutil.copytree(session, tmp_path / session.name)
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
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
    assert browser.table.item(0, 4).text() == "finished"
    assert not browser.isModal()
    browser.chosen.disconnect()
    with qtbot.waitSignal(browser.chosen) as chosen:
        browser.table.cellActivated.emit(0, 0)
    assert chosen.args == [session]


def test_the_red_button_of_a_replay_says_that_nothing_is_connected(qtbot: QtBot, replay: MainWindow) -> None:
    with qtbot.waitSignal(replay._opened.emergency.told, timeout=PATIENCE) as told:
        qtbot.mouseClick(replay.emergency, Qt.MouseButton.LeftButton)
    assert "nothing is connected" in told.args[0]


def test_every_label_takes_its_text_as_plain_text(replay: MainWindow) -> None:
    own = [label for label in replay.findChildren(QLabel) if type(label).__module__.startswith("qdlab")]
    assert own
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in own)


@pytest.fixture
def bench_window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BenchWindow]:
    monkeypatch.setenv("QDLAB_RUNTIME_DIR", str(tmp_path / "runtime"))
    from qdlab.paths import runtime_directory

    window = open_bench_window(
        "sim", "sim", runtime_directory(), mode="SIMULATION", output=tmp_path / "sessions"
    )
    # not given to qtbot: it would close the window before the runner has been told to end
    window.show()
    yield window
    runner = window._link._started
    if runner is not None:
        window._link.command("quit")
        runner.wait(timeout=30)
    window.close()


def test_a_plan_chosen_in_the_window_is_measured_followed_and_ends_with_outputs_off(
    qtbot: QtBot, bench_window: BenchWindow
) -> None:
    plan = Path(__file__).resolve().parents[2] / "examples" / "plan-jv.toml"
    with qtbot.waitSignal(bench_window._link.ended, timeout=PATIENCE) as ended:
        bench_window.run_plan(plan)
    assert ended.args[0]["end"] == "finished"
    qtbot.waitUntil(lambda: bool(bench_window.cards.list.count()), timeout=PATIENCE)
    qtbot.waitUntil(lambda: "OFF confirmed" in bench_window.chips["source_meter"].words, timeout=PATIENCE)
    assert bench_window.mode_word.text() == "SIMULATION"


def test_a_form_says_what_is_wrong_while_typing_and_its_plan_is_run(
    qtbot: QtBot, bench_window: BenchWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Path] = []
    monkeypatch.setattr(bench_window._link, "start_plan", lambda plan, output: started.append(plan))
    builder = bench_window.build_plan()
    device = Path(__file__).resolve().parents[2] / "examples" / "device-hole-only.toml"
    qtbot.keyClicks(builder.device, str(device))
    qtbot.keyClicks(builder.inputs["voltages"], "0 .. 2 step 0.5")
    assert builder.save.isEnabled()
    qtbot.keyClicks(builder.inputs["repeats"], "000000")
    assert "1000 or less" in builder._said["repeats"].text() and not builder.save.isEnabled()
    builder.inputs["repeats"].setText("2")
    assert builder.save.isEnabled()
    builder.save_as(tmp_path / "plan.toml")
    assert started == [tmp_path / "plan.toml"]


def test_a_note_during_a_run_goes_through_the_runner(
    bench_window: BenchWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(bench_window._link, "command", lambda word, text="": sent.append((word, text)))
    bench_window._bar.abort.setEnabled(True)
    bench_window.note(" the lamp was on ")
    assert sent == [("note", "the lamp was on")]


def test_an_order_with_nothing_running_is_answered_with_a_sentence(
    qtbot: QtBot, bench_window: BenchWindow
) -> None:
    with qtbot.waitSignal(bench_window._link.refused, timeout=PATIENCE) as refused:
        bench_window._link.command("stop")
    assert refused.args == ["nothing is running on this bench"]
