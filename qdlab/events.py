"""What happens in a session, as facts that travel: from the run files to screens, terminals and reports.

`RunFeed` makes the same events from a growing, a finished or a replayed session; live folds consume them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

RunEnd = Literal["finished", "stopped", "aborted", "failed", "interrupted"]
JournalLevel = Literal["state", "note", "warning", "error", "guardian", "prompt"]


@dataclass(frozen=True, kw_only=True)
class RunStarted:
    """One procedure at one set point begins.

    run : the run file's stem, unique in the session
    procedure : class name, never imported from here
    device : identifier of the device in `session.toml`
    parameters : name as in the run file's header -> value, SI numbers or text
    columns : headings of the rows, in order
    sequence : session-wide number of the header, before its rows
    predecessor : stem of the run this one resumes; None for a fresh one
    supersedes : stem of the run this one measures anew, whose rows do not count any more
    """

    run: str
    procedure: str
    device: str
    parameters: Mapping[str, Any]
    columns: tuple[str, ...]
    sequence: int
    time: float
    predecessor: str | None = None
    supersedes: str | None = None


@dataclass(frozen=True, kw_only=True)
class RowRecorded:
    """One row is on the disk.

    sequence : session-wide, the only order
    time : seconds since the session began (monotonic)
    utc : ISO 8601 stamp
    values : heading -> number (NaN where invalid)
    flags : words such as "compliance", "outside-temperature", "remeasured"
    """

    run: str
    sequence: int
    time: float
    utc: str
    values: Mapping[str, float]
    flags: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class RunEnded:
    """One procedure at one set point is over; `reason` says why where `end` is not "finished"."""

    run: str
    end: RunEnd
    rows: int
    time: float
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class JournalEntry:
    """A state change, note, warning or error of the session; `details` is plain JSON."""

    sequence: int
    time: float
    utc: str
    level: JournalLevel
    text: str
    details: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class TelemetryRecorded:
    """The state of cryostat and bench at one time, for the whole session (`telemetry.csv`)."""

    sequence: int
    time: float
    utc: str
    values: Mapping[str, float]
    flags: frozenset[str]


Event = RunStarted | RowRecorded | RunEnded | JournalEntry | TelemetryRecorded
