"""What a report says about J-V curves: space charge, temperature laws, thickness, and the disorder model."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from analysis.arrhenius import ArrheniusFit
from analysis.constants import electronvolt, nanometre
from analysis.curves import JVCurve
from analysis.disorder_fit import DisorderFit
from analysis.estimate import Estimate, Verdict
from analysis.space_charge import ThicknessScaling
from qdlab import figure_data, figures
from qdlab.figures import MobilitySeries
from qdlab.measured import JVAnalysis, LayerAnalysis
from qdlab.page import (
    Cell,
    Picture,
    Section,
    Table,
    estimate,
    file_name,
    model_range,
    number,
    powers_of_ten,
    systematic,
    text,
    verdict,
)

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
_FAR_BELOW, _FAR_ABOVE = 0.1, 3.0  # reduced chi-square at which the assumed errors are not the scatter [1]


def jv_sections(analysis: JVAnalysis, device: str = "", built_in_voltage: float = 0.0) -> list[Section]:
    """Space charge, temperature laws and disorder fit of J-V curves.

    Parameters
    ----------
    analysis : of one device, or of files
    device : its name; empty for files
    built_in_voltage : that was subtracted [V]
    """
    sections = [_layer_section(layer, device, built_in_voltage) for layer in analysis.layers]
    if analysis.thickness_scaling:
        sections.append(
            thickness_section(analysis.curves, analysis.thickness_scaling, device, built_in_voltage)
        )
    if analysis.disorder is not None:
        sections.append(_disorder_section(analysis.disorder, device))
    return sections


def curves_section(curves: Sequence[JVCurve]) -> Section:
    """What was read: each curve with its range, and how many of its points carry which flag."""
    rows = tuple(
        (
            text(curve.label or "-"),
            number(curve.temperature),
            number(curve.thickness / nanometre),
            Cell(text=str(len(curve)), kind="number"),
            text(f"{curve.voltage.min():.3g} to {curve.voltage.max():.3g}" if len(curve) else "-"),
            text(_counted(word for words in curve.flags for word in sorted(words))),
        )
        for curve in curves
    )
    headings = ("curve", "T (K)", "L (nm)", "points", "voltage (V)", "flags")
    return Section(title="Curves", tables=(Table(headings=headings, rows=rows),))


def raw_section(curves: Sequence[JVCurve], device: str, why: str) -> Section:
    """J-V curves as measured, of a device whose current says nothing of one kind of carrier."""
    fits = [None] * len(curves)
    picture = Picture(
        name=file_name(device, "current-density"),
        figure=figures.current_density_figure(curves, fits),
        caption="Current density as measured.",
        data=figure_data.current_density_data(curves, fits),
    )
    return Section(title=f"{device}: J-V", paragraphs=(why,), figures=(picture,))


def thickness_section(
    curves: Sequence[JVCurve],
    scaling: Mapping[float, ThicknessScaling],
    device: str = "",
    built_in_voltage: float = 0.0,
) -> Section:
    """How J falls with L at equal voltage and at equal field, and whether J L³ collapses."""
    warmest = max(scaling)
    shown = [curve for curve in curves if abs(curve.temperature - warmest) < 1]
    rows = tuple(
        (
            number(kelvin, 5),
            text(", ".join(f"{length / nanometre:g}" for length in found.thickness)),
            estimate(found.exponent),
            estimate(found.field_exponent),
            number(float(found.spread.max()), 3) if len(found.spread) else text("-"),
            verdict(found.verdict),
        )
        for kelvin, found in scaling.items()
    )
    headings = (
        "T (K)",
        "thicknesses (nm)",
        "p of J ∝ L^{-p}, equal V",
        "equal V/L",
        "largest spread of J L³",
        "verdict",
    )
    picture = Picture(
        name=file_name(device, "thickness-scaling"),
        figure=figures.thickness_figure(shown, built_in_voltage=built_in_voltage),
        caption=f"J L³ of all thicknesses at {warmest:.0f} K; the quadratic law puts them on one curve "
        "(counterpart of Fig. 2b of Li et al. 2024).",
        data=figure_data.thickness_data(shown, built_in_voltage=built_in_voltage),
    )
    caption = "p is 3 at equal V for the quadratic law. Spread: highest over lowest J L³ at one voltage."
    return Section(
        title=_titled(device, "thickness scaling"),
        figures=(picture,),
        tables=(Table(headings=headings, rows=rows, caption=caption),),
        notes=tuple(advice((f"{kelvin:.1f} K", found.verdict) for kelvin, found in scaling.items())),
    )


def advice(verdicts: Iterable[tuple[str, Verdict]]) -> Iterator[str]:
    """One sentence for every advice, with the names of all it was given to."""
    return together((name, verdict.advice) for name, verdict in verdicts)


def together(sentences: Iterable[tuple[str, str]]) -> Iterator[str]:
    """``name, name: sentence`` for every sentence there is, in the order in which it was first said."""
    names: dict[str, list[str]] = {}
    for name, sentence in sentences:
        if sentence:
            names.setdefault(sentence, []).append(name)
    for sentence, told in names.items():
        yield f"{', '.join(told)}: {powers_of_ten(sentence)}"


def mobility_series(layer: LayerAnalysis, name: str = "") -> list[MobilitySeries]:
    """Plain and diffusion-corrected mobilities of a layer with their laws; those there are."""
    found = []
    for label, law, mobilities in (
        ("Mott-Gurney", layer.arrhenius, [fit.zero_field_mobility for fit in layer.space_charge]),
        (
            "without diffusion",
            layer.corrected_arrhenius,
            [fit.corrected_mobility for fit in layer.space_charge],
        ),
    ):
        known = [
            (curve.temperature, mobility)
            for curve, mobility in zip(layer.curves, mobilities, strict=True)
            if np.isfinite(mobility.value)
        ]
        if known:
            temperature, mobility = zip(*known, strict=True)
            found.append(
                MobilitySeries(
                    label=f"{name}, {label}" if name else label,
                    temperature=temperature,
                    mobility=mobility,
                    law=law if len(law.temperature) > 1 else None,
                )
            )
    return found


def _titled(device: str, title: str) -> str:
    return f"{device}: {title}" if device else title[0].upper() + title[1:]


def _layer_section(layer: LayerAnalysis, device: str, built_in_voltage: float) -> Section:
    thickness = f"{layer.thickness / nanometre:g} nm"
    pictures = [_current_density_picture(layer, device, thickness, built_in_voltage)]
    series = mobility_series(layer)
    several = len({round(curve.temperature) for curve in layer.curves}) > 1
    if series and several:
        pictures.append(
            Picture(
                name=file_name(device, thickness, "arrhenius"),
                figure=figures.arrhenius_figure(series),
                caption="Zero-field mobilities of the quadratic windows against inverse temperature, bars: "
                "95 % intervals (counterpart of Fig. 5 of Li et al. 2024).",
                data=figure_data.arrhenius_data(series),
            )
        )
    window = "none" if layer.common_window is None else "{:.3g} to {:.3g} V".format(*layer.common_window)
    return Section(
        title=_titled(device, f"space charge, {thickness}"),
        paragraphs=(f"Quadratic window common to all temperatures: {window}.",) if several else (),
        figures=tuple(pictures),
        tables=(_space_charge_table(layer), *_laws_tables(layer)),
        notes=(
            *advice(
                (label, fit.verdict)
                for label, fit in zip(figures.curve_labels(layer.curves), layer.space_charge, strict=True)
            ),
            *advice(
                [
                    ("The series", layer.noise),
                    ("Temperature laws", layer.arrhenius.verdict),
                    ("Temperature laws without diffusion", layer.corrected_arrhenius.verdict),
                    ("Murgatroyd-Gill", layer.murgatroyd.verdict),
                    ("Murgatroyd-Gill", layer.murgatroyd.disorder_width.verdict),
                    ("Murgatroyd-Gill, built-in voltage", layer.murgatroyd.built_in_voltage.verdict),
                ]
            ),
        ),
    )


def _current_density_picture(
    layer: LayerAnalysis, device: str, thickness: str, built_in_voltage: float
) -> Picture:
    warmest = max(range(len(layer.curves)), key=lambda index: layer.curves[index].temperature)
    curves, fits = [layer.curves[warmest]], [layer.space_charge[warmest]]
    law = (
        "no window of it is quadratic"
        if fits[0].window is None
        else "dashed: the quadratic law through the shaded window"
    )
    return Picture(
        name=file_name(device, thickness, "current-density"),
        figure=figures.current_density_figure(curves, fits, built_in_voltage=built_in_voltage),
        caption=f"Current density at the highest temperature; {law}; crosses: points that a detector keeps "
        "out of every fit (counterpart of Fig. 2a of Li et al. 2024).",
        data=figure_data.current_density_data(curves, fits, built_in_voltage=built_in_voltage),
    )


def _space_charge_table(layer: LayerAnalysis) -> Table:
    rows = []
    labels = figures.curve_labels(layer.curves)
    for label, fit in zip(labels, layer.space_charge, strict=True):
        window = "none" if fit.window is None else "{:.3g} to {:.3g}".format(*fit.window)
        rows.append(
            (
                text(label.replace(" K", "")),
                text(window),
                estimate(fit.zero_field_mobility),
                systematic(fit.zero_field_mobility),
                model_range(fit.zero_field_mobility),
                estimate(fit.corrected_mobility),
                estimate(fit.slope),
                text(_counted(flags.replace(" ", " and ") for _, flags in fit.left_out)),
                verdict(fit.verdict),
            )
        )
    headings = (
        "T (K)",
        "window (V)",
        f"μ(0) Mott-Gurney ({MOBILITY})",
        "systematic",
        "if the window moves",
        "without diffusion",
        "slope",
        "left out",
        "verdict",
    )
    again = any("(" in label for label in labels)
    caption = "Statistical error in brackets; systematic: from thickness, area and permittivity together." + (
        " A number in brackets behind a temperature: measured again." if again else ""
    )
    return Table(headings=headings, rows=tuple(rows), caption=caption)


def _counted(reasons: Iterable[str]) -> str:
    """``4 range-switch, 2 compliance``; a dash for none."""
    return ", ".join(f"{count} {reason}" for reason, count in Counter(reasons).items()) or "-"


def _laws_tables(layer: LayerAnalysis) -> list[Table]:
    """The temperature laws that were found; the notes say why one was not."""
    rows: list[tuple[Cell, ...]] = []
    for name, fit in (("Mott-Gurney", layer.arrhenius), ("without diffusion", layer.corrected_arrhenius)):
        rows += _law_rows(name, fit)
    murgatroyd = layer.murgatroyd
    width, prefactor = murgatroyd.disorder_width, murgatroyd.gaussian_prefactor
    rows += _law_row("Murgatroyd-Gill, 1/T²: σ", width, prefactor, "-")
    if not rows:
        return []
    headings = ("law", "energy (meV)", "systematic", f"prefactor ({MOBILITY})", "data prefer", "verdict")
    built_in = murgatroyd.built_in_voltage
    caption = "Δ: activation energy; σ: disorder width. " + (
        f"The Murgatroyd-Gill fit finds V_{{bi}} = {built_in} V." if np.isfinite(built_in.value) else ""
    )
    return [Table(headings=headings, rows=tuple(rows), caption=caption.rstrip())]


def _law_rows(name: str, fit: ArrheniusFit) -> list[tuple[Cell, ...]]:
    preferred = {"arrhenius": "1/T", "gaussian": "1/T²"}.get(fit.preferred, "undecided")
    energy, width = fit.activation_energy, fit.disorder_width
    return [
        *_law_row(f"{name}, 1/T: Δ", energy, fit.high_temperature_mobility, preferred),
        *_law_row(f"{name}, 1/T²: σ", width, fit.gaussian_prefactor, preferred),
    ]


def _law_row(name: str, energy: Estimate, prefactor: Estimate, preferred: str) -> list[tuple[Cell, ...]]:
    """One row, or none where there is no number."""
    if not np.isfinite(energy.value):
        return []
    scale = 1e3 / electronvolt
    return [
        (
            text(name),
            estimate(energy, scale),
            systematic(energy, scale),
            estimate(prefactor),
            text(preferred),
            verdict(energy.verdict),
        )
    ]


def _disorder_section(fit: DisorderFit, device: str) -> Section:
    data = figure_data.disorder_data(fit.curves)
    pictures = (
        Picture(
            name=file_name(device, "disorder-model"),
            figure=figures.disorder_figure(fit.curves),
            caption="Measured current densities and one set of EGDM parameters (counterpart of Fig. 6 of Li "
            "et al. 2024).",
            data=data,
        ),
        Picture(
            name=file_name(device, "residuals"),
            figure=figures.residual_figure(fit.curves),
            caption="Deviation of the fitted points from the model, curve by curve.",
            data=data,
        ),
        Picture(
            name=file_name(device, "residual-map"),
            figure=figures.residual_map_figure(fit.curves),
            caption="The same as a map: red where more current flows than the model says, blue where less.",
            data=data,
        ),
    )
    tables = (_parameter_table(fit), _correlation_table(fit), _alternatives_table(fit))
    return Section(
        title=_titled(device, "disorder model (EGDM with drift and diffusion)"),
        paragraphs=(
            f"Verdict: {_words(str(fit.verdict))}",
            "Model: " + "; ".join(fit.conventions) + ".",
            _misfit(fit),
        ),
        figures=pictures,
        tables=tuple(table for table in tables if table),
        notes=tuple(
            together(
                (_label(name).partition(" (")[0], _words(found.verdict.advice))
                for name, found in fit.parameters.items()
            )
        ),
    )


def _misfit(fit: DisorderFit) -> str:
    """How well the model describes the points, and what that means for the errors in brackets."""
    deviations = [figures.relative_deviation(one) for one in fit.curves]
    known = np.concatenate([one[np.isfinite(one)] for one in deviations])
    left_out = Counter(reason for one in fit.curves for reason in one.left_out if reason)
    if not len(known):
        return "No point took part in the fit."
    told = (
        f"The model misses the {len(known)} fitted points by {np.sqrt(np.mean(known**2)):.2%} (root mean "
        f"square), at most by {np.abs(known).max():.2%}."
    )
    if left_out:
        told += f" Not fitted: {_counted(left_out.elements())}."
    error, chi_square = fit.options.relative_error, fit.reduced_chi_square
    told += f" Reduced χ² is {chi_square:.3g} with an assumed error of {error:.0%} a point: "
    if chi_square > _FAR_ABOVE:
        return told + "the misfit is systematic, and the errors in brackets are scaled up to it."
    if chi_square < _FAR_BELOW:
        return told + "the points scatter less than assumed, so the errors in brackets are on the safe side."
    return told + "the points scatter about as much as assumed."


def _label(name: str) -> str:
    return _PARAMETERS.get(name, (_words(name), 1.0))[0]


def _factor(name: str) -> float:
    return _PARAMETERS.get(name, (name, 1.0))[1]


def _parameter_table(fit: DisorderFit) -> Table:
    rows = []
    for name, found in fit.parameters.items():
        factor = _factor(name)
        rows.append(
            (
                text(_label(name)),
                estimate(found, factor),
                systematic(found, factor),
                model_range(found, factor),
                verdict(found.verdict),
            )
        )
    for name, value in fit.fixed.items():
        rows.append((text(_label(name)), number(value * _factor(name)), text("fixed"), text("-"), text("-")))
    caption = (
        "Three kinds of uncertainty, never added: statistical (brackets), systematic (thickness, area, "
        "permittivity, temperature), model range (lowest to highest value of the converged refits below)."
    )
    headings = ("parameter", "value", "systematic", "model range", "verdict")
    return Table(headings=headings, rows=tuple(rows), caption=caption)


def _correlation_table(fit: DisorderFit) -> Table | None:
    names = [_label(name).partition(" (")[0] for name in fit.parameters]
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
                number(one.values[name] * _factor(name)) if name in one.values else text("-")
                for name in names
            ),
            number(one.reduced_chi_square, 3),
            text("converged" if one.converged else "not converged"),
        )
        for one in fit.alternatives
    )
    return Table(headings=("refitted under", *map(_label, names), "reduced χ²", "end"), rows=rows)


def _words(name: str) -> str:
    return name.replace("_", " ")
