"""A Keithley 2400 SourceMeter: its state and its physics.

Its ranges are in `keithley2400_ranges`, its command table in `keithley2400_commands`, the trigger model, the
stores and the status tree in `keithley`. Page numbers are those of the manual 2400S-900-01 rev. K; tags as in
`keithley`.
"""

import math
import statistics
from collections import deque
from collections.abc import Generator, Iterator, Sequence

from sim_instruments.clock import Clock
from sim_instruments.keithley import (
    ERROR_TEXTS,
    NOT_MEASURED,
    OVERFLOW,
    SWEEPING,
    KeithleyBox,
    Reading,
    TriggerModel,
)
from sim_instruments.keithley2400_commands import COMMANDS, ELEMENTS
from sim_instruments.keithley2400_ranges import (
    AUTO_SOURCE_DELAY,
    AUTO_SOURCE_DELAYS,
    DEFAULT_RANGE,
    FEEDS,
    FUNCTION_REPLIES,
    LIMIT_NUMBERS,
    OHMS_RANGES,
    OTHER,
    OVER_VOLTAGE_LIMITS,
    QUANTITIES,
    RANGES,
    Quantity,
    Range,
    function_name,
    range_for,
    range_of,
)
from sim_instruments.scpi import Command, ScpiError
from sim_instruments.terminals import OpenSource, SourceKind, SourceTerminals

TRIGGER_LATENCY, SOURCE_CONFIGURATION, CONVERSION_OVERHEAD = 225e-6, 50e-6, 185e-6  # [M] 2440 p. 433
FIRMWARE_TIME = {"VOLT": 300e-6, "CURR": 640e-6}  # [M] 2440 p. 433
RANGE_CHANGE_TIME = 5e-3  # [?] assumption
RELAY_TIME = 15e-3  # [M] p. 254
NOISE = 3e-6  # [?] assumption: standard deviation of one conversion of 1 power line cycle, of nominal range

# bits of the status word of a reading ([M] p. 356; 2, 7 and 10-12 as in GW Instek's clone GSM-20H10)
(
    FILTERED, FRONT, COMPLIANCE, OVER_VOLTAGE, MATH, NULLED, LIMITS, AUTO_OHMS, MEASURED_VOLTAGE,
    MEASURED_CURRENT, MEASURED_OHMS, SOURCED_VOLTAGE, SOURCED_CURRENT, RANGE_COMPLIANCE, OFFSET_COMPENSATED,
    FOUR_WIRE,
) = (1 << bit for bit in (1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 22))  # fmt: skip
READING_OVERFLOW = 1

# measurement event register ([M] p. 288)
LIMIT_EVENTS = {1: (1 << 0, 0), 2: (1 << 1, 1 << 2), 3: (1 << 3, 1 << 4)}
EVENT_LIMITS_PASS = 1 << 5
EVENT_OVERFLOW, EVENT_ENABLE_LINE, EVENT_TOO_HOT = 1 << 7, 1 << 11, 1 << 12
EVENT_OVER_VOLTAGE, EVENT_COMPLIANCE = 1 << 13, 1 << 14


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
        804: "Expression list full",
        805: "Undefined expression exists",
        806: "Expression not found",
        807: "Definition not allowed",
        808: "Expression cannot be deleted",
        809: "Source memory location revised",
        810: "OUTPUT blocked by Over Temp",
        822: "Too small for sense range",
        823: "Invalid with source read-back on",
        824: "Cannot exceed compliance range",
        825: "Invalid with auto-ohms on",
        826: "Attempt to exceed power limit",
        827: "Invalid with ohms guard on",
        828: "Invalid on 1 amp range",
        829: "Invalid on 1kV range",
        830: "Invalid with INF ARM:COUNT",
        831: "Invalid in Pulse Mode",
    }
    elements = ELEMENTS
    commands = COMMANDS
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
        level = max(-used.full_scale, min(used.full_scale, self.level))
        level = round(level / step) * step * (1 + gain) + offset
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

    def over_voltage_trips(self) -> bool:
        """Whether the over-voltage limit holds the source back now."""
        return self.is_on and self.sourced == "VOLT" and abs(self.level) > self.settings["over-voltage limit"]

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

    def set_source_range(self, quantity: Quantity, value: float | str) -> None:
        """SOURce:...:RANGe: fix the range, or go UP or DOWN by one; the level stays within it."""
        self._check_ohms()
        if isinstance(value, str):
            ranges = RANGES[quantity]
            place = ranges.index(range_of(quantity, self.settings[f"{quantity} source range"]))
            chosen = ranges[min(max(place + (1 if value == "UP" else -1), 0), len(ranges) - 1)]
        else:
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
        is_fixed = not self.settings[f"{quantity} sense auto"]
        follows = is_fixed and self.settings["range follows compliance"]
        if is_fixed and not follows and value < 0.001 * sense_range:
            raise ScpiError(822)
        self.settings[f"{quantity} protection"] = value
        self.settings[f"{quantity} sense range"] = min(sense_range, compliance_range)
        if follows:
            self.settings[f"{quantity} sense range"] = compliance_range
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

    def before(self, command: Command) -> None:
        """Follow the run, the output-enable line and the temperature."""
        super().before(command)
        self.measurement_status.set_condition(EVENT_ENABLE_LINE, self.enable_line_closed)
        self.measurement_status.set_condition(EVENT_TOO_HOT, self.too_hot)

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
            if self.settings["auto off"]:
                self.switch(False)
            passes += 1

    def run_ended(self) -> None:
        """Auto output-off; a sweep may go back to the fixed level."""
        if self.settings["auto off"] and self.is_on:
            self.switch(False)
        if not self.stays_at_last_level:
            self.force(None)

    @property
    def source_delay(self) -> float:
        """The delay between source and measurement [s]; the automatic one by current range."""
        if not self.settings["source delay auto"]:
            return self.settings["source delay"]
        return AUTO_SOURCE_DELAYS.get(self.sense_range("CURR").nominal, AUTO_SOURCE_DELAY)

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
        status |= OVER_VOLTAGE if self.over_voltage_trips() else 0
        self.measurement_status.set_condition(EVENT_OVER_VOLTAGE, self.over_voltage_trips())
        status |= OFFSET_COMPENSATED if settings["offset compensation"] else 0
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
