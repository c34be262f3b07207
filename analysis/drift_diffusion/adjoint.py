"""Derivatives of the flux in every number of a scaled problem, from one adjoint solution.

At a solution u of R(u, number) = 0 the flux F(u, number) changes by dF/d(number) - lambda dR/d(number), where
lambda solves the transposed linear system with dF/du on its right side: one back-substitution with Newton's
last factorisation, however many numbers there are.
"""

import math

from analysis.drift_diffusion.equations import EVEN_BELOW, compiled, edge_mobility, edge_state

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
def solve_adjoint(blocks, n, edge, adjoint):
    """Solve the transposed system for the flux through one edge; `blocks` as `newton_update` leaves them."""
    y0, y1 = 0.0, 0.0
    for i in range(n):
        r0, r1 = 0.0, 0.0
        if i == edge:
            r0, r1 = -blocks[i + 1, 10], -blocks[i + 1, 11]
        elif i == edge + 1:
            r0, r1 = blocks[edge, 6], blocks[edge, 7]
        if i > 0:
            k = i - 1
            r0 -= blocks[k, 4] * y0 + blocks[k, 6] * y1
            r1 -= blocks[k, 5] * y0 + blocks[k, 7] * y1
        y0 = blocks[i, 0] * r0 + blocks[i, 2] * r1
        y1 = blocks[i, 1] * r0 + blocks[i, 3] * r1
        adjoint[i, 0] = y0
        adjoint[i, 1] = y1
    for i in range(n - 2, -1, -1):
        j = i + 1
        w0 = blocks[j, 8] * adjoint[j, 0] + blocks[j, 10] * adjoint[j, 1]
        w1 = blocks[j, 9] * adjoint[j, 0] + blocks[j, 11] * adjoint[j, 1]
        adjoint[i, 0] -= blocks[i, 0] * w0 + blocks[i, 2] * w1
        adjoint[i, 1] -= blocks[i, 1] * w0 + blocks[i, 3] * w1


@compiled
def flux_derivatives(problem, positions, edge, potential, quasi_fermi, work, blocks, adjoint, derivatives):
    """Fill the derivatives of the flux through one edge, in the order above."""
    n = len(positions)
    last = n - 1
    solve_adjoint(blocks, n, edge, adjoint)
    derivatives[:] = 0.0
    derivatives[INJECTING_LEVEL] = -adjoint[0, 0]
    derivatives[EXTRACTING_LEVEL] = -adjoint[last, 0]
    derivatives[DROP] = -adjoint[last, 1]
    gaussian = len(problem.occupation_values) > 0
    for i in range(1, last):
        charge = 0.5 * problem.charge * (positions[i + 1] - positions[i - 1]) * work[i, 4]
        derivatives[LOG_CHARGE] += adjoint[i, 0] * charge
        derivatives[REDUCED_DISORDER] += adjoint[i, 0] * charge * work[i, 3]
    if problem.image_lowering > 0.0:
        for i, neighbour in ((0, 1), (last, last - 1)):
            spacing = abs(positions[neighbour] - positions[i])
            charge = 0.5 * problem.charge * spacing * work[i, 4]
            field = (potential[i] - potential[neighbour]) / spacing - charge
            width = math.sqrt(field * field + 1.0)
            root = math.sqrt(0.5 * (field + width))
            in_charge = -0.5 * problem.image_lowering * root / width * charge
            derivatives[IMAGE_LOWERING] -= adjoint[i, 0] * root
            derivatives[LOG_CHARGE] -= adjoint[i, 0] * in_charge
            derivatives[REDUCED_DISORDER] -= adjoint[i, 0] * in_charge * work[i, 3]

    for i in range(last):
        j = i + 1
        weight = 1.0 if i == edge else 0.0
        if i > 0:
            weight -= adjoint[i, 1]
        if j < last:
            weight += adjoint[j, 1]
        weighted = weight * blocks[i, 14]
        if weighted == 0.0:
            continue
        state = edge_state(problem, positions[j] - positions[i], potential, quasi_fermi, work, i)
        if problem.density_amplitude != 0.0:
            log_twice = math.log(2.0 * min(state.c, problem.density_cap))
            power = math.exp(problem.density_exponent * log_twice)
            derivatives[DENSITY_AMPLITUDE] += weighted * power
            derivatives[DENSITY_EXPONENT] += weighted * problem.density_amplitude * power * log_twice
        reduced = min(abs(state.field) / problem.field_scale, problem.field_cap)
        root = math.sqrt(1.0 + 0.8 * reduced * reduced)
        derivatives[FIELD_AMPLITUDE] += weighted * (root - 1.0)
        if reduced < problem.field_cap:
            derivatives[LOG_FIELD_SCALE] -= (
                weighted * problem.field_amplitude * 0.8 * reduced * reduced / root
            )
        derivatives[FRENKEL_SLOPE] += weighted * (math.sqrt(math.sqrt(state.field * state.field + 1.0)) - 1.0)
        _, in_density, in_field = edge_mobility(problem, state.c, state.field)
        in_rise = -(1.0 + in_field * state.field) * state.inverse_rise
        derivatives[LOG_CHARGE] += weighted * in_rise * state.rise
        if gaussian:
            derivatives[REDUCED_DISORDER] += weighted * log_flux_in_disorder(
                state, work, i, in_density, in_rise
            )


@compiled
def log_flux_in_disorder(state, work, i, in_density, in_rise):
    """Derivative of ln |flux| through one edge in s by way of the occupations, the Fermi levels held."""
    j = i + 1
    log_rise = work[j, 0] - work[i, 0]
    log_g = -(work[j, 3] - work[i, 3]) / log_rise if abs(log_rise) > EVEN_BELOW else 0.0
    in_log_c = in_density + in_rise * state.rise
    in_t = state.bracket_in_t / state.bracket + in_log_c * state.c_in_t + in_rise * state.rise_in_t
    by_node = state.out / state.bracket * work[i, 3] - state.back / state.bracket * work[j, 3]
    by_density = in_log_c * (state.share_i * work[i, 3] + state.share_j * work[j, 3])
    return by_node + by_density + log_g * (1.0 - in_rise * state.rise - in_t * state.t)
