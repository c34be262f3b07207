"""Results kept in a session's `results` folder, and what a new analysis changed about them.

They are derived: deleting them loses nothing, and reading them never decides anything.
"""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = "results"
MAXIMUM_SIZE = 1 << 24


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
