"""Newton's method on one mesh: assembly and block elimination in one sweep."""

import math

import numpy as np

from analysis.drift_diffusion.equations import compiled, edge_flux, fill_occupations

_EQUILIBRIUM_TOLERANCE = 1e-5  # in kT
_MOST_ITERATIONS = 14
_MOST_EQUILIBRIUM_ITERATIONS = 200
_LARGEST_UPDATE = 60.0
_LEAST_SHARE = 0.02  # of an occupation that one step may leave


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
        return residual, 1.0, 0.0, -1.0
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
def logarithmic_bend(change):
    """What turns a step of ln c into the step of c that Newton's method means: ln(1 + change) - change.

    The flux is linear in c: where a contact empties a layer, a step in c arrives at once and one in ln c
    takes many.
    """
    if abs(change) < 1e-4:
        return -0.5 * change * change
    if change > _LEAST_SHARE - 1.0:
        return math.log1p(change) - change
    return math.log(_LEAST_SHARE) - change


@compiled
def newton_update(problem, positions, drop, in_densities, potential, quasi_fermi, work, blocks):
    """One Newton update in place of the two unknowns; `blocks` keeps the factorisation.

    Columns of `blocks` per node: 0-3 inverse pivot, 4-7 upper block, 8-11 lower block, 12-13 right side and
    then the update, 14 flux to the next node, 15 its one-way part. `in_densities` is 1 to step in densities,
    0 in Fermi levels.

    Returns
    -------
    largest update in kT
    """
    n = len(positions)
    last = n - 1
    fill_occupations(problem, potential, quasi_fermi, work)
    spacing, inverse, field, flux = 0.0, 0.0, 0.0, 0.0
    p_i, p_j, f_i, f_j = 0.0, 0.0, 0.0, 0.0
    for i in range(last):
        next_spacing = positions[i + 1] - positions[i]
        next_inverse = 1.0 / next_spacing
        next_field = (potential[i] - potential[i + 1]) * next_inverse
        next_flux, q_i, q_j, g_i, g_j = edge_flux(problem, next_spacing, potential, quasi_fermi, work, i)
        blocks[i, 14] = next_flux
        blocks[i, 15] = abs(g_i) + abs(g_j)
        if i == 0:
            # rows: contact equation; the injecting contact holds the quasi-Fermi level at zero
            residual, in_own, in_next, in_fermi = contact_equation(
                problem, next_spacing, problem.injecting_level, potential, quasi_fermi, work, 0, 1
            )
            blocks[0, 0], blocks[0, 1] = 1.0 / in_own, -in_fermi / in_own
            blocks[0, 2], blocks[0, 3] = 0.0, 1.0
            blocks[0, 4], blocks[0, 5], blocks[0, 6], blocks[0, 7] = in_next, 0.0, 0.0, 0.0
            blocks[0, 12], blocks[0, 13] = -residual, -quasi_fermi[0]
            spacing, inverse, field, flux = next_spacing, next_inverse, next_field, next_flux
            p_i, p_j, f_i, f_j = q_i, q_j, g_i, g_j
            continue
        charge = 0.5 * problem.charge * (spacing + next_spacing) * work[i, 4]
        in_level = charge * work[i, 1]
        # rows: next_field - field - charge = 0; next_flux - flux = 0
        l00, l01, l10, l11 = -inverse, 0.0, -p_i, -f_i
        d00, d01 = inverse + next_inverse + in_level, -in_level
        d10, d11 = q_i - p_j, g_i - f_j
        r0, r1 = -(next_field - field - charge), -(next_flux - flux)
        # eliminate the node before
        a00, a01, a10, a11 = blocks[i - 1, 0], blocks[i - 1, 1], blocks[i - 1, 2], blocks[i - 1, 3]
        m00, m01 = l00 * a00 + l01 * a10, l00 * a01 + l01 * a11
        m10, m11 = l10 * a00 + l11 * a10, l10 * a01 + l11 * a11
        u00, u01, u10, u11 = blocks[i - 1, 4], blocks[i - 1, 5], blocks[i - 1, 6], blocks[i - 1, 7]
        d00 -= m00 * u00 + m01 * u10
        d01 -= m00 * u01 + m01 * u11
        d10 -= m10 * u00 + m11 * u10
        d11 -= m10 * u01 + m11 * u11
        blocks[i, 12] = r0 - m00 * blocks[i - 1, 12] - m01 * blocks[i - 1, 13]
        blocks[i, 13] = r1 - m10 * blocks[i - 1, 12] - m11 * blocks[i - 1, 13]
        determinant = 1.0 / (d00 * d11 - d01 * d10)
        blocks[i, 0] = d11 * determinant
        blocks[i, 1] = -d01 * determinant
        blocks[i, 2] = -d10 * determinant
        blocks[i, 3] = d00 * determinant
        blocks[i, 4] = -next_inverse
        blocks[i, 5] = 0.0
        blocks[i, 6] = q_j
        blocks[i, 7] = g_j
        blocks[i, 8] = l00
        blocks[i, 9] = l01
        blocks[i, 10] = l10
        blocks[i, 11] = l11
        spacing, inverse, field, flux = next_spacing, next_inverse, next_field, next_flux
        p_i, p_j, f_i, f_j = q_i, q_j, g_i, g_j

    residual, in_own, in_before, in_fermi = contact_equation(
        problem, spacing, problem.extracting_level, potential, quasi_fermi, work, last, last - 1
    )
    a00, a01, a10, a11 = blocks[last - 1, 0], blocks[last - 1, 1], blocks[last - 1, 2], blocks[last - 1, 3]
    m00, m01 = in_before * a00, in_before * a01
    d00 = in_own - (m00 * blocks[last - 1, 4] + m01 * blocks[last - 1, 6])
    d01 = in_fermi - (m00 * blocks[last - 1, 5] + m01 * blocks[last - 1, 7])
    blocks[last, 0] = 1.0 / d00
    blocks[last, 1] = -d01 / d00
    blocks[last, 2] = 0.0
    blocks[last, 3] = 1.0
    blocks[last, 8] = in_before
    blocks[last, 9] = 0.0
    blocks[last, 10] = 0.0
    blocks[last, 11] = 0.0
    blocks[last, 12] = -residual - m00 * blocks[last - 1, 12] - m01 * blocks[last - 1, 13]
    blocks[last, 13] = -(quasi_fermi[last] + drop)

    largest = 0.0
    x0, x1 = 0.0, 0.0
    for i in range(last, -1, -1):
        r0, r1 = blocks[i, 12], blocks[i, 13]
        if i < last:
            r0 -= blocks[i, 4] * x0 + blocks[i, 5] * x1
            r1 -= blocks[i, 6] * x0 + blocks[i, 7] * x1
        x0 = blocks[i, 0] * r0 + blocks[i, 1] * r1
        x1 = blocks[i, 2] * r0 + blocks[i, 3] * r1
        blocks[i, 12], blocks[i, 13] = x0, x1
        bend = in_densities * logarithmic_bend((x1 - x0) * work[i, 1])
        potential[i] += x0
        quasi_fermi[i] += x1 + bend
        size = max(abs(x0), abs(x1 + bend))
        if not size < largest:
            largest = size
    return largest


@compiled
def solve_newton(problem, positions, drop, tolerance, potential, quasi_fermi, work, blocks):
    """Newton's method from a good guess; True once an update stays below the tolerance."""
    before = np.inf
    for _ in range(_MOST_ITERATIONS):
        size = newton_update(problem, positions, drop, 1.0, potential, quasi_fermi, work, blocks)
        if not size < _LARGEST_UPDATE or (size > 1.0 and size > 4.0 * before):
            return False
        if size < tolerance:
            return True
        before = size
    return False


@compiled
def solve_equilibrium(problem, positions, potential, quasi_fermi, work, blocks):
    """The potential at zero voltage, from nothing.

    With a flat quasi-Fermi level no flux flows whatever the potential: Newton's updates leave the level
    alone, the mobility plays no part, and what remains is Poisson's equation, whose updates in the potential
    converge from any guess.
    """
    for i in range(len(positions)):
        quasi_fermi[i] = 0.0
        potential[i] = -problem.injecting_level + positions[i] * (
            problem.injecting_level - problem.extracting_level
        )
    for _ in range(_MOST_EQUILIBRIUM_ITERATIONS):
        size = newton_update(problem, positions, 0.0, 0.0, potential, quasi_fermi, work, blocks)
        quasi_fermi[:] = 0.0
        if size < _EQUILIBRIUM_TOLERANCE:
            return True
    return False
