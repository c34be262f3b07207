"""Long work beside the window: it can be given up, and leaves nothing half written."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from qdlab.gui.app import open_replay_window
from qdlab.gui.away import GivenUp, Work, WorkFailed, away, write_whole
from qdlab.gui.export_dialogue import REPORT, ExportDialogue

PATIENCE = 60_000  # [ms]
SLOW = """
import os, threading
from pathlib import Path

def write(session, file, *more):
    file.write_text("half", encoding="utf-8", newline="\\n")
    Path(__file__).with_name("begun").touch()
    threading.Event().wait()

def write_two(session, folder):
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text("new", encoding="utf-8", newline="\\n")
    return [folder / "a", folder / "b"]

def fit(*arguments):
    threading.Event().wait()

def die():
    os._exit(7)

def refuse():
    raise ValueError("what it said")
"""


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module that another process can import, whose functions stop half way."""
    (tmp_path / "slow_work.py").write_text(SLOW, encoding="utf-8", newline="\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("slow_work")
    del sys.modules["slow_work"]


def begun(slow: ModuleType) -> bool:
    assert slow.__file__ is not None
    return Path(slow.__file__).with_name("begun").exists()


def test_what_a_function_elsewhere_says_is_told_and_so_is_its_process_dying(slow: ModuleType) -> None:
    with pytest.raises(WorkFailed, match="what it said"):
        away(slow.refuse)
    with pytest.raises(WorkFailed, match=r"died \(7\)"):
        away(slow.die)


def test_work_given_up_before_it_began_begins_nothing(slow: ModuleType) -> None:
    work = Work()
    work.give_up()
    with pytest.raises(GivenUp):
        work(slow.die)


def test_files_of_a_folder_come_into_their_place_together_and_others_stay(
    slow: ModuleType, tmp_path: Path
) -> None:
    folder = tmp_path / "exports" / "origin"
    folder.mkdir(parents=True)
    for name in ("a", "mine"):
        (folder / name).write_text("earlier", encoding="utf-8", newline="\n")
    assert write_whole(Work(), slow.write_two, tmp_path, folder) == [folder / "a", folder / "b"]
    assert {one.name: one.read_text(encoding="utf-8") for one in folder.iterdir()} == {
        "a": "new",
        "b": "new",
        "mine": "earlier",
    }
    assert [one.name for one in folder.parent.iterdir()] == ["origin"]


def test_an_export_given_up_leaves_what_stood_there_and_the_next_one_is_written(
    qtbot: QtBot, session: Path, tmp_path: Path, slow: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialogue = ExportDialogue(session, parent)
    dialogue.kinds[REPORT].setChecked(False)
    dialogue.kinds["table.csv"].setChecked(True)
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "table.csv").write_text("earlier", encoding="utf-8", newline="\n")
    dialogue.folder.setText(str(folder))
    with monkeypatch.context() as patch:
        patch.setattr("qdlab.gui.export_dialogue.export_recorded", slow.write)
        dialogue.write.click()
        qtbot.waitUntil(lambda: begun(slow), timeout=PATIENCE)
        assert not dialogue.folder.isEnabled() and not dialogue.kinds[REPORT].isEnabled()
        dialogue.give_up.click()
        qtbot.waitUntil(dialogue.write.isEnabled, timeout=PATIENCE)
    assert dialogue.words.text() == "not written: given up"
    assert [one.name for one in folder.iterdir()] == ["table.csv"]
    assert (folder / "table.csv").read_text(encoding="utf-8") == "earlier"
    dialogue.write.click()
    qtbot.waitUntil(dialogue.write.isEnabled, timeout=PATIENCE)
    assert dialogue.words.text().startswith("1 file written")
    assert not dialogue.give_up.isEnabled()


def test_a_report_given_up_is_no_failure_and_leaves_no_file(
    qtbot: QtBot, session: Path, slow: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qdlab.gui.main_window.write_report", slow.write)
    before = sorted(session.iterdir())
    window = open_replay_window(session)
    qtbot.addWidget(window)
    window.show()
    window.write_report()
    window.write_report()
    qtbot.waitUntil(lambda: begun(slow), timeout=PATIENCE)
    assert window.give_up.isVisible() and window.busy.isVisible()
    window.give_up.click()
    qtbot.waitUntil(lambda: not window.give_up.isVisible(), timeout=PATIENCE)
    assert window.failure_box is None and not window.busy.isVisible()
    assert sorted(session.iterdir()) == before
    window.leave()
