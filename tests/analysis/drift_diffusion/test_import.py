"""What importing costs."""

import subprocess
import sys


def test_the_compiler_is_not_imported_before_something_is_solved():
    script = "import sys, analysis.drift_diffusion, analysis.disorder_fit; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
