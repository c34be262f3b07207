"""A Keithley 6514 electrometer behind a photodiode: its state and its physics.

As an ammeter it takes the photocurrent, as a coulombmeter its integral; as a voltmeter it lets the photodiode
charge itself up, as an ohmmeter it sees its shunt resistance. Its ranges are in `keithley6514_ranges`, its
command table in `keithley6514_commands`, the trigger model, the stores and the status tree in `keithley`.
Page numbers are those of the manual 6514-901-01 rev. D; its appendix with accuracy and noise is not at hand,
so those are model assumptions.
"""

import math
import statistics
from collections import deque
from collections.abc import Generator

import numpy as np

from sim_instruments.clock import Clock
from sim_instruments.keithley import OVERFLOW, KeithleyBox, Reading, TriggerModel, next_range
from sim_instruments.keithley6514_commands import COMMANDS, DEFAULT_NPLC, ELEMENTS
from sim_instruments.keithley6514_ranges import (
    CHARGE_GROUPS,
    RANGES,
    MeterRange,
    function_name,
    range_for,
    range_of,
)
from sim_instruments.scpi import ScpiError
from sim_instruments.terminals import Dark, LightTerminals

CONVERSION_OVERHEAD = 1e-3  # [?] assumption
NOISE = 5e-6  # [?] assumption: standard deviation of a conversion of 1 power line cycle, of nominal range
NOISE_FLOOR = 0.4e-15  # [?] assumption: the same of amperes, never below [A]
HUM = 200e-6  # [?] assumption: amplitude of mains pickup, of nominal range; whole power line cycles remove it
INPUT_BIAS = 2e-15  # [?] assumption: standard deviation between boxes; zero correct does not remove it [A]
CHARGE_BIAS = 4e-15  # largest input current as a coulombmeter (p. 93) [A]
ZERO_CHECK_HOP = 5e-14  # [?] assumption: standard deviation of the charge that releasing it brings [C]
SLOWER_WHEN_DAMPED, NOISE_WHEN_DAMPED = 5.0, 0.5  # [?] assumption [1]
OFFSET, WARM_UP_OFFSET, WARM_UP_TIME = 20e-6, 300e-6, 1200.0  # [?] assumption: of the preamplifier [V], [s]

# bits of the status word of a reading ([M] p. 216: 0 and 1; the others [S] 6487)
READING_OVERFLOW, FILTERED, MATH, NULLED, LIMIT_TEST, ZERO_CHECKED, ZERO_CORRECTED = (
    1 << bit for bit in (0, 1, 2, 3, 4, 9, 10)
)
# measurement event register ([M] p. 196)
LIMIT_EVENTS = {1: (1 << 1, 1 << 2), 2: (1 << 3, 1 << 4)}
EVENT_LIMITS_PASS, EVENT_OVERFLOW = 1 << 5, 1 << 7


class Keithley6514(KeithleyBox):
    """The box.

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
    gpib_address = 14
    elements = ELEMENTS
    commands = COMMANDS
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
        self._charge, self._charged_until = 0.0, 0.0
        super().__init__(
            clock=clock,
            seed=seed,
            mains_frequency=mains_frequency,
            answers_while_running=answers_while_running,
        )
        self._gains = {"CURR": self._draw_gains("CURR", self.rng)}
        self._offset_voltage, self._input_bias = (
            float(draw) * size
            for draw, size in zip(self.rng.standard_normal(2), (OFFSET, INPUT_BIAS), strict=True)
        )
        (others,) = self.rng.spawn(1)
        self._gains |= {name: self._draw_gains(name, others) for name in ("VOLT", "RES", "CHAR")}

    @staticmethod
    def _draw_gains(function: str, random: np.random.Generator) -> list[float]:
        """Gain error of every range, a third of its accuracy as standard deviation."""
        ranges = RANGES[function]
        draws = random.standard_normal(len(ranges)).clip(-3, 3) / 3
        return [float(draw) * item.gain_accuracy for draw, item in zip(draws, ranges, strict=True)]

    # zero check and zero correct

    def set_zero_check(self, on: bool) -> None:
        """SYSTem:ZCHeck: on shunts the input and empties the integrator; off lets it settle anew."""
        if on != self.settings["zero check"]:
            self._disturb()
            self._restart_charge(0.0 if on else ZERO_CHECK_HOP * float(self.rng.standard_normal()))
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

    def correct_offset(self) -> None:
        """CALibration:UNPRotected:VOFFset: the preamplifier's offset is none from now on; zero check on."""
        if not self.settings["zero check"]:
            raise ScpiError(-221)
        self._offset_voltage -= self.offset_voltage(self.clock.monotonic())

    def correct_bias(self) -> None:
        """CALibration:UNPRotected:IOFFset: what flows into the input now counts as none."""
        self._input_bias = -self.terminals.mean_current(self.clock.monotonic(), self.aperture)

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
        word = function_name(name)
        if word != self.function:
            self._empty_filters()
            self._shown = 0.0
            self._disturb()
            self._restart_charge()
        self.settings["function"] = word

    def set_range(self, function: str, value: float | str) -> None:
        """SENSe:...:RANGe: the lowest range that holds the expected reading, or the next; automatic off."""
        if isinstance(value, str):
            used = range_of(function, self.settings[f"{function} range"])
            chosen = next_range(RANGES[function], used, value)
        else:
            chosen = range_for(function, value)
        self.settings[f"{function} range"] = chosen.nominal
        self.settings[f"{function} auto"] = False
        if function == self.function:
            self._empty_filters()
            self._disturb()

    def full_scale(self, function: str) -> float:
        """The range in use, with its 5 % over-range."""
        return 1.05 * self.settings[f"{function} range"]

    @property
    def used_range(self) -> MeterRange:
        """The range in use."""
        return range_of(self.function, self.settings[f"{self.function} range"])

    def settling_delay(self) -> float:
        """The trigger delay in effect [s]: set, or the range's own ([M] p. 123)."""
        if not self.settings["trigger delay auto"]:
            return self.settings["trigger delay"]
        return self.used_range.settling_time

    # life

    def reset(self) -> None:
        """``*RST``: idle, default settings; the acquired zero stays."""
        super().reset()
        self.settings["zero check"] = self.zero_check_after_reset
        self.settings["trigger delay auto"] = self.delays_automatically
        self._empty_filters()
        self._shown = 0.0
        self._disturbed_at, self._disturbed_from = -math.inf, 0.0
        self._restart_charge()

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
        """Auto-range between its limits; a new range has to settle."""
        function = self.function
        if not self.settings[f"{function} auto"]:
            return
        expected = 0.0 if self.settings["zero check"] else abs(self._expected())
        low = range_for(function, self.settings[f"{function} lower limit"]).nominal
        high = range_for(function, self.settings[f"{function} upper limit"]).nominal
        ranges = CHARGE_GROUPS[self.settings["charge group"]] if function == "CHAR" else RANGES[function]
        best = next((item.nominal for item in ranges if expected <= item.full_scale), ranges[-1].nominal)
        nominal = min(max(best, low), high)
        if nominal != self.settings[f"{function} range"]:
            self.settings[f"{function} range"] = nominal
            yield self.used_range.settling_time

    def _expected(self) -> float:
        """Roughly what the input carries now, for auto-range."""
        start, aperture = self.step_time, self.aperture
        if self.function == "CURR":
            return self.terminals.mean_current(start, aperture)
        if self.function == "VOLT":
            return self.terminals.open_voltage(start, aperture)
        return self._charge if self.function == "CHAR" else self.terminals.resistance

    @property
    def aperture(self) -> float:
        """Length of one conversion of the signal [s]."""
        return self.settings["nplc"] / float(self.settings["line frequency"])

    def _convert(self) -> Generator[float, None, float | None]:
        """One conversion: the value, or None on overflow."""
        start, aperture = self.step_time, self.aperture
        yield aperture * (3 if self.settings["auto zero"] else 1) + CONVERSION_OVERHEAD
        used = self.used_range
        value = self._input(start, aperture)
        value *= 1 + self._gains[self.function][RANGES[self.function].index(used)]
        if self.function != "RES":
            offset = self.offset_voltage(start) - (
                self._zero if self.settings["zero correct"] and self._zero else 0.0
            )
            value += offset / used.preamplifier * used.nominal
        value += self._noise(used) * float(self.rng.standard_normal())
        value += self._hum(start, aperture) * used.nominal
        value += self._unsettled(start, value)
        if abs(value) > used.full_scale:
            return None
        step = used.nominal * 1e-6
        return round(value / step) * step

    def _input(self, start: float, aperture: float) -> float:
        """What the input carries over an aperture, in the function's unit; zero check shunts it."""
        if self.function == "CHAR":
            return self._integrate(start, aperture)
        if self.settings["zero check"]:
            return 0.0
        if self.function == "CURR":
            return self._input_current(start, aperture)
        if self.function == "RES":
            return self.terminals.resistance
        if self.settings["external feedback"]:
            return math.inf
        return self.terminals.open_voltage(start, aperture)

    def _integrate(self, start: float, aperture: float) -> float:
        """The charge collected since zero check was released, or since the last discharge [C]."""
        end = start + aperture
        if self.settings["zero check"]:
            self._restart_charge()
            return 0.0
        if end > self._charged_until:
            time = end - self._charged_until
            bias = math.copysign(min(abs(self._input_bias), CHARGE_BIAS), self._input_bias)
            self._charge += (self.terminals.mean_current(self._charged_until, time) + bias) * time
            self._charged_until = end
        level = abs(self.settings["discharge level"])
        if self.settings["auto discharge"] and abs(self._charge) >= level > 0:
            self._charge = math.fmod(self._charge, level)
        return self._charge

    def _restart_charge(self, charge: float = 0.0) -> None:
        """Let the integrator begin with a charge [C]."""
        self._charge = charge
        self._charged_until = self.step_time if self._run is not None else self.clock.monotonic()

    def _noise(self, used: MeterRange) -> float:
        """Standard deviation of one conversion."""
        noise = NOISE * used.nominal
        if self.function == "CURR":
            noise = max(noise, NOISE_FLOOR) * (NOISE_WHEN_DAMPED if self.settings["damping"] else 1.0)
        return noise / math.sqrt(self.settings["nplc"])

    def _input_current(self, start: float, aperture: float) -> float:
        """The mean input current over an aperture, cut off where its peak leaves the range [A]."""
        mean = self.terminals.mean_current(start, aperture)
        ceiling = self.used_range.full_scale
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
        time_constant = self.used_range.settling_time / 8
        if self.function == "CURR" and self.settings["damping"]:
            time_constant *= SLOWER_WHEN_DAMPED
        if elapsed > 30 * time_constant or self.function == "CHAR" or math.isinf(settled):
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
            elif settings["math format"] == "PERC":
                reference = settings["math reference"]
                value = 100 * (value - reference) / reference if reference else OVERFLOW
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

    def acquire_reference(self) -> None:
        """CALCulate1:KMATh:PERCent:ACQuire: the last reading becomes the reference."""
        if not self.readings:
            raise ScpiError(-230)
        self.settings["math reference"] = self.readings[-1][0]

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

    def forget_limits(self) -> None:
        """CALCulate2:CLIMits:CLEar: as if nothing had been tested."""
        events = sum(map(sum, LIMIT_EVENTS.values())) | EVENT_LIMITS_PASS
        self.measurement_status.set_condition(events, False)

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
