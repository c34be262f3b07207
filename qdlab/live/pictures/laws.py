"""Mobility against field and against temperature, as drawn: points with errors, lines, what is pending."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from analysis.arrhenius import ArrheniusFit
from analysis.constants import BOLTZMANN_CONSTANT, electronvolt, nanometre
from analysis.curves import FloatArray
from analysis.device import Device
from analysis.estimate import Estimate, Verdict
from analysis.space_charge import MurgatroydFit
from analysis.space_charge.slope import BoolArray
from analysis.transit import FieldDependence, TransitMobility
from analysis.trapping import compare_mobilities
from qdlab.live.jv import temperature_laws_of
from qdlab.live.pictures.jv import JVTrace, Line
from qdlab.pulsed import AmplitudeResult, field_dependence_of

SAME_TEMPERATURE = 1.5  # [K]

MobilityUnit = Literal["m²/Vs", "cm²/Vs"]

PER_SI: Mapping[MobilityUnit, float] = MappingProxyType({"m²/Vs": 1.0, "cm²/Vs": 1e4})
"""The units people say mobilities in; results are shown in the first, plots in either."""


@dataclass(frozen=True, kw_only=True)
class FieldSeries:
    """Transit mobilities of all amplitudes under one reading of eq. 3 of Li et al. 2024.

    Parameters
    ----------
    label : which voltage and length the reading takes
    printed : with plain V, as eq. 3 is printed
    root_field : (n,) [(V/m)^½]
    good : (n,) where the delay time behind a mobility is good
    line : Poole-Frenkel law through the good ones; None where they are too few
    """

    label: str
    printed: bool
    root_field: FloatArray
    mobility: tuple[Estimate, ...]
    good: BoolArray
    amplitude: FloatArray
    line: Line | None


@dataclass(frozen=True, kw_only=True)
class FieldPicture:
    """Both readings of eq. 3, and what to know of them in words, in either unit.

    Parameters
    ----------
    space_charge : name, and mobility against the root of the field, of Murgatroyd's law at the temperature of
        the pulses; None where no film was measured there
    """

    device: str
    series: tuple[FieldSeries, ...]
    words: Mapping[MobilityUnit, str]
    space_charge: tuple[str, Line] | None = None


@dataclass(frozen=True, kw_only=True)
class FilmMobility:
    """What Murgatroyd's law says of a film at one temperature, for comparison."""

    device: str
    zero_field_mobility: Estimate
    field_coefficient: Estimate


def film_mobility(device: str, fit: MurgatroydFit, temperature: float) -> FilmMobility | None:
    """At a temperature [K]; None where the law does not describe a sweep there."""
    if not len(fit.temperature) or not fit.verdict.is_good:
        return None
    nearest = int(np.argmin(np.abs(fit.temperature - temperature)))
    if abs(fit.temperature[nearest] - temperature) > SAME_TEMPERATURE:
        return None
    return FilmMobility(
        device=device,
        zero_field_mobility=fit.zero_field_mobility[nearest],
        field_coefficient=fit.field_coefficient[nearest],
    )


@dataclass(frozen=True, kw_only=True)
class ArrheniusSeries:
    """Zero-field mobility against temperature of one device.

    Parameters
    ----------
    inverse_temperature : (n,) 1000/T [1/K]
    good : (n,) where the mobility itself is good
    runs : (n,) of the sweeps behind the points
    hints : (n,) each point in words
    lines : law -> line
    """

    device: str
    inverse_temperature: FloatArray
    mobility: tuple[Estimate, ...]
    good: BoolArray
    runs: tuple[str, ...]
    hints: tuple[str, ...]
    fit: ArrheniusFit | None
    lines: dict[str, Line]


@dataclass(frozen=True, kw_only=True)
class ArrheniusPicture:
    """Every device's points, 1000/T of set points not measured yet, and the laws in words, in either unit."""

    series: tuple[ArrheniusSeries, ...]
    pending: FloatArray
    words: Mapping[MobilityUnit, str]


def field_picture(
    runs: Sequence[tuple[str, Device, Sequence[AmplitudeResult]]],
    film: FilmMobility | None = None,
) -> FieldPicture | None:
    """Transit mobility against the root of the field; None before the first delay time.

    Parameters
    ----------
    runs : newest first: what tells it from the others, its device, and what its amplitudes came to
    film : space-charge mobility at the temperature of the newest run; None where there is none
    """
    known = [one for name, device, results in runs for one in _readings(name, device, results)]
    if not known:
        return None
    _, device, results = runs[0]
    length = device.thickness.value
    line, compared = None, ""
    if film is not None:
        line = (f"space charge of {film.device}", _film_line(film, known))
        compared = _compared(film, results)
    stack = f"L = {length / nanometre:.4g} nm ({' + '.join(device.active_layers)})"
    law = field_dependence_of(results)
    return FieldPicture(
        device=device.identifier,
        series=tuple(known),
        words={unit: f"{stack}{_field_law_in_words(law, unit)}{compared}" for unit in PER_SI},
        space_charge=line,
    )


def _field_law_in_words(law: FieldDependence | None, unit: MobilityUnit) -> str:
    if law is None or not math.isfinite(law.field_coefficient.value):
        return ""
    mobility = law.zero_field_mobility.scaled(PER_SI[unit])
    return (
        f"; with V − V_bi: γ = {law.field_coefficient} (m/V)^½, μ(E → 0) = {mobility} {unit}"
        " (from good delay times only)"
    )


def _film_line(film: FilmMobility, series: Sequence[FieldSeries]) -> Line:
    """Over all fields of the pulses."""
    low = min(float(one.root_field.min()) for one in series)
    high = max(float(one.root_field.max()) for one in series)
    root = np.linspace(low, high, 20)
    return root, film.zero_field_mobility.value * np.exp(film.field_coefficient.value * root)


def _compared(film: FilmMobility, results: Sequence[AmplitudeResult]) -> str:
    """Whether both mobilities agree, under every assumption about length, voltage and front."""
    good = [one for one in results if one.delay.verdict.is_good]
    if not good:
        return ""
    slowest = max(good, key=lambda one: one.delay.delay_time.value)
    series = slowest.series
    voltage = series.pulse_amplitude if series.device_voltage is None else series.device_voltage
    found = compare_mobilities(
        slowest.delay.delay_time, voltage, film.zero_field_mobility, film.field_coefficient
    )
    low, high = found.ratio_range
    return f"\nTransit over space-charge mobility {low:.2g} to {high:.2g} (1): {found.conclusion}"


def _readings(name: str, device: Device, results: Sequence[AmplitudeResult]) -> Iterator[FieldSeries]:
    """Both readings of eq. 3; one where the device has no built-in voltage, for then they are the same."""
    built_in = device.built_in_voltage.value
    corrected = [(one, one.transit) for one in results]
    first = _field_series(f"(V − V_bi)/L, V_bi = {built_in:g} V{name}", corrected, results, printed=False)
    if first is not None:
        yield first
    plain = [(one, one.transit_as_printed) for one in results]
    second = _field_series(f"V/L, as eq. 3 is printed{name}", plain, None, printed=True) if built_in else None
    if second is not None:
        yield second


def _field_series(
    label: str,
    pairs: Sequence[tuple[AmplitudeResult, TransitMobility | None]],
    fitted: Sequence[AmplitudeResult] | None,
    *,
    printed: bool,
) -> FieldSeries | None:
    known = [(one, transit) for one, transit in pairs if transit is not None]
    if not known:
        return None
    fields = np.array([transit.electric_field for _, transit in known])
    line = None
    law = None if fitted is None else field_dependence_of(fitted)
    if law is not None and math.isfinite(law.field_coefficient.value):
        root = np.sqrt(np.linspace(fields.min(), fields.max(), 20))
        line = (root, law.zero_field_mobility.value * np.exp(law.field_coefficient.value * root))
    return FieldSeries(
        label=label,
        printed=printed,
        root_field=np.sqrt(fields),
        mobility=tuple(transit.mobility for _, transit in known),
        good=np.array([one.delay.verdict.is_good for one, _ in known], dtype=bool),
        amplitude=np.array([one.series.pulse_amplitude for one, _ in known]),
        line=line,
    )


def arrhenius_picture(
    traces: Sequence[JVTrace], planned: Sequence[float], bipolar: Collection[str] = ()
) -> ArrheniusPicture | None:
    """Mobilities of the sweeps shown, by device, and which planned temperatures have none yet.

    Parameters
    ----------
    traces : of devices that the single-carrier laws describe
    planned : set points of the plan [K]
    bipolar : devices with sweeps that those laws would misread
    """
    devices = list(dict.fromkeys(trace.device for trace in traces))
    found = [_arrhenius_series(device, traces) for device in devices]
    series = tuple(one for one in found if one is not None)
    measured = [trace.curve.temperature for trace in traces if not trace.running]
    pending = [kelvin for kelvin in planned if all(abs(kelvin - one) > SAME_TEMPERATURE for one in measured)]
    if bipolar and not traces:
        # nothing is to come: only devices were swept that the laws do not describe
        pending = []
    if not series and not pending and not bipolar:
        return None
    return ArrheniusPicture(
        series=series,
        pending=np.array([1000 / kelvin for kelvin in pending]),
        words={unit: _arrhenius_in_words(series, traces, bipolar, unit) for unit in PER_SI},
    )


def _arrhenius_in_words(
    series: Sequence[ArrheniusSeries],
    traces: Sequence[JVTrace],
    bipolar: Collection[str],
    unit: MobilityUnit,
) -> str:
    words = [_laws_in_words(one, unit) for one in series if one.fit is not None]
    if not words and (traces or not bipolar):
        count = len({round(trace.curve.temperature) for trace in traces if not trace.running})
        words = [f"{count} of the 3 temperatures an activation energy needs"]
    none = [trace.label for trace in traces if trace.fit is not None and trace.fit.window is None]
    if none:
        words.append(f"No quadratic window, so no mobility: {', '.join(none)}.")
    words += [
        f"{device} was pulsed for its light: carriers of both signs, so its sweeps give no mobility here."
        for device in sorted(bipolar)
    ]
    return "\n".join(words)


def _arrhenius_series(device: str, traces: Sequence[JVTrace]) -> ArrheniusSeries | None:
    fits = [
        (trace, trace.fit)
        for trace in traces
        if trace.device == device
        and trace.fit is not None
        and math.isfinite(trace.fit.zero_field_mobility.value)
    ]
    if not fits:
        return None
    laws = temperature_laws_of([trace.curve for trace, _ in fits], [fit for _, fit in fits])
    temperatures = [trace.curve.temperature for trace, _ in fits]
    return ArrheniusSeries(
        device=device,
        inverse_temperature=np.array([1000 / kelvin for kelvin in temperatures]),
        mobility=tuple(fit.zero_field_mobility for _, fit in fits),
        good=np.array([fit.verdict.is_good for _, fit in fits], dtype=bool),
        runs=tuple(trace.run for trace, _ in fits),
        hints=tuple(_point_hint(trace, laws) for trace, _ in fits),
        fit=laws,
        lines={} if laws is None else _law_lines(laws, temperatures),
    )


def _law_lines(fit: ArrheniusFit, temperatures: Sequence[float]) -> dict[str, Line]:
    inverse = np.linspace(1000 / max(temperatures), 1000 / min(temperatures), 40)
    kelvin = 1000 / inverse
    lines = {}
    if math.isfinite(fit.activation_energy.value):
        lines["Arrhenius"] = (inverse, fit.at(kelvin))
    width = fit.disorder_width.value
    if math.isfinite(width):
        exponent = (2 * width / (3 * BOLTZMANN_CONSTANT * kelvin)) ** 2
        lines["Gaussian disorder"] = (inverse, fit.gaussian_prefactor.value * np.exp(-exponent))
    return lines


def _point_hint(trace: JVTrace, laws: ArrheniusFit | None) -> str:
    """One point in words: temperature, verdict, and what leaving it out would do."""
    words = trace.label
    if trace.fit is not None and not trace.fit.verdict.is_good:
        words += f", {trace.fit.verdict.word.replace('_', ' ')}"
    if laws is None:
        return words
    same = np.flatnonzero(np.isclose(laws.temperature, trace.curve.temperature))
    if len(same) and math.isfinite(laws.influence[same[0]]):
        words += f"; without it the activation energy moves {laws.influence[same[0]]:+.1f} standard errors"
    return words


def _laws_in_words(series: ArrheniusSeries, unit: MobilityUnit) -> str:
    fit = series.fit
    assert fit is not None
    energy = fit.activation_energy.scaled(1 / electronvolt)
    width = fit.disorder_width.scaled(1e3 / electronvolt)
    mobility = fit.high_temperature_mobility.scaled(PER_SI[unit])
    preferred = {
        "arrhenius": "the points prefer Arrhenius' law",
        "gaussian": "the points prefer the law of Gaussian disorder",
        "undecided": "the points do not tell the two laws apart",
    }[fit.preferred]
    return (
        f"{series.device}: Δ = {energy} eV, μ∞ = {mobility} {unit}; σ = {width} meV;"
        f" {preferred}. {_plain(fit.verdict)}"
    )


def _plain(verdict: Verdict) -> str:
    word = verdict.word.replace("_", " ").capitalize()
    return f"{word}: {verdict.advice}" if verdict.advice else f"{word}."
