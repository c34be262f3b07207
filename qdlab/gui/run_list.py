"""The runs of a plot as its legend: a tick draws one, a click chooses one."""

from collections.abc import Sequence
from dataclasses import dataclass

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QIcon, QPixmap
from PyQt6.QtWidgets import QListWidget, QListWidgetItem

from qdlab.gui.widgets import plain_tip

_KEY = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One run: what it is known by, its name, its colour, and what to tell of it."""

    key: object
    label: str
    colour: str
    tip: str = ""


class RunList(QListWidget):
    """Draws what is ticked, and nothing that a person has not seen: the newest few, until ticks are changed.

    Parameters
    ----------
    newest : so many are ticked by themselves
    """

    ticked_changed = pyqtSignal()
    chosen_changed = pyqtSignal()

    def __init__(self, name: str, *, newest: int) -> None:
        super().__init__()
        self.newest = newest
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._by_hand: dict[object, bool] = {}
        self.setAccessibleName(name)
        self.setToolTip(f"{name}: a tick (Space) draws one, a click chooses it")
        self.itemChanged.connect(self._tick_changed)
        self.currentItemChanged.connect(lambda: self.chosen_changed.emit())

    def show_runs(self, runs: Sequence[Listed]) -> None:
        """List other runs; what was ticked or chosen by hand stays so."""
        chosen = self.chosen
        with QSignalBlocker(self):
            while self.count() > len(runs):
                self.takeItem(self.count() - 1)
            while self.count() < len(runs):
                self.addItem(QListWidgetItem())
            for number, run in enumerate(runs):
                self._fill(self._at(number), run, number >= len(runs) - self.newest)
            self.setCurrentRow(next((n for n, run in enumerate(runs) if run.key == chosen), -1))

    def _at(self, number: int) -> QListWidgetItem:
        item = self.item(number)
        assert item is not None
        return item

    def _fill(self, item: QListWidgetItem, run: Listed, is_new: bool) -> None:
        if item.text() != run.label:
            item.setText(run.label)
        if item.data(_KEY) != (run.key, run.colour):
            item.setData(_KEY, (run.key, run.colour))
            swatch = QPixmap(10, 10)
            swatch.fill(QColor(run.colour))
            item.setIcon(QIcon(swatch))
        item.setToolTip(plain_tip(run.tip))
        ticked = self._by_hand.get(run.key, is_new)
        item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)

    def choose(self, key: object) -> None:
        """Choose one, and draw it."""
        for number in range(self.count()):
            item = self._at(number)
            if item.data(_KEY)[0] == key:
                item.setCheckState(Qt.CheckState.Checked)
                self.setCurrentItem(item)

    @property
    def chosen(self) -> object:
        """What was clicked; None before the first click."""
        item = self.currentItem()
        return None if item is None else item.data(_KEY)[0]

    @property
    def ticked(self) -> set[object]:
        """What is to be drawn."""
        items = [self._at(number) for number in range(self.count())]
        return {item.data(_KEY)[0] for item in items if item.checkState() == Qt.CheckState.Checked}

    def _tick_changed(self, item: QListWidgetItem) -> None:
        self._by_hand[item.data(_KEY)[0]] = item.checkState() == Qt.CheckState.Checked
        self.ticked_changed.emit()
