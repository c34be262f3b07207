"""A campaign with a fault on one of its lines, recorded, and its traffic fed to the drivers again."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.records.trials import DIODE
from qdlab.campaign import open_campaign_session, run_campaign, simulated_devices
from qdlab.config import PlanConfig
from qdlab.replay_wire import replay_wire
from qdlab.simulators import open_simulated_bench
from qdlab.traffic import traffic_kept
from sim_instruments.fault_kinds import CATALOGUE
from sim_instruments.faults import Fault
from sim_instruments.wiring import SimBench

SWEEP = {"kind": "jv_sweep", "voltages": ["1 V", "2 V", "3 V"], "settling_time": "10 ms"}
PLAN = PlanConfig.model_validate(
    {
        "name": "wire",
        "devices": {"diode": DIODE},
        "steps": [
            {
                "kind": "temperature_sweep",
                "temperatures": ["297 K", "295 K"],
                "ramp_rate": "0.2 K/s",
                "window": "10 s",
                "timeout": "120 s",
                "warm_end": False,
                "measure_first_again": False,
                "steps": [SWEEP],
            },
            {"kind": "operator", "text": "generator", "device": "diode", "source": "pulse_generator"},
            {
                "kind": "tel_series",
                "pulse_amplitudes": ["5 V"],
                "pulse_widths": ["50 us", "100 us"],
                "light_current_range": "2 uA",
            },
        ],
    }
)
NTH = 30
"""At which message or reply the fault strikes."""


def replayed_faults(folder: Path, *, step: int = 1) -> Iterator[str]:
    """Every kind of fault at every box that can have it: what came out differently; empty for nothing."""
    for index, kind in enumerate(CATALOGUE):
        for box in SimBench(seed=11).boxes if index % step == 0 else ():
            simulation = SimBench(seed=11, devices=simulated_devices(PLAN))
            try:
                simulation.inject(box, Fault(kind, nth=NTH))
            except ValueError:
                continue  # a fault that this box cannot have
            bench = open_simulated_bench(simulation=simulation)
            session = open_campaign_session(folder / f"{kind}-{box}", PLAN, bench)
            with traffic_kept(bench, session):
                run_campaign(PLAN, bench, session)
            (part,) = replay_wire(session.path).parts
            told = part.divergence or f"rows {part.differing_rows}"
            yield "" if part.is_identical else f"{kind} at {box}: {told}"
