"""Pixel checks and conditioning on the simulated bench."""

import math
from dataclasses import replace
from typing import Any

import pytest

from instruments.bench import Bench, arming_token
from instruments.roles import SourceReading
from procedures import columns
from procedures.base import BenchProcedure, ConnectedDevice, Row, Surroundings
from procedures.conditioning import Conditioning
from procedures.pixel_check import PixelCheck
from qdlab.simulators import open_simulated_bench
from sim_instruments.clock import SimClock
from sim_instruments.presets import preset
from sim_instruments.wiring import SimBench

FILM = replace(preset("li2024-hole-only-110nm"))
DIODE = replace(preset("li2024-qled"))


def bench_with(spec: Any, *, reversed: bool = False, connected: bool = True) -> Bench:
    simulation = SimBench(seed=3, devices={"pixel": spec})
    simulation.mount("pixel", source="keithley2400", reversed=reversed)
    if not connected:
        simulation.unmount(source="keithley2400")
    bench = open_simulated_bench(simulation=simulation)
    bench.set_up()
    return bench


def run(procedure: BenchProcedure, bench: Any, **parameters: Any) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    said: list[str] = []
    procedure.set_parameters(parameters)
    bench.arm(token=arming_token("test"))
    procedure.attach(
        Surroundings(
            bench=bench,
            device=ConnectedDevice(identifier="pixel", area=4e-6, thickness=1e-7),
            record=lambda some: rows.extend(row for row, _ in some),
            announce=said.append,
        )
    )
    procedure.run()
    assert bench.source_meter is not None and bench.source_meter.output_is_off
    return rows, said


def test_a_good_pixel_passes() -> None:
    check = PixelCheck()
    rows, said = run(check, bench_with(FILM))
    assert [row[columns.PROBE_VOLTAGE] for row in rows] == [0.0, 0.1, -0.1]
    assert check.early_end is None
    assert said[-1].startswith("pixel in order")


@pytest.mark.parametrize("ohms", [0.5, 50.0, 900.0])
def test_a_shorted_pixel_is_not_measured_any_further(ohms: float) -> None:
    check = PixelCheck()
    run(check, bench_with(replace(FILM, leakage_conductance=1 / ohms)))
    assert check.early_end is not None and check.early_end.device_failed
    assert check.early_end.reason.startswith("shorted")


def test_an_open_contact_is_named() -> None:
    check = PixelCheck()
    run(check, bench_with(FILM, connected=False))
    assert check.early_end is not None and check.early_end.device_failed
    assert "check the contact" in check.early_end.reason


def test_a_diode_the_wrong_way_round_is_named_with_the_way_out() -> None:
    check = PixelCheck()
    run(check, bench_with(DIODE, reversed=True), polarity_voltage=3.0, open_resistance=1e13)
    assert check.early_end is not None
    assert check.early_end.reason.startswith("reversed") and "exchange the leads" in check.early_end.reason


def test_a_diode_the_right_way_round_passes() -> None:
    check = PixelCheck()
    rows, _ = run(check, bench_with(DIODE), polarity_voltage=3.0, open_resistance=1e13)
    assert check.early_end is None
    assert [row[columns.PROBE_VOLTAGE] for row in rows] == [0.0, 0.1, -0.1, 3.0, -3.0]


def test_conditioning_reads_at_intervals_for_its_duration() -> None:
    rows, _ = run(Conditioning(), bench_with(FILM), voltage=2.0, duration=60.0, interval=5.0)
    elapsed = [row[columns.ELAPSED] for row in rows]
    assert len(elapsed) == 12
    assert elapsed[-1] < 60.0
    assert all(row[columns.CONDITIONING_CURRENT] > 0 for row in rows)


def test_conditioning_ends_early_once_the_current_is_stable() -> None:
    conditioning = Conditioning()
    parameters = {"voltage": 2.0, "duration": 600.0, "interval": 5.0, "stability_tolerance": 0.01}
    rows, _ = run(conditioning, bench_with(FILM), **parameters)
    assert len(rows) == Conditioning.compared_readings
    assert conditioning.early_end is not None and not conditioning.early_end.device_failed


class Meter:
    """A source meter that reads what it is told to, with the flags a 2400 would give."""

    def __init__(self, readings: list[SourceReading]) -> None:
        self._readings = iter(readings)
        self.on, self.voltage = False, 0.0

    def configure(self, **settings: Any) -> None: ...

    def switch_on(self) -> None:
        self.on = True

    def off(self) -> None:
        self.on = False

    @property
    def output_is_off(self) -> bool:
        return not self.on

    def read_point(self) -> SourceReading:
        return next(self._readings)


class MeterBench:
    """That meter and a clock."""

    pulse_generator = light_meter = temperature_controller = None

    def __init__(self, *readings: tuple[float, str]) -> None:
        self.clock = SimClock()
        self.source_meter = Meter(
            [
                SourceReading(voltage=0.1, current=current, flags=frozenset(flags.split()))
                for current, flags in readings
            ]
        )

    def arm(self, **_: Any) -> None: ...


def test_a_pixel_whose_current_the_source_limits_is_shorted_whatever_it_reads() -> None:
    check = PixelCheck()
    run(check, MeterBench((0.0, ""), (2e-5, "compliance"), (-2e-5, "compliance")), short_resistance=100.0)
    assert check.early_end is not None and check.early_end.reason.startswith("shorted")


def test_a_pixel_nobody_could_read_is_neither_open_nor_in_order() -> None:
    check = PixelCheck()
    _, said = run(check, MeterBench((math.nan, "invalid"), (math.nan, "invalid"), (1e-9, "")))
    assert check.early_end is not None and check.early_end.device_failed
    assert check.early_end.reason.startswith("no current could be read")
    assert said[0].startswith("nan A at 0 V")


@pytest.mark.parametrize("flags", ["compliance", "range-compliance", "invalid"])
def test_a_current_that_is_not_the_device_s_own_is_not_stable(flags: str) -> None:
    current = math.nan if flags == "invalid" else 1e-3
    conditioning = Conditioning()
    rows, _ = run(
        conditioning,
        MeterBench(*[(current, flags)] * 100),
        voltage=1.0,
        duration=60.0,
        interval=1.0,
        stability_tolerance=0.1,
    )
    assert conditioning.early_end is None
    assert len(rows) > 3 * Conditioning.compared_readings
