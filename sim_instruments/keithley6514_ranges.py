"""The functions and ranges of a Keithley 6514, and the names of its functions.

Page numbers are those of the manual 6514-901-01 rev. D; its appendix with accuracy and noise is not at hand,
so those are model assumptions. Tags as in `keithley`.
"""

from dataclasses import dataclass

from sim_instruments.scpi import ScpiError


@dataclass(frozen=True)
class MeterRange:
    """One range of a function, in its unit.

    Parameters
    ----------
    nominal : full scale without the 5 % over-range
    settling_time : trigger delay that goes with it [s] (p. 123)
    gain_accuracy : [1], [?] assumption
    preamplifier : its full scale behind the range [V] (amperes: p. 156; volts and coulombs [?])
    """

    nominal: float
    settling_time: float
    gain_accuracy: float
    preamplifier: float = 2.0

    @property
    def full_scale(self) -> float:
        """Largest value of the range, 105 % of nominal."""
        return 1.05 * self.nominal


RANGES: dict[str, tuple[MeterRange, ...]] = {
    "VOLT": (
        MeterRange(2.0, 5e-3, 0.025e-2, 2.0),
        MeterRange(20.0, 3e-3, 0.025e-2, 20.0),
        MeterRange(200.0, 2e-3, 0.06e-2, 200.0),
    ),
    "CURR": (
        MeterRange(20e-12, 2.5, 1e-2, 20.0),
        MeterRange(200e-12, 2.5, 1e-2, 200.0),
        MeterRange(2e-9, 10e-3, 0.2e-2, 2.0),
        MeterRange(20e-9, 10e-3, 0.2e-2, 20.0),
        MeterRange(200e-9, 10e-3, 0.2e-2, 200.0),
        MeterRange(2e-6, 10e-3, 0.1e-2, 2.0),
        MeterRange(20e-6, 5e-3, 0.1e-2, 20.0),
        MeterRange(200e-6, 5e-3, 0.1e-2, 200.0),
        MeterRange(2e-3, 1e-3, 0.1e-2, 2.0),
        MeterRange(20e-3, 0.5e-3, 0.1e-2, 20.0),
    ),
    "RES": (
        MeterRange(2e3, 5e-3, 0.2e-2),
        MeterRange(20e3, 1e-3, 0.2e-2),
        MeterRange(200e3, 1e-3, 0.2e-2),
        MeterRange(2e6, 10e-3, 0.25e-2),
        MeterRange(20e6, 10e-3, 0.25e-2),
        MeterRange(200e6, 10e-3, 0.3e-2),
        MeterRange(2e9, 50e-3, 1.5e-2),
        MeterRange(20e9, 50e-3, 1.5e-2),
        MeterRange(200e9, 50e-3, 1.5e-2),
    ),
    "CHAR": (
        MeterRange(20e-9, 3e-3, 0.4e-2),
        MeterRange(200e-9, 3e-3, 0.4e-2, 20.0),
        MeterRange(2e-6, 3e-3, 1e-2),
        MeterRange(20e-6, 3e-3, 1e-2, 20.0),
    ),
}
DEFAULT_RANGES = {"VOLT": 20.0, "CURR": 200e-6, "RES": 200e9, "CHAR": 20e-6}  # volts [M] p. 98, others [?]
CHARGE_GROUPS = {"LOW": RANGES["CHAR"][:2], "HIGH": RANGES["CHAR"][2:]}  # what auto-range keeps to [S 6517B]

FUNCTIONS = {"VOLT": "VOLT:DC", "CURR": "CURR:DC", "RES": "RES", "CHAR": "CHAR"}
LONG_NAMES = {"VOLTAGE": "VOLT", "CURRENT": "CURR", "RESISTANCE": "RES", "CHARGE": "CHAR"}


def function_name(text: str) -> str:
    """Return VOLT, CURR, RES or CHAR for a quoted function name; -224 for any other."""
    word = text.strip().upper().removesuffix(":DC")
    word = LONG_NAMES.get(word, word)
    if word not in FUNCTIONS:
        raise ScpiError(-224)
    return word


def range_for(function: str, value: float) -> MeterRange:
    """Return the lowest range that holds a value; -222 where none does."""
    for item in RANGES[function]:
        if abs(value) <= item.full_scale * (1 + 1e-9):
            return item
    raise ScpiError(-222)


def range_of(function: str, nominal: float) -> MeterRange:
    """Return the range with this nominal value."""
    return next(item for item in RANGES[function] if item.nominal == nominal)
