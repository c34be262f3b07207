"""GW Instek MFG-2230M function generator, channel 1, as a source of rectangular pulses from 0 V.

The manual was not at hand. Headers are those of the maker's own driver (github gwstarup/weblab-instrument,
MFG22X0); load, amplitude and offset behave as noted for its family (AFG-2125, AFG-2225). Counted bursts are
those of the AFG-2225 as other drivers speak to it: if the computer dies, the box ends the pulses by itself. A
box that does not take them is refused, or let pulse freely, as the bench file says.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Any, get_args

from instruments.door import (
    Shadow,
    command,
    control,
    count,
    error,
    number,
    one_of,
    query,
    switch,
    whole,
    word,
)
from instruments.driver import Driver, number_control, switch_control, word_control
from instruments.errors import ConnectionFailed, ReplyError, SettingNotTaken
from instruments.limits import Demand, known, largest
from instruments.roles import BurstPolicy

LARGEST_AMPLITUDE = 10.0
"""Largest pulse from 0 V [V]: into an open circuit offset and half the swing make at most 10 V."""

LONGEST_BURST = 65535
"""Most pulses of one burst, as on the AFG-2225 [1]."""

_TRIGGER_IGNORED = "-211"  # where a burst is still running
_IN_BURSTS = {"burst_mode": "TRIG", "burst_trigger": "MAN", "in_bursts": True}


@dataclass(frozen=True, kw_only=True)
class PulseState(Shadow):
    """What channel 1 is believed to be set to; as made, after ``*RST``.

    What the reset leaves as amplitude, offset and pulse is not documented: not known until set.
    """

    on: bool | None = False
    function: str | None = None
    load: str | None = None
    unit: str | None = None
    amplitude: float | None = None
    offset: float | None = None
    pulse_width: float | None = None
    pulse_period: float | None = None
    in_bursts: bool | None = None
    burst_mode: str | None = None
    burst_trigger: str | None = None
    burst_pulses: int | None = None
    bursts_started: int | None = 0

    @property
    def energised(self) -> bool:
        return self.on is not False

    @property
    def vital(self) -> frozenset[str]:
        of_bursts = {"in_bursts", "burst_mode", "burst_trigger", "burst_pulses"}
        left_out = {"on", "bursts_started"} | (set() if self.in_bursts else of_bursts)
        return frozenset(known.name for known in fields(self)) - left_out

    def measuring(self) -> Shadow:
        # so that each trigger counts as a change, and needs its token anew
        return replace(self, bursts_started=(self.bursts_started or 0) + 1) if self.energised else self

    def demand(self) -> Demand:
        return Demand(
            voltage=self._voltage(),
            pulse_width=known(self.pulse_width),
            pulse_period=known(self.pulse_period),
        )

    def _voltage(self) -> float:
        """Largest magnitude into an open circuit [V]; a 50 Ω setting shows half of it."""
        if self.on is not False and (self.function != "PULS" or self.unit != "VPP" or self.load is None):
            return math.nan
        amplitude, offset = self.amplitude, self.offset
        if amplitude is None:
            return math.nan
        shown = 1.0 if self.load == "INF" else 2.0
        centre = (0.0 if self.on is False else math.nan) if offset is None else offset
        return shown * largest([centre - amplitude / 2, centre + amplitude / 2])


class MFG2230M(Driver):
    """GW Instek MFG-2230M, channel 1.

    Parameters
    ----------
    adapter : a `Door`, or anything PyMeasure takes
    bursts : whether pulses come in counted bursts, which end by themselves: "require" refuses a box that does
        not take them, "prefer" lets it pulse freely and remarks it, "never" does not ask for them
    """

    MODELS = ("MFG-2230M",)
    RESET_STATE = PulseState()
    OFF = ("OUTP1 OFF",)
    OFF_QUERY = "OUTP1?"
    OFF_ANSWER = "0"
    TAGGED = None
    HEADERS = (
        command("*RST", resets=True),
        control("OUTPut1", switch, changes="on", switches=True, replies=switch),
        control("OUTPut1:LOAD", one_of("INF"), changes="load", replies=word),
        control("SOURce1:FUNCtion", one_of("PULS"), changes="function", replies=word),
        control("SOURce1:VOLTage:UNIT", one_of("VPP"), changes="unit", replies=word),
        control("SOURce1:AMPlitude", number, changes="amplitude", replies=number),
        control("SOURce1:DCOffset", number, changes="offset", replies=number),
        control("SOURce1:PULSe:PERiod", number, changes="pulse_period", replies=number),
        control("SOURce1:PULSe:WIDTh", number, changes="pulse_width", replies=number),
        control("SOURce1:BURSt:STATe", switch, changes="in_bursts", replies=switch),
        control("SOURce1:BURSt:MODE", one_of("TRIG"), changes="burst_mode", replies=word),
        control("SOURce1:BURSt:TRIGger:SOURce", one_of("MAN"), changes="burst_trigger", replies=word),
        control("SOURce1:BURSt:NCYCles", whole, changes="burst_pulses", replies=count),
        command("OUTPut1:TRIGger", measures=True),
        query("SYSTem:ERRor", replies=error),
    )

    output_on = switch_control("OUTP1?", "OUTP1 %d", "Control whether the output is on (bool).")
    load = word_control(
        "OUTP1:LOAD?",
        "OUTP1:LOAD %s",
        "Control the load that voltages are meant for (str, strictly INF: a diode is not 50 ohm).",
        ("INF",),
    )
    function = word_control(
        "SOUR1:FUNC?", "SOUR1:FUNC %s", "Control the waveform (str, strictly PULS).", ("PULS",)
    )
    unit = word_control(
        "SOUR1:VOLT:UNIT?",
        "SOUR1:VOLT:UNIT %s",
        "Control the unit of the amplitude (str, strictly VPP).",
        ("VPP",),
    )
    amplitude = number_control(
        "SOUR1:AMP?",
        "SOUR1:AMP %.9g",
        "Control the swing, low to high [V] (float from 0.002 to 10).",
        0.002,
        10,
    )
    offset = number_control(
        "SOUR1:DCO?", "SOUR1:DCO %.9g", "Control the middle of the swing [V] (float from -10 to 10).", -10, 10
    )
    pulse_period = number_control(
        "SOUR1:PULS:PER?",
        "SOUR1:PULS:PER %.9g",
        "Control the pulse period, start to start [s] (float from 1e-6 to 100).",
        1e-6,
        100,
    )
    pulse_width = number_control(
        "SOUR1:PULS:WIDT?",
        "SOUR1:PULS:WIDT %.9g",
        "Control the pulse width [s] (float from 1e-7 to 100).",
        1e-7,
        100,
    )

    in_bursts = switch_control(
        "SOUR1:BURS:STAT?",
        "SOUR1:BURS:STAT %d",
        "Control whether pulses come in bursts, each ending by itself (bool).",
    )
    burst_mode = word_control(
        "SOUR1:BURS:MODE?", "SOUR1:BURS:MODE %s", "Control the kind of burst (str, strictly TRIG).", ("TRIG",)
    )
    burst_trigger = word_control(
        "SOUR1:BURS:TRIG:SOUR?",
        "SOUR1:BURS:TRIG:SOUR %s",
        "Control what starts a burst (str, strictly MAN: a message).",
        ("MAN",),
    )
    burst_pulses = number_control(
        "SOUR1:BURS:NCYC?",
        "SOUR1:BURS:NCYC %d",
        "Control how many pulses a burst has (int from 1 to 65535).",
        1,
        LONGEST_BURST,
    )

    def __init__(
        self,
        adapter: Any,
        name: str = "GW Instek MFG-2230M",
        *,
        bursts: BurstPolicy = "require",
        **kwargs: Any,
    ) -> None:
        if bursts not in get_args(BurstPolicy):
            raise ValueError(f"bursts = {bursts!r} is none of {', '.join(get_args(BurstPolicy))}")
        super().__init__(adapter, name, **kwargs)
        self._bursts = bursts
        self._counts = False
        self._proven = False
        self._believed_pulses = 1

    @property
    def counts_pulses(self) -> bool:
        """Get whether pulses come in counted bursts only (bool); else they run until switched off."""
        return self._counts

    @property
    def longest_burst(self) -> int:
        """Get the most pulses that one burst can have (int)."""
        return LONGEST_BURST

    def set_up(self) -> None:
        """Reset to pulses into a high-impedance load, output off, in counted bursts where they are wanted."""
        self._reset()
        self.remarks, self._counts = [], False
        if self._bursts == "never":
            self.remarks = ["pulses freely, as the bench file says: if the computer dies, it goes on pulsing"]
            return
        try:
            self._take_bursts()
        except (ConnectionFailed, ReplyError) as failure:
            if self._bursts == "require":
                raise SettingNotTaken(
                    f"{self.name} takes no counted bursts ({failure}): if the computer died, it would go on "
                    'pulsing; to accept that, set bursts = "never" in the bench file'
                ) from failure
            self._reset()
            self.remarks = [
                f"takes no counted bursts ({failure}): if the computer dies, it goes on pulsing until it is "
                "switched off by hand"
            ]

    def _reset(self) -> None:
        self.off()
        self.write("*RST")
        self.write("*CLS")
        self.load = "INF"
        self.function = "PULS"
        self.unit = "VPP"
        self.verify(load="INF", function="PULS", unit="VPP", output_on=False)

    def _take_bursts(self) -> None:
        """Counted bursts on a message; raises ReplyError for what the box did not take."""
        self.burst_pulses = 1
        for name, setting in _IN_BURSTS.items():
            setattr(self, name, setting)
        errors = self.check_errors()
        if errors:
            raise ReplyError(f"the box says {' | '.join(errors)}")
        self.verify(burst_pulses=1, **_IN_BURSTS)
        self._counts, self._proven, self._believed_pulses = True, False, 1

    @property
    def _burst_settings(self) -> dict[str, Any]:
        return _IN_BURSTS if self._counts else {}

    def start_burst(self, pulses: int) -> None:
        """Send so many pulses and then rest at 0 V; needs an armed run. Free pulses are left running.

        The trigger and a question travel in one message, so that an answer proves its arrival.
        """
        if not self._counts:
            return
        if pulses != self._believed_pulses:
            self.burst_pulses = pulses
            self.verify(burst_pulses=pulses)
            self._believed_pulses = pulses
        if self.ask("OUTP1:TRIG;:OUTP1?").strip() != "1":
            raise SettingNotTaken(f"{self.name}: its output is off where a burst was to start")
        if not self._proven:
            errors = [error for error in self.check_errors() if not error.startswith(_TRIGGER_IGNORED)]
            if errors:
                raise SettingNotTaken(f"{self.name} started no burst: the box says {' | '.join(errors)}")
            self._proven = True

    def configure_pulse(self, *, pulse_amplitude: float, pulse_width: float, pulse_period: float) -> None:
        """Pulses from 0 V to an amplitude, verified by read-back; the output is off while anything changes.

        Amplitude and offset are separate writes: with the output on, going from 7 V to 4 V would put 1.5 V of
        offset on the device in between.

        Parameters
        ----------
        pulse_amplitude : high level [V]
        pulse_width, pulse_period : [s]
        """
        if not 0 < pulse_amplitude <= LARGEST_AMPLITUDE:
            raise ValueError(
                f"pulse_amplitude {pulse_amplitude:g} V is not within 0 to {LARGEST_AMPLITUDE:g} V; "
                "for the other polarity exchange the leads"
            )
        _check_pulse(pulse_width, pulse_period)
        self.off()
        self.load = "INF"
        self.function = "PULS"
        self.unit = "VPP"
        for name, setting in self._burst_settings.items():
            setattr(self, name, setting)
        self._set_times(pulse_width, pulse_period)
        self.offset = 0.0
        self.amplitude = pulse_amplitude
        self.offset = pulse_amplitude / 2
        self.ask_within(2.0, "*OPC?")
        self.verify(
            load="INF",
            function="PULS",
            unit="VPP",
            amplitude=pulse_amplitude,
            offset=pulse_amplitude / 2,
            pulse_width=pulse_width,
            pulse_period=pulse_period,
            output_on=False,
            **self._burst_settings,
        )

    def set_pulse_width(self, pulse_width: float) -> None:
        """Change the width alone [s], verified by read-back; the output may stay on."""
        _check_pulse(pulse_width, self.pulse_period)
        self.pulse_width = pulse_width
        self.verify(pulse_width=pulse_width, load="INF")

    def switch_on(self) -> None:
        """Switch the pulses on; needs an armed run."""
        self.output_on = True
        self.verify(output_on=True)

    def _set_times(self, pulse_width: float, pulse_period: float) -> None:
        # the box refuses a period shorter than the width it has
        if pulse_period < self.pulse_period:
            self.pulse_width = pulse_width
            self.pulse_period = pulse_period
        else:
            self.pulse_period = pulse_period
            self.pulse_width = pulse_width


def _check_pulse(pulse_width: float, pulse_period: float) -> None:
    if not 0 < pulse_width < pulse_period:
        raise ValueError(
            f"pulse_width {pulse_width:g} s is not shorter than pulse_period {pulse_period:g} s; "
            "shorten the pulse or lengthen the period"
        )
