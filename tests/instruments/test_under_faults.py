"""What the simulated boxes witness while links, boxes and cables misbehave."""

import math

import pytest

from benchmarks import bench as trials
from instruments.door import Door, arming_token
from instruments.errors import InstrumentError
from qdlab.simulators import open_simulated_bench
from sim_instruments.faults import CATALOGUE, Fault

UNSEEN_BY_A_DRIVER = {
    "digit_flipped": "a number that reads well is a number",
    "gain_error": "only a calibration tells",
    "garbled_reply": "damage may turn one digit into another",
    "device_degrades": "the device, not the bench: procedures measure a reference again",
    "device_open": "the device, not the bench: the pixel check tells",
    "loose_contact": "the device, not the bench: the pixel check tells",
    "device_shorted": "the device, not the bench: compliance tells",
    "setting_rounded": "a level rounded by less than the check's tolerance",
}
"""Faults of a J-V curve that no single reading shows."""

OF_OTHER_BOXES = {"load_lost", "root_output_dead", "zero_check_on"}
CANNOT_BE_SWITCHED_OFF = {"off_ignored", "settings_locked", "unplugged_for_good"}


def test_random_calls_and_messages_never_break_the_envelope_nor_energise_unarmed():
    tried = trials.try_random_calls(1500, seed=20)
    assert tried.outside == []
    assert tried.unarmed == []
    assert tried.energised > 30  # the trial does switch things on
    assert tried.while_on > 1500 / 3  # and goes on calling while they are


def test_without_a_door_the_same_calls_would(monkeypatch):
    monkeypatch.setattr(Door, "_judge", lambda *_: None)
    tried = trials.try_random_calls(600, seed=20)
    assert tried.outside
    assert tried.unarmed


def test_no_reply_is_taken_for_anothers_under_faults():
    outcome = trials.ask_under_faults(3000, rate=0.1, seed=21)
    assert outcome["mispaired"] == 0
    assert outcome["right"] > 2900


def test_every_single_transient_fault_is_healed():
    healed, faults = trials.heal_single_faults(1, seed=22)
    assert healed == faults > 40


def measure_curve(bench, kind=None):
    """A J-V curve of ten points, a fault in its middle: the readings, None for a point that was refused."""
    bench.set_up()
    bench.arm(token=arming_token("test"))
    source = bench.source_meter
    source.configure(compliance_current=0.01, maximum_voltage=8.0, current_range=1e-3)
    source.switch_on()
    readings = []
    for index in range(10):
        if index == 5 and kind is not None:
            bench.simulation.inject("keithley2400", Fault(kind))
        source.voltage = 0.3 * index
        readings.append(source.read_point())
    return readings


@pytest.fixture(scope="module")
def clean():
    return measure_curve(open_simulated_bench(seed=4))


@pytest.mark.parametrize("kind", sorted(set(CATALOGUE) - set(UNSEEN_BY_A_DRIVER) - OF_OTHER_BOXES))
def test_a_fault_within_a_curve_is_healed_or_named_and_never_a_wrong_number(kind, clean):
    bench = open_simulated_bench(seed=4)
    try:
        readings = measure_curve(bench, kind)
    except InstrumentError as failure:
        assert str(failure).startswith(("2400", "Keithley 2400"))
    else:
        for reading, expected in zip(readings, clean, strict=True):
            if reading.flags & {"invalid", "overflow"}:
                assert math.isnan(reading.current) or math.isnan(reading.voltage)
            else:
                assert reading.voltage == pytest.approx(expected.voltage, abs=0.06)
                assert reading.current == pytest.approx(expected.current, rel=0.1, abs=2e-7)
    finally:
        reports = bench.safe()
        if bench.simulation.keithley2400.is_on:
            assert kind in CANNOT_BE_SWITCHED_OFF
            assert reports[0].message.endswith("switch it off by hand")
            assert not reports[0].confirmed
