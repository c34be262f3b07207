"""Going on with what a crash left: exactly the missing points, none of them twice in the final table."""

from pathlib import Path
from random import Random

import pytest

from benchmarks.records import campaigns
from benchmarks.records.trials import jv_header, jv_row, new_session
from procedures import columns
from procedures.base import ConnectedDevice, Surroundings
from procedures.jv_sweep import JVSweep
from qdlab.campaign.places import Earlier, Place
from qdlab.records import open_session
from qdlab.records.curves import jv_point
from qdlab.records.resume import final_rows, final_runs, run_chain


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, campaigns.Points]:
    return campaigns.whole_campaign(campaigns.SHORT_SWEEP, tmp_path_factory.mktemp("whole"))


def test_a_campaign_stopped_anywhere_ends_with_the_same_points(
    tmp_path: Path, whole: tuple[int, campaigns.Points]
) -> None:
    """Sixteen stops, each with the power cut (seed 20261122); a thousand of a long sweep in `benchmarks`."""
    calls, points = whole
    assert len(points) == 9
    random = Random(20261122)
    for at in sorted(random.sample(range(1, calls + 1), 16)):
        trial = campaigns.stopped_and_resumed(campaigns.SHORT_SWEEP, tmp_path / str(at), [at], random)
        assert trial.points == points, f"call {at} of {calls}"
        assert trial.repeated <= 1
        assert (trial.lost, trial.findings) == (0, ())


def test_a_campaign_stopped_again_and_again_ends_with_the_same_points(
    tmp_path: Path, whole: tuple[int, campaigns.Points]
) -> None:
    calls, points = whole
    stops = [calls // 3, calls // 4, calls // 5, 9]
    trial = campaigns.stopped_and_resumed(campaigns.SHORT_SWEEP, tmp_path, stops, Random(7))
    assert trial.points == points
    assert (trial.lost, trial.findings) == (0, ())


def test_a_row_that_is_not_valid_is_measured_again_when_its_run_is_gone_on_with(tmp_path: Path) -> None:
    place = Place(key="steps[0]")
    session = new_session(tmp_path)
    first = session.open_run(jv_header(conditions=place.conditions()))
    first.write(jv_row(1.0))
    first.write(jv_row(2.0), {"invalid"})
    first.end("aborted", "window closed")
    second = session.open_run(jv_header(conditions=place.conditions(), predecessor=first.run))
    second.write(jv_row(3.0))
    second.end("stopped")
    session.close()
    (last,) = final_runs(open_session(session.path).runs)
    assert [run.name for run in run_chain(open_session(session.path).runs, last)] == [first.run, second.run]
    sweep = JVSweep()
    sweep.set_parameters({"voltages": [1.0, 2.0, 3.0, 4.0]})
    device = ConnectedDevice(identifier="film", area=4e-6, thickness=100e-9)
    done = Earlier(open_session(session.path)).rows(place)
    sweep.surroundings = Surroundings(bench=None, device=device, record=print, done=done)
    assert [point.voltage for point in sweep.points_left()] == [2.0, 4.0]


def test_repeats_inside_one_run_stay_and_a_resumed_point_counts_once(tmp_path: Path) -> None:
    session = new_session(tmp_path)
    first = session.open_run(jv_header())
    for scale in (1.0, 2.0):
        first.write(jv_row(1.0, scale))
    first.write(jv_row(2.0, 3.0))
    second = session.open_run(jv_header(predecessor=first.run))
    second.write(jv_row(2.0, 4.0))
    session.close("aborted")
    rows = final_rows(open_session(session.path).runs, jv_point)
    assert [row.values[columns.VOLTAGE] for row in rows] == [1.0, 1.0, 2.0]
    assert rows[-1].values[columns.CURRENT] == jv_row(2.0, 4.0)[columns.CURRENT]


def test_a_chain_that_bites_its_tail_comes_to_an_end(tmp_path: Path) -> None:
    """Two files that name each other as predecessors: forged, or a copy gone wrong."""
    session = new_session(tmp_path)
    for predecessor in ("0002-JVSweep-B1-S2-P3", "0001-JVSweep-B1-S2-P3"):
        session.open_run(jv_header(predecessor=predecessor)).end("finished")
    session.close()
    runs = open_session(session.path).runs
    assert len(run_chain(runs, runs[0])) <= 3
