"""Many sessions side by side: the same results for any number of workers, and no failure stops the rest."""

import json
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pandas import read_csv

from analysis.space_charge import mott_gurney_current_density
from benchmarks.records.trials import DEVICE, JV_COLUMNS, jv_header, new_session
from qdlab.batch import Outcome, analyse_sessions, find_sessions, process_pool
from qdlab.cli import run_command_line
from qdlab.stored_results import read_results

THREAD = partial(ThreadPoolExecutor, 1)


def record(folder: Path, mobility: float) -> Path:
    """A session of quadratic J-V curves at 297, 277 and 257 K."""
    writer = new_session(folder)
    for index, kelvin in enumerate((297.0, 277.0, 257.0)):
        run = writer.open_run(jv_header(conditions={"Temperature setpoint": kelvin}))
        voltage = np.geomspace(1.0, 8.0, 12)
        density = mott_gurney_current_density(voltage, mobility / 3**index, 110e-9, 3.6)
        for volt, current in zip(voltage, density * DEVICE.area.value, strict=True):
            run.write(dict(zip(JV_COLUMNS, (volt, current, 1.0, 0.0, kelvin), strict=True)))
        run.end("finished")
    writer.close()
    return writer.path


@pytest.fixture
def sessions(tmp_path: Path) -> list[Path]:
    """Two whole sessions around a damaged one."""
    paths = [
        record(tmp_path / name, mobility) for name, mobility in (("a", 1e-11), ("b", 1e-11), ("c", 3e-11))
    ]
    file = next((paths[1] / "runs").iterdir())
    file.write_bytes(file.read_bytes().replace(b"277", b"278").replace(b"297", b"298"))
    return paths


def told(outcomes: list[Outcome]) -> str:
    return json.dumps([(one.session.as_posix(), one.results, one.problem) for one in outcomes])


def test_results_are_identical_whatever_the_number_of_workers(sessions: list[Path]) -> None:
    one, two = (analyse_sessions(sessions, process_pool(jobs), with_model_range=False) for jobs in (1, 2))
    assert told(one) == told(two)
    assert [outcome.results is None for outcome in one] == [False, True, False]
    assert one[0].results is not None
    found = one[0].results["devices"][DEVICE.identifier]["jv"]["layers"][0]["curves"]
    assert [curve["temperature"] for curve in found] == [257.0, 277.0, 297.0]


def test_a_damaged_session_is_told_and_the_others_are_done(sessions: list[Path]) -> None:
    heard: list[Outcome] = []
    outcomes = analyse_sessions(sessions, THREAD, with_model_range=False, listener=heard.append)
    assert [outcome.session for outcome in outcomes] == sessions
    assert [bool(outcome.problem) for outcome in outcomes] == [False, True, False]
    assert "line" in outcomes[1].problem
    assert {outcome.session for outcome in heard} == set(sessions)


class Fragile(Executor):
    """Breaks as a pool of processes does when one of them dies: everything not yet done is lost."""

    def __init__(self, deadly: Path, started: list[int]) -> None:
        self.deadly = deadly
        self.broken = False
        started.append(0)

    def submit(self, function: Callable[..., Any], /, *words: Any, **named: Any) -> Future:
        future: Future = Future()
        self.broken = self.broken or words[0] == self.deadly
        if self.broken:
            future.set_exception(BrokenExecutor("a process died"))
        else:
            future.set_result(Outcome(session=words[0], results={}))
        return future


@pytest.mark.parametrize("deadly", [0, 3, 6])
def test_a_session_that_kills_its_worker_is_found_and_the_others_are_done(deadly: int) -> None:
    paths = [Path(f"session{number}") for number in range(7)]
    started: list[int] = []
    outcomes = analyse_sessions(paths, lambda: Fragile(paths[deadly], started))
    assert [number for number, outcome in enumerate(outcomes) if outcome.problem] == [deadly]
    assert len(started) <= 7


def test_sessions_are_found_in_folders_and_named_once(tmp_path: Path) -> None:
    first, second = record(tmp_path, 1e-11), record(tmp_path, 1e-11)
    assert find_sessions([tmp_path, first]) == sorted([first, second])
    assert find_sessions([second, tmp_path]) == [second, first]
    assert find_sessions([tmp_path / "nothing"]) == []


def test_no_workers_are_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        process_pool(0)


def test_the_command_analyses_a_folder_of_sessions(
    sessions: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, summary = tmp_path / "all.json", tmp_path / "summary.csv"
    words = ["analyse", *(str(path.parent) for path in sessions), "--quick", "--json", str(target)]
    words += ["--summary", str(summary), "--report", str(tmp_path / "report.html")]
    assert run_command_line(words) == 1
    printed = capsys.readouterr().out
    assert f"{sessions[1]}" in printed and "line" in printed
    written = json.loads(target.read_text(encoding="utf-8"))
    assert [written[str(path)] is None for path in sessions] == [False, True, False]
    stored = read_results(sessions[2], "li2024")
    assert stored is not None and stored["results"] == written[str(sessions[2])]
    table = read_csv(summary, float_precision="round_trip")
    assert table["session"].tolist() == [str(path) for path in sessions]
    mobility = table["zero_field_mobility (m**2/V/s)"]
    assert mobility.isna().tolist() == [False, True, False]
    assert mobility[0] == pytest.approx(1e-11, rel=1e-3) and mobility[2] == pytest.approx(3e-11, rel=1e-3)
    assert "line" in table["problem"][1]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Sessions compared" in page and table["problem"][1].partition(":")[0] in page


def test_a_summary_of_files_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["analyse", "some.txt", "--summary", "summary.csv"]) == 2
    assert "--summary" in capsys.readouterr().err


def test_a_dask_cluster_gives_the_same_results(sessions: list[Path], tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask (extra 'cluster') is not installed")
    target = tmp_path / "cluster.json"
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as local:
        words = ["--scheduler", local.scheduler_address, "--quick", "--json", str(target)]
        assert run_command_line(["analyse", *map(str, sessions), *words]) == 1
    expected = analyse_sessions(sessions, process_pool(1), with_model_range=False)
    written = json.loads(target.read_text(encoding="utf-8"))
    assert json.dumps(written) == json.dumps({str(one.session): one.results for one in expected})


def test_a_scheduler_that_does_not_answer_is_told(
    sessions: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("distributed", reason="Dask (extra 'cluster') is not installed")
    monkeypatch.setattr("qdlab.batch._ANSWERS_WITHIN", 0.2)
    assert run_command_line(["analyse", *map(str, sessions), "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "no Dask scheduler answers" in capsys.readouterr().err
