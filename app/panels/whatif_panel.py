"""What would help: resources by what twice as much of them brings, and fixes that can be applied."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.document import Document
from app.jobs.whatif_job import Helped, WhatIfJob
from app.panels.edits import perform
from app.panels.fields import error_color
from app.panels.hints import hint
from app.panels.whatif_rows import DroppedRow, FixRow, PlacedRow, ResourceRow, text_label
from app.support.gradually import Gradually
from engine.errors import EngineError
from engine.units import format_quantity

if TYPE_CHECKING:  # the modules pull numba in, which the window does not wait for
    from engine.study.fixes import Fix


class WhatIfPanel(QWidget):
    """A button that starts the study, its progress, and what it found."""

    applied = Signal(str)  # the text of a fix
    locate_requested = Signal(object)  # frozenset of element and link ids

    def __init__(self, document: Document, job: WhatIfJob) -> None:
        super().__init__()
        self._document, self._job = document, job
        self._helped: Helped | None = None
        self.start = QPushButton(self.tr("What would help?"))
        self.start.setToolTip(
            self.tr(
                "Runs the design with each resource better, under the same seeds, and tries fixes"
            )
        )
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.setToolTip(self.tr("End the study; what it has found so far is not shown"))
        self.progress = QProgressBar()
        self.progress.setAccessibleName(self.tr("Progress of the study"))
        self.progress.setToolTip(self.tr("How much of the study is done"))
        self.progress.setRange(0, 100)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self._rows = QWidget()
        self._box = QVBoxLayout(self._rows)
        self._box.setContentsMargins(8, 0, 8, 8)
        self._box.setSpacing(6)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._rows)
        empty = hint(
            self.tr(
                "Where time goes is not yet what would help. Ask, and every resource is made twice "
                "as good in turn; then fixes are tried."
            ),
            self,
        )
        self._stack = QStackedLayout()
        self._stack.addWidget(empty)
        self._stack.addWidget(scroll)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 6, 8, 2)
        bar.addWidget(self.start)
        bar.addWidget(self.progress, 1)
        bar.addWidget(self.cancel)
        bar.addStretch(0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(bar)
        layout.addWidget(self.note)
        layout.addLayout(self._stack, 1)
        self.note.setContentsMargins(8, 0, 8, 0)
        self._gradually = Gradually(self)
        self._connect()
        self._show_idle()

    def _connect(self) -> None:
        self.start.clicked.connect(self._job.start)
        self.cancel.clicked.connect(self._job.cancel)
        self._job.started.connect(self._show_running)
        self._job.progressed.connect(self._show_progress)
        self._job.found.connect(self.show_found)
        self._job.failed.connect(self._show_failure)
        self._job.ended.connect(self._show_idle)
        self._document.changed.connect(self._show_staleness)
        self._document.replaced.connect(self.clear)

    def show_found(self, helped: Helped) -> None:
        """Shows what a study found."""
        self._helped = helped
        self._empty_rows()
        useful = [row for row in helped.resources if row.helps]
        for number, row in enumerate(useful, 1):
            self._add_later(partial(ResourceRow, number, row, helped.resources))
        if not useful:
            self._add(text_label(self.tr("No resource shortens the latency for certain.")))
        if helped.fixes:
            title = self.tr("Fixes that were tried")
            self._add_later(partial(text_label, title, bold=True))
        for fix in helped.fixes:
            self._add_later(partial(self._fix_row, fix, helped.design.prices.currency))
        if helped.dropped:
            self._add_later(partial(text_label, self.tr("Not possible here"), bold=True))
        for dropped in helped.dropped:
            self._add_later(partial(DroppedRow, dropped))
        self._gradually.add(partial(self._box.addStretch, 1))
        self._stack.setCurrentIndex(1)
        self._show_staleness()

    def complete(self) -> None:
        """Adds all rows that wait."""
        self._gradually.complete()

    def _add_later(self, make: Callable[[], QWidget]) -> None:
        """Adds a row when events have been handled: all at once they would block for long."""
        self._gradually.add(lambda: self._add(make()))

    def _fix_row(self, fix: "Fix", currency: str) -> FixRow:
        shown = FixRow(fix, currency)
        shown.apply_requested.connect(self._apply)
        return shown

    def _add(self, row: QWidget) -> None:
        self._box.addWidget(row)
        if isinstance(row, PlacedRow):
            row.locate_requested.connect(self.locate_requested)

    def clear(self) -> None:
        """Back to the empty state."""
        self._helped = None
        self._empty_rows()
        self._stack.setCurrentIndex(0)
        self._say("")

    def _empty_rows(self) -> None:
        self._gradually.clear()
        while (item := self._box.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _apply(self, fix: "Fix") -> None:
        try:
            perform(self._document, fix.proposal.text, fix.proposal.change)
        except EngineError as error:
            self._show_failure(str(error))
            return
        self.applied.emit(fix.proposal.text)

    def _show_running(self) -> None:
        had_focus = self.start.hasFocus()
        self.progress.setVisible(True)
        self.cancel.setVisible(True)
        if had_focus:
            self.cancel.setFocus()
        self.start.setVisible(False)
        self.progress.setValue(0)
        self._say("")

    def _show_progress(self, share: float) -> None:
        self.progress.setValue(round(100 * share))

    def _show_idle(self) -> None:
        had_focus = self.cancel.hasFocus()
        self.start.setVisible(True)
        if had_focus:
            self.start.setFocus()
        self.progress.setVisible(False)
        self.cancel.setVisible(False)

    def _show_failure(self, text: str) -> None:
        self._say(text, wrong=True)

    def _show_staleness(self, *_args: object) -> None:
        helped = self._helped
        if helped is None:
            return
        if self._document.design() == helped.design:
            text = self.tr("{0} seeds of {1} each; intervals of 95 %").format(
                helped.runs, format_quantity(helped.until_s, "s")
            )
            if helped.few is not None:
                text += "\n" + self.tr(
                    "Only {0} requests have finished in a run: these figures say little, run longer"
                ).format(helped.few)
        else:
            text = self.tr("Of an earlier drawing: ask again to know more")
        self._say(text)

    def _say(self, text: str, *, wrong: bool = False) -> None:
        palette = QPalette(self.palette())
        role = QPalette.ColorRole.WindowText
        muted = self.palette().color(QPalette.ColorRole.PlaceholderText)
        palette.setColor(role, error_color(self.palette()) if wrong else muted)
        self.note.setPalette(palette)
        self.note.setText(text)
        self.note.setVisible(bool(text))
