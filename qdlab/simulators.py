"""The simulated bench, opened in-process or served to other programs; the only door to `sim_instruments`."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from instruments.bench import ROLES, Bench, HeaterEnd, Role, Station
from instruments.catalogue import DRIVERS, open_station
from instruments.limits import Envelope
from instruments.link import Link, parse_identity
from qdlab.quantities import parse_quantity
from sim_instruments.device_under_test import SampleSpec
from sim_instruments.fault_script import drawn_faults, fault_page, read_faults
from sim_instruments.faults import FaultyLine
from sim_instruments.presets import PRESETS
from sim_instruments.sample_file import read_sample
from sim_instruments.scpi import command_page
from sim_instruments.server import DEFAULT_PORT_BASE, SERIAL_TERMINATORS, TimeMode, make_clock, serve
from sim_instruments.wiring import DEFAULT_DEVICES, SimBench


def sample_names() -> tuple[str, ...]:
    """What can stand in for a device on the simulated bench; the paper's two pixels first."""
    return tuple(dict.fromkeys((*DEFAULT_DEVICES.values(), *PRESETS)))


def open_simulated_bench(
    *,
    seed: int = 0,
    devices: Mapping[str, Any] | None = None,
    envelope: Envelope | None = None,
    heater_end: HeaterEnd | None = None,
    line_frequency: int = 50,
    simulation: SimBench | None = None,
) -> Bench:
    """A bench of simulated boxes in this process, on simulated time.

    Everything between a procedure and the physics is the real thing: driver, Door, Link and the boxes' own
    language. `bench.simulation` is the `SimBench`; its `mount` is what an operator does with the cables.

    Parameters
    ----------
    seed : of all noise and scatter
    devices : identifier -> `SampleSpec`, name of a preset or path of a sample file (``.toml``); the paper's
        two pixels unless given
    envelope : the bench's own limits
    heater_end : what becomes of the heater at a safe end
    line_frequency : of the building's mains [Hz]
    simulation : an existing `SimBench` in place of a new one
    """
    sim = simulation or SimBench(seed=seed, devices=_samples(devices), mains_frequency=line_frequency)
    stations = {role: _station(sim, role, line_frequency) for role in ROLES}
    return Bench(
        name="sim",
        kind="simulation",
        clock=sim.clock,
        stations=stations,
        envelope=envelope,
        heater_end=heater_end,
        line_frequency=line_frequency,
        simulation=sim,
    )


def serve_simulated_bench(
    *,
    seed: int = 0,
    devices: Mapping[str, Any] | None = None,
    time: TimeMode = "real",
    speed: float = 60.0,
    port_base: int = DEFAULT_PORT_BASE,
    wire_log: Path | None = None,
    faults: Path | int | None = None,
    serial_terminator: str = "own",
    instead: Collection[str] = (),
) -> None:
    """Serve the simulated bench to other programs until it is told to end; prints one line per box and door.

    Parameters
    ----------
    seed : of all noise and scatter
    devices : as for `open_simulated_bench`
    time : real, scaled, or stepped by the clients
    speed : of scaled time, in simulated seconds a second [1]
    port_base : first TCP port; 0 takes free ones
    wire_log : file that witnesses every message and every change of an output
    faults : a script of faults (see `sim_instruments.fault_script`), or a number: faults at random from that
        seed on
    serial_terminator : what ends responses on the serial lines: own (each box's), lf, cr or crlf
    instead : names of boxes that take the place of the usual one of their role
    """
    clock = make_clock(time, speed=speed)
    sim = SimBench(seed=seed, devices=_samples(devices), clock=clock, instead=instead)
    if isinstance(faults, int):
        sim.lines = {name: FaultyLine(box, bench=sim, seed=faults) for name, box in sim.boxes.items()}
    if faults is not None:
        planned = drawn_faults(sim.boxes) if isinstance(faults, int) else read_faults(faults, sim.boxes)
        for box, fault in planned:
            sim.inject(box, fault)
    sim.prepare()
    serve(
        sim,
        port_base=port_base,
        wire_log=wire_log,
        serial_terminator=SERIAL_TERMINATORS[serial_terminator],
    )


def list_simulated_faults() -> str:
    """The catalogue of faults as a table."""
    return fault_page()


def list_simulated_commands(box: str) -> str:
    """What a simulated box answers, as Markdown.

    Raises
    ------
    ValueError
        There is no such box on the bench.
    """
    return command_page(SimBench(devices={}, instead=(box,)).boxes[box])


def reveal_simulated_devices(
    *, seed: int = 0, devices: Mapping[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    """What a bench of that seed has put into its devices, sealed ones included; SI, glossary names."""
    return SimBench(seed=seed, devices=_samples(devices)).reveal()


def _samples(devices: Mapping[str, Any] | None) -> dict[str, SampleSpec | str] | None:
    """Devices with their sample files read; other values are left as they are."""
    if devices is None:
        return None
    return {
        identifier: read_sample(Path(sample), parse_quantity)
        if isinstance(sample, str) and sample.endswith(".toml")
        else sample
        for identifier, sample in devices.items()
    }


def _station(sim: SimBench, role: Role, line_frequency: int) -> Station:
    """The box of a role behind the driver that knows its model."""
    box = sim.roles[role]
    model = parse_identity(box.identity).model
    return open_station(
        next(name for name, driver in DRIVERS.items() if model in driver.MODELS),
        link=Link(box.name, clock=sim.clock),
        connect=lambda: sim.transport(box.name),
        line_frequency=line_frequency,
    )
