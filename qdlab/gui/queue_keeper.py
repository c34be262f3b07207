"""Keeps the queue of plans on the disk, in a thread: read once, then written whenever it changed."""

import queue
import threading
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from qdlab.errors import QdlabError
from qdlab.live.plan_queue import PlanQueue, lost, read_queue, write_queue
from qdlab.lock import HeldFile, is_held


class QueueKeeper(QObject):
    """One window keeps a bench's queue; another one only learns that it is kept already.

    Parameters
    ----------
    file : where it is kept
    bench, runtime : to learn whether what was running still is

    Signals
    -------
    found : the queue as it was left
    taken : another window keeps it, in a sentence
    failed : it could not be read or written, in a sentence
    """

    found = pyqtSignal(object)
    taken = pyqtSignal(str)
    failed = pyqtSignal(str)

    def __init__(self, file: Path, *, bench: str, runtime: Path) -> None:
        super().__init__()
        self._file, self._bench, self._runtime = file, bench, runtime
        self._held = HeldFile(file.with_suffix(".lock"))
        self._wanted: queue.SimpleQueue[PlanQueue | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Begin; one of the signals follows."""
        self._thread.start()

    def keep(self, plans: PlanQueue) -> None:
        """Have the queue written."""
        self._wanted.put(plans)

    def let_go(self) -> None:
        """Write what is still to be written, and leave the queue to another window."""
        self._wanted.put(None)
        self._thread.join(timeout=5.0)

    def _keep(self) -> None:
        if not self._held.hold(0.0):
            self.taken.emit("Another window keeps the queue of this bench; close that one to use it here.")
            return
        try:
            if self._read():
                while (plans := self._wanted.get()) is not None:
                    self._write(plans)
        finally:
            self._held.release()

    def _read(self) -> bool:
        try:
            plans = read_queue(self._file)
        except QdlabError as problem:
            self.failed.emit(str(problem))
            return False
        if plans.running is not None and not is_held(self._bench, self._runtime):
            plans = lost(plans)
        self.found.emit(plans)
        return True

    def _write(self, plans: PlanQueue) -> None:
        try:
            write_queue(self._file, plans)
        except (QdlabError, OSError) as problem:
            self.failed.emit(f"the queue could not be kept: {problem}")
