"""The disorder fit as drawn: curves, a map of residuals, parameters in their columns, correlations."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.constants import electronvolt, nanometre
from analysis.curves import FloatArray, JVCurve
from analysis.disorder_fit import CurveResiduals, DisorderFit
from analysis.estimate import Estimate, Verdict
from qdlab.live.disorder import FitFinished
from qdlab.live.pictures.jv import Line

CELLS = 60  # of the map along the voltage axis
MOST_SHOWN = 50.0  # residuals beyond this are all drawn alike [%]

UNITS: Mapping[str, tuple[str, float]] = {
    "disorder_width": ("σ (meV)", 1e3 / electronvolt),
    "hopping_distance": ("a (nm)", 1 / nanometre),
    "mobility_prefactor": ("μ₀ (m²/Vs)", 1.0),
    "attempt_rate": ("ν₀ (1/s)", 1.0),
    "built_in_voltage": ("V_bi (V)", 1.0),
    "injecting_barrier": ("φ₁ (meV)", 1e3 / electronvolt),
    "extracting_barrier": ("φ₂ (meV)", 1e3 / electronvolt),
    "relative_permittivity": ("ε_r (1)", 1.0),
    "series_resistance_area": ("R_s·A (Ω m²)", 1.0),
}


@dataclass(frozen=True, kw_only=True)
class ParameterRow:
    """One parameter of the disorder fit in its three columns, in lab units, as text."""

    name: str
    value: str
    systematic: str
    model_range: str
    verdict: str
    advice: str


@dataclass(frozen=True, kw_only=True)
class ResidualMap:
    """J/J_EGDM - 1 over voltage and temperature.

    Parameters
    ----------
    log_voltage : (CELLS + 1,) edges, log10 of volts
    labels : (n,) one per curve, coldest first
    percent : (n, CELLS); NaN where there is no point that took part
    largest : the map's colours reach this far either way [%]
    """

    log_voltage: FloatArray
    labels: tuple[str, ...]
    percent: npt.NDArray[np.float64]
    largest: float


@dataclass(frozen=True, kw_only=True)
class Correlations:
    """Of the free parameters; statistical only."""

    names: tuple[str, ...]
    matrix: npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class DisorderPicture:
    """All temperatures of one device with the fitted curves, residuals and parameters."""

    device: str
    curves: tuple[JVCurve, ...]
    models: tuple[Line, ...]
    left_out: tuple[npt.NDArray[np.bool_], ...]
    residuals: ResidualMap | None
    parameters: tuple[ParameterRow, ...]
    correlations: Correlations
    verdict: Verdict
    words: str


def disorder_picture(finished: FitFinished) -> DisorderPicture:
    """What a fit that came back looks like."""
    fit = finished.fit
    return DisorderPicture(
        device=finished.device,
        curves=tuple(one.curve for one in fit.curves),
        models=tuple((one.curve.voltage, one.model) for one in fit.curves),
        left_out=tuple(~np.isfinite(one.model) for one in fit.curves),
        residuals=residual_map(fit.curves),
        parameters=tuple(_parameter_row(name, found, fit.verdict) for name, found in fit.parameters.items()),
        correlations=Correlations(
            names=tuple(_label(name).split(" ")[0] for name in fit.parameters), matrix=fit.correlation
        ),
        verdict=fit.verdict,
        words=_in_words(finished, fit),
    )


def residual_map(curves: Sequence[CurveResiduals]) -> ResidualMap | None:
    """Residuals of all curves on one grid; None where no point took part."""
    rows = sorted(curves, key=lambda one: one.curve.temperature)
    part = [np.isfinite(one.residual) & (one.curve.voltage > 0) for one in rows]
    if not any(mask.any() for mask in part):
        return None
    logarithms = [np.log10(one.curve.voltage[mask]) for one, mask in zip(rows, part, strict=True)]
    known = np.concatenate(logarithms)
    edges = np.linspace(known.min(), known.max() + 1e-9, CELLS + 1)
    percent = np.full((len(rows), CELLS), math.nan)
    for number, (one, mask, logarithm) in enumerate(zip(rows, part, logarithms, strict=True)):
        percent[number] = _nearest_point(logarithm, 100 * np.expm1(one.residual[mask]), edges)
    largest = float(np.nanpercentile(np.abs(percent), 98))
    return ResidualMap(
        log_voltage=edges,
        labels=tuple(f"{one.curve.temperature:.0f} K" for one in rows),
        percent=percent,
        largest=min(max(largest, 1.0), MOST_SHOWN),
    )


def _nearest_point(logarithm: FloatArray, values: FloatArray, edges: FloatArray) -> FloatArray:
    """Every cell the residual of the point nearest to its middle; NaN where none is near."""
    if not len(logarithm):
        return np.full(len(edges) - 1, math.nan)
    middle = (edges[:-1] + edges[1:]) / 2
    distance = np.abs(middle[:, None] - logarithm[None, :])
    nearest = distance.argmin(axis=1)
    gaps = np.diff(np.sort(logarithm))
    reach = max(float(edges[1] - edges[0]), 0.6 * float(gaps.max()) if len(gaps) else 0.0)
    return np.where(distance.min(axis=1) <= reach, values[nearest], math.nan)


def _label(name: str) -> str:
    return UNITS.get(name, (name, 1.0))[0]


def _parameter_row(name: str, found: Estimate, of_fit: Verdict) -> ParameterRow:
    """A parameter is good where the fit is too: what cannot be trusted has none that can."""
    shown = found.scaled(UNITS.get(name, (name, 1.0))[1])
    spread = "-" if shown.model_range is None else "{:.3g} to {:.3g}".format(*shown.model_range)
    verdict = of_fit if found.verdict.is_good else found.verdict
    return ParameterRow(
        name=_label(name),
        value=str(shown),
        systematic="-" if shown.systematic_error is None else f"± {shown.systematic_error:.2g}",
        model_range=spread,
        verdict=verdict.word.replace("_", " "),
        advice=verdict.advice,
    )


def _in_words(finished: FitFinished, fit: DisorderFit) -> str:
    points = sum(int(np.isfinite(one.model).sum()) for one in fit.curves)
    out = sum(len(one.curve) for one in fit.curves) - points
    word = fit.verdict.word.replace("_", " ").capitalize()
    advice = f": {fit.verdict.advice}" if fit.verdict.advice else ""
    return (
        f"{finished.device}, {finished.curves} curves, {points} points"
        f"{f', {out} left out' if out else ''}, χ²/ν {fit.reduced_chi_square:.2g}. {word}{advice}"
    )
