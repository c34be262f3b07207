"""What a report says about the record: devices, conditions, what was measured, warnings, provenance."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from analysis.constants import nanometre, square_millimetre
from analysis.device import Device
from qdlab.durations import format_duration
from qdlab.page import Cell, Section, Table, estimate, number, powers_of_ten, text
from qdlab.records import Run, Session
from qdlab.records.layout import MANIFEST_FILE, SESSION_FILE
from qdlab.records.manifest import file_sha256, recorded_files

SHOWN_RUNS = 60
_ANALYSED_WITH = ("qdlab", "numpy", "scipy", "numba")
_LOUD = ("warning", "error", "guardian")


def devices_section(devices: Iterable[Device]) -> Section:
    """Stack, length, area and polarity of each device, with the errors that are known."""
    headings = (
        "device",
        "layers, bottom to top (nm)",
        "L (nm)",
        "L known from",
        "area (mm²)",
        "ε_{r}",
        "V_{bi} (V)",
        "R_{s} (Ω)",
        "injects from",
    )
    caption = "L: length the carriers cross. Without brackets: no standard error was stated."
    rows = tuple(_device_row(device) for device in devices)
    return Section(title="Devices", tables=(Table(headings=headings, rows=rows, caption=caption),))


def _device_row(device: Device) -> tuple[Cell, ...]:
    stack = "; ".join(f"{layer.material} {layer.thickness.value / nanometre:.4g}" for layer in device.layers)
    active = [layer for layer in device.layers if layer.material in device.active_layers]
    methods = dict.fromkeys(layer.thickness_method or "not stated" for layer in active)
    permittivity = device.relative_permittivity
    return (
        text(device.identifier),
        text(stack),
        estimate(device.thickness, 1 / nanometre),
        text("; ".join(methods)),
        estimate(device.area, 1 / square_millimetre),
        text("not stated") if permittivity is None else estimate(permittivity),
        estimate(device.built_in_voltage),
        estimate(device.series_resistance),
        text(device.injecting_electrode),
    )


def conditions_section(session: Session) -> Section:
    """Who, when, in which atmosphere, on which boxes and within which limits."""
    document = session.document
    bench = _table(document, "bench")
    facts = {"operator": document.get("operator"), "started": _moment(session)}
    facts |= {
        f"atmosphere: {_words(key)}": _quantity(value)
        for key, value in _table(document, "atmosphere").items()
    }
    facts["bench"] = ", ".join(str(bench[key]) for key in ("name", "kind") if key in bench)
    facts |= {_words(role): identity for role, identity in _table(bench, "identities").items()}
    for device, limits in _table(document, "limits").items():
        if isinstance(limits, Mapping):
            told = ", ".join(f"{_words(key)} {_quantity(value)}" for key, value in limits.items())
            facts[f"limits for {device}"] = told
    rows = tuple((text(name), text(value)) for name, value in facts.items() if value not in (None, ""))
    return Section(title="Conditions", tables=(Table(headings=("condition", "value"), rows=rows),))


def runs_section(session: Session) -> Section:
    """Every run: what, on which device, at which temperature, when, how long, and how it ended."""
    shown = session.runs[:SHOWN_RUNS]
    rows = tuple(_run_row(run) for run in shown)
    hidden = len(session.runs) - len(shown)
    total = max((run.end_time for run in session.runs), default=0.0)
    paragraphs = [f"{len(session.runs)} runs over {format_duration(total)}; the session is {session.end}."]
    if hidden:
        paragraphs.append(f"The first {len(shown)} are listed; {hidden} more are in the session.")
    headings = ("run", "device", "T set (K)", "started (UTC)", "took", "rows", "end")
    return Section(
        title="What was measured", paragraphs=tuple(paragraphs), tables=(Table(headings=headings, rows=rows),)
    )


def _run_row(run: Run) -> tuple[Cell, ...]:
    setpoint = run.header.conditions.get("Temperature setpoint")
    number_of_it, _, rest = run.name.partition("-")
    return (
        text(f"{number_of_it} {rest.partition('-')[0]}"),
        text(run.header.device),
        number(setpoint) if isinstance(setpoint, int | float) else text("-"),
        text(_shown_time(run.utc)),
        text(format_duration(run.end_time - run.time)),
        Cell(text=str(len(run.rows)), kind="number"),
        text(run.end if not run.reason else f"{run.end}: {run.reason}"),
    )


def warnings_section(session: Session) -> Section:
    """Every warning of the journal, every flag with the runs it stands in, every run that did not finish."""
    notes = [f"{entry.utc} {entry.level}: {entry.text}" for entry in session.journal if entry.level in _LOUD]
    notes += list(_told_flags(session.runs))
    notes += [f"{run.name}: {run.end} {run.reason}".rstrip() for run in session.runs if run.end != "finished"]
    return Section(title="Warnings and flags", notes=tuple(notes) or ("none",))


def _told_flags(runs: Iterable[Run]) -> Iterator[str]:
    where: dict[str, Counter[str]] = {}
    for run in runs:
        for word in (word for words in run.rows.flags for word in words):
            where.setdefault(word, Counter())[run.name] += 1
    for word, counts in sorted(where.items()):
        runs_told = ", ".join(f"{count} in {name}" for name, count in counts.items())
        yield f"{counts.total()} rows flagged {word}: {runs_told}"


def provenance_section(session: Session) -> Section:
    """Versions that measured and that analysed, and the hash of every file of the record."""
    facts = _table(session.document, "session")
    measured, analysed = _table(facts, "versions"), _analysing_versions()
    names = dict.fromkeys([*measured, *analysed])
    versions = Table(
        headings=("program", "measured with", "analysed with"),
        rows=tuple(
            (text(name), text(measured.get(name, "-")), text(analysed.get(name, "-"))) for name in names
        ),
    )
    files = recorded_files(session.path)
    if (session.path / MANIFEST_FILE).is_file():
        files.append(MANIFEST_FILE)
    hashes = Table(
        headings=("file of the record", "SHA-256"),
        rows=tuple((text(name), Cell(text=file_sha256(session.path / name), kind="hash")) for name in files),
    )
    told = f"Session {facts.get('name', session.name)}, identifier {facts.get('identifier', 'not stated')}."
    simulated = _table(session.document, "simulation")
    if simulated:
        told += (
            f" Measured on the simulated bench, seed {simulated.get('seed', 'not stated')}: no real device."
        )
    return Section(title="Provenance", paragraphs=(told,), tables=(versions, hashes))


def files_section(sessions: Iterable[Session]) -> Section:
    """Identifier and hash of each session."""
    rows = []
    for session in sessions:
        manifest = session.path / MANIFEST_FILE
        name = MANIFEST_FILE if manifest.is_file() else SESSION_FILE
        identifier = _table(session.document, "session").get("identifier", "not stated")
        digest = Cell(text=file_sha256(session.path / name), kind="hash")
        rows.append((text(session.path.name), text(identifier), text(session.end), text(name), digest))
    headings = ("session", "identifier", "end", "file", "SHA-256")
    return Section(title="Sessions", tables=(Table(headings=headings, rows=tuple(rows)),))


def provenance_of_files(paths: Iterable[Path] = ()) -> Section:
    """The versions that analysed, and the hash of every file that was read."""
    versions = tuple((text(name), text(found)) for name, found in _analysing_versions().items())
    hashes = tuple((text(path.name), Cell(text=file_sha256(path), kind="hash")) for path in paths)
    tables = [Table(headings=("program", "analysed with"), rows=versions)]
    if hashes:
        tables.append(Table(headings=("file", "SHA-256"), rows=hashes))
    return Section(title="Provenance", tables=tuple(tables))


def _analysing_versions() -> dict[str, str]:
    return {name: version(name) for name in _ANALYSED_WITH} | {"python": sys.version.split()[0]}


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A table of the session's description; an empty one where there is none, or something else."""
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


def _moment(session: Session) -> str:
    created = _table(session.document, "session").get("created")
    return f"{_shown_time(created)} UTC" if isinstance(created, str) else ""


def _shown_time(utc: str) -> str:
    return utc[:19].replace("T", " ")


def _quantity(value: object) -> str:
    """``80000000.0 V/m`` as ``8×10⁷ V/m``; other text as it is."""
    number, _, unit = str(value).partition(" ")
    try:
        shown = powers_of_ten(f"{float(number):.4g}")
    except ValueError:
        return str(value)
    return f"{shown} {unit.replace('**2', '²')}".rstrip()


def _words(name: str) -> str:
    return str(name).replace("_", " ")
