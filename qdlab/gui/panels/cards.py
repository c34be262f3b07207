"""Result cards: value with uncertainty, how it came about, verdict; a double click copies one as text."""

from collections.abc import Sequence

from PyQt6.QtGui import QColor, QGuiApplication
from PyQt6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from qdlab.gui.theme import Theme
from qdlab.live.picture import Card


class CardsPanel(QWidget):
    """A list of cards; the verdict's word stands on each, its colour is only a help."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._shown: tuple[Card, ...] = ()
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setSpacing(2)
        self.list.setToolTip("Double click copies a card as text")
        self.list.itemDoubleClicked.connect(self._copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.addWidget(self.list)

    def show_cards(self, cards: Sequence[Card]) -> None:
        """Draw the cards where they changed."""
        if tuple(cards) == self._shown:
            return
        self._shown = tuple(cards)
        self.list.clear()
        for card in cards:
            word = card.verdict.word.replace("_", " ")
            item = QListWidgetItem(f"{card.title}\n{card.value}   [{word}]\n{card.detail}")
            item.setForeground(QColor(self._theme.text if card.verdict.is_good else self._theme.active))
            item.setToolTip(card.verdict.advice or word)
            self.list.addItem(item)

    def _copy(self, item: QListWidgetItem) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self._shown[self.list.row(item)].text)
