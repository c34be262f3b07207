"""J against V with the slope beside it: every sweep, its flagged points, its quadratic window and law."""

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph
from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from analysis.space_charge import SpaceChargeFit
from qdlab.gui.plots import Plot
from qdlab.gui.theme import series_colour
from qdlab.gui.widgets import ElidedLabel, PlainLabel
from qdlab.live.picture import JVTrace

MILLIAMPERE_PER_SQUARE_CENTIMETRE = 10.0

_NEWEST = "newest sweep"
_QUANTITIES = {
    "J": "Current density J (mA cm⁻²)",
    "J L³": "J L³ (mA cm⁻² nm³)",
    "J / V²": "J/V² (mA cm⁻² V⁻²)",
}


class JVPanel(QWidget):
    """Draws the sweeps of a picture; the quadratic window of one of them can be dragged."""

    window_chosen = pyqtSignal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self._traces: Sequence[JVTrace] = ()
        self.quantity = QComboBox()
        self.quantity.addItems(list(_QUANTITIES))
        self.quantity.setToolTip("What is drawn against voltage")
        self.quantity.currentTextChanged.connect(self._choose)
        self.plot = Plot(x="Voltage V (V)", y=_QUANTITIES["J"], log_x=True, log_y=True, legend="below")
        self.slope = Plot(x="Voltage V (V)", y="d ln J / d ln V", log_x=True)
        band = pyqtgraph.LinearRegionItem((1.8, 2.2), orientation="horizontal", movable=False)
        band.setZValue(-10)
        band.setToolTip("The quadratic band, 2 ± 0.2")
        self.slope.addItem(band)
        self.slope.setXLink(self.plot)
        self.region = pyqtgraph.LinearRegionItem((0.0, 1.0), orientation="vertical", swapMode="sort")
        self.region.setToolTip(
            "The quadratic window of the sweep chosen above: drag it or its edges to refit"
        )
        self.region.setVisible(False)
        self.region.sigRegionChangeFinished.connect(self._drag)
        self.slope.addItem(self.region)
        self.sweep = QComboBox()
        self.sweep.setToolTip("Whose quadratic window is shown, and dragged in the slope plot")
        self.sweep.addItem(_NEWEST)
        self.sweep.setMaximumWidth(170)
        self.sweep.currentTextChanged.connect(self._show_window)
        self.rule = QPushButton("by the rule")
        self.rule.setToolTip("Give the window back to the rule")
        self.rule.clicked.connect(self._give_back)
        self.words = PlainLabel("no quadratic window yet")
        self.words.setWordWrap(True)
        self.slope.legend.setVisible(False)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.plot)
        splitter.addWidget(self.slope)
        splitter.setSizes([300, 170])
        controls = QHBoxLayout()
        controls.addWidget(PlainLabel("show"))
        controls.addWidget(self.quantity)
        signs = ElidedLabel("○ up   △ down   ✕ flagged   dashed: quadratic law   dotted: noise floor")
        controls.addWidget(signs, stretch=1)
        controls.addWidget(PlainLabel("window of"))
        controls.addWidget(self.sweep)
        controls.addWidget(self.rule)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.addLayout(controls)
        layout.addWidget(splitter, stretch=1)
        layout.addWidget(self.words)

    def show_traces(self, traces: Sequence[JVTrace]) -> None:
        """Draw the newest sweeps."""
        self._traces = traces
        keep: set[str] = set()
        for trace in traces:
            keep |= self._draw(trace, series_colour(trace.number))
        self.plot.forget(keep)
        self.slope.forget(keep)
        self._list_sweeps()
        self._show_window()

    def _list_sweeps(self) -> None:
        names = [_NEWEST, *(trace.run for trace in self._traces if trace.fit is not None)]
        if names == [self.sweep.itemText(index) for index in range(self.sweep.count())]:
            return
        chosen = self.sweep.currentText()
        with QSignalBlocker(self.sweep):
            self.sweep.clear()
            self.sweep.addItems(names)
            self.sweep.setCurrentIndex(max(self.sweep.findText(chosen), 0))

    def _chosen(self) -> JVTrace | None:
        """The sweep whose window is shown: the one chosen, else the newest that has one."""
        fitted = [trace for trace in self._traces if trace.fit is not None]
        named = [trace for trace in fitted if trace.run == self.sweep.currentText()]
        windowed = [trace for trace in fitted if trace.fit is not None and trace.fit.window is not None]
        candidates = named or windowed or fitted
        return candidates[-1] if candidates else None

    def _show_window(self) -> None:
        trace = self._chosen()
        fit = None if trace is None else trace.fit
        self.rule.setEnabled(trace is not None and trace.by_hand)
        self.region.setVisible(fit is not None and fit.window is not None)
        if trace is None or fit is None:
            self.words.setText("no quadratic window yet")
            return
        self.words.setText(f"{trace.label}: {_reason(trace, fit)}")
        self.words.setToolTip(fit.verdict.advice or "")
        if fit.window is not None and not self.region.moving:
            with QSignalBlocker(self.region):
                self.region.setRegion([math.log10(max(voltage, 1e-6)) for voltage in fit.window])

    def _drag(self) -> None:
        trace = self._chosen()
        if trace is not None:
            low, high = self.region.getRegion()
            self.window_chosen.emit(trace.run, (10**low, 10**high))

    def _give_back(self) -> None:
        trace = self._chosen()
        if trace is not None:
            self.window_chosen.emit(trace.run, None)

    def _choose(self, quantity: str) -> None:
        self.plot.setLabel("left", _QUANTITIES[quantity])
        self.show_traces(self._traces)

    def _scaled(self, trace: JVTrace, voltage: np.ndarray, current_density: np.ndarray) -> np.ndarray:
        shown = current_density / MILLIAMPERE_PER_SQUARE_CENTIMETRE
        if self.quantity.currentText() == "J L³":
            return shown * (trace.curve.thickness * 1e9) ** 3
        if self.quantity.currentText() == "J / V²":
            with np.errstate(divide="ignore", invalid="ignore"):
                return shown / voltage**2
        return shown

    def _draw(self, trace: JVTrace, colour: str) -> set[str]:
        curve = trace.curve
        shown = self._scaled(trace, curve.voltage, curve.current_density)
        keys = set()
        for word, mask, symbol in (
            ("up", ~trace.flagged & ~trace.back, "o"),
            ("down", ~trace.flagged & trace.back, "t1"),
            ("flagged", trace.flagged, "x"),
        ):
            if mask.any():
                key = f"{trace.run} {word}"
                label = trace.label if word == "up" else None
                self.plot.draw_points(
                    key, curve.voltage[mask], shown[mask], colour=colour, symbol=symbol, label=label
                )
                keys.add(key)
        if trace.law is not None:
            voltage, law = trace.law
            key = f"{trace.run} law"
            law = self._scaled(trace, voltage, law)
            self.plot.draw_points(key, voltage, law, colour=colour, symbol=None, line=True, dashed=True)
            keys.add(key)
        if trace.slope is not None and len(trace.slope.voltage):
            key = f"{trace.run} slope"
            self.slope.draw_points(
                key, trace.slope.voltage, trace.slope.slope, colour=colour, symbol=None, line=True
            )
            keys.add(key)
        if math.isfinite(trace.floor):
            key = f"{trace.run} floor"
            ends = np.array([max(float(curve.voltage.min()), 1e-3), float(curve.voltage.max())])
            level = self._scaled(trace, ends, np.full(2, trace.floor))
            self.plot.draw_points(key, ends, level, colour=colour, symbol=None, line=True, dotted=True)
            keys.add(key)
        return keys


def _reason(trace: JVTrace, fit: SpaceChargeFit) -> str:
    """Mobility, window and why it is that one, in a line."""
    if fit.window is None:
        return fit.why
    low, high = fit.window
    word = fit.verdict.word.replace("_", " ")
    who = "dragged here, recorded nowhere else" if trace.by_hand else fit.why
    return f"{low:.2g}-{high:.2g} V, μ(0) = {fit.zero_field_mobility} m²/Vs, {word}. {who}"
