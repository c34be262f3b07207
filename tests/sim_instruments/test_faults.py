"""Every kind of fault does what its line in the catalogue says, and strikes when it is told to."""

import math
import re
import socket
import threading
from collections.abc import Callable

import pytest

from sim_instruments.clock import SimClock
from sim_instruments.fault_kinds import CATALOGUE
from sim_instruments.faults import Fault, FaultyLine, FaultyStation, FaultyTransport
from sim_instruments.tcp import TCPDoor
from sim_instruments.wiring import SimBench

PROVEN: dict[str, Callable[[], None]] = {}


def proves(kind: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register the proof of one kind."""

    def register(proof: Callable[[], None]) -> Callable[[], None]:
        assert kind not in PROVEN
        PROVEN[kind] = proof
        return proof

    return register


class Talk:
    """One box of a bench behind a faulty cable; what a client would see of it."""

    def __init__(self, box: str = "keithley2400", **bench: object) -> None:
        self.bench = SimBench(noise=False, **bench)  # type: ignore[arg-type]
        self.box = box
        self.line = self.bench.lines[box]
        self.transport = self.bench.transport(box)

    def fail(self, kind: str, **when: object) -> "Talk":
        self.bench.inject(self.box, Fault(kind, **when))  # type: ignore[arg-type]
        return self

    def __call__(self, *messages: str) -> list[str]:
        """Send messages; for every question, the reply or what was raised."""
        seen = []
        for message in messages:
            try:
                self.transport.write(message.encode())
                if "?" in message:
                    seen.append(self.read())
            except ConnectionError as error:
                seen.append(type(error).__name__)
        return seen

    def read(self) -> str:
        try:
            return self.transport.read(1.0).decode("latin-1")
        except TimeoutError:
            return "silence"

    def value(self, message: str) -> float:
        return float(self(message)[0])


def numbered(talk: Talk) -> Talk:
    """A box that answers 7 to ``*ESE?`` and 5 to ``*SRE?``."""
    talk.transport.inner.write(b"*ESE 7")
    talk.transport.inner.write(b"*SRE 5")
    return talk


# --- replies ------------------------------------------------------------------------------------


@proves("late_reply")
def _() -> None:
    talk = numbered(Talk()).fail("late_reply", amount=2.5)
    start = talk.bench.clock.monotonic()
    assert talk("*ESE?") == ["silence"]
    assert [talk.read(), talk.read()] == ["silence", "7"]
    assert talk.bench.clock.monotonic() - start == pytest.approx(2.5, abs=0.1)


@proves("slow_link")
def _() -> None:
    talk = numbered(Talk()).fail("slow_link", amount=0.5, lasts=1.2)
    start = talk.bench.clock.monotonic()
    assert talk("*ESE?", "*SRE?", "*ESE?", "*SRE?", "*ESE?") == ["7", "5", "7", "5", "7"]
    assert talk.bench.clock.monotonic() - start == pytest.approx(1.5, abs=0.1)


@proves("lost_reply")
def _() -> None:
    assert numbered(Talk()).fail("lost_reply")("*ESE?", "*SRE?") == ["silence", "5"]


@proves("truncated_reply")
def _() -> None:
    assert Talk("lakeshore336").fail("truncated_reply", amount=3)("KRDG? A", "KRDG? A") == [
        "+297.",
        "+297.000",
    ]


@proves("split_reply")
def _() -> None:
    talk = Talk("lakeshore336").fail("split_reply")
    assert talk("KRDG? A") == ["+297"]
    assert talk.read() == ".000"


@proves("doubled_reply")
def _() -> None:
    assert numbered(Talk()).fail("doubled_reply")("*ESE?", "*SRE?", "*ESE?") == ["7", "7", "5"]


@proves("merged_reply")
def _() -> None:
    assert numbered(Talk()).fail("merged_reply")("*ESE?", "*SRE?", "*SRE?") == ["silence", "75", "5"]


@proves("garbled_reply")
def _() -> None:
    garbled, whole = Talk("lakeshore336").fail("garbled_reply")("KRDG? A", "KRDG? A")
    assert garbled != whole and len(garbled) == len(whole)


@proves("noise_before_reply")
def _() -> None:
    noisy, clean = numbered(Talk()).fail("noise_before_reply", amount=4)("*ESE?", "*ESE?")
    assert noisy.endswith("7") and len(noisy) == 5 and clean == "7"


@proves("stale_reply")
def _() -> None:
    assert numbered(Talk()).fail("stale_reply", nth=2)("*ESE?", "*SRE?", "*SRE?") == ["7", "7", "5"]


@proves("one_behind")
def _() -> None:
    assert numbered(Talk()).fail("one_behind")("*ESE?", "*SRE?", "*ESE?", "*ESE?") == [
        "silence",
        "7",
        "5",
        "7",
    ]


@proves("empty_reply")
def _() -> None:
    assert numbered(Talk()).fail("empty_reply")("*ESE?", "*ESE?") == ["", "7"]


@proves("stray_carriage_return")
def _() -> None:
    assert numbered(Talk()).fail("stray_carriage_return")("*ESE?", "*ESE?") == ["7\r", "7"]


@proves("null_bytes")
def _() -> None:
    assert numbered(Talk()).fail("null_bytes", amount=3)("*ESE?", "*ESE?") == ["\0\0\x007", "7"]


@proves("high_bits")
def _() -> None:
    assert numbered(Talk()).fail("high_bits")("*ESE?", "*ESE?") == [chr(ord("7") | 128), "7"]


@proves("decimal_comma")
def _() -> None:
    assert Talk("lakeshore336").fail("decimal_comma")("KRDG? A", "KRDG? A") == ["+297,000", "+297.000"]


@proves("digit_flipped")
def _() -> None:
    flipped, whole = Talk("lakeshore336").fail("digit_flipped")("KRDG? A", "KRDG? A")
    assert sum(a != b for a, b in zip(flipped, whole, strict=True)) == 1
    assert re.fullmatch(r"\+\d{3}\.\d{3}", flipped)


@proves("overflow_reading")
def _() -> None:
    assert Talk("lakeshore336").fail("overflow_reading")("KRDG? A", "KRDG? A") == [
        "+9.900000E+37",
        "+297.000",
    ]


@proves("missing_reading")
def _() -> None:
    assert Talk("lakeshore336").fail("missing_reading")("KRDG? A")[0] == "+9.910000E+37"


@proves("infinite_reading")
def _() -> None:
    assert Talk("lakeshore336").fail("infinite_reading")("KRDG? A")[0] == "INF"


@proves("gain_error")
def _() -> None:
    talk = Talk("lakeshore336").fail("gain_error", amount=0.01)
    assert [float(reply) for reply in talk("KRDG? A", "KRDG? A")] == pytest.approx([299.97, 299.97])


@proves("stuck_reading")
def _() -> None:
    talk = Talk("lakeshore336").fail("stuck_reading")
    first = talk("KRDG? A", "SETP? 1")
    talk("SETP 1,250")
    talk.bench.clock.wait(600.0)
    assert talk("KRDG? A", "SETP? 1") == first
    assert talk.bench.cryostat.stage_temperature < 260.0


@proves("foreign_reply")
def _() -> None:
    assert numbered(Talk()).fail("foreign_reply")("*IDN?")[0].startswith("ACME")


# --- messages -----------------------------------------------------------------------------------


@proves("lost_message")
def _() -> None:
    assert numbered(Talk()).fail("lost_message")("*ESE 9", "*ESE?") == ["7"]


@proves("doubled_message")
def _() -> None:
    talk = numbered(Talk()).fail("doubled_message")
    assert talk("*ESE?") == ["7"]
    assert talk.read() == "7"


@proves("garbled_message")
def _() -> None:
    talk = numbered(Talk()).fail("garbled_message", matching=rb"ESE 9")
    talk("*CLS", "*ESE 9")
    assert talk.value("*ESE?") != 9 or talk.value("*ESR?") != 0


@proves("truncated_message")
def _() -> None:
    assert numbered(Talk()).fail("truncated_message", amount=1)("*ESE 34", "*ESE?") == ["3"]


@proves("glued_messages")
def _() -> None:
    assert numbered(Talk()).fail("glued_messages")("*ESE 1", "2;*ESE?") == ["12"]


@proves("deaf")
def _() -> None:
    talk = numbered(Talk()).fail("deaf", lasts=1.5)
    assert talk("*ESE?", "*ESE?", "*ESE?") == ["silence", "silence", "7"]


@proves("hung")
def _() -> None:
    talk = numbered(Talk()).fail("hung")
    assert talk(*["*ESE?"] * 5) == ["silence"] * 5
    talk.transport.clear()
    assert talk("*ESE?") == ["7"]


@proves("echo")
def _() -> None:
    talk = numbered(Talk()).fail("echo")
    assert talk("*ESE?") == ["*ESE?"]
    assert talk.read() == "7"
    talk("*CLS")
    assert talk.read() == "*CLS"


@proves("unasked_reply")
def _() -> None:
    talk = numbered(Talk()).fail("unasked_reply")
    talk("*CLS")
    assert talk("*ESE?") == ["+0.000000E+00"]
    assert talk.read() == "7"


@proves("setting_ignored")
def _() -> None:
    talk = numbered(Talk()).fail("setting_ignored")
    assert talk("*ESE?", "*ESE 9", "*ESE?", "*ESE 9", "*ESE?") == ["7", "7", "9"]


@proves("settings_locked")
def _() -> None:
    assert numbered(Talk()).fail("settings_locked")("*ESE 9", "*ESE?", "*SRE 9", "*SRE?") == ["7", "5"]


@proves("setting_rounded")
def _() -> None:
    assert Talk("lakeshore336").fail("setting_rounded")("PID 1,55.5,20,14.6", "PID? 1") == [
        "+0055.5,+0020.0,+0010.0"
    ]


@proves("wrong_range")
def _() -> None:
    talk = Talk("keithley6514").fail("wrong_range")
    assert float(talk("CURR:RANG 2e-9", "CURR:RANG?")[0]) == pytest.approx(2.1e-8)


@proves("off_ignored")
def _() -> None:
    talk = Talk("mfg2230m").fail("off_ignored")
    assert talk("OUTP1 ON", "OUTP1 OFF", "OUTP1?", "OUTP1 0", "OUTP1?") == ["1", "1"]


@proves("root_output_dead")
def _() -> None:
    talk = Talk("mfg2230m").fail("root_output_dead")
    assert talk("OUTP1 ON", "OUTP1?", "SOUR1:OUTP ON", "OUTP1?") == ["0", "1"]


# --- the link -----------------------------------------------------------------------------------


@proves("connection_reset")
def _() -> None:
    assert numbered(Talk()).fail("connection_reset")("*ESE?", "*ESE?") == ["ConnectionResetError", "7"]


@proves("unplugged")
def _() -> None:
    talk = numbered(Talk()).fail("unplugged", lasts=5.0)
    assert talk("*ESE?", "*ESE?") == ["ConnectionResetError"] * 2
    with pytest.raises(ConnectionError):
        talk.bench.transport(talk.box)
    talk.bench.clock.wait(5.0)
    assert talk("*ESE?") == ["7"]


@proves("unplugged_for_good")
def _() -> None:
    talk = numbered(Talk()).fail("unplugged_for_good")
    talk("*ESE?")
    talk.bench.clock.wait(1e6)
    assert talk("*ESE?") == ["ConnectionResetError"]


@proves("replaced")
def _() -> None:
    talk = numbered(Talk())
    before = talk("*IDN?")[0]
    assert talk.fail("replaced")("*ESE?") == ["ConnectionResetError"]
    talk.bench.clock.wait(5.0)
    after, enabled = talk("*IDN?", "*ESE?")
    assert after.split(",")[:2] == before.split(",")[:2]
    assert after.split(",")[2] != before.split(",")[2]
    assert enabled == "0"


# --- box, sample, surroundings -----------------------------------------------------------------


def sourcing(kind: str = "", **when: object) -> Talk:
    """The 2400 with 3 V on the hole-only pixel; then the fault."""
    talk = Talk()
    talk(":FORM:ELEM CURR", ":SENS:CURR:PROT 0.01", ":SOUR:VOLT:RANG 20", ":SOUR:VOLT 3", ":OUTP ON")
    return talk.fail(kind, **when) if kind else talk


def pulsing(box: str, kind: str = "", **when: object) -> Talk:
    """Light pulses on the 6514; then the fault on the box's cable."""
    talk = Talk(box)
    generator, meter = talk.bench.transport("mfg2230m"), talk.bench.transport("keithley6514")
    generator.write(
        b"OUTP1:LOAD INF;:SOUR1:FUNC PULS;PULS:PER 1ms;WIDT 300us;:SOUR1:AMP 4;DCO 2;:OUTP1 ON;*WAI"
    )
    for message in (b":FUNC 'CURR'", b":CURR:RANG 2e-7", b":SYST:ZCH OFF", b":FORM:ELEM READ"):
        meter.write(message)
    return talk.fail(kind, **when) if kind else talk


def light(talk: Talk) -> float:
    meter = talk.bench.transport("keithley6514")
    for _ in range(2):
        meter.write(b"READ?")
        reading = float(meter.read(10.0))
    return reading


@proves("power_cycle")
def _() -> None:
    talk = sourcing("power_cycle", matching=rb"OUTP\?")
    assert talk("OUTP?") == ["0"]
    assert int(talk("*ESR?")[0]) & 128


@proves("output_drops")
def _() -> None:
    assert sourcing("output_drops")("OUTP?") == ["0"]
    assert pulsing("mfg2230m", "output_drops")("OUTP1?") == ["0"]
    assert Talk("lakeshore336").fail("output_drops")("RANGE? 1") == ["0"]


@proves("enable_line_opens")
def _() -> None:
    talk = sourcing("enable_line_opens", lasts=30.0)
    assert talk("OUTP?", "*CLS", "OUTP ON", "SYST:ERR?")[-1].startswith("802")
    talk.bench.clock.wait(30.0)
    assert talk("OUTP ON", "OUTP?") == ["1"]


@proves("too_hot")
def _() -> None:
    talk = sourcing("too_hot", lasts=60.0)
    assert talk("OUTP?", "*CLS", "OUTP ON", "SYST:ERR?")[-1].startswith("810")
    talk.bench.clock.wait(60.0)
    assert talk("OUTP ON", "OUTP?") == ["1"]


@proves("zero_check_on")
def _() -> None:
    assert light(pulsing("keithley6514")) > 1e-8
    talk = pulsing("keithley6514", "zero_check_on", matching=rb"READ\?")
    assert abs(light(talk)) < 1e-9 or light(talk) > 1e30
    assert talk("SYST:ZCH?") == ["1"]


@proves("load_lost")
def _() -> None:
    assert pulsing("mfg2230m")("SOUR1:AMP?") == ["+4.0000E+00"]
    assert pulsing("mfg2230m", "load_lost")("SOUR1:AMP?", "OUTP1:LOAD?") == ["+2.0000E+00", "DEF"]


@proves("panel_touched")
def _() -> None:
    assert float(sourcing("panel_touched", amount=0.5)(":SOUR:VOLT?")[0]) == pytest.approx(3.5)
    assert pulsing("mfg2230m", "panel_touched", amount=0.5)("SOUR1:DCO?") == ["+2.5000E+00"]
    talk = Talk("lakeshore336").fail("panel_touched", amount=-10.0)
    talk("KRDG? A")
    talk.bench.clock.wait(1.0)
    assert talk("SETP? 1") == ["+287.000"]


@proves("spurious_error")
def _() -> None:
    assert Talk().fail("spurious_error")("SYST:ERR?", "SYST:ERR?") == ['-310,"System error"', '0,"No error"']


@proves("stamps_reset")
def _() -> None:
    talk = Talk("keithley6514")
    talk.bench.clock.wait(500.0)
    talk(":FORM:ELEM TIME")
    before = talk.value("READ?")
    assert before > 500.0
    assert talk.fail("stamps_reset").value("READ?") < before


@proves("device_shorted")
def _() -> None:
    talk = sourcing()
    healthy = talk.value("READ?")
    assert talk.fail("device_shorted").value("READ?") == pytest.approx(0.01, rel=1e-3)
    talk.line.clear()
    assert talk.value("READ?") == pytest.approx(healthy, rel=1e-2)


@proves("device_open")
def _() -> None:
    assert abs(sourcing("device_open").value("READ?")) < 1e-6


@proves("loose_contact")
def _() -> None:
    talk = sourcing()
    healthy = talk.value("READ?")
    assert abs(talk.fail("loose_contact", lasts=3.0).value("READ?")) < 1e-6
    talk.bench.clock.wait(3.0)
    assert talk.value("READ?") == pytest.approx(healthy, rel=1e-2)


@proves("device_degrades")
def _() -> None:
    talk = pulsing("mfg2230m")
    before = light(talk)
    talk.fail("device_degrades", amount=0.3)("OUTP1?")
    assert light(talk) == pytest.approx(0.7 * before, rel=0.02)


@proves("stray_light")
def _() -> None:
    before = light(pulsing("keithley6514"))
    assert light(pulsing("keithley6514", "stray_light", amount=2e-9)) - before == pytest.approx(2e-9, rel=0.2)


@proves("photodiode_off")
def _() -> None:
    assert abs(light(pulsing("keithley6514", "photodiode_off"))) < 1e-9


@proves("never_settles")
def _() -> None:
    talk = Talk("lakeshore336").fail("never_settles", amount=0.5)
    readings = []
    for _ in range(60):
        readings.append(talk.value("KRDG? A"))
        talk.bench.clock.wait(7.0)
    assert max(readings) - min(readings) == pytest.approx(1.0, rel=0.1)


@proves("sensor_lost")
def _() -> None:
    assert Talk("lakeshore336").fail("sensor_lost")("RDGST? A", "KRDG? A") == ["128", "+000.000"]


@proves("sensor_stuck")
def _() -> None:
    talk = Talk("lakeshore336").fail("sensor_stuck")
    talk("SETP 1,277")
    talk.bench.clock.wait(600.0)
    assert talk("KRDG? A") == ["+297.000"]
    assert talk.bench.cryostat.stage_temperature < 290.0


@proves("heater_broken")
def _() -> None:
    talk = Talk("lakeshore336").fail("heater_broken")
    assert talk("HTRST? 1") == ["1"]
    talk.bench.clock.wait(600.0)
    assert talk.value("KRDG? A") < 260.0


@proves("coolant_out")
def _() -> None:
    talk = Talk("lakeshore336").fail("coolant_out")
    talk("SETP 1,217")
    talk.bench.clock.wait(7200.0)
    assert talk.value("KRDG? A") > 290.0
    talk.line.clear()
    talk.bench.clock.wait(7200.0)
    assert talk.value("KRDG? A") == pytest.approx(217.0, abs=0.1)


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_kind_does_what_it_says(kind: str) -> None:
    PROVEN[kind]()


def test_the_catalogue_holds_at_least_forty_kinds_with_one_line_each() -> None:
    assert len(CATALOGUE) >= 40
    for kind in CATALOGUE.values():
        assert kind.meaning and "\n" not in kind.meaning and len(kind.meaning) < 100
    assert len({kind.meaning for kind in CATALOGUE.values()}) == len(CATALOGUE)


# --- when they strike ---------------------------------------------------------------------------


def test_the_nth_matching_message_sets_a_fault_off() -> None:
    talk = numbered(Talk()).fail("lost_reply", matching=rb"\*SRE\?", nth=2)
    assert talk("*SRE?", "*ESE?", "*SRE?", "*SRE?") == ["5", "7", "silence", "5"]


def test_a_fault_may_strike_several_times() -> None:
    talk = numbered(Talk()).fail("lost_reply", nth=2, times=2)
    assert talk(*["*ESE?"] * 4) == ["7", "silence", "silence", "7"]


def test_a_fault_waits_for_its_phase_its_state_and_its_time() -> None:
    talk = numbered(Talk()).fail("lost_reply", phase="sweep")
    assert talk("*ESE?") == ["7"]
    talk.line.phase = "sweep"
    assert talk("*ESE?") == ["silence"]
    talk.fail("empty_reply", state=lambda box: getattr(box, "is_on", False))
    assert talk("*ESE?", "OUTP ON", "*ESE?") == ["7", ""]
    talk.fail("empty_reply", since=talk.bench.clock.monotonic() + 10.0)
    assert talk("*ESE?") == ["7"]
    talk.bench.clock.wait(10.0)
    assert talk("*ESE?") == [""]


def test_chance_comes_from_the_seed() -> None:
    def seen(seed: int) -> list[str]:
        return numbered(Talk(seed=seed)).fail("lost_reply", probability=0.1, times=math.inf)(*["*ESE?"] * 300)

    assert seen(1) == seen(1) != seen(2)
    assert 15 <= seen(1).count("silence") <= 45


def test_a_line_tells_what_struck_and_comes_to_rest() -> None:
    talk = numbered(Talk()).fail("lost_reply")
    talk("*ESE?")
    assert [kind for _, kind in talk.line.struck] == ["lost_reply"]
    assert talk.line.is_quiet


def test_a_line_outlives_a_reconnection() -> None:
    bench = SimBench()
    bench.inject("keithley2400", Fault("lost_reply", nth=2))
    bench.transport("keithley2400").write(b"*ESE?")
    again = bench.transport("keithley2400")
    again.write(b"*ESE?")
    with pytest.raises(TimeoutError):
        again.read(1.0)


def test_impossible_faults_are_refused() -> None:
    with pytest.raises(ValueError, match="no fault kind 'gremlins'"):
        Fault("gremlins")
    with pytest.raises(ValueError, match="probability"):
        Fault("late_reply", probability=2.0)
    with pytest.raises(ValueError, match="count from 1"):
        Fault("late_reply", nth=0)
    bench = SimBench()
    line = FaultyLine(bench.boxes["keithley2400"])
    with pytest.raises(ValueError, match="give the line one"):
        line.strike(Fault("stray_light"))
    with pytest.raises(ValueError, match="happens to keithley6514, not to keithley2400"):
        line.add(Fault("zero_check_on"))


@pytest.mark.parametrize("box", ["keithley2400", "keithley6514", "mfg2230m", "lakeshore336"])
def test_whatever_fails_a_client_sees_replies_silence_or_a_broken_connection(box: str) -> None:
    talk = Talk(box)
    for kind in CATALOGUE.values():
        if kind.boxes and box not in kind.boxes:
            continue
        talk.fail(kind.name, nth=2, times=3)
        talk("*IDN?", "*ESE 3", "*ESE?", "OUTP1 1", "READ?", "KRDG? A", "SYST:ERR?", "*RST", "*STB?", "*IDN?")
        talk.line.clear()
        talk.transport.clear()
        talk.bench.clock.wait(10.0)
        assert talk("*IDN?")[0].count(",") == 3, kind.name


def test_a_fault_of_a_pixel_that_is_not_there_disturbs_nothing_and_has_not_struck() -> None:
    bench = SimBench(clock=SimClock())
    line = FaultyLine(bench.keithley2400, bench=bench)
    bench.unmount(source="keithley2400")
    line.add(Fault("device_shorted"), Fault("late_reply"))
    assert line.to_box(b"*IDN?") == [b"*IDN?"]
    assert [kind for _, kind in line.struck] == ["late_reply"]


def test_a_fault_of_a_pixel_ends_after_the_pixel_was_taken_off() -> None:
    bench = SimBench(clock=SimClock())
    line = FaultyLine(bench.keithley2400, bench=bench)
    line.strike(Fault("loose_contact", lasts=3.0))
    bench.unmount(source="keithley2400")
    bench.clock.wait(4.0)
    assert line.to_box(b"*IDN?") == [b"*IDN?"] and line.is_quiet


def test_faults_happen_on_a_socket_too() -> None:
    bench = SimBench(clock=SimClock())
    line = FaultyLine(bench.keithley2400, bench=bench)
    station = FaultyStation(bench.keithley2400, bench=threading.RLock(), line=line)
    door = TCPDoor(station)
    line.add(
        Fault("doubled_reply"), Fault("late_reply", nth=2, amount=0.02), Fault("connection_reset", nth=4)
    )
    try:
        with socket.create_connection(("127.0.0.1", door.port), timeout=5.0) as client:
            lines = client.makefile("rwb")
            seen = []
            for message, replies in ((b"*ESE 7", 0), (b"*ESE?", 2), (b"*SRE?", 1)):
                lines.write(message + b"\n")
                lines.flush()
                seen += [lines.readline() for _ in range(replies)]
            assert seen == [b"7\n", b"7\n", b"0\n"]
            lines.write(b"*ESE?\n")
            lines.flush()
            assert lines.readline() == b""
        with socket.create_connection(("127.0.0.1", door.port), timeout=5.0) as client:
            client.sendall(b"*ESE?\n")
            assert client.recv(100) == b"7\n"
    finally:
        door.close()
        station.close()


def test_without_faults_a_line_passes_everything() -> None:
    bench = SimBench()
    transport = FaultyTransport(bench.transport("mfg2230m").inner, bench.lines["mfg2230m"])
    transport.write(b"*IDN?")
    assert transport.read(1.0).startswith(b"GW INSTEK")
