"""Disks that fill up, fail or vanish: nothing acknowledged is lost, and no run claims more than it holds."""

import errno
import itertools
import shutil
from pathlib import Path
from random import Random

import pytest

from benchmarks.records.faults import (
    STORAGE_ERRORS,
    FailingDisk,
    FullDisk,
    StoppingDisk,
    calls_of_a_session,
    record_on,
    violations,
    was_told,
)
from benchmarks.records.trials import StepClock, jv_header, jv_row, new_session
from qdlab.records import SessionWriter, StorageFailed, open_session, read_run, verify_session
from qdlab.records.layout import RESERVE_FILE


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
def test_a_storage_error_at_any_call_loses_nothing_acknowledged(tmp_path: Path, for_good: bool) -> None:
    calls = calls_of_a_session(tmp_path / "whole")
    assert calls > 60
    errors = itertools.cycle(STORAGE_ERRORS)
    for at in range(1, calls + 1):
        disk = FailingDisk(at=at, error=next(errors), for_good=for_good)
        outcome = record_on(disk, tmp_path / str(at))
        assert not violations(outcome), f"call {at} of {calls}"
        assert was_told(outcome), f"call {at} failed and nobody was told"


def test_the_reserve_makes_room_for_a_true_end(tmp_path: Path) -> None:
    whole = record_on(FullDisk(1 << 30), tmp_path / "whole").path
    assert whole is not None
    needed = sum(file.stat().st_size for file in whole.rglob("*") if file.is_file())
    for room in range(300_000, 262_144 + needed - 2500, 97):
        outcome = record_on(FullDisk(room), tmp_path / str(room))
        begun = bool(outcome.acknowledged)
        assert not violations(outcome, room_for_the_end=begun), f"room for {room} bytes"


def test_a_full_disk_ends_the_run_as_failed_storage(tmp_path: Path) -> None:
    disk = FullDisk(1 << 30)
    session = new_session(tmp_path, storage=disk)
    run = session.open_run(jv_header())
    run.write(jv_row(0.5))
    disk.room = 40
    with pytest.raises(StorageFailed, match=r"storage: runs/0001.*No space left on device"):
        run.write(jv_row(1.0))
    with pytest.raises(StorageFailed):
        run.write(jv_row(1.5))
    ended = run.end("finished")
    session.close("finished")
    assert (ended.end, ended.rows) == ("failed", 1)
    assert ended.reason.startswith("storage: ")
    read = open_session(session.path)
    assert (read.end, read.runs[0].end, len(read.runs[0].rows)) == ("failed", "failed", 1)
    assert any(entry.text == "storage failed" for entry in read.journal)
    assert verify_session(session.path).intact


def test_the_reason_goes_to_standard_error_when_no_file_takes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = FailingDisk(at=10_000, error=errno.EIO, for_good=True)
    session = new_session(tmp_path, storage=disk)
    run = session.open_run(jv_header())
    run.write(jv_row(0.5))
    disk.at = disk.calls + 1
    with pytest.raises(StorageFailed):
        run.write(jv_row(1.0))
    run.end("finished")
    session.close()
    assert "storage failed" in capsys.readouterr().err
    read = read_run(run.path)
    assert read.interrupted
    assert len(read.rows) == 1


@pytest.mark.skipif("sys.platform == 'win32'", reason="Windows does not delete a file that is being written")
def test_a_folder_that_vanishes_under_the_recorder_is_a_storage_error(tmp_path: Path) -> None:
    session = new_session(tmp_path)
    run = session.open_run(jv_header())
    run.write(jv_row(0.5))
    shutil.rmtree(session.path)
    with pytest.raises(StorageFailed, match="deleted"):
        run.write(jv_row(1.0))
    assert run.end("finished").end == "failed"
    session.close()


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageFailed, match="a session cannot be made there"):
        new_session(tmp_path / "file")


def test_a_stop_at_any_call_leaves_an_intact_interrupted_session(tmp_path: Path) -> None:
    """Every call of the recorder, with the page cache surviving and with the power cut (seed 20261122)."""
    random = Random(20261122)
    calls = calls_of_a_session(tmp_path / "whole")
    for at, power_cut in itertools.product(range(1, calls + 1), (False, True)):
        disk = StoppingDisk(at=at)
        outcome = record_on(disk, tmp_path / f"{at}-{power_cut}")
        if power_cut:
            disk.cut_power(random)
        assert not violations(outcome), f"call {at} of {calls}, power cut {power_cut}"


def test_what_a_stop_left_can_be_gone_on_with(tmp_path: Path) -> None:
    calls = calls_of_a_session(tmp_path / "whole")
    for at in range(20, calls, 7):
        outcome = record_on(StoppingDisk(at=at), tmp_path / str(at))
        if not outcome.acknowledged or outcome.path is None:
            continue
        session = SessionWriter.resume(outcome.path, clock=StepClock())
        run = session.open_run(jv_header())
        run.write(jv_row(0.5))
        run.end("finished")
        session.close()
        assert verify_session(outcome.path).intact, f"call {at}"
        assert not (outcome.path / RESERVE_FILE).exists()
