"""The bench bar: per box its identity, what it does, and what it confirmed when it was switched off."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from procedures import columns
from qdlab.events import Event, JournalEntry, RowRecorded, RunEnded, RunStarted, TelemetryRecorded

ChipKind = Literal["idle", "good", "active", "alarm"]

NAMES = {
    "source_meter": "Source meter",
    "pulse_generator": "Generator",
    "light_meter": "Light meter",
    "temperature_controller": "Temperature",
}


@dataclass(frozen=True, kw_only=True)
class BoxScreen:
    """One box: who it is, its state in words, and which of four meanings the state has."""

    role: str
    identity: str
    words: str = "idle"
    kind: ChipKind = "idle"

    @property
    def name(self) -> str:
        return NAMES.get(self.role, self.role)


@dataclass(frozen=True, kw_only=True)
class BenchScreen:
    """Boxes by role, the roles the running procedure uses, and its newest reading."""

    boxes: Mapping[str, BoxScreen] = field(default_factory=dict)
    in_use: frozenset[str] = frozenset()
    reading: Mapping[str, float] = field(default_factory=dict)

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
        return replace(screen, reading=event.values)
    if isinstance(event, TelemetryRecorded):
        stage = event.values.get(columns.STAGE_TEMPERATURE, float("nan"))
        setpoint = event.values.get(columns.TEMPERATURE_SETPOINT, float("nan"))
        return _told(screen, {"temperature_controller": (f"{stage:.2f} K, set {setpoint:.2f} K", "active")})
    return screen


def _journal(screen: BenchScreen, entry: JournalEntry) -> BenchScreen:
    reports = entry.details.get("reports")
    if isinstance(reports, list | tuple):
        return _told(screen, _off_words(screen, [str(one) for one in reports]))
    return screen


def _off_words(screen: BenchScreen, reports: list[str]) -> dict[str, tuple[str, ChipKind]]:
    """What each box confirmed, found by the model its report begins with."""
    found: dict[str, tuple[str, ChipKind]] = {}
    for report in reports:
        model, _, words = report.partition(" ")
        for role, box in screen.boxes.items():
            if model in box.identity:
                safe = "confirmed" in report or "ramps" in report or "holds" in report
                found[role] = (words, "good" if safe else "alarm")
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
