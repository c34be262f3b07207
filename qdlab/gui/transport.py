"""The replay bar: play, pause, step, speed, and a line to scrub along."""

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSlider, QWidget

from qdlab.gui.widgets import PlainLabel

SPEEDS = ("0.5", "1", "2", "5", "10", "100", "max")
SLIDER_STEPS = 10_000


class TransportBar(QWidget):
    """What a person does to a replay; it knows nothing of sessions."""

    play_toggled = pyqtSignal(bool)
    step_requested = pyqtSignal()
    speed_chosen = pyqtSignal(float)
    sought = pyqtSignal(float)

    def __init__(self) -> None:
        super().__init__()
        self.play = QPushButton("Pause")
        self.play.setCheckable(True)
        self.play.setChecked(True)
        self.play.setToolTip("Play or pause (space)")
        self.step = QPushButton("Step")
        self.step.setToolTip("One row further (right arrow)")
        self.speed = QComboBox()
        self.speed.addItems(SPEEDS)
        self.speed.setCurrentText("100")
        self.speed.setToolTip("Recorded pace times this factor")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, SLIDER_STEPS)
        self.slider.setToolTip("Position in the session")
        self.position = PlainLabel("0 %")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 2)
        for widget in (self.play, self.step, PlainLabel("speed"), self.speed):
            layout.addWidget(widget)
        layout.addWidget(self.slider, stretch=1)
        layout.addWidget(self.position)
        self.play.toggled.connect(self._play_toggled)
        self.step.clicked.connect(self.step_requested)
        self.speed.currentTextChanged.connect(self._speed_changed)
        self.slider.sliderMoved.connect(lambda value: self.sought.emit(value / SLIDER_STEPS))
        for key, action in ((Qt.Key.Key_Space, self.play.toggle), (Qt.Key.Key_Right, self.step.click)):
            QShortcut(QKeySequence(key), self).activated.connect(action)

    def show_position(self, share: float, words: str) -> None:
        """Where the replay is: share of its rows [1], and the same in words."""
        if not self.slider.isSliderDown():
            self.slider.setValue(round(share * SLIDER_STEPS))
        self.position.setText(words)

    def _play_toggled(self, playing: bool) -> None:
        self.play.setText("Pause" if playing else "Play")
        self.play_toggled.emit(playing)

    def _speed_changed(self, text: str) -> None:
        self.speed_chosen.emit(float("inf") if text == "max" else float(text))
