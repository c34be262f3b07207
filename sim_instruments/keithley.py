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
from collections.abc import Callable, Generator, Sequence
from typing import Any, ClassVar

from sim_instruments.clock import Clock, WaitCut
from sim_instruments.scpi import (
    COMMAND_ERROR,
    DEVICE_ERROR,
    EXECUTION_ERROR,
    OPERATION_COMPLETE,
    Choice,
    Command,
    Number,
    Parameter,
    Postponed,
    Raw,
    ScpiBox,
    ScpiError,
    StatusRegister,
    Switch,
    Text,
    control,
    short_form,
)

OVERFLOW = 9.9e37
NOT_MEASURED = 9.91e37

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
        """Start up: status enables cleared, buffer empty, time stamps from zero."""
        self.preset_status()
        self.buffer = []
        self._run = None
        self.time_zero = self.clock.monotonic()
        super().power_on()
        self.settings["line frequency"] = "60" if round(self.mains_frequency) == 60 else "50"
        self.operation_status.set_condition(IDLE, True)
        self.clear_events()

    # layers

    def pass_layer(self, layer: str, last_pass: float) -> TriggerModel:
        """Wait for the event of the "arm" or "trigger" layer; it was last passed at `last_pass` [s]."""
        source = self.settings[f"{layer} source"]
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
        self.memories[slot] = dict(self.settings)

    def recall(self, slot: int) -> None:
        """``*RCL``: back to remembered settings; the defaults where nothing was saved ([M] 2400 p. 16-4)."""
        self.reset()
        self.settings.update(self.memories.get(slot, {}))


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


# --- command tables ---------------------------------------------------------------------------------


class RangeNumber(Number):
    """A value the range must hold, or UP or DOWN."""

    def convert(self, text: str, box: ScpiBox) -> Any:
        """Return the number or the word."""
        word = text.upper()
        return word if word in ("UP", "DOWN") else super().convert(text, box)


def _set_enable(name: str) -> Callable[..., None]:
    def set_enable(box: KeithleyBox, mask: int) -> None:
        getattr(box, name).enable = mask

    return set_enable


def _status_register(node: str, name: str, meaning: str) -> tuple[Command, ...]:
    source = "[M] 2400 p. 288, 6514 p. 196; during a run: [?] answers_while_running"
    return (
        Command(
            f":STATus:{node}[:EVENt]",
            meaning=f"Read and clear the {meaning} events",
            source=source,
            query=lambda box: box.format_register(getattr(box, name).read_event()),
            immediate=True,
        ),
        Command(
            f":STATus:{node}:CONDition",
            meaning=f"The {meaning} conditions now",
            source=source,
            query=lambda box: box.format_register(getattr(box, name).condition),
            immediate=True,
        ),
        Command(
            f":STATus:{node}:ENABle",
            meaning=f"Enable mask of the {meaning} events",
            source=source,
            takes=(Number(0, 65535, integer=True),),
            set=_set_enable(name),
            query=lambda box: box.format_register(getattr(box, name).enable),
            immediate=True,
        ),
    )


def _check_counts(layer: str) -> Callable[[KeithleyBox, float], None]:
    """The product of the two counts may not exceed the store (2500 on the 2400)."""
    other = "trigger count" if layer == "arm count" else "arm count"

    def set_count(box: KeithleyBox, count: float) -> None:
        product = count * box.settings[other]
        if math.isfinite(product) and product > box.store_size:
            raise ScpiError(-222)
        box.settings[layer] = count

    return set_count


def _count(layer: str) -> Callable[[KeithleyBox], str]:
    def answer(box: KeithleyBox) -> str:
        count = box.settings[f"{layer} count"]
        return f"{OVERFLOW:+.6E}" if count == math.inf else str(int(count))

    return answer


def trigger_commands(
    *,
    arm_sources: Parameter,
    trigger_sources: Parameter,
    trigger_outputs: Parameter,
    delay_set: Callable[[Any], None] | None = None,
) -> tuple[Command, ...]:
    """Return the ARM, TRIGger and INITiate subsystems; only the names of the events differ between boxes."""
    source = "[M] 2400 ch. 18; [D]"
    lines = Number(1, 4, integer=True)
    count = Number(1, 2500, default=1, integer=True, infinite=True)
    bypass = Choice("ACCeptor", "SOURce")
    arm, trigger = ":ARM[:SEQuence[1]][:LAYer[1]]", ":TRIGger[:SEQuence[1]]"
    return (
        Command(
            f"{arm}:COUNt",
            meaning="Passes through the arm layer",
            source=source,
            takes=(count,),
            set=_check_counts("arm count"),
            query=_count("arm"),
            keys=("arm count",),
            default=1,
        ),
        Command(
            f"{trigger}:COUNt",
            meaning="Readings in each pass; counts multiplied at most 2500",
            source=source,
            takes=(Number(1, 2500, default=1, integer=True),),
            set=_check_counts("trigger count"),
            query=_count("trigger"),
            keys=("trigger count",),
            default=1,
        ),
        control(
            f"{arm}:SOURce", arm_sources, default="IMM", key="arm source", meaning="Arm event", source=source
        ),
        control(
            f"{trigger}:SOURce",
            trigger_sources,
            default="IMM",
            key="trigger source",
            meaning="Trigger event",
            source=source,
        ),
        control(
            f"{arm}:TIMer",
            Number(0.001, 99999.99, default=0.1),
            default=0.1,
            key="arm timer",
            meaning="Interval of the timer source [s]",
            source=source,
        ),
        control(
            f"{trigger}:DELay",
            Number(0, 999.9999, default=0),
            default=0.0,
            key="trigger delay",
            meaning="Delay of the trigger layer [s]",
            after=delay_set,
            source=source,
        ),
        control(f"{arm}[:TCONfigure]:DIRection", bypass, default="ACC", meaning="Arm bypass", source=source),
        control(
            f"{trigger}[:TCONfigure]:DIRection",
            bypass,
            default="ACC",
            meaning="Trigger bypass",
            source=source,
        ),
        control(
            f"{arm}[:TCONfigure][:ASYNchronous]:ILINe",
            lines,
            default=1,
            meaning="Arm input line",
            source=source,
        ),
        control(
            f"{arm}[:TCONfigure][:ASYNchronous]:OLINe",
            lines,
            default=2,
            meaning="Arm output line",
            source=source,
        ),
        control(
            f"{trigger}[:TCONfigure][:ASYNchronous]:ILINe",
            lines,
            default=1,
            meaning="Trigger input line",
            source=source,
        ),
        control(
            f"{trigger}[:TCONfigure][:ASYNchronous]:OLINe",
            lines,
            default=2,
            meaning="Trigger output line",
            source=source,
        ),
        control(
            f"{arm}[:TCONfigure][:ASYNchronous]:OUTPut",
            Choice("TENTer", "TEXit", "TRIGger", "NONE", repeated=True),
            default=("NONE",),
            meaning="Arm output events: kept, not acted on",
            source=source,
        ),
        control(
            f"{trigger}[:TCONfigure][:ASYNchronous]:OUTPut",
            trigger_outputs,
            default=("NONE",),
            meaning="Trigger output events: kept, not acted on",
            source=source,
        ),
        Command(f"{trigger}:CLEar", meaning="Forget pending triggers", source=source, set=lambda box: None),
        Command(
            ":INITiate[:IMMediate]",
            meaning="Start the trigger model",
            source="[M] 2400 p. 304",
            set=KeithleyBox.initiate,
        ),
        ABORT,
        TRIGGER,
    )


ABORT = Command(
    ":ABORt",
    meaning="Back to idle, at once",
    source="[M] 2400 p. 301",
    set=lambda box: box.abort(),
    immediate=True,
)
TRIGGER = Command(
    "*TRG", meaning="Bus trigger", source="IEEE 488.2", set=lambda box: box.trigger(), immediate=True
)


def _set_while_inactive(key: str) -> Callable[[KeithleyBox, Any], None]:
    def set_value(box: KeithleyBox, value: Any) -> None:
        box.check_storage_inactive()
        box.settings[key] = value

    return set_value


def _ignore(*_: Any) -> None:
    """A command that has no effect a program can see."""


READING_COMMANDS: tuple[Command, ...] = (
    Command(
        ":READ",
        meaning="ABORt, INITiate, FETCh?",
        source="[M] 2400 p. 304; its output off: [?] reads_with_output_off",
        query=KeithleyBox.read,
    ),
    Command(
        ":FETCh",
        meaning="Readings of the last run",
        source="[M] 2400 p. 302, 6514 p. 81",
        query=KeithleyBox.fetch,
    ),
    Command(
        "[:SENSe[1]]:DATA[:LATest]",
        meaning="The last reading, without a trigger",
        source="[M] 6514 p. 81",
        query=KeithleyBox.latest,
    ),
)

BUFFER_COMMANDS: tuple[Command, ...] = (
    Command(
        ":TRACe|DATA:DATA",
        meaning="The stored readings",
        source="[M] 6514 p. 115",
        query=KeithleyBox.buffer_contents,
    ),
    Command(
        ":TRACe|DATA:CLEar",
        meaning="Empty the buffer",
        source="[M] 6514 p. 115",
        set=KeithleyBox.clear_buffer,
    ),
    Command(
        ":TRACe|DATA:FREE",
        meaning="Bytes free and bytes reserved",
        source="[M] 6514 p. 115; [?] assumption: 16 bytes a reading",
        query=lambda box: f"{16 * (box.store_size - len(box.buffer))}, {16 * len(box.buffer)}",
    ),
    Command(
        ":TRACe|DATA:POINts",
        meaning="Size of the buffer",
        source="[M] 6514 p. 115, 2400 p. 323",
        takes=(Number(1, lambda box: box.store_size, default=100, integer=True),),
        set=_set_while_inactive("buffer points"),
        query=lambda box: box.settings["buffer points"],
        keys=("buffer points",),
        initial=100,
    ),
    Command(
        ":TRACe|DATA:POINts:ACTual",
        meaning="Readings stored",
        source="[M] 6514 p. 115",
        query=lambda box: len(box.buffer),
    ),
    Command(
        ":TRACe|DATA:FEED",
        meaning="What is stored: raw readings or CALCulate results",
        source="[M] 6514 p. 115",
        takes=(
            Choice(
                "SENSe",
                "CALCulate1",
                "CALCulate2",
                "NONE",
                aliases={"SENS1": "SENS", "SENSE1": "SENS", "CALC": "CALC1"},
            ),
        ),
        set=_set_while_inactive("buffer feed"),
        query=lambda box: "SENS1" if box.settings["buffer feed"] == "SENS" else box.settings["buffer feed"],
        keys=("buffer feed",),
        initial="SENS",
    ),
    Command(
        ":TRACe|DATA:FEED:CONTrol",
        meaning="NEXT fills the buffer once, NEVer stops",
        source="[M] 6514 p. 115",
        takes=(Choice("NEXT", "NEVer"),),
        set=KeithleyBox.set_buffer_control,
        query=lambda box: box.settings["buffer control"],
        keys=("buffer control",),
        initial="NEV",
    ),
    Command(
        ":TRACe|DATA:TSTamp:FORMat",
        meaning="Stored time stamps absolute or as steps",
        source="[M] 6514 p. 115, p. 216",
        takes=(Choice("ABSolute", "DELTa"),),
        set=_set_while_inactive("buffer times"),
        query=lambda box: box.settings["buffer times"],
        keys=("buffer times",),
        initial="ABS",
    ),
    control(
        ":CALCulate3:FORMat",
        Choice("MEAN", "SDEViation", "MAXimum", "MINimum", "PKPK"),
        default="MEAN",
        key="statistic",
        meaning="Statistic of the stored readings",
        source="[M] 6514 p. 115",
    ),
)

STATUS_COMMANDS: tuple[Command, ...] = (
    *_status_register("MEASurement", "measurement_status", "measurement"),
    *_status_register("OPERation", "operation_status", "operation"),
    *_status_register("QUEStionable", "questionable_status", "questionable"),
    Command(
        ":STATus:PRESet",
        meaning="Clear the enables of the three registers",
        source="[M] 2400 ch. 18",
        set=KeithleyBox.preset_status,
        immediate=True,
    ),
    Command(
        ":STATus:QUEue[:NEXT]",
        meaning="Oldest error, removed from the queue",
        source="[M] 2400 ch. 18",
        query=lambda box: box.format_error(box.pop_error()),
        immediate=True,
    ),
    Command(
        ":STATus:QUEue:CLEar",
        meaning="Empty the error queue",
        source="[M] 2400 ch. 18",
        set=lambda box: box.errors.clear(),
        immediate=True,
    ),
    Command(
        ":STATus:QUEue:ENABle",
        meaning="Codes that may enter the queue, as (-110:-222,-410); no others",
        source="[M] 2400 ch. 18",
        takes=(Raw(repeated=True),),
        set=KeithleyBox.enable_messages,
        query=lambda box: box.enabled_messages(),
    ),
    Command(
        ":STATus:QUEue:DISable",
        meaning="Codes that may not enter the queue",
        source="[M] 2400 ch. 18",
        takes=(Raw(repeated=True),),
        set=KeithleyBox.disable_messages,
        query=lambda box: box.enabled_messages(False),
    ),
)


def _all_errors(box: KeithleyBox) -> str:
    entries = [box.format_error(box.pop_error()) for _ in range(len(box.errors))]
    return ",".join(entries) or box.format_error(0)


SYSTEM_COMMANDS: tuple[Command, ...] = (
    Command(
        ":SYSTem:ERRor:ALL",
        meaning="Every error, removed",
        source="[M] 2400 ch. 18",
        query=_all_errors,
        immediate=True,
    ),
    Command(
        ":SYSTem:ERRor:COUNt",
        meaning="Errors in the queue",
        source="[M] 2400 ch. 18",
        query=lambda box: len(box.errors),
        immediate=True,
    ),
    Command(
        ":SYSTem:ERRor:CODE[:NEXT]",
        meaning="Oldest error's code alone, removed",
        source="[M] 2400 ch. 18",
        query=lambda box: box.pop_error(),
        immediate=True,
    ),
    Command(
        ":SYSTem:ERRor:CODE:ALL",
        meaning="Every error's code, removed",
        source="[M] 2400 ch. 18",
        query=lambda box: ",".join(str(box.pop_error()) for _ in range(len(box.errors))) or "0",
        immediate=True,
    ),
    Command(
        ":SYSTem:CLEar",
        meaning="Empty the error queue",
        source="[M] 2400 ch. 18",
        set=lambda box: box.errors.clear(),
        immediate=True,
    ),
    Command(
        ":SYSTem:PRESet",
        meaning="Front-panel defaults: as *RST here",
        source="[?]",
        set=lambda box: box.reset(),
        immediate=True,
    ),
    Command(
        ":SYSTem:TIME:RESet",
        meaning="Time stamps from zero",
        source="[M] 6514 p. 216",
        set=lambda box: setattr(box, "time_zero", box.clock.monotonic()),
    ),
    control(
        ":SYSTem:TIME:RESet:AUTO",
        Switch(),
        default=False,
        meaning="Time stamps from zero at each run",
        source="[M] 2400 ch. 18",
        key="time reset",
    ),
    control(
        ":SYSTem:POSetup",
        Choice("RST", "PRESet", *(f"SAV{n}" for n in range(5))),
        initial="PRES",
        meaning="State at power-on: kept, not acted on",
        source="[M] 2400 ch. 18",
    ),
    Command(
        ":SYSTem:KEY",
        meaning="Press a key of the front panel: no effect",
        source="[M] 2400 ch. 18",
        takes=(Number(1, 31, integer=True),),
        set=_ignore,
        query=lambda box: 0,
    ),
    Command(":SYSTem:LOCal", meaning="Front panel on (RS-232)", source="[S]", set=_ignore),
    Command(":SYSTem:REMote", meaning="Front panel off (RS-232)", source="[S]", set=_ignore),
    Command(
        ":SYSTem:RWLock|LLOCkout",
        meaning="Front panel locked (RS-232)",
        source="[S]",
        set=_ignore,
        takes=(Switch(optional=True),),
    ),
    control(
        ":SYSTem:LFRequency",
        Choice("50", "60", aliases={"50.0": "50", "60.0": "60"}),
        initial="50",
        key="line frequency",
        meaning="Power line frequency [Hz]",
        source="[D]",
    ),
    control(
        ":SYSTem:LFRequency:AUTO",
        Switch(),
        initial=True,
        key="line frequency auto",
        meaning="Line frequency found at power-on",
        source="[D]",
    ),
    control(
        ":SYSTem:AZERo[:STATe]",
        Switch(extra={"ONCE": False}),
        default=True,
        key="auto zero",
        meaning="Auto-zero; ONCE measures zero now and switches it off",
        source="[M] 2400 ch. 18",
    ),
    Command(
        "*SAV",
        meaning="Remember the settings",
        source="IEEE 488.2",
        takes=(Number(0, 4, integer=True),),
        set=KeithleyBox.save,
    ),
    Command(
        "*RCL",
        meaning="Back to remembered settings",
        source="IEEE 488.2",
        takes=(Number(0, 4, integer=True),),
        set=KeithleyBox.recall,
        immediate=True,
    ),
    control(
        ":DISPlay:ENABle", Switch(), initial=True, meaning="Front panel display", source="[M] 2400 ch. 18"
    ),
    control(
        ":DISPlay[:WINDow{1|2}]:TEXT[:DATA]",
        Text(),
        initial="",
        meaning="Message in the upper (1) or lower (2) line",
        source="[M]",
    ),
    control(
        ":DISPlay[:WINDow{1|2}]:TEXT:STATe",
        Switch(),
        initial=False,
        meaning="Message shown",
        source="[M]",
    ),
    Command(
        ":DISPlay[:WINDow{1|2}]:DATA",
        meaning="What the upper (1) or lower (2) line shows: its message",
        source="[M]; without one: [?] nothing",
        query=lambda box, line: '"' + box.shown_text(line) + '"',
    ),
    Command(
        ":DISPlay[:WINDow{1|2}]:ATTRibutes",
        meaning="Which characters of a line blink: none",
        source="[M]",
        query=lambda box, line: '"' + "0" * DISPLAY_WIDTHS[line] + '"',
    ),
    control(":DISPlay:DIGits", Number(4, 7, integer=True), initial=6, meaning="Digits shown", source="[M]"),
    Command(
        ":DISPlay:CNDisplay", meaning="Show source and measurement", source="[M] 2400 ch. 18", set=_ignore
    ),
)


def format_commands(elements: Sequence[str]) -> tuple[Command, ...]:
    """Return the FORMat subsystem for a box with these reading elements."""
    names = tuple(short_form(element) for element in elements)
    choice = Choice(*elements, repeated=True)

    def set_elements(box: KeithleyBox, *chosen: str) -> None:
        box.settings["elements"] = chosen

    return (
        Command(
            ":FORMat:ELEMents[:SENSe[1]]",
            meaning="Elements of a reading; always sent in this order",
            source="[M] 6514 p. 115, 2400 p. 354; order [D]",
            takes=(choice,),
            set=set_elements,
            query=lambda box: ",".join(name for name in names if name in box.settings["elements"]),
            keys=("elements",),
            default=names,
        ),
        Command(
            ":FORMat[:DATA]",
            meaning="ASCii text, or IEEE-754 singles after #0; text only on a serial line (+701)",
            source="[M] 6514 p. 216, 2400 p. B-6",
            takes=(Choice("ASCii", "REAL", "SREal"), Number(32, 32, optional=True, integer=True)),
            set=KeithleyBox.set_data_format,
            query=lambda box: box.settings["data format"],
            keys=("data format",),
            default="ASC",
        ),
        control(
            ":FORMat:BORDer",
            Choice("NORMal", "SWAPped"),
            default="NORM",
            key="byte order",
            meaning="Byte order of binary readings",
            source="[M] 2400 ch. 18",
        ),
        control(
            ":FORMat:SOURce2",
            Choice("ASCii", "HEXadecimal", "OCTal", "BINary"),
            default="ASC",
            meaning="How the digital output is printed: kept, not acted on",
            source="[M] 2400 ch. 18",
        ),
        control(
            ":FORMat:ELEMents:CALCulate",
            Choice("CALC", "TIME", "STATus", repeated=True),
            default=("CALC",),
            key="calculation elements",
            meaning="Elements of a CALCulate result; the 6514 sends the result alone",
            source="[M] 2400 ch. 18",
        ),
        control(
            ":FORMat:SREGister",
            Choice("ASCii", "HEXadecimal", "OCTal", "BINary"),
            default="ASC",
            key="register format",
            meaning="How status registers are printed",
            source="[M] 2400 ch. 18",
        ),
    )


# --- limits' digital output, calibration ------------------------------------------------------------

PATTERN = Number(0, 15, integer=True)


def _pattern(header: str, key: str, meaning: str) -> Command:
    return control(header, PATTERN, default=15, key=key, meaning=meaning, source="[M] 2400 ch. 18")


def limit_patterns(limit: str) -> tuple[Command, ...]:
    """Return the digital outputs of the limits whose header is `limit`."""
    return (
        _pattern(f"{limit}:UPPer:SOURce2", "limit upper pattern", "Digital output when above"),
        _pattern(f"{limit}:LOWer:SOURce2", "limit lower pattern", "Digital output when below"),
    )


DIGITAL_COMMANDS: tuple[Command, ...] = (
    _pattern(":CALCulate2:CLIMits:PASS:SOURce2", "pass pattern", "Digital output when all pass"),
    _pattern(":CALCulate2:CLIMits:FAIL:SOURce2", "fail pattern", "Digital output when one fails"),
    control(
        ":CALCulate2:CLIMits:BCONtrol",
        Choice("IMMediate", "END"),
        default="IMM",
        meaning="When the digital output follows: kept, not acted on",
        source="[M] 2400 ch. 18",
    ),
    control(
        ":CALCulate2:CLIMits:CLEar:AUTO",
        Switch(),
        default=True,
        meaning="Limits forgotten when a run starts: kept, not acted on",
        source="[M] 2400 ch. 18",
    ),
    Command(
        ":CALCulate2:CLIMits:CLEar[:IMMediate]",
        meaning="Forget limit results",
        source="[M] 2400 ch. 18",
        set=lambda box: box.forget_limits(),
    ),
    _pattern(":SOURce2:TTL[:LEVel][:DEFault]", "digital output", "Digital output lines"),
    Command(
        ":SOURce2:TTL[:LEVel]:ACTual",
        meaning="Digital output lines now",
        source="[M] 2400 ch. 18",
        query=lambda box: box.settings["digital output"],
    ),
    control(
        ":SOURce2:TTL4:MODE",
        Choice("EOTest", "BUSY"),
        default="EOT",
        meaning="What line 4 tells: kept, not acted on",
        source="[M] 2400 ch. 18",
    ),
    control(
        ":SOURce2:TTL4:BSTate",
        Switch(extra={"HIGH": True, "LOW": False}),
        default=False,
        meaning="Line 4 when busy: kept, not acted on",
        source="[M] 2400 ch. 18",
    ),
    control(
        ":SOURce2:CLEar:AUTO",
        Switch(),
        default=False,
        meaning="Digital output back to its default after a test: kept, not acted on",
        source="[M] 2400 ch. 18",
    ),
    control(
        ":SOURce2:CLEar:AUTO:DELay",
        Number(0, 60),
        default=1e-4,
        meaning="Length of the digital output's pulse: kept, not acted on [s]",
        source="[M] 2400 ch. 18",
    ),
    Command(
        ":SOURce2:CLEar[:IMMediate]",
        meaning="Digital output back to its default",
        source="[M] 2400 ch. 18",
        set=_ignore,
    ),
)


def calibration_commands(code: str) -> tuple[Command, ...]:
    """Return the CALibration subsystem of a box that this code unlocks."""
    source = "[M] 2400 service manual, ch. 2; [?] only that it is locked"

    def unlock(box: KeithleyBox, text: str) -> None:
        if text != code:
            raise ScpiError(-221)
        box.settings["calibration unlocked"] = True

    def lock(box: KeithleyBox) -> None:
        box.settings["calibration unlocked"] = False

    def while_unlocked(box: KeithleyBox, *_: Any) -> None:
        if not box.settings["calibration unlocked"]:
            raise ScpiError(CALIBRATION_LOCKED)

    base = ":CALibration:PROTected"
    return (
        Command(f"{base}:CODE", meaning="Unlock, quoted", source=source, takes=(Text(),), set=unlock),
        Command(
            f"{base}:LOCK",
            meaning="Lock calibration; 1 while it is unlocked",
            source=source,
            set=lock,
            query=lambda box: box.settings["calibration unlocked"],
            keys=("calibration unlocked",),
            initial=False,
        ),
        Command(f"{base}:COUNt", meaning="Times it was calibrated", source=source, query=lambda box: 1),
        *(
            Command(
                f"{base}:{word}",
                meaning=f"{meaning}; +509 while locked, no effect otherwise",
                source=source,
                takes=(Raw(repeated=True, optional=True),),
                set=while_unlocked,
                query=None if answer is None else (lambda box, answer=answer: answer),
            )
            for word, meaning, answer in (
                ("SAVE", "Save what was calibrated", None),
                ("DATE", "Date of calibration", "2006,3,17"),
                ("NDUE", "When it is due again", "2007,3,17"),
                ("SENSe", "Calibrate a measurement", None),
                ("SOURce", "Calibrate the source", None),
            )
        ),
        *(
            Command(
                f"{base}:{word}:DATA",
                meaning="Constants of calibration",
                source=source,
                query=lambda box: "+0.000000E+00,+1.000000E+00,+1.000000E+00",
            )
            for word in ("SENSe", "SOURce")
        ),
    )
