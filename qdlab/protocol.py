"""What runner and clients say to each other: lines of JSON over 127.0.0.1, opened with the lock file's token.

A client's first line is ``{"token": ..., "client": name}``. The runner greets with a `hello`, then sends
whatever happens; a client may at any time send ``{"id": n, "command": ..., "arguments": {...}}`` and gets a
`reply` with that number. The run files are the record and anyone may follow them; these messages are for
watching, and rows that a slow client cannot take are left out and counted, because the measuring loop waits
for nobody.
"""

import hmac
import json
import math
import queue
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from qdlab.errors import QdlabError
from qdlab.events import Event, JournalEntry, RowRecorded, RunEnded, RunStarted, TelemetryRecorded
from qdlab.lock import LockFacts

MessageKind = Literal["hello", "reply", "event", "progress", "prompt", "state", "health", "lagging", "ended"]
"""
hello : what is going on: bench, kind, owner, state, session, prompt, boxes, health, and the latest progress
reply : to one command: id, ok, result or error
event : something is on the disk (see `event_of`)
progress : where the plan is: step, share, remaining time, state in words
prompt : the operator is asked to do something; an `answer` command ends it
state : the runner's own state changed: idle, running, stopping, guardian lost
health : once a second, what keeps a run safe: see `Health`
lagging : this many rows were left out for this client
ended : a plan is over: end, reason, session, off_reports
"""

GREETING_PATIENCE = 5.0
GUARDIAN_PATIENCE = 20.0
FIRST_WORD = 2.0
_LONGEST_LINE = 1_000_000
_QUEUED = 2000
_EVENTS: dict[str, type[Event]] = {
    each.__name__: each for each in (RunStarted, RowRecorded, RunEnded, JournalEntry, TelemetryRecorded)
}


class RunnerGone(QdlabError):
    """The runner ended, or does not answer."""


class CommandRefused(QdlabError):
    """The runner could not do what a client asked for; its sentence says why."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """What keeps a run safe, as the runner tells it once a second.

    Parameters
    ----------
    guardian : time since its last sign of life [s]
    armed : outputs may be switched on now
    awake : the computer was asked not to sleep; None while no plan runs
    free : room on the disk of the session [byte]; None while no plan runs
    envelope : limit -> value in force, SI
    """

    guardian: float
    armed: bool
    awake: bool | None
    free: float | None
    envelope: Mapping[str, float]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Health":
        """From the body of a `health` message; what is not known here is left out."""
        return cls(**{item.name: body[item.name] for item in fields(cls)})


@dataclass(frozen=True, kw_only=True)
class Message:
    """One line from the runner."""

    kind: MessageKind
    body: Mapping[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        return json.dumps({"kind": self.kind, **_without_nan(self.body)}).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> "Message":
        """Raises ValueError for what no runner sends."""
        document = json.loads(line)
        if not isinstance(document, dict) or document.get("kind") not in get_args(MessageKind):
            raise ValueError(f"{line[:80]!r} is no message of a runner")
        kind = document.pop("kind")
        return cls(kind=kind, body=document)


def event_message(event: Event) -> Message:
    """An event of `qdlab.events` as a message."""
    body = asdict(event)
    if "flags" in body:
        body["flags"] = sorted(body["flags"])
    return Message(kind="event", body={"event": type(event).__name__, **body})


def event_of(message: Message) -> Event:
    """The event in an `event` message."""
    body = dict(message.body)
    kind = _EVENTS[body.pop("event")]
    if "flags" in body:
        body["flags"] = frozenset(body["flags"])
    if "columns" in body:
        body["columns"] = tuple(body["columns"])
    if kind in (RowRecorded, TelemetryRecorded):
        body["values"] = {
            name: math.nan if number is None else number for name, number in body["values"].items()
        }
    known = {item.name for item in fields(kind)}
    return kind(**{name: value for name, value in body.items() if name in known})


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: what is not a finite number travels as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_nan(item) for item in value]
    return value


class Client:
    """Attached to a runner; closing it changes nothing for the run.

    Examples
    --------
    ::

        client = Client.attach(read_lock("sim", runtime_directory()), name="window")
        client.send("stop")
        while (message := client.receive(timeout=1.0)) is not None: ...
    """

    def __init__(self, connection: socket.socket, *, token: str, name: str) -> None:
        self._connection = connection
        self._numbers = iter(range(1, 1 << 60))
        self._received = b""
        self._put_aside: deque[Message] = deque()
        self._sending = threading.Lock()
        self._write({"token": token, "client": name})
        hello = self._read(GREETING_PATIENCE)
        if hello is None or hello.kind != "hello":
            raise RunnerGone("the runner does not answer; 'qdlab safe' switches everything off without it")
        self.hello = hello

    @classmethod
    def attach(cls, lock: LockFacts, *, name: str = "client") -> "Client":
        """Attach to the runner a lock file names; raises `RunnerGone` where there is none."""
        try:
            connection = socket.create_connection(("127.0.0.1", lock.port), GREETING_PATIENCE)
        except OSError as error:
            raise RunnerGone(
                f"no runner answers for bench {lock.bench!r}: {error.strerror or error}"
            ) from error
        try:
            return cls(connection, token=lock.token, name=name)
        except BaseException:
            connection.close()
            raise

    def send(self, command: str, **arguments: Any) -> int:
        """Send a command; its `reply` will carry the number returned."""
        number = next(self._numbers)
        self._write({"id": number, "command": command, "arguments": arguments})
        return number

    def request(self, command: str, *, timeout: float = 30.0, **arguments: Any) -> Any:
        """Send a command and wait for its result; other messages that arrive meanwhile are received later."""
        number = self.send(command, **arguments)
        while True:
            message = self._read(timeout)
            if message is None:
                raise RunnerGone(f"the runner did not answer to {command!r} within {timeout:g} s")
            if message.kind == "reply" and message.body["id"] == number:
                if not message.body["ok"]:
                    raise CommandRefused(message.body["error"])
                return message.body["result"]
            self._put_aside.append(message)

    def receive(self, timeout: float | None = None) -> Message | None:
        """The next message, None after `timeout` seconds; raises `RunnerGone` when the connection ends."""
        return self._put_aside.popleft() if self._put_aside else self._read(timeout)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _write(self, document: Mapping[str, Any]) -> None:
        try:
            with self._sending:
                self._connection.sendall(json.dumps(document).encode() + b"\n")
        except OSError as error:
            raise RunnerGone("the runner is gone") from error

    def _read(self, timeout: float | None) -> Message | None:
        self._connection.settimeout(timeout)
        while b"\n" not in self._received:
            try:
                chunk = self._connection.recv(65536)
            except TimeoutError:
                return None
            except OSError as error:
                raise RunnerGone("the runner is gone") from error
            if not chunk:
                raise RunnerGone("the runner is gone")
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return Message.decode(line)


@dataclass(frozen=True, kw_only=True)
class GuardianReport:
    """One sentence of the guardian; `alarm` where a person must look: a box is on, or nobody knows."""

    text: str
    alarm: bool = False


def emergency_off(lock: LockFacts, *, who: str) -> Iterator[GuardianReport]:
    """Tell the guardian to kill the runner and switch everything off; yields what it reports, line by line.

    Reaches the guardian also when the runner hangs. Raises `RunnerGone` where no guardian answers.
    """
    yield from _listen_to_guardian(lock, {"token": lock.token, "emergency": who}, GUARDIAN_PATIENCE)


def guardian_reports(lock: LockFacts) -> Iterator[GuardianReport]:
    """What the guardian does, should it ever have to; ends when it is done, or when the runner ends well."""
    yield from _listen_to_guardian(lock, {"token": lock.token}, None)


def _listen_to_guardian(
    lock: LockFacts, first: Mapping[str, str], timeout: float | None
) -> Iterator[GuardianReport]:
    try:
        with socket.create_connection(("127.0.0.1", lock.guardian_port), GREETING_PATIENCE) as connection:
            connection.sendall(json.dumps(first).encode() + b"\n")
            # its first word comes at once, or never; later ones wait for boxes
            connection.settimeout(timeout and FIRST_WORD)
            with connection.makefile("rb") as lines:
                for line in lines:
                    connection.settimeout(timeout)
                    document = json.loads(line)
                    if document.get("done"):
                        return
                    yield GuardianReport(text=document["text"], alarm=bool(document.get("alarm")))
    except (OSError, ValueError) as error:
        raise RunnerGone(f"the guardian of bench {lock.bench!r} does not answer: {error}") from error
    if "emergency" in first:
        raise RunnerGone(f"the guardian of bench {lock.bench!r} ended before it was done")


class Server:
    """The runner's side: takes clients, hands their commands on, and sends to all without ever waiting.

    Parameters
    ----------
    token : a client must know it
    greet : body of the `hello` for a new client
    handle : does a command with its arguments and returns a JSON-able result; a QdlabError becomes the error
        of the reply. Called on the client's own thread.
    """

    def __init__(
        self,
        *,
        token: str,
        greet: Callable[[], Mapping[str, Any]],
        handle: Callable[[str, Mapping[str, Any]], Any],
    ) -> None:
        self._token, self._greet, self._handle = token, greet, handle
        self._clients: list[_ServedClient] = []
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def publish(self, message: Message) -> None:
        """Send to every client; returns at once, whatever the clients do."""
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.post(message)

    @property
    def clients(self) -> int:
        """How many are attached."""
        with self._lock:
            return len(self._clients)

    def close(self) -> None:
        """Send what is waiting, for a moment, then close every connection."""
        self._socket.close()
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.finish()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines, suppress(OSError, ValueError):
            connection.settimeout(GREETING_PATIENCE)
            first = json.loads(lines.readline(_LONGEST_LINE))
            if not isinstance(first, dict) or not hmac.compare_digest(str(first.get("token")), self._token):
                return
            connection.settimeout(None)
            client = _ServedClient(connection)
            # greeted before it joins, under the lock: nothing is sent twice or missed in between
            with self._lock:
                client.post(Message(kind="hello", body=self._greet()))
                self._clients.append(client)
            try:
                while line := lines.readline(_LONGEST_LINE):
                    client.post(self._reply(json.loads(line)))
            finally:
                with self._lock:
                    self._clients.remove(client)
                client.finish()

    def _reply(self, document: Mapping[str, Any]) -> Message:
        number = document.get("id")
        try:
            result = self._handle(str(document["command"]), document.get("arguments") or {})
            return Message(kind="reply", body={"id": number, "ok": True, "result": result})
        except Exception as error:
            # a client's mistake or ours: it is told, and the runner goes on
            return Message(kind="reply", body={"id": number, "ok": False, "error": str(error)})


class _ServedClient:
    """One client's queue and the thread that empties it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._queue: queue.Queue[Message | None] = queue.Queue(_QUEUED)
        self._left_out = 0
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        self._thread.start()

    def post(self, message: Message) -> None:
        waiting = self._queue.qsize()
        if self._left_out and waiting < _QUEUED // 2:
            left_out, self._left_out = self._left_out, 0
            self._queue.put_nowait(Message(kind="lagging", body={"left_out": left_out}))
        # the last quarter of the queue is kept for what is said once
        if waiting > _QUEUED * 3 // 4 and message.kind in ("event", "progress"):
            self._left_out += 1
            return
        with suppress(queue.Full):
            self._queue.put_nowait(message)

    def finish(self) -> None:
        with suppress(queue.Full):
            self._queue.put_nowait(None)
        self._thread.join(timeout=1.0)
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _send_all(self) -> None:
        with suppress(OSError):
            while (message := self._queue.get()) is not None:
                self._connection.sendall(message.encode())
