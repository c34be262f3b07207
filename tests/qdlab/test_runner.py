"""The runner from outside: real processes, the simulated bench over TCP, and its wire log as the witness."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from qdlab.config import load_plan
from qdlab.errors import ConfigError
from qdlab.launch import RunnerFailed, start_runner
from qdlab.lock import HeldFile, LockFacts, is_held, read_lock
from qdlab.protocol import Client, CommandRefused, Health, Message, emergency_off
from qdlab.records import open_session, verify_session
from qdlab.unfinished import find_unfinished

PATIENCE = 60.0
"""Seconds until a test gives up; nothing is expected to take anywhere near as long."""
SEED = 20261122
needs_freezing = pytest.mark.skipif(
    not hasattr(signal, "SIGSTOP"), reason="this system cannot freeze a process by signal"
)
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PLAN = """
name = "{name}"
[devices]
pixel = "{device}"
{first}
[[steps]]
kind = "jv_sweep"
voltages = {{ start = "0 V", stop = "{stop}", points = {points} }}
settling_time = "1 ms"
power_line_cycles = 0.1
compliance_current = "20 mA"
"""
ROLES = {
    "keithley2400": "source_meter",
    "keithley6514": "light_meter",
    "mfg2230m": "pulse_generator",
    "lakeshore336": "temperature_controller",
}


def until(done: Callable[[], Any]) -> Any:
    """Whatever `done` gives once it gives something."""
    for _ in range(int(PATIENCE * 200)):
        result = done()
        if result:
            return result
        threading.Event().wait(0.005)
    pytest.fail("nothing happened")


class WireLog:
    """What the simulated bench saw since this object was made."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open(encoding="utf-8")
        self._stream.seek(0, os.SEEK_END)
        self._rest = ""
        self.lines: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        *complete, self._rest = (self._rest + self._stream.read()).split("\n")
        self.lines += [json.loads(line) for line in complete]
        return self.lines

    def outputs(self) -> dict[str, bool]:
        """Whether the output of each box that ever switched is on now."""
        return {line["box"]: line["output"] for line in self.read() if "output" in line}

    def was_on(self) -> bool:
        return any(line.get("output") for line in self.read())

    def wait_for_lines(self, count: int) -> None:
        """Until so many more lines were written."""
        enough = len(self.read()) + count
        until(lambda: len(self.read()) >= enough)

    def close(self) -> None:
        self._stream.close()


@dataclass(frozen=True, kw_only=True)
class Served:
    """The simulated bench in a process of its own: bench file, wire log, and how each box is reached."""

    bench: Path
    log: Path
    resources: dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    log = folder / "wire.jsonl"
    words = [sys.executable, "-P", "-m", "qdlab", "sim", "--port-base", "0", "--wire-log", str(log)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    resources: dict[tuple[str, str], str] = {}
    while ("lakeshore336", "prologix") not in resources:
        box, door, resource = process.stdout.readline().strip().split("\t")
        resources[box, door] = resource
    bench = folder / "bench.toml"
    bench.write_text(bench_file("lab", {box: resources[box, "tcp"] for box in ROLES}), encoding="utf-8")
    yield Served(bench=bench, log=log, resources=resources)
    process.terminate()
    process.communicate()


def bench_file(name: str, resources: dict[str, str]) -> str:
    tables = [
        f'[instruments.{ROLES[box]}]\ndriver = "{box}"\nresource = "{resource}"\n'
        for box, resource in resources.items()
    ]
    return f'name = "{name}"\nkind = "hardware"\n{"".join(tables)}'


@pytest.fixture
def wire(served: Served) -> Iterator[WireLog]:
    wire = WireLog(served.log)
    yield wire
    wire.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runtime folder of this test alone."""
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setenv("QDLAB_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("QDLAB_LOG_DIR", str(tmp_path / "log"))
    return folder


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., LockFacts]]:
    started: list[subprocess.Popen[bytes]] = []

    def start_and_remember(bench: Path | str, linger: float = 30.0) -> LockFacts:
        facts, process = start_runner(str(bench), owner="ada@probe-station (a test)", linger=linger)
        started.append(process)
        return facts

    yield start_and_remember
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str = "curve", *, points: int = 400, stop: str = "1 V", first: str = "") -> Path:
        path = tmp_path / f"{name}.toml"
        device = (EXAMPLES / "device-hole-only.toml").as_posix()
        text = PLAN.format(name=name, device=device, points=points, stop=stop, first=first)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def measuring(
    start, served: Served, wire: WireLog, plan, tmp_path: Path
) -> Callable[..., tuple[LockFacts, Client, int]]:
    """A runner in the middle of a curve over TCP, its output on; its client, and the row it was told of."""

    def begin(points: int = 400) -> tuple[LockFacts, Client, int]:
        facts = start(served.bench)
        client = Client.attach(facts)
        client.request("run", plan=str(plan(points=points)), output=str(tmp_path / "sessions"))
        row = wait_for(client, lambda message: message.body.get("event") == "RowRecorded")
        return facts, client, row.body["sequence"]

    return begin


def wait_for(client: Client, wanted: Callable[[Message], Any]) -> Message:
    while True:
        message = client.receive(PATIENCE)
        assert message is not None, "the runner says nothing"
        if wanted(message):
            return message


def wait_for_end(client: Client) -> Message:
    return wait_for(client, lambda message: message.kind == "ended")


def wait_for_guardian(folder: Path, bench: str = "lab") -> None:
    """Until the guardian of a bench is done and gone."""
    held = HeldFile(folder / f"{bench}.guardian.lock")
    assert held.hold(PATIENCE)
    held.release()


def journal_tells(session: Path, level: str, text: str) -> bool:
    return any(text in entry.text for entry in open_session(session).journal if entry.level == level)


def only_session(tmp_path: Path) -> Path:
    (session,) = (tmp_path / "sessions").iterdir()
    return session


def run_qdlab(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "qdlab", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE)


def test_a_plan_runs_to_its_end_and_programs_can_follow_it(folder: Path, plan, tmp_path: Path) -> None:
    path = plan(points=12)
    outcome = run_qdlab(
        "run", path, "--bench", "sim", "--output", tmp_path / "sessions", "--json-events", "--record-io"
    )
    assert outcome.returncode == 0, outcome.stderr
    messages = [Message.decode(line.encode()) for line in outcome.stdout.splitlines()]
    rows = [message for message in messages if message.body.get("event") == "RowRecorded"]
    assert len(rows) == 12
    assert messages[-1].kind == "ended"
    assert messages[-1].body["end"] == "finished"
    assert all(report["confirmed"] for report in messages[-1].body["off_reports"])
    found = verify_session(only_session(tmp_path))
    assert found.intact
    assert found.end == "finished"
    traffic = (only_session(tmp_path) / "io" / "0001.jsonl").read_text(encoding="utf-8").splitlines()
    assert any(":READ?" in json.loads(line)["text"] for line in traffic)
    assert not is_held("sim", folder)


def test_a_dry_run_touches_nothing(folder: Path, plan, tmp_path: Path) -> None:
    outcome = run_qdlab("run", plan(), "--bench", "sim", "--output", tmp_path / "sessions", "--dry-run")
    assert outcome.returncode == 0
    assert "400" in outcome.stdout
    assert not (tmp_path / "sessions").exists()
    assert list(folder.iterdir()) == []


def test_a_plan_beyond_the_limits_is_refused_before_a_runner_starts(
    folder: Path, plan, tmp_path: Path
) -> None:
    outcome = run_qdlab("run", plan(stop="60 V"), "--bench", "sim", "--output", tmp_path / "sessions")
    assert outcome.returncode == 2
    assert len(outcome.stderr.splitlines()) == 1
    assert list(folder.iterdir()) == []


def test_a_bench_that_does_not_answer_is_refused_with_its_name(folder: Path, plan, tmp_path: Path) -> None:
    bench = tmp_path / "dead.toml"
    bench.write_text(
        'name = "dead"\n[instruments.source_meter]\ndriver = "keithley2400"\n'
        'resource = "TCPIP::127.0.0.1::1::SOCKET"\n',
        encoding="utf-8",
    )
    with pytest.raises(RunnerFailed, match="source_meter"):
        start_runner(str(bench), owner="a test")
    assert not is_held("dead", folder)


def test_the_run_goes_on_without_its_client_and_a_later_one_learns_how_it_ended(
    start, plan, tmp_path: Path
) -> None:
    facts = start("sim")
    with Client.attach(facts) as client:
        client.request("run", plan=str(plan()), output=str(tmp_path / "sessions"))
    with Client.attach(facts) as later:
        ended = later.hello.body["ended"] or wait_for_end(later).body
    assert ended["end"] == "finished"
    assert verify_session(only_session(tmp_path)).intact


def test_clients_hear_who_answers_on_the_bench_and_what_keeps_a_run_safe(start, served: Served) -> None:
    with Client.attach(start(served.bench)) as client:
        boxes = client.hello.body["boxes"]
        assert set(boxes) == set(ROLES.values())
        assert "2400" in boxes["source_meter"]["identity"]
        assert boxes["source_meter"]["address"] == served.resources["keithley2400", "tcp"]
        while (message := client.receive(timeout=PATIENCE)) is not None and message.kind != "health":
            pass
        assert message is not None
        health = Health.of(message.body)
        assert not health.armed and health.awake is None and 0 <= health.guardian < PATIENCE


def test_a_runner_nobody_needs_ends(start, folder: Path) -> None:
    start("sim", linger=0.05)
    until(lambda: not is_held("sim", folder))
    assert read_lock("sim", folder) is None


def test_a_second_runner_on_the_bench_is_refused_with_the_owners_name(start, folder: Path) -> None:
    facts = start("sim")
    with pytest.raises(RunnerFailed, match=re.escape("ada@probe-station (a test)")):
        start("sim")
    assert read_lock("sim", folder) == facts


def test_a_box_belongs_to_one_runner_whatever_the_bench_is_called(
    start, served: Served, folder: Path, tmp_path: Path
) -> None:
    start(served.bench)
    resource = served.resources["keithley2400", "tcp"]
    other = tmp_path / "other.toml"
    other.write_text(bench_file("other", {"keithley2400": resource}), encoding="utf-8")
    with pytest.raises(RunnerFailed, match=f"{re.escape(resource)} of bench 'other' is in use"):
        start(other)
    assert not is_held("other", folder)


@pytest.mark.skipif(os.name == "nt", reason="CTRL_BREAK reaches a whole console there")
def test_control_c_stops_and_again_aborts(
    served: Served, folder: Path, wire: WireLog, plan, tmp_path: Path
) -> None:
    words = ["run", plan(), "--bench", served.bench, "--output", tmp_path / "sessions", "--json-events"]
    command = [sys.executable, "-P", "-m", "qdlab", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        next(line for line in process.stdout if '"RowRecorded"' in line)
        process.send_signal(signal.SIGINT)
        assert "stopping after this point" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(PATIENCE) == 130
    assert verify_session(only_session(tmp_path)).end in ("aborted", "stopped")
    assert not any(wire.outputs().values())


def test_a_killed_runner_leaves_every_output_off_and_every_row_it_told_of(
    measuring, folder: Path, wire: WireLog, tmp_path: Path
) -> None:
    draw = random.Random(SEED)
    for trial in range(10):
        facts, client, told = measuring()
        later = draw.randrange(60)
        wire.wait_for_lines(later)
        os.kill(facts.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        client.close()
        wait_for_guardian(folder)
        assert wire.was_on()
        assert not any(wire.outputs().values()), f"trial {trial}, killed {later} lines later"
        session = max((tmp_path / "sessions").iterdir())
        found = verify_session(session)
        assert found.intact
        assert found.end == "interrupted"
        (run,) = open_session(session).runs
        assert told in [row.sequence for row in run.recorded_rows()]
    for session in (tmp_path / "sessions").iterdir():
        until(partial(journal_tells, session, "guardian", "2400 OFF confirmed"))


@needs_freezing
def test_a_frozen_runner_is_killed_and_everything_switched_off(
    measuring, folder: Path, wire: WireLog
) -> None:
    facts, client, _ = measuring()
    os.kill(facts.pid, signal.SIGSTOP)
    wait_for_guardian(folder)
    client.close()
    assert not any(wire.outputs().values())
    assert not is_held("lab", folder)


@needs_freezing
@pytest.mark.parametrize("harm", ["SIGKILL", "SIGSTOP"])
def test_without_its_guardian_a_runner_ends_safely(measuring, wire: WireLog, harm: str) -> None:
    facts, client, _ = measuring()
    os.kill(facts.guardian_pid, getattr(signal, harm))
    with client:
        ended = wait_for_end(client)
    assert ended.body["end"] == "aborted"
    assert "guardian" in ended.body["reason"]
    assert not any(wire.outputs().values())


@needs_freezing
def test_emergency_off_reaches_the_guardian_though_the_runner_hangs(measuring, wire: WireLog) -> None:
    facts, client, _ = measuring()
    os.kill(facts.pid, signal.SIGSTOP)
    said = [report.text for report in emergency_off(facts, who="F12")]
    client.close()
    assert any(re.fullmatch(r"2400 OFF confirmed \d+ ms", text) for text in said)
    assert not any(wire.outputs().values())


@needs_freezing
def test_safe_works_though_runner_and_guardian_hang(measuring, wire: WireLog) -> None:
    facts, client, _ = measuring()
    os.kill(facts.guardian_pid, signal.SIGSTOP)
    os.kill(facts.pid, signal.SIGSTOP)
    outcome = run_qdlab("safe")
    client.close()
    os.kill(facts.guardian_pid, signal.SIGKILL)
    assert outcome.returncode == 0, outcome.stdout
    assert "2400 OFF confirmed" in outcome.stdout
    assert not any(wire.outputs().values())


def test_safe_switches_off_a_bench_that_nobody_runs(served: Served, folder: Path, wire: WireLog) -> None:
    outcome = run_qdlab("safe", "--bench", served.bench)
    assert outcome.returncode == 0, outcome.stdout
    assert "2400 OFF confirmed" in outcome.stdout
    assert any(line.get("bytes", "").upper().startswith(":OUTP") for line in wire.read())


def test_a_stopped_plan_is_resumed_where_it_stopped(
    measuring, served: Served, plan, folder: Path, wire: WireLog, tmp_path: Path
) -> None:
    _, client, _ = measuring(points=30)
    with client:
        with pytest.raises(CommandRefused, match="executes a plan already"):
            client.request("run", plan=str(plan("other")), output=str(tmp_path))
        client.request("stop")
        assert wait_for_end(client).body["end"] == "stopped"
        client.request("quit")
    until(lambda: not is_held("lab", folder))
    assert not any(wire.outputs().values())
    assert verify_session(only_session(tmp_path)).end == "stopped"
    (first,) = open_session(only_session(tmp_path)).runs
    outcome = run_qdlab(
        "run", plan(points=30), "--bench", served.bench, "--output", tmp_path / "sessions", "--resume"
    )
    assert outcome.returncode == 0, outcome.stderr
    session = open_session(only_session(tmp_path))
    assert session.end == "finished"
    _, second = session.runs
    assert second.header.predecessor == first.name
    voltages = [row.values["Voltage (V)"] for run in (first, second) for row in run.recorded_rows()]
    assert voltages == sorted(voltages)
    assert len(set(voltages)) == 30


def test_the_operators_answer_comes_from_a_client(
    start, served: Served, wire: WireLog, plan, tmp_path: Path
) -> None:
    connect = (
        '[[steps]]\nkind = "operator"\ntext = "connect pixel 3"\ndevice = "pixel"\nsource = "source_meter"'
    )
    with Client.attach(start(served.bench)) as client:
        client.request("run", plan=str(plan(points=3, first=connect)), output=str(tmp_path / "sessions"))
        asked = wait_for(client, lambda message: message.body.get("prompt"))
        assert asked.body["prompt"]["text"] == "connect pixel 3"
        assert not wire.was_on()
        client.request("note", text="window of 0002 by hand", details={"run": "0002", "range": [0.6, 1.2]})
        client.request("answer", text="done by ada")
        assert wait_for_end(client).body["end"] == "finished"
    assert journal_tells(only_session(tmp_path), "note", "done by ada")
    (chosen,) = [entry for entry in open_session(only_session(tmp_path)).journal if "by hand" in entry.text]
    assert chosen.details == {"run": "0002", "range": [0.6, 1.2]}


@pytest.mark.parametrize("door", ["tcp", "serial", "prologix"])
def test_off_is_said_and_confirmed_through_every_door(
    served: Served, folder: Path, wire: WireLog, tmp_path: Path, door: str
) -> None:
    if ("keithley2400", door) not in served.resources:
        pytest.skip(f"no {door} door on this system")
    host, port = re.findall(r"::([^:]+)", served.resources["keithley2400", "tcp"])[:2]
    with socket.create_connection((host, int(port))) as box:
        box.sendall(b":SOUR:VOLT 1;:OUTP ON\n")
        until(wire.was_on)
    bench = tmp_path / "bench.toml"
    bench.write_text(
        bench_file("one-box", {"keithley2400": served.resources["keithley2400", door]}), encoding="utf-8"
    )
    outcome = run_qdlab("safe", "--bench", bench)
    assert outcome.returncode == 0, outcome.stdout
    assert re.search(r"2400 OFF confirmed \d+ ms", outcome.stdout)
    assert not any(wire.outputs().values())


def test_resume_without_anything_to_resume_says_so(plan, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="leave out --resume"):
        find_unfinished(tmp_path, load_plan(plan()))
