"""Results in words, newest first, each with what to point at in the plots."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.constants import electronvolt, microsecond
from analysis.estimate import Estimate, Verdict
from qdlab.live.disorder import DisorderScreen
from qdlab.live.pictures.disorder import UNITS
from qdlab.live.pictures.jv import JVTrace
from qdlab.live.pictures.laws import ArrheniusPicture
from qdlab.live.pictures.tel import TELTrace

Place = Literal["jv", "tel", "field", "arrhenius", "disorder"]


@dataclass(frozen=True, kw_only=True)
class Card:
    """One result in words: `value` as it would stand in a paper, `detail` how it came about.

    Parameters
    ----------
    place : panel that shows the points behind it
    key : what to choose there: a run, or a run and its pulse amplitude
    """

    title: str
    value: str
    detail: str
    verdict: Verdict
    place: Place
    key: object = None

    @property
    def text(self) -> str:
        """The card as text for the clipboard."""
        return f"{self.title}: {self.value} ({self.detail}; {self.verdict})"


def cards(
    traces: Sequence[JVTrace],
    series: Sequence[TELTrace],
    arrhenius: ArrheniusPicture | None,
    disorder: DisorderScreen,
) -> Iterable[Card]:
    """Laws over all sweeps first, then each sweep and each pulse series, newest first."""
    yield from _disorder_cards(disorder)
    yield from _arrhenius_cards(arrhenius)
    for one in sorted(series, key=lambda one: not one.newest):
        yield from _tel_cards(one)
    for trace in reversed(traces):
        if trace.fit is not None and trace.fit.window is not None:
            low, high = trace.fit.window
            chosen = ", window by hand" if trace.by_hand else ""
            mobility = trace.fit.zero_field_mobility
            yield Card(
                title=f"μ(0), {trace.label}",
                value=f"{mobility}{_systematic(mobility)} m²/Vs",
                detail=f"slope {trace.fit.slope}, {low:.2g}-{high:.2g} V,"
                f" {trace.fit.used.sum()} points{chosen}",
                verdict=trace.fit.verdict,
                place="jv",
                key=trace.run,
            )


def _disorder_cards(screen: DisorderScreen) -> Iterable[Card]:
    for finished in screen.fits.values():
        for name, title in (
            ("disorder_width", "Disorder width σ"),
            ("hopping_distance", "Hopping distance a"),
        ):
            found = finished.fit.parameters.get(name)
            if found is None:
                continue
            label, factor = UNITS[name]
            shown = found.scaled(factor)
            spread = (
                "" if shown.model_range is None else ", models {:.4g} to {:.4g}".format(*shown.model_range)
            )
            yield Card(
                title=f"{title} (EGDM){_of(finished.device, len(screen.fits))}",
                value=f"{shown}{_systematic(shown)} {label.split('(')[1].rstrip(')')}",
                detail=f"{finished.curves} curves, {finished.device}{spread}",
                verdict=found.verdict if not found.verdict.is_good else finished.fit.verdict,
                place="disorder",
            )


def _arrhenius_cards(picture: ArrheniusPicture | None) -> Iterable[Card]:
    fitted = [] if picture is None else [one for one in picture.series if one.fit is not None]
    for one in fitted:
        assert one.fit is not None
        energy = one.fit.activation_energy.scaled(1 / electronvolt)
        yield Card(
            title=f"Activation energy Δ{_of(one.device, len(fitted))}",
            value=f"{energy}{_systematic(energy)} eV",
            detail=f"{len(one.fit.temperature)} sweeps, {one.device}",
            verdict=one.fit.verdict,
            place="arrhenius",
            key=one.device,
        )


def _tel_cards(one: TELTrace) -> Iterable[Card]:
    if one.delay is None:
        return
    chosen = ", straight part by hand" if one.by_hand else ""
    yield Card(
        title=f"τ_d, {one.label}",
        value=f"{one.delay.delay_time.scaled(1 / microsecond)} µs",
        detail=f"{int(one.used.sum())} of {len(one.series)} widths used{chosen}",
        verdict=one.delay.verdict,
        place="tel",
        key=one.key,
    )
    transit = None if one.result is None else one.result.transit
    if transit is not None:
        yield Card(
            title=f"μ(TEL), {one.label}",
            value=f"{transit.mobility}{_systematic(transit.mobility)} m²/Vs",
            detail=transit.convention,
            verdict=one.delay.verdict,
            place="field",
            key=one.key,
        )


def _of(device: str, several: int) -> str:
    return f", {device}" if several > 1 else ""


def _systematic(found: Estimate) -> str:
    return "" if found.systematic_error is None else f" ± {found.systematic_error:.1g} syst."
