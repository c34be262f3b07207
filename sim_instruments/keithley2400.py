"""A Keithley 2400 SourceMeter: its state and its physics.

Its ranges are in `keithley2400_ranges`, its command table in `keithley2400_commands`, the trigger model, the
stores and the status tree in `keithley`. Page numbers are those of the manual 2400S-900-01 rev. K; tags as in
`keithley`.
"""

import math
import statistics
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from sim_instruments.clock import Clock
from sim_instruments.keithley import (
    ERROR_TEXTS,
    NOT_MEASURED,
    OVERFLOW,
    SWEEPING,
    KeithleyBox,
    Reading,
    TriggerModel,
    next_range,
)
from sim_instruments.keithley2400_commands import COMMANDS, ELEMENTS
from sim_instruments.keithley2400_math import Expressions
from sim_instruments.keithley2400_ranges import (
    AUTO_SOURCE_DELAY,
    AUTO_SOURCE_DELAYS,
    DEFAULT_RANGE,
    FEEDS,
    FUNCTION_REPLIES,
    LIMIT_NUMBERS,
    MEMORY_LOCATIONS,
    OHMS_RANGES,
    OTHER,
    OVER_VOLTAGE_LIMITS,
    QUANTITIES,
    RANGES,
    Quantity,
    Range,
    function_name,
    is_memorable,
    range_for,
    range_of,
)
from sim_instruments.scpi import Command, ScpiError
from sim_instruments.terminals import OpenSource, SourceKind, SourceTerminals

TRIGGER_LATENCY, SOURCE_CONFIGURATION, CONVERSION_OVERHEAD = 225e-6, 50e-6, 185e-6  # [M] 2440 p. 433
FIRMWARE_TIME = {"VOLT": 300e-6, "CURR": 640e-6}  # [M] 2440 p. 433
RANGE_CHANGE_TIME = 5e-3  # [?] assumption
RELAY_TIME = 15e-3  # [M] p. 254
HIGH_CURRENT = 1.0  # [A]; the range without ohms guard
RESTING_LIMIT = 0.005  # [1]; of the range, in the off states NORMal and GUARd ([M] p. 362)
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
    zero_state_measures : READ? with the output off is answered in the off state ZERO. [?] The manual (p. 255)
        has the box measure there, and says of READ? (p. 304) that the output must be on.
    stays_at_last_level : after a sweep the source stays at its last level until the output is switched off,
        else it goes back to the fixed one. [?]
    """

    name = "keithley2400"
    identity = "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1248014,C30   Mar 17 2006 09:29:29/A02  /K/J"
    gpib_address = 24
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
        811: "Not an operator or number",
        812: "Mismatched parenthesis",
        813: "Not a number of data handle",
        814: "Mismatched brackets",
        815: "Too many parenthesis",
        816: "Entire expression not parsed",
        817: "Unknown token",
        818: "Error parsing mantissa",
        819: "Error parsing exponent",
        820: "Error parsing value",
        821: "Invalid data handle index",
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
        zero_state_measures: bool = True,
        stays_at_last_level: bool = True,
    ) -> None:
        self.terminals: SourceTerminals = terminals or OpenSource()
        self.reads_with_output_off = reads_with_output_off
        self.configure_resets_compliance = configure_resets_compliance
        self.zero_state_measures = zero_state_measures
        self.stays_at_last_level = stays_at_last_level
        self.enable_line_closed = True
        self.too_hot = False
        self.is_on = False
        self.expressions = Expressions()
        self.source_memory: dict[int, dict[Any, Any]] = {}
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

    @property
    def senses_remotely(self) -> bool:
        """SYSTem:RSENse: whether voltages are taken at the sample."""
        return bool(self.settings["four wire"])

    def switch(self, on: bool) -> None:
        """OUTPut: on or off; the relay of the high-impedance off state takes its time."""
        if on and self._is_blocked:
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
        source, level, limit = self._drive() if self.is_on else self._resting()
        volts = self.terminals.output(on=self.is_on, source=source, level=level, limit=limit)
        volts = volts if self.is_on else 0.0
        self._stack.clear()
        was_on, before = self._announced
        if self.is_on != was_on or not math.isclose(volts, before, rel_tol=1e-6, abs_tol=1e-6):
            self._announced = (self.is_on, volts)
            self.announce_output(self.is_on, volts)

    def _drive(self) -> tuple[SourceKind, float, float]:
        """What the terminals carry with the output on: source, level and limit of the other quantity."""
        return "voltage" if self.sourced == "VOLT" else "current", self.true_level(), self.limit()[0]

    def _resting(self) -> tuple[SourceKind, float, float]:
        """What the terminals carry with the output off ([M] p. 254-256, 362); a limit of zero is open.

        An open enable line and over temperature open the relay whatever the off state.
        """
        state = self.settings["off state"]
        if state == "HIMP" or self.too_hot or self._is_blocked:
            return "voltage", 0.0, 0.0
        if state == "GUAR":
            return "current", 0.0, RESTING_LIMIT * self.sense_range("VOLT").nominal
        limit = RESTING_LIMIT * self.sense_range("CURR").nominal
        if state == "ZERO":
            limit = self.limit()[0] if self.sourced == "VOLT" else max(limit, abs(self.level))
        return "voltage", 0.0, limit

    @property
    def _is_blocked(self) -> bool:
        return self.settings["enable line used"] and not self.enable_line_closed

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
        source, level, limit = self._drive() if self.is_on else self._resting()
        if limit == 0.0:
            return 0.0, 0.0
        return self.terminals.measure(source=source, level=level, limit=limit, start=start, duration=duration)

    # settings that depend on each other

    def set_level(self, quantity: Quantity, level: float) -> None:
        """SOURce:...:LEVel: change the fixed level; with auto-range the range follows."""
        self._check_ohms()
        name = f"{quantity} source range"
        if self.settings[f"{name} auto"]:
            nominal = range_for(quantity, level).nominal
            self._check_guard(quantity, nominal)
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
        chosen = self._asked_range(quantity, "source", value)
        self._check_guard(quantity, chosen.nominal)
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

    def set_sense_range(self, quantity: Quantity, value: float | str) -> None:
        """SENSe:...:RANGe: fix the range, or go UP or DOWN by one ([M] p. 373)."""
        self._check_ohms()
        if self.sourced == quantity:
            raise ScpiError(823)
        chosen = self._asked_range(quantity, "sense", value)
        self._check_guard(quantity, chosen.nominal)
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
        self._check_guard(quantity, compliance_range)
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
        """SOURce:FUNCtion: another source, or a memory sweep; the output goes off when the source changes."""
        self._check_ohms()
        self.settings["memory sweep"] = function == "MEM"
        if function == "MEM":
            return
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

    def set_ohms_range(self, value: float | str) -> None:
        """SENSe:RESistance:RANGe: fix the range, or go UP or DOWN by one."""
        ranges = list(OHMS_RANGES)
        if isinstance(value, str):
            self.settings["ohms range"] = next_range(ranges, self.settings["ohms range"], value)
        else:
            self.settings["ohms range"] = next(full_scale for full_scale in ranges if value <= full_scale)
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
        """SYSTem:MEMory:INITialize: empty buffer, lists and catalogue; every location as the box is now."""
        self.settings["buffer control"] = "NEV"
        self.clear_buffer()
        self.settings.update({f"{quantity} list": (0.0,) for quantity in QUANTITIES})
        self.expressions.own.clear()
        self.settings["math name"] = "POWER"
        as_it_is = {**self._memorable(), "math": False}
        self.source_memory = dict.fromkeys(range(1, MEMORY_LOCATIONS + 1), as_it_is)

    # source memory

    def save_memory(self, location: int) -> None:
        """SOURce:MEMory:SAVE: the settings that belong to a location ([M] table 10-2)."""
        self.source_memory[location] = self._memorable()

    def recall_memory(self, location: int) -> None:
        """SOURce:MEMory:RECall: back to the settings of a location; the output goes off with the source."""
        before = self.settings["source function"]
        self._restore(location)
        if self.settings["source function"] != before:
            self.is_on = False
        self.apply()

    def _restore(self, location: int) -> None:
        """Take the settings of a location over; an expression deleted meanwhile becomes POWER (+809)."""
        self.settings.update(self.source_memory.get(location, self._factory_memory))
        self._forced = None
        if self.settings["math name"] not in self.expressions.names:
            self.settings["math name"] = "POWER"
            self.report(809)

    def _memorable(self) -> dict[Any, Any]:
        return {key: value for key, value in self.settings.items() if is_memorable(key)}

    def _next_location(self, location: int) -> int:
        """Where a memory sweep goes on: by the composite test's outcome, or to the next location."""
        tested = [number for number in LIMIT_NUMBERS if self.settings["limit state", number]]
        if tested:
            passed = not any(self._tripped.get(number, False) for number in tested)
            branch = self.settings["pass location" if passed else "fail location"]
            if branch:
                return int(branch)
        return location % MEMORY_LOCATIONS + 1

    def _asked_range(self, quantity: Quantity, side: str, value: float | str) -> Range:
        """The range that holds a value, or the one UP or DOWN of that in use on the source or sense side."""
        if isinstance(value, str):
            used = range_of(quantity, self.settings[f"{quantity} {side} range"])
            return next_range(RANGES[quantity], used, value)
        return range_for(quantity, value)

    def set_guard(self, kind: str) -> None:
        """SYSTem:GUARd: the low-impedance OHMS guard is not to be had on the 1 A range ([M] p. 2-13)."""
        in_use = (
            self.settings["CURR source range"],
            range_for("CURR", self.settings["CURR protection"]).nominal,
        )
        if kind == "OHMS" and HIGH_CURRENT in in_use:
            raise ScpiError(828)
        self.settings["guard"] = kind

    def _check_guard(self, quantity: Quantity, nominal: float) -> None:
        if self.settings["guard"] == "OHMS" and quantity == "CURR" and nominal == HIGH_CURRENT:
            raise ScpiError(827)

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
        self.settings.update({"points follow step": False, "memory sweep": False})
        self._factory_memory = self._memorable()
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
        measures_off = self.reads_with_output_off or (
            self.zero_state_measures and self.settings["off state"] == "ZERO"
        )
        if not (self.is_on or self.settings["auto off"] or measures_off):
            raise ScpiError(803)
        self.sweep_levels()

    def trigger_model(self) -> TriggerModel:
        """Source, delay, measure: `trigger count` times in each of `arm count` passes."""
        if self.settings["time reset"]:
            self.time_zero = self.step_time
        levels = self.sweep_levels()
        in_memory, location = self.settings["memory sweep"], self.settings["memory start"]
        if levels or in_memory:
            self.operation_status.set_condition(SWEEPING, True)
        position, passes, last_arm, last_trigger = 0, 0, -math.inf, -math.inf
        while passes < self.settings["arm count"]:
            yield from self.pass_layer("arm", last_arm)
            last_arm = self.step_time
            for _ in range(self.settings["trigger count"]):
                yield from self.pass_layer("trigger", last_trigger)
                last_trigger = self.step_time
                if in_memory:
                    self._restore(location)
                yield self.settings["trigger delay"] + TRIGGER_LATENCY + SOURCE_CONFIGURATION
                if in_memory:
                    self.apply()
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
                location = self._next_location(location)
                if in_memory and position % self.settings["memory points"] == 0:
                    location = self.settings["memory start"]
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
        if self._auto_ohms or settings["memory sweep"]:
            return []
        if mode == "FIX":
            triggered = settings[f"{quantity} triggered level"]
            return [] if triggered == settings[f"{quantity} level"] else [triggered]
        if mode == "LIST":
            listed = list(settings[f"{quantity} list"])
            first = min(settings[f"{quantity} list start"], len(listed)) - 1
            return listed[::-1] if settings["list direction"] == "DOW" else listed[first:] + listed[:first]
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
        zero = (yield from self._measure_offset(aperture)) if self._compensates_offset else (0.0, 0.0)
        noise = NOISE / math.sqrt(self.settings["nplc"] * repeats)
        digitised = tuple(
            self._digitise(q, value, noise) if q in wanted else 0.0
            for q, value in zip(QUANTITIES, true, strict=True)
        )
        if self.settings["filter"] and self.settings["filter type"] == "MOV":
            self._stack.append(digitised)
            digitised = tuple(map(statistics.fmean, zip(*list(self._stack)[-averaged:], strict=True)))
        return self._reading(dict(zip(QUANTITIES, digitised, strict=True)), true, zero)

    @property
    def _compensates_offset(self) -> bool:
        return self.is_on and self.settings["offset compensation"] and "RES" in self.settings["functions"]

    def _measure_offset(self, aperture: float) -> Generator[float, None, tuple[float, float]]:
        """Offset-compensated ohms: the same once more with the source at zero ([M] p. 4-8)."""
        start = self.step_time
        yield aperture
        source, level, limit = self._drive()
        zero = self.terminals.measure(source=source, level=0.0, limit=limit, start=start, duration=aperture)
        self.terminals.output(on=True, source=source, level=level, limit=limit)
        return zero

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

    def _reading(
        self, measured: dict[Quantity, float], true: tuple[float, float], zero: tuple[float, float]
    ) -> Reading:
        """The elements of a reading: what was measured, what was true, and what was true at zero."""
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
            volts, amps = measured["VOLT"] - zero[0], measured["CURR"] - zero[1]
            ohms = volts / amps if amps else OVERFLOW
            if abs(ohms) >= OVERFLOW or (self._auto_ohms and abs(ohms) > 211e6):
                ohms, status = OVERFLOW, status | READING_OVERFLOW
                self.measurement_status.pulse(EVENT_OVERFLOW)
        status |= LIMITS if any(settings["limit state", number] for number in LIMIT_NUMBERS) else 0
        reading = (*values, ohms, round(self.timestamp, 3), float(status))
        self._test_limits(reading, tripped)
        return reading

    # CALCulate

    def calculate(self, readings: Sequence[Reading]) -> list[float]:
        """CALCulate1: the results of the expression; +801 where a vector is not complete."""
        return self.expressions.formula(self.settings["math name"]).results(readings)

    def _fed(self, reading: Reading) -> float:
        """The element or result that null and limits work on; overflow where there is no result."""
        feed = self.settings["limit feed"]
        if feed != "CALC1":
            return reading[FEEDS.index(feed)]
        is_stored = bool(self.readings) and self.readings[-1] is reading
        return self._result(self.readings if is_stored else [*self.readings, reading])

    def _result(self, readings: Sequence[Reading]) -> float:
        try:
            return self.calculate(readings)[-1]
        except ScpiError:
            return OVERFLOW

    def fed_value(self, reading: Reading) -> float:
        """CALCulate2: the fed value, null subtracted; sentinels stay."""
        value = self._fed(reading)
        return (
            value - self.settings["null offset"] if self.settings["null"] and abs(value) < OVERFLOW else value
        )

    def calculation(self, stage: int, *, latest: bool = False) -> str | bytes:
        """CALCulate1:DATA? and CALCulate2:DATA?: the last run's results; -230 when there are none."""
        if not self.readings:
            raise ScpiError(-230)
        if stage == 2:
            results = [self.fed_value(reading) for reading in self.readings]
        else:
            results = self.calculate(self.readings) if self.settings["math"] else [NOT_MEASURED]
        length = len(self.readings) // len(results)
        rows = [
            {"CALC": result, "TIME": reading[3], "STAT": reading[4]}
            for result, reading in zip(results, self.readings[length - 1 :: length], strict=False)
        ]
        chosen = [name for name in ("CALC", "TIME", "STAT") if name in self.settings["calculation elements"]]
        return self.format_values([row[name] for row in rows[-1 if latest else 0 :] for name in chosen])

    def name_expression(self, text: str) -> None:
        """CALCulate1:MATH:NAME: select an expression, or begin one of one's own."""
        self.settings["math name"] = self.expressions.name(text)

    def delete_expression(self, text: str) -> None:
        """CALCulate1:MATH:DELete: forget one of one's own; POWER takes its place."""
        self.expressions.delete(text)
        if self.settings["math name"] not in self.expressions.names:
            self.settings["math name"] = "POWER"

    def delete_expressions(self) -> None:
        """CALCulate1:MATH:DELete:ALL: only the built-in ones stay."""
        for name in list(self.expressions.own):
            self.delete_expression(name)

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
            settings.update({"ohms mode": "AUTO", "offset compensation": False})
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
