"""Actions of help."""

from app.actions.records import QT_TRANSLATE_NOOP, ActionRecord

HELP_ACTIONS: tuple[ActionRecord, ...] = (
    ActionRecord(
        id="help.validation",
        menu="help",
        text=QT_TRANSLATE_NOOP("Actions", "&Validation"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "How well predictions match published measurements"),
        shortcut="Ctrl+Shift+V",
    ),
    ActionRecord(
        id="help.about",
        menu="help",
        text=QT_TRANSLATE_NOOP("Actions", "&About Rackflow"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Version and licence"),
    ),
)
