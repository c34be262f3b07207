"""The window on a bench: a queue of plans, what keeps a run safe, and a line to the runner."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from qdlab.awake import sleep_warning
from qdlab.config import BenchConfig, plan_from_document
from qdlab.errors import QdlabError
from qdlab.gui.builder import PlanBuilder
from qdlab.gui.closing import Closing, ClosingQuestion, remember, remembered
from qdlab.gui.device_form import DeviceDialogue
from qdlab.gui.interlock_bar import InterlockBar
from qdlab.gui.main_window import MainWindow, MenuEntry, Opened
from qdlab.gui.notices import prompt_card, resume_card, trip_card
from qdlab.gui.preflight import PreflightSheet
from qdlab.gui.queue_keeper import QueueKeeper
from qdlab.gui.queue_panel import QueuePanel
from qdlab.gui.run_bar import RunBar
from qdlab.gui.runner_link import RunnerLink
from qdlab.gui.theme import Theme
from qdlab.gui.widgets import ask_for_path, show_below
from qdlab.live import plan_queue as queues
from qdlab.live import session as live
from qdlab.live.device_draft import DeviceDraft, devices_folder, draft_of_device
from qdlab.live.interlocks import interlocks
from qdlab.live.overrides import Choice
from qdlab.live.plan_draft import Draft, draft_of, read_draft
from qdlab.live.plan_progress import skipped_keys
from qdlab.live.plan_queue import PlanQueue, QueuedPlan
from qdlab.live.preflight_sheet import BenchFacts, Sheet, facts_of, make_sheet
from qdlab.live.resume import ResumeQuestion, resume_question
from qdlab.live.session import SessionScreen
from qdlab.paths import data_directory, file_stem
from qdlab.protocol import GuardianReport, Health
from qdlab.records import open_session
from qdlab.unfinished import is_next_to_resume

NOTHING = live.initial({})


class BenchBar(QWidget):
    """Below the bench: interlocks, what is asked or told, and the run."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.interlocks = InterlockBar(theme)
        self.trip, self.prompt, self.resume = trip_card(theme), prompt_card(theme), resume_card(theme)
        self.run = RunBar()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self.interlocks, self.trip, self.prompt, self.resume, self.run):
            layout.addWidget(widget)

    def menu(self) -> list[MenuEntry]:
        """What can be done to a run, with its keys."""
        run, prompt = self.run, self.prompt.buttons["Continue"]
        return [
            MenuEntry(text="Pause or go on", key="Ctrl+,", act=run.pause.click),
            MenuEntry(text="Stop after the present point", key="Ctrl+.", act=run.stop.click),
            MenuEntry(text="Abort now", key="Ctrl+Shift+.", act=run.abort.click),
            MenuEntry(text="Continue: what was asked for is done", key="Ctrl+Return", act=prompt.click),
        ]


def queue_menu(panel: QueuePanel) -> list[MenuEntry]:
    """What can be done to the queue, with its keys."""
    return [
        MenuEntry(text="Build a plan…", key="Ctrl+B", act=panel.new.click),
        MenuEntry(text="Open a plan file…", key="Ctrl+R", act=panel.open.click),
        MenuEntry(text="Describe a device…", key="Ctrl+Shift+B", act=panel.device_wanted.emit),
        MenuEntry(text="Start…", key="Ctrl+G", act=panel.start.click),
    ]


class BenchWindow(MainWindow):
    """A main window with a queue and a line to the runner; closing it lets go of the run, which goes on.

    Parameters
    ----------
    config : of the bench
    output : folder for the sessions of plans started here
    """

    def __init__(
        self,
        opened: Opened,
        theme: Theme,
        *,
        link: RunnerLink,
        bar: BenchBar,
        panel: QueuePanel,
        config: BenchConfig,
        output: Path,
        runtime: Path,
    ) -> None:
        super().__init__(opened, theme)
        self._link, self._bar, self._panel = link, bar, panel
        self._config, self._output = config, output
        self._hello: dict[str, Any] = {}
        self._trouble = ""
        self._health: Health | None = None
        self._guardian: list[GuardianReport] = []
        self._seen: tuple[Path | None, int] = (None, 0)
        self._question: ResumeQuestion | None = None
        self._handing_over = False
        self._recorded_failures: set[str] = set()
        self._unfinished: Draft | None = None
        self._unfinished_device: DeviceDraft | None = None
        self._sheet: PreflightSheet | None = None
        self._leaving = self._ends_first = self._closes_when_answered = False
        self.add_entry(
            "&Run", MenuEntry(text="When the window closes…", key="", act=lambda: self.ask_about_closing())
        )
        self._folder = data_directory()
        stem = file_stem(config.name)
        self._keeper = QueueKeeper(self._folder / f"queue-{stem}.json", bench=config.name, runtime=runtime)
        self._connect()
        self._show_interlocks()
        self._keeper.start()
        self._send(lambda: _newest_question(output), self._offer_resume)

    def _connect(self) -> None:
        panel, link, bar = self._panel, self._link, self._bar
        panel.new_wanted.connect(self.build_plan)
        panel.device_wanted.connect(self.describe_device)
        panel.open_wanted.connect(self.choose_plan)
        panel.edit_wanted.connect(self.edit_plan)
        panel.start_wanted.connect(self.prepare)
        panel.changed.connect(self._keeper.keep)
        panel.skips_changed.connect(self._skip_steps)
        bar.run.commanded.connect(link.command)
        bar.run.note.clicked.connect(self.ask_for_note)
        bar.run.report.clicked.connect(self.write_report)
        bar.prompt.on("Continue", lambda: link.command("answer"))
        bar.trip.on("Seen", self._acknowledge)
        bar.resume.on("Resume", self._resume)
        bar.resume.on("Show it", self._show_unfinished)
        bar.resume.on("Not now", lambda: self._offer_resume(None))
        link.attached.connect(self._show_hello)
        link.unreachable.connect(self._show_trouble)
        link.changed.connect(self._show_state)
        link.progressed.connect(self._show_progress)
        link.healthy.connect(self._show_health)
        link.ended.connect(self._show_end)
        link.not_started.connect(self._show_refusal)
        link.detached.connect(self._show_gone)
        link.guardian_said.connect(self._show_guardian)
        link.ended.connect(self._close_if_wanted)
        link.detached.connect(self._close_if_wanted)
        link.refused.connect(self.show_failure)
        self._keeper.found.connect(self._take_queue)
        self._keeper.taken.connect(self._lose_queue)
        self._keeper.failed.connect(self.show_failure)
        self.failures.told.connect(self._record_failure)

    # Plans into the queue

    def choose_plan(self) -> None:
        """Ask for a plan file, beside everything else, and put it into the queue."""
        dialogue = ask_for_path(self, "Open a plan", chosen=self.open_plan, pattern="Plans (*.toml)")
        show_below(dialogue, self.docks)

    def open_plan(self, file: Path) -> None:
        """Read a plan file in a thread and put it into the queue."""
        self._send(lambda: read_draft(file), self.enqueue)

    def enqueue(self, draft: Draft) -> None:
        """Put a plan into the queue."""
        self._change(queues.added(self._panel.queue, draft))

    def build_plan(self, draft: Draft | None = None) -> PlanBuilder:
        """Build a plan in forms beside the window; it comes into the queue once it holds."""
        builder = self._builder(draft or self._unfinished)
        builder.queued.connect(lambda built: self.enqueue(built))
        builder.left.connect(self._keep_unfinished)
        return builder

    def _keep_unfinished(self, draft: Draft | None) -> None:
        """What was begun and neither queued nor saved is there again when the next plan is built."""
        self._unfinished = draft

    def edit_plan(self, number: int) -> PlanBuilder:
        """Change a plan of the queue that has not begun."""
        builder = self._builder(self._panel.queue.plan(number).draft)
        builder.queued.connect(lambda built: self._change(queues.edited(self._panel.queue, number, built)))
        return builder

    def _builder(self, draft: Draft | None) -> PlanBuilder:
        simulated = self._config.kind == "simulation"
        builder = PlanBuilder(
            self._theme,
            self,
            draft=draft,
            limits=self._config.limits,
            simulated=simulated,
            kept_devices=devices_folder(self._folder),
        )
        builder.device_wanted.connect(lambda name: self._describe_for(builder, name))
        builder.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        show_below(builder, self.docks)
        return builder

    def describe_device(
        self, draft: DeviceDraft | None = None, parent: QWidget | None = None
    ) -> DeviceDialogue:
        """Describe a device in a form beside the window; plans are offered it once it is saved."""
        dialogue = DeviceDialogue(
            self._theme,
            parent or self,
            folder=devices_folder(self._folder),
            draft=draft or self._unfinished_device,
            samples=_samples() if self._config.kind == "simulation" else (),
        )
        dialogue.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialogue.left.connect(self._keep_unfinished_device)
        show_below(dialogue, self.docks)
        return dialogue

    def _describe_for(self, builder: PlanBuilder, name: str) -> None:
        """A device of the plan that is being built, or a new one for it."""
        draft = draft_of_device(builder.draft.devices[name].table) if name else None
        dialogue = self.describe_device(draft, builder)
        dialogue.saved.connect(lambda file: builder.add_device_file(file, name))

    def _keep_unfinished_device(self, draft: DeviceDraft | None) -> None:
        """What was typed and not saved is there again when the next device is described."""
        self._unfinished_device = draft

    def _change(self, queue: PlanQueue) -> None:
        self._panel.show_queue(queue)
        self._keeper.keep(queue)

    def _take_queue(self, queue: PlanQueue) -> None:
        """The queue as it was left; a runner may have told meanwhile what became of it."""
        self._panel.show_queue(queue)
        if self._hello:
            self._change(queues.attached(queue, self._hello))

    def _lose_queue(self, sentence: str) -> None:
        self._panel.setEnabled(False)
        self._panel.total.setText(sentence)

    # Before and at the start

    def prepare(self) -> PreflightSheet | None:
        """Look at everything the next plan needs, and show it; a person starts it there."""
        plan = self._panel.queue.next
        if plan is None:
            return None
        if self._sheet is None:
            self._sheet = PreflightSheet(self._theme, self)
            self._sheet.start_wanted.connect(self.start_next)
            self._sheet.check_wanted.connect(self._look)
        self._sheet.wait(plan.draft.name)
        show_below(self._sheet, self.docks)
        self._look()
        return self._sheet

    def start_next(self) -> None:
        """Have the next plan carried out."""
        plan = self._panel.queue.next
        if plan is None:
            return
        accepted: tuple[str, ...] = ()
        if self._sheet is not None and self._sheet.isVisible():
            accepted = self._sheet.warnings
            self._sheet.close()
        self._offer_resume(None)
        self._guardian, self._handing_over = [], True
        self._change(queues.started(self._panel.queue, plan.number))
        self._bar.run.words.setText(f"{plan.draft.name}: starting")
        folder = self._folder / "plans"
        self._send(lambda: _written_plan(plan, folder), lambda file: self._hand_over(plan, file, accepted))

    def _hand_over(self, plan: QueuedPlan, file: Path, accepted: tuple[str, ...]) -> None:
        self._link.start_plan(file, self._folder_of(plan), resume=plan.resumes, accepted=accepted)

    def _folder_of(self, plan: QueuedPlan) -> Path:
        """Where the plan's session lies or will lie."""
        return Path(plan.session).parent if plan.resumes else self._output

    def _look(self) -> None:
        """Have the runner greet us again; what it says goes onto the sheet."""
        self._trouble = ""
        self._link.attach()

    def _make_sheet(self) -> None:
        """What is known by now onto the sheet; while the queue goes on by itself, straight to the start."""
        plan = self._panel.queue.next
        wanted = self._panel.queue.going or (self._sheet is not None and self._sheet.isVisible())
        if plan is None or self._panel.queue.running is not None or not wanted:
            return
        hello, trouble, folder = dict(self._hello), self._trouble, self._folder_of(plan)
        document, config = plan.draft.to_document(), self._config

        def look() -> Sheet:
            facts = facts_of(hello, sleep_warning=sleep_warning())
            if trouble:
                facts = BenchFacts(trouble=trouble, sleep_warning=facts.sleep_warning)
            return make_sheet(plan_from_document(document, file=plan.draft.name), config, folder, facts)

        self._send(look, self._show_sheet)

    def _show_sheet(self, sheet: Sheet) -> None:
        if self._panel.queue.going and self._panel.queue.running is None:
            if sheet.may_start:
                self.start_next()
                return
            # nothing begins against a red line: from here on a person decides
            self._change(replace(self._panel.queue, going=False))
            self.prepare()
        if self._sheet is not None:
            self._sheet.show_sheet(sheet)

    # What the runner tells

    def _show_hello(self, hello: dict[str, Any]) -> None:
        self._hello, self._trouble = hello, ""
        self._health = Health.of(hello["health"])
        self.addresses = {role: box["address"] for role, box in hello["boxes"].items()}
        if hello["state"] == "running" and hello["progress"]:
            self._show_progress(hello["progress"])
        elif not self._bar.run.is_busy:
            self._bar.run.show_idle(f"The bench answers; nothing is running (opened by {hello['owner']})")
        if self._panel.queue.running is not None and not self._handing_over:
            self._change(queues.attached(self._panel.queue, hello))
        self._show_interlocks()
        self._make_sheet()

    def _show_trouble(self, sentence: str) -> None:
        self._hello, self._trouble = {}, sentence
        self._make_sheet()

    def _show_state(self, state: dict[str, Any]) -> None:
        """A session begins or is over."""
        self._hello, self._handing_over = state, False
        if state["session"]:
            self._change(queues.recording(self._panel.queue, state["session"]))

    def _show_progress(self, progress: dict[str, Any]) -> None:
        self._bar.run.show_progress(progress)
        self._panel.show_progress(progress)
        prompt = progress.get("prompt")
        self._bar.prompt.say(
            "Your turn: the outputs are off, the run waits", prompt["text"] if prompt else ""
        )

    def _show_health(self, health: Health) -> None:
        self._health = health
        self._show_interlocks()

    def _show_end(self, ended: dict[str, Any]) -> None:
        end, reason, session = ended["end"], ended.get("reason", ""), ended["session"]
        self._handing_over = False
        words = f"{end}: {reason}" if reason else f"{end}: Report… shows what was found"
        self._bar.run.show_idle(words, finished=end == "finished")
        self._bar.prompt.say("", "")
        self._panel.show_progress(None)
        self._hello = {**self._hello, "state": "idle"}
        self._change(queues.ended(self._panel.queue, end=end, reason=reason, session=session))
        if self._panel.queue.going:
            self._look()
        elif end != "finished" and session:
            self._send(lambda: _question(Path(session)), self._offer_resume)

    def _show_refusal(self, sentence: str) -> None:
        """The plan could not begin: it waits, and the reason is told."""
        self._handing_over = False
        self._change(queues.refused(self._panel.queue, sentence))
        self._bar.run.show_idle(f"not started: {sentence}")
        self.show_failure(sentence)

    def _show_gone(self) -> None:
        """The runner ended: by itself, or switched off by its guardian."""
        self._health, self._hello, self._handing_over = None, {}, False
        if self._bar.run.is_busy:
            self._bar.run.show_idle("the runner has ended; what was measured is safe")
        else:
            self._bar.run.show_idle(self._bar.run.words.text())
        self._bar.prompt.say("", "")
        running = self._panel.queue.running
        if running is not None:
            self._change(queues.lost(self._panel.queue))
            if running.session:
                self._send(lambda: _question(Path(running.session)), self._offer_resume)
        self._show_interlocks()

    def _show_guardian(self, report: GuardianReport) -> None:
        self._guardian.append(report)
        self.log.say(report.text)
        self._show_interlocks()

    # Interlocks

    def _show_screen(self, screen: SessionScreen) -> None:
        super()._show_screen(screen)
        self._show_interlocks()

    def _show_interlocks(self) -> None:
        screen = NOTHING if self._picture is None else self._picture.screen
        session, seen = self._seen
        shown = interlocks(
            screen.bench,
            screen.temperature,
            self._health,
            guardian=self._guardian,
            seen=seen if session == self._opened.session() else 0,
        )
        self._bar.interlocks.show_screen(shown)
        self._bar.trip.say("Interlock", shown.alarm)

    def _acknowledge(self) -> None:
        trips = 0 if self._picture is None else len(self._picture.screen.bench.trips)
        self._seen = (self._opened.session(), trips)
        self._guardian = []
        self._show_interlocks()

    # Going on with what did not finish

    def open_session(self, session: Path) -> None:
        """Show a session in a window of its own; one that did not finish can be gone on with."""
        super().open_session(session)
        self._send(lambda: _question(session), self._offer_resume)

    def _offer_resume(self, question: ResumeQuestion | None) -> None:
        if self._bar.run.is_busy or self._panel.queue.running is not None:
            question = None
        self._question = question
        title = "" if question is None else f"{question.name} did not finish ({question.session.name})"
        self._bar.resume.say(title, "" if question is None else question.sentence)

    def _resume(self) -> None:
        """Put the rest of the plan at the head of what waits, and look at everything before its start."""
        question = self._question
        if question is None:
            return
        queue = queues.added(self._panel.queue, draft_of(question.plan), session=str(question.session))
        self._change(queues.moved(queue, queue.plans[-1].number, 0))
        self._offer_resume(None)
        self.prepare()

    def _show_unfinished(self) -> None:
        if self._question is not None:
            super().open_session(self._question.session)

    # The rest

    def _skip_steps(self, draft: Draft) -> None:
        self._link.command("skip", keys=skipped_keys(draft))

    def make_safe(self) -> None:
        """End a run safely; with none going on, have the guardian switch everything off once more."""
        if self._bar.run.is_busy:
            self._link.command("abort")
        else:
            self._opened.emergency.switch_off()

    def note(self, text: str) -> None:
        """A note through the runner while it records; into the last session otherwise."""
        if self._bar.run.is_busy:
            self._link.command("note", text=text.strip())
        else:
            super().note(text)

    def _record_failure(self, text: str) -> None:
        """A line in the journal of the run going on: what its window showed then is not to be trusted.

        A failure that comes back at every redraw is one line.
        """
        sentence = text.splitlines()[0]
        if self._hello.get("state") == "running" and sentence not in self._recorded_failures:
            self._recorded_failures.add(sentence)
            self._link.command(
                "note", text=f"the window failed: {sentence}", details={"kind": "window failure"}
            )

    def record(self, choice: Choice, recorded: Callable[[], object]) -> None:
        """Through the runner while it records: the note comes back as an event like any other."""
        if self._bar.run.is_busy:
            self._link.command("note", text=choice.text, details=dict(choice.details))
        else:
            super().record(choice, recorded)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        if event is not None and not self._may_close():
            event.ignore()
            return
        self._link.stop()
        self._keeper.let_go()
        super().closeEvent(event)

    def _may_close(self) -> bool:
        """Whether the window closes at once; else a person is asked, or the run ends first."""
        closing = remembered(self._opened.settings)
        if not self._bar.run.is_busy or self._leaving or self._ends_first or closing == "goes on":
            return True
        self._close_as(closing)
        return False

    def leave(self) -> None:
        """Close without a question; a run goes on."""
        self._leaving = True
        super().leave()

    def ask_about_closing(self) -> ClosingQuestion:
        """Ask what becomes of a run when the window closes, and keep the answer; one question at a time."""
        asked = next((one for one in self.findChildren(ClosingQuestion) if one.isVisible()), None)
        if asked is not None:
            asked.raise_()
            asked.activateWindow()
            return asked
        question = ClosingQuestion(self)
        question.answered.connect(self._keep_closing)
        question.finished.connect(self._stay)
        show_below(question, self.docks)
        return question

    def _keep_closing(self, closing: Closing, always: bool) -> None:
        remember(self._opened.settings, closing if always else None)
        if self._closes_when_answered:
            self._close_as(closing)

    def _stay(self) -> None:
        self._closes_when_answered = False

    def _close_as(self, closing: Closing | None) -> None:
        if closing is None:
            self._closes_when_answered = True
            self.ask_about_closing()
        elif closing == "goes on":
            self.leave()
        else:
            self._ends_first = True
            self._bar.run.words.setText("ending safely; then the window closes")
            self._link.command("abort")

    def _close_if_wanted(self) -> None:
        """The run is over: a window that only waited for that closes."""
        if self._ends_first:
            self.leave()


def _samples() -> tuple[str, ...]:
    from qdlab.simulators import sample_names  # a quarter of a second that the window need not wait for

    return sample_names()


def _newest_question(folder: Path) -> ResumeQuestion | None:
    """What to ask about the last session of a folder, where it was interrupted or failed."""
    sessions = sorted(folder.glob("*/session.toml"))
    return _question(sessions[-1].parent) if sessions else None


def _question(path: Path) -> ResumeQuestion | None:
    """What to ask about a session; None also where resuming would go on with another one of the same plan."""
    try:
        session = open_session(path)
        question = resume_question(session)
        if question is None or not is_next_to_resume(session, plan_from_document(question.plan)):
            return None
    except QdlabError:
        return None
    return question


def _written_plan(plan: QueuedPlan, folder: Path) -> Path:
    """The plan as the file its runner reads; earlier ones stay as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    file = folder / f"{stamp}-{file_stem(plan.draft.name)[:60]}.toml"
    file.write_text(tomli_w.dumps(plan.draft.to_document()), encoding="utf-8", newline="\n")
    return file
