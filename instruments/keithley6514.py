"""Keithley 6514 electrometer as a light meter: the photodiode's current, averaged over its aperture.

Page numbers are of the manual 6514-901-01 rev. D.
"""

import math
from typing import Any

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
)
from instruments.driver import (
    Driver,
    line_frequency_control,
    number_control,
    read_numbers,
    switch_control,
    word_control,
)
from instruments.errors import ReplyError
from instruments.roles import LightReading

_OVERFLOW_BIT = 0  # of the status word, p. 216
_ZERO_CHECK_BIT = 9  # as on its siblings
_LONGEST_AUTODELAY = 2.5  # s, on the two lowest ranges, p. 123


class Keithley6514(Driver):
    """Keithley 6514 electrometer.

    It puts out nothing, so "off" is its safe input: zero check on, which is also the state to move cables in.

    Parameters
    ----------
    adapter : a `Door`, or anything PyMeasure takes
    """

    MODELS = ("6514",)
    RESET_STATE = Shadow()
    OFF = (":SYST:ZCH ON",)
    OFF_QUERY = ":SYST:ZCH?"
    OFF_ANSWER = "1"
    OFF_WORD = "zero check on"
    SERIAL_CLEAR = "\x18"  # as on its siblings
    HEADERS = (
        command("*RST", resets=True),
        control(":SYSTem:ZCHeck[:STATe]", switch, switches=True, replies=switch),
        control(":SYSTem:ZCORrect[:STATe]", switch, replies=switch),
        command(":SYSTem:ZCORrect:ACQuire"),
        control(":SYSTem:LFRequency", whole, replies=count),
        query(":SYSTem:ERRor[:NEXT]", replies=error),
        control("[:SENSe]:FUNCtion", one_of("'CURR'"), replies=word),
        control("[:SENSe]:CURRent:RANGe[:UPPer]", number, replies=number),
        control("[:SENSe]:CURRent:RANGe:AUTO", switch, replies=switch),
        control("[:SENSe]:CURRent:NPLCycles", number, replies=number),
        control("[:SENSe]:AVERage[:STATe]", switch, replies=switch),
        control("[:SENSe]:AVERage:COUNt", whole, replies=number),
        control("[:SENSe]:AVERage:TCONtrol", one_of("REP"), replies=word),
        command(":FORMat:ELEMents", one_of("READ"), one_of("TIME"), one_of("STAT")),
        command(":ABORt"),
        command(":INITiate[:IMMediate]", measures=True),
        query(":READ", replies=numbers, measures=True),
    )

    zero_check = switch_control(
        ":SYST:ZCH?", ":SYST:ZCH %d", "Control whether the input is shunted for zero check (bool)."
    )
    zero_correct_on = switch_control(
        ":SYST:ZCOR?", ":SYST:ZCOR %d", "Control whether the acquired zero is subtracted (bool)."
    )
    function = word_control(
        ":FUNC?", ":FUNC '%s'", "Control the measured function (str, strictly CURR).", ("CURR",)
    )
    current_range = number_control(
        ":CURR:RANG?",
        ":CURR:RANG %.9g",
        "Control the fixed range [A] by the largest current (float from -0.021 to 0.021).",
        -0.021,
        0.021,
    )
    range_is_auto = switch_control(
        ":CURR:RANG:AUTO?", ":CURR:RANG:AUTO %d", "Control whether the range follows the current (bool)."
    )
    power_line_cycles = number_control(
        ":CURR:NPLC?",
        ":CURR:NPLC %.9g",
        "Control the integration time in power-line cycles [1] (float from 0.01 to 10).",
        0.01,
        10,
    )
    line_frequency_setting = line_frequency_control(":SYST:LFR?", ":SYST:LFR %d")
    filter_on = switch_control(
        ":AVER?", ":AVER %d", "Control whether readings are averaged by the box (bool)."
    )
    filter_count = number_control(
        ":AVER:COUN?", ":AVER:COUN %d", "Control how many readings are averaged (int from 1 to 100).", 1, 100
    )
    filter_type = word_control(
        ":AVER:TCON?", ":AVER:TCON %s", "Control the filter (str, strictly REP).", ("REP",)
    )

    def __init__(self, adapter: Any, name: str = "Keithley 6514", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
        self._reading_time = 1.0

    @property
    def reading_time(self) -> float:
        """Get how long one reading may take with the present settings [s]."""
        return self._reading_time

    def set_up(self) -> None:
        """Reset to an ammeter with its input shunted."""
        self.off()
        self.write("*RST")
        self.write("*CLS")
        self.zero_check = True
        self.write(":FORM:ELEM READ,TIME,STAT")
        self.function = "CURR"
        self.verify(zero_check=True, function="CURR")
        self._set_line_frequency()

    def _set_line_frequency(self) -> None:
        """Tell the box the mains; its manual was not at hand for this header, so a box may not know it."""
        self.remarks = []
        self.line_frequency_setting = self.line_frequency
        refused = self.check_errors()
        if refused:
            self.remarks = [
                f"takes no line frequency ({' | '.join(refused)}); check on its front panel that it is "
                f"{self.line_frequency} Hz"
            ]
        else:
            self.verify(line_frequency_setting=self.line_frequency)

    def configure(
        self, *, current_range: float, power_line_cycles: float = 5.0, filter_count: int = 1
    ) -> None:
        """One fixed range for a series, verified by read-back; then the input opens.

        Parameters
        ----------
        current_range : largest current to be read, at the peak of the light [A]
        power_line_cycles : integration time of a conversion [1]
        filter_count : readings averaged by the box
        """
        self.zero_check = True
        self.range_is_auto = False
        self.current_range = current_range
        self.power_line_cycles = power_line_cycles
        self.filter_type = "REP"
        self.filter_count = filter_count
        self.filter_on = filter_count > 1
        self._reading_time = (
            filter_count * (3 * power_line_cycles / self.line_frequency + 0.02) + _LONGEST_AUTODELAY
        )
        self.verify(
            range_is_auto=False,
            power_line_cycles=power_line_cycles,
            filter_type="REP",
            filter_on=filter_count > 1,
            filter_count=filter_count,
        )
        # a range reads back as its full scale, which may lie above what was asked for but never below
        if self.current_range < abs(current_range) * 0.999:
            self.verify(current_range=current_range)
        self.zero_check = False
        self.verify(zero_check=False)

    def zero_correct(self) -> None:
        """Take the zero of the present range with the input shunted, and subtract it from now on (p. 81)."""
        self.zero_check = True
        self.zero_correct_on = False
        self.write(":INIT")
        self.ask_within(self.reading_time + 1.0, "*OPC?")
        self.write(":SYST:ZCOR:ACQ")
        self.zero_correct_on = True
        self.zero_check = False
        self.verify(zero_correct_on=True, zero_check=False)

    def read_light(self) -> LightReading:
        """Measure the current [A], averaged over the aperture; NaN with a flag where it is none."""
        disturbances = self._disturbances
        raw = self.ask_within(self.reading_time + 1.0, ":READ?")
        current, _, status = read_numbers(raw, 3, box=self.name)
        if math.isnan(status) or status != int(status):
            raise ReplyError(f"{self.name}: {raw[:60]!r} ends in no status word")
        flags = set()
        if math.isnan(current) or int(status) >> _OVERFLOW_BIT & 1:
            flags.add("overflow")
            current = math.nan
        if int(status) >> _ZERO_CHECK_BIT & 1:
            flags.add("zero-check")
        if self._disturbances != disturbances:
            flags.add("remeasured")
        return LightReading(current=current, flags=frozenset(flags), raw=raw)
