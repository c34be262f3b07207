"""Sessions: names, order, time, what is in them, and going on with one."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from analysis.curves import JVCurve
from analysis.device import Device, Layer
from analysis.estimate import Estimate
from benchmarks.records.trials import (
    DEVICE,
    StepClock,
    jv_header,
    jv_row,
    new_session,
    record_two_runs,
)
from benchmarks.records.trials import (
    interrupted_session as make_interrupted,
)
from procedures import columns
from qdlab.errors import NotASession, RecordError
from qdlab.events import JournalEntry, RowRecorded, RunEnded, RunStarted, TelemetryRecorded
from qdlab.records import (
    RunFeed,
    SessionWriter,
    StorageFailed,
    device_from_document,
    device_to_document,
    open_session,
    verify_session,
)
from qdlab.records.curves import jv_curves, tel_series
from qdlab.records.names import slug
from qdlab.records.reopen import add_note
from qdlab.records.writer import ROOM_FOR_CLOSING_WORDS


def test_a_closed_session_is_intact_and_complete(closed_session: Path) -> None:
    found = verify_session(closed_session)
    assert found.intact
    assert found.end == "finished"
    assert [(run.rows, run.end) for run in found.runs] == [(6, "finished"), (4, "stopped")]
    session = open_session(closed_session)
    assert session.devices == {DEVICE.identifier: DEVICE}
    assert session.document["operator"] == "A. Nyquist"
    assert session.document["session"]["versions"]["qdlab"]
    assert [len(table.rows) for table in session.telemetry] == [2]
    assert session.end == "finished"
    assert session.run("0002-JVSweep-B1-S2-P3").reason == "operator asked"


def test_an_interrupted_session_says_so_and_keeps_its_rows(interrupted_session: Path) -> None:
    found = verify_session(interrupted_session)
    assert found.intact
    assert found.end == "interrupted"
    assert [run.end for run in found.runs] == ["finished", "stopped", "interrupted"]
    assert open_session(interrupted_session).runs[2].interrupted


def test_events_come_in_the_order_of_their_numbers(interrupted_session: Path) -> None:
    events = list(RunFeed(interrupted_session).events())
    numbers = [event.sequence for event in events if not isinstance(event, RunEnded)]
    assert numbers == sorted(set(numbers))
    kinds = [type(event) for event in events if isinstance(event, RunStarted | RunEnded)]
    assert kinds == [RunStarted, RunEnded] * 3
    assert [event.end for event in events if isinstance(event, RunEnded)] == [
        "finished",
        "stopped",
        "interrupted",
    ]
    assert sum(isinstance(event, RowRecorded) for event in events) == 12
    assert sum(isinstance(event, TelemetryRecorded) for event in events) == 2
    assert next(e for e in events if isinstance(e, JournalEntry) and e.level == "note").text.endswith(
        "µ-meter warm"
    )


def test_following_a_growing_session_tells_everything_once_and_in_order(tmp_path: Path) -> None:
    session = new_session(tmp_path)
    feed = RunFeed(session.path, follow=True)
    told: list = []
    record_two_runs(session, lambda number: told.extend(feed.poll()))
    session.close()
    assert not feed.closed
    told.extend(feed.poll())
    assert feed.closed
    assert told == list(RunFeed(session.path).events())


def test_a_row_is_on_the_disk_when_it_is_acknowledged(tmp_path: Path) -> None:
    session = new_session(tmp_path)
    feed = RunFeed(session.path, follow=True)
    seen: set[int] = set()

    def acknowledged(number: int) -> None:
        seen.update(event.sequence for event in feed.poll() if not isinstance(event, RunEnded))
        assert number in seen

    record_two_runs(session, acknowledged)


def test_a_session_is_intact_at_every_moment_of_its_recording(tmp_path: Path) -> None:
    session = new_session(tmp_path)

    def acknowledged(number: int) -> None:
        found = verify_session(session.path)
        assert found.recording
        assert found.intact, f"after line {number}: {found.findings}"

    record_two_runs(session, acknowledged)
    session.close()
    assert not verify_session(session.path).recording


def test_a_feed_that_saw_the_end_follows_on_when_the_session_is_resumed(tmp_path: Path) -> None:
    session = new_session(tmp_path)
    session.close("stopped")
    feed = RunFeed(session.path, follow=True)
    feed.poll()
    assert feed.closed
    resumed = SessionWriter.resume(session.path, clock=StepClock())
    row = resumed.open_run(jv_header()).write(jv_row(0.5))
    assert row in feed.poll()
    assert not feed.closed


def test_what_is_refused_leaves_no_gap_in_the_numbers(tmp_path: Path) -> None:
    session = new_session(tmp_path)
    run = session.open_run(jv_header())
    refusals = [
        lambda: run.write({"Curent (A)": 1.0}),
        lambda: run.write(jv_row(0.5), {"no word"}),
        lambda: run.write({columns.VOLTAGE: "much"}),  # type: ignore[dict-item]
        lambda: run.end("interrupted"),
        lambda: session.close("interrupted"),
        lambda: session.journal("shout", "hello"),  # type: ignore[arg-type]
        lambda: session.open_run(jv_header(parameters={"x": "y" * 100_000})),
    ]
    for refusal in refusals:
        with pytest.raises(ValueError, match=r".+"):
            refusal()
    run.write(jv_row(0.5))
    run.end("finished")
    session.close()
    assert verify_session(session.path).findings == ()


def test_two_sessions_of_one_second_get_two_folders(tmp_path: Path) -> None:
    paths = [new_session(tmp_path).path.name for _ in range(3)]
    assert paths == [f"20261122T080000Z-two-runs{suffix}" for suffix in ("", "-2", "-3")]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CON", "CON-"),
        ("lpt1", "lpt1-"),
        ('a/b\\c:d*e?f"g<h>i|j', "a-b-c-d-e-f-g-h-i-j"),
        ("..", "unnamed"),
        ("Übung µ 1 ", "Ubung-1"),
        ("x" * 300, "x" * 40),
        ("\x00", "unnamed"),
        ("end.", "end"),
    ],
)
def test_names_hold_nothing_that_windows_refuses(text: str, name: str) -> None:
    found = slug(text)
    assert re.fullmatch(r"[A-Za-z0-9-]{1,41}", found)
    assert found.startswith(name[:3])


def test_a_clock_that_steps_changes_no_duration_and_no_order(tmp_path: Path) -> None:
    clock = StepClock()
    session = new_session(tmp_path, clock=clock)
    run = session.open_run(jv_header())
    times = []
    for shift in (0, 3600, -3600, -10 * 365 * 86400, 10 * 365 * 86400):
        clock.shift = timedelta(seconds=shift)
        times.append(run.write(jv_row(0.5)).time)
    run.end("finished")
    session.close()
    assert np.allclose(np.diff(times), 0.25)
    assert verify_session(session.path).intact
    assert open_session(session.path).runs[0].rows.time.tolist() == times


def test_stamps_are_utc_whatever_the_zone(tmp_path: Path) -> None:
    from datetime import timezone

    zone = timezone(timedelta(hours=9))
    clock = StepClock(datetime(2026, 11, 22, 17, tzinfo=zone))
    session = new_session(tmp_path, clock=clock)
    assert session.path.name.startswith("20261122T080000Z")
    assert session.journal("note", "now").utc.startswith("2026-11-22T08:00:")


def test_a_device_survives_its_description() -> None:
    device = Device(
        identifier="a/b/µ",
        layers=(
            Layer(material="ITO", thickness=Estimate(value=1.5e-7), thickness_method="profilometer"),
            Layer(
                material="P3HT",
                thickness=Estimate(value=1 / 3e7, standard_error=1e-9, systematic_error=2e-9),
                relative_permittivity=Estimate(value=3.4),
            ),
        ),
        active_layers=("P3HT",),
        area=Estimate(value=4e-6, standard_error=1e-8),
        injecting_electrode="bottom",
        positive_terminal="top",
        built_in_voltage=Estimate(value=0.3),
        series_resistance=Estimate(value=30.0),
    )
    assert device_from_document(device_to_document(device)) == device


def test_a_resumed_session_goes_on_in_new_runs_and_one_line_of_numbers(tmp_path: Path) -> None:
    path = make_interrupted(tmp_path)
    before = {file: file.read_bytes() for file in [*(path / "runs").iterdir(), path / "telemetry.csv"]}
    session = SessionWriter.resume(path, clock=StepClock(datetime(2026, 11, 22, 9, tzinfo=UTC)))
    run = session.open_run(jv_header(predecessor="0003-JVSweep-B1-S2-P3"))
    row = run.write(jv_row(1.0, scale=9e-6), {"remeasured"})
    run.write(jv_row(1.5))
    run.end("finished")
    session.telemetry({columns.STAGE_TEMPERATURE: 297.0})
    session.close()
    assert {file: file.read_bytes() for file in before} == before
    assert verify_session(path).intact
    read = open_session(path)
    assert read.end == "finished"
    assert len(read.telemetry) == 2
    assert row.time > 3500, "an hour passed between the two"
    curve = jv_curves(read)[-1]
    assert curve.voltage.tolist() == [0.5, 1.0, 1.5], "the point measured twice stands once"
    assert curve.current_density[1] == pytest.approx(9e-6 / 3 / 4e-6)


def test_a_session_that_could_not_be_read_again_is_not_begun(tmp_path: Path) -> None:
    document = {"plan": {"voltages": [f"{number} V" for number in range(200_000)]}}
    with pytest.raises(RecordError, match="could not be read again"):
        SessionWriter.create(tmp_path, name="long", document=document, clock=StepClock())
    assert list(tmp_path.iterdir()) == []


def test_a_journal_as_long_as_may_be_ends_the_session_like_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_session(tmp_path)
    monkeypatch.setattr("qdlab.records.writer.MAXIMUM_JOURNAL", 2000 + ROOM_FOR_CLOSING_WORDS)
    with pytest.raises(StorageFailed, match="as long as a journal may be"):
        for number in range(100):
            session.journal("note", f"note {number}")
    session.close()
    found = verify_session(session.path)
    assert (found.intact, found.end) == (True, "failed")
    assert (session.path / "journal.jsonl").stat().st_size < 3000
    monkeypatch.setattr("qdlab.records.reopen.MAXIMUM_JOURNAL", 2000)
    with pytest.raises(RecordError, match="keep the note elsewhere"):
        add_note(session.path, "one more", clock=StepClock())
    assert verify_session(session.path).intact


def test_a_session_holds_as_many_runs_as_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qdlab.records.writer.MAXIMUM_RUNS", 2)
    session = new_session(tmp_path)
    for _ in range(2):
        session.open_run(jv_header()).end("finished")
    with pytest.raises(RecordError, match="holds 2 runs"):
        session.open_run(jv_header())
    session.close()
    assert verify_session(session.path).intact


def test_a_session_has_one_writer(tmp_path: Path) -> None:
    session = new_session(tmp_path)
    with pytest.raises(RecordError, match="another program is recording"):
        SessionWriter.resume(session.path, clock=StepClock())
    with pytest.raises(RecordError, match="another program is recording"):
        add_note(session.path, "hello", clock=StepClock())
    assert verify_session(session.path).recording


def test_a_damaged_session_is_not_added_to(closed_session: Path) -> None:
    journal = closed_session / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"warm", b"cold"))
    for change in (
        lambda: SessionWriter.resume(closed_session, clock=StepClock()),
        lambda: add_note(closed_session, "hello", clock=StepClock()),
    ):
        with pytest.raises(RecordError, match=r"damaged.*journal.jsonl: line 2"):
            change()


def test_a_note_is_added_to_a_closed_session_and_its_manifest(closed_session: Path) -> None:
    entry = add_note(closed_session, "pixel 3 was scratched: 1 µm", clock=StepClock())
    assert verify_session(closed_session).intact
    assert open_session(closed_session).journal[-1] == entry
    assert len(entry.details["manifest_before"]) == 64


def test_a_note_follows_a_line_that_a_crash_tore(interrupted_session: Path) -> None:
    journal = interrupted_session / "journal.jsonl"
    with journal.open("ab") as stream:
        stream.write(b'{"sequence": 99, "time": ')
    assert verify_session(interrupted_session).intact
    add_note(interrupted_session, "power cut", clock=StepClock())
    assert verify_session(interrupted_session).intact
    assert open_session(interrupted_session).journal[-1].text == "power cut"


def test_what_is_no_session_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for path in (tmp_path, tmp_path / "file", tmp_path / "nothing"):
        with pytest.raises(NotASession):
            verify_session(path)
        with pytest.raises(NotASession):
            open_session(path)


def test_curves_carry_area_thickness_temperature_and_flags(closed_session: Path) -> None:
    curves = jv_curves(open_session(closed_session))
    assert [len(curve) for curve in curves] == [6, 4]
    curve = curves[0]
    assert isinstance(curve, JVCurve)
    assert curve.current_density[2] == pytest.approx(1e-6 / 3 / 4e-6)
    assert (curve.thickness, curve.temperature, curve.relative_permittivity) == (110e-9, 296.98, 3.6)
    assert curve.flags[2] == {"compliance"}
    assert tel_series(open_session(closed_session)) == []
    assert jv_curves(open_session(closed_session), device="another") == []
