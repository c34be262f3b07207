"""README's commands and the examples do what they say, run as a newcomer would."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from qdlab.cli import run_command_line

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = [
    line.strip()
    for block in re.findall(r"```bash\n(.*?)```", README, re.S)
    for line in block.splitlines()
    if line.startswith("qdlab ")
]
SCRIPTS = sorted(path.name for path in (ROOT / "examples").glob("*.py"))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the examples and one recorded session in `recorded`."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(ROOT / "examples", folder / "examples")
    outcome = run(
        folder, "-m", "qdlab", "run", "examples/plan-jv.toml", "--bench", "sim", "--output", "recorded"
    )
    assert outcome.returncode == 0, outcome.stderr
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", *words],
        cwd=folder,
        env={**os.environ, "QDLAB_RUNTIME_DIR": str(folder / "runtime"), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@cache
def run_example(desk: Path, script: str) -> subprocess.CompletedProcess[str]:
    return run(desk, f"examples/{script}")


@pytest.mark.parametrize("line", [line for line in LINES if not line.startswith("qdlab gui")])
def test_every_command_in_the_readme_does_what_it_says(desk: Path, line: str) -> None:
    (session,) = (desk / "recorded").iterdir()
    words = shlex.split(line.replace("SESSION", session.as_posix()))
    outcome = run(desk, "-m", *words)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.strip()


TABLE = re.findall(r"^\| `(qdlab .*?)` \|", README, re.M)
ALSO = re.findall(r"(?<!\| )`(qdlab sim --commands .*?)`", README)
STANDS_FOR = {"FOLDER": "recorded", "TEXT": "'a note'"}
ELSEWHERE = {
    'qdlab analyse "FILES" --unit mA/cm2 --relative-permittivity 3.6': "above, with files",
    "qdlab demo": "tests/qdlab/test_demo.py",
    "qdlab gui": "tests/gui",
    "qdlab run PLAN --bench FILE": "above, on the simulated bench",
    "qdlab sim": "tests/qdlab/test_runner.py",
    "qdlab safe": "tests/qdlab/test_runner.py",
}


@pytest.mark.parametrize("line", [line for line in [*TABLE, *ALSO] if line not in ELSEWHERE])
def test_every_command_of_the_table_in_the_readme_runs(
    desk: Path, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(desk)
    monkeypatch.setenv("QDLAB_RUNTIME_DIR", str(desk / "runtime"))
    (session,) = (desk / "recorded").iterdir()
    for word, meant in {**STANDS_FOR, "SESSION": session.as_posix()}.items():
        line = line.replace(word, meant)
    assert run_command_line(shlex.split(line)[1:]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.strip()


def test_no_command_of_the_table_is_left_to_a_test_that_is_not_there() -> None:
    assert set(ELSEWHERE) <= set(TABLE) and len(TABLE) > len(ELSEWHERE)


def test_the_readme_names_every_command_there_is() -> None:
    commands = {path.stem for path in (ROOT / "qdlab" / "commands").glob("*.py")} - {"__init__"}
    assert {name for name in commands if f"qdlab {name}" not in README} == set()


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name != "read_session.py"])
def test_every_example_script_runs(desk: Path, script: str) -> None:
    outcome = run_example(desk, script)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.strip()


def test_every_example_is_short_enough_to_read_at_once() -> None:
    """All but the reader of the format, which is a description of it."""
    scripts = [path for path in (ROOT / "examples").rglob("*.py") if path.name != "read_session.py"]
    assert len(scripts) == 5
    assert {
        path.name for path in scripts if len(path.read_text(encoding="utf-8").splitlines()) >= 40
    } == set()


def test_the_example_fit_finds_the_published_disorder_it_was_made_with(desk: Path) -> None:
    outcome = run_example(desk, "two_conventions.py")
    _, _, told = outcome.stdout.partition("felekidis2018:")
    width, hopping_distance = re.findall(r"(?:disorder_width|hopping_distance) +([\d.]+)\(", told)
    assert float(width) == pytest.approx(92.2, rel=0.01)
    assert float(hopping_distance) == pytest.approx(1.75, rel=0.05)
