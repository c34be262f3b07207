"""What a run that begins makes of the one that was interrupted before it."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from qdlab.events import RunStarted


class _Shown(Protocol):
    @property
    def started(self) -> RunStarted: ...


Shown = TypeVar("Shown", bound=_Shown)


def gone_on_with(started: RunStarted, finished: Sequence[Shown]) -> tuple[tuple[Shown, ...], Shown | None]:
    """The runs that still stand for themselves, and the one whose rows the new run goes on with.

    One that is measured anew is neither: nothing of it counts any more.
    """
    taken = (started.predecessor, started.supersedes)
    earlier = next((run for run in finished if run.started.run == started.predecessor), None)
    return tuple(run for run in finished if run.started.run not in taken), earlier
