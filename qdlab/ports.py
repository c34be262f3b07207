"""The barest ways to open what a box hangs on: a socket, a serial port, a VISA resource. No driver."""

import re
import socket
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol

REPLY_TIMEOUT = 1.0
"""Longest wait for anything a box says [s]."""

_TCP = re.compile(r"TCPIP\d*::(?P<host>[^:]+)::(?P<port>\d+)::SOCKET", re.IGNORECASE)
_SERIAL = re.compile(r"ASRL(?P<name>.+?)(::INSTR)?", re.IGNORECASE)


class Port(Protocol):
    """An opened resource."""

    def clear(self) -> None:
        """Device clear where the bus has one, which also a box in the middle of a long reading obeys."""

    def write(self, data: bytes) -> None: ...

    def read(self, end: bytes) -> bytes:
        """One reply without its `end`; raises OSError where none comes."""

    def close(self) -> None: ...


class _TCPPort:
    def __init__(self, resource: str, settings: Mapping[str, Any]) -> None:
        place = _TCP.fullmatch(resource)
        assert place is not None
        self._socket = socket.create_connection((place["host"], int(place["port"])), REPLY_TIMEOUT)
        self._received = b""

    def clear(self) -> None: ...

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self, end: bytes) -> bytes:
        while end not in self._received:
            chunk = self._socket.recv(4096)
            if not chunk:
                raise ConnectionError("the connection was closed")
            self._received += chunk
        reply, _, self._received = self._received.partition(end)
        return reply

    def close(self) -> None:
        self._socket.close()


class _SerialPort:
    def __init__(self, resource: str, settings: Mapping[str, Any]) -> None:
        serial = import_module("serial")
        name = _SERIAL.fullmatch(resource)
        assert name is not None
        device = f"COM{name['name']}" if name["name"].isdigit() else name["name"]
        self._port = serial.serial_for_url(
            device, timeout=REPLY_TIMEOUT, write_timeout=REPLY_TIMEOUT, **settings
        )

    def clear(self) -> None:
        self._port.reset_input_buffer()

    def write(self, data: bytes) -> None:
        self._port.write(data)

    def read(self, end: bytes) -> bytes:
        reply: bytes = self._port.read_until(end)
        if not reply.endswith(end):
            raise TimeoutError(f"{reply!r} within {REPLY_TIMEOUT:g} s")
        return reply

    def close(self) -> None:
        self._port.close()


class _VisaPort:
    def __init__(self, resource: str, settings: Mapping[str, Any]) -> None:
        manager = import_module("pyvisa").ResourceManager()
        self._resource = manager.open_resource(resource, timeout=REPLY_TIMEOUT * 1e3)

    def clear(self) -> None:
        self._resource.clear()

    def write(self, data: bytes) -> None:
        self._resource.write_raw(data)

    def read(self, end: bytes) -> bytes:
        reply: bytes = self._resource.read_raw()
        return reply

    def close(self) -> None:
        self._resource.close()


def opener(resource: str) -> Callable[[str, Mapping[str, Any]], Port]:
    """Who can open this resource with these serial settings; loads what that needs, opens nothing."""
    if _TCP.fullmatch(resource):
        return _TCPPort
    if _SERIAL.fullmatch(resource):
        import_module("serial")
        return _SerialPort
    if re.match(r"(GPIB|USB|TCPIP|VXI)\d*::", resource, re.IGNORECASE):
        import_module("pyvisa")
        return _VisaPort
    raise ValueError(f"resource {resource!r} is none that can be opened without its driver")
