"""The interlock bar: one word per interlock, in the colour of the same meaning."""

from PyQt6.QtWidgets import QHBoxLayout, QWidget

from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel, meaning_colour
from qdlab.live.interlocks import InterlockItem, InterlockScreen


class InterlockBar(QWidget):
    """Envelope, heartbeat, disk, temperature, sleep."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.words: dict[str, PlainLabel] = {}
        self._shown: dict[str, InterlockItem] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(6, 0, 6, 0)
        self._row.setSpacing(6)
        self._row.addStretch(1)

    def show_screen(self, screen: InterlockScreen) -> None:
        """Say how each interlock is."""
        for item in screen.items:
            if self._shown.get(item.name) == item:
                continue
            self._shown[item.name] = item
            if item.name not in self.words:
                self._add(item)
            label = self.words[item.name]
            label.setText(item.words)
            label.setToolTip(item.hint)
            weight = "bold" if item.kind == "alarm" else "normal"
            label.setStyleSheet(f"color: {meaning_colour(item.kind, self._theme)}; font-weight: {weight};")

    def _add(self, item: InterlockItem) -> None:
        title = PlainLabel(item.title)
        title.setStyleSheet(f"color: {self._theme.muted};")
        title.setToolTip(item.hint)
        self.words[item.name] = PlainLabel("")
        at = self._row.count() - 1
        self._row.insertWidget(at, title)
        self._row.insertWidget(at + 1, self.words[item.name])
        self._row.insertSpacing(at + 2, 14)
