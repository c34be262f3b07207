"""Pulses outlast the reading that is made of them, and end by themselves soon after."""

import pytest

from instruments.errors import InstrumentError
from procedures.pulse_timing import MARGIN, Bursts


class Bench:
    """A clock, and a generator that notes when its bursts begin and end on it."""

    longest_burst = 65535

    def __init__(self, *, counts_pulses: bool = True) -> None:
        self.counts_pulses = counts_pulses
        self.now = 0.0
        self.burst = (0.0, 0.0)
        self.bursts: list[int] = []

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def start_burst(self, pulses: int) -> None:
        assert self.now >= self.burst[1], "a burst was started before the one before it was over"
        self.now += 0.01  # the message's way
        self.burst = (self.now, self.now + pulses * 1e-3)
        self.bursts.append(pulses)

    def reading(self, duration: float) -> bool:
        """Whether pulses came all through a reading."""
        begin, self.now = self.now, self.now + duration
        return self.burst[0] <= begin and self.now <= self.burst[1]


def bursts_on(bench: Bench, expected: float) -> Bursts:
    return Bursts(bench, bench, pulse_period=1e-3, expected=expected)  # type: ignore[arg-type]


def test_a_reading_that_outlasts_its_burst_is_made_again_in_a_longer_one() -> None:
    bench = Bench()
    bursts = bursts_on(bench, expected=0.1)
    assert all(bursts.during(lambda: bench.reading(0.45)) for _ in range(5))
    assert len(bench.bursts) == 6


def test_a_burst_is_hardly_longer_than_the_longest_reading_so_far() -> None:
    bench = Bench()
    bursts = bursts_on(bench, expected=0.3)
    for duration in (0.3, 0.28, 0.31, 0.29):
        assert bursts.during(lambda duration=duration: bench.reading(duration))
    assert bench.bursts[-1] * 1e-3 <= MARGIN * (0.31 + 0.01) + 1e-3


def test_a_first_guess_that_was_too_short_lengthens_no_later_burst() -> None:
    bench = Bench()
    bursts = bursts_on(bench, expected=0.1)
    for _ in range(3):
        assert bursts.during(lambda: bench.reading(0.45))
    assert bench.bursts[-1] * 1e-3 <= MARGIN * (0.45 + 0.01) + 1e-3


def test_where_pulses_are_not_counted_none_is_started() -> None:
    bench = Bench(counts_pulses=False)
    bursts_on(bench, expected=0.1).during(lambda: bench.reading(1.0))
    assert (bench.bursts, bench.now) == ([], 1.0)


def test_a_reading_longer_than_any_burst_is_refused_with_the_way_out() -> None:
    bench = Bench()
    with pytest.raises(InstrumentError, match=r"longer than the longest burst of 65\.5 s; read fewer times"):
        bursts_on(bench, expected=0.1).during(lambda: bench.reading(100.0))
