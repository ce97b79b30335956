"""The fault tool: what is selected fails now, in the plan of the design and in the run."""

import msgspec
from PySide6.QtCore import QObject

from app.document import Document
from app.jobs.run_controller import RunController
from app.panels.faults_panel import kind_of
from engine.scenario.faults import FaultEvent, FaultKind
from engine.topology.changes import SetSection
from engine.topology.rules import Verdict

FOR_S = 600.0  # until what fails by this tool is whole again; the table of faults changes it


class FaultTool(QObject):
    """Turns a selection into faults by hand; one command, whatever is selected."""

    def __init__(self, document: Document, run: RunController) -> None:
        super().__init__()
        self._document, self._run = document, run
        self._time_s = 0.0
        run.updated.connect(self._on_updated)
        run.cleared.connect(self._on_cleared)

    def fail_selection(self) -> Verdict:
        """Lets everything selected fail that can; says why nothing can."""
        design = self._document.design()
        chosen = self._document.selection
        events = [
            FaultEvent(at_s=self._time_s, kind=kind, target=element.id, member=-1, repair_s=FOR_S)
            for element in design.elements
            if element.id in chosen and (kind := kind_of(element.kind.value)) is not None
        ]
        events += [
            FaultEvent(
                at_s=self._time_s, kind=FaultKind.LINK, target=link.id, member=-1, repair_s=FOR_S
            )
            for link in design.links
            if link.id in chosen
        ]
        if not events:
            return Verdict(False, self.tr("Select chips, hosts, switches, racks or links"))
        plan = design.faults
        plan = msgspec.structs.replace(plan, events=(*plan.events, *events))
        verdict = self._document.perform(self.tr("Let selection fail"), SetSection("faults", plan))
        if verdict.ok:
            self._run.inject(events)
        return verdict

    def _on_updated(self, update: object) -> None:
        self._time_s = update.frame.time_s  # type: ignore[attr-defined]

    def _on_cleared(self) -> None:
        self._time_s = 0.0
