"""The runner's disk: its silences are announced, so that nobody is killed because a disk is slow."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from qdlab.records.storage import Disk

SLOW_DISK = 3.0
"""A disk may take this long [s] to put a row on its medium."""


class WatchedDisk(Disk):
    """A disk whose waits the guardian knows of beforehand.

    Parameters
    ----------
    announce : takes how long the next silence may last [s]; called on the thread that made this disk only,
        because what other threads write is no sign of life of the measuring loop
    """

    def __init__(self, announce: Callable[[float], None]) -> None:
        self._announce, self._loop = announce, threading.get_ident()

    def write(self, handle: int, data: bytes) -> None:
        with self._waiting():
            super().write(handle, data)

    def sync(self, handle: int) -> None:
        with self._waiting():
            super().sync(handle)

    def sync_folder(self, path: Path) -> None:
        with self._waiting():
            super().sync_folder(path)

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        ours = threading.get_ident() == self._loop
        if ours:
            self._announce(SLOW_DISK)
        try:
            yield
        finally:
            if ours:
                self._announce(0.0)
