"""What `qdlab run` shows: a live display for people, lines for a log, JSON for programs."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from procedures.base import NO_COST, Cost
from qdlab.config import PlannedProcedure
from qdlab.durations import format_duration
from qdlab.protocol import Message

_COLUMNS_SHOWN = 4


class Display(Protocol):
    """Takes messages of a runner and sentences of ours."""

    def show(self, message: Message) -> None: ...

    def say(self, text: str, *, alarm: bool = False) -> None: ...


@contextmanager
def choose_display(
    costs: Sequence[tuple[PlannedProcedure, Cost]], *, as_json: bool = False
) -> Iterator[Display]:
    """JSON where asked for, a live display on a terminal, plain lines elsewhere."""
    points = {planned.key: cost.points // planned.visits for planned, cost in costs}
    console = Console(highlight=False)
    if as_json:
        yield JsonDisplay()
    elif console.is_terminal:
        with Live(console=console, refresh_per_second=8, transient=True) as live:
            yield LiveDisplay(live, points)
    else:
        yield PlainDisplay()


class JsonDisplay:
    """Every message as one line of JSON."""

    def show(self, message: Message) -> None:
        sys.stdout.write(message.encode().decode())
        sys.stdout.flush()

    def say(self, text: str, *, alarm: bool = False) -> None:
        print(f"qdlab run: {text}", file=sys.stderr, flush=True)


class PlainDisplay:
    """A line whenever something changes."""

    def __init__(self) -> None:
        self._last = ""

    def show(self, message: Message) -> None:
        if message.kind == "progress":
            line = f"{message.body['step']}: {message.body['state']}"
            if line != self._last:
                self._last = line
                print(f"{message.body['share']:4.0%}  {line}", flush=True)
        elif message.kind == "ended":
            for line in ending_lines(message.body):
                print(line, flush=True)

    def say(self, text: str, *, alarm: bool = False) -> None:
        print(f"{'ALARM: ' if alarm else ''}{text}", flush=True)


class LiveDisplay:
    """Progress of step and plan, remaining time, the last reading, and the state in words.

    Parameters
    ----------
    live : where to draw
    points : of one visit of a step, by its key in the plan
    """

    def __init__(self, live: Live, points: Mapping[str, int]) -> None:
        self._live, self._points = live, points
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._plan = self._bars.add_task("plan", total=None, note="")
        self._step = self._bars.add_task("step", total=None, note="")
        self._state, self._reading = Text("starting"), Text("")
        self._left_at, self._left = 0, 0.0
        self._draw()

    def show(self, message: Message) -> None:
        body = message.body
        if message.kind == "progress":
            self._show_progress(body)
        elif message.kind == "ended":
            for line in ending_lines(body):
                self._live.console.print(Text(line))
        elif message.kind == "event":
            self._show_event(body)
        self._draw()

    def say(self, text: str, *, alarm: bool = False) -> None:
        self._live.console.print(Text(text, style="bold red" if alarm else "yellow"))

    def _show_progress(self, body: Mapping[str, Any]) -> None:
        self._left_at, self._left = body["points_done"], body["remaining"]
        self._bars.update(self._plan, completed=body["points_done"], total=body["points_planned"])
        self._show_remaining()
        self._bars.update(self._step, total=self._points.get(body["key"]), note=body["step"])
        self._state = Text(body["state"], style="bold")

    def _show_event(self, body: Mapping[str, Any]) -> None:
        if body["event"] == "RunStarted":
            self._bars.reset(self._step)
        elif body["event"] == "RowRecorded":
            self._bars.advance(self._plan)
            self._bars.advance(self._step)
            self._show_remaining()
            self._reading = Text(format_reading(body["values"], body["flags"]), style="cyan")
        elif body["event"] == "JournalEntry" and body["level"] in ("warning", "error"):
            self.say(body["text"], alarm=body["level"] == "error")

    def _show_remaining(self) -> None:
        """Time to go shrinks with the points between two words of the campaign about it."""
        task = self._bars.tasks[self._plan]
        if task.total and task.total > self._left_at:
            share = max(task.total - task.completed, 0.0) / (task.total - self._left_at)
            self._bars.update(self._plan, note=f"{format_duration(self._left * share)} to go")

    def _draw(self) -> None:
        self._live.update(Group(self._bars, self._state, self._reading))


def ending_lines(ended: Mapping[str, Any]) -> list[str]:
    """How a plan ended: what is off first, then why and where the record is."""
    reason = f" ({ended['reason']})" if ended["reason"] else ""
    return [
        *(report["message"] for report in ended["off_reports"]),
        f"{ended['end']}{reason}",
        ended["session"],
    ]


def format_reading(values: Mapping[str, float | None], flags: Sequence[str]) -> str:
    """The first few quantities of a row, and its flags.

    Examples
    --------
    >>> format_reading({"Voltage (V)": 0.5, "Current (A)": 1.2345e-07, "Light (A)": None}, ["compliance"])
    'Voltage 0.5 V   Current 1.2345e-07 A   compliance'
    """
    shown = [(heading, value) for heading, value in values.items() if value is not None][:_COLUMNS_SHOWN]
    texts = [
        f"{heading.partition(' (')[0]} {value:.5g} {_unit(heading)}".rstrip() for heading, value in shown
    ]
    return "   ".join([*texts, *flags])


def _unit(heading: str) -> str:
    unit = heading.partition("(")[2].rstrip(")")
    return "" if unit == "1" else unit


def estimate_table(name: str, costs: Sequence[tuple[PlannedProcedure, Cost]], waiting: float) -> Table:
    """What a plan would take: one line per procedure, the sum below."""
    table = Table("step", "device", "points", "duration", "charge", "energy", title=name)
    total = NO_COST
    for planned, cost in costs:
        times = f" ({planned.visits} times)" if planned.visits > 1 else ""
        table.add_row(f"{planned.step.describe()}{times}", planned.connection.device, *_amounts(cost))
        total = total + cost
    if waiting:
        table.add_row("waiting and temperature", "", "", format_duration(waiting), "", "")
    table.add_section()
    table.add_row("total", "", *_amounts(total + Cost(points=0, duration=waiting)))
    return table


def print_table(table: Table) -> None:
    Console(highlight=False).print(table)


def _amounts(cost: Cost) -> tuple[str, str, str, str]:
    return str(cost.points), format_duration(cost.duration), f"{cost.charge:.2g} C", f"{cost.energy:.2g} J"
