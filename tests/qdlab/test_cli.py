"""The command line from outside: exit statuses, one readable line, and what is loaded for it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from instruments.errors import ConnectionFailed, LimitError
from qdlab import cli
from qdlab.errors import ConfigError, ImportRefused, NotASession, RecordError
from qdlab.off import Instruction
from qdlab.outputs import read_outputs, remember_outputs


def run_qdlab(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qdlab", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "100"},
        timeout=60,
    )


@pytest.fixture
def command_that(monkeypatch: pytest.MonkeyPatch):
    """Let ``qdlab safe`` do something else."""

    def replace(action) -> None:
        def safe() -> None:
            action()

        monkeypatch.setattr(cli, "_load", lambda name: safe)

    return replace


def raiser(error: BaseException):
    def action() -> None:
        raise error

    return action


def test_help_lists_only_commands_that_exist() -> None:
    outcome = run_qdlab("--help")
    assert outcome.returncode == 0
    listed = [line.split()[0] for line in outcome.stdout.split("Commands:")[1].splitlines() if line.strip()]
    existing = {path.stem for path in (Path(cli.__file__).parent / "commands").glob("*.py")} - {"__init__"}
    assert listed == [name for name in cli.COMMANDS if name in existing]


def test_help_loads_no_numerics_no_instruments_and_no_window() -> None:
    program = (
        "import sys, qdlab.cli\n"
        "qdlab.cli.run_command_line(['--help'])\n"
        "heavy = {'numpy', 'scipy', 'pymeasure', 'pyvisa', 'PyQt6', 'matplotlib', 'pydantic', 'pint'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    outcome = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )
    assert outcome.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigError("wrong plan"), 2),
        (ImportRefused("no unit"), 2),
        (NotASession("no session"), 2),
        (RecordError("damaged row"), 1),
        (ConnectionFailed("2400 does not answer"), 1),
        (LimitError("7 V is above 5 V"), 1),
        (FileNotFoundError(2, "No such file or directory", "plan.toml"), 1),
        (ZeroDivisionError("division by zero"), 1),
    ],
)
def test_an_error_is_one_line_and_its_exit_status(
    command_that, capsys, error: Exception, status: int
) -> None:
    command_that(raiser(error))
    assert cli.run_command_line(["safe"]) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("qdlab: ")
    assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize("words", [["--debug", "safe"], ["safe", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(command_that, capsys, words: list[str]) -> None:
    command_that(raiser(ConfigError("wrong plan")))
    assert cli.run_command_line(words) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_ends_with_130(command_that, capsys) -> None:
    command_that(raiser(KeyboardInterrupt()))
    assert cli.run_command_line(["safe"]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("words", [["saef"], ["--nonsense"]])
def test_a_mistyped_command_is_refused_with_the_way_out(capsys, words: list[str]) -> None:
    assert cli.run_command_line(words) == 2
    printed = capsys.readouterr().err
    assert len(printed.splitlines()) == 1
    assert "--help" in printed


def test_a_file_in_the_way_of_our_packages_is_named_in_one_sentence(tmp_path: Path) -> None:
    intruder = tmp_path / "analysis.py"
    intruder.write_text("raise SystemExit('the notebook ran')\n", encoding="utf-8")
    outcome = run_qdlab("--help", cwd=tmp_path)
    assert outcome.returncode == 1
    assert str(intruder) in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


def test_a_program_gets_an_import_error_for_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "instruments.py").write_text("", encoding="utf-8")
    program = "try:\n    import qdlab\nexcept ImportError as error:\n    print(error)\n"
    outcome = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert str(tmp_path / "instruments.py") in outcome.stdout


def test_a_served_bench_whose_port_is_taken_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert cli.run_command_line(["sim", "--port-base", str(taken.getsockname()[1])]) == 2
    assert "another --port-base" in capsys.readouterr().err


def test_a_device_without_a_stand_in_cannot_be_served(
    tmp_path: Path, project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (project_root / "examples" / "device-hole-only.toml").read_text(encoding="utf-8")
    device = tmp_path / "device.toml"
    device.write_text(text.replace("simulated_as", "# simulated_as"), encoding="utf-8")
    assert cli.run_command_line(["sim", "--device", str(device), "--port-base", "0"]) == 2
    assert "simulated_as is missing" in capsys.readouterr().err


def test_faults_that_cannot_be_planned_are_refused_before_anything_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "faults.toml"
    script.write_text("[[fault]]\nbox = 'mfg2230m'\nkind = 'boredom'\n", encoding="utf-8")
    assert cli.run_command_line(["sim", "--faults", str(script), "--port-base", "0"]) == 2
    assert cli.run_command_line(["sim", "--faults", str(tmp_path / "none.toml"), "--port-base", "0"]) == 2
    told = capsys.readouterr()
    assert told.out == "" and "kind = 'boredom'" in told.err and "none.toml" in told.err
    assert cli.run_command_line(["sim", "--list-faults"]) == 0
    assert "late_reply" in capsys.readouterr().out


def test_the_simulated_boxes_tell_what_they_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command_line(["sim", "--commands", "mfg2230m"]) == 0
    page = capsys.readouterr().out
    assert (
        page.startswith("# What mfg2230m answers") and "| `SOURce{1\\|2}:PULSe:WIDTh` | set query |" in page
    )
    assert cli.run_command_line(["sim", "--commands", "lamp"]) == 2
    assert "there are keithley2400, keithley6514" in capsys.readouterr().err


def test_a_wire_log_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "nowhere" / "wire.jsonl"
    assert cli.run_command_line(["sim", "--wire-log", str(log), "--port-base", "0"]) == 2
    assert str(log) in capsys.readouterr().err


def test_safe_without_any_bench_ever_used_asks_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QDLAB_RUNTIME_DIR", str(tmp_path))
    assert cli.run_command_line(["safe"]) == 2
    assert "--bench FILE" in capsys.readouterr().err


@pytest.mark.parametrize("left", ["", '[{"box": "2400", "resou', "[1]", "{}"])
def test_safe_does_not_take_a_torn_word_for_nothing_to_do(
    left: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QDLAB_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "lab.outputs").write_text(left, encoding="utf-8", newline="\n")
    assert cli.run_command_line(["safe"]) == 1
    assert "lab: what was left to switch it off cannot be read" in capsys.readouterr().out


def test_what_is_left_for_safe_is_read_back_whole(tmp_path: Path) -> None:
    box = Instruction(box="2400", resource="GPIB0::24::INSTR", off=":OUTP OFF", query=":OUTP?")
    for instructions in ([], [box], [box, box]):
        remember_outputs("lab", tmp_path, instructions)
        assert read_outputs("lab", tmp_path) == instructions
    assert [path.name for path in tmp_path.iterdir()] == ["lab.outputs"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a screen")
def test_a_window_without_a_screen_is_refused_with_the_way_out(monkeypatch, capsys) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert cli.run_command_line(["gui"]) == 2
    printed = capsys.readouterr().err
    assert len(printed.splitlines()) == 1
    assert "DISPLAY" in printed and "qdlab run" in printed
