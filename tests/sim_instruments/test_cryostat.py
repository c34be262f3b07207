"""The cold finger against its own time constants and limits."""

import math

import pytest

from sim_instruments.clock import SimClock
from sim_instruments.cryostat import ControlSettings, Cryostat, CryostatSpec

QUIET = CryostatSpec(sensor_noise=0.0, coolant_swing=0.0, sample_drift=0.0)


def cold_finger(spec: CryostatSpec = QUIET, **settings: object) -> tuple[SimClock, Cryostat]:
    clock = SimClock()
    return clock, Cryostat(clock=clock, spec=spec, settings=ControlSettings(**settings))  # type: ignore[arg-type]


def test_it_holds_where_the_last_user_left_it() -> None:
    clock, cryostat = cold_finger()
    clock.wait(3600.0)
    assert cryostat.stage_temperature == pytest.approx(297.0, abs=1e-6)
    assert cryostat.heater_output == pytest.approx(100 * 0.15 * (297.0 - 77.0) / 50.0)


def test_without_heat_the_stage_cools_exponentially_to_the_coolant() -> None:
    clock, cryostat = cold_finger()
    cryostat.control(mode="off")
    clock.wait(1000.0)
    expected = 77.0 + 220.0 * math.exp(-1000.0 * 0.15 / 300.0)
    assert cryostat.stage_temperature == pytest.approx(expected, abs=0.1)


def test_the_sample_trails_the_stage_by_its_lag_on_a_ramp() -> None:
    clock, cryostat = cold_finger()
    rate = 2.0 / 60
    cryostat.control(setpoint=287.0, ramp_rate=rate)
    clock.wait(240.0)
    assert cryostat.sample_temperature - cryostat.stage_temperature == pytest.approx(rate * 20.0, rel=0.05)


def test_a_step_overshoots_before_it_settles() -> None:
    clock, cryostat = cold_finger()
    cryostat.control(setpoint=307.0)
    highest = 0.0
    for _ in range(900):
        clock.wait(1.0)
        highest = max(highest, cryostat.stage_temperature)
    assert 307.03 < highest < 312.0
    clock.wait(1200.0)
    assert cryostat.stage_temperature == pytest.approx(307.0, abs=0.01)


def test_a_weak_heater_range_cannot_hold_room_temperature() -> None:
    clock, cryostat = cold_finger()
    cryostat.control(maximum_power=5.0)
    clock.wait(20000.0)
    assert cryostat.heater_output == 100.0
    assert cryostat.stage_temperature == pytest.approx(77.0 + 5.0 / 0.15, abs=0.5)


def test_a_closed_loop_sweep_reaches_217_kelvin_within_an_hour() -> None:
    clock, cryostat = cold_finger()
    cryostat.control(setpoint=217.0, ramp_rate=5 / 60)
    clock.wait(3600.0)
    assert cryostat.stage_temperature == pytest.approx(217.0, abs=0.01)
    assert not cryostat.is_ramping


def test_the_sample_is_warmer_than_the_stage_by_an_offset_that_grows_in_the_cold() -> None:
    spec = CryostatSpec(
        sensor_noise=0.0,
        coolant_swing=0.0,
        sample_drift=0.0,
        sample_offset=0.02,
        sample_offset_slope=3.0 / 80,
    )
    clock, cryostat = cold_finger(spec)
    assert cryostat.sample_temperature - cryostat.stage_temperature == pytest.approx(0.02)
    cryostat.control(setpoint=217.0)
    clock.wait(7200.0)
    assert cryostat.sample_temperature - cryostat.stage_temperature == pytest.approx(3.02, abs=0.01)


def test_the_sample_drifts_slowly_about_a_settled_stage() -> None:
    clock, cryostat = cold_finger(CryostatSpec(sensor_noise=0.0, coolant_swing=0.0, sample_drift=5e-3))
    away = []
    for _ in range(180):
        clock.wait(10.0)
        away.append(cryostat.sample_temperature - cryostat.stage_temperature)
    assert max(away) == pytest.approx(5e-3, rel=0.01)
    assert min(away) == pytest.approx(-5e-3, rel=0.01)


def test_temperatures_do_not_depend_on_how_often_they_are_asked_for() -> None:
    clock, often = cold_finger()
    often.control(setpoint=280.0)
    for _ in range(1400):
        clock.wait(0.25)
        _ = often.sample_temperature
    seldom_clock, seldom = cold_finger()
    seldom.control(setpoint=280.0)
    seldom_clock.wait(350.0)
    assert often.stage_temperature == seldom.stage_temperature


def test_the_sample_s_past_is_remembered() -> None:
    clock, cryostat = cold_finger()
    cryostat.control(setpoint=280.0)
    seen = {}
    for _ in range(100):
        clock.wait(0.7)
        seen[clock.monotonic()] = cryostat.sample_temperature
    assert [cryostat.sample_temperature_at(time) for time in seen] == pytest.approx(
        list(seen.values()), abs=1e-9
    )


def test_readings_scatter_by_the_sensor_noise_and_repeat_with_the_seed() -> None:
    def readings(seed: int) -> list[float]:
        cryostat = Cryostat(clock=SimClock(), seed=seed)
        return [cryostat.measure_stage() for _ in range(400)]

    assert readings(3) == readings(3) != readings(4)
    spread = math.sqrt(sum((r - 297.0) ** 2 for r in readings(3)) / 400)
    assert spread == pytest.approx(2e-3, rel=0.1)


def test_a_lost_sensor_reads_nothing_and_takes_the_heat_away() -> None:
    clock, cryostat = cold_finger()
    cryostat.sensor_lost = True
    clock.wait(60.0)
    assert math.isnan(cryostat.measure_stage())
    assert cryostat.heater_output == 0.0


def test_a_stuck_sensor_lets_the_stage_run_away() -> None:
    clock, cryostat = cold_finger()
    cryostat.stuck_sensor = 290.0
    clock.wait(600.0)
    assert cryostat.measure_stage() == 290.0
    assert cryostat.stage_temperature > 300.0


def test_the_temperature_limit_cuts_the_heater_for_good() -> None:
    clock, cryostat = cold_finger()
    cryostat.control(stage_limit=300.0, setpoint=320.0)
    clock.wait(600.0)
    assert cryostat.limit_tripped
    clock.wait(3600.0)
    assert cryostat.heater_output == 0.0
    assert cryostat.stage_temperature < 250.0
