"""``qdlab`` and ``python -m qdlab``."""

import sys

from qdlab.cli import run_command_line


def main() -> int:
    """Run the command line this process was started with; returns the exit status."""
    return run_command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
