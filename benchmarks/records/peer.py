"""The same trials with PyMeasure's own results files."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
from pymeasure.experiment import FloatParameter, Procedure, Results


class Peer(Procedure):
    """The least a procedure can be."""

    voltage = FloatParameter("Voltage", units="V", default=1.0)
    DATA_COLUMNS = ["Voltage (V)", "Current (A)"]


def truncations(folder: Path) -> str:
    """In how many cut files PyMeasure reads a number that was never measured."""
    path = folder / "peer.csv"
    measured = [(0.5 * number, 1e-6 * number**2 / 3) for number in range(1, 7)]
    results = Results(Peer(), str(path))
    head = len(path.read_bytes())
    with path.open("a", encoding="utf-8", newline="\n") as stream:
        for voltage, current in measured:
            stream.write(results.format({"Voltage (V)": voltage, "Current (A)": current}) + "\n")
    content = path.read_bytes()
    wrong = 0
    for size in range(head, len(content)):
        path.write_bytes(content[:size])
        wrong += _is_wrong(path, measured)
    return f"PyMeasure: {wrong} of {len(content) - head} cuts among the rows"


def _is_wrong(path: Path, measured: list[tuple[float, float]]) -> bool:
    """Whether a number differs by more than rounding; a missing one and text are no wrong ones."""
    data = Results.load(str(path), procedure_class=Peer).data.apply(pd.to_numeric, errors="coerce")
    pairs = zip(data.to_numpy(dtype=float).ravel(), np.ravel(measured), strict=False)
    return any(not math.isnan(read) and not math.isclose(read, true, rel_tol=1e-9) for read, true in pairs)
