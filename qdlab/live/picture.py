"""What the panels draw: arrays, lines and cards, worked out from a session's screen.

It happens outside the window's thread. A `Picture` holds nothing that would still have to be analysed: a
widget hands its arrays to the plot and its words to the labels. `PictureMaker` remembers what finished runs
came to, so that a picture costs what is new.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from analysis.curves import FloatArray, JVCurve, TELSeries
from analysis.device import Device
from analysis.space_charge import MurgatroydFit, fit_murgatroyd
from qdlab.live.disorder import DisorderScreen, FitFinished
from qdlab.live.jv import JVRun, JVScreen
from qdlab.live.overrides import Overrides, Series, Window
from qdlab.live.pictures.cards import Card, cards
from qdlab.live.pictures.disorder import DisorderPicture, disorder_picture
from qdlab.live.pictures.jv import JVTrace, jv_trace, laws_over
from qdlab.live.pictures.laws import (
    ArrheniusPicture,
    FieldPicture,
    arrhenius_picture,
    field_picture,
    film_mobility,
)
from qdlab.live.pictures.tel import (
    ChecksPicture,
    TELTrace,
    checks_picture,
    interval_of,
    line_to_the_axis,
)
from qdlab.live.session import SessionScreen
from qdlab.live.tel import MINIMUM_POINTS, TELRun
from qdlab.pulsed import AmplitudeResult, analyse_amplitude

LISTED_SWEEPS = 64  # newest ones
LISTED_PULSE_RUNS = 12  # newest ones
REMEMBERED = 512


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Everything the window draws at one moment."""

    screen: SessionScreen
    jv: tuple[JVTrace, ...] = ()
    tel: tuple[TELTrace, ...] = ()
    checks: ChecksPicture = field(default_factory=ChecksPicture)
    mobility: FieldPicture | None = None
    arrhenius: ArrheniusPicture | None = None
    disorder: tuple[DisorderPicture, ...] = ()
    fitting: str = ""
    cards: tuple[Card, ...] = ()


class PictureMaker:
    """Draws the screens of one session; what a finished run came to is worked out once."""

    def __init__(self) -> None:
        self._disorder_pictures: dict[str, tuple[FitFinished, DisorderPicture]] = {}
        self._chosen_windows: dict[str, Window | None] = {}
        self._chosen_parts: dict[Series, Window | None] = {}
        self._recorded = Overrides()
        self._traces: dict[str, tuple[tuple[object, ...], JVTrace | None]] = {}
        self._laws: dict[str, tuple[tuple[object, ...], JVTrace]] = {}
        self._murgatroyd: dict[str, tuple[Sequence[JVCurve], MurgatroydFit]] = {}
        self._pulse_series: dict[str, tuple[int, list[TELSeries]]] = {}
        self._results: dict[Series, tuple[Window | None, TELSeries, AmplitudeResult]] = {}
        self._arrhenius: tuple[tuple[object, ...], ArrheniusPicture | None] = ((), None)
        self._field: tuple[tuple[object, ...], FieldPicture | None] = ((), None)
        self._checks: tuple[object, ChecksPicture] = ((), ChecksPicture())

    def use_window(self, run: str, window: Window | None) -> None:
        """Read one sweep in this quadratic window [V] from now on; None gives it back to the rule."""
        self._chosen_windows[run] = window

    def use_straight_part(self, series: Series, part: Window | None) -> None:
        """Read one pulse series by this straight part [s] from now on; None gives it back to the rule."""
        self._chosen_parts[series] = part

    def keep_window(self, run: str, window: Window | None) -> None:
        """The journal holds this choice now, also where the events of a replay were read before."""
        self._recorded = self._recorded.with_window(run, window)

    def keep_straight_part(self, series: Series, part: Window | None) -> None:
        """The journal holds this choice now, also where the events of a replay were read before."""
        self._recorded = self._recorded.with_straight_part(series, part)

    def draw(self, screen: SessionScreen) -> Picture:
        """The picture of a screen."""
        traces = tuple(self._sweeps(screen))
        newest = screen.tel.runs[-1] if screen.tel.runs else None
        series = tuple(self._all_series(screen))
        mobility = self._mobility(screen, series)
        single = [trace for trace in traces if trace.device not in _pulsed(screen)]
        arrhenius = self._laws_over_temperature(screen, single)
        return Picture(
            screen=screen,
            jv=traces,
            tel=series,
            checks=self._checks_of(newest),
            mobility=mobility,
            arrhenius=arrhenius,
            disorder=tuple(self._disorder(screen.disorder)),
            fitting=screen.disorder.words,
            cards=tuple(cards(single, series, arrhenius, screen.disorder)),
        )

    def _sweeps(self, screen: SessionScreen) -> Iterable[JVTrace]:
        runs = list(enumerate(screen.jv.runs))
        names = _short_names([run.started.device for _, run in runs])
        found = [self._trace(screen, run, number) for number, run in runs[-LISTED_SWEEPS:]]
        traces = [trace for trace in found if trace is not None]
        labels = _told_apart([(trace.label, names[trace.device]) for trace in traces])
        for trace, label in zip(traces, labels, strict=True):
            yield self._with_laws(screen, trace, label)

    def _trace(self, screen: SessionScreen, run: JVRun, number: int) -> JVTrace | None:
        name = run.started.run
        window, unrecorded = _in_force(
            name, self._chosen_windows, screen.overrides.windows, self._recorded.windows
        )
        state = (len(run.earlier), len(run.rows), run.ended, window, unrecorded)
        if name not in self._traces or self._traces[name][0] != state:
            device = screen.devices[run.started.device]
            trace = jv_trace(run, device, number, window, unrecorded=unrecorded)
            self._traces[name] = (state, trace)
        return self._traces[name][1]

    def _with_laws(self, screen: SessionScreen, trace: JVTrace, label: str) -> JVTrace:
        """The trace under its full name and with its laws; the same object while nothing of it changed."""
        murgatroyd = self._murgatroyd_fit(screen.jv, trace.device)
        finished = screen.disorder.fits.get(trace.device)
        single = not trace.running and trace.device not in _pulsed(screen)
        behind = (trace, murgatroyd, finished, single)
        known = self._laws.get(trace.run)
        if known is None or not _are(known[0], behind) or known[1].label != label:
            device = screen.devices[trace.device]
            disorder = None if finished is None else finished.fit
            laws = laws_over(trace, device, murgatroyd, disorder) if single else {}
            self._laws[trace.run] = known = (behind, replace(trace, label=label, laws=laws))
        return known[1]

    def _murgatroyd_fit(self, screen: JVScreen, device: str) -> MurgatroydFit | None:
        """Murgatroyd's law through all finished sweeps of a device; worked out once for the same ones."""
        curves = [
            run.marked
            for run in screen.finished[-LISTED_SWEEPS:]
            if run.started.device == device and run.marked is not None and run.fit is not None
        ]
        if not curves:
            return None
        known = self._murgatroyd.get(device)
        if known is None or not _are(known[0], curves):
            self._murgatroyd[device] = known = (curves, fit_murgatroyd(curves))
        return known[1]

    def _laws_over_temperature(
        self, screen: SessionScreen, single: Sequence[JVTrace]
    ) -> ArrheniusPicture | None:
        behind = (*single, screen.planned)
        if not _are(self._arrhenius[0], behind):
            self._arrhenius = (behind, arrhenius_picture(single, screen.planned.temperatures))
        return self._arrhenius[1]

    def _mobility(self, screen: SessionScreen, series: Sequence[TELTrace]) -> FieldPicture | None:
        """Transit mobilities of every pulse run, a film's beside them; the same object while none changes."""
        pulsed = _pulsed(screen)
        films = {
            device: fit
            for device in screen.devices
            if device not in pulsed and (fit := self._murgatroyd_fit(screen.jv, device)) is not None
        }
        behind = (*(one.result for one in series), *films.values())
        if not _are(self._field[0], behind):
            self._field = (behind, _field_of(screen, series, films))
        return self._field[1]

    def _all_series(self, screen: SessionScreen) -> Iterable[TELTrace]:
        runs = [run for run in screen.tel.runs[-LISTED_PULSE_RUNS:] if self._series_of(run)]
        names = _short_names([run.started.device for run in runs])
        kelvins = [f"{self._series_of(run)[0].temperature:.0f} K" for run in runs]
        told = _told_apart([(at, names[run.started.device]) for at, run in zip(kelvins, runs, strict=True)])
        for run, where in zip(runs, told, strict=True):
            yield from self._series(screen, run, run is runs[-1], where if len(runs) > 1 else "")

    def _series(self, screen: SessionScreen, run: TELRun, newest: bool, where: str) -> Iterable[TELTrace]:
        name, device = run.started.run, screen.devices[run.started.device]
        for series in self._series_of(run):
            key = (name, series.pulse_amplitude)
            part, unrecorded = _in_force(
                key, self._chosen_parts, screen.overrides.straight_parts, self._recorded.straight_parts
            )
            result = self._result(key, series, device, part) if len(series) >= MINIMUM_POINTS else None
            yield TELTrace(
                run=name,
                where=where,
                newest=newest,
                series=series,
                result=result,
                line=None if result is None else line_to_the_axis(series, result.delay),
                interval=None if result is None else interval_of(result.delay.delay_time),
                chosen=part,
                unrecorded=unrecorded,
            )

    def _series_of(self, run: TELRun) -> list[TELSeries]:
        """The series of a run, put together again only where it has grown."""
        rows = len(run.earlier) + len(run.rows)
        known = self._pulse_series.get(run.started.run)
        if known is None or known[0] != rows:
            self._pulse_series[run.started.run] = known = (rows, run.series())
        return known[1]

    def _result(self, key: Series, series: TELSeries, device: Device, part: Window | None) -> AmplitudeResult:
        """What a series came to, worked out again only where it has grown."""
        known = self._results.get(key)
        if known is None or known[0] != part or not _same_points(known[1], series):
            known = (part, series, analyse_amplitude(series, device, straight_part=part))
            self._results.pop(key, None)
            self._results[key] = known
            while len(self._results) > REMEMBERED:
                del self._results[next(iter(self._results))]
        return known[2]

    def _checks_of(self, run: TELRun | None) -> ChecksPicture:
        if run is None:
            return ChecksPicture()
        state = (run.started.run, len(run.rows))
        if self._checks[0] != state:
            self._checks = (state, checks_picture(run.counted))
        return self._checks[1]

    def _disorder(self, screen: DisorderScreen) -> Iterable[DisorderPicture]:
        """One of each device; the same object for the same fit, so that a panel can tell."""
        for device, finished in screen.fits.items():
            known = self._disorder_pictures.get(device)
            if known is None or known[0] is not finished:
                self._disorder_pictures[device] = known = (finished, disorder_picture(finished))
            yield known[1]


def _field_of(
    screen: SessionScreen, series: Sequence[TELTrace], films: Mapping[str, MurgatroydFit]
) -> FieldPicture | None:
    runs = list(dict.fromkeys(one.run for one in reversed(series)))
    started = {run.started.run: run.started for run in screen.tel.runs}
    found = []
    for run in runs:
        own = [one for one in series if one.run == run]
        results = [one.result for one in own if one.result is not None]
        name = f", {own[0].where}" if own[0].where else ""
        found.append((name, screen.devices[started[run].device], results))
    newest = series[-1].series.temperature if series else math.nan
    known = [film_mobility(device, fit, newest) for device, fit in films.items()]
    return field_picture(found, next((film for film in known if film is not None), None))


def _pulsed(screen: SessionScreen) -> set[str]:
    """Devices pulsed for their light: they are bipolar, and single-carrier laws would misread them."""
    return {run.started.device for run in screen.tel.runs}


def _in_force(key: Any, chosen: Any, *recorded: Any) -> tuple[Window | None, bool]:
    """The choice that holds, and whether no journal has it: by hand here, else the last one recorded."""
    kept = next((known[key] for known in reversed(recorded) if key in known), None)
    window = chosen.get(key, kept)
    return window, window != kept


def _are(known: Sequence[object], found: Sequence[object]) -> bool:
    """Whether these are the very same objects."""
    return len(known) == len(found) and all(one is other for one, other in zip(known, found, strict=True))


def _short_names(devices: Iterable[str]) -> dict[str, str]:
    """What tells the devices of a plot apart: their identifiers without the parts common to all of them."""
    parts = {device: device.split("/") for device in devices}
    common = set.intersection(*map(set, parts.values())) if parts else set()
    return {device: "/".join(part for part in found if part not in common) for device, found in parts.items()}


def _told_apart(runs: Iterable[tuple[str, str]]) -> list[str]:
    """Temperature and device of each run, with a number where both were there before."""
    seen: Counter[tuple[str, str]] = Counter()
    labels = []
    for kelvin, device in runs:
        seen[kelvin, device] += 1
        again = seen[kelvin, device]
        labels.append(", ".join(filter(None, (kelvin if again == 1 else f"{kelvin} ({again})", device))))
    return labels


def _same_points(one: TELSeries, other: TELSeries) -> bool:
    return (
        np.array_equal(one.pulse_width, other.pulse_width)
        and np.array_equal(one.light_current, other.light_current)
        and np.array_equal(_references(one), _references(other))
    )


def _references(series: TELSeries) -> FloatArray:
    return np.array([]) if series.reference_light is None else series.reference_light
