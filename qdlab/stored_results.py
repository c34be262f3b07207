"""Results kept in a session's `results` folder, and what a new analysis changed about them.

They are derived: deleting them loses nothing, and reading them never decides anything.
"""

import json
import math
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = "results"
MAXIMUM_SIZE = 1 << 24
SAME = 1e-9
"""Relative difference below which two numbers are the same [1]."""


def results_file(session: Path, convention: str) -> Path:
    """Where a session's results under a convention are kept."""
    return session / FOLDER / f"analysis-{convention}.json"


def read_results(session: Path, convention: str) -> dict[str, Any] | None:
    """What was stored last; None where there is nothing readable."""
    path = results_file(session, convention)
    try:
        if path.stat().st_size > MAXIMUM_SIZE:
            return None
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and isinstance(document.get("results"), dict) else None


def store_results(session: Path, convention: str, results: Mapping[str, Any]) -> Path:
    """Keep results, with the version that found them, in place of those stored before; the file written."""
    path = results_file(session, convention)
    path.parent.mkdir(exist_ok=True)
    document = {"qdlab": version("qdlab"), "convention": convention, "results": results}
    new = path.with_suffix(".new")
    new.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8", newline="\n")
    new.replace(path)
    return path


def changes(before: Any, after: Any, name: str = "") -> Iterator[str]:
    """One line for every number or word that is not what it was, ``name: before -> after``."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            yield from changes(before.get(key), after.get(key), f"{name}.{key}" if name else str(key))
    elif isinstance(before, list) and isinstance(after, list | tuple) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
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
