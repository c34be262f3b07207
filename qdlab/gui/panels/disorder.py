"""The disorder model over all temperatures: curves, residuals, parameters in their three columns, verdict."""

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHeaderView, QSplitter, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from qdlab.gui.plots import Plot
from qdlab.gui.theme import series_colour
from qdlab.gui.widgets import PlainLabel
from qdlab.live.picture import DisorderPicture

_HEADINGS = ("parameter", "value", "systematic", "model range", "verdict")


class DisorderPanel(QWidget):
    """Draws the newest disorder fit."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot(x="Voltage V (V)", y="J (mA cm⁻²)", log_x=True, log_y=True, legend="below")
        self.residuals = Plot(x="Voltage V (V)", y="J/J_EGDM - 1 (%)", log_x=True)
        self.residuals.legend.setVisible(False)
        self.words = PlainLabel("no fit yet: it needs curves at two temperatures")
        self.words.setWordWrap(True)
        self.table = QTableWidget(0, len(_HEADINGS))
        self.table.setHorizontalHeaderLabels(list(_HEADINGS))
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        rows, columns = self.table.verticalHeader(), self.table.horizontalHeader()
        assert rows is not None and columns is not None
        rows.setVisible(False)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        plots = QSplitter(Qt.Orientation.Horizontal)
        plots.addWidget(self.plot)
        plots.addWidget(self.residuals)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.addWidget(plots, stretch=1)
        layout.addWidget(self.words)
        layout.addWidget(self.table)
        self.table.setMaximumHeight(130)
        self._shown: DisorderPicture | None = None

    def show_disorder(self, picture: DisorderPicture | None) -> None:
        """Draw curves and table; nothing is done for a fit already shown."""
        if picture is None or picture is self._shown:
            return
        self._shown = picture
        keep: set[str] = set()
        for index, (curve, model, residual) in enumerate(
            zip(picture.curves, picture.models, picture.residuals, strict=True)
        ):
            colour = series_colour(index)
            label = f"{curve.temperature:.0f} K"
            measured, line = f"{index} measured", f"{index} model"
            self.plot.draw_points(
                measured, curve.voltage, curve.current_density / 10, colour=colour, label=label
            )
            self.plot.draw_points(line, model[0], model[1] / 10, colour=colour, symbol=None, line=True)
            self.residuals.draw_points(measured, *residual, colour=colour, symbol=None, line=True)
            keep |= {measured, line}
        self.plot.forget(keep)
        self.residuals.forget(keep)
        self.words.setText(f"{picture.device}: {picture.verdict}")
        self.table.setRowCount(len(picture.parameters))
        for number, row in enumerate(picture.parameters):
            cells = (row.name, row.value, row.systematic, row.model_range, row.verdict)
            for column, text in enumerate(cells):
                self.table.setItem(number, column, QTableWidgetItem(text))
