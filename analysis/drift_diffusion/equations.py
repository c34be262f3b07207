"""The discrete equations: finite volumes with the diffusion-enhanced Scharfetter-Gummel flux.

Unknowns at each node, both in kT: the electric potential and the quasi-Fermi level; their difference is the
Fermi level within the density of states, and with it the occupation c. Positions are in film thicknesses,
densities in sites, mobilities in the mobility at zero density and field. All but positions and the problem's
own numbers are `Lanes`: eight voltages at once.
"""

import math
from typing import NamedTuple

from analysis.drift_diffusion.lanes import (
    compiled,
    everywhere,
    exp,
    growth,
    inlined,
    least,
    log,
    row_of_four,
    where,
)

_SERIES_BELOW = 0.1  # Bernoulli's function by its series below this argument
EVEN_BELOW = 1e-5  # two occupations so close in their logarithm share one diffusion enhancement


class ScaledProblem(NamedTuple):
    """One device at one temperature, free of units."""

    charge: float  # q site_density thickness² / (permittivity kT/q)
    injecting_level: (
        float  # Fermi level at the contacts, in kT from the Gaussian's centre or, classically, ln c
    )
    extracting_level: float
    image_lowering: float  # of a barrier, in kT at unit field
    density_amplitude: float
    density_exponent: float
    density_cap: float
    field_amplitude: float
    field_scale: float  # in kT/q per thickness
    field_cap: float
    frenkel_slope: float
    reduced_disorder: float
    gaussian: bool  # statistics; otherwise classical


class Node(NamedTuple):
    """What the edges ask of a node."""

    potential: float
    quasi_fermi: float
    log_c: float  # ln of the occupation, its first and second slope in the Fermi level, its slope in s
    slope: float
    curvature: float
    in_disorder: float
    c: float


@inlined
def bernoulli(t):
    """B(t) = t/(exp(t) - 1) and what goes with it, each without cancellation.

    Returns
    -------
    B(t), B(-t), dB/dt; 1/(1 + exp(t/2)); and [coth(t/2) - 2/t]/t with its slope
    """
    half = exp(-0.5 * abs(t))
    upper = 1.0 / (1.0 + half)
    positive = t > 0.0
    share = where(positive, half * upper, upper)

    near = abs(t) < _SERIES_BELOW
    inverse_t = 1.0 / where(near, 1.0, t)
    larger = abs(t) * upper / where(near, 1.0, 1.0 - half)
    smaller = larger * half * half
    forward = where(positive, smaller, larger)
    backward = where(positive, larger, smaller)
    slope = forward * (1.0 - backward) * inverse_t
    shape = (forward + backward - 2.0) * inverse_t * inverse_t
    shape_slope = ((2.0 * slope + 1.0) * inverse_t - 2.0 * shape) * inverse_t

    square = t * t
    even = 1.0 + square * (1.0 / 12.0 - square * (1.0 / 720.0 - square / 30240.0))
    return (
        where(near, even - 0.5 * t, forward),
        where(near, even + 0.5 * t, backward),
        where(near, -0.5 + t * (1.0 / 6.0 - square * (1.0 / 180.0 - square / 5040.0)), slope),
        share,
        where(near, 1.0 / 6.0 - square * (1.0 / 360.0 - square / 15120.0), shape),
        where(near, -t * (1.0 / 180.0 - square / 3780.0), shape_slope),
    )


@inlined
def occupation(problem, table, level):
    """ln c, its first and second slope in the Fermi level, and its slope in the reduced disorder."""
    s = problem.reduced_disorder
    values, h = table.values, table.step
    place = (level - table.start) / h
    below = ~(place > 0.0)
    k = math.floor(where(below, 0.0, least(place, len(values) - 2.0)))
    u = place - k
    w = 1.0 - u
    y0, d0, s0, m0 = row_of_four(values, k)
    y1, d1, s1, m1 = row_of_four(values, k + 1.0)
    own, own_slope = w * w * (1.0 + 2.0 * u), w * w * u * h
    other, other_slope = u * u * (3.0 - 2.0 * u), u * u * w * h
    value = own * y0 + own_slope * d0 + other * y1 - other_slope * d1
    in_disorder = own * s0 + own_slope * m0 + other * s1 - other_slope * m1
    slope = 6.0 * u * w * (y1 - y0) / h + w * (1.0 - 3.0 * u) * d0 + u * (3.0 * u - 2.0) * d1
    curvature = (6.0 * (w - u) * (y1 - y0) / h + (6.0 * u - 4.0) * d0 + (6.0 * u - 2.0) * d1) / h
    return (
        where(below, level + 0.5 * s * s, value),
        where(below, 1.0, slope),
        where(below, 0.0, curvature),
        where(below, s, in_disorder),
    )


@compiled
def fill_occupations(problem, table, n, potential, quasi_fermi, work):
    """For each of n nodes: ln c, slope, curvature, slope in s, and c."""
    for i in range(n):
        log_c = quasi_fermi[i] - potential[i]
        slope, curvature, in_disorder = everywhere(1.0), everywhere(0.0), everywhere(0.0)
        if problem.gaussian:
            log_c, slope, curvature, in_disorder = occupation(problem, table, log_c)
        work[i, 0], work[i, 1], work[i, 2], work[i, 3] = log_c, slope, curvature, in_disorder
        work[i, 4] = exp(log_c)


@inlined
def node_at(potential, quasi_fermi, work, i):
    return Node(potential[i], quasi_fermi[i], work[i, 0], work[i, 1], work[i, 2], work[i, 3], work[i, 4])


@compiled
def edge_density(c_i, c_j, other):
    """Occupation in the middle of an edge, between the same flux on either side of it.

    Boltzmann's exp(t/2) at rest, the mean without a field, the upstream one in a strong field: an average of
    the nodes' logarithms instead would empty the last cell before a contact and let its mobility rule the
    current.

    Parameters
    ----------
    c_i, c_j : occupations at its ends
    other : 1/(1 + exp(t/2)), the weight of c_j

    Returns
    -------
    c, and the shares of c_i, c_j and t in a change of its logarithm: d ln c = share_i d ln c_i + share_j d ln
    c_j + slope dt
    """
    weight = 1.0 - other
    from_i, from_j = weight * c_i, other * c_j
    c = from_i + from_j
    inverse = 1.0 / c
    return c, from_i * inverse, from_j * inverse, 0.5 * weight * other * (c_i - c_j) * inverse


@inlined
def edge_mobility(problem, c, field):
    """ln mobility of an edge and its slopes in ln c and in the field."""
    density_part, in_density = everywhere(0.0), everywhere(0.0)
    if problem.density_amplitude != 0.0:
        power = exp(problem.density_exponent * log(2.0 * least(c, problem.density_cap)))
        density_part = problem.density_amplitude * power
        in_density = where(c < problem.density_cap, problem.density_exponent * density_part, 0.0)
    inverse_scale = 1.0 / problem.field_scale
    reduced = abs(field) * inverse_scale
    capped = least(reduced, problem.field_cap)
    root = math.sqrt(1.0 + 0.8 * capped * capped)
    field_part = problem.field_amplitude * (root - 1.0)
    in_reduced = problem.field_amplitude * 0.8 * inverse_scale * inverse_scale
    in_field = where(reduced < problem.field_cap, in_reduced * field / root, 0.0)
    if problem.frenkel_slope != 0.0:
        # sqrt(field) rounded off below one kT/q per film thickness, where its slope has no bound
        rounded = math.sqrt(math.sqrt(field * field + 1.0))
        field_part = field_part + problem.frenkel_slope * (rounded - 1.0)
        in_field = in_field + 0.5 * problem.frenkel_slope * field / (rounded * rounded * rounded)
    return density_part + field_part, in_density, in_field


@inlined
def mean_enhancement(here, there, level_rise):
    """Rise of the Fermi level over that of ln c along an edge, with its slopes in the two Fermi levels."""
    rise = there.log_c - here.log_c
    even = abs(rise) < EVEN_BELOW
    per_rise = 1.0 / where(even, 1.0, rise)
    g = where(even, 2.0 / (here.slope + there.slope), level_rise * per_rise)
    in_slope = -0.5 * g * g
    return (
        g,
        where(even, in_slope * here.curvature, (g * here.slope - 1.0) * per_rise),
        where(even, in_slope * there.curvature, (1.0 - g * there.slope) * per_rise),
    )


class EdgeState(NamedTuple):
    """What an edge's flux is made of; see `edge_flux`."""

    inverse_spacing: float
    g: float  # mean diffusion enhancement, its inverse, and its slopes in the two Fermi levels
    inverse_g: float
    g_i: float
    g_j: float
    t: float  # drop of the potential over g
    out: float  # one-way fluxes at unit mobility over g, their difference, and its slope in t
    back: float
    bracket: float
    bracket_in_t: float
    c: float  # density, see `edge_density`
    share_i: float
    share_j: float
    c_in_t: float
    rise: float  # see `edge_state`
    rise_in_t: float
    inverse_rise: float  # 1/(1 + rise)
    field: float


@inlined
def edge_state(problem, spacing, here, there):
    """The edge from one node to the next.

    `rise` is how far the charge within the edge bends its potential, as the flux feels it. The flux between
    two nodes is the drop of c exp(potential/g) over the integral of exp(potential/g)/mobility. A charge c
    adds a parabola to the linear potential; to first order the integral grows by 1 + rise, rise = charge c
    spacing²/2g [coth(t/2) - 2/t]/t, and its weight moves to where the field is the mean over 1 + rise.
    Without it the flux in a strong field is that of the upstream node at the field of the middle: of first
    order only.
    """
    inverse_spacing = 1.0 / spacing
    drop = here.potential - there.potential
    fermi_drop = here.quasi_fermi - there.quasi_fermi
    g, g_i, g_j, inverse_g = everywhere(1.0), everywhere(0.0), everywhere(0.0), everywhere(1.0)
    if problem.gaussian:
        g, g_i, g_j = mean_enhancement(here, there, drop - fermi_drop)
        inverse_g = 1.0 / g
    t = drop * inverse_g
    forward, backward, slope_t, other, shape, shape_slope = bernoulli(t)
    c_i, c_j = here.c, there.c
    out, back = c_i * backward, c_j * forward
    reduced_drop = fermi_drop * inverse_g
    near = abs(reduced_drop) < 0.5
    bracket = where(near, back * reduced_drop * growth(reduced_drop), out - back)
    bracket_in_t = c_i + (c_i - c_j) * slope_t
    c, share_i, share_j, c_in_t = edge_density(c_i, c_j, other)
    scale = 0.5 * problem.charge * spacing * spacing * c * inverse_g
    rise, rise_in_t = scale * shape, scale * shape_slope
    inverse_rise = 1.0 / (1.0 + rise)
    field = drop * inverse_spacing * inverse_rise
    return EdgeState(
        inverse_spacing,
        g,
        inverse_g,
        g_i,
        g_j,
        t,
        out,
        back,
        bracket,
        bracket_in_t,
        c,
        share_i,
        share_j,
        c_in_t,
        rise,
        rise_in_t,
        inverse_rise,
        field,
    )


@inlined
def edge_flux(problem, spacing, here, there):
    """Flux from node i, here, to node j, there, with its derivatives.

    The flux of Bessemoulin-Chatard (2012): g [c_i B(-t) - c_j B(t)] mobility/spacing with t the drop of
    potential over g and g the mean diffusion enhancement, the rise of the Fermi level over that of ln c.
    Close to equilibrium the bracket is taken as c_j B(t) expm1(drop of quasi-Fermi level/g), which is exactly
    zero there. See `edge_state` for the second order in strong fields.

    Returns
    -------
    flux, and its slopes in potential i, potential j, quasi-Fermi level i, quasi-Fermi level j
    """
    e = edge_state(problem, spacing, here, there)
    log_mobility, in_density, in_field = edge_mobility(problem, e.c, e.field)
    per_drop = e.inverse_spacing * e.inverse_rise
    scale = exp(log_mobility) * per_drop
    flux = scale * e.g * e.bracket
    # slopes in ln c of the edge, in t and in g; then in the two Fermi levels, which the quasi-Fermi level
    # raises and the potential lowers
    in_rise = -flux * (1.0 + in_field * e.field) * e.inverse_rise
    in_log_c = flux * in_density + in_rise * e.rise
    in_t = scale * e.g * e.bracket_in_t + in_log_c * e.c_in_t + in_rise * e.rise_in_t
    in_g = scale * e.bracket - (in_rise * e.rise + in_t * e.t) * e.inverse_g
    level_i = (scale * e.g * e.out + in_log_c * e.share_i) * here.slope + in_g * e.g_i
    level_j = (-scale * e.g * e.back + in_log_c * e.share_j) * there.slope + in_g * e.g_j
    in_drop = in_t * e.inverse_g + flux * in_field * per_drop
    return flux, in_drop - level_i, -in_drop - level_j, level_i, level_j
