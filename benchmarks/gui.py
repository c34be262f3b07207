"""How quick the lab window is, and whether it stays so under load; offscreen, with everything it does."""

import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtCore import QMessageLogContext, QTimer, QtMsgType, qInstallMessageHandler
from PyQt6.QtWidgets import QDockWidget

from benchmarks.records.speed import TEL_COLUMNS, tel_row
from benchmarks.records.trials import jv_header, jv_row, new_session
from procedures import columns
from qdlab.events import TelemetryRecorded
from qdlab.gui.app import application, open_replay_window
from qdlab.gui.main_window import MainWindow
from qdlab.gui.panels.temperature import TemperaturePanel
from qdlab.gui.theme import LIGHT
from qdlab.gui.transport import TransportBar
from qdlab.gui.worker import ScreenWorker
from qdlab.live import session as live
from qdlab.live import temperature
from qdlab.live.picture import Picture
from qdlab.live.session import SessionScreen
from qdlab.records import RunFeed

Row = dict[str, str]
TICK = 5  # [ms] between two looks at the event loop
PATIENCE = 300.0  # [s]; an upper bound for a busy machine


def _tell(kind: QtMsgType, context: QMessageLogContext, text: str | None) -> None:
    """What Qt has to say, but that a screen which is none cannot hold windows to their sizes."""
    if text != "This plugin does not support propagateSizeHints()":
        print(text, file=sys.stderr)


qInstallMessageHandler(_tell)


def measure(full: bool = False) -> list[Row]:
    """Start, latency of a row, stalls under load, seeking, memory."""
    rows = 100_000 if full else 30_000
    with tempfile.TemporaryDirectory() as folder:
        os.environ["QDLAB_RUNTIME_DIR"] = os.environ["QDLAB_LOG_DIR"] = folder
        session = _long_night(Path(folder) / "night", rows)
        return [
            _ready(Path(folder), 10 if full else 3),
            _new_row(Path(folder), 100 if full else 20),
            *_replayed(session, rows),
            _unseen(session, rows, all_panels=True),
            _unseen(session, rows, all_panels=False),
            _strip(86_400 // 2 if full else 20_000),
        ]


def _ready(folder: Path, trials: int) -> Row:
    """From the start of the process to the first painted window, interpreter included."""
    code = (
        "from pathlib import Path\n"
        "from qdlab.collector import collector_at_rest\n"
        "with collector_at_rest():\n"
        "    from qdlab.gui.app import application, open_bench_window\n"
        f"folder = Path({str(folder)!r})\n"
        "window = open_bench_window('sim', 'sim', folder, mode='SIMULATION', output=folder)\n"
        "window.show()\n"
        "application().processEvents()\n"
        "window.grab()\n"
        "window.close()\n"
    )
    taken = []
    for _ in range(trials):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-P", "-c", code], check=True, stderr=subprocess.DEVNULL)
        taken.append(time.perf_counter() - started)
    return {
        "figure": f"window ready, whole process, {trials} starts",
        "goal": "< 2 s",
        "measured": f"median {np.median(taken):.2f} s, worst {max(taken):.2f} s",
    }


def _new_row(folder: Path, trials: int) -> Row:
    """From the end of the disk sync until the window has the row's picture; rows come at any moment."""
    writer = new_session(folder / "growing")
    run = writer.open_run(jv_header())
    worker = ScreenWorker(_Following(writer.path))
    seen: list[int] = []

    def draw(picture: object) -> None:
        seen.append(picture.screen.rows)  # type: ignore[attr-defined]
        worker.picture_drawn()

    worker.picture_ready.connect(draw)
    worker.start()
    taken = []
    random = np.random.default_rng(7)
    for number, voltage in enumerate(np.geomspace(0.1, 7.0, trials).tolist(), start=1):
        _let_run(float(random.uniform(0.05, 0.25)))
        run.write(jv_row(voltage))
        started = time.perf_counter()
        until(partial(_has_seen, seen, number))
        taken.append(time.perf_counter() - started)
    worker.stop()
    run.end("finished")
    writer.close()
    return {
        "figure": f"a row on the disk until its picture is there, {trials} rows",
        "goal": "< 100 ms",
        "measured": f"median {1e3 * np.median(taken):.0f} ms, worst {1e3 * max(taken):.0f} ms",
    }


def _has_seen(seen: list[int], rows: int) -> bool:
    return bool(seen) and seen[-1] >= rows


def _replayed(session: Path, rows: int) -> Iterator[Row]:
    started = time.perf_counter()
    window = open_replay_window(session)
    window.resize(1920, 1080)
    window.show()
    opened = time.perf_counter() - started
    _show_every_dock(window)
    with _stalls() as stalls:
        window.findChild(TransportBar).speed.setCurrentText("max")
        begun = time.perf_counter()
        until(lambda: window._opened.worker._place is not None and window._opened.worker._place[0] == 1.0)
        played = time.perf_counter() - begun
    milliseconds = 1e3 * np.array(stalls)
    yield {
        "figure": f"event loop while {rows} rows replay at maximum speed, all panels, refitting",
        "goal": "<= 100 ms p99, <= 500 ms worst",
        "measured": f"p99 {np.percentile(milliseconds, 99):.0f} ms, worst {milliseconds.max():.0f} ms "
        f"({played:.0f} s; opened in {opened:.1f} s)",
    }
    yield _sought(window, f"seek among {rows} rows until all panels have drawn it", 20)
    window.close()


def _unseen(session: Path, rows: int, *, all_panels: bool) -> Row:
    """Seeks in a session just opened, to where no replay has been before."""
    window = open_replay_window(session)
    window.resize(1920, 1080)
    window.show()
    if all_panels:
        _show_every_dock(window)
    window.findChild(TransportBar).play.setChecked(False)
    panels = "all panels" if all_panels else "panels as at first"
    found = _sought(window, f"the same in a session of {rows} rows just opened, {panels}", 10)
    window.close()
    return found


def _sought(window: MainWindow, figure: str, trials: int) -> Row:
    taken = [_seek(window, share) for share in np.random.default_rng(1).uniform(0, 1, trials).tolist()]
    drawn, whole = np.array(taken).T
    return {
        "figure": figure,
        "goal": "< 0.3 s",
        "measured": f"median {np.median(drawn):.2f} s, worst {drawn.max():.2f} s;"
        f" with every result median {np.median(whole):.2f} s, worst {whole.max():.2f} s",
    }


def _seek(window: MainWindow, share: float) -> tuple[float, float]:
    """Time until the place sought has been drawn, and until nothing of it is still to be worked out."""
    worker, turns = window._opened.worker, window._turns
    shown: list[Picture] = []
    drawn: list[float] = []
    wanted: list[bool] = []
    started = time.perf_counter()

    def asked(screens: object) -> None:
        screens.seek(share)  # type: ignore[attr-defined]
        wanted.append(True)

    def look(picture: Picture) -> None:
        if wanted:
            shown.append(picture)

    def done() -> None:
        if shown:
            drawn.append(time.perf_counter() - started)

    worker.picture_ready.connect(look)
    turns.done.connect(done)
    worker.wish(asked, newest_of="seek")
    until(lambda: bool(drawn) and not shown[-1].pending)
    worker.picture_ready.disconnect(look)
    turns.done.disconnect(done)
    return drawn[0], drawn[-1]


def _strip(readings: int) -> Row:
    """Memory for a day's telemetry, one reading every two seconds, drawn now and then."""
    panel = TemperaturePanel(LIGHT)
    panel.resize(800, 250)
    panel.show()
    screen = live.initial({}).temperature
    before, half = 0.0, 0.0
    tracemalloc.start()
    for number in range(readings):
        screen = temperature.fold(screen, _reading(number))
        if number % 500 == 0:
            panel.show_screen(screen)
            application().processEvents()
        if number == readings // 10:
            before = _memory()
        if number == readings // 2:
            half = _memory()
    end = _memory()
    tracemalloc.stop()
    return {
        "figure": f"memory over a temperature strip of {readings} readings",
        "goal": "flat",
        "measured": f"{before:.1f} MB after a tenth, {half:.1f} MB after half, {end:.1f} MB at the end",
    }


class _Following:
    """What a session being recorded shows, without asking a runner for it."""

    position = (1.0, "")

    def __init__(self, path: Path) -> None:
        self._feed = RunFeed(path, follow=True)
        self._screen = live.initial(self._feed.devices)

    def advance(self, elapsed: float) -> SessionScreen:
        for event in self._feed.poll():
            self._screen = live.fold(self._screen, event)
        return self._screen


def _long_night(folder: Path, rows: int) -> Path:
    """A fifth of the rows are sweeps at eight temperatures, the others pulses: repeats of ten series."""
    session = new_session(folder)
    random = np.random.default_rng(3)
    for number in range(rows // 1000):
        kelvin = 297.0 - 10 * (number % 8)
        run = session.open_run(jv_header())
        session.telemetry({columns.STAGE_TEMPERATURE: kelvin, columns.TEMPERATURE_SETPOINT: kelvin})
        scale = 1e-6 * np.exp(-3000 * (1 / kelvin - 1 / 297))
        voltages = np.geomspace(0.1, 7.0, 200)
        noise = 1 + 0.003 * random.standard_normal(voltages.size)
        run.write_many(
            ({**jv_row(volts, scale * wrong), columns.SAMPLE_TEMPERATURE: kelvin}, ())
            for volts, wrong in zip(voltages.tolist(), noise.tolist(), strict=True)
        )
        run.end("finished")
        session.journal("note", f"sweep {number} done")
    for _ in range(16):
        run = session.open_run(jv_header(procedure="TELSeries", columns=TEL_COLUMNS))
        widths = np.tile(np.linspace(2e-6, 1e-4, 50), rows * 4 // 5 // 16 // 500)
        for amplitude in np.linspace(4, 8, 10).tolist():
            run.write_many(
                ({**tel_row(width), columns.PULSE_AMPLITUDE: amplitude}, ()) for width in widths.tolist()
            )
        run.end("finished")
    session.close()
    return session.path


def _reading(number: int) -> TelemetryRecorded:
    kelvin = 297.0 - 40.0 * np.sin(number / 5000)
    values = {columns.TEMPERATURE_SETPOINT: kelvin, columns.STAGE_TEMPERATURE: kelvin + 0.02}
    return TelemetryRecorded(
        sequence=number, time=2.0 * number, utc="2026-11-22T08:00:00.000Z", values=values, flags=frozenset()
    )


def _show_every_dock(window: MainWindow) -> None:
    """Every panel beside the others instead of behind them, so that all of them are drawn."""
    for dock in window.docks.findChildren(QDockWidget):
        dock.setFloating(True)
        dock.show()


@contextmanager
def _stalls() -> Iterator[list[float]]:
    """How late a timer of the event loop was, each time [s]."""
    late: list[float] = []
    last = [time.perf_counter()]

    def tick() -> None:
        now = time.perf_counter()
        late.append(max(now - last[0] - TICK / 1000, 0.0))
        last[0] = now

    timer = QTimer()
    timer.timeout.connect(tick)
    timer.start(TICK)
    try:
        yield late
    finally:
        timer.stop()


def until(reached: Callable[[], bool]) -> None:
    """Let the event loop run until something is so."""
    end = time.perf_counter() + PATIENCE
    while not reached():
        application().processEvents()
        time.sleep(0.001)
        if time.perf_counter() > end:
            raise TimeoutError("the window did not get there")


def _let_run(seconds: float) -> None:
    end = time.perf_counter() + seconds
    until(lambda: time.perf_counter() > end)


def _memory() -> float:
    """Memory that Python's objects hold [MB]."""
    return tracemalloc.get_traced_memory()[0] / 1e6
