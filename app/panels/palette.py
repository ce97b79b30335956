"""The palette: a searchable tree of devices; drag one onto the canvas or click to place it."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QModelIndex, QPoint, QRect, QSize, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from app.models.palette_model import BADGE_ROLE, SPEC_ROLE, PaletteModel
from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceSpec
from engine.storage.blocks import Block
from engine.topology.quick_add import MOST_MEMBERS

BADGE_MARGIN = 8


class BadgeDelegate(QStyledItemDelegate):
    """Draws the badge (what-if, estimate) right of a device's name."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        """Draws the row, elided so that the badge stays readable."""
        text = str(index.data(BADGE_ROLE) or "")
        if not text:
            super().paint(painter, option, index)
            return
        font = QFont(option.font)
        font.setPointSizeF(max(7.0, font.pointSizeF() * 0.82))
        painter.save()
        painter.setFont(font)
        width = painter.fontMetrics().horizontalAdvance(text) + 2 * BADGE_MARGIN
        painter.restore()
        whole = QRect(option.rect)
        option.rect = whole.adjusted(0, 0, -width, 0)
        super().paint(painter, option, index)
        option.rect = whole
        painter.save()
        painter.setFont(font)
        painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
        place = QRect(whole.right() - width + 1, whole.top(), width - BADGE_MARGIN, whole.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # type: ignore[override]
        """Rows tall enough to hit."""
        size = super().sizeHint(option, index)
        return QSize(size.width(), max(24, size.height()))


class PalettePanel(QWidget):
    """What can be put on the canvas."""

    place_requested = Signal(
        str, int
    )  # spec id, how many: the next click on the canvas places them

    menu_requested = Signal(str, QPoint)  # spec id or key of a block, where

    def __init__(self, catalog: Catalog, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = PaletteModel(catalog)
        self._filter = QSortFilterProxyModel(self)
        self._filter.setSourceModel(self._model)
        self._filter.setRecursiveFilteringEnabled(True)
        self._filter.setAutoAcceptChildRows(True)
        self._filter.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search devices"))
        self.search.setAccessibleName(self.tr("Search devices"))
        self.search.setToolTip(self.tr("Find a device by a part of its name"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search)
        self.count = QSpinBox()
        self.count.setRange(1, MOST_MEMBERS)
        self.count.setPrefix("\u00d7 ")
        self.count.setAccessibleName(self.tr("How many"))
        self.count.setToolTip(self.tr("How many are placed at once, as one array"))
        self.count.valueChanged.connect(self._on_count)
        self.tree = self._make_tree()
        hint = QLabel(self.tr("Drag onto the canvas, or click and then click to place."))
        hint.setWordWrap(True)
        hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(6)
        top = QHBoxLayout()
        top.addWidget(self.search, 1)
        top.addWidget(self.count)
        layout.addLayout(top)
        layout.addWidget(self.tree, 1)
        layout.addWidget(hint)

    def show_own(self, devices: Sequence[DeviceSpec]) -> None:
        """Offers the devices of the design itself."""
        self._model.show_own(devices)
        self.tree.expandAll()

    def show_blocks(self, blocks: Mapping[str, Block]) -> None:
        """Offers the user's own blocks, by their keys."""
        self._model.show_blocks(blocks)
        self.tree.expandAll()

    def refresh_icons(self) -> None:
        """Follows a change of theme."""
        self._model.refresh_icons()

    def _make_tree(self) -> QTreeView:
        tree = QTreeView()
        tree.setModel(self._filter)
        tree.setItemDelegate(BadgeDelegate(tree))
        tree.setHeaderHidden(True)
        tree.setDragEnabled(True)
        tree.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        tree.setUniformRowHeights(True)
        tree.setIndentation(14)
        tree.setTextElideMode(Qt.TextElideMode.ElideRight)
        tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        tree.setAccessibleName(self.tr("Devices"))
        tree.setToolTip(
            self.tr("Drag a device onto the canvas; click or Enter places it by a click")
        )
        tree.expandAll()
        tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        tree.customContextMenuRequested.connect(self._ask_menu)
        tree.clicked.connect(self._on_clicked)
        tree.activated.connect(self._on_clicked)
        return tree

    def _ask_menu(self, place: QPoint) -> None:
        what = self.tree.indexAt(place).data(SPEC_ROLE)
        if what:
            self.menu_requested.emit(str(what), self.tree.viewport().mapToGlobal(place))

    def _on_search(self, text: str) -> None:
        self._filter.setFilterFixedString(text)
        self.tree.expandAll()

    def _on_count(self, count: int) -> None:
        self._model.count = count

    def _on_clicked(self, index: QModelIndex) -> None:
        spec_id = index.data(SPEC_ROLE)
        if spec_id:
            self.place_requested.emit(str(spec_id), self.count.value())
        else:
            self.tree.setExpanded(index, not self.tree.isExpanded(index))
