"""Lines of text as columns of numbers: separator, decimal sign, header and units found, or asked about."""

import csv
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from qdlab.errors import ImportRefused

Decimal = Literal[".", ","]

MAXIMUM_COLUMNS = 200
"""Most columns a table may have."""

NEWEST_RUN_FORMAT = 1
"""The newest ``#Format: qdlab-run`` this reader knows."""

_NUMBER = {
    ".": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?"),
    ",": re.compile(r"[+-]?(\d+(,\d+)?|,\d+)([eEdD][+-]?\d+)?"),
}
_NOT_A_NUMBER = re.compile(r"[+-]?(nan|inf(inity)?)|--|n/?a", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_UNIT_IN_NAME = re.compile(
    r"(?P<name>.*?)\s*(?:\((?P<round>[^()]*)\)|\[(?P<square>[^\[\]]*)\]|/\s*(?P<slash>\S+))\s*"
    r"(?:(?:SMU|CH)\W?\d+)?\s*"  # KickStart's instrument behind the unit
)
_ORIGIN_MARKUP = re.compile(r"\\[+-]\(([^()]*)\)")  # raised and lowered text of an Origin worksheet
_PARAMETER = re.compile(r"#\s*(?P<name>[^:#=]{1,60})[:=]\s*(?P<value>.{0,200})")
_SPACES = " "
_LAYOUTS: tuple[tuple[str, Decimal], ...] = (
    ("\t", "."),
    (";", "."),
    (",", "."),
    (_SPACES, "."),
    ("\t", ","),
    (";", ","),
    (_SPACES, ","),
)
_SEPARATOR_NAMES = {"\t": "tabs", ";": "semicolons", ",": "commas", _SPACES: "spaces"}


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns of one file, as text said they are.

    Parameters
    ----------
    source : name of the file, for messages
    names : one per column; empty where the file has no header
    units : one per column; "" where the file does not say
    rows : numbers, NaN for declared missing values and for text columns
    text : the same rows as text
    line_numbers : of the rows, from 1
    parameters : ``# name: value`` lines of the head, names in lower case
    declares_missing : whether the format itself writes NaN for missing values (PyMeasure, our run files)
    """

    source: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    text: tuple[tuple[str, ...], ...]
    line_numbers: tuple[int, ...]
    parameters: dict[str, str] = field(default_factory=dict)
    declares_missing: bool = False

    @property
    def width(self) -> int:
        return len(self.rows[0])


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    separator: str
    decimal: Decimal
    fields: dict[int, tuple[str, ...]]  # line number -> fields, of every line of the body
    data: tuple[int, ...]  # line numbers that hold numbers only, all of one width

    @property
    def width(self) -> int:
        return len(self.fields[self.data[0]]) if self.data else 0

    def values(self) -> list[tuple[float, ...]]:
        return [tuple(_number(text, self.decimal) for text in self.fields[line]) for line in self.data]


def parse_table(lines: Sequence[str], source: str, *, decimal: Decimal | None = None) -> Table:
    """Find the table in the lines of a file.

    Parameters
    ----------
    lines : of the file
    source : its name, for messages
    decimal : the decimal sign, where the file leaves it open

    Raises
    ------
    ImportRefused
        No table, more than one way to read it, or text where numbers belong; says which line.
    """
    declares_missing = _check_format(lines, source)
    body = {
        number: line
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    }
    candidate = _choose(body, source, decimal)
    first = candidate.data[0]
    names, units = _header(candidate, lines, first)
    _refuse_text_among_numbers(candidate, source, has_header=bool(names))
    if candidate.width > MAXIMUM_COLUMNS:
        raise ImportRefused(
            f"{source} has {candidate.width} columns, more than {MAXIMUM_COLUMNS}; cut out the curve"
        )
    return Table(
        source=source,
        names=names,
        units=units,
        rows=tuple(candidate.values()),
        text=tuple(candidate.fields[line] for line in candidate.data),
        line_numbers=candidate.data,
        parameters=_parameters(lines),
        declares_missing=declares_missing,
    )


def _check_format(lines: Sequence[str], source: str) -> bool:
    first = lines[0].lstrip("\ufeff") if lines else ""
    match = re.fullmatch(r"#Format:\s*qdlab-run\s+(\d{1,6})\s*", first)
    if match and int(match[1]) > NEWEST_RUN_FORMAT:
        raise ImportRefused(
            f"{source} is run file format {match[1]}; this version reads up to {NEWEST_RUN_FORMAT}"
        )
    return bool(match) or first.startswith("#Procedure:")


def _parameters(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines[:2000]:
        match = _PARAMETER.fullmatch(line.rstrip())
        if match:
            found.setdefault(match["name"].strip().lower(), match["value"].strip())
    return found


def _choose(body: dict[int, str], source: str, decimal: Decimal | None) -> _Candidate:
    """The one reading of the body that explains most lines; readings that disagree are asked about."""
    layouts = [layout for layout in _LAYOUTS if decimal in (None, layout[1])]
    candidates = [_candidate(body, separator, sign) for separator, sign in layouts]
    most = max(len(candidate.data) for candidate in candidates)
    if most == 0:
        return _with_text_columns(body, source, decimal)
    best = [candidate for candidate in candidates if len(candidate.data) == most]
    readings = {_comparable(candidate.values()) for candidate in best}
    if len(readings) > 1:
        told = " or ".join(f"{_SEPARATOR_NAMES[one.separator]} with decimal {one.decimal!r}" for one in best)
        raise ImportRefused(f"{source} can be read in more than one way ({told}); say which with --decimal")
    chosen = best[0]
    _refuse_ambiguous_commas(chosen, source, decimal)
    return chosen


def _candidate(body: dict[int, str], separator: str, decimal: Decimal) -> _Candidate:
    fields = {number: _split(line, separator) for number, line in body.items()}
    numeric = [number for number, parts in fields.items() if len(parts) > 1 and _all_numbers(parts, decimal)]
    widths = Counter(len(fields[number]) for number in numeric)
    width = max(widths, key=lambda count: (widths[count], count)) if widths else 0
    data = tuple(number for number in numeric if len(fields[number]) == width)
    return _Candidate(separator=separator, decimal=decimal, fields=fields, data=data)


def _split(line: str, separator: str) -> tuple[str, ...]:
    if separator == _SPACES:
        return tuple(line.split())
    parts = next(csv.reader([line.rstrip("\r\n")], delimiter=separator), [])
    while len(parts) > 1 and not parts[-1].strip():
        parts.pop()
    return tuple(part.strip() for part in parts)


def _all_numbers(parts: Sequence[str], decimal: Decimal) -> bool:
    return all(_is_number(part, decimal) for part in parts)


def _is_number(text: str, decimal: Decimal) -> bool:
    return bool(_NUMBER[decimal].fullmatch(text) or _NOT_A_NUMBER.fullmatch(text))


def _number(text: str, decimal: Decimal) -> float:
    if not _NUMBER[decimal].fullmatch(text):
        return math.nan
    return float(text.replace(",", ".").replace("d", "e").replace("D", "e"))


def _comparable(values: list[tuple[float, ...]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(repr(value) for value in row) for row in values)


def _refuse_ambiguous_commas(chosen: _Candidate, source: str, decimal: Decimal | None) -> None:
    """Commas that could be thousands, or decimal signs where they separate."""
    if decimal is not None:
        return
    texts = [text for line in chosen.data for text in chosen.fields[line]]
    with_comma = [text for text in texts if "," in text]
    if chosen.decimal == "," and with_comma and all(_THOUSANDS.fullmatch(text) for text in with_comma):
        raise ImportRefused(
            f"{source}: the comma in {with_comma[0]!r} may be a decimal sign or mark thousands; "
            "say --decimal , or write the file without thousands marks"
        )
    bare = chosen.separator == "," and chosen.width % 2 == 0 and chosen.width > 2
    if bare and chosen.data[0] == min(chosen.fields) and all(text.lstrip("+-").isdigit() for text in texts):
        raise ImportRefused(
            f"{source}: its commas may separate columns or be decimal signs; export it with semicolons or "
            f"tabs, "
            "or say --decimal ."
        )


def _with_text_columns(body: dict[int, str], source: str, decimal: Decimal | None) -> _Candidate:
    """A table with a header and some columns of text (our run files, logs)."""
    for separator, sign in _LAYOUTS:
        if separator == _SPACES or decimal not in (None, sign):
            continue
        fields = {number: _split(line, separator) for number, line in body.items()}
        for head, names in fields.items():
            if len(names) < 2 or any(_is_number(name, sign) for name in names):
                continue
            rows = [
                number for number, parts in fields.items() if number > head and _is_row(parts, names, sign)
            ]
            if rows:
                padded = {
                    number: parts + ("",) * (len(names) - len(parts)) if number in rows else parts
                    for number, parts in fields.items()
                }
                return _Candidate(separator=separator, decimal=sign, fields=padded, data=tuple(rows))
            break
    _refuse_without_table(body, source)
    raise AssertionError("unreachable")


def _is_row(parts: Sequence[str], names: Sequence[str], decimal: Decimal) -> bool:
    numbers = sum(_is_number(part, decimal) for part in parts)
    return numbers >= 2 and 2 <= len(parts) <= len(names) and _is_number(parts[0], decimal)


def _refuse_without_table(body: dict[int, str], source: str) -> None:
    if not body:
        raise ImportRefused(f"{source} holds no rows of data")
    single = sum(_is_number(line.strip(), ".") or _is_number(line.strip(), ",") for line in body.values())
    if single >= max(1, len(body) - 1):
        raise ImportRefused(f"{source} has one column; voltage and current need two")
    number, line = next(iter(body.items()))
    raise ImportRefused(
        f"{source}, line {number}: {line.strip()[:40]!r} where two or more columns of numbers belong"
    )


def _refuse_text_among_numbers(candidate: _Candidate, source: str, *, has_header: bool) -> None:
    """Lines after the first row must be rows; a footer of text is allowed where there is a header."""
    data = set(candidate.data)
    last = candidate.data[-1]
    for number, parts in candidate.fields.items():
        if number in data or (number < candidate.data[0] and not _looks_like_row(parts, candidate)):
            continue
        if number > last and has_header and not any(_is_number(part, candidate.decimal) for part in parts):
            continue
        wrong = next((part for part in parts if not _is_number(part, candidate.decimal)), None)
        if wrong is None:
            raise ImportRefused(
                f"{source}, line {number} has {len(parts)} columns where the others have {candidate.width}"
            )
        raise ImportRefused(
            f"{source}, line {number}: {wrong[:40]!r} is not a number; correct or remove the line"
        )


def _looks_like_row(parts: Sequence[str], candidate: _Candidate) -> bool:
    return len(parts) == candidate.width and _is_number(parts[0], candidate.decimal)


def _header(
    candidate: _Candidate, lines: Sequence[str], first: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and units from up to three text lines above the first row that have as many fields."""
    above: list[tuple[str, ...]] = []
    for number in range(first - 1, 0, -1):
        line = lines[number - 1]
        if not line.strip():
            continue
        parts = _header_fields(line, candidate)
        if parts is None or len(above) == 3:
            break
        above.insert(0, parts)
    if not above:
        return (), ("",) * candidate.width
    names, units = zip(*(_name_and_unit(text) for text in above[0]), strict=True)
    if not any(units) and len(above) > 1:
        units = tuple(_without_markup(text).strip("()[] ") for text in above[1])
    return names, units


def _header_fields(line: str, candidate: _Candidate) -> tuple[str, ...] | None:
    text = line.lstrip("#%! \t") if line.lstrip().startswith("#") else line
    for parts in (_split(text, candidate.separator), tuple(re.split(r"\t|\s{2,}", text.strip()))):
        if len(parts) == candidate.width and not any(_is_number(part, candidate.decimal) for part in parts):
            return parts
    return None


def _name_and_unit(text: str) -> tuple[str, str]:
    match = _UNIT_IN_NAME.fullmatch(_without_markup(text))
    if match is None:
        return text, ""
    unit = match["round"] or match["square"] or match["slash"] or ""
    return match["name"], unit.strip("()[] ")


def _without_markup(text: str) -> str:
    return _ORIGIN_MARKUP.sub(r"\1", text)
