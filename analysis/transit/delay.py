"""The delay time of one pulse-width series, with the points behind it and a verdict."""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import fdtrc, ndtr

from analysis.curves import FloatArray, TELSeries
from analysis.estimate import GOOD, Estimate, Verdict, VerdictWord
from analysis.straight_line import StraightLineFit, fit_straight_line
from analysis.transit.onset import OnsetFit, fit_onset

BoolArray = npt.NDArray[np.bool_]

STRAIGHT_FROM = 2.0
"""The straight part begins at this many delay times [1]."""

LONGEST_AT_LEAST = 3.0
"""The longest pulse must last this many delay times [1]."""

MINIMUM_WIDTHS = 4
"""Distinct widths the straight part must hold."""

WIDEST_INTERVAL = 1.0
"""An interval wider than this many delay times supports no number [1]."""

UNTRUSTED_FLAGS = frozenset({"clipped", "overflow", "zero-check", "invalid", "outside-temperature"})
"""Point flags that keep a reading of the light out of a fit."""

_NO_RISE = "The light does not rise with the pulse width; check the polarity and the meter's range."
_FAINTEST = 1e-30  # [A], below any meter
_ONSET_WIDTHS = 6  # distinct widths from which an onset can be fitted
_BACKGROUND_WIDTHS = 2  # distinct widths that may lie before the delay and show the background
_SIGNIFICANCE = 1e-3  # of the tests that find a wrong model
_ROUNDING = 3e-5  # scatter below which residuals are rounding, relative to the largest light
_REFERENCE_DRIFT = 0.03  # loss of light of the reference pulses that blocks *good*


@dataclass(frozen=True, kw_only=True)
class DelayFit:
    """The delay time of one pulse-width series, with the points behind it.

    Parameters
    ----------
    delay_time : intercept of the asymptote [s], with its 95 % interval
    slope : of the asymptote [A s⁻¹]
    dispersion : relative width of the onset that fits best [1]; NaN where none was fitted
    used : (n,) points of the straight part
    straight_part : shortest and longest width of it [s]; None where there is none
    chosen_by : "rule" or "operator"
    line : plain line through the straight part, for comparison; None where there is none
    verdict : of the delay time
    why : how the straight part was found and what the interval allows for
    """

    delay_time: Estimate
    slope: Estimate
    dispersion: float
    used: BoolArray
    straight_part: tuple[float, float] | None
    chosen_by: str
    line: StraightLineFit | None
    verdict: Verdict
    why: str


def fit_delay_time(series: TELSeries, *, straight_part: tuple[float, float] | None = None) -> DelayFit:
    """Find where the asymptote of light current against pulse width meets the width axis.

    The straight part begins at two delay times, found together with the delay time. Its intercept is
    corrected for what is left of the onset's curvature there (see `analysis.transit.onset`), and the interval
    allows for every curvature the data do not exclude and for the errors points have in common. Where the
    shorter pulses do not fit an onset, or the operator chose the points, the straight part alone is used.
    Points with one of `UNTRUSTED_FLAGS` take no part.

    Parameters
    ----------
    series : one pulse amplitude, in the order of measurement; three widths or more
    straight_part : shortest and longest width [s] to use instead of the rule; recorded as the operator's
        choice

    Returns
    -------
    DelayFit
        Never an exception for data that cannot support the number: its verdict then says what to measure.

    Examples
    --------
    >>> import numpy as np
    >>> width = np.arange(10, 301, 10) * 1e-6
    >>> light = 1e-3 * np.maximum(width - 50e-6, 0)
    >>> series = TELSeries(pulse_width=width, light_current=light, pulse_amplitude=4.0, temperature=297.0)
    >>> fit = fit_delay_time(series)
    >>> round(fit.delay_time.value * 1e6, 1), fit.verdict.word
    (50.0, 'good')
    """
    fit = _fitted(series, _readable(series), straight_part)
    reasons = sorted(set().union(*series.flags) & UNTRUSTED_FLAGS)
    if not reasons:
        return fit
    return replace(fit, why=f"{fit.why} Left out are points flagged {', '.join(reasons)}.")


def _readable(series: TELSeries) -> BoolArray:
    trusted = np.array([not words & UNTRUSTED_FLAGS for words in series.flags], dtype=bool)
    return np.isfinite(series.light_current) & trusted


def _fitted(series: TELSeries, readable: BoolArray, straight_part: tuple[float, float] | None) -> DelayFit:
    if len(np.unique(series.pulse_width[readable])) < 3:
        return _no_delay(series, "too_few_points", "Measure at three or more pulse widths.")
    if _is_dark(series.light_current[readable]):
        return _no_delay(series, "not_straight", _NO_RISE)
    if straight_part is not None:
        low, high = straight_part[0] * (1 - 1e-9), straight_part[1] * (1 + 1e-9)
        used = readable & (series.pulse_width >= low) & (series.pulse_width <= high)
        if len(np.unique(series.pulse_width[used])) < 3:
            return _no_delay(
                series, "too_few_points", "The given straight part holds fewer than three widths."
            )
        return _of_straight_part(series, used, "operator", "The straight part was given.")
    if len(np.unique(series.pulse_width[readable])) < _ONSET_WIDTHS:
        used = _iterated_straight_part(series, readable)
        return _of_straight_part(series, used, "rule", "There are too few widths to see the onset.")
    return _of_whole_onset(series, readable)


def _of_whole_onset(series: TELSeries, readable: BoolArray) -> DelayFit:
    width = series.pulse_width[readable]
    onset = _onset(series, readable, with_background=True)
    if len(np.unique(width[width < onset.confidence_interval[1]])) < _BACKGROUND_WIDTHS:
        onset = _onset(series, readable, with_background=False)
        background = "No width lies before the delay, so the background is taken as subtracted."
    else:
        background = "Widths before the delay give the background."
    used = readable & (series.pulse_width >= STRAIGHT_FROM * onset.delay_time)
    if onset.relative_scatter > _ROUNDING and _residuals_run(width, onset.residual):
        if len(np.unique(series.pulse_width[used])) < 3:
            used = _iterated_straight_part(series, readable)
        why = "The shorter pulses do not follow an onset; only those beyond two delay times are used."
        return _of_straight_part(series, used, "rule", why)
    why = f"The straight part begins at two delay times. {background}"
    return _delay_fit(series, readable, used, onset, "rule", why)


def _of_straight_part(series: TELSeries, used: BoolArray, chosen_by: str, why: str) -> DelayFit:
    """Delay time from the straight part alone; the interval allows for curvature that may be left in it."""
    if used.sum() < 5:
        return _of_line(series, used, chosen_by, why)
    return _delay_fit(series, used, used, _onset(series, used, with_background=False), chosen_by, why)


def _of_line(series: TELSeries, used: BoolArray, chosen_by: str, why: str) -> DelayFit:
    line = _line(series, used)
    delay = line.x_intercept()
    verdict = (
        delay.verdict if not delay.verdict.is_good else _width_rule(series.pulse_width[used], delay.value)
    )
    return DelayFit(
        delay_time=Estimate(
            value=delay.value,
            standard_error=delay.standard_error,
            confidence_interval=delay.confidence_interval,
            verdict=verdict,
        ),
        slope=Estimate(value=line.slope, standard_error=line.slope_standard_error),
        dispersion=math.nan,
        used=used,
        straight_part=_extent(series.pulse_width[used]),
        chosen_by=chosen_by,
        line=line,
        verdict=verdict,
        why=f"{why} The interval does not allow for curvature.",
    )


def _delay_fit(
    series: TELSeries, considered: BoolArray, used: BoolArray, onset: OnsetFit, chosen_by: str, why: str
) -> DelayFit:
    verdict = _verdict(series, considered, used, onset)
    return DelayFit(
        delay_time=Estimate(
            value=onset.delay_time,
            standard_error=onset.standard_error,
            confidence_interval=onset.confidence_interval,
            verdict=verdict,
        ),
        slope=Estimate(value=onset.slope, standard_error=onset.slope_standard_error),
        dispersion=onset.dispersion,
        used=used,
        straight_part=_extent(series.pulse_width[used]),
        chosen_by=chosen_by,
        line=_line(series, used) if len(np.unique(series.pulse_width[used])) > 1 else None,
        verdict=verdict,
        why=why,
    )


def _onset(series: TELSeries, points: BoolArray, *, with_background: bool) -> OnsetFit:
    error = series.light_current_error
    known = error is not None and bool(np.all(np.isfinite(error[points]) & (error[points] > 0)))
    return fit_onset(
        series.pulse_width[points],
        series.light_current[points],
        error[points] if known and error is not None else None,
        shared_error=_shared(series, points),
        with_background=with_background,
    )


def _line(series: TELSeries, used: BoolArray) -> StraightLineFit:
    width, light = series.pulse_width[used], series.light_current[used]
    return fit_straight_line(width, light, shared_error=_shared(series, used))


def _shared(series: TELSeries, points: BoolArray) -> FloatArray | None:
    return None if series.shared_error is None else series.shared_error[:, points]


def _iterated_straight_part(series: TELSeries, readable: BoolArray) -> BoolArray:
    """Points beyond two delay times, the delay time being that of the line through them."""
    widths = np.unique(series.pulse_width[readable])
    used = readable
    for start in range(len(widths) - 2):
        used = readable & (series.pulse_width >= widths[start])
        line = _line(series, used)
        if line.slope > 0 and -line.intercept / line.slope * STRAIGHT_FROM <= widths[start]:
            return used
    return used


def _verdict(series: TELSeries, considered: BoolArray, used: BoolArray, onset: OnsetFit) -> Verdict:
    if onset.slope <= 0 or _falls(series, considered):
        return Verdict(word="not_straight", advice=_NO_RISE)
    rule = _width_rule(series.pulse_width[considered], onset.delay_time)
    if not rule.is_good:
        return rule
    if _reference_loss(series) > _REFERENCE_DRIFT:
        return Verdict(
            word="drifting", advice="The reference pulses lose light; ageing looks like curvature."
        )
    if onset.relative_scatter > _ROUNDING and _is_bent(series, used, onset):
        advice = (
            "The long pulses are not on a straight line (heating or ageing); choose a straight part by hand."
        )
        return Verdict(word="not_straight", advice=advice)
    low, high = onset.confidence_interval
    if not high - low <= WIDEST_INTERVAL * onset.delay_time:
        return Verdict(
            word="undecided", advice="The delay time's interval is as wide as itself; average longer."
        )
    return GOOD


def _width_rule(width: FloatArray, delay: float) -> Verdict:
    """At least four distinct widths beyond two delay times, the longest beyond three."""
    if not delay > 0:
        return Verdict(
            word="undecided", advice="The line meets the axis at no positive width; check the background."
        )
    beyond = np.unique(width[width >= STRAIGHT_FROM * delay])
    if len(beyond) >= MINIMUM_WIDTHS and width.max() >= LONGEST_AT_LEAST * delay:
        return GOOD
    return Verdict(
        word="pulses_too_short",
        advice=(
            f"{MINIMUM_WIDTHS} widths beyond two delay times (about {2e6 * delay:.0f} µs) are needed, one of "
            f"them beyond three; the series has {len(beyond)} and ends at {1e6 * width.max():.0f} µs: "
            f"add pulses up to {4e6 * delay:.0f} µs."
        ),
    )


def _is_dark(light: FloatArray) -> bool:
    """Whether there is no light at all, or no change of it."""
    return float(light.max()) < _FAINTEST or float(np.ptp(light)) == 0


def _falls(series: TELSeries, considered: BoolArray) -> bool:
    """Whether the light falls with width beyond doubt: rank correlation below -0.5."""
    width, light = series.pulse_width[considered], series.light_current[considered]
    ranks = np.argsort(np.argsort(width)), np.argsort(np.argsort(light))
    return len(width) > 2 and float(np.corrcoef(*ranks)[0, 1]) < -0.5


def _residuals_run(width: FloatArray, residual: FloatArray) -> bool:
    """Whether neighbouring residuals have one sign far more often than chance lets them."""
    ordered = residual[np.argsort(width, kind="stable")]
    count = len(ordered)
    if count < 10:
        return False
    correlation = float(np.sum(ordered[1:] * ordered[:-1]) / max(np.sum(ordered**2), 1e-300))
    return float(ndtr(-correlation * math.sqrt(count))) < _SIGNIFICANCE


def _is_bent(series: TELSeries, used: BoolArray, onset: OnsetFit) -> bool:
    """Whether the residuals of the straight part hold a parabola, by an F test at 0.1 %."""
    width = series.pulse_width[used]
    if len(np.unique(width)) < 5:
        return False
    residual = _residuals_of_used(series, used, onset)
    x = (width - width.mean()) / np.ptp(width)
    plain = np.stack([np.ones_like(x), x], axis=1)
    bent = np.stack([np.ones_like(x), x, x**2], axis=1)
    left = [
        float(np.sum((residual - m @ np.linalg.lstsq(m, residual, rcond=None)[0]) ** 2))
        for m in (plain, bent)
    ]
    degrees = len(x) - 3
    if degrees < 1:
        return False
    return float(fdtrc(1, degrees, (left[0] - left[1]) / (left[1] / degrees))) < _SIGNIFICANCE


def _residuals_of_used(series: TELSeries, used: BoolArray, onset: OnsetFit) -> FloatArray:
    if len(onset.residual) == int(used.sum()):
        return onset.residual
    return onset.residual[used[_readable(series)]]


def _reference_loss(series: TELSeries) -> float:
    """Relative loss of light from the first to the last third of the reference pulses; 0 without enough."""
    if series.reference_light is not None:
        light = series.reference_light[np.isfinite(series.reference_light)]
    else:
        reference = np.array(["reference" in words for words in series.flags], dtype=bool)
        reference &= np.isfinite(series.light_current)
        light = series.light_current[reference]
        if len(light) and np.ptp(series.pulse_width[reference]) > 0:
            return 0.0
    if len(light) < 3:
        return 0.0
    third = max(1, len(light) // 3)
    return float(1 - light[-third:].mean() / light[:third].mean())


def _extent(width: FloatArray) -> tuple[float, float] | None:
    return (float(width.min()), float(width.max())) if len(width) else None


def _no_delay(series: TELSeries, word: VerdictWord, advice: str) -> DelayFit:
    verdict = Verdict(word=word, advice=advice)
    nothing = Estimate(value=math.nan, verdict=verdict)
    return DelayFit(
        delay_time=nothing,
        slope=nothing,
        dispersion=math.nan,
        used=np.zeros(len(series), dtype=bool),
        straight_part=None,
        chosen_by="rule",
        line=None,
        verdict=verdict,
        why=advice,
    )
