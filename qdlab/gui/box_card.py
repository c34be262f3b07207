"""What a click on a box of the bench bar shows: identity, address, last error, and the way to safe."""

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFormLayout, QFrame, QPushButton, QWidget

from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel, meaning_colour
from qdlab.live.bench import BoxScreen


class BoxCard(QFrame):
    """A small card beside the chip; a click anywhere else closes it."""

    safe_wanted = pyqtSignal()

    def __init__(self, theme: Theme, box: BoxScreen, address: str, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        form = QFormLayout(self)
        self.rows: dict[str, PlainLabel] = {}
        for title, text in (
            ("Box", box.name),
            ("State", box.words),
            ("Identity", box.identity or "not known"),
            ("Address", address or "not known"),
            ("Last error", box.last_error or "none in this session"),
        ):
            label = PlainLabel(text)
            label.setWordWrap(True)
            label.setMinimumWidth(360)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self.rows[title] = label
            form.addRow(f"{title}:", label)
        self.rows["State"].setStyleSheet(f"color: {meaning_colour(box.kind, theme)}; font-weight: bold;")
        self.safe = QPushButton("Make the bench safe")
        self.safe.setToolTip(
            "Every output off now, in order, and the run ends; what was measured is kept.\n"
            "If the runner does not answer, use EMERGENCY OFF."
        )
        self.safe.clicked.connect(self.safe_wanted)
        self.safe.clicked.connect(self.close)
        form.addRow("", self.safe)

    def open_below(self, chip: QWidget) -> None:
        """Show it right below its chip."""
        self.move(chip.mapToGlobal(chip.rect().bottomLeft()))
        self.show()
