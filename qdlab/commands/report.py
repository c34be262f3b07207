"""``qdlab report``: a self-contained HTML page per session."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    sessions: Annotated[list[Path], typer.Argument(help="Session folders.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option(help="The HTML file, for one session; else report.html in each session.")
    ] = None,
) -> None:
    """Analyse sessions and write their reports."""
    from qdlab.errors import ConfigError
    from qdlab.report import write_session_report

    if output is not None and len(sessions) > 1:
        raise ConfigError("--output names one file; leave it out for several sessions")
    for session in sessions:
        path = session / "report.html" if output is None else output
        write_session_report(session, path)
        print(path)
