"""One owner per bench, as other processes see it."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qdlab.lock import BenchInUse, BenchLock, HeldFile, LockFacts, is_held, read_lock

HOLDER = """
import sys
from pathlib import Path
from qdlab.lock import BenchInUse, BenchLock
lock = BenchLock("lab", Path(sys.argv[1]))
try:
    lock.acquire()
except BenchInUse as refusal:
    print(refusal, flush=True)
else:
    print("mine", flush=True)
    sys.stdin.read()
"""

FACTS = LockFacts(
    pid=4711,
    guardian_pid=4712,
    port=50001,
    guardian_port=50002,
    token="secret",
    owner="ada@probe-station (qdlab run)",
    started="2026-11-22T08:00:00Z",
    bench="lab",
)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def holder() -> subprocess.Popen[str]:
        words = [sys.executable, "-P", "-c", HOLDER, str(tmp_path)]
        started.append(subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield holder
    for process in started:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[BenchLock]:
    lock = BenchLock("lab", tmp_path)
    yield lock
    lock.release()


def test_a_second_program_is_refused_with_the_owners_name(lock: BenchLock, start) -> None:
    lock.acquire()
    lock.publish(FACTS)
    refusal = said(start())
    assert FACTS.owner in refusal
    assert "4711" in refusal
    assert "since 2026-11-22T08:00:00Z" in refusal


def test_two_programs_in_one_process_are_told_apart_too(lock: BenchLock, tmp_path: Path) -> None:
    lock.acquire()
    with pytest.raises(BenchInUse, match="being opened"):
        BenchLock("lab", tmp_path).acquire()


def test_the_bench_is_free_as_soon_as_its_owner_was_killed(lock: BenchLock, start, tmp_path: Path) -> None:
    owner = start()
    assert said(owner) == "mine"
    assert is_held("lab", tmp_path)
    owner.kill()
    owner.wait()
    assert not is_held("lab", tmp_path)
    lock.acquire()


def test_what_a_dead_owner_left_is_stale_though_its_process_number_lives(
    lock: BenchLock, tmp_path: Path
) -> None:
    dead = BenchLock("lab", tmp_path)
    dead.publish(replace(FACTS, pid=os.getpid()))
    assert not is_held("lab", tmp_path)
    lock.acquire()
    assert read_lock("lab", tmp_path) is None


def test_of_many_that_want_a_bench_at_once_one_gets_it(start) -> None:
    answers = [said(process) for process in [start() for _ in range(8)]]
    assert answers.count("mine") == 1


def test_other_benches_are_free(lock: BenchLock, tmp_path: Path) -> None:
    lock.acquire()
    other = BenchLock("sim", tmp_path)
    other.acquire()
    other.release()


def test_a_released_bench_leaves_no_facts_behind(lock: BenchLock, tmp_path: Path) -> None:
    lock.acquire()
    lock.publish(FACTS)
    assert read_lock("lab", tmp_path) == FACTS
    lock.release()
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.skipif(os.name == "nt", reason="access rights are not a mode there")
def test_the_token_is_readable_by_the_owner_only(lock: BenchLock, tmp_path: Path) -> None:
    lock.acquire()
    lock.publish(FACTS)
    assert stat.S_IMODE((tmp_path / "lab.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"surplus": 1}'])
def test_a_damaged_lock_file_is_no_lock_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "lab.json").write_text(text, encoding="utf-8")
    assert read_lock("lab", tmp_path) is None


def test_a_held_file_waits_for_its_predecessor(tmp_path: Path) -> None:
    first, second = HeldFile(tmp_path / "guardian"), HeldFile(tmp_path / "guardian")
    assert first.hold()
    assert not second.hold(patience=0.0)
    first.release()
    assert second.hold()
    second.release()
