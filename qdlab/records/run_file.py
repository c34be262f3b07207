"""The run file: how a header, a row and an end become bytes, and which bytes may be believed again.

The format itself is written down in `qdlab.records`. Nothing here opens a file: `RunFileParser` takes bytes
as they come, so a finished file, a growing one and a replay are read by the same code.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, get_args

from qdlab.errors import RecordError
from qdlab.events import RunEnd

FORMAT_NAME = "qdlab-run"
FORMAT_NUMBER = 1
FIRST_COLUMNS = ("sequence", "time (s)", "utc")
LAST_COLUMNS = ("flags", "check")
NO_FLAGS: frozenset[str] = frozenset()

MAXIMUM_LINE = 1 << 16
LONGEST_PARAMETER = MAXIMUM_LINE - 1000
MAXIMUM_HEADER = 1 << 20
MAXIMUM_COLUMNS = 200
MAXIMUM_FILE = 1 << 27
MAXIMUM_SEQUENCE = 10**15
MAXIMUM_DEPTH = 32

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?|[+-]?inf|nan"
_QUANTITY = re.compile(rf"({_NUMBER})(?: ([^\s\d\[\]{{}}\"'][^\s\[\]{{}}\"']{{0,30}}))?")
_QUANTITIES = re.compile(rf"\[((?:(?:{_NUMBER})(?:;(?:{_NUMBER}))*)?)\](?: \S{{1,30}})?")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,60}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,120}")
_FLAG = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_UTC = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_END = re.compile(
    rb"#End: ([a-z]+) rows=(\d{1,12}) sequence=(\d{1,15}) time=([0-9.e+-]{1,30}) utc=(\S{24})"
    rb' reason=("(?:[^"\\]|\\.)*") sha256=([0-9a-f]{64})'
)
_ROW_BYTES = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-.:, \n"
_JSON_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BRACKETS = re.compile(rb"[\[\]{}]")
_SINGLES = {"True": True, "False": False, "none": None, "None": None}


class DamagedLine(RecordError):
    """A line that cannot be believed; everything before it can.

    line : its number in the file, from 1
    reason : what is wrong with it, a clause
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line} {reason}")
        self.line = line
        self.reason = reason


class UnknownFormat(RecordError):
    """A file of another kind, or written by a newer qdlab."""


@dataclass(frozen=True, kw_only=True)
class RunHeader:
    """What a run is, before its first row.

    Parameters
    ----------
    procedure : class name; written, shown and compared, never imported
    parameters : name -> number, text ("7.0 V"), truth value, or list of numbers
    device : identifier of a device in the session
    columns : headings of the values, SI, in PyMeasure's unit grammar
    conditions : what else held: wiring, limits, boxes, temperature set point (plain JSON)
    predecessor : the run this one resumes
    supersedes : the run this one measures anew, whose rows do not count any more
    """

    procedure: str
    parameters: Mapping[str, Any]
    device: str
    columns: Sequence[str]
    conditions: Mapping[str, Any] = field(default_factory=dict)
    predecessor: str | None = None
    supersedes: str | None = None

    def __post_init__(self) -> None:
        if not _WORD.fullmatch(self.procedure):
            raise ValueError(f"procedure {self.procedure!r} is not a class name")
        columns = tuple(self.columns)
        if not 0 < len(columns) <= MAXIMUM_COLUMNS:
            raise ValueError(f"{len(columns)} columns; a run has 1 to {MAXIMUM_COLUMNS}")
        if len(set(columns)) < len(columns):
            raise ValueError(f"columns hold a heading twice: {', '.join(columns)}")
        for heading in columns:
            if not heading.isprintable() or not heading.strip() or set(heading) & set(',#"\\'):
                raise ValueError(f'column {heading!r}: a heading is printable text without , # " and \\')
            if heading in FIRST_COLUMNS + LAST_COLUMNS:
                raise ValueError(f"column {heading!r} is one the recorder writes itself")
        for name in [*self.parameters, *self.conditions]:
            if not name.isprintable() or name.strip() != name or not name or ": " in name:
                raise ValueError(f"parameter or condition {name!r}: a name is printable text without ': '")
        if None not in (self.predecessor, self.supersedes):
            raise ValueError(f"a run that resumes {self.predecessor!r} supersedes none ({self.supersedes!r})")
        object.__setattr__(self, "columns", columns)


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """When: session-wide sequence number, seconds since the session began, and UTC for people."""

    sequence: int
    time: float
    utc: str


class HeaderRead(NamedTuple):
    """A header as a file holds it."""

    header: RunHeader
    run: str
    session: str
    stamp: Stamp
    sha256: str


class RowRead(NamedTuple):
    """One row as a file holds it."""

    sequence: int
    time: float
    utc: str
    values: tuple[float, ...]
    flags: frozenset[str]


class EndRead(NamedTuple):
    """An end block as a file holds it."""

    end: RunEnd
    rows: int
    stamp: Stamp
    reason: str
    sha256: str


def format_utc(moment: datetime) -> str:
    """An aware time as ``2026-11-22T08:00:03.250Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def next_check(previous: str, content: bytes) -> str:
    """`x` (bare hex would load as a number) and 16 hex digits of SHA-256: previous check, then the bytes."""
    return "x" + hashlib.sha256(previous.encode() + content).hexdigest()[:16]


def encode_header(header: RunHeader, *, run: str, session: str, stamp: Stamp) -> bytes:
    """The lines from ``#Format:`` to the column headings."""
    lines = [f"#Format: {FORMAT_NAME} {FORMAT_NUMBER}", f"#Procedure: <{header.procedure}>", "#Parameters:"]
    lines += [f"#\t{name}: {_value_text(value)}" for name, value in header.parameters.items()]
    lines += [f"#Device: {_value_text(header.device)}", "#Conditions:"]
    lines += [f"# {name}: {_condition_text(value)}" for name, value in header.conditions.items()]
    if header.predecessor is not None:
        lines.append(f"#Predecessor: {header.predecessor}")
    if header.supersedes is not None:
        lines.append(f"#Supersedes: {header.supersedes}")
    lines += [f"#Run: {run}", f"#Session: {session}", f"#Sequence: {stamp.sequence}"]
    lines += [f"#Time: {stamp.time!r}", f"#UTC: {stamp.utc}"]
    above = "".join(f"{line}\n" for line in lines).encode()
    below = ("#Data:\n" + ",".join([*FIRST_COLUMNS, *header.columns, *LAST_COLUMNS]) + "\n").encode()
    encoded = above + f"#Header check: {_header_check(above, below)}\n".encode() + below
    if len(encoded) > MAXIMUM_HEADER or max(len(line) for line in encoded.split(b"\n")) >= MAXIMUM_LINE:
        raise ValueError(f"the header of run {run!r} is too long; keep long texts in session.toml")
    return encoded


def seed_check(header: bytes) -> str:
    """The check that the first row's check builds on: the hash of the header's bytes."""
    return "x" + hashlib.sha256(header).hexdigest()[:16]


def encode_row(
    stamp: Stamp, values: Sequence[float], flags: Iterable[str], previous: str
) -> tuple[bytes, str]:
    """One row's line and its check."""
    numbers = ",".join(repr(value) for value in values)
    content = f"{stamp.sequence},{stamp.time!r},{stamp.utc},{numbers},{' '.join(sorted(flags))}".encode()
    check = next_check(previous, content)
    return content + f",{check}\n".encode(), check


def encode_end(end: RunEnd, rows: int, stamp: Stamp, reason: str, hasher: "hashlib._Hash") -> bytes:
    """The end block; `hasher` has seen every byte of the file so far."""
    text = json.dumps(reason[:2000])
    content = (
        f"#End: {end} rows={rows} sequence={stamp.sequence} time={stamp.time!r} utc={stamp.utc} reason={text}"
    )
    whole = hasher.copy()
    whole.update(content.encode())
    return f"{content} sha256={whole.hexdigest()}\n".encode()


def require_end(end: RunEnd) -> None:
    """Raises ValueError for what nobody can say of himself: *interrupted* is the lack of an end."""
    if end not in get_args(RunEnd) or end == "interrupted":
        raise ValueError(f"end {end!r}: it is finished, stopped, aborted or failed")


def checked_flags(flags: Iterable[str]) -> frozenset[str]:
    """Flags as a set of words; refuses what a row cannot hold."""
    words = frozenset(flags)
    for word in words:
        if not _FLAG.fullmatch(word):
            raise ValueError(f"flag {word!r} is not a word of letters, digits and hyphens")
    return words


class RunFileParser:
    """Turns a run file's bytes, in any portions, into its header, rows and end.

    `feed` raises DamagedLine at the first complete line that cannot be believed. Bytes after the last line
    feed are a row being written, or torn by a crash: they are kept in `rest` and never interpreted.

    Parameters
    ----------
    run, session : what the header must name, where that is known
    """

    def __init__(self, *, run: str | None = None, session: str | None = None) -> None:
        self.header: HeaderRead | None = None
        self._expected = (run, session)
        self.end: EndRead | None = None
        self.rows = 0
        self.rest = b""
        self.line = 0
        self._hasher = hashlib.sha256()
        self._header_lines: list[bytes] = []
        self._header_size = 0
        self._check = ""
        self._sequence = -1
        self._fields = 0
        self._in_rows = False
        self._flags: dict[bytes, frozenset[str]] = {}

    def feed(self, data: bytes) -> list[RowRead]:
        """The rows that these further bytes complete."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        rows: list[RowRead] = []
        for line in lines:
            self.line += 1
            if self._in_rows and line[:1] != b"#":
                rows.append(self._read_row(line))
            else:
                self._read_other(line)
                self._in_rows = self.header is not None and self.end is None
        if len(self.rest) > MAXIMUM_LINE:
            self.line += 1
            raise self._damage(f"is longer than {MAXIMUM_LINE} bytes")
        return rows

    def _damage(self, reason: str) -> DamagedLine:
        return DamagedLine(self.line, reason)

    def _read_other(self, line: bytes) -> None:
        if self.end is not None:
            raise self._damage("stands after the end block")
        if self.header is None:
            self._read_header_line(line)
        else:
            self._read_end(line)

    def _read_header_line(self, line: bytes) -> None:
        if self.line == 1:
            _require_format(line)
        self._header_size += len(line) + 1
        if self._header_size > MAXIMUM_HEADER:
            raise self._damage(f"makes the header longer than {MAXIMUM_HEADER} bytes")
        self._header_lines.append(line)
        if line.startswith(b"#"):
            return
        encoded = b"\n".join(self._header_lines) + b"\n"
        self.header = _decode_header(self._header_lines, encoded, self.line)
        for found, expected in zip((self.header.run, self.header.session), self._expected, strict=True):
            if expected not in (None, found):
                raise self._damage("ends the header of another session or run")
        self._hasher.update(encoded)
        self._check = seed_check(encoded)
        self._sequence = self.header.stamp.sequence
        self._fields = len(FIRST_COLUMNS) + len(self.header.header.columns) + len(LAST_COLUMNS)

    def _read_row(self, line: bytes) -> RowRead:
        content, check = line[:-18], line[-17:]
        if len(line) >= MAXIMUM_LINE or line.translate(None, _ROW_BYTES):
            raise self._damage("is not a row")
        if line[-18:-17] != b"," or check != next_check(self._check, content).encode():
            raise self._damage("does not match its check: it was changed, or a line before it is missing")
        fields = content.split(b",")
        whole = len(fields) == self._fields - 1 and len(fields[0]) <= 15 and _UTC.fullmatch(fields[2])
        if not whole:
            raise self._damage(f"does not hold {self._fields} fields")
        try:
            row = RowRead(
                int(fields[0]),
                float(fields[1]),
                fields[2].decode(),
                tuple(map(float, fields[3:-1])),
                self._read_flags(fields[-1]) if fields[-1] else NO_FLAGS,
            )
        except ValueError:
            raise self._damage("holds text where a number belongs") from None
        if row.sequence <= self._sequence:
            raise self._damage(f"has sequence number {row.sequence} after {self._sequence}")
        self._sequence = row.sequence
        self.rows += 1
        self._check = check.decode()
        self._hasher.update(line + b"\n")
        return row

    def _read_flags(self, text: bytes) -> frozenset[str]:
        flags = self._flags.get(text)
        if flags is None:
            flags = checked_flags(text.decode().split(" "))
            if len(self._flags) < 1000:
                self._flags[text] = flags
        return flags

    def _read_end(self, line: bytes) -> None:
        match = _END.fullmatch(line)
        if match is None:
            raise self._damage("is neither a row nor an end block")
        self._hasher.update(line[: -len(b" sha256=") - 64])
        word = match[1].decode()
        if match[7].decode() != self._hasher.hexdigest():
            raise self._damage("(end block) does not match the hash of the file")
        if word not in get_args(RunEnd) or word == "interrupted" or int(match[2]) != self.rows:
            raise self._damage("(end block) does not describe this file")
        try:
            stamp = Stamp(sequence=int(match[3]), time=float(match[4]), utc=match[5].decode())
            reason = str(read_json(match[6]))
        except ValueError:
            raise self._damage("(end block) holds no time or no reason") from None
        self.end = EndRead(word, int(match[2]), stamp, reason, match[7].decode())  # type: ignore[arg-type]


def _require_format(line: bytes) -> None:
    match = re.fullmatch(rb"#Format: ([a-z-]{1,40}) (\d{1,6})", line)
    if match is None or match[1] != FORMAT_NAME.encode():
        raise UnknownFormat("it does not begin with '#Format: qdlab-run 1': not a run file of qdlab")
    if int(match[2]) > FORMAT_NUMBER:
        raise UnknownFormat(
            f"its format {int(match[2])} is newer than this qdlab reads ({FORMAT_NUMBER}); "
            "update qdlab to open it"
        )
    if int(match[2]) < 1:
        raise UnknownFormat(f"its format {int(match[2])} never existed")


def _header_check(above: bytes, below: bytes) -> str:
    return "x" + hashlib.sha256(above + below).hexdigest()[:16]


def _decode_header(lines: list[bytes], encoded: bytes, line: int) -> HeaderRead:
    if len(lines) < 3 or lines[-2] != b"#Data:" or not lines[-3].startswith(b"#Header check: "):
        raise DamagedLine(line, "ends a header that has no '#Header check:' and '#Data:'")
    above = b"".join(text + b"\n" for text in lines[:-3])
    below = lines[-2] + b"\n" + lines[-1] + b"\n"
    if lines[-3] != f"#Header check: {_header_check(above, below)}".encode():
        raise DamagedLine(line - 2, "does not match the header: a line of it, or the headings, were changed")
    try:
        return _interpret_header(above.decode(), lines[-1].decode(), hashlib.sha256(encoded).hexdigest())
    except (ValueError, KeyError, RecursionError) as error:
        raise DamagedLine(line, f"ends a header that cannot be used ({error})") from None


def _interpret_header(above: str, headings: str, sha256: str) -> HeaderRead:
    facts: dict[str, str] = {}
    parameters: dict[str, Any] = {}
    conditions: dict[str, Any] = {}
    for line in above.split("\n")[:-1]:
        holder = parameters if line.startswith("#\t") else conditions if line.startswith("# ") else None
        name, _, text = line[1 if holder is None else 2 :].partition(":" if holder is None else ": ")
        if holder is None:
            facts[name] = text.strip()
        else:
            holder[name] = decode_value(text)
    columns = tuple(headings.split(","))
    first, last = len(FIRST_COLUMNS), len(columns) - len(LAST_COLUMNS)
    if columns[:first] != FIRST_COLUMNS or columns[last:] != LAST_COLUMNS:
        raise ValueError("its columns do not begin with sequence and end with check")
    sequence = int(facts["Sequence"][:20])
    for named in [facts["Run"], *(facts[key] for key in ("Predecessor", "Supersedes") if key in facts)]:
        if not _NAME.fullmatch(named):
            raise ValueError("its run's name is no name of a file")
    if not 0 <= sequence < MAXIMUM_SEQUENCE:
        raise ValueError("its sequence number is out of range")
    header = RunHeader(
        procedure=facts["Procedure"].removeprefix("<").removesuffix(">"),
        parameters=parameters,
        device=str(decode_value(facts["Device"]) if facts["Device"].startswith('"') else facts["Device"]),
        columns=columns[first:last],
        conditions=conditions,
        predecessor=facts.get("Predecessor"),
        supersedes=facts.get("Supersedes"),
    )
    stamp = Stamp(sequence=sequence, time=float(facts["Time"]), utc=facts["UTC"])
    return HeaderRead(header, facts["Run"], facts["Session"], stamp, sha256)


def _value_text(value: Any) -> str:
    """A parameter as the header shows it, in full precision."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return repr(value) if type(value) in (int, float) else repr(float(value))
    if isinstance(value, str):
        plain = value.isprintable() and value == value.strip() and value[:1] not in ('"', "{")
        return value if plain and value else json.dumps(value)
    if isinstance(value, Sequence) and value and all(_is_number(item) for item in value):
        return "[" + ";".join(repr(float(item)) for item in value) + "]"
    return json.dumps(plain_json(value), ensure_ascii=True)


def _condition_text(value: Any) -> str:
    """A condition as the header shows it; text that would be read as something else stands in quotes."""
    text = _value_text(value)
    return json.dumps(value) if isinstance(value, str) and decode_value(text) != value else text


def decode_value(text: str) -> Any:
    """A header's text as a number (its SI unit dropped), truth value, list of numbers, JSON, or itself."""
    if text in _SINGLES:
        return _SINGLES[text]
    if match := _QUANTITY.fullmatch(text):
        return int(match[1]) if re.fullmatch(r"[+-]?\d{1,18}", match[1]) else float(match[1])
    if match := _QUANTITIES.fullmatch(text):
        return tuple(float(item) for item in match[1].split(";") if item)
    if text[:1] in ('"', "{", "["):
        try:
            return read_json(text.encode())
        except ValueError:
            return text
    return text


def read_json(text: bytes) -> Any:
    """JSON from a stranger: at most 32 levels deep, no NaN or infinity; raises ValueError."""
    depth = 0
    for bracket in _BRACKETS.findall(_JSON_TEXT.sub(b"", text)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAXIMUM_DEPTH:
            raise ValueError(f"more than {MAXIMUM_DEPTH} levels deep")
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not a number of JSON")


def plain_json(value: Any) -> Any:
    """A value as JSON can hold it: mappings with text keys, lists, numbers (not finite: text), text, None."""
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, str | bool | int) or value is None:
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    if isinstance(value, Iterable):
        return [plain_json(item) for item in value]
    return plain_json(value.item()) if hasattr(value, "item") else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
