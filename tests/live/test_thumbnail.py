"""Sessions at a glance."""

from pathlib import Path

import numpy as np
import pytest

from analysis.curves import JVCurve, TELSeries
from qdlab.live.thumbnail import of_series, of_sweeps, thumbnails


def curve(temperature: float, factor: float) -> JVCurve:
    voltage = np.array([0.0, 0.1, 1.0, 10.0])
    return JVCurve(
        voltage=voltage, current_density=factor * voltage**2, temperature=temperature, thickness=1e-7
    )


def test_a_glance_shows_a_power_law_as_a_straight_line_through_the_unit_square() -> None:
    (line,) = of_sweeps([curve(297.0, 1.0)])
    assert line.x == pytest.approx([0.0, 0.5, 1.0]) and line.y == pytest.approx([0.0, 0.5, 1.0])


def test_a_glance_keeps_curves_in_proportion_and_in_order_of_temperature() -> None:
    cold, warm = of_sweeps([curve(217.0, 1e-4), curve(297.0, 1.0)])
    assert (cold.share, warm.share) == (0.0, 1.0)
    assert cold.y[0] == 0.0 and warm.y[-1] == 1.0
    assert np.all(warm.y - cold.y == pytest.approx(0.5))


def test_a_session_of_pulses_shows_light_against_width_and_one_without_curves_nothing() -> None:
    series = TELSeries(
        pulse_width=np.array([1e-5, 2e-5, 3e-5]),
        light_current=np.array([0.0, 1e-9, 2e-9]),
        pulse_amplitude=4.0,
        temperature=297.0,
    )
    (line,) = of_series([series])
    assert line.y == pytest.approx([0.0, 0.5, 1.0])
    assert of_sweeps([]) == ()


def test_a_folder_that_is_no_session_has_words_instead_of_curves(tmp_path: Path) -> None:
    (found,) = thumbnails([tmp_path])
    assert not found.lines and found.words
