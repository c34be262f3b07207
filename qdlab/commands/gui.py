"""``qdlab gui``: the lab window."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from qdlab.gui.widgets import Mode


def gui(
    session: Annotated[Path | None, typer.Argument(help="A recorded session to replay.")] = None,
    bench: Annotated[str, typer.Option(help="A bench file, or sim: the simulated bench.")] = "sim",
    dark: Annotated[bool, typer.Option("--dark", help="The dark palette.")] = False,
) -> None:
    """Open the lab window: follow a bench's runs, or replay a recorded session."""
    from qdlab.gui.app import open_bench_window, open_replay_window, run_window
    from qdlab.paths import runtime_directory

    if session is not None:
        window = open_replay_window(session, dark=dark)
    else:
        from qdlab.config import load_bench

        config = load_bench(bench)
        mode: Mode = "SIMULATION" if config.kind == "simulation" else "HARDWARE"
        window = open_bench_window(config.name, runtime_directory(), mode=mode, dark=dark)
    raise typer.Exit(run_window(window))
