"""The example of one's own driver: found by its entry point, used by a bench file, held to the limits."""

import socketserver
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from instruments.bench import Bench
from instruments.door import arming_token
from instruments.errors import LimitError
from qdlab.cli import run_command_line
from qdlab.config import load_bench
from qdlab.hardware import open_bench

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "own_driver"
BENCH = """
name = "own"
limits = {{ maximum_temperature = "320 K", maximum_temperature_rate = "6 K/min" }}
heater.at_end = "off"

[instruments.temperature_controller]
driver = "mycontroller"
resource = "TCPIP::127.0.0.1::{port}::SOCKET"
"""


class Box(socketserver.ThreadingTCPServer):
    """What the controller answers, and what it was set to."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.state = {"STAGE": "297.1", "SAMPLE": "297.2", "POWER": "12.5", "HEAT": "0"}
        self.errors = ['-113,"Undefined header"']

    def answer(self, message: str) -> str:
        if message == "*IDN?":
            return "MYLAB,TC1,7,1.0"
        if message == "SYST:ERR?":
            return self.errors.pop(0) if self.errors else '0,"No error"'
        if message.endswith("?"):
            return self.state.get(message[:-1], "0")
        name, _, value = message.partition(" ")
        self.state[name] = value
        return ""


class Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        box = self.server
        assert isinstance(box, Box)
        for line in self.rfile:
            answers = [box.answer(unit.strip().lstrip(":")) for unit in line.decode().split(";")]
            if any(answers):
                self.wfile.write((";".join(filter(None, answers)) + "\n").encode())


@pytest.fixture
def box() -> Iterator[Box]:
    with Box() as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield served
        served.shutdown()
        thread.join()


@pytest.fixture
def bench_file(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bench file for the box, with the example installed as pip leaves a package."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    offered = project["entry-points"]["qdlab.instruments"]
    info = tmp_path / "site" / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    lines = ["[qdlab.instruments]", *(f"{name} = {where}" for name, where in offered.items())]
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    (info / "METADATA").write_text(
        f"Name: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.syspath_prepend(EXAMPLE)
    file = tmp_path / "bench.toml"
    file.write_text(BENCH.format(port=box.server_address[1]), encoding="utf-8")
    return file


@pytest.fixture
def bench(bench_file: Path) -> Iterator[Bench]:
    opened = open_bench(load_bench(bench_file))
    yield opened
    opened.close()


def test_the_bench_measures_with_it(bench: Bench, box: Box) -> None:
    bench.set_up()
    bench.arm(token=arming_token("test"))
    controller = bench.temperature_controller
    controller.ramp_to(250.0, rate=0.05)
    assert (controller.stage_temperature, controller.sample_temperature) == (297.1, 297.2)
    assert controller.setpoint == 250.0 and controller.heater_output == 0.125
    assert {name: box.state[name] for name in ("RATE", "SETPOINT", "HEAT")} == {
        "RATE": "3",
        "SETPOINT": "250",
        "HEAT": "1",
    }
    assert controller.check_errors() == ['-113 "Undefined header"']
    (report,) = bench.safe()
    assert report.confirmed and box.state["HEAT"] == "0"


@pytest.mark.parametrize(("kelvin", "rate"), [(330.0, 0.05), (250.0, 0.5)])
def test_it_cannot_leave_the_limits_of_the_bench(bench: Bench, box: Box, kelvin: float, rate: float) -> None:
    bench.set_up()
    bench.arm(token=arming_token("test"))
    with pytest.raises(LimitError):
        bench.temperature_controller.ramp_to(kelvin, rate=rate)
    assert box.state["HEAT"] == "0"


def test_the_doctor_knows_it(bench_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["doctor", "--bench", str(bench_file)]) == 0
    assert "MYLAB TC1, serial 7" in capsys.readouterr().out
