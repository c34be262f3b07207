"""What is connected to what: the terminals of the boxes on one side, pixels, photodiode and cold finger on
the other.

Boxes meet the sample only here. Each wiring knows what its source drives and since when; a reading asks for
true values, a change first lets the pixel age by what flowed until then.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sim_instruments.clock import Clock
from sim_instruments.cryostat import Cryostat
from sim_instruments.device_under_test import Sample
from sim_instruments.emission import LightPulse, Photodiode
from sim_instruments.terminals import SourceKind
from sim_instruments.waveform import Waveform


@dataclass(frozen=True, kw_only=True)
class Mounted:
    """A pixel on a source; reversed has the source's LO on the injecting contact."""

    sample: Sample
    reversed: bool = False

    @property
    def polarity(self) -> int:
        return -1 if self.reversed else 1


class Follows(Protocol):
    """A box whose measurement may lag behind the clock, and which may sense at the sample."""

    @property
    def next_event(self) -> float | None:
        """The bench's time of the step it is at [s]; None when idle."""
        ...

    @property
    def senses_remotely(self) -> bool:
        """Whether the voltage is taken at the sample, beyond the leads' resistance."""
        ...


class SourceMeterWiring:
    """`SourceTerminals` of the source meter: the mounted pixel, its displacement current and its ageing.

    Parameters
    ----------
    clock, cryostat : the bench's
    lead_resistance : of both test leads together; four-wire sensing does not see it [Ω]
    """

    def __init__(self, *, clock: Clock, cryostat: Cryostat, lead_resistance: float = 0.0) -> None:
        self._clock, self._cryostat = clock, cryostat
        self._lead_resistance = lead_resistance
        self._box: Follows | None = None
        self._mounted: Mounted | None = None
        self._drive: tuple[SourceKind, float, float] | None = None
        self._voltage, self._current = 0.0, 0.0
        self._stepped_at, self._charge_to_come = 0.0, 0.0
        self._aged_until = 0.0

    @property
    def sample(self) -> Sample | None:
        return self._mounted.sample if self._mounted else None

    def follow(self, box: "Follows") -> None:
        """Take the time of a step from the box that makes it; a run may be caught up with later."""
        self._box = box

    def connect(self, mounted: Mounted | None) -> None:
        """Put another pixel on the source, or none; it comes discharged."""
        self._age()
        self._mounted = mounted
        self._voltage = self._charge_to_come = 0.0
        self._operate()

    def output(self, *, on: bool, source: SourceKind, level: float, limit: float) -> float:
        self._age()
        self._drive = (source, level if on else 0.0, limit) if on or limit > 0 else None
        self._operate()
        return self._voltage

    def measure(
        self, *, source: SourceKind, level: float, limit: float, start: float, duration: float
    ) -> tuple[float, float]:
        self._age()
        self._drive = (source, level, limit)
        self._operate()
        if source == "current" or abs(self._current) >= limit:
            return self._voltage, self._current
        total = self._current + self._displacement_current(start, duration)
        return self._voltage, min(max(total, -limit), limit)

    def light(self) -> float:
        """Photocurrent that the pixel's steady light gives now [A]."""
        if self._mounted is None or self._drive is None:
            return 0.0
        sample = self._mounted.sample
        layer_voltage = self._voltage - self._current * (sample.spec.series_resistance + self._leads)
        return sample.steady_light(
            self._mounted.polarity * layer_voltage,
            self._cryostat.sample_temperature,
            time=self._clock.monotonic(),
        )

    def _operate(self) -> None:
        """Solve for the operating point; a step of the voltage sends charge into the capacitance."""
        before = self._voltage
        self._voltage, self._current = self._operating_point()
        if self._drive is None:
            self._charge_to_come = 0.0
        elif self._mounted is not None and self._voltage != before:
            now, spec = self._time(), self._mounted.sample.spec
            left = self._charge_to_come * math.exp(-max(now - self._stepped_at, 0.0) / spec.charging_time)
            self._charge_to_come = left + spec.capacitance * (self._voltage - before)
            self._stepped_at = now

    def _operating_point(self) -> tuple[float, float]:
        if self._drive is None:
            return 0.0, 0.0
        source, level, limit = self._drive
        if self._mounted is None:
            return (level if source == "voltage" else math.copysign(limit, level) * (level != 0)), 0.0
        sign, sample = self._mounted.polarity, self._mounted.sample
        temperature = self._cryostat.sample_temperature_at(self._time())
        leads = self._leads
        if source == "voltage":
            voltage, current = sample.force_voltage(sign * level, temperature, limit=limit, resistance=leads)
        else:
            voltage, current = sample.force_current(sign * level, temperature, limit=limit)
            voltage += current * leads
            if abs(voltage) > limit:
                most = math.copysign(limit, voltage)
                voltage, current = sample.force_voltage(most, temperature, resistance=leads)
        return sign * voltage, sign * current

    @property
    def _leads(self) -> float:
        """Resistance between the sample and where its voltage is sensed [Ω]."""
        return 0.0 if self._box is not None and self._box.senses_remotely else self._lead_resistance

    def _displacement_current(self, start: float, duration: float) -> float:
        """Current into the capacitance, averaged over an aperture [A]."""
        if self._mounted is None or self._charge_to_come == 0.0:
            return 0.0
        tau = self._mounted.sample.spec.charging_time
        begin = max(start - self._stepped_at, 0.0) / tau
        if duration <= 0:
            return self._charge_to_come / tau * math.exp(-begin)
        return self._charge_to_come / duration * (math.exp(-begin) - math.exp(-begin - duration / tau))

    def _time(self) -> float:
        step = self._box.next_event if self._box is not None else None
        now = self._clock.monotonic()
        return now if step is None else min(step, now)

    def _age(self) -> None:
        now = self._clock.monotonic()
        if self._mounted is not None and self._drive is not None:
            self._mounted.sample.age(self._current, now - self._aged_until)
        self._aged_until = now


@dataclass(frozen=True, kw_only=True)
class _Driven:
    """A waveform and when it began; None is nothing driven."""

    since: float
    waveform: Waveform | None


@dataclass(frozen=True, kw_only=True)
class _Light:
    """Photocurrents at a waveform's low and high level [A], and the course of the light between them."""

    low: float
    high: float
    pulse: LightPulse | None


class GeneratorWiring:
    """`GeneratorTerminals` of the generator: what was driven since when, and the light it made."""

    remembered = 1000.0  # [s] of history that an aperture may still look back on

    def __init__(self, *, clock: Clock, cryostat: Cryostat, photodiode: Photodiode) -> None:
        self._clock, self._cryostat, self._photodiode = clock, cryostat, photodiode
        self._mounted: Mounted | None = None
        self._history = [_Driven(since=-math.inf, waveform=None)]
        self._aged_until = 0.0

    @property
    def sample(self) -> Sample | None:
        return self._mounted.sample if self._mounted else None

    def connect(self, mounted: Mounted | None) -> None:
        """Put another pixel on the generator, or none."""
        self._age()
        self._mounted = mounted
        self._restart()

    def drive(self, waveform: Waveform | None, *, start: float) -> None:
        self._age()
        self._history = [driven for driven in self._history if driven.since < start]
        self._history.append(_Driven(since=start, waveform=waveform))
        while len(self._history) > 2 and self._history[1].since < start - self.remembered:
            del self._history[0]

    def voltage(self) -> float:
        """Highest voltage at the pixel's terminals now, sign of the source's HI [V]."""
        now = self._clock.monotonic()
        driven = self._driven_at(now)
        waveform = driven.waveform
        if waveform is None:
            return 0.0
        over = now - driven.since >= waveform.cycles * waveform.period and math.isinf(waveform.repeats_every)
        extreme = waveform.low if over else max((waveform.low, waveform.high), key=abs)
        return (
            extreme
            if self._mounted is None
            else extreme - self._current(extreme, waveform) * waveform.resistance
        )

    def mean_light(self, start: float, duration: float) -> float:
        """Photocurrent averaged over an aperture, the pulses' pickup included [A]."""
        self._age()
        if duration <= 0:
            return self.peak_light(start, 0.0)
        charge = 0.0
        for begin, end, driven in self._parts(start, start + duration):
            charge += self._charge(driven, begin, end)
        return charge / duration

    def peak_light(self, start: float, duration: float) -> float:
        """Largest photocurrent within an aperture [A]."""
        return max(
            (self._peak(driven, begin, end) for begin, end, driven in self._parts(start, start + duration)),
            default=0.0,
        )

    def _parts(self, start: float, end: float) -> list[tuple[float, float, _Driven]]:
        """(begin, end, driven) for each stretch of an interval on which one waveform ran."""
        parts: list[tuple[float, float, _Driven]] = []
        until = math.inf
        for driven in reversed(self._history):
            begin, finish = max(start, driven.since), min(end, until)
            if driven.waveform is not None and (begin < finish or start == end == begin < until):
                parts.append((begin, finish, driven))
            until = driven.since
            if until <= start:
                break
        return parts

    def _charge(self, driven: _Driven, begin: float, end: float) -> float:
        """Photocharge of one stretch [C]."""
        waveform = driven.waveform
        assert waveform is not None
        light = self._light(waveform, begin)
        first, last = begin - driven.since, end - driven.since
        running = _running_time(driven, begin, end)
        pickup = (
            self._photodiode.pickup_charge * abs(waveform.high - waveform.low) * running / waveform.period
        )
        steady = light.low * (last - first)
        if light.pulse is None:
            return steady + (light.high - light.low) / 2 * running + pickup
        train = light.pulse.integral_of_train
        lit = _in_bursts(last, waveform, train) - _in_bursts(first, waveform, train)
        return steady + (light.high - light.low) * lit + pickup

    def _peak(self, driven: _Driven, begin: float, end: float) -> float:
        """Largest photocurrent of one stretch [A]: at its ends or where a pulse within it ends."""
        waveform = driven.waveform
        assert waveform is not None
        light = self._light(waveform, begin)
        if light.pulse is None:
            return max(light.low, light.high)
        first, last = begin - driven.since, end - driven.since
        burst = waveform.cycles * waveform.period
        moments = [moment % waveform.repeats_every for moment in (first, last)]
        levels = [light.pulse.level(moment % waveform.period) for moment in moments if moment < burst]

        def ended(time: float) -> float:
            return max(math.floor((time - waveform.width) / waveform.period) + 1, 0)

        if _in_bursts(last, waveform, ended) > _in_bursts(first, waveform, ended):
            levels.append(light.pulse.level(waveform.width))
        return light.low + (light.high - light.low) * max(levels, default=0.0)

    def _light(self, waveform: Waveform, time: float) -> _Light:
        """The light of a waveform on the pixel as it is at a time [s]."""
        mounted, sample = self._mounted, self.sample
        if mounted is None or sample is None or sample.spec.emission is None:
            return _Light(low=0.0, high=0.0, pulse=None)
        temperature = self._cryostat.sample_temperature_at(time)

        def glow(level: float, share: float) -> tuple[float, float]:
            """Voltage across the layer, and its steady photocurrent."""
            voltage = sample.layer_voltage(
                mounted.polarity * level, temperature, resistance=waveform.resistance, duty_cycle=share
            )
            light = sample.steady_light(voltage, temperature, time=time, duty_cycle=share)
            return voltage, self._photodiode.photocurrent(light)

        _, low = glow(waveform.low, 1 - waveform.duty_cycle)
        voltage, high = glow(waveform.high, waveform.duty_cycle)
        if waveform.shape != "pulse":
            return _Light(low=low, high=high, pulse=None)
        pulse = sample.light_pulse(voltage, temperature, width=waveform.width, period=waveform.period)
        return _Light(low=low, high=high, pulse=pulse)

    def _driven_at(self, time: float) -> _Driven:
        return next(driven for driven in reversed(self._history) if driven.since <= time)

    def _current(self, level: float, waveform: Waveform, share: float = 1.0) -> float:
        """Current that a level drives through the mounted pixel, sign of the source's HI [A]."""
        if self._mounted is None:
            return 0.0
        _, current = self._mounted.sample.force_voltage(
            self._mounted.polarity * level,
            self._cryostat.sample_temperature,
            resistance=waveform.resistance,
            duty_cycle=share,
        )
        return self._mounted.polarity * current

    def _age(self) -> None:
        """Let the mean current of what ran until now pass through the pixel; too high a pulse breaks it."""
        now = self._clock.monotonic()
        if self._mounted is not None:
            for begin, end, driven in self._parts(self._aged_until, now):
                assert driven.waveform is not None
                waveform, share = driven.waveform, driven.waveform.duty_cycle
                high = abs(self._current(waveform.high, waveform, share))
                low = abs(self._current(waveform.low, waveform, 1 - share))
                running = _running_time(driven, begin, end)
                self._mounted.sample.age(share * high + (1 - share) * low, running)
                self._mounted.sample.age(low, end - begin - running)
        self._aged_until = now

    def _restart(self) -> None:
        """Forget the light of the pixel before; what is driven goes on."""
        now = self._clock.monotonic()
        self._history = [
            _Driven(since=-math.inf, waveform=None),
            _Driven(since=now, waveform=self._driven_at(now).waveform),
        ]


class PhotodiodeWiring:
    """`LightTerminals` of the electrometer: one photodiode over the pixels of both sources."""

    def __init__(
        self,
        *,
        photodiode: Photodiode,
        source_meter: SourceMeterWiring,
        generator: GeneratorWiring,
        noise: bool,
    ) -> None:
        self.stray_light = 0.0  # [A]
        self.connected = True
        self._photodiode, self._noise = photodiode, noise
        self._source_meter, self._generator = source_meter, generator

    def mean_current(self, start: float, duration: float) -> float:
        if not self.connected:
            return 0.0
        steady = self._photodiode.photocurrent(self._source_meter.light())
        pulsed = self._generator.mean_light(start, duration)
        return self._background() + self._flicker() * (steady + pulsed)

    def peak_current(self, start: float, duration: float) -> float:
        if not self.connected:
            return 0.0
        steady = self._photodiode.photocurrent(self._source_meter.light())
        return self._background() + steady + self._generator.peak_light(start, duration)

    @property
    def resistance(self) -> float:
        return self._photodiode.shunt_resistance if self.connected else math.inf

    def open_voltage(self, start: float, duration: float) -> float:
        return self._photodiode.open_voltage(self.mean_current(start, duration)) if self.connected else 0.0

    def _background(self) -> float:
        return self._photodiode.dark_current + self.stray_light

    def _flicker(self) -> float:
        glowing = self._generator.sample or self._source_meter.sample
        return glowing.flicker() if glowing is not None and self._noise else 1.0


def _running_time(driven: _Driven, begin: float, end: float) -> float:
    """How long within an interval pulses came, and not the rest between bursts [s]."""
    waveform = driven.waveform
    assert waveform is not None

    def until(time: float) -> float:
        return _in_bursts(time - driven.since, waveform, lambda t: t)

    return until(end) - until(begin)


def _in_bursts(time: float, waveform: Waveform, course: Callable[[float], float]) -> float:
    """A quantity that grows along `course` in each burst and rests in between, at a time from the first."""
    burst = waveform.cycles * waveform.period
    if math.isinf(waveform.repeats_every) or burst >= waveform.repeats_every:
        return course(min(time, burst))
    bursts, within = divmod(time, waveform.repeats_every)
    return bursts * course(burst) + course(min(within, burst))
