"""Disorder fits in a worker process, one at a time, asked for whenever a device has a new finished curve."""

import multiprocessing
from collections.abc import Mapping
from multiprocessing.pool import AsyncResult, Pool

from qdlab.live import disorder
from qdlab.live.disorder import DisorderScreen, FitFinished
from qdlab.live.session import SessionScreen


class FitDesk:
    """Fits what a screen's devices are due; neither the window nor the folding thread waits for it."""

    def __init__(self) -> None:
        self._pool: Pool | None = None
        self._running: AsyncResult[FitFinished] | None = None
        self._known: dict[tuple[str, int], FitFinished] = {}
        self._fitting: tuple[str, int] = ("", 0)
        self._failed: set[tuple[str, int]] = set()
        self.failure = ""

    def attend(self, screen: SessionScreen) -> DisorderScreen:
        """Take in a fit that came back, begin one that is due; the fits that belong to this screen."""
        self._take_in()
        wanted = self._wanted(screen)
        if wanted and self._running is None:
            device, curves = next(iter(wanted.items()))
            self._running = self._start(device, curves)
            self._fitting = (device, len(curves))
        fitting = None if self._running is None else self._fitting
        return DisorderScreen(fits=self._visible(screen), fitting=fitting, failure=self.failure)

    def close(self) -> None:
        """End the worker process; a fit going on is given up."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool.join()

    def _take_in(self) -> None:
        if self._running is None or not self._running.ready():
            return
        try:
            finished = self._running.get()
            self._known[finished.device, finished.curves] = finished
            self.failure = ""
        except Exception as problem:
            # whatever a fit dies of, the window goes on and says so; the next curve brings the next try
            self._failed.add(self._fitting)
            self.failure = str(problem) or type(problem).__name__
        self._running = None

    def _wanted(self, screen: SessionScreen) -> Mapping[str, list]:
        curves = {
            device: screen.jv.curves(device) for device in screen.devices if self._is_fitted(screen, device)
        }
        return {
            device: found
            for device, found in curves.items()
            if (device, len(found)) not in self._known
            and (device, len(found)) not in self._failed
            and disorder.is_due(DisorderScreen(), device, found)
        }

    def _start(self, device: str, curves: list) -> "AsyncResult[FitFinished]":
        if self._pool is None:
            self._pool = multiprocessing.get_context("spawn").Pool(1)
        return self._pool.apply_async(disorder.fit, (device, curves))

    def _visible(self, screen: SessionScreen) -> dict[str, FitFinished]:
        """Per device the fit over most curves that the screen has too, also after a seek backwards."""
        shown: dict[str, FitFinished] = {}
        for (device, count), finished in sorted(self._known.items()):
            finished_runs = [run for run in screen.jv.finished if run.started.device == device]
            if count <= len(finished_runs):
                shown[device] = finished
        return shown

    @staticmethod
    def _is_fitted(screen: SessionScreen, device: str) -> bool:
        """Not a device pulsed for its light: it is bipolar."""
        return all(run.started.device != device for run in screen.tel.runs)
