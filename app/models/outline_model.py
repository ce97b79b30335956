"""The drawing as a tree for the outline: elements in their order, below each its links."""

from dataclasses import dataclass
from typing import Any

import msgspec
from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.document import Document
from app.support.icons import icon
from engine.topology.changes import PutElements, PutLinks
from engine.topology.elements import Element, Link

ID_ROLE = Qt.ItemDataRole.UserRole + 1
Index = QModelIndex | QPersistentModelIndex
NONE = QModelIndex()


@dataclass(frozen=True, slots=True)
class _Row:
    """Where an index points: an element, or the n-th link of one."""

    element: int
    link: int = -1


class OutlineModel(QAbstractItemModel):
    """Top level: elements. Children: the links of the element, named by their other end."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._elements: list[Element] = []
        self._links: list[list[Link]] = []
        self._row_of: dict[str, int] = {}
        document.changed.connect(self._on_changed)
        document.replaced.connect(self.reload)
        self.reload()

    def reload(self) -> None:
        """Reads the drawing again."""
        self.beginResetModel()
        self._read()
        self.endResetModel()

    def index_of(self, subject_id: str) -> QModelIndex:
        """The first index of an element or link id; invalid where there is none."""
        row = self._row_of.get(subject_id)
        if row is not None:
            return self.index(row, 0)
        for row, links in enumerate(self._links):
            for child, link in enumerate(links):
                if link.id == subject_id:
                    return self.index(child, 0, self.index(row, 0))
        return QModelIndex()

    def index(self, row: int, column: int, parent: Index = NONE) -> QModelIndex:
        """The index of a row."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else 0)

    def parent(self, child: Index = NONE) -> QModelIndex:  # type: ignore[override]
        """The element that a link is listed under."""
        number = child.internalId() if child.isValid() else 0
        return self.createIndex(number - 1, 0, 0) if number else QModelIndex()

    def rowCount(self, parent: Index = NONE) -> int:
        """Elements, or the links of one."""
        if not parent.isValid():
            return len(self._elements)
        if parent.column() > 0:
            return 0
        row = self._at(parent)
        return len(self._links[row.element]) if row.link < 0 else 0

    def columnCount(self, parent: Index = NONE) -> int:
        """Name and what it is."""
        return 2

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles of the columns."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (self.tr("Name"), self.tr("What"))[section]
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Names can be edited."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == 0 else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts, icons and ids."""
        if not index.isValid():
            return None
        row = self._at(index)
        if row.link < 0:
            return self._element_data(self._elements[row.element], index.column(), role)
        return self._link_data(row, index.column(), role)

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Renames an element or a link as one command; an empty element name is refused."""
        name = str(value).strip()
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        row = self._at(index)
        element = self._elements[row.element]
        if row.link >= 0:
            link = self._links[row.element][row.link]
            if name in (link.name, self._link_text(row)):
                return False
            self._document.perform(
                self.tr("Rename link"), PutLinks((msgspec.structs.replace(link, name=name),))
            )
            return True
        if not name or name == element.name:
            return False
        self._document.perform(
            self.tr("Rename {0}").format(element.name),
            PutElements((msgspec.structs.replace(element, name=name),)),
        )
        return True

    def _element_data(self, element: Element, column: int, role: int) -> Any:
        spec = self._document.catalog.devices.get(element.spec)
        if role == ID_ROLE:
            return element.id
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            if column == 1:
                return spec.name if spec is not None else element.spec
            if element.count > 1 and role == Qt.ItemDataRole.DisplayRole:
                return f"{element.name} x{element.count}"
            return element.name
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return icon(element.kind.value)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            what = spec.name if spec is not None else element.spec
            return self.tr("{0}, {1}, count {2}").format(element.name, what, element.count)
        if role == Qt.ItemDataRole.ToolTipRole and spec is not None:
            return spec.summary or spec.name
        return None

    def _link_data(self, row: _Row, column: int, role: int) -> Any:
        link = self._links[row.element][row.link]
        if role == ID_ROLE:
            return link.id
        if role == Qt.ItemDataRole.EditRole and column == 0:
            return link.name
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._link_text(row) if column == 0 else f"{link.medium.value} x{link.count}"
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return icon("link")
        return None

    def _link_text(self, row: _Row) -> str:
        link = self._links[row.element][row.link]
        if link.name:
            return link.name
        here = self._elements[row.element].id
        there = link.b.element if link.a.element == here else link.a.element
        other = self._row_of.get(there)
        return self.tr("to {0}").format(there if other is None else self._elements[other].name)

    def _at(self, index: Index) -> _Row:
        number = index.internalId()
        return _Row(number - 1, index.row()) if number else _Row(index.row())

    def _read(self) -> None:
        design = self._document.design()
        self._elements = list(design.elements)
        self._row_of = {element.id: row for row, element in enumerate(self._elements)}
        self._links = [[] for _ in self._elements]
        for link in design.links:
            for end in dict.fromkeys((link.a.element, link.b.element)):
                row = self._row_of.get(end)
                if row is not None:
                    self._links[row].append(link)

    def _on_changed(self, _change: object) -> None:
        before = ([e.id for e in self._elements], [[k.id for k in ks] for ks in self._links])
        old = self._elements, self._links, self._row_of
        self._read()
        after = ([e.id for e in self._elements], [[k.id for k in ks] for ks in self._links])
        if before != after:
            new = self._elements, self._links, self._row_of
            self._elements, self._links, self._row_of = old
            self.beginResetModel()
            self._elements, self._links, self._row_of = new
            self.endResetModel()
        elif self._elements:
            last = self.index(len(self._elements) - 1, 1)
            self.dataChanged.emit(self.index(0, 0), last)
