"""The disk as the recorder sees it: few calls, each able to fail; tests put a failing one in its place."""

import contextlib
import os
import sys
from pathlib import Path
from typing import Protocol

_WINDOWS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
_APPEND = os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | _WINDOWS
_LOCKED_BYTE = 1 << 40


class Storage(Protocol):
    """What the recorder asks of a disk. Every method may raise OSError."""

    def make_folder(self, path: Path) -> None:
        """Make a folder that does not exist yet."""

    def create(self, path: Path) -> int:
        """Open a file that does not exist yet for appending."""

    def append_to(self, path: Path) -> int:
        """Open an existing file for appending."""

    def write(self, handle: int, data: bytes) -> None:
        """Append all of `data`."""

    def sync(self, handle: int) -> None:
        """Return when everything written is on the medium and the file still has a name."""

    def truncate(self, handle: int, size: int) -> None:
        """Drop everything past `size` bytes."""

    def lock(self, handle: int) -> None:
        """Keep other writers out while this handle is open; raises BlockingIOError where one is in."""

    def close(self, handle: int) -> None: ...

    def sync_folder(self, path: Path) -> None:
        """Return when the names in a folder are on the medium."""

    def replace(self, source: Path, target: Path) -> None:
        """Put one file in another's place, at once."""

    def remove(self, path: Path) -> None:
        """Remove a file; one that is not there is no error."""


class Disk:
    """The real one."""

    def make_folder(self, path: Path) -> None:
        path.mkdir(parents=True)

    def create(self, path: Path) -> int:
        return os.open(path, _APPEND | os.O_CREAT | os.O_EXCL, 0o644)

    def append_to(self, path: Path) -> int:
        return os.open(path, _APPEND)

    def write(self, handle: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]

    def sync(self, handle: int) -> None:
        if hasattr(os, "fdatasync"):
            os.fdatasync(handle)
        else:
            os.fsync(handle)
        if os.fstat(handle).st_nlink == 0:
            # on POSIX a deleted file can still be written to, and nobody will ever read it
            raise FileNotFoundError(2, "the file was deleted while it was being written")

    def truncate(self, handle: int, size: int) -> None:
        os.ftruncate(handle, size)

    def lock(self, handle: int) -> None:
        if sys.platform == "win32":
            import msvcrt

            # locks are mandatory on Windows: one byte far past the end leaves the file readable
            os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
            try:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            except PermissionError as error:
                raise BlockingIOError(error.errno, "another program is writing here") from None
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self, handle: int) -> None:
        os.close(handle)

    def sync_folder(self, path: Path) -> None:
        if sys.platform == "win32":
            return  # folders cannot be opened there; NTFS journals its names
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def replace(self, source: Path, target: Path) -> None:
        source.replace(target)

    def remove(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


DISK = Disk()


def is_being_written(path: Path) -> bool:
    """Whether another program holds the lock of this file."""
    if not path.is_file():
        return False  # opening a pipe would wait for its other end
    try:
        handle = os.open(path, os.O_RDONLY | _WINDOWS)
    except OSError:
        return False
    try:
        DISK.lock(handle)
        return False
    except OSError as error:
        return isinstance(error, BlockingIOError)
    finally:
        os.close(handle)
