"""Report and exports of a session: what to write, where to, and how far it is."""

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import Qt, QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from qdlab.export import FOLDER, export_recorded
from qdlab.gui.away import Work, write_report, write_whole
from qdlab.gui.errands import send
from qdlab.gui.widgets import PlainLabel, ask_for_path

REPORT = "report.html"
_KINDS = {
    REPORT: "Report: one page with figures, tables and warnings (HTML)",
    "origin": "Origin and spreadsheets: one CSV a run",
    "pymeasure": "PyMeasure: one CSV a run",
    "session.nxs": "NeXus: one HDF5 file",
    "table.csv": "pandas and R: one table (CSV)",
    "table.parquet": "pandas, DuckDB, Polars: one table (Parquet)",
}


class ExportDialogue(QDialog):
    """Stands beside the window; what is ticked is written one after the other, in a process of its own."""

    def __init__(self, session: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Report and export: {session.name}")
        self.setModal(False)
        self.resize(620, 330)
        self._session = session
        self._waiting: list[str] = []
        self._written: list[Path] = []
        self._work = Work()
        self.kinds = {name: QCheckBox(words) for name, words in _KINDS.items()}
        for name, box in self.kinds.items():
            box.setToolTip(f"Write {name} into the folder below")
        self.kinds[REPORT].setChecked(True)
        self.decimal_comma = QCheckBox("decimal comma in the CSV files")
        self.decimal_comma.setToolTip("Numbers as 1,5 with semicolons between columns (Origin, CSV table)")
        self.folder = QLineEdit(str(session / FOLDER))
        self.folder.setAccessibleName("Folder to write into")
        self.folder.setToolTip("It is made where it is not there; files of the same name are written anew")
        self.other = QPushButton("Other folder…")
        self.other.setAutoDefault(False)
        self.other.setToolTip("Choose the folder to write into")
        self.other.clicked.connect(self._ask_for_folder)
        self.progress = QProgressBar()
        self.progress.setValue(0)
        self.words = PlainLabel("")
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.write = QPushButton("Write")
        self.write.setDefault(True)
        self.write.setToolTip("Write what is ticked, one after the other (Enter)")
        self.write.clicked.connect(self.begin)
        self.give_up = QPushButton("Cancel")
        self.give_up.setToolTip("Stop writing; what is not whole yet is left out, earlier files stay")
        self.give_up.setAutoDefault(False)
        self.give_up.setEnabled(False)
        self.give_up.clicked.connect(self.give_up_writing)
        self.show_folder = QPushButton("Show the folder")
        self.show_folder.setAutoDefault(False)
        self.show_folder.setToolTip("Open the folder in the system's file manager")
        self.show_folder.clicked.connect(self._open_folder)
        self._lay_out()

    def _lay_out(self) -> None:
        where, foot = QHBoxLayout(), QHBoxLayout()
        where.addWidget(PlainLabel("into"))
        where.addWidget(self.folder, stretch=1)
        where.addWidget(self.other)
        foot.addWidget(self.progress, stretch=1)
        foot.addWidget(self.show_folder)
        foot.addWidget(self.give_up)
        foot.addWidget(self.write)
        layout = QVBoxLayout(self)
        for box in (*self.kinds.values(), self.decimal_comma):
            layout.addWidget(box)
        layout.addLayout(where)
        layout.addLayout(foot)
        layout.addWidget(self.words, stretch=1)

    def begin(self) -> None:
        """Write what is ticked."""
        self._waiting = [name for name, box in self.kinds.items() if box.isChecked()]
        self._written = []
        self.progress.setRange(0, max(len(self._waiting), 1))
        self.progress.setValue(0)
        if not self._waiting or not self.folder.text().strip():
            self.words.setText("name a folder to write into" if self._waiting else "nothing is ticked")
            return
        self._work = Work()
        self._let_choose(False)
        self._next()

    def _let_choose(self, choosing: bool) -> None:
        """While something is written, what and where to is settled."""
        for widget in (*self.kinds.values(), self.decimal_comma, self.folder, self.other, self.write):
            widget.setEnabled(choosing)
        self.give_up.setEnabled(not choosing)

    def give_up_writing(self) -> None:
        """Write no more; what was written before stays."""
        self._work.give_up()

    def _next(self) -> None:
        if not self._waiting:
            self._let_choose(True)
            files = len(self._written)
            self.words.setText(f"{files} file{'s' * (files != 1)} written into {self.folder.text()}")
            return
        name = self._waiting.pop(0)
        self.words.setText(f"writing {name} …")
        send(self._job(name), self, answered=self._done, failed=self._fail)

    def _job(self, name: str) -> Callable[[], list[Path]]:
        session, file, work = self._session, Path(self.folder.text()) / name, self._work
        if name == REPORT:
            return lambda: write_whole(work, write_report, session, file)
        with_comma = self.decimal_comma.isChecked() and name in ("origin", "table.csv")
        return lambda: write_whole(work, export_recorded, session, file, with_comma)

    def _done(self, written: list[Path]) -> None:
        self._written += written
        self.progress.setValue(self.progress.value() + 1)
        self._next()

    def _fail(self, sentence: str) -> None:
        """Nothing more is written; what was written before is there."""
        self._waiting = []
        self._let_choose(True)
        before = f"; {len(self._written)} written before" if self._written else ""
        self.words.setText(f"not written: {sentence}{before}")

    def _ask_for_folder(self) -> None:
        dialogue = ask_for_path(
            self, "Write into which folder?", chosen=lambda path: self.folder.setText(str(path))
        )
        dialogue.setFileMode(QFileDialog.FileMode.Directory)
        dialogue.show()

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self.folder.text()))
