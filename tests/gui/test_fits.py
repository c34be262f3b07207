"""Disorder fits in a process of their own: one that dies is told, and the next curve brings the next try."""

from typing import Any

from qdlab.gui.fits import FitDesk
from qdlab.live import session as live


class Died:
    """What a fit that raised in its process leaves behind."""

    def ready(self) -> bool:
        return True

    def get(self) -> Any:
        raise MemoryError("no room for the mesh")


def test_a_fit_that_dies_is_told_and_only_that_one_is_not_tried_again() -> None:
    desk = FitDesk()
    desk._running, desk._fitting = Died(), ("film", 3)  # type: ignore[assignment]
    shown = desk.attend(live.initial({}))
    assert shown.words == "no fit: no room for the mesh"
    assert desk._failed == {("film", 3)}
    desk.close()
