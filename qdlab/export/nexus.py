"""One NeXus/HDF5 file a session: NXiv_temp for J-V over temperature, NXsensor_scan for pulse series.

The definitions are those of nexusformat/definitions (contributed_definitions/NXiv_temp and NXsensor_scan).
Each entry holds every row twice: as recorded, point by point (`instrument/environment`, one NXsensor a
column), and on the grid of its set points (`data`), NaN where a set point was not measured.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain, count
from pathlib import Path

import h5py
import numpy as np

from analysis.curves import FloatArray, TELSeries
from analysis.device import Device
from procedures import columns
from qdlab.errors import RecordError
from qdlab.events import RowRecorded
from qdlab.export.cells import split_heading
from qdlab.records import Run, Session
from qdlab.records.curves import jv_curve, jv_point, tel_point, tel_series_of_rows
from qdlab.records.names import slug
from qdlab.records.resume import PointKey, final_rows, final_runs, run_chain

DEFINITIONS = "nexusformat/definitions, 2025"

_JV_SENSORS = {
    columns.VOLTAGE: "voltage_controller",
    columns.TEMPERATURE_SETPOINT: "temperature_controller",
    columns.CURRENT: "current_sensor",
}
_TEL_SENSORS = {
    columns.PULSE_AMPLITUDE: "pulse_amplitude_controller",
    columns.PULSE_WIDTH: "pulse_width_controller",
    columns.LIGHT_CURRENT: "light_current_sensor",
}
_NO_READINGS = (columns.SWEEP_DIRECTION, columns.REPEAT, columns.POINT_KIND)


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """A run without what a later one measured again, and its rows."""

    run: Run
    rows: list[RowRecorded]
    temperature: float


def write_nexus(session: Session, path: Path) -> list[Path]:
    """Write the J-V sweeps of every device as one NXiv_temp entry, every TEL run as one NXsensor_scan entry.

    Parameters
    ----------
    session : as read
    path : the file

    Returns
    -------
    paths : the one file

    Raises
    ------
    RecordError : no run of the session holds J-V or TEL points
    """
    sweeps = _sweeps(session)
    pulsed = [one for one in _measured(session, columns.PULSE_WIDTH, tel_point) if one.rows]
    if not sweeps and not pulsed:
        raise RecordError(f"{session.path}: holds neither J-V nor TEL points; there is nothing to export")
    with h5py.File(path, "w") as file:
        file.attrs.update(NX_class="NXroot", creator=f"qdlab {version('qdlab')}", default="entry1")
        number = 0
        for device, measured in sweeps.items():
            number += 1
            _write_sweeps(
                _group(file, f"entry{number}", "NXentry"), session, session.devices[device], measured
            )
        for one in pulsed:
            number += 1
            _write_pulsed(_group(file, f"entry{number}", "NXentry"), session, one)
    return [path]


def _sweeps(session: Session) -> dict[str, list[_Measured]]:
    """J-V sweeps by device; those without a temperature, set or measured, cannot be placed."""
    found: dict[str, list[_Measured]] = {}
    for one in _measured(session, columns.VOLTAGE, jv_point):
        if one.rows and np.isfinite(one.temperature):
            found.setdefault(one.run.header.device, []).append(one)
    return found


def _measured(session: Session, column: str, point: PointKey) -> list[_Measured]:
    runs = [run for run in session.runs if column in run.header.columns]
    found = []
    for run in final_runs(runs):
        rows = final_rows(run_chain(runs, run), point)
        temperature = _temperature(run, rows, session.devices[run.header.device])
        found.append(_Measured(run=run, rows=rows, temperature=temperature))
    return found


def _temperature(run: Run, rows: Sequence[RowRecorded], device: Device) -> float:
    """The set point; what was measured where there was none [K]."""
    setpoints = _column(rows, columns.TEMPERATURE_SETPOINT)
    if np.any(np.isfinite(setpoints)):
        return float(np.nanmedian(setpoints))
    curve = jv_curve(run.started, rows, device) if columns.VOLTAGE in run.header.columns else None
    return float("nan") if curve is None else curve.temperature


def _write_sweeps(entry: h5py.Group, session: Session, device: Device, measured: Sequence[_Measured]) -> None:
    _write_facts(entry, session, device, "NXiv_temp", measured)
    entry["title"] = f"J-V sweeps of {_without_nul(device.identifier)}"
    # the definition asks for elements; a device file names materials, and "QD" is no element
    entry["sample/atom_types"] = "not told"
    rows = [row for one in measured for row in one.rows]
    environment = _write_environment(entry, rows, _JV_SENSORS)
    setpoint = environment["temperature_controller/value"]
    told = [one.temperature for one in measured for _ in one.rows]
    setpoint[...] = np.where(np.isnan(setpoint[:]), told, setpoint[:])
    environment["independent_controllers"] = ["voltage_controller", "temperature_controller"]
    data = _group(entry, "data", "NXdata")
    data.attrs.update(signal="current", axes=["temperature", "voltage"])
    points = [_points(one.rows) for one in measured]
    grid = sorted({point for known in points for point in known}, key=_in_order_of_a_sweep)
    current = np.array([[known.get(point, np.nan) for point in grid] for known in points])
    _field(data, "temperature", [one.temperature for one in measured], "K")
    _field(data, "voltage", [point[0] for point in grid], "V")
    _field(data, "current", current, "A")
    names: Counter[str] = Counter()
    for one, values in zip(measured, current, strict=True):
        name = f"current_at_{one.temperature:g}K"
        names[name] += 1
        _field(data, name if names[name] == 1 else f"{name}_{names[name]}", values, "A")


_Point = tuple[float, float, float, int]  # set voltage, direction, repeat, and which of several such


def _points(rows: Sequence[RowRecorded]) -> dict[_Point, float]:
    """Current at every set point of one sweep [A]."""
    seen: Counter[tuple[float, ...]] = Counter()
    found: dict[_Point, float] = {}
    for row in rows:
        voltage, direction, repeat = key = jv_point(row.values)
        found[voltage, direction, repeat, seen[key]] = row.values.get(columns.CURRENT, np.nan)
        seen[key] += 1
    return found


def _in_order_of_a_sweep(point: _Point) -> tuple[float, ...]:
    voltage, direction, repeat, which = point
    return (which, repeat, -direction, voltage if direction >= 0 else -voltage)


def _write_pulsed(entry: h5py.Group, session: Session, one: _Measured) -> None:
    device = session.devices[one.run.header.device]
    _write_facts(entry, session, device, "NXsensor_scan", [one])
    entry["title"] = f"Transient electroluminescence of {_without_nul(device.identifier)}"
    environment = _write_environment(entry, one.rows, _TEL_SENSORS)
    environment["independent_controllers"] = ["pulse_amplitude_controller", "pulse_width_controller"]
    data = _group(entry, "data", "NXdata")
    data.attrs.update(signal="light_current", axes=["pulse_amplitude", "pulse_width"])
    series = tel_series_of_rows(one.run.started, one.rows)
    widths = sorted({float(width) for each in series for width in each.pulse_width})
    _field(data, "pulse_amplitude", [each.pulse_amplitude for each in series], "V")
    _field(data, "pulse_width", widths, "s")
    _field(data, "light_current", _on_grid(series, widths, lambda each: each.light_current), "A")
    _field(data, "light_current_errors", _on_grid(series, widths, lambda each: each.total_error), "A")


def _on_grid(
    series: Sequence[TELSeries], widths: Sequence[float], values: Callable[[TELSeries], FloatArray | None]
) -> FloatArray:
    """(amplitudes, widths) with NaN where a width was not measured, or has no error."""
    grid = np.full((len(series), len(widths)), np.nan)
    for line, each in zip(grid, series, strict=True):
        known = values(each)
        if known is not None:
            line[np.searchsorted(widths, each.pulse_width)] = known
    return grid


def _write_facts(
    entry: h5py.Group, session: Session, device: Device, definition: str, measured: Sequence[_Measured]
) -> None:
    """Who measured what, when, with which program; the session's own description word for word."""
    facts = session.document["session"]
    entry.attrs["default"] = "data"
    entry["definition"] = definition
    entry["definition"].attrs["version"] = DEFINITIONS
    identifier = _without_nul(facts.get("identifier", session.path.name))
    entry["identifier_experiment"] = f"{identifier}/{measured[0].run.name}"
    entry["identifier_collection"] = identifier
    entry["experiment_description"] = _without_nul(session.name)
    stamps = [row.utc for one in measured for row in one.rows]
    entry["start_time"] = _with_offset(min(one.run.utc for one in measured))
    entry["end_time"] = _with_offset(max(stamps))
    process = _group(entry, "process", "NXprocess")
    process["program"] = "qdlab"
    versions = facts.get("versions", {})
    process["program"].attrs["version"] = _without_nul(versions.get("qdlab", "unknown"))
    process["program"].attrs["program_url"] = "none: installed from its checkout"
    _group(entry, "user", "NXuser")["name"] = _without_nul(session.document.get("operator") or "not told")
    sample = _group(entry, "sample", "NXsample")
    sample["name"] = _without_nul(device.identifier)
    sample["description"] = _without_nul(", ".join(layer.material for layer in device.layers))
    _field(sample, "thickness", device.thickness.value, "m")
    note = _group(entry, "note", "NXnote")
    note["type"] = "application/toml"
    note["file_name"] = "session.toml"
    note["data"] = np.bytes_((session.path / "session.toml").read_bytes())


def _write_environment(
    entry: h5py.Group, rows: Sequence[RowRecorded], known_sensors: Mapping[str, str]
) -> h5py.Group:
    """Every column as an NXsensor, in the order of measurement; beside them flags and sequence numbers."""
    environment = _group(_group(entry, "instrument", "NXinstrument"), "environment", "NXenvironment")
    stamps = [_with_offset(row.utc) for row in rows]
    headings = dict.fromkeys(heading for row in rows for heading in row.values)
    names = _sensor_names(headings, known_sensors)
    for heading, name in names.items():
        sensor = _group(environment, name, "NXsensor")
        _field(sensor, "value", _column(rows, heading), split_heading(heading)[1])
        sensor["name"] = heading
        sensor["value_timestamp"] = stamps
        sensor["run_control"] = "set, wait, read, next"
        sensor["run_control"].attrs["description"] = "each row is one point, recorded before the next is set"
    setters = [name for name in names.values() if name.endswith("_controller")]
    environment["measurement_sensors"] = [
        name for heading, name in names.items() if name not in setters and heading not in _NO_READINGS
    ]
    points = _group(entry, "points", "NXcollection")
    points["sequence"] = [row.sequence for row in rows]
    points["run"] = [row.run for row in rows]
    points["flags"] = [" ".join(sorted(row.flags)) for row in rows]
    _field(points, "time", [row.time for row in rows], "s")
    return environment


def _sensor_names(headings: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
    """A name for every heading: letters, digits and underscores, no two alike."""
    names = dict(known)
    for heading in headings:
        if heading not in known:
            wanted = slug(split_heading(heading)[0]).lower().replace("-", "_")
            candidates = chain([wanted], (f"{wanted}_{number}" for number in count(2)))
            names[heading] = next(name for name in candidates if name not in names.values())
    return names


def _column(rows: Sequence[RowRecorded], heading: str) -> FloatArray:
    return np.array([row.values.get(heading, np.nan) for row in rows], dtype=np.float64)


def _group(parent: h5py.Group, name: str, nexus_class: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nexus_class
    return group


def _field(parent: h5py.Group, name: str, values: object, unit: str) -> None:
    parent[name] = np.asarray(values, dtype=np.float64)
    parent[name].attrs["units"] = unit


def _without_nul(told: object) -> str:
    """What `session.toml` tells, as a text HDF5 can hold: NUL would end it, and h5py refuses it."""
    return str(told).replace("\0", "\N{SYMBOL FOR NULL}")


def _with_offset(utc: str) -> str:
    return utc.removesuffix("Z") + "+00:00"
