"""The run bar: what is going on, how far it is, stop, abort, and what the operator is asked to do."""

from collections.abc import Mapping
from typing import Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel


class RunBar(QWidget):
    """Shows progress and takes orders; it knows no runner."""

    plan_wanted = pyqtSignal()
    build_wanted = pyqtSignal()
    commanded = pyqtSignal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.words = PlainLabel("no run yet: choose a plan")
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setFormat("%p %")
        self.remaining = PlainLabel("")
        self.run_plan = QPushButton("Run a plan…")
        self.run_plan.setToolTip("Choose a plan file and have it executed (Ctrl+R)")
        self.build_plan = QPushButton("Build a plan…")
        self.build_plan.setToolTip("Fill in a form and have it executed (Ctrl+B)")
        self.stop = QPushButton("Stop after point")
        self.stop.setToolTip("End safely once the present point is recorded")
        self.abort = QPushButton("Abort")
        self.abort.setToolTip("End safely now")
        self.prompt = PlainLabel("")
        self.prompt.setWordWrap(True)
        self.prompt.setStyleSheet(f"color: {theme.active}; font-weight: bold;")
        self.done = QPushButton("Done")
        self.done.setToolTip("What was asked for is done; the run goes on")
        line = QHBoxLayout()
        for widget in (self.run_plan, self.build_plan, self.stop, self.abort, self.progress, self.remaining):
            line.addWidget(widget, stretch=1 if widget is self.progress else 0)
        asked = QHBoxLayout()
        asked.addWidget(self.prompt, stretch=1)
        asked.addWidget(self.done)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 2)
        layout.addWidget(self.words)
        layout.addLayout(line)
        layout.addLayout(asked)
        self.run_plan.clicked.connect(self.plan_wanted)
        self.build_plan.clicked.connect(self.build_wanted)
        self.stop.clicked.connect(lambda: self.commanded.emit("stop"))
        self.abort.clicked.connect(lambda: self.commanded.emit("abort"))
        self.done.clicked.connect(lambda: self.commanded.emit("answer"))
        self.show_idle("no run yet: choose a plan")

    def show_idle(self, words: str) -> None:
        """Nothing is going on."""
        self.words.setText(words)
        self.remaining.setText("")
        self.run_plan.setEnabled(True)
        self.stop.setEnabled(False)
        self.abort.setEnabled(False)
        self._ask(None)

    def show_progress(self, progress: Mapping[str, Any]) -> None:
        """Where the plan is, as the runner tells it."""
        self.words.setText(f"{progress['step']}: {progress['state']}")
        self.progress.setValue(round(1000 * float(progress["share"])))
        self.remaining.setText(f"about {_duration(float(progress['remaining']))} to go")
        self.run_plan.setEnabled(False)
        self.stop.setEnabled(True)
        self.abort.setEnabled(True)
        self._ask(progress.get("prompt"))

    @property
    def is_busy(self) -> bool:
        """Whether a plan is being executed."""
        return self.abort.isEnabled()

    def _ask(self, prompt: Mapping[str, Any] | None) -> None:
        self.prompt.setText("" if prompt is None else str(prompt["text"]))
        self.prompt.setVisible(prompt is not None)
        self.done.setVisible(prompt is not None)


def _duration(seconds: float) -> str:
    minutes = max(0, round(seconds / 60))
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
