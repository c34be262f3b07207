"""Open the window: on a recorded session, or on a bench whose runner it follows."""

import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

from PyQt6.QtCore import QLocale, QObject, pyqtSignal
from PyQt6.QtWidgets import QApplication

from qdlab.gui import theme
from qdlab.gui.main_window import MainWindow, Opened
from qdlab.gui.screens import BenchScreens, ReplayScreens
from qdlab.gui.transport import TransportBar
from qdlab.gui.widgets import Mode
from qdlab.gui.worker import ScreenWorker
from qdlab.lock import read_lock
from qdlab.protocol import RunnerGone, emergency_off
from qdlab.replay import open_replay

BOXES = ("Keithley 2400", "MFG-2230M", "Keithley 6514", "Lake Shore 336")


@cache
def application() -> QApplication:
    """The one application of this process; kept for as long as the process lives."""
    found = QApplication.instance()
    if isinstance(found, QApplication):
        return found
    QLocale.setDefault(QLocale.c())
    made = QApplication(sys.argv[:1])
    made.setApplicationName("qdlab")
    return made


def open_replay_window(session: Path, *, dark: bool = False) -> MainWindow:
    """The window on a recorded session; it opens no port."""
    chosen = _themed(dark)
    screens = ReplayScreens(open_replay(session))
    worker = ScreenWorker(screens)
    transport = TransportBar()
    transport.play_toggled.connect(lambda playing: worker.wish(lambda s: s.play(playing)))
    transport.step_requested.connect(lambda: worker.wish(lambda s: s.replay.step()))
    transport.sought.connect(lambda share: worker.wish(lambda s: s.seek(share)))
    transport.speed_chosen.connect(lambda speed: worker.wish(lambda s: setattr(s, "speed", speed)))
    worker.moved.connect(transport.show_position)
    opened = Opened(
        title=session.name,
        mode="REPLAY",
        worker=worker,
        boxes=(),
        emergency=Emergency(None),
        transport=transport,
    )
    return MainWindow(opened, chosen)


def open_bench_window(bench: str, runtime: Path, *, mode: Mode, dark: bool = False) -> MainWindow:
    """The window on a bench: follows whatever its runner records, now or later."""
    chosen = _themed(dark)
    worker = ScreenWorker(BenchScreens(bench, runtime))
    emergency = Emergency(lambda: read_lock(bench, runtime))
    return MainWindow(
        Opened(title=f"bench {bench}", mode=mode, worker=worker, boxes=BOXES, emergency=emergency), chosen
    )


def run_window(window: MainWindow) -> int:
    """Show the window until a person closes it."""
    window.show()
    return application().exec()


class Emergency(QObject):
    """Reaches the guardian from a thread of its own: no dialogue and no busy window delays it."""

    told = pyqtSignal(str)

    def __init__(self, owner: Callable | None) -> None:
        super().__init__()
        self._owner = owner

    def switch_off(self) -> None:
        """Send the emergency message; `told` says what each box confirmed, as it comes."""
        threading.Thread(target=self._switch_off, daemon=True).start()

    def _switch_off(self) -> None:
        if self._owner is None:
            self.told.emit("nothing is connected: this is a recorded session")
            return
        lock = self._owner()
        if lock is None:
            self.told.emit("no runner owns this bench; nothing is armed")
            return
        try:
            for report in emergency_off(lock, who="window"):
                self.told.emit(report.text)
        except RunnerGone as problem:
            self.told.emit(f"{problem}; run 'qdlab safe', or switch off by hand")


def _themed(dark: bool) -> theme.Theme:
    chosen = theme.DARK if dark else theme.LIGHT
    theme.apply(application(), chosen)
    return chosen
