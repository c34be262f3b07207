"""``qdlab note``: an operator's note into a session's journal."""

from pathlib import Path
from typing import Annotated

import typer


def note(
    session: Annotated[Path, typer.Argument(help="The session's folder.", show_default=False)],
    text: Annotated[str, typer.Argument(help="What to remember, in quotes.", show_default=False)],
) -> None:
    """Write a note, with the time, into the journal of a session that is not being recorded right now."""
    from qdlab.machine_clock import MachineClock
    from qdlab.records.reopen import add_note

    entry = add_note(session, text, clock=MachineClock())
    print(f"{entry.utc} noted in {session}")
