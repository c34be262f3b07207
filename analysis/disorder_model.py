"""The disorder model as a fit sees it: parameters and their scales, points, residuals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.constants import BOLTZMANN_CONSTANT, electronvolt, nanometre
from analysis.conventions import Convention
from analysis.curves import FloatArray, JVCurve
from analysis.drift_diffusion import (
    EGDM,
    BarrierContacts,
    JVSolution,
    OhmicContacts,
    TransportProblem,
    solve_many,
)
from analysis.drift_diffusion.mobility import LOWEST_REDUCED_DISORDER
from analysis.drift_diffusion.solution import Accuracy
from analysis.space_charge.points import detect_breakdown, detect_compliance


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How a parameter is searched: on which scale, between which bounds, and how well it must be known."""

    logarithmic: bool
    lowest: float
    highest: float
    resolution: float  # a standard error beyond it, relative or in units of itself, means not identifiable


KINDS: dict[str, Kind] = {
    "disorder_width": Kind(
        logarithmic=True, lowest=0.02 * electronvolt, highest=0.3 * electronvolt, resolution=0.2
    ),
    "hopping_distance": Kind(
        logarithmic=True, lowest=0.3 * nanometre, highest=10 * nanometre, resolution=0.5
    ),
    "mobility_prefactor": Kind(logarithmic=True, lowest=1e-16, highest=1e4, resolution=2.0),
    "attempt_rate": Kind(logarithmic=True, lowest=1e2, highest=1e22, resolution=2.0),
    "relative_permittivity": Kind(logarithmic=True, lowest=1.0, highest=30.0, resolution=0.3),
    "built_in_voltage": Kind(logarithmic=False, lowest=-2.0, highest=4.0, resolution=0.3),
    "injecting_barrier": Kind(
        logarithmic=False, lowest=0.0, highest=0.8 * electronvolt, resolution=0.05 * electronvolt
    ),
    "extracting_barrier": Kind(
        logarithmic=False, lowest=0.0, highest=1.5 * electronvolt, resolution=0.05 * electronvolt
    ),
    "series_resistance_area": Kind(logarithmic=False, lowest=0.0, highest=1.0, resolution=1.0),
}
TYPICAL = {
    "built_in_voltage": 0.0,
    "injecting_barrier": 0.1 * electronvolt,
    "extracting_barrier": 0.1 * electronvolt,
    "series_resistance_area": 0.0,
}
STEP_SCALE = {
    "built_in_voltage": 0.1,
    "injecting_barrier": 0.05 * electronvolt,
    "extracting_barrier": 0.05 * electronvolt,
    "series_resistance_area": 1e-4,
}


_EXCLUDING_FLAGS = ("compliance", "outside-temperature", "overflow", "breakdown", "invalid", "excluded")


@dataclass(frozen=True)
class Points:
    """The points of one curve that take part."""

    curve: JVCurve
    index: npt.NDArray[np.intp]
    floor: float  # [A m⁻²]
    error: FloatArray  # of each point in the residual's units
    left_out: tuple[str, ...]

    @property
    def voltage(self) -> FloatArray:
        return self.curve.voltage[self.index]

    @property
    def current_density(self) -> FloatArray:
        return self.curve.current_density[self.index]

    def leaving_out(self, mask: npt.NDArray[np.bool_], reason: str) -> "Points":
        """Without the points where the mask (over those that take part) is true."""
        left_out = list(self.left_out)
        for place in self.index[mask]:
            left_out[place] = reason
        return replace(self, index=self.index[~mask], error=self.error[~mask], left_out=tuple(left_out))

    def resampled(self, generator: np.random.Generator) -> "Points":
        """As many points, drawn with replacement."""
        drawn = np.sort(generator.integers(0, len(self.index), len(self.index)))
        return replace(self, index=self.index[drawn], error=self.error[drawn])

    def thinned(self, most: int) -> "Points":
        """At most so many of the points, spread evenly over their order in voltage."""
        if len(self.index) <= most:
            return self
        order = np.argsort(self.voltage, kind="stable")
        chosen = np.unique(np.linspace(0, len(order) - 1, most).round().astype(int))
        keep = np.sort(order[chosen])
        return replace(self, index=self.index[keep], error=self.error[keep])

    def compressed(self, current_density: FloatArray) -> FloatArray:
        """ln J above the floor, going over smoothly to J/(2 floor) at it: asinh."""
        if self.floor == 0:
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.log(current_density)
        return np.arcsinh(current_density / (2 * self.floor))

    def expanded(self, compressed: FloatArray) -> FloatArray:
        """The current density [A m⁻²] of a compressed one."""
        return np.exp(compressed) if self.floor == 0 else 2 * self.floor * np.sinh(compressed)

    def modelled(self, residual: FloatArray) -> FloatArray:
        """The model's current density [A m⁻²] behind residuals in standard errors."""
        return self.expanded(self.compressed(self.current_density) + residual * self.error)

    def compressed_slope(self, current_density: FloatArray) -> FloatArray:
        return 1 / np.sqrt(current_density**2 + (2 * self.floor) ** 2)


class Model:
    """The curves' current density as a function of the free parameters' coordinates."""

    def __init__(
        self,
        *,
        convention: Convention,
        free: Sequence[str],
        fixed: Mapping[str, float],
        points: Sequence[Points],
        accuracy: Accuracy = "standard",
    ) -> None:
        self.convention = convention
        self.free = tuple(free)
        self.fixed = dict(fixed)
        self.points = tuple(points)
        self.accuracy: Accuracy = accuracy
        self._latest: tuple[bytes, list[JVSolution]] | None = None

    def changed(self, **changes: Any) -> "Model":
        """The same model with some of its arguments changed."""
        given = {"convention": self.convention, "free": self.free, "fixed": self.fixed, "points": self.points}
        return Model(**{**given, "accuracy": self.accuracy, **changes})

    def thinned(self, most: int) -> "Model":
        """With at most so many points per curve."""
        return self.changed(points=[points.thinned(most) for points in self.points])

    def errors(self) -> FloatArray:
        """Standard errors of all points, in the residual's units before the division: (n,)."""
        return np.concatenate([points.error for points in self.points])

    def values(self, position: FloatArray) -> dict[str, float]:
        found = dict(self.fixed)
        for name, place in zip(self.free, position, strict=True):
            found[name] = math.exp(place) if KINDS[name].logarithmic else float(place) * STEP_SCALE[name]
        return found

    def position(self, values: Mapping[str, float]) -> FloatArray:
        return np.array(
            [
                math.log(values[name]) if KINDS[name].logarithmic else values[name] / STEP_SCALE[name]
                for name in self.free
            ]
        )

    def scale(self, values: Mapping[str, float]) -> FloatArray:
        """Derivative of each free parameter in its coordinate, in the parameter's unit."""
        return np.array([values[name] if KINDS[name].logarithmic else STEP_SCALE[name] for name in self.free])

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        lowest = {name: KINDS[name].lowest for name in self.free}
        highest = {name: KINDS[name].highest for name in self.free}
        if "disorder_width" in lowest:
            hottest = max(points.curve.temperature for points in self.points)
            edge = 1.001 * LOWEST_REDUCED_DISORDER * BOLTZMANN_CONSTANT * hottest
            lowest["disorder_width"] = max(lowest["disorder_width"], edge)
        return self.position(lowest), self.position(highest)

    def solve(self, values: Mapping[str, float], *, sensitivities: bool = True) -> list[JVSolution]:
        jobs = [
            (
                points.voltage,
                transport_problem(
                    self.convention,
                    values,
                    points.curve.temperature,
                    points.curve.thickness,
                    permittivity_of(points.curve, values),
                ),
            )
            for points in self.points
        ]
        return solve_many(jobs, accuracy=self.accuracy, sensitivities=sensitivities)

    def residuals(self, solutions: Sequence[JVSolution]) -> FloatArray:
        parts = [
            (points.compressed(solution.current_density) - points.compressed(points.current_density))
            / points.error
            for points, solution in zip(self.points, solutions, strict=True)
        ]
        return np.concatenate(parts)

    def columns(
        self, solutions: Sequence[JVSolution], values: Mapping[str, float], names: Sequence[str]
    ) -> FloatArray:
        """Derivative of the residuals in named quantities, in their own units: (n, len(names))."""
        parts = []
        for points, solution in zip(self.points, solutions, strict=True):
            slope = points.compressed_slope(solution.current_density) / points.error
            derivatives = [_derivative(solution, name, self.convention, values) for name in names]
            parts.append(slope[:, None] * np.column_stack(derivatives))
        return np.vstack(parts)

    def evaluate(self, position: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Residuals (n,) in standard errors and their Jacobian (n, p) in the coordinates."""
        values, solutions = self.values(position), self.solved(position)
        return self.residuals(solutions), self.columns(solutions, values, self.free) * self.scale(values)

    def solved(self, position: FloatArray) -> list[JVSolution]:
        """The curves' solutions at a position; the latest are remembered."""
        key = position.tobytes()
        if self._latest is None or self._latest[0] != key:
            self._latest = key, self.solve(self.values(position))
        return self._latest[1]

    def split(self, rows: FloatArray) -> list[FloatArray]:
        """Rows of all points by curve."""
        return np.split(rows, np.cumsum([len(points.index) for points in self.points])[:-1])


def transport_problem(
    convention: Convention,
    values: Mapping[str, float],
    temperature: float,
    thickness: float,
    relative_permittivity: float,
) -> TransportProblem:
    """The solver's problem for a set of fit parameters by name."""
    width, distance = values["disorder_width"], values["hopping_distance"]
    prefactor = values[convention.prefactor]
    if convention.prefactor == "attempt_rate":
        prefactor *= convention.prefactor_factor * distance**2 / (width / electronvolt)
    contacts: OhmicContacts | BarrierContacts = OhmicContacts()
    if "injecting_barrier" in values:
        contacts = BarrierContacts(
            injecting=values["injecting_barrier"], extracting=values["extracting_barrier"]
        )
    return TransportProblem(
        mobility=EGDM(
            disorder_width=width,
            hopping_distance=distance,
            mobility_prefactor=prefactor,
            zero_density_coefficient=convention.zero_density_coefficient,
            reduced_field_cap=convention.reduced_field_cap,
            density_cap=convention.density_cap,
        ),
        temperature=temperature,
        thickness=thickness,
        relative_permittivity=relative_permittivity,
        contacts=contacts,
        built_in_voltage=values.get("built_in_voltage", 0.0),
        statistics=convention.statistics,
        series_resistance_area=values.get("series_resistance_area", 0.0),
    )


def permittivity_of(curve: JVCurve, values: Mapping[str, float]) -> float:
    """The fit's permittivity where it has one, otherwise the curve's."""
    permittivity = values.get("relative_permittivity", curve.relative_permittivity)
    if permittivity is None:
        raise ValueError(
            f"relative_permittivity of {curve.label or 'a curve'} is not known; give it with the curve or as "
            "fixed={'relative_permittivity': ...}"
        )
    return permittivity


def _derivative(
    solution: JVSolution, name: str, convention: Convention, values: Mapping[str, float]
) -> FloatArray:
    """The current density's derivative in one of the fit's parameters or of what all points share."""
    found = solution.sensitivities
    if name == "area":
        return -solution.current_density  # relative
    if convention.prefactor != "attempt_rate" or name not in (
        "attempt_rate",
        "hopping_distance",
        "disorder_width",
    ):
        return found[name]
    width, distance, rate = (values[name] for name in ("disorder_width", "hopping_distance", "attempt_rate"))
    prefactor = convention.prefactor_factor * rate * distance**2 / (width / electronvolt)
    relative = found["mobility_prefactor"] * prefactor
    if name == "attempt_rate":
        return relative / rate
    return found[name] + (2 * relative / distance if name == "hopping_distance" else -relative / width)


def select_points(
    curve: JVCurve,
    relative_error: float,
    voltage_window: tuple[float, float] = (0.0, math.inf),
    ceiling: float | None = None,
) -> Points:
    """The points of a curve that a fit can use, and why the others cannot be.

    Parameters
    ----------
    curve : as measured
    relative_error : of a reading where the curve brings no errors of its own [1]
    voltage_window : lowest and highest voltage [V]
    ceiling : current density at which the source stopped other curves of the set [A m⁻²]; None where none is
        known
    """
    voltage, current_density, floor = curve.voltage, curve.current_density, curve.current_density_floor
    left_out = [""] * len(curve)
    clamped, broken = detect_compliance(curve, ceiling), detect_breakdown(curve)
    for i in range(len(curve)):
        flagged = [word for word in _EXCLUDING_FLAGS if word in curve.flags[i]]
        if not math.isfinite(current_density[i]):
            left_out[i] = "no valid reading"
        elif flagged:
            left_out[i] = flagged[0]
        elif clamped[i]:
            left_out[i] = "compliance"
        elif broken[i]:
            left_out[i] = "breakdown"
        elif voltage[i] <= 0:
            left_out[i] = "not in forward direction"
        elif not voltage_window[0] <= voltage[i] <= voltage_window[1]:
            left_out[i] = "outside the voltage window"
        elif current_density[i] <= 0 and floor == 0:
            left_out[i] = "not positive, and the curve states no floor"
    index = np.flatnonzero([not reason for reason in left_out])
    size = np.abs(current_density[index])
    error = (
        relative_error * size if curve.current_density_error is None else curve.current_density_error[index]
    )
    if floor > 0:
        error = np.hypot(error, floor) / np.sqrt(size**2 + (2 * floor) ** 2)
    else:
        error = np.maximum(error / size, 1e-4)
    return Points(curve=curve, index=index, floor=floor, error=error, left_out=tuple(left_out))
