"""One recorded session with everything an export must carry."""

from pathlib import Path

import pytest

from benchmarks.records.trials import DEVICE, JV_COLUMNS, jv_header, jv_row, new_session
from procedures import columns
from procedures.jv_sweep import JVSweep
from qdlab.records import RunHeader, Session, open_session

TEL_COLUMNS = (
    columns.PULSE_AMPLITUDE,
    columns.PULSE_WIDTH,
    columns.LIGHT_CURRENT,
    columns.LIGHT_CURRENT_ERROR,
    columns.BACKGROUND_CURRENT,
    columns.POINT_KIND,
    columns.SAMPLE_TEMPERATURE,
)
AWKWARD = (1 / 3, 5e-324, -1.7976931348623157e308, float("nan"), -0.0, 1e22)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """J-V up and back at 297, 277 and again 297 K, with awkward numbers; a TEL series of two amplitudes."""
    writer = new_session(tmp_path)
    for index, kelvin in enumerate((297.0, 277.0, 297.0)):
        header = jv_header(
            parameters=JVSweep().header_parameters(),
            columns=(*JV_COLUMNS, columns.TEMPERATURE_SETPOINT),
            conditions={"Temperature setpoint": kelvin},
        )
        run = writer.open_run(header)
        points = zip((0.0, 0.5, 1.0, 1.5, 1.0, 0.5)[: 6 - index], AWKWARD, strict=False)
        for number, (voltage, current) in enumerate(points):
            row = {**jv_row(voltage), columns.CURRENT: current, columns.TEMPERATURE_SETPOINT: kelvin}
            row[columns.SWEEP_DIRECTION] = 1.0 if number < 4 else -1.0
            run.write(row, {"compliance", "remeasured"} if voltage == 1.5 else ())
        run.end("finished")
    run = writer.open_run(
        RunHeader(procedure="TELSeries", parameters={}, device=DEVICE.identifier, columns=TEL_COLUMNS)
    )
    for amplitude, widths in ((4.0, (2e-5, 5e-5, 1e-4)), (4.5, (2e-5, 5e-5))):
        for width in widths:
            values = (amplitude, width, width / 3e4, 1e-12, 2.5e-13, 0.0, 297.001)
            run.write(dict(zip(TEL_COLUMNS, values, strict=True)))
    run.end("stopped", "operator asked")
    writer.close()
    return open_session(writer.path)
