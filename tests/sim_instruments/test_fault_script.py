"""Faults by script and by seed, in-process and through every door of a served bench."""

import os
import socket
from pathlib import Path

import pytest

from sim_instruments.fault_kinds import CATALOGUE
from sim_instruments.fault_script import drawn_faults, fault_page, read_faults
from sim_instruments.faults import Fault
from sim_instruments.server import BenchServer
from sim_instruments.wiring import SimBench

EXAMPLE = Path(__file__).parents[2] / "examples" / "sim-faults.toml"


def script(folder: Path, text: str) -> Path:
    path = folder / "faults.toml"
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def test_the_example_plans_what_it_says() -> None:
    late, deaf, swings = read_faults(EXAMPLE, SimBench().boxes)
    assert late == ("keithley2400", Fault("late_reply", matching=rb"READ\?", nth=3, amount=2.0))
    assert deaf[1].probability == 0.01 and deaf[1].times == 5 and deaf[1].lasts == 1.5
    assert swings == ("lakeshore336", Fault("never_settles", since=600.0, amount=0.3))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "[[fault]] tables"),
        ("fault = 3", "[[fault]] tables"),
        ("fault = [1]", "fault 1 = 1"),
        ("[[fault]]\nbox = 'lamp'\nkind = 'echo'", "box = 'lamp' is not one of keithley2400"),
        ("[[fault]]\nbox = []\nkind = 'echo'", "box = []"),
        ("[[fault]]\nbox = 'mfg2230m'\nkind = 'boredom'", "kind = 'boredom'"),
        ("[[fault]]\nbox = 'mfg2230m'\nkind = 'echo'\nwhen = 3", "unknown key 'when'"),
        ("[[fault]]\nbox = 'mfg2230m'\nkind = 'echo'\nnth = 1.5", "nth = 1.5 is no whole number"),
        ("[[fault]]\nbox = 'mfg2230m'\nkind = 'echo'\nnth = 0", "count from 1"),
        ("[[fault]]\nbox = 'mfg2230m'\nkind = 'echo'\nprobability = 2", "between 0 and 1"),
        ("[[fault]]\nbox = 'mfg2230m'\nkind = 'echo'\nmatching = '('", "no regular expression"),
        ("[[fault]]\nbox = 'mfg2230m'\nkind = 'too_hot'", "happens to keithley2400"),
        ("[[fault]", "faults.toml"),
    ],
)
def test_a_script_that_makes_no_sense_is_refused_with_its_place(tmp_path, text, told) -> None:
    with pytest.raises(ValueError, match=r"faults\.toml") as error:
        read_faults(script(tmp_path, text), SimBench().boxes)
    assert told in str(error.value)


def test_the_page_lists_every_kind_with_its_meaning() -> None:
    page = fault_page()
    for kind in CATALOGUE.values():
        assert kind.name in page and kind.meaning in page


def what_happened(seed: int) -> list[tuple[float, str]]:
    bench = SimBench(seed=seed)
    for box, fault in drawn_faults(bench.boxes):
        bench.inject(box, fault)
    line, receive = bench.lines["keithley2400"], bench.keithley2400.receive
    for number in range(1000):
        try:
            for message in line.to_box(b"SOUR:VOLT %d;VOLT?" % (number % 5)):
                line.to_client(receive(message) or b"")
        except ConnectionError:
            bench.clock.wait(1.0)
    return line.struck


def test_faults_by_seed_come_by_chance_and_the_same_again() -> None:
    struck = what_happened(7)
    assert struck == what_happened(7) != what_happened(8)
    assert 3 < len(struck) < 30 and len({kind for _, kind in struck}) > 3


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are a thing of POSIX")
def test_what_is_planned_happens_behind_every_door() -> None:
    bench = SimBench(seed=1)
    bench.inject("keithley2400", Fault("foreign_reply", matching=rb"IDN", times=3))
    server = BenchServer(bench, port_base=0)
    try:
        resource = {(door.box, door.door): door.resource for door in server.doors}
        heard = []
        for door, before, after in (("tcp", b"", b""), ("prologix", b"++addr 24\n", b"++read eoi\n")):
            box = "keithley2400" if door == "tcp" else "prologix"
            port = int(resource[box, "tcp"].split("::")[2])
            with socket.create_connection(("127.0.0.1", port), timeout=5.0) as client:
                client.sendall(before + b"*IDN?\n" + after)
                heard.append(client.recv(200))
        device = resource["keithley2400", "serial"].removeprefix("ASRL").removesuffix("::INSTR")
        descriptor = os.open(device, os.O_RDWR | os.O_NOCTTY)
        os.write(descriptor, b"*IDN?\n")
        heard.append(os.read(descriptor, 200))
        os.close(descriptor)
        assert heard == [b"ACME,LAMP 1,0001,1.0\n"] * 3
    finally:
        server.close()


def test_an_unplugged_box_hangs_up_and_lets_nobody_in_until_it_is_back() -> None:
    bench = SimBench(seed=1)
    bench.inject("mfg2230m", Fault("unplugged", lasts=5.0))
    server = BenchServer(bench, port_base=0)
    try:
        port = next(int(d.resource.split("::")[2]) for d in server.doors if d.box == "mfg2230m")
        for expected in (b"", b"", b"1\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=5.0) as client:
                client.sendall(b"*OPC?\n")
                try:
                    heard = client.recv(100)
                except ConnectionError:
                    heard = b""
                assert heard == expected
            bench.clock.wait(2.6)
    finally:
        server.close()
