"""Actions that arrange what is drawn."""

from app.actions.records import QT_TRANSLATE_NOOP, ActionRecord

ARRANGE_ACTIONS: tuple[ActionRecord, ...] = (
    ActionRecord(
        id="arrange.left",
        menu="arrange",
        text=QT_TRANSLATE_NOOP("Actions", "Align &left"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Left edges on a line"),
        icon="align-left",
    ),
    ActionRecord(
        id="arrange.centre",
        menu="arrange",
        text=QT_TRANSLATE_NOOP("Actions", "Align &centres"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Middles on an upright line"),
        icon="align-centre",
    ),
    ActionRecord(
        id="arrange.right",
        menu="arrange",
        text=QT_TRANSLATE_NOOP("Actions", "Align &right"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Right edges on a line"),
        icon="align-right",
    ),
    ActionRecord(
        id="arrange.top",
        menu="arrange",
        text=QT_TRANSLATE_NOOP("Actions", "Align &top"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Upper edges on a line"),
        icon="align-top",
        separator_before=True,
    ),
    ActionRecord(
        id="arrange.middle",
        menu="arrange",
        text=QT_TRANSLATE_NOOP("Actions", "Align &middles"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Middles on a level line"),
        icon="align-middle",
    ),
    ActionRecord(
        id="arrange.bottom",
        menu="arrange",
        text=QT_TRANSLATE_NOOP("Actions", "Align &bottom"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Lower edges on a line"),
        icon="align-bottom",
    ),
    ActionRecord(
        id="arrange.across",
        menu="arrange",
        text=QT_TRANSLATE_NOOP("Actions", "Distribute &across"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Equal gaps side by side"),
        icon="distribute-across",
        separator_before=True,
    ),
    ActionRecord(
        id="arrange.down",
        menu="arrange",
        text=QT_TRANSLATE_NOOP("Actions", "Distribute &down"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Equal gaps below each other"),
        icon="distribute-down",
    ),
    ActionRecord(
        id="arrange.array",
        menu="arrange",
        text=QT_TRANSLATE_NOOP("Actions", "Arra&y..."),
        tooltip=QT_TRANSLATE_NOOP(
            "Actions", "Copies of the selection in rows and columns, linked"
        ),
        shortcut="Ctrl+Shift+D",
        icon="array",
        separator_before=True,
    ),
    ActionRecord(
        id="arrange.fabric",
        menu="arrange",
        text=QT_TRANSLATE_NOOP("Actions", "Insert &fabric..."),
        tooltip=QT_TRANSLATE_NOOP(
            "Actions", "A whole fabric: Clos, rack row, mesh, torus, dragonfly"
        ),
        shortcut="Ctrl+Shift+I",
        icon="fabric",
    ),
    ActionRecord(
        id="arrange.tidy",
        menu="arrange",
        text=QT_TRANSLATE_NOOP("Actions", "T&idy up"),
        tooltip=QT_TRANSLATE_NOOP("Actions", "Lays the selection, or everything, out in tiers"),
        icon="tidy",
    ),
)
