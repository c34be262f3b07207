"""Switch boxes off from plain data: a resource and the bytes that make the box safe. No driver needed.

Off is written to every box before any box is asked anything, and each bus has its own thread, so that one
dead box delays nobody. Only then the boxes are read back; who does not answer, or answers "on", is told
again until patience ends. Used by the guardian and by ``qdlab safe``.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from qdlab.ports import Port, opener

PAUSE = 0.02
SECOND_LOOK = 0.25
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


def prepare(instructions: Iterable[Instruction]) -> None:
    """Load what opening these resources needs, so that nothing is left to do when seconds count.

    Raises ValueError for a resource nobody here can open.
    """
    for instruction in instructions:
        opener(instruction.bus)


def switch_off(
    instructions: Iterable[Instruction],
    *,
    started: float | None = None,
    report: Callable[[Outcome], None] = lambda outcome: None,
    patience: float = 15.0,
) -> list[Outcome]:
    """Switch off every box named, all buses at once.

    Parameters
    ----------
    started : time.monotonic() when the reason arose, for the durations reported [s]
    report : takes the outcome of a box as soon as it is known, from the thread of its bus
    patience : how long a box that cannot be reached, is busy or stays on is tried again [s]

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
        threading.Thread(target=_silence, args=(list(boxes), started, patience, settle))
        for _, boxes in groupby(by_bus, key=lambda instruction: instruction.bus)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [outcomes[instruction.box] for instruction in wanted]


def _silence(
    boxes: list[Instruction], started: float, patience: float, settle: Callable[[Outcome], None]
) -> None:
    """Make the boxes of one bus safe, and once more a moment later.

    A box may take the last words of a dead runner, on their way over another connection, after our first off.
    """
    failures = _until_off(boxes, patience, lambda box: settle(_done(box, time.monotonic() - started)))
    confirmed = [box for box in boxes if box.box not in failures and box.query]
    if confirmed:
        time.sleep(SECOND_LOOK)
        failures |= _until_off(confirmed, patience, lambda box: None)
    for name, failure in failures.items():
        settle(Outcome(box=name, confirmed=False, message=f"{name} {failure}: switch it off by hand"))


def _until_off(
    boxes: list[Instruction], patience: float, confirm: Callable[[Instruction], None]
) -> dict[str, str]:
    """Say off and ask until every box has confirmed or patience ends; what is wrong, by box."""
    failures = {box.box: "no answer" for box in boxes}
    give_up = time.monotonic() + patience
    while failures:
        waiting = [box for box in boxes if box.box in failures]
        try:
            port = opener(boxes[0].bus)(boxes[0].bus, boxes[0].serial)
        except Exception as error:
            failures = {name: f"no answer ({error})" for name in failures}
        else:
            for box in waiting:
                failures[box.box] = _guarded(_say_off, port, box)
            for box in waiting:
                failures[box.box] = failures[box.box] or _guarded(_ask, port, box)
                if not failures[box.box]:
                    del failures[box.box]
                    confirm(box)
            _guarded(lambda port, box: port.close(), port, boxes[0])
        if time.monotonic() > give_up:
            break
        time.sleep(PAUSE)
    return failures


def _guarded(act: Callable[[Port, Instruction], str | None], port: Port, box: Instruction) -> str:
    """What is wrong in words, whatever a library raises: the other boxes and the next attempt matter more."""
    try:
        return act(port, box) or ""
    except Exception as error:
        return f"no answer ({error})"


def _done(box: Instruction, took: float) -> Outcome:
    confirmed = f" confirmed {took * 1e3:.0f} ms" if box.query else ""
    return Outcome(box=box.box, confirmed=True, message=f"{box.box} {box.done}{confirmed}")


def _say_off(port: Port, box: Instruction) -> None:
    _address(port, box)
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
