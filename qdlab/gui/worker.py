"""The thread between a session's events and the window: polls, folds, and hands over finished screens.

Widgets never read a file and never analyse; they get a frozen `SessionScreen` at most ten times a second.
"""

import traceback
from collections.abc import Mapping, Sequence
from typing import Protocol

from PyQt6.QtCore import QElapsedTimer, QThread, pyqtSignal

from analysis.device import Device
from qdlab.events import Event
from qdlab.live.session import SessionScreen, fold, initial

REFRESH_MILLISECONDS = 100
POLL_MILLISECONDS = 20


class Source(Protocol):
    """Where events come from: a growing session, or a recorded one at some pace."""

    def poll(self) -> Sequence[Event]:
        """The events that are due now; empty when there are none yet."""

    @property
    def restarted(self) -> int:
        """Counts up whenever events begin again from the start (a seek backwards)."""


class ScreenWorker(QThread):
    """Folds a source's events into screens, away from the window's thread."""

    screen_ready = pyqtSignal(object)
    failed = pyqtSignal(str)

    def __init__(self, source: Source, devices: Mapping[str, Device]) -> None:
        super().__init__()
        self._source = source
        self._devices = devices

    def run(self) -> None:
        try:
            self._follow()
        except Exception as error:
            self.failed.emit(f"{error}\n\n{traceback.format_exc()}")

    def _follow(self) -> None:
        screen = initial(self._devices)
        restarted = self._source.restarted
        since_shown = QElapsedTimer()
        since_shown.start()
        shown: SessionScreen | None = None
        while not self.isInterruptionRequested():
            events = self._source.poll()
            if self._source.restarted != restarted:
                restarted, screen = self._source.restarted, initial(self._devices)
            for event in events:
                screen = fold(screen, event)
            if screen is not shown and (shown is None or since_shown.elapsed() >= REFRESH_MILLISECONDS):
                shown = screen
                self.screen_ready.emit(screen)
                since_shown.restart()
            if not events:
                self.msleep(POLL_MILLISECONDS)

    def stop(self) -> None:
        """Ask the thread to end and wait for it."""
        self.requestInterruption()
        self.wait()
