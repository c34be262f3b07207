"""Plots that map data to log10 themselves, label decades and tell what lies under the pointer."""

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyqtgraph
from PyQt6.QtCore import QEvent, QPointF, Qt
from PyQt6.QtGui import QBrush, QColor

from qdlab.gui.widgets import PlainLabel

AXIS_WIDTH = 56  # [pixel]; the same everywhere, so that plots above one another line up
WIDE_AXIS = 74  # [pixel]; for numbers such as 4·10⁻¹¹
LEGEND_ROW = 13  # [pixel]
THINNED_OUT = 2000  # points of a line; more than a screen is wide
KEPT_IDLE = 100  # items that draw nothing at present
NEAR = 14  # [pixel]; a point this near the pointer is the one meant
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class DecadeAxis(pyqtgraph.AxisItem):
    """Ticks of an axis whose coordinates are log10 of the quantity: decades, and more where there is room."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        first, last = int(np.floor(low)), int(np.ceil(high))
        step = max(1, (last - first) // 8 + 1)
        decades = [float(d) for d in range(first, last + 1) if low <= d <= high and d % step == 0]
        if high - low > 3:
            return [(1.0, decades)]
        digits = (2, 5) if high - low > 0.8 else (1.5, 2, 3, 4, 5, 6, 8)
        between = [d + np.log10(m) for d in range(first, last + 1) for m in digits]
        return [(1.0, decades), (0.3, [b for b in between if low <= b <= high])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [_decade(value) for value in values]


def _decade(value: float) -> str:
    exponent = round(value)
    if abs(value - exponent) < 1e-6:
        plain = {-2: "0.01", -1: "0.1", 0: "1", 1: "10", 2: "100"}
        return plain.get(exponent, "10" + str(exponent).translate(_SUPERSCRIPT))
    number = 10**value
    if 1e-2 < number < 1000:
        return f"{number:.2g}"
    decade = math.floor(value)
    return f"{10 ** (value - decade):.2g}·10{str(decade).translate(_SUPERSCRIPT)}"


def see_through(colour: str) -> QBrush:
    """A brush that lets points and grid shine through."""
    faint = QColor(colour)
    faint.setAlpha(40)
    return QBrush(faint)


class CompactLegend(pyqtgraph.LegendItem):
    """A legend with rows no higher than their text, so that it leaves the curves their room."""

    def __init__(self, *, offset: tuple[int, int]) -> None:
        super().__init__(offset=offset, labelTextSize="8pt", verSpacing=-8)

    def updateSize(self) -> None:
        super().updateSize()
        if self.items:
            self.setGeometry(0, 0, self.width(), LEGEND_ROW * len(self.items) + 8)


Dash = Literal["solid", "dashed", "dotted"]


@dataclass(frozen=True, kw_only=True)
class Style:
    """How data are drawn; drawing the same key in another style draws it anew."""

    colour: str
    symbol: str | None = "o"
    filled: bool = False
    line: bool = False
    dash: Dash = "solid"
    width: float = 1.6
    size: int = 6
    on_top: bool = False
    label: str | None = None

    @property
    def pen(self) -> object:
        dashes = {
            "solid": Qt.PenStyle.SolidLine,
            "dashed": Qt.PenStyle.DashLine,
            "dotted": Qt.PenStyle.DotLine,
        }
        return pyqtgraph.mkPen(self.colour, width=self.width, style=dashes[self.dash]) if self.line else None


class Plot(pyqtgraph.PlotWidget):
    """A plot with titled axes; each axis linear or logarithmic, decided once.

    On a logarithmic axis values that have no logarithm are left out, never folded. The legend stands where
    the curves leave room: above at the left, below at the right, or below at the left. What lies under the
    pointer is told in the axes' units in a lower corner.
    """

    def __init__(
        self,
        *,
        x: str,
        y: str,
        log_x: bool = False,
        log_y: bool = False,
        legend: Literal["above", "below", "below left"] = "above",
        axis_width: int = AXIS_WIDTH,
    ) -> None:
        axes = {}
        if log_x:
            axes["bottom"] = DecadeAxis("bottom")
        if log_y:
            axes["left"] = DecadeAxis("left")
        super().__init__(axisItems=axes)
        self.log_x, self.log_y = log_x, log_y
        self._units: dict[str, str] = {}
        self.title_axis("bottom", x)
        self.title_axis("left", y)
        for side in ("bottom", "left"):
            self.getAxis(side).enableAutoSIPrefix(False)
        self.showGrid(x=True, y=True, alpha=0.2)
        places = {"above": (8, 4), "below": (-8, -4), "below left": (8, -4)}
        self.legend = CompactLegend(offset=places[legend])
        self.legend.setParentItem(self.plotItem.vb)
        self.plotItem.legend = self.legend
        self.getAxis("left").setWidth(axis_width)
        self._items: dict[str, pyqtgraph.PlotDataItem] = {}
        self._styles: dict[str, Style] = {}
        self._idle: list[pyqtgraph.PlotDataItem] = []
        self._hints: dict[str, str | list[str]] = {}
        self.readout = PlainLabel(parent=self)
        self.readout.setAutoFillBackground(True)
        self.readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.readout.hide()
        self._moved = pyqtgraph.SignalProxy(
            self.scene().sigMouseMoved, rateLimit=30, slot=lambda moved: self._read_out(moved[0])
        )

    def title_axis(self, side: Literal["bottom", "left"], title: str) -> None:
        """Name an axis; what stands in brackets at the end is its unit."""
        self.setLabel(side, title)
        unit = re.search(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)$", title)
        self._units[side] = "" if unit is None or unit[1] == "1" else unit[1]

    def draw_points(
        self,
        key: str,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        style: Style,
        *,
        hint: str | Sequence[str] = "",
    ) -> None:
        """Draw or update the data known by `key`; the hint, or its own, is told of a point at the pointer."""
        shown_x, shown_y, kept = self._mapped(x, y)
        item, look = self._item(key, style)
        self._hints[key] = hint if isinstance(hint, str) else list(itertools.compress(hint, kept))
        known_x, known_y = self.drawn(key)
        if look or not (np.array_equal(known_x, shown_x) and np.array_equal(known_y, shown_y)):
            _thin_out(item, style.symbol is None and len(shown_x) > THINNED_OUT and _rises(shown_x))
            item.setData(shown_x, shown_y, **look)

    def draw_bars(
        self, key: str, x: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, *, colour: str
    ) -> None:
        """Draw or update vertical lines from `low` to `high`, all of them known by `key`."""
        ends = np.column_stack([np.asarray(low, dtype=float), np.asarray(high, dtype=float)]).ravel()
        shown_x, shown_y, _ = self._mapped(np.repeat(x, 2), ends)
        item, look = self._item(key, Style(colour=colour, symbol=None, line=True), connect="pairs")
        item.setData(shown_x, shown_y, **look)

    def _item(
        self, key: str, style: Style, connect: str = "auto"
    ) -> tuple[pyqtgraph.PlotDataItem, dict[str, object]]:
        """What draws a key, and how it is to look where that is to be set together with its data."""
        if key in self._items and self._styles[key] != style:
            self._let_go(key)
        if key in self._items:
            return self._items[key], {}
        look = {
            "pen": style.pen,
            "symbol": style.symbol,
            "symbolSize": style.size,
            "symbolPen": pyqtgraph.mkPen(style.colour, width=1.2),
            "symbolBrush": pyqtgraph.mkBrush(style.colour) if style.filled else None,
            "connect": connect,
            "dynamicRangeLimit": None,  # else all is worked out anew at every change of the view
        }
        if style.label is None and self._idle:
            item = self._idle.pop()
            item.setVisible(True)
        else:
            name = None if style.label is None else escape(style.label)  # a legend takes markup
            item = self.plot([], [], name=name, **look)
        item.setZValue(5 if style.on_top else 0)
        self._items[key], self._styles[key] = item, style
        return item, look

    def _let_go(self, key: str) -> None:
        """Draw a key no more; what drew it is kept, for making another takes long."""
        item, style = self._items.pop(key), self._styles.pop(key)
        self._hints.pop(key, None)
        if style.label is None and len(self._idle) < KEPT_IDLE:
            item.setData([], [])
            item.setVisible(False)
            self._idle.append(item)
        else:
            self.removeItem(item)

    def forget(self, keep: set[str]) -> None:
        """Remove the data of every key not in `keep`."""
        for key in set(self._items) - keep:
            self._let_go(key)

    def drawn(self, key: str) -> tuple[npt.NDArray, npt.NDArray]:
        """What is drawn under `key`, in the axes' own coordinates."""
        x, y = self._items[key].getOriginalDataset()
        return (np.array([]), np.array([])) if x is None else (np.asarray(x), np.asarray(y))

    @property
    def keys(self) -> set[str]:
        return set(self._items)

    def words_at(self, place: QPointF) -> str:
        """What lies at a place of the scene: the nearest point with its name, else the place itself."""
        box = self.plotItem.vb
        if not box.sceneBoundingRect().contains(place):
            return ""
        at = box.mapSceneToView(place)
        x, y, hint = self._nearest(at) or (at.x(), at.y(), "")
        shown_x = 10**x if self.log_x else x
        shown_y = 10**y if self.log_y else y
        words = f"{shown_x:.4g} {self._units['bottom']}, {shown_y:.4g} {self._units['left']}".rstrip()
        return f"{hint}: {words}" if hint else words

    def _nearest(self, at: QPointF) -> tuple[float, float, str] | None:
        """The drawn point nearest to a place, where one is near."""
        pixel_x, pixel_y = self.plotItem.vb.viewPixelSize()
        best, found = float(NEAR), None
        for key, style in self._styles.items():
            if style.symbol is None or key not in self._items:
                continue
            x, y = self.drawn(key)
            if not len(x):
                continue
            distance = np.hypot((x - at.x()) / (pixel_x or 1.0), (y - at.y()) / (pixel_y or 1.0))
            nearest = int(distance.argmin())
            if distance[nearest] < best:
                hint = self._hints[key]
                best, found = (
                    float(distance[nearest]),
                    (
                        float(x[nearest]),
                        float(y[nearest]),
                        hint if isinstance(hint, str) else hint[nearest],
                    ),
                )
        return found

    def _read_out(self, place: QPointF) -> None:
        words = self.words_at(place)
        self.readout.setVisible(bool(words))
        if words:
            self.readout.setText(f" {words} ")
            self.readout.adjustSize()
            self._place_readout(place)

    def _place_readout(self, place: QPointF) -> None:
        """In the lower corner of the plot that the pointer is not in."""
        area = self.plotItem.vb.sceneBoundingRect()
        left = place.x() > area.center().x()
        x = area.left() + 2 if left else area.right() - self.readout.width() - 2
        self.readout.move(round(x), round(area.bottom()) - self.readout.height() - 2)

    def leaveEvent(self, event: QEvent | None) -> None:
        self.readout.hide()
        super().leaveEvent(event)

    def _mapped(
        self, x: npt.ArrayLike, y: npt.ArrayLike
    ) -> tuple[npt.NDArray, npt.NDArray, npt.NDArray[np.bool_]]:
        """In the axes' own coordinates, and which points these are."""
        first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        keep = np.isfinite(first) & np.isfinite(second)
        keep &= (first > 0) if self.log_x else True
        keep &= (second > 0) if self.log_y else True
        first, second = first[keep], second[keep]
        return (
            np.log10(first) if self.log_x else first,
            np.log10(second) if self.log_y else second,
            keep,
        )


def _thin_out(item: pyqtgraph.PlotDataItem, thinned: bool) -> None:
    """Whether a line is drawn by its highest and lowest points, and only where it is to be seen.

    What does so works itself out anew at every change of the view, and takes its points to be in rising
    order: of a sweep's way back, a view zoomed into showed nothing.
    """
    if item.opts["clipToView"] != thinned:
        item.setDownsampling(auto=thinned, method="peak")
        item.setClipToView(thinned)


def _rises(x: npt.NDArray) -> bool:
    return bool(np.all(np.diff(x) >= 0))
