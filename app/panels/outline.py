"""The outline: the drawing as a tree with the canvas's selection, for keyboard and screen reader."""

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStackedLayout,
    QTreeView,
    QWidget,
)

from app.canvas.nudge import SHIFT_KEYS, nudge
from app.commands.grouping import selected_group
from app.document import Document
from app.models.outline_model import OutlineModel
from app.panels.hints import hint

WHAT_WIDTH = 112  # of the second column at most: the names matter more


class OutlineTree(QTreeView):
    """The tree; Delete removes the selection, Enter shows it, Alt and an arrow move it."""

    delete_requested = Signal()
    locate_requested = Signal()
    nudge_requested = Signal(int, bool)  # key, by one unit instead of a step of the grid

    def rename(self, index: QModelIndex) -> None:
        """Opens the editor of a name, unless one is open already."""
        if self.state() is not QAbstractItemView.State.EditingState:
            self.edit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Takes those keys; everything else is the tree's."""
        key = Qt.Key(event.key())
        typing = self.state() is QAbstractItemView.State.EditingState
        if key == Qt.Key.Key_Delete:
            self.delete_requested.emit()
        elif key in SHIFT_KEYS and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.nudge_requested.emit(int(key), fine)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not typing:
            self.locate_requested.emit()
        else:
            super().keyPressEvent(event)
            return
        event.accept()


class OutlinePanel(QWidget):
    """What was drawn, as a list that selects, renames and deletes."""

    locate_requested = Signal(object)  # frozenset of ids
    delete_requested = Signal()
    context_menu_requested = Signal(QPoint)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.model = OutlineModel(document, self)
        self.tree = OutlineTree()
        self._following = False
        self._set_up_tree()
        self._empty = hint(
            self.tr("Nothing drawn yet. Drag a rack from the palette, or open an example."),
            self,
        )
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.tree)
        self._stack.addWidget(self._empty)
        document.selection_changed.connect(self._follow_document)
        self.model.modelReset.connect(self._on_reset)
        self._on_reset()

    def rename_selected(self) -> None:
        """Opens the editor of the first selected name."""
        for subject in sorted(self._document.selection):
            index = self.model.index_of(subject)
            if index.isValid():
                self.tree.setFocus()
                self.tree.setCurrentIndex(index)
                self.tree.rename(index)
                return

    def _set_up_tree(self) -> None:
        tree = self.tree
        tree.setModel(self.model)
        tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        tree.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        tree.setUniformRowHeights(True)
        tree.setIndentation(14)
        tree.setAccessibleName(self.tr("Outline of the drawing"))
        tree.setToolTip(
            self.tr(
                "Double-click or Enter locates, F2 renames, Del removes, Alt and an arrow move"
            )
        )
        header = tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setMaximumSectionSize(WHAT_WIDTH)
        header.hide()
        tree.selectionModel().selectionChanged.connect(self._follow_tree)
        tree.doubleClicked.connect(self._on_double_clicked)
        tree.delete_requested.connect(self.delete_requested)
        tree.locate_requested.connect(self._locate_selected)
        tree.nudge_requested.connect(self._nudge)
        tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        tree.customContextMenuRequested.connect(self._ask_menu)

    def _follow_tree(self, _on: QItemSelection, _off: QItemSelection) -> None:
        if self._following:
            return
        rows = self.tree.selectionModel().selectedRows(0)
        self._following = True
        try:
            chosen = [self.model.selected_by(index) for index in rows]
            self._document.select(frozenset[str]().union(*chosen))
        finally:
            self._following = False

    def _follow_document(self) -> None:
        if self._following:
            return
        wanted = QItemSelection()
        first = QModelIndex()
        whole = selected_group(self._document)
        for subject in self._document.selection if whole is None else (whole.id,):
            index = self.model.index_of(subject)
            if index.isValid():
                wanted.select(index, index)
                first = index
        flag = QItemSelectionModel.SelectionFlag
        self._following = True
        try:
            self.tree.selectionModel().select(wanted, flag.ClearAndSelect | flag.Rows)
            if first.isValid():
                self.tree.scrollTo(first)
        finally:
            self._following = False

    def _on_double_clicked(self, index: QModelIndex) -> None:
        self.locate_requested.emit(self.model.selected_by(index))

    def _locate_selected(self) -> None:
        if self._document.selection:
            self.locate_requested.emit(self._document.selection)

    def _nudge(self, key: int, fine: bool) -> None:
        nudge(self._document, Qt.Key(key), fine=fine)

    def _ask_menu(self, place: QPoint) -> None:
        self.context_menu_requested.emit(self.tree.viewport().mapToGlobal(place))

    def _on_reset(self) -> None:
        self._stack.setCurrentIndex(0 if self.model.rowCount() else 1)
        self._follow_document()
