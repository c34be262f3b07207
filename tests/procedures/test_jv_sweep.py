"""The J-V sweep against fake source meters whose current is a formula, and against the simulated 2400."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest

from instruments.errors import InstrumentError
from instruments.roles import SourceReading
from procedures import columns
from procedures.base import ConnectedDevice, Row, Surroundings
from procedures.jv_sweep import BreakdownWatch, JVSweep
from sim_instruments.clock import SimClock

DEVICE = ConnectedDevice(identifier="film", area=4e-6, thickness=100e-9)


class FakeSource:
    """A source meter over a formula; notes levels with their times, and whether it is on."""

    def __init__(self, clock: SimClock, law: Callable[[float, float], float]) -> None:
        self.clock, self.law = clock, law
        self.on = False
        self.level = 0.0
        self.moves: list[tuple[float, float]] = []
        self.settings: dict[str, Any] = {}

    def configure(self, **settings: Any) -> None:
        self.settings = settings

    @property
    def voltage(self) -> float:
        return self.level

    @voltage.setter
    def voltage(self, voltage: float) -> None:
        self.level = voltage
        self.moves.append((self.clock.monotonic(), voltage))

    def switch_on(self) -> None:
        self.on = True

    def off(self) -> None:
        self.on = False

    def read_point(self) -> SourceReading:
        assert self.on
        limit = self.settings["compliance_current"]
        current = self.law(self.level, self.clock.monotonic())
        flags = frozenset({"compliance"}) if abs(current) >= limit else frozenset()
        current = math.copysign(min(abs(current), limit), current)
        return SourceReading(voltage=self.level, current=current, flags=flags)

    def sweep(
        self, voltages: Sequence[float], *, settling_time: float, stop_at_compliance: bool = False
    ) -> list[SourceReading]:
        self.on = True
        readings: list[SourceReading] = []
        for voltage in voltages:
            if stop_at_compliance and readings and "compliance" in readings[-1].flags:
                break
            self.voltage = voltage
            readings.append(self.read_point())
        self.on = False
        return readings


class FakeBench:
    """A source meter and nothing else."""

    def __init__(self, law: Callable[[float, float], float]) -> None:
        self.clock = SimClock()
        self.source_meter = FakeSource(self.clock, law)
        self.pulse_generator = None
        self.light_meter = None
        self.temperature_controller = None


def quadratic(voltage: float, time: float) -> float:
    return math.copysign(1e-5 * voltage**2, voltage)


def sweep(
    law: Callable[[float, float], float] = quadratic,
    *,
    device: ConnectedDevice = DEVICE,
    surroundings: dict[str, Any] | None = None,
    **parameters: Any,
) -> tuple[JVSweep, FakeBench, list[tuple[Row, frozenset[str]]]]:
    """Run a sweep on a fake bench; gives the procedure, the bench and the rows."""
    bench = FakeBench(law)
    rows: list[tuple[Row, frozenset[str]]] = []
    procedure = JVSweep()
    procedure.set_parameters({"voltages": [1.0, 2.0, 3.0], "settling_time": 0.0, **parameters})
    procedure.attach(Surroundings(bench=bench, device=device, record=rows.extend, **(surroundings or {})))
    procedure.run()
    assert not bench.source_meter.on
    return procedure, bench, rows


def column(rows: Sequence[tuple[Row, frozenset[str]]], heading: str) -> list[float]:
    return [row[heading] for row, _ in rows]


def test_every_voltage_becomes_a_row_with_current_per_area() -> None:
    _, _, rows = sweep()
    assert column(rows, columns.VOLTAGE) == [1.0, 2.0, 3.0]
    assert column(rows, columns.CURRENT_DENSITY) == pytest.approx([2.5, 10.0, 22.5])


def test_fields_are_voltages_over_the_thickness() -> None:
    _, _, rows = sweep(voltages=None, fields=[1e7, 2e7])
    assert column(rows, columns.VOLTAGE) == [1.0, 2.0]


def test_up_and_down_measures_the_way_back() -> None:
    _, _, rows = sweep(direction="up_down")
    assert column(rows, columns.VOLTAGE) == [1.0, 2.0, 3.0, 3.0, 2.0, 1.0]
    assert column(rows, columns.SWEEP_DIRECTION) == [1.0, 1.0, 1.0, -1.0, -1.0, -1.0]


def test_a_loop_goes_through_both_polarities_with_repeats() -> None:
    _, _, rows = sweep(voltages=[0.0, 1.0], direction="up_down", polarity="both", repeats=2)
    assert column(rows, columns.VOLTAGE) == [0.0, 1.0, 1.0, 0.0, 0.0, -1.0, -1.0, 0.0] * 2
    assert column(rows, columns.REPEAT) == [0.0] * 8 + [1.0] * 8


def test_voltage_and_current_are_counted_from_the_injecting_contact() -> None:
    reversed_leads = ConnectedDevice(identifier="film", area=4e-6, thickness=100e-9, polarity=-1)
    _, bench, rows = sweep(device=reversed_leads)
    assert [level for _, level in bench.source_meter.moves] == [0.0, -1.0, -2.0, -3.0, 0.0]
    assert column(rows, columns.VOLTAGE) == [1.0, 2.0, 3.0]
    assert all(current > 0 for current in column(rows, columns.CURRENT))


def test_compliance_by_current_density_is_the_tighter_of_the_two() -> None:
    _, bench, _ = sweep(compliance_current=1e-2, compliance_current_density=100.0)
    assert bench.source_meter.settings["compliance_current"] == pytest.approx(4e-4)


def test_a_point_in_compliance_is_flagged_and_the_last() -> None:
    procedure, _, rows = sweep(compliance_current=4e-5)
    assert column(rows, columns.VOLTAGE) == [1.0, 2.0]
    assert rows[-1][1] == {"compliance"}
    assert procedure.early_end is not None and not procedure.early_end.device_failed
    assert procedure.early_end.reason == "compliance reached at 2 V"


def test_a_sweep_can_go_on_in_compliance() -> None:
    _, _, rows = sweep(compliance_current=4e-5, stop_at_compliance=False)
    assert [sorted(flags) for _, flags in rows] == [[], ["compliance"], ["compliance"]]


def burns_at(threshold: float) -> Callable[[float, float], float]:
    """A film that becomes a short, for good, at a voltage."""
    burnt = False

    def law(voltage: float, time: float) -> float:
        nonlocal burnt
        burnt = burnt or voltage >= threshold
        return voltage / 500 if burnt else quadratic(voltage, time)

    return law


def test_a_breakdown_is_confirmed_by_one_probe_and_ends_the_sweep() -> None:
    points = [1.0, 1.5, 2.0, 2.5, 3.0]
    procedure, bench, rows = sweep(burns_at(2.0), voltages=points, compliance_current=0.1)
    assert column(rows, columns.VOLTAGE) == [1.0, 1.5, 2.0]
    assert rows[-1][1] == {"breakdown"}
    assert procedure.early_end is not None and procedure.early_end.device_failed
    assert max(level for _, level in bench.source_meter.moves) == 2.0


def test_a_jump_that_does_not_persist_is_flagged_and_the_sweep_goes_on() -> None:
    spikes = iter([False, False, True, False, False, False, False])

    def law(voltage: float, time: float) -> float:
        return quadratic(voltage, time) * (100 if next(spikes) else 1)

    procedure, _, rows = sweep(law, voltages=[1.0, 1.5, 2.0, 2.5, 3.0], compliance_current=1.0)
    assert column(rows, columns.VOLTAGE) == [1.0, 1.5, 2.0, 2.5, 3.0]
    assert [sorted(flags) for _, flags in rows] == [[], [], ["jump"], [], []]
    assert procedure.early_end is None


@pytest.mark.parametrize("hardware_sweep", [False, True])
def test_a_jump_whose_probe_is_off_the_scale_is_a_breakdown(hardware_sweep: bool) -> None:
    moved_back: list[float] = []

    def law(voltage: float, time: float) -> float:
        if voltage >= 2.0:
            moved_back.append(voltage)
            return 100 * quadratic(voltage, time)
        return math.nan if moved_back else quadratic(voltage, time)

    procedure, bench, rows = sweep(
        law, voltages=[1.0, 1.5, 2.0], compliance_current=1.0, hardware_sweep=hardware_sweep
    )
    assert rows[-1][1] == {"breakdown"}
    assert procedure.early_end is not None and procedure.early_end.device_failed
    assert not bench.source_meter.on


def test_the_output_is_off_before_what_a_failed_probe_leaves_is_recorded() -> None:
    readings = iter(range(5))

    def law(voltage: float, time: float) -> float:
        if next(readings) == 3:
            raise RuntimeError("planted")
        return quadratic(voltage, time) * (100 if voltage > 1.7 else 1)

    on_when_recorded: list[bool] = []
    bench = FakeBench(law)
    procedure = JVSweep()
    procedure.set_parameters({"voltages": [1.0, 1.5, 2.0], "hardware_sweep": True, "compliance_current": 1.0})
    record = lambda rows: on_when_recorded.append(bench.source_meter.on)  # noqa: E731
    procedure.attach(Surroundings(bench=bench, device=DEVICE, record=record))
    with pytest.raises(RuntimeError, match="planted"):
        procedure.run()
    assert on_when_recorded == [False, False]


def test_a_contact_that_opens_is_flagged() -> None:
    def opening(voltage: float, time: float) -> float:
        return quadratic(voltage, time) if voltage < 2.5 else 1e-13

    _, _, rows = sweep(opening)
    assert [sorted(flags) for _, flags in rows] == [[], [], ["drop"]]


@pytest.mark.parametrize("exponent", [1.0, 2.0, 4.0])
def test_a_healthy_power_law_never_looks_like_a_breakdown(exponent: float) -> None:
    watch = BreakdownWatch(factor=20.0)
    for index in range(1, 500):
        voltage = 0.01 * 1.03**index
        current = 1e-9 * voltage**exponent
        assert not watch.is_jump(voltage, current)
        assert not watch.drop_flags(voltage, current)
        watch.remember(voltage, current)


def test_the_level_moves_no_faster_than_the_allowed_slew() -> None:
    _, bench, _ = sweep(voltages=[1.0, 4.0], surroundings={"allowed_slew": 2.0})
    moves = bench.source_meter.moves
    for (before, low), (after, high) in pairwise(moves):
        assert abs(high - low) <= 2.0 * (after - before) + 1e-9
    assert moves[-1][1] == 0.0
    assert bench.clock.monotonic() == pytest.approx(4.0)


def test_the_level_moves_in_no_larger_steps_than_allowed() -> None:
    _, bench, rows = sweep(voltages=[1.0, 4.0], surroundings={"allowed_step": 0.5})
    levels = [level for _, level in bench.source_meter.moves]
    assert max(abs(b - a) for a, b in pairwise(levels)) <= 0.5
    assert column(rows, columns.VOLTAGE) == [1.0, 4.0]


def test_settling_until_stable_waits_for_a_slow_current() -> None:
    def slow(voltage: float, time: float) -> float:
        return 1e-6 * (1 + math.exp(-time / 3.0))

    _, bench, rows = sweep(
        slow, voltages=[1.0], settling_time=1.0, settle_until_stable=True, stability_tolerance=0.001
    )
    assert rows[0][0][columns.CURRENT] == pytest.approx(1e-6, rel=5e-3)
    assert bench.clock.monotonic() > 10


def test_a_current_that_never_settles_is_flagged() -> None:
    def wild(voltage: float, time: float) -> float:
        return 1e-6 * (1 + math.sin(time))

    _, _, rows = sweep(wild, voltages=[1.0], settling_time=1.0, settle_until_stable=True)
    assert rows[0][1] == {"unsettled"}


def test_stop_ends_after_the_point() -> None:
    answers = iter([False, True])
    _, _, rows = sweep(surroundings={"should_stop": lambda: next(answers)})
    assert column(rows, columns.VOLTAGE) == [1.0, 2.0]


def test_points_of_an_interrupted_run_are_not_measured_again() -> None:
    _, _, first = sweep()
    _, _, rows = sweep(surroundings={"done": first[:2]})
    assert column(rows, columns.VOLTAGE) == [3.0]


def test_a_hardware_sweep_gives_the_same_rows_together() -> None:
    together: list[int] = []
    rows: list[Any] = []

    def record(some: Sequence[Any]) -> None:
        together.append(len(some))
        rows.extend(some)

    bench = FakeBench(quadratic)
    procedure = JVSweep()
    procedure.set_parameters({"voltages": [1.0, 2.0, 3.0], "hardware_sweep": True})
    procedure.attach(Surroundings(bench=bench, device=DEVICE, record=record))
    procedure.run()
    assert together == [3]
    assert rows == sweep()[2]


def test_a_breakdown_in_a_hardware_sweep_is_probed_for_once_the_sweep_is_over() -> None:
    points = [1.0, 1.5, 2.0, 2.5, 3.0]
    procedure, bench, rows = sweep(
        burns_at(2.0), voltages=points, compliance_current=0.1, hardware_sweep=True
    )
    assert [sorted(flags) for _, flags in rows] == [[], [], ["breakdown"], ["breakdown"], ["breakdown"]]
    assert procedure.early_end is not None and procedure.early_end.device_failed
    assert procedure.early_end.reason == "breakdown at 2 V"
    after = [level for _, level in bench.source_meter.moves][len(points) :]
    assert after == [0.0, 1.0, 0.0]


def test_a_jump_in_a_hardware_sweep_that_is_gone_when_probed_is_flagged_only() -> None:
    spikes = iter([False, False, True, False, False, False])

    def law(voltage: float, time: float) -> float:
        return quadratic(voltage, time) * (100 if next(spikes) else 1)

    voltages = [1.0, 1.5, 2.0, 2.5, 3.0]
    procedure, _, rows = sweep(law, voltages=voltages, compliance_current=1.0, hardware_sweep=True)
    assert [sorted(flags) for _, flags in rows] == [[], [], ["jump"], [], []]
    assert procedure.early_end is None


def test_what_a_hardware_sweep_measured_is_kept_though_its_probe_fails() -> None:
    readings = iter(range(5))

    def law(voltage: float, time: float) -> float:
        if next(readings) == 3:
            raise RuntimeError("planted")
        return quadratic(voltage, time) * (100 if voltage > 1.7 else 1)

    rows: list[Any] = []
    bench = FakeBench(law)
    procedure = JVSweep()
    parameters = {"voltages": [1.0, 1.5, 2.0], "hardware_sweep": True, "compliance_current": 1.0}
    procedure.set_parameters(parameters)
    procedure.attach(Surroundings(bench=bench, device=DEVICE, record=rows.extend))
    with pytest.raises(RuntimeError, match="planted"):
        procedure.run()
    assert [sorted(flags) for _, flags in rows] == [[], [], ["jump"]]
    assert not bench.source_meter.on


@pytest.mark.parametrize("fails", ["probe", "temperatures", "record"])
def test_what_a_hardware_sweep_measured_before_a_jump_is_kept_before_it_is_probed(fails: str) -> None:
    rows: list[Any] = []
    kept_before_probe: list[int] = []
    readings = iter(range(5))

    def law(voltage: float, time: float) -> float:
        if next(readings) == 3:
            kept_before_probe.append(len(rows))
            if fails == "probe":
                raise RuntimeError("planted")
        return quadratic(voltage, time) * (100 if voltage > 1.7 else 1)

    def record(some: Sequence[Any]) -> None:
        # as an order to abort: it comes when the rows are safe
        rows.extend(some)
        if fails == "record":
            raise RuntimeError("planted")

    procedure = JVSweep()
    procedure.set_parameters({"voltages": [1.0, 1.5, 2.0], "hardware_sweep": True, "compliance_current": 1.0})
    procedure.attach(Surroundings(bench=FakeBench(law), device=DEVICE, record=record))
    if fails == "temperatures":
        procedure.temperatures = lambda: 1 / 0  # type: ignore[method-assign]
    with pytest.raises((RuntimeError, ZeroDivisionError)):
        procedure.run()
    assert column(rows, columns.VOLTAGE) == [1.0, 1.5, 2.0]
    assert column(rows, columns.CURRENT) == pytest.approx(
        [quadratic(1.0, 0), quadratic(1.5, 0), 100 * quadratic(2.0, 0)]
    )
    invalid = {"invalid"} if fails == "temperatures" else set()
    assert [flags for _, flags in rows] == [invalid, invalid, {"jump"} | invalid]
    assert kept_before_probe == ([2] if fails == "probe" else [])


def test_a_hardware_sweep_ends_at_the_point_in_compliance() -> None:
    procedure, bench, rows = sweep(compliance_current=4e-5, hardware_sweep=True)
    assert column(rows, columns.VOLTAGE) == [1.0, 2.0]
    assert rows[-1][1] == {"compliance"}
    assert procedure.early_end is not None and procedure.early_end.reason == "compliance reached at 2 V"
    assert max(level for _, level in bench.source_meter.moves) == 2.0


def test_a_hardware_sweep_that_came_back_short_is_kept_and_is_no_finished_one() -> None:
    rows: list[Any] = []
    bench = FakeBench(quadratic)
    whole = bench.source_meter.sweep
    bench.source_meter.sweep = lambda voltages, **more: whole(voltages, **more)[:2]  # type: ignore[method-assign]
    procedure = JVSweep()
    procedure.set_parameters({"voltages": [1.0, 1.5, 2.0], "hardware_sweep": True, "compliance_current": 1.0})
    procedure.attach(Surroundings(bench=bench, device=DEVICE, record=rows.extend))
    with pytest.raises(InstrumentError, match="gave 2 readings of a sweep of 3 points"):
        procedure.run()
    assert column(rows, columns.VOLTAGE) == [1.0, 1.5]
    assert not bench.source_meter.on


def test_a_fault_at_any_reading_switches_the_source_off() -> None:
    for at in range(3):
        readings = iter(range(3))

        def law(voltage: float, time: float, at: int = at, readings: Any = readings) -> float:
            if next(readings) == at:
                raise RuntimeError("planted")
            return 0.0

        bench = FakeBench(law)
        procedure = JVSweep()
        procedure.set_parameters({"voltages": [1.0, 2.0, 3.0]})
        procedure.attach(Surroundings(bench=bench, device=DEVICE, record=lambda rows: None))
        with pytest.raises(RuntimeError, match="planted"):
            procedure.run()
        assert not bench.source_meter.on


def test_a_bench_without_a_source_meter_is_refused() -> None:
    bench = FakeBench(quadratic)
    bench.source_meter = None  # type: ignore[assignment]
    with pytest.raises(ValueError, match="JVSweep needs source_meter"):
        JVSweep().attach(Surroundings(bench=bench, device=DEVICE, record=lambda rows: None))


def test_the_cost_is_told_from_an_earlier_curve_or_bounded_by_the_compliance() -> None:
    procedure = JVSweep()
    procedure.set_parameters({"voltages": [1.0, 2.0], "settling_time": 0.89, "compliance_current": 1e-3})
    bounded = procedure.cost(DEVICE)
    assert bounded.points == 2
    assert bounded.duration == pytest.approx(2.0)
    assert bounded.charge == pytest.approx(2e-3)
    known = ConnectedDevice(
        identifier="film", area=4e-6, thickness=100e-9, typical_current=lambda voltage: 1e-6 * voltage
    )
    assert procedure.cost(known).charge == pytest.approx(3e-6)
    assert procedure.cost(known).energy == pytest.approx(5e-6)


def test_a_hardware_sweep_asks_for_the_steps_the_box_will_make() -> None:
    procedure = JVSweep()
    parameters = {"voltages": [1.0, 1.5, 4.0], "settling_time": 0.23, "power_line_cycles": 1.0}
    procedure.set_parameters({**parameters, "hardware_sweep": True})
    demand = procedure.demand(DEVICE)
    assert demand.step == 2.5
    # the faster of both mains: a sweep is never faster than its envelope was asked for
    assert demand.slew == pytest.approx(2.5 / (0.23 + 1 / 60))
    procedure.set_parameters({**parameters, "hardware_sweep": False})
    assert procedure.demand(DEVICE).step is None
