"""What takes a while and is not the measurement: done in a thread, answered with a result or a sentence."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

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
    for answer in (errand.done, errand.failed):
        answer.connect(errand.deleteLater)
    errand.start()


class Errand(QObject):
    """One thing to do in a thread of its own; keep it until it has answered.

    Nobody hears an answer whose parent is gone: a dialogue may be closed meanwhile.
    """

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
            self._answer("failed", str(problem) or type(problem).__name__)
        else:
            self._answer("done", result)

    def _answer(self, signal: Literal["done", "failed"], found: object) -> None:
        with suppress(RuntimeError):  # what Qt has deleted raises this, and nothing else does here
            getattr(self, signal).emit(found)
