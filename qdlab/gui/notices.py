"""Cards that ask or tell something and wait beside everything else: no dialogue, nothing is blocked."""

from collections.abc import Callable, Mapping

from PyQt6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout

from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel


class NoticeCard(QFrame):
    """A title, a sentence, and what can be done about it; hidden while there is nothing to say.

    Parameters
    ----------
    colour : of its frame and title, the one with the meaning of what it says
    actions : words of each button -> tooltip; `on` says what it does
    """

    def __init__(self, colour: str, actions: Mapping[str, str]) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setStyleSheet(f"#notice {{ border: 2px solid {colour}; border-radius: 6px; }}")
        self.title, self.words = PlainLabel(""), PlainLabel("")
        self.title.setStyleSheet(f"color: {colour}; font-weight: bold;")
        self.words.setStyleSheet("font-size: 15px;")
        self.words.setWordWrap(True)
        self.buttons: dict[str, QPushButton] = {}
        text = QVBoxLayout()
        text.setSpacing(2)
        text.addWidget(self.title)
        text.addWidget(self.words)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 6)
        layout.addLayout(text, stretch=1)
        for words, tip in actions.items():
            self.buttons[words] = QPushButton(words)
            self.buttons[words].setToolTip(tip)
            layout.addWidget(self.buttons[words])
        self.hide()

    def on(self, words: str, act: Callable[[], object]) -> None:
        """What the button of these words does."""
        self.buttons[words].clicked.connect(lambda: act())

    def say(self, title: str, words: str) -> None:
        """Show the card; without words it goes away."""
        self.title.setText(title)
        self.words.setText(words)
        self.setVisible(bool(words))


def prompt_card(theme: Theme) -> NoticeCard:
    """The operator is asked to do something; the run waits with everything off."""
    return NoticeCard(theme.active, {"Continue": "It is done; the run goes on (Ctrl+Return)"})


def resume_card(theme: Theme) -> NoticeCard:
    """A session that did not finish could go on."""
    actions = {
        "Resume": "Measure what is missing, into the same session",
        "Show it": "Open the session in a window of its own",
        "Not now": "Leave it as it is; it can be resumed later from the list of sessions",
    }
    return NoticeCard(theme.accent, actions)


def trip_card(theme: Theme) -> NoticeCard:
    """An interlock tripped."""
    return NoticeCard(theme.alarm, {"Seen": "I have seen this; the card goes away, the journal keeps it"})
