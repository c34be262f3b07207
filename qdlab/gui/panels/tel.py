"""Light current against pulse width with lines down to the delay times; drift and background beside them."""

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph
from PyQt6.QtCore import QSignalBlocker, Qt, pyqtBoundSignal, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QInputDialog,
    QPushButton,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from analysis.constants import microsecond
from qdlab.gui.plots import WIDE_AXIS, Plot, Style, see_through
from qdlab.gui.run_list import Listed, RunList
from qdlab.gui.theme import Theme, series_colour
from qdlab.gui.widgets import ElidedLabel, PlainLabel, ask_for_range
from qdlab.live.overrides import Series
from qdlab.live.pictures.tel import LARGEST_DRIFT, PICOAMPERE, ChecksPicture, TELTrace

NANOAMPERE = 1e-9
_SIGNS = "● used   ✕ not used   bar on the axis: τ_d to 95 %"


class TELPanel(QWidget):
    """Draws the newest pulse series of a picture; the straight part of the chosen one can be dragged."""

    part_chosen = pyqtSignal(object, object)
    record_wanted = pyqtSignal(object, object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._traces: Sequence[TELTrace] = ()
        self._checks: ChecksPicture | None = None
        self.tabs = QTabWidget()
        self.tabs.addTab(self._series_page(), "Delay time")
        self.tabs.addTab(self._checks_page(), "Drift and background")
        self.tabs.setDocumentMode(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)

    def _series_page(self) -> QWidget:
        self.plot = Plot(x="Pulse width τ_pulse (µs)", y="Light current I_out (nA)", axis_width=WIDE_AXIS)
        self.plot.legend.setVisible(False)
        self.region = pyqtgraph.LinearRegionItem((0.0, 1.0), orientation="vertical", swapMode="sort")
        self.region.setBrush(see_through(self._theme.accent))
        self.region.setToolTip("The straight part of the chosen series: drag it or its edges to refit")
        self.region.setVisible(False)
        self.region.setZValue(-10)
        self.region.sigRegionChangeFinished.connect(self._drag)
        self.plot.addItem(self.region)
        self.series = RunList("Pulse amplitudes", newest=32)
        self.series.ticked_changed.connect(self._redraw)
        self.series.chosen_changed.connect(self._redraw)
        self.series.chosen_changed.connect(self._set_range)
        self.near = QCheckBox("near the axis")
        self.near.setToolTip("Show where the line of the chosen series meets the axis, instead of all widths")
        self.near.toggled.connect(self._set_range)
        self.rule = QPushButton("by the rule")
        self.rule.setToolTip("Give the straight part of the chosen series back to the rule")
        self.rule.clicked.connect(lambda: self._emit(self.part_chosen, None))
        self.record = QPushButton("record straight part")
        self.record.setToolTip("Write the straight part into the session's journal, for every later analysis")
        self.record.clicked.connect(self._record)
        self.rule.setEnabled(False)
        self.record.setEnabled(False)
        self.words = PlainLabel("no pulse series yet")
        self.words.setWordWrap(True)
        self.signs = ElidedLabel(_SIGNS)
        across = QSplitter(Qt.Orientation.Horizontal)
        across.addWidget(self.plot)
        across.addWidget(self.series)
        across.setStretchFactor(0, 1)
        across.setSizes([400, 80])
        buttons = QHBoxLayout()
        buttons.addWidget(self.near)
        buttons.addStretch(1)
        buttons.addWidget(self.rule)
        buttons.addWidget(self.record)
        return _page([buttons, across, self.signs, self.words], stretch=1)

    def _checks_page(self) -> QWidget:
        self.drift = Plot(x="Time in the session (min)", y="Reference light / its first (1)")
        band = pyqtgraph.LinearRegionItem(
            (1 - LARGEST_DRIFT, 1 + LARGEST_DRIFT), orientation="horizontal", movable=False
        )
        band.setZValue(-10)
        band.setBrush(see_through(self._theme.good))
        self.drift.addItem(band)
        self.background = Plot(x="Time in the session (min)", y="Background (pA)")
        self.background.setXLink(self.drift)
        for plot in (self.drift, self.background):
            plot.legend.setVisible(False)
        self.drift.getAxis("bottom").showLabel(False)
        plots = QSplitter(Qt.Orientation.Vertical)
        plots.addWidget(self.drift)
        plots.addWidget(self.background)
        plots.setSizes([300, 200])
        self.checks_words = PlainLabel("no reference pulse yet")
        self.checks_words.setWordWrap(True)
        return _page([plots, self.checks_words], stretch=0)

    def show_traces(self, traces: Sequence[TELTrace], checks: ChecksPicture) -> None:
        """Draw the series, and the readings taken between their points."""
        self._traces = traces
        self._redraw()
        if checks is not self._checks:
            self._checks = checks
            self._draw_checks(checks)

    def choose(self, series: Series) -> None:
        """Show what the delay time of one series rests on."""
        self.tabs.setCurrentIndex(0)
        self.series.choose(series)

    def _redraw(self) -> None:
        self.series.newest = sum(trace.newest for trace in self._traces)
        self.series.show_runs(
            [
                Listed(
                    key=trace.key,
                    label=trace.label,
                    colour=series_colour(index, self._theme),
                    tip=trace.words,
                )
                for index, trace in enumerate(self._traces)
            ]
        )
        ticked = self.series.ticked
        keep: set[str] = set()
        for index, trace in enumerate(self._traces):
            if trace.key in ticked:
                keep |= self._draw(trace, series_colour(index, self._theme))
        self.plot.forget(keep)
        self._show_part()

    def _set_range(self) -> None:
        """All points, or the chosen series up to two delay times."""
        if not self.near.isChecked():
            self.plot.enableAutoRange()
            return
        trace = self._chosen()
        if trace is None or trace.delay is None or not math.isfinite(trace.delay.delay_time.value):
            return
        reach = 2 * trace.delay.delay_time.value
        inside = trace.series.light_current[trace.series.pulse_width <= reach]
        highest = float(np.nanmax(inside, initial=0.0)) / NANOAMPERE
        if highest > 0:
            self.plot.setRange(xRange=(0.0, reach / microsecond), yRange=(-0.1 * highest, 1.1 * highest))

    def _chosen(self) -> TELTrace | None:
        """The series clicked, else the newest with a delay time."""
        named = [trace for trace in self._traces if trace.key == self.series.chosen]
        known = [trace for trace in self._traces if trace.delay is not None]
        candidates = named or known or list(self._traces)
        return candidates[-1] if candidates else None

    def _show_part(self) -> None:
        trace = self._chosen()
        delay = None if trace is None else trace.delay
        self.rule.setEnabled(trace is not None and trace.by_hand)
        self.record.setEnabled(trace is not None and trace.unrecorded)
        self.region.setVisible(delay is not None and delay.straight_part is not None)
        self.words.setText("no pulse series yet" if trace is None else _reason(trace))
        if delay is not None and delay.straight_part is not None and not self.region.moving:
            with QSignalBlocker(self.region):
                self.region.setRegion([width / microsecond for width in delay.straight_part])

    def _drag(self) -> None:
        low, high = (max(float(width), 1e-3) * microsecond for width in self.region.getRegion())
        if low < high:
            self._emit(self.part_chosen, (low, high))

    def ask_for_part(self) -> QInputDialog | None:
        """Ask for the straight part of the chosen series in microseconds, for whoever does not drag."""
        trace = self._chosen()
        if trace is None or trace.delay is None:
            return None
        widths = trace.series.pulse_width
        part = trace.delay.straight_part or (float(widths.min()), float(widths.max()))
        return ask_for_range(
            self,
            f"Straight part of {trace.label}, from and to (µs):",
            (part[0] / microsecond, part[1] / microsecond),
            chosen=lambda ends: self._emit(self.part_chosen, (ends[0] * microsecond, ends[1] * microsecond)),
        )

    def _record(self) -> None:
        trace = self._chosen()
        if trace is not None:
            self._emit(self.record_wanted, trace.chosen)

    def _emit(self, signal: pyqtBoundSignal, part: object) -> None:
        trace = self._chosen()
        if trace is not None:
            signal.emit(trace.key, part)

    def _draw(self, trace: TELTrace, colour: str) -> set[str]:
        series, used = trace.series, trace.used
        width, light = series.pulse_width / microsecond, series.light_current / NANOAMPERE
        keys = set()
        for word, mask, symbol in (("used", used, "o"), ("not used", ~used, "x")):
            if mask.any():
                key = f"{trace.key} {word}"
                style = Style(colour=colour, symbol=symbol, filled=word == "used")
                self.plot.draw_points(key, width[mask], light[mask], style, hint=f"{trace.label}, {word}")
                keys.add(key)
        line = Style(colour=colour, symbol=None, line=True)
        if trace.line is not None:
            key = f"{trace.key} line"
            x, y = trace.line
            self.plot.draw_points(key, x / microsecond, y / NANOAMPERE, line)
            keys.add(key)
        if trace.interval is not None and all(math.isfinite(end) for end in trace.interval):
            key = f"{trace.key} interval"
            style = Style(colour=colour, symbol="|", line=True, width=3.0)
            ends = np.array(trace.interval) / microsecond
            self.plot.draw_points(key, ends, np.zeros(2), style, hint=f"{trace.label}, 95 % interval of τ_d")
            keys.add(key)
        return keys

    def _draw_checks(self, checks: ChecksPicture) -> None:
        keep: set[str] = set()
        for index, one in enumerate(checks.references):
            style = Style(colour=series_colour(index, self._theme), symbol="o", line=True, width=1.0)
            hint = f"reference pulse at {one.label}"
            self.drift.draw_points(one.label, one.time / 60, one.light, style, hint=hint)
            keep.add(one.label)
        self.drift.forget(keep)
        kept: set[str] = set()
        for name, symbol, found in (("dark", "o", checks.backgrounds), ("pickup", "t1", checks.pickups)):
            for index, one in enumerate(found):
                key = f"{one.label} {name}"
                style = Style(colour=series_colour(index, self._theme), symbol=symbol)
                hint = f"{name} at {one.label}"
                self.background.draw_points(key, one.time / 60, one.light / PICOAMPERE, style, hint=hint)
                kept.add(key)
        self.background.forget(kept)
        self.checks_words.setText(checks.words)


def _reason(trace: TELTrace) -> str:
    if not trace.by_hand:
        return trace.words
    return f"{trace.words} {'Not recorded yet.' if trace.unrecorded else 'The journal says so.'}"


def _page(parts: Sequence[QWidget | QHBoxLayout], *, stretch: int) -> QWidget:
    """Parts below one another; the one of number `stretch` takes the room that is left."""
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(4, 2, 4, 2)
    layout.setSpacing(2)
    for number, part in enumerate(parts):
        if isinstance(part, QWidget):
            layout.addWidget(part, stretch=int(number == stretch))
        else:
            layout.addLayout(part)
    return page
