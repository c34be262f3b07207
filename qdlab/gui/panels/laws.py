"""Mobility against E^½ and against 1/T, with bars, lines and what is still pending."""

import math
from collections.abc import Sequence

import numpy as np
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from analysis.estimate import Estimate
from qdlab.gui.plots import Plot
from qdlab.gui.theme import SERIES
from qdlab.live.picture import ArrheniusPicture, FieldPicture

VOLT_PER_CENTIMETRE = 100.0


class FieldPanel(QWidget):
    """Draws transit mobility (log) against the root of the field; hollow crosses are not to be trusted."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot(x="E^½ ((V/cm)^½)", y="Transit mobility (m² V⁻¹ s⁻¹)", log_y=True)
        _fill(self, self.plot)

    def show_field(self, picture: FieldPicture | None) -> None:
        """Draw the points and the Poole-Frenkel line."""
        keep: set[str] = set()
        if picture is not None:
            root = picture.root_field / math.sqrt(VOLT_PER_CENTIMETRE)
            value = np.array([one.value for one in picture.mobility])
            for word, mask, symbol in (("good", picture.good, "o"), ("not good", ~picture.good, "x")):
                self.plot.draw_points(
                    word, root[mask], value[mask], colour=SERIES[0], symbol=symbol, label=word
                )
                keep.add(word)
            _draw_bars(self.plot, root, picture.mobility, keep)
            if picture.line is not None:
                x, y = picture.line
                x = x / math.sqrt(VOLT_PER_CENTIMETRE)
                self.plot.draw_points("line", x, y, colour=SERIES[7], symbol=None, line=True, dashed=True)
                keep.add("line")
        self.plot.forget(keep)


class ArrheniusPanel(QWidget):
    """Draws zero-field mobility (log) against 1000/T; temperatures still to come are hollow squares below."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot(x="1000/T (1/K)", y="Mobility μ(0) (m² V⁻¹ s⁻¹)", log_y=True)
        _fill(self, self.plot)

    def show_arrhenius(self, picture: ArrheniusPicture | None) -> None:
        """Draw the points, the Arrhenius line and the pending set points."""
        keep: set[str] = set()
        if picture is not None:
            value = np.array([one.value for one in picture.mobility])
            self.plot.draw_points(
                "measured", picture.inverse_temperature, value, colour=SERIES[0], label="measured"
            )
            keep.add("measured")
            _draw_bars(self.plot, picture.inverse_temperature, picture.mobility, keep)
            if picture.line is not None:
                self.plot.draw_points(
                    "line",
                    *picture.line,
                    colour=SERIES[7],
                    symbol=None,
                    line=True,
                    dashed=True,
                    label="Arrhenius",
                )
                keep.add("line")
            if len(picture.pending):
                level = float(value.min()) if len(value) else 1e-12
                self.plot.draw_points(
                    "pending",
                    picture.pending,
                    np.full(len(picture.pending), level),
                    colour=SERIES[4],
                    symbol="s",
                    label="pending",
                )
                keep.add("pending")
        self.plot.forget(keep)


def _draw_bars(plot: Plot, x: np.ndarray, estimates: Sequence[Estimate], keep: set[str]) -> None:
    """A vertical line of two standard errors either way through every point that has one."""
    value = np.array([one.value for one in estimates])
    error = np.array([np.nan if one.standard_error is None else one.standard_error for one in estimates])
    known = np.isfinite(value) & np.isfinite(error)
    low = np.maximum(value - 2 * error, value / 100)
    plot.draw_bars("bars", x[known], low[known], (value + 2 * error)[known], colour=SERIES[0])
    keep.add("bars")


def _fill(panel: QWidget, plot: Plot) -> None:
    layout = QVBoxLayout(panel)
    layout.setContentsMargins(4, 2, 4, 2)
    layout.addWidget(plot)
