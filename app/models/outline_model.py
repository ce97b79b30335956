"""The drawing as a tree for the outline: groups, elements in their order with their links, notes."""

from typing import Any, NamedTuple

import msgspec
from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.document import Document
from app.support.icons import icon
from engine.scenario.design import Note
from engine.topology.changes import PutElements, PutGroups, PutLinks
from engine.topology.elements import Element, Group, Link

ID_ROLE = Qt.ItemDataRole.UserRole + 1
Index = QModelIndex | QPersistentModelIndex
NONE = QModelIndex()


class Row(NamedTuple):
    """What a row stands for, the row it is listed under (-1: none) and its place there."""

    what: Group | Element | Note
    parent: int
    place: int


class OutlineModel(QAbstractItemModel):
    """Groups with their elements, then the other elements, then notes.

    Below each element are its links, named by their other end. An index carries the number of its
    row in `_rows`, twice; that of a link the number of its element's row, twice, and one.
    """

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._rows: list[Row] = []
        self._top: list[int] = []
        self._inside: dict[int, list[int]] = {}  # rows of a group's elements, by its row
        self._links: dict[str, list[Link]] = {}  # by element id
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
        """The first index of an id of anything in the tree; invalid where there is none."""
        row = self._row_of.get(subject_id)
        if row is not None:
            return self._index_of_row(row)
        for name, links in self._links.items():
            for place, link in enumerate(links):
                if link.id == subject_id:
                    return self.createIndex(place, 0, 2 * self._row_of[name] + 1)
        return QModelIndex()

    def selected_by(self, index: Index) -> frozenset[str]:
        """The ids that a selected row selects: of a group, those of its elements."""
        row = self._row(index)
        if row is None or not isinstance(row.what, Group):
            return frozenset({str(index.data(ID_ROLE))})
        inside = self._inside.get(self._row_of[row.what.id], [])
        return frozenset(self._rows[number].what.id for number in inside)

    def index(self, row: int, column: int, parent: Index = NONE) -> QModelIndex:
        """The index of a row."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        if not parent.isValid():
            return self.createIndex(row, column, 2 * self._top[row])
        above = parent.internalId() // 2
        inside = self._inside.get(above)
        number = 2 * above + 1 if inside is None else 2 * inside[row]
        return self.createIndex(row, column, number)

    def parent(self, child: Index = NONE) -> QModelIndex:  # type: ignore[override]
        """The group of an element, the element of a link."""
        if not child.isValid():
            return QModelIndex()
        number = child.internalId()
        above = number // 2 if number % 2 else self._rows[number // 2].parent
        return self._index_of_row(above) if above >= 0 else QModelIndex()

    def rowCount(self, parent: Index = NONE) -> int:
        """Rows at the top, or below a row."""
        if not parent.isValid():
            return len(self._top)
        if parent.column() > 0 or (row := self._row(parent)) is None:
            return 0
        if isinstance(row.what, Element):
            return len(self._links.get(row.what.id, ()))
        return len(self._inside.get(parent.internalId() // 2, ()))

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
        """Names can be edited; the text of a note is asked for elsewhere."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        row = self._row(index)
        named = row is None or not isinstance(row.what, Note)
        return flags | Qt.ItemFlag.ItemIsEditable if named and index.column() == 0 else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts, icons and ids."""
        if not index.isValid():
            return None
        row = self._row(index)
        if row is None:
            return self._link_data(self._link(index), self._here(index), index.column(), role)
        if isinstance(row.what, Element):
            return self._element_data(row.what, index.column(), role)
        if isinstance(row.what, Group):
            return self._group_data(row.what, index.column(), role)
        return self._note_data(row.what, index.column(), role)

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Renames as one command; an empty name is refused, but for that of a link."""
        name = str(value).strip()
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        row = self._row(index)
        if row is None:
            link = self._link(index)
            if name in (link.name, self._link_text(link, self._here(index))):
                return False
            self._document.perform(
                self.tr("Rename link"), PutLinks((msgspec.structs.replace(link, name=name),))
            )
            return True
        if isinstance(row.what, Note) or not name or name == row.what.name:
            return False
        renamed = msgspec.structs.replace(row.what, name=name)
        change = PutGroups((renamed,)) if isinstance(renamed, Group) else PutElements((renamed,))
        self._document.perform(self.tr("Rename {0}").format(row.what.name), change)
        return True

    def _group_data(self, group: Group, column: int, role: int) -> Any:
        inside = len(self._inside.get(self._row_of[group.id], ()))
        what = self.tr("Group of {0:,}").format(inside)
        if group.collapsed:
            what += self.tr(", collapsed")
        if role == ID_ROLE:
            return group.id
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return what if column == 1 else group.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{group.name}, {what}"
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return icon("group")
        return None

    def _note_data(self, note: Note, column: int, role: int) -> Any:
        if role == ID_ROLE:
            return note.id
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            first = note.text.partition("\n")[0]
            return self.tr("Note") if column == 1 else first
        if role == Qt.ItemDataRole.ToolTipRole:
            return note.text
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return icon("write-note")
        return None

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

    def _link_data(self, link: Link, here: str, column: int, role: int) -> Any:
        if role == ID_ROLE:
            return link.id
        if role == Qt.ItemDataRole.EditRole and column == 0:
            return link.name
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            if column == 0:
                return self._link_text(link, here)
            return f"{link.medium.value} x{link.count}"
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return icon("link")
        return None

    def _link_text(self, link: Link, here: str) -> str:
        if link.name:
            return link.name
        there = link.b.element if link.a.element == here else link.a.element
        other = self._document.topology.elements.get(there)
        return self.tr("to {0}").format(there if other is None else other.name)

    def _row(self, index: Index) -> Row | None:
        """What an index stands for; None for a link."""
        number = index.internalId()
        return None if number % 2 else self._rows[number // 2]

    def _here(self, index: Index) -> str:
        """The element under which a link is listed."""
        return self._rows[index.internalId() // 2].what.id

    def _link(self, index: Index) -> Link:
        return self._links[self._here(index)][index.row()]

    def _index_of_row(self, number: int) -> QModelIndex:
        return self.createIndex(self._rows[number].place, 0, 2 * number)

    def _read(self) -> None:
        design = self._document.design()
        inside: dict[str, list[Element]] = {group.id: [] for group in design.groups}
        alone: list[Element] = []
        for element in design.elements:
            inside.get(element.group, alone).append(element)
        rows: list[Row] = []
        self._top, self._inside = [], {}
        for group in design.groups:
            number = len(rows)
            self._inside[number] = list(range(number + 1, number + 1 + len(inside[group.id])))
            rows.append(Row(group, -1, len(self._top)))
            rows += [Row(e, number, place) for place, e in enumerate(inside[group.id])]
            self._top.append(number)
        others: list[Element | Note] = [*alone, *design.notes]
        for other in others:
            self._top.append(len(rows))
            rows.append(Row(other, -1, len(self._top) - 1))
        self._rows = rows
        self._row_of = {row.what.id: number for number, row in enumerate(rows)}
        links: dict[str, list[Link]] = {element.id: [] for element in design.elements}
        for link in design.links:
            for end in dict.fromkeys((link.a.element, link.b.element)):
                if end in links:
                    links[end].append(link)
        self._links = links

    def _shape(self) -> object:
        """What must be equal for the tree to have the same rows."""
        return (
            [(row.what.id, row.parent) for row in self._rows],
            [[link.id for link in links] for links in self._links.values()],
        )

    def _state(self) -> tuple[Any, ...]:
        return self._rows, self._top, self._inside, self._links, self._row_of

    def _on_changed(self, _change: object) -> None:
        before, old = self._shape(), self._state()
        self._read()
        if before != self._shape():
            new = self._state()
            self._rows, self._top, self._inside, self._links, self._row_of = old
            self.beginResetModel()
            self._rows, self._top, self._inside, self._links, self._row_of = new
            self.endResetModel()
        elif self._top:
            last = self.index(len(self._top) - 1, 1)
            self.dataChanged.emit(self.index(0, 0), last)
            for number, inside in self._inside.items():
                above = self._index_of_row(number)
                if inside:
                    ends = self.index(0, 0, above), self.index(len(inside) - 1, 1, above)
                    self.dataChanged.emit(*ends)
