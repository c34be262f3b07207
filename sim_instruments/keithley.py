"""What the Keithley 2400 and 6514 share: arm and trigger layers, two reading stores, status tree, formats.

A run of the trigger model is a generator that yields how many seconds pass before its next step; the box
follows it whenever somebody talks to it. While it runs, ABORt, ``*TRG``, ``*RST``, ``*RCL``, SYSTem:PRESet
and device clear act at once; any other command waits until the box is idle (2400 manual p. 16-3), status
queries as `KeithleyBox` says.

Sources: [M] with a page is the 2400 manual 2400S-900-01 rev. K or the 6514 manual 6514-901-01 rev. D; [S] a
sibling's; [D] drivers in use; [?] unconfirmed.
"""

import itertools
import math
import re
import statistics
import struct
from collections.abc import Generator, Sequence
from typing import Any, ClassVar, TypeVar

from sim_instruments.clock import Clock, WaitCut
from sim_instruments.scpi import (
    COMMAND_ERROR,
    DEVICE_ERROR,
    EXECUTION_ERROR,
    OPERATION_COMPLETE,
    Command,
    Postponed,
    ScpiBox,
    ScpiError,
    StatusRegister,
    short_form,
)

OVERFLOW = 9.9e37
NOT_MEASURED = 9.91e37

Item = TypeVar("Item")
Reading = tuple[float, ...]
TriggerModel = Generator[float, None, None]

# measurement event register
READING_AVAILABLE, BUFFER_AVAILABLE, BUFFER_FULL = 1 << 6, 1 << 8, 1 << 9
# operation event register
SWEEPING, WAITING_FOR_TRIGGER, WAITING_FOR_ARM, IDLE = 1 << 3, 1 << 5, 1 << 6, 1 << 10

STORAGE_ACTIVE, CALIBRATION_LOCKED = 800, 509

ACTING = (":ABORt", "*TRG", "*RST", "*RCL", ":SYSTem:PRESet")  # during a run ([M] 2400 p. 16-3)

ALL_CODES = frozenset(range(-440, 901))

DISPLAY_WIDTHS = {1: 20, 2: 32}  # characters of a line

ERROR_TEXTS = {  # [M] 2400 p. B-6
    500: "Date of calibration not set",
    501: "Next date of calibration not set",
    502: "Calibration data invalid",
    503: "DAC calibration overflow",
    504: "DAC calibration underflow",
    505: "Source offset data invalid",
    506: "Source gain data invalid",
    507: "Measurement offset data invalid",
    508: "Measurement gain data invalid",
    509: "Not permitted with cal locked",
    510: "Not permitted with cal un-locked",
    601: "Reading buffer data lost",
    602: "GPIB address lost",
    603: "Power-on state lost",
    604: "DC calibration data lost",
    605: "Calibration dates lost",
    606: "GPIB communication language lost",
    700: "Invalid system communication",
    701: "ASCII only with RS-232",
    800: "Illegal with storage active",
    801: "Insufficient vector data",
    900: "Internal System Error",
}


class KeithleyBox(ScpiBox):
    """A box with Keithley's trigger model, reading stores and status tree.

    Parameters
    ----------
    clock, seed : as for every box
    mains_frequency : of the building [Hz]; found at power-on
    answers_while_running : status and error queries are answered during a run. [?] The manual lets only
        device clear and ABORt through; programs in use poll ``*STB?`` during a run, so True is likelier.
    """

    error_texts = ERROR_TEXTS
    processing_time = 0.001
    elements: ClassVar[tuple[str, ...]] = ()
    time_element: ClassVar[int] = 0
    store_size: ClassVar[int] = 2500

    def __init__(
        self,
        *,
        clock: Clock,
        seed: int = 0,
        mains_frequency: float = 50.0,
        answers_while_running: bool = True,
    ) -> None:
        self.mains_frequency = mains_frequency
        self.answers_while_running = answers_while_running
        self.measurement_status = StatusRegister()
        self.operation_status = StatusRegister()
        self.questionable_status = StatusRegister()
        self.readings: list[Reading] = []
        self.buffer: list[Reading] = []
        self.memories: dict[int, dict[Any, Any]] = {}
        self._run: TriggerModel | None = None
        self._due = 0.0
        super().__init__(clock=clock, seed=seed)

    # the subclass's side

    def trigger_model(self) -> TriggerModel:
        """Run the trigger model once; yield the seconds before each next step, infinity for an event."""
        raise NotImplementedError

    def check_trigger(self) -> None:
        """Raise `ScpiError` where the trigger model may not be started."""

    def run_ended(self) -> None:
        """Hook: the trigger model has ended or was aborted."""

    # the life of a run

    @property
    def step_time(self) -> float:
        """The bench's time at the present step of the run [s]."""
        return self._due

    @property
    def next_event(self) -> float | None:
        """The bench's time at which the run goes on [s]; None when idle or waiting for a trigger."""
        return self._due if self._run is not None and math.isfinite(self._due) else None

    @property
    def timestamp(self) -> float:
        """The time stamp of a reading taken now: seconds since the last reset of the clock, wrapping [s]."""
        return (self._due - self.time_zero) % 100000.0

    def is_idle(self) -> bool:
        """Whether no run is under way."""
        self.catch_up()
        return self._run is None

    def initiate(self) -> None:
        """INIT: leave idle and start the trigger model."""
        if not self.is_idle():
            raise ScpiError(-213)
        self.check_trigger()
        self.readings = []
        self._due = self.clock.monotonic()
        self._run = self.trigger_model()
        self.operation_status.set_condition(IDLE, False)
        self.catch_up()

    def catch_up(self) -> None:
        """Take every step that is due by now."""
        now = self.clock.monotonic() + 1e-9
        while self._run is not None and self._due <= now:
            try:
                self._due += next(self._run)
            except (StopIteration, WaitCut):
                self._end_run()
            except ScpiError as error:
                self.report(error.code)
                self._end_run()

    def finish(self) -> None:
        """Wait until idle; raise `Postponed` when that needs an event from outside."""
        self.catch_up()
        while self._run is not None:
            if not math.isfinite(self._due) or self.settings["arm count"] == math.inf:
                raise Postponed
            try:
                self.clock.wait(self._due - self.clock.monotonic())
            except WaitCut:
                self.abort()
            self.catch_up()

    def abort(self) -> None:
        """ABORt: back to idle at once; readings taken so far stay."""
        self.catch_up()
        if self._run is not None:
            self._run.close()
            self._end_run()

    def trigger(self) -> None:
        """``*TRG`` or a group execute trigger: pass a layer that waits for the bus."""
        self.catch_up()
        if self._run is None or math.isfinite(self._due) or self.settings["arm source"] != "BUS":
            raise ScpiError(-211)
        self._due = self.clock.monotonic()
        self.catch_up()

    def _end_run(self) -> None:
        self._run = None
        self.operation_status.set_condition(SWEEPING | WAITING_FOR_ARM | WAITING_FOR_TRIGGER, False)
        self.operation_status.set_condition(IDLE, True)
        if self.operation_complete_requested:
            self.operation_complete_requested = False
            self.event_status |= OPERATION_COMPLETE
        self.run_ended()

    def before(self, command: Command) -> None:
        """Follow the run; hold back commands that wait for idle."""
        self.catch_up()
        acts = command.header in ACTING or (command.immediate and self.answers_while_running)
        if self._run is not None and not acts:
            self.finish()

    def clear(self) -> None:
        """Device clear: the run is aborted, what is pending forgotten."""
        super().clear()
        self.abort()

    def reset(self) -> None:
        """``*RST``: idle, pending commands forgotten, default settings."""
        self.abort()
        self._postponed = ()
        super().reset()
        self.readings = []

    def power_on(self) -> None:
        """Start up: enables cleared, buffer empty, stamps from zero, state as SYSTem:POSetup says."""
        state = self.settings.get("power-on state", "PRES")
        self.preset_status()
        self.buffer = []
        self._run = None
        self.time_zero = self.clock.monotonic()
        super().power_on()
        self.settings["line frequency"] = "60" if round(self.mains_frequency) == 60 else "50"
        self.operation_status.set_condition(IDLE, True)
        self.settings["power-on state"] = state
        if state.startswith("SAV"):
            self.recall(int(state[3:]))
        self.clear_events()

    # layers

    def pass_layer(self, layer: str, last_pass: float) -> TriggerModel:
        """Wait for the event of the "arm" or "trigger" layer; it was last passed at `last_pass` [s].

        With the bypass set to SOURce, the first pass of a run waits for nothing.
        """
        source = self.settings[f"{layer} source"]
        if math.isinf(last_pass) and self.settings[f"{layer} bypass"] == "SOUR":
            return
        waiting = WAITING_FOR_ARM if layer == "arm" else WAITING_FOR_TRIGGER
        if source == "TIM":
            yield max(last_pass + self.settings[f"{layer} timer"] - self._due, 0.0)
        elif source != "IMM":
            self.operation_status.set_condition(waiting, True)
            yield math.inf
            self.operation_status.set_condition(waiting, False)

    # readings

    def store(self, reading: Reading) -> None:
        """Keep a reading for FETCh? and, if storage is active, in the buffer."""
        if len(self.readings) >= self.store_size:
            self.readings.pop(0)
        self.readings.append(reading)
        self.measurement_status.pulse(READING_AVAILABLE)
        if self.settings["buffer control"] != "NEXT" or self.settings["buffer feed"] == "NONE":
            return
        self.buffer.append(reading)
        if len(self.buffer) == 2:
            self.measurement_status.set_condition(BUFFER_AVAILABLE, True)
        if len(self.buffer) >= self.settings["buffer points"]:
            self.measurement_status.set_condition(BUFFER_FULL, True)
            self.settings["buffer control"] = "NEV"

    def fetch(self) -> str | bytes:
        """FETCh?: the readings of the last run; -230 when there are none."""
        if not self.readings:
            raise ScpiError(-230)
        return self.format_readings(self.readings)

    def read(self) -> str | bytes | None:
        """READ?: ABORt, INIT, FETCh?; silent where the run waits for an event from outside."""
        self.abort()
        self.check_trigger()
        if self.settings["arm count"] == math.inf:
            raise ScpiError(830)
        if self.settings["arm source"] == "BUS":
            raise ScpiError(-214)
        self.initiate()
        try:
            self.finish()
        except Postponed:
            return None
        return self.fetch()

    def latest(self) -> str | bytes:
        """DATA:LATest?: the last reading taken; -230 when there is none."""
        if not self.readings:
            raise ScpiError(-230)
        return self.format_readings(self.readings[-1:])

    def format_readings(self, readings: Sequence[Reading]) -> str | bytes:
        """Return readings as FORMat says: chosen elements in the box's own order, text or singles."""
        chosen = [
            index for index, name in enumerate(self.elements) if short_form(name) in self.settings["elements"]
        ]
        return self.format_values([reading[index] for reading in readings for index in chosen])

    def set_data_format(self, form: str, *_: int) -> None:
        """FORMat:DATA: text or singles; a serial line carries text only."""
        if form != "ASC" and self.door == "serial":
            raise ScpiError(701)
        self.settings["data format"] = form

    def format_values(self, values: Sequence[float]) -> str | bytes:
        """Return numbers as FORMat:DATA says."""
        if self.settings["data format"] == "ASC":
            return ",".join([f"{value:+.6E}" for value in values])
        order = ">" if self.settings["byte order"] == "NORM" else "<"
        return b"#0" + struct.pack(f"{order}{len(values)}f", *values)

    # buffer

    def buffer_contents(self) -> str | bytes:
        """TRACe:DATA?: everything stored, time stamps absolute (first is zero) or as steps."""
        if not self.buffer:
            raise ScpiError(-230)
        index = self.time_element
        times = [reading[index] for reading in self.buffer]
        if self.settings["buffer times"] == "ABS":
            stamps = [(time - times[0]) % 100000.0 for time in times]
        else:
            stamps = [0.0, *((b - a) % 100000.0 for a, b in itertools.pairwise(times))]
        return self.format_readings(
            [
                (*reading[:index], stamp, *reading[index + 1 :])
                for reading, stamp in zip(self.buffer, stamps, strict=True)
            ]
        )

    def clear_buffer(self) -> None:
        """TRACe:CLEar: empty the buffer; not while it is being filled."""
        self.check_storage_inactive()
        self.buffer = []
        self.measurement_status.set_condition(BUFFER_AVAILABLE | BUFFER_FULL, False)

    def check_storage_inactive(self) -> None:
        """Raise +800 while readings go into the buffer."""
        if self.settings.get("buffer control") == "NEXT":
            raise ScpiError(STORAGE_ACTIVE)

    def set_buffer_control(self, value: str) -> None:
        """TRACe:FEED:CONTrol: NEXT starts an empty buffer, NEVer stops storing."""
        if value == "NEXT":
            self.buffer = []
            self.measurement_status.set_condition(BUFFER_AVAILABLE | BUFFER_FULL, False)
        self.settings["buffer control"] = value

    def buffer_statistic(self, elements: Sequence[int]) -> str | bytes:
        """CALCulate3:DATA?: the chosen statistic of the stored readings, element by element."""
        if not self.buffer:
            raise ScpiError(-230)
        return self.format_values(
            [
                statistic(self.settings["statistic"], [reading[index] for reading in self.buffer])
                for index in elements
            ]
        )

    # status

    def report(self, code: int) -> None:
        """Enter an error into the queue, where its code is enabled; its bit is set anyhow."""
        if code in self.reportable:
            super().report(code)
        else:
            self.event_status |= self.event_bit(code)

    def enable_messages(self, *texts: str) -> None:
        """STATus:QUEue:ENABle: only the codes of a list enter the queue."""
        self.reportable = ALL_CODES & codes_of(texts)

    def disable_messages(self, *texts: str) -> None:
        """STATus:QUEue:DISable: the codes of a list do not."""
        self.reportable = self.reportable - codes_of(texts)

    def enabled_messages(self, enabled: bool = True) -> str:
        """The codes that may, or may not, enter the queue, as ranges."""
        return ranges_text(self.reportable if enabled else ALL_CODES - self.reportable)

    def event_bit(self, code: int) -> int:
        """Positive codes: +800 and up are execution errors, the others device errors ([M] 2400 app. B)."""
        if 0 < code < 100:
            return COMMAND_ERROR
        if 800 <= code < 900:
            return EXECUTION_ERROR
        return DEVICE_ERROR if code > 0 else super().event_bit(code)

    def summary_bits(self) -> int:
        """Bit 0 measurement, 3 questionable, 7 operation summary."""
        self.catch_up()
        return (
            self.measurement_status.summary
            | self.questionable_status.summary << 3
            | self.operation_status.summary << 7
        )

    def clear_events(self) -> None:
        """Clear the three event registers."""
        for register in (self.measurement_status, self.operation_status, self.questionable_status):
            register.event = 0

    def preset_status(self) -> None:
        """STATus:PRESet: clear the enables of the three registers; every error may enter the queue."""
        self.reportable = ALL_CODES
        for register in (self.measurement_status, self.operation_status, self.questionable_status):
            register.enable = 0

    def shown_text(self, line: int) -> str:
        """The message in a line of the display, padded."""
        name, on = (
            self.settings[f":DISPlay[:WINDow{{1|2}}]:TEXT{node}", line] for node in ("[:DATA]", ":STATe")
        )
        return (name if on else "")[: DISPLAY_WIDTHS[line]].ljust(DISPLAY_WIDTHS[line])

    def format_register(self, value: int) -> str:
        """Return a status register as FORMat:SREGister says."""
        prefix, digits = {"ASC": ("", "d"), "HEX": ("#H", "X"), "OCT": ("#Q", "o"), "BIN": ("#B", "b")}[
            self.settings["register format"]
        ]
        return f"{prefix}{value:{digits}}"

    def save(self, slot: int) -> None:
        """``*SAV``: remember the settings."""
        self.memories[slot] = {key: value for key, value in self.settings.items() if key != "power-on state"}

    def recall(self, slot: int) -> None:
        """``*RCL``: back to remembered settings; the defaults where nothing was saved ([M] 2400 p. 16-4)."""
        self.reset()
        self.settings.update(self.memories.get(slot, {}))


def next_range(ranges: Sequence[Item], used: Item, way: str) -> Item:
    """Return the range UP or DOWN of the one in use; the outermost stay."""
    place = ranges.index(used) + (1 if way == "UP" else -1)
    return ranges[min(max(place, 0), len(ranges) - 1)]


def codes_of(texts: Sequence[str]) -> frozenset[int]:
    """Return the codes of a list like ``(-110:-222, -410)``; -104 for anything else.

    Examples
    --------
    >>> sorted(codes_of(["(-110:-112)"]))
    [-112, -111, -110]
    """
    codes: set[int] = set()
    text = ",".join(texts).strip()
    if not (text.startswith("(") and text.endswith(")")):
        raise ScpiError(-104)
    for item in filter(None, (item.strip() for item in text[1:-1].split(","))):
        match = re.fullmatch(r"([+-]?\d{1,4})\s*(?::\s*([+-]?\d{1,4}))?", item)
        if match is None:
            raise ScpiError(-104)
        first, last = int(match[1]), int(match[2] or match[1])
        codes.update(range(min(first, last), max(first, last) + 1))
    return frozenset(codes)


def ranges_text(codes: frozenset[int]) -> str:
    """Return codes as the ranges they make: ``(-222:-110,900)``."""
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "(" + ",".join(f"{a}:{b}" if a < b else f"{a}" for a, b in ranges) + ")"


def statistic(name: str, values: Sequence[float]) -> float:
    """Return MEAN, SDEV, MAX, MIN or PKPK of some readings; a sentinel among them makes it not measured."""
    if any(abs(value) >= OVERFLOW for value in values):
        return NOT_MEASURED
    if name == "SDEV":
        return statistics.stdev(values) if len(values) > 1 else 0.0
    return {
        "MEAN": lambda: statistics.fmean(values),
        "MAX": lambda: max(values),
        "MIN": lambda: min(values),
        "PKPK": lambda: max(values) - min(values),
    }[name]()
