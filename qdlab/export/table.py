"""One tidy CSV or Parquet file of every row of the runs of any number of sessions."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from qdlab.errors import ConfigError
from qdlab.events import RowRecorded
from qdlab.export.cells import number_cell, text_cell, write_cells
from qdlab.records import Run, Session
from qdlab.records.curves import rows_that_count

FIRST_COLUMNS = ("session", "run", "procedure", "device", "sequence", "time (s)", "utc")
PARQUET = ".parquet"


def write_table(sessions: Sequence[Session], path: Path, *, decimal_comma: bool = False) -> list[Path]:
    """Every row that counts, with its session, run, procedure and device.

    Rows that were measured again after an interruption stay in their run files and are left out here. The
    columns are those of all runs together. A cell is empty (in Parquet null) where its run has no such
    column, and ``nan`` where it has one but the reading was invalid. Rows flagged ``resume-check`` are a
    temperature measured again after an interruption, to see what had changed; the plan's own points are the
    others.

    Parameters
    ----------
    sessions : as read; each is named by its folder, with the path where two folders have one name
    path : the file; Parquet where its name ends so
    decimal_comma : numbers as 1,5 and columns between semicolons; of a CSV

    Returns
    -------
    paths : the one file

    Raises
    ------
    ConfigError : Parquet where pyarrow is not installed, or with a decimal comma
    """
    if path.suffix != PARQUET:
        write_cells(path, _lines(sessions, decimal_comma), decimal_comma=decimal_comma)
    elif decimal_comma:
        raise ConfigError("--decimal-comma does not go with Parquet, whose numbers are no text")
    else:
        _write_parquet(sessions, path)
    return [path]


def _headings(sessions: Sequence[Session]) -> list[str]:
    runs = [run for session in sessions for run in session.runs]
    return list(dict.fromkeys(heading for run in runs for heading in run.rows.values))


def _runs(sessions: Sequence[Session]) -> Iterator[tuple[tuple[str, ...], list[RowRecorded]]]:
    """Session, run, procedure and device of every run, and its rows that count."""
    for name, session in zip(_names(sessions), sessions, strict=True):
        counted = {row.sequence for row in rows_that_count(session)}
        for run in session.runs:
            yield _first(name, run), [row for row in run.recorded_rows() if row.sequence in counted]


def _first(session: str, run: Run) -> tuple[str, ...]:
    return (session, run.name, run.header.procedure, run.header.device)


def _names(sessions: Sequence[Session]) -> list[str]:
    paths = [session.path.resolve() for session in sessions]
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [path.as_posix() for path in paths]


def _lines(sessions: Sequence[Session], decimal_comma: bool) -> Iterator[list[str]]:
    headings = _headings(sessions)
    yield [*FIRST_COLUMNS, *map(text_cell, headings), "flags"]
    for first, rows in _runs(sessions):
        told = [text_cell(text) for text in first]
        for row in rows:
            yield [
                *told,
                str(row.sequence),
                number_cell(row.time, decimal_comma=decimal_comma),
                row.utc,
                *(
                    number_cell(row.values[heading], decimal_comma=decimal_comma)
                    if heading in row.values
                    else ""
                    for heading in headings
                ),
                " ".join(sorted(row.flags)),
            ]


def _write_parquet(sessions: Sequence[Session], path: Path) -> None:
    """A row group a run, so that a table may be larger than the memory."""
    try:
        import pyarrow
        from pyarrow.parquet import ParquetWriter
    except ImportError:
        raise ConfigError("Parquet needs pyarrow, which the extra 'parquet' of qdlab installs") from None
    headings = _headings(sessions)
    schema = pyarrow.schema(
        [
            *((name, pyarrow.dictionary(pyarrow.int32(), pyarrow.string())) for name in FIRST_COLUMNS[:4]),
            ("sequence", pyarrow.int64()),
            ("time (s)", pyarrow.float64()),
            ("utc", pyarrow.timestamp("us", tz="UTC")),
            *((heading, pyarrow.float64()) for heading in headings),
            ("flags", pyarrow.string()),
        ]
    )
    with ParquetWriter(path, schema, compression="zstd") as writer:
        for first, rows in _runs(sessions):
            writer.write_table(pyarrow.table(_parquet_columns(first, rows, headings), schema=schema))


def _parquet_columns(
    first: tuple[str, ...], rows: Sequence[RowRecorded], headings: Sequence[str]
) -> dict[str, Any]:
    columns: dict[str, Any] = {
        name: [text] * len(rows) for name, text in zip(FIRST_COLUMNS, first, strict=False)
    }
    columns["sequence"] = [row.sequence for row in rows]
    columns["time (s)"] = [row.time for row in rows]
    columns["utc"] = [datetime.fromisoformat(row.utc) for row in rows]
    columns |= {heading: [row.values.get(heading) for row in rows] for heading in headings}
    columns["flags"] = [" ".join(sorted(row.flags)) for row in rows]
    return columns
