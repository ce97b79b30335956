"""What the drawn graph says without a run: one row a question, a click shows the place."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QHeaderView,
    QStackedLayout,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.panels.hints import hint
from engine.units import format_quantity

if TYPE_CHECKING:
    from engine.analysis.analyse import Analysis

SUBJECT_ROLE = Qt.ItemDataRole.UserRole
_ROW_GAP = 4  # pixels between lines of text


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
        self.tree.setToolTip(self.tr("Click a row to see its place on the canvas"))
        header = self.tree.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)
        self.tree.itemClicked.connect(self._locate)
        self.tree.itemActivated.connect(self._locate)
        empty = hint(
            self.tr(
                "Nothing drawn yet. Of a drawing this tells what is connected, what must not fail, "
                "the cut of each tier and, between two selected devices, the flow."
            ),
            self,
        )
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
        self._all_to_all(analysis)
        self._distances(analysis)
        self._cuts(analysis)
        self._losses(analysis)
        self.tree.expandAll()

    def _row(
        self, name: str, value: str, subject: str = "", parent: QTreeWidgetItem | None = None
    ) -> QTreeWidgetItem:
        item = QTreeWidgetItem([name, value])
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        item.setTextAlignment(1, right)
        item.setData(0, SUBJECT_ROLE, subject)
        item.setToolTip(0, name)
        item.setSizeHint(0, QSize(0, self.tree.fontMetrics().height() + _ROW_GAP))
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

    def _cuts(self, analysis: "Analysis") -> None:
        """The tiers from the domain up: cut of a group, its bisection, offered against cut."""
        if not analysis.cuts:
            return
        parent = self._row(self.tr("Tiers"), self.tr("offered : cut"))
        for row in analysis.cuts:
            name = self.tr("{0}, {1} chips").format(self._tier(row.tier), f"{row.chips:,}")
            item = self._row(name, _ratio(row.oversubscription), parent=parent)
            figures = (_rate(row.cut_bytes_per_s), _rate(row.bisection_bytes_per_s))
            item.setToolTip(
                0, self.tr("The tightest of {1} groups: {0}").format(row.where, f"{row.groups:,}")
            )
            if row.cut_bytes_per_s is not None:
                self._row(self.tr("Cut around it"), figures[0], parent=item)
            self._row(self.tr("Bisection inside"), figures[1], parent=item)

    def _tier(self, name: str) -> str:
        """A tier in one word where it has one: the column is narrow."""
        short = {
            "scale-up domain": self.tr("Domain"),
            "switch level 1": self.tr("Leaf"),
            "switch level 2": self.tr("Spine"),
        }
        return short.get(name, name.capitalize())

    def _losses(self, analysis: "Analysis") -> None:
        """What the worst loss of each class of components leaves of the bisection."""
        if not analysis.losses:
            return
        parent = self._row(self.tr("One lost"), self.tr("bisection left"))
        for row in analysis.losses:
            name = f"{row.component[:1].upper()}{row.component[1:]}: {row.name}"
            text = _share(row.bisection_left)
            if row.chips:
                text = self.tr("{0}, {1} chips off").format(text, f"{row.chips:,}")
            item = self._row(name, text, row.subject, parent)
            tip = self.tr("Domain hit hardest keeps {0}").format(_share(row.domain_left))
            item.setToolTip(1, tip)

    def _all_to_all(self, analysis: "Analysis") -> None:
        found = analysis.all_to_all
        if found is None:
            return
        rate = format_quantity(found.bytes_per_s, "B/s")
        row = self._row(self.tr("All-to-all, each chip"), rate, found.bottleneck)
        row.setToolTip(1, self.tr("A click shows the links that fill first"))

    def _capacity(self, analysis: "Analysis") -> None:
        cut = analysis.bisection
        if cut is not None:
            over = "" if cut.oversubscription is None else f"  {cut.oversubscription:.2f}:1"
            value = format_quantity(cut.bytes_per_s, "B/s")
            tip = cut.cut
            if cut.proven_bytes_per_s is not None:
                least = format_quantity(cut.proven_bytes_per_s, "B/s")
                tip = self.tr("{0}; no half has less than {1}").format(tip, least)
            self._row(self.tr("Bisection"), f"{value}{over}").setToolTip(1, tip)

    def _distances(self, analysis: "Analysis") -> None:
        far = analysis.distances
        if far is None:
            return
        if far.unreachable_pairs:
            self._row(self.tr("Pairs of chips without a way"), f"{far.unreachable_pairs:,}")
        latency = format_quantity(far.worst_latency_s, "s")
        self._row(self.tr("Diameter"), self.tr("{0} links").format(far.diameter_hops))
        self._row(self.tr("Worst latency, one way"), latency)
        self._row(self.tr("Disjoint ways of the farthest"), f"{far.disjoint_paths:,}")
        self._row(self.tr("Shortest ways of the farthest"), f"{far.equal_paths:,}")

    def _locate(self, item: QTreeWidgetItem) -> None:
        subject = str(item.data(0, SUBJECT_ROLE) or "")
        if subject:
            self.locate_requested.emit(frozenset({subject}))


def _rate(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else format_quantity(value, "B/s")


def _share(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else _percent(value)


def _ratio(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else f"{value:.2f}:1"


def _percent(value: float) -> str:
    """Never rounds a loss away."""
    if 0.9999 <= value < 1.0:
        return "> 99.99 %"
    return f"{100 * value:.4g} %"
