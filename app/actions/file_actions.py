"""Actions of files."""

from app.actions.records import QT_TRANSLATE_NOOP, ActionRecord, Key

FILE_ACTIONS: tuple[ActionRecord, ...] = (
    ActionRecord(
        id="file.new",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "&New"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Start an empty design"),
        shortcut=Key.New,
        icon="new",
        toolbar="file",
    ),
    ActionRecord(
        id="file.open",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "&Open..."),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Open a design"),
        shortcut=Key.Open,
        icon="open",
        toolbar="file",
    ),
    ActionRecord(
        id="file.example",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "Open &example"),
        tooltip=QT_TRANSLATE_NOOP(
            "Actions", "Open a copy of a design that comes with the program"
        ),
        icon="demo",
    ),
    ActionRecord(
        id="file.save",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "&Save"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Save the design"),
        shortcut=Key.Save,
        icon="save",
        toolbar="file",
        separator_before=True,
    ),
    ActionRecord(
        id="file.save_as",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "Save &as..."),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Save the design under another name"),
        shortcut="Ctrl+Shift+S",
    ),
    ActionRecord(
        id="file.versions",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "Earlier &versions..."),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Open this file as it was before its last saves"),
    ),
    ActionRecord(
        id="file.import_model",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "Import &model..."),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Add an LLM to the design from its config.json"),
        shortcut="Ctrl+Shift+M",
        icon="import-model",
        separator_before=True,
    ),
    ActionRecord(
        id="file.import_trace",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "Import &trace..."),
        tooltip=QT_TRANSLATE_NOOP(
            "Actions", "Run the workload from a file of requests; columns of any CSV can be chosen"
        ),
        shortcut="Ctrl+Shift+T",
    ),
    ActionRecord(
        id="file.quit",
        menu="file",
        text=QT_TRANSLATE_NOOP("Actions", "&Quit"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Close the window"),
        shortcut="Ctrl+Q",
        separator_before=True,
    ),
)
