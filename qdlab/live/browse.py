"""The sessions of a folder, one line each: when, what, on which devices, and how it ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qdlab.errors import RecordError
from qdlab.records.layout import run_files
from qdlab.records.session import read_devices, read_journal, session_end
from qdlab.records.session_file import read_session_file


@dataclass(frozen=True, kw_only=True)
class SessionLine:
    """One session as a table shows it; `end` says why where a session cannot be read."""

    path: Path
    created: str = ""
    name: str = ""
    devices: tuple[str, ...] = ()
    runs: int = 0
    end: str = ""


def sessions_in(folder: Path) -> list[SessionLine]:
    """The sessions of a folder, newest first; no run file is opened."""
    return sorted(_lines(folder), key=lambda line: (line.created, line.path.name), reverse=True)


def _lines(folder: Path) -> Iterable[SessionLine]:
    for file in folder.glob("*/session.toml"):
        try:
            yield _line(file.parent)
        except (RecordError, OSError) as problem:
            yield SessionLine(path=file.parent, name=file.parent.name, end=str(problem))


def _line(path: Path) -> SessionLine:
    document, encoded = read_session_file(path)
    facts = document["session"]
    return SessionLine(
        path=path,
        created=str(facts.get("created", "")),
        name=str(facts.get("name", path.name)),
        devices=tuple(read_devices(path, document)),
        runs=len(run_files(path)),
        end=session_end(read_journal(path, encoded)),
    )
