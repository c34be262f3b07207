"""Random plans, a few of what `benchmarks.plans` carries out: no box ever leaves the envelope."""

import pytest

from benchmarks.plans import try_random_plans
from instruments.door import Door
from qdlab.campaign import execution


def test_random_plans_never_break_the_envelope_nor_leave_anything_on() -> None:
    tried, left_on = try_random_plans(15, seed=7)
    assert (tried.outside, tried.unarmed, left_on) == ([], [], 0)
    assert tried.refused > 0
    assert tried.energised > 10  # the trial does switch things on


def test_without_check_and_door_the_same_plans_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Door, "_judge", lambda *_: None)
    monkeypatch.setattr(execution, "check_plan", lambda *_, **__: None)
    tried, left_on = try_random_plans(15, seed=7)
    assert tried.outside
    assert left_on == 0
