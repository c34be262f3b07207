"""How a film conducts: current density against layer voltage and temperature, by the solver or by a closed
law.

A sample may follow another law than the one it is analysed with; that is what these classes are for. Each is
a frozen description with a `thickness`; `DriftDiffusion` is slow and is put behind a `CurrentTable`.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from analysis.constants import BOLTZMANN_CONSTANT, VACUUM_PERMITTIVITY, thermal_voltage

FloatArray = npt.NDArray[np.float64]

# The paper's room temperature, at which closed laws state their mobility.
ROOM_TEMPERATURE = 297.0  # [K]


class Conduction(Protocol):
    """What a sample asks of a conduction law; voltages are positive on the injecting contact."""

    @property
    def thickness(self) -> float:
        """Length the carriers cross [m]."""
        ...

    def current_density(self, voltage: float, temperature: float) -> float:
        """Current density [A m⁻²] at a layer voltage [V] and a temperature [K]."""
        ...


@dataclass(frozen=True, kw_only=True)
class Murgatroyd:
    """Trap-free space-charge-limited current with mu = mu(0) exp(gamma sqrt(E)); gamma = 0 is Mott-Gurney.

    J = 9/8 eps mu(0) exp(0.891 gamma sqrt(V/L)) V²/L³ (Murgatroyd 1970), V counted from the built-in voltage,
    odd in V.

    Parameters
    ----------
    thickness : [m]
    relative_permittivity : [1]
    zero_field_mobility : at 297 K [m² V⁻¹ s⁻¹]
    activation_energy : of the zero-field mobility [J]
    field_coefficient : gamma [(m/V)^1/2]
    built_in_voltage : [V]
    """

    thickness: float
    relative_permittivity: float
    zero_field_mobility: float
    activation_energy: float = 0.0
    field_coefficient: float = 0.0
    built_in_voltage: float = 0.0

    def __post_init__(self) -> None:
        _require_positive(self, "thickness", "relative_permittivity", "zero_field_mobility")

    def current_density(self, voltage: float, temperature: float) -> float:
        drop = abs(voltage) - self.built_in_voltage
        if drop <= 0:
            return 0.0
        mobility = self.zero_field_mobility * _activation(self.activation_energy, temperature)
        mobility *= math.exp(0.891 * self.field_coefficient * math.sqrt(drop / self.thickness))
        return math.copysign(
            _mott_gurney(mobility, self.relative_permittivity, drop, self.thickness), voltage
        )


@dataclass(frozen=True, kw_only=True)
class EmittingDiode:
    """A light-emitting diode above its turn-on: space-charge-limited with a Poole-Frenkel mobility, blocking
    in reverse.

    The square of V - V_bi is rounded off below turn-on by the Boltzmann tail, so J falls as exp(2(V -
    V_bi)/kT) there.

    Parameters
    ----------
    thickness : length that holes cross [m]
    relative_permittivity : [1]
    reference_mobility, reference_field : mobility [m² V⁻¹ s⁻¹] at a field [V m⁻¹] and 297 K
    field_coefficient : slope of ln mu against sqrt(E) [(m/V)^1/2]
    activation_energy : of the mobility [J]
    built_in_voltage : [V]
    """

    thickness: float
    relative_permittivity: float
    reference_mobility: float
    reference_field: float
    field_coefficient: float = 0.0
    activation_energy: float = 0.0
    built_in_voltage: float = 0.0

    def __post_init__(self) -> None:
        _require_positive(self, "thickness", "relative_permittivity", "reference_mobility", "reference_field")

    def mobility(self, voltage: float, temperature: float) -> float:
        """Mobility at the mean field of a layer voltage [m² V⁻¹ s⁻¹]."""
        field = max(voltage - self.built_in_voltage, 0.0) / self.thickness
        enhancement = self.field_coefficient * (math.sqrt(field) - math.sqrt(self.reference_field))
        return (
            self.reference_mobility * math.exp(enhancement) * _activation(self.activation_energy, temperature)
        )

    def transit_time(self, voltage: float, temperature: float) -> float:
        """Time to cross the thickness, L²/(mu (V - V_bi)) [s]; infinite below the built-in voltage."""
        drop = voltage - self.built_in_voltage
        if drop <= 0:
            return math.inf
        return self.thickness**2 / (self.mobility(voltage, temperature) * drop)

    def current_density(self, voltage: float, temperature: float) -> float:
        def rounded_drop(applied: float) -> float:
            reduced = (applied - self.built_in_voltage) / kt
            return kt * (
                reduced + math.log1p(math.exp(-reduced)) if reduced > 0 else math.log1p(math.exp(reduced))
            )

        kt = thermal_voltage(temperature)
        drop_squared = rounded_drop(voltage) ** 2 - rounded_drop(0.0) ** 2
        mobility = self.mobility(voltage, temperature)
        return _mott_gurney(mobility, self.relative_permittivity, 1.0, self.thickness) * drop_squared


@dataclass(frozen=True, kw_only=True)
class DriftDiffusion:
    """A hole-only film with extended-Gaussian-disorder mobility, by the project's drift-diffusion solver.

    Parameters
    ----------
    thickness : [m]
    relative_permittivity : [1]
    disorder_width : [J]
    hopping_distance : [m]
    mobility_prefactor : mu_0 of EGDM [m² V⁻¹ s⁻¹]
    zero_density_coefficient : c2, 0.42 (Pasveer 2005) or 0.44 (Felekidis 2018) [1]
    statistics : "classical" (D = mu kT/q) or "gaussian" (generalised Einstein relation)
    barriers : of the injecting and the extracting contact [J]; None for ohmic ones
    built_in_voltage : between ohmic contacts [V]; barriers bring their own
    """

    thickness: float
    relative_permittivity: float
    disorder_width: float
    hopping_distance: float
    mobility_prefactor: float
    zero_density_coefficient: float = 0.42
    statistics: Literal["classical", "gaussian"] = "classical"
    barriers: tuple[float, float] | None = None
    built_in_voltage: float = 0.0

    def __post_init__(self) -> None:
        _require_positive(
            self,
            *("thickness", "relative_permittivity", "disorder_width"),
            *("hopping_distance", "mobility_prefactor", "zero_density_coefficient"),
        )
        if self.statistics not in ("classical", "gaussian"):
            raise ValueError(f"statistics {self.statistics!r} is neither 'classical' nor 'gaussian'")

    def zero_field_mobility(self, temperature: float) -> float:
        """Mobility at vanishing field and density, mu_0 exp(-c2 (sigma/kT)²) [m² V⁻¹ s⁻¹] (eq. 5a)."""
        s = self.disorder_width / (BOLTZMANN_CONSTANT * temperature)
        return self.mobility_prefactor * math.exp(-self.zero_density_coefficient * s**2)

    def solve(self, voltage: FloatArray, temperature: float) -> FloatArray:
        """Current densities [A m⁻²] at layer voltages (n,) [V]; the first call loads the solver."""
        from analysis.drift_diffusion import EGDM, BarrierContacts, OhmicContacts, solve_current_density

        contacts: OhmicContacts | BarrierContacts = OhmicContacts()
        if self.barriers is not None:
            contacts = BarrierContacts(injecting=self.barriers[0], extracting=self.barriers[1])
        solution = solve_current_density(
            voltage,
            mobility=EGDM(
                disorder_width=self.disorder_width,
                hopping_distance=self.hopping_distance,
                mobility_prefactor=self.mobility_prefactor,
                zero_density_coefficient=self.zero_density_coefficient,
            ),
            temperature=temperature,
            thickness=self.thickness,
            relative_permittivity=self.relative_permittivity,
            contacts=contacts,
            built_in_voltage=self.built_in_voltage,
            statistics=self.statistics,
            accuracy="fine",
        )
        return np.asarray(solution.current_density, dtype=np.float64)


ConductionLaw = Murgatroyd | EmittingDiode | DriftDiffusion
"""What a sample's film may follow."""


class Solvable(Protocol):
    """A law that is solved for a whole curve at a time."""

    @property
    def thickness(self) -> float: ...

    @property
    def built_in_voltage(self) -> float: ...

    def solve(self, voltage: FloatArray, temperature: float) -> FloatArray: ...


class CurrentTable:
    """A slow law made fast: ln(J/V) splined over V at temperatures 5 K apart, cubic in 1/T between them.

    Nodes are solved when a reading first needs them; a reading then costs microseconds and differs from the
    law by less than 2e-4. Beyond the last voltage the curve goes on as a power law; beyond 180-400 K it stays
    at the edge.
    """

    temperature_step = 5.0  # [K]
    lowest_temperature, highest_temperature = 180.0, 400.0  # [K]; below, EGDM is far outside its validity
    smallest_voltage, bend = 1e-3, 0.1  # [V]; below the first the film is a resistor

    def __init__(self, law: Solvable, *, highest_voltage: float = 10.0) -> None:
        self.law = law
        self.thickness = law.thickness
        self._magnitudes = self._voltage_nodes(highest_voltage)
        self._abscissae = [math.asinh(v / self.bend) for v in self._magnitudes]
        self._splines: dict[tuple[int, int], list[list[float]]] = {}

    def current_density(self, voltage: float, temperature: float) -> float:
        magnitude = abs(voltage)
        if magnitude == 0.0:
            return 0.0
        sign = 1 if voltage > 0 else -1
        inside = min(max(magnitude, self.smallest_voltage), float(self._magnitudes[-1]))
        x = math.asinh(inside / self.bend)
        cell = min(bisect_right(self._abscissae, x) - 1, len(self._abscissae) - 2)
        step = x - self._abscissae[cell]
        logarithm, slope = 0.0, 0.0
        for node, weight in self._temperature_weights(temperature):
            c3, c2, c1, c0 = self._spline(node, sign)[cell]
            logarithm += weight * (((c3 * step + c2) * step + c1) * step + c0)
            slope += weight * ((3 * c3 * step + 2 * c2) * step + c1)
        if magnitude > inside:
            # dx/d ln V is 1 where V is far above the bend of the abscissa
            logarithm += slope * math.log(magnitude / inside)
        return voltage * math.exp(logarithm)

    def _voltage_nodes(self, highest: float) -> FloatArray:
        x = np.linspace(math.asinh(self.smallest_voltage / self.bend), math.asinh(highest / self.bend), 112)
        nodes = self.bend * np.sinh(x)
        built_in = self.law.built_in_voltage
        if built_in > 0:
            # the exponential turn-on bends within kT/q, which the wide cells above would cut off
            nodes = np.union1d(nodes, np.arange(0.02, built_in + 0.4, 0.02))
        return np.asarray(nodes[np.concatenate(([True], np.diff(nodes) > 1e-6))], dtype=np.float64)

    def _temperature_weights(self, temperature: float) -> list[tuple[int, float]]:
        """Four nodes around a temperature and their Lagrange weights in 1/T."""
        step = self.temperature_step
        temperature = min(max(temperature, self.lowest_temperature), self.highest_temperature)
        first = int(temperature / step) - 1
        first = min(max(first, int(self.lowest_temperature / step)), int(self.highest_temperature / step) - 3)
        nodes = range(first, first + 4)
        inverse = 1.0 / temperature
        weights = []
        for node in nodes:
            weight = 1.0
            for other in nodes:
                if other != node:
                    weight *= (inverse - 1 / (other * step)) / (1 / (node * step) - 1 / (other * step))
            if weight != 0.0:
                weights.append((node, weight))
        return weights

    def _spline(self, node: int, sign: int) -> list[list[float]]:
        coefficients = self._splines.get((node, sign))
        if coefficients is None:
            voltage = sign * self._magnitudes
            current_density = self.law.solve(voltage, node * self.temperature_step)
            conductance = current_density / voltage
            solved = np.isfinite(conductance) & (conductance > 0)
            if np.count_nonzero(solved) < 4:
                raise ValueError(
                    f"the conduction law has no solution at {node * self.temperature_step:g} K: {self.law}"
                )
            from scipy.interpolate import CubicSpline  # 0.2 s that a bench need not wait for

            x = np.array(self._abscissae)
            logarithm = np.interp(x, x[solved], np.log(conductance[solved]))
            coefficients = CubicSpline(x, logarithm).c.T.tolist()
            self._splines[node, sign] = coefficients
        return coefficients


def _mott_gurney(mobility: float, relative_permittivity: float, drop: float, thickness: float) -> float:
    return 9 / 8 * VACUUM_PERMITTIVITY * relative_permittivity * mobility * drop**2 / thickness**3


def _activation(energy: float, temperature: float) -> float:
    return (
        math.exp(-energy / BOLTZMANN_CONSTANT * (1 / temperature - 1 / ROOM_TEMPERATURE)) if energy else 1.0
    )


def _require_positive(law: object, *names: str) -> None:
    for name in names:
        value = getattr(law, name)
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} {value!r} of a {type(law).__name__} film must be above zero")
