"""A Keithley 6514 electrometer, as an ammeter behind a photodiode.

State and command table; the trigger model, the stores and the status tree are in `keithley`. Page numbers are
those of the manual 6514-901-01 rev. D; its appendix with accuracy and noise is not at hand, so those are
model assumptions.
"""

import math
import statistics
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from sim_instruments.clock import Clock
from sim_instruments.keithley import (
    BUFFER_COMMANDS,
    OVERFLOW,
    READING_COMMANDS,
    STATUS_COMMANDS,
    SYSTEM_COMMANDS,
    KeithleyBox,
    Reading,
    TriggerModel,
    format_commands,
    trigger_commands,
)
from sim_instruments.scpi import Choice, Command, Number, Parameter, ScpiError, Switch, Text, control
from sim_instruments.terminals import Dark, LightTerminals


@dataclass(frozen=True)
class AmpsRange:
    """One current range: nominal [A], settling time [s] (p. 123), preamplifier full scale [V] (p. 156)."""

    nominal: float
    settling_time: float
    preamplifier: float
    gain_accuracy: float

    @property
    def full_scale(self) -> float:
        """Largest value of the range, 105 % of nominal [A]."""
        return 1.05 * self.nominal


# gain accuracy [?] assumption
AMPS_RANGES = (
    AmpsRange(20e-12, 2.5, 20.0, 1e-2),
    AmpsRange(200e-12, 2.5, 200.0, 1e-2),
    AmpsRange(2e-9, 10e-3, 2.0, 0.2e-2),
    AmpsRange(20e-9, 10e-3, 20.0, 0.2e-2),
    AmpsRange(200e-9, 10e-3, 200.0, 0.2e-2),
    AmpsRange(2e-6, 10e-3, 2.0, 0.1e-2),
    AmpsRange(20e-6, 5e-3, 20.0, 0.1e-2),
    AmpsRange(200e-6, 5e-3, 200.0, 0.1e-2),
    AmpsRange(2e-3, 1e-3, 2.0, 0.1e-2),
    AmpsRange(20e-3, 0.5e-3, 20.0, 0.1e-2),
)

# function -> nominal ranges; only amps have a sample behind them
OTHER_RANGES: dict[str, tuple[float, ...]] = {
    "VOLT": (2.0, 20.0, 200.0),
    "RES": (2e3, 20e3, 200e3, 2e6, 20e6, 200e6, 2e9, 20e9, 200e9),
    "CHAR": (20e-9, 200e-9, 2e-6, 20e-6),
}
OTHER_DELAYS: dict[str, tuple[float, ...]] = {  # [s], range by range (p. 123)
    "VOLT": (5e-3, 3e-3, 2e-3),
    "RES": (5e-3, 1e-3, 1e-3, 10e-3, 10e-3, 10e-3, 50e-3, 50e-3, 50e-3),
    "CHAR": (3e-3, 3e-3, 3e-3, 3e-3),
}
FUNCTIONS = {"VOLT": "VOLT:DC", "CURR": "CURR:DC", "RES": "RES", "CHAR": "CHAR"}
LONG_NAMES = {"VOLTAGE": "VOLT", "CURRENT": "CURR", "RESISTANCE": "RES", "CHARGE": "CHAR"}

CONVERSION_OVERHEAD = 1e-3  # [?] assumption
NOISE = 5e-6  # [?] assumption: standard deviation of a conversion of 1 power line cycle, of nominal range
NOISE_FLOOR = 0.4e-15  # [?] assumption: the same, never below [A]
HUM = 200e-6  # [?] assumption: amplitude of mains pickup, of nominal range; whole power line cycles remove it
INPUT_BIAS = 2e-15  # [?] assumption: standard deviation between boxes; zero correct does not remove it [A]
OFFSET, WARM_UP_OFFSET, WARM_UP_TIME = 20e-6, 300e-6, 1200.0  # [?] assumption: of the preamplifier [V], [s]

# bits of the status word of a reading ([M] p. 216: 0 and 1; the others [S] 6487)
READING_OVERFLOW, FILTERED, MATH, NULLED, LIMIT_TEST, ZERO_CHECKED, ZERO_CORRECTED = (
    1 << bit for bit in (0, 1, 2, 3, 4, 9, 10)
)
# measurement event register ([M] p. 196)
LIMIT_EVENTS = {1: (1 << 1, 1 << 2), 2: (1 << 3, 1 << 4)}
EVENT_LIMITS_PASS, EVENT_OVERFLOW = 1 << 5, 1 << 7


class Keithley6514(KeithleyBox):
    """The box. Amperes come from the terminals; as a volt-, ohm- or coulombmeter its input is left open.

    Parameters
    ----------
    clock, seed, mains_frequency, answers_while_running : as in `KeithleyBox`
    terminals : what is connected; nothing by default
    zero_check_after_reset : state of zero check after power-on and ``*RST``. [?] A driver in use reads after
        ``*RST`` without switching it off, so False is the likelier reading.
    delays_automatically : state of the automatic trigger delay after ``*RST`` and CONFigure. [?]
    clips_peaks : a current whose peak lies beyond the range is cut off there, and the mean with it, without
        a sign.
    """

    name = "keithley6514"
    identity = "KEITHLEY INSTRUMENTS INC.,MODEL 6514,4691930,A13   Aug 30 2011 15:09:19/B01  /H"
    elements = ("READing", "TIME", "STATus")
    time_element = 1

    def __init__(
        self,
        *,
        clock: Clock,
        seed: int = 0,
        terminals: LightTerminals | None = None,
        mains_frequency: float = 50.0,
        answers_while_running: bool = True,
        zero_check_after_reset: bool = False,
        delays_automatically: bool = True,
        clips_peaks: bool = True,
    ) -> None:
        self.terminals: LightTerminals = terminals or Dark()
        self.zero_check_after_reset = zero_check_after_reset
        self.delays_automatically = delays_automatically
        self.clips_peaks = clips_peaks
        self._zero: float | None = None
        super().__init__(
            clock=clock,
            seed=seed,
            mains_frequency=mains_frequency,
            answers_while_running=answers_while_running,
        )
        gains = self.rng.standard_normal(len(AMPS_RANGES)).clip(-3, 3) / 3
        self._gains = [
            float(gain) * item.gain_accuracy for gain, item in zip(gains, AMPS_RANGES, strict=True)
        ]
        self._offset_voltage, self._input_bias = (
            float(draw) * size
            for draw, size in zip(self.rng.standard_normal(2), (OFFSET, INPUT_BIAS), strict=True)
        )

    # zero check and zero correct

    def set_zero_check(self, on: bool) -> None:
        """SYSTem:ZCHeck: on shunts the input; off lets it settle anew."""
        if on != self.settings["zero check"]:
            self._disturb()
        self.settings["zero check"] = on

    def set_zero_correct(self, on: bool) -> None:
        """SYSTem:ZCORrect: subtract the acquired zero; with zero check on, acquire one first if need be."""
        if on and self._zero is None and self.settings["zero check"]:
            self.acquire_zero()
        self.settings["zero correct"] = on

    def acquire_zero(self) -> None:
        """SYSTem:ZCORrect:ACQuire: remember the preamplifier's offset as it is now; zero check must be on."""
        if not self.settings["zero check"]:
            raise ScpiError(-221)
        self._zero = self.offset_voltage(self.clock.monotonic())

    def offset_voltage(self, time: float) -> float:
        """The preamplifier's offset [V]: it falls as the box warms up."""
        warm_up = WARM_UP_OFFSET * math.exp(-(time - self.switched_on_at) / WARM_UP_TIME)
        return self._offset_voltage + warm_up

    def _disturb(self) -> None:
        """The input settles anew from what was shown last."""
        self._disturbed_at = self.clock.monotonic()
        self._disturbed_from = self._shown

    # ranges and functions

    @property
    def function(self) -> str:
        """The function in use: VOLT, CURR, RES or CHAR."""
        return self.settings["function"]

    def set_function(self, name: str) -> None:
        """SENSe:FUNCtion: the input settles anew, filters start anew."""
        word = name.strip().upper().removesuffix(":DC")
        word = LONG_NAMES.get(word, word)
        if word not in FUNCTIONS:
            raise ScpiError(-224)
        if word != self.function:
            self._empty_filters()
            self._disturb()
        self.settings["function"] = word

    def set_range(self, function: str, value: float) -> None:
        """SENSe:...:RANGe: the lowest range that holds the expected reading, automatic off."""
        self.settings[f"{function} range"] = nominal_range(function, value)
        self.settings[f"{function} auto"] = False
        if function == self.function:
            self._empty_filters()
            self._disturb()

    def full_scale(self, function: str) -> float:
        """The range in use, with its 5 % over-range."""
        return 1.05 * self.settings[f"{function} range"]

    @property
    def amps_range(self) -> AmpsRange:
        """The current range in use."""
        return next(item for item in AMPS_RANGES if item.nominal == self.settings["CURR range"])

    def settling_delay(self) -> float:
        """The trigger delay in effect [s]: set, or the range's own ([M] p. 123)."""
        if not self.settings["trigger delay auto"]:
            return self.settings["trigger delay"]
        if self.function == "CURR":
            return self.amps_range.settling_time
        place = OTHER_RANGES[self.function].index(self.settings[f"{self.function} range"])
        return OTHER_DELAYS[self.function][place]

    # life

    def reset(self) -> None:
        """``*RST``: idle, default settings; the acquired zero stays."""
        super().reset()
        self.settings["zero check"] = self.zero_check_after_reset
        self.settings["trigger delay auto"] = self.delays_automatically
        self._empty_filters()
        self._shown = 0.0
        self._disturbed_at, self._disturbed_from = -math.inf, 0.0

    def power_on(self) -> None:
        """Start up: nothing acquired, and cold."""
        self._zero = None
        super().power_on()

    def _empty_filters(self) -> None:
        self._median_stack: deque[float] = deque(maxlen=11)
        self._average_stack: deque[float] = deque(maxlen=100)

    # the trigger model

    def trigger_model(self) -> TriggerModel:
        """Delay and measure: `trigger count` times in each of `arm count` passes."""
        if self.settings["time reset"]:
            self.time_zero = self.step_time
        passes, last_arm, last_trigger = 0, -math.inf, -math.inf
        while passes < self.settings["arm count"]:
            yield from self.pass_layer("arm", last_arm)
            last_arm = self.step_time
            for _ in range(self.settings["trigger count"]):
                yield from self.pass_layer("trigger", last_trigger)
                last_trigger = self.step_time
                yield self.settling_delay()
                self.store((yield from self.measure()))
            passes += 1

    def measure(self) -> Generator[float, None, Reading]:
        """Take one reading; a generator of the seconds it takes that returns the `Reading`."""
        yield from self._find_range()
        filtering = self.settings["average"]
        count = self.settings["average count"] if filtering and self.settings["average type"] == "REP" else 1
        if filtering and self.settings["average type"] == "REP":
            self._average_stack.clear()
        for _ in range(count):
            value = yield from self._convert()
            if value is None:
                return self._reading(None)
            if self.settings["median"]:
                self._median_stack.append(value)
                width = 2 * self.settings["median rank"] + 1
                value = statistics.median(list(self._median_stack)[-width:])
            self._average_stack.append(value)
        if filtering:
            value = statistics.fmean(list(self._average_stack)[-self.settings["average count"] :])
        return self._reading(value)

    def _find_range(self) -> Generator[float, None, None]:
        """Auto-range of the ammeter between its limits; a new range has to settle."""
        if self.function != "CURR" or not self.settings["CURR auto"]:
            return
        expected = 0.0
        if not self.settings["zero check"]:
            expected = abs(self.terminals.mean_current(self.step_time, self.aperture))
        low = nominal_range("CURR", self.settings["CURR lower limit"])
        high = nominal_range("CURR", self.settings["CURR upper limit"])
        best = next((item.nominal for item in AMPS_RANGES if expected <= item.full_scale), high)
        nominal = min(max(best, low), high)
        if nominal != self.settings["CURR range"]:
            self.settings["CURR range"] = nominal
            yield self.amps_range.settling_time

    @property
    def aperture(self) -> float:
        """Length of one conversion of the signal [s]."""
        return self.settings["nplc"] / float(self.settings["line frequency"])

    def _convert(self) -> Generator[float, None, float | None]:
        """One conversion: the value, or None on overflow."""
        start, aperture = self.step_time, self.aperture
        yield aperture * (3 if self.settings["auto zero"] else 1) + CONVERSION_OVERHEAD
        if self.function != "CURR":
            return OTHER_RANGES[self.function][0] * NOISE * float(self.rng.standard_normal())
        used = self.amps_range
        current = 0.0 if self.settings["zero check"] else self._input_current(start, aperture)
        current *= 1 + self._gains[AMPS_RANGES.index(used)]
        offset = self.offset_voltage(start) - (
            self._zero if self.settings["zero correct"] and self._zero else 0.0
        )
        current += offset / used.preamplifier * used.nominal
        noise = max(NOISE * used.nominal, NOISE_FLOOR) / math.sqrt(self.settings["nplc"])
        current += noise * float(self.rng.standard_normal()) + self._hum(start, aperture) * used.nominal
        current += self._unsettled(start, current)
        if abs(current) > used.full_scale:
            return None
        step = used.nominal * 1e-6
        return round(current / step) * step

    def _input_current(self, start: float, aperture: float) -> float:
        """The mean input current over an aperture, cut off where its peak leaves the range [A]."""
        mean = self.terminals.mean_current(start, aperture)
        ceiling = self.amps_range.full_scale
        if self.clips_peaks and abs(mean) <= ceiling:
            peak = abs(self.terminals.peak_current(start, aperture))
            if peak > ceiling:
                mean *= ceiling / peak
        return mean + self._input_bias

    def _hum(self, start: float, aperture: float) -> float:
        """Mains pickup averaged over the aperture, of nominal range [1]: zero over whole cycles."""
        omega = 2 * math.pi * self.mains_frequency
        return HUM * (math.cos(omega * start) - math.cos(omega * (start + aperture))) / (omega * aperture)

    def _unsettled(self, start: float, settled: float) -> float:
        """What is left of the last disturbance; eight time constants fit into the settling time ([?])."""
        elapsed = start - self._disturbed_at
        time_constant = self.amps_range.settling_time / 8
        if elapsed > 30 * time_constant:
            return 0.0
        return (self._disturbed_from - settled) * math.exp(-elapsed / time_constant)

    def _reading(self, value: float | None) -> Reading:
        """Null, limits and status of a converted value."""
        settings = self.settings
        status = FILTERED if settings["average"] or settings["median"] else 0
        status |= ZERO_CHECKED if settings["zero check"] else 0
        status |= ZERO_CORRECTED if settings["zero correct"] else 0
        stamp = round(self.timestamp, 2)
        if value is None:
            self.measurement_status.pulse(EVENT_OVERFLOW)
            return (OVERFLOW, stamp, float(status | READING_OVERFLOW))
        self._shown = value
        status |= NULLED if settings["null"] else 0
        status |= MATH if settings["math"] else 0
        status |= self._test_limits(self.calculated(value, "CALC2"))
        return (value, stamp, float(status))

    # CALCulate

    def calculated(self, value: float, feed: str) -> float:
        """The value after CALCulate1 (mX+b and the like) or CALCulate2 (null); sentinels stay."""
        if abs(value) >= OVERFLOW or feed == "SENS":
            return value
        settings = self.settings
        if settings["math"] and (feed == "CALC1" or settings["calculate 2 feed"] == "CALC1"):
            if settings["math format"] == "MXB":
                value = settings["math m"] * value + settings["math b"]
            elif settings["math format"] == "REC":
                value = 1 / value if value else OVERFLOW
            else:
                value = math.log10(abs(value)) if value else OVERFLOW
        if feed == "CALC2" and settings["null"]:
            value -= settings["null offset"]
        return value

    def calculation(self, feed: str) -> str | bytes:
        """CALCulate1:DATA? and CALCulate2:DATA?: the last readings, calculated."""
        if not self.readings:
            raise ScpiError(-230)
        return self.format_values([self.calculated(reading[0], feed) for reading in self.readings])

    def acquire_null(self) -> None:
        """CALCulate2:NULL:ACQuire: the last reading becomes the offset."""
        if not self.readings:
            raise ScpiError(-230)
        self.settings["null offset"] = self.calculated(
            self.readings[-1][0], self.settings["calculate 2 feed"]
        )

    def _test_limits(self, value: float) -> int:
        """Test the enabled limits; return the bits of the status word."""
        tested = [number for number in (1, 2) if self.settings["limit state", number]]
        if not tested:
            return 0
        passed = True
        for number in tested:
            for failed, event in zip(
                (value < self.settings["limit lower", number], value > self.settings["limit upper", number]),
                LIMIT_EVENTS[number],
                strict=True,
            ):
                self.measurement_status.set_condition(event, failed)
                passed &= not failed
        self.measurement_status.set_condition(EVENT_LIMITS_PASS, passed)
        return LIMIT_TEST

    def limit_failed(self, number: int) -> bool:
        """CALCulate2:LIMit:FAIL?: whether the last reading lay outside."""
        low, high = LIMIT_EVENTS[number]
        return bool(self.measurement_status.condition & (low | high))

    def store(self, reading: Reading) -> None:
        """Keep a reading; the buffer takes it calculated where it is fed from CALCulate."""
        feed = self.settings["buffer feed"]
        super().store(reading)
        if feed != "SENS" and self.buffer and self.buffer[-1] is reading:
            self.buffer[-1] = (self.calculated(reading[0], feed), *reading[1:])

    # MEASure and CONFigure

    def configure(self, function: str) -> None:
        """CONFigure: one-shot settings for a function."""
        self.abort()
        self.set_function(function)
        self.settings.update(
            {
                f"{function} auto": True,
                "nplc": DEFAULT_NPLC,
                "arm source": "IMM",
                "trigger source": "IMM",
                "arm count": 1,
                "trigger count": 1,
                "trigger delay": 0.0,
                "trigger delay auto": self.delays_automatically,
                "math": False,
                "buffer control": "NEV",
                "auto zero": True,
            }
        )

    def measure_once(self, function: str | None = None) -> str | bytes | None:
        """MEASure?: CONFigure and READ?; without a function as configured."""
        if function is not None:
            self.configure(function)
        return self.read()


def nominal_range(function: str, value: float) -> float:
    """Return the lowest nominal range that holds a value; -222 where none does."""
    ranges = tuple(item.nominal for item in AMPS_RANGES) if function == "CURR" else OTHER_RANGES[function]
    for nominal in ranges:
        if abs(value) <= 1.05 * nominal * (1 + 1e-9):
            return nominal
    raise ScpiError(-222)


# --- command table ----------------------------------------------------------------------------------

DEFAULT_NPLC = 5.0  # [S] 6485: 5 at 50 Hz
TREE = "[D]"


def _kept(
    header: str, parameter: Parameter, default: Any, key: str, meaning: str, source: str = TREE
) -> Command:
    return control(header, parameter, default=default, key=key or header, meaning=meaning, source=source)


def _function_commands(function: str, node: str, unit: str) -> tuple[Command, ...]:
    """Range and aperture of one function."""
    ranges = tuple(item.nominal for item in AMPS_RANGES) if function == "CURR" else OTHER_RANGES[function]
    base, top = f"[:SENSe[1]]:{node}", 1.05 * ranges[-1]
    number = Number(-top, top, default=ranges[-1])
    return (
        Command(
            f"{base}:RANGe[:UPPer]",
            meaning=f"Range: the lowest that holds the expected reading, automatic off [{unit}]",
            source="[M] p. 98; reply with its 5 % over-range [?]",
            takes=(number,),
            set=lambda box, value: box.set_range(function, value),
            query=lambda box: box.full_scale(function),
            keys=(f"{function} range",),
            default=200e-6 if function == "CURR" else ranges[-1],
        ),
        _kept(
            f"{base}:RANGe:AUTO", Switch(), True, f"{function} auto", "Range follows the reading", "[M] p. 98"
        ),
        _kept(
            f"{base}:RANGe:AUTO:ULIMit",
            number,
            ranges[-1],
            f"{function} upper limit",
            f"Highest range of the automatic [{unit}]",
            "[M] p. 98",
        ),
        _kept(
            f"{base}:RANGe:AUTO:LLIMit",
            number,
            ranges[0],
            f"{function} lower limit",
            f"Lowest range of the automatic [{unit}]",
            "[M] p. 98",
        ),
        _kept(
            f"{base}:NPLCycles",
            Number(0.01, 10, default=DEFAULT_NPLC),
            DEFAULT_NPLC,
            "nplc",
            "Aperture in power line cycles, one for all functions",
        ),
    )


def _measure_commands(function: str, node: str) -> tuple[Command, ...]:
    return (
        Command(
            f":CONFigure:{node}",
            meaning="One-shot settings for this function",
            source="[D]",
            set=lambda box: box.configure(function),
        ),
        Command(
            f":MEASure:{node}",
            meaning="CONFigure and READ?",
            source="[D]",
            query=lambda box: box.measure_once(function),
        ),
    )


NODES: tuple[tuple[str, str, str], ...] = (
    ("VOLT", "VOLTage[:DC]", "V"),
    ("CURR", "CURRent[:DC]", "A"),
    ("RES", "RESistance", "ohm"),
    ("CHAR", "CHARge", "C"),
)

Keithley6514.commands = (
    Command(
        "[:SENSe[1]]:FUNCtion[:ON]",
        meaning="Function, quoted",
        source="[R]",
        takes=(Text(),),
        set=lambda box, name: box.set_function(name),
        query=lambda box: f'"{FUNCTIONS[box.function]}"',
        keys=("function",),
        default="VOLT",
    ),
    *(command for function, node, unit in NODES for command in _function_commands(function, node, unit)),
    *(command for function, node, _ in NODES for command in _measure_commands(function, node)),
    Command(
        ":CONFigure",
        meaning="The function configured",
        source="[D]",
        query=lambda box: f'"{FUNCTIONS[box.function]}"',
    ),
    Command(":MEASure", meaning="READ? as configured", source="[D]", query=lambda box: box.measure_once()),
    _kept(
        "[:SENSe[1]]:CURRent[:DC]:DAMPing",
        Switch(),
        False,
        "",
        "Slower, quieter input: kept, not acted on",
        "[S]",
    ),
    _kept(
        "[:SENSe[1]]:CHARge:ADIScharge[:STATe]",
        Switch(),
        False,
        "",
        "Automatic discharge: kept, not acted on",
        "[S]",
    ),
    _kept(
        "[:SENSe[1]]:CHARge:ADIScharge:LEVel",
        Number(-2.2e-5, 2.2e-5),
        2e-6,
        "",
        "Level of the automatic discharge [C]",
        "[S]",
    ),
    _kept("[:SENSe[1]]:VOLTage[:DC]:GUARd", Switch(), False, "", "Driven guard: kept, not acted on", "[S]"),
    _kept(
        "[:SENSe[1]]:RESistance:VSControl",
        Choice("AUTO", "MANual"),
        "AUTO",
        "",
        "Test voltage: kept, not acted on",
        "[S]",
    ),
    _kept(
        "[:SENSe[1]]:MEDian[:STATe]",
        Switch(),
        False,
        "median",
        "Median filter, before the average",
        "[M] p. 102",
    ),
    _kept(
        "[:SENSe[1]]:MEDian:RANK",
        Number(1, 5, default=1, integer=True),
        1,
        "median rank",
        "Median of 2 rank + 1",
        "[M] p. 102",
    ),
    _kept("[:SENSe[1]]:AVERage[:STATe]", Switch(), False, "average", "Digital filter", "[M] p. 102"),
    _kept(
        "[:SENSe[1]]:AVERage:TCONtrol",
        Choice("MOVing", "REPeat"),
        "REP",
        "average type",
        "Moving or repeating filter",
        "[M] p. 102",
    ),
    _kept(
        "[:SENSe[1]]:AVERage:COUNt",
        Number(1, 100, default=10, integer=True),
        10,
        "average count",
        "Conversions averaged",
        "[M] p. 102",
    ),
    Command(
        ":SYSTem:ZCHeck[:STATe]",
        meaning="Zero check: the input is shunted, readings show the offset",
        source="[M] p. 81; after *RST: [?] zero_check_after_reset",
        takes=(Switch(),),
        set=lambda box, on: box.set_zero_check(on),
        query=lambda box: box.settings["zero check"],
        keys=("zero check",),
        initial=False,
    ),
    Command(
        ":SYSTem:ZCORrect[:STATe]",
        meaning="Subtract the acquired zero",
        source="[M] p. 81",
        takes=(Switch(),),
        set=lambda box, on: box.set_zero_correct(on),
        query=lambda box: box.settings["zero correct"],
        keys=("zero correct",),
        default=False,
    ),
    Command(
        ":SYSTem:ZCORrect:ACQuire",
        meaning="Acquire the zero; zero check must be on",
        source="[D]; -221 otherwise [?]",
        set=lambda box: box.acquire_zero(),
    ),
    *READING_COMMANDS,
    *BUFFER_COMMANDS,
    Command(
        ":CALCulate3:DATA",
        meaning="Statistic of the stored readings",
        source="[M] p. 115",
        query=lambda box: box.buffer_statistic([0]),
    ),
    _kept(
        ":CALCulate[1]:FORMat",
        Choice("MXB", "RECiprocal", "LOG10"),
        "MXB",
        "math format",
        "Calculation: mX+b, 1/X or log X",
        "[S]",
    ),
    _kept(":CALCulate[1]:KMATh:MMFactor", Number(-9.99999e20, 9.99999e20), 1.0, "math m", "m of mX+b", "[S]"),
    _kept(":CALCulate[1]:KMATh:MBFactor", Number(-9.99999e20, 9.99999e20), 0.0, "math b", "b of mX+b", "[S]"),
    _kept(":CALCulate[1]:KMATh:MUNits", Text(), "X", "", "Unit of mX+b", "[S]"),
    _kept(":CALCulate[1]:STATe", Switch(), False, "math", "Calculation on", "[S]"),
    Command(
        ":CALCulate[1]:DATA[:LATest]",
        meaning="The last readings, calculated",
        source="[S]",
        query=lambda box: box.calculation("CALC1"),
    ),
    _kept(
        ":CALCulate2:FEED",
        Choice("SENSe", "CALCulate1", aliases={"SENS1": "SENS", "SENSE1": "SENS", "CALC": "CALC1"}),
        "SENS",
        "calculate 2 feed",
        "What null and limits work on",
        "[S]",
    ),
    _kept(
        ":CALCulate2:NULL:OFFSet",
        Number(-9.99999e20, 9.99999e20),
        0.0,
        "null offset",
        "Offset subtracted",
        "[S]",
    ),
    _kept(":CALCulate2:NULL:STATe", Switch(), False, "null", "Null on", "[S]"),
    Command(
        ":CALCulate2:NULL:ACQuire",
        meaning="Take the last reading as offset",
        source="[S]",
        set=lambda box: box.acquire_null(),
    ),
    _kept(
        ":CALCulate2:LIMit{1|2}:UPPer[:DATA]",
        Number(-9.99999e20, 9.99999e20),
        1.0,
        "limit upper",
        "Upper limit",
        "[M] p. 196",
    ),
    _kept(
        ":CALCulate2:LIMit{1|2}:LOWer[:DATA]",
        Number(-9.99999e20, 9.99999e20),
        -1.0,
        "limit lower",
        "Lower limit",
        "[M] p. 196",
    ),
    _kept(":CALCulate2:LIMit{1|2}:STATe", Switch(), False, "limit state", "Limit tested", "[M] p. 196"),
    Command(
        ":CALCulate2:LIMit{1|2}:FAIL",
        meaning="Whether the last reading lay outside",
        source="[M] p. 196",
        query=lambda box, number: box.limit_failed(number),
    ),
    Command(
        ":CALCulate2:DATA[:LATest]",
        meaning="The last readings, nulled",
        source="[S]",
        query=lambda box: box.calculation("CALC2"),
    ),
    *trigger_commands(
        arm_sources=Choice(
            "IMMediate", "TIMer", "BUS", "TLINk", "STESt", "PSTest", "NSTest", "BSTest", "MANual"
        ),
        trigger_sources=Choice("IMMediate", "TLINk"),
        trigger_outputs=Choice("SENSe", "NONE"),
        delay_set=lambda box: box.settings.update({"trigger delay auto": False}),
    ),
    _kept(
        ":TRIGger[:SEQuence[1]]:DELay:AUTO",
        Switch(),
        True,
        "trigger delay auto",
        "Delay of the range's own settling; after *RST: [?] delays_automatically",
        "[M] p. 123",
    ),
    *format_commands(Keithley6514.elements),
    *STATUS_COMMANDS,
    *SYSTEM_COMMANDS,
)
