"""How fast sessions are written, checked, opened and replayed."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.records.trials import jv_header, jv_row, new_session
from procedures import columns
from qdlab.records import verify_session
from qdlab.replay import open_replay

TEL_COLUMNS = (
    columns.PULSE_AMPLITUDE,
    columns.PULSE_WIDTH,
    columns.PULSE_PERIOD,
    columns.LIGHT_CURRENT,
    columns.LIGHT_CURRENT_ERROR,
    columns.POINT_KIND,
    columns.SAMPLE_TEMPERATURE,
)


def acknowledged_rows(folder: Path, count: int) -> np.ndarray:
    """Seconds from handing a row over until it is on the disk, for each of `count` rows."""
    session = new_session(folder)
    run = session.open_run(jv_header())
    row = jv_row(0.5)
    taken = np.empty(count)
    for index in range(count):
        started = time.perf_counter()
        run.write(row)
        taken[index] = time.perf_counter() - started
    session.close("aborted")
    return taken


def large_session(folder: Path, rows: int, *, jv_runs: int = 5, jv_points: int = 60) -> Path:
    """A long night: some J-V sweeps, then pulses until there are so many rows; telemetry and notes."""
    session = new_session(folder)
    for number in range(jv_runs):
        run = session.open_run(jv_header())
        session.telemetry({columns.STAGE_TEMPERATURE: 297.0})
        run.write_many((jv_row(voltage), ()) for voltage in np.geomspace(0.1, 7.0, jv_points).tolist())
        run.end("finished")
        session.journal("note", f"sweep {number} done")
    pulses = session.open_run(jv_header(procedure="TELSeries", columns=TEL_COLUMNS))
    widths = np.linspace(2e-6, 1e-4, rows - jv_runs * jv_points).tolist()
    for first in range(0, len(widths), 5000):
        pulses.write_many((tel_row(width), ()) for width in widths[first : first + 5000])
    pulses.end("finished")
    session.close()
    return session.path


def tel_row(width: float) -> dict[str, float]:
    """One pulse width at 6 V."""
    return {
        columns.PULSE_AMPLITUDE: 6.0,
        columns.PULSE_WIDTH: width,
        columns.PULSE_PERIOD: 1e-3,
        columns.LIGHT_CURRENT: 1e-3 * max(width - 2e-5, 0.0),
        columns.LIGHT_CURRENT_ERROR: 1e-11,
        columns.POINT_KIND: 0.0,
        columns.SAMPLE_TEMPERATURE: 297.0,
    }


def seconds(action: Callable[[], object]) -> float:
    """How long something takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def measure_large_session(folder: Path, rows: int) -> dict[str, float]:
    """Seconds for everything one does with a large session."""
    path = large_session(folder, rows)
    taken = {"verify": seconds(lambda: verify_session(path))}
    started = time.perf_counter()
    replay = open_replay(path)
    replay.seek(500)
    assert replay.screen.jv.runs
    taken["first plot"] = time.perf_counter() - started
    replay = open_replay(path)
    taken["replay"] = taken["first plot"] + seconds(lambda: replay.seek(len(replay)))
    places = np.random.default_rng(1).integers(0, len(replay), 50).tolist()
    taken["seek"] = max(seconds(lambda place=place: replay.seek(place)) for place in places)
    return taken
