"""The interlock bar: envelope, heartbeat, disk, temperature, sleep; and what a tripped one did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qdlab.live.bench import BenchScreen, ChipKind, Trip
from qdlab.live.temperature import TemperatureScreen
from qdlab.preflight import LITTLE, RESERVE
from qdlab.protocol import GuardianReport, Health
from qdlab.sizes import format_size

LATE = 1.0
"""A guardian gives ten signs of life a second; after this long [s] without one the bar says so."""

TITLES: Mapping[str, str] = {
    "envelope": "Limits",
    "heartbeat": "Guardian",
    "disk": "Disk",
    "temperature": "Temperature",
    "sleep": "Sleep",
}

SHOWN_LIMITS = (("maximum_voltage", "V"), ("maximum_current", "A"))


@dataclass(frozen=True, kw_only=True)
class InterlockItem:
    """One interlock: its name, its state in words, and which of four meanings that has."""

    name: str
    kind: ChipKind
    words: str
    hint: str = ""

    @property
    def title(self) -> str:
        return TITLES[self.name]


@dataclass(frozen=True, kw_only=True)
class InterlockScreen:
    """All interlocks now, and those that tripped, the newest last."""

    items: tuple[InterlockItem, ...]
    trips: tuple[Trip, ...] = ()

    @property
    def alarm(self) -> str:
        """The newest trip in a sentence: rule, value, time, what was switched off; empty where none is."""
        return trip_words(self.trips[-1]) if self.trips else ""


def interlocks(
    bench: BenchScreen,
    temperature: TemperatureScreen,
    health: Health | None,
    *,
    guardian: Sequence[GuardianReport] = (),
    seen: int = 0,
) -> InterlockScreen:
    """What the bar shows.

    Parameters
    ----------
    bench, temperature : of the session
    health : the runner's last word; None while there is no runner
    guardian : what it had to say on this run
    seen : so many trips of the session were acknowledged
    """
    trips = bench.trips[seen:]
    if guardian and not any(trip.words.startswith(guardian[0].text) for trip in bench.trips):
        # the journal tells it as well, once the boxes are off
        first, *rest = guardian
        off = tuple(report.text for report in rest if report.text != "done")
        trips = (*trips, Trip(interlock="heartbeat", words=first.text, utc="", off=off))
    tripped = {trip.interlock for trip in trips}
    items = (_envelope(health), _heartbeat(health), _disk(health), _temperature(temperature), _sleep(health))
    return InterlockScreen(
        items=tuple(
            InterlockItem(name=item.name, kind="alarm", words="TRIPPED", hint=item.hint)
            if item.name in tripped
            else item
            for item in items
        ),
        trips=trips,
    )


def trip_words(trip: Trip) -> str:
    """A trip in a sentence: ``Limits tripped at 12:00:03 UTC: ... Switched off: 2400 OFF confirmed``."""
    at = f" at {trip.utc[11:19]} UTC" if len(trip.utc) >= 19 else ""
    off = f" Switched off: {'; '.join(trip.off)}." if trip.off else ""
    return f"{TITLES.get(trip.interlock, trip.interlock)} tripped{at}: {trip.words.rstrip('.')}.{off}"


def _envelope(health: Health | None) -> InterlockItem:
    if health is None:
        return InterlockItem(name="envelope", kind="idle", words="no runner")
    shown = [f"{health.envelope[name]:g} {unit}" for name, unit in SHOWN_LIMITS if name in health.envelope]
    every = "\n".join(f"{name.replace('_', ' ')}: {value:g}" for name, value in health.envelope.items())
    return InterlockItem(
        name="envelope",
        kind="good",
        words=", ".join(shown) or "as the plan says",
        hint=f"In force now, in SI units:\n{every}" if every else "",
    )


def _heartbeat(health: Health | None) -> InterlockItem:
    hint = "A process of its own that switches everything off when the runner dies or hangs"
    if health is None:
        return InterlockItem(name="heartbeat", kind="idle", words="no runner", hint=hint)
    if health.guardian > LATE:
        words = f"silent for {health.guardian:.1f} s"
        return InterlockItem(name="heartbeat", kind="alarm", words=words, hint=hint)
    words = "armed" if health.armed else "stands by"
    return InterlockItem(name="heartbeat", kind="good", words=words, hint=hint)


def _disk(health: Health | None) -> InterlockItem:
    if health is None or health.free is None:
        return InterlockItem(name="disk", kind="idle", words="not recording")
    free = health.free
    kind: ChipKind = "good" if free >= LITTLE else "active" if free >= RESERVE else "alarm"
    return InterlockItem(name="disk", kind=kind, words=f"{format_size(free)} free")


def _temperature(screen: TemperatureScreen) -> InterlockItem:
    if screen.newest is None:
        return InterlockItem(name="temperature", kind="idle", words="not measured")
    return InterlockItem(
        name="temperature", kind="good", words=f"{screen.newest.stage:.1f} K", hint=screen.status
    )


def _sleep(health: Health | None) -> InterlockItem:
    if health is None or health.awake is None:
        return InterlockItem(name="sleep", kind="idle", words="no plan runs")
    if health.awake:
        return InterlockItem(name="sleep", kind="good", words="kept awake")
    return InterlockItem(
        name="sleep",
        kind="active",
        words="may fall asleep",
        hint="The system did not take the request; switch automatic sleep off in its settings",
    )
