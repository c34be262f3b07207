"""What measured J-V curves amount to: space charge, temperature laws, and the disorder fit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.arrhenius import ArrheniusFit, fit_arrhenius
from analysis.conventions import ConventionName
from analysis.curves import FloatArray, JVCurve
from analysis.estimate import GOOD, Estimate, Verdict
from analysis.space_charge import (
    MurgatroydFit,
    SpaceChargeFit,
    ThicknessScaling,
    common_window,
    fit_murgatroyd,
    fit_space_charge,
    fit_thickness_scaling,
    judge_noise,
    mark_points,
    usable_points,
)

if TYPE_CHECKING:
    from analysis.disorder_fit import CommonErrors, DisorderFit

Window = tuple[float, float]

SAME_TEMPERATURE = 1.0
"""Curves whose temperatures differ by less were measured at one [K]."""

_LAW_ESTIMATES = ("activation_energy", "high_temperature_mobility", "disorder_width", "gaussian_prefactor")


@dataclass(frozen=True, kw_only=True)
class LayerAnalysis:
    """All curves of one thickness.

    Parameters
    ----------
    thickness : [m]
    curves : in order of temperature, with what the detectors saw in their flags
    space_charge : one per curve
    common_window : in which every curve is quadratic [V]; None where there is none
    arrhenius : laws of the zero-field mobilities from the quadratic windows
    corrected_arrhenius : the same for the diffusion-corrected mobilities
    murgatroyd : field-dependent law through all temperatures at once
    noise : whether the readings can be taken at their word
    """

    thickness: float
    curves: tuple[JVCurve, ...]
    space_charge: tuple[SpaceChargeFit, ...]
    common_window: tuple[float, float] | None
    arrhenius: ArrheniusFit
    corrected_arrhenius: ArrheniusFit
    murgatroyd: MurgatroydFit
    noise: Verdict

    def to_dict(self) -> dict[str, object]:
        """Glossary keys, SI values, Estimates as objects."""
        return {
            "thickness": self.thickness,
            "common_window": self.common_window,
            "curves": [
                _curve_to_dict(curve, fit) for curve, fit in zip(self.curves, self.space_charge, strict=True)
            ],
            "arrhenius": _arrhenius_to_dict(self.arrhenius),
            "corrected_arrhenius": _arrhenius_to_dict(self.corrected_arrhenius),
            "murgatroyd": _murgatroyd_to_dict(self.murgatroyd),
            "noise": self.noise.to_dict(),
        }


@dataclass(frozen=True, kw_only=True, repr=False)
class JVAnalysis:
    """Everything measured J-V curves say, each number with its uncertainty and a verdict.

    Parameters
    ----------
    relative_permittivity : used for all curves [1]
    convention : of the disorder model
    layers : one per thickness
    disorder : the global fit over all layers; None where it was not asked for
    thickness_scaling : by temperature [K], where two or more thicknesses were measured at it
    """

    relative_permittivity: float
    convention: str
    layers: tuple[LayerAnalysis, ...]
    disorder: "DisorderFit | None"
    thickness_scaling: Mapping[float, ThicknessScaling] = field(default_factory=dict)

    def __repr__(self) -> str:
        fit = "" if self.disorder is None else f", disorder fit {self.verdict.word.replace('_', ' ')}"
        return f"analysis of {len(self.curves)} J-V curves{fit}"

    @property
    def curves(self) -> tuple[JVCurve, ...]:
        """Every curve, layer by layer."""
        return tuple(curve for layer in self.layers for curve in layer.curves)

    @property
    def verdict(self) -> Verdict:
        """Of the disorder fit where there is one."""
        return GOOD if self.disorder is None else self.disorder.verdict

    def to_dict(self) -> dict[str, object]:
        """Plain numbers for JSON: glossary keys, SI values, every Estimate an object."""
        return {
            "relative_permittivity": self.relative_permittivity,
            "convention": self.convention,
            "layers": [layer.to_dict() for layer in self.layers],
            "thickness_scaling": [
                _scaling_to_dict(kelvin, scaling) for kelvin, scaling in self.thickness_scaling.items()
            ],
            "disorder": None if self.disorder is None else _finite(self.disorder.to_dict()),
        }


def analyse_jv(
    curves: Sequence[JVCurve],
    *,
    relative_permittivity: float,
    convention: ConventionName = "li2024",
    built_in_voltage: float = 0.0,
    with_disorder: bool = True,
    with_model_range: bool = True,
    common_errors: "CommonErrors | None" = None,
    windows: Sequence[Window | None] | None = None,
) -> JVAnalysis:
    """Analyse J-V curves of one material, at any temperatures and thicknesses.

    Parameters
    ----------
    curves : one or more
    relative_permittivity : of the film [1]
    convention : how the disorder model is written
    built_in_voltage : subtracted before the quadratic law is looked for [V]
    with_disorder : fit the disorder model, which takes seconds
    with_model_range : refit it under other models too
    common_errors : standard errors of thickness, area, permittivity and temperature that all points share
    windows : quadratic window of each curve that the operator chose [V]; None leaves one, or all, to the rule

    Returns
    -------
    JVAnalysis

    Raises
    ------
    ValueError
        Without curves, or for a relative permittivity below 1.
    """
    if not curves:
        raise ValueError("no curves to analyse; give at least one")
    from analysis.disorder_fit import CommonErrors, fit_disorder

    errors = common_errors or CommonErrors()
    known = [replace(curve, relative_permittivity=relative_permittivity) for curve in curves]
    chosen = list(zip(known, windows or [None] * len(known), strict=True))
    thicknesses = sorted({curve.thickness for curve in known})
    layers = tuple(
        _analyse_layer([one for one in chosen if one[0].thickness == thickness], built_in_voltage, errors)
        for thickness in thicknesses
    )
    analysis = JVAnalysis(
        relative_permittivity=relative_permittivity,
        convention=convention,
        layers=layers,
        disorder=None,
        thickness_scaling=_thickness_scaling(layers, built_in_voltage),
    )
    if not with_disorder:
        return analysis

    disorder = fit_disorder(
        analysis.curves, convention=convention, with_model_range=with_model_range, common_errors=errors
    )
    return replace(analysis, disorder=disorder)


def _analyse_layer(
    chosen: Sequence[tuple[JVCurve, Window | None]], built_in_voltage: float, errors: "CommonErrors"
) -> LayerAnalysis:
    curves = [curve for curve, _ in chosen]
    pairs = zip(mark_points(curves), [window for _, window in chosen], strict=True)
    marked, windows = zip(*sorted(pairs, key=lambda pair: pair[0].temperature), strict=True)
    noise = judge_noise(marked)
    fits = tuple(
        fit_space_charge(
            curve,
            built_in_voltage=built_in_voltage,
            window=window,
            relative_thickness_error=errors.thickness,
            relative_area_error=errors.area,
            relative_permittivity_error=errors.relative_permittivity,
        )
        for curve, window in zip(marked, windows, strict=True)
    )
    temperatures = [curve.temperature for curve in marked]
    drift = current_drift(curves)
    return LayerAnalysis(
        thickness=marked[0].thickness,
        curves=marked,
        space_charge=fits,
        common_window=common_window(marked, built_in_voltage=built_in_voltage),
        arrhenius=temperature_laws(
            temperatures, [fit.zero_field_mobility for fit in fits], errors, noise, drift
        ),
        corrected_arrhenius=temperature_laws(
            temperatures, [fit.corrected_mobility for fit in fits], errors, noise, drift
        ),
        murgatroyd=_with_noise(fit_murgatroyd(marked), noise),
        noise=noise,
    )


def temperature_laws(
    temperatures: Sequence[float],
    mobilities: Sequence[Estimate],
    errors: "CommonErrors",
    noise: Verdict,
    drift: float | None,
) -> ArrheniusFit:
    """The temperature laws, no better than the mobilities they rest on.

    The mobilities' own errors are left aside: the choice of the window does more, and shows in the scatter.
    """
    fit = fit_arrhenius(
        temperatures,
        [mobility.value for mobility in mobilities],
        temperature_offset_error=errors.temperature,
        relative_common_error=math.hypot(3 * errors.thickness, errors.area, errors.relative_permittivity),
        relative_drift=drift,
    )
    biased = [one.verdict for one in mobilities if math.isfinite(one.value) and not one.verdict.is_good]
    if not fit.verdict.is_good or (noise.is_good and not biased):
        return fit
    verdict = noise
    if biased:
        advice = (
            f"{len(biased)} of the mobilities behind a temperature law are not good themselves;"
            " their own verdicts say why."
        )
        verdict = Verdict(word=biased[0].word, advice=advice)
    energies = {name: replace(getattr(fit, name), verdict=verdict) for name in _LAW_ESTIMATES}
    return replace(fit, verdict=verdict, **energies)


def current_drift(curves: Sequence[JVCurve]) -> float | None:
    """Largest relative change of the current between first and last curve at one temperature."""
    changes = []
    for index, first in enumerate(curves):
        again = [
            one for one in curves[index + 1 :] if abs(one.temperature - first.temperature) < SAME_TEMPERATURE
        ]
        if again and (change := relative_change(first, again[-1])) is not None:
            changes.append(change)
    return max(changes, key=abs, default=None)


def relative_change(first: JVCurve, last: JVCurve) -> float | None:
    """Median of J_last / J_first - 1 over the voltages that both reach [1]; None where they share none.

    Points that no fit takes are left out: a current held by its limit never changes.
    """
    first, last = (curve.select(usable_points(curve)[0]) for curve in (first, last))
    if not len(first) or not len(last):
        return None
    low, high = last.voltage.min(), last.voltage.max()
    shared = (first.voltage >= low) & (first.voltage <= high)
    if not shared.any():
        return None
    return float(np.median(_current_at(last, first.voltage[shared]) / first.current_density[shared] - 1))


def _current_at(curve: JVCurve, voltage: FloatArray) -> FloatArray:
    order = np.argsort(curve.voltage, kind="stable")
    return np.interp(voltage, curve.voltage[order], curve.current_density[order])


def _thickness_scaling(
    layers: Sequence[LayerAnalysis], built_in_voltage: float
) -> dict[float, ThicknessScaling]:
    """Thickness scaling at every temperature the thinnest layer shares with all others."""
    found: dict[float, ThicknessScaling] = {}
    if len(layers) < 2:
        return found
    for curve in layers[0].curves:
        beside = [_at_temperature(layer, curve.temperature) for layer in layers[1:]]
        same = [one for one in beside if one is not None]
        if len(same) == len(beside):
            found[curve.temperature] = fit_thickness_scaling(
                [curve, *same], built_in_voltage=built_in_voltage
            )
    return found


def _at_temperature(layer: LayerAnalysis, temperature: float) -> JVCurve | None:
    nearest = min(layer.curves, key=lambda curve: abs(curve.temperature - temperature))
    return nearest if abs(nearest.temperature - temperature) < SAME_TEMPERATURE else None


def _scaling_to_dict(kelvin: float, scaling: ThicknessScaling) -> dict[str, object]:
    return {
        "temperature": kelvin,
        "thickness": [float(length) for length in scaling.thickness],
        "exponent": scaling.exponent.to_dict(),
        "field_exponent": scaling.field_exponent.to_dict(),
        "largest_spread": float(scaling.spread.max()) if len(scaling.spread) else None,
        "verdict": scaling.verdict.to_dict(),
    }


def _with_noise(fit: MurgatroydFit, noise: Verdict) -> MurgatroydFit:
    if noise.is_good or not fit.verdict.is_good:
        return fit
    laws = {
        name: replace(getattr(fit, name), verdict=noise)
        for name in ("disorder_width", "gaussian_prefactor", "gill_coefficient", "gill_temperature")
        if getattr(fit, name).verdict.is_good
    }
    return replace(fit, verdict=noise, **laws)


def _curve_to_dict(curve: JVCurve, fit: SpaceChargeFit) -> dict[str, object]:
    return {
        "label": curve.label,
        "temperature": curve.temperature,
        "points": len(curve),
        "quadratic_window": fit.window,
        "zero_field_mobility": fit.zero_field_mobility.to_dict(),
        "corrected_mobility": fit.corrected_mobility.to_dict(),
        "local_slope": fit.slope.to_dict(),
        "diffusion_enhancement": _finite(fit.diffusion_enhancement),
        "left_out": [{"voltage": voltage, "reason": reason} for voltage, reason in fit.left_out],
        "verdict": fit.verdict.to_dict(),
        "why": fit.why,
    }


def _arrhenius_to_dict(fit: ArrheniusFit) -> dict[str, object]:
    return {
        "temperatures": [float(kelvin) for kelvin in fit.temperature],
        "activation_energy": fit.activation_energy.to_dict(),
        "high_temperature_mobility": fit.high_temperature_mobility.to_dict(),
        "disorder_width": fit.disorder_width.to_dict(),
        "gaussian_prefactor": fit.gaussian_prefactor.to_dict(),
        "preferred": fit.preferred,
        "influence": _finite([float(shift) for shift in fit.influence]),
        "verdict": fit.verdict.to_dict(),
    }


def _murgatroyd_to_dict(fit: MurgatroydFit) -> dict[str, object]:
    return {
        "curves": [
            {
                "temperature": float(kelvin),
                "zero_field_mobility": mobility.to_dict(),
                "field_coefficient": coefficient.to_dict(),
                "points": int(used.sum()),
            }
            for kelvin, mobility, coefficient, used in zip(
                fit.temperature, fit.zero_field_mobility, fit.field_coefficient, fit.used, strict=True
            )
        ],
        "built_in_voltage": fit.built_in_voltage.to_dict(),
        "disorder_width": fit.disorder_width.to_dict(),
        "gaussian_prefactor": fit.gaussian_prefactor.to_dict(),
        "gill_coefficient": fit.gill_coefficient.to_dict(),
        "gill_temperature": fit.gill_temperature.to_dict(),
        "root_mean_square": _finite(fit.root_mean_square),
        "verdict": fit.verdict.to_dict(),
    }


def _finite(value: Any) -> Any:
    """The same with None where a number is not finite, which JSON cannot say."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return value
