"""``qdlab sim``: the simulated bench for other programs, ours or anybody's."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class _Time(StrEnum):
    real = "real"
    scaled = "scaled"
    stepped = "stepped"


class _Terminator(StrEnum):
    own = "own"
    lf = "lf"
    cr = "cr"
    crlf = "crlf"


def sim(
    device: Annotated[
        list[Path] | None,
        typer.Option(
            "--device", help="A device file with simulated_as; may be given twice. [the paper's two]"
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all noise.")] = 0,
    time: Annotated[_Time, typer.Option("--time", help="How simulated time passes.")] = _Time.real,
    speed: Annotated[float, typer.Option("--speed", min=0.001, help="Of scaled time.")] = 60.0,
    port_base: Annotated[
        int, typer.Option("--port-base", min=0, max=65000, help="First TCP port; 0: free ones.")
    ] = 52400,
    wire_log: Annotated[
        Path | None, typer.Option("--wire-log", help="File for every message and every change of an output.")
    ] = None,
    instead: Annotated[
        list[str] | None,
        typer.Option(
            "--instead",
            metavar="BOX",
            help="A box that takes the place of the usual one of its role: lakeshore335.",
        ),
    ] = None,
    serial_terminator: Annotated[
        _Terminator,
        typer.Option("--serial-terminator", help="What ends replies on the serial lines; own: each box's."),
    ] = _Terminator.own,
    faults: Annotated[
        str | None,
        typer.Option("--faults", help="What goes wrong: a script of faults (.toml), or a seed for any."),
    ] = None,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", help="Print the kinds of faults there are, and end.")
    ] = False,
    commands: Annotated[
        str | None,
        typer.Option("--commands", metavar="BOX", help="Print everything a box answers, and end."),
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Print what was put into the devices, sealed ones too, and end.")
    ] = False,
) -> None:
    """The simulated bench on TCP, serial and Prologix doors; prints box, door and VISA resource of each."""
    from qdlab.config import load_device
    from qdlab.errors import ConfigError
    from qdlab.simulators import (
        list_simulated_commands,
        list_simulated_faults,
        reveal_simulated_devices,
        serve_simulated_bench,
    )

    if list_faults:
        typer.echo(list_simulated_faults())
        return
    devices = {}
    for path in device or []:
        config = load_device(path)
        if config.simulated_as is None:
            raise ConfigError(f"{path}: simulated_as is missing; say which sample stands in for the device")
        devices[config.identifier] = config.simulated_as
    try:
        if commands is not None:
            typer.echo(list_simulated_commands(commands))
            return
        if reveal:
            typer.echo(json.dumps(reveal_simulated_devices(seed=seed, devices=devices or None), indent=1))
            return
        serve_simulated_bench(
            seed=seed,
            devices=devices or None,
            time=time.value,
            speed=speed,
            port_base=port_base,
            wire_log=wire_log,
            faults=_script_or_seed(faults),
            serial_terminator=serial_terminator.value,
            instead=instead or (),
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        if error.filename is not None:
            raise ConfigError(f"{error.filename}: {error.strerror}") from error
        raise ConfigError(
            f"the bench cannot be served from port {port_base} on ({error}); choose another --port-base"
        ) from error


def _script_or_seed(faults: str | None) -> Path | int | None:
    if faults is None:
        return None
    return int(faults) if faults.isascii() and faults.isdigit() else Path(faults)
