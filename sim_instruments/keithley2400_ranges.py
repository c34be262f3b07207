"""The ranges of a Keithley 2400, and the names of its functions and expressions.

Page numbers are those of the manual 2400S-900-01 rev. K; accuracies and programming resolutions those of
SPEC-2400 rev. H, p. 1 (source) and p. 2 (measure). Tags as in `keithley`.
"""

from dataclasses import dataclass
from typing import Literal

from sim_instruments.scpi import ScpiError

Quantity = Literal["VOLT", "CURR"]
QUANTITIES: tuple[Quantity, Quantity] = ("VOLT", "CURR")
OTHER: dict[str, Quantity] = {"VOLT": "CURR", "CURR": "VOLT"}


@dataclass(frozen=True)
class Range:
    """One range: nominal full scale; gain [1] and offset of its one-year accuracy, measured and sourced."""

    nominal: float
    measure_gain: float
    measure_offset: float
    source_gain: float
    source_offset: float

    @property
    def full_scale(self) -> float:
        """Largest value of the range, 105 % of nominal."""
        return 1.05 * self.nominal


RANGES: dict[str, tuple[Range, ...]] = {
    "VOLT": (
        Range(0.2, 0.012e-2, 300e-6, 0.02e-2, 600e-6),
        Range(2.0, 0.012e-2, 300e-6, 0.02e-2, 600e-6),
        Range(20.0, 0.015e-2, 1.5e-3, 0.02e-2, 2.4e-3),
        Range(200.0, 0.015e-2, 10e-3, 0.02e-2, 24e-3),
    ),
    "CURR": (
        Range(1e-6, 0.029e-2, 300e-12, 0.035e-2, 600e-12),
        Range(10e-6, 0.027e-2, 700e-12, 0.033e-2, 2e-9),
        Range(100e-6, 0.025e-2, 6e-9, 0.031e-2, 20e-9),
        Range(1e-3, 0.027e-2, 60e-9, 0.034e-2, 200e-9),
        Range(10e-3, 0.035e-2, 600e-9, 0.045e-2, 2e-6),
        Range(100e-3, 0.055e-2, 6e-6, 0.066e-2, 20e-6),
        Range(1.0, 0.22e-2, 570e-6, 0.27e-2, 900e-6),
    ),
}
DEFAULT_RANGE = {"VOLT": RANGES["VOLT"][2], "CURR": RANGES["CURR"][2]}

# full scale of the ohms ranges -> test current of the automatic mode (SPEC-2400)
OHMS_RANGES: dict[float, float] = {
    21.0: 0.1,
    210.0: 10e-3,
    2.1e3: 1e-3,
    21e3: 100e-6,
    210e3: 10e-6,
    2.1e6: 5e-6,
    21e6: 0.5e-6,
    210e6: 100e-9,
}

OVER_VOLTAGE_LIMITS = (20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 160.0, 500.0)  # [?]; 500 V is none
AUTO_SOURCE_DELAY = 1e-3  # [s]; read back from a real one [D]
AUTO_SOURCE_DELAYS = {
    1e-6: 3e-3,
    10e-6: 2e-3,
}  # [s]; 1, 2 or 3 ms by current range (quick guide p. 29); which [?]

FEEDS = ("VOLT", "CURR", "RES")  # what limits may work on, by its place in a reading
LIMIT_NUMBERS = (1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12)

MEMORY_LOCATIONS = 100
_MEMORABLE_WORDS = (  # [M] table 10-2 and the marks in ch. 18; [?] where neither was at hand
    *("source function", "source delay", "source delay auto", "over-voltage limit", "trigger delay", "guard"),
    *("functions", "concurrent", "nplc", "auto zero", "four wire", "filter", "filter type", "filter count"),
    *("ohms mode", "ohms range", "ohms auto", "offset compensation", "range follows compliance"),
    *("math name", "math", "null", "null offset", "limit feed", "compliance fails"),
    *("pass location", "fail location", "pass pattern", "fail pattern", "compliance pattern"),
)
_MEMORABLE_OF_QUANTITY = (
    *("level", "source range", "source range auto", "sense range", "sense auto", "lower limit", "protection"),
)


def is_memorable(key: object) -> bool:
    """Tell whether a setting belongs to a source memory location."""
    if isinstance(key, tuple):
        return str(key[0]).startswith("limit ")
    quantity, _, name = str(key).partition(" ")
    return key in _MEMORABLE_WORDS or (quantity in QUANTITIES and name in _MEMORABLE_OF_QUANTITY)


FUNCTION_REPLIES = {"VOLT": "VOLT:DC", "CURR": "CURR:DC", "RES": "RES"}


def range_for(quantity: str, value: float) -> Range:
    """Return the most sensitive range that holds a value; -222 where none does."""
    for item in RANGES[quantity]:
        if abs(value) <= item.full_scale * (1 + 1e-9):
            return item
    raise ScpiError(-222)


def range_of(quantity: str, nominal: float) -> Range:
    """Return the range with this nominal value."""
    return next(item for item in RANGES[quantity] if item.nominal == nominal)


def function_name(text: str) -> str:
    """Return VOLT, CURR or RES for a quoted function name."""
    word = text.strip().upper().removesuffix(":DC").removesuffix(":AC")
    names = {
        "VOLT": "VOLT",
        "VOLTAGE": "VOLT",
        "CURR": "CURR",
        "CURRENT": "CURR",
        "RES": "RES",
        "RESISTANCE": "RES",
    }
    if word not in names:
        raise ScpiError(-141)
    return names[word]
