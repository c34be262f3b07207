"""Where qdlab keeps what is not a measurement: runtime files, the queue, the application's log."""

import os
import re
import warnings
from pathlib import Path

import platformdirs

from qdlab.errors import ConfigError


def runtime_directory() -> Path:
    """The folder of lock files, made if need be; ``$QDLAB_RUNTIME_DIR`` or the user's runtime folder."""
    told = os.environ.get("QDLAB_RUNTIME_DIR")
    with warnings.catch_warnings():
        # without a login session there is no runtime folder; a folder of one's own under /tmp will do
        warnings.simplefilter("ignore")
        folder = Path(told) if told else platformdirs.user_runtime_path("qdlab", appauthor=False)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name != "nt" and folder.stat().st_uid != os.getuid():
        raise ConfigError(f"{folder} belongs to somebody else; set QDLAB_RUNTIME_DIR to a folder of your own")
    return folder


def log_directory() -> Path:
    """The folder of the application's logs, made if need be; ``$QDLAB_LOG_DIR`` or the user's log folder."""
    told = os.environ.get("QDLAB_LOG_DIR")
    folder = Path(told) if told else platformdirs.user_log_path("qdlab", appauthor=False)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def data_directory() -> Path:
    """The folder of what qdlab keeps between days, made if need be; ``$QDLAB_DATA_DIR`` or the user's own."""
    told = os.environ.get("QDLAB_DATA_DIR")
    folder = Path(told) if told else platformdirs.user_data_path("qdlab", appauthor=False)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def require_folder_for(target: Path) -> Path:
    """The path, where a file or folder can be made there; raises ConfigError where its folder is missing."""
    folder = target.absolute().parent
    if not folder.is_dir():
        raise ConfigError(f"{target}: the folder {folder} does not exist; make it first")
    return target


def file_stem(name: str) -> str:
    """A name as a file's stem on every system: letters, digits, dot, dash and underscore."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "unnamed"
