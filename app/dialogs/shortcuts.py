"""The editor of keyboard shortcuts: every action with its keys; keys that clash cannot be taken."""

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QKeySequence, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.actions.records import ActionRecord
from app.actions.registry import key_sequence, translated
from app.actions.table import ACTIONS, MENUS
from app.dialogs.buttons import ok_and_cancel
from app.support.matching import match
from app.support.theme import canvas_colors

WANTED = QSize(620, 560)
SCREEN_SHARE = 0.9
ID_ROLE = Qt.ItemDataRole.UserRole
RESERVED = ("Up", "Down", "Left", "Right", "Esc", "Return", "Tab", "+", "-", "=", "Space")
NATIVE = QKeySequence.SequenceFormat.NativeText
PORTABLE = QKeySequence.SequenceFormat.PortableText


class ShortcutsDialog(QDialog):
    """Shows all keys; `changed_keys` are those that are not the table's own."""

    def __init__(self, current: Mapping[str, QKeySequence], parent: QWidget | None = None) -> None:
        """Begins with the keys as they are, by action."""
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self._keys = {record.id: QKeySequence(current[record.id]) for record in ACTIONS}
        self._records = {record.id: record for record in ACTIONS}
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search actions or keys"))
        self.search.setAccessibleName(self.tr("Search actions or keys"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.tree = self._make_tree()
        self.edit = QKeySequenceEdit()
        self.edit.setMaximumSequenceLength(1)
        self.edit.setAccessibleName(self.tr("New keys"))
        self.edit.setToolTip(self.tr("Press the keys that the chosen action is to have"))
        self.edit.keySequenceChanged.connect(self._on_typed)
        self.clear = self._button(self.tr("&None"), self.tr("The action has no keys"))
        self.clear.clicked.connect(self._on_clear)
        self.reset = self._button(self.tr("&Reset"), self.tr("The keys that it came with"))
        self.reset.clicked.connect(self._on_reset)
        self.reset_all = self._button(self.tr("Reset &all"), self.tr("All keys as they came"))
        self.reset_all.clicked.connect(self._on_reset_all)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setMinimumHeight(2 * self.note.fontMetrics().lineSpacing())
        self.buttons = ok_and_cancel(self)
        self._lay_out()
        self._show_all()
        self.resize(
            WANTED.boundedTo(QGuiApplication.primaryScreen().availableSize() * SCREEN_SHARE)
        )

    def changed_keys(self) -> dict[str, str]:
        """Keys that differ from those of the table, as portable texts."""
        return {
            name: keys.toString(PORTABLE)
            for name, keys in self._keys.items()
            if keys != key_sequence(self._records[name])
        }

    def keys(self) -> dict[str, QKeySequence]:
        """Keys by action."""
        return dict(self._keys)

    def choose(self, action_id: str) -> None:
        """Chooses an action of the list."""
        self.tree.setCurrentItem(self._items[action_id])

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(QLabel(self.tr("Keys")))
        row.addWidget(self.edit, 1)
        for button in (self.clear, self.reset, self.reset_all):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.search)
        layout.addWidget(self.tree, 1)
        layout.addLayout(row)
        layout.addWidget(self.note)
        layout.addWidget(self.buttons)

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        return button

    def _make_tree(self) -> QTreeWidget:
        tree = QTreeWidget()
        tree.setAccessibleName(self.tr("Actions and their keys"))
        tree.setHeaderLabels([self.tr("Action"), self.tr("Keys")])
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        tree.header().setStretchLastSection(False)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._groups: dict[str, QTreeWidgetItem] = {}
        for menu in MENUS:
            group = QTreeWidgetItem([translated(menu.text).replace("&", "")])
            group.setFlags(Qt.ItemFlag.ItemIsEnabled)
            tree.addTopLevelItem(group)
            self._groups[menu.id] = group
            for record in ACTIONS:
                if record.menu == menu.id:
                    item = QTreeWidgetItem([_plain(record), ""])
                    item.setToolTip(0, translated(record.tooltip))
                    item.setData(0, ID_ROLE, record.id)
                    group.addChild(item)
                    self._items[record.id] = item
        tree.expandAll()
        tree.currentItemChanged.connect(self._on_chosen)
        return tree

    @property
    def _chosen(self) -> str:
        item = self.tree.currentItem()
        return str(item.data(0, ID_ROLE) or "") if item is not None else ""

    def _show_all(self) -> None:
        for name, item in self._items.items():
            item.setText(1, self._keys[name].toString(NATIVE))
            font = item.font(1)
            font.setBold(self._keys[name] != key_sequence(self._records[name]))
            item.setFont(1, font)
        self._on_chosen()

    def _on_chosen(self, *_items: object) -> None:
        name = self._chosen
        for widget in (self.edit, self.clear, self.reset):
            widget.setEnabled(bool(name))
        self.edit.blockSignals(True)
        self.edit.setKeySequence(self._keys[name] if name else QKeySequence())
        self.edit.blockSignals(False)
        self._say("" if name else self.tr("Choose an action, then press its new keys."))

    def _on_typed(self, keys: QKeySequence) -> None:
        name = self._chosen
        if not name or keys.isEmpty() or keys == self._keys[name]:
            return
        text = keys.toString(PORTABLE)
        other = next((n for n, own in self._keys.items() if own == keys and n != name), None)
        if text in RESERVED and key_sequence(self._records[name]) != keys:
            self._refuse(self.tr("{0} moves or leaves on the canvas").format(text))
        elif other is not None:
            record = self._records[other]
            self._refuse(
                self.tr("{0} is taken by {1}: give that one other keys first").format(
                    keys.toString(NATIVE), _plain(record)
                )
            )
        else:
            self._set(name, keys)

    def _refuse(self, reason: str) -> None:
        self.edit.blockSignals(True)
        self.edit.setKeySequence(self._keys[self._chosen])
        self.edit.blockSignals(False)
        self._say(reason, wrong=True)

    def _set(self, name: str, keys: QKeySequence) -> None:
        self._keys[name] = keys
        self._show_all()

    def _on_clear(self) -> None:
        if self._chosen:
            self._set(self._chosen, QKeySequence())

    def _on_reset(self) -> None:
        if self._chosen:
            self._on_typed(key_sequence(self._records[self._chosen]))
            if key_sequence(self._records[self._chosen]).isEmpty():
                self._set(self._chosen, QKeySequence())

    def _on_reset_all(self) -> None:
        self._keys = {record.id: key_sequence(record) for record in ACTIONS}
        self._show_all()

    def _filter(self, query: str) -> None:
        shown = set[str]()
        for name, item in self._items.items():
            fits = match(query, f"{item.text(0)} {item.text(1)}") is not None
            item.setHidden(not fits)
            if fits:
                shown.add(self._records[name].menu)
        for menu, group in self._groups.items():
            group.setHidden(menu not in shown)

    def _say(self, text: str, *, wrong: bool = False) -> None:
        palette = QPalette(self.palette())
        if wrong:
            palette.setColor(QPalette.ColorRole.WindowText, QColor(canvas_colors(palette).bad))
        self.note.setPalette(palette)
        self.note.setText(text)


def _plain(record: ActionRecord) -> str:
    return translated(record.text).replace("&", "").rstrip(".")
