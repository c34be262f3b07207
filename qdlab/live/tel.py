"""The TEL screen: light current against pulse width, and the delay time from three points on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from analysis.curves import TELSeries
from analysis.device import Device
from analysis.transit import DelayFit, fit_delay_time
from procedures import columns
from qdlab.events import Event, RowRecorded, RunEnded, RunStarted
from qdlab.live.changed import changed
from qdlab.live.going_on import gone_on_with
from qdlab.live.growing import Growing
from qdlab.records.curves import tel_point, tel_series_of_rows
from qdlab.records.resume import joined_rows

MINIMUM_POINTS = 3


@dataclass(frozen=True, kw_only=True)
class TELRun:
    """One run of pulse series: its rows so far.

    earlier : rows of the run that this one goes on with
    """

    started: RunStarted
    earlier: tuple[RowRecorded, ...] = ()
    rows: Growing[RowRecorded] = field(default_factory=Growing)
    ended: RunEnded | None = None

    def series(self) -> list[TELSeries]:
        """One series per pulse amplitude, in rising order of amplitude."""
        return tel_series_of_rows(self.started, self.counted)

    @property
    def counted(self) -> Sequence[RowRecorded]:
        """The rows of the whole run, every point once."""
        return joined_rows([self.earlier, self.rows], tel_point) if self.earlier else self.rows


@dataclass(frozen=True, kw_only=True)
class TELScreen:
    """Pulse series so far with their delay times; the last run may still be going on."""

    devices: Mapping[str, Device]
    finished: tuple[TELRun, ...] = ()
    running: TELRun | None = None

    @property
    def runs(self) -> tuple[TELRun, ...]:
        return self.finished if self.running is None else (*self.finished, self.running)

    def fits(self, device: str) -> list[tuple[TELSeries, DelayFit]]:
        """Every series of one device with enough points, and its delay time with a verdict."""
        return [pair for run in self.runs if run.started.device == device for pair in self.fits_of(run)]

    @staticmethod
    def fits_of(run: TELRun) -> list[tuple[TELSeries, DelayFit]]:
        """The series of one run with enough points, each with its delay time."""
        return [(series, fit_delay_time(series)) for series in run.series() if len(series) >= MINIMUM_POINTS]


def is_tel(started: RunStarted) -> bool:
    """Whether a run's rows make pulse series: told by its columns."""
    return columns.PULSE_WIDTH in started.columns and columns.LIGHT_CURRENT in started.columns


def fold(screen: TELScreen, event: Event) -> TELScreen:
    """The screen after one more event."""
    running = screen.running
    if isinstance(event, RunStarted):
        return _started(screen, event) if is_tel(event) else screen
    if running is None or getattr(event, "run", None) != running.started.run:
        return screen
    if isinstance(event, RowRecorded):
        return changed(screen, running=changed(running, rows=running.rows.appended(event)))
    if isinstance(event, RunEnded):
        return replace(screen, finished=(*screen.finished, replace(running, ended=event)), running=None)
    return screen


def _started(screen: TELScreen, started: RunStarted) -> TELScreen:
    """A run that was interrupted is shown as a part of the one that goes on with it, or not any more."""
    finished, earlier = gone_on_with(started, screen.finished)
    running = TELRun(started=started, earlier=() if earlier is None else tuple(earlier.counted))
    return replace(screen, finished=finished, running=running)
