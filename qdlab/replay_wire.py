"""Recorded instrument traffic, fed to the real drivers and procedures once more.

A run may keep every message to and from its boxes (``io/*.jsonl``). Here the boxes are played by that
log: what a driver sends is compared with what was sent then, what it receives is what was received then.
Everything above the transports is the real thing, so a defect seen in the lab can be stepped through at a
desk, and the first message that differs shows where today's code parts from the recording.

A session that was gone on with has one recording for each of its parts; each is followed with what the
session held when that part began. Where an operator, or a disk that was full, ended a part, the reins are
pulled at the same message.

Procedures that choose their points by what they measured (adaptive ones) follow the recording as long as
their code has not changed. Only the numbers that pair questions with answers (``*ESE n``) may differ: lines
count on from where they were before the recording began. Times read from the computer's clock are not
compared: only messages tell the time here.
"""

import re
import tempfile
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from instruments.bench import Bench, Station
from instruments.catalogue import DRIVERS, open_station
from instruments.errors import InstrumentError
from instruments.link import CONNECTION_LOST, DISTURBED, Exchanged, Link
from procedures import columns
from qdlab.campaign import run_campaign
from qdlab.config import BenchConfig, PlanConfig
from qdlab.control import Control
from qdlab.errors import ConfigError
from qdlab.events import JournalEntry
from qdlab.records import Session, SessionWriter, open_session
from qdlab.records.feed import box_identities
from qdlab.records.layout import SESSION_OPENED, SESSION_RESUMED, TRAFFIC_KEPT
from qdlab.records.session import session_end
from qdlab.traffic import FOLDER, read_traffic

_NUMBERED = re.compile(r"\*ESE (\d+)")
_IDENTITY = re.compile(r"(?P<maker>.+) (?P<model>\S+), serial (?P<serial>.+), firmware (?P<firmware>.+)")
_SKIPPED = re.compile(r"(\S+) skipped by the operator: ")
_NOT_TEXT = f"{DISTURBED}: received b"
ROUNDING = 1e-6
"""Times nearer to each other than this [s] are the same."""

_CLOCK_COLUMNS = (columns.ELAPSED,)


class WireDiverged(InstrumentError):
    """Today's code said something else than the recording, or more."""


@dataclass(frozen=True, kw_only=True)
class PartReplay:
    """How far the recording of one part of a session could be followed.

    file : the recording, as a path inside the session
    messages : that were the same
    divergence : the first that was not, in words; empty where there was none
    exhausted : the recording ended first, as that of a run that was killed does
    rows : measured again; recorded rows : of this part
    differing_rows : sequence numbers of recorded rows that came out with other values or flags
    end : how the campaign ended this time, and why
    """

    file: str
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


@dataclass(frozen=True, kw_only=True)
class WireReplay:
    """How far a session's recordings could be followed.

    parts : those that were recorded, in order
    unrecorded : parts of the session without a recording
    """

    parts: tuple[PartReplay, ...]
    unrecorded: int

    @property
    def is_identical(self) -> bool:
        return all(part.is_identical for part in self.parts)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """From the opening of a session, or its going on, to the next: its numbers, and where its traffic is."""

    first: int
    past: float
    journal: tuple[JournalEntry, ...]
    file: str

    def holds(self, sequence: int) -> bool:
        return self.first <= sequence < self.past

    @property
    def skipped(self) -> list[str]:
        """Keys of the steps that the operator passed over."""
        return [found[1] for entry in self.journal if (found := _SKIPPED.match(entry.text))]


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
        """Not before this time [s]; what rounding has added since is taken off again."""
        if time > self.now - ROUNDING:
            self.now = time


class Conversation:
    """What all transports of one replay share: the order of messages, the clock, and the first divergence.

    Parameters
    ----------
    log : of all boxes
    pull_at, pull : what is called once so many messages were the same
    """

    def __init__(
        self, log: Iterable[Exchanged], *, pull_at: int = -1, pull: Callable[[], None] = lambda: None
    ) -> None:
        self._sent = deque(one for one in log if one.direction == "out")
        self.clock = RecordedClock(self._sent[0].time if self._sent else 0.0)
        self.messages = 0
        self.divergence = ""
        self.exhausted = False
        self._pull_at, self._pull = pull_at, pull

    def compare(self, box: str, message: str) -> Exchanged:
        """The recorded message that this one is; raises WireDiverged where the next one is another."""
        if not self._sent:
            self.exhausted = True
            raise self._diverge(f"the recording ends before {message!r} was sent to {box}")
        recorded = self._sent.popleft()
        if recorded.box != box or _without_number(message) != _without_number(recorded.text):
            raise self._diverge(
                f"message {self.messages + 1}, at {recorded.time:.3f} s: sent {message!r} to {box} "
                f"where the recording has {recorded.text!r} to {recorded.box}"
            )
        self.messages += 1
        self.clock.reach(recorded.time)
        if self.messages == self._pull_at:
            self._pull()
        return recorded

    def _diverge(self, sentence: str) -> WireDiverged:
        self.divergence = sentence
        return WireDiverged(sentence)


class RecordedTransport:
    """One box, played by the log of what was said to it and what it said.

    Until `begin`, it answers who it is and nothing else: boxes are recognised before a recording starts.
    """

    def __init__(self, box: str, identity: str, log: Iterable[Exchanged], conversation: Conversation) -> None:
        self._box, self._identity = box, identity
        self._log = deque(
            one for one in log if one.box == box and (one.direction != "note" or _is_fault(one))
        )
        self._conversation = conversation
        self._begun = False
        self._answers: deque[str] = deque()
        self._number = ("", "")

    def begin(self) -> None:
        """From now on the log speaks."""
        self._begun = True

    def open(self) -> "RecordedTransport":
        """The line, opened as often as then; raises OSError where that failed then."""
        self._fail_as_recorded()
        return self

    def write(self, data: bytes) -> None:
        message = data.decode("ascii")
        if not self._begun:
            self._answers.append(_recognition(message, self._identity))
            return
        if self._conversation.divergence:
            return
        recorded = self._conversation.compare(self._box, message)
        while self._log.popleft() is not recorded:
            pass  # a reply that the driver gave up waiting for
        self._number = (_number(recorded.text), _number(message))
        self._fail_as_recorded()

    def read(self, timeout: float) -> bytes:
        if not self._begun and self._answers:
            return self._answers.popleft().encode()
        self._fail_as_recorded()
        if self._conversation.divergence or not self._log or self._log[0].direction == "out":
            self._conversation.clock.wait(timeout)
            raise TimeoutError
        reply = self._log.popleft()
        self._conversation.clock.reach(reply.time)
        if reply.direction == "note":
            return b"\xff"
        then, now = self._number
        text = reply.text
        if then and (text == then or text.endswith(f";{then}")):
            text = text.removesuffix(then) + now
        return text.encode()

    def clear(self) -> None:
        self._answers.clear()

    def close(self) -> None:
        """Nothing to let go of."""

    def _fail_as_recorded(self) -> None:
        """Raises OSError where the connection was lost at this place."""
        if self._conversation.divergence or not self._begun or not self._log:
            return
        if self._log[0].direction == "note" and self._log[0].text.startswith(CONNECTION_LOST):
            raise OSError(self._log.popleft().text)


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
    parts = _parts(session)
    recorded = [part for part in parts if part.file]
    if not recorded:
        raise ConfigError(
            f"{path}: its instrument traffic was not recorded; measure with --record-io to have it"
        )
    plan = _plan(session)
    replays = tuple(_replay_part(session, plan, part) for part in recorded)
    return WireReplay(parts=replays, unrecorded=len(parts) - len(recorded))


def _parts(session: Session) -> list[_Part]:
    begins = [
        entry.sequence
        for entry in session.journal
        if entry.level == "state" and entry.text in (SESSION_OPENED, SESSION_RESUMED)
    ]
    parts = []
    for first, past in zip(begins, [*begins[1:], float("inf")], strict=True):
        journal = tuple(entry for entry in session.journal if first <= entry.sequence < past)
        kept = [str(entry.details.get("file")) for entry in journal if entry.text == TRAFFIC_KEPT]
        file = next((name for name in kept if (session.path / FOLDER / Path(name).name).is_file()), "")
        parts.append(_Part(first=first, past=past, journal=journal, file=file))
    return parts


def _replay_part(session: Session, plan: PlanConfig, part: _Part) -> PartReplay:
    """One part as it was; where it was ended from outside, once more with that end at the same message."""
    log = read_traffic(session.path / FOLDER / Path(part.file).name)
    if not any(one.direction == "out" for one in log):
        return _nothing_said(part)
    found = _follow(session, plan, part, log)
    outside = {"stopped": Control.stop_after_point, "aborted": Control.abort, "failed": Control.abort}
    end = outside.get(session_end(part.journal))
    if found.divergence and not found.exhausted and end is not None:
        again = _follow(session, plan, part, log, pull_at=found.messages, end=end)
        if again.messages > found.messages:
            return again
    return found


def _nothing_said(part: _Part) -> PartReplay:
    """Of a part that ended before any box was spoken to."""
    return PartReplay(
        file=part.file,
        messages=0,
        divergence="",
        exhausted=True,
        rows=0,
        recorded_rows=0,
        differing_rows=(),
        end="interrupted",
        reason="the recording is empty",
    )


def _follow(
    session: Session,
    plan: PlanConfig,
    part: _Part,
    log: list[Exchanged],
    *,
    pull_at: int = -1,
    end: Callable[[Control], None] = Control.abort,
) -> PartReplay:
    control = Control()
    control.skip(part.skipped)
    conversation = Conversation(log, pull_at=pull_at, pull=lambda: end(control))
    transports: list[RecordedTransport] = []
    bench = _bench(session, log, conversation, transports)
    bench.identify()
    bench.on_slice = lambda: control.check() if bench.armed else None
    for transport in transports:
        transport.begin()
    # recognising the boxes took time that is not the recording's
    conversation.clock.now = log[0].time
    with tempfile.TemporaryDirectory(prefix="qdlab-replay-") as folder:
        document = {name: held for name, held in session.document.items() if name != "session"}
        writer = SessionWriter.create(Path(folder), name="replay", document=document, clock=bench.clock)
        earlier = _as_it_was(session, part)
        result = run_campaign(plan, bench, writer, control=control, resume_from=earlier)
        rows = _rows(open_session(writer.path))
    recorded = [row for row in _rows(session) if part.holds(row[0])]
    return PartReplay(
        file=part.file,
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


def _as_it_was(session: Session, part: _Part) -> Session | None:
    """What the session held when a part of it began; None at its very beginning."""
    journal = tuple(entry for entry in session.journal if entry.sequence < part.first)
    if not journal:
        return None
    return replace(
        session,
        journal=journal,
        runs=tuple(run for run in session.runs if run.sequence < part.first),
        telemetry=tuple(table for table in session.telemetry if table.sequence < part.first),
    )


def _plan(session: Session) -> PlanConfig:
    try:
        return PlanConfig.model_validate(session.document["plan"])
    except (KeyError, ValueError) as error:
        told = str(error).splitlines()[0]
        raise ConfigError(f"{session.path}: this qdlab cannot carry out its plan ({told})") from None


def _bench(
    session: Session, log: list[Exchanged], conversation: Conversation, transports: list[RecordedTransport]
) -> Bench:
    config = _bench_config(session)
    stations: dict[Any, Station] = {
        role: _station(session, role, identity, log, conversation, transports)
        for role, identity in box_identities(session.document).items()
    }
    if not stations:
        raise ConfigError(f"{session.path}: it does not say which boxes it was measured with")
    return Bench(
        name="replay",
        kind="simulation",
        clock=conversation.clock,
        stations=stations,
        envelope=config.limits.to_envelope(),
        heater_end=config.heater.to_end(),
        line_frequency=config.line_frequency,
        simulation=_NoOperator(),
    )


def _bench_config(session: Session) -> BenchConfig:
    """What the bench was set to; what an older session does not say is as usual."""
    told = session.document.get("bench", {})
    known = {key: told[key] for key in ("limits", "heater", "line_frequency") if key in told}
    try:
        return BenchConfig.model_validate({"name": "replay", "kind": "simulation", **known})
    except ValueError as error:
        told = str(error).splitlines()[0]
        raise ConfigError(f"{session.path}: this qdlab knows no bench such as its ({told})") from None


def _station(
    session: Session,
    role: str,
    identity: str,
    log: list[Exchanged],
    conversation: Conversation,
    transports: list[RecordedTransport],
) -> Station:
    match = _IDENTITY.fullmatch(str(identity))
    names = [
        name for name, driver in DRIVERS.items() if match is not None and match["model"] in driver.MODELS
    ]
    if match is None or not names:
        raise ConfigError(f"there is no driver for {identity!r}")
    box = DRIVERS[names[0]].MODELS[0]
    reply = ",".join(match.group("maker", "model", "serial", "firmware"))
    transport = RecordedTransport(box, reply, log, conversation)
    transports.append(transport)
    told = session.document["bench"]
    try:
        return open_station(
            names[0],
            link=Link(box, clock=conversation.clock),
            connect=transport.open,
            line_frequency=told.get("line_frequency", 50),
            driver_settings=told.get("settings", {}).get(role),
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{session.path}: this qdlab's driver of the {role} is not set so ({error})"
        ) from None


def _is_fault(one: Exchanged) -> bool:
    """Whether a note tells of what came instead of a reply: nothing any more, or what is no text."""
    return one.text.startswith((CONNECTION_LOST, _NOT_TEXT))


def _recognition(message: str, identity: str) -> str:
    """What a box answers while it is recognised: name, event status, that it is ready, the number given."""
    answers = {"*IDN?": identity, "*ESR?": "0", "*OPC?": "1", "*ESE?": _number(message)}
    return ";".join(answers[part] for part in message.split(";") if part in answers)


def _number(message: str) -> str:
    found = _NUMBERED.findall(message)
    return found[-1] if found else ""


def _without_number(message: str) -> str:
    return _NUMBERED.sub("*ESE #", message)


def _rows(session: Session) -> list[tuple[int, tuple[Any, ...]]]:
    """Number and content of every row: values to the last bit, and flags."""
    return [
        (
            row.sequence,
            (
                run.header.procedure,
                *(value.hex() for heading, value in row.values.items() if heading not in _CLOCK_COLUMNS),
                row.flags,
            ),
        )
        for run in session.runs
        for row in run.recorded_rows()
    ]
