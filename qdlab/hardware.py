"""Open the bench of a bench file: GPIB and USB through VISA, Prologix adapters, serial ports, TCP."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from instruments.bench import Bench, Role, Station
from instruments.catalogue import driver_named, open_station
from instruments.errors import ConnectionFailed, InstrumentError
from instruments.link import Exchanged, Link
from instruments.prologix import PrologixAdapter, PrologixTransport
from instruments.roles import Clock, Transport
from instruments.streams import SerialStream, SocketStream, Stream, StreamTransport
from instruments.visa import VisaTransport
from qdlab.errors import ConfigError
from qdlab.machine_clock import MachineClock

if TYPE_CHECKING:
    from qdlab.config import BenchConfig
    from qdlab.config.bench import InstrumentConfig

_SOCKET = re.compile(r"TCPIP\d*::(?P<host>[^:]+)::(?P<port>\d+)::SOCKET", re.IGNORECASE)
_SERIAL = re.compile(r"ASRL(?P<port>.+?)(?:::INSTR)?", re.IGNORECASE)
_PROLOGIX = re.compile(r"PROLOGIX::(?P<adapter>.+)::(?P<address>\d+)", re.IGNORECASE)
_VISA = re.compile(r"(?P<board>(?:GPIB|USB|TCPIP|VXI)\d*)::.+::INSTR|GPIB\d*::\d+", re.IGNORECASE)
_PARITIES = {"none": "N", "odd": "O", "even": "E"}


def open_bench(
    config: "BenchConfig",
    *,
    clock: Clock | None = None,
    on_io: Callable[[Exchanged], None] | None = None,
) -> Bench:
    """The bench of a bench file, every box recognised by model and serial number before anything is written.

    Parameters
    ----------
    config : of a hardware bench, or of a simulated one in this process
    clock : the machine's unless given
    on_io : takes the I/O log from the first byte on

    Raises
    ------
    ConfigError : a driver or resource that nobody here knows
    ConnectionFailed : boxes that cannot be reached or are not the right ones, all of them named
    """
    if config.kind == "simulation":
        from qdlab.simulators import open_simulated_bench

        return open_simulated_bench(
            seed=config.seed,
            envelope=config.limits.to_envelope(),
            heater_end=config.heater.to_end(),
            line_frequency=config.line_frequency,
        )
    bench = unopened_bench(config, clock=clock)
    if on_io is not None:
        bench.on_io = on_io
    _recognise(bench)
    return bench


def unopened_bench(config: "BenchConfig", *, clock: Clock | None = None) -> Bench:
    """The bench of a bench file, no box opened yet: enough to know how each is reached and switched off."""
    wiring = _Wiring(clock or MachineClock(), line_frequency=config.line_frequency)
    stations = {role: wiring.station(role, box) for role, box in config.instruments.items()}
    return Bench(
        name=config.name,
        kind="hardware",
        clock=wiring.clock,
        stations=stations,
        envelope=config.limits.to_envelope(),
        heater_end=config.heater.to_end(),
        line_frequency=config.line_frequency,
    )


def _recognise(bench: Bench) -> None:
    failures = []
    for role, station in bench.stations.items():
        try:
            station.door.line.open()
        except InstrumentError as failure:
            failures.append(f"{role}: {failure}")
    if failures:
        for station in bench.stations.values():
            station.door.close()
        raise ConnectionFailed("; ".join(failures))


class _Wiring:
    """Makes the buses of a bench, each once, and the boxes on them."""

    def __init__(self, clock: Clock, *, line_frequency: int) -> None:
        self.clock, self._line_frequency = clock, line_frequency
        self._links: dict[str, Link] = {}
        self._adapters: dict[str, PrologixAdapter] = {}

    def station(self, role: Role, box: "InstrumentConfig") -> Station:
        try:
            driver = driver_named(box.driver)
        except ValueError as problem:
            raise ConfigError(f"instruments.{role}.driver: {problem}") from None
        resource = box.resource
        if box.gpib_address is not None and not _VISA.fullmatch(resource):
            resource = f"PROLOGIX::{box.resource}::{box.gpib_address}"
        settings = _serial_settings(box)
        # a socket to a box without a network plug ends in a serial server
        clear = driver.SERIAL_CLEAR if _SERIAL.fullmatch(resource) or _SOCKET.fullmatch(resource) else ""
        bus, connect = self._connection(role, resource, box, settings, clear)
        link = self._links.setdefault(bus, Link(bus, clock=self.clock))
        return open_station(
            box.driver,
            link=link,
            connect=connect,
            serial_number=box.serial,
            line_frequency=self._line_frequency,
            driver_settings={} if box.bursts is None else {"bursts": box.bursts},
            resource=resource,
            clear="++clr" if _PROLOGIX.fullmatch(resource) else clear,
            write_termination=box.write_termination,
            read_termination=box.read_termination,
            serial=settings,
        )

    def _connection(
        self, role: Role, resource: str, box: "InstrumentConfig", settings: dict[str, Any], clear: str
    ) -> tuple[str, Callable[[], Transport]]:
        """Name of the bus, and how the box on it is opened."""
        ends: dict[str, Any] = {
            "write_termination": box.write_termination.encode("ascii"),
            "read_termination": box.read_termination.encode("ascii"),
        }
        if prologix := _PROLOGIX.fullmatch(resource):
            adapter, address = prologix["adapter"], int(prologix["address"])
            _opener(role, adapter, settings)
            return adapter, lambda: PrologixTransport(self._adapter(role, adapter, settings), address)
        if visa := _VISA.fullmatch(resource):
            bus = visa["board"] or "GPIB0"
            return bus if bus.upper().startswith("GPIB") else resource, lambda: VisaTransport(
                resource, **ends
            )
        opener = _opener(role, resource, settings)
        return resource, lambda: StreamTransport(opener(), clear=clear.encode("latin-1"), **ends)

    def _adapter(self, role: Role, resource: str, settings: dict[str, Any]) -> PrologixAdapter:
        """The adapter of a bus, opened again once everybody has let go of it."""
        adapter = self._adapters.get(resource)
        if adapter is None or not adapter.is_open:
            adapter = PrologixAdapter(_opener(role, resource, settings)())
            self._adapters[resource] = adapter
        return adapter


def _opener(role: Role, resource: str, settings: dict[str, Any]) -> Callable[[], Stream]:
    """How the stream of a resource is opened."""
    if place := _SOCKET.fullmatch(resource):
        return lambda: SocketStream(place["host"], int(place["port"]))
    if found := _SERIAL.fullmatch(resource):
        name = found["port"]
        port = f"COM{name}" if name.isdigit() else name
        return lambda: SerialStream(port, settings)
    raise ConfigError(
        f"instruments.{role}.resource = {resource!r} is none of TCPIP::HOST::PORT::SOCKET, "
        "ASRL/dev/ttyUSB0::INSTR (ASRL3::INSTR on Windows), GPIB0::24::INSTR, USB0::...::INSTR "
        "or PROLOGIX::ADAPTER::24"
    )


def _serial_settings(box: "InstrumentConfig") -> dict[str, Any]:
    """As pyserial names them."""
    settings: dict[str, Any] = {}
    if box.baud_rate is not None:
        settings["baudrate"] = box.baud_rate
    if box.data_bits is not None:
        settings["bytesize"] = box.data_bits
    if box.parity is not None:
        settings["parity"] = _PARITIES[box.parity]
    if box.flow_control is not None:
        settings["xonxoff"] = box.flow_control == "xon_xoff"
        settings["rtscts"] = box.flow_control == "rts_cts"
    return settings
