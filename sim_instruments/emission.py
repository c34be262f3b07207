"""The light of a diode after a voltage step, and the photodiode that looks at it.

Light follows the arrival of the carriers: log-normally distributed transit times, then an exponential rise;
after the pulse a part of it lives on as an afterglow. All of it in closed form, so that a reading averaged
over many pulses costs microseconds and the truth behind a fitted delay time is known exactly.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

THERMAL_VOLTAGE = 0.0257  # k_B T / e at 298 K [V]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


@dataclass(frozen=True, kw_only=True)
class Emission:
    """What makes a pixel's light, besides the current that feeds it.

    Parameters
    ----------
    photocurrent_yield : photodiode current for each ampere through the pixel [1]
    dispersion : standard deviation of the logarithm of the transit times [1]
    rise_time : of the light once carriers have arrived [s]
    afterglow_fraction, afterglow_time : part of the light that outlives the pulse [1], and for how long [s]
    memory_fraction, memory_time : the transit time is shorter by this fraction right after a pulse [1], and
        recovers [s]
    flicker : standard deviation of one reading's brightness, relative [1]
    brightness_drift : relative change of the brightness with time [s⁻¹]
    """

    photocurrent_yield: float = 1e-3
    dispersion: float = 0.0
    rise_time: float = 0.0
    afterglow_fraction: float = 0.0
    afterglow_time: float = 1e-6
    memory_fraction: float = 0.0
    memory_time: float = 1e-3
    flicker: float = 0.0
    brightness_drift: float = 0.0

    def __post_init__(self) -> None:
        for name in ("afterglow_fraction", "memory_fraction"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)!r} must lie between 0 and 1")
        for name in ("photocurrent_yield", "dispersion", "rise_time", "flicker"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} {getattr(self, name)!r} must be zero or more")
        for name in ("afterglow_time", "memory_time"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} {getattr(self, name)!r} s must be above zero")

    def pulse(self, *, transit_time: float, width: float, period: float) -> "LightPulse":
        """The light of one pulse of a train, for carriers that need a transit time [s] on average."""
        dark_time = max(period - width, 0.0)
        remembered = self.memory_fraction * math.exp(-dark_time / self.memory_time)
        return LightPulse(
            transit_time=transit_time * (1 - remembered),
            dispersion=self.dispersion,
            rise_time=self.rise_time,
            afterglow_fraction=self.afterglow_fraction,
            afterglow_time=self.afterglow_time,
            width=width,
            period=period,
        )

    def delay_time(self, transit_time: float) -> float:
        """Where the asymptote of light against pulse width meets the axis [s]: transit + rise - afterglow."""
        return transit_time + self.rise_time - self.afterglow_fraction * self.afterglow_time


@dataclass(frozen=True, kw_only=True)
class LightPulse:
    """Light of one pulse, relative to the steady light at its voltage; times [s] from the onset."""

    transit_time: float
    dispersion: float
    rise_time: float
    afterglow_fraction: float
    afterglow_time: float
    width: float
    period: float

    def level(self, time: float) -> float:
        """Light at a time within the period [1]."""
        light = light_level(min(time, self.width), self.transit_time, self.dispersion, self.rise_time)
        if time <= self.width:
            return light
        return self.afterglow_fraction * light * math.exp(-(time - self.width) / self.afterglow_time)

    def integral(self, time: float) -> float:
        """Light from the onset up to a time within the period, integrated [s].

        The afterglow is made to fit into the dark time, so that a period holds all the light of its pulse.
        """
        light = light_integral(min(time, self.width), self.transit_time, self.dispersion, self.rise_time)
        if time <= self.width or self.afterglow_fraction == 0:
            return light
        tail = self.afterglow_fraction * self.afterglow_time * self.level(self.width)
        shown = -math.expm1(-(time - self.width) / self.afterglow_time)
        shown_by_the_end = -math.expm1(-(self.period - self.width) / self.afterglow_time)
        return light + tail * shown / shown_by_the_end

    def integral_of_train(self, time: float) -> float:
        """Light from the first onset of an unbroken train up to any time [s]."""
        whole = math.floor(time / self.period * (1 + 1e-12))
        return whole * self.integral(self.period) + self.integral(max(time - whole * self.period, 0.0))


def arrived_fraction(time: float, transit_time: float, dispersion: float) -> float:
    """Fraction of carriers that have crossed by a time [1]: log-normal, the transit time its *mean*."""
    if time <= 0 or not math.isfinite(transit_time):
        return 0.0
    if dispersion == 0:
        return 1.0 if time >= transit_time else 0.0
    return float(ndtr(_log_position(time, transit_time, dispersion)))


def light_level(time: float, transit_time: float, dispersion: float, rise_time: float) -> float:
    """Relative light at a time after the onset [1]: the arrivals, each followed by an exponential rise."""
    if time <= 0 or not math.isfinite(transit_time):
        return 0.0
    if rise_time == 0:
        return arrived_fraction(time, transit_time, dispersion)
    if dispersion == 0:
        return -math.expm1(-(time - transit_time) / rise_time) if time > transit_time else 0.0
    # arrivals at time - v weigh exp(-v/rise)/rise; the substitution q = 1 - exp(-v/rise) makes that a plain
    # mean over q
    share = -math.expm1(-time / rise_time)
    q = share * (_NODES + 1) / 2
    earlier = np.maximum(time + rise_time * np.log1p(-q), 1e-300)
    arrived = ndtr(_log_position(earlier, transit_time, dispersion))
    return float(share / 2 * np.dot(_WEIGHTS, arrived))


def light_integral(time: float, transit_time: float, dispersion: float, rise_time: float) -> float:
    """Integral of the relative light from the onset to a time [s].

    The rise obeys L = A - rise dL/dt with the arrivals A, so its integral is that of A less rise times L; and
    the integral of a log-normal distribution function is closed.
    """
    if time <= 0 or not math.isfinite(transit_time):
        return 0.0
    if dispersion == 0:
        arrivals = max(time - transit_time, 0.0)
    else:
        position = _log_position(time, transit_time, dispersion)
        arrivals = float(time * ndtr(position) - transit_time * ndtr(position - dispersion))
    return arrivals - rise_time * light_level(time, transit_time, dispersion, rise_time)


@dataclass(frozen=True, kw_only=True)
class Photodiode:
    """The photodiode over the pixels, short-circuited into the electrometer unless that measures volts.

    Parameters
    ----------
    dark_current : [A]
    saturation_current : photocurrents fall short of linear by I/(I + saturation) [A]
    pickup_charge : what each pulse couples into the cable, for each volt of its height [C V⁻¹]
    shunt_resistance : at zero volts [Ω]
    junction_current : saturation current of its junction, which bounds the open-circuit voltage [A]
    """

    dark_current: float = 5e-13
    saturation_current: float = math.inf
    pickup_charge: float = 0.0
    shunt_resistance: float = 1e9
    junction_current: float = 1e-11

    def open_voltage(self, photocurrent: float) -> float:
        """Voltage [V] at which shunt and junction carry a photocurrent [A]; at room temperature."""
        low, high = 0.0, THERMAL_VOLTAGE * math.log1p(abs(photocurrent) / self.junction_current)
        for _ in range(60):
            middle = (low + high) / 2
            carried = middle / self.shunt_resistance
            carried += self.junction_current * math.expm1(middle / THERMAL_VOLTAGE)
            low, high = (middle, high) if carried < abs(photocurrent) else (low, middle)
        return math.copysign(high, photocurrent)

    def photocurrent(self, light: float) -> float:
        """Current [A] for light that would give so much without saturation [A]."""
        return light / (1 + light / self.saturation_current)


def _log_position(time: Any, transit_time: float, dispersion: float) -> Any:
    """Standard normal coordinate of a time (scalar or array) in the log-normal with that mean."""
    return (np.log(time / transit_time)) / dispersion + dispersion / 2
