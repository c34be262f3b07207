"""Copies of a screen with some fields changed."""

import dataclasses

import pytest

from qdlab.live.changed import changed
from qdlab.live.session import initial


def test_a_changed_screen_is_what_the_library_makes_of_it() -> None:
    screen = initial({})
    assert changed(screen, rows=3, time=2.5) == dataclasses.replace(screen, rows=3, time=2.5)
    assert screen == initial({})


def test_a_field_there_is_not_is_refused() -> None:
    with pytest.raises(TypeError, match="SessionScreen has no row"):
        changed(initial({}), row=3)
