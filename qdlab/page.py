"""A report page as data, and its rendering into one self-contained HTML file; every text is escaped."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from analysis.estimate import Estimate, Verdict, format_with_uncertainty

CellKind = Literal["", "number", "good", "not-good"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    text: str
    kind: CellKind = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An ``<svg>`` element of ours and the sentence below it."""

    svg: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Section:
    title: str
    paragraphs: tuple[str, ...] = ()
    figures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Page:
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
    return environment.get_template("report.html").render(page=page)


def write_page(page: Page, path: Path) -> None:
    """Render first, then write: a page that cannot be rendered leaves no file."""
    text = render(page)
    path.write_text(text, encoding="utf-8", newline="\n")


def text(value: object) -> Cell:
    """A cell of words."""
    return Cell(text=str(value))


def number(value: float, digits: int = 4) -> Cell:
    """A cell with a plain number."""
    return Cell(text=f"{value:.{digits}g}", kind="number")


def estimate(value: Estimate | None, factor: float = 1.0) -> Cell:
    """A cell with a value and its standard error, ``4.42(13)e-11``, in the unit `factor` leads to."""
    if value is None:
        return Cell(text="-", kind="number")
    return Cell(text=str(value.scaled(factor)), kind="number")


def systematic(value: Estimate | None, factor: float = 1.0) -> Cell:
    """A cell with the systematic error alone."""
    if value is None or value.systematic_error is None:
        return Cell(text="-", kind="number")
    return Cell(text=f"± {value.systematic_error * abs(factor):.2g}", kind="number")


def model_range(value: Estimate | None, factor: float = 1.0) -> Cell:
    """A cell with the lowest and highest value under the alternative models."""
    if value is None or value.model_range is None:
        return Cell(text="-", kind="number")
    low, high = value.scaled(factor).model_range or value.model_range
    return Cell(text=f"{low:.4g} to {high:.4g}", kind="number")


def interval(value: Estimate | None, factor: float = 1.0) -> Cell:
    """A cell with the 95 % interval."""
    if value is None or value.confidence_interval is None:
        return Cell(text="-", kind="number")
    low, high = value.scaled(factor).confidence_interval or value.confidence_interval
    return Cell(text=f"{low:.4g} to {high:.4g}", kind="number")


def verdict(value: Verdict) -> Cell:
    """A cell with the verdict's word, coloured and said; its advice stands in the notes below."""
    return Cell(text=value.word.replace("_", " "), kind="good" if value.is_good else "not-good")


def with_error(value: float, standard_error: float | None) -> Cell:
    """A cell with a value and a bare standard error."""
    return Cell(text=format_with_uncertainty(value, standard_error), kind="number")
