"""What an operator chose instead of a rule: quadratic windows and straight parts, as notes in the journal.

The note says it in words; its details say it again in numbers, so that whoever reads the session later uses
the same points. The last choice holds, and giving a choice back to the rule is a note too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.constants import microsecond
from qdlab.events import JournalEntry

Window = tuple[float, float]
Series = tuple[str, float]

_WINDOW, _STRAIGHT_PART = "quadratic window", "straight part"


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """Choices in force.

    Parameters
    ----------
    windows : run -> lowest and highest voltage of the quadratic window [V]
    straight_parts : run and pulse amplitude [V] -> shortest and longest width of the straight part [s]
    """

    windows: Mapping[str, Window] = field(default_factory=dict)
    straight_parts: Mapping[Series, Window] = field(default_factory=dict)

    def with_window(self, run: str, window: Window | None) -> "Overrides":
        """With a quadratic window chosen for one run; None gives it back to the rule."""
        return replace(self, windows=_changed(self.windows, run, window))

    def with_straight_part(self, series: Series, part: Window | None) -> "Overrides":
        """With a straight part chosen for one series; None gives it back to the rule."""
        return replace(self, straight_parts=_changed(self.straight_parts, series, part))


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One choice as a note: its words, and its numbers."""

    text: str
    details: Mapping[str, Any]


def window_choice(run: str, window: Window | None) -> Choice:
    """The note that says which quadratic window is used for a run."""
    words = "by the rule again" if window is None else f"{window[0]:.4g} to {window[1]:.4g} V, chosen by hand"
    return Choice(
        text=f"{_WINDOW} of {run}: {words}",
        details={"override": _WINDOW, "run": run, "range": None if window is None else list(window)},
    )


def straight_part_choice(series: Series, part: Window | None) -> Choice:
    """The note that says which straight part is used for a pulse series."""
    run, amplitude = series
    if part is None:
        words = "by the rule again"
    else:
        low, high = (width / microsecond for width in part)
        words = f"{low:.4g} to {high:.4g} µs, chosen by hand"
    return Choice(
        text=f"{_STRAIGHT_PART} of {run} at {amplitude:g} V: {words}",
        details={
            "override": _STRAIGHT_PART,
            "run": run,
            "pulse_amplitude": amplitude,
            "range": None if part is None else list(part),
        },
    )


def fold(overrides: Overrides, entry: JournalEntry) -> Overrides:
    """The choices after one more entry; what is no choice, or none that can be used, changes nothing."""
    details = entry.details
    kind, run = details.get("override"), details.get("run")
    if kind is None or not isinstance(run, str):
        return overrides
    chosen = details.get("range")
    window = None if chosen is None else _window(chosen)
    if chosen is not None and window is None:
        return overrides
    if kind == _WINDOW:
        return overrides.with_window(run, window)
    amplitude = details.get("pulse_amplitude")
    if kind == _STRAIGHT_PART and math.isfinite(_number(amplitude)):
        return overrides.with_straight_part((run, _number(amplitude)), window)
    return overrides


def _window(chosen: object) -> Window | None:
    """A rising pair of numbers above zero; None for anything else a file may hold."""
    if not isinstance(chosen, list) or len(chosen) != 2:
        return None
    low, high = map(_number, chosen)
    return (low, high) if 0 < low < high < math.inf else None


def _number(found: object) -> float:
    """Infinite for a whole number beyond all others, NaN for what is no number."""
    try:
        return float(found) if isinstance(found, int | float) else math.nan
    except OverflowError:
        return math.inf


def _changed(known: Mapping[Any, Window], key: Any, chosen: Window | None) -> dict[Any, Window]:
    rest = {one: window for one, window in known.items() if one != key}
    return rest if chosen is None else {**rest, key: chosen}
