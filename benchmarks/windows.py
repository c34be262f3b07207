"""Windows that are closed or killed while a run goes on, and runners killed under a window that watches them.

The simulated bench runs in a process of its own and its wire log is the witness of what was left on.
"""

import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtCore import QSettings

from benchmarks.gui import until
from benchmarks.safety import DEVICE, Lab
from qdlab.gui.app import open_bench_window
from qdlab.gui.bench_window import BenchWindow
from qdlab.gui.closing import Closing, remember
from qdlab.lock import HeldFile, LockFacts, read_lock
from qdlab.protocol import Client, RunnerGone
from qdlab.records import verify_session

SEED = 11
PLAN = """
name = "curve"
[devices]
pixel = "{device}"
[[steps]]
kind = "jv_sweep"
voltages = {{ start = "0 V", stop = "1 V", points = {points} }}
settling_time = "1 ms"
power_line_cycles = 0.1
compliance_current = "20 mA"
"""
WINDOW = """
import sys, threading
from pathlib import Path
from PyQt6.QtCore import QObject, QSettings, pyqtSignal
from qdlab.gui.app import application, open_bench_window

bench, runtime, plan, sessions, settings = sys.argv[1:]
window = open_bench_window(
    "lab", bench, Path(runtime), mode="HARDWARE", output=Path(sessions),
    settings=QSettings(settings, QSettings.Format.IniFormat),
)
window.show()
window._link.start_plan(Path(plan), Path(sessions))

class Told(QObject):
    close = pyqtSignal()

told = Told()
told.close.connect(window.close)
threading.Thread(target=lambda: (sys.stdin.readline(), told.close.emit()), daemon=True).start()
sys.exit(application().exec())
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one run: its end, rows measured and planned, what was left on, when it was found [s]."""

    end: str
    rows: int
    planned: int
    left_on: int
    intact: bool
    found_after: float = 0.0

    @property
    def whole(self) -> bool:
        return self.end == "finished" and self.rows == self.planned and self.intact


def measure(full: bool = False) -> list[dict[str, str]]:
    """Closes and kills of a window, and kills of the runner it watches, at random moments of a curve."""
    if not hasattr(signal, "SIGKILL"):
        return [
            {
                "figure": "closes and kills of a window",
                "goal": "",
                "measured": "needs signals of POSIX",
                "peer": "",
            }
        ]
    kills, closes, ends, runners, points = (15, 10, 5, 10, 250) if full else (2, 1, 1, 1, 100)
    draw = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder, WindowLab(Path(folder), points) as lab:
        went_on = [lab.window_gone(draw, _kill) for _ in range(kills)]
        went_on += [lab.window_gone(draw, _close, closing="goes on") for _ in range(closes)]
        ended = [lab.window_gone(draw, _close, closing="ends") for _ in range(ends)]
        watched = [lab.runner_killed(draw) for _ in range(runners)]
    found = [outcome.found_after for outcome in went_on]
    return [
        {
            "figure": f"{kills} windows killed, {closes} closed during a run: it went on to its end",
            "goal": "all, 0 left on, a new window attaches",
            "measured": f"{sum(outcome.whole for outcome in went_on)} of {len(went_on)} whole,"
            f" {sum(outcome.left_on for outcome in went_on)} left on; found by a new window after"
            f" {statistics.median(found):.1f} s, worst {max(found):.1f} s",
        },
        {
            "figure": f"{ends} windows closed that were to end their run",
            "goal": "all end safely, 0 left on",
            "measured": f"{sum(one.end == 'aborted' and one.intact for one in ended)} of {ends} ended safely,"
            f" {sum(one.left_on for one in ended)} left on",
        },
        {
            "figure": f"{runners} runners killed under a window: it says so",
            "goal": "all, 0 left on",
            "measured": f"{sum(one.end == 'interrupted' and one.intact for one in watched)} of {runners}"
            f" told, {sum(one.left_on for one in watched)} left on",
        },
    ]


def _kill(window: subprocess.Popen[str]) -> None:
    window.kill()


def _close(window: subprocess.Popen[str]) -> None:
    assert window.stdin is not None
    window.stdin.write("close\n")
    window.stdin.flush()


class WindowLab(Lab):
    """The bench over TCP, with windows on it that measure curves of so many points."""

    def __init__(self, folder: Path, points: int) -> None:
        super().__init__(folder)
        self._points = points
        os.environ["QDLAB_DATA_DIR"] = str(folder / "data")
        self._plan.write_text(PLAN.format(device=DEVICE.as_posix(), points=points), encoding="utf-8")
        self._runtime, self._sessions = folder / "run", folder / "sessions"
        self._settings = folder / "window.ini"
        self._outputs: dict[str, bool] = {}

    def _read(self) -> list[dict[str, Any]]:
        """What is new on the wire, with an eye on what is switched on."""
        lines = super()._read()
        self._outputs |= {line["box"]: bool(line["output"]) for line in lines if "output" in line}
        return lines

    def window_gone(
        self,
        draw: random.Random,
        harm: Callable[[subprocess.Popen[str]], None],
        *,
        closing: Closing | None = None,
    ) -> Outcome:
        """A window starts a run and goes at a random moment of it; what became of the run."""
        settings = QSettings(str(self._settings), QSettings.Format.IniFormat)
        remember(settings, closing)
        settings.sync()
        self._read()
        words = [
            str(self._bench),
            str(self._runtime),
            str(self._plan),
            str(self._sessions),
            str(self._settings),
        ]
        with subprocess.Popen(
            [sys.executable, "-P", "-c", WINDOW, *words],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as window:
            self._outputs_on(window)
            facts = self._facts()
            self._wait_for_lines(draw.randrange(5, 4 * self._points))
            harm(window)
            window.wait(timeout=60)
        found = 0.0 if closing == "ends" else self._found_again()
        return self._outcome(facts, found)

    def runner_killed(self, draw: random.Random) -> Outcome:
        """A runner is killed under a window that watches it; what the window makes of that."""
        self._read()
        window = self._open()
        window._link.start_plan(self._plan, self._sessions)
        until(lambda: any(line.get("output") is True for line in self._read()))
        facts = self._facts()
        seen = draw.randrange(1, self._points // 2)
        until(lambda: _rows(window) >= seen)
        os.kill(facts.pid, signal.SIGKILL)
        until(lambda: "runner has ended" in window._bar.run.words.text())
        window.leave()
        return self._outcome(facts, 0.0)

    def _open(self) -> BenchWindow:
        window = open_bench_window(
            "lab", str(self._bench), self._runtime, mode="HARDWARE", output=self._sessions
        )
        assert isinstance(window, BenchWindow)
        window.show()
        return window

    def _found_again(self) -> float:
        """Until a new window shows rows of the run, its own start included [s]."""
        begun = time.perf_counter()
        window = self._open()
        until(lambda: _rows(window) > 0)
        found = time.perf_counter() - begun
        window.leave()
        return found

    def _outputs_on(self, window: subprocess.Popen[str]) -> None:
        while not any(line.get("output") is True for line in self._read()):
            if window.poll() is not None:
                raise RuntimeError(f"a window ended by itself with {window.returncode}")
            time.sleep(0.001)

    def _facts(self) -> LockFacts:
        facts = read_lock("lab", self._runtime)
        assert facts is not None
        return facts

    def _outcome(self, facts: LockFacts, found: float) -> Outcome:
        """Wait for the run's end, then look at the wire and the disk."""
        session = self._end(facts)
        self._until_quiet()
        found_there = verify_session(session)
        return Outcome(
            end=found_there.end,
            rows=found_there.rows,
            planned=self._points,
            left_on=sum(self._outputs.values()),
            intact=found_there.intact,
            found_after=found,
        )

    def _end(self, facts: LockFacts) -> Path:
        """Let the run come to its end, then the runner; the session it wrote."""
        try:
            client = Client.attach(facts, name="benchmark")
            while client.request("state")["state"] == "running":
                time.sleep(0.05)
            client.send("quit")
            client.close()
        except RunnerGone:
            pass
        alone = HeldFile(self._runtime / "lab.lock")
        alone.hold(patience=60.0)
        alone.release()
        return max(self._sessions.iterdir(), key=lambda path: path.stat().st_mtime)


def _rows(window: BenchWindow) -> int:
    return 0 if window._picture is None else window._picture.screen.rows
