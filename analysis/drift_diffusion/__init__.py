"""One carrier, one dimension, steady state: current density against voltage by drift and diffusion.

The staircase: `mobility` and `density_of_states` hold the material, `mesh` the nodes, `lanes` the numbers of
eight voltages at once, `equations` the discrete equations, `newton` their solution on one mesh, `adjoint` its
derivatives, `sweep` the way through voltages and nested meshes, `solution` what others call. Only `solution`
meets units. The compiler is imported when something is solved, not before.
"""

from analysis.drift_diffusion.mobility import (
    EGDM,
    ConstantMobility,
    MobilityLaw,
    MobilityModel,
    PooleFrenkelMobility,
)
from analysis.drift_diffusion.solution import (
    BarrierContacts,
    JVSolution,
    OhmicContacts,
    TransportProblem,
    solve_current_density,
    solve_many,
)

__all__ = [
    "EGDM",
    "BarrierContacts",
    "ConstantMobility",
    "JVSolution",
    "MobilityLaw",
    "MobilityModel",
    "OhmicContacts",
    "PooleFrenkelMobility",
    "TransportProblem",
    "solve_current_density",
    "solve_many",
]
