"""The TCP door: a raw socket for each box, VISA's ``TCPIP::...::SOCKET`` and pyserial's ``socket://``."""

import os
import socket
import struct
import threading
from abc import ABC, abstractmethod
from contextlib import suppress

from sim_instruments.station import Station

SEND_TIMEOUT = 1.0
"""A client that reads nothing for so long is disconnected [s]."""


class SocketDoor(ABC):
    """Any number of clients, one after the other or together, on 127.0.0.1 only.

    Parameters
    ----------
    port : 0 takes a free one
    """

    name = "socket"

    def __init__(self, *, port: int = 0) -> None:
        self._server = socket.create_server(("127.0.0.1", port))
        self.port: int = self._server.getsockname()[1]
        self._clients: set[socket.socket] = set()
        threading.Thread(target=self._accept, name=f"{self.name} {self.port}", daemon=True).start()

    def close(self) -> None:
        """Close the door and every connection."""
        for connection in (self._server, *self._clients):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    @abstractmethod
    def converse(self, client: socket.socket) -> None:
        """Serve one client until it goes."""

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                set_send_timeout(client)
                self._clients.add(client)
                threading.Thread(target=self.converse, args=(client,), daemon=True).start()


class TCPDoor(SocketDoor):
    """The door of one box.

    Parameters
    ----------
    station : the box behind the door
    port : 0 takes a free one
    """

    name = "tcp"

    def __init__(self, station: Station, *, port: int = 0) -> None:
        self.station = station
        super().__init__(port=port)

    @property
    def resource(self) -> str:
        """The VISA resource of the door."""
        return f"TCPIP::127.0.0.1::{self.port}::SOCKET"

    def converse(self, client: socket.socket) -> None:
        """Serve one client until it goes."""
        terminator = self.station.box.terminator
        buffer = self.station.input_buffer()

        def reply(response: bytes) -> None:
            send(client, response + terminator)

        def hang_up() -> None:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

        with suppress(OSError):
            self.station.check_link()
            while data := client.recv(65536):
                self.station.feed(buffer, data, self.name, reply, hang_up)
        self._clients.discard(client)
        client.close()


def send(client: socket.socket, data: bytes) -> None:
    """Send to a client; one that does not read, or has gone, loses the connection."""
    try:
        client.sendall(data)
    except OSError:
        client.close()


def set_send_timeout(client: socket.socket) -> None:
    """Bound sending alone: a time-out of the whole socket would end waiting for the next message, too."""
    if os.name == "nt":
        timeout = struct.pack("<L", int(SEND_TIMEOUT * 1000))
    else:
        timeout = struct.pack("ll", *divmod(int(SEND_TIMEOUT * 1e6), 1_000_000))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
