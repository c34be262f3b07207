"""The SCPI and IEEE 488.2 machine: a program message goes in, a response message or nothing comes out.

How a box is declared
---------------------
A box is a subclass of `ScpiBox` with a table of `Command`; its headers are written as in a manual::

    class Lamp(ScpiBox):
        name = "lamp"
        identity = "ACME,LAMP 1,0001,1.0"
        commands = (
            control("[:SOURce{1|2}]:POWer[:LEVel]", Number(0, 5), default=0.0,
                    meaning="Optical power [W]", source="[M] p. 12"),
            Command("OUTPut[:STATe]", meaning="Lamp on or off", source="[M] p. 13",
                    takes=(Switch(),), set=lambda box, on: box.switch(on), query=lambda box: box.is_on),
        )

* ``CURRent``: capitals are the short form; only the exact short or long form is understood.
* ``[:DC]``: a node that may be left out. ``SENSe[1]``: the suffix 1 may be written. ``TRACe|DATA``: two
  names.
* ``SOURce{1|2}``: a numeric suffix (1 when left out, if 1 is one of them), handed to the handlers before the
  parameters.
* `takes` are the parameters of the setting form, `asks` those of the query form. A query with MIN, MAX or DEF
  is answered from the first `Number` of `takes`, without the handler.
* Handlers are called ``set(box, *suffixes, *values)`` and ``query(box, *suffixes, *values)`` with converted
  values; a query returns text, bytes, a number or a bool, or None to stay silent. To refuse, a handler raises
  `ScpiError(code)`.
* `control` declares the common case of a value that is only kept: in ``box.settings[header or key]``, back to
  `default` on ``*RST``; `after` is called once it has changed.
* Time: a handler lets time pass with ``box.clock.wait(seconds)``; `processing_time` passes with every
  message.
* Noise comes from ``box.rng``, seeded by the bench's seed and the box's name.
* An output that changes calls ``box.announce_output(on, volts)`` for the wire log.

A box with other habits changes the class attributes (`unit_pattern`, `terminator`, `stops_at_error`,
`queue_depth`, `error_texts`) or `format_number` and `format_error`; one with a GPIB socket has a
`gpib_address`.

Sources: IEEE 488.2 and SCPI-99 as restated in the manuals of the Keithley 6514 (p. 176-179) and 2400 (app.
B).
"""

import functools
import itertools
import math
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from sim_instruments.clock import Clock, WaitCut

Reply = str | bytes | int | float | bool | None
Bound = float | Callable[[Any], float]

ERROR_TEXTS: dict[int, str] = {
    0: "No error",
    -101: "Invalid character",
    -102: "Syntax error",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -112: "Program mnemonic too long",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -121: "Invalid character in number",
    -128: "Numeric data not allowed",
    -131: "Invalid suffix",
    -141: "Invalid character data",
    -148: "Character data not allowed",
    -151: "Invalid string data",
    -158: "String data not allowed",
    -168: "Block data not allowed",
    -178: "Expression data not allowed",
    -200: "Execution error",
    -210: "Trigger error",
    -211: "Trigger ignored",
    -212: "Arm ignored",
    -213: "Init ignored",
    -214: "Trigger deadlock",
    -220: "Parameter error",
    -221: "Settings conflict",
    -222: "Parameter data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -225: "Out of memory",
    -230: "Data corrupt or stale",
    -241: "Hardware missing",
    -310: "System error",
    -330: "Self-test failed",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
    -430: "Query DEADLOCKED",
    -440: "Query UNTERMINATED after indefinite response",
}

LONGEST_MNEMONIC = 12  # characters (SCPI-99, 6.2.1)

OPERATION_COMPLETE, QUERY_ERROR, DEVICE_ERROR, EXECUTION_ERROR, COMMAND_ERROR, POWER_ON = 1, 4, 8, 16, 32, 128


class ScpiError(Exception):
    """A unit that cannot be executed; becomes an entry of the error queue, never an exception at the door."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Postponed(Exception):
    """A unit that waits for the box to become idle, and the box for an event from outside.

    The unit and what follows it are executed when a trigger or an abort has made the box idle, and forgotten
    on device clear.
    """


# --- what may stand after a header ----------------------------------------------------------------

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:\s*[eE]\s*[+-]?\d+)?)\s*([A-Za-z%/]*)$")
_NON_DECIMAL = re.compile(r"#(?:([hH])([0-9a-fA-F]+)|([qQ])([0-7]+)|([bB])([01]+))$")
_LONGEST_NON_DECIMAL = 64  # digits
_NON_DECIMAL_BASES = {"h": 16, "q": 8, "b": 2}


def _kind_error(text: str, *, number: int = -104, word: int = -104, string: int = -158) -> ScpiError:
    """The error for a parameter of the wrong kind."""
    if not text:
        return ScpiError(-102)
    if text[0] in "\"'":
        return ScpiError(string)
    if text[0] == "#":
        return ScpiError(-168)
    if text[0] == "(":
        return ScpiError(-178)
    return ScpiError(word if text[0].isalpha() else number)


def short_form(mnemonic: str) -> str:
    """Return the capitals and digits of a mnemonic as manuals write it: ``CURRent`` gives ``CURR``."""
    return "".join(letter for letter in mnemonic if not letter.islower())


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter: how its text becomes a value, and a value a reply.

    Parameters
    ----------
    optional : may be left out; the handler then gets one value less
    repeated : may stand any number of times (last parameter only)
    """

    optional: bool = False
    repeated: bool = False

    def convert(self, text: str, box: "ScpiBox") -> Any:
        """Return the value of `text`, or raise `ScpiError`."""
        raise NotImplementedError

    def reply(self, value: Any, box: "ScpiBox") -> str:
        """Return `value` as the box answers it."""
        return box.format_reply(value)

    def describe(self) -> str:
        """Return the parameter as the command page prints it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Number(Parameter):
    """A decimal or non-decimal number within bounds; MINimum, MAXimum and DEFault stand for themselves.

    Parameters
    ----------
    low, high : bounds, included; a callable is asked with the box
    default : what DEF stands for; None refuses DEF
    integer : round to the nearest whole number
    units : suffix in capitals -> multiplier; none given: a suffix is an error
    infinite : INFinity is a value, too
    out_of_range : error code beyond the bounds
    """

    low: Bound = -math.inf
    high: Bound = math.inf
    default: Bound | None = None
    integer: bool = False
    units: Mapping[str, float] = field(default_factory=dict)
    infinite: bool = False
    out_of_range: int = -222

    def bound(self, which: str, box: "ScpiBox") -> float:
        """Return the value MIN, MAX or DEF stands for."""
        bound = {"MIN": self.low, "MAX": self.high, "DEF": self.default}[which[:3].upper()]
        if bound is None:
            raise ScpiError(-141)
        return float(bound(box) if callable(bound) else bound)

    def convert(self, text: str, box: "ScpiBox") -> float | int:
        """Return the number, checked against its bounds."""
        value = self._parse(text, box)
        if self.integer and math.isfinite(value):
            value = round(value)
        if not self.bound("MIN", box) <= value <= self.bound("MAX", box) and not (
            self.infinite and value == math.inf
        ):
            raise ScpiError(self.out_of_range)
        return value

    def _parse(self, text: str, box: "ScpiBox") -> float:
        match = _NUMBER.match(text)
        if match:
            digits, unit = match.groups()
            if unit and unit.upper() not in self.units:
                raise ScpiError(-131)
            return float(re.sub(r"\s", "", digits)) * (self.units[unit.upper()] if unit else 1.0)
        if is_bound(text):
            return self.bound(text, box)
        if text.upper() in ("INF", "INFINITY") and self.infinite:
            return math.inf
        match = _NON_DECIMAL.match(text)
        if match:
            base, digits = (group for group in match.groups() if group)
            if len(digits) > _LONGEST_NON_DECIMAL:
                raise ScpiError(-222)
            return float(int(digits, _NON_DECIMAL_BASES[base.lower()]))
        raise _kind_error(text, number=-121)

    def describe(self) -> str:
        """Return the bounds as text."""
        bounds = [f"{bound:g}" if not callable(bound) else "…" for bound in (self.low, self.high)]
        return ("<integer" if self.integer else "<number") + f" {bounds[0]} to {bounds[1]}>"


@dataclass(frozen=True)
class Switch(Parameter):
    """ON, OFF, 1 or 0; `extra` holds further words (``ONCE``) and what they mean."""

    extra: Mapping[str, Any] = field(default_factory=dict)

    def convert(self, text: str, box: "ScpiBox") -> Any:
        """Return True, False or the extra word's value."""
        word = text.upper()
        if word in ("ON", "OFF"):
            return word == "ON"
        if word in self.extra:
            return self.extra[word]
        match = _NUMBER.match(text)
        if match and not match.group(2):
            return abs(float(re.sub(r"\s", "", match.group(1)))) >= 0.5
        raise _kind_error(text, word=-141)

    def describe(self) -> str:
        """Return the words."""
        return "|".join(("ON", "OFF", *self.extra))


@dataclass(frozen=True, init=False)
class Choice(Parameter):
    """One of some mnemonics, in short or long form; the value and the reply are the short form.

    Parameters
    ----------
    mnemonics : as in the manual: ``Choice("FIXed", "LIST", "SWEep")``
    aliases : another word -> the value it stands for
    """

    mnemonics: tuple[str, ...]
    aliases: Mapping[str, str]

    def __init__(
        self,
        *mnemonics: str,
        aliases: Mapping[str, str] | None = None,
        optional: bool = False,
        repeated: bool = False,
    ) -> None:
        for name, value in (
            ("mnemonics", mnemonics),
            ("aliases", aliases or {}),
            ("optional", optional),
            ("repeated", repeated),
        ):
            object.__setattr__(self, name, value)

    def convert(self, text: str, box: "ScpiBox") -> str:
        """Return the short form."""
        word = text.upper()
        for mnemonic in self.mnemonics:
            if word in (mnemonic.upper(), short_form(mnemonic)):
                return short_form(mnemonic)
        if word in self.aliases:
            return self.aliases[word]
        raise _kind_error(text, number=-128, word=-141)

    def describe(self) -> str:
        """Return the mnemonics."""
        return "|".join(self.mnemonics)


@dataclass(frozen=True)
class Text(Parameter):
    """A quoted string, single or double quotes, doubled inside; with `bare` also a plain word."""

    bare: bool = False

    def convert(self, text: str, box: "ScpiBox") -> str:
        """Return the string without its quotes."""
        if len(text) >= 2 and text[0] in "\"'" and text[-1] == text[0]:
            return text[1:-1].replace(text[0] * 2, text[0])
        if self.bare and text and text[0] not in "\"'#(":
            return text
        raise ScpiError(-151) if text[:1] in ("'", '"') else _kind_error(text, number=-128, word=-148)

    def reply(self, value: Any, box: "ScpiBox") -> str:
        """Return the string in double quotes."""
        return '"' + str(value).replace('"', '""') + '"'

    def describe(self) -> str:
        """Return the placeholder."""
        return "<string>"


@dataclass(frozen=True)
class Raw(Parameter):
    """Whatever stands there, for a handler that reads it itself."""

    def convert(self, text: str, box: "ScpiBox") -> str:
        """Return the text as written."""
        return text

    def describe(self) -> str:
        """Return the placeholder."""
        return "<data>"


def is_bound(text: str) -> bool:
    """Tell whether a parameter is one of MIN, MAX, DEF or their long forms."""
    return text.upper() in ("MIN", "MAX", "DEF", "MINIMUM", "MAXIMUM", "DEFAULT")


# --- the command table ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Command:
    """One line of a command table (see the module's docstring for the header's grammar).

    Parameters
    ----------
    header : as the manual prints it, without a question mark
    meaning : one line for the command page
    source : where it is written: manual and page, or an evidence tag; "[?] assumption: ..." for a guess
    takes, asks : parameters of the setting and of the query
    set, query : handlers; None where the form does not exist
    keys, default : the settings kept by `control`, and their value after ``*RST``; None survives ``*RST``
    initial : value at power-on where ``*RST`` does not touch it
    immediate : executed even while a measurement runs
    """

    header: str
    meaning: str = field(kw_only=True)
    source: str = field(kw_only=True)
    takes: tuple[Parameter, ...] = field(default=(), kw_only=True)
    asks: tuple[Parameter, ...] = field(default=(), kw_only=True)
    set: Callable[..., None] | None = field(default=None, kw_only=True)
    query: Callable[..., Reply] | None = field(default=None, kw_only=True)
    keys: tuple[Any, ...] = field(default=(), kw_only=True)
    default: Any = field(default=None, kw_only=True)
    initial: Any = field(default=None, kw_only=True)
    immediate: bool = field(default=False, kw_only=True)


def control(
    header: str,
    parameter: Parameter,
    *,
    default: Any = None,
    initial: Any = None,
    meaning: str,
    source: str,
    key: str = "",
    after: Callable[..., None] | None = None,
    immediate: bool = False,
) -> Command:
    """Return a command whose value is only kept, in ``box.settings[key]`` or ``box.settings[key, suffix]``.

    Parameters
    ----------
    header, meaning, source, immediate : as in `Command`
    parameter : its one parameter; a repeated one keeps a tuple
    default, initial : value after ``*RST``; or the power-on value of a setting that ``*RST`` leaves alone
    key : name of the setting; the header when empty
    after : called with the box and the suffixes once the setting has changed
    """
    name = key or header
    suffix_count = header.count("{")

    def place(suffixes: tuple[int, ...]) -> Any:
        return (name, *suffixes) if suffixes else name

    def keep(box: "ScpiBox", *arguments: Any) -> None:
        suffixes, values = arguments[:suffix_count], arguments[suffix_count:]
        box.settings[place(suffixes)] = values if parameter.repeated else values[0]
        if after is not None:
            after(box, *suffixes)

    def answer(box: "ScpiBox", *suffixes: int) -> str:
        value = box.settings[place(suffixes)]
        if parameter.repeated:
            return ",".join(parameter.reply(item, box) for item in value)
        return parameter.reply(value, box)

    return Command(
        header,
        meaning=meaning,
        source=source,
        takes=(parameter,),
        set=keep,
        query=answer,
        keys=tuple(dict.fromkeys(place(suffixes) for _, suffixes in spellings(header))),
        default=default,
        initial=initial,
        immediate=immediate,
    )


_NODE = re.compile(
    r"(?P<open>\[)?:?(?P<names>\*?[A-Za-z]+(?:\|[A-Za-z]+)*)(?P<digits>\d*)"
    r"(?:(?P<one>\[1\])|\{(?P<suffixes>[\d|]+)\})?(?P<close>\])?"
)


def spellings(header: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield every legal spelling of a header, in capitals, with its numeric suffixes.

    Examples
    --------
    >>> sorted(text for text, _ in spellings("[:SENSe]:CURRent"))
    ['CURR', 'CURRENT', 'SENS:CURR', 'SENS:CURRENT', 'SENSE:CURR', 'SENSE:CURRENT']
    """
    nodes: list[list[tuple[str, tuple[int, ...]]]] = []
    position = 0
    while position < len(header):
        match = _NODE.match(header, position)
        if match is None:
            raise ValueError(f"header {header!r} is not understood from {header[position:]!r} on")
        position = match.end()
        words = {form for name in match["names"].split("|") for form in (short_form(name), name.upper())}
        options: list[tuple[str, tuple[int, ...]]] = []
        for word in sorted(words):
            word += match["digits"]
            if match["suffixes"]:
                digits = match["suffixes"].split("|")
                options += [(word, (1,))] if "1" in digits else []
                options += [(word + digit, (int(digit),)) for digit in digits]
            else:
                options.append((word, ()))
                if match["one"]:
                    options.append((word + "1", ()))
        if match["open"]:
            options.append(("", (1,) if match["suffixes"] else ()))
        nodes.append(options)
    for parts in itertools.product(*nodes):
        yield ":".join(text for text, _ in parts if text), tuple(n for _, suffix in parts for n in suffix)


@dataclass(frozen=True, slots=True)
class Unit:
    """One program message unit, looked up but not yet executed; `error` when it cannot be."""

    command: Command | None = None
    suffixes: tuple[int, ...] = ()
    is_query: bool = False
    arguments: tuple[str, ...] = ()
    error: int = 0


_BLOCK = re.compile(r"#(?:([1-9])|0)")


def _end_of_block(text: str, start: int) -> int:
    """Where IEEE 488.2 block data that begins at a place ends; the place itself where there is none."""
    match = _BLOCK.match(text, start)
    if match is None:
        return start
    if match[1] is None:
        return len(text)
    digits = text[match.end() : match.end() + int(match[1])]
    if not (digits.isascii() and digits.isdigit() and len(digits) == int(match[1])):
        return start
    return min(match.end() + len(digits) + int(digits), len(text))


def _with_blocks_blank(text: str) -> str:
    """The text with zeros for the bytes of its blocks, which may be any."""
    place = text.find("#")
    while place >= 0:
        end = _end_of_block(text, place)
        text = text[: place + 1] + "0" * (end - place - 1) + text[max(end, place + 1) :]
        place = text.find("#", max(end, place + 1))
    return text


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Return the parts of `text` between separators outside quotes, parentheses and block data."""
    if separator not in text:
        return [text]
    if not any(mark in text for mark in "\"'(#"):
        return text.split(separator)
    parts, start, quote, depth, block_end = [], 0, "", 0, 0
    for position, letter in enumerate(text):
        if position < block_end:
            continue
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "#":
            block_end = _end_of_block(text, position)
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == separator and depth <= 0:
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    return parts


class CommandTable:
    """All spellings of a box's commands, and the parser that looks a message up in them."""

    def __init__(self, commands: Sequence[Command], unit_pattern: re.Pattern[str]) -> None:
        self.commands = tuple(commands)
        self._pattern = unit_pattern
        self._entries: dict[str, tuple[Command, tuple[int, ...]]] = {}
        for command in commands:
            for spelling, suffixes in spellings(command.header):
                self._entries[spelling] = (command, suffixes)
        self._remembered = functools.lru_cache(maxsize=2048)(self._parse)

    def parse(self, message: str) -> tuple[Unit, ...]:
        """Return the message's units in order; short messages are remembered."""
        return self._remembered(message) if len(message) < 256 else self._parse(message)

    def _parse(self, message: str) -> tuple[Unit, ...]:
        """Apply the path rules of SCPI-99 (6514 manual p. 177-178).

        The first unit starts at the root; a unit without a leading colon continues at the level of the one
        before; a common command does not move the path.
        """
        units = []
        path = ""
        for text in split_outside_quotes(message, ";"):
            text = text.strip()
            if not text:
                continue
            match = self._pattern.match(_with_blocks_blank(text))
            if match is None:
                units.append(Unit(error=-101 if re.search(r"[^\x20-\x7e\s]", text) else -102))
                continue
            header = match["header"].upper()
            if header.startswith(":"):
                path, header = "", header[1:]
            full = header if header.startswith("*") else path + header
            begin, end = match.span("arguments")
            units.append(self._look_up(full, bool(match["query"]), text[max(begin, 0) : max(end, 0)]))
            if not header.startswith("*"):
                path = full[: full.rfind(":") + 1]
        return tuple(units)

    def _look_up(self, header: str, is_query: bool, arguments: str) -> Unit:
        entry = self._entries.get(header)
        if entry is None:
            if any(len(mnemonic) > LONGEST_MNEMONIC for mnemonic in header.split(":")):
                return Unit(error=-112)
            known_without_suffix = re.sub(r"\d+(?=:|$)", "", header) in self._entries
            return Unit(error=-114 if known_without_suffix else -113)
        command, suffixes = entry
        if (command.query if is_query else command.set) is None:
            return Unit(error=-113)
        parts = (
            tuple(part.strip() for part in split_outside_quotes(arguments, ",")) if arguments.strip() else ()
        )
        return Unit(command=command, suffixes=suffixes, is_query=is_query, arguments=parts)


# --- status -----------------------------------------------------------------------------------------


class StatusRegister:
    """A condition register that is live, an event register that latches rising bits, and an enable mask."""

    def __init__(self) -> None:
        self.condition = 0
        self.event = 0
        self.enable = 0

    def set_condition(self, bits: int, on: bool) -> None:
        """Raise or drop condition bits; a rise is latched as an event."""
        before = self.condition
        self.condition = before | bits if on else before & ~bits
        self.event |= self.condition & ~before

    def pulse(self, bits: int) -> None:
        """Latch an event that has no lasting condition."""
        self.event |= bits

    def read_event(self) -> int:
        """Return the event register and clear it."""
        event, self.event = self.event, 0
        return event

    @property
    def summary(self) -> bool:
        """Whether an enabled event is latched."""
        return bool(self.event & self.enable)


# --- the box ----------------------------------------------------------------------------------------


def _no_witness(box: "ScpiBox", on: bool, volts: float) -> None:
    """Nobody is watching the output."""


class ScpiBox:
    """A box on a bench; subclasses say what it answers (see the module's docstring).

    Parameters
    ----------
    clock : the bench's clock
    seed : the bench's seed; noise depends on it and on the box's name only
    """

    name: ClassVar[str] = "box"
    identity: ClassVar[str] = ""
    options: ClassVar[str] = "0"
    scpi_version: ClassVar[str] = "1996.0"
    commands: ClassVar[tuple[Command, ...]] = ()
    terminator: ClassVar[bytes] = b"\n"
    gpib_address: ClassVar[int | None] = None
    stops_at_error: ClassVar[bool] = True
    queue_depth: ClassVar[int] = 10
    input_limit: ClassVar[int] = 65536
    takes_blocks: ClassVar[bool] = False  # IEEE 488.2 block data, in which a line feed is a byte
    name_ends_answers = False
    """Whether a question behind ``*IDN?`` in one message is an error -440, as SCPI-99 says; manuals list the
    error, and no bench report says which boxes raise it ([?])."""
    processing_time: ClassVar[float] = 0.0
    error_texts: ClassVar[Mapping[int, str]] = {}
    unit_pattern: ClassVar[re.Pattern[str]] = re.compile(
        r"(?P<header>:?(?:\*[A-Za-z]+|[A-Za-z]\w*(?::[A-Za-z]\w*)*))(?P<query>\?)?"
        r"(?:\s+(?P<arguments>[\x20-\x7e\s]*))?$",
        re.ASCII,
    )

    def __init__(self, *, clock: Clock, seed: int = 0) -> None:
        self.clock = clock
        self.rng = np.random.default_rng([seed, zlib.crc32(self.name.encode())])
        self.witness: Callable[[ScpiBox, bool, float], None] = _no_witness
        self.door = ""
        """How the message being executed came: "tcp", "serial", "prologix", or empty in-process."""
        self.settings: dict[Any, Any] = {}
        self._responses: list[bytes] = []
        self._postponed: tuple[Unit, ...] = ()
        self.table = self._compiled_table()
        self.power_on()

    @classmethod
    @functools.cache
    def _compiled_table(cls) -> CommandTable:
        return CommandTable((*COMMON_COMMANDS, *cls.commands), cls.unit_pattern)

    # the door's side

    def receive(self, message: bytes) -> bytes | None:
        """Execute one whole program message, its terminator stripped; return the response or None.

        Units before a bad one are executed, the bad one enters the error queue and, on a box that
        `stops_at_error`, the rest is ignored (6514 manual p. 178).
        """
        if self.processing_time:
            with suppress(WaitCut):
                self.clock.wait(self.processing_time)
        self._responses = []
        self._run_units(self.table.parse(message.decode("latin-1")))
        self._run_postponed()
        responses, self._responses = self._responses, []
        return b";".join(responses) if responses else None

    def _run_postponed(self) -> None:
        """Once the box can become idle, execute what had to wait for that."""
        units, self._postponed = self._postponed, ()
        if units:
            try:
                self.finish()
            except Postponed:
                self._postponed = units
            else:
                self._run_units(units)

    def _run_units(self, units: tuple[Unit, ...]) -> None:
        is_named = False
        for index, unit in enumerate(units):
            try:
                if unit.is_query and is_named and self.name_ends_answers:
                    raise ScpiError(-440)
                is_named |= unit.is_query and unit.command is not None and unit.command.header == "*IDN"
                if self._postponed and not (unit.command and unit.command.immediate):
                    raise Postponed
                response = self._execute(unit)
            except Postponed:
                self._postponed += units[index:]
                break
            except ScpiError as error:
                self.report(error.code)
                if self.stops_at_error:
                    break
                continue
            if response is not None:
                self._responses.append(response)

    def clear(self) -> None:
        """Device clear: forget what is pending; settings, errors and status stay."""
        self._responses = []
        self._postponed = ()

    def overrun(self) -> None:
        """Tell the box that a message was longer than its input buffer."""
        self.report(-363)

    def unread_query(self) -> None:
        """Tell the box that it was asked to talk with nothing to say (GPIB)."""
        self.report(-420)

    def interrupted_query(self) -> None:
        """Tell the box that a new message came before its response was read (GPIB)."""
        self.report(-410)

    def power_on(self) -> None:
        """Start up: every setting at its default, empty queue, power-on bit set."""
        self.errors: deque[int] = deque()
        self.event_status = POWER_ON
        self.event_status_enable = 0
        self.service_request_enable = 0
        self.operation_complete_requested = False
        self._responses = []
        self._postponed = ()
        self.switched_on_at = self.clock.monotonic()
        for command in self.table.commands:
            if command.initial is not None:
                self.settings.update(dict.fromkeys(command.keys, command.initial))
        self.reset()

    # the subclass's side

    def reset(self) -> None:
        """``*RST``: every setting that has a default goes back to it; subclasses add what else they do."""
        self.operation_complete_requested = False
        for command in self.table.commands:
            if command.default is not None:
                self.settings.update(dict.fromkeys(command.keys, command.default))

    def report(self, code: int) -> None:
        """Enter an error into the queue and set its bit in the event status register.

        When the queue is full its last entry becomes -350 and later ones are dropped.
        """
        self.event_status |= self.event_bit(code)
        if len(self.errors) < self.queue_depth:
            self.errors.append(code)
        else:
            self.errors[-1] = -350

    def event_bit(self, code: int) -> int:
        """Return the bit of the event status register that an error sets."""
        if code < 0:
            return {1: COMMAND_ERROR, 2: EXECUTION_ERROR, 3: DEVICE_ERROR, 4: QUERY_ERROR}.get(
                -code // 100, 0
            )
        return DEVICE_ERROR if code else 0

    def announce_output(self, on: bool, volts: float) -> None:
        """Tell the witness (the wire log) that an output changed [V]."""
        self.witness(self, on, volts)

    def is_idle(self) -> bool:
        """Whether no measurement runs."""
        return True

    @property
    def next_event(self) -> float | None:
        """The bench's time at which a running measurement goes on by itself [s]; None without one."""
        return None

    def finish(self) -> None:
        """Wait until the box is idle."""

    def before(self, command: Command) -> None:
        """Hook: called before a command's handler."""

    def clear_events(self) -> None:
        """``*CLS``: clear the subclass's event registers."""

    def summary_bits(self) -> int:
        """Return the status byte's bits that come from the subclass's registers."""
        return 0

    def format_number(self, value: float) -> str:
        """Return a number as the box prints it."""
        return f"{value:.6E}"

    def format_error(self, code: int) -> str:
        """Return an entry of the error queue as the box prints it."""
        return f'{code},"{self.error_text(code)}"'

    def error_text(self, code: int) -> str:
        """Return the text that goes with an error code."""
        return self.error_texts.get(code) or ERROR_TEXTS.get(code, "Device-specific error")

    def format_reply(self, value: Reply) -> str:
        """Return a handler's value as text: 1 and 0 for booleans, the box's own format for floats."""
        if isinstance(value, bool):
            return "1" if value else "0"
        if isinstance(value, float):
            return self.format_number(value)
        return str(value)

    def format_register(self, value: int) -> str:
        """Return a status register as text: decimal digits (NR1 of IEEE 488.2)."""
        return str(value)

    # status byte

    @property
    def status_byte(self) -> int:
        """The status byte with MSS in bit 6."""
        status = self.summary_bits()
        if self.errors:
            status |= 4
        if self._responses:
            status |= 16
        if self.event_status & self.event_status_enable:
            status |= 32
        return status | (64 if status & self.service_request_enable & ~64 else 0)

    def pop_error(self) -> int:
        """Remove the oldest error and return it; 0 when there is none."""
        return self.errors.popleft() if self.errors else 0

    # execution

    def _execute(self, unit: Unit) -> bytes | None:
        command = unit.command
        if command is None:
            raise ScpiError(unit.error)
        self.before(command)
        if not unit.is_query:
            assert command.set is not None
            command.set(self, *unit.suffixes, *self._values(command.takes, unit.arguments))
            return None
        assert command.query is not None
        first = command.takes[0] if command.takes else None
        if (
            len(unit.arguments) == 1
            and isinstance(first, Number)
            and not command.asks
            and is_bound(unit.arguments[0])
        ):
            bound = first.bound(unit.arguments[0], self)
            return first.reply(round(bound) if first.integer else bound, self).encode("latin-1")
        reply = command.query(self, *unit.suffixes, *self._values(command.asks, unit.arguments))
        if reply is None:
            return None
        return reply if isinstance(reply, bytes) else self.format_reply(reply).encode("latin-1", "replace")

    def _values(self, parameters: tuple[Parameter, ...], arguments: tuple[str, ...]) -> list[Any]:
        if not parameters and not arguments:
            return []
        repeated = bool(parameters) and parameters[-1].repeated
        if len(arguments) > len(parameters) and not repeated:
            raise ScpiError(-108)
        if any(not parameter.optional for parameter in parameters[len(arguments) :]):
            raise ScpiError(-109)
        if repeated:
            parameters += (parameters[-1],) * (len(arguments) - len(parameters))
        return [parameter.convert(text, self) for parameter, text in zip(parameters, arguments, strict=False)]


def command_page(box: ScpiBox) -> str:
    """Return the list of everything a box answers, as Markdown.

    Examples
    --------
    >>> from sim_instruments.clock import SimClock
    >>> command_page(ScpiBox(clock=SimClock())).splitlines()[2]
    '| command | form | parameters | meaning | source |'
    """
    lines = [
        f"# What {box.name} answers",
        "",
        "| command | form | parameters | meaning | source |",
        "|---|---|---|---|---|",
    ]
    for command in box.table.commands:
        form = " ".join(name for name, handler in (("set", command.set), ("query", command.query)) if handler)
        parameters = ", ".join(
            parameter.describe() + (", ..." if parameter.repeated else "")
            for parameter in command.takes or command.asks
        )
        cells = (f"`{command.header}`", form, parameters, command.meaning, command.source)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


# --- commands every box has (IEEE 488.2) --------------------------------------------------------------


def _clear_status(box: ScpiBox) -> None:
    box.errors.clear()
    box.event_status = 0
    box.operation_complete_requested = False
    box.clear_events()


def _read_event_status(box: ScpiBox) -> str:
    status, box.event_status = box.event_status, 0
    return box.format_register(status)


def _operation_complete(box: ScpiBox) -> None:
    if box.is_idle():
        box.event_status |= OPERATION_COMPLETE
    else:
        box.operation_complete_requested = True


def _is_operation_complete(box: ScpiBox) -> int:
    box.finish()
    return 1


def _set_event_status_enable(box: ScpiBox, mask: int) -> None:
    box.event_status_enable = mask


def _set_service_request_enable(box: ScpiBox, mask: int) -> None:
    box.service_request_enable = mask & ~64


_BYTE = (Number(0, 255, integer=True),)

COMMON_COMMANDS: tuple[Command, ...] = (
    Command(
        "*IDN",
        meaning="Maker, model, serial number, firmware",
        source="IEEE 488.2",
        query=lambda box: box.identity,
    ),
    Command("*OPT", meaning="Installed options", source="IEEE 488.2", query=lambda box: box.options),
    Command(
        "*RST",
        meaning="Back to the defaults",
        source="IEEE 488.2",
        set=lambda box: box.reset(),
        immediate=True,
    ),
    Command(
        "*CLS",
        meaning="Clear events and the error queue",
        source="IEEE 488.2",
        set=_clear_status,
        immediate=True,
    ),
    Command(
        "*ESE",
        meaning="Event status enable",
        source="IEEE 488.2",
        takes=_BYTE,
        set=_set_event_status_enable,
        query=lambda box: box.format_register(box.event_status_enable),
        immediate=True,
    ),
    Command(
        "*ESR",
        meaning="Read and clear the event status register",
        source="IEEE 488.2",
        query=_read_event_status,
        immediate=True,
    ),
    Command(
        "*SRE",
        meaning="Service request enable",
        source="IEEE 488.2",
        takes=_BYTE,
        set=_set_service_request_enable,
        query=lambda box: box.format_register(box.service_request_enable),
        immediate=True,
    ),
    Command(
        "*STB",
        meaning="Status byte with MSS in bit 6",
        source="IEEE 488.2",
        query=lambda box: box.format_register(box.status_byte),
        immediate=True,
    ),
    Command(
        "*OPC",
        meaning="Set bit 0 of ESR once idle; the query answers 1 once idle",
        source="IEEE 488.2",
        set=_operation_complete,
        query=_is_operation_complete,
        immediate=True,
    ),
    Command(
        "*WAI", meaning="Wait until idle", source="IEEE 488.2", set=lambda box: box.finish(), immediate=True
    ),
    Command("*TST", meaning="Self test; 0 is passed", source="IEEE 488.2", query=lambda box: 0),
    Command(
        ":SYSTem:ERRor[:NEXT]",
        meaning="Oldest error, removed from the queue",
        source="SCPI-99",
        query=lambda box: box.format_error(box.pop_error()),
        immediate=True,
    ),
    Command(":SYSTem:VERSion", meaning="SCPI version", source="SCPI-99", query=lambda box: box.scpi_version),
)
