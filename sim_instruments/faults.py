"""When what goes wrong on a bench goes wrong: faults planned on a box's cable.

    line = FaultyLine(bench.boxes["keithley2400"], bench=bench, seed=1)
    line.add(Fault("late_reply", matching=rb"READ\\?", nth=3, amount=2.0))
    transport = FaultyTransport(SimTransport(line.box), line)

A line sits on one box's cable and outlives reconnecting. `FaultyTransport` puts it into the thread,
`FaultyStation` behind every door of a served box; `SimBench.inject` plans for both.
`sim_instruments.fault_kinds` is the catalogue.
"""

import math
import re
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from sim_instruments.adapter import SimTransport
from sim_instruments.fault_kinds import CATALOGUE, NothingToStrike, Piece, Place, Strike, Surroundings
from sim_instruments.scpi import ScpiBox
from sim_instruments.station import MessageLog, Station


@dataclass(frozen=True)
class Fault:
    """A kind of fault, and when it strikes: every condition given must hold.

    Parameters
    ----------
    kind : name in `CATALOGUE`
    nth : which of the messages that fulfil the other conditions sets it off, from 1
    matching : pattern the message must contain; the kind's own unless given
    phase : of the line, as the caller calls it ("arming", "sweep", "teardown")
    state : of the box
    since : from this time of the bench's clock on [s]
    probability : at each message that fulfils the conditions, from the line's seed
    times : how often in all
    amount : size, in the unit of its meaning; the kind's own unless given
    lasts : how long it acts [s]; the kind's own unless given
    """

    kind: str
    nth: int = field(default=1, kw_only=True)
    matching: bytes | None = field(default=None, kw_only=True)
    phase: str = field(default="", kw_only=True)
    state: Callable[[ScpiBox], bool] | None = field(default=None, kw_only=True)
    since: float = field(default=-math.inf, kw_only=True)
    probability: float = field(default=1.0, kw_only=True)
    times: float = field(default=1, kw_only=True)
    amount: float | None = field(default=None, kw_only=True)
    lasts: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.kind not in CATALOGUE:
            raise ValueError(f"no fault kind {self.kind!r}; there are {', '.join(CATALOGUE)}")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability {self.probability!r} of {self.kind!r} must lie between 0 and 1")
        if self.nth < 1 or self.times < 1:
            raise ValueError(f"nth {self.nth!r} and times {self.times!r} of {self.kind!r} count from 1")


@dataclass
class _Planned:
    """A fault with what it has seen so far."""

    fault: Fault
    seen: int = 0
    struck: int = 0


class FaultyLine:
    """One box's cable and what happens on it.

    Parameters
    ----------
    box : at the end of the cable
    bench : where faults of sample and surroundings act; the others do without
    seed : of everything left to chance
    """

    def __init__(self, box: ScpiBox, *, bench: Surroundings | None = None, seed: int = 0) -> None:
        self.box = box
        self.bench = bench
        self.random = np.random.default_rng([seed, *box.name.encode()])
        self.phase = ""
        self.last_message, self.last_reply = b"", b""
        self.unasked: list[Piece] = []
        self.struck: list[tuple[float, str]] = []
        """What struck, and when."""
        self._planned: list[_Planned] = []
        self._active: list[Strike] = []

    @property
    def is_quiet(self) -> bool:
        """Whether nothing acts and nothing is planned."""
        return not (self._planned or self._active or self.unasked)

    def add(self, *faults: Fault) -> None:
        """Plan faults; ValueError for one that cannot happen to the box."""
        for fault in faults:
            CATALOGUE[fault.kind].check(self.box)
        self._planned += [_Planned(fault) for fault in faults]

    def strike(self, fault: Fault) -> None:
        """Let a fault act now, whatever its conditions."""
        kind, now = CATALOGUE[fault.kind], self.box.clock.monotonic()
        kind.check(self.box)
        lasts = kind.lasts if fault.lasts is None else fault.lasts
        strike = Strike(
            kind=kind,
            amount=kind.amount if fault.amount is None else fault.amount,
            cable=self,
            until=now + lasts if lasts else None,
            left=kind.spans,
        )
        if kind.place == "bench":
            kind.act(strike)
        self.struck.append((now, kind.name))
        if kind.place != "bench" or strike.until is not None:
            self._active.append(strike)

    def clear(self) -> None:
        """Plan nothing more, and end what acts."""
        self._planned.clear()
        self.unasked.clear()
        for strike in list(self._active):
            self._end(strike)

    def device_clear(self) -> None:
        """End what a device clear ends: a box that hangs."""
        self._active = [strike for strike in self._active if strike.kind.name != "hung"]

    def check(self) -> None:
        """Raise ConnectionError while the cable is out."""
        self._expire()
        for strike in self._acting_on("link"):
            self._use(strike)
            strike.kind.act(strike)

    def to_box(self, message: bytes) -> list[bytes]:
        """What of a message reaches the box; raises ConnectionError while the cable is out."""
        self._expire()
        self._set_off(message)
        self.check()
        self.last_message = message
        messages = [message]
        for strike in self._acting_on("message"):
            messages = [passed for each in messages for passed in strike.kind.act(strike, each)]
            self._use(strike)
        return messages

    def to_client(self, reply: bytes) -> list[Piece]:
        """What of a reply reaches the client, and when."""
        self._expire()
        pieces = [Piece(data=reply)]
        for strike in self._acting_on("reply"):
            pieces = [
                replace(passed, delay=passed.delay + piece.delay)
                for piece in pieces
                for passed in strike.kind.act(strike, piece.data)
            ]
            self._use(strike)
        self.last_reply = reply
        return pieces

    def _set_off(self, message: bytes) -> None:
        for planned in [planned for planned in self._planned if self._applies(planned.fault, message)]:
            planned.seen += 1
            if planned.seen >= planned.fault.nth:
                planned.struck += 1
                if planned.struck >= planned.fault.times:
                    self._planned.remove(planned)
                with suppress(NothingToStrike):
                    self.strike(planned.fault)

    def _applies(self, fault: Fault, message: bytes) -> bool:
        pattern = CATALOGUE[fault.kind].matching if fault.matching is None else fault.matching
        return (
            self.box.clock.monotonic() >= fault.since
            and fault.phase in ("", self.phase)
            and (fault.state is None or fault.state(self.box))
            and re.search(pattern, message) is not None
            and (fault.probability == 1 or self.random.random() < fault.probability)
        )

    def _acting_on(self, place: Place) -> list[Strike]:
        return [strike for strike in self._active if strike.kind.place == place]

    def _use(self, strike: Strike) -> None:
        """One that does not last is used up by the messages or replies it spans."""
        strike.left -= 1
        if strike.until is None and strike.left <= 0:
            self._active.remove(strike)

    def _expire(self) -> None:
        now = self.box.clock.monotonic()
        for strike in list(self._active):
            if strike.until is not None and now >= strike.until:
                self._end(strike)

    def _end(self, strike: Strike) -> None:
        self._active.remove(strike)
        if strike.kind.undo is not None:
            with suppress(NothingToStrike):
                strike.kind.undo(strike)


class FaultyTransport:
    """A `SimTransport` with a faulty line in between.

    Parameters
    ----------
    inner : the way to the box
    line : what happens on it
    """

    def __init__(self, inner: SimTransport, line: FaultyLine) -> None:
        line.check()
        self.inner = inner
        self.line = line
        self._arriving: deque[Piece] = deque()

    def write(self, data: bytes) -> None:
        """Send one program message; raises ConnectionError while the cable is out."""
        if self.line.is_quiet:
            self.inner.write(data)
            return
        for message in self.line.to_box(data):
            self.inner.write(message)
        self._arriving += self.line.unasked
        self.line.unasked.clear()

    def read(self, timeout: float) -> bytes:
        """One reply without its terminator; raises TimeoutError when none comes in time."""
        if not self._arriving:
            if self.line.is_quiet:
                self.line.last_reply = self.inner.read(timeout)
                return self.line.last_reply
            self.line.check()
            self._arriving += self.line.to_client(self.inner.read(timeout))
        clock = self.line.box.clock
        if not self._arriving or self._arriving[0].delay > timeout:
            clock.wait(timeout)
            if self._arriving:
                first = self._arriving.popleft()
                self._arriving.appendleft(replace(first, delay=first.delay - timeout))
            raise TimeoutError(f"{self.line.box.name} has not answered within {timeout:g} s")
        piece = self._arriving.popleft()
        clock.wait(piece.delay)
        return piece.data

    def clear(self) -> None:
        """Device clear; what was on its way is lost."""
        self.line.check()
        self.line.device_clear()
        self._arriving.clear()
        self.inner.clear()

    def close(self) -> None:
        self._arriving.clear()
        self.inner.close()


class FaultyStation(Station):
    """A station whose box hangs on a faulty line.

    What is late, is late in real time, the sooner the faster a scaled clock runs; stepped time does not wait.

    Parameters
    ----------
    box, bench, log : as in `Station`
    line : what happens on the way, whichever door a message came through
    """

    def __init__(
        self, box: ScpiBox, *, bench: threading.RLock, line: FaultyLine, log: MessageLog | None = None
    ) -> None:
        self._line = line
        super().__init__(box, bench=bench, log=log)

    def check_link(self) -> None:
        with self._bench:
            self._line.check()

    def device_clear(self) -> None:
        with self._bench:
            self._line.device_clear()
        super().device_clear()

    def _exchange(self, message: bytes, reply: Callable[[bytes], None]) -> None:
        if self._line.is_quiet:
            super()._exchange(message, reply)
            return

        def deliver(pieces: list[Piece]) -> None:
            for piece in pieces:
                if piece.delay > 0:
                    wait = piece.delay / getattr(self._bench_clock, "speed", 1.0)
                    threading.Timer(wait, reply, (piece.data,)).start()
                else:
                    reply(piece.data)

        with self._bench:
            arriving = self._line.to_box(message)
            unasked, self._line.unasked[:] = list(self._line.unasked), []
        deliver(unasked)
        for each in arriving:
            super()._exchange(each, lambda response: deliver(self._line.to_client(response)))
