"""The session browser: a table of the sessions in a folder; a double click opens one as a replay."""

from pathlib import Path

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from qdlab.gui.errands import send
from qdlab.gui.widgets import PlainLabel, ask_for_path
from qdlab.live.browse import SessionLine, sessions_in

_HEADINGS = ("begun (UTC)", "plan", "devices", "runs", "end")


class SessionBrowser(QDialog):
    """Lists sessions beside everything else; the folder is read in a thread."""

    chosen = pyqtSignal(object)

    def __init__(self, folder: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Sessions")
        self.setModal(False)
        self.resize(900, 420)
        self.lines: list[SessionLine] = []
        self.words = PlainLabel("")
        self.table = QTableWidget(0, len(_HEADINGS))
        self.table.setHorizontalHeaderLabels(list(_HEADINGS))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setToolTip("A double click, or Enter, opens a session as a replay")
        rows, columns = self.table.verticalHeader(), self.table.horizontalHeader()
        assert rows is not None and columns is not None
        rows.setVisible(False)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        columns.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.other = QPushButton("Other folder…")
        self.other.setAutoDefault(False)
        line = QHBoxLayout()
        line.addWidget(self.words, stretch=1)
        line.addWidget(self.other)
        layout = QVBoxLayout(self)
        layout.addLayout(line)
        layout.addWidget(self.table)
        self.table.cellActivated.connect(self._choose)
        self.other.clicked.connect(self._ask_for_folder)
        self.look_into(folder)

    def look_into(self, folder: Path) -> None:
        """List the sessions of this folder."""
        self.words.setText(f"reading {folder} …")
        send(lambda: (folder, sessions_in(folder)), self, answered=self._show, failed=self.words.setText)

    def _show(self, found: tuple[Path, list[SessionLine]]) -> None:
        folder, self.lines = found
        self.words.setText(f"{len(self.lines)} session{'s' * (len(self.lines) != 1)} in {folder}")
        self.table.setRowCount(len(self.lines))
        for row, line in enumerate(self.lines):
            begun = line.created[:19].replace("T", " ")
            for column, text in enumerate(
                (begun, line.name, ", ".join(line.devices), str(line.runs), line.end)
            ):
                self.table.setItem(row, column, QTableWidgetItem(text))

    def _choose(self, row: int) -> None:
        self.chosen.emit(self.lines[row].path)

    def _ask_for_folder(self) -> None:
        dialogue = ask_for_path(self, "Sessions in which folder?", chosen=self.look_into)
        dialogue.setFileMode(QFileDialog.FileMode.Directory)
        dialogue.show()
