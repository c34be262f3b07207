"""A box that does what a test tells it, on a clock that nobody waits for."""

import datetime
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from instruments.door import arming_token
from instruments.link import Line, Link
from qdlab.simulators import open_simulated_bench

LATE = 2.5  # s; longer than a line waits, so that the reply arrives among those of later questions


class TestClock:
    """Time that passes only while somebody waits for it."""

    __test__ = False

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> datetime.datetime:
        return datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=self.now)

    def wait(self, seconds: float) -> None:
        self.now += seconds


class ScriptedBox:
    """Answers IEEE 488.2 and ``NUM? n``, whose answer is n, so that a test knows which answer is whose.

    `faults` are taken one for each reply: "" good, "late" (after the time-out), "lost", "doubled", "garbled",
    "cut", "unplugged" (the connection breaks instead).
    """

    def __init__(self, clock: TestClock) -> None:
        self.clock = clock
        self.identity = "MAKER,MODEL BOX,SN:17,1.0"
        self.event_status = 128
        self.enable = 0
        self.received: list[str] = []
        self.faults: deque[str] = deque()
        self.connections = 0
        self.clears = 0

    def power_cycle(self) -> None:
        self.event_status, self.enable = 128, 0

    def open(self) -> "Cable":
        self.connections += 1
        return Cable(self)

    def answer(self, message: str) -> str | None:
        self.received.append(message)
        replies = [reply for unit in message.split(";") if (reply := self._unit(unit)) is not None]
        return ";".join(replies) if replies else None

    def _unit(self, unit: str) -> str | None:
        header, _, argument = unit.partition(" ")
        if header == "*ESE":
            self.enable = int(argument)
        elif header == "*ESE?":
            return str(self.enable)
        elif header == "*IDN?":
            return self.identity
        elif header == "*ESR?":
            status, self.event_status = self.event_status, 0
            return str(status)
        elif header == "*OPC?":
            return "1"
        elif header == "NUM?":
            return argument
        return None


class Cable:
    """The transport to a scripted box."""

    def __init__(self, box: ScriptedBox) -> None:
        self.box = box
        self.replies: deque[tuple[bytes, float]] = deque()
        self.broken = False

    def write(self, data: bytes) -> None:
        if self.broken:
            raise ConnectionResetError("unplugged")
        reply = self.box.answer(data.decode())
        if reply is None:
            return
        fault = self.box.faults.popleft() if self.box.faults else ""
        if fault == "unplugged":
            self.broken = True
        text = {"garbled": "\xff\x00?" + reply[3:], "cut": reply[: len(reply) // 2]}.get(fault, reply)
        copies = {"lost": 0, "doubled": 2}.get(fault, 1)
        arrival = self.box.clock.now + (LATE if fault == "late" else 0.0)
        self.replies.extend([(text.encode("latin-1"), arrival)] * copies)

    def read(self, timeout: float) -> bytes:
        if self.broken:
            raise ConnectionResetError("unplugged")
        now = self.box.clock.now
        if self.replies and self.replies[0][1] <= now + timeout:
            reply, arrival = self.replies.popleft()
            self.box.clock.now = max(now, arrival)
            return reply
        self.box.clock.wait(timeout)
        raise TimeoutError

    def clear(self) -> None:
        self.box.clears += 1

    def close(self) -> None:
        self.replies.clear()


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def box(clock: TestClock) -> ScriptedBox:
    return ScriptedBox(clock)


def opened_line(box: ScriptedBox, **settings: Any) -> Line:
    line = Line(Link("bus", clock=box.clock), "BOX", box.open, timeout=2.0, **settings)
    line.open()
    box.received.clear()
    return line


@pytest.fixture
def open_line(box: ScriptedBox) -> Callable[..., Line]:
    """Opens a line to `box`."""
    return lambda **settings: opened_line(box, **settings)


@pytest.fixture
def fresh_line() -> Callable[..., tuple[Line, ScriptedBox]]:
    """Opens a line to a new box each time; for generated cases."""

    def make(**settings: Any) -> tuple[Line, ScriptedBox]:
        box = ScriptedBox(TestClock())
        return opened_line(box, **settings), box

    return make


@pytest.fixture
def script(box: ScriptedBox) -> Callable[[Iterable[str]], None]:
    """Scripts the faults of the replies to come."""
    return box.faults.extend


@pytest.fixture
def simulated() -> Iterator[Any]:
    """The simulated bench, set up; `arm_for_test` arms it."""
    bench = open_simulated_bench(seed=7)
    bench.set_up()
    bench.arm_for_test = lambda: bench.arm(token=arming_token("test"))  # type: ignore[attr-defined]
    yield bench
    bench.close()
