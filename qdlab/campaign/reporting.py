"""What a campaign says: to the journal, to the telemetry, and to whoever listens."""

import math
from collections.abc import Callable
from typing import Any

from instruments.bench import Bench
from procedures import columns
from qdlab.config import PlanConfig, plan_cost, waiting_time
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
        costs = [cost for _, cost in plan_cost(plan)]
        self._points_planned = sum(cost.points for cost in costs)
        self._planned_time = waiting_time(plan) + sum(cost.duration for cost in costs)
        self._started = bench.clock.monotonic()
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
        elapsed = self._bench.clock.monotonic() - self._started
        self.tell(
            Progress(
                step=self.step,
                key=self.key,
                visit=self.visit,
                state=state,
                points_done=self.points_done,
                points_planned=self._points_planned,
                elapsed=elapsed,
                remaining=max(self._planned_time - elapsed, 0.0),
                prompt=prompt,
            )
        )

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
