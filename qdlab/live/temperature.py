"""The temperature strip: set point, stage, sample and heater all along, and what is waited for."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from procedures import columns
from procedures.temperature_sweep import StabilityRule
from qdlab.events import Event, JournalEntry, TelemetryRecorded
from qdlab.live.growing import Growing

State = Literal["no reading", "ramping", "settling", "soaking", "STABLE", "LOST"]

RATE_SECONDS = 60.0  # over which drift and scatter are told
_MOVING = 0.02  # change of the set point from one reading to the next that makes a ramp [K]
_SHOWN = (
    columns.TEMPERATURE_SETPOINT,
    columns.STAGE_TEMPERATURE,
    columns.SAMPLE_TEMPERATURE,
    columns.HEATER_OUTPUT,
)


@dataclass(frozen=True, kw_only=True)
class TemperatureScreen:
    """Telemetry so far, and the newest of it in words.

    Parameters
    ----------
    rule : when the plan calls a temperature stable
    inside_since : when the stage came within tolerance of a set point at rest [s]; NaN while it is not
    stable_at : set point that the run called stable [K]; NaN once it moves on
    """

    time: Growing[float] = field(default_factory=Growing)
    setpoint: Growing[float] = field(default_factory=Growing)
    stage: Growing[float] = field(default_factory=Growing)
    sample: Growing[float] = field(default_factory=Growing)
    heater: Growing[float] = field(default_factory=Growing)
    rule: StabilityRule = field(default_factory=StabilityRule)
    inside_since: float = math.nan
    stable_at: float = math.nan

    @property
    def state(self) -> State:
        """Where the temperature is on its way."""
        if not self.time:
            return "no reading"
        setpoint = self.setpoint[-1]
        inside = math.isfinite(self.inside_since)
        if abs(setpoint - self.stable_at) < _MOVING:
            return "STABLE" if inside else "LOST"
        if len(self.setpoint) > 1 and abs(setpoint - self.setpoint[-2]) > _MOVING:
            return "ramping"
        if not inside:
            return "settling"
        return "soaking" if self.time[-1] - self.inside_since > self.rule.window else "settling"

    @property
    def remaining(self) -> float:
        """Until the rule can be met at the earliest [s]; NaN where that cannot be said."""
        if self.state not in ("settling", "soaking") or not math.isfinite(self.inside_since):
            return math.nan
        return max(self.rule.window + self.rule.soak - (self.time[-1] - self.inside_since), 0.0)

    @property
    def status(self) -> str:
        """The newest readings: ``stage 256.96 K, set 257.00 K, heater 12 %``."""
        if not self.time:
            return "no temperature yet"
        return f"stage {self.stage[-1]:.2f} K, set {self.setpoint[-1]:.2f} K, heater {self.heater[-1]:.0%}"

    @property
    def words(self) -> str:
        """Countdown, readings, drift and scatter."""
        if not self.time:
            return "no temperature yet"
        parts = [self.status]
        if math.isfinite(self.sample[-1]):
            parts.append(f"sample {self.sample[-1]:.2f} K")
        if math.isfinite(self.remaining):
            parts.insert(0, f"{self.remaining:.0f} s to go at least")
        recent = self._recent()
        minutes = (self.time[-1] - self.time[-len(recent)]) / 60
        if len(recent) > 2 and minutes > 0:
            parts.append(f"{(recent[-1] - recent[0]) / minutes:+.2f} K/min, scatter {np.std(recent):.3f} K")
        return ", ".join(parts)

    def _recent(self) -> list[float]:
        """Stage temperatures of the last minute [K]."""
        start = len(self.time)
        while start > 0 and self.time[-1] - self.time[start - 1] <= RATE_SECONDS:
            start -= 1
        return self.stage[start:]

    def arrays(self) -> tuple[npt.NDArray, npt.NDArray, npt.NDArray, npt.NDArray, npt.NDArray]:
        """Time [s], set point, stage and sample temperature [K], heater output [1]."""
        return (
            self.time.array(),
            self.setpoint.array(),
            self.stage.array(),
            self.sample.array(),
            self.heater.array(),
        )


def fold(screen: TemperatureScreen, event: Event) -> TemperatureScreen:
    """The screen after one more event; only telemetry and the word that a temperature is stable change it."""
    if isinstance(event, JournalEntry):
        return _journal(screen, event)
    if not isinstance(event, TelemetryRecorded):
        return screen
    setpoint, stage, sample, heater = (event.values.get(name, math.nan) for name in _SHOWN)
    moved = bool(screen.setpoint) and abs(setpoint - screen.setpoint[-1]) > _MOVING
    inside = not moved and abs(stage - setpoint) < screen.rule.tolerance
    since = screen.inside_since if math.isfinite(screen.inside_since) else event.time
    return replace(
        screen,
        time=screen.time.appended(event.time),
        setpoint=screen.setpoint.appended(setpoint),
        stage=screen.stage.appended(stage),
        sample=screen.sample.appended(sample),
        heater=screen.heater.appended(heater),
        inside_since=since if inside else math.nan,
        stable_at=math.nan if moved else screen.stable_at,
    )


def _journal(screen: TemperatureScreen, entry: JournalEntry) -> TemperatureScreen:
    """A run says *stable at 257 K* once the rule, soak and probe are met."""
    if entry.level == "state" and entry.text.startswith("stable at ") and screen.setpoint:
        return replace(screen, stable_at=screen.setpoint[-1])
    return screen
