"""Presets are what their names say."""

import pytest

from analysis.published import li2024
from sim_instruments.conduction import DriftDiffusion, EmittingDiode
from sim_instruments.device_under_test import Sample
from sim_instruments.presets import PRESETS, preset


def current(name: str, voltage: float = 2.0, temperature: float = 297.0) -> float:
    return Sample(preset(name)).force_voltage(voltage, temperature)[1]


def test_the_papers_pixels_carry_its_printed_numbers() -> None:
    film = preset("li2024-hole-only-110nm").conduction
    assert isinstance(film, DriftDiffusion)
    assert film.disorder_width == li2024.DISORDER_WIDTH.value
    assert film.hopping_distance == li2024.HOPPING_DISTANCE.value
    diode = preset("li2024-qled").conduction
    assert isinstance(diode, EmittingDiode)
    assert diode.transit_time(4.0, 297.0) == pytest.approx(49.6e-6, rel=2e-3)
    assert 2.0 < diode.mobility(7.0, 297.0) / diode.mobility(4.0, 297.0) < 3.0


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_conducts(name: str) -> None:
    forward = current(name, 4.0)
    assert 1e-8 < forward < 0.1


def test_relatives_differ_from_the_papers_pixel() -> None:
    plain = current("li2024-hole-only-110nm")
    assert current("hole-only-trapped") == pytest.approx(0.1 * plain)
    assert current("hole-only-gaussian-statistics") > 1.05 * plain
    assert current("hole-only-c2-0.44") < 0.8 * plain
    assert current("hole-only-barrier", 0.5) < current("li2024-hole-only-110nm", 0.5)


def test_thinner_films_carry_more() -> None:
    thin, middle, thick = (current(f"li2024-hole-only-{name}nm") for name in ("63.5", "110", "130"))
    assert thin > middle > thick


def test_sealed_presets_are_always_the_same_and_sealed() -> None:
    for name in ("sealed-hole-only", "sealed-qled"):
        assert preset(name) == preset(name)
        assert preset(name).sealed
