"""The temperature strip: set point, stage, sample and heater all along, and what is waited for."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from procedures import columns
from procedures.temperature_sweep import StabilityRule
from qdlab.events import Event, JournalEntry, TelemetryRecorded
from qdlab.live.strip import Reading, Strip

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
    strip : the readings, older ones thinned out
    rule : when the plan calls a temperature stable
    inside_since : when the stage came within tolerance of a set point at rest [s]; NaN while it is not
    stable_at : set point that the run called stable [K]; NaN once it moves on
    """

    strip: Strip = field(default_factory=Strip)
    rule: StabilityRule = field(default_factory=StabilityRule)
    inside_since: float = math.nan
    stable_at: float = math.nan

    @property
    def newest(self) -> Reading | None:
        """The last reading; None before the first."""
        return self.strip.recent[-1] if self.strip.recent else None

    @property
    def state(self) -> State:
        """Where the temperature is on its way."""
        newest = self.newest
        if newest is None:
            return "no reading"
        setpoint = newest.setpoint
        inside = math.isfinite(self.inside_since)
        if abs(setpoint - self.stable_at) < _MOVING:
            return "STABLE" if inside else "LOST"
        recent = self.strip.recent
        if len(recent) > 1 and abs(setpoint - recent[-2].setpoint) > _MOVING:
            return "ramping"
        if not inside:
            return "settling"
        return "soaking" if newest.time - self.inside_since > self.rule.window else "settling"

    @property
    def remaining(self) -> float:
        """Until the rule can be met at the earliest [s]; NaN where that cannot be said."""
        newest = self.newest
        waiting = self.state in ("settling", "soaking") and math.isfinite(self.inside_since)
        if newest is None or not waiting:
            return math.nan
        return max(self.rule.window + self.rule.soak - (newest.time - self.inside_since), 0.0)

    @property
    def status(self) -> str:
        """The newest readings: ``stage 256.96 K, set 257.00 K, heater 12 %``."""
        newest = self.newest
        if newest is None:
            return "no temperature yet"
        return f"stage {newest.stage:.2f} K, set {newest.setpoint:.2f} K, heater {newest.heater:.0%}"

    @property
    def words(self) -> str:
        """Readings, countdown, drift and scatter, what matters first where room is short."""
        newest = self.newest
        if newest is None:
            return "no temperature yet"
        stage, setpoint, heater = self.status.split(", ")
        parts = [stage, setpoint, heater]
        if math.isfinite(self.remaining):
            parts.insert(2, f"≥ {self.remaining:.0f} s to go")
        if math.isfinite(newest.sample):
            parts.append(f"sample {newest.sample:.2f} K")
        minute = self._last_minute()
        minutes = (newest.time - minute[0].time) / 60
        if len(minute) > 2 and minutes > 0:
            stages = [reading.stage for reading in minute]
            parts.append(f"{(stages[-1] - stages[0]) / minutes:+.2f} K/min, scatter {np.std(stages):.3f} K")
        return ", ".join(parts)

    def _last_minute(self) -> list[Reading]:
        recent = self.strip.recent
        start = len(recent) - 1
        while start > 0 and recent[-1].time - recent[start - 1].time <= RATE_SECONDS:
            start -= 1
        return recent[start:]


def fold(screen: TemperatureScreen, event: Event) -> TemperatureScreen:
    """The screen after one more event; only telemetry and the word that a temperature is stable change it."""
    if isinstance(event, JournalEntry):
        return _journal(screen, event)
    if not isinstance(event, TelemetryRecorded):
        return screen
    reading = Reading(event.time, *(event.values.get(name, math.nan) for name in _SHOWN))
    newest = screen.newest
    moved = newest is not None and abs(reading.setpoint - newest.setpoint) > _MOVING
    inside = not moved and abs(reading.stage - reading.setpoint) < screen.rule.tolerance
    since = screen.inside_since if math.isfinite(screen.inside_since) else event.time
    return replace(
        screen,
        strip=screen.strip.appended(reading),
        inside_since=since if inside else math.nan,
        stable_at=math.nan if moved else screen.stable_at,
    )


def _journal(screen: TemperatureScreen, entry: JournalEntry) -> TemperatureScreen:
    """A run says *stable at 257 K* once the rule, soak and probe are met."""
    newest = screen.newest
    if entry.level == "state" and entry.text.startswith("stable at ") and newest is not None:
        return replace(screen, stable_at=newest.setpoint)
    return screen
