"""Which session ``--resume`` goes on with."""

from contextlib import suppress
from pathlib import Path

from qdlab.config import PlanConfig
from qdlab.errors import ConfigError, RecordError
from qdlab.records import Session, open_session


def find_unfinished(folder: Path, plan: PlanConfig) -> Session:
    """The latest session of a plan in a folder that has not finished.

    Raises ConfigError where there is none.
    """
    wanted = plan.to_document()
    for path in sorted(folder.glob("*/session.toml"), reverse=True):
        with suppress(RecordError):
            session = open_session(path.parent)
            if session.document.get("plan") == wanted and session.end != "finished":
                return session
    raise ConfigError(
        f"no unfinished session of plan {plan.name!r} in {folder}; leave out --resume to start afresh"
    )
