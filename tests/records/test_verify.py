"""Damage: every kind is found, and nothing that was changed is ever read as a value."""

from pathlib import Path

import pytest

from benchmarks.records import damage, trials
from qdlab.records import open_session, verify_session
from qdlab.records.layout import MANIFEST_FILE


def test_truncated_sessions_give_an_exact_prefix_or_are_refused(
    closed_session: Path, interrupted_session: Path
) -> None:
    """Every seventh byte; every one in `benchmarks`."""
    for session in (closed_session, interrupted_session):
        assert not [wrong for wrong in damage.truncations(session, step=7) if wrong]


def test_flipped_bits_change_no_value(closed_session: Path, interrupted_session: Path) -> None:
    """Every 61st bit; every one in `benchmarks`."""
    for session in (closed_session, interrupted_session):
        assert not [wrong for wrong in damage.bit_flips(session, step=61) if wrong]


def test_a_session_without_damage_is_a_prefix_of_itself(closed_session: Path) -> None:
    original = open_session(closed_session)
    assert damage.is_prefix(original, open_session(closed_session))


@pytest.mark.parametrize("with_manifest", [True, False])
def test_rearranged_and_spliced_lines_are_found(tmp_path: Path, with_manifest: bool) -> None:
    path = trials.closed_session(tmp_path / "one")
    stranger = trials.closed_session(tmp_path / "two", identifier="another")
    if not with_manifest:
        (path / MANIFEST_FILE).unlink()
    outcomes = list(damage.rearrangements(path, stranger))
    assert len(outcomes) > 250
    # the journal's last lines are the only record of themselves: without a manifest they can go unnoticed
    missed = [what for what, found in outcomes if not found]
    assert missed == [] if with_manifest else all(what.startswith("journal.jsonl line") for what in missed)
    assert verify_session(path).intact


def test_later_edits_that_keep_every_chain_are_found_by_the_manifest(closed_session: Path) -> None:
    """Somebody rewrites the last run in full, with right checks: only the manifest can tell."""
    other = trials.closed_session(closed_session.parent)
    for name in ("journal.jsonl", "telemetry.csv", *(f"runs/{f.name}" for f in (other / "runs").iterdir())):
        (closed_session / name).write_bytes((other / name).read_bytes())
    assert verify_session(closed_session).intact, "the same session again: identical to the byte"
    longer = trials.new_session(closed_session.parent / "longer")
    longer.journal("note", "one more")
    trials.record_two_runs(longer)
    longer.close()
    for file in damage.files_of(longer.path):
        if file.name != MANIFEST_FILE:
            (closed_session / file.relative_to(longer.path)).write_bytes(file.read_bytes())
    findings = verify_session(closed_session).findings
    assert "journal.jsonl was changed after the session was closed" in findings


def test_the_first_bad_line_of_every_file_is_named(closed_session: Path) -> None:
    expected = []
    for name, old, new in (
        ("runs/0001-JVSweep-B1-S2-P3.csv", b",1.5,", b",1.6,"),
        ("runs/0002-JVSweep-B1-S2-P3.csv", b"Z,2.0,", b"Z,2.1,"),
        ("telemetry.csv", b"297.01", b"297.02"),
    ):
        content = (closed_session / name).read_bytes()
        (closed_session / name).write_bytes(content.replace(old, new))
        line = content[: content.index(old)].count(b"\n") + 1
        expected.append(f"{name}: line {line} does not match its check")
    findings = verify_session(closed_session).findings
    assert all(any(finding.startswith(start) for finding in findings) for start in expected)


def test_a_lost_file_is_named(closed_session: Path) -> None:
    (closed_session / MANIFEST_FILE).unlink()
    run = sorted((closed_session / "runs").iterdir())[1]
    run.unlink()
    assert any(f"runs/{run.name}" in finding for finding in verify_session(closed_session).findings)


def test_what_stands_after_an_end_is_named(closed_session: Path) -> None:
    (closed_session / "manifest-sha256.txt").unlink()
    telemetry = closed_session / "telemetry.csv"
    lines = telemetry.read_bytes().count(b"\n")
    telemetry.write_bytes(telemetry.read_bytes() + b"\0" * 4096)
    assert verify_session(closed_session).findings == (
        f"telemetry.csv: line {lines + 1} stands after the end block",
    )


def test_a_file_that_is_none_of_the_session_s_is_remarked(closed_session: Path) -> None:
    (closed_session / "runs" / "0003-JVSweep.txt").write_bytes(b"1,2,3")
    found = verify_session(closed_session)
    assert found.intact
    assert any("0003-JVSweep.txt" in remark for remark in found.remarks)


def test_derived_files_may_come_and_go(closed_session: Path) -> None:
    (closed_session / "results").mkdir()
    (closed_session / "results" / "jv.json").write_text("{}", encoding="utf-8")
    (closed_session / "report.html").write_text("<p>", encoding="utf-8")
    assert verify_session(closed_session).intact
