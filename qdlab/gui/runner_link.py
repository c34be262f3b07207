"""The window's line to a bench's runner: attaches to it, starts one when asked, never blocks the window."""

import queue
import subprocess
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QThread, pyqtSignal

from qdlab.errors import QdlabError
from qdlab.launch import owner_name, start_runner
from qdlab.lock import is_held, read_lock
from qdlab.protocol import Client, CommandRefused, Message, RunnerGone

LOOK_MILLISECONDS = 500
LISTEN_SECONDS = 0.1


class RunnerLink(QThread):
    """Listens to the runner in a thread of its own; commands are queued to it.

    Parameters
    ----------
    bench : name of the bench, for its lock file
    source : what a new runner is started with: a bench file, or ``sim``
    runtime : where lock files are
    """

    attached = pyqtSignal(object)
    detached = pyqtSignal()
    progressed = pyqtSignal(object)
    ended = pyqtSignal(object)
    refused = pyqtSignal(str)

    def __init__(self, bench: str, source: str, runtime: Path) -> None:
        super().__init__()
        self._bench, self._source, self._runtime = bench, source, runtime
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._client: Client | None = None
        self._started: subprocess.Popen[bytes] | None = None  # lives on when the window closes

    def start_plan(self, plan: Path, output: Path, *, resume: bool = False) -> None:
        """Have a plan executed; a runner is started where there is none."""
        self._orders.put(lambda: self._start_plan(plan, output, resume))

    def command(self, word: str, **arguments: object) -> None:
        """Send ``stop``, ``abort``, ``pause``, ``go_on`` or ``answer``."""
        self._orders.put(lambda: self._command(word, **arguments))

    def stop(self) -> None:
        """Let go of the runner, which goes on, and end the thread."""
        self.requestInterruption()
        self.wait()

    def run(self) -> None:
        while not self.isInterruptionRequested():
            while not self._orders.empty():
                self._obey(self._orders.get())
            if self._client is None and not self._attach():
                self.msleep(LOOK_MILLISECONDS)
                continue
            self._listen()
        if self._client is not None:
            self._client.close()

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
        self.attached.emit(dict(self._client.hello.body))
        return True

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

    def _tell(self, message: Message) -> None:
        if message.kind == "progress":
            self.progressed.emit(dict(message.body))
        elif message.kind == "ended":
            self.ended.emit(dict(message.body))
        elif message.kind == "reply" and not message.body["ok"]:
            self.refused.emit(str(message.body["error"]))

    def _start_plan(self, plan: Path, output: Path, resume: bool) -> None:
        if self._client is None and not self._attach():
            _, self._started = start_runner(self._source, owner=owner_name("qdlab gui"))
            if not self._attach():
                raise RunnerGone(f"the runner of bench {self._bench!r} was started and does not answer")
        self._command("run", plan=str(plan.resolve()), output=str(output.resolve()), resume=resume)

    def _command(self, word: str, **arguments: object) -> None:
        if self._client is None:
            raise CommandRefused("nothing is running on this bench")
        self._client.send(word, **arguments)
