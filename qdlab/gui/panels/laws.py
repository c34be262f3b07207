"""Mobility against E^½ and against 1/T, with bars, lines and what is still pending."""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from PyQt6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from analysis.estimate import Estimate
from qdlab.gui.plots import WIDE_AXIS, Dash, Plot, Style
from qdlab.gui.theme import Theme, series_colour
from qdlab.gui.widgets import PlainLabel
from qdlab.live.pictures.laws import (
    PER_SI,
    ArrheniusPicture,
    ArrheniusSeries,
    FieldPicture,
    FieldSeries,
    MobilityUnit,
)

VOLT_PER_CENTIMETRE = 100.0
_AXIS_UNITS: dict[MobilityUnit, str] = {"m²/Vs": "m² V⁻¹ s⁻¹", "cm²/Vs": "cm² V⁻¹ s⁻¹"}
_FIELD_UNITS = {"V/cm": math.sqrt(VOLT_PER_CENTIMETRE), "V/m": 1.0}
_FIELD_SYMBOLS = ("o", "s")
_DEVICE_SYMBOLS = ("o", "s", "d", "p", "star", "h")
_LAW_STYLES: dict[str, tuple[Dash, str]] = {
    "Arrhenius": ("dashed", "Arrhenius, exp(-Δ/kT)"),
    "Gaussian disorder": ("dotted", "Gaussian disorder, exp(-(2σ/3kT)²)"),
}


class FieldPanel(QWidget):
    """Draws transit mobility (log) against the root of the field; crosses rest on a doubtful delay time."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.plot = Plot(x="E^½ ((V/cm)^½)", y="Mobility μ (m² V⁻¹ s⁻¹)", log_y=True, axis_width=WIDE_AXIS)
        self.unit = _choice(_AXIS_UNITS, "Unit of the mobility", self._choose_units)
        self.field_unit = _choice(_FIELD_UNITS, "Unit of the field", self._choose_units)
        self.printed = QCheckBox("plain V too, as eq. 3 is printed")
        self.printed.setToolTip("The paper's eq. 3 has V where its numbers need V - V_bi; both are drawn")
        self.printed.setChecked(True)
        self.printed.toggled.connect(self._redraw)
        self.words = _words("no delay time yet")
        self._picture: FieldPicture | None = None
        _fill(self, self.plot, self.words, [self.printed], [self.field_unit, self.unit])

    def show_field(self, picture: FieldPicture | None) -> None:
        """Draw the points of both readings, the Poole-Frenkel line, and a film's mobility beside them."""
        if picture is self._picture:
            return
        self._picture = picture
        self._redraw()

    def _choose_units(self) -> None:
        """Draw in other units; the axes are scaled to them."""
        self.plot.title_axis("left", f"Mobility μ ({_AXIS_UNITS[_unit(self.unit)]})")
        self.plot.title_axis("bottom", f"E^½ (({self.field_unit.currentText()})^½)")
        self.plot.enableAutoRange()
        self._redraw()

    def _shown(self, root: np.ndarray, mobility: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Root of the field and mobility in the units chosen."""
        return root / _FIELD_UNITS[self.field_unit.currentText()], mobility * PER_SI[_unit(self.unit)]

    def _redraw(self) -> None:
        keep: set[str] = set()
        series = () if self._picture is None else self._picture.series
        for index, one in enumerate(series):
            if not one.printed or self.printed.isChecked():
                keep |= self._draw(one, series_colour(index, self._theme), _FIELD_SYMBOLS[one.printed])
        film = None if self._picture is None else self._picture.space_charge
        if film is not None:
            label, (root, mobility) = film
            style = Style(colour=self._theme.muted, symbol=None, line=True, dash="dotted", label=label)
            self.plot.draw_points("film", *self._shown(root, mobility), style)
            keep.add("film")
        self.plot.forget(keep)
        self.printed.setEnabled(any(one.printed for one in series))
        picture = self._picture
        self.words.setText(picture.words[_unit(self.unit)] if picture else "no delay time yet")

    def _draw(self, series: FieldSeries, colour: str, symbol: str) -> set[str]:
        unit = _unit(self.unit)
        root, value = self._shown(series.root_field, np.array([one.value for one in series.mobility]))
        keys = set()
        for word, mask, sign in (("good", series.good, symbol), ("doubtful", ~series.good, "x")):
            if mask.any():
                key = f"{series.label} {word}"
                label = series.label if word == "good" or not series.good.any() else None
                style = Style(colour=colour, symbol=sign, filled=sign == "o", label=label)
                hint = f"{series.label}, {word}"
                self.plot.draw_points(key, root[mask], value[mask], style, hint=hint)
                keys.add(key)
        _draw_bars(self.plot, f"{series.label} bars", root, series.mobility, colour, unit)
        keys.add(f"{series.label} bars")
        if series.line is not None:
            key = f"{series.label} line"
            style = Style(colour=colour, symbol=None, line=True, dash="dashed", width=1.2)
            self.plot.draw_points(key, *self._shown(*series.line), style)
            keys.add(key)
        return keys


class ArrheniusPanel(QWidget):
    """Draws zero-field mobility (log) against 1000/T; crosses are doubtful, temperatures to come hollow."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.plot = Plot(
            x="1000/T (1/K)",
            y="Mobility μ(0) (m² V⁻¹ s⁻¹)",
            log_y=True,
            legend="below left",
            axis_width=WIDE_AXIS,
        )
        self.gaussian = QCheckBox("Gaussian law too")
        self.gaussian.setToolTip("μ* exp(-(2σ/3kT)²) beside μ∞ exp(-Δ/kT)")
        self.gaussian.setChecked(True)
        self.gaussian.toggled.connect(self._redraw)
        self.words = _words("no mobility yet")
        self._picture: ArrheniusPicture | None = None
        self.unit = _choice(_AXIS_UNITS, "Unit of the mobility", self._choose_unit)
        _fill(self, self.plot, self.words, [self.gaussian], [self.unit])

    def show_arrhenius(self, picture: ArrheniusPicture | None) -> None:
        """Draw the points, both laws and the pending set points."""
        if picture is self._picture:
            return
        self._picture = picture
        self._redraw()

    def _choose_unit(self) -> None:
        """Draw in another unit; the axis is scaled to it."""
        self.plot.title_axis("left", f"Mobility μ(0) ({_AXIS_UNITS[_unit(self.unit)]})")
        self.plot.enableAutoRange()
        self._redraw()

    def _redraw(self) -> None:
        picture = self._picture
        unit = _unit(self.unit)
        keep: set[str] = set()
        for index, one in enumerate(() if picture is None else picture.series):
            keep |= self._draw(
                one, series_colour(index, self._theme), _DEVICE_SYMBOLS[index % len(_DEVICE_SYMBOLS)]
            )
        if picture is not None and len(picture.pending):
            level = _where_pending(picture) * PER_SI[unit]
            style = Style(colour=self._theme.muted, symbol="s", label="pending: planned, not measured yet")
            self.plot.draw_points(
                "pending", picture.pending, level, style, hint="pending, height means nothing"
            )
            keep.add("pending")
        self.plot.forget(keep)
        self.words.setText("no mobility yet" if picture is None else picture.words[unit])

    def _draw(self, series: ArrheniusSeries, colour: str, symbol: str) -> set[str]:
        unit = _unit(self.unit)
        value = np.array([one.value for one in series.mobility]) * PER_SI[unit]
        keys = set()
        for word, mask, sign in (("good", series.good, symbol), ("doubtful", ~series.good, "x")):
            if mask.any():
                key = f"{series.device} {word}"
                label = series.device if word == "good" or not series.good.any() else None
                style = Style(colour=colour, symbol=sign, filled=True, label=label)
                hints = list(itertools.compress(series.hints, mask))
                self.plot.draw_points(key, series.inverse_temperature[mask], value[mask], style, hint=hints)
                keys.add(key)
        key = f"{series.device} bars"
        _draw_bars(self.plot, key, series.inverse_temperature, series.mobility, colour, unit)
        keys.add(key)
        for law, line in series.lines.items():
            if law == "Arrhenius" or self.gaussian.isChecked():
                dash, label = _LAW_STYLES[law]
                key = f"{series.device} {law}"
                style = Style(colour=colour, symbol=None, line=True, dash=dash, width=1.2, label=label)
                self.plot.draw_points(key, line[0], line[1] * PER_SI[unit], style)
                keys.add(key)
        return keys


def _where_pending(picture: ArrheniusPicture) -> np.ndarray:
    """Heights for temperatures without a mobility: on the Arrhenius line, else at the lowest point."""
    for series in picture.series:
        if series.fit is not None:
            return series.fit.at(1000 / picture.pending)
    known = [one.value for series in picture.series for one in series.mobility]
    return np.full(len(picture.pending), min(known, default=1e-11))


def _draw_bars(
    plot: Plot, key: str, x: np.ndarray, mobility: Sequence[Estimate], colour: str, unit: MobilityUnit
) -> None:
    """A vertical line of two standard errors either way through every point that has one."""
    estimates = [one.scaled(PER_SI[unit]) for one in mobility]
    value = np.array([one.value for one in estimates])
    error = np.array([np.nan if one.standard_error is None else one.standard_error for one in estimates])
    known = np.isfinite(value) & np.isfinite(error)
    low = np.maximum(value - 2 * error, value / 100)
    plot.draw_bars(key, x[known], low[known], (value + 2 * error)[known], colour=colour)


def _words(text: str) -> PlainLabel:
    words = PlainLabel(text)
    words.setWordWrap(True)
    return words


def _choice(words: Iterable[str], tip: str, chosen: Callable[[], object]) -> QComboBox:
    choice = QComboBox()
    choice.addItems(list(words))
    choice.setToolTip(f"{tip} in this plot")
    choice.setAccessibleName(tip)
    choice.currentTextChanged.connect(lambda _: chosen())
    return choice


def _unit(choice: QComboBox) -> MobilityUnit:
    return next(unit for unit in PER_SI if unit == choice.currentText())


def _fill(
    panel: QWidget, plot: Plot, words: PlainLabel, controls: Sequence[QWidget], units: Sequence[QWidget]
) -> None:
    """Controls at the left above the plot, units at the right, words below it."""
    line = QHBoxLayout()
    for control in controls:
        line.addWidget(control)
    line.addStretch(1)
    for unit in units:
        line.addWidget(unit)
    layout = QVBoxLayout(panel)
    layout.setContentsMargins(4, 2, 4, 2)
    layout.setSpacing(2)
    layout.addLayout(line)
    layout.addWidget(plot, stretch=1)
    layout.addWidget(words)
