"""The in-process door keeps the time and the order of a real one."""

import pytest

from sim_instruments.adapter import SimTransport
from sim_instruments.wire_log import WireLog


@pytest.fixture
def transport(source_meter) -> SimTransport:
    return SimTransport(source_meter)


def test_a_reply_comes_without_its_terminator(transport):
    transport.write(b"*IDN?\n")
    assert transport.read(1.0).startswith(b"KEITHLEY INSTRUMENTS INC.,MODEL 2400,")


def test_a_deadline_that_is_too_short_is_missed_and_the_reply_comes_late(transport):
    transport.write(b"SOUR:VOLT 1;:SENS:CURR:NPLC 10;:OUTP ON;:READ?")
    with pytest.raises(TimeoutError, match=r"needs 0\.6"):
        transport.read(0.2)
    transport.write(b"*IDN?")
    assert transport.read(0.5).startswith(b"+1.0"), "the answer to READ?, not to *IDN?"
    assert transport.read(0.5).startswith(b"KEITHLEY")


def test_asking_a_silent_box_costs_the_time_out_and_an_error(transport, source_meter):
    start = source_meter.clock.monotonic()
    with pytest.raises(TimeoutError):
        transport.read(2.0)
    assert source_meter.clock.monotonic() - start == pytest.approx(2.0)
    transport.write(b"SYST:ERR?")
    assert transport.read(1.0) == b'-420,"Query UNTERMINATED"'


def test_device_clear_drops_unread_replies(transport):
    transport.write(b"*IDN?")
    transport.clear()
    transport.write(b"*OPC?")
    assert transport.read(1.0) == b"1"


def test_several_lines_are_several_messages(transport):
    transport.write(b"*ESE 3\r\n\n*ESE?\r*OPC?\n")
    assert [transport.read(1.0), transport.read(1.0)] == [b"3", b"1"]


def test_the_wire_log_tells_messages_and_outputs(tmp_path, source_meter):
    path = tmp_path / "wire.jsonl"
    log = WireLog(path, clock=source_meter.clock)
    source_meter.witness = log.output
    transport = SimTransport(source_meter, wire_log=log)
    transport.write(b"SENS:CURR:PROT 1E-3;:SOUR:VOLT 2;:OUTP ON")
    transport.write(b"OUTP?")
    transport.write(b"OUTP OFF")
    log.close()
    lines = path.read_text(encoding="utf-8").splitlines()
    assert '"box": "keithley2400", "door": "in-process", "dir": "in", "bytes": "OUTP?"' in lines[2]
    assert '"dir": "out", "bytes": "1"' in lines[3]
    assert '"output": true, "volts": 1.99' in lines[1] and '"output": false, "volts": 0.0' in lines[-1]
