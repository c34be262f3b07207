"""``qdlab demo``: the paper's campaign on the simulated bench, with progress, a table and a report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from qdlab.control import Progress
    from qdlab.demo import DemoResult
    from qdlab.events import Event

DEFAULT_OUTPUT = Path("qdlab-sessions")


def demo(
    output: Annotated[
        Path, typer.Option("--output", help="Folder of the session's folder.")
    ] = DEFAULT_OUTPUT,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Of all noise; the same seed, the same numbers.")
    ] = 0,
) -> None:
    """Measure the paper's two devices on the simulated bench, analyse, and report what comes back."""
    from rich.console import Console

    from qdlab.demo import run_demo

    console = Console()
    console.print("The campaign of Li et al. 2024 on the simulated bench: no hardware, simulated time.")
    with _Display(console) as display:
        result = run_demo(output, seed=seed, listener=display.hear, saying=display.say)
    print_table(console, result)
    console.print(f"Session: {result.session}", soft_wrap=True)
    console.print(f"Report:  {result.report}", soft_wrap=True)
    if not all(one.is_accounted_for for one in result.quantities):
        raise typer.Exit(1)


class _Display:
    """A bar for the points, and what happens now in words."""

    def __init__(self, console: "Console") -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            TextColumn("{task.percentage:>3.0f} %"),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=1.0)

    def __enter__(self) -> "_Display":
        self._bar.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._bar.stop()

    def hear(self, what: "Event | Progress") -> None:
        from qdlab.control import Progress

        if isinstance(what, Progress):
            words = f"{what.step}: {what.state}" if what.step else what.state
            self._bar.update(self._task, completed=what.share, description=words)

    def say(self, words: str) -> None:
        self._bar.update(self._task, completed=1.0, description=words)


def print_table(console: "Console", result: "DemoResult") -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("quantity")
    for heading in ("put in", "recovered", "printed"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for one in result.quantities:
        table.add_row(*map(Text, one.cells()))
    console.print("Put into the simulation, recovered with its standard error, printed in the paper:")
    console.print(table)
    told = set()
    for one in result.quantities:
        if one.verdict.advice and one.verdict.advice not in told:
            told.add(one.verdict.advice)
            console.print(f"{one.label}: {one.verdict.advice}", markup=False)
