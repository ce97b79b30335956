"""A titled table of records with its buttons, its refusals below and a hint while it is empty."""

from collections.abc import Callable

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QKeySequence, QPalette, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QStackedLayout,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.models.record_table import CHOICES_ROLE, Record, RecordTable
from app.panels.fields import error_color
from app.panels.hints import heading, hint

Index = QModelIndex | QPersistentModelIndex


class ChoiceDelegate(QStyledItemDelegate):
    """Offers a list where a field has choices, and marks cells where something is amiss."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """A combo box for choices, else the usual editor."""
        choices = index.data(CHOICES_ROLE)
        if not choices:
            return super().createEditor(parent, option, index)
        box = QComboBox(parent)
        for value, text in choices:
            box.addItem(text, value)
        box.activated.connect(lambda _row: self._take(box))
        return box

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Chooses the record's value."""
        if isinstance(editor, QComboBox):
            editor.setCurrentIndex(editor.findData(index.data(Qt.ItemDataRole.EditRole)))
            return
        super().setEditorData(editor, index)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """Writes the chosen value."""
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentData())
            return
        super().setModelData(editor, model, index)

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Cells that say what is wrong are red."""
        super().initStyleOption(option, index)
        model = index.model()
        if isinstance(model, RecordTable) and model.is_wrong(index):
            palette = option.palette
            palette.setColor(QPalette.ColorRole.Text, error_color(palette))
            option.palette = palette

    def _take(self, box: QComboBox) -> None:
        self.commitData.emit(box)
        self.closeEditor.emit(box)


class RecordView(QWidget):
    """A table of records that can be added to, duplicated and removed from."""

    def __init__(
        self,
        title: str,
        model: RecordTable,
        make: Callable[[], Record],
        *,
        copy: Callable[[Record], Record],
        empty: str,
        kept: int = 0,
        what: str = "",
    ) -> None:
        """Builds the view.

        Args:
            title: above the table.
            model: the records.
            make: a new record for the add button.
            copy: a record like another, with a name of its own.
            empty: what to say while there is none.
            kept: the first so many rows cannot be removed.
            what: the record's noun, for undo texts.
        """
        super().__init__()
        self.model = model
        self._make, self._copy, self._kept, self._what = make, copy, kept, what or title
        self.table = _table(model, title)
        self.add = _button(self.tr("Add"), self.tr("Add {0}").format(self._what))
        self.duplicate = _button(
            self.tr("Duplicate"), self.tr("Duplicate the chosen {0}").format(self._what)
        )
        self.remove = _button(
            self.tr("Remove"), self.tr("Remove the chosen {0} (Del)").format(self._what)
        )
        self.table.setToolTip(self.tr("Double-click or F2 edits a field, Del removes the row"))
        self.error = QLabel()
        self.error.setWordWrap(True)
        self.error.setTextFormat(Qt.TextFormat.PlainText)
        self.error.setVisible(False)
        bar = QHBoxLayout()
        bar.addWidget(heading(title))
        bar.addStretch(1)
        for button in (self.add, self.duplicate, self.remove):
            bar.addWidget(button)
        self._stack = QStackedLayout()
        self._stack.addWidget(hint(empty, self))
        self._stack.addWidget(self.table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setSpacing(4)
        layout.addLayout(bar)
        layout.addLayout(self._stack, 1)
        layout.addWidget(self.error)
        self._connect()
        self._show_state()

    def _connect(self) -> None:
        self.add.clicked.connect(self.add_row)
        self.duplicate.clicked.connect(self.duplicate_row)
        self.remove.clicked.connect(self.remove_rows)
        self.model.refused.connect(self._show_error)
        self.model.modelReset.connect(self._show_state)
        self.table.selectionModel().selectionChanged.connect(self._show_state)
        key = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.table)
        key.setContext(Qt.ShortcutContext.WidgetShortcut)
        key.activated.connect(self.remove_rows)

    def add_row(self) -> None:
        """A new record at the end."""
        rows = (*self.model.rows, self._make())
        self.model.replace(rows, self.tr("Add {0}").format(self._what))
        self.choose(len(self.model.rows) - 1)

    def duplicate_row(self) -> None:
        """A record like the chosen one, behind it."""
        row = self.table.currentIndex().row()
        if row >= 0:
            rows = list(self.model.rows)
            rows.insert(row + 1, self._copy(rows[row]))
            self.model.replace(tuple(rows), self.tr("Duplicate {0}").format(self._what))
            self.choose(row + 1)

    def remove_rows(self) -> None:
        """The chosen records go, but for those that every design has."""
        chosen = {index.row() for index in self.table.selectionModel().selectedIndexes()}
        chosen = {row for row in chosen if row >= self._kept}
        if chosen:
            rows = tuple(r for at, r in enumerate(self.model.rows) if at not in chosen)
            self.model.replace(rows, self.tr("Remove {0}").format(self._what))

    def choose(self, row: int) -> None:
        """Selects a record."""
        if 0 <= row < len(self.model.rows):
            self.table.setCurrentIndex(self.model.index(row, 0))

    def edit(self, row: int) -> None:
        """Opens the first field of a record."""
        self.choose(row)
        if self.table.currentIndex().row() == row:
            self.table.edit(self.table.currentIndex())

    def _show_error(self, text: str) -> None:
        palette = self.error.palette()
        palette.setColor(QPalette.ColorRole.WindowText, error_color(self.palette()))
        self.error.setPalette(palette)
        self.error.setText(text)
        self.error.setVisible(bool(text))

    def _show_state(self, *_args: object) -> None:
        self._stack.setCurrentIndex(1 if self.model.rows else 0)
        row = self.table.currentIndex().row()
        self.duplicate.setEnabled(row >= 0)
        self.remove.setEnabled(row >= self._kept)


def _button(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAccessibleName(tip)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button


def _table(model: RecordTable, name: str) -> QTableView:
    table = QTableView()
    table.setModel(model)
    table.setItemDelegate(ChoiceDelegate(table))
    table.setAccessibleName(name)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setEditTriggers(
        QAbstractItemView.EditTrigger.DoubleClicked
        | QAbstractItemView.EditTrigger.EditKeyPressed
        | QAbstractItemView.EditTrigger.AnyKeyPressed
    )
    table.verticalHeader().setVisible(False)
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setStretchLastSection(True)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    table.setShowGrid(False)
    table.setAlternatingRowColors(True)
    return table
