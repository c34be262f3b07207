"""A slow disk is announced to the guardian, but only what the measuring loop itself waits for."""

import threading
from pathlib import Path

from qdlab.watched_disk import SLOW_DISK, WatchedDisk


def put_a_row(disk: WatchedDisk, path: Path) -> None:
    handle = disk.create(path)
    disk.write(handle, b"row\n")
    disk.sync(handle)
    disk.close(handle)
    disk.sync_folder(path.parent)


def test_a_wait_for_the_disk_is_announced_and_its_end_too(tmp_path: Path) -> None:
    announced: list[float] = []
    put_a_row(WatchedDisk(announced.append), tmp_path / "row")
    assert announced == [SLOW_DISK, 0.0] * 3
    assert (tmp_path / "row").read_bytes() == b"row\n"


def test_what_another_thread_writes_is_no_sign_of_life_of_the_measuring_loop(tmp_path: Path) -> None:
    announced: list[float] = []
    disk = WatchedDisk(announced.append)
    other = threading.Thread(target=put_a_row, args=(disk, tmp_path / "row"))
    other.start()
    other.join()
    assert announced == []
    assert (tmp_path / "row").read_bytes() == b"row\n"
