"""Faults by script or by seed: what `qdlab sim --faults` takes.

A script is a TOML file with one table for each fault::

    [[fault]]
    box = "keithley2400"
    kind = "late_reply"         # a name in the catalogue: qdlab sim --list-faults
    matching = "READ\\\\?"        # regular expression the message must contain; the kind's own unless given
    nth = 3                     # the third such message sets it off
    times = 2                   # so often in all
    amount = 2.0                # in the unit of the kind's meaning
    lasts = 10.0                # [s]
    since = 60.0                # not before this time of the bench's clock [s]
    probability = 1.0           # at each message that fulfils the rest, from the bench's seed

``box`` and ``kind`` are needed, the rest as in `Fault`. By seed, every kind that can happen to a box and does
not stay for good happens at random, one in about `MEAN_MESSAGES` messages.
"""

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sim_instruments.fault_kinds import CATALOGUE
from sim_instruments.faults import Fault
from sim_instruments.scpi import ScpiBox

MEAN_MESSAGES = 100
"""Faults by seed: messages of a box from one fault to the next, in the mean."""

LONGEST_DRAWN = 10.0  # [s]; a fault by seed ends before a client despairs
_LARGEST_FILE = 100_000  # [bytes]
_NUMBERS = {"nth": int, "times": int, "amount": float, "lasts": float, "since": float, "probability": float}
_KEYS = ("box", "kind", "matching", *_NUMBERS)


def read_faults(path: Path, boxes: Mapping[str, ScpiBox]) -> list[tuple[str, Fault]]:
    """The faults a script plans, with the names of their boxes.

    Raises
    ------
    ValueError
        Unreadable, not TOML, an unknown box, kind or key, a value that makes no fault, or a fault that cannot
        happen to the box; the message names file, fault and key.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError(f"{path}: larger than {_LARGEST_FILE} bytes; this is no script of faults")
        script = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None
    tables = script.pop("fault", None)
    if script or not isinstance(tables, list) or not tables:
        raise ValueError(f"{path}: a script of faults holds [[fault]] tables and nothing else")
    return [_fault(table, boxes, f"{path}, fault {number}") for number, table in enumerate(tables, 1)]


def drawn_faults(boxes: Mapping[str, ScpiBox]) -> Iterator[tuple[str, Fault]]:
    """Faults at random times for every box; what strikes when is left to the lines' seed."""
    for name, box in boxes.items():
        kinds = [
            kind
            for kind in CATALOGUE.values()
            if math.isfinite(kind.lasts) and kind.name != "device_degrades" and kind.can_happen_to(box)
        ]
        for kind in kinds:
            yield (
                name,
                Fault(
                    kind.name,
                    probability=1 / (MEAN_MESSAGES * len(kinds)),
                    times=math.inf,
                    lasts=min(kind.lasts, LONGEST_DRAWN),
                ),
            )


def fault_page() -> str:
    """The catalogue as a table: kind, size and duration unless told otherwise, boxes, meaning."""
    lines = ["kind                     amount  lasts [s]  meaning; the boxes it can happen to"]
    for kind in CATALOGUE.values():
        lasts = "for good" if math.isinf(kind.lasts) else f"{kind.lasts:g}" if kind.lasts else "once"
        amount = f"{kind.amount:g}" if "`amount`" in kind.meaning else ""
        boxes = f"; {', '.join(kind.boxes)}" if kind.boxes else ""
        lines.append(f"{kind.name:24} {amount:>6}  {lasts:>9}  {kind.meaning}{boxes}")
    return "\n".join(lines)


def _fault(table: Any, boxes: Mapping[str, ScpiBox], where: str) -> tuple[str, Fault]:
    if not isinstance(table, dict):
        raise ValueError(f"{where} = {table!r}: write it as a [[fault]] table")
    for key in table:
        if key not in _KEYS:
            raise ValueError(f"{where}: unknown key {key!r}; there are {', '.join(_KEYS)}")
    name, kind = table.get("box"), table.get("kind")
    if not isinstance(name, str) or name not in boxes:
        raise ValueError(f"{where}: box = {name!r} is not one of {', '.join(boxes)}")
    if not isinstance(kind, str) or kind not in CATALOGUE:
        raise ValueError(f"{where}: kind = {kind!r} is not in the catalogue; see qdlab sim --list-faults")
    conditions: dict[str, Any] = {
        key: _number(table[key], wanted, f"{where}: {key}")
        for key, wanted in _NUMBERS.items()
        if key in table
    }
    if "matching" in table:
        conditions["matching"] = _pattern(table["matching"], f"{where}: matching")
    try:
        CATALOGUE[kind].check(boxes[name])
        return name, Fault(kind, **conditions)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _number(value: Any, wanted: type[int] | type[float], name: str) -> float:
    kinds = (int,) if wanted is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise ValueError(f"{name} = {value!r} is no {'whole ' if wanted is int else ''}number")
    return value


def _pattern(text: Any, name: str) -> bytes:
    try:
        pattern = text.encode("latin-1")
        re.compile(pattern)
    except (AttributeError, UnicodeEncodeError, re.error) as error:
        raise ValueError(f"{name} = {text!r} is no regular expression: {error}") from None
    return pattern
