"""The steps of a plan as a tree: chosen with a click, moved by dragging or with buttons."""

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QAbstractItemView, QTreeWidgetItem

from qdlab.durations import format_duration
from qdlab.gui.placed_tree import PLACE, PlacedTree
from qdlab.gui.theme import Theme
from qdlab.gui.widgets import plain_tip
from qdlab.live.connections import connections
from qdlab.live.plan_draft import Checked, Draft, DraftStep, Key
from qdlab.live.plan_form import holds_steps, summary


class StepTree(PlacedTree):
    """Shows a draft's steps; `chosen` carries where one stands, `dragged` where it came from and goes to."""

    chosen = pyqtSignal(object)
    dragged = pyqtSignal(object, object)

    def __init__(self, theme: Theme) -> None:
        super().__init__("Step", "Takes")
        self._theme = theme
        self._devices: dict[Key, str] = {}
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setAccessibleName("Steps of the plan")
        self.setToolTip("Steps in the order they are carried out; drag one to move it")
        self.currentItemChanged.connect(self._current_changed)

    def show_draft(self, draft: Draft, current: Key | None) -> None:
        """Show other steps, and choose one of them."""
        self.blockSignals(True)
        self.forget()
        several = len(draft.devices) > 1
        self._devices = {key: met.device for key, met in connections(draft).items()} if several else {}
        self._add(draft.steps, (), self.invisibleRootItem())
        self.expandAll()
        self.setCurrentItem(self.item_of(current))
        self.blockSignals(False)

    def show_checked(self, checked: Checked) -> None:
        """What each step will take, and a word at those with something wrong."""
        for key, item in self._items.items():
            found = checked.of_step(key)
            cost = checked.cost_of(key) if checked.costs else None
            item.setText(1, "wrong" if found else "" if cost is None else format_duration(cost.duration))
            item.setToolTip(1, plain_tip("\n".join(found.values()) or _cost_words(cost)))
            colour = self._theme.alarm if found else self._theme.muted
            item.setForeground(1, QColor(colour))

    def show_summary(self, key: Key, step: DraftStep) -> None:
        """One step says something else now."""
        self._say(self._items[key], step)

    def dropped(self, dragged: QTreeWidgetItem, target: QTreeWidgetItem | None) -> None:
        """Tell where a step was dropped."""
        self.dragged.emit(dragged.data(0, PLACE), self._place_of(target))

    def _place_of(self, target: QTreeWidgetItem | None) -> Key:
        if target is None:
            return (self.topLevelItemCount(),)
        key: Key = target.data(0, PLACE)
        match self.dropIndicatorPosition():
            case QAbstractItemView.DropIndicatorPosition.BelowItem:
                return (*key[:-1], key[-1] + 1)
            case QAbstractItemView.DropIndicatorPosition.OnItem if target.data(0, PLACE + 1):
                return (*key, target.childCount())
        return key

    def _add(self, steps: tuple[DraftStep, ...], inside: Key, parent: QTreeWidgetItem | None) -> None:
        assert parent is not None
        for number, step in enumerate(steps):
            key = (*inside, number)
            item = QTreeWidgetItem(parent)
            self.put(item, key)
            item.setData(0, PLACE + 1, holds_steps(step.kind))
            self._say(item, step)
            self._add(step.steps, key, item)

    def _say(self, item: QTreeWidgetItem, step: DraftStep) -> None:
        words = summary(step.kind, step.table)
        device = self._devices.get(item.data(0, PLACE))
        if device is not None:
            words = f"{words}   on {device}"
        item.setText(0, f"{words}   (skipped)" if step.skip else words)
        item.setToolTip(0, plain_tip(words))
        font = item.font(0)
        font.setStrikeOut(step.skip)
        item.setFont(0, font)

    def _current_changed(self, item: QTreeWidgetItem | None, before: object) -> None:
        self.chosen.emit(None if item is None else item.data(0, PLACE))


def _cost_words(cost: object) -> str:
    return "" if cost is None else "At all its visits, waits included"
