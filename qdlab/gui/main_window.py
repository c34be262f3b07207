"""The lab window: a frame that says what is real, the bench, plots, results, log, and the red button."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from PyQt6.QtCore import QByteArray, QSettings, Qt, QUrl, pyqtBoundSignal
from PyQt6.QtGui import QAction, QCloseEvent, QDesktopServices, QKeySequence
from PyQt6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QInputDialog,
    QMainWindow,
    QMenu,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QStatusBar,
    QVBoxLayout,
    QWidget,
)

from qdlab.events import JournalEntry
from qdlab.gui.away import Work, write_report, write_whole
from qdlab.gui.box_card import BoxCard
from qdlab.gui.browser import SessionBrowser
from qdlab.gui.docks import BOTTOM, LEFT, RIGHT, DockWindow
from qdlab.gui.errands import send
from qdlab.gui.export_dialogue import ExportDialogue
from qdlab.gui.failures import Failures
from qdlab.gui.panels.cards import CardsPanel
from qdlab.gui.panels.disorder import DisorderPanel
from qdlab.gui.panels.jv import JVPanel
from qdlab.gui.panels.laws import ArrheniusPanel, FieldPanel
from qdlab.gui.panels.log import LogPanel
from qdlab.gui.panels.tel import TELPanel
from qdlab.gui.panels.temperature import TemperaturePanel
from qdlab.gui.theme import Theme
from qdlab.gui.turns import Turns
from qdlab.gui.widgets import (
    Chip,
    EmergencyButton,
    Mode,
    ModeFrame,
    ModeLabel,
    PlainLabel,
    Question,
    plain_tip,
    show_below,
)
from qdlab.gui.worker import ScreenWorker
from qdlab.live.bench import BenchScreen
from qdlab.live.overrides import Choice, straight_part_choice, window_choice
from qdlab.live.picture import Picture
from qdlab.live.pictures.cards import Card
from qdlab.live.session import SessionScreen
from qdlab.machine_clock import MachineClock
from qdlab.records.reopen import add_note

TOLD_MILLISECONDS = 8000


class OffSwitch(Protocol):
    """Switches everything off without waiting; `told` emits one sentence per box."""

    @property
    def told(self) -> pyqtBoundSignal: ...

    def switch_off(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class MenuEntry:
    """One line of a menu: its words, its key, and what it does."""

    text: str
    key: str
    act: Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What the window shows.

    Parameters
    ----------
    title, mode : what it is called, and what kind of thing it is
    worker : makes the pictures
    emergency : switches everything off
    bar : below the bench: interlocks and run, or the transport bar of a replay
    left : docks on the left side, by title
    actions : what else a person can do here, by menu
    session : the folder shown now; None before the first
    sessions : folder whose sessions the browser lists first
    read_session : reads another session, in whatever thread; what it gives shows it in a window of its own
    settings : where the layout is kept between days; None keeps none
    """

    title: str
    mode: Mode
    worker: ScreenWorker
    emergency: OffSwitch
    bar: QWidget
    session: Callable[[], Path | None]
    sessions: Path
    read_session: Callable[[Path], Callable[[], object]]
    left: Mapping[str, QWidget] = field(default_factory=dict)
    actions: Mapping[str, Sequence[MenuEntry]] = field(default_factory=dict)
    settings: QSettings | None = None


class MainWindow(QMainWindow):
    """Draws pictures; sends off; owns no instrument."""

    def __init__(self, opened: Opened, theme: Theme) -> None:
        super().__init__()
        self._opened, self._theme = opened, theme
        self.failure_box: QMessageBox | None = None
        self._picture: Picture | None = None
        self._writing: Work | None = None
        self.failures = Failures()
        self.failures.told.connect(self.show_failure)
        self.failures.catch()
        self.setWindowTitle(f"qdlab: {opened.title}")
        self.resize(1366, 768)
        self.emergency = EmergencyButton(theme)
        self.emergency.pressed_now.connect(opened.emergency.switch_off)
        opened.emergency.told.connect(self.show_off)
        self.chips: dict[str, Chip] = {}
        self.addresses: dict[str, str] = {}
        self.status = PlainLabel("")
        self.jv, self.tel = JVPanel(theme), TELPanel(theme)
        self.field, self.arrhenius, self.disorder = (
            FieldPanel(theme),
            ArrheniusPanel(theme),
            DisorderPanel(theme),
        )
        self.temperature, self.cards, self.log = TemperaturePanel(theme), CardsPanel(theme), LogPanel(theme)
        self._turns = Turns(self)
        self._turns.done.connect(opened.worker.picture_drawn)
        self.docks = self._dock_window()
        self.frame = ModeFrame(opened.mode, theme, self._whole())
        self.setCentralWidget(self.frame)
        self.status_bar = QStatusBar()
        self.status_bar.addWidget(self.status, 1)
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setMaximumWidth(160)
        self.busy.setToolTip("Something is being written")
        self.give_up = QPushButton("Cancel")
        self.give_up.setToolTip("Write no report after all; one from before stays as it is")
        self.give_up.clicked.connect(self.give_up_report)
        for widget in (self.busy, self.give_up):
            widget.hide()
            self.status_bar.addPermanentWidget(widget)
        self.menus: dict[str, QMenu] = {}
        self.setStatusBar(self.status_bar)
        self._make_menus()
        self._connect_panels()
        self._restore_layout()
        for dock in self.docks.findChildren(QDockWidget):
            dock.visibilityChanged.connect(self.redraw)
        opened.worker.picture_ready.connect(self.show_picture)
        opened.worker.failed.connect(self.show_failure)
        opened.worker.start()

    def _connect_panels(self) -> None:
        """What is chosen in a plot goes to the worker; what is to be kept goes into the journal."""
        worker = self._opened.worker
        self.jv.window_chosen.connect(worker.use_window)
        self.tel.part_chosen.connect(worker.use_straight_part)
        self.jv.record_wanted.connect(
            lambda run, window: self.record(
                window_choice(run, window), lambda: worker.keep_window(run, window)
            )
        )
        self.tel.record_wanted.connect(
            lambda series, part: self.record(
                straight_part_choice(series, part), lambda: worker.keep_straight_part(series, part)
            )
        )
        self.cards.wanted.connect(self.show_points)
        self.disorder.given_up.connect(worker.give_up_fit)
        self.disorder.wanted_again.connect(worker.fit_again)

    def _whole(self) -> QWidget:
        """Bench bar, run or transport bar, and the docks below them."""
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(6, 6, 6, 4)
        layout.setSpacing(4)
        self.bench_bar = QHBoxLayout()
        self.mode_word = ModeLabel(self._opened.mode, self._theme)
        self.chip_row = QHBoxLayout()
        self.bench_bar.addWidget(self.mode_word)
        self.bench_bar.addLayout(self.chip_row)
        self.bench_bar.addStretch(1)
        self.bench_bar.addWidget(self.emergency)
        layout.addLayout(self.bench_bar)
        layout.addWidget(self._opened.bar)
        layout.addWidget(self.docks, stretch=1)
        return content

    def _dock_window(self) -> DockWindow:
        """The plots as docks of a window inside the frame, J-V in the middle."""
        docks = DockWindow(self.jv)
        for title, widget in self._opened.left.items():
            docks.add(title, widget, LEFT)
        # titles short enough for four tabs beside one another
        laws = [
            docks.add("TEL", self.tel, RIGHT),
            docks.add("μ and field", self.field, RIGHT),
            docks.add("Arrhenius", self.arrhenius, RIGHT),
            docks.add("EGDM", self.disorder, RIGHT),
        ]
        for other in laws[1:]:
            docks.tabifyDockWidget(laws[0], other)
        laws[0].raise_()
        # a strip is wide and low: beside the lists it leaves the plots above their height
        results = docks.add("Results", self.cards, BOTTOM)
        strip = docks.add("Temperature", self.temperature, BOTTOM)
        log = docks.add("Log", self.log, BOTTOM)
        docks.splitDockWidget(results, strip, Qt.Orientation.Horizontal)
        docks.splitDockWidget(strip, log, Qt.Orientation.Horizontal)
        return docks

    def _make_menus(self) -> None:
        """Everything the window can do, each with a key."""
        own = (
            MenuEntry(text="Sessions…", key="Ctrl+O", act=self.browse),
            MenuEntry(text="Note…", key="Ctrl+N", act=self.ask_for_note),
            MenuEntry(text="Report…", key="Ctrl+P", act=self.write_report),
            MenuEntry(text="Export…", key="Ctrl+E", act=self.export),
            MenuEntry(text="Quadratic window…", key="Ctrl+D", act=self.jv.ask_for_window),
            MenuEntry(text="Straight part…", key="Ctrl+T", act=self.tel.ask_for_part),
            MenuEntry(text="Close the window", key="Ctrl+W", act=self.close),
        )
        for title, entries in {"&Session": own, **self._opened.actions}.items():
            self.menus[title] = self._menu(title)
            for entry in entries:
                self.add_entry(title, entry)
        panels = self._menu("&View")
        for number, dock in enumerate(self.docks.findChildren(QDockWidget), start=1):
            shown = dock.toggleViewAction()
            assert shown is not None
            shown.setShortcut(QKeySequence(f"Ctrl+{number}"))
            panels.addAction(shown)
        panels.addSeparator()
        search = QAction("Search the log", self)
        search.setShortcut(QKeySequence("Ctrl+F"))
        search.triggered.connect(lambda: self.log.words.setFocus())
        panels.addAction(search)
        every = QAction("All panels as at first", self)
        every.setShortcut(QKeySequence("Ctrl+0"))
        every.triggered.connect(self.docks.forget)
        panels.addAction(every)

    def add_entry(self, menu: str, entry: MenuEntry) -> None:
        """One more line at the end of a menu."""
        action = QAction(entry.text, self)
        action.setShortcut(QKeySequence(entry.key))
        action.triggered.connect(lambda checked=False, act=entry.act: act())
        self.menus[menu].addAction(action)

    def _menu(self, title: str) -> QMenu:
        bar = self.menuBar()
        assert bar is not None
        menu = bar.addMenu(title)
        assert menu is not None
        return menu

    def browse(self) -> SessionBrowser:
        """List the sessions of a folder in a dialogue beside the window."""
        browser = SessionBrowser(self._opened.sessions, self._theme, self)
        browser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        browser.chosen.connect(self.open_session)
        show_below(browser, self.docks)
        return browser

    def open_session(self, session: Path) -> None:
        """Show a session in a window of its own, once it is read."""
        self._tell(f"reading {session.name} …")
        self._send(lambda: self._opened.read_session(session), lambda show: show())

    def ask_for_note(self) -> QInputDialog:
        """Ask for a note in a dialogue beside the window."""
        dialogue = Question(
            self,
            "Note",
            "What to remember, with the time, in the session's journal:",
            refusal=lambda text: "" if text.strip() else "There is nothing written yet.",
        )
        dialogue.setOption(QInputDialog.InputDialogOption.UsePlainTextEditForTextInput)
        dialogue.setOkButtonText("Write it down")
        dialogue.textValueSelected.connect(self.note)
        show_below(dialogue, self.docks)
        return dialogue

    def note(self, text: str) -> None:
        """Write a note into the journal of the session shown, which nobody is recording into."""
        session = self._session()
        if session is not None and text.strip():
            self._send(
                lambda: add_note(session, text.strip(), clock=MachineClock()),
                lambda entry: self._tell(f"noted at {entry.utc}: {entry.text}"),
            )

    def record(self, choice: Choice, recorded: Callable[[], object]) -> None:
        """Write what was chosen by hand into the journal of the session shown."""
        session = self._session()
        if session is None:
            return

        def told(entry: JournalEntry) -> None:
            recorded()
            self._tell(f"recorded: {entry.text}")

        details = choice.details
        self._send(lambda: add_note(session, choice.text, clock=MachineClock(), details=details), told)

    def show_points(self, card: Card) -> None:
        """Bring the plot to the front that shows what a result rests on, and mark the points there."""
        panels = {
            "tel": self.tel,
            "field": self.field,
            "arrhenius": self.arrhenius,
            "disorder": self.disorder,
        }
        for dock in self.docks.findChildren(QDockWidget):
            if dock.widget() is panels.get(card.place):
                dock.show()
                dock.raise_()
        if card.place == "jv" and isinstance(card.key, str):
            self.jv.choose(card.key)
        if card.place == "tel" and isinstance(card.key, tuple):
            self.tel.choose(card.key)

    def write_report(self) -> None:
        """Analyse the session shown, write its report and open that in the browser; one at a time."""
        session = self._session()
        if session is None or self._writing is not None:
            return
        report, work = session / "report.html", Work()
        self._writing = work
        self._tell("the report is being written …")
        self._show_busy()
        send(
            lambda: write_whole(work, write_report, session, report),
            self,
            answered=lambda _: self._show_report(report),
            failed=self._no_report,
        )

    def give_up_report(self) -> None:
        """Write no report after all."""
        if self._writing is not None:
            self._writing.give_up()

    def _no_report(self, sentence: str) -> None:
        given_up = self._writing is not None and self._writing.is_given_up
        self._writing = None
        self._show_busy()
        if given_up:
            self._tell("no report written: cancelled")
        else:
            self.show_failure(sentence)

    def _show_busy(self) -> None:
        for widget in (self.busy, self.give_up):
            widget.setVisible(self._writing is not None)

    def export(self) -> ExportDialogue | None:
        """Choose what else to write of the session shown, and where, in a dialogue beside the window."""
        session = self._session()
        if session is None:
            return None
        dialogue = ExportDialogue(session, self)
        dialogue.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        show_below(dialogue, self.docks)
        return dialogue

    def _session(self) -> Path | None:
        session = self._opened.session()
        if session is None:
            self._tell("there is no session yet")
        return session

    def _send(self, action: Callable[[], object], answered: Callable[[Any], object]) -> None:
        """Have something done in a thread; a failure becomes a sentence."""
        send(action, self, answered=answered, failed=self.show_failure)

    def _show_report(self, report: Path) -> None:
        self._writing = None
        self._show_busy()
        opened = QDesktopServices.openUrl(QUrl.fromLocalFile(str(report)))
        self._tell(f"the report is written: {report.name} in the session's folder")
        if not opened:
            self.show_failure(f"No browser could be started; the report is written: {report}")

    def _tell(self, sentence: str) -> None:
        self.status_bar.showMessage(sentence, TOLD_MILLISECONDS)
        self.log.say(sentence)

    def show_picture(self, picture: Picture) -> None:
        """Draw the newest state of the session: the bench at once, then a panel at a time."""
        try:
            self._picture = picture
            self._show_screen(picture.screen)
            self.status.setText(picture.status)
        finally:
            self._turns.begin(self._parts(picture))

    def redraw(self) -> None:
        """Draw what a dock shows now that it is to be seen."""
        if self._picture is not None:
            self._turns.begin(self._parts(self._picture))

    def _show_screen(self, screen: SessionScreen) -> None:
        self._show_bench(screen.bench)

    def _parts(self, picture: Picture) -> list[Callable[[], None]]:
        """What each panel draws; one behind another draws once it comes to the front."""
        parts: tuple[tuple[QWidget, Callable[[], None]], ...] = (
            (self.jv, lambda: self.jv.show_traces(picture.jv)),
            (self.tel, lambda: self.tel.show_traces(picture.tel, picture.checks)),
            (self.field, lambda: self.field.show_field(picture.mobility)),
            (self.arrhenius, lambda: self.arrhenius.show_arrhenius(picture.arrhenius)),
            (self.disorder, lambda: self._show_disorder(picture)),
            (self.cards, lambda: self.cards.show_cards(picture.cards)),
            (self.temperature, lambda: self.temperature.show_screen(picture.screen.temperature)),
            (self.log, lambda: self.log.show_screen(picture.screen.journal)),
        )
        return [draw for panel, draw in parts if not panel.visibleRegion().isEmpty()]

    def _show_disorder(self, picture: Picture) -> None:
        failed = bool(picture.screen.disorder.failure)
        self.disorder.show_disorder(picture.disorder, picture.fitting, is_failure=failed)

    def _show_bench(self, bench: BenchScreen) -> None:
        for role, box in bench.shown.items():
            if role not in self.chips:
                self.chips[role] = Chip(box.name, self._theme)
                self.chips[role].clicked.connect(lambda role=role: self.show_box(role))
                self.chip_row.addWidget(self.chips[role])
            self.chips[role].show_state(box.words, box.kind)
            self.chips[role].setToolTip(plain_tip(box.identity))

    def show_box(self, role: str) -> BoxCard | None:
        """Who a box is, where it answers, and what last went wrong with it."""
        if self._picture is None:
            return None
        address = self.addresses.get(role, "simulated" if self._opened.mode == "SIMULATION" else "")
        card = BoxCard(self._theme, self._picture.screen.bench.boxes[role], address, self)
        card.safe_wanted.connect(self.make_safe)
        card.open_below(self.chips[role])
        return card

    def make_safe(self) -> None:
        """Every output off; here nothing is connected, and that is what is said."""
        self._opened.emergency.switch_off()

    def show_off(self, sentence: str) -> None:
        """One more thing the guardian said about switching off."""
        self.status_bar.showMessage(f"EMERGENCY OFF: {sentence}")
        self.log.say(f"EMERGENCY OFF: {sentence}")

    def show_failure(self, text: str) -> None:
        """Say what went wrong on this side, in one dialogue that stands beside the window.

        The measurement is another process and goes on. A failure at every redraw fills the same dialogue.
        """
        if self.failure_box is None:
            self.failure_box = QMessageBox(QMessageBox.Icon.Warning, "qdlab", "", parent=self)
            self.failure_box.setTextFormat(Qt.TextFormat.PlainText)
            self.failure_box.setModal(False)
        self.failure_box.setText(text.splitlines()[0])
        self.failure_box.setDetailedText(text)
        show_below(self.failure_box, self.docks)

    def _restore_layout(self) -> None:
        settings = self._opened.settings
        if settings is None:
            return
        for name, restore in (("geometry", self.restoreGeometry), ("docks", self.docks.restore)):
            value = settings.value(name)
            if isinstance(value, QByteArray) and value:
                restore(value)

    def open_up(self) -> None:
        """Show the window as it was left, the first time as large as the screen."""
        settings = self._opened.settings
        if settings is None or settings.value("geometry") is None:
            self.showMaximized()
        else:
            self.show()

    def leave(self) -> None:
        """Close without a question."""
        self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        settings = self._opened.settings
        if settings is not None:
            settings.setValue("geometry", self.saveGeometry())
            settings.setValue("docks", self.docks.state())
        self._turns.begin(())
        self._opened.worker.stop()
        self.emergency.let_go()
        self.failures.let_go()
        super().closeEvent(event)
