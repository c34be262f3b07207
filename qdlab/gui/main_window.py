"""The lab window: a frame that says what is real, the bench, the plots, the log, and the red button."""

from dataclasses import dataclass
from typing import Protocol

from PyQt6.QtCore import Qt, pyqtBoundSignal
from PyQt6.QtGui import QCloseEvent
from PyQt6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QStatusBar,
    QVBoxLayout,
    QWidget,
)

from qdlab.gui.panels.jv import JVPanel
from qdlab.gui.panels.log import LogPanel
from qdlab.gui.panels.tel import TELPanel
from qdlab.gui.panels.temperature import TemperaturePanel
from qdlab.gui.theme import Theme
from qdlab.gui.transport import TransportBar
from qdlab.gui.widgets import Chip, EmergencyButton, Mode, ModeFrame, PlainLabel
from qdlab.gui.worker import ScreenWorker
from qdlab.live.session import SessionScreen


class OffSwitch(Protocol):
    """Switches everything off without waiting; `told` emits one sentence per box."""

    @property
    def told(self) -> pyqtBoundSignal: ...

    def switch_off(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What the window shows: its name, what kind of thing it is, and how to switch everything off."""

    title: str
    mode: Mode
    worker: ScreenWorker
    boxes: tuple[str, ...]
    emergency: OffSwitch
    transport: TransportBar | None = None


class MainWindow(QMainWindow):
    """Draws frozen screens; sends off; owns no instrument."""

    def __init__(self, opened: Opened, theme: Theme) -> None:
        super().__init__()
        self._opened = opened
        self.setWindowTitle(f"qdlab: {opened.title}")
        self.resize(1366, 768)
        self.jv, self.tel = JVPanel(), TELPanel()
        self.temperature, self.log = TemperaturePanel(), LogPanel()
        self.emergency = EmergencyButton(theme)
        self.emergency.pressed_now.connect(opened.emergency.switch_off)
        opened.emergency.told.connect(self.show_off)
        self.chips = {name: Chip(name, theme) for name in opened.boxes}
        self.status = PlainLabel("")
        self.frame = ModeFrame(opened.mode, theme, self._central())
        self.bench_bar.insertWidget(0, self.frame.word)
        self.setCentralWidget(self.frame)
        self._add_dock("Light current", self.tel, Qt.DockWidgetArea.RightDockWidgetArea)
        self._add_dock("Temperature", self.temperature, Qt.DockWidgetArea.RightDockWidgetArea)
        self._add_dock("Log", self.log, Qt.DockWidgetArea.BottomDockWidgetArea)
        self.status_bar = QStatusBar()
        self.status_bar.addWidget(self.status, 1)
        self.setStatusBar(self.status_bar)
        opened.worker.screen_ready.connect(self.show_screen)
        opened.worker.failed.connect(self.show_failure)
        opened.worker.start()

    def _central(self) -> QWidget:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(6, 6, 6, 6)
        self.bench_bar = QHBoxLayout()
        for chip in self.chips.values():
            self.bench_bar.addWidget(chip)
        self.bench_bar.addStretch(1)
        self.bench_bar.addWidget(self.emergency)
        layout.addLayout(self.bench_bar)
        layout.addWidget(self.jv, stretch=1)
        if self._opened.transport is not None:
            layout.addWidget(self._opened.transport)
        return content

    def _add_dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> None:
        dock = QDockWidget(title, self)
        dock.setObjectName(f"dock-{title}")
        dock.setWidget(widget)
        self.addDockWidget(area, dock)

    def show_screen(self, screen: SessionScreen) -> None:
        """Draw the newest state of the session."""
        self.jv.show_screen(screen.jv)
        self.tel.show_screen(screen.tel)
        self.temperature.show_screen(screen.temperature)
        self.log.show_screen(screen.journal)
        self.status.setText(screen.status)

    def show_off(self, sentence: str) -> None:
        """One more thing the guardian said, in the status line and on the box's own chip."""
        self.status_bar.showMessage(f"EMERGENCY OFF: {sentence}")
        for name, chip in self.chips.items():
            if name in sentence:
                chip.show_state(sentence, "good" if "confirmed" in sentence else "alarm")

    def show_failure(self, text: str) -> None:
        """Say what went wrong on this side; the measurement is another process and goes on."""
        box = QMessageBox(QMessageBox.Icon.Warning, "qdlab", "", parent=self)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(text.splitlines()[0])
        box.setDetailedText(text)
        box.setModal(False)
        box.show()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        self._opened.worker.stop()
        super().closeEvent(event)
