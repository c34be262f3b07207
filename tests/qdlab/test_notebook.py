"""``import qdlab`` as in a notebook: light to import, curves as types and as tables, readable to look at."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import qdlab
from analysis.curves import TELSeries
from analysis.space_charge import mott_gurney_current_density
from benchmarks.records.trials import closed_session
from procedures import columns
from qdlab.errors import NotASession
from qdlab.notebook import JVCurves, PulseSeries

VOLTAGE = np.geomspace(0.5, 20, 40)
MOBILITY = {300: 1e-10, 280: 5e-11, 260: 2e-11}


@pytest.fixture
def files(tmp_path: Path) -> str:
    """Mott-Gurney curves [mA/cm2] of a film of 1 µm and relative permittivity 3."""
    for kelvin, mobility in MOBILITY.items():
        density = mott_gurney_current_density(VOLTAGE, mobility, 1e-6, 3.0) / 10
        np.savetxt(tmp_path / f"film_1000nm_{kelvin}K.txt", np.column_stack([VOLTAGE, density]))
    return str(tmp_path / "*.txt")


def test_importing_qdlab_loads_nothing_heavy() -> None:
    program = (
        "import sys, qdlab; dir(qdlab); "
        "print(sorted({'numpy', 'scipy', 'pandas', 'matplotlib', 'numba', 'pymeasure'} & set(sys.modules)))"
    )
    outcome = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )
    assert outcome.stdout.strip() == "[]"


def test_every_name_it_offers_is_there() -> None:
    assert all(callable(getattr(qdlab, name)) for name in qdlab.__all__)
    assert set(qdlab.__all__) <= set(dir(qdlab))


def test_a_name_it_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = qdlab.nothing


def test_a_session_shows_what_is_in_it(tmp_path: Path) -> None:
    session = qdlab.open_session(str(closed_session(tmp_path)))
    assert repr(session) == "session 'two runs': finished, 2 runs, 10 rows\n  B1/S2/P3"
    assert "0002-JVSweep-B1-S2-P3" in session._repr_html_()


def test_its_curves_are_a_tuple_and_a_table(tmp_path: Path) -> None:
    session = qdlab.open_session(closed_session(tmp_path))
    curves = session.jv_curves("B1/S2/P3")
    table = curves.to_pandas()
    assert [len(curve) for curve in curves] == [6, 4] and len(table) == 10
    second = table[table["curve"] == 1]
    assert second[columns.CURRENT_DENSITY].tolist() == curves[1].current_density.tolist()
    assert set(table["flags"]) == {"", "compliance"}
    assert repr(curves).splitlines()[:2] == [
        "2 J-V curves",
        "  B1/S2/P3 297 K: 297.0 K, 110 nm, 6 points, 0 to 2.5 V",
    ]
    assert session.jv_curves("another") == () and session.tel_series() == ()


def test_the_rows_of_a_run_are_a_table_to_the_last_bit(tmp_path: Path) -> None:
    session = qdlab.open_session(closed_session(tmp_path))
    run = session.record.runs[0]
    table = session.to_pandas(run.name)
    assert table[columns.CURRENT].tolist() == run.rows[columns.CURRENT].tolist()
    assert table["sequence"].tolist() == run.rows.sequence.tolist()
    together = session.to_pandas()
    assert together["run"].value_counts(sort=False).to_dict() == dict(zip(session.runs, (6, 4), strict=True))
    assert together[together["run"] == run.name][columns.CURRENT].tolist() == table[columns.CURRENT].tolist()
    with pytest.raises(ValueError, match=f"no run 'mine'.*{session.runs[1]}"):
        session.to_pandas("mine")


def test_a_path_without_a_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotASession):
        qdlab.open_session(tmp_path / "nothing")


def test_measured_files_give_their_mobilities_in_one_call(files: str) -> None:
    curves = qdlab.read_jv_files(files, unit="mA/cm2", relative_permittivity=3.0)
    for curve, fit in zip(curves, curves.fit_space_charge(), strict=True):
        expected = MOBILITY[round(curve.temperature)]
        assert fit.zero_field_mobility.value == pytest.approx(expected, rel=1e-6)


def test_an_analysis_prints_its_tables(files: str, capsys: pytest.CaptureFixture[str]) -> None:
    curves = qdlab.read_jv_files(files, unit="mA/cm2")
    with pytest.raises(ValueError, match="relative_permittivity"):
        curves.analyse()
    analysis = curves.analyse(relative_permittivity=3.0, with_disorder=False)
    assert repr(analysis) == "analysis of 3 J-V curves"
    qdlab.show(analysis)
    assert "Temperature laws" in capsys.readouterr().out


def test_a_figure_is_matplotlibs_own_and_can_be_saved(files: str, tmp_path: Path) -> None:
    figure = qdlab.read_jv_files(files, unit="mA/cm2", relative_permittivity=3.0).figure()
    figure.savefig(tmp_path / "curves.png")
    (axes,) = figure.axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert sorted(labels) == ["260 K", "280 K", "300 K"]


def test_pulse_series_give_their_delay_times_in_one_call() -> None:
    width = np.arange(1, 13) * 1e-5
    light = np.maximum(width - 3e-5, 0) * 1e-4
    series = PulseSeries(
        [TELSeries(pulse_width=width, light_current=light, pulse_amplitude=4.0, temperature=297)]
    )
    (fit,) = series.fit_delay_times()
    assert fit.delay_time.value == pytest.approx(3e-5, rel=1e-3)
    assert repr(series).splitlines() == ["1 pulse series", "  4 V, 297.0 K, 12 widths, 10 to 120 µs"]
    assert series.to_pandas()[columns.LIGHT_CURRENT].tolist() == light.tolist()
    assert len(series.figure().axes) == 1 and "<td>4</td>" in series._repr_html_()


def test_text_from_a_file_is_shown_as_text(files: str) -> None:
    (curve, *_) = qdlab.read_jv_files(files, unit="mA/cm2")
    assert "<script" not in JVCurves([replace(curve, label="<script>")])._repr_html_()
