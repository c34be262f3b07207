"""``qdlab doctor``: is everything there that a measurement needs, and who answers on the bench."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from instruments.bench import Bench

_PACKAGES = ("numpy", "scipy", "numba", "pymeasure", "pyvisa", "pyvisa-py", "pyserial", "PyQt6", "h5py")
_MARKS = {"good": "[green]✓[/green]", "notice": "[yellow]![/yellow]", "bad": "[red]✗[/red]"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the examination; only what is bad makes the examination fail."""

    subject: str
    text: str
    state: Literal["good", "notice", "bad"] = "good"


def doctor(
    bench: Annotated[
        str | None, typer.Option("--bench", help="A bench file, or 'sim': ask its boxes too.")
    ] = None,
) -> None:
    """Environment, VISA libraries, and what each box of a bench answers and how fast it switches off."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    healthy = True
    for finding in examine(bench):
        healthy &= finding.state != "bad"
        console.print(
            f"{_MARKS[finding.state]} [bold]{escape(finding.subject)}[/bold]  {escape(finding.text)}"
        )
    if not healthy:
        raise typer.Exit(1)


def examine(bench: str | None) -> Iterator[Finding]:
    """Every finding, as it is made."""
    yield from _environment()
    yield from _folders()
    yield from _connections()
    yield from _sleep()
    if bench is not None:
        yield from _boxes(bench)


def _environment() -> Iterator[Finding]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    supported = sys.version_info >= (3, 11)
    yield Finding(
        subject="Python",
        text=f"{platform.python_version()} on {platform.platform()}",
        state="good" if supported else "bad",
    )
    for name in ("qdlab", *_PACKAGES):
        try:
            yield Finding(subject=name, text=version(name))
        except PackageNotFoundError:
            yield Finding(subject=name, text="is missing; install qdlab again", state="bad")


def _folders() -> Iterator[Finding]:
    from shutil import disk_usage
    from tempfile import TemporaryFile

    from qdlab.paths import log_directory, runtime_directory
    from qdlab.preflight import LITTLE
    from qdlab.sizes import format_size

    places = {"runtime folder": runtime_directory(), "log folder": log_directory(), "this folder": Path.cwd()}
    for subject, folder in places.items():
        try:
            with TemporaryFile(dir=folder):
                free = disk_usage(folder).free
        except OSError as error:
            yield Finding(subject=subject, text=f"{folder} cannot be written: {error.strerror}", state="bad")
        else:
            state: Literal["good", "notice"] = "good" if free > LITTLE else "notice"
            yield Finding(subject=subject, text=f"{folder}, {format_size(free)} free", state=state)


def _connections() -> Iterator[Finding]:
    import pyvisa
    from serial.tools.list_ports import comports

    for library, name in (("@ivi", "VISA library of the system"), ("@py", "pyvisa-py")):
        try:
            manager = pyvisa.ResourceManager(library)
        except (OSError, ValueError) as error:
            why = " ".join(str(error).split()).rstrip(":")
            text = f"not found ({why}); only GPIB and USB through the maker's driver need it"
            yield Finding(subject=name, text=text, state="notice")
            continue
        try:
            # asking pyvisa-py would search the whole network
            found = manager.list_resources() if library == "@ivi" else ()
            yield Finding(subject=name, text=", ".join(found) or "ready")
        finally:
            manager.close()
    ports = [f"{port.device} ({port.description})" for port in comports()]
    yield Finding(subject="serial ports", text=", ".join(ports) or "none")


def _sleep() -> Iterator[Finding]:
    from qdlab.awake import sleep_warning

    warning = sleep_warning()
    if warning is not None:
        yield Finding(subject="sleep", text=warning, state="notice")
    else:
        yield Finding(subject="sleep", text="a run keeps the computer awake")


def _boxes(source: str) -> Iterator[Finding]:
    """Who answers, how fast each box confirms that it is off, and whether it takes its settings.

    A stage may be cold: its heater is left as it is.
    """
    from instruments.bench import HeaterEnd
    from qdlab.config import load_bench
    from qdlab.hardware import open_bench, unopened_bench
    from qdlab.lock import BenchLock
    from qdlab.paths import runtime_directory

    config = load_bench(source)
    bench = open_bench(config) if config.kind == "simulation" else unopened_bench(config)
    bench.heater_end = HeaterEnd(policy="hold")
    lock = BenchLock(config.name, runtime_directory())
    lock.acquire()
    try:
        yield from _identities(bench)
        for report in bench.safe():
            text = report.message.removeprefix(f"{report.box} ")
            yield Finding(subject=report.box, text=text, state="good" if report.confirmed else "bad")
        yield from _settings(bench)
    finally:
        bench.close()
        lock.release()


def _identities(bench: "Bench") -> Iterator[Finding]:
    """Each box's name; what does not answer is left out of the bench from then on."""
    from instruments.errors import InstrumentError

    for role, station in list(bench.stations.items()):
        subject = role.replace("_", " ")
        try:
            yield Finding(subject=subject, text=str(station.door.line.open()))
        except InstrumentError as error:
            yield Finding(subject=subject, text=str(error), state="bad")
            bench.stations.pop(role).door.close()


def _settings(bench: "Bench") -> Iterator[Finding]:
    """Whether each box takes what a run sets up first, read back."""
    from instruments.errors import InstrumentError

    for role, station in bench.stations.items():
        if role == "temperature_controller":
            continue
        try:
            station.driver.set_up()
        except InstrumentError as error:
            yield Finding(subject=station.door.box, text=str(error), state="bad")
            continue
        yield Finding(subject=station.door.box, text="takes its settings, outputs off")
        for remark in station.driver.remarks:
            yield Finding(subject=station.door.box, text=remark, state="notice")
