"""Byte streams, a network socket or a serial port, and the messages on them.

Written here rather than left to pyvisa-py, whose streams lose what had arrived when a read times out and
notice a closed connection only at the end of the time-out.
"""

import socket
import time
from collections.abc import Mapping
from typing import Any, Protocol

import serial

from instruments.roles import LONGEST_REPLY

_TICK = 0.02  # s; a serial port's read returns after this at the latest
_OPENING = 3.0  # s


class Stream(Protocol):
    """Bytes both ways; raises OSError once it is broken."""

    def send(self, data: bytes) -> None: ...

    def receive(self, timeout: float) -> bytes:
        """What has arrived, at least one byte; empty after `timeout` seconds of silence."""

    def close(self) -> None: ...


class SocketStream:
    """A TCP connection.

    Parameters
    ----------
    host, port : of the box or of an adapter on the network
    """

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=_OPENING)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        self._socket.settimeout(_OPENING)
        self._socket.sendall(data)

    def receive(self, timeout: float) -> bytes:
        # a time-out of 0 would switch the socket to another mode
        self._socket.settimeout(max(timeout, 1e-4))
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            return b""
        if not data:
            raise ConnectionResetError("the other end closed the connection")
        return data

    def close(self) -> None:
        self._socket.close()


class SerialStream:
    """A serial port: RS-232, or a box whose USB looks like one.

    Parameters
    ----------
    port : device name, or a URL that pyserial knows
    settings : as pyserial names them (baudrate, bytesize, parity, xonxoff, rtscts)
    """

    def __init__(self, port: str, settings: Mapping[str, Any] | None = None) -> None:
        self._port = serial.serial_for_url(
            port, timeout=_TICK, write_timeout=_OPENING, exclusive=True, **(settings or {})
        )

    def send(self, data: bytes) -> None:
        self._port.write(data)

    def receive(self, timeout: float) -> bytes:
        end = time.monotonic() + timeout
        while True:
            data: bytes = self._port.read(max(self._port.in_waiting, 1))
            if data or time.monotonic() >= end:
                return data

    def close(self) -> None:
        self._port.close()


class StreamTransport:
    """Messages on a stream; satisfies `instruments.roles.Transport`.

    Parameters
    ----------
    stream : to and from one box
    write_termination, read_termination : what ends a message and a reply
    clear : what a box takes for a device clear where the bus has none (``^X`` on Keithley's RS-232)
    """

    def __init__(
        self,
        stream: Stream,
        *,
        write_termination: bytes = b"\n",
        read_termination: bytes = b"\n",
        clear: bytes = b"",
    ) -> None:
        if not read_termination or not write_termination:
            raise ValueError("a stream without terminations cannot tell where a message ends; give both")
        self._stream = stream
        self._write_termination, self._read_termination = write_termination, read_termination
        self._clear = clear
        self._received = b""

    def write(self, data: bytes) -> None:
        """Send one message."""
        self._stream.send(data + self._write_termination)

    def read(self, timeout: float) -> bytes:
        """One reply without its termination; what arrived of an unfinished one is kept for the next read."""
        end = time.monotonic() + timeout
        while self._read_termination not in self._received:
            left = end - time.monotonic()
            arrived = self._stream.receive(max(left, 0.0))
            self._received += arrived
            if len(self._received) > LONGEST_REPLY:
                self._received = b""
                raise ConnectionError("a reply without end; check the read termination")
            if not arrived and left <= 0:
                raise TimeoutError(f"no reply within {timeout:g} s")
        reply, _, self._received = self._received.partition(self._read_termination)
        return reply

    def clear(self) -> None:
        """Tell the box to forget what it was about, and forget what it said."""
        if self._clear:
            self._stream.send(self._clear)
        self._received = b""
        while self._stream.receive(0.0):
            pass

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()
