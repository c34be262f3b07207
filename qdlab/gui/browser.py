"""The session browser: what a folder holds, with a glance at the curves; opens sessions, or compares them."""

from pathlib import Path

from PyQt6.QtCore import QPointF, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from qdlab.gui.away import away
from qdlab.gui.comparison import ComparisonWindow
from qdlab.gui.errands import send
from qdlab.gui.theme import Theme, temperature_colour
from qdlab.gui.widgets import PlainLabel, ask_for_path, plain_tip
from qdlab.live.browse import SessionLine, sessions_in
from qdlab.live.thumbnail import Thumbnail, thumbnails

_HEADINGS = ("curves", "begun (UTC)", "plan", "devices", "runs", "end")
GLANCE = QSize(96, 54)
AT_ONCE = 8  # sessions read before their thumbnails are shown
GLANCE_AFTER = 300  # [ms]
SHOWN = 200  # newest sessions that get one


class SessionBrowser(QDialog):
    """Lists sessions beside everything else; the folder is read in a thread, the curves in a process."""

    chosen = pyqtSignal(object)

    def __init__(self, folder: Path, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Sessions")
        self.setModal(False)
        self.resize(980, 520)
        self._theme = theme
        self.lines: list[SessionLine] = []
        self._waiting: list[Path] = []
        self.words = PlainLabel("")
        self.table = QTableWidget(0, len(_HEADINGS))
        self.table.setHorizontalHeaderLabels(list(_HEADINGS))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setIconSize(GLANCE)
        self.table.setAccessibleName("Sessions")
        self.table.setToolTip(
            "A double click, or Enter, opens a session as a replay; choose several to compare"
        )
        rows, columns = self.table.verticalHeader(), self.table.horizontalHeader()
        assert rows is not None and columns is not None
        rows.setVisible(False)
        rows.setDefaultSectionSize(GLANCE.height() + 6)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        columns.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        columns.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self.table.setColumnWidth(0, GLANCE.width() + 10)
        self.compare = QPushButton("Compare")
        self.compare.setToolTip("The sweeps of the chosen sessions in one plot, their results in one table")
        self.compare.setAutoDefault(False)
        self.compare.setEnabled(False)
        self.other = QPushButton("Other folder…")
        self.other.setAutoDefault(False)
        self.other.setToolTip("List the sessions of another folder")
        line = QHBoxLayout()
        line.addWidget(self.words, stretch=1)
        line.addWidget(self.compare)
        line.addWidget(self.other)
        layout = QVBoxLayout(self)
        layout.addLayout(line)
        layout.addWidget(self.table)
        self.table.cellActivated.connect(self._choose)
        self.table.itemSelectionChanged.connect(self._selected)
        self.compare.clicked.connect(self.compare_chosen)
        self.other.clicked.connect(self._ask_for_folder)
        self.look_into(folder)

    def look_into(self, folder: Path) -> None:
        """List the sessions of this folder."""
        self.words.setText(f"reading {folder} …")
        send(lambda: (folder, sessions_in(folder)), self, answered=self._show, failed=self.words.setText)

    def _show(self, found: tuple[Path, list[SessionLine]]) -> None:
        folder, self.lines = found
        count = f"{len(self.lines)} session{'s' * (len(self.lines) != 1)} in {folder}"
        self.words.setText(f"{count}: a double click opens one" if self.lines else count)
        self.table.setRowCount(len(self.lines))
        for row, line in enumerate(self.lines):
            begun = line.created[:19].replace("T", " ")
            cells = ("", begun, line.name, ", ".join(line.devices), str(line.runs), line.end)
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip(plain_tip(text))
                self.table.setItem(row, column, item)
        self._waiting = [line.path for line in self.lines[:SHOWN] if line.devices]
        # the list first: whoever knows what to open does not wait for pictures
        QTimer.singleShot(GLANCE_AFTER, self._next_thumbnails)

    def _next_thumbnails(self) -> None:
        paths, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        if paths:
            send(
                lambda: away(thumbnails, paths),
                self,
                answered=self._show_thumbnails,
                failed=self.words.setText,
            )

    def _show_thumbnails(self, found: list[Thumbnail]) -> None:
        rows = {line.path: row for row, line in enumerate(self.lines)}
        for one in found:
            item = self.table.item(rows.get(one.path, -1), 0)
            if item is None:
                continue  # another folder is shown by now
            if one.lines:
                item.setIcon(QIcon(draw_thumbnail(one, self._theme)))
            else:
                item.setText(one.words)
        self._next_thumbnails()

    def _choose(self, row: int) -> None:
        self.chosen.emit(self.lines[row].path)

    def _paths(self) -> list[Path]:
        return [
            self.lines[row].path for row in sorted({index.row() for index in self.table.selectedIndexes()})
        ]

    def _selected(self) -> None:
        self.compare.setEnabled(len(self._paths()) > 1)

    def compare_chosen(self) -> ComparisonWindow | None:
        """The chosen sessions side by side, in a window beside this one; None where none are chosen."""
        if not self._paths():
            return None
        window = ComparisonWindow(self._paths(), self._theme, self)
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        window.show()
        return window

    def _ask_for_folder(self) -> None:
        dialogue = ask_for_path(self, "Sessions in which folder?", chosen=self.look_into)
        dialogue.setFileMode(QFileDialog.FileMode.Directory)
        dialogue.show()


def draw_thumbnail(thumbnail: Thumbnail, theme: Theme) -> QPixmap:
    """The curves of a session, coloured by temperature, without axes."""
    picture = QPixmap(GLANCE)
    picture.fill(QColor(theme.base))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    width, height = GLANCE.width() - 8, GLANCE.height() - 8
    for line in thumbnail.lines:
        painter.setPen(QPen(QColor(temperature_colour(line.share, 0.0, 1.0, theme)), 1.2))
        places = [
            QPointF(4 + float(x) * width, 4 + (1 - float(y)) * height)
            for x, y in zip(line.x, line.y, strict=True)
        ]
        painter.drawPolyline(QPolygonF(places))
    painter.end()
    return picture
