"""One PyMeasure results file a run: its parameters, what held beside them as metadata, and every row."""

from collections.abc import Iterator
from pathlib import Path

from qdlab.config.steps import known_procedures
from qdlab.export.cells import number_cell, text_cell
from qdlab.records import Run, Session

_CLASSES = {known.file_name: f"{known.__module__}.{known.__qualname__}" for known in known_procedures()}


def write_pymeasure(session: Session, folder: Path) -> list[Path]:
    """Every run of a session as ``Results.load(path, procedure_class=...)`` of PyMeasure reads it.

    Parameters
    ----------
    session : as read
    folder : made where missing

    Returns
    -------
    paths : the files, named like the runs
    """
    folder.mkdir(exist_ok=True)
    paths = []
    for run in session.runs:
        path = folder / f"{run.name}.csv"
        recorded = session.path / "runs" / path.name
        path.write_text("\n".join([*_lines(run, recorded), ""]), encoding="utf-8", newline="\n")
        paths.append(path)
    return paths


def _lines(run: Run, recorded: Path) -> Iterator[str]:
    procedure = run.header.procedure
    yield f"#Procedure: <{_CLASSES.get(procedure, procedure)}>"
    yield "#Parameters:"
    yield from _parameter_lines(recorded)
    yield "#Metadata:"
    yield f"#\tDevice: {_one_line(run.header.device)}"
    yield f"#\tRun: {run.name}"
    yield f"#\tStarted: {run.utc}"
    yield f"#\tEnd: {run.end}"
    yield "#Data:"
    yield ",".join(["sequence", "time (s)", "utc", *map(text_cell, run.rows.values), "flags"])
    for row in run.recorded_rows():
        values = ",".join(map(number_cell, row.values.values()))
        yield f"{row.sequence},{row.time!r},{row.utc},{values},{' '.join(sorted(row.flags))}"


def _one_line(text: str) -> str:
    """The text as PyMeasure writes one: a line feed in it, say, as ``\\n``."""
    return text.encode("unicode_escape").decode("ascii")


def _parameter_lines(recorded: Path) -> list[str]:
    """The parameters as the run file prints them, each number with its unit."""
    lines = []
    with recorded.open(encoding="utf-8", newline="\n") as stream:
        for line in stream:
            if line.startswith("#Data:"):
                break
            if line.startswith("#\t"):
                lines.append(line.rstrip("\n"))
    return lines
