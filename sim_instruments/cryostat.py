"""A cold finger: a cooled stage, a heater in a control loop, and a sample that follows the stage.

    C dT_stage/dt = P - G (T_stage - T_cold)          sample: first-order lag to stage + offset(T_stage)

stepped once a simulated second with the exact solution over the step, so an hour costs milliseconds and the
temperatures do not depend on how often somebody asks. Overshoot, heater limit and wind-up come out of the
loop itself.
"""

import math
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from sim_instruments.clock import Clock

ROOM_TEMPERATURE = 297.0  # [K]

ControlMode = Literal["off", "closed_loop", "open_loop"]


@dataclass(frozen=True, kw_only=True)
class CryostatSpec:
    """What the cold finger is made of.

    Parameters
    ----------
    heat_capacity : of the stage [J K⁻¹]
    conductance : from the stage to the coolant [W K⁻¹]
    coolant_temperature : [K]
    sensor_lag, sample_lag : how far the sensor and the sample trail the stage [s]
    sample_offset : sample minus stage at 297 K [K]
    sample_offset_slope : growth of that offset for each kelvin below 297 K [1]
    sensor_noise : standard deviation of one reading [K]
    coolant_swing, sample_drift : slow swing of the coolant, and of the sample about its offset [K]
    swing_period : of both [s]
    """

    heat_capacity: float = 300.0
    conductance: float = 0.15
    coolant_temperature: float = 77.0
    sensor_lag: float = 2.0
    sample_lag: float = 20.0
    sample_offset: float = 0.0
    sample_offset_slope: float = 0.0
    sensor_noise: float = 2e-3
    coolant_swing: float = 0.5
    sample_drift: float = 2e-3
    swing_period: float = 1800.0

    def offset(self, stage_temperature: float) -> float:
        """Sample minus stage in the steady state [K]."""
        return self.sample_offset + self.sample_offset_slope * (ROOM_TEMPERATURE - stage_temperature)


@dataclass(frozen=True, kw_only=True)
class ControlSettings:
    """What the temperature controller asks of its loop.

    Parameters
    ----------
    mode : closed loop, open loop (manual output only) or off
    on_sample : the closed loop controls the sensor beside the sample, not the stage's
    setpoint : where the ramp ends [K]
    ramp_rate : [K s⁻¹]; 0 jumps
    proportional, integral, derivative : the controller's own units: % of full output for each kelvin; 1000 /
        s; % of 1 s
    manual_output : added to the loop's output [%]
    maximum_power : of the heater range in use [W]; 0 is heater off
    stage_limit, sample_limit : temperatures that cut the heater for good [K]; 0 is none
    """

    mode: ControlMode = "closed_loop"
    on_sample: bool = False
    setpoint: float = ROOM_TEMPERATURE
    ramp_rate: float = 0.0
    proportional: float = 50.0
    integral: float = 20.0
    derivative: float = 0.0
    manual_output: float = 0.0
    maximum_power: float = 50.0
    stage_limit: float = 0.0
    sample_limit: float = 0.0


@dataclass(slots=True)
class _State:
    stage: float
    sensor: float
    sample: float
    setpoint: float
    integral_output: float  # [%]
    output: float  # [%]
    last_reading: float  # [K] what the loop saw a step ago


@dataclass
class Cryostat:
    """The cold finger with its loop, advanced to the clock's now whenever somebody looks.

    It starts as the last user left it: coolant flowing, loop closed and settled at the set point.

    Parameters
    ----------
    clock, spec, settings : the bench's clock, what it is made of, what the controller asks of it
    seed, noise : of the sensors' noise, and whether there is any
    stuck_sensor, sensor_lost, heater_broken, hunting : troubles; see `fail`
    """

    clock: Clock
    spec: CryostatSpec = field(default_factory=CryostatSpec)
    settings: ControlSettings = field(default_factory=ControlSettings)
    seed: int = 0
    noise: bool = True
    stuck_sensor: float | None = None
    sensor_lost: bool = False
    heater_broken: bool = False
    hunting: float = 0.0

    step = 1.0  # [s]
    remembered = 1000  # steps that a reading may look back

    def __post_init__(self) -> None:
        self._time = self.clock.monotonic()
        self._limit_tripped = False
        self._random = np.random.default_rng([self.seed, 0x336])
        self.settle()

    def settle(self) -> None:
        """Let everything be as it is long after the set point was reached."""
        start, full = self.settings.setpoint, self.settings.maximum_power
        holding_power = self.spec.conductance * (start - self.spec.coolant_temperature)
        output = min(100 * holding_power / full, 100.0) if full else 0.0
        self._state = _State(
            stage=start,
            sensor=start,
            sample=start + self.spec.offset(start),
            setpoint=start,
            integral_output=output,
            output=output,
            last_reading=start,
        )
        self._before = replace(self._state)
        self._samples: deque[float] = deque([self._state.sample], maxlen=self.remembered)

    def control(self, **changes: object) -> None:
        """Change control settings from now on."""
        self._advance()
        before = self.settings
        self.settings = replace(before, **changes)  # type: ignore[arg-type]
        if self.settings.mode != before.mode or self.settings.maximum_power != before.maximum_power:
            self._state.integral_output = 0.0
        if self.settings.ramp_rate == 0:
            self._before.setpoint = self._state.setpoint = self.settings.setpoint

    @property
    def limit_tripped(self) -> bool:
        """Whether the temperature limit has cut the heater."""
        self._advance()
        return self._limit_tripped

    def reset_limit(self) -> None:
        """Forget that the limit has cut the heater; it may cut again."""
        self._advance()
        self._limit_tripped = False

    def fail(self, **trouble: object) -> None:
        """From now on something is wrong.

        Parameters
        ----------
        trouble : `stuck_sensor` (what the stage's sensor shows for ever [K], or None), `sensor_lost`,
            `heater_broken`, `hunting` (swing of a stage that never settles [K]), or another `spec`
        """
        self._advance()
        for name, value in trouble.items():
            setattr(self, name, value)

    @property
    def stage_temperature(self) -> float:
        """True temperature of the stage now [K]."""
        return self._now("stage") + self._hunting_at(self.clock.monotonic())

    @property
    def sample_temperature(self) -> float:
        """True temperature of the sample now [K]."""
        return self.sample_temperature_at(self.clock.monotonic())

    def sample_temperature_at(self, time: float) -> float:
        """True temperature of the sample at a time up to now, as far back as it is remembered [K]."""
        self._advance()
        back = min(max((self._time - time) / self.step, 0.0), len(self._samples) - 1.0)
        whole = int(back)
        later, earlier = self._samples[-1 - whole], self._samples[max(-2 - whole, -len(self._samples))]
        return later + (earlier - later) * (back - whole) + self._hunting_at(time)

    @property
    def moving_setpoint(self) -> float:
        """Where the ramp has come to [K]."""
        return self._now("setpoint") if self.settings.ramp_rate > 0 else self.settings.setpoint

    @property
    def is_ramping(self) -> bool:
        return self.settings.ramp_rate > 0 and self.moving_setpoint != self.settings.setpoint

    @property
    def heater_output(self) -> float:
        """Present output of the heater [% of full]."""
        self._advance()
        return self._state.output

    def measure_stage(self) -> float:
        """One reading of the stage's sensor [K]; NaN where the sensor is lost."""
        if self.sensor_lost:
            return math.nan
        if self.stuck_sensor is not None:
            return self.stuck_sensor
        return self._now("sensor") + self._hunting_at(self.clock.monotonic()) + self._noise()

    def measure_sample(self) -> float:
        """One reading of the second sensor, beside the sample [K]."""
        return self.sample_temperature + self._noise()

    def _noise(self) -> float:
        return self.spec.sensor_noise * float(self._random.standard_normal()) if self.noise else 0.0

    def _hunting_at(self, time: float) -> float:
        return self.hunting * math.sin(2 * math.pi * time / 45.0) if self.hunting else 0.0

    def _now(self, name: str) -> float:
        self._advance()
        fraction = (self.clock.monotonic() - self._time) / self.step + 1
        before, after = getattr(self._before, name), getattr(self._state, name)
        return float(before + (after - before) * min(max(fraction, 0.0), 1.0))

    def _advance(self) -> None:
        """Step until the state is at or beyond now; between two steps holds the line that joins them."""
        now = self.clock.monotonic()
        if self._time >= now:
            return
        spec, state, dt = self.spec, self._state, self.step
        stage_decay = math.exp(-spec.conductance / spec.heat_capacity * dt)
        sensor_share = -math.expm1(-dt / spec.sensor_lag)
        sample_share = -math.expm1(-dt / spec.sample_lag)
        while self._time < now:
            self._before = replace(state)
            self._time += dt
            self._step_loop(dt)
            power = 0.0 if self.heater_broken else state.output / 100 * self.settings.maximum_power
            swing = math.sin(2 * math.pi * self._time / spec.swing_period)
            coolant = spec.coolant_temperature + spec.coolant_swing * swing
            rest = coolant + power / spec.conductance
            state.stage = rest + (state.stage - rest) * stage_decay
            state.sensor += (state.stage - state.sensor) * sensor_share
            followed = state.stage + spec.offset(state.stage) + spec.sample_drift * swing
            state.sample += (followed - state.sample) * sample_share
            self._samples.append(state.sample)

    def _step_loop(self, dt: float) -> None:
        state, settings = self._state, self.settings
        if settings.ramp_rate > 0 and state.setpoint != settings.setpoint:
            way = settings.setpoint - state.setpoint
            state.setpoint += math.copysign(min(settings.ramp_rate * dt, abs(way)), way)
        sensor = self._seen_by_loop()
        too_hot = 0 < settings.stage_limit < state.sensor or 0 < settings.sample_limit < state.sample
        if too_hot and settings.maximum_power > 0:
            self._limit_tripped = True
            self.settings = settings = replace(settings, maximum_power=0.0)
        blind = self.sensor_lost and not settings.on_sample
        if settings.maximum_power == 0 or settings.mode == "off" or blind:
            state.output = 0.0
            return
        if settings.mode == "open_loop":
            state.output = min(max(settings.manual_output, 0.0), 100.0)
            return
        error = state.setpoint - sensor
        slope = (sensor - state.last_reading) / dt
        state.last_reading = sensor
        wanted = settings.proportional * (error - settings.derivative / 100 * slope) + settings.manual_output
        growth = settings.proportional * settings.integral / 1000 * error * dt
        unlimited = wanted + state.integral_output + growth
        if 0 <= unlimited <= 100 or (unlimited > 100) == (growth < 0):
            state.integral_output += growth
        state.output = min(max(wanted + state.integral_output, 0.0), 100.0)

    def _seen_by_loop(self) -> float:
        """Reading that the closed loop works with [K]."""
        if self.settings.on_sample:
            return self._state.sample
        return self._state.sensor if self.stuck_sensor is None else self.stuck_sensor
