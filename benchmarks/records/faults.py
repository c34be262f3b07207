"""Disks that fail and machines that stop, at any call the recorder makes, and what must hold afterwards."""

import contextlib
import errno
import io
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from benchmarks.records.trials import new_session, record_two_runs
from qdlab.errors import RecordError
from qdlab.events import RunEnded
from qdlab.records import RunFeed, SessionWriter, StorageFailed, open_session, verify_session
from qdlab.records.layout import RESERVE_FILE, STORAGE_FAILED
from qdlab.records.storage import Disk

STORAGE_ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS)


class MachineStops(BaseException):
    """The process is gone: nothing after this line of the program happens."""


class CountingDisk(Disk):
    """The real disk with a number for every call, and something that happens at one of them."""

    def __init__(self) -> None:
        self.calls = 0
        self.paths: dict[int, Path] = {}

    def at_call(self, handle: int | None = None, data: bytes = b"") -> None:
        self.calls += 1

    def make_folder(self, path: Path) -> None:
        self.at_call()
        super().make_folder(path)

    def create(self, path: Path) -> int:
        self.at_call()
        handle = super().create(path)
        self.paths[handle] = path
        return handle

    def write(self, handle: int, data: bytes) -> None:
        self.at_call(handle, data)
        super().write(handle, data)

    def sync(self, handle: int) -> None:
        self.at_call()
        super().sync(handle)

    def truncate(self, handle: int, size: int) -> None:
        self.at_call()
        super().truncate(handle, size)

    def sync_folder(self, path: Path) -> None:
        self.at_call()
        super().sync_folder(path)

    def replace(self, source: Path, target: Path) -> None:
        self.at_call()
        super().replace(source, target)

    def remove(self, path: Path) -> None:
        self.at_call()
        super().remove(path)


class FailingDisk(CountingDisk):
    """Fails at one call, or from that call on; a write that fails leaves half of itself behind."""

    def __init__(self, *, at: int, error: int, for_good: bool) -> None:
        super().__init__()
        self.at, self.error, self.for_good = at, error, for_good

    def at_call(self, handle: int | None = None, data: bytes = b"") -> None:
        super().at_call()
        if self.calls == self.at or (self.for_good and self.calls > self.at):
            if handle is not None:
                Disk.write(self, handle, data[: len(data) // 2])
            raise OSError(self.error, errno.errorcode[self.error])


class FullDisk(Disk):
    """Has room for so many bytes more; removing the reserve gives its room back."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, handle: int, data: bytes) -> None:
        taken = min(len(data), self.room)
        super().write(handle, data[:taken])
        self.room -= taken
        if taken < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")

    def remove(self, path: Path) -> None:
        self.room += path.stat().st_size if path.exists() else 0
        super().remove(path)


class StoppingDisk(CountingDisk):
    """Stops the machine at one call, and remembers what was not yet on the medium then.

    What is on the medium is kept account of, not waited for: trials need thousands of syncs.
    """

    def __init__(self, *, at: int) -> None:
        super().__init__()
        self.at = at
        self.durable: dict[Path, int] = {}
        self.new_names: dict[Path, set[Path]] = {}

    def at_call(self, handle: int | None = None, data: bytes = b"") -> None:
        super().at_call()
        if self.calls >= self.at:
            if handle is not None:
                Disk.write(self, handle, data[: len(data) // 2])
            raise MachineStops

    def create(self, path: Path) -> int:
        handle = super().create(path)
        self.durable[path] = 0
        self.new_names.setdefault(path.parent, set()).add(path)
        return handle

    def append_to(self, path: Path) -> int:
        handle = super().append_to(path)
        self.paths[handle] = path
        self.durable[path] = path.stat().st_size
        return handle

    def sync(self, handle: int) -> None:
        self.at_call()
        self.durable[self.paths[handle]] = self.paths[handle].stat().st_size

    def truncate(self, handle: int, size: int) -> None:
        super().truncate(handle, size)
        self.durable[self.paths[handle]] = min(size, self.durable[self.paths[handle]])

    def sync_folder(self, path: Path) -> None:
        self.at_call()
        self.new_names.pop(path, None)

    def cut_power(self, random: Random) -> None:
        """Leave what a power cut may leave: of unsynced bytes any part, or zeros; of unsynced names any."""
        for path, size in self.durable.items():
            if not path.exists():
                continue
            unsynced = path.stat().st_size - size
            kept = random.randint(0, unsynced)
            content = path.read_bytes()[: size + kept]
            if random.random() < 0.3:
                content = content[:size] + bytes(kept)
            path.write_bytes(content)
        for names in self.new_names.values():
            for path in names:
                if random.random() < 0.5:
                    path.unlink(missing_ok=True)


@dataclass
class Outcome:
    """What one trial left behind."""

    path: Path | None = None
    acknowledged: set[int] = field(default_factory=set)
    told: str = ""


def record_on(disk: Disk, folder: Path) -> Outcome:
    """Record the two runs as a campaign would: a storage error stops it, then everything is closed."""
    outcome = Outcome()
    session: SessionWriter | None = None
    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
        try:
            session = new_session(folder, storage=disk)
            outcome.path = session.path
            record_two_runs(session, outcome.acknowledged.add)
        except StorageFailed as error:
            stderr.write(f"{error}\n")
            if session is not None:
                session.close("failed", str(error))
        except MachineStops:
            pass
        else:
            # a storage error is told by now, or noticed here; neither is raised again
            with contextlib.suppress(MachineStops):
                session.close("finished")
        if session is not None:
            session.abandon()
    outcome.told = stderr.getvalue()
    return outcome


def violations(outcome: Outcome, *, room_for_the_end: bool = False) -> list[str]:
    """What must hold after any storage error or stop, and does not."""
    if outcome.path is None or not (outcome.path / "session.toml").exists():
        return ["acknowledged lines without a session"] if outcome.acknowledged else []
    try:
        found = verify_session(outcome.path)
        events = list(RunFeed(outcome.path).events())
    except RecordError as error:
        return [f"unreadable: {error}"] if outcome.acknowledged else []
    wrong = [f"damaged: {finding}" for finding in found.findings]
    present = {event.sequence for event in events if not isinstance(event, RunEnded)}
    if lost := outcome.acknowledged - present:
        wrong.append(f"acknowledged and lost: {sorted(lost)}")
    expected = {"0001-JVSweep-B1-S2-P3": 6, "0002-JVSweep-B1-S2-P3": 4}
    for run in open_session(outcome.path).runs:
        if run.end in ("finished", "stopped") and len(run.rows) != expected[run.name]:
            wrong.append(f"{run.name} reads as {run.end} with {len(run.rows)} rows")
        if room_for_the_end and run.interrupted:
            wrong.append(f"{run.name} has no end block")
    if room_for_the_end and found.end != "failed":
        wrong.append(f"the session reads as {found.end}")
    if (outcome.path / RESERVE_FILE).exists() and room_for_the_end:
        wrong.append("the reserve was not given back")
    return wrong


def was_told(outcome: Outcome) -> bool:
    """Whether the journal, or standard error where there is none, says that the disk failed."""
    if outcome.told or outcome.path is None:
        return bool(outcome.told)
    return any(entry.text == STORAGE_FAILED for entry in open_session(outcome.path).journal)


def calls_of_a_session(folder: Path) -> int:
    """How many calls the recorder makes of the disk for the session of two runs."""
    disk = CountingDisk()
    record_on(disk, folder)
    return disk.calls
