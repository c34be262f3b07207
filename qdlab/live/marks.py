"""What stands on the line one scrubs along: where runs began, what was warned of, what was noted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from qdlab.events import Event, JournalEntry, JournalLevel, RunStarted

MarkKind = Literal["run", "warning", "error", "note"]
_SIGNS: dict[MarkKind, str] = {"run": "▾", "warning": "!", "error": "✕", "note": "◆"}


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One mark: its share of the events [1], its meaning, and its words."""

    share: float
    kind: MarkKind
    text: str

    @property
    def sign(self) -> str:
        """The meaning as a sign, so that colour alone never carries it."""
        return _SIGNS[self.kind]


def marks(events: Sequence[Event]) -> list[Mark]:
    """The marks of a session, in order; going to one shows the screen with its event in it."""
    found = []
    for number, event in enumerate(events, start=1):
        kind = _kind(event)
        if kind is not None:
            found.append(Mark(share=number / len(events), kind=kind, text=_words(event)))
    return found


def _kind(event: Event) -> MarkKind | None:
    if isinstance(event, RunStarted):
        return "run"
    if not isinstance(event, JournalEntry):
        return None
    kinds: dict[JournalLevel, MarkKind] = {"warning": "warning", "error": "error", "note": "note"}
    return kinds.get(event.level)


def _words(event: Event) -> str:
    if isinstance(event, RunStarted):
        return f"{event.run}: {event.procedure} on {event.device}"
    return f"{event.level}: {event.text}" if isinstance(event, JournalEntry) else ""
