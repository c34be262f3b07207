"""One Door per box: nothing leaves that its driver did not declare, and nothing that breaks the envelope.

A driver declares, as data, every header it may send and what each does to the box's output. The Door keeps
that effect as a shadow of the box and judges the state a message would lead to *before* its first byte goes
out. Whatever could energise needs an arming token; off never does.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from types import EllipsisType
from typing import Any

from pymeasure.adapters import Adapter

from instruments.errors import ConnectionFailed, LimitError, NotArmedError, ReplyError, SettingNotTaken
from instruments.limits import Demand, Envelope
from instruments.link import ATTEMPTS, POWER_ON, Line

Parameter = Callable[[str], Any]
"""Reads one parameter of a command or one value of a reply; raises ValueError for what it does not know."""


@dataclass(frozen=True, kw_only=True)
class ArmingToken:
    """Leave to energise outputs, from whoever stands by to switch them off.

    reason : what for, for messages and the journal
    valid : whether the one standing by (the guardian, or an in-process simulation) still does
    """

    reason: str
    valid: Callable[[], bool]


def arming_token(reason: str, *, valid: Callable[[], bool] = lambda: True) -> ArmingToken:
    """Issued only by the runner or a simulated campaign, once somebody stands by to switch off."""
    return ArmingToken(reason=reason, valid=valid)


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """What a box is believed to be set to; a field is None where nobody knows.

    The base class is the shadow of a box that cannot energise anything.
    """

    @property
    def energised(self) -> bool:
        """Whether the output is, or for all we know may be, on."""
        return False

    def demand(self) -> Demand:
        """What these settings can do to the device once the output is on."""
        return Demand()

    def measuring(self) -> "Shadow":
        """While a measurement runs: some boxes switch their output on for it."""
        return self

    def measured(self) -> "Shadow":
        """Once the measurement is over: some boxes switch their output off after it."""
        return self

    @property
    def vital(self) -> frozenset[str]:
        """Fields that decide what the output would do; read back before it is energised."""
        return frozenset()

    def needs_token(self, before: "Shadow") -> bool:
        """Whether coming here from `before` energises something."""
        return self.energised and self != before

    def forgotten(self) -> "Shadow":
        """The same box when nothing is known about it."""
        return replace(self, **{known.name: None for known in fields(self)})


@dataclass(frozen=True, kw_only=True)
class Header:
    """One header that a driver may send.

    Parameters
    ----------
    pattern : as manuals print it, ``:SOURce:VOLTage[:LEVel]``: capitals are the short form, brackets optional
    parameters : what the command takes, in order; a final `...` lets the one before repeat
    changes : for each parameter the field of the shadow it becomes, or None
    appends : field of the shadow that all its parameters are added to
    commands, asks : it can be sent, it can be asked
    asked_with : what the question takes
    replies : how the answer reads; what does not read so is no answer and asked for again
    adopts : field of the shadow that the answer tells where nobody else knows
    repeatable : doing it twice does no harm
    resets : it takes every setting back to the factory's
    measures : it starts a measurement; a question also waits for its end
    switches : it switches the output; switching off passes always and first
    """

    pattern: str
    parameters: tuple[Parameter | EllipsisType, ...] = ()
    changes: tuple[str | None, ...] = ()
    appends: str | None = None
    commands: bool = True
    asks: bool = False
    asked_with: tuple[Parameter, ...] = ()
    adopts: str | None = None
    replies: Parameter | None = None
    repeatable: bool = True
    resets: bool = False
    measures: bool = False
    switches: bool = False

    def matches(self, text: str) -> bool:
        """Whether a header, without its question mark, is a full short or long form of this one."""
        return _expression(self.pattern).fullmatch(text) is not None


def command(pattern: str, *parameters: Any, changes: Sequence[str | None] = (), **more: Any) -> Header:
    """A header that is sent and cannot be asked."""
    return Header(pattern=pattern, parameters=parameters, changes=tuple(changes), **more)


def control(
    pattern: str, *parameters: Any, replies: Parameter, changes: str | None = None, **more: Any
) -> Header:
    """A header that is set and asked; `changes` is the field of the shadow it tells and is told by."""
    return Header(
        pattern=pattern,
        parameters=parameters,
        changes=(changes,),
        asks=True,
        adopts=changes,
        replies=replies,
        **more,
    )


def query(pattern: str, *asked_with: Parameter, replies: Parameter, **more: Any) -> Header:
    """A header that can only be asked."""
    return Header(pattern=pattern, commands=False, asks=True, asked_with=asked_with, replies=replies, **more)


def number(text: str) -> float:
    """A decimal number as boxes write it; no ``nan``, ``inf``, ``MAX``, underscores or foreign digits."""
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a number")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is too large")
    return value


def whole(text: str) -> int:
    """A whole number."""
    if _WHOLE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def count(text: str) -> int:
    """A whole number, however a box writes it: ``60``, ``6.000000E+01``."""
    value = number(text)
    if value != int(value):
        raise ValueError(f"{text!r} counts nothing")
    return int(value)


def switch(text: str) -> bool:
    """0, 1, ON or OFF."""
    states = {"0": False, "1": True, "OFF": False, "ON": True}
    if text.upper() not in states:
        raise ValueError(f"{text!r} is neither 0 nor 1, ON nor OFF")
    return states[text.upper()]


def one_of(*words: str) -> Parameter:
    """One of these words."""
    known = {word.upper() for word in words}

    def read(text: str) -> str:
        if text.upper() not in known:
            raise ValueError(f"{text!r} is none of {', '.join(words)}")
        return text.upper()

    return read


def numbers(text: str) -> tuple[float, ...]:
    """Numbers, separated by commas."""
    return tuple(number(part.strip()) for part in text.split(","))


def word(text: str) -> str:
    """A word a box answers, without quotes; ``"CURR:DC"`` is CURR."""
    if _WORD.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} is no word that a box answers")
    return text.strip("\"'").partition(":")[0].upper()


def words(text: str) -> frozenset[str]:
    """Words, separated by commas."""
    return frozenset(word(part.strip()) for part in text.split(","))


def identity(text: str) -> str:
    """Four fields, separated by commas."""
    if text.count(",") != 3:
        raise ValueError(f"{text[:60]!r} is no identity")
    return text


def error(text: str) -> tuple[int, str]:
    """A number and a quoted message."""
    code, comma, message = text.partition(",")
    if not comma:
        raise ValueError(f"{text[:60]!r} is no error message")
    return whole(code.strip()), message.strip()


COMMON_HEADERS = (
    query("*IDN", replies=identity),
    query("*OPC", replies=switch),
    query("*ESR", replies=whole),
    query("*STB", replies=whole),
    control("*ESE", whole, replies=whole),
    command("*CLS"),
)
"""IEEE 488.2 headers that every box takes and that touch no output."""


@dataclass(frozen=True, kw_only=True)
class _Unit:
    """One unit of an outgoing message, understood."""

    header: Header
    asks: bool
    arguments: tuple[Any, ...]

    def after(self, state: Shadow, reset_state: Shadow) -> Shadow:
        """The shadow once the box has obeyed."""
        if self.asks:
            return state.measured() if self.header.measures else state
        if self.header.resets:
            return reset_state
        if self.header.measures:
            return state.measuring()
        if self.header.appends:
            before = getattr(state, self.header.appends)
            return replace(state, **{self.header.appends: before and (*before, *self.arguments)})
        if self.header.parameters[-1:] == (...,):
            return replace(state, **{name: self.arguments for name in self.header.changes if name})
        named = zip(self.header.changes, self.arguments, strict=False)
        return replace(state, **{name: value for name, value in named if name})


class Door(Adapter):
    """PyMeasure adapter that guards one box.

    Parameters
    ----------
    line : the box's place on its bus
    headers : everything its driver may send, beside the common headers
    reset_state : the shadow after ``*RST``
    off : messages that switch its output off
    envelope : of bench and device
    """

    def __init__(
        self,
        line: Line,
        *,
        headers: Sequence[Header],
        reset_state: Shadow,
        off: Sequence[str] = (),
        envelope: Envelope | None = None,
    ) -> None:
        super().__init__()
        self.connection = line
        self.line = line
        self.off = tuple(off)
        self.headers = (*headers, *COMMON_HEADERS)
        self.token: ArmingToken | None = None
        self._envelope = envelope or Envelope()
        self._reset_state = reset_state
        self._state = reset_state.forgotten()
        self._confirmed: set[str] = set()
        self._reconnections = line.reconnections
        self._level_since = -math.inf
        self._reply: str | None = None
        self._recognised: dict[str, Header] = {}

    @property
    def box(self) -> str:
        """Name of the box, for messages."""
        return self.line.box

    @property
    def state(self) -> Shadow:
        """What the box is believed to be set to."""
        return self._state

    @property
    def envelope(self) -> Envelope:
        """What the box is kept within."""
        return self._envelope

    @envelope.setter
    def envelope(self, envelope: Envelope) -> None:
        if self._state.energised and self.token is not None:
            raise LimitError(f"{self.box}: its output is on; switch it off before changing the envelope")
        self._envelope = envelope

    def ask_within(self, seconds: float, message: str, *, attempts: int = ATTEMPTS) -> str:
        """The reply to a question that may take this long [s], tried so often."""
        self._write(message, timeout=seconds, attempts=attempts)
        return self._read()

    def close(self) -> None:
        """Close the line; energises nothing."""
        line = getattr(self, "line", None)
        if line is not None:
            line.close()

    def _write(
        self, command: str, *, timeout: float | None = None, attempts: int = ATTEMPTS, **_: Any
    ) -> None:
        self._reply = None
        if self.line.reconnections != self._reconnections:
            self._reconnections = self.line.reconnections
            self._confirmed.clear()
        units = self._understand(command)
        after = self._state
        for unit in units:
            after = unit.after(after, self._reset_state)
        if all(unit.header.switches and not unit.asks for unit in units) and not after.energised:
            self.line.send_off([command])
            self._become(after)
            return
        self._end_long_dwell()
        self._admit(units)
        if self._energises(units):
            self._read_back(units, after)
            self._reply = None
        self._confirmed -= _differing(self._state, after)
        before, self._state = self._state, _where_equal(self._state, after)
        if any(unit.asks for unit in units):
            repeatable = all(unit.header.repeatable for unit in units)
            (asked,) = (unit.header for unit in units if unit.asks)
            self._reply = self.line.ask(
                command, timeout=timeout, repeatable=repeatable, attempts=attempts, accepts=asked.replies
            )
            after = self._adopted(after, asked, self._reply)
        else:
            self.line.write(command)
        self._state = before
        self._become(after)

    def _read(self, **_: Any) -> str:
        reply, self._reply = self._reply, None
        if reply is None:
            raise ReplyError(f"{self.box}: nothing was asked, so there is nothing to read")
        return reply

    def _write_bytes(self, content: bytes, **_: Any) -> None:
        raise LimitError(f"{self.box}: raw bytes cannot be judged and are not sent; write a command")

    def _read_bytes(self, count: int, break_on_termchar: bool, **_: Any) -> bytes:
        raise ReplyError(f"{self.box}: only whole replies can be read; ask a question")

    def flush_read_buffer(self) -> None:
        """Take the bus for untrusted: it is drained and proven before the next exchange."""
        self.line.link.distrust()

    def _understand(self, message: str) -> list[_Unit]:
        """The units of a message; whatever is not understood completely is refused."""
        if not (message.isascii() and message.isprintable()):
            raise LimitError(f"{self.box}: {message!r} holds characters that no command has")
        texts = [text.strip() for text in message.split(";")]
        if any(not text.startswith((":", "*")) for text in texts[1:]):
            raise LimitError(
                f"{self.box}: {message!r} goes on from an earlier path; start at the root with ':'"
            )
        units = [self._unit(text) for text in texts]
        if sum(unit.asks for unit in units) > 1:
            raise LimitError(f"{self.box}: {message!r} asks more than one thing; ask one at a time")
        return units

    def _unit(self, text: str) -> _Unit:
        name, _, rest = text.partition(" ")
        asks = name.endswith("?")
        header = self._declared(name, text)
        arguments = [argument.strip() for argument in rest.split(",")] if rest.strip() else []
        expected = header.asked_with if asks else header.parameters
        try:
            return _Unit(header=header, asks=asks, arguments=_read_arguments(arguments, expected))
        except ValueError as problem:
            raise LimitError(f"{self.box}: {text!r} is not sent: {problem}") from None

    def _declared(self, name: str, text: str) -> Header:
        key = name.upper()
        if key not in self._recognised:
            asks, bare = key.endswith("?"), key.removesuffix("?")
            fitting = (header for header in self.headers if (header.asks if asks else header.commands))
            header = next((header for header in fitting if header.matches(bare)), None)
            if header is None:
                raise LimitError(f"{self.box}: {text!r} is not declared by its driver and is not sent")
            self._recognised[key] = header
        return self._recognised[key]

    def _admit(self, units: Sequence[_Unit]) -> None:
        """Judge every state a message leads through."""
        state = self._state
        for unit in units:
            if unit.header.measures:
                self._judge(state, state.measuring())
            before, state = state, unit.after(state, self._reset_state)
            self._judge(before, state)

    def _energises(self, units: Sequence[_Unit]) -> bool:
        """Whether a message leads to a state that needs a token."""
        state = self._state
        for unit in units:
            following = unit.after(state, self._reset_state)
            measuring = state.measuring() if unit.header.measures else state
            # switching on what is believed to be on counts: the belief may be what is wrong
            before = self._reset_state if unit.header.switches and not unit.asks else state
            if following.needs_token(before) or measuring.needs_token(state):
                return True
            state = following
        return False

    def _check_power(self) -> None:
        """Refuse to go on with a box that was switched off and on since it was met."""
        self._write("*ESR?")
        if int(self._reply or 0) & POWER_ON:
            self._state = self._reset_state.forgotten()
            self._confirmed.clear()
            raise ConnectionFailed(
                f"{self.box} was switched off and on: its settings are gone; start the run again"
            )

    def _read_back(self, units: Sequence[_Unit], after: Shadow) -> None:
        """Ask for every vital setting that the box has not confirmed since it was sent.

        A box may refuse a setting without a word, or lose all of them with its power; what it is believed to
        do must be what it would do.
        """
        if any(unit.header.switches or unit.header.measures for unit in units):
            self._check_power()
        changing = _differing(self._state, after)
        for name in sorted(self._state.vital - self._confirmed - changing):
            asked = next(header for header in self.headers if header.adopts == name)
            believed = getattr(self._state, name)
            self._write(f"{_short_form(asked.pattern)}?")
            if name not in self._confirmed:
                raise SettingNotTaken(
                    f"{self.box}: its {name.replace('_', ' ')} is {self._reply} where {believed!r} was set; "
                    "nothing is energised"
                )
        fresh = (changing & self._state.vital) - self._confirmed
        if fresh and not self._state.energised:
            raise LimitError(
                f"{self.box}: {', '.join(sorted(fresh))} and the output in one message cannot be read back; "
                "switch on in a message of its own"
            )

    def _adopted(self, state: Shadow, asked: Header, reply: str) -> Shadow:
        """The shadow as the box tells it: a field filled in, confirmed or corrected."""
        name = asked.adopts
        if name is None or asked.replies is None:
            return state
        told, believed = asked.replies(reply), getattr(state, name)
        if believed is not None and not same_setting(told, believed):
            self._confirmed.discard(name)
            return replace(state, **{name: told})
        self._confirmed.add(name)
        return state if believed is not None else replace(state, **{name: told})

    def _judge(self, before: Shadow, after: Shadow) -> None:
        if after == before:
            return
        if after.needs_token(before):
            self._check_token()
        violations = self._envelope.violations(after.demand())
        if after.energised:
            refused = [*_unknown(after.demand()), *violations.values()]
        else:
            # while the output is off one setting may wait for the next, but none may itself lead out
            known = self._envelope.violations(before.demand())
            refused = [text for name, text in violations.items() if text != known.get(name)]
            refused = [text for text in refused if "is not known" not in text]
        if refused:
            raise LimitError(f"{self.box}: {'; '.join(refused)}; not sent")
        self._check_level(before.demand().level, after.demand().level)

    def _check_token(self) -> None:
        if self.token is None:
            raise NotArmedError(
                f"{self.box}: nothing is armed, so nothing is energised; start the run through its runner"
            )
        if not self.token.valid():
            raise NotArmedError(f"{self.box}: nobody stands by any more to switch off; start the run again")

    def _check_level(self, start: float | None, stop: float | None) -> None:
        if start is None or stop is None or stop in (start, 0.0):
            return
        try:
            self._envelope.check_step(start, stop, self._now() - self._level_since)
        except LimitError as refusal:
            raise LimitError(f"{self.box}: {refusal}; not sent") from None

    def _end_long_dwell(self) -> None:
        """Switch off what stayed at one voltage for too long."""
        demand = self._state.demand()
        if demand.voltage is None or demand.level == 0.0 or not self._state.energised or self.token is None:
            return
        try:
            self._envelope.check_dwell(self._now() - self._level_since)
        except LimitError as refusal:
            for message in self.off:
                self._write(message)
            raise LimitError(f"{self.box}: {refusal}") from None

    def _become(self, after: Shadow) -> None:
        if after.demand().level != self._state.demand().level or after.energised != self._state.energised:
            self._level_since = self._now()
        self._state = after

    def _now(self) -> float:
        return self.line.link.clock.monotonic()


def _unknown(demand: Demand) -> list[str]:
    """A sentence for each quantity that nobody set since the reset."""
    names = [known.name for known in fields(demand) if math.isnan(getattr(demand, known.name) or 0.0)]
    return [f"its {name.replace('_', ' ')} is not known: set it first" for name in names]


def _read_arguments(texts: Sequence[str], expected: Sequence[Parameter | EllipsisType]) -> tuple[Any, ...]:
    """What the parameters of a command say; raises ValueError where they do not fit the declaration."""
    if expected[-1:] == (...,):
        readers = [*expected[:-1], *[expected[-2]] * (len(texts) - len(expected) + 1)]
    else:
        readers = list(expected)
    if len(texts) != len(readers):
        raise ValueError(f"{len(texts)} parameters instead of {len(readers)}")
    return tuple(reader(text) for reader, text in zip(readers, texts, strict=True) if callable(reader))


def _differing(first: Shadow, second: Shadow) -> set[str]:
    """Fields in which two shadows differ."""
    return {
        known.name for known in fields(first) if getattr(first, known.name) != getattr(second, known.name)
    }


def _where_equal(first: Shadow, second: Shadow) -> Shadow:
    """What holds whether or not a message arrived: fields that differ are not known."""
    return replace(first, **dict.fromkeys(_differing(first, second)))


def same_setting(told: Any, believed: Any) -> bool:
    """Whether a box tells what was set, to the digits it shows."""
    if isinstance(believed, tuple) and isinstance(told, tuple):
        return len(told) == len(believed) and all(map(same_setting, told, believed))
    if isinstance(believed, float | int) and not isinstance(believed, bool):
        return math.isclose(told, believed, rel_tol=1e-3, abs_tol=1e-9)
    if isinstance(believed, str):
        return str(told).startswith(believed)  # INFinity for INF
    return bool(told == believed)


@cache
def _short_form(pattern: str) -> str:
    """The shortest text that a printed header stands for.

    Examples
    --------
    >>> _short_form(":SOURce:VOLTage[:LEVel][:IMMediate]")
    ':SOUR:VOLT'
    """
    return re.sub(r"\[[^\]]*\]|[a-z]", "", pattern)


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    """The full short and long forms that a printed header stands for.

    Examples
    --------
    >>> [bool(_expression(":OUTPut[:STATe]").fullmatch(text)) for text in (":OUTP", "output:stat", ":OUTPU")]
    [True, True, False]
    """
    pieces = {"[": "(?:", "]": ")?", "*": r"\*"}
    expression = re.sub(
        r"([A-Z]+)([a-z]*)|[\[\]*]",
        lambda found: pieces.get(found[0]) or (found[1] + (f"(?:{found[2]})?" if found[2] else "")),
        pattern,
    )
    return re.compile(("" if pattern.startswith("*") else ":?") + expression.removeprefix(":"), re.IGNORECASE)


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"([\"']?)[A-Za-z]+[0-9]?(?::[A-Za-z]+)?\1")
_WHOLE = re.compile(r"[+-]?[0-9]{1,12}")
