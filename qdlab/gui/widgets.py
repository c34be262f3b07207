"""Small widgets used everywhere: plain text, the red button, the frame that says what is real."""

import math
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Literal

from PyQt6.QtCore import QCoreApplication, QEvent, QObject, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from qdlab.gui.theme import Theme, ink_on
from qdlab.live.bench import ChipKind

TITLE_BAR = 32  # [pixel]; no title bar of a dialogue is higher

Mode = Literal["HARDWARE", "SIMULATION", "REPLAY"]


class PlainLabel(QLabel):
    """A label that never takes text from a file for markup."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)


def plain_tip(text: str) -> str:
    """A text for a tooltip, or a label of Qt's own, that shows it as it is.

    Qt would take some for markup, and open what they name.
    """
    lines = escape(text).replace("\n", "<br>")
    return f"<qt>{lines}</qt>" if text else ""


class ElidedLabel(PlainLabel):
    """One line that gives way where room is short; the whole of it is its tooltip then."""

    def minimumSizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance("OFF conf…"), super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        self.setToolTip("" if shown == self.text() else plain_tip(self.text()))
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, shown)


def ask_for_path(
    parent: QWidget, title: str, *, chosen: Callable[[Path], object], pattern: str = ""
) -> QFileDialog:
    """A dialogue for a file or folder, to be shown beside everything else; it blocks nothing."""
    dialogue = QFileDialog(parent, title, "", pattern)
    dialogue.setModal(False)
    dialogue.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialogue.fileSelected.connect(lambda name: chosen(Path(name)))
    return dialogue


def make_button(text: str, tip: str, act: Callable[[], object], *, key: str = "") -> QPushButton:
    """A button that Return in a field beside it does not press; one of a single sign is called by its tip."""
    made = QPushButton(text)
    made.setToolTip(tip)
    made.setAutoDefault(False)
    made.clicked.connect(lambda: act())
    if len(text) == 1:
        made.setFixedWidth(32)
        made.setAccessibleName(tip)
    if key:
        made.setShortcut(key)
    return made


def show_below(dialogue: QDialog, area: QWidget) -> None:
    """Show a dialogue over this area of its window and no higher: the red button stays to be seen."""
    top, room = area.mapToGlobal(area.rect().topLeft()), area.size()
    dialogue.resize(dialogue.size().boundedTo(room - QSize(0, TITLE_BAR)))
    dialogue.move(top.x() + (room.width() - dialogue.width()) // 2, top.y())
    dialogue.show()


class Question(QInputDialog):
    """Asks for a text beside everything else; while it cannot be taken, says why and stays open.

    Parameters
    ----------
    refusal : what is wrong with a text, in words; empty where it can be taken
    """

    def __init__(self, parent: QWidget, title: str, question: str, *, refusal: Callable[[str], str]) -> None:
        super().__init__(parent)
        self._question, self._refusal = question, refusal
        self.setWindowTitle(title)
        self.setLabelText(plain_tip(question))
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def accept(self) -> None:
        """Close with the text, unless something is wrong with it."""
        wrong = self._refusal(self.textValue())
        if wrong:
            self.setLabelText(plain_tip(f"{self._question}\n{wrong}"))
        else:
            super().accept()


def ask_for_range(
    parent: QWidget,
    question: str,
    present: tuple[float, float],
    *,
    chosen: Callable[[tuple[float, float]], object],
) -> Question:
    """Ask for two rising numbers above zero, beside everything else; anything else is not taken."""
    dialogue = Question(parent, "From and to", question, refusal=range_refusal)
    dialogue.setTextValue(f"{present[0]:.4g} to {present[1]:.4g}")

    def take(text: str) -> None:
        ends = read_range(text)
        if ends is not None:
            chosen(ends)

    dialogue.textValueSelected.connect(take)
    dialogue.show()
    return dialogue


def read_range(text: str) -> tuple[float, float] | None:
    """Two rising numbers above zero, apart by a space, a semicolon or the word to; None for anything else."""
    numbers = _numbers(text)
    return (numbers[0], numbers[1]) if not range_refusal(text) else None


def range_refusal(text: str) -> str:
    """What is wrong with a range that was typed, and the way out; empty where nothing is."""
    numbers = _numbers(text)
    if len(numbers) != 2 or not all(map(math.isfinite, numbers)):
        return f"{text.strip()!r} is not two numbers; write e.g. 0.6 to 1.8, without a unit"
    low, high = numbers
    if low <= 0:
        return f"{low:g} is not above zero; a logarithmic plot begins above it"
    if low >= high:
        return f"{low:g} to {high:g} does not rise; write the lower end first"
    return ""


def _numbers(text: str) -> list[float]:
    """The numbers of a text; none where anything else stands in it."""
    try:
        return [
            float(part)
            for part in text.replace("..", " ").replace(";", " ").replace("to", " ").replace(",", ".").split()
        ]
    except ValueError:
        return []


class EmergencyButton(QPushButton):
    """Everything off, now: one red button and F12, always enabled, also under a dialogue; it never asks."""

    pressed_now = pyqtSignal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("EMERGENCY OFF   F12", parent)
        self.setObjectName("emergency-off")
        self.setAccessibleName("Emergency off: every output off now")
        self.setToolTip("Every output off, now (F12). Nothing is asked first.")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumHeight(40)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setStyleSheet(
            f"QPushButton {{ background: {theme.emergency}; color: white; font-weight: bold;"
            " padding: 6px 22px; border: 2px solid #7d0b10; border-radius: 6px; }"
            "QPushButton:hover { border-color: white; } QPushButton:pressed { background: #7d0b10; }"
        )
        self.clicked.connect(self.pressed_now)
        application = QCoreApplication.instance()
        assert application is not None
        # a QShortcut is silenced by a modal dialogue; what the application itself sees is not
        application.installEventFilter(self)

    def let_go(self) -> None:
        """Stop listening to the application; called when the window closes for good."""
        application = QCoreApplication.instance()
        if application is not None:
            application.removeEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take every F12 of the application, whichever window has it; one press counts once."""
        if not isinstance(event, QKeyEvent) or event.key() != Qt.Key.Key_F12:
            return super().eventFilter(watched, event)
        if event.type() == QEvent.Type.KeyPress and not event.isAutoRepeat():
            self.pressed_now.emit()
        return True


def mode_colour(mode: Mode, theme: Theme) -> str:
    """The colour that goes with the word."""
    return {"HARDWARE": theme.hardware, "SIMULATION": theme.simulation, "REPLAY": theme.replay}[mode]


class ModeLabel(PlainLabel):
    """The word HARDWARE, SIMULATION or REPLAY on its colour."""

    def __init__(self, mode: Mode, theme: Theme) -> None:
        super().__init__(mode)
        colour = mode_colour(mode, theme)
        self.setStyleSheet(
            f"background: {colour}; color: {ink_on(colour)}; font-weight: bold; padding: 8px 14px;"
            " border-radius: 4px;"
        )


class ModeFrame(QFrame):
    """A coloured frame around everything, in the colour of the mode's word."""

    def __init__(self, mode: Mode, theme: Theme, content: QWidget) -> None:
        super().__init__()
        colour = mode_colour(mode, theme)
        self.setObjectName("mode-frame")
        self.setStyleSheet(f"#mode-frame {{ border: 3px solid {colour}; }}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(content)


def meaning_colour(kind: ChipKind, theme: Theme) -> str:
    """The colour that goes with one of four meanings."""
    return {"idle": theme.muted, "good": theme.good, "active": theme.active, "alarm": theme.alarm}[kind]


class Chip(QFrame):
    """One box of the bench: its name, and its state in a word and a colour; a click asks for more."""

    clicked = pyqtSignal()

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setObjectName("chip")
        self._name = PlainLabel(name)
        self._name.setStyleSheet("font-weight: bold;")
        self._state = ElidedLabel("no answer yet")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 3, 8, 3)
        layout.addWidget(self._name)
        layout.addWidget(self._state)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(name)
        self.show_state("no answer yet", "idle")

    def show_state(self, words: str, kind: ChipKind) -> None:
        """Show the state; `kind` chooses the colour of the same meaning."""
        colour = meaning_colour(kind, self._theme)
        self._state.setText(words)
        self._state.setStyleSheet(f"color: {colour};")
        self.setStyleSheet(f"#chip {{ border: 1px solid {colour}; border-radius: 5px; }}")

    @property
    def words(self) -> str:
        return self._state.text()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)
