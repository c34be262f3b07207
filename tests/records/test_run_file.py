"""The run file: what is written, what is read back, and what is refused."""

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.records.trials import DEVICE, JV_COLUMNS, jv_header, jv_row, new_session
from procedures import columns
from qdlab.errors import RecordError
from qdlab.records import RunHeader, SessionWriter, read_run
from qdlab.records.run_file import decode_value


@pytest.fixture
def session(tmp_path: Path) -> SessionWriter:
    return new_session(tmp_path)


def test_a_run_comes_back_as_it_was_recorded(session: SessionWriter) -> None:
    run = session.open_run(jv_header(predecessor="0000-earlier"))
    recorded = [run.write(jv_row(voltage), {"compliance", "down"}) for voltage in (0.1, 1 / 3, 2.5)]
    run.end("stopped", 'because "enough", said\nthe operator: µ')
    read = read_run(run.path)
    assert read.recorded_rows() == recorded
    assert read.started == run.started
    assert (read.end, read.reason) == ("stopped", 'because "enough", said\nthe operator: µ')
    assert read.header.parameters["Voltages"] == (0.0, 0.5, 1.0)
    assert read.header.conditions["Boxes"] == {"source_meter": "Keithley 2400, serial 1"}
    assert read.header.predecessor == "0000-earlier"


def test_numbers_keep_every_bit(session: SessionWriter) -> None:
    numbers = [1 / 3, 5e-324, 1.7976931348623157e308, -0.0, math.inf, -math.inf, math.nan, 1e-300]
    run = session.open_run(jv_header(columns=["Current (A)"]))
    for number in numbers:
        run.write({"Current (A)": np.float64(number)})
    read = read_run(run.path).rows["Current (A)"]
    assert read.tobytes() == np.array(numbers).tobytes()


def test_columns_left_out_are_nan_and_unknown_ones_are_refused(session: SessionWriter) -> None:
    run = session.open_run(jv_header())
    row = run.write({columns.VOLTAGE: 1.0})
    assert math.isnan(row.values[columns.CURRENT])
    with pytest.raises(ValueError, match="Curent"):
        run.write({"Curent (A)": 1.0})


def test_every_line_is_what_the_format_says(session: SessionWriter) -> None:
    """The check by hand, from the words of the format alone."""
    run = session.open_run(jv_header())
    run.write(jv_row(0.5))
    run.end("finished")
    text = run.path.read_bytes()
    header, after = text.split(b"\nsequence,")
    header = header + b"\nsequence," + after.split(b"\n")[0] + b"\n"
    row, end = text[len(header) :].split(b"\n")[:2]
    content, check = row.rsplit(b",", 1)
    seed = "x" + hashlib.sha256(header).hexdigest()[:16]
    assert check.decode() == "x" + hashlib.sha256(seed.encode() + content).hexdigest()[:16]
    told = end.split(b" sha256=")[1].decode()
    assert told == hashlib.sha256(text[: text.index(b" sha256=")]).hexdigest()


def test_a_torn_last_row_is_left_out(session: SessionWriter) -> None:
    run = session.open_run(jv_header())
    run.write(jv_row(0.5))
    run.write(jv_row(1.0))
    text = run.path.read_bytes()
    run.path.write_bytes(text[:-30])
    read = read_run(run.path)
    assert read.interrupted
    assert read.rows[columns.VOLTAGE].tolist() == [0.5]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (b",0.5,", b",0.6,", 19),
        (b"Z,1.0,", b"Z,1.1,", 20),
        (b"0.01 A", b"0.02 A", 16),
        (b"rows=2", b"rows=3", 21),
    ],
)
def test_a_changed_line_is_named(session: SessionWriter, old: bytes, new: bytes, line: int) -> None:
    run = session.open_run(jv_header())
    run.write(jv_row(0.5))
    run.write(jv_row(1.0))
    run.end("finished")
    text = run.path.read_bytes()
    assert old in text
    run.path.write_bytes(text.replace(old, new, 1))
    with pytest.raises(RecordError, match=rf"{run.path.name}: line {line} "):
        read_run(run.path)


def test_a_format_too_new_is_refused_with_that_sentence(session: SessionWriter) -> None:
    path = session.open_run(jv_header()).path
    path.write_bytes(path.read_bytes().replace(b"qdlab-run 1", b"qdlab-run 7"))
    with pytest.raises(RecordError, match="format 7 is newer than this qdlab reads"):
        read_run(path)


def test_other_files_are_not_run_files(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("#Procedure: <os.abort>\n", encoding="utf-8")
    with pytest.raises(RecordError, match="not a run file"):
        read_run(path)


def test_an_ended_run_takes_no_row(session: SessionWriter) -> None:
    run = session.open_run(jv_header())
    first = run.end("aborted", "window closed")
    assert run.end("finished") is first
    with pytest.raises(RecordError, match="has ended"):
        run.write(jv_row(0.5))


@pytest.mark.parametrize(
    "header",
    [
        {"procedure": "os.abort"},
        {"columns": ["Current, light (A)"]},
        {"columns": ["Current #2 (A)"]},
        {"columns": ["utc"]},
        {"columns": ["A", "A"]},
        {"columns": []},
        {"parameters": {"a: b": 1}},
        {"parameters": {"a\nb": 1}},
    ],
)
def test_a_header_that_no_reader_could_take_apart_is_refused(header: dict) -> None:
    with pytest.raises(ValueError, match=r".+"):
        jv_header(**header)


def test_text_that_looks_like_a_number_stays_text_in_conditions(session: SessionWriter) -> None:
    told = {
        "Serial": "0412",
        "Lot": "7 V",
        "Empty": "",
        "Switch": "True",
        "Number": 7,
        "Words": "line\nbreak",
    }
    run = session.open_run(jv_header(conditions=told))
    assert read_run(run.path).header.conditions == told


def test_a_flag_is_a_word(session: SessionWriter) -> None:
    run = session.open_run(jv_header())
    with pytest.raises(ValueError, match="flag"):
        run.write(jv_row(0.5), {"not a word"})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7.0 V", 7.0),
        ("1e-06 A/m**2", 1e-6),
        ("5", 5),
        ("nan", math.nan),
        ("-inf V", -math.inf),
        ("True", True),
        ("none", None),
        ("[0.0;0.5] V", (0.0, 0.5)),
        ("[] V", ()),
        ("up_down", "up_down"),
        ("3 apples and pears", "3 apples and pears"),
        ('{"a": [1]}', {"a": [1]}),
        ('"quoted"', "quoted"),
        ("{not json", "{not json"),
    ],
)
def test_a_parameter_is_read_as_a_number_where_it_is_one(text: str, value: object) -> None:
    found = decode_value(text)
    assert type(found) is type(value)
    assert found == value or (found != found and value != value)


def test_sessions_number_their_lines_through_all_files(closed_session: Path) -> None:
    runs = [read_run(path) for path in sorted((closed_session / "runs").iterdir())]
    assert [run.name for run in runs] == ["0001-JVSweep-B1-S2-P3", "0002-JVSweep-B1-S2-P3"]
    assert runs[0].rows.sequence[-1] < runs[1].sequence < runs[1].rows.sequence[0]
    assert runs[0].header.columns == JV_COLUMNS
    assert runs[0].header.device == DEVICE.identifier


def test_a_header_needs_no_conditions() -> None:
    header = RunHeader(procedure="Wait", parameters={}, device="", columns=["Time (s)"])
    assert header.conditions == {}
