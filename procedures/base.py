"""What every procedure is made of: parameters that print in full, a bench, a place for rows, and a safe end.

A `BenchProcedure` is a PyMeasure `Procedure`, so its files load with PyMeasure's
`Results.load(path, procedure_class=...)`; it is run by `BenchProcedure.run`, never by PyMeasure's Worker.
PyMeasure's experiment API comes from `pymeasure_experiment`, and only this module, `hosted`, which runs plain
PyMeasure procedures, and the steps of a plan use it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol

from instruments.limits import Demand
from instruments.roles import Clock, LightMeter, NextPoint, PulseGenerator, SourceMeter, TemperatureController
from procedures import columns
from procedures.pymeasure_experiment import (
    BooleanParameter,
    FloatParameter,
    IntegerParameter,
    ListParameter,
    Parameter,
    Procedure,
)

SourceRole = Literal["source_meter", "pulse_generator"]

NO_FLAGS: frozenset[str] = frozenset()
PointKey = tuple[float, ...]
Row = Mapping[str, float]


class Quantity(FloatParameter):
    """A number with a unit, stored and printed with every digit (PyMeasure's own prints six).

    Parameters
    ----------
    name : as in the run file's header
    units : SI, in PyMeasure's grammar
    minimum, maximum : inclusive
    above : exclusive lower bound
    default : None where the parameter may be left out
    """

    if TYPE_CHECKING:
        # on an instance PyMeasure puts the value where the class has the declaration
        def __get__(self, instance: object, owner: type) -> Any: ...

    def __init__(
        self,
        name: str,
        units: str,
        *,
        default: Any = None,
        minimum: float = -math.inf,
        maximum: float = math.inf,
        above: float = -math.inf,
        description: str = "",
    ) -> None:
        self.above = above
        super().__init__(
            name,
            units=units,
            default=default,
            minimum=minimum,
            maximum=maximum,
            decimals=30,
            description=description or None,
        )

    @property
    def value(self) -> Any:
        """The number; None where it was left out, which PyMeasure's own refuses to say."""
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._value = self.convert(value)

    def convert(self, value: Any) -> float | None:
        if _is_left_out(value):
            return None
        number = _number(value, self.units)
        if not math.isfinite(number):
            raise ValueError("is not a finite number")
        if number <= self.above:
            raise ValueError(f"must be above {self.above:g} {self.units}")
        if number < self.minimum:
            raise ValueError(f"must be {self.minimum:g} {self.units} or more")
        if number > self.maximum:
            raise ValueError(f"must be {self.maximum:g} {self.units} or less")
        return number

    def __str__(self) -> str:
        return f"{self._value!r} {self.units}" if self.is_set() else "none"


class QuantityList(Quantity):
    """Numbers with one unit, in the order they are visited; printed as ``[0.0;0.5;1.0] V``."""

    def convert(self, value: Any) -> tuple[float, ...] | None:  # type: ignore[override]
        if _is_left_out(value):
            return None
        if isinstance(value, str):
            text = value.removesuffix(f" {self.units}").strip()
            value = [item for item in text.strip("[]").split(";") if item]
        numbers = [super(QuantityList, self).convert(item) for item in value]
        return tuple(number for number in numbers if number is not None)

    def __str__(self) -> str:
        return f"[{';'.join(map(repr, self.value))}] {self.units}" if self.is_set() else "none"


class Count(IntegerParameter):
    """A whole number."""

    if TYPE_CHECKING:
        # on an instance PyMeasure puts the value where the class has the declaration
        def __get__(self, instance: object, owner: type) -> int: ...

    def __init__(
        self, name: str, *, default: int, minimum: int = 0, maximum: int = 1_000_000, description: str = ""
    ) -> None:
        super().__init__(
            name, minimum=minimum, maximum=maximum, default=default, description=description or None
        )

    def convert(self, value: Any) -> int:
        number = int(value)
        if number < self.minimum:
            raise ValueError(f"must be {self.minimum} or more")
        if number > self.maximum:
            raise ValueError(f"must be {self.maximum} or less")
        return number

    def __str__(self) -> str:
        return str(self._value)


class Switch(BooleanParameter):
    """Yes or no."""

    if TYPE_CHECKING:
        # on an instance PyMeasure puts the value where the class has the declaration
        def __get__(self, instance: object, owner: type) -> bool: ...

    def __init__(self, name: str, *, default: bool, description: str = "") -> None:
        super().__init__(name, default=default, description=description or None)


class Choice(ListParameter):
    """One of a few words."""

    if TYPE_CHECKING:
        # on an instance PyMeasure puts the value where the class has the declaration
        def __get__(self, instance: object, owner: type) -> str: ...

    def __init__(self, name: str, choices: Sequence[str], *, default: str, description: str = "") -> None:
        super().__init__(name, choices=list(choices), default=default, description=description or None)


@dataclass(frozen=True, kw_only=True)
class ConnectedDevice:
    """What a procedure needs to know of the device between the clips; plain numbers, SI.

    Parameters
    ----------
    identifier : "batch/substrate/pixel"
    area : [m²]
    thickness : of the active layer [m]
    polarity : +1 where the instrument's HI terminal is on the injecting electrode, else -1
    series_resistance : [Ω]
    typical_current : current [A] at a voltage [V], from an earlier curve of this device; None without one
    """

    identifier: str
    area: float
    thickness: float
    polarity: int = 1
    series_resistance: float = 0.0
    typical_current: Callable[[float], float] | None = None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a procedure's parameters cannot be used: the parameter at fault and a sentence with the way out."""

    parameter: str
    message: str


USUAL_LINE_FREQUENCY = 50
"""Of the mains [Hz], where only durations are estimated, before a bench is known."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a procedure will take: points [1], duration [s], charge [C] and energy [J] through the device."""

    points: int
    duration: float
    charge: float = 0.0
    energy: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            points=self.points + other.points,
            duration=self.duration + other.duration,
            charge=self.charge + other.charge,
            energy=self.energy + other.energy,
        )

    def times(self, visits: int) -> "Cost":
        return Cost(
            points=self.points * visits,
            duration=self.duration * visits,
            charge=self.charge * visits,
            energy=self.energy * visits,
        )


NO_COST = Cost(points=0, duration=0.0)


class RoleHolder(Protocol):
    """The part of a bench that procedures see."""

    @property
    def clock(self) -> Clock: ...
    @property
    def line_frequency(self) -> int: ...
    @property
    def source_meter(self) -> SourceMeter | None: ...
    @property
    def pulse_generator(self) -> PulseGenerator | None: ...
    @property
    def light_meter(self) -> LightMeter | None: ...
    @property
    def temperature_controller(self) -> TemperatureController | None: ...


class MeasuredLight(NamedTuple):
    """One point of a pulse series as an adaptive series sees it.

    Parameters
    ----------
    pulse_width : [s]
    light_current : background subtracted [A]
    standard_error : its own, without the two below [A]
    dark_error : of the dark reading, the same error in every point [A]
    pickup_error : of the pickup, the same error in every repeat of this width [A]
    """

    pulse_width: float
    light_current: float
    standard_error: float
    dark_error: float = 0.0
    pickup_error: float = 0.0


class StopRule(Protocol):
    """Says whether a series is known well enough, from its points so far, each a `MeasuredLight`."""

    def __call__(self, measured: Sequence[tuple[float, ...]]) -> bool: ...


RowSink = Callable[[Sequence[tuple[Row, frozenset[str]]]], None]
"""Where rows go; returns once they are safe on the disk."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Everything a procedure is given before it runs.

    Parameters
    ----------
    bench : instruments by role, and the clock
    waiting : the clock to wait with where waits can be interrupted; None is the bench's
    device : what is connected
    record : takes finished rows
    should_stop : true once the operator asked to stop after this point
    announce, say : a sentence for the operator's display; what is announced is also kept in the journal
    allowed_slew, allowed_step : of the source [V/s], [V]; inf where nothing limits it
    done : earlier rows of the run this one resumes; their points are not measured again
    next_point : chooses the next pulse width of an adaptive series; None keeps to the list
    stop_rule : says when a series is known well enough; None measures all of it
    """

    bench: RoleHolder
    device: ConnectedDevice
    record: RowSink
    should_stop: Callable[[], bool] = lambda: False
    announce: Callable[[str], None] = lambda text: None
    say: Callable[[str], None] = lambda text: None
    allowed_slew: float = math.inf
    allowed_step: float = math.inf
    done: Sequence[tuple[Row, frozenset[str]]] = ()
    next_point: NextPoint | None = None
    stop_rule: "StopRule | None" = None
    waiting: Clock | None = None


@dataclass(frozen=True, kw_only=True)
class EarlyEnd:
    """Why a procedure left out its remaining points; a failed device is not measured any further."""

    reason: str
    device_failed: bool = False


class BenchProcedure(Procedure):
    """A procedure that runs on a `Bench`: subclasses give parameters, columns, and `execute`.

    Class attributes
    ----------------
    kind : the word a plan uses for it
    file_name : the class name in a run file's header
    roles : the instruments it needs, by role
    source : the role that feeds the device; it is switched off whatever happens
    result_column : what is compared when points are measured again
    resumable : whether an interrupted run may be gone on with; else it is measured again from its beginning
    longest_silence : how long it may say nothing to its instruments or to us [s]; 0 is as long as one wait
    """

    kind: ClassVar[str]
    file_name: ClassVar[str]
    roles: ClassVar[tuple[str, ...]] = ()
    source: ClassVar[SourceRole | None] = None
    result_column: ClassVar[str]
    resumable: ClassVar[bool] = True
    longest_silence: ClassVar[float] = 0.0

    surroundings: Surroundings
    early_end: "EarlyEnd | None" = None

    def attach(self, surroundings: Surroundings) -> None:
        """Give the procedure its bench; afterwards, because PyMeasure builds procedures without arguments."""
        missing = [role for role in self.roles if getattr(surroundings.bench, role) is None]
        if missing:
            raise ValueError(f"{self.file_name} needs {' and '.join(missing)}; the bench file names none")
        self.surroundings = surroundings

    def run(self) -> None:
        """Start up, measure, and end safely: the outputs go off first, however this ends."""
        try:
            self.startup()
            self.execute()
        finally:
            self.shutdown()

    def shutdown(self) -> None:
        """Switch off what feeds the device; write-only, so it works on a link that no longer answers."""
        if self.source is not None:
            getattr(self.bench, self.source).off()

    @classmethod
    def why_not_on_hardware(cls) -> str:
        """Why this procedure cannot be made safe on a bench of real boxes; empty where it can."""
        return ""

    def problems(self, device: ConnectedDevice) -> Iterator[Problem]:
        """Why these parameters cannot be used on this device, before anything moves."""
        yield from ()

    def demand(self, device: ConnectedDevice) -> Demand:
        """The most this procedure will ask of the device."""
        return Demand()

    def longest_dwell(self) -> float:
        """Longest stay at one voltage [s]."""
        return 0.0

    def parameter_behind(self, limit: str) -> str:
        """Which parameter to change when a limit would be exceeded."""
        return self.kind

    def cost(self, device: ConnectedDevice) -> Cost:
        """What this procedure will take, from its parameters alone."""
        raise NotImplementedError

    @classmethod
    def point_key(cls, row: Row) -> PointKey:
        """What tells one point of a run from another, for resuming."""
        raise NotImplementedError

    @property
    def bench(self) -> RoleHolder:
        return self.surroundings.bench

    @property
    def source_meter(self) -> SourceMeter:
        """The bench's source meter, for a procedure that names it in `roles`."""
        box = self.bench.source_meter
        assert box is not None
        return box

    @property
    def pulse_generator(self) -> PulseGenerator:
        """The bench's pulse generator, for a procedure that names it in `roles`."""
        box = self.bench.pulse_generator
        assert box is not None
        return box

    @property
    def light_meter(self) -> LightMeter:
        """The bench's light meter, for a procedure that names it in `roles`."""
        box = self.bench.light_meter
        assert box is not None
        return box

    @property
    def clock(self) -> Clock:
        return self.surroundings.waiting or self.surroundings.bench.clock

    @property
    def device(self) -> ConnectedDevice:
        return self.surroundings.device

    def should_stop(self) -> bool:
        return self.surroundings.should_stop()

    def announce(self, text: str) -> None:
        self.surroundings.announce(text)

    def end_early(self, reason: str, *, device_failed: bool = False) -> None:
        """Note why the remaining points are left out."""
        self.early_end = EarlyEnd(reason=reason, device_failed=device_failed)
        self.announce(reason)

    def record(self, values: Row, flags: frozenset[str] = NO_FLAGS) -> None:
        """One row with the temperatures beside it; returns once it is on the disk."""
        self.surroundings.record([({**values, **self.temperatures()}, flags)])

    def record_together(self, rows: Sequence[tuple[Row, frozenset[str]]]) -> None:
        """The rows of one hardware sweep: one sync, one reading of the temperatures.

        Rows are recorded though the temperatures cannot be read: flagged invalid, so that resuming measures
        them again.
        """
        temperatures, more = dict.fromkeys(columns.TEMPERATURES, math.nan), frozenset({"invalid"})
        try:
            temperatures, more = self.temperatures(), NO_FLAGS
        finally:
            self.surroundings.record([({**values, **temperatures}, flags | more) for values, flags in rows])

    def temperatures(self) -> dict[str, float]:
        """Stage, sample and set-point temperature now [K]; NaN where there is no controller."""
        controller = self.bench.temperature_controller
        if controller is None:
            return dict.fromkeys(columns.TEMPERATURES, math.nan)
        return {
            columns.STAGE_TEMPERATURE: controller.stage_temperature,
            columns.SAMPLE_TEMPERATURE: controller.sample_temperature,
            columns.TEMPERATURE_SETPOINT: controller.setpoint,
        }

    def header_parameters(self) -> dict[str, str]:
        """Name -> value as printed in the run file's header, in full precision."""
        return {parameter.name: str(parameter) for parameter in self.parameter_objects().values()}

    def values(self) -> dict[str, Any]:
        """Attribute name -> value of every parameter."""
        return dict(self.parameter_values())

    @classmethod
    def declared_parameters(cls) -> dict[str, Parameter]:
        """Attribute name -> declaration, in the order of the class body."""
        declared: dict[str, Parameter] = {}
        for base in reversed(cls.__mro__):
            declared.update({name: item for name, item in vars(base).items() if isinstance(item, Parameter)})
        return declared


def _is_left_out(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in ("", "none", "None"))


def _number(value: Any, units: str) -> float:
    if isinstance(value, str):
        return float(value.removesuffix(f" {units}"))
    return float(value)
