"""A report page as data, and its rendering into one self-contained HTML file; every text is escaped.

Headings, captions and cells that are `ours` may hold ``V_{bi}`` and ``m^{2}``; all else is shown as it is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from analysis.estimate import Estimate, Verdict
from qdlab.export.cells import number_cell, text_cell, write_cells
from qdlab.figures import to_svg, write_vector_files
from qdlab.paths import file_stem

CellKind = Literal["", "number", "good", "not-good", "hash"]

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_EXPONENT = re.compile(r"(?<=[\d)])e([+-]\d+)")
_SCRIPT = re.compile(r"([_^])\{([^{}]*)\}")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of a table; `ours` are the program's own words, set as in print."""

    text: str
    kind: CellKind = ""
    ours: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows below headings, with a sentence above them."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure, the sentence below it, and the numbers it shows.

    Parameters
    ----------
    name : of its files, made of letters, digits and hyphens
    figure : as matplotlib draws it
    caption : a sentence or two
    data : heading with SI unit -> one entry a row, numbers or texts
    """

    name: str
    figure: Figure
    caption: str
    data: Mapping[str, Sequence[float | str]]

    @property
    def svg(self) -> Markup:
        return Markup(to_svg(self.figure))


@dataclass(frozen=True, kw_only=True)
class Section:
    """Under one heading: paragraphs, figures, tables and notes, in this order."""

    title: str
    paragraphs: tuple[str, ...] = ()
    figures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Page:
    """A whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]


def render(page: Page) -> str:
    """The page as HTML; nothing is loaded from elsewhere when it is opened."""
    environment = Environment(
        loader=PackageLoader("qdlab", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["scripts"] = _scripts
    return environment.get_template("report.html").render(page=page)


def write_page(page: Page, path: Path) -> None:
    """Render first, then write: a page that cannot be rendered leaves no file."""
    text = render(page)
    path.write_text(text, encoding="utf-8", newline="\n")


def write_figures(page: Page, folder: Path) -> list[Path]:
    """Every figure of a page as SVG and PDF, and the numbers it shows as CSV; the files written.

    Parameters
    ----------
    page : of a report
    folder : made where missing
    """
    folder.mkdir(exist_ok=True)
    paths: list[Path] = []
    for name, picture in _named(page):
        paths += write_vector_files(picture.figure, folder / name)
        paths.append(folder / f"{name}.csv")
        write_cells(paths[-1], _rows(picture.data))
    return paths


def file_name(*words: str) -> str:
    """Words as the name of a file, on any system."""
    return "-".join(file_stem(word) for word in words if word)


def _named(page: Page) -> Iterator[tuple[str, Picture]]:
    """Every picture under a name of its own."""
    seen: dict[str, int] = {}
    for picture in (picture for section in page.sections for picture in section.figures):
        seen[picture.name] = seen.get(picture.name, 0) + 1
        number = seen[picture.name]
        yield picture.name if number == 1 else f"{picture.name}-{number}", picture


def _rows(data: Mapping[str, Sequence[float | str]]) -> Iterator[list[str]]:
    yield [text_cell(heading) for heading in data]
    for row in zip(*data.values(), strict=True):
        yield [text_cell(entry) if isinstance(entry, str) else number_cell(float(entry)) for entry in row]


def _scripts(text: str) -> Markup:
    """``V_{bi}`` and ``m^{2}`` as HTML; everything else escaped."""
    tags = {"_": "sub", "^": "sup"}
    found = _SCRIPT.sub(lambda match: f"<{tags[match[1]]}>{match[2]}</{tags[match[1]]}>", str(escape(text)))
    return Markup(found)


def powers_of_ten(text: str) -> str:
    """``4.42(13)e-11`` as ``4.42(13)×10⁻¹¹``."""
    return _EXPONENT.sub(lambda match: f"×10{str(int(match[1])).translate(_SUPERSCRIPT)}", text)


def text(value: object) -> Cell:
    """A cell of words."""
    return Cell(text=str(value))


def words_of_ours(value: str) -> Cell:
    """A cell of words that are the program's own, numbers and exponents set as in print."""
    return Cell(text=powers_of_ten(value).replace("^½", "^{½}"), ours=True)


def number(value: float, digits: int = 4) -> Cell:
    """A cell with a plain number."""
    return _number(f"{value:.{digits}g}")


def estimate(value: Estimate | None, factor: float = 1.0) -> Cell:
    """A cell with a value and its standard error, ``4.42(13)×10⁻¹¹``, in the unit `factor` leads to."""
    return _number("-" if value is None else str(value.scaled(factor)))


def systematic(value: Estimate | None, factor: float = 1.0) -> Cell:
    """A cell with the systematic error alone."""
    if value is None or value.systematic_error is None:
        return _number("-")
    return _number(f"± {value.systematic_error * abs(factor):.2g}")


def model_range(value: Estimate | None, factor: float = 1.0) -> Cell:
    """A cell with the lowest and highest value under the alternative models."""
    if value is None or value.model_range is None:
        return _number("-")
    low, high = value.scaled(factor).model_range or value.model_range
    return _number(f"{low:.3g} to {high:.3g}")


def interval(value: Estimate | None, factor: float = 1.0) -> Cell:
    """A cell with the 95 % interval."""
    if value is None or value.confidence_interval is None:
        return _number("-")
    low, high = value.scaled(factor).confidence_interval or value.confidence_interval
    return _number(f"{low:.4g} to {high:.4g}")


def verdict(value: Verdict) -> Cell:
    """A cell with the verdict's word, coloured and said; its advice stands in the notes below."""
    return Cell(text=value.word.replace("_", " "), kind="good" if value.is_good else "not-good")


def _number(shown: str) -> Cell:
    return Cell(text=powers_of_ten(shown), kind="number")
