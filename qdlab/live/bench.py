"""The bench bar: per box its identity, what it does, and what it confirmed when it was switched off."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from procedures import columns
from qdlab.events import Event, JournalEntry, RowRecorded, RunEnded, RunStarted, TelemetryRecorded
from qdlab.live.changed import changed

ChipKind = Literal["idle", "good", "active", "alarm"]

NAMES = {
    "source_meter": "Source meter",
    "pulse_generator": "Generator",
    "light_meter": "Light meter",
    "temperature_controller": "Temperature",
}


@dataclass(frozen=True, kw_only=True)
class BoxScreen:
    """One box: who it is, its state in words, and which of four meanings the state has.

    Parameters
    ----------
    last_error : what last went wrong with it in this session, and when; empty where nothing did
    """

    role: str
    identity: str
    last_error: str = ""
    words: str = "idle"
    kind: ChipKind = "idle"

    @property
    def name(self) -> str:
        return NAMES.get(self.role, self.role)


@dataclass(frozen=True, kw_only=True)
class Trip:
    """An interlock that ended something: which, the rule with its value, when, and what was switched off."""

    interlock: str
    words: str
    utc: str
    off: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BenchScreen:
    """Boxes by role, the roles the running procedure uses, and its newest reading.

    Parameters
    ----------
    off : what the boxes confirmed when everything was last switched off
    trips : interlocks that ended something in this session, in order
    """

    boxes: Mapping[str, BoxScreen] = field(default_factory=dict)
    in_use: frozenset[str] = frozenset()
    reading: Mapping[str, float] = field(default_factory=dict)
    off: tuple[str, ...] = ()
    trips: tuple[Trip, ...] = ()

    @property
    def shown(self) -> Mapping[str, BoxScreen]:
        """The boxes as chips show them: those in use with the newest reading."""
        if not self.reading:
            return self.boxes
        return {
            role: replace(box, words=_reading(role, self.reading)) if role in self.in_use else box
            for role, box in self.boxes.items()
        }


def initial(identities: Mapping[str, str]) -> BenchScreen:
    """The bench before the first event."""
    return BenchScreen(
        boxes={role: BoxScreen(role=role, identity=identity) for role, identity in identities.items()}
    )


def fold(screen: BenchScreen, event: Event) -> BenchScreen:
    """The bench after one more event."""
    if isinstance(event, JournalEntry):
        return _journal(screen, event)
    if isinstance(event, RunStarted):
        in_use = _roles(event)
        return replace(_told(screen, dict.fromkeys(in_use, ("measuring", "active"))), in_use=in_use)
    if isinstance(event, RunEnded):
        idle = _told(screen, dict.fromkeys(screen.in_use, ("idle", "idle")))
        return replace(idle, in_use=frozenset(), reading={})
    if isinstance(event, RowRecorded):
        return changed(screen, reading=event.values)
    if isinstance(event, TelemetryRecorded):
        stage = event.values.get(columns.STAGE_TEMPERATURE, float("nan"))
        setpoint = event.values.get(columns.TEMPERATURE_SETPOINT, float("nan"))
        return _told(screen, {"temperature_controller": (f"{stage:.2f} K, set {setpoint:.2f} K", "active")})
    return screen


def _journal(screen: BenchScreen, entry: JournalEntry) -> BenchScreen:
    reports = entry.details.get("reports")
    if isinstance(reports, list | tuple):
        words = tuple(str(one) for one in reports)
        return replace(_told(screen, _off_words(screen, list(words))), off=words)
    if entry.level == "guardian":
        trip = Trip(interlock="heartbeat", words=entry.text, utc=entry.utc)
        return _with_error(replace(screen, trips=(*screen.trips, trip)), entry)
    if entry.level in ("error", "warning"):
        screen = _with_error(screen, entry)
        interlock = entry.details.get("interlock")
        if isinstance(interlock, str):
            # a temperature that is left out switches nothing off
            off = screen.off if entry.level == "error" else ()
            trip = Trip(interlock=interlock, words=entry.text, utc=entry.utc, off=off)
            return replace(screen, trips=(*screen.trips, trip))
    return screen


def _with_error(screen: BenchScreen, entry: JournalEntry) -> BenchScreen:
    """The entry as the last error of every box it names by its model."""
    boxes = {
        role: replace(box, last_error=f"{entry.utc}  {entry.text}") if _names(entry.text, box) else box
        for role, box in screen.boxes.items()
    }
    return replace(screen, boxes=boxes)


def _names(text: str, box: BoxScreen) -> bool:
    """Whether a sentence is about a box: it says its model, ``2400``, or its place on the bench."""
    said = set(re.findall(r"[A-Za-z0-9-]+", text))
    models = {word for word in re.findall(r"[A-Za-z0-9-]+", box.identity) if re.search(r"\d{3}", word)}
    return bool(said & models) or box.role.replace("_", " ") in text


def _off_words(screen: BenchScreen, reports: list[str]) -> dict[str, tuple[str, ChipKind]]:
    """What each box confirmed, found by the model its report begins with."""
    found: dict[str, tuple[str, ChipKind]] = {}
    for report in reports:
        model, _, words = report.partition(" ")
        for role, box in screen.boxes.items():
            if model in box.identity:
                heater = "ramps" in report or "holds" in report
                safe = heater or "confirmed" in report
                # how fast a box went off matters; of a heater on its way home a chip has no room to say it
                shown = words.partition(" confirmed")[0] if heater else words
                found[role] = (shown, "good" if safe else "alarm")
    return found


def _told(screen: BenchScreen, words: Mapping[str, tuple[str, ChipKind]]) -> BenchScreen:
    known = {role: what for role, what in words.items() if role in screen.boxes}
    if not known:
        return screen
    boxes = dict(screen.boxes)
    for role, (text, kind) in known.items():
        boxes[role] = replace(boxes[role], words=text, kind=kind)
    return replace(screen, boxes=boxes)


def _roles(started: RunStarted) -> frozenset[str]:
    if columns.LIGHT_CURRENT in started.columns:
        return frozenset({"pulse_generator", "light_meter"})
    if columns.CURRENT in started.columns:
        return frozenset({"source_meter"})
    return frozenset()


def _reading(role: str, values: Mapping[str, float]) -> str:
    """The newest reading as a chip shows it."""
    if role == "source_meter":
        voltage = values.get(columns.VOLTAGE, float("nan"))
        return f"{voltage:.3f} V, {values.get(columns.CURRENT, float('nan')):.3e} A"
    if role == "light_meter":
        return f"{values.get(columns.LIGHT_CURRENT, float('nan')):.3e} A"
    amplitude = values.get(columns.PULSE_AMPLITUDE, float("nan"))
    return f"{amplitude:g} V, {values.get(columns.PULSE_WIDTH, float('nan')) * 1e6:.4g} µs"
