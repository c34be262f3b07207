"""How surely and how fast outputs go off when the runner dies, hangs, or loses its guardian.

The simulated bench runs in a process of its own and its wire log is the witness: times are those at which the
box took the message, not those the program under test reports.
"""

import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qdlab.guardian_link import SHORTEST
from qdlab.lock import HeldFile
from qdlab.protocol import Client, LockFacts

SEED = 5
ROLES = {
    "source_meter": "keithley2400",
    "light_meter": "keithley6514",
    "pulse_generator": "mfg2230m",
    "temperature_controller": "lakeshore336",
}
DEVICE = Path(__file__).resolve().parents[1] / "examples" / "device-hole-only.toml"
PLAN = """
name = "curve"
[devices]
pixel = "{device}"
[[steps]]
kind = "jv_sweep"
voltages = {{ start = "0 V", stop = "1 V", points = 1000 }}
settling_time = "1 ms"
power_line_cycles = 0.1
compliance_current = "20 mA"
"""
HANGING_RUNNER = """
import re, sys
import qdlab.runner

class HangingRunner(qdlab.runner.Runner):
    heard = 0

    def _listen(self, what):
        super()._listen(what)
        self.heard += 1
        if self.heard == {row}:
            re.match("(a+)+$", "a" * 64 + "b")

qdlab.runner.Runner = HangingRunner
sys.exit(qdlab.runner.main())
"""


def measure(full: bool = False) -> list[dict[str, str]]:
    """Kills, freezes and lost guardians, each at a random moment of a J-V curve over TCP."""
    if not hasattr(signal, "SIGSTOP"):
        return [
            {"figure": "deaths of the runner", "goal": "", "measured": "needs signals of POSIX", "peer": ""}
        ]
    draw = random.Random(SEED)
    kills, freezes, losses = (100, 30, 30) if full else (6, 2, 2)
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder)) as lab:
        killed = [lab.trial(lambda facts: os.kill(facts.pid, signal.SIGKILL), draw) for _ in range(kills)]
        frozen = [
            lab.trial(lambda facts: os.kill(facts.pid, signal.SIGSTOP), draw) for _ in range(freezes // 2)
        ]
        hanging = [lab.trial_of_hanging(draw) for _ in range(freezes - freezes // 2)]
        lost = [
            lab.trial(lambda facts: os.kill(facts.guardian_pid, signal.SIGKILL), draw) for _ in range(losses)
        ]
    late = [took - SHORTEST for took in frozen + hanging]
    return [
        _row(f"kill -9 of the runner, {kills} moments: output off after", "100 ms p99, 250 ms worst", killed),
        _row(f"runner frozen or in a C loop, {freezes}: off after the announced deadline", "1 s worst", late),
        _row(f"guardian killed, {losses}: output off after", "0.5 s worst", lost),
    ]


def _row(figure: str, goal: str, times: list[float]) -> dict[str, str]:
    off = [took * 1e3 for took in times if took < float("inf")]
    p99 = sorted(off)[max(0, round(0.99 * len(off)) - 1)]
    left_on = len(times) - len(off)
    # none in n trials: the true share is below 3/n with 95 % confidence
    bound = "" if left_on or len(times) <= 3 else f" (below {3 / len(times):.0%} at 95 %)"
    spread = f"median {statistics.median(off):.0f} ms, p99 {p99:.0f} ms, worst {max(off):.0f} ms"
    return {
        "figure": figure,
        "goal": f"0 left on, {goal}",
        "measured": f"{left_on} left on{bound}, {spread}",
    }


class Lab:
    """The simulated bench over TCP, and trials on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        os.environ["QDLAB_RUNTIME_DIR"] = str(folder / "run")
        os.environ["QDLAB_LOG_DIR"] = str(folder / "log")
        self._plan = folder / "plan.toml"
        self._plan.write_text(PLAN.format(device=DEVICE.as_posix()), encoding="utf-8")

    def __enter__(self) -> "Lab":
        log = self._folder / "wire.jsonl"
        words = [sys.executable, "-P", "-m", "qdlab", "sim", "--port-base", "0", "--wire-log", str(log)]
        self._sim = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self._sim.stdout is not None
        resources: dict[str, str] = {}
        while len(resources) < len(ROLES):
            box, door, resource = self._sim.stdout.readline().strip().split("\t")
            if door == "tcp" and box in ROLES.values():
                resources[box] = resource
        tables = [
            f'[instruments.{role}]\ndriver = "{box}"\nresource = "{resources[box]}"\n'
            for role, box in ROLES.items()
        ]
        self._bench = self._folder / "bench.toml"
        self._bench.write_text('name = "lab"\nkind = "hardware"\n' + "".join(tables), encoding="utf-8")
        self._log = log.open(encoding="utf-8")
        self._rest = ""
        self._lead = self._clock_lead(resources["keithley6514"])
        return self

    def __exit__(self, *exception: object) -> None:
        self._sim.terminate()
        self._sim.communicate()
        self._log.close()

    def trial(self, harm: Callable[[LockFacts], None], draw: random.Random) -> float:
        """Harm a running runner at a random moment; seconds until the output was off, inf if it stayed on."""
        with self._running([sys.executable, "-P", "-m", "qdlab.runner"]) as facts:
            self._wait_for_lines(draw.randrange(5, 100))
            harmed = time.monotonic()
            harm(facts)
            return self._off_after(harmed)

    def trial_of_hanging(self, draw: random.Random) -> float:
        """The same with a runner that enters an endless C loop by itself after a random row."""
        program = HANGING_RUNNER.format(row=draw.randrange(12, 40))
        with self._running([sys.executable, "-P", "-c", program]):
            return self._off_after(None)

    @contextmanager
    def _running(self, command: list[str]) -> Iterator[LockFacts]:
        words = [*command, "--bench", str(self._bench), "--owner", "benchmark", "--linger", "0.1"]
        errors = (self._folder / "errors.log").open("ab")
        with (
            errors,
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, start_new_session=True) as runner,
        ):
            assert runner.stdout is not None
            facts = LockFacts(**json.loads(runner.stdout.readline())["ready"])
            self._read()
            client = Client.attach(facts)
            client.request("run", plan=str(self._plan), output=str(self._folder / "sessions"))
            client.close()
            self._wait_for(lambda line: line.get("output") is True)
            yield facts
            runner.kill()
        alone = HeldFile(self._folder / "run" / "lab.guardian.lock")
        alone.hold(patience=30.0)
        alone.release()

    def _off_after(self, harmed: float | None) -> float:
        """Seconds from the harm, or else from the last message of the runner, to the last change to off."""
        lines = self._until_quiet()
        changes = [line for line in lines if "output" in line]
        if not changes or changes[-1]["output"]:
            return float("inf")
        off = float(changes[-1]["t"])
        if harmed is not None:
            return max(off - self._lead - harmed, 0.0)
        before = [float(line["t"]) for line in lines if line.get("dir") == "out" and line["t"] < off - 0.5]
        return off - before[-1]

    def _until_quiet(self) -> list[dict[str, Any]]:
        """Everything on the wire until the runner and the guardian have both let go of the bench."""
        for name in ("lab.lock", "lab.guardian.lock"):
            alone = HeldFile(self._folder / "run" / name)
            alone.hold(patience=60.0)
            alone.release()
        time.sleep(0.2)
        return self._read()

    def _wait_for_lines(self, count: int) -> None:
        seen = 0
        while seen < count:
            seen += len(self._read())
            time.sleep(0.001)

    def _wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            for line in self._read():
                if wanted(line):
                    return line
            time.sleep(0.001)

    def _read(self) -> list[dict[str, Any]]:
        *complete, self._rest = (self._rest + self._log.read()).split("\n")
        return [json.loads(line) for line in complete]

    def _clock_lead(self, resource: str) -> float:
        """The wire log's time minus this process's, to a millisecond: one message seen from both ends."""
        place = re.fullmatch(r"TCPIP::(.+)::(\d+)::SOCKET", resource)
        assert place is not None
        with socket.create_connection((place[1], int(place[2]))) as box:
            sent = time.monotonic()
            box.sendall(b"*OPC?\n")
            line = self._wait_for(lambda line: line.get("bytes") == "*OPC?")
        return float(line["t"]) - sent
