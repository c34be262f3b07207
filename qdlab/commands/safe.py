"""``qdlab safe``: every output off, whoever owns the bench and whatever has become of it."""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from qdlab.off import Instruction


def safe(
    bench: Annotated[
        Path | None,
        typer.Option("--bench", help="A bench file; without it, every bench used on this computer."),
    ] = None,
) -> None:
    """Switch every output off, now; also when the program that owns the bench hangs."""
    from qdlab.errors import ConfigError
    from qdlab.outputs import read_outputs, remembered_benches
    from qdlab.paths import runtime_directory

    folder = runtime_directory()
    if bench is not None:
        benches = dict([_outputs_of(bench)])
    else:
        benches = {name: read_outputs(name, folder) for name in remembered_benches(folder)}
    if not benches:
        raise ConfigError("no bench was used on this computer yet; name one with --bench FILE")
    results = [_make_safe(name, folder, outputs) for name, outputs in benches.items()]
    if not all(results):
        raise typer.Exit(1)


def _outputs_of(bench: Path) -> "tuple[str, Sequence[Instruction] | None]":
    from qdlab.config import load_bench
    from qdlab.hardware import unopened_bench
    from qdlab.off import Instruction

    config = load_bench(bench)
    return config.name, unopened_bench(config).off_instructions(Instruction)


def _make_safe(name: str, folder: Path, outputs: "Sequence[Instruction] | None") -> bool:
    """Through the guardian where there is one, else with our own hands; whether every box confirmed."""
    from qdlab.lock import is_held, read_lock
    from qdlab.off import switch_off
    from qdlab.protocol import RunnerGone, emergency_off

    owner = read_lock(name, folder)
    if owner is not None and is_held(name, folder):
        print(f"{name}: in use by {owner.owner}, process {owner.pid}")
        try:
            reports = []
            for report in emergency_off(owner, who="qdlab safe"):
                print(f"{name}: {report.text}")
                reports.append(report)
            return not any(report.alarm for report in reports)
        except RunnerGone as problem:
            print(f"{name}: {problem}; ending process {owner.pid}")
            with suppress(OSError):
                os.kill(owner.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    if outputs is None:
        print(f"{name}: what was left to switch it off cannot be read; name its bench file with --bench")
        return False
    if not outputs:
        print(f"{name}: nothing outside this computer's memory is connected")
    outcomes = switch_off(outputs, report=lambda outcome: print(f"{name}: {outcome.message}"))
    return all(outcome.confirmed for outcome in outcomes)
