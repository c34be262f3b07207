"""Random plans on a bench with narrow limits: whatever they ask for, no box leaves the envelope.

The witness is the simulated box after every message it received, as in `benchmarks.bench`.
"""

import random
import tempfile
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchmarks.bench import ENVELOPE, Tried, breaches, watch
from benchmarks.campaign import DIODE, FILM
from qdlab.campaign import open_campaign_session, run_campaign, simulated_devices
from qdlab.config import PlanConfig
from qdlab.errors import ConfigError
from qdlab.simulators import open_simulated_bench
from sim_instruments.wiring import SimBench

SEED = 6


def measure(full: bool = False) -> list[dict[str, str]]:
    """Rows of the benchmark table."""
    count = 5000 if full else 100
    tried, left_on = try_random_plans(count, seed=SEED)
    return [
        {
            "figure": f"{count} random plans (seed {SEED}): outside the envelope / on unarmed / left on",
            "goal": "0 / 0 / 0",
            "measured": f"{len(tried.outside)} / {len(tried.unarmed)} / {left_on} ({tried.refused} refused "
            f"before anything moved, {tried.sent} carried out, outputs went on {tried.energised} times)",
            "peer": "",
        }
    ]


def try_random_plans(count: int, *, seed: int) -> tuple[Tried, int]:
    """Carry out what the check lets through, watching the boxes; gives what was seen and outputs left on."""
    chance, tried, left_on = random.Random(seed), Tried(), 0
    for _ in range(count):
        steps = [step for _ in range(chance.randrange(1, 3)) for step in _connected_step(chance)]
        try:
            plan = PlanConfig.model_validate(
                {"name": "random", "devices": {"film": FILM, "diode": DIODE}, "steps": steps}
            )
        except ValidationError:
            tried.refused += 1
            continue
        left_on += _carry_out(plan, tried)
    return tried, left_on


def _carry_out(plan: PlanConfig, tried: Tried) -> int:
    simulation = SimBench(seed=1, devices=simulated_devices(plan))
    transport = simulation.transport

    def watched(box: str) -> Any:
        cable = transport(box)
        write = cable.write

        def write_and_look(data: bytes) -> None:
            write(data)
            tried.outside.extend(f"{box} {data!r}: {sentence}" for sentence in breaches(bench))

        cable.write = write_and_look  # type: ignore[method-assign]
        return cable

    simulation.transport = watched  # type: ignore[method-assign]
    bench = open_simulated_bench(simulation=simulation, envelope=ENVELOPE)
    watch(bench, tried)
    with tempfile.TemporaryDirectory() as folder:
        session = open_campaign_session(Path(folder), plan, bench)
        try:
            result = run_campaign(plan, bench, session)
        except ConfigError:
            tried.refused += 1
            return 0
    tried.refused += result.reason.startswith("plan: ")
    tried.sent += not result.reason.startswith("plan: ")
    return sum(
        (simulation.keithley2400.is_on, *(channel.on for channel in simulation.mfg2230m.channels.values()))
    )


def _connected_step(chance: random.Random) -> list[dict[str, Any]]:
    """A step after the operator's that connects what it needs."""
    step = _step(chance)
    device, source = (
        ("diode", "pulse_generator") if step["kind"] == "tel_series" else ("film", "source_meter")
    )
    return [{"kind": "operator", "text": "over", "device": device, "source": source}, step]


def _step(chance: random.Random) -> dict[str, Any]:
    """One step, now and then beyond a limit."""
    kinds = ("jv_sweep", "jv_sweep", "tel_series", "conditioning", "pixel_check", "temperature_sweep")
    match chance.choice(kinds):
        case "temperature_sweep":
            return {
                "kind": "temperature_sweep",
                "temperatures": [f"{_mostly(chance, (297, 296, 299), (150, 311))} K"],
                "ramp_rate": f"{_mostly(chance, (0.05, 0.1), (0.2,))} K/s",
                "end_temperature": f"{_mostly(chance, (297,), (320,))} K",
                "window": "6 s",
                "timeout": "30 s",
                "probe_voltage": f"{_mostly(chance, (0.1, 4.9), (5.1,))} V",
                "steps": [_sweep(chance)],
            }
        case "tel_series":
            return {
                "kind": "tel_series",
                "pulse_amplitudes": [f"{_mostly(chance, (2, 4.5, 5), (5.2, 9))} V"],
                "pulse_widths": ["20 us", f"{_mostly(chance, (50, 90), (101, 300))} us"],
                "pulse_period": f"{_mostly(chance, (1, 2), (0.8,))} ms",
                "repeats": 1,
                "readings": 1,
                "reference_every": 0,
            }
        case "conditioning":
            volts, amps = _volts(chance), _amps(chance)
            return {
                "kind": "conditioning",
                "voltage": volts,
                "duration": "2 s",
                "interval": "1 s",
                "compliance_current": amps,
            }
        case "pixel_check":
            return {"kind": "pixel_check", "polarity_voltage": f"{_mostly(chance, (3, 5), (5.5,))} V"}
        case _:
            return _sweep(chance)


def _sweep(chance: random.Random) -> dict[str, Any]:
    return {
        "kind": "jv_sweep",
        "voltages": list(dict.fromkeys(_volts(chance) for _ in range(3))),
        "polarity": chance.choice(("forward", "reverse", "both")),
        "direction": chance.choice(("up", "down", "up_down")),
        "hardware_sweep": chance.random() < 0.4,
        "stop_at_compliance": chance.random() < 0.5,
        "compliance_current": _amps(chance),
        "settling_time": "1 ms",
        "power_line_cycles": 0.1,
    }


def _mostly(chance: random.Random, within: tuple[float, ...], beyond: tuple[float, ...]) -> float:
    return chance.choice(beyond if chance.random() < 0.1 else within)


def _volts(chance: random.Random) -> str:
    return f"{_mostly(chance, (0.5, 1, 3, 4.9, 5, -5), (5.01, -6, 20))} V"


def _amps(chance: random.Random) -> str:
    return f"{_mostly(chance, (0.1, 1, 10), (11, 100))} mA"
