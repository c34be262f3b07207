"""Sessions for other programs: derived files, which can be deleted and made again.

==========  ============================  ==================================================================
form        what it makes                 read by
==========  ============================  ==================================================================
origin      one CSV a run                 Origin's import (rows Long Name, Units, Comments), spreadsheets
pymeasure   one CSV a run                 ``pymeasure.experiment.Results.load(path, procedure_class=...)``
nexus       one HDF5 file a session       h5py, NeXus programs (NXiv_temp for J-V, NXsensor_scan for TEL)
table       one CSV of all sessions       pandas, R; a row is a recorded row, with session, run and device
table       the same as Parquet           the same, and DuckDB, Polars, Spark (output named ``.parquet``)
==========  ============================  ==================================================================

Every number comes back to the last bit. Text that a spreadsheet would calculate has an apostrophe before it.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from qdlab.errors import ConfigError
from qdlab.paths import require_folder_for
from qdlab.records import Session, open_session

Form = Literal["origin", "pymeasure", "nexus", "table"]
FORMS: tuple[Form, ...] = get_args(Form)
FOLDER = "exports"


def export_sessions(
    sessions: Sequence[Session], form: Form, output: Path | None = None, *, decimal_comma: bool = False
) -> list[Path]:
    """Write sessions in a form that another program reads.

    Parameters
    ----------
    sessions : as read; one, or any number for a table
    form : which program's
    output : a folder for `origin` and `pymeasure`, a file for the others; None: the session's own folder
        `exports`
    decimal_comma : numbers as 1,5 and columns between semicolons, for `origin` and `table`

    Returns
    -------
    paths : the files written

    Raises
    ------
    ConfigError : options that do not go together, or an output that cannot be made
    RecordError : a session that holds nothing for this form
    """
    if decimal_comma and form not in ("origin", "table"):
        raise ConfigError(f"--decimal-comma does not go with {form}, whose numbers have a point")
    if len(sessions) != 1 and form != "table":
        raise ConfigError(f"{form} takes one session at a time; only a table holds several")
    if len(sessions) != 1 and output is None:
        raise ConfigError("a table of several sessions needs --output, such as --output table.csv")
    from qdlab.export.nexus import write_nexus
    from qdlab.export.origin import write_origin
    from qdlab.export.pymeasure import write_pymeasure
    from qdlab.export.table import write_table

    session = sessions[0]
    writers: Mapping[Form, tuple[str, Callable[[Path], list[Path]]]] = {
        "origin": ("origin", lambda path: write_origin(session, path, decimal_comma=decimal_comma)),
        "pymeasure": ("pymeasure", lambda path: write_pymeasure(session, path)),
        "nexus": ("session.nxs", lambda path: write_nexus(session, path)),
        "table": ("table.csv", lambda path: write_table(sessions, path, decimal_comma=decimal_comma)),
    }
    name, write = writers[form]
    path = _place(session, name) if output is None else require_folder_for(output)
    return write(path)


def export_recorded(path: Path, output: Path, decimal_comma: bool = False) -> list[Path]:
    """Write one recorded session as its output's name says, such as ``origin`` or ``session.nxs``."""
    forms: Mapping[str, Form] = {".nxs": "nexus", ".csv": "table", ".parquet": "table"}
    form = forms.get(output.suffix) or next((known for known in FORMS if known == output.name), None)
    if form is None:
        raise ConfigError(f"{output}: name it origin or pymeasure, or end it with .nxs, .csv or .parquet")
    return export_sessions([open_session(path)], form, output, decimal_comma=decimal_comma)


def _place(session: Session, name: str) -> Path:
    folder = session.path / FOLDER
    folder.mkdir(exist_ok=True)
    return folder / name
