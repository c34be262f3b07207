"""Reading one run file whole: its header, its rows as arrays, and how it ended."""

import stat
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.curves import FloatArray
from qdlab.errors import RecordError
from qdlab.events import RowRecorded, RunEnd, RunStarted
from qdlab.records.run_file import MAXIMUM_FILE, EndRead, HeaderRead, RowRead, RunFileParser, RunHeader

PORTION = 1 << 20


class UnfinishedHeader(RecordError):
    """A crash left nothing but part of a header: the run never began."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a run as columns.

    sequence : (n,) session-wide numbers
    time : (n,) [s] since the session began
    utc : (n,) stamps
    values : heading -> (n,)
    flags : (n,) words per row
    """

    sequence: npt.NDArray[np.int64]
    time: FloatArray
    utc: tuple[str, ...]
    values: Mapping[str, FloatArray]
    flags: tuple[frozenset[str], ...]

    def __len__(self) -> int:
        return len(self.sequence)

    def __getitem__(self, heading: str) -> FloatArray:
        return self.values[heading]

    def __contains__(self, heading: str) -> bool:
        return heading in self.values


@dataclass(frozen=True, kw_only=True)
class Run:
    """One procedure at one set point, as recorded.

    name : the run file's stem, unique in the session
    header : procedure, parameters, device, columns, conditions, predecessor
    sequence, time, utc : of the header
    rows : what was measured
    end : "interrupted" where the file has no end block
    reason : why, where `end` is not "finished"
    end_time : [s] since the session began; the last row's where there is no end block
    """

    name: str
    header: RunHeader
    sequence: int
    time: float
    utc: str
    rows: Rows
    end: RunEnd
    reason: str
    end_time: float

    @property
    def interrupted(self) -> bool:
        """Whether the recording stopped without anybody saying why."""
        return self.end == "interrupted"

    @property
    def started(self) -> RunStarted:
        """The event this run began with."""
        return RunStarted(
            run=self.name,
            procedure=self.header.procedure,
            device=self.header.device,
            parameters=self.header.parameters,
            columns=tuple(self.header.columns),
            sequence=self.sequence,
            time=self.time,
            predecessor=self.header.predecessor,
            supersedes=self.header.supersedes,
        )

    def recorded_rows(self) -> list[RowRecorded]:
        """The events of its rows."""
        headings = list(self.rows.values)
        columns = [self.rows[heading].tolist() for heading in headings]
        facts = zip(
            self.rows.sequence.tolist(),
            self.rows.time.tolist(),
            self.rows.utc,
            self.rows.flags,
            zip(*columns, strict=True),
            strict=True,
        )
        return [
            RowRecorded(
                run=self.name,
                sequence=sequence,
                time=time,
                utc=utc,
                values=dict(zip(headings, values, strict=True)),
                flags=flags,
            )
            for sequence, time, utc, flags, values in facts
        ]


def read_run(path: Path, *, session: str | None = None) -> Run:
    """Read a run file, checking every byte.

    A row torn by a crash is left out and the run reads as interrupted.

    Parameters
    ----------
    path : of the file
    session : seed of the session that it must belong to, under its own name; None for a file on its own

    Raises
    ------
    RecordError : a line not to be believed, a header never finished, a newer format, another kind of file
    """
    parser = RunFileParser() if session is None else RunFileParser(run=path.stem, session=session)
    table = _Table()
    try:
        for data in read_portions(path):
            table.extend(parser.feed(data))
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from None
    if parser.header is None:
        raise UnfinishedHeader(f"{path}: stops inside its header; nothing was recorded in it")
    return _assemble(parser.header, table, parser.end)


def read_portions(path: Path, position: int = 0) -> Iterator[bytes]:
    """A file's bytes in portions, from some position on; refuses what is no file, or far too large."""
    try:
        require_plain_file(path)
        with path.open("rb") as stream:
            stream.seek(position)
            while data := stream.read(PORTION):
                yield data
    except OSError as error:
        raise RecordError(f"cannot be read ({error.strerror or error})") from None


def require_plain_file(path: Path) -> None:
    """Raises RecordError for a link, a device, a folder, or a file larger than a run can be."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise RecordError("is not a file")
    if status.st_size > MAXIMUM_FILE:
        raise RecordError(f"is larger than {MAXIMUM_FILE} bytes")


class _Table:
    """Rows gathered compactly: eight bytes a number."""

    def __init__(self) -> None:
        self.sequence = array("q")
        self.time = array("d")
        self.values = array("d")
        self.utc: list[str] = []
        self.flags: list[frozenset[str]] = []

    def extend(self, rows: list[RowRead]) -> None:
        for row in rows:
            self.sequence.append(row.sequence)
            self.time.append(row.time)
            self.values.extend(row.values)
            self.utc.append(row.utc)
            self.flags.append(row.flags)


def _assemble(read: HeaderRead, table: _Table, end: EndRead | None) -> Run:
    columns = read.header.columns
    values = np.array(table.values, dtype=np.float64).reshape(-1, len(columns))
    rows = Rows(
        sequence=_frozen(np.array(table.sequence, dtype=np.int64)),
        time=_frozen(np.array(table.time, dtype=np.float64)),
        utc=tuple(table.utc),
        values={heading: _frozen(values[:, index].copy()) for index, heading in enumerate(columns)},
        flags=tuple(table.flags),
    )
    last_time = table.time[-1] if table.time else read.stamp.time
    return Run(
        name=read.run,
        header=read.header,
        sequence=read.stamp.sequence,
        time=read.stamp.time,
        utc=read.stamp.utc,
        rows=rows,
        end="interrupted" if end is None else end.end,
        reason="" if end is None else end.reason,
        end_time=last_time if end is None else end.stamp.time,
    )


def _frozen(values: npt.NDArray) -> npt.NDArray:
    values.setflags(write=False)
    return values
