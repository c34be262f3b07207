"""The plan builder: steps and their forms, what is wrong while one types, estimates, TOML in and out."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from qdlab.config import LimitsConfig
from qdlab.durations import format_estimate
from qdlab.gui.errands import send
from qdlab.gui.step_form import StepForm
from qdlab.gui.step_tree import StepTree
from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel, ask_for_path, make_button, plain_tip
from qdlab.live import plan_draft as drafts
from qdlab.live.connections import with_new_step
from qdlab.live.device_draft import saved_devices
from qdlab.live.plan_draft import Checked, Draft, DraftDevice, Key, check, read_device, read_draft
from qdlab.live.plan_form import holds_steps, purpose_of, step_kinds, title_of

CHECK_MILLISECONDS = 150  # after the last key; a plan of many sweeps takes a few of them to be checked

MOST_UNDONE = 50

TOML = "TOML (*.toml)"

ON_FAILURE: Mapping[str, str] = {
    "stop": "end safely",
    "skip": "go on with the next step",
    "retry": "try once more, then end",
}


class PlanBuilder(QDialog):
    """Puts a plan together; `queued` carries the draft once a person wants it carried out.

    `left` carries, once it is closed, what was neither queued nor saved; None where all of it was.
    `device_wanted` carries the name of a device to be described anew, or nothing for a new one.

    Parameters
    ----------
    limits : of the bench it is meant for
    simulated : the bench's time is not the wall's, and the published campaign's files are offered as examples
    kept_devices : folder of the devices described in the window
    """

    queued = pyqtSignal(object)
    left = pyqtSignal(object)
    device_wanted = pyqtSignal(str)

    def __init__(
        self,
        theme: Theme,
        parent: QWidget,
        *,
        draft: Draft | None = None,
        limits: LimitsConfig | None = None,
        simulated: bool = False,
        kept_devices: Path,
    ) -> None:
        super().__init__(parent)
        self._kept_devices = kept_devices
        self.setWindowTitle("Build a plan")
        self.setModal(False)
        self.resize(1060, 660)
        self._theme, self._limits, self._simulated = theme, limits, simulated
        self.draft = draft or Draft()
        self._earlier: deque[Draft] = deque(maxlen=MOST_UNDONE)
        self.checked = Checked()
        self._current: Key | None = None
        self._kept: Draft | None = None
        self._make_inputs()
        self._lay_out()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(CHECK_MILLISECONDS)
        self._soon.timeout.connect(self.check)
        self.show_draft(self.draft)
        self.name.selectAll()

    # What it is made of

    def _make_inputs(self) -> None:
        self.name, self.operator = QLineEdit(), QLineEdit()
        self.gas, self.dew_point = QLineEdit(), QLineEdit()
        for entry, name, tip in (
            (self.name, "Name of the plan", "As the session and the queue call it"),
            (self.operator, "Operator", "Who measures; it stands in the record"),
            (self.gas, "Gas around the sample", "It stands in the record"),
            (self.dew_point, "Dew point of the gas", "In K; a stage colder than this grows ice"),
        ):
            entry.setAccessibleName(name)
            entry.setToolTip(tip)
        self.gas.setPlaceholderText("gas, e.g. nitrogen")
        self.dew_point.setPlaceholderText("dew point, e.g. 200 K")
        for entry in (self.name, self.operator, self.gas, self.dew_point):
            entry.textEdited.connect(self._settings_changed)
        self.on_failure = QComboBox()
        self.on_failure.addItems(list(ON_FAILURE.values()))
        self.on_failure.setAccessibleName("What follows when a box fails")
        self.on_failure.setToolTip(
            "What follows when a box fails during a measurement. Outputs are off in between;\n"
            "a box that does not confirm that ends the plan in any case."
        )
        self.on_failure.currentTextChanged.connect(self._settings_changed)
        self.devices = PlainLabel("")
        self.devices.setWordWrap(True)
        self.add_device = make_button(
            "Add…", "Describe a device, or take one described before", self._offer_device_files
        )
        self.edit_device = make_button(
            "Edit…", "Change what is known of a device", self._offer_devices_to_edit
        )
        self.drop_device = make_button(
            "Remove…", "Take a device out of the plan", self._offer_devices_to_drop
        )
        self.tree = StepTree(self._theme)
        self.tree.chosen.connect(self._choose)
        self.tree.dragged.connect(self._dragged)
        self.add = make_button("Add step", "Put a step in behind the chosen one", lambda: None)
        self.add.setMenu(self._kinds_menu())
        self.up = make_button("▲", "Earlier (Alt+Up)", lambda: self._shift(-1), key="Alt+Up")
        self.down = make_button("▼", "Later (Alt+Down)", lambda: self._shift(1), key="Alt+Down")
        self.duplicate = make_button(
            "Duplicate", "Once more, behind itself (Ctrl+D)", self._duplicate, key="Ctrl+D"
        )
        self.skip = make_button("Skip", "Keep it in the plan and pass it over, or not any longer", self._skip)
        self.remove = make_button("Remove", "Take it out of the plan", self._remove)
        self.form = StepForm(self._theme)
        self.form.changed.connect(self._step_changed)
        self.estimate, self.words = PlainLabel(""), PlainLabel("")
        self.estimate.setStyleSheet("font-weight: bold;")
        self.words.setWordWrap(True)
        self.load = make_button(
            "Load…", "A plan from its file (Ctrl+L)", self._offer_plan_files, key="Ctrl+L"
        )
        self.save = make_button(
            "Save as…", "Write the plan as TOML (Ctrl+S)", self._ask_for_file, key="Ctrl+S"
        )
        self.clear = make_button("Clear", "Begin with an empty plan", lambda: self.show_draft(Draft()))
        self.undo = make_button(
            "Undo",
            "Back to the plan before the last change (Ctrl+Z)",
            self._undo,
            key="Ctrl+Z",
        )
        self.enqueue = make_button("Put into the queue", "Have it carried out (Ctrl+Return)", self._enqueue)
        self.enqueue.setShortcut("Ctrl+Return")

    def _lay_out(self) -> None:
        head = QFormLayout()
        head.addRow("Plan", self.name)
        head.addRow("Operator", self.operator)
        head.addRow("Devices", _row(self.devices, self.add_device, self.edit_device, self.drop_device))
        head.addRow("Atmosphere", _row(self.gas, self.dew_point))
        head.addRow("If a box fails", self.on_failure)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        column.addWidget(self.tree, stretch=1)
        column.addWidget(_row(self.add, self.up, self.down, self.duplicate, self.skip, self.remove))
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidget(self.form)
        both = QSplitter()
        both.addWidget(left)
        both.addWidget(self.area)
        both.setSizes([540, 520])
        both.setChildrenCollapsible(False)
        foot = QHBoxLayout()
        foot.addWidget(self.load)
        foot.addWidget(self.save)
        foot.addWidget(self.clear)
        foot.addWidget(self.undo)
        foot.addStretch(1)
        foot.addWidget(self.enqueue)
        layout = QVBoxLayout(self)
        layout.addWidget(both, stretch=1)
        told = QHBoxLayout()
        told.addWidget(self.estimate)
        told.addWidget(self.words, stretch=1)
        layout.addLayout(told)
        layout.addLayout(foot)

    def _kinds_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for kind in step_kinds():
            action = menu.addAction(title_of(kind))
            assert action is not None
            action.setToolTip(plain_tip(purpose_of(kind)))
            action.triggered.connect(lambda checked=False, kind=kind: self.add_step(kind))
        return menu

    # The plan

    def show_draft(self, draft: Draft, current: Key | None = None) -> None:
        """Go on with another plan; the one before can be had back."""
        if draft != self.draft:
            self._earlier.append(self.draft)
        self._show(draft, current)

    def _undo(self) -> None:
        if self._earlier:
            self._show(self._earlier.pop(), None)

    def _show(self, draft: Draft, current: Key | None) -> None:
        self.draft = draft
        self.undo.setEnabled(bool(self._earlier))
        settings = draft.settings
        atmosphere = settings.get("atmosphere", {})
        texts = (
            (self.name, draft.name),
            (self.operator, settings.get("operator", "")),
            (self.gas, atmosphere.get("gas", "")),
            (self.dew_point, atmosphere.get("dew_point", "")),
        )
        for entry, text in texts:
            if entry.text() != text:
                entry.setText(str(text))
        self.on_failure.blockSignals(True)
        self.on_failure.setCurrentText(ON_FAILURE[settings.get("on_failure", "stop")])
        self.on_failure.blockSignals(False)
        self.devices.setText(", ".join(draft.devices) or "none yet")
        for act in (self.edit_device, self.drop_device):
            act.setEnabled(bool(draft.devices))
        if current is None and draft.steps:
            current = (0,)
        self.tree.show_draft(draft, current)
        self._choose(current)
        self.check()

    def check(self) -> None:
        """Say what is wrong and what it will take; only a plan that holds can be queued."""
        self._soon.stop()
        self.checked = check(self.draft, bench_limits=self._limits)
        self.tree.show_checked(self.checked)
        if self._current is not None:
            self.form.show_problems(self.checked.of_step(self._current))
        self.enqueue.setEnabled(self.checked.holds)
        self.estimate.setText(self._estimate())
        self.estimate.setVisible(bool(self.estimate.text()))
        self.words.setText(self._what_is_wrong())

    def add_step(self, kind: str) -> None:
        """Put a step in behind the chosen one; inside it where that holds steps of its own."""
        key: Key = (len(self.draft.steps),)
        if self._current is not None:
            chosen = drafts.step_at(self.draft, self._current)
            inside = holds_steps(chosen.kind) and not holds_steps(kind) and kind != "operator"
            key = (*self._current, len(chosen.steps)) if inside else _behind(self._current)
        self.show_draft(*with_new_step(self.draft, key, drafts.new_step(kind)))

    def add_device_file(self, file: Path, name: str = "") -> None:
        """Read a device file in a thread and take it into the plan, in the place of the one of that name."""
        self._errand(lambda: read_device(file), lambda found: self._take_device(name or found[0], found[1]))

    def load_file(self, file: Path) -> None:
        """Read a plan file in a thread and go on with it."""
        self._errand(lambda: read_draft(file), self.show_draft)

    def save_file(self, file: Path) -> None:
        """Write the plan in a thread, right or wrong: it may be finished another day."""
        draft = self.draft

        def write() -> None:
            file.write_text(draft.to_toml(), encoding="utf-8", newline="\n")

        self._errand(write, lambda _: self._saved(draft, file))

    def _saved(self, draft: Draft, file: Path) -> None:
        self._kept = draft
        self._say(f"saved as {file}")

    def _take_device(self, name: str, device: DraftDevice) -> None:
        self.show_draft(replace(self.draft, devices={**self.draft.devices, name: device}), self._current)

    def _estimate(self) -> str:
        if not self.checked.costs:
            return ""
        total = self.checked.total
        now = None if self._simulated else datetime.now()
        return f"{total.points} points, {format_estimate(total.duration, now=now)}"

    def _what_is_wrong(self) -> str:
        if self.checked.general:
            return f"To do: {', then '.join(self.checked.general)}."
        wrong = len({one.step for one in self.checked.problems})
        if wrong:
            return f"{wrong} step{'s' if wrong > 1 else ''} must be put right before the plan can be queued."
        return ""

    # What a person does

    def _choose(self, key: Key | None) -> None:
        self._current = key
        for button in (self.up, self.down, self.duplicate, self.skip, self.remove):
            button.setEnabled(key is not None)
        self.form.setVisible(key is not None)
        if key is not None:
            step = drafts.step_at(self.draft, key)
            self.form.show_step(step.kind, step.table, list(self.draft.devices))
            self.form.show_problems(self.checked.of_step(key))
            self.skip.setText("Don't skip" if step.skip else "Skip")

    def _step_changed(self, table: Mapping[str, Any]) -> None:
        if self._current is None:
            return
        step = replace(drafts.step_at(self.draft, self._current), table=table)
        self.draft = drafts.changed(self.draft, self._current, step)
        self.tree.show_summary(self._current, step)
        self._typed()

    def _settings_changed(self) -> None:
        atmosphere = {
            "gas": self.gas.text().strip(),
            "dew_point": _with_kelvin(self.dew_point.text().strip()),
        }
        policy = next(key for key, words in ON_FAILURE.items() if words == self.on_failure.currentText())
        settings = {
            **self.draft.settings,
            "operator": self.operator.text().strip(),
            "atmosphere": {key: text for key, text in atmosphere.items() if text},
            "on_failure": policy,
        }
        self.draft = replace(self.draft, name=self.name.text(), settings=settings)
        self._typed()

    def _typed(self) -> None:
        """Not to be queued before it was looked at again, which happens once the typing pauses."""
        self.enqueue.setEnabled(False)
        self._soon.start()

    def _dragged(self, key: Key, to: Key) -> None:
        self.show_draft(drafts.moved(self.draft, key, to))

    def _shift(self, by: int) -> None:
        if self._current is not None:
            self.show_draft(*drafts.shifted(self.draft, self._current, by))

    def _duplicate(self) -> None:
        if self._current is not None:
            self.show_draft(drafts.duplicated(self.draft, self._current), _behind(self._current))

    def _skip(self) -> None:
        if self._current is not None:
            self.show_draft(drafts.skipped(self.draft, self._current), self._current)

    def _remove(self) -> None:
        if self._current is not None:
            self.show_draft(drafts.removed(self.draft, self._current))

    def _enqueue(self) -> None:
        self.check()
        if self.checked.holds:
            self._kept = self.draft
            self.queued.emit(self.draft)
            self.close()

    def _offer_devices_to_edit(self) -> None:
        self._offer(
            self.edit_device, {name: partial(self.device_wanted.emit, name) for name in self.draft.devices}
        )

    def _offer_devices_to_drop(self) -> None:
        self._offer(
            self.drop_device, {name: partial(self._remove_device, name) for name in self.draft.devices}
        )

    def _offer_device_files(self) -> None:
        kept = {file.stem: partial(self.add_device_file, file) for file in saved_devices(self._kept_devices)}
        examples = {
            f"Example: {file.stem}": partial(self.add_device_file, file)
            for file in self._examples("device-*.toml")
        }
        first: dict[str, Callable[[], object]] = {
            "New device…": partial(self.device_wanted.emit, ""),
            "From a file…": self._ask_for_device,
        }
        self._offer(self.add_device, {**first, **kept, **examples})

    def _offer_plan_files(self) -> None:
        examples = {
            f"Example: {file.stem}": partial(self.load_file, file) for file in self._examples("plan-*.toml")
        }
        self._offer(self.load, {"From a file…": self._ask_for_plan, **examples})

    def _examples(self, pattern: str) -> list[Path]:
        """Files that came with the program, where there is nothing real to be broken with them."""
        folder = Path(str(files("qdlab.demo_files")))
        return sorted(folder.glob(pattern)) if self._simulated else []

    def _offer(self, below: QPushButton, entries: Mapping[str, Callable[[], object]]) -> None:
        """What can be done, below a button; the only thing there is to do at once."""
        if len(entries) == 1 and below is not self.drop_device:
            next(iter(entries.values()))()
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for words, act in entries.items():
            action = menu.addAction(words)
            assert action is not None
            action.triggered.connect(lambda checked=False, act=act: act())
        menu.popup(below.mapToGlobal(below.rect().bottomLeft()))

    def _remove_device(self, name: str) -> None:
        kept = {other: device for other, device in self.draft.devices.items() if other != name}
        self.show_draft(replace(self.draft, devices=kept), self._current)

    # Files

    def _ask_for_device(self) -> None:
        ask_for_path(self, "Which device?", chosen=self.add_device_file, pattern=TOML).show()

    def _ask_for_plan(self) -> None:
        ask_for_path(self, "Which plan?", chosen=self.load_file, pattern=TOML).show()

    def _ask_for_file(self) -> None:
        dialogue = ask_for_path(self, "Save the plan", chosen=self.save_file, pattern=TOML)
        dialogue.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialogue.setDefaultSuffix("toml")
        dialogue.show()

    def _errand(self, action: Callable[[], object], answered: Callable[[Any], object]) -> None:
        send(action, self, answered=answered, failed=self._say)

    def _say(self, sentence: str) -> None:
        self.words.setText(sentence)

    def done(self, result: int) -> None:
        """Close, however it is done; what was not kept is handed over."""
        for inside in self.findChildren(QDialog):
            inside.close()
        self.left.emit(None if self.draft is self._kept else self.draft)
        super().done(result)


def _behind(key: Key) -> Key:
    return (*key[:-1], key[-1] + 1)


def _with_kelvin(text: str) -> str:
    """A bare number is meant in kelvins."""
    return f"{text} K" if text.replace(".", "", 1).isdigit() else text


def _row(*widgets: QWidget) -> QWidget:
    """Widgets beside each other; what holds text takes the room that is left."""
    line = QWidget()
    layout = QHBoxLayout(line)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget, stretch=0 if isinstance(widget, QPushButton) else 1)
    return line
