"""One parser for quantities with units, in files and on the command line: text in, SI out."""

import math
import re
from functools import cache
from typing import TYPE_CHECKING

from qdlab.errors import ConfigError

if TYPE_CHECKING:
    import pint

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*(.*?)\s*")
_UNIT_TEXT = re.compile(r"[A-Za-zµμΩ°%0-9*/^().\s²³⁻¹-]{1,40}")
_SYMBOLS = str.maketrans({"²": "2", "³": "3", "⁻": "-", "¹": "1", "µ": "u", "μ": "u", "Ω": "ohm", "^": " "})
_SPELLED = re.compile(r"(?:[A-Za-z%°](?:\*\*\(-?[1-4]\))?|[\s*/()])+")
_EXPONENT = re.compile(r"(?<=[A-Za-z])\s*(?:\*\*)?\s*(-?[1-4])(?![0-9])")


def parse_quantity(text: str | float, unit: str, *, name: str = "quantity") -> float:
    """The number of SI units in a text such as ``110 nm``, ``4mm2`` or ``1.2e-3 A``.

    Parameters
    ----------
    text : a number and a unit; a bare number is refused unless `unit` is dimensionless
    unit : what is wanted, in SI (``m``, ``V``, ``A/m**2``, ``1``)
    name : of the setting, for the message

    Raises
    ------
    ConfigError : not a finite number, no unit, an unknown unit or one of another kind
    """
    if unit == "1" and isinstance(text, int | float) and not isinstance(text, bool) and math.isfinite(text):
        return float(text)
    if not isinstance(text, str):
        raise ConfigError(f"{name} = {text!r} has no unit; write it as text, e.g. {_example(unit)!r}")
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ConfigError(f"{name} = {text!r} is not a number with a unit; write e.g. {_example(unit)!r}")
    number, unit_text = float(match[1]), match[2]
    if not math.isfinite(number):
        raise ConfigError(f"{name} = {text!r} is not finite")
    if not unit_text and unit != "1":
        raise ConfigError(f"{name} = {text!r} has no unit; write e.g. {_example(unit)!r}")
    return convert(number, unit_text or "1", unit, name=name)


def convert(number: float, from_unit: str, to_unit: str, *, name: str = "quantity") -> float:
    """A number in another unit; raises ConfigError where the units are unknown or of different kinds."""
    import pint

    try:
        quantity = _registry().Quantity(number, _parse_unit(from_unit))
        # fifteen digits: 20 µs is 2e-05, not 1.9999999999999998e-05
        return float(f"{quantity.to(_parse_unit(to_unit)).magnitude:.15g}")
    except pint.DimensionalityError:
        raise ConfigError(
            f"{name}: {from_unit!r} cannot be turned into {to_unit!r}; write e.g. {_example(to_unit)!r}"
        ) from None
    except (pint.UndefinedUnitError, ValueError, TypeError, AttributeError, ArithmeticError):
        raise ConfigError(f"{name}: unknown unit {from_unit!r}; write e.g. {_example(to_unit)!r}") from None


def _parse_unit(text: str) -> "pint.Unit":
    if text.strip() in ("", "1"):
        return _registry().Unit("dimensionless")
    if _UNIT_TEXT.fullmatch(text) is None:
        raise ValueError(text)
    spelled = _EXPONENT.sub(r"**(\1)", text.translate(_SYMBOLS))
    # exponents of one small digit only: pint would work out 9**9**9
    if _SPELLED.fullmatch(spelled) is None:
        raise ValueError(text)
    return _registry().Unit(spelled)


@cache
def _registry() -> "pint.UnitRegistry":
    import pint

    return pint.UnitRegistry()


def _example(unit: str) -> str:
    examples = {
        "m": "110 nm",
        "m**2": "4 mm2",
        "V": "4.5 V",
        "A": "10 mA",
        "s": "20 us",
        "K": "297 K",
        "A/m**2": "5 mA/cm2",
        "1": "3.6",
    }
    return examples.get(unit, f"1 {unit}")
