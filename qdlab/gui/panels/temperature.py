"""The temperature strip: set point, stage and sample against time."""

from PyQt6.QtWidgets import QVBoxLayout, QWidget

from qdlab.gui.plots import Plot
from qdlab.gui.theme import series_colour
from qdlab.gui.widgets import PlainLabel
from qdlab.live.temperature import TemperatureScreen


class TemperaturePanel(QWidget):
    """Draws a `TemperatureScreen`."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot(x="Time (min)", y="Temperature (K)", legend="below")
        self.words = PlainLabel("no temperature yet")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.words)
        layout.addWidget(self.plot)

    def show_screen(self, screen: TemperatureScreen) -> None:
        """Draw the telemetry so far."""
        time, *temperatures = screen.arrays()
        for index, (name, values) in enumerate(zip(("set", "stage", "sample"), temperatures, strict=True)):
            self.plot.draw_points(
                name,
                time / 60,
                values,
                colour=series_colour(index),
                symbol=None,
                line=True,
                dashed=name == "set",
                label=name,
            )
        self.words.setText(screen.status)
