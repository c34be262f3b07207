"""Everything a window or a terminal shows of one session: all screens folded from the same events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.conventions import ConventionName
from analysis.device import Device
from qdlab.events import Event, JournalEntry, RowRecorded, RunEnded, RunStarted, TelemetryRecorded
from qdlab.live import bench, disorder, jv, overrides, tel, temperature
from qdlab.live.bench import BenchScreen
from qdlab.live.changed import changed
from qdlab.live.disorder import DisorderScreen, FitFinished
from qdlab.live.growing import Growing
from qdlab.live.jv import JVScreen
from qdlab.live.overrides import Overrides
from qdlab.live.planned import Planned
from qdlab.live.tel import TELScreen
from qdlab.live.temperature import TemperatureScreen


@dataclass(frozen=True, kw_only=True)
class SessionScreen:
    """The state of a session, and of every panel that shows a part of it.

    Parameters
    ----------
    devices : by identifier
    rows : recorded so far
    time : of the newest event [s]
    journal : entries in order
    running : the run going on; None between runs
    ended : runs that are over, in order
    planned : what the plan asks for in temperatures
    overrides : what the operator chose instead of a rule, as recorded so far
    """

    devices: Mapping[str, Device]
    jv: JVScreen
    tel: TELScreen
    bench: BenchScreen = field(default_factory=BenchScreen)
    temperature: TemperatureScreen = field(default_factory=TemperatureScreen)
    disorder: DisorderScreen = field(default_factory=DisorderScreen)
    journal: Growing[JournalEntry] = field(default_factory=Growing)
    running: RunStarted | None = None
    ended: tuple[RunEnded, ...] = ()
    planned: Planned = field(default_factory=Planned)
    overrides: Overrides = field(default_factory=Overrides)
    rows: int = 0
    time: float = 0.0

    @property
    def status(self) -> str:
        """What is going on, in words."""
        if self.running is not None:
            return f"{self.running.procedure} on {self.running.device}: {self.rows} rows"
        newest = next((entry.text for entry in reversed(self.journal[-20:]) if entry.level == "state"), "")
        return newest or f"{len(self.ended)} runs, {self.rows} rows"


def initial(
    devices: Mapping[str, Device],
    identities: Mapping[str, str] | None = None,
    planned: Planned | None = None,
) -> SessionScreen:
    """The screen before the first event.

    Parameters
    ----------
    devices : by identifier
    identities : what each box of the bench answered, by role
    planned : what the plan asks for in temperatures; None where nothing is known
    """
    planned = planned or Planned()
    return SessionScreen(
        devices=devices,
        jv=JVScreen(devices=devices),
        tel=TELScreen(devices=devices),
        bench=bench.initial(identities or {}),
        temperature=temperature.TemperatureScreen(rule=planned.rule),
        planned=planned,
    )


def fold(screen: SessionScreen, event: Event | FitFinished) -> SessionScreen:
    """The screen after one more event."""
    if isinstance(event, FitFinished):
        return replace(screen, disorder=disorder.fold(screen.disorder, event))
    return changed(
        screen,
        jv=jv.fold(screen.jv, event),
        tel=tel.fold(screen.tel, event),
        bench=bench.fold(screen.bench, event),
        time=max(screen.time, event.time),
        **_own_part(screen, event),
    )


def _own_part(screen: SessionScreen, event: Event) -> dict[str, Any]:
    """What an event changes besides the panels that look at every event."""
    if isinstance(event, RowRecorded):
        return {"rows": screen.rows + 1}
    if isinstance(event, TelemetryRecorded):
        return {"temperature": temperature.fold(screen.temperature, event)}
    if isinstance(event, JournalEntry):
        return {
            "journal": screen.journal.appended(event),
            "temperature": temperature.fold(screen.temperature, event),
            "overrides": overrides.fold(screen.overrides, event),
        }
    if isinstance(event, RunStarted):
        return {"running": event}
    return {"running": None, "ended": (*screen.ended, event)}


def folded(
    devices: Mapping[str, Device],
    events: Iterable[Event],
    *,
    planned: Planned | None = None,
    convention: ConventionName = "li2024",
) -> SessionScreen:
    """The screen after all events, with the EGDM fit of every device that allows one."""
    screen = initial(devices, planned=planned)
    for event in events:
        screen = fold(screen, event)
    return with_disorder_fits(screen, convention=convention)


def with_disorder_fits(screen: SessionScreen, *, convention: ConventionName = "li2024") -> SessionScreen:
    """The screen with the EGDM fit of every device that is due one."""
    for device in screen.devices:
        curves = screen.jv.curves(device)
        if disorder.is_due(screen.disorder, device, curves):
            screen = fold(screen, disorder.fit(device, curves, convention=convention))
    return screen
