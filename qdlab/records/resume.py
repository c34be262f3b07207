"""What an interrupted session already holds, so that a campaign goes on with exactly what is missing.

Pure functions over `Run`s. A run that resumes another names it as its predecessor; the final table of such a
chain holds every point once, from the run that measured it last. A run that measures another anew supersedes
it: nothing of that one counts any more.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

from qdlab.events import RowRecorded
from qdlab.records.run import Run

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
    """The runs that no other run resumes or supersedes, in the order they were started."""
    gone_on_with = {name for run in runs for name in (run.header.predecessor, run.header.supersedes)}
    return [run for run in runs if run.name not in gone_on_with]


def final_rows(chain: Sequence[Run], point_key: PointKey) -> list[RowRecorded]:
    """The rows of a chain of runs without duplicates: a point measured again replaces its predecessor's.

    Points repeated inside one run (loops, repeats) are measurements of their own and stay.
    """
    return joined_rows([run.recorded_rows() for run in chain], point_key)


def joined_rows(parts: Sequence[Sequence[RowRecorded]], point_key: PointKey) -> list[RowRecorded]:
    """The rows of parts of one measurement, the oldest first, without those that a later part replaces."""
    later: set[Key] = set()
    kept: list[list[RowRecorded]] = []
    for rows in reversed(parts):
        kept.append([row for row in rows if point_key(row.values) not in later])
        later |= {point_key(row.values) for row in rows}
    return [row for part in reversed(kept) for row in part]
