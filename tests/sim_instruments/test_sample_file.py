"""Samples described in TOML."""

from pathlib import Path

import pytest

from analysis.constants import electronvolt
from sim_instruments.conduction import DriftDiffusion, EmittingDiode, Murgatroyd
from sim_instruments.presets import preset
from sim_instruments.sample_file import UNITS as SI_UNITS
from sim_instruments.sample_file import read_sample, sample_from

UNITS = {
    "nm": 1e-9,
    "mm2": 1e-6,
    "eV": electronvolt,
    "ohm": 1.0,
    "us": 1e-6,
    "V/m": 1.0,
    "m2/Vs": 1.0,
    "V": 1.0,
}


def parse(text: str | float, unit: str, *, name: str) -> float:
    """A small stand-in for the application's parser."""
    if not isinstance(text, str):
        raise ValueError(f"{name} = {text!r} has no unit")
    number, _, given = text.partition(" ")
    return float(number) * UNITS[given]


def read(tmp_path: Path, text: str):
    file = tmp_path / "sample.toml"
    file.write_text(text, encoding="utf-8", newline="\n")
    return read_sample(file, parse)


def test_a_sample_may_be_written_out(tmp_path: Path) -> None:
    spec = read(
        tmp_path,
        """
        identifier = "b/1/2"
        area = "4 mm2"
        series_resistance = "60 ohm"
        trap_factor = 0.5
        [conduction]
        law = "Murgatroyd"
        thickness = "110 nm"
        relative_permittivity = 4
        zero_field_mobility = "4.4e-11 m2/Vs"
        field_coefficient = 3.94e-4
        """,
    )
    assert spec.identifier == "b/1/2"
    assert spec.area == pytest.approx(4e-6)
    assert (spec.series_resistance, spec.trap_factor) == (60.0, 0.5)
    assert isinstance(spec.conduction, Murgatroyd)
    assert spec.conduction.thickness == pytest.approx(110e-9)
    assert spec.conduction.field_coefficient == 3.94e-4


def test_a_sample_may_be_a_preset_with_changes(tmp_path: Path) -> None:
    spec = read(
        tmp_path,
        """
        preset = "li2024-hole-only-110nm"
        sealed = true
        [conduction]
        thickness = "105 nm"
        statistics = "gaussian"
        barriers = ["0.1 eV", "0.3 eV"]
        """,
    )
    plain = preset("li2024-hole-only-110nm")
    assert spec.sealed and spec.area == plain.area
    assert isinstance(spec.conduction, DriftDiffusion) and isinstance(plain.conduction, DriftDiffusion)
    assert spec.conduction.thickness == pytest.approx(105e-9)
    assert spec.conduction.statistics == "gaussian"
    assert spec.conduction.barriers == pytest.approx((0.1 * electronvolt, 0.3 * electronvolt))
    assert spec.conduction.mobility_prefactor == plain.conduction.mobility_prefactor


def test_light_keeps_what_is_not_changed(tmp_path: Path) -> None:
    spec = read(tmp_path, 'preset = "qled-slow-light"\n[emission]\nrise_time = "7 us"\n')
    assert isinstance(spec.conduction, EmittingDiode) and spec.emission is not None
    assert spec.emission.rise_time == pytest.approx(7e-6)
    assert spec.emission.dispersion == 0.4
    untouched = read(tmp_path, 'preset = "qled-slow-light"\n')
    assert untouched == preset("qled-slow-light")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("area = ", "sample.toml"),
        ('identifier = "x"\n[conduction]\nlaw = "Murgatroyd"', "missing area"),
        ('preset = "li2024-qled"\nsize = 3', "unknown key 'size'"),
        ('preset = "nothing"', "no sample preset 'nothing'"),
        ('preset = "li2024-qled"\narea = 4', "area = 4 has no unit"),
        ('preset = "li2024-qled"\ntrap_factor = "much"', "trap_factor = 'much' is not understood"),
        ('preset = "li2024-qled"\ntrap_factor = 2.0', "trap_factor 2.0"),
        ('preset = "li2024-qled"\n[conduction]\nlaw = "Magic"', "law = 'Magic' is not one of"),
        ('preset = "li2024-hole-only-110nm"\n[conduction]\nbarriers = ["0.1 eV"]', "give two"),
        ('preset = "li2024-hole-only-110nm"\n[emission]\ndispersion = 0.1', "EmittingDiode"),
    ],
)
def test_what_makes_no_sample_is_refused_with_the_reason(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as refused:
        read(tmp_path, text)
    assert complaint in str(refused.value)


def test_the_example_is_read_with_the_applications_parser(project_root: Path) -> None:
    from qdlab.quantities import parse_quantity

    spec = read_sample(project_root / "examples" / "sample-worn.toml", parse_quantity)
    assert (spec.series_resistance, spec.leakage_conductance) == (80.0, 2e-9)
    assert (spec.thermal_resistance, spec.ageing_charge, spec.breakdown_field) == (300.0, 0.5, 1.1e8)
    assert spec.conduction.thickness == pytest.approx(104e-9)


def test_every_unit_is_known_to_the_applications_parser() -> None:
    from qdlab.quantities import parse_quantity

    for key, unit in SI_UNITS.items():
        assert parse_quantity(f"2 {unit}", unit, name=key) == 2.0


def test_a_table_serves_as_well_as_a_file() -> None:
    assert sample_from({"preset": "li2024-qled"}, parse) == preset("li2024-qled")
