"""Disorder fits in a worker process, one at a time, asked for whenever a device has a new finished curve."""

from collections.abc import Mapping

from analysis.curves import JVCurve
from qdlab.gui.away import Helper
from qdlab.live import disorder
from qdlab.live.disorder import DisorderScreen, FitFinished
from qdlab.live.session import SessionScreen

Covered = tuple[str, tuple[str, ...]]
"""A device, and the runs of its curves: a sweep measured anew is another one."""


class FitDesk:
    """Fits what a screen's devices are due; neither the window nor the folding thread waits for it."""

    def __init__(self) -> None:
        self._helper: Helper | None = None
        self._running: Helper | None = None
        self._known: dict[Covered, FitFinished] = {}
        self._fitting: Covered = ("", ())
        self._failed: set[Covered] = set()
        self.failure = ""

    def attend(self, screen: SessionScreen) -> DisorderScreen:
        """Take in a fit that came back, begin one that is due; the fits that belong to this screen."""
        self._take_in()
        wanted = self._wanted(screen)
        if wanted and self._running is None:
            self._fitting, curves = next(iter(wanted.items()))
            self._running = self._start(self._fitting[0], curves)
        device, runs = self._fitting
        fitting = None if self._running is None else (device, len(runs))
        return DisorderScreen(fits=self._visible(screen), fitting=fitting, failure=self.failure)

    def give_up(self) -> None:
        """End the fit going on; a new curve, or `try_again`, brings the next one."""
        if self._running is not None:
            self._failed.add(self._fitting)
            self.failure = "given up; the next curve brings the next fit"
            self._running = None
            self.close()

    def try_again(self) -> None:
        """Fit once more what failed or was given up."""
        self._failed.clear()
        self.failure = ""

    def close(self) -> None:
        """End the worker process; a fit going on is given up."""
        if self._helper is not None:
            self._helper.end()
            self._helper = None

    def _take_in(self) -> None:
        if self._running is None or not self._running.ready():
            return
        try:
            self._known[self._fitting] = self._running.get()
            self.failure = ""
        except Exception as problem:
            # whatever a fit dies of, the window goes on and says so; the next curve brings the next try
            self._failed.add(self._fitting)
            self.failure = str(problem) or type(problem).__name__
        self._running = None

    def _wanted(self, screen: SessionScreen) -> Mapping[Covered, list[JVCurve]]:
        return {
            covered: curves
            for covered, curves in _to_be_covered(screen).items()
            if covered not in self._known
            and covered not in self._failed
            and disorder.is_due(DisorderScreen(), covered[0], curves)
        }

    def _start(self, device: str, curves: list[JVCurve]) -> Helper:
        if self._helper is None or not self._helper.is_alive:
            self._helper = Helper()
        self._helper.begin(disorder.fit, device, curves)
        return self._helper

    def _visible(self, screen: SessionScreen) -> dict[str, FitFinished]:
        """Per device the fit over most curves that the screen has too, also after a seek backwards."""
        shown: dict[str, FitFinished] = {}
        there = {run.started.run for run in screen.jv.finished}
        for (device, runs), finished in sorted(self._known.items(), key=lambda known: len(known[0][1])):
            if there.issuperset(runs):
                shown[device] = finished
        return shown


def _to_be_covered(screen: SessionScreen) -> dict[Covered, list[JVCurve]]:
    """The finished curves of every device but those pulsed for their light: they are bipolar."""
    pulsed = {run.started.device for run in screen.tel.runs}
    found = {}
    for device in screen.devices:
        own = [run for run in screen.jv.finished if run.started.device == device and run.whole is not None]
        if device not in pulsed:
            names = tuple(run.started.run for run in own)
            found[device, names] = [run.whole for run in own if run.whole is not None]
    return found
