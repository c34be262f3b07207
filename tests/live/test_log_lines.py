"""Which lines of the journal a person has asked to see."""

import pytest

from qdlab.events import JournalEntry, JournalLevel
from qdlab.live.log_lines import CHOICES, LogFilter, line_of


def entry(level: JournalLevel, text: str) -> JournalEntry:
    return JournalEntry(
        sequence=1, time=0.0, utc="2026-11-27T02:03:04.500Z", level=level, text=text, details={}
    )


def test_a_line_says_time_kind_and_words() -> None:
    assert line_of(entry("note", "lamp off")) == "02:03:04   note:  lamp off"


@pytest.mark.parametrize(
    ("choice", "words", "seen"),
    [
        ("everything", "", ["state", "note", "warning", "error", "guardian", "prompt"]),
        ("warnings and errors", "", ["warning", "error", "guardian"]),
        ("notes", "", ["note", "prompt"]),
        ("everything", "SOAK guardian", ["guardian"]),
        ("notes", "nothing has this", []),
    ],
)
def test_a_filter_takes_its_kinds_and_the_lines_with_all_its_words(
    choice: str, words: str, seen: list[str]
) -> None:
    chosen = LogFilter(choice=choice, words=words)
    everything = [entry(level, "soak ended") for level in sorted(CHOICES["everything"])]
    assert sorted(one.level for one in everything if chosen.takes(one)) == sorted(seen)
