"""The opened instruments of one bench, and how to make all of them safe."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from instruments.door import ArmingToken, Door, arming_token, number
from instruments.driver import Driver, HeaterEnd, SafeEnd
from instruments.limits import Envelope
from instruments.link import Exchanged, Link
from instruments.roles import (
    Box,
    Clock,
    Identity,
    LightMeter,
    PulseGenerator,
    SourceMeter,
    TemperatureController,
)

__all__ = [
    "ArmingToken",
    "Bench",
    "HeaterEnd",
    "OffReport",
    "Station",
    "arming_token",
]

Instruction = TypeVar("Instruction")

Role = Literal["source_meter", "pulse_generator", "light_meter", "temperature_controller"]
ROLES: tuple[Role, ...] = ("source_meter", "pulse_generator", "light_meter", "temperature_controller")

_PATIENCE = 6.0
"""How long a box that does not confirm is told off again [s]; a cable is back in its socket by then."""
_READ_BACK_TIME, _PAUSE = 1.0, 0.2  # s


@dataclass(frozen=True, kw_only=True)
class OffReport:
    """What became of one box: "2400 OFF confirmed 84 ms", or who must switch it off by hand.

    duration : from the request to the confirmation [s]
    """

    box: str
    confirmed: bool
    duration: float
    message: str


@dataclass(frozen=True, kw_only=True)
class Station:
    """One box on the bench: its driver behind its Door, and how it is reached without either.

    settings : that the driver was made with
    """

    driver: Driver
    door: Door
    settings: Mapping[str, Any] = field(default_factory=dict)
    resource: str = ""
    clear: str = ""
    write_termination: str = "\n"
    read_termination: str = "\n"
    serial: Mapping[str, Any] = field(default_factory=dict)


class Bench:
    """The instruments of one bench.

    Parameters
    ----------
    name : for messages and files
    kind : "simulation" or "hardware"
    clock : the bench's time
    stations : role -> box
    envelope : the bench's own limits; a device's can only tighten them
    heater_end : what becomes of the heater at a safe end
    line_frequency : of the building's mains [Hz]
    simulation : what answers in place of hardware, if it does

    Attributes
    ----------
    on_deadline : called before each wait with the seconds it may take at most
    on_slice : called between slices of a wait; raising there abandons the exchange
    on_io : takes the I/O log
    """

    def __init__(
        self,
        *,
        name: str,
        kind: Literal["simulation", "hardware"],
        clock: Clock,
        stations: Mapping[Role, Station],
        envelope: Envelope | None = None,
        heater_end: HeaterEnd | None = None,
        line_frequency: int = 50,
        simulation: Any = None,
    ) -> None:
        self.name, self.kind, self.clock = name, kind, clock
        self.stations = dict(stations)
        self.own_envelope = envelope or Envelope()
        self.heater_end = heater_end or HeaterEnd()
        self.line_frequency = line_frequency
        self.simulation = simulation
        self.use_envelope(Envelope())

    @property
    def boxes(self) -> Mapping[str, Box]:
        """The boxes by role."""
        return {role: station.driver for role, station in self.stations.items()}

    @property
    def source_meter(self) -> SourceMeter | None:
        return self._driver("source_meter")

    @property
    def pulse_generator(self) -> PulseGenerator | None:
        return self._driver("pulse_generator")

    @property
    def light_meter(self) -> LightMeter | None:
        return self._driver("light_meter")

    @property
    def temperature_controller(self) -> TemperatureController | None:
        return self._driver("temperature_controller")

    @property
    def envelope(self) -> Envelope:
        """The bench's limits and those of the device now connected, whichever is stricter."""
        return self._envelope

    @property
    def armed(self) -> bool:
        """Whether outputs may be switched on now."""
        tokens = [station.door.token for station in self.stations.values()]
        return any(token is not None and token.valid() for token in tokens)

    def identify(self) -> dict[str, Identity]:
        """Who answers, by role."""
        return {role: station.driver.identity for role, station in self.stations.items()}

    def set_up(self) -> None:
        """Bring every box to its known state, outputs off, and verify it."""
        for box in self.boxes.values():
            box.set_up()

    @property
    def remarks(self) -> list[str]:
        """What a person should know of how the boxes were set up, in sentences that name them."""
        return [
            f"{station.door.box} {remark}"
            for station in self.stations.values()
            for remark in station.driver.remarks
        ]

    def use_envelope(self, envelope: Envelope) -> None:
        """Keep every box within the bench's limits and those of the device now connected."""
        self._envelope = self.own_envelope.tightened(envelope)
        for station in self.stations.values():
            station.door.envelope = self._envelope

    def arm(self, *, token: ArmingToken) -> None:
        """Allow outputs to be switched on, for as long as somebody stands by to switch them off."""
        for station in self.stations.values():
            station.door.token = token

    def disarm(self) -> None:
        """From now on nothing is energised; switches nothing, see `safe`."""
        for station in self.stations.values():
            station.door.token = None

    def safe(self) -> list[OffReport]:
        """Make every box safe: off to all of them first, each guarded from the others, then read back.

        Disarms first. Who does not confirm is told again, up to six seconds; never raises for a box that does
        not answer, its report says so.
        """
        started = self.clock.monotonic()
        self.disarm()
        failures = self._send_off_to(list(self.stations))
        reports: dict[Role, OffReport] = {}
        waiting = list(self.stations)
        while waiting:
            for role in list(waiting):
                failures[role] = failures[role] or self._read_back(role)
                if not failures[role] or self.clock.monotonic() > started + _PATIENCE:
                    reports[role] = self._report(role, failures[role], started)
                    waiting.remove(role)
            if waiting:
                self.clock.wait(_PAUSE)
                failures |= self._send_off_to(waiting)
        return [reports[role] for role in self.stations]

    def off_instructions(self, make: Callable[..., Instruction]) -> list[Instruction]:
        """What a guardian needs to make the boxes safe; nothing for boxes that live in this process.

        make : takes, by name, the facts of one box as plain data: ``box``, ``resource``, the texts ``off``,
            ``clear``, ``query``, ``expected`` and ``done``, both terminations, the serial port's settings
        """
        return [
            make(
                box=station.door.box,
                resource=station.resource,
                off=station.write_termination.join(end.messages),
                clear=station.clear,
                query=end.query,
                expected=end.expected,
                done=end.word,
                write_termination=station.write_termination,
                read_termination=station.read_termination,
                serial=station.serial,
            )
            for station, end in ((station, self._safe_end(role)) for role, station in self.stations.items())
            if station.resource and end.messages
        ]

    def close(self) -> None:
        """Make everything safe, then let go of the boxes."""
        try:
            self.safe()
        finally:
            for station in self.stations.values():
                station.door.close()

    @property
    def links(self) -> list[Link]:
        """The buses, each once."""
        return list({id(link): link for link in self._each_link()}.values())

    @property
    def on_deadline(self) -> Callable[[float], None]:
        return self.links[0].on_deadline

    @on_deadline.setter
    def on_deadline(self, announce: Callable[[float], None]) -> None:
        for link in self.links:
            link.on_deadline = announce

    @property
    def on_slice(self) -> Callable[[], None]:
        return self.links[0].on_slice

    @on_slice.setter
    def on_slice(self, check: Callable[[], None]) -> None:
        for link in self.links:
            link.on_slice = check

    @property
    def on_io(self) -> Callable[[Exchanged], None]:
        return self.links[0].on_io

    @on_io.setter
    def on_io(self, take: Callable[[Exchanged], None]) -> None:
        for link in self.links:
            link.on_io = take

    def _driver(self, role: Role) -> Any:
        station = self.stations.get(role)
        return None if station is None else station.driver

    def _each_link(self) -> list[Link]:
        return [station.door.line.link for station in self.stations.values()]

    def _safe_end(self, role: Role) -> SafeEnd:
        return self.stations[role].driver.safe_end(self._heater_end_within_the_envelope())

    def _heater_end_within_the_envelope(self) -> HeaterEnd:
        """A device may be stricter than what the bench does in the end; the way home must not be refused."""
        end, envelope = self.heater_end, self._envelope
        temperature = max(end.temperature, envelope.minimum_temperature or 0.0)
        temperature = min(temperature, envelope.maximum_temperature or math.inf)
        return replace(
            end, temperature=temperature, rate=min(end.rate, envelope.maximum_temperature_rate or math.inf)
        )

    def _send_off_to(self, roles: Sequence[Role]) -> dict[Role, str]:
        """What went wrong with each box; every bus at the same time, so that a dead one delays no other."""
        buses: dict[int, list[Role]] = {}
        for role in roles:
            buses.setdefault(id(self.stations[role].door.line.link), []).append(role)

        def send(bus: list[Role]) -> dict[Role, str]:
            return {role: self._send_off(role) for role in bus}

        # simulated time belongs to one thread, and nothing simulated keeps another waiting
        if self.kind == "simulation":
            outcomes = [send(bus) for bus in buses.values()]
        else:
            with ThreadPoolExecutor(max_workers=max(len(buses), 1)) as pool:
                outcomes = list(pool.map(send, buses.values()))
        return {role: failure for outcome in outcomes for role, failure in outcome.items()}

    def _send_off(self, role: Role) -> str:
        """Empty, or what went wrong."""
        try:
            for message in self._safe_end(role).messages:
                self.stations[role].door.write(message)
        except Exception as failure:
            # whatever went wrong here must not keep off from the next box
            return str(failure) or type(failure).__name__
        return ""

    def _read_back(self, role: Role) -> str:
        """Empty where the box says it is off, or has nothing to be asked."""
        station, end = self.stations[role], self._safe_end(role)
        try:
            if not end.query:
                return ""
            reply = station.door.ask_within(_READ_BACK_TIME, end.query, attempts=1)
            return "" if number(reply) == number(end.expected) else "says it is still on"
        except Exception as failure:
            # as above: a box that cannot be asked is reported, the others are asked all the same
            return f"no answer ({failure})"

    def _report(self, role: Role, failure: str, started: float) -> OffReport:
        box, end = self.stations[role].door.box, self._safe_end(role)
        duration = self.clock.monotonic() - started
        if failure:
            message = f"{box} {failure.removeprefix(box).lstrip(': ')}: switch it off by hand"
        else:
            message = f"{box} {end.word}{f' confirmed {duration * 1e3:.0f} ms' if end.query else ''}"
        return OffReport(box=box, confirmed=not failure, duration=duration, message=message)
