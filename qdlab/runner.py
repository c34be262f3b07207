"""The runner: a process of its own that owns one bench and executes plans on it, watched by its guardian.

It starts detached, takes the bench's lock, starts the guardian, opens the bench and listens; clients
attach, command and leave as they like (see `qdlab.protocol`). Measuring happens on the main thread, and
nothing a client does can hold it up. Without clients and without work it ends.
"""

import argparse
import gc
import json
import logging
import multiprocessing
import os
import queue
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import disk_usage
from typing import Any

from instruments.bench import ArmingToken, Bench, arming_token
from instruments.errors import InstrumentError
from qdlab.awake import computer_kept_awake
from qdlab.campaign import (
    CampaignResult,
    open_campaign_session,
    resume_campaign_session,
    run_campaign,
    simulated_devices,
)
from qdlab.campaign.opening import limits_of
from qdlab.config import BenchConfig, PlanConfig, check_plan, load_bench, load_plan
from qdlab.control import Control, Progress
from qdlab.errors import ConfigError, QdlabError
from qdlab.events import Event, JournalEntry
from qdlab.guardian_link import GuardianLink
from qdlab.hardware import open_bench
from qdlab.lock import BenchInUse, BenchLock, HeldFile, LockFacts
from qdlab.off import Instruction
from qdlab.outputs import remember_outputs
from qdlab.paths import file_stem, runtime_directory
from qdlab.protocol import Health, Message, Server, event_message
from qdlab.records import SessionWriter
from qdlab.traffic import traffic_kept
from qdlab.unfinished import find_unfinished
from qdlab.watched_disk import WatchedDisk

HEALTH_INTERVAL = 1.0
"""Between two words to the clients on what keeps a run safe [s]."""
CLOSING = 60.0
"""Once the outputs are off, closing a large session may take this long [s]."""

_log = logging.getLogger(__name__)


class Busy(QdlabError):
    """The runner executes a plan already."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One plan to execute, the warnings that were accepted at its start, and the reins of its execution."""

    plan: PlanConfig
    output: Path
    resume: bool = False
    record_io: bool = False
    accepted: tuple[str, ...] = ()
    control: Control = field(default_factory=Control)


class Runner:
    """Owns a bench from `serve` on until that returns.

    Parameters
    ----------
    config : of the bench
    owner : who started it, for whoever finds the bench taken
    folder : where lock files are
    linger : how long it waits for work or a client before it ends [s]
    """

    def __init__(self, config: BenchConfig, *, owner: str, folder: Path, linger: float = 10.0) -> None:
        self._config, self._owner, self._folder, self._linger = config, owner, folder, linger
        self._lock = BenchLock(config.name, folder)
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._job: Job | None = None
        self._accepting = threading.Lock()
        self._latest: dict[str, Mapping[str, Any]] = {}
        self._bench: Bench | None = None
        self._session: SessionWriter | None = None
        self._boxes: dict[str, dict[str, str]] = {}
        self._awake: bool | None = None
        self._ending = threading.Event()

    def serve(self, ready: Callable[[LockFacts], None]) -> None:
        """Own the bench, tell `ready` once it can be commanded, and execute plans until nobody needs it."""
        with ExitStack() as on_leaving:
            self._lock.acquire()
            on_leaving.callback(self._lock.release)
            token = secrets.token_hex(16)
            self._guardian = GuardianLink(
                token=token,
                report=self._folder / f"{self._config.name}.guardian.jsonl",
                lock=self._folder / f"{self._config.name}.guardian.lock",
                on_lost=self._end_without_guardian,
            )
            on_leaving.callback(self._guardian.close)
            if self._config.kind == "hardware":
                self._reserve_buses(on_leaving)
                self._take(open_bench(self._config))
            on_leaving.callback(self._let_go)
            self._server = Server(token=token, greet=self._greet, handle=self._handle)
            on_leaving.callback(self._server.close)
            self._facts = LockFacts(
                pid=os.getpid(),
                guardian_pid=self._guardian.pid,
                port=self._server.port,
                guardian_port=self._guardian.port,
                token=token,
                owner=self._owner,
                started=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                bench=self._config.name,
            )
            self._lock.publish(self._facts)
            on_leaving.callback(self._ending.set)
            threading.Thread(target=self._tell_health, daemon=True).start()
            ready(self._facts)
            self._work()

    def _reserve_buses(self, on_leaving: ExitStack) -> None:
        """Two bench files may name one box: what can be opened once only belongs to one runner."""
        boxes = self._config.instruments.values()
        for bus in sorted({Instruction(box=box.driver, resource=box.resource, off="").bus for box in boxes}):
            held = HeldFile(self._folder / f"{file_stem(bus)}.bus")
            if not held.hold():
                raise BenchInUse(
                    f"{bus} of bench {self._config.name!r} is in use by the runner of another bench; "
                    "'qdlab safe' ends that one"
                )
            on_leaving.callback(held.release)

    def _work(self) -> None:
        needed = time.monotonic()
        while time.monotonic() < needed + self._linger:
            try:
                job = self._jobs.get(timeout=min(1.0, self._linger))
            except queue.Empty:
                if self._server.clients:
                    needed = time.monotonic()
                continue
            if job is None:
                return
            self._execute(job)
            needed = time.monotonic()

    # What clients ask for; each on its own thread.

    def _handle(self, command: str, arguments: Mapping[str, Any]) -> Any:
        commands: dict[str, Callable[..., Any]] = {
            "run": self._accept,
            "stop": lambda: self._reins().stop_after_point(),
            "abort": lambda: self._reins().abort(),
            "pause": lambda: self._reins().pause(),
            "go_on": lambda: self._reins().go_on(),
            "skip": lambda keys: self._reins().skip(keys),
            "answer": lambda text="done": self._reins().answer_prompt(text),
            "note": self._note,
            "state": self._greet,
            "quit": self._quit,
        }
        if command not in commands:
            raise ConfigError(f"a runner knows no command {command!r}; it knows {', '.join(commands)}")
        return commands[command](**arguments)

    def _accept(
        self,
        *,
        plan: str,
        output: str,
        resume: bool = False,
        record_io: bool = False,
        accepted: Sequence[str] = (),
    ) -> None:
        wanted = load_plan(Path(plan))
        check_plan(wanted, bench_limits=self._config.limits, file=plan)
        with self._accepting:
            if self._job is not None:
                raise Busy("this bench executes a plan already; wait for its end, or stop it")
            self._job = Job(
                plan=wanted,
                output=Path(output),
                resume=resume,
                record_io=record_io,
                accepted=tuple(accepted),
            )
            self._jobs.put(self._job)

    def _reins(self) -> Control:
        if self._job is None:
            raise Busy("no plan is being executed")
        return self._job.control

    def _note(self, text: str, details: Mapping[str, Any] | None = None) -> None:
        session = self._session
        if session is None:
            raise Busy("no plan is being executed")
        session.journal("note", text, **(details or {}))

    def _quit(self) -> None:
        """End once the present plan has ended; a running one is aborted."""
        if self._job is not None:
            self._job.control.abort("the runner was told to end")
        self._jobs.put(None)

    def _greet(self) -> dict[str, Any]:
        return {
            "bench": self._config.name,
            "bench_kind": self._config.kind,
            "owner": self._owner,
            "state": "idle" if self._job is None else "running",
            "session": self._facts.session,
            "progress": self._latest.get("progress"),
            "ended": self._latest.get("ended"),
            "boxes": self._boxes,
            "health": self._health(),
        }

    def _health(self) -> dict[str, Any]:
        bench, job = self._bench, self._job
        limits = self._config.limits if bench is None else limits_of(bench.envelope)
        return asdict(
            Health(
                guardian=self._guardian.silence,
                armed=bench is not None and bench.armed,
                awake=self._awake,
                free=None if job is None else _free(self._facts.session),
                envelope={name: value for name, value in limits if value is not None},
            )
        )

    def _tell_health(self) -> None:
        while not self._ending.wait(HEALTH_INTERVAL):
            self._server.publish(Message(kind="health", body=self._health()))

    def _end_without_guardian(self, sentence: str) -> None:
        _log.error("%s", sentence)
        job = self._job
        if job is not None:
            job.control.abort(f"{sentence}: without it nothing stays on", interlock="heartbeat")
        self._jobs.put(None)

    # What happens on the main thread.

    def _execute(self, job: Job) -> None:
        try:
            with computer_kept_awake(f"executing plan {job.plan.name}") as self._awake:
                result = self._run(job)
            body = {
                "end": result.end,
                "reason": result.reason,
                "session": str(result.session),
                "off_reports": [asdict(report) for report in result.off_reports],
            }
        except (QdlabError, InstrumentError, OSError) as error:
            _log.exception("plan %s could not begin", job.plan.name)
            body = {"end": "failed", "reason": str(error), "session": "", "off_reports": []}
        self._job = self._awake = None
        self._publish(Message(kind="ended", body=body))

    def _run(self, job: Job) -> CampaignResult:
        bench = self._bench or self._take(_simulated(self._config, job.plan))
        disk = WatchedDisk(self._guardian.announce)
        try:
            earlier = find_unfinished(job.output, job.plan) if job.resume else None
            if earlier is None:
                session = open_campaign_session(job.output, job.plan, bench, storage=disk)
            else:
                session = resume_campaign_session(earlier, job.plan, bench, storage=disk)
            self._tell_session(str(session.path))
            self._session = session
            for warning in job.accepted:
                session.journal("note", f"started in spite of: {warning}")
            with traffic_kept(bench, session) if job.record_io else nullcontext():
                return run_campaign(
                    job.plan,
                    bench,
                    session,
                    control=job.control,
                    listener=self._listen,
                    arm=self._arm,
                    resume_from=earlier,
                )
        finally:
            self._session = None
            self._guardian.disarm(bench.off_instructions(Instruction))
            self._tell_session("")
            if bench.kind == "simulation":
                self._let_go()

    def _take(self, bench: Bench) -> Bench:
        self._bench = bench
        bench.on_deadline = self._guardian.announce
        bench.on_slice = self._breathe
        if bench.kind == "hardware":
            self._boxes = {
                role: {"identity": str(station.driver.identity), "address": station.resource}
                for role, station in bench.stations.items()
            }
        instructions = bench.off_instructions(Instruction)
        remember_outputs(self._config.name, self._folder, instructions)
        self._guardian.disarm(instructions)
        return bench

    def _let_go(self) -> None:
        bench, self._bench = self._bench, None
        if bench is not None:
            bench.close()

    def _arm(self, reason: str) -> ArmingToken:
        """Leave to energise outputs for as long as the guardian stands by."""
        assert self._bench is not None
        instructions = self._bench.off_instructions(Instruction)
        # boxes inside this process end with it, and their time is not the guardian's
        self._guardian.arm(instructions, watch=bool(instructions), session=self._facts.session)
        return arming_token(reason, valid=lambda: self._guardian.stands_by)

    def _breathe(self) -> None:
        """Between two slices of a long reading: did somebody ask for an end now?"""
        if self._job is not None and self._bench is not None and self._bench.armed:
            self._job.control.check()

    def _listen(self, what: Event | Progress) -> None:
        if isinstance(what, JournalEntry) and what.text == "outputs off":
            self._guardian.announce(CLOSING)
        if isinstance(what, Progress):
            self._publish(Message(kind="progress", body={**asdict(what), "share": what.share}))
        else:
            self._publish(event_message(what))

    def _publish(self, message: Message) -> None:
        if message.kind in ("progress", "ended"):
            self._latest[message.kind] = message.body
        self._server.publish(message)

    def _tell_session(self, session: str) -> None:
        self._facts = replace(self._facts, session=session)
        self._lock.publish(self._facts)
        self._publish(Message(kind="state", body=self._greet()))


def _free(session: str) -> float | None:
    """Room on the disk of a session [byte]; None before there is one, or where the disk cannot be asked."""
    try:
        return disk_usage(session).free if session else None
    except OSError:
        return None


def _simulated(config: BenchConfig, plan: PlanConfig) -> Bench:
    from qdlab.simulators import open_simulated_bench

    return open_simulated_bench(
        seed=config.seed,
        devices=simulated_devices(plan),
        envelope=config.limits.to_envelope(),
        heater_end=config.heater.to_end(),
        line_frequency=config.line_frequency,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one bench; says on standard output, in one line, that it is ready or why it refuses."""
    parser = argparse.ArgumentParser(prog="python -m qdlab.runner")
    parser.add_argument("--bench", required=True)
    parser.add_argument("--owner", required=True)
    parser.add_argument("--linger", type=float, default=10.0)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s: %(message)s")
    # a forked child would hold the guardian's pipe open and hide our death
    multiprocessing.set_start_method("spawn", force=True)
    # what was imported stays: looking for garbage in it would keep the measuring loop waiting
    gc.freeze()
    try:
        runner = Runner(
            load_bench(options.bench),
            owner=options.owner,
            folder=runtime_directory(),
            linger=options.linger,
        )
        for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda number, frame: runner._quit())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        runner.serve(lambda facts: _say({"ready": asdict(facts)}))
    except (QdlabError, InstrumentError, OSError) as error:
        _log.exception("the runner cannot go on")
        _say({"refused": str(error), "exit_status": getattr(error, "exit_status", 1)})
        return 1
    return 0


def _say(answer: Mapping[str, Any]) -> None:
    """The one line on standard output, which leads nowhere from then on: whoever reads it may go."""
    with suppress(OSError, ValueError):
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    os.dup2(2, 1)


if __name__ == "__main__":
    sys.exit(main())
