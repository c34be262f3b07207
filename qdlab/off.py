"""Switch boxes off from plain data: a resource and the bytes that make the box safe. No driver needed.

Off is written to every box before any box is asked anything, and each bus has its own thread, so that one
dead box delays nobody. Only then the boxes are read back; who does not answer, or answers "on", is told
again until patience ends. Used by the guardian and by ``qdlab safe``.
"""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

REPLY_TIMEOUT = 1.0
_TCP = re.compile(r"TCPIP\d*::(?P<host>[^:]+)::(?P<port>\d+)::SOCKET", re.IGNORECASE)
_SERIAL = re.compile(r"ASRL(?P<name>.+?)(::INSTR)?", re.IGNORECASE)
_PROLOGIX = re.compile(r"PROLOGIX::(?P<adapter>.+)::(?P<address>\d+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """How to make one box safe, as data.

    box : its name for people
    resource : VISA resource, or ``PROLOGIX::<resource of the adapter>::<address>``
    clear, off, query, expected : bytes as text (latin-1): abort what runs; off; ask; what an off box answers
    done : the word for the report
    write_termination, read_termination : text
    serial : settings of a serial port, as pyserial names them
    """

    box: str
    resource: str
    off: str
    clear: str = ""
    query: str = ""
    expected: str = "0"
    done: str = "OFF"
    write_termination: str = "\n"
    read_termination: str = "\n"
    serial: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bus(self) -> str:
        """What can be opened once only: the resource, or the adapter that several boxes share."""
        prologix = _PROLOGIX.fullmatch(self.resource)
        return prologix["adapter"] if prologix else self.resource


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one box: the sentence for people, and whether the box itself confirmed it."""

    box: str
    confirmed: bool
    message: str


class Port(Protocol):
    """An opened bus; `address` matters only where several boxes share it."""

    def write(self, data: bytes) -> None: ...
    def read(self, end: bytes) -> bytes: ...
    def close(self) -> None: ...


def prepare(instructions: Iterable[Instruction]) -> None:
    """Load what opening these resources needs, so that nothing is left to do when seconds count.

    Raises ValueError for a resource nobody here can open.
    """
    for instruction in instructions:
        _opener(instruction.bus)


def remember_outputs(bench: str, folder: Path, instructions: Iterable[Instruction]) -> None:
    """Leave word how to switch a bench off, for a time when runner and guardian may both be gone."""
    path = folder / f"{bench}.outputs"
    path.touch(mode=0o600)
    path.write_text(json.dumps([asdict(instruction) for instruction in instructions]), encoding="utf-8")


def read_outputs(bench: str, folder: Path) -> list[Instruction]:
    """What `remember_outputs` left; empty where nothing was left."""
    try:
        documents = json.loads((folder / f"{bench}.outputs").read_text(encoding="utf-8"))
        return [Instruction(**document) for document in documents]
    except (OSError, ValueError, TypeError):
        return []


def remembered_benches(folder: Path) -> list[str]:
    """Every bench that was opened on this computer."""
    return sorted(path.stem for path in folder.glob("*.outputs"))


def switch_off(
    instructions: Iterable[Instruction],
    *,
    started: float | None = None,
    report: Callable[[Outcome], None] = lambda outcome: None,
    patience: float = 5.0,
) -> list[Outcome]:
    """Switch off every box named, all buses at once.

    Parameters
    ----------
    started : time.monotonic() when the reason arose, for the durations reported [s]
    report : takes the outcome of a box as soon as it is known, from the thread of its bus
    patience : how long a box that cannot be reached or stays on is tried again [s]

    Returns
    -------
    outcomes : one per box, in the order given
    """
    started = time.monotonic() if started is None else started
    wanted = list(instructions)
    outcomes: dict[str, Outcome] = {}

    def settle(outcome: Outcome) -> None:
        outcomes[outcome.box] = outcome
        report(outcome)

    by_bus = sorted(wanted, key=lambda instruction: instruction.bus)
    threads = [
        threading.Thread(target=_silence, args=(list(boxes), started, time.monotonic() + patience, settle))
        for _, boxes in groupby(by_bus, key=lambda instruction: instruction.bus)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [outcomes[instruction.box] for instruction in wanted]


def _silence(
    boxes: list[Instruction], started: float, give_up: float, settle: Callable[[Outcome], None]
) -> None:
    """Make the boxes of one bus safe, again and again until each has confirmed it or patience ends."""
    failures = {box.box: "no answer" for box in boxes}
    while boxes:
        try:
            port = _opener(boxes[0].bus)(boxes[0])
            try:
                for box in boxes:
                    _say_off(port, box)
                for box in list(boxes):
                    failures[box.box] = _ask(port, box)
                    if not failures[box.box]:
                        boxes.remove(box)
                        settle(_done(box, time.monotonic() - started))
            finally:
                port.close()
        except Exception as error:
            # whatever a library raises here, the next attempt and the other boxes matter more
            for box in boxes:
                failures[box.box] = f"no answer ({error})"
        if time.monotonic() > give_up:
            break
        time.sleep(0.02)
    for box in boxes:
        sentence = f"{box.box} {failures[box.box]}: switch it off by hand"
        settle(Outcome(box=box.box, confirmed=False, message=sentence))


def _done(box: Instruction, took: float) -> Outcome:
    confirmed = f" confirmed {took * 1e3:.0f} ms" if box.query else ""
    return Outcome(box=box.box, confirmed=True, message=f"{box.box} {box.done}{confirmed}")


def _say_off(port: Port, box: Instruction) -> None:
    _address(port, box)
    if isinstance(port, _VisaPort):
        with suppress(Exception):
            port.clear()
    # the first end of line closes what the dead runner left half said
    end = box.write_termination
    port.write(f"{box.clear}{end}{box.off}{end}".encode("latin-1"))


def _ask(port: Port, box: Instruction) -> str:
    """Empty when the box says it is off, else what is wrong."""
    if not box.query:
        return "" if box.done != "OFF" else "OFF sent, cannot be confirmed"
    _address(port, box)
    port.write(f"{box.query}{box.write_termination}".encode("latin-1"))
    if _PROLOGIX.fullmatch(box.resource):
        port.write(b"++read eoi\n")
    reply = port.read(box.read_termination.encode("latin-1")).decode("latin-1").strip()
    return "" if _same(reply, box.expected) else f"answers {reply!r} where {box.expected!r} means off"


def _same(reply: str, expected: str) -> bool:
    """Equal as numbers where both are: boxes answer 0, +0 or 0.0."""
    try:
        return float(reply) == float(expected)
    except ValueError:
        return reply == expected


def _address(port: Port, box: Instruction) -> None:
    prologix = _PROLOGIX.fullmatch(box.resource)
    if prologix:
        port.write(f"++mode 1\n++auto 0\n++eoi 1\n++addr {prologix['address']}\n".encode())


class _TCPPort:
    def __init__(self, box: Instruction) -> None:
        place = _TCP.fullmatch(box.bus)
        assert place is not None
        self._socket = socket.create_connection((place["host"], int(place["port"])), REPLY_TIMEOUT)
        self._received = b""

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
    def __init__(self, box: Instruction) -> None:
        serial = import_module("serial")
        name = _SERIAL.fullmatch(box.bus)
        assert name is not None
        device = f"COM{name['name']}" if name["name"].isdigit() else name["name"]
        self._port = serial.serial_for_url(
            device, timeout=REPLY_TIMEOUT, write_timeout=REPLY_TIMEOUT, **box.serial
        )
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
    def __init__(self, box: Instruction) -> None:
        manager = import_module("pyvisa").ResourceManager(box.serial.get("library", ""))
        self._resource = manager.open_resource(box.bus, timeout=REPLY_TIMEOUT * 1e3)

    def clear(self) -> None:
        """Device clear: also a box in the middle of a long reading listens to it."""
        self._resource.clear()

    def write(self, data: bytes) -> None:
        self._resource.write_raw(data)

    def read(self, end: bytes) -> bytes:
        reply: bytes = self._resource.read_raw()
        return reply

    def close(self) -> None:
        self._resource.close()


def _opener(bus: str) -> Callable[[Instruction], Port]:
    """Who can open this bus; loads what it needs."""
    if _TCP.fullmatch(bus):
        return _TCPPort
    if _SERIAL.fullmatch(bus):
        import_module("serial")
        return _SerialPort
    if re.match(r"(GPIB|USB|TCPIP|VXI)\d*::", bus, re.IGNORECASE):
        import_module("pyvisa")
        return _VisaPort
    raise ValueError(f"resource {bus!r} is none that can be opened without its driver")
