"""A device as the analysis sees it: layers, area, and which contact injects."""

import math
from dataclasses import dataclass, field
from typing import Literal

from analysis.estimate import Estimate

Electrode = Literal["bottom", "top"]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One film of the stack.

    Parameters
    ----------
    material : as on the label of the bottle
    thickness : [m], with the standard error of its measurement
    relative_permittivity : [1]; None where it plays no part
    thickness_method : how it was measured ("profilometer", "from the file's name", "assumed")
    """

    material: str
    thickness: Estimate
    relative_permittivity: Estimate | None = None
    thickness_method: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.thickness.value) and self.thickness.value > 0):
            raise ValueError(f"thickness {self.thickness.value!r} m of {self.material!r} must be above zero")
        permittivity = self.relative_permittivity
        if permittivity is not None and not permittivity.value >= 1:
            raise ValueError(
                f"relative_permittivity {permittivity.value!r} of {self.material!r}: it must be 1 or more"
            )


@dataclass(frozen=True, kw_only=True)
class Device:
    """One pixel: its layers from the bottom electrode to the top one, its area and its polarity.

    Parameters
    ----------
    identifier : "batch/substrate/pixel"
    layers : bottom to top
    active_layers : materials whose thickness carriers cross (their sum is `thickness`)
    area : electrode overlap [m²]
    injecting_electrode : which electrode injects the carriers under study; `voltage` is positive on it
    positive_terminal : which electrode the instrument's HI terminal is wired to
    built_in_voltage, series_resistance : [V], [Ω]
    """

    identifier: str
    layers: tuple[Layer, ...]
    active_layers: tuple[str, ...]
    area: Estimate
    injecting_electrode: Electrode = "top"
    positive_terminal: Electrode = "top"
    built_in_voltage: Estimate = field(default_factory=lambda: Estimate(value=0.0))
    series_resistance: Estimate = field(default_factory=lambda: Estimate(value=0.0))

    def __post_init__(self) -> None:
        if not (math.isfinite(self.area.value) and self.area.value > 0):
            raise ValueError(f"area {self.area.value!r} m² of {self.identifier!r}: it must be above zero")
        materials = [layer.material for layer in self.layers]
        for material in self.active_layers:
            if material not in materials:
                stack = ", ".join(materials)
                raise ValueError(f"active layer {material!r} of {self.identifier!r} is not in: {stack}")
        if not self.active_layers:
            raise ValueError(
                f"device {self.identifier!r} names no active layer; say which film carriers cross"
            )

    @property
    def thickness(self) -> Estimate:
        """Thickness the carriers cross [m]: the active layers' sum, standard errors in quadrature."""
        active = [layer.thickness for layer in self.layers if layer.material in self.active_layers]
        errors = [layer.standard_error for layer in active if layer.standard_error is not None]
        return Estimate(
            value=sum(layer.value for layer in active),
            standard_error=math.hypot(*errors) if errors else None,
        )

    @property
    def relative_permittivity(self) -> Estimate | None:
        """Relative permittivity of the first active layer that states one [1]."""
        for layer in self.layers:
            if layer.material in self.active_layers and layer.relative_permittivity is not None:
                return layer.relative_permittivity
        return None

    @property
    def polarity(self) -> int:
        """+1 where the instrument's HI terminal is on the injecting electrode, else -1."""
        return 1 if self.positive_terminal == self.injecting_electrode else -1
