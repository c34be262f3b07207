"""A simulated bench for other processes: every box on TCP, on a pseudo-terminal and behind a Prologix
adapter.

Ports, from `port_base` on (52400 unless told otherwise), on 127.0.0.1 only: one for each box in the order of
``SimBench.boxes`` (keithley2400, keithley6514, mfg2230m, lakeshore336), +10 the Prologix adapter, +11 the
clock (stepped time only). A `port_base` of 0 takes free ones.
"""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from sim_instruments.clock import Clock, RealClock, ScaledClock, SimClock
from sim_instruments.faults import FaultyLine, FaultyStation
from sim_instruments.prologix import PrologixDoor
from sim_instruments.scpi import Command, Number, ScpiBox
from sim_instruments.serial_pty import SerialDoor
from sim_instruments.station import Station
from sim_instruments.tcp import TCPDoor
from sim_instruments.wire_log import WireLog

DEFAULT_PORT_BASE = 52400
PROLOGIX_OFFSET, CLOCK_OFFSET = 10, 11

TimeMode = Literal["real", "scaled", "stepped"]
SERIAL_TERMINATORS: Mapping[str, bytes | None] = MappingProxyType(
    {"own": None, "lf": b"\n", "cr": b"\r", "crlf": b"\r\n"}
)
"""What the boxes' menus offer for RS-232, and each box's own."""


class Bench(Protocol):
    """What is served: `SimBench`, or anything with a clock and boxes on it."""

    clock: Clock

    @property
    def boxes(self) -> Mapping[str, ScpiBox]:
        """The boxes by their names."""


@runtime_checkable
class Cabled(Protocol):
    """A bench whose boxes hang on lines on which things may go wrong."""

    @property
    def lines(self) -> Mapping[str, FaultyLine]:
        """The lines by their boxes' names."""


class DoorLine(NamedTuple):
    """One way to one box."""

    box: str
    door: str
    resource: str

    def __str__(self) -> str:
        return "\t".join(self)


def make_clock(mode: TimeMode, *, speed: float = 60.0) -> Clock:
    """Return the clock of a served bench.

    Parameters
    ----------
    mode : real; scaled (`speed` simulated seconds a second); or stepped: time passes only while boxes work,
    by 0.1 s
        with each message while a measurement runs, and when a client says ``STEP`` to the clock
    speed : of scaled time [1]
    """
    if mode == "real":
        return RealClock()
    return ScaledClock(speed) if mode == "scaled" else SimClock()


class ClockBox(ScpiBox):
    """Stepped time for clients: ``STEP 10`` lets ten seconds pass, ``TIME?`` tells the time."""

    name = "clock"
    identity = "QDLAB,SIMULATED CLOCK,0,1"
    commands = (
        Command(
            "STEP",
            meaning="Let simulated time pass [s]",
            source="ours",
            takes=(Number(0, 1e7),),
            set=lambda box, seconds: box.clock.wait(float(seconds)),
        ),
        Command(
            "TIME", meaning="Simulated time [s]", source="ours", query=lambda box: repr(box.clock.monotonic())
        ),
    )


class BenchServer:
    """The doors of a bench, open from construction until `close`.

    Parameters
    ----------
    bench : what is served; its boxes' clocks and witnesses are taken over, and its lines, if it has any
    port_base : first port; 0 takes free ones
    wire_log : where messages and output changes are written, if anywhere
    serial_terminator : ends responses on the serial lines; each box's own unless given
    """

    def __init__(
        self,
        bench: Bench,
        *,
        port_base: int = DEFAULT_PORT_BASE,
        wire_log: WireLog | None = None,
        serial_terminator: bytes | None = None,
    ) -> None:
        self.doors: list[DoorLine] = []
        self._serial_terminator = serial_terminator
        self._wire_log = wire_log
        self._lock = threading.RLock()
        self._closers: list[Callable[[], None]] = []
        self._stations: dict[str, Station] = {}
        try:
            self._open(bench, port_base)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the doors, then the stations; the boxes keep their state."""
        for closer in self._closers:
            closer()
        for station in self._stations.values():
            station.close()
        self._closers, self._stations = [], {}

    def wait_until_idle(self) -> bool:
        """Wait until every box has done what it was told; False if that takes long."""
        return all(station.wait_until_idle() for station in self._stations.values())

    def _open(self, bench: Bench, port_base: int) -> None:
        def port(offset: int) -> int:
            return port_base + offset if port_base else 0

        self._lines = bench.lines if isinstance(bench, Cabled) else {}
        for offset, (name, box) in enumerate(bench.boxes.items()):
            if self._wire_log is not None:
                box.witness = self._wire_log.output
            self._open_tcp(name, box, port(offset))
            if os.name == "posix":
                serial = SerialDoor(self._stations[name], terminator=self._serial_terminator)
                self._closers.append(serial.close)
                self.doors.append(DoorLine(name, serial.name, serial.resource))
        on_bus = {
            box.gpib_address: self._stations[name]
            for name, box in bench.boxes.items()
            if box.gpib_address is not None
        }
        adapter = PrologixDoor(on_bus, port=port(PROLOGIX_OFFSET))
        self._closers.append(adapter.close)
        self.doors.append(DoorLine("prologix", "tcp", adapter.resource))
        for address, station in on_bus.items():
            self.doors.append(DoorLine(station.box.name, adapter.name, adapter.box_resource(address)))
        if isinstance(bench.clock, SimClock):
            self._open_tcp(ClockBox.name, ClockBox(clock=bench.clock), port(CLOCK_OFFSET))

    def _open_tcp(self, name: str, box: ScpiBox, port: int) -> None:
        line = self._lines.get(name)
        station = (
            Station(box, bench=self._lock, log=self._wire_log)
            if line is None
            else FaultyStation(box, bench=self._lock, line=line, log=self._wire_log)
        )
        self._stations[name] = station
        door = TCPDoor(station, port=port)
        self._closers.append(door.close)
        self.doors.append(DoorLine(name, door.name, door.resource))


def serve(
    bench: Bench,
    *,
    port_base: int = DEFAULT_PORT_BASE,
    wire_log: Path | None = None,
    serial_terminator: bytes | None = None,
    announce: Callable[[str], None] = lambda line: print(line, flush=True),
    stop: threading.Event | None = None,
) -> None:
    """Serve a bench until SIGTERM, SIGINT or `stop`; announce one line per box and door.

    Parameters
    ----------
    bench : what is served
    port_base : first port; 0 takes free ones
    wire_log : file for the wire log, if wanted
    serial_terminator : as in `BenchServer`
    announce : takes each line ``box<TAB>door<TAB>resource``
    stop : ends serving when set

    Raises
    ------
    OSError
        A port is taken; nothing stays open.
    """
    stop = stop or threading.Event()
    log = WireLog(wire_log, clock=bench.clock) if wire_log is not None else None
    server = BenchServer(bench, port_base=port_base, wire_log=log, serial_terminator=serial_terminator)
    handlers = {}
    if threading.current_thread() is threading.main_thread():

        def end(number: int, frame: FrameType | None) -> None:
            stop.set()

        handlers = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for line in server.doors:
            announce(str(line))
        while not stop.wait(0.2):  # in slices: on Windows a signal does not end an endless wait
            pass
    finally:
        server.close()
        if log is not None:
            log.close()
        for number, handler in handlers.items():
            signal.signal(number, handler)
