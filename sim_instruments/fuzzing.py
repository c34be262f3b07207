"""Messages no sane program sends, and what must hold whatever a box is sent.

`random_message` makes valid, mutated and random program messages from a box's own command table; `Judge`
watches: no exception, no reply out of turn, no output switched on except by a command that says so, and the
invariants of IEEE 488.2.
"""

import functools
import random as random_module
import re
from collections.abc import Callable

from sim_instruments.scpi import Choice, Number, Parameter, Raw, ScpiBox, Switch, Text, spellings

NASTY = (
    *(b"", b";", b";;;", b":", b"?", b"*", b"*?", b"::", b"#", b"#H", b"#9", b"'", b'"', b"(@1", b",,,"),
    *(b"'unclosed", b"\x00", b"\xff\xfe", b"\t*IDN?\t", b"*idn ?", b"* IDN?", b"A" * 300, b"9" * 400),
    *(b"1e999", b"-1e999", b"1e", b"nan", b"inf", b"*ESE 1,2", b"*ESE -1", b"*ESE 1e3", b"*SRE #HFF"),
    *(b"*IDN?;" * 50, b"SYST:ERR?" + b" " * 300),
)

NUMBERS = (
    *("0", "1", "2", "-1", "0.5", "1e-6", "21", "MIN", "MAX", "DEF", "1e3", "2500", "#B101", "INF", "-0"),
    *("1e999", "1e-999", "-1e999", "#H" + "F" * 400, "1 e 1", "9.9E37"),
)

DATA = (
    *("(VOLT * CURR)", "(VOLT[1] / CURR[0])", "((VOLT)", "(ln(RES))", "(1e9 ^ 1e9)", "(-110:-222)", "(-410)"),
    *("#15a;b,c", "#0;", "(@1)", "2020,1,1"),
)

ENERGISING = re.compile(
    rb"OUTP|MEAS|CONF|INIT|READ|APPL|\*RCL|\*TRG|\*SAV|MOUT|RANGE|OUTMODE|ARM|TRIG", re.IGNORECASE
)
"""Words without which no output may go on; INIT and READ? switch it on where auto output-off is set."""


def random_message(box: ScpiBox, random: random_module.Random) -> bytes:
    """Return a program message: half of them valid, the others mutated or nonsense."""
    kind = random.random()
    if kind < 0.1:
        return random.choice(NASTY)
    if kind < 0.15:
        return (
            bytes(random.randrange(256) for _ in range(random.randrange(60)))
            .replace(b"\n", b"")
            .replace(b"\r", b"")
        )
    message = b";".join(_unit(box, random) for _ in range(random.choice((1, 1, 1, 2, 3))))
    return message if kind < 0.65 else _mutated(message, random)


def _unit(box: ScpiBox, random: random_module.Random) -> bytes:
    command = random.choice(box.table.commands)
    text = random.choice(_spellings(command.header))
    text = (":" if random.random() < 0.5 and not text.startswith("*") else "") + _any_case(text, random)
    asks = command.query is not None and (command.set is None or random.random() < 0.5)
    parameters = command.asks if asks else command.takes
    arguments = ",".join(_argument(parameter, random) for parameter in parameters)
    return f"{text}{'?' if asks else ''} {arguments}".strip().encode("latin-1")


@functools.cache
def _spellings(header: str) -> tuple[str, ...]:
    return tuple(text for text, _ in spellings(header))


def _any_case(text: str, random: random_module.Random) -> str:
    return random.choice((text, text.lower(), text.swapcase()))


def _argument(parameter: Parameter, random: random_module.Random) -> str:
    if isinstance(parameter, Switch):
        return random.choice(("ON", "OFF", "1", "0", "1e999", *parameter.extra))
    if isinstance(parameter, Choice):
        return random.choice(parameter.mnemonics)
    if isinstance(parameter, Raw):
        return random.choice(DATA)
    if isinstance(parameter, Text):
        return random.choice(("'VOLT'", '"CURR:DC"', "'RES'", '"a;b"', "''", "'POWER'", "'KI002400'"))
    if isinstance(parameter, Number) and random.random() < 0.9:
        return random.choice(
            ("0", "1", "2", "-1", "0.5", "1e-6", "21", "MIN", "MAX", "DEF", "1e3", "2500", "#B101", "INF")
        )
    return random.choice(("1", "A", "A,1", "1,2,3", "x"))


def _mutated(message: bytes, random: random_module.Random) -> bytes:
    """Return the message with a few bytes dropped, doubled, swapped or replaced."""
    data = bytearray(message)
    for _ in range(random.choice((1, 1, 2, 5))):
        if not data:
            break
        place = random.randrange(len(data))
        action = random.randrange(4)
        if action == 0:
            del data[place]
        elif action == 1:
            data.insert(place, data[place])
        elif action == 2:
            data[place] = random.choice(b":;,?*'\"#( 0aE\x00\x80")
        else:
            data[place:] = data[place:][::-1]
    return _one_line(bytes(data))


def _one_line(data: bytes) -> bytes:
    return data.replace(b"\n", b"").replace(b"\r", b"")


class Judge:
    """Watches one box; raises AssertionError on the first thing that must not happen.

    Parameters
    ----------
    box : the box
    outputs_on : tells how many of its outputs are on
    """

    def __init__(self, box: ScpiBox, outputs_on: Callable[[], int] = lambda: 0) -> None:
        self.box = box
        self._outputs_on = outputs_on
        self._mark = 0

    def send(self, message: bytes) -> None:
        """Send a message and check what must hold afterwards."""
        box = self.box
        was_idle, before = box.is_idle(), self._outputs_on()
        reply = box.receive(message)
        assert reply is None or isinstance(reply, bytes), f"{message!r} got {reply!r}"
        assert reply is None or b"?" in message or not was_idle, f"{message!r} asked nothing: {reply!r}"
        if was_idle and self._outputs_on() > before:
            assert ENERGISING.search(message), f"{message!r} switched an output on"
        assert len(box.errors) <= box.queue_depth
        assert bool(box.status_byte & 4) == bool(box.errors)

    def check_pairing(self) -> None:
        """After a device clear the next reply belongs to the next question."""
        self.box.clear()
        self._mark = (self._mark + 1) % 256
        assert self._registers(b"*ESE %d;*ESE?" % self._mark) == [self._mark]

    def check_registers(self) -> None:
        """Errors set their bit, ``*ESR?`` and ``*CLS`` clear, ``*RST`` leaves enables and queue alone."""
        box = self.box
        box.clear()
        box.receive(b"*CLS")
        assert self._registers(b"*ESR?") == [0] and not box.errors
        box.receive(b"*ESE 60;*SRE 32;NONSENSE:HEADER 1")
        assert box.status_byte & 100 == (100 if box.errors else 96)
        errors = list(box.errors)
        box.receive(b"*RST")
        assert list(box.errors) == errors and self._registers(b"*ESE?;*SRE?") == [60, 32]
        assert self._registers(b"*ESR?") == [32] and self._registers(b"*ESR?") == [0]
        box.receive(b"*CLS;*ESE 0;*SRE 0")
        assert box.status_byte == 0

    def _registers(self, message: bytes) -> list[int]:
        """What registers hold that are asked for, decimal or as FORMat:SREGister has them printed."""
        reply = self.box.receive(message)
        assert reply is not None, f"{message!r} got no reply"
        bases = {"#H": 16, "#Q": 8, "#B": 2}
        return [
            int(text[2:], bases[text[:2]]) if text[:2] in bases else int(text)
            for text in reply.decode("latin-1").split(";")
        ]
