"""A session being written: its folder, journal, telemetry and runs, one number line through all of them."""

import errno
import hashlib
import secrets
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import platform, python_version
from typing import Any

from instruments.roles import Clock
from qdlab.errors import RecordError
from qdlab.events import JournalEntry, JournalLevel, RowRecorded, RunEnd, RunEnded
from qdlab.records.appended_file import AppendedFile, write_new_file
from qdlab.records.journal import (
    JOURNAL_FORMAT,
    MAXIMUM_JOURNAL,
    encode_entry,
    journal_seed,
    plain_entry,
)
from qdlab.records.layout import (
    JOURNAL_FILE,
    MANIFEST_FILE,
    MAXIMUM_RUNS,
    RESERVE_FILE,
    RUN_ENDED,
    RUN_STARTED,
    SESSION_CLOSED,
    SESSION_FILE,
    SESSION_OPENED,
    SESSION_RESUMED,
    STORAGE_FAILED,
    run_files,
    telemetry_files,
)
from qdlab.records.manifest import make_manifest, replace_file
from qdlab.records.names import run_name, session_folder_name
from qdlab.records.recorder import RunWriter, StorageFailed
from qdlab.records.reopen import next_moment, reopen_journal, require_intact
from qdlab.records.run_file import RunHeader, Stamp, format_utc, require_end
from qdlab.records.session_file import encode_session_file
from qdlab.records.storage import DISK, Storage

RESERVE_SIZE = 1 << 18
ROOM_FOR_CLOSING_WORDS = 1 << 20
_TRIES = 1000
_VERSIONS = ("qdlab", "pymeasure", "pyvisa", "pyvisa-py", "numpy", "scipy")


class SessionWriter:
    """A session folder that this process is recording into, made by `create` or `resume`.

    Every method that writes returns when the words are on the disk. The first storage error is raised once as
    StorageFailed; after it only ends and closing words are written, as far as the disk takes them.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        storage: Storage,
        seed: str,
        journal: AppendedFile,
        check: str,
        next_sequence: int = 0,
        elapsed: float = 0.0,
        runs: int = 0,
    ) -> None:
        self.path = path
        self._clock = clock
        self._storage = storage
        self._seed = seed
        self._journal = journal
        self._check = check
        self._sequence = next_sequence
        self._start = clock.monotonic() - elapsed
        self._run_count = runs
        self._open_runs: list[RunWriter] = []
        self._telemetry: RunWriter | None = None
        self._failure: StorageFailed | None = None
        self._lost: list[int] = []
        self._told = False
        self._closed = False
        self.lock: AbstractContextManager[object] = threading.RLock()

    @classmethod
    def create(
        cls,
        parent: Path,
        *,
        name: str,
        document: Mapping[str, Any],
        clock: Clock,
        storage: Storage = DISK,
        identifier: str | None = None,
    ) -> "SessionWriter":
        """Make a session's folder, with all that is known before anything is measured.

        Parameters
        ----------
        parent : folder the session's folder goes into; made where missing
        name : for people; becomes part of the folder's name
        document : devices (see `device_to_document`), plan, bench, limits, identities, operator, ...
        clock : the bench's
        storage : the disk
        identifier : tells this session from every other one; drawn at random where not given
        """
        facts = {
            "name": name,
            "identifier": identifier or secrets.token_hex(8),
            "created": format_utc(clock.utc()),
            "versions": {**_versions(), "python": python_version(), "platform": platform()},
        }
        encoded = encode_session_file(document, facts)
        try:
            path, journal = _make_session(parent, session_folder_name(name, clock.utc()), encoded, storage)
        except OSError as error:
            told = error.strerror or error
            raise StorageFailed(f"{parent}: a session cannot be made there ({told})") from error
        seed = journal_seed(encoded)
        session = cls(path, clock=clock, storage=storage, seed=seed, journal=journal, check=seed)
        try:
            details = {"format": JOURNAL_FORMAT, "session_sha256": _sha256(encoded)}
            session.journal("state", SESSION_OPENED, **details)
        except BaseException:
            session.abandon()
            raise
        return session

    @classmethod
    def resume(cls, path: Path, *, clock: Clock, storage: Storage = DISK) -> "SessionWriter":
        """Go on recording into a session that was interrupted or stopped: new runs, the same journal.

        Nothing already recorded is touched; only a last line of the journal that a crash tore is dropped.

        Raises
        ------
        RecordError : the session is damaged, or another program is recording into it
        """
        found = require_intact(path)
        file, check, seed = reopen_journal(path, storage)
        now = next_moment(found.last, clock)
        session = cls(
            path,
            clock=clock,
            storage=storage,
            seed=seed,
            journal=file,
            check=check,
            next_sequence=now.sequence,
            elapsed=now.time,
            runs=len(run_files(path)),
        )
        try:
            storage.remove(path / MANIFEST_FILE)
            storage.remove(path / RESERVE_FILE)
            write_new_file(path / RESERVE_FILE, [secrets.token_bytes(RESERVE_SIZE)], storage)
            session.journal("state", SESSION_RESUMED, after=found.end)
        except BaseException as problem:
            session.abandon()
            if isinstance(problem, OSError):
                told = problem.strerror or problem
                raise StorageFailed(f"{path}: cannot be resumed ({told})") from problem
            raise
        return session

    @property
    def failure(self) -> StorageFailed | None:
        """The storage error that ended this session's recording; None while all is well."""
        return self._failure

    def journal(self, level: JournalLevel, text: str, **details: Any) -> JournalEntry:
        """Write one entry; after a storage error, to standard error where the disk does not take it."""
        words, plain = plain_entry(level, text, details)
        with self.lock:
            stamp = self.next_stamp()
            entry = JournalEntry(**vars(stamp), level=level, text=words, details=plain)
            encoded, check = encode_entry(entry, self._check)
            try:
                self._require_room(len(encoded))
                self._journal.append(encoded)
            except OSError as error:
                first, failure = (
                    self._failure is None,
                    self.failed(self._journal.path, error, [entry.sequence]),
                )
                if first:
                    raise failure from error
                print(f"qdlab: {text} (not in the journal: {error.strerror or error})", file=sys.stderr)
            else:
                self._check = check
            return entry

    def _require_room(self, size: int) -> None:
        """A journal too long to be read again is like a full disk; its closing words have room left."""
        room = MAXIMUM_JOURNAL if self._failure is not None else MAXIMUM_JOURNAL - ROOM_FOR_CLOSING_WORDS
        if self._journal.size + size > room:
            raise OSError(errno.EFBIG, "as long as a journal may be")

    def open_run(self, header: RunHeader) -> RunWriter:
        """Begin a run: its header is on the disk and in the journal when this returns."""
        with self.lock:
            self._require_working()
            if self._run_count >= MAXIMUM_RUNS:
                raise RecordError(f"session {self.path.name} holds {MAXIMUM_RUNS} runs, as many as it may")
            self._run_count += 1
            name = run_name(self._run_count, header.procedure, header.device)
            run = RunWriter(
                self.path / "runs" / f"{name}.csv",
                header,
                session=self._seed,
                recording=self,
                storage=self._storage,
                on_end=self._run_ended,
            )
            self._open_runs.append(run)
            self.journal("state", RUN_STARTED, run=run.run, header_sha256=run.header_sha256)
            return run

    def telemetry(self, values: Mapping[str, float], flags: Iterable[str] = ()) -> RowRecorded:
        """Record the state of cryostat and bench; the first call's headings are the columns."""
        with self.lock:
            self._require_working()
            if self._telemetry is None:
                self._telemetry = self._open_telemetry(tuple(values))
            return self._telemetry.write(values, flags)

    def close(self, end: RunEnd = "finished", reason: str = "") -> None:
        """End what is open, say how the session ended, write its manifest. Never raises StorageFailed."""
        require_end(end)
        with self.lock:
            if self._closed:
                return
            self._closed = True
            for run in [*self._open_runs]:
                run.end("aborted" if end == "finished" else end, reason or "the session was closed")
            if self._telemetry is not None:
                self._telemetry.end("finished")
            if self._failure is None:
                with suppress(StorageFailed):
                    self.journal("state", SESSION_CLOSED, end=end, reason=reason)
            if self._failure is not None:
                self.make_room()
                failed = {"end": "failed", "reason": str(self._failure), "lost": self._lost}
                self.journal("state", SESSION_CLOSED, **failed)
            self._close_files()

    def abandon(self) -> None:
        """Let go of every file without an end: the session reads as interrupted."""
        with self.lock:
            self._closed = True
            for run in [*self._open_runs, *filter(None, [self._telemetry])]:
                run.close()
            self._journal.close()

    def next_stamp(self) -> Stamp:
        """The next number on the session's line, with the time."""
        with self.lock:
            sequence, self._sequence = self._sequence, self._sequence + 1
            elapsed = self._clock.monotonic() - self._start
            return Stamp(sequence=sequence, time=float(elapsed), utc=format_utc(self._clock.utc()))

    def failed(self, path: Path, error: OSError, lost: Iterable[int]) -> StorageFailed:
        """Remember the first storage error, to be told when the outputs are off; gives the error to raise."""
        with self.lock:
            file = path.relative_to(self.path).as_posix()
            if self._failure is None:
                self._failure = StorageFailed(f"storage: {file}: {error.strerror or error}")
            self._lost.extend(lost)
            return self._failure

    def make_room(self) -> None:
        """Give the reserve back to the disk, then write into the journal what happened."""
        with self.lock:
            try:
                self._storage.remove(self.path / RESERVE_FILE)
            except OSError as error:
                print(
                    f"qdlab: the reserve file cannot be removed ({error.strerror or error})", file=sys.stderr
                )
            if self._failure is not None and not self._told:
                self._told = True
                self.journal("error", STORAGE_FAILED, reason=str(self._failure), lost=self._lost)

    def _require_working(self) -> None:
        if self._closed:
            raise RecordError(f"session {self.path.name} is closed")
        if self._failure is not None:
            raise self._failure

    def _open_telemetry(self, columns: tuple[str, ...]) -> RunWriter:
        taken = len(telemetry_files(self.path))
        name = "telemetry.csv" if not taken else f"telemetry-{taken + 1}.csv"
        header = RunHeader(procedure="Telemetry", parameters={}, device="", columns=columns)
        return RunWriter(
            self.path / name,
            header,
            session=self._seed,
            recording=self,
            storage=self._storage,
            on_end=lambda ended, sha256: None,
        )

    def _run_ended(self, ended: RunEnded, sha256: str) -> None:
        self._open_runs = [run for run in self._open_runs if run.run != ended.run]
        facts = {
            "run": ended.run,
            "end": ended.end,
            "rows": ended.rows,
            "reason": ended.reason,
            "sha256": sha256,
        }
        # the end itself is on the disk; after a failure here the next run is refused
        with suppress(StorageFailed):
            self.journal("state", RUN_ENDED, **facts)

    def _close_files(self) -> None:
        try:
            self._journal.close()
            self._storage.remove(self.path / RESERVE_FILE)
            replace_file(self.path / MANIFEST_FILE, make_manifest(self.path), self._storage)
        except OSError as error:
            print(f"qdlab: session {self.path.name} could not be closed: {error}", file=sys.stderr)


def _make_session(parent: Path, name: str, encoded: bytes, storage: Storage) -> tuple[Path, AppendedFile]:
    """A new session's folder, and its journal, locked and empty; every name is on the medium."""
    path = _make_folder(parent, name, storage)
    write_new_file(path / SESSION_FILE, [encoded], storage)
    storage.make_folder(path / "runs")
    write_new_file(path / RESERVE_FILE, [secrets.token_bytes(RESERVE_SIZE)], storage)
    journal = AppendedFile(path / JOURNAL_FILE, storage)
    try:
        storage.lock(journal.handle)
        storage.sync_folder(path)
        storage.sync_folder(parent)
    except BaseException:
        journal.close()
        raise
    return path, journal


def _make_folder(parent: Path, name: str, storage: Storage) -> Path:
    if not parent.is_dir():
        parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, _TRIES):
        path = parent / (name if number == 1 else f"{name}-{number}")
        try:
            storage.make_folder(path)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(17, f"{_TRIES} sessions named {name}")


def _versions() -> dict[str, str]:
    found = {}
    for name in _VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
