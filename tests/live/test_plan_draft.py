"""A plan being put together: moving steps, what is wrong where, estimates, files."""

from pathlib import Path

import pytest

from qdlab.config import LimitsConfig, load_plan, plan_cost, waiting_time
from qdlab.errors import ConfigError
from qdlab.live.plan_draft import (
    Draft,
    DraftStep,
    all_keys,
    changed,
    check,
    draft_of,
    duplicated,
    file_key,
    inserted,
    moved,
    new_step,
    read_device,
    read_draft,
    removed,
    shifted,
    skipped,
    step_at,
)
from qdlab.live.plan_form import step_kinds


def notes(draft: Draft) -> list[str]:
    return [str(step_at(draft, key).table.get("text", "sweep")) for key in all_keys(draft)]


def note(text: str) -> DraftStep:
    return DraftStep(kind="note", table={"text": text})


@pytest.fixture
def abc() -> Draft:
    sweep = DraftStep(kind="repeat_until_stable", steps=(note("x"), note("y")))
    return Draft(steps=(note("a"), sweep, note("b")))


@pytest.fixture
def paper(project_root: Path) -> Draft:
    return read_draft(project_root / "examples" / "plan-paper.toml")


@pytest.mark.parametrize(
    ("key", "to", "order"),
    [
        ((0,), (2,), ["sweep", "x", "y", "a", "b"]),
        ((2,), (0,), ["b", "a", "sweep", "x", "y"]),
        ((0,), (1, 0), ["sweep", "a", "x", "y", "b"]),
        ((1, 1), (0,), ["y", "a", "sweep", "x", "b"]),
        ((1, 0), (1, 2), ["a", "sweep", "y", "x", "b"]),
        ((0,), (3,), ["sweep", "x", "y", "b", "a"]),
        ((1,), (1, 0), ["a", "sweep", "x", "y", "b"]),
    ],
)
def test_a_step_goes_where_it_is_dropped_and_nothing_is_lost(
    abc: Draft, key: tuple[int, ...], to: tuple[int, ...], order: list[str]
) -> None:
    assert notes(moved(abc, key, to)) == order


def test_steps_are_duplicated_removed_shifted_and_passed_over(abc: Draft) -> None:
    assert notes(duplicated(abc, (1, 0))) == ["a", "sweep", "x", "x", "y", "b"]
    assert notes(removed(abc, (1,))) == ["a", "b"]
    assert notes(inserted(abc, (3,), note("c")))[-1] == "c"
    up, key = shifted(abc, (1, 1), -1)
    assert (notes(up), key) == (["a", "sweep", "y", "x", "b"], (1, 0))
    assert shifted(abc, (0,), -1) == (abc, (0,))
    assert skipped(abc, (0,)).to_document()["steps"][0] == {"kind": "note", "text": "a", "skip": True}
    assert skipped(skipped(abc, (0,)), (0,)) == abc


def test_every_kind_of_step_can_begin_a_plan(project_root: Path) -> None:
    name, device = read_device(project_root / "examples" / "device-light-emitting.toml")
    for kind in step_kinds():
        draft = Draft(devices={name: device}, steps=(new_step(kind),))
        assert check(draft).holds, (kind, check(draft))


def test_a_limit_of_the_device_is_told_at_the_step_and_setting_that_leaves_it(paper: Draft) -> None:
    sweep = step_at(paper, (2, 0))
    wrong = changed(
        paper, (2, 0), DraftStep(kind="jv_sweep", table={**sweep.table, "voltages": ["9 V", "1 V"]})
    )
    problems = check(wrong).of_step((2, 0))
    assert "maximum_voltage" in problems["voltages"]
    assert check(paper).holds
    narrow = check(paper, bench_limits=LimitsConfig(maximum_current="15 mA"))
    assert "the bench" in narrow.of_step((2, 0))["compliance_current"]


def test_what_is_typed_wrong_is_told_at_its_step_however_deep(paper: Draft) -> None:
    wrong = changed(paper, (2, 0), DraftStep(kind="jv_sweep", table={"settling_time": "1 V"}))
    assert list(check(wrong).of_step((2, 0))) == ["settling_time"]
    empty = changed(paper, (2,), DraftStep(kind="temperature_sweep", table={"temperatures": ["297 K"]}))
    assert check(empty).of_step((2,)) == {"": "holds no step yet; add one inside"}


def test_an_empty_draft_says_what_it_needs() -> None:
    assert check(Draft(name=" ")).general == (
        "give the plan a name",
        "add a device",
        "add a step",
    )


def test_estimates_of_steps_add_up_to_that_of_the_plan(paper: Draft, project_root: Path) -> None:
    plan = load_plan(project_root / "examples" / "plan-paper.toml")
    expected = waiting_time(plan) + sum(cost.duration for _, cost in plan_cost(plan))
    found = check(paper)
    assert found.total.duration == pytest.approx(expected)
    each = [found.cost_of((number,)).duration for number in range(len(paper.steps))]
    assert sum(each) == pytest.approx(expected)
    assert found.cost_of((2,)).duration > found.cost_of((2, 0)).duration > 0
    passed_over = check(skipped(paper, (2,)))
    assert passed_over.total.duration == pytest.approx(expected - each[2])


def test_a_plan_comes_back_from_its_file_and_from_a_document_that_needs_none(
    paper: Draft, project_root: Path, tmp_path: Path
) -> None:
    wanted = load_plan(project_root / "examples" / "plan-paper.toml")
    file = tmp_path / "µ-plan.toml"
    file.write_text(paper.to_toml(), encoding="utf-8", newline="\n")
    assert load_plan(file) == wanted
    assert read_draft(file) == paper
    alone = draft_of(paper.to_document())
    file.write_text(alone.to_toml(), encoding="utf-8", newline="\n")
    assert load_plan(file).to_document() == wanted.to_document()


@pytest.mark.parametrize(
    "document", [{"steps": 3}, {"steps": [{"kind": "dance"}]}, {"steps": [{}]}, {"devices": []}]
)
def test_what_is_no_plan_is_refused(document: dict) -> None:
    with pytest.raises(ConfigError, match="plan"):
        draft_of(document)


def test_a_key_reads_as_messages_say_it() -> None:
    assert file_key((2, 0)) == "steps[2].steps[0]"
