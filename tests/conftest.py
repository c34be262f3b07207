"""Fixtures for the whole suite: where measured data and reference solutions are, and a quiet Qt."""

import os
from pathlib import Path

import pytest

PROJECT_ROOT = Path(__file__).resolve().parents[1]

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "agg")


def find_shared(variable: str, folder: str) -> Path:
    """A folder of shared data; without it a test skips with the reason, and fails under CI."""
    told = os.environ.get(variable)
    path = Path(told) if told else PROJECT_ROOT.parent / "shared" / folder
    if path.is_dir():
        return path
    reason = f"no folder {path}: set {variable} to where it is"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def measured_data() -> Path:
    """The measured J-V of Felekidis et al. 2018 (github.com/mkemerink/FitSCLC)."""
    return find_shared("QDLAB_MEASURED_DATA", "data/felekidis2018")


@pytest.fixture
def reference_data() -> Path:
    """Independent drift-diffusion solutions."""
    return find_shared("QDLAB_REFERENCE_DATA", "reference")


@pytest.fixture
def project_root() -> Path:
    return PROJECT_ROOT
