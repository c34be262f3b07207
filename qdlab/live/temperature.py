"""The temperature strip: set point, stage, sample and heater over the whole session."""

from dataclasses import dataclass, field, replace

import numpy.typing as npt

from procedures import columns
from qdlab.events import Event, TelemetryRecorded
from qdlab.live.growing import Growing

_SHOWN = (
    columns.TEMPERATURE_SETPOINT,
    columns.STAGE_TEMPERATURE,
    columns.SAMPLE_TEMPERATURE,
    columns.HEATER_OUTPUT,
)


@dataclass(frozen=True, kw_only=True)
class TemperatureScreen:
    """Telemetry so far, and the newest of it in words."""

    time: Growing[float] = field(default_factory=Growing)
    setpoint: Growing[float] = field(default_factory=Growing)
    stage: Growing[float] = field(default_factory=Growing)
    sample: Growing[float] = field(default_factory=Growing)
    heater: Growing[float] = field(default_factory=Growing)

    @property
    def status(self) -> str:
        """The newest readings: ``stage 256.96 K, set 257.00 K, heater 12 %``."""
        if not self.time:
            return "no temperature yet"
        return f"stage {self.stage[-1]:.2f} K, set {self.setpoint[-1]:.2f} K, heater {self.heater[-1]:.0%}"

    def arrays(self) -> tuple[npt.NDArray, npt.NDArray, npt.NDArray, npt.NDArray]:
        """Time [s], set point, stage and sample temperature [K]."""
        return self.time.array(), self.setpoint.array(), self.stage.array(), self.sample.array()


def fold(screen: TemperatureScreen, event: Event) -> TemperatureScreen:
    """The screen after one more event; everything but telemetry leaves it as it was."""
    if not isinstance(event, TelemetryRecorded):
        return screen
    setpoint, stage, sample, heater = (event.values.get(name, float("nan")) for name in _SHOWN)
    return replace(
        screen,
        time=screen.time.appended(event.time),
        setpoint=screen.setpoint.appended(setpoint),
        stage=screen.stage.appended(stage),
        sample=screen.sample.appended(sample),
        heater=screen.heater.appended(heater),
    )
