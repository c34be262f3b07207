"""The benchmark's hole-only diode in devsim: same equations, caps, contacts and voltages as ours.

Run in its own process by `drift_diffusion`; prints the seconds of the sweep and the current density at its
end [A m⁻²]. devsim is an extra (`pip install qdlab[peers]`).
"""

import math
import time

import numpy as np
from scipy.optimize import brentq

from analysis.constants import ELEMENTARY_CHARGE, VACUUM_PERMITTIVITY, thermal_voltage
from analysis.curves import FloatArray
from benchmarks.drift_diffusion import FILM, MODEL, VOLTAGE

CELLS = 200
DEVICE, REGION, CONTACTS = "diode", "film", ("injecting", "extracting")


def main() -> None:
    import devsim

    _mesh(devsim)
    _equations(devsim)
    devsim.set_parameter(name="applied", value=0.0)
    devsim.solve(type="dc", absolute_error=1e30, relative_error=1e-8, maximum_iterations=50)
    started = time.perf_counter()
    for voltage in VOLTAGE:
        devsim.set_parameter(name="applied", value=float(voltage))
        devsim.solve(type="dc", absolute_error=1e30, relative_error=1e-6, maximum_iterations=50)
    seconds = time.perf_counter() - started
    current = devsim.get_contact_current(device=DEVICE, contact="extracting", equation="HoleEquation")
    print(seconds, abs(current))


def _mesh(devsim) -> None:
    """Nodes as dense at the contacts as ours; lengths in metres."""
    from analysis.drift_diffusion.mesh import graded_mesh

    nodes = graded_mesh(CELLS, 0.008, 0.008) * FILM.thickness
    devsim.create_1d_mesh(mesh="line")
    for k, position in enumerate(nodes):
        tag = {0: CONTACTS[0], CELLS: CONTACTS[1]}.get(k, f"node{k}")
        spacing = nodes[min(k + 1, CELLS)] - nodes[min(k, CELLS - 1)]
        devsim.add_1d_mesh_line(mesh="line", pos=position, ps=spacing, tag=tag)
    for name in CONTACTS:
        devsim.add_1d_contact(mesh="line", name=name, tag=name, material="metal")
    devsim.add_1d_region(mesh="line", material="film", region=REGION, tag1=CONTACTS[0], tag2=CONTACTS[1])
    devsim.finalize_mesh(mesh="line")
    devsim.create_device(mesh="line", device=DEVICE)


def _equations(devsim) -> None:
    law, volt = MODEL.law(FILM.temperature), thermal_voltage(FILM.temperature)
    contact_density = MODEL.site_density / 2
    numbers = {
        "q": ELEMENTARY_CHARGE,
        "permittivity": FILM.relative_permittivity * VACUUM_PERMITTIVITY,
        "V_t": volt,
        "sites": MODEL.site_density,
        "contact_density": contact_density,
        "mobility_at_rest": math.exp(law.log_mobility),
        "density_amplitude": law.density_amplitude,
        "density_exponent": law.density_exponent,
        "density_cap": law.density_cap,
        "field_amplitude": law.field_amplitude,
        "field_scale": law.field_scale,
        "field_cap": law.field_cap,
    }
    for name, value in numbers.items():
        devsim.set_parameter(device=DEVICE, region=REGION, name=name, value=value)
    holes = _equilibrium(np.array(devsim.get_node_model_values(device=DEVICE, region=REGION, name="x")))
    for name, values in (("Potential", volt * np.log(contact_density / holes)), ("Holes", holes)):
        devsim.node_solution(device=DEVICE, region=REGION, name=name)
        devsim.set_node_values(device=DEVICE, region=REGION, name=name, values=values.tolist())
        devsim.edge_from_node_model(device=DEVICE, region=REGION, node_model=name)

    edge = _edge_models(devsim)
    edge("ElectricField", "(Potential@n0 - Potential@n1)*EdgeInverseLength")
    edge("Flux", "permittivity*ElectricField")
    edge("occupation", "0.5*(Holes@n0 + Holes@n1)/sites")
    edge("capped", "ifelse(occupation < density_cap, occupation, density_cap)")
    edge("reduced", "ElectricField*ElectricField/(field_scale*field_scale)")
    edge("capped_reduced", "ifelse(reduced < field_cap*field_cap, reduced, field_cap*field_cap)")
    edge(
        "mobility",
        "mobility_at_rest*exp(density_amplitude*pow(2*capped, density_exponent)"
        " + field_amplitude*(pow(1 + 0.8*capped_reduced, 0.5) - 1))",
    )
    edge("drop", "(Potential@n0 - Potential@n1)/V_t")
    edge("HoleCurrent", "q*mobility*V_t*EdgeInverseLength*(Holes@n0*B(-drop) - Holes@n1*B(drop))")
    charge = {"device": DEVICE, "region": REGION}
    devsim.node_model(**charge, name="Charge", equation="-q*Holes")
    devsim.node_model(**charge, name="Charge:Holes", equation="-q")
    devsim.equation(
        **charge, name="PotentialEquation", variable_name="Potential", node_model="Charge", edge_model="Flux"
    )
    devsim.equation(
        **charge,
        name="HoleEquation",
        variable_name="Holes",
        edge_model="HoleCurrent",
        variable_update="positive",
    )
    for name, potential in ((CONTACTS[0], "applied"), (CONTACTS[1], "0")):
        at = {"device": DEVICE, "contact": name}
        devsim.contact_node_model(**at, name=f"{name}_potential", equation=f"Potential - {potential}")
        devsim.contact_node_model(**at, name=f"{name}_potential:Potential", equation="1")
        devsim.contact_equation(**at, name="PotentialEquation", node_model=f"{name}_potential")
        devsim.contact_node_model(**at, name=f"{name}_holes", equation="Holes - contact_density")
        devsim.contact_node_model(**at, name=f"{name}_holes:Holes", equation="1")
        devsim.contact_equation(
            **at, name="HoleEquation", node_model=f"{name}_holes", edge_current_model="HoleCurrent"
        )


def _equilibrium(position: FloatArray) -> FloatArray:
    """Hole density at zero voltage [m⁻³]: 2K² eps V_t/(q L²) sec²(K (x/L - 1/2)), to start from."""
    length, volt = FILM.thickness, thermal_voltage(FILM.temperature)
    unit = FILM.relative_permittivity * VACUUM_PERMITTIVITY * volt / (ELEMENTARY_CHARGE * length**2)
    contact = MODEL.site_density / 2 / unit
    k = brentq(lambda k: 2 * k**2 / math.cos(k / 2) ** 2 - contact, 1.0, math.pi - 1e-9)
    return 2 * k**2 * unit / np.cos(k * (position / length - 0.5)) ** 2


def _edge_models(devsim):
    """Define an edge model with its derivatives in both unknowns at both nodes."""

    def define(name: str, equation: str) -> None:
        devsim.edge_model(device=DEVICE, region=REGION, name=name, equation=equation)
        for variable in ("Potential", "Holes"):
            for node in ("n0", "n1"):
                unknown = f"{variable}@{node}"
                devsim.edge_model(
                    device=DEVICE,
                    region=REGION,
                    name=f"{name}:{unknown}",
                    equation=f"simplify(diff({equation}, {unknown}))",
                )

    return define
