"""A sample described in a TOML file, or a preset with changes.

    preset = "li2024-hole-only-110nm"      # start from a preset; or write everything out
    identifier = "batch7/substrate2/pixel3"
    series_resistance = "60 ohm"
    breakdown_field = "1.5e8 V/m"
    sealed = true

    [conduction]
    law = "DriftDiffusion"                 # or Murgatroyd, EmittingDiode
    thickness = "105 nm"
    statistics = "gaussian"

    [emission]                             # only with an EmittingDiode
    dispersion = 0.3
    rise_time = "2 us"

Keys are the fields of `SampleSpec`, of the conduction law and of `Emission`; quantities are texts with a
unit, which the caller's parser reads, and plain numbers where the quantity has none.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Protocol

from sim_instruments.conduction import ConductionLaw, DriftDiffusion, EmittingDiode, Murgatroyd
from sim_instruments.device_under_test import SampleSpec
from sim_instruments.emission import Emission
from sim_instruments.presets import preset

LAWS: Mapping[str, type[ConductionLaw]] = {
    law.__name__: law for law in (DriftDiffusion, Murgatroyd, EmittingDiode)
}

UNITS: Mapping[str, str] = {
    "area": "m**2",
    "series_resistance": "ohm",
    "leakage_conductance": "S",
    "capacitance": "F",
    "charging_time": "s",
    "thermal_resistance": "K/W",
    "ageing_charge": "C",
    "breakdown_field": "V/m",
    "breakdown_current_density": "A/m**2",
    "short_resistance": "ohm",
    "thickness": "m",
    "disorder_width": "J",
    "hopping_distance": "m",
    "mobility_prefactor": "m**2/V/s",
    "zero_field_mobility": "m**2/V/s",
    "reference_mobility": "m**2/V/s",
    "reference_field": "V/m",
    "activation_energy": "J",
    "built_in_voltage": "V",
    "barriers": "J",
    "rise_time": "s",
    "afterglow_time": "s",
    "memory_time": "s",
    "brightness_drift": "s**-1",
}
"""SI unit of every key that has one; `field_coefficient` is a plain number in (m/V)^1/2."""

_LARGEST_FILE = 100_000  # [bytes]


class ParseQuantity(Protocol):
    """Turns a text with a unit into a number of SI units, or raises ValueError naming `name`."""

    def __call__(self, text: str | float, unit: str, *, name: str) -> float: ...


def read_sample(path: Path, parse_quantity: ParseQuantity) -> SampleSpec:
    """The sample a TOML file describes.

    Raises
    ------
    ValueError : not TOML, an unknown or missing key, or a value that makes no sample; the message names file
        and key
    """
    if path.stat().st_size > _LARGEST_FILE:
        raise ValueError(f"{path}: larger than {_LARGEST_FILE} bytes; this is no sample file")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None
    return sample_from(table, parse_quantity, where=str(path))


def sample_from(
    table: Mapping[str, Any], parse_quantity: ParseQuantity, *, where: str = "sample"
) -> SampleSpec:
    """The sample a table of that form describes; `where` names it in messages."""
    table = dict(table)
    conduction, emission = table.pop("conduction", {}), table.pop("emission", None)
    start = preset(table.pop("preset")) if "preset" in table else None
    values = _values(SampleSpec, table, parse_quantity, where, start)
    values["conduction"] = _conduction(conduction, parse_quantity, f"{where} [conduction]", start)
    if emission is not None:
        begin = None if start is None else start.emission
        values["emission"] = Emission(
            **_values(Emission, emission, parse_quantity, f"{where} [emission]", begin)
        )
    return SampleSpec(**values)


def _conduction(
    table: Mapping[str, Any], parse_quantity: ParseQuantity, where: str, start: SampleSpec | None
) -> ConductionLaw:
    table = dict(table)
    name = table.pop("law", type(start.conduction).__name__ if start else None)
    if name not in LAWS:
        raise ValueError(f"{where}: law = {name!r} is not one of {', '.join(LAWS)}")
    law = LAWS[name]
    begin = start.conduction if start and isinstance(start.conduction, law) else None
    return law(**_values(law, table, parse_quantity, where, begin))


def _values(
    kind: type, table: Mapping[str, Any], parse_quantity: ParseQuantity, where: str, start: Any
) -> dict[str, Any]:
    """Keyword arguments for a dataclass: those of the table, else those of `start`."""
    known = {item.name: item for item in fields(kind) if item.name not in ("conduction", "emission")}
    for key in table:
        if key not in known:
            raise ValueError(f"{where}: unknown key {key!r}; there are {', '.join(known)}")
    values = {name: getattr(start, name) for name in known} if start is not None else {}
    if start is not None and kind is SampleSpec:
        values["emission"] = start.emission
    values |= {key: _value(key, value, parse_quantity, f"{where}: {key}") for key, value in table.items()}
    missing = [name for name, item in known.items() if name not in values and _is_required(item)]
    if missing:
        raise ValueError(f"{where}: missing {', '.join(missing)}; write them or start from a preset")
    return values


def _value(key: str, value: Any, parse_quantity: ParseQuantity, name: str) -> Any:
    if key == "barriers":
        if not isinstance(value, list) or len(value) != 2:
            raise ValueError(f"{name} = {value!r}: give two, of the injecting and the extracting contact")
        return tuple(parse_quantity(item, UNITS[key], name=name) for item in value)
    if key in UNITS:
        return parse_quantity(value, UNITS[key], name=name)
    wanted: tuple[type, ...] = (int, float)
    if key in ("identifier", "statistics", "sealed"):
        wanted = (bool,) if key == "sealed" else (str,)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise ValueError(f"{name} = {value!r} is not understood; see the sample files in examples")
    return value


def _is_required(item: "Field[Any]") -> bool:
    return item.default is MISSING and item.default_factory is MISSING
