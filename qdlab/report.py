"""One self-contained HTML page per session or set of measured files: figures, tables, warnings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.arrhenius import ArrheniusFit
from analysis.constants import electronvolt, microsecond, nanometre, square_millimetre
from analysis.curves import JVCurve
from analysis.device import Device
from analysis.disorder_fit import DisorderFit
from analysis.estimate import Estimate, Verdict
from analysis.published import li2024
from analysis.space_charge import SpaceChargeFit, ThicknessScaling
from analysis.trapping import MobilityComparison
from qdlab import figures
from qdlab.figures import to_svg
from qdlab.live.session import folded
from qdlab.measured import JVAnalysis, LayerAnalysis
from qdlab.page import (
    Cell,
    Page,
    Picture,
    Section,
    Table,
    estimate,
    interval,
    model_range,
    number,
    systematic,
    text,
    verdict,
    with_error,
    write_page,
)
from qdlab.pulsed import AmplitudeResult, TELAnalysis
from qdlab.records import RunFeed, Session, open_session
from qdlab.results import DeviceResults, SessionResults, analyse_screen

MOBILITY = "m² V⁻¹ s⁻¹"

_PARAMETERS = {
    "disorder_width": ("disorder width σ (meV)", 1e3 / electronvolt),
    "hopping_distance": ("hopping distance a (nm)", 1 / nanometre),
    "mobility_prefactor": (f"mobility prefactor μ₀ ({MOBILITY})", 1.0),
    "attempt_rate": ("attempt rate ν₀ (s⁻¹)", 1.0),
    "injecting_barrier": ("injecting barrier φ₁ (meV)", 1e3 / electronvolt),
    "extracting_barrier": ("extracting barrier φ₂ (meV)", 1e3 / electronvolt),
    "built_in_voltage": ("built-in voltage (V)", 1.0),
    "relative_permittivity": ("relative permittivity", 1.0),
    "series_resistance_area": ("series resistance × area (Ω m²)", 1.0),
}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One line of "put into the simulation | recovered | printed in the paper".

    Parameters
    ----------
    quantity : name and unit, for people
    put_in, recovered, printed : in that unit; None where there is none
    word : "agrees", "rounding", "assumption needed" or "does not follow"; empty where nothing is printed
    """

    quantity: str
    put_in: float | None
    recovered: Estimate
    printed: float | None
    word: str = ""


def write_session_report(path: Path, output: Path, *, comparisons: Sequence[Comparison] = ()) -> None:
    """Analyse a session and write its report.

    Parameters
    ----------
    path : the session's folder
    output : the HTML file
    comparisons : of what was put into a simulation with what came out and what is printed
    """
    session = open_session(path)
    screen = folded(session.devices, RunFeed(path).events())
    write_page(session_page(session, analyse_screen(screen), comparisons=comparisons), output)


def write_measured_report(analysis: JVAnalysis, path: Path, *, title: str = "Measured J-V curves") -> None:
    """The report of J-V curves measured elsewhere."""
    subtitle = f"{len(analysis.curves)} curves, relative permittivity {analysis.relative_permittivity:g}"
    write_page(Page(title=title, subtitle=subtitle, sections=tuple(jv_sections(analysis))), path)


def session_page(
    session: Session, results: SessionResults, *, comparisons: Sequence[Comparison] = ()
) -> Page:
    """The page of one session."""
    rows = sum(len(run.rows) for run in session.runs)
    subtitle = f"session {session.name}, {session.end}; {len(session.runs)} runs, {rows} rows"
    sections = [_devices_section(results.devices.values())]
    if comparisons:
        sections.insert(0, _comparison_section(comparisons))
    for name, device in results.devices.items():
        sections += _device_sections(name, device)
    if results.comparison is not None:
        sections.append(_mobilities_section(results.comparison))
    if comparisons:
        sections.append(_consistency_section())
    sections.append(_warnings_section(session))
    sections.append(_origin_section(session))
    return Page(title=_title(session), subtitle=subtitle, sections=tuple(sections))


def jv_sections(analysis: JVAnalysis, prefix: str = "") -> list[Section]:
    """Space charge, temperature laws and disorder fit of J-V curves."""
    sections = [_layer_section(layer, prefix) for layer in analysis.layers]
    if analysis.thickness_scaling:
        sections.append(_thickness_section(analysis.thickness_scaling, prefix))
    if analysis.disorder is not None:
        sections.append(_disorder_section(analysis.disorder, prefix))
    return sections


def _title(session: Session) -> str:
    plan = session.document.get("plan", {})
    name = plan.get("name") if isinstance(plan, dict) else None
    return f"Charge transport: {name or session.name}"


def _comparison_section(comparisons: Sequence[Comparison]) -> Section:
    rows = []
    for one in comparisons:
        rows.append(
            (
                text(one.quantity),
                text("-") if one.put_in is None else number(one.put_in),
                estimate(one.recovered),
                text("-") if one.printed is None else number(one.printed),
                text(one.word or "-"),
                verdict(one.recovered.verdict),
            )
        )
    table = Table(
        headings=(
            "quantity",
            "put into the simulation",
            "recovered",
            "printed in the paper",
            "word",
            "verdict",
        ),
        rows=tuple(rows),
        caption="Digits in brackets: statistical standard error of the last digits.",
    )
    return Section(
        title="Put in, recovered, printed",
        paragraphs=(
            "The simulated bench measures a sample whose truth is known; the analysis sees only the recorded "
            f"readings. Printed: Li et al., Adv. Electron. Mater. 2024, DOI {li2024.DOI}.",
        ),
        tables=(table,),
        notes=tuple(_advice((one.quantity, one.recovered.verdict) for one in comparisons)),
    )


def _devices_section(devices: Iterable[DeviceResults]) -> Section:
    rows = tuple(_device_row(one.device) for one in devices)
    headings = (
        "device",
        "layers, bottom to top (nm)",
        "L (nm)",
        "area (mm²)",
        "ε_r",
        "V_bi (V)",
        "injects from",
    )
    return Section(title="Devices", tables=(Table(headings=headings, rows=rows),))


def _device_row(device: Device) -> tuple[Cell, ...]:
    stack = "; ".join(f"{layer.material} {layer.thickness.value / nanometre:.4g}" for layer in device.layers)
    permittivity = device.relative_permittivity
    return (
        text(device.identifier),
        text(stack),
        estimate(device.thickness, 1 / nanometre),
        estimate(device.area, 1 / square_millimetre),
        text("not stated") if permittivity is None else estimate(permittivity),
        estimate(device.built_in_voltage),
        text(device.injecting_electrode),
    )


def _device_sections(name: str, results: DeviceResults) -> list[Section]:
    sections = [] if results.jv is None else jv_sections(results.jv, f"{name}: ")
    sections += [_tel_section(one, name) for one in results.tel]
    if results.drift is not None:
        drift = results.drift
        sentence = (
            f"The reference at {drift.temperature:.0f} K, measured again at the end: current "
            f"{drift.relative_change:+.2%} (median over the common voltages)."
        )
        sections.append(Section(title=f"{name}: drift of the reference", paragraphs=(sentence,)))
    return sections


def _layer_section(layer: LayerAnalysis, prefix: str) -> Section:
    warmest = max(range(len(layer.curves)), key=lambda index: layer.curves[index].temperature)
    pictures = [
        Picture(
            svg=to_svg(
                figures.current_density_figure([layer.curves[warmest]], [layer.space_charge[warmest]])
            ),
            caption="Current density at the highest temperature; dashed: the quadratic law through the "
            "shaded window (counterpart of Fig. 2a).",
        )
    ]
    with_mobility = [
        (curve.temperature, fit.zero_field_mobility)
        for curve, fit in _pairs(layer)
        if np.isfinite(fit.zero_field_mobility.value)
    ]
    if with_mobility:
        temperatures, mobilities = zip(*with_mobility, strict=True)
        usable = layer.arrhenius if len(layer.arrhenius.temperature) > 1 else None
        pictures.append(
            Picture(
                svg=to_svg(figures.arrhenius_figure(temperatures, mobilities, usable)),
                caption="Zero-field mobility of the quadratic windows against inverse temperature "
                "(counterpart of Fig. 5).",
            )
        )
    window = "none" if layer.common_window is None else "{:.3g} to {:.3g} V".format(*layer.common_window)
    return Section(
        title=f"{prefix}space charge, {layer.thickness / nanometre:g} nm",
        paragraphs=(f"Quadratic window common to all temperatures: {window}.",),
        figures=tuple(pictures),
        tables=(_space_charge_table(layer), _laws_table(layer)),
        notes=(
            *_advice((f"{c.temperature:.1f} K", fit.verdict) for c, fit in _pairs(layer)),
            *_advice(
                [
                    ("the series", layer.noise),
                    ("temperature laws", layer.arrhenius.verdict),
                    ("Murgatroyd", layer.murgatroyd.verdict),
                ]
            ),
        ),
    )


def _thickness_section(scaling: Mapping[float, ThicknessScaling], prefix: str) -> Section:
    """How J falls with L at equal voltage and at equal field, and whether J L³ collapses."""
    rows = tuple(
        (
            number(kelvin, 5),
            text(", ".join(f"{length / nanometre:g}" for length in found.thickness)),
            estimate(found.exponent),
            estimate(found.field_exponent),
            verdict(found.verdict),
        )
        for kelvin, found in scaling.items()
    )
    headings = ("T (K)", "thicknesses (nm)", "p of J ∝ L^-p, equal V", "equal V/L", "verdict")
    notes = _advice((f"{kelvin:.1f} K", found.verdict) for kelvin, found in scaling.items())
    return Section(
        title=f"{prefix}thickness scaling", tables=(Table(headings=headings, rows=rows),), notes=tuple(notes)
    )


def _mobilities_section(comparison: MobilityComparison) -> Section:
    """Transit over space-charge mobility under every assumption, and what follows where all agree."""
    rows = tuple(
        (
            number(one.thickness / nanometre),
            text("V" if one.built_in_voltage == 0 else f"V - {one.built_in_voltage:g} V"),
            number(one.front_factor, 3),
            estimate(one.transit.mobility),
            estimate(one.space_charge_mobility),
            estimate(one.ratio),
            text(one.conclusion),
        )
        for one in comparison.assumed
    )
    headings = (
        "L (nm)",
        "voltage",
        "front factor",
        f"μ transit ({MOBILITY})",
        f"μ space charge ({MOBILITY})",
        "ratio",
        "says",
    )
    low, high = comparison.ratio_range
    return Section(
        title="Drift or effective mobility",
        paragraphs=(
            f"Transit over space-charge mobility at the same field: {low:.2g} to {high:.2g} over all "
            f"assumptions; {comparison.conclusion}.",
        ),
        tables=(Table(headings=headings, rows=rows),),
        notes=tuple(_advice([("together", comparison.verdict)])),
    )


def _pairs(layer: LayerAnalysis) -> Iterable[tuple[JVCurve, SpaceChargeFit]]:
    return zip(layer.curves, layer.space_charge, strict=True)


def _advice(verdicts: Iterable[tuple[str, Verdict]]) -> list[str]:
    """One sentence for every verdict that has advice."""
    return [f"{name}: {verdict.advice}" for name, verdict in verdicts if verdict.advice]


def _space_charge_table(layer: LayerAnalysis) -> Table:
    rows = []
    for curve, fit in _pairs(layer):
        window = "none" if fit.window is None else "{:.3g} to {:.3g}".format(*fit.window)
        rows.append(
            (
                number(curve.temperature, 5),
                text(window),
                estimate(fit.zero_field_mobility),
                systematic(fit.zero_field_mobility),
                estimate(fit.corrected_mobility),
                estimate(fit.slope),
                text(_left_out(fit.left_out)),
                verdict(fit.verdict),
            )
        )
    return Table(
        headings=(
            "T (K)",
            "window (V)",
            f"μ(0) Mott-Gurney ({MOBILITY})",
            "systematic",
            "diffusion-corrected",
            "slope",
            "left out",
            "verdict",
        ),
        rows=tuple(rows),
    )


def _left_out(points: Sequence[tuple[float, str]]) -> str:
    reasons: dict[str, int] = {}
    for _, reason in points:
        reasons[reason] = reasons.get(reason, 0) + 1
    return ", ".join(f"{count} {reason}" for reason, count in reasons.items()) or "-"


def _laws_table(layer: LayerAnalysis) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, fit in (
        ("quadratic windows", layer.arrhenius),
        ("diffusion-corrected", layer.corrected_arrhenius),
    ):
        rows += _law_rows(name, fit)
    murgatroyd = layer.murgatroyd
    rows.append(
        (
            text("Murgatroyd-Gill, 1/T²"),
            estimate(murgatroyd.disorder_width, 1e3 / electronvolt),
            systematic(murgatroyd.disorder_width, 1e3 / electronvolt),
            estimate(murgatroyd.gaussian_prefactor),
            verdict(murgatroyd.verdict),
        )
    )
    return Table(
        headings=("law", "energy (meV)", "systematic", f"prefactor ({MOBILITY})", "verdict"), rows=tuple(rows)
    )


def _law_rows(name: str, fit: ArrheniusFit) -> list[tuple[Cell, ...]]:
    preferred = {"arrhenius": "1/T preferred", "gaussian": "1/T² preferred"}.get(fit.preferred, "undecided")
    return [
        (
            text(f"{name}, 1/T: activation energy"),
            estimate(fit.activation_energy, 1e3 / electronvolt),
            systematic(fit.activation_energy, 1e3 / electronvolt),
            estimate(fit.high_temperature_mobility),
            verdict(fit.verdict),
        ),
        (
            text(f"{name}, 1/T²: disorder width"),
            estimate(fit.disorder_width, 1e3 / electronvolt),
            systematic(fit.disorder_width, 1e3 / electronvolt),
            estimate(fit.gaussian_prefactor),
            text(preferred),
        ),
    ]


def _disorder_section(fit: DisorderFit, prefix: str) -> Section:
    curves = [one.curve for one in fit.curves]
    models = [(one.curve.voltage, one.model) for one in fit.curves]
    return Section(
        title=f"{prefix}disorder model (EGDM with drift and diffusion)",
        paragraphs=(f"Verdict: {fit.verdict}", "Model: " + "; ".join(fit.conventions) + "."),
        figures=(
            Picture(
                svg=to_svg(figures.disorder_figure(curves, models)),
                caption="Measured current densities and one set of EGDM parameters (counterpart of Fig. 6).",
            ),
            Picture(
                svg=to_svg(figures.residual_figure(curves, models)),
                caption="Deviation from the model, by temperature.",
            ),
        ),
        tables=tuple(
            table
            for table in (_parameter_table(fit), _correlation_table(fit), _alternatives_table(fit))
            if table
        ),
        notes=tuple(_advice((name, found.verdict) for name, found in fit.parameters.items())),
    )


def _parameter_table(fit: DisorderFit) -> Table:
    rows = []
    for name, found in fit.parameters.items():
        label, factor = _PARAMETERS.get(name, (name, 1.0))
        rows.append(
            (
                text(label),
                estimate(found, factor),
                systematic(found, factor),
                model_range(found, factor),
                verdict(found.verdict),
            )
        )
    for name, value in fit.fixed.items():
        label, factor = _PARAMETERS.get(name, (name, 1.0))
        rows.append((text(label), number(value * factor), text("fixed"), text("-"), text("-")))
    caption = (
        f"Three kinds of uncertainty, never added: statistical (brackets), systematic (thickness, area, "
        f"permittivity, temperature), model range. Reduced χ² {fit.reduced_chi_square:.3g}."
    )
    headings = ("parameter", "value", "systematic", "model range", "verdict")
    return Table(headings=headings, rows=tuple(rows), caption=caption)


def _correlation_table(fit: DisorderFit) -> Table | None:
    names = [_PARAMETERS.get(name, (name, 1.0))[0] for name in fit.parameters]
    if len(names) < 2 or not np.all(np.isfinite(fit.correlation)):
        return None
    rows = tuple(
        (text(name), *(Cell(text=f"{value:+.3f}", kind="number") for value in row))
        for name, row in zip(names, fit.correlation, strict=True)
    )
    return Table(headings=("correlation", *names), rows=rows)


def _alternatives_table(fit: DisorderFit) -> Table | None:
    if not fit.alternatives:
        return None
    names = list(fit.parameters)
    rows = tuple(
        (
            text(one.name),
            *(
                number(one.values[name] * _PARAMETERS.get(name, (name, 1.0))[1])
                if name in one.values
                else text("-")
                for name in names
            ),
            number(one.reduced_chi_square, 3),
            text("converged" if one.converged else "not converged"),
        )
        for one in fit.alternatives
    )
    labels = [_PARAMETERS.get(name, (name, 1.0))[0] for name in names]
    return Table(headings=("refitted under", *labels, "reduced χ²", "end"), rows=rows)


def _tel_section(analysis: TELAnalysis, name: str) -> Section:
    amplitudes = analysis.amplitudes
    pictures = [
        Picture(
            svg=to_svg(
                figures.delay_figure([one.series for one in amplitudes], [one.delay for one in amplitudes])
            ),
            caption="Time-averaged light against pulse width; lines run to the delay time on the axis "
            "(counterpart of Fig. 3).",
        )
    ]
    known = [one for one in amplitudes if one.transit is not None]
    if known:
        pictures.append(Picture(svg=_field_svg(known, analysis), caption=_FIELD_CAPTION))
    rows = tuple(_tel_row(one) for one in amplitudes)
    headings = (
        "V_p (V)",
        "device (V)",
        "τ_d (µs)",
        "95 % (µs)",
        "printed grid only",
        "E^½ ((V/cm)^½)",
        f"μ, V - V_bi ({MOBILITY})",
        "μ, plain V",
        "verdict",
    )
    notes = _advice((f"{one.series.pulse_amplitude:g} V", one.delay.verdict) for one in amplitudes)
    notes += [f"{one.series.pulse_amplitude:g} V: {one.delay.why}" for one in amplitudes if one.delay.why]
    return Section(
        title=f"{name}: pulsed electroluminescence, {analysis.temperature:.0f} K",
        figures=tuple(pictures),
        tables=(Table(headings=headings, rows=rows),),
        notes=tuple(notes),
    )


_FIELD_CAPTION = (
    "Transit mobility against the root of the field (counterpart of Fig. 4); bars are 95 % intervals."
)


def _field_svg(known: Sequence[AmplitudeResult], analysis: TELAnalysis) -> str:
    fields = [one.transit.electric_field for one in known if one.transit is not None]
    guide = None
    law = analysis.field_dependence
    if law is not None and law.verdict.is_good:
        line = np.linspace(min(fields), max(fields), 30)
        guide = (line, law.zero_field_mobility.value * np.exp(law.field_coefficient.value * np.sqrt(line)))
    return to_svg(
        figures.field_dependence_figure(
            fields,
            [one.transit.mobility for one in known if one.transit is not None],
            good=[one.delay.verdict.is_good for one in known],
            guide=guide,
            published=(li2024.TRANSIT_ROOT_FIELD.value, li2024.TRANSIT_MOBILITY.value),
        )
    )


def _tel_row(one: AmplitudeResult) -> tuple[Cell, ...]:
    printed, series = one.printed_grid_delay, one.series
    device_voltage = text("-") if series.device_voltage is None else number(series.device_voltage)
    return (
        number(series.pulse_amplitude),
        device_voltage,
        estimate(one.delay.delay_time, 1 / microsecond),
        interval(one.delay.delay_time, 1 / microsecond),
        text("-") if printed is None else text(_printed_grid(printed.delay_time)),
        text("-") if one.transit is None else number(np.sqrt(one.transit.electric_field / 100)),
        estimate(None if one.transit is None else one.transit.mobility),
        estimate(None if one.transit_as_printed is None else one.transit_as_printed.mobility),
        verdict(one.delay.verdict),
    )


def _printed_grid(delay_time: Estimate) -> str:
    value = delay_time.scaled(1 / microsecond)
    return str(value) if delay_time.verdict.is_good else f"{value} ({delay_time.verdict.word})"


def _consistency_section() -> Section:
    rows = tuple(
        (text(note.subject), text(note.word), text(note.sentence)) for note in li2024.CONSISTENCY_NOTES
    )
    assumed = tuple(
        (text(one.name), with_error(one.value, None), text(one.unit), text(one.reason))
        for one in li2024.ASSUMPTIONS
    )
    return Section(
        title="What the paper's numbers say of each other",
        paragraphs=("Worked out beforehand from the printed numbers alone; shown, not tuned away.",),
        tables=(
            Table(headings=("printed number", "word", "in plain words"), rows=rows),
            Table(headings=("assumed here", "value", "unit", "why"), rows=assumed),
        ),
    )


def _warnings_section(session: Session) -> Section:
    entries = [one for one in session.journal if one.level in ("warning", "error", "guardian")]
    flags: dict[str, int] = {}
    for run in session.runs:
        for word in (word for words in run.rows.flags for word in words):
            flags[word] = flags.get(word, 0) + 1
    notes = [f"{entry.utc} {entry.level}: {entry.text}" for entry in entries]
    notes += [f"{count} rows flagged {word}" for word, count in sorted(flags.items())]
    ended = [f"{run.name}: {run.end}" for run in session.runs if run.end != "finished"]
    return Section(title="Warnings and flags", notes=(*notes, *ended) or ("none",))


def _origin_section(session: Session) -> Section:
    facts = session.document.get("session", {})
    rows = [(text(key), text(value)) for key, value in facts.items() if isinstance(value, str | int | float)]
    for name in ("identities", "versions", "hashes"):
        table = session.document.get(name, {})
        rows += (
            [(text(f"{name}: {key}"), text(value)) for key, value in table.items()]
            if isinstance(table, dict)
            else []
        )
    return Section(title="Origin", tables=(Table(headings=("fact", "value"), rows=tuple(rows)),))
