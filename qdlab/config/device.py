"""Device files: a pixel's stack, area, wiring and limits, and what stands in for it on a simulated bench."""

from collections.abc import Callable
from typing import Self

from pydantic import Field, model_validator

from analysis.device import Device, Electrode, Layer
from analysis.estimate import Estimate
from procedures.base import ConnectedDevice
from qdlab.config.fields import (
    AreaEstimate,
    LengthEstimate,
    PermittivityEstimate,
    ResistanceEstimate,
    Strict,
    VoltageEstimate,
)
from qdlab.config.limits import LimitsConfig


class LayerConfig(Strict):
    """One film of the stack."""

    material: str
    thickness: LengthEstimate
    thickness_method: str = ""
    relative_permittivity: PermittivityEstimate | None = None

    def to_layer(self) -> Layer:
        return Layer(
            material=self.material,
            thickness=self.thickness,
            relative_permittivity=self.relative_permittivity,
            thickness_method=self.thickness_method,
        )


class DeviceConfig(Strict):
    """One pixel: its stack, area, wiring, and its own limits.

    `simulated_as` names the sample that stands in for it on the simulated bench. One that ages under bias is
    marked ``resumable = false``: an interrupted measurement of it is repeated from its beginning.
    """

    identifier: str
    layers: list[LayerConfig] = Field(min_length=1)
    active_layers: list[str] = Field(min_length=1)
    area: AreaEstimate
    injecting_electrode: Electrode = "top"
    positive_terminal: Electrode = "top"
    built_in_voltage: VoltageEstimate = Estimate(value=0.0)
    series_resistance: ResistanceEstimate = Estimate(value=0.0)
    limits: LimitsConfig = LimitsConfig()
    simulated_as: str | None = None
    resumable: bool | None = None

    @model_validator(mode="after")
    def _makes_a_device(self) -> Self:
        self.to_device()
        return self

    def to_device(self) -> Device:
        """The device as the analysis sees it."""
        return Device(
            identifier=self.identifier,
            layers=tuple(layer.to_layer() for layer in self.layers),
            active_layers=tuple(self.active_layers),
            area=self.area,
            injecting_electrode=self.injecting_electrode,
            positive_terminal=self.positive_terminal,
            built_in_voltage=self.built_in_voltage,
            series_resistance=self.series_resistance,
        )

    def to_connected(self, *, typical_current: Callable[[float], float] | None = None) -> ConnectedDevice:
        """The device as a procedure sees it."""
        device = self.to_device()
        return ConnectedDevice(
            identifier=self.identifier,
            area=device.area.value,
            thickness=device.thickness.value,
            polarity=device.polarity,
            series_resistance=device.series_resistance.value,
            typical_current=typical_current,
        )
