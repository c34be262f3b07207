"""What takes a while and is not the measurement: done in a thread, answered with a result or a sentence."""

import threading
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal


def send(
    action: Callable[[], object],
    parent: QObject,
    *,
    answered: Callable[[Any], object],
    failed: Callable[[str], object],
) -> None:
    """Have something done in a thread; either `answered` or `failed` is called with what came of it."""
    errand = Errand(action, parent)
    errand.done.connect(answered)
    errand.failed.connect(failed)
    errand.start()


class Errand(QObject):
    """One thing to do in a thread of its own; keep it until it has answered."""

    done = pyqtSignal(object)
    failed = pyqtSignal(str)

    def __init__(self, action: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self._action = action
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin; `done` or `failed` follows once."""
        self._thread.start()

    def _run(self) -> None:
        try:
            result = self._action()
        except Exception as problem:
            # whatever it dies of, the window goes on and says so
            self.failed.emit(str(problem) or type(problem).__name__)
        else:
            self.done.emit(result)
