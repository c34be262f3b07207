"""``qdlab verify``: whether a session is what was recorded."""

from pathlib import Path
from typing import Annotated

import typer


def verify(
    session: Annotated[Path, typer.Argument(help="The session's folder.", show_default=False)],
) -> None:
    """Check every row and hash of a session; exit 0 intact, 1 damaged, 2 not a session."""
    from qdlab.records import verify_session

    found = verify_session(session)
    for run in found.runs:
        print(f"{run.name}: {run.rows} rows, {run.end}")
    for remark in found.remarks:
        print(f"note: {remark}")
    for finding in found.findings:
        print(f"damaged: {finding}")
    state = "still being recorded" if found.recording else found.end
    counts = f"{len(found.runs)} runs, {found.rows} rows, {found.entries} journal entries"
    print(f"{session}: {'intact' if found.intact else 'DAMAGED'}, {state}; {counts}")
    if not found.intact:
        raise typer.Exit(1)
