"""The numbers that the figures show, as columns: SI, one row a point, what was left out with its reason."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from analysis.curves import JVCurve, TELSeries
from analysis.disorder_fit import CurveResiduals
from analysis.estimate import Estimate
from analysis.space_charge import SpaceChargeFit, mott_gurney_current_density
from analysis.transit import DelayFit
from qdlab.figures import ComparedValues, MobilitySeries, curve_labels, relative_deviation

Columns = Mapping[str, Sequence[float | str]]

_J = "Current density (A/m**2)"
_MU = "Mobility (m**2/V/s)"


def current_density_data(
    curves: Sequence[JVCurve], fits: Sequence[SpaceChargeFit | None], *, built_in_voltage: float = 0.0
) -> Columns:
    """Every point with the quadratic law of its curve, NaN where there is none."""
    rows = []
    for curve, fit, label in zip(curves, fits, curve_labels(curves), strict=True):
        left_out = dict(fit.left_out) if fit is not None else {}
        mobility = math.nan if fit is None or fit.window is None else fit.zero_field_mobility.value
        law = mott_gurney_current_density(
            np.maximum(curve.voltage - built_in_voltage, 0.0),
            mobility,
            curve.thickness,
            curve.relative_permittivity or 1.0,
        )
        for index, voltage in enumerate(curve.voltage.tolist()):
            in_window = fit is not None and bool(fit.used[index])
            reason = left_out.get(voltage, " ".join(sorted(curve.flags[index])))
            rows.append((*_point(curve, label, index), float(law[index]), float(in_window), reason))
    return _columns((*_POINT, "Quadratic law (A/m**2)", "in window (1)", "left out or flagged"), rows)


def arrhenius_data(series: Sequence[MobilitySeries]) -> Columns:
    """Every mobility with its errors and its law."""
    rows = []
    for one in series:
        for kelvin, mobility in zip(one.temperature, one.mobility, strict=True):
            law = math.nan if one.law is None else float(one.law.at(kelvin))
            rows.append((one.label, kelvin, *_uncertain(mobility), law, mobility.verdict.word))
    return _columns(
        ("series", "Temperature (K)", *_uncertain_headings(_MU), "Arrhenius law", "verdict"), rows
    )


def thickness_data(curves: Sequence[JVCurve], *, built_in_voltage: float = 0.0) -> Columns:
    """J L³ of every point against V - V_bi."""
    rows = []
    for curve, label in zip(curves, curve_labels(curves), strict=True):
        for index in range(len(curve)):
            rows.append(
                (
                    *_point(curve, label, index),
                    float(curve.voltage[index]) - built_in_voltage,
                    float(curve.current_density[index]) * curve.thickness**3,
                )
            )
    return _columns((*_POINT, "Voltage less built-in voltage (V)", "J L**3 (A*m)"), rows)


def disorder_data(curves: Sequence[CurveResiduals]) -> Columns:
    """Every point with the model, the deviation from it, its weight in the fit, and why it plays no part."""
    rows = []
    labels = curve_labels([one.curve for one in curves])
    for one, label in zip(curves, labels, strict=True):
        deviation = relative_deviation(one)
        for index, reason in enumerate(one.left_out):
            facts = (float(one.model[index]), float(deviation[index]), float(one.weight[index]), reason)
            rows.append((*_point(one.curve, label, index), *facts))
    return _columns((*_POINT, "Model (A/m**2)", "Deviation (1)", "Weight (1)", "left out"), rows)


def delay_data(series: Sequence[TELSeries], fits: Sequence[DelayFit]) -> Columns:
    """Every reading of the light with the straight line, and whether the line was fitted to it."""
    rows = []
    for one, fit in zip(series, fits, strict=True):
        line = fit.slope.value * (one.pulse_width - fit.delay_time.value)
        errors = np.full(len(one), np.nan) if one.total_error is None else one.total_error
        for index in range(len(one)):
            rows.append(
                (
                    one.pulse_amplitude,
                    float(one.pulse_width[index]),
                    float(one.light_current[index]),
                    float(errors[index]),
                    float(line[index]),
                    float(fit.used[index]),
                )
            )
    headings = ("Pulse amplitude (V)", "Pulse width (s)", "Light current (A)", "Light current error (A)")
    return _columns((*headings, "Straight line (A)", "used (1)"), rows)


def field_data(
    amplitudes: Sequence[float], fields: Sequence[float], mobilities: Sequence[Estimate], good: Sequence[bool]
) -> Columns:
    """Every transit mobility with its field and its errors."""
    rows = [
        (amplitude, field, *_uncertain(mobility), float(trusted))
        for amplitude, field, mobility, trusted in zip(amplitudes, fields, mobilities, good, strict=True)
    ]
    headings = (
        "Pulse amplitude (V)",
        "Electric field (V/m)",
        *_uncertain_headings(_MU),
        "good delay time (1)",
    )
    return _columns(headings, rows)


def compared_data(compared: ComparedValues) -> Columns:
    """Every value with its error, in the figure's unit."""
    rows = [
        (label, *_uncertain(value), float(far))
        for label, value, far in zip(compared.labels, compared.values, compared.outlying, strict=True)
    ]
    return _columns(("device or session", *_uncertain_headings(compared.heading), "outlying (1)"), rows)


_POINT = ("curve", "Temperature (K)", "Thickness (m)", "Voltage (V)", _J)


def _point(curve: JVCurve, label: str, index: int) -> tuple[str, float, float, float, float]:
    point = (float(curve.voltage[index]), float(curve.current_density[index]))
    return (label, curve.temperature, curve.thickness, *point)


def _uncertain_headings(heading: str) -> tuple[str, ...]:
    return (heading, "standard error", "95 % from", "95 % to")


def _uncertain(estimate: Estimate) -> tuple[float, float, float, float]:
    error = math.nan if estimate.standard_error is None else estimate.standard_error
    around = (estimate.value - 1.96 * error, estimate.value + 1.96 * error)
    return (estimate.value, error, *(estimate.confidence_interval or around))


def _columns(headings: Sequence[str], rows: Sequence[Sequence[float | str]]) -> Columns:
    return {heading: [row[index] for row in rows] for index, heading in enumerate(headings)}
