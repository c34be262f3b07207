"""Exports, read back by the programs they are for: every number to the last bit, no text that calculates."""

import csv
import math
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymeasure.experiment import Results

from benchmarks.records.trials import DEVICE, JV_COLUMNS, new_session
from procedures import columns
from procedures.jv_sweep import JVSweep
from qdlab.cli import run_command_line
from qdlab.errors import ConfigError
from qdlab.export import export_sessions
from qdlab.export.cells import text_cell
from qdlab.records import Run, RunHeader, Session, open_session


def same_bits(found: list[float], expected: np.ndarray) -> bool:
    """Equal, with NaN like NaN and the sign of zero."""
    return [value.hex() for value in found] == [value.hex() for value in expected.tolist()]


def cells(path: Path, delimiter: str = ",") -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream, delimiter=delimiter))


def exported(session: Session, form: str, folder: Path, **options: bool) -> dict[str, Path]:
    paths = export_sessions([session], form, folder / form, **options)  # type: ignore[arg-type]
    return {path.stem: path for path in paths}


def runs_of(session: Session) -> list[Run]:
    assert len(session.runs) == 4
    return list(session.runs)


@pytest.mark.parametrize("decimal_comma", [False, True])
def test_an_origin_sheet_holds_every_number_under_name_unit_and_comment(
    session: Session, tmp_path: Path, decimal_comma: bool
) -> None:
    files = exported(session, "origin", tmp_path, decimal_comma=decimal_comma)
    for run in runs_of(session):
        names, units, comments, *rows = cells(files[run.name], ";" if decimal_comma else ",")
        assert len(rows) == len(run.rows)
        assert names[:3] == ["sequence", "time", "utc"] and names[-1] == "flags"
        for index, (heading, values) in enumerate(run.rows.values.items(), start=3):
            unit = f" ({units[index]})" if units[index] else " (1)"
            assert names[index] + unit == heading
            texts = [row[index].replace(",", ".") if decimal_comma else row[index] for row in rows]
            assert same_bits([float(text) if text else math.nan for text in texts], values)
        assert [row[-1] for row in rows] == [" ".join(sorted(words)) for words in run.rows.flags]
    assert comments[3] == "B1/S2/P3, TELSeries"


def test_pandas_reads_an_origin_sheet_with_decimal_commas(session: Session, tmp_path: Path) -> None:
    run = session.runs[-1]
    path = exported(session, "origin", tmp_path, decimal_comma=True)[run.name]
    table = pd.read_csv(path, sep=";", decimal=",", header=[0, 1, 2])
    light = table["Light current"].to_numpy(dtype=float).ravel()
    np.testing.assert_allclose(light, run.rows[columns.LIGHT_CURRENT], rtol=1e-15)


def test_pymeasure_loads_every_run_with_its_parameters(session: Session, tmp_path: Path) -> None:
    files = exported(session, "pymeasure", tmp_path)
    for run in runs_of(session)[:3]:
        results = Results.load(str(files[run.name]), procedure_class=JVSweep)
        assert results.procedure.compliance_current == JVSweep().compliance_current
        assert results.data["sequence"].tolist() == run.rows.sequence.tolist()
        found, table = results.data, pd.read_csv(files[run.name], comment="#", float_precision="round_trip")
        for heading, values in run.rows.values.items():
            assert same_bits(table[heading].to_numpy(dtype=float).tolist(), values)
            np.testing.assert_allclose(found[heading].to_numpy(dtype=float), values, rtol=1e-15)


def test_pymeasure_finds_our_procedures_by_the_name_in_the_file(session: Session, tmp_path: Path) -> None:
    first = exported(session, "pymeasure", tmp_path)[session.runs[0].name]
    text = first.read_text(encoding="utf-8")
    assert text.startswith("#Procedure: <procedures.jv_sweep.JVSweep>\n#Parameters:\n#\tBreakdown factor: ")
    assert "#\tDevice: B1/S2/P3\n" in text and "#\tEnd: finished\n" in text


def test_a_table_holds_the_rows_of_all_sessions(session: Session, closed: Session, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    assert session.path.name == closed.path.name
    assert export_sessions([session, closed], "table", path) == [path]
    head, *rows = cells(path)
    assert len(rows) == sum(len(run.rows) for one in (session, closed) for run in one.runs)
    for one in (session, closed):
        for run in one.runs:
            mine = [row for row in rows if row[:2] == [one.path.as_posix(), run.name]]
            assert {(row[2], row[3]) for row in mine} == {(run.header.procedure, run.header.device)}
            assert [int(row[4]) for row in mine] == run.rows.sequence.tolist()
            assert [float(row[5]) for row in mine] == run.rows.time.tolist()
            for heading in head[7:-1]:
                texts = [row[head.index(heading)] for row in mine]
                if heading in run.rows:
                    assert same_bits([float(text) for text in texts], run.rows[heading])
                else:
                    assert set(texts) == {""}


def test_a_parquet_table_holds_every_bit_of_every_row(
    session: Session, closed: Session, tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow (extra 'parquet') is not installed")
    path = tmp_path / "all.parquet"
    assert export_sessions([session, closed], "table", path) == [path]
    table = parquet.read_table(path)
    places = zip(table["session"].to_pylist(), table["run"].to_pylist(), strict=True)
    where = np.array([f"{session}//{run}" for session, run in places])
    for one in (session, closed):
        for run in one.runs:
            mine = table.filter(where == f"{one.path.as_posix()}//{run.name}")
            assert set(mine["device"].to_pylist()) == {run.header.device}
            assert mine["sequence"].to_pylist() == run.rows.sequence.tolist()
            assert [stamp.isoformat() for stamp in mine["utc"].to_pylist()] == [
                datetime.fromisoformat(stamp).isoformat() for stamp in run.rows.utc
            ]
            assert mine["flags"].to_pylist() == [" ".join(sorted(words)) for words in run.rows.flags]
            for heading in table.column_names[7:-1]:
                if heading in run.rows:
                    assert same_bits(mine[heading].to_pylist(), run.rows[heading])
                else:
                    assert mine[heading].null_count == len(run.rows)
    assert len(pd.read_parquet(path)) == len(where)


def test_parquet_has_no_decimal_comma(session: Session, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Parquet"):
        export_sessions([session], "table", tmp_path / "all.parquet", decimal_comma=True)
    assert not (tmp_path / "all.parquet").exists()


def test_a_folder_of_sessions_goes_into_one_table(session: Session, closed: Session, tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    folders = [str(session.path.parent), str(closed.path.parent)]
    assert run_command_line(["export", *folders, "--to", "table", "--output", str(path)]) == 0
    _, *rows = cells(path)
    assert len({row[0] for row in rows}) == 2


@pytest.fixture
def closed(tmp_path: Path) -> Session:
    from benchmarks.records.trials import closed_session

    return open_session(closed_session(tmp_path / "other"))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1", "'"])
def test_text_that_a_spreadsheet_would_calculate_is_only_text(text: str) -> None:
    cell = text_cell(text)
    assert cell[0] == "'" and cell[1:] == text


@pytest.mark.parametrize("form", ["origin", "table", "pymeasure"])
def test_no_cell_of_a_hostile_session_is_a_formula(tmp_path: Path, form: str) -> None:
    writer = new_session(tmp_path)
    heading = "=cmd|' /C calc'!A0 (V)"
    run = writer.open_run(
        RunHeader(
            procedure="JVSweep",
            parameters={"=HYPERLINK(1)": "=1"},
            device=DEVICE.identifier,
            columns=(heading, *JV_COLUMNS),
        )
    )
    run.write({heading: -1.0, **dict.fromkeys(JV_COLUMNS, 1.0)})
    writer.close()
    (path,) = export_sessions([open_session(writer.path)], form, tmp_path / "out")  # type: ignore[arg-type]
    table = [row for row in cells(path) if not row[0].startswith("#")]
    texts = {cell for row in table for cell in row if cell[:1] in tuple("=+-@")}
    assert texts == {"-1.0"}
    assert any(cell.startswith("'=cmd") for row in table for cell in row)


def test_a_plain_text_is_left_as_it_is() -> None:
    assert text_cell("B1/S2/P3") == "B1/S2/P3" and text_cell("") == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--to", "excel"), "origin, pymeasure, nexus, table"),
        (("--to", "nexus", "--decimal-comma"), "--decimal-comma"),
        (("--to", "table", "--output", "nowhere/table.csv"), "make it first"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    session: Session, words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["export", str(session.path), *words]) == 2
    assert message in capsys.readouterr().err


def test_two_sessions_go_into_a_table_only(session: Session) -> None:
    with pytest.raises(ConfigError, match="one session at a time"):
        export_sessions([session, session], "origin")
    with pytest.raises(ConfigError, match="--output"):
        export_sessions([session, session], "table")


def test_exports_go_into_the_session_and_leave_its_record_alone(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in ("origin", "pymeasure", "nexus", "table"):
        assert run_command_line(["export", str(session.path), "--to", form]) == 0
    assert run_command_line(["verify", str(session.path)]) == 0
    printed = capsys.readouterr().out
    assert "session.nxs" in printed and "intact" in printed
    assert sorted(path.name for path in (session.path / "exports").iterdir()) == [
        "origin",
        "pymeasure",
        "session.nxs",
        "table.csv",
    ]
