"""The campaign itself: step after step, in a frame that makes the bench safe however they end."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from instruments.bench import ArmingToken, Bench, OffReport, arming_token
from instruments.errors import InstrumentError, LimitError, NotArmedError
from procedures.base import BenchProcedure, Surroundings
from qdlab.adaptive import rules_for
from qdlab.campaign.opening import bench_limits
from qdlab.campaign.places import Beginning, Earlier, FlaggedRow, KnownCurrents, Measured, Place
from qdlab.campaign.reporting import TELEMETRY_INTERVAL, Listener, Reporter
from qdlab.campaign.temperature import ProbeCurrent, reach, warm_up
from qdlab.config import (
    Connection,
    DeviceConfig,
    NoteStep,
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
    why_not_resumed,
)
from qdlab.control import Aborted, Control, InterruptibleClock, Prompt, Stopped
from qdlab.errors import ConfigError, QdlabError
from qdlab.events import JournalLevel, RunEnd
from qdlab.preflight import preflight, refuse_missing_boxes, refuse_what_cannot_be_made_safe
from qdlab.records import RunHeader, RunWriter, Session, SessionWriter, StorageFailed, read_run
from qdlab.records.curves import ROOM_TEMPERATURE

SIMULATED_BOX: Mapping[str, Literal["keithley2400", "mfg2230m"]] = {
    "source_meter": "keithley2400",
    "pulse_generator": "mfg2230m",
}

Steps = Sequence[StepConfig]
MeasuredSteps = dict[str, Measured]


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
    listener : hears every event and progress; after it raised, nothing any more
    arm : issues the token that allows outputs; without it only a simulated bench can be armed
    resume_from : the session as read, when `session` resumes it: only what is missing is measured
    """
    campaign = _Campaign(
        plan=plan,
        bench=bench,
        session=session,
        control=control or Control(),
        reporter=Reporter(plan=plan, bench=bench, session=session, listener=listener),
        arm=arm or _arm_simulation(bench),
        earlier=Earlier(resume_from),
    )
    return campaign.run()


def _arm_simulation(bench: Bench) -> Callable[[str], ArmingToken]:
    def issue(reason: str) -> ArmingToken:
        if bench.kind != "simulation":
            raise InstrumentError("nobody stands by to switch this bench off; run it through `qdlab run`")
        return arming_token(reason)

    return issue


class _Campaign:
    def __init__(
        self,
        *,
        plan: PlanConfig,
        bench: Bench,
        session: SessionWriter,
        control: Control,
        reporter: Reporter,
        arm: Callable[[str], ArmingToken],
        earlier: Earlier,
    ) -> None:
        self._plan, self._bench, self._session, self._control = plan, bench, session, control
        self._reporter, self._arm, self._earlier = reporter, arm, earlier
        simulated = bench.kind == "simulation"
        self._clock = InterruptibleClock(bench.clock, control, beat=self._beat, simulated=simulated)
        self._currents = KnownCurrents()
        self._connection: Connection | None = None
        self._failed_devices = dict(earlier.failed_devices)
        self._catching_up = earlier.is_resumed
        self._pending: OperatorStep | None = None
        self._off_reports: tuple[OffReport, ...] = ()
        self._held: tuple[TemperatureSweepStep, Place] | None = None
        self._passed_over: list[str] = []
        self._newest_run: RunWriter | None = None
        self._tripped: str | None = None

    def run(self) -> CampaignResult:
        """The frame: whatever happens inside, off comes first."""
        end, reason = self._guarded()
        self._make_safe()
        try:
            self._reporter.journal("state", "outputs off", reports=self._off_words)
            if end != "finished":
                tripped = {} if self._tripped is None else {"interlock": self._tripped}
                self._reporter.journal("error" if end == "failed" else "state", f"{end}: {reason}", **tripped)
        except StorageFailed as failure:
            end, reason = "failed", str(failure)
        self._session.close(end, reason)
        return CampaignResult(
            end=end, reason=reason, off_reports=self._off_reports, session=self._session.path
        )

    def _guarded(self) -> tuple[RunEnd, str]:
        try:
            self._prepare()
            self._do_steps(self._plan.steps, Place())
        except BaseException as problem:
            # faults of ours and Ctrl-C too: the bench is made safe and the session closed all the same
            self._tripped = _interlock_of(problem)
            return _end_of(problem)
        if self._passed_over:
            # not "finished": what is missing can be measured by resuming
            return "failed", f"{', '.join(self._passed_over)} failed and was passed over"
        return "finished", ""

    def _make_safe(self) -> None:
        """Off to every box; an impatient Ctrl-C does not keep it from happening."""
        for _ in range(3):
            try:
                self._off_reports = tuple(self._bench.safe())
                return
            except KeyboardInterrupt:
                continue

    @property
    def _off_words(self) -> list[str]:
        return [report.message for report in self._off_reports]

    def _prepare(self) -> None:
        check_plan(self._plan, bench_limits=bench_limits(self._bench))
        refuse_missing_boxes(self._plan, self._bench.stations)
        if self._bench.kind == "hardware":
            refuse_what_cannot_be_made_safe(self._plan)
        for remark in preflight(self._plan, None, self._session.path):
            self._reporter.journal("warning", remark)
        self._reporter.say("setting up the instruments")
        self._bench.set_up()
        for remark in self._bench.remarks:
            self._reporter.journal("warning", remark)
        for room in self._room().values():
            remark = (
                f"nobody measures the temperature here: {room} is taken for it, room_temperature of [heater]"
            )
            self._reporter.journal("warning", remark)
        self._connect(first_connection(self._plan))

    def _room(self) -> dict[str, str]:
        """For a run's header: the temperature of a bench that measures none; no curve goes without one."""
        if self._bench.temperature_controller is not None:
            return {}
        return {ROOM_TEMPERATURE: f"{self._bench.heater_end.temperature!r} K"}

    # Steps

    def _do_steps(self, steps: Steps, place: Place) -> MeasuredSteps:
        """What the procedures among the steps measured, by their keys."""
        found: MeasuredSteps = {}
        for index, step in enumerate(steps):
            here = place.step(index)
            if step.skip:
                continue
            self._between_steps()
            if self._control.skips(here.key):
                self._reporter.journal("note", f"{here.key} skipped by the operator: {_words(step, here)}")
                continue
            self._tell_step(step, here)
            if isinstance(step, ProcedureStep):
                measured = self._do_whatever_fails(step, here)
                if measured is not None:
                    found[here.key] = measured
            else:
                self._do_other(step, here)
        return found

    def _tell_step(self, step: StepConfig, place: Place) -> None:
        """From now on whatever is said concerns this step."""
        self._reporter.step, self._reporter.key = _words(step, place), place.key
        self._reporter.visit = place.visit

    def _do_other(self, step: StepConfig, place: Place) -> None:
        match step:
            case TemperatureSweepStep():
                self._sweep_temperature(step, place)
            case RepeatUntilStableStep():
                self._repeat_until_stable(step, place)
            case OperatorStep() if self._catching_up:
                # asked only once something that needs it is still to be measured
                self._pending = step
            case OperatorStep():
                self._ask_operator(step)
            case WaitStep() | NoteStep() if self._catching_up:
                pass
            case WaitStep():
                self._reporter.say(f"waiting {step.duration:g} s")
                self._wait(step.duration)
            case NoteStep():
                self._reporter.journal("note", step.text)
            case _:
                raise ConfigError(f"{place.key}: nothing is known about steps of kind {step.kind!r}")

    def _between_steps(self) -> None:
        """End if asked to, hold while paused."""
        self._control.check()
        self._stop_if_asked()
        if self._control.paused:
            self._reporter.say("paused")
            self._control.wait_while_paused(self._beat)

    def _stop_if_asked(self) -> None:
        if self._control.stop_requested:
            raise Stopped("the operator stopped")

    def _wait(self, seconds: float) -> None:
        end = self._clock.monotonic() + seconds
        while (left := end - self._clock.monotonic()) > 0:
            self._clock.wait(min(left, TELEMETRY_INTERVAL))
            self._reporter.telemetry()
            self._stop_if_asked()

    def _beat(self) -> None:
        self._bench.on_deadline(1.0)

    # What is between the clips

    def _ask_operator(self, step: OperatorStep) -> None:
        """Outputs off and disarmed while somebody works on the bench."""
        self._hands_on()
        self._bench.disarm()
        connection = self._connection
        if step.device is not None and step.source is not None:
            connection = Connection(device=step.device, source=step.source)
        prompt = Prompt(text=step.text, device=step.device or "", source=step.source or "")
        self._reporter.journal("prompt", step.text, device=prompt.device, source=prompt.source)
        answer = "done by the simulated operator"
        if self._bench.kind != "simulation":
            self._control.open_prompt()
            self._reporter.say("waiting for the operator", prompt=prompt)
            answer = self._control.wait_for_answer(self._beat)
        self._reporter.journal("note", f"operator: {answer}")
        self._connect(connection)

    def _hands_on(self) -> None:
        """Outputs off and the electrometer's zero check on: somebody will move cables."""
        for role in ("source_meter", "pulse_generator", "light_meter"):
            box = self._bench.boxes.get(role)
            if box is not None:
                box.off()
                if not box.output_is_off:
                    raise InstrumentError(f"the {role.replace('_', ' ')} does not confirm that it is off")

    def _connect(self, connection: Connection | None) -> None:
        """Take note of what is connected: its limits hold from now on."""
        self._connection = connection
        if connection is None:
            return
        device = self._plan.devices[connection.device]
        connected = device.to_connected()
        if self._bench.kind == "simulation":
            self._bench.simulation.mount(
                device.identifier, source=SIMULATED_BOX[connection.source], reversed=connected.polarity < 0
            )
        limits = limits_for(self._plan, connection.device).limits
        self._bench.use_envelope(limits.to_envelope(area=connected.area, thickness=connected.thickness))
        self._reporter.journal("state", "connected", device=device.identifier, source=connection.source)

    def _wiring(self) -> dict[str, str]:
        """What feeds the device and which electrode its HI is on, for the run's header."""
        assert self._connection is not None
        return {"Source": self._connection.source, "Positive terminal": self._device().positive_terminal}

    def _device(self) -> DeviceConfig:
        assert self._connection is not None
        return self._plan.devices[self._connection.device]

    # Procedures

    def _do_whatever_fails(self, step: ProcedureStep, place: Place) -> Measured | None:
        """What was measured, tried again or passed over after a failure where the plan says so."""
        points_done = self._reporter.points_done
        try:
            return self._do_procedure(step, place)
        except NotArmedError:
            raise
        except InstrumentError as failure:
            if self._plan.on_failure == "stop":
                raise
            self._make_safe()
            if not all(report.confirmed for report in self._off_reports):
                raise
            self._recover(place, failure)
            self._tell_step(step, place)
        if self._plan.on_failure == "retry":
            self._reporter.journal("warning", f"{place.key} is tried once more")
            if self._newest_run is not None:
                self._earlier.add(read_run(self._newest_run.path))
            self._reporter.points_done = points_done
            return self._do_procedure(step, place)
        self._passed_over.append(place.key)
        self._reporter.journal("warning", f"{place.key} is passed over after its failure")
        return None

    def _recover(self, place: Place, failure: InstrumentError) -> None:
        """After a failure everything was switched off: bring the boxes, and the temperature, back."""
        self._reporter.journal("state", "outputs off", reports=self._off_words)
        tripped = _interlock_of(failure)
        details = {} if tripped is None else {"interlock": tripped}
        self._reporter.journal("error", f"{place.key} failed: {failure}", **details)
        self._reporter.say("bringing the instruments back after a failure")
        self._bench.set_up()
        if self._held is not None and not self._reach(*self._held):
            raise InstrumentError(f"{place.setpoint:g} K was not reached again after: {failure}")

    def _do_procedure(self, step: ProcedureStep, place: Place) -> Measured | None:
        """What was measured, now or before; None where the device is beyond measuring."""
        self._newest_run = None
        if self._earlier.is_finished(place):
            return self._recall(step.make(), self._earlier.rows(place))
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self._ask_operator(pending)
        identifier = self._device().identifier
        if identifier in self._failed_devices:
            reason = self._failed_devices[identifier]
            self._reporter.journal("warning", f"{place.key} skipped: {reason}", device=identifier)
            return None
        return self._measure(step, place)

    def _recall(self, procedure: BenchProcedure, rows: Sequence[FlaggedRow]) -> Measured:
        """What was measured of a procedure before."""
        measured = Measured()
        for row, flags in rows:
            measured.add(procedure, row)
            self._currents.add(self._connected_earlier().identifier, row, flags)
            self._reporter.points_done += 1
        return measured

    def _connected_earlier(self) -> DeviceConfig:
        """The device of a procedure that is not measured again; its operator step is still pending."""
        if self._pending is not None and self._pending.device is not None:
            return self._plan.devices[self._pending.device]
        return self._device()

    def _measure(self, step: ProcedureStep, place: Place) -> Measured:
        self._catching_up = False
        device, procedure = self._device(), step.make()
        beginning = self._beginning(step, place)
        measured = self._recall(procedure, beginning.done)
        run = self._newest_run = self._session.open_run(
            RunHeader(
                procedure=procedure.file_name,
                parameters=procedure.header_parameters() | self._room(),
                device=device.identifier,
                columns=procedure.DATA_COLUMNS,
                conditions=place.conditions() | self._wiring(),
                predecessor=beginning.predecessor,
                supersedes=beginning.supersedes,
            )
        )
        self._reporter.tell(run.started)

        def record(rows: Sequence[FlaggedRow]) -> None:
            for recorded in run.write_many([(row, flags | place.flags(row)) for row, flags in rows]):
                measured.add(procedure, recorded.values)
                self._currents.add(device.identifier, recorded.values, recorded.flags)
                self._reporter.points_done += 1
                self._reporter.tell(recorded)
            self._reporter.telemetry()
            self._control.check()
            self._beat()

        try:
            procedure.attach(self._surroundings(procedure, device, record, beginning.done))
            self._bench.arm(token=self._arm(f"{procedure.file_name} on {device.identifier}"))
            self._reporter.say("measuring")
            with self._patient(procedure.longest_silence):
                procedure.run()
            self._bench.disarm()
        except BaseException as problem:
            self._make_safe()
            self._reporter.tell(run.end(*_end_of(problem)))
            raise
        self._end_run(procedure, run, device)
        return measured

    @contextmanager
    def _patient(self, longest_silence: float) -> Iterator[None]:
        """Tell the guardian to wait this long [s] for a procedure that sleeps without our clock."""
        announce = self._bench.on_deadline
        self._bench.on_deadline = lambda seconds: announce(max(seconds, longest_silence))
        self._beat()
        try:
            yield
        finally:
            self._bench.on_deadline = announce

    def _asked_to_stop(self) -> bool:
        self._beat()
        return self._control.stop_requested

    def _beginning(self, step: ProcedureStep, place: Place) -> Beginning:
        """What an interrupted run at this place leaves to a new one."""
        begun = self._earlier.begun(place)
        if begun is None:
            return Beginning()
        anew = why_not_resumed(step, self._device())
        if not anew:
            return Beginning(done=self._earlier.rows(place), predecessor=begun.name)
        words = f"{place.key} is measured anew: {anew}; {begun.name} ({len(begun.rows)} rows) is superseded"
        self._reporter.journal("note", words, superseded=begun.name)
        return Beginning(supersedes=begun.name)

    def _surroundings(
        self,
        procedure: BenchProcedure,
        device: DeviceConfig,
        record: Callable[[Sequence[FlaggedRow]], None],
        done: Sequence[FlaggedRow],
    ) -> Surroundings:
        envelope = self._bench.envelope
        next_point, stop_rule = rules_for(procedure)
        return Surroundings(
            bench=self._bench,
            device=device.to_connected(typical_current=self._currents.curve(device.identifier)),
            record=record,
            should_stop=self._asked_to_stop,
            announce=self._reporter.announce,
            say=self._reporter.say,
            waiting=self._clock,
            allowed_slew=math.inf if envelope.maximum_slew is None else envelope.maximum_slew,
            allowed_step=math.inf if envelope.maximum_step is None else envelope.maximum_step,
            done=done,
            next_point=next_point,
            stop_rule=stop_rule,
        )

    def _end_run(self, procedure: BenchProcedure, run: RunWriter, device: DeviceConfig) -> None:
        if self._control.stop_requested:
            self._reporter.tell(run.end("stopped", "the operator stopped"))
            raise Stopped("the operator stopped")
        early = procedure.early_end
        self._reporter.tell(run.end("finished", early.reason if early else ""))
        if early is not None and early.device_failed:
            self._failed_devices[device.identifier] = early.reason
            self._reporter.journal(
                "warning",
                f"{device.identifier} is not measured any further: {early.reason}",
                failed_device=device.identifier,
                reason=early.reason,
            )

    # Steps around steps

    def _sweep_temperature(self, step: TemperatureSweepStep, place: Place) -> None:
        held = self._held
        try:
            self._visit_temperatures(step, place)
        finally:
            self._held = held
        if step.warm_end and not self._catching_up:
            self._tell_step(step, place)
            warm_up(step, self._bench, self._clock, self._reporter)

    def _visit_temperatures(self, step: TemperatureSweepStep, place: Place) -> None:
        first: MeasuredSteps = {}
        checked = not self._earlier.is_resumed
        for visit, setpoint in enumerate(step.visits):
            here = replace(place, visit=visit, setpoint=setpoint, tolerance=step.tolerance)
            again = visit > 0 and setpoint == step.visits[0]
            if not self._is_finished(step.steps, here):
                if not checked and visit > 0 and not again:
                    self._check_first_temperature(step, here, first)
                checked = True
                if not self._reach(step, here):
                    continue
            measured = self._do_steps(step.steps, here)
            if visit == 0:
                first = measured
            elif again:
                self._report_drift(step, setpoint, first, measured)

    def _is_finished(self, steps: Steps, place: Place) -> bool:
        """Whether the session being resumed holds all of this already."""
        return self._earlier.is_resumed and all(
            step.skip
            or (
                isinstance(step, ProcedureStep | NoteStep | WaitStep)
                and (not isinstance(step, ProcedureStep) or self._earlier.is_finished(place.step(index)))
            )
            for index, step in enumerate(steps)
        )

    def _check_first_temperature(
        self, step: TemperatureSweepStep, place: Place, first: MeasuredSteps
    ) -> None:
        """After a resume: has the device changed meanwhile?"""
        setpoint = step.visits[0]
        here = replace(place, visit=0, setpoint=setpoint, check=self._earlier.checks + 1)
        if self._reach(step, here):
            self._report_drift(step, setpoint, first, self._do_steps(step.steps, here))

    def _reach(self, step: TemperatureSweepStep, place: Place) -> bool:
        self._held = (step, place)
        self._tell_step(step, place)
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self._ask_operator(pending)
        self._catching_up = False
        source_meter = self._connection is not None and self._connection.source == "source_meter"
        probe = None
        if step.probe_voltage is not None and source_meter:
            polarity = self._device().to_connected().polarity
            probe = ProbeCurrent(self._bench, voltage=polarity * step.probe_voltage, arm=self._arm)
        return reach(
            step,
            place.setpoint,
            bench=self._bench,
            clock=self._clock,
            reporter=self._reporter,
            probe=probe,
            between=self._stop_if_asked,
        )

    def _report_drift(
        self, step: TemperatureSweepStep, setpoint: float, first: MeasuredSteps, again: MeasuredSteps
    ) -> None:
        for key in [key for key in again if key in first]:
            change = again[key].change_from(first[key])
            level: JournalLevel = "note" if abs(change) <= step.drift_bound else "warning"
            self._reporter.journal(
                level,
                f"drift at {setpoint:g} K: {change * 100:+.2f} % (bound {step.drift_bound * 100:g} %)",
                step=key,
                drift=change,
                bound=step.drift_bound,
            )

    def _repeat_until_stable(self, step: RepeatUntilStableStep, place: Place) -> None:
        before: MeasuredSteps = {}
        for repeat in range(step.maximum_repeats):
            now = self._do_steps(step.steps, replace(place, repeat=repeat))
            changes = [abs(now[key].change_from(before[key])) for key in now if key in before]
            # NaN, of a step whose points are not comparable, is no stability
            if changes and all(change <= step.tolerance for change in changes):
                self._reporter.journal("note", f"stable after {repeat + 1} repeats", change=max(changes))
                return
            before = now
            if not self._catching_up:
                self._wait(step.pause)
        self._reporter.journal("warning", f"not stable after {step.maximum_repeats} repeats")


def _words(step: StepConfig, place: Place) -> str:
    at = f" at {place.setpoint:g} K" if math.isfinite(place.setpoint) else ""
    return f"{step.describe()}{at}"


def _interlock_of(problem: BaseException) -> str | None:
    """Which interlock ended the measurement; None where none did."""
    match problem:
        case Aborted():
            return problem.interlock
        case NotArmedError():
            return "heartbeat"
        case LimitError():
            return "envelope"
        case StorageFailed():
            return "disk"
    return None


def _end_of(problem: BaseException) -> tuple[RunEnd, str]:
    """The word and the reason that a run and a session end with."""
    told = str(problem) or type(problem).__name__
    match problem:
        case Stopped():
            return "stopped", told
        case Aborted():
            return "aborted", told
        case KeyboardInterrupt() | SystemExit():
            return "aborted", "interrupted"
        case QdlabError() | InstrumentError():
            return "failed", told
    return "failed", f"{type(problem).__name__}: {problem}"
