"""GW Instek MFG-2230M function generator, channel 1, as a source of rectangular pulses from 0 V.

The manual was not at hand. Headers are those of the maker's own driver (github gwstarup/weblab-instrument,
MFG22X0); load, amplitude and offset behave as noted for its family (AFG-2125, AFG-2225).
"""

import math
from dataclasses import dataclass, fields
from typing import Any

from instruments.door import Shadow, command, control, error, number, one_of, query, switch, word
from instruments.driver import Driver, number_control, switch_control, word_control
from instruments.limits import Demand, known, largest

LARGEST_AMPLITUDE = 10.0
"""Largest pulse from 0 V [V]: into an open circuit offset and half the swing make at most 10 V."""


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

    @property
    def energised(self) -> bool:
        return self.on is not False

    @property
    def vital(self) -> frozenset[str]:
        return frozenset(known.name for known in fields(self) if known.name != "on")

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

    def __init__(self, adapter: Any, name: str = "GW Instek MFG-2230M", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)

    def set_up(self) -> None:
        """Reset to pulses into a high-impedance load, output off."""
        self.off()
        self.write("*RST")
        self.write("*CLS")
        self.load = "INF"
        self.function = "PULS"
        self.unit = "VPP"
        self.verify(load="INF", function="PULS", unit="VPP", output_on=False)

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
