"""A running plan step by step, and what of it may still be passed over."""

import pytest

from qdlab.live.plan_draft import Draft, DraftStep, new_step, skipped
from qdlab.live.plan_progress import may_skip, skipped_keys, step_progress

DRAFT = Draft(
    steps=(
        new_step("pixel_check"),
        DraftStep(kind="temperature_sweep", steps=(new_step("jv_sweep"), new_step("tel_series"))),
        new_step("note"),
    )
)
HERE = {"key": "steps[1].steps[0]", "visit": 2}


def test_steps_before_the_present_one_are_done_and_those_behind_it_wait() -> None:
    found = step_progress(skipped(DRAFT, (2,)), HERE)
    assert {key: one.state for key, one in found.items()} == {
        (0,): "done",
        (1,): "running",
        (1, 0): "running",
        (1, 1): "waiting",
        (2,): "skipped",
    }
    assert found[(1,)].words == "visit 3"


def test_before_the_first_word_everything_waits() -> None:
    assert {one.state for one in step_progress(DRAFT, None).values()} == {"waiting"}


@pytest.mark.parametrize(
    ("key", "may"), [((0,), False), ((1,), False), ((1, 0), False), ((1, 1), True), ((2,), True)]
)
def test_only_what_has_not_begun_may_be_passed_over(key: tuple[int, ...], may: bool) -> None:
    assert may_skip(DRAFT, HERE, key) is may


def test_what_comes_round_again_may_be_passed_over_from_the_next_set_point_on() -> None:
    assert may_skip(DRAFT, {"key": "steps[1].steps[1]"}, (1, 0))
    assert skipped_keys(skipped(DRAFT, (1, 1))) == ["steps[1].steps[1]"]
