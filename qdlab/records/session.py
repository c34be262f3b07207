"""A session as it lies on the disk, read and checked."""

import contextlib
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.device import Device
from qdlab.errors import RecordError
from qdlab.events import JournalEntry, RunEnd
from qdlab.records.devices import device_from_document
from qdlab.records.journal import JournalParser, journal_seed
from qdlab.records.layout import (
    JOURNAL_FILE,
    SESSION_CLOSED,
    SESSION_RESUMED,
    require_session,
    run_files,
    telemetry_files,
)
from qdlab.records.run import Run, UnfinishedHeader, read_portions, read_run
from qdlab.records.session_file import read_session_file


@dataclass(frozen=True, kw_only=True)
class Session:
    """Everything recorded in one session.

    path : its folder
    document : `session.toml` as read: devices, plan, bench, limits, identities, ...
    devices : identifier -> device
    runs : in the order they were started
    journal : every entry, in order
    telemetry : the state of cryostat and bench; one table more for every time the session was resumed
    """

    path: Path
    document: Mapping[str, Any]
    devices: Mapping[str, Device]
    runs: tuple[Run, ...]
    journal: tuple[JournalEntry, ...]
    telemetry: tuple[Run, ...]

    @property
    def name(self) -> str:
        """What its operator called it."""
        return str(self.document["session"].get("name", self.path.name))

    @property
    def end(self) -> RunEnd:
        """How it ended; "interrupted" where nobody closed it."""
        return session_end(self.journal)

    def run(self, name: str) -> Run:
        """The run of that name; raises KeyError."""
        for run in self.runs:
            if run.name == name:
                return run
        raise KeyError(name)


def open_session(path: Path) -> Session:
    """Read a session, checking every line of it (the manifest is `verify_session`'s).

    Raises
    ------
    NotASession : the path holds none
    RecordError : a line that cannot be believed; the message names file and line
    """
    path = require_session(Path(path))
    document, encoded = read_session_file(path)
    devices = read_devices(path, document)
    runs = _read_runs(run_files(path), journal_seed(encoded))
    for run in runs:
        require_known_device(run.name, run.header.device, devices)
    return Session(
        path=path,
        document=document,
        devices=devices,
        runs=runs,
        journal=tuple(read_journal(path, encoded)),
        telemetry=_read_runs(telemetry_files(path), journal_seed(encoded)),
    )


def read_journal(path: Path, session_file: bytes) -> list[JournalEntry]:
    """Every entry of a session's journal; none where it never began, not the last where a crash tore it."""
    if not (path / JOURNAL_FILE).exists():
        return []
    parser = JournalParser(journal_seed(session_file))
    entries: list[JournalEntry] = []
    file = path / JOURNAL_FILE
    try:
        for data in read_portions(file):
            entries += parser.feed(data)
    except RecordError as error:
        raise RecordError(f"{file}: {error}") from None
    return entries


def session_end(journal: tuple[JournalEntry, ...] | list[JournalEntry]) -> RunEnd:
    """How a session ended, by the last of its journal's entries that says so."""
    for entry in reversed(journal):
        if entry.level == "state" and entry.text == SESSION_RESUMED:
            return "interrupted"
        if entry.level == "state" and entry.text == SESSION_CLOSED:
            return entry.details.get("end", "interrupted")
    return "interrupted"


def read_end(path: Path) -> RunEnd:
    """How a session ended; reads its description and its journal only."""
    _, encoded = read_session_file(path)
    return session_end(read_journal(path, encoded))


def require_known_device(run: str, device: str, devices: Container[str]) -> None:
    """Raises RecordError where a run names a device that `session.toml` does not describe."""
    if device not in devices:
        raise RecordError(f"run {run!r} names device {device!r}, which session.toml does not describe")


def _read_runs(files: list[Path], session: str) -> tuple[Run, ...]:
    runs = []
    for file in files:
        with contextlib.suppress(UnfinishedHeader):
            runs.append(read_run(file, session=session))
    return tuple(sorted(runs, key=lambda run: run.sequence))


def read_devices(path: Path, document: Mapping[str, Any]) -> dict[str, Device]:
    """The devices that a session's description holds, by identifier; raises RecordError."""
    devices = document.get("devices", [])
    tables = list(devices.values()) if isinstance(devices, Mapping) else devices
    try:
        read = [device_from_document(table) for table in tables]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"{path / 'session.toml'}: a device in it cannot be used ({error})") from None
    return {device.identifier: device for device in read}
