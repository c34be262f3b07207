"""Who may see whom: the contracts of pyproject.toml, and what must not be loaded where."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOMS = ("analysis", "instruments", "procedures", "sim_instruments", "qdlab")


def test_import_contracts_hold(project_root: Path) -> None:
    outcome = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
        ],
        cwd=project_root,
        env={**os.environ, "PYTHONPATH": str(project_root), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level)
    return names


def _sources(project_root: Path, room: str) -> list[Path]:
    return sorted((project_root / room).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_every_import_is_absolute(project_root: Path, room: str) -> None:
    relative = [
        path for path in _sources(project_root, room) if any(n.startswith(".") for n in _imports(path))
    ]
    assert relative == []


def test_qt_lives_in_the_window_only(project_root: Path) -> None:
    window = project_root / "qdlab" / "gui"
    others = [
        path
        for room in ROOMS
        for path in _sources(project_root, room)
        if window not in path.parents
        and any(n.split(".")[0] in ("PyQt6", "pyqtgraph") for n in _imports(path))
    ]
    assert others == []


def test_only_the_simulators_module_wires_simulated_boxes(project_root: Path) -> None:
    others = [
        path.name
        for path in _sources(project_root, "qdlab")
        if any(n.split(".")[0] == "sim_instruments" for n in _imports(path))
    ]
    assert others == ["simulators.py"]


def test_analysis_does_no_input_output_and_knows_no_instruments(project_root: Path) -> None:
    forbidden = {
        "pymeasure",
        "pyvisa",
        "serial",
        "socket",
        "PyQt6",
        "matplotlib",
        "h5py",
        "pydantic",
        "typer",
    }
    found = {
        path.name: forbidden & {n.split(".")[0] for n in _imports(path)}
        for path in _sources(project_root, "analysis")
    }
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize("module", ["qdlab.cli", "qdlab.campaign", "qdlab.replay", "qdlab.live.session"])
def test_headless_parts_load_no_qt(module: str) -> None:
    program = (
        f"import sys, {module}; "
        "print(sorted(n for n in sys.modules if n.split('.')[0] in ('PyQt6', 'pyqtgraph')))"
    )
    outcome = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )
    assert outcome.stdout.strip() == "[]"
