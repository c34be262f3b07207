"""The TEL series on the simulated bench: what is measured when, with the output off while settings change."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from instruments.bench import Bench, arming_token
from instruments.errors import InstrumentError
from instruments.roles import LightReading
from procedures import columns
from procedures.base import ConnectedDevice, Row, Surroundings
from procedures.pulse_timing import cut_pulse_remark
from procedures.tel_series import (
    BACKGROUND,
    DOUBLE_PERIOD,
    PICKUP,
    REFERENCE,
    SERIES,
    TELSeriesMeasurement,
    device_voltage,
)
from qdlab.simulators import open_simulated_bench
from sim_instruments.emission import Photodiode
from sim_instruments.wiring import SimBench

DEVICE = ConnectedDevice(identifier="li2024/light-emitting/1", area=4e-6, thickness=95e-9)

Rows = list[tuple[Row, frozenset[str]]]


def measure(
    *,
    bench: Bench | None = None,
    surroundings: dict[str, Any] | None = None,
    prepare: Callable[[Bench], None] = lambda bench: None,
    **more: Any,
) -> tuple[Rows, Bench, list[str]]:
    """Run a series on a fresh bench; gives rows, bench and announcements."""
    bench = bench or open_simulated_bench(seed=2)
    bench.set_up()
    prepare(bench)
    rows: Rows = []
    said: list[str] = []
    procedure = TELSeriesMeasurement()
    parameters = {
        "pulse_amplitudes": [5.0],
        "pulse_widths": [20e-6, 50e-6, 100e-6],
        "repeats": 2,
        "readings": 2,
        "reference_every": 0,
        "double_period": False,
        "background": False,
        "light_current_range": 2e-6,
        **more,
    }
    procedure.set_parameters(parameters)
    bench.arm(token=arming_token("test"))
    procedure.attach(
        Surroundings(
            bench=bench, device=DEVICE, record=rows.extend, announce=said.append, **(surroundings or {})
        )
    )
    procedure.run()
    bench.disarm()
    assert bench.pulse_generator is not None and bench.pulse_generator.output_is_off
    return rows, bench, said


def column(rows: Rows, heading: str, kind: float = SERIES) -> list[float]:
    return [row[heading] for row, _ in rows if row[columns.POINT_KIND] == kind]


def test_every_width_is_measured_as_often_as_asked_for() -> None:
    # more than two readings: those can be the same digits, which the range shows in steps of 10 pA
    rows, _, _ = measure(readings=4)
    assert column(rows, columns.PULSE_WIDTH) == [20e-6, 50e-6, 100e-6] * 2
    assert column(rows, columns.REPEAT) == [0.0] * 3 + [1.0] * 3
    assert all(error > 0 for error in column(rows, columns.LIGHT_CURRENT_ERROR))


def test_light_rises_with_the_width_beyond_the_delay() -> None:
    rows, bench, _ = measure(readings=4)
    light = dict(zip(column(rows, columns.PULSE_WIDTH), column(rows, columns.LIGHT_CURRENT), strict=True))
    delay = bench.simulation.truth["li2024/light-emitting/1"]["delay_time"][5.0]
    assert light[100e-6] / light[50e-6] == pytest.approx((100e-6 - delay) / (50e-6 - delay), rel=0.02)


def test_a_random_order_is_the_same_points_and_fixed_by_the_seed() -> None:
    listed, _, _ = measure()
    first, _, _ = measure(order="random", random_seed=3)
    again, _, _ = measure(order="random", random_seed=3)
    widths = column(first, columns.PULSE_WIDTH)
    assert widths != column(listed, columns.PULSE_WIDTH)
    assert sorted(widths) == sorted(column(listed, columns.PULSE_WIDTH))
    assert widths == column(again, columns.PULSE_WIDTH)


def test_widths_of_the_extension_are_labelled() -> None:
    rows, _, _ = measure(extension_widths=[150e-6], repeats=1)
    assert [sorted(flags) for _, flags in rows] == [[], [], [], ["extension"]]


def test_a_reference_pulse_is_measured_every_few_points() -> None:
    rows, _, _ = measure(reference_every=2)
    kinds = [row[columns.POINT_KIND] for row, _ in rows]
    assert kinds == [REFERENCE, SERIES, SERIES] * 3
    assert set(column(rows, columns.PULSE_WIDTH, REFERENCE)) == {50e-6}


def test_the_background_is_read_with_the_output_off_and_subtracted() -> None:
    bench = open_simulated_bench(simulation=SimBench(seed=2, photodiode=Photodiode(dark_current=5e-9)))
    bench.set_up()
    rows: Rows = []
    procedure = TELSeriesMeasurement()
    procedure.set_parameters(
        {
            "pulse_amplitudes": [5.0],
            "pulse_widths": [50e-6, 100e-6],
            "light_current_range": 2e-6,
            "zero_correct": False,
        }
    )
    bench.arm(token=arming_token("test"))
    procedure.attach(Surroundings(bench=bench, device=DEVICE, record=rows.extend))
    procedure.run()
    assert column(rows, columns.LIGHT_CURRENT, BACKGROUND)[0] == pytest.approx(5e-9, rel=0.1)
    delay = bench.simulation.truth["li2024/light-emitting/1"]["delay_time"][5.0]
    light = dict(zip(column(rows, columns.PULSE_WIDTH), column(rows, columns.LIGHT_CURRENT), strict=True))
    assert light[100e-6] / light[50e-6] == pytest.approx((100e-6 - delay) / (50e-6 - delay), rel=0.02)


@pytest.mark.parametrize(("word", "passed_on"), [("zero-check", True), ("remeasured", False)])
def test_what_is_wrong_with_the_dark_reading_is_wrong_with_every_point(word: str, passed_on: bool) -> None:
    def prepare(bench: Bench) -> None:
        meter = bench.light_meter
        generator = bench.pulse_generator
        assert meter is not None and generator is not None
        read = meter.read_light

        def flagged() -> LightReading:
            reading = read()
            words = {word} if generator.output_is_off else set()
            return replace(reading, flags=reading.flags | words)

        meter.read_light = flagged  # type: ignore[method-assign]

    rows, _, _ = measure(background=True, repeats=1, prepare=prepare)
    assert [flags for row, flags in rows if row[columns.POINT_KIND] == BACKGROUND] == [{word}]
    expected = {word} if passed_on else set()
    assert [flags for row, flags in rows if row[columns.POINT_KIND] == SERIES] == [expected] * 3


def test_pickup_is_measured_at_every_width_below_the_light_threshold() -> None:
    rows, _, _ = measure(pickup_amplitude=1.0, repeats=1)
    assert column(rows, columns.PULSE_WIDTH, PICKUP) == [20e-6, 50e-6, 100e-6]


def test_light_at_twice_the_period_is_half() -> None:
    rows, _, said = measure(double_period=True, readings=4)
    usual = column(rows, columns.LIGHT_CURRENT)[-1]
    assert column(rows, columns.LIGHT_CURRENT, DOUBLE_PERIOD)[0] / usual == pytest.approx(0.5, rel=0.02)
    assert column(rows, columns.PULSE_PERIOD, DOUBLE_PERIOD) == [2e-3]
    assert not [text for text in said if "twice the period" in text]


def test_light_that_is_none_at_all_is_told() -> None:
    _, _, said = measure(pulse_amplitudes=[1.0], readings=4)
    assert any("no light at 1 V" in text for text in said)


def test_without_a_range_one_is_chosen_that_holds_the_peak() -> None:
    rows, _, _ = measure(light_current_range=None, repeats=1)
    assert all(not flags for _, flags in rows)


def test_a_range_below_the_peak_is_flagged() -> None:
    rows, _, _ = measure(light_current_range=2e-9, repeats=1)
    assert any(flags & {"clipped", "overflow"} for _, flags in rows)


def test_the_output_is_off_while_amplitude_offset_or_period_change() -> None:
    on = {"now": False}
    changes: list[bool] = []

    def prepare(bench: Bench) -> None:
        box = bench.simulation.mfg2230m
        box.witness = lambda _, state, volts: on.__setitem__("now", state)
        transport = bench.stations["pulse_generator"].door

        write = transport.write

        def spy(message: str, **more: Any) -> None:
            words = ("AMPL", "DCO", "PER", "FUNC", "LOAD")
            if "?" not in message and any(word in message.upper() for word in words):
                changes.append(on["now"])
            write(message, **more)

        transport.write = spy  # type: ignore[method-assign]

    measure(pulse_amplitudes=[4.0, 7.0, 5.0], double_period=True, prepare=prepare)
    assert len(changes) > 6
    assert not any(changes)


def test_points_of_an_interrupted_run_are_not_measured_again() -> None:
    rows, _, _ = measure()
    rest, _, _ = measure(surroundings={"done": rows[:4]})
    assert column(rest, columns.PULSE_WIDTH) == [50e-6, 100e-6]
    assert column(rest, columns.REPEAT) == [1.0, 1.0]


def test_a_series_ends_early_once_the_rule_says_so_but_never_before_five_widths_and_three_repeats() -> None:
    asked: list[int] = []

    def rule(measured: Sequence[tuple[float, float, float]]) -> bool:
        asked.append(len(measured))
        return True

    widths = [20e-6, 40e-6, 60e-6, 80e-6, 100e-6]
    rows, _, said = measure(
        pulse_widths=widths, repeats=9, intercept_precision=1e-7, surroundings={"stop_rule": rule}
    )
    assert len(column(rows, columns.PULSE_WIDTH)) == 15
    assert asked == [15]
    assert any("known well enough" in text for text in said)


def test_the_next_width_can_be_chosen_after_one_pass() -> None:
    rows, _, _ = measure(
        repeats=3, choose_next_width=True, surroundings={"next_point": lambda measured: 100e-6}
    )
    assert column(rows, columns.PULSE_WIDTH) == [20e-6, 50e-6, 100e-6] + [100e-6] * 6
    assert column(rows, columns.REPEAT) == [0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def test_the_device_s_voltage_is_less_than_the_amplitude_by_source_and_series_resistance() -> None:
    ohmic = ConnectedDevice(
        identifier="resistor",
        area=1.0,
        thickness=1.0,
        series_resistance=25.0,
        typical_current=lambda voltage: voltage / 100.0,
    )
    # 3 V over 50 ohm and a device of 100 ohm, of which 25 ohm lie in series with its layer
    assert device_voltage(3.0, ohmic, source_resistance=50.0) == pytest.approx(1.5)
    assert device_voltage(3.0, DEVICE, source_resistance=50.0) == 3.0


@pytest.mark.parametrize(("frequency", "cycles"), [(50, 5.0), (60, 6.0)])
def test_a_reading_left_to_itself_holds_whole_pulses_at_either_mains(frequency: int, cycles: float) -> None:
    procedure = TELSeriesMeasurement()
    procedure.set_parameters({"pulse_period": 1e-3})
    assert procedure.aperture(frequency) == cycles
    assert cut_pulse_remark(cycles, 1e-3, frequency) is None


def test_an_aperture_that_cuts_a_pulse_is_told_with_the_way_out() -> None:
    remark = cut_pulse_remark(5.0, 1e-3, 60)
    assert remark is not None
    assert (
        "holds 83.33 pulses" in remark and "by up to 1.2%" in remark and remark.endswith("use 6 line cycles")
    )
    remark = cut_pulse_remark(5.0, 0.7e-3, 50)
    assert remark is not None and "use 7 line cycles" in remark
    remark = cut_pulse_remark(5.0, 1.03e-3, 50)
    assert remark is not None and remark.endswith("use a period that fits into whole line cycles")


def test_at_sixty_hertz_light_does_not_depend_on_where_a_reading_begins() -> None:
    """Six line cycles hold a hundred pulses of 1 ms; one holds 16 or 17, and 16.67 on average."""

    def lights(**more: Any) -> list[float]:
        """Readings that begin at each sixth of the period."""
        found = []
        for sixth in range(6):
            simulation = SimBench(seed=2, mains_frequency=60.0, noise=False)
            bench = open_simulated_bench(simulation=simulation, line_frequency=60)
            one = {"settling_time": 0.05 + sixth * 1e-3 / 6, "readings": 1, "repeats": 1, **more}
            rows, _, _ = measure(bench=bench, pulse_widths=[100e-6], **one)
            found += column(rows, columns.LIGHT_CURRENT)
        return found

    whole = lights()
    assert whole == pytest.approx([whole[0]] * 6, rel=1e-3)
    pulses = [1000 / 60 * light / whole[0] for light in lights(power_line_cycles=1.0)]
    assert min(pulses) == pytest.approx(16, rel=2e-3)
    assert max(pulses) == pytest.approx(17, rel=2e-3)
    # two thirds of the beginnings see the pulse more
    assert 3 <= sum(count > 16.5 for count in pulses) <= 5


def bench_with(bursts: str, **more: Any) -> Bench:
    """Without noise; the generator's bursts as a bench file would say."""
    bench = open_simulated_bench(simulation=SimBench(seed=2, noise=False, **more))
    generator = bench.stations["pulse_generator"].driver
    generator.__init__(generator.adapter, bursts=bursts)  # type: ignore[misc]
    return bench


def test_counted_bursts_give_the_light_of_pulses_that_run_freely() -> None:
    counted, _, _ = measure(bench=bench_with("require"), repeats=1)
    free, _, _ = measure(bench=bench_with("never"), repeats=1)
    expected = column(free, columns.LIGHT_CURRENT)
    assert column(counted, columns.LIGHT_CURRENT) == pytest.approx(expected, rel=2e-3, abs=2e-11)


@pytest.mark.parametrize("background", [True, False])
@pytest.mark.parametrize("light_current_range", [None, 2e-10, 2e-6])
@pytest.mark.parametrize(
    ("amplitude", "shown"),
    [(4.4, r"2\.\de-10 A of light|more than 2e-10 A"), (7.0, "more than .*e-.* A of light")],
)
def test_a_generator_that_leaves_a_level_on_the_device_between_bursts_is_found_out_before_any_pulse(
    amplitude: float, shown: str, light_current_range: float | None, background: bool
) -> None:
    bench = bench_with("require")
    bench.simulation.mfg2230m.rests_at_offset = True
    messages = messages_to_the_generator(bench)
    with pytest.raises(InstrumentError, match=f"(?:{shown}).* before .* does not rest at 0 V between bursts"):
        measure(
            bench=bench,
            background=background,
            pulse_amplitudes=[amplitude],
            light_current_range=light_current_range,
        )
    assert not bench.simulation.mfg2230m.channels[1].on
    assert not [message for message in messages if "TRIG;" in message]


def messages_to_the_generator(bench: Bench) -> list[str]:
    transport, messages = bench.stations["pulse_generator"].door, []
    write = transport.write

    def spy(message: str, **more: Any) -> None:
        messages.append(message)
        write(message, **more)

    transport.write = spy  # type: ignore[method-assign]
    return messages


def test_the_rest_between_bursts_is_looked_at_before_each_amplitude_also_in_a_lit_room() -> None:
    bench = bench_with("require", photodiode=Photodiode(dark_current=3e-8))
    messages = messages_to_the_generator(bench)
    measure(bench=bench, pulse_amplitudes=[4.0, 5.0], repeats=1)
    steps = [message for message in messages if message in ("OUTP1 1", "OUTP1 OFF") or "TRIG;" in message]
    first_pulse = steps.index("OUTP1:TRIG;:OUTP1?")
    # on without a burst, off again, on for the bursts
    assert steps[first_pulse - 3 : first_pulse] == ["OUTP1 1", "OUTP1 OFF", "OUTP1 1"]
    second = steps.index("OUTP1:TRIG;:OUTP1?", steps.index("OUTP1 OFF", first_pulse))
    assert steps[second - 3 : second] == ["OUTP1 1", "OUTP1 OFF", "OUTP1 1"]


def test_a_meter_that_overflows_in_the_dark_is_told_from_a_generator_that_does_not_rest() -> None:
    bench = bench_with("require", photodiode=Photodiode(dark_current=0.015))
    with pytest.raises(InstrumentError, match="overflows on every range with the output off"):
        measure(bench=bench)


def test_pickup_is_not_taken_for_the_light_of_the_room() -> None:
    """Scaled by ten as it is, the room's light of 5 nA would be subtracted nine times too often."""
    bench = bench_with("require", photodiode=Photodiode(dark_current=5e-9))
    rows, _, _ = measure(bench=bench, pickup_amplitude=0.5, repeats=1, readings=4, zero_correct=False)
    delay = bench.simulation.truth["li2024/light-emitting/1"]["delay_time"][5.0]
    light = dict(zip(column(rows, columns.PULSE_WIDTH), column(rows, columns.LIGHT_CURRENT), strict=True))
    assert light[100e-6] / light[50e-6] == pytest.approx((100e-6 - delay) / (50e-6 - delay), rel=0.02)


def test_what_is_subtracted_brings_its_own_error_into_the_light() -> None:
    """A pickup measured at a tenth of the amplitude is scaled by ten, and so is its error."""
    rows, _, _ = measure(background=True, pickup_amplitude=0.5, readings=8, repeats=1)
    pickup = column(rows, columns.LIGHT_CURRENT_ERROR, PICKUP)
    errors = column(rows, columns.LIGHT_CURRENT_ERROR)
    assert all(error >= 10 * of_pickup > 0 for error, of_pickup in zip(errors, pickup, strict=True))


def test_the_errors_of_dark_reading_and_pickup_stand_beside_the_light_with_the_weight_they_have_in_it() -> (
    None
):
    """What is subtracted is dark + 10 (pickup - dark): ten times the pickup, nine times the dark reading."""
    rows, _, _ = measure(background=True, pickup_amplitude=0.5, readings=8, repeats=2)
    (dark,) = column(rows, columns.LIGHT_CURRENT_ERROR, BACKGROUND)
    pickup = column(rows, columns.LIGHT_CURRENT_ERROR, PICKUP)
    assert column(rows, columns.DARK_ERROR) == pytest.approx([9 * dark] * 6)
    assert column(rows, columns.PICKUP_ERROR) == pytest.approx([10 * one for one in pickup] * 2)
    without, _, _ = measure(background=True, readings=8, repeats=1)
    (dark,) = column(without, columns.LIGHT_CURRENT_ERROR, BACKGROUND)
    assert column(without, columns.DARK_ERROR) == pytest.approx([dark] * 3)
    assert column(without, columns.PICKUP_ERROR) == [0.0] * 3
