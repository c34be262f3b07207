"""The palettes as people see them who do not see all colours, and as words on their ground are read.

Dichromats are simulated with the matrices of Machado, Oliveira and Fernandes, IEEE Trans. Vis. Comput. Graph.
15, 1291 (2009), table 1 at severity 1.0, in linear RGB; differences are CIE 1976 Delta E, of which 2.3 is
just seen.
"""

import itertools
from collections.abc import Mapping

import numpy as np
import pytest

from qdlab.gui.theme import DARK, LIGHT, Theme, ink_on, temperature_colour

EYES: Mapping[str, np.ndarray] = {
    "all colours": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])  # D65


def linear(colour: str) -> np.ndarray:
    """Linear RGB of a colour such as ``#0072b2`` (IEC 61966-2-1)."""
    coded = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB."""
    ratio = TO_XYZ @ np.clip(light, 0, 1) / WHITE
    x, y, z = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(eye: str, one: str, other: str) -> float:
    return float(np.linalg.norm(lab(EYES[eye] @ linear(one)) - lab(EYES[eye] @ linear(other))))


def contrast(one: str, other: str) -> float:
    """Of WCAG 2.1: 4.5 is asked for words, 3 for lines and marks."""
    dark, light = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_agrees_with_published_values() -> None:
    # pure red of sRGB is L* 53.24, a* 80.09, b* 67.20; black on white is 21 to 1
    assert lab(linear("#ff0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    # red and green of one luminance are the pair that a deuteranope confuses
    assert difference("all colours", "#b35900", "#6b7a00") > 3 * difference(
        "deuteranopia", "#b35900", "#6b7a00"
    )


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("eye", EYES)
def test_what_must_be_told_apart_is_told_apart_by_every_eye(theme: Theme, eye: str) -> None:
    kinds = {
        "states": ((theme.muted, theme.good, theme.active, theme.alarm), 20),
        "modes": ((theme.simulation, theme.replay, theme.hardware), 18),
        "curves": (theme.series, 15),
    }
    for kind, (colours, least) in kinds.items():
        for one, other in itertools.combinations(colours, 2):
            assert difference(eye, one, other) >= least, (kind, one, other)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("eye", EYES)
def test_warmer_sweeps_are_lighter_to_every_eye(theme: Theme, eye: str) -> None:
    shown = [temperature_colour(kelvin, 217.0, 297.0, theme) for kelvin in (217, 237, 257, 277, 297)]
    lightness = [lab(EYES[eye] @ linear(colour))[0] for colour in shown]
    assert lightness == sorted(lightness) and min(np.diff(lightness)) > 5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_words_and_curves_stand_out_from_their_ground(theme: Theme) -> None:
    for colour in (theme.text, theme.muted, theme.good, theme.active, theme.alarm):
        assert contrast(colour, theme.window) >= 4.5, colour
    for colour in (theme.simulation, theme.replay, theme.hardware):
        assert contrast(colour, theme.window) >= 3.0, colour
        assert contrast(colour, {"black": "#000000", "white": "#ffffff"}[ink_on(colour)]) >= 4.5, colour
    assert contrast(theme.emergency, "#ffffff") >= 4.5 and contrast(theme.emergency, theme.window) >= 3.0
    for colour in theme.series:
        assert contrast(colour, theme.base) >= 3.0, colour
