"""A Keithley 2400 SourceMeter.

State and command table; the trigger model, the stores and the status tree are in `keithley`. Page numbers are
those of the manual 2400S-900-01 rev. K, accuracies those of SPEC-2400 rev. H; tags as in `keithley`.
"""

import math
import statistics
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sim_instruments.clock import Clock
from sim_instruments.keithley import (
    BUFFER_COMMANDS,
    ERROR_TEXTS,
    NOT_MEASURED,
    OVERFLOW,
    READING_COMMANDS,
    STATUS_COMMANDS,
    SWEEPING,
    SYSTEM_COMMANDS,
    KeithleyBox,
    Reading,
    TriggerModel,
    format_commands,
    trigger_commands,
)
from sim_instruments.scpi import Choice, Command, Number, ScpiError, Switch, Text, control
from sim_instruments.terminals import OpenSource, SourceKind, SourceTerminals

Quantity = Literal["VOLT", "CURR"]
QUANTITIES: tuple[Quantity, Quantity] = ("VOLT", "CURR")
OTHER: dict[str, Quantity] = {"VOLT": "CURR", "CURR": "VOLT"}


@dataclass(frozen=True)
class Range:
    """One range: nominal full scale; gain [1] and offset of its one-year accuracy, measured and sourced."""

    nominal: float
    measure_gain: float
    measure_offset: float
    source_gain: float
    source_offset: float

    @property
    def full_scale(self) -> float:
        """Largest value of the range, 105 % of nominal."""
        return 1.05 * self.nominal


RANGES: dict[str, tuple[Range, ...]] = {
    "VOLT": (
        Range(0.2, 0.012e-2, 300e-6, 0.02e-2, 600e-6),
        Range(2.0, 0.012e-2, 300e-6, 0.02e-2, 600e-6),
        Range(20.0, 0.015e-2, 1.5e-3, 0.02e-2, 2.4e-3),
        Range(200.0, 0.015e-2, 10e-3, 0.02e-2, 24e-3),
    ),
    "CURR": (
        Range(1e-6, 0.029e-2, 300e-12, 0.035e-2, 600e-12),
        Range(10e-6, 0.027e-2, 700e-12, 0.033e-2, 2e-9),
        Range(100e-6, 0.025e-2, 6e-9, 0.031e-2, 20e-9),
        Range(1e-3, 0.027e-2, 60e-9, 0.034e-2, 200e-9),
        Range(10e-3, 0.035e-2, 600e-9, 0.045e-2, 2e-6),
        Range(100e-3, 0.055e-2, 6e-6, 0.066e-2, 20e-6),
        Range(1.0, 0.22e-2, 570e-6, 0.27e-2, 900e-6),
    ),
}
DEFAULT_RANGE = {"VOLT": RANGES["VOLT"][2], "CURR": RANGES["CURR"][2]}

# full scale of the ohms ranges -> test current of the automatic mode (SPEC-2400)
OHMS_RANGES: dict[float, float] = {
    21.0: 0.1,
    210.0: 10e-3,
    2.1e3: 1e-3,
    21e3: 100e-6,
    210e3: 10e-6,
    2.1e6: 5e-6,
    21e6: 0.5e-6,
    210e6: 100e-9,
}

OVER_VOLTAGE_LIMITS = (20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 160.0, 500.0)  # [?]; 500 V is none

TRIGGER_LATENCY, SOURCE_CONFIGURATION, CONVERSION_OVERHEAD = 225e-6, 50e-6, 185e-6  # [M] 2440 p. 433
FIRMWARE_TIME = {"VOLT": 300e-6, "CURR": 640e-6}  # [M] 2440 p. 433
RANGE_CHANGE_TIME = 5e-3  # [?] assumption
RELAY_TIME = 15e-3  # [M] p. 254
AUTO_SOURCE_DELAY = 1e-3  # read back from a real one [D]
NOISE = 3e-6  # [?] assumption: standard deviation of one conversion of 1 power line cycle, of nominal range

# bits of the status word of a reading ([M] p. 356; 2, 7, 10-12 [?])
(
    FILTERED, FRONT, COMPLIANCE, OVER_VOLTAGE, MATH, NULLED, LIMITS, AUTO_OHMS, MEASURED_VOLTAGE,
    MEASURED_CURRENT, MEASURED_OHMS, SOURCED_VOLTAGE, SOURCED_CURRENT, RANGE_COMPLIANCE, OFFSET_COMPENSATED,
    FOUR_WIRE,
) = (1 << bit for bit in (1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 22))  # fmt: skip
READING_OVERFLOW = 1

# measurement event register ([M] p. 288)
FEEDS = ("VOLT", "CURR", "RES")  # what limits may work on, by its place in a reading
LIMIT_NUMBERS = (1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12)
LIMIT_EVENTS = {1: (1 << 0, 0), 2: (1 << 1, 1 << 2), 3: (1 << 3, 1 << 4)}
EVENT_LIMITS_PASS = 1 << 5
EVENT_OVERFLOW, EVENT_ENABLE_LINE, EVENT_OVER_VOLTAGE, EVENT_COMPLIANCE = 1 << 7, 1 << 11, 1 << 13, 1 << 14


class Keithley2400(KeithleyBox):
    """The box.

    Parameters
    ----------
    clock, seed, mains_frequency, answers_while_running : as in `KeithleyBox`
    terminals : what is connected; nothing by default
    reads_with_output_off : READ? with the output off gives near-zero readings instead of +803. [?] The
        manual (p. 304) refuses it and so do clients in use; one author saw it answer.
    configure_resets_compliance : CONFigure and MEASure? put the compliance back to its default. [?] The
        manual (p. 301) resets "every control" of the function.
    stays_at_last_level : after a sweep the source stays at its last level until the output is switched off,
        else it goes back to the fixed one. [?]
    """

    name = "keithley2400"
    identity = "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1248014,C30   Mar 17 2006 09:29:29/A02  /K/J"
    error_texts = {
        **ERROR_TEXTS,
        802: "OUTPUT blocked by output enable",
        803: "Not permitted with OUTPUT off",
        810: "OUTPUT blocked by over temp",
        822: "Too small for sense range",
        823: "Invalid with source read-back on",
        824: "Cannot exceed compliance range",
        825: "Invalid with auto-ohms",
        826: "Attempt to exceed power limit",
        827: "Invalid with ohms guard",
        828: "Invalid on 1A range",
        829: "Invalid on 1kV range",
        830: "Invalid with INF ARM:COUNT",
        831: "Invalid in pulse mode",
    }
    elements = ("VOLTage", "CURRent", "RESistance", "TIME", "STATus")
    time_element = 3

    def __init__(
        self,
        *,
        clock: Clock,
        seed: int = 0,
        terminals: SourceTerminals | None = None,
        mains_frequency: float = 50.0,
        answers_while_running: bool = True,
        reads_with_output_off: bool = False,
        configure_resets_compliance: bool = True,
        stays_at_last_level: bool = True,
    ) -> None:
        self.terminals: SourceTerminals = terminals or OpenSource()
        self.reads_with_output_off = reads_with_output_off
        self.configure_resets_compliance = configure_resets_compliance
        self.stays_at_last_level = stays_at_last_level
        self.enable_line_closed = True
        self.too_hot = False
        self.is_on = False
        self._forced: float | None = None
        self._announced = (False, 0.0)
        self._stack: deque[tuple[float, ...]] = deque(maxlen=100)  # of the moving filter
        self._tripped: dict[int, bool] = {}
        self._errors_of_range: dict[tuple[str, str, float], tuple[float, float]] = {}
        super().__init__(
            clock=clock,
            seed=seed,
            mains_frequency=mains_frequency,
            answers_while_running=answers_while_running,
        )
        self._errors_of_range = self._draw_calibration()

    # the output

    @property
    def sourced(self) -> Quantity:
        """The quantity the source forces."""
        return "CURR" if self.settings["source function"] == "CURR" or self._auto_ohms else "VOLT"

    @property
    def _auto_ohms(self) -> bool:
        return "RES" in self.settings["functions"] and self.settings["ohms mode"] == "AUTO"

    def switch(self, on: bool) -> None:
        """OUTPut: on or off; the relay of the high-impedance off state takes its time."""
        if on and not self.enable_line_closed and self.settings["enable line used"]:
            raise ScpiError(802)
        if on and self.too_hot:
            raise ScpiError(810)
        if on != self.is_on and self.settings["off state"] == "HIMP":
            self.clock.wait(RELAY_TIME)
        self.is_on = on
        if not on:
            self._forced = None
        self.apply()

    def apply(self) -> None:
        """Bring settings to the terminals, and tell the witness if the output has changed."""
        source: SourceKind = "voltage" if self.sourced == "VOLT" else "current"
        level, limit = (self.true_level(), self.limit()[0]) if self.is_on else (0.0, 1.0)
        volts = self.terminals.output(on=self.is_on, source=source, level=level, limit=limit)
        volts = volts if self.is_on else 0.0
        self._stack.clear()
        was_on, before = self._announced
        if self.is_on != was_on or not math.isclose(volts, before, rel_tol=1e-6, abs_tol=1e-6):
            self._announced = (self.is_on, volts)
            self.announce_output(self.is_on, volts)

    def force(self, level: float | None) -> None:
        """Force a level of a sweep, or the fixed one with None."""
        self._forced = level
        if self.is_on:
            self.apply()

    @property
    def level(self) -> float:
        """The level asked for now [V] or [A]."""
        if self._auto_ohms:
            return OHMS_RANGES[self.settings["ohms range"]]
        fixed = self.settings[f"{self.sourced} level"]
        return fixed if self._forced is None else self._forced

    def true_level(self) -> float:
        """The level the source really forces: programming resolution, gain and offset of its range."""
        used = self.source_range()
        gain, offset = self._errors_of_range.get((self.sourced, "source", used.nominal), (0.0, 0.0))
        step = used.nominal / 40000
        level = round(self.level / step) * step * (1 + gain) + offset
        if self.sourced == "VOLT":
            ceiling = self.settings["over-voltage limit"]
            level = max(-ceiling, min(ceiling, level))
        return level

    def source_range(self) -> Range:
        """The range of the source in use."""
        if self._auto_ohms:
            return range_for("CURR", self.level)
        if self._forced is not None and self.settings["sweep ranging"] != "FIX":
            return range_for(self.sourced, self._forced)
        return range_of(self.sourced, self.settings[f"{self.sourced} source range"])

    def limit(self) -> tuple[float, bool]:
        """The limit of the other quantity in effect, and whether it is the range's own (range compliance)."""
        quantity = OTHER[self.sourced]
        protection = self.settings[f"{quantity} protection"]
        if self.settings[f"{quantity} sense auto"]:
            return protection, False
        full_scale = range_of(quantity, self.settings[f"{quantity} sense range"]).full_scale
        return (full_scale, True) if full_scale < protection else (protection, False)

    def in_compliance(self) -> bool:
        """Whether the limit is reached now; False with the output off."""
        if not self.is_on:
            return False
        volts, amps = self._true_reading(self.clock.monotonic(), 1e-4)
        return self._at_limit(volts, amps)

    def _at_limit(self, volts: float, amps: float) -> bool:
        limited = amps if self.sourced == "VOLT" else volts
        return abs(limited) >= self.limit()[0] * (1 - 1e-9)

    def _true_reading(self, start: float, duration: float) -> tuple[float, float]:
        if not self.is_on:
            return 0.0, 0.0
        return self.terminals.measure(
            source="voltage" if self.sourced == "VOLT" else "current",
            level=self.true_level(),
            limit=self.limit()[0],
            start=start,
            duration=duration,
        )

    # settings that depend on each other

    def set_level(self, quantity: Quantity, level: float) -> None:
        """SOURce:...:LEVel: change the fixed level; with auto-range the range follows."""
        self._check_ohms()
        name = f"{quantity} source range"
        if self.settings[f"{name} auto"]:
            nominal = range_for(quantity, level).nominal
            self._check_power(**{quantity: nominal})
            self.settings[name] = nominal
        elif abs(level) > range_of(quantity, self.settings[name]).full_scale:
            raise ScpiError(-222)
        self.settings[f"{quantity} level"] = level
        self.settings[f"{quantity} triggered level"] = level
        self._forced = None
        self.apply()

    def set_source_range(self, quantity: Quantity, value: float) -> None:
        """SOURce:...:RANGe: fix the range; a level beyond it is brought down to full scale."""
        self._check_ohms()
        chosen = range_for(quantity, value)
        self._check_power(**{quantity: chosen.nominal})
        self.settings[f"{quantity} source range"] = chosen.nominal
        self.settings[f"{quantity} source range auto"] = False
        level = self.settings[f"{quantity} level"]
        self.settings[f"{quantity} level"] = math.copysign(min(abs(level), chosen.full_scale), level)
        self.apply()

    def set_source_range_auto(self, quantity: Quantity, on: bool) -> None:
        """SOURce:...:RANGe:AUTO."""
        self.settings[f"{quantity} source range auto"] = on
        if on:
            self.settings[f"{quantity} source range"] = range_for(
                quantity, self.settings[f"{quantity} level"]
            ).nominal
            self.apply()

    def set_sense_range(self, quantity: Quantity, value: float) -> None:
        """SENSe:...:RANGe: fix the range ([M] p. 373)."""
        self._check_ohms()
        if self.sourced == quantity:
            raise ScpiError(823)
        chosen = range_for(quantity, value)
        protection = self.settings[f"{quantity} protection"]
        if chosen.nominal > range_for(quantity, protection).nominal:
            raise ScpiError(824)
        if protection < 0.001 * chosen.nominal:
            raise ScpiError(822)
        self.settings[f"{quantity} sense range"] = chosen.nominal
        self.settings[f"{quantity} sense auto"] = False
        self.apply()

    def set_protection(self, quantity: Quantity, value: float) -> None:
        """SENSe:...:PROTection: the compliance; the sense range never lies above its range ([M] p. 373)."""
        value = abs(value)
        if value < 0.001 * RANGES[quantity][0].nominal:
            raise ScpiError(-222)
        compliance_range = range_for(quantity, value).nominal
        self._check_power(**{f"{quantity}_limit": compliance_range})
        sense_range = self.settings[f"{quantity} sense range"]
        if not self.settings[f"{quantity} sense auto"] and value < 0.001 * sense_range:
            raise ScpiError(822)
        self.settings[f"{quantity} protection"] = value
        self.settings[f"{quantity} sense range"] = min(sense_range, compliance_range)
        self.apply()

    def set_source_function(self, function: str) -> None:
        """SOURce:FUNCtion: another source; the output goes off when the function changes."""
        self._check_ohms()
        if function != self.settings["source function"]:
            self.is_on = False
        self.settings["source function"] = function
        self._forced = None
        self.apply()

    def set_functions(self, names: tuple[str, ...], on: bool = True) -> None:
        """SENSe:FUNCtion: which quantities are measured; one only unless they are concurrent."""
        if not names:
            raise ScpiError(-109)
        chosen = {function_name(name) for name in names}
        if on and self.settings["concurrent"]:
            self.settings["functions"] = frozenset(self.settings["functions"] | chosen)
        elif on:
            self.settings["functions"] = frozenset([function_name(names[-1])])
        else:
            self.settings["functions"] = frozenset(self.settings["functions"] - chosen)
        if self.is_on:
            self.apply()

    def set_all_functions(self, on: bool) -> None:
        """SENSe:FUNCtion:ON:ALL and OFF:ALL."""
        if on and not self.settings["concurrent"]:
            raise ScpiError(-221)
        self.settings["functions"] = frozenset(("VOLT", "CURR", "RES")) if on else frozenset()
        if self.is_on:
            self.apply()

    def set_sense_range_auto(self, quantity: Quantity, on: bool) -> None:
        """SENSe:...:RANGe:AUTO."""
        self.settings[f"{quantity} sense auto"] = on
        self.apply()

    def set_ohms_range(self, value: float) -> None:
        """SENSe:RESistance:RANGe."""
        self.settings["ohms range"] = next(full_scale for full_scale in OHMS_RANGES if value <= full_scale)
        self.settings["ohms auto"] = False

    def set_over_voltage_limit(self, value: float) -> None:
        """SOURce:VOLTage:PROTection: the next step of the list; beyond 160 V there is no limit."""
        self.settings["over-voltage limit"] = next(step for step in OVER_VOLTAGE_LIMITS if value <= step)
        self.apply()

    def set_terminals(self, side: str) -> None:
        """ROUTe:TERMinals: other terminals, output off."""
        if side != self.settings["terminals"]:
            self.switch(False)
        self.settings["terminals"] = side

    def set_step(self, quantity: Quantity, step: float) -> None:
        """SOURce:...:STEP: step and number of points follow each other."""
        self.settings[f"{quantity} step"] = step
        self.settings["points follow step"] = True
        self.sweep_end_changed(quantity)

    def set_points(self, count: int) -> None:
        """SOURce:SWEep:POINts: the steps follow."""
        self.settings["sweep points"] = count
        self.settings["points follow step"] = False
        for quantity in QUANTITIES:
            self.sweep_end_changed(quantity)

    def sweep_end_changed(self, quantity: Quantity) -> None:
        """Let points follow the step, or the step the points, whichever was set last."""
        width = self.settings[f"{quantity} stop"] - self.settings[f"{quantity} start"]
        step = self.settings[f"{quantity} step"]
        if not self.settings["points follow step"]:
            self.settings[f"{quantity} step"] = width / (self.settings["sweep points"] - 1)
        elif step:
            self.settings["sweep points"] = min(max(round(abs(width / step)) + 1, 2), 2500)

    def set_centre(
        self, quantity: Quantity, *, centre: float | None = None, span: float | None = None
    ) -> None:
        """SOURce:...:CENTer and SPAN: the other way to say start and stop."""
        start, stop = self.settings[f"{quantity} start"], self.settings[f"{quantity} stop"]
        centre = (start + stop) / 2 if centre is None else centre
        span = stop - start if span is None else span
        self.settings[f"{quantity} start"], self.settings[f"{quantity} stop"] = (
            centre - span / 2,
            centre + span / 2,
        )
        self.sweep_end_changed(quantity)

    def set_list(self, quantity: Quantity, levels: tuple[float, ...], *, append: bool = False) -> None:
        """SOURce:LIST: at most 100 levels in a message [D], 2500 altogether."""
        levels = (*self.settings[f"{quantity} list"], *levels) if append else levels
        if len(levels) > self.store_size or (not append and len(levels) > 100):
            raise ScpiError(-223)
        self.settings[f"{quantity} list"] = levels

    def initialise_memory(self) -> None:
        """SYSTem:MEMory:INITialize: empty buffer and lists."""
        self.settings["buffer control"] = "NEV"
        self.clear_buffer()
        self.settings.update({f"{quantity} list": (0.0,) for quantity in QUANTITIES})

    def _check_ohms(self) -> None:
        if self._auto_ohms:
            raise ScpiError(825)

    def _check_power(self, **change: float) -> None:
        """200 V allow 100 mA and 1 A allows 20 V, whichever of range and limit goes first ([M] p. 367)."""
        protection = {q: range_for(q, self.settings[f"{q} protection"]).nominal for q in QUANTITIES}
        ranges = {
            "VOLT": self.settings["VOLT source range"],
            "CURR": self.settings["CURR source range"],
            "VOLT_limit": protection["VOLT"],
            "CURR_limit": protection["CURR"],
            **change,
        }
        for volts, amps in (("VOLT", "CURR_limit"), ("VOLT_limit", "CURR")):
            if change.keys() & {volts, amps} and ranges[volts] > 20 and ranges[amps] > 0.1:
                raise ScpiError(826)

    # life

    def reset(self) -> None:
        """``*RST``: output off, everything at its default."""
        self.is_on = False
        self._forced = None
        super().reset()
        self._tripped.clear()
        self.settings["points follow step"] = False
        self.apply()

    def _draw_calibration(self) -> dict[tuple[str, str, float], tuple[float, float]]:
        """Gain and offset error of every range, a third of its one-year accuracy as standard deviation."""
        errors = {}
        for quantity, ranges in RANGES.items():
            for item in ranges:
                for side, gain, offset in (
                    ("measure", item.measure_gain, item.measure_offset),
                    ("source", item.source_gain, item.source_offset),
                ):
                    draw = self.rng.standard_normal(2).clip(-3, 3) / 3
                    errors[quantity, side, item.nominal] = (gain * float(draw[0]), offset * float(draw[1]))
        return errors

    # the trigger model

    def check_trigger(self) -> None:
        """A reading needs the output on or auto output-off ([M] p. 304), and a sweep possible levels."""
        if not (self.is_on or self.settings["auto off"] or self.reads_with_output_off):
            raise ScpiError(803)
        self.sweep_levels()

    def trigger_model(self) -> TriggerModel:
        """Source, delay, measure: `trigger count` times in each of `arm count` passes."""
        if self.settings["time reset"]:
            self.time_zero = self.step_time
        levels = self.sweep_levels()
        if levels:
            self.operation_status.set_condition(SWEEPING, True)
        position, passes, last_arm = 0, 0, -math.inf
        while passes < self.settings["arm count"]:
            yield from self.pass_layer("arm", last_arm)
            last_arm = self.step_time
            for _ in range(self.settings["trigger count"]):
                yield from self.pass_layer("trigger", 0.0)
                yield self.settings["trigger delay"] + TRIGGER_LATENCY + SOURCE_CONFIGURATION
                if levels:
                    self.force(levels[position % len(levels)])
                if self.settings["auto off"] and not self.is_on:
                    self.switch(True)
                yield self.source_delay
                if levels and self.settings["compliance abort"] == "EARL" and self.in_compliance():
                    return
                self.store((yield from self.measure()))
                if levels and self.settings["compliance abort"] == "LATE" and self.in_compliance():
                    return
                if self.settings["auto off"] and self.settings["auto off mode"] == "ALW":
                    self.switch(False)
                position += 1
            passes += 1

    def run_ended(self) -> None:
        """Auto output-off; a sweep may go back to the fixed level."""
        if self.settings["auto off"] and self.is_on:
            self.switch(False)
        if not self.stays_at_last_level:
            self.force(None)

    @property
    def source_delay(self) -> float:
        """The delay between source and measurement [s]."""
        return AUTO_SOURCE_DELAY if self.settings["source delay auto"] else self.settings["source delay"]

    def sweep_levels(self) -> list[float]:
        """The levels a run brings: of the list, the sweep or the trigger; empty when the source stays."""
        quantity, settings = self.sourced, self.settings
        mode = settings[f"{quantity} mode"]
        if self._auto_ohms:
            return []
        if mode == "FIX":
            triggered = settings[f"{quantity} triggered level"]
            return [] if triggered == settings[f"{quantity} level"] else [triggered]
        if mode == "LIST":
            return list(settings[f"{quantity} list"])
        start, stop, count = (
            settings[f"{quantity} start"],
            settings[f"{quantity} stop"],
            settings["sweep points"],
        )
        if settings["sweep spacing"] == "LOG":
            if start * stop <= 0:
                raise ScpiError(-221)
            levels = [start * (stop / start) ** (index / (count - 1)) for index in range(count)]
        else:
            levels = [start + (stop - start) * index / (count - 1) for index in range(count)]
        return levels[::-1] if settings["sweep direction"] == "DOW" else levels

    def measure(self) -> Generator[float, None, Reading]:
        """Take one reading; a generator of the seconds it takes that returns the `Reading`."""
        functions = self.settings["functions"]
        wanted = tuple(q for q in QUANTITIES if q in functions or "RES" in functions)
        yield from self._find_ranges(wanted)
        line_cycle = 1.0 / float(self.settings["line frequency"])
        conversions = max(len(wanted), 1) + (2 if self.settings["auto zero"] else 0)
        averaged = self.settings["filter count"] if self.settings["filter"] else 1
        repeats = averaged if self.settings["filter type"] == "REP" else 1
        aperture = repeats * conversions * (self.settings["nplc"] * line_cycle + CONVERSION_OVERHEAD)
        start = self.step_time
        yield aperture + max((FIRMWARE_TIME[q] for q in wanted), default=0.0)
        true = self._true_reading(start, aperture)
        noise = NOISE / math.sqrt(self.settings["nplc"] * repeats)
        digitised = tuple(
            self._digitise(q, value, noise) if q in wanted else 0.0
            for q, value in zip(QUANTITIES, true, strict=True)
        )
        if self.settings["filter"] and self.settings["filter type"] == "MOV":
            self._stack.append(digitised)
            digitised = tuple(map(statistics.fmean, zip(*list(self._stack)[-averaged:], strict=True)))
        return self._reading(dict(zip(QUANTITIES, digitised, strict=True)), true)

    def _find_ranges(self, wanted: tuple[Quantity, ...]) -> Iterator[float]:
        """Auto-range: step to the range of the value, up to that of the compliance."""
        if self._auto_ohms and self.settings["ohms auto"]:
            yield from self._find_ohms_range()
        for quantity in wanted:
            if quantity == self.sourced or not self.settings[f"{quantity} sense auto"]:
                continue
            value = abs(self._true_reading(self.step_time, 1e-4)[QUANTITIES.index(quantity)])
            nominal = range_for(quantity, value).nominal
            ceiling = range_for(quantity, self.settings[f"{quantity} protection"]).nominal
            nominal = min(
                max(nominal, range_for(quantity, self.settings[f"{quantity} lower limit"]).nominal), ceiling
            )
            steps = abs(round(math.log10(nominal / self.settings[f"{quantity} sense range"])))
            self.settings[f"{quantity} sense range"] = nominal
            yield steps * RANGE_CHANGE_TIME

    def _find_ohms_range(self) -> Iterator[float]:
        """Auto-range of the automatic ohms mode: another range is another test current."""
        before = self.settings["ohms range"]
        for full_scale in OHMS_RANGES:
            self.settings["ohms range"] = full_scale
            volts, amps = self._true_reading(self.step_time, 1e-4)
            if not self._at_limit(volts, amps) and abs(volts) <= full_scale * abs(amps):
                break
        if self.settings["ohms range"] != before:
            self.apply()
            yield RANGE_CHANGE_TIME

    def sense_range(self, quantity: Quantity) -> Range:
        """The range a quantity is measured on: the source's own where it is the one forced."""
        if quantity == self.sourced:
            return self.source_range()
        return range_of(quantity, self.settings[f"{quantity} sense range"])

    def _digitise(self, quantity: Quantity, value: float, noise: float) -> float:
        used = self.sense_range(quantity)
        gain, offset = self._errors_of_range[quantity, "measure", used.nominal]
        value = value * (1 + gain) + offset + noise * used.nominal * float(self.rng.standard_normal())
        step = used.nominal * 1e-6
        return round(value / step) * step

    def _reading(self, measured: dict[Quantity, float], true: tuple[float, float]) -> Reading:
        settings, functions = self.settings, self.settings["functions"]
        status = FRONT if settings["terminals"] == "FRON" else 0
        status |= FILTERED if settings["filter"] else 0
        status |= SOURCED_VOLTAGE if self.sourced == "VOLT" else SOURCED_CURRENT
        status |= FOUR_WIRE if settings["four wire"] else 0
        status |= AUTO_OHMS if self._auto_ohms else 0
        for name, bit in (("VOLT", MEASURED_VOLTAGE), ("CURR", MEASURED_CURRENT), ("RES", MEASURED_OHMS)):
            status |= bit if name in functions else 0
        tripped = self.is_on and self._at_limit(*true)
        if tripped:
            status |= RANGE_COMPLIANCE if self.limit()[1] else COMPLIANCE
        self.measurement_status.set_condition(EVENT_COMPLIANCE, tripped)
        if self.sourced == "VOLT" and abs(self.level) > settings["over-voltage limit"]:
            status |= OVER_VOLTAGE
        status |= MATH if settings["math"] else 0
        status |= NULLED if settings["null"] else 0
        values = []
        for quantity in QUANTITIES:
            if quantity in functions:
                values.append(measured[quantity])
            elif quantity == self.sourced:
                values.append(self.level)
            else:
                values.append(NOT_MEASURED)
        ohms = NOT_MEASURED
        if "RES" in functions:
            ohms = measured["VOLT"] / measured["CURR"] if measured["CURR"] else OVERFLOW
            if abs(ohms) >= OVERFLOW or (self._auto_ohms and abs(ohms) > 211e6):
                ohms, status = OVERFLOW, status | READING_OVERFLOW
                self.measurement_status.pulse(EVENT_OVERFLOW)
        status |= LIMITS if any(settings["limit state", number] for number in LIMIT_NUMBERS) else 0
        reading = (*values, ohms, round(self.timestamp, 3), float(status))
        self._test_limits(reading, tripped)
        return reading

    # CALCulate

    def calculate(self, readings: Sequence[Reading]) -> float:
        """CALCulate1: the named expression of the last reading, or of the last two as a vector."""
        name = self.settings["math name"]
        volts, amps = readings[-1][0], readings[-1][1]
        if max(abs(volts), abs(amps)) >= OVERFLOW:
            return OVERFLOW
        if name == "POWER":
            return volts * amps
        if len(readings) < 2:
            raise ScpiError(801)
        volts_before, amps_before = readings[-2][0], readings[-2][1]
        try:
            if name == "OFFCOMPOHM":
                return (volts - volts_before) / (amps - amps_before)
            if name == "VOLTCOEF":
                ohms, ohms_before = volts / amps, volts_before / amps_before
                return 100 * (ohms - ohms_before) / (min(ohms, ohms_before) * (volts - volts_before))
            return math.log(amps / amps_before) / math.log(volts / volts_before)
        except (ZeroDivisionError, ValueError):
            return OVERFLOW

    def _fed(self, reading: Reading) -> float:
        """The element or result that null and limits work on; overflow where there is no result."""
        feed = self.settings["limit feed"]
        if feed != "CALC1":
            return reading[FEEDS.index(feed)]
        is_stored = bool(self.readings) and self.readings[-1] is reading
        return self._result(self.readings if is_stored else [*self.readings, reading])

    def _result(self, readings: Sequence[Reading]) -> float:
        try:
            return self.calculate(readings)
        except ScpiError:
            return OVERFLOW

    def fed_value(self, reading: Reading) -> float:
        """CALCulate2: the fed value, null subtracted; sentinels stay."""
        value = self._fed(reading)
        return (
            value - self.settings["null offset"] if self.settings["null"] and abs(value) < OVERFLOW else value
        )

    def calculation(self, stage: int) -> str | bytes:
        """CALCulate1:DATA? and CALCulate2:DATA?: the last run's results; -230 when there are none."""
        if not self.readings:
            raise ScpiError(-230)
        if stage == 1:
            if not self.settings["math"]:
                return self.format_values([NOT_MEASURED])
            return self.format_values([self.calculate(self.readings)])
        return self.format_values([self.fed_value(reading) for reading in self.readings])

    def acquire_null(self) -> None:
        """CALCulate2:NULL:ACQuire: the last fed value becomes the offset."""
        if not self.readings:
            raise ScpiError(-230)
        self.settings["null offset"] = self._fed(self.readings[-1])

    def limit_failed(self, number: int) -> bool:
        """CALCulate2:LIMit:FAIL?: whether the last tested reading failed."""
        return self._tripped.get(number, False)

    def forget_limits(self) -> None:
        """CALCulate2:CLIMits:CLEar: as if nothing had been tested."""
        self._tripped.clear()
        self.measurement_status.set_condition(sum(map(sum, LIMIT_EVENTS.values())) | EVENT_LIMITS_PASS, False)

    def _test_limits(self, reading: Reading, tripped: bool) -> None:
        """Test the enabled limits: 1 is compliance, the others bounds on the fed value ([M] p. 288)."""
        enabled = [number for number in LIMIT_NUMBERS if self.settings["limit state", number]]
        if not enabled:
            return
        value = self.fed_value(reading)
        for number in enabled:
            if number == 1:
                low, high = tripped == (self.settings["compliance fails"] == "IN"), False
            else:
                low = value < self.settings["limit lower", number]
                high = value > self.settings["limit upper", number]
            self._tripped[number] = low or high
            low_event, high_event = LIMIT_EVENTS.get(number, (0, 0))
            self.measurement_status.set_condition(low_event, low)
            self.measurement_status.set_condition(high_event, high)
        self.measurement_status.set_condition(EVENT_LIMITS_PASS, not any(self._tripped[n] for n in enabled))

    def store(self, reading: Reading) -> None:
        """Keep a reading; the buffer takes the result instead where it is fed from CALCulate."""
        super().store(reading)
        feed = self.settings["buffer feed"]
        if feed != "SENS" and self.buffer and self.buffer[-1] is reading:
            result = self._result(self.readings) if feed == "CALC1" else self.fed_value(reading)
            self.buffer[-1] = (result, *reading[1:])

    # MEASure and CONFigure

    def configure(self, function: str) -> None:
        """CONFigure: one-shot settings for a function, and the output on ([M] p. 301)."""
        settings = self.settings
        self.abort()
        settings["functions"] = frozenset([function])
        for quantity in QUANTITIES if function == "RES" else (function,):
            settings[f"{quantity} sense auto"] = True
            settings[f"{quantity} lower limit"] = RANGES[quantity][0].nominal
            if self.configure_resets_compliance:
                settings[f"{quantity} protection"] = DEFAULT_RANGE[quantity].full_scale
                settings[f"{quantity} sense range"] = DEFAULT_RANGE[quantity].nominal
        settings.update(
            {"nplc": 1.0, "arm source": "IMM", "trigger source": "IMM", "arm count": 1, "trigger count": 1}
        )
        settings.update({"trigger delay": 0.0, "math": False, "buffer control": "NEV", "auto zero": True})
        if function == "RES":
            settings["ohms mode"] = "AUTO"
        self.switch(True)

    def configured(self) -> str:
        """CONFigure?: the function last configured."""
        functions = self.settings["functions"]
        return (
            '"' + next((FUNCTION_REPLIES[name] for name in FUNCTION_REPLIES if name in functions), "") + '"'
        )

    def measure_once(self, function: str | None = None) -> str | bytes | None:
        """MEASure?: CONFigure and READ?; without a function as configured."""
        if function is not None:
            self.configure(function)
        return self.read()


MATH_NAMES = ("POWER", "OFFCOMPOHM", "VOLTCOEF", "VARALPHA")


def math_name(text: str) -> str:
    """Return the name of a built-in expression; -224 for any other."""
    if text.upper() not in MATH_NAMES:
        raise ScpiError(-224)
    return text.upper()


FUNCTION_REPLIES = {"VOLT": "VOLT:DC", "CURR": "CURR:DC", "RES": "RES"}


def range_for(quantity: str, value: float) -> Range:
    """Return the most sensitive range that holds a value; -222 where none does."""
    for item in RANGES[quantity]:
        if abs(value) <= item.full_scale * (1 + 1e-9):
            return item
    raise ScpiError(-222)


def range_of(quantity: str, nominal: float) -> Range:
    """Return the range with this nominal value."""
    return next(item for item in RANGES[quantity] if item.nominal == nominal)


def function_name(text: str) -> str:
    """Return VOLT, CURR or RES for a quoted function name."""
    word = text.strip().upper().removesuffix(":DC").removesuffix(":AC")
    names = {
        "VOLT": "VOLT",
        "VOLTAGE": "VOLT",
        "CURR": "CURR",
        "CURRENT": "CURR",
        "RES": "RES",
        "RESISTANCE": "RES",
    }
    if word not in names:
        raise ScpiError(-141)
    return names[word]


# --- command table ----------------------------------------------------------------------------------

SOURCE_PAGE, SENSE_PAGE, CHAPTER = "[M] p. 362-367", "[M] p. 367-373", "[M] ch. 18"


def _source_commands(quantity: Quantity, node: str, maximum: float) -> tuple[Command, ...]:
    """SOURce:VOLTage or SOURce:CURRent."""
    base = f"[:SOURce[1]]:{node}"
    number = Number(-maximum, maximum, default=0)
    unit = "V" if quantity == "VOLT" else "A"

    def kept(name: str, after: Callable[..., None] | None = None) -> Command:
        return control(
            f"{base}:{name}",
            number,
            default=0.0,
            key=f"{quantity} {name.lower()}",
            after=after,
            meaning=f"{name.capitalize()} of the {node.lower()} sweep [{unit}]",
            source=SOURCE_PAGE,
        )

    return (
        Command(
            f"{base}[:LEVel][:IMMediate][:AMPLitude]",
            meaning=f"Fixed level [{unit}]; the range follows where it is automatic",
            source=SOURCE_PAGE,
            takes=(number,),
            set=lambda box, level: box.set_level(quantity, level),
            query=lambda box: float(box.settings[f"{quantity} level"]),
            keys=(f"{quantity} level",),
            default=0.0,
        ),
        control(
            f"{base}[:LEVel]:TRIGgered[:AMPLitude]",
            number,
            default=0.0,
            key=f"{quantity} triggered level",
            meaning=f"Level that a trigger brings: kept, not acted on [{unit}]",
            source=CHAPTER,
        ),
        Command(
            f"{base}:RANGe",
            meaning=f"Source range: the lowest that holds the value, automatic off [{unit}]",
            source=SOURCE_PAGE,
            takes=(Number(-maximum, maximum, default=DEFAULT_RANGE[quantity].full_scale),),
            set=lambda box, value: box.set_source_range(quantity, value),
            query=lambda box: range_of(quantity, box.settings[f"{quantity} source range"]).full_scale,
            keys=(f"{quantity} source range",),
            default=DEFAULT_RANGE[quantity].nominal,
        ),
        Command(
            f"{base}:RANGe:AUTO",
            meaning="Source range follows the level",
            source=SOURCE_PAGE,
            takes=(Switch(),),
            set=lambda box, on: box.set_source_range_auto(quantity, on),
            query=lambda box: box.settings[f"{quantity} source range auto"],
            keys=(f"{quantity} source range auto",),
            default=True,
        ),
        control(
            f"{base}:MODE",
            Choice("FIXed", "LIST", "SWEep"),
            default="FIX",
            key=f"{quantity} mode",
            meaning="Fixed level, list or sweep; [?] stays_at_last_level: where it is afterwards",
            source=CHAPTER,
        ),
        kept("STARt", lambda box: box.sweep_end_changed(quantity)),
        kept("STOP", lambda box: box.sweep_end_changed(quantity)),
        Command(
            f"{base}:STEP",
            meaning=f"Step of the sweep; sets the number of points [{unit}]",
            source=CHAPTER,
            takes=(number,),
            set=lambda box, step: box.set_step(quantity, step),
            query=lambda box: float(box.settings[f"{quantity} step"]),
            keys=(f"{quantity} step",),
            default=0.0,
        ),
        Command(
            f"{base}:CENTer",
            meaning=f"Middle of the sweep [{unit}]",
            source=CHAPTER,
            takes=(number,),
            set=lambda box, value: box.set_centre(quantity, centre=value),
            query=lambda box: (box.settings[f"{quantity} start"] + box.settings[f"{quantity} stop"]) / 2,
        ),
        Command(
            f"{base}:SPAN",
            meaning=f"Width of the sweep [{unit}]",
            source=CHAPTER,
            takes=(Number(-2 * maximum, 2 * maximum, default=0),),
            set=lambda box, value: box.set_centre(quantity, span=value),
            query=lambda box: float(box.settings[f"{quantity} stop"] - box.settings[f"{quantity} start"]),
        ),
        Command(
            f"[:SOURce[1]]:LIST:{node}",
            meaning=f"Levels of the list, up to 100 in one message [{unit}]",
            source=CHAPTER,
            takes=(Number(-maximum, maximum, repeated=True),),
            set=lambda box, *levels: box.set_list(quantity, levels),
            query=lambda box: ",".join(
                box.format_number(level) for level in box.settings[f"{quantity} list"]
            ),
            keys=(f"{quantity} list",),
            default=(0.0,),
        ),
        Command(
            f"[:SOURce[1]]:LIST:{node}:APPend",
            meaning="More levels, 2500 altogether",
            source=CHAPTER,
            takes=(Number(-maximum, maximum, repeated=True),),
            set=lambda box, *levels: box.set_list(quantity, levels, append=True),
        ),
        Command(
            f"[:SOURce[1]]:LIST:{node}:POINts",
            meaning="Levels in the list",
            source=CHAPTER,
            query=lambda box: len(box.settings[f"{quantity} list"]),
        ),
    )


def _sense_commands(quantity: Quantity, node: str, maximum: float) -> tuple[Command, ...]:
    """SENSe:VOLTage or SENSe:CURRent; PROTection is the compliance when the other quantity is sourced."""
    base = f"[:SENSe[1]]:{node}[:DC]"
    unit = "V" if quantity == "VOLT" else "A"
    default = DEFAULT_RANGE[quantity]
    lowest = RANGES[quantity][0]
    return (
        Command(
            f"{base}:RANGe[:UPPer]",
            meaning=f"Measurement range: the lowest that holds the value, automatic off [{unit}]",
            source=SENSE_PAGE,
            takes=(Number(-maximum, maximum, default=default.full_scale),),
            set=lambda box, value: box.set_sense_range(quantity, value),
            query=lambda box: box.sense_range(quantity).full_scale,
            keys=(f"{quantity} sense range",),
            default=default.nominal,
        ),
        Command(
            f"{base}:RANGe:AUTO",
            meaning="Measurement range follows the reading",
            source=SENSE_PAGE,
            takes=(Switch(),),
            set=lambda box, on: box.set_sense_range_auto(quantity, on),
            query=lambda box: box.settings[f"{quantity} sense auto"],
            keys=(f"{quantity} sense auto",),
            default=True,
        ),
        control(
            f"{base}:RANGe:AUTO:LLIMit",
            Number(-maximum, maximum, default=lowest.nominal),
            default=lowest.nominal,
            key=f"{quantity} lower limit",
            meaning=f"Lowest range of the automatic [{unit}]",
            source=SENSE_PAGE,
        ),
        Command(
            f"{base}:RANGe:AUTO:ULIMit",
            meaning=f"Highest range of the automatic: that of the compliance [{unit}]",
            source=SENSE_PAGE,
            query=lambda box: range_for(quantity, box.settings[f"{quantity} protection"]).full_scale,
        ),
        control(
            f"{base}:NPLCycles",
            Number(0.01, 10, default=1),
            default=1.0,
            key="nplc",
            meaning="Aperture in power line cycles, one for all functions",
            source="[M] p. 370; global [D]",
        ),
        Command(
            f"{base}:PROTection[:LEVel]",
            meaning=f"Compliance [{unit}]; its sign does not matter",
            source=SENSE_PAGE,
            takes=(Number(-maximum, maximum, default=default.full_scale),),
            set=lambda box, value: box.set_protection(quantity, value),
            query=lambda box: float(box.settings[f"{quantity} protection"]),
            keys=(f"{quantity} protection",),
            default=default.full_scale,
        ),
        Command(
            f"{base}:PROTection:TRIPped",
            meaning="Whether the compliance limits now",
            source=SENSE_PAGE,
            query=lambda box: box.sourced != quantity and box.in_compliance(),
        ),
        control(
            f"{base}:PROTection:RSYNchronize",
            Switch(),
            default=False,
            meaning="Range and compliance follow each other: kept, not acted on",
            source=CHAPTER,
        ),
    )


def _kept(
    header: str, parameter: Any, default: Any, key: str, meaning: str, source: str = CHAPTER
) -> Command:
    return control(header, parameter, default=default, key=key or header, meaning=meaning, source=source)


def _quoted(names: Any) -> str:
    return (
        ",".join(f'"{FUNCTION_REPLIES[name]}"' for name in ("VOLT", "CURR", "RES") if name in names) or '""'
    )


def _functions_off(box: Keithley2400) -> frozenset[str]:
    return frozenset(FUNCTION_REPLIES) - box.settings["functions"]


FUNCTION_COMMANDS = (
    Command(
        "[:SENSe[1]]:FUNCtion[:ON]",
        meaning="Functions to measure, quoted",
        source="[M] p. 367",
        takes=(Text(repeated=True),),
        set=lambda box, *names: box.set_functions(names),
        query=lambda box: _quoted(box.settings["functions"]),
        keys=("functions",),
        default=frozenset(["CURR"]),
    ),
    Command(
        "[:SENSe[1]]:FUNCtion:OFF",
        meaning="Functions not to measure, quoted",
        source=CHAPTER,
        takes=(Text(repeated=True),),
        set=lambda box, *names: box.set_functions(names, on=False),
        query=lambda box: _quoted(_functions_off(box)),
    ),
    Command(
        "[:SENSe[1]]:FUNCtion[:ON]:ALL",
        meaning="Measure all",
        source=CHAPTER,
        set=lambda box: box.set_all_functions(True),
    ),
    Command(
        "[:SENSe[1]]:FUNCtion:OFF:ALL",
        meaning="Measure none",
        source=CHAPTER,
        set=lambda box: box.set_all_functions(False),
    ),
    Command(
        "[:SENSe[1]]:FUNCtion[:ON]:COUNt",
        meaning="Functions measured",
        source=CHAPTER,
        query=lambda box: len(box.settings["functions"]),
    ),
    Command(
        "[:SENSe[1]]:FUNCtion:OFF:COUNt",
        meaning="Functions not measured",
        source=CHAPTER,
        query=lambda box: len(_functions_off(box)),
    ),
    Command(
        "[:SENSe[1]]:FUNCtion:STATe",
        meaning="Whether a function is measured",
        source=CHAPTER,
        asks=(Text(),),
        query=lambda box, name: function_name(name) in box.settings["functions"],
    ),
    _kept(
        "[:SENSe[1]]:FUNCtion:CONCurrent", Switch(), True, "concurrent", "Measure several functions at once"
    ),
)

OHMS_COMMANDS = (
    _kept(
        "[:SENSe[1]]:RESistance:MODE",
        Choice("MANual", "AUTO"),
        "AUTO",
        "ohms mode",
        "Ohms with own test current",
    ),
    Command(
        "[:SENSe[1]]:RESistance:RANGe[:UPPer]",
        meaning="Ohms range: the lowest that holds the value, automatic off [ohm]",
        source=SENSE_PAGE,
        takes=(Number(0, 210e6, default=210e3),),
        set=lambda box, value: box.set_ohms_range(value),
        query=lambda box: float(box.settings["ohms range"]),
        keys=("ohms range",),
        default=210e3,
    ),
    _kept("[:SENSe[1]]:RESistance:RANGe:AUTO", Switch(), True, "ohms auto", "Ohms range follows the reading"),
    _kept(
        "[:SENSe[1]]:RESistance:RANGe:AUTO:LLIMit",
        Number(0, 210e6),
        21.0,
        "",
        "Lowest ohms range of the automatic [ohm]",
    ),
    _kept(
        "[:SENSe[1]]:RESistance:RANGe:AUTO:ULIMit",
        Number(0, 210e6),
        210e6,
        "",
        "Highest ohms range of the automatic [ohm]",
    ),
    _kept(
        "[:SENSe[1]]:RESistance:NPLCycles",
        Number(0.01, 10, default=1),
        1.0,
        "nplc",
        "Aperture, one for all functions",
    ),
    _kept(
        "[:SENSe[1]]:RESistance:OCOMpensated",
        Switch(),
        False,
        "",
        "Offset-compensated ohms: kept, not acted on",
    ),
)

LIMIT = ":CALCulate2:LIMit{" + "|".join(str(number) for number in LIMIT_NUMBERS) + "}"
BOUNDED_LIMIT = LIMIT.replace("{1|", "{")
BIG = Number(-9.999999e20, 9.999999e20)

PATTERN = Number(0, 15, integer=True)
LIMIT_FEED = Choice(
    "CALCulate1", "VOLTage", "CURRent", "RESistance", aliases={"CALC": "CALC1", "CALCULATE": "CALC1"}
)

CALCULATE_COMMANDS = (
    Command(
        ":CALCulate[1]:MATH[:EXPRession]:NAME",
        meaning="Expression, quoted or not; expressions of one's own are not implemented",
        source=CHAPTER,
        takes=(Text(bare=True),),
        set=lambda box, name: box.settings.update({"math name": math_name(name)}),
        query=lambda box: f'"{box.settings["math name"]}"',
        keys=("math name",),
        default="POWER",
    ),
    Command(
        ":CALCulate[1]:MATH[:EXPRession]:CATalog",
        meaning="Names of the expressions",
        source=CHAPTER,
        query=lambda box: ",".join(f'"{name}"' for name in MATH_NAMES),
    ),
    _kept(":CALCulate[1]:MATH:UNITs", Text(), "", "", "Unit of the expression, shown on the panel"),
    _kept(":CALCulate[1]:STATe", Switch(), False, "math", "Expression on"),
    Command(
        ":CALCulate[1]:DATA[:LATest]",
        meaning="Result of the expression",
        source=CHAPTER,
        query=lambda box: box.calculation(1),
    ),
    _kept(
        ":CALCulate2:FEED",
        Choice(
            "CALCulate1", "VOLTage", "CURRent", "RESistance", aliases={"CALC": "CALC1", "CALCULATE": "CALC1"}
        ),
        "VOLT",
        "limit feed",
        "What null and limits work on",
    ),
    _kept(":CALCulate2:NULL:OFFSet", BIG, 0.0, "null offset", "Offset subtracted"),
    _kept(":CALCulate2:NULL:STATe", Switch(), False, "null", "Null on"),
    Command(
        ":CALCulate2:NULL:ACQuire",
        meaning="Take the last value as offset",
        source=CHAPTER,
        set=lambda box: box.acquire_null(),
    ),
    Command(
        ":CALCulate2:DATA[:LATest]",
        meaning="The last run's values, nulled",
        source=CHAPTER,
        query=lambda box: box.calculation(2),
    ),
    _kept(
        f"{LIMIT}:STATe",
        Switch(),
        False,
        "limit state",
        "Limit tested; 1 is the compliance test",
        "[M] p. 288",
    ),
    Command(
        f"{LIMIT}:FAIL",
        meaning="Whether the last reading failed",
        source="[M] p. 288",
        query=lambda box, number: box.limit_failed(number),
    ),
    _kept(
        ":CALCulate2:LIMit[1]:COMPliance:FAIL",
        Choice("IN", "OUT"),
        "IN",
        "compliance fails",
        "Fail in or out of compliance",
    ),
    _kept(f"{BOUNDED_LIMIT}:UPPer[:DATA]", BIG, 1.0, "limit upper", "Upper limit"),
    _kept(f"{BOUNDED_LIMIT}:LOWer[:DATA]", BIG, -1.0, "limit lower", "Lower limit"),
    _kept(
        f"{BOUNDED_LIMIT}:UPPer:SOURce2",
        PATTERN,
        15,
        "limit upper pattern",
        "Digital output when above",
    ),
    _kept(
        f"{BOUNDED_LIMIT}:LOWer:SOURce2",
        PATTERN,
        15,
        "limit lower pattern",
        "Digital output when below",
    ),
    _kept(
        f"{BOUNDED_LIMIT}:PASS:SOURce2",
        PATTERN,
        15,
        "limit pass pattern",
        "Digital output when passed",
    ),
    _kept(
        ":CALCulate2:CLIMits:PASS:SOURce2",
        PATTERN,
        15,
        "",
        "Digital output when all pass",
    ),
    _kept(
        ":CALCulate2:CLIMits:FAIL:SOURce2",
        PATTERN,
        15,
        "",
        "Digital output when one fails",
    ),
    _kept(
        ":CALCulate2:CLIMits:BCONtrol",
        Choice("IMMediate", "END"),
        "IMM",
        "",
        "When the digital output follows",
    ),
    _kept(":CALCulate2:CLIMits:MODE", Choice("GRADing", "SORTing"), "GRAD", "", "What the limits are for"),
    _kept(":CALCulate2:CLIMits:CLEar:AUTO", Switch(), True, "", "Limits forgotten when a run starts"),
    Command(
        ":CALCulate2:CLIMits:CLEar[:IMMediate]",
        meaning="Forget limit results",
        source=CHAPTER,
        set=lambda box: box.forget_limits(),
    ),
    _kept(
        ":SOURce2:TTL[:LEVel][:DEFault]",
        PATTERN,
        15,
        "digital output",
        "Digital output lines",
    ),
    Command(
        ":SOURce2:TTL[:LEVel]:ACTual",
        meaning="Digital output lines now",
        source=CHAPTER,
        query=lambda box: box.settings["digital output"],
    ),
    _kept(":SOURce2:BSIZe", Number(3, 4, integer=True), 4, "", "Lines of the digital output"),
    _kept(":SOURce2:CLEar:AUTO", Switch(), False, "", "Digital output back to its default after a test"),
    _kept(":SOURce2:CLEar:AUTO:DELay", Number(0, 60), 1e-4, "", "Length of the digital output's pulse [s]"),
    Command(
        ":SOURce2:CLEar[:IMMediate]",
        meaning="Digital output back to its default",
        source=CHAPTER,
        set=lambda box: None,
    ),
)

Keithley2400.commands = (
    *_source_commands("VOLT", "VOLTage", 210.0),
    *_source_commands("CURR", "CURRent", 1.05),
    Command(
        "[:SOURce[1]]:FUNCtion[:MODE]",
        meaning="What is forced; a memory sweep is not implemented",
        source="[M] p. 362",
        takes=(Choice("VOLTage", "CURRent"),),
        set=lambda box, function: box.set_source_function(function),
        query=lambda box: box.settings["source function"],
        keys=("source function",),
        default="VOLT",
    ),
    _kept("[:SOURce[1]]:FUNCtion:SHAPe", Choice("DC"), "DC", "", "Shape of the output"),
    Command(
        "[:SOURce[1]]:DELay",
        meaning="Delay between source and measurement [s]; automatic off",
        source="[M] p. 367; value after *RST [D], the manual says 0",
        takes=(Number(0, 999.9999, default=0),),
        set=lambda box, value: box.settings.update({"source delay": value, "source delay auto": False}),
        query=lambda box: float(box.settings["source delay"]),
        keys=("source delay",),
        default=AUTO_SOURCE_DELAY,
    ),
    _kept("[:SOURce[1]]:DELay:AUTO", Switch(), True, "source delay auto", "Delay chosen by the box"),
    Command(
        "[:SOURce[1]]:CLEar[:IMMediate]",
        meaning="Output off",
        source=CHAPTER,
        set=lambda box: box.switch(False),
    ),
    _kept("[:SOURce[1]]:CLEar:AUTO", Switch(), False, "auto off", "Output on only for the measurement"),
    _kept(
        "[:SOURce[1]]:CLEar:AUTO:MODE",
        Choice("ALWays", "TCOunt"),
        "ALW",
        "auto off mode",
        "Off after each reading, or after the run",
    ),
    Command(
        "[:SOURce[1]]:VOLTage:PROTection[:LEVel]",
        meaning="Over-voltage limit of the source [V]",
        source="[M] ch. 18; [?] steps 20 to 160 V, 500 is none",
        takes=(Number(0, 500, default=500),),
        set=lambda box, value: box.set_over_voltage_limit(value),
        query=lambda box: float(box.settings["over-voltage limit"]),
        keys=("over-voltage limit",),
        default=500.0,
    ),
    Command(
        "[:SOURce[1]]:VOLTage:PROTection:TRIPped",
        meaning="Whether the over-voltage limit limits now",
        source=CHAPTER,
        query=lambda box: (
            box.is_on and box.sourced == "VOLT" and abs(box.level) > box.settings["over-voltage limit"]
        ),
    ),
    _kept(
        "[:SOURce[1]]:SWEep:SPACing",
        Choice("LINear", "LOGarithmic"),
        "LIN",
        "sweep spacing",
        "Spacing of the points",
    ),
    Command(
        "[:SOURce[1]]:SWEep:POINts",
        meaning="Points of the sweep; sets the step",
        source="[M] p. 323",
        takes=(Number(2, 2500, default=2500, integer=True),),
        set=lambda box, count: box.set_points(count),
        query=lambda box: box.settings["sweep points"],
        keys=("sweep points",),
        default=2500,
    ),
    _kept(
        "[:SOURce[1]]:SWEep:DIRection",
        Choice("UP", "DOWn"),
        "UP",
        "sweep direction",
        "From start to stop, or back",
    ),
    _kept(
        "[:SOURce[1]]:SWEep:RANGing",
        Choice("BEST", "AUTO", "FIXed"),
        "BEST",
        "sweep ranging",
        "Source range during a sweep",
    ),
    _kept(
        "[:SOURce[1]]:SWEep:CABort",
        Choice("NEVer", "EARLy", "LATE"),
        "NEV",
        "compliance abort",
        "End the sweep in compliance",
    ),
    *_sense_commands("VOLT", "VOLTage", 210.0),
    *_sense_commands("CURR", "CURRent", 1.05),
    *FUNCTION_COMMANDS,
    *OHMS_COMMANDS,
    _kept("[:SENSe[1]]:AVERage[:STATe]", Switch(), False, "filter", "Average readings"),
    _kept(
        "[:SENSe[1]]:AVERage:TCONtrol",
        Choice("REPeat", "MOVing"),
        "REP",
        "filter type",
        "Repeating or moving average",
    ),
    _kept(
        "[:SENSe[1]]:AVERage:COUNt",
        Number(1, 100, default=10, integer=True),
        10,
        "filter count",
        "Readings averaged",
    ),
    Command(
        ":OUTPut[1][:STATe]",
        meaning="Output on or off; off waits for a running measurement",
        source="[M] p. 354",
        takes=(Switch(),),
        set=lambda box, on: box.switch(on),
        query=lambda box: box.is_on,
    ),
    _kept(
        ":OUTPut[1]:SMODe",
        Choice("HIMPedance", "NORMal", "ZERO", "GUARd"),
        "NORM",
        "off state",
        "What off means",
        "[M] p. 254, p. 362",
    ),
    _kept(
        ":OUTPut[1]:ENABle[:STATe]", Switch(), False, "enable line used", "The output-enable line is obeyed"
    ),
    Command(
        ":OUTPut[1]:ENABle:TRIPped",
        meaning="Whether the output-enable line lets the output on",
        source=CHAPTER,
        query=lambda box: box.enable_line_closed or not box.settings["enable line used"],
    ),
    Command(
        ":ROUTe:TERMinals",
        meaning="Front or rear terminals; changing them switches the output off",
        source="[M] ch. 18",
        takes=(Choice("FRONt", "REAR"),),
        set=lambda box, side: box.set_terminals(side),
        query=lambda box: box.settings["terminals"],
        keys=("terminals",),
        default="FRON",
    ),
    *(
        command
        for node, name in (("VOLTage[:DC]", "VOLT"), ("CURRent[:DC]", "CURR"), ("RESistance", "RES"))
        for command in (
            Command(
                f":CONFigure:{node}",
                meaning="One-shot settings for this function, and the output on",
                source="[M] p. 301; compliance too: [?] configure_resets_compliance",
                set=lambda box, name=name: box.configure(name),
            ),
            Command(
                f":MEASure:{node}",
                meaning="CONFigure and READ?: switches the output on",
                source="[M] p. 302; +803 with the output off: [?] reads_with_output_off",
                query=lambda box, name=name: box.measure_once(name),
            ),
        )
    ),
    Command(
        ":CONFigure",
        meaning="The function configured",
        source="[M] p. 301",
        query=lambda box: box.configured(),
    ),
    Command(
        ":MEASure", meaning="READ? as configured", source="[M] p. 302", query=lambda box: box.measure_once()
    ),
    *READING_COMMANDS,
    *BUFFER_COMMANDS,
    *CALCULATE_COMMANDS,
    Command(
        ":CALCulate3:DATA",
        meaning="Statistic of the stored voltages, currents and resistances",
        source=CHAPTER,
        query=lambda box: box.buffer_statistic(
            [index for index, name in enumerate(("VOLT", "CURR", "RES")) if name in box.settings["elements"]]
        ),
    ),
    *trigger_commands(
        arm_sources=Choice("IMMediate", "TLINk", "TIMer", "MANual", "BUS", "NSTest", "PSTest", "BSTest"),
        trigger_sources=Choice("IMMediate", "TLINk"),
        trigger_outputs=Choice("SOURce", "DELay", "SENSe", "NONE"),
    ),
    _kept(
        ":TRIGger[:SEQuence[1]][:TCONfigure][:ASYNchronous]:INPut",
        Choice("SOURce", "DELay", "SENSe", "NONE"),
        "NONE",
        "",
        "Trigger input event",
    ),
    *format_commands(Keithley2400.elements),
    *STATUS_COMMANDS,
    *SYSTEM_COMMANDS,
    _kept(":SYSTem:RSENse", Switch(), False, "four wire", "Four-wire sensing"),
    _kept(":SYSTem:GUARd", Choice("OHMS", "CABLe"), "CABL", "", "Guard mode"),
    Command(
        ":SYSTem:BEEPer[:IMMediate]",
        meaning="Sound a tone: frequency [Hz], duration [s]",
        source="[D]",
        takes=(Number(65, 2e6), Number(0, 7.9)),
        set=lambda box, *_: None,
    ),
    _kept(":SYSTem:BEEPer:STATe", Switch(), True, "", "Sounds allowed"),
    Command(
        ":SYSTem:MEMory:INITialize",
        meaning="Empty lists and buffer",
        source=CHAPTER,
        set=lambda box: box.initialise_memory(),
    ),
    control(
        ":SYSTem:MEP[:STATe]",
        Switch(),
        initial=True,
        meaning="SCPI protocol on GPIB; the other one is not implemented",
        source="[D]",
    ),
    _kept(":SYSTem:CCHeck", Switch(), False, "", "Contact check: kept, not acted on"),
    Command(
        ":SYSTem:TIME",
        meaning="Seconds of the time stamp [s]",
        source="[M] p. 355",
        query=lambda box: f"{(box.clock.monotonic() - box.time_zero) % 100000.0:.2f}",
    ),
    Command(
        ":SYSTem:RNUMber:RESet", meaning="Reading numbers from zero", source=CHAPTER, set=lambda box: None
    ),
)
