"""Sessions side by side: their sweeps in one plot, and every result in one line across them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from string import ascii_uppercase

from qdlab.live import session as live
from qdlab.live.picture import Picture, PictureMaker
from qdlab.live.pictures.cards import Card
from qdlab.live.pictures.jv import JVTrace
from qdlab.live.planned import planned_of
from qdlab.records import RunFeed

LETTERS = ascii_uppercase


@dataclass(frozen=True, kw_only=True)
class ResultLine:
    """One result: what it is, and what it came to in each session; None where a session has none."""

    title: str
    cards: tuple[Card | None, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Sessions by letter and name, all their sweeps, and all their results."""

    names: tuple[str, ...]
    traces: tuple[JVTrace, ...]
    lines: tuple[ResultLine, ...]


def compare_recorded(paths: Sequence[Path]) -> Comparison:
    """Compare recorded sessions; their disorder fits take a few seconds each.

    Raises
    ------
    ValueError : more sessions than there are letters
    RecordError : a line that cannot be believed, or no session there
    """
    if len(paths) > len(LETTERS):
        raise ValueError(f"{len(paths)} sessions are too many side by side; choose {len(LETTERS)} or fewer")
    return compared({name: _picture(path) for name, path in zip(_names(paths), paths, strict=True)})


def compared(pictures: Mapping[str, Picture]) -> Comparison:
    """The pictures of sessions side by side, by the sessions' names."""
    traces = [
        replace(trace, run=f"{letter}/{trace.run}", number=number, label=f"{letter}: {trace.label}")
        for number, (letter, picture) in enumerate(zip(LETTERS, pictures.values(), strict=False))
        for trace in picture.jv
    ]
    found = {name: {card.title: card for card in picture.cards} for name, picture in pictures.items()}
    titles = dict.fromkeys(title for cards in found.values() for title in cards)
    lines = [
        ResultLine(title=title, cards=tuple(cards.get(title) for cards in found.values())) for title in titles
    ]
    names = tuple(f"{letter}: {name}" for letter, name in zip(LETTERS, pictures, strict=False))
    return Comparison(names=names, traces=tuple(traces), lines=tuple(lines))


def _picture(path: Path) -> Picture:
    feed = RunFeed(path)
    return PictureMaker().draw(live.folded(feed.devices, feed.events(), planned=planned_of(feed.plan)))


def _names(paths: Sequence[Path]) -> list[str]:
    """Folder names; with a number where two are alike, for a plot must tell them apart."""
    names: list[str] = []
    for path in paths:
        numbered = (path.name if again == 1 else f"{path.name} ({again})" for again in count(1))
        names.append(next(name for name in numbered if name not in names))
    return names
