"""J against V with the slope beside it: every sweep, its flagged points, its quadratic window and law."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from qdlab.gui.plots import Plot
from qdlab.gui.theme import series_colour
from qdlab.gui.widgets import PlainLabel
from qdlab.live.picture import JVTrace

MILLIAMPERE_PER_SQUARE_CENTIMETRE = 10.0

_QUANTITIES = {
    "J": "Current density J (mA cm⁻²)",
    "J L³": "J L³ (mA cm⁻² nm³)",
    "J / V²": "J/V² (mA cm⁻² V⁻²)",
}


class JVPanel(QWidget):
    """Draws the sweeps of a picture."""

    def __init__(self) -> None:
        super().__init__()
        self._traces: Sequence[JVTrace] = ()
        self.quantity = QComboBox()
        self.quantity.addItems(list(_QUANTITIES))
        self.quantity.setToolTip("What is drawn against voltage")
        self.quantity.currentTextChanged.connect(self._choose)
        self.plot = Plot(x="Voltage V (V)", y=_QUANTITIES["J"], log_x=True, log_y=True)
        self.slope = Plot(x="Voltage V (V)", y="Slope d ln J / d ln V", log_x=True)
        band = pyqtgraph.LinearRegionItem((1.8, 2.2), orientation="horizontal", movable=False)
        band.setZValue(-10)
        band.setToolTip("The quadratic band, 2 ± 0.2")
        self.slope.addItem(band)
        self.slope.setXLink(self.plot)
        self.slope.legend.setVisible(False)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.plot)
        splitter.addWidget(self.slope)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 1)
        controls = QHBoxLayout()
        controls.addWidget(PlainLabel("show"))
        controls.addWidget(self.quantity)
        controls.addWidget(PlainLabel("○ up   △ down   ✕ flagged   dashed: quadratic law"))
        controls.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.addLayout(controls)
        layout.addWidget(splitter, stretch=1)

    def show_traces(self, traces: Sequence[JVTrace]) -> None:
        """Draw the newest sweeps."""
        self._traces = traces
        keep: set[str] = set()
        for trace in traces:
            keep |= self._draw(trace, series_colour(trace.number))
        self.plot.forget(keep)
        self.slope.forget(keep)

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
        return keys
