"""The journal: one JSON object a line, chained like rows and seeded by the hash of `session.toml`."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, get_args

from qdlab.events import JournalEntry, JournalLevel
from qdlab.records.run_file import (
    MAXIMUM_LINE,
    DamagedLine,
    next_check,
    plain_json,
    read_json,
)

JOURNAL_FORMAT = "qdlab-journal 1"
MAXIMUM_JOURNAL = 1 << 25

_CHECKED_LINE = re.compile(rb'(.*), "check": "(x[0-9a-f]{16})"\}', re.DOTALL)
_KEYS = ("sequence", "time", "utc", "level", "text", "details")


def journal_seed(document: bytes) -> str:
    """What the first line's check builds on: the hash of the bytes of `session.toml`."""
    return "x" + hashlib.sha256(document).hexdigest()[:16]


def encode_entry(entry: JournalEntry, previous: str) -> tuple[bytes, str]:
    """One line of the journal and its check."""
    facts = {name: getattr(entry, name) for name in _KEYS}
    content = (
        json.dumps(facts, ensure_ascii=False, allow_nan=False).removesuffix("}").encode("utf-8", "replace")
    )
    check = next_check(previous, content)
    return content + f', "check": "{check}"}}\n'.encode(), check


def plain_entry(level: JournalLevel, text: str, details: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Text and details as one line of JSON will hold them; what is far too long is shortened."""
    if level not in get_args(JournalLevel):
        raise ValueError(f"journal level {level!r} is not one of {', '.join(get_args(JournalLevel))}")
    readable = text.encode("utf-8", "replace").decode()
    plain = plain_json(details)
    written = json.dumps(plain)
    room = MAXIMUM_LINE // 8
    if len(written) > 2 * room:
        plain = {"shortened": written[:room]}
    return readable if len(readable) <= room else readable[:room] + " ...", plain


class JournalParser:
    """Turns a journal's bytes, in any portions, into entries; a line not to be believed is a DamagedLine."""

    def __init__(self, seed: str) -> None:
        self.rest = b""
        self.line = 0
        self.size = 0
        self.check = seed
        self.sequence = -1

    def feed(self, data: bytes) -> list[JournalEntry]:
        """The entries that these further bytes complete."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.size += len(data)
        if self.size > MAXIMUM_JOURNAL:
            raise DamagedLine(self.line + 1, f"makes the journal longer than {MAXIMUM_JOURNAL} bytes")
        entries = []
        for line in lines:
            self.line += 1
            entries.append(self._read_line(line))
        if len(self.rest) > MAXIMUM_LINE:
            raise DamagedLine(self.line + 1, f"is longer than {MAXIMUM_LINE} bytes")
        return entries

    def _read_line(self, line: bytes) -> JournalEntry:
        match = _CHECKED_LINE.fullmatch(line) if len(line) <= MAXIMUM_LINE else None
        if match is None:
            raise DamagedLine(self.line, "is not a journal entry")
        if match[2].decode() != next_check(self.check, match[1]):
            raise DamagedLine(
                self.line, "does not match its check: it was changed, or a line before it or session.toml was"
            )
        entry = self._interpret(match[1] + b"}")
        if entry.sequence <= self.sequence:
            raise DamagedLine(self.line, f"has sequence number {entry.sequence} after {self.sequence}")
        self.sequence, self.check = entry.sequence, match[2].decode()
        return entry

    def _interpret(self, text: bytes) -> JournalEntry:
        try:
            facts = read_json(text)
            sequence, time, utc, level, words, details = (facts[key] for key in _KEYS)
        except (ValueError, KeyError, TypeError):
            raise DamagedLine(self.line, "does not hold an entry's keys") from None
        right = isinstance(sequence, int) and isinstance(time, int | float) and isinstance(details, dict)
        if (
            not right
            or not isinstance(utc, str)
            or not isinstance(words, str)
            or level not in get_args(JournalLevel)
        ):
            raise DamagedLine(self.line, "does not hold an entry's values")
        return JournalEntry(
            sequence=sequence, time=float(time), utc=utc, level=level, text=words, details=details
        )
