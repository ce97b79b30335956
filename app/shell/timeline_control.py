"""Keeps the timeline in step with the plan and the run, and does what is asked on it."""

import msgspec
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.document import Document
from app.jobs.run_control import RunUpdate
from app.jobs.run_controller import RunController
from app.panels.edits import perform
from app.panels.faults_panel import FaultsPanel
from app.panels.run_bar import RunBar
from app.panels.timeline import Timeline
from app.panels.timeline_marks import Mark, logged_marks, planned_marks, target_names
from engine.errors import EngineError
from engine.topology.changes import SetSection


class TimelineControl(QObject):
    """The timeline is there while something shall fail or has failed."""

    locate_requested = Signal(object)  # frozenset of ids
    said = Signal(str)  # why something was refused
    faults_requested = Signal()  # to see the table of faults

    def __init__(
        self, document: Document, run: RunController, bar: RunBar, faults: FaultsPanel,
        parent: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._document, self._bar, self._faults = document, bar, faults
        self._logged = 0
        self._until_s: float | None = None  # of the run
        self.strip = Timeline(parent)
        document.changed.connect(self._show_plan)
        document.replaced.connect(self._show_plan)
        run.updated.connect(self._on_updated)
        run.cleared.connect(self._on_cleared)
        bar.scrubbed.connect(self._on_scrubbed)
        self.strip.looked_at.connect(bar.look_at)
        self.strip.mark_activated.connect(self._on_activated)
        self.strip.move_requested.connect(self._move)
        self.strip.edit_requested.connect(self._edit)
        self._show_plan()

    def _show_plan(self, *_args: object) -> None:
        design = self._document.design()
        self.strip.show_plan(planned_marks(design), self._until_s or design.run.until_s)
        self._show_if_needed()

    def _show_if_needed(self) -> None:
        plan = self._document.design().faults
        self.strip.setVisible(not plan.is_empty or bool(self.strip.happened))

    def _on_updated(self, update: RunUpdate) -> None:
        frame = update.frame
        if frame.until_s != self._until_s:
            self._until_s = frame.until_s
            self._show_plan()
        self.strip.show_time(frame.time_s, frame.time_s)
        log = () if frame.faults is None else frame.faults.log
        if len(log) != self._logged:
            self._logged = len(log)
            self.strip.show_log(logged_marks(log, target_names(self._document.design())))
            self._show_if_needed()

    def _on_cleared(self) -> None:
        self._logged, self._until_s = 0, None
        self.strip.show_time(0.0, None)
        self.strip.show_log(())
        self._show_plan()

    def _on_scrubbed(self, time_s: float) -> None:
        self.strip.show_time(self.strip.done_s, time_s)

    def _on_activated(self, mark: Mark) -> None:
        """Chooses the row of a planned fault, shows the device, looks at the time if it is past."""
        if mark.row >= 0:
            self._faults.events.choose(mark.row)
        if mark.target:
            self.locate_requested.emit(frozenset({mark.target}))
        if self.strip.done_s > 0 and mark.time_s <= self.strip.done_s:
            self._bar.look_at(mark.time_s)

    def _move(self, row: int, time_s: float) -> None:
        plan = self._document.design().faults
        if not 0 <= row < len(plan.events):
            return
        events = list(plan.events)
        events[row] = msgspec.structs.replace(events[row], at_s=time_s)
        plan = msgspec.structs.replace(plan, events=tuple(events))
        try:
            perform(self._document, self.tr("Move fault"), SetSection("faults", plan))
        except EngineError as error:
            self.said.emit(str(error))

    def _edit(self, row: int) -> None:
        self.faults_requested.emit()
        self._faults.events.edit(row)
