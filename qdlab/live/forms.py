"""A table of a file as a form fills it in: fields with units, texts into the table and back, what is wrong.

A value is checked by the model that reads the file; nothing about it is written down a second time here.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from analysis.estimate import Estimate
from qdlab.config.fields import EstimateInSI, InSI
from qdlab.errors import ConfigError
from qdlab.quantities import convert

Shape = Literal["points", "quantity", "estimate", "switch", "count", "choice", "text"]

SHOWN_UNITS: Mapping[str, str] = {
    "pulse_widths": "µs",
    "extension_widths": "µs",
    "pulse_period": "ms",
    "compliance_current": "mA",
    "ramp_rate": "K/min",
    "area": "mm²",
    "thickness": "nm",
    "maximum_current": "mA",
    "maximum_current_density": "mA/cm²",
    "maximum_field": "V/cm",
    "maximum_power_density": "W/cm²",
    "maximum_pulse_energy": "µJ",
    "maximum_temperature_rate": "K/min",
}
"""The unit people say where it is not the SI one; what is typed without a unit is meant in it."""

NEEDED = "is needed"
LEFT_OUT = "left out"

NO_WORDS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class FormField:
    """One setting: its key in the file, its words, its unit, and what it is when nobody changes it.

    Parameters
    ----------
    shape : how it is written in a file
    choices : where it is one of a few words; empty otherwise
    example : how to write it, shown while it is empty
    hint : description and limits, as a tooltip
    main : shown at once; the others when all settings are asked for
    """

    key: str
    name: str
    unit: str
    shape: Shape
    default: str
    choices: tuple[str, ...] = ()
    example: str = LEFT_OUT
    hint: str = ""
    main: bool = True


def table_of(fields: Sequence[FormField], texts: Mapping[str, str]) -> dict[str, Any]:
    """What was typed as a table of a file: what is left empty or as it was is left out."""
    by_key = {field.key: field for field in fields}
    return {
        key: _value(by_key[key], text.strip())
        for key, text in texts.items()
        if text.strip() and text.strip() != by_key[key].default
    }


def texts_of_table(fields: Sequence[FormField], table: Mapping[str, Any]) -> dict[str, str]:
    """A table of a file as the texts of its form."""
    return {
        field.key: field_text(field, table[field.key]) if field.key in table else field.default
        for field in fields
    }


def model_problems(model: type[BaseModel], table: Mapping[str, Any]) -> dict[tuple[str | int, ...], str]:
    """What is wrong with a table, first things first, by the place in it; empty where the model takes it."""
    try:
        model.model_validate(table)
    except ValidationError as error:
        found: dict[tuple[str | int, ...], str] = {}
        for one in error.errors(include_url=False):
            found.setdefault(tuple(one["loc"]), problem_words(one))
        return found
    return {}


def problem_words(error: Any) -> str:
    """What pydantic found wrong with a value, in our words."""
    match error["type"]:
        case "missing" | "string_too_short" | "too_short":
            return NEEDED
        case "literal_error":
            return f"is not one of {error['ctx']['expected'].replace(chr(39), '')}"
        case _:
            words = str(error["msg"]).removeprefix("Value error, ")
            return words.replace("Input should be", "must be")


# What a form is made of


def model_fields(
    model: type[BaseModel],
    *,
    without: Collection[str] = (),
    names: Mapping[str, str] = NO_WORDS,
    hints: Mapping[str, str] = NO_WORDS,
    examples: Mapping[str, str] = NO_WORDS,
) -> Iterator[FormField]:
    """The fields of a model, in the order they are declared, but for some that have a place of their own."""
    for key, info in model.model_fields.items():
        if key in without:
            continue
        unit, shape, choices = _kind_of(key, info)
        default = None if info.is_required() else info.default
        yield FormField(
            key=key,
            name=names.get(key) or key.replace("_", " ").capitalize(),
            unit=shown_unit(key, unit),
            shape=shape,
            default=default_text(key, default, shape, unit),
            choices=choices,
            example=examples.get(key, LEFT_OUT),
            hint=hints.get(key, ""),
        )


def _kind_of(key: str, info: FieldInfo) -> tuple[str | None, Shape, tuple[str, ...]]:
    """Its unit in a file, how it is written there, and the words it is one of."""
    parts, choices = _parts(info), _choices(info)
    for item in _annotations(info):
        if isinstance(item, InSI):
            return item.unit, "points" if key == "temperatures" else "quantity", choices
        if isinstance(item, EstimateInSI):
            return item.value.unit, "estimate", choices
    if bool in parts:
        return None, "switch", ("yes", "no") if info.annotation is bool else ("", "yes", "no")
    if int in parts:
        return None, "count", choices
    return None, "choice" if choices else "text", choices


def _parts(info: FieldInfo) -> list[Any]:
    """The annotated type and all it is made of, however deep inside lists and alternatives."""
    found: list[Any] = [info.annotation]
    for kind in found:
        found += get_args(kind)
    return found


def _annotations(info: FieldInfo) -> list[Any]:
    """What an annotated type and its parts carry."""
    return [*info.metadata, *(item for kind in _parts(info) for item in getattr(kind, "__metadata__", ()))]


def _choices(info: FieldInfo) -> tuple[str, ...]:
    words = [part for part in _parts(info) if isinstance(part, str)]
    if words and not info.is_required() and info.default is None:
        return ("", *words)
    return tuple(words)


def unit_words(unit: str | None) -> str:
    """The unit beside the field; empty for a ratio, a number, a word."""
    return "" if unit in (None, "1") else str(unit).replace("**2", "²").replace("ohm", "Ω")


def shown_unit(key: str, unit: str | None) -> str:
    """The unit people say for this setting."""
    return SHOWN_UNITS.get(key) or unit_words(unit)


def default_text(key: str, default: Any, shape: Shape, unit: str | None) -> str:
    """What stands in a field that nobody has changed."""
    if default is None or default == ():
        return ""
    if shape == "switch":
        return "yes" if default else "no"
    if isinstance(default, Estimate):
        default = default.value
    if shape not in ("quantity", "estimate"):
        return str(default)
    shown = SHOWN_UNITS.get(key)
    return f"{default if shown is None or unit is None else convert(default, unit, shown):g}"


# From text to file and back

_SPACINGS: Mapping[str, str] = MappingProxyType(
    {"step": "step", "points": "points", "per decade": "points_per_decade"}
)
_SYSTEMATIC = ", systematic "


def _value(field: FormField, text: str) -> Any:
    """Text as a file would hold it: a bare number takes the unit that stands beside the field."""
    match field.shape:
        case "points":
            return _points(text, unit_in_file(field.unit))
        case "quantity":
            return _with_unit(text, unit_in_file(field.unit))
        case "estimate":
            return _estimate(text, unit_in_file(field.unit))
        case "switch":
            return text == "yes"
        case "count":
            return int(text) if text.lstrip("-").isdigit() else text
    return text


def _points(text: str, unit: str) -> Any:
    """``0 .. 7 step 0.1``, ``0.1 .. 7 points 70`` or ``0.1 .. 7 per decade 20``; else a list with commas."""
    start, dots, rest = text.partition("..")
    if not dots:
        return [_with_unit(item.strip(), unit) for item in text.split(",") if item.strip()]
    table: dict[str, Any] = {"start": _with_unit(start.strip(), unit)}
    for word, key in _SPACINGS.items():
        stop, found, spacing = rest.partition(word)
        if found:
            table["stop"] = _with_unit(stop.strip(), unit)
            table[key] = _with_unit(spacing.strip(), unit) if key == "step" else _number(spacing.strip())
            return table
    return {**table, "stop": _with_unit(rest.strip(), unit)}


def _estimate(text: str, unit: str) -> Any:
    """``110``, ``110 ± 3`` or ``110 ± 3, systematic 5``; a unit that stands once is meant for all of them."""
    rest, _, systematic = re.sub(r"\+\s*/?\s*-", "±", text).partition(_SYSTEMATIC.strip())
    value, _, error = rest.partition("±")
    given = {
        key: part.strip()
        for key, part in (("value", value), ("standard_error", error), ("systematic_error", systematic))
        if part.strip()
    }
    stated = [found[1] for part in given.values() if (found := _NUMBER_WITH_UNIT.fullmatch(part))]
    read = {key: _with_unit(part, stated[0] if stated else unit) for key, part in given.items()}
    return read["value"] if list(read) == ["value"] else read


_NUMBER_WITH_UNIT = re.compile(r"[-+.\d]++(?:[eE][-+]?\d+)?+\s*([^\W\d].*)")


def unit_in_file(unit: str) -> str:
    """A shown unit as files spell it."""
    return unit.replace("²", "**2").replace("Ω", "ohm")


def _with_unit(text: str, unit: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text
    return f"{text} {unit}" if unit else number


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return text


def field_text(field: FormField, value: Any) -> str:
    """A value of a file as its field shows it, without the unit that stands beside the field."""
    if field.shape == "switch":
        return "yes" if value else "no"
    unit = unit_in_file(field.unit)
    if isinstance(value, Mapping):
        return _estimate_text(value, unit) if field.shape == "estimate" else _range_text(value, unit)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_without_unit(item, unit) for item in value)
    return _without_unit(value, unit)


def _estimate_text(table: Mapping[str, Any], unit: str) -> str:
    said = (("", "value"), (" ± ", "standard_error"), (_SYSTEMATIC, "systematic_error"))
    return "".join(f"{word}{_without_unit(table[key], unit)}" for word, key in said if key in table)


def _range_text(table: Mapping[str, Any], unit: str) -> str:
    start, stop = (_without_unit(table.get(key, ""), unit) for key in ("start", "stop"))
    spacings = [
        f"{word} {_without_unit(table[key], unit)}" for word, key in _SPACINGS.items() if key in table
    ]
    return " ".join([f"{start} .. {stop}", *spacings])


def _without_unit(value: Any, unit: str) -> str:
    text = str(value)
    if not unit and not isinstance(value, float):
        return text
    bare = text.removesuffix(unit).strip()
    if unit and bare == text:
        bare = _converted(text, unit)
    try:
        return f"{float(bare):g}" if float(f"{float(bare):g}") == float(bare) else bare
    except ValueError:
        return text


def _converted(text: str, unit: str) -> str:
    """The number in the unit that stands beside the field; the text itself where it is none of that kind."""
    number = re.match(r"[-+.\deE]+(?=\s*[^\W\d])", text)
    if number is None:
        return text
    try:
        return repr(convert(float(number[0]), text[number.end() :].strip(), unit))
    except (ValueError, ConfigError):
        return text
