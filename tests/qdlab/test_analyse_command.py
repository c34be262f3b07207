"""``qdlab analyse`` from outside: what is printed and written, and that bad input writes nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.space_charge import mott_gurney_current_density
from qdlab.cli import run_command_line

VOLTAGE = np.geomspace(0.05, 20.0, 40)
KELVIN = (297, 257, 217)
LENGTH = 500e-9


def mobility(kelvin: float) -> float:
    return float(4.5e-6 * np.exp(-0.30 / (8.617333e-5 * kelvin)))


def write_series(folder: Path, kelvins: tuple[int, ...] = KELVIN) -> str:
    """Mott-Gurney curves in mA/cm2 of a film thick enough for diffusion to be small at high voltage."""
    for kelvin in kelvins:
        current = mott_gurney_current_density(VOLTAGE, mobility(kelvin), LENGTH, 3.6) / 10
        rows = "\n".join(f"{volt:.6g}\t{value:.6g}" for volt, value in zip(VOLTAGE, current, strict=True))
        (folder / f"film_500nm_{kelvin}K.txt").write_text(rows, encoding="utf-8")
    return str(folder / "film_*K.txt")


def analyse(*words: str) -> int:
    return run_command_line(
        ["analyse", "--unit", "mA/cm2", "--relative-permittivity", "3.6", "--quick", *words]
    )


def test_results_are_written_in_si_under_glossary_names(tmp_path: Path) -> None:
    target = tmp_path / "results.json"
    analyse(write_series(tmp_path), "--json", str(target))
    results = json.loads(target.read_text(encoding="utf-8"))
    (layer,) = results["layers"]
    assert layer["thickness"] == pytest.approx(LENGTH)
    assert [curve["temperature"] for curve in layer["curves"]] == [217.0, 257.0, 297.0]
    found = layer["curves"][-1]["zero_field_mobility"]
    assert found["value"] == pytest.approx(mobility(297), rel=1e-4)
    assert {"value", "standard_error", "systematic_error", "model_range", "verdict"} <= set(found)
    energy = layer["arrhenius"]["activation_energy"]["value"]
    assert energy / 1.602176634e-19 == pytest.approx(0.30, rel=1e-3)
    assert results["disorder"]["verdict"]["word"]


def test_the_table_shows_every_temperature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    analyse(write_series(tmp_path))
    printed = capsys.readouterr().out
    for kelvin in KELVIN:
        assert f"\n{kelvin} " in printed
    assert "Disorder model" in printed and "Temperature laws" in printed


def test_one_temperature_says_why_there_is_no_activation_energy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert analyse(write_series(tmp_path, (297,))) in (0, 1)
    assert "too few for an activation energy" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        ("", (), "is empty"),
        ("0.1\tabc\n0.2\t1\n0.3\t2\n", (), "line 1: 'abc'"),
        ("0.1\n0.2\n", (), "one column"),
        ("0.1\tnan\n0.2\t1\n", (), "line 1: 'nan'"),
        ("0.1\t1\n0.1\t1\n0.2\t2\n", (), "appears twice"),
        ("0.1\t1\n0.2\t2\n", ("--thickness", "0nm"), "thickness"),
        ("0.1\t1\n0.2\t2\n", ("--thickness", "110"), "has no unit"),
        ("0.1\t1\n0.2\t2\n", ("--thickness", "110 knots"), "knot"),
        ("0.1\t1\n0.2\t2\n", ("--temperature", "20 V"), "V"),
        ("0.1\t1\n0.2\t2\n", ("--convention", "mine"), "--convention"),
        ("0.1\t1\n0.2\t2\n", ("--decimal", "x"), "--decimal"),
        ("0.1\t1\n0.2\t2\n", ("--columns", "x"), "--columns"),
        ("0.1\t1\n0.2\t2\n", ("--relative-permittivity", "0.5"), "1 or more"),
        ("0.1\t1\n0.2\t2\n", ("--json", "no/such/folder/x.json"), "does not exist"),
    ],
)
def test_bad_input_is_one_line_and_exit_2_and_writes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("film_110nm_297K.txt").write_text(content, encoding="utf-8")
    outcome = analyse("film_110nm_297K.txt", "--json", "results.json", *words)
    error = capsys.readouterr().err
    assert outcome == 2
    assert message in error and len(error.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["film_110nm_297K.txt"]


def test_the_unit_and_the_temperature_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "film_110nm.txt").write_text("0.1\t1\n0.2\t2\n", encoding="utf-8")
    path = str(tmp_path / "film_110nm.txt")
    assert run_command_line(["analyse", path, "--relative-permittivity", "3.6"]) == 2
    assert "--unit" in capsys.readouterr().err
    assert analyse(path) == 2
    assert "--temperature" in capsys.readouterr().err


@pytest.mark.parametrize("series", ["TQ1_pristine", "TQ1-PCBM71", "PTB7Th", "MDMO"])
def test_the_four_real_series_analyse_without_a_traceback(
    measured_data: Path, series: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = analyse(str(measured_data / f"*{series}*.txt"), "--convention", "felekidis2018")
    printed = capsys.readouterr()
    assert outcome in (0, 1) and not printed.err
    assert "Disorder model" in printed.out


def test_a_session_with_files_beside_it_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "session.toml").write_text("", encoding="utf-8")
    assert analyse(str(tmp_path), "film_110nm_297K.txt") == 2
    assert "do not go together" in capsys.readouterr().err


def test_a_folder_that_only_looks_like_a_session_is_refused(tmp_path: Path) -> None:
    (tmp_path / "session.toml").write_text("", encoding="utf-8")
    assert analyse(str(tmp_path)) in (1, 2)


def test_a_noisy_real_series_is_called_noisy(measured_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    analyse(str(measured_data / "*MDMO*.txt"))
    assert "The series is noisy" in capsys.readouterr().out


def test_a_clean_real_series_is_not_called_noisy(
    measured_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    analyse(str(measured_data / "*TQ1_pristine*.txt"))
    assert "noisy" not in capsys.readouterr().out
