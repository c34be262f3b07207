"""Analyses of curves and sessions as tables for a terminal of 80 columns, in the units of the lab."""

import math
from collections import Counter

from rich import box
from rich.console import RenderableType
from rich.table import Table

from analysis.constants import electronvolt, microsecond, nanometre
from analysis.disorder_fit import DisorderFit
from analysis.estimate import Estimate
from analysis.space_charge import SpaceChargeFit
from qdlab.measured import JVAnalysis, LayerAnalysis
from qdlab.pulsed import TELAnalysis
from qdlab.results import SessionResults

MILLIELECTRONVOLT = electronvolt / 1e3
MOBILITY_UNIT = "m²/Vs"

_SHOWN_IN = {
    "disorder_width": ("meV", MILLIELECTRONVOLT),
    "injecting_barrier": ("meV", MILLIELECTRONVOLT),
    "extracting_barrier": ("meV", MILLIELECTRONVOLT),
    "hopping_distance": ("nm", nanometre),
    "mobility_prefactor": (MOBILITY_UNIT, 1.0),
    "attempt_rate": ("1/s", 1.0),
    "built_in_voltage": ("V", 1.0),
    "series_resistance_area": ("Ω m²", 1.0),
    "relative_permittivity": ("1", 1.0),
}


def analysis_tables(analysis: JVAnalysis) -> list[RenderableType]:
    """For each layer its curves, what to know about them, and its temperature laws; then the disorder fit."""
    shown: list[RenderableType] = []
    for layer in analysis.layers:
        shown += [_curves_table(layer), *_remarks(layer), *_laws_tables(layer), *_advice(layer)]
    for kelvin, scaling in analysis.thickness_scaling.items():
        told = f"J ∝ L^-p at equal voltage, {kelvin:.4g} K: p = {scaling.exponent} (3 for space charge)."
        shown.append(f"{told} {scaling.verdict.advice}".rstrip())
    if analysis.disorder is not None:
        verdict = str(analysis.disorder.verdict).replace("_", " ")
        shown += [_disorder_table(analysis.disorder, analysis.convention), verdict]
    return shown


def session_tables(results: SessionResults) -> list[RenderableType]:
    """Device after device: its J-V analysis, its pulse series, and how it drifted."""
    shown: list[RenderableType] = []
    for name, device in results.devices.items():
        shown.append(f"Device {name}")
        if device.jv is not None:
            shown += analysis_tables(device.jv)
        for one in device.tel:
            shown += [_tel_table(one), *_tel_remarks(one)]
        if device.drift is not None:
            change = f"{device.drift.relative_change:+.2%}"
            shown.append(f"Current at {device.drift.temperature:.4g} K from first to last sweep: {change}.")
    if results.comparison is not None:
        low, high = results.comparison.ratio_range
        told = f"Transit over space-charge mobility: {low:.2g} to {high:.2g} over all assumptions"
        shown.append(f"{told}; {results.comparison.conclusion}. {results.comparison.verdict.advice}".rstrip())
    return shown


def _tel_table(analysis: TELAnalysis) -> Table:
    table = _table(
        f"Transient electroluminescence, {analysis.temperature:.4g} K",
        ("V_p/V", "delay / µs", "95 % / µs", f"mobility / {MOBILITY_UNIT}", "with plain V", "verdict"),
    )
    for one in analysis.amplitudes:
        delay = one.delay.delay_time.scaled(1 / microsecond)
        low, high = delay.confidence_interval or (math.nan, math.nan)
        transits = (one.transit, one.transit_as_printed)
        mobilities = ["-" if transit is None else str(transit.mobility) for transit in transits]
        amplitude = f"{one.series.pulse_amplitude:g}"
        table.add_row(amplitude, str(delay), f"{low:.4g}-{high:.4g}", *mobilities, delay.verdict.word)
    return table


def _tel_remarks(analysis: TELAnalysis) -> list[RenderableType]:
    lines = [
        f"{one.series.pulse_amplitude:g} V: {one.delay.verdict.advice}"
        for one in analysis.amplitudes
        if one.delay.verdict.advice
    ]
    law = analysis.field_dependence
    if law is not None:
        at_zero = f"{law.zero_field_mobility} {MOBILITY_UNIT} at zero field"
        lines.append(f"ln mobility against E^½: slope {law.field_coefficient} (m/V)^½, {at_zero}.")
    return list(lines)


def _curves_table(layer: LayerAnalysis) -> Table:
    table = _table(
        f"Space charge, {layer.thickness / nanometre:g} nm: Mott-Gurney mobility in {MOBILITY_UNIT}",
        ("T/K", "window/V", "plain", "corrected", "slope", "verdict"),
    )
    for curve, fit in zip(layer.curves, layer.space_charge, strict=True):
        window = "none" if fit.window is None else "{:.2f}-{:.2f}".format(*fit.window)
        numbers = (fit.zero_field_mobility, fit.corrected_mobility, fit.slope)
        table.add_row(f"{curve.temperature:.4g}", window, *map(str, numbers), fit.verdict.word)
    return table


def _remarks(layer: LayerAnalysis) -> list[RenderableType]:
    """Why a mobility is not good and which points were left out, a line a curve; then the common window."""
    lines = [] if layer.noise.is_good else [layer.noise.advice]
    for curve, fit in zip(layer.curves, layer.space_charge, strict=True):
        told = [] if fit.verdict.is_good else [fit.verdict.advice]
        left_out = _left_out(fit)
        if left_out:
            told.append(f"Left out: {left_out}.")
        if told:
            lines.append(f"{curve.temperature:.4g} K: {' '.join(told)}")
    if layer.common_window is None:
        lines.append("No voltage window is quadratic at all temperatures.")
    else:
        lines.append("Quadratic at all temperatures from {:.3g} to {:.3g} V.".format(*layer.common_window))
    return list(lines)


def _left_out(fit: SpaceChargeFit) -> str:
    counts = Counter(flags.replace(" ", " and ") for _, flags in fit.left_out)
    return ", ".join(
        f"{count} point{'s' if count > 1 else ''} ({reason})" for reason, count in counts.items()
    )


def _laws(layer: LayerAnalysis) -> list[tuple[str, Estimate, Estimate]]:
    plain, corrected, murgatroyd = layer.arrhenius, layer.corrected_arrhenius, layer.murgatroyd
    return [
        ("plain, 1/T", plain.activation_energy, plain.high_temperature_mobility),
        ("corrected, 1/T", corrected.activation_energy, corrected.high_temperature_mobility),
        ("plain, 1/T²", plain.disorder_width, plain.gaussian_prefactor),
        ("corrected, 1/T²", corrected.disorder_width, corrected.gaussian_prefactor),
        ("Murgatroyd, 1/T²", murgatroyd.disorder_width, murgatroyd.gaussian_prefactor),
    ]


def _laws_tables(layer: LayerAnalysis) -> list[RenderableType]:
    """The temperature laws that were found; the advice says why one was not."""
    table = _table(
        "Temperature laws: activation energy (1/T) or disorder width (1/T²)",
        ("mobility, law", "energy / meV", f"prefactor / {MOBILITY_UNIT}", "verdict"),
    )
    for name, energy, prefactor in _laws(layer):
        if math.isfinite(energy.value):
            energy_told = str(energy.scaled(1 / MILLIELECTRONVOLT))
            table.add_row(name, energy_told, str(prefactor), energy.verdict.word)
    return [table] if table.row_count else []


def _advice(layer: LayerAnalysis) -> list[RenderableType]:
    told_of: dict[str, dict[str, None]] = {}
    for name, energy, _ in _laws(layer):
        if energy.verdict.advice and energy.verdict != layer.noise:
            told_of.setdefault(energy.verdict.advice, {})[name.partition(",")[0]] = None
    sentences = [f"Laws of {' and '.join(names)}: {advice}" for advice, names in told_of.items()]
    built_in = layer.murgatroyd.built_in_voltage
    told = f"Built-in voltage of the Murgatroyd fit: {built_in} V. {built_in.verdict.advice}"
    return [*sentences, told.rstrip()]


def _disorder_table(fit: DisorderFit, convention: str) -> Table:
    table = _table(
        f"Disorder model, convention {convention}",
        ("parameter", "value", "systematic", "model range", "verdict"),
    )
    for name, estimate in fit.parameters.items():
        unit, scale = _SHOWN_IN.get(name, ("SI", 1.0))
        shown = estimate.scaled(1 / scale)
        systematic = "-" if shown.systematic_error is None else f"{shown.systematic_error:.2g}"
        spread = "-" if shown.model_range is None else "{:.3g} to {:.3g}".format(*shown.model_range)
        label = f"{name.replace('_', ' ')} / {unit}"
        table.add_row(label, str(shown), systematic, spread, estimate.verdict.word)
    return table


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column not in ("parameter", "model range"), overflow="fold")
    return table
