import numpy as np
import pytest

from analysis.constants import nanometre, square_millimetre, thermal_voltage
from analysis.curves import JVCurve, TELSeries
from analysis.device import Device, Layer
from analysis.estimate import Estimate


def curve(**changes: object) -> JVCurve:
    facts = {
        "voltage": [1.0, 2.0, 3.0],
        "current_density": [1.0, 4.0, 9.0],
        "temperature": 297.0,
        "thickness": 110e-9,
        "flags": (frozenset(), frozenset({"compliance"}), frozenset()),
    }
    return JVCurve(**{**facts, **changes})  # type: ignore[arg-type]


def test_a_curve_is_a_copy_that_nobody_can_write_to() -> None:
    voltage = np.array([1.0, 2.0, 3.0])
    made = curve(voltage=voltage)
    voltage[0] = 7.0
    assert made.voltage[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        made.voltage[0] = 5.0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"thickness": 0.0}, "thickness 0.0 m"),
        ({"temperature": -3.0}, "temperature -3.0 K"),
        ({"voltage": [1.0, 2.0]}, "voltage has 2, current_density has 3"),
        ({"voltage": [1.0, 2.0, float("nan")]}, "voltage holds values that are not finite"),
        ({"flags": (frozenset(),)}, "flags has 1 entries for 3 points"),
        ({"current_density": [[1.0]]}, "2 dimensions"),
    ],
)
def test_a_curve_that_cannot_be_is_refused_with_name_and_value(changes: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        curve(**changes)


def test_selecting_points_keeps_their_flags_and_errors() -> None:
    made = curve(current_density_error=[0.1, 0.2, 0.3])
    kept = made.select(~made.flagged("compliance"))
    assert kept.voltage.tolist() == [1.0, 3.0]
    assert kept.current_density_error is not None and kept.current_density_error.tolist() == [0.1, 0.3]
    assert kept.flags == (frozenset(), frozenset())


def test_a_pulse_series_keeps_what_is_selected() -> None:
    series = TELSeries(
        pulse_width=[1e-6, 2e-6],
        light_current=[1e-9, 2e-9],
        pulse_amplitude=4.0,
        temperature=297.0,
        flags=(frozenset(), frozenset({"extension"})),
    )
    assert series.select(~series.flagged("extension")).pulse_width.tolist() == [1e-6]


def device(**changes: object) -> Device:
    facts = {
        "identifier": "batch/substrate/1",
        "layers": (
            Layer(material="TFB", thickness=Estimate(value=25 * nanometre, standard_error=3 * nanometre)),
            Layer(
                material="QD",
                thickness=Estimate(value=30 * nanometre, standard_error=4 * nanometre),
                relative_permittivity=Estimate(value=4.0),
            ),
        ),
        "active_layers": ("TFB", "QD"),
        "area": Estimate(value=4 * square_millimetre),
    }
    return Device(**{**facts, **changes})  # type: ignore[arg-type]


def test_the_active_layers_add_up_with_their_errors_in_quadrature() -> None:
    thickness = device().thickness
    assert thickness.value == pytest.approx(55e-9)
    assert thickness.standard_error == pytest.approx(5e-9)
    assert device().relative_permittivity == Estimate(value=4.0)


def test_polarity_follows_the_wiring() -> None:
    assert device(injecting_electrode="top", positive_terminal="top").polarity == 1
    assert device(injecting_electrode="bottom", positive_terminal="top").polarity == -1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"area": Estimate(value=0.0)}, "area 0.0"),
        ({"active_layers": ("ZnMgO",)}, "'ZnMgO'.*is not in: TFB, QD"),
        ({"active_layers": ()}, "names no active layer"),
    ],
)
def test_a_device_that_cannot_be_is_refused(changes: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        device(**changes)


def test_a_layer_without_thickness_is_refused() -> None:
    with pytest.raises(ValueError, match=r"thickness 0\.0 m of 'QD'"):
        Layer(material="QD", thickness=Estimate(value=0.0))


def test_the_thermal_voltage_at_297_kelvin_is_the_tabulated_one() -> None:
    assert thermal_voltage(297.0) == pytest.approx(25.593e-3, rel=1e-4)
