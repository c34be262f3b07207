"""GPIB through a Prologix adapter (GPIB-ETHERNET or GPIB-USB) or one that speaks its words.

PyVISA's own asks the adapter once and gives up after a fixed 50 ms; a reading of many power-line cycles takes
longer. Here ``++read`` is sent again until the deadline.
"""

import re
import time

from instruments.roles import LONGEST_REPLY
from instruments.streams import Stream

_SPECIAL = re.compile(rb"[\r\n\x1b+]")
_READ_TIMEOUT = 0.15  # s that the adapter itself waits for the first byte; less than a slice
_REPLY_END = b"\n"


class PrologixAdapter:
    """The adapter, shared by the boxes on its bus; made once per bus.

    Parameters
    ----------
    stream : network or serial connection to the adapter
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._address: int | None = None
        self._users = 0
        for setting in ("++savecfg 0", "++mode 1", "++auto 0", "++eoi 1", "++eos 3", "++eot_enable 0"):
            self.tell(setting)
        self.tell(f"++read_tmo_ms {_READ_TIMEOUT * 1e3:.0f}")

    def tell(self, command: str) -> None:
        """Send a command to the adapter itself."""
        self._stream.send(command.encode("ascii") + b"\n")

    def select(self, address: int) -> None:
        """Speak to this address from now on."""
        if address != self._address:
            self.tell(f"++addr {address}")
            self._address = address

    def send(self, data: bytes) -> None:
        """Pass bytes on to the selected box, those that mean something to the adapter escaped."""
        self._stream.send(_SPECIAL.sub(lambda found: b"\x1b" + found[0], data) + b"\n")

    def receive(self, timeout: float) -> bytes:
        """What has arrived; empty after a silence."""
        return self._stream.receive(timeout)

    def attach(self) -> None:
        """One more box uses the adapter."""
        self._users += 1

    def detach(self) -> None:
        """One box less; the last closes the connection."""
        self._users -= 1
        if self._users <= 0:
            self._stream.close()

    @property
    def is_open(self) -> bool:
        """Whether any box still uses it."""
        return self._users > 0


class PrologixTransport:
    """One box behind an adapter; satisfies `instruments.roles.Transport`.

    Parameters
    ----------
    adapter : of its bus
    address : primary GPIB address, 0 to 30
    """

    def __init__(self, adapter: PrologixAdapter, address: int) -> None:
        if not 0 <= address <= 30:
            raise ValueError(f"GPIB address {address} is not within 0 to 30")
        self._adapter, self._address = adapter, address
        self._received = b""
        adapter.attach()

    def write(self, data: bytes) -> None:
        """Send one message; its end is marked by EOI."""
        self._adapter.select(self._address)
        self._adapter.send(data)

    def read(self, timeout: float) -> bytes:
        """One reply; the adapter is asked again and again while the box has nothing to say."""
        self._adapter.select(self._address)
        end = time.monotonic() + timeout
        asked_until = -1.0
        while _REPLY_END not in self._received:
            now = time.monotonic()
            if now >= end:
                raise TimeoutError(f"no reply within {timeout:g} s")
            if not self._received and now >= asked_until:
                self._adapter.tell("++read eoi")
                asked_until = now + 2 * _READ_TIMEOUT
            self._received += self._adapter.receive(
                min(end, asked_until) - now if now < asked_until else 0.01
            )
            if len(self._received) > LONGEST_REPLY:
                self._received = b""
                raise ConnectionError("a reply without end; check the adapter")
        reply, _, self._received = self._received.partition(_REPLY_END)
        return reply

    def clear(self) -> None:
        """Selected device clear, then forget what had arrived."""
        self._adapter.select(self._address)
        self._adapter.tell("++clr")
        self._received = b""
        while self._adapter.receive(0.0):
            pass

    def close(self) -> None:
        """Let go of the adapter."""
        self._adapter.detach()
