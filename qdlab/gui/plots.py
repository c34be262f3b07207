"""Plots that map data to log10 themselves and label decades; pyqtgraph below."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pyqtgraph
from PyQt6.QtCore import Qt

AXIS_WIDTH = 56  # [pixel]; the same everywhere, so that plots above one another line up
LEGEND_ROW = 13  # [pixel]
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class DecadeAxis(pyqtgraph.AxisItem):
    """Ticks of an axis whose coordinates are log10 of the quantity: decades, and 2, 5 where there is room."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        first, last = int(np.floor(low)), int(np.ceil(high))
        step = max(1, (last - first) // 8 + 1)
        decades = [float(d) for d in range(first, last + 1) if low <= d <= high and d % step == 0]
        if high - low > 3:
            return [(1.0, decades)]
        between = [d + np.log10(m) for d in range(first, last + 1) for m in (2, 5)]
        return [(1.0, decades), (0.3, [b for b in between if low <= b <= high])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [_decade(value) for value in values]


def _decade(value: float) -> str:
    exponent = round(value)
    if abs(value - exponent) < 1e-6:
        plain = {-2: "0.01", -1: "0.1", 0: "1", 1: "10", 2: "100"}
        return plain.get(exponent, "10" + str(exponent).translate(_SUPERSCRIPT))
    number = 10**value
    return f"{number:.2g}" if 1e-3 <= number < 1000 else ""


class CompactLegend(pyqtgraph.LegendItem):
    """A legend with rows no higher than their text, so that it leaves the curves their room."""

    def __init__(self, *, offset: tuple[int, int]) -> None:
        super().__init__(offset=offset, labelTextSize="8pt", verSpacing=-8)

    def updateSize(self) -> None:
        super().updateSize()
        if self.items:
            self.setGeometry(0, 0, self.width(), LEGEND_ROW * len(self.items) + 8)


class Plot(pyqtgraph.PlotWidget):
    """A plot with titled axes; each axis linear or logarithmic, decided once.

    On a logarithmic axis values that have no logarithm are left out, never folded. The legend stands where a
    curve that rises leaves room: above, at the left, or below, at the right.
    """

    def __init__(
        self,
        *,
        x: str,
        y: str,
        log_x: bool = False,
        log_y: bool = False,
        legend: Literal["above", "below"] = "above",
    ) -> None:
        axes = {}
        if log_x:
            axes["bottom"] = DecadeAxis("bottom")
        if log_y:
            axes["left"] = DecadeAxis("left")
        super().__init__(axisItems=axes)
        self.log_x, self.log_y = log_x, log_y
        self.setLabel("bottom", x)
        self.setLabel("left", y)
        for side in ("bottom", "left"):
            self.getAxis(side).enableAutoSIPrefix(False)
        self.showGrid(x=True, y=True, alpha=0.2)
        self.setDownsampling(auto=True, mode="peak")
        self.setClipToView(True)
        self.legend = CompactLegend(offset=(-8, -4) if legend == "below" else (8, 4))
        self.legend.setParentItem(self.plotItem.vb)
        self.plotItem.legend = self.legend
        self.getAxis("left").setWidth(AXIS_WIDTH)
        self._items: dict[str, pyqtgraph.PlotDataItem] = {}

    def draw_points(
        self,
        key: str,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        colour: str,
        symbol: str | None = "o",
        line: bool = False,
        dashed: bool = False,
        dotted: bool = False,
        label: str | None = None,
    ) -> None:
        """Draw or update the data known by `key`."""
        shown_x, shown_y = self._mapped(x, y)
        item = self._items.get(key)
        if item is None:
            style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
            style = Qt.PenStyle.DotLine if dotted else style
            item = self.plot(
                [],
                [],
                pen=pyqtgraph.mkPen(colour, width=1.6, style=style) if line else None,
                symbol=symbol,
                symbolSize=6,
                symbolPen=pyqtgraph.mkPen(colour, width=1.2),
                symbolBrush=None,
                name=label,
            )
            self._items[key] = item
        known_x, known_y = self.drawn(key)
        if not (np.array_equal(known_x, shown_x) and np.array_equal(known_y, shown_y)):
            item.setData(shown_x, shown_y)

    def draw_bars(
        self, key: str, x: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, *, colour: str
    ) -> None:
        """Draw or update vertical lines from `low` to `high`, all of them known by `key`."""
        if key not in self._items:
            self._items[key] = self.plot([], [], pen=pyqtgraph.mkPen(colour, width=1.6), connect="pairs")
        ends = np.column_stack([np.asarray(low, dtype=float), np.asarray(high, dtype=float)]).ravel()
        shown_x, shown_y = self._mapped(np.repeat(x, 2), ends)
        self._items[key].setData(shown_x, shown_y)

    def forget(self, keep: set[str]) -> None:
        """Remove the data of every key not in `keep`."""
        for key in set(self._items) - keep:
            item = self._items.pop(key)
            self.removeItem(item)

    def drawn(self, key: str) -> tuple[npt.NDArray, npt.NDArray]:
        """What is drawn under `key`, in the axes' own coordinates."""
        x, y = self._items[key].getOriginalDataset()
        return (np.array([]), np.array([])) if x is None else (np.asarray(x), np.asarray(y))

    @property
    def keys(self) -> set[str]:
        return set(self._items)

    def _mapped(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[npt.NDArray, npt.NDArray]:
        first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        keep = np.isfinite(first) & np.isfinite(second)
        keep &= (first > 0) if self.log_x else True
        keep &= (second > 0) if self.log_y else True
        first, second = first[keep], second[keep]
        return (np.log10(first) if self.log_x else first), (np.log10(second) if self.log_y else second)
