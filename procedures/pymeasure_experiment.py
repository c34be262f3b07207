"""PyMeasure's experiment API without the half second that pandas takes to load.

PyMeasure imports pandas for `Results.data`. What reads a file that way gets it then; a window and a runner,
which never do, are ready without it.
"""

import importlib
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = find_spec(name)

    def give_way(self) -> None:
        """Whoever imports the module from now on gets itself."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]

    def __getattr__(self, name: str) -> Any:
        self.give_way()
        return getattr(importlib.import_module(self.__name__), name)


if "pandas" not in sys.modules:
    sys.modules["pandas"] = _Later("pandas")
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
    if isinstance(_known, _Later):
        _known.give_way()

__all__ = [
    "BooleanParameter",
    "FloatParameter",
    "IntegerParameter",
    "ListParameter",
    "Parameter",
    "Procedure",
]
