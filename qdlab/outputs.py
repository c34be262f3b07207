"""How each bench used on this computer is switched off: for a time when runner and guardian may be gone."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from qdlab.off import Instruction


def remember_outputs(bench: str, folder: Path, instructions: Iterable[Instruction]) -> None:
    """Leave word how to switch a bench off, for a time when runner and guardian may both be gone."""
    path = folder / f"{bench}.outputs"
    path.touch(mode=0o600)
    path.write_text(json.dumps([asdict(instruction) for instruction in instructions]), encoding="utf-8")


def read_outputs(bench: str, folder: Path) -> list[Instruction]:
    """What `remember_outputs` left; empty where nothing was left."""
    try:
        documents = json.loads((folder / f"{bench}.outputs").read_text(encoding="utf-8"))
        return [Instruction(**document) for document in documents]
    except (OSError, ValueError, TypeError):
        return []


def remembered_benches(folder: Path) -> list[str]:
    """Every bench that was opened on this computer."""
    return sorted(path.stem for path in folder.glob("*.outputs"))
