"""Write into a dead runner's journal what the guardian did: ``python -m qdlab.aftermath SESSION < report``.

A process of its own, because the guardian loads nothing that could keep it from its work.
"""

import sys
from pathlib import Path

from qdlab.machine_clock import MachineClock
from qdlab.records.reopen import add_note


def main() -> None:
    """One journal entry with the guardian's sentences from standard input."""
    sentences = sys.stdin.buffer.read().decode("utf-8", "replace").splitlines()
    add_note(Path(sys.argv[1]), "; ".join(sentences), clock=MachineClock(), level="guardian")


if __name__ == "__main__":
    main()
