"""The window's line to a bench's runner: attaches to it, starts one when asked, never blocks the window."""

import queue
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QThread, pyqtSignal

from qdlab.errors import QdlabError
from qdlab.launch import owner_name, start_runner
from qdlab.lock import LockFacts, is_held, read_lock
from qdlab.protocol import Client, CommandRefused, Health, Message, RunnerGone, guardian_reports

LOOK_SECONDS = 0.5
LISTEN_SECONDS = 0.1
PROGRESS_SECONDS = 0.1
"""A simulated bench tells of its progress a thousand times a second, and nobody reads faster than this."""


class RunnerLink(QThread):
    """Listens to the runner in a thread of its own; commands are queued to it.

    Parameters
    ----------
    bench : name of the bench, for its lock file
    source : what a new runner is started with: a bench file, or ``sim``
    runtime : where lock files are

    Signals
    -------
    attached : its greeting; also once more whenever `attach` asked for it
    unreachable : no runner could be started, and why
    not_started : the plan asked for could not begin, and why
    guardian_said : the guardian acts; one sentence at a time
    """

    attached = pyqtSignal(object)
    detached = pyqtSignal()
    unreachable = pyqtSignal(str)
    changed = pyqtSignal(object)
    progressed = pyqtSignal(object)
    healthy = pyqtSignal(object)
    ended = pyqtSignal(object)
    not_started = pyqtSignal(str)
    refused = pyqtSignal(str)
    guardian_said = pyqtSignal(object)

    def __init__(self, bench: str, source: str, runtime: Path) -> None:
        super().__init__()
        self._bench, self._source, self._runtime = bench, source, runtime
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._client: Client | None = None
        self._run_number: int | None = None
        self._progress: dict[str, Any] | None = None
        self._progress_told = 0.0
        self._prompt: Any = None
        self._started: subprocess.Popen[bytes] | None = None  # lives on when the window closes

    def attach(self) -> None:
        """Have a runner greet us, one that is started now where there is none; nothing is energised."""
        self._orders.put(self._greet)

    def start_plan(
        self, plan: Path, output: Path, *, resume: bool = False, accepted: Sequence[str] = ()
    ) -> None:
        """Have a plan executed, whose session tells of the warnings accepted; starts a runner if need be."""
        self._orders.put(lambda: self._start_plan(plan, output, resume, accepted))

    def command(self, word: str, **arguments: object) -> None:
        """Send ``stop``, ``abort``, ``pause``, ``go_on``, ``skip``, ``note`` or ``answer``."""
        self._orders.put(lambda: self._command(word, **arguments))

    def stop(self) -> None:
        """Let go of the runner, which goes on, and end the thread."""
        self.requestInterruption()
        self._orders.put(lambda: None)
        self.wait()

    def run(self) -> None:
        while not self.isInterruptionRequested():
            while not self._orders.empty():
                self._obey(self._orders.get())
            if self._client is None and not self._attach():
                self._wait_for_order()
                continue
            self._listen()
        if self._client is not None:
            self._client.close()

    def _wait_for_order(self) -> None:
        with suppress(queue.Empty):
            self._obey(self._orders.get(timeout=LOOK_SECONDS))

    def _obey(self, order: Callable[[], None]) -> None:
        try:
            order()
        except (QdlabError, OSError) as problem:
            self.refused.emit(str(problem))

    def _attach(self) -> bool:
        owner = read_lock(self._bench, self._runtime)
        if owner is None or not is_held(self._bench, self._runtime):
            return False
        try:
            self._client = Client.attach(owner, name="window")
        except RunnerGone:
            return False
        threading.Thread(target=self._listen_to_guardian, args=(owner,), daemon=True).start()
        self.attached.emit(dict(self._client.hello.body))
        return True

    def _listen_to_guardian(self, owner: LockFacts) -> None:
        # without a guardian there is nothing to be heard; the health the runner tells says so
        with suppress(RunnerGone, RuntimeError):
            for report in guardian_reports(owner):
                self.guardian_said.emit(report)

    def _listen(self) -> None:
        assert self._client is not None
        try:
            message = self._client.receive(timeout=LISTEN_SECONDS)
        except RunnerGone:
            self._client.close()
            self._client = None
            self.detached.emit()
            return
        if message is not None:
            self._tell(message)
        self._tell_progress()

    def _tell_progress(self, *, now: bool = False) -> None:
        """The newest progress, in good time; a question to the operator at once."""
        if self._progress is None:
            return
        due = time.monotonic() >= self._progress_told + PROGRESS_SECONDS
        if now or due or self._progress.get("prompt") != self._prompt:
            progress, self._progress = self._progress, None
            self._progress_told, self._prompt = time.monotonic(), progress.get("prompt")
            self.progressed.emit(progress)

    def _tell(self, message: Message) -> None:
        body = dict(message.body)
        if message.kind != "event":
            # what follows in time is told after it
            self._tell_progress(now=message.kind != "progress")
        match message.kind:
            case "progress":
                self._progress = body
            case "state":
                self.changed.emit(body)
            case "health":
                self.healthy.emit(Health.of(body))
            case "ended":
                self.ended.emit(body)
            case "reply" if not body["ok"] and body["id"] == self._run_number:
                self.not_started.emit(str(body["error"]))
            case "reply" if not body["ok"]:
                self.refused.emit(str(body["error"]))

    def _greet(self) -> None:
        if self._client is not None:
            self.attached.emit(self._client.request("state"))
            return
        try:
            self._reach()
        except (QdlabError, OSError) as problem:
            self.unreachable.emit(str(problem))

    def _reach(self) -> Client:
        """A client of the runner, which is started where there is none."""
        if self._client is None and not self._attach():
            _, self._started = start_runner(self._source, owner=owner_name("qdlab gui"))
            if not self._attach():
                raise RunnerGone(f"the runner of bench {self._bench!r} was started and does not answer")
        assert self._client is not None
        return self._client

    def _start_plan(self, plan: Path, output: Path, resume: bool, accepted: Sequence[str]) -> None:
        try:
            self._run_number = self._reach().send(
                "run",
                plan=str(plan.resolve()),
                output=str(output.resolve()),
                resume=resume,
                accepted=list(accepted),
            )
        except (QdlabError, OSError) as problem:
            self.not_started.emit(str(problem))

    def _command(self, word: str, **arguments: object) -> None:
        if self._client is None:
            raise CommandRefused("nothing is running on this bench")
        self._client.send(word, **arguments)
