"""Transient electroluminescence: time-averaged light against pulse width, one series per pulse amplitude."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import ClassVar

from instruments.errors import InstrumentError
from instruments.limits import Demand
from procedures import columns
from procedures.base import (
    NO_FLAGS,
    USUAL_LINE_FREQUENCY,
    BenchProcedure,
    Choice,
    ConnectedDevice,
    Cost,
    Count,
    MeasuredLight,
    PointKey,
    Problem,
    Quantity,
    QuantityList,
    Row,
    SourceRole,
    Switch,
)
from procedures.points import shuffled
from procedures.pulse_timing import (
    MARGIN,
    Bursts,
    cut_pulse_remark,
    whole_cycles,
)

SETTING_TIME = 0.15  # [s] the generator takes to settle after amplitude and offset, and its messages

CONVERSIONS = (
    3  # of an electrometer for each reading: auto zero measures zero and reference beside the signal
)

SERIES, REFERENCE, DOUBLE_PERIOD, BACKGROUND, PICKUP = 0.0, 1.0, 2.0, 3.0, 4.0

LOWEST_RANGE = 2e-11  # [A] of the electrometer
REST_RANGE = 1e-9  # [A]; on which the device is looked at between bursts, unless the dark needs a wider one
GLOW = 1e-3  # of the meter's range: more light than this between bursts is no noise
REST_READINGS = 2  # as many times as for a point: the scatter even of single readings must be known

DARK_READINGS = 4  # as many times as for a point: what is subtracted from all points must not add to each

LEAST_WIDTHS, LEAST_REPEATS = 5, 3  # before any early stop

_DECADES = [10.0**exponent for exponent in range(-10, -2)]  # [A]; the electrometer's ranges worth using here


@dataclass(frozen=True, kw_only=True)
class PulsePoint:
    """One reading of a series: pulse width [s] and which repeat; `extension` where beyond the asked grid."""

    pulse_width: float
    repeat: int
    extension: bool = False


@dataclass(frozen=True, kw_only=True)
class MeanLight:
    """Mean of a few readings of the light meter [A] with its standard error, and what was flagged.

    The errors of the dark reading and of the pickup that were subtracted stand apart: they do not average
    out.
    """

    current: float
    standard_error: float
    flags: frozenset[str] = NO_FLAGS
    dark_error: float = 0.0
    pickup_error: float = 0.0

    @property
    def total_error(self) -> float:
        return math.hypot(self.standard_error, self.dark_error, self.pickup_error)


NO_LIGHT = MeanLight(current=0.0, standard_error=0.0)


class TELSeriesMeasurement(BenchProcedure):
    """Pulse the device and average its light, for every width at every amplitude.

    The output is off while amplitude, offset or period change. Light is given with its background subtracted,
    whose error is in the light's and beside it: a dark reading, and where asked for the pickup of pulses too
    low to make light. A reference pulse every few points shows ageing, which mimics curvature; at twice the
    period light must halve.
    """

    kind: ClassVar[str] = "tel_series"
    file_name: ClassVar[str] = "TELSeries"
    roles: ClassVar[tuple[str, ...]] = ("pulse_generator", "light_meter")
    source: ClassVar[SourceRole | None] = "pulse_generator"
    result_column: ClassVar[str] = columns.LIGHT_CURRENT

    DATA_COLUMNS = [
        columns.PULSE_AMPLITUDE,
        columns.PULSE_WIDTH,
        columns.PULSE_PERIOD,
        columns.DEVICE_VOLTAGE,
        columns.LIGHT_CURRENT,
        columns.LIGHT_CURRENT_ERROR,
        columns.DARK_ERROR,
        columns.PICKUP_ERROR,
        columns.BACKGROUND_CURRENT,
        columns.POINT_KIND,
        columns.REPEAT,
        *columns.TEMPERATURES,
    ]

    pulse_amplitudes = QuantityList("Pulse amplitudes", "V", above=0.0)
    pulse_widths = QuantityList("Pulse widths", "s", above=0.0)
    extension_widths = QuantityList(
        "Extension widths",
        "s",
        default=(),
        above=0.0,
        description="More widths, their rows labelled extension",
    )
    pulse_period = Quantity("Pulse period", "s", default=1e-3, above=0.0)
    order = Choice("Order", ("listed", "random"), default="listed")
    random_seed = Count("Random seed", default=1)
    repeats = Count("Repeats", default=3, minimum=1, maximum=1000)
    readings = Count(
        "Readings", default=4, minimum=1, maximum=1000, description="Per point; their scatter is its error"
    )
    light_current_range = Quantity(
        "Light current range", "A", above=0.0, maximum=0.02, description="Left out: by the peak of a trial"
    )
    power_line_cycles = Quantity(
        "Power line cycles",
        "1",
        minimum=0.01,
        maximum=10.0,
        description="Left out: 0.1 s or a little more, so that a reading holds whole pulses",
    )
    filter_count = Count("Filter count", default=1, minimum=1, maximum=100)
    settling_time = Quantity("Settling time", "s", default=0.05, minimum=0.0, maximum=3600.0)
    zero_correct = Switch("Zero correct", default=True)
    background = Switch("Background", default=True, description="With the output off, at each amplitude")
    pickup_amplitude = Quantity(
        "Pickup amplitude", "V", above=0.0, description="Pulses below the light threshold, same widths"
    )
    reference_every = Count(
        "Reference every", default=10, description="Points between two reference pulses; 0 for none"
    )
    double_period = Switch("Double period", default=True, description="Light must halve at twice the period")
    source_resistance = Quantity("Source resistance", "ohm", default=50.0, minimum=0.0)
    intercept_precision = Quantity(
        "Intercept precision",
        "s",
        above=0.0,
        description="Stop once the delay time is known to this; 5 widths and 3 repeats at least",
    )
    choose_next_width = Switch(
        "Choose next width", default=False, description="After one pass, where it shortens the interval most"
    )

    def problems(self, device: ConnectedDevice) -> Iterator[Problem]:
        for name in ("pulse_amplitudes", "pulse_widths"):
            if not getattr(self, name):
                yield Problem(parameter=name, message="is missing or empty; list at least one")
                return
        for name in ("pulse_widths", "extension_widths"):
            widest = max(getattr(self, name), default=0.0)
            if widest >= self.pulse_period:
                yield Problem(
                    parameter=name,
                    message=f"pulse_width {_milliseconds(widest)} is not shorter than pulse_period "
                    f"{_milliseconds(self.pulse_period)}; lower the last point or lengthen the period",
                )
        if self.pickup_amplitude is not None and self.pickup_amplitude >= min(self.pulse_amplitudes):
            yield Problem(
                parameter="pickup_amplitude",
                message=f"{self.pickup_amplitude:g} V is not below the lowest pulse amplitude; "
                "choose one at which the device is dark",
            )

    def demand(self, device: ConnectedDevice) -> Demand:
        widest = max((*self.pulse_widths, *self.extension_widths))
        return Demand(
            voltage=max(self.pulse_amplitudes), pulse_width=widest, pulse_period=float(self.pulse_period)
        )

    def parameter_behind(self, limit: str) -> str:
        by_width = ("maximum_duty_cycle", "maximum_pulse_energy", "maximum_power_density")
        return "pulse_widths" if limit in by_width else "pulse_amplitudes"

    def cost(self, device: ConnectedDevice) -> Cost:
        widths = (*self.pulse_widths, *self.extension_widths)
        amplitudes = self.pulse_amplitudes
        references = len(widths) * self.repeats // self.reference_every if self.reference_every else 0
        extra = int(self.background) + int(self.double_period) + references
        extra += len(widths) if self.pickup_amplitude is not None else 0
        points = len(amplitudes) * (len(widths) * self.repeats + extra)
        point_time = MARGIN * self.reading_duration()
        charge, energy = 0.0, 0.0
        for amplitude in amplitudes:
            current = self._pulse_current(amplitude, device)
            on = self.repeats * point_time * sum(widths) / self.pulse_period
            charge += current * on
            energy += current * amplitude * on
        # the dark reading is longer than a point's; before it dark and rest are looked at
        more = ((DARK_READINGS - 1) * int(self.background) + 2 * REST_READINGS) * len(amplitudes)
        duration = (points + more) * point_time + 2 * len(amplitudes) * SETTING_TIME
        return Cost(points=points, duration=duration, charge=charge, energy=energy)

    @classmethod
    def point_key(cls, row: Row) -> PointKey:
        return (
            row[columns.PULSE_AMPLITUDE],
            row[columns.PULSE_WIDTH],
            row[columns.PULSE_PERIOD],
            row[columns.POINT_KIND],
            row[columns.REPEAT],
        )

    def startup(self) -> None:
        self.pulse_generator.off()
        self._tell_aperture()
        if self.zero_correct:
            # the meter's offset is the same on every range and known best on the lowest (6514 manual, p. 81)
            self._configure_light_meter(LOWEST_RANGE)
            self.light_meter.zero_correct()

    def execute(self) -> None:
        for amplitude in self.pulse_amplitudes:
            points = self.points_left(amplitude)
            if points:
                self._measure_series(amplitude, points)
            if self.should_stop():
                break

    def points_left(self, amplitude: float) -> list[PulsePoint]:
        """The points of one amplitude that the run this one resumes does not hold, in their order."""
        done = {self.point_key(row) for row, _ in self.surroundings.done}
        return [
            point
            for point in self.points(amplitude)
            if (amplitude, point.pulse_width, self.pulse_period, SERIES, float(point.repeat)) not in done
        ]

    def points(self, amplitude: float) -> list[PulsePoint]:
        """Every point of one amplitude in the order it is measured: whole passes, or shuffled by the seed."""
        widths = [(width, False) for width in self.pulse_widths]
        widths += [(width, True) for width in self.extension_widths if width not in self.pulse_widths]
        points = [
            PulsePoint(pulse_width=width, repeat=repeat, extension=extension)
            for repeat in range(self.repeats)
            for width, extension in widths
        ]
        if self.order == "random":
            return shuffled(points, seed=f"{self.random_seed} {amplitude!r}")
        return points

    def _measure_series(self, amplitude: float, points: Sequence[PulsePoint]) -> None:
        self.announce(f"pulses of {amplitude:g} V")
        series = _Series(self, amplitude)
        series.measure(points)

    def _configure_light_meter(self, current_range: float) -> None:
        self.light_meter.configure(
            current_range=current_range,
            power_line_cycles=self.aperture(self.bench.line_frequency),
            filter_count=self.filter_count,
        )

    def aperture(self, line_frequency: float) -> float:
        """Integration time of one reading in line cycles [1]: as asked for, or what holds whole pulses."""
        return float(self.power_line_cycles or whole_cycles(self.pulse_period, line_frequency))

    def _tell_aperture(self) -> None:
        frequency = self.bench.line_frequency
        cycles = self.aperture(frequency)
        remark = cut_pulse_remark(cycles, self.pulse_period, frequency)
        self.announce(remark or f"a reading takes {cycles:g} line cycles of {frequency:g} Hz")

    def _pulse_current(self, amplitude: float, device: ConnectedDevice) -> float:
        """Current during a pulse [A]; without an earlier curve, what the generator can drive into a short."""
        if device.typical_current is None:
            return amplitude / max(float(self.source_resistance), 1e-3)
        return abs(device.typical_current(amplitude))

    def reading_duration(self) -> float:
        """About how long the readings of one point take, settling included [s]."""
        aperture = self.aperture(USUAL_LINE_FREQUENCY) / USUAL_LINE_FREQUENCY
        reading = CONVERSIONS * aperture * self.filter_count
        return float(self.settling_time + self.readings * reading)


class _Series:
    """One amplitude of a TEL measurement, from the dark reading to the check at twice the period."""

    def __init__(self, procedure: TELSeriesMeasurement, amplitude: float) -> None:
        self._procedure = procedure
        self._amplitude = amplitude
        self._generator = procedure.pulse_generator
        self._light_meter = procedure.light_meter
        self._range = procedure.light_current_range or _DECADES[-1]
        self._bursts = Bursts(
            self._generator,
            procedure.clock,
            pulse_period=procedure.pulse_period,
            expected=procedure.reading_duration(),
        )
        self._dark = NO_LIGHT
        self._pickup: dict[float, MeanLight] = {}
        self._measured: list[MeasuredLight] = []
        self._device_voltage = device_voltage(
            amplitude, procedure.device, source_resistance=procedure.source_resistance
        )

    def measure(self, points: Sequence[PulsePoint]) -> None:
        procedure = self._procedure
        widths = list(dict.fromkeys(point.pulse_width for point in points))
        reference = sorted(widths)[len(widths) // 2]
        self._set(procedure.pulse_period, max(widths))
        self._check_rest()
        procedure._configure_light_meter(self._range)
        if procedure.light_current_range is None:
            self._choose_range(widths)
        if procedure.background or procedure.pickup_amplitude is not None:
            self._measure_dark()
        if procedure.pickup_amplitude is not None:
            self._measure_pickup(widths)
            self._set(procedure.pulse_period, points[0].pulse_width)
        self._generator.switch_on()
        self._work_through(points, reference)
        if procedure.double_period and not procedure.should_stop():
            self._check_double_period(max(widths))
        self._generator.off()
        self._warn_where_light_falls()

    def _work_through(self, points: Sequence[PulsePoint], reference: float) -> None:
        procedure = self._procedure
        for index, point in enumerate(self._next_points(points)):
            if procedure.reference_every and index % procedure.reference_every == 0:
                self._record(REFERENCE, reference, index // procedure.reference_every)
            flags = frozenset({"extension"}) if point.extension else NO_FLAGS
            light = self._record(SERIES, point.pulse_width, point.repeat, flags)
            self._measured.append(
                MeasuredLight(
                    pulse_width=point.pulse_width,
                    light_current=light.current,
                    standard_error=light.standard_error,
                    dark_error=light.dark_error,
                    pickup_error=light.pickup_error,
                )
            )
            if procedure.should_stop() or self._is_known():
                return

    def _next_points(self, points: Sequence[PulsePoint]) -> Iterator[PulsePoint]:
        """The list; or one pass of it and then, point by point, where the next one helps most."""
        choose = self._procedure.surroundings.next_point
        if not self._procedure.choose_next_width or choose is None:
            yield from points
            return
        first_pass = [point for point in points if point.repeat == 0]
        yield from first_pass
        repeats = {point.pulse_width: 1 for point in first_pass}
        for _ in range(len(points) - len(first_pass)):
            width = choose(self._measured)
            if width is None:
                return
            repeat = repeats.get(width, 0)
            repeats[width] = repeat + 1
            yield PulsePoint(pulse_width=width, repeat=repeat)

    def _is_known(self) -> bool:
        rule = self._procedure.surroundings.stop_rule
        if self._procedure.intercept_precision is None or rule is None:
            return False
        counts: dict[float, int] = {}
        for one in self._measured:
            counts[one.pulse_width] = counts.get(one.pulse_width, 0) + 1
        enough = sum(count >= LEAST_REPEATS for count in counts.values()) >= LEAST_WIDTHS
        if enough and rule(self._measured):
            self._procedure.announce(f"the intercept at {self._amplitude:g} V is known well enough")
            return True
        return False

    def _choose_range(self, widths: Sequence[float]) -> None:
        """The smallest range above the peak: with a duty cycle of 0.2 %, 500 times the mean."""
        width = max(widths)
        self._generator.switch_on()
        trial = self._read_pulsed()
        self._generator.off()
        peak = 1.5 * abs(trial.current) * self._procedure.pulse_period / width
        self._range = next((decade for decade in _DECADES if decade >= peak), _DECADES[-1])
        self._procedure._configure_light_meter(self._range)

    def _measure_dark(self) -> None:
        self._dark = self._read(times=DARK_READINGS)
        self._write_row(BACKGROUND, 0.0, 0, self._dark, 0.0, self._procedure.pulse_period)

    def _check_rest(self) -> None:
        """Between bursts the device has to be dark: at which level this generator rests is not documented.

        Looked at before the first pulse of an amplitude. A generator that pulses freely cannot be asked: it
        pulses as soon as its output is on, from a low level it has read back.
        """
        if not self._generator.counts_pulses:
            return
        current_range, dark = self._look_into_the_dark()
        self._generator.switch_on()
        resting = self._read(times=REST_READINGS)
        self._generator.off()
        glow = abs(resting.current - dark.current)
        noise = math.hypot(_known(resting.standard_error), _known(dark.standard_error))
        # an overflow reads as NaN: light beyond the range is no dark either
        if not glow <= GLOW * current_range + 5 * noise:
            shown = f"{glow:.2g} A" if math.isfinite(glow) else f"more than {current_range:g} A"
            raise InstrumentError(
                f"{shown} of light before a burst was started: the generator does not rest at 0 V "
                'between bursts; set bursts = "never" in the bench file'
            )

    def _look_into_the_dark(self) -> tuple[float, MeanLight]:
        """The most sensitive range worth using that holds the light with the output off, and that light."""
        lowest = min(self._procedure.light_current_range or REST_RANGE, REST_RANGE)
        for current_range in (lowest, *(decade for decade in _DECADES if decade > lowest)):
            self._procedure._configure_light_meter(current_range)
            dark = self._read(times=REST_READINGS)
            if math.isfinite(dark.current):
                return current_range, dark
        raise InstrumentError(
            "the light meter overflows on every range with the output off: darken the photodiode, check its "
            "cable"
        )

    def _measure_pickup(self, widths: Sequence[float]) -> None:
        """Read pulses that make no light at each width."""
        lower = self._procedure.pickup_amplitude
        self._generator.off()
        self._generator.configure_pulse(
            pulse_amplitude=lower, pulse_width=min(widths), pulse_period=self._procedure.pulse_period
        )
        self._generator.switch_on()
        for width in widths:
            self._generator.set_pulse_width(width)
            self._pickup[width] = self._read_pulsed()
            self._write_row(
                PICKUP, width, 0, self._pickup[width], self._dark.current, self._procedure.pulse_period
            )
        self._generator.off()

    def _check_double_period(self, width: float) -> None:
        period = self._procedure.pulse_period
        usual = [one.light_current for one in self._measured if one.pulse_width == width]
        self._set(2 * period, width)
        self._generator.switch_on()
        light = self._record(DOUBLE_PERIOD, width, 0, period=2 * period)
        if not usual:
            return
        ratio = light.current / fmean(usual)
        allowed = 0.02 + 3 * light.total_error / max(abs(fmean(usual)), 1e-300)
        if abs(ratio - 0.5) > allowed:
            self._procedure.announce(
                f"at {self._amplitude:g} V light at twice the period is {ratio:.3f} of the usual, not 0.5: "
                "the device does not recover between pulses, or the meter does not average them"
            )

    def _warn_where_light_falls(self) -> None:
        """Light must rise with the width; where it falls, the photodiode is reversed."""
        if len({one.pulse_width for one in self._measured}) < 2:
            return
        shortest, longest = min(self._measured), max(self._measured)
        error = math.hypot(longest.standard_error, longest.dark_error, longest.pickup_error)
        if abs(longest.light_current) <= 3 * error:
            self._procedure.announce(
                f"no light at {self._amplitude:g} V even from the widest pulse: is the photodiode connected, "
                "the zero check off, the pixel alive?"
            )
        elif longest.light_current < shortest.light_current:
            self._procedure.announce(
                f"light at {self._amplitude:g} V falls with the pulse width: exchange the photodiode's leads"
            )

    def _record(
        self,
        kind: float,
        width: float,
        repeat: int,
        flags: frozenset[str] = NO_FLAGS,
        period: float | None = None,
    ) -> MeanLight:
        """Set the width, read, subtract, write the row; gives the light without its background."""
        self._generator.set_pulse_width(width)
        light = self._read_pulsed()
        background = self._background(width)
        if abs(light.current) * (period or self._procedure.pulse_period) / width > 1.05 * self._range:
            flags = flags | {"clipped"}
        row_period = period or self._procedure.pulse_period
        net = MeanLight(
            current=light.current - background.current,
            standard_error=light.standard_error,
            flags=light.flags | background.flags | flags,
            dark_error=background.dark_error,
            pickup_error=background.pickup_error,
        )
        self._write_row(kind, width, repeat, net, background.current, row_period)
        return net

    def _background(self, width: float) -> MeanLight:
        """What is subtracted at a width: the dark reading, and what pickup adds to it at this amplitude.

        Pickup goes with the amplitude: dark + scale (pickup - dark), in which the dark reading counts
        1 - scale times.
        """
        dark, pickup = self._dark, self._pickup.get(width)
        scale = 0.0 if pickup is None else self._amplitude / self._procedure.pickup_amplitude
        pickup = pickup or NO_LIGHT
        return MeanLight(
            current=dark.current + scale * (pickup.current - dark.current),
            standard_error=0.0,
            # what makes a background wrong makes every point wrong it is subtracted from
            flags=(dark.flags | pickup.flags) - {"remeasured"},
            dark_error=abs(1 - scale) * _known(dark.standard_error),
            pickup_error=scale * _known(pickup.standard_error),
        )

    def _write_row(
        self, kind: float, width: float, repeat: int, light: MeanLight, background: float, period: float
    ) -> None:
        row = {
            columns.PULSE_AMPLITUDE: self._amplitude,
            columns.PULSE_WIDTH: width,
            columns.PULSE_PERIOD: period,
            columns.DEVICE_VOLTAGE: self._device_voltage,
            columns.LIGHT_CURRENT: light.current,
            columns.LIGHT_CURRENT_ERROR: light.total_error,
            columns.DARK_ERROR: light.dark_error,
            columns.PICKUP_ERROR: light.pickup_error,
            columns.BACKGROUND_CURRENT: background,
            columns.POINT_KIND: kind,
            columns.REPEAT: float(repeat),
        }
        self._procedure.record(row, light.flags)

    def _set(self, period: float, width: float) -> None:
        """Amplitude, offset, width and period, with the output off."""
        self._generator.off()
        self._generator.configure_pulse(
            pulse_amplitude=self._amplitude, pulse_width=width, pulse_period=period
        )
        self._bursts.pulse_period = period

    def _read_pulsed(self) -> MeanLight:
        return self._bursts.during(self._read)

    def _read(self, *, times: int = 1) -> MeanLight:
        """Mean of a point's readings, or of so many times as many."""
        self._procedure.clock.wait(self._procedure.settling_time)
        readings = [self._light_meter.read_light() for _ in range(times * self._procedure.readings)]
        flags = frozenset().union(*(reading.flags for reading in readings))
        currents = [reading.current for reading in readings if math.isfinite(reading.current)]
        if not currents:
            return MeanLight(current=math.nan, standard_error=math.nan, flags=flags | {"invalid"})
        error = stdev(currents) / math.sqrt(len(currents)) if len(currents) > 1 else math.nan
        return MeanLight(current=fmean(currents), standard_error=error, flags=flags)


def device_voltage(amplitude: float, device: ConnectedDevice, *, source_resistance: float) -> float:
    """Voltage across the device [V]: the set one less what the generator's and the series resistance take.

    The current is that of the device's own J-V curve at its terminals; without one nothing is subtracted.
    """
    if device.typical_current is None:
        return amplitude
    low, high = 0.0, amplitude
    for _ in range(60):
        terminals = (low + high) / 2
        if terminals + source_resistance * abs(device.typical_current(terminals)) > amplitude:
            high = terminals
        else:
            low = terminals
    return high - device.series_resistance * abs(device.typical_current(high))


def _known(standard_error: float) -> float:
    """Zero for the error of a single reading, which nobody knows."""
    return 0.0 if math.isnan(standard_error) else standard_error


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:g} ms"
