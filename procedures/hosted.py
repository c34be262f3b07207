"""A plain PyMeasure `Procedure` under our runner: its rows recorded, its instruments those of the bench.

A plain procedure makes its own instruments, and such an instrument writes to its box without a Door: no
envelope, no token, no guardian that knows how to switch it off. So it is given the bench's drivers instead,
each behind its Door, as attributes named after the roles it asks for::

    class Impedance(pymeasure.experiment.Procedure):
        source_meter = None                       # filled with the bench's source meter before startup
        frequency = FloatParameter("Frequency", units="Hz", default=1e3)
        DATA_COLUMNS = ["Frequency (Hz)", "Current (A)"]

What cannot be made safe is refused. While it runs, no other PyMeasure instrument can be connected. On a
hardware bench one that asks for no role, or whose module brings another way to a box (pyvisa, serial,
sockets), is not run at all: nobody could say what it does to the device. What it may demand of the device is
not known beforehand, so the limits hold at the Door and not before the plan begins; an interrupted run of it
is measured again from its beginning.
"""

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, get_args

from pymeasure.adapters import Adapter

from instruments.bench import ROLES
from instruments.errors import LimitError
from procedures import columns
from procedures.base import (
    NO_FLAGS,
    BenchProcedure,
    Choice,
    ConnectedDevice,
    Cost,
    Count,
    PointKey,
    Problem,
    Quantity,
    Row,
    SourceRole,
    Switch,
)
from procedures.pymeasure_experiment import (
    BooleanParameter,
    FloatParameter,
    IntegerParameter,
    ListParameter,
    Parameter,
    Procedure,
)

PATIENCE = 10.0
"""How long [s] a plain procedure may sleep between two words to its instruments or to us; after that the
guardian takes it for hanging. Its class may say otherwise in `longest_silence`."""

_WAYS_ROUND = frozenset({"pyvisa", "serial", "socket", "usb", "usbtmc", "vxi11", "ctypes", "subprocess"})


class HostedProcedure(BenchProcedure):
    """Runs one plain procedure; `hosting` makes the subclass for it.

    Class attributes
    ----------------
    plain_class : the procedure that is hosted
    plain_choices : of its lists, text in a plan -> the value it stands for, by parameter
    """

    plain_class: ClassVar[type[Procedure]]
    plain_choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    resumable: ClassVar[bool] = False

    def problems(self, device: ConnectedDevice) -> Iterator[Problem]:
        for name in self.declared_parameters():
            if getattr(self, name) is None:
                yield Problem(parameter=name, message="is missing; this procedure has no default for it")

    def cost(self, device: ConnectedDevice) -> Cost:
        """As long as it estimates itself; how many points, and what flows, it does not say."""
        try:
            estimate = self._plain().get_estimates()
        except Exception:
            # an estimate is a courtesy of somebody else's code
            estimate = None
        known = isinstance(estimate, int | float) and math.isfinite(estimate) and estimate > 0
        return Cost(points=0, duration=float(estimate) if known else 0.0)

    @classmethod
    def point_key(cls, row: Row) -> PointKey:
        return tuple(row[heading] for heading in cls.plain_class.DATA_COLUMNS)

    @classmethod
    def why_not_on_hardware(cls) -> str:
        if not cls.roles:
            return (
                "it asks for none of the bench's instruments, so whatever it speaks to has no Door; name "
                f"what it needs as attributes of its class ({', '.join(ROLES)})"
            )
        there = vars(sys.modules[cls.plain_class.__module__]).values()
        homes = {str(getattr(item, "__module__", None) or getattr(item, "__name__", "")) for item in there}
        ways_round = sorted({home.split(".")[0] for home in homes} & _WAYS_ROUND)
        if ways_round:
            return f"its module brings {', '.join(ways_round)}, which reaches boxes past their Doors"
        return ""

    def run(self) -> None:
        """Start up, execute, and end safely: outputs off, the procedure's own shutdown, and off again."""
        plain = self._plain()
        plain.emit = self._emit
        plain.should_stop = self.should_stop
        plain.is_last = lambda: True
        for role in self.roles:
            setattr(plain, role, getattr(self.bench, role))
        with _no_other_instruments(self.kind):
            try:
                plain.status = Procedure.RUNNING
                plain.startup()
                if not self.should_stop():
                    plain.evaluate_metadata()
                    plain.execute()
            finally:
                self.shutdown()
                plain.shutdown()
                # the run is still armed: it may have switched on again, to ramp down as it is used to
                self.shutdown()

    def execute(self) -> None:
        raise AssertionError("the hosted procedure is executed")

    def _plain(self) -> Procedure:
        """The plain procedure with our parameters' values."""
        plain = self.plain_class()
        values = {name: self._plain_value(name) for name in self.declared_parameters()}
        plain.set_parameters({name: value for name, value in values.items() if value is not None})
        return plain

    def _plain_value(self, name: str) -> Any:
        value = getattr(self, name)
        return self.plain_choices[name][value] if name in self.plain_choices else value

    def _emit(self, topic: str, record: Any) -> None:
        """What PyMeasure's worker does with what a procedure emits; rows return once they are on the disk."""
        match topic:
            case "results":
                self.record(self._row(record))
            case "batch results":
                names = list(record)
                rows = zip(*record.values(), strict=True)
                self.record_together(
                    [(self._row(dict(zip(names, row, strict=True))), NO_FLAGS) for row in rows]
                )
            case "progress":
                self.surroundings.say(f"{float(record):.0f} % done")

    def _row(self, record: Mapping[str, Any]) -> Row:
        """One emitted record as numbers; NaN for a column it leaves out, as in PyMeasure's files."""
        headings = self.plain_class.DATA_COLUMNS
        unknown = [heading for heading in record if heading not in headings]
        if unknown:
            raise ValueError(f"{self.kind} emits {unknown[0]!r}, which is none of its DATA_COLUMNS")
        try:
            # PyMeasure turns numpy's numbers into nan where a column has a unit
            return {heading: float(record.get(heading, math.nan)) for heading in headings}
        except (TypeError, ValueError) as problem:
            raise ValueError(f"{self.kind} emits a row that holds more than numbers: {problem}") from None


def hosting(plain: type[Procedure], kind: str) -> type[HostedProcedure]:
    """The procedure that runs a plain one; its parameters become the keys of a plan's step.

    Raises ValueError or TypeError for one that cannot be hosted.
    """
    if not plain.DATA_COLUMNS:
        raise ValueError("it has no DATA_COLUMNS")
    roles = roles_of(plain)
    silence = float(getattr(plain, "longest_silence", PATIENCE))
    if not 0 < silence < math.inf:
        raise ValueError(
            f"its longest_silence of {silence:g} s would never let the guardian act, or always: give seconds"
        )
    sources = [role for role in roles if role in get_args(SourceRole)]
    if len(sources) > 1:
        raise ValueError("it asks for both sources, which are never on one device together")
    declared = {
        name: item
        for base in reversed(plain.__mro__)
        for name, item in vars(base).items()
        if isinstance(item, Parameter)
    }
    parameters = {name: _ours(name, parameter) for name, parameter in declared.items()}
    choices = {
        name: {str(choice): choice for choice in parameter.choices}
        for name, parameter in declared.items()
        if isinstance(parameter, ListParameter)
    }
    measured = columns.CURRENT if columns.CURRENT in plain.DATA_COLUMNS else plain.DATA_COLUMNS[-1]
    body: dict[str, Any] = {
        "__doc__": plain.__doc__,
        "plain_class": plain,
        "plain_choices": choices,
        "kind": kind,
        "file_name": plain.__name__,
        "roles": roles,
        "source": sources[0] if sources else None,
        "result_column": measured,
        "longest_silence": silence,
        "DATA_COLUMNS": list(dict.fromkeys([*plain.DATA_COLUMNS, *columns.TEMPERATURES])),
        **parameters,
    }
    return type(plain.__name__, (HostedProcedure,), body)


def roles_of(plain: type[Procedure]) -> tuple[str, ...]:
    """The instruments a plain procedure asks for: its class has attributes, or annotations, of that name."""
    named = {name for base in plain.__mro__ for name in (*vars(base), *vars(base).get("__annotations__", ()))}
    return tuple(role for role in ROLES if role in named)


def _ours(name: str, parameter: Parameter) -> Parameter:
    """A plain parameter as one that can stand in a plan."""
    default, words = parameter.default, parameter.description or ""
    if isinstance(parameter, FloatParameter):
        return Quantity(
            parameter.name,
            parameter.units or "1",
            default=default,
            minimum=parameter.minimum,
            maximum=parameter.maximum,
            description=words,
        )
    if default is None:
        raise ValueError(f"its parameter {name!r} has no default; give it one")
    if isinstance(parameter, IntegerParameter):
        return Count(
            parameter.name,
            default=default,
            minimum=parameter.minimum,
            maximum=parameter.maximum,
            description=words,
        )
    if isinstance(parameter, BooleanParameter):
        return Switch(parameter.name, default=default, description=words)
    if isinstance(parameter, ListParameter):
        return Choice(
            parameter.name,
            [str(choice) for choice in parameter.choices],
            default=str(default),
            description=words,
        )
    raise TypeError(
        f"its parameter {name!r} is a {type(parameter).__name__}; a plan holds numbers, whole numbers, "
        "switches and words from a list"
    )


@contextmanager
def _no_other_instruments(kind: str) -> Iterator[None]:
    """While a plain procedure runs nothing connects to a box but what the bench has connected already."""
    connect = Adapter.__init__

    def refuse(self: Adapter, *_: Any, **__: Any) -> None:
        raise LimitError(
            f"{kind} connects an instrument of its own, which would have no Door: take the bench's, by an "
            f"attribute named after its role ({', '.join(ROLES)})"
        )

    Adapter.__init__ = refuse
    try:
        yield
    finally:
        Adapter.__init__ = connect
