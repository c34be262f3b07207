"""What an interrupted session already holds, so that a campaign goes on with exactly what is missing.

Pure functions over `Run`s. A run that resumes another names it as its predecessor; the final table of such a
chain holds every point once, from the run that measured it last.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from qdlab.records.run import Rows, Run

Key = Hashable
PointKey = Callable[[Mapping[str, float]], Key]


def run_chain(runs: Iterable[Run], last: Run) -> list[Run]:
    """A run and those it resumes, the oldest first."""
    by_name = {run.name: run for run in runs}
    chain = [last]
    while (predecessor := chain[0].header.predecessor) in by_name and len(chain) <= len(by_name):
        chain.insert(0, by_name[predecessor])
    return chain


def final_runs(runs: Sequence[Run]) -> list[Run]:
    """The runs that no other run resumes, in the order they were started."""
    resumed = {run.header.predecessor for run in runs}
    return [run for run in runs if run.name not in resumed]


def row_mappings(rows: Rows) -> list[dict[str, float]]:
    """Rows as mappings from heading to number."""
    columns = {heading: values.tolist() for heading, values in rows.values.items()}
    return [{heading: column[index] for heading, column in columns.items()} for index in range(len(rows))]


def measured_points(chain: Sequence[Run], point_key: PointKey) -> set[Key]:
    """Keys of the points that a chain of runs holds; rows with an invalid flag do not count as measured."""
    return {
        point_key(row)
        for run in chain
        for row, flags in zip(row_mappings(run.rows), run.rows.flags, strict=True)
        if "invalid" not in flags
    }


def missing_points(wanted: Iterable[Key], chain: Sequence[Run], point_key: PointKey) -> list[Key]:
    """The wanted points that no run of the chain holds, in the order they were wanted."""
    measured = measured_points(chain, point_key)
    return [point for point in wanted if point not in measured]


def final_table(chain: Sequence[Run], point_key: PointKey) -> Rows:
    """The rows of a chain of runs without duplicates: a point measured again replaces its predecessor's.

    Points repeated inside one run (loops, repeats) are measurements of their own and stay.
    """
    later: set[Key] = set()
    parts: list[tuple[Run, npt.NDArray[np.bool_]]] = []
    for run in reversed(chain):
        keys = [point_key(row) for row in row_mappings(run.rows)]
        parts.insert(0, (run, np.array([key not in later for key in keys], dtype=bool)))
        later |= set(keys)
    return concatenate(parts)


def concatenate(parts: Sequence[tuple[Run, npt.NDArray[np.bool_]]]) -> Rows:
    """Selected rows of several runs with the same columns, one after the other."""
    headings = list(parts[-1][0].rows.values)
    return Rows(
        sequence=np.concatenate([run.rows.sequence[keep] for run, keep in parts]),
        time=np.concatenate([run.rows.time[keep] for run, keep in parts]),
        utc=tuple(
            stamp for run, keep in parts for stamp, kept in zip(run.rows.utc, keep, strict=True) if kept
        ),
        values={
            heading: np.concatenate([_column(run.rows, heading)[keep] for run, keep in parts])
            for heading in headings
        },
        flags=tuple(
            words for run, keep in parts for words, kept in zip(run.rows.flags, keep, strict=True) if kept
        ),
    )


def _column(rows: Rows, heading: str) -> npt.NDArray[np.float64]:
    return rows[heading] if heading in rows else np.full(len(rows), np.nan)
