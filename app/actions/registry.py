"""Makes the QActions of the table, and menus and tool bars from them."""

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QToolBar, QWidget

from app.actions.records import ActionRecord
from app.actions.table import ACTIONS, MENUS
from app.support.icons import icon


def translated(text: str) -> str:
    """A text of the action table in the user's language."""
    return QCoreApplication.translate("Actions", text)


def key_sequence(record: ActionRecord) -> QKeySequence:
    """The shortcut of a record on this platform, empty where it has none."""
    return QKeySequence(record.shortcut)


class ActionRegistry(QObject):
    """One QAction per record of the table; owned by the window."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._actions: dict[str, QAction] = {}
        self._groups: dict[str, QActionGroup] = {}
        self._icons = {record.id: record.icon for record in ACTIONS if record.icon}
        for record in ACTIONS:
            self._actions[record.id] = self._make(record, owner)
            self.set_keys(record.id, key_sequence(record))

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def connect_all(self, handlers: dict[str, Callable[[], object]]) -> None:
        """Connects actions to what they do; a record without a handler is a defect."""
        missing = set(self._actions) - set(handlers)
        if missing:
            raise KeyError(", ".join(sorted(missing)))
        for action_id, handler in handlers.items():
            self._actions[action_id].triggered.connect(_without_argument(handler))

    def fill_menu_bar(self, bar: QMenuBar) -> dict[str, QMenu]:
        """Adds every menu of the table with its actions; returns the menus by id."""
        menus: dict[str, QMenu] = {}
        for menu_record in MENUS:
            menu = bar.addMenu(translated(menu_record.text))
            menu.setToolTipsVisible(True)
            menus[menu_record.id] = menu
            for record in ACTIONS:
                if record.menu != menu_record.id:
                    continue
                if record.separator_before and menu.actions():
                    menu.addSeparator()
                menu.addAction(self._actions[record.id])
        return menus

    def fill_tool_bar(self, bar: QToolBar, group: str) -> None:
        """Adds the actions of one tool bar group."""
        for record in ACTIONS:
            if record.toolbar == group:
                bar.addAction(self._actions[record.id])

    def refresh_icons(self) -> None:
        """Draws all icons again in the colours of the current palette."""
        for action_id, name in self._icons.items():
            self._actions[action_id].setIcon(icon(name))

    def set_icon(self, action_id: str, name: str) -> None:
        """Gives an action another icon, which a change of colours keeps."""
        if self._icons.get(action_id) != name:
            self._icons[action_id] = name
            self._actions[action_id].setIcon(icon(name))

    def keys(self, action_id: str) -> QKeySequence:
        """The shortcut of an action as it is now."""
        return self._actions[action_id].shortcut()

    def set_keys(self, action_id: str, keys: QKeySequence) -> None:
        """Gives an action another shortcut; its tool tip says so."""
        action = self._actions[action_id]
        action.setShortcut(keys)
        shown = keys.toString(QKeySequence.SequenceFormat.NativeText)
        tip = action.statusTip()
        action.setToolTip(f"{tip} ({shown})" if shown else tip)

    def _make(self, record: ActionRecord, owner: QWidget) -> QAction:
        action = QAction(translated(record.text), owner)
        action.setObjectName(record.id)
        action.setStatusTip(translated(record.tooltip))
        action.setCheckable(record.checkable)
        if record.icon:
            action.setIcon(icon(record.icon))
        if record.choice:
            group = self._groups.setdefault(record.choice, QActionGroup(self))
            group.addAction(action)
        owner.addAction(action)
        return action


def _without_argument(handler: Callable[[], object]) -> Callable[[bool], None]:
    def run(_checked: bool) -> None:
        handler()

    return run
