"""Sessions cut, flipped, spliced and edited at every place, and what a reader may still say of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qdlab.errors import RecordError
from qdlab.records import Session, open_session, verify_session
from qdlab.records.layout import MANIFEST_FILE


@dataclass
class Judge:
    """Compares what is read from a damaged session with what was recorded."""

    path: Path
    trials: int = 0
    refused: int = 0
    prefixes: int = 0

    def __post_init__(self) -> None:
        self.original = open_session(self.path)
        self.closed = (self.path / MANIFEST_FILE).exists()

    def judge(self) -> str:
        """What is wrong with the outcome of one trial; empty where nothing is."""
        self.trials += 1
        found = verify_session(self.path)
        if self.closed and found.intact:
            return "verify finds nothing"
        try:
            read = open_session(self.path)
        except RecordError as error:
            self.refused += 1
            return "" if not found.intact else f"refused ({error}) but verified as intact"
        self.prefixes += 1
        return "" if is_prefix(read, self.original) else "a changed value was read"


def is_prefix(read: Session, original: Session) -> bool:
    """Whether a session holds what the original holds, or less from some end on, and nothing else."""
    if read.document != original.document or read.devices != original.devices:
        return False
    if list(read.journal) != list(original.journal)[: len(read.journal)]:
        return False
    known = {run.name: run for run in (*original.runs, *original.telemetry)}
    for run in (*read.runs, *read.telemetry):
        whole = known.get(run.name)
        if whole is None or run.started != whole.started or run.header != whole.header:
            return False
        if run.recorded_rows() != whole.recorded_rows()[: len(run.rows)]:
            return False
        ended_alike = (run.end, run.reason, run.end_time, len(run.rows)) == (
            whole.end,
            whole.reason,
            whole.end_time,
            len(whole.rows),
        )
        if not run.interrupted and not ended_alike:
            return False
    return True


def files_of(path: Path) -> list[Path]:
    """Every file of a session."""
    return sorted(file for file in path.rglob("*") if file.is_file() and file.name != "reserve.bin")


def truncations(path: Path, *, step: int = 1) -> Iterator[str]:
    """Cut every file at every `step`-th byte; gives what went wrong, once a trial."""
    judge = Judge(path)
    for file in files_of(path):
        content = file.read_bytes()
        for size in range(0, len(content), step):
            file.write_bytes(content[:size])
            wrong = judge.judge()
            yield wrong and f"{file.name} cut to {size} bytes: {wrong}"
        file.write_bytes(content)


def bit_flips(path: Path, *, step: int = 1) -> Iterator[str]:
    """Flip every `step`-th bit of every file; gives what went wrong, once a trial."""
    judge = Judge(path)
    for file in files_of(path):
        content = file.read_bytes()
        for bit in range(0, 8 * len(content), step):
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << (bit % 8)
            file.write_bytes(changed)
            wrong = judge.judge()
            yield wrong and f"{file.name} bit {bit}: {wrong}"
        file.write_bytes(content)


def rearrangements(path: Path, stranger: Path) -> Iterator[tuple[str, bool]]:
    """Remove, double, swap and splice lines and files; gives what was done, and whether verify found it.

    `stranger` is another session of the same shape, whose lines are spliced in.
    """
    for file in files_of(path):
        if file.name == MANIFEST_FILE:
            continue
        content = file.read_bytes()
        lines = content.splitlines(keepends=True)
        strange = (stranger / file.relative_to(path)).read_bytes().splitlines(keepends=True)
        for number in range(len(lines)):
            edits = {
                "removed": [*lines[:number], *lines[number + 1 :]],
                "doubled": [*lines[: number + 1], *lines[number:]],
                "swapped with the next": [
                    *lines[:number],
                    *lines[number : number + 2][::-1],
                    *lines[number + 2 :],
                ],
                "replaced by another session's": [
                    *lines[:number],
                    *strange[number : number + 1],
                    *lines[number + 1 :],
                ],
                "followed by another session's rest": [*lines[:number], *strange[number:]],
            }
            for name, edited in edits.items():
                if b"".join(edited) != content:
                    file.write_bytes(b"".join(edited))
                    yield f"{file.name} line {number + 1} {name}", not verify_session(path).intact
        file.write_bytes(content)
        file.unlink()
        yield f"{file.name} removed", _is_found(path)
        file.write_bytes(content)
    yield from _exchanged_files(path, stranger)


def _exchanged_files(path: Path, stranger: Path) -> Iterator[tuple[str, bool]]:
    first, second = sorted((path / "runs").iterdir())[:2]
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    yield "two runs exchanged", _is_found(path)
    first.write_bytes((stranger / "runs" / first.name).read_bytes())
    second.write_bytes(contents[1])
    yield "a run of another session put in place", _is_found(path)
    first.write_bytes(contents[0])
    extra = first.with_name("0009-JVSweep-B1-S2-P3.csv")
    extra.write_bytes(contents[0])
    yield "a run added under another name", _is_found(path)
    extra.unlink()


def _is_found(path: Path) -> bool:
    try:
        return not verify_session(path).intact
    except RecordError:
        return True
