"""Result cards: value with uncertainty, how it came about, verdict; a click shows the points behind one."""

from collections.abc import Sequence

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QGuiApplication, QKeySequence, QShortcut
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel, plain_tip
from qdlab.live.pictures.cards import Card


class CardsPanel(QWidget):
    """A list of cards; the verdict's word stands on each, its colour is only a help."""

    wanted = pyqtSignal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._shown: tuple[Card, ...] = ()
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setSpacing(2)
        self.list.setAccessibleName("Results")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setToolTip("A click, or Enter, shows the points behind a result")
        self.list.itemClicked.connect(self._want)
        self.list.itemActivated.connect(self._want)
        self.copy = QPushButton("Copy as text")
        self.copy.setToolTip("The chosen cards, or all of them, onto the clipboard (Ctrl+C in the list)")
        self.copy.clicked.connect(self.copy_text)
        self.count = PlainLabel("no result yet")
        QShortcut(QKeySequence.StandardKey.Copy, self.list, self.copy_text).setContext(
            Qt.ShortcutContext.WidgetShortcut
        )
        foot = QHBoxLayout()
        foot.addWidget(self.count, stretch=1)
        foot.addWidget(self.copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.setSpacing(2)
        layout.addWidget(self.list, stretch=1)
        layout.addLayout(foot)

    def show_cards(self, cards: Sequence[Card]) -> None:
        """Draw the cards where they changed; what was chosen stays chosen."""
        if tuple(cards) == self._shown:
            return
        chosen = {(card.title, card.key) for card in self._chosen()}
        self._shown = tuple(cards)
        with QSignalBlocker(self.list):
            while self.list.count() > len(cards):
                self.list.takeItem(self.list.count() - 1)
            while self.list.count() < len(cards):
                self.list.addItem(QListWidgetItem())
            for number, card in enumerate(cards):
                self._fill(number, card, (card.title, card.key) in chosen)
        good = sum(card.verdict.is_good for card in cards)
        self.count.setText(f"{len(cards)} results, {good} good" if cards else "no result yet")

    def _fill(self, number: int, card: Card, chosen: bool) -> None:
        item = self.list.item(number)
        assert item is not None
        word = card.verdict.word.replace("_", " ")
        item.setText(f"{card.title}\n{card.value}   [{word}]\n{card.detail}")
        item.setForeground(QColor(self._theme.text if card.verdict.is_good else self._theme.active))
        item.setToolTip(plain_tip(card.verdict.advice or word))
        item.setSelected(chosen)

    def _chosen(self) -> list[Card]:
        rows = sorted(self.list.row(item) for item in self.list.selectedItems())
        return [self._shown[row] for row in rows]

    def _want(self, item: QListWidgetItem) -> None:
        self.wanted.emit(self._shown[self.list.row(item)])

    def copy_text(self) -> None:
        """The chosen cards as lines of text, or all where none is chosen."""
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText("\n".join(card.text for card in self._chosen() or self._shown))
