"""One runner per bench: a lock that the system takes back when its holder dies, and a file naming the owner.

``<bench>.lock`` is only locked, never read or removed: removing a lock file lets two programs hold "the"
lock. ``<bench>.json`` says who holds it and how to reach them; it is replaced in one step and readable by
its owner only. A ``.json`` without a held ``.lock`` is stale, whatever its process number says.
"""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from qdlab.errors import QdlabError
from qdlab.paths import file_stem

_PATIENCE = 0.4
_FAR_BEYOND_THE_END = 1 << 30


class BenchInUse(QdlabError):
    """Another program owns the bench."""


@dataclass(frozen=True, kw_only=True)
class LockFacts:
    """What a lock file says: who owns the bench, and where runner and guardian listen (127.0.0.1).

    pid, guardian_pid : process numbers
    port, guardian_port : of the runner, and of the guardian for emergencies
    token : whoever cannot read the file cannot command the bench
    owner : user, computer and program
    started : UTC, ISO 8601
    session : folder of the session being written; empty between runs
    """

    pid: int
    guardian_pid: int
    port: int
    guardian_port: int
    token: str
    owner: str
    started: str
    bench: str
    session: str = ""


class HeldFile:
    """A file locked by this process until `release`, or until the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def hold(self, patience: float = _PATIENCE) -> bool:
        """Try for `patience` seconds; whether it is now held."""
        self._file = self._file or self.path.open("a+b")
        give_up = time.monotonic() + patience
        while not _lock(self._file):
            if time.monotonic() >= give_up:
                self._file.close()
                self._file = None
                return False
            time.sleep(0.01)
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class BenchLock:
    """The right to own one bench, as long as the process lives.

    Parameters
    ----------
    bench : its name
    folder : where lock files are
    """

    def __init__(self, bench: str, folder: Path) -> None:
        self.bench, self.folder = bench, folder
        self._held = HeldFile(folder / f"{file_stem(bench)}.lock")

    def acquire(self) -> None:
        """Take the bench, or raise `BenchInUse` naming the owner; what a dead owner left is replaced."""
        if not self._held.hold():
            raise BenchInUse(describe_owner(self.bench, read_lock(self.bench, self.folder)))
        self._withdraw()

    def publish(self, facts: LockFacts) -> None:
        """Say who holds the bench; in one step, readable by the owner only."""
        path = facts_path(self.bench, self.folder)
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(asdict(facts), file)
        while_others_read(lambda: draft.replace(path))

    def release(self) -> None:
        self._withdraw()
        self._held.release()

    def _withdraw(self) -> None:
        path = facts_path(self.bench, self.folder)
        while_others_read(lambda: path.unlink(missing_ok=True))


def facts_path(bench: str, folder: Path) -> Path:
    """The lock file of a bench."""
    return folder / f"{file_stem(bench)}.json"


def read_lock(bench: str, folder: Path) -> LockFacts | None:
    """What the lock file says, stale or not; None where there is none or it cannot be read."""
    return _read(facts_path(bench, folder))


def is_held(bench: str, folder: Path) -> bool:
    """Whether a living process owns the bench."""
    held = HeldFile(folder / f"{file_stem(bench)}.lock")
    if not held.path.exists():
        return False
    free = held.hold(patience=0.0)
    held.release()
    return not free


def describe_owner(bench: str, facts: LockFacts | None) -> str:
    """A sentence for whoever wanted the bench."""
    if facts is None:
        return f"bench {bench!r} is being opened by another program; try again in a moment"
    return (
        f"bench {bench!r} is in use by {facts.owner} (process {facts.pid}, since {facts.started}); "
        f"'qdlab gui' attaches to it, 'qdlab safe' ends it"
    )


def while_others_read(act: Callable[[], object]) -> None:
    """Windows refuses to replace or remove a file in the moment in which somebody reads it."""
    for _ in range(50):
        with suppress(PermissionError):
            act()
            return
        time.sleep(0.01)
    act()


def _read(path: Path) -> LockFacts | None:
    try:
        return LockFacts(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


if os.name == "nt":
    import msvcrt

    def _lock(file: IO[bytes]) -> bool:
        try:
            # a byte that is never written: what is locked cannot be read by others here
            file.seek(_FAR_BEYOND_THE_END)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
