"""Each detector with data that must trigger it and data that must not."""

from pathlib import Path

import numpy as np
import pytest

from analysis.curves import JVCurve
from analysis.space_charge import (
    common_ceiling,
    detect_breakdown,
    detect_compliance,
    detect_hysteresis,
    detect_leakage,
    detect_noise_floor,
    detect_offset,
    detect_range_switch,
    detect_self_heating,
    detect_series_resistance,
    fit_space_charge,
    mark_points,
    mott_gurney_current_density,
)

VOLTAGE = np.geomspace(0.01, 10.0, 100)
QUADRATIC = 10 * VOLTAGE + 50 * VOLTAGE**2  # ohmic start, then space charge


def curve(
    current_density: np.ndarray = QUADRATIC,
    voltage: np.ndarray = VOLTAGE,
    *,
    noise: float = 0.002,
    **options: object,
) -> JVCurve:
    scatter = np.exp(np.random.default_rng(11).normal(0, noise, len(voltage)))
    return JVCurve(
        voltage=voltage,
        current_density=current_density * scatter,
        temperature=297.0,
        thickness=300e-9,
        relative_permittivity=3.0,
        **options,
    )


ALL_DETECTORS = (
    detect_breakdown,
    detect_compliance,
    detect_hysteresis,
    detect_noise_floor,
    detect_offset,
    detect_range_switch,
    detect_series_resistance,
)


@pytest.mark.parametrize("detector", ALL_DETECTORS)
@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_curve_triggers_nothing(detector, seed: int) -> None:
    scatter = np.exp(np.random.default_rng(seed).normal(0, 0.005, len(VOLTAGE)))
    assert not detector(curve(QUADRATIC * scatter, noise=0.0)).any()


def test_two_curves_that_end_at_one_current_share_a_compliance() -> None:
    clamped = np.minimum(QUADRATIC, 4000.0)
    curves = [
        curve(clamped, noise=0.0),
        curve(np.minimum(QUADRATIC * 0.9, 4000.0), noise=0.0),
        curve(QUADRATIC * 0.1),
    ]
    ceiling = common_ceiling(curves)
    assert ceiling == pytest.approx(4000.0)
    assert detect_compliance(curves[0], ceiling).sum() == (clamped >= 4000.0).sum()
    assert not detect_compliance(curves[2], ceiling).any()


def test_a_compliance_flag_is_believed() -> None:
    flags = tuple(frozenset({"compliance"}) if volt > 9 else frozenset() for volt in VOLTAGE)
    assert detect_compliance(curve(flags=flags)).sum() == (VOLTAGE > 9).sum()


def test_a_step_between_two_ranges_is_seen_where_it_is() -> None:
    stepped = np.where(VOLTAGE > 1.0, QUADRATIC * 1.05, QUADRATIC)
    found = detect_range_switch(curve(stepped))
    assert set(np.flatnonzero(found)) <= set(np.flatnonzero(np.abs(np.log(VOLTAGE)) < 0.15)) and found.any()


def test_a_step_lost_in_noise_is_not_claimed() -> None:
    stepped = np.where(VOLTAGE > 1.0, QUADRATIC * 1.02, QUADRATIC)
    assert not detect_range_switch(curve(stepped, noise=0.03)).any()


def test_noisy_readings_at_low_voltage_are_below_the_noise_floor() -> None:
    reading = QUADRATIC + np.random.default_rng(5).normal(0, 0.08, len(VOLTAGE))
    found = detect_noise_floor(curve(np.abs(reading), noise=0.0))
    assert found[0] and not found[VOLTAGE > 0.3].any()


def test_readings_below_the_meters_floor_are_marked() -> None:
    found = detect_noise_floor(curve(current_density_floor=1.0))
    np.testing.assert_array_equal(found[QUADRATIC < 0.9], True)
    assert not found[QUADRATIC > 1.1].any()


@pytest.mark.parametrize("offset", [0.5, -0.5])
def test_an_offset_of_the_meter_is_seen_where_it_matters(offset: float) -> None:
    found = detect_offset(curve(QUADRATIC + offset, noise=0.0005))
    assert found[0] and not found[np.abs(QUADRATIC) > 5 * 0.5 * 1.5].any()


def test_negative_readings_at_positive_voltage_are_an_offset_and_are_not_folded() -> None:
    marked = mark_points([curve(QUADRATIC - 0.5, noise=0.0)])[0]
    assert "offset" in marked.flags[0]
    assert marked.current_density[0] < 0


def test_an_ohmic_path_beside_the_film_is_leakage() -> None:
    mobility = 1e-9
    space_charge = mott_gurney_current_density(VOLTAGE, mobility, 300e-9, 3.0)
    leaky = curve(space_charge + 60 * space_charge[40] / VOLTAGE[40] * VOLTAGE)
    found = detect_leakage(leaky, mobility)
    assert found[:20].all() and not found[-5:].any()


def test_the_diffusion_current_of_a_symmetric_diode_is_no_leakage() -> None:
    mobility, thermal_voltage = 1e-9, 8.617333e-5 * 297
    ohmic = 4 * np.pi**2 * thermal_voltage * 3.0 * 8.854e-12 * mobility * VOLTAGE / (300e-9) ** 3
    assert not detect_leakage(
        curve(ohmic + mott_gurney_current_density(VOLTAGE, mobility, 300e-9, 3.0)), mobility
    ).any()


def test_a_series_resistor_bends_the_end_of_the_curve() -> None:
    resistance_area = 2e-3
    dropped = VOLTAGE + QUADRATIC * resistance_area  # total voltage for the current at layer voltage VOLTAGE
    found = detect_series_resistance(curve(QUADRATIC, dropped))
    assert found[-1] and not found[dropped < 1].any()


def test_a_known_series_resistance_marks_where_it_takes_five_percent() -> None:
    found = detect_series_resistance(curve(noise=0.0), 1e-4)
    np.testing.assert_array_equal(found, QUADRATIC * 1e-4 > 0.05 * VOLTAGE)


def test_the_way_back_of_a_trapped_film_is_hysteresis() -> None:
    voltage = np.concatenate([VOLTAGE, VOLTAGE[::-1]])
    current = np.concatenate([QUADRATIC, 0.8 * QUADRATIC[::-1]])
    flags = (frozenset(),) * 100 + (frozenset({"down"}),) * 100
    found = detect_hysteresis(curve(current, voltage, flags=flags))
    assert found[100:].mean() > 0.95 and not found[:100].any()


def test_the_displacement_current_is_no_hysteresis() -> None:
    voltage = np.concatenate([VOLTAGE, VOLTAGE[::-1]])
    capacitance, ramp = 1e-4, 100.0  # F/m², V/s
    current = np.concatenate([QUADRATIC + capacitance * ramp, QUADRATIC[::-1] - capacitance * ramp])
    flags = (frozenset(),) * 100 + (frozenset({"down"}),) * 100
    looped = curve(current, voltage, noise=0.0, flags=flags)
    assert detect_hysteresis(looped).any()
    assert not detect_hysteresis(looped, capacitance_per_area=capacitance, ramp_rate=ramp).any()


@pytest.mark.parametrize("factor", [100.0, 0.01])
def test_a_short_and_an_open_pixel_are_breakdown_from_there_on(factor: float) -> None:
    found = detect_breakdown(curve(np.where(VOLTAGE > 3, QUADRATIC * factor, QUADRATIC)))
    assert found[VOLTAGE > 3].all() and not found[VOLTAGE < 2.9].any()


def test_one_wild_reading_is_no_breakdown() -> None:
    wild = QUADRATIC.copy()
    wild[70] *= 20
    assert not detect_breakdown(curve(wild)).any()


def test_marked_points_keep_their_old_flags_and_values() -> None:
    flags = (frozenset({"remeasured"}),) * len(VOLTAGE)
    before = curve(np.minimum(QUADRATIC, 3000.0), noise=0.0, flags=flags)
    after = mark_points([before])[0]
    assert all("remeasured" in words for words in after.flags)
    assert "compliance" in after.flags[-1]
    np.testing.assert_array_equal(after.current_density, before.current_density)


def test_marked_points_are_left_out_of_the_fit_by_name() -> None:
    marked = mark_points([curve(np.minimum(QUADRATIC, 3000.0), noise=0.0)])[0]
    assert "compliance" in {
        reason for _, reason in fit_space_charge(marked, correct_diffusion=False).left_out
    }


def real_series(folder: Path, name: str) -> list[JVCurve]:
    curves = []
    for path in sorted(folder.glob(f"*{name}*.txt")):
        table = np.loadtxt(path)
        kelvin = float(path.stem.rsplit("_", 1)[1].rstrip("K"))
        curves.append(
            JVCurve(
                voltage=table[:, 0],
                current_density=table[:, 1] * 10,
                temperature=kelvin,
                thickness=114e-9,
                relative_permittivity=3.6,
            )
        )
    return mark_points(curves)


def flagged(curve: JVCurve, word: str) -> list[float]:
    return [float(volt) for volt, words in zip(curve.voltage, curve.flags, strict=True) if word in words]


def test_clamped_points_of_a_real_series_are_named(measured_data: Path) -> None:
    clamped = {
        one.temperature: len(flagged(one, "compliance")) for one in real_series(measured_data, "PTB7Th")
    }
    assert clamped == {200.0: 0, 220.0: 0, 240.0: 1, 260.0: 0, 280.0: 1, 300.0: 2}


def test_the_range_kink_of_a_real_series_is_seen_at_280_kelvin_only(measured_data: Path) -> None:
    kinks = {
        one.temperature: [volt for volt in flagged(one, "range-switch") if volt > 0.1]
        for one in real_series(measured_data, "TQ1-PCBM71")
    }
    assert kinks.pop(280.0) == pytest.approx([3.34645, 3.54765])
    assert not any(kinks.values())


def test_a_noisy_real_series_is_called_noisy_and_a_clean_one_is_not(measured_data: Path) -> None:
    noisy = [len(flagged(one, "noise-floor")) for one in real_series(measured_data, "MDMO")]
    clean = [len(flagged(one, "noise-floor")) for one in real_series(measured_data, "TQ1_pristine")]
    assert sum(count > 50 for count in noisy) >= 3
    assert clean == [0] * 6


def test_power_in_the_film_is_self_heating_above_half_a_kelvin() -> None:
    healthy = curve(noise=0.0)
    found = detect_self_heating(healthy, 1e-5)
    np.testing.assert_array_equal(found, VOLTAGE * QUADRATIC * 1e-5 > 0.5)
    assert found.any() and not found.all()
