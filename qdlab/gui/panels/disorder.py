"""The disorder model over all temperatures: parameters, correlations, curves, map of residuals."""

import numpy as np
import pyqtgraph
from PyQt6.QtCore import QRectF, QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from qdlab.gui.plots import Plot, Style
from qdlab.gui.theme import Theme, temperature_colour
from qdlab.gui.widgets import PlainLabel, plain_tip
from qdlab.live.pictures.disorder import Correlations, DisorderPicture, ParameterRow, ResidualMap

_HEADINGS = {
    "": "Parameter and its unit",
    "value": "With the statistical standard error of the last digits in brackets",
    "syst.": "Standard error from area, thickness, permittivity and temperature, common to all curves",
    "models": "Lowest and highest value under the other models tried",
    "verdict": "Of the parameter, or of the whole fit where that is worse",
}
_STRONG = 0.95  # correlations from here on are named
_NOTHING = "no fit yet: it needs curves at two temperatures"


class DisorderPanel(QWidget):
    """Draws the newest disorder fit, and says while another one is made, which can be cancelled."""

    given_up = pyqtSignal()
    wanted_again = pyqtSignal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._pictures: tuple[DisorderPicture, ...] = ()
        self._shown: DisorderPicture | None = None
        self.device = QComboBox()
        self.device.setToolTip("Whose fit is shown")
        self.device.setAccessibleName("Device whose fit is shown")
        self.device.currentTextChanged.connect(self._show_chosen)
        self.device.hide()
        self.words = PlainLabel(_NOTHING)
        self.words.setWordWrap(True)
        self.busy = PlainLabel("")
        self.busy.setStyleSheet(f"color: {theme.active};")
        self.busy.setWordWrap(True)
        self.give_up = QPushButton("Cancel the fit")
        self.give_up.setToolTip("The fit before this one stays; the next curve brings the next fit")
        self.give_up.clicked.connect(self.given_up)
        self.again = QPushButton("Fit again")
        self.again.setToolTip("Make the fit once more that failed or was cancelled")
        self.again.clicked.connect(self.wanted_again)
        for widget in (self.busy, self.give_up, self.again):
            widget.hide()
        self.plot = Plot(x="Voltage V (V)", y="J (mA cm⁻²)", log_x=True, log_y=True, legend="below")
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.table = _table(tuple(_HEADINGS))
        rows, columns = self.table.verticalHeader(), self.table.horizontalHeader()
        assert rows is not None and columns is not None
        rows.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        # the verdict has the room that is left, in as many lines as it needs
        for narrow in range(len(_HEADINGS) - 1):
            columns.setSectionResizeMode(narrow, QHeaderView.ResizeMode.ResizeToContents)
        for column, tip in enumerate(_HEADINGS.values()):
            heading = self.table.horizontalHeaderItem(column)
            assert heading is not None
            heading.setToolTip(tip)
        self.table.setAccessibleName("Parameters of the disorder model")
        self.table.setToolTip("Parameters of the disorder model, each with its errors and its verdict")
        self.correlations = _table(())
        self.correlations.setAccessibleName("Correlations of the parameters")
        self.correlations.setToolTip(
            "Of the statistical errors, -1 to 1; at either end the two cannot be told apart"
        )
        self.correlation_words = PlainLabel("")
        self.correlation_words.setWordWrap(True)
        self.tabs.addTab(self._parameter_page(), "Parameters")
        self.tabs.addTab(self.plot, "Curves")
        self.tabs.addTab(self._map_page(), "Residual map")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.setSpacing(2)
        layout.addWidget(self.device)
        going = QHBoxLayout()
        going.addWidget(self.busy, stretch=1)
        going.addWidget(self.give_up)
        going.addWidget(self.again)
        layout.addLayout(going)
        layout.addWidget(self.tabs, stretch=1)
        layout.addWidget(self.words)

    def _parameter_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.addWidget(self.table, stretch=3)
        layout.addWidget(PlainLabel("Correlations of the statistical errors (1)"))
        layout.addWidget(self.correlations, stretch=3)
        layout.addWidget(self.correlation_words)
        return page

    def _map_page(self) -> QWidget:
        self.map = Plot(x="Voltage V (V)", y="Sweeps by temperature", log_x=True)
        self.map.legend.setVisible(False)
        self.map.getAxis("left").setGrid(False)
        self.image = pyqtgraph.ImageItem(axisOrder="row-major")
        self.map.addItem(self.image)
        self.scale = pyqtgraph.ColorBarItem(
            values=(-1.0, 1.0),
            colorMap=pyqtgraph.colormap.get("CET-CBD1"),
            label="J/J_EGDM - 1 (%)",
            interactive=False,
        )
        self.scale.setImageItem(self.image, insert_in=self.map.plotItem)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.map)
        return page

    def show_disorder(
        self, pictures: tuple[DisorderPicture, ...], fitting: str = "", *, is_failure: bool = False
    ) -> None:
        """Show one device's fit; nothing is drawn anew for a fit already shown.

        Parameters
        ----------
        pictures : one of each device with a fit
        fitting : what the fitting is at, in words
        is_failure : it is at nothing, and these words say why
        """
        self.busy.setVisible(bool(fitting))
        self.give_up.setVisible(bool(fitting) and not is_failure)
        self.again.setVisible(is_failure)
        self.busy.setText(fitting)
        self._pictures = pictures
        devices = [picture.device for picture in pictures]
        if devices != [self.device.itemText(index) for index in range(self.device.count())]:
            chosen = self.device.currentText()
            with QSignalBlocker(self.device):
                self.device.clear()
                self.device.addItems(devices)
                self.device.setCurrentIndex(max(self.device.findText(chosen), 0))
        self.device.setVisible(len(devices) > 1)
        self._show_chosen()

    def _show_chosen(self) -> None:
        """Draw curves, map and tables of the device chosen."""
        device = self.device.currentText()
        picture = next((one for one in self._pictures if one.device == device), None)
        if picture is self._shown:
            return
        self._shown = picture
        self._draw_curves(picture)
        self._draw_map(None if picture is None else picture.residuals)
        self._fill_parameters(() if picture is None else picture.parameters)
        if picture is None:
            self.words.setText(_NOTHING)
            return
        self._fill_correlations(picture.correlations)
        self.words.setText(picture.words)

    def _draw_curves(self, picture: DisorderPicture | None) -> None:
        keep: set[str] = set()
        curves = () if picture is None else picture.curves
        temperatures = [curve.temperature for curve in curves]
        low, high = min(temperatures, default=0.0), max(temperatures, default=0.0)
        named: set[str] = set()  # curves at one temperature have one colour, and one line of the legend
        for index, curve in enumerate(curves):
            assert picture is not None
            colour = temperature_colour(curve.temperature, low, high, self._theme)
            label = f"{curve.temperature:.0f} K"
            out = picture.left_out[index]
            shown = curve.current_density / 10
            parts = {
                "measured": (~out, Style(colour=colour, label=None if label in named else label)),
                "left out": (out, Style(colour=colour, symbol="x")),
            }
            named.add(label)
            for word, (mask, style) in parts.items():
                key = f"{index} {word}"
                hint = f"{label}, {word}"
                self.plot.draw_points(key, curve.voltage[mask], shown[mask], style, hint=hint)
                keep.add(key)
            key = f"{index} model"
            voltage, model = picture.models[index]
            style = Style(colour=self._theme.text, symbol=None, line=True, width=1.2, on_top=True)
            self.plot.draw_points(key, voltage, model / 10, style)
            keep.add(key)
        self.plot.forget(keep)

    def _draw_map(self, residuals: ResidualMap | None) -> None:
        self.image.setVisible(residuals is not None)
        if residuals is None:
            return
        edges, rows = residuals.log_voltage, len(residuals.labels)
        self.image.setImage(residuals.percent, autoLevels=False)
        self.image.setRect(QRectF(edges[0], 0.0, edges[-1] - edges[0], rows))
        reach = 1.08 * residuals.largest  # so that the last label of the scale is not cut
        self.scale.setLevels((-reach, reach))
        ticks = [(number + 0.5, label) for number, label in enumerate(residuals.labels)]
        self.map.getAxis("left").setTicks([ticks])
        self.map.plotItem.setYRange(0, rows, padding=0)
        self.map.plotItem.setXRange(edges[0], edges[-1], padding=0.01)

    def _fill_parameters(self, rows: tuple[ParameterRow, ...]) -> None:
        self.table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            cells = (row.name, row.value, row.systematic, row.model_range, row.verdict)
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip(plain_tip(row.advice or text))
                self.table.setItem(number, column, item)

    def _fill_correlations(self, found: Correlations) -> None:
        names, matrix = found.names, found.matrix
        self.correlations.setRowCount(len(names))
        self.correlations.setColumnCount(len(names))
        self.correlations.setHorizontalHeaderLabels(list(names))
        self.correlations.setVerticalHeaderLabels(list(names))
        rows = self.correlations.verticalHeader()
        assert rows is not None
        rows.setVisible(True)
        strong = []
        for row, column in np.ndindex(matrix.shape):
            value = float(matrix[row, column])
            item = QTableWidgetItem(f"{value:+.3f}" if row != column else "1")
            item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
            if row < column and abs(value) >= _STRONG:
                strong.append(f"{names[row]} and {names[column]}")
            if row != column and abs(value) >= _STRONG:
                item.setForeground(QColor(self._theme.active))
            self.correlations.setItem(row, column, item)
        told = f"Hardly told apart: {', '.join(strong)}." if strong else "No two are strongly correlated."
        self.correlation_words.setText(told)


def _table(headings: tuple[str, ...]) -> QTableWidget:
    table = QTableWidget(0, len(headings))
    table.setHorizontalHeaderLabels(list(headings))
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    rows, columns = table.verticalHeader(), table.horizontalHeader()
    assert rows is not None and columns is not None
    rows.setVisible(False)
    rows.setDefaultSectionSize(22)
    columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    return table
