"""The application: wiring, recording, live analysis, replay, screens and the command line.

The four sister packages carry plain names that others use too: InstrumentKit also imports as ``instruments``,
and a folder of notebooks may hold an ``analysis.py``. They are looked up here, without importing them.

For notebooks and scripts, what `qdlab.notebook` offers is here under its own name (``qdlab.open_session``),
loaded when it is first asked for.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qdlab.notebook import (
        fit_arrhenius,
        fit_delay_time,
        fit_disorder,
        fit_murgatroyd,
        fit_space_charge,
        open_session,
        read_jv_files,
        show,
        transit_mobility,
    )

__all__ = [
    "fit_arrhenius",
    "fit_delay_time",
    "fit_disorder",
    "fit_murgatroyd",
    "fit_space_charge",
    "open_session",
    "read_jv_files",
    "show",
    "transit_mobility",
]

_HOME = Path(__file__).resolve().parent.parent
_SISTERS = ("analysis", "instruments", "procedures", "sim_instruments")


def _package_in_the_way() -> str | None:
    """A sentence naming the file that would be imported in place of one of ours; None where all is well."""
    for name in _SISTERS:
        spec = find_spec(name)
        if spec is None:
            return f"qdlab's own package {name!r} is missing beside {_HOME / 'qdlab'}; install qdlab again"
        found = (
            Path(spec.origin) if spec.origin else Path(next(iter(spec.submodule_search_locations or ["?"])))
        )
        if found.resolve() != _HOME / name / "__init__.py":
            return f"{found} is in the way of qdlab's own package {name!r}; rename it or start elsewhere"
    return None


def _is_the_command() -> bool:
    started = Path(sys.argv[0]).stem if sys.argv else ""
    return started == "qdlab" or (started == "-m" and "qdlab" in sys.orig_argv[1:4])


_sentence = _package_in_the_way()
if _sentence is not None:
    # people at the command line get the sentence alone, programs an error they can catch
    raise SystemExit(f"qdlab: {_sentence}") if _is_the_command() else ImportError(_sentence)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'qdlab' has no attribute {name!r}")
    from qdlab import notebook

    return getattr(notebook, name)


def __dir__() -> list[str]:
    return list(__all__)
