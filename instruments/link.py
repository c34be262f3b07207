"""One Link per bus, one Line per box on it: deadlines, trust, and the way back after a disturbance.

A box that answers late answers the *next* question: after one time-out every later reply is another's. So
each question carries a number that the answer must bring back, a time-out makes the bus untrusted, and an
untrusted line is drained and proven before anything else is said on it.
"""

import itertools
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from instruments.errors import ConnectionFailed, InstrumentError, ReplyError
from instruments.roles import LONGEST_REPLY, Clock, Identity, Transport

SLICE = 0.2
"""Longest single wait for bytes [s]; between slices the run may be abandoned."""

ATTEMPTS = 3
"""How often a question that may be repeated is asked, and a line is resynchronised or reopened."""

POWER_ON = 128
"""Bit of the standard event status register (IEEE 488.2): switched on since it was last read."""

DISTURBED, CONNECTION_LOST = "disturbed", "connection lost"
"""How the I/O log begins its note on an exchange that went wrong."""

_LONG_MESSAGE = 300  # characters, from where on a serial line's time counts
_SLOWEST_BYTE = 2e-3  # s; at 9600 baud it takes 1.04 ms, and flow control has its say
_LONGEST_EXCHANGE_END = 5.0  # s; an exchange ends within a slice once off is called, unless a library hangs
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


@dataclass(frozen=True, kw_only=True)
class Exchanged:
    """One line of the I/O log: what went to a box or came from it, or what happened to its line."""

    time: float
    box: str
    direction: Literal["out", "in", "note"]
    text: str


class Link:
    """A bus: one exchange at a time, whatever thread asks; its lines share trust.

    on_deadline : called before every wait with the seconds it may take at most, for the guardian; a reply is
        waited for in slices, so even one that takes minutes is never silence
    on_slice : called between slices of a wait; raising there abandons the exchange
    on_io : takes the I/O log
    """

    def __init__(self, name: str, *, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.lock = threading.RLock()
        self.lines: list[Line] = []
        self.on_deadline: Callable[[float], None] = _ignore
        self.on_slice: Callable[[], None] = _nothing
        self.on_io: Callable[[Exchanged], None] = _ignore

    def distrust(self) -> None:
        """Something may still be on its way: every line of the bus proves itself before its next exchange."""
        for line in self.lines:
            line.trusted = False


class Line:
    """One box on a bus, its transport opened by `connect`.

    Parameters
    ----------
    link : the bus
    box : name for messages
    connect : opens the transport; called again when the connection was lost
    timeout : usual longest wait for a reply [s]
    models : what the box may call itself; empty for anything
    serial : serial number it must have; None takes the first one met and insists on it from then on
    tagged : the box takes several questions in one message (``*ESE n;...;*ESE?``), so the number travels with
        each question; else it is asked for afterwards. None finds out when the box is met
    """

    def __init__(
        self,
        link: Link,
        box: str,
        connect: Callable[[], Transport],
        *,
        timeout: float = 2.0,
        models: Sequence[str] = (),
        serial: str | None = None,
        tagged: bool | None = True,
    ) -> None:
        self.link, self.box, self.timeout = link, box, timeout
        self.identity: Identity | None = None
        self.trusted = False
        self.disturbances = 0
        self.reconnections = 0
        self._recognised = False
        self._connect, self._models, self._serial, self._tagged = connect, tuple(models), serial, tagged
        self._transport: Transport | None = None
        self._numbers = itertools.cycle(sorted(map(int, _PROOFS)))
        self._called_off = False
        self._unconfirmed_off: tuple[str, ...] = ()
        link.lines.append(self)

    def open(self) -> Identity:
        """Connect and make sure the right box answers; asks ``*IDN?`` and writes nothing else."""
        with self.link.lock:
            self._make_ready()
            assert self.identity is not None
            return self.identity

    def close(self) -> None:
        with self.link.lock:
            transport, self._transport, self.trusted = self._transport, None, False
            if transport is not None:
                transport.close()

    def write(self, message: str, *, repeatable: bool = True) -> None:
        """Send a message that asks nothing; once more where the connection was lost under it."""
        with self._exchange():
            for attempt in itertools.count(1):
                self._make_ready()
                try:
                    self._send(message)
                    return
                except OSError as failure:
                    self._disturbed(failure)
                    if not repeatable or attempt >= ATTEMPTS:
                        raise self._explained(message, failure) from failure

    def ask(
        self,
        message: str,
        *,
        timeout: float | None = None,
        repeatable: bool = True,
        attempts: int = ATTEMPTS,
        accepts: Callable[[str], object] | None = None,
    ) -> str:
        """The reply to a message, proven to be its own.

        Parameters
        ----------
        message : asks exactly one thing
        timeout : longest wait for the reply [s]; the line's own if None
        repeatable : asking twice does no harm, so a disturbed exchange is tried again (`disturbances` counts)
        attempts : how often the question, its line's proof and its connection are tried
        accepts : raises ValueError for what cannot be the reply
        """
        with self._exchange():
            for attempt in itertools.count(1):
                try:
                    self._make_ready(attempts)
                    reply = self._ask_once(message, self.timeout if timeout is None else timeout)
                    return _accepted(reply, accepts)
                except (TimeoutError, ReplyError, OSError) as failure:
                    self._disturbed(failure)
                    if not repeatable or attempt >= attempts:
                        raise self._explained(message, failure) from failure
            raise AssertionError

    def send_off(self, messages: Sequence[str]) -> None:
        """Send at once what switches off: no question first, an exchange in the way is abandoned.

        Reopens a lost connection, but asks nobody for a name: off harms no stranger.
        """
        self._called_off = True
        if not self.link.lock.acquire(timeout=_LONGEST_EXCHANGE_END):
            raise ConnectionFailed(f"{self.box}: its bus is stuck in another exchange")
        try:
            self._called_off = False
            self._unconfirmed_off = tuple(messages)
            self._send_off_now(messages)
        finally:
            self.link.lock.release()

    def _send_off_now(self, messages: Sequence[str]) -> None:
        try:
            self._send_off_once(messages)
        except (OSError, InstrumentError) as failure:
            self._disturbed(failure)
            self._give_up()
            try:
                self._send_off_once(messages)
            except OSError as again:
                self._log("note", f"{CONNECTION_LOST}: {again}")
                raise ConnectionFailed(f"{self.box}: off could not be sent ({again})") from again

    def _send_off_once(self, messages: Sequence[str]) -> None:
        if self._transport is None:
            self._transport, self._recognised = self._connect(), False
        if not self.trusted:
            self._log("note", "clear")
            self._transport.clear()
        for message in messages:
            self._send(message)

    def _give_way(self) -> None:
        """Off waits for nobody."""
        if self._called_off:
            raise ConnectionFailed(f"{self.box}: the exchange was abandoned to switch off")

    @contextmanager
    def _exchange(self) -> Iterator[None]:
        """Hold the bus; whatever ends an exchange early leaves the bus untrusted."""
        with self.link.lock:
            self._give_way()
            try:
                yield
            except BaseException:
                self.link.distrust()
                raise

    def _ask_once(self, message: str, timeout: float) -> str:
        number = next(self._numbers)
        # a name has no end but the message's: no question may follow it (IEEE 488.2, 10.14.3; error -440)
        if self._tagged and message != "*IDN?":
            self._send(f"*ESE {number};{message};*ESE?")
            reply, separator, returned = self._receive(timeout).rpartition(";")
            if not separator or returned.strip() != str(number):
                raise ReplyError(f"the reply ends in {returned[-40:]!r}, not in ;{number}")
            self._unconfirmed_off = ()
            return reply.strip()
        self._send(message)
        reply = self._receive(timeout)
        if reply in _PROOFS:
            # a second copy of an earlier proof, in front of an answer that is still to come or was lost
            raise ReplyError(f"{reply} is the answer to an earlier question")
        self._prove(number)
        return reply

    def _prove(self, number: int) -> None:
        """Ask for a number just set: only a reply to this very question can be it."""
        self._send(f"*ESE {number};*ESE?")
        returned = self._receive(self.timeout)
        if returned != str(number):
            raise ReplyError(f"asked for {number}, received {returned[:40]!r}")
        self._unconfirmed_off = ()

    def _make_ready(self, attempts: int = ATTEMPTS) -> None:
        """Leave with an open, drained and proven line to the right box."""
        for attempt in itertools.count(1):
            try:
                if self._transport is None:
                    self._announce(self.timeout)
                    self._transport, self._recognised = self._connect(), False
                if not self._recognised:
                    self._recognise()
                if not self.trusted:
                    self._resynchronise(attempts)
                return
            except (OSError, ReplyError) as failure:
                self._disturbed(failure)
                self._give_up()
                if attempt >= attempts:
                    raise ConnectionFailed(
                        f"{self.box} cannot be reached: {failure}; check power, cable and address"
                    ) from failure

    def _resynchronise(self, attempts: int) -> None:
        """Drain what is on its way, then ask for something that nobody could have asked before."""
        for attempt in itertools.count(1):
            self._log("note", "clear, drain, prove")
            self._quieten()
            try:
                self._prove(next(self._numbers))
            except (TimeoutError, ReplyError) as failure:
                if attempt >= attempts:
                    raise ReplyError(f"it does not answer as it should: {failure}") from failure
            else:
                self.trusted = True
                return

    def _recognise(self) -> None:
        """Ask who answers before anything is written, and whether it kept its settings."""
        self._quieten()
        self._send("*IDN?")
        identity = parse_identity(self._receive(self.timeout))
        self._check_identity(identity)
        self._prove(next(self._numbers))
        self.trusted = True
        if self._tagged is None:
            self._tagged = self._takes_tags()
        event_status = self._ask_once("*ESR?", self.timeout)
        if not event_status.isdecimal():
            raise ReplyError(f"{event_status[:40]!r} is no event status")
        known, self.identity, self._recognised = self.identity, identity, True
        if known is None:
            return
        self.reconnections += 1
        self._log("note", f"reconnected to {identity}")
        if int(event_status) & POWER_ON:
            raise ConnectionFailed(
                f"{self.box} was switched off and on: its settings are gone; start the run again"
            )

    def _takes_tags(self) -> bool:
        """Whether the box answers several questions in one message."""
        self._tagged = True
        try:
            self._ask_once("*OPC?", self.timeout)
        except (TimeoutError, ReplyError):
            self._quieten()
            self._prove(next(self._numbers))
            return False
        return True

    def _check_identity(self, identity: Identity) -> None:
        serial = self._serial if self.identity is None else self.identity.serial
        right_model = not self._models or identity.model in self._models
        if right_model and serial in (None, identity.serial):
            return
        wanted = " or ".join(self._models) or "the box"
        if serial is not None:
            wanted += f", serial {serial},"
        self._give_up()
        raise ConnectionFailed(
            f"{self.box}: {identity} answers where {wanted} was expected; "
            "check addresses and cables, or correct the bench file"
        )

    def _receive(self, timeout: float) -> str:
        """One reply, waited for in slices, as ASCII text without surrounding blanks."""
        assert self._transport is not None
        left = timeout
        while True:
            slice_ = min(SLICE, left)
            self._announce(slice_)
            try:
                data = self._transport.read(slice_)
                break
            except TimeoutError:
                self.link.on_slice()
                self._give_way()
                left -= slice_
                if left <= 0:
                    raise TimeoutError(f"no reply within {timeout:g} s") from None
        if len(data) > LONGEST_REPLY or not data.isascii():
            raise ReplyError(f"received {data[:40]!r}, which is no text a box sends")
        text = data.decode("ascii").strip()
        self._log("in", text)
        if not text:
            raise ReplyError("the reply is empty")
        return text

    def _quieten(self) -> None:
        """Clear the box and read until its line is silent for a slice."""
        assert self._transport is not None
        self._announce(self.timeout)
        self._transport.clear()
        for message in self._unconfirmed_off:
            # a device clear also discards what the box has received and not yet obeyed
            self._send(message)
        for _ in range(1000):
            self._announce(SLICE)
            try:
                self._transport.read(SLICE)
            except TimeoutError:
                return
            self.link.on_slice()
        raise ConnectionFailed(f"{self.box} keeps sending and cannot be stopped; switch it off and on")

    def _send(self, message: str) -> None:
        assert self._transport is not None
        self._log("out", message)
        if len(message) > _LONG_MESSAGE:
            self._announce(SLICE + len(message) * _SLOWEST_BYTE)
        self._transport.write(message.encode("ascii"))

    def _disturbed(self, failure: Exception) -> None:
        self.disturbances += 1
        lost = isinstance(failure, OSError) and not isinstance(failure, TimeoutError)
        self._log("note", f"{CONNECTION_LOST if lost else DISTURBED}: {failure}")
        self.link.distrust()
        if lost:
            self._give_up()

    def _give_up(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            try:
                transport.close()
            except OSError as failure:
                self._log("note", f"closing failed: {failure}")

    def _explained(self, message: str, failure: Exception) -> InstrumentError:
        if isinstance(failure, ReplyError):
            return ReplyError(f"{self.box}: {message!r} was not answered properly: {failure}")
        return ConnectionFailed(
            f"{self.box}: {message!r} was not answered: {failure}; check power, cable and address"
        )

    def _announce(self, seconds: float) -> None:
        self.link.on_deadline(seconds)

    def _log(self, direction: Literal["out", "in", "note"], text: str) -> None:
        self.link.on_io(
            Exchanged(time=self.link.clock.monotonic(), box=self.box, direction=direction, text=text)
        )


def parse_identity(reply: str) -> Identity:
    """Who answered ``*IDN?``: four comma-separated fields, ``MODEL`` and ``SN:`` taken off.

    Examples
    --------
    >>> print(parse_identity("LSCI,MODEL336,LSA12AB/#######,1.3"))
    LSCI 336, serial LSA12AB/#######, firmware 1.3
    """
    parts = [part.strip() for part in reply.split(",")]
    if len(parts) != 4 or not all(parts[:3]):
        raise ReplyError(f"{reply[:80]!r} is not an identity of four fields")
    maker, model, serial, firmware = parts
    return Identity(
        maker=maker,
        model=re.sub(r"^MODEL\s*", "", model, flags=re.IGNORECASE),
        serial=serial.removeprefix("SN:"),
        firmware=firmware,
    )


def _accepted(reply: str, accepts: Callable[[str], object] | None) -> str:
    """The reply, if it is one reply and reads as it should."""
    if ";" in _QUOTED.sub("", reply):
        raise ReplyError(f"{reply[:60]!r} is more than one reply")
    if accepts is not None:
        try:
            accepts(reply)
        except ValueError as problem:
            raise ReplyError(str(problem)) from None
    return reply


def _proof_numbers() -> Iterator[int]:
    """Values for ``*ESE``: patterns of the bits that all boxes implement, too large to be a usual reply.

    Lake Shore leaves bits 1, 3 and 6 of the event status register unused.
    """
    bits = (1, 4, 16, 32, 128)
    for count in range(1, len(bits) + 1):
        yield from (number for number in map(sum, itertools.combinations(bits, count)) if number > 20)


_PROOFS = frozenset(map(str, _proof_numbers()))


def _ignore(_: object) -> None: ...


def _nothing() -> None: ...
