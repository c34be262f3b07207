"""Files from strangers who mean harm: a corpus, its mutations, and a guard that sees what opening one does.

Whoever writes a file can also compute its checks, so most cases here are forged with right ones.
"""

import codecs
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.records import trials
from qdlab.errors import QdlabError
from qdlab.records import RunFeed, open_session, read_run, verify_session
from qdlab.records.curves import jv_curves, tel_series
from qdlab.records.journal import journal_seed
from qdlab.records.manifest import make_manifest
from qdlab.records.pymeasure_csv import read_pymeasure_csv
from qdlab.records.run_file import next_check
from qdlab.replay import open_replay

MAXIMUM_SECONDS = 2.0
MAXIMUM_MEMORY = 256 << 20

_DENIED = tuple(
    [
        "exec",
        "compile",
        "import",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.fork",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.mkdir",
        "os.link",
        "os.symlink",
        "os.truncate",
        "os.chmod",
        "os.chown",
        "shutil.",
        "subprocess.",
        "socket.",
        "ctypes.",
        "pickle.",
        "marshal.",
        "code.__new__",
        "webbrowser.",
        "urllib.",
        "http.",
        "ftplib.",
        "smtplib.",
        "winreg.",
        "mmap.",
        "syslog.",
        "sqlite3.",
        "tempfile.",
    ]
)

Case = Callable[[Path], None]


class Guard:
    """An audit hook that notes every event no reader has a reason for, while it watches."""

    def __init__(self) -> None:
        self._allowed: Path | None = None
        self.events: list[str] = []
        sys.addaudithook(self._see)

    @contextmanager
    def watching(self, folder: Path) -> Iterator[list[str]]:
        """Only reading inside `folder` is allowed; gives the list of what else was tried."""
        self.events = []
        self._allowed = folder.resolve()
        try:
            yield self.events
        finally:
            self._allowed = None

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._allowed is None:
            return
        if event == "open":
            self._see_open(*arguments[:3])
        elif event.startswith(_DENIED):
            self.events.append(f"{event} {arguments!r:.100}")

    def _see_open(self, path: Any, mode: Any, flags: int) -> None:
        assert self._allowed is not None
        writing = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        inside = Path(os.path.abspath(name)).is_relative_to(self._allowed)  # noqa: PTH100
        if writing or not inside:
            self.events.append(f"open {name} {mode} {flags:#x}")


GUARD = Guard()


def open_every_way(path: Path) -> list[str]:
    """Open a file or session through every door of ours; gives what each answered: "read" or the refusal."""
    doors: list[Callable[[Path], Any]] = [read_run, read_pymeasure_csv]
    if path.is_dir():
        doors = [
            verify_session,
            _read_curves,
            lambda folder: list(RunFeed(folder).events()),
            lambda folder: open_replay(folder).seek(1 << 30),
        ]
    return [_answer(door, path) for door in doors]


def _read_curves(folder: Path) -> None:
    session = open_session(folder)
    jv_curves(session)
    tel_series(session)


def load_everything(folder: Path) -> None:
    """Open something of every kind once: what Python loads on first use is not a file's doing."""
    for codec in ("cp1252", "utf-16", "utf-8-sig"):
        codecs.lookup(codec)
    open_every_way(trials.closed_session(folder))
    open_every_way(folder / "nothing.csv")


def _answer(door: Callable[[Path], Any], path: Path) -> str:
    try:
        door(path)
    except QdlabError as error:
        return f"refused: {error}"
    return "read"


def try_case(path: Path) -> list[str]:
    """What opening one hostile file did that it must not."""
    before = _memory()
    started = time.process_time()
    with GUARD.watching(path.parent) as events:
        try:
            answers = open_every_way(path)
        except BaseException as error:
            return [f"{type(error).__name__}: {error}"]
    wrong = list(events)
    seconds = time.process_time() - started
    grown = _memory() - before
    if seconds > MAXIMUM_SECONDS * len(answers):
        wrong.append(f"took {seconds:.1f} s")
    if grown > MAXIMUM_MEMORY:
        wrong.append(f"took {grown >> 20} MB")
    wrong += [f"refusal of {len(answer)} characters" for answer in answers if len(answer) > 2000]
    return wrong


def _memory() -> int:
    """Most memory this process ever held [bytes]; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def forged_run(
    header: list[str], headings: str, rows: list[bytes], *, session: str = "x" + 16 * "0", end: bytes = b""
) -> bytes:
    """A run file with right checks, whatever it says."""
    above = "".join(f"{line.replace('SESSION', session)}\n" for line in header).encode(
        "utf-8", "surrogateescape"
    )
    below = f"#Data:\n{headings}\n".encode()
    check = "x" + hashlib.sha256(above + below).hexdigest()[:16]
    content = above + f"#Header check: {check}\n".encode() + below
    check = "x" + hashlib.sha256(content).hexdigest()[:16]
    for row in rows:
        check = next_check(check, row)
        content += row + b"," + check.encode() + b"\n"
    if end:
        content += end
        content += b" sha256=" + hashlib.sha256(content).hexdigest().encode() + b"\n"
    return content


def plain_header(**changes: str) -> list[str]:
    """Lines of an ordinary header, some of them replaced."""
    facts = {
        "Format": "qdlab-run 1", "Procedure": "<JVSweep>", "Parameters": "", "\tVoltages": "[0.0;1.0] V",
        "Device": "B1/S2/P3", "Conditions": "", " Lamp": "off", "Run": "0003-JVSweep-B1-S2-P3",
        "Session": "SESSION", "Sequence": "900", "Time": "1.5", "UTC": "2026-11-22T08:00:00.000Z",
    }  # fmt: skip
    return [f"#{name}: {text}" if text else f"#{name}:" for name, text in {**facts, **changes}.items()]


HEADINGS = "sequence,time (s),utc,Voltage (V),Current (A),flags,check"
ROW = b"901,2.0,2026-11-22T08:00:00.500Z,1.0,1e-06,"


def header_cases() -> dict[str, bytes]:
    """Run files with a forged header."""
    deep = "[" * 30_000 + "]" * 30_000
    cases = {
        "procedure os.abort": plain_header(Procedure="<os.abort>"),
        "procedure with a path": plain_header(Procedure="<../../evil>"),
        "procedure with markup": plain_header(Procedure="<img src='/etc/passwd'>"),
        "run with a path": plain_header(Run="../../../evil"),
        "run as absolute path": plain_header(Run="/etc/passwd"),
        "run as a drive": plain_header(Run="C:\\evil"),
        "run as a stream of NTFS": plain_header(Run="a.csv:evil"),
        "run with a null": plain_header(Run="a\x00b"),
        "predecessor with a path": plain_header(Predecessor="../../evil"),
        "superseded run with a path": plain_header(Supersedes="../../evil"),
        "predecessor and superseded at once": plain_header(Predecessor="0001-a", Supersedes="0002-a"),
        "device of markup": plain_header(Device="<script>alert(1)</script>"),
        "device of a formula": plain_header(Device="=cmd|'/C calc'!A0"),
        "device of format fields": plain_header(Device="{0.__class__}%s%n"),
        "device unknown": plain_header(Device="B9"),
        "parameter of deep JSON": plain_header(**{"\tx": deep[:60_000]}),
        "parameter of a huge integer": plain_header(**{"\tx": "9" * 60_000}),
        "parameter of a huge exponent": plain_header(**{"\tx": "1e999999999"}),
        "parameter of a huge list": plain_header(**{"\tx": "[" + ";".join(["1"] * 30_000) + "]"}),
        "parameter of NaN in JSON": plain_header(**{"\tx": '{"a": NaN}'}),
        "parameter that is code": plain_header(**{"\tx": "__import__('os').abort()"}),
        "parameter of a pickle": plain_header(**{"\tx": "cos\nabort\n(tR.".replace("\n", "\\n")}),
        "parameter of yaml": plain_header(**{"\tx": "!!python/object/apply:os.abort []"}),
        "parameter without a name": plain_header(**{"\t": "1"}),
        "condition with quotes left open": plain_header(**{" x": '"abc'}),
        "sequence of a huge integer": plain_header(Sequence="9" * 5000),
        "sequence below zero": plain_header(Sequence="-5"),
        "sequence of text": plain_header(Sequence="many"),
        "time of not a number": plain_header(Time="nan"),
        "time of infinity": plain_header(Time="1e999"),
        "format far in the future": plain_header(Format="qdlab-run 999999"),
        "format zero": plain_header(Format="qdlab-run 0"),
        "format of letters": plain_header(Format="qdlab-run one"),
        "no procedure": [line for line in plain_header() if "Procedure" not in line],
        "no run": [line for line in plain_header() if "#Run" not in line],
        "twenty thousand parameters": plain_header(**{f"\tp{number}": "1" for number in range(20_000)}),
        "bytes that are not UTF-8": plain_header(Device="\udcff\udcfe"),
        "right to left override": plain_header(Device="P3\u202efdp.exe"),
    }
    return {name: forged_run(header, HEADINGS, [ROW]) for name, header in cases.items()}


def row_cases(large: int) -> dict[str, bytes]:
    """Run files with forged headings, rows and ends."""

    def rows(*lines: bytes, headings: str = HEADINGS, end: bytes = b"") -> bytes:
        return forged_run(plain_header(), headings, list(lines), end=end)

    def row(sequence: bytes = b"901", value: bytes = b"1.0", flags: bytes = b"", utc: bytes = b"") -> bytes:
        stamp = utc or b"2026-11-22T08:00:00.500Z"
        return sequence + b",2.0," + stamp + b"," + value + b",1e-06," + flags

    many = ",".join(f"c{number} (1)" for number in range(5000))
    told = b"sequence=902 time=3.0 utc=2026-11-22T08:00:01.000Z"
    return {
        "a number with underscores": rows(row(value=b"1_0")),
        "a number with spaces": rows(row(value=b" 1.0 ")),
        "a number in full-width digits": rows(row(value="１".encode())),
        "a number of 60000 digits": rows(row(value=b"9" * 60_000)),
        "a hexadecimal number": rows(row(value=b"0x1p3")),
        "a formula": rows(row(value=b"=1+1")),
        "a sequence of 5000 digits": rows(row(sequence=b"9" * 5000)),
        "a sequence just too large": rows(row(sequence=b"9" * 16)),
        "a sequence that falls": rows(row(), row(sequence=b"5")),
        "a sequence far ahead": rows(row(sequence=b"999999999999999")),
        "flags of a formula": rows(row(flags=b"=HYPERLINK(1)")),
        "flags of markup": rows(row(flags=b"<b>x</b>")),
        "ten thousand flags": rows(row(flags=b" ".join([b"a%d" % number for number in range(10_000)]))),
        "a date that is none": rows(row(utc=b"2026-99-99T99:99:99.999Z")),
        "a date of text": rows(row(utc=b"yesterday at five o'cloc")),
        "too few fields": rows(b"901,2.0"),
        "five thousand columns": rows(headings=f"sequence,time (s),utc,{many},flags,check"),
        "no columns": rows(headings="sequence,time (s),utc,flags,check"),
        "a column twice": rows(headings="sequence,time (s),utc,A,A,flags,check"),
        "a column of markup": rows(headings="sequence,time (s),utc,<img src=x>,B,flags,check"),
        "an end of another word": rows(row(), end=b'#End: exploded rows=1 %s reason=""' % told),
        "an end that counts wrong": rows(row(), end=b'#End: finished rows=7 %s reason=""' % told),
        "an end with an open quote": rows(row(), end=b'#End: failed rows=1 %s reason="' % told),
        "an end with escapes that are none": rows(
            row(), end=b'#End: failed rows=1 %s reason="\\q\\u12"' % told
        ),
        "an end before the rows": rows(end=b'#End: finished rows=0 %s reason=""' % told) + row() + b"\n",
        "an interrupted end": rows(row(), end=b'#End: interrupted rows=1 %s reason=""' % told),
        "a line without end": b"#Format: qdlab-run 1\n#" + b"A" * large,
        "a first line without end": b"A" * large,
        "nothing but zeros": bytes(large),
        "nothing but empty lines": b"#Format: qdlab-run 1\n" + b"\n" * large,
        "a header without end": b"#Format: qdlab-run 1\n" + b"#\tx: 1\n" * (large // 7),
        "an empty file": b"",
        "only a line feed": b"\n",
        "UTF-16": "#Format: qdlab-run 1\n".encode("utf-16"),
        "a byte order mark": "\ufeff#Format: qdlab-run 1\n".encode(),
        "carriage returns": forged_run(plain_header(), HEADINGS, [ROW]).replace(b"\n", b"\r\n"),
        "an ELF program": b"\x7fELF" + bytes(range(256)) * 40,
        "a pickle": b"cos\nsystem\n(S'touch pwned'\ntR.",
        "a PyMeasure file that names os.abort": b"#Procedure: <os.abort>\n#Parameters:\n#Data:\na,b\n1,2\n",
        "a PyMeasure file that names a package": b"#Procedure: <antigravity.x>\n#Parameters:\n#Data:\na\n1\n",
        "a PyMeasure file with a long line": b"#Procedure: <a.B>\n#Data:\na\n" + b"1" * large + b"\n",
        "a PyMeasure file of many columns": b"#Procedure: <a.B>\n" + b",".join([b"a"] * 9000) + b"\n",
    }


def session_cases(large: int) -> dict[str, Case]:
    """Whole sessions, made harmful in place."""

    def toml(content: str) -> Case:
        return lambda folder: forge_session(folder, content.encode("utf-8", "surrogateescape"))

    def journal(**changes: Any) -> Case:
        return lambda folder: forge_journal(folder, [changes])

    start = '[session]\nformat = "qdlab-session 1"\n'
    return {
        "toml of deep arrays": toml(start + "x = " + "[" * 5000 + "]" * 5000),
        "toml of deep tables": toml(start + "[" + ".".join(["a"] * 5000) + "]\n"),
        "toml of a huge integer": toml(start + "x = " + "9" * 20_000),
        "toml of a device without area": toml(start + '[[devices]]\nidentifier = "a"\n'),
        "toml of a device of infinite thickness": toml(start + device_toml("inf")),
        "toml of a device of thickness nan": toml(start + device_toml("nan")),
        "toml of devices that are a number": toml(start + "devices = 5\n"),
        "toml of devices that are a text": toml("devices = 'ab'\n" + start),
        "toml of a session that is a number": toml("session = 5\n"),
        "toml of a newer format": toml('[session]\nformat = "qdlab-session 9"\n'),
        "toml that is not UTF-8": toml("x = '\udcff'"),
        "toml without end": toml("#" * large),
        "toml that stops": toml("[session"),
        "journal of deep JSON": lambda folder: forge_journal(folder, [{"details": _deep(20_000)}]),
        "journal of NaN": journal(time=float("nan")),
        "journal of a huge integer": journal(sequence=10**4000),
        "journal of a far number": journal(sequence=10**14),
        "journal of a truth value": journal(sequence=True),
        "journal of lost numbers that are text": journal(sequence=1, details={"lost": ["a", None, {}]}),
        "journal of a run that is a path": journal(
            sequence=1, text="run ended", details={"run": "../../../etc/passwd", "sha256": "0"}
        ),
        "journal of a run that is a list": journal(sequence=1, text="run started", details={"run": [1, 2]}),
        "journal of another level": journal(level="root"),
        "journal of markup": journal(text="<img src='file:///etc/passwd'>", details={"<b>": "=1+1"}),
        "journal without keys": lambda folder: forge_journal(folder, [], raw=[b'{"a": 1']),
        "journal of 30 MB in one line": lambda folder: forge_journal(
            folder, [], raw=[b'{"a": "' + b"A" * 30_000_000]
        ),
        "manifest with a path": lambda folder: add_to_manifest(folder, "0" * 64 + "  ../../../etc/passwd\n"),
        "manifest with an absolute path": lambda folder: add_to_manifest(
            folder, "0" * 64 + "  /etc/passwd\n"
        ),
        "manifest without end": lambda folder: add_to_manifest(folder, "A" * large),
        "a run that is a folder": lambda folder: (folder / "runs" / "0003-x.csv").mkdir(),
        "a run that is a link": lambda folder: (folder / "runs" / "0003-x.csv").symlink_to("/etc/passwd"),
        "a run that is a device": lambda folder: (folder / "runs" / "0003-x.csv").symlink_to("/dev/zero"),
        "a run that is a pipe": lambda folder: os.mkfifo(folder / "runs" / "0003-x.csv"),
        "a recorded run that is a pipe": lambda folder: _replaced_by_pipe(next((folder / "runs").iterdir())),
        "a journal that is a pipe": lambda folder: _replaced_by_pipe(folder / "journal.jsonl"),
        "a journal that is a folder": lambda folder: _replaced_by_folder(folder / "journal.jsonl"),
        "a description that is a link": lambda folder: _replaced_by_link(folder / "session.toml"),
        "twelve thousand run files": _many_runs,
    }


def device_toml(thickness: str) -> str:
    """A device's table with a thickness of choice."""
    electrodes = 'injecting_electrode = "top"\npositive_terminal = "top"\n'
    layer = f'layers = [{{material = "a", thickness_method = "", thickness = {{value = {thickness}}}}}]\n'
    numbers = "area = {value = 1e-6}\nbuilt_in_voltage = {value = 0.0}\nseries_resistance = {value = 0.0}\n"
    return f'[[devices]]\nidentifier = "a"\nactive_layers = ["a"]\n{electrodes}{layer}{numbers}'


def forge_session(folder: Path, content: bytes) -> None:
    """Another `session.toml`, with a journal whose chain fits it."""
    (folder / "session.toml").write_bytes(content)
    for run in (folder / "runs").iterdir():
        run.unlink()
    (folder / "telemetry.csv").unlink()
    forge_journal(folder, [{}])


def forge_journal(folder: Path, entries: list[dict[str, Any]], raw: list[bytes] | None = None) -> None:
    """Another journal with right checks, and a manifest that fits."""
    check = journal_seed((folder / "session.toml").read_bytes())
    plain = {"sequence": 0, "time": 0.0, "utc": "", "level": "state", "text": "session opened", "details": {}}
    lines = []
    for content in [json.dumps({**plain, **entry}).removesuffix("}").encode() for entry in entries] + (
        raw or []
    ):
        check = next_check(check, content)
        lines.append(content + f', "check": "{check}"}}\n'.encode())
    (folder / "journal.jsonl").write_bytes(b"".join(lines))
    (folder / "manifest-sha256.txt").write_bytes(make_manifest(folder))


def add_to_manifest(folder: Path, text: str) -> None:
    """A manifest with one more line."""
    with (folder / "manifest-sha256.txt").open("a", encoding="ascii", newline="\n") as stream:
        stream.write(text)


def _deep(levels: int) -> list:
    nested: list = []
    for _ in range(min(levels, 900)):
        nested = [nested]
    return nested


def _replaced_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _replaced_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _replaced_by_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hosts")


def _many_runs(folder: Path) -> None:
    for number in range(12_000):
        (folder / "runs" / f"{number}.csv").touch()


def corpus(folder: Path, *, large: int = 100_000_000) -> Iterator[tuple[str, Path]]:
    """Every case, made one after the other in a fresh folder: its name and the file or session to open.

    `large` is the size of the largest files [bytes].
    """
    template = trials.closed_session(folder)
    for name, content in {**header_cases(), **row_cases(large)}.items():
        home = folder / f"file-{len(name)}-{abs(hash(name))}"
        home.mkdir(parents=True)
        path = home / "0003-JVSweep-B1-S2-P3.csv"
        path.write_bytes(content)
        yield name, path
        session = _copied(template, home)
        seed = journal_seed((session / "session.toml").read_bytes())
        (session / "runs" / path.name).write_bytes(_reseeded(content, seed))
        yield f"{name}, in a session", session
        path.unlink()
        (session / "runs" / path.name).unlink()
    for name, make in session_cases(large).items():
        session = _copied(template, folder / f"session-{len(name)}-{abs(hash(name))}")
        make(session)
        yield name, session


def _copied(template: Path, home: Path) -> Path:
    return Path(shutil.copytree(template, home / template.name))


def _reseeded(content: bytes, seed: str) -> bytes:
    """The forged run file as one of a certain session: its checks made right again where it has any."""
    if len(content) > 1 << 20 or b"#Header check" not in content:
        return content
    above, _, rest = content.partition(b"#Header check: ")
    _, _, body = rest.partition(b"#Data:\n")
    heading, *lines = body.split(b"\n")
    rows = [line.rpartition(b",")[0] for line in lines if line and not line.startswith(b"#")]
    header = (
        above.replace(b"x" + b"0" * 16, seed.encode()).decode("utf-8", "surrogateescape").split("\n")[:-1]
    )
    return forged_run(header, heading.decode("utf-8", "replace"), rows)


def mutated(content: bytes, random: Random) -> bytes:
    """A file with a few random edits: bytes changed, cut out, doubled, moved, or replaced by telling ones."""
    telling = [
        b"\x00",
        b"\xff",
        b"\n",
        b",",
        b'"',
        b"{",
        b"[",
        b"#End: ",
        b"nan",
        b"-1",
        b"9" * 400,
        b"../",
        b"<b>",
        b"\r",
    ]
    changed = bytearray(content)
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(changed) + 1)
        length = random.choice((1, 1, 2, 8, 64, 512))
        kind = random.randrange(5)
        if kind == 0:
            changed[place : place + length] = random.randbytes(length)
        elif kind == 1:
            del changed[place : place + length]
        elif kind == 2:
            changed[place:place] = changed[place : place + length]
        elif kind == 3:
            changed[place:place] = random.choice(telling)
        else:
            other = random.randrange(len(changed) + 1)
            changed[place:place] = changed[other : other + length]
    return bytes(changed)


def mutations(folder: Path, count: int, *, seed: int) -> Iterator[list[str]]:
    """Mutated sessions, opened every way; gives what each did that it must not."""
    random = Random(seed)
    session = trials.closed_session(folder)
    originals = {file: file.read_bytes() for file in session.rglob("*") if file.is_file()}
    names = sorted(originals)
    open_every_way(session)
    for _ in range(count):
        file = random.choice(names)
        file.write_bytes(mutated(originals[file], random))
        yield try_case(session)
        file.write_bytes(originals[file])
