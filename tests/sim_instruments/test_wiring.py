"""The whole bench, spoken to as on the wire."""

import io
import json
import socket
from dataclasses import replace

import pytest

from sim_instruments.device_under_test import SampleSpec
from sim_instruments.presets import PRESETS, preset
from sim_instruments.server import BenchServer
from sim_instruments.wire_log import WireLog
from sim_instruments.wiring import SimBench

HOLE_ONLY, GLOWING = "li2024/hole-only/1", "li2024/light-emitting/1"


def ask(bench: SimBench, box: str, *messages: str) -> str:
    transport = bench.transport(box)
    reply = b""
    for message in messages:
        transport.write(message.encode())
        if "?" in message:
            reply = transport.read(60.0)
    return reply.decode()


def measure_current(bench: SimBench, voltage: float) -> float:
    reply = ask(
        bench,
        "keithley2400",
        ":FORM:ELEM CURR",
        ":SENS:CURR:PROT 0.1",
        ":SOUR:VOLT:RANG 20",
        f":SOUR:VOLT {voltage}",
        ":OUTP ON",
        ":READ?",
    )
    ask(bench, "keithley2400", ":OUTP OFF")
    return float(reply)


def measure_light(bench: SimBench, width: float) -> float:
    ask(
        bench,
        "mfg2230m",
        "OUTP1:LOAD INF;:SOUR1:FUNC PULS;PULS:PER 1ms;:SOUR1:AMP 4;DCO 2",
        f"SOUR1:PULS:WIDT {width};:OUTP1 ON;*OPC?",
    )
    reply = ask(
        bench,
        "keithley6514",
        ":FORM:ELEM READ",
        ":FUNC 'CURR'",
        ":CURR:RANG 2e-7",
        ":CURR:NPLC 5",
        ":SYST:ZCH OFF",
        "READ?",
        "READ?",
    )
    return float(reply)


def test_four_boxes_answer_to_their_names() -> None:
    bench = SimBench()
    assert set(bench.boxes) == {"keithley2400", "keithley6514", "mfg2230m", "lakeshore336"}
    assert all(ask(bench, box, "*IDN?").count(",") == 3 for box in bench.boxes)


def test_a_voltage_on_the_source_meter_drives_the_hole_only_pixel() -> None:
    bench = SimBench(seed=2)
    expected = bench.samples[HOLE_ONLY].force_voltage(4.0, 297.0)[1]
    assert measure_current(bench, 4.0) == pytest.approx(expected, rel=5e-3)


def test_colder_is_less_conducting() -> None:
    bench = SimBench()
    warm = measure_current(bench, 2.0)
    ask(bench, "lakeshore336", "SETP 1,257")
    bench.clock.wait(3600.0)
    expected = bench.samples[HOLE_ONLY].force_voltage(2.0, 257.0)[1]
    assert measure_current(bench, 2.0) == pytest.approx(expected, rel=1e-2)
    assert expected < 0.3 * warm


def test_light_against_pulse_width_meets_the_axis_at_the_true_delay() -> None:
    bench = SimBench(seed=5, noise=False)
    first, second = measure_light(bench, 150e-6), measure_light(bench, 300e-6)
    delay = 150e-6 - first * 150e-6 / (second - first)
    assert delay == pytest.approx(bench.truth[GLOWING]["delay_time"][4.0], rel=0.02)


def test_the_truth_of_the_paper_device_is_the_printed_delay() -> None:
    truth = SimBench().truth
    assert truth[GLOWING]["delay_time"][4.0] == pytest.approx(49.7e-6, rel=2e-3)
    assert truth[GLOWING]["transit_mobility"][4.0] == pytest.approx(9.1e-11, rel=2e-3)
    assert truth[HOLE_ONLY]["thickness"] == pytest.approx(110e-9)


def test_a_sweep_reads_the_same_whether_it_is_waited_for_or_fetched_later() -> None:
    """A run is caught up with when somebody asks; charge and temperature are those of the point's time."""
    spec = replace(preset("hole-only-murgatroyd"), capacitance=1e-6, charging_time=0.05)
    set_up = (
        "*RST;:FORM:ELEM CURR;:SENS:CURR:PROT 0.1;RANG 1e-2;:SOUR:VOLT:RANG 20;MODE LIST;"
        ":SOUR:LIST:VOLT 0,1,2,3,2,1,0;:TRIG:COUN 7;:SOUR:DEL 0.02;:OUTP ON"
    )

    def sweep(*, later: bool) -> str:
        bench = SimBench(seed=1, devices={"c/1/1": spec})
        ask(bench, "lakeshore336", "SETP 1,290")
        ask(bench, "keithley2400", set_up)
        if not later:
            return ask(bench, "keithley2400", ":READ?")
        ask(bench, "keithley2400", ":INIT")
        bench.clock.wait(10.0)
        return ask(bench, "keithley2400", ":FETC?")

    assert sweep(later=True) == sweep(later=False)


def test_the_sample_reads_the_same_through_a_socket_as_in_process() -> None:
    """Stepped time: temperature, charge and noise belong to the messages, not to the door they came by."""
    messages = ["*RST;:FORM:ELEM VOLT,CURR;:SENS:CURR:PROT 0.01;:SOUR:VOLT:RANG 20;:OUTP ON"]
    for step in range(20):
        messages += [f":SOUR:VOLT {0.3 * step:.3f}", ":READ?"]
    in_process = SimBench(seed=7)
    expected = [ask(in_process, "keithley2400", message) for message in messages]

    server = BenchServer(SimBench(seed=7), port_base=0)
    resource = next(line.resource for line in server.doors if line[:2] == ("keithley2400", "tcp"))
    _, host, port, _ = resource.split("::")
    replies = []
    try:
        with socket.create_connection((host, int(port)), timeout=30.0) as client:
            lines = client.makefile("rwb")
            for message in messages:
                lines.write(message.encode() + b"\n")
                lines.flush()
                replies.append(lines.readline().decode().strip() if "?" in message else "")
    finally:
        server.close()
    assert replies == expected


def test_mounting_takes_a_pixel_off_the_other_source() -> None:
    bench = SimBench()
    assert dict(bench.mounted) == {"keithley2400": HOLE_ONLY, "mfg2230m": GLOWING}
    bench.mount(GLOWING, source="keithley2400")
    assert dict(bench.mounted) == {"keithley2400": GLOWING}
    assert abs(measure_light(bench, 300e-6)) < 1e-10
    with pytest.raises(ValueError, match="no device 'nobody'"):
        bench.mount("nobody", source="mfg2230m")


def test_reversed_wires_block_a_diode() -> None:
    bench = SimBench()
    bench.mount(GLOWING, source="keithley2400", reversed=True)
    assert abs(measure_current(bench, 4.0)) < 1e-8
    bench.mount(GLOWING, source="keithley2400")
    assert measure_current(bench, 4.0) > 1e-5


def test_one_seed_gives_one_bench() -> None:
    def readings(seed: int) -> list[object]:
        bench = SimBench(seed=seed)
        return [
            measure_current(bench, 3.0),
            measure_light(bench, 2e-4),
            ask(bench, "lakeshore336", "KRDG? A"),
        ]

    assert readings(11) == readings(11)
    assert readings(11) != readings(12)


def test_a_sealed_device_tells_its_truth_on_request_only() -> None:
    plain = preset("li2024-hole-only-110nm")
    sealed = SampleSpec(identifier="s", conduction=plain.conduction, area=plain.area, sealed=True)
    bench = SimBench(devices={"secret/1": sealed})
    assert bench.truth == {"secret/1": {"sealed": True}}
    assert bench.reveal()["secret/1"]["area"] == plain.area


def test_every_preset_can_be_mounted() -> None:
    bench = SimBench(devices={f"shelf/{name}": name for name in PRESETS})
    assert all(sample.truth()["area"] > 0 for sample in bench.samples.values())
    with pytest.raises(ValueError, match="no sample preset 'unknown'"):
        SimBench(devices={"a": "unknown"})


def test_the_wire_log_notes_messages_and_outputs() -> None:
    bench = SimBench()
    stream = io.StringIO()
    bench = SimBench(clock=bench.clock, wire_log=WireLog(stream, clock=bench.clock))
    ask(bench, "mfg2230m", "OUTP1 ON", "OUTP1?", "OUTP1 OFF")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["output"] for line in lines if "output" in line] == [True, False]
    assert [line["bytes"] for line in lines if line.get("dir") == "in"] == ["OUTP1 ON", "OUTP1?", "OUTP1 OFF"]
