"""Tables as current density-voltage curves in SI; what a file leaves open is asked for, never guessed."""

import glob
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from analysis.curves import JVCurve
from qdlab.errors import ConfigError, ImportRefused
from qdlab.importers.table import Decimal, Table, parse_table
from qdlab.importers.text import read_lines
from qdlab.quantities import convert, parse_quantity

OVERFLOW = 9e36
"""Readings beyond this are a meter's word for overflow, not a number [any unit]."""

PLAUSIBLE_VOLTAGE = 300.0
"""Higher than this, a bare voltage column is not in volts [V]."""

THICKEST_FILM = 1e-3
"""A thickness above this is a slip of the unit [m]."""

MAXIMUM_TURNS = 4
"""How often a sweep may turn round: 0, up, 0, down, 0 and once more."""

PLAUSIBLE_TEMPERATURE = (2.0, 600.0)
"""Range of sample temperatures a name may speak of [K]."""

_VOLTAGE_NAME = re.compile(r"\b(v|u|voltage|bias|potential|spannung|vdrain|v_?applied)\b", re.IGNORECASE)
_CURRENT_NAME = re.compile(r"\b(i|j|current|current density|strom|stromdichte|i_?drain)\b", re.IGNORECASE)
_DENSITY_NAME = re.compile(r"\b(j|current density|stromdichte)\b", re.IGNORECASE)
_SECONDARY_NAME = re.compile(r"light|photo|compliance|limit|range|error|gate|set ?point", re.IGNORECASE)
_TEMPERATURE_NAME = re.compile(r"sample temperature|stage temperature|\btemperature\b", re.IGNORECASE)
_THICKNESS_IN_NAME = re.compile(r"(?<![0-9.])(\d+(?:\.\d+)?)\s?nm(?![A-Za-z0-9])")
_TEMPERATURE_IN_NAME = re.compile(r"(?<![0-9.])(\d+(?:\.\d+)?)\s?K(?![A-Za-z0-9])")


def import_jv_files(
    patterns: str | Path | Sequence[str | Path],
    *,
    unit: str | None = None,
    thickness: float | None = None,
    temperature: float | None = None,
    area: float | None = None,
    relative_permittivity: float | None = None,
    voltage_unit: str | None = None,
    decimal: Decimal | None = None,
    columns: tuple[int, int] | None = None,
) -> list[JVCurve]:
    """Read J-V curves from every file the patterns name.

    Parameters
    ----------
    patterns : paths, or patterns with ``*`` and ``?`` (expanded here, not by the shell)
    unit : of the current column where the file does not say it, such as "mA/cm2" or "uA"
    thickness, temperature : [m], [K], where the file or its name does not say them
    area : electrode area [m²], needed where the file holds a current
    relative_permittivity : passed on to the curves [1]
    voltage_unit : of the voltage column where the file does not say it; volts
    decimal : "." or ",", where the file leaves it open
    columns : which columns hold voltage and current, from 1, where the file does not say it

    Returns
    -------
    list of JVCurve
        In order of temperature; points on the way back carry the flag "down".

    Raises
    ------
    ImportRefused
        For what cannot be read without guessing; names file and line, and the way out.
    """
    paths = expand_patterns(patterns)
    curves = [
        read_jv_file(
            path,
            unit=unit,
            thickness=thickness,
            temperature=temperature,
            area=area,
            relative_permittivity=relative_permittivity,
            voltage_unit=voltage_unit,
            decimal=decimal,
            columns=columns,
        )
        for path in paths
    ]
    return sorted(curves, key=lambda curve: (curve.thickness, curve.temperature, curve.label))


def expand_patterns(patterns: str | Path | Sequence[str | Path]) -> list[Path]:
    """The files that paths and patterns name, each once, in order; a file of that very name comes first."""
    wanted: Iterable[str | Path] = [patterns] if isinstance(patterns, str | Path) else patterns
    paths: list[Path] = []
    for pattern in wanted:
        literal = Path(pattern).expanduser()
        found = [literal] if literal.exists() else _expand(literal)
        if not found:
            raise ImportRefused(f"no file matches {str(pattern)!r}; check the folder and the spelling")
        paths += [path for path in found if path not in paths]
    if not paths:
        raise ImportRefused("no files were named; give paths or a pattern such as 'data/*_110nm_*K.txt'")
    return paths


def _expand(pattern: Path) -> list[Path]:
    # glob.glob, because Path.glob refuses absolute patterns
    return [Path(name) for name in sorted(glob.glob(str(pattern)))]  # noqa: PTH207


def read_jv_file(
    path: Path,
    *,
    unit: str | None = None,
    thickness: float | None = None,
    temperature: float | None = None,
    area: float | None = None,
    relative_permittivity: float | None = None,
    voltage_unit: str | None = None,
    decimal: Decimal | None = None,
    columns: tuple[int, int] | None = None,
) -> JVCurve:
    """Read one file; see `import_jv_files`."""
    table = parse_table(read_lines(path), path.name, decimal=decimal)
    voltage_column, current_column = _voltage_and_current(table, columns)
    voltage = _voltages(table, voltage_column, voltage_unit)
    current_density = _current_densities(table, current_column, unit, area)
    keep = np.isfinite(voltage)
    current_density[np.abs(current_density) > OVERFLOW] = math.nan
    flags = _flags(table, voltage, current_density)
    if keep.sum() < 2:
        raise ImportRefused(f"{path.name} has {int(keep.sum())} point(s); a curve needs two or more")
    return JVCurve(
        voltage=voltage[keep],
        current_density=current_density[keep],
        temperature=_temperature(table, path, temperature),
        thickness=_thickness(table, path, thickness),
        relative_permittivity=relative_permittivity,
        flags=tuple(words for words, wanted in zip(flags, keep, strict=True) if wanted),
        label=path.stem,
    )


def _voltage_and_current(table: Table, columns: tuple[int, int] | None) -> tuple[int, int]:
    """Indices of the two columns: said by the caller, by the header, or the only two there are."""
    if columns is not None:
        if not all(1 <= column <= table.width for column in columns) or columns[0] == columns[1]:
            raise ImportRefused(
                f"{table.source} has {table.width} columns; --columns {columns[0]},{columns[1]} is not two "
                f"of them"
            )
        return columns[0] - 1, columns[1] - 1
    if not table.names:
        if table.width == 2:
            return 0, 1
        raise ImportRefused(
            f"{table.source} has {table.width} columns and no header; say which hold voltage and current, "
            "for example --columns 1,2"
        )
    voltage = _one_column(table, _VOLTAGE_NAME, ("voltage", "v"), "voltage")
    density = [index for index in _matching(table, _CURRENT_NAME) if _is_density(table, index)]
    current = (
        density[0]
        if len(density) == 1
        else _one_column(table, _CURRENT_NAME, ("current", "i", "j"), "current")
    )
    if voltage == current:
        raise ImportRefused(
            f"{table.source}: column {table.names[voltage]!r} cannot be both; say --columns 1,2"
        )
    return voltage, current


def _matching(table: Table, pattern: re.Pattern[str]) -> list[int]:
    return [
        index
        for index, name in enumerate(table.names)
        if pattern.search(name.replace("_", " ")) and not _SECONDARY_NAME.search(name)
    ]


def _is_density(table: Table, index: int) -> bool:
    return bool(_DENSITY_NAME.search(table.names[index])) or "/" in table.units[index]


def _one_column(table: Table, pattern: re.Pattern[str], exact: Sequence[str], what: str) -> int:
    found = _matching(table, pattern)
    if len(found) > 1:
        found = [index for index in found if table.names[index].strip().lower() in exact] or found
    if len(found) == 1:
        return found[0]
    if not found and table.width == 2:
        return 0 if what == "voltage" else 1
    told = ", ".join(repr(table.names[index]) for index in found) or "none"
    raise ImportRefused(
        f"{table.source}: columns that may hold the {what}: {told}; say which two with --columns, counted "
        f"from 1"
    )


def _column(table: Table, index: int) -> np.ndarray:
    values = np.array([row[index] for row in table.rows], dtype=np.float64)
    if table.declares_missing:
        return values
    missing = np.flatnonzero(~np.isfinite(values))
    if len(missing):
        line, text = table.line_numbers[missing[0]], table.text[missing[0]][index]
        raise ImportRefused(
            f"{table.source}, line {line}: {text!r} is not a number; correct or remove the line"
        )
    return values


def _voltages(table: Table, column: int, voltage_unit: str | None) -> np.ndarray:
    values = _column(table, column)
    said = table.units[column]
    factor = _factor(said or voltage_unit or "V", "V", table.source, "the voltage column")
    largest = float(np.nanmax(np.abs(values), initial=0.0)) * factor
    if not said and voltage_unit is None and largest > PLAUSIBLE_VOLTAGE:
        raise ImportRefused(
            f"{table.source}: voltages up to {largest:g}; say their unit, for example --voltage-unit mV"
        )
    return values * factor


def _current_densities(table: Table, column: int, unit: str | None, area: float | None) -> np.ndarray:
    values = _column(table, column)
    said = table.units[column]
    if not said and unit is None:
        raise ImportRefused(
            f"{table.source} does not say the unit of its current; add --unit, for example --unit mA/cm2 or "
            f"--unit A"
        )
    if (
        said
        and unit is not None
        and not math.isclose(*(_current_factor(text, table.source)[0] for text in (said, unit)), rel_tol=1e-9)
    ):
        raise ImportRefused(f"{table.source} gives its current in {said!r}; leave out --unit {unit}")
    factor, is_density = _current_factor(said or unit or "", table.source)
    if is_density:
        return values * factor
    area = area if area is not None else _parameter_quantity(table, "area", "m**2")
    if area is None:
        raise ImportRefused(
            f"{table.source} holds a current; add the electrode area, for example --area 4mm2"
        )
    if not area > 0:
        raise ImportRefused(f"area {area:g} m²: it must be above zero")
    return values * factor / area


def _current_factor(unit: str, source: str) -> tuple[float, bool]:
    """Factor to SI, and whether the unit is that of a current density."""
    try:
        return convert(1.0, unit, "A/m**2", name="current density"), True
    except ConfigError:
        return _factor(unit, "A", source, "the current column (a current or a current density)"), False


def _factor(unit: str, wanted: str, source: str, what: str) -> float:
    try:
        return convert(1.0, unit, wanted, name=what)
    except ConfigError as error:
        raise ImportRefused(f"{source}: {error}") from None


def _flags(table: Table, voltage: np.ndarray, current: np.ndarray) -> list[frozenset[str]]:
    """Words per point: those of our run files, "down" on the way back, "overflow" for a meter's sentinel."""
    down = _way_back(table, voltage)
    recorded: list[set[str]] = [set() for _ in voltage]
    if "flags" in table.names:
        index = table.names.index("flags")
        recorded = [set(row[index].split()) for row in table.text]
    for position, words in enumerate(recorded):
        if down[position]:
            words.add("down")
        if not math.isfinite(current[position]) and not table.declares_missing:
            words.add("overflow")
    return [frozenset(words) for words in recorded]


def _way_back(table: Table, voltage: np.ndarray) -> np.ndarray:
    """Which points lie on a falling branch of |V|; refuses voltages that repeat or jump about."""
    if table.declares_missing:
        return np.concatenate([[False], np.diff(np.abs(voltage)) < 0])
    direction = np.sign(np.diff(voltage))
    for index in np.flatnonzero(direction == 0):
        if not _is_turn(direction, int(index)):
            line = table.line_numbers[index + 1]
            raise ImportRefused(
                f"{table.source}, line {line}: {voltage[index]:g} V appears twice in a row; "
                "average the readings or remove one"
            )
    moving = direction[direction != 0]
    turns = int(np.count_nonzero(np.diff(moving)))
    if turns > MAXIMUM_TURNS:
        raise ImportRefused(
            f"{table.source}: the voltages turn round {turns} times; sort them or split the file into sweeps"
        )
    return np.concatenate([[False], np.diff(np.abs(voltage)) < 0])


def _is_turn(direction: np.ndarray, index: int) -> bool:
    """Whether a repeated voltage is the point where a sweep turns round."""
    return 0 < index < len(direction) - 1 and direction[index - 1] * direction[index + 1] < 0


def _parameter_quantity(table: Table, name: str, unit: str) -> float | None:
    text = table.parameters.get(name)
    if text is None:
        return None
    try:
        return parse_quantity(text, unit, name=name)
    except ConfigError:
        return None


def _thickness(table: Table, path: Path, given: float | None) -> float:
    said = _from_name(path, _THICKNESS_IN_NAME, 1e-9, "thickness", "--thickness 110nm", given)
    thickness = _agreed(path, "thickness", "m", given, said, _parameter_quantity(table, "thickness", "m"))
    if thickness is None:
        raise ImportRefused(
            f"{path.name} does not say the layer's thickness, nor does its name; add --thickness 110nm"
        )
    if not 0 < thickness < THICKEST_FILM:
        raise ImportRefused(f"{path.name}: thickness {thickness:g} m; it must be above zero and below 1 mm")
    return thickness


def _temperature(table: Table, path: Path, given: float | None) -> float:
    said = _from_name(path, _TEMPERATURE_IN_NAME, 1.0, "temperature", "--temperature 297K", given)
    temperature = _agreed(
        path, "temperature", "K", given, said, _parameter_quantity(table, "temperature", "K")
    )
    if temperature is None:
        temperature = _measured_temperature(table)
    if temperature is None:
        raise ImportRefused(
            f"{path.name} does not say the temperature, nor does its name; add --temperature 297K"
        )
    low, high = PLAUSIBLE_TEMPERATURE
    if not low <= temperature <= high:
        raise ImportRefused(
            f"{path.name}: temperature {temperature:g} K is not between {low:g} and {high:g} K"
        )
    return temperature


def _from_name(
    path: Path, pattern: re.Pattern[str], factor: float, what: str, way_out: str, given: float | None
) -> float | None:
    found = sorted({float(match) for match in pattern.findall(path.stem)})
    if len(found) > 1 and given is None:
        told = ", ".join(f"{value:g}" for value in found)
        raise ImportRefused(
            f"the name of {path.name} holds more than one {what} ({told}); say which: {way_out}"
        )
    return found[0] * factor if len(found) == 1 else None


def _agreed(
    path: Path, what: str, unit: str, given: float | None, named: float | None, recorded: float | None
) -> float | None:
    """The one value that caller, name and file agree on; a contradiction is refused."""
    said = [value for value in (given, named, recorded) if value is not None]
    if given is not None and named is not None and not math.isclose(given, named, rel_tol=1e-6):
        raise ImportRefused(
            f"{path.name}: its name says {what} {named:g} {unit}, the command says {given:g} {unit}; "
            "rename the file or leave the option out"
        )
    return said[0] if said else None


def _measured_temperature(table: Table) -> float | None:
    for index, name in enumerate(table.names):
        if _TEMPERATURE_NAME.search(name) and table.units[index] == "K":
            values = np.array([row[index] for row in table.rows])
            if np.isfinite(values).any():
                return float(np.nanmedian(values))
    return None
