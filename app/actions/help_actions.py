"""Actions of help."""

from app.actions.records import QT_TRANSLATE_NOOP, ActionRecord

HELP_ACTIONS: tuple[ActionRecord, ...] = (
    ActionRecord(
        id="help.welcome",
        menu="help",
        text=QT_TRANSLATE_NOOP("Actions", "&Welcome"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Examples, recent designs and the tour"),
        shortcut="F1",
        icon="welcome",
    ),
    ActionRecord(
        id="help.tour",
        menu="help",
        text=QT_TRANSLATE_NOOP("Actions", "&Tour"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "The first three steps, shown in this window"),
        shortcut="Shift+F1",
        icon="tour",
    ),
    ActionRecord(
        id="help.validation",
        menu="help",
        text=QT_TRANSLATE_NOOP("Actions", "&Validation"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "How well predictions match published measurements"),
        shortcut="Ctrl+Shift+V",
        separator_before=True,
    ),
    ActionRecord(
        id="help.about",
        menu="help",
        text=QT_TRANSLATE_NOOP("Actions", "&About Rackflow"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Version and licence"),
    ),
)
