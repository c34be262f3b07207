"""The analysis of measured curves as an object: several thicknesses, drift, and numbers fit for JSON."""

import json
from dataclasses import replace

import numpy as np
import pytest

from analysis.curves import JVCurve
from analysis.space_charge import mott_gurney_current_density
from qdlab.measured import analyse_jv, relative_change

VOLTAGE = np.geomspace(0.05, 20.0, 40)


def curve(kelvin: float, thickness: float = 500e-9, factor: float = 1.0) -> JVCurve:
    mobility = 4.5e-6 * np.exp(-0.30 / (8.617333e-5 * kelvin)) * factor
    return JVCurve(
        voltage=VOLTAGE,
        current_density=mott_gurney_current_density(VOLTAGE, mobility, thickness, 3.0),
        temperature=kelvin,
        thickness=thickness,
    )


def series(thickness: float = 500e-9) -> list[JVCurve]:
    return [curve(kelvin, thickness) for kelvin in (297.0, 277.0, 257.0, 237.0)]


def test_each_thickness_is_a_layer_and_their_scaling_is_judged() -> None:
    analysis = analyse_jv(series() + series(400e-9), relative_permittivity=3.0, with_disorder=False)
    assert [layer.thickness for layer in analysis.layers] == [400e-9, 500e-9]
    assert set(analysis.thickness_scaling) == {297.0, 277.0, 257.0, 237.0}
    scaling = analysis.thickness_scaling[297.0]
    assert scaling.exponent.value == pytest.approx(3.0, abs=1e-6) and scaling.verdict.is_good


def test_one_thickness_has_no_scaling() -> None:
    assert not analyse_jv(series(), relative_permittivity=3.0, with_disorder=False).thickness_scaling


@pytest.mark.parametrize(("factor", "drifting"), [(1.0, False), (0.8, True)])
def test_a_temperature_measured_again_tells_drift(factor: float, drifting: bool) -> None:
    curves = [*series(), curve(297.0, factor=factor)]
    analysis = analyse_jv(curves, relative_permittivity=3.0, with_disorder=False)
    words = (analysis.layers[0].arrhenius.verdict.word, analysis.layers[0].corrected_arrhenius.verdict.word)
    assert ("drifting" in words) == drifting


def test_a_current_held_by_its_limit_tells_no_drift() -> None:
    """Most points of an aged device stood at the same compliance before: the others tell by how much."""
    before, after = curve(297.0), curve(297.0, factor=0.8)
    limit = float(after.current_density[len(after) // 3])
    flags = tuple(frozenset({"compliance"} if j > limit else ()) for j in before.current_density)
    before = replace(before, current_density=np.minimum(before.current_density, limit), flags=flags)
    flags = tuple(frozenset({"compliance"} if j > limit else ()) for j in after.current_density)
    after = replace(after, current_density=np.minimum(after.current_density, limit), flags=flags)
    assert relative_change(before, after) == pytest.approx(-0.2, abs=0.005)


def test_curves_without_a_common_voltage_tell_no_drift() -> None:
    whole = curve(297.0)
    low = whole.select(whole.voltage < np.median(whole.voltage))
    high = whole.select(whole.voltage > np.median(whole.voltage))
    none = replace(whole, flags=(frozenset({"compliance"}),) * len(whole))
    assert relative_change(low, high) is None
    assert relative_change(whole, none) is None


def test_common_errors_reach_mobility_and_activation_energy_as_systematic() -> None:
    layer = analyse_jv(series(), relative_permittivity=3.0, with_disorder=False).layers[0]
    mobility = layer.space_charge[-1].zero_field_mobility
    assert mobility.systematic_error / mobility.value == pytest.approx(np.hypot(np.hypot(0.15, 0.05), 0.1))
    assert layer.arrhenius.activation_energy.systematic_error > 0


def test_results_are_plain_json() -> None:
    analysis = analyse_jv([curve(297.0)], relative_permittivity=3.0, with_disorder=False)
    text = json.dumps(analysis.to_dict(), allow_nan=False)
    assert json.loads(text)["layers"][0]["arrhenius"]["verdict"]["word"] == "too_few_points"


def test_no_curves_are_refused() -> None:
    with pytest.raises(ValueError, match="no curves"):
        analyse_jv([], relative_permittivity=3.0)
