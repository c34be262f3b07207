"""Light current against pulse width, one series per amplitude, with lines down to the delay time."""

import math
from collections.abc import Sequence

import numpy as np
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from analysis.estimate import Estimate
from qdlab.gui.plots import Plot
from qdlab.gui.theme import series_colour
from qdlab.gui.widgets import PlainLabel
from qdlab.live.picture import TELTrace

NANOAMPERE = 1e-9
MICROSECOND = 1e-6


class TELPanel(QWidget):
    """Draws the newest pulse series of a picture: circles are used, crosses are not."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot(x="Pulse width τ_pulse (µs)", y="Light current I_out (nA)")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        self.words = PlainLabel("○ used   ✕ not used")
        self.words.setWordWrap(True)
        layout.addWidget(self.plot)
        layout.addWidget(self.words)

    def show_traces(self, traces: Sequence[TELTrace]) -> None:
        """Draw the series."""
        keep: set[str] = set()
        for index, trace in enumerate(traces):
            colour = series_colour(index)
            series, used = trace.series, trace.used
            width, light = series.pulse_width / MICROSECOND, series.light_current / NANOAMPERE
            for word, mask, symbol in (("used", used, "o"), ("not used", ~used, "x")):
                key = f"{series.label} {word}"
                label = series.label if word == "used" else None
                self.plot.draw_points(
                    key, width[mask], light[mask], colour=colour, symbol=symbol, label=label
                )
                keep.add(key)
            if trace.line is not None:
                key = f"{series.label} line"
                x, y = trace.line
                self.plot.draw_points(
                    key, x / MICROSECOND, y / NANOAMPERE, colour=colour, symbol=None, line=True
                )
                keep.add(key)
            interval = None if trace.delay is None else _interval(trace.delay.delay_time)
            if interval is not None and all(math.isfinite(end) for end in interval):
                key = f"{series.label} interval"
                ends = np.array(interval) / MICROSECOND
                self.plot.draw_points(key, ends, np.zeros(2), colour=colour, symbol="|", line=True)
                keep.add(key)
        self.plot.forget(keep)
        known = [trace for trace in traces if trace.delay is not None]
        self.words.setText(_reason(known[-1]) if known else "○ used   ✕ not used")
        self.words.setToolTip("\n\n".join(map(_reason, known)))


def _interval(delay_time: Estimate) -> tuple[float, float] | None:
    """The 95 % interval [s]; None where there is none."""
    if delay_time.confidence_interval is not None or delay_time.standard_error is None:
        return delay_time.confidence_interval
    half = 1.96 * delay_time.standard_error
    return delay_time.value - half, delay_time.value + half


def _reason(trace: TELTrace) -> str:
    """Delay time, straight part and why it is that one."""
    delay = trace.delay
    if delay is None:
        return ""
    part = ""
    if delay.straight_part is not None:
        low, high = (width / MICROSECOND for width in delay.straight_part)
        part = f", straight from {low:.3g} to {high:.3g} µs"
    shown = delay.delay_time.scaled(1 / MICROSECOND)
    return (
        f"{trace.series.label}: τ_d = {shown} µs{part} ({delay.verdict.word.replace('_', ' ')}). {delay.why}"
    )
