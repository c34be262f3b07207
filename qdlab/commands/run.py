"""``qdlab run``: a plan executed on a bench by a runner, watched from the terminal."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from types import FrameType

    from qdlab.config import PlanConfig
    from qdlab.lock import LockFacts
    from qdlab.protocol import Client, GuardianReport
    from qdlab.records import Session
    from qdlab.terminal import Display

_SLICE = 0.2
_GUARDIAN_PATIENCE = 20.0


def run(
    plan: Annotated[Path, typer.Argument(help="The plan file.", show_default=False)],
    bench: Annotated[str, typer.Option("--bench", help="A bench file, or 'sim'.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", help="Folder of the session's folder.")] = Path(
        "qdlab-sessions"
    ),
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with this plan's last unfinished session in that folder.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, say what it would take, and touch nothing.")
    ] = False,
    json_events: Annotated[bool, typer.Option("--json-events", help="One JSON object a line.")] = False,
    record_io: Annotated[
        bool, typer.Option("--record-io", help="Keep every byte to and from the boxes in the session.")
    ] = False,
) -> None:
    """Execute a plan on a bench. Ctrl-C stops after the present point, twice aborts; both end safely."""
    from qdlab.config import check_plan, load_bench, load_plan, plan_cost
    from qdlab.launch import owner_name, start_runner
    from qdlab.preflight import preflight
    from qdlab.protocol import Client
    from qdlab.terminal import choose_display
    from qdlab.unfinished import find_unfinished

    wanted = load_plan(plan)
    config = load_bench(bench)
    check_plan(wanted, bench_limits=config.limits, file=str(plan))
    earlier = find_unfinished(output, wanted, config) if resume else None
    remarks = preflight(wanted, config, output)
    if dry_run:
        _print_estimate(wanted)
        _print_resumption(wanted, earlier)
        for remark in remarks:
            print(f"note: {remark}")
        return
    source = bench if bench == "sim" else str(Path(bench).resolve())
    facts, process = start_runner(source, owner=owner_name("qdlab run"))
    client = Client.attach(facts, name="qdlab run")
    with client, choose_display(plan_cost(wanted), as_json=json_events) as display:
        client.request(
            "run", plan=str(plan.resolve()), output=str(output.resolve()), resume=resume, record_io=record_io
        )
        ended, interrupts = _watch(client, facts, display)
        client.request("quit")
    process.wait()
    if interrupts:
        raise typer.Exit(130)
    if ended["end"] != "finished":
        raise typer.Exit(1)


def _watch(client: "Client", facts: "LockFacts", display: "Display") -> tuple[dict[str, Any], int]:
    """Show what happens until the plan is over; its `ended` message, and how often Ctrl-C was pressed."""
    from qdlab.protocol import RunnerGone

    guardian = _GuardianHeard(facts)
    operator = _OperatorAsked(client, display)
    with _interrupts_counted() as pressed:
        obeyed = 0
        while True:
            while obeyed < len(pressed):
                obeyed += 1
                _interrupt(client, display, obeyed)
            try:
                message = client.receive(timeout=_SLICE)
            except RunnerGone:
                for report in guardian.reports():
                    display.say(report.text, alarm=report.alarm)
                display.say("what was measured is safe; 'qdlab run ... --resume' goes on from there")
                raise
            if message is None:
                continue
            display.show(message)
            if message.kind == "progress":
                operator.see(message.body.get("prompt"))
            if message.kind == "ended":
                return dict(message.body), obeyed


def _interrupt(client: "Client", display: "Display", times: int) -> None:
    if times == 1:
        client.send("stop")
        display.say("stopping after this point; Ctrl-C again aborts now")
    elif times == 2:
        client.send("abort")
        display.say("aborting: everything is switched off")
    else:
        display.say("left; the runner ends by itself, 'qdlab safe' makes sure", alarm=True)
        raise KeyboardInterrupt


@contextmanager
def _interrupts_counted() -> Iterator[list[int]]:
    """Ctrl-C (CTRL_BREAK on Windows) only counts inside the block."""
    pressed: list[int] = []

    def count(number: int, frame: "FrameType | None") -> None:
        pressed.append(number)

    signals = [signal.SIGINT, *([signal.SIGBREAK] if hasattr(signal, "SIGBREAK") else [])]
    before = {number: signal.signal(number, count) for number in signals}
    try:
        yield pressed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _GuardianHeard:
    """What the guardian says, should it ever have to say something."""

    def __init__(self, facts: "LockFacts") -> None:
        self._facts, self._said = facts, list["GuardianReport"]()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def reports(self) -> "list[GuardianReport]":
        """All of it, once it is done."""
        self._thread.join(timeout=_GUARDIAN_PATIENCE)
        return self._said

    def _listen(self) -> None:
        from qdlab.protocol import RunnerGone, guardian_reports

        with suppress(RunnerGone):
            self._said.extend(guardian_reports(self._facts))


class _OperatorAsked:
    """Puts the campaign's prompts to whoever sits at the keyboard; the display never waits for the answer."""

    def __init__(self, client: "Client", display: "Display") -> None:
        self._client, self._display = client, display
        self._asking: str | None = None

    def see(self, prompt: dict[str, str] | None) -> None:
        text = prompt["text"] if prompt else None
        if text is not None and text != self._asking:
            self._display.say(f"{text}   [Enter when done]")
            threading.Thread(target=self._wait_for_enter, daemon=True).start()
        self._asking = text

    def _wait_for_enter(self) -> None:
        from qdlab.protocol import RunnerGone

        line = sys.stdin.readline()
        if not line:
            self._display.say("nobody at the keyboard; answer in the window ('qdlab gui')")
            return
        with suppress(RunnerGone):
            self._client.send("answer", text=line.strip() or "done")


def _print_resumption(plan: "PlanConfig", earlier: "Session | None") -> None:
    """Where the plan would go on, and what an interruption would begin anew."""
    from qdlab.config import planned_procedures, why_not_resumed
    from qdlab.live.resume import resume_question

    question = None if earlier is None else resume_question(earlier)
    if question is not None:
        print(f"{question.session}: {question.sentence}")
    for planned in planned_procedures(plan):
        why = why_not_resumed(planned.step, plan.devices[planned.connection.device])
        if why:
            print(f"note: {planned.key} begins anew after an interruption: {why}")


def _print_estimate(plan: "PlanConfig") -> None:
    """What a plan would take, per procedure and device."""
    from qdlab.config import plan_cost, waiting_time
    from qdlab.terminal import estimate_table, print_table

    print_table(estimate_table(plan.name, plan_cost(plan), waiting_time(plan)))
