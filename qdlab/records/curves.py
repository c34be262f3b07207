"""The curves that a session's runs hold, as the analysis wants them."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from analysis.curves import JVCurve, TELSeries
from analysis.device import Device
from procedures import columns
from qdlab.errors import RecordError
from qdlab.records.resume import final_runs, final_table, run_chain
from qdlab.records.run import Rows, Run
from qdlab.records.session import Session

JV_PROCEDURE = "JVSweep"
TEL_PROCEDURE = "TELSeries"
_TEL_NAMES = (TEL_PROCEDURE, "TELSeriesMeasurement")
_SERIES = 0.0
_TEL_IDENTITY = (
    columns.PULSE_AMPLITUDE,
    columns.PULSE_WIDTH,
    columns.PULSE_PERIOD,
    columns.POINT_KIND,
    columns.REPEAT,
)


def jv_curves(session: Session, device: str | None = None) -> list[JVCurve]:
    """One curve per J-V sweep, in the order of measurement; a resumed sweep is one curve.

    Parameters
    ----------
    session : as read
    device : identifier; None for every device
    """
    return [
        jv_curve(
            table, session.devices[run.header.device], temperature=_temperature(run, table), label=run.name
        )
        for run, table in _tables(session, (JV_PROCEDURE,), device, jv_point)
        if len(table)
    ]


def tel_series(session: Session, device: str | None = None) -> list[TELSeries]:
    """One series per pulse amplitude and run, in the order of measurement; a resumed run is one run."""
    series: list[TELSeries] = []
    for run, table in _tables(session, _TEL_NAMES, device, tel_point):
        series += tel_series_of(table, temperature=_temperature(run, table), label=run.name)
    return series


def jv_curve(rows: Rows, device: Device, *, temperature: float, label: str = "") -> JVCurve:
    """A curve from the rows of a sweep: current per area, positive on the injecting contact."""
    measured = rows[columns.MEASURED_VOLTAGE] if columns.MEASURED_VOLTAGE in rows else rows[columns.VOLTAGE]
    voltage = np.where(np.isfinite(measured), measured, rows[columns.VOLTAGE])
    keep = np.isfinite(voltage)
    permittivity = device.relative_permittivity
    return JVCurve(
        voltage=device.polarity * voltage[keep],
        current_density=device.polarity * rows[columns.CURRENT][keep] / device.area.value,
        temperature=temperature,
        thickness=device.thickness.value,
        relative_permittivity=None if permittivity is None else permittivity.value,
        flags=_selected(rows.flags, keep),
        label=label,
    )


def tel_series_of(rows: Rows, *, temperature: float, label: str = "") -> list[TELSeries]:
    """One series per pulse amplitude from a run's rows, without reference, background and pickup points."""
    amplitudes, widths = rows[columns.PULSE_AMPLITUDE], rows[columns.PULSE_WIDTH]
    in_series = np.isfinite(amplitudes) & (widths > 0)
    if columns.POINT_KIND in rows:
        in_series &= rows[columns.POINT_KIND] == _SERIES
    found = []
    for amplitude in dict.fromkeys(amplitudes[in_series].tolist()):
        keep = in_series & (amplitudes == amplitude)
        found.append(
            TELSeries(
                pulse_width=widths[keep],
                light_current=rows[columns.LIGHT_CURRENT][keep],
                pulse_amplitude=amplitude,
                temperature=temperature,
                device_voltage=_median(rows, columns.DEVICE_VOLTAGE, keep),
                light_current_error=_known(rows, columns.LIGHT_CURRENT_ERROR, keep),
                flags=_selected(rows.flags, keep),
                label=label,
            )
        )
    return found


def jv_point(row: Mapping[str, float]) -> tuple[float, ...]:
    """What makes a point of a J-V sweep the same point when it is measured again."""
    return row[columns.VOLTAGE], row.get(columns.SWEEP_DIRECTION, 1.0), row.get(columns.REPEAT, 0.0)


def tel_point(row: Mapping[str, float]) -> tuple[float, ...]:
    """What makes a point of a TEL series the same point when it is measured again."""
    identity = (
        columns.PULSE_AMPLITUDE,
        columns.PULSE_WIDTH,
        columns.PULSE_PERIOD,
        columns.POINT_KIND,
        columns.REPEAT,
    )
    return tuple(row.get(heading, 0.0) for heading in identity)


def _tables(session: Session, procedures: tuple[str, ...], device: str | None, key) -> list[tuple[Run, Rows]]:
    runs = [run for run in session.runs if run.header.procedure in procedures]
    chosen = [run for run in final_runs(runs) if device in (None, run.header.device)]
    for run in chosen:
        if run.header.device not in session.devices:
            raise RecordError(
                f"{session.path}: run {run.name} names device {run.header.device!r}, "
                "which session.toml does not describe"
            )
    return [(run, final_table(run_chain(runs, run), key)) for run in chosen]


def _temperature(run: Run, rows: Rows) -> float:
    """The sample's median temperature [K]; else the stage's, else what was asked for."""
    for heading in (columns.SAMPLE_TEMPERATURE, columns.STAGE_TEMPERATURE, columns.TEMPERATURE_SETPOINT):
        found = _median(rows, heading, np.ones(len(rows), dtype=bool))
        if found is not None:
            return found
    for told in (run.header.conditions, run.header.parameters):
        for name in ("Temperature setpoint", "Temperature"):
            value = told.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
    raise RecordError(f"run {run.name} holds no temperature; record one, or give it as a condition")


def _median(rows: Rows, heading: str, keep: npt.NDArray[np.bool_]) -> float | None:
    values = rows[heading][keep] if heading in rows else np.empty(0)
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else None


def _known(rows: Rows, heading: str, keep: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64] | None:
    values = rows[heading][keep] if heading in rows else np.full(1, np.nan)
    return values if np.all(np.isfinite(values)) else None


def _selected(flags: tuple[frozenset[str], ...], keep: npt.NDArray[np.bool_]) -> tuple[frozenset[str], ...]:
    return tuple(words for words, kept in zip(flags, keep, strict=True) if kept)
