"""A session at a glance: its curves without axes, in a unit square."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.curves import FloatArray, JVCurve, TELSeries
from qdlab.errors import RecordError
from qdlab.records import open_session
from qdlab.records.curves import jv_curves, tel_series
from qdlab.records.layout import run_files

SHOWN_CURVES = 12
LARGEST = 20_000_000  # [byte] of run files; reading more for a glance is not worth it


@dataclass(frozen=True, kw_only=True)
class ThumbLine:
    """One curve: places from 0 to 1, and its share of the span of temperatures, or of amplitudes."""

    x: FloatArray
    y: FloatArray
    share: float


@dataclass(frozen=True, kw_only=True)
class Thumbnail:
    """The curves of a session; none, and why, where there is nothing to draw."""

    path: Path
    lines: tuple[ThumbLine, ...] = ()
    words: str = ""


def thumbnails(paths: Sequence[Path]) -> list[Thumbnail]:
    """One of each session; one that cannot be read has words instead."""
    return [_of(path) for path in paths]


def _of(path: Path) -> Thumbnail:
    try:
        if sum(file.stat().st_size for file in run_files(path)) > LARGEST:
            return Thumbnail(path=path, words="too long for a picture")
        session = open_session(path)
        curves, series = jv_curves(session), tel_series(session)
    except (RecordError, OSError, ValueError) as problem:
        return Thumbnail(path=path, words=str(problem))
    lines = of_sweeps(curves) or of_series(series)
    return Thumbnail(path=path, lines=lines, words="" if lines else "no curve")


def of_sweeps(curves: Sequence[JVCurve]) -> tuple[ThumbLine, ...]:
    """Log J against log V."""
    logarithms = []
    for curve in curves[-SHOWN_CURVES:]:
        part = (curve.voltage > 0) & (curve.current_density > 0)
        logarithms.append(
            (np.log10(curve.voltage[part]), np.log10(curve.current_density[part]), curve.temperature)
        )
    return _in_unit_square(logarithms)


def of_series(series: Sequence[TELSeries]) -> tuple[ThumbLine, ...]:
    """Light current against pulse width."""
    return _in_unit_square(
        [(one.pulse_width, one.light_current, one.pulse_amplitude) for one in series[-SHOWN_CURVES:]]
    )


def _in_unit_square(curves: Iterable[tuple[FloatArray, FloatArray, float]]) -> tuple[ThumbLine, ...]:
    known = [(x, y, at) for x, y, at in curves if len(x) > 1]
    if not known:
        return ()
    share_x = _shares(np.concatenate([x for x, _, _ in known]))
    share_y = _shares(np.concatenate([y for _, y, _ in known]))
    share_at = _shares(np.array([at for _, _, at in known]))
    ends = np.cumsum([0, *(len(x) for x, _, _ in known)])
    return tuple(
        ThumbLine(x=share_x[low:high], y=share_y[low:high], share=float(share))
        for low, high, share in zip(ends[:-1], ends[1:], share_at, strict=True)
    )


def _shares(values: FloatArray) -> FloatArray:
    low, span = np.nanmin(values), np.nanmax(values) - np.nanmin(values)
    return np.full(len(values), 0.5) if span == 0 else (values - low) / span
