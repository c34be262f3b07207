"""A device file while a person fills it in: its stack, area, wiring and limits; what is wrong, what it means.

Everything here is a pure function of a frozen `DeviceDraft`; a draft need not hold as a device yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tomli_w
from scipy.constants import epsilon_0

from qdlab.config import DeviceConfig, load_device, read_toml
from qdlab.config.device import LayerConfig
from qdlab.config.limits import LimitsConfig
from qdlab.errors import ConfigError
from qdlab.live.forms import FormField, model_fields, model_problems
from qdlab.paths import file_stem
from qdlab.records.manifest import replace_file

NAMES: Mapping[str, str] = {
    "positive_terminal": "HI is wired to",
    "built_in_voltage": "Built-in voltage",
    "thickness_method": "Measured with",
    "resumable": "May be resumed",
    "relative_permittivity": "Permittivity",
}
"""What people call a setting where its key says it less well."""

HINTS: Mapping[str, str] = {
    "identifier": "Batch, substrate and pixel as on the sample's box: B3/2/px1",
    "area": "Overlap of the electrodes, with the standard error of its measurement: 4 ± 0.1 (or 4 +- 0.1)",
    "injecting_electrode": "The one that injects the carriers under study; voltages count positive on it",
    "positive_terminal": "The electrode the source meter's HI is wired to",
    "built_in_voltage": "Subtracted before transport is analysed; 0 where both contacts are alike",
    "series_resistance": "Of contacts and leads; subtracted before transport is analysed",
    "simulated_as": "Which sample stands in for it on the simulated bench",
    "resumable": "no for a device that ages under bias: an interrupted measurement of it begins anew",
    "material": "As on the bottle's label; the films that carriers cross are found by it",
    "thickness": "With the standard error of its measurement: 110 ± 3 (or 110 +- 3)",
    "thickness_method": "How it was measured: profilometer, ellipsometer",
    "relative_permittivity": "Relative; needed of the film that carriers cross, for its mobility",
    "maximum_voltage": "Applied, of either sign",
    "maximum_current": "Let through by the source meter, of either sign",
    "maximum_current_density": "Current over area",
    "maximum_field": "Voltage over the thickness that carriers cross",
    "maximum_power_density": "Power over area, averaged over a pulse period",
    "maximum_slew": "Of the voltage while the output is on",
    "maximum_step": "Between neighbouring voltages",
    "maximum_dwell": "Longest stay at one voltage",
    "maximum_pulse_energy": "What one pulse can deliver from 50 Ω",
    "maximum_duty_cycle": "Pulse width over pulse period, 0 to 1",
    "minimum_temperature": "Lowest set point",
    "maximum_temperature": "Highest set point",
    "maximum_temperature_rate": "Of the set point",
}

EXAMPLES: Mapping[str, str] = {
    "identifier": "batch/substrate/pixel",
    "area": "e.g. 4 ± 0.1",
    "material": "as on its label",
    "thickness": "e.g. 110 ± 3",
    "thickness_method": "method",
    "relative_permittivity": "e.g. 4",
    **dict.fromkeys(LimitsConfig.model_fields, "not limited by this device"),
}

MAIN_LIMITS = frozenset(
    {
        "maximum_voltage",
        "maximum_current",
        "maximum_field",
        "maximum_current_density",
        "maximum_duty_cycle",
    }
)
"""What a form shows at first of the limits."""

FIRST_LIMITS: Mapping[str, str] = MappingProxyType(
    {"maximum_field": "800000 V/cm", "maximum_current_density": "2000 mA/cm2"}
)
"""What a new device is bounded by: as the published campaign was, to be changed."""

Place = tuple[str | int, ...]
"""Where something stands in a device file: ``("layers", 0, "thickness")``; the empty one is all of it."""


@dataclass(frozen=True, kw_only=True)
class DraftLayer:
    """One film as it stands in a file, and whether carriers cross it."""

    table: Mapping[str, Any] = field(default_factory=dict)
    active: bool = False


@dataclass(frozen=True, kw_only=True)
class DeviceDraft:
    """A device that may still be wrong.

    Parameters
    ----------
    table : of the file, besides layers, active layers and limits
    layers : from the bottom electrode to the top one
    limits : of the file
    """

    table: Mapping[str, Any] = field(default_factory=dict)
    layers: tuple[DraftLayer, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """The device as a file holds it."""
        materials = [layer.table.get("material") for layer in self.layers if layer.active]
        document = {**self.table, "active_layers": [name for name in dict.fromkeys(materials) if name]}
        document["layers"] = [dict(layer.table) for layer in self.layers]
        return {**document, "limits": dict(self.limits)} if self.limits else document

    def to_toml(self) -> str:
        """The text of a device file."""
        return tomli_w.dumps(self.to_document())


@dataclass(frozen=True, kw_only=True)
class CheckedDevice:
    """What is wrong with a draft, by place; and, where nothing is, what it means in sentences."""

    problems: Mapping[Place, str] = field(default_factory=dict)
    facts: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether a plan would take the device."""
        return not self.problems

    def of(self, *inside: str | int) -> dict[str, str]:
        """What is wrong inside one table of the file, by key; the empty one for all of it."""
        depth = len(inside)
        return {
            str(place[depth]) if len(place) > depth else "": words
            for place, words in reversed(list(self.problems.items()))
            if place[:depth] == inside
        }


NEW_DEVICE = DeviceDraft(layers=(DraftLayer(active=True),), limits=FIRST_LIMITS)


@cache
def device_fields(*, simulated: bool = False) -> tuple[FormField, ...]:
    """The fields of the device itself; what stands in for it matters where the bench is simulated."""
    return tuple(
        replace(each, main=simulated or each.key != "simulated_as")
        for each in model_fields(
            DeviceConfig,
            without=("layers", "active_layers", "limits"),
            names=NAMES,
            hints=HINTS,
            examples=EXAMPLES,
        )
    )


@cache
def layer_fields() -> tuple[FormField, ...]:
    """The fields of one film."""
    return tuple(model_fields(LayerConfig, names=NAMES, hints=HINTS, examples=EXAMPLES))


@cache
def limit_fields() -> tuple[FormField, ...]:
    """The fields of its limits."""
    return tuple(
        replace(each, main=each.key in MAIN_LIMITS)
        for each in model_fields(LimitsConfig, names=NAMES, hints=HINTS, examples=EXAMPLES)
    )


def check_device(draft: DeviceDraft) -> CheckedDevice:
    """What is wrong with a draft; read as a plan would read its file."""
    problems: dict[Place, str] = dict(model_problems(DeviceConfig, draft.to_document()))
    if any(layer.active for layer in draft.layers):
        # without a material yet, it is that which is missing
        problems.pop(("active_layers",), None)
    elif draft.layers:
        problems[("active_layers",)] = "say which film the carriers cross"
    for number, layer in enumerate(draft.layers):
        problems |= _namesakes(draft, number, layer)
    return CheckedDevice(problems=problems, facts=() if problems else _facts(draft))


def _namesakes(draft: DeviceDraft, number: int, layer: DraftLayer) -> dict[Place, str]:
    """Films of one material are either all crossed or none: a file tells them apart by it."""
    material = layer.table.get("material")
    if material and any(
        other.active and not layer.active and other.table.get("material") == material
        for other in draft.layers
    ):
        place = ("layers", number, "material")
        return {place: f"another film called {material} is crossed, this one is not; name them apart"}
    return {}


def _facts(draft: DeviceDraft) -> tuple[str, ...]:
    """What follows from it that a person can compare with what is known of the sample."""
    config = DeviceConfig.model_validate(draft.to_document())
    device = config.to_device()
    thickness, area = device.thickness.value, device.area.value
    crossed = " + ".join(name for name in device.active_layers)
    facts = [f"Carriers cross {crossed}, {_nanometres(thickness)}; 1 V is {1e-5 / thickness:.3g} kV/cm."]
    permittivity = device.relative_permittivity
    if permittivity is None:
        facts.append("No film that carriers cross states a permittivity: without one there is no mobility.")
    else:
        capacitance = permittivity.value * epsilon_0 * area / thickness
        facts.append(f"As a plate capacitor it has {capacitance * 1e9:.3g} nF.")
    envelope = config.limits.to_envelope(area=area, thickness=thickness)
    bounds = [
        f"{limit * scale:.3g} {unit}"
        for limit, scale, unit in ((envelope.voltage_limit, 1.0, "V"), (envelope.current_limit, 1e3, "mA"))
        if limit < float("inf")
    ]
    if bounds:
        facts.append(f"Its own limits allow {' and '.join(bounds)} at most; the bench's may be tighter.")
    else:
        facts.append("It bounds neither voltage nor current: only the bench's limits protect it.")
    if device.polarity < 0:
        facts.append("HI is not on the injecting electrode: voltages are applied with the other sign.")
    return tuple(facts)


def _nanometres(length: float) -> str:
    return f"{length * 1e9:.4g} nm"


# Films


def with_layer(draft: DeviceDraft, number: int) -> DeviceDraft:
    """With an empty film put in there; what was there is nearer to the top electrode then."""
    return replace(draft, layers=(*draft.layers[:number], DraftLayer(), *draft.layers[number:]))


def without_layer(draft: DeviceDraft, number: int) -> DeviceDraft:
    """Without the film there."""
    return replace(draft, layers=(*draft.layers[:number], *draft.layers[number + 1 :]))


def with_changed_layer(draft: DeviceDraft, number: int, layer: DraftLayer) -> DeviceDraft:
    """With another film there."""
    return replace(draft, layers=(*draft.layers[:number], layer, *draft.layers[number + 1 :]))


def with_shifted_layer(draft: DeviceDraft, number: int, by: int) -> DeviceDraft:
    """With the film one nearer to the top electrode (+1) or to the bottom one (-1)."""
    other = number + by
    if not 0 <= other < len(draft.layers):
        return draft
    layers = list(draft.layers)
    layers[number], layers[other] = layers[other], layers[number]
    return replace(draft, layers=tuple(layers))


# Files


def draft_of_device(document: Mapping[str, Any]) -> DeviceDraft:
    """The draft of a device's document, as far as it is one; raises ConfigError where it is none at all."""
    rest = dict(document)
    layers, active, limits = rest.pop("layers", []), rest.pop("active_layers", []), rest.pop("limits", {})
    if (
        not isinstance(layers, list | tuple)
        or not all(isinstance(layer, Mapping) for layer in layers)
        or not isinstance(active, list | tuple)
        or not isinstance(limits, Mapping)
    ):
        raise ConfigError("this is no device: it needs tables [[layers]], a list active_layers and [limits]")
    return DeviceDraft(
        table=rest,
        layers=tuple(DraftLayer(table=layer, active=layer.get("material") in active) for layer in layers),
        limits=limits,
    )


def read_device_draft(path: Path) -> DeviceDraft:
    """A device file to be edited, right or wrong; raises ConfigError."""
    document = read_toml(path)
    sample = document.get("simulated_as")
    if isinstance(sample, str) and sample.endswith(".toml"):
        document["simulated_as"] = str((path.parent / sample).resolve())
    return draft_of_device(document)


def devices_folder(data: Path) -> Path:
    """Where devices made in the window are kept."""
    return data / "devices"


def saved_devices(folder: Path) -> list[Path]:
    """Files of the devices kept there, by name."""
    return sorted(folder.glob("*.toml"), key=lambda file: file.name.casefold())


def save_device(draft: DeviceDraft, folder: Path) -> Path:
    """Keep a device under its identifier, in place of how it was before; the file written.

    Raises
    ------
    ConfigError : another device's file has that name
    """
    identifier = str(draft.table.get("identifier", ""))
    file = folder / f"{file_stem(identifier)}.toml"
    if file.exists() and (other := load_device(file).identifier) != identifier:
        raise ConfigError(f"{file} is the file of {other}; change the identifier {identifier!r} a little")
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(file, draft.to_toml().encode())
    return file
