"""The form of one step: every setting with its unit, and what is wrong with it beside the field."""

from collections.abc import Mapping, Sequence
from typing import Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel
from qdlab.live.forms import FormField
from qdlab.live.plan_form import form_fields, problems, step_table, texts_of, title_of

UNIT_WIDTH = 48  # [pixel]; the same for all, so that the fields line up


class StepForm(QWidget):
    """Shows one step; `changed` carries its table as it stands in a file, right or wrong."""

    changed = pyqtSignal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._kind = ""
        self.inputs: dict[str, QLineEdit | QComboBox] = {}
        self.said: dict[str, PlainLabel] = {}
        self._rows: dict[str, tuple[QWidget, QWidget]] = {}
        self.title = PlainLabel("")
        self.title.setStyleSheet("font-weight: bold; font-size: 15px;")
        self.whole = self._alarm()
        self.every = QCheckBox("All settings")
        self.every.setToolTip("Show also the settings that are rarely changed")
        self.every.toggled.connect(self._show_rows)
        head = QHBoxLayout()
        head.addWidget(self.title, stretch=1)
        head.addWidget(self.every)
        self._fields = QWidget()
        self._layout = QVBoxLayout(self)
        self._layout.addLayout(head)
        self._layout.addWidget(self.whole)
        self._layout.addWidget(self._fields)
        self._layout.addStretch(1)

    def show_step(self, kind: str, table: Mapping[str, Any], devices: Sequence[str]) -> None:
        """Begin with another step; the plan's devices are offered where one is asked for."""
        self._kind = kind
        self.title.setText(title_of(kind))
        self.inputs, self.said, self._rows = {}, {}, {}
        fresh = QWidget()
        form = QFormLayout(fresh)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        texts = texts_of(kind, table)
        for field in form_fields(kind):
            choices = ("", *devices) if (kind, field.key) == ("operator", "device") else field.choices
            self._add_row(form, field, choices, texts[field.key])
        self._layout.replaceWidget(self._fields, fresh)
        self._fields.hide()
        self._fields.deleteLater()
        self._fields = fresh
        self.every.setVisible(any(not field.main for field in form_fields(kind)))
        self.show_problems({})

    def show_problems(self, elsewhere: Mapping[str, str]) -> None:
        """What the plan as a whole finds wrong with this step, by setting; the empty one for all of it."""
        found = {**elsewhere, **problems(self._kind, self._texts())}
        for key, label in self.said.items():
            label.setText(found.get(key, ""))
            label.setVisible(key in found)
        rest = [words for key, words in found.items() if key not in self.said]
        self.whole.setText("\n".join(rest))
        self.whole.setVisible(bool(rest))
        self._show_rows()

    def _add_row(self, form: QFormLayout, field: FormField, choices: Sequence[str], text: str) -> None:
        entry = self._input(field, choices, text)
        self.inputs[field.key], self.said[field.key] = entry, self._alarm()
        label = PlainLabel(field.name)
        label.setBuddy(entry)
        label.setToolTip(field.hint)
        unit = PlainLabel(field.unit)
        unit.setMinimumWidth(UNIT_WIDTH)
        line = QHBoxLayout()
        line.addWidget(entry, stretch=1)
        line.addWidget(unit)
        cell = QWidget()
        column = QVBoxLayout(cell)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addLayout(line)
        column.addWidget(self.said[field.key])
        self._rows[field.key] = (label, cell)
        form.addRow(label, cell)

    def _input(self, field: FormField, choices: Sequence[str], text: str) -> QLineEdit | QComboBox:
        if choices:
            choice = QComboBox()
            choice.addItems(choices if text in choices else [*choices, text])
            choice.setCurrentText(text)
            choice.setToolTip(field.hint)
            choice.currentTextChanged.connect(self._typed)
            return choice
        line = QLineEdit(text)
        line.setToolTip(field.hint)
        line.setPlaceholderText(field.example)
        line.setCursorPosition(0)
        line.textChanged.connect(self._typed)
        return line

    def _alarm(self) -> PlainLabel:
        label = PlainLabel("")
        label.setStyleSheet(f"color: {self._theme.alarm};")
        label.setWordWrap(True)
        label.hide()
        return label

    def _typed(self) -> None:
        self.show_problems({})
        self.changed.emit(step_table(self._kind, self._texts()))

    def _texts(self) -> dict[str, str]:
        return {
            key: entry.currentText() if isinstance(entry, QComboBox) else entry.text()
            for key, entry in self.inputs.items()
        }

    def _show_rows(self) -> None:
        """The main settings, those that were changed, and those with something wrong; or all."""
        texts = self._texts()
        for field in form_fields(self._kind) if self._kind else ():
            wanted = (
                self.every.isChecked()
                or field.main
                or texts[field.key] != field.default
                or bool(self.said[field.key].text())
            )
            for widget in self._rows[field.key]:
                widget.setVisible(wanted)
