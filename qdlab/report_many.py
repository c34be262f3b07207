"""One page of many sessions: parameters side by side, their spread, Arrhenius lines and J L³ together."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from analysis.curves import JVCurve
from analysis.device import Device
from analysis.space_charge import fit_thickness_scaling
from qdlab import figure_data, figures
from qdlab.batch import Outcome
from qdlab.batch_tables import SPREAD_CAPTION, STAR, row_texts
from qdlab.figures import ComparedValues, MobilitySeries
from qdlab.page import (
    Page,
    Picture,
    Section,
    Table,
    file_name,
    powers_of_ten,
    text,
    write_figures,
    write_page,
)
from qdlab.records import Session, open_session
from qdlab.records.curves import jv_curves
from qdlab.report_jv import advice, thickness_section
from qdlab.report_record import devices_section, files_section, provenance_of_files
from qdlab.summary import GROUP_HEADINGS, Quantity, Summary, summarise, zero_field_mobilities

SHOWN_SERIES = 10
SAME_TEMPERATURE = 1.0  # [K]


def write_sessions_report(outcomes: Sequence[Outcome], output: Path, *, figures: Path | None = None) -> None:
    """Write the page of many analysed sessions.

    Parameters
    ----------
    outcomes : as `qdlab.batch.analyse_sessions` gives them
    output : the HTML file
    figures : a folder for every figure as SVG, PDF and CSV; None: the page alone
    """
    page = sessions_page(outcomes)
    write_page(page, output)
    if figures is not None:
        write_figures(page, figures)


def sessions_page(outcomes: Sequence[Outcome]) -> Page:
    """The page of many analysed sessions.

    Parameters
    ----------
    outcomes : as `qdlab.batch.analyse_sessions` gives them; those that failed are told
    """
    summary = summarise(outcomes)
    sessions = [open_session(outcome.session) for outcome in outcomes if outcome.results is not None]
    devices = {name: device for session in sessions for name, device in session.devices.items()}
    failed = [f"{row.session}: {row.problem}" for row in summary.rows if row.problem]
    sections = [
        devices_section(devices.values()),
        *compared_sections(outcomes, sessions),
        Section(title="Sessions that could not be analysed", notes=tuple(failed) or ("none",)),
        files_section(sessions),
        provenance_of_files(),
    ]
    subtitle = f"{len(outcomes)} sessions, {len(devices)} devices; each session has a report of its own"
    return Page(title="Sessions compared", subtitle=subtitle, sections=tuple(sections))


def compared_sections(outcomes: Sequence[Outcome], sessions: Sequence[Session]) -> list[Section]:
    """Parameters side by side, their spread, Arrhenius lines and J L³ of all devices together.

    Parameters
    ----------
    outcomes : of one session or more
    sessions : those that were analysed, as read
    """
    summary = summarise(outcomes)
    return [
        _side_by_side(summary),
        _spread_section(summary),
        *_arrhenius_sections(outcomes),
        *_thickness_sections(outcomes, sessions),
    ]


def _side_by_side(summary: Summary) -> Section:
    """One line a device and session."""
    headings = ("session", "device", *(_heading(one) for one in summary.quantities), "disorder fit")
    rows = tuple(
        tuple(text(powers_of_ten(cell)) for cell in row_texts(summary, index))
        for index in range(len(summary.rows))
    )
    table = Table(headings=headings, rows=rows, caption=f"Statistical errors in brackets. {STAR}.")
    return Section(title="Parameters side by side", tables=(table,))


def _spread_section(summary: Summary) -> Section:
    """Every value of each quantity, and its spread from level to level."""
    known = [one for one in summary.quantities if any(group.quantity == one for group in summary.groups)]
    rows = tuple(
        (text(_heading(group.quantity)), *(text(powers_of_ten(cell)) for cell in group.texts()))
        for group in summary.groups
    )
    said = [(f"{group.quantity.symbol} ({group.told})", group.spread.verdict) for group in summary.groups]
    notes = list(advice(said)) + [
        f"{one.symbol}: {summary.left_out[one.name]} values left out, which have no error or a verdict that "
        "says there is no number."
        for one in known
        if summary.left_out[one.name]
    ]
    table = Table(headings=("quantity", *GROUP_HEADINGS), rows=rows, caption=SPREAD_CAPTION)
    return Section(
        title="Spread between sessions, pixels, substrates and batches",
        figures=tuple(_compared_picture(summary, quantity) for quantity in known),
        tables=(table,) if rows else (),
        notes=tuple(notes) if rows else ("One value of each quantity at most: nothing to compare.",),
    )


def _compared_picture(summary: Summary, quantity: Quantity) -> Picture:
    chosen = [(index, row) for index, row in enumerate(summary.rows) if quantity.name in row.values]
    # the last group holds everything: above it nothing was left to compare
    top = [group for group in summary.groups if group.quantity == quantity][-1]
    values = ComparedValues(
        heading=_heading(quantity),
        labels=_labels([row.device for _, row in chosen]),
        values=[row.values[quantity.name].scaled(1 / quantity.scale) for _, row in chosen],
        outlying=[index in summary.outlying[quantity.name] for index, _ in chosen],
        mean=top.mean.scaled(1 / quantity.scale),
        logarithmic=quantity.logarithmic,
    )
    return Picture(
        name=file_name("compared", quantity.name),
        figure=figures.compared_figure(values),
        caption=f"{quantity.symbol}: bars 95 % from the statistical error alone; line and band: mean over "
        f"the {top.level} and its 95 % interval; stars: far from the others.",
        data=figure_data.compared_data(values),
    )


def _heading(quantity: Quantity) -> str:
    return f"{quantity.symbol} ({quantity.unit})"


def _labels(devices: Sequence[str]) -> list[str]:
    """The devices; one of several sessions with the session's number."""
    return [
        f"{device} #{devices[: index + 1].count(device)}" if devices.count(device) > 1 else device
        for index, device in enumerate(devices)
    ]


def _arrhenius_sections(outcomes: Sequence[Outcome]) -> list[Section]:
    """The Mott-Gurney mobilities of all devices against inverse temperature."""
    series = [
        MobilitySeries(label=name, temperature=list(found), mobility=list(found.values()))
        for outcome in outcomes
        for name, device in outcome.devices.items()
        if len(found := zero_field_mobilities(device)) > 1
    ]
    if len(series) < 2:
        return []
    shown = series[:SHOWN_SERIES]
    more = f" The first {len(shown)} of {len(series)} are shown." if len(series) > len(shown) else ""
    picture = Picture(
        name="compared-arrhenius",
        figure=figures.arrhenius_figure(shown),
        caption=f"Mott-Gurney zero-field mobilities of the quadratic windows, with 95 % intervals.{more}",
        data=figure_data.arrhenius_data(series),
    )
    return [Section(title="Temperature, all devices", figures=(picture,))]


def _thickness_sections(outcomes: Sequence[Outcome], sessions: Sequence[Session]) -> list[Section]:
    """J L³ of devices of different thickness, at the highest temperature that all thicknesses share."""
    analysed = {name for outcome in outcomes for name, found in outcome.devices.items() if found["jv"]}
    devices: dict[str, Device] = {}
    curves: dict[float, list[JVCurve]] = {}
    for session in sessions:
        for name in (name for name in session.devices if name in analysed):
            devices[name] = session.devices[name]
            for curve in jv_curves(session, name):
                curves.setdefault(curve.thickness, []).append(curve)
    if len(curves) < 2:
        return []
    thinnest, *others = (curves[thickness] for thickness in sorted(curves))
    for one in sorted(thinnest, key=lambda curve: -curve.temperature):
        same = [_near(beside, one.temperature) for beside in others]
        together = [one, *(curve for curve in same if curve is not None)]
        if len(together) == len(curves):
            built_in = {device.built_in_voltage.value for device in devices.values()}
            if len(built_in) > 1:
                return [_not_scaled(built_in)]
            (voltage,) = built_in
            scaling = fit_thickness_scaling(together, built_in_voltage=voltage)
            return [thickness_section(together, {one.temperature: scaling}, built_in_voltage=voltage)]
    return []


def _not_scaled(built_in: Iterable[float]) -> Section:
    told = ", ".join(f"{voltage:g}" for voltage in sorted(built_in))
    why = (
        f"Not compared: the devices' built-in voltages differ ({told} V), and one voltage means another "
        "field in each; state one for all of them to have J L³ on one axis."
    )
    return Section(title="Thickness scaling", paragraphs=(why,))


def _near(curves: Sequence[JVCurve], temperature: float) -> JVCurve | None:
    return next((one for one in curves if abs(one.temperature - temperature) < SAME_TEMPERATURE), None)
