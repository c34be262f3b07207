"""``qdlab gui``: the lab window."""

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qdlab.collector import collector_at_rest
from qdlab.errors import ConfigError

if TYPE_CHECKING:
    from qdlab.gui.widgets import Mode

_NAMES_A_SCREEN = ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")


def gui(
    session: Annotated[Path | None, typer.Argument(help="A recorded session to replay.")] = None,
    bench: Annotated[str, typer.Option(help="A bench file, or sim: the simulated bench.")] = "sim",
    output: Annotated[
        Path, typer.Option(help="Folder for the sessions of plans started in the window.")
    ] = Path("qdlab-sessions"),
    dark: Annotated[bool, typer.Option("--dark", help="The dark palette.")] = False,
) -> None:
    """Open the lab window: run plans on a bench and follow them, or replay a recorded session."""
    _require_screen()
    with collector_at_rest():
        from qdlab.gui.app import open_bench_window, open_replay_window, run_window, window_settings
        from qdlab.paths import runtime_directory
    gc.freeze()

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


def _require_screen() -> None:
    """Qt aborts the process where there is no screen, which would leave only its own words to go by."""
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in _NAMES_A_SCREEN):
        raise ConfigError(
            "gui: no screen here (DISPLAY and WAYLAND_DISPLAY are not set); open it on the desktop, "
            "or measure without a window: qdlab run PLAN"
        )
