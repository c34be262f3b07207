"""The in-process door: a box spoken to without leaving the thread."""

from collections import deque
from typing import Protocol

from sim_instruments.scpi import ScpiBox


class WireLog(Protocol):
    """Where every message that crosses a door is written."""

    def message(self, box: ScpiBox, door: str, direction: str, data: bytes) -> None:
        """Note one message, "in" to the box or "out" of it."""


class SimTransport:
    """Bytes to and from one simulated box; satisfies `instruments.roles.Transport`.

    A message is executed when it is written and the clock advances by as long as that takes; a reply is
    handed out only to a `read` that would have waited long enough, so a deadline that is too short is missed
    here as on the bench, and the late reply is still in the line afterwards.

    Parameters
    ----------
    box : the box at the other end
    wire_log : notes every message, if given
    """

    def __init__(self, box: ScpiBox, *, wire_log: WireLog | None = None) -> None:
        self.box = box
        self.wire_log = wire_log
        self._replies: deque[tuple[bytes, float]] = deque()
        self._waited = 0.0

    def write(self, data: bytes) -> None:
        """Send one program message; a terminator may be there, and several lines are several messages."""
        for message in data.replace(b"\r", b"\n").split(b"\n"):
            if message.strip():
                self._send(message)

    def read(self, timeout: float) -> bytes:
        """Return one reply without its terminator.

        Raises
        ------
        TimeoutError
            The reply takes longer than `timeout` [s], or there is none.
        """
        if not self._replies:
            self.box.clock.wait(timeout)
            self.box.unread_query()
            raise TimeoutError(f"{self.box.name} has nothing to say; waited {timeout:g} s")
        reply, ready_after = self._replies[0]
        if ready_after > self._waited + timeout:
            self._waited += timeout
            raise TimeoutError(f"{self.box.name} needs {ready_after:.3g} s to answer; waited {timeout:g} s")
        self._replies.popleft()
        self._waited = 0.0
        return reply

    def clear(self) -> None:
        """Device clear: the box forgets what is pending, unread replies are lost."""
        self.box.clear()
        self._replies.clear()
        self._waited = 0.0

    def close(self) -> None:
        """Let go of the box; its state stays."""
        self._replies.clear()

    def _send(self, message: bytes) -> None:
        if self.wire_log is not None:
            self.wire_log.message(self.box, "in-process", "in", message)
        start = self.box.clock.monotonic()
        reply = self.box.receive(message)
        if reply is not None:
            if self.wire_log is not None:
                self.wire_log.message(self.box, "in-process", "out", reply)
            self._replies.append((reply, self.box.clock.monotonic() - start))
