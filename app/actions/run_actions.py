"""Actions of runs."""

from app.actions.records import QT_TRANSLATE_NOOP, ActionRecord

RUN_ACTIONS: tuple[ActionRecord, ...] = (
    ActionRecord(
        id="run.restart",
        menu="run",
        text=QT_TRANSLATE_NOOP("Actions", "&Jump to start"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Forget the run; the next one starts at zero"),
        shortcut="Home",
        icon="restart",
        toolbar="run",
    ),
    ActionRecord(
        id="run.play",
        menu="run",
        text=QT_TRANSLATE_NOOP("Actions", "&Play"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Run or pause the simulation of the drawing"),
        shortcut="Space",
        icon="play",
        toolbar="run",
    ),
    ActionRecord(
        id="run.step",
        menu="run",
        text=QT_TRANSLATE_NOOP("Actions", "&Step"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Simulate one short piece of time and pause"),
        shortcut=".",
        icon="step",
        toolbar="run",
    ),
    ActionRecord(
        id="run.slower",
        menu="run",
        text=QT_TRANSLATE_NOOP("Actions", "S&lower"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Fewer simulated seconds per second"),
        shortcut="[",
        icon="slower",
        toolbar="speed",
        separator_before=True,
    ),
    ActionRecord(
        id="run.faster",
        menu="run",
        text=QT_TRANSLATE_NOOP("Actions", "&Faster"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "More simulated seconds per second"),
        shortcut="]",
        icon="faster",
        toolbar="speed",
    ),
    ActionRecord(
        id="run.fail",
        menu="run",
        text=QT_TRANSLATE_NOOP("Actions", "Let selection f&ail"),
        tooltip=QT_TRANSLATE_NOOP(
            "Actions", "The selected devices and links fail now, at the time of the run"
        ),
        shortcut="Ctrl+Shift+F",
        separator_before=True,
    ),
)
