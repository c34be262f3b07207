"""Current density against voltage of a one-carrier device: the solver as others call it."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.constants import (
    BOLTZMANN_CONSTANT,
    ELEMENTARY_CHARGE,
    VACUUM_PERMITTIVITY,
    thermal_voltage,
)
from analysis.curves import FloatArray
from analysis.drift_diffusion.density_of_states import OccupationTable, occupation_table
from analysis.drift_diffusion.mesh import graded_mesh
from analysis.drift_diffusion.mobility import VALID_REDUCED_DISORDER, MobilityModel
from analysis.estimate import GOOD, Verdict

if TYPE_CHECKING:
    from analysis.drift_diffusion.equations import ScaledProblem

Statistics = Literal["classical", "gaussian"]
Accuracy = Literal["rough", "standard", "fine"]

# cells of the finest mesh, number of meshes, and the last update allowed in kT: the error is of its square
_MESHES: dict[Accuracy, tuple[int, int, float]] = {
    "rough": (48, 1, 1e-3),
    "standard": (192, 3, 3e-4),
    "fine": (384, 3, 1e-5),
}
_TIGHT = 1e-5
_POINTS_PER_THREAD = 5000  # voltages times cells; with less to do a second thread costs more than it saves
_MOST_EXTRAPOLATED = 0.02  # of the flux between the finest mesh and the extrapolated one; more is no solution
_UNCAPPED = 1e300
_WIDEST_LAYER = 0.2  # of the film; beyond it a graded mesh gains nothing
_MOST_RESISTANCE_STEPS = 30
_DIFFERENCE_STEP = 1e-7  # relative, in the scaled numbers' slopes
_DIFFERENCE_SCALE = {  # where a parameter is zero
    "built_in_voltage": 0.1,  # [V]
    "injecting_barrier": 1.6e-20,  # [J]
    "extracting_barrier": 1.6e-20,
    "field_coefficient": 1e-4,  # [(V m⁻¹)^-1/2]
}
_NO_TABLE = OccupationTable(start=0.0, step=1.0, values=np.zeros((2, 4)))

_ADVICE = {
    "newton_failed": "Newton's method stalled on the way to this voltage; ask for voltages in between, or "
    "check the parameters for a mobility that changes by many decades within the film",
    "no_equilibrium": "the film at zero voltage could not be solved; check permittivity, thickness and site "
    "density",
    "series_resistance": "the voltage left behind the series resistance was not found; check the resistance",
    "mesh_too_coarse": "the meshes disagree by more than 2 %; ask for accuracy='fine'",
}


@dataclass(frozen=True, kw_only=True)
class OhmicContacts:
    """The Fermi level of both metals at the centre of the Gaussian: half of all sites occupied.

    A built-in voltage lowers the extracting contact.
    """


@dataclass(frozen=True, kw_only=True)
class BarrierContacts:
    """Each contact at its barrier below the centre of the density of states.

    Their difference is the built-in voltage. Classically the density is site_density exp(-barrier/kT).

    Parameters
    ----------
    injecting, extracting : barrier of the contact that injects at positive voltage, and of the other one [J]
    image_force : lower each barrier by sqrt(q field/(4 pi permittivity)) while the field pulls carriers out
        of it
    """

    injecting: float
    extracting: float
    image_force: bool = False

    def __post_init__(self) -> None:
        for name in ("injecting", "extracting"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} barrier {getattr(self, name)!r} J must be a finite number")


@dataclass(frozen=True, kw_only=True)
class TransportProblem:
    """A device at one temperature: what `solve_current_density` takes beside voltages and effort."""

    mobility: MobilityModel
    temperature: float
    thickness: float
    relative_permittivity: float
    contacts: OhmicContacts | BarrierContacts = field(default_factory=OhmicContacts)
    built_in_voltage: float = 0.0
    statistics: Statistics = "classical"
    series_resistance_area: float = 0.0

    def __post_init__(self) -> None:
        _require_positive("temperature", self.temperature, "K")
        _require_positive("thickness", self.thickness, "m")
        if not (math.isfinite(self.relative_permittivity) and self.relative_permittivity >= 1):
            raise ValueError(f"relative_permittivity {self.relative_permittivity!r}: it must be 1 or more")
        if not (math.isfinite(self.series_resistance_area) and self.series_resistance_area >= 0):
            raise ValueError(
                f"series_resistance_area {self.series_resistance_area!r} Ω m²: it must be zero or more"
            )
        if not math.isfinite(self.built_in_voltage):
            raise ValueError(f"built_in_voltage {self.built_in_voltage!r} V must be a finite number")
        if isinstance(self.contacts, BarrierContacts) and self.built_in_voltage != 0:
            raise ValueError(
                f"built_in_voltage {self.built_in_voltage!r} V beside barriers: their difference is the "
                "built-in voltage; leave it out"
            )
        if self.statistics not in ("classical", "gaussian"):
            raise ValueError(f"statistics {self.statistics!r} is neither 'classical' nor 'gaussian'")
        if self.statistics == "gaussian" and self.mobility.disorder_width is None:
            raise ValueError("statistics 'gaussian' needs a mobility model with a disorder_width")

    @property
    def parameters(self) -> dict[str, float]:
        """Every number the current density has a derivative in, but the series resistance; SI."""
        found = {name: float(getattr(self.mobility, name)) for name in self.mobility.parameter_names}
        found |= {name: getattr(self, name) for name in ("temperature", "thickness", "relative_permittivity")}
        if isinstance(self.contacts, BarrierContacts):
            return found | {
                "injecting_barrier": self.contacts.injecting,
                "extracting_barrier": self.contacts.extracting,
            }
        return found | {"built_in_voltage": self.built_in_voltage}

    def with_parameters(self, **values: Any) -> "TransportProblem":
        """The same problem with some of its `parameters` changed."""
        barriers = {name: values.pop(f"{name}_barrier", None) for name in ("injecting", "extracting")}
        changed_barriers = {name: value for name, value in barriers.items() if value is not None}
        in_mobility = {name: values.pop(name) for name in self.mobility.parameter_names if name in values}
        # Any: dataclasses.replace knows the fields; neither the Protocol nor the union of contacts promises
        # them
        mobility: Any = self.mobility
        contacts: Any = self.contacts
        return replace(
            self,
            mobility=replace(mobility, **in_mobility) if in_mobility else mobility,
            contacts=replace(contacts, **changed_barriers) if changed_barriers else contacts,
            **values,
        )

    @property
    def reduced_disorder(self) -> float | None:
        """sigma/kT [1]; None where the model has no disorder."""
        width = self.mobility.disorder_width
        return None if width is None else width / (BOLTZMANN_CONSTANT * self.temperature)


@dataclass(frozen=True, kw_only=True)
class JVSolution:
    """What the solver found at each voltage.

    Attributes
    ----------
    voltage : (n,) as asked for [V]
    current_density : (n,) [A m⁻²]; NaN where it did not converge
    status : (n,) "converged", or in a word why not
    advice : what to do about it; empty where all converged
    sensitivities : derivative of current_density in each parameter by its name, (n,) each [A m⁻² per SI
        unit], worked out when first read; none unless they were asked for
    verdict : *not_converged*, *outside_validity* (of the mobility model), or *good*
    """

    voltage: FloatArray
    current_density: FloatArray
    status: tuple[str, ...]
    advice: str
    sensitivities: Mapping[str, FloatArray] = field(default_factory=dict)
    verdict: Verdict = GOOD

    @property
    def converged(self) -> npt.NDArray[np.bool_]:
        """(n,) whether each voltage has a solution."""
        return np.array([word == "converged" for word in self.status], dtype=np.bool_)


def solve_current_density(
    voltage: npt.ArrayLike,
    *,
    mobility: MobilityModel,
    temperature: float,
    thickness: float,
    relative_permittivity: float,
    contacts: OhmicContacts | BarrierContacts | None = None,
    built_in_voltage: float = 0.0,
    statistics: Statistics = "classical",
    series_resistance_area: float = 0.0,
    accuracy: Accuracy = "standard",
    sensitivities: bool = False,
) -> JVSolution:
    """Steady current density of a one-carrier film by drift and diffusion.

    d(permittivity E)/dx = q p and J = q mobility p E - q D dp/dx with J constant, between two contacts of
    given density (van Mensfoort and Coehoorn, PRB 78, 085207). Solved on three nested
    meshes and extrapolated.

    Parameters
    ----------
    voltage : (n,) in any order and of any sign, positive on the injecting contact [V]
    mobility : constant, Poole-Frenkel, EGDM, or another `MobilityModel`
    temperature, thickness, relative_permittivity : [K], [m], [1]
    contacts : ohmic unless told otherwise
    built_in_voltage : between ohmic contacts [V]; barriers bring their own
    statistics : "classical", Boltzmann with D = mobility kT/q; or "gaussian", the Gaussian density of states
        with the generalised Einstein relation
    series_resistance_area : series resistance times area [Ω m²]
    accuracy : "standard", 1e-3 of the current density; "fine", 1e-4; "rough", some per cent at a third of the
        time
    sensitivities : also the derivatives in every parameter

    Returns
    -------
    JVSolution

    Raises
    ------
    ValueError
        For a parameter outside its range, named with its value.

    Examples
    --------
    >>> from analysis.constants import electronvolt, nanometre
    >>> from analysis.drift_diffusion import EGDM
    >>> model = EGDM(disorder_width=0.12 * electronvolt, hopping_distance=2.8e-9, mobility_prefactor=6e-8)
    >>> solution = solve_current_density(
    ...     [1.0, 7.0],
    ...     mobility=model,
    ...     temperature=297.0,
    ...     thickness=110 * nanometre,
    ...     relative_permittivity=4.0,
    ... )
    >>> [f"{value:.3g}" for value in solution.current_density]
    ['3.04', '1.19e+03']
    """
    problem = TransportProblem(
        mobility=mobility,
        temperature=temperature,
        thickness=thickness,
        relative_permittivity=relative_permittivity,
        contacts=OhmicContacts() if contacts is None else contacts,
        built_in_voltage=built_in_voltage,
        statistics=statistics,
        series_resistance_area=series_resistance_area,
    )
    return solve_many([(voltage, problem)], accuracy=accuracy, sensitivities=sensitivities)[0]


def solve_many(
    jobs: Sequence[tuple[npt.ArrayLike, TransportProblem]],
    *,
    accuracy: Accuracy = "standard",
    sensitivities: bool = False,
    threads: int | None = None,
) -> list[JVSolution]:
    """Many devices, temperatures or thicknesses at once, on as many threads as the machine has cores.

    Parameters
    ----------
    jobs : pairs of voltages (n,) [V] and the problem they are asked of
    accuracy, sensitivities : as for `solve_current_density`
    threads : at most so many [1]; None: what OMP_NUM_THREADS allows, else one per core, fewer where there is
        little to solve
    """
    if accuracy not in _MESHES:
        raise ValueError(f"accuracy {accuracy!r} is not one of {', '.join(_MESHES)}")

    def solve(job: tuple[npt.ArrayLike, TransportProblem]) -> JVSolution:
        return _solve(_voltages(job[0]), job[1], accuracy, sensitivities)

    points = sum(np.size(voltage) for voltage, _ in jobs) * _MESHES[accuracy][0]
    workers = min(len(jobs), threads or min(_allowed_threads(), points // _POINTS_PER_THREAD))
    if workers <= 1:
        return [solve(job) for job in jobs]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(solve, jobs))


def _allowed_threads() -> int:
    """As many as the numerical libraries around us were told to use; one per core where nobody told them."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) > 0 else os.cpu_count() or 1


class _Scaling(NamedTuple):
    """A problem in the solver's units, and the way back."""

    problem: "ScaledProblem"
    current_density: float  # [A m⁻²] per unit of flux
    thermal_voltage: float
    orientation: int  # -1 where the extracting contact is the denser one and the film is solved mirrored


class _Film(NamedTuple):
    """What the solver found between the contacts, before any series resistance."""

    current_density: FloatArray  # (n,) [A m⁻²]
    status: npt.NDArray[np.object_]  # (n,) words
    derivatives: FloatArray  # (n, numbers) of the flux over the flux, in the order of `adjoint`; or (n, 0)


def _solve(
    voltage: FloatArray, problem: TransportProblem, accuracy: Accuracy, sensitivities: bool
) -> JVSolution:
    film_voltage, film = _film_at_terminals(voltage, problem, accuracy, sensitivities)
    words = tuple(film.status)
    return JVSolution(
        voltage=voltage,
        current_density=film.current_density,
        status=words,
        advice=_advice(words),
        sensitivities=_Sensitivities(film_voltage, film, problem) if sensitivities else {},
        verdict=_verdict(problem, words),
    )


def _film_at_terminals(
    voltage: FloatArray, problem: TransportProblem, accuracy: Accuracy, sensitivities: bool
) -> tuple[FloatArray, _Film]:
    """The voltage left for the film behind the series resistance, and the film's solution there.

    Newton's method on film_voltage + resistance current_density(film_voltage) = voltage. It starts from the
    whole voltage: the current grows faster than linearly, so the steps approach from above and never
    overshoot.
    """
    resistance = problem.series_resistance_area
    scaling = _scale(problem)
    if resistance == 0:
        return voltage, _solve_film(voltage, scaling, accuracy, sensitivities)
    film_voltage = voltage
    for _ in range(_MOST_RESISTANCE_STEPS):
        film = _solve_film(film_voltage, scaling, accuracy, True)
        excess = film_voltage + resistance * film.current_density - voltage
        step = np.nan_to_num(excess / (1 + resistance * _conductance(film, scaling)))
        if np.all(np.abs(step) <= 1e-9 * np.abs(voltage) + 1e-12):
            return film_voltage, film
        film_voltage = film_voltage - step
    moving = np.abs(step) > 1e-9 * np.abs(voltage) + 1e-12
    status = np.where(moving, "series_resistance", film.status)
    current_density = np.where(status == "converged", film.current_density, np.nan)
    return film_voltage, film._replace(current_density=current_density, status=status)


def _conductance(film: _Film, scaling: _Scaling) -> FloatArray:
    """Slope of the current density in the voltage across the film [S m⁻²]."""
    from analysis.drift_diffusion import adjoint

    return scaling.current_density / scaling.thermal_voltage * film.derivatives[:, adjoint.DROP]


def _solve_film(voltage: FloatArray, scaling: _Scaling, accuracy: Accuracy, differentiate: bool) -> _Film:
    """Solve at each voltage across the film [V]; where that fails, again on denser meshes."""
    from analysis.drift_diffusion import adjoint  # compiles on first use

    drops = scaling.orientation * voltage / scaling.thermal_voltage
    film = _Film(
        current_density=np.full(len(drops), np.nan),
        status=np.full(len(drops), "newton_failed", dtype=object),
        derivatives=np.full((len(drops), adjoint.NUMBERS if differentiate else 0), np.nan),
    )
    cells, meshes, tolerance = _MESHES[accuracy]
    for density in (1, 2, 4):
        missing = film.status != "converged"
        for of_one_sign in (missing & (drops >= 0), missing & (drops < 0)):
            _sweep(film, of_one_sign, drops, scaling.problem, density * cells, meshes, tolerance)
    return film._replace(current_density=scaling.orientation * scaling.current_density * film.current_density)


def _sweep(
    film: _Film,
    chosen: npt.NDArray[np.bool_],
    drops: FloatArray,
    problem: "ScaledProblem",
    cells: int,
    meshes: int,
    tolerance: float,
) -> None:
    """Fill in the flux at the chosen drops, all of one sign."""
    from analysis.drift_diffusion import sweep  # compiles on first use

    if not np.any(chosen):
        return
    words = {
        sweep.CONVERGED: "converged",
        sweep.STUCK: "newton_failed",
        sweep.NO_EQUILIBRIUM: "no_equilibrium",
    }
    # the sweep sets out from equilibrium, asked for or not
    ascending, place = np.unique(np.append(np.abs(drops[chosen]), 0.0), return_inverse=True)
    signed = np.copysign(ascending, drops[chosen][0])
    flux = np.full((len(ascending), meshes), np.nan)
    # slopes are asked for to 1e-3 or so: the two finest meshes give that
    derivatives = np.full((len(ascending), min(meshes, 2), film.derivatives.shape[1]), np.nan)
    codes = np.empty(len(ascending), dtype=np.int64)
    nodes = _mesh(problem, cells, ascending[-1])
    sweep.solve_sweep(
        problem,
        _table(problem),
        nodes,
        meshes,
        tolerance,
        signed,
        flux,
        derivatives,
        np.empty((0, meshes)),
        codes,
    )
    limit, slopes = extrapolate(flux), extrapolate(derivatives)
    limit[ascending == 0] = 0.0  # equilibrium; what the meshes carry then is rounding
    close = np.abs(flux[:, -1] - limit) <= _MOST_EXTRAPOLATED * np.abs(limit)
    found = np.array([words[int(code)] for code in codes], dtype=object)
    found[(codes == sweep.CONVERGED) & ~close & (ascending > 0)] = "mesh_too_coarse"
    limit[found != "converged"] = slopes[found != "converged"] = np.nan
    film.status[chosen] = found[place[:-1]]
    film.current_density[chosen] = limit[place[:-1]]
    film.derivatives[chosen] = slopes[place[:-1]]


class _Sensitivities(Mapping[str, FloatArray]):
    """Derivative of the current density in each parameter, by the chain rule through the scaled numbers.

    The scaled numbers are short formulas of the parameters: their slopes by differences are good to 1e-6.
    """

    def __init__(self, film_voltage: FloatArray, film: _Film, problem: TransportProblem) -> None:
        from analysis.drift_diffusion import adjoint

        scaling = _scale(problem)
        conductance = _conductance(film, scaling)
        behind_resistance = 1 / (1 + problem.series_resistance_area * conductance)
        self._problem = problem
        self._parameters = problem.parameters
        self._orientation = scaling.orientation
        self._numbers = _numbers(scaling)
        self._in_unit = behind_resistance * film.current_density
        factor = scaling.orientation * scaling.current_density * behind_resistance
        self._in_number = factor[:, None] * film.derivatives
        # the number behind the drop is the inverse thermal voltage
        self._in_number[:, adjoint.DROP] *= scaling.orientation * film_voltage
        self._known = {
            "voltage": behind_resistance * conductance,
            "series_resistance_area": -behind_resistance * conductance * film.current_density,
        }

    def __iter__(self) -> Iterator[str]:
        return iter(("voltage", "series_resistance_area", *self._parameters))

    def __len__(self) -> int:
        return 2 + len(self._parameters)

    def __getitem__(self, name: str) -> FloatArray:
        if name not in self._known:
            value = self._parameters[name]
            step = _DIFFERENCE_STEP * (abs(value) or _DIFFERENCE_SCALE[name])
            above = _scale(self._problem.with_parameters(**{name: value + step}), self._orientation)
            slope = (_numbers(above) - self._numbers) / step
            self._known[name] = self._in_unit * slope[0] + self._in_number @ slope[1:]
        return self._known[name]


def _numbers(scaling: _Scaling) -> FloatArray:
    """ln of the unit of current density, and the scaled numbers in the order of `adjoint`."""
    scaled = scaling.problem
    return np.array(
        [
            math.log(scaling.current_density),
            math.log(scaled.charge),
            scaled.injecting_level,
            scaled.extracting_level,
            1 / scaling.thermal_voltage,
            scaled.density_amplitude,
            scaled.density_exponent,
            scaled.field_amplitude,
            math.log(scaled.field_scale),
            scaled.frenkel_slope,
            scaled.reduced_disorder,
            scaled.image_lowering,
        ]
    )


class OnMeshes(NamedTuple):
    """The bare numbers of one sweep, for those who want to see the order of convergence.

    Attributes
    ----------
    flux : (n, meshes) in the solver's units, coarse to fine
    variation : (n, meshes) largest deviation of the flux through any cell, relative
    """

    flux: FloatArray
    variation: FloatArray


def solve_on_meshes(
    problem: TransportProblem, voltage: npt.ArrayLike, *, cells: int, meshes: int
) -> OnMeshes:
    """The flux at rising voltages above zero [V] on nested meshes, the finest with so many cells."""
    from analysis.drift_diffusion import sweep  # compiles on first use

    scaling = _scale(problem)
    drops = np.append(0.0, _voltages(voltage) / scaling.thermal_voltage)
    flux, variation = np.full((2, len(drops), meshes), np.nan)
    nodes = _mesh(scaling.problem, cells, drops[-1])
    codes = np.empty(len(drops), dtype=np.int64)
    sweep.solve_sweep(
        scaling.problem,
        _table(scaling.problem),
        nodes,
        meshes,
        _TIGHT,
        drops,
        flux,
        np.empty((len(drops), meshes, 0)),
        variation,
        codes,
    )
    return OnMeshes(flux=flux[1:], variation=variation[1:])


def extrapolate(on_meshes: FloatArray) -> FloatArray:
    """Romberg's limit of zero spacing for errors in even powers of it.

    Parameters
    ----------
    on_meshes : (n, meshes, ...) coarse to fine, each mesh twice as dense as the one before

    Returns
    -------
    limit : (n, ...)
    """
    table, power = on_meshes, 1
    while table.shape[1] > 1:
        power *= 4
        table = table[:, 1:] + (table[:, 1:] - table[:, :-1]) / (power - 1)
    return table[:, 0]


def _scale(problem: TransportProblem, orientation: int | None = None) -> _Scaling:
    """The problem free of units; mirrored, unless told otherwise, if the extracting contact is denser."""
    from analysis.drift_diffusion.equations import ScaledProblem  # compiles on first use

    model, volt = problem.mobility, thermal_voltage(problem.temperature)
    law = model.law(problem.temperature)
    permittivity = problem.relative_permittivity * VACUUM_PERMITTIVITY
    unit_field = volt / problem.thickness
    injecting, extracting = _contact_levels(problem)
    if orientation is None:
        orientation = 1 if injecting >= extracting else -1
    image_force = isinstance(problem.contacts, BarrierContacts) and problem.contacts.image_force
    scaled = ScaledProblem(
        charge=ELEMENTARY_CHARGE * model.site_density * problem.thickness**2 / (permittivity * volt),
        injecting_level=injecting if orientation > 0 else extracting,
        extracting_level=extracting if orientation > 0 else injecting,
        image_lowering=math.sqrt(ELEMENTARY_CHARGE * unit_field / (4 * math.pi * permittivity)) / volt
        if image_force
        else 0.0,
        density_amplitude=law.density_amplitude,
        density_exponent=law.density_exponent,
        density_cap=min(law.density_cap, _UNCAPPED),
        field_amplitude=law.field_amplitude,
        field_scale=law.field_scale / unit_field,
        field_cap=min(law.field_cap, _UNCAPPED),
        frenkel_slope=law.frenkel_slope * math.sqrt(unit_field),
        reduced_disorder=problem.reduced_disorder or 0.0,
        gaussian=problem.statistics == "gaussian",
    )
    return _Scaling(
        problem=scaled,
        current_density=ELEMENTARY_CHARGE * model.site_density * math.exp(law.log_mobility) * unit_field,
        thermal_voltage=volt,
        orientation=orientation,
    )


def _table(problem: "ScaledProblem") -> OccupationTable:
    return occupation_table(problem.reduced_disorder) if problem.gaussian else _NO_TABLE


def _contact_levels(problem: TransportProblem) -> tuple[float, float]:
    """Fermi level at the two contacts, in kT from the Gaussian's centre; classically ln c."""
    energy = BOLTZMANN_CONSTANT * problem.temperature
    if isinstance(problem.contacts, BarrierContacts):
        return -problem.contacts.injecting / energy, -problem.contacts.extracting / energy
    centre = math.log(0.5) if problem.statistics == "classical" else 0.0
    return centre, centre - ELEMENTARY_CHARGE * problem.built_in_voltage / energy


def _mesh(problem: "ScaledProblem", cells: int, largest_drop: float) -> FloatArray:
    """Nodes graded to each contact's Debye length and to the layer that the field presses against it."""

    def scale(level: float) -> float:
        occupied = min(0.5, math.exp(min(0.0, level)))
        debye_length = 1 / math.sqrt(problem.charge * occupied + 1)
        return min(_WIDEST_LAYER, 2 * debye_length, 6 / max(largest_drop, 1.0))

    return graded_mesh(cells, scale(problem.injecting_level), scale(problem.extracting_level))


def _advice(words: Sequence[str]) -> str:
    return "; ".join(
        f"{words.count(word)} of {len(words)} voltages: {text}"
        for word, text in _ADVICE.items()
        if word in words
    )


def _verdict(problem: TransportProblem, words: Sequence[str]) -> Verdict:
    advice = _advice(words)
    if advice:
        return Verdict(word="not_converged", advice=advice)
    low, high = VALID_REDUCED_DISORDER
    s = problem.reduced_disorder
    has_law = problem.mobility.law(problem.temperature).density_amplitude != 0
    if has_law and s is not None and not low <= s <= high:
        return Verdict(
            word="outside_validity",
            advice=f"sigma/kT = {s:.2f} at {problem.temperature:.4g} K; the EGDM's formula was fitted from "
            f"{low:.0f} to {high:.0f}",
        )
    return GOOD


def _voltages(voltage: npt.ArrayLike) -> FloatArray:
    values = np.atleast_1d(np.array(voltage, dtype=np.float64))
    if values.ndim != 1 or not np.all(np.isfinite(values)):
        raise ValueError("voltage must be a one-dimensional sequence of finite numbers [V]")
    values.setflags(write=False)
    return values


def _require_positive(name: str, value: float, unit: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} {value!r} {unit}: it must be above zero")
