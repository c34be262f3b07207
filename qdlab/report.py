"""One self-contained HTML page per session or set of measured files: figures, tables, warnings."""

from collections.abc import Sequence
from pathlib import Path

from qdlab.batch import Outcome
from qdlab.measured import JVAnalysis
from qdlab.page import Page, Section, write_figures, write_page
from qdlab.records import Session, open_session
from qdlab.records.curves import jv_curves
from qdlab.report_jv import curves_section, jv_sections, raw_section
from qdlab.report_many import compared_sections
from qdlab.report_paper import Comparison, comparison_section, consistency_section
from qdlab.report_record import (
    conditions_section,
    devices_section,
    provenance_of_files,
    provenance_section,
    runs_section,
    warnings_section,
)
from qdlab.report_tel import mobilities_section, tel_section
from qdlab.results import DeviceResults, SessionResults, analyse_recorded


def write_session_report(
    path: Path,
    output: Path,
    *,
    results: SessionResults | None = None,
    comparisons: Sequence[Comparison] = (),
    figures: Path | None = None,
) -> None:
    """Write the report of a session.

    Parameters
    ----------
    path : the session's folder
    output : the HTML file
    results : of its analysis; None: it is analysed here
    comparisons : of what was put into a simulation with what came out and what is printed
    figures : a folder for every figure as SVG, PDF and CSV; None: the page alone
    """
    page = session_page(open_session(path), results or analyse_recorded(path), comparisons=comparisons)
    write_page(page, output)
    if figures is not None:
        write_figures(page, figures)


def write_measured_report(
    analysis: JVAnalysis,
    path: Path,
    *,
    title: str = "Measured J-V curves",
    sources: Sequence[Path] = (),
    figures: Path | None = None,
) -> None:
    """Write the report of J-V curves measured elsewhere.

    Parameters
    ----------
    analysis : of the curves
    path : the HTML file
    title : of the page
    sources : the files the curves were read from
    figures : a folder for every figure as SVG, PDF and CSV; None: the page alone
    """
    subtitle = f"{len(analysis.curves)} curves, relative permittivity {analysis.relative_permittivity:g}"
    sections = (curves_section(analysis.curves), *jv_sections(analysis), provenance_of_files(sources))
    page = Page(title=title, subtitle=subtitle, sections=sections)
    write_page(page, path)
    if figures is not None:
        write_figures(page, figures)


def session_page(
    session: Session, results: SessionResults, *, comparisons: Sequence[Comparison] = ()
) -> Page:
    """The page of one session."""
    rows = sum(len(run.rows) for run in session.runs)
    subtitle = f"Session {session.path.name}, {session.end}; {len(session.runs)} runs, {rows} rows"
    sections = [comparison_section(comparisons)] if comparisons else []
    sections += [
        devices_section(one.device for one in results.devices.values()),
        conditions_section(session),
        runs_section(session),
    ]
    for name, device in results.devices.items():
        sections += _device_sections(session, name, device, with_printed=bool(comparisons))
    if sum(device.jv is not None for device in results.devices.values()) > 1:
        outcome = Outcome(session=session.path, results=results.to_dict())
        sections += compared_sections([outcome], [session])
    if results.comparison is not None:
        sections.append(mobilities_section(results.comparison))
    if comparisons:
        sections.append(consistency_section())
    sections += [warnings_section(session), provenance_section(session)]
    return Page(title=session_title(session), subtitle=subtitle, sections=tuple(sections))


def session_title(session: Session) -> str:
    """The plan's name, or the session's."""
    plan = session.document.get("plan", {})
    name = plan.get("name") if isinstance(plan, dict) else None
    return str(name or session.name)


def _device_sections(
    session: Session, name: str, results: DeviceResults, *, with_printed: bool
) -> list[Section]:
    built_in_voltage = results.device.built_in_voltage.value
    sections = [] if results.jv is None else jv_sections(results.jv, name, built_in_voltage)
    curves = jv_curves(session, name) if results.jv is None else []
    if curves:
        why = (
            "Shown as measured: both carriers flow in a device that emits light; laws of one do not apply."
            if results.tel
            else "Shown as measured: without the film's relative permittivity a current says no mobility."
        )
        sections.append(raw_section(curves, name, why))
    sections += [tel_section(one, name, with_printed=with_printed) for one in results.tel]
    if results.drift is not None:
        drift = results.drift
        sentence = (
            f"The reference at {drift.temperature:.0f} K, measured again at the end: current "
            f"{drift.relative_change:+.2%} (median over the common voltages)."
        )
        sections.append(Section(title=f"{name}: drift of the reference", paragraphs=(sentence,)))
    return sections
