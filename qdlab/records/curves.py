"""Rows to curves: what a run's rows mean to the analysis, the same for live, recorded and replayed ones."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from analysis.curves import JVCurve, TELSeries
from analysis.device import Device
from analysis.transit import UNTRUSTED_FLAGS
from procedures import columns
from qdlab.events import RowRecorded, RunStarted
from qdlab.records.resume import PointKey, final_rows, final_runs, run_chain
from qdlab.records.run import Run
from qdlab.records.session import Session

SERIES_POINT = 0.0  # value of `columns.POINT_KIND` for a point of the series itself
REFERENCE_POINT = 1.0  # the same for a reference pulse
ROOM_TEMPERATURE = "Room temperature"  # parameter of a run on a bench that measures no temperature

_JV_IDENTITY = (columns.VOLTAGE, columns.SWEEP_DIRECTION, columns.REPEAT)
_TEL_IDENTITY = (
    columns.PULSE_AMPLITUDE,
    columns.PULSE_WIDTH,
    columns.PULSE_PERIOD,
    columns.POINT_KIND,
    columns.REPEAT,
)


def jv_curves(session: Session, device: str | None = None) -> list[JVCurve]:
    """One curve per J-V sweep in the order of measurement; a resumed sweep is one curve.

    Parameters
    ----------
    session : as read
    device : identifier; None for every device
    """
    curves = [
        jv_curve(run.started, rows, session.devices[run.header.device])
        for run, rows in _measured(session, device, columns.VOLTAGE, jv_point)
    ]
    return [curve for curve in curves if curve is not None]


def tel_series(session: Session, device: str | None = None) -> list[TELSeries]:
    """One series per run and pulse amplitude in the order of measurement; a resumed run is one run."""
    return [
        series
        for run, rows in _measured(session, device, columns.PULSE_WIDTH, tel_point)
        for series in tel_series_of_rows(run.started, rows)
    ]


def rows_that_count(session: Session) -> list[RowRecorded]:
    """Every row of a session but those that a later run measured again, in the order they were recorded."""
    found = [
        row
        for run in final_runs(session.runs)
        for row in final_rows(run_chain(session.runs, run), _point_of(run))
    ]
    return sorted(found, key=lambda row: row.sequence)


def _point_of(run: Run) -> PointKey:
    if columns.PULSE_WIDTH in run.header.columns:
        return tel_point
    if columns.VOLTAGE in run.header.columns:
        return jv_point
    # what makes its points is not known: rows that differ are points that differ
    return lambda row: tuple(row.items())


def jv_point(row: Mapping[str, float]) -> tuple[float, ...]:
    """What makes a point of a J-V sweep the same point when it is measured again."""
    return tuple(row.get(heading, 0.0) for heading in _JV_IDENTITY)


def tel_point(row: Mapping[str, float]) -> tuple[float, ...]:
    """What makes a point of a TEL series the same point when it is measured again."""
    return tuple(row.get(heading, 0.0) for heading in _TEL_IDENTITY)


def _measured(
    session: Session, device: str | None, column: str, point: PointKey
) -> Iterator[tuple[Run, list[RowRecorded]]]:
    """Runs whose rows have the column, each with its rows and those of the runs it resumes."""
    runs = [run for run in session.runs if column in run.header.columns]
    for run in final_runs(runs):
        if device not in (None, run.header.device):
            continue
        yield run, final_rows(run_chain(runs, run), point)


def jv_curve(started: RunStarted, rows: Sequence[RowRecorded], device: Device) -> JVCurve | None:
    """The J-V curve of one run's rows; None where no row has a voltage and a temperature.

    Voltage is the measured one where the run recorded it, else the source's level; rows are positive on the
    injecting contact already. The temperature is the median over the rows that were within tolerance.
    """
    rows = [row for row in rows if math.isfinite(_voltage(row))]
    temperature = _temperature(started, rows)
    if not rows or not math.isfinite(temperature):
        return None
    current = np.array([row.values.get(columns.CURRENT, np.nan) for row in rows])
    permittivity = device.relative_permittivity
    return JVCurve(
        voltage=np.array([_voltage(row) for row in rows]),
        current_density=current / device.area.value,
        temperature=temperature,
        thickness=device.thickness.value,
        relative_permittivity=None if permittivity is None else permittivity.value,
        flags=tuple(_flags(row) for row in rows),
        label=f"{device.identifier} {temperature:.0f} K",
    )


def tel_series_of_rows(started: RunStarted, rows: Sequence[RowRecorded]) -> list[TELSeries]:
    """One series per pulse amplitude from one run's rows, in rising order of amplitude.

    Only points of the series itself count (backgrounds and checks do not, and reference pulses go beside
    them); the background was subtracted when they were recorded. Repeats at one width become their mean, with
    its standard error: the pickup's error is one for all repeats of a width, the dark reading's one for all
    points of a run. Rows that do not tell these two were recorded before they were told apart: their errors
    are taken as independent. One of unknown temperature is no series, as in `jv_curve`.
    """
    by_amplitude: dict[float, list[RowRecorded]] = defaultdict(list)
    references: dict[float, list[float]] = defaultdict(list)
    for row in rows:
        if _is_series_point(row):
            by_amplitude[row.values[columns.PULSE_AMPLITUDE]].append(row)
        elif row.values.get(columns.POINT_KIND) == REFERENCE_POINT and not row.flags & UNTRUSTED_FLAGS:
            references[row.values.get(columns.PULSE_AMPLITUDE, math.nan)].append(_light(row))
    return [
        _tel_series(started, amplitude, by_amplitude[amplitude], references[amplitude])
        for amplitude in sorted(by_amplitude)
        if math.isfinite(_temperature(started, by_amplitude[amplitude]))
    ]


def _is_series_point(row: RowRecorded) -> bool:
    values = row.values
    return bool(
        values.get(columns.POINT_KIND, SERIES_POINT) == SERIES_POINT
        and math.isfinite(_light(row))
        and math.isfinite(values.get(columns.PULSE_AMPLITUDE, np.nan))
        and 0 < values[columns.PULSE_WIDTH] < np.inf
    )


def _tel_series(
    started: RunStarted, amplitude: float, rows: list[RowRecorded], references: list[float]
) -> TELSeries:
    by_width: dict[float, list[RowRecorded]] = defaultdict(list)
    for row in rows:
        by_width[row.values[columns.PULSE_WIDTH]].append(row)
    widths = sorted(by_width)
    for width, repeats in by_width.items():
        # where all of them are flagged, so is the point
        by_width[width] = [row for row in repeats if not row.flags & UNTRUSTED_FLAGS] or repeats
    points = [_mean_light(by_width[width]) for width in widths]
    runs = sorted({row.run for row in rows})
    shared = np.array([[_dark_error(by_width[width], run) for width in widths] for run in runs])
    device_voltages = [row.values.get(columns.DEVICE_VOLTAGE, np.nan) for row in rows]
    known = [voltage for voltage in device_voltages if math.isfinite(voltage)]
    errors = np.array([error for _, error in points])
    return TELSeries(
        pulse_width=np.array(widths),
        light_current=np.array([light for light, _ in points]),
        light_current_error=errors if np.all(np.isfinite(errors)) else None,
        shared_error=shared if np.any(shared) else None,
        reference_light=np.array(references) if references else None,
        pulse_amplitude=amplitude,
        device_voltage=float(np.median(known)) if known else None,
        temperature=_temperature(started, rows),
        flags=tuple(frozenset().union(*(row.flags for row in by_width[width])) for width in widths),
        label=f"{amplitude:g} V",
    )


def _mean_light(rows: list[RowRecorded]) -> tuple[float, float]:
    """Mean light current of the repeats at one width, and its error without the dark reading's [A]."""
    light = np.array([_light(row) for row in rows])
    errors = np.array([row.values.get(columns.LIGHT_CURRENT_ERROR, np.nan) for row in rows])
    pickups: dict[str, float] = defaultdict(float)
    for row in rows:
        pickups[row.run] += _error(row, columns.PICKUP_ERROR)
    if np.all(np.isfinite(errors)):
        shared = np.array(
            [_error(row, columns.DARK_ERROR) ** 2 + _error(row, columns.PICKUP_ERROR) ** 2 for row in rows]
        )
        own = np.sqrt(np.sum(np.maximum(errors**2 - shared, 0.0))) / len(rows)
    else:
        own = light.std(ddof=1) / np.sqrt(len(light)) if len(light) > 1 else np.nan
    return float(light.mean()), math.hypot(own, math.hypot(*pickups.values()) / len(rows))


def _dark_error(rows: list[RowRecorded], run: str) -> float:
    """What one standard deviation of a run's dark reading does to the mean light of these rows [A]."""
    return sum(_error(row, columns.DARK_ERROR) for row in rows if row.run == run) / len(rows)


def _error(row: RowRecorded, heading: str) -> float:
    """The error in a column [A]; 0 where it was not recorded."""
    error = row.values.get(heading, 0.0)
    return error if math.isfinite(error) else 0.0


def _light(row: RowRecorded) -> float:
    """Light current as recorded: the procedure has subtracted the background that stands beside it."""
    return row.values.get(columns.LIGHT_CURRENT, np.nan)


def _voltage(row: RowRecorded) -> float:
    measured = row.values.get(columns.MEASURED_VOLTAGE, np.nan)
    return measured if math.isfinite(measured) else row.values.get(columns.VOLTAGE, np.nan)


def _flags(row: RowRecorded) -> frozenset[str]:
    back = row.values.get(columns.SWEEP_DIRECTION, 1.0) < 0
    return row.flags | {"down"} if back else row.flags


def _temperature(started: RunStarted, rows: Sequence[RowRecorded]) -> float:
    """Median temperature of the sample, else of the stage, else what the bench file says of the room [K]."""
    within = [row for row in rows if "outside-temperature" not in row.flags] or list(rows)
    for column in (columns.SAMPLE_TEMPERATURE, columns.STAGE_TEMPERATURE):
        readings = np.array([row.values.get(column, np.nan) for row in within])
        believed = readings[np.isfinite(readings) & (readings > 0)]
        if len(believed):
            return float(np.median(believed))
    return float(started.parameters.get(ROOM_TEMPERATURE, np.nan))
