"""A number with what is known about it, and the word a fit ends with."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

VerdictWord = Literal[
    "good",
    "too_few_points",
    "not_straight",
    "pulses_too_short",
    "at_bound",
    "not_identifiable",
    "not_converged",
    "outside_validity",
    "drifting",
    "undecided",
]

VERDICT_WORDS: tuple[str, ...] = get_args(VerdictWord)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How far a result can be trusted: one word, and one sentence of advice.

    Parameters
    ----------
    word : one of `VERDICT_WORDS`
    advice : what to do about it, a sentence; empty for an unconditional *good*
    """

    word: VerdictWord = "good"
    advice: str = ""

    def __post_init__(self) -> None:
        if self.word not in VERDICT_WORDS:
            raise ValueError(f"verdict word {self.word!r} is not one of {', '.join(VERDICT_WORDS)}")

    @property
    def is_good(self) -> bool:
        return self.word == "good"

    def __str__(self) -> str:
        return f"{self.word}: {self.advice}" if self.advice else self.word

    def to_dict(self) -> dict[str, str]:
        return {"word": self.word, "advice": self.advice}


GOOD = Verdict()


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value with its uncertainties, kept apart: they are never added in quadrature.

    Parameters
    ----------
    value : SI unless the name of the holder says otherwise; NaN where nothing can be said
    standard_error : statistical, one standard deviation, same unit; None where unknown
    systematic_error : from common errors (thickness, area, permittivity, temperature), one standard deviation
    model_range : lowest and highest value under the alternative models tried
    confidence_interval : 95 % interval where it is not value +- 1.96 standard errors; may be unbounded (inf)
    verdict : whether the value means anything
    """

    value: float
    standard_error: float | None = None
    systematic_error: float | None = None
    model_range: tuple[float, float] | None = None
    confidence_interval: tuple[float, float] | None = None
    verdict: Verdict = GOOD

    def __post_init__(self) -> None:
        for name in ("standard_error", "systematic_error"):
            error = getattr(self, name)
            if error is not None and error < 0:
                raise ValueError(f"{name} {error!r} is negative; an uncertainty is zero or more")

    def to_dict(self) -> dict[str, object]:
        """Plain numbers for JSON; what is not known or not finite is None."""
        return {
            "value": _finite(self.value),
            "standard_error": _finite(self.standard_error),
            "systematic_error": _finite(self.systematic_error),
            "model_range": _finite_pair(self.model_range),
            "confidence_interval": _finite_pair(self.confidence_interval),
            "verdict": self.verdict.to_dict(),
        }

    def scaled(self, factor: float) -> "Estimate":
        """The same estimate in another unit."""

        def pair(interval: tuple[float, float] | None) -> tuple[float, float] | None:
            if interval is None:
                return None
            low, high = sorted((interval[0] * factor, interval[1] * factor))
            return low, high

        def error(value: float | None) -> float | None:
            return None if value is None else value * abs(factor)

        return Estimate(
            value=self.value * factor,
            standard_error=error(self.standard_error),
            systematic_error=error(self.systematic_error),
            model_range=pair(self.model_range),
            confidence_interval=pair(self.confidence_interval),
            verdict=self.verdict,
        )

    def __str__(self) -> str:
        """The value rounded by its standard error: ``4.42(13)e-11``."""
        return format_with_uncertainty(self.value, self.standard_error)


def format_with_uncertainty(value: float, standard_error: float | None) -> str:
    """A value with its standard error in brackets, two digits of it: ``0.301(12)``, ``4.42(13)e-11``.

    Without a standard error four significant digits are shown; NaN is shown as ``-``.
    """
    if not math.isfinite(value):
        return "-"
    if standard_error is None or not math.isfinite(standard_error) or standard_error <= 0:
        return f"{value:.4g}"
    exponent = math.floor(math.log10(max(abs(value), standard_error)))
    exponent = 0 if -3 <= exponent < 4 else exponent
    scale = 10.0**exponent
    digits = 1 - math.floor(math.log10(standard_error / scale))
    error_digits = round(standard_error / scale * 10.0**digits)
    if error_digits >= 100:
        digits -= 1
        error_digits = round(standard_error / scale * 10.0**digits)
    if digits <= 0:
        text = f"{round(value / scale, digits):.0f}({error_digits * 10 ** (-digits)})"
    else:
        text = f"{value / scale:.{digits}f}({error_digits})"
    return text if exponent == 0 else f"{text}e{exponent:+03d}"


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _finite_pair(pair: tuple[float, float] | None) -> list[float | None] | None:
    return None if pair is None else [_finite(pair[0]), _finite(pair[1])]
