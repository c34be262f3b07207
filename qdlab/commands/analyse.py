"""``qdlab analyse``: transport parameters from sessions, or from J-V files measured elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from analysis.conventions import CONVENTIONS, ConventionName
from qdlab.errors import ConfigError
from qdlab.paths import require_folder_for

if TYPE_CHECKING:
    from rich.console import RenderableType

    from analysis.curves import JVCurve
    from qdlab.measured import JVAnalysis

SHOWN_CHANGES = 20


def analyse(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Files, patterns in quotes such as 'data/*_110nm_*K.txt', or folders of sessions.",
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
    convention: Annotated[str, typer.Option(help=f"Of the model: {' or '.join(CONVENTIONS)}.")] = "li2024",
    quick: Annotated[bool, typer.Option("--quick", help="Without the refits under other models.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Sessions analysed side by side.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Of a Dask cluster to analyse sessions on, such as tcp://host:8786.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the results to this file.")] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Write one line a device and session to this CSV file.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report to this file.")] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="With --report: a folder for every figure as SVG and PDF, its numbers as CSV."),
    ] = None,
) -> None:
    """Print what J-V curves or a session say about transport, each number with uncertainty and verdict."""
    if convention not in CONVENTIONS:
        raise ConfigError(f"--convention {convention!r} is not one of {', '.join(CONVENTIONS)}")
    chosen = cast(ConventionName, convention)
    for target in filter(None, (json, summary, report, figures)):
        require_folder_for(target)
    if figures is not None and report is None:
        raise ConfigError("--figures are those of a report; add --report, such as --report report.html")
    sessions = _sessions(paths)
    if len(sessions) == 1 and scheduler is None and summary is None:
        _analyse_session(sessions[0], chosen, quick, json, report, figures)
        return
    if sessions:
        _analyse_many(sessions, chosen, quick, jobs, scheduler, json, summary, report, figures)
        return
    if summary is not None:
        raise ConfigError("--summary tells sessions side by side; name sessions or a folder of them")
    curves = _read(
        paths, unit, thickness, temperature, area, voltage_unit, decimal, columns, relative_permittivity
    )
    analysis = _analyse(curves, relative_permittivity, chosen, quick)

    from qdlab.measured_tables import analysis_tables

    _show(analysis_tables(analysis))
    if json is not None:
        _write_json(analysis.to_dict(), json)
    if report is not None:
        from qdlab.importers import expand_patterns
        from qdlab.report import write_measured_report

        write_measured_report(analysis, report, sources=expand_patterns(paths), figures=figures)
        print(f"report: {report}")
    if analysis.verdict.word == "not_converged":
        raise typer.Exit(1)


def _sessions(paths: list[str]) -> list[Path]:
    """The sessions that the paths name or hold; none where the paths are files."""
    from qdlab.batch import find_sessions

    folders = [Path(path) for path in paths if Path(path).is_dir()]
    sessions = find_sessions(folders)
    if sessions and len(folders) < len(paths):
        raise ConfigError("sessions and files do not go together; run the command once for each")
    return sessions


def _analyse_session(
    path: Path,
    convention: ConventionName,
    quick: bool,
    json: Path | None,
    report: Path | None,
    figures: Path | None,
) -> None:
    """Every device of a recorded session, as its own screens show it."""
    from qdlab.measured_tables import session_tables
    from qdlab.results import analyse_recorded

    results = analyse_recorded(path, convention=convention, with_model_range=not quick)
    _show(session_tables(results))
    _tell_changes(path, convention, results.to_dict())
    if json is not None:
        _write_json(results.to_dict(), json)
    if report is not None:
        from qdlab.report import write_session_report

        write_session_report(path, report, results=results, figures=figures)
        print(f"report: {report}")


def _analyse_many(
    sessions: list[Path],
    convention: ConventionName,
    quick: bool,
    jobs: int,
    scheduler: str | None,
    json: Path | None,
    summary: Path | None,
    report: Path | None,
    figures: Path | None,
) -> None:
    """Sessions side by side, each with its results kept; one that fails is told and stops no other."""
    from contextlib import nullcontext

    from qdlab.batch import Outcome, analyse_sessions, cluster, process_pool
    from qdlab.batch_tables import progress, summary_tables, write_summary
    from qdlab.stored_results import store_results
    from qdlab.summary import summarise

    not_kept: list[str] = []
    workers = nullcontext(process_pool(jobs)) if scheduler is None else cluster(scheduler)
    with workers as make_executor, progress(len(sessions)) as advance:

        def keep(outcome: Outcome) -> None:
            advance()
            try:
                if outcome.results is not None:
                    store_results(outcome.session, convention, outcome.results)
            except OSError as error:
                not_kept.append(f"{outcome.session}: its results are not kept ({error.strerror or error})")

        outcomes = analyse_sessions(
            sessions,
            make_executor,
            convention=convention,
            with_model_range=not quick,
            listener=keep,
        )
    together = summarise(outcomes)
    _show(summary_tables(together))
    failed = [f"{outcome.session}: {outcome.problem}" for outcome in outcomes if outcome.problem]
    for problem in [*failed, *not_kept]:
        print(problem)
    if json is not None:
        _write_json({str(outcome.session): outcome.results for outcome in outcomes}, json)
    if summary is not None:
        write_summary(together, summary)
        print(f"summary: {summary}")
    if report is not None:
        from qdlab.report_many import write_sessions_report

        write_sessions_report(outcomes, report, figures=figures)
        print(f"report: {report}")
    if failed:
        raise typer.Exit(1)


def _tell_changes(path: Path, convention: str, results: dict[str, object]) -> None:
    """Say what changed against the results stored with the session, and keep the new ones."""
    from qdlab.differences import changes
    from qdlab.stored_results import read_results, store_results

    stored = read_results(path, convention)
    if stored is not None:
        told = list(changes(stored["results"], results))
        print(f"against the results stored by qdlab {stored.get('qdlab', '?')}: {len(told) or 'no'} changes")
        for line in told[:SHOWN_CHANGES]:
            print(f"  {line}")
        if len(told) > SHOWN_CHANGES:
            print(f"  and {len(told) - SHOWN_CHANGES} more")
    store_results(path, convention, results)


def _show(tables: "list[RenderableType]") -> None:
    from rich.console import Console

    console = Console()
    for shown in tables:
        console.print(shown, markup=False, highlight=False)


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

    return import_jv_files(
        paths,
        unit=unit,
        thickness=_quantity(thickness, "m", "--thickness"),
        temperature=_quantity(temperature, "K", "--temperature"),
        area=_quantity(area, "m**2", "--area"),
        relative_permittivity=relative_permittivity,
        voltage_unit=voltage_unit,
        decimal=_decimal(decimal),
        columns=_columns(columns),
    )


def _analyse(
    curves: "list[JVCurve]", relative_permittivity: float | None, convention: ConventionName, quick: bool
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
        convention=convention,
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


def _write_json(results: dict[str, object], path: Path) -> None:
    from json import dumps

    text = dumps(results, indent=1, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
