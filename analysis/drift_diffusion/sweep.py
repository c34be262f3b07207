"""Voltage by voltage and mesh by mesh: the flux at every asked voltage of one sign."""

import hashlib
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit

from analysis.drift_diffusion.adjoint import flux_derivatives
from analysis.drift_diffusion.equations import bernoulli, edge_density, fill_occupations
from analysis.drift_diffusion.lanes import (
    WIDTH,
    compiled,
    everywhere,
    exp,
    in_all,
    in_lanes,
    log,
    most,
    where,
)
from analysis.drift_diffusion.newton import fill_fluxes, solve_newton

CONVERGED, STUCK, NO_EQUILIBRIUM = 0, 1, 2
_FIRST_REACH = 16.0  # in kT/q
_SMALLEST_REACH = 1e-3
_REACH_GROWTH = 2.0
_TOLERANCE_AT_REST = 1e-5  # in kT
_TOLERANCE_BETWEEN = 3e-3  # in kT, of solutions that only lead on


@compiled
def refine(n, coarse, fine):
    """The solution on a mesh of twice as many cells, by the cubic through four of the n neighbours.

    Mesh maps are smooth. Where the Fermi level moves by more than one kT in a cell, the cubic through
    logarithms is no guess: there the middle node takes the density that carries the same flux to either side.
    """
    coarse_potential, coarse_quasi_fermi = coarse
    potential, quasi_fermi = fine
    for i in range(n):
        potential[2 * i], quasi_fermi[2 * i] = coarse_potential[i], coarse_quasi_fermi[i]
    for i in range(n - 1):
        first = i - 1 if 0 < i < n - 2 else i if i == 0 else n - 4
        middle = interpolated(coarse_potential, first, i)
        middle_fermi = interpolated(coarse_quasi_fermi, first, i)
        steepest = everywhere(0.0)
        for k in range(first, first + 3):
            rise = coarse_potential[k + 1] - coarse_potential[k]
            steepest = most(steepest, abs(coarse_quasi_fermi[k + 1] - coarse_quasi_fermi[k] - rise))
        even = steepest < 1.0
        if not in_all(even):
            by_flux = same_flux(coarse_potential, coarse_quasi_fermi, middle, i)
            middle_fermi = where(even, middle_fermi, by_flux)
        potential[2 * i + 1], quasi_fermi[2 * i + 1] = middle, middle_fermi


@compiled
def interpolated(values, first, i):
    """Cubic through four values from `first` on, halfway between i and i + 1."""
    v0, v1, v2, v3 = values[first], values[first + 1], values[first + 2], values[first + 3]
    if i == first:
        return (5.0 * v0 + 15.0 * v1 - 5.0 * v2 + v3) * 0.0625
    if i == first + 1:
        return (9.0 * (v1 + v2) - v0 - v3) * 0.0625
    return (5.0 * v3 + 15.0 * v2 - 5.0 * v1 + v0) * 0.0625


@compiled
def same_flux(potential, quasi_fermi, middle_potential, i):
    """Quasi-Fermi level between nodes i and i + 1 for equal flux on both sides of the middle, classically."""
    j = i + 1
    level_i, level_j = quasi_fermi[i] - potential[i], quasi_fermi[j] - potential[j]
    top = most(level_i, level_j)  # keeps tiny densities from underflowing
    _, _, _, other, _, _ = bernoulli(potential[i] - potential[j])
    c, _, _, _ = edge_density(exp(level_i - top), exp(level_j - top), other)
    return middle_potential + top + log(c)


@compiled
def solved_flux(n, edges, blocks):
    """The flux after the last update of n nodes, and the edge it is taken from.

    That is where the one-way fluxes are least: the flux has lost least to rounding there.
    """
    quietest, edge, flux = everywhere(np.inf), everywhere(0.0), everywhere(np.nan)
    for i in range(1, n - 2):
        j = i + 1
        here = (
            edges[i, 0]
            + edges[i, 1] * blocks[i, 6]
            + edges[i, 2] * blocks[j, 6]
            + edges[i, 3] * blocks[i, 7]
            + edges[i, 4] * blocks[j, 7]
        )
        quieter = edges[i, 5] < quietest
        quietest = where(quieter, edges[i, 5], quietest)
        flux = where(quieter, here, flux)
        edge = where(quieter, i, edge)
    return flux, edge


@compiled
def flux_variation(problem, table, positions, unknowns, work, edges, flux):
    """Largest deviation of any edge's flux from `flux`, relative."""
    potential, quasi_fermi = unknowns
    fill_occupations(problem, table, len(positions), potential, quasi_fermi, work)
    fill_fluxes(problem, positions, potential, quasi_fermi, work, edges)
    largest = everywhere(0.0)
    for i in range(len(positions) - 1):
        largest = most(largest, abs(edges[i, 0] - flux))
    return largest / abs(flux)


@compiled
def lead(problem, table, positions, drops, path, state, work, edges, blocks):
    """Lead the solution on one mesh from equilibrium through the drops, eight at a time.

    Eight targets are guessed from the last two solutions; those are kept that converge, up to the first that
    does not. Where none is kept, the targets move closer.

    Parameters
    ----------
    path : (drops, 2, nodes), filled here with potential and quasi-Fermi level at each drop
    state : (2, nodes, WIDTH) to work in

    Returns
    -------
    number of drops reached; none without an equilibrium
    """
    n, reached, reach = len(positions), 1, _FIRST_REACH
    potential, quasi_fermi = in_lanes(state[0]), in_lanes(state[1])
    unknowns = potential, quasi_fermi
    between = problem.injecting_level - problem.extracting_level
    for i in range(n):
        potential[i] = everywhere(-problem.injecting_level + positions[i] * between)
        quasi_fermi[i] = everywhere(0.0)
    rest = everywhere(0.0)
    if not in_all(
        solve_newton(problem, table, positions, rest, _TOLERANCE_AT_REST, 1.0, unknowns, work, edges, blocks)
    ):
        return 0
    now, before = np.empty((2, n)), np.empty((2, n))
    for c in range(2):
        for i in range(n):
            path[0, c, i] = now[c, i] = before[c, i] = state[c, i, 0]
    at, previous = 0.0, 0.0
    lanes = np.empty((2, WIDTH))
    aims, kept = lanes[0], lanes[1]
    while reached < len(drops):
        asked = set_aims(drops[reached:], at, reach, aims)
        aim = in_lanes(lanes)[0]
        # potentials follow the voltage, Fermi levels (logarithms of densities) its logarithm
        stretch, stretch_level = everywhere(0.0), everywhere(0.0)
        if at != previous:
            stretch = (aim - at) / (at - previous)
            log_at = math.log1p(abs(at))
            stretch_level = (log(1.0 + abs(aim)) - log_at) / (log_at - math.log1p(abs(previous)))
        for i in range(n):
            rise = now[0, i] - before[0, i]
            level_rise = now[1, i] - before[1, i] - rise
            potential[i] = now[0, i] + stretch * rise
            quasi_fermi[i] = potential[i] + (now[1, i] - now[0, i]) + stretch_level * level_rise
        converged = solve_newton(
            problem, table, positions, aim, _TOLERANCE_BETWEEN, 0.0, unknowns, work, edges, blocks
        )
        in_lanes(lanes)[1] = where(converged, 1.0, 0.0)
        in_a_row = 0
        while in_a_row < WIDTH and kept[in_a_row] > 0.0:
            in_a_row += 1
        if in_a_row == 0:
            reach = 0.5 * abs(aims[0] - at)
            if not reach >= _SMALLEST_REACH:
                return reached
            continue
        reach = abs(aims[in_a_row - 1] - at)
        if in_a_row == WIDTH:
            reach *= _REACH_GROWTH
        for k in range(in_a_row):
            if k < asked:
                for c in range(2):
                    for i in range(n):
                        path[reached, c, i] = state[c, i, k]
                reached += 1
            if k >= in_a_row - 2 and aims[k] != at:
                previous, at = at, aims[k]
                for c in range(2):
                    for i in range(n):
                        before[c, i], now[c, i] = now[c, i], state[c, i, k]
    return reached


@compiled
def set_aims(drops, at, reach, aims):
    """Eight targets: the drops still ahead within reach, the last one repeated; none there: steps on the way.

    Returns
    -------
    how many of them are drops
    """
    asked = 0
    step = reach / WIDTH if drops[0] > at else -reach / WIDTH
    for k in range(WIDTH):
        if k < len(drops) and abs(drops[k] - at) <= reach:
            aims[k] = drops[k]
            asked += 1
        else:
            aims[k] = aims[k - 1] if asked > 0 else at + step * (k + 1)
    return asked


def _entry(sources: str) -> Callable[..., None]:
    """The compiled sweep, with a cache on the disk.

    The compiler's cache looks at this function's own file and at its closure: `sources`, a checksum of every
    file that is compiled into it, keeps a changed equation from being answered by the old one.
    """

    @njit(cache=True, nogil=True, error_model="numpy")
    def solve_sweep(
        problem, table, positions, levels, tolerance, drops, flux, derivatives, variation, status
    ):
        """Flux at each drop of the quasi-Fermi level on each of the nested meshes.

        Parameters
        ----------
        problem : ScaledProblem
        table : OccupationTable, not looked at in classical statistics
        positions : (nodes,) of the finest mesh; every second node makes the next coarser one
        levels : number of meshes
        tolerance : of the last update in kT; the error left is of the order of its square
        drops : (n,) in kT, the first zero, the others of one sign and growing
        flux : (n, levels), filled here, coarse to fine
        derivatives : (n, finest levels, numbers), filled here in the order of `adjoint`; as many meshes and
            numbers as there is room for
        variation : (n, levels), filled here with the largest deviation of an edge's flux; (0, levels): not
            asked for
        status : (n,), filled here with one of the numbers above
        """
        status[:] = STUCK if len(sources) > 0 else NO_EQUILIBRIUM
        nodes, numbers = len(positions), derivatives.shape[2]
        state = np.empty((levels, 2, nodes, WIDTH))
        work = in_lanes(np.empty((nodes, 5, WIDTH)))
        edges = in_lanes(np.empty((nodes, 6, WIDTH)))
        blocks = in_lanes(np.empty((nodes, 8, WIDTH)))
        adjoint = in_lanes(np.empty((nodes, 2, WIDTH)))
        told = np.empty((4 + numbers, WIDTH))  # drop, solved, flux, variation, derivatives
        in_told = in_lanes(told)

        coarse = positions[:: 1 << (levels - 1)].copy()
        path = np.empty((len(drops), 2, len(coarse)))
        reached = lead(problem, table, coarse, drops, path, state[0], work, edges, blocks)
        if reached == 0:
            status[:] = NO_EQUILIBRIUM
        # the drops reached, eight by eight through all meshes; a last group is filled with its last one
        for start in range(0, reached, WIDTH):
            together = min(WIDTH, reached - start)
            for k in range(WIDTH):
                column = start + min(k, together - 1)
                told[0, k], told[1, k] = drops[column], 1.0
                for c in range(2):
                    for i in range(len(coarse)):
                        state[0, c, i, k] = path[column, c, i]
            for level in range(levels):
                mesh = positions[:: 1 << (levels - 1 - level)].copy()
                unknowns = in_lanes(state[level, 0]), in_lanes(state[level, 1])
                if level > 0:
                    before = in_lanes(state[level - 1, 0]), in_lanes(state[level - 1, 1])
                    refine(len(mesh) // 2 + 1, before, unknowns)
                solved = solve_newton(
                    problem, table, mesh, in_told[0], tolerance, 0.0, unknowns, work, edges, blocks
                )
                in_told[1] = where(solved, in_told[1], 0.0)
                in_told[2], edge = solved_flux(len(mesh), edges, blocks)
                differentiated = level - (levels - derivatives.shape[1])
                if numbers > 0 and differentiated >= 0:
                    flux_derivatives(problem, mesh, edge, unknowns, work, edges, blocks, adjoint, in_told[4:])
                if len(variation) > 0:
                    in_told[3] = flux_variation(problem, table, mesh, unknowns, work, edges, in_told[2])
                for k in range(together):
                    if told[1, k] > 0.0:
                        flux[start + k, level] = told[2, k]
                        if differentiated >= 0:
                            for number in range(numbers):
                                derivatives[start + k, differentiated, number] = told[4 + number, k]
                        if len(variation) > 0:
                            variation[start + k, level] = told[3, k]
            for k in range(together):
                if told[1, k] > 0.0:
                    status[start + k] = CONVERGED

    return solve_sweep


SOURCES = ("lanes.py", "equations.py", "newton.py", "adjoint.py", "sweep.py")
"""Every file with code that is compiled into the sweep."""


def _checksum() -> str:
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()


solve_sweep = _entry(_checksum())
