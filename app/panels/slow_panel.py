"""The slowest requests of a run, each as a bar of where its time went."""

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QAbstractTableModel,
    QCoreApplication,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QStackedLayout,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.panels.hints import hint
from engine.units import format_quantity

if TYPE_CHECKING:  # the module pulls scipy in, which the window does not wait for
    from collections.abc import Sequence

    from engine.metrics.slow import SlowRequest

Index = QModelIndex | QPersistentModelIndex
REQUEST_ROLE = Qt.ItemDataRole.UserRole
BAR = 5  # the column of the waterfall

# Okabe and Ito's colours for colour-blind eyes, and tints of them
COLORS: dict[str, str] = {
    "admission": "#999999",
    "queue": "#e69f00",
    "kv_memory": "#d55e00",
    "compute": "#0072b2",
    "memory_bandwidth": "#56b4e9",
    "overhead": "#7f6fb8",
    "network_latency": "#cc79a7",
    "scale_up": "#009e73",
    "scale_out": "#66c2a5",
    "kv_transfer": "#b3a100",
    "host": "#8c564b",
    "fault": "#c7382a",
}


def cause_text(name: str) -> str:
    """A cause in plain words."""
    tr = QCoreApplication.translate
    return {
        "admission": tr("SlowPanel", "admission"),
        "queue": tr("SlowPanel", "queue"),
        "kv_memory": tr("SlowPanel", "KV memory"),
        "compute": tr("SlowPanel", "arithmetic"),
        "memory_bandwidth": tr("SlowPanel", "HBM"),
        "overhead": tr("SlowPanel", "overhead"),
        "network_latency": tr("SlowPanel", "latency of collectives"),
        "scale_up": tr("SlowPanel", "scale-up"),
        "scale_out": tr("SlowPanel", "scale-out"),
        "kv_transfer": tr("SlowPanel", "KV on its way"),
        "host": tr("SlowPanel", "host"),
        "fault": tr("SlowPanel", "fault"),
    }.get(name, name)


class SlowModel(QAbstractTableModel):
    """A row a request."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: tuple[SlowRequest, ...] = ()

    def show_requests(self, requests: "Sequence[SlowRequest]") -> None:
        """Shows others."""
        self.beginResetModel()
        self.requests = tuple(requests)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """One a request."""
        return 0 if parent.isValid() else len(self.requests)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """What is known of each."""
        return 0 if parent.isValid() else BAR + 1

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Titles of the columns."""
        if orientation is Qt.Orientation.Vertical or role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            self.tr("Arrived"), self.tr("Tenant"), self.tr("Prompt (cached)"), self.tr("Output"),
            self.tr("TTFT / whole"), self.tr("Where its time went"),
        )[section]  # fmt: skip

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Texts; the last column is painted by its delegate."""
        request = self.requests[index.row()]
        if role == REQUEST_ROLE:
            return request
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return causes_text(request)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            format_quantity(request.arrival_s, "s"),
            request.tenant or "-",
            f"{request.input_tokens:,} ({request.cached_tokens:,})",
            f"{request.output_tokens:,}",
            f"{format_quantity(request.ttft_s, 's', 3)} / {format_quantity(request.e2e_s, 's', 3)}",
            "",
        )[index.column()]


class WaterfallDelegate(QStyledItemDelegate):
    """Paints the causes of a request one after the other, to the scale of the slowest."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The bar of one request."""
        super().paint(painter, option, index)
        model = index.model()
        if not isinstance(model, SlowModel):
            return
        longest = max(request.e2e_s for request in model.requests)
        request = model.requests[index.row()]
        rect = QRectF(option.rect).adjusted(4, 4, -4, -4)
        x = rect.x()
        for name in COLORS:
            seconds = request.causes.get(name, 0.0)
            width = rect.width() * seconds / longest if longest > 0 else 0.0
            if width > 0:
                piece = QRectF(x, rect.y(), width, rect.height())
                painter.fillRect(piece, QColor(COLORS[name]))
                x += width


class SlowPanel(QWidget):
    """The table, its legend and a button for the run so far."""

    refresh_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.model = SlowModel()
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setAccessibleName(self.tr("Slowest requests"))
        self.table.setToolTip(self.tr("Rest on a bar to read the seconds of each cause"))
        self.table.setItemDelegateForColumn(BAR, WaterfallDelegate(self.table))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().setVisible(False)
        self.table.verticalHeader().setDefaultSectionSize(self.table.fontMetrics().height() + 6)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.setShowGrid(False)
        self.refresh = QPushButton(self.tr("Slowest so far"))
        self.refresh.setToolTip(self.tr("Shows the slowest requests that have ended by now"))
        self.refresh.clicked.connect(self.refresh_requested)
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        empty = hint(
            self.tr(
                "The slowest requests of a run, and where their time went. They come at its end; "
                "while it plays, press Slowest so far."
            ),
            self,
        )
        self._stack = QStackedLayout()
        self._stack.addWidget(empty)
        self._stack.addWidget(self.table)
        bar = QHBoxLayout()
        bar.addWidget(self.refresh)
        bar.addWidget(self.legend, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setSpacing(4)
        layout.addLayout(bar)
        layout.addLayout(self._stack, 1)

    def show_requests(self, requests: "Sequence[SlowRequest]") -> None:
        """Shows the slowest requests, and a legend of the causes that they have."""
        self.model.show_requests(requests)
        met = {name for request in requests for name in request.causes}
        self.legend.setText(
            " &nbsp; ".join(
                f'<span style="color:{color}">&#9632;</span> {cause_text(name)}'
                for name, color in COLORS.items()
                if name in met
            )
        )
        self._stack.setCurrentIndex(1 if requests else 0)


def causes_text(request: "SlowRequest") -> str:
    """The seconds of each cause, a line each, the longest first."""
    rows = sorted(request.causes.items(), key=lambda item: -item[1])
    lines = [f"{cause_text(name)}: {format_quantity(seconds, 's', 3)}" for name, seconds in rows]
    head = QCoreApplication.translate("SlowPanel", "replica {0}").format(request.replica)
    return "\n".join([head, *lines])
