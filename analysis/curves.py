"""One measured curve each, checked once, then read-only."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def read_only(values: Any, name: str) -> FloatArray:
    """A float64 copy of a one-dimensional sequence that nobody can write to."""
    array = np.array(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} has {array.ndim} dimensions; one value per point is needed")
    array.setflags(write=False)
    return array


@dataclass(frozen=True, kw_only=True)
class JVCurve:
    """Current density against voltage of one device at one temperature.

    Parameters
    ----------
    voltage : (n,) [V], positive on the injecting contact, in the order of measurement
    current_density : (n,) [A m⁻²], NaN where a reading was invalid
    temperature : [K]
    thickness : of the active layer [m]
    relative_permittivity : [1]; None where not known
    current_density_error : (n,) standard error of each reading [A m⁻²]; None where not known
    current_density_floor : below this the meter's noise and offset rule [A m⁻²]
    flags : (n,) words per point ("compliance", "outside-temperature", "down", ...)
    label : for legends and messages
    """

    voltage: FloatArray
    current_density: FloatArray
    temperature: float
    thickness: float
    relative_permittivity: float | None = None
    current_density_error: FloatArray | None = None
    current_density_floor: float = 0.0
    flags: tuple[frozenset[str], ...] = ()
    label: str = ""

    def __post_init__(self) -> None:
        voltage = read_only(self.voltage, "voltage")
        current_density = read_only(self.current_density, "current_density")
        _require_equal_length(voltage=voltage, current_density=current_density)
        if not np.all(np.isfinite(voltage)):
            raise ValueError("voltage holds values that are not finite; drop those rows first")
        _require_positive("temperature", self.temperature, "K")
        _require_positive("thickness", self.thickness, "m")
        object.__setattr__(self, "voltage", voltage)
        object.__setattr__(self, "current_density", current_density)
        if self.current_density_error is not None:
            error = read_only(self.current_density_error, "current_density_error")
            _require_equal_length(voltage=voltage, current_density_error=error)
            object.__setattr__(self, "current_density_error", error)
        object.__setattr__(self, "flags", _flags(self.flags, len(voltage)))

    def __len__(self) -> int:
        return len(self.voltage)

    def select(self, mask: npt.NDArray[np.bool_]) -> "JVCurve":
        """The curve with only the points where the mask is true."""
        error = self.current_density_error
        return replace(
            self,
            voltage=self.voltage[mask],
            current_density=self.current_density[mask],
            current_density_error=None if error is None else error[mask],
            flags=tuple(words for words, keep in zip(self.flags, mask, strict=True) if keep),
        )

    def flagged(self, word: str) -> npt.NDArray[np.bool_]:
        """(n,) where a point carries this flag."""
        return np.array([word in words for words in self.flags], dtype=bool)


@dataclass(frozen=True, kw_only=True)
class TELSeries:
    """Time-averaged light current against pulse width at one pulse amplitude (transient electroluminescence).

    Parameters
    ----------
    pulse_width : (n,) [s]
    light_current : (n,) [A], background subtracted
    pulse_amplitude : set at the generator [V]
    device_voltage : at the device, source and series resistance subtracted [V]; None: the amplitude
    temperature : [K]
    light_current_error : (n,) standard error of each point, without what is in `shared_error` [A]; None where
        not known
    shared_error : (k, n) errors that points have in common [A]: each row is what one standard deviation of
        one background reading does to every point it was subtracted from; None for none
    reference_light : (r,) light of one and the same pulse, measured now and then between the points [A]
    flags : (n,) words per point ("extension", "reference", "clipped", ...)
    label : for legends and messages
    """

    pulse_width: FloatArray
    light_current: FloatArray
    pulse_amplitude: float
    temperature: float
    device_voltage: float | None = None
    light_current_error: FloatArray | None = None
    shared_error: FloatArray | None = None
    reference_light: FloatArray | None = None
    flags: tuple[frozenset[str], ...] = ()
    label: str = ""

    def __post_init__(self) -> None:
        width = read_only(self.pulse_width, "pulse_width")
        light = read_only(self.light_current, "light_current")
        _require_equal_length(pulse_width=width, light_current=light)
        if not np.all(width > 0):
            raise ValueError("pulse_width holds values that are not above zero")
        _require_positive("temperature", self.temperature, "K")
        object.__setattr__(self, "pulse_width", width)
        object.__setattr__(self, "light_current", light)
        if self.light_current_error is not None:
            error = read_only(self.light_current_error, "light_current_error")
            _require_equal_length(pulse_width=width, light_current_error=error)
            object.__setattr__(self, "light_current_error", error)
        if self.shared_error is not None:
            object.__setattr__(self, "shared_error", _shared(self.shared_error, len(width)))
        if self.reference_light is not None:
            object.__setattr__(self, "reference_light", read_only(self.reference_light, "reference_light"))
        object.__setattr__(self, "flags", _flags(self.flags, len(width)))

    def __len__(self) -> int:
        return len(self.pulse_width)

    @property
    def total_error(self) -> FloatArray | None:
        """(n,) standard error of each point taken alone, the shared ones included [A]."""
        if self.light_current_error is None or self.shared_error is None:
            return self.light_current_error
        shared = np.sqrt(np.sum(self.shared_error**2, axis=0))
        return read_only(np.hypot(self.light_current_error, shared), "total_error")

    def select(self, mask: npt.NDArray[np.bool_]) -> "TELSeries":
        """The series with only the points where the mask is true."""
        error, shared = self.light_current_error, self.shared_error
        return replace(
            self,
            pulse_width=self.pulse_width[mask],
            light_current=self.light_current[mask],
            light_current_error=None if error is None else error[mask],
            shared_error=None if shared is None else shared[:, mask],
            flags=tuple(words for words, keep in zip(self.flags, mask, strict=True) if keep),
        )

    def flagged(self, word: str) -> npt.NDArray[np.bool_]:
        """(n,) where a point carries this flag."""
        return np.array([word in words for words in self.flags], dtype=bool)


def _require_equal_length(**arrays: FloatArray) -> None:
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"{told} values; they must be as many")


def _shared(errors: Any, count: int) -> FloatArray:
    array = np.array(errors, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != count or not np.all(np.isfinite(array)):
        raise ValueError(f"shared_error must hold a finite value for each of the {count} points in each row")
    array.setflags(write=False)
    return array


def _require_positive(name: str, value: float, unit: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} {value!r} {unit}: it must be above zero")


def _flags(flags: tuple[frozenset[str], ...], count: int) -> tuple[frozenset[str], ...]:
    if not flags:
        return (frozenset(),) * count
    if len(flags) != count:
        raise ValueError(f"flags has {len(flags)} entries for {count} points")
    return tuple(frozenset(words) for words in flags)
