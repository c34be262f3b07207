"""The temperature strip: set point with its band, stage, sample and heater against time."""

import numpy as np
import pyqtgraph
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from qdlab.gui.plots import Dash, Plot, Style
from qdlab.gui.theme import Theme, series_colour
from qdlab.gui.widgets import ElidedLabel, PlainLabel
from qdlab.live.temperature import TemperatureScreen

LAST_MINUTES = 20.0
STATE_WIDTH = 76  # [pixel]; for the longest word, so that the line does not jump
SHOWN_BANDS = 5  # tolerances either way around the set point
_VIEWS = ("all along", "last 20 min", "off the set point")
_LINES = ("set", "stage", "sample")


class TemperaturePanel(QWidget):
    """Draws a `TemperatureScreen`; the lines are named above the plot, where they cover nothing."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._screen = TemperatureScreen()
        self.state = PlainLabel("no reading")
        self.state.setMinimumWidth(STATE_WIDTH)
        self.words = ElidedLabel("no temperature yet")
        self.view = QComboBox()
        self.view.addItems(_VIEWS)
        self.view.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.view.setMinimumContentsLength(9)
        self.view.setAccessibleName("Part of the session shown")
        self.view.setToolTip("The whole session, its end, or how far stage and sample are from the set point")
        self.view.currentTextChanged.connect(self._choose_view)
        self.plot = Plot(x="Time in the session (min)", y="T (K)")
        self.plot.legend.setVisible(False)
        self.plot.setToolTip("Against time in the session (min); the heater's axis is the right one (%)")
        self.plot.getAxis("bottom").showLabel(False)
        self.lines = QLabel(self._title())
        self.lines.setStyleSheet("font-size: 8pt;")
        self.lines.setMinimumWidth(0)
        self.lines.setToolTip("The lines of the plot, and what they are drawn against")
        self._make_heater_axis()
        self.band = pyqtgraph.FillBetweenItem(
            pyqtgraph.PlotCurveItem(), pyqtgraph.PlotCurveItem(), brush=pyqtgraph.mkBrush(theme.muted)
        )
        self.band.setOpacity(0.25)
        self.plot.addItem(self.band)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 0, 2, 0)
        layout.setSpacing(2)
        layout.addLayout(self._head())
        layout.addLayout(self._above_plot())
        layout.addWidget(self.plot, stretch=1)

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.state)
        head.addWidget(self.words, stretch=1)
        return head

    def _above_plot(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.addWidget(self.lines, stretch=1)
        line.addWidget(self.view)
        return line

    def _title(self) -> str:
        """The lines by name and colour, and what they are drawn against; no text from a file."""
        colours = [series_colour(index, self._theme) for index in range(len(_LINES))]
        lines = [
            f"<span style='color:{colour}'>{name}</span>"
            for name, colour in zip(_LINES, colours, strict=True)
        ]
        heater = f"<span style='color:{self._theme.muted}'>heater (%)</span>"
        return ", ".join([f"┅ {lines[0]}", *lines[1:], heater]) + "; t (min)"

    def _make_heater_axis(self) -> None:
        """Per cent on the right, in a view of its own that follows the time axis."""
        item = self.plot.plotItem
        item.showAxis("right")
        right = item.getAxis("right")
        right.setPen(pyqtgraph.mkPen(self._theme.muted))
        self._heater_view = pyqtgraph.ViewBox(enableMenu=False)
        self._heater_view.setMouseEnabled(x=False, y=False)
        self._heater_view.setYRange(0, 100, padding=0.02)
        item.scene().addItem(self._heater_view)
        right.linkToView(self._heater_view)
        self._heater_view.setXLink(item.vb)
        item.vb.sigResized.connect(lambda: self._heater_view.setGeometry(item.vb.sceneBoundingRect()))
        self.heater = pyqtgraph.PlotDataItem(pen=pyqtgraph.mkPen(self._theme.muted, width=1.0))
        self.heater.setDownsampling(auto=True, method="peak")
        self._heater_view.addItem(self.heater)

    def show_screen(self, screen: TemperatureScreen) -> None:
        """Draw the telemetry so far."""
        if screen is self._screen:
            return
        self._screen = screen
        self._draw(screen)

    def _choose_view(self) -> None:
        """All temperatures to be seen again; what a person zooms into afterwards stays."""
        self.plot.enableAutoRange(y=True)
        self._draw(self._screen)

    def _draw(self, screen: TemperatureScreen) -> None:
        time, setpoint, stage, sample, heater = screen.strip.columns()
        minutes = time / 60
        relative = self.view.currentText() == _VIEWS[2]
        if self.view.currentText() == _VIEWS[1] and len(minutes):
            recent = minutes >= minutes[-1] - LAST_MINUTES
            minutes, setpoint, stage, sample, heater = (
                values[recent] for values in (minutes, setpoint, stage, sample, heater)
            )
        zero = setpoint if relative else np.zeros(len(setpoint))
        for index, (name, values) in enumerate(zip(_LINES, (setpoint, stage, sample), strict=True)):
            dash: Dash = "dashed" if name == "set" else "solid"
            style = Style(colour=series_colour(index, self._theme), symbol=None, line=True, dash=dash)
            self.plot.draw_points(name, minutes, values - zero, style)
        half = screen.rule.tolerance
        self.band.setCurves(
            pyqtgraph.PlotCurveItem(minutes, setpoint - zero - half),
            pyqtgraph.PlotCurveItem(minutes, setpoint - zero + half),
        )
        self.heater.setData(minutes, 100 * heater)
        self.plot.title_axis("left", "T - set (K)" if relative else "T (K)")
        if relative:
            self.plot.setYRange(-SHOWN_BANDS * half, SHOWN_BANDS * half)
        self._tell(screen)

    def _tell(self, screen: TemperatureScreen) -> None:
        colour = {"STABLE": self._theme.good, "LOST": self._theme.alarm, "no reading": self._theme.muted}
        self.state.setText(screen.state)
        self.state.setStyleSheet(f"color: {colour.get(screen.state, self._theme.active)}; font-weight: bold;")
        self.words.setText(screen.words)
