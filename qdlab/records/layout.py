"""What lies where in a session's folder, and the words of its journal that mean something to a program."""

from itertools import islice
from pathlib import Path

from qdlab.errors import NotASession, RecordError

JOURNAL_FILE = "journal.jsonl"
RESERVE_FILE = "reserve.bin"
MANIFEST_FILE = "manifest-sha256.txt"
SESSION_FILE = "session.toml"

SESSION_OPENED = "session opened"
SESSION_RESUMED = "session resumed"
SESSION_CLOSED = "session closed"
RUN_STARTED = "run started"
RUN_ENDED = "run ended"
STORAGE_FAILED = "storage failed"
TRAFFIC_KEPT = "instrument traffic kept"

MAXIMUM_RUNS = 10_000


def require_session(path: Path) -> Path:
    """The path where it is a folder; raises NotASession."""
    if not path.exists():
        raise NotASession(f"{path}: there is nothing there")
    if not path.is_dir():
        raise NotASession(f"{path}: a session is a folder, this is a file")
    return path


def run_files(path: Path) -> list[Path]:
    """The run files of a session, in the order of their names."""
    return _at_most(MAXIMUM_RUNS, path / "runs", "*.csv")


def telemetry_files(path: Path) -> list[Path]:
    """The telemetry tables of a session."""
    return _at_most(MAXIMUM_RUNS, path, "telemetry*.csv")


def _at_most(count: int, folder: Path, pattern: str) -> list[Path]:
    found = list(islice(folder.glob(pattern), count + 1))
    if len(found) > count:
        raise RecordError(f"{folder}: more than {count} files; no session is that long")
    return sorted(found)
