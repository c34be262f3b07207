"""The thread between a session and the window: moves on, folds, and hands over finished screens.

Widgets never read a file and never analyse; they get a frozen `SessionScreen` at most ten times a second.
"""

import queue
import time
import traceback
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QThread, pyqtSignal

from qdlab.gui.screens import Screens

REFRESH_SECONDS = 0.1


class ScreenWorker(QThread):
    """Owns the screens; what the window wants of them is queued and done here."""

    screen_ready = pyqtSignal(object)
    moved = pyqtSignal(float, str)
    failed = pyqtSignal(str)

    def __init__(self, screens: Screens) -> None:
        super().__init__()
        self._screens = screens
        self._wishes: queue.SimpleQueue[Callable[[Any], object]] = queue.SimpleQueue()

    def wish(self, action: Callable[[Any], object]) -> None:
        """Have something done to the screens between two pictures."""
        self._wishes.put(action)

    def run(self) -> None:
        try:
            self._follow()
        except Exception as error:
            self.failed.emit(f"{error}\n\n{traceback.format_exc()}")

    def stop(self) -> None:
        """Ask the thread to end and wait for it."""
        self.requestInterruption()
        self.wait()

    def _follow(self) -> None:
        shown, place = None, None
        last = time.monotonic()
        while not self.isInterruptionRequested():
            self._grant()
            now = time.monotonic()
            screen = self._screens.advance(now - last)
            last = now
            if screen is not shown:
                shown = screen
                self.screen_ready.emit(screen)
            if self._screens.position != place:
                place = self._screens.position
                self.moved.emit(*place)
            self.msleep(round(max(REFRESH_SECONDS - (time.monotonic() - now), 0.005) * 1000))

    def _grant(self) -> None:
        while not self._wishes.empty():
            self._wishes.get()(self._screens)
