"""Exceptions nobody caught: a line in the log and a sentence on the screen, never the end of the window.

PyQt ends the process when a slot raises, unless somebody took over `sys.excepthook`. The measurement lives in
another process; what this hook saves is the view of it.
"""

import logging
import sys
import threading
from types import TracebackType

from PyQt6.QtCore import QObject, pyqtSignal

_log = logging.getLogger(__name__)


class Failures(QObject):
    """Catches what slots and threads raise from `catch` on until `let_go`; `told` carries the sentence."""

    told = pyqtSignal(str)

    def catch(self) -> None:
        """Take over the hooks of the interpreter."""
        self._earlier = (sys.excepthook, threading.excepthook)
        self._ours = (self._raised, self._raised_in_thread)
        sys.excepthook, threading.excepthook = self._ours

    def let_go(self) -> None:
        """Give the hooks back, unless somebody else has taken them since."""
        if (sys.excepthook, threading.excepthook) == self._ours:
            sys.excepthook, threading.excepthook = self._earlier

    def _raised(
        self, kind: type[BaseException], problem: BaseException, traceback: TracebackType | None
    ) -> None:
        if not issubclass(kind, Exception):
            self._earlier[0](kind, problem, traceback)
            return
        _log.error("an exception in the window", exc_info=(kind, problem, traceback))
        sentence = str(problem) or "no reason given"
        self.told.emit(f"{sentence}\n\n{kind.__name__}; the traceback is in the log. A measurement goes on.")

    def _raised_in_thread(self, raised: threading.ExceptHookArgs) -> None:
        if raised.exc_value is not None:
            self._raised(raised.exc_type, raised.exc_value, raised.exc_traceback)
