"""Writing: rows that are acknowledged only when they are on the disk, and an end that is always true."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from qdlab.errors import RecordError
from qdlab.events import RowRecorded, RunEnd, RunEnded, RunStarted
from qdlab.records.appended_file import AppendedFile
from qdlab.records.run_file import (
    MAXIMUM_FILE,
    HeaderRead,
    RunFileParser,
    RunHeader,
    Stamp,
    checked_flags,
    encode_end,
    encode_header,
    encode_row,
    require_end,
    seed_check,
)
from qdlab.records.storage import Storage

NAN = float("nan")
ROOM_FOR_A_SWEEP = 1 << 22


class StorageFailed(RecordError):
    """The disk did not take a row or an entry: the run is over, outputs belong off."""


class Recording(Protocol):
    """What a run writer needs of its session."""

    lock: AbstractContextManager[object]
    """Held from taking a number until its line is on the disk: n is there before n + 1 is given out."""

    def next_stamp(self) -> Stamp: ...

    def failed(self, path: Path, error: OSError, lost: Iterable[int]) -> StorageFailed:
        """Remember that the disk failed, and the error to raise."""

    def make_room(self) -> None:
        """Give the reserve back to the disk."""


class RunWriter:
    """One run file being written.

    `write` and `write_many` return when the rows are on the disk. After a StorageFailed the run can only end,
    and it ends as *failed: storage* whatever it is asked to say.
    """

    def __init__(
        self,
        path: Path,
        header: RunHeader,
        *,
        session: str,
        recording: Recording,
        storage: Storage,
        on_end: Callable[[RunEnded, str], None],
    ) -> None:
        self.run = path.stem
        self.path = path
        self.header = header
        self.rows = 0
        self.ended: RunEnded | None = None
        self._recording = recording
        self._on_end = on_end
        self._failure: StorageFailed | None = None
        self._columns = tuple(header.columns)
        # a header that cannot be written is refused before a number is taken for it
        encode_header(header, run=self.run, session=session, stamp=Stamp(sequence=0, time=0.0, utc=""))
        with recording.lock:
            stamp = recording.next_stamp()
            encoded = encode_header(header, run=self.run, session=session, stamp=stamp)
            try:
                self._file = AppendedFile(path, storage)
                self._file.append(encoded)
                storage.sync_folder(path.parent)
            except OSError as error:
                raise recording.failed(path, error, [stamp.sequence]) from error
        self._check = seed_check(encoded)
        read = _read_back(encoded)
        self.header_sha256 = read.sha256
        self.started = run_started(read)

    def write(self, values: Mapping[str, float], flags: Iterable[str] = ()) -> RowRecorded:
        """Record one row; returns when it is on the disk. Columns left out are NaN."""
        (row,) = self.write_many([(values, flags)])
        return row

    def write_many(self, rows: Iterable[tuple[Mapping[str, float], Iterable[str]]]) -> list[RowRecorded]:
        """Record the rows of one hardware sweep with one sync; all of them are on the disk, or none."""
        prepared = [(self._numbers(values), checked_flags(flags)) for values, flags in rows]
        if self.ended is not None:
            raise RecordError(f"run {self.run} has ended; open another one to go on")
        if self._failure is not None:
            raise self._failure
        if self._file.size > MAXIMUM_FILE - ROOM_FOR_A_SWEEP:
            raise RecordError(f"run {self.run} is as long as a run file may be; end it and open another one")
        with self._recording.lock:
            return self._append(prepared)

    def _append(self, prepared: list[tuple[list[float], frozenset[str]]]) -> list[RowRecorded]:
        lines: list[bytes] = []
        recorded: list[RowRecorded] = []
        check = self._check
        for numbers, words in prepared:
            stamp = self._recording.next_stamp()
            line, check = encode_row(stamp, numbers, words, check)
            lines.append(line)
            recorded.append(
                RowRecorded(
                    run=self.run,
                    sequence=stamp.sequence,
                    time=stamp.time,
                    utc=stamp.utc,
                    values=dict(zip(self._columns, numbers, strict=True)),
                    flags=words,
                )
            )
        try:
            self._file.append(b"".join(lines))
        except OSError as error:
            self._failure = self._recording.failed(self.path, error, [row.sequence for row in recorded])
            raise self._failure from error
        self._check = check
        self.rows += len(recorded)
        return recorded

    def end(self, end: RunEnd, reason: str = "") -> RunEnded:
        """Write the end block. Ending twice changes nothing; after a storage error the end is failed."""
        require_end(end)
        if self.ended is not None:
            return self.ended
        if self._failure is not None:
            end, reason = "failed", str(self._failure)
            self._recording.make_room()
        with self._recording.lock:
            stamp = self._recording.next_stamp()
            try:
                self._file.append(encode_end(end, self.rows, stamp, reason, self._file.hasher))
            except OSError as error:
                first, failure = (
                    self._failure is None,
                    self._recording.failed(self.path, error, [stamp.sequence]),
                )
                self._failure = self._failure or failure
                if first:
                    return self.end(end, reason)
                # without an end block the run reads as interrupted, which is true
            self.ended = RunEnded(run=self.run, end=end, rows=self.rows, time=stamp.time, reason=reason)
            self.close()
            self._on_end(self.ended, self._file.hasher.hexdigest())
            return self.ended

    def close(self) -> None:
        """Let go of the file; a run that has not ended stays interrupted."""
        try:
            self._file.close()
        except OSError as error:
            self._failure = self._failure or self._recording.failed(self.path, error, [])

    def _numbers(self, values: Mapping[str, float]) -> list[float]:
        if unknown := set(values) - set(self._columns):
            raise ValueError(f"{', '.join(sorted(unknown))}: not a column of run {self.run}")
        return [float(values.get(heading, NAN)) for heading in self._columns]


def run_started(read: HeaderRead) -> RunStarted:
    """The event that a header announces."""
    return RunStarted(
        run=read.run,
        procedure=read.header.procedure,
        device=read.header.device,
        parameters=read.header.parameters,
        columns=tuple(read.header.columns),
        sequence=read.stamp.sequence,
        time=read.stamp.time,
        predecessor=read.header.predecessor,
        supersedes=read.header.supersedes,
    )


def _read_back(encoded: bytes) -> HeaderRead:
    """The header as any reader will see it, so that nothing is announced that the file does not say."""
    parser = RunFileParser()
    parser.feed(encoded)
    assert parser.header is not None
    return parser.header
