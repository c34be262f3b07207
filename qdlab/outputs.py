"""How each bench used on this computer is switched off: for a time when runner and guardian may be gone."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from qdlab.lock import while_others_read
from qdlab.off import Instruction


def remember_outputs(bench: str, folder: Path, instructions: Iterable[Instruction]) -> None:
    """Leave word how to switch a bench off, for a time when runner and guardian may both be gone."""
    path, draft = folder / f"{bench}.outputs", folder / f"{bench}.outputs-draft"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        json.dump([asdict(instruction) for instruction in instructions], file)
        file.flush()
        os.fsync(file.fileno())
    while_others_read(lambda: draft.replace(path))


def read_outputs(bench: str, folder: Path) -> list[Instruction] | None:
    """What `remember_outputs` left; None where that cannot be read, which does not mean that all is off."""
    try:
        documents = json.loads((folder / f"{bench}.outputs").read_text(encoding="utf-8"))
        return [Instruction(**document) for document in documents] if isinstance(documents, list) else None
    except (OSError, ValueError, TypeError):
        return None


def remembered_benches(folder: Path) -> list[str]:
    """Every bench that was opened on this computer."""
    return sorted(path.stem for path in folder.glob("*.outputs"))
