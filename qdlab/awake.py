"""Keep the computer awake while a plan runs, and say what could put it to sleep."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CONTINUOUS, _SYSTEM_REQUIRED = 0x80000000, 0x00000001


@contextmanager
def computer_kept_awake(reason: str) -> Iterator[bool]:
    """Ask the system not to sleep inside the block; yields whether it was asked.

    On Windows the request belongs to the calling thread (SetThreadExecutionState), elsewhere to a helper
    that ends with its pipe, so that a killed runner leaves nothing behind.
    """
    if os.name == "nt":
        import ctypes

        kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
        asked = bool(kernel.SetThreadExecutionState(_CONTINUOUS | _SYSTEM_REQUIRED))
        try:
            yield asked
        finally:
            kernel.SetThreadExecutionState(_CONTINUOUS)
        return
    command = _inhibitor(reason)
    if command is None:
        yield False
        return
    helper = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield True
    finally:
        assert helper.stdin is not None
        with suppress(OSError):
            helper.stdin.close()
        helper.wait()


def sleep_warning() -> str | None:
    """A sentence when the computer may fall asleep during a run; None when all is well."""
    if os.name == "nt":
        shown = _output("powercfg", "/query", "SCHEME_CURRENT", "SUB_SLEEP", "STANDBYIDLE")
        # the first of the two values printed is the one on mains; it is 0x00000000 for "never"
        indices = [line.rsplit(":", 1)[-1].strip() for line in shown.splitlines() if "0x" in line][-2:]
        if indices and int(indices[0], 16) > 0:
            minutes = int(indices[0], 16) // 60
            return f"Windows sleeps after {minutes} min; 'powercfg /change standby-timeout-ac 0' prevents it"
        return None
    if _inhibitor("") is None:
        return "a run cannot keep this computer awake; switch automatic sleep off in its settings"
    return None


def _inhibitor(reason: str) -> list[str] | None:
    if sys.platform == "darwin":
        return ["caffeinate", "-i", "cat"]
    found = shutil.which("systemd-inhibit")
    if found is None or not Path("/run/systemd/system").is_dir():
        return None
    return [found, "--what=sleep:idle", "--who=qdlab", f"--why={reason}", "--mode=block", "cat"]


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
