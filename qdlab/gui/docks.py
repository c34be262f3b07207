"""The docks inside the frame: each keeps its share of the window until a person has moved one."""

from PyQt6.QtCore import QByteArray, Qt
from PyQt6.QtGui import QMouseEvent, QResizeEvent
from PyQt6.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QWidget

LAYOUT_VERSION = 4
LEFT, RIGHT, BOTTOM = (
    Qt.DockWidgetArea.LeftDockWidgetArea,
    Qt.DockWidgetArea.RightDockWidgetArea,
    Qt.DockWidgetArea.BottomDockWidgetArea,
)
SHARES = {LEFT: 0.21, RIGHT: 0.42, BOTTOM: 0.26}
"""Of the width, or of the height; the right side's is of what the left one leaves."""


class DockWindow(QMainWindow):
    """A window of docks that lives inside another one."""

    def __init__(self, middle: QWidget) -> None:
        super().__init__()
        self.setWindowFlags(Qt.WindowType.Widget)
        self.setDockNestingEnabled(True)
        self.setCentralWidget(middle)
        # a queue is long and narrow: it reaches down beside the lists
        self.setCorner(Qt.Corner.BottomLeftCorner, LEFT)
        self.setTabPosition(RIGHT, QTabWidget.TabPosition.North)
        self._by_hand = False

    def add(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        """A new dock; its title is what a layout knows it by."""
        dock = QDockWidget(title, self)
        dock.setObjectName(f"dock {title}")
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        return dock

    def state(self) -> QByteArray:
        """The layout as it is kept between days; empty where nobody has changed it."""
        docks = self.findChildren(QDockWidget)
        untouched = not self._by_hand and all(_is_in_place(dock) for dock in docks)
        return QByteArray() if untouched else self.saveState(LAYOUT_VERSION)

    def restore(self, state: QByteArray) -> None:
        """The layout as a person left it."""
        self._by_hand = self.restoreState(state, LAYOUT_VERSION)

    def forget(self) -> None:
        """Every dock shown again, and each with its share."""
        self._by_hand = False
        for dock in self.findChildren(QDockWidget):
            dock.setFloating(False)
            dock.show()
        self._share_out()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        # what arrives here is a press on a line between docks
        self._by_hand = True
        super().mousePressEvent(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if not self._by_hand:
            self._share_out()

    def _share_out(self) -> None:
        """Any one dock of a side stands for all of them."""
        one_of = {
            self.dockWidgetArea(dock): dock
            for dock in self.findChildren(QDockWidget)
            if dock.isVisibleTo(self) and not dock.isFloating()
        }
        below = [
            dock
            for dock in self.findChildren(QDockWidget)
            if self.dockWidgetArea(dock) == BOTTOM and dock.isVisibleTo(self) and not dock.isFloating()
        ]
        self.resizeDocks(below, [self.width() // max(len(below), 1)] * len(below), Qt.Orientation.Horizontal)
        for areas, length, along in (
            ((LEFT, RIGHT), self.width(), Qt.Orientation.Horizontal),
            ((BOTTOM,), self.height(), Qt.Orientation.Vertical),
        ):
            there = [area for area in areas if area in one_of]
            sizes: list[int] = []
            for area in there:
                sizes.append(round(SHARES[area] * (length - sum(sizes))))
            self.resizeDocks([one_of[area] for area in there], sizes, along)


def _is_in_place(dock: QDockWidget) -> bool:
    """Whether it was neither closed nor torn off; one behind another tab was not."""
    shown = dock.toggleViewAction()
    return not dock.isFloating() and shown is not None and shown.isChecked()
