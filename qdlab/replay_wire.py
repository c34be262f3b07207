"""Recorded instrument traffic, fed to the real drivers and procedures once more.

A run may keep every message to and from its boxes (``io/*.jsonl``). Here the boxes are played by that
log: what a driver sends is compared with what was sent then, what it receives is what was received then.
Everything above the transports is the real thing, so a defect seen in the lab can be stepped through at a
desk, and the first message that differs shows where today's code parts from the recording.

Procedures that choose their points by what they measured (adaptive ones) follow the recording as long as
their code has not changed. Only the numbers that pair questions with answers (``*ESE n``) may differ:
lines count on from where they were before the recording began.
"""

import re
import tempfile
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from instruments.bench import Bench, Station
from instruments.catalogue import DRIVERS, open_station
from instruments.errors import InstrumentError
from instruments.link import Exchanged, Link
from qdlab.campaign import run_campaign
from qdlab.config import PlanConfig
from qdlab.errors import ConfigError, RecordError
from qdlab.records import Session, SessionWriter, open_session
from qdlab.records.run import read_portions
from qdlab.records.run_file import MAXIMUM_LINE, read_json

_NUMBERED = re.compile(r"\*ESE (\d+)")
_IDENTITY = re.compile(r"(?P<maker>.+) (?P<model>\S+), serial (?P<serial>.+), firmware (?P<firmware>.+)")


class WireDiverged(InstrumentError):
    """Today's code said something else than the recording, or more."""


@dataclass(frozen=True, kw_only=True)
class WireReplay:
    """How far a recording could be followed.

    messages : that were the same
    divergence : the first that was not, in words; empty where there was none
    exhausted : the recording ended first, as that of a run that was killed does
    rows : measured again; recorded rows : of the recording
    differing_rows : sequence numbers of recorded rows that came out with other values or flags
    end : how the campaign ended this time, and why
    """

    messages: int
    divergence: str
    exhausted: bool
    rows: int
    recorded_rows: int
    differing_rows: tuple[int, ...]
    end: str
    reason: str

    @property
    def is_identical(self) -> bool:
        """Whether every message and every row was the same, as far as the recording goes."""
        if self.differing_rows:
            return False
        if self.exhausted:
            return self.rows >= self.recorded_rows
        return not self.divergence and self.rows == self.recorded_rows


class RecordedClock:
    """The time of the recording: it goes on with every message, and with every wait in between."""

    def __init__(self, start: float) -> None:
        self.now = start

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> datetime:
        return datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=self.now)

    def wait(self, seconds: float) -> None:
        self.now += max(seconds, 0.0)

    def reach(self, time: float) -> None:
        """Not before this time [s]."""
        self.now = max(self.now, time)


class Conversation:
    """What all transports of one replay share: the clock, the count, and the first divergence."""

    def __init__(self, clock: RecordedClock) -> None:
        self.clock = clock
        self.messages = 0
        self.divergence = ""
        self.exhausted = False

    def diverge(self, sentence: str) -> WireDiverged:
        """Note the first divergence; gives the error to raise."""
        self.divergence = self.divergence or sentence
        return WireDiverged(self.divergence)


class RecordedTransport:
    """One box, played by the log of what was said to it and what it said.

    Until `begin`, it answers who it is and nothing else: boxes are recognised before a recording starts.
    """

    def __init__(self, identity: str, log: Iterable[Exchanged], conversation: Conversation) -> None:
        self._identity = identity
        self._log = deque(one for one in log if one.direction != "note")
        self._conversation = conversation
        self._begun = False
        self._answers: deque[str] = deque()
        self._number = ("", "")

    def begin(self) -> None:
        """From now on the log speaks."""
        self._begun = True

    def write(self, data: bytes) -> None:
        message = data.decode("ascii")
        if not self._begun:
            self._answers.append(_recognition(message, self._identity))
            return
        if self._conversation.divergence:
            return
        while self._log and self._log[0].direction == "in":
            self._log.popleft()  # a reply that the driver gave up waiting for
        if not self._log:
            self._conversation.exhausted = not self._conversation.divergence
            raise self._conversation.diverge(f"the recording ends before {message!r} was sent")
        recorded = self._log.popleft()
        if _without_number(message) != _without_number(recorded.text):
            place = f"message {self._conversation.messages + 1}, to {recorded.box} at {recorded.time:.3f} s"
            raise self._conversation.diverge(
                f"{place}: sent {message!r} where the recording has {recorded.text!r}"
            )
        self._conversation.messages += 1
        self._conversation.clock.reach(recorded.time)
        self._number = (_number(recorded.text), _number(message))

    def read(self, timeout: float) -> bytes:
        if not self._begun and self._answers:
            return self._answers.popleft().encode()
        if self._conversation.divergence or not self._log or self._log[0].direction == "out":
            self._conversation.clock.wait(timeout)
            raise TimeoutError
        reply = self._log.popleft()
        self._conversation.clock.reach(reply.time)
        then, now = self._number
        text = reply.text
        if then and (text == then or text.endswith(f";{then}")):
            text = text.removesuffix(then) + now
        return text.encode()

    def clear(self) -> None:
        self._answers.clear()

    def close(self) -> None:
        """Nothing to let go of."""


class _NoOperator:
    """The cables are where the recording says they were."""

    def mount(self, device: str, **connection: Any) -> None: ...


def replay_wire(path: Path) -> WireReplay:
    """Feed a session's recorded traffic to today's drivers and procedures; writes nothing into the session.

    Raises
    ------
    NotASession, RecordError : no session, or one that is damaged
    ConfigError : nothing was recorded, or with boxes or a plan that this qdlab does not know
    """
    session = open_session(path)
    log = read_wire_log(path)
    plan = _plan(session)
    conversation = Conversation(RecordedClock(log[0].time))
    transports: list[RecordedTransport] = []
    bench = _bench(session, log, conversation, transports)
    bench.identify()
    for transport in transports:
        transport.begin()
    with tempfile.TemporaryDirectory(prefix="qdlab-replay-") as folder:
        document = {name: part for name, part in session.document.items() if name != "session"}
        writer = SessionWriter.create(Path(folder), name="replay", document=document, clock=bench.clock)
        result = run_campaign(plan, bench, writer)
        again = open_session(writer.path)
    rows, recorded = _rows(again), _rows(session)
    return WireReplay(
        messages=conversation.messages,
        divergence=conversation.divergence,
        exhausted=conversation.exhausted,
        rows=len(rows),
        recorded_rows=len(recorded),
        differing_rows=tuple(
            sequence for (sequence, content), (_, new) in zip(recorded, rows, strict=False) if content != new
        ),
        end=result.end,
        reason=result.reason,
    )


def read_wire_log(path: Path) -> list[Exchanged]:
    """The first recording of a session's traffic, in order; a last line torn by a crash is left out.

    Raises ConfigError where there is none, RecordError where a line is none.
    """
    files = sorted((path / "io").glob("*.jsonl"))
    if not files:
        raise ConfigError(
            f"{path}: its instrument traffic was not recorded; measure with --record-io to have it"
        )
    log: list[Exchanged] = []
    rest = b""
    for data in read_portions(files[0]):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            log.append(_exchanged(line, f"{files[0]}: line {len(log) + 1}"))
        if len(rest) > 16 * MAXIMUM_LINE:
            raise RecordError(f"{files[0]}: line {len(log) + 1} is too long")
    if not log:
        raise ConfigError(f"{files[0]}: empty; no box was spoken to")
    return log


def _exchanged(line: bytes, where: str) -> Exchanged:
    try:
        facts = read_json(line)
        time, box, direction, text = (facts[name] for name in ("time", "box", "direction", "text"))
        if direction not in ("in", "out", "note") or not isinstance(box, str) or not isinstance(text, str):
            raise ValueError(direction)
        return Exchanged(time=float(time), box=box, direction=direction, text=text)
    except (ValueError, KeyError, TypeError):
        raise RecordError(f"{where} is no message") from None


def _plan(session: Session) -> PlanConfig:
    try:
        return PlanConfig.model_validate(session.document["plan"])
    except (KeyError, ValueError) as error:
        told = str(error).splitlines()[0]
        raise ConfigError(f"{session.path}: this qdlab cannot carry out its plan ({told})") from None


def _bench(
    session: Session, log: list[Exchanged], conversation: Conversation, transports: list[RecordedTransport]
) -> Bench:
    told = session.document.get("bench", {})
    stations = {
        role: _station(identity, log, conversation, transports)
        for role, identity in told.get("identities", {}).items()
    }
    if not stations:
        raise ConfigError(f"{session.path}: it does not say which boxes it was measured with")
    return Bench(
        name=str(told.get("name", "replay")),
        kind="simulation",
        clock=conversation.clock,
        stations=stations,
        simulation=_NoOperator(),
    )


def _station(
    identity: str, log: list[Exchanged], conversation: Conversation, transports: list[RecordedTransport]
) -> Station:
    match = _IDENTITY.fullmatch(str(identity))
    names = [
        name for name, driver in DRIVERS.items() if match is not None and match["model"] in driver.MODELS
    ]
    if match is None or not names:
        raise ConfigError(f"there is no driver for {identity!r}")
    box = DRIVERS[names[0]].MODELS[0]
    reply = ",".join(match.group("maker", "model", "serial", "firmware"))
    transport = RecordedTransport(reply, [one for one in log if one.box == box], conversation)
    transports.append(transport)
    return open_station(names[0], link=Link(box, clock=conversation.clock), connect=lambda: transport)


def _recognition(message: str, identity: str) -> str:
    """What a box answers while it is recognised: its name, its event status, the number it was given."""
    answers = {"*IDN?": identity, "*ESR?": "0", "*ESE?": _number(message)}
    return ";".join(answers[part] for part in message.split(";") if part in answers)


def _number(message: str) -> str:
    found = _NUMBERED.findall(message)
    return found[-1] if found else ""


def _without_number(message: str) -> str:
    return _NUMBERED.sub("*ESE #", message)


def _rows(session: Session) -> list[tuple[int, tuple[Any, ...]]]:
    """Number and content of every row: values to the last bit, and flags."""
    return [
        (row.sequence, (run.header.procedure, *(value.hex() for value in row.values.values()), row.flags))
        for run in session.runs
        for row in run.recorded_rows()
    ]
