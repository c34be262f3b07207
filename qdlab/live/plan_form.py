"""A plan of one procedure on one device, as a form fills it in: fields, what is wrong with each, the file.

The fields are the procedure's own declared parameters; a value is checked by reading it as a plan would.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from procedures.base import BenchProcedure, Choice, Count, Quantity, QuantityList, Switch
from qdlab.config.steps import known_procedures, procedure_step

NO_LIMIT = 1e9  # PyMeasure's bound of a parameter that has none


@dataclass(frozen=True, kw_only=True)
class FormField:
    """One parameter: its key in the file, its words, its unit, and what it is when nobody changes it.

    Parameters
    ----------
    choices : where it is one of a few words; empty otherwise
    example : how to write it, shown while it is empty
    hint : description and limits, as a tooltip
    """

    key: str
    name: str
    unit: str
    default: str
    choices: tuple[str, ...] = ()
    example: str = "left out"
    hint: str = ""


def procedures() -> dict[str, type[BenchProcedure]]:
    """The procedures a plan can name, by kind."""
    return {procedure.kind: procedure for procedure in known_procedures()}


def form_fields(procedure: type[BenchProcedure]) -> list[FormField]:
    """The fields of a procedure's form, in the order it declares them."""
    return [_field(key, parameter) for key, parameter in procedure.declared_parameters().items()]


def problems(procedure: type[BenchProcedure], texts: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with what was typed, by key; empty where a plan would take all of it."""
    try:
        procedure_step(procedure).model_validate({"kind": procedure.kind, **step_table(procedure, texts)})
    except ValidationError as error:
        return {str(one["loc"][0]): one["msg"].removeprefix("Value error, ") for one in error.errors()}
    return {}


def step_table(procedure: type[BenchProcedure], texts: Mapping[str, str]) -> dict[str, Any]:
    """What was typed as a step of a plan file: what is left empty or as it was is left out."""
    parameters = procedure.declared_parameters()
    defaults = {field.key: field.default for field in form_fields(procedure)}
    return {
        key: _value(parameters[key], text.strip())
        for key, text in texts.items()
        if text.strip() and text.strip() != defaults[key]
    }


def plan_document(
    name: str, device: Path, procedure: type[BenchProcedure], texts: Mapping[str, str]
) -> dict[str, Any]:
    """The plan as it stands in a file; the device stays in a file of its own."""
    step = {"kind": procedure.kind, **step_table(procedure, texts)}
    return {"name": name, "devices": {device.stem: str(device.resolve())}, "steps": [step]}


def _field(key: str, parameter: Any) -> FormField:
    choices: tuple[str, ...] = ()
    if isinstance(parameter, Choice):
        choices = tuple(parameter.choices)
    elif isinstance(parameter, Switch):
        choices = ("yes", "no")
    return FormField(
        key=key,
        name=parameter.name,
        unit=_unit(parameter),
        default=_default(parameter),
        choices=choices,
        example="0 .. 7 step 0.1, or 1, 2, 5" if isinstance(parameter, QuantityList) else "left out",
        hint=" ".join(filter(None, (parameter.description, _limits(parameter)))),
    )


def _unit(parameter: Any) -> str:
    """The unit beside the field; empty for a ratio, a number, a word."""
    unit = getattr(parameter, "units", None)
    return "" if unit in (None, "1") else str(unit).replace("**2", "²").replace("ohm", "Ω")


def _default(parameter: Any) -> str:
    if isinstance(parameter, Switch):
        return "yes" if parameter.default else "no"
    if parameter.default is None or parameter.default == ():
        return ""
    return f"{parameter.default:g}" if isinstance(parameter, Quantity) else str(parameter.default)


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
    return f"({', '.join(said)})" if said else ""


def _value(parameter: Any, text: str) -> Any:
    """Text as a file would hold it: a bare number takes the unit that stands beside the field."""
    if isinstance(parameter, QuantityList):
        return _points(text, parameter.units)
    if isinstance(parameter, Quantity):
        return _with_unit(text, parameter.units)
    if isinstance(parameter, Switch):
        return text == "yes"
    if isinstance(parameter, Count):
        return int(text) if text.lstrip("-").isdigit() else text
    return text


def _points(text: str, unit: str) -> Any:
    """``0 .. 7 step 0.1`` is a range; anything else is a list with commas."""
    start, dots, rest = text.partition("..")
    if not dots:
        return [_with_unit(item.strip(), unit) for item in text.split(",") if item.strip()]
    stop, _, step = rest.partition("step")
    return {
        word: _with_unit(part.strip(), unit)
        for word, part in (("start", start), ("stop", stop), ("step", step))
    }


def _with_unit(text: str, unit: str) -> str:
    try:
        float(text)
    except ValueError:
        return text
    return f"{text} {unit}"
