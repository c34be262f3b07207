"""One CSV a run with the three header rows of an Origin worksheet: Long Name, Units, Comments.

A reading that was invalid is an empty cell, which Origin takes for a missing value.
"""

import math
from collections.abc import Iterator
from pathlib import Path

from qdlab.export.cells import number_cell, split_heading, text_cell, write_cells
from qdlab.records import Run, Session


def write_origin(session: Session, folder: Path, *, decimal_comma: bool = False) -> list[Path]:
    """Every run of a session; the comments name its device, its procedure and its temperature set point.

    Parameters
    ----------
    session : as read
    folder : made where missing
    decimal_comma : numbers as 1,5 and columns between semicolons

    Returns
    -------
    paths : the files, named like the runs
    """
    folder.mkdir(exist_ok=True)
    paths = []
    for run in session.runs:
        path = folder / f"{run.name}.csv"
        write_cells(path, _lines(run, decimal_comma), decimal_comma=decimal_comma)
        paths.append(path)
    return paths


def _lines(run: Run, decimal_comma: bool) -> Iterator[list[str]]:
    split = [split_heading(heading) for heading in run.rows.values]
    yield ["sequence", "time", "utc", *(text_cell(name) for name, _ in split), "flags"]
    yield ["", "s", "", *(text_cell(unit) for _, unit in split), ""]
    yield [text_cell(_comment(run))] * (len(split) + 4)
    for row in run.recorded_rows():
        yield [
            str(row.sequence),
            number_cell(row.time, decimal_comma=decimal_comma),
            row.utc,
            *(
                "" if math.isnan(value) else number_cell(value, decimal_comma=decimal_comma)
                for value in row.values.values()
            ),
            " ".join(sorted(row.flags)),
        ]


def _comment(run: Run) -> str:
    setpoint = run.header.conditions.get("Temperature setpoint")
    told = f", {setpoint:g} K" if isinstance(setpoint, int | float) else ""
    return f"{run.header.device}, {run.header.procedure}{told}"
