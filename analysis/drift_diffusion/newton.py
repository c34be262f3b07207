"""Newton's method on one mesh: fluxes, block elimination, back-substitution; eight voltages at once."""

import math

import numpy as np

from analysis.drift_diffusion.equations import edge_flux, fill_occupations, node_at
from analysis.drift_diffusion.lanes import compiled, everywhere, in_all, log, most, where

_MOST_ITERATIONS = 14
_MOST_AT_REST = 200
_LARGEST_UPDATE = 300.0
_LEAST_SHARE = 0.02  # of an occupation that one step may leave
_LOG_LEAST_SHARE = math.log(_LEAST_SHARE)


@compiled
def contact_equation(problem, spacing, level, potential, quasi_fermi, work, i, neighbour):
    """Potential at contact node i against its Fermi level, zero where they agree.

    With an image force the level rises by image_lowering sqrt(field at the contact) while that pulls carriers
    out.

    Returns
    -------
    residual, and its slopes in the potential, the neighbour's potential and the quasi-Fermi level
    """
    residual = potential[i] + level - quasi_fermi[i]
    if problem.image_lowering == 0.0:
        return residual, everywhere(1.0), everywhere(0.0), everywhere(-1.0)
    charge = 0.5 * problem.charge * spacing * work[i, 4]
    field = (potential[i] - potential[neighbour]) / spacing - charge
    width = math.sqrt(field * field + 1.0)
    raised = problem.image_lowering * math.sqrt(0.5 * (field + width))
    in_field = 0.5 * raised / width
    in_level = charge * work[i, 1]
    return (
        residual + raised,
        1.0 + in_field * (1.0 / spacing + in_level),
        -in_field / spacing,
        -1.0 - in_field * in_level,
    )


@compiled
def density_step(change):
    """The step of ln c with which c makes the step that Newton's method means: ln(1 + change).

    The flux is linear in c: where a contact empties a layer, a step in c arrives at once and one in ln c
    takes many.
    """
    left = change > _LEAST_SHARE - 1.0
    step = where(left, log(where(left, 1.0 + change, 1.0)), _LOG_LEAST_SHARE)
    return where(abs(change) < 1e-4, change - 0.5 * change * change, step)


@compiled
def fill_fluxes(problem, positions, potential, quasi_fermi, work, edges):
    """Per edge: flux, its slopes in potential i and j and in quasi-Fermi level i and j, one-way flux."""
    there = node_at(potential, quasi_fermi, work, 0)
    for i in range(len(positions) - 1):
        here, there = there, node_at(potential, quasi_fermi, work, i + 1)
        flux, p_i, p_j, f_i, f_j = edge_flux(problem, positions[i + 1] - positions[i], here, there)
        edges[i, 0] = flux
        edges[i, 1] = p_i
        edges[i, 2] = p_j
        edges[i, 3] = f_i
        edges[i, 4] = f_j
        edges[i, 5] = abs(f_i) + abs(f_j)


@compiled
def inverse_of(d00, d01, d10, d11):
    """Inverse of a block of two by two, row by row."""
    per_determinant = 1.0 / (d00 * d11 - d01 * d10)
    return d11 * per_determinant, -d01 * per_determinant, -d10 * per_determinant, d00 * per_determinant


@compiled
def eliminate(problem, positions, drop, potential, quasi_fermi, work, edges, blocks):
    """Block elimination from the injecting contact to the other.

    Rows of an inner node i are next_field - field - charge = 0, Poisson's, and next_flux - flux = 0. Its
    lower block is (-1/spacing, 0; minus the slopes of the flux in node i - 1), its upper block
    (-1/next_spacing, 0; slopes of the next flux in node i + 1). Rows of a contact are its equation and its
    quasi-Fermi level.

    Columns of `blocks` per node: 0-3 inverse pivot, 4-5 corner of the lower and of the upper block, 6-7 right
    side and, after `substitute_back`, the update.
    """
    last = len(positions) - 1
    spacing = positions[1] - positions[0]
    residual, in_own, in_next, in_fermi = contact_equation(
        problem, spacing, problem.injecting_level, potential, quasi_fermi, work, 0, 1
    )
    a00, a01, a10, a11 = inverse_of(in_own, in_fermi, everywhere(0.0), everywhere(1.0))
    u00, u10, u11 = in_next, everywhere(0.0), everywhere(0.0)
    r0, r1 = -residual, -quasi_fermi[0]
    lower = everywhere(0.0)
    inverse = 1.0 / spacing
    field = (potential[0] - potential[1]) * inverse
    for i in range(last):
        if i > 0:
            next_spacing = positions[i + 1] - positions[i]
            next_inverse = 1.0 / next_spacing
            next_field = (potential[i] - potential[i + 1]) * next_inverse
            charge = 0.5 * problem.charge * (spacing + next_spacing) * work[i, 4]
            in_level = charge * work[i, 1]
            l10, l11 = -edges[i - 1, 1], -edges[i - 1, 3]
            m00, m01 = -inverse * a00, -inverse * a01
            m10, m11 = l10 * a00 + l11 * a10, l10 * a01 + l11 * a11
            r0, r1 = (
                field + charge - next_field - m00 * r0 - m01 * r1,
                edges[i - 1, 0] - edges[i, 0] - m10 * r0 - m11 * r1,
            )
            a00, a01, a10, a11 = inverse_of(
                inverse + next_inverse + in_level - m00 * u00 - m01 * u10,
                -in_level - m01 * u11,
                edges[i, 1] - edges[i - 1, 2] - m10 * u00 - m11 * u10,
                edges[i, 3] - edges[i - 1, 4] - m11 * u11,
            )
            lower = everywhere(-inverse)
            u00, u10, u11 = everywhere(-next_inverse), edges[i, 2], edges[i, 4]
            spacing, inverse, field = next_spacing, next_inverse, next_field
        blocks[i, 0], blocks[i, 1], blocks[i, 2], blocks[i, 3] = a00, a01, a10, a11
        blocks[i, 4], blocks[i, 5], blocks[i, 6], blocks[i, 7] = lower, u00, r0, r1

    residual, in_own, in_before, in_fermi = contact_equation(
        problem, spacing, problem.extracting_level, potential, quasi_fermi, work, last, last - 1
    )
    m00, m01 = in_before * a00, in_before * a01
    a00, a01, a10, a11 = inverse_of(
        in_own - m00 * u00 - m01 * u10, in_fermi - m01 * u11, everywhere(0.0), everywhere(1.0)
    )
    blocks[last, 0], blocks[last, 1], blocks[last, 2], blocks[last, 3] = a00, a01, a10, a11
    blocks[last, 4], blocks[last, 5] = in_before, everywhere(0.0)
    blocks[last, 6], blocks[last, 7] = -residual - m00 * r0 - m01 * r1, -(quasi_fermi[last] + drop)


@compiled
def substitute_back(last, at_rest, edges, work, potential, quasi_fermi, blocks):
    """Update the unknowns in place, from the last node on; the largest update in kT."""
    largest, x0, x1 = everywhere(0.0), everywhere(0.0), everywhere(0.0)
    for i in range(last, -1, -1):
        r0, r1 = blocks[i, 6] - blocks[i, 5] * x0, blocks[i, 7]
        if 0 < i < last:
            r1 = r1 - edges[i, 2] * x0 - edges[i, 4] * x1
        x0, x1 = blocks[i, 0] * r0 + blocks[i, 1] * r1, blocks[i, 2] * r0 + blocks[i, 3] * r1
        blocks[i, 6], blocks[i, 7] = x0, x1
        potential[i] = potential[i] + x0
        size = abs(x0)
        if at_rest == 0.0:
            in_log_c = (x1 - x0) * work[i, 1]
            fermi_step = x0 + (x1 - x0 - in_log_c) + density_step(in_log_c)
            quasi_fermi[i] = quasi_fermi[i] + fermi_step
            size = most(size, abs(fermi_step))
        largest = where(size < largest, largest, size)  # what is no number stays
    return largest


@compiled
def solve_newton(problem, table, positions, drop, tolerance, at_rest, unknowns, work, edges, blocks):
    """Newton's method from good guesses; `edges` and `blocks` keep the last linear system.

    With a flat quasi-Fermi level no flux flows whatever the potential: the updates leave the level alone, the
    mobility plays no part, and what remains is Poisson's equation, whose updates in the potential converge
    from any guess.

    Parameters
    ----------
    tolerance : of the last update in kT
    at_rest : 1 to hold the quasi-Fermi level, else 0

    Returns
    -------
    in which lanes an update came below the tolerance
    """
    potential, quasi_fermi = unknowns
    before = everywhere(np.inf)
    converged = before < 0.0
    failed = converged
    for _ in range(_MOST_ITERATIONS if at_rest == 0.0 else _MOST_AT_REST):
        fill_occupations(problem, table, len(positions), potential, quasi_fermi, work)
        fill_fluxes(problem, positions, potential, quasi_fermi, work, edges)
        eliminate(problem, positions, drop, potential, quasi_fermi, work, edges, blocks)
        size = substitute_back(len(positions) - 1, at_rest, edges, work, potential, quasi_fermi, blocks)
        if at_rest == 0.0:
            astray = ~(size < _LARGEST_UPDATE) | ((size > 1.0) & (size > 4.0 * before))
            failed = failed | (astray & ~converged)
        converged = converged | ((size < tolerance) & ~failed)
        before = size
        if in_all(converged | failed):
            break
    return converged
