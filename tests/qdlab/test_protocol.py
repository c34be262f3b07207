"""Runner and clients on one socket: who is heard, and that nobody is waited for."""

import math
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from qdlab.errors import ConfigError
from qdlab.events import RowRecorded, RunStarted
from qdlab.lock import LockFacts
from qdlab.protocol import Client, CommandRefused, Message, RunnerGone, Server, event_message, event_of

PATIENCE = 20.0
FACTS = LockFacts(
    pid=1, guardian_pid=2, port=0, guardian_port=0, token="secret", owner="ada", started="", bench="sim"
)
ROW = RowRecorded(
    run="0001-jv",
    sequence=7,
    time=3.25,
    utc="2026-11-22T08:00:03.250Z",
    values={"Voltage (V)": 0.5, "Current (A)": 1.234567890123e-07, "Light current (A)": math.nan},
    flags=frozenset({"compliance"}),
)


def handle(command: str, arguments: Mapping[str, Any]) -> Any:
    if command == "refuse":
        raise ConfigError("there is no such plan")
    return {"command": command, **arguments}


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(token="secret", greet=lambda: {"bench": "sim", "state": "idle"}, handle=handle)
    yield server
    server.close()


@pytest.fixture
def facts(server: Server) -> LockFacts:
    return replace(FACTS, port=server.port)


def test_a_client_is_greeted_with_what_is_going_on(facts: LockFacts) -> None:
    with Client.attach(facts) as client:
        assert client.hello.body == {"bench": "sim", "state": "idle"}


def test_a_command_is_answered_with_its_result(facts: LockFacts) -> None:
    with Client.attach(facts) as client:
        assert client.request("run", plan="plan.toml") == {"command": "run", "plan": "plan.toml"}


def test_a_refused_command_says_why(facts: LockFacts) -> None:
    with Client.attach(facts) as client, pytest.raises(CommandRefused, match="no such plan"):
        client.request("refuse")


def test_what_arrives_while_waiting_for_a_reply_is_not_lost(server: Server, facts: LockFacts) -> None:
    with Client.attach(facts) as client:
        server.publish(Message(kind="state", body={"state": "running"}))
        client.request("state")
        message = client.receive(PATIENCE)
        assert message is not None
        assert message.body == {"state": "running"}


def test_every_client_sees_every_event(server: Server, facts: LockFacts) -> None:
    with Client.attach(facts) as one, Client.attach(facts) as other:
        server.publish(event_message(ROW))
        for client in (one, other):
            message = client.receive(PATIENCE)
            assert message is not None
            assert event_of(message).sequence == 7  # type: ignore[union-attr]


def test_an_event_travels_without_loss() -> None:
    row = event_of(Message.decode(event_message(ROW).encode()))
    assert isinstance(row, RowRecorded)
    assert row.values["Current (A)"] == ROW.values["Current (A)"]
    assert math.isnan(row.values["Light current (A)"])
    assert replace(row, values={}) == replace(ROW, values={})
    started = RunStarted(
        run="0001-jv",
        procedure="JVSweep",
        device="a/1/3",
        parameters={},
        columns=("x", "y"),
        sequence=1,
        time=0.0,
    )
    assert event_of(Message.decode(event_message(started).encode())) == started


def test_a_stranger_without_the_token_is_not_greeted(facts: LockFacts) -> None:
    with pytest.raises(RunnerGone):
        Client.attach(replace(facts, token="guess"))


@pytest.mark.parametrize(
    "line", [b"\n", b"[]\n", b"GET / HTTP/1.1\r\n\r\n", b"\xff\xfe\n", b'{"token": 1}\n']
)
def test_a_stranger_who_talks_nonsense_is_turned_away(server: Server, facts: LockFacts, line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as stranger:
        stranger.sendall(line)
        assert stranger.recv(100) == b""
    with Client.attach(facts) as client:
        assert client.request("state")


def test_a_client_that_never_reads_delays_nobody_and_is_told_what_it_missed(
    server: Server, facts: LockFacts
) -> None:
    wide = replace(ROW, values={f"column {n} (V)": float(n) for n in range(100)})
    with Client.attach(facts) as sleeper, Client.attach(facts) as reader:
        done = threading.Event()

        def publish() -> None:
            for _ in range(4_000):
                server.publish(event_message(wide))
            server.publish(Message(kind="ended", body={"end": "finished"}))
            done.set()

        threading.Thread(target=publish, daemon=True).start()
        assert done.wait(PATIENCE)
        assert reader.request("state") == {"command": "state"}
        kinds = []
        while "ended" not in kinds:
            message = sleeper.receive(PATIENCE)
            assert message is not None
            kinds.append(message.kind)
        assert kinds.count("event") < 4_000


def test_a_client_that_left_is_forgotten(server: Server, facts: LockFacts) -> None:
    Client.attach(facts).close()
    with Client.attach(facts) as client:
        server.publish(event_message(ROW))
        assert client.receive(PATIENCE)


def test_the_end_of_the_runner_is_noticed(server: Server, facts: LockFacts) -> None:
    with Client.attach(facts) as client:
        server.close()
        with pytest.raises(RunnerGone):
            client.receive(PATIENCE)


def test_no_runner_is_said_in_a_sentence() -> None:
    unused = socket.create_server(("127.0.0.1", 0))
    port = unused.getsockname()[1]
    unused.close()
    with pytest.raises(RunnerGone, match="no runner answers for bench 'sim'"):
        Client.attach(replace(FACTS, port=port))


def test_the_server_listens_on_this_computer_only(server: Server) -> None:
    assert server._socket.getsockname()[0] == "127.0.0.1"
