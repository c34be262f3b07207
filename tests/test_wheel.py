"""The wheel, installed outside the checkout, is complete: it runs the demo."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs."""
    root = Path(__file__).resolve().parents[1]
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-P", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder / "dist", root], check=True)
    (wheel,) = (folder / "dist").glob("qdlab-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder / "site"


def run(installed: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", *words],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_the_wheel_holds_the_five_rooms_and_no_tests(installed: Path) -> None:
    rooms = sorted(path.name for path in installed.iterdir() if (path / "__init__.py").is_file())
    assert rooms == ["analysis", "instruments", "procedures", "qdlab", "sim_instruments"]
    assert all((installed / room / "py.typed").is_file() for room in rooms)


def test_the_installed_demo_runs_outside_the_checkout(installed: Path) -> None:
    where = run(installed, "-c", "import qdlab; print(qdlab.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(installed)
    outcome = run(installed, "-m", "qdlab", "demo", "--output", "demo")
    assert outcome.returncode == 0, outcome.stderr
    (report,) = (installed.parent / "demo").glob("*/report.html")
    text = report.read_text(encoding="utf-8")
    assert text.count("<svg") >= 5
    assert "http" not in text.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )
