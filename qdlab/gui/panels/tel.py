"""Light current against pulse width, one series per amplitude, with lines down to the delay time."""

from collections.abc import Sequence

from PyQt6.QtWidgets import QVBoxLayout, QWidget

from qdlab.gui.plots import Plot
from qdlab.gui.theme import series_colour
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
        layout.addWidget(self.plot)

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
        self.plot.forget(keep)
