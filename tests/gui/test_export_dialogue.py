"""Reports and exports from the menu: written beside the window, told file by file."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from qdlab.gui.export_dialogue import REPORT, ExportDialogue
from qdlab.records import open_session

PATIENCE = 60_000  # [ms]


@pytest.fixture
def dialogue(qtbot: QtBot, session: Path) -> Iterator[ExportDialogue]:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialogue = ExportDialogue(session, parent)
    dialogue.kinds[REPORT].setChecked(False)
    dialogue.kinds["table.csv"].setChecked(True)
    dialogue.show()
    yield dialogue


def test_what_is_ticked_is_written_into_the_folder_and_nothing_else(
    qtbot: QtBot, dialogue: ExportDialogue, session: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "Messung µ 2024" / "exports"
    dialogue.folder.setText(str(folder))
    dialogue.write.click()
    assert not dialogue.write.isEnabled()
    qtbot.waitUntil(dialogue.write.isEnabled, timeout=PATIENCE)
    assert dialogue.words.text() == f"1 file written into {folder}"
    assert dialogue.progress.value() == dialogue.progress.maximum() == 1
    assert [path.name for path in folder.iterdir()] == ["table.csv"]
    with (folder / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(run.rows) for run in open_session(session).runs)


def test_a_folder_that_cannot_be_made_is_told_and_another_one_can_be_tried(
    qtbot: QtBot, dialogue: ExportDialogue, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8", newline="\n")
    dialogue.folder.setText(str(tmp_path / "taken" / "exports"))
    dialogue.write.click()
    qtbot.waitUntil(lambda: dialogue.words.text().startswith("not written"), timeout=PATIENCE)
    assert "taken" in dialogue.words.text() and dialogue.write.isEnabled()


def test_without_a_folder_nothing_is_written_and_one_is_asked_for(
    dialogue: ExportDialogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dialogue.folder.setText(" ")
    dialogue.write.click()
    assert dialogue.words.text() == "name a folder to write into" and dialogue.write.isEnabled()
    assert not list(tmp_path.glob("*.csv"))
