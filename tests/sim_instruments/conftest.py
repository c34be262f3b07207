"""A bench with nothing uncertain on it: a resistor, and a light whose mean and peak are known."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from sim_instruments.clock import SimClock
from sim_instruments.keithley2400 import Keithley2400
from sim_instruments.keithley6514 import Keithley6514
from sim_instruments.server import BenchServer


class Resistor:
    """A resistor on a source meter."""

    def __init__(self, ohms: float = 10e3) -> None:
        self.ohms = ohms
        self.calls: list[tuple[bool, float]] = []

    def output(self, *, on, source, level, limit):
        volts = (
            self.measure(source=source, level=level, limit=limit, start=0.0, duration=0.0)[0] if on else 0.0
        )
        self.calls.append((on, volts))
        return volts

    def measure(self, *, source, level, limit, start, duration):
        ratio = 1 / self.ohms if source == "voltage" else self.ohms
        other = max(-limit, min(limit, level * ratio))
        forced = other / ratio
        return (forced, other) if source == "voltage" else (other, forced)


class SteadyLight:
    """A photocurrent with a known mean [A] and a known ratio of peak to mean."""

    def __init__(self, mean: float = 3e-9, crest: float = 1.0) -> None:
        self.mean = mean
        self.crest = crest
        self.apertures: list[tuple[float, float]] = []

    def mean_current(self, start, duration):
        self.apertures.append((start, duration))
        return self.mean

    def peak_current(self, start, duration):
        return self.mean * self.crest

    resistance = 47e6

    def open_voltage(self, start, duration):
        return self.mean * self.resistance


@pytest.fixture
def resistor() -> Resistor:
    return Resistor()


@pytest.fixture
def light() -> SteadyLight:
    return SteadyLight()


@pytest.fixture
def source_meter(resistor) -> Keithley2400:
    return Keithley2400(clock=SimClock(), seed=3, terminals=resistor)


@pytest.fixture
def electrometer(light) -> Keithley6514:
    return Keithley6514(clock=SimClock(), seed=3, terminals=light)


@pytest.fixture
def served(resistor, light) -> Iterator[SimpleNamespace]:
    """Both Keithleys behind every door, in stepped time; `resource[box, door]` says where."""
    clock = SimClock()
    boxes = {
        "keithley2400": Keithley2400(clock=clock, seed=3, terminals=resistor),
        "keithley6514": Keithley6514(clock=clock, seed=3, terminals=light),
    }
    server = BenchServer(SimpleNamespace(clock=clock, boxes=boxes), port_base=0)
    resource = {(line.box, line.door): line.resource for line in server.doors}
    yield SimpleNamespace(server=server, boxes=boxes, clock=clock, resource=resource)
    server.close()
