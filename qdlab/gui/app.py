"""Open the window: on a recorded session, or on a bench whose runner it follows."""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from functools import cache
from logging.handlers import RotatingFileHandler
from pathlib import Path

from PyQt6.QtCore import QLocale, QObject, QSettings, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QApplication
from pyqtgraph.util.garbage_collector import GarbageCollector

from qdlab.config import load_bench
from qdlab.gui import theme
from qdlab.gui.bench_window import BenchBar, BenchWindow, queue_menu
from qdlab.gui.main_window import MainWindow, MenuEntry, Opened
from qdlab.gui.queue_panel import QueuePanel
from qdlab.gui.runner_link import RunnerLink
from qdlab.gui.screens import BenchScreens, ReplayScreens
from qdlab.gui.transport import TransportBar
from qdlab.gui.widgets import Mode
from qdlab.gui.worker import ScreenWorker
from qdlab.live.marks import marks
from qdlab.live.session import SessionScreen
from qdlab.lock import read_lock
from qdlab.paths import log_directory
from qdlab.protocol import RunnerGone, emergency_off
from qdlab.replay import Replay, open_replay

LOG_SIZE = 1_000_000  # [byte]

_others: list[MainWindow] = []  # windows opened from another one; Python must not forget them


@cache
def application() -> QApplication:
    """The one application of this process; kept for as long as the process lives."""
    found = QApplication.instance()
    made = found if isinstance(found, QApplication) else _make_application()
    _collect_in_this_thread()
    return made


@cache
def _collect_in_this_thread() -> GarbageCollector:
    """Python frees what a closed window left in the thread of the windows only.

    Freed by a worker, its timers go on in this thread, at objects that are no more: the process dies of it.
    """
    return GarbageCollector()


def _make_application() -> QApplication:
    QLocale.setDefault(QLocale.c())
    # folding and drawing share one interpreter; five milliseconds per turn would be felt in every redraw
    sys.setswitchinterval(0.001)
    made = QApplication(sys.argv[:1])
    made.setApplicationName("qdlab")
    return made


def window_settings() -> QSettings:
    """Where the layout of the window is kept between days."""
    return QSettings("qdlab", "window")


def open_replay_window(session: Path, *, dark: bool = False, settings: QSettings | None = None) -> MainWindow:
    """The window on a recorded session; it opens no port."""
    return _window_on(session, open_replay(session), dark, settings)


def _window_on(
    session: Path, replay: Replay[SessionScreen], dark: bool, settings: QSettings | None = None
) -> MainWindow:
    chosen = _themed(dark)
    worker = ScreenWorker(ReplayScreens(replay))
    bar = TransportBar(chosen, marks(replay.events))
    bar.play_toggled.connect(lambda playing: worker.wish(lambda screens: screens.play(playing)))
    bar.step_requested.connect(lambda count: worker.wish(lambda screens: screens.replay.step(count)))
    bar.sought.connect(lambda share: worker.wish(lambda screens: screens.seek(share), newest_of="seek"))
    bar.speed_chosen.connect(lambda speed: worker.wish(lambda screens: screens.set_speed(speed)))
    worker.moved.connect(bar.show_position)
    opened = Opened(
        title=session.name,
        mode="REPLAY",
        worker=worker,
        emergency=Emergency(None),
        bar=bar,
        session=lambda: session,
        sessions=session.parent,
        read_session=lambda path: _read_another(path, dark),
        actions={"&Replay": _replay_entries(bar)},
        settings=settings,
    )
    return MainWindow(opened, chosen)


def _replay_entries(bar: TransportBar) -> list[MenuEntry]:
    return [
        MenuEntry(text="Play or pause", key="Space", act=bar.play.toggle),
        MenuEntry(text="One event back", key="Left", act=lambda: bar.go_step(-1)),
        MenuEntry(text="One event further", key="Right", act=lambda: bar.go_step(1)),
        MenuEntry(text="Faster", key="Ctrl+Up", act=lambda: bar.change_speed(1)),
        MenuEntry(text="Slower", key="Ctrl+Down", act=lambda: bar.change_speed(-1)),
        MenuEntry(text="To the beginning", key="Home", act=lambda: bar.sought.emit(0.0)),
        MenuEntry(text="To the end", key="End", act=lambda: bar.sought.emit(1.0)),
    ]


def open_bench_window(
    bench: str,
    source: str,
    runtime: Path,
    *,
    mode: Mode,
    output: Path,
    dark: bool = False,
    settings: QSettings | None = None,
) -> MainWindow:
    """The window on a bench: follows whatever its runner records, now or later, and has plans executed.

    Parameters
    ----------
    bench : its name
    source : the bench file, or ``sim``, for a runner to be started with
    runtime : where lock files are
    output : folder for the sessions of plans started here
    """
    chosen = _themed(dark)
    screens = BenchScreens(bench, runtime)
    worker = ScreenWorker(screens)
    config = load_bench(source)
    simulated = config.kind == "simulation"
    bar, link = BenchBar(chosen), RunnerLink(bench, source, runtime)
    panel = QueuePanel(chosen, limits=config.limits, simulated=simulated)
    opened = Opened(
        title=f"bench {bench}",
        mode=mode,
        worker=worker,
        emergency=Emergency(lambda: read_lock(bench, runtime)),
        bar=bar,
        left={"Plans": panel},
        session=lambda: screens.path,
        sessions=output,
        read_session=lambda path: _read_another(path, dark),
        actions={"&Plans": queue_menu(panel), "&Run": bar.menu()},
        settings=settings,
    )
    window = BenchWindow(
        opened, chosen, link=link, bar=bar, panel=panel, config=config, output=output, runtime=runtime
    )
    link.start()
    return window


def _read_another(session: Path, dark: bool) -> Callable[[], MainWindow]:
    """What shows another session in a window of its own; read here, in whatever thread this is."""
    replay = open_replay(session)
    return lambda: _show_another(session, replay, dark)


def _show_another(session: Path, replay: Replay[SessionScreen], dark: bool) -> MainWindow:
    """A window that lives until it is closed, and its session in memory no longer than that."""
    window = _window_on(session, replay, dark)
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    _others.append(window)
    window.destroyed.connect(lambda: _others.remove(window))
    window.show()
    return window


def run_window(window: MainWindow) -> int:
    """Show the window until a person closes it; what goes wrong in it is written to a log file.

    Ctrl-C in the terminal, or the system's wish that it ends, closes it without a question; a run goes on.
    """
    _keep_log()
    window.open_up()
    told: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: told.append(number))
    # Python hears of a signal only when it has its turn
    turn = QTimer()
    turn.timeout.connect(lambda: _leave_all() if told else None)
    turn.start(200)
    status = application().exec()
    return 130 if told else status


def _leave_all() -> None:
    for widget in application().topLevelWidgets():
        if isinstance(widget, MainWindow):
            widget.leave()


class Emergency(QObject):
    """Reaches the guardian from a thread of its own: no dialogue and no busy window delays it."""

    told = pyqtSignal(str)

    def __init__(self, owner: Callable | None) -> None:
        super().__init__()
        self._owner = owner

    def switch_off(self) -> None:
        """Send the emergency message; `told` says what each box confirmed, as it comes."""
        threading.Thread(target=self._switch_off, daemon=True).start()

    def _switch_off(self) -> None:
        if self._owner is None:
            self.told.emit("nothing is connected: this is a recorded session")
            return
        lock = self._owner()
        if lock is None:
            self.told.emit("no runner owns this bench; nothing is armed")
            return
        try:
            for report in emergency_off(lock, who="window"):
                self.told.emit(report.text)
        except RunnerGone as problem:
            self.told.emit(f"{problem}; run 'qdlab safe', or switch off by hand")


def _keep_log() -> None:
    handler = RotatingFileHandler(
        log_directory() / "window.log", maxBytes=LOG_SIZE, backupCount=1, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(name)s: %(message)s"))
    logging.getLogger("qdlab").addHandler(handler)


def _themed(dark: bool) -> theme.Theme:
    chosen = theme.DARK if dark else theme.LIGHT
    theme.apply(application(), chosen)
    return chosen
