"""What would help: resources by what twice as much of them brings, and fixes that can be applied."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.document import Document
from app.jobs.whatif_job import Helped, WhatIfJob
from app.panels.bottlenecks import ShareBar
from app.panels.edits import perform
from app.panels.fields import error_color
from app.panels.hints import hint
from engine.errors import EngineError
from engine.units import format_quantity

if TYPE_CHECKING:  # the modules pull numba in, which the window does not wait for
    from engine.study.fixes import Fix
    from engine.study.whatif import Effect, Gain, WhatIf


class WhatIfPanel(QWidget):
    """A button that starts the study, its progress, and what it found."""

    applied = Signal(str)  # the text of a fix

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
        self.progress = QProgressBar()
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
            )
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
        for number, row in enumerate(helped.resources, 1):
            if row.helps:
                self._box.addWidget(self._resource_row(number, row, helped))
        if not any(row.helps for row in helped.resources):
            self._box.addWidget(_text(self.tr("No resource shortens the latency for certain.")))
        if helped.fixes:
            self._box.addWidget(_text(self.tr("Fixes that were tried"), bold=True))
        for fix in helped.fixes:
            self._box.addWidget(self._fix_row(fix))
        self._box.addStretch(1)
        self._stack.setCurrentIndex(1)
        self._show_staleness()

    def clear(self) -> None:
        """Back to the empty state."""
        self._helped = None
        self._empty_rows()
        self._stack.setCurrentIndex(0)
        self._say("")

    def _empty_rows(self) -> None:
        while (item := self._box.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _resource_row(self, number: int, row: "WhatIf", helped: Helped) -> QWidget:
        frame, box = _frame()
        box.addWidget(
            _text(self.tr("{0}. Twice the {1}: {2}").format(
                number, row.resource, self._latency(row.large)), bold=True)
        )  # fmt: skip
        bar = ShareBar()
        bar.set_share(row.large.latency.mean if row.large.latency else 0.0)
        box.addWidget(bar)
        parts = [self._others(row.large)]
        if row.small.latency is not None:
            share = _percent(-row.small.latency.mean)
            parts.append(self.tr("10 % more: latency {0}").format(share))
        same = [
            other.resource
            for other in helped.resources
            if other.group == row.group and other is not row
        ]
        if same:
            parts.append(self.tr("inseparable from {0}").format(", ".join(same)))
        box.addWidget(_text("; ".join(part for part in parts if part)))
        return frame

    def _fix_row(self, fix: "Fix") -> QWidget:
        frame, box = _frame()
        head = QHBoxLayout()
        head.addWidget(_text(fix.proposal.text, bold=True), 1)
        button = QPushButton(self.tr("Apply"))
        button.setAccessibleName(self.tr("Apply: {0}").format(fix.proposal.text))
        button.clicked.connect(lambda: self._apply(fix))
        head.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        box.addLayout(head)
        cost = [self._latency(fix.effect), self._others(fix.effect)]
        currency = self._document.design().prices.currency
        for value, unit in ((fix.price, currency), (fix.power_w, "W")):
            if abs(value) >= 0.5:
                sign = "+" if value > 0 else "-"
                cost.append(f"{sign}{format_quantity(abs(value), unit, 3)}")
        box.addWidget(_text("; ".join(part for part in cost if part)))
        return frame

    def _latency(self, effect: "Effect") -> str:
        """The change of the mean latency with its interval."""
        gain: Gain | None = effect.latency
        if gain is None:
            return self.tr("latency not known")
        return self.tr("latency {0} ({1} to {2})").format(
            _percent(-gain.mean), _percent(-gain.high), _percent(-gain.low)
        )

    def _others(self, effect: "Effect") -> str:
        parts = []
        for gain, sign, name in (
            (effect.output_tokens_per_s, 1.0, self.tr("tokens/s")),
            (effect.ttft_p95, -1.0, self.tr("TTFT p95")),
            (effect.goodput, 1.0, self.tr("goodput")),
        ):
            if gain is not None and abs(gain.mean) >= 0.0005:
                parts.append(f"{name} {_percent(sign * gain.mean)}")
        return ", ".join(parts)

    def _apply(self, fix: "Fix") -> None:
        try:
            perform(self._document, fix.proposal.text, fix.proposal.change)
        except EngineError as error:
            self._show_failure(str(error))
            return
        self.applied.emit(fix.proposal.text)

    def _show_running(self) -> None:
        self.start.setVisible(False)
        self.progress.setVisible(True)
        self.cancel.setVisible(True)
        self.progress.setValue(0)
        self._say("")

    def _show_progress(self, share: float) -> None:
        self.progress.setValue(round(100 * share))

    def _show_idle(self) -> None:
        self.start.setVisible(True)
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


def _text(text: str, *, bold: bool = False) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    font = label.font()
    font.setBold(bold)
    label.setFont(font)
    return label


def _frame() -> tuple[QFrame, QVBoxLayout]:
    frame = QFrame()
    frame.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
    box = QVBoxLayout(frame)
    box.setContentsMargins(0, 2, 0, 2)
    box.setSpacing(3)
    return frame, box


def _percent(value: float) -> str:
    return f"{value:+.1%}" if abs(value) < 0.1 else f"{value:+.0%}"
