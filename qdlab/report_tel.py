"""What a report says about pulsed electroluminescence, and how its mobility compares with space charge."""

from collections.abc import Sequence

import numpy as np

from analysis.constants import microsecond, nanometre
from analysis.estimate import Estimate
from analysis.published import li2024
from analysis.trapping import MobilityComparison
from qdlab import figure_data, figures
from qdlab.page import (
    Cell,
    Picture,
    Section,
    Table,
    estimate,
    file_name,
    interval,
    number,
    text,
    verdict,
)
from qdlab.pulsed import AmplitudeResult, TELAnalysis
from qdlab.report_jv import MOBILITY, advice, together


def tel_section(analysis: TELAnalysis, name: str, *, with_printed: bool = False) -> Section:
    """Delay times and transit mobilities of one device at one temperature.

    Parameters
    ----------
    analysis : of the device
    name : the device
    with_printed : show the mobility that the paper prints beside them
    """
    amplitudes = analysis.amplitudes
    series, fits = [one.series for one in amplitudes], [one.delay for one in amplitudes]
    kelvin = f"{analysis.temperature:.0f} K"
    pictures = [
        Picture(
            name=file_name(name, kelvin, "light"),
            figure=figures.delay_figure(series, fits),
            caption="Time-averaged light against pulse width with the standard error of each reading; lines "
            "run to the delay time on the axis (counterpart of Fig. 3 of Li et al. 2024).",
            data=figure_data.delay_data(series, fits),
        )
    ]
    known = [one for one in amplitudes if one.transit is not None]
    if known:
        pictures.append(_field_picture(known, analysis, file_name(name, kelvin, "field"), with_printed))
    with_grid = any(one.printed_grid_delay is not None for one in amplitudes)
    headings = (
        "V_{p} (V)",
        "device (V)",
        "τ_{d} (µs)",
        "95 % (µs)",
        *(["without the extension (µs)"] if with_grid else []),
        "E^{½} ((V/cm)^{½})",
        f"μ, V − V_{{bi}} ({MOBILITY})",
        "μ, plain V",
        "verdict",
    )
    rows = tuple(_tel_row(one, with_grid) for one in amplitudes)
    caption = (
        "V_{p}: set pulse amplitude; device: less the drop across generator and series resistance. "
        "μ = L²/(τ_{d} (V − V_{bi})); its error is that of τ_{d} alone."
    )
    volts = [f"{one.series.pulse_amplitude:g} V" for one in amplitudes]
    law = analysis.field_dependence
    return Section(
        title=f"{name}: pulsed electroluminescence, {kelvin}",
        figures=tuple(pictures),
        tables=(Table(headings=headings, rows=rows, caption=caption),),
        notes=(
            *advice(zip(volts, (one.delay.verdict for one in amplitudes), strict=True)),
            *together(zip(volts, (one.delay.why for one in amplitudes), strict=True)),
            *advice([] if law is None else [("Field dependence", law.verdict)]),
        ),
    )


def _field_picture(
    known: Sequence[AmplitudeResult], analysis: TELAnalysis, name: str, with_printed: bool
) -> Picture:
    fields = [one.transit.electric_field for one in known if one.transit is not None]
    mobilities = [one.transit.mobility for one in known if one.transit is not None]
    good = [one.delay.verdict.is_good for one in known]
    guide = None
    law = analysis.field_dependence
    if law is not None and law.verdict.is_good:
        line = np.linspace(min(fields), max(fields), 30)
        guide = (line, law.zero_field_mobility.value * np.exp(law.field_coefficient.value * np.sqrt(line)))
    printed = (li2024.TRANSIT_ROOT_FIELD.value, li2024.TRANSIT_MOBILITY.value) if with_printed else None
    amplitudes = [one.series.pulse_amplitude for one in known]
    return Picture(
        name=name,
        figure=figures.field_dependence_figure(fields, mobilities, good=good, guide=guide, published=printed),
        caption="Transit mobility against the root of the field with 95 % intervals where they are larger "
        "than the marks (counterpart of Fig. 4 of Li et al. 2024).",
        data=figure_data.field_data(amplitudes, fields, mobilities, good),
    )


def _tel_row(one: AmplitudeResult, with_grid: bool) -> tuple[Cell, ...]:
    printed, series = one.printed_grid_delay, one.series
    device_voltage = text("-") if series.device_voltage is None else number(series.device_voltage)
    grid = [text("-") if printed is None else text(_printed_grid(printed.delay_time))] if with_grid else []
    return (
        number(series.pulse_amplitude),
        device_voltage,
        estimate(one.delay.delay_time, 1 / microsecond),
        interval(one.delay.delay_time, 1 / microsecond),
        *grid,
        text("-") if one.transit is None else number(np.sqrt(one.transit.electric_field / 100)),
        estimate(None if one.transit is None else one.transit.mobility),
        estimate(None if one.transit_as_printed is None else one.transit_as_printed.mobility),
        verdict(one.delay.verdict),
    )


def _printed_grid(delay_time: Estimate) -> str:
    value, found = delay_time.scaled(1 / microsecond), delay_time.verdict
    return str(value) if found.is_good else f"{value} ({found.word.replace('_', ' ')})"


def mobilities_section(comparison: MobilityComparison) -> Section:
    """Transit over space-charge mobility under every assumption, and what follows where all agree."""
    rows = tuple(
        (
            number(one.thickness / nanometre),
            text("V" if one.built_in_voltage == 0 else f"V − {one.built_in_voltage:g} V"),
            number(one.front_factor, 3),
            estimate(one.transit.mobility),
            estimate(one.space_charge_mobility),
            number(one.ratio.value, 2),
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
        notes=tuple(advice([("Together", comparison.verdict)])),
    )
