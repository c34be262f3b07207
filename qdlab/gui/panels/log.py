"""The journal, newest at the bottom, as plain text; filtered by kind and by words."""

from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from qdlab.events import JournalEntry
from qdlab.gui.theme import Theme
from qdlab.gui.widgets import meaning_colour, plain_tip
from qdlab.live.growing import Growing
from qdlab.live.log_lines import CHOICES, KINDS, LogFilter, line_of

SHOWN_ENTRIES = 2000


class LogPanel(QWidget):
    """Draws the journal of a session; entries are appended, and drawn anew only when the filter changes."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._filter = LogFilter()
        self._journal: Growing[JournalEntry] = Growing()
        self.kinds, self.words = QComboBox(), QLineEdit()
        self.kinds.addItems(list(CHOICES))
        self.kinds.setAccessibleName("Kinds of entries")
        self.words.setAccessibleName("Words to look for")
        self.kinds.setToolTip("Which kinds of entries are shown")
        self.words.setPlaceholderText("only lines with these words")
        self.words.setToolTip("All of these words, in any order; capitals make no difference (Ctrl+F)")
        self.words.setClearButtonEnabled(True)
        self.list = QListWidget()
        self.list.setUniformItemSizes(True)
        self.list.setWordWrap(False)
        self.list.setAccessibleName("Journal")
        self.list.setToolTip("The session's journal, the newest below; UTC, kind, words")
        line = QHBoxLayout()
        line.addWidget(self.kinds)
        line.addWidget(self.words, stretch=1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(line)
        layout.addWidget(self.list)
        self.kinds.currentTextChanged.connect(self._filter_changed)
        self.words.textChanged.connect(self._filter_changed)

    def say(self, text: str) -> None:
        """A line of the window's own; the next redraw after a seek backwards drops it."""
        self.list.addItem(text)
        self.list.scrollToBottom()

    def show_screen(self, journal: Growing[JournalEntry]) -> None:
        """Append what is new; start over where this does not go on from there (a seek, another session)."""
        earlier, self._journal = self._journal, journal
        known = len(earlier)
        if known and (len(journal) < known or journal[known - 1] != earlier[-1]):
            self._show_all()
        elif len(journal) > known:
            self._append(journal[known:])

    def _filter_changed(self) -> None:
        self._filter = LogFilter(choice=self.kinds.currentText(), words=self.words.text())
        self._show_all()

    def _show_all(self) -> None:
        self.list.clear()
        self._append(self._journal[:])

    def _append(self, entries: list[JournalEntry]) -> None:
        for entry in [entry for entry in entries if self._filter.takes(entry)][-SHOWN_ENTRIES:]:
            item = QListWidgetItem(line_of(entry), self.list)
            item.setToolTip(plain_tip(entry.text))
            if entry.level in KINDS:
                item.setForeground(QColor(meaning_colour(KINDS[entry.level], self._theme)))
        while self.list.count() > SHOWN_ENTRIES:
            self.list.takeItem(0)
        self.list.scrollToBottom()
