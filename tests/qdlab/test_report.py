from pathlib import Path

import numpy as np
import pytest

from analysis.curves import JVCurve
from analysis.estimate import Estimate, Verdict
from analysis.space_charge import mott_gurney_current_density
from qdlab import page
from qdlab.measured import analyse_jv
from qdlab.page import Page, Section, Table, render
from qdlab.report import write_measured_report


def test_text_from_a_file_is_shown_as_text() -> None:
    hostile = "<script>alert(1)</script><img src=x>"
    table = Table(headings=(hostile,), rows=((page.text(hostile),),), caption=hostile)
    shown = render(
        Page(
            title=hostile,
            subtitle=hostile,
            sections=(Section(title=hostile, paragraphs=(hostile,), tables=(table,), notes=(hostile,)),),
        )
    )
    assert "<script" not in shown and "<img" not in shown
    assert shown.count("&lt;script&gt;") == 9  # the title twice, and each place once


def test_the_three_columns_stay_apart() -> None:
    width = Estimate(value=0.12, standard_error=0.001, systematic_error=0.002, model_range=(0.11, 0.14))
    assert page.estimate(width, 1000).text == "120.0(10)"
    assert page.systematic(width, 1000).text == "± 2"
    assert page.model_range(width, 1000).text == "110 to 140"


def test_a_verdict_is_said_in_a_word_and_not_only_in_a_colour() -> None:
    cell = page.verdict(Verdict(word="pulses_too_short", advice="add longer ones"))
    assert (cell.text, cell.kind) == ("pulses too short", "not-good")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    voltage = np.geomspace(0.5, 20, 60)
    curves = [
        JVCurve(
            voltage=voltage,
            current_density=mott_gurney_current_density(voltage, mobility, 1e-6, 3.0),
            temperature=temperature,
            thickness=1e-6,
        )
        for temperature, mobility in ((300.0, 1e-10), (280.0, 5e-11), (260.0, 2e-11))
    ]
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    write_measured_report(analyse_jv(curves, relative_permittivity=3.0, with_disorder=False), path)
    return path.read_text(encoding="utf-8")


def test_a_report_needs_nothing_from_elsewhere(report: str) -> None:
    assert report.count("<svg") == 2
    assert "src=" not in report and "<link" not in report and "@import" not in report


def test_a_report_is_the_same_text_for_the_same_curves(report: str, tmp_path: Path) -> None:
    assert "<dc:date>" not in report


def test_every_temperature_has_its_row(report: str) -> None:
    assert [f">{kelvin}<" in report for kelvin in (260, 280, 300)] == [True] * 3
