"""PyMeasure's experiment API without the half second that pandas takes to load.

PyMeasure imports pandas for `Results.data`. What reads a file that way gets it then; a window and a runner,
which never do, are ready without it.
"""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _PandasLater(ModuleType):
    """Stands for pandas until something of it is asked for."""

    def __init__(self) -> None:
        super().__init__("pandas")
        self.__spec__ = find_spec("pandas")

    def give_way(self) -> None:
        """Whoever imports pandas from now on gets itself."""
        if sys.modules.get("pandas") is self:
            del sys.modules["pandas"]

    def __getattr__(self, name: str) -> Any:
        self.give_way()
        import pandas

        return getattr(pandas, name)


if "pandas" not in sys.modules:
    sys.modules["pandas"] = _PandasLater()
try:
    from pymeasure.experiment import (
        BooleanParameter,
        FloatParameter,
        IntegerParameter,
        ListParameter,
        Parameter,
        Procedure,
    )
finally:
    _known = sys.modules["pandas"]
    if isinstance(_known, _PandasLater):
        _known.give_way()

__all__ = [
    "BooleanParameter",
    "FloatParameter",
    "IntegerParameter",
    "ListParameter",
    "Parameter",
    "Procedure",
]
