"""A tree of plans or steps: every item knows its place; a drop is told of, and nothing is moved by Qt."""

from collections.abc import Hashable
from typing import Any

from PyQt6.QtCore import QModelIndex, QRect, QSize, Qt
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
)

PLACE = Qt.ItemDataRole.UserRole
MOST_LINES = (3, 2)  # of an item, and of one inside another
TEXT_MARGIN = 8  # [pixel]; what the style leaves free beside a text


class PlacedTree(QTreeWidget):
    """Two columns, of which the first takes the room that is left; items are found by their places.

    A tree of this kind says in `dropped` what a drop means.
    """

    def __init__(self, *headings: str) -> None:
        super().__init__()
        self._items: dict[Any, QTreeWidgetItem] = {}
        self.setHeaderLabels(headings)
        self.setIndentation(12)
        self.setWordWrap(True)
        self.setItemDelegateForColumn(0, Wrapping(self))
        header = self.header()
        assert header is not None
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.sectionResized.connect(lambda: self.scheduleDelayedItemsLayout())
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)

    def put(self, item: QTreeWidgetItem, place: Hashable) -> None:
        """Note whose item this is."""
        item.setData(0, PLACE, place)
        self._items[place] = item

    def forget(self) -> None:
        """Show nothing."""
        self.clear()
        self._items = {}

    def item_of(self, place: Hashable) -> QTreeWidgetItem | None:
        """The item there; None where there is none."""
        return self._items.get(place)

    def dropped(self, dragged: QTreeWidgetItem, target: QTreeWidgetItem | None) -> None:
        """An item was dropped on, above or below another; None is the empty room below the last."""
        raise NotImplementedError

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Have it said where an item was dropped; the tree is drawn anew from what it shows."""
        dragged = self.currentItem()
        if event is None or dragged is None:
            return
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()
        self.dropped(dragged, self.itemAt(event.position().toPoint()))


class Wrapping(QStyledItemDelegate):
    """Gives a text the lines its column needs, up to a few; a tree by itself would cut it."""

    def __init__(self, tree: PlacedTree) -> None:
        super().__init__(tree)
        self._tree = tree

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        one_line = super().sizeHint(option, index)
        self.initStyleOption(option, index)
        width = self._tree.columnWidth(0) - self._tree.indentation() * _depth(index) - TEXT_MARGIN
        wrap = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft
        needed = option.fontMetrics.boundingRect(QRect(0, 0, max(width, 1), 10_000), int(wrap), option.text)
        line = option.fontMetrics.lineSpacing()
        lines = min(max(round(needed.height() / line), 1), MOST_LINES[_depth(index) > 1])
        return QSize(one_line.width(), one_line.height() + (lines - 1) * line)


def _depth(index: QModelIndex) -> int:
    depth = 1
    while (index := index.parent()).isValid():
        depth += 1
    return depth
