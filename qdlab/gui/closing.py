"""Closing the window while a run goes on: asked once, remembered, and asked again only when wanted."""

from typing import Literal, get_args

from PyQt6.QtCore import QSettings, Qt, pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QMessageBox, QWidget

Closing = Literal["goes on", "ends"]
KEY = "run when the window closes"

_BUTTONS: dict[str, Closing | None] = {
    "Let it go on": "goes on",
    "End it safely": "ends",
    "Stay": None,
}


def remembered(settings: QSettings | None) -> Closing | None:
    """What a person wants to become of a run whose window closes; None where nobody has said so."""
    value = None if settings is None else settings.value(KEY)
    return next((known for known in get_args(Closing) if known == value), None)


def remember(settings: QSettings | None, closing: Closing | None) -> None:
    """Keep the answer for the next time; None to be asked again."""
    if settings is not None:
        settings.setValue(KEY, closing)


class ClosingQuestion(QMessageBox):
    """Asks what becomes of the run; `answered` carries the answer, and whether it stands from now on."""

    answered = pyqtSignal(str, bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(QMessageBox.Icon.Question, "The window closes", "", parent=parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText("A measurement is going on. What becomes of it when this window closes?")
        self.setInformativeText(
            "It needs no window: any window opened later shows it again, and plans behind it wait for that.\n"
            "Ended safely, the outputs go off now, and what was measured is kept."
        )
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.always = QCheckBox("From now on without asking")
        self.always.setToolTip("To be asked again: menu Run, “When the window closes…”")
        self.always.setChecked(True)
        self.setCheckBox(self.always)
        for words, closing in _BUTTONS.items():
            role = QMessageBox.ButtonRole.RejectRole if closing is None else QMessageBox.ButtonRole.AcceptRole
            button = self.addButton(words, role)
            if closing == "goes on":
                self.setDefaultButton(button)
        self.buttonClicked.connect(self._answer)

    def _answer(self) -> None:
        clicked = self.clickedButton()
        closing = None if clicked is None else _BUTTONS.get(clicked.text().replace("&", ""))
        if closing is not None:
            self.answered.emit(closing, self.always.isChecked())
