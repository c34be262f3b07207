"""Panels by themselves: what they draw of a picture, and what they say when a person drags or chooses."""

from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from analysis.curves import JVCurve, TELSeries
from analysis.estimate import GOOD, Estimate
from analysis.transit import fit_delay_time
from procedures import columns
from qdlab.events import JournalEntry, TelemetryRecorded
from qdlab.gui.panels.disorder import DisorderPanel
from qdlab.gui.panels.laws import FieldPanel
from qdlab.gui.panels.log import LogPanel
from qdlab.gui.panels.tel import TELPanel
from qdlab.gui.panels.temperature import TemperaturePanel
from qdlab.gui.theme import LIGHT
from qdlab.live.growing import Growing
from qdlab.live.pictures.disorder import Correlations, DisorderPicture, ParameterRow
from qdlab.live.pictures.laws import FieldPicture, FieldSeries
from qdlab.live.pictures.tel import ChecksPicture, TELTrace, interval_of, line_to_the_axis
from qdlab.live.temperature import TemperatureScreen, fold
from qdlab.pulsed import AmplitudeResult

WIDTHS = np.array([5, 10, 20, 30, 50, 80, 100, 120, 150, 200]) * 1e-6
KEY = ("0010", 5.0)


def trace(*, newest: bool = True, run: str = KEY[0]) -> TELTrace:
    """Light that begins after 20 µs and rises by 1 nA a 10 µs."""
    light = 1e-4 * np.maximum(WIDTHS - 20e-6, 0.0) * (1 + 1e-3 * np.random.default_rng(3).normal(size=10))
    series = TELSeries(
        pulse_width=WIDTHS, light_current=light, pulse_amplitude=5.0, temperature=297.0, label="5 V"
    )
    delay = fit_delay_time(series)
    result = AmplitudeResult(
        series=series, delay=delay, printed_grid_delay=None, transit=None, transit_as_printed=None
    )
    return TELTrace(
        run=run,
        series=series,
        result=result,
        line=line_to_the_axis(series, delay),
        interval=interval_of(delay.delay_time),
        newest=newest,
    )


@pytest.fixture
def tel(qtbot: QtBot) -> TELPanel:
    panel = TELPanel(LIGHT)
    qtbot.addWidget(panel)
    panel.show_traces((trace(),), ChecksPicture())
    return panel


def test_a_line_goes_down_to_the_delay_time_and_points_are_used_or_not(tel: TELPanel) -> None:
    width, light = tel.plot.drawn(f"{KEY} line")
    assert width[0] == pytest.approx(20.0, rel=0.02) and light[0] == 0.0
    used, not_used = tel.plot.drawn(f"{KEY} used")[0], tel.plot.drawn(f"{KEY} not used")[0]
    assert sorted([*used, *not_used]) == pytest.approx((WIDTHS * 1e6).tolist())
    assert used.min() >= 2 * 20.0 * 0.98 and not_used.max() < 50.0
    low, high = tel.plot.drawn(f"{KEY} interval")[0]
    assert low < 20.0 * 1.02 and high > 20.0 * 0.98
    assert "τ_d" in tel.words.text() and "95 % interval" in tel.words.text()


def test_a_straight_part_that_is_dragged_or_typed_is_told_in_seconds(qtbot: QtBot, tel: TELPanel) -> None:
    with qtbot.waitSignal(tel.part_chosen) as dragged:
        tel.region.setRegion((60.0, 160.0))
    assert dragged.args[0] == KEY and dragged.args[1] == pytest.approx((60e-6, 160e-6))
    dialogue = tel.ask_for_part()
    assert dialogue is not None and "(µs)" in dialogue.labelText()
    with qtbot.waitSignal(tel.part_chosen) as typed:
        dialogue.textValueSelected.emit("80 to 200")
    assert typed.args[1] == pytest.approx((80e-6, 200e-6))


@pytest.mark.parametrize("part", [(63e-6, 160e-6), (81e-6, 99e-6)])
def test_what_is_recorded_is_the_part_a_person_chose_whatever_widths_it_holds(
    qtbot: QtBot, tel: TELPanel, part: tuple[float, float]
) -> None:
    tel.show_traces((replace(trace(), chosen=part, unrecorded=True),), ChecksPicture())
    with qtbot.waitSignal(tel.record_wanted) as wanted:
        tel.record.click()
    assert wanted.args == [KEY, part]


def test_a_straight_part_dragged_off_the_axis_is_not_taken(tel: TELPanel) -> None:
    taken: list[object] = []
    tel.part_chosen.connect(lambda series, part: taken.append(part))
    tel.region.setRegion((-60.0, -10.0))
    assert not taken


def test_only_the_pulses_of_the_newest_temperature_are_ticked_by_themselves(tel: TELPanel) -> None:
    tel.show_traces((trace(run="0008", newest=False), trace()), ChecksPicture())
    assert tel.series.ticked == {KEY}
    tel.choose(("0008", 5.0))
    assert tel.series.ticked == {KEY, ("0008", 5.0)} and tel.series.chosen == ("0008", 5.0)


def fitted(device: str) -> DisorderPicture:
    row = ParameterRow(
        name="σ (meV)",
        value=f"120(1) of {device}",
        systematic="-",
        model_range="-",
        verdict="good",
        advice="",
    )
    return DisorderPicture(
        device=device,
        curves=(),
        models=(),
        left_out=(),
        residuals=None,
        parameters=(row,),
        correlations=Correlations(names=("σ", "a"), matrix=np.array([[1.0, -0.97], [-0.97, 1.0]])),
        verdict=GOOD,
        words=f"fit of {device}",
    )


def test_curves_at_one_temperature_share_a_line_of_the_legend_and_are_all_drawn(qtbot: QtBot) -> None:
    panel = DisorderPanel(LIGHT)
    qtbot.addWidget(panel)
    voltage = np.geomspace(0.1, 7.0, 10)
    curves = tuple(
        JVCurve(voltage=voltage, current_density=voltage**2, temperature=kelvin, thickness=1e-6)
        for kelvin in (297.0, 257.0, 297.1)
    )
    picture = replace(
        fitted("film"),
        curves=curves,
        models=tuple((voltage, voltage**2) for _ in curves),
        left_out=tuple(np.zeros(10, dtype=bool) for _ in curves),
    )
    panel.show_disorder((picture,))
    assert [label.text for _, label in panel.plot.legend.items] == ["297 K", "257 K"]
    assert [len(panel.plot.drawn(f"{number} measured")[0]) for number in range(3)] == [10, 10, 10]


def test_the_fit_of_any_device_can_be_looked_at_and_a_fit_going_on_is_told(qtbot: QtBot) -> None:
    panel = DisorderPanel(LIGHT)
    qtbot.addWidget(panel)
    panel.show()
    panel.show_disorder((fitted("thin"),))
    assert not panel.device.isVisible() and panel.words.text() == "fit of thin"
    panel.show_disorder((fitted("thin"), fitted("thick")), "fitting 4 curves of thick …")
    assert panel.device.isVisible() and panel.busy.text() == "fitting 4 curves of thick …"
    panel.device.setCurrentText("thick")
    assert panel.words.text() == "fit of thick" and panel.table.item(0, 1).text() == "120(1) of thick"
    assert panel.correlation_words.text() == "Hardly told apart: σ and a."
    panel.show_disorder(())
    assert panel.words.text().startswith("no fit yet") and panel.table.rowCount() == 0


def test_mobilities_are_drawn_in_the_unit_that_is_chosen_and_the_axis_says_it(qtbot: QtBot) -> None:
    series = FieldSeries(
        label="V/L",
        printed=False,
        root_field=np.array([7000.0, 8000.0, 9000.0]),
        mobility=tuple(Estimate(value=value, standard_error=value / 20) for value in (1e-10, 2e-10, 4e-10)),
        good=np.array([True, True, False]),
        amplitude=np.array([5.0, 6.0, 7.0]),
        line=(np.array([7000.0, 9000.0]), np.array([1e-10, 4e-10])),
    )
    panel = FieldPanel(LIGHT)
    qtbot.addWidget(panel)
    panel.show_field(
        FieldPicture(device="B3", series=(series,), words={"m²/Vs": "in metres", "cm²/Vs": "in centimetres"})
    )
    root, mobility = panel.plot.drawn("V/L good")
    assert root.tolist() == [700.0, 800.0] and 10**mobility == pytest.approx([1e-10, 2e-10])
    panel.unit.setCurrentText("cm²/Vs")
    panel.field_unit.setCurrentText("V/m")
    for key, wanted in (("V/L good", [1e-6, 2e-6]), ("V/L doubtful", [4e-6]), ("V/L line", [1e-6, 4e-6])):
        assert 10 ** panel.plot.drawn(key)[1] == pytest.approx(wanted)
    assert panel.plot.drawn("V/L good")[0].tolist() == [7000.0, 8000.0]
    assert panel.words.text() == "in centimetres"
    assert "cm² V⁻¹ s⁻¹" in panel.plot.getAxis("left").labelText
    assert "V/m" in panel.plot.getAxis("bottom").labelText


def journal(*texts: str) -> Growing[JournalEntry]:
    return Growing(
        [
            JournalEntry(
                sequence=n, time=n, utc="2026-11-27T02:03:04.500Z", level="note", text=text, details={}
            )
            for n, text in enumerate(texts)
        ]
    )


def test_the_log_of_another_session_takes_the_place_of_the_last_ones(qtbot: QtBot) -> None:
    panel = LogPanel(LIGHT)
    qtbot.addWidget(panel)

    def shown() -> list[str]:
        items = [panel.list.item(row) for row in range(panel.list.count())]
        return [item.text().split(":  ")[1] for item in items if item is not None]

    panel.show_screen(journal("first", "second"))
    panel.show_screen(journal("first", "second", "third"))
    assert shown() == ["first", "second", "third"]
    panel.show_screen(journal("another", "session", "altogether", "longer"))
    assert shown() == ["another", "session", "altogether", "longer"]


def test_the_strip_stays_zoomed_in_while_readings_come_until_another_view_is_chosen(qtbot: QtBot) -> None:
    panel = TemperaturePanel(LIGHT)
    qtbot.addWidget(panel)
    panel.show()
    screen = TemperatureScreen()

    def read(time: float, kelvin: float) -> list[float]:
        nonlocal screen
        values = {columns.TEMPERATURE_SETPOINT: kelvin, columns.STAGE_TEMPERATURE: kelvin}
        told = TelemetryRecorded(sequence=1, time=time, utc="", values=values, flags=frozenset())
        screen = fold(screen, told)
        panel.show_screen(screen)
        panel.plot.plotItem.vb.updateAutoRange()
        return panel.plot.plotItem.vb.viewRange()[1]

    read(0.0, 297.0)
    assert read(60.0, 217.0)[0] < 217.0
    panel.plot.setYRange(296.0, 298.0, padding=0)
    assert read(120.0, 217.0) == [296.0, 298.0]
    panel.view.setCurrentIndex(1)
    assert read(180.0, 217.0)[0] < 217.0
