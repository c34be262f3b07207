"""What differs between two documents of plain values, in words."""

import json
import math
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

SAME = 1e-9
"""Relative difference below which two numbers are the same [1]."""


def changes(before: Any, after: Any, name: str = "") -> Iterator[str]:
    """One line for every number or word that is not what it was, ``name: before -> after``."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            yield from changes(before.get(key), after.get(key), f"{name}.{key}" if name else str(key))
    elif isinstance(before, list) and isinstance(after, list | tuple):
        for index, (one, other) in enumerate(zip_longest(before, after)):
            yield from changes(one, other, f"{name}[{index}]")
    elif not _same(before, after):
        yield f"{name}: {_shown(before)} -> {_shown(after)}"


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, int | float) and isinstance(after, int | float):
        return math.isclose(before, after, rel_tol=SAME, abs_tol=0.0)
    return bool(before == after)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
