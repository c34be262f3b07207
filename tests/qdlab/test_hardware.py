"""The bench of a bench file, through the doors of real benches: TCP, a serial port, a Prologix adapter."""

import os
import threading

import pytest

from instruments.bench import arming_token
from instruments.errors import ConnectionFailed
from instruments.limits import Envelope
from qdlab.config import load_bench
from qdlab.config.bench import BenchConfig
from qdlab.errors import ConfigError
from qdlab.hardware import open_bench, unopened_bench
from qdlab.off import Instruction
from sim_instruments.clock import RealClock, SimClock
from sim_instruments.server import DEFAULT_PORT_BASE, BenchServer
from sim_instruments.wiring import SimBench

ROLES = {
    "source_meter": "keithley2400",
    "light_meter": "keithley6514",
    "pulse_generator": "mfg2230m",
    "temperature_controller": "lakeshore336",
}


@pytest.fixture
def clock():
    """Time passes only while boxes work, unless a test says otherwise."""
    return SimClock()


@pytest.fixture
def served(clock):
    """The simulated bench behind its doors, and each (box, door) -> resource."""
    bench = SimBench(seed=3, clock=clock)
    server = BenchServer(bench, port_base=0)
    yield bench, {(line.box, line.door): line.resource for line in server.doors}
    server.close()


def bench_file(resources, door="tcp", **settings):
    """A bench whose boxes are reached through one kind of door, the generator always by TCP."""
    instruments = {
        role: {"driver": box, "resource": resources.get((box, door), resources[box, "tcp"]), **settings}
        for role, box in ROLES.items()
    }
    return BenchConfig.model_validate({"name": "served", "instruments": instruments})


def doors():
    return ["tcp", "prologix", *(["serial"] if os.name == "posix" else [])]


@pytest.mark.parametrize("door", doors())
def test_a_bench_measures_through_every_door(served, door):
    simulation, resources = served
    bench = open_bench(bench_file(resources, door))
    try:
        bench.set_up()
        bench.use_envelope(Envelope(maximum_voltage=8.0, maximum_current=0.02))
        bench.arm(token=arming_token("test"))
        source = bench.source_meter
        source.configure(compliance_current=0.01, maximum_voltage=8.0, power_line_cycles=0.1)
        source.voltage = 2.0
        source.switch_on()
        assert source.read_point().voltage == pytest.approx(2.0, abs=5e-3)
        source.off()
        readings = source.sweep_linear(0.0, 2.0, 5, settling_time=0.01)
        assert [reading.voltage for reading in readings] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0], abs=5e-3)
        bench.pulse_generator.configure_pulse(pulse_amplitude=5.0, pulse_width=5e-5, pulse_period=1e-3)
        bench.light_meter.configure(current_range=2e-7)
        bench.light_meter.zero_correct()
        bench.pulse_generator.switch_on()
        bench.pulse_generator.start_burst(5000)
        assert bench.light_meter.read_light().current > 1e-9
        assert bench.temperature_controller.sample_temperature == pytest.approx(297.0, abs=1.0)
        assert all(report.confirmed for report in bench.safe())
        assert simulation.keithley2400.is_on is False
        assert simulation.mfg2230m.channels[1].on is False
    finally:
        bench.close()


def test_the_boxes_behind_one_adapter_share_a_link(served):
    _, resources = served
    bench = unopened_bench(bench_file(resources, "prologix"))
    source, light, generator = (
        bench.stations[role].door.line.link for role in ("source_meter", "light_meter", "pulse_generator")
    )
    assert source is light
    assert source is not generator


def test_the_wrong_serial_number_is_refused_before_anything_is_written(served):
    simulation, resources = served
    config = bench_file(resources, serial="4711")
    with pytest.raises(ConnectionFailed, match=r"source_meter: 2400: .*serial 1248014.*4711") as refusal:
        open_bench(config)
    assert "light_meter" in str(refusal.value)  # every box is named, not only the first
    assert simulation.keithley2400.event_status_enable == 0


def test_the_wrong_box_is_refused(served):
    _, resources = served
    config = BenchConfig.model_validate(
        {
            "name": "mixed-up",
            "instruments": {
                "light_meter": {"driver": "keithley6514", "resource": resources["keithley2400", "tcp"]}
            },
        }
    )
    with pytest.raises(ConnectionFailed, match=r"2400, serial 1248014.* answers where 6514 was expected"):
        open_bench(config)


def test_a_box_that_is_not_there_is_named():
    config = BenchConfig.model_validate(
        {
            "name": "empty",
            "instruments": {
                "source_meter": {"driver": "keithley2400", "resource": "TCPIP::127.0.0.1::9::SOCKET"}
            },
        }
    )
    with pytest.raises(ConnectionFailed, match="2400 cannot be reached"):
        open_bench(config)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"driver": "keithley9999", "resource": "GPIB0::24::INSTR"},
            "no driver 'keithley9999'; there are keith",
        ),
        ({"driver": "keithley2400", "resource": "COM3"}, "is none of TCPIP"),
    ],
)
def test_an_unknown_driver_or_resource_is_refused_in_one_line(settings, message):
    config = BenchConfig.model_validate({"name": "odd", "instruments": {"source_meter": settings}})
    with pytest.raises(ConfigError, match=message):
        unopened_bench(config)


def test_a_guardian_is_told_how_each_box_is_switched_off_without_its_driver():
    config = BenchConfig.model_validate(
        {
            "name": "lab",
            "heater": {"at_end": "ramp", "room_temperature": "295 K", "ramp_rate": "3 K/min"},
            "instruments": {
                "source_meter": {"driver": "keithley2400", "resource": "GPIB0::24::INSTR"},
                "light_meter": {
                    "driver": "keithley6514",
                    "resource": "ASRL/dev/ttyUSB0::INSTR",
                    "baud_rate": 9600,
                    "parity": "none",
                    "flow_control": "xon_xoff",
                    "read_termination": "\r",
                    "write_termination": "\r",
                },
                "pulse_generator": {"driver": "mfg2230m", "resource": "ASRL/dev/ttyACM0::INSTR"},
                "temperature_controller": {
                    "driver": "lakeshore336",
                    "resource": "TCPIP::192.168.1.5::1234::SOCKET",
                    "gpib_address": 12,
                },
            },
        }
    )
    instructions = {each.box: each for each in unopened_bench(config).off_instructions(Instruction)}
    assert instructions["2400"].off == ":OUTP OFF"
    assert (instructions["2400"].query, instructions["2400"].expected) == (":OUTP?", "0")
    assert instructions["6514"].serial == {
        "baudrate": 9600,
        "parity": "N",
        "xonxoff": True,
        "rtscts": False,
    }
    assert instructions["6514"].clear == "\x18"
    assert instructions["6514"].write_termination == "\r"
    assert instructions["MFG-2230M"].off == "OUTP1 OFF"
    assert instructions["336"].resource == "PROLOGIX::TCPIP::192.168.1.5::1234::SOCKET::12"
    assert instructions["336"].off == "RAMP 1,1,3.0\nSETP 1,295.000"
    assert instructions["336"].done == "ramps to 295 K"


@pytest.mark.parametrize("name", ["bench-lab.toml", "bench-sim-tcp.toml"])
def test_the_example_benches_are_read_and_every_connection_is_understood(project_root, name):
    bench = unopened_bench(load_bench(project_root / "examples" / name))
    assert set(bench.boxes) == set(ROLES)
    assert len(bench.off_instructions(Instruction)) == 4


def test_the_example_of_a_simulated_bench_names_the_ports_that_are_served(project_root):
    config = load_bench(project_root / "examples" / "bench-sim-tcp.toml")
    offsets = {name: offset for offset, name in enumerate(SimBench().boxes)}
    for box in config.instruments.values():
        assert box.resource == f"TCPIP::127.0.0.1::{DEFAULT_PORT_BASE + offsets[box.driver]}::SOCKET"


def test_a_lost_connection_is_opened_again_and_the_reading_taken_once_more(served):
    simulation, resources = served
    bench = open_bench(bench_file(resources))
    try:
        bench.set_up()
        simulation.keithley2400.event_status = 0
        bench.stations["source_meter"].door.line._transport.close()
        assert bench.source_meter.output_is_off
        assert bench.stations["source_meter"].door.line.reconnections == 1
    finally:
        bench.close()


@pytest.mark.parametrize("clock", [RealClock()])
def test_off_reaches_a_box_in_the_middle_of_a_long_reading(served):
    simulation, resources = served
    bench = open_bench(bench_file(resources))
    waiting, failures = threading.Event(), []

    def read() -> None:
        try:
            bench.source_meter.read_point()
        except ConnectionFailed as failure:
            failures.append(str(failure))

    try:
        bench.set_up()
        bench.arm(token=arming_token("test"))
        bench.source_meter.configure(
            compliance_current=0.01, maximum_voltage=8.0, power_line_cycles=10.0, filter_count=100
        )
        bench.source_meter.switch_on()
        bench.on_slice = waiting.set
        thread = threading.Thread(target=read)
        thread.start()
        assert waiting.wait(10)
        bench.source_meter.off()
        thread.join(10)
        assert bench.source_meter.output_is_off
        assert not simulation.keithley2400.is_on
        assert "abandoned" in failures[0]
    finally:
        bench.close()
