"""The pre-flight sheet: what was looked at before Start, in words and colours; red keeps Start disabled."""

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from qdlab.gui.theme import Theme
from qdlab.gui.widgets import PlainLabel
from qdlab.live.preflight_sheet import LineVerdict, Sheet

WORDS: dict[LineVerdict, str] = {"good": "OK", "look": "LOOK", "stop": "STOP"}


class PreflightSheet(QDialog):
    """Shows a sheet beside everything else; `start_wanted` once a person has read it."""

    start_wanted = pyqtSignal()
    check_wanted = pyqtSignal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Before the start")
        self.setModal(False)
        self.resize(760, 420)
        self._theme = theme
        self.warnings: tuple[str, ...] = ()
        self.title = PlainLabel("")
        self.title.setStyleSheet("font-weight: bold; font-size: 15px;")
        self.title.setWordWrap(True)
        self.words = PlainLabel("looking …")
        self.words.setWordWrap(True)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self.again = QPushButton("Check again")
        self.again.setAutoDefault(False)
        self.again.setToolTip("Ask the boxes and look at everything once more (F5)")
        self.again.setShortcut("F5")
        self.start = QPushButton("Start")
        self.start.setDefault(True)
        self.start.setToolTip("Have the plan carried out; closing the window will not end it")
        self.start.setMinimumWidth(180)
        self.close_button = QPushButton("Not now")
        self.close_button.setAutoDefault(False)
        self.close_button.setToolTip("Nothing starts; the plan stays in the queue (Esc)")
        foot = QHBoxLayout()
        foot.addWidget(self.again)
        foot.addStretch(1)
        foot.addWidget(self.close_button)
        foot.addWidget(self.start)
        layout = QVBoxLayout(self)
        layout.addWidget(self.title)
        layout.addWidget(self._area, stretch=1)
        layout.addWidget(self.words)
        layout.addLayout(foot)
        self.again.clicked.connect(self.check_wanted)
        self.start.clicked.connect(self.start_wanted)
        self.close_button.clicked.connect(self.close)
        self.wait("")

    def wait(self, title: str) -> None:
        """Nothing is known yet."""
        self.title.setText(title)
        self.warnings = ()
        self.words.setText("looking …")
        self.start.setText("Start")
        self.start.setEnabled(False)

    def show_sheet(self, sheet: Sheet) -> None:
        """What was found; what must be put right comes first."""
        content = QWidget()
        grid = QGridLayout(content)
        grid.setColumnStretch(2, 1)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(8)
        order: tuple[LineVerdict, ...] = ("stop", "look", "good")
        for row, line in enumerate(sorted(sheet.lines, key=lambda line: order.index(line.verdict))):
            verdict = PlainLabel(WORDS[line.verdict])
            verdict.setStyleSheet(f"color: {self._colour(line.verdict)}; font-weight: bold;")
            title, words = PlainLabel(line.title), PlainLabel(line.words)
            title.setStyleSheet("font-weight: bold;")
            words.setWordWrap(True)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            for column, label in enumerate((verdict, title, words)):
                grid.addWidget(label, row, column, Qt.AlignmentFlag.AlignTop)
        grid.setRowStretch(len(sheet.lines), 1)
        self._area.setWidget(content)
        self.warnings = sheet.warnings
        self.words.setText(sheet.words)
        self.start.setText(sheet.start_words if sheet.may_start else "Start")
        self.start.setEnabled(sheet.may_start)

    def _colour(self, verdict: LineVerdict) -> str:
        theme = self._theme
        return {"good": theme.good, "look": theme.active, "stop": theme.alarm}[verdict]
