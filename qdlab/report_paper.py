"""What a report says about the paper: what was put in, recovered and printed, and what its numbers imply."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.estimate import Estimate
from analysis.published import li2024
from qdlab.page import Section, Table, estimate, number, text, verdict, words_of_ours
from qdlab.report_jv import advice


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One line of "put into the simulation | recovered | printed in the paper".

    Parameters
    ----------
    quantity : name and unit, for people
    put_in, recovered, printed : in that unit; None where there is none
    word : "agrees", "rounding", "assumption needed" or "does not follow"; empty where nothing is printed
    """

    quantity: str
    put_in: float | None
    recovered: Estimate
    printed: float | None
    word: str = ""


def comparison_section(comparisons: Sequence[Comparison]) -> Section:
    """The table of the demo."""
    rows = tuple(
        (
            words_of_ours(one.quantity),
            text("-") if one.put_in is None else number(one.put_in),
            estimate(one.recovered),
            text("-") if one.printed is None else number(one.printed),
            text(one.word or "-"),
            verdict(one.recovered.verdict),
        )
        for one in comparisons
    )
    headings = (
        "quantity",
        "put into the simulation",
        "recovered",
        "printed in the paper",
        "printed value",
        "verdict on the recovered one",
    )
    caption = (
        "Digits in brackets: statistical standard error of the last digits. Printed value: whether it agrees "
        "with, or follows from, the others (see 'What the paper's numbers say of each other')."
    )
    return Section(
        title="Put in, recovered, printed",
        paragraphs=(
            "The simulated bench measures a sample whose truth is known; the analysis sees only the recorded "
            f"readings. Printed: Li et al., Adv. Electron. Mater. 2024, DOI {li2024.DOI}.",
        ),
        tables=(Table(headings=headings, rows=rows, caption=caption),),
        notes=tuple(advice((one.quantity.partition(" (")[0], one.recovered.verdict) for one in comparisons)),
    )


def consistency_section() -> Section:
    """What the printed numbers say of each other, and what was assumed where the paper prints nothing."""
    rows = tuple(
        (text(_words(note.subject)), text(note.word), words_of_ours(note.sentence))
        for note in li2024.CONSISTENCY_NOTES
    )
    assumed = tuple(
        (text(_words(one.name)), number(one.value), words_of_ours(one.unit), words_of_ours(one.reason))
        for one in li2024.ASSUMPTIONS
    )
    return Section(
        title="What the paper's numbers say of each other",
        paragraphs=("Worked out beforehand from the printed numbers alone; shown, not tuned away.",),
        tables=(
            Table(headings=("printed number", "word", "in plain words"), rows=rows),
            Table(headings=("assumed here", "value", "unit", "why"), rows=assumed),
        ),
    )


def _words(name: str) -> str:
    return name.replace("_", " ")
