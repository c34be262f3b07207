"""A table of a file as a form: every setting with its unit, and what is wrong with it beside the field."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel, plain_tip
from qdlab.live.forms import LEFT_OUT, NEEDED, FormField, table_of, texts_of_table

UNIT_WIDTH = 48  # [pixel]; the same for all, so that the fields line up

NO_CHOICES: Mapping[str, Sequence[str]] = MappingProxyType({})

Input = QLineEdit | QComboBox


class Form(QWidget):
    """Shows one table; `changed` carries it as it stands in a file, right or wrong."""

    changed = pyqtSignal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._form_fields: Sequence[FormField] = ()
        self.inputs: dict[str, Input] = {}
        self.said: dict[str, ProblemLabel] = {}
        self._rows: dict[str, tuple[QWidget, QWidget]] = {}
        self.title = PlainLabel("")
        self.title.setStyleSheet("font-weight: bold; font-size: 15px;")
        self.purpose = PlainLabel("")
        self.purpose.setStyleSheet(f"color: {theme.muted};")
        self.purpose.setWordWrap(True)
        self.purpose.hide()
        self.whole = ProblemLabel(theme)
        self.every = QCheckBox("All settings")
        self.every.setToolTip("Show also the settings that are rarely changed")
        self.every.toggled.connect(self._show_rows)
        head = QHBoxLayout()
        head.addWidget(self.title, stretch=1)
        head.addWidget(self.every)
        self._fields = QWidget()
        self._layout = QVBoxLayout(self)
        self._layout.addLayout(head)
        self._layout.addWidget(self.purpose)
        self._layout.addWidget(self.whole)
        self._layout.addWidget(self._fields)
        self._layout.addStretch(1)

    def show_table(
        self,
        title: str,
        fields: Sequence[FormField],
        table: Mapping[str, Any],
        choices: Mapping[str, Sequence[str]] = NO_CHOICES,
    ) -> None:
        """Begin with another table; `choices` are words offered besides those of the fields."""
        self._form_fields = fields
        self.title.setText(title)
        self.inputs, self.said, self._rows = {}, {}, {}
        fresh = QWidget()
        form = QFormLayout(fresh)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        texts = texts_of_table(fields, table)
        for field in fields:
            self._add_row(form, field, choices.get(field.key, field.choices), texts[field.key])
        self._layout.replaceWidget(self._fields, fresh)
        self._fields.hide()
        self._fields.deleteLater()
        self._fields = fresh
        put_behind(self.every, self.inputs.values())
        self.every.setVisible(any(not field.main for field in fields))
        self.show_problems({})

    def show_problems(self, found: Mapping[str, str]) -> None:
        """What is wrong with the table, by setting; the empty one for all of it."""
        for field in self._form_fields:
            told = mark_missing(self.inputs[field.key], field, found.get(field.key, ""))
            self.said[field.key].say(told)
        self.whole.say("\n".join(words for key, words in found.items() if key not in self.said))
        self._show_rows()

    def _add_row(self, form: QFormLayout, field: FormField, choices: Sequence[str], text: str) -> None:
        entry = make_input(field, choices, text, self._typed)
        self.inputs[field.key], self.said[field.key] = entry, ProblemLabel(self._theme)
        label = PlainLabel(field.name)
        label.setBuddy(entry)
        label.setToolTip(entry.toolTip())
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

    def _typed(self) -> None:
        self.changed.emit(table_of(self._form_fields, self._texts()))

    def _texts(self) -> dict[str, str]:
        return {key: input_text(entry) for key, entry in self.inputs.items()}

    def _show_rows(self) -> None:
        """The main settings, those that were changed, and those with something wrong; or all."""
        texts = self._texts()
        for field in self._form_fields:
            wanted = (
                self.every.isChecked()
                or field.main
                or texts[field.key] != field.default
                or bool(self.said[field.key].text())
            )
            for widget in self._rows[field.key]:
                widget.setVisible(wanted)


class ProblemLabel(PlainLabel):
    """What is wrong, in the colour of that."""

    def __init__(self, theme: Theme) -> None:
        super().__init__("")
        self.setStyleSheet(f"color: {theme.alarm};")
        self.setWordWrap(True)
        self.hide()

    def say(self, words: str) -> None:
        """Say what is wrong; nothing hides it."""
        self.setText(words)
        self.setVisible(bool(words))


def make_input(
    field: FormField, choices: Sequence[str], text: str, typed: Callable[[], object], *, of: str = ""
) -> Input:
    """What a person types or chooses into; `of` says whose setting it is, where there are several alike."""
    entry: Input
    if choices:
        entry = QComboBox()
        entry.addItems(choices if text in choices else [*choices, text])
        entry.setCurrentText(text)
        entry.currentTextChanged.connect(lambda _: typed())
    else:
        entry = QLineEdit(text)
        entry.setPlaceholderText(field.example)
        entry.setCursorPosition(0)
        entry.textChanged.connect(lambda _: typed())
    unit = f" [{field.unit}]" if field.unit else ""
    entry.setAccessibleName(" ".join(filter(None, (f"{field.name}{unit}", of))))
    entry.setToolTip(plain_tip(f"{field.hint or field.name}{unit}"))
    return entry


def put_behind(first: QWidget, widgets: Iterable[QWidget]) -> None:
    """Have Tab go from the first through these in their order; what was made later would come last."""
    for widget in widgets:
        QWidget.setTabOrder(first, widget)
        first = widget


def mark_missing(entry: Input, field: FormField, problem: str) -> str:
    """Say inside an empty field that it is needed, which moves nothing; what is left to be told."""
    if not isinstance(entry, QLineEdit):
        return problem
    missing = problem == NEEDED and not entry.text().strip()
    example = "" if field.example == LEFT_OUT else f", {field.example}"
    entry.setPlaceholderText(f"needed{example}" if missing else field.example)
    return "" if missing else problem


def input_text(entry: Input) -> str:
    """What stands in it."""
    return entry.currentText() if isinstance(entry, QComboBox) else entry.text()
