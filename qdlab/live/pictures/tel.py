"""Pulse series as drawn: points, the line down to the axis, and the checks measured in between."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.constants import microsecond
from analysis.curves import FloatArray, TELSeries
from analysis.estimate import Estimate
from analysis.space_charge.slope import BoolArray
from analysis.transit import DelayFit
from procedures import columns
from procedures.tel_series import BACKGROUND, DOUBLE_PERIOD, PICKUP, REFERENCE
from qdlab.events import RowRecorded
from qdlab.live.overrides import Window
from qdlab.live.pictures.jv import Line
from qdlab.pulsed import AmplitudeResult

PICOAMPERE = 1e-12
LARGEST_DRIFT = 0.03  # loss of reference light that makes a delay time doubtful [1]


@dataclass(frozen=True, kw_only=True)
class TELTrace:
    """One pulse amplitude: the series, its delay time, and the line down to the axis.

    Parameters
    ----------
    run : it was measured in
    where : temperature and device of the run, where the session has several runs
    newest : it belongs to the newest run of the session
    interval : 95 % interval of the delay time [s]; None where there is none
    chosen : straight part chosen by the operator [s]; None for the rule's
    unrecorded : the choice stands in this window only, not in the journal
    """

    run: str
    series: TELSeries
    result: AmplitudeResult | None
    line: Line | None
    where: str = ""
    newest: bool = True
    interval: tuple[float, float] | None = None
    chosen: Window | None = None
    unrecorded: bool = False

    @property
    def by_hand(self) -> bool:
        return self.chosen is not None

    @property
    def label(self) -> str:
        """Amplitude, and what tells the run from the others."""
        return ", ".join(filter(None, (self.series.label, self.where)))

    @property
    def key(self) -> tuple[str, float]:
        return self.run, self.series.pulse_amplitude

    @property
    def delay(self) -> DelayFit | None:
        return None if self.result is None else self.result.delay

    @property
    def used(self) -> BoolArray:
        if self.delay is None:
            return np.zeros(len(self.series), dtype=bool)
        return np.asarray(self.delay.used, dtype=bool)

    @property
    def words(self) -> str:
        """Delay time, straight part, and why it is that one."""
        if self.delay is None:
            return f"{self.label}: {len(self.series)} widths so far"
        delay = self.delay
        parts = [f"{self.label}: τ_d = {delay.delay_time.scaled(1 / microsecond)} µs"]
        if self.interval is not None:
            parts.append(f"95 % interval {_micro(self.interval[0])} to {_micro(self.interval[1])} µs")
        if delay.straight_part is not None:
            low, high = delay.straight_part
            chosen = ", chosen by hand" if self.by_hand else ""
            parts.append(f"straight from {_micro(low)} to {_micro(high)} µs{chosen}")
        word = delay.verdict.word.replace("_", " ")
        return f"{', '.join(parts)} ({word}). {delay.why} {delay.verdict.advice}".strip()


@dataclass(frozen=True, kw_only=True)
class Check:
    """Readings of one kind at one amplitude, in the order of measurement."""

    label: str
    time: FloatArray
    width: FloatArray
    light: FloatArray


@dataclass(frozen=True, kw_only=True)
class ChecksPicture:
    """What was measured between the points of a pulse series.

    Parameters
    ----------
    references : light of the reference pulse over its first value [1], against time [s], by amplitude
    backgrounds : with the output off [A], against time [s]
    pickups : of pulses too low to make light [A], against width [s]
    words : what they amount to
    """

    references: tuple[Check, ...] = ()
    backgrounds: tuple[Check, ...] = ()
    pickups: tuple[Check, ...] = ()
    words: str = "no reference pulse yet"


def line_to_the_axis(series: TELSeries, delay: DelayFit) -> Line | None:
    """The asymptote from its intercept with the width axis to the last point used."""
    used = np.asarray(delay.used, dtype=bool)
    start = delay.delay_time.value
    if not math.isfinite(start) or not used.any():
        return None
    ends = np.array([start, float(series.pulse_width[used].max())])
    return ends, delay.slope.value * (ends - start)


def interval_of(delay_time: Estimate) -> tuple[float, float] | None:
    """The 95 % interval [s], which may be unbounded; None where nothing is known."""
    if not math.isfinite(delay_time.value):
        return None
    if delay_time.confidence_interval is not None or delay_time.standard_error is None:
        return delay_time.confidence_interval
    half = 1.96 * delay_time.standard_error
    return delay_time.value - half, delay_time.value + half


def checks_picture(rows: Sequence[RowRecorded]) -> ChecksPicture:
    """References, backgrounds and pickup of one run's rows."""
    by_kind: dict[tuple[float, float], list[RowRecorded]] = defaultdict(list)
    for row in rows:
        kind = row.values.get(columns.POINT_KIND, 0.0)
        if kind:
            by_kind[kind, row.values.get(columns.PULSE_AMPLITUDE, math.nan)].append(row)
    references = _checks(by_kind, REFERENCE)
    backgrounds = _checks(by_kind, BACKGROUND)
    return ChecksPicture(
        references=tuple(_relative(one) for one in references),
        backgrounds=tuple(backgrounds),
        pickups=tuple(_checks(by_kind, PICKUP)),
        words=_checks_in_words(references, backgrounds, _checks(by_kind, DOUBLE_PERIOD)),
    )


def _checks(by_kind: dict[tuple[float, float], list[RowRecorded]], wanted: float) -> list[Check]:
    found = []
    for (kind, amplitude), rows in by_kind.items():
        if kind == wanted:
            light = [row.values.get(columns.LIGHT_CURRENT, math.nan) for row in rows]
            width = [row.values.get(columns.PULSE_WIDTH, math.nan) for row in rows]
            found.append(
                Check(
                    label=f"{amplitude:g} V",
                    time=np.array([row.time for row in rows]),
                    width=np.array(width),
                    light=np.array(light),
                )
            )
    return found


def _relative(check: Check) -> Check:
    first = check.light[0] if check.light[0] > 0 else math.nan
    return Check(label=check.label, time=check.time, width=check.width, light=check.light / first)


def _checks_in_words(references: list[Check], backgrounds: list[Check], doubled: list[Check]) -> str:
    words = []
    drifts = [(one.label, _drift(one)) for one in references if len(one.light) > 1]
    known = [(label, drift) for label, drift in drifts if math.isfinite(drift)]
    if known:
        label, worst = max(known, key=lambda pair: abs(pair[1]))
        words.append(
            f"reference light drifted by at most {100 * worst:+.2g} %, last third over first ({label})"
        )
        if abs(worst) > LARGEST_DRIFT:
            words.append("more than 3 %: ageing looks like curvature, so doubt that delay time")
    dark = np.concatenate([one.light for one in backgrounds]) if backgrounds else np.array([])
    if np.isfinite(dark).any():
        worst_dark = float(np.nanmax(np.abs(dark))) / PICOAMPERE
        words.append(f"background with the output off up to {worst_dark:.2g} pA, subtracted")
    if doubled:
        words.append(f"checked at twice the period at {', '.join(one.label for one in doubled)}")
    return "; ".join(words) or "no reference pulse yet"


def _drift(check: Check) -> float:
    """Last third of the reference light over its first third, less one [1]."""
    third = max(1, len(check.light) // 3)
    first, last = float(check.light[:third].mean()), float(check.light[-third:].mean())
    return last / first - 1 if first > 0 else math.nan


def _micro(seconds: float) -> str:
    return f"{seconds / microsecond:.4g}" if math.isfinite(seconds) else "any"
