"""Current density against voltage of a one-carrier device: the solver as others call it."""

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.constants import (
    BOLTZMANN_CONSTANT,
    ELEMENTARY_CHARGE,
    VACUUM_PERMITTIVITY,
    electronvolt,
    thermal_voltage,
)
from analysis.curves import FloatArray
from analysis.drift_diffusion.density_of_states import occupation_table
from analysis.drift_diffusion.mesh import graded_mesh
from analysis.drift_diffusion.mobility import VALID_REDUCED_DISORDER, MobilityModel
from analysis.estimate import GOOD, Verdict

if TYPE_CHECKING:
    from analysis.drift_diffusion.equations import ScaledProblem

Statistics = Literal["classical", "gaussian"]
Accuracy = Literal["standard", "fine"]

_CELLS: dict[Accuracy, int] = {"standard": 192, "fine": 384}  # of the finest mesh
_MESHES = 3
_MOST_EXTRAPOLATED = 0.02  # of the flux between the finest mesh and the extrapolated one; more is no solution
_UNCAPPED = 1e300
_WIDEST_LAYER = 0.2  # of the film; beyond it a graded mesh gains nothing
_NO_TABLE = np.zeros((0, 4))

_ADVICE = {
    "newton_failed": "Newton's method stalled on the way to this voltage; ask for voltages in between, or check the "
    "parameters for a mobility that changes by many decades within the film",
    "no_equilibrium": "the film at zero voltage could not be solved; check permittivity, thickness and site density",
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
    image_force : lower each barrier by sqrt(q field/(4 pi permittivity)) while the field pulls carriers out of it
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
    """A device at one temperature; the arguments of `solve_current_density` but the voltages and the effort."""

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
                f"built_in_voltage {self.built_in_voltage!r} V beside barriers: their difference is the built-in "
                "voltage; leave it out"
            )
        if self.statistics not in ("classical", "gaussian"):
            raise ValueError(f"statistics {self.statistics!r} is neither 'classical' nor 'gaussian'")
        if self.statistics == "gaussian" and self.mobility.disorder_width is None:
            raise ValueError("statistics 'gaussian' needs a mobility model with a disorder_width")

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
    sensitivities : derivative of current_density in each parameter by its name, (n,) each [A m⁻² per SI unit]
    verdict : *not_converged*, *outside_validity* (of the mobility model), or *good*
    """

    voltage: FloatArray
    current_density: FloatArray
    status: tuple[str, ...]
    advice: str
    sensitivities: dict[str, FloatArray] = field(default_factory=dict)
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

    d(permittivity E)/dx = q p and J = q mobility p E - q D dp/dx with J constant, between two contacts of given density
    (PHYSICS: Pasveer et al. 2005, van Mensfoort and Coehoorn 2008). Solved on three nested meshes and extrapolated.

    Parameters
    ----------
    voltage : (n,) in any order and of any sign, positive on the injecting contact [V]
    mobility : constant, Poole-Frenkel, EGDM, or another `MobilityModel`
    temperature, thickness, relative_permittivity : [K], [m], [1]
    contacts : ohmic unless told otherwise
    built_in_voltage : between ohmic contacts [V]; barriers bring their own
    statistics : "classical", Boltzmann with D = mobility kT/q; or "gaussian", the Gaussian density of states with the
        generalised Einstein relation
    series_resistance_area : series resistance times area [Ω m²]
    accuracy : "standard", 1e-3 of the current density; "fine", 1e-4
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
    ...     [1.0, 7.0], mobility=model, temperature=297.0, thickness=110 * nanometre, relative_permittivity=4.0
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
    threads : at most so many [1]; None: one per core
    """
    if accuracy not in _CELLS:
        raise ValueError(f"accuracy {accuracy!r} is neither 'standard' nor 'fine'")

    def solve(job: tuple[npt.ArrayLike, TransportProblem]) -> JVSolution:
        return _solve(_voltages(job[0]), job[1], accuracy)

    workers = min(len(jobs), threads or os.cpu_count() or 1)
    if workers <= 1:
        return [solve(job) for job in jobs]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(solve, jobs))


class _Scaling(NamedTuple):
    """A problem in the solver's units, and the way back."""

    problem: "ScaledProblem"
    current_density: float  # [A m⁻²] per unit of flux
    thermal_voltage: float
    orientation: int  # -1 where the extracting contact is the denser one and the film is solved mirrored


def _solve(voltage: FloatArray, problem: TransportProblem, accuracy: Accuracy) -> JVSolution:
    scaling = _scale(problem)
    current_density, status = _layer_current_density(voltage, scaling, accuracy)
    words = tuple(status)
    return JVSolution(
        voltage=voltage,
        current_density=current_density,
        status=words,
        advice=_advice(words),
        verdict=_verdict(problem, words),
    )


def _layer_current_density(
    voltage: FloatArray, scaling: _Scaling, accuracy: Accuracy
) -> tuple[FloatArray, list[str]]:
    """Current density [A m⁻²] and status at each voltage across the film [V]."""
    from analysis.drift_diffusion import sweep  # compiles on first use

    words = {
        sweep.CONVERGED: "converged",
        sweep.STUCK: "newton_failed",
        sweep.NO_EQUILIBRIUM: "no_equilibrium",
    }
    drops = scaling.orientation * voltage / scaling.thermal_voltage
    cells = _CELLS[accuracy]
    positions = _mesh(scaling.problem, cells, float(np.max(np.abs(drops), initial=1.0)))
    flux = np.zeros(len(drops))
    status = ["converged"] * len(drops)
    for sign in (1, -1):
        chosen = np.flatnonzero(sign * drops > 0)
        if len(chosen) == 0:
            continue
        ascending, inverse = np.unique(np.abs(drops[chosen]), return_inverse=True)
        on_meshes = np.full((len(ascending), _MESHES), np.nan)
        codes = np.empty(len(ascending), dtype=np.int64)
        sweep.solve_sweep(scaling.problem, positions, _MESHES, sign * ascending, on_meshes, codes)
        values, agree = extrapolate(on_meshes)
        for index, place in zip(chosen, inverse, strict=True):
            word = words[int(codes[place])]
            status[index] = word if word != "converged" or agree[place] else "mesh_too_coarse"
            flux[index] = values[place] if status[index] == "converged" else np.nan
    return scaling.orientation * scaling.current_density * flux, status


def extrapolate(on_meshes: FloatArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Romberg's limit of zero spacing for errors in even powers of it.

    Parameters
    ----------
    on_meshes : (n, 3) coarse to fine, each mesh twice as dense as the one before

    Returns
    -------
    limit : (n,)
    agree : (n,) whether the finest mesh is close enough to the limit to believe it
    """
    once = on_meshes[:, 1:] + (on_meshes[:, 1:] - on_meshes[:, :-1]) / 3
    limit = once[:, 1] + (once[:, 1] - once[:, 0]) / 15
    with np.errstate(invalid="ignore"):
        return limit, np.abs(on_meshes[:, -1] - limit) <= _MOST_EXTRAPOLATED * np.abs(limit)


def _scale(problem: TransportProblem) -> _Scaling:
    from analysis.drift_diffusion.equations import ScaledProblem  # compiles on first use

    model, volt = problem.mobility, thermal_voltage(problem.temperature)
    law = model.law(problem.temperature)
    permittivity = problem.relative_permittivity * VACUUM_PERMITTIVITY
    unit_field = volt / problem.thickness
    injecting, extracting = _contact_levels(problem)
    orientation = 1 if injecting >= extracting else -1
    image_force = isinstance(problem.contacts, BarrierContacts) and problem.contacts.image_force
    table = None
    if problem.statistics == "gaussian":
        assert problem.reduced_disorder is not None
        table = occupation_table(problem.reduced_disorder)
    scaled = ScaledProblem(
        charge=ELEMENTARY_CHARGE * model.site_density * problem.thickness**2 / (permittivity * volt),
        injecting_level=max(injecting, extracting),
        extracting_level=min(injecting, extracting),
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
        occupation_start=0.0 if table is None else float(table.start),
        occupation_step=1.0 if table is None else table.step,
        occupation_values=_NO_TABLE if table is None else table.values,
        reduced_disorder=problem.reduced_disorder or 0.0,
    )
    return _Scaling(
        problem=scaled,
        current_density=ELEMENTARY_CHARGE * model.site_density * math.exp(law.log_mobility) * unit_field,
        thermal_voltage=volt,
        orientation=orientation,
    )


def _contact_levels(problem: TransportProblem) -> tuple[float, float]:
    """Fermi level at the injecting and the extracting contact, in kT: of the Gaussian, or ln c classically."""
    energy = BOLTZMANN_CONSTANT * problem.temperature
    if isinstance(problem.contacts, BarrierContacts):
        return -problem.contacts.injecting / energy, -problem.contacts.extracting / energy
    centre = math.log(0.5) if problem.statistics == "classical" else 0.0
    return centre, centre - ELEMENTARY_CHARGE * problem.built_in_voltage / energy


def _mesh(problem: "ScaledProblem", cells: int, largest_drop: float) -> FloatArray:
    """Nodes graded to each contact's Debye length and to the layer the field presses against it."""

    def scale(level: float) -> float:
        occupied = min(0.5, math.exp(min(0.0, level)))
        debye = 1 / math.sqrt(problem.charge * occupied + 1)
        return min(_WIDEST_LAYER, debye, 3 / largest_drop)

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
            advice=f"sigma/kT = {s:.2f} at {problem.temperature:.4g} K; the EGDM's formula was fitted from {low:.0f} "
            f"to {high:.0f}",
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
