"""Mobility against temperature: activation energy, the 1/T and 1/T² laws, and which the data prefer."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from analysis.constants import BOLTZMANN_CONSTANT, electronvolt
from analysis.curves import FloatArray, read_only
from analysis.estimate import GOOD, Estimate, Verdict
from analysis.straight_line import StraightLineFit, fit_straight_line

MINIMUM_TEMPERATURES = 3
"""Fewest distinct temperatures for a line with an uncertainty."""

DECISIVE_DIFFERENCE = 6.0
"""Difference in -2 ln(likelihood) that decides between laws with as many parameters: odds of 20 to 1 [1]."""

LARGE_INFLUENCE = 2.0
"""Shift, in standard errors, when one temperature is left out, above which that one is named [1]."""

LARGE_SHIFT = 0.02
"""A shift below this part of the activation energy is not worth naming, however sure it is [1]."""

LARGEST_DRIFT = 0.05
"""Change of the sample between first and last sweep at one temperature that blocks *good* [1]."""


@dataclass(frozen=True, kw_only=True)
class ArrheniusFit:
    """Two laws through the same points.

    Parameters
    ----------
    temperature : (n,) used [K]
    activation_energy : Δ of μ(0) = μ_∞ exp(-Δ/kT) [J]
    high_temperature_mobility : μ_∞ [m² V⁻¹ s⁻¹]; its errors are those of a factor
    disorder_width : σ of μ(0) = μ* exp(-(2σ/3kT)²) [J]
    gaussian_prefactor : μ* [m² V⁻¹ s⁻¹]
    correlation : between activation energy and ln μ_∞ [1]
    preferred : the law with the clearly higher likelihood, else "undecided"
    preference : difference in -2 ln(likelihood), above zero where the 1/T² law is better [1]
    influence : (n,) shift of the activation energy, in standard errors, when that temperature is left out [1]
    residual : (n,) ln μ minus the Arrhenius line [1]
    verdict : of the fit
    """

    temperature: FloatArray
    activation_energy: Estimate
    high_temperature_mobility: Estimate
    disorder_width: Estimate
    gaussian_prefactor: Estimate
    correlation: float
    preferred: Literal["arrhenius", "gaussian", "undecided"]
    preference: float
    influence: FloatArray
    residual: FloatArray
    verdict: Verdict

    def at(self, temperature: Any) -> FloatArray:
        """The Arrhenius line's mobility at a temperature [K], in m² V⁻¹ s⁻¹."""
        temperature = np.asarray(temperature, dtype=np.float64)
        energy = self.activation_energy.value / (BOLTZMANN_CONSTANT * temperature)
        return self.high_temperature_mobility.value * np.exp(-energy)


def fit_arrhenius(
    temperature: Any,
    mobility: Any,
    mobility_error: Any = None,
    *,
    temperature_offset_error: float | None = None,
    relative_common_error: float | None = None,
    relative_drift: float | None = None,
) -> ArrheniusFit:
    """Fit μ(0, T) = μ_∞ exp(-Δ/kT) (Li et al. 2024, eq. 4) and the 1/T² law of Gaussian disorder.

    Both are straight lines of ln μ, weighted by the mobilities' errors. Errors that cannot explain the
    scatter are scaled up to it, never down.

    Parameters
    ----------
    temperature : (n,) [K]
    mobility : (n,) [m² V⁻¹ s⁻¹]; values that are not finite or not above zero are left out
    mobility_error : (n,) standard errors [m² V⁻¹ s⁻¹]; None or NaN: taken from the scatter
    temperature_offset_error : standard error [K] at the lowest temperature of an offset between sensor and
        sample that grows from zero at the highest; it is common to all points and enters the systematic error
    relative_common_error : standard error [1] common to all mobilities (thickness, area, permittivity); it
        moves the prefactors only
    relative_drift : change [1] between first and last sweep at one temperature; beyond `LARGEST_DRIFT` the
        sample was not the same at all temperatures

    Returns
    -------
    ArrheniusFit
        With a verdict instead of an exception where there are too few temperatures.

    Examples
    --------
    >>> import numpy as np
    >>> kelvin = np.array([217.0, 237, 257, 277, 297])
    >>> fit = fit_arrhenius(kelvin, 4.5e-6 * np.exp(-0.30 / (8.617333e-5 * kelvin)))
    >>> round(fit.activation_energy.value / 1.602176634e-19, 4)
    0.3
    """
    kelvin, log_mobility, log_error = _usable(temperature, mobility, mobility_error)
    distinct = len(np.unique(kelvin))
    if distinct < MINIMUM_TEMPERATURES:
        return _too_few(kelvin, distinct)

    beta = 1 / (BOLTZMANN_CONSTANT * kelvin)  # J⁻¹
    arrhenius = fit_straight_line(beta * electronvolt, log_mobility, log_error)
    gaussian = fit_straight_line((beta * electronvolt) ** 2, log_mobility, log_error)
    preference = _chi_square_difference(arrhenius, gaussian, log_error)
    influence = _leave_one_out(beta * electronvolt, log_mobility, log_error, arrhenius)
    energy_shift, width_shift = _temperature_systematic(
        kelvin, log_mobility, log_error, temperature_offset_error
    )
    scale = _error_scale(arrhenius)
    energy, energy_error = (
        -arrhenius.slope * electronvolt,
        arrhenius.slope_standard_error * scale * electronvolt,
    )
    half_width = arrhenius.quantile() * energy_error
    verdict = _verdict(kelvin, influence, energy_error / abs(energy), scale, log_error is not None)
    if verdict.is_good and relative_drift is not None and abs(relative_drift) > LARGEST_DRIFT:
        verdict = Verdict(
            word="drifting",
            advice=f"Measured again, the sample had changed by {relative_drift:+.0%}; condition it first.",
        )
    prefactor_error = arrhenius.intercept_standard_error * scale
    mu_inf, mu_star = math.exp(arrhenius.intercept), math.exp(gaussian.intercept)
    return ArrheniusFit(
        temperature=read_only(kelvin, "temperature"),
        activation_energy=Estimate(
            value=energy,
            standard_error=energy_error,
            systematic_error=energy_shift,
            confidence_interval=(energy - half_width, energy + half_width),
            verdict=verdict,
        ),
        high_temperature_mobility=_as_factor(
            mu_inf, prefactor_error, arrhenius.quantile(), relative_common_error, verdict
        ),
        disorder_width=_disorder_width(gaussian, _error_scale(gaussian), width_shift, verdict),
        gaussian_prefactor=_as_factor(
            mu_star,
            gaussian.intercept_standard_error * _error_scale(gaussian),
            gaussian.quantile(),
            relative_common_error,
            verdict,
        ),
        correlation=-_correlation(arrhenius),
        preferred=_preferred(preference),
        preference=preference,
        influence=read_only(influence, "influence"),
        residual=arrhenius.residual,
        verdict=verdict,
    )


def _usable(
    temperature: Any, mobility: Any, mobility_error: Any
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    kelvin, mu = read_only(temperature, "temperature"), read_only(mobility, "mobility")
    if len(kelvin) != len(mu):
        raise ValueError(f"temperature has {len(kelvin)} and mobility {len(mu)} values; they must be as many")
    if np.any(kelvin <= 0):
        raise ValueError("temperature holds values at or below zero kelvin")
    usable = np.isfinite(kelvin) & np.isfinite(mu) & (mu > 0)
    log_mobility = np.log(mu[usable])
    if mobility_error is None:
        return kelvin[usable], log_mobility, None
    error = read_only(mobility_error, "mobility_error")[usable] / mu[usable]
    known = bool(np.all(np.isfinite(error) & (error > 0)))
    return kelvin[usable], log_mobility, error if known else None


def _too_few(kelvin: FloatArray, distinct: int) -> ArrheniusFit:
    advice = (
        f"Mobilities at {distinct} temperature{'' if distinct == 1 else 's'} are too few for an activation "
        f"energy; "
        f"measure at {MINIMUM_TEMPERATURES} or more."
    )
    verdict = Verdict(word="too_few_points", advice=advice)
    nothing = Estimate(value=math.nan, verdict=verdict)
    empty = read_only(np.full(len(kelvin), math.nan), "empty")
    return ArrheniusFit(
        temperature=read_only(kelvin, "temperature"),
        activation_energy=nothing,
        high_temperature_mobility=nothing,
        disorder_width=nothing,
        gaussian_prefactor=nothing,
        correlation=math.nan,
        preferred="undecided",
        preference=math.nan,
        influence=empty,
        residual=empty,
        verdict=verdict,
    )


def _error_scale(line: StraightLineFit) -> float:
    """By how much given errors must grow to explain the scatter [1]; 1 where the scatter made them."""
    if not line.errors_known or not line.reduced_chi_square > 1:
        return 1.0
    return math.sqrt(line.reduced_chi_square)


def _chi_square_difference(
    arrhenius: StraightLineFit, gaussian: StraightLineFit, log_error: FloatArray | None
) -> float:
    """-2 ln(likelihood) of the 1/T law minus that of the 1/T² law; an unknown scatter is fitted."""
    if log_error is None:
        count = len(arrhenius.residual)
        floor = 1e-12  # exact data fit both to rounding
        return count * math.log(
            (np.sum(arrhenius.residual**2) + floor**2) / (np.sum(gaussian.residual**2) + floor**2)
        )
    difference = float(np.sum((arrhenius.residual / log_error) ** 2 - (gaussian.residual / log_error) ** 2))
    return difference / min(_error_scale(arrhenius), _error_scale(gaussian)) ** 2


def _preferred(preference: float) -> Literal["arrhenius", "gaussian", "undecided"]:
    if preference > DECISIVE_DIFFERENCE:
        return "gaussian"
    return "arrhenius" if preference < -DECISIVE_DIFFERENCE else "undecided"


def _leave_one_out(
    x: FloatArray, y: FloatArray, error: FloatArray | None, whole: StraightLineFit
) -> FloatArray:
    """Shift of the slope, in its standard errors, without each point."""
    shift = np.zeros(len(x))
    standard_error = whole.slope_standard_error * _error_scale(whole)
    for index in range(len(x)):
        rest = np.arange(len(x)) != index
        if len(np.unique(x[rest])) < 2 or standard_error == 0:
            continue
        line = fit_straight_line(x[rest], y[rest], None if error is None else error[rest])
        shift[index] = (whole.slope - line.slope) / standard_error
    return shift


def _temperature_systematic(
    kelvin: FloatArray, log_mobility: FloatArray, log_error: FloatArray | None, offset: float | None
) -> tuple[float | None, float | None]:
    """Shift of activation energy and disorder width [J] if the sample is warmer than the sensor when cold."""
    if offset is None:
        return None, None
    shifted = kelvin + offset * (kelvin.max() - kelvin) / (kelvin.max() - kelvin.min())
    energies, widths = [], []
    for sample in (kelvin, shifted):
        beta = electronvolt / (BOLTZMANN_CONSTANT * sample)
        energies.append(-fit_straight_line(beta, log_mobility, log_error).slope)
        widths.append(_width(fit_straight_line(beta**2, log_mobility, log_error).slope))
    return abs(energies[1] - energies[0]) * electronvolt, abs(widths[1] - widths[0]) * electronvolt


def _width(slope: float) -> float:
    """σ [eV] from the slope of ln μ against (1/kT)² [eV²]: -(2σ/3)²; NaN where mobility falls on warming."""
    return 1.5 * math.sqrt(-slope) if slope < 0 else math.nan


def _disorder_width(
    line: StraightLineFit, scale: float, systematic: float | None, verdict: Verdict
) -> Estimate:
    width = _width(line.slope)
    if not math.isfinite(width):
        advice = "The mobility does not rise with temperature; the law of Gaussian disorder does not apply."
        return Estimate(value=math.nan, verdict=Verdict(word="outside_validity", advice=advice))
    error = 1.5 * line.slope_standard_error * scale / (2 * math.sqrt(-line.slope))
    return Estimate(
        value=width * electronvolt,
        standard_error=error * electronvolt,
        systematic_error=systematic,
        verdict=verdict,
    )


def _as_factor(
    value: float, log_error: float, quantile: float, common_error: float | None, verdict: Verdict
) -> Estimate:
    """A prefactor whose logarithm has this error; the interval is asymmetric."""
    return Estimate(
        value=value,
        standard_error=value * log_error,
        systematic_error=None if common_error is None else value * common_error,
        confidence_interval=(value * math.exp(-quantile * log_error), value * math.exp(quantile * log_error)),
        verdict=verdict,
    )


def _correlation(line: StraightLineFit) -> float:
    errors = line.intercept_standard_error * line.slope_standard_error
    return float(line.covariance[0, 1]) / errors if errors > 0 else math.nan


def _verdict(
    kelvin: FloatArray, influence: FloatArray, relative_error: float, scale: float, errors_known: bool
) -> Verdict:
    largest = float(np.max(np.abs(influence)))
    counts = largest > LARGE_INFLUENCE and largest * relative_error > LARGE_SHIFT
    if len(np.unique(kelvin)) > MINIMUM_TEMPERATURES and counts:
        worst = int(np.argmax(np.abs(influence)))
        return Verdict(
            word="undecided",
            advice=(
                f"Leaving out {kelvin[worst]:g} K moves the activation energy by "
                f"{abs(influence[worst]):.1f} standard "
                "errors; measure that temperature again."
            ),
        )
    if errors_known and scale > 2:
        return Verdict(
            word="not_straight",
            advice=f"The points scatter {scale:.1f} times more than their errors allow.",
        )
    return GOOD
