"""The guardian from outside: a box in its own process says when its output went on and off."""

import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import qdlab.guardian
import qdlab.off
from qdlab.guardian import Guardian
from qdlab.off import Instruction, switch_off

PATIENCE = 20.0
"""Seconds until a test gives up; nothing is expected to take anywhere near as long."""

BOX = """
import json, socket, threading

server = socket.create_server(("127.0.0.1", 0))
on = False

def say(**facts):
    print(json.dumps(facts), flush=True)

def serve(client):
    global on
    for line in client.makefile("rb"):
        text = line.decode().strip()
        if text:
            say(received=text)
        if text in ("OUTP ON", "OUTP OFF"):
            on = text == "OUTP ON"
            say(output=on)
        elif text == "OUTP?":
            client.sendall(b"1\\n" if on else b"0\\n")

say(port=server.getsockname()[1])
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""

RUNNER = """
import json, re, socket, subprocess, sys, threading
from pathlib import Path
from qdlab.guardian_link import GuardianLink
from qdlab.off import Instruction

port, report, behaviour = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
lost = threading.Event()
lock = report.with_suffix(".lock")
link = GuardianLink(token="secret", report=report, lock=lock, on_lost=lambda sentence: lost.set())
off = Instruction(box="2400", resource=f"TCPIP::127.0.0.1::{port}::SOCKET", off="OUTP OFF", query="OUTP?")
box = socket.create_connection(("127.0.0.1", port))

def say(**facts):
    print(json.dumps(facts), flush=True)

if behaviour != "never arm":
    link.arm([off], watch=True)
    box.sendall(b"OUTP ON\\n")
if behaviour == "with a child":
    subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
say(guardian=link.pid, port=link.port)
if behaviour == "end well":
    box.sendall(b"OUTP OFF\\n")
    link.disarm()
    link.close()
    say(closed=True)
    sys.exit()
if behaviour == "hang in C":
    re.match("(a+)+$", "a" * 64 + "b")
while not lost.wait(0.02):
    link.announce(0.3)
box.sendall(b"OUTP OFF\\n")
say(lost=True, stands_by=link.stands_by)
"""


class Spoken:
    """A process and the JSON lines it says."""

    def __init__(self, program: str, *arguments: object) -> None:
        words = [sys.executable, "-P", "-c", textwrap.dedent(program), *map(str, arguments)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE)
        self.heard: list[dict[str, Any]] = []
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(json.loads(line))
        self._lines.put(None)

    def wait_for(self, key: str, value: Any = ...) -> dict[str, Any]:
        while True:
            message = self._lines.get(timeout=PATIENCE)
            assert message is not None, f"ended without saying {key}; said {self.heard}"
            self.heard.append(message)
            if key in message and value in (..., message[key]):
                return message

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()


@pytest.fixture
def start() -> Iterator[Callable[..., Spoken]]:
    started: list[Spoken] = []

    def spoken(program: str, *arguments: object) -> Spoken:
        started.append(Spoken(program, *arguments))
        return started[-1]

    yield spoken
    for each in started:
        each.kill()


@pytest.fixture
def box(start: Callable[..., Spoken]) -> Spoken:
    return start(BOX)


@pytest.fixture
def box_port(box: Spoken) -> int:
    port: int = box.wait_for("port")["port"]
    return port


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "guardian.jsonl"


@pytest.fixture
def running(
    start, box: Spoken, box_port: int, report: Path
) -> Callable[[str], tuple[Spoken, dict[str, Any]]]:
    """A runner that behaves in some way, with its box switched on."""

    def run(behaviour: str) -> tuple[Spoken, dict[str, Any]]:
        runner = start(RUNNER, box_port, report, behaviour)
        if behaviour != "never arm":
            box.wait_for("output", True)
        return runner, runner.wait_for("guardian")

    return run


def wait_for_report(port: int, **first: str) -> list[dict[str, Any]]:
    """What the guardian tells a client until it is done."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(json.dumps({"token": "secret", **first}).encode() + b"\n")
        return [json.loads(line) for line in client.makefile("rb")]


def wait_for_end(pid: int) -> None:
    """Until a process that is not our child is gone."""
    for _ in range(int(PATIENCE * 100)):
        try:
            os.kill(pid, 0)
        except OSError:
            return
        threading.Event().wait(0.01)
    pytest.fail(f"process {pid} did not end")


def test_a_killed_runner_leaves_its_box_off(running, box: Spoken) -> None:
    runner, _ = running("beat")
    runner.process.kill()
    box.wait_for("output", False)


def test_a_child_of_the_runner_does_not_hide_its_death(running, box: Spoken) -> None:
    runner, _ = running("with a child")
    runner.process.kill()
    box.wait_for("output", False)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot freeze a process by signal")
def test_a_frozen_runner_is_killed_and_its_box_switched_off(running, box: Spoken) -> None:
    runner, _ = running("beat")
    runner.process.send_signal(signal.SIGSTOP)
    box.wait_for("output", False)
    assert runner.process.wait(PATIENCE) != 0


def test_a_runner_stuck_in_a_library_is_killed_and_its_box_switched_off(running, box: Spoken) -> None:
    runner, _ = running("hang in C")
    box.wait_for("output", False)
    assert runner.process.wait(PATIENCE) != 0


def test_a_runner_whose_guardian_is_killed_is_told_and_its_token_is_void(running, box: Spoken) -> None:
    runner, told = running("beat")
    os.kill(told["guardian"], signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    assert runner.wait_for("lost")["stands_by"] is False
    box.wait_for("output", False)


def test_an_emergency_message_switches_off_and_says_what_was_confirmed(
    running, box: Spoken, report: Path
) -> None:
    runner, told = running("beat")
    lines = wait_for_report(told["port"], emergency="F12")
    box.wait_for("output", False)
    texts = [line["text"] for line in lines]
    assert texts[0].startswith("emergency off by F12")
    assert re.fullmatch(r"2400 OFF confirmed \d+ ms", texts[1])
    assert lines[-1]["done"] is True
    assert runner.process.wait(PATIENCE) != 0
    assert [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()] == lines


def test_a_client_without_the_token_is_not_heard(running, box: Spoken) -> None:
    runner, told = running("beat")
    with socket.create_connection(("127.0.0.1", told["port"]), timeout=PATIENCE) as client:
        client.sendall(b'{"token": "guess", "emergency": "stranger"}\n')
        assert client.recv(100) == b""
    assert runner.process.poll() is None


def test_a_guardian_that_was_disarmed_ends_with_its_runner_and_says_nothing(running, report: Path) -> None:
    runner, told = running("end well")
    runner.wait_for("closed")
    wait_for_end(told["guardian"])
    assert not report.exists()


def test_a_runner_that_was_never_armed_may_die_without_a_word_to_the_box(running, box: Spoken) -> None:
    runner, told = running("never arm")
    runner.process.kill()
    wait_for_end(told["guardian"])
    box.kill()
    assert "received" not in str(box.heard)


def test_a_resource_nobody_can_open_refuses_the_arming(report: Path) -> None:
    program = """
        import sys, json
        from pathlib import Path
        from instruments.errors import NotArmedError
        from qdlab.guardian_link import GuardianLink
        from qdlab.off import Instruction
        file = Path(sys.argv[1])
        link = GuardianLink(token="", report=file, lock=file.with_suffix(".lock"), on_lost=print)
        try:
            link.arm([Instruction(box="2400", resource="NOWHERE", off="")], watch=True)
        except NotArmedError as error:
            print(error)
        print(link.stands_by)
        link.close()
    """
    words = [sys.executable, "-P", "-c", textwrap.dedent(program), str(report)]
    outcome = subprocess.run(words, capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert "'NOWHERE'" in outcome.stdout.splitlines()[0]
    assert outcome.stdout.splitlines()[1] == "False"


def test_a_dead_box_delays_nobody_and_is_named(box: Spoken, box_port: int) -> None:
    unused = socket.create_server(("127.0.0.1", 0))
    dead = unused.getsockname()[1]
    unused.close()
    outcomes = switch_off(
        [
            Instruction(box="MFG", resource=f"TCPIP::127.0.0.1::{dead}::SOCKET", off="OUTP OFF"),
            Instruction(
                box="2400", resource=f"TCPIP::127.0.0.1::{box_port}::SOCKET", off="OUTP OFF", query="OUTP?"
            ),
        ],
        patience=0.1,
    )
    assert [outcome.confirmed for outcome in outcomes] == [False, True]
    assert outcomes[0].message.startswith("MFG no answer")
    assert outcomes[0].message.endswith("switch it off by hand")


def test_a_box_that_says_it_is_still_on_is_not_called_off(box_port: int) -> None:
    stubborn = Instruction(
        box="MFG", resource=f"TCPIP::127.0.0.1::{box_port}::SOCKET", off="OUTP ON", query="OUTP?"
    )
    (outcome,) = switch_off([stubborn], patience=0.1)
    assert not outcome.confirmed
    assert "answers '1'" in outcome.message


def test_what_a_dead_runner_left_half_said_does_not_swallow_the_off(start) -> None:
    program = """
        import json, socket
        server = socket.create_server(("127.0.0.1", 0))
        print(json.dumps({"port": server.getsockname()[1]}), flush=True)
        received = b"SOUR:VO"
        client = server.accept()[0]
        while b"OFF\\n" not in received:
            received += client.recv(100)
        print(json.dumps({"lines": received.decode().splitlines()}), flush=True)
    """
    serial_like = start(program)
    resource = f"TCPIP::127.0.0.1::{serial_like.wait_for('port')['port']}::SOCKET"
    switch_off([Instruction(box="2400", resource=resource, off="OUTP OFF", query="")], patience=0.0)
    assert serial_like.wait_for("lines")["lines"][-1] == "OUTP OFF"


def test_the_guardian_loads_no_driver_no_numerics_and_stays_small() -> None:
    program = "import sys, qdlab.guardian; print([n for n in sys.modules if '.' not in n])"
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    ).stdout
    for name in ("numpy", "pymeasure", "pyvisa", "serial", "PyQt6", "instruments", "pydantic"):
        assert f"'{name}'" not in loaded
    for module in (qdlab.guardian, qdlab.off):
        assert len(Path(module.__file__ or "").read_text(encoding="utf-8").splitlines()) <= 300


class Heard:
    """An inbox that is empty when it is asked so often, and then holds a beat."""

    def __init__(self, empty: int) -> None:
        self._empty = empty

    def get(self, timeout: float) -> dict[str, float]:
        if self._empty:
            self._empty -= 1
            raise queue.Empty
        return {"due": 1.0}


@pytest.mark.parametrize(("late", "heard"), [(0.0, None), (5.0, {"due": 1.0})])
def test_a_guardian_that_overslept_listens_once_more_before_it_judges(
    report: Path, late: float, heard: dict[str, float] | None
) -> None:
    guardian = Guardian(token="", runner=0, report=report, say=lambda message: None)
    guardian._armed = guardian._watch = True
    guardian._due = time.monotonic() - late
    guardian.inbox = Heard(empty=2)  # type: ignore[assignment]
    assert guardian._next_message() == heard
