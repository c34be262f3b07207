"""Long work in a process of its own: the window's interpreter has nothing of it, and it can be given up."""

import multiprocessing
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from qdlab.errors import QdlabError


class WorkFailed(QdlabError):
    """What a function in another process died of, in its own words."""


class GivenUp(QdlabError):
    """Nobody wants the result any longer."""


class Helper:
    """A process that does one thing after another; `end` ends it in the middle of one."""

    def __init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._line, theirs = spawn.Pipe()
        self._ended = False
        self._process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, function: Callable[..., Any], *arguments: object) -> None:
        """Have a function of a module done; `get` has what it gives."""
        # a process that still starts reads nothing, and what is sent to it may be larger than the line
        threading.Thread(target=self._send, args=(function, arguments), daemon=True).start()

    def _send(self, function: Callable[..., Any], arguments: tuple[object, ...]) -> None:
        with suppress(OSError):  # it ended meanwhile, which `get` says
            self._line.send((function, arguments))

    def ready(self) -> bool:
        """Whether `get` does not wait."""
        return self._line.poll()

    def get(self) -> Any:
        """What the function gave; waits for it.

        Raises
        ------
        WorkFailed : it raised, or its process died
        GivenUp : somebody ended it
        """
        try:
            done, found = self._line.recv()
        except (EOFError, OSError):
            self._process.join()
            if self._ended:
                raise GivenUp("given up") from None
            raise WorkFailed(
                f"the process that did it died ({self._process.exitcode}); memory may be short"
            ) from None
        if not done:
            raise WorkFailed(found)
        return found

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def end(self) -> None:
        """Give up what it is at, and wait until it is gone."""
        self._ended = True
        self._process.terminate()
        self._process.join()


def _serve(line: Connection) -> None:
    """Do what is sent, until nobody is there to send more."""
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            function, arguments = line.recv()
            try:
                answer = True, function(*arguments)
            except Exception as problem:
                answer = False, str(problem) or type(problem).__name__
            line.send(answer)


class Work:
    """One function in a process of its own, called from a thread that may wait; `give_up` from any other."""

    def __init__(self) -> None:
        self.is_given_up = False
        self._helper: Helper | None = None
        self._changing = threading.Lock()

    def __call__(self, function: Callable[..., Any], *arguments: object) -> Any:
        """What a function of a module gives; raises as `Helper.get` does."""
        with self._changing:
            if self.is_given_up:
                raise GivenUp("given up")
            self._helper = helper = Helper()
        try:
            helper.begin(function, *arguments)
            return helper.get()
        finally:
            helper.end()

    def give_up(self) -> None:
        """End the process; whoever waits gets `GivenUp`."""
        with self._changing:
            self.is_given_up = True
            if self._helper is not None:
                self._helper.end()


def away(function: Callable[..., Any], *arguments: object) -> Any:
    """What a function of a module gives in a new process; called from a thread that may wait.

    Raises
    ------
    WorkFailed : it raised, or its process died
    """
    return Work()(function, *arguments)


def write_whole(
    work: Work, function: Callable[..., Any], session: Path, file: Path, *more: object
) -> list[Path]:
    """Have a function write a session as `file`, or into a folder of that name; nothing half written is left.

    What it writes stands beside its place until all of it is there.

    Parameters
    ----------
    function : of session, file and more; returns the files it wrote, or nothing for the one it was given
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".writing-", dir=file.parent, ignore_cleanup_errors=True) as name:
        made = Path(name)
        written = work(function, session, made / file.name, *more) or [made / file.name]
        return [_placed(one, file.parent / one.relative_to(made)) for one in written]


def _placed(written: Path, place: Path) -> Path:
    place.parent.mkdir(exist_ok=True)
    return written.replace(place)


def write_report(session: Path, file: Path) -> None:
    """The report of a session; what draws it takes a third of the window's start to import, so not there."""
    from qdlab.report import write_session_report

    write_session_report(session, file)
