"""What the drivers share: properties whose replies are read strictly, settings verified by read-back."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pymeasure.instruments import Instrument
from pymeasure.instruments.validators import strict_discrete_set, strict_range

from instruments.door import (
    Door,
    Header,
    Parameter,
    Shadow,
    count,
    error,
    identity,
    number,
    numbers,
    same_setting,
    switch,
    word,
)
from instruments.errors import ReplyError, SettingNotTaken
from instruments.link import parse_identity
from instruments.roles import Identity

OVERFLOW = 1e30
"""SCPI boxes send 9.9E37 or 9.91E37 for what is no number; nothing on a bench comes near this."""

_LONGEST_ERROR_QUEUE = 32


HeaterPolicy = Literal["hold", "ramp", "off"]


@dataclass(frozen=True, kw_only=True)
class HeaterEnd:
    """What becomes of the heater at a safe end: it is never cut silently.

    policy : "hold" the temperature, "ramp" to room temperature, or "off"
    temperature, rate : of that ramp [K], [K s⁻¹]
    """

    policy: HeaterPolicy = "ramp"
    temperature: float = 297.0
    rate: float = 0.05


@dataclass(frozen=True, kw_only=True)
class SafeEnd:
    """How a box is made safe: messages, write-only; the question that confirms it; the word for it."""

    messages: tuple[str, ...]
    query: str = ""
    expected: str = ""
    word: str = "OFF"


class Driver(Instrument):
    """PyMeasure instrument that can sit behind a Door.

    HEADERS : everything the driver may send, for the Door
    RESET_STATE : the Door's shadow after ``*RST``
    OFF : messages that switch the output off, first to last
    OFF_QUERY, OFF_ANSWER, OFF_WORD : how the box reads back that it is off, and how that is reported
    MODELS : what the box calls itself in ``*IDN?``
    TAGGED : the box takes several questions in one message; None where only the box itself can tell
    SERIAL_CLEAR : what it takes for a device clear on a serial line

    Attributes
    ----------
    line_frequency : of the building's mains [Hz], in whose periods boxes count their integration times
    remarks : what a person should know of how the box was set up last, in sentences
    """

    HEADERS: ClassVar[tuple[Header, ...]]
    RESET_STATE: ClassVar[Shadow]
    OFF: ClassVar[tuple[str, ...]]
    OFF_QUERY: ClassVar[str]
    OFF_ANSWER: ClassVar[str]
    OFF_WORD: ClassVar[str] = "OFF"
    MODELS: ClassVar[tuple[str, ...]]
    TAGGED: ClassVar[bool | None] = True
    SERIAL_CLEAR: ClassVar[str] = ""

    line_frequency: int = 50

    def __init__(self, adapter: Any, name: str = "", **kwargs: Any) -> None:
        super().__init__(adapter, name or type(self).__name__, includeSCPI=False, **kwargs)
        self.remarks: list[str] = []

    @property
    def identity(self) -> Identity:
        """Get maker, model, serial number and firmware, as the box answers ``*IDN?``."""
        return parse_identity(strictly(identity)(self.ask("*IDN?")))

    @property
    def complete(self) -> bool:
        """Get whether everything sent so far is done (bool); the box answers once it is."""
        return self.ask("*OPC?").strip() == "1"

    @property
    def output_is_off(self) -> bool:
        """Get whether the output is off (bool), as the box reads it back."""
        return bool(strictly(number)(self.ask(self.OFF_QUERY)) == number(self.OFF_ANSWER))

    def off(self) -> None:
        """Send output off: write-only, and before anything else."""
        for message in self.OFF:
            self.write(message)

    def safe_end(self, heater_end: HeaterEnd) -> SafeEnd:
        """How the box is made safe when a run ends; a heater by its own policy, all others by `OFF`."""
        return SafeEnd(messages=self.OFF, query=self.OFF_QUERY, expected=self.OFF_ANSWER, word=self.OFF_WORD)

    def shutdown(self) -> None:
        """Switch off."""
        self.off()
        super().shutdown()

    def check_errors(self) -> list[str]:
        """Get the messages of the box's error queue (list of str), and empty it.

        Errors -410 to -440 are left out: they say that a question and its answer missed each other, which the
        line has noticed and put right.
        """
        errors: list[str] = []
        for _ in range(_LONGEST_ERROR_QUEUE):
            code, message = strictly(error)(self.ask(":SYST:ERR?"))
            if code == 0:
                break
            if not -440 <= code <= -410:
                errors.append(f"{code:+d} {message}")
        return errors

    def ask_within(self, seconds: float, command: str) -> str:
        """The reply to a question that may take this long [s]; behind a Door that is its deadline."""
        if isinstance(self.adapter, Door):
            return self.adapter.ask_within(seconds, command)
        return self.ask(command)

    def verify(self, **settings: Any) -> None:
        """Compare properties with what they were set to; raises SettingNotTaken with every difference."""
        differences = []
        for name, wanted in settings.items():
            taken = getattr(self, name)
            if not same_setting(taken, wanted):
                differences.append(f"{name} is {taken!r} instead of {wanted!r}")
        if differences:
            errors = self.check_errors()
            said = f"; the box says {' | '.join(errors)}" if errors else ""
            raise SettingNotTaken(f"{self.name}: {'; '.join(differences)}{said}")

    @property
    def _disturbances(self) -> int:
        return self.adapter.line.disturbances if isinstance(self.adapter, Door) else 0


def strictly(reads: Parameter) -> Callable[[str], Any]:
    """A reader of replies for which whatever it cannot read is a ReplyError."""

    def read(reply: str) -> Any:
        try:
            return reads(str(reply).strip())
        except ValueError as problem:
            raise ReplyError(str(problem)) from None

    return read


def read_numbers(reply: str, count: int, *, box: str) -> list[float]:
    """Exactly so many numbers; NaN for a sentinel, ReplyError for anything that is no number."""
    values = strictly(numbers)(reply)
    if len(values) != count:
        raise ReplyError(f"{box}: {reply[:60]!r} holds {len(values)} values instead of {count}")
    return [math.nan if abs(value) > OVERFLOW else value for value in values]


def read_number(reply: str) -> float:
    """One number; NaN for a sentinel, ReplyError for anything that is no number."""
    (value,) = read_numbers(reply, 1, box="reply")
    return value


def number_control(get: str, set_: str, docs: str, low: float, high: float) -> Any:
    """A property of a number within a range."""
    return Instrument.control(
        get, set_, docs, validator=strict_range, values=(low, high), cast=str, get_process=strictly(number)
    )


def switch_control(get: str, set_: str, docs: str) -> Any:
    """A property that is on or off."""
    return Instrument.control(
        get,
        set_,
        docs,
        validator=strict_discrete_set,
        values=(True, False),
        set_process=int,
        cast=str,
        get_process=strictly(switch),
    )


def word_control(get: str, set_: str, docs: str, words: Sequence[str]) -> Any:
    """A property that is one of a few words, in the box's short form."""
    return Instrument.control(
        get,
        set_,
        docs,
        validator=strict_discrete_set,
        values=tuple(words),
        cast=str,
        get_process=strictly(word),
    )


def line_frequency_control(get: str, set_: str) -> Any:
    """The property of a box that counts its integration times in periods of the mains."""
    return Instrument.control(
        get,
        set_,
        "Control the mains frequency [Hz] in whose periods the box integrates (int, 50 or 60).",
        validator=strict_discrete_set,
        values=(50, 60),
        cast=str,
        get_process=strictly(count),
    )
