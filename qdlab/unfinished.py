"""Which session ``--resume`` goes on with, and why it does not where plan or bench have changed since."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from qdlab.config import BenchConfig, PlanConfig, limits_for, plan_from_document
from qdlab.differences import changes
from qdlab.errors import ConfigError, RecordError
from qdlab.records import Session, open_session
from qdlab.records.session import read_end
from qdlab.records.session_file import read_session_file

SHOWN_CHANGES = 3


def find_unfinished(folder: Path, plan: PlanConfig, bench: BenchConfig | None = None) -> Session:
    """The latest session of a plan in a folder that has not finished.

    Parameters
    ----------
    folder : of the sessions' folders
    plan : to go on with
    bench : that it is to go on with; None where its boxes are compared anyway

    Raises
    ------
    ConfigError : there is none, or plan or bench are not what it was begun with
    RecordError : it is damaged
    """
    for path, _ in _sessions_of(plan, folder):
        if read_end(path) != "finished":
            session = open_session(path)
            if bench is not None:
                require_unchanged(path, _bench_changes(session.document, plan, bench))
            return session
    _refuse_changed_plan(folder, plan)
    raise ConfigError(
        f"no unfinished session of plan {plan.name!r} in {folder}; leave out --resume to start afresh"
    )


def is_next_to_resume(session: Session, plan: PlanConfig) -> bool:
    """Whether `find_unfinished` would find this session; `plan` is its own."""
    for path, _ in _sessions_of(plan, session.path.parent):
        if path.resolve() == session.path.resolve():
            return session.end != "finished"
        if read_end(path) != "finished":
            return False
    return False


def require_unchanged(path: Path, differences: Iterator[str]) -> None:
    """Raises ConfigError with the first differences where there are any."""
    told = list(islice(differences, SHOWN_CHANGES + 1))
    if told:
        first = "; ".join(told[:SHOWN_CHANGES]) + (" and more" if len(told) > SHOWN_CHANGES else "")
        raise ConfigError(
            f"{path} cannot be gone on with, things have changed since: {first}; "
            "change them back, or leave out --resume to start afresh"
        )


def plan_changes(document: Mapping[str, Any], plan: PlanConfig) -> Iterator[str]:
    """What is not as in the plan that a session's description holds."""
    yield from changes(_plan_document(document), plan.to_document(), "plan")


def _bench_changes(document: Mapping[str, Any], plan: PlanConfig, bench: BenchConfig) -> Iterator[str]:
    """What can be told before anybody asks the boxes who they are."""
    known = document.get("bench", {})
    for key in ("name", "kind"):
        yield from changes(known.get(key), getattr(bench, key), f"bench.{key}")
    limits = {name: limits_for(plan, name, bench.limits).limits.to_document() for name in plan.devices}
    yield from changes(document.get("limits"), limits, "limits")


def _sessions_of(plan: PlanConfig, folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Sessions of this very plan, the latest first, with their descriptions."""
    for path, document in _sessions(folder):
        if not any(plan_changes(document, plan)):
            yield path, document


def _sessions(folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for file in sorted(folder.glob("*/session.toml"), reverse=True):
        with suppress(RecordError):
            yield file.parent, read_session_file(file.parent)[0]


def _refuse_changed_plan(folder: Path, plan: PlanConfig) -> None:
    """Raises ConfigError where the latest session under the plan's name was left unfinished."""
    for path, document in _sessions(folder):
        if _plan_document(document).get("name") == plan.name:
            if read_end(path) != "finished":
                require_unchanged(path, plan_changes(document, plan))
            return


def _plan_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """A session's plan as this version writes it; as it stands where this version cannot carry it out."""
    plan = document.get("plan")
    if not isinstance(plan, dict):
        return {}
    try:
        return plan_from_document(plan).to_document()
    except ConfigError:
        return plan
