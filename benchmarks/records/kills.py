"""`kill -9` of the runner behind `qdlab run`, at random instants, and what is left, resumed and replayed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

from benchmarks.records.campaigns import Points, final_points
from qdlab.records import open_session, verify_session
from qdlab.replay_wire import replay_wire

PLAN = """
name = "sweep"

[devices.film]
identifier = "li2024/hole-only/1"
layers = [{ material = "QD", thickness = "110 nm", relative_permittivity = 4.0 }]
active_layers = ["QD"]
area = "4 mm2"
simulated_as = "li2024-hole-only-110nm"

[[steps]]
kind = "temperature_sweep"
temperatures = ["297 K", "277 K", "257 K", "237 K", "217 K"]
ramp_rate = "0.2 K/s"
window = "20 s"

[[steps.steps]]
kind = "jv_sweep"
voltages = ["1 V", "2 V", "3 V", "4 V"]
settling_time = "10 ms"
"""


class Lab:
    """A folder with a plan, in which `qdlab run` is started and its runner killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runtime = folder / "runtime"
        self.runtime.mkdir(parents=True)
        self.plan = folder / "plan.toml"
        self.plan.write_text(PLAN, encoding="utf-8", newline="\n")

    def run(self, *options: str, kill_after: int | None = None) -> tuple[Path, set[int]]:
        """Run the plan; after so many events the runner is killed. The session, and the rows acknowledged."""
        output = str(self.folder / "sessions")
        command = [sys.executable, "-P", "-m", "qdlab", "run", str(self.plan), "--bench", "sim"]
        environment = {**os.environ, "QDLAB_RUNTIME_DIR": str(self.runtime)}
        acknowledged: set[int] = set()
        with subprocess.Popen(
            [*command, "--output", output, "--json-events", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
            encoding="utf-8",
        ) as process:
            assert process.stdout is not None
            for count, line in enumerate(process.stdout):
                message = json.loads(line)
                if message.get("event") == "RowRecorded":
                    acknowledged.add(message["sequence"])
                if count == kill_after:
                    os.kill(self._runner(), signal.SIGKILL)
        (session,) = (self.folder / "sessions").iterdir()
        return session, acknowledged

    def _runner(self) -> int:
        (lock,) = [file for file in self.runtime.glob("*.json") if "port" in file.read_text(encoding="utf-8")]
        return int(json.loads(lock.read_text(encoding="utf-8"))["pid"])


def uninterrupted(folder: Path) -> tuple[int, Points]:
    """How many events a whole run has, and its final points."""
    session, _ = Lab(folder).run()
    return verify_session(session).last.sequence, final_points(session)


def killed_and_resumed(folder: Path, points: Points, random: Random, events: int) -> str:
    """What is wrong after a kill, a kill of what was resumed, and a resume to the end; empty for nothing."""
    lab = Lab(folder)
    resume: tuple[str, ...] = ()
    for kill_after in (random.randrange(1, events), random.randrange(1, events), None):
        session, acknowledged = lab.run("--record-io", *resume, kill_after=kill_after)
        wrong = _damage(session, acknowledged)
        if wrong:
            return wrong
        if verify_session(session).end == "finished":
            break
        resume = ("--resume",)
    if final_points(session) != points:
        return "resumed to other final points"
    different = [part for part in replay_wire(session).parts if not part.is_identical]
    return f"{different[0].file} replayed differently: {different[0].divergence}" if different else ""


def _damage(session: Path, acknowledged: set[int]) -> str:
    found = verify_session(session)
    if not found.intact:
        return f"damaged: {found.findings}"
    present = {number for run in open_session(session).runs for number in run.rows.sequence.tolist()}
    return "" if acknowledged <= present else f"acknowledged and lost: {sorted(acknowledged - present)}"
