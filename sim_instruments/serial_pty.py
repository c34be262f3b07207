"""The serial door: a pseudo-terminal, as ``ASRL/dev/pts/N::INSTR`` (Linux and macOS).

The kernel's pseudo-terminals carry neither 7 data bits nor parity; a client that insists uses the TCP door
as ``ASRLsocket://127.0.0.1:port::INSTR``.
"""

import os
import select
import threading
from contextlib import suppress

from sim_instruments.station import Station

SEND_TIMEOUT = 1.0
"""A line on which nothing is read for so long loses responses [s]."""


class SerialDoor:
    """One pseudo-terminal; clients may come and go.

    Parameters
    ----------
    station : the box behind the door
    terminator : ends its responses; the box's own unless given, as its menu would set it for RS-232
    """

    name = "serial"

    def __init__(self, station: Station, *, terminator: bytes | None = None) -> None:
        import tty

        self.station = station
        self._terminator = station.box.terminator if terminator is None else terminator
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.device = os.ttyname(self._slave)
        self._wake_up, self._alarm = os.pipe()
        self._is_clogged = False
        self._thread = threading.Thread(target=self._converse, name=self.device, daemon=True)
        self._thread.start()

    @property
    def resource(self) -> str:
        """The VISA resource of the door."""
        return f"ASRL{self.device}::INSTR"

    def close(self) -> None:
        """Close the line."""
        os.write(self._alarm, b"x")
        self._thread.join(timeout=2.0)
        for descriptor in (self._master, self._slave, self._wake_up, self._alarm):
            os.close(descriptor)

    def _converse(self) -> None:
        buffer = self.station.input_buffer()
        while True:
            ready, _, _ = select.select([self._master, self._wake_up], [], [])
            if self._wake_up in ready:
                return
            with suppress(OSError):
                self.station.feed(buffer, os.read(self._master, 65536), self.name, self._reply)

    def _reply(self, response: bytes) -> None:
        """Send a response; a line that is full loses the rest, as one without handshake does.

        Nobody is waited for twice: while nothing has been read, further responses are lost at once.
        """
        data = response + self._terminator
        with suppress(OSError):
            while data:
                patience = 0.0 if self._is_clogged else SEND_TIMEOUT
                _, writable, _ = select.select([], [self._master], [], patience)
                self._is_clogged = not writable
                if not writable:
                    return
                data = data[os.write(self._master, data) :]
