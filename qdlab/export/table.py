"""One tidy CSV of every row of the runs of any number of sessions."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qdlab.export.cells import number_cell, text_cell, write_cells
from qdlab.records import Run, Session
from qdlab.records.curves import rows_that_count

FIRST_COLUMNS = ("session", "run", "procedure", "device", "sequence", "time (s)", "utc")


def write_table(sessions: Sequence[Session], path: Path, *, decimal_comma: bool = False) -> list[Path]:
    """Every row that counts, with its session, run, procedure and device.

    Rows that were measured again after an interruption stay in their run files and are left out here. The
    columns are those of all runs together. A cell is empty where its run has no such column, and ``nan``
    where it has one but the reading was invalid.

    Parameters
    ----------
    sessions : as read; each is named by its folder, with the path where two folders have one name
    path : the file
    decimal_comma : numbers as 1,5 and columns between semicolons

    Returns
    -------
    paths : the one file
    """
    write_cells(path, _lines(sessions, decimal_comma), decimal_comma=decimal_comma)
    return [path]


def _lines(sessions: Sequence[Session], decimal_comma: bool) -> Iterator[list[str]]:
    runs = [run for session in sessions for run in session.runs]
    headings = list(dict.fromkeys(heading for run in runs for heading in run.rows.values))
    yield [*FIRST_COLUMNS, *map(text_cell, headings), "flags"]
    for name, session in zip(_names(sessions), sessions, strict=True):
        counted = {row.sequence for row in rows_that_count(session)}
        for run in session.runs:
            yield from _run_lines(name, run, counted, headings, decimal_comma)


def _names(sessions: Sequence[Session]) -> list[str]:
    paths = [session.path.resolve() for session in sessions]
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [path.as_posix() for path in paths]


def _run_lines(
    session: str, run: Run, counted: set[int], headings: list[str], decimal_comma: bool
) -> Iterator[list[str]]:
    first = [text_cell(text) for text in (session, run.name, run.header.procedure, run.header.device)]
    for row in run.recorded_rows():
        if row.sequence not in counted:
            continue
        yield [
            *first,
            str(row.sequence),
            number_cell(row.time, decimal_comma=decimal_comma),
            row.utc,
            *(
                number_cell(row.values[heading], decimal_comma=decimal_comma) if heading in row.values else ""
                for heading in headings
            ),
            " ".join(sorted(row.flags)),
        ]
