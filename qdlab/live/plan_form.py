"""One step of a plan as a form fills it in: its fields, what is wrong with each, and the table for the file.

A procedure's fields are its own declared parameters; those of every other step are the fields of its model.
A value is checked by reading it as a plan would.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from procedures.base import Choice, Count, Quantity, QuantityList, Switch
from qdlab.config import ProcedureStep, StepConfig
from qdlab.config.fields import InSI
from qdlab.config.steps import STEP_MODELS
from qdlab.errors import ConfigError
from qdlab.quantities import convert

Shape = Literal["points", "quantity", "switch", "count", "choice", "text"]

SHOWN_UNITS: Mapping[str, str] = {
    "pulse_widths": "µs",
    "extension_widths": "µs",
    "pulse_period": "ms",
    "compliance_current": "mA",
    "ramp_rate": "K/min",
}
"""The unit people say where it is not the SI one; what is typed without a unit is meant in it."""

NO_LIMIT = 1e9  # PyMeasure's bound of a parameter that has none

TITLES: Mapping[str, str] = {
    "jv_sweep": "J-V sweep",
    "tel_series": "Light pulses (TEL)",
    "temperature_sweep": "Temperatures",
    "pixel_check": "Pixel check",
    "operator": "Ask the operator",
    "conditioning": "Conditioning",
    "repeat_until_stable": "Repeat until stable",
    "wait": "Wait",
    "note": "Note",
}
"""What people call each kind of step; others are called by their kind."""

MAIN_FIELDS: Mapping[str, frozenset[str]] = {
    "jv_sweep": frozenset({"voltages", "direction", "repeats", "settling_time", "compliance_current"}),
    "tel_series": frozenset({"pulse_amplitudes", "pulse_widths", "extension_widths", "pulse_period"}),
    "temperature_sweep": frozenset(
        {"temperatures", "ramp_rate", "tolerance", "soak", "on_timeout", "measure_first_again"}
    ),
}
"""What a form shows at first where a step has many settings."""

FIRST_TABLES: Mapping[str, Mapping[str, Any]] = {
    "jv_sweep": {"voltages": {"start": "0 V", "stop": "7 V", "step": "0.1 V"}},
    "tel_series": {
        "pulse_amplitudes": ["4 V", "5 V", "6 V", "7 V"],
        "pulse_widths": [f"{width} us" for width in (2, 5, 10, 20, 40, 60, 80, 100)],
        "extension_widths": [f"{width} us" for width in (150, 200, 250, 300)],
    },
    "temperature_sweep": {
        "temperatures": {"start": "297 K", "stop": "217 K", "step": "-20 K"},
        "soak": "120 s",
    },
    "wait": {"duration": "60 s"},
    "operator": {"text": "Connect the pixel; cover closed."},
    "note": {"text": "…"},
}
"""What a new step begins with: the values of the published campaign, to be changed."""

HINTS: Mapping[str, str] = {
    "temperatures": "Set points in the order they are visited",
    "ramp_rate": "Of the set point; also as 0.1 K/s",
    "tolerance": "How close to the set point counts as there; for repeats, the change that counts as none",
    "standard_deviation": "Of the stage over the window, at most",
    "window": "The stage has to be within the tolerance for this long",
    "interval": "Between two looks at the temperature",
    "soak": "Waited once it is stable, for the sample to follow the stage",
    "timeout": "Longest time to wait for one temperature",
    "on_timeout": "What follows when a temperature is not reached in time",
    "probe_voltage": "A small voltage whose current must have settled too; left out, the stage alone decides",
    "measure_first_again": "Back to the first temperature at the end, so that drift is seen",
    "drift_bound": "Change between first and last visit that is still called no drift",
    "warm_end": "End near room temperature, so that nobody opens a cold stage",
    "device": "Which device of this plan is connected from here on",
    "source": "What feeds it from here on",
    "maximum_repeats": "The end of the repeats, stable or not",
    "pause": "Between two repeats, outputs off",
}


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
    example: str = "left out"
    hint: str = ""
    main: bool = True


def step_kinds() -> list[str]:
    """Every kind of step, the ones met most often first."""
    return [*TITLES, *(kind for kind in STEP_MODELS if kind not in TITLES)]


def title_of(kind: str) -> str:
    """What people call a kind of step."""
    return TITLES.get(kind, kind.replace("_", " "))


def holds_steps(kind: str) -> bool:
    """Whether steps of this kind have steps of their own inside."""
    return "steps" in STEP_MODELS[kind].model_fields


@cache
def form_fields(kind: str) -> tuple[FormField, ...]:
    """The fields of a step's form, in the order they are declared."""
    model = STEP_MODELS[kind]
    shown = MAIN_FIELDS.get(kind)
    fields = _procedure_fields(model) if issubclass(model, ProcedureStep) else _model_fields(model)
    return tuple(
        field if shown is None or field.key in shown else FormField(**{**vars(field), "main": False})
        for field in fields
    )


def problems(kind: str, texts: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with what was typed, by key; empty where a plan would take all of it."""
    table = {"kind": kind, **step_table(kind, texts)}
    if holds_steps(kind):
        table["steps"] = [{"kind": "note", "text": "what is inside is checked by itself"}]
    try:
        STEP_MODELS[kind].model_validate(table)
    except ValidationError as error:
        found: dict[str, str] = {}
        for one in error.errors(include_url=False):
            found.setdefault(str(one["loc"][0]), problem_words(one))
        return found
    return {}


def problem_words(error: Any) -> str:
    """What pydantic found wrong with a value, in our words."""
    match error["type"]:
        case "missing" | "string_too_short" | "too_short":
            return "is needed"
        case "literal_error":
            return f"is not one of {error['ctx']['expected'].replace(chr(39), '')}"
        case _:
            words = str(error["msg"]).removeprefix("Value error, ")
            return words.replace("Input should be", "must be")


def step_table(kind: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """What was typed as a step of a plan file: what is left empty or as it was is left out."""
    fields = {field.key: field for field in form_fields(kind)}
    return {
        key: _value(fields[key], text.strip())
        for key, text in texts.items()
        if text.strip() and text.strip() != fields[key].default
    }


def texts_of(kind: str, table: Mapping[str, Any]) -> dict[str, str]:
    """A step of a plan file as the texts of its form."""
    return {
        field.key: _text(field, table[field.key]) if field.key in table else field.default
        for field in form_fields(kind)
    }


def summary(kind: str, table: Mapping[str, Any]) -> str:
    """The step in one line, as a list of steps shows it: ``J-V sweep  0 .. 7 step 0.1 V``."""
    fields = form_fields(kind)
    words = next((field for field in fields if field.key == "text"), None)
    if words is not None and kind in ("operator", "note"):
        return f"{title_of(kind)}: {table.get('text', '')}"
    told = next((field for field in fields if field.key in table and field.shape != "switch"), None)
    if told is None:
        return title_of(kind)
    text = _text(told, table[told.key])
    unit = "" if not told.unit or text.endswith(told.unit) else f" {told.unit}"
    return f"{title_of(kind)}  {text}{unit}"


# What a form is made of


def _procedure_fields(model: type[ProcedureStep]) -> Iterator[FormField]:
    declared = model.procedure_class.declared_parameters()
    for key, parameter in declared.items():
        choices: tuple[str, ...] = ()
        if isinstance(parameter, Choice):
            choices = tuple(parameter.choices)
        elif isinstance(parameter, Switch):
            choices = ("yes", "no")
        shape = _shape_of(parameter)
        yield FormField(
            key=key,
            name=parameter.name,
            unit=_shown_unit(key, getattr(parameter, "units", None)),
            shape=shape,
            default=_default(key, parameter.default, shape, getattr(parameter, "units", None)),
            choices=choices,
            example=POINTS_EXAMPLE if shape == "points" else "left out",
            hint=" ".join(filter(None, (parameter.description, _limits(parameter)))),
        )


POINTS_EXAMPLE = "0 .. 7 step 0.1, or 1, 2, 5"


def _shape_of(parameter: Any) -> Shape:
    shapes: tuple[tuple[type, Shape], ...] = (
        (QuantityList, "points"),
        (Quantity, "quantity"),
        (Count, "count"),
        (Switch, "switch"),
        (Choice, "choice"),
    )
    return next(shape for kind, shape in shapes if isinstance(parameter, kind))


def _model_fields(model: type[StepConfig]) -> Iterator[FormField]:
    for key, info in model.model_fields.items():
        if key in ("kind", "skip", "steps"):
            continue
        quantity = next((item for item in _annotations(info) if isinstance(item, InSI)), None)
        choices = _choices(info)
        shape: Shape = "choice" if choices else "text"
        if quantity is not None:
            shape = "points" if key == "temperatures" else "quantity"
        elif info.annotation is bool:
            shape, choices = "switch", ("yes", "no")
        elif info.annotation is int:
            shape = "count"
        default = None if info.is_required() else info.default
        yield FormField(
            key=key,
            name=key.replace("_", " ").capitalize(),
            unit="" if quantity is None else _shown_unit(key, quantity.unit),
            shape=shape,
            default=_default(key, default, shape, None if quantity is None else quantity.unit),
            choices=choices,
            example="297, 277, 257, or 297 .. 217 step -20" if shape == "points" else "left out",
            hint=HINTS.get(key, ""),
        )


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


def _unit_words(unit: str | None) -> str:
    """The unit beside the field; empty for a ratio, a number, a word."""
    return "" if unit in (None, "1") else str(unit).replace("**2", "²").replace("ohm", "Ω")


def _shown_unit(key: str, unit: str | None) -> str:
    return SHOWN_UNITS.get(key) or _unit_words(unit)


def _default(key: str, default: Any, shape: Shape, unit: str | None) -> str:
    if shape == "switch":
        return "yes" if default else "no"
    if default is None or default == ():
        return ""
    if shape != "quantity":
        return str(default)
    shown = SHOWN_UNITS.get(key)
    return f"{default if shown is None or unit is None else convert(default, unit, shown):g}"


def _limits(parameter: Any) -> str:
    """Its limits in words; empty where there is none."""
    if not isinstance(parameter, Quantity | Count):
        return ""
    bounds = (
        ("above", getattr(parameter, "above", -math.inf)),
        ("from", parameter.minimum),
        ("up to", parameter.maximum),
    )
    said = [f"{word} {bound:g}" for word, bound in bounds if bound is not None and abs(bound) < NO_LIMIT]
    unit = _unit_words(getattr(parameter, "units", None))
    return f"({', '.join(said)}{unit and ' '}{unit})" if said else ""


# From text to file and back

_SPACINGS: Mapping[str, str] = MappingProxyType(
    {"step": "step", "points": "points", "per decade": "points_per_decade"}
)


def _value(field: FormField, text: str) -> Any:
    """Text as a file would hold it: a bare number takes the unit that stands beside the field."""
    match field.shape:
        case "points":
            return _points(text, _unit_in_file(field.unit))
        case "quantity":
            return _with_unit(text, _unit_in_file(field.unit))
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


def _unit_in_file(unit: str) -> str:
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


def _text(field: FormField, value: Any) -> str:
    """A value of a file as its field shows it, without the unit that stands beside the field."""
    if field.shape == "switch":
        return "yes" if value else "no"
    unit = _unit_in_file(field.unit)
    if isinstance(value, Mapping):
        return _range_text(value, unit)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_without_unit(item, unit) for item in value)
    return _without_unit(value, unit)


def _range_text(table: Mapping[str, Any], unit: str) -> str:
    start, stop = (_without_unit(table.get(key, ""), unit) for key in ("start", "stop"))
    spacings = [
        f"{word} {_without_unit(table[key], unit)}" for word, key in _SPACINGS.items() if key in table
    ]
    return " ".join([f"{start} .. {stop}", *spacings])


def _without_unit(value: Any, unit: str) -> str:
    text = str(value)
    if not unit:
        return text
    bare = text.removesuffix(unit).strip()
    if bare == text:
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
