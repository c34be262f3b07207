"""The math expressions of a Keithley 2400: CALCulate1, built in and of one's own.

A formula is made of readings (``VOLT``, ``CURR``, ``RES``, ``TIME``, as a vector ``VOLT[0]``), numbers,
``+ - * / ^``, ``log ln sin cos tan exp`` and parentheses around the whole. Unary signs bind tightest, then
``^``, then ``* /``, then ``+ -``, from left to right; ``log`` and ``ln`` take the absolute value. A formula
with vectors gives one result for as many readings as its highest index asks for.

Sources: [M] 2400S-900-01 rev. K, p. 18-26 to 18-31 (errors +801, +804 to +821); which of the parse errors a
particular mistake gives is told there for some, and [?] the likelier one for the others.
"""

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sim_instruments.scpi import ScpiError

OVERFLOW = 9.9e37

Row = Sequence[float]
Term = Callable[[Sequence[Row]], float]

HANDLES = {
    "VOLT": 0, "VOLTAGE": 0, "CURR": 1, "CURRENT": 1, "RES": 2, "RESISTANCE": 2, "TIME": 3,
}  # fmt: skip
FUNCTIONS: dict[str, Callable[[float], float]] = {
    "LOG": lambda x: math.log10(abs(x)),
    "LN": lambda x: math.log(abs(x)),
    "SIN": math.sin,
    "COS": math.cos,
    "TAN": math.tan,
    "EXP": math.exp,
}
OPERATORS: tuple[dict[str, Callable[[float, float], float]], ...] = (
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv},
    {"^": lambda base, exponent: float(base**exponent)},
)
HIGHEST_INDEX = 2499
LONGEST_NAME = 10
MOST_OWN = 5
DEEPEST = 50  # parentheses and signs within one another

(
    NOT_AN_OPERATOR, MISMATCHED_PARENTHESIS, NOT_A_NUMBER, MISMATCHED_BRACKETS, TOO_MANY_PARENTHESIS,
    NOT_PARSED, UNKNOWN_TOKEN, BAD_MANTISSA, BAD_EXPONENT, BAD_VALUE, BAD_INDEX,
) = range(811, 822)  # fmt: skip
INSUFFICIENT_DATA, LIST_FULL, UNDEFINED_EXISTS, NOT_FOUND, NOT_ALLOWED, CANNOT_DELETE = 801, *range(804, 809)

_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_NUMBER_LIKE = re.compile(r"[\d.]+(?:[eE][+-]?[\d.]*)?[\w.]*")
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Formula:
    """One expression.

    Parameters
    ----------
    text : as it was written
    term : its value, of the readings of one group
    length : readings of a group; 1 without vectors
    columns : elements of a reading it looks at
    """

    text: str
    term: Term
    length: int = 1
    columns: frozenset[int] = frozenset()

    def results(self, readings: Sequence[Row]) -> list[float]:
        """One result for each whole group of readings; +801 when there is none."""
        groups = len(readings) // self.length
        if not groups:
            raise ScpiError(INSUFFICIENT_DATA)
        return [self._result(readings[n * self.length : (n + 1) * self.length]) for n in range(groups)]

    def _result(self, group: Sequence[Row]) -> float:
        if any(abs(row[column]) >= OVERFLOW for row in group for column in self.columns):
            return OVERFLOW
        try:
            value = self.term(group)
        except (ArithmeticError, ValueError, TypeError):
            return OVERFLOW
        return value if abs(value) < OVERFLOW else OVERFLOW


class _Parser:
    """Reads a formula once, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._level = 0
        self.length = 1
        self.columns: set[int] = set()

    def formula(self) -> Term:
        if not self._skip("("):
            raise ScpiError(NOT_PARSED)
        if self._peek() in (")", ""):
            raise ScpiError(NOT_AN_OPERATOR)
        term = self._sum(0)
        self._close()
        rest = self._text[self._place :].strip()
        if rest:
            raise ScpiError(TOO_MANY_PARENTHESIS if rest.startswith(")") else NOT_PARSED)
        return term

    def _peek(self) -> str:
        while self._text[self._place : self._place + 1].isspace():
            self._place += 1
        return self._text[self._place : self._place + 1]

    def _skip(self, symbol: str) -> bool:
        if self._peek() == symbol:
            self._place += 1
            return True
        return False

    def _close(self) -> None:
        if not self._skip(")"):
            found = self._peek()
            if not found:
                raise ScpiError(MISMATCHED_PARENTHESIS)
            raise ScpiError(MISMATCHED_BRACKETS if found in "[]" else NOT_AN_OPERATOR)

    def _sum(self, level: int) -> Term:
        """Operators of one precedence, from left to right; tighter ones first."""
        if level == len(OPERATORS):
            return self._signed()
        left = self._sum(level + 1)
        while (symbol := self._peek()) and symbol in OPERATORS[level]:
            self._place += 1
            left = _joined(OPERATORS[level][symbol], left, self._sum(level + 1))
        return left

    def _signed(self) -> Term:
        self._level += 1
        if self._level > DEEPEST:
            raise ScpiError(NOT_PARSED)
        try:
            if self._skip("-"):
                term = self._signed()
                return lambda rows: -term(rows)
            if self._skip("+"):
                return self._signed()
            return self._operand()
        finally:
            self._level -= 1

    def _operand(self) -> Term:
        symbol = self._peek()
        if symbol == "(":
            return self._parenthesis()
        if symbol.isdigit() or symbol == ".":
            return self._number()
        word = _WORD.match(self._text, self._place)
        if word is None:
            raise ScpiError(NOT_A_NUMBER if symbol else MISMATCHED_PARENTHESIS)
        self._place = word.end()
        name = word[0].upper()
        if name in HANDLES:
            return self._handle(HANDLES[name])
        if name in FUNCTIONS:
            if self._peek() != "(":
                raise ScpiError(MISMATCHED_PARENTHESIS)
            function, argument = FUNCTIONS[name], self._parenthesis()
            return lambda rows: function(argument(rows))
        raise ScpiError(UNKNOWN_TOKEN)

    def _parenthesis(self) -> Term:
        self._place += 1
        if self._peek() == ")":
            raise ScpiError(NOT_A_NUMBER)
        term = self._sum(0)
        self._close()
        return term

    def _number(self) -> Term:
        written = _NUMBER_LIKE.match(self._text, self._place)
        assert written is not None
        if not _NUMBER.fullmatch(written[0]):
            mantissa, mark, _ = written[0].upper().partition("E")
            if mark and _NUMBER.fullmatch(mantissa):
                raise ScpiError(BAD_EXPONENT)
            raise ScpiError(BAD_MANTISSA if set(mantissa) <= set("0123456789.") else BAD_VALUE)
        self._place = written.end()
        value = float(written[0])
        if not math.isfinite(value):
            raise ScpiError(BAD_VALUE)
        return lambda rows: value

    def _handle(self, column: int) -> Term:
        self.columns.add(column)
        row = self._index() if self._skip("[") else None
        if row is None:
            return lambda rows: rows[-1][column]
        self.length = max(self.length, row + 1)
        return lambda rows: rows[row][column]

    def _index(self) -> int:
        match = re.compile(r"\s*(\d+)\s*").match(self._text, self._place)
        if match is None:
            raise ScpiError(BAD_INDEX)
        self._place = match.end()
        if not self._skip("]"):
            raise ScpiError(MISMATCHED_BRACKETS)
        if len(match[1]) > 4 or int(match[1]) > HIGHEST_INDEX:
            raise ScpiError(BAD_INDEX)
        return int(match[1])


def _joined(operation: Callable[[float, float], float], left: Term, right: Term) -> Term:
    return lambda rows: operation(left(rows), right(rows))


def parse_formula(text: str) -> Formula:
    """Return the formula of a text, or raise +811 to +821."""
    parser = _Parser(text)
    term = parser.formula()
    return Formula(text.strip(), term, parser.length, frozenset(parser.columns))


BUILT_IN: dict[str, Formula] = {
    "POWER": parse_formula("(VOLT * CURR)"),
    "OFFCOMPOHM": parse_formula("((VOLT[1] - VOLT[0]) / (CURR[1] - CURR[0]))"),
    "VOLTCOEF": Formula(
        "(((RES[1] - RES[0]) / (MIN(RES[1], RES[0]) * (VOLT[1] - VOLT[0]))) * 100)",
        lambda rows: (
            100
            * (rows[1][0] / rows[1][1] - rows[0][0] / rows[0][1])
            / (min(rows[1][0] / rows[1][1], rows[0][0] / rows[0][1]) * (rows[1][0] - rows[0][0]))
        ),
        2,
        frozenset((HANDLES["VOLT"], HANDLES["CURR"])),
    ),
    "VARALPHA": parse_formula("(log(CURR[1] / CURR[0]) / log(VOLT[1] / VOLT[0]))"),
}


@dataclass
class Expressions:
    """The catalogue: what is built in, and up to five of one's own; None is named but not yet defined."""

    own: dict[str, Formula | None] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Every name, the built-in ones first."""
        return [*BUILT_IN, *self.own]

    def formula(self, name: str) -> Formula:
        """The formula of a name; POWER where there is none."""
        return BUILT_IN.get(name) or self.own.get(name) or BUILT_IN["POWER"]

    def name(self, text: str) -> str:
        """NAME: the expression of that name, begun if there is none."""
        name = text.strip().upper()
        if not 0 < len(name) <= LONGEST_NAME:
            raise ScpiError(-222)
        if name not in self.names:
            if None in self.own.values():
                raise ScpiError(UNDEFINED_EXISTS)
            if len(self.own) >= MOST_OWN:
                raise ScpiError(LIST_FULL)
            self.own[name] = None
        return name

    def define(self, name: str, text: str) -> None:
        """EXPRession: the formula of a name of one's own."""
        if name not in self.own:
            raise ScpiError(NOT_ALLOWED)
        self.own[name] = parse_formula(text)

    def delete(self, text: str) -> None:
        """DELete: forget one of one's own."""
        name = text.strip().upper()
        if name in BUILT_IN:
            raise ScpiError(CANNOT_DELETE)
        if name not in self.own:
            raise ScpiError(NOT_FOUND)
        del self.own[name]
