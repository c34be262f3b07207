"""Files between PyMeasure, pandas and us, in both directions."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymeasure.experiment import BooleanParameter, FloatParameter, Parameter, Procedure, Results

from procedures import columns
from procedures.jv_sweep import JVSweep
from procedures.tel_series import TELSeriesMeasurement
from qdlab.errors import ImportRefused
from qdlab.records import RunHeader, open_session
from qdlab.records.curves import jv_point, tel_point
from qdlab.records.pymeasure_csv import read_pymeasure_csv


class Peer(Procedure):
    """Somebody else's procedure."""

    voltage = FloatParameter("Maximum voltage", units="V", default=1.5)
    sample = Parameter("Sample", default="B1: µ")
    four_wire = BooleanParameter("Four wire", default=True)

    DATA_COLUMNS = ["Voltage (V)", "Current (A)", "Comment"]


@pytest.fixture
def peer_file(tmp_path: Path) -> Path:
    """A file as PyMeasure 0.16 writes it, by PyMeasure."""
    path = tmp_path / "peer.csv"
    results = Results(Peer(), str(path))
    rows = [(0.0, 1e-9, "first"), (0.5, float("nan"), "no contact"), (1.0, 1 / 3, "")]
    with path.open("a", encoding="utf-8", newline="\n") as stream:
        for voltage, current, comment in rows:
            row = {"Voltage (V)": voltage, "Current (A)": current, "Comment": comment}
            stream.write(results.format(row) + "\n")
    return path


def test_a_pymeasure_file_is_read_without_its_procedure(peer_file: Path) -> None:
    read = read_pymeasure_csv(peer_file)
    assert read.procedure.endswith(".Peer")
    assert read.parameters["Maximum voltage"] == 1.5
    assert read.parameters["Four wire"] is True
    assert np.array_equal(read.columns["Current (A)"], [1e-9, np.nan, 1 / 3], equal_nan=True)
    assert read.columns["Comment"] == ("first", "no contact", "")
    assert not read.torn


def test_a_torn_last_row_is_left_out_and_not_read_as_another_number(peer_file: Path) -> None:
    whole = peer_file.read_bytes()
    for size in range(whole.rindex(b"1.0,"), len(whole)):
        peer_file.write_bytes(whole[:size])
        read = read_pymeasure_csv(peer_file)
        assert read.columns["Voltage (V)"].tolist() == [0.0, 0.5]  # type: ignore[union-attr]


def test_a_file_that_names_code_is_only_text(peer_file: Path) -> None:
    text = peer_file.read_text(encoding="utf-8")
    peer_file.write_text("#Procedure: <antigravity.run>\n" + text.partition("\n")[2], encoding="utf-8")
    assert read_pymeasure_csv(peer_file).procedure == "antigravity.run"
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "#Procedure: <x.Y>\n", "#Procedure: <x.Y>\na,b\n1,2,3\n"])
def test_what_is_no_results_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ImportRefused):
        read_pymeasure_csv(path)


class OurColumns(Procedure):
    """What it takes to load one of our run files into PyMeasure."""

    voltages = Parameter("Voltages", default="")
    compliance_current = FloatParameter("Compliance current", units="A", default=0.1)

    DATA_COLUMNS = ["sequence"]


def test_pymeasure_loads_our_run_files(closed_session: Path) -> None:
    run = open_session(closed_session).runs[0]
    results = Results.load(str(closed_session / "runs" / f"{run.name}.csv"), procedure_class=OurColumns)
    assert results.procedure.compliance_current == 0.01
    assert results.procedure.voltages == "[0.0;0.5;1.0] V"
    for heading, values in run.rows.values.items():
        assert results.data[heading].to_numpy(dtype=float).tolist() == values.tolist()


def test_pymeasure_loads_our_run_files_with_our_procedure(tmp_path: Path) -> None:
    from benchmarks.records.trials import DEVICE, jv_row, new_session

    procedure = JVSweep()
    procedure.voltages = (0.0, 0.5, 1 / 3)
    session = new_session(tmp_path)
    run = session.open_run(
        RunHeader(
            procedure="JVSweep",
            parameters=procedure.header_parameters(),
            device=DEVICE.identifier,
            columns=JVSweep.DATA_COLUMNS,
        )
    )
    run.write(jv_row(1 / 3))
    run.end("finished")
    loaded = Results.load(str(run.path), procedure_class=JVSweep)
    assert loaded.procedure.voltages == (0.0, 0.5, 1 / 3)
    assert loaded.procedure.compliance_current == procedure.compliance_current
    assert loaded.data[columns.VOLTAGE].tolist() == [1 / 3]


def test_pandas_reads_our_run_files_to_the_last_bit(closed_session: Path) -> None:
    run = open_session(closed_session).runs[0]
    path = closed_session / "runs" / f"{run.name}.csv"
    table = pd.read_csv(path, comment="#", float_precision="round_trip")
    assert table[columns.CURRENT].tolist() == run.rows[columns.CURRENT].tolist()
    assert table["sequence"].tolist() == run.rows.sequence.tolist()
    assert table["check"].str.startswith("x").all()
    assert list(table.columns) == ["sequence", "time (s)", "utc", *run.header.columns, "flags", "check"]


def test_points_are_the_same_for_resuming_and_for_curves() -> None:
    row = {heading: float(index) for index, heading in enumerate(JVSweep.DATA_COLUMNS)}
    assert jv_point(row) == JVSweep.point_key(row)
    row = {heading: float(index) for index, heading in enumerate(TELSeriesMeasurement.DATA_COLUMNS)}
    assert tel_point(row) == TELSeriesMeasurement.point_key(row)
