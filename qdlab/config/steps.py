"""The steps of a plan; those that run a procedure take their keys from the procedure's own parameters."""

import logging
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, create_model

from procedures.base import BenchProcedure, Choice, Count, Quantity, QuantityList, SourceRole, Switch
from procedures.conditioning import Conditioning
from procedures.hosted import hosting
from procedures.jv_sweep import JVSweep
from procedures.pixel_check import PixelCheck
from procedures.pymeasure_experiment import Procedure
from procedures.tel_series import TELSeriesMeasurement
from procedures.temperature_sweep import StabilityRule, TimeOutPolicy
from qdlab.config.fields import (
    Duration,
    Kelvins,
    KelvinsPerSecond,
    Ratio,
    Seconds,
    Strict,
    Volts,
    parse_si,
    read_points,
    show_si,
    whole_number,
)
from qdlab.quantities import convert

_log = logging.getLogger(__name__)


class StepConfig(Strict):
    """One step of a plan; a skipped one stays in the file and is passed over."""

    kind: str
    skip: bool | None = None

    def describe(self) -> str:
        return self.kind.replace("_", " ")


class OperatorStep(StepConfig):
    """Wait for a person: connect a device, close the cover. Outputs are disarmed meanwhile."""

    kind: Literal["operator"]
    text: str = Field(min_length=1)
    device: str | None = None
    source: SourceRole | None = None

    def describe(self) -> str:
        return self.text


class WaitStep(StepConfig):
    """Let time pass with the outputs off."""

    kind: Literal["wait"]
    duration: Seconds


class NoteStep(StepConfig):
    """A line for the journal."""

    kind: Literal["note"]
    text: str = Field(min_length=1)


class ProcedureStep(StepConfig):
    """A procedure with its parameters; the fields of a subclass are the procedure's own parameters."""

    procedure_class: ClassVar[type[BenchProcedure]]

    def make(self) -> BenchProcedure:
        """The procedure with these parameters, not attached to a bench yet."""
        procedure = self.procedure_class()
        procedure.set_parameters(
            {name: getattr(self, name) for name in self.procedure_class.declared_parameters()}
        )
        return procedure


def procedure_step(procedure_class: type[BenchProcedure]) -> type[ProcedureStep]:
    """The step a plan writes for a procedure: one key for each of its declared parameters."""
    fields: dict[str, Any] = {"kind": (Literal[procedure_class.kind], ...)}
    fields |= {
        name: (_type_of(parameter), parameter.default)
        for name, parameter in procedure_class.declared_parameters().items()
    }
    model = create_model(
        f"{procedure_class.__name__}Step",
        __base__=ProcedureStep,
        __doc__=procedure_class.__doc__,
        **fields,
    )
    model.procedure_class = procedure_class
    return model


def _type_of(parameter: Any) -> Any:
    """The annotated type that reads one declared parameter from a file."""
    if isinstance(parameter, QuantityList):
        return _converted(
            tuple[float, ...] | None,
            lambda value: parameter.convert(read_points(value, parameter.units)),
            lambda numbers: [show_si(number, parameter.units) for number in numbers],
        )
    if isinstance(parameter, Quantity):
        return _converted(
            float | None,
            lambda value: parameter.convert(parse_si(value, parameter.units)),
            lambda number: show_si(number, parameter.units),
        )
    if isinstance(parameter, Count):
        return _converted(int, lambda value: parameter.convert(whole_number(value)), int)
    if isinstance(parameter, Switch):
        return bool
    if isinstance(parameter, Choice):
        return Literal[tuple(parameter.choices)]
    raise TypeError(f"parameter {parameter!r} cannot stand in a plan; use the kinds of procedures.base")


def _converted(kind: Any, read: Callable[[Any], Any], show: Callable[[Any], Any]) -> Any:
    return Annotated[
        kind, BeforeValidator(read), PlainSerializer(lambda value: None if value is None else show(value))
    ]


class TemperatureSweepStep(StepConfig):
    """Go to each temperature, settle, and do the nested steps there; the first again at the end."""

    kind: Literal["temperature_sweep"]
    temperatures: Annotated[list[Kelvins], BeforeValidator(lambda value: _printed_points(value, "K"))] = (
        Field(min_length=1)
    )
    ramp_rate: KelvinsPerSecond = 0.1
    tolerance: Kelvins = 0.1
    standard_deviation: Kelvins = 0.05
    window: Seconds = 60.0
    interval: Seconds = 2.0
    soak: Duration = 0.0
    timeout: Seconds = 3600.0
    on_timeout: TimeOutPolicy = "skip"
    probe_voltage: Volts | None = None
    probe_tolerance: Ratio = 0.01
    probe_interval: Seconds = 30.0
    measure_first_again: bool = True
    drift_bound: Ratio = 0.1
    warm_end: bool = True
    end_temperature: Kelvins = 297.0
    start_temperature: Kelvins = 297.0
    steps: list["Step"] = Field(min_length=1)

    @property
    def rule(self) -> StabilityRule:
        return StabilityRule(
            tolerance=self.tolerance,
            standard_deviation=self.standard_deviation,
            window=self.window,
            interval=self.interval,
            soak=self.soak,
            timeout=self.timeout,
            probe_tolerance=self.probe_tolerance,
            probe_interval=self.probe_interval,
        )

    @property
    def visits(self) -> list[float]:
        """Set points in the order they are visited [K], the first again at the end where asked for."""
        again = self.measure_first_again and len(self.temperatures) > 1
        if again and self.temperatures[-1] != self.temperatures[0]:
            return [*self.temperatures, self.temperatures[0]]
        return list(self.temperatures)


def _printed_points(value: Any, unit: str) -> list[str]:
    return [f"{number!r} {unit}" for number in read_points(value, unit)]


class RepeatUntilStableStep(StepConfig):
    """Repeat the nested steps until the current at the last voltage changes by less than the tolerance."""

    kind: Literal["repeat_until_stable"]
    tolerance: Ratio = 0.02
    maximum_repeats: int = Field(default=10, ge=2, le=1000)
    pause: Duration = 0.0
    steps: list["Step"] = Field(min_length=1)


OWN_PROCEDURES: tuple[type[BenchProcedure], ...] = (PixelCheck, JVSweep, TELSeriesMeasurement, Conditioning)


def known_procedures() -> tuple[type[BenchProcedure], ...]:
    """Our procedures, and those that installed packages offer as `qdlab.procedures`.

    A plain PyMeasure procedure is hosted under the name it is offered by (see `procedures.hosted`). One that
    cannot be loaded or hosted, or takes a name already taken, is left out; we warn.
    """
    known = {procedure.kind: procedure for procedure in OWN_PROCEDURES}
    for entry in entry_points(group="qdlab.procedures"):
        try:
            procedure = _runnable(entry)
            if procedure.kind in known:
                raise ValueError(f"a procedure {procedure.kind!r} is known already")
        except Exception as problem:
            # somebody else's package must not keep ours from starting
            _log.warning("procedure %s of an installed package is left out: %s", entry.value, problem)
        else:
            known[procedure.kind] = procedure
    return tuple(known.values())


def _runnable(entry: EntryPoint) -> type[BenchProcedure]:
    """The class that an installed package offers as a procedure, fit for our runner."""
    offered = entry.load()
    if not (isinstance(offered, type) and issubclass(offered, Procedure)):
        raise TypeError("it is no subclass of PyMeasure's Procedure")
    if issubclass(offered, BenchProcedure):
        return offered
    hosted = hosting(offered, entry.name)
    for parameter in hosted.declared_parameters().values():
        if isinstance(parameter, Quantity):
            convert(1.0, parameter.units, parameter.units, name=f"its parameter {parameter.name!r}")
    return hosted


_OTHER_STEPS: tuple[type[StepConfig], ...] = (
    OperatorStep,
    WaitStep,
    NoteStep,
    TemperatureSweepStep,
    RepeatUntilStableStep,
)

STEP_MODELS: dict[str, type[StepConfig]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model
    for model in (*_OTHER_STEPS, *map(procedure_step, known_procedures()))
}
"""What a plan can hold, by the word in its `kind`."""

if TYPE_CHECKING:
    Step = StepConfig
else:
    Step = Annotated[Union[(*STEP_MODELS.values(),)], Field(discriminator="kind")]
    TemperatureSweepStep.model_rebuild()
    RepeatUntilStableStep.model_rebuild()
