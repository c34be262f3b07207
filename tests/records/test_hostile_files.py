"""Files from strangers who mean harm are read as text or refused; nothing in them runs or takes for ever."""

import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("pipes and links of POSIX are among the cases", allow_module_level=True)

from benchmarks.records import hostile, trials
from qdlab.records import open_session


@pytest.fixture(scope="module", autouse=True)
def everything_imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Modules are loaded before the guard watches: afterwards every import is a finding."""
    hostile.load_everything(tmp_path_factory.mktemp("warm"))


def test_the_guard_sees_what_it_is_there_to_see(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with hostile.GUARD.watching(tmp_path) as events:
        (tmp_path / "file").read_bytes()
        assert events == []
        eval("1 + 1")  # noqa: S307
        Path("/etc/hostname").exists()
        (tmp_path / "file").write_bytes(b"")
    assert any(event.startswith("compile") or event.startswith("exec") for event in events)
    assert any(event.startswith("open") for event in events)


def test_the_corpus_runs_nothing_and_is_read_or_refused_in_time(tmp_path: Path) -> None:
    tried = 0
    wrong = {}
    for name, path in hostile.corpus(tmp_path, large=5_000_000):
        if found := hostile.try_case(path):
            wrong[name] = found
        tried += 1
    assert wrong == {}
    assert tried >= 60


def test_mutated_sessions_run_nothing(tmp_path: Path) -> None:
    """300 mutations (seed 1); 100 000 in `benchmarks`."""
    for wrong in hostile.mutations(tmp_path, 300, seed=1):
        assert not wrong


def test_a_forged_run_of_another_session_is_refused(tmp_path: Path) -> None:
    path = trials.closed_session(tmp_path)
    forged = hostile.forged_run(hostile.plain_header(), hostile.HEADINGS, [hostile.ROW])
    (path / "runs" / "0003-JVSweep-B1-S2-P3.csv").write_bytes(forged)
    with pytest.raises(Exception, match="another session"):
        open_session(path)
