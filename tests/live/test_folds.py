"""Screens as states: events in, what is shown out, without Qt."""

import dataclasses
import math

import numpy as np
import pytest

from analysis.constants import electronvolt, nanometre, square_millimetre
from analysis.device import Device, Layer
from analysis.estimate import Estimate
from analysis.space_charge import fit_murgatroyd, mott_gurney_current_density
from procedures import columns
from qdlab.events import Event, JournalEntry, RowRecorded, RunEnded, RunStarted, TelemetryRecorded
from qdlab.live import bench
from qdlab.live.compare import compared
from qdlab.live.overrides import window_choice
from qdlab.live.picture import PictureMaker
from qdlab.live.pictures.jv import shown_values
from qdlab.live.pictures.laws import film_mobility
from qdlab.live.planned import Planned
from qdlab.live.session import SessionScreen, fold, initial
from qdlab.results import analyse_screen

DEVICE = Device(
    identifier="batch/substrate/1",
    layers=(
        Layer(
            material="QD",
            thickness=Estimate(value=1000 * nanometre),
            relative_permittivity=Estimate(value=4.0),
        ),
    ),
    active_layers=("QD",),
    area=Estimate(value=4 * square_millimetre),
)
BOXES = {"source_meter": "KEITHLEY INSTRUMENTS INC. 2400, serial 1", "light_meter": "KEITHLEY 6514, serial 2"}
JV = (columns.VOLTAGE, columns.CURRENT, columns.SAMPLE_TEMPERATURE)
DELAY = 10e-6
TEL = (columns.PULSE_AMPLITUDE, columns.PULSE_WIDTH, columns.LIGHT_CURRENT, columns.SAMPLE_TEMPERATURE)


def folded(events: list[Event]) -> SessionScreen:
    screen = initial({DEVICE.identifier: DEVICE}, BOXES)
    for event in events:
        screen = fold(screen, event)
    return screen


def started(run: str, headings: tuple[str, ...]) -> RunStarted:
    return RunStarted(
        run=run,
        procedure="JVSweep",
        device=DEVICE.identifier,
        parameters={},
        columns=headings,
        sequence=1,
        time=0.0,
    )


def row(run: str, flags: tuple[str, ...] = (), **values: float) -> RowRecorded:
    return RowRecorded(
        run=run, sequence=2, time=1.0, utc="2026-01-01T00:00:00Z", values=values, flags=frozenset(flags)
    )


def sweep(run: str, temperature: float, mobility: float) -> list[Event]:
    """A quadratic curve of a thick film, where Mott-Gurney's law holds."""
    voltage = np.geomspace(2.0, 40.0, 40)
    current = mott_gurney_current_density(voltage, mobility, 1e-6, 4.0) * DEVICE.area.value
    rows: list[Event] = [
        row(
            run,
            **{columns.VOLTAGE: v, columns.CURRENT: i, columns.SAMPLE_TEMPERATURE: temperature},
        )
        for v, i in zip(voltage.tolist(), current.tolist(), strict=True)
    ]
    return [started(run, JV), *rows, RunEnded(run=run, end="finished", rows=len(rows), time=2.0)]


def pulses(run: str) -> list[Event]:
    """A straight rise of the light from the delay time on, with a per mille of noise."""
    widths = [2e-6, 5e-6, 10e-6, 20e-6, 30e-6, 40e-6, 60e-6, 80e-6, 100e-6]
    noise = np.random.default_rng(11).normal(1.0, 1e-3, len(widths)).tolist()
    rows: list[Event] = [
        row(
            run,
            **{
                columns.PULSE_AMPLITUDE: 5.0,
                columns.PULSE_WIDTH: width,
                columns.LIGHT_CURRENT: 1e-3 * max(width - DELAY, 0.0) * factor,
                columns.SAMPLE_TEMPERATURE: 297.0,
            },
        )
        for width, factor in zip(widths, noise, strict=True)
    ]
    return [started(run, TEL), *rows, RunEnded(run=run, end="finished", rows=len(rows), time=2.0)]


def arrhenius(temperature: float) -> float:
    return 4.5e-6 * math.exp(-0.3 * electronvolt / (1.380649e-23 * temperature))


def test_a_running_sweep_is_shown_and_has_no_fit_yet() -> None:
    screen = folded(sweep("a", 297.0, 4e-11)[:20])
    assert screen.jv.running is not None and screen.jv.running.fit is None
    (trace,) = PictureMaker().draw(screen).jv
    assert trace.running and len(trace.curve) == 19


def test_a_finished_quadratic_sweep_gives_the_mobility_it_was_made_with() -> None:
    screen = folded(sweep("a", 297.0, 4e-11))
    (run,) = screen.jv.finished
    assert run.fit is not None and run.fit.window is not None
    assert run.fit.zero_field_mobility.value == pytest.approx(4e-11, rel=1e-6)


def interrupted_after(rows: int, whole: list[Event], again: int = 0, **first: str) -> list[Event]:
    """A run broken off after so many rows, and one that goes on, measuring the last `again` of them again."""
    begin, *measured, end = whole
    second = dataclasses.replace(begin, run="b", **first)  # type: ignore[type-var]
    rest = [dataclasses.replace(one, run="b") for one in measured[rows - again :]]  # type: ignore[type-var]
    return [
        begin,
        *measured[:rows],
        dataclasses.replace(end, end="interrupted", rows=rows),  # type: ignore[type-var]
        second,
        *rest,
        dataclasses.replace(end, run="b", rows=len(rest)),  # type: ignore[type-var]
    ]


@pytest.mark.parametrize("again", [0, 1])
def test_a_sweep_that_was_gone_on_with_is_one_curve_with_every_point_once(again: int) -> None:
    whole = sweep("a", 297.0, 4e-11)
    (run,) = folded(interrupted_after(20, whole, again, predecessor="a")).jv.finished
    (expected,) = folded(whole).jv.finished
    assert run.whole is not None and expected.whole is not None and run.fit is not None
    assert run.whole.voltage.tolist() == expected.whole.voltage.tolist()
    assert run.whole.current_density.tolist() == expected.whole.current_density.tolist()
    assert repr(run.fit) == repr(expected.fit)


def test_a_sweep_that_was_measured_anew_counts_from_its_new_run_only() -> None:
    (run,) = folded(interrupted_after(20, sweep("a", 297.0, 4e-11), 0, supersedes="a")).jv.finished
    assert run.whole is not None and len(run.whole) == 20


def test_a_pulse_series_that_was_gone_on_with_is_one_series() -> None:
    whole = pulses("a")
    (run,) = folded(interrupted_after(3, whole, 1, predecessor="a")).tel.finished
    (series,) = run.series()
    ((expected, _),) = folded(whole).tel.fits(DEVICE.identifier)
    assert series.pulse_width.tolist() == expected.pulse_width.tolist()
    assert series.light_current.tolist() == expected.light_current.tolist()


def test_three_temperatures_give_the_activation_energy_they_were_made_with() -> None:
    events = [
        event
        for index, kelvin in enumerate((297.0, 257.0, 217.0))
        for event in sweep(f"{index}", kelvin, arrhenius(kelvin))
    ]
    screen = folded(events)
    energy = screen.jv.arrhenius[DEVICE.identifier].activation_energy
    assert energy.value == pytest.approx(0.3 * electronvolt, rel=1e-6)
    assert folded(events[: 2 * len(events) // 3]).jv.arrhenius == {}


def test_temperatures_still_to_come_are_pending() -> None:
    screen = dataclasses.replace(
        folded(sweep("a", 297.0, 4e-11)), planned=Planned(temperatures=(297.0, 277.0, 257.0))
    )
    picture = PictureMaker().draw(screen)
    assert picture.arrhenius is not None
    assert picture.arrhenius.pending.tolist() == [1000 / 277.0, 1000 / 257.0]


def test_flagged_points_and_the_way_back_are_told_apart() -> None:
    events = [
        started("a", (*JV, columns.SWEEP_DIRECTION)),
        *(
            row(
                "a",
                flags={4: ("jump",), 9: ("compliance",)}.get(index, ()),
                **{
                    columns.VOLTAGE: 1.0 + index,
                    columns.CURRENT: 1e-6 * (index + 1) ** 2,
                    columns.SAMPLE_TEMPERATURE: 297.0,
                    columns.SWEEP_DIRECTION: -1.0 if index > 4 else 1.0,
                },
            )
            for index in range(10)
        ),
    ]
    (trace,) = PictureMaker().draw(folded(events)).jv
    assert {kind: points.tolist() for kind, points in trace.flagged.items()} == {
        "compliance": [False] * 9 + [True]
    }
    assert trace.back.tolist() == [False] * 5 + [True] * 5


def test_a_pulse_series_shows_its_delay_time_as_it_grows() -> None:
    events = pulses("a")
    assert PictureMaker().draw(folded(events[:3])).tel[0].delay is None
    whole = PictureMaker().draw(folded(events)).tel[0]
    assert whole.delay is not None and whole.line is not None
    assert whole.delay.delay_time.value == pytest.approx(DELAY, rel=0.02)
    assert whole.line[0][0] == whole.delay.delay_time.value and whole.line[1][0] == 0.0


def test_the_bench_bar_says_what_each_box_does_and_confirmed() -> None:
    events = sweep("a", 297.0, 4e-11)
    assert folded(events[:1]).bench.shown["source_meter"].words == "measuring"
    assert folded(events[:3]).bench.shown["source_meter"].words.endswith(" A")
    off = JournalEntry(
        sequence=99,
        time=3.0,
        utc="2026-01-01T00:00:03Z",
        level="state",
        text="outputs off",
        details={"reports": ["2400 OFF confirmed 84 ms", "6514 no answer: switch it off by hand"]},
    )
    boxes = folded([*events, off]).bench.shown
    assert (boxes["source_meter"].words, boxes["source_meter"].kind) == ("OFF confirmed 84 ms", "good")
    assert boxes["light_meter"].kind == "alarm"


def test_a_heater_on_its_way_home_is_told_in_words_that_fit_its_chip() -> None:
    off = JournalEntry(
        sequence=99,
        time=3.0,
        utc="2026-01-01T00:00:03Z",
        level="state",
        text="outputs off",
        details={"reports": ["336 ramps to 297 K confirmed 38 ms"]},
    )
    screen = bench.fold(bench.initial({"temperature_controller": "LSCI,MODEL336,336SIM1,2.9"}), off)
    heater = screen.shown["temperature_controller"]
    assert (heater.words, heater.kind) == ("ramps to 297 K", "good")
    assert screen.off == ("336 ramps to 297 K confirmed 38 ms",)


def test_telemetry_fills_the_temperature_strip_and_nothing_else() -> None:
    telemetry = TelemetryRecorded(
        sequence=5,
        time=60.0,
        utc="2026-01-01T00:01:00Z",
        values={columns.STAGE_TEMPERATURE: 256.96, columns.TEMPERATURE_SETPOINT: 257.0},
        flags=frozenset(),
    )
    screen = folded([telemetry])
    assert screen.temperature.status.startswith("stage 256.96 K, set 257.00 K")
    assert screen.rows == 0


def test_an_older_screen_is_left_as_it_was_by_what_happens_later() -> None:
    events = sweep("a", 297.0, 4e-11)
    early = folded(events[:10])
    before = [dataclasses.asdict(one) for one in early.jv.running.rows] if early.jv.running else []
    for event in events[10:]:
        fold(early, event)
    assert early.jv.running is not None
    assert [dataclasses.asdict(one) for one in early.jv.running.rows] == before


def jv_pictures(*temperatures: float) -> tuple[PictureMaker, SessionScreen]:
    events = [
        event
        for number, kelvin in enumerate(temperatures)
        for event in sweep(f"{number}", kelvin, arrhenius(kelvin))
    ]
    return PictureMaker(), folded(events)


def test_a_window_chosen_by_hand_is_used_and_unrecorded_until_the_journal_has_it() -> None:
    maker, screen = jv_pictures(297.0)
    maker.use_window("0", (5.0, 20.0))
    (trace,) = maker.draw(screen).jv
    assert trace.by_hand and trace.unrecorded
    assert trace.fit is not None and trace.fit.window == (5.0, 20.0)
    choice = window_choice("0", (5.0, 20.0))
    noted = JournalEntry(
        sequence=99, time=9.0, utc="", level="note", text=choice.text, details=choice.details
    )
    (trace,) = maker.draw(fold(screen, noted)).jv
    assert trace.by_hand and not trace.unrecorded
    (elsewhere,) = PictureMaker().draw(fold(screen, noted)).jv
    assert elsewhere.fit is not None and elsewhere.fit.window == (5.0, 20.0)


def test_a_choice_recorded_from_a_replay_counts_as_recorded_though_its_events_were_read_before() -> None:
    maker, screen = jv_pictures(297.0)
    maker.use_window("0", (5.0, 20.0))
    maker.keep_window("0", (5.0, 20.0))
    assert not maker.draw(screen).jv[0].unrecorded
    maker.use_window("0", None)
    (trace,) = maker.draw(screen).jv
    assert not trace.by_hand and trace.unrecorded


def test_the_law_over_a_sweep_measured_anew_is_that_of_the_new_one() -> None:
    maker = PictureMaker()
    old, new = sweep("a", 297.0, 4e-11), sweep("b", 297.0, 8e-11)
    maker.draw(folded(old))
    new[0] = dataclasses.replace(new[0], supersedes="a")  # type: ignore[type-var]
    (trace,) = maker.draw(folded([*old, *new])).jv
    voltage, law = trace.laws["Murgatroyd"]
    assert law == pytest.approx(mott_gurney_current_density(voltage, 8e-11, 1e-6, 4.0), rel=0.02)


def test_laws_over_a_quadratic_sweep_lie_on_its_points() -> None:
    maker, screen = jv_pictures(297.0, 257.0, 217.0)
    for trace in maker.draw(screen).jv:
        assert set(trace.laws) == {"Mott-Gurney", "Murgatroyd"}
        for voltage, law in trace.laws.values():
            inside = (voltage > 2.1) & (voltage < 39.0)
            at = np.exp(
                np.interp(np.log(voltage), np.log(trace.curve.voltage), np.log(trace.curve.current_density))
            )
            assert law[inside] == pytest.approx(at[inside], rel=0.02)


def test_a_quadratic_sweep_is_flat_as_current_over_voltage_squared_and_one_over_itself() -> None:
    maker, screen = jv_pictures(297.0)
    (trace,) = maker.draw(screen).jv
    line = (trace.curve.voltage, trace.curve.current_density)
    flat = shown_values("J / V²", trace, line)
    assert flat == pytest.approx(
        np.full(40, 0.1 * 9 / 8 * 4.0 * 8.8541878e-12 * arrhenius(297.0) / 1e-18), rel=1e-6
    )
    assert shown_values("J / J of the chosen", trace, line, trace) == pytest.approx(np.ones(40))
    assert shown_values("J L³", trace, line) == pytest.approx(0.1 * line[1] * 1e9)


def test_both_temperature_laws_are_drawn_through_the_mobilities_and_pending_ones_wait() -> None:
    maker, screen = jv_pictures(297.0, 257.0, 217.0)
    screen = dataclasses.replace(screen, planned=Planned(temperatures=(297.0, 237.0)))
    picture = maker.draw(screen).arrhenius
    assert picture is not None and picture.pending.tolist() == [1000 / 237.0]
    (series,) = picture.series
    assert set(series.lines) == {"Arrhenius", "Gaussian disorder"}
    inverse, law = series.lines["Arrhenius"]
    assert law == pytest.approx([arrhenius(1000 / one) for one in inverse], rel=1e-4)


def test_a_device_pulsed_for_its_light_leaves_no_temperature_pending_for_a_mobility() -> None:
    sweeps = [event for kelvin in (297.0, 257.0) for event in sweep(f"{kelvin}", kelvin, arrhenius(kelvin))]
    screen = folded([*sweeps, *pulses("light")])
    screen = dataclasses.replace(screen, planned=Planned(temperatures=(297.0, 257.0)))
    picture = PictureMaker().draw(screen).arrhenius
    assert picture is not None and not picture.series and not len(picture.pending)
    assert "pulsed for its light" in picture.words["m²/Vs"] and DEVICE.identifier in picture.words["m²/Vs"]


def test_laws_are_told_in_either_unit_of_the_mobility() -> None:
    maker, screen = jv_pictures(297.0, 257.0, 217.0)
    picture = maker.draw(screen).arrhenius
    assert picture is not None
    fit = picture.series[0].fit
    assert fit is not None
    si, lab = picture.words["m²/Vs"], picture.words["cm²/Vs"]
    assert f"μ∞ = {fit.high_temperature_mobility} m²/Vs" in si
    assert f"μ∞ = {fit.high_temperature_mobility.scaled(1e4)} cm²/Vs" in lab


def test_the_same_screen_gives_the_same_traces_so_that_nothing_is_drawn_twice() -> None:
    maker, screen = jv_pictures(297.0, 257.0, 217.0)
    first, second = maker.draw(screen), maker.draw(screen)
    assert all(one is other for one, other in zip(first.jv, second.jv, strict=True))
    assert first.arrhenius is second.arrhenius


def test_where_time_is_short_the_points_come_first_and_in_the_end_what_all_of_them_come_to() -> None:
    _, screen = jv_pictures(297.0, 257.0, 217.0)
    for event in pulses("light"):
        screen = fold(screen, event)
    whole = PictureMaker().draw(screen)
    assert whole.pending == 0
    maker = PictureMaker()
    first = maker.draw(screen, is_late=lambda: True)
    assert [len(trace.curve) for trace in first.jv] == [40, 40, 40]
    assert [trace.fit is None for trace in first.jv] == [True, True, False]  # the newest is read first
    assert [len(one.series) for one in first.tel] == [9] and not first.cards
    assert first.pending and first.mobility is None and first.status.endswith("being worked out")
    pictures = [first]
    while pictures[-1].pending:
        assert len(pictures) < 10
        pictures.append(maker.draw(screen, is_late=lambda: True))
    assert repr(pictures[-1].cards) == repr(whole.cards) and whole.cards
    assert repr(pictures[-1].mobility) == repr(whole.mobility)
    assert pictures[-1].status == screen.status


def test_a_law_through_all_sweeps_waits_for_the_last_of_them() -> None:
    _, screen = jv_pictures(297.0, 257.0, 217.0)
    whole = PictureMaker().draw(screen)
    maker = PictureMaker()
    for _ in range(6):
        picture = maker.draw(screen, is_late=lambda: True)
        assert picture.arrhenius is None and not any("Murgatroyd" in trace.laws for trace in picture.jv)
    last = maker.draw(screen, is_late=lambda: True)
    assert repr(last.arrhenius) == repr(whole.arrhenius) and whole.arrhenius is not None
    assert [repr(trace.laws) for trace in last.jv] == [repr(trace.laws) for trace in whole.jv]


def test_every_card_says_value_unit_window_and_verdict_and_where_its_points_are() -> None:
    maker, screen = jv_pictures(297.0, 257.0, 217.0)
    cards = {card.title: card for card in maker.draw(screen).cards}
    assert cards["μ(0), 297 K"].place == "jv" and cards["μ(0), 297 K"].key == "0"
    assert "m²/Vs" in cards["μ(0), 297 K"].value and "points" in cards["μ(0), 297 K"].detail
    energy = cards["Activation energy Δ"]
    assert float(energy.value.split("(")[0]) == pytest.approx(0.3) and energy.value.endswith("eV")
    assert energy.verdict.word in energy.text


def test_the_results_of_two_devices_have_titles_of_their_own() -> None:
    films = [dataclasses.replace(DEVICE, identifier=f"batch/substrate/{number}") for number in (1, 2)]
    screen = initial({film.identifier: film for film in films})
    for film in films:
        for kelvin in (297.0, 257.0, 217.0):
            begin, *rest = sweep(f"{film.identifier} {kelvin}", kelvin, arrhenius(kelvin))
            for event in (dataclasses.replace(begin, device=film.identifier), *rest):  # type: ignore[type-var]
                screen = fold(screen, event)
    titles = [card.title for card in PictureMaker().draw(screen).cards]
    assert len(set(titles)) == len(titles) == 8
    assert "Activation energy Δ, batch/substrate/2" in titles


def test_reference_pulses_and_backgrounds_of_a_series_are_told_apart_from_its_points() -> None:
    heads = (*TEL, columns.POINT_KIND)

    def light(kind: float, width: float, current: float, time: float) -> RowRecorded:
        values = {
            columns.PULSE_AMPLITUDE: 5.0,
            columns.PULSE_WIDTH: width,
            columns.LIGHT_CURRENT: current,
            columns.POINT_KIND: kind,
            columns.SAMPLE_TEMPERATURE: 297.0,
        }
        return dataclasses.replace(row("a", **values), time=time)

    events: list[Event] = [started("a", heads), light(3.0, 0.0, 2e-13, 1.0)]
    events += [light(1.0, 50e-6, 1e-9 * (1 - 0.02 * n), 10.0 * n) for n in range(4)]
    events += [light(0.0, width, 1e-3 * width, 50.0) for width in (10e-6, 20e-6, 30e-6)]
    picture = PictureMaker().draw(folded(events))
    (reference,) = picture.checks.references
    assert reference.light == pytest.approx([1.0, 0.98, 0.96, 0.94])
    assert "-6 %" in picture.checks.words and "doubt" in picture.checks.words
    assert picture.checks.backgrounds[0].light.tolist() == [2e-13]
    assert len(picture.tel[0].series) == 3


def test_a_window_the_journal_holds_is_what_results_and_reports_use() -> None:
    _, screen = jv_pictures(297.0)
    by_rule = analyse_screen(screen, with_model_range=False).devices[DEVICE.identifier].jv
    choice = window_choice("0", (5.0, 20.0))
    noted = JournalEntry(
        sequence=99, time=9.0, utc="", level="note", text=choice.text, details=choice.details
    )
    by_hand = analyse_screen(fold(screen, noted), with_model_range=False).devices[DEVICE.identifier].jv
    assert by_rule is not None and by_hand is not None
    assert by_rule.layers[0].space_charge[0].window != (5.0, 20.0)
    assert by_hand.layers[0].space_charge[0].window == (5.0, 20.0)


def test_results_of_sessions_stand_in_one_line_and_their_sweeps_stay_apart() -> None:
    screens = {"first": jv_pictures(297.0)[1], "second": jv_pictures(297.0, 257.0, 217.0)[1]}
    found = compared({name: PictureMaker().draw(screen) for name, screen in screens.items()})
    assert found.names == ("A: first", "B: second")
    assert len({trace.run for trace in found.traces}) == len(found.traces) == 4
    assert {trace.number for trace in found.traces} == {0, 1}
    lines = {line.title: line.cards for line in found.lines}
    one, other = lines["μ(0), 297 K"]
    assert one is not None and other is not None and one.value == other.value
    assert lines["Activation energy Δ"][0] is None and lines["Activation energy Δ"][1] is not None


def test_pulses_of_an_earlier_temperature_stay_to_be_compared_with_those_of_the_newest() -> None:
    def pulses(run: str, temperature: float, delay: float) -> list[Event]:
        widths = [delay * factor for factor in (0.2, 0.5, 1.5, 2, 3, 4, 5, 6, 7, 8)]
        rows: list[Event] = [
            row(
                run,
                **{
                    columns.PULSE_AMPLITUDE: 5.0,
                    columns.PULSE_WIDTH: width,
                    columns.LIGHT_CURRENT: 1e-3 * max(width - delay, 0.0),
                    columns.SAMPLE_TEMPERATURE: temperature,
                },
            )
            for width in widths
        ]
        return [started(run, TEL), *rows, RunEnded(run=run, end="finished", rows=10, time=2.0)]

    picture = PictureMaker().draw(folded([*pulses("a", 297.0, 10e-6), *pulses("b", 257.0, 40e-6)]))
    assert [(one.label, one.newest) for one in picture.tel] == [("5 V, 297 K", False), ("5 V, 257 K", True)]
    titles = [card.title for card in picture.cards if card.place == "tel"]
    assert titles == ["τ_d, 5 V, 257 K", "τ_d, 5 V, 297 K"]
    assert picture.mobility is not None
    newer, older = picture.mobility.series
    assert "257 K" in newer.label and "297 K" in older.label
    assert older.mobility[0].value == pytest.approx(4 * newer.mobility[0].value, rel=1e-3)


def test_pulses_at_one_temperature_measured_twice_keep_names_of_their_own() -> None:
    picture = PictureMaker().draw(folded([*pulses("a"), *pulses("b")]))
    assert [one.label for one in picture.tel] == ["5 V, 297 K", "5 V, 297 K (2)"]
    assert picture.mobility is not None
    assert len({one.label for one in picture.mobility.series}) == len(picture.mobility.series)
    titles = [card.title for card in picture.cards]
    assert len(set(titles)) == len(titles)


def test_a_film_is_compared_at_the_temperature_of_the_pulses_or_not_at_all() -> None:
    _, screen = jv_pictures(297.0, 257.0, 217.0)
    fit = fit_murgatroyd([run.marked for run in screen.jv.finished if run.marked is not None])
    film = film_mobility("film", fit, 257.5)
    assert film is not None
    assert film.zero_field_mobility.value == pytest.approx(arrhenius(257.0), rel=0.05)
    assert film_mobility("film", fit, 270.0) is None
