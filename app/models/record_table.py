"""A table of records of the design: a row a record, a column a field, every edit one command."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from engine.errors import EngineError

Record = Any  # a msgspec struct of one section
Index = QModelIndex | QPersistentModelIndex
CHOICES_ROLE = Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One field as a column; `write` returns the changed record or raises an EngineError.

    `choices` gives (value, text) pairs where only some values are allowed.
    """

    title: str
    tooltip: str
    read: Callable[[Record], str]
    write: Callable[[Record, str], Record] | None = None
    choices: Callable[[], Sequence[tuple[str, str]]] | None = None
    is_wrong: Callable[[Record], bool] | None = None


class RecordTable(QAbstractTableModel):
    """The model of such a table; rows are read from and written to the document."""

    refused = Signal(str)  # why an edit was not taken; empty when one was

    def __init__(
        self,
        columns: Sequence[Column],
        read_rows: Callable[[], tuple[Record, ...]],
        write_rows: Callable[[tuple[Record, ...], str], None],
    ) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self._read_rows, self._write_rows = read_rows, write_rows
        self._rows = read_rows()

    @property
    def rows(self) -> tuple[Record, ...]:
        """The records that are shown."""
        return self._rows

    def refresh(self) -> None:
        """Shows the design's records again."""
        rows = self._read_rows()
        if len(rows) != len(self._rows):
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
            return
        self._rows = rows
        if rows:
            last = self.index(len(rows) - 1, len(self.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def replace(self, rows: tuple[Record, ...], text: str) -> None:
        """Writes other records as one command; a refusal is told by `refused`."""
        try:
            self._write_rows(rows, text)
        except EngineError as error:
            self.refused.emit(str(error))
        else:
            self.refused.emit("")

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """One a record."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """One a field."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> object:
        """Titles with their explanations."""
        if orientation is Qt.Orientation.Vertical:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        return column.tooltip if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Texts, and for choices their texts in place of their values."""
        column, record = self.columns[index.column()], self._rows[index.row()]
        if role == CHOICES_ROLE:
            return None if column.choices is None else list(column.choices())
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tooltip
        value = column.read(record)
        if role == Qt.ItemDataRole.EditRole:
            return value
        if role == Qt.ItemDataRole.DisplayRole:
            if column.choices is not None:
                return dict(column.choices()).get(value, value)
            return value
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{column.title}: {value}"
        return None

    def is_wrong(self, index: Index) -> bool:
        """True if a cell says that something is amiss."""
        check = self.columns[index.column()].is_wrong
        return check is not None and check(self._rows[index.row()])

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Fields that can be written are editable."""
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        if self.columns[index.column()].write is not None:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Writes one field as one command."""
        column, record = self.columns[index.column()], self._rows[index.row()]
        if role != Qt.ItemDataRole.EditRole or column.write is None:
            return False
        if str(value) == column.read(record):
            return True
        try:
            changed = column.write(record, str(value).strip())
            rows = list(self._rows)
            rows[index.row()] = changed
            self._write_rows(tuple(rows), self.tr("Set {0}").format(column.title))
        except EngineError as error:
            self.refused.emit(str(error))
            return False
        self.refused.emit("")
        return True
