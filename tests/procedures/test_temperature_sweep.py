"""Settling at a temperature, against made-up stages on a made-up clock."""

import math
from collections.abc import Callable

import pytest

from procedures.temperature_sweep import Settling, StabilityRule, StabilityWindow, settle
from sim_instruments.clock import SimClock

RULE = StabilityRule(tolerance=0.1, standard_deviation=0.05, window=20.0, interval=2.0, timeout=600.0)


class Stage:
    """A temperature controller whose stage follows a formula of the time."""

    def __init__(self, clock: SimClock, course: Callable[[float], float]) -> None:
        self._clock, self._course = clock, course
        self.ramps: list[tuple[float, float]] = []

    @property
    def stage_temperature(self) -> float:
        return self._course(self._clock.monotonic())

    def ramp_to(self, temperature: float, *, rate: float) -> None:
        self.ramps.append((temperature, rate))


def settled(
    course: Callable[[float], float],
    rule: StabilityRule = RULE,
    probe: Callable[[float], float] | None = None,
) -> tuple[Settling, float, list[str]]:
    """The last step, when it came, and the phases gone through."""
    clock = SimClock()
    stage = Stage(clock, course)
    phases: list[str] = []
    last = None
    measure = None if probe is None else lambda: probe(clock.monotonic())
    for last in settle(stage, clock, rule, 250.0, ramp_rate=0.1, probe=measure):
        if not phases or phases[-1] != last.phase:
            phases.append(last.phase)
    assert last is not None
    assert stage.ramps == [(250.0, 0.1)]
    return last, clock.monotonic(), phases


def test_a_stage_that_arrives_is_stable_after_a_full_window() -> None:
    last, when, phases = settled(lambda time: max(260.0 - 0.1 * time, 250.0))
    assert last.phase == "stable"
    assert phases == ["ramping", "settling", "stable"]
    assert 110 <= when <= 124


def test_the_crossing_of_an_overshoot_is_not_arrival() -> None:
    def overshooting(time: float) -> float:
        since = max(time - 100.0, 0.0)
        return (
            260.0 - 0.1 * time if time < 100 else 250.0 - 3.0 * math.exp(-since / 60) * math.sin(since / 15)
        )

    last, when, _ = settled(overshooting)
    assert last.phase == "stable"
    late = [overshooting(when + later) for later in range(200)]
    assert max(abs(temperature - 250.0) for temperature in late) < 0.2


def test_a_stage_that_swings_is_never_stable() -> None:
    last, when, _ = settled(lambda time: 250.0 + 0.3 * math.sin(time / 10))
    assert last.phase == "timed out"
    assert when >= 600.0


def test_noise_within_the_rule_is_accepted_and_outside_is_not() -> None:
    window = StabilityWindow(RULE, 250.0)
    for index in range(10):
        window.add(250.0 + 0.04 * (-1) ** index)
    assert window.is_stable
    for index in range(10):
        window.add(250.0 + 0.08 * (-1) ** index)
    assert not window.is_stable


def test_a_window_that_is_not_full_is_not_stable() -> None:
    window = StabilityWindow(RULE, 250.0)
    for _ in range(9):
        window.add(250.0)
    assert not window.is_stable


def test_a_probe_current_that_still_drifts_holds_the_measurement_back() -> None:
    rule = StabilityRule(window=20.0, interval=2.0, timeout=3000.0, probe_tolerance=0.01, probe_interval=30.0)
    _, without, _ = settled(lambda time: 250.0, rule)
    last, when, phases = settled(lambda time: 250.0, rule, lambda time: 1e-9 * (1 + math.exp(-time / 100)))
    assert last.phase == "stable" and "probing" in phases
    assert when > without + 200


def test_a_probe_current_that_cannot_be_read_has_not_settled() -> None:
    last, when, phases = settled(lambda time: 250.0, RULE, lambda time: math.nan)
    assert last.phase == "timed out" and "stable" not in phases
    assert when > RULE.timeout


def test_the_soak_starts_again_when_stability_is_lost() -> None:
    rule = StabilityRule(window=20.0, interval=2.0, soak=100.0, timeout=3000.0)

    def disturbed(time: float) -> float:
        return 251.0 if 60 < time < 80 else 250.0

    last, when, phases = settled(disturbed, rule)
    assert last.phase == "stable"
    assert phases.count("soaking") == 2
    assert when > 180


@pytest.mark.parametrize(
    ("phase", "distance", "words"),
    [
        ("ramping", 12.34, "ramping to 257 K, 12.3 K to go"),
        ("settling", 0.04, "settling at 257 K, 0.04 K to go"),
        ("soaking", 0.01, "soaking at 257 K"),
    ],
)
def test_the_state_is_told_in_words(phase: str, distance: float, words: str) -> None:
    state = Settling(phase=phase, setpoint=257.0, stage_temperature=257.0 + distance, distance=distance)  # type: ignore[arg-type]
    assert str(state) == words
