"""``qdlab replay``: a recorded session through the live pipeline."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from qdlab.events import Event
    from qdlab.live.session import SessionScreen


def replay(
    session: Annotated[Path, typer.Argument(help="The session's folder.", show_default=False)],
    speed: Annotated[str, typer.Option(help="Times the recorded pace, or max.")] = "max",
    through_drivers: Annotated[
        bool,
        typer.Option("--through-drivers", help="Recorded instrument traffic through drivers and procedures."),
    ] = False,
) -> None:
    """Feed a recorded session through the live pipeline and print what it finds; nothing is written."""
    if through_drivers:
        _replay_wire(session)
    else:
        _replay_rows(session, _parse_speed(speed))


def _replay_rows(session: Path, pace: float | None) -> None:
    from qdlab.live.session import with_disorder_fits
    from qdlab.machine_clock import MachineClock
    from qdlab.replay import open_replay

    replayed = open_replay(session)
    for _ in replayed.play(None if pace is None else MachineClock(), speed=pace or 1.0):
        told = _told(replayed.events[replayed.position - 1])
        if told:
            print(f"{replayed.time:10.1f} s  {told}")
    print(f"{session}: {len(replayed)} events")
    for line in _results(with_disorder_fits(replayed.screen)):
        print(line)


def _replay_wire(session: Path) -> None:
    from qdlab.replay_wire import replay_wire

    replayed = replay_wire(session)
    for part in replayed.parts:
        print(f"{session / part.file}: {part.messages} messages to the boxes as recorded, {part.rows} rows")
        if part.divergence:
            print(part.divergence)
        if part.differing_rows:
            numbers = ", ".join(map(str, part.differing_rows[:20]))
            print(f"rows that came out differently: sequence {numbers}")
    if replayed.unrecorded:
        print(f"{replayed.unrecorded} parts of the session were measured without --record-io")
    if not replayed.is_identical:
        raise typer.Exit(1)


def _parse_speed(text: str) -> float | None:
    import math

    from qdlab.errors import ConfigError

    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not (math.isfinite(speed) and speed > 0):
        raise ConfigError(f"--speed {text!r} is neither max nor a number above zero")
    return speed


def _told(event: "Event") -> str:
    """What a line of text says of an event; rows, telemetry and states go unsaid."""
    from qdlab.events import JournalEntry, RunEnded, RunStarted

    if isinstance(event, RunStarted):
        return f"{event.run} on {event.device}"
    if isinstance(event, RunEnded):
        return f"{event.run}: {event.rows} rows, {event.end}{': ' if event.reason else ''}{event.reason}"
    if isinstance(event, JournalEntry) and event.level != "state":
        return f"{event.level}: {event.text}"
    return ""


def _results(screen: "SessionScreen") -> Iterator[str]:
    for run in screen.jv.finished:
        if run.fit is not None:
            mobility = run.fit.zero_field_mobility
            yield f"{run.started.run}: zero_field_mobility {mobility} m²/Vs, {run.fit.verdict}"
    for device in screen.devices:
        for series, fit in screen.tel.fits(device):
            yield f"{device} {series.label}: delay_time {fit.delay_time} s, {fit.verdict}"
    for device, law in screen.jv.arrhenius.items():
        yield f"{device}: activation_energy {law.activation_energy} J, {law.verdict}"
    for device, found in screen.disorder.fits.items():
        for name, estimate in found.fit.parameters.items():
            yield f"{device}: {name} {estimate}, {estimate.verdict}"
