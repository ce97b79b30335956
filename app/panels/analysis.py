"""What the drawn graph says without a run: one row a question, a click shows the place."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QStackedLayout,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from engine.units import format_quantity

if TYPE_CHECKING:
    from engine.analysis.analyse import Analysis

SUBJECT_ROLE = Qt.ItemDataRole.UserRole


class AnalysisPanel(QWidget):
    """Answers on the graph; with two elements selected also the flow between them."""

    locate_requested = Signal(object)  # frozenset of ids

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setHeaderHidden(True)
        self.tree.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.tree.setAccessibleName(self.tr("Analysis of the drawing"))
        header = self.tree.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)
        self.tree.itemClicked.connect(self._locate)
        self.tree.itemActivated.connect(self._locate)
        empty = QLabel(self.tr("Nothing drawn yet."))
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        empty.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(empty)
        self._stack.addWidget(self.tree)

    def show_analysis(self, analysis: "Analysis | None", flow: tuple[str, float] | None) -> None:
        """Shows the answers of the last check; `flow` is between the two selected elements."""
        self._stack.setCurrentIndex(0 if analysis is None or not analysis.devices else 1)
        self.tree.clear()
        if analysis is None:
            return
        if flow is not None:
            name, value = flow
            self._row(self.tr("Maximum flow {0}").format(name), format_quantity(value, "B/s"))
        self._connectivity(analysis)
        self._weak_points(analysis)
        self._capacity(analysis)
        self._distances(analysis)
        self.tree.expandAll()

    def _row(
        self, name: str, value: str, subject: str = "", parent: QTreeWidgetItem | None = None
    ) -> QTreeWidgetItem:
        item = QTreeWidgetItem([name, value])
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
        item.setData(0, SUBJECT_ROLE, subject)
        item.setToolTip(0, name)
        if parent is None:
            self.tree.addTopLevelItem(item)
        else:
            parent.addChild(item)
        return item

    def _connectivity(self, analysis: "Analysis") -> None:
        parts = analysis.connectivity.parts
        text = self.tr("yes") if analysis.connectivity.connected else self.tr("no")
        row = self._row(self.tr("Connected"), text)
        if len(parts) > 1:
            for names in parts[:8]:
                self._row(", ".join(names[:6]), "", parent=row)

    def _weak_points(self, analysis: "Analysis") -> None:
        points = analysis.weak_points
        row = self._row(self.tr("Single points of failure"), str(len(points)))
        for point in points[:20]:
            lost = self.tr("{0} chips").format(point.chips)
            self._row(point.name, lost, point.subject, row)

    def _capacity(self, analysis: "Analysis") -> None:
        for tier in analysis.tiers:
            ratio = tier.oversubscription
            text = self.tr("top tier") if ratio is None else f"{ratio:.2f}:1"
            self._row(f"{tier.where} ({tier.tier})", text)
        cut = analysis.bisection
        if cut is not None:
            over = "" if cut.oversubscription is None else f"  {cut.oversubscription:.2f}:1"
            value = format_quantity(cut.bytes_per_s, "B/s")
            self._row(self.tr("Bisection"), f"{value}{over}").setToolTip(1, cut.cut)

    def _distances(self, analysis: "Analysis") -> None:
        far = analysis.distances
        if far is None:
            return
        latency = format_quantity(far.worst_latency_s, "s")
        self._row(self.tr("Diameter"), self.tr("{0} links").format(far.diameter_hops))
        self._row(self.tr("Worst latency, one way"), latency)
        self._row(self.tr("Disjoint ways of the farthest"), f"{far.disjoint_paths:,}")
        self._row(self.tr("Shortest ways of the farthest"), f"{far.equal_paths:,}")

    def _locate(self, item: QTreeWidgetItem) -> None:
        subject = str(item.data(0, SUBJECT_ROLE) or "")
        if subject:
            self.locate_requested.emit(frozenset({subject}))
