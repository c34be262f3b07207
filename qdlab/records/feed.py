"""The events of a session in the order they happened: of a finished one, or of one that is still growing."""

import math
from collections.abc import Container, Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol

from qdlab.errors import RecordError
from qdlab.events import Event, JournalEntry, RowRecorded, RunEnded, TelemetryRecorded
from qdlab.records.journal import JournalParser, journal_seed
from qdlab.records.layout import (
    JOURNAL_FILE,
    SESSION_CLOSED,
    SESSION_RESUMED,
    require_session,
    run_files,
    telemetry_files,
)
from qdlab.records.recorder import run_started
from qdlab.records.run import read_portions
from qdlab.records.run_file import RowRead, RunFileParser
from qdlab.records.session import read_devices, require_known_device
from qdlab.records.session_file import read_session_file

Numbered = tuple[float, Event]


class RunFeed:
    """The events of one session.

    Parameters
    ----------
    path : the session's folder; its devices, plan and the boxes' identities are read at once
    follow : the session may still grow; a run without an end block is then still running, not interrupted
    """

    def __init__(self, path: Path, *, follow: bool = False) -> None:
        self.path = require_session(Path(path))
        self.follow = follow
        self.closed = False
        document, encoded = read_session_file(self.path)
        self.devices = read_devices(self.path, document)
        self.identities = box_identities(document)
        self.plan = document.get("plan")
        self._sources: dict[Path, _Source] = {}
        self._seed = journal_seed(encoded)
        self._waiting: list[Numbered] = []

    def events(self) -> Iterator[Event]:
        """Everything recorded up to now, in sequence order."""
        yield from self.poll()
        if not self.follow:
            yield from self._rest()

    def _rest(self) -> list[Event]:
        """What is left once nothing more will come, with the ends of runs that have no end block."""
        ends = [item for source in self._sources.values() for item in source.interrupted()]
        late, self._waiting = _in_order(self._waiting + ends), []
        return [event for _, event in late]

    def poll(self) -> list[Event]:
        """What was recorded since the last call, in sequence order and without a gap.

        Number n is on the disk before n + 1 is given out, so whatever is seen in a first look at the files is
        complete after a second one.
        """
        first = _in_order(self._waiting + self._look())
        horizon = first[-1][0] if first else -1.0
        found = _in_order(first + self._look())
        ready = [event for number, event in found if number <= horizon]
        self._waiting = [item for item in found if item[0] > horizon]
        for event in ready:
            if isinstance(event, JournalEntry) and event.text in (SESSION_CLOSED, SESSION_RESUMED):
                self.closed = event.text == SESSION_CLOSED
        return ready

    def _look(self) -> list[Numbered]:
        for file in [self.path / JOURNAL_FILE, *run_files(self.path), *telemetry_files(self.path)]:
            if file not in self._sources:
                self._sources[file] = self._open(file)
        return [item for source in self._sources.values() for item in source.read()]

    def _open(self, file: Path) -> "_Source":
        if file.name == JOURNAL_FILE:
            return _JournalSource(file, self._seed)
        if file.parent.name == "runs":
            return _RunSource(file, self._seed, self.devices)
        return _TelemetrySource(file, self._seed, self.devices)


def box_identities(document: Mapping[str, Any]) -> dict[str, str]:
    """Who answered on the bench, by role; empty where the session does not say."""
    bench = document.get("bench")
    identities = bench.get("identities") if isinstance(bench, Mapping) else None
    if not isinstance(identities, Mapping):
        return {}
    return {str(role): str(identity) for role, identity in identities.items()}


class _Source(Protocol):
    def read(self) -> list[Numbered]:
        """The events that the file has grown by."""

    def interrupted(self) -> list[Numbered]:
        """The event that tells of a missing end block."""


class _File:
    """What a file has grown by since it was last looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._position = 0

    def new_bytes(self) -> Iterator[bytes]:
        for data in read_portions(self.path, self._position):
            self._position += len(data)
            yield data


class _RunSource(_File):
    def __init__(self, path: Path, session: str, devices: Container[str]) -> None:
        super().__init__(path)
        self._devices = devices
        self._parser = RunFileParser(run=path.stem, session=session)
        self._columns: tuple[str, ...] = ()
        self._run = path.stem
        self._last = (math.nan, math.nan)
        self._announced = False
        self._told_end = False

    def read(self) -> list[Numbered]:
        found: list[Numbered] = []
        try:
            for data in self.new_bytes():
                rows = self._parser.feed(data)
                found += self._announce()
                found += [(row.sequence, self._event(row)) for row in rows]
                if rows:
                    self._last = (rows[-1].sequence, rows[-1].time)
        except RecordError as error:
            raise RecordError(f"{self.path}: {error}") from None
        return found + self._announce_end()

    def interrupted(self) -> list[Numbered]:
        if self._told_end or not self._announced:
            return []
        number, time = self._last
        end = RunEnded(run=self._run, end="interrupted", rows=self._parser.rows, time=time)
        return [(number + 0.5, end)]

    def _announce(self) -> list[Numbered]:
        read = self._parser.header
        if self._announced or read is None:
            return []
        self._announced = True
        self._run, self._columns = read.run, tuple(read.header.columns)
        self._last = (read.stamp.sequence, read.stamp.time)
        return self._start_events(read.stamp.sequence)

    def _start_events(self, sequence: int) -> list[Numbered]:
        assert self._parser.header is not None
        started = run_started(self._parser.header)
        require_known_device(started.run, started.device, self._devices)
        return [(sequence, started)]

    def _announce_end(self) -> list[Numbered]:
        end = self._parser.end
        if self._told_end or end is None:
            return []
        self._told_end = True
        return self._end_events()

    def _end_events(self) -> list[Numbered]:
        end = self._parser.end
        assert end is not None
        time = end.stamp.time
        event = RunEnded(run=self._run, end=end.end, rows=end.rows, time=time, reason=end.reason)
        return [(end.stamp.sequence, event)]

    def _event(self, row: RowRead) -> Event:
        return RowRecorded(
            run=self._run,
            sequence=row.sequence,
            time=row.time,
            utc=row.utc,
            values=dict(zip(self._columns, row.values, strict=True)),
            flags=row.flags,
        )


class _TelemetrySource(_RunSource):
    """Telemetry has rows only: that it begins and ends is no event."""

    def _start_events(self, sequence: int) -> list[Numbered]:
        return []

    def _end_events(self) -> list[Numbered]:
        return []

    def interrupted(self) -> list[Numbered]:
        return []

    def _event(self, row: RowRead) -> Event:
        return TelemetryRecorded(
            sequence=row.sequence,
            time=row.time,
            utc=row.utc,
            values=dict(zip(self._columns, row.values, strict=True)),
            flags=row.flags,
        )


class _JournalSource(_File):
    def __init__(self, path: Path, seed: str) -> None:
        super().__init__(path)
        self._parser = JournalParser(seed)

    def read(self) -> list[Numbered]:
        try:
            return [(entry.sequence, entry) for data in self.new_bytes() for entry in self._parser.feed(data)]
        except RecordError as error:
            raise RecordError(f"{self.path}: {error}") from None

    def interrupted(self) -> list[Numbered]:
        return []


def _in_order(items: list[Numbered]) -> list[Numbered]:
    return sorted(items, key=itemgetter(0))
