"""The list of findings of the checks, walked with F8."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.panels.fields import error_color
from app.panels.hints import hint
from app.support.icons import icon
from engine.findings import Finding, Severity

if TYPE_CHECKING:  # the study pulls numba in, which the window does not wait for
    from engine.study.repairs import Repair

MOST_SHOWN = 300  # a drawing with more is not mended finding by finding
SUBJECT_ROLE = Qt.ItemDataRole.UserRole


class FindingsPanel(QWidget):
    """What the checks have to say about the drawing."""

    locate_requested = Signal(object)  # frozenset of ids
    count_changed = Signal(int)
    repair_requested = Signal(object)  # a Repair of the study

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setSpacing(2)
        self.list.setAccessibleName(self.tr("Findings"))
        self.list.setToolTip(self.tr("Click a finding to see its place; F8 goes to the next one"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFrameShape(QListWidget.Shape.NoFrame)
        self.list.itemClicked.connect(self._locate)
        self.list.itemActivated.connect(self._locate)
        self.empty = hint(
            self.tr("The checks run after each edit; what they find stands here."), self
        )
        self.list.currentRowChanged.connect(self._show_repairs)
        self._repairs: Sequence[Sequence[Repair]] = ()
        self.buttons: list[QPushButton] = []
        self._bar = QVBoxLayout()
        self._bar.setContentsMargins(8, 2, 8, 8)
        self._bar.setSpacing(4)
        found = QWidget()
        layout = QVBoxLayout(found)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.list, 1)
        layout.addLayout(self._bar)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(found)

    def show_findings(
        self, findings: Sequence[Finding], repairs: "Sequence[Sequence[Repair]]" = ()
    ) -> None:
        """Shows the findings of the last check, and what would mend the chosen one."""
        self.empty.setText(self.tr("No findings: the design passes all checks."))
        row = self.list.currentRow()
        self._repairs = repairs
        self.list.clear()
        for finding in findings[:MOST_SHOWN]:
            self.list.addItem(self._item(finding))
        if len(findings) > MOST_SHOWN:
            more = QListWidgetItem(self.tr("... and {0} more").format(len(findings) - MOST_SHOWN))
            more.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(more)
        self.list.setCurrentRow(row if row < self.list.count() else -1)
        self._stack.setCurrentIndex(1 if findings else 0)
        self.count_changed.emit(len(findings))

    def next_issue(self) -> None:
        """Goes to the next finding, after the last to the first."""
        count = min(self.list.count(), MOST_SHOWN)
        if count:
            self.list.setCurrentRow((self.list.currentRow() + 1) % count)
            self._locate(self.list.currentItem())

    def _item(self, finding: Finding) -> QListWidgetItem:
        hint = f"\n{finding.hint}" if finding.hint else ""
        item = QListWidgetItem(f"{finding.text}{hint}")
        colors = {
            Severity.ERROR: error_color(self.palette()),
            Severity.WARNING: QColor("#c77700"),
            Severity.NOTE: self.palette().color(QPalette.ColorRole.PlaceholderText),
        }
        item.setIcon(icon(finding.severity.value, colors[finding.severity]))
        item.setData(SUBJECT_ROLE, finding.subject)
        item.setToolTip(finding.text)
        return item

    def _show_repairs(self, row: int) -> None:
        """A button for each repair of the chosen finding."""
        for button in self.buttons:
            self._bar.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = []
        offers = self._repairs[row] if 0 <= row < len(self._repairs) else ()
        for repair in offers:
            button = QPushButton(self.tr("Fix: {0}").format(repair.text))
            button.setToolTip(self.tr("Does it as one step that can be undone"))
            button.setAccessibleName(button.text())
            button.clicked.connect(
                lambda _=False, repair=repair: self.repair_requested.emit(repair)
            )
            self._bar.addWidget(button)
            self.buttons.append(button)

    def _locate(self, item: QListWidgetItem) -> None:
        subject = str(item.data(SUBJECT_ROLE) or "")
        if subject:
            self.locate_requested.emit(frozenset({subject}))
