"""Pictures of the window as they stand in README and ``examples``: ``python -m benchmarks._pictures FOLDER``.

A replay of the demo and a live run of its plan on the simulated bench, each small and large, light and dark.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qdlab.live.picture import Picture

SMALL, LARGE = (1366, 768), (2560, 1440)
PATIENCE = 180.0  # [s]
SETTLED = 3.0  # [s]; for what is drawn a panel at a time


def main(folder: Path) -> None:
    """Write all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as kept:
        for name in ("RUNTIME", "DATA", "LOG"):
            os.environ[f"QDLAB_{name}_DIR"] = str(Path(kept) / name.lower())
        session = _live(Path(kept), folder / "lab-window-live.png", SMALL, dark=True, share=0.8)
        _live(Path(kept), folder / "lab-window-live-large.png", LARGE, dark=False, share=0.8)
        _replay(session, folder / "lab-window.png", SMALL, dark=False, tab="TEL")
        _replay(session, folder / "lab-window-dark.png", LARGE, dark=True, tab="EGDM")


def _live(kept: Path, file: Path, size: tuple[int, int], *, dark: bool, share: float) -> Path:
    """The window while the demo's plan is measured, at this share of its points; the session it made."""
    from qdlab.gui.app import application, open_bench_window
    from qdlab.paths import runtime_directory

    output = kept / file.stem
    window = open_bench_window("sim", "sim", runtime_directory(), mode="SIMULATION", output=output, dark=dark)
    window.resize(*size)
    window.show()
    shares = [0.0]
    window._link.progressed.connect(lambda progress: shares.append(float(progress["share"])))
    window.open_plan(Path(str(files("qdlab.demo_files"))) / "plan-paper.toml")
    _until(lambda: window._panel.queue.next is not None)
    sheet = window.prepare()
    _until(lambda: sheet is not None and sheet.start.isEnabled())
    sheet.start.click()
    _until(lambda: shares[-1] >= share)
    application().processEvents()  # what was just said finds its place
    window.grab().save(str(file), "PNG", 0)
    _until(lambda: window._panel.queue.running is None)
    window._link.command("quit")
    window.leave()
    return next(path.parent for path in output.glob("*/session.toml"))


def _replay(session: Path, file: Path, size: tuple[int, int], *, dark: bool, tab: str) -> None:
    """The window on a recorded session, at its end."""
    from PyQt6.QtWidgets import QDockWidget

    from qdlab.gui.app import open_replay_window

    window = open_replay_window(session, dark=dark)
    window.resize(*size)
    window.show()
    for dock in window.docks.findChildren(QDockWidget):
        if dock.windowTitle() == tab:
            dock.raise_()
    window.disorder.tabs.setCurrentIndex(window.disorder.tabs.count() - 1)
    window._opened.bar.sought.emit(1.0)
    _until(lambda: _is_fitted(window._picture))
    end = time.monotonic() + SETTLED
    _until(lambda: time.monotonic() > end)
    window.grab().save(str(file), "PNG", 0)
    window.leave()


def _is_fitted(picture: "Picture | None") -> bool:
    return picture is not None and bool(picture.disorder) and not picture.fitting


def _until(true: Callable[[], bool]) -> None:
    from qdlab.gui.app import application

    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("the window did not come to what was to be seen")
        application().processEvents()
        time.sleep(0.005)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
