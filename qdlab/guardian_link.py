"""The runner's end of its guardian: start it, arm it, tell it how long to wait, notice its death."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from instruments.errors import NotArmedError
from qdlab.off import Instruction

START_PATIENCE = 25.0
ANSWER_PATIENCE = 5.0
LONGEST_SILENCE = 2.0
"""A guardian ticks ten times a second; after this long [s] without a tick it cannot be relied on."""
SHORTEST = 2.0
"""Between two beats a busy computer may keep the measuring loop waiting this long [s].

With 1 s, one of a hundred runs was killed for nothing on a computer with five times more to do than it could.
"""
COALESCED = 0.02


def detached() -> dict[str, Any]:
    """Arguments of `subprocess.Popen` for a process that Ctrl-C and a closing terminal do not reach."""
    if os.name == "nt":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW  # type: ignore[attr-defined,unused-ignore]
        return {"creationflags": flags}
    return {"start_new_session": True}


class GuardianLink:
    """A guardian that stands by.

    Parameters
    ----------
    token : for clients' emergency messages
    report : file the guardian writes what it did to
    lock : file the guardian holds; one guardian per bench
    on_lost : called once, from another thread, with a sentence, when the guardian is no longer there
    """

    def __init__(self, *, token: str, report: Path, lock: Path, on_lost: Callable[[str], None]) -> None:
        self._on_lost = on_lost
        self._heard: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._writing = threading.Lock()
        self._armed = self._closing = False
        self._lost: str | None = None
        self._announced = 0.0
        self._last_tick = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "qdlab.guardian"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            **detached(),
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._pipe, self._answering = self._process.stdin, self._process.stdout
        threading.Thread(target=self._hear, daemon=True).start()
        self._send({"token": token, "runner": os.getpid(), "report": str(report), "lock": str(lock)})
        try:
            ready = self._heard.get(timeout=START_PATIENCE)
        except queue.Empty:
            ready = None
        if ready is None:
            self._process.kill()
            raise NotArmedError("the guardian did not start; the application's log says why")
        self.port: int = ready["port"]
        self.pid: int = ready["pid"]
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def stands_by(self) -> bool:
        """Whether it is there and armed: an arming token is valid for as long."""
        return self._armed and self._lost is None

    @property
    def silence(self) -> float:
        """Time since its last sign of life [s]."""
        return time.monotonic() - self._last_tick

    def arm(self, instructions: Sequence[Instruction], *, watch: bool, session: str = "") -> None:
        """Hand over what to switch off; returns once the guardian has understood it.

        Parameters
        ----------
        watch : whether silence means trouble (never for boxes inside this process: their time is simulated)
        session : folder whose journal is to tell what the guardian did

        Raises NotArmedError where the guardian is not there, or does not know how to reach a box.
        """
        self._instruct(instructions, armed=True, watch=watch, session=session)
        self._armed = True

    def disarm(self, instructions: Sequence[Instruction] = ()) -> None:
        """Everything is off and stays off; the guardian still takes emergency messages."""
        self._armed = False
        with suppress(NotArmedError):
            self._instruct(instructions, armed=False, watch=False)

    def announce(self, seconds: float) -> None:
        """The measuring loop is alive, and will say so again within this time [s] (at least `SHORTEST`)."""
        seconds = max(seconds, SHORTEST)
        due = time.monotonic() + seconds
        if self._armed and abs(due - self._announced) > COALESCED:
            self._announced = due
            self._send({"due": seconds})

    def close(self) -> None:
        """Let it end; it does nothing unless it is armed."""
        self._closing = True
        with suppress(OSError):
            self._pipe.close()
        self._watcher.join()
        self._process.wait()

    def _instruct(
        self, instructions: Sequence[Instruction], *, armed: bool, watch: bool, session: str = ""
    ) -> None:
        if self._lost is not None:
            raise NotArmedError(f"{self._lost}: nothing can be armed without it")
        documents = [asdict(instruction) for instruction in instructions]
        state = {"armed": armed, "watch": watch, "session": session, "due": SHORTEST}
        # an answer that came too late belongs to no question
        self._answers = queue.Queue()
        self._send({"instructions": documents, **state})
        try:
            answer = self._answers.get(timeout=ANSWER_PATIENCE)
        except queue.Empty:
            answer = {"refused": "the guardian does not answer"}
        if "refused" in answer:
            raise NotArmedError(answer["refused"])

    def _send(self, message: dict[str, Any]) -> None:
        with self._writing, suppress(OSError):
            self._pipe.write(json.dumps(message).encode() + b"\n")
            self._pipe.flush()

    def _hear(self) -> None:
        with self._answering:
            for line in self._answering:
                self._heard.put(json.loads(line))
        self._heard.put(None)

    def _watch(self) -> None:
        while True:
            try:
                message = self._heard.get(timeout=LONGEST_SILENCE)
            except queue.Empty:
                self._lose("the guardian fell silent")
                self._process.kill()
                return
            if message is None:
                self._lose("the guardian ended")
                return
            if "tick" in message:
                self._last_tick = time.monotonic()
            else:
                self._answers.put(message)

    def _lose(self, sentence: str) -> None:
        self._lost = sentence
        # whoever waits for an answer need not wait longer
        self._answers.put({"refused": sentence})
        if not self._closing:
            self._on_lost(sentence)
