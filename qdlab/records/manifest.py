"""The manifest of a closed session: one line ``<sha256>  <path>`` a file, as ``sha256sum -c`` reads it."""

import hashlib
import re
import secrets
import stat
from pathlib import Path

from qdlab.records.appended_file import write_new_file
from qdlab.records.layout import JOURNAL_FILE, MANIFEST_FILE, SESSION_FILE, run_files, telemetry_files
from qdlab.records.storage import DISK, Storage

MAXIMUM_MANIFEST = 1 << 22
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._/-]{1,200})")


def recorded_files(folder: Path) -> list[str]:
    """The files that are the record, as paths inside the session: not what can be derived from them again."""
    fixed = [name for name in (SESSION_FILE, JOURNAL_FILE) if (folder / name).is_file()]
    tables = [path.name for path in telemetry_files(folder)]
    runs = [f"runs/{path.name}" for path in run_files(folder)]
    traffic = [f"io/{path.name}" for path in (folder / "io").glob("*.jsonl")]
    return sorted([*fixed, *tables, *runs, *traffic])


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hex; of a pipe or a folder nothing, since opening one may wait for ever."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return ""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def make_manifest(folder: Path) -> bytes:
    """The manifest of a session's files as they are now."""
    return "".join(f"{file_sha256(folder / name)}  {name}\n" for name in recorded_files(folder)).encode()


def compare_with_manifest(folder: Path) -> list[str]:
    """What differs between a session and its manifest, one sentence each; empty where nothing does."""
    listed: dict[str, str] = {}
    if (folder / MANIFEST_FILE).stat().st_size > MAXIMUM_MANIFEST:
        return [f"{MANIFEST_FILE} is larger than {MAXIMUM_MANIFEST} bytes"]
    text = (folder / MANIFEST_FILE).read_bytes()
    for number, line in enumerate(text.decode("ascii", "replace").split("\n")[:-1], start=1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in listed:
            return [f"{MANIFEST_FILE} line {number} is not a hash and a path"]
        listed[match[2]] = match[1]
    if not text.endswith(b"\n"):
        return [f"{MANIFEST_FILE} stops inside a line"]
    present = recorded_files(folder)
    missing = [
        f"{name} is in the manifest but not in the session" for name in sorted(set(listed) - set(present))
    ]
    added = [f"{name} is in the session but not in the manifest" for name in present if name not in listed]
    changed = [
        f"{name} was changed after the session was closed"
        for name in present
        if name in listed and file_sha256(folder / name) != listed[name]
    ]
    return missing + added + changed


def replace_file(path: Path, content: bytes, storage: Storage = DISK) -> None:
    """Put a file's new content in the place of the old at once: readers see one or the other."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    write_new_file(draft, [content], storage)
    storage.replace(draft, path)
    storage.sync_folder(path.parent)
