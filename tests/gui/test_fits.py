"""Disorder fits in a process of their own: one that dies is told, and the next curve brings the next try."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from analysis.constants import nanometre, square_millimetre
from analysis.device import Device, Layer
from analysis.estimate import Estimate
from procedures import columns
from qdlab.events import Event, RowRecorded, RunEnded, RunStarted
from qdlab.gui.fits import FitDesk
from qdlab.gui.worker import ScreenWorker
from qdlab.live import session as live
from qdlab.live.disorder import FitFinished
from qdlab.live.picture import Picture
from qdlab.live.session import SessionScreen

FILM = Device(
    identifier="film",
    layers=(
        Layer(
            material="QD",
            thickness=Estimate(value=1000 * nanometre),
            relative_permittivity=Estimate(value=4.0),
        ),
    ),
    active_layers=("QD",),
    area=Estimate(value=4 * square_millimetre),
)


def sweep(run: str, temperature: float, *, supersedes: str | None = None) -> Iterator[Event]:
    """A quadratic curve of ten points."""
    heads = (columns.VOLTAGE, columns.CURRENT, columns.SAMPLE_TEMPERATURE)
    yield RunStarted(
        run=run,
        procedure="JVSweep",
        device="film",
        parameters={},
        columns=heads,
        sequence=1,
        time=0.0,
        supersedes=supersedes,
    )
    for volt in np.geomspace(1.0, 10.0, 10).tolist():
        values = dict(zip(heads, (volt, 1e-6 * volt**2, temperature), strict=True))
        yield RowRecorded(run=run, sequence=2, time=1.0, utc="", values=values, flags=frozenset())
    yield RunEnded(run=run, end="finished", rows=10, time=2.0)


def screen_of(*sweeps: Iterator[Event]) -> SessionScreen:
    screen = live.initial({"film": FILM})
    for events in sweeps:
        for event in events:
            screen = live.fold(screen, event)
    return screen


class At:
    """Screens of one session, then of the next."""

    position = (1.0, "")

    def __init__(self, screen: SessionScreen) -> None:
        self.screen = screen

    def advance(self, elapsed: float) -> SessionScreen:
        return self.screen


class Fitted:
    """A fit that came back, in place of the process it came from."""

    def __init__(self, device: str, curves: list[Any]) -> None:
        self.finished = FitFinished(device=device, curves=len(curves), fit=None)  # type: ignore[arg-type]

    def ready(self) -> bool:
        return True

    def get(self) -> FitFinished:
        return self.finished


class Died:
    """What a fit that raised in its process leaves behind."""

    def ready(self) -> bool:
        return True

    def get(self) -> Any:
        raise MemoryError("no room for the mesh")


def test_a_fit_that_dies_is_told_and_only_that_one_is_not_tried_again() -> None:
    desk = FitDesk()
    desk._running, desk._fitting = Died(), ("film", ("a", "b", "c"))  # type: ignore[assignment]
    shown = desk.attend(live.initial({}))
    assert shown.words == "no fit: no room for the mesh"
    assert desk._failed == {("film", ("a", "b", "c"))}
    desk.close()


def test_a_sweep_measured_anew_is_fitted_anew_and_the_fit_of_the_old_one_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[list[float]] = []

    def start(desk: FitDesk, device: str, curves: list[Any]) -> Fitted:
        begun.append([curve.temperature for curve in curves])
        return Fitted(device, curves)

    monkeypatch.setattr(FitDesk, "_start", start)
    desk = FitDesk()
    first = screen_of(sweep("a", 297.0), sweep("b", 257.0))
    desk.attend(first)
    assert desk.attend(first).fits["film"].curves == 2
    anew = screen_of(sweep("a", 297.0), sweep("b", 257.0), sweep("c", 255.0, supersedes="b"))
    assert not desk.attend(anew).fits
    assert begun == [[297.0, 257.0], [297.0, 255.0]]
    assert desk.attend(anew).fits["film"].curves == 2


def test_a_fit_given_up_is_not_begun_again_until_it_is_asked_for_or_another_curve_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Endless:
        def ready(self) -> bool:
            return False

    begun: list[int] = []

    def start(desk: FitDesk, device: str, curves: list[Any]) -> Endless:
        begun.append(len(curves))
        return Endless()

    monkeypatch.setattr(FitDesk, "_start", start)
    desk = FitDesk()
    screen = screen_of(sweep("a", 297.0), sweep("b", 257.0))
    assert desk.attend(screen).fitting == ("film", 2)
    desk.give_up()
    shown = desk.attend(screen)
    assert shown.fitting is None and shown.words.startswith("no fit: given up")
    desk.try_again()
    assert desk.attend(screen).fitting == ("film", 2) and not desk.failure
    desk.give_up()
    assert desk.attend(screen_of(sweep("a", 297.0), sweep("b", 257.0), sweep("c", 217.0))).fitting == (
        "film",
        3,
    )
    assert begun == [2, 2, 3]


def test_a_fit_whose_process_is_killed_is_told_and_the_next_one_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("qdlab.gui.fits.disorder.fit", os.getpid)
    desk = FitDesk()
    helper = desk._start("film", [])
    helper.end()
    desk._running, desk._fitting = helper, ("film", ("a", "b"))
    assert desk.attend(live.initial({})).failure
    assert desk._start("film", []) is not helper
    desk.close()


def test_what_was_chosen_in_one_session_does_not_hold_for_the_run_of_that_name_in_the_next(
    qtbot: QtBot,
) -> None:
    screens = At(screen_of(sweep("a", 297.0)))
    worker = ScreenWorker(screens)
    drawn: list[Picture] = []
    worker.picture_ready.connect(drawn.append)

    def look() -> Picture:
        worker._turn()
        worker.picture_drawn()
        return drawn[-1]

    look()
    worker.use_window("a", (2.0, 8.0))
    (trace,) = look().jv
    assert trace.by_hand and trace.fit is not None and trace.fit.window == (2.0, 8.0)
    screens.screen = screen_of(sweep("a", 297.0))
    (trace,) = look().jv
    assert not trace.by_hand and trace.fit is not None and trace.fit.window != (2.0, 8.0)


def test_of_the_places_sought_while_the_window_draws_only_the_newest_counts(qtbot: QtBot) -> None:
    worker = ScreenWorker(At(screen_of()))
    done: list[str] = []
    for place in ("a", "b"):
        worker.wish(lambda screens, place=place: done.append(f"seek {place}"), newest_of="seek")
    worker.wish(lambda screens: done.append("step"))
    for place in ("c", "d", "e"):
        worker.wish(lambda screens, place=place: done.append(f"seek {place}"), newest_of="seek")
    worker._turn()
    assert done == ["seek b", "step", "seek e"]
