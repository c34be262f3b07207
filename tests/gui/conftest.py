"""One recorded sweep for everything that replays."""

from pathlib import Path

import pytest

from qdlab.campaign import open_campaign_session, run_campaign, simulated_devices
from qdlab.config import load_plan
from qdlab.simulators import open_simulated_bench


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the queue of whoever runs it."""
    monkeypatch.setenv("QDLAB_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One recorded sweep; read it, never write into it."""
    plan = load_plan(Path(__file__).resolve().parents[2] / "examples" / "plan-jv.toml")
    bench = open_simulated_bench(seed=3, devices=simulated_devices(plan))
    writer = open_campaign_session(tmp_path_factory.mktemp("session"), plan, bench)
    return run_campaign(plan, bench, writer).session
