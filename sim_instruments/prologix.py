"""The GPIB door: a Prologix GPIB-ETHERNET adapter with the bench's boxes on its bus.

Lines that start with ``++`` are for the adapter, all others go to the box at the present address; ESC makes
the next byte plain data. On GPIB a box keeps its response until it is addressed to talk, so an unread
response is lost to the next message (-410) and a box with nothing to say complains (-420).
"""

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from sim_instruments.scpi import ScpiBox
from sim_instruments.station import Station
from sim_instruments.tcp import SocketDoor, send

VERSION = "Prologix GPIB-ETHERNET Controller version 01.06.06.00"
ESCAPE = 0x1B
LONGEST_LINE = 65536
"""Bytes of a line the adapter keeps; the box addressed complains of a longer one (-363)."""


class _Listener:
    """A box on the bus: what it has to say waits here until it is asked to talk."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self._changed = threading.Condition()
        self._response: bytes | None = None
        self._busy = self._written = self._answered = 0

    def write(self, message: bytes) -> None:
        """Send a program message; a response nobody has read is lost."""
        with self._changed:
            self._interrupt()
            self._busy += 1
            self._written += 1
            say = partial(self._say, self._written)
        self.station.submit(message, PrologixDoor.name, say)
        self.station.call(self._done)

    def overrun(self) -> None:
        """Tell the box of a line that was too long to be kept."""
        self.station.call(ScpiBox.overrun)

    def read(self, timeout: float) -> bytes:
        """Return the response, waiting at most `timeout` [s]; nothing to come is an error of the box."""
        with self._changed:
            self._changed.wait_for(lambda: self._response is not None or not self._busy, timeout)
            response, self._response = self._response, None
            if response is None:
                if not self._busy:
                    self.station.call(ScpiBox.unread_query)
                return b""
        return response + self.station.box.terminator

    def clear(self) -> None:
        """Selected device clear."""
        with self._changed:
            self._response, self._busy = None, 0
        self.station.device_clear()

    def poll(self) -> int:
        """Serial poll: the status byte, with MAV from the waiting response."""
        return self.station.serial_poll() | (16 if self._response is not None else 0)

    def _interrupt(self) -> None:
        """A response that still waits is lost; the box complains of it."""
        if self._response is not None:
            self._response = None
            self.station.call(ScpiBox.interrupted_query)

    def _say(self, message: int, response: bytes) -> None:
        """Keep a response to be read, behind what was said before to the same message."""
        with self._changed:
            if message > self._answered:
                self._interrupt()
                self._answered = message
            waiting = b"" if self._response is None else self._response + self.station.box.terminator
            self._response = waiting + response
            self._changed.notify_all()

    def _done(self, _: ScpiBox) -> None:
        with self._changed:
            self._busy = max(self._busy - 1, 0)
            self._changed.notify_all()


class PrologixDoor(SocketDoor):
    """The adapter, on one TCP port of 127.0.0.1.

    Parameters
    ----------
    stations : GPIB address -> box
    port : 0 takes a free one
    """

    name = "prologix"

    def __init__(self, stations: Mapping[int, Station], *, port: int = 0) -> None:
        self._bus = {address: _Listener(station) for address, station in stations.items()}
        super().__init__(port=port)

    @property
    def resource(self) -> str:
        """The adapter as pyvisa-py names it."""
        return f"PRLGX-TCPIP0::127.0.0.1::{self.port}::INTFC"

    def box_resource(self, address: int) -> str:
        """A box behind the adapter as our own transport names it."""
        return f"PROLOGIX::TCPIP::127.0.0.1::{self.port}::SOCKET::{address}"

    def converse(self, client: socket.socket) -> None:
        """Serve one client until it goes."""
        adapter = _Adapter(self._bus, lambda data: send(client, data))
        splitter = _LineSplitter()
        with suppress(OSError):
            while data := client.recv(65536):
                for line, is_command in splitter.feed(data):
                    adapter.take(line, is_command)
        self._clients.discard(client)
        client.close()


class _LineSplitter:
    """Bytes become lines: CR or LF end one, ESC takes the next byte as it is."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._escaped = False
        self._plain_start = False

    def feed(self, data: bytes) -> list[tuple[bytes, bool]]:
        """Return the lines `data` completes, and whether each is a command to the adapter."""
        lines = []
        for byte in data:
            if self._escaped:
                self._escaped = False
                self._plain_start |= not self._line
                self._keep(byte)
            elif byte == ESCAPE:
                self._escaped = True
            elif byte in b"\r\n":
                if self._line:
                    line = bytes(self._line)
                    lines.append((line, line.startswith(b"++") and not self._plain_start))
                self._line.clear()
                self._plain_start = False
            else:
                self._keep(byte)
        return lines

    def _keep(self, byte: int) -> None:
        """One byte more than the longest line, to tell that there were more."""
        if len(self._line) <= LONGEST_LINE:
            self._line.append(byte)


class _Adapter:
    """One conversation with the adapter: its settings and its ``++`` commands."""

    def __init__(self, bus: Mapping[int, _Listener], reply: Callable[[bytes], None]) -> None:
        self._bus = bus
        self._reply = reply
        self.reset()

    def reset(self) -> None:
        """Settings at power-on; the first box is addressed."""
        self.address = min(self._bus, default=0)
        self.settings = {
            "auto": 0,
            "eoi": 1,
            "eos": 0,
            "eot_enable": 0,
            "eot_char": 0,
            "mode": 1,
            "read_tmo_ms": 500,
            "savecfg": 1,
            "lon": 0,
        }

    @property
    def listener(self) -> _Listener | None:
        """The box at the present address, if there is one."""
        return self._bus.get(self.address)

    def take(self, line: bytes, is_command: bool) -> None:
        """Execute a command to the adapter, or send a line to the box addressed."""
        if is_command:
            self._command(*line[2:].decode("latin-1").split())
        elif len(line) > LONGEST_LINE and self.listener is not None:
            self.listener.overrun()
        elif self.listener is not None:
            # the adapter appends what ++eos says; boxes take CR, LF, EOI or any of them as the end
            for message in self.listener.station.input_buffer(clears=False).feed(line + b"\n"):
                if isinstance(message, bytes):
                    self.listener.write(message)
                else:
                    self.listener.overrun()
            if self.settings["auto"]:
                self._talk()

    def _talk(self) -> None:
        if self.listener is None:
            return
        data = self.listener.read(self.settings["read_tmo_ms"] / 1000)
        if data:
            eot = bytes([self.settings["eot_char"]]) if self.settings["eot_enable"] else b""
            self._reply(data + eot)

    def _command(self, name: str = "", *arguments: str) -> None:
        numbers = [int(text) for text in arguments if text.isdigit()]
        if name in self.settings:
            self._setting(name, numbers)
        elif name == "addr":
            if numbers:
                self.address = numbers[0]
            else:
                self._say(self.address)
        elif name == "read":
            self._talk()
        elif name == "clr" and self.listener is not None:
            self.listener.clear()
        elif name == "spoll":
            polled = self._bus.get(numbers[0] if numbers else self.address)
            self._say(polled.poll() if polled else 0)
        elif name == "srq":
            self._say(int(any(listener.poll() & 64 for listener in self._bus.values())))
        elif name == "trg":
            for address in numbers or [self.address]:
                if address in self._bus:
                    self._bus[address].write(b"*TRG")
        elif name == "ver":
            self._say(VERSION)
        elif name == "rst":
            self.reset()
        elif name not in ("ifc", "loc", "llo", "clr", "status"):
            self._say("Unrecognized command")

    def _setting(self, name: str, numbers: list[int]) -> None:
        highest = {"eos": 3, "eot_char": 255, "read_tmo_ms": 3000}.get(name, 1)
        if not numbers:
            self._say(self.settings[name])
        elif numbers[0] <= highest:
            self.settings[name] = numbers[0]

    def _say(self, value: object) -> None:
        self._reply(f"{value}\r\n".encode())
