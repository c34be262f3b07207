"""Start a runner for a bench, detached from whoever starts it."""

import getpass
import json
import platform
import subprocess
import sys

from qdlab.errors import ConfigError, QdlabError
from qdlab.guardian_link import detached
from qdlab.lock import LockFacts
from qdlab.paths import file_stem, log_directory


class RunnerFailed(QdlabError):
    """The runner could not be started; its own sentence says why."""


def owner_name(program: str) -> str:
    """Who uses a bench, for the lock file and for whoever finds it taken."""
    return f"{getpass.getuser()}@{platform.node() or 'this computer'} ({program})"


def start_runner(
    bench: str, *, owner: str, linger: float = 10.0
) -> tuple[LockFacts, subprocess.Popen[bytes]]:
    """Start a runner and wait until it has opened its bench.

    Parameters
    ----------
    bench : path of a bench file, or ``sim``
    owner : see `owner_name`
    linger : how long it waits for work or a client before it ends [s]

    Returns
    -------
    facts : what its lock file says; attach with `qdlab.protocol.Client`
    process : the runner; it lives on when this process ends

    Raises
    ------
    RunnerFailed, ConfigError : the bench is in use, its file is wrong, or its boxes do not answer
    """
    log = log_directory() / f"runner-{file_stem(bench)[-60:]}.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "qdlab.runner",
                "--bench",
                bench,
                "--owner",
                owner,
                "--linger",
                str(linger),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            **detached(),
        )
    assert process.stdout is not None
    # the one line a runner says here; from then on it is reached through its port
    with process.stdout as said:
        line = said.readline()
    if not line:
        process.wait()
        raise RunnerFailed(f"the runner ended while it started; {log} says why")
    answer = json.loads(line)
    if "refused" in answer:
        process.wait()
        refusal = ConfigError if answer["exit_status"] == ConfigError.exit_status else RunnerFailed
        raise refusal(answer["refused"])
    return LockFacts(**answer["ready"]), process
