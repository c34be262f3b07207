"""The reader in `examples`, written from the description of the format, against ours."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.records import damage
from qdlab.records import open_session


@pytest.fixture
def reader(project_root: Path) -> dict:
    return runpy.run_path(str(project_root / "examples" / "read_session.py"))


def test_it_is_sixty_lines_of_the_standard_library(project_root: Path) -> None:
    text = (project_root / "examples" / "read_session.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    imported = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert imported == ["import hashlib", "import json", "import sys", "from pathlib import Path"]


@pytest.mark.parametrize("which", ["closed_session", "interrupted_session"])
def test_it_reads_every_value_as_ours_does(reader: dict, which: str, request: pytest.FixtureRequest) -> None:
    session = open_session(request.getfixturevalue(which))
    for run in session.runs:
        headings, rows, end = reader["read_run"](session.path / "runs" / f"{run.name}.csv")
        assert headings == ["sequence", "time (s)", "utc", *run.header.columns, "flags"]
        assert end == run.end
        for row, recorded in zip(rows, run.recorded_rows(), strict=True):
            assert int(row[0]) == recorded.sequence
            assert float(row[1]) == recorded.time
            assert [float(text) for text in row[3:-1]] == list(recorded.values.values())
            assert frozenset(row[-1].split()) == recorded.flags
    entries = reader["read_journal"](session.path)
    assert [entry["text"] for entry in entries] == [entry.text for entry in session.journal]


def test_it_refuses_what_ours_refuses(reader: dict, closed_session: Path) -> None:
    """Every 97th bit of a run file and of the journal."""
    run = sorted((closed_session / "runs").iterdir())[0]
    for file, read in (
        (run, lambda: reader["read_run"](run)),
        (None, lambda: reader["read_journal"](closed_session)),
    ):
        path = file or closed_session / "journal.jsonl"
        content = path.read_bytes()
        for bit in range(0, 8 * len(content) - 8, 97):
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << (bit % 8)
            path.write_bytes(changed)
            with pytest.raises(ValueError, match=r".*"):
                read()
        path.write_bytes(content)
    assert damage.is_prefix(open_session(closed_session), open_session(closed_session))


def test_it_runs_on_its_own(project_root: Path, closed_session: Path) -> None:
    command = [sys.executable, "-I", str(project_root / "examples" / "read_session.py"), str(closed_session)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert "0002-JVSweep-B1-S2-P3.csv: 4 rows" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("; stopped")
