"""Chooser: a field and a list over the window; typing narrows the list, Return takes a row.

The command palette, the search and the quick-add are choosers with other rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QIcon,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.support.matching import ranked
from app.support.theme import canvas_colors

WIDTH, HEIGHT = 520, 380
MARGIN = 12
ICON = QSize(20, 20)
SHOWN = 200
DETAIL_ROLE = Qt.ItemDataRole.UserRole + 1
THING_ROLE = Qt.ItemDataRole.UserRole + 2
LIST_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One row: what is read and searched, what stands right of it, and what is taken."""

    text: str
    thing: Any
    detail: str = ""
    tip: str = ""
    words: str = ""  # searched too, not shown
    icon: QIcon | None = None
    enabled: bool = True


class Chooser(QFrame):
    """Lies over its window until a row is taken or it is left; asks for rows when it opens."""

    closed = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.field = QLineEdit()
        self.field.setClearButtonEnabled(True)
        self.field.setAccessibleName(self.tr("Search"))  # until it is asked for something
        self.field.setToolTip(self.tr("Type to narrow the list; Up and Down choose, Enter takes"))
        self.field.textChanged.connect(self._fill)
        self.field.installEventFilter(self)
        self.list = QListView()
        self.list.setAccessibleName(self.tr("Found"))
        self.list.setToolTip(self.tr("A click takes the row"))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setUniformItemSizes(True)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setItemDelegate(_RowDelegate(self.list))
        self.list.clicked.connect(self._take)
        self._model = QStandardItemModel(self)
        self.list.setModel(self._model)
        self.note = QLabel()
        self.note.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.note.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 6)
        layout.setSpacing(6)
        layout.addWidget(self.field)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.note)
        blank = QPixmap(self.list.iconSize() if self.list.iconSize().isValid() else ICON)
        blank.fill(Qt.GlobalColor.transparent)
        self._blank = QIcon(blank)  # so that texts stand below each other
        self._choices: Sequence[Choice] = ()
        self._taken: Callable[[Any], object] = lambda _thing: None
        self._nothing = ""
        self.hide()
        window.installEventFilter(self)

    def ask(
        self,
        title: str,
        choices: Sequence[Choice],
        taken: Callable[[Any], object],
        *,
        nothing: str,
        at: QPoint | None = None,
    ) -> None:
        """Opens with rows; `taken` gets the thing of the one that is chosen.

        Args:
            title: what is looked for, shown in the empty field and read to screen readers.
            choices: rows in the order in which they are shown without a query.
            taken: called after the chooser has closed.
            nothing: shown where no row matches.
            at: a corner in the window's pixels; the upper middle if not given.
        """
        self._choices, self._taken, self._nothing = choices, taken, nothing
        self.field.setPlaceholderText(title)
        self.field.setAccessibleName(title)
        self.list.setAccessibleName(title)
        self.field.clear()
        self._fill("")
        self._place(at)
        self.show()
        self.raise_()
        self.field.setFocus()

    def leave(self) -> None:
        """Closes without taking a row."""
        if not self.isHidden():
            self.hide()
            self.closed.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A panel with an edge that stands off from what lies below, in either theme."""
        colors = canvas_colors(self.palette())
        with QPainter(self) as painter:
            painter.setPen(QPen(QColor(colors.accent), 1.0))
            painter.setBrush(QColor(colors.panel))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def texts(self) -> list[str]:
        """The rows that are shown."""
        return [self._model.item(row).text() for row in range(self._model.rowCount())]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys of the field move in the list; a lost focus or a resized window closes."""
        if watched is self.field:
            if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
                return self._on_key(event)
            if event.type() == QEvent.Type.FocusOut and not self._holds_focus():
                self.leave()
        elif event.type() == QEvent.Type.Resize:
            self.leave()
        return super().eventFilter(watched, event)

    def _holds_focus(self) -> bool:
        focus = QApplication.focusWidget()
        return focus is not None and self.isAncestorOf(focus)

    def _on_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self.leave()
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take(self.list.currentIndex())
            return True
        if key in LIST_KEYS:
            QApplication.sendEvent(self.list, QKeyEvent(event))
            return True
        return False

    def _fill(self, query: str) -> None:
        rows = ((row.text, row.words, row) for row in self._choices)
        found = ranked(query, rows, SHOWN)
        self._model.clear()
        for choice in found:
            item = QStandardItem(choice.text)
            item.setData(choice.detail, DETAIL_ROLE)
            item.setData(choice.thing, THING_ROLE)
            item.setToolTip(choice.tip)
            spoken = f"{choice.text}, {choice.detail}" if choice.detail else choice.text
            item.setData(spoken, Qt.ItemDataRole.AccessibleTextRole)
            item.setIcon(choice.icon or self._blank)
            item.setEnabled(choice.enabled)
            self._model.appendRow(item)
        if found and found[0].enabled:  # Return never does anything but what matches best
            self.list.setCurrentIndex(self._model.index(0, 0))
        total = len(self._choices)
        self.note.setText(
            self._nothing
            if not found
            else self.tr("{0} of {1}; keep typing").format(SHOWN, total)
            if len(found) == SHOWN < total
            else ""
        )
        self.note.setVisible(bool(self.note.text()))

    def _take(self, index: QModelIndex) -> None:
        if not index.isValid() or not index.flags() & Qt.ItemFlag.ItemIsEnabled:
            return
        thing, taken = index.data(THING_ROLE), self._taken
        self.leave()
        taken(thing)

    def _place(self, at: QPoint | None) -> None:
        room = self._window.size()
        width, height = min(WIDTH, room.width() - 24), min(HEIGHT, room.height() - 24)
        corner = at or QPoint((room.width() - width) // 2, room.height() // 8)
        x = min(max(corner.x(), 12), room.width() - width - 12)
        y = min(max(corner.y(), 12), room.height() - height - 12)
        self.setGeometry(QRect(x, y, width, height))


class _RowDelegate(QStyledItemDelegate):
    """The text left, the detail muted at the right."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        """Draws the row; the detail keeps its room, the text is elided."""
        detail = str(index.data(DETAIL_ROLE) or "")
        whole = QRect(option.rect)
        if not detail:
            super().paint(painter, option, index)
            return
        most = whole.width() * 55 // 100
        width = min(option.fontMetrics.horizontalAdvance(detail) + 2 * MARGIN, most)
        style = option.widget.style()
        self.initStyleOption(option, index)
        style.drawPrimitive(
            QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget
        )
        option.rect = whole.adjusted(0, 0, -width, 0)
        super().paint(painter, option, index)
        option.rect = whole
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.PlaceholderText
        painter.save()
        painter.setPen(option.palette.color(role))
        place = QRect(whole.right() - width + 1, whole.top(), width - MARGIN, whole.height())
        text = option.fontMetrics.elidedText(detail, Qt.TextElideMode.ElideMiddle, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # type: ignore[override]
        """Rows tall enough to hit."""
        size = super().sizeHint(option, index)
        return QSize(size.width(), max(26, size.height()))
