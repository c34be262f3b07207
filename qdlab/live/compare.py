"""Sessions side by side: their sweeps in one plot, and every result in one line across them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qdlab.live import session as live
from qdlab.live.picture import Picture, PictureMaker
from qdlab.live.pictures.cards import Card
from qdlab.live.pictures.jv import JVTrace
from qdlab.live.planned import planned_of
from qdlab.records import RunFeed


@dataclass(frozen=True, kw_only=True)
class ResultLine:
    """One result: what it is, and what it came to in each session; None where a session has none."""

    title: str
    cards: tuple[Card | None, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Sessions by name, all their sweeps, and all their results."""

    names: tuple[str, ...]
    traces: tuple[JVTrace, ...]
    lines: tuple[ResultLine, ...]


def compare_recorded(paths: Sequence[Path]) -> Comparison:
    """Compare recorded sessions; their disorder fits take a few seconds each.

    Raises
    ------
    RecordError : a line that cannot be believed, or no session there
    """
    return compared({name: _picture(path) for name, path in zip(_names(paths), paths, strict=True)})


def compared(pictures: Mapping[str, Picture]) -> Comparison:
    """The pictures of sessions side by side, by the sessions' names."""
    traces = [
        replace(trace, run=f"{name}/{trace.run}", number=number, label=f"{trace.label}, {name}")
        for number, (name, picture) in enumerate(pictures.items())
        for trace in picture.jv
    ]
    found = {name: {card.title: card for card in picture.cards} for name, picture in pictures.items()}
    titles = dict.fromkeys(title for cards in found.values() for title in cards)
    lines = [
        ResultLine(title=title, cards=tuple(cards.get(title) for cards in found.values())) for title in titles
    ]
    return Comparison(names=tuple(pictures), traces=tuple(traces), lines=tuple(lines))


def _picture(path: Path) -> Picture:
    feed = RunFeed(path)
    return PictureMaker().draw(live.folded(feed.devices, feed.events(), planned=planned_of(feed.plan)))


def _names(paths: Sequence[Path]) -> list[str]:
    """Folder names; with a number where two are alike, for a plot must tell them apart."""
    names: list[str] = []
    for path in paths:
        again = sum(name.startswith(path.name) for name in names)
        names.append(path.name if not again else f"{path.name} ({again + 1})")
    return names
