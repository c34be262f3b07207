"""Whether a session is what was recorded: every line, check and hash, and nothing missing or added."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qdlab.errors import NotASession, RecordError
from qdlab.events import JournalEntry, RunEnd
from qdlab.records.journal import journal_seed
from qdlab.records.layout import (
    JOURNAL_FILE,
    MANIFEST_FILE,
    RUN_ENDED,
    RUN_STARTED,
    SESSION_CLOSED,
    SESSION_OPENED,
    require_session,
    run_files,
    telemetry_files,
)
from qdlab.records.manifest import compare_with_manifest, file_sha256
from qdlab.records.run import read_portions
from qdlab.records.run_file import DamagedLine, HeaderRead, RunFileParser, Stamp
from qdlab.records.session import read_journal, session_end
from qdlab.records.session_file import read_session_file
from qdlab.records.storage import is_being_written


@dataclass(frozen=True, kw_only=True)
class CheckedRun:
    """What verification found in one run file."""

    name: str
    procedure: str
    device: str
    rows: int
    end: RunEnd


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The outcome.

    last : number and time of the last line recorded
    recording : a program is recording into it now; what it wrote after the last journal entry is not judged
    findings : what is wrong, one sentence each, the first bad line of every file named; none where intact
    remarks : what is worth knowing and no damage
    """

    path: Path
    end: RunEnd
    runs: tuple[CheckedRun, ...]
    entries: int
    last: Stamp
    recording: bool
    findings: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def intact(self) -> bool:
        return not self.findings

    @property
    def rows(self) -> int:
        """Rows in all runs."""
        return sum(run.rows for run in self.runs)


def verify_session(path: Path) -> Verification:
    """Check a session. Damage is a finding; raises NotASession where there is no session."""
    check = _Check(require_session(Path(path)))
    try:
        _, encoded = read_session_file(check.path)
        check.recording = is_being_written(check.path / JOURNAL_FILE)
        journal = read_journal(check.path, encoded)
    except NotASession:
        raise
    except RecordError as error:
        check.findings.append(_inside(check.path, str(error)))
        return check.outcome([])
    for entry in journal[-1:]:
        check.see(Stamp(sequence=entry.sequence, time=entry.time, utc=entry.utc))
    check.read_files(journal_seed(encoded))
    check.compare_with_journal(journal)
    check.compare_numbers(journal)
    check.compare_with_manifest(journal)
    return check.outcome(journal)


class _Check:
    """The findings so far, and what the later checks need of the files read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.findings: list[str] = []
        self.remarks: list[str] = []
        self.runs: list[CheckedRun] = []
        self.headers: dict[str, HeaderRead] = {}
        self.numbers: list[int] = []
        self.excused: list[tuple[int, int]] = []
        self.recording = False
        self.last = Stamp(sequence=-1, time=0.0, utc="")

    def outcome(self, journal: list[JournalEntry]) -> Verification:
        return Verification(
            path=self.path,
            end=session_end(journal),
            runs=tuple(self.runs),
            entries=len(journal),
            last=self.last,
            recording=self.recording,
            findings=tuple(self.findings),
            remarks=tuple(self.remarks),
        )

    def read_files(self, seed: str) -> None:
        """Every line of every run and telemetry file."""
        files = set(run_files(self.path))
        strangers = sorted(path.name for path in (self.path / "runs").glob("*") if path not in files)
        if strangers:
            self.remarks.append(f"runs/{strangers[0]}: no run file of this session; nobody reads it")
        for file in [*run_files(self.path), *telemetry_files(self.path)]:
            try:
                self._read_file(file, seed)
            except RecordError as error:
                self.findings.append(f"{self._name(file)}: {error}")

    def compare_with_journal(self, journal: list[JournalEntry]) -> None:
        """What the journal says was begun and ended must be there, byte for byte."""
        if not journal and not self.runs:
            self.remarks.append("it stops before anything was recorded")
        elif not journal or journal[0].text != SESSION_OPENED:
            self.findings.append("journal.jsonl: does not begin with the opening of this session")
        for entry in journal:
            if entry.level == "state" and entry.text == RUN_STARTED:
                self._compare_start(entry.details)
            elif entry.level == "state" and entry.text == RUN_ENDED:
                self._compare_end(entry.details)

    def compare_numbers(self, journal: list[JournalEntry]) -> None:
        """The numbers through all files are complete: a gap is a line that was acknowledged and is gone."""
        if self.findings:
            return
        numbers = sorted([*self.numbers, *(entry.sequence for entry in journal)])
        if self.recording:
            # n is on the disk before n + 1: the files, read after the journal, are complete up to its end
            numbers = [number for number in numbers if number <= journal[-1].sequence]
        lost = {number for entry in journal for number in _integers(entry.details.get("lost"))}
        for before, number in zip([-1, *numbers], numbers, strict=False):
            if number == before:
                self.findings.append(f"sequence number {number} appears twice: lines or files were inserted")
                return
            missing = self._first_missing(before + 1, number, lost)
            if missing is not None:
                self.findings.append(
                    f"the line with sequence number {missing} is missing: it was recorded and is gone"
                )
                return

    def _first_missing(self, first: int, past: int, lost: set[int]) -> int | None:
        """The first number of a gap that no storage error explains."""
        if (first, past) in self.excused:
            return None
        return next((number for number in range(first, past) if number not in lost), None)

    def compare_with_manifest(self, journal: list[JournalEntry]) -> None:
        """A closed session is what it was when it was closed."""
        closed = bool(journal) and any(entry.text == SESSION_CLOSED for entry in journal[-1:])
        if (self.path / MANIFEST_FILE).is_file():
            self.findings += compare_with_manifest(self.path)
        elif closed:
            self.remarks.append("closed without a manifest: later edits of whole files would not be noticed")

    def _read_file(self, file: Path, seed: str) -> None:
        parser = RunFileParser(run=file.stem, session=seed)
        stamps: list[Stamp] = []
        for data in read_portions(file):
            rows = parser.feed(data)
            self.numbers += [row.sequence for row in rows]
            stamps += [Stamp(sequence=row.sequence, time=row.time, utc=row.utc) for row in rows[-1:]]
        read, end = parser.header, parser.end
        if parser.rest and end is not None:
            raise DamagedLine(parser.line + 1, "stands after the end block")
        if parser.rest:
            self.remarks.append(f"{self._name(file)}: the last line was torn by a crash and is not read")
        if read is None:
            self.remarks.append(f"{self._name(file)}: stops inside its header; nothing was recorded in it")
            return
        self.headers[file.stem] = read
        last = stamps[-1] if stamps else read.stamp
        if end is not None:
            if end.end == "failed" and end.reason.startswith("storage:"):
                self.excused.append((last.sequence + 1, end.stamp.sequence))
            last = end.stamp
            self.numbers.append(last.sequence)
        self.numbers.append(read.stamp.sequence)
        self.see(last)
        if file.parent.name == "runs":
            self.runs.append(
                CheckedRun(
                    name=read.run,
                    procedure=read.header.procedure,
                    device=read.header.device,
                    rows=parser.rows,
                    end="interrupted" if end is None else end.end,
                )
            )

    def see(self, stamp: Stamp) -> None:
        """Keep the latest stamp."""
        if stamp.sequence > self.last.sequence:
            self.last = stamp

    def _compare_start(self, details: Any) -> None:
        name = str(details.get("run"))
        read = self.headers.get(name)
        if read is not None and read.sha256 != details.get("header_sha256"):
            self.findings.append(f"runs/{name}.csv: its header is not the one the journal saw")
        elif read is None and not any(f"runs/{name}.csv" in finding for finding in self.findings):
            self.findings.append(f"runs/{name}.csv: the journal saw it begin; it, or its header, is gone")

    def _compare_end(self, details: Any) -> None:
        name = str(details.get("run"))
        file = self.path / "runs" / f"{name}.csv"
        if name in self.headers and file_sha256(file) != details.get("sha256"):
            self.findings.append(
                f"runs/{name}.csv: is not what it was when it ended: lines are gone or added"
            )

    def _name(self, file: Path) -> str:
        return file.relative_to(self.path).as_posix()


def _integers(value: Any) -> Iterable[int]:
    return [item for item in value if isinstance(item, int)] if isinstance(value, list) else []


def _inside(folder: Path, message: str) -> str:
    return message.removeprefix(f"{folder}/").removeprefix(f"{folder}\\")
