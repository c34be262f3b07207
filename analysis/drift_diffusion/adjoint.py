"""Derivatives of the flux in every number of a scaled problem, from one adjoint solution.

At a solution u of R(u, number) = 0 the flux F(u, number) changes by dF/d(number) - lambda dR/d(number), where
lambda solves the transposed linear system with dF/du on its right side: one back-substitution with Newton's
last factorisation, however many numbers there are.
"""

import math

from analysis.drift_diffusion.equations import EVEN_BELOW, edge_mobility, edge_state, node_at
from analysis.drift_diffusion.lanes import compiled, everywhere, exp, least, log, where

# the order of the derivatives
(
    LOG_CHARGE,
    INJECTING_LEVEL,
    EXTRACTING_LEVEL,
    DROP,
    DENSITY_AMPLITUDE,
    DENSITY_EXPONENT,
    FIELD_AMPLITUDE,
    LOG_FIELD_SCALE,
    FRENKEL_SLOPE,
    REDUCED_DISORDER,
    IMAGE_LOWERING,
) = range(11)
NUMBERS = 11


@compiled
def is_at(edge, i):
    return abs(edge - i) < 0.5


@compiled
def solve_adjoint(n, edge, edges, blocks, adjoint):
    """Solve the transposed system of n nodes for the flux through one edge, after `newton.solve_newton`."""
    y0, y1 = everywhere(0.0), everywhere(0.0)
    for i in range(n):
        r0, r1 = everywhere(0.0), everywhere(0.0)
        if i < n - 1:
            at_edge = is_at(edge, i)
            r0, r1 = where(at_edge, edges[i, 1], 0.0), where(at_edge, edges[i, 3], 0.0)
        if i > 0:
            after = is_at(edge, i - 1)
            r0 = r0 + where(after, edges[i - 1, 2], 0.0) - blocks[i - 1, 5] * y0
            r1 = r1 + where(after, edges[i - 1, 4], 0.0)
        if i > 1:
            r0 = r0 - edges[i - 1, 2] * y1
            r1 = r1 - edges[i - 1, 4] * y1
        y0, y1 = blocks[i, 0] * r0 + blocks[i, 2] * r1, blocks[i, 1] * r0 + blocks[i, 3] * r1
        adjoint[i, 0], adjoint[i, 1] = y0, y1
    for i in range(n - 2, -1, -1):
        j = i + 1
        w0, w1 = blocks[j, 4] * adjoint[j, 0], everywhere(0.0)
        if j < n - 1:
            w0 = w0 - edges[i, 1] * adjoint[j, 1]
            w1 = -edges[i, 3] * adjoint[j, 1]
        adjoint[i, 0] = adjoint[i, 0] - blocks[i, 0] * w0 - blocks[i, 2] * w1
        adjoint[i, 1] = adjoint[i, 1] - blocks[i, 1] * w0 - blocks[i, 3] * w1


@compiled
def flux_derivatives(problem, positions, edge, unknowns, work, edges, blocks, adjoint, derivatives):
    """Fill the derivatives of the flux through one edge, in the order above."""
    potential, quasi_fermi = unknowns
    n = len(positions)
    last = n - 1
    solve_adjoint(n, edge, edges, blocks, adjoint)
    for number in range(NUMBERS):
        derivatives[number] = everywhere(0.0)
    derivatives[INJECTING_LEVEL] = -adjoint[0, 0]
    derivatives[EXTRACTING_LEVEL] = -adjoint[last, 0]
    derivatives[DROP] = -adjoint[last, 1]
    in_charge, in_disorder = everywhere(0.0), everywhere(0.0)
    for i in range(1, last):
        charge = 0.5 * problem.charge * (positions[i + 1] - positions[i - 1]) * work[i, 4]
        in_charge = in_charge + adjoint[i, 0] * charge
        in_disorder = in_disorder + adjoint[i, 0] * charge * work[i, 3]
    if problem.image_lowering > 0.0:
        for i, neighbour in ((0, 1), (last, last - 1)):
            spacing = abs(positions[neighbour] - positions[i])
            charge = 0.5 * problem.charge * spacing * work[i, 4]
            field = (potential[i] - potential[neighbour]) / spacing - charge
            width = math.sqrt(field * field + 1.0)
            root = math.sqrt(0.5 * (field + width))
            raised = -0.5 * problem.image_lowering * root / width * charge
            derivatives[IMAGE_LOWERING] = derivatives[IMAGE_LOWERING] - adjoint[i, 0] * root
            in_charge = in_charge - adjoint[i, 0] * raised
            in_disorder = in_disorder - adjoint[i, 0] * raised * work[i, 3]

    in_amplitude, in_exponent = everywhere(0.0), everywhere(0.0)
    in_field_amplitude, in_scale, in_frenkel = everywhere(0.0), everywhere(0.0), everywhere(0.0)
    there = node_at(potential, quasi_fermi, work, 0)
    for i in range(last):
        j = i + 1
        weight = where(is_at(edge, i), 1.0, 0.0)
        if i > 0:
            weight = weight - adjoint[i, 1]
        if j < last:
            weight = weight + adjoint[j, 1]
        weighted = weight * edges[i, 0]
        here, there = there, node_at(potential, quasi_fermi, work, j)
        state = edge_state(problem, positions[j] - positions[i], here, there)
        if problem.density_amplitude != 0.0:
            log_twice = log(2.0 * least(state.c, problem.density_cap))
            power = exp(problem.density_exponent * log_twice)
            in_amplitude = in_amplitude + weighted * power
            in_exponent = in_exponent + weighted * problem.density_amplitude * power * log_twice
        reduced = abs(state.field) * (1.0 / problem.field_scale)
        capped = least(reduced, problem.field_cap)
        root = math.sqrt(1.0 + 0.8 * capped * capped)
        in_field_amplitude = in_field_amplitude + weighted * (root - 1.0)
        by_scale = weighted * problem.field_amplitude * 0.8 * capped * capped / root
        in_scale = in_scale - where(reduced < problem.field_cap, by_scale, 0.0)
        rounded = math.sqrt(math.sqrt(state.field * state.field + 1.0))
        in_frenkel = in_frenkel + weighted * (rounded - 1.0)
        _, in_density, in_field = edge_mobility(problem, state.c, state.field)
        in_rise = -(1.0 + in_field * state.field) * state.inverse_rise
        in_charge = in_charge + weighted * in_rise * state.rise
        if problem.gaussian:
            by_disorder = log_flux_in_disorder(state, here, there, in_density, in_rise)
            in_disorder = in_disorder + weighted * by_disorder
    derivatives[LOG_CHARGE] = in_charge
    derivatives[REDUCED_DISORDER] = in_disorder
    derivatives[DENSITY_AMPLITUDE] = in_amplitude
    derivatives[DENSITY_EXPONENT] = in_exponent
    derivatives[FIELD_AMPLITUDE] = in_field_amplitude
    derivatives[LOG_FIELD_SCALE] = in_scale
    derivatives[FRENKEL_SLOPE] = in_frenkel


@compiled
def log_flux_in_disorder(state, here, there, in_density, in_rise):
    """Derivative of ln |flux| through one edge in s by way of the occupations, the Fermi levels held."""
    log_rise = there.log_c - here.log_c
    even = abs(log_rise) < EVEN_BELOW
    log_g = where(even, 0.0, (here.in_disorder - there.in_disorder) / where(even, 1.0, log_rise))
    in_log_c = in_density + in_rise * state.rise
    in_t = state.bracket_in_t / state.bracket + in_log_c * state.c_in_t + in_rise * state.rise_in_t
    by_node = (state.out * here.in_disorder - state.back * there.in_disorder) / state.bracket
    by_density = in_log_c * (state.share_i * here.in_disorder + state.share_j * there.in_disorder)
    return by_node + by_density + log_g * (1.0 - in_rise * state.rise - in_t * state.t)
