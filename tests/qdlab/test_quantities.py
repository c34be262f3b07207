import pytest

from qdlab.errors import ConfigError
from qdlab.quantities import convert, parse_quantity


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("110nm", "m", 110e-9),
        ("4mm2", "m**2", 4e-6),
        ("4 mm²", "m**2", 4e-6),
        ("1 cm^2", "m**2", 1e-4),
        ("297 K", "K", 297.0),
        ("24 degC", "K", 297.15),
        ("3 mA/cm2", "A/m**2", 30.0),
        ("1 A m⁻²", "A/m**2", 1.0),
        ("20 µs", "s", 2e-5),
        ("20 us", "s", 2e-5),
        ("2 K/min", "K/s", 2 / 60),
        ("50 Ω", "ohm", 50.0),
        ("10 %", "1", 0.1),
        ("3.6", "1", 3.6),
        ("-1e-3 V", "V", -1e-3),
        ("10 mW/cm2", "W/m**2", 100.0),
        ("0.12 eV", "J", 0.12 * 1.602176634e-19),
    ],
)
def test_a_quantity_becomes_its_si_number(text: str, unit: str, value: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-14)


def test_no_digits_are_added_by_the_conversion() -> None:
    assert parse_quantity("20 µs", "s") == 20e-6


def test_a_plain_number_will_do_where_there_is_no_unit() -> None:
    assert parse_quantity(3.6, "1") == 3.6


@pytest.mark.parametrize(
    ("text", "unit", "told"),
    [
        ("110", "m", "has no unit; write e.g. '110 nm'"),
        (110, "m", "has no unit"),
        (True, "1", "has no unit"),
        ("5 V", "A", "cannot be turned into 'A'"),
        ("1 furlongish", "m", "unknown unit 'furlongish'"),
        ("nan m", "m", "is not a number with a unit"),
        ("inf m", "m", "is not a number with a unit"),
        ("1e999 m", "m", "is not finite"),
        ("", "m", "is not a number with a unit"),
        ("1 m**999", "m", "unknown unit"),
        ("1 m**9**9**9", "m", "unknown unit"),
        ("1 __import__('os')", "m", "unknown unit"),
        ("1_000 m", "m", "unknown unit"),
        ("1,5 m", "m", "unknown unit"),
    ],
)
def test_what_is_no_such_quantity_is_refused_with_the_way_out(text: object, unit: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_quantity(text, unit, name="thickness")  # type: ignore[arg-type]
    assert told in str(refused.value)
    assert "thickness" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_units_convert_both_ways() -> None:
    assert convert(convert(7.3, "mA/cm2", "A/m**2"), "A/m**2", "mA/cm2") == 7.3
