"""How fast the simulated boxes answer, and what they survive."""

import subprocess
import sys
import time
from random import Random
from types import SimpleNamespace
from typing import Any

from sim_instruments.adapter import SimTransport
from sim_instruments.clock import SimClock
from sim_instruments.fuzzing import Judge, random_message
from sim_instruments.keithley2400 import Keithley2400
from sim_instruments.server import BenchServer
from sim_instruments.wiring import SimBench

SEED = 20260101

CLIENT = """
import socket, sys, time
count = int(sys.argv[2])
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
reader = line.makefile("rb")
start = time.perf_counter()
for _ in range(count):
    line.sendall(b"SOUR:VOLT?\\n")
    reader.readline()
print(count / (time.perf_counter() - start))
"""


QUERIES = (b"SOUR:VOLT?", b"*STB?", b"SENS:CURR:PROT?", b":OUTP?", b"SOUR:VOLT 1;VOLT?", b"SYST:ERR?")


def queries_in_process(count: int) -> float:
    """Simple queries a second, written and read through the in-process door [s⁻¹]."""
    transport = SimTransport(Keithley2400(clock=SimClock()))
    start = time.perf_counter()
    for number in range(count):
        transport.write(QUERIES[number % len(QUERIES)])
        transport.read(1.0)
    return count / (time.perf_counter() - start)


def queries_over_tcp(count: int) -> float:
    """The same, asked one by one by a client in a process of its own, in stepped time [s⁻¹]."""
    box = Keithley2400(clock=SimClock())
    server = BenchServer(SimpleNamespace(clock=box.clock, boxes={box.name: box}), port_base=0)
    port = server.doors[0].resource.split("::")[2]
    try:
        command = [sys.executable, "-c", CLIENT, port, str(count)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    finally:
        server.close()


def readings(box: str, settings: bytes, count: int) -> str:
    """READ? on the default bench, sample and noise included; return the time of one reading."""
    bench = SimBench(seed=SEED)
    bench.prepare()
    transport = bench.transport(box)
    transport.write(settings)
    start = time.perf_counter()
    for number in range(count):
        transport.write(b"SOUR:VOLT %g;:READ?" % (number % 70 / 10) if box == "keithley2400" else b"READ?")
        transport.read(100.0)
    return f"{(time.perf_counter() - start) / count * 1e6:.0f} µs"


def fuzz(name: str, count: int) -> str:
    """Send generated messages to one box of a bench; return what came of it."""
    bench = SimBench(seed=SEED)
    box, random = bench.boxes[name], Random(SEED)
    counters = {
        "keithley2400": lambda: int(bench.keithley2400.is_on),
        "mfg2230m": lambda: sum(channel.on for channel in bench.mfg2230m.channels.values()),
    }
    judge = Judge(box, counters.get(name, lambda: 0))
    start = time.perf_counter()
    for number in range(1, count + 1):
        message = random_message(box, random)
        try:
            judge.send(message)
            if number % 50 == 0:
                judge.check_pairing()
            if number % 500 == 0:
                judge.check_registers()
                box.power_on()
        except Exception as failure:
            return f"message {number}, {message!r}: {type(failure).__name__}: {failure}"
    return f"none in {count} messages, {time.perf_counter() - start:.0f} s"


def measure(full: bool = False) -> list[dict[str, Any]]:
    """Return the rows of the table; `full` sends 10^5 messages to each box instead of 2000."""
    rows = [
        {
            "figure": "simple queries in-process",
            "goal": "20 000 /s on one core",
            "measured": f"{queries_in_process(100_000):.0f} /s",
            "peer": "",
        },
        {
            "figure": "simple queries over TCP, one at a time",
            "goal": "3 000 /s",
            "measured": f"{queries_over_tcp(10_000):.0f} /s",
            "peer": "",
        },
    ]
    for figure, box, settings in (
        ("a point of a J-V curve on the simulated bench", "keithley2400", b"SENS:CURR:PROT 0.1;:OUTP ON"),
        ("a light reading on the simulated bench", "keithley6514", b"CONF:CURR;:CURR:RANG 2E-8"),
    ):
        rows.append({"figure": figure, "goal": "", "measured": readings(box, settings, 1000), "peer": ""})
    rows += [
        {
            "figure": f"{name}: exceptions and broken invariants under generated messages",
            "goal": "none in 100 000",
            "measured": fuzz(name, 100_000 if full else 2_000),
            "peer": "",
        }
        for name in SimBench(seed=SEED).boxes
    ]
    return rows
