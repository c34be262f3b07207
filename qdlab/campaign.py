"""A plan carried out on a bench into a session: one process, no Qt, no sockets, and a safe end on every path.

However a campaign ends, the first thing that happens is off to every box; only then are run, journal and
session closed. On the simulated bench an operator step mounts the device by itself.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal

from instruments.bench import ArmingToken, Bench, OffReport, arming_token
from instruments.errors import InstrumentError
from instruments.limits import Envelope
from procedures import columns
from procedures.base import BenchProcedure, PointKey, Row, Surroundings
from procedures.temperature_sweep import settle
from qdlab.config import (
    Connection,
    LimitsConfig,
    OperatorStep,
    PlanConfig,
    ProcedureStep,
    RepeatUntilStableStep,
    StepConfig,
    TemperatureSweepStep,
    WaitStep,
    check_plan,
    first_connection,
    limits_for,
    plan_cost,
    waiting_time,
)
from qdlab.config.steps import NoteStep
from qdlab.control import Aborted, Control, InterruptibleClock, Progress, Prompt, Stopped
from qdlab.errors import ConfigError, QdlabError
from qdlab.events import Event, JournalLevel, RunEnd
from qdlab.records import RunHeader, Session, SessionWriter, StorageFailed, device_to_document
from qdlab.records.resume import final_runs, run_chain

TELEMETRY_INTERVAL = 10.0  # [s]

SIMULATED_BOX: Mapping[str, Literal["keithley2400", "mfg2230m"]] = {
    "source_meter": "keithley2400",
    "pulse_generator": "mfg2230m",
}

Listener = Callable[[Event | Progress], None]


@dataclass(frozen=True, kw_only=True)
class CampaignResult:
    """How a campaign ended, why, and what became of every box."""

    end: RunEnd
    reason: str
    off_reports: tuple[OffReport, ...]
    session: Path

    @property
    def all_off(self) -> bool:
        """Whether every box confirmed that it is safe."""
        return all(report.confirmed for report in self.off_reports)


def session_document(plan: PlanConfig, bench: Bench) -> dict[str, Any]:
    """What `session.toml` says: devices, plan, limits, who answered on the bench, and whose clock it is."""
    return {
        "operator": plan.operator,
        "atmosphere": None if plan.atmosphere is None else plan.atmosphere.to_document(),
        "devices": {name: device_to_document(device.to_device()) for name, device in plan.devices.items()},
        "plan": plan.to_document(),
        "limits": {
            name: limits_for(plan, name, _limits_of(bench.own_envelope)).limits.to_document()
            for name in plan.devices
        },
        "bench": {
            "name": bench.name,
            "kind": bench.kind,
            "clock": "simulated" if bench.kind == "simulation" else "machine",
            "identities": {role: str(identity) for role, identity in bench.identify().items()},
        },
    }


def open_campaign_session(parent: Path, plan: PlanConfig, bench: Bench) -> SessionWriter:
    """A new session for a plan on a bench."""
    document = {key: value for key, value in session_document(plan, bench).items() if value is not None}
    return SessionWriter.create(parent, name=plan.name, document=document, clock=bench.clock)


def simulated_devices(plan: PlanConfig) -> dict[str, str]:
    """Device identifier -> the sample that stands in for it, for `open_simulated_bench`.

    Raises
    ------
    ConfigError : a device of the plan says nothing about its stand-in
    """
    for name, device in plan.devices.items():
        if device.simulated_as is None:
            raise ConfigError(
                f"device {name!r} names no sample for the simulated bench; add simulated_as to its file, "
                'for example simulated_as = "li2024-hole-only-110nm"'
            )
    return {device.identifier: device.simulated_as or "" for device in plan.devices.values()}


def run_campaign(
    plan: PlanConfig,
    bench: Bench,
    session: SessionWriter,
    *,
    control: Control | None = None,
    listener: Listener | None = None,
    arm: Callable[[str], ArmingToken] | None = None,
    resume_from: Session | None = None,
) -> CampaignResult:
    """Carry out a plan; returns when everything is off and the session is closed.

    Parameters
    ----------
    plan : checked once more here, against the bench's own limits
    bench : opened; identified and set up here
    session : taken over and closed
    control : the reins; nobody pulls them where left out
    listener : hears every event and progress; what it raises is told once and then ignored
    arm : issues the token that allows outputs; without it only a simulated bench can be armed
    resume_from : the session as read, when `session` resumes it: only what is missing is measured
    """
    campaign = _Campaign(
        plan=plan,
        bench=bench,
        session=session,
        control=control or Control(),
        listener=listener or (lambda event: None),
        arm=arm or _arm_simulation(bench),
        earlier=_Earlier(resume_from),
    )
    return campaign.run()


def _arm_simulation(bench: Bench) -> Callable[[str], ArmingToken]:
    def issue(reason: str) -> ArmingToken:
        if bench.kind != "simulation":
            raise InstrumentError("nobody stands by to switch this bench off; run it through `qdlab run`")
        return arming_token(reason)

    return issue


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a procedure stands in the plan, so that a resumed session finds it again."""

    key: str
    visit: int = 0
    setpoint: float = math.nan
    tolerance: float = math.inf

    def conditions(self) -> dict[str, Any]:
        known: dict[str, Any] = {"Step": self.key, "Visit": self.visit}
        if math.isfinite(self.setpoint):
            known["Temperature setpoint"] = self.setpoint
        return known


class _Earlier:
    """What the session being resumed already holds."""

    def __init__(self, session: Session | None) -> None:
        self.session = session
        self._runs = [] if session is None else list(session.runs)
        self._last = {self._place(run.header.conditions): run for run in final_runs(self._runs)}

    def is_finished(self, place: _Place) -> bool:
        run = self._last.get(self._place(place.conditions()))
        return run is not None and run.end == "finished"

    def predecessor(self, place: _Place) -> str | None:
        run = self._last.get(self._place(place.conditions()))
        return None if run is None else run.name

    def rows(self, place: _Place) -> list[tuple[Row, frozenset[str]]]:
        run = self._last.get(self._place(place.conditions()))
        if run is None:
            return []
        return [
            (row.values, row.flags)
            for part in run_chain(self._runs, run)
            for row in part.recorded_rows()
            if "invalid" not in row.flags
        ]

    @staticmethod
    def _place(conditions: Mapping[str, Any]) -> tuple[Any, ...]:
        return (conditions.get("Step"), conditions.get("Visit"))


@dataclass
class _Measured:
    """The rows of one procedure as they come: for drift, stability, and the current at a voltage."""

    values: dict[PointKey, float] = field(default_factory=dict)

    def change_from(self, earlier: "_Measured") -> float:
        """Median relative change of the points both hold; NaN where they hold none."""
        changes = [
            self.values[key] / before - 1
            for key, before in earlier.values.items()
            if key in self.values and before != 0 and math.isfinite(self.values[key] / before)
        ]
        return median(changes) if changes else math.nan


class _Campaign:
    def __init__(
        self,
        *,
        plan: PlanConfig,
        bench: Bench,
        session: SessionWriter,
        control: Control,
        listener: Listener,
        arm: Callable[[str], ArmingToken],
        earlier: _Earlier,
    ) -> None:
        self._plan, self._bench, self._session, self._control = plan, bench, session, control
        self._listener: Listener | None = listener
        self._arm, self._earlier = arm, earlier
        simulated = bench.kind == "simulation"
        self._clock = InterruptibleClock(bench.clock, control, beat=self._beat, simulated=simulated)
        self._started = bench.clock.monotonic()
        self._connection: Connection | None = None
        self._pending: OperatorStep | None = None
        self._failed_devices: dict[str, str] = {}
        self._curves: dict[str, list[tuple[float, float]]] = {}
        self._points_done = 0
        self._points_planned = 0
        self._planned_time = 0.0
        self._step_words = ""
        self._last_telemetry = -math.inf
        self._off_reports: tuple[OffReport, ...] = ()

    # The frame: whatever happens inside, off comes first.

    def run(self) -> CampaignResult:
        end, reason = self._guarded()
        self._make_safe()
        try:
            self._journal("state", "outputs off", reports=[report.message for report in self._off_reports])
            if end != "finished":
                self._journal("error" if end == "failed" else "state", f"{end}: {reason}")
        except StorageFailed as failure:
            end, reason = "failed", str(failure)
        self._session.close(end, reason)
        return CampaignResult(
            end=end, reason=reason, off_reports=self._off_reports, session=self._session.path
        )

    def _guarded(self) -> tuple[RunEnd, str]:
        try:
            self._prepare()
            self._do_steps(self._plan.steps, "steps", _Place(key=""))
        except Stopped as stop:
            return "stopped", str(stop)
        except (Aborted, KeyboardInterrupt) as abort:
            return "aborted", str(abort) or "interrupted"
        except StorageFailed as failure:
            return "failed", str(failure)
        except (QdlabError, InstrumentError, ValueError, OSError) as failure:
            return "failed", str(failure) or type(failure).__name__
        except Exception as failure:
            # a fault of ours: the bench must be made safe and the session closed all the same
            return "failed", f"{type(failure).__name__}: {failure}"
        return "finished", ""

    def _make_safe(self) -> None:
        """Off to every box; an impatient Ctrl-C does not keep it from happening."""
        for _ in range(3):
            try:
                self._off_reports = tuple(self._bench.safe())
                return
            except KeyboardInterrupt:
                continue

    def _prepare(self) -> None:
        check_plan(self._plan, bench_limits=_limits_of(self._bench.own_envelope))
        self._points_planned = sum(cost.points for _, cost in plan_cost(self._plan))
        self._planned_time = waiting_time(self._plan) + sum(
            cost.duration for _, cost in plan_cost(self._plan)
        )
        self._say("identifying the instruments")
        for role, identity in self._bench.identify().items():
            self._journal("state", "identified", role=role, identity=str(identity))
        self._bench.set_up()
        self._connect(first_connection(self._plan))

    # Steps

    def _do_steps(self, steps: Sequence[StepConfig], key: str, place: _Place) -> None:
        for index, step in enumerate(steps):
            self._breathe()
            self._do(
                step,
                _Place(
                    key=f"{key}[{index}]",
                    visit=place.visit,
                    setpoint=place.setpoint,
                    tolerance=place.tolerance,
                ),
            )

    def _do(self, step: StepConfig, place: _Place) -> None:
        self._step_words = step.describe()
        match step:
            case ProcedureStep():
                self._do_procedure(step, place)
            case TemperatureSweepStep():
                self._sweep_temperature(step, place)
            case RepeatUntilStableStep():
                self._repeat_until_stable(step, place)
            case OperatorStep() if self._earlier.session is not None:
                # asked again only if something that needs it is still to be measured
                self._pending = step
            case OperatorStep():
                self._ask_operator(step)
            case WaitStep():
                self._say(f"waiting {step.duration:g} s")
                self._wait(step.duration)
            case NoteStep():
                self._journal("note", step.text)
            case _:
                raise ConfigError(f"{place.key}: nothing is known about steps of kind {step.kind!r}")

    def _breathe(self) -> None:
        """Between two steps: end if asked to, hold while paused."""
        self._control.check()
        if self._control.stop_requested:
            raise Stopped("the operator stopped")
        if self._control.paused:
            self._say("paused")
            self._control.wait_while_paused(self._beat)

    def _ask_operator(self, step: OperatorStep) -> None:
        """Outputs off and disarmed while somebody works on the bench."""
        self._sources_off()
        self._bench.disarm()
        connection = self._connection
        if step.device is not None and step.source is not None:
            connection = Connection(device=step.device, source=step.source)
        prompt = Prompt(text=step.text, device=step.device or "", source=step.source or "")
        self._journal("prompt", step.text, device=prompt.device, source=prompt.source)
        if self._bench.kind == "simulation":
            answer = "done by the simulated operator"
        else:
            self._say("waiting for the operator", prompt=prompt)
            answer = self._control.wait_for_answer(self._beat)
        self._journal("note", f"operator: {answer}")
        self._connect(connection)

    def _connect(self, connection: Connection | None) -> None:
        """Take note of what is between the clips: its limits hold from now on."""
        self._connection = connection
        if connection is None:
            return
        device = self._plan.devices[connection.device]
        connected = device.to_connected()
        if self._bench.kind == "simulation":
            self._bench.simulation.mount(
                device.identifier,
                source=SIMULATED_BOX[connection.source],
                reversed=connected.polarity < 0,
            )
        limits = limits_for(self._plan, connection.device).limits
        self._bench.use_envelope(limits.to_envelope(area=connected.area, thickness=connected.thickness))
        self._journal("state", "connected", device=device.identifier, source=connection.source)

    def _sources_off(self) -> None:
        for role in ("source_meter", "pulse_generator"):
            box = self._bench.boxes.get(role)
            if box is not None:
                box.off()
                if not box.output_is_off:
                    raise InstrumentError(f"the {role.replace('_', ' ')} says that its output is still on")

    # Procedures

    def _do_procedure(self, step: ProcedureStep, place: _Place) -> _Measured | None:
        if self._earlier.is_finished(place):
            self._points_done += step.make().cost(self._connected_device().to_connected()).points
            return None
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self._ask_operator(pending)
        device = self._connected_device()
        if device.identifier in self._failed_devices:
            reason = self._failed_devices[device.identifier]
            self._journal("warning", f"{place.key} skipped: {reason}", device=device.identifier)
            return None
        return self._measure(step.make(), place)

    def _measure(self, procedure: BenchProcedure, place: _Place) -> _Measured:
        device = self._connected_device()
        connected = device.to_connected(typical_current=self._typical_current(device.identifier))
        run = self._session.open_run(
            RunHeader(
                procedure=procedure.file_name,
                parameters=procedure.header_parameters(),
                device=device.identifier,
                columns=procedure.DATA_COLUMNS,
                conditions=place.conditions(),
                predecessor=self._earlier.predecessor(place),
            )
        )
        self._tell(run.started)
        measured = _Measured()

        def record(rows: Sequence[tuple[Row, frozenset[str]]]) -> None:
            flagged = [(row, flags | self._temperature_flags(row, place)) for row, flags in rows]
            for recorded in run.write_many(flagged):
                self._points_done += 1
                self._remember(procedure, device.identifier, recorded.values, measured)
                self._tell(recorded)
            self._telemetry()
            self._control.check()

        try:
            procedure.attach(
                Surroundings(
                    bench=self._bench,
                    device=connected,
                    record=record,
                    should_stop=lambda: self._control.stop_requested,
                    announce=self._announce,
                    waiting=self._clock,
                    allowed_slew=_or_infinite(self._bench.envelope.maximum_slew),
                    allowed_step=_or_infinite(self._bench.envelope.maximum_step),
                    done=self._earlier.rows(place),
                )
            )
            self._bench.arm(token=self._arm(f"{procedure.file_name} on {device.identifier}"))
            self._say("measuring")
            procedure.run()
            self._bench.disarm()
        except BaseException as problem:
            self._make_safe()
            end, reason = _end_of(problem)
            self._tell(run.end(end, reason))
            raise
        stopped = self._control.stop_requested
        early = procedure.early_end
        reason = "the operator stopped" if stopped else early.reason if early else ""
        self._tell(run.end("stopped" if stopped else "finished", reason))
        if early is not None and early.device_failed:
            self._failed_devices[device.identifier] = early.reason
            self._journal("warning", f"{device.identifier} is not measured any further: {early.reason}")
        if stopped:
            raise Stopped("the operator stopped")
        return measured

    def _remember(
        self, procedure: BenchProcedure, device: str, row: Mapping[str, float], measured: _Measured
    ) -> None:
        value = row.get(columns.CURRENT, row.get(columns.LIGHT_CURRENT, math.nan))
        measured.values[procedure.point_key(row)] = value
        if columns.CURRENT in row and row.get(columns.SWEEP_DIRECTION, 1.0) > 0:
            curve = self._curves.setdefault(device, [])
            curve[:] = [point for point in curve if point[0] != row[columns.VOLTAGE]]
            curve.append((row[columns.VOLTAGE], value))

    def _typical_current(self, device: str) -> Callable[[float], float] | None:
        """Current at a voltage from what was measured on this device last; None where that is nothing."""
        curve = sorted(point for point in self._curves.get(device, []) if all(map(math.isfinite, point)))
        return None if len(curve) < 2 else lambda voltage: _interpolated(curve, voltage)

    def _temperature_flags(self, row: Row, place: _Place) -> frozenset[str]:
        stage = row.get(columns.STAGE_TEMPERATURE, math.nan)
        outside = abs(stage - place.setpoint) > place.tolerance
        return frozenset({"outside-temperature"}) if outside else frozenset()

    def _connected_device(self) -> Any:
        assert self._connection is not None
        return self._plan.devices[self._connection.device]

    # Temperature

    def _sweep_temperature(self, step: TemperatureSweepStep, place: _Place) -> None:
        first: dict[str, _Measured] = {}
        for visit, setpoint in enumerate(step.visits):
            here = _Place(key=place.key, visit=visit, setpoint=setpoint, tolerance=step.tolerance)
            if not self._reach(step, setpoint):
                continue
            measured = self._measure_at(step, here)
            if visit == 0:
                first = measured
            elif setpoint == step.visits[0]:
                self._report_drift(step, setpoint, first, measured)
        if step.warm_end:
            self._warm_up(step)

    def _measure_at(self, step: TemperatureSweepStep, place: _Place) -> dict[str, _Measured]:
        found: dict[str, _Measured] = {}
        for index, nested in enumerate(step.steps):
            self._breathe()
            here = _Place(
                key=f"{place.key}.steps[{index}]",
                visit=place.visit,
                setpoint=place.setpoint,
                tolerance=place.tolerance,
            )
            if isinstance(nested, ProcedureStep):
                self._step_words = f"{nested.describe()} at {place.setpoint:g} K"
                measured = self._do_procedure(nested, here)
                if measured is not None:
                    found[here.key] = measured
            else:
                self._do(nested, here)
        return found

    def _reach(self, step: TemperatureSweepStep, setpoint: float) -> bool:
        """Ramp and settle; false where the policy says to go on without this temperature."""
        controller = self._bench.temperature_controller
        if controller is None:
            raise ConfigError("a temperature sweep needs a temperature controller; the bench has none")
        patience = 10 if step.on_timeout == "wait" else 1
        for _ in range(patience):
            outcome = None
            for outcome in settle(
                controller,
                self._clock,
                step.rule,
                setpoint,
                ramp_rate=step.ramp_rate,
                probe=self._probe(step),
            ):
                self._say(str(outcome))
                self._telemetry()
                if self._control.stop_requested:
                    raise Stopped("the operator stopped")
            if outcome is not None and outcome.phase == "stable":
                self._journal("state", f"stable at {setpoint:g} K", stage=outcome.stage_temperature)
                return True
        words = f"{setpoint:g} K was not reached within {step.timeout * patience:g} s"
        if step.on_timeout == "stop":
            raise Stopped(words)
        self._journal("warning", f"{words}: skipped")
        return False

    def _probe(self, step: TemperatureSweepStep) -> Callable[[], float] | None:
        """Measures a small current, where the plan asks for it and the source meter is on the device."""
        if (
            step.probe_voltage is None
            or self._connection is None
            or self._connection.source != "source_meter"
        ):
            return None
        source = self._bench.source_meter
        assert source is not None
        voltage = step.probe_voltage

        def measure() -> float:
            source.configure(compliance_current=1e-3, maximum_voltage=voltage)
            self._bench.arm(token=self._arm("probe current"))
            try:
                source.voltage = voltage
                source.switch_on()
                return source.read_point().current
            finally:
                source.off()
                self._bench.disarm()

        return measure

    def _report_drift(
        self,
        step: TemperatureSweepStep,
        setpoint: float,
        first: Mapping[str, _Measured],
        again: Mapping[str, _Measured],
    ) -> None:
        for key, measured in again.items():
            if key not in first:
                continue
            change = measured.change_from(first[key])
            level: JournalLevel = "note" if abs(change) <= step.drift_bound else "warning"
            self._journal(
                level,
                f"drift at {setpoint:g} K: {change * 100:+.2f} % (bound {step.drift_bound * 100:g} %)",
                step=key,
                drift=change,
                bound=step.drift_bound,
            )

    def _warm_up(self, step: TemperatureSweepStep) -> None:
        """Back to room temperature, so that nobody opens a cold stage."""
        controller = self._bench.temperature_controller
        assert controller is not None
        distance = step.end_temperature - controller.stage_temperature
        if abs(distance) < step.tolerance:
            return
        self._say(f"going back to {step.end_temperature:g} K")
        controller.ramp_to(step.end_temperature, rate=step.ramp_rate)
        deadline = self._clock.monotonic() + abs(distance) / step.ramp_rate + step.timeout
        while abs(controller.stage_temperature - step.end_temperature) > 1.0:
            if self._clock.monotonic() > deadline:
                self._journal("warning", f"{step.end_temperature:g} K was not reached; the stage may be cold")
                return
            self._wait(step.interval)

    def _repeat_until_stable(self, step: RepeatUntilStableStep, place: _Place) -> None:
        """Repeat until nothing changes any more by more than the tolerance, or the repeats are used up."""
        before: dict[str, _Measured] = {}
        for repeat in range(step.maximum_repeats):
            now: dict[str, _Measured] = {}
            for index, nested in enumerate(step.steps):
                self._breathe()
                here = _Place(key=f"{place.key}.steps[{index}]", visit=place.visit * 1000 + repeat)
                if isinstance(nested, ProcedureStep):
                    measured = self._do_procedure(nested, here)
                    if measured is not None:
                        now[here.key] = measured
                else:
                    self._do(nested, here)
            changes = [abs(now[key].change_from(before[key])) for key in now if key in before]
            if changes and max(changes) <= step.tolerance:
                self._journal("note", f"stable after {repeat + 1} repeats", change=max(changes))
                return
            before = now
            self._wait(step.pause)
        self._journal("warning", f"not stable after {step.maximum_repeats} repeats")

    # Words

    def _wait(self, seconds: float) -> None:
        end = self._clock.monotonic() + seconds
        while (left := end - self._clock.monotonic()) > 0:
            self._clock.wait(min(left, TELEMETRY_INTERVAL))
            self._telemetry()
            if self._control.stop_requested:
                raise Stopped("the operator stopped")

    def _telemetry(self) -> None:
        """Temperature and heater beside everything else, every ten seconds."""
        controller = self._bench.temperature_controller
        now = self._bench.clock.monotonic()
        if controller is None or now - self._last_telemetry < TELEMETRY_INTERVAL:
            return
        self._last_telemetry = now
        self._session.telemetry(
            {
                columns.STAGE_TEMPERATURE: controller.stage_temperature,
                columns.SAMPLE_TEMPERATURE: controller.sample_temperature,
                columns.TEMPERATURE_SETPOINT: controller.setpoint,
                columns.HEATER_OUTPUT: controller.heater_output,
            }
        )

    def _beat(self) -> None:
        self._bench.on_deadline(1.0)

    def _announce(self, text: str) -> None:
        self._journal("note", text)
        self._say(text)

    def _journal(self, level: JournalLevel, text: str, **details: Any) -> None:
        self._tell(self._session.journal(level, text, **details))

    def _say(self, state: str, *, prompt: Prompt | None = None) -> None:
        elapsed = self._bench.clock.monotonic() - self._started
        self._tell(
            Progress(
                step=self._step_words,
                state=state,
                points_done=self._points_done,
                points_planned=self._points_planned,
                elapsed=elapsed,
                remaining=max(self._planned_time - elapsed, 0.0),
                prompt=prompt,
            )
        )

    def _tell(self, what: Event | Progress) -> None:
        """A broken screen never stops a measurement: it is told of nothing any more."""
        if self._listener is None:
            return
        try:
            self._listener(what)
        except Exception as problem:
            self._listener = None
            self._session.journal("warning", f"a listener failed and is not told any more: {problem}")


def _end_of(problem: BaseException) -> tuple[RunEnd, str]:
    if isinstance(problem, Stopped):
        return "stopped", str(problem)
    if isinstance(problem, Aborted | KeyboardInterrupt | SystemExit):
        return "aborted", str(problem) or "interrupted"
    return "failed", str(problem) or type(problem).__name__


def _limits_of(envelope: Envelope) -> LimitsConfig:
    """The bench's own envelope as one more level of limits."""
    return LimitsConfig.model_construct(
        **{name: getattr(envelope, name) for name in LimitsConfig.model_fields}
    )


def _interpolated(curve: Sequence[tuple[float, float]], voltage: float) -> float:
    """Straight line between neighbouring points; the ends beyond them."""
    index = bisect_left(curve, (voltage, -math.inf))
    if index == 0:
        return curve[0][1]
    if index == len(curve):
        return curve[-1][1]
    (v0, i0), (v1, i1) = curve[index - 1], curve[index]
    return i0 + (i1 - i0) * (voltage - v0) / (v1 - v0)


def _or_infinite(limit: float | None) -> float:
    return math.inf if limit is None else limit
