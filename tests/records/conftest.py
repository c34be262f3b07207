"""Recorded sessions to look at."""

from pathlib import Path

import pytest

from benchmarks.records import trials


@pytest.fixture
def closed_session(tmp_path: Path) -> Path:
    """A session of two runs, closed."""
    return trials.closed_session(tmp_path)


@pytest.fixture
def interrupted_session(tmp_path: Path) -> Path:
    """The same as a kill leaves it, in the middle of a third run."""
    return trials.interrupted_session(tmp_path)
