"""Many sessions analysed by several workers: the same results whatever their number.

One session that fails, even one that takes its worker process down, never stops the others. Executors come
from a function, so that a pool that broke can be replaced: `process_pool` makes them of this computer's
processes, `cluster` of a Dask cluster's workers.
"""

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from analysis.conventions import ConventionName
from qdlab.errors import ConfigError, QdlabError

MakeExecutor = Callable[[], Executor]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_ANSWERS_WITHIN = 10  # [s]
_WORKER_DIED = "the process that analysed it ended without a word"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one session.

    Parameters
    ----------
    session : its folder
    results : as `qdlab.results.SessionResults.to_dict` gives them; None where the analysis failed
    problem : why it failed, a sentence; empty where it did not
    """

    session: Path
    results: Mapping[str, Any] | None
    problem: str = ""

    @property
    def devices(self) -> Mapping[str, Any]:
        """Results by device identifier; none where the analysis failed."""
        return {} if self.results is None else self.results["devices"]


def process_pool(jobs: int) -> MakeExecutor:
    """Executors of that many processes of this computer, one thread each.

    One process is a process too: results do not depend on what the calling one has loaded or computed. Every
    process imports the script that started it; that keeps its work under ``if __name__ == "__main__":``.
    """
    if jobs < 1:
        raise ValueError(f"jobs {jobs}: it must be 1 or more")
    return partial(ProcessPoolExecutor, jobs, mp_context=get_context("spawn"), initializer=_use_one_thread)


@contextmanager
def cluster(address: str) -> Iterator[MakeExecutor]:
    """Executors of a Dask cluster's workers, which see the sessions under the same paths.

    Parameters
    ----------
    address : of its scheduler, such as "tcp://192.0.2.7:8786"

    Raises
    ------
    ConfigError : Dask is not installed, or nothing answers there
    """
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError("a scheduler needs Dask, which the extra 'cluster' of qdlab installs") from None
    try:
        client = Client(address, timeout=_ANSWERS_WITHIN)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--scheduler {address}: no Dask scheduler answers there ({error})") from None
    with client:
        yield client.get_executor


def find_sessions(folders: Iterable[Path]) -> list[Path]:
    """The sessions that paths name: each path that is one, and those directly inside each that is not."""
    found: dict[Path, None] = {}
    for folder in folders:
        inside = [folder] if _is_session(folder) else sorted(filter(_is_session, folder.glob("*")))
        found.update(dict.fromkeys(inside))
    return list(found)


def analyse_sessions(
    sessions: Sequence[Path],
    make_executor: MakeExecutor,
    *,
    convention: ConventionName = "li2024",
    with_model_range: bool = True,
    listener: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Analyse sessions side by side.

    Parameters
    ----------
    sessions : their folders
    make_executor : gives a `concurrent.futures.Executor`, which is used as a context manager
    convention : how the disorder model is written
    with_model_range : refit it under other models too
    listener : hears of each session when it is done, in any order

    Returns
    -------
    outcomes : one per session, in the order of `sessions`
    """
    analyse = partial(analyse_session, convention=convention, with_model_range=with_model_range)
    outcomes: dict[Path, Outcome] = {}
    for outcome in _outcomes(list(dict.fromkeys(sessions)), analyse, make_executor):
        outcomes[outcome.session] = outcome
        listener(outcome)
    return [outcomes[session] for session in sessions]


def _outcomes(
    sessions: Sequence[Path], analyse: Callable[[Path], Outcome], make_executor: MakeExecutor
) -> Iterator[Outcome]:
    """All at once; what a broken executor left is halved and tried again, until the one at fault is alone."""
    left = yield from _try(sessions, analyse, make_executor)
    if left and len(sessions) == 1:
        yield Outcome(session=left[0], results=None, problem=_WORKER_DIED)
        return
    half = (len(left) + 1) // 2
    for part in (left[:half], left[half:]):
        if part:
            yield from _outcomes(part, analyse, make_executor)


def _try(
    sessions: Sequence[Path], analyse: Callable[[Path], Outcome], make_executor: MakeExecutor
) -> Generator[Outcome, None, list[Path]]:
    """What became of each session; returns those that a broken executor left without an outcome."""
    finished: set[Path] = set()
    futures: dict[Future[Outcome], Path] = {}
    with make_executor() as executor:
        try:
            # a pool that breaks meanwhile may say so by a pipe that is closed
            with suppress(BrokenExecutor, OSError):
                for session in sessions:
                    futures[executor.submit(analyse, session)] = session
            for future in as_completed(futures):
                with suppress(BrokenExecutor):
                    outcome = future.result()
                    finished.add(futures[future])
                    yield outcome
        finally:
            for future in futures:
                future.cancel()
    return [session for session in sessions if session not in finished]


def analyse_session(
    session: Path, *, convention: ConventionName = "li2024", with_model_range: bool = True
) -> Outcome:
    """Analyse one session, here: plain data come back, and no exception."""
    from qdlab.results import analyse_recorded

    try:
        results = analyse_recorded(session, convention=convention, with_model_range=with_model_range)
    except QdlabError as error:
        return Outcome(session=session, results=None, problem=str(error))
    except Exception as error:
        return Outcome(session=session, results=None, problem=f"{type(error).__name__}: {error} (a defect)")
    return Outcome(session=session, results=results.to_dict())


def _use_one_thread() -> None:
    """Before NumPy is loaded: sums have one order, and workers do not fight for the cores."""
    os.environ.update(dict.fromkeys(_THREADS, "1"))


def _is_session(path: Path) -> bool:
    return (path / "session.toml").is_file()
