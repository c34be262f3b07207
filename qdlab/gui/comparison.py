"""Sessions side by side: their sweeps in one plot, their results in one table."""

from collections.abc import Sequence
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QGuiApplication
from PyQt6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from qdlab.gui.away import away
from qdlab.gui.errands import send
from qdlab.gui.panels.jv import JVPanel
from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel, plain_tip
from qdlab.live.compare import Comparison, compare_recorded
from qdlab.live.picture import LISTED_SWEEPS
from qdlab.live.pictures.cards import Card


class ComparisonWindow(QDialog):
    """Beside the window; the sessions are read and fitted in a process of their own."""

    def __init__(self, paths: Sequence[Path], theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Sessions side by side")
        self.setModal(False)
        self.resize(1200, 680)
        self._theme = theme
        self._comparison: Comparison | None = None
        self.words = PlainLabel(f"reading {len(paths)} sessions …")
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setMaximumWidth(160)
        self.copy = QPushButton("Copy table")
        self.copy.setToolTip("The table as text, tabs between columns")
        self.copy.setAutoDefault(False)
        self.copy.clicked.connect(self.copy_text)
        self.jv = JVPanel(theme, recordable=False, newest=LISTED_SWEEPS)
        self.jv.by_temperature.setChecked(False)
        self.table = QTableWidget(0, 0)
        self.table.setAccessibleName("Results side by side")
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        head = QHBoxLayout()
        head.addWidget(self.words, stretch=1)
        head.addWidget(self.busy)
        head.addWidget(self.copy)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.addWidget(self.jv)
        parts.addWidget(self.table)
        parts.setSizes([430, 220])
        layout = QVBoxLayout(self)
        layout.addLayout(head)
        layout.addWidget(parts, stretch=1)
        if paths:
            send(lambda: away(compare_recorded, list(paths)), self, answered=self._show, failed=self._fail)

    def _show(self, comparison: Comparison) -> None:
        self.busy.hide()
        self._comparison = comparison
        sweeps = len(comparison.traces)
        self.words.setText(f"{len(comparison.names)} sessions, {sweeps} sweeps; one colour a session")
        self.jv.show_traces(comparison.traces)
        self.table.setColumnCount(len(comparison.names))
        self.table.setRowCount(len(comparison.lines))
        self.table.setHorizontalHeaderLabels(list(comparison.names))
        self.table.setVerticalHeaderLabels([line.title for line in comparison.lines])
        columns = self.table.horizontalHeader()
        assert columns is not None
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for row, line in enumerate(comparison.lines):
            for column, card in enumerate(line.cards):
                self.table.setItem(row, column, self._cell(card))

    def _cell(self, card: Card | None) -> QTableWidgetItem:
        if card is None:
            return QTableWidgetItem("-")
        item = QTableWidgetItem(f"{card.value}   [{card.verdict.word.replace('_', ' ')}]")
        item.setForeground(QColor(self._theme.text if card.verdict.is_good else self._theme.active))
        item.setToolTip(plain_tip(f"{card.detail}\n{card.verdict.advice}"))
        return item

    def _fail(self, sentence: str) -> None:
        self.busy.hide()
        self.words.setText(sentence)

    def copy_text(self) -> None:
        """The table as text: one line a result, tabs between sessions."""
        clipboard, found = QGuiApplication.clipboard(), self._comparison
        if clipboard is None or found is None:
            return
        lines = ["\t".join(["", *found.names])]
        for line in found.lines:
            values = [card.value if card is not None else "-" for card in line.cards]
            lines.append("\t".join([line.title, *values]))
        clipboard.setText("\n".join(lines))
