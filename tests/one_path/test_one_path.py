"""One path for a reading: live, headless and replayed sessions make the same rows, states and results."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest

from qdlab.campaign import open_campaign_session, run_campaign, simulated_devices
from qdlab.config import load_plan
from qdlab.config.steps import OWN_PROCEDURES
from qdlab.events import Event
from qdlab.live.planned import planned_of
from qdlab.live.session import SessionScreen, fold, folded, initial
from qdlab.records import RunFeed, open_session, verify_session
from qdlab.replay import open_replay
from qdlab.results import analyse_screen
from qdlab.simulators import open_simulated_bench

PLAN = """
name = "one path"
operator = "test"

[devices]
hole-only = "{examples}/device-hole-only.toml"
light-emitting = "{examples}/device-light-emitting.toml"

[[steps]]
kind = "operator"
text = "source meter to the hole-only pixel"
device = "hole-only"
source = "source_meter"

[[steps]]
kind = "pixel_check"

[[steps]]
kind = "conditioning"
voltage = "1 V"
duration = "30 s"

[[steps]]
kind = "temperature_sweep"
temperatures = ["297 K", "277 K", "257 K"]
ramp_rate = "6 K/min"
window = "30 s"
soak = "10 s"

[[steps.steps]]
kind = "jv_sweep"
voltages = {{ start = "0.4 V", stop = "6 V", points_per_decade = 16 }}
compliance_current = "20 mA"

[[steps]]
kind = "operator"
text = "generator to the light-emitting pixel"
device = "light-emitting"
source = "pulse_generator"

[[steps]]
kind = "tel_series"
pulse_amplitudes = ["6 V", "7 V"]
pulse_widths = ["10 us", "20 us", "40 us", "60 us", "80 us", "100 us"]
pulse_period = "1 ms"
"""


@dataclass(frozen=True)
class Recorded:
    path: Path
    live_events: list[Event]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """A small campaign on the simulated bench, with what a window would have followed while it went on."""
    folder = tmp_path_factory.mktemp("one-path")
    examples = Path(__file__).resolve().parents[2] / "examples"
    plan_file = folder / "plan.toml"
    plan_file.write_text(PLAN.format(examples=examples.as_posix()), encoding="utf-8", newline="\n")
    plan = load_plan(plan_file)
    bench = open_simulated_bench(seed=7, devices=simulated_devices(plan))
    session = open_campaign_session(folder / "sessions", plan, bench)
    feed = RunFeed(session.path, follow=True)
    live: list[Event] = []
    result = run_campaign(plan, bench, session, listener=lambda _: live.extend(feed.poll()))
    live.extend(feed.poll())
    assert result.end == "finished"
    yield Recorded(path=result.session, live_events=live)


def screen_of(path: Path, events: list[Event]) -> SessionScreen:
    feed = RunFeed(path)
    screen = initial(feed.devices, feed.identities, planned_of(feed.plan))
    for event in events:
        screen = fold(screen, event)
    return screen


def to_plain(value: object) -> object:
    """A state as text, lists and dicts, every number to its last bit."""
    if is_dataclass(value):
        return {item.name: to_plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist() if value.dtype.kind in "bi" else [one.hex() for one in value.ravel().tolist()]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_plain(item) for item in value]
    return value.hex() if isinstance(value, float) else repr(value)


def results_of(screen: SessionScreen) -> str:
    return json.dumps(analyse_screen(screen, with_model_range=False).to_dict(), sort_keys=True)


def test_every_procedure_that_ships_is_on_the_path(recorded: Recorded) -> None:
    measured = {run.header.procedure for run in open_session(recorded.path).runs}
    assert measured == {procedure.file_name for procedure in OWN_PROCEDURES}


def test_a_window_that_followed_saw_the_very_events_on_the_disk(recorded: Recorded) -> None:
    assert recorded.live_events == list(RunFeed(recorded.path).events())


def test_every_row_on_the_disk_is_in_the_session_and_verifies(recorded: Recorded) -> None:
    assert verify_session(recorded.path).intact
    session = open_session(recorded.path)
    assert session.end == "finished"
    assert sum(len(run.rows) for run in session.runs) == sum(
        1 for event in recorded.live_events if type(event).__name__ == "RowRecorded"
    )


def test_live_headless_and_replayed_screens_are_the_same(recorded: Recorded) -> None:
    live = screen_of(recorded.path, recorded.live_events)
    headless = screen_of(recorded.path, list(RunFeed(recorded.path).events()))
    *_, replayed = open_replay(recorded.path).play()
    assert to_plain(live) == to_plain(headless) == to_plain(replayed)


def test_live_headless_and_replayed_results_are_the_same_to_the_last_bit(recorded: Recorded) -> None:
    live = screen_of(recorded.path, recorded.live_events)
    *_, replayed = open_replay(recorded.path).play()
    assert results_of(live) == results_of(replayed)


def test_folding_all_at_once_adds_the_disorder_fit_only(recorded: Recorded) -> None:
    devices = open_session(recorded.path).devices
    whole = folded(devices, RunFeed(recorded.path).events())
    assert to_plain(whole.jv) == to_plain(screen_of(recorded.path, recorded.live_events).jv)
    assert set(whole.disorder.fits) == {"li2024/hole-only/1"}


def test_the_headless_path_from_files_to_results_loads_no_qt(recorded: Recorded) -> None:
    program = (
        "import sys; from pathlib import Path; from qdlab.replay import open_replay\n"
        "from qdlab.results import analyse_screen\n"
        f"*_, screen = open_replay(Path({str(recorded.path)!r})).play()\n"
        "analyse_screen(screen, with_model_range=False)\n"
        "print(sorted(n for n in sys.modules if n.split('.')[0] in ('PyQt6', 'pyqtgraph')))"
    )
    outcome = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )
    assert outcome.stdout.strip() == "[]"
