"""The journal, newest at the bottom, as plain text."""

from PyQt6.QtWidgets import QListWidget, QVBoxLayout, QWidget

from qdlab.events import JournalEntry
from qdlab.live.growing import Growing

SHOWN_ENTRIES = 2000


class LogPanel(QWidget):
    """Draws the journal of a session; entries are appended, never redrawn."""

    def __init__(self) -> None:
        super().__init__()
        self.list = QListWidget()
        self.list.setUniformItemSizes(True)
        self.list.setWordWrap(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list)
        self._shown = 0

    def say(self, text: str) -> None:
        """A line of the window's own; the next redraw after a seek backwards drops it."""
        self.list.addItem(text)
        self.list.scrollToBottom()

    def show_screen(self, journal: Growing[JournalEntry]) -> None:
        """Append what is new; start over where the journal got shorter (a seek backwards)."""
        if len(journal) < self._shown:
            self.list.clear()
            self._shown = 0
        for entry in journal[self._shown :]:
            self.list.addItem(f"{entry.utc[11:19]}  {entry.level:<8} {entry.text}")
        self._shown = len(journal)
        while self.list.count() > SHOWN_ENTRIES:
            self.list.takeItem(0)
        self.list.scrollToBottom()
