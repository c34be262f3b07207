"""A small session made the same way every time, and ways to break it; tests use them too."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from analysis.device import Device, Layer
from analysis.estimate import Estimate
from procedures import columns
from qdlab.records import RunHeader, SessionWriter, device_to_document
from qdlab.records.storage import DISK, Storage

DEVICE = Device(
    identifier="B1/S2/P3",
    layers=(
        Layer(
            material="QD",
            thickness=Estimate(value=110e-9, standard_error=3e-9),
            relative_permittivity=Estimate(value=3.6),
        ),
    ),
    active_layers=("QD",),
    area=Estimate(value=4e-6),
)
FILM = {
    "identifier": "li2024/hole-only/1",
    "layers": [{"material": "QD", "thickness": "110 nm", "relative_permittivity": 4.0}],
    "active_layers": ["QD"],
    "area": "4 mm2",
    "simulated_as": "li2024-hole-only-110nm",
}
DIODE = {
    "identifier": "li2024/light-emitting/1",
    "layers": [{"material": "stack", "thickness": "95 nm"}],
    "active_layers": ["stack"],
    "area": "4 mm2",
    "built_in_voltage": "2 V",
    "simulated_as": "li2024-qled",
}
"""The two devices of the simulated bench, as device files hold them."""

JV_COLUMNS = (
    columns.VOLTAGE,
    columns.CURRENT,
    columns.SWEEP_DIRECTION,
    columns.REPEAT,
    columns.SAMPLE_TEMPERATURE,
)


class StepClock:
    """A quarter of a second passes whenever anybody looks."""

    def __init__(self, start: datetime = datetime(2026, 11, 22, 8, tzinfo=UTC)) -> None:
        self.start = start
        self.seconds = 100.0
        self.shift = timedelta()

    def monotonic(self) -> float:
        self.seconds += 0.25
        return self.seconds

    def utc(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds - 100.0) + self.shift

    def wait(self, seconds: float) -> None:
        self.seconds += seconds


def jv_header(**changes: object) -> RunHeader:
    facts: dict = {
        "procedure": "JVSweep",
        "parameters": {"Voltages": "[0.0;0.5;1.0] V", "Compliance current": "0.01 A", "Repeats": "1"},
        "device": DEVICE.identifier,
        "columns": JV_COLUMNS,
        "conditions": {"Temperature setpoint": 297.0, "Boxes": {"source_meter": "Keithley 2400, serial 1"}},
    }
    return RunHeader(**{**facts, **changes})


def jv_row(voltage: float, scale: float = 1e-6) -> dict[str, float]:
    return {
        columns.VOLTAGE: voltage,
        columns.CURRENT: scale * voltage**2 / 3,
        columns.SWEEP_DIRECTION: 1.0,
        columns.REPEAT: 0.0,
        columns.SAMPLE_TEMPERATURE: 296.98,
    }


def new_session(
    folder: Path,
    *,
    storage: Storage = DISK,
    clock: StepClock | None = None,
    identifier: str = "0123456789abcdef",
) -> SessionWriter:
    return SessionWriter.create(
        folder,
        name="two runs",
        document={
            "operator": "A. Nyquist",
            "devices": [device_to_document(DEVICE)],
            "limits": {"voltage": 8.0},
        },
        clock=clock or StepClock(),
        storage=storage,
        identifier=identifier,
    )


def record_two_runs(
    session: SessionWriter, acknowledged: Callable[[int], None] = lambda number: None
) -> None:
    """6 + 4 rows, telemetry and a note, always the same; `acknowledged` hears of every number."""

    def heard(event: object) -> None:
        acknowledged(event.sequence)  # type: ignore[attr-defined]

    heard(session.journal("note", "cold finger at 297 K, µ-meter warm"))
    for index, scale in enumerate((1e-6, 2e-6)):
        run = session.open_run(jv_header())
        heard(run.started)
        heard(session.telemetry({columns.STAGE_TEMPERATURE: 297.01, columns.HEATER_OUTPUT: 0.1}))
        for voltage in (0.0, 0.5, 1.0)[: 3 - index]:
            heard(run.write(jv_row(voltage, scale), {"compliance"} if voltage == 1.0 else ()))
        for row in run.write_many([(jv_row(voltage, scale), ()) for voltage in (1.5, 2.0, 2.5)[: 3 - index]]):
            heard(row)
        run.end("finished" if index == 0 else "stopped", "" if index == 0 else "operator asked")


def closed_session(folder: Path, **options: Any) -> Path:
    """The session of `record_two_runs`, closed."""
    session = new_session(folder, **options)
    record_two_runs(session)
    session.close()
    return session.path


def interrupted_session(folder: Path) -> Path:
    """The same as a kill leaves it, in the middle of a third run."""
    session = new_session(folder)
    record_two_runs(session)
    run = session.open_run(jv_header())
    run.write(jv_row(0.5))
    run.write(jv_row(1.0))
    session.abandon()
    return session.path
