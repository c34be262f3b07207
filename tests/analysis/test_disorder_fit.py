"""Disorder parameters recovered from synthetic and measured curves, with honest uncertainties."""

import json
import math
import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.constants import electronvolt, nanometre
from analysis.conventions import CONVENTIONS
from analysis.curves import JVCurve
from analysis.disorder_fit import CommonErrors, fit_disorder
from analysis.disorder_model import transport_problem
from analysis.drift_diffusion import solve_many

MILLI_EV = 1e-3 * electronvolt
TRUTH = {
    "disorder_width": 0.11 * electronvolt,
    "hopping_distance": 2.4 * nanometre,
    "mobility_prefactor": 5e-8,
}
TEMPERATURES = (237.0, 257.0, 277.0, 297.0)
VOLTAGE = np.geomspace(0.2, 7.0, 24)


def measured(
    temperature=297.0,
    thickness=110e-9,
    *,
    seed=1,
    noise=0.02,
    floor=0.0,
    convention="li2024",
    truth=TRUTH,
    **changes,
):
    """A curve as our model has it, with relative noise and an offset-free noise floor [A m⁻²]."""
    problem = transport_problem(
        replace(CONVENTIONS[convention], **changes), truth, temperature, thickness, 4.0
    )
    exact = solve_many([(VOLTAGE, problem)])[0].current_density
    generator = np.random.default_rng(seed + int(temperature) + int(thickness * 1e9))
    reading = exact * (1 + noise * generator.standard_normal(len(VOLTAGE)))
    return JVCurve(
        voltage=VOLTAGE,
        current_density=reading + floor * generator.standard_normal(len(VOLTAGE)),
        temperature=temperature,
        thickness=thickness,
        relative_permittivity=4.0,
        current_density_floor=floor,
        label=f"{temperature:.0f} K",
    )


def series(**changes):
    return [measured(temperature, **changes) for temperature in TEMPERATURES]


def quick(curves, **changes):
    return fit_disorder(curves, **{"with_model_range": False, **changes})


@pytest.fixture(scope="module")
def fitted():
    return fit_disorder(series())


def test_parameters_are_recovered_within_their_standard_errors(fitted):
    assert fitted.verdict.is_good, fitted.verdict
    for name, estimate in fitted.parameters.items():
        assert abs(estimate.value - TRUTH[name]) < 3.5 * estimate.standard_error, name


def test_disorder_width_and_prefactor_go_together_in_the_correlation(fitted):
    names = list(fitted.parameters)
    pair = fitted.correlation[names.index("disorder_width"), names.index("mobility_prefactor")]
    assert pair > 0.9


def test_the_same_curves_give_the_same_numbers_again(fitted):
    again = fit_disorder(series())
    assert again.to_dict() == fitted.to_dict()


def test_noise_of_the_stated_size_gives_a_reduced_chi_square_of_one(fitted):
    assert fitted.reduced_chi_square == pytest.approx(1.0, abs=0.4)


def test_result_is_plain_json_with_glossary_names(fitted):
    told = json.loads(json.dumps(fitted.to_dict()))
    assert told["parameters"]["disorder_width"]["value"] == pytest.approx(TRUTH["disorder_width"], rel=0.05)
    assert {"standard_error", "systematic_error", "model_range", "verdict"} <= set(
        told["parameters"]["hopping_distance"]
    )


def test_fitted_curve_can_be_asked_for_at_any_voltage(fitted):
    problem = transport_problem(CONVENTIONS["li2024"], TRUTH, 267.0, 90e-9, 4.0)
    exact = solve_many([([1.0, 5.0], problem)])[0].current_density
    found = fitted.current_density([1.0, 5.0], 267.0, 90e-9).current_density
    np.testing.assert_allclose(found, exact, rtol=0.05)


@pytest.mark.parametrize(
    "changes",
    [
        {"zero_density_coefficient": 0.44},
        {"statistics": "gaussian"},
        {"reduced_field_cap": None, "density_cap": None},
    ],
    ids=["c2", "einstein", "caps"],
)
def test_model_range_contains_the_truth_of_each_alternative(changes):
    fit = fit_disorder(series(noise=0.002, **changes), relative_error=0.01)
    for name, estimate in fit.parameters.items():
        low, high = estimate.model_range
        slack = 4 * estimate.standard_error
        assert low - slack <= TRUTH[name] <= high + slack, (name, fit.alternatives)


def test_model_range_is_far_wider_than_the_statistical_error(fitted):
    low, high = fitted.parameters["disorder_width"].model_range
    assert high - low > 10 * fitted.parameters["disorder_width"].standard_error


def test_systematic_error_of_the_prefactor_follows_the_cube_of_the_thickness():
    """With sigma and a known, J goes as prefactor/L³ and a little more: 5 % make some 15 %."""
    only_thickness = CommonErrors(thickness=0.05, area=0.0, relative_permittivity=0.0, temperature=0.0)
    fixed = {name: TRUTH[name] for name in ("disorder_width", "hopping_distance")}
    fit = quick(series(), free=["mobility_prefactor"], fixed=fixed, common_errors=only_thickness)
    estimate = fit.parameters["mobility_prefactor"]
    assert 0.12 < estimate.systematic_error / estimate.value < 0.25


def test_systematic_error_of_the_area_is_its_own():
    only_area = CommonErrors(thickness=0.0, area=0.05, relative_permittivity=0.0, temperature=0.0)
    fixed = {name: TRUTH[name] for name in ("disorder_width", "hopping_distance")}
    fit = quick(series(), free=["mobility_prefactor"], fixed=fixed, common_errors=only_area)
    estimate = fit.parameters["mobility_prefactor"]
    assert estimate.systematic_error / estimate.value == pytest.approx(0.05, rel=1e-6)


def test_systematic_shift_of_the_temperature_is_what_a_wrong_thermometer_does():
    curves = series(noise=0.0)
    fit = quick(
        curves,
        common_errors=CommonErrors(thickness=0.0, area=0.0, relative_permittivity=0.0, temperature=1.0),
    )
    warmer = quick([replace(curve, temperature=curve.temperature + 1.0) for curve in curves])
    for name, estimate in fit.parameters.items():
        moved = warmer.parameters[name].value - estimate.value
        assert fit.systematic_shifts["temperature"][name] == pytest.approx(
            -moved, rel=0.15
        ) or fit.systematic_shifts["temperature"][name] == pytest.approx(moved, rel=0.15)


def test_outliers_are_left_out_by_name_and_do_no_harm(fitted):
    curves = series()
    spoiled = curves[1].current_density.copy()
    spoiled[[5, 15]] *= [1.6, 0.5]
    curves[1] = replace(curves[1], current_density=spoiled)
    fit = quick(curves)
    assert fit.curves[1].left_out[5] == "outlier"
    assert fit.curves[1].left_out[15] == "outlier"
    for name, estimate in fit.parameters.items():
        reference = fitted.parameters[name]
        assert abs(estimate.value - reference.value) < 2 * reference.standard_error


def test_negative_readings_near_the_floor_take_part_and_bias_nothing():
    cold = measured(237.0, floor=0.1)
    assert np.any(cold.current_density < 0)
    fit = quick([cold, *series()[1:]])
    assert not any(fit.curves[0].left_out)
    for name, estimate in fit.parameters.items():
        assert abs(estimate.value - TRUTH[name]) < 3.5 * estimate.standard_error, name


def test_a_curve_clamped_at_the_sources_compliance_loses_its_last_points():
    hot = measured(297.0)
    clamped = np.minimum(hot.current_density, hot.current_density[20])
    fit = quick([*series()[:3], replace(hot, current_density=clamped)])
    assert fit.curves[3].left_out[-3:] == ("compliance",) * 3
    assert fit.parameters["disorder_width"].value == pytest.approx(TRUTH["disorder_width"], rel=0.02)


def test_flagged_and_missing_readings_say_why_they_are_left_out():
    curve = measured(277.0)
    reading = curve.current_density.copy()
    reading[3] = math.nan
    flags = tuple(frozenset({"outside-temperature"} if k == 7 else ()) for k in range(len(curve)))
    fit = quick([measured(257.0), replace(curve, current_density=reading, flags=flags), measured(297.0)])
    assert fit.curves[1].left_out[3] == "no valid reading"
    assert fit.curves[1].left_out[7] == "outside-temperature"


def test_leakage_at_low_voltage_is_left_out_and_told():
    curves = [
        replace(curve, current_density=curve.current_density + 3 * curve.current_density[8] * curve.voltage)
        for curve in series()
    ]
    fit = quick(curves)
    assert fit.curves[0].left_out[0] == "below the range the model describes"
    assert fit.parameters["disorder_width"].value == pytest.approx(TRUTH["disorder_width"], rel=0.06)


def test_built_in_voltage_and_hopping_distance_are_inseparable_with_one_thickness_but_not_with_three():
    truth = {**TRUTH, "built_in_voltage": 0.4}
    free = ["disorder_width", "hopping_distance", "mobility_prefactor", "built_in_voltage"]

    def correlation(thicknesses):
        curves = [curve for each in thicknesses for curve in series(truth=truth, thickness=each)]
        fit = quick(curves, free=free, voltage_window=(1.0, 7.0))
        assert fit.parameters["built_in_voltage"].value == pytest.approx(0.4, abs=0.2)
        names = list(fit.parameters)
        return abs(fit.correlation[names.index("built_in_voltage"), names.index("hopping_distance")])

    one, three = correlation([110e-9]), correlation([63.5e-9, 110e-9, 130e-9])
    assert three < one - 0.02


def test_series_resistance_is_found():
    truth = {**TRUTH, "series_resistance_area": 3e-3}
    free = ["disorder_width", "hopping_distance", "mobility_prefactor", "series_resistance_area"]
    fit = quick(series(truth=truth), free=free)
    estimate = fit.parameters["series_resistance_area"]
    assert abs(estimate.value - 3e-3) < 3.5 * estimate.standard_error


def test_low_barriers_cannot_be_told_apart_and_say_so():
    truth = {"disorder_width": 0.09 * electronvolt, "hopping_distance": 1.8 * nanometre, "attempt_rate": 4e9}
    truth |= {"injecting_barrier": 0.02 * electronvolt, "extracting_barrier": 0.03 * electronvolt}
    curves = series(convention="felekidis2018", truth=truth)
    fit = quick(curves, convention="felekidis2018", voltage_window=(2.0, 7.0))
    assert fit.parameters["injecting_barrier"].verdict.word == "not_identifiable"
    assert fit.verdict.word == "not_identifiable"
    assert fit.parameters["disorder_width"].value == pytest.approx(truth["disorder_width"], rel=0.05)


def test_disorder_outside_the_formulas_range_is_named_with_its_temperature():
    truth = {**TRUTH, "disorder_width": 0.13 * electronvolt}
    fit = quick([measured(temperature, truth=truth) for temperature in (227.0, 262.0, 297.0)])
    assert fit.verdict.word == "outside_validity"
    assert "227 K (6." in fit.verdict.advice


def test_too_few_points_are_called_so():
    fit = fit_disorder([measured().select(np.arange(24) < 5)])
    assert fit.verdict.word == "too_few_points"
    assert math.isnan(fit.parameters["disorder_width"].value)


def test_one_more_point_moves_a_running_fit_to_where_a_cold_one_ends():
    curves = series()
    shorter = [*curves[:3], curves[3].select(np.arange(24) < 23)]
    running = quick(shorter).refit(curves)
    cold = quick(curves)
    for name, estimate in running.parameters.items():
        assert abs(estimate.value - cold.parameters[name].value) < 0.05 * estimate.standard_error


def test_a_fit_survives_the_journey_from_a_worker_process(fitted):
    arrived = pickle.loads(pickle.dumps(fitted))  # noqa: S301
    assert arrived.to_dict() == fitted.to_dict()
    assert arrived.refit(series()).verdict.is_good


def test_leaving_out_one_temperature_moves_good_data_little(fitted):
    left_out = fitted.leave_one_temperature_out()
    assert sorted(left_out) == list(TEMPERATURES)
    for values in left_out.values():
        assert values["disorder_width"] == pytest.approx(fitted.parameters["disorder_width"].value, rel=0.02)


def test_profile_agrees_with_the_standard_error(fitted):
    estimate = fitted.parameters["hopping_distance"]
    costs = fitted.profile("hopping_distance", [estimate.value + estimate.standard_error])
    assert costs[0] == pytest.approx(1.0, rel=0.3)


def test_bootstrap_scatters_as_the_standard_error_says(fitted):
    drawn = fitted.bootstrap(12, seed=7)
    ratio = np.std(drawn["disorder_width"], ddof=1) / fitted.parameters["disorder_width"].standard_error
    assert 0.5 < ratio < 2.0


def test_statistical_intervals_cover_the_truth():
    """30 fits here, 400 in the benchmark; three standard errors below 95 % of 30 trials are 25."""
    covered = 0
    for seed in range(30):
        curves = [measured(temperature, seed=1000 * seed) for temperature in (257.0, 297.0)]
        fit = quick(curves, with_systematic=False, start=TRUTH, voltage_window=(0.0, 10.0))
        estimate = fit.parameters["disorder_width"]
        covered += abs(estimate.value - TRUTH["disorder_width"]) < 1.96 * estimate.standard_error
    assert covered >= 25


def test_unknown_parameters_conventions_and_permittivity_are_refused():
    with pytest.raises(ValueError, match="'sigma' is not one of disorder_width"):
        fit_disorder(series(), free=["sigma"])
    with pytest.raises(ValueError, match="'pasveer' is not one of li2024"):
        fit_disorder(series(), convention="pasveer")
    with pytest.raises(ValueError, match="free and fixed"):
        fit_disorder(series(), fixed={"disorder_width": 1e-20}, free=["disorder_width"])
    with pytest.raises(ValueError, match="no curves"):
        fit_disorder([])
    with pytest.raises(ValueError, match="relative_permittivity"):
        fit_disorder([replace(curve, relative_permittivity=None) for curve in series()])


def felekidis_curves(folder: Path, pattern: str) -> list[JVCurve]:
    """Measured curves: [V] and [mA cm⁻²], thickness and temperature in the name."""
    curves = []
    for path in sorted(folder.glob(pattern)):
        voltage, current = np.loadtxt(path).T
        thickness, temperature = re.search(r"_(\d+)nm_(\d+)K", path.name).groups()
        curves.append(
            JVCurve(
                voltage=voltage,
                current_density=current * 10,
                temperature=float(temperature),
                thickness=float(thickness) * nanometre,
                relative_permittivity=3.6,
                label=path.stem,
            )
        )
    return curves


@pytest.mark.parametrize(
    ("pattern", "width", "distance"), [("HOMO_TQ1_pristine*", 92.7, 1.93), ("HOMO_TQ1-PCBM71*", 92.2, 1.75)]
)
def test_published_disorder_of_tq1_is_found_in_the_measured_curves(measured_data, pattern, width, distance):
    """Felekidis et al. (2018), table S5, within 5 and 10 %; the curves do not tell the barriers."""
    fit = quick(felekidis_curves(measured_data, pattern), convention="felekidis2018")
    assert fit.parameters["disorder_width"].value / MILLI_EV == pytest.approx(width, rel=0.05)
    assert fit.parameters["hopping_distance"].value / nanometre == pytest.approx(distance, rel=0.10)
    assert fit.parameters["injecting_barrier"].verdict.word == "not_identifiable"
    assert fit.parameters["extracting_barrier"].verdict.word == "not_identifiable"
    assert fit.verdict.word == "not_identifiable"


def test_a_noisy_measured_series_is_called_noisy(measured_data):
    fit = quick(felekidis_curves(measured_data, "HOMO_MDMO*"), convention="felekidis2018")
    assert fit.verdict.word == "undecided"
    assert "noisy" in fit.verdict.advice


def test_points_clamped_at_compliance_in_measured_curves_are_dropped_by_name(measured_data):
    fit = quick(felekidis_curves(measured_data, "HOMO_PTB7Th-ITIC*"), convention="felekidis2018")
    clamped = {entry.curve.temperature for entry in fit.curves if "compliance" in entry.left_out}
    assert clamped == {240.0, 280.0, 300.0}
