"""The same boxes behind TCP, a pseudo-terminal and a Prologix adapter."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from random import Random
from types import SimpleNamespace

import pytest
import pyvisa

from sim_instruments import serial_pty
from sim_instruments import tcp as tcp_door
from sim_instruments.adapter import SimTransport
from sim_instruments.clock import RealClock, SimClock
from sim_instruments.fuzzing import random_message
from sim_instruments.keithley2400 import Keithley2400
from sim_instruments.mfg2230m import MFG2230M
from sim_instruments.prologix import LONGEST_LINE, PrologixDoor, _LineSplitter
from sim_instruments.server import SERIAL_TERMINATORS, BenchServer, make_clock, serve
from sim_instruments.station import InputBuffer, Station
from sim_instruments.wire_log import WireLog

MESSAGE_AVAILABLE = 16  # the status byte's bit 4 (IEEE 488.2, 11.2)

posix_only = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are a thing of POSIX")


@pytest.fixture
def visa():
    manager = pyvisa.ResourceManager("@py")
    yield manager
    manager.close()


class Line:
    """A plain socket with a line protocol."""

    def __init__(self, resource: str) -> None:
        *_, host, port, _ = resource.replace("::SOCKET", "::x").replace("::INTFC", "::x").split("::")
        self.socket = socket.create_connection((host, int(port)), timeout=5.0)
        self._received = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def line(self) -> bytes:
        while b"\n" not in self._received:
            data = self.socket.recv(4096)
            if not data:
                raise ConnectionError
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return line.rstrip(b"\r")

    def ask(self, data: bytes) -> bytes:
        self.send(data + b"\n")
        return self.line()

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def tcp(served):
    line = Line(served.resource["keithley2400", "tcp"])
    yield line
    line.close()


@pytest.fixture
def adapter(served):
    line = Line(served.resource["prologix", "tcp"])
    yield line
    line.close()


SWEEP = (
    b"*RST;:SENS:FUNC:CONC ON;:SENS:FUNC 'VOLT','CURR';:SENS:CURR:PROT 1E-2;:FORM:ELEM VOLT,CURR,STAT",
    b"SOUR:VOLT:STAR 0;STOP 5;STEP 0.25;MODE SWE;:TRIG:COUN 21",
    b"OUTP ON",
    b"READ?",
    b"OUTP OFF",
)


def sweep_in_process(resistor) -> bytes:
    transport = SimTransport(Keithley2400(clock=SimClock(), seed=3, terminals=resistor))
    for message in SWEEP:
        transport.write(message)
    return transport.read(60.0)


def test_a_sweep_reads_the_same_in_process_and_through_tcp(tcp, resistor):
    for message in SWEEP:
        tcp.send(message + b"\n")
    assert tcp.line() == sweep_in_process(resistor)


@posix_only
def test_a_sweep_reads_the_same_through_a_pseudo_terminal(served, visa, resistor):
    instrument = visa.open_resource(served.resource["keithley2400", "serial"])
    for message in SWEEP:
        instrument.write(message.decode())
    assert instrument.read().strip().encode() == sweep_in_process(resistor)


def test_a_sweep_reads_the_same_through_a_prologix_adapter_and_pyvisa(served, visa, resistor):
    adapter = visa.open_resource(served.resource["prologix", "tcp"])
    instrument = visa.open_resource("GPIB0::24::INSTR")
    for message in SWEEP:
        instrument.write(message.decode())
    assert instrument.read().strip().encode() == sweep_in_process(resistor)
    meter = visa.open_resource("GPIB0::14::INSTR")
    assert "MODEL 6514" in meter.query("*IDN?") and "MODEL 2400" in instrument.query("*IDN?")
    adapter.close()


def test_socket_clients_may_use_any_terminator_and_pipeline(tcp):
    tcp.send(b"*IDN?\r\n\n*ESE 5\r*ESE?;*OPC?\n")
    assert [tcp.line()[:8], tcp.line()] == [b"KEITHLEY", b"5;1"]


def test_clients_come_and_go_and_the_box_stays_as_it_is(served):
    for level in (b"1", b"2"):
        line = Line(served.resource["keithley2400", "tcp"])
        line.ask(b"SOUR:VOLT " + level + b";*OPC?")
        line.close()
    line = Line(served.resource["keithley2400", "tcp"])
    assert line.ask(b"SOUR:VOLT?") == b"2.000000E+00"
    line.close()


def test_clients_that_leave_in_the_middle_or_crowd_in_keep_nobody_out(served):
    for fragment in (b"*IDN", b"*IDN?\n" * 100, b"A" * 300_000):
        line = Line(served.resource["keithley2400", "tcp"])
        line.send(fragment)
        line.close()
    crowd = [Line(served.resource["keithley2400", "tcp"]) for _ in range(50)]
    for line in crowd:
        line.send(b"*OPC?\n")
    assert [line.line() for line in crowd] == [b"1"] * 50
    for line in crowd:
        line.close()


def test_a_client_that_reads_nothing_is_let_go_and_its_neighbour_served(served, monkeypatch):
    monkeypatch.setattr(tcp_door, "SEND_TIMEOUT", 0.05)
    glutton, neighbour = (Line(served.resource["keithley2400", "tcp"]) for _ in range(2))
    with pytest.raises(OSError):
        for _ in range(1000):
            glutton.send(b"*IDN?\n" * 1000)
    assert neighbour.ask(b"*OPC?") == b"1"
    glutton.close()
    neighbour.close()


@posix_only
def test_a_serial_line_nobody_reads_loses_replies_and_holds_nobody_up(served, monkeypatch):
    monkeypatch.setattr(serial_pty, "SEND_TIMEOUT", 0.02)
    device = served.resource["keithley2400", "serial"].removeprefix("ASRL").removesuffix("::INSTR")
    descriptor = os.open(device, os.O_RDWR | os.O_NOCTTY)
    for _ in range(300):
        os.write(descriptor, b"*IDN?\n" * 10)
    neighbour = Line(served.resource["keithley2400", "tcp"])
    assert neighbour.ask(b"*OPC?") == b"1"
    neighbour.close()
    os.close(descriptor)


@posix_only
@pytest.mark.parametrize(("name", "ending"), [("own", b"\n"), ("cr", b"\r"), ("crlf", b"\r\n")])
def test_a_serial_line_ends_its_replies_as_the_boxs_menu_says(name, ending):
    box = Keithley2400(clock=SimClock())
    bench = SimpleNamespace(clock=box.clock, boxes={"keithley2400": box})
    server = BenchServer(bench, port_base=0, serial_terminator=SERIAL_TERMINATORS[name])
    try:
        (resource,) = [door.resource for door in server.doors if door.door == "serial"]
        descriptor = os.open(resource.removeprefix("ASRL").removesuffix("::INSTR"), os.O_RDWR | os.O_NOCTTY)
        os.write(descriptor, b"*OPC?\r")
        assert os.read(descriptor, 100) == b"1" + ending
        os.close(descriptor)
    finally:
        server.close()


def test_a_line_too_long_for_the_adapter_is_an_overrun_of_the_box_addressed(adapter):
    adapter.send(b"++addr 24\n" + b"A" * 200_000 + b"\nSYST:ERR?\n++read eoi\n")
    assert adapter.line() == b'-363,"Input buffer overrun"'


def test_escaped_bytes_count_in_a_line_too_long_for_the_adapter():
    splitter = _LineSplitter()
    assert splitter.feed(b"\x1b+" * (LONGEST_LINE + 1000)) == []
    ((line, _),) = splitter.feed(b"\n")
    assert len(line) == LONGEST_LINE + 1


# five points of a waveform, the third of them LF, CR; one holds ^C and ^X (IEEE 488.2, 7.7.6)
POINTS = b"#210" + b"\x07\xd0\x03\x18\n\r\xff\xff;,"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_bytes_of_block_data_end_no_message_and_clear_nothing(size):
    line = b"SOUR1:DATA:DAC VOLATILE," + POINTS + b"\nSYST:ERR?\r\n*IDN?\n"
    buffer = InputBuffer(limit=1000, blocks=True)
    found = [item for start in range(0, len(line), size) for item in buffer.feed(line[start : start + size])]
    assert found == [b"SOUR1:DATA:DAC VOLATILE," + POINTS, b"SYST:ERR?", b"*IDN?"]


@pytest.mark.parametrize(
    "line", [b'DISP:TEXT "a, #19"', b"SOUR1:AMP #H12", b"A #", b"A #3", b"A #5 4", b"A '#9", b"A #0"]
)
def test_what_only_looks_like_a_block_ends_as_ever(line):
    assert InputBuffer(limit=100, blocks=True).feed(line + b"\n*IDN?\n") == [line, b"*IDN?"]


def test_a_waveform_as_block_data_reaches_the_generator_whole():
    station = Station(MFG2230M(clock=SimClock()), bench=threading.RLock())
    door = tcp_door.TCPDoor(station)
    line = Line(door.resource)
    line.send(b"SOUR1:DATA:DAC VOLATILE," + POINTS + b"\n")
    assert line.ask(b"SYST:ERR?") == b"+0, 'No error.'"
    line.close()
    door.close()
    station.close()


def test_control_x_and_control_c_clear_and_drop_what_came_before():
    buffer = InputBuffer(limit=100)
    assert buffer.feed(b"OUTP ON\nSOUR:VO\x18OUTP OFF\n\x03*RST") == [InputBuffer.CLEAR]
    assert buffer.feed(b"\n") == [b"*RST"]


def test_a_message_longer_than_the_input_buffer_is_an_overrun(served, tcp):
    tcp.send(b"A" * 70000 + b"\n")
    assert tcp.ask(b"SYST:ERR?") == b'-363,"Input buffer overrun"'
    assert InputBuffer(limit=4).feed(b"12345\n*IDN?"[:6] + b"ok\n") == [InputBuffer.OVERRUN, b"ok"]


def test_binary_garbage_gets_errors_and_nothing_else(tcp):
    tcp.send(bytes(set(range(256)) - {3, 24}) * 20 + b"\n*CLS\n")
    assert tcp.ask(b"*OPC?;SYST:ERR?") == b'1;0,"No error"'


def test_nonsense_through_a_socket_leaves_questions_and_replies_paired(served, tcp):
    box, random = served.boxes["keithley2400"], Random(20260101)
    for mark in range(200, 240):
        messages = [
            random_message(box, random).replace(b"\x03", b"").replace(b"\x18", b"") for _ in range(10)
        ]
        tcp.send(b"\n".join(messages) + b"\n\x18*CLS\n*ESE %d;*OPC;*ESE?\n" % mark)
        while tcp.line() != b"%d" % mark:
            pass
        assert served.server.wait_until_idle()
    assert tcp.ask(b"*CLS;*OPC?;SYST:ERR?") == b'1;0,"No error"'


def test_the_adapter_reads_only_when_told(adapter):
    adapter.send(b"++mode 1\n++auto 0\n++addr 24\n*IDN?\n++read eoi\n")
    assert b"MODEL 2400" in adapter.line()
    adapter.send(b"++addr 14\n*IDN?\n++read\n")
    assert b"MODEL 6514" in adapter.line()


def test_the_adapter_tells_its_settings(adapter):
    assert adapter.ask(b"++ver").startswith(b"Prologix GPIB-ETHERNET")
    assert [adapter.ask(b"++" + name) for name in (b"auto", b"eoi", b"eos", b"mode", b"addr")] == [
        b"0", b"1", b"0", b"1", b"14",
    ]  # fmt: skip
    adapter.send(b"++eos 2\n++eos 9\n++addr 24\n")
    assert [adapter.ask(b"++eos"), adapter.ask(b"++addr")] == [b"2", b"24"]
    assert adapter.ask(b"++nonsense") == b"Unrecognized command"


def test_an_unread_reply_is_lost_to_the_next_message_on_gpib(adapter):
    adapter.send(b"++addr 24\n*IDN?\n")
    assert any(int(adapter.ask(b"++spoll")) & MESSAGE_AVAILABLE for _ in range(1000))
    adapter.send(b"OUTP?\n++read eoi\nSYST:ERR?\n++read eoi\n")
    assert [adapter.line(), adapter.line()] == [b"0", b'-410,"Query INTERRUPTED"']


def test_of_two_questions_sent_at_once_only_the_second_is_answered_on_gpib():
    bench, executed = threading.RLock(), threading.Event()
    station = Station(Keithley2400(clock=SimClock()), bench=bench)
    door = PrologixDoor({24: station})
    adapter = Line(door.resource)
    try:
        with bench:  # both are queued before the first is executed
            adapter.send(b"++addr 24\n*IDN?\nOUTP?\n")
            assert adapter.ask(b"++ver").startswith(b"Prologix")
        station.call(lambda box: executed.set())
        assert executed.wait(5.0)
        adapter.send(b"++read eoi\nSYST:ERR?\n++read eoi\n")
        assert [adapter.line(), adapter.line()] == [b"0", b'-410,"Query INTERRUPTED"']
    finally:
        adapter.close()
        door.close()
        station.close()


def test_a_box_with_nothing_to_say_complains_on_gpib(adapter):
    adapter.send(b"++addr 24\n++read_tmo_ms 50\n++read eoi\nSYST:ERR?\n++read eoi\n")
    assert adapter.line() == b'-420,"Query UNTERMINATED"'


def test_automatic_reading_after_a_setting_provokes_the_same_complaint(adapter):
    adapter.send(b"++addr 24\n++auto 1\n++read_tmo_ms 50\nOUTP OFF\n")
    assert adapter.ask(b"SYST:ERR?") == b'-420,"Query UNTERMINATED"'


def test_escaped_bytes_are_data(adapter):
    adapter.send(b"++addr 24\nSOUR:VOLT \x1b+2\n\x1b+\x1b+addr 3\nSOUR:VOLT?;:SYST:ERR?\n++read eoi\n")
    assert adapter.line() == b'2.000000E+00;-102,"Syntax error"'


def test_serial_poll_device_clear_and_trigger_reach_the_box_addressed(adapter, served):
    adapter.send(b"++addr 24\n*CLS;*SRE 4;NONSENSE\n")
    assert adapter.ask(b"++addr") == b"24"
    served.server.wait_until_idle()
    assert int(adapter.ask(b"++spoll")) == 68 and adapter.ask(b"++srq") == b"1"
    adapter.send(b"*CLS;:OUTP ON;:ARM:SOUR BUS;:INIT\n++trg\nFETC?\n++read eoi\n")
    assert adapter.line().startswith(b"+")
    adapter.send(b"INIT\n++clr\nOUTP?\n++read eoi\n")
    assert adapter.line() == b"1", "the run that waited for a trigger was aborted"


def test_end_of_transmission_characters_are_appended_on_request(adapter):
    adapter.send(b"++addr 24\n++eot_enable 1\n++eot_char 33\n*OPC?\n++read eoi\n")
    assert adapter.line() == b"1"
    assert adapter.ask(b"*OPC?\n++read eoi") == b"!1"


@pytest.fixture
def in_real_time(resistor):
    """A 2400 in real time behind TCP."""
    box = Keithley2400(clock=RealClock(), seed=3, terminals=resistor)
    server = BenchServer(SimpleNamespace(clock=box.clock, boxes={"keithley2400": box}), port_base=0)
    line = Line(server.doors[0].resource)
    yield SimpleNamespace(box=box, line=line)
    line.close()
    server.close()


@pytest.mark.parametrize("interruption", [b"\x18", b"\x03", b"ABOR\n"])
def test_a_clear_cuts_a_long_reading_short_in_real_time(in_real_time, interruption):
    line = in_real_time.line
    line.send(b"SOUR:VOLT 1;:SENS:CURR:NPLC 10;:SENS:AVER:COUN 100;:SENS:AVER ON;:OUTP ON;:READ?\n")
    line.send(interruption + b"OUTP OFF\n")
    assert line.ask(b"OUTP?") == b"0", "80 s of reading would have outlasted the socket's time-out"


def test_an_abort_loses_nothing_that_was_sent_before_it(in_real_time):
    line = in_real_time.line
    line.send(b"SOUR:VOLT 1;:SENS:CURR:NPLC 10;:TRIG:COUN 100;:OUTP ON\nINIT\nOUTP OFF\nSOUR:VOLT 2\nABOR\n")
    assert line.ask(b"OUTP?;:SOUR:VOLT?;:SYST:ERR?") == b'0;2.000000E+00;0,"No error"'


def test_a_run_goes_on_by_itself_in_real_time(in_real_time):
    line = in_real_time.line
    line.ask(b"SOUR:VOLT 1;:SOUR:CLE:AUTO ON;:SYST:AZER OFF;:SENS:CURR:NPLC 0.1;:TRIG:COUN 3;:INIT;*OPC?")
    assert in_real_time.box.is_idle() and not in_real_time.box.is_on
    assert line.ask(b"FETC?").count(b",") == 14


def test_stepped_time_passes_while_a_measurement_is_polled(tcp):
    tcp.send(b"*CLS;:SOUR:VOLT 1;:OUTP ON;:SENS:CURR:NPLC 10;:TRIG:COUN 10;:INIT;*OPC\n")
    polls = 1
    while not int(tcp.ask(b"*ESR?")) & 1:
        polls += 1
    assert 8 < polls < 100, "8 s in steps of at least 0.1 s"


def test_a_client_steps_the_time(served, tcp):
    clock = Line(served.resource["clock", "tcp"])
    before = float(clock.ask(b"TIME?"))
    assert float(clock.ask(b"STEP 3600;TIME?")) == pytest.approx(before + 3600, abs=0.1)
    clock.close()
    assert float(tcp.ask(b"SYST:TIME?")) >= 3600


def test_clocks_have_their_modes():
    assert isinstance(make_clock("stepped"), SimClock) and isinstance(make_clock("real"), RealClock)
    scaled = make_clock("scaled", speed=1e4)
    before = scaled.monotonic()
    scaled.wait(1.0)
    assert scaled.monotonic() - before >= 1.0


def test_every_door_listens_on_this_machine_only(served):
    for door in ("tcp", "prologix"):
        for (_, name), resource in served.resource.items():
            if name == door:
                assert "127.0.0.1" in resource


def test_a_taken_port_is_an_error_that_leaves_nothing_open(resistor):
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    box = Keithley2400(clock=SimClock(), terminals=resistor)
    with pytest.raises(OSError):
        BenchServer(SimpleNamespace(clock=box.clock, boxes={"keithley2400": box}), port_base=port)
    taken.close()


def test_serving_announces_every_door_logs_the_wire_and_ends_when_told(tmp_path, resistor):
    box = Keithley2400(clock=SimClock(), seed=3, terminals=resistor)
    bench = SimpleNamespace(clock=box.clock, boxes={"keithley2400": box})
    lines: list[str] = []
    opened, stop = threading.Event(), threading.Event()

    def announce(text: str) -> None:
        lines.append(text)
        if text.startswith("clock"):
            opened.set()

    log = tmp_path / "wire.jsonl"
    options = {"port_base": 0, "wire_log": log, "announce": announce, "stop": stop}
    server = threading.Thread(target=serve, args=(bench,), kwargs=options)
    server.start()
    assert opened.wait(5.0)
    name, door, resource = lines[0].split("\t")
    assert (name, door) == ("keithley2400", "tcp")
    line = Line(resource)
    assert line.ask(b"SOUR:VOLT 1;:OUTP ON;OUTP?") == b"1"
    line.close()
    stop.set()
    server.join(timeout=5.0)
    assert not server.is_alive()
    entries = [json.loads(text) for text in log.read_text(encoding="utf-8").splitlines()]
    assert {"dir": "in", "bytes": "SOUR:VOLT 1;:OUTP ON;OUTP?"}.items() <= entries[0].items()
    assert entries[1]["output"] is True and entries[1]["volts"] == pytest.approx(1.0, abs=2e-3)
    assert {"dir": "out", "bytes": "1", "door": "tcp", "box": "keithley2400"}.items() <= entries[2].items()


PROGRAM = """
from types import SimpleNamespace
from sim_instruments.clock import SimClock
from sim_instruments.keithley2400 import Keithley2400
from sim_instruments.mfg2230m import MFG2230M
from sim_instruments.server import serve
box = Keithley2400(clock=SimClock())
serve(SimpleNamespace(clock=box.clock, boxes={"keithley2400": box}), port_base=0)
"""


@posix_only
def test_a_served_bench_ends_cleanly_on_sigterm():
    process = subprocess.Popen([sys.executable, "-P", "-c", PROGRAM], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("keithley2400\ttcp\tTCPIP::127.0.0.1::")
    deadline = time.monotonic() + 10
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=deadline - time.monotonic())
    assert process.returncode == 0


def test_a_log_may_go_to_an_open_stream(capsys):
    WireLog(sys.stdout, clock=SimClock()).output(Keithley2400(clock=SimClock()), True, 1.0)
    assert json.loads(capsys.readouterr().out) == {
        "t": 0.0,
        "box": "keithley2400",
        "output": True,
        "volts": 1.0,
    }
