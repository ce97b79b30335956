"""Traces for a workload: asks for the file, finds its format, asks for columns where it has to."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QWidget

from app.dialogs.trace_columns import TraceColumnsDialog
from app.document import Document
from app.jobs.trace_job import TraceJob
from app.support.notifications import Notifications
from engine.errors import EngineError
from engine.topology.changes import SetSection
from engine.workload.spec import WorkloadKind, WorkloadSpec
from engine.workload.trace_preview import csv_head, guessed_columns
from engine.workload.trace_source import columns_of, with_trace_file
from engine.workload.traces import detect_format

MAPPED = "csv"


class TraceImport(QObject):
    """Gives the workload that is shown a trace, as one step; a failure changes nothing."""

    def __init__(
        self,
        owner: QWidget,
        document: Document,
        notifications: Notifications,
        shown_tenant: Callable[[], int],
    ) -> None:
        """Wires nothing yet.

        Args:
            owner: of the dialog.
            document: whose workload gets the trace.
            notifications: asks for files and says what failed.
            shown_tenant: the row of the tenant whose page is shown, -1 for none.
        """
        super().__init__(owner)
        self._owner, self._document, self._notifications = owner, document, notifications
        self._shown_tenant = shown_tenant
        self._folder: Path | None = None
        self.job = TraceJob(self)
        self.dialog: TraceColumnsDialog | None = None
        self.present: Callable[[QDialog], None] = QDialog.open
        self.job.read.connect(self._on_read)
        self.job.failed.connect(self._on_failed)

    def ask(self) -> None:
        """Asks for a file and takes it."""
        folder = self._folder or self._notifications.home()
        path = self._notifications.ask_trace_path(folder)
        if path is not None:
            self.import_path(path)

    def import_path(self, path: Path) -> None:
        """Takes a trace of a known format; for another CSV the columns are asked for."""
        self._folder = path.parent
        try:
            kind = detect_format(path)
        except EngineError as error:
            self._fail(error)
            return
        if kind:
            self._take(self._place(), path, kind, None)
        else:
            self._ask_columns(path, {})

    def ask_columns(self) -> None:
        """Asks for the columns of the file that the workload names."""
        workload = self._workload(self._place())
        if not workload.trace_path:
            self.ask()
            return
        self._ask_columns(Path(workload.trace_path), columns_of(workload))

    def shut_down(self) -> None:
        """Ends the reading of a preview."""
        self.job.shut_down()

    def _ask_columns(self, path: Path, kept: Mapping[str, str]) -> None:
        try:
            head = csv_head(path)
        except EngineError as error:
            self._fail(error)
            return
        dialog = TraceColumnsDialog(path, head, {**guessed_columns(head), **kept}, self._owner)
        place = self._place()
        dialog.columns_changed.connect(lambda: self._preview(dialog))
        dialog.accepted.connect(lambda: self._take(place, path, MAPPED, dialog.columns()))
        dialog.finished.connect(self._on_closed)
        self.dialog = dialog
        self._preview(dialog)
        self.present(dialog)

    def _preview(self, dialog: TraceColumnsDialog) -> None:
        self.job.ask(dialog.path, MAPPED, dialog.columns())

    def _on_read(self, counts: object) -> None:
        if self.dialog is not None:
            self.dialog.show_counts(counts)  # type: ignore[arg-type]

    def _on_failed(self, text: str) -> None:
        if self.dialog is not None:
            self.dialog.show_failure(text)

    def _on_closed(self, _result: int) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None

    def _take(self, place: int, path: Path, kind: str, columns: Mapping[str, str] | None) -> None:
        design = self._document.design()
        workload = with_trace_file(self._workload(place), str(path), kind, columns)
        change = SetSection("workload", workload)
        if 0 <= place < len(design.tenants):
            tenants = list(design.tenants)
            tenants[place] = msgspec.structs.replace(tenants[place], workload=workload)
            change = SetSection("tenants", tuple(tenants))
        verdict = self._document.perform(self.tr("Use trace {0}").format(path.name), change)
        if not verdict.ok:
            self._notifications.error(self._failed(), verdict.reason)

    def _place(self) -> int:
        """The tenant that gets the trace: the one shown, else the one that has one, else the first.

        -1 for the design's own workload, where there are no tenants.
        """
        tenants = self._document.design().tenants
        shown = self._shown_tenant()
        if 0 <= shown < len(tenants):
            return shown
        traced = (
            place
            for place, tenant in enumerate(tenants)
            if tenant.workload.kind is WorkloadKind.TRACE
        )
        return next(traced, 0 if tenants else -1)

    def _workload(self, place: int) -> WorkloadSpec:
        design = self._document.design()
        return (
            design.tenants[place].workload if 0 <= place < len(design.tenants) else design.workload
        )

    def _fail(self, error: EngineError) -> None:
        self._notifications.error(self._failed(), str(error))

    def _failed(self) -> str:
        return self.tr("The trace could not be read")
