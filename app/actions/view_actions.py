"""Actions of the view."""

from app.actions.records import QT_TRANSLATE_NOOP, ActionRecord

VIEW_ACTIONS: tuple[ActionRecord, ...] = (
    ActionRecord(
        id="view.fit",
        menu="view",
        text=QT_TRANSLATE_NOOP("Actions", "&Fit all"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Show the whole drawing"),
        shortcut="F",
        icon="fit",
        toolbar="view",
    ),
    ActionRecord(
        id="view.fit_selection",
        menu="view",
        text=QT_TRANSLATE_NOOP("Actions", "Fit &selection"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Show the selected elements"),
        shortcut="Shift+F",
        icon="fit-selection",
        toolbar="view",
    ),
    ActionRecord(
        id="view.commands",
        menu="view",
        text=QT_TRANSLATE_NOOP("Actions", "&Command palette..."),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Do anything by its name"),
        shortcut="Ctrl+K",
        separator_before=True,
    ),
    ActionRecord(
        id="view.next_issue",
        menu="view",
        text=QT_TRANSLATE_NOOP("Actions", "&Next issue"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Go to the next finding of the checks"),
        shortcut="F8",
        icon="issue",
        separator_before=True,
    ),
    ActionRecord(
        id="view.theme_system",
        menu="view",
        text=QT_TRANSLATE_NOOP("Actions", "Theme of the s&ystem"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Follow the system's light or dark colours"),
        separator_before=True,
        checkable=True,
        choice="theme",
    ),
    ActionRecord(
        id="view.theme_light",
        menu="view",
        text=QT_TRANSLATE_NOOP("Actions", "&Light theme"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Always use light colours"),
        checkable=True,
        choice="theme",
    ),
    ActionRecord(
        id="view.theme_dark",
        menu="view",
        text=QT_TRANSLATE_NOOP("Actions", "&Dark theme"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Always use dark colours"),
        checkable=True,
        choice="theme",
    ),
)
