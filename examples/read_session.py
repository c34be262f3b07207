"""Read and check a session with nothing but the standard library: `python read_session.py SESSION`.

Written from the description of the format in `qdlab/records/__init__.py`; imports nothing of qdlab.
"""

import hashlib
import json
import sys
from pathlib import Path


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_run(path: Path) -> tuple[list[str], list[list[str]], str]:
    """Column headings, rows as text without their checks, and how the run ended; or a ValueError."""
    lines = path.read_bytes().split(b"\n")[:-1]  # what follows the last line feed was torn by a crash
    data = lines.index(b"#Data:")
    rest = [*lines[: data - 1], *lines[data : data + 2]]
    if lines[data - 1] != b"#Header check: x" + sha256(b"\n".join(rest) + b"\n")[:16].encode():
        raise ValueError(f"{path}: the header was changed")
    check = "x" + sha256(b"\n".join(lines[: data + 2]) + b"\n")[:16]
    rows, end = [], "interrupted"
    for number, line in enumerate(lines[data + 2 :], start=data + 3):
        if line.startswith(b"#End: ") and number == len(lines):
            before, _, told = (b"\n".join(lines)).rpartition(b" sha256=")
            if told.decode() != sha256(before):
                raise ValueError(f"{path}: line {number}: the file was changed")
            end = line.split()[1].decode()
            continue
        content, _, found = line.rpartition(b",")
        check = "x" + sha256(check.encode() + content)[:16]
        if found.decode() != check:
            raise ValueError(f"{path}: line {number} does not match its check")
        rows.append(content.decode().split(","))
    return lines[data + 1].decode().split(",")[:-1], rows, end


def read_journal(folder: Path) -> list[dict]:
    """The journal's entries in order; raises ValueError at a bad line."""
    check = "x" + sha256((folder / "session.toml").read_bytes())[:16]
    entries = []
    for number, line in enumerate((folder / "journal.jsonl").read_bytes().split(b"\n")[:-1], start=1):
        content, _, found = line.rpartition(b', "check": "')
        check = "x" + sha256(check.encode() + content)[:16]
        if found != f'{check}"}}'.encode():
            raise ValueError(f"journal.jsonl: line {number} does not match its check")
        entries.append(json.loads(content + b"}"))
    return entries


if __name__ == "__main__":
    session = Path(sys.argv[1])
    print(f"{len(read_journal(session))} journal entries")
    for file in sorted((session / "runs").glob("*.csv")):
        headings, table, ended = read_run(file)
        print(f"{file.name}: {len(table)} rows of {', '.join(headings[3:-1])}; {ended}")
