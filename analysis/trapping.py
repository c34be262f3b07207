"""Drift or effective mobility: does the space-charge-limited mobility agree with the transit mobility?

Traps that hold carriers for longer than the transit lower the steady current (θ < 1, Li et al. 2024, eq. 2)
and leave the front of a transient alone. A transit mobility needs a length, a voltage and a front factor that
nobody measured; so the comparison is made under every combination, and there is a conclusion only where all
of them agree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from analysis.constants import nanometre
from analysis.estimate import GOOD, Estimate, Verdict
from analysis.transit import SPACE_CHARGE_FRONT_FACTOR, TransitMobility, transit_mobility

Conclusion = Literal["drift", "effective", "undecided"]

AGREEMENT = 2.0
"""Mobilities within this factor agree: with different carrier densities EGDM alone makes them differ [1]."""

LENGTHS: tuple[float, ...] = (30 * nanometre, 55 * nanometre, 95 * nanometre)
"""Quantum dots; TFB and quantum dots; TFB, quantum dots and ZnMgO of the light-emitting diode [m]."""


@dataclass(frozen=True, kw_only=True)
class AssumedComparison:
    """The two mobilities under one set of assumptions.

    Parameters
    ----------
    thickness : length crossed [m]
    built_in_voltage : subtracted [V]
    front_factor : [1]
    transit : transit mobility and its field
    space_charge_mobility : at the same field [m² V⁻¹ s⁻¹]
    ratio : transit over space-charge mobility [1], with its 95 % interval
    conclusion : what this set says
    """

    thickness: float
    built_in_voltage: float
    front_factor: float
    transit: TransitMobility
    space_charge_mobility: Estimate
    ratio: Estimate
    conclusion: Conclusion


@dataclass(frozen=True, kw_only=True)
class MobilityComparison:
    """What all assumptions together say.

    Parameters
    ----------
    assumed : one per combination
    conclusion : "drift" where all agree that the mobilities do, "effective" where all see the space-charge
        mobility lowered by traps, else "undecided"
    ratio_range : lowest and highest ratio over the assumptions [1]
    verdict : "good" with a conclusion
    """

    assumed: tuple[AssumedComparison, ...]
    conclusion: Conclusion
    ratio_range: tuple[float, float]
    verdict: Verdict

    def to_dict(self) -> dict[str, object]:
        """Plain numbers for JSON, SI."""
        return {
            "conclusion": self.conclusion,
            "ratio_range": list(self.ratio_range),
            "verdict": self.verdict.to_dict(),
            "assumed": [
                {
                    "thickness": one.thickness,
                    "built_in_voltage": one.built_in_voltage,
                    "front_factor": one.front_factor,
                    "electric_field": one.transit.electric_field,
                    "transit_mobility": one.transit.mobility.to_dict(),
                    "space_charge_mobility": one.space_charge_mobility.to_dict(),
                    "ratio": one.ratio.to_dict(),
                    "conclusion": one.conclusion,
                }
                for one in self.assumed
            ],
        }


def compare_mobilities(
    delay_time: Estimate,
    voltage: float,
    zero_field_mobility: Estimate,
    field_coefficient: Estimate | None = None,
    *,
    lengths: Sequence[float] = LENGTHS,
    built_in_voltages: Sequence[float] = (0.0, 2.0),
    front_factors: Sequence[float] = (1.0, SPACE_CHARGE_FRONT_FACTOR),
) -> MobilityComparison:
    """Compare the mobility a delay time means with the space-charge-limited one at the same field.

    Parameters
    ----------
    delay_time : of the light-emitting diode [s]
    voltage : across it [V]
    zero_field_mobility : space-charge-limited [m² V⁻¹ s⁻¹]
    field_coefficient : γ of μ = μ(0) exp(γ √E) [(m/V)^½]; None: no field dependence
    lengths : thicknesses the carriers may have crossed [m]
    built_in_voltages : that may have to be subtracted; those not below the voltage are left out [V]
    front_factors : 1, or that of a space-charge front [1]

    Returns
    -------
    MobilityComparison
        Agreement excludes traps slower than the transit only: fast shallow traps slow the transient as well.

    Raises
    ------
    ValueError
        Where no built-in voltage is below the voltage.
    """
    below = [built_in for built_in in built_in_voltages if built_in < voltage]
    if not below:
        raise ValueError(f"voltage {voltage:g} V is not above any built_in_voltage given")
    assumed = tuple(
        _compare(delay_time, voltage, zero_field_mobility, field_coefficient, length, built_in, front)
        for length, built_in, front in product(lengths, below, front_factors)
    )
    ratios = [one.ratio.value for one in assumed]
    conclusion = _common(assumed)
    return MobilityComparison(
        assumed=assumed,
        conclusion=conclusion,
        ratio_range=(min(ratios), max(ratios)),
        verdict=_verdict(conclusion, assumed, delay_time),
    )


def _compare(
    delay_time: Estimate,
    voltage: float,
    zero_field_mobility: Estimate,
    field_coefficient: Estimate | None,
    length: float,
    built_in_voltage: float,
    front_factor: float,
) -> AssumedComparison:
    transit = transit_mobility(delay_time, length, voltage, built_in_voltage, front_factor)
    space_charge = _at_field(zero_field_mobility, field_coefficient, transit.electric_field)
    ratio = _ratio(transit.mobility, space_charge)
    return AssumedComparison(
        thickness=length,
        built_in_voltage=built_in_voltage,
        front_factor=front_factor,
        transit=transit,
        space_charge_mobility=space_charge,
        ratio=ratio,
        conclusion=_concluded(ratio),
    )


def _at_field(zero_field: Estimate, coefficient: Estimate | None, field: float) -> Estimate:
    gamma = 0.0 if coefficient is None else coefficient.value
    gamma_error = 0.0 if coefficient is None else coefficient.standard_error or 0.0
    value = zero_field.value * math.exp(gamma * math.sqrt(field))
    relative = math.hypot(
        (zero_field.standard_error or 0.0) / zero_field.value, gamma_error * math.sqrt(field)
    )
    return Estimate(value=value, standard_error=value * relative)


def _ratio(transit: Estimate, space_charge: Estimate) -> Estimate:
    """The ratio; its interval is that of the transit mobility widened by the other's error."""
    value = transit.value / space_charge.value
    widening = math.exp(1.96 * (space_charge.standard_error or 0.0) / space_charge.value)
    low, high = transit.confidence_interval or (transit.value, transit.value)
    if transit.confidence_interval is None and transit.standard_error is not None:
        factor = math.exp(1.96 * transit.standard_error / transit.value)
        low, high = transit.value / factor, transit.value * factor
    limits = low / space_charge.value / widening, high / space_charge.value * widening
    return Estimate(value=value, confidence_interval=limits)


def _concluded(ratio: Estimate) -> Conclusion:
    low, high = ratio.confidence_interval or (ratio.value, ratio.value)
    if low >= 1 / AGREEMENT and high <= AGREEMENT:
        return "drift"
    return "effective" if low > AGREEMENT else "undecided"


def _common(assumed: Sequence[AssumedComparison]) -> Conclusion:
    conclusions = {one.conclusion for one in assumed}
    return conclusions.pop() if len(conclusions) == 1 else "undecided"


def _verdict(conclusion: Conclusion, assumed: Sequence[AssumedComparison], delay_time: Estimate) -> Verdict:
    if not delay_time.verdict.is_good:
        return delay_time.verdict
    if conclusion != "undecided":
        return GOOD
    counts = {word: sum(one.conclusion == word for one in assumed) for word in ("drift", "effective")}
    return Verdict(
        word="undecided",
        advice=(
            f"Of {len(assumed)} sets of assumptions, {counts['drift'] or 'none'} would mean equal mobilities "
            f"and {counts['effective'] or 'none'} traps; measure the length crossed and the built-in voltage."
        ),
    )
