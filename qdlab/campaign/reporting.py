"""What a campaign says: to the journal, to the telemetry, and to whoever listens."""

import math
from collections.abc import Callable
from typing import Any

from instruments.bench import Bench
from procedures import columns
from procedures.base import NO_COST, Cost
from qdlab.config import PlanConfig, step_costs
from qdlab.control import Progress, Prompt
from qdlab.events import Event, JournalLevel, TelemetryRecorded
from qdlab.records import SessionWriter

TELEMETRY_INTERVAL = 10.0  # [s]

Listener = Callable[[Event | Progress], None]


class Reporter:
    """The campaign's voice; a listener that fails is told of it no more, and nothing else happens."""

    def __init__(
        self, *, plan: PlanConfig, bench: Bench, session: SessionWriter, listener: Listener | None
    ) -> None:
        self._bench, self._session, self._listener = bench, session, listener
        self._costs = _costs_of_whole_steps(plan)
        self._points_planned = sum(cost.points for cost in self._costs.values())
        self._started = self._step_started = bench.clock.monotonic()
        self._points_before_step = 0
        self._whole_step = ""
        self._last_telemetry = -math.inf
        self.points_done = 0
        self.step = self.key = ""
        self.visit = 0

    def journal(self, level: JournalLevel, text: str, **details: Any) -> None:
        self.tell(self._session.journal(level, text, **details))

    def announce(self, text: str) -> None:
        """A sentence of a procedure, for the journal and the display."""
        self.journal("note", text)
        self.say(text)

    def say(self, state: str, *, prompt: Prompt | None = None) -> None:
        """What happens now, in words."""
        now = self._bench.clock.monotonic()
        if self._whole_step != _whole(self.key):
            self._whole_step = _whole(self.key)
            self._step_started, self._points_before_step = now, self.points_done
        self.tell(
            Progress(
                step=self.step,
                key=self.key,
                visit=self.visit,
                state=state,
                points_done=self.points_done,
                points_planned=self._points_planned,
                elapsed=now - self._started,
                remaining=self._remaining(now),
                prompt=prompt,
            )
        )

    def _remaining(self, now: float) -> float:
        """The steps ahead as planned, and of the present one what its time leaves, or its points do [s]."""
        names = list(self._costs)
        if self._whole_step not in names:
            return sum(cost.duration for cost in self._costs.values())
        here = names.index(self._whole_step)
        ahead = sum(self._costs[name].duration for name in names[here + 1 :])
        planned, spent = self._costs[self._whole_step], now - self._step_started
        left = 0.0
        if planned.points:
            done = min((self.points_done - self._points_before_step) / planned.points, 1.0)
            left = (1 - done) * min(planned.duration, spent)
        return ahead + max(planned.duration - spent, left)

    def telemetry(self) -> None:
        """Temperature and heater beside everything else, every ten seconds."""
        controller = self._bench.temperature_controller
        now = self._bench.clock.monotonic()
        if controller is None or now - self._last_telemetry < TELEMETRY_INTERVAL:
            return
        self._last_telemetry = now
        row = self._session.telemetry(
            {
                columns.STAGE_TEMPERATURE: controller.stage_temperature,
                columns.SAMPLE_TEMPERATURE: controller.sample_temperature,
                columns.TEMPERATURE_SETPOINT: controller.setpoint,
                columns.HEATER_OUTPUT: controller.heater_output,
            }
        )
        self.tell(
            TelemetryRecorded(
                sequence=row.sequence, time=row.time, utc=row.utc, values=row.values, flags=row.flags
            )
        )

    def tell(self, what: Event | Progress) -> None:
        """A broken screen never stops a measurement."""
        if self._listener is None:
            return
        try:
            self._listener(what)
        except Exception as problem:
            self._listener = None
            self._session.journal("warning", f"a listener failed and is not told any more: {problem}")


def _costs_of_whole_steps(plan: PlanConfig) -> dict[str, Cost]:
    """What each step of the plan itself takes, with all that is nested in it, by its key."""
    found: dict[str, Cost] = {}
    for key, cost in step_costs(plan).items():
        found[_whole(key)] = found.get(_whole(key), NO_COST) + cost
    return found


def _whole(key: str) -> str:
    return key.partition(".")[0]
