"""Writing into the journal of a session that is already there: to go on recording, or to add a note."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from instruments.roles import Clock
from qdlab.errors import RecordError
from qdlab.events import JournalEntry, JournalLevel
from qdlab.records.appended_file import AppendedFile
from qdlab.records.journal import MAXIMUM_JOURNAL, JournalParser, encode_entry, journal_seed, plain_entry
from qdlab.records.layout import JOURNAL_FILE, MANIFEST_FILE
from qdlab.records.manifest import file_sha256, make_manifest, replace_file
from qdlab.records.run_file import Stamp, format_utc
from qdlab.records.session_file import read_session_file
from qdlab.records.storage import DISK, Storage
from qdlab.records.verify import Verification, verify_session


def require_intact(path: Path) -> Verification:
    """What verification found; raises RecordError where a session is damaged: nothing is added to one."""
    found = verify_session(path)
    if not found.intact:
        raise RecordError(f"{path}: damaged, so nothing is added to it: {found.findings[0]}")
    return found


def reopen_journal(path: Path, storage: Storage) -> tuple[AppendedFile, str, str]:
    """A session's journal for appending, its last check and its seed; a line torn by a crash is dropped.

    Raises RecordError where another program is recording into the session.
    """
    _, encoded = read_session_file(path)
    seed = journal_seed(encoded)
    content = (path / JOURNAL_FILE).read_bytes()
    parser = JournalParser(seed)
    parser.feed(content)
    file = AppendedFile(path / JOURNAL_FILE, storage, existing=content[: len(content) - len(parser.rest)])
    try:
        storage.lock(file.handle)
        if parser.rest:
            storage.truncate(file.handle, file.size)
    except BlockingIOError:
        file.close()
        raise RecordError(
            f"{path}: another program is recording into it right now; wait for its end"
        ) from None
    except BaseException:
        file.close()
        raise
    return file, parser.check, seed


def next_moment(last: Stamp, clock: Clock) -> Stamp:
    """The number after the last one, and the session's time now: it goes on with the gap UTC tells of."""
    now = format_utc(clock.utc())
    gap = seconds_between(last.utc, now)
    return Stamp(sequence=last.sequence + 1, time=last.time + max(gap, 0.0), utc=now)


def seconds_between(earlier: str, later: str) -> float:
    """Seconds from one stamp to another; 0 where one of them is none."""
    from datetime import datetime

    try:
        return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
    except ValueError:
        return 0.0


def add_note(
    path: Path,
    text: str,
    *,
    clock: Clock,
    level: JournalLevel = "note",
    details: Mapping[str, Any] = MappingProxyType({}),
    storage: Storage = DISK,
) -> JournalEntry:
    """Write an operator's note, or what the guardian did, into a session that nobody is recording into.

    The manifest of a closed session is made anew, and the note carries the hash of the old one.

    Parameters
    ----------
    details : the same in numbers, for programs

    Raises
    ------
    RecordError : the session is damaged, or being recorded into
    """
    found = require_intact(path)
    file, check, _ = reopen_journal(path, storage)
    try:
        manifest = path / MANIFEST_FILE
        closed = {"manifest_before": file_sha256(manifest)} if manifest.is_file() else {}
        words, plain = plain_entry(level, text, {**details, **closed})
        stamp = next_moment(found.last, clock)
        entry = JournalEntry(**vars(stamp), level=level, text=words, details=plain)
        encoded, _ = encode_entry(entry, check)
        if file.size + len(encoded) > MAXIMUM_JOURNAL:
            raise RecordError(f"{path}: its journal is as long as one may be; keep the note elsewhere")
        # a crash between the two leaves no manifest, never one that accuses the note
        storage.remove(manifest)
        file.append(encoded)
        if closed:
            replace_file(manifest, make_manifest(path), storage)
    finally:
        file.close()
    return entry
