"""Many analysed sessions on a terminal: how far it is, and one line for every device of every session."""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from analysis.constants import electronvolt, nanometre
from analysis.estimate import format_with_uncertainty
from qdlab.batch import Outcome

OUTLYING = 3.5
"""Robust standard deviations from the median beyond which a value is marked [1]."""
FEWEST_TO_COMPARE = 5

_SHOWN: dict[str, tuple[str, float]] = {
    "disorder_width": ("σ / meV", 1000 / electronvolt),
    "hopping_distance": ("a / nm", 1 / nanometre),
    "mobility_prefactor": ("μ₀ / m²/Vs", 1.0),
}


@contextmanager
def progress(count: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error, where that is a terminal; gives what to call after each session."""
    columns = (TextColumn("analysing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=count)
        yield lambda: bar.advance(task)


@dataclass(frozen=True, kw_only=True)
class _Line:
    session: str
    device: str
    parameters: Mapping[str, Any]
    verdict: str


def summary_table(outcomes: Sequence[Outcome]) -> Table:
    """The disorder parameters of every device; what lies far from the others' of its column has a star."""
    lines = [line for outcome in outcomes for line in _lines(outcome)]
    headings = [label for label, _ in _SHOWN.values()]
    table = Table("session", "device", *headings, "verdict", box=box.SIMPLE_HEAD)
    table.caption = f"* more than {OUTLYING:g} robust standard deviations from the median"
    stars = {name: _outlying([_value(line, name) for line in lines]) for name in _SHOWN}
    for index, line in enumerate(lines):
        cells = [_cell(line, name) + ("*" if stars[name][index] else "") for name in _SHOWN]
        table.add_row(line.session, line.device, *cells, line.verdict)
    return table


def _lines(outcome: Outcome) -> list[_Line]:
    name = outcome.session.name
    if outcome.results is None:
        return [_Line(session=name, device="-", parameters={}, verdict="failed")]
    lines = []
    for device, results in outcome.results["devices"].items():
        disorder = (results["jv"] or {}).get("disorder")
        lines.append(
            _Line(
                session=name,
                device=device,
                parameters={} if disorder is None else disorder["parameters"],
                verdict="-" if disorder is None else disorder["verdict"]["word"],
            )
        )
    return lines


def _value(line: _Line, name: str) -> float:
    value = line.parameters.get(name, {}).get("value")
    return math.nan if value is None else float(value)


def _cell(line: _Line, name: str) -> str:
    scale, error = _SHOWN[name][1], line.parameters.get(name, {}).get("standard_error")
    return format_with_uncertainty(_value(line, name) * scale, None if error is None else error * scale)


def _outlying(values: Sequence[float]) -> list[bool]:
    """Which of them lie far from the median, by the median deviation; none where they are too few."""
    known = [value for value in values if math.isfinite(value)]
    if len(known) < FEWEST_TO_COMPARE:
        return [False] * len(values)
    middle = statistics.median(known)
    spread = 1.4826 * statistics.median(abs(value - middle) for value in known)
    return [math.isfinite(value) and abs(value - middle) > OUTLYING * spread > 0 for value in values]
