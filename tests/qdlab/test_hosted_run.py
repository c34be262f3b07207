"""A package with a plain PyMeasure procedure, installed beside qdlab and run by its runner."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qdlab.records import open_session, verify_session

MODULE = """
from time import sleep
from pymeasure.experiment import FloatParameter, Procedure

class Hold(Procedure):
    source_meter = None
    voltage = FloatParameter("Voltage", units="V", default=1.0)
    DATA_COLUMNS = ["Voltage (V)", "Current (A)"]

    def startup(self):
        self.source_meter.configure(compliance_current=1e-3, maximum_voltage=5.0)
        self.source_meter.voltage = self.voltage
        self.source_meter.switch_on()

    def execute(self):
        reading = self.source_meter.read_point()
        self.emit("results", {"Voltage (V)": reading.voltage, "Current (A)": reading.current})

class Loose(Procedure):
    DATA_COLUMNS = ["Reading"]
"""
PLAN = """
name = "plain"
[devices]
film = "{device}"
[[steps]]
kind = "pixel_check"
[[steps]]
kind = "{kind}"
"""
PROGRAM = """
import sys
from pathlib import Path
from qdlab.campaign import open_campaign_session, run_campaign, simulated_devices
from qdlab.config import load_plan
from qdlab.preflight import refuse_what_cannot_be_made_safe
from qdlab.simulators import open_simulated_bench

folder = Path(sys.argv[1])
plan = load_plan(folder / "hold.toml")
bench = open_simulated_bench(devices=simulated_devices(plan))
print(run_campaign(plan, bench, open_campaign_session(folder, plan, bench)).session)
try:
    refuse_what_cannot_be_made_safe(load_plan(folder / "loose.toml"))
except Exception as refusal:
    print(refusal)
"""


@pytest.fixture
def lab(tmp_path: Path, project_root: Path) -> Path:
    """A folder with the package as pip would have installed it, and a plan for each of its procedures."""
    (tmp_path / "mylab.py").write_text(MODULE, encoding="utf-8")
    facts = tmp_path / "mylab-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: mylab\nVersion: 1.0\n", encoding="utf-8")
    (facts / "entry_points.txt").write_text(
        "[qdlab.procedures]\nhold = mylab:Hold\nloose = mylab:Loose\n", encoding="utf-8"
    )
    device = project_root / "examples" / "device-hole-only.toml"
    for kind in ("hold", "loose"):
        plan = PLAN.format(device=device.as_posix(), kind=kind)
        (tmp_path / f"{kind}.toml").write_text(plan, encoding="utf-8")
    return tmp_path


def test_plain_procedures_of_an_installed_package_stand_in_plans(lab: Path, project_root: Path) -> None:
    outcome = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, str(lab)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(lab), str(project_root)])},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert outcome.returncode == 0, outcome.stderr
    folder, refusal = outcome.stdout.splitlines()
    session = open_session(folder)
    assert [run.header.procedure for run in session.runs] == ["PixelCheck", "Hold"]
    assert session.runs[1].header.parameters["Voltage"] == 1.0
    (current,) = session.runs[1].rows["Current (A)"]
    assert current > 1e-9
    assert verify_session(Path(folder)).intact
    assert refusal.startswith(
        "steps[1]: loose is not run on a hardware bench: it asks for none of the bench's"
    )
