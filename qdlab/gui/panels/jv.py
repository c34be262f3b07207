"""J against V with the slope below it: every sweep ticked, its flagged points, quadratic window and laws."""

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph
from PyQt6.QtCore import QSignalBlocker, Qt, pyqtBoundSignal, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QInputDialog,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from analysis.space_charge import SpaceChargeFit
from qdlab.gui.plots import Dash, Plot, Style, see_through
from qdlab.gui.run_list import Listed, RunList
from qdlab.gui.theme import Theme, series_colour, temperature_colour
from qdlab.gui.widgets import PlainLabel, ask_for_range, plain_tip
from qdlab.live.pictures.jv import (
    LAWS,
    QUANTITIES,
    JVTrace,
    LawName,
    Quantity,
    shown_unit,
    shown_values,
)

NEWEST = 16  # sweeps ticked by themselves
FLAG_SYMBOLS = {
    "compliance": "x",
    "overflow": "x",
    "breakdown": "star",
    "outside-temperature": "d",
    "noise-floor": "+",
    "offset": "+",
    "range-switch": "s",
    "hysteresis": "p",
}
_OTHER_FLAG = "h"
_SIGNS = {"x": "✕", "star": "★", "d": "◇", "+": "+", "s": "□", "p": "⬠", "h": "⬡"}
_DASHES: dict[LawName, Dash] = {"Mott-Gurney": "dashed", "Murgatroyd": "dotted", "EGDM": "solid"}
_LAW_TIPS = {
    "Mott-Gurney": "J = 9/8 ε μ(0) (V - V_bi)²/L³ through the quadratic window: dashed",
    "Murgatroyd": "The same with a mobility that rises as exp(γ E^½), fitted to all sweeps: dotted",
    "EGDM": "The drift-diffusion fit of the disorder model to all temperatures: a line",
}


class JVPanel(QWidget):
    """Draws the sweeps of a picture; the quadratic window of the chosen one can be dragged.

    Parameters
    ----------
    recordable : windows can be dragged, and recorded in a session
    newest : so many sweeps are ticked by themselves
    """

    window_chosen = pyqtSignal(str, object)
    record_wanted = pyqtSignal(str, object)

    def __init__(self, theme: Theme, *, recordable: bool = True, newest: int = NEWEST) -> None:
        super().__init__()
        self._theme = theme
        self._recordable = recordable
        self._traces: Sequence[JVTrace] = ()
        self._make_controls()
        self._make_plots()
        self.runs = RunList("Sweeps", newest=newest)
        self.runs.ticked_changed.connect(self._redraw)
        self.runs.chosen_changed.connect(self._redraw)
        self.words = PlainLabel("no quadratic window yet")
        self.words.setWordWrap(True)
        self.signs = PlainLabel("")
        self.signs.setWordWrap(True)
        plots = QSplitter(Qt.Orientation.Vertical)
        plots.addWidget(self.plot)
        plots.addWidget(self.slope)
        plots.setSizes([300, 170])
        across = QSplitter(Qt.Orientation.Horizontal)
        across.addWidget(plots)
        across.addWidget(self.runs)
        across.setStretchFactor(0, 1)
        across.setSizes([582, 168])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.setSpacing(2)
        layout.addLayout(self._controls())
        layout.addWidget(across, stretch=1)
        layout.addWidget(self.signs)
        layout.addWidget(self.words)

    def _make_controls(self) -> None:
        self.quantity = QComboBox()
        self.quantity.addItems(QUANTITIES)
        self.quantity.setAccessibleName("What is drawn against voltage")
        self.quantity.setToolTip("What is drawn against voltage")
        self.quantity.currentTextChanged.connect(self._choose_quantity)
        self.laws: dict[LawName, QCheckBox] = {}
        for law in LAWS:
            self.laws[law] = QCheckBox(law)
            self.laws[law].setToolTip(_LAW_TIPS[law])
            self.laws[law].setChecked(law == "Mott-Gurney")
            self.laws[law].toggled.connect(self._redraw)
        self.by_temperature = QCheckBox("colour by T")
        self.by_temperature.setToolTip("Colour sweeps by temperature; otherwise each has its own")
        self.by_temperature.setChecked(True)
        self.by_temperature.toggled.connect(self._redraw)
        self.rule = QPushButton("by the rule")
        self.rule.setToolTip("Give the window of the chosen sweep back to the rule")
        self.rule.clicked.connect(lambda: self._emit(self.window_chosen, None))
        self.record = QPushButton("record window")
        self.record.setToolTip("Write the window into the session's journal, for every later analysis")
        self.record.clicked.connect(self._record)
        self.rule.setEnabled(False)
        self.record.setEnabled(False)

    def _make_plots(self) -> None:
        self.plot = Plot(x="Voltage V (V)", y=shown_unit("J"), log_x=True, log_y=True)
        self.plot.getAxis("bottom").showLabel(False)  # the slope's axis below is the same
        self.slope = Plot(x="Voltage V (V)", y="Slope m (1)", log_x=True)
        self.slope.setToolTip("m = d ln J/d ln V against voltage; 2 where the current is quadratic")
        band = pyqtgraph.LinearRegionItem((1.8, 2.2), orientation="horizontal", movable=False)
        band.setZValue(-10)
        band.setBrush(see_through(self._theme.good))
        band.setToolTip("The quadratic band, 2 ± 0.2")
        self.slope.addItem(band)
        self.slope.setXLink(self.plot)
        self.slope.setLimits(yMin=-20, yMax=60)
        self.region = pyqtgraph.LinearRegionItem((0.0, 1.0), orientation="vertical", swapMode="sort")
        self.region.setBrush(see_through(self._theme.accent))
        self.region.setToolTip("The quadratic window of the chosen sweep: drag it or its edges to refit")
        self.region.setVisible(False)
        self.region.setMovable(self._recordable)
        self.region.sigRegionChangeFinished.connect(self._drag)
        self.slope.addItem(self.region)
        for plot in (self.plot, self.slope):
            plot.legend.setVisible(False)

    def _controls(self) -> QHBoxLayout:
        controls = QHBoxLayout()
        controls.setSpacing(10)
        controls.addWidget(self.quantity)
        for box in (*self.laws.values(), self.by_temperature):
            controls.addWidget(box)
        controls.addStretch(1)
        if self._recordable:
            controls.addWidget(self.rule)
            controls.addWidget(self.record)
        return controls

    def show_traces(self, traces: Sequence[JVTrace]) -> None:
        """Draw the sweeps that are ticked."""
        same = len(traces) == len(self._traces)
        if same and all(one is other for one, other in zip(traces, self._traces, strict=True)):
            return
        self._traces = traces
        self._redraw()

    def choose(self, run: str) -> None:
        """Draw one sweep and show what its mobility rests on."""
        self.runs.choose(run)

    def _redraw(self) -> None:
        colours = self._colours()
        self.runs.show_runs(
            [
                Listed(key=trace.run, label=trace.label, colour=colours[trace.run], tip=_tip(trace))
                for trace in self._traces
            ]
        )
        ticked, chosen = self.runs.ticked, self._chosen()
        drawn = [trace for trace in self._traces if trace.run in ticked]
        keep: set[str] = set()
        for trace in drawn:
            keep |= self._draw(trace, colours[trace.run], chosen)
        self.plot.forget(keep)
        self.slope.forget(keep)
        self._tell_signs(drawn)
        self._show_window()

    def _colours(self) -> dict[str, str]:
        if not self.by_temperature.isChecked():
            return {trace.run: series_colour(trace.number, self._theme) for trace in self._traces}
        temperatures = [trace.curve.temperature for trace in self._traces]
        low, high = min(temperatures, default=0.0), max(temperatures, default=0.0)
        return {
            trace.run: temperature_colour(trace.curve.temperature, low, high, self._theme)
            for trace in self._traces
        }

    def _chosen(self) -> JVTrace | None:
        """The sweep whose window is shown: the one clicked, else the newest drawn that has one."""
        named = [trace for trace in self._traces if trace.run == self.runs.chosen]
        ticked = self.runs.ticked
        fitted = [trace for trace in self._traces if trace.fit is not None and trace.run in ticked]
        windowed = [trace for trace in fitted if trace.fit is not None and trace.fit.window is not None]
        candidates = named or windowed or fitted
        return candidates[-1] if candidates else None

    def _show_window(self) -> None:
        trace = self._chosen()
        fit = None if trace is None else trace.fit
        self.rule.setEnabled(trace is not None and trace.by_hand)
        self.record.setEnabled(trace is not None and trace.unrecorded)
        self.region.setVisible(fit is not None and fit.window is not None)
        self.words.setToolTip("" if fit is None else plain_tip(fit.verdict.advice))
        if trace is None or fit is None:
            self.words.setText("no quadratic window yet" if trace is None else f"{trace.label}: no fit yet")
            return
        self.words.setText(f"{trace.label}: {_reason(trace, fit)}")
        if fit.window is not None and not self.region.moving:
            with QSignalBlocker(self.region):
                self.region.setRegion([math.log10(max(voltage, 1e-6)) for voltage in fit.window])

    def _drag(self) -> None:
        low, high = self.region.getRegion()
        if low < high:
            self._emit(self.window_chosen, (float(10**low), float(10**high)))

    def ask_for_window(self) -> QInputDialog | None:
        """Ask for the quadratic window of the chosen sweep in volts, for whoever does not drag."""
        trace = self._chosen()
        if trace is None or trace.fit is None:
            return None
        low, high = trace.fit.window or (float(trace.curve.voltage.min()), float(trace.curve.voltage.max()))
        return ask_for_range(
            self,
            f"Quadratic window of {trace.label}, from and to (V):",
            (low, high),
            chosen=lambda window: self._emit(self.window_chosen, window),
        )

    def _record(self) -> None:
        trace = self._chosen()
        if trace is not None:
            self._emit(self.record_wanted, trace.chosen)

    def _emit(self, signal: pyqtBoundSignal, window: object) -> None:
        trace = self._chosen()
        if trace is not None:
            signal.emit(trace.run, window)

    def _choose_quantity(self) -> None:
        self.plot.title_axis("left", shown_unit(self._quantity))
        self._redraw()

    @property
    def _quantity(self) -> Quantity:
        return QUANTITIES[max(self.quantity.currentIndex(), 0)]

    def _draw(self, trace: JVTrace, colour: str, chosen: JVTrace | None) -> set[str]:
        keys = self._draw_measured(trace, colour, chosen) | self._draw_laws(trace, chosen)
        is_chosen = chosen is not None and chosen.run == trace.run
        if trace.slope is not None and len(trace.slope.voltage):
            key = f"{trace.run} slope"
            style = Style(colour=colour, symbol=None, line=True, width=2.4 if is_chosen else 1.4)
            self.slope.draw_points(key, trace.slope.voltage, trace.slope.slope, style)
            keys.add(key)
        return keys

    def _draw_measured(self, trace: JVTrace, colour: str, chosen: JVTrace | None) -> set[str]:
        curve, clean = trace.curve, trace.clean
        shown = shown_values(self._quantity, trace, (curve.voltage, curve.current_density), chosen)
        used = trace.used & clean if chosen is not None and chosen.run == trace.run else np.zeros_like(clean)
        parts = {
            "up": (clean & ~trace.back, Style(colour=colour, symbol="o")),
            "used": (used, Style(colour=colour, symbol="o", filled=True)),
            "down": (clean & trace.back, Style(colour=colour, symbol="t1")),
        }
        for kind, mask in trace.flagged.items():
            symbol = FLAG_SYMBOLS.get(kind, _OTHER_FLAG)
            parts[kind] = (mask, Style(colour=self._theme.alarm, symbol=symbol, size=9))
        keys = set()
        for word, (mask, style) in parts.items():
            if mask.any():
                key = f"{trace.run} {word}"
                hint = f"{trace.label}, {word}"
                self.plot.draw_points(key, curve.voltage[mask], shown[mask], style, hint=hint)
                keys.add(key)
        return keys

    def _draw_laws(self, trace: JVTrace, chosen: JVTrace | None) -> set[str]:
        keys = set()
        for law, line in trace.laws.items():
            if self.laws[law].isChecked():
                key = f"{trace.run} {law}"
                style = Style(
                    colour=self._theme.text,
                    symbol=None,
                    line=True,
                    dash=_DASHES[law],
                    width=1.2,
                    on_top=True,
                )
                self.plot.draw_points(key, line[0], shown_values(self._quantity, trace, line, chosen), style)
                keys.add(key)
        if math.isfinite(trace.floor):
            key = f"{trace.run} floor"
            voltage = trace.curve.voltage[trace.curve.voltage > 0]
            ends = np.array([voltage.min(), voltage.max()]) if len(voltage) else np.array([])
            level = shown_values(self._quantity, trace, (ends, np.full(len(ends), trace.floor)), chosen)
            style = Style(colour=self._theme.muted, symbol=None, line=True, dash="dotted", width=1.0)
            self.plot.draw_points(key, ends, level, style)
            keys.add(key)
        return keys

    def _tell_signs(self, drawn: Sequence[JVTrace]) -> None:
        """Which sign means what, of those that are to be seen; and what a logarithm cannot show."""
        words = ["○ up"]
        if any(trace.used.any() for trace in drawn):
            words.append("● in the chosen window")
        if any((trace.back & trace.clean).any() for trace in drawn):
            words.append("△ down")
        for kind in dict.fromkeys(kind for trace in drawn for kind in trace.flagged if _is_seen(trace, kind)):
            words.append(f"{_SIGNS[FLAG_SYMBOLS.get(kind, _OTHER_FLAG)]} {kind.replace('-', ' ')}")
        if any(math.isfinite(trace.floor) for trace in drawn):
            words.append("grey dots: noise floor")
        hidden = sum(_without_logarithm(trace) for trace in drawn)
        if hidden:
            words.append(f"{hidden} points at or below zero are not drawn")
        self.signs.setText("   ".join(words))


def _without_logarithm(trace: JVTrace) -> int:
    return int(np.sum(~_has_logarithm(trace)))


def _is_seen(trace: JVTrace, kind: str) -> bool:
    return bool((trace.flagged[kind] & _has_logarithm(trace)).any())


def _has_logarithm(trace: JVTrace) -> np.ndarray:
    return (trace.curve.voltage > 0) & (trace.curve.current_density > 0)


def _tip(trace: JVTrace) -> str:
    state = "running" if trace.running else f"{len(trace.curve)} points"
    return f"{trace.run}: {trace.device}, {trace.curve.temperature:.2f} K, {state}"


def _reason(trace: JVTrace, fit: SpaceChargeFit) -> str:
    """Mobility, window and why it is that one, in a line."""
    if fit.window is None:
        return fit.why
    low, high = fit.window
    word = fit.verdict.word.replace("_", " ")
    why = fit.why
    if trace.by_hand:
        why = "chosen here, not recorded yet" if trace.unrecorded else "chosen by hand, as the journal says"
    return f"{low:.2g}-{high:.2g} V, μ(0) = {fit.zero_field_mobility} m²/Vs, {word}. {why}"
