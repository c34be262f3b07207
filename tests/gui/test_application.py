"""The one application: what a closed window leaves is freed where Qt can bear it."""

import threading

from pytestqt.qtbot import QtBot

from qdlab.gui.app import application


class Remains:
    """Holds on to itself, as a closed window and its slots do; says in which thread it was freed."""

    def __init__(self, freed: list[int]) -> None:
        self._freed, self._itself = freed, self

    def __del__(self) -> None:
        self._freed.append(threading.get_ident())


def test_what_a_closed_window_leaves_is_freed_in_the_thread_of_the_windows(qtbot: QtBot) -> None:
    """Freed by a worker that happens to need memory, its timers would fire at objects that are no more."""
    application()
    freed: list[int] = []

    def work() -> None:
        kept: list[list[object]] = []
        for _ in range(100_000):
            kept.append([kept])

    Remains(freed)
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    qtbot.waitUntil(lambda: bool(freed), timeout=60_000)
    assert freed == [threading.get_ident()]
