import hashlib
import xml.etree.ElementTree as ET
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from pandas import read_csv

from analysis.curves import JVCurve
from analysis.device import Device, Layer
from analysis.estimate import Estimate, Verdict
from analysis.space_charge import mott_gurney_current_density
from benchmarks.records.trials import DEVICE, JV_COLUMNS, StepClock, jv_header
from qdlab import page
from qdlab.batch import Outcome
from qdlab.cli import run_command_line
from qdlab.measured import analyse_jv
from qdlab.page import Page, Section, Table, render
from qdlab.records import SessionWriter, device_to_document, open_session
from qdlab.records.curves import jv_curves
from qdlab.report import write_measured_report, write_session_report
from qdlab.report_jv import advice
from qdlab.report_many import write_sessions_report


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


def test_powers_of_ten_are_set_as_in_print() -> None:
    assert page.estimate(Estimate(value=4.42e-11, standard_error=1.3e-12)).text == "4.42(13)×10⁻¹¹"
    assert page.number(1.5e12).text == "1.5×10¹²" and page.number(0.25).text == "0.25"


def test_only_our_own_words_have_subscripts() -> None:
    table = Table(headings=("V_{bi}",), rows=((page.text("V_{bi}"), page.words_of_ours("E^½")),))
    shown = render(Page(title="", subtitle="", sections=(Section(title="", tables=(table,)),)))
    assert "V<sub>bi</sub></th>" in shown and "V_{bi}</td>" in shown and "E<sup>½</sup></td>" in shown


def test_one_advice_for_several_is_said_once() -> None:
    slow = Verdict(word="drifting", advice="Wait.")
    told = list(advice([("4 V", slow), ("5 V", Verdict()), ("6 V", slow)]))
    assert told == ["4 V, 6 V: Wait."]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a film at three temperatures, and its figures in `figures`."""
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
    folder: Path = tmp_path_factory.mktemp("report")
    analysis = analyse_jv(curves, relative_permittivity=3.0, with_disorder=False)
    write_measured_report(analysis, folder / "report.html", figures=folder / "figures")
    return folder


@pytest.fixture(scope="module")
def report(written: Path) -> str:
    return (written / "report.html").read_text(encoding="utf-8")


def test_a_report_needs_nothing_from_elsewhere(report: str) -> None:
    assert report.count("<svg") == 2
    assert "src=" not in report and "<link" not in report and "@import" not in report


def test_a_report_does_not_depend_on_the_day(report: str, written: Path) -> None:
    assert "<dc:date>" not in report
    assert all(b"/CreationDate" not in path.read_bytes() for path in (written / "figures").glob("*.pdf"))


def test_every_figure_is_there_as_svg_and_pdf_with_its_numbers(written: Path) -> None:
    files = sorted(path.name for path in (written / "figures").iterdir())
    stems = ["1000-nm-arrhenius", "1000-nm-current-density"]
    assert files == [f"{stem}{ending}" for stem in stems for ending in (".csv", ".pdf", ".svg")]
    for stem in stems:
        assert ET.parse(written / "figures" / f"{stem}.svg").getroot().tag.endswith("svg")
        assert (written / "figures" / f"{stem}.pdf").read_bytes().startswith(b"%PDF-")


def test_the_numbers_of_a_figure_are_those_that_were_measured(written: Path) -> None:
    table = read_csv(written / "figures" / "1000-nm-current-density.csv", float_precision="round_trip")
    assert set(table["Temperature (K)"]) == {300.0}
    law = mott_gurney_current_density(table["Voltage (V)"].to_numpy(), 1e-10, 1e-6, 3.0)
    assert table["Current density (A/m**2)"].to_numpy() == pytest.approx(law)
    inside = table["in window (1)"] == 1
    assert inside.any()
    assert table["Quadratic law (A/m**2)"][inside].to_numpy() == pytest.approx(law[inside], rel=1e-2)
    mobilities = read_csv(written / "figures" / "1000-nm-arrhenius.csv")
    plain = mobilities[mobilities["series"] == "Mott-Gurney"]
    assert plain["Mobility (m**2/V/s)"].tolist() == pytest.approx([2e-11, 5e-11, 1e-10], rel=1e-2)


def test_every_temperature_has_its_row(report: str) -> None:
    assert [f">{kelvin}<" in report for kelvin in (260, 280, 300)] == [True] * 3


def recorded(
    folder: Path,
    *thicknesses: float,
    temperatures: int = 2,
    pixels: int = 1,
    built_in_voltage: float = 0.0,
) -> Path:
    """A session of devices of each thickness whose currents are quadratic; later pixels carry more."""
    devices = [
        (thickness, pixel, quadratic_device(thickness, pixel, built_in_voltage))
        for thickness in thicknesses
        for pixel in range(pixels)
    ]
    document = {"devices": {device.identifier: device_to_document(device) for _, _, device in devices}}
    writer = SessionWriter.create(folder, name="film", document=document, clock=StepClock())
    for thickness, pixel, device in devices:
        for kelvin, mobility in ((297.0, 1e-10), (257.0, 2e-11), (237.0, 8e-12))[:temperatures]:
            header = jv_header(conditions={"Temperature setpoint": kelvin})
            run = writer.open_run(replace(header, device=device.identifier))
            voltage = np.geomspace(1.0, 8.0, 12)
            density = mott_gurney_current_density(voltage, mobility * (1 + pixel), thickness, 3.6)
            for volt, current in zip(voltage, density * device.area.value, strict=True):
                run.write(dict(zip(JV_COLUMNS, (volt, current, 1.0, 0.0, kelvin), strict=True)))
            run.end("finished")
    writer.close()
    return writer.path


def quadratic_device(thickness: float, pixel: int = 0, built_in_voltage: float = 0.0) -> Device:
    layer = Layer(
        material="QD",
        thickness=Estimate(value=thickness),
        relative_permittivity=Estimate(value=3.6),
    )
    identifier = f"B1/S1/{thickness * 1e9:.0f}" + "b" * pixel
    return replace(
        DEVICE,
        identifier=identifier,
        layers=(layer,),
        active_layers=("QD",),
        built_in_voltage=Estimate(value=built_in_voltage),
    )


def test_devices_of_several_sessions_share_a_page(tmp_path: Path) -> None:
    outcomes = []
    for path in (recorded(tmp_path, 200e-9), recorded(tmp_path, 400e-9)):
        session = open_session(path)
        jv = analyse_jv(jv_curves(session), relative_permittivity=3.6, with_disorder=False).to_dict()
        found = {name: {"jv": jv, "tel": [], "drift": None} for name in session.devices}
        outcomes.append(Outcome(session=path, results={"devices": found}))
    failed = Outcome(session=tmp_path / "torn", results=None, problem="line 3 does not match <its> check")
    write_sessions_report([*outcomes, failed], tmp_path / "all.html", figures=tmp_path / "figures")
    shown = (tmp_path / "all.html").read_text(encoding="utf-8")
    assert "B1/S1/200" in shown and "B1/S1/400" in shown and "does not match &lt;its&gt; check" in shown
    scaled = read_csv(tmp_path / "figures" / "thickness-scaling.csv")
    for _, one in scaled.groupby("Voltage (V)"):
        # the quadratic law: J L³ is one number at each voltage
        assert np.ptp(one["J L**3 (A*m)"]) < 1e-6 * one["J L**3 (A*m)"].mean()
    assert set(read_csv(tmp_path / "figures" / "compared-arrhenius.csv")["series"]) == {
        "B1/S1/200",
        "B1/S1/400",
    }


def test_a_session_says_what_was_measured_and_with_what(tmp_path: Path) -> None:
    session = recorded(tmp_path, 200e-9, temperatures=1)
    write_session_report(session, tmp_path / "one.html")
    shown = (tmp_path / "one.html").read_text(encoding="utf-8")
    for file in ("session.toml", "manifest-sha256.txt", "runs/0001-JVSweep-B1-S1-200.csv"):
        assert hashlib.sha256((session / file).read_bytes()).hexdigest() in shown
    assert shown.count("0001 JVSweep") == 1 and f">{version('numpy')}<" in shown


def test_of_one_temperature_no_law_is_drawn_or_tabled_and_the_page_says_why(tmp_path: Path) -> None:
    shown = {}
    for count in (1, 3):
        session = recorded(tmp_path / str(count), 200e-9, temperatures=count)
        write_session_report(session, tmp_path / "page.html")
        shown[count] = (tmp_path / "page.html").read_text(encoding="utf-8")
    for words in ("against inverse temperature", "Mott-Gurney, 1/T: Δ", "common to all temperatures"):
        assert words in shown[3] and words not in shown[1]
    assert "measure at 3 or more" in shown[1]


def test_devices_of_one_session_are_compared_on_its_page(tmp_path: Path) -> None:
    session = recorded(tmp_path, 200e-9, 400e-9, temperatures=1)
    write_session_report(session, tmp_path / "one.html", figures=tmp_path / "figures")
    assert "Parameters side by side" in (tmp_path / "one.html").read_text(encoding="utf-8")
    scaled = read_csv(tmp_path / "figures" / "thickness-scaling.csv")
    assert set(scaled["Thickness (m)"]) == {200e-9, 400e-9}


def without_numbers(session: Path) -> Outcome:
    """An analysis that found nothing, of every device of a session."""
    nothing = {"jv": {"layers": []}, "tel": [], "drift": None}
    return Outcome(
        session=session, results={"devices": dict.fromkeys(open_session(session).devices, nothing)}
    )


def test_devices_whose_built_in_voltages_differ_are_not_scaled_as_if_they_had_none(tmp_path: Path) -> None:
    paths = [
        recorded(tmp_path, 200e-9, temperatures=1, built_in_voltage=0.5),
        recorded(tmp_path, 400e-9, temperatures=1, built_in_voltage=0.25),
    ]
    outcomes = [without_numbers(path) for path in paths]
    write_sessions_report(outcomes, tmp_path / "all.html", figures=tmp_path / "figures")
    assert "built-in voltages differ (0.25, 0.5 V)" in (tmp_path / "all.html").read_text(encoding="utf-8")
    assert not (tmp_path / "figures" / "thickness-scaling.csv").exists()


def test_of_devices_of_one_thickness_the_first_is_scaled_every_time(tmp_path: Path) -> None:
    path = recorded(tmp_path, 200e-9, 400e-9, temperatures=1, pixels=8)
    write_sessions_report([without_numbers(path)], tmp_path / "all.html", figures=tmp_path / "figures")
    scaled = read_csv(tmp_path / "figures" / "thickness-scaling.csv")
    for _, one in scaled.groupby("Voltage (V)"):
        assert np.ptp(one["J L**3 (A*m)"]) < 1e-6 * one["J L**3 (A*m)"].mean()
    law = mott_gurney_current_density(scaled["Voltage (V)"].to_numpy(), 1e-10, 200e-9, 3.6)
    assert scaled["J L**3 (A*m)"].to_numpy() == pytest.approx(law * 200e-9**3)


def test_several_sessions_with_one_folder_for_figures_need_one_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions = [str(recorded(tmp_path, thickness)) for thickness in (200e-9, 400e-9)]
    assert run_command_line(["report", *sessions, "--figures", str(tmp_path / "figures")]) == 2
    assert "--output" in capsys.readouterr().err and not (tmp_path / "figures").exists()
