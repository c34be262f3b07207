"""``qdlab analyse``: transport parameters from sessions, or from J-V files measured elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qdlab.errors import ConfigError

if TYPE_CHECKING:
    from analysis.curves import JVCurve
    from qdlab.measured import JVAnalysis

CONVENTIONS = ("li2024", "felekidis2018")


def analyse(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Files, patterns in quotes such as 'data/*_110nm_*K.txt', or session folders.",
            show_default=False,
        ),
    ],
    unit: Annotated[
        str | None, typer.Option(help="Unit of the current where a file does not say it, such as mA/cm2.")
    ] = None,
    relative_permittivity: Annotated[
        float | None, typer.Option(help="Of the film; sessions bring their own.", show_default=False)
    ] = None,
    thickness: Annotated[str | None, typer.Option(help="Of the film, such as 110nm.")] = None,
    temperature: Annotated[str | None, typer.Option(help="Of the sample, such as 297K.")] = None,
    area: Annotated[str | None, typer.Option(help="Of the electrode, such as 4mm2.")] = None,
    voltage_unit: Annotated[str | None, typer.Option(help="Where a file does not say it; volts.")] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal sign, where a file leaves it open.")] = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns of voltage and current, from 1, such as 1,3.")
    ] = None,
    convention: Annotated[str, typer.Option(help="Of the model: li2024 or felekidis2018.")] = "li2024",
    quick: Annotated[bool, typer.Option("--quick", help="Without the refits under other models.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write the results to this file.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report to this file.")] = None,
) -> None:
    """Print what J-V curves say about transport, each number with its uncertainty and a verdict."""
    if convention not in CONVENTIONS:
        raise ConfigError(f"--convention {convention!r} is not one of {', '.join(CONVENTIONS)}")
    for target in (json, report):
        _require_folder(target)
    curves = _read(
        paths, unit, thickness, temperature, area, voltage_unit, decimal, columns, relative_permittivity
    )
    analysis = _analyse(curves, relative_permittivity, convention, quick)

    from rich.console import Console

    console = Console()
    for shown in analysis.tables():
        console.print(shown, markup=False, highlight=False)
    if json is not None:
        _write_json(analysis, json)
    if report is not None:
        from qdlab.report import write_measured_report

        write_measured_report(analysis, report)
        console.print(f"report: {report}", markup=False, highlight=False)
    if analysis.verdict.word == "not_converged":
        raise typer.Exit(1)


def _require_folder(target: Path | None) -> None:
    if target is not None and not target.absolute().parent.is_dir():
        raise ConfigError(f"{target}: the folder {target.absolute().parent} does not exist; make it first")


def _read(
    paths: list[str],
    unit: str | None,
    thickness: str | None,
    temperature: str | None,
    area: str | None,
    voltage_unit: str | None,
    decimal: str | None,
    columns: str | None,
    relative_permittivity: float | None,
) -> "list[JVCurve]":
    from qdlab.importers import import_jv_files

    sessions = [path for path in paths if (Path(path) / "session.toml").is_file()]
    files = [path for path in paths if path not in sessions]
    curves = [curve for path in sessions for curve in _session_curves(Path(path))]
    if files:
        curves += import_jv_files(
            files,
            unit=unit,
            thickness=_quantity(thickness, "m", "--thickness"),
            temperature=_quantity(temperature, "K", "--temperature"),
            area=_quantity(area, "m**2", "--area"),
            relative_permittivity=relative_permittivity,
            voltage_unit=voltage_unit,
            decimal=_decimal(decimal),
            columns=_columns(columns),
        )
    return curves


def _session_curves(path: Path) -> "list[JVCurve]":
    from qdlab.records import open_session
    from qdlab.records.curves import jv_curves

    curves = jv_curves(open_session(path))
    if not curves:
        raise ConfigError(f"{path} holds no J-V curves; its results are in its report")
    return curves


def _analyse(
    curves: "list[JVCurve]", relative_permittivity: float | None, convention: str, quick: bool
) -> "JVAnalysis":
    from qdlab.measured import analyse_jv

    known = {curve.relative_permittivity for curve in curves}
    permittivity = relative_permittivity if relative_permittivity is not None else _only(known)
    if permittivity is None:
        raise ConfigError("the film's permittivity is not known; add --relative-permittivity, such as 3.6")
    if not permittivity >= 1:
        raise ConfigError(f"--relative-permittivity {permittivity:g}: it must be 1 or more")
    return analyse_jv(
        curves,
        relative_permittivity=permittivity,
        convention="felekidis2018" if convention == "felekidis2018" else "li2024",
        with_model_range=not quick,
    )


def _only(values: set[float | None]) -> float | None:
    return next(iter(values)) if len(values) == 1 else None


def _quantity(text: str | None, unit: str, name: str) -> float | None:
    if text is None:
        return None
    from qdlab.quantities import parse_quantity

    return parse_quantity(text, unit, name=name)


def _decimal(text: str | None) -> Literal[".", ","] | None:
    if text is None:
        return None
    if text == ".":
        return "."
    if text == ",":
        return ","
    raise ConfigError(f"--decimal {text!r} is neither . nor ,")


def _columns(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdigit() for part in parts):
        raise ConfigError(f"--columns {text!r} is not two column numbers such as 1,3")
    return int(parts[0]), int(parts[1])


def _write_json(analysis: "JVAnalysis", path: Path) -> None:
    from json import dumps

    text = dumps(analysis.to_dict(), indent=1, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
