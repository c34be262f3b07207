"""What `qdlab doctor` finds, and when it fails."""

import os
from pathlib import Path

import pytest

from qdlab import cli
from qdlab.commands import doctor
from qdlab.commands.doctor import Finding, examine
from qdlab.lock import BenchLock


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QDLAB_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("QDLAB_LOG_DIR", str(tmp_path / "log"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(bench: str | None = None) -> dict[str, Finding]:
    """The first finding on each subject."""
    findings: dict[str, Finding] = {}
    for finding in examine(bench):
        findings.setdefault(finding.subject, finding)
    return findings


def test_the_environment_is_named_and_nothing_here_is_bad() -> None:
    findings = found()
    assert {"Python", "qdlab", "pymeasure", "pyvisa-py", "runtime folder", "serial ports"} <= set(findings)
    assert [subject for subject, finding in findings.items() if finding.state == "bad"] == []


def test_every_box_of_a_bench_says_who_it_is_and_that_it_switches_off() -> None:
    findings = found("sim")
    assert "2400" in findings["source meter"].text
    assert "336" in findings["temperature controller"].text
    assert findings["2400"].text.startswith("OFF confirmed")
    assert findings["MFG-2230M"].text.startswith("OFF confirmed")


def test_every_box_is_shown_to_take_its_settings_and_a_cold_stage_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from qdlab import hardware
    from qdlab.simulators import open_simulated_bench

    bench = open_simulated_bench(seed=1)
    bench.temperature_controller.ramp_to(250.0, rate=0.1)
    monkeypatch.setattr(hardware, "open_bench", lambda config: bench)
    texts = [f"{finding.subject} {finding.text}" for finding in examine("sim")]
    for box in ("2400", "6514", "MFG-2230M"):
        assert f"{box} takes its settings, outputs off" in texts
    assert "336 holds its temperature" in texts
    bench.clock.wait(1000.0)
    assert bench.simulation.lakeshore336.receive(b"SETP? 1") == b"+250.000"


def test_boxes_that_answer_are_shown_though_one_does_not(tmp_path: Path) -> None:
    from sim_instruments.server import BenchServer
    from sim_instruments.wiring import SimBench

    server = BenchServer(SimBench(seed=1), port_base=0)
    resources = {line.box: line.resource for line in server.doors if line.door == "tcp"}
    bench = tmp_path / "bench.toml"
    bench.write_text(
        f'name = "half"\n[instruments.source_meter]\ndriver = "keithley2400"\n'
        f'resource = "{resources["keithley2400"]}"\n'
        '[instruments.light_meter]\ndriver = "keithley6514"\nresource = "TCPIP::127.0.0.1::1::SOCKET"\n',
        encoding="utf-8",
    )
    try:
        findings = found(str(bench))
    finally:
        server.close()
    assert findings["source meter"].state == findings["2400"].state == "good"
    assert findings["light meter"].state == "bad"
    assert "cannot be reached" in findings["light meter"].text


def test_a_box_that_does_not_answer_is_bad(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = tmp_path / "bench.toml"
    bench.write_text(
        'name = "dead"\n[instruments.source_meter]\ndriver = "keithley2400"\n'
        'resource = "TCPIP::127.0.0.1::1::SOCKET"\n',
        encoding="utf-8",
    )
    assert cli.run_command_line(["doctor", "--bench", str(bench)]) == 1
    assert "source meter" in capsys.readouterr().out


def test_a_bench_in_use_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    lock = BenchLock("sim", tmp_path / "run")
    lock.acquire()
    try:
        assert cli.run_command_line(["doctor", "--bench", "sim"]) == 1
    finally:
        lock.release()
    assert "being opened by another program" in capsys.readouterr().err


def test_a_missing_package_is_bad_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PACKAGES", ("no-such-package",))
    assert found()["no-such-package"].state == "bad"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may write everywhere")
def test_a_folder_that_cannot_be_written_is_bad(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert found()["this folder"].state == "bad"
    finally:
        tmp_path.chmod(0o700)
