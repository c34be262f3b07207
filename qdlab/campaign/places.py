"""Where in a plan a run belongs, so that a resumed session measures exactly what is missing."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Any

from procedures import columns
from procedures.base import BenchProcedure, PointKey, Row
from qdlab.events import JournalEntry
from qdlab.records import Run, Session
from qdlab.records.resume import final_runs, run_chain

FlaggedRow = tuple[Row, frozenset[str]]

_NOT_THE_DEVICE_S = frozenset(
    {"compliance", "range-compliance", "over-voltage", "overflow", "invalid", "jump", "breakdown", "drop"}
)
RESUME_CHECK = "resume-check"  # flags the first temperature measured again because a session was resumed


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a step stands, and the temperature it is done at.

    Parameters
    ----------
    key : of the step in the plan's file
    visit : which set point of a temperature sweep
    repeat : of a repeated step
    check : which check of the first temperature after a resume; 0 for what the plan itself asks for
    setpoint, tolerance : of the temperature [K]
    """

    key: str = ""
    visit: int = 0
    repeat: int = 0
    check: int = 0
    setpoint: float = math.nan
    tolerance: float = math.inf

    def step(self, index: int) -> "Place":
        """The place of one nested step."""
        return replace(self, key=f"{self.key}.steps[{index}]".lstrip("."))

    def conditions(self) -> dict[str, Any]:
        """For the run's header."""
        found: dict[str, Any] = {"Step": self.key, "Visit": self.visit, "Repeat": self.repeat}
        if self.check:
            found["Check after resume"] = self.check
        if math.isfinite(self.setpoint):
            found["Temperature setpoint"] = self.setpoint
        return found

    @property
    def identity(self) -> tuple[Any, ...]:
        return _identity(self.conditions())

    def flags(self, row: Row) -> frozenset[str]:
        """Of a row measured here: outside the set point's tolerance, or beyond what the plan asks for."""
        stage = row.get(columns.STAGE_TEMPERATURE, math.nan)
        outside = {"outside-temperature"} if abs(stage - self.setpoint) > self.tolerance else set()
        return frozenset(outside | ({RESUME_CHECK} if self.check else set()))


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What a run begins with.

    Parameters
    ----------
    done : rows measured before that count
    predecessor : name of the run that it goes on with
    supersedes : name of the run that it measures anew
    """

    done: Sequence[FlaggedRow] = ()
    predecessor: str | None = None
    supersedes: str | None = None


def _identity(conditions: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(conditions.get(name, 0) for name in ("Step", "Visit", "Repeat", "Check after resume"))


class Earlier:
    """What the session being resumed already holds; nothing where a session is new."""

    def __init__(self, session: Session | None) -> None:
        self.is_resumed = session is not None
        self._runs: list[Run] = [] if session is None else list(session.runs)
        self.failed_devices = {} if session is None else _failed_devices(session.journal)
        self._last = {_identity(run.header.conditions): run for run in final_runs(self._runs)}

    @property
    def checks(self) -> int:
        """How often the first temperature was checked after a resume."""
        return max((identity[-1] for identity in self._last), default=0)

    def is_finished(self, place: Place) -> bool:
        run = self._last.get(place.identity)
        return run is not None and run.end == "finished"

    def begun(self, place: Place) -> Run | None:
        """The run that was left unfinished at this place."""
        return None if self.is_finished(place) else self._last.get(place.identity)

    def add(self, run: Run) -> None:
        """Take in a run of this very campaign, to be gone on with like an earlier one."""
        self._runs.append(run)
        self._last[_identity(run.header.conditions)] = run

    def rows(self, place: Place) -> list[FlaggedRow]:
        """Every row measured at this place that counts."""
        run = self._last.get(place.identity)
        chain = [] if run is None else run_chain(self._runs, run)
        return [
            (row.values, row.flags)
            for part in chain
            for row in part.recorded_rows()
            if "invalid" not in row.flags
        ]


def _failed_devices(journal: Iterable[JournalEntry]) -> dict[str, str]:
    """Devices that were given up, with the reason."""
    details = [entry.details for entry in journal if "failed_device" in entry.details]
    return {str(known["failed_device"]): str(known["reason"]) for known in details}


@dataclass
class Measured:
    """What one procedure measured at one place: point -> its result (a current, in all that ours measure)."""

    values: dict[PointKey, float] = field(default_factory=dict)

    def add(self, procedure: BenchProcedure, row: Row) -> None:
        self.values[procedure.point_key(row)] = row.get(procedure.result_column, math.nan)

    def change_from(self, earlier: "Measured") -> float:
        """Median relative change of the points both hold; NaN where they hold none."""
        changes = [
            self.values[key] / before - 1
            for key, before in earlier.values.items()
            if key in self.values and before != 0 and math.isfinite(self.values[key] / before)
        ]
        return median(changes) if changes else math.nan


class KnownCurrents:
    """The newest J-V curve of each device, outwards: current at a voltage.

    Of readings that are the device's own: one in compliance was not taken at the voltage that was set.
    """

    def __init__(self) -> None:
        self._curves: dict[str, dict[float, float]] = {}

    def add(self, device: str, row: Row, flags: frozenset[str]) -> None:
        if flags & _NOT_THE_DEVICE_S:
            return
        current, voltage = (row.get(heading, math.nan) for heading in (columns.CURRENT, columns.VOLTAGE))
        if math.isfinite(current) and math.isfinite(voltage) and row.get(columns.SWEEP_DIRECTION, 1.0) > 0:
            self._curves.setdefault(device, {})[voltage] = current

    def curve(self, device: str) -> "Curve | None":
        """Current [A] at a voltage [V]; None where fewer than two points are known."""
        points = self._curves.get(device, {})
        return Curve(sorted(points.items())) if len(points) > 1 else None


class Curve:
    """Straight lines between points; above them the square law of space charge, below them the first."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        self._points = points

    def __call__(self, voltage: float) -> float:
        points = self._points
        if voltage <= points[0][0]:
            return points[0][1]
        for (v0, i0), (v1, i1) in pairwise(points):
            if voltage <= v1:
                return i0 + (i1 - i0) * (voltage - v0) / (v1 - v0)
        last_voltage, last_current = points[-1]
        # a device conducts more at a voltage that was not reached: less taken off it would flatter its field
        return last_current * (voltage / last_voltage) ** 2 if last_voltage > 0 else last_current
