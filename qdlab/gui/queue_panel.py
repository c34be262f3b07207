"""The queue of plans: order, estimates, what became of each; the running one step by step."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QSizePolicy,
    QToolButton,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from qdlab.config import LimitsConfig
from qdlab.durations import format_duration, format_estimate
from qdlab.gui.placed_tree import PLACE, PlacedTree
from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel, plain_tip
from qdlab.live import plan_queue as queues
from qdlab.live.plan_draft import Checked, Draft, Key, all_keys, check, skipped, step_at
from qdlab.live.plan_form import summary
from qdlab.live.plan_progress import may_skip, step_progress
from qdlab.live.plan_queue import PlanQueue, QueuedPlan

ON_FAILURE: Mapping[str, str] = {
    "stop": "stop the queue",
    "skip": "go on with the next",
    "retry": "resume it once, then stop",
}
Place = tuple[int, Key]
"""Number of a plan, and where a step of it stands; the empty key is the plan itself."""


class QueuePanel(QWidget):
    """Shows a queue and hands on what a person wants; it starts nothing itself.

    Parameters
    ----------
    limits : of the bench, for the estimates
    simulated : the bench's time is not the wall's
    """

    changed = pyqtSignal(object)
    skips_changed = pyqtSignal(object)
    new_wanted = pyqtSignal()
    open_wanted = pyqtSignal()
    device_wanted = pyqtSignal()
    edit_wanted = pyqtSignal(int)
    start_wanted = pyqtSignal()

    def __init__(self, theme: Theme, *, limits: LimitsConfig | None = None, simulated: bool = False) -> None:
        super().__init__()
        self._theme, self._limits, self._simulated = theme, limits, simulated
        self.queue = PlanQueue()
        self._progress: Mapping[str, Any] | None = None
        self._checked: dict[int, tuple[Draft, Checked]] = {}
        self.tree = _PlanTree()
        self.tree.dragged.connect(self._dragged)
        self.tree.currentItemChanged.connect(self._show_possible)
        self.tree.itemDoubleClicked.connect(lambda item, column: self._edit())
        self.new = _button("New…", "Build a plan from forms (Ctrl+B)", self.new_wanted.emit)
        self.open = _button("Open…", "Put a plan file into the queue (Ctrl+R)", self.open_wanted.emit)
        self.up = _button("▲", "Earlier", lambda: self._shift(-1))
        self.down = _button("▼", "Later", lambda: self._shift(1))
        self.edit = _button("Edit…", "Change a plan that has not begun", self._edit)
        self.duplicate = _button("Duplicate", "Once more, to be carried out afresh", self._duplicate)
        self.skip = _button("Skip", "Pass over what has not begun, or not any longer", self._skip)
        self.remove = _button("Remove", "Take the plan out of the queue; its session stays", self._remove)
        self.on_failure = QComboBox()
        self.on_failure.addItems(list(ON_FAILURE.values()))
        self.on_failure.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.on_failure.setMinimumContentsLength(12)
        self.on_failure.setAccessibleName("What follows when a plan fails")
        self.on_failure.setToolTip("What follows when a plan ends as failed; the outputs are off by then")
        self.on_failure.textActivated.connect(self._policy_chosen)
        self.total = PlainLabel("")
        self.total.setWordWrap(True)
        self.start = _button("Start…", "Look at everything once more, then begin", self.start_wanted.emit)
        self.start.setStyleSheet("font-weight: bold; padding: 6px;")
        self._lay_out()
        self.show_queue(self.queue)

    def _lay_out(self) -> None:
        buttons = QGridLayout()
        buttons.setSpacing(4)
        for column, button in enumerate((self.new, self.open, self.edit, self.up)):
            buttons.addWidget(button, 0, column)
        for column, button in enumerate((self.duplicate, self.skip, self.remove, self.down)):
            buttons.addWidget(button, 1, column)
        policy = QHBoxLayout()
        policy.addWidget(PlainLabel("If a plan fails"))
        policy.addWidget(self.on_failure, stretch=1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addLayout(buttons)
        layout.addWidget(self.tree, stretch=1)
        layout.addWidget(self.total)
        layout.addLayout(policy)
        layout.addWidget(self.start)

    def show_queue(self, queue: PlanQueue) -> None:
        """Show another state of the queue; what was chosen stays chosen."""
        chosen = self._chosen()
        self.queue = queue
        self._checked = {plan.number: (plan.draft, self._check(plan)) for plan in queue.plans}
        self.tree.blockSignals(True)
        self.tree.forget()
        for place, plan in enumerate(queue.plans, start=1):
            self._add_plan(place, plan)
        if chosen is not None:
            self.tree.setCurrentItem(self.tree.item_of(chosen))
        self.tree.blockSignals(False)
        self.on_failure.setCurrentText(ON_FAILURE[queue.on_failure])
        self.total.setText(self._total_words())
        self._say_progress()
        self._show_possible()

    def show_progress(self, progress: Mapping[str, Any] | None) -> None:
        """Where the running plan is."""
        self._progress = progress
        self._say_progress()
        self._show_possible()

    # What is shown

    def _check(self, plan: QueuedPlan) -> Checked:
        known = self._checked.get(plan.number)
        if known is not None and known[0] is plan.draft:
            return known[1]
        return check(plan.draft, bench_limits=self._limits)

    def _add_plan(self, place: int, plan: QueuedPlan) -> None:
        checked = self._checked[plan.number][1]
        item = QTreeWidgetItem(self.tree)
        self.tree.put(item, (plan.number, ()))
        item.setText(0, f"{place}  {plan.draft.name}")
        item.setToolTip(0, plain_tip("\n".join(filter(None, (plan.draft.name, plan.words, plan.session)))))
        takes = format_duration(checked.total.duration) if checked.costs else "wrong"
        state = "resumes" if plan.resumes and plan.state == "waiting" else plan.state
        item.setText(1, takes if state == "waiting" else state)
        item.setToolTip(1, plain_tip(plan.words or takes))
        item.setForeground(1, QColor(self._colour(plan, checked)))
        font = item.font(0)
        font.setBold(plan.state == "running")
        font.setStrikeOut(plan.state == "skipped")
        item.setFont(0, font)
        for key in all_keys(plan.draft):
            step = step_at(plan.draft, key)
            child = QTreeWidgetItem(self.tree.item_of((plan.number, key[:-1])))
            self.tree.put(child, (plan.number, key))
            child.setFlags(child.flags() & ~Qt.ItemFlag.ItemIsDragEnabled & ~Qt.ItemFlag.ItemIsDropEnabled)
            child.setText(0, summary(step.kind, step.table))
            child.setToolTip(0, plain_tip(child.text(0)))
            if checked.costs:
                child.setText(1, format_duration(checked.cost_of(key).duration))
            child.setForeground(1, QColor(self._theme.muted))
        if plan.state == "running":
            item.setExpanded(True)
            for number in range(item.childCount()):
                self.tree.expand(self.tree.indexFromItem(item.child(number)))

    def _colour(self, plan: QueuedPlan, checked: Checked) -> str:
        theme = self._theme
        if plan.state == "failed" or not checked.holds:
            return theme.alarm
        by_state = {"running": theme.active, "finished": theme.good}
        return by_state.get(plan.state, theme.muted)

    def _say_progress(self) -> None:
        running = self.queue.running
        if running is None:
            return
        share = (self._progress or {}).get("share")
        item = self.tree.item_of((running.number, ()))
        if item is not None:
            item.setText(1, "running" if share is None else f"running {float(share):.0%}")
        states = step_progress(running.draft, self._progress)
        for key, progress in states.items():
            child = self.tree.item_of((running.number, key))
            if child is not None and progress.state != "waiting":
                child.setText(1, progress.words)
                colour = {"running": self._theme.active, "done": self._theme.good}.get(progress.state)
                child.setForeground(1, QColor(colour or self._theme.muted))

    def _total_words(self) -> str:
        waiting = [plan for plan in self.queue.plans if plan.state in ("waiting", "running")]
        if not waiting:
            if self.queue.plans:
                return "Nothing is waiting."
            return "The queue is empty: build a plan with New…, or open a plan file."
        duration = sum(self._checked[plan.number][1].total.duration for plan in waiting)
        plans = f"{len(waiting)} plan{'s' if len(waiting) > 1 else ''}"
        now = None if self._simulated else datetime.now()
        return f"{plans}, {format_estimate(duration, now=now)}."

    # What a person does

    def _chosen(self) -> Place | None:
        item = self.tree.currentItem()
        return None if item is None else item.data(0, PLACE)

    def _show_possible(self) -> None:
        """Only what can be done is enabled."""
        chosen = self._chosen()
        plan = None if chosen is None else self.queue.plan(chosen[0])
        is_plan = chosen is not None and not chosen[1]
        may_change = plan is not None and plan.may_change
        for button in (self.up, self.down):
            button.setEnabled(may_change and is_plan)
        self.edit.setEnabled(may_change)
        self.duplicate.setEnabled(plan is not None and is_plan)
        self.remove.setEnabled(plan is not None and is_plan and plan.state != "running")
        self.skip.setEnabled(self._may_skip(plan, chosen))
        self.skip.setText("Don't skip" if self._is_skipped(plan, chosen) else "Skip")
        self.start.setEnabled(self.queue.next is not None and self.queue.running is None)

    def _may_skip(self, plan: QueuedPlan | None, chosen: Place | None) -> bool:
        if plan is None or chosen is None:
            return False
        if plan.state == "running":
            return bool(chosen[1]) and may_skip(plan.draft, self._progress, chosen[1])
        return plan.may_change

    def _is_skipped(self, plan: QueuedPlan | None, chosen: Place | None) -> bool:
        if plan is None or chosen is None:
            return False
        return step_at(plan.draft, chosen[1]).skip if chosen[1] else plan.state == "skipped"

    def _change(self, queue: PlanQueue) -> None:
        self.show_queue(queue)
        self.changed.emit(queue)

    def _shift(self, by: int) -> None:
        chosen = self._chosen()
        if chosen is not None:
            self._change(queues.shifted(self.queue, chosen[0], by))

    def _dragged(self, number: int, to: int) -> None:
        self._change(queues.moved(self.queue, number, to))

    def _edit(self) -> None:
        chosen = self._chosen()
        if chosen is not None and self.queue.plan(chosen[0]).may_change:
            self.edit_wanted.emit(chosen[0])

    def _duplicate(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            self._change(queues.duplicated(self.queue, chosen[0]))

    def _remove(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            self._change(queues.removed(self.queue, chosen[0]))

    def _skip(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            return
        number, key = chosen
        if not key:
            self._change(queues.skipped(self.queue, number))
            return
        plan = self.queue.plan(number)
        draft = skipped(plan.draft, key)
        if plan.state == "running":
            self._change(queues.redrafted(self.queue, number, draft))
            self.skips_changed.emit(draft)
        else:
            self._change(queues.edited(self.queue, number, draft))

    def _policy_chosen(self, words: str) -> None:
        policy: Any = next(key for key, said in ON_FAILURE.items() if said == words)
        self._change(replace(self.queue, on_failure=policy))


class _PlanTree(PlacedTree):
    """Plans with their steps; a plan can be dragged among the plans."""

    dragged = pyqtSignal(int, int)

    def __init__(self) -> None:
        super().__init__("Plan and its steps", "State")
        self.setExpandsOnDoubleClick(False)
        self.setAccessibleName("Queue of plans")
        self.setToolTip("Plans in the order they are carried out; drag one to move it")

    def dropped(self, dragged: QTreeWidgetItem, target: QTreeWidgetItem | None) -> None:
        """Tell where a plan was dropped."""
        while target is not None and target.parent() is not None:
            target = target.parent()
        to = self.topLevelItemCount() if target is None else self.indexOfTopLevelItem(target)
        from_place = self.indexOfTopLevelItem(dragged)
        below = self.dropIndicatorPosition() == QAbstractItemView.DropIndicatorPosition.BelowItem
        # counted without the one that is moved
        self.dragged.emit(dragged.data(0, PLACE)[0], to + below - (from_place < to + below))


def _button(text: str, tip: str, act: Callable[[], object]) -> QToolButton:
    """A tool button: Fusion gives every other one at least 80 pixels, and the panel is narrow."""
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(lambda: act())
    return button
