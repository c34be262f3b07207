"""What the tables of a file are made of: quantities with units, lists of set points, and no unknown keys."""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import CoreSchema, core_schema

from analysis.estimate import Estimate
from procedures.points import evenly_spaced_points, linear_points, logarithmic_points
from qdlab.errors import ConfigError
from qdlab.quantities import parse_quantity


class Strict(BaseModel):
    """A table of a file: unknown keys refused with the nearest known one, values never guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys_only(cls, table: Any) -> Any:
        if isinstance(table, Mapping):
            refuse_unknown_keys(table, tuple(cls.model_fields))
        return table

    def to_document(self) -> dict[str, Any]:
        """The table as it would stand in a file, with units; reading it again gives an equal one."""
        return self.model_dump(mode="json", exclude_none=True)


@dataclass(frozen=True)
class InSI:
    """Reads text with a unit into a number in SI, within bounds, and writes it back with the unit."""

    unit: str
    above: float = -math.inf
    at_least: float = -math.inf
    at_most: float = math.inf

    def read(self, value: Any) -> float:
        number = parse_si(value, self.unit)
        if not (number > self.above and self.at_least <= number <= self.at_most):
            raise ValueError(f"must be {self._bounds()}")
        return number

    def show(self, number: float) -> str | float:
        return show_si(number, self.unit)

    def _bounds(self) -> str:
        bounds = ((self.above, "above {}"), (self.at_least, "{} or more"), (self.at_most, "{} or less"))
        finite = [(bound, words) for bound, words in bounds if math.isfinite(bound)]
        return " and ".join(
            words.format(f"{bound:g} {self.unit}".removesuffix(" 1")) for bound, words in finite
        )

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            self.read,
            core_schema.float_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(self.show),
            json_schema_input_schema=core_schema.str_schema(),
        )


@dataclass(frozen=True)
class EstimateInSI:
    """Reads a text (the value alone) or a table with standard and systematic error into an `Estimate`."""

    value: InSI

    def read(self, given: Any) -> Estimate:
        if isinstance(given, Estimate):
            return given
        if not isinstance(given, Mapping):
            return Estimate(value=self.value.read(given))
        refuse_unknown_keys(given, ("value", "standard_error", "systematic_error"))
        if "value" not in given:
            raise ValueError("has no value")
        numbers = {key: self._read_one(key, item) for key, item in given.items()}
        return Estimate(
            value=numbers["value"],
            standard_error=numbers.get("standard_error"),
            systematic_error=numbers.get("systematic_error"),
        )

    def _read_one(self, key: str, given: Any) -> float:
        quantity = self.value if key == "value" else InSI(self.value.unit, at_least=0.0)
        try:
            return quantity.read(given)
        except ValueError as error:
            raise ValueError(f"has {key} = {given!r}: {error}") from None

    def show(self, estimate: Estimate) -> Any:
        known = {
            "value": estimate.value,
            "standard_error": estimate.standard_error,
            "systematic_error": estimate.systematic_error,
        }
        return {name: self.value.show(number) for name, number in known.items() if number is not None}

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(self.show),
            json_schema_input_schema=core_schema.str_schema(),
        )


Volts = Annotated[float, InSI("V")]
Amperes = Annotated[float, InSI("A", above=0.0)]
Seconds = Annotated[float, InSI("s", above=0.0)]
Duration = Annotated[float, InSI("s", at_least=0.0)]
Kelvins = Annotated[float, InSI("K", above=0.0)]
Joules = Annotated[float, InSI("J", above=0.0)]
Ratio = Annotated[float, InSI("1", above=0.0)]
DutyCycle = Annotated[float, InSI("1", above=0.0, at_most=1.0)]
AmperesPerSquareMetre = Annotated[float, InSI("A/m**2", above=0.0)]
WattsPerSquareMetre = Annotated[float, InSI("W/m**2", above=0.0)]
VoltsPerMetre = Annotated[float, InSI("V/m", above=0.0)]
VoltsPerSecond = Annotated[float, InSI("V/s", above=0.0)]
KelvinsPerSecond = Annotated[float, InSI("K/s", above=0.0)]

LengthEstimate = Annotated[Estimate, EstimateInSI(InSI("m", above=0.0))]
AreaEstimate = Annotated[Estimate, EstimateInSI(InSI("m**2", above=0.0))]
PermittivityEstimate = Annotated[Estimate, EstimateInSI(InSI("1", at_least=1.0))]
VoltageEstimate = Annotated[Estimate, EstimateInSI(InSI("V"))]
ResistanceEstimate = Annotated[Estimate, EstimateInSI(InSI("ohm", at_least=0.0))]


def parse_si(value: Any, unit: str) -> float:
    """The number in SI; a refusal is a ValueError without the name, which only the file's reader knows."""
    try:
        return parse_quantity(value, unit, name="")
    except ConfigError as error:
        raise ValueError(str(error).removeprefix(f" = {value!r} ").removeprefix(": ")) from None


def show_si(number: float, unit: str) -> str | float:
    """A number with its unit as a file holds it, in full precision."""
    return number if unit == "1" else f"{number!r} {unit}"


def read_points(value: Any, unit: str) -> list[float]:
    """A list of set points in SI, from texts with units or from a table.

    The table has start, stop and one of step, points, points_per_decade.

    Examples
    --------
    >>> read_points({"start": "4 V", "stop": "5 V", "step": "500 mV"}, "V")
    [4.0, 4.5, 5.0]
    """
    if isinstance(value, list | tuple):
        return [_parse_item(item, unit) for item in value]
    if not isinstance(value, Mapping):
        raise ValueError(
            f"must be a list such as {[f'{n} {unit}' for n in (1, 2)]} or a table with start, stop, step"
        )
    refuse_unknown_keys(value, ("start", "stop", "step", "points", "points_per_decade"))
    if not {"start", "stop"} <= value.keys() or len(value) != 3:
        raise ValueError("needs start, stop and exactly one of step, points, points_per_decade")
    start, stop = parse_si(value["start"], unit), parse_si(value["stop"], unit)
    if "step" in value:
        return linear_points(start, stop, parse_si(value["step"], unit))
    if "points" in value:
        return evenly_spaced_points(start, stop, whole_number(value["points"]))
    return logarithmic_points(start, stop, parse_si(value["points_per_decade"], "1"))


def whole_number(value: Any) -> int:
    """The value where it is a whole number; text and truth values are not."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("is not a whole number")
    return value


def refuse_unknown_keys(table: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise for the first key that is not known, with the nearest one that is."""
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            advice = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise ValueError(f"has an unknown key {key!r}; {advice}")


def _parse_item(item: Any, unit: str) -> float:
    try:
        return parse_si(item, unit)
    except ValueError as error:
        raise ValueError(f"{item!r} {error}") from None
