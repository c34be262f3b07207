"""Voltage by voltage and mesh by mesh: the flux at every asked voltage of one sign."""

import hashlib
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit

from analysis.drift_diffusion.adjoint import flux_derivatives
from analysis.drift_diffusion.equations import (
    bernoulli,
    compiled,
    edge_density,
    edge_flux,
    fill_occupations,
)
from analysis.drift_diffusion.newton import solve_equilibrium, solve_newton

CONVERGED, STUCK, NO_EQUILIBRIUM = 0, 1, 2
_FIRST_STEP = 2.0  # in kT/q
_SMALLEST_STEP = 1e-3
_STEP_GROWTH = 2.0
_TOLERANCE_BETWEEN = 3e-3  # in kT, at voltages nobody asked for


@compiled
def refine(coarse_potential, coarse_quasi_fermi, potential, quasi_fermi):
    """The solution on a mesh of twice as many cells, by the cubic through four neighbours.

    Mesh maps are smooth. Where the Fermi level moves by more than one kT in a cell, the cubic through
    logarithms is no guess: there the middle node takes the density that carries the same flux to either side.
    """
    n = len(coarse_potential)
    for i in range(n):
        potential[2 * i] = coarse_potential[i]
        quasi_fermi[2 * i] = coarse_quasi_fermi[i]
    for i in range(n - 1):
        first = min(max(i - 1, 0), n - 4)
        potential[2 * i + 1] = interpolated(coarse_potential, first, i)
        steepest = 0.0
        for k in range(first, first + 3):
            level_rise = (coarse_quasi_fermi[k + 1] - coarse_potential[k + 1]) - (
                coarse_quasi_fermi[k] - coarse_potential[k]
            )
            steepest = max(steepest, abs(level_rise))
        if steepest < 1.0:
            quasi_fermi[2 * i + 1] = interpolated(coarse_quasi_fermi, first, i)
        else:
            quasi_fermi[2 * i + 1] = same_flux(coarse_potential, coarse_quasi_fermi, potential[2 * i + 1], i)


@compiled
def interpolated(values, first, i):
    """Cubic through four values from `first` on, halfway between i and i + 1."""
    v0, v1, v2, v3 = values[first], values[first + 1], values[first + 2], values[first + 3]
    if i == first:
        return (5.0 * v0 + 15.0 * v1 - 5.0 * v2 + v3) / 16.0
    if i == first + 1:
        return (9.0 * (v1 + v2) - v0 - v3) / 16.0
    return (5.0 * v3 + 15.0 * v2 - 5.0 * v1 + v0) / 16.0


@compiled
def same_flux(potential, quasi_fermi, middle_potential, i):
    """Quasi-Fermi level between nodes i and i + 1 for equal flux on both sides of the middle, classically."""
    j = i + 1
    level_i, level_j = quasi_fermi[i] - potential[i], quasi_fermi[j] - potential[j]
    top = max(level_i, level_j)  # keeps tiny densities from underflowing
    _, _, _, other, _, _ = bernoulli(potential[i] - potential[j])
    c, _, _, _ = edge_density(math.exp(level_i - top), math.exp(level_j - top), other)
    return middle_potential + top + math.log(c)


@compiled
def quietest_edge(blocks, n):
    """The edge where the one-way fluxes are least: the flux has lost least to rounding there."""
    i = 1
    for k in range(2, n - 2):
        if blocks[k, 15] < blocks[i, 15]:
            i = k
    return i


@compiled
def solved_flux(blocks, i):
    """The flux through an edge after the last update."""
    j = i + 1
    return (
        blocks[i, 14]
        - blocks[j, 10] * blocks[i, 12]
        - blocks[j, 11] * blocks[i, 13]
        + blocks[i, 6] * blocks[j, 12]
        + blocks[i, 7] * blocks[j, 13]
    )


@compiled
def flux_variation(problem, positions, potential, quasi_fermi, work, flux):
    """Largest deviation of any edge's flux from `flux`, relative."""
    fill_occupations(problem, potential, quasi_fermi, work)
    largest = 0.0
    for i in range(len(positions) - 1):
        through = edge_flux(problem, positions[i + 1] - positions[i], potential, quasi_fermi, work, i)[0]
        largest = max(largest, abs(through - flux))
    return largest / abs(flux)


@compiled
def advance(problem, positions, target, accuracy, path, now, before, guess, work, blocks):
    """Lead the coarse solution to the target drop in steps as long as Newton's method allows.

    `path` holds the drop reached (NaN before the first), the one before it and the step now tried; True if
    the target was reached.
    """
    n = len(positions)
    while path[0] != target:
        at, previous, step = path[0], path[1], path[2]
        ahead, aim = target - at, target
        if abs(ahead) > step:
            ahead = np.copysign(min(step, 0.5 * abs(ahead)) if abs(ahead) < 2.0 * step else step, ahead)
            aim = at + ahead
        # potentials follow the voltage, Fermi levels (logarithms of densities) its logarithm
        stretch, stretch_level = 0.0, 0.0
        if abs(at) > abs(previous):
            stretch = ahead / (at - previous)
            stretch_level = log_ratio(aim, at) / log_ratio(at, previous)
        for i in range(n):
            rise = now[0, i] - before[0, i]
            level_rise = now[1, i] - before[1, i] - rise
            guess[0, i] = now[0, i] + stretch * rise
            guess[1, i] = guess[0, i] + now[1, i] - now[0, i] + stretch_level * level_rise
        tolerance = accuracy if aim == target else _TOLERANCE_BETWEEN
        if solve_newton(problem, positions, aim, tolerance, guess[0, :n], guess[1, :n], work, blocks):
            before[:, :n] = now[:, :n]
            now[:, :n] = guess[:, :n]
            path[0], path[1] = aim, at
            if aim != 0.0:
                path[2] = max(step, _STEP_GROWTH * abs(ahead))
        else:
            path[2] = 0.5 * abs(ahead)
            if not path[2] >= _SMALLEST_STEP:
                return False
    return True


@compiled
def log_ratio(drop, earlier):
    """ln of the ratio of two drops, each with one kT to it."""
    return math.log((1.0 + abs(drop)) / (1.0 + abs(earlier)))


def _entry(sources: str) -> Callable[..., None]:
    """The compiled sweep, with a cache on the disk.

    The compiler's cache looks at this function's own file and at its closure: `sources`, a checksum of every
    file that is compiled into it, keeps a changed equation from being answered by the old one.
    """

    @njit(cache=True, nogil=True, error_model="numpy")
    def solve_sweep(problem, positions, levels, tolerance, drops, flux, derivatives, variation, status):
        """Flux at each drop of the quasi-Fermi level on each of the nested meshes.

        Parameters
        ----------
        problem : ScaledProblem
        positions : (nodes,) of the finest mesh; every second node makes the next coarser one
        levels : number of meshes
        tolerance : of the last update in kT; the error left is of the order of its square
        drops : (n,) in kT, the first zero, the others of one sign and growing
        flux : (n, levels), filled here, coarse to fine
        derivatives : (n, levels, numbers), filled here in the order of `adjoint`; no numbers, no derivatives
        variation : (n, levels), filled here with the largest deviation of an edge's flux; (0, levels): not
            asked for
        status : (n,), filled here with one of the numbers above
        """
        nodes, m = len(positions), (len(positions) - 1) // 2 ** (levels - 1) + 1
        now = np.zeros((levels, 2, nodes))
        correction = np.zeros((levels, 2, 2, nodes))
        before = np.zeros((2, nodes))
        guess = np.zeros((2, nodes))
        work = np.zeros((nodes, 5))
        blocks = np.zeros((nodes, 16))
        adjoint = np.zeros((nodes, 2))
        path = np.array([np.nan, np.nan, _FIRST_STEP])
        status[:] = NO_EQUILIBRIUM if len(sources) > 0 else STUCK
        coarse = positions[:: 2 ** (levels - 1)].copy()
        if not solve_equilibrium(problem, coarse, now[0, 0, :m], now[0, 1, :m], work, blocks):
            return
        status[:] = STUCK
        for k in range(len(drops)):
            # what refining adds to the coarser mesh's solution changes slowly: continued from the last two
            # drops
            stretch = (drops[k] - drops[k - 1]) / (drops[k - 1] - drops[k - 2]) if k > 2 else 0.0
            stretch = stretch if stretch < 2.0 else 0.0
            solved = True
            for level in range(levels):
                mesh = positions[:: 2 ** (levels - 1 - level)].copy()
                n, half = len(mesh), len(mesh) // 2 + 1
                potential, quasi_fermi = now[level, 0, :n], now[level, 1, :n]
                if level == 0:
                    solved = advance(
                        problem, mesh, drops[k], tolerance, path, now[0], before, guess, work, blocks
                    )
                    if not solved:
                        return
                else:
                    refine(now[level - 1, 0, :half], now[level - 1, 1, :half], guess[0, :n], guess[1, :n])
                    for c in range(2):
                        for i in range(n):
                            last, earlier = correction[level, 0, c, i], correction[level, 1, c, i]
                            now[level, c, i] = guess[c, i] + last + stretch * (last - earlier)
                    solved = solve_newton(
                        problem, mesh, drops[k], tolerance, potential, quasi_fermi, work, blocks
                    )
                    if not solved:
                        break
                    for c in range(2):
                        for i in range(n):
                            correction[level, 1, c, i] = correction[level, 0, c, i]
                            correction[level, 0, c, i] = now[level, c, i] - guess[c, i]
                edge = quietest_edge(blocks, n)
                flux[k, level] = solved_flux(blocks, edge)
                if derivatives.shape[2] > 0:
                    flux_derivatives(
                        problem,
                        mesh,
                        edge,
                        potential,
                        quasi_fermi,
                        work,
                        blocks,
                        adjoint,
                        derivatives[k, level],
                    )
                if variation.shape[0] > 0:
                    variation[k, level] = flux_variation(
                        problem, mesh, potential, quasi_fermi, work, flux[k, level]
                    )
            if solved:
                status[k] = CONVERGED

    return solve_sweep


def _checksum() -> str:
    digest = hashlib.sha256()
    for name in ("equations.py", "newton.py", "adjoint.py", "sweep.py"):
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()


solve_sweep = _entry(_checksum())
