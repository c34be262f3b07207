"""``qdlab report``: a self-contained HTML page per session, or one of several sessions side by side."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    sessions: Annotated[
        list[Path], typer.Argument(help="Sessions, or folders of sessions.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="The HTML file; several sessions share it. Else report.html in each session."),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="A folder for every figure of the page as SVG and PDF, with its numbers as CSV."),
    ] = None,
) -> None:
    """Analyse sessions and write their reports: each its own, or with --output one that compares them."""
    from qdlab.batch import analyse_session, find_sessions
    from qdlab.errors import ConfigError
    from qdlab.paths import require_folder_for
    from qdlab.report import write_session_report

    for target in filter(None, (output, figures)):
        require_folder_for(target)
    found = [one for path in sessions for one in find_sessions([path]) or [path]]
    if len(found) > 1 and output is not None:
        from qdlab.report_many import write_sessions_report

        outcomes = [analyse_session(path) for path in found]
        write_sessions_report(outcomes, output, figures=figures)
        print(output)
        failed = [outcome for outcome in outcomes if outcome.problem]
        for outcome in failed:
            print(f"{outcome.session}: {outcome.problem}")
        raise typer.Exit(1 if failed else 0)
    if len(found) > 1 and figures is not None:
        raise ConfigError("--figures needs --output for several sessions, so that one page holds them")
    for session in found:
        page = session / "report.html" if output is None else output
        write_session_report(session, page, figures=figures)
        print(page)
