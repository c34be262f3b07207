"""The thread between a session and the window: moves on, folds, draws up pictures and hands them over.

Widgets never read a file and never analyse; they get a frozen `Picture` at most ten times a second.
"""

import queue
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PyQt6.QtCore import QThread, pyqtSignal

from qdlab.gui.fits import FitDesk
from qdlab.gui.screens import Screens
from qdlab.live.picture import PictureMaker

REFRESH_SECONDS = 0.1


class ScreenWorker(QThread):
    """Owns the screens; what the window wants of them is queued and done here."""

    picture_ready = pyqtSignal(object)
    moved = pyqtSignal(float, str)
    failed = pyqtSignal(str)

    def __init__(self, screens: Screens) -> None:
        super().__init__()
        self._screens = screens
        self._wishes: queue.SimpleQueue[Callable[[Any], object]] = queue.SimpleQueue()
        self._maker = PictureMaker()
        self._fits = FitDesk()
        self._drawn = threading.Event()
        self._drawn.set()

    def wish(self, action: Callable[[Any], object]) -> None:
        """Have something done to the screens between two pictures."""
        self._wishes.put(action)

    def picture_drawn(self) -> None:
        """The window is done with the last picture; until then it gets no other, so that none pile up."""
        self._drawn.set()

    def run(self) -> None:
        try:
            self._follow()
        except Exception as error:
            self.failed.emit(f"{error}\n\n{traceback.format_exc()}")
        finally:
            self._fits.close()

    def stop(self) -> None:
        """Ask the thread to end and wait for it."""
        self.requestInterruption()
        self.wait()

    def _follow(self) -> None:
        shown, fitted, place = None, None, None
        last = time.monotonic()
        while not self.isInterruptionRequested():
            while not self._wishes.empty():
                self._wishes.get()(self._screens)
            now = time.monotonic()
            screen = self._screens.advance(now - last)
            last = now
            fits = self._fits.attend(screen)
            covered = {device: finished.curves for device, finished in fits.fits.items()}
            if (screen is not shown or covered != fitted) and self._drawn.is_set():
                shown, fitted = screen, covered
                self._drawn.clear()
                self.picture_ready.emit(self._maker.draw(replace(screen, disorder=fits)))
            if self._screens.position != place:
                place = self._screens.position
                self.moved.emit(*place)
            self.msleep(round(max(REFRESH_SECONDS - (time.monotonic() - now), 0.005) * 1000))
