"""Keithley 2400 SourceMeter as a voltage source that measures voltage and current.

Page numbers are of the manual 2400S-900-01 rev. K. Not built on PyMeasure's class: that one talks while it is
made, its `current` and `voltage` send ``:MEASure?``, which resets the compliance and switches the output on
(p. 301), and its `shutdown` asks before it switches off.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pymeasure.instruments import Instrument
from pymeasure.instruments.validators import strict_range

from instruments.door import (
    Shadow,
    command,
    control,
    count,
    error,
    number,
    numbers,
    one_of,
    query,
    switch,
    whole,
    word,
    words,
)
from instruments.driver import (
    Driver,
    line_frequency_control,
    number_control,
    read_number,
    read_numbers,
    strictly,
    switch_control,
    word_control,
)
from instruments.errors import ConnectionFailed, InstrumentError, ReplyError, SettingNotTaken
from instruments.limits import FASTEST_LINE, Demand, known, largest
from instruments.roles import SourceReading

LONGEST_LIST = 100  # values that one message may bring, p. 380
MOST_POINTS = 2500
_SHORTEST_POINT = 1e-4  # s
_SLOWEST_TRANSFER = 0.1  # s a point: four numbers of 14 characters at 9600 baud take 60 ms
_CONVERSIONS = 4  # both quantities, each with its share of autozero
_STATUS_FLAGS = {0: "overflow", 3: "compliance", 4: "over-voltage", 16: "range-compliance"}  # p. 356


@dataclass(frozen=True, kw_only=True)
class SourceState(Shadow):
    """What a 2400 is believed to be set to; as made, after ``*RST``."""

    on: bool | None = False
    auto_off: bool | None = False
    level: float | None = 0.0
    mode: str | None = "FIX"
    listed: tuple[float, ...] | None = (0.0,)
    start: float | None = 0.0
    stop: float | None = 0.0
    spacing: str | None = "LIN"
    points: int | None = MOST_POINTS
    compliance_current: float | None = 105e-6
    source_delay: float | None = 0.0
    power_line_cycles: float | None = 1.0

    @property
    def energised(self) -> bool:
        return self.on is not False

    @property
    def vital(self) -> frozenset[str]:
        moves = {"LIST": {"listed"}, "SWE": {"start", "stop", "spacing", "points"}}.get(
            self.mode or "", set()
        )
        pace = {"source_delay", "power_line_cycles"} if moves else set()
        return frozenset({"level", "mode", "compliance_current", "auto_off", *moves, *pace})

    def measuring(self) -> Shadow:
        return self if self.auto_off is False else replace(self, on=True)

    def measured(self) -> Shadow:
        return replace(self, on=False) if self.auto_off else self

    def demand(self) -> Demand:
        level = known(self.level)
        swept = self._swept()
        steps = [abs(after - before) for before, after in itertools.pairwise(swept)]
        duration = known(self.source_delay) + known(self.power_line_cycles) / FASTEST_LINE
        return Demand(
            voltage=largest([level, *swept]),
            current=known(self.compliance_current),
            level=0.0 if self.on is False else level if self.on else math.nan,
            step=largest([abs(swept[0]), *steps]) if swept else None,
            slew=largest(steps) / max(duration, _SHORTEST_POINT) if steps else None,
        )

    def _swept(self) -> tuple[float, ...]:
        """Voltages that the box would go through by itself."""
        if self.mode == "FIX":
            return ()
        if self.mode == "LIST":
            return (math.nan,) if self.listed is None else self.listed
        start, stop, points = self.start, self.stop, self.points
        if self.mode is None or start is None or stop is None or points is None:
            return (math.nan,)
        if not 2 <= points <= MOST_POINTS:
            return (math.nan,)
        if self.spacing == "LOG":
            return tuple(logarithmic(start, stop, points)) if start * stop > 0 else (math.nan,)
        return tuple(linear(start, stop, points))


def linear(start: float, stop: float, points: int) -> list[float]:
    """Voltages of a linear sweep, ends included [V]."""
    return [start + (stop - start) * index / (points - 1) for index in range(points)]


def logarithmic(start: float, stop: float, points: int) -> list[float]:
    """Voltages of a logarithmic sweep, ends included and of one sign [V]."""
    if start * stop <= 0:
        raise ValueError(f"a logarithmic sweep from {start:g} V to {stop:g} V crosses 0 V; use a linear one")
    return [start * (stop / start) ** (index / (points - 1)) for index in range(points)]


class Keithley2400(Driver):
    """Keithley 2400 SourceMeter.

    Parameters
    ----------
    adapter : a `Door`, or anything PyMeasure takes
    """

    MODELS = ("2400", "2401")
    RESET_STATE = SourceState()
    OFF = (":OUTP OFF",)
    OFF_QUERY = ":OUTP?"
    OFF_ANSWER = "0"
    SERIAL_CLEAR = "\x18"  # p. 271
    HEADERS = (
        command("*RST", resets=True),
        control(":OUTPut[:STATe]", switch, changes="on", switches=True, replies=switch),
        control(":OUTPut:SMODe", one_of("NORM", "HIMP"), replies=word),
        control(":SOURce:FUNCtion[:MODE]", one_of("VOLT"), replies=word),
        control(":SOURce:CLEar:AUTO", switch, changes="auto_off", replies=switch),
        control(":SOURce:CLEar:AUTO:MODE", one_of("TCO"), replies=word),
        control(":SOURce:VOLTage:MODE", one_of("FIX", "LIST", "SWE"), changes="mode", replies=word),
        control(":SOURce:VOLTage[:LEVel][:IMMediate][:AMPLitude]", number, changes="level", replies=number),
        control(":SOURce:VOLTage:RANGe", number, replies=number),
        control(":SOURce:VOLTage:PROTection[:LEVel]", number, replies=number),
        control(":SOURce:VOLTage:STARt", number, changes="start", replies=number),
        control(":SOURce:VOLTage:STOP", number, changes="stop", replies=number),
        control(":SOURce:SWEep:SPACing", one_of("LIN", "LOG"), changes="spacing", replies=word),
        control(":SOURce:SWEep:POINts", whole, changes="points", replies=count),
        control(":SOURce:SWEep:RANGing", one_of("FIX"), replies=word),
        control(":SOURce:SWEep:CABort", one_of("NEV", "EARL", "LATE"), replies=word),
        control(":SOURce:LIST:VOLTage", number, ..., changes="listed", replies=numbers),
        command(":SOURce:LIST:VOLTage:APPend", number, ..., appends="listed"),
        query(":SOURce:LIST:VOLTage:POINts", replies=number),
        control(":SOURce:DELay", number, changes="source_delay", replies=number),
        control(":SENSe:FUNCtion:CONCurrent", switch, replies=switch),
        control(":SENSe:FUNCtion[:ON]", one_of("'VOLT'", "'CURR'"), ..., replies=words),
        control(":SENSe:CURRent:PROTection[:LEVel]", number, changes="compliance_current", replies=number),
        query(":SENSe:CURRent:PROTection:TRIPped", replies=switch),
        control(":SENSe:CURRent:RANGe[:UPPer]", number, replies=number),
        control(":SENSe:CURRent:RANGe:AUTO", switch, replies=switch),
        control(":SENSe:CURRent:NPLCycles", number, changes="power_line_cycles", replies=number),
        control(":SENSe:AVERage[:STATe]", switch, replies=switch),
        control(":SENSe:AVERage:COUNt", whole, replies=number),
        control(":SENSe:AVERage:TCONtrol", one_of("REP"), replies=word),
        control(":SYSTem:RSENse", switch, replies=switch),
        control(":SYSTem:LFRequency", whole, replies=count),
        command(":SYSTem:BEEPer:STATe", switch),
        query(":SYSTem:ERRor[:NEXT]", replies=error),
        command(":FORMat:ELEMents", one_of("VOLT"), one_of("CURR"), one_of("TIME"), one_of("STAT")),
        control(":TRIGger:COUNt", whole, replies=number),
        command(":ABORt"),
        command(":INITiate[:IMMediate]", measures=True, repeatable=False),
        query(":READ", replies=numbers, measures=True),
        query(":FETCh", replies=numbers),
    )

    output_on = switch_control(":OUTP?", ":OUTP %d", "Control whether the output is on (bool).")
    output_off_state = word_control(
        ":OUTP:SMOD?",
        ":OUTP:SMOD %s",
        "Control what off means (str, NORM for 0 V or HIMP).",
        ("NORM", "HIMP"),
    )
    source_function = word_control(
        ":SOUR:FUNC?", ":SOUR:FUNC %s", "Control the source function (str, strictly VOLT).", ("VOLT",)
    )
    auto_off = switch_control(
        ":SOUR:CLE:AUTO?",
        ":SOUR:CLE:AUTO %d",
        "Control whether the output goes on for a measurement and off after it (bool).",
    )
    auto_off_mode = word_control(
        ":SOUR:CLE:AUTO:MODE?",
        ":SOUR:CLE:AUTO:MODE %s",
        "Control when automatic off comes (str, strictly TCO, after the last point).",
        ("TCO",),
    )
    source_mode = word_control(
        ":SOUR:VOLT:MODE?",
        ":SOUR:VOLT:MODE %s",
        "Control how the source moves (str, FIX, LIST or SWE).",
        ("FIX", "LIST", "SWE"),
    )
    source_range = number_control(
        ":SOUR:VOLT:RANG?",
        ":SOUR:VOLT:RANG %.9g",
        "Control the source range [V] by the largest level (float from 0 to 210).",
        0,
        210,
    )
    over_voltage_limit = number_control(
        ":SOUR:VOLT:PROT?",
        ":SOUR:VOLT:PROT %.9g",
        "Control the over-voltage protection [V] (float from 20 to 210), which knows coarse steps only.",
        20,
        210,
    )
    source_delay = number_control(
        ":SOUR:DEL?",
        ":SOUR:DEL %.9g",
        "Control the time from a new level to its measurement [s] (float from 0 to 999.9999).",
        0,
        999.9999,
    )
    compliance_current = number_control(
        ":SENS:CURR:PROT?",
        ":SENS:CURR:PROT %.9g",
        "Control the compliance current [A] (float from 1e-9 to 1.05).",
        1e-9,
        1.05,
    )
    current_range = number_control(
        ":SENS:CURR:RANG?",
        ":SENS:CURR:RANG %.9g",
        "Control the fixed current range [A] by the largest current (float from 1e-9 to 1.05).",
        1e-9,
        1.05,
    )
    current_range_is_auto = switch_control(
        ":SENS:CURR:RANG:AUTO?",
        ":SENS:CURR:RANG:AUTO %d",
        "Control whether the current range follows the current (bool).",
    )
    power_line_cycles = number_control(
        ":SENS:CURR:NPLC?",
        ":SENS:CURR:NPLC %.9g",
        "Control the integration time in power-line cycles [1] (float from 0.01 to 10).",
        0.01,
        10,
    )
    filter_on = switch_control(
        ":SENS:AVER?", ":SENS:AVER %d", "Control whether readings are averaged by the box (bool)."
    )
    filter_count = number_control(
        ":SENS:AVER:COUN?",
        ":SENS:AVER:COUN %d",
        "Control how many readings are averaged (int from 1 to 100).",
        1,
        100,
    )
    filter_type = word_control(
        ":SENS:AVER:TCON?", ":SENS:AVER:TCON %s", "Control the filter (str, strictly REP).", ("REP",)
    )
    four_wire = switch_control(
        ":SYST:RSEN?", ":SYST:RSEN %d", "Control whether the sense terminals are used (bool)."
    )
    line_frequency_setting = line_frequency_control(":SYST:LFR?", ":SYST:LFR %d")
    both_measured_at_once = switch_control(
        ":SENS:FUNC:CONC?",
        ":SENS:FUNC:CONC %d",
        "Control whether voltage and current are measured in one reading (bool).",
    )
    trigger_count = number_control(
        ":TRIG:COUN?",
        ":TRIG:COUN %d",
        "Control how many points one trigger measures (int from 1 to 2500).",
        1,
        MOST_POINTS,
    )
    sweep_start = number_control(
        ":SOUR:VOLT:STAR?",
        ":SOUR:VOLT:STAR %.9g",
        "Control the first level of a sweep [V] (float from -210 to 210).",
        -210,
        210,
    )
    sweep_stop = number_control(
        ":SOUR:VOLT:STOP?",
        ":SOUR:VOLT:STOP %.9g",
        "Control the last level of a sweep [V] (float from -210 to 210).",
        -210,
        210,
    )
    sweep_points = number_control(
        ":SOUR:SWE:POIN?",
        ":SOUR:SWE:POIN %d",
        "Control the number of points of a sweep (int from 2 to 2500).",
        2,
        MOST_POINTS,
    )
    sweep_spacing = word_control(
        ":SOUR:SWE:SPAC?",
        ":SOUR:SWE:SPAC %s",
        "Control the spacing of a sweep (str, LIN or LOG).",
        ("LIN", "LOG"),
    )
    sweep_abort = word_control(
        ":SOUR:SWE:CAB?",
        ":SOUR:SWE:CAB %s",
        "Control whether a sweep ends at compliance (str, NEV, EARL before or LATE after the reading).",
        ("NEV", "EARL", "LATE"),
    )
    compliance_tripped = Instrument.measurement(
        ":SENS:CURR:PROT:TRIP?",
        "Get whether the source is limited by the compliance now (bool).",
        cast=str,
        get_process=strictly(switch),
    )

    def __init__(self, adapter: Any, name: str = "Keithley 2400", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
        self._reading_time = 1.0
        self._level: float | None = None

    @property
    def reading_time(self) -> float:
        """Get how long one reading may take with the present settings [s]."""
        return self._reading_time

    def set_up(self) -> None:
        """Reset to a voltage source of 0 V with its output off that measures voltage and current."""
        self.off()
        self.write("*RST")
        self._level = 0.0
        self.write("*CLS")
        self.write(":SYST:BEEP:STAT 0")
        self.write(":FORM:ELEM VOLT,CURR,TIME,STAT")
        self.source_function = "VOLT"
        self.output_off_state = "NORM"
        self.auto_off = False
        self.line_frequency_setting = self.line_frequency
        self.both_measured_at_once = True
        self.write(":SENS:FUNC 'VOLT','CURR'")
        self.verify(
            source_function="VOLT",
            output_off_state="NORM",
            auto_off=False,
            line_frequency_setting=self.line_frequency,
            both_measured_at_once=True,
            measured_functions={"VOLT", "CURR"},
            output_on=False,
        )

    @property
    def measured_functions(self) -> set[str]:
        """Get what one reading measures (set of VOLT, CURR, RES)."""
        return set(strictly(words)(self.ask(":SENS:FUNC?")))

    def configure(
        self,
        *,
        compliance_current: float,
        maximum_voltage: float,
        current_range: float | None = None,
        power_line_cycles: float = 1.0,
        filter_count: int = 1,
        four_wire: bool = False,
    ) -> None:
        """Settings for one curve, verified by read-back.

        Parameters
        ----------
        compliance_current : largest current the source lets through [A]
        maximum_voltage : fixes the source range, so that no range change disturbs the curve [V]
        current_range : fixed range by its largest current [A]; None is auto
        power_line_cycles : integration time of a conversion [1]
        filter_count : readings averaged by the box
        four_wire : use the sense terminals
        """
        self.source_mode = "FIX"
        self.trigger_count = 1
        self.source_range = maximum_voltage
        self.over_voltage_limit = max(20.0, min(1.05 * maximum_voltage, 210.0))
        self.current_range_is_auto = True
        self.compliance_current = compliance_current
        if current_range is not None:
            self.current_range = current_range
        self.power_line_cycles = power_line_cycles
        self.filter_type = "REP"
        self.filter_count = filter_count
        self.filter_on = filter_count > 1
        self.four_wire = four_wire
        self.source_delay = 0.0
        conversion = power_line_cycles / self.line_frequency + 1e-3
        self._reading_time = filter_count * _CONVERSIONS * conversion + 0.1
        self.verify(
            source_mode="FIX",
            trigger_count=1,
            compliance_current=compliance_current,
            current_range_is_auto=current_range is None,
            power_line_cycles=power_line_cycles,
            filter_type="REP",
            filter_on=filter_count > 1,
            filter_count=filter_count,
            four_wire=four_wire,
            source_delay=0.0,
            auto_off=False,
        )
        self._verify_ranges(maximum_voltage, current_range)

    def _verify_ranges(self, maximum_voltage: float, current_range: float | None) -> None:
        # a range reads back as its full scale, which may lie above what was asked for but never below
        if self.source_range < maximum_voltage * 0.999:
            self.verify(source_range=maximum_voltage)
        if current_range is not None and self.current_range < current_range * 0.999:
            self.verify(current_range=current_range)

    def switch_on(self) -> None:
        """Switch the output on at the present level; needs an armed run."""
        self.output_on = True
        self.verify(output_on=True)

    @property
    def voltage(self) -> float:
        """Control the source level [V] (float from -210 to 210)."""
        return read_number(self.ask(":SOUR:VOLT:LEV?"))

    @voltage.setter
    def voltage(self, voltage: float) -> None:
        self._level = strict_range(voltage, (-210, 210))
        self.write(f":SOUR:VOLT:LEV {voltage:.9g}")

    def read_point(self) -> SourceReading:
        """Measure voltage [V] and current [A] at the present level; the output must be on.

        A source that is neither at its level nor limited by its compliance has missed the level: it is set
        again and the point measured again, flagged "remeasured".
        """
        disturbances = self._disturbances
        reading = self._read_point()
        disturbed = self._disturbances != disturbances
        if self._level is not None and _misses(self._level, reading):
            self.voltage = self._level
            reading, disturbed = self._read_point(), True
            if _misses(self._level, reading):
                raise SettingNotTaken(
                    f"{self.name}: sources {reading.voltage:g} V where {self._level:g} V was set; "
                    "check its front panel and its sense leads"
                )
        return _flagged(reading, "remeasured") if disturbed else reading

    def _read_point(self) -> SourceReading:
        try:
            reply = self.ask_within(self.reading_time + 1.0, ":READ?")
        except (ConnectionFailed, ReplyError) as failure:
            raise self._explained(failure) from failure
        (reading,) = self._readings(reply, 1)
        return reading

    def _explained(self, failure: InstrumentError) -> InstrumentError:
        """The failure, with what the box itself says about it."""
        try:
            errors = self.check_errors()
        except InstrumentError:
            return failure
        return ReplyError(f"{failure}; the box says {' | '.join(errors)}") if errors else failure

    def sweep(
        self, voltages: Sequence[float], *, settling_time: float, stop_at_compliance: bool = False
    ) -> list[SourceReading]:
        """Measure a list of voltages as one hardware sweep; the output is on only while it lasts.

        Parameters
        ----------
        voltages : up to 2500 levels [V]
        settling_time : from each level to its measurement [s]
        stop_at_compliance : let the box end the sweep after the first reading in compliance, the last given
        """
        if not 1 <= len(voltages) <= MOST_POINTS:
            raise ValueError(f"a sweep of {len(voltages)} points; the 2400 holds 1 to {MOST_POINTS}")
        pieces = [voltages[begin : begin + LONGEST_LIST] for begin in range(0, len(voltages), LONGEST_LIST)]
        for index, piece in enumerate(pieces):
            append = ":APP" if index else ""
            self.write(f":SOUR:LIST:VOLT{append} {','.join(f'{voltage:.9g}' for voltage in piece)}")
        taken = strictly(count)(self.ask(":SOUR:LIST:VOLT:POIN?"))
        if taken != len(voltages):
            raise SettingNotTaken(f"{self.name}: holds a list of {taken} voltages instead of {len(voltages)}")
        return self._run_sweep("LIST", len(voltages), settling_time, stop_at_compliance)

    def sweep_linear(
        self, start: float, stop: float, points: int, *, settling_time: float
    ) -> list[SourceReading]:
        """Measure equally spaced voltages as one hardware sweep."""
        return self._sweep_range("LIN", start, stop, points, settling_time)

    def sweep_logarithmic(
        self, start: float, stop: float, points: int, *, settling_time: float
    ) -> list[SourceReading]:
        """Measure voltages spaced by a constant factor, all of one sign, as one hardware sweep."""
        logarithmic(start, stop, points)
        return self._sweep_range("LOG", start, stop, points, settling_time)

    def _sweep_range(
        self, spacing: str, start: float, stop: float, points: int, settling_time: float
    ) -> list[SourceReading]:
        self.sweep_spacing = spacing
        self.sweep_points = points
        self.sweep_start = start
        self.sweep_stop = stop
        self.write(":SOUR:SWE:RANG FIX")
        self.verify(sweep_spacing=spacing, sweep_points=points, sweep_start=start, sweep_stop=stop)
        return self._run_sweep("SWE", points, settling_time)

    def _run_sweep(
        self, mode: str, points: int, settling_time: float, stop_at_compliance: bool = False
    ) -> list[SourceReading]:
        """Let the box run a prepared sweep; off by itself after the last point, and by us in any case."""
        sweep_abort = "LATE" if stop_at_compliance else "NEV"
        self.voltage = 0.0
        self.sweep_abort = sweep_abort
        self.source_delay = settling_time
        self.trigger_count = points
        self.auto_off_mode = "TCO"
        self.auto_off = True
        self.verify(
            source_delay=settling_time,
            trigger_count=points,
            auto_off=True,
            auto_off_mode="TCO",
            sweep_abort=sweep_abort,
        )
        try:
            self.source_mode = mode
            reply, disturbed = self._fetch_sweep(points, settling_time)
        finally:
            self.off()
            self.source_mode = "FIX"
            self.trigger_count = 1
            self.auto_off = False
            self.source_delay = 0.0
        readings = self._readings(reply, points)
        return [_flagged(reading, "remeasured") for reading in readings] if disturbed else readings

    def _fetch_sweep(self, points: int, settling_time: float) -> tuple[str, bool]:
        """The readings of one sweep; run once more where its end was not heard."""
        duration = points * (settling_time + self.reading_time)
        for disturbed in (False, True):
            try:
                self.ask_within(1.2 * duration + 2.0, ":INIT;*OPC?")
                return self.ask_within(2.0 + points * _SLOWEST_TRANSFER, ":FETC?"), disturbed
            except (ConnectionFailed, ReplyError):
                if disturbed:
                    raise
                self.off()
        raise AssertionError

    def _readings(self, reply: str, points: int) -> list[SourceReading]:
        fields = reply.strip().split(",")
        if len(fields) % 4 or len(fields) > 4 * points:
            raise ReplyError(f"{self.name}: {reply[:60]!r} is no row of voltage, current, time and status")
        return [self._reading(",".join(fields[at : at + 4])) for at in range(0, len(fields), 4)]

    def _reading(self, raw: str) -> SourceReading:
        voltage, current, time, status = read_numbers(raw, 4, box=self.name)
        if math.isnan(status) or status != int(status):
            raise ReplyError(f"{self.name}: {raw[:60]!r} ends in no status word")
        flags = {flag for bit, flag in _STATUS_FLAGS.items() if int(status) >> bit & 1}
        if math.isnan(voltage) or math.isnan(current):
            flags.add("invalid")
        return SourceReading(
            voltage=voltage, current=current, flags=frozenset(flags), instrument_time=time, raw=raw
        )


def _misses(level: float, reading: SourceReading) -> bool:
    """Whether a source is neither at its level nor limited by its compliance."""
    limited = reading.flags & {"compliance", "range-compliance", "over-voltage"}
    return not limited and abs(reading.voltage - level) > 0.02 * abs(level) + 0.05


def _flagged(reading: SourceReading, flag: str) -> SourceReading:
    return replace(reading, flags=reading.flags | {flag})
