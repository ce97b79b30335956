"""Every action of the window as a record: menus, tool bar, shortcuts and docs read this table.

What an action does is wired in the shell; this table only says what exists and how it is called.
Menus list their actions in the order of the table.
"""

from app.actions.arrange_actions import ARRANGE_ACTIONS
from app.actions.edit_actions import EDIT_ACTIONS
from app.actions.file_actions import FILE_ACTIONS
from app.actions.help_actions import HELP_ACTIONS
from app.actions.records import QT_TRANSLATE_NOOP, ActionRecord, MenuRecord
from app.actions.run_actions import RUN_ACTIONS
from app.actions.tool_actions import TOOL_ACTIONS
from app.actions.view_actions import VIEW_ACTIONS

MENUS: tuple[MenuRecord, ...] = (
    MenuRecord(id="file", text=QT_TRANSLATE_NOOP("Actions", "&File")),
    MenuRecord(id="edit", text=QT_TRANSLATE_NOOP("Actions", "&Edit")),
    MenuRecord(id="arrange", text=QT_TRANSLATE_NOOP("Actions", "&Arrange")),
    MenuRecord(id="view", text=QT_TRANSLATE_NOOP("Actions", "&View")),
    MenuRecord(id="run", text=QT_TRANSLATE_NOOP("Actions", "&Run")),
    MenuRecord(id="help", text=QT_TRANSLATE_NOOP("Actions", "&Help")),
)

ACTIONS: tuple[ActionRecord, ...] = (
    *FILE_ACTIONS,
    *EDIT_ACTIONS,
    *TOOL_ACTIONS,
    *ARRANGE_ACTIONS,
    *VIEW_ACTIONS,
    *RUN_ACTIONS,
    *HELP_ACTIONS,
)
