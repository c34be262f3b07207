"""What importing costs, and what the compiler's cache is held to."""

import subprocess
import sys
from pathlib import Path

import analysis.drift_diffusion
from analysis.drift_diffusion import sweep


def test_the_compiler_is_not_imported_before_something_is_solved():
    script = "import sys, analysis.drift_diffusion, analysis.disorder_fit; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_every_file_with_compiled_code_counts_for_the_cache():
    """Else a changed equation would be answered by the old one."""
    folder = Path(analysis.drift_diffusion.__file__).parent
    decorators = ("@compiled", "@inlined", "@njit")
    compiled = {
        path.name
        for path in folder.glob("*.py")
        if any(line.strip().startswith(decorators) for line in path.read_text(encoding="utf-8").splitlines())
    }
    assert compiled == set(sweep.SOURCES)
