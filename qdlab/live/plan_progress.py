"""Where a running plan is, step by step, and which of its steps may still be passed over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from qdlab.live.plan_draft import Draft, Key, all_keys, file_key, step_at

StepState = Literal["done", "running", "waiting", "skipped"]


@dataclass(frozen=True, kw_only=True)
class StepProgress:
    """One step of a plan that has begun: its state, and the same in words."""

    state: StepState
    words: str


def step_progress(draft: Draft, progress: Mapping[str, Any] | None) -> dict[Key, StepProgress]:
    """The state of every step; the runner's last word on its progress may be missing."""
    keys = all_keys(draft)
    here = _place(keys, str((progress or {}).get("key", "")))
    visit = int((progress or {}).get("visit", 0))
    found: dict[Key, StepProgress] = {}
    for key in keys:
        if any(step_at(draft, key[:depth]).skip for depth in range(1, len(key) + 1)):
            found[key] = StepProgress(state="skipped", words="skipped")
        elif here is None or key > here:
            found[key] = StepProgress(state="waiting", words="waiting")
        elif key == here[: len(key)]:
            words = f"visit {visit + 1}" if len(key) < len(here) else "running"
            found[key] = StepProgress(state="running", words=words)
        else:
            found[key] = StepProgress(state="done", words="done")
    return found


def may_skip(draft: Draft, progress: Mapping[str, Any] | None, key: Key) -> bool:
    """Whether a step of a running plan has not begun, or comes round again at the next set point."""
    here = _place(all_keys(draft), str((progress or {}).get("key", "")))
    if here is None:
        return True
    inside_the_same = len(key) > 1 and key[:-1] == here[: len(key) - 1]
    return key != here[: len(key)] and (key > here or inside_the_same)


def skipped_keys(draft: Draft) -> list[str]:
    """The steps to be passed over, as a runner is told."""
    return [file_key(key) for key in all_keys(draft) if step_at(draft, key).skip]


def _place(keys: list[Key], named: str) -> Key | None:
    return next((key for key in keys if file_key(key) == named), None)
