"""Devices as `session.toml` holds them: SI numbers, every estimate with its standard error, nothing lost."""

from collections.abc import Mapping
from typing import Any

from analysis.device import Device, Layer
from analysis.estimate import Estimate


def device_to_document(device: Device) -> dict[str, Any]:
    """A device as plain tables and numbers; `device_from_document` gives it back."""
    return {
        "identifier": device.identifier,
        "area": _estimate_to_document(device.area),
        "injecting_electrode": device.injecting_electrode,
        "positive_terminal": device.positive_terminal,
        "built_in_voltage": _estimate_to_document(device.built_in_voltage),
        "series_resistance": _estimate_to_document(device.series_resistance),
        "active_layers": list(device.active_layers),
        "layers": [_layer_to_document(layer) for layer in device.layers],
    }


def device_from_document(document: Mapping[str, Any]) -> Device:
    """The device of such a table. Raises KeyError, TypeError or ValueError where it is none."""
    return Device(
        identifier=str(document["identifier"]),
        layers=tuple(_layer_from_document(layer) for layer in document["layers"]),
        active_layers=tuple(str(material) for material in document["active_layers"]),
        area=_estimate_from_document(document["area"]),
        injecting_electrode=_electrode(document["injecting_electrode"]),
        positive_terminal=_electrode(document["positive_terminal"]),
        built_in_voltage=_estimate_from_document(document["built_in_voltage"]),
        series_resistance=_estimate_from_document(document["series_resistance"]),
    )


def _layer_to_document(layer: Layer) -> dict[str, Any]:
    document: dict[str, Any] = {
        "material": layer.material,
        "thickness": _estimate_to_document(layer.thickness),
        "thickness_method": layer.thickness_method,
    }
    if layer.relative_permittivity is not None:
        document["relative_permittivity"] = _estimate_to_document(layer.relative_permittivity)
    return document


def _layer_from_document(document: Mapping[str, Any]) -> Layer:
    permittivity = document.get("relative_permittivity")
    return Layer(
        material=str(document["material"]),
        thickness=_estimate_from_document(document["thickness"]),
        thickness_method=str(document["thickness_method"]),
        relative_permittivity=None if permittivity is None else _estimate_from_document(permittivity),
    )


def _estimate_to_document(estimate: Estimate) -> dict[str, float]:
    facts = {
        "value": estimate.value,
        "standard_error": estimate.standard_error,
        "systematic_error": estimate.systematic_error,
    }
    return {name: float(value) for name, value in facts.items() if value is not None}


def _estimate_from_document(document: Mapping[str, Any]) -> Estimate:
    def number(name: str) -> float | None:
        return None if name not in document else float(document[name])

    return Estimate(
        value=float(document["value"]),
        standard_error=number("standard_error"),
        systematic_error=number("systematic_error"),
    )


def _electrode(word: Any) -> Any:
    if word not in ("bottom", "top"):
        raise ValueError(f"electrode {word!r} is neither bottom nor top")
    return word
