"""J against V, log-log, every sweep of the session, with the quadratic law of the newest fitted one."""

import numpy as np
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from analysis.space_charge import mott_gurney_current_density
from qdlab.gui.plots import Plot
from qdlab.gui.theme import series_colour
from qdlab.live.jv import JVRun, JVScreen

SHOWN_RUNS = 12


class JVPanel(QWidget):
    """Draws a `JVScreen`."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot(x="Voltage V (V)", y="Current density J (mA cm⁻²)", log_x=True, log_y=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)

    def show_screen(self, screen: JVScreen) -> None:
        """Draw the newest sweeps; flagged points are crosses."""
        keep: set[str] = set()
        first = max(0, len(screen.runs) - SHOWN_RUNS)
        for index, run in enumerate(screen.runs[first:], start=first):
            keep |= self._draw_run(run, screen, series_colour(index))
        self.plot.forget(keep)

    def _draw_run(self, run: JVRun, screen: JVScreen, colour: str) -> set[str]:
        curve = run.curve(screen.devices[run.started.device])
        if curve is None:
            return set()
        name = run.started.run
        current_density = curve.current_density / 10
        flagged = np.array([bool(words - {"down"}) for words in curve.flags])
        self.plot.draw_points(
            name,
            curve.voltage[~flagged],
            current_density[~flagged],
            colour=colour,
            label=f"{curve.temperature:.0f} K",
        )
        keys = {name}
        if flagged.any():
            key = f"{name} flagged"
            self.plot.draw_points(
                key, curve.voltage[flagged], current_density[flagged], colour=colour, symbol="x"
            )
            keys.add(key)
        if run.fit is not None and run.fit.window is not None:
            voltage = np.geomspace(*run.fit.window, 20)
            law = mott_gurney_current_density(
                voltage,
                run.fit.zero_field_mobility.value,
                curve.thickness,
                curve.relative_permittivity or 1.0,
            )
            key = f"{name} quadratic"
            self.plot.draw_points(key, voltage, law / 10, colour=colour, symbol=None, line=True)
            keys.add(key)
        return keys
