"""Faults: what shall fail and when, how often at random, and what a run has seen fail."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.document import Document
from app.models.record_table import Column, Record, RecordTable
from app.panels.edits import parse_between, set_field
from app.panels.hints import heading, hint
from app.panels.record_columns import choice_column, quantity_column, whole_column
from app.panels.record_view import RecordView
from app.panels.timeline_marks import logged_text, target_names
from engine.scenario.faults import FaultEvent, FaultKind, FaultRate
from engine.units import format_quantity

if TYPE_CHECKING:  # the module pulls numba in, which the window does not wait for
    from engine.sim.fault_report import FaultReport

TARGET_ROLE = Qt.ItemDataRole.UserRole
TIME_ROLE = Qt.ItemDataRole.UserRole + 1
SHOWN_LINES = 500
HOURS_IN_A_YEAR = 8766.0


class FaultsPanel(QWidget):
    """Events by hand, rates, and the log of the run."""

    locate_requested = Signal(object)  # frozenset of ids

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._logged = 0  # lines of the run's log that are shown, or were and are beyond the last
        self.events = RecordView(
            self.tr("Faults by hand"),
            RecordTable(self._event_columns(), self._read("events"), self._write("events")),
            self._new_event,
            copy=lambda event: event,
            empty=self.tr(
                "Nothing fails by hand. Select devices or links and press Ctrl+Shift+F to let them "
                "fail, at the time of the run."
            ),
            what=self.tr("fault"),
        )
        self.rates = RecordView(
            self.tr("Faults at random"),
            RecordTable(self._rate_columns(), self._read("rates"), self._write("rates")),
            self._new_rate,
            copy=lambda rate: rate,
            empty=self.tr("Nothing fails at random. Add a kind with its time between failures."),
            what=self.tr("fault rate"),
        )
        self.log = QListWidget()
        self.log.setFrameShape(QListWidget.Shape.NoFrame)
        self.log.setAccessibleName(self.tr("What has failed in the run"))
        self.log.setToolTip(self.tr("Click a line to see its place on the canvas"))
        self.log.itemActivated.connect(self._locate)
        self.log.itemClicked.connect(self._locate)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        split = QSplitter(Qt.Orientation.Horizontal)
        for widget in (self.events, self.rates, self._make_log()):
            split.addWidget(widget)
        split.setChildrenCollapsible(False)
        split.setSizes([420, 340, 360])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)
        document.changed.connect(self._refresh)
        document.replaced.connect(self._refresh)
        self.show_report(None)

    def show_report(self, report: "FaultReport | None") -> None:
        """Shows what a run has seen fail; None without a run or without faults."""
        lines = () if report is None else report.log[-SHOWN_LINES:]
        logged = 0 if report is None else len(report.log)
        if self._logged != logged or not lines:
            self._logged = logged
            self.log.clear()
            names = target_names(self._document.design())
            for line in lines:
                clock = format_quantity(line.time_s, "s")
                item = QListWidgetItem(f"{clock}  {logged_text(line, names)}")
                item.setToolTip(self.tr("{0} replicas down").format(line.replicas))
                item.setData(TARGET_ROLE, line.target)
                item.setData(TIME_ROLE, line.time_s)
                self.log.addItem(item)
            self.log.scrollToBottom()
        self._stack.setCurrentIndex(1 if lines else 0)
        self.summary.setVisible(report is not None)
        if report is not None:
            parts = [
                f"{kind} {format_quantity(lost_s, 's')}"
                for kind, lost_s in sorted(report.down_replica_s.items(), key=lambda row: -row[1])
            ]
            text = self.tr("Availability of replicas {0:.3%}").format(report.availability)
            if parts:
                text += self.tr("; replica time lost to {0}").format(", ".join(parts))
            self.summary.setText(text)

    def show_until(self, time_s: float | None) -> None:
        """Chooses the last line of the log up to a time that the user looks at; None for none."""
        last = -1
        for row in range(self.log.count()):
            if time_s is not None and self.log.item(row).data(TIME_ROLE) <= time_s:
                last = row
        if self.log.currentRow() != last:
            self.log.setCurrentRow(last)

    def _make_log(self) -> QWidget:
        side = QWidget()
        self._stack = QStackedLayout()
        self._stack.addWidget(
            hint(
                self.tr("Nothing has failed in the run. What fails is told here with its time."),
                side,
            )
        )
        self._stack.addWidget(self.log)
        layout = QVBoxLayout(side)
        layout.setContentsMargins(8, 6, 8, 4)
        layout.addWidget(heading(self.tr("In the run")))
        layout.addLayout(self._stack, 1)
        layout.addWidget(self.summary)
        return side

    def _locate(self, item: QListWidgetItem) -> None:
        target = str(item.data(TARGET_ROLE) or "")
        if target:
            self.locate_requested.emit(frozenset({target}))

    def _refresh(self, *_args: object) -> None:
        self.events.model.refresh()
        self.rates.model.refresh()

    def _read(self, name: str) -> Callable[[], tuple[Record, ...]]:
        return lambda: getattr(self._document.design().faults, name)

    def _write(self, name: str) -> Callable[[tuple[Record, ...], str], None]:
        return lambda rows, text: set_field(self._document, "faults", name, rows, text)

    def _new_event(self) -> FaultEvent:
        design = self._document.design()
        for element in design.elements:
            kind = kind_of(element.kind.value)
            if kind is not None:
                return FaultEvent(at_s=60.0, kind=kind, target=element.id, repair_s=600.0)
        return FaultEvent(at_s=60.0, kind=FaultKind.CHIP, target="")

    def _new_rate(self) -> FaultRate:
        taken = {rate.kind for rate in self._document.design().faults.rates}
        free = [kind for kind in FaultKind if kind not in taken] or [FaultKind.CHIP]
        return FaultRate(
            kind=free[0], mtbf_h=5 * HOURS_IN_A_YEAR, repair_h=4.0, source="estimate, not measured"
        )

    def _targets(self) -> list[tuple[str, str]]:
        return list(target_names(self._document.design()).items())

    def _event_columns(self) -> list[Column]:
        tr = self.tr
        kinds = [(kind.value, kind.value) for kind in FaultKind]
        return [
            quantity_column("at_s", tr("At"), tr("Simulated time"), "s"),
            choice_column("kind", tr("Kind"), tr("What fails"), lambda: kinds, FaultKind),
            choice_column("target", tr("Of"), tr("The device or link"), self._targets),
            whole_column("member", tr("Number"),
                         tr("Number of the chip, host, rack or cable in it; -1: all"), -1),
            whole_column("part", tr("Plane"), tr("Plane, for planes and ports"), 0, 62),
            quantity_column("repair_s", tr("For"), tr("Until it is whole again"), "s",
                            none=tr("ever")),
        ]  # fmt: skip

    def _rate_columns(self) -> list[Column]:
        tr = self.tr
        kinds = [(kind.value, kind.value) for kind in FaultKind]
        return [
            choice_column("kind", tr("Kind"), tr("What fails"), lambda: kinds, FaultKind),
            _hours("mtbf_h", tr("Between failures"), tr("Mean hours of one of them, as 43,830 h")),
            _hours("repair_h", tr("Repair"), tr("Mean hours until it is whole again")),
            Column(title=tr("Source"), tooltip=tr("Where the figures come from"),
                   read=lambda rate: rate.source,
                   write=lambda rate, typed: msgspec.structs.replace(rate, source=typed)),
        ]  # fmt: skip


def _hours(name: str, title: str, tooltip: str) -> Column:
    def write(record: Record, typed: str) -> Record:
        number = typed.removesuffix("h").strip().replace(",", "")
        value = parse_between(number, "count", 1e-6, 1e9, tooltip)
        return msgspec.structs.replace(record, **{name: value})

    return Column(
        title=title, tooltip=tooltip, read=lambda r: f"{getattr(r, name):,.6g} h", write=write
    )


def kind_of(element_kind: str) -> FaultKind | None:
    """What of a device fails when it does; None for storage and clients."""
    known = {kind.value: kind for kind in FaultKind}
    return known.get(element_kind)
