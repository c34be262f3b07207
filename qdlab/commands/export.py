"""``qdlab export``: sessions for other programs."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    sessions: Annotated[
        list[Path], typer.Argument(help="Sessions, or folders of sessions.", show_default=False)
    ],
    to: Annotated[str, typer.Option("--to", help="origin, pymeasure, nexus or table.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder (origin, pymeasure) or file (nexus; table: .csv or .parquet); "
            "else the session's exports."
        ),
    ] = None,
    decimal_comma: Annotated[
        bool, typer.Option("--decimal-comma", help="Numbers as 1,5 between semicolons (origin, table).")
    ] = False,
) -> None:
    """Write sessions in the form of another program; a table may hold several sessions."""
    from qdlab.batch import find_sessions
    from qdlab.errors import ConfigError
    from qdlab.export import FORMS, export_sessions
    from qdlab.records import open_session

    form = next((known for known in FORMS if known == to), None)
    if form is None:
        raise ConfigError(f"--to {to!r} is not one of {', '.join(FORMS)}")
    found = [one for path in sessions for one in find_sessions([path]) or [path]]
    read = [open_session(path) for path in found]
    for path in export_sessions(read, form, output, decimal_comma=decimal_comma):
        print(path)
