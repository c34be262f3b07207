"""`session.toml`: what a session was made with, written once, before anything is measured."""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from qdlab.errors import NotASession, RecordError
from qdlab.records.layout import SESSION_FILE

SESSION_FORMAT = "qdlab-session"
SESSION_FORMAT_NUMBER = 1
MAXIMUM_SIZE = 1 << 20


def encode_session_file(document: Mapping[str, Any], facts: Mapping[str, Any]) -> bytes:
    """The document as TOML, with the session's own facts under ``[session]``. What is None is left out."""
    import tomli_w

    if "session" in document:
        raise ValueError("document holds a table 'session'; that one is written by the recorder")
    whole = {"session": {"format": f"{SESSION_FORMAT} {SESSION_FORMAT_NUMBER}", **facts}, **document}
    encoded = tomli_w.dumps(_plain_toml(whole), multiline_strings=False).encode()
    if len(encoded) > MAXIMUM_SIZE:
        raise RecordError(
            f"{SESSION_FILE} would be {len(encoded)} bytes long and could not be read again "
            f"(at most {MAXIMUM_SIZE}); divide the plan"
        )
    return encoded


def read_session_file(folder: Path) -> tuple[dict[str, Any], bytes]:
    """The document and the bytes it was read from."""
    path = folder / SESSION_FILE
    if not path.is_file():
        raise NotASession(f"{folder}: no {SESSION_FILE} in it, so it is not a session of qdlab")
    if path.is_symlink() or path.stat().st_size > MAXIMUM_SIZE:
        raise RecordError(f"{path}: a link, or larger than {MAXIMUM_SIZE} bytes; not a session of qdlab")
    encoded = path.read_bytes()
    try:
        document = tomllib.loads(encoded.decode())
        name, _, number = str(document["session"]["format"]).partition(" ")
        known = name == SESSION_FORMAT and number.isdecimal()
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordError(f"{path}: not readable as a session's description ({_first_line(error)})") from None
    if not known:
        raise RecordError(f"{path}: format {name!r} is not {SESSION_FORMAT}")
    if int(number[:9]) > SESSION_FORMAT_NUMBER:
        raise RecordError(
            f"{path}: its format {number[:9]} is newer than this qdlab reads ({SESSION_FORMAT_NUMBER}); "
            "update qdlab to open it"
        )
    return document, encoded


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _plain_toml(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain_toml(item) for key, item in value.items() if item is not None}
    if isinstance(value, str | bool | int | float | datetime | date | time):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [_plain_toml(item) for item in items if item is not None]
    return _plain_toml(value.item()) if hasattr(value, "item") else str(value)
