"""Where the independent reference solutions of the drift-diffusion equations lie."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of the reference tables: $QDLAB_REFERENCE_DATA, or shared/reference beside the project's root."""
    beside = Path(__file__).parents[2].parent / "shared" / "reference"
    folder = Path(os.environ.get("QDLAB_REFERENCE_DATA", beside))
    if folder.is_dir():
        return folder
    reason = f"reference solutions not found in {folder}; set QDLAB_REFERENCE_DATA"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
