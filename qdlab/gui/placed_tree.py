"""A tree of plans or steps: every item knows its place; a drop is told of, and nothing is moved by Qt."""

from collections.abc import Hashable
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

PLACE = Qt.ItemDataRole.UserRole


class PlacedTree(QTreeWidget):
    """Two columns, of which the first takes the room that is left; items are found by their places.

    A tree of this kind says in `dropped` what a drop means.
    """

    def __init__(self, *headings: str) -> None:
        super().__init__()
        self._items: dict[Any, QTreeWidgetItem] = {}
        self.setHeaderLabels(headings)
        self.setIndentation(12)
        header = self.header()
        assert header is not None
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
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
