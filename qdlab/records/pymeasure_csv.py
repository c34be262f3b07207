"""Any results file of PyMeasure, read as text: the procedure it names is shown, never imported.

PyMeasure's own reader imports and calls whatever class the header names, and believes a torn last row.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.curves import FloatArray
from qdlab.errors import ImportRefused
from qdlab.importers.text import read_lines
from qdlab.records.run_file import decode_value

MAXIMUM_COLUMNS = 200
_PROCEDURE = re.compile(r"#Procedure: <([^<>]{1,200})>")


@dataclass(frozen=True, kw_only=True)
class PyMeasureResults:
    """One results file.

    procedure : the class it names, as text
    parameters : name -> number (its unit dropped), truth value or text; metadata among them
    columns : heading -> (n,) numbers, or texts where the column holds any
    torn : whether the last row was cut off and is left out
    """

    procedure: str
    parameters: Mapping[str, Any]
    columns: Mapping[str, FloatArray | tuple[str, ...]]
    torn: bool


def read_pymeasure_csv(path: Path) -> PyMeasureResults:
    """Read a results file of PyMeasure.

    Raises
    ------
    ImportRefused : not such a file, or rows that do not fit its columns
    """
    lines = read_lines(path)
    match = _PROCEDURE.fullmatch(lines[0])
    if match is None:
        raise ImportRefused(
            f"{path.name}: does not begin with '#Procedure: <...>'; not a results file of PyMeasure"
        )
    torn = not path.read_bytes().endswith(b"\n")
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if not line.startswith("#")]
    if torn and numbered and numbered[-1][0] == len(lines):
        numbered.pop()
    if not numbered:
        raise ImportRefused(f"{path.name}: stops before its column headings")
    (_, head), *body = numbered
    headings = head.split(",")
    if len(headings) > MAXIMUM_COLUMNS or len(set(headings)) < len(headings):
        raise ImportRefused(f"{path.name}: its headings are not 1 to {MAXIMUM_COLUMNS} different ones")
    rows = [_fields(line, number, len(headings), path.name) for number, line in body if line]
    return PyMeasureResults(
        procedure=match[1],
        parameters=_parameters(lines),
        columns={heading: _column([row[index] for row in rows]) for index, heading in enumerate(headings)},
        torn=torn,
    )


def _parameters(lines: list[str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for line in lines:
        if not line.startswith("#"):
            break
        name, separator, text = line[2:].partition(": ")
        if line.startswith("#\t") and separator:
            parameters[name] = decode_value(text)
    return parameters


def _fields(line: str, number: int, count: int, name: str) -> list[str]:
    fields = line.partition("#")[0].split(",")
    if len(fields) != count:
        raise ImportRefused(f"{name}, line {number}: {len(fields)} fields where there are {count} columns")
    return fields


def _column(texts: list[str]) -> FloatArray | tuple[str, ...]:
    try:
        return np.array([float(text) if text else np.nan for text in texts], dtype=np.float64)
    except ValueError:
        return tuple(texts)
