"""Many analysed sessions side by side: one line a device and session, outliers, and spread level by level.

Devices are named ``batch/substrate/pixel``. Each level is a random-effects mean (`analysis.spread`) of the
means of the level below: the sessions of one device, the pixels of one substrate, the substrates of one
batch, the batches. So the spread between pixels is what remains when the scatter between the days of each
pixel and its statistical error are taken out. Errors common to all points of a device (its thickness, its
area) stay in: they differ from device to device and belong to the spread between them. Mobilities and rates
spread by factors, so theirs is worked out in logarithms.
"""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from analysis.constants import electronvolt, nanometre
from analysis.estimate import Estimate, Verdict
from analysis.spread import Spread, fit_spread
from qdlab.batch import Outcome

OUTLYING = 3.5
"""Robust standard deviations from the median beyond which a value is marked [1]."""
FEWEST_TO_COMPARE = 5

_LEVELS = ("batches", "substrates", "pixels", "sessions")
_NUMBERS = frozenset({"good", "outside_validity", "drifting"})
"""Verdicts of values that a mean may hold: they doubt what a number means, not that it was measured."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """What is compared.

    Parameters
    ----------
    name : by the glossary
    symbol, unit : as shown
    si_unit : as files say it
    scale : one of the shown unit [SI]
    logarithmic : whether it spreads by factors
    """

    name: str
    symbol: str
    unit: str
    si_unit: str
    scale: float = 1.0
    logarithmic: bool = False

    @property
    def heading(self) -> str:
        return f"{self.symbol} / {self.unit}"

    @property
    def si_heading(self) -> str:
        return f"{self.name} ({self.si_unit})"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One device in one session; `values` SI, by the quantity's name; `verdict` of the disorder fit."""

    session: Path
    device: str
    values: Mapping[str, Estimate]
    verdict: str
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Values of one quantity that belong together.

    Parameters
    ----------
    quantity : what is compared
    level : what the values are of: "sessions", "pixels", "substrates" or "batches"
    name : of what they share, such as the substrate "batch/substrate" of pixels; empty for everything
    spread : of the values; of their natural logarithms where the quantity is logarithmic
    """

    quantity: Quantity
    level: str
    name: str
    spread: Spread

    @property
    def told(self) -> str:
        """``pixels of batch/substrate``."""
        return f"{self.level} of {self.name}" if self.name else self.level

    @property
    def mean(self) -> Estimate:
        """SI; of a logarithmic quantity the geometric mean."""
        mean = self.spread.mean
        if not self.quantity.logarithmic:
            return mean
        value = math.exp(mean.value)
        low, high = mean.confidence_interval or (math.nan, math.nan)
        error = None if mean.standard_error is None else value * mean.standard_error
        return replace(
            mean, value=value, standard_error=error, confidence_interval=(math.exp(low), math.exp(high))
        )

    @property
    def between(self) -> tuple[float, float, float]:
        """Standard deviation between the values and its 95 % interval, as shown: a factor in logarithms."""
        low, high = self.spread.between.confidence_interval or (math.nan, math.nan)
        return self._shown(self.spread.between.value), self._shown(low), self._shown(high)

    @property
    def within(self) -> float:
        """Standard error of one value, typical of them, as shown: a factor in logarithms."""
        return self._shown(self.spread.within)

    def _shown(self, deviation: float) -> float:
        return math.exp(deviation) if self.quantity.logarithmic else deviation / self.quantity.scale

    def texts(self) -> tuple[str, ...]:
        """What, how many, mean, spread between, uncertainty within: what every table shows."""
        value, low, high = (self._text(one) for one in self.between)
        return (
            self.told,
            str(len(self.spread)),
            str(self.mean.scaled(1 / self.quantity.scale)),
            f"{'×/÷' if self.quantity.logarithmic else '±'} {value} ({low} to {high})",
            f"{'×/÷' if self.quantity.logarithmic else '±'} {self._text(self.within)}",
        )

    def _text(self, shown: float) -> str:
        """Two digits of a deviation; of a factor near one, two digits of what is beyond one."""
        if not self.quantity.logarithmic or shown > 10:
            return f"{float(f'{shown:.2g}'):g}"
        if shown == 1:
            return "1"
        return f"{shown:.{min(max(1 - math.floor(math.log10(max(shown - 1, 1e-4))), 1), 4)}f}"


GROUP_HEADINGS = ("compared", "n", "mean", "spread between (95 %)", "within one")


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Everything known of many sessions.

    Parameters
    ----------
    quantities : those that at least one row has
    rows : by session, then device
    outlying : for each quantity, the indices of the rows far from the median
    groups : by quantity and level, the sessions of a device first
    left_out : for each quantity, how many values have no error or a verdict that says there is no number
    """

    quantities: tuple[Quantity, ...]
    rows: tuple[Row, ...]
    outlying: Mapping[str, frozenset[int]]
    groups: tuple[Group, ...]
    left_out: Mapping[str, int]


def summarise(outcomes: Sequence[Outcome]) -> Summary:
    """Compare the devices of many analysed sessions."""
    kelvin, volt = _shared(outcomes, _temperatures), _shared(outcomes, _amplitudes)
    rows = tuple(row for outcome in outcomes for row in _rows(outcome, kelvin, volt))
    known = tuple(one for one in _quantities(kelvin, volt) if any(one.name in row.values for row in rows))
    return Summary(
        quantities=known,
        rows=rows,
        outlying={one.name: _outlying(rows, one) for one in known},
        groups=tuple(group for one in known for group in _groups(rows, one)),
        left_out={
            one.name: sum(one.name in row.values and not _usable(row.values[one.name]) for row in rows)
            for one in known
        },
    )


def zero_field_mobilities(device: Mapping[str, Any]) -> dict[float, Estimate]:
    """Mott-Gurney mobilities by temperature to the kelvin [K], the highest first, as first measured."""
    return {kelvin: _estimate(document) for kelvin, document in _temperatures(device).items()}


def _quantities(kelvin: float | None, volt: float | None) -> tuple[Quantity, ...]:
    energy = partial(Quantity, unit="meV", si_unit="J", scale=electronvolt / 1000)
    mobility = partial(Quantity, unit="m²/Vs", si_unit="m**2/V/s", logarithmic=True)
    at_kelvin = "" if kelvin is None else f", {kelvin:.0f} K"
    at_volt = "" if volt is None else f", {volt:g} V"
    return (
        energy(name="disorder_width", symbol="σ"),
        Quantity(name="hopping_distance", symbol="a", unit="nm", si_unit="m", scale=nanometre),
        mobility(name="mobility_prefactor", symbol="μ₀"),
        Quantity(name="attempt_rate", symbol="ν₀", unit="1/s", si_unit="1/s", logarithmic=True),
        energy(name="activation_energy", symbol="Δ"),
        mobility(name="zero_field_mobility", symbol=f"μ(0){at_kelvin}"),
        mobility(name="transit_mobility", symbol=f"μ transit{at_volt}"),
    )


def _rows(outcome: Outcome, kelvin: float | None, volt: float | None) -> Iterator[Row]:
    if outcome.results is None:
        yield Row(session=outcome.session, device="", values={}, verdict="failed", problem=outcome.problem)
    for name, device in outcome.devices.items():
        disorder = (device["jv"] or {}).get("disorder")
        yield Row(
            session=outcome.session,
            device=name,
            values=dict(_values(device, kelvin, volt)),
            verdict="" if disorder is None else disorder["verdict"]["word"],
        )


def _values(
    device: Mapping[str, Any], kelvin: float | None, volt: float | None
) -> Iterator[tuple[str, Estimate]]:
    """By the quantity's name; values that are not finite are none."""
    found: dict[str, Any] = {}
    jv = device["jv"] or {}
    if jv.get("disorder") is not None:
        found |= jv["disorder"]["parameters"]
    for layer in jv.get("layers", [])[:1]:
        found["activation_energy"] = layer["arrhenius"]["activation_energy"]
    if kelvin is not None:
        found["zero_field_mobility"] = _temperatures(device).get(kelvin)
    if volt is not None:
        found["transit_mobility"] = _amplitudes(device).get(volt)
    for name, document in found.items():
        if document is not None and document["value"] is not None:
            yield name, _estimate(document)


def _temperatures(device: Mapping[str, Any]) -> dict[float, Mapping[str, Any]]:
    """Zero-field mobilities by temperature to the kelvin [K], the highest first, as first measured."""
    found: dict[float, Mapping[str, Any]] = {}
    for layer in (device["jv"] or {}).get("layers", [])[:1]:
        for curve in layer["curves"]:
            if curve["zero_field_mobility"]["value"] is not None:
                found.setdefault(round(curve["temperature"]), curve["zero_field_mobility"])
    return dict(sorted(found.items(), reverse=True))


def _amplitudes(device: Mapping[str, Any]) -> dict[float, Mapping[str, Any]]:
    """Transit mobilities by pulse amplitude [V], the lowest first."""
    series = [one for tel in device["tel"][:1] for one in tel["series"] if one["transit_mobility"]]
    found = {round(one["pulse_amplitude"], 3): one["transit_mobility"] for one in series}
    return dict(sorted(found.items()))


def _shared(
    outcomes: Sequence[Outcome], by_condition: Callable[[Mapping[str, Any]], Mapping[float, Any]]
) -> float | None:
    """The condition that most devices were measured under; of several, the one that comes first in each."""
    counts: dict[float, int] = {}
    for outcome in outcomes:
        for device in outcome.devices.values():
            for condition in by_condition(device):
                counts[condition] = counts.get(condition, 0) + 1
    return max(counts, key=lambda condition: counts[condition], default=None)


def _estimate(document: Mapping[str, Any]) -> Estimate:
    error = document.get("standard_error")
    verdict = document.get("verdict") or {"word": "good", "advice": ""}
    return Estimate(value=float(document["value"]), standard_error=error, verdict=Verdict(**verdict))


def _usable(estimate: Estimate) -> bool:
    return bool(estimate.standard_error) and estimate.value > 0 and estimate.verdict.word in _NUMBERS


def _outlying(rows: Sequence[Row], quantity: Quantity) -> frozenset[int]:
    """Which rows lie far from the median, by the median deviation; none where they are too few."""
    known = {
        index: math.log(value) if quantity.logarithmic else value
        for index, row in enumerate(rows)
        if quantity.name in row.values and (value := row.values[quantity.name].value) > 0
    }
    if len(known) < FEWEST_TO_COMPARE:
        return frozenset()
    middle = statistics.median(known.values())
    spread = 1.4826 * statistics.median(abs(value - middle) for value in known.values())
    return frozenset(index for index, value in known.items() if abs(value - middle) > OUTLYING * spread > 0)


def _groups(rows: Sequence[Row], quantity: Quantity) -> Iterator[Group]:
    """Level by level, from the sessions of a device to the batches."""
    below: list[tuple[tuple[str, ...], float, float]] = []
    for row in rows:
        value = row.values.get(quantity.name)
        if value is not None and _usable(value) and value.standard_error is not None:
            number, error = value.value, value.standard_error
            if quantity.logarithmic:
                number, error = math.log(number), error / number
            below.append((_place(row.device), number, error))
    for depth in (3, 2, 1, 0):
        members: dict[tuple[str, ...], list[tuple[float, float]]] = {}
        for place, number, error in below:
            members.setdefault(place[:depth], []).append((number, error))
        below = []
        for place, pairs in members.items():
            if len(pairs) == 1:
                below.append((place, *pairs[0]))
                continue
            spread = fit_spread(*zip(*pairs, strict=True))
            below.append((place, spread.mean.value, spread.mean.standard_error or math.nan))
            yield Group(
                quantity=quantity, level=_LEVELS[depth], name="/".join(filter(None, place)), spread=spread
            )


def _place(device: str) -> tuple[str, ...]:
    """Batch, substrate and pixel; a name with fewer parts is a batch of its own."""
    batch, *middle = device.split("/")
    return (batch, "/".join(middle[:-1]), middle[-1]) if len(middle) > 1 else (device, "", "")
