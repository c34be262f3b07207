"""The catalogue of faults: what each kind is, in one line, and what it does.

A kind acts on a message on its way to the box, on a reply on its way back, on the link, or on the bench (box,
sample, light, cold finger). When one strikes is told by `sim_instruments.faults`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeVar

import numpy as np

from sim_instruments.connections import GeneratorWiring, PhotodiodeWiring, SourceMeterWiring
from sim_instruments.cryostat import Cryostat
from sim_instruments.device_under_test import Sample
from sim_instruments.keithley import KeithleyBox
from sim_instruments.keithley2400 import Keithley2400
from sim_instruments.keithley6514 import Keithley6514
from sim_instruments.lakeshore336 import Lakeshore336
from sim_instruments.mfg2230m import MFG2230M
from sim_instruments.scpi import ScpiBox

Box = TypeVar("Box", bound=ScpiBox)
Place = Literal["message", "reply", "link", "bench"]

_NUMBER = re.compile(rb"(?<![\w.])[+-]?\d+\.?\d*(?:[eE][+-]?\d+)?")
_ANY = b""
_QUERY = rb"\?"
_SETTING = rb"^[^?]*$"
_SETTING_WITH_NUMBER = rb"^[^?]*[ ,][+-]?\d[^?]*$"
_OFF = rb"(?i)outp\w*(:stat\w*)? +(0|off)\b|range +\d, *0"
_ROOT_OUTPUT = rb"(?i)^:?outp\w*(:stat\w*)? +(0|1|on|off)\b"
_RANGE = rb"(?i)^[^?]*rang\w*(:upp\w*)? +[+-]?\d[^?]*$"


class Surroundings(Protocol):
    """What faults of sample, light and cold finger reach; a `SimBench` is one."""

    cryostat: Cryostat
    light: PhotodiodeWiring
    source_meter: SourceMeterWiring
    generator: GeneratorWiring


class Cable(Protocol):
    """What a fault knows about the cable it sits on."""

    box: ScpiBox
    bench: Surroundings | None
    random: np.random.Generator
    last_message: bytes
    last_reply: bytes
    unasked: list["Piece"]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Bytes on their way to the client, without terminator; `delay` after what came before them [s]."""

    data: bytes
    delay: float = 0.0


class NothingToStrike(ValueError):
    """What a fault acts on is not there."""


@dataclass
class Strike:
    """A fault that is acting.

    Parameters
    ----------
    kind, amount : what, and how much
    cable : where
    until : end on the bench's clock [s]; None is used up by `left` messages or replies
    memory : what an act keeps from one call to the next
    """

    kind: "FaultKind"
    amount: float
    cable: Cable
    until: float | None
    left: int
    memory: Any = None

    @property
    def box(self) -> ScpiBox:
        return self.cable.box

    @property
    def bench(self) -> Surroundings:
        if self.cable.bench is None:
            raise ValueError(f"fault {self.kind.name!r} acts on a bench; give the line one")
        return self.cable.bench

    @property
    def sample(self) -> Sample:
        """The pixel on the box's own source; for the other boxes, the one on the generator."""
        source = self.bench.source_meter if self.box.name == "keithley2400" else self.bench.generator
        if source.sample is None:
            raise NothingToStrike(f"fault {self.kind.name!r}: no pixel is connected")
        return source.sample


@dataclass(frozen=True, kw_only=True)
class FaultKind:
    """One way to fail.

    Parameters
    ----------
    name, meaning : one word; one line
    place : what it acts on
    act : on a message ``(strike, message) -> messages``; on a reply ``(strike, reply) -> pieces``; on the
        link and the bench ``(strike) -> None``
    undo : ends a lasting fault of the bench
    lasts : how long it acts unless told otherwise [s]; 0 is once
    spans : messages or replies that a single strike takes
    amount : its size unless told otherwise
    matching : messages that can set it off unless told otherwise
    boxes : names of the boxes it can happen to; empty for all
    """

    name: str
    meaning: str
    place: Place
    act: Callable[..., Any]
    undo: Callable[[Strike], None] | None = None
    lasts: float = 0.0
    spans: int = 1
    amount: float = 1.0
    matching: bytes = _ANY
    boxes: tuple[str, ...] = ()

    def can_happen_to(self, box: ScpiBox) -> bool:
        """Whether this can happen to a box."""
        return not self.boxes or box.name in self.boxes

    def check(self, box: ScpiBox) -> None:
        """Refuse a box this cannot happen to."""
        if not self.can_happen_to(box):
            raise ValueError(f"fault {self.name!r} happens to {' and '.join(self.boxes)}, not to {box.name}")


FOREVER = float("inf")
WITH_OUTPUTS = ("keithley2400", "mfg2230m", "lakeshore336", "lakeshore335")


# --- replies --------------------------------------------------------------------------------------


def _late(strike: Strike, reply: bytes) -> list[Piece]:
    return [Piece(data=reply, delay=strike.amount)]


def _lost(strike: Strike, reply: bytes) -> list[Piece]:
    return []


def _truncated(strike: Strike, reply: bytes) -> list[Piece]:
    return [Piece(data=reply[: max(len(reply) - max(int(strike.amount), 1), 0)])]


def _split(strike: Strike, reply: bytes) -> list[Piece]:
    middle = len(reply) // 2
    return [Piece(data=reply[:middle]), Piece(data=reply[middle:])]


def _doubled(strike: Strike, reply: bytes) -> list[Piece]:
    return [Piece(data=reply), Piece(data=reply)]


def _merged(strike: Strike, reply: bytes) -> list[Piece]:
    if strike.memory is None:
        strike.memory = reply
        return []
    return [Piece(data=strike.memory + reply)]


def _garbled(strike: Strike, reply: bytes) -> list[Piece]:
    damaged = bytearray(reply)
    for position in strike.cable.random.integers(0, max(len(reply), 1), int(strike.amount)):
        if damaged:
            damaged[position] ^= int(strike.cable.random.integers(1, 256))
    return [Piece(data=bytes(damaged).replace(b"\n", b"\x0b").replace(b"\r", b"\x0b"))]


def _noise_before(strike: Strike, reply: bytes) -> list[Piece]:
    noise = bytes(strike.cable.random.integers(128, 256, int(strike.amount), dtype=np.uint8))
    return [Piece(data=noise + reply)]


def _stale(strike: Strike, reply: bytes) -> list[Piece]:
    return [Piece(data=strike.cable.last_reply)]


def _one_behind(strike: Strike, reply: bytes) -> list[Piece]:
    before, strike.memory = strike.memory, reply
    return [] if before is None else [Piece(data=before)]


def _empty(strike: Strike, reply: bytes) -> list[Piece]:
    return [Piece(data=b"")]


def _stray_return(strike: Strike, reply: bytes) -> list[Piece]:
    return [Piece(data=reply + b"\r")]


def _nulls(strike: Strike, reply: bytes) -> list[Piece]:
    return [Piece(data=b"\x00" * int(strike.amount) + reply)]


def _high_bits(strike: Strike, reply: bytes) -> list[Piece]:
    return [Piece(data=bytes(byte | 128 for byte in reply))]


def _decimal_comma(strike: Strike, reply: bytes) -> list[Piece]:
    return [Piece(data=reply.replace(b".", b","))]


def _digit_flipped(strike: Strike, reply: bytes) -> list[Piece]:
    digits = [position for position, byte in enumerate(reply) if 48 <= byte <= 57]
    if not digits:
        return [Piece(data=reply)]
    position = digits[int(strike.cable.random.integers(len(digits)))]
    other = 48 + (reply[position] - 48 + int(strike.cable.random.integers(1, 10))) % 10
    return [Piece(data=reply[:position] + bytes([other]) + reply[position + 1 :])]


def _first_number(replacement: bytes) -> Callable[[Strike, bytes], list[Piece]]:
    return lambda strike, reply: [Piece(data=_NUMBER.sub(replacement, reply, count=1))]


def _scaled(strike: Strike, reply: bytes) -> list[Piece]:
    return [Piece(data=_with_first_number(reply, lambda number: number * (1 + strike.amount)))]


def _stuck(strike: Strike, reply: bytes) -> list[Piece]:
    shown = strike.memory = {} if strike.memory is None else strike.memory
    return [Piece(data=shown.setdefault(strike.cable.last_message, reply))]


def _foreign(strike: Strike, reply: bytes) -> list[Piece]:
    return [Piece(data=b"ACME,LAMP 1,0001,1.0")]


# --- messages -------------------------------------------------------------------------------------


def _swallowed(strike: Strike, message: bytes) -> list[bytes]:
    return []


def _repeated(strike: Strike, message: bytes) -> list[bytes]:
    return [message, message]


def _mangled(strike: Strike, message: bytes) -> list[bytes]:
    return [piece.data for piece in _garbled(strike, message)]


def _cut(strike: Strike, message: bytes) -> list[bytes]:
    return [message[: max(len(message) - max(int(strike.amount), 1), 0)]]


def _glued(strike: Strike, message: bytes) -> list[bytes]:
    if strike.memory is None:
        strike.memory = message
        return []
    return [strike.memory + message]


def _echoed(strike: Strike, message: bytes) -> list[bytes]:
    strike.cable.unasked.append(Piece(data=message))
    return [message]


def _unasked(strike: Strike, message: bytes) -> list[bytes]:
    strike.cable.unasked.append(Piece(data=b"+0.000000E+00"))
    return [message]


def _rounded(strike: Strike, message: bytes) -> list[bytes]:
    return [_with_last_number(message, lambda number: float(f"{number:.0e}"))]


def _other_range(strike: Strike, message: bytes) -> list[bytes]:
    return [_with_last_number(message, lambda number: number * 10**strike.amount)]


def _only_settings(strike: Strike, message: bytes) -> list[bytes]:
    return [message] if b"?" in message else []


def _only_others_than(pattern: bytes) -> Callable[[Strike, bytes], list[bytes]]:
    return lambda strike, message: [] if re.search(pattern, message) else [message]


# --- the link -------------------------------------------------------------------------------------


def _broken(strike: Strike) -> None:
    raise ConnectionResetError(f"{strike.box.name}: {strike.kind.meaning}")


def _replaced(strike: Strike) -> None:
    if strike.memory is None:
        strike.memory = True
        maker, model, _, firmware = strike.box.identity.split(",")
        strike.box.identity = f"{maker},{model},OTHER1,{firmware}"  # type: ignore[misc]
        strike.box.power_on()
    _broken(strike)


# --- the bench ------------------------------------------------------------------------------------


def _power_cycle(strike: Strike) -> None:
    strike.box.power_on()


def _output_drops(strike: Strike) -> None:
    box = strike.box
    if isinstance(box, Keithley2400):
        box.switch(False)
    elif isinstance(box, MFG2230M):
        box.change(1, on=False)
    elif isinstance(box, Lakeshore336):
        box.set_range(1, 0)


def _enable_line_opens(strike: Strike) -> None:
    box = _box_of(strike, Keithley2400)
    box.enable_line_closed = False
    box.settings["enable line used"] = True
    box.switch(False)


def _enable_line_closes(strike: Strike) -> None:
    _box_of(strike, Keithley2400).enable_line_closed = True


def _too_hot(strike: Strike) -> None:
    box = _box_of(strike, Keithley2400)
    box.too_hot = True
    box.switch(False)


def _cooled_down(strike: Strike) -> None:
    _box_of(strike, Keithley2400).too_hot = False


def _zero_check(on: bool) -> Callable[[Strike], None]:
    return lambda strike: _box_of(strike, Keithley6514).set_zero_check(on)


def _load_lost(strike: Strike) -> None:
    _box_of(strike, MFG2230M).change(1, load="DEF")


def _panel_touched(strike: Strike) -> None:
    box = strike.box
    if isinstance(box, Keithley2400):
        box.set_level("VOLT", box.settings["VOLT level"] + strike.amount)
    elif isinstance(box, MFG2230M):
        box.set_offset(1, box.offset(1) + strike.amount)
    elif isinstance(box, Lakeshore336):
        box.set_setpoint(1, box.cryostat.settings.setpoint + strike.amount)


def _spurious_error(strike: Strike) -> None:
    strike.box.report(-310)


def _stamps_reset(strike: Strike) -> None:
    box = _box_of(strike, KeithleyBox)
    box.time_zero = box.clock.monotonic()


def _defect(defect: Literal["short", "open", "none"]) -> Callable[[Strike], None]:
    return lambda strike: setattr(strike.sample, "defect", defect)


def _degrades(strike: Strike) -> None:
    strike.sample.fade(strike.amount)


def _stray_light(strike: Strike) -> None:
    strike.bench.light.stray_light = strike.amount


def _dark_again(strike: Strike) -> None:
    strike.bench.light.stray_light = 0.0


def _eye(connected: bool) -> Callable[[Strike], None]:
    return lambda strike: setattr(strike.bench.light, "connected", connected)


def _cold_finger(**trouble: Any) -> Callable[[Strike], None]:
    """Change the cold finger; where a value is Ellipsis, to the strike's amount."""

    def act(strike: Strike) -> None:
        changes = {name: strike.amount if value is ... else value for name, value in trouble.items()}
        strike.bench.cryostat.fail(**changes)

    return act


def _sensor_sticks(strike: Strike) -> None:
    strike.bench.cryostat.fail(stuck_sensor=strike.bench.cryostat.measure_stage())


def _coolant_out(strike: Strike) -> None:
    cryostat = strike.bench.cryostat
    strike.memory = cryostat.spec
    cryostat.fail(spec=replace(cryostat.spec, coolant_temperature=297.0))


def _coolant_back(strike: Strike) -> None:
    strike.bench.cryostat.fail(spec=strike.memory)


# --- the list -------------------------------------------------------------------------------------


def _reply(name: str, meaning: str, act: Callable[[Strike, bytes], list[Piece]], **more: Any) -> FaultKind:
    return FaultKind(name=name, meaning=meaning, place="reply", act=act, **({"matching": _QUERY} | more))


def _message(name: str, meaning: str, act: Callable[[Strike, bytes], list[bytes]], **more: Any) -> FaultKind:
    return FaultKind(name=name, meaning=meaning, place="message", act=act, **more)


def _bench(name: str, meaning: str, act: Callable[[Strike], None], **more: Any) -> FaultKind:
    return FaultKind(name=name, meaning=meaning, place="bench", act=act, **more)


KINDS: tuple[FaultKind, ...] = (
    _reply("late_reply", "the reply comes `amount` seconds late", _late, amount=5.0),
    _reply("slow_link", "for a while every reply is `amount` seconds late", _late, amount=0.3, lasts=10.0),
    _reply("lost_reply", "the reply never comes", _lost),
    _reply("truncated_reply", "the last `amount` characters of the reply are missing", _truncated, amount=3),
    _reply("split_reply", "a line feed within the reply makes two lines of it", _split),
    _reply("doubled_reply", "the reply comes twice", _doubled),
    _reply("merged_reply", "the reply is held back and glued in front of the next one", _merged, spans=2),
    _reply("garbled_reply", "`amount` bytes of the reply are damaged", _garbled, amount=2),
    _reply("noise_before_reply", "`amount` bytes of noise come before the reply", _noise_before, amount=4),
    _reply("stale_reply", "the previous reply is sent again", _stale),
    _reply(
        "one_behind", "from now on every reply is the one to the question before", _one_behind, lasts=FOREVER
    ),
    _reply("empty_reply", "only the terminator arrives", _empty),
    _reply("stray_carriage_return", "the reply ends in one terminator character too many", _stray_return),
    _reply("null_bytes", "`amount` NUL characters come before the reply", _nulls, amount=2),
    _reply("high_bits", "every byte arrives with its eighth bit set: parity is wrong", _high_bits),
    _reply("decimal_comma", "numbers arrive with a decimal comma", _decimal_comma),
    _reply("digit_flipped", "one digit of the reply is another one", _digit_flipped),
    _reply("overflow_reading", "the reading is the box's overflow sentinel", _first_number(b"+9.900000E+37")),
    _reply(
        "missing_reading", "the reading is the sentinel for not measured", _first_number(b"+9.910000E+37")
    ),
    _reply("infinite_reading", "the reading is the word INF", _first_number(b"INF")),
    _reply(
        "gain_error",
        "for good, readings are wrong by the fraction `amount`",
        _scaled,
        amount=0.05,
        lasts=FOREVER,
    ),
    _reply("stuck_reading", "from now on a question gets the answer it got first", _stuck, lasts=FOREVER),
    _reply("foreign_reply", "another box on the bus answers in its place", _foreign),
    _message("lost_message", "a message never reaches the box", _swallowed),
    _message("doubled_message", "a message reaches the box twice", _repeated),
    _message("garbled_message", "`amount` bytes of a message are damaged", _mangled, amount=1),
    _message("truncated_message", "the last `amount` characters of a message are missing", _cut, amount=2),
    _message("glued_messages", "two messages arrive as one, their terminator lost", _glued, spans=2),
    _message("deaf", "for `lasts` seconds the box hears nothing", _swallowed, lasts=2.0),
    _message("hung", "the box hears nothing until a device clear", _swallowed, lasts=FOREVER),
    _message("echo", "for good, what is sent comes back before the reply", _echoed, lasts=FOREVER),
    _message("unasked_reply", "a reply comes that nobody asked for", _unasked),
    _message(
        "setting_ignored",
        "the box takes a setting without effect and without an error",
        _swallowed,
        matching=_SETTING,
    ),
    _message(
        "settings_locked",
        "for good, settings have no effect; questions are answered",
        _only_settings,
        lasts=FOREVER,
        matching=_SETTING,
    ),
    _message(
        "setting_rounded",
        "the last number of a setting is rounded to one digit",
        _rounded,
        matching=_SETTING_WITH_NUMBER,
    ),
    _message(
        "wrong_range",
        "the box goes to a range ten to the `amount` times too large",
        _other_range,
        matching=_RANGE,
    ),
    _message(
        "off_ignored",
        "for good, the box does not obey output off",
        _only_others_than(_OFF),
        lasts=FOREVER,
        matching=_OFF,
    ),
    _message(
        "root_output_dead",
        "the generator's OUTPut has no effect, its SOURce1:OUTPut has (seen on an AFG-2125)",
        _only_others_than(_ROOT_OUTPUT),
        lasts=FOREVER,
        matching=_ROOT_OUTPUT,
        boxes=("mfg2230m",),
    ),
    FaultKind(name="connection_reset", meaning="the connection breaks once", place="link", act=_broken),
    FaultKind(
        name="unplugged", meaning="the cable is out for `lasts` seconds", place="link", act=_broken, lasts=5.0
    ),
    FaultKind(
        name="unplugged_for_good",
        meaning="the cable is out and stays out",
        place="link",
        act=_broken,
        lasts=FOREVER,
    ),
    FaultKind(
        name="replaced",
        meaning="after `lasts` seconds without a cable another box answers, just switched on",
        place="link",
        act=_replaced,
        lasts=5.0,
    ),
    _bench("power_cycle", "the box loses power and comes back with its defaults", _power_cycle),
    _bench(
        "output_drops",
        "the output goes off by itself",
        _output_drops,
        boxes=WITH_OUTPUTS,
    ),
    _bench(
        "enable_line_opens",
        "the 2400's output-enable line opens for `lasts` seconds",
        _enable_line_opens,
        undo=_enable_line_closes,
        lasts=30.0,
        boxes=("keithley2400",),
    ),
    _bench(
        "too_hot",
        "the 2400 is over temperature for `lasts` seconds",
        _too_hot,
        undo=_cooled_down,
        lasts=60.0,
        boxes=("keithley2400",),
    ),
    _bench(
        "zero_check_on",
        "the 6514's zero check is on and its input shunted",
        _zero_check(True),
        undo=_zero_check(False),
        lasts=FOREVER,
        boxes=("keithley6514",),
    ),
    _bench(
        "load_lost",
        "the generator believes in a 50 Ω load again: what it shows is halved",
        _load_lost,
        boxes=("mfg2230m",),
    ),
    _bench(
        "panel_touched",
        "somebody changes the level at the front panel by `amount`",
        _panel_touched,
        amount=0.5,
        boxes=WITH_OUTPUTS,
    ),
    _bench("spurious_error", "an error nobody caused appears", _spurious_error),
    _bench(
        "stamps_reset",
        "the instrument's time stamps start anew",
        _stamps_reset,
        boxes=("keithley2400", "keithley6514"),
    ),
    _bench("device_shorted", "the pixel is shorted", _defect("short"), undo=_defect("none"), lasts=FOREVER),
    _bench(
        "device_open", "the pixel has lost its contact", _defect("open"), undo=_defect("none"), lasts=FOREVER
    ),
    _bench(
        "loose_contact",
        "the pixel loses its contact for `lasts` seconds",
        _defect("open"),
        undo=_defect("none"),
        lasts=3.0,
    ),
    _bench(
        "device_degrades", "the pixel loses the fraction `amount` of current and light", _degrades, amount=0.3
    ),
    _bench(
        "stray_light",
        "the cover is open: `amount` amperes of stray light",
        _stray_light,
        undo=_dark_again,
        amount=2e-9,
        lasts=FOREVER,
    ),
    _bench("photodiode_off", "the photodiode's cable is out", _eye(False), undo=_eye(True), lasts=FOREVER),
    _bench(
        "never_settles",
        "the stage swings by `amount` kelvin and does not settle",
        _cold_finger(hunting=...),
        undo=_cold_finger(hunting=0.0),
        amount=0.5,
        lasts=FOREVER,
    ),
    _bench(
        "sensor_lost",
        "the stage's sensor is broken",
        _cold_finger(sensor_lost=True),
        undo=_cold_finger(sensor_lost=False),
        lasts=FOREVER,
    ),
    _bench(
        "sensor_stuck",
        "the stage's sensor shows the same temperature for ever",
        _sensor_sticks,
        undo=_cold_finger(stuck_sensor=None),
        lasts=FOREVER,
    ),
    _bench(
        "heater_broken",
        "the heater's wire is broken",
        _cold_finger(heater_broken=True),
        undo=_cold_finger(heater_broken=False),
        lasts=FOREVER,
    ),
    _bench("coolant_out", "the coolant has run out", _coolant_out, undo=_coolant_back, lasts=FOREVER),
)

CATALOGUE: dict[str, FaultKind] = {kind.name: kind for kind in KINDS}
"""Every kind by its name."""


# --- helpers --------------------------------------------------------------------------------------


def _box_of(strike: Strike, model: type[Box]) -> Box:
    assert isinstance(strike.box, model), "FaultKind.check lets only such boxes through"
    return strike.box


def _with_first_number(text: bytes, change: Callable[[float], float]) -> bytes:
    return _NUMBER.sub(lambda match: b"%+.6E" % change(float(match[0])), text, count=1)


def _with_last_number(text: bytes, change: Callable[[float], float]) -> bytes:
    *_, last = _NUMBER.finditer(text)
    return text[: last.start()] + b"%.6g" % change(float(last[0])) + text[last.end() :]
