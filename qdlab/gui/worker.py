"""The thread between a session and the window: moves on, folds, draws up pictures and hands them over.

Widgets never read a file and never analyse; they get a frozen `Picture` at most ten times a second.
"""

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from PyQt6.QtCore import QThread, pyqtSignal

from analysis.device import Device
from qdlab.gui.fits import FitDesk
from qdlab.gui.screens import Screens
from qdlab.live.overrides import Series, Window
from qdlab.live.picture import PictureMaker
from qdlab.live.session import SessionScreen

REFRESH_SECONDS = 0.1
POINTS_SECONDS, RESULTS_SECONDS = 0.1, 0.4
"""What cannot be worked out for a picture in this time comes with the next ones, which have longer."""
BREATH_SECONDS = 0.005  # between two turns, whatever there is to do


class ScreenWorker(QThread):
    """Owns the screens; what the window wants of them is queued and done here."""

    picture_ready = pyqtSignal(object)
    moved = pyqtSignal(float, str)
    failed = pyqtSignal(str)

    def __init__(self, screens: Screens) -> None:
        super().__init__()
        self._screens = screens
        self._wishes: deque[tuple[str, Callable[[], object]]] = deque()
        self._wishing = threading.Lock()
        self._wanted = threading.Event()
        self._maker = PictureMaker()
        self._fits = FitDesk()
        self._devices: Mapping[str, Device] = {}
        self._drawn = threading.Event()
        self._drawn.set()
        self._last = time.monotonic()
        self._shown: SessionScreen | None = None
        self._fitted: tuple[str, dict[str, int]] = ("", {})
        self._place: tuple[float, str] | None = None
        self._told = ""
        self._pending = 0

    def wish(self, action: Callable[[Any], object], *, newest_of: str = "") -> None:
        """Have something done to the screens before the next picture.

        Parameters
        ----------
        newest_of : a kind of wish that takes the place of one before it: whoever scrubs wants the last place
        """
        self._put(lambda: action(self._screens), newest_of)

    def _put(self, wish: Callable[[], object], newest_of: str = "") -> None:
        with self._wishing:
            if newest_of and self._wishes and self._wishes[-1][0] == newest_of:
                self._wishes.pop()
            self._wishes.append((newest_of, wish))
        self._wanted.set()

    def _next_wish(self) -> Callable[[], object] | None:
        """The oldest wish that waits; None where none does."""
        with self._wishing:
            if self._wishes:
                return self._wishes.popleft()[1]
            self._wanted.clear()
            return None

    def use_window(self, run: str, window: Window | None) -> None:
        """Read a sweep in a quadratic window [V] chosen by hand, or again in the rule's."""
        self._put(lambda: self._maker.use_window(run, window))

    def keep_window(self, run: str, window: Window | None) -> None:
        """The journal holds a quadratic window chosen by hand now."""
        self._put(lambda: self._maker.keep_window(run, window))

    def use_straight_part(self, series: Series, part: Window | None) -> None:
        """Read a pulse series by a straight part [s] chosen by hand, or again by the rule's."""
        self._put(lambda: self._maker.use_straight_part(series, part))

    def keep_straight_part(self, series: Series, part: Window | None) -> None:
        """The journal holds a straight part chosen by hand now."""
        self._put(lambda: self._maker.keep_straight_part(series, part))

    def give_up_fit(self) -> None:
        """End the disorder fit going on."""
        self._put(lambda: self._fits.give_up())

    def fit_again(self) -> None:
        """Make the disorder fit once more that failed or was given up."""
        self._put(lambda: self._fits.try_again())

    def picture_drawn(self) -> None:
        """The window is done with the last picture; until then it gets no other, so that none pile up."""
        self._drawn.set()

    def run(self) -> None:
        try:
            while not self.isInterruptionRequested():
                begun = time.monotonic()
                self._turn_or_tell()
                self._rest(begun)
        finally:
            self._fits.close()

    def _rest(self, begun: float) -> None:
        """Until it is time for another picture, or something is wished for."""
        self.msleep(round(1000 * BREATH_SECONDS))
        # while the window draws, the interpreter is its own: two threads of Python slow each other
        self._drawn.wait(REFRESH_SECONDS)
        if not self._pending:
            self._wanted.wait(max(begun + REFRESH_SECONDS - time.monotonic(), 0.0))

    def stop(self) -> None:
        """Ask the thread to end and wait for it."""
        self.requestInterruption()
        self._wanted.set()
        self.wait()

    def _turn_or_tell(self) -> None:
        """One turn; one that fails is told once, and the next is tried: a bad row ends no watching."""
        try:
            self._turn()
        except Exception as error:
            told = f"{error or type(error).__name__}\n\n{traceback.format_exc()}"
            if told != self._told:
                self._told = told
                self.failed.emit(told)

    def _begin_anew(self, devices: Mapping[str, Device]) -> None:
        """Another session: its runs and devices may have the names of the last one's, and be others."""
        self._fits.close()
        self._devices, self._maker, self._fits = devices, PictureMaker(), FitDesk()

    def _turn(self) -> None:
        while (wish := self._next_wish()) is not None:
            self._shown = None
            wish()
        now = time.monotonic()
        elapsed, self._last = now - self._last, now
        screen = self._screens.advance(elapsed)
        if screen.devices is not self._devices:
            self._begin_anew(screen.devices)
        fits = self._fits.attend(screen)
        fitted = (fits.words, {device: finished.curves for device, finished in fits.fits.items()})
        is_new = screen is not self._shown or fitted != self._fitted or self._pending
        if is_new and self._drawn.is_set():
            goes_on = bool(self._pending) and screen is self._shown
            self._shown, self._fitted = screen, fitted
            self._draw(replace(screen, disorder=fits), goes_on=goes_on)
        if self._screens.position != self._place:
            self._place = self._screens.position
            self.moved.emit(*self._place)

    def _draw(self, screen: SessionScreen, *, goes_on: bool) -> None:
        """Make a picture, and hand it over; one that only adds results gives way to a wish.

        Parameters
        ----------
        goes_on : the points of this screen are drawn already
        """
        due = time.monotonic() + (RESULTS_SECONDS if goes_on else POINTS_SECONDS)
        self._pending = 0
        picture = self._maker.draw(screen, is_late=lambda: time.monotonic() > due or self._wanted.is_set())
        self._pending = picture.pending
        if not (goes_on and self._wanted.is_set()):
            self._drawn.clear()
            self.picture_ready.emit(picture)
