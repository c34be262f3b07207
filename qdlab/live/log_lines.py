"""The journal as lines, and which of them a person has asked to see."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from qdlab.events import JournalEntry, JournalLevel
from qdlab.live.bench import ChipKind

KINDS: Mapping[str, ChipKind] = {
    "error": "alarm",
    "guardian": "alarm",
    "warning": "active",
    "prompt": "active",
    "note": "good",
}
"""The meaning of each kind of entry; the others have none that would need a colour."""

CHOICES: Mapping[str, frozenset[str]] = {
    "everything": frozenset(get_args(JournalLevel)),
    "warnings and errors": frozenset({"warning", "error", "guardian"}),
    "notes": frozenset({"note", "prompt"}),
}


@dataclass(frozen=True, kw_only=True)
class LogFilter:
    """What is wanted: kinds of entries, and words that all have to be there."""

    choice: str = "everything"
    words: str = ""

    def takes(self, entry: JournalEntry) -> bool:
        """Whether an entry is to be seen; capitals make no difference."""
        text = line_of(entry).casefold()
        return entry.level in CHOICES[self.choice] and all(
            word in text for word in self.words.casefold().split()
        )


def line_of(entry: JournalEntry) -> str:
    """An entry in a line: time of day, kind, words."""
    return f"{entry.utc[11:19]}   {entry.level}:  {entry.text}"
