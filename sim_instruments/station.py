"""A box behind doors of several threads: one worker a box, one bench a time.

Doors put messages into the box's queue; its worker executes them in order of arrival, as the box's own
processor would. Whoever executes holds the bench; who waits for real time lets go of it, so a long reading of
one box keeps no other from answering, and a device clear cuts the wait short.
"""

import logging
import queue
import re
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from sim_instruments.clock import Clock, ScaledClock, SimClock, WaitCut
from sim_instruments.scpi import ScpiBox

ABORT = re.compile(rb"\s*(:?ABOR(T)?|:?\*RST|\*RCL\s+\d|:?SYST(EM)?:PRES(ET)?)\s*$", re.IGNORECASE)
"""What ends a run at once, as device clear does ([M] 2400 p. 16-3)."""

STEP_TIME = 0.1
"""Stepped time: seconds a message lets pass while a measurement runs, so that polling comes to an end [s]."""


SYSTEM_ERROR = -310

LONGEST_QUEUE = 4096
"""Messages a box keeps waiting; a door that brings more waits, and its client with it."""


class DeviceCleared(Exception):
    """A wait was cut short by a device clear."""


class MessageLog(Protocol):
    """Where messages are noted; see `WireLog`."""

    def message(self, box: ScpiBox, door: str, direction: str, data: bytes) -> None:
        """Note one message."""


class InputBuffer:
    """Bytes from a line become program messages; CR, LF and CRLF end one, empty ones are nothing.

    Parameters
    ----------
    limit : longest message [bytes]; a longer one is dropped and becomes `OVERRUN`
    clears : ^C and ^X become `CLEAR` and drop what came before them
    blocks : IEEE 488.2 definite-length block data are bytes like others, whatever they are
    """

    CLEAR = object()
    OVERRUN = object()

    def __init__(self, *, limit: int, clears: bool = True, blocks: bool = False) -> None:
        self._limit = limit
        self._marks = _MARKS[clears, blocks]
        self._pending = b""
        self._overrun = False

    def feed(self, data: bytes) -> list[object]:
        """Return what `data` completes: messages, `CLEAR`, `OVERRUN`."""
        found: list[object] = []
        data = self._pending + data
        begin = position = 0
        while (mark := self._marks.search(data, position)) is not None:
            position = mark.end()
            if mark["end"]:
                found += self._ended(data[begin : mark.start()])
                begin = position
            elif mark["clear"]:
                found, begin, self._overrun = [self.CLEAR], position, False
            elif mark["digits"]:
                position = _end_of_block(data, position, int(mark["digits"]))
        rest = data[begin:]
        if len(rest) > self._limit:
            rest, self._overrun = b"", True
        self._pending = rest
        return found

    def _ended(self, line: bytes) -> list[object]:
        if self._overrun or len(line) > self._limit:
            self._overrun = False
            return [self.OVERRUN]
        return [line] if line.strip() else []


def _marks(clears: bool, blocks: bool) -> re.Pattern[bytes]:
    """What has a meaning between the bytes of messages; text in quotes is passed over where a # may count.

    ^C and ^X are device clear on a serial line ([M] 2400 p. 271).
    """
    clear = rb"[\x03\x18]" if clears else rb"(?!)"
    block = rb"[\s,]#(?P<digits>[1-9])|\"[^\"\r\n]*\"|'[^'\r\n]*'" if blocks else rb"(?P<digits>(?!))"
    return re.compile(rb"(?P<end>[\r\n])|(?P<clear>" + clear + rb")|" + block)


_MARKS = {(clears, blocks): _marks(clears, blocks) for clears in (True, False) for blocks in (True, False)}


def _end_of_block(data: bytes, position: int, digits: int) -> int:
    """Where a block ends whose length begins at a place; the end of the data where more must come."""
    length = data[position : position + digits]
    if length.isdigit() and len(length) == digits:
        return min(position + digits + int(length), len(data))
    return len(data) if data[position:].isdigit() else position


class _SharedClock:
    """The bench's clock as one box of a served bench sees it: waiting lets the others have the bench.

    A device clear cuts every wait short, an ABORt the wait for a running measurement.
    """

    def __init__(self, clock: Clock, *, bench: threading.RLock, is_running: Callable[[], bool]) -> None:
        self._clock = clock
        self._bench = bench
        self._is_running = is_running
        self._wake_up = threading.Event()
        self._clearing = False

    def interrupt(self, *, clearing: bool) -> None:
        """Cut waits short from now on, for a device clear or an ABORt."""
        self._clearing |= clearing
        self._wake_up.set()

    def go_on(self) -> None:
        """Let waits last again."""
        self._clearing = False
        self._wake_up.clear()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def utc(self) -> datetime:
        return self._clock.utc()

    def wait(self, seconds: float) -> None:
        if not isinstance(self._clock, ScaledClock):
            self._clock.wait(seconds)
            return
        if seconds <= 0:
            return
        seconds /= self._clock.speed
        is_running = self._is_running()
        self._bench.release()
        try:
            if self._wake_up.wait(seconds) and not self._clearing and not is_running:
                time.sleep(seconds)  # an ABORt waits in the queue, but nothing runs that it could cut short
        finally:
            self._bench.acquire()
        if self._clearing:
            raise DeviceCleared
        if self._wake_up.is_set() and is_running:
            raise WaitCut


class Station:
    """One box, its queue and its worker.

    Parameters
    ----------
    box : its clock is replaced by one that shares the bench
    bench : held by whoever executes
    log : notes every message, if given
    """

    def __init__(self, box: ScpiBox, *, bench: threading.RLock, log: MessageLog | None = None) -> None:
        self.box = box
        self._bench = bench
        self._log = log
        self._bench_clock = box.clock
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(LONGEST_QUEUE)
        self._generation = 0
        self._clock = _SharedClock(box.clock, bench=bench, is_running=lambda: box.next_event is not None)
        box.clock = self._clock
        self._worker = threading.Thread(target=self._work, name=box.name, daemon=True)
        self._worker.start()

    def input_buffer(self, *, clears: bool = True) -> InputBuffer:
        """A new line's buffer for what comes to this box."""
        return InputBuffer(limit=self.box.input_limit, clears=clears, blocks=self.box.takes_blocks)

    def check_link(self) -> None:
        """Raise ConnectionError where there is no way to the box."""

    def submit(
        self,
        message: bytes,
        door: str,
        reply: Callable[[bytes], None],
        hang_up: Callable[[], None] = lambda: None,
    ) -> None:
        """Queue a message, waiting while too many are queued: an endless client holds up itself only.

        Parameters
        ----------
        message, door : what came, and how
        reply : called by the worker with the response, if there is one
        hang_up : called by the worker when the way to the box breaks
        """
        generation = self._generation
        self._room.acquire()
        if self._log is not None:
            self._log.message(self.box, door, "in", message)
        if ABORT.match(message):
            self._clock.interrupt(clearing=False)
            self._jobs.put(self._clock.go_on)

        def answer(response: bytes) -> None:
            if generation == self._generation:
                if self._log is not None:
                    self._log.message(self.box, door, "out", response)
                reply(response)

        def execute() -> None:
            self._room.release()
            if generation == self._generation:
                self.box.door = door
                try:
                    self._exchange(message, answer)
                except ConnectionError:
                    hang_up()

        self._jobs.put(execute)

    def call(self, job: Callable[[ScpiBox], None]) -> None:
        """Queue something else for the worker to do with the box."""

        def execute() -> None:
            with self._bench:
                job(self.box)

        self._jobs.put(execute)

    def device_clear(self) -> None:
        """Forget what is queued, cut a running wait short and clear the box."""
        self._generation += 1
        self._clock.interrupt(clearing=True)

        def clear() -> None:
            self._clock.go_on()
            with self._bench:
                self.box.clear()

        self._jobs.put(clear)

    def wait_until_idle(self, timeout: float = 5.0) -> bool:
        """Wait until everything queued so far has been done; False if that takes longer [s]."""
        done = threading.Event()
        self._jobs.put(done.set)
        return done.wait(timeout)

    def serial_poll(self) -> int:
        """Return the status byte at once, also while the box is busy."""
        with self._bench:
            return self.box.status_byte

    def feed(
        self,
        buffer: InputBuffer,
        data: bytes,
        door: str,
        reply: Callable[[bytes], None],
        hang_up: Callable[[], None] = lambda: None,
    ) -> None:
        """Take bytes off a line: messages are queued, ^C and ^X clear, overlong input is an error."""
        for item in buffer.feed(data):
            if item is InputBuffer.CLEAR:
                if self._log is not None:
                    self._log.message(self.box, door, "in", b"\x18")
                self.device_clear()
            elif item is InputBuffer.OVERRUN:
                self.call(ScpiBox.overrun)
            elif isinstance(item, bytes):
                self.submit(item, door, reply, hang_up)

    def close(self) -> None:
        """End the worker."""
        self._generation += 1
        self._clock.interrupt(clearing=True)
        self._jobs.put(None)
        self._worker.join(timeout=2.0)

    def _exchange(self, message: bytes, reply: Callable[[bytes], None]) -> None:
        """Let the box execute a message, and hand on its response."""
        with self._bench:
            self._step_time()
            response = self.box.receive(message)
        if response is not None:
            reply(response)

    def _step_time(self) -> None:
        """Stepped time passes only when somebody talks: let a running measurement get on."""
        if isinstance(self._bench_clock, SimClock):
            due = self.box.next_event
            if due is not None:
                self._bench_clock.wait(max(due - self._bench_clock.monotonic(), STEP_TIME))

    def _idle_for(self) -> float | None:
        """How long the worker may sleep: until the running measurement's next step [s]."""
        with self._bench:
            due = self.box.next_event
            if due is None or not isinstance(self._bench_clock, ScaledClock):
                return None
            return max(due - self._bench_clock.monotonic(), 0.0) / self._bench_clock.speed

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=self._idle_for())
            except queue.Empty:
                job = self._follow_run
            if job is None:
                return
            try:
                job()
            except DeviceCleared:
                continue
            except Exception:
                logging.getLogger(__name__).exception("%s cannot go on with a message", self.box.name)
                self.box.report(SYSTEM_ERROR)

    def _follow_run(self) -> None:
        with self._bench:
            self.box.is_idle()
