"""An append-only file of checked lines that is on the disk before anybody hears of it."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from qdlab.records.storage import Storage


class AppendedFile:
    """One file that only grows: a portion is one write and one sync, and leaves no trace where it failed.

    `size` and `hasher` always describe what is acknowledged.
    """

    def __init__(self, path: Path, storage: Storage, *, existing: bytes | None = None) -> None:
        self.path = path
        self._storage = storage
        self._handle: int | None = storage.create(path) if existing is None else storage.append_to(path)
        self.size = len(existing or b"")
        self.hasher = hashlib.sha256(existing or b"")
        self._torn = False

    @property
    def handle(self) -> int:
        if self._handle is None:
            raise OSError(f"{self.path.name} is closed")
        return self._handle

    def append(self, data: bytes) -> None:
        """Returns when the data is on the medium; after an OSError the file ends where it did before."""
        self.repair()
        self._torn = True
        self._storage.write(self.handle, data)
        self._storage.sync(self.handle)
        self._torn = False
        self.size += len(data)
        self.hasher.update(data)

    def repair(self) -> None:
        """Drop what a failed `append` may have left behind it."""
        if self._torn:
            self._storage.truncate(self.handle, self.size)
            self._torn = False

    def close(self) -> None:
        if self._handle is not None:
            handle, self._handle = self._handle, None
            self._storage.close(handle)


def write_new_file(path: Path, portions: Iterable[bytes], storage: Storage) -> None:
    """A whole new file, on the medium with its name."""
    file = AppendedFile(path, storage)
    try:
        for portion in portions:
            file.append(portion)
    finally:
        file.close()
    storage.sync_folder(path.parent)
