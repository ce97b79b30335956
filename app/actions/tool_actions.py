"""Actions of the tools of the canvas."""

from app.actions.records import QT_TRANSLATE_NOOP, ActionRecord

TOOL_ACTIONS: tuple[ActionRecord, ...] = (
    ActionRecord(
        id="tool.select",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "Select tool"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Select and move elements"),
        shortcut="V",
        icon="select",
        toolbar="tool",
        separator_before=True,
        checkable=True,
        choice="tool",
    ),
    ActionRecord(
        id="tool.link",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "Link tool"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Draw a link from one element to another"),
        shortcut="L",
        icon="link",
        toolbar="tool",
        checkable=True,
        choice="tool",
    ),
    ActionRecord(
        id="tool.pan",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "Pan tool"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Move the view with the left button"),
        shortcut="H",
        icon="pan",
        toolbar="tool",
        checkable=True,
        choice="tool",
    ),
    ActionRecord(
        id="tool.note",
        menu="edit",
        text=QT_TRANSLATE_NOOP("Actions", "Write a note"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Write a text on the drawing where you click"),
        shortcut="N",
        icon="write-note",
    ),
)
