"""The guardian: a small process that switches everything off when the runner dies, hangs, or someone says so.

It knows no driver. At arming it is handed, as data, where each box is and which bytes switch it off. The
measuring loop says how long its next silence may last; the end of the pipe is the runner's death, a longer
silence its hanging, and a client may say "off" on the guardian's own port. Then the guardian kills the
runner, which frees the ports, clears each box, sends off to all of them, asks each whether it is off, and
reports.

Lines of JSON, from the runner on standard input::

    {"token": ..., "runner": pid, "report": FILE, "lock": FILE}              first
    {"instructions": [...], "armed": bool, "watch": bool, "due": seconds, "session": FOLDER}
    {"due": seconds}                                                         a beat

to the runner on standard output: ``{"port": n, "pid": n}``, then ``{"accepted": true}`` or ``{"refused":
sentence}`` for each list of instructions, and ``{"tick": true}`` ten times a second.
"""

import hmac
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from qdlab.lock import HeldFile
from qdlab.off import Instruction, Outcome, prepare, switch_off

GRACE = 0.3
"""Added to every announced silence [s], for a busy computer."""
OVERSLEPT = 0.2
"""A guardian that wakes this much too late [s] was kept waiting itself, and so was whoever it waits for."""
TICK = 0.1
PATIENCE_WITH_A_PREDECESSOR = 20.0
_PATIENCE_WITH_THE_DYING = 1.0
_DEATH: dict[str, Any] = {"death": True}


class Guardian:
    """What the guardian knows and does; everything it hears arrives in one queue."""

    def __init__(
        self, *, token: str, runner: int, report: Path, say: Callable[[dict[str, Any]], None]
    ) -> None:
        self.inbox: queue.Queue[dict[str, Any]] = queue.Queue()
        self.listeners: list[socket.socket] = []
        self._token, self._runner, self._report, self._say = token, runner, report, say
        self._instructions: list[Instruction] = []
        self._armed = self._watch = False
        self._session = ""
        self._due = 0.0
        self._told: list[dict[str, Any]] = []
        self._telling = threading.Lock()

    def stand_by(self) -> None:
        """Listen until the runner ends well, or make everything safe."""
        while True:
            message = self._next_message()
            if message is _DEATH and not self._armed:
                return
            cause = self._cause(message)
            if cause is not None:
                self._act(cause)
                return

    def _next_message(self) -> dict[str, Any] | None:
        """The next thing heard; None for a silence longer than announced."""
        if not (self._armed and self._watch):
            return self.inbox.get()
        heard = self._hear_until(self._due)
        if heard is None and time.monotonic() > self._due + OVERSLEPT:
            return self._hear_until(time.monotonic() + GRACE)
        return heard

    def _hear_until(self, due: float) -> dict[str, Any] | None:
        with suppress(queue.Empty):
            return self.inbox.get(timeout=max(0.0, due - time.monotonic()))
        # what was already sent may still be on its way through the reading thread
        with suppress(queue.Empty):
            return self.inbox.get(timeout=0.05)
        return None

    def _cause(self, message: dict[str, Any] | None) -> str | None:
        """Why everything must be switched off now; None while all is well."""
        if message is None:
            return "the runner fell silent"
        if message is _DEATH:
            return "the runner died"
        if "emergency" in message:
            return f"emergency off by {message['emergency']}"
        if "instructions" in message:
            self._take(message)
        self._due = time.monotonic() + float(message.get("due", 0.0)) + GRACE
        return None

    def _take(self, message: dict[str, Any]) -> None:
        try:
            instructions = [Instruction(**document) for document in message["instructions"]]
            prepare(instructions)
        except Exception as error:
            self._say({"refused": f"the guardian cannot reach what it should switch off: {error}"})
            return
        self._instructions = instructions
        self._armed, self._watch = bool(message["armed"]), bool(message["watch"])
        self._session = str(message["session"])
        self._say({"accepted": True})

    def _act(self, cause: str) -> None:
        started = time.monotonic()
        self._tell(f"{cause}: switching everything off")
        self._end_runner()
        outcomes = switch_off(self._instructions, started=started, report=self._report_box)
        self._tell("done", done=True, confirmed=all(outcome.confirmed for outcome in outcomes))

    def _report_box(self, outcome: Outcome) -> None:
        self._tell(outcome.message, box=outcome.box, alarm=not outcome.confirmed)

    def _end_runner(self) -> None:
        """Kill the runner and wait until its ports are free; a number that is not our parent's is spared."""
        if os.name == "nt" or os.getppid() == self._runner:
            with suppress(OSError):
                os.kill(self._runner, getattr(signal, "SIGKILL", signal.SIGTERM))
        give_up = time.monotonic() + _PATIENCE_WITH_THE_DYING
        while os.name != "nt" and os.getppid() == self._runner and time.monotonic() < give_up:
            time.sleep(0.0005)

    def write_report(self) -> None:
        """What was done, into a file; only now, because a disk may hang as well."""
        if self._told:
            with suppress(OSError), self._report.open("a", encoding="utf-8", newline="\n") as file:
                file.writelines(json.dumps(line) + "\n" for line in self._told)

    def write_journal(self) -> None:
        """Leave word in the dead runner's journal, by a process that may load what it needs."""
        if self._session and self._told:
            command = [sys.executable, "-P", "-m", "qdlab.aftermath", self._session]
            words = "\n".join(line["text"] for line in self._told[:-1]).encode()
            with suppress(OSError, subprocess.SubprocessError):
                subprocess.run(command, input=words, stdout=subprocess.DEVNULL, timeout=30.0)

    def _tell(self, text: str, **facts: Any) -> None:
        """A line for every client that listens, and for the report."""
        utc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = {"utc": utc, "text": text, **facts}
        with self._telling:
            self._told.append(line)
            for listener in self.listeners:
                with suppress(OSError):
                    listener.sendall(json.dumps(line).encode() + b"\n")

    def serve(self, server: socket.socket) -> None:
        """Take clients: a first line ``{"token": ..., "emergency": who}``, or the token alone to listen."""
        while True:
            client, _ = server.accept()
            threading.Thread(target=self._greet, args=(client,), daemon=True).start()

    def _greet(self, client: socket.socket) -> None:
        client.settimeout(2.0)
        try:
            message = json.loads(client.makefile("rb").readline(4096))
            if not hmac.compare_digest(str(message["token"]), self._token):
                raise ValueError("wrong token")
        except (OSError, ValueError, KeyError, TypeError):
            client.close()
            return
        client.settimeout(0.2)
        self.listeners.append(client)
        if "emergency" in message:
            self.inbox.put({"emergency": str(message["emergency"])})


def main() -> NoReturn:
    """Guard the process at the other end of standard input; ends with it."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            # whoever ends the runner's group must not end its guardian first
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    speaking = threading.Lock()

    def say(message: dict[str, Any]) -> None:
        with speaking, suppress(OSError):
            os.write(1, json.dumps(message).encode() + b"\n")

    first = json.loads(sys.stdin.buffer.readline())
    # a predecessor may still be switching this very bench off
    alone = HeldFile(Path(first["lock"]))
    if not alone.hold(PATIENCE_WITH_A_PREDECESSOR):
        sys.exit(1)
    guardian = Guardian(token=first["token"], runner=first["runner"], report=Path(first["report"]), say=say)
    server = socket.create_server(("127.0.0.1", 0))
    for work in (lambda: guardian.serve(server), lambda: _hear(guardian.inbox), lambda: _tick(say)):
        threading.Thread(target=work, daemon=True).start()
    say({"port": server.getsockname()[1], "pid": os.getpid()})
    guardian.stand_by()
    guardian.write_report()
    for listener in guardian.listeners:
        listener.close()
    alone.release()
    guardian.write_journal()
    os._exit(0)


def _hear(inbox: "queue.Queue[dict[str, Any]]") -> None:
    for line in sys.stdin.buffer:
        # the last line of a runner that was killed may be torn
        with suppress(ValueError):
            inbox.put(json.loads(line))
    inbox.put(_DEATH)


def _tick(say: Callable[[dict[str, Any]], None]) -> None:
    while True:
        time.sleep(TICK)
        say({"tick": True})


if __name__ == "__main__":
    main()
