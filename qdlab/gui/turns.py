"""Work done a piece per turn of the event loop, so that a click, a key or F12 never waits for all of it."""

from collections import deque
from collections.abc import Callable, Iterable

from PyQt6.QtCore import QObject, QTimer, pyqtSignal


class Turns(QObject):
    """Does one thing a turn; `done` once nothing waits any longer."""

    done = pyqtSignal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._waiting: deque[Callable[[], object]] = deque()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._take_turn)

    def begin(self, acts: Iterable[Callable[[], object]]) -> None:
        """Do these things, one a turn; what still waits of earlier ones is given up."""
        self._waiting = deque(acts)
        self._timer.start(0)

    def _take_turn(self) -> None:
        """One that raises takes its turn too."""
        try:
            if self._waiting:
                self._waiting.popleft()()
        finally:
            if not self._waiting:
                self._timer.stop()
                self.done.emit()
