"""Light current against pulse width, one series per amplitude, with lines down to the delay time."""

import math

from PyQt6.QtWidgets import QVBoxLayout, QWidget

from qdlab.gui.plots import Plot
from qdlab.gui.theme import series_colour
from qdlab.live.tel import TELScreen

NANOAMPERE = 1e-9
MICROSECOND = 1e-6


class TELPanel(QWidget):
    """Draws a `TELScreen`."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot(x="Pulse width τ_pulse (µs)", y="Light current I_out (nA)")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)

    def show_screen(self, screen: TELScreen) -> None:
        """Draw the newest run's series: circles are used, crosses are not."""
        keep: set[str] = set()
        if screen.runs:
            newest = screen.runs[-1]
            fits = {series.pulse_amplitude: fit for series, fit in screen.fits_of(newest)}
            for index, series in enumerate(newest.series()):
                colour = series_colour(index)
                fit = fits.get(series.pulse_amplitude)
                width, light = series.pulse_width / MICROSECOND, series.light_current / NANOAMPERE
                used = fit.used if fit is not None else [False] * len(series)
                for mask, symbol, word in (
                    (used, "o", "used"),
                    ([not one for one in used], "x", "not used"),
                ):
                    key = f"{series.label} {word}"
                    label = series.label if word == "used" else None
                    self.plot.draw_points(
                        key, width[mask], light[mask], colour=colour, symbol=symbol, label=label
                    )
                    keep.add(key)
                if fit is not None and math.isfinite(fit.delay_time.value) and any(used):
                    start, end = fit.delay_time.value, float(series.pulse_width[used].max())
                    key = f"{series.label} line"
                    line = [0.0, fit.slope.value * (end - start) / NANOAMPERE]
                    x = [start / MICROSECOND, end / MICROSECOND]
                    self.plot.draw_points(key, x, line, colour=colour, symbol=None, line=True)
                    keep.add(key)
        self.plot.forget(keep)
