"""``qdlab gui``: the lab window."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from qdlab.gui.widgets import Mode


def gui(
    session: Annotated[Path | None, typer.Argument(help="A recorded session to replay.")] = None,
    bench: Annotated[str, typer.Option(help="A bench file, or sim: the simulated bench.")] = "sim",
    output: Annotated[
        Path, typer.Option(help="Folder for the sessions of plans started in the window.")
    ] = Path("qdlab-sessions"),
    dark: Annotated[bool, typer.Option("--dark", help="The dark palette.")] = False,
) -> None:
    """Open the lab window: run plans on a bench and follow them, or replay a recorded session."""
    from qdlab.gui.app import open_bench_window, open_replay_window, run_window, window_settings
    from qdlab.paths import runtime_directory

    settings = window_settings()
    if session is not None:
        window = open_replay_window(session, dark=dark, settings=settings)
    else:
        from qdlab.config import load_bench

        config = load_bench(bench)
        mode: Mode = "SIMULATION" if config.kind == "simulation" else "HARDWARE"
        source = bench if bench == "sim" else str(Path(bench).resolve())
        window = open_bench_window(
            config.name, source, runtime_directory(), mode=mode, output=output, dark=dark, settings=settings
        )
    raise typer.Exit(run_window(window))
