"""What the panels draw: arrays, lines and cards, worked out from a session's screen.

It happens outside the window's thread. A `Picture` holds nothing that would still have to be analysed: a
widget hands its arrays to the plot and its words to the labels. `PictureMaker` remembers what finished runs
came to, so that a picture costs what is new; where that takes long, as after a seek to where nobody has been,
the points come first and what they come to with the next pictures.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from analysis.curves import FloatArray, JVCurve, TELSeries
from analysis.device import Device
from analysis.space_charge import MurgatroydFit, fit_murgatroyd, rising_points
from analysis.space_charge.slope import BoolArray
from qdlab.live.disorder import DisorderScreen, FitFinished
from qdlab.live.jv import JVRun
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


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Everything the window draws at one moment.

    Parameters
    ----------
    pending : so many things are still to be worked out; until they are, no law is drawn through the others
    """

    screen: SessionScreen
    jv: tuple[JVTrace, ...] = ()
    tel: tuple[TELTrace, ...] = ()
    checks: ChecksPicture = field(default_factory=ChecksPicture)
    mobility: FieldPicture | None = None
    arrhenius: ArrheniusPicture | None = None
    disorder: tuple[DisorderPicture, ...] = ()
    fitting: str = ""
    cards: tuple[Card, ...] = ()
    pending: int = 0

    @property
    def status(self) -> str:
        """What is going on, in words."""
        if not self.pending:
            return self.screen.status
        return f"{self.screen.status}; more results are being worked out"


class PictureMaker:
    """Draws the screens of one session; what a finished run came to is worked out once."""

    def __init__(self) -> None:
        self._is_late: Callable[[], bool] = _never
        self._worked_out = self._pending = 0
        self._disorder_pictures: dict[str, tuple[FitFinished, DisorderPicture]] = {}
        self._chosen_windows: dict[str, Window | None] = {}
        self._chosen_parts: dict[Series, Window | None] = {}
        self._recorded = Overrides()
        self._traces: dict[str, tuple[tuple[object, ...], JVTrace | None]] = {}
        self._names: dict[str, tuple[JVTrace, JVTrace]] = {}
        self._laws: dict[str, tuple[tuple[object, ...], JVTrace]] = {}
        self._rising: dict[str, tuple[JVCurve, BoolArray]] = {}
        self._murgatroyd: dict[tuple[str, ...], tuple[Sequence[JVCurve], MurgatroydFit]] = {}
        self._pulse_series: dict[str, tuple[int, list[TELSeries]]] = {}
        self._results: dict[Series, tuple[Window | None, TELSeries, AmplitudeResult]] = {}
        self._arrhenius: tuple[tuple[object, ...], ArrheniusPicture | None] = ((), None)
        self._bipolar: Set[str] = frozenset()
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

    def draw(self, screen: SessionScreen, *, is_late: Callable[[], bool] = _never) -> Picture:
        """The picture of a screen; what is not worked out yet when it is late is left to the next ones.

        Every picture works out one thing at least, so that some draws later nothing is pending.
        """
        self._is_late = is_late
        self._worked_out = self._pending = 0
        pulsed = _pulsed(screen)
        sweeps = self._sweeps(screen)
        series = tuple(self._all_series(screen))
        films = self._murgatroyd_fits([trace for trace in sweeps if trace.device not in pulsed])
        traces = tuple(self._with_laws(screen, trace, films, trace.device not in pulsed) for trace in sweeps)
        single = [trace for trace in traces if trace.device not in pulsed]
        known = not self._pending
        devices = [trace.device for trace in traces]
        arrhenius = self._laws_over_temperature(screen, single, {*devices} & pulsed) if known else None
        return Picture(
            screen=screen,
            jv=traces,
            tel=series,
            checks=self._checks_of(screen.tel.runs[-1] if screen.tel.runs else None),
            mobility=self._mobility(screen, series, films) if known else None,
            arrhenius=arrhenius,
            disorder=tuple(self._disorder(screen.disorder)),
            fitting=screen.disorder.words,
            cards=tuple(cards(single, series, arrhenius, screen.disorder)),
            pending=self._pending,
        )

    def _has_time(self) -> bool:
        """Whether one more thing can be worked out for this picture; else it counts as pending."""
        has_time = not self._worked_out or not self._is_late()
        self._worked_out += has_time
        self._pending += not has_time
        return has_time

    def _sweeps(self, screen: SessionScreen) -> list[JVTrace]:
        """The newest sweeps under their full names, without laws; the newest is worked out first."""
        runs = list(enumerate(screen.jv.runs))
        names = _short_names([run.started.device for _, run in runs])
        found = [self._trace(screen, run, number) for number, run in reversed(runs[-LISTED_SWEEPS:])]
        traces = [trace for trace in reversed(found) if trace is not None]
        labels = _told_apart([(trace.label, names[trace.device]) for trace in traces])
        return [self._named(trace, label) for trace, label in zip(traces, labels, strict=True)]

    def _named(self, trace: JVTrace, label: str) -> JVTrace:
        """The trace under its full name; the same object while nothing of it changed."""
        known = self._names.get(trace.run)
        if known is None or known[0] is not trace or known[1].label != label:
            self._names[trace.run] = known = (trace, replace(trace, label=label))
        return known[1]

    def _trace(self, screen: SessionScreen, run: JVRun, number: int) -> JVTrace | None:
        name = run.started.run
        window, unrecorded = _in_force(
            name, self._chosen_windows, screen.overrides.windows, self._recorded.windows
        )
        state = (len(run.earlier), len(run.rows), run.ended, window, unrecorded)
        known = self._traces.get(name)
        if known is not None and known[0] == (*state, True):
            return known[1]
        read = self._has_time()
        if known is None or known[0] != (*state, read):
            trace = jv_trace(run, number, window, unrecorded=unrecorded, read=read)
            self._traces[name] = known = ((*state, read), trace)
        return known[1]

    def _with_laws(
        self, screen: SessionScreen, trace: JVTrace, films: Mapping[str, MurgatroydFit], single: bool
    ) -> JVTrace:
        """The trace with its laws; the same object while nothing of it changed."""
        murgatroyd = films.get(trace.device)
        finished = screen.disorder.fits.get(trace.device)
        behind = (trace, murgatroyd, finished, single)
        known = self._laws.get(trace.run)
        if known is None or not _are(known[0], behind):
            disorder = None if finished is None else finished.fit
            drawn = single and not trace.running
            laws = laws_over(trace, screen.devices[trace.device], murgatroyd, disorder) if drawn else {}
            self._laws[trace.run] = known = (behind, replace(trace, laws=laws))
        return known[1]

    def _murgatroyd_fits(self, traces: Sequence[JVTrace]) -> dict[str, MurgatroydFit]:
        """Murgatroyd's law through all finished sweeps of each device, once all of them are read."""
        found = {}
        for device in dict.fromkeys(trace.device for trace in traces):
            own = [trace for trace in traces if trace.device == device and trace.fit is not None]
            if own and not self._pending and (fit := self._murgatroyd_fit(own)) is not None:
                found[device] = fit
        return found

    def _murgatroyd_fit(self, traces: Sequence[JVTrace]) -> MurgatroydFit | None:
        """The law through these sweeps, worked out once for the same ones; None where there is no time."""
        runs, curves = tuple(trace.run for trace in traces), [trace.curve for trace in traces]
        known = self._murgatroyd.get(runs)
        if known is None or not _are(known[0], curves):
            used = [self._rising_points(trace) for trace in traces]
            if self._pending or not self._has_time():
                return None
            known = (curves, fit_murgatroyd(curves, used=[points for points in used if points is not None]))
            _remember(self._murgatroyd, runs, known)
        return known[1]

    def _rising_points(self, trace: JVTrace) -> BoolArray | None:
        """Which points of a sweep the law is fitted to; None where there is no time."""
        known = self._rising.get(trace.run)
        if known is None or known[0] is not trace.curve:
            if not self._has_time():
                return None
            self._rising[trace.run] = known = (trace.curve, rising_points(trace.curve))
        return known[1]

    def _laws_over_temperature(
        self, screen: SessionScreen, single: Sequence[JVTrace], bipolar: Set[str]
    ) -> ArrheniusPicture | None:
        behind = (*single, screen.planned)
        if bipolar != self._bipolar or not _are(self._arrhenius[0], behind):
            self._bipolar = bipolar
            self._arrhenius = (behind, arrhenius_picture(single, screen.planned.temperatures, bipolar))
        return self._arrhenius[1]

    def _mobility(
        self, screen: SessionScreen, series: Sequence[TELTrace], films: Mapping[str, MurgatroydFit]
    ) -> FieldPicture | None:
        """Transit mobilities of every pulse run, a film's beside them; the same object while none changes."""
        behind = (*(one.result for one in series), *films.values())
        if not _are(self._field[0], behind):
            self._field = (behind, _field_of(screen, series, films))
        return self._field[1]

    def _all_series(self, screen: SessionScreen) -> list[TELTrace]:
        """The series of the newest pulse runs, in order; those of the newest run are worked out first."""
        listed = screen.tel.runs[-LISTED_PULSE_RUNS:]
        read = {run.started.run: self._series_of(run, at_once=run is listed[-1]) for run in reversed(listed)}
        runs = [run for run in listed if read[run.started.run]]
        names = _short_names([run.started.device for run in runs])
        kelvins = [f"{read[run.started.run][0].temperature:.0f} K" for run in runs]
        told = _told_apart([(at, names[run.started.device]) for at, run in zip(kelvins, runs, strict=True)])
        found: list[TELTrace] = []
        for run, where in reversed(list(zip(runs, told, strict=True))):
            shown_where = where if len(runs) > 1 else ""
            own = self._series(screen, run, read[run.started.run], run is runs[-1], shown_where)
            found = [*own, *found]
        return found

    def _series(
        self, screen: SessionScreen, run: TELRun, found: Sequence[TELSeries], newest: bool, where: str
    ) -> Iterable[TELTrace]:
        name, device = run.started.run, screen.devices[run.started.device]
        for series in found:
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

    def _series_of(self, run: TELRun, *, at_once: bool) -> list[TELSeries]:
        """The series of a run, put together again only where it has grown; none while there is no time."""
        rows = len(run.earlier) + len(run.rows)
        known = self._pulse_series.get(run.started.run)
        if known is None or known[0] != rows:
            if not (at_once or self._has_time()):
                return []
            self._pulse_series[run.started.run] = known = (rows, run.series())
        return known[1]

    def _result(
        self, key: Series, series: TELSeries, device: Device, part: Window | None
    ) -> AmplitudeResult | None:
        """What a series came to, worked out again only where it has grown; None while there is no time."""
        known = self._results.get(key)
        if known is None or known[0] != part or not _same_points(known[1], series):
            if not self._has_time():
                return None
            known = (part, series, analyse_amplitude(series, device, straight_part=part))
            _remember(self._results, key, known)
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


def _remember(store: dict[Any, Any], key: object, known: object) -> None:
    """Keep this as the newest of what is remembered, and no more than is worth it."""
    store.pop(key, None)
    store[key] = known
    while len(store) > REMEMBERED:
        del store[next(iter(store))]


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
