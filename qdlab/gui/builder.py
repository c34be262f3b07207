"""The plan builder: a form made of a procedure's own parameters, checked while one types, saved and run."""

from collections.abc import Mapping
from pathlib import Path

import tomli_w
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from qdlab.config import load_plan
from qdlab.errors import QdlabError
from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel
from qdlab.live.plan_form import FormField, form_fields, plan_document, problems, procedures

UNIT_WIDTH = 48  # [pixel]; the same for all, so that the fields line up


class PlanBuilder(QDialog):
    """One procedure on one device; `saved` carries the file once a plan as a whole holds."""

    saved = pyqtSignal(object)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Build a plan")
        self.setModal(False)
        self.resize(620, 640)
        self._theme = theme
        self._procedures = procedures()
        self.inputs: dict[str, QLineEdit | QComboBox] = {}
        self._said: dict[str, PlainLabel] = {}
        self.procedure = QComboBox()
        self.procedure.addItems([kind.replace("_", " ") for kind in self._procedures])
        self.procedure.setCurrentText("jv sweep")
        self.name = QLineEdit("One measurement")
        self.device = QLineEdit()
        self.device.setPlaceholderText("a device file (*.toml)")
        self.choose = QPushButton("Choose…")
        self.choose.setAutoDefault(False)
        self.choose.clicked.connect(self._ask_for_device)
        device = QHBoxLayout()
        device.addWidget(self.device)
        device.addWidget(self.choose)
        head = QFormLayout()
        head.addRow("Plan", self.name)
        head.addRow("Device", device)
        head.addRow("Procedure", self.procedure)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.words = PlainLabel("")
        self.words.setWordWrap(True)
        self.save = QPushButton("Save and run…")
        self.save.setAutoDefault(False)
        self.save.setToolTip("Write the plan as TOML, and have it executed")
        layout = QVBoxLayout(self)
        layout.addLayout(head)
        layout.addWidget(self.area, stretch=1)
        layout.addWidget(self.words)
        layout.addWidget(self.save)
        self.procedure.currentTextChanged.connect(self._make_form)
        self.name.textChanged.connect(self._check)
        self.device.textChanged.connect(self._check)
        self.save.clicked.connect(self._ask_for_file)
        self._make_form()

    def save_as(self, file: Path) -> None:
        """Write the plan; one that does not hold as a whole is told, and stays to be put right."""
        kind = self._procedures[self._kind()]
        document = plan_document(self.name.text(), Path(self.device.text()), kind, self._texts())
        try:
            file.write_text(tomli_w.dumps(document), encoding="utf-8", newline="\n")
            load_plan(file)
        except (QdlabError, OSError) as problem:
            self.words.setText(str(problem))
        else:
            self.words.setText(f"saved as {file}")
            self.saved.emit(file)

    def _kind(self) -> str:
        return self.procedure.currentText().replace(" ", "_")

    def _make_form(self) -> None:
        content = QWidget()
        form = QFormLayout(content)
        self.inputs, self._said = {}, {}
        for field in form_fields(self._procedures[self._kind()]):
            entry = self._input(field)
            self.inputs[field.key], self._said[field.key] = entry, PlainLabel("")
            self._said[field.key].setStyleSheet(f"color: {self._theme.alarm};")
            self._said[field.key].setWordWrap(True)
            row = QHBoxLayout()
            row.addWidget(entry, stretch=1)
            unit = PlainLabel(field.unit)
            unit.setMinimumWidth(UNIT_WIDTH)
            row.addWidget(unit)
            form.addRow(field.name, row)
            form.addRow("", self._said[field.key])
        self.area.setWidget(content)
        self._check()

    def _input(self, field: FormField) -> QLineEdit | QComboBox:
        if field.choices:
            choice = QComboBox()
            choice.addItems(field.choices)
            choice.setCurrentText(field.default)
            choice.setToolTip(field.hint)
            choice.currentTextChanged.connect(self._check)
            return choice
        line = QLineEdit(field.default)
        line.setToolTip(field.hint)
        line.setPlaceholderText(field.example)
        line.textChanged.connect(self._check)
        return line

    def _texts(self) -> Mapping[str, str]:
        return {
            key: entry.currentText() if isinstance(entry, QComboBox) else entry.text()
            for key, entry in self.inputs.items()
        }

    def _check(self) -> None:
        """Say what is wrong beside each field; nothing wrong can be saved."""
        found = problems(self._procedures[self._kind()], self._texts())
        for key, label in self._said.items():
            label.setText(found.get(key, ""))
            label.setVisible(key in found)
        missing = [
            words
            for words, entry in (("give the plan a name", self.name), ("choose a device file", self.device))
            if not entry.text().strip()
        ]
        self.words.setText("; ".join(missing))
        self.save.setEnabled(not missing and not found)

    def _ask_for_device(self) -> None:
        dialogue = self._file_dialogue("Which device?", QFileDialog.AcceptMode.AcceptOpen)
        dialogue.fileSelected.connect(self.device.setText)

    def _ask_for_file(self) -> None:
        dialogue = self._file_dialogue("Save the plan", QFileDialog.AcceptMode.AcceptSave)
        dialogue.setDefaultSuffix("toml")
        dialogue.fileSelected.connect(lambda name: self.save_as(Path(name)))

    def _file_dialogue(self, title: str, mode: QFileDialog.AcceptMode) -> QFileDialog:
        dialogue = QFileDialog(self, title, "", "TOML (*.toml)")
        dialogue.setAcceptMode(mode)
        dialogue.setModal(False)
        dialogue.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialogue.show()
        return dialogue
