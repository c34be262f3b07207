"""What a session says before anything is measured, and what stands in for its devices in a simulation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from instruments.bench import Bench
from instruments.limits import Envelope
from qdlab.config import HeaterConfig, LimitsConfig, PlanConfig, limits_for
from qdlab.differences import changes
from qdlab.errors import ConfigError
from qdlab.records import Session, SessionWriter, device_to_document
from qdlab.records.storage import DISK, Storage
from qdlab.unfinished import plan_changes, require_unchanged


def open_campaign_session(
    parent: Path, plan: PlanConfig, bench: Bench, *, storage: Storage = DISK
) -> SessionWriter:
    """A new session for a plan on a bench."""
    document = session_document(plan, bench)
    return SessionWriter.create(parent, name=plan.name, document=document, clock=bench.clock, storage=storage)


def resume_campaign_session(
    earlier: Session, plan: PlanConfig, bench: Bench, *, storage: Storage = DISK
) -> SessionWriter:
    """The writer that goes on with a session that did not finish.

    Raises
    ------
    ConfigError : plan, limits or boxes are not what it was begun with; the message shows the difference
    RecordError : the session is damaged, or being recorded into
    """
    require_unchanged(earlier.path, _changes_since(earlier, plan, bench))
    return SessionWriter.resume(earlier.path, clock=bench.clock, storage=storage)


def _changes_since(earlier: Session, plan: PlanConfig, bench: Bench) -> Iterator[str]:
    yield from plan_changes(earlier.document, plan)
    now = session_document(plan, bench)
    for part in ("limits", "bench", "simulation"):
        before = earlier.document.get(part, {})
        # what an older version did not write down cannot be compared
        after = {key: value for key, value in now.get(part, {}).items() if key in before}
        yield from changes(before, after, part)


def session_document(plan: PlanConfig, bench: Bench) -> dict[str, Any]:
    """What `session.toml` says: devices, plan, limits, who answered on the bench, and whose clock it is."""
    document: dict[str, Any] = {
        "operator": plan.operator,
        "devices": {name: device_to_document(device.to_device()) for name, device in plan.devices.items()},
        "plan": plan.to_document(),
        "limits": {
            name: limits_for(plan, name, bench_limits(bench)).limits.to_document() for name in plan.devices
        },
        "bench": _bench_document(bench),
    }
    if bench.kind == "simulation":
        document["simulation"] = {"seed": bench.simulation.seed}
    if plan.atmosphere is not None:
        document["atmosphere"] = plan.atmosphere.to_document()
    return document


def _bench_document(bench: Bench) -> dict[str, Any]:
    """What of a bench decides what is said to its boxes, and who they are."""
    end = bench.heater_end
    heater = HeaterConfig.model_construct(
        at_end=end.policy, room_temperature=end.temperature, ramp_rate=end.rate
    )
    return {
        "name": bench.name,
        "kind": bench.kind,
        "clock": "simulated" if bench.kind == "simulation" else "machine",
        "line_frequency": bench.line_frequency,
        "limits": bench_limits(bench).to_document(),
        "heater": heater.to_document(),
        "settings": {
            role: dict(station.settings) for role, station in bench.stations.items() if station.settings
        },
        "identities": {role: str(identity) for role, identity in bench.identify().items()},
    }


def simulated_devices(plan: PlanConfig) -> dict[str, str]:
    """Device identifier -> the sample that stands in for it, for `open_simulated_bench`.

    Raises
    ------
    ConfigError : a device of the plan says nothing about its stand-in
    """
    found = {}
    for name, device in plan.devices.items():
        if device.simulated_as is None:
            raise ConfigError(
                f"device {name!r} names no sample for the simulated bench; add simulated_as to its file, "
                'for example simulated_as = "li2024-hole-only-110nm"'
            )
        found[device.identifier] = device.simulated_as
    return found


def bench_limits(bench: Bench) -> LimitsConfig:
    """The bench's own envelope as one more level of limits."""
    return limits_of(bench.own_envelope)


def limits_of(envelope: Envelope) -> LimitsConfig:
    """An envelope's limits without area and thickness."""
    return LimitsConfig.model_construct(
        **{name: getattr(envelope, name) for name in LimitsConfig.model_fields}
    )
