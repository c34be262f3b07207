"""The run bar: what is going on, how far it is, pause, stop, abort, note and report."""

from collections.abc import Mapping
from typing import Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from qdlab.durations import format_duration
from qdlab.gui.widgets import PlainLabel

IDLE = "No run yet: put a plan into the queue, then Start…"


class RunBar(QWidget):
    """Shows progress and takes orders; it knows no runner."""

    commanded = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.words = PlainLabel("")
        self.words.setStyleSheet("font-weight: bold;")
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setFormat("%p %")
        self.remaining = PlainLabel("")
        self.pause = QPushButton("Pause")
        self.pause.setCheckable(True)
        self.pause.setToolTip("Hold before the next measurement, outputs off; again to go on (Ctrl+,)")
        self.stop = QPushButton("Stop after point")
        self.stop.setToolTip("End safely once the present point is recorded (Ctrl+.)")
        self.abort = QPushButton("Abort")
        self.abort.setToolTip("End safely now (Ctrl+Shift+.)")
        self.note = QPushButton("Note…")
        self.note.setToolTip("Write a line into the journal of the session shown (Ctrl+N)")
        self.report = QPushButton("Report…")
        self.report.setToolTip("Analyse the session shown and open its report (Ctrl+P)")
        line = QHBoxLayout()
        for widget in (
            self.pause,
            self.stop,
            self.abort,
            self.progress,
            self.remaining,
            self.note,
            self.report,
        ):
            line.addWidget(widget, stretch=1 if widget is self.progress else 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 2)
        layout.addWidget(self.words)
        layout.addLayout(line)
        self.pause.clicked.connect(lambda held: self.commanded.emit("pause" if held else "go_on"))
        self.stop.clicked.connect(lambda: self.commanded.emit("stop"))
        self.abort.clicked.connect(lambda: self.commanded.emit("abort"))
        self.show_idle(IDLE)

    def show_idle(self, words: str, *, finished: bool = False) -> None:
        """Nothing is going on; the bar is full where it has finished, else stays as far as it got."""
        self.words.setText(words)
        self.remaining.setText("")
        if finished:
            self.progress.setValue(self.progress.maximum())
        self.pause.setChecked(False)
        self._enable(False)

    def show_progress(self, progress: Mapping[str, Any]) -> None:
        """Where the plan is, as the runner tells it."""
        step = str(progress["step"])
        self.words.setText(f"{step}: {progress['state']}" if step else str(progress["state"]))
        self.progress.setValue(round(1000 * float(progress["share"])))
        left = float(progress["remaining"])
        self.remaining.setText(
            f"about {format_duration(left)} to go" if left else "takes longer than estimated"
        )
        self._enable(True)

    @property
    def is_busy(self) -> bool:
        """Whether a plan is being executed."""
        return self.abort.isEnabled()

    def _enable(self, busy: bool) -> None:
        for button in (self.pause, self.stop, self.abort):
            button.setEnabled(busy)
