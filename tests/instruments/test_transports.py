"""Streams, a Prologix adapter, VISA: whole replies or none, and never an endless wait."""

import socket
import threading
from collections import deque
from contextlib import nullcontext

import pytest
import pyvisa
from pyvisa.constants import StatusCode

from instruments.prologix import PrologixAdapter, PrologixTransport
from instruments.streams import SerialStream, SocketStream, StreamTransport
from instruments.visa import VisaTransport


class ScriptedStream:
    """Hands out prepared pieces, one for each read, empty ones as silence; keeps what was sent."""

    def __init__(self, *pieces):
        self.pieces = deque(pieces)
        self.sent = b""
        self.is_open = True

    def send(self, data):
        self.sent += data

    def receive(self, timeout):
        return self.pieces.popleft() if self.pieces else b""

    def close(self):
        self.is_open = False


def test_a_message_ends_as_the_box_wants_it():
    stream = ScriptedStream()
    StreamTransport(stream, write_termination=b"\r").write(b"*IDN?")
    assert stream.sent == b"*IDN?\r"


@pytest.mark.parametrize("pieces", [(b"+1.0E-03\n",), (b"+1.0", b"E-0", b"3\n"), (b"+1.0E-03", b"\n")])
def test_a_reply_is_whole_however_it_arrives(pieces):
    assert StreamTransport(ScriptedStream(*pieces)).read(1.0) == b"+1.0E-03"


def test_two_replies_in_one_piece_are_two():
    transport = StreamTransport(ScriptedStream(b"1\n2\n"))
    assert (transport.read(1.0), transport.read(1.0)) == (b"1", b"2")


def test_what_arrived_before_a_time_out_is_kept():
    stream = ScriptedStream(b"+1.0", b"")
    transport = StreamTransport(stream)
    with pytest.raises(TimeoutError):
        transport.read(0.0)
    stream.pieces.append(b"E-03\n")
    assert transport.read(1.0) == b"+1.0E-03"


def test_clearing_forgets_what_arrived_and_tells_the_box():
    stream = ScriptedStream(b"old\n", b"")
    transport = StreamTransport(stream, clear=b"\x18")
    transport.clear()
    assert stream.sent == b"\x18"
    with pytest.raises(TimeoutError):
        transport.read(0.0)


def test_a_flood_without_end_is_a_broken_connection():
    transport = StreamTransport(ScriptedStream(*[b"x" * 100_000] * 20))
    with pytest.raises(ConnectionError, match="without end"):
        transport.read(1.0)


def test_terminations_are_always_set():
    with pytest.raises(ValueError, match="terminations"):
        StreamTransport(ScriptedStream(), read_termination=b"")


@pytest.fixture
def listener():
    """A server that sends what it received, in upper case, until it reads QUIT."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        client, _ = server.accept()
        with client:
            while (data := client.recv(4096)) and b"QUIT" not in data:
                client.sendall(data.upper())

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1]
    server.close()
    thread.join(5)


def test_a_socket_carries_messages_and_notices_the_end(listener):
    transport = StreamTransport(SocketStream("127.0.0.1", listener))
    transport.write(b"abc")
    assert transport.read(5.0) == b"ABC"
    with pytest.raises(TimeoutError):
        transport.read(0.01)
    transport.write(b"QUIT")
    with pytest.raises(ConnectionError):
        transport.read(5.0)
    transport.close()


def test_a_serial_url_is_a_port_like_any_other(listener):
    transport = StreamTransport(SerialStream(f"socket://127.0.0.1:{listener}", {"baudrate": 9600}))
    transport.write(b"abc")
    assert transport.read(5.0) == b"ABC"
    transport.write(b"QUIT")
    transport.close()


def test_an_adapter_is_told_once_how_to_behave_and_each_time_whom_to_address():
    stream = ScriptedStream()
    adapter = PrologixAdapter(stream)
    assert b"++auto 0\n" in stream.sent
    assert b"++read_tmo_ms 150\n" in stream.sent
    stream.sent = b""
    first, second = PrologixTransport(adapter, 24), PrologixTransport(adapter, 14)
    first.write(b":OUTP OFF")
    first.write(b":OUTP OFF")
    second.write(b":SYST:ZCH ON")
    assert stream.sent == b"++addr 24\n:OUTP OFF\n:OUTP OFF\n++addr 14\n:SYST:ZCH ON\n"


def test_what_means_something_to_the_adapter_is_escaped():
    stream = ScriptedStream()
    transport = PrologixTransport(PrologixAdapter(stream), 24)
    stream.sent = b""
    transport.write(b":SOUR:VOLT +1.5")
    assert stream.sent == b"++addr 24\n:SOUR:VOLT \x1b+1.5\n"


def test_an_adapter_is_asked_again_while_the_box_has_nothing_to_say(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("instruments.prologix.time.monotonic", lambda: now[0])
    stream = ScriptedStream()

    def receive(timeout):
        now[0] += timeout
        return b"+1.0E-03\r\n" if now[0] > 5.0 else b""

    stream.receive = receive
    transport = PrologixTransport(PrologixAdapter(stream), 24)
    assert transport.read(20.0).strip() == b"+1.0E-03"
    assert stream.sent.count(b"++read eoi\n") == 17


def test_a_box_behind_an_adapter_is_waited_for_no_longer_than_told(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("instruments.prologix.time.monotonic", lambda: now[0])
    stream = ScriptedStream()

    def receive(timeout):
        now[0] += timeout
        return b""

    transport = PrologixTransport(PrologixAdapter(stream), 24)
    stream.receive = receive
    with pytest.raises(TimeoutError):
        transport.read(0.2)
    assert now[0] == pytest.approx(0.2)


def test_the_last_box_to_leave_closes_the_adapter():
    stream = ScriptedStream()
    adapter = PrologixAdapter(stream)
    first, second = PrologixTransport(adapter, 24), PrologixTransport(adapter, 14)
    first.close()
    assert stream.is_open
    second.close()
    assert not stream.is_open
    assert not adapter.is_open


def test_clearing_through_an_adapter_is_a_selected_device_clear():
    stream = ScriptedStream(b"old", b"")
    transport = PrologixTransport(PrologixAdapter(stream), 24)
    transport.clear()
    assert stream.sent.endswith(b"++addr 24\n++clr\n")


@pytest.mark.parametrize("address", [-1, 31])
def test_an_address_outside_the_bus_is_refused(address):
    with pytest.raises(ValueError, match="GPIB address"):
        PrologixTransport(PrologixAdapter(ScriptedStream()), address)


class ScriptedSession:
    """A VISA session whose status byte says when it has a reply."""

    def __init__(self, *, replies=(), polls_before=0, errors=()):
        self.replies, self.polls_before, self.errors = deque(replies), polls_before, deque(errors)
        self.written, self.reads, self.clears = [], 0, 0
        self.visalib, self.session = self, None

    def write_raw(self, data):
        self._fail()
        self.written.append(data)

    def read_stb(self):
        self._fail()
        self.polls_before -= 1
        return 16 if self.polls_before < 0 and self.replies else 0

    def ignore_warning(self, *statuses):
        return nullcontext()

    def read(self, session, count):
        self._fail()
        self.reads += 1
        reply = self.replies.popleft()
        if len(reply) <= count:
            return reply, StatusCode.success
        self.replies.appendleft(reply[count:])
        return reply[:count], StatusCode.success_max_count_read

    def clear(self):
        self._fail()
        self.clears += 1

    def close(self):
        pass

    def _fail(self):
        if self.errors:
            raise self.errors.popleft()


def visa(session):
    return VisaTransport("GPIB0::24::INSTR", open_resource=lambda *_, **__: session)


def test_terminations_of_a_visa_session_are_set():
    session = ScriptedSession()
    visa(session).write(b"*IDN?")
    assert session.written == [b"*IDN?\n"]
    assert session.read_termination == "\n"


def test_a_reply_is_read_once_the_box_says_that_it_has_one():
    session = ScriptedSession(replies=[b"+1.0E-03\r\n"], polls_before=3)
    assert visa(session).read(5.0) == b"+1.0E-03"
    assert session.reads == 1


def test_a_long_reply_comes_in_pieces_and_what_arrived_is_kept():
    long = b",".join(b"%+.6E" % number for number in range(2000))
    session = ScriptedSession(replies=[long + b"\n"])
    transport = visa(session)
    timeouts = 0
    while True:
        try:
            assert transport.read(0.0) == long
            break
        except TimeoutError:
            timeouts += 1
    assert timeouts == session.reads - 1 > 10


def test_what_is_left_of_a_reply_is_forgotten_with_a_device_clear():
    session = ScriptedSession(replies=[b"1" * 3000 + b"\n"])
    transport = visa(session)
    with pytest.raises(TimeoutError):
        transport.read(0.0)
    transport.clear()
    session.replies = deque([b"2\n"])
    assert transport.read(1.0) == b"2"


def test_a_box_with_nothing_to_say_is_not_asked_to_talk():
    session = ScriptedSession()
    with pytest.raises(TimeoutError):
        visa(session).read(0.0)
    assert session.reads == 0


@pytest.mark.parametrize(
    ("status", "error"),
    [(StatusCode.error_timeout, TimeoutError), (StatusCode.error_connection_lost, ConnectionError)],
)
def test_errors_of_visa_are_those_of_a_transport(status, error):
    session = ScriptedSession(errors=[pyvisa.errors.VisaIOError(status)])
    with pytest.raises(error):
        visa(session).write(b"*IDN?")


def test_without_a_serial_poll_the_read_itself_waits():
    unsupported = pyvisa.errors.VisaIOError(StatusCode.error_nonsupported_operation)
    session = ScriptedSession(replies=[b"1\n"], errors=[unsupported])
    transport = visa(session)
    assert transport.read(0.5) == b"1"
    assert session.timeout == 500


def test_a_session_without_device_clear_goes_on():
    session = ScriptedSession(errors=[pyvisa.errors.VisaIOError(StatusCode.error_nonsupported_operation)])
    visa(session).clear()
    assert session.clears == 0
