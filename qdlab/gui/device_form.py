"""The form of a device: its stack as it stands on the substrate, area, wiring and limits, TOML in and out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from qdlab.gui.errands import send
from qdlab.gui.form import Form, Input, ProblemLabel, input_text, make_input, mark_missing, put_behind
from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel, ask_for_path, make_button
from qdlab.live import device_draft as drafts
from qdlab.live.device_draft import (
    NEW_DEVICE,
    CheckedDevice,
    DeviceDraft,
    DraftLayer,
    check_device,
    device_fields,
    layer_fields,
    limit_fields,
    read_device_draft,
    save_device,
)
from qdlab.live.forms import table_of, texts_of_table

TOML = "TOML (*.toml)"


class DeviceDialogue(QDialog):
    """Describes a device; `saved` carries its file once it is kept.

    `left` carries, once it is closed, what was changed and not saved; None where all of it was.

    Parameters
    ----------
    folder : where it is kept
    samples : what can stand in for it on a simulated bench; empty where the bench is real
    """

    saved = pyqtSignal(object)
    left = pyqtSignal(object)

    def __init__(
        self,
        theme: Theme,
        parent: QWidget,
        *,
        folder: Path,
        draft: DeviceDraft | None = None,
        samples: Sequence[str] = (),
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Describe a device")
        self.setModal(False)
        self.resize(1180, 600)
        self._folder, self._samples = folder, samples
        self.draft = draft or NEW_DEVICE
        self._kept = self.draft
        self._earlier: list[DeviceDraft] = []
        self.checked = CheckedDevice()
        self.form, self.stack, self.limits = Form(theme), StackForm(theme), Form(theme)
        self.form.changed.connect(self._device_changed)
        self.limits.changed.connect(self._limits_changed)
        self.stack.changed.connect(self._stack_changed)
        self.words = PlainLabel("")
        self.words.setWordWrap(True)
        self.load = make_button(
            "Load…", "A device from its file (Ctrl+L)", self._ask_for_device, key="Ctrl+L"
        )
        self.save_as = make_button(
            "Save as…", "Write it as TOML anywhere (Ctrl+S)", self._ask_for_file, key="Ctrl+S"
        )
        self.clear = make_button("Clear", "Begin with an empty form", self._clear)
        self.undo = make_button(
            "Undo", "Back to what was here before the last Load or Clear (Ctrl+Z)", self._undo, key="Ctrl+Z"
        )
        self.save = make_button(
            "Save the device",
            f"Keep it in {folder}, where the plan builder offers it (Ctrl+Return)",
            self._save,
            key="Ctrl+Return",
        )
        self._lay_out()
        self.show_draft(self.draft if draft else self._with_sample(self.draft))
        self._kept = self.draft

    def _lay_out(self) -> None:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.stack)
        column.addWidget(self.limits, stretch=1)
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.form, stretch=2)
        row.addWidget(right, stretch=3)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(both)
        foot = QHBoxLayout()
        for button in (self.load, self.save_as, self.clear, self.undo):
            foot.addWidget(button)
        foot.addStretch(1)
        foot.addWidget(self.save)
        layout = QVBoxLayout(self)
        layout.addWidget(area, stretch=1)
        layout.addWidget(self.words)
        layout.addLayout(foot)

    def _with_sample(self, draft: DeviceDraft) -> DeviceDraft:
        """A simulated bench can do nothing with a device that no sample stands in for."""
        if not self._samples:
            return draft
        return replace(draft, table={**draft.table, "simulated_as": self._samples[0]})

    def show_draft(self, draft: DeviceDraft) -> None:
        """Go on with another device."""
        self.draft = draft
        self.undo.setEnabled(bool(self._earlier))
        offered = {"simulated_as": ("", *self._samples)} if self._samples else {}
        self.form.show_table("Device", device_fields(simulated=bool(self._samples)), draft.table, offered)
        self.limits.show_table("Limits of this device", limit_fields(), draft.limits)
        self.stack.show_layers(draft.layers)
        self.check()
        self.form.inputs["identifier"].setFocus()

    def check(self) -> None:
        """Say what is wrong, or what follows from it; only what a plan would take can be saved."""
        self.checked = check_device(self.draft)
        self.stack.show_problems(self.checked)
        self.limits.show_problems(self.checked.of("limits"))
        elsewhere = ("layers", "active_layers", "limits")
        own = {key: words for key, words in self.checked.of().items() if key not in elsewhere}
        self.form.show_problems(own)
        wrong = len(self.checked.problems)
        settings = "1 setting is" if wrong == 1 else f"{wrong} settings are"
        todo = f"{settings} to be filled in or put right."
        self.words.setText(todo if wrong else " ".join(self.checked.facts))
        self.save.setEnabled(self.checked.holds)

    # What a person does

    def _device_changed(self, table: dict[str, Any]) -> None:
        self.draft = replace(self.draft, table=table)
        self.check()

    def _limits_changed(self, table: dict[str, Any]) -> None:
        self.draft = replace(self.draft, limits=table)
        self.check()

    def _stack_changed(self, layers: tuple[DraftLayer, ...]) -> None:
        self.draft = replace(self.draft, layers=layers)
        self.check()

    def _clear(self) -> None:
        self._replace(self._with_sample(NEW_DEVICE))

    def _replace(self, draft: DeviceDraft) -> None:
        self._earlier.append(self.draft)
        self.show_draft(draft)

    def _undo(self) -> None:
        if self._earlier:
            self.show_draft(self._earlier.pop())

    def load_file(self, file: Path) -> None:
        """Read a device file in a thread and go on with it."""
        self._errand(lambda: read_device_draft(file), self._replace)

    def save_file(self, file: Path) -> None:
        """Write the device in a thread, right or wrong: it may be finished another day."""
        draft = self.draft

        def write() -> None:
            file.write_text(draft.to_toml(), encoding="utf-8", newline="\n")

        self._errand(write, lambda _: self._kept_as(draft, file))

    def _save(self) -> None:
        self.check()
        if not self.checked.holds:
            return
        draft, folder = self.draft, self._folder
        self.save.setEnabled(False)  # once is enough
        self._errand(lambda: save_device(draft, folder), lambda file: self._saved(draft, file))

    def _saved(self, draft: DeviceDraft, file: Path) -> None:
        self._kept_as(draft, file)
        self.saved.emit(file)
        self.close()

    def _kept_as(self, draft: DeviceDraft, file: Path) -> None:
        self._kept = draft
        self.words.setText(f"saved as {file}")

    def _ask_for_device(self) -> None:
        ask_for_path(self, "Which device?", chosen=self.load_file, pattern=TOML).show()

    def _ask_for_file(self) -> None:
        dialogue = ask_for_path(self, "Save the device", chosen=self.save_file, pattern=TOML)
        dialogue.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialogue.setDefaultSuffix("toml")
        dialogue.show()

    def _errand(self, action: Callable[[], object], answered: Callable[[Any], object]) -> None:
        send(action, self, answered=answered, failed=self._refused)

    def _refused(self, sentence: str) -> None:
        self.words.setText(sentence)
        self.save.setEnabled(self.checked.holds)

    def done(self, result: int) -> None:
        """Close, however it is done; what was not kept is handed over."""
        self.left.emit(None if self.draft == self._kept else self.draft)
        super().done(result)


class StackForm(QWidget):
    """The films of a device, the top electrode on top; `changed` carries them from bottom to top."""

    changed = pyqtSignal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.draft = DeviceDraft()
        self.rows: list[FilmRow] = []
        title = PlainLabel("Films")
        title.setStyleSheet("font-weight: bold; font-size: 15px;")
        self.add = make_button("Add film", "One more film, next to the top electrode", self._add)
        self.whole = ProblemLabel(theme)
        head = QHBoxLayout()
        head.addWidget(title, stretch=1)
        head.addWidget(self.add)
        self._films = QWidget()
        self._layout = QVBoxLayout(self)
        self._layout.addLayout(head)
        self._layout.addWidget(self._films)
        self._layout.addWidget(self.whole)

    def show_layers(self, layers: tuple[DraftLayer, ...]) -> None:
        """Begin with another stack."""
        self.draft = DeviceDraft(layers=layers)
        fresh = QWidget()
        grid = QGridLayout(fresh)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        for column, field in enumerate(layer_fields()):
            unit = f" [{field.unit}]" if field.unit else ""
            grid.addWidget(PlainLabel(f"{field.name}{unit}"), 0, column)
            grid.setColumnStretch(column, 2 if field.key in ("material", "thickness") else 1)
        grid.addWidget(self._electrode("top electrode"), 1, 0, 1, -1)
        self.rows = [
            FilmRow(self._theme, number, layer, partial(self._typed, number))
            for number, layer in enumerate(layers)
        ]
        for number, row in enumerate(self.rows):
            row.put_into(grid, 2 * (len(layers) - number), self._buttons(number))
        grid.addWidget(self._electrode("bottom electrode, on the substrate"), 2 + 2 * len(layers), 0, 1, -1)
        self._layout.replaceWidget(self._films, fresh)
        self._films.hide()
        self._films.deleteLater()
        self._films = fresh
        put_behind(self.add, [widget for row in reversed(self.rows) for widget in row.widgets])

    def show_problems(self, checked: CheckedDevice) -> None:
        """What is wrong with each film, and with the stack."""
        for number, row in enumerate(self.rows):
            row.say(checked.of("layers", number))
        general = checked.of("active_layers").get("", "") or checked.of("layers").get("", "")
        self.whole.say(general)

    def _buttons(self, number: int) -> list[QPushButton]:
        """What can be done to one film."""
        return [
            make_button("▲", "Nearer to the top electrode", partial(self._shift, number, 1)),
            make_button("▼", "Nearer to the bottom electrode", partial(self._shift, number, -1)),
            make_button("✕", "Take the film out", partial(self._remove, number)),
        ]

    def _electrode(self, words: str) -> PlainLabel:
        label = PlainLabel(words)
        label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        label.setStyleSheet(
            f"color: {self._theme.muted}; border: 1px solid {self._theme.line}; padding: 1px;"
        )
        return label

    def _typed(self, number: int) -> None:
        layer = self.rows[number].layer()
        self.draft = drafts.with_changed_layer(self.draft, number, layer)
        self.changed.emit(self.draft.layers)

    def _add(self) -> None:
        self._rebuild(drafts.with_layer(self.draft, len(self.draft.layers)))
        self.rows[-1].inputs["material"].setFocus()

    def _remove(self, number: int) -> None:
        self._rebuild(drafts.without_layer(self.draft, number))

    def _shift(self, number: int, by: int) -> None:
        self._rebuild(drafts.with_shifted_layer(self.draft, number, by))

    def _rebuild(self, draft: DeviceDraft) -> None:
        self.show_layers(draft.layers)
        self.changed.emit(draft.layers)


class FilmRow:
    """The fields of one film, and what is wrong with it below them."""

    def __init__(self, theme: Theme, number: int, layer: DraftLayer, typed: Callable[[], object]) -> None:
        whose = f"of film {number + 1} from the bottom"
        texts = texts_of_table(layer_fields(), layer.table)
        self.inputs: dict[str, Input] = {
            field.key: make_input(field, field.choices, texts[field.key], typed, of=whose)
            for field in layer_fields()
        }
        self.active = QCheckBox("carriers cross it")
        self.active.setToolTip("Its thickness counts as the device's; tick every film they cross")
        self.active.setAccessibleName(f"Carriers cross film {number + 1} from the bottom")
        self.active.setChecked(layer.active)
        self.active.toggled.connect(lambda _: typed())
        self.problem = ProblemLabel(theme)
        self.widgets: tuple[QWidget, ...] = ()

    def put_into(self, grid: QGridLayout, line: int, buttons: Sequence[QPushButton]) -> None:
        """Take two lines of a grid."""
        self.widgets = (*self.inputs.values(), self.active, *buttons)
        for column, widget in enumerate(self.widgets):
            grid.addWidget(widget, line, column)
        grid.addWidget(self.problem, line + 1, 0, 1, -1)

    def say(self, found: Mapping[str, str]) -> None:
        """What is wrong with the film, in the order of its fields."""
        said = []
        for field in layer_fields():
            words = mark_missing(self.inputs[field.key], field, found.get(field.key, ""))
            said += [f"{field.name} {words}"] * bool(words)
        elsewhere = [words for key, words in found.items() if key not in self.inputs]
        self.problem.say("; ".join(said + elsewhere))

    def layer(self) -> DraftLayer:
        """The film as it stands in the fields now."""
        texts = {key: input_text(entry) for key, entry in self.inputs.items()}
        return DraftLayer(table=table_of(layer_fields(), texts), active=self.active.isChecked())
