"""Long work in a process of its own: the window's interpreter has nothing of it."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any


def away(function: Callable[..., Any], *arguments: object) -> Any:
    """What a function of a module gives in a new process; called from a thread that may wait.

    What it raises is raised here.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(function, *arguments).result()


def write_report(session: Path, file: Path) -> None:
    """The report of a session; what draws it takes a third of the window's start to import, so not there."""
    from qdlab.report import write_session_report

    write_session_report(session, file)
