"""Files as people have them: every dialect that is read, and every one that is asked about or refused."""

import math
from pathlib import Path

import numpy as np
import pytest

from qdlab.errors import ImportRefused
from qdlab.importers import import_jv_files

NAME = "film_110nm_297K.txt"
VOLTAGE = [0.1, 0.5, 1.5, 2.5]
MILLIAMPERE_PER_SQUARE_CENTIMETRE = [0.01, 0.25, 2.25, 6.25]


def write(folder: Path, content: str | bytes, name: str = NAME) -> Path:
    path = folder / name
    if isinstance(content, str):
        content = content.encode("utf-8")
    path.write_bytes(content)
    return path


def rows(separator: str, decimal: str = ".", header: str = "") -> str:
    lines = [
        f"{volt}{separator}{current}".replace(".", decimal)
        for volt, current in zip(VOLTAGE, MILLIAMPERE_PER_SQUARE_CENTIMETRE, strict=True)
    ]
    return header + "\r\n".join(lines)


def assert_is_the_curve(path: Path, **options: object) -> None:
    (curve,) = import_jv_files(path, **options)
    np.testing.assert_allclose(curve.voltage, VOLTAGE)
    np.testing.assert_allclose(curve.current_density, np.array(MILLIAMPERE_PER_SQUARE_CENTIMETRE) * 10)
    assert curve.thickness == pytest.approx(110e-9)
    assert curve.temperature == 297.0


@pytest.mark.parametrize("separator", ["\t", ",", ";", "  ", ", "])
def test_two_columns_are_read_in_every_separator(tmp_path: Path, separator: str) -> None:
    assert_is_the_curve(write(tmp_path, rows(separator)), unit="mA/cm2")


@pytest.mark.parametrize("separator", ["\t", ";", "  "])
def test_decimal_commas_are_read(tmp_path: Path, separator: str) -> None:
    assert_is_the_curve(write(tmp_path, rows(separator, ",")), unit="mA/cm2")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_windows_programs_are_read(tmp_path: Path, encoding: str) -> None:
    text = rows("\t", header="Spannung (V)\tStromdichte (mA/cm²)\r\n")
    assert_is_the_curve(write(tmp_path, text.encode(encoding)))


@pytest.mark.parametrize(
    ("header", "factor"),
    [
        ("V (V)\tJ (mA/cm2)\n", 10.0),
        ("Voltage [V]\tCurrent density [A/m^2]\n", 1.0),
        ("Voltage / V\tCurrent density / A/m**2\n", 1.0),
        ("# V (V)\tJ (uA/cm2)\n", 0.01),
        ("Voltage(V) SMU-1\tCurrent density(A/m2) SMU-1\n", 1.0),
        ("Voltage\tCurrent density\nV\tmA cm\\+(-2)\n", 10.0),  # raised text of an Origin worksheet
        ("Long names follow\nVoltage\tCurrent density\nV\tmA/cm2\nfilm\tup\n", 10.0),
    ],
)
def test_units_of_the_header_are_used(tmp_path: Path, header: str, factor: float) -> None:
    (curve,) = import_jv_files(write(tmp_path, rows("\t", header=header)))
    np.testing.assert_allclose(curve.current_density, np.array(MILLIAMPERE_PER_SQUARE_CENTIMETRE) * factor)


@pytest.mark.parametrize(("unit", "factor"), [("A", 1.0), ("mA", 1e-3), ("uA", 1e-6), ("µA", 1e-6)])
def test_a_current_is_divided_by_the_area(tmp_path: Path, unit: str, factor: float) -> None:
    (curve,) = import_jv_files(write(tmp_path, rows("\t")), unit=unit, area=4e-6)
    np.testing.assert_allclose(
        curve.current_density, np.array(MILLIAMPERE_PER_SQUARE_CENTIMETRE) * factor / 4e-6
    )


def test_millivolts_of_the_header_become_volts(tmp_path: Path) -> None:
    text = "V (mV)\tJ (A/m2)\n100\t1\n200\t4\n300\t9\n"
    (curve,) = import_jv_files(write(tmp_path, text))
    np.testing.assert_allclose(curve.voltage, [0.1, 0.2, 0.3])


def test_a_kickstart_export_with_its_preamble_and_footer_is_read(tmp_path: Path) -> None:
    text = (
        '"Project","IV Characterizer"\n"Instrument","2400"\n"Start Time","2026-01-01"\n\n'
        '"Index","SMU-1 Time (s)","SMU-1 Voltage (V)","SMU-1 Current (A)"\n'
        "1,0.1,0.5,1.0E-6\n2,0.2,1.0,4.0E-6\n3,0.3,1.5,9.0E-6\n\n"
        '"End of data"\n'
    )
    (curve,) = import_jv_files(write(tmp_path, text, "film_110nm_297K.csv"), area=1e-6)
    np.testing.assert_allclose(curve.voltage, [0.5, 1.0, 1.5])
    np.testing.assert_allclose(curve.current_density, [1.0, 4.0, 9.0])


def test_a_pymeasure_file_is_read_as_text_and_its_class_never_imported(tmp_path: Path) -> None:
    text = (
        "#Procedure: <os.abort>\n#Parameters:\n#\tTemperature: 277 K\n#\tThickness: 110 nm\n#\tArea: 4 "
        "mm**2\n#Data:\n"
        "Voltage (V),Current (A)\n0.5,4e-06\n1.0,nan\n1.5,3.6e-05\n"
    )
    (curve,) = import_jv_files(write(tmp_path, text, "run.csv"))
    assert curve.temperature == 277.0 and curve.thickness == pytest.approx(110e-9)
    np.testing.assert_allclose(curve.current_density, [1.0, math.nan, 9.0])


def test_our_own_run_file_is_read_with_its_flags(tmp_path: Path) -> None:
    text = (
        "#Format: qdlab-run 1\n#Procedure: <JVSweep>\n#Parameters:\n#Data:\n"
        "sequence,time (s),utc,Voltage (V),Current (A),Sample temperature (K),flags,check\n"
        "1,0.5,2026-11-22T08:00:00.500Z,0.5,4e-06,297.1,,x0123456789abcdef\n"
        "2,0.7,2026-11-22T08:00:00.700Z,1.0,8e-06,297.3,compliance,x0123456789abcdef\n"
        "3,0.9,2026-11-22T08:00:00.900Z,0.5,4e-06,297.2,,x0123456789abcdef\n"
        "#End: finished rows=3 sha256=00\n"
    )
    (curve,) = import_jv_files(write(tmp_path, text, "0001.csv"), thickness=110e-9, area=4e-6)
    assert curve.temperature == pytest.approx(297.2)
    assert curve.flags == (frozenset(), frozenset({"compliance"}), frozenset({"down"}))


def test_a_run_file_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="run file format 9"):
        import_jv_files(write(tmp_path, "#Format: qdlab-run 9\n#Data:\nVoltage (V),Current (A)\n1,2\n2,3\n"))


def test_the_way_back_of_a_sweep_is_marked(tmp_path: Path) -> None:
    text = "0.5\t1\n1.0\t4\n1.5\t9\n1.5\t9\n1.0\t4\n0.5\t1\n"
    (curve,) = import_jv_files(write(tmp_path, text), unit="A/m2")
    assert ["down" in words for words in curve.flags] == [False, False, False, False, True, True]


def test_a_meters_overflow_is_a_missing_reading(tmp_path: Path) -> None:
    (curve,) = import_jv_files(write(tmp_path, "0.5\t1\n1.0\t9.9E37\n1.5\t9\n"), unit="A/m2")
    assert math.isnan(curve.current_density[1]) and "overflow" in curve.flags[1]


def test_patterns_are_expanded_and_curves_come_in_order_of_temperature(tmp_path: Path) -> None:
    for kelvin in (297, 217, 257):
        write(tmp_path, rows("\t"), f"film_110nm_{kelvin}K.txt")
    curves = import_jv_files(str(tmp_path / "*_110nm_*K.txt"), unit="mA/cm2")
    assert [curve.temperature for curve in curves] == [217.0, 257.0, 297.0]


def test_a_name_with_brackets_is_a_name_first(tmp_path: Path) -> None:
    assert_is_the_curve(write(tmp_path, rows("\t"), "film [1]_110nm_297K.txt"), unit="mA/cm2")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("   \n\n", "is empty"),
        (b"\x00\x01\x02\x03binary", "not text"),
        ("hello\nworld\n", "numbers belong"),
        ("0.5\t1\nabc\t2\n1.5\t3\n", "line 2: 'abc' is not a number"),
        ("0.5\t1\n1.0\t2\n1.5\tdead\n", "line 3: 'dead' is not a number"),
        ("0.5\n1.0\n1.5\n", "one column"),
        ("0.5\t1\n1.0\tnan\n1.5\t3\n", "line 2: 'nan' is not a number"),
        ("0.5\t1\n1.0\t2\n1.0\t2\n1.5\t3\n", "line 3: 1 V appears twice"),
        ("0.5\t1\n1.5\t2\n0.6\t2\n1.4\t3\n0.7\t1\n1.3\t2\n0.8\t2\n", "turn round"),
        ("0.5\t1\n1.0\t2\t7\n1.5\t3\n", "line 2 has 3 columns where the others have 2"),
        ("0.5\t1\n", "1 point"),
        ("1\t2\t3\n2\t3\t4\n", "3 columns and no header"),
        ("500\t1\n1000\t2\n", "--voltage-unit"),
        ("1,234\t5,678\n2,234\t6,678\n", "may be a decimal sign or mark thousands"),
        ("0,1,1,5\n0,2,2,5\n", "may separate columns or be decimal signs"),
        ("# only a comment\n", "no rows"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    with pytest.raises(ImportRefused, match=message):
        import_jv_files(write(tmp_path, content), unit="A/m2")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "--unit"),
        ({"unit": "mA"}, "--area"),
        ({"unit": "furlong"}, "furlong"),
        ({"unit": "V"}, "'V'"),
        ({"unit": "A/m2", "thickness": 0.0}, "thickness"),
        ({"unit": "A/m2", "thickness": 90e-9}, "its name says thickness"),
        ({"unit": "A/m2", "temperature": 200.0}, "its name says temperature"),
        ({"unit": "A", "area": 0.0}, "above zero"),
        ({"unit": "A/m2", "columns": (1, 3)}, "--columns"),
    ],
)
def test_what_is_missing_or_contradicts_is_asked_for(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(ImportRefused, match=message):
        import_jv_files(write(tmp_path, rows("\t")), **options)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("film_297K.txt", "--thickness"),
        ("film_110nm.txt", "--temperature"),
        ("TFB25nm_QD110nm_297K.txt", "more than one thickness"),
        ("film_0nm_297K.txt", "above zero"),
        ("film_110nm_2970K.txt", "not between"),
    ],
)
def test_names_that_say_too_little_or_too_much_are_asked_about(
    tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(ImportRefused, match=message):
        import_jv_files(write(tmp_path, rows("\t"), name), unit="mA/cm2")


def test_a_unit_that_contradicts_the_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, rows("\t", header="V (V)\tJ (mA/cm2)\n"))
    with pytest.raises(ImportRefused, match="leave out --unit"):
        import_jv_files(path, unit="A/m2")


def test_no_match_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="no file matches"):
        import_jv_files(str(tmp_path / "*.dat"))
    with pytest.raises(ImportRefused, match="is a folder"):
        import_jv_files(tmp_path)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with path.open("wb") as file:
        file.truncate(60_000_000)
    with pytest.raises(ImportRefused, match="larger than 50 MB"):
        import_jv_files(path)


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="longer than"):
        import_jv_files(write(tmp_path, "1 " * 20_000))
