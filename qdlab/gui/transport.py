"""The replay bar: play, pause, step, speed, and a line to scrub along with marks on it."""

from collections.abc import Sequence

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QVBoxLayout,
    QWidget,
)

from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel, plain_tip
from qdlab.live.marks import Mark

SPEEDS = ("0.5", "1", "2", "5", "10", "100", "max")
SLIDER_STEPS = 10_000
NEAR = 6  # [pixel] between the pointer and the mark it means


class TransportBar(QWidget):
    """What a person does to a replay; it knows nothing of sessions."""

    play_toggled = pyqtSignal(bool)
    step_requested = pyqtSignal(int)
    speed_chosen = pyqtSignal(float)
    sought = pyqtSignal(float)

    def __init__(self, theme: Theme, marks: Sequence[Mark] = ()) -> None:
        super().__init__()
        self.play = QPushButton("Pause")
        self.play.setCheckable(True)
        self.play.setChecked(True)
        self.play.setToolTip("Play or pause (space); at the end, from the beginning")
        self.back = _button("◀ Step", "One event back (left arrow)")
        self.step = _button("Step ▶", "One event further (right arrow)")
        self.end = _button("End", "To the last event recorded (End)")
        self.speed = QComboBox()
        self.speed.addItems(SPEEDS)
        self.speed.setCurrentText("100")
        self.speed.setToolTip("Recorded pace times this factor (Ctrl+Up, Ctrl+Down)")
        self.speed.setAccessibleName("Speed of the replay")
        self.speed.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, SLIDER_STEPS)
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.slider.setToolTip("Position in the session (arrow keys, Home, End)")
        self.slider.setAccessibleName("Position in the session")
        self.marks = MarkStrip(theme, self.slider, marks)
        self.position = PlainLabel("0 %")
        line = QVBoxLayout()
        line.setSpacing(0)
        line.addWidget(self.marks)
        line.addWidget(self.slider)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 2)
        for widget in (self.play, self.back, self.step, self.end, PlainLabel("speed ×"), self.speed):
            layout.addWidget(widget)
        layout.addLayout(line, stretch=1)
        layout.addWidget(self.position)
        self.play.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.play.toggled.connect(self._play_toggled)
        self.back.clicked.connect(lambda: self.go_step(-1))
        self.step.clicked.connect(lambda: self.go_step(1))
        self.end.clicked.connect(lambda: self.sought.emit(1.0))
        self.speed.currentTextChanged.connect(self._speed_changed)
        self.slider.valueChanged.connect(self._slid)
        self.marks.chosen.connect(self.sought)

    def show_position(self, share: float, words: str) -> None:
        """Where the replay is: share of its events [1], and the same in words."""
        if not self.slider.isSliderDown():
            with QSignalBlocker(self.slider):
                self.slider.setValue(round(share * SLIDER_STEPS))
        self.position.setText(words)

    def go_step(self, count: int) -> None:
        """Pause, and go on by some events, or back by a negative number of them."""
        self.play.setChecked(False)
        self.step_requested.emit(count)

    def change_speed(self, by: int) -> None:
        """Some steps faster, or slower."""
        self.speed.setCurrentIndex(min(max(self.speed.currentIndex() + by, 0), self.speed.count() - 1))

    def _play_toggled(self, playing: bool) -> None:
        self.play.setText("Pause" if playing else "Play")
        self.play_toggled.emit(playing)

    def _slid(self, value: int) -> None:
        self.sought.emit(value / SLIDER_STEPS)

    def _speed_changed(self, text: str) -> None:
        self.speed_chosen.emit(float("inf") if text == "max" else float(text))


class MarkStrip(QWidget):
    """Marks above a slider: ▾ where a run began, ! for a warning or an error, ◆ for a note."""

    chosen = pyqtSignal(float)

    def __init__(self, theme: Theme, slider: QSlider, marks: Sequence[Mark]) -> None:
        super().__init__()
        self._slider, self._marks = slider, tuple(marks)
        self._colours = {
            "run": theme.muted,
            "warning": theme.active,
            "error": theme.alarm,
            "note": theme.accent,
        }
        self.setFixedHeight(14)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        for mark in self._marks:
            painter.setPen(QColor(self._colours[mark.kind]))
            x = round(self._place(mark.share))
            painter.drawText(x - 8, 0, 16, 14, Qt.AlignmentFlag.AlignCenter, mark.sign)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        mark = None if event is None else self._nearest(event.position().x())
        self.setToolTip("" if mark is None else plain_tip(mark.text))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        mark = None if event is None else self._nearest(event.position().x())
        if mark is not None:
            self.chosen.emit(mark.share)

    def _nearest(self, x: float) -> Mark | None:
        near = [mark for mark in self._marks if abs(self._place(mark.share) - x) <= NEAR]
        return min(near, key=lambda mark: abs(self._place(mark.share) - x), default=None)

    def _place(self, share: float) -> float:
        """Where the slider's handle would be at this share [pixel]."""
        option = QStyleOptionSlider()
        option.initFrom(self._slider)
        style = self._slider.style()
        assert style is not None
        handle = style.pixelMetric(QStyle.PixelMetric.PM_SliderLength, option, self._slider)
        return handle / 2 + share * (self.width() - handle)


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button
