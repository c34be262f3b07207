"""Many analysed sessions on a terminal and as a CSV file: how far it is, and what was found."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from qdlab.export.cells import number_cell, text_cell
from qdlab.summary import GROUP_HEADINGS, OUTLYING, Quantity, Row, Summary

ABREAST = 3  # quantities in one table of a terminal of 80 columns
STAR = f"* more than {OUTLYING:g} robust standard deviations from the median"
SPREAD_CAPTION = (
    "Random-effects means (REML), level by level. Spread between: standard deviation that the values' errors "
    "do not explain, with its 95 % interval (×/÷: a factor). Within one: the typical statistical error."
)


@contextmanager
def progress(count: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error, where that is a terminal; gives what to call after each session."""
    columns = (TextColumn("analysing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=count)
        yield lambda: bar.advance(task)


def summary_tables(summary: Summary) -> list[RenderableType]:
    """Every device of every session, its quantities, outliers with a star; then mean and spread of each."""
    parts = [summary.quantities[at : at + ABREAST] for at in range(0, len(summary.quantities), ABREAST)]
    shown = [_devices_table(summary), *(_values_table(summary, part) for part in parts)]
    return [*shown, *([_groups_table(summary)] if summary.groups else [])]


def row_texts(summary: Summary, index: int) -> list[str]:
    """Session, device, each quantity with a star where it lies far from the others, and the fit's verdict."""
    row = summary.rows[index]
    values = [
        _shown(row, quantity) + ("*" if index in summary.outlying[quantity.name] else "")
        for quantity in summary.quantities
    ]
    return [row.session.name, row.device or "-", *values, row.verdict.replace("_", " ") or "-"]


def write_summary(summary: Summary, path: Path) -> None:
    """The rows as CSV: SI, each quantity with its standard error, and 1 where it lies far from the others."""
    headings = ["session", "device"]
    for quantity in summary.quantities:
        headings += [
            quantity.si_heading,
            f"{quantity.si_heading} standard error",
            f"{quantity.name} outlying",
        ]
    lines = [[*headings, "verdict", "problem"]]
    for index, row in enumerate(summary.rows):
        cells = [text_cell(str(row.session)), text_cell(row.device)]
        for quantity in summary.quantities:
            cells += _csv_cells(row, quantity, index in summary.outlying[quantity.name])
        lines.append([*cells, text_cell(row.verdict), text_cell(row.problem)])
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(lines)


def _csv_cells(row: Row, quantity: Quantity, outlying: bool) -> list[str]:
    value = row.values.get(quantity.name)
    if value is None:
        return ["", "", ""]
    error = "" if value.standard_error is None else number_cell(value.standard_error)
    return [number_cell(value.value), error, str(int(outlying))]


def _devices_table(summary: Summary) -> Table:
    """Which number stands for which device of which session."""
    table = Table("no.", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("session", "device", "verdict"):
        table.add_column(heading, overflow="fold")
    for index in range(len(summary.rows)):
        session, device, *_, verdict = row_texts(summary, index)
        table.add_row(str(index + 1), session, device, verdict)
    return table


def _values_table(summary: Summary, quantities: Sequence[Quantity]) -> Table:
    table = Table("no.", box=box.SIMPLE_HEAD, caption=STAR, padding=(0, 1, 0, 0))
    for quantity in quantities:
        table.add_column(quantity.heading, no_wrap=True)
    first = summary.quantities.index(quantities[0])
    for index, row in enumerate(summary.rows):
        values = row_texts(summary, index)[2:-1][first : first + len(quantities)]
        if any(quantity.name in row.values for quantity in quantities):
            table.add_row(str(index + 1), *values)
    return table


def _groups_table(summary: Summary) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("quantity", *GROUP_HEADINGS):
        table.add_column(heading, overflow="fold")
    left_out = sum(summary.left_out.values())
    table.caption = SPREAD_CAPTION + (f" Without {left_out} values that are none." if left_out else "")
    last = None
    for group in summary.groups:
        table.add_row("" if group.quantity == last else group.quantity.heading, *group.texts())
        last = group.quantity
    return table


def _shown(row: Row, quantity: Quantity) -> str:
    value = row.values.get(quantity.name)
    return "-" if value is None else str(value.scaled(1 / quantity.scale))
