"""One step of a plan as a form fills it in: its fields, what is wrong with each, and the table for the file.

A procedure's fields are its own declared parameters; those of every other step are the fields of its model.
A value is checked by reading it as a plan would.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from procedures.base import Choice, Count, Quantity, QuantityList, Switch
from qdlab.config import ProcedureStep
from qdlab.config.steps import STEP_MODELS
from qdlab.live.forms import (
    LEFT_OUT,
    FormField,
    Shape,
    default_text,
    field_text,
    model_fields,
    model_problems,
    shown_unit,
    table_of,
    unit_words,
)

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


def step_kinds() -> list[str]:
    """Every kind of step, the ones met most often first."""
    return [*TITLES, *(kind for kind in STEP_MODELS if kind not in TITLES)]


def title_of(kind: str) -> str:
    """What people call a kind of step."""
    return TITLES.get(kind, kind.replace("_", " "))


def purpose_of(kind: str) -> str:
    """What a kind of step does, in a sentence: the first of its description."""
    model = STEP_MODELS[kind]
    described = model.procedure_class if issubclass(model, ProcedureStep) else model
    return (described.__doc__ or "").strip().partition("\n")[0]


def holds_steps(kind: str) -> bool:
    """Whether steps of this kind have steps of their own inside."""
    return "steps" in STEP_MODELS[kind].model_fields


@cache
def form_fields(kind: str) -> tuple[FormField, ...]:
    """The fields of a step's form, in the order they are declared."""
    model = STEP_MODELS[kind]
    shown = MAIN_FIELDS.get(kind)
    fields = (
        _procedure_fields(model)
        if issubclass(model, ProcedureStep)
        else model_fields(
            model,
            without=("kind", "skip", "steps"),
            hints=HINTS,
            examples={"temperatures": "297, 277, 257, or 297 .. 217 step -20"},
        )
    )
    return tuple(
        field if shown is None or field.key in shown else replace(field, main=False) for field in fields
    )


def problems(kind: str, texts: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with what was typed, by key; empty where a plan would take all of it."""
    table = {"kind": kind, **step_table(kind, texts)}
    if holds_steps(kind):
        table["steps"] = [{"kind": "note", "text": "what is inside is checked by itself"}]
    found: dict[str, str] = {}
    for place, words in model_problems(STEP_MODELS[kind], table).items():
        found.setdefault(str(place[0]), words)
    return found


def step_table(kind: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """What was typed as a step of a plan file: what is left empty or as it was is left out."""
    return table_of(form_fields(kind), texts)


def summary(kind: str, table: Mapping[str, Any]) -> str:
    """The step in one line, as a list of steps shows it: ``J-V sweep  0 .. 7 step 0.1 V``."""
    fields = form_fields(kind)
    words = next((field for field in fields if field.key == "text"), None)
    if words is not None and kind in ("operator", "note"):
        return f"{title_of(kind)}: {table.get('text', '')}"
    told = next((field for field in fields if field.key in table and field.shape != "switch"), None)
    if told is None:
        return title_of(kind)
    text = field_text(told, table[told.key])
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
            unit=shown_unit(key, getattr(parameter, "units", None)),
            shape=shape,
            default=default_text(key, parameter.default, shape, getattr(parameter, "units", None)),
            choices=choices,
            example=POINTS_EXAMPLE if shape == "points" else LEFT_OUT,
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
    unit = unit_words(getattr(parameter, "units", None))
    return f"({', '.join(said)}{unit and ' '}{unit})" if said else ""
