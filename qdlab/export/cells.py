"""Cells of exported tables: numbers to the last bit, and text that no spreadsheet takes for a formula."""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

_CALCULATED = tuple("=+-@\t\r\n＝＋－＠'")
_HEADING = re.compile(r"(.*\S) \(([^()]+)\)")


def text_cell(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would calculate.

    An apostrophe at the beginning gets another one, so that taking one away gives the text back.
    """
    return f"'{text}" if text.startswith(_CALCULATED) else text


def number_cell(value: float, *, decimal_comma: bool = False) -> str:
    """The shortest text that is read back as the same number."""
    return repr(value).replace(".", ",") if decimal_comma else repr(value)


def split_heading(heading: str) -> tuple[str, str]:
    """``Current density (A/m**2)`` as its name and its unit; the unit of what has none is empty."""
    match = _HEADING.fullmatch(heading)
    if match is None:
        return heading, ""
    return match[1], "" if match[2] == "1" else match[2].replace("**", "^")


def write_cells(path: Path, rows: Iterable[Sequence[str]], *, decimal_comma: bool = False) -> None:
    """A file of cells: UTF-8, line feeds, between commas or, with a decimal comma, semicolons."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=";" if decimal_comma else ",", lineterminator="\n").writerows(rows)
