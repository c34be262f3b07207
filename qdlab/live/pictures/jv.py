"""The sweeps as drawn: points with their flags, slope, quadratic window, and the laws over them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from analysis.constants import nanometre
from analysis.curves import FloatArray, JVCurve
from analysis.device import Device
from analysis.disorder_fit import DisorderFit
from analysis.space_charge import (
    LocalSlope,
    MurgatroydFit,
    SpaceChargeFit,
    detect_noise_floor,
    local_slope,
    mott_gurney_current_density,
    murgatroyd_current_density,
)
from analysis.space_charge.slope import BoolArray
from qdlab.live.jv import JVRun, space_charge_of
from qdlab.live.overrides import Window

Line = tuple[FloatArray, FloatArray]
LawName = Literal["Mott-Gurney", "Murgatroyd", "EGDM"]
Quantity = Literal["J", "J L³", "J / V²", "J / J of the chosen"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)
LAWS: tuple[LawName, ...] = get_args(LawName)

SLOPE_POINTS = 7
MILLIAMPERE_PER_SQUARE_CENTIMETRE = 10.0  # [A m⁻²]
_PAST_WINDOW = 1.5  # the quadratic law is drawn this far beyond its window, for the eye
# words that cast no doubt on a point; after a jump, a probe found the device as it was
_PLAIN = frozenset({"down", "jump", "remeasured", "resume-check"})
GRAVEST_FIRST = (
    "overflow",
    "compliance",
    "breakdown",
    "outside-temperature",
    "noise-floor",
    "offset",
    "range-switch",
    "hysteresis",
    "series-resistance",
)


@dataclass(frozen=True, kw_only=True)
class JVTrace:
    """One sweep: the curve, which points are flagged with what, its slope and the laws over it.

    Parameters
    ----------
    number : its place among the sweeps of the session, which chooses the colour
    label : temperature, and the device where the session has several
    curve : flagged by the recorder and, once it ended, by the detectors
    flagged : kind -> its points; a point with several flags counts for the gravest
    back : points on the way back to 0 V
    laws : name -> voltage and current density
    floor : below this the meter's noise and offset rule [A m⁻²]; NaN where it does not show
    chosen : quadratic window chosen by the operator [V]; None for the rule's
    unrecorded : the choice stands in this window only, not in the journal
    """

    run: str
    number: int
    label: str
    device: str
    curve: JVCurve
    flagged: Mapping[str, BoolArray]
    back: BoolArray
    slope: LocalSlope | None
    fit: SpaceChargeFit | None
    floor: float
    running: bool
    laws: Mapping[LawName, Line] = field(default_factory=dict)
    chosen: Window | None = None
    unrecorded: bool = False

    @property
    def by_hand(self) -> bool:
        return self.chosen is not None

    @property
    def clean(self) -> BoolArray:
        """Points without any flag that casts doubt."""
        return ~np.any([*self.flagged.values(), np.zeros(len(self.curve), dtype=bool)], axis=0)

    @property
    def used(self) -> BoolArray:
        """Points behind the mobility."""
        return np.zeros(len(self.curve), dtype=bool) if self.fit is None else self.fit.used


def jv_trace(
    run: JVRun, number: int, window: Window | None, *, unrecorded: bool, read: bool = True
) -> JVTrace | None:
    """What one sweep looks like; None before its first usable row.

    Parameters
    ----------
    number : of the sweep in its session
    window : quadratic window chosen by hand [V]; None for the rule's
    unrecorded : the choice differs from what the journal says
    read : work out what the sweep comes to; else its points alone, as recorded
    """
    curve = (run.marked if read else None) or run.curve
    if curve is None:
        return None
    fit = run.fit if read else None
    if fit is not None and window is not None:
        fit = space_charge_of(curve, run.device, window)
    slope = None if fit is None else fit.local
    if read and fit is None:
        slope = _slope(curve, run.device.built_in_voltage.value)
    return JVTrace(
        run=run.started.run,
        number=number,
        label=f"{curve.temperature:.0f} K",
        device=run.device.identifier,
        curve=curve,
        flagged=_flagged(curve),
        back=curve.flagged("down"),
        slope=slope,
        fit=fit,
        floor=_noise_floor(curve) if read else math.nan,
        running=run.ended is None,
        chosen=window,
        unrecorded=unrecorded,
    )


def laws_over(
    trace: JVTrace, device: Device, murgatroyd: MurgatroydFit | None, disorder: DisorderFit | None
) -> dict[LawName, Line]:
    """The laws that say something about a sweep.

    Parameters
    ----------
    murgatroyd, disorder : fits of this device's sweeps; None where there are none
    """
    found: dict[LawName, Line | None] = {
        "Mott-Gurney": _quadratic_law(trace, device),
        "Murgatroyd": None if murgatroyd is None else _murgatroyd_law(trace, murgatroyd),
        "EGDM": None if disorder is None else _disorder_law(trace, disorder),
    }
    return {name: line for name, line in found.items() if line is not None}


def shown_unit(quantity: Quantity) -> str:
    """Axis title of what is drawn against voltage."""
    return {
        "J": "J (mA cm⁻²)",
        "J L³": "J L³ (mA cm⁻² nm³)",
        "J / V²": "J/V² (mA cm⁻² V⁻²)",
        "J / J of the chosen": "J / J_chosen (1)",
    }[quantity]


def shown_values(
    quantity: Quantity, trace: JVTrace, line: Line, reference: JVTrace | None = None
) -> FloatArray:
    """Current densities [A m⁻²] of a trace, or of a law over it, as the chosen quantity in the axis' unit.

    Parameters
    ----------
    line : (n,) voltage [V] and current density [A m⁻²]
    reference : sweep that others are divided by; its logarithm is interpolated in that of the voltage
    """
    voltage, current_density = line
    shown = current_density / MILLIAMPERE_PER_SQUARE_CENTIMETRE
    if quantity == "J L³":
        return shown * (trace.curve.thickness / nanometre) ** 3
    if quantity == "J / V²":
        with np.errstate(divide="ignore", invalid="ignore"):
            return shown / voltage**2
    if quantity == "J / J of the chosen":
        return current_density / _interpolated(reference, voltage)
    return shown


def _interpolated(reference: JVTrace | None, voltage: FloatArray) -> FloatArray:
    """Current density of the reference at these voltages; NaN beyond its ends."""
    if reference is None:
        return np.full(len(voltage), math.nan)
    curve = reference.curve
    usable = ~reference.back & (curve.voltage > 0) & (curve.current_density > 0)
    known, at = np.unique(curve.voltage[usable], return_index=True)
    if len(known) < 2:
        return np.full(len(voltage), math.nan)
    logarithm = np.log(curve.current_density[usable][at])
    with np.errstate(divide="ignore", invalid="ignore"):
        # a source's set point differs from its readback in the last digits
        near = np.clip(np.log(voltage), np.log(known[0]) - 1e-3, np.log(known[-1]) + 1e-3)
        inside = near == np.log(voltage)
        found = np.exp(np.interp(near, np.log(known), logarithm))
    return np.where(inside, found, math.nan)


def _flagged(curve: JVCurve) -> dict[str, BoolArray]:
    kinds = [_gravest(words - _PLAIN) for words in curve.flags]
    order = sorted(set(filter(None, kinds)), key=_rank)
    return {kind: np.array([one == kind for one in kinds], dtype=bool) for kind in order}


def _gravest(words: Iterable[str]) -> str:
    return min(words, key=_rank, default="")


def _rank(word: str) -> tuple[int, str]:
    return (GRAVEST_FIRST.index(word) if word in GRAVEST_FIRST else len(GRAVEST_FIRST), word)


def _slope(curve: JVCurve, built_in_voltage: float) -> LocalSlope | None:
    return local_slope(curve, built_in_voltage=built_in_voltage) if len(curve) >= SLOPE_POINTS else None


def _noise_floor(curve: JVCurve) -> float:
    """The floor the meter brings along, else the largest reading that shows no more than noise [A m⁻²]."""
    if curve.current_density_floor > 0:
        return curve.current_density_floor
    noise = np.abs(curve.current_density[detect_noise_floor(curve)])
    return float(noise.max()) if noise.size else math.nan


def _quadratic_law(trace: JVTrace, device: Device) -> Line | None:
    curve, fit = trace.curve, trace.fit
    if fit is None or fit.window is None or curve.relative_permittivity is None:
        return None
    low, high = fit.window
    voltage = np.geomspace(low / _PAST_WINDOW, high * _PAST_WINDOW, 30)
    mobility = fit.zero_field_mobility.value
    layer_voltage = voltage - device.built_in_voltage.value
    return voltage, mott_gurney_current_density(
        layer_voltage, mobility, curve.thickness, curve.relative_permittivity
    )


def _murgatroyd_law(trace: JVTrace, fit: MurgatroydFit) -> Line | None:
    """Where the fit's points of a sweep at this temperature lie, and no further."""
    curve = trace.curve
    if not len(fit.temperature) or curve.relative_permittivity is None or trace.fit is None:
        return None
    nearest = int(np.argmin(np.abs(fit.temperature - curve.temperature)))
    values = (
        fit.zero_field_mobility[nearest].value,
        fit.field_coefficient[nearest].value,
        fit.built_in_voltage.value,
    )
    used = fit.used[nearest]
    if abs(fit.temperature[nearest] - curve.temperature) > 0.5 or not np.all(np.isfinite(values)):
        return None
    mobility, coefficient, built_in = values
    reach = curve.voltage[used] if len(used) == len(curve) else curve.voltage
    reach = reach[reach > max(built_in, 0.0)]
    if len(reach) < 2:
        return None
    voltage = np.geomspace(reach.min(), reach.max(), 60)
    return voltage, murgatroyd_current_density(
        voltage - built_in, mobility, coefficient, curve.thickness, curve.relative_permittivity
    )


def _disorder_law(trace: JVTrace, fit: DisorderFit) -> Line | None:
    """The fitted curve at the points that took part in the fit."""
    for entry in fit.curves:
        same = entry.curve.temperature == trace.curve.temperature
        if same and np.array_equal(entry.curve.voltage, trace.curve.voltage):
            part = np.isfinite(entry.model) & ~trace.back
            return (entry.curve.voltage[part], entry.model[part]) if part.any() else None
    return None
